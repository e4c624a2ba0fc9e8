"""When a customer of a French seller has to pay, and what being late costs at least.

The figures are data with sources: values/payment_law.json. Nothing here refuses: parties may
have agreed on what the law forbids, and their invoices stand.
"""

import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from lib.core.faults import Fault
from lib.core.messages import figure, say
from lib.values import mentions

_TIMES = 3  # the legal rate: the least that penalties may come to (art. L441-10 II C. com.)


@cache
def sources() -> tuple[dict[str, str], ...]:
    """The entries of the table as they stand there: each names its source and its day."""
    return tuple(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")))


def terms_notice(
    place: str, days: int, end_of_month: bool, customer: str, periodic: bool
) -> Fault | None:
    """What is unlawful about payment terms; None where nothing is.

    Args:
      customer: mentions.customer_of the buyer; private persons and bodies have no limit.
      periodic: whether an invoice has several supplies of a month.
    """
    if customer not in (mentions.BUSINESS, mentions.PUBLIC):
        return None
    limit = "longest"
    if customer == mentions.PUBLIC:
        limit = "longest_public"
    elif end_of_month:
        limit = "longest_end_of_month"
    elif periodic:
        limit = "longest_periodic"
    entry = next(entry for entry in sources() if entry["id"] == limit)
    # A public buyer's days run from the invoice: the end of a month adds up to thirty.
    beyond = customer == mentions.PUBLIC and end_of_month and days > 0
    if days <= int(entry["days"]) and not beyond:
        return None
    term = say("{days} days", days=days)
    if end_of_month:
        term = say("{days} days, then to the end of the month,", days=days)
    found = say(
        "{term} are more than the law allows, {most}: {source}",
        term=term,
        most=entry["days"],
        source=entry["source"],
    )
    return Fault(place, found)


def penalty_notice(place: str, rate: Decimal, day: date) -> Fault | None:
    """What is unlawful about a yearly rate of late penalties; None where nothing is."""
    known = [
        entry
        for entry in sources()
        if entry["id"] == "legal_interest" and date.fromisoformat(entry["from"]) <= day
    ]
    if not known:
        return None
    legal = known[-1]
    least = Decimal(legal["rate"]) * _TIMES
    if rate >= least:
        return None
    found = say(
        '"{rate}" is below three times the legal rate ({legal} % from {day} on, {source}),'
        " art. L441-10 C. com.",
        rate=str(rate),
        legal=figure(legal["rate"]),
        day=legal["from"],
        source=legal["source"],
    )
    return Fault(place, found, remedy=say("write at least {least}", least=str(least)))
