"""The days of a run: today, the issue date, the month. The only place that asks the clock.

Today is the date in the time zone of issuer.json; the issue date defaults to it, the month
to the one before the issue date. Each can be given.
"""

import json
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Message, say
from lib.core.root import Root


class Dates(NamedTuple):
    """What a run is about; `month` is written 2026-10."""

    today: date
    issue_date: date
    month: str


def of_run(root: Root, today: date | None, issue_date: date | None, month: str | None) -> Dates:
    """The days of a run, of which None is what was not given.

    Raises:
      Refused: if today has to be found and issuer.json names no time zone.
    """
    today = today or _today(root)
    issue_date = issue_date or today
    return Dates(today, issue_date, month or month_before(issue_date))


def of_machine() -> date:
    """Today by the machine's own time zone, where that of issuer.json cannot be known."""
    return datetime.now().date()


def future_faults(
    place: str, day: date, today: date, expected: Message | None = None
) -> list[Fault]:
    """Why a day that was given cannot be one on which something happened."""
    if day <= today:
        return []
    found = say("{day} is in the future (today is {today})", day=str(day), today=str(today))
    return [Fault(place, found, expected)]


def refuse_future(option: str, day: date, today: date, expected: Message, client: str = "") -> None:
    """Refuses the day of an option that is in the future.

    Raises:
      Refused: if it is.
    """
    if faults := future_faults(option, day, today, expected):
        raise Refused(Alert("B-DATE", "", fault, client) for fault in faults)


def month_before(day: date) -> str:
    """The month before that of `day`."""
    return (day.replace(day=1) - timedelta(days=1)).isoformat()[: len("2026-10")]


def _today(root: Root) -> date:
    try:
        if root.issuer.exists() and not root.issuer.is_file():
            raise OSError  # a pipe would never end
        zone = ZoneInfo(json.loads(root.issuer.read_bytes())["timezone"])
    except FileNotFoundError:
        missing = Fault("", say("is missing"), remedy=say("`make init ROOT=...` lays out a root"))
        raise Refused([Alert("B-INPUT-MISSING", str(root.issuer), missing)]) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        found = say("does not name a time zone")
        unknown = Fault("", found, remedy=say("`make check` says more"))
        raise Refused([Alert("B-INPUT-VALUE", str(root.issuer), unknown)]) from None
    return datetime.now(zone).date()
