"""The audit of proofs: documents and PDFs against their records, against each other, and
against the inputs they were made from.

Each document is checked on its own, on all cores: its hashes, its arithmetic (lines, VAT
breakdown, totals), what its record says of it, the XML inside its PDF, and the PDF itself,
rendered again where its renderer is today's.
"""

import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from lib.audit import findings
from lib.audit.findings import Files
from lib.audit.record_audit import OPENINGS, OUTBOX, RecordBooks
from lib.billing import credit_notes, invoicing
from lib.books import order_records, revenues
from lib.books.record_lines import OrderRevenue
from lib.books.records import Record
from lib.books.revenues import Ledger
from lib.core import storage, workers
from lib.core.faults import Alert
from lib.core.messages import Message, figure, say
from lib.core.root import Root
from lib.documents import facturx_xml, invoice_pdf, packages, production
from lib.inputs import order_files
from lib.mail import outbox
from lib.values import mentions, money, vat
from lib.values.document import Document, from_json
from lib.values.quote import Paper, Quote

AnyPaper = TypeVar("AnyPaper", Document, Quote)

_RESTORE = say("restore it from a backup")
_WORTH_WORKERS = 40  # a worker needs a second to start
_DIGITS = 20  # of any amount, before or behind the point
_SHA256 = re.compile("[0-9a-f]{64}")
_HASH_IN_NAME = 12  # characters of the SHA-256 in the name of an archived CSV

# What a reader of the XML relies on, where it was written by another version of the renderer.
_RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
_SUMS = f"{_RAM}SpecifiedTradeSettlementHeaderMonetarySummation/{_RAM}"


class Task(NamedTuple):
    """A record whose proofs are to be checked; `before` are the records of the invoice that it
    corrects and of that invoice's earlier credit notes, if it is a credit note; `standing` are the
    invoices of its order of which something stood when it was issued."""

    ledger: Ledger
    record: Record
    before: tuple[Record, ...]
    standing: frozenset[str] = frozenset()


class ArchivedFile(NamedTuple):
    """A file that a document was made from: its name then, where its bytes are kept, their hash."""

    name: str
    kept: str
    sha256: str


class Verification(NamedTuple):
    """What a document came to; `sources` is None where it could not be read."""

    number: str
    faults: tuple[Alert, ...]
    sources: tuple[ArchivedFile, ...] | None
    rendered: bool


class Tally(NamedTuple):
    """How many documents were checked, and how many of them rendered again."""

    documents: int
    rendered: int


def faults(
    files: Files, books: RecordBooks, quotes: Iterable[Verification], processes: int
) -> tuple[list[Alert], Tally]:
    """Everything that is wrong with proofs.

    Args:
      quotes: what audit/quote_audit found of those.
    """
    wrong: list[Alert] = []
    archive = _archive(files)
    rendered = 0
    all_read = True
    checked = workers.map_in_order(check, files.root, _tasks(books), processes, _WORTH_WORKERS)
    documents = 0
    for verdict in chain((verdict for _, verdict in checked), quotes):
        documents += 1
        wrong += verdict.faults
        rendered += verdict.rendered
        all_read = all_read and verdict.sources is not None
        for source in verdict.sources or ():
            archive.note(source, verdict.number)
    for source, number in _of_openings(books):
        archive.note(source, number)
    wrong += _strays(files, books)
    wrong += _archive_faults(archive, all_read)
    wrong += _sent_faults(files, books)
    return wrong, Tally(documents, rendered)


def _tasks(books: RecordBooks) -> Iterator[Task]:
    for ledger in (revenues.DIRECT, revenues.BATCH):
        for book in books.of(ledger.records):
            corrected = {record["corrects"] for record in book.records if _is_note(record)}
            about: dict[str, tuple[Record, ...]] = {}
            standing = _standing(book.records)
            seen: set[bytes] = set()
            for record in book.records:
                facts = hashlib.sha256(storage.canonical_json(_facts_of(record))).digest()
                if facts in seen:
                    continue  # a line that is there twice is named among the sequences
                seen.add(facts)
                number = record["corrects" if _is_note(record) else "number"]
                before = about.get(number, ())
                stood = standing.get(record["number"], frozenset())
                yield Task(ledger, record, before if _is_note(record) else (), stood)
                if number in corrected:
                    about[number] = (*before, record)


def _is_note(record: Record) -> bool:
    return bool(record["kind"] == "credit_note")


