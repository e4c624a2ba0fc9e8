#!/usr/bin/env python3
"""Every payment, refund and reversal ever recorded, as exports/payments/payments.csv."""

from argparse import ArgumentParser, Namespace

from lib import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    cli.add_flag(made)
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "payments")

from lib import accounting_tables, alerts, exports
from lib.root import Root


def main(_: Namespace, root: Root) -> None:
    """One file."""
    with exports.reading(root, "export_payments") as books:
        table = accounting_tables.payments(books.histories)
        used = books.settings
        exports.write(root, {"payments/payments.csv": table.to_bytes(used)}, used.csv_once)
    things = ("payment, refund or reversal", "payments, refunds and reversals")
    print(alerts.counted(len(table.cells["id"]), *things))


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "payments")
