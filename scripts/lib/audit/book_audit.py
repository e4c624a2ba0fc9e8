"""The audit of all record files together: what verify looks at first, and a closing before it
closes. Documents, derived files and the machine are not looked at."""

from lib.audit import closing_audit, mail_audit, quote_audit, record_audit
from lib.audit.findings import Files
from lib.audit.record_audit import RecordBooks
from lib.books import quotations, record_lines, revenues
from lib.core.faults import Alert
from lib.values import numbers

_LEDGERS = (revenues.DIRECT, revenues.BATCH, quotations.LEDGER)

# All that is read here, but orders.
FOLDERS = tuple(
    f"data/{folder}"
    for folder in (*record_lines.FAMILIES, "heads", *(ledger.counters for ledger in _LEDGERS))
)


def read(files: Files) -> tuple[RecordBooks, list[Alert]]:
    """The books, and all that is wrong with their lines or that these say of each other."""
    books, found = record_audit.read(files)
    for ledger in (revenues.DIRECT, revenues.BATCH):
        found += record_audit.number_faults(files, books, ledger)
        for book in books.of(ledger.records):
            found += record_audit.bill_faults(book)
        for book in books.of(record_audit.SEQUENCES[ledger.records]):
            found += record_audit.start_faults(book)
    for book in books.of(record_audit.PAYMENTS):
        bills = books.get(record_audit.REVENUES, book.owner)
        opened = books.get(record_audit.OPENINGS, book.owner)
        faults = list(record_audit.payment_faults(book, bills, opened))
        if book.sound and bills.sound and opened.sound and not faults:
            faults = list(record_audit.withdrawal_faults(files.root, book, bills, opened))
        found += faults
    found += record_audit.number_faults(files, books, quotations.LEDGER, (numbers.QUOTE,))
    for book in books.of(record_audit.QUOTATIONS):
        found += quote_audit.record_faults(book)
        found += quote_audit.order_faults(
            files.root, book, books.get(record_audit.REVENUES, book.owner)
        )
    for book in books.of(record_audit.OPENINGS):
        paid = books.get(record_audit.PAYMENTS, book.owner)
        found += record_audit.opening_faults(book, paid)
    found += record_audit.taken_faults(books)
    found += mail_audit.mail_faults(books)
    found += closing_audit.faults(files.root, books, is_sound=not found)
    return books, found
