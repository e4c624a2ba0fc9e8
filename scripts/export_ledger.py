#!/usr/bin/env python3
"""Plain-text accounting of the fiscal year that ends in YEAR: exports/ledger/<year>.journal,
which hledger and ledger read, and <year>.beancount.
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
    cli.leave_if_done(ARGUMENTS, "ledger")

from functools import partial

from lib.accounting import bookkeeping, exports, ledgers
from lib.books import closed_periods
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.inputs import inputs


def main(arguments: Namespace, root: Root) -> None:
    """Two files with the same content."""
    issuer = inputs.load_issuer(root)
    with exports.held(root, f"export_ledger {arguments.year}") as config:
        closed = closed_periods.read(root)
        year = bookkeeping.fiscal_year(arguments.year, issuer.fiscal_year_end, closed)
        parts = exports.of_shares(root, partial(ledgers.ledger_of, year), "", config)
        files = {
            f"ledger/{arguments.year}.{suffix}": partial(ledgers.file, suffix, year, parts)
            for suffix in ledgers.FILES
        }
        exports.write(root, files)
    number = sum(part.transactions for part in parts)
    text = counted(number, "1 transaction", "{number} transactions")
    print(
        say("{start} to {end}: {transactions}", start=year.start, end=year.end, transactions=text)
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "ledger")
