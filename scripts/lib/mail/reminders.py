"""The rules of reminders: which one is due, and what a late invoice comes to.

    penalty = outstanding x rate / 100 x days late / 365, rounded half up once, at the end

The rate is the annual one that the invoice states. The amount outstanding on the day counts
for all days since the due date, whatever was paid in between. Example: 1200.00 at 12.15 %,
45 days late, is 17.98 (17.9753...). Penalty and recovery indemnity are owed by businesses
to French sellers (art. L441-10 C. com.); what a private person owes is the invoice. A public
body owes the indemnity, and interest at a rate that the law sets and its accountant pays.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from lib.inputs.issuer_file import REMINDER_LEVELS
from lib.values import money

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


def claim(outstanding: Decimal, due: date, day: date, rate: Decimal, indemnity: Decimal) -> Claim:
    """What an invoice that was due on `due` comes to on `day`.

    Args:
      rate: the annual rate of late penalties that the customer owes, in per cent.
      indemnity: for recovery costs.
    """
    days = (day - due).days
    return Claim(day, days, outstanding, rate, late_penalty(outstanding, rate, days), indemnity)


def level_due(due: date, day: date, after: Mapping[str, int], had: Mapping[str, date]) -> str:
    """The reminder that is due on a day: the one above those that went, when its day has come.

    Who is reminded late is not spared a level: the first reminder is the first level, and
    between two of them lie at least the days that lie between them in issuer.json. Example:
    polite after 7 days and firm after 21, so a polite one of day 400 makes firm due on day 414.

    Args:
      due: the due date of the invoice.
      after: days after the due date by level, as issuer.json has them.
      had: the levels that this invoice has had, with the day on which each went.

    Returns:
      polite, firm or formal; empty where none is due.
    """
    last = max(had, key=REMINDER_LEVELS.index, default="")
    above = REMINDER_LEVELS[REMINDER_LEVELS.index(last) + 1 :] if last else REMINDER_LEVELS
    level = next((name for name in above if name in after), "")
    if not level or (day - due).days < after[level]:
        return ""
    if last and (day - had[last]).days < after[level] - after.get(last, 0):
        return ""
    return level
