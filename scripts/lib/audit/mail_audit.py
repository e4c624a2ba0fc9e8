"""The audit of mails: what records say of those that left, and what those that wait carry.

A mail that waits is made again before it is sent, but for a summary, whose name is a hash of
what it says. What any of them carries is an issued PDF, a package, or the heads.
"""

import hashlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from sys import intern
from typing import NamedTuple

from lib.audit import findings
from lib.audit.findings import Files
from lib.audit.record_audit import (
    OPENINGS,
    OUTBOX,
    QUOTATIONS,
    REVENUES,
    REVENUES_BATCH,
    RecordBooks,
)
from lib.books import openings
from lib.books.records import Record
from lib.core import messages
from lib.core.faults import Alert, Fault, at_line
from lib.core.messages import Message, say
from lib.mail import mime, outbox
from lib.values.speech import Speech

# How the names of letters and statements of account begin, which are made again with their mail.
_LETTERS = tuple(
    Speech(language).word(key, number="", date="").removesuffix(".pdf")
    for language in messages.languages()
    for key in ("formal_file", "account_file")
)
_SUMMARY = f"{outbox.SUMMARY}__"  # how the names of their mails begin


def waiting_faults(files: Files, books: RecordBooks) -> Iterator[Alert]:
    """Mails that wait and are not what was written."""
    names = [
        name
        for name in files.regular("data/outbox")
        if PurePosixPath(name).suffix == ".eml" and not findings.is_leftover(name)
    ]
    pdfs = {
        _digest(record)
        for family in (REVENUES, REVENUES_BATCH, QUOTATIONS, OPENINGS)
        for book in (books.of(family) if names else ())
        for record in book.records
        if "pdf_sha256" in record
    }
    for name in names:
        mail = PurePosixPath(name).stem
        data, unreadable = findings.read(files.root, name)
        if found := unreadable or _waiting(data, mail, pdfs):
            remedy = say("remove it: the next run writes what is still to be sent")
            if mail.startswith(_SUMMARY):
                remedy = say("remove it: data/logs/system.log has what it reported")
            yield findings.alert("B-MAIL-CHANGED", name, found, remedy)


def _waiting(data: bytes, mail: str, pdfs: set[bytes]) -> Message | None:
    """How the bytes of a mail differ from what was written under its name."""
    try:
        letter = mime.read(data)
        is_whole = mime.to_bytes(letter, mail) == data
    except Exception as error:  # the parser of mails raises whatever a broken file leads it to
        return say("cannot be read as a mail: {error}", error=type(error).__name__)
    if not is_whole:
        return say("was changed: it is not what its name and its parts give")
    if mail.startswith(_SUMMARY) and not mail.endswith(outbox.summary_digest(letter)):
        return say("was changed: its name is not that of what it says")
    for attachment in letter.attachments:
        is_pdf = attachment.type == "application/pdf" and not attachment.name.startswith(_LETTERS)
        if is_pdf and hashlib.sha256(attachment.data).digest() not in pdfs:
            return say("carries {file}, which is not a PDF of the records", file=attachment.name)
    return None


class _Mailed(NamedTuple):
    """What of a document is compared with its mail; of years of them no more is held."""

    kind: str
    pdf: bytes  # its SHA-256


_Documents = dict[str, dict[str, dict[str, _Mailed]]]  # by family, client and number


def mail_faults(books: RecordBooks) -> Iterator[Alert]:
    """Mails about documents and packages that do not exist: one that was not sent would pass
    for sent."""
    clients = {record["client"] for book in books.of(OUTBOX) for record in book.records}
    documents: _Documents = {
        family: {
            book.owner: {
                record["number"]: _Mailed(intern(record["kind"]), _digest(record))
                for record in book.records
                if "number" in record
            }
            for book in books.of(family)
            if book.owner in clients
        }
        for family in (REVENUES, REVENUES_BATCH, QUOTATIONS)
    }
    # One that was entered again may have another PDF: each is one that a reminder carried.
    documents[OPENINGS] = {
        book.owner: {
            record["number"] + record.get("pdf_sha256", ""): _Mailed(
                openings.OPENING, _digest(record)
            )
            for record in book.records
            if record["kind"] == openings.OPENING
        }
        for book in books.of(OPENINGS)
    }
    months = {
        (book.owner, record["month"])
        for book in books.of(REVENUES_BATCH)
        if book.owner in clients
        for record in book.records
    }
    for book in books.of(OUTBOX):
        for record in book.records:
            if text := _mail(record, documents, months):
                fault = Fault(at_line(record["seq"]), text)
                yield Alert("B-RECORD-ORPHAN", book.name, fault, record["client"])


def _digest(record: Record) -> bytes:
    return bytes.fromhex(record.get("pdf_sha256", ""))


def _mail(
    record: Record,
    documents: _Documents,
    months: set[tuple[str, str]],
) -> Message | None:
    kind, client = record["kind"], record["client"]
    if kind == outbox.SUMMARY:
        return None
    if kind == "package":
        month = record["month"]
        name = outbox.mail_name(kind, client, month, "")
        if (client, month) not in months:
            return say(
                "is about {month}, of which {client} has no batch", month=month, client=client
            )
        return None if record["mail"].startswith(name) else _other_mail(name)
    number = record["number"]
    family = {"customer": REVENUES_BATCH, "quote": QUOTATIONS}.get(kind, REVENUES)
    document = documents[family].get(client, {}).get(number)
    if kind == "reminder" and document is None:
        of_client = documents[OPENINGS].get(client, {})
        document = of_client.get(number + record.get("pdf_sha256", ""))
        kind = openings.OPENING if document else kind
    of_kind = {"reminder": "invoice", "customer": document and document.kind}.get(kind, kind)
    if document is None or document.kind != of_kind:
        return say("is about {number}, which {client} does not have", number=number, client=client)
    if record.get("pdf_sha256", document.pdf.hex()) != document.pdf.hex():
        return say("carried another PDF than the records have of {number}", number=number)
    name = outbox.mail_name(record["kind"], client, number, *filter(None, [record.get("level")]))
    return None if record["mail"] == name else _other_mail(name)


def _other_mail(name: str) -> Message:
    return say("has the name of another mail than {name}", name=name)
