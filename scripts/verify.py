#!/usr/bin/env python3
"""The audit: believes nothing, names every file that is not what it should be, and why.

Records, counters, documents, PDFs, archives and derived files are read anew, reckoned anew
and compared. It changes nothing. With a witness (the heads in an earlier mail to the
operator) it also tells whether a chain was rebuilt. docs/integrity.md says what each check
proves.
"""

from argparse import ArgumentParser, Namespace

from lib import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--witness", default="", help="a file with heads from an earlier mail")
    made.add_argument("--today", type=cli.day_or_none, default=None, help="the date of today")
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import time
from datetime import date
from pathlib import Path

from lib import (
    alerts,
    audit,
    audit_derived,
    audit_proofs,
    audit_records,
    dates,
    heads,
    lock,
    outside,
    revenues,
    settings,
)
from lib.alerts import Alert, Broken, Refused
from lib.audit import Files
from lib.audit_records import Books
from lib.heads import Head
from lib.root import Root
from lib.settings import Settings

_LARGEST_WITNESS = 50_000_000  # bytes


def main(arguments: Namespace, root: Root) -> None:
    """The story of an audit.

    Raises:
      Broken: with everything that is not what it should be.
      Refused: if that is only inputs that cannot be read.
    """
    began = time.monotonic()
    witness = read_witness(arguments.witness)
    # issuer.json, which names a time zone, may be broken.
    today = arguments.today or dates.of_machine()
    used = settings.load(root)
    with lock.shared(root, used.lock_wait):
        files, found = audit.walk(root)
        stop_at_stopped_runs(files)
        books, tally, more = check(files, used, witness, today)
        found += more
        found += audit.leftovers(files)
    notices = [alert for alert in found if alert.code.startswith("I-")]
    faults = [alert for alert in found if not alert.code.startswith("I-")]
    alerts.report(root.logs, "verify.py", notices)
    inputs = [alert for alert in faults if alert.code == "B-INPUT-UNREADABLE"]
    if len(inputs) < len(faults):
        raise Broken(dict.fromkeys(faults))
    report(root, books, tally, len(witness), time.monotonic() - began)
    if inputs:
        raise Refused(inputs)


def read_witness(file: str) -> list[Head]:
    """The heads that a mail or a file keeps; none where no file is given.

    Raises:
      Refused: if the file cannot be read or has no head in it.
    """
    if not file:
        return []
    text = outside.read(Path(file), _LARGEST_WITNESS).decode("utf-8", "replace")
    found = audit_records.witnessed(text)
    if not found:
        text = "has no line `data/revenues/<client>.jsonl <seq> <hash>`, as the mail has them"
        raise cli.refuse("B-WITNESS", file, "", text)
    return found


def stop_at_stopped_runs(files: Files) -> None:
    """What a stopped run has half-done would be taken for damage.

    Raises:
      Broken: for each run that waits to be finished.
    """
    if waiting := list(audit.stopped_runs(files)):
        raise Broken(waiting)


def check(
    files: Files, used: Settings, witness: list[Head], today: date
) -> tuple[Books, audit_proofs.Tally, list[Alert]]:
    """All checks, in the order in which things depend on each other."""
    found = list(audit.mode_faults(files))
    books, faults = audit_records.read(files)
    found += faults
    found += audit_records.witness_faults(books, witness)
    for ledger in (revenues.DIRECT, revenues.BATCH):
        found += audit_records.number_faults(files, books, ledger)
        for book in books.of(ledger.records):
            found += audit_records.bill_faults(book)
    for book in books.of(audit_records.PAYMENTS):
        bills = books.get(audit_records.REVENUES, book.owner)
        faults = list(audit_records.payment_faults(book, bills))
        if book.sound and bills.sound and not faults:
            faults = list(audit_records.refund_faults(files.root, book, bills))
        found += faults
    found += audit_records.mail_faults(books)
    found += audit_records.future_faults(books, today)
    faults, tally = audit_proofs.faults(files, books, used.workers)
    found += faults
    found += audit_derived.faults(files, books, used)
    return books, tally, found


def report(
    root: Root, books: Books, tally: audit_proofs.Tally, witnessed: int, seconds: float
) -> None:
    """Where each chain stands, in the form of a witness, and a summary."""
    print(heads.witness(audit_records.heads_of(books)), end="")
    lines = sum(len(book.records) for family in books.families for book in books.of(family))
    proved = f"{alerts.counted(lines, 'record')} and {alerts.counted(tally.documents, 'document')}"
    text = f"{proved} are as they were issued"
    if tally.documents:
        text += f", {alerts.counted(tally.rendered, 'PDF')} rendered again byte for byte"
    if witnessed:
        text += f", {alerts.counted(witnessed, 'head')} of the witness found"
    alerts.write_log(root.logs, "", "INFO", "verify.py", "I-VERIFIED", text)
    print(f"{text}, in {seconds:.0f} s")


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, finds_days=False)
