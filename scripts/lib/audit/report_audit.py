"""The audit of reports to the tax office: each as its record knows it, and no other beside them."""

from collections.abc import Iterator

from lib.audit import findings
from lib.audit.findings import Files
from lib.audit.record_audit import PLATFORM, RecordBooks
from lib.books import exchanges
from lib.core.faults import Alert
from lib.core.messages import say


def faults(files: Files, books: RecordBooks) -> Iterator[Alert]:
    """What of a report that was, or is to be, handed over is gone or changed."""
    known = {
        files.root.name_of(exchanges.report_path(files.root, record["tracking_id"])): record[
            "sha256"
        ]
        for book in books.of(PLATFORM)
        for record in book.records
        if record["kind"] == exchanges.DEPOSIT and record["what"] == exchanges.REPORT
    }
    restore = say("restore it from a backup")
    for name, expected in sorted(known.items()):
        digest, unreadable = findings.sha256_of(files.root, name)
        if unreadable:
            text = say("{reason}, but the records have it as a report", reason=unreadable)
            yield findings.alert("B-PROOF-MISSING", name, text, restore)
        elif digest != expected:
            text = say("was changed: its SHA-256 is not that of the records")
            yield findings.alert("B-PROOF-CHANGED", name, text, restore)
    folder = files.root.name_of(exchanges.report_path(files.root, "").parent)
    for name in files.under(folder):
        if name not in known and not findings.is_leftover(name):
            text = say("no record knows it: it was added, or its record was removed")
            yield findings.alert("B-PROOF-STRAY", name, text)
