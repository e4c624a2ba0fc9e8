"""Months, the service periods of a plan, and due dates.

A month is a string, "2026-10". A plan's start and end are a month or a date: a month as
start means its first day, as end its last day. Periods count from the month of the
plan's start and are billed in arrears, in the month in which their service ends.

Worked example: a plan that starts on 2026-02-10 and is billed every 3 months has the
whole periods February to April, May to July, ... Its first service is 2026-02-10 to
2026-04-30, 80 of 89 days, billed in 2026-04.
"""

import calendar
import re
from datetime import date, timedelta
from typing import NamedTuple

from lib.values.document import Period


class ServicePeriod(NamedTuple):
    """One period of a plan.

    `months` are those whose usage counts: the months that the service touches.
    """

    whole: Period
    service: Period
    months: tuple[str, ...]


class Prorata(NamedTuple):
    """`days` of service out of the `of_days` of the whole period."""

    days: int
    of_days: int


def parse_month(text: str) -> tuple[int, int]:
    """Year and month: "2026-10" is (2026, 10).

    Raises:
      ValueError: if `text` is not a month written so.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        raise ValueError(f"not a month (2026-10): {text!r}")
    first = date.fromisoformat(f"{text}-01")
    return first.year, first.month


def month_of(day: date) -> str:
    """The month that `day` lies in."""
    return f"{day.year:04d}-{day.month:02d}"


def add_months(month: str, count: int) -> str:
    """The month `count` months after `month`, before it where `count` is negative."""
    year, number = parse_month(month)
    years, index = divmod(number - 1 + count, 12)
    return month_of(date(year + years, index + 1, 1))


def first_day(month: str) -> date:
    """2026-10-01 for "2026-10"."""
    return date(*parse_month(month), 1)


def last_day(month: str) -> date:
    """2026-10-31 for "2026-10"."""
    year, number = parse_month(month)
    return date(year, number, calendar.monthrange(year, number)[1])


def first_day_of(period: str) -> date:
    """The first day of a month, a quarter or a year: 2026-10-01 for "2026-10" and "2026-Q4"."""
    return first_day(months_of(period)[0])


def last_day_of(period: str) -> date:
    """The last day of a month, a quarter or a year."""
    return last_day(months_of(period)[-1])


def months_of(period: str) -> tuple[str, ...]:
    """The months of a month, a quarter or a year. The dates that begin with one lie in it.

    >>> months_of("2026-Q4")
    ('2026-10', '2026-11', '2026-12')
    """
    year, _, part = period.partition("-")
    if part.startswith("Q"):
        last = 3 * int(part[1:])
        return tuple(months(f"{year}-{last - 2:02d}", f"{year}-{last:02d}"))
    return (period,) if part else tuple(months(f"{year}-01", f"{year}-12"))


def beginnings(period: str) -> str | tuple[str, ...]:
    """How the dates of a month, a quarter or a year begin, as `startswith` takes it."""
    return months_of(period) if "Q" in period else period


def months_between(first: str, last: str) -> int:
    """How many months `last` is after `first`: 0 for the same, negative if before."""
    (first_year, first_number), (last_year, last_number) = parse_month(first), parse_month(last)
    return (last_year - first_year) * 12 + last_number - first_number


def months(first: str, last: str) -> list[str]:
    """Each month from `first` to `last`, both included.

    >>> months("2026-11", "2027-01")
    ['2026-11', '2026-12', '2027-01']
    """
    return [add_months(first, i) for i in range(months_between(first, last) + 1)]


def _parse_date(text: str) -> date:
    # fromisoformat alone also reads 20261031 and 2026-W44-6.
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"neither a month (2026-10) nor a date (2026-10-31): {text!r}")
    return date.fromisoformat(text)


def start_date(text: str) -> date:
    """The first day that a month or a date means as a start.

    Raises:
      ValueError: if `text` is neither.
    """
    return first_day(text) if len(text) == len("2026-10") else _parse_date(text)


def end_date(text: str) -> date:
    """The last day that a month or a date means as an end.

    Raises:
      ValueError: if `text` is neither.
    """
    return last_day(text) if len(text) == len("2026-10") else _parse_date(text)


def period_touching(start: str, end: str, every_months: int, month: str) -> ServicePeriod | None:
    """The plan's period whose service touches `month`, if there is one.

    Args:
      start: the plan's start, a month or a date.
      end: the plan's end, a month or a date; empty: none.
      every_months: 1, 3 or 12.
    Raises:
      ValueError: if the end is before the start, or a month or date is malformed.
    """
    begins = start_date(start)
    ends = end_date(end) if end else date.max
    if ends < begins:
        raise ValueError(f"the plan ends ({end}) before it starts ({start})")
    elapsed = months_between(month_of(begins), month)
    if elapsed < 0 or month > month_of(ends):
        return None
    first = add_months(month, -(elapsed % every_months))
    whole = Period(start=first_day(first), end=last_day(add_months(first, every_months - 1)))
    service = Period(start=max(begins, whole.start), end=min(ends, whole.end))
    touched = months_between(first, month_of(service.end)) + 1
    return ServicePeriod(whole, service, tuple(add_months(first, i) for i in range(touched)))


def is_billed_in(period: ServicePeriod, month: str) -> bool:
    """Whether `month` is the last of the service: periods are billed in arrears."""
    return month_of(period.service.end) == month


def prorata_of(period: ServicePeriod) -> Prorata:
    """The days of service out of the days of the whole period, first and last included."""
    return Prorata(_days(period.service), _days(period.whole))


def _days(period: Period) -> int:
    return (period.end - period.start).days + 1


def due_date(issue_date: date, days: int, end_of_month: bool) -> date:
    """`days` after the date of issue, then to the end of that month where `end_of_month`.

    Art. L441-10 C. com. allows "45 jours fin de mois" without saying how to count, and two
    readings are in use. This is the one that adds the days first: 45 days end of month from
    2026-01-15 is 2026-03-01, hence 2026-03-31. The other one goes to the end of the month
    first: 2026-01-31, hence 2026-03-17.
    """
    due = issue_date + timedelta(days=days)
    return last_day(month_of(due)) if end_of_month else due
