"""Crediting: which invoice a credit note is of, what is asked of it, and the document of that."""

import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from lib.billing import credit_notes
from lib.billing.credit_notes import Wish, Wishes
from lib.books import openings, payment_rules, payments, records, revenues
from lib.books.numbering import Numbered
from lib.books.revenues import Ledger
from lib.core import cli, dates, handed_file, readings, strict_json
from lib.core.faults import Alert, Broken, Refused, collecting
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import schemas
from lib.values.document import Document

_LARGEST = 1_000_000  # bytes of a LINES file


class Request(NamedTuple):
    """What is asked for: some lines, an amount with VAT, or all that is left; and why."""

    reason: str
    wishes: Wishes | None
    amount: Decimal | None


class CreditedInvoice(NamedTuple):
    """An invoice in the records, with its credit notes and every number of its world."""

    ledger: Ledger
    numbers: list[Numbered]
    chain: records.Chain
    record: records.Record

    @property
    def notes(self) -> list[records.Record]:
        """The records of the credit notes that correct it."""
        number = self.record["number"]
        return [record for record in self.chain.records if record.get("corrects") == number]


# --- what is asked for ---------------------------------------------------------------


def read(lines: str, amount: str) -> Request:
    """What was typed: LINES, a file, or AMOUNT; and REASON, which the credit note prints.

    Raises:
      WrongUsage: if both are named, or no reason is.
      Refused: if one of them is not what it should be.
    """
    reason = os.environ.get("REASON", "")
    if lines and amount:
        text = say("goes without LINES: it is shared out over all lines")
        raise cli.refuse("B-USAGE", "", "AMOUNT", text)
    if not reason:
        remedy = say('add why it is taken back, as in REASON="wrong month"')
        raise cli.refuse("B-USAGE", "", "REASON", say("is missing"), remedy=remedy)
    schemas.check_typed("REASON", reason, "text")
    if amount:
        schemas.check_typed("AMOUNT", amount, "positive_amount")
    sum_of_lines = Decimal(amount).quantize(Decimal("0.01")) if amount else None
    return Request(reason, _wishes(lines) if lines else None, sum_of_lines)


def _wishes(file: str) -> Wishes:
    """LINES=file.json: what is asked of each line."""
    value = strict_json.parse(file, handed_file.read(Path(file), _LARGEST))
    if faults := schemas.faults(value, "credit_lines", file):
        raise Refused(faults)
    wishes: dict[str, Wish] = {}
    for i, entry in enumerate(value["lines"]):
        if entry["line"] in wishes:
            text = say('"{line}" is named twice; add the quantities up', line=entry["line"])
            raise cli.refuse("B-INPUT-VALUE", file, f"lines[{i}].line", text)
        wishes[entry["line"]] = Wish(
            Decimal(entry["quantity"]) if "quantity" in entry else None,
            Decimal(entry["amount"]).quantize(Decimal("0.01")) if "amount" in entry else None,
            date.fromisoformat(entry["from"]) if "from" in entry else None,
        )
    return wishes


# --- of which invoice ----------------------------------------------------------------


def find(root: Root, number: str) -> CreditedInvoice:
    """The invoice with this number.

    Raises:
      Refused: if there is none, it is a credit note itself, or a part of it is written off.
    """
    known: set[str] = set()
    for ledger in (revenues.DIRECT, revenues.BATCH):
        owner, numbers = _owner(root, ledger, number)
        if owner:
            chain = records.read(root, revenues.chain_path(root, ledger, owner))
            record = next(record for record in chain.records if record["number"] == number)
            if record["kind"] != "invoice":
                text = say("{number} is a credit note; only an invoice is credited", number=number)
                raise cli.refuse("B-CREDIT", "", "INVOICE", text)
            if ledger == revenues.DIRECT:
                _refuse_written_off(root, chain, number)
            return CreditedInvoice(ledger, numbers, chain, record)
        known |= {numbered.number for numbered in numbers}
    for client in records.owners(root, openings.folder(root)):
        for line in openings.standing(openings.read(root, client)):
            if line.number == number:
                text = say("{number} was issued by the tool before", number=number)
                again = say(
                    "credit it there, take it out here (make opening-reverse OPENING={name}"
                    " REASON=...), and enter what is left of it",
                    name=payments.name(client, line.seq),
                )
                raise cli.refuse("B-CREDIT", "", "INVOICE", text, client, again)
    remedy = readings.remedy("invoice_number", number, known.__contains__)
    text = say('"{number}" is not an invoice of ours', number=number)
    raise cli.refuse("B-CREDIT", "", "INVOICE", text, remedy=remedy)


def _refuse_written_off(root: Root, chain: records.Chain, number: str) -> None:
    """A credit note beside a write-off would give back money that never came."""
    books, client = payment_rules.Books({}, {}, {}), chain.path.stem
    payment_rules.enter(books, chain, payments.read_client(root, client))
    if faults := payment_rules.lost_faults(books.invoices[number]):
        places = [fault._replace(place="INVOICE") for fault in faults]
        raise Refused(Alert("B-CREDIT", "", fault, client) for fault in places)


def _owner(root: Root, ledger: Ledger, number: str) -> tuple[str, list[Numbered]]:
    """Whose number it is, empty where it is nobody's; and all numbers that were given.

    Raises:
      Broken: with every disagreement of the records, which are read one client at a time.
    """
    owner = ""
    numbers: list[Numbered] = []
    faults: list[Alert] = []
    for client in revenues.owners(root, ledger):
        with collecting(faults):
            lines = revenues.lines_of(root, ledger, client)
            numbers += revenues.numbers_of(root, ledger, client, lines)
            if any(line.number == number for line in lines):
                owner = client
    if faults:
        raise Broken(faults)
    return owner, numbers


# --- the credit note -----------------------------------------------------------------


def credit_note(
    root: Root,
    credited: CreditedInvoice,
    request: Request,
    number: str,
    days: tuple[date, date],
    renderer: dict[str, str],
) -> Document:
    """The credit note that is asked for, from the documents that the records prove.

    Args:
      days: its issue date, and today.

    Raises:
      Refused: for more than is left, or a date that is to come.
    """
    issue_date, today = days
    client = credited.record["client"]
    dates.refuse_future("ISSUE_DATE", issue_date, today, say("it is not post-dated"), client)
    record, ledger = credited.record, credited.ledger
    invoice = revenues.proved_document(root, ledger, record)
    notes = [revenues.proved_document(root, ledger, note) for note in credited.notes]
    try:
        if request.amount is None:
            parts = credit_notes.wished_parts(invoice, notes, request.wishes)
        else:
            parts = credit_notes.amount_parts(invoice, notes, request.amount)
    except credit_notes.TooMuch as too_much:
        alerts = (
            Alert("B-CREDIT", invoice.number, fault, invoice.client) for fault in too_much.faults
        )
        raise Refused(alerts) from None
    path = revenues.proof_path(root, ledger, invoice.client, invoice.number, "json")
    sources = {root.name_of(path): record["document_sha256"]}
    return credit_notes.credit_note(
        invoice, notes, parts, number, issue_date, request.reason, sources, renderer
    )
