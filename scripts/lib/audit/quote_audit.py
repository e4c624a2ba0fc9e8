"""The audit of quotes: their records, their proofs, what was signed, what was invoiced of them"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import msgspec

from lib.audit import findings, proof_audit
from lib.audit.findings import Files
from lib.audit.proof_audit import ArchivedFile, Verification
from lib.audit.record_audit import QUOTATIONS, Book, RecordBooks
from lib.billing import quoting
from lib.books import quotations, revenues
from lib.books.quotations import ACCEPTANCE, QUOTE
from lib.books.record_lines import QuotationLine
from lib.books.records import Record
from lib.core.faults import Alert, Fault, at_line
from lib.core.messages import Message, figure, say
from lib.core.root import Root
from lib.documents import production, quote_pdf
from lib.inputs.order_files import Order
from lib.values import money
from lib.values.document import Document
from lib.values.document import from_json as document_from_json
from lib.values.quote import Quote, from_json

_RESTORE = say("restore it from a backup")


# --- records -------------------------------------------------------------------------


def record_faults(book: Book) -> Iterator[Alert]:
    """Whose lines they are, versions in their order, answers to what waited for one."""
    quotes: dict[str, Record] = {}
    newest: dict[str, Record] = {}
    answered: set[str] = set()
    for record in book.records:
        if record["client"] != book.owner:
            text = say("belongs to {client}", client=record["client"])
            yield _of_line(book, record, text)
        if record["kind"] == QUOTE:
            texts = _quote(record, newest.get(record["order"]))
            quotes[record["number"]] = newest[record["order"]] = record
        else:
            texts = _answer(record, quotes, newest, answered)
            answered.add(record["quote"])
        for text in texts:
            yield _of_line(book, record, text)


def _of_line(book: Book, record: Record, text: Message) -> Alert:
    return Alert("B-RECORD-WRONG", book.name, Fault(at_line(record["seq"]), text), book.owner)


def _quote(record: Record, before: Record | None) -> list[Message]:
    values = {"number": record["number"], "version": str(record["version"])}
    wrong = []
    superseded = before["number"] if before else ""
    if record["version"] != (before["version"] + 1 if before else 1):
        wrong.append(say("{number} is version {version}, others are missing", **values))
    if record.get("supersedes", "") != superseded:
        other = superseded or say("nothing")
        wrong.append(say("{number} supersedes another quote than {other}", other=other, **values))
    if record["valid_until"] < record["issue_date"]:
        wrong.append(say("{number} had expired when it was issued", **values))
    return wrong


def _answer(
    record: Record, quotes: dict[str, Record], newest: dict[str, Record], answered: set[str]
) -> list[Message]:
    number = record["quote"]
    quote = quotes.get(number)
    if quote is None:
        return [say("answers {number}, which is not a quote before it", number=number)]
    wrong = []
    if number in answered:
        wrong.append(say("answers {number}, which was answered already", number=number))
    if newest[quote["order"]] is not quote:
        wrong.append(say("answers {number}, which was superseded", number=number))
    if record["date"] < quote["issue_date"]:
        values = {"date": record["date"], "number": number}
        wrong.append(say("is of {date}, before {number} was issued", **values))
    return wrong


# --- proofs --------------------------------------------------------------------------


def verifications(root: Root, books: RecordBooks) -> Iterator[Verification]:
    """What each quote came to."""
    for book in books.of(QUOTATIONS):
        for record in book.records:
            if record["kind"] == QUOTE:
                yield check(root, record)


def check(root: Root, record: Record) -> Verification:
    """Everything that is wrong with the proofs of a quote."""
    number = record["number"]
    names = {suffix: _name(root, record["client"], number, suffix) for suffix in ("json", "pdf")}
    contents, wrong = proof_audit.contents_of(root, names, record)
    if "json" not in contents:
        return Verification(number, tuple(wrong), None, False)
    quote = proof_audit.parsed(contents["json"], from_json)
    if isinstance(quote, Message):
        wrong.append(findings.alert("B-PROOF-BROKEN", names["json"], quote))
        return Verification(number, tuple(wrong), None, False)
    is_todays = quote.renderer == dict(production.renderer())
    rendered = is_todays and "pdf" in contents
    try:
        facts = quotations.facts(quote, record["document_sha256"], record["pdf_sha256"])
        of_quote = [*proof_audit.arithmetic(quote), *proof_audit.differing(facts, record)]
        of_quote += _of_steps(quote)
        wrong += [findings.alert("B-DOCUMENT-WRONG", names["json"], text) for text in of_quote]
        if rendered:
            of_pdf = _pdf_faults(root, quote, contents["pdf"])
            wrong += [findings.alert("B-PDF-WRONG", names["pdf"], text) for text in of_pdf]
    except Exception as error:
        wrong.append(proof_audit.unchecked(names["json"], error))
    sources = tuple(
        ArchivedFile(name, f"data/archive_inputs/{digest}", digest)
        for name, digest in quote.sources.items()
    )
    return Verification(number, tuple(wrong), sources, rendered)


def _name(root: Root, client: str, number: str, suffix: str) -> str:
    return root.name_of(quotations.proof_path(root, client, number, suffix))


def _of_steps(quote: Quote) -> Iterator[Message]:
    """The invoices that are to come add up to the quote, without VAT."""
    steps = money.total(step.net for step in quote.steps)
    if steps != quote.totals.net:
        net = figure(str(quote.totals.net))
        yield say("its steps have net {sum}, it says {amount}", sum=figure(str(steps)), amount=net)
    for step in quote.steps:
        if step.net + step.vat != step.gross:
            yield say(
                "step {step}: net and VAT are not gross {gross}",
                step=step.id,
                gross=figure(str(step.gross)),
            )


def _pdf_faults(root: Root, quote: Quote, pdf: bytes) -> Iterator[Message]:
    logo, wrong = proof_audit.logo_of(root, quote.seller.logo)
    if wrong:
        yield wrong
    elif quote_pdf.render(quote, logo) != pdf:
        yield say("is not what its document gives: rendered again, it has other bytes")


def strays(files: Files, books: RecordBooks) -> Iterator[Alert]:
    """What was signed, as the records know it, and what no record knows."""
    known: set[str] = set()
    signed: dict[str, str] = {}
    for record in chain.from_iterable(book.records for book in books.of(QUOTATIONS)):
        if record["kind"] == QUOTE:
            client, number = record["client"], record["number"]
            known |= {_name(files.root, client, number, suffix) for suffix in ("json", "pdf")}
        elif record["kind"] == ACCEPTANCE and record.get("signed"):
            suffix = f"signed.{record['signed']}"
            name = _name(files.root, record["client"], record["quote"], suffix)
            signed[name] = record["signed_sha256"]
    for name, expected in sorted(signed.items()):
        digest, unreadable = findings.sha256_of(files.root, name)
        if unreadable:
            text = say("{reason}, but the records have what was signed", reason=unreadable)
            yield findings.alert("B-PROOF-MISSING", name, text, _RESTORE)
        elif digest != expected:
            text = say("was changed: its SHA-256 is not that of the records")
            yield findings.alert("B-PROOF-CHANGED", name, text, _RESTORE)
    for name in files.under(f"data/{quotations.LEDGER.proofs}"):
        if name not in known and name not in signed and not findings.is_leftover(name):
            text = say("no record knows it: it was added, or its record was removed")
            yield findings.alert("B-PROOF-STRAY", name, text)


# --- what was invoiced ---------------------------------------------------------------


def order_faults(root: Root, book: Book, bills: Book) -> Iterator[Alert]:
    """Invoices of orders that were quoted before, and not accepted as they were invoiced."""
    versions = quotations.quotations(msgspec.convert(list(book.records), list[QuotationLine]))
    if not versions:
        return
    for record in bills.records:
        if record["kind"] != "invoice" or not record.get("order"):
            continue
        day = record["issue_date"]
        quoted = [version for version in versions if version.fact.order == record["order"]]
        if not any(version.fact.issue_date < day for version in quoted):
            continue  # of what happened on one day nobody knows which was first
        accepted = [
            _ordered(root, _name(root, book.owner, version.number, "json"), from_json)
            for version in quoted
            if version.answer
            and version.answer.kind == ACCEPTANCE
            and str(version.answer.date) <= day
        ]
        path = revenues.proof_path(root, revenues.DIRECT, book.owner, record["number"], "json")
        invoiced = _ordered(root, root.name_of(path), document_from_json)
        if invoiced and invoiced not in accepted and None not in accepted:
            values = {"number": record["number"], "order": record["order"]}
            text = say("{number} invoices order {order} as no accepted quote has it", **values)
            yield _of_line(bills, record, text)


def _ordered(
    root: Root, name: str, read: Callable[[bytes], Document | Quote]
) -> dict[str, Any] | None:
    """The terms of an order as a proof was made from them; None where they cannot be read, which
    is named elsewhere."""
    try:
        document = read(findings.read(root, name)[0])
        files = [sha for name, sha in document.sources.items() if name.startswith("data/orders/")]
        data, _ = findings.read(root, f"data/archive_inputs/{files[0]}")
        return quoting.content_of(msgspec.json.decode(data, type=Order), document.currency)
    except (ValueError, IndexError, RecursionError):
        return None
