"""What may be recorded of money: the rules that every payment, refund and reversal passes.

The records alone decide, not the client files: money for an invoice can be recorded
whatever became of its client's file since.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from lib.books import issuing, payments, records, revenues
from lib.core import alerts, storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.root import Root
from lib.inputs import schemas, settings
from lib.values import money

# kind, invoice, date, amount, method, reference: what makes two payments the same.
Identity = tuple[str, str, date, Decimal, str, str]

_DEPOSIT = "correct it; money that comes before its invoice is a deposit, which has its own"


class Change(NamedTuple):
    """A fact, by its name, that makes an invoice more paid (`amount` above 0) or less."""

    date: date
    amount: Decimal
    name: str


class Invoice(NamedTuple):
    """An invoice as payments see it: itself, its credit notes and what was paid, as changes."""

    client: str
    issue_date: date
    currency: str
    changes: tuple[Change, ...]

    @property
    def outstanding(self) -> Decimal:
        """What is still to pay; below 0: to give back."""
        return -money.total(change.amount for change in self.changes)


class Books(NamedTuple):
    """What the records say: payment chains by client, invoices by number, who said it before.

    `seen` names the line that has the facts already.
    """

    chains: dict[str, records.Chain]
    invoices: dict[str, Invoice]
    seen: dict[Identity, str]


class Allowed(NamedTuple):
    """What the operator insists on: AGAIN=yes and OVERPAYMENT=yes."""

    again: bool = False
    overpayment: bool = False


# --- the books -----------------------------------------------------------------------


def open_books(root: Root, clients: Iterable[str]) -> Books:
    """The books of these clients, their records proved.

    Raises:
      Broken: with every disagreement found.
    """
    books = Books({}, {}, {})
    for client in clients:
        issued = records.read(root, revenues.chain_path(root, revenues.DIRECT, client))
        chain = payments.read_client(root, client)
        enter(books, issued, chain)
    return books


def enter(books: Books, issued: records.Chain, chain: records.Chain) -> None:
    """Adds one client's records to the books."""
    lines = payments.entries(chain.records)
    changes: dict[str, list[Change]] = {}
    for fact in issued.records:
        gross, credited = Decimal(fact["gross"]), fact["kind"] == "credit_note"
        about = fact["corrects"] if credited else fact["number"]
        day = date.fromisoformat(fact["issue_date"])
        change = Change(day, gross if credited else -gross, fact["number"])
        changes.setdefault(about, []).append(change)
    for entry in lines:
        # What was reversed counts as if it had never been, whenever that was seen.
        if entry.standing:
            change = Change(entry.date, entry.amount, entry.name)
            changes.setdefault(entry.invoice, []).append(change)
    for fact in issued.records:
        if fact["kind"] == "invoice":
            number, day = fact["number"], date.fromisoformat(fact["issue_date"])
            known = tuple(changes[number])
            books.invoices[number] = Invoice(fact["client"], day, fact["currency"], known)
    books.chains[chain.path.stem] = chain
    for entry in lines:
        if entry.kind != payments.REVERSAL:
            amount = entry.amount.copy_abs()
            facts_of = (entry.kind, entry.invoice, entry.date, amount, entry.method)
            by = f", reversed by {payments.name(entry.client, entry.reversed_by)}"
            books.seen[*facts_of, entry.reference] = entry.name + (by if entry.reversed_by else "")


def take_in(books: Books, kind: str, given: Mapping[str, str], name: str) -> None:
    """Enters one more payment or refund, known as `name`, so that the next one is seen after it."""
    invoice = books.invoices[given["invoice"]]
    amount = Decimal(given["amount"])
    signed = -amount if kind == payments.REFUND else amount
    change = Change(date.fromisoformat(given["date"]), signed, name)
    books.invoices[given["invoice"]] = invoice._replace(changes=(*invoice.changes, change))
    books.seen[identity(kind, given)] = name


def identity(kind: str, given: Mapping[str, str]) -> Identity:
    """What makes two payments the same."""
    day, amount = date.fromisoformat(given["date"]), Decimal(given["amount"])
    return kind, given["invoice"], day, amount, given["method"], given.get("reference", "")


# --- the rules -----------------------------------------------------------------------


def form_faults(given: Mapping[str, str], schema: str) -> list[tuple[str, str]]:
    """What is wrong with the form of each value: (place, text) each."""
    found = []
    for place, value in given.items():
        hidden = [char for char in value if not char.isprintable()]
        if hidden:
            found.append((place, f"has a character that cannot be printed, U+{ord(hidden[0]):04X}"))
    if found:
        return found
    properties = schemas.content(schema)["properties"]
    if given.keys() >= set(schemas.content(schema)["required"]) and not any(
        key not in properties or _check(schema, key)(value) for key, value in given.items()
    ):
        return []
    return [(alert.place, alert.text) for alert in schemas.faults(dict(given), schema, "")]


@cache
def _check(schema: str, key: str) -> Callable[[str], str]:
    """The check of one value: a hundred times as fast as that of all, file after file."""
    return schemas.text_check(schema, ("properties", key))


