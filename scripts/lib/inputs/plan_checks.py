"""Checks of the plans in a client's file: their dates, their prices, and each beside the others"""

import itertools
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from lib.core.faults import Fault
from lib.core.messages import Message, say
from lib.values import periods, spans
from lib.values.document import Period

BATCH_METRIC = "batch_invoices"


def plan_faults(plan: Mapping[str, Any], at: str, language: str) -> list[Fault]:
    faults = _order_faults(plan, f"{at}.", say("the plan"))
    ids = [discount["id"] for discount in plan.get("discounts", [])]
    for i, discount in enumerate(plan.get("discounts", [])):
        if discount["id"] in ids[:i]:
            text = say('"{id}" is the id of another discount', id=discount["id"])
            faults.append(Fault(f"{at}.discounts[{i}].id", text, remedy=say("rename one")))
        faults += _order_faults(discount, f"{at}.discounts[{i}].", say("the discount"))
    for place, described in _described(plan, at):
        if language not in described:
            faults.append(missing_text(place, language))
    for i, item in enumerate(plan["items"]):
        place = f"{at}.items[{i}]"
        if item.get("metric", "").startswith("batch_") and item["metric"] != BATCH_METRIC:
            text = say('"{metric}" is not measured', metric=item["metric"])
            rule = say('batches count "{metric}"', metric=BATCH_METRIC)
            faults.append(Fault(f"{place}.metric", text, rule))
        faults += _order_faults(item, f"{place}.", say("the item"))
        faults += _dates_faults(plan, item, place)
        faults += _price_faults(plan, item, place)
    for i, month in enumerate(plan.get("skip", [])):
        if not _lies_in(plan, month):
            text = say('"{month}" is outside the plan, {dates}', month=month, dates=_dates_of(plan))
            faults.append(Fault(f"{at}.skip[{i}]", text, remedy=say("remove it")))
    return faults


def missing_text(place: str, language: str) -> Fault:
    """A text that is not there in the language in which the client is written to."""
    rule = say('the client\'s language is "{language}"', language=language)
    return Fault(f"{place}.{language}", say("is missing"), rule)


def _dates_of(plan: Mapping[str, Any]) -> Message:
    """The dates of a plan as its file has them: "2026-01 to 2026-06", "from 2026-01"."""
    if plan.get("end"):
        return say("{start} to {end}", start=plan["start"], end=plan["end"])
    return say("from {start}", start=plan["start"])


def _lies_in(plan: Mapping[str, Any], text: str) -> bool:
    """Whether a day of a month or date lies within the dates of a plan."""
    ends = not plan.get("end") or periods.start_date(text) <= periods.end_date(plan["end"])
    return ends and periods.start_date(plan["start"]) <= periods.end_date(text)


def _dates_faults(plan: Mapping[str, Any], item: Mapping[str, Any], place: str) -> list[Fault]:
    """An item that begins before its plan, or ends after it."""
    if _order_faults(plan, "", say("the plan")):
        return []
    faults = []
    starts = item.get("start", "")
    early = starts and periods.start_date(starts) < periods.start_date(plan["start"])
    ends, last = item.get("end", ""), plan.get("end", "")
    late = ends and last and periods.end_date(ends) > periods.end_date(last)
    for key, day, outside in (("start", starts, early), ("end", ends, late)):
        if day and (outside or not _lies_in(plan, day)):
            text = say('"{day}" is outside its plan, {dates}', day=day, dates=_dates_of(plan))
            faults.append(Fault(f"{place}.{key}", text, remedy=say("correct one of them")))
    return faults


def _price_faults(plan: Mapping[str, Any], item: Mapping[str, Any], place: str) -> list[Fault]:
    """A price list begins with a price, no later than its item, and its dates rise."""
    steps = item.get("prices", [])
    if not steps:
        return []
    faults = _price_order_faults(steps, place)
    first, begins = steps[0], item.get("start") or plan["start"]
    is_sorted = not faults  # else the first of the list is not the first in time
    if is_sorted and "price" not in first:
        key = "percent" if "percent" in first else "index"
        remedy = say('begin the list with {{"from": ..., "price": ...}}')
        text = say("has no price before it")
        faults.append(Fault(f"{place}.prices[0].{key}", text, remedy=remedy))
    if is_sorted and periods.start_date(first["from"]) > periods.start_date(begins):
        text = say(
            '"{date}" is after {begins}, when the item begins', date=first["from"], begins=begins
        )
        remedy = say('write "{date}"', date=begins)
        faults.append(Fault(f"{place}.prices[0].from", text, remedy=remedy))
    for i, step in enumerate(steps):
        if item["charge"] == "flat" and Decimal(step.get("price", "0")).as_tuple().exponent < -2:  # type: ignore[operator]
            text = say('"{price}" has fractions of a cent', price=step["price"])
            rule = say("the price of a period has 2 decimals")
            faults.append(Fault(f"{place}.prices[{i}].price", text, rule))
    return faults


