"""What may be recorded of money: the rules that payments, refunds, write-offs and reversals pass.

Pure functions of the records, which alone decide: money for an invoice can be recorded
whatever became of its client's file since. books/recording.py reads the records for them.
"""

import itertools
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from lib.books import balances, closed_periods, openings, payments, records
from lib.books.record_lines import OpeningLine
from lib.core import dates
from lib.core.faults import Fault
from lib.core.messages import Message, say
from lib.inputs import schemas
from lib.values import money

# kind, invoice, date, amount, method (or cause), reference: what makes two payments the same.
Identity = tuple[str, str, date, Decimal, str, str]


class Change(NamedTuple):
    """A fact, by its name, that makes an invoice more paid (`amount` above 0) or less.

    `cause` is that of a write-off.
    """

    date: date
    amount: Decimal
    name: str
    cause: str = ""


class Invoice(NamedTuple):
    """An invoice as payments see it, with its credit notes and what was paid or given back.

    `reference` is the one that an open invoice of the tool before asks transfers for.
    """

    client: str
    number: str
    issue_date: date
    currency: str
    gross: Decimal
    credit_notes: tuple[Change, ...]
    movements: tuple[Change, ...]
    reference: str = ""

    @property
    def outstanding(self) -> Decimal:
        """What is still to pay; below 0: to give back."""
        return balances.outstanding(self.gross, _sum(self.credit_notes), _sum(self.movements))

    @property
    def lost(self) -> tuple[Change, ...]:
        """The write-offs that stand of what was not paid."""
        return tuple(change for change in self.movements if change.cause and change.amount > 0)

    @property
    def earlier(self) -> list[tuple[date, Decimal]]:
        """What an invoice of the tool before was entered with: the days and amounts paid there."""
        return [
            (change.date, change.amount) for change in self.movements if change.name == self.number
        ]

    @property
    def changes(self) -> tuple[Change, ...]:
        """All that happened to it, its own issue first."""
        issued = Change(self.issue_date, -self.gross, self.number)
        return (issued, *self.credit_notes, *self.movements)


def _sum(changes: tuple[Change, ...]) -> Decimal:
    return money.total(change.amount for change in changes)


class Books(NamedTuple):
    """What the records say: payment chains by client, invoices by number, who said it before.

    `seen` names the line that has the facts already. `closed` is the last day that is closed.
    """

    chains: dict[str, records.Chain]
    invoices: dict[str, Invoice]
    seen: dict[Identity, Message | str]
    closed: date = date.min


class Allowed(NamedTuple):
    """What the operator insists on: AGAIN=yes and OVERPAYMENT=yes."""

    again: bool = False
    overpayment: bool = False


# --- the books -----------------------------------------------------------------------


def enter(
    books: Books,
    issued: records.Chain,
    chain: records.Chain,
    opened: Iterable[OpeningLine] = (),
    asked: Container[str] | None = None,
) -> None:
    """Adds one client's records to the books: issued, paid and opened.

    Args:
      asked: the numbers that are asked about, where the books are those of many clients: of other
        invoices nothing is held, and of a chain its end alone. None: all.
    """
    entries = payments.entries(chain.records)
    if asked is not None:
        issued = issued._replace(
            records=tuple(
                fact for fact in issued.records if fact.get("corrects", fact["number"]) in asked
            )
        )
        chain = chain._replace(records=())
        entries = [entry for entry in entries if entry.invoice in asked]
        opened = [line for line in openings.standing(opened) if line.number in asked]
    credit_notes: dict[str, list[Change]] = {}
    movements: dict[str, list[Change]] = {}
    for fact in issued.records:
        if fact["kind"] == "credit_note":
            day, gross = date.fromisoformat(fact["issue_date"]), Decimal(fact["gross"])
            note = Change(day, gross, fact["number"])
            credit_notes.setdefault(fact["corrects"], []).append(note)
    for entry in entries:
        # What was reversed counts as if it had never been, whenever that was seen.
        if entry.standing:
            change = Change(entry.date, entry.amount, entry.name, entry.cause)
            movements.setdefault(entry.invoice, []).append(change)
    for fact in issued.records:
        if fact["kind"] == "invoice":
            number = fact["number"]
            books.invoices[number] = Invoice(
                fact["client"],
                number,
                date.fromisoformat(fact["issue_date"]),
                fact["currency"],
                Decimal(fact["gross"]),
                tuple(credit_notes.get(number, ())),
                tuple(movements.get(number, ())),
            )
    for line in openings.standing(opened):
        earlier = [
            Change(date.fromisoformat(before.date), Decimal(before.amount), line.number)
            for before in line.paid
        ]
        books.invoices[line.number] = Invoice(
            line.client,
            line.number,
            date.fromisoformat(line.issue_date),
            line.currency,
            Decimal(line.gross),
            (),
            (*earlier, *movements.get(line.number, ())),
            line.reference,
        )
    books.chains[chain.path.stem] = chain
    for entry in entries:
        if entry.kind != payments.REVERSAL:
            amount = entry.amount.copy_abs()
            how = entry.method or entry.cause
            facts = (entry.kind, entry.invoice, entry.moved, amount, how, entry.reference)
            books.seen[facts] = entry.name
            if entry.reversed_by:
                by = payments.name(entry.client, entry.reversed_by)
                books.seen[facts] = say("{name}, reversed by {by}", name=entry.name, by=by)


