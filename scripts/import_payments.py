#!/usr/bin/env python3
"""Records many payments at once from a CSV file: all of them or none.

The first line is client,invoice,amount,date,method,reference,note; or the file is one that
`make statement` wrote, the review with client and invoice filled in. docs/statements.md has all.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--file", type=Path, required=True, help="payments.csv")
    options.add_argument("--again", type=cli.yes, default=False, help="yes: the same once more")
    options.add_argument("--overpayment", type=cli.yes, default=False, help="yes: more than is due")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from datetime import date
from decimal import Decimal

from lib.bank import payment_files
from lib.bank.payment_files import Payments
from lib.books import (
    closed_periods,
    histories,
    issuing,
    payment_rules,
    payments,
    recording,
    records,
)
from lib.books.payment_rules import Allowed, Books
from lib.core import handed_file, storage
from lib.core.faults import Fault, Refused, printable
from lib.core.messages import Code, counted, figure, say
from lib.core.root import Root
from lib.inputs import settings
from lib.values import money

LARGEST = 10_000_000  # bytes of a file


def main(arguments: Namespace, root: Root) -> None:
    """The story of an import."""
    data = handed_file.read(arguments.file, LARGEST)
    file = str(arguments.file)
    handed = payment_files.read(file, data)
    command = f"import_payments {storage.sha256(data)}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            finished = say("{file} was imported by finishing the run that had stopped", file=file)
            print(printable(str(finished)))
            return
        named = {row["client"] for row in handed.rows.values()}
        numbers = {row["invoice"] for row in handed.rows.values()}
        clients = sorted(named & set(histories.clients_of(root)))
        books = recording.open_books(root, clients, numbers)
        allowed = Allowed(arguments.again, arguments.overpayment)
        facts = decide(root, file, books, handed, arguments.today, allowed)
        names = [
            name
            for client, new in facts.items()
            for name in payments.record(run, books.chains[client], new)
        ]
        run.commit()
    for note in handed.notes:
        print(note)
    report(root, names, [fact for new in facts.values() for fact in new])
    if handed.left_alone:
        print(say("{lines} without client and invoice left alone", lines=handed.left_alone))


def decide(
    root: Root, file: str, books: Books, handed: Payments, today: date, allowed: Allowed
) -> dict[str, list[records.Record]]:
    """The lines to record for each client, each seen after those above it.

    A line that is refused counts for nothing below it: payments only use up what is
    outstanding, so that no line is refused for want of another.

    Raises:
      Refused: with everything that is wrong with any line, in their order.
    """
    facts: dict[str, list[records.Record]] = {}
    faults = [*handed.faults]
    for line, row in handed.rows.items():
        if len(faults) >= payment_files.MOST_FAULTS:
            faults.append(payment_files.stopped(file, line))
            break
        wrong = recording.faults(root, books, payments.PAYMENT, row, today, allowed)
        if not wrong:
            wrong = currency_faults(books, row["invoice"], handed.currencies[line])
        closed = payment_rules.closed_faults(row, books.closed)
        faults += [
            payment_files.on_line(closed_periods.CODE, file, line, fault) for fault in closed
        ]
        faults += [payment_files.on_line("B-PAYMENT", file, line, fault) for fault in wrong]
        if not wrong and not closed:
            currency = books.invoices[row["invoice"]].currency
            new = payments.fact(payments.PAYMENT, row, currency)
            facts.setdefault(row["client"], []).append(new)
            payment_rules.take_in(books, payments.PAYMENT, row, say("line {line}", line=line))
    if faults:
        faults.sort(key=lambda fault: fault[0])
        raise Refused(alert for _, alert in faults)
    return facts


def currency_faults(books: Books, number: str, came_in: str) -> list[Fault]:
    """Why money in one currency does not pay an invoice in another."""
    currency = books.invoices[number].currency
    if came_in in ("", currency):
        return []
    found = say(
        "came in {own}, {number} is in {currency}", own=came_in, number=number, currency=currency
    )
    remedy = say("record by `make payment` what it came to in {currency}", currency=currency)
    return [Fault("currency", found, remedy=remedy)]


def report(root: Root, names: list[str], facts: list[records.Record]) -> None:
    """One line a payment, and a summary."""
    for name, fact in zip(names, facts, strict=True):
        values = {key: fact[key] for key in ("currency", "invoice", "date")}
        recorded = say(
            "{name}: payment of {amount} {currency} for {invoice} on {date}, {method}",
            name=name,
            amount=figure(fact["amount"]),
            method=Code(fact["method"]),
            **values,
        )
        recording.report(root, fact["client"], "import_payments.py", recorded)
    total = money.shown(money.total(Decimal(fact["amount"]) for fact in facts), 2)
    print(
        say(
            "{payments} recorded, {total} in all",
            payments=counted(len(facts), "1 payment", "{number} payments"),
            total=total,
        )
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
