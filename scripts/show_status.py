#!/usr/bin/env python3
"""Shows the state of the house on one screen. Reads only.

The last run and what came of it, the flags of the month, invoices by status, what is
overdue, what the next run invoices by plan, mails and batches that wait, the heads of the
records, and the disk.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    cli.add_dates(made)
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import shutil
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from lib.books import balances, bills, heads, issuing
from lib.books.balances import InvoiceBalance
from lib.books.heads import Head
from lib.core import lock, storage, tables
from lib.core.faults import Broken, printable
from lib.core.root import Root
from lib.inputs import inbox, settings
from lib.mail import outbox
from lib.values import money

_STATUSES = (
    balances.UNPAID,
    balances.PARTIALLY_PAID,
    balances.PAID,
    balances.CREDITED,
    balances.OVERPAID,
)
_SHORT = 12  # characters of a hash that tell it from another one
_RUN = b" send_alerts.py I-RUN "  # in the line of the log that says how a run ended
_WIDEST = 100  # columns of a line
_MOST_LINES = 4  # of names of what is not a batch, below the first


class Sum(NamedTuple):
    """So many invoices, and what they come to."""

    number: int
    amount: Decimal


NONE = Sum(0, money.ZERO)


def main(arguments: Namespace, root: Root) -> None:
    """A line or a few a subject.

    Raises:
      Broken: after all that can be shown, if the records cannot be.
    """
    with lock.shared(root, settings.load(root).lock_wait):
        lines = [
            ("last run", last_run(root)),
            ("stopped", ", ".join(issuing.stopped_runs(root)) or "no run waits to be finished"),
            (f"month {arguments.month}", ", ".join(flags(root, arguments.month)) or "no flag"),
            ("mails", f"{len(outbox.waiting(root))} waiting"),
            *batches(root),
            ("disk", disk(root)),
        ]
        for name, text in lines:
            print(shortened(f"{name:14}  {text}"))
        try:
            statuses, ages = sums_of(balances.read_all(root), arguments.today)
            known = heads.read(root)
            coming = bills.next_run(root, arguments.month)
        except Broken as broken:
            print(f"{'records':14}  broken, {len(broken.alerts)} faults; run `make verify`")
            raise
    print()
    show_invoices("invoices", "gross", statuses)
    print()
    show_invoices("overdue", "outstanding", ages)
    print()
    show_next(coming)
    print()
    show_heads(known)


def show_next(coming: bills.Coming) -> None:
    """The invoices of the next run by plan, the first of them where there are many."""
    shown = [list(row) for row in coming.invoices]
    if coming.more:
        shown.append([f"and {coming.more} more", "", "", ""])
    headings = [f"next run, {coming.month}", "plans", "period", "net"]
    tables.show("", headings, shown or [["nothing", "", "", ""]], right=1)


def last_run(root: Root) -> str:
    """When a run that ends with a summary ended last, and what that said."""
    found = b""
    with suppress(FileNotFoundError), storage.open_file(root.logs / "system.log") as log:
        for line in log:
            if _RUN in line.partition(b" ")[2]:
                found = line
    if not found:
        return "none yet"
    moment, _, rest = found.removesuffix(b"\n").decode("utf-8", "replace").partition(" ")
    return printable(f"{moment} {rest.partition(_RUN.decode())[2]}")


def flags(root: Root, month: str) -> list[str]:
    """The steps that are done: the month's own, and those that know no month."""
    found = [*root.flags.glob(f"{month}/*.done"), *root.flags.glob("*.done")]
    return [f"{path.stem} done" for path in sorted(found, key=lambda path: path.stem)]


def count(folder: Path, pattern: str) -> int:
    """How many files of a folder have such a name."""
    return sum(1 for _ in folder.glob(pattern))


def batches(root: Root) -> Iterator[tuple[str, str]]:
    """The files of the inbox, those that were rejected, and the names of what is not a batch."""
    found = inbox.entries(root)
    strays = [printable(path.name) for path in found if inbox.stray(root, path)]
    rejected = count(root.rejected, "*__*.csv") - count(root.rejected, "*.errors.csv")
    counts = f"{len(found) - len(strays)} waiting, {rejected} rejected"
    if not strays:
        yield "batches", counts
        return
    text = f"{counts}, {len(strays)} not read: {', '.join(strays)}"
    first, *more = textwrap.wrap(text, _WIDEST - 16, break_on_hyphens=False)
    yield "batches", first
    yield from (("", line) for line in more[:_MOST_LINES])
    if more[_MOST_LINES:]:
        yield "", "… and more: `make batch` names them all, with what to do"


def disk(root: Root) -> str:
    """ "12.3 GB free, 45 % used"."""
    free = shutil.disk_usage(root.path).free // 10**8
    return f"{free // 10}.{free % 10} GB free, {storage.percent_used(root.path)} % used"


def shortened(line: str) -> str:
    """A line that fits the screen."""
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"


# --- invoices ------------------------------------------------------------------------


def sums_of(
    invoices: Iterable[InvoiceBalance], today: date
) -> tuple[dict[str, Sum], dict[str, Sum]]:
    """What invoices come to: their gross by status; by days late, what is outstanding after
    its due date."""
    statuses: dict[str, Sum] = {status.replace("_", " "): NONE for status in _STATUSES}
    ages: dict[str, Sum] = {f"{age} days": NONE for age in balances.AGES}
    for invoice in invoices:
        _add(statuses, invoice.status.replace("_", " "), invoice.gross)
        if invoice.outstanding > 0 and balances.days_late(invoice, today) > 0:
            age = balances.AGES[balances.age(invoice, today)]
            _add(ages, f"{age} days", invoice.outstanding)
    return statuses, ages


def _add(sums: dict[str, Sum], name: str, amount: Decimal) -> None:
    number, so_far = sums[name]
    sums[name] = Sum(number + 1, money.total((so_far, amount)))


def show_invoices(name: str, amounts: str, sums: dict[str, Sum]) -> None:
    """A table of the sums that are not of nothing."""
    rows = [
        [which, str(one.number), money.plain(one.amount, 2)]
        for which, one in sums.items()
        if one.number
    ]
    tables.show("", [name, "number", amounts], rows or [["none", "0", ""]], right=2)


# --- heads ---------------------------------------------------------------------------


def show_heads(known: list[Head]) -> None:
    """A line a family: its files, its records, and one hash over the heads of all."""
    families: dict[str, list[Head]] = {}
    for head in known:
        families.setdefault(Path(head.file).parent.name, []).append(head)
    rows = [
        [name, str(len(some)), str(sum(head.seq for head in some)), digest(some)]
        for name, some in families.items()
    ]
    headings = ["records", "files", "lines", "heads"]
    tables.show("", headings, rows or [["none", "0", "0", ""]], right=3)


def digest(some: Iterable[Head]) -> str:
    """The first characters of the SHA-256 of a witness."""
    return storage.sha256(heads.witness(some).encode())[:_SHORT]


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