def _standing(records: Iterable[Record]) -> dict[str, frozenset[str]]:
    """The invoices of its order of which something stood, for each invoice of an order."""
    lines = msgspec.convert([line for line in records if line.get("order")], list[OrderRevenue])
    return {
        line.number: frozenset(
            invoice.number
            for order, invoice in order_records.step_invoices(lines[:i])
            if order == line.order and any(map(any, invoice.shares.values()))
        )
        for i, line in enumerate(lines)
        if not line.corrects
    }


def _facts_of(record: Record) -> Record:
    """A record without what chains it to the others."""
    return {key: value for key, value in record.items() if key not in ("seq", "prev", "hash")}


def _of_openings(books: RecordBooks) -> Iterator[tuple[ArchivedFile, str]]:
    """The archived files of open invoices of the tool before: the CSV, and the PDF of each."""
    for book in books.of(OPENINGS):
        for record in book.records:
            for key, name in (("source_sha256", "opening.csv"), ("pdf_sha256", "its PDF")):
                if digest := record.get(key):
                    yield (
                        ArchivedFile(name, f"data/archive_inputs/{digest}", digest),
                        record["number"],
                    )


# --- one document --------------------------------------------------------------------


def check(root: Root, task: Task) -> Verification:
    """Everything that is wrong with the proofs of a record."""
    record, number = task.record, task.record["number"]
    names = {suffix: _proof(root, task.ledger, record, suffix) for suffix in ("json", "pdf")}
    contents, wrong = contents_of(root, names, record)
    if "json" not in contents:
        return Verification(number, tuple(wrong), None, False)
    document = parsed(contents["json"], from_json)
    if isinstance(document, Message):
        wrong.append(findings.alert("B-PROOF-BROKEN", names["json"], document))
        return Verification(number, tuple(wrong), None, False)
    is_todays = document.renderer == dict(production.renderer())
    rendered = is_todays and "pdf" in contents
    try:
        facts = revenues.facts(document, record["document_sha256"], record["pdf_sha256"])
        _leave_out_nets(facts, record)
        of_document = [*arithmetic(document), *differing(facts, record)]
        of_document += [*_credited(root, task, document), *_source_faults(task, document)]
        of_document += _taken_off(task, document)
        wrong += [findings.alert("B-DOCUMENT-WRONG", names["json"], text) for text in of_document]
        wrong += _mentions(names["json"], document)
        if "pdf" in contents:
            of_pdf = _pdf_faults(root, document, contents["pdf"], is_todays)
            wrong += [findings.alert("B-PDF-WRONG", names["pdf"], text) for text in of_pdf]
    except Exception as error:
        wrong.append(unchecked(names["json"], error))
    return Verification(number, tuple(wrong), tuple(_sources(document)), rendered)


def unchecked(name: str, error: Exception) -> Alert:
    """Its hash matches, its content cannot be checked: this is reported, and the audit goes on."""
    text = say(
        "cannot be checked ({error}: {reason})",
        error=type(error).__name__,
        reason=findings.shown(str(error)),
    )
    return findings.alert("B-PROOF-BROKEN", name, text)


def contents_of(
    root: Root, names: Mapping[str, str], record: Record
) -> tuple[dict[str, bytes], list[Alert]]:
    """The bytes of the proofs of a record, those that are as it knows them, and what is wrong.

    Args:
      names: of its JSON and its PDF, by suffix.
    """
    number = record["number"]
    wrong: list[Alert] = []
    contents = {}
    for suffix, key in (("json", "document_sha256"), ("pdf", "pdf_sha256")):
        data, unreadable = findings.read(root, names[suffix])
        if unreadable:
            text = say("{reason}, but the records have {number}", reason=unreadable, number=number)
            wrong.append(findings.alert("B-PROOF-MISSING", names[suffix], text, say("restore it")))
        elif storage.sha256(data) != record[key]:
            text = say("was changed: its SHA-256 is not that of the records")
            wrong.append(findings.alert("B-PROOF-CHANGED", names[suffix], text, _RESTORE))
        else:
            contents[suffix] = data
    return contents, wrong


def _proof(root: Root, ledger: Ledger, record: Record, suffix: str) -> str:
    path = revenues.proof_path(root, ledger, record["client"], record["number"], suffix)
    return root.name_of(path)


