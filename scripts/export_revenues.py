#!/usr/bin/env python3
"""Money received (the livre des recettes) and revenues of a year or a month, as CSV.

exports/recettes/recettes-2024.csv and revenues-2024.csv, each with its totals by nature and
VAT rate in a file beside it (recettes-2024.totals.csv).
"""

from argparse import ArgumentParser, Namespace

from lib import accounting_tables, cli, exports
from lib.root import Root


def main(arguments: Namespace, root: Root) -> None:
    """Four files, made from one reading of the records."""
    period = arguments.period
    with exports.reading(root, f"export_revenues {period}") as books:
        recettes = accounting_tables.recettes(books.histories, period)
        revenues = accounting_tables.revenues(books.histories, period)
        files = {}
        for name, report in (("recettes", recettes), ("revenues", revenues)):
            stem = f"recettes/{name}-{period}"
            files[f"{stem}.csv"] = report.table.to_bytes(books.settings)
            files[f"{stem}.totals.csv"] = report.totals.to_bytes(books.settings)
        exports.write(root, files)
    print(f"{period}: received {recettes.gross}, invoiced {revenues.gross}")


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    exports.add_period(made)
    return made


if __name__ == "__main__":
    cli.run(parser(), main)
