#!/usr/bin/env python3
"""Every payment, refund and reversal ever recorded, as exports/payments/payments.csv."""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_flag(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "payments")

from collections.abc import Iterator
from functools import partial

from lib.accounting import csv_tables, exports
from lib.accounting.csv_tables import TablePart
from lib.books.histories import History
from lib.core.messages import counted
from lib.core.root import Root
from lib.inputs.settings import Settings


def main(_: Namespace, root: Root) -> None:
    """One file."""
    with exports.held(root, "export_payments") as config:
        parts = exports.of_shares(root, partial(payments_of, config), "", config)
        data, _report = csv_tables.joined(csv_tables.PAYMENTS, parts, config)
        exports.write(root, {"payments/payments.csv": data}, config.csv_once)
    number = sum(part.rows for part in parts)
    print(
        counted(number, "1 payment, refund or reversal", "{number} payments, refunds and reversals")
    )


def payments_of(config: Settings, clients: Iterator[list[History]]) -> TablePart:
    """The payments of some clients."""
    rows = (csv_tables.written(csv_tables.payments(own), config) for own in clients)
    return csv_tables.part(rows)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "payments", is_apart=exports.is_for_once)
