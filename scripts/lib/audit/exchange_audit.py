"""The audit of what went to the approved platform, and of what came from it: each message and each
report as its record knows it, and no other beside them."""

from collections.abc import Iterator

from lib.audit import findings
from lib.audit.findings import Files
from lib.audit.record_audit import PLATFORM, RecordBooks
from lib.books import exchanges
from lib.books.records import Record
from lib.core.faults import Alert
from lib.core.messages import say
from lib.core.root import Root


def faults(files: Files, books: RecordBooks) -> Iterator[Alert]:
    """What of a message or a report is gone, changed, or known to no record."""
    root = files.root
    known = {
        name: record["sha256"]
        for book in books.of(PLATFORM)
        for record in book.records
        if (name := _kept(root, record))
    }
    restore = say("restore it from a backup")
    for name, expected in sorted(known.items()):
        digest, unreadable = findings.sha256_of(root, name)
        if unreadable:
            text = say("{reason}, but the records know it", reason=unreadable)
            yield findings.alert("B-PROOF-MISSING", name, text, restore)
        elif digest != expected:
            text = say("was changed: its SHA-256 is not that of the records")
            yield findings.alert("B-PROOF-CHANGED", name, text, restore)
    for path in (exchanges.received_path, exchanges.sent_path, exchanges.report_path):
        for name in files.under(root.name_of(path(root, "").parent)):
            if name not in known and not findings.is_leftover(name):
                text = say("no record knows it: it was added, or its record was removed")
                yield findings.alert("B-PROOF-STRAY", name, text)


def _kept(root: Root, record: Record) -> str:
    """The name of the file that a record is about; empty where that is no file of its own."""
    if record["kind"] == exchanges.STATUS:
        return root.name_of(exchanges.received_path(root, record["sha256"]))
    if record["kind"] == exchanges.CASH_IN:
        return root.name_of(exchanges.sent_path(root, record["tracking_id"]))
    if record["kind"] == exchanges.DEPOSIT and record["what"] == exchanges.REPORT:
        return root.name_of(exchanges.report_path(root, record["tracking_id"]))
    return ""
