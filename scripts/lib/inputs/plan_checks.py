"""Checks of the plans in a client's file: their dates, their prices, and each beside the others"""

import itertools
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from lib.values import periods, spans
from lib.values.document import Period

BATCH_METRIC = "batch_invoices"


def plan_faults(plan: Mapping[str, Any], at: str, language: str) -> list[tuple[str, str]]:
    found = _order_faults(plan, f"{at}.", "the plan")
    ids = [discount["id"] for discount in plan.get("discounts", [])]
    for i, discount in enumerate(plan.get("discounts", [])):
        if discount["id"] in ids[:i]:
            text = f'"{discount["id"]}" is the id of another discount; rename one'
            found.append((f"{at}.discounts[{i}].id", text))
        found += _order_faults(discount, f"{at}.discounts[{i}].", "the discount")
    for place, described in _described(plan, at):
        if language not in described:
            text = f'is missing; the client\'s language is "{language}"'
            found.append((f"{place}.{language}", text))
    for i, item in enumerate(plan["items"]):
        place = f"{at}.items[{i}]"
        if item.get("metric", "").startswith("batch_") and item["metric"] != BATCH_METRIC:
            text = f'"{item["metric"]}" is not measured; batches count "{BATCH_METRIC}"'
            found.append((f"{place}.metric", text))
        found += _order_faults(item, f"{place}.", "the item")
        found += _dates_faults(plan, item, place)
        found += _price_faults(plan, item, place)
    for i, month in enumerate(plan.get("skip", [])):
        if not _lies_in(plan, month):
            text = f'"{month}" is outside the plan, {_dates_of(plan)}; remove it'
            found.append((f"{at}.skip[{i}]", text))
    return found


def _dates_of(plan: Mapping[str, Any]) -> str:
    """The dates of a plan as its file has them: "2026-01 to 2026-06", "from 2026-01"."""
    return f"{plan['start']} to {plan['end']}" if plan.get("end") else f"from {plan['start']}"


def _lies_in(plan: Mapping[str, Any], text: str) -> bool:
    """Whether a day of a month or date lies within the dates of a plan."""
    ends = not plan.get("end") or periods.start_date(text) <= periods.end_date(plan["end"])
    return ends and periods.start_date(plan["start"]) <= periods.end_date(text)


def _dates_faults(
    plan: Mapping[str, Any], item: Mapping[str, Any], place: str
) -> list[tuple[str, str]]:
    """An item that begins before its plan, or ends after it."""
    if _order_faults(plan, "", ""):
        return []
    found = []
    starts = item.get("start", "")
    early = starts and periods.start_date(starts) < periods.start_date(plan["start"])
    ends, last = item.get("end", ""), plan.get("end", "")
    late = ends and last and periods.end_date(ends) > periods.end_date(last)
    for key, day, outside in (("start", starts, early), ("end", ends, late)):
        if day and (outside or not _lies_in(plan, day)):
            text = f'"{day}" is outside its plan, {_dates_of(plan)}; correct one of them'
            found.append((f"{place}.{key}", text))
    return found


def _price_faults(
    plan: Mapping[str, Any], item: Mapping[str, Any], place: str
) -> list[tuple[str, str]]:
    """A price list begins with a price, no later than its item, and its dates rise."""
    steps = item.get("prices", [])
    if not steps:
        return []
    found = []
    first, begins = steps[0], item.get("start") or plan["start"]
    if "price" not in first:
        key = "percent" if "percent" in first else "index"
        text = 'has no price before it; begin the list with {"from": ..., "price": ...}'
        found.append((f"{place}.prices[0].{key}", text))
    if periods.start_date(first["from"]) > periods.start_date(begins):
        text = f'"{first["from"]}" is after {begins}, when the item begins; write "{begins}"'
        found.append((f"{place}.prices[0].from", text))
    for i, step in enumerate(steps):
        if item["charge"] == "flat" and Decimal(step.get("price", "0")).as_tuple().exponent < -2:  # type: ignore[operator]
            text = (
                f'"{step["price"]}" has fractions of a cent; the price of a period has 2 decimals'
            )
            found.append((f"{place}.prices[{i}].price", text))
    for i, (before, step) in enumerate(itertools.pairwise(steps), 1):
        earlier, later = (periods.start_date(one["from"]) for one in (before, step))
        if earlier == later:
            text = f'"{step["from"]}" is the date of the price before too; remove one of them'
            found.append((f"{place}.prices[{i}].from", text))
        elif later < earlier:
            text = f'"{step["from"]}" is before "{before["from"]}"; put the list in order of date'
            found.append((f"{place}.prices[{i}].from", text))
    return found


def between_plans(found_plans: list[Any]) -> list[tuple[str, str]]:
    """No two plans of one id; no item in two plans at once, and a metered one in whole months."""
    found = []
    ids = [plan["id"] for plan in found_plans]
    seen: dict[str, list[tuple[str, Period]]] = {}
    for i, plan in enumerate(found_plans):
        if plan["id"] in ids[:i]:
            found.append(
                (f"plans[{i}].id", f'"{plan["id"]}" is the id of another plan; rename one')
            )
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
                    text = (
                        f'"{item["id"]}" is an item of the plan "{other}" at the same time; end it'
                        f" there {'a month' if 'metric' in item else 'a day'} earlier, or rename it"
                    )
                    found.append((f"plans[{i}].items[{k}].id", text))
            seen.setdefault(item["id"], []).append((plan["id"], dates))
    return found


def _order_faults(value: Mapping[str, Any], place: str, what: str) -> list[tuple[str, str]]:
    start, end = value.get("start", ""), value.get("end", "")
    if start and end and periods.end_date(end) < periods.start_date(start):
        return [(f"{place}end", f'"{end}" is before the start of {what}, "{start}"')]
    return []


def _described(plan: Mapping[str, Any], at: str) -> Iterable[tuple[str, Mapping[str, str]]]:
    for key in ("items", "discounts"):
        for i, entry in enumerate(plan.get(key, [])):
            yield f"{at}.{key}[{i}].description", entry["description"]
    if "description" in plan.get("minimum", {}):
        yield f"{at}.minimum.description", plan["minimum"]["description"]
