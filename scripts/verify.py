#!/usr/bin/env python3
"""The audit: trusts nothing, names every file that is not what it should be, and why.

Records, counters, documents, PDFs, archives and derived files are read again, computed again
and compared. It changes nothing. With a witness (the heads in an earlier mail to the
operator) it also reports whether a chain was rebuilt. docs/integrity.md says what each check
proves.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--witness", default="", help="a file with heads from an earlier mail")
    options.add_argument("--today", type=cli.day_or_none, default=None, help="the date of today")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import time
from datetime import date
from pathlib import Path

from lib.audit import (
    book_audit,
    derived_audit,
    exchange_audit,
    findings,
    mail_audit,
    proof_audit,
    quote_audit,
    record_audit,
)
from lib.audit.findings import Files
from lib.audit.record_audit import RecordBooks
from lib.books import heads
from lib.books.heads import Head
from lib.core import alerts, dates, handed_file, lock
from lib.core.faults import Alert, Broken, Refused
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.inputs import settings
from lib.inputs.settings import Settings

_LARGEST_WITNESS = 50_000_000  # bytes


def main(arguments: Namespace, root: Root) -> None:
    """An audit of everything under the root.

    Raises:
      Broken: with everything that is not what it should be.
      Refused: if that is only inputs that cannot be read.
    """
    began = time.monotonic()
    witness = read_witness(arguments.witness)
    # issuer.json, which names a time zone, may be broken.
    today = arguments.today or dates.of_machine()
    config = settings.load(root)
    with lock.shared(root, config.lock_wait):
        files, everything = findings.walk(root)
        stop_at_stopped_runs(files)
        books, tally, more = check(files, config, witness, today)
        everything += more
        everything += findings.leftovers(files)
        everything += findings.strays(files)
    notices = [alert for alert in everything if alert.code.startswith("I-")]
    faults = [alert for alert in everything if not alert.code.startswith("I-")]
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
    text = handed_file.read(Path(file), _LARGEST_WITNESS).decode("utf-8", "replace")
    witnessed = record_audit.witnessed(text)
    if not witnessed:
        why = say("has no line `data/revenues/<client>.jsonl <seq> <hash>`, as the mail has them")
        raise cli.refuse("B-INPUT-VALUE", file, "", why)
    return witnessed


def stop_at_stopped_runs(files: Files) -> None:
    """Stops where a run waits to be finished: what it has half-done would look like damage.

    Raises:
      Broken: for each run that waits to be finished.
    """
    if waiting := list(findings.stopped_runs(files)):
        raise Broken(waiting)


def check(
    files: Files, config: Settings, witness: list[Head], today: date
) -> tuple[RecordBooks, proof_audit.Tally, list[Alert]]:
    """All checks, in the order in which things depend on each other."""
    found = list(findings.mode_faults(files))
    books, faults = book_audit.read(files)
    is_sound = not faults
    found += faults
    found += record_audit.witness_faults(books, witness)
    found += mail_audit.waiting_faults(files, books)
    found += record_audit.future_faults(books, today)
    quotes = quote_audit.verifications(files.root, books)
    faults, tally = proof_audit.faults(files, books, quotes, config.workers)
    found += quote_audit.strays(files, books)
    found += exchange_audit.faults(files, books)
    found += faults
    found += derived_audit.faults(files, books, config, is_sound=is_sound)
    return books, tally, found


def report(
    root: Root, books: RecordBooks, tally: proof_audit.Tally, witnessed: int, seconds: float
) -> None:
    """Where each chain stands, in the form of a witness, and a summary."""
    print(heads.witness(record_audit.heads_of(books)), end="")
    lines = sum(book.last for family in books.families for book in books.of(family))
    proved = [
        say(
            "{records} and {documents} are as they were issued",
            records=counted(lines, "1 record", "{number} records"),
            documents=counted(tally.documents, "1 document", "{number} documents"),
        )
    ]
    if tally.documents:
        proved.append(
            counted(
                tally.rendered,
                "1 PDF rendered again byte for byte",
                "{number} PDFs rendered again byte for byte",
            )
        )
    if witnessed:
        proved.append(
            counted(witnessed, "1 head of the witness found", "{number} heads of the witness found")
        )
    text = say("{facts}", facts=tuple(proved))
    alerts.write_log(root.logs, "", "INFO", "verify.py", "I-VERIFIED", str(text))
    print(say("{text}, in {seconds} s", text=text, seconds=f"{seconds:.0f}"))


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, finds_days=False)
