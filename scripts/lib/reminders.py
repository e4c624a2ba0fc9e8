"""The rules of reminders: which one is due, and what a late invoice comes to.

    penalty = outstanding x rate / 100 x days late / 365, rounded half up once, at the end

The rate is the annual one that the invoice states. The amount outstanding on the day counts
for all days since the due date, whatever was paid in between. Example: 1200.00 at 12.15 %,
45 days late, is 17.98 (17.9753...). Penalty and recovery indemnity are owed by businesses
alone (art. L441-10 C. com.); what a private person owes is the invoice.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from lib import money
from lib.inputs import REMINDER_LEVELS

_DAYS_OF_A_YEAR = 365


class Claim(NamedTuple):
    """What is claimed on `day`: amounts in euros, `rate` in per cent a year."""

    day: date
    days: int
    outstanding: Decimal
    rate: Decimal
    penalty: Decimal
    indemnity: Decimal

    @property
    def total(self) -> Decimal:
        return money.total((self.outstanding, self.penalty, self.indemnity))


def late_penalty(outstanding: Decimal, rate: Decimal, days: int) -> Decimal:
    """outstanding x rate / 100 x days / 365, rounded half up to the cent."""
    return money.ratio_of(outstanding, money.product(rate, Decimal(days)), 100 * _DAYS_OF_A_YEAR)


def claim(
    outstanding: Decimal, due: date, day: date, rate: Decimal, indemnity: Decimal, private: bool
) -> Claim:
    """What an invoice that was due on `due` comes to on `day`.

    Args:
      rate: the annual rate of late penalties, in per cent.
      indemnity: for recovery costs.
      private: whether the customer is a private person, who owes neither.
    """
    days = (day - due).days
    if private:
        return Claim(day, days, outstanding, money.ZERO, money.ZERO, money.ZERO)
    return Claim(day, days, outstanding, rate, late_penalty(outstanding, rate, days), indemnity)


def level_due(days: int, after: Mapping[str, int], sent: Collection[str]) -> str:
    """The reminder that is due: the highest whose day has come, unless it or a higher one went.

    Args:
      days: days since the due date.
      after: days after the due date by level, as issuer.json has them.
      sent: the levels that this invoice has had.

    Returns:
      polite, firm or formal; empty where none is due.
    """
    reached = [level for level in REMINDER_LEVELS if level in after and days >= after[level]]
    had = [REMINDER_LEVELS.index(level) for level in sent]
    if not reached or REMINDER_LEVELS.index(reached[-1]) <= max(had, default=-1):
        return ""
    return reached[-1]