def parsed(data: bytes, from_json: Callable[[bytes], AnyPaper]) -> AnyPaper | Message:
    """The document in these bytes, or why they are not one that can be computed with."""
    try:
        document = from_json(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return say("is not a document: {reason}", reason=str(error))
    for value in _decimals(document):
        # 1E+999999999 is a number too, and its digits would fill the memory.
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int) or abs(exponent) > _DIGITS or value.adjusted() > _DIGITS:
            return say("is not a document: it has an amount with too many digits")
    return document


def _decimals(value: Any) -> Iterator[Decimal]:
    if isinstance(value, Decimal):
        yield value
    elif isinstance(value, tuple):
        yield from chain.from_iterable(map(_decimals, value))
    elif isinstance(value, msgspec.Struct):
        yield from chain.from_iterable(map(_decimals, msgspec.structs.astuple(value)))


def arithmetic(document: Paper) -> Iterator[Message]:
    """BT-131 of each line, BG-23 and BG-22, computed again from quantities and prices."""
    for line in document.lines:
        net = money.line_net(line.quantity, line.unit_price, line.discount)
        if net != line.net:
            yield say(
                "line {line}: net {net}, computed again {computed}",
                line=line.id,
                net=figure(str(line.net)),
                computed=figure(str(net)),
            )
    gross = vat.gross_of(document.lines)
    taxable: dict[tuple[str, Decimal], Decimal] = {}
    for line in document.lines:
        key = (line.vat_category, line.vat_rate)
        taxable[key] = taxable.get(key, money.ZERO) + line.net
    for allowance in document.allowances:
        key = (allowance.vat_category, allowance.vat_rate)
        taxable[key] = taxable.get(key, money.ZERO) - allowance.amount
    stated = {(subtotal.category, subtotal.rate): subtotal for subtotal in document.vat_breakdown}
    if stated.keys() != taxable.keys() or len(stated) != len(document.vat_breakdown):
        yield say("its VAT breakdown has other categories and rates than its lines")
        return
    for (category, rate), amount in taxable.items():
        share = stated[category, rate]
        if share.taxable != amount:
            yield say(
                "VAT {category} {rate}: on {taxable}, computed again on {computed}",
                category=category,
                rate=figure(str(rate)),
                taxable=figure(str(share.taxable)),
                computed=figure(str(amount)),
            )
        tax = vat.tax_of(amount, rate, gross.get((category, rate)))
        is_note = isinstance(document, Document) and document.is_credit_note
        if not is_note and share.vat != tax:
            yield say(
                "VAT {category} {rate}: {vat}, computed again {computed} (BR-CO-17)",
                category=category,
                rate=figure(str(rate)),
                vat=figure(str(share.vat)),
                computed=figure(str(tax)),
            )
    is_paid = isinstance(document, Document) and bool(document.paid)
    totals = invoicing.totals_of(
        document.lines, document.allowances, document.vat_breakdown, is_paid
    )
    if totals != document.totals:
        yield say(
            "totals: gross {gross}, computed again {computed}",
            gross=figure(str(document.totals.gross)),
            computed=figure(str(totals.gross)),
        )


def _mentions(name: str, document: Document) -> Iterator[Alert]:
    """Where it is as it was issued, and says what the law does not."""
    for mention in mentions.unknown_in(document):
        text = say(
            "says {mention}, which is not a mention of {date}",
            mention=findings.shown(mention),
            date=str(document.issue_date),
        )
        remedy = say("credit it and issue it again, if that is wrong")
        yield findings.alert("I-MENTION", name, text, remedy)


def differing(facts: Record, record: Record) -> Iterator[Message]:
    """Where a record says another thing than the facts of its document."""
    recorded = _facts_of(record)
    for key in sorted(facts.keys() | recorded.keys()):
        if facts.get(key) != recorded.get(key):
            yield say(
                "{key} is {value}, its record says {recorded}",
                key=key,
                value=findings.shown(str(facts.get(key))),
                recorded=findings.shown(str(recorded.get(key))),
            )


def _leave_out_nets(facts: Record, record: Record) -> None:
    """Records of before 2026-11-30 do not say what a service comes to."""
    if not any("net" in service for service in record.get("services", ())):
        for service in facts.get("services", ()):
            del service["net"]


