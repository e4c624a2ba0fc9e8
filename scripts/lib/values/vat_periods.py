"""The periods of e-reporting by VAT regime, and until when each is reported: vat_periods.json.

Under the monthly regime transactions are reported for 1 to 10, 11 to 20 and 21 to the end of a
month, payments for the whole of it. A day after the end of a month is its last day.

Worked example: what was sold from 2027-09-11 to 20 is reported until 2027-09-30, what was paid in
2027-09 until 2027-10-10.
"""

import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from lib.values import periods

TRANSACTIONS, PAYMENTS = "transactions", "payments"


class ReportPeriod(NamedTuple):
    """The days that a report is about, and the last one on which it is in time."""

    kind: str  # TRANSACTIONS or PAYMENTS
    start: date
    end: date
    due: date

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.start:%Y%m%d}-{self.end:%Y%m%d}"


def sources() -> list[dict[str, Any]]:
    """The entries of the table as they stand there: each names its source and its day."""
    path = Path(__file__).with_suffix(".json")
    entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return entries


@cache
def _table() -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in sources()}


def of_month(regime: str, month: str) -> list[ReportPeriod]:
    """The periods of which a month is a part, transactions before payments, in order.

    Args:
      regime: monthly, quarterly, simplified or franchise.
    """
    entry = _table()[regime]
    _, number = periods.parse_month(month)
    first = periods.add_months(month, -((number - 1) % entry["months"]))
    last = periods.add_months(first, entry["months"] - 1)
    parts = [
        ReportPeriod(
            TRANSACTIONS, _day(first, part["from"]), _day(last, part["to"]), _due(last, part)
        )
        for part in entry["transactions"]
    ]
    whole = (periods.first_day(first), periods.last_day(last))
    return [*parts, ReportPeriod(PAYMENTS, *whole, _due(last, entry["payments"]))]


def ended(regime: str, since: date, until: date) -> Iterator[ReportPeriod]:
    """The periods that ended before a day, those of the four months before it alone.

    Args:
      since: what was over before this day is not reported.
      until: the day.
    """
    month = periods.month_of(until)
    seen = dict.fromkeys(
        period for i in range(-4, 1) for period in of_month(regime, periods.add_months(month, i))
    )
    return (period for period in seen if since <= period.end < until)


def _day(month: str, number: int) -> date:
    last = periods.last_day(month)
    return last.replace(day=min(number, last.day))


def _due(last: str, part: dict[str, int]) -> date:
    return _day(periods.add_months(last, part["due_months"]), part["due"])
