#!/usr/bin/env python3
"""Records money received for one invoice.

REFERENCE (of the transfer, the cheque) and NOTE are free text and come from the
environment. AGAIN=yes records the same facts once more, OVERPAYMENT=yes more than is due.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_payment(options)
    options.add_argument("--overpayment", type=cli.yes, default=False, help="yes: more than is due")
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
    allowed = Allowed(arguments.again, arguments.overpayment)
    recording.record_one(
        root, "record_payment.py", payments.PAYMENT, facts, arguments.today, allowed
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
