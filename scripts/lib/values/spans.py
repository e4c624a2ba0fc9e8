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


def union(some: Iterable[Period]) -> Spans:
    """All days of some periods, which may overlap."""
    joined: list[Period] = []
    for one in sorted(some, key=lambda period: period.start):
        last = joined[-1] if joined else None
        if last and (last.end == date.max or one.start <= last.end + _DAY):
            joined[-1] = Period(start=last.start, end=max(last.end, one.end))
        else:
            joined.append(one)
    return tuple(joined)


def minus(days: Spans, taken: Spans) -> Spans:
    """The days that are in the one and not in the other."""
    left = list(days)
    for gone in taken:
        kept: list[Period] = []
        for one in left:
            if gone.end < one.start or one.end < gone.start:
                kept.append(one)
                continue
            if one.start < gone.start:
                kept.append(Period(start=one.start, end=gone.start - _DAY))
            if gone.end < one.end:
                kept.append(Period(start=gone.end + _DAY, end=one.end))
        left = kept
    return tuple(left)


def common(one: Period, other: Period) -> Spans:
    """The days of both."""
    start, end = max(one.start, other.start), min(one.end, other.end)
    return (Period(start=start, end=end),) if start <= end else ()


def within(days: Spans, period: Period) -> Spans:
    """The days that lie in a period."""
    return tuple(part for one in days for part in common(one, period))


def count(days: Iterable[Period]) -> int:
    """How many days."""
    return sum((one.end - one.start).days + 1 for one in days)


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
        for one in days
        for month in periods.months(periods.month_of(one.start), periods.month_of(one.end))
    )
    return tuple(dict.fromkeys(touched))
