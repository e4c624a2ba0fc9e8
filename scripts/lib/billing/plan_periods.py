"""What of a plan falls due in the run of a month, and which days nobody billed.

Pure. A run of month M closes M and opens M+1:

    in arrears    a period falls due in the run of the month in which its service ends
    in advance    in the run of the month before it begins; all that begins no later than M+1 and
                  is not billed yet: the first period of a plan that began already, and what a run
                  that was missed left, follow in the next run
    metered items in arrears, whatever the plan says

No item is billed for a day twice, whatever became of its plan: the days that the records have
for an item, under whichever plan, are taken from what falls due, and what is left is pro rata.
An invoice that was credited in full still has its days, unless its month is issued again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from lib.inputs.plans import Flat, Item, Plan, dates_of, dates_of_item
from lib.values import periods, spans
from lib.values.document import Period
from lib.values.periods import ServicePeriod
from lib.values.spans import Spans

_DAY = timedelta(days=1)


class Billed(NamedTuple):
    """Days that the records have for an item: by which plan, invoice and run.

    `item` is empty for a minimum, `plan` too for one-off lines; `lines` are those of the invoice.
    """

    plan: str
    item: str
    days: Spans
    lines: tuple[str, ...]
    number: str
    month: str
    credited: bool  # in full


class DuePart(NamedTuple):
    """A period of a plan of which something falls due: its items and the days that they serve.

    `days` leaves out what is skipped and what was billed before; `earlier` says what had it.
    A plan without items is its minimum alone, whose days stand under an empty id.
    """

    plan: Plan
    period: ServicePeriod
    advance: bool
    days: Mapping[str, Spans]
    earlier: tuple[Billed, ...]


class Gap(NamedTuple):
    """Days of an item that no invoice has, though their run is past; `run` is its month."""

    plan: str
    item: Item
    days: Spans
    run: str


def in_advance(plan: Plan, item: Item) -> bool:
    """Whether an item is billed before its period."""
    return plan.billed == "advance" and isinstance(item, Flat)


def period_of(plan: Plan, month: str) -> ServicePeriod | None:
    """The period of a plan whose service touches a month."""
    return periods.period_touching(plan.start, plan.end, plan.every_months, month)


def run_of(plan: Plan, period: ServicePeriod, advance: bool) -> str:
    """The month in whose run a period falls due, had its plan been there by then.

    A plan that starts on 2026-02-10, every 3 months, in advance: its first period in 2026-01,
    the next one, May to July, in 2026-04.
    """
    if not advance:
        return periods.month_of(period.service.end)
    return periods.add_months(periods.month_of(period.service.start), -1)


def parts_due(
    plans: Sequence[Plan], month: str, billed: Sequence[Billed], reissue: bool = False
) -> list[DuePart]:
    """What falls due in the run of a month, in order of plan and period; some parts have no
    days left, and say what billed them.

    Args:
      reissue: what the run of this month billed, and was credited in full since, is due again.
    """
    parts: list[DuePart] = []
    taken: dict[str, Spans] = {}  # by this run, item by item
    for plan in plans:
        known = [bill for bill in billed if bill.plan == plan.id and bill.month == month]
        was_run = any(not (bill.credited and reissue) for bill in known)
        items = {item.id: item for item in plan.items}
        for period, advance in _periods_due(plan, month, billed, reissue):
            is_strict = run_of(plan, period, advance) == month
            days: dict[str, Spans] = {}
            earlier: list[Billed] = []
            for item_id, served in _served(plan, period, advance).items():
                had = [
                    bill
                    for bill in billed
                    if _is_of(bill, plan, item_id)
                    and not (reissue and bill.credited and (is_strict or bill.month == month))
                    and any(spans.within(bill.days, day) for day in served)
                ]
                earlier += had
                now = taken.get(item_id, ()) if item_id else ()
                gone = spans.union((*(d for bill in had for d in bill.days), *now))
                left = _without(items.get(item_id), served, gone)
                # Items added after the month was run are reported as a gap, and not billed.
                again = any(_is_of(bill, plan, item_id) and bill.credited for bill in known)
                if left and (not was_run or (reissue and again)):
                    days[item_id] = left
                    taken[item_id] = spans.union((*now, *left))
            parts.append(DuePart(plan, period, advance, days, tuple(earlier)))
    return parts


def due_by_rule(plan: Plan, month: str) -> Iterator[DuePart]:
    """What the run of a month bills of a plan of which nothing was ever billed late or twice."""
    closed = period_of(plan, month)
    opened = period_of(plan, periods.add_months(month, 1))
    for period, advance in ((closed, False), (opened, True)):
        if period and run_of(plan, period, advance) == month:
            served = _served(plan, period, advance)
            days = {item_id: own for item_id, own in served.items() if own}
            yield DuePart(plan, period, advance, days, ())


def days_of(plan: Plan, item: Item, period: ServicePeriod) -> Spans:
    """The days that an item serves in a period, without the months that are skipped."""
    dates = dates_of_item(plan, item)
    if dates is None:
        return ()
    served = spans.common(dates, period.service)
    return spans.minus(served, spans.of_months(plan.skip)) if plan.skip else served


def plan_days(plan: Plan, period: ServicePeriod) -> Spans:
    """The days of a period that are not skipped."""
    return spans.minus((period.service,), spans.of_months(plan.skip))


def _served(plan: Plan, period: ServicePeriod, advance: bool) -> dict[str, Spans]:
    """The days of each item that is billed in advance, or in arrears; those of a plan that has
    none under an empty id."""
    if not plan.items:
        return {"": plan_days(plan, period)}
    items = (item for item in plan.items if in_advance(plan, item) == advance)
    return {item.id: days_of(plan, item, period) for item in items}


def _is_of(bill: Billed, plan: Plan, item_id: str) -> bool:
    """Whether an item was billed, by whichever plan; without an id, whether its plan was."""
    return bill.item == item_id if item_id else bill.plan == plan.id


def _without(item: Item | None, served: Spans, gone: Spans) -> Spans:
    """What is left of the days of an item; usage is known by months, which are billed whole."""
    if not gone or item is None or isinstance(item, Flat):
        return spans.minus(served, gone)
    return spans.minus(served, spans.of_months(spans.months_of(gone)))


def _periods_due(
    plan: Plan, month: str, billed: Sequence[Billed], reissue: bool
) -> Iterator[tuple[ServicePeriod, bool]]:
    if plan.billed == "arrears" or any(not isinstance(item, Flat) for item in plan.items):
        closed = period_of(plan, month)
        if closed and periods.is_billed_in(closed, month):
            yield closed, False
    if plan.billed == "advance":
        for opened in _opened(plan, month, billed, reissue):
            yield opened, True


def _opened(
    plan: Plan, month: str, billed: Sequence[Billed], reissue: bool
) -> Iterator[ServicePeriod]:
    """The periods that a run bills in advance: what follows the last day that was billed, the
    one that begins next month, and those of an invoice that is issued again."""
    following = periods.add_months(month, 1)
    flat = {item.id for item in plan.items if isinstance(item, Flat)} or {""}
    had = [bill for bill in billed if any(_is_of(bill, plan, item_id) for item_id in flat)]
    again = [bill for bill in had if reissue and bill.credited and bill.month == month]
    dates = dates_of(plan)
    ends = [bill.days[-1].end for bill in had if bill not in again]
    since = max([dates.start, *(end + _DAY for end in ends if end >= dates.start)])
    wanted = [since, *(day.start for bill in again for day in bill.days)]
    touched = {following}
    for day in wanted:
        touched.update(periods.months(periods.month_of(day), following))
    opened: dict[date, ServicePeriod] = {}
    for name in sorted(touched):
        if name <= following and (period := period_of(plan, name)):
            opened[period.whole.start] = period
    yield from opened.values()


# --- days that nobody billed ---------------------------------------------------------


def gaps(
    plans: Sequence[Plan],
    month: str,
    billed: Sequence[Billed],
    parts: Iterable[DuePart],
    since: date | None,
) -> list[Gap]:
    """The days of each item, up to what the run of a month bills, that no invoice has.

    Args:
      parts: what the run bills.
      since: the first day of the first month that was ever run; None: nothing was yet. What a
        house did not bill before is not its gap.
    """
    if since is None:
        return []
    now: dict[str, list[Period]] = {}
    for part in parts:
        for item_id, days in part.days.items():
            now.setdefault(item_id, []).extend(days)
    had: dict[str, list[Period]] = {}
    for bill in billed:
        had.setdefault(bill.item, []).extend(bill.days)
    missing = []
    for plan in plans:
        for item in plan.items:
            known = had.get(item.id, [])
            last = _last_due(plan, item, month)
            dates = dates_of_item(plan, item)
            if dates is None or last is None or max(since, dates.start) > min(last, dates.end):
                continue
            due = Period(start=max(since, dates.start), end=min(last, dates.end))
            covered = spans.union((*known, *now.get(item.id, ()), *spans.of_months(plan.skip)))
            left = _without(item, (due,), covered)
            for period, days in _by_period(plan, left):
                run = run_of(plan, period, in_advance(plan, item))
                missing.append(Gap(plan.id, item, days, run))
    return missing


def _last_due(plan: Plan, item: Item, month: str) -> date | None:
    """The last day of an item that the runs up to a month bill."""
    dates = dates_of(plan)
    opened = in_advance(plan, item)
    until = periods.add_months(month, 1) if opened else month
    period = period_of(plan, until)
    if period is None:
        return dates.end if periods.last_day(until) > dates.end else None
    if opened or periods.is_billed_in(period, until):
        return period.service.end
    return period.whole.start - _DAY


def _by_period(plan: Plan, days: Spans) -> Iterator[tuple[ServicePeriod, Spans]]:
    while days:
        period = period_of(plan, periods.month_of(days[0].start))
        if period is None:
            return
        yield period, spans.within(days, period.service)
        days = spans.minus(days, (period.whole,))


# --- days that were billed and are not served ----------------------------------------


def unserved(plans: Sequence[Plan], billed: Iterable[Billed]) -> list[tuple[Billed, Spans]]:
    """Days that were billed, lie after an end of their item, and that no plan serves: they are
    owed back.

    An item that no plan has any more says nothing of its end.
    """
    serves: dict[str, list[Period]] = {}
    for plan in plans:
        for item in plan.items:
            if dates := dates_of_item(plan, item):
                serves.setdefault(item.id, []).append(dates)
    beyond = []
    for bill in billed:
        if bill.credited or bill.item not in serves:
            continue
        served = spans.union(serves[bill.item])
        if served[0].end < bill.days[-1].end:
            after = Period(start=served[0].end + _DAY, end=date.max)
            if left := spans.minus(spans.within(bill.days, after), served):
                beyond.append((bill, left))
    return beyond