def _credited(root: Root, task: Task, document: Document) -> Iterator[Message]:
    """A credit note takes back what is left of its invoice's lines, and the VAT of that."""
    if not task.before or task.before[0]["kind"] != "invoice":
        return  # named where its record is checked
    earlier: list[Document] = []
    for record in task.before:
        data, _ = findings.read(root, _proof(root, task.ledger, record, "json"))
        issued = parsed(data, from_json)
        if isinstance(issued, Message):
            return  # named where that document is checked
        earlier.append(issued)
    invoice, *notes = earlier
    ids = {line.id for line in invoice.lines}
    if unknown := [
        line.id for note in (*notes, document) for line in note.lines if line.id not in ids
    ]:
        yield say(
            "credits line {line}, which {invoice} does not have",
            line=unknown[0],
            invoice=invoice.number,
        )
        return
    try:
        credited = credit_notes.Credited(invoice, [*notes, document])
    except LookupError:
        yield say(
            "credits a discount or a VAT rate that {invoice} does not have", invoice=invoice.number
        )
        return
    for line in invoice.lines:
        left = credited.left(line)
        if left.quantity * line.quantity < 0 or left.net * line.net < 0:
            yield say(
                "credits more of line {line} than {invoice} has",
                line=line.id,
                invoice=invoice.number,
            )
    for subtotal in invoice.vat_breakdown:
        taxable = credited.taxable[subtotal.category, subtotal.rate]
        tax = credited.vat[subtotal.category, subtotal.rate]
        if taxable > subtotal.taxable >= 0:
            yield say(
                "credits more at {category} {rate} than {invoice} has",
                category=subtotal.category,
                rate=figure(str(subtotal.rate)),
                invoice=invoice.number,
            )
        expected = vat.tax_of_part(subtotal, taxable, credited.is_declared)
        if tax != expected:
            yield say(
                "VAT {category} {rate}: {vat} credited by now, expected {expected}",
                category=subtotal.category,
                rate=figure(str(subtotal.rate)),
                vat=figure(str(tax)),
                expected=figure(str(expected)),
            )


def _taken_off(task: Task, document: Document) -> Iterator[Message]:
    """A final invoice takes off every earlier one of its order of which something stands."""
    taken_off = {line.preceding for line in document.lines if line.preceding}
    is_final = document.step_kind == order_files.FINAL and not document.is_credit_note
    if is_final and taken_off != task.standing:
        yield say(
            "takes off {numbers}, and {standing} stood of {order}",
            numbers=tuple(sorted(taken_off)) or say("nothing"),
            standing=tuple(sorted(task.standing)) or say("nothing"),
            order=document.order,
        )


def _source_faults(task: Task, document: Document) -> Iterator[Message]:
    """It names what it was made from; a credit note, the document of its invoice."""
    if not document.sources:
        yield say("names nothing that it was made from")
    if task.before:
        invoice = task.before[0]
        if list(document.sources.values()) != [invoice["document_sha256"]]:
            yield say(
                "was not made from the document of {invoice} that its record knows",
                invoice=invoice["number"],
            )


def _sources(document: Document) -> Iterator[ArchivedFile]:
    """The files in the archives that it was made from; a credit note was made from no such file."""
    if not document.is_credit_note:
        for name, digest in document.sources.items():
            is_batch = name.startswith("data/archive_batch/")
            yield ArchivedFile(name, name if is_batch else f"data/archive_inputs/{digest}", digest)


# --- its PDF -------------------------------------------------------------------------


def _pdf_faults(root: Root, document: Document, pdf: bytes, is_todays: bool) -> Iterator[Message]:
    """The XML inside, and all of the file where this program can make it again."""
    if not is_todays:
        inside = _embedded(pdf)
        if isinstance(inside, Message):
            yield inside
        else:
            yield from _amounts_in_xml(document, inside)
        return
    xml = facturx_xml.generate(document)
    logo, wrong = logo_of(root, document.seller.logo)
    if not wrong and invoice_pdf.render(document, xml, logo) == pdf:
        return  # the XML inside is this one: the same bytes have the same inside
    inside = _embedded(pdf)
    if isinstance(inside, Message):
        yield inside
    elif inside != xml:
        yield say("has another {file} inside than its document gives", file=facturx_xml.FILE_NAME)
    yield wrong or say("is not what its document gives: rendered again, it has other bytes")