def take_in(books: Books, kind: str, facts: Mapping[str, str], name: Message | str) -> None:
    """Enters one more line, known as `name`, so that the next one is seen after it."""
    invoice = books.invoices[facts["invoice"]]
    cause = facts.get("cause", "")
    effect = payments.effect(kind, cause, Decimal(facts["amount"]), None)
    change = Change(date.fromisoformat(facts["date"]), effect, str(name), cause)
    books.invoices[invoice.number] = invoice._replace(movements=(*invoice.movements, change))
    books.seen[identity(kind, facts)] = name


def identity(kind: str, facts: Mapping[str, str]) -> Identity:
    """What makes two payments the same."""
    day = date.fromisoformat(facts.get("value_date") or facts["date"])
    amount = Decimal(facts["amount"])
    how = facts.get("method") or facts["cause"]
    return kind, facts["invoice"], day, amount, how, facts.get("reference", "")


# --- the rules -----------------------------------------------------------------------


def form_faults(facts: Mapping[str, str], schema: str) -> list[Fault]:
    """What is wrong with the form of each value."""
    unprintable = []
    for place, value in facts.items():
        hidden = [char for char in value if not char.isprintable()]
        if hidden:
            code = f"{ord(hidden[0]):04X}"
            found = say("has a character that cannot be printed, U+{code}", code=code)
            unprintable.append(Fault(place, found))
    if unprintable:
        return unprintable
    properties = schemas.content(schema)["properties"]
    if facts.keys() >= set(schemas.content(schema)["required"]) and not any(
        key not in properties or _check(schema, key)(value) for key, value in facts.items()
    ):
        return []
    return [alert.fault for alert in schemas.faults(dict(facts), schema, "")]


def is_sound(schema: str, key: str, text: str) -> bool:
    """Whether a text has the form of one value."""
    return text.isprintable() and not _check(schema, key)(text)


@cache
def _check(schema: str, key: str) -> Callable[[str], object]:
    """The check of one value: a hundred times as fast as that of all, file after file."""
    return schemas.check(schema, ("properties", key))


def faults(
    invoice: Invoice,
    books: Books,
    kind: str,
    facts: Mapping[str, str],
    today: date,
    allowed: Allowed,
) -> list[Fault]:
    """Why a payment or refund of the right form may not be recorded for an invoice."""
    day = date.fromisoformat(facts["date"])
    deposit = say("correct it; money that comes before its invoice is a deposit, which has its own")
    wrong = date_faults(day, today, invoice.issue_date, say("the invoice"), deposit)
    wrong += value_date_faults(facts, invoice.issue_date, books.closed)
    before = books.seen.get(identity(kind, facts))
    if before and not allowed.again:
        same = (
            say("the same refund stands in {line}", line=before)
            if kind == payments.REFUND
            else say("the same payment stands in {line}", line=before)
        )
        wrong.append(Fault("", same, remedy=say("AGAIN=yes records it again")))
    elif kind == payments.REFUND:
        wrong += refund_faults(invoice, facts["amount"], day)
    elif (day, Decimal(facts["amount"])) in invoice.earlier and not allowed.again:
        entered = say("{invoice} was entered with the same payment", invoice=invoice.number)
        wrong.append(Fault("", entered, remedy=say("AGAIN=yes records it again")))
    elif Decimal(facts["amount"]) > invoice.outstanding and invoice.lost:
        wrong += lost_faults(invoice)
    elif Decimal(facts["amount"]) > invoice.outstanding and not allowed.overpayment:
        more = say(
            "{amount} is more than is outstanding of {invoice}, {rest}",
            amount=facts["amount"],
            invoice=invoice.number,
            rest=money.shown(max(invoice.outstanding, money.ZERO), 2),
        )
        remedy = say("OVERPAYMENT=yes records it all the same")
        wrong.append(Fault("amount", more, remedy=remedy))
    return wrong


def lost_faults(invoice: Invoice) -> list[Fault]:
    """Why nothing comes, goes or is credited beyond what is left of an invoice beside a write-off:
    money would pass for paid that never was."""
    return [
        Fault(
            "invoice",
            say(
                "{amount} of {invoice} was written off in {name}",
                amount=money.shown(change.amount, 2),
                invoice=invoice.number,
                name=change.name,
            ),
            remedy=say(
                "take that out first: make payment-reverse PAYMENT={name} REASON=...",
                name=change.name,
            ),
        )
        for change in invoice.lost
    ]


class Limit(NamedTuple):
    """Up to what is written off of an invoice without LARGE=yes; None: issuer.json sets none.

    `again`: AGAIN=yes.
    """

    amount: Decimal | None
    large: bool = False
    again: bool = False


def cause_of(invoice: Invoice, kind: str) -> str:
    """The cause of a write-off: a difference is lost, or kept where it was paid too much."""
    kept = kind == payments.DIFFERENCE and invoice.outstanding < money.ZERO
    return payments.SURPLUS if kept else kind


