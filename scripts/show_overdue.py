#!/usr/bin/env python3
"""Shows who owes what on a date, by age: from the records, reading only.

On an earlier date, it shows what was known then: later invoices, credit notes and payments
do not count. An invoice is late from the day after its due date.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--date", type=cli.day_or_none, default=None, help="(default: today)")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from datetime import date
from decimal import Decimal

from lib.books import balances, issuing
from lib.books.balances import AGES, InvoiceBalance, age, days_late
from lib.core import lock, tables
from lib.core.faults import Alert, Fault, Unavailable
from lib.core.messages import Message, counted, say
from lib.core.root import Root
from lib.inputs import settings
from lib.values import money


def main(arguments: Namespace, root: Root) -> None:
    """Two tables and a line: by client and age, the late invoices, what is to be given back."""
    day = arguments.date or arguments.today
    with lock.shared(root, settings.load(root).lock_wait):
        refuse_half_done(root)
        invoices = [
            invoice for invoice in balances.read_all(root, until=day) if invoice.outstanding
        ]
    due = [invoice for invoice in invoices if invoice.outstanding > 0]
    overpaid = [invoice for invoice in invoices if invoice.outstanding < 0]
    late = sorted(
        (invoice for invoice in due if days_late(invoice, day) > 0),
        key=lambda invoice: (-days_late(invoice, day), invoice.client, invoice.number),
    )
    if not due:
        print(say("nothing is outstanding on {day}", day=str(day)))
    else:
        show_ages(due, day)
    if late:
        print()
        show_late(late, day)
    for invoice in overpaid:
        amount = money.shown(-invoice.outstanding, 2)
        back = say(
            "{client}: {amount} {currency} to give back for {invoice}",
            client=invoice.client,
            amount=amount,
            currency=invoice.currency,
            invoice=invoice.number,
        )
        print(back)
    sums = [
        money.shown(money.total(invoice.outstanding for invoice in group), 2)
        for group in (due, late)
    ]
    total = say(
        "{outstanding} outstanding on {day}, of which {late} late ({invoices})",
        outstanding=sums[0],
        day=str(day),
        late=sums[1],
        invoices=counted(len(late), "1 invoice", "{number} invoices"),
    )
    print(f"\n{total}")


def refuse_half_done(root: Root) -> None:
    """A run that stopped half-way is finished by whoever writes next; readers wait for that.

    Raises:
      Unavailable: if there is one.
    """
    stopped = issuing.stopped_runs(root)
    if stopped:
        found = say("a run was stopped half-way: {command}", command=stopped[0])
        fault = Fault("", found, remedy=say("`make reconcile` finishes it"))
        raise Unavailable([Alert("B-RUN-STOPPED", "data/pending", fault)])


def show_ages(due: list[InvoiceBalance], day: date) -> None:
    """A line a client, with what it owes by age, and the sums."""
    owed: dict[str, list[Decimal]] = {}
    for invoice in due:
        by_age = owed.setdefault(invoice.client, [money.ZERO] * len(AGES))
        by_age[age(invoice, day)] += invoice.outstanding
    sums = [money.total(column) for column in zip(*owed.values(), strict=True)]
    lines: list[tuple[Message | str, list[Decimal]]] = [*owed.items(), (say("total"), sums)]
    rows: list[list[Message | str]] = [
        [who, *[money.shown(value, 2) for value in (*by_age, money.total(by_age))]]
        for who, by_age in lines
    ]
    title = say("outstanding on {day}, by days late", day=str(day))
    ages = (say("current"), *AGES[1:-1], say("over 90"))
    tables.show(title, [say("client"), *ages, say("total")], rows, right=6)


def show_late(late: list[InvoiceBalance], day: date) -> None:
    """A line an invoice, the latest first."""
    rows: list[list[Message | str]] = [
        [
            invoice.client,
            invoice.buyer,
            invoice.number,
            str(invoice.due_date),
            str(days_late(invoice, day)),
            money.shown(invoice.outstanding, 2),
        ]
        for invoice in late
    ]
    headings = [
        say("client"),
        say("buyer"),
        say("invoice"),
        say("due"),
        say("days late"),
        say("outstanding"),
    ]
    tables.show(say("late"), headings, rows, right=2)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
