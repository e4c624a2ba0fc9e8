"""Recording money: what was typed is read, judged by books/payment_rules, recorded and reported."""

import os
from collections.abc import Container, Iterable, Mapping
from datetime import date

from lib.books import (
    closed_periods,
    issuing,
    openings,
    payment_rules,
    payments,
    records,
    revenues,
)
from lib.books.payment_rules import Allowed, Books
from lib.core import alerts, storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Code, Message, figure, say
from lib.core.root import Root
from lib.inputs import settings
from lib.values import money


def open_books(root: Root, clients: Iterable[str], asked: Container[str] | None = None) -> Books:
    """The books of these clients, their records proved.

    Args:
      asked: as of `payment_rules.enter`.

    Raises:
      Broken: with the first disagreement.
    """
    books = Books({}, {}, {}, closed_periods.last_day(root))
    for client in clients:
        issued = records.read(root, revenues.chain_path(root, revenues.DIRECT, client))
        paid, opened = payments.read_client(root, client), openings.read(root, client)
        payment_rules.enter(books, issued, paid, opened, asked)
    return books


def faults(
    root: Root, books: Books, kind: str, facts: Mapping[str, str], today: date, allowed: Allowed
) -> list[Fault]:
    """Why a payment or refund of the right form may not be recorded."""
    invoice = books.invoices.get(facts["invoice"])
    if invoice is None or invoice.client != facts["client"]:
        return [_stranger(root, books, facts["invoice"], facts["client"])]
    return payment_rules.faults(invoice, books, kind, facts, today, allowed)


def _stranger(root: Root, books: Books, number: str, client: str) -> Fault:
    """Explains a number that is not that of one of this client's invoices."""
    for owner, chain in revenues.each_chain(root, revenues.DIRECT):
        for record in chain.records:
            if record["number"] == number and record["kind"] == "credit_note":
                return _credit_note(record)
            if record["number"] == number:
                other = say(
                    '"{number}" is an invoice of {owner}, not of {client}',
                    number=number,
                    owner=owner,
                    client=client,
                )
                return Fault("invoice", other)
    for owner in records.owners(root, openings.folder(root)):
        for line in openings.standing(openings.read(root, owner)):
            if line.number == number:
                other = say(
                    '"{number}" is an invoice of {owner}, not of {client}',
                    number=number,
                    owner=owner,
                    client=client,
                )
                return Fault("invoice", other)
    # The books may hold what was asked about only; what they hold, they know best.
    every = open_books(root, [client]).invoices | books.invoices
    mine = [invoice for invoice in every.values() if invoice.client == client]
    if not mine:
        unknown = say(
            '"{number}" is unknown: {client} has no invoice', number=number, client=client
        )
        return Fault("invoice", unknown)
    unsettled = tuple(invoice.number for invoice in mine if invoice.outstanding > 0)
    return Fault(
        "invoice",
        say('"{number}" is not an invoice of {client}', number=number, client=client),
        remedy=say("its open ones are {numbers}", numbers=unsettled)
        if unsettled
        else say("all of its invoices are settled"),
    )


def owner_of(root: Root, number: str) -> str:
    """The client whose invoice this is.

    Raises:
      Refused: if it is nobody's.
    """
    for owner, chain in revenues.each_chain(root, revenues.DIRECT):
        for record in chain.records:
            if record["number"] == number and record["kind"] == "invoice":
                return owner
            if record["number"] == number:
                refuse([_credit_note(record)], owner)
    for owner in records.owners(root, openings.folder(root)):
        if any(line.number == number for line in openings.standing(openings.read(root, owner))):
            return owner
    unknown = say('"{number}" is not an invoice that was issued', number=number)
    refuse([Fault("invoice", unknown)])
    return ""


def _credit_note(record: records.Record) -> Fault:
    remedy = say("name the invoice that it credits, {number}", number=record["corrects"])
    return Fault(
        "invoice", say('"{number}" is a credit note', number=record["number"]), remedy=remedy
    )


# --- one payment or refund, from the command line ------------------------------------


def typed(**options: str) -> dict[str, str]:
    """What the operator typed: options, and REFERENCE and NOTE from the environment."""
    facts = {**options, "reference": free_text("REFERENCE"), "note": free_text("NOTE")}
    return {key: value for key, value in facts.items() if value}


def free_text(name: str) -> str:
    """A text that reaches the script through the environment, never through a shell."""
    return os.environ.get(name, "")


def record_one(
    root: Root, script: str, kind: str, facts: dict[str, str], today: date, allowed: Allowed
) -> None:
    """Records one payment or refund, and says so.

    Args:
      script: who records it, for the log.
      facts: as `typed` returns them.

    Raises:
      Refused: with everything that is wrong with it.
    """
    refuse(payment_rules.form_faults(facts, "payment"))
    client = facts["client"]
    about = _about(kind, facts)
    command = f"{kind} {client} {facts['invoice']} {facts['amount']} {fingerprint(facts)}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            print(say("recorded by finishing the run that had stopped: {about}", about=about))
            return
        books = open_books(root, [client])
        refuse(
            faults(root, books, kind, facts, today, allowed),
            client,
            payment_rules.closed_faults(facts, books.closed),
        )
        currency = books.invoices[facts["invoice"]].currency
        fact = payments.fact(kind, facts, currency)
        [name] = payments.record(run, books.chains[client], [fact])
        run.commit()
    payment_rules.take_in(books, kind, facts, name)
    rest = money.shown(books.invoices[facts["invoice"]].outstanding, 2)
    recorded = say(
        "{name}: {about}, {method}; outstanding {amount} {currency}",
        name=name,
        about=about,
        method=Code(facts["method"]),
        amount=rest,
        currency=currency,
    )
    report(root, client, script, recorded)


def _about(kind: str, facts: Mapping[str, str]) -> Message:
    values: dict[str, Message | str] = {
        "amount": figure(facts["amount"]),
        "invoice": facts["invoice"],
        "date": facts["date"],
    }
    if kind == payments.REFUND:
        return say("refund of {amount} for {invoice} on {date}", **values)
    return say("payment of {amount} for {invoice} on {date}", **values)


def report(root: Root, client: str, script: str, recorded: Message) -> None:
    """Prints what was recorded, and logs it."""
    alerts.write_log(root.logs, client, "INFO", script, "I-RECORDED", str(recorded))
    print(recorded)


def fingerprint(facts: Mapping[str, str]) -> str:
    """Tells one set of facts from any other, in the name of a run."""
    return storage.sha256(storage.canonical_json(dict(facts)))[:12]


def refuse(faults: Iterable[Fault], client: str = "", closed: Iterable[Fault] = ()) -> None:
    """Refuses what was typed, where anything is wrong with it; places become Make's names.

    Args:
      closed: what books/closed_periods finds, which has a code of its own.

    Raises:
      Refused: with all of it.
    """
    found = closed_periods.alerts(closed, client=client)
    for fault in faults:
        found.append(Alert("B-PAYMENT", "", fault._replace(place=fault.place.upper()), client))
    if found:
        raise Refused(found)