def _price_order_faults(steps: list[Mapping[str, Any]], place: str) -> list[Fault]:
    faults: list[Fault] = []
    for i, (before, step) in enumerate(itertools.pairwise(steps), 1):
        earlier, later = (periods.start_date(entry["from"]) for entry in (before, step))
        at = f"{place}.prices[{i}].from"
        if earlier == later:
            text = say('"{date}" is the date of the price before too', date=step["from"])
            faults.append(Fault(at, text, remedy=say("remove one of them")))
        elif later < earlier:
            text = say('"{date}" is before "{other}"', date=step["from"], other=before["from"])
            faults.append(Fault(at, text, remedy=say("put the list in order of date")))
    return faults


def between_plans(found_plans: list[Any]) -> list[Fault]:
    """No two plans of one id; no item in two plans at once, and a metered one in whole months."""
    faults = []
    ids = [plan["id"] for plan in found_plans]
    seen: dict[str, list[tuple[str, Period]]] = {}
    for i, plan in enumerate(found_plans):
        if plan["id"] in ids[:i]:
            text = say('"{id}" is the id of another plan', id=plan["id"])
            faults.append(Fault(f"plans[{i}].id", text, remedy=say("rename one")))
        for k, item in enumerate(plan["items"]):
            start, end = item.get("start") or plan["start"], item.get("end") or plan.get("end")
            dates = Period(
                start=periods.start_date(start), end=periods.end_date(end) if end else date.max
            )
            if "metric" in item:  # usage is known by months
                last = periods.last_day(periods.month_of(dates.end)) if end else date.max
                dates = Period(start=dates.start.replace(day=1), end=last)
            for other, theirs in seen.get(item["id"], []):
                if other != plan["id"] and spans.common(theirs, dates):
                    text = say(
                        '"{item}" is an item of the plan "{plan}" at the same time',
                        item=item["id"],
                        plan=other,
                    )
                    remedy = _ending(theirs, dates, "metric" in item)
                    faults.append(Fault(f"plans[{i}].items[{k}].id", text, remedy=remedy))
            seen.setdefault(item["id"], []).append((plan["id"], dates))
    return faults


def _ending(theirs: Period, ours: Period, in_months: bool) -> Message:
    """How one of two items that overlap is ended before the other begins, where it can be."""
    if theirs.start == ours.start:
        return say("rename one of them")
    last = max(theirs.start, ours.start) - timedelta(days=1)
    end = periods.month_of(last) if in_months else last.isoformat()
    if theirs.start < ours.start:
        return say('give it the end "{end}" there, or rename it', end=end)
    return say('give it the end "{end}" here, or rename it', end=end)


def _order_faults(value: Mapping[str, Any], place: str, what: Message) -> list[Fault]:
    start, end = value.get("start", ""), value.get("end", "")
    if start and end and periods.end_date(end) < periods.start_date(start):
        text = say(
            '"{end}" is before the start of {what}, "{start}"', end=end, what=what, start=start
        )
        return [Fault(f"{place}end", text)]
    return []


def _described(plan: Mapping[str, Any], at: str) -> Iterable[tuple[str, Mapping[str, str]]]:
    for key in ("items", "discounts"):
        for i, entry in enumerate(plan.get(key, [])):
            yield f"{at}.{key}[{i}].description", entry["description"]
            if "details" in entry:
                yield f"{at}.{key}[{i}].details", entry["details"]
    if "subject" in plan:
        yield f"{at}.subject", plan["subject"]
    if "description" in plan.get("minimum", {}):
        yield f"{at}.minimum.description", plan["minimum"]["description"]
