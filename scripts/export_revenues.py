#!/usr/bin/env python3
"""Money received (the livre des recettes) and revenues of a year or a month, as CSV.

exports/recettes/recettes-2024.csv and revenues-2024.csv, each with its totals by nature and
VAT rate in a file beside it (recettes-2024.totals.csv).
"""

from argparse import ArgumentParser, Namespace

from lib import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    cli.add_period(made)
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from collections.abc import Iterator

from lib import accounting_tables, exports
from lib.accounting_tables import Part
from lib.histories import History
from lib.root import Root
from lib.settings import Settings


def main(arguments: Namespace, root: Root) -> None:
    """Four files, made from one reading of the records."""
    period = arguments.period
    with exports.held(root, f"export_revenues {period}") as used:
        parts = exports.of_shares(root, tables_of, period, used)
        received, recettes = accounting_tables.joined(
            accounting_tables.RECETTES, [one for one, _ in parts], used
        )
        invoiced, revenues = accounting_tables.joined(
            accounting_tables.REVENUES, [one for _, one in parts], used
        )
        files = {
            f"recettes/recettes-{period}.csv": received,
            f"recettes/recettes-{period}.totals.csv": recettes.totals.to_bytes(used),
            f"recettes/revenues-{period}.csv": invoiced,
            f"recettes/revenues-{period}.totals.csv": revenues.totals.to_bytes(used),
        }
        exports.write(root, files)
    print(f"{period}: received {recettes.gross}, invoiced {revenues.gross}")


def tables_of(period: str, used: Settings, clients: Iterator[list[History]]) -> tuple[Part, Part]:
    """Recettes and revenues of some clients."""
    both = [
        (
            accounting_tables.written(accounting_tables.recettes(histories, period), used),
            accounting_tables.written(accounting_tables.revenues(histories, period), used),
        )
        for histories in clients
    ]
    recettes, revenues = ([pair[i] for pair in both] for i in range(2))
    return accounting_tables.part(recettes), accounting_tables.part(revenues)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
