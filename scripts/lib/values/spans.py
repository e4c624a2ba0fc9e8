"""Sets of days, as spans: disjoint periods in order, with at least a day between two.

Pure. For service that was billed already, that is skipped, or that nobody bills.

>>> year = (Period(start=date(2026, 1, 1), end=date(2026, 12, 31)),)
>>> summer = (Period(start=date(2026, 7, 1), end=date(2026, 8, 31)),)
>>> count(year), count(minus(year, summer)), len(minus(year, summer))
(365, 303, 2)
"""

from collections.abc import Iterable
from datetime import date, timedelta

from lib.values import periods
from lib.values.document import Period

Spans = tuple[Period, ...]

_DAY = timedelta(days=1)


def union(days: Iterable[Period]) -> Spans:
    """All days of some periods, which may overlap."""
    joined: list[Period] = []
    for span in sorted(days, key=lambda span: span.start):
        last = joined[-1] if joined else None
        if last and (last.end == date.max or span.start <= last.end + _DAY):
            joined[-1] = Period(start=last.start, end=max(last.end, span.end))
        else:
            joined.append(span)
    return tuple(joined)


def minus(days: Spans, taken: Spans) -> Spans:
    """The days that are in the one and not in the other."""
    left = list(days)
    for gone in taken:
        kept: list[Period] = []
        for span in left:
            if gone.end < span.start or span.end < gone.start:
                kept.append(span)
                continue
            if span.start < gone.start:
                kept.append(Period(start=span.start, end=gone.start - _DAY))
            if gone.end < span.end:
                kept.append(Period(start=gone.end + _DAY, end=span.end))
        left = kept
    return tuple(left)


def common(period: Period, other: Period) -> Spans:
    """The days of both."""
    start, end = max(period.start, other.start), min(period.end, other.end)
    return (Period(start=start, end=end),) if start <= end else ()


def within(days: Spans, period: Period) -> Spans:
    """The days that lie in a period."""
    return tuple(part for span in days for part in common(span, period))


def count(days: Iterable[Period]) -> int:
    """How many days."""
    return sum((span.end - span.start).days + 1 for span in days)


def envelope(days: Spans) -> Period:
    """From the first day to the last; there is at least one."""
    return Period(start=days[0].start, end=days[-1].end)


def of_months(months: Iterable[str]) -> Spans:
    """All days of some months."""
    return union(
        Period(start=periods.first_day(month), end=periods.last_day(month)) for month in months
    )


def months_of(days: Iterable[Period]) -> tuple[str, ...]:
    """The months that have one of the days, each once, in order."""
    touched = (
        month
        for span in days
        for month in periods.months(periods.month_of(span.start), periods.month_of(span.end))
    )
    return tuple(dict.fromkeys(touched))
