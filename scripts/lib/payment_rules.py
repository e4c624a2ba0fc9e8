"""What may be recorded of money: the rules that every payment, refund and reversal passes.

The records alone decide, not the client files: money for an invoice can be recorded
whatever became of its client's file since.
"""

import os
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from lib import alerts, cli, issuing, money, payments, records, revenues, schemas, settings, storage
from lib.alerts import Alert, Refused
from lib.root import Root

# kind, invoice, date, amount, method, reference: what makes two payments the same.
Identity = tuple[str, str, date, Decimal, str, str]


class Invoice(NamedTuple):
    """An invoice as payments see it. `outstanding` is below 0 where too much was paid."""

    client: str
    issue_date: date
    currency: str
    outstanding: Decimal


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
    paid = payments.paid(lines)
    facts = {record["number"]: record for record in issued.records}
    for invoice in revenues.issued(issued.records):
        fact = facts[invoice.number]
        books.invoices[invoice.number] = Invoice(
            fact["client"],
            date.fromisoformat(fact["issue_date"]),
            fact["currency"],
            invoice.gross - invoice.credited - paid.get(invoice.number, money.ZERO),
        )
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
    rest = invoice.outstanding + (amount if kind == payments.REFUND else -amount)
    books.invoices[given["invoice"]] = invoice._replace(outstanding=rest)
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
    return [(alert.place, alert.text) for alert in schemas.faults(dict(given), schema, "")]


def faults(
    root: Root, books: Books, kind: str, given: Mapping[str, str], today: date, allowed: Allowed
) -> list[tuple[str, str]]:
    """Why a payment or refund of the right form may not be recorded: (place, text) each."""
    number, client = given["invoice"], given["client"]
    invoice = books.invoices.get(number)
    if invoice is None or invoice.client != client:
        return [("invoice", f'"{number}" {_whose(root, books, number, client)}')]
    found = date_faults(date.fromisoformat(given["date"]), today, invoice.issue_date, "the invoice")
    before = books.seen.get(identity(kind, given))
    if before and not allowed.again:
        text = f"the same {kind} stands in {before}; AGAIN=yes records it anew"
        found.append(("", text))
    elif kind == payments.REFUND:
        found += _refund_faults(number, invoice.outstanding, given["amount"])
    elif Decimal(given["amount"]) > invoice.outstanding and not allowed.overpayment:
        text = f"{given['amount']} is more than is outstanding of {number}"
        rest = money.plain(max(invoice.outstanding, money.ZERO), 2)
        found.append(("amount", f"{text}, {rest}; OVERPAYMENT=yes records it all the same"))
    return found


def date_faults(day: date, today: date, earliest: date, of_what: str) -> list[tuple[str, str]]:
    """Why money cannot have moved on `day`."""
    if day > today:
        return [("date", f"{day} is in the future (today is {today})")]
    if day < earliest:
        return [("date", f"{day} is before the date of {of_what}, {earliest}")]
    return []


def _refund_faults(number: str, outstanding: Decimal, amount: str) -> list[tuple[str, str]]:
    if Decimal(amount) <= -outstanding:
        return []
    too_much = money.plain(max(-outstanding, money.ZERO), 2)
    text = f"{amount} is more than can be given back for {number}, {too_much}"
    return [("amount", f"{text}: what was paid beyond the invoice less its credit notes")]


def _whose(root: Root, books: Books, number: str, client: str) -> str:
    """What an invoice number is, that is none of the client's."""
    everyone = revenues.read(root, revenues.DIRECT)
    for other, chain in everyone.items():
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
        raise Refused(Alert("B-PAYMENT", "", place.upper(), text, client) for place, text in found)


def add_options(parser: ArgumentParser) -> None:
    """The options that a payment and a refund share; empty texts count as missing."""
    parser.add_argument("--client", default="", help="studio_nord")
    parser.add_argument("--invoice", default="", help="NORD-2026-0001")
    parser.add_argument("--amount", default="", help="175.80")
    parser.add_argument("--date", default="", help="the day on which the money moved, 2026-12-03")
    parser.add_argument("--method", default="", help=", ".join(payments.METHODS))
    parser.add_argument("--again", type=cli.yes, default=False, help="yes: the same once more")
    parser.add_argument("--today", type=cli.day, required=True, help="the date of today")