def write_off_faults(
    invoice: Invoice, books: Books, facts: Mapping[str, str], today: date, limit: Limit
) -> list[Fault]:
    """Why a write-off of the right form may not be recorded; `facts` have its cause."""
    day, amount = date.fromisoformat(facts["date"]), Decimal(facts["amount"])
    correct = say("correct it")
    wrong = date_faults(day, today, invoice.issue_date, say("the invoice"), correct)
    before = books.seen.get(identity(payments.WRITE_OFF, facts))
    if before and not limit.again:
        same = say("the same write-off stands in {line}", line=before)
        wrong.append(Fault("", same, remedy=say("AGAIN=yes records it again")))
    wrong += amount_faults(invoice, facts["cause"], facts["amount"], day)
    earlier = [change.amount.copy_abs() for change in invoice.movements if change.cause]
    whole = money.total((amount, *earlier))
    if limit.large or (limit.amount is not None and whole <= limit.amount):
        return wrong
    if limit.amount is None:
        large = say('issuer.json sets no "write_off_limit"')
    else:
        large = say(
            "{amount} of {invoice} would be written off in all, more than write_off_limit in"
            " issuer.json, {limit}",
            amount=money.shown(whole, 2),
            invoice=invoice.number,
            limit=money.shown(limit.amount, 2),
        )
    return [*wrong, Fault("amount", large, remedy=say("LARGE=yes records it all the same"))]


def amount_faults(invoice: Invoice, cause: str, amount: str, day: date) -> list[Fault]:
    """Why so much of an invoice cannot be written off on a day."""
    if cause == payments.SURPLUS:
        return refund_faults(invoice, amount, day)
    rest = max(invoice.outstanding, money.ZERO)
    if Decimal(amount) <= rest:
        return []
    more = say(
        "{amount} is more than is outstanding of {invoice}, {rest}",
        amount=amount,
        invoice=invoice.number,
        rest=money.shown(rest),
    )
    return [Fault("amount", more)]


def date_faults(
    day: date, today: date, earliest: date, of_what: Message, remedy: Message
) -> list[Fault]:
    """Why money cannot have moved on `day`; `remedy` says what to do where it is too early."""
    if wrong := dates.future_faults("date", day, today):
        return wrong
    if day >= earliest:
        return []
    found = say(
        "{day} is before the date of {what}, {earliest}",
        day=str(day),
        what=of_what,
        earliest=str(earliest),
    )
    return [Fault("date", found, remedy=remedy)]


def closed_faults(facts: Mapping[str, str], closed: date) -> list[Fault]:
    """Why money cannot be recorded with its date, which is closed."""
    return closed_periods.money_faults(date.fromisoformat(facts["date"]), closed)


def value_date_faults(facts: Mapping[str, str], earliest: date, closed: date) -> list[Fault]:
    """Why money cannot have moved on the day that stands beside its date.

    Args:
      earliest: the date of the invoice.
    """
    if "value_date" not in facts:
        return []
    day = date.fromisoformat(facts["value_date"])
    if day > closed:
        found = say("{day} is not closed", day=str(day))
        remedy = say("write it as DATE, and leave VALUE_DATE out")
        return [Fault("value_date", found, remedy=remedy)]
    if day < earliest:
        found = say(
            "{day} is before the date of {what}, {earliest}",
            day=str(day),
            what=say("the invoice"),
            earliest=str(earliest),
        )
        return [Fault("value_date", found, remedy=say("correct it"))]
    return []


def refund_faults(invoice: Invoice, amount: str, day: date) -> list[Fault]:
    """Why so much of an invoice may not be given back on a day."""
    refund, to_give_back = Decimal(amount), max(-invoice.outstanding, money.ZERO)
    if invoice.lost:
        return lost_faults(invoice)
    if refund > to_give_back:
        more = say(
            "{amount} is more than can be given back for {invoice}, {rest}:"
            " what was paid beyond the invoice less its credit notes",
            amount=amount,
            invoice=invoice.number,
            rest=money.shown(to_give_back, 2),
        )
        return [Fault("amount", more)]
    due = _due_back(invoice, refund)
    if not invoice.issue_date <= day < due.date:
        return []
    early = say(
        "{day} is before {amount} was to be given back for {invoice}",
        day=str(day),
        amount=amount,
        invoice=invoice.number,
    )
    remedy = say(
        "{change} made it so: write {day} or a later day", change=due.name, day=str(due.date)
    )
    return [Fault("date", early, remedy=remedy)]


def _due_back(invoice: Invoice, amount: Decimal) -> Change:
    """The change from whose day on `amount` is to be given back, every day until now."""
    # A refund that stands already, later, has its claim too: so all days from it on.
    cause = invoice.changes[0]
    due = -invoice.outstanding
    by_day = sorted(invoice.changes, key=lambda change: change.date, reverse=True)
    for _, group in itertools.groupby(by_day, lambda change: change.date):
        if due < amount:
            break
        changes = tuple(group)
        cause = max(changes, key=lambda change: change.amount)
        due -= money.total(change.amount for change in changes)
    return cause
