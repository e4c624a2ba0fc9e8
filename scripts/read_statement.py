#!/usr/bin/env python3
"""Reads a bank statement (camt.053 or OFX) and proposes payments; records nothing.

Writes two files to exports/payments/: statement-<hash>.proposed.csv, for `make
payments-import`, with what names one open invoice in a reference of its own and pays exactly
what is outstanding of it; statement-<hash>.review.csv with all other incoming amounts, each
with the reason. docs/statements.md has the rules.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.core import cli
from lib.core.faults import Alert, Refused, printable


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--file", type=Path, required=True, help="statement.xml")
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from lib.bank import camt, ofx, statements
from lib.bank.statements import Movement, StatementError
from lib.books import issuing, payment_rules, payments, records, revenues
from lib.books.payment_rules import Books
from lib.core import handed_file, lock, storage
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.documents import csv_files
from lib.inputs import settings
from lib.values import money, payment_code

LARGEST = 20_000_000  # bytes of a statement
REVIEW = [
    "place",
    "account",
    "date",
    "amount",
    "currency",
    "party",
    "text",
    "references",
    "bank_reference",
    "reason",
    "candidate",
    "outstanding",
]

# A transfer as a person would tell it from any other: invoice, date, amount, reference.
Transfer = tuple[str, date, Decimal, str]


class Known(NamedTuple):
    """What the records say, and what this file has used up of it so far.

    `numbers`: the invoices that a reference names. `recorded`: how often a transfer stands in
    the payment records; `reversed`: those that were reversed since.
    """

    books: Books
    numbers: dict[str, list[str]]
    recorded: Counter[Transfer]
    reversed: dict[Transfer, str]
    proposed: dict[str, str]


Row = tuple[Movement, list[str]]


class Sorted(NamedTuple):
    """What became of the movements: rows of both files, and those that need neither."""

    proposed: list[Row]
    review: list[Row]
    recorded: list[Movement]
    outgoing: list[Movement]


def main(arguments: Namespace, root: Root) -> None:
    """The story of a statement."""
    data = handed_file.read(arguments.file, LARGEST)
    name = str(arguments.file)
    try:
        file = (ofx if ofx.is_ofx(data) else camt).read(data)
        movements = statements.check(file)
    except StatementError as error:
        raise Refused(Alert("B-STATEMENT", name, fault) for fault in error.faults) from None
    with lock.exclusive(root, "read_statement", settings.load(root).lock_wait):
        issuing.finish_stopped_runs(root)
        result = sort_out(movements, learn(root))
        stem = f"statement-{storage.sha256(data)[:12]}"
        folder = root.exports / "payments"
        proposed, review = folder / f"{stem}.proposed.csv", folder / f"{stem}.review.csv"
        storage.update_derived(proposed, table(payments.COLUMNS, result.proposed))
        storage.update_derived(review, table(REVIEW, result.review))
    heading = say("{number} movements in {file}", number=len(movements), file=name)
    for line in [heading, *file.notes, *incoming(result)]:
        print(printable(str(line)))
    print(say("{number} proposed in {file}", number=len(result.proposed), file=str(proposed)))
    print(say("{number} to review in {file}", number=len(result.review), file=str(review)))
    print(
        say(
            "{recorded} recorded already, {outgoing} outgoing",
            recorded=len(result.recorded),
            outgoing=len(result.outgoing),
        )
    )
    if result.proposed:
        command = f"make payments-import ROOT={root.path} FILE={proposed}"
        print(say("record them: {command}", command=command))


# --- what the records know -----------------------------------------------------------


def learn(root: Root) -> Known:
    """The books of every client, and each invoice by what a transfer may call it."""
    paid = payments.read(root)
    known = Known(Books({}, {}, {}), {}, Counter(), {}, {})
    for client, chain in revenues.read(root, revenues.DIRECT).items():
        empty = records.empty(payments.chain_path(root, client))
        payment_rules.enter(known.books, chain, paid.get(client, empty))
    for number in known.books.invoices:
        for reference in (number, payment_code.creditor_reference(number)):
            known.numbers.setdefault(reference, []).append(number)
    for chain in paid.values():
        for entry in payments.entries(chain.records):
            transfer = (entry.invoice, entry.date, entry.amount, entry.reference)
            if entry.kind == payments.PAYMENT and entry.standing:
                known.recorded[transfer] += 1
            elif entry.kind == payments.PAYMENT:
                known.reversed[transfer] = payments.name(entry.client, entry.reversed_by)
    return known


# --- what a statement says -----------------------------------------------------------


def sort_out(movements: Iterable[Movement], known: Known) -> Sorted:
    """Proposes a payment for each movement that leaves no doubt; the rest goes to a person."""
    result = Sorted([], [], [], [])
    for movement in movements:
        numbers = named(movement, known)
        if not movement.credit and not movement.odd and not numbers:
            result.outgoing.append(movement)
            continue
        reason = doubt(movement, numbers, known)
        if not reason and known.recorded[transfer_of(movement, numbers[0])]:
            known.recorded[transfer_of(movement, numbers[0])] -= 1
            result.recorded.append(movement)
        elif reason := reason or misfit(movement, numbers[0], known):
            result.review.append((movement, review_row(movement, reason, numbers, known)))
        else:
            result.proposed.append((movement, propose(movement, numbers[0], known)))
    return result


def incoming(result: Sorted) -> list[Message]:
    """For each currency what came in, and what became of it: the parts add up to the whole."""
    groups = {
        "proposed": [movement for movement, _ in result.proposed],
        "review": [movement for movement, _ in result.review],
        "recorded": result.recorded,
    }
    sums: dict[str, dict[str, Decimal]] = {}
    for group, movements in groups.items():
        for movement in movements:
            if movement.credit:
                of = sums.setdefault(movement.currency, dict.fromkeys(groups, money.ZERO))
                of[group] = money.total([of[group], movement.amount])
    return [
        say(
            "{total} {currency} came in, of which {proposed} proposed, {review} to review,"
            " {recorded} recorded already",
            total=money.plain(money.total(of.values()), 2),
            currency=currency,
            **{group: money.plain(amount, 2) for group, amount in of.items()},
        )
        for currency, of in sorted(sums.items())
    ]


def named(movement: Movement, known: Known) -> list[str]:
    """The invoices that its references name."""
    found = [number for ref in movement.references for number in known.numbers.get(ref, [])]
    return list(dict.fromkeys(found))


def transfer_of(movement: Movement, number: str) -> Transfer:
    """The movement as the payment that it would be; it has a date."""
    assert movement.booked is not None
    return number, movement.booked, movement.amount, reference_of(movement, number)


def reference_of(movement: Movement, number: str) -> str:
    """The reference by which it names the invoice: the first that does."""
    mine = (number, payment_code.creditor_reference(number))
    return next(reference for reference in movement.references if reference in mine)


def doubt(movement: Movement, numbers: list[str], known: Known) -> Message | None:
    """Why a movement does not pay one invoice, whatever the records say of that."""
    if movement.doubt:
        return movement.doubt
    if not movement.credit:
        return say("goes out and names an invoice: a refund, or a payment that came back?")
    if not numbers:
        return say("no reference of ours in a field of its own")
    if len(numbers) > 1:
        return say("names several invoices: {numbers}", numbers=tuple(numbers))
    currency = known.books.invoices[numbers[0]].currency
    if movement.currency != currency:
        own = movement.currency or say("no currency")
        return say("is in {own}, the invoice in {currency}", own=own, currency=currency)
    return None if movement.booked else say("has no date of booking")


def misfit(movement: Movement, number: str, known: Known) -> Message | None:
    """Why a movement that names one invoice does not pay exactly what is outstanding of it."""
    invoice = known.books.invoices[number]
    assert movement.booked is not None
    reversed_by = known.reversed.get(transfer_of(movement, number))
    if reversed_by:
        return say("was recorded, and reversed by {payment}", payment=reversed_by)
    if number in known.proposed:
        return say(
            "a second transfer for {number}; {place} is proposed already",
            number=number,
            place=known.proposed[number],
        )
    if invoice.outstanding <= 0:
        return say("nothing is outstanding of {number}", number=number)
    if movement.amount != invoice.outstanding:
        return say("{number} has another amount outstanding", number=number)
    if movement.booked < invoice.issue_date:
        return say(
            "was booked before {number} was issued, on {day}",
            number=number,
            day=invoice.issue_date.isoformat(),
        )
    return None


# --- rows ----------------------------------------------------------------------------


def propose(movement: Movement, number: str, known: Known) -> list[str]:
    """A row for `make payments-import`; the invoice counts as paid from here on."""
    assert movement.booked is not None
    client = known.books.invoices[number].client
    note = f"bank reference {movement.bank_reference}"
    row = {
        "client": client,
        "invoice": number,
        "amount": money.plain(movement.amount, 2),
        "date": movement.booked.isoformat(),
        "method": movement.method,
        "reference": reference_of(movement, number),
    }
    printable = not payment_rules.form_faults({**row, "note": note}, "payment")
    known.proposed[number] = movement.place
    return [*row.values(), note if movement.bank_reference and printable else ""]


# What may name an invoice in free text: a candidate for a person, never a match.
_MENTION = re.compile(r"[A-Z0-9]{1,8}-20[0-9]{2}-[0-9]{4,9}|RF[0-9]{2}[A-Z0-9]{1,21}")


def review_row(movement: Movement, reason: Message, numbers: list[str], known: Known) -> list[str]:
    """A row for a person, with the invoice to look at where a reference or the text names one."""
    mentions = _MENTION.findall(movement.text)
    found = [number for mention in mentions for number in known.numbers.get(mention, [])]
    candidates = numbers or list(dict.fromkeys(found))
    rest = [money.plain(known.books.invoices[number].outstanding, 2) for number in candidates]
    texts = [
        movement.party,
        movement.text,
        " ".join(movement.references),
        movement.bank_reference,
    ]
    return [
        movement.place,
        harmless(movement.account),
        movement.booked.isoformat() if movement.booked else "",
        money.plain(statements.signed(movement), 2),
        harmless(movement.currency),
        *map(harmless, texts),
        harmless(str(reason)),
        " ".join(candidates),
        " ".join(rest),
    ]


def harmless(text: str) -> str:
    """A text from outside for a spreadsheet: on one line, and never a formula."""
    return csv_files.safe(printable(text))


def table(columns: list[str], rows: list[Row]) -> bytes:
    """CSV as RFC 4180 has it."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([columns, *(cells for _, cells in rows)])
    return stream.getvalue().encode()


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