def faults(
    root: Root, books: Books, kind: str, given: Mapping[str, str], today: date, allowed: Allowed
) -> list[tuple[str, str]]:
    """Why a payment or refund of the right form may not be recorded: (place, text) each."""
    number, client = given["invoice"], given["client"]
    invoice = books.invoices.get(number)
    if invoice is None or invoice.client != client:
        return [("invoice", f'"{number}" {_whose(root, books, number, client)}')]
    day = date.fromisoformat(given["date"])
    found = date_faults(day, today, invoice.issue_date, "the invoice", _DEPOSIT)
    before = books.seen.get(identity(kind, given))
    if before and not allowed.again:
        text = f"the same {kind} stands in {before}; AGAIN=yes records it anew"
        found.append(("", text))
    elif kind == payments.REFUND:
        found += refund_faults(number, invoice, given["amount"], day)
    elif Decimal(given["amount"]) > invoice.outstanding and not allowed.overpayment:
        text = f"{given['amount']} is more than is outstanding of {number}"
        rest = money.plain(max(invoice.outstanding, money.ZERO), 2)
        found.append(("amount", f"{text}, {rest}; OVERPAYMENT=yes records it all the same"))
    return found


def date_faults(
    day: date, today: date, earliest: date, of_what: str, remedy: str
) -> list[tuple[str, str]]:
    """Why money cannot have moved on `day`; `remedy` says what to do where it is too early."""
    if day > today:
        return [("date", f"{day} is in the future (today is {today})")]
    if day < earliest:
        text = f"{day} is before the date of {of_what}, {earliest}"
        return [("date", f"{text}; {remedy}")]
    return []


def refund_faults(number: str, invoice: Invoice, amount: str, day: date) -> list[tuple[str, str]]:
    """Why so much of an invoice may not be given back on a day: (place, text) each."""
    wanted, to_give_back = Decimal(amount), max(-invoice.outstanding, money.ZERO)
    if wanted > to_give_back:
        text = f"{amount} is more than can be given back for {number}"
        why = "what was paid beyond the invoice less its credit notes"
        return [("amount", f"{text}, {money.plain(to_give_back, 2)}: {why}")]
    due = _due_back(invoice, wanted)
    if not invoice.issue_date <= day < due.date:
        return []
    text = f"{day} is before {amount} was to be given back for {number}"
    return [("date", f"{text}; {due.name} made it so: write {due.date} or a later day")]


def _due_back(invoice: Invoice, amount: Decimal) -> Change:
    """The change from whose day on `amount` is to be given back, every day until now."""
    # A refund that stands already, later, has its claim too: so all days from it on.
    found = invoice.changes[0]
    due = -invoice.outstanding
    by_day = sorted(invoice.changes, key=lambda change: change.date, reverse=True)
    for _, group in itertools.groupby(by_day, lambda change: change.date):
        if due < amount:
            break
        changes = tuple(group)
        found = max(changes, key=lambda change: change.amount)
        due -= money.total(change.amount for change in changes)
    return found


def _whose(root: Root, books: Books, number: str, client: str) -> str:
    """What an invoice number is, that is none of the client's."""
    for other, chain in revenues.each_chain(root, revenues.DIRECT):
        for record in chain.records:
            if record["number"] == number and record["kind"] == "credit_note":
                return f"is a credit note; name the invoice that it credits, {record['corrects']}"
            if record["number"] == number:
                return f"is an invoice of {other}, not of {client}"
    mine = [(key, invoice) for key, invoice in books.invoices.items() if invoice.client == client]
    if not mine:
        return f"is unknown: {client} has no invoice"
    open_ones = [key for key, invoice in mine if invoice.outstanding > 0]
    which = f"its open ones are {', '.join(open_ones)}" if open_ones else "none of its is open"
    return f"is no invoice of {client}; {which}"


# --- one payment or refund, from the command line ------------------------------------


def typed(**options: str) -> dict[str, str]:
    """What the operator gave: options, and REFERENCE and NOTE from the environment."""
    given = {**options, "reference": free_text("REFERENCE"), "note": free_text("NOTE")}
    return {key: value for key, value in given.items() if value}


def free_text(name: str) -> str:
    """A text that reaches the script through the environment, never through a shell."""
    return os.environ.get(name, "")


def record_one(
    root: Root, script: str, kind: str, given: dict[str, str], today: date, allowed: Allowed
) -> None:
    """Records one payment or refund, and says so.

    Args:
      script: who records it, for the log.
      given: as `typed` makes it.

    Raises:
      Refused: with everything that is wrong with it.
    """
    refuse(form_faults(given, "payment"))
    client = given["client"]
    about = f"{kind} of {given['amount']} for {given['invoice']} on {given['date']}"
    command = f"{kind} {client} {given['invoice']} {given['amount']} {fingerprint(given)}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            print(f"the {about} was recorded by finishing the run that had stopped")
            return
        books = open_books(root, [client])
        refuse(faults(root, books, kind, given, today, allowed), client)
        currency = books.invoices[given["invoice"]].currency
        fact = payments.fact(kind, given, currency)
        [name] = payments.record(run, books.chains[client], [fact])
        run.commit()
    take_in(books, kind, given, name)
    rest = books.invoices[given["invoice"]].outstanding
    text = f"{name}: {about}, {given['method']}; outstanding {money.plain(rest, 2)} {currency}"
    alerts.write_log(root.logs, client, "INFO", script, "I-RECORDED", text)
    print(text)


def fingerprint(given: Mapping[str, str]) -> str:
    """Tells one set of facts from any other, in the name of a run."""
    return storage.sha256(storage.canonical_json(dict(given)))[:12]


def refuse(found: list[tuple[str, str]], client: str = "") -> None:
    """Refuses what was typed, where there is anything to say; places are Make's names.

    Raises:
      Refused: with all of it.
    """
    if found:
        raise Refused(
            Alert("B-PAYMENT", "", Fault(place.upper(), text), client) for place, text in found
        )