def logo_of(root: Root, digest: str) -> tuple[bytes | None, Message | None]:
    """The bytes of a seller's logo, None without one, and what is wrong with it."""
    if not digest:
        return None, None
    if not _SHA256.fullmatch(digest):
        return None, say("has the logo {logo}, which is not a SHA-256", logo=findings.shown(digest))
    file = f"data/archive_inputs/{digest}"
    data, unreadable = findings.read(root, file)
    if unreadable:
        return data, say("has the logo {file}, which {reason}", file=file, reason=unreadable)
    return data, None


def _embedded(pdf: bytes) -> bytes | Message:
    """The XML inside a PDF, or why it cannot be had."""
    import pypdf

    try:
        files = list(pypdf.PdfReader(io.BytesIO(pdf)).attachment_list)
        contents = [file.content for file in files if file.name == facturx_xml.FILE_NAME]
    except Exception as error:  # pypdf raises whatever a broken file leads it to
        return say("cannot be read as a PDF: {error}", error=type(error).__name__)
    if len(contents) != 1:
        return say(
            "has {number} files named {file} inside",
            number=len(contents),
            file=facturx_xml.FILE_NAME,
        )
    return contents[0]


def _amounts_in_xml(document: Document, xml: bytes) -> Iterator[Message]:
    """Where number, dates, parties or amounts of the XML are not the document's."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError:
        yield say("has a {file} inside that is not XML", file=facturx_xml.FILE_NAME)
        return
    expected = {
        "BT-27": (f".//{_RAM}SellerTradeParty/{_RAM}Name", document.seller.name),
        "BT-44": (f".//{_RAM}BuyerTradeParty/{_RAM}Name", document.buyer.name),
        "BT-106": (f".//{_SUMS}LineTotalAmount", money.plain(document.totals.lines_net, 2)),
        "BT-109": (f".//{_SUMS}TaxBasisTotalAmount", money.plain(document.totals.net, 2)),
        "BT-110": (f".//{_SUMS}TaxTotalAmount", money.plain(document.totals.vat, 2)),
        "BT-112": (f".//{_SUMS}GrandTotalAmount", money.plain(document.totals.gross, 2)),
        "BT-115": (f".//{_SUMS}DuePayableAmount", money.plain(document.totals.due, 2)),
        "BT-1": ("./{*}ExchangedDocument/{*}ID", document.number),
        "BT-2": (
            "./{*}ExchangedDocument/{*}IssueDateTime/{*}DateTimeString",
            document.issue_date.strftime("%Y%m%d"),
        ),
        "BT-3": ("./{*}ExchangedDocument/{*}TypeCode", document.type_code),
    }
    for term, (path, stated) in expected.items():
        value = tree.findtext(path)
        if value != stated:
            yield say(
                "{file}: {term} is {value}, the document has {expected}",
                file=facturx_xml.FILE_NAME,
                term=term,
                value=findings.shown(str(value)),
                expected=stated,
            )
    nets = [
        node.text
        for node in tree.iterfind(
            f".//{_RAM}IncludedSupplyChainTradeLineItem//{_RAM}LineTotalAmount"
        )
    ]
    if nets != [money.plain(line.net, 2) for line in document.lines]:
        yield say("{file}: BT-131 of its lines are not the document's", file=facturx_xml.FILE_NAME)


# --- what no record knows ------------------------------------------------------------


def _strays(files: Files, books: RecordBooks) -> Iterator[Alert]:
    for ledger in (revenues.DIRECT, revenues.BATCH):
        folder = f"data/{ledger.proofs}"
        # Those of a client at a time; a record may stand in a book of another than its own client.
        elsewhere = {
            name
            for book in books.of(ledger.records)
            for record in book.records
            if record["client"] != book.owner
            for name in _proofs(files.root, ledger, record)
        }
        for owner, names in groupby(files.under(folder), lambda name: name.split("/")[2]):
            book = books.get(ledger.records, owner)
            expected = {
                name for record in book.records for name in _proofs(files.root, ledger, record)
            }
            for name in names:
                known = name in expected or name in elsewhere
                if not known and not findings.is_leftover(name):
                    text = say("no record knows it: it was added, or its record was removed")
                    yield findings.alert("B-PROOF-STRAY", name, text)


def _proofs(root: Root, ledger: Ledger, record: Record) -> list[str]:
    return [_proof(root, ledger, record, suffix) for suffix in ("json", "pdf")]


class _Archive(NamedTuple):
    """The archived files, and what documents say of them.

    `faults` has those whose names are not those of their bytes. `digests` are the SHA-256 of all,
    empty where that is named. `unused` are inputs that nothing was made from so far; `wrong` are
    sources that are not there as they were, each with the first document that was made from it
    and how many more were.
    """

    faults: list[Alert]
    digests: dict[str, str]
    unused: set[str]
    wrong: dict[ArchivedFile, tuple[str, int]]

    def note(self, source: ArchivedFile, number: str) -> None:
        """A document of this number was made from a file."""
        self.unused.discard(source.kept)
        if self.digests.get(source.kept) not in ("", source.sha256):
            first, others = self.wrong.get(source, (number, -1))
            self.wrong[source] = first, others + 1


def _archive(files: Files) -> _Archive:
    """Archived files: named by the hash of their bytes."""
    faults = []
    digests = {}
    for name in files.under("data/archive_inputs", "data/archive_batch"):
        if findings.is_leftover(name):
            continue
        digest, unreadable = findings.sha256_of(files.root, name)
        is_right = name.endswith((f"inputs/{digest}", f".{digest[:_HASH_IN_NAME]}.csv"))
        if unreadable or not is_right:
            text = unreadable or say("was changed: its name is not that of its bytes' SHA-256")
            faults.append(findings.alert("B-ARCHIVE", name, text))
        digests[name] = digest if is_right else ""
    unused = {name for name in digests if name.startswith("data/archive_inputs/")}
    return _Archive(faults, digests, unused, {})


def _archive_faults(archive: _Archive, all_read: bool) -> Iterator[Alert]:
    """Archived files that are not what they were, or not there for a document made from them.

    Args:
      all_read: whether all documents could be asked; else an input may belong to another one.
    """
    yield from archive.faults
    for source, (number, others) in archive.wrong.items():
        use = say("{number} was made from it: then it was {file}", number=number, file=source.name)
        if others:
            use = say(
                "{number} (and {others} more) was made from it: then it was {file}",
                number=number,
                others=others,
                file=source.name,
            )
        if source.kept not in archive.digests:
            text = say("is missing, though {use}", use=use)
        else:
            text = say("has other bytes than when {use}", use=use)
        yield findings.alert("B-ARCHIVE", source.kept, text)
    for name in sorted(archive.unused) if all_read else ():
        text = say("no document was made from it: it was added, or its document was removed")
        yield findings.alert("B-PROOF-STRAY", name, text)


def _sent_faults(files: Files, books: RecordBooks) -> Iterator[Alert]:
    """Packages and letters that were sent, as their mails had them, and nothing else."""
    sent = {}
    for record in chain.from_iterable(book.records for book in books.of(OUTBOX)):
        if record["kind"] == "package":
            digest = record["package_sha256"]
            about = (record["client"], record["month"], digest[:_HASH_IN_NAME])
            sent[f"data/batch_sent/{'__'.join(about)}.zip"] = digest
        elif digest := record.get("letter_sha256"):
            path = outbox.letter_path(files.root, record["mail"], digest)
            sent[files.root.name_of(path)] = digest
    there = [
        name
        for folder in ("data/batch_sent", "data/letters_sent")
        for name in files.under(folder)
        if not findings.is_leftover(name)
    ]
    for name in there:
        digest, unreadable = findings.sha256_of(files.root, name)
        if name not in sent:
            yield _unsent(files, name, digest)
        elif digest != sent[name]:
            changed = say("was changed: its SHA-256 is not that of what was sent")
            yield findings.alert("B-PROOF-CHANGED", name, unreadable or changed, _RESTORE)
    for name in sorted(sent.keys() - set(there)):
        text = say("is missing, but data/outbox/sent.jsonl has its mail")
        yield findings.alert("B-PROOF-MISSING", name, text, _RESTORE)


def _unsent(files: Files, name: str, digest: str) -> Alert:
    """A package that is kept just before its mail is recorded, or a proof that was added."""
    client, _, rest = Path(name).name.partition("__")
    package = packages.path_of(files.root, client, rest[: len("2026-10")])
    if digest and digest == findings.sha256_of(files.root, files.root.name_of(package))[0]:
        text = say("was kept by a command that was stopped before it recorded the mail")
        return findings.alert("I-LEFTOVER", name, text, say("`make mail` sends that again"))
    text = say(
        "no mail that was sent knows it: it was added, or the record of the mail was removed"
    )
    return findings.alert("B-PROOF-STRAY", name, text)
