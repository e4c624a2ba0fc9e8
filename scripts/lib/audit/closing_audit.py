"""The audit of closings: a closed period is today what it was on the day it was closed.

Each closing is made again from the records as they are now, and compared with its line; no line
that came after it has a date in it; and the chains still go through the heads that it names.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain

import msgspec

from lib.audit import findings, record_audit
from lib.audit.record_audit import Book, RecordBooks
from lib.books import closed_periods, closings, histories
from lib.books.closings import NotClosed
from lib.books.heads import Head
from lib.books.record_lines import ClosedHeads, ClosedPeriod, ClosingAccounts
from lib.books.records import Record
from lib.core.faults import Alert, Broken, Fault, at_line
from lib.core.messages import Message, say
from lib.core.root import Root

CODE = "B-CLOSING"


def faults(root: Root, books: RecordBooks, *, is_sound: bool) -> Iterator[Alert]:
    """All that contradicts a closing.

    Args:
      is_sound: whether nothing else is wrong with the records: closings can be made again.
    """
    for book in books.of(closed_periods.FOLDER):
        for record in book.records:
            heads = [Head(**head) for head in record["heads"]]
            for alert in record_audit.witness_faults(books, heads):
                text = say(
                    "is not what it was when {period} was closed: it {found}",
                    period=record["period"],
                    found=alert.fault.found,
                )
                yield alert._replace(code=CODE, fault=alert.fault._replace(found=text))
        yield from _later_faults(books, book)
        if is_sound and book.name == root.name_of(closed_periods.path(root)):
            yield from _order_faults(book)
            yield from _content_faults(root, book)


def _later_faults(books: RecordBooks, closed: Book) -> Iterator[Alert]:
    """Lines that came after a closing and are dated in it or before."""
    files = closed_periods.files_of(msgspec.convert(line, ClosedHeads) for line in closed.records)
    for family in closed_periods.FAMILIES:
        for book in books.of(family):
            since = files.since(book.name)
            for record in book.records if since else ():
                open_from = closed_periods.open_from(since, record["seq"])
                day = closed_periods.date_of(record)
                if day < open_from:
                    text = say(
                        "is of {day}, and came when the first open day was {open}",
                        day=day,
                        open=open_from,
                    )
                    place = at_line(record["seq"])
                    yield Alert(CODE, book.name, Fault(place, text), book.owner)


def _order_faults(book: Book) -> Iterator[Alert]:
    """Periods that were closed before they were over, twice, or out of order."""
    lines: list[ClosedPeriod] = []
    for record in book.records:
        line = msgspec.convert(record, ClosedPeriod)
        try:
            day = date.fromisoformat(record["date"])
            months = closings.months_to_close(line.period, lines, "", day)
            if months not in ([], [line.period]):
                raise NotClosed(say("its month {month} is not closed", month=months[0]))
        except NotClosed as none:
            yield _of_line(book, record, none.why)
        lines.append(line)


def _content_faults(root: Root, book: Book) -> Iterator[Alert]:
    """Closings whose figures are not those of the records as they are."""
    try:
        clients = histories.by_client(root, histories.clients_of(root), "")
        past = closings.past(root, chain.from_iterable(clients))
    except (Broken, OSError):
        return  # what they are made of is broken, and named
    for record in book.records:
        day = date.fromisoformat(record["date"])
        accounts = msgspec.convert(record.get("accounts"), ClosingAccounts | None)
        again = closings.facts(record["period"], day, past, accounts, record["heads"])
        for name in _different(again, record):
            text = say(
                "has other {name} of {period} than the records give",
                name=name,
                period=record["period"],
            )
            yield _of_line(book, record, text)


def _different(again: Record, record: Record) -> Iterable[str]:
    return [name for name, value in again.items() if record[name] != value]


def _of_line(book: Book, record: Record, text: Message) -> Alert:
    return findings.alert(CODE, book.name, text, place=at_line(record["seq"]))
