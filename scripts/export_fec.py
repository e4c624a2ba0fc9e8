#!/usr/bin/env python3
"""Sales and receipts of the fiscal year that ends in YEAR, as exports/fec/<SIREN>FEC<day>.txt.

For import into the accountant's books: it is not a complete legal FEC (docs/accounting.md).
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--year", type=cli.year, required=True, help="2024")
    cli.add_flag(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "fec")

from functools import partial

from lib.accounting import bookkeeping, exports, fec
from lib.books import closed_periods
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.inputs import client_files, inputs


def main(arguments: Namespace, root: Root) -> None:
    """One file a fiscal year; one that another closing date left behind is removed."""
    issuer = inputs.load_issuer(root)
    if not issuer.party.siren:
        fault = Fault("party.siren", say("is missing"), say("a FEC names it"))
        raise Refused([Alert("B-FEC-SIREN", "issuer.json", fault)])
    with exports.held(root, f"export_fec {arguments.year}") as config:
        closed = closed_periods.read(root)
        year = bookkeeping.fiscal_year(arguments.year, issuer.fiscal_year_end, closed)
        name = fec.file_name(issuer.party.siren, year.end)
        chart = fec.chart(issuer.accounts, client_files.accounts(root), closed)
        work = partial(fec.part, chart, year, year)
        parts = exports.of_shares(root, work, year.months, config)
        exports.write(root, {f"fec/{name}": partial(fec.joined, parts)})
        for path in (root.exports / "fec").glob(f"*FEC{arguments.year}????.txt"):
            if path.name != name:
                path.unlink()
    lines = counted(sum(part.lines for part in parts), "1 line", "{number} lines")
    print(
        say(
            "{start} to {end}: {lines}; for import, not a complete legal FEC",
            start=year.start,
            end=year.end,
            lines=lines,
        )
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "fec")
