#!/usr/bin/env python3
"""What to type at the tax office, the customs and URSSAF for MONTH, QUARTER or YEAR.

exports/declarations/declaration-2024-03.csv has each box with its cents and whole euros,
declaration-2024-03.documents.csv what each of them is made of, des-2024-03.xml the DES of a month
with services to businesses in the EU, to be handed over as it is.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_period(options, quarter_too=True)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "declarations")

from collections.abc import Sequence
from functools import partial

from lib.accounting import declarations, exports
from lib.accounting.declarations import BoxFigure, BoxPart
from lib.core import tables
from lib.core.faults import Alert, Broken, Fault, Refused
from lib.core.messages import Message, figure, say
from lib.core.root import Root
from lib.inputs import inputs
from lib.inputs.issuer_file import Issuer
from lib.values import money, territories


def main(arguments: Namespace, root: Root) -> None:
    """The boxes of every form, from one reading of the records; checked, written, shown."""
    period = arguments.period
    issuer = inputs.load_issuer(root)
    _refuse_other_states(issuer)
    with exports.held(root, f"declare {period}") as config:
        work = partial(declarations.part, period)
        whole = declarations.joined(exports.of_shares(root, work, period[:4], config))
        figures = declarations.declaration(issuer, period, whole)
        _check(figures, whole)
        files = {
            f"declarations/declaration-{period}.{suffix}": data
            for suffix, data in declarations.tables(figures, config).items()
        }
        exports.write(root, files, config.csv_once)
        if des := declarations.des_files(issuer, period, figures):
            exports.write(root, {f"declarations/{name}": data for name, data in des.items()})
    _show(period, figures)


def _refuse_other_states(issuer: Issuer) -> None:
    place = territories.of_address(issuer.party.address)
    if place.state != declarations.STATE:
        found = say("is in {place}, and these forms are French", place=place.name)
        remedy = say("declare by the totals of `make export`")
        fault = Fault("party.address", found, remedy=remedy)
        raise Refused([Alert("B-DECLARATION-STATE", "issuer.json", fault)])


def _check(figures: Sequence[BoxFigure], whole: BoxPart) -> None:
    """The boxes of VAT come to what the books say, which is computed another way."""
    declared = declarations.vat_of(figures)
    if declared != whole.booked:
        found = say(
            "the boxes come to {declared} of VAT, the entries of the FEC to {booked}",
            declared=figure(money.text_of(declared)),
            booked=figure(money.text_of(whole.booked)),
        )
        remedy = say("declare neither, and report this fault of the program")
        raise Broken([Alert("B-DECLARATION-SUM", "", Fault("", found, remedy=remedy))])


def _show(period: str, figures: Sequence[BoxFigure]) -> None:
    if not figures:
        print(say("{period}: nothing to declare", period=period))
        return
    headings = [say("form"), say("box"), say("what"), say("net"), say("VAT"), say("whole euros")]
    rows: list[list[Message | str]] = []
    for box in figures:
        amounts = [amount for amount in (box.net, box.vat) if amount is not None]
        rows.append(
            [
                box.form,
                box.box,
                box.label,
                *("" if cents is None else figure(money.text_of(cents)) for cents in box[3:5]),
                " / ".join(str(declarations.euros(amount)) for amount in amounts),
            ]
        )
    tables.show(period, headings, rows, right=3)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "declarations", is_apart=exports.is_for_once)
