#!/usr/bin/env python3
"""Money received (the livre des recettes), revenues and VAT due of a year, a quarter or a month.

exports/recettes/recettes-2024.csv, revenues-2024.csv and vat_due-2024.csv, each with its totals
by nature and VAT rate in a file beside it (recettes-2024.totals.csv).
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
    cli.leave_if_done(ARGUMENTS, "recettes")

from collections.abc import Sequence
from functools import partial

from lib.accounting import csv_tables, exports, plain_tables
from lib.accounting.csv_tables import TABLES, Report, TablePart
from lib.books import plain_histories
from lib.books.histories import Dates
from lib.books.plain_histories import PlainHistories
from lib.core import storage
from lib.core.messages import figure, say
from lib.core.root import Root
from lib.inputs.settings import Settings
from lib.values import periods


def main(arguments: Namespace, root: Root) -> None:
    """Six files, made from one reading of the records."""
    period = arguments.period
    with exports.held(root, f"export_revenues {period}") as config:
        dates = periods.beginnings(period)
        parts = exports.of_clients(root, partial(tables_of, root, dates, config), config)
        files: dict[str, storage.Content] = {}
        reports: dict[str, Report] = {}
        for i, (name, table) in enumerate(TABLES.items()):
            rows = [tables[i] for tables in parts]
            data, reports[name] = csv_tables.joined(table.columns, rows, config)
            files[f"recettes/{name}-{period}.csv"] = data
            files[f"recettes/{name}-{period}.totals.csv"] = reports[name].totals.to_bytes(config)
        exports.write(root, files, config.csv_once)
    received, invoiced = (reports[name].gross for name in ("recettes", "revenues"))
    print(
        say(
            "{period}: received {received}, invoiced {invoiced}",
            period=period,
            received=figure(str(received)),
            invoiced=figure(str(invoiced)),
        )
    )


def tables_of(
    root: Root, period: Dates, config: Settings, clients: Sequence[str]
) -> list[TablePart]:
    """The tables of some clients, in the order of TABLES."""
    rows = [
        plain_tables.tables_of(own, period, config)
        if isinstance(own, PlainHistories)
        else [csv_tables.written(table.of(own, period), config) for table in TABLES.values()]
        for own in plain_histories.by_client(root, clients, period)
    ]
    return [csv_tables.part([tables[i] for tables in rows]) for i in range(len(TABLES))]


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "recettes", is_apart=exports.is_for_once)
