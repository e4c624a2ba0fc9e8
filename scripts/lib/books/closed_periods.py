"""Closed periods: up to which day the books are closed, and the one check of a date against it.

data/closings/books.jsonl has a line for each month or year that was closed (books/closings makes
them). Nothing is dated in a closed period or before it from then on; `refuse_line` holds every
line of these records to that, whatever command appends it, and commands ask `faults` first.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from lib.books import records
from lib.books.record_lines import ClosedHeads, ClosedPeriod, ClosingAccounts
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.values import periods

CODE = "B-PERIOD-CLOSED"
FOLDER = "closings"

# The families whose lines have a date that counts in the books.
FAMILIES = ("revenues", "revenues_batch", "payments", "openings")


def path(root: Root) -> Path:
    """data/closings/books.jsonl."""
    return root.data / FOLDER / "books.jsonl"


def read(root: Root) -> list[ClosedPeriod]:
    """The periods that were closed, proved, in the order in which they were.

    Raises:
      Broken: with the first disagreement.
    """
    return list(records.read_typed(root, path(root), ClosedPeriod))


def last_day(root: Root) -> date:
    """The last day that is closed; the first of all days where nothing is.

    Raises:
      Broken: as `read` does.
    """
    return max((periods.last_day_of(line.period) for line in read(root)), default=date.min)


def first_open(closed: date) -> date:
    """The first day after those that are closed."""
    return closed + timedelta(days=1)


def faults(place: str, day: date, closed: date, remedy: Message | None = None) -> list[Fault]:
    """Why nothing can be dated on `day`, where it is closed.

    Args:
      closed: what `last_day` says.
      remedy: where it is not just to write another day.
    """
    if day > closed:
        return []
    found = say(
        "{day} is in a closed period: the books are closed up to {closed}",
        day=str(day),
        closed=str(closed),
    )
    other = say(
        "write {place}={open} or a later day", place=place.upper(), open=str(first_open(closed))
    )
    return [Fault(place, found, remedy=remedy or other)]


def money_faults(day: date, closed: date) -> list[Fault]:
    """Why money that moved on `day` cannot be recorded with that date, and how it can."""
    remedy = say(
        "record it at an open day, with the day on which it moved beside it: DATE={open} or later,"
        " VALUE_DATE={day}",
        open=str(first_open(closed)),
        day=str(day),
    )
    return faults("date", day, closed, remedy)


def alerts(found: Iterable[Fault], file: str = "", client: str = "") -> list[Alert]:
    """What `faults` found, under its code; places become Make's names where no file has them."""
    named = (fault if file else fault._replace(place=fault.place.upper()) for fault in found)
    return [Alert(CODE, file, fault, client) for fault in named]


def refuse(root: Root, place: str, day: date, client: str = "") -> None:
    """Refuses the date of what is about to be issued or recorded, where it is closed.

    Raises:
      Refused: if it is.
      Broken: as `read` does.
    """
    if found := alerts(faults(place, day, last_day(root)), client=client):
        raise Refused(found)


def refuse_line(fact: Mapping[str, Any], closed: date) -> None:
    """Refuses a line of FAMILIES that is about to be appended, whoever appends it.

    Raises:
      Refused: if its date is closed.
    """
    if found := alerts(faults("date", date.fromisoformat(date_of(fact)), closed)):
        raise Refused(found)


def date_of(fact: Mapping[str, Any]) -> str:
    """The date by which a line of FAMILIES counts."""
    day: str = fact.get("issue_date") or fact["date"]
    return day


def accounts(lines: Iterable[ClosedPeriod]) -> list[tuple[date, ClosingAccounts]]:
    """What closed days are posted by, each with the last of them, in order.

    Closings of before 2026-11-30 say nothing of accounts: theirs are those of the next one.
    """
    return [
        (periods.last_day_of(line.period), line.accounts)
        for line in lines
        if line.accounts is not None
    ]


Since = Sequence[tuple[int, str]]  # the last line before a closing, the first day open after it


class FilesWhenClosed(NamedTuple):
    """For each closing the first day open after it; for each record file its last line before
    each of them. With years of closings and many clients these are many: they are held as numbers.
    """

    days: list[str]
    ends: dict[str, "array[int]"]

    def since(self, file: str) -> Since:
        """What each closing means to the lines of a record file, which may have come later."""
        ends = self.ends.get(file, array("q"))
        return [(ends[i] if i < len(ends) else 0, day) for i, day in enumerate(self.days)]


def files_when_closed(root: Root) -> FilesWhenClosed:
    """Where record files ended when periods were closed, proved; read once by each process.

    Raises:
      Broken: with the first disagreement.
    """
    time = path(root).stat().st_ctime_ns if path(root).exists() else 0
    return _files_when_closed(root, time)


@lru_cache(maxsize=1)
def _files_when_closed(root: Root, _time: int) -> FilesWhenClosed:
    return files_of(records.read_typed(root, path(root), ClosedHeads))


def files_of(lines: Iterable[ClosedHeads]) -> FilesWhenClosed:
    """What closings say of record files."""
    days: list[str] = []
    ends: dict[str, array[int]] = {}
    for line in lines:
        for head in line.heads:
            of_file = ends.setdefault(head.file, array("q"))
            of_file.extend([0] * (len(days) - len(of_file)))
            if len(of_file) == len(days):
                of_file.append(head.seq)
        days.append(first_open(periods.last_day_of(line.period)).isoformat())
    return FilesWhenClosed(days, ends)


def open_from(closings: Since, seq: int) -> str:
    """The first day that was open when a line was appended; empty where nothing was closed."""
    return max((day for last, day in closings if seq > last), default="")
