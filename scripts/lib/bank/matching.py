"""Matching: which movements of a statement pay which invoices, and why the others are for a person.

Pure rules. A movement is proposed when it leaves no doubt: it came in, names invoices of ours,
and is to the cent what is outstanding of them. An invoice is named by its RF reference (ISO
11649), whose check digits are right, or by its number as a whole word: in a field of the format
that is meant for references, or in the text that came with the transfer. Nothing is matched by
names, or by amounts that are alike.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from lib.bank.statements import BankMovement
from lib.books import closed_periods, payments
from lib.books.payment_rules import Books, Invoice
from lib.books.payments import PaymentEntry
from lib.core.messages import Message, say
from lib.values import money, payment_code

# What matched; words of "codes" of the languages.
BY_REFERENCE = "reference_field"
BY_RF_IN_TEXT = "rf_in_text"
BY_NUMBER_IN_TEXT = "number_in_text"

_WORD = re.compile(r"[A-Z0-9]+(?:[-_/+.][A-Z0-9]+)*")
_PART = re.compile(r"[A-Z0-9]+(?:[-_][A-Z0-9]+)*")
_RF = re.compile(r"(?<![A-Z0-9])RF[0-9]{2}")
_IN_RF = re.compile(r" ?([A-Z0-9])")
_LONGEST_RF = 25

_LONGEST_REFERENCE = 50  # characters (schemas/payment.schema.json)


class Match(NamedTuple):
    """An invoice that a movement names: `reference` is how it does, `by` where."""

    number: str
    reference: str
    by: str


class Proposal(NamedTuple):
    """What a movement pays of one invoice of a client; several invoices are a proposal each."""

    movement: BankMovement
    client: str
    match: Match
    reference: str
    amount: Decimal


class Review(NamedTuple):
    """A movement for a person: why, and the invoices to look at."""

    movement: BankMovement
    reason: Message
    matches: list[Match]


class Matched(NamedTuple):
    """What became of the movements; nobody has to see those recorded already, or outgoing."""

    proposed: list[Proposal]
    review: list[Review]
    recorded: list[BankMovement]
    outgoing: list[BankMovement]


class Known(NamedTuple):
    """What the records say, and what a statement has used up of it so far.

    `names`: the invoices by each way to name them, in capitals. `recorded`: what the payments of
    a day and reference that stand come to, one by one; `earlier`: what was paid of an invoice of
    the tool before, with its days; `reversed`: who reversed the payment of an invoice, of a day
    and reference. `proposed`: where the statement pays an invoice already.
    """

    books: Books
    names: dict[str, list[str]]
    recorded: dict[tuple[date, str], list[Decimal]]
    earlier: dict[str, list[tuple[date, Decimal]]]
    reversed: dict[tuple[str, date, str], str]
    proposed: dict[str, str]


def known(every: Iterable[Books], movements: Iterable[BankMovement]) -> Known:
    """What these movements may be about, of the invoices and payments of some books.

    Args:
      every: the books of one client after the other, so that of the others nothing is held.
    """
    words, days = _said(movements)
    learned = Known(Books({}, {}, {}), {}, {}, {}, {}, {})
    for books in every:
        learned = learned._replace(books=learned.books._replace(closed=books.closed))
        for number, invoice in books.invoices.items():
            references = filter(None, (*_creditor_reference(number), invoice.reference))
            names = {name.upper() for name in (number, *references)} & words
            for name in names:
                learned.names.setdefault(name, []).append(number)
            if names:
                learned.books.invoices[number] = invoice
                learned.earlier[number] = invoice.earlier
        for chain in books.chains.values():
            _learn_payments(learned, payments.entries(chain.records), days)
    return learned


def _learn_payments(learned: Known, entries: Iterable[PaymentEntry], days: set[date]) -> None:
    for entry in entries:
        if entry.kind != payments.PAYMENT or entry.moved not in days:
            continue
        if entry.standing:
            learned.recorded.setdefault((entry.moved, entry.reference), []).append(entry.amount)
        else:
            key = (entry.invoice, entry.moved, entry.reference)
            learned.reversed[key] = payments.name(entry.client, entry.reversed_by)


def _said(movements: Iterable[BankMovement]) -> tuple[set[str], set[date]]:
    """Every name that movements may have for an invoice, in capitals, and the days that they are
    of."""
    words: set[str] = set()
    days = set()
    for movement in movements:
        text = movement.text.upper()
        words.update(name.upper() for name in movement.references)
        words.update(_references_in(text))
        words.update(part for word in _WORD.findall(text) for part in (word, *_PART.findall(word)))
        if movement.booked:
            days.add(movement.booked)
    return words, days


def _creditor_reference(number: str) -> list[str]:
    """The RF reference of a number that can have one; one of the tool before may not."""
    try:
        return [payment_code.creditor_reference(number)]
    except ValueError:
        return []


def match(movements: Iterable[BankMovement], known: Known) -> Matched:
    """Proposes payments for each movement that leaves no doubt; the rest goes to a person."""
    result = Matched([], [], [], [])
    for movement in movements:
        matches = named(movement, known)
        if not movement.credit and not movement.odd and not matches:
            result.outgoing.append(movement)
        elif _is_recorded(movement, matches, known):
            result.recorded.append(movement)
        elif reason := _reason(movement, matches, known):
            result.review.append(Review(movement, reason, matches))
        else:
            result.proposed.extend(_proposals(movement, matches, known))
    return result


def _proposals(movement: BankMovement, matches: list[Match], known: Known) -> Iterator[Proposal]:
    for invoice in matches:
        known.proposed[invoice.number] = movement.place
        owed = known.books.invoices[invoice.number]
        name = reference(movement, matches)
        yield Proposal(movement, owed.client, invoice, name, owed.outstanding)


def reference(movement: BankMovement, matches: list[Match]) -> str:
    """The reference of the payments that this movement is: how it names invoices, or the bank's,
    or the beginning of its text, so that it is known again where a person has recorded it."""
    names = " ".join(dict.fromkeys(invoice.reference for invoice in matches))
    if 0 < len(names) <= _LONGEST_REFERENCE:
        return names
    return movement.bank_reference or movement.text[:_LONGEST_REFERENCE].strip()


# --- what a movement names -----------------------------------------------------------


def named(movement: BankMovement, known: Known) -> list[Match]:
    """The invoices that it names, each once, those of its references first."""
    matches: dict[str, Match] = {}
    for name in movement.references:
        for number in known.names.get(name.upper(), ()):
            matches.setdefault(number, Match(number, name, BY_REFERENCE))
    text = movement.text.upper()
    in_text = [(name, BY_RF_IN_TEXT) for name in _references_in(text) if name in known.names]
    for name, by in (*in_text, *_numbers_in(text, known)):
        for number in known.names[name]:
            # In the records as it stands on the invoice, however it was typed.
            written = name if by == BY_RF_IN_TEXT else number
            matches.setdefault(number, Match(number, written, by))
    return list(matches.values())


def _references_in(text: str) -> Iterator[str]:
    """What may be an RF reference in a text, whole: also in groups, as paper has them."""
    for start in _RF.finditer(text):
        reference, at = start[0], start.end()
        while len(reference) < _LONGEST_RF and (character := _IN_RF.match(text, at)):
            reference, at = reference + character[1], character.end()
            if at == len(text) or not text[at].isalnum():
                yield reference


def _numbers_in(text: str, known: Known) -> Iterator[tuple[str, str]]:
    """Numbers of ours that stand in a text as whole words."""
    for word in _WORD.findall(text):
        for name in (word, *(_PART.findall(word) if word not in known.names else ())):
            numbers = known.names.get(name, ()) if len(name) >= payment_code.SHORTEST_NUMBER else ()
            if any(number.upper() == name for number in numbers):
                yield name, BY_NUMBER_IN_TEXT


# --- why it is for a person ----------------------------------------------------------


def _is_recorded(movement: BankMovement, matches: list[Match], known: Known) -> bool:
    """Whether the payments of a day and reference are this movement, in one or in several lines;
    those that are it are used up."""
    if not movement.credit or movement.booked is None:
        return False
    key = movement.booked, reference(movement, matches)
    amounts = known.recorded.get(key, []) if key[1] else []
    if movement.amount in amounts:
        amounts.remove(movement.amount)
        return True
    if amounts and money.total(amounts) == movement.amount:
        amounts.clear()
        return True
    payment = movement.booked, movement.amount
    paid = known.earlier[matches[0].number] if len(matches) == 1 else []
    if payment in paid and not movement.doubt:
        paid.remove(payment)
        return True
    return False


def _reason(movement: BankMovement, matches: list[Match], known: Known) -> Message | None:
    """Why a movement is for a person, and what is to be written where its day is closed."""
    reason = _doubt(movement, matches, known) or _misfit(movement, matches, known)
    if not is_closed(movement, known.books):
        return reason
    late = say(
        "{day} is in a closed period: write {open} or a later day in date",
        day=str(movement.booked),
        open=str(closed_periods.first_open(known.books.closed)),
    )
    return say("{reason}; {late}", reason=reason, late=late) if reason else late


def is_closed(movement: BankMovement, books: Books) -> bool:
    """Whether a movement is of a day that is closed."""
    return movement.booked is not None and movement.booked <= books.closed


def _doubt(movement: BankMovement, matches: list[Match], known: Known) -> Message | None:
    """Why a movement pays no invoice, whatever the records say of that."""
    if movement.doubt:
        return movement.doubt
    if not movement.credit:
        return say("goes out and names an invoice: a refund, or a payment that came back?")
    if not matches:
        return say("names no invoice of ours")
    for invoice in matches:
        currency = known.books.invoices[invoice.number].currency
        if movement.currency != currency:
            own = movement.currency or say("no currency")
            return say("is in {own}, the invoice in {currency}", own=own, currency=currency)
    return None if movement.booked else say("has no date of booking")


def _misfit(movement: BankMovement, matches: list[Match], known: Known) -> Message | None:
    """Why a movement does not pay exactly what is outstanding of the invoices that it names."""
    assert movement.booked is not None
    invoices = [known.books.invoices[invoice.number] for invoice in matches]
    outstanding = money.total(invoice.outstanding for invoice in invoices)
    if len(invoices) > 1 and movement.amount != outstanding:
        return say(
            "names several invoices, of which {amount} is outstanding: {numbers}",
            amount=money.shown(outstanding),
            numbers=tuple(invoice.number for invoice in invoices),
        )
    for invoice in invoices:
        if reason := _spent(movement.booked, reference(movement, matches), invoice, known):
            return reason
    if movement.amount != outstanding:
        return say("{number} has another amount outstanding", number=invoices[0].number)
    return None


def _spent(day: date, reference: str, invoice: Invoice, known: Known) -> Message | None:
    """Why a movement cannot pay this invoice, be it the only one or not."""
    number = invoice.number
    if by := known.reversed.get((number, day, reference)):
        return say("was recorded, and reversed by {payment}", payment=by)
    if place := known.proposed.get(number):
        return say(
            "a second transfer for {number}; {place} is proposed already",
            number=number,
            place=place,
        )
    if invoice.outstanding <= 0:
        return say("nothing is outstanding of {number}", number=number)
    if day < invoice.issue_date:
        return say(
            "was booked before {number} was issued, on {day}",
            number=number,
            day=invoice.issue_date.isoformat(),
        )
    return None
