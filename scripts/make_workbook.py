#!/usr/bin/env python3
"""A year, a quarter or a month for people who calculate: exports/workbook/workbook-2026.xlsx.

Money received, revenues, VAT by month and rate, clients by month, what is outstanding by age,
payments, deposits and the numbers used, with real dates and numbers, and sums as formulas. What
is owed is as it stood on the last day of the period. Its figures are those of the CSV exports.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_period(options, quarter_too=True)
    options.add_argument(
        "--language", default="", help="fr or en (default: by the issuer's country)"
    )
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "workbook")

from collections.abc import Iterator
from functools import partial

from lib.accounting import exports, frames, workbook
from lib.accounting.frames import Gathered
from lib.books.histories import History
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import inputs


def main(arguments: Namespace, root: Root) -> None:
    """One file."""
    period = arguments.period
    issuer = inputs.load_issuer(root)
    language = exports.language(arguments.language, issuer)
    name = f"workbook/workbook-{period}.xlsx"
    with exports.held(root, f"make_workbook {period}") as config:
        parts = exports.each_share(root, partial(tables_of, period), "", config)
        try:
            data = workbook.render(parts, period, issuer.party.name, language)
        except workbook.TooLong as long:
            found = say(
                "a table of {rows} rows, and a sheet holds {most}",
                rows=long.rows,
                most=workbook.ROWS,
            )
            remedy = say("make one of each month, with MONTH=..., or use the CSV exports")
            fault = Fault("", found, remedy=remedy)
            raise Refused([Alert("B-WORKBOOK-FULL", f"exports/{name}", fault)]) from long
        exports.write(root, {name: data})


def tables_of(period: str, clients: Iterator[list[History]]) -> Gathered:
    """The tables of some clients."""
    return frames.gather(frames.tables(own, period) for own in clients)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "workbook")
