#!/usr/bin/env python3
"""Records money given back for one invoice: credited after it was paid, or paid too much.

At most what was paid beyond the invoice less its credit notes. REFERENCE and NOTE are free
text and come from the environment. AGAIN=yes records the same facts once more.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_payment(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib.books import payments, recording
from lib.books.payment_rules import Allowed
from lib.core.root import Root


def main(arguments: Namespace, root: Root) -> None:
    """One line in data/payments/<client>.jsonl, or a refusal."""
    facts = recording.typed(
        client=arguments.client,
        invoice=arguments.invoice,
        date=arguments.date,
        amount=arguments.amount,
        method=arguments.method,
        value_date=arguments.value_date,
    )
    recording.record_one(
        root, "record_refund.py", payments.REFUND, facts, arguments.today, Allowed(arguments.again)
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
