"""Walking: every flow that changed since a moment, whatever pages a platform gives.

Some give a cursor. Others know `updatedAfter` alone, give 25 or 100 flows at most, in order or in
none, and repeat some. So nothing is believed of a page but the flows in it: pages in order are
followed by the time of the last but one; where they are in no order, the span is cut in two until
what is in it fits a page. A page that is full of one moment cannot be walked past by time: what
lies behind it would be lost, so the walk stops there and says so.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from lib.core.messages import say
from lib.platform.flow_client import Flow, FlowClient, Unclear

LIMIT = 100  # flows of a page, the most that may be asked for
_SMALLEST = 5  # a page with fewer is taken for whole, though it be in no order
_CAPS = (25, 50, 100)  # how many flows platforms were seen to give at most
_MOST_PAGES = 20_000
_MOST_EMPTY = 10  # pages one after the other that have a cursor, and nothing else
_ROUNDED = timedelta(seconds=1)  # a platform may compare whole seconds


class Walk(NamedTuple):
    """The flows in order of their update, and why the walk stopped, where it did: then they are
    all that there is before that place, and nothing behind it."""

    flows: list[Flow]
    stop: Unclear | None


class _Span(NamedTuple):
    """What was updated after a moment and, where there is one, before another."""

    after: datetime
    before: datetime | None = None

    @property
    def where(self) -> dict[str, Any]:
        bounds = {"updatedAfter": utc(self.after)}
        return bounds | ({"updatedBefore": utc(self.before)} if self.before else {})


class _Pages(NamedTuple):
    """What one span gave: `is_followed` to its end by cursors."""

    flows: list[Flow]
    is_news: bool
    is_followed: bool


class _Walker:
    def __init__(self, client: FlowClient):
        self.client = client
        self.seen: dict[tuple[str, datetime], Flow] = {}
        self.asked = 0
        self.largest: list[Flow] = []  # the page with the most flows until now
        self.whole: tuple[int, datetime] | None = None  # a page of one moment that was believed

    def pages(self, span: _Span) -> _Pages:
        """What a span has, by cursors as far as there are any."""
        cursor, cursors, flows, before = "", set[str](), list[Flow](), len(self.seen)
        empty = 0
        while True:
            self.asked += 1
            if self.asked > _MOST_PAGES:
                raise _lost(span.after)
            page = self.client.search(span.where, LIMIT, cursor)
            flows += page.flows
            self.seen |= {(flow.flow_id, flow.updated): flow for flow in page.flows}
            empty = 0 if page.flows else empty + 1
            cursor = page.cursor
            if not cursor or cursor in cursors or empty > _MOST_EMPTY:
                is_followed = bool(cursors) and not cursor
                return _Pages(flows, len(self.seen) > before, is_followed)
            cursors.add(cursor)

    def is_as_large(self, page: list[Flow]) -> bool:
        """Whether it is of the largest size, with other flows: then there may be no more room."""
        is_large = _SMALLEST <= len(page) == len(self.largest)
        return is_large and set(page) != set(self.largest)

    def rest(self, span: _Span, pages: _Pages) -> list[_Span]:
        """What of a span is still to be asked for after its page, the first of it last."""
        page = pages.flows
        moments = [flow.updated for flow in page]
        distinct = sorted(set(moments))
        is_full = len(page) in _CAPS or self.is_as_large(page)
        self.largest = max(self.largest, page, key=len)
        if is_full and self.whole and self.whole[0] == len(page):
            raise _lost(self.whole[1])
        if is_full and not pages.is_news and distinct[0] < span.after - _ROUNDED:
            raise _lost(span.after)  # it does not know updatedAfter
        if len(distinct) < 2:
            if is_full:
                raise _lost(distinct[0])
            if not page or not pages.is_news:
                return []
            if len(page) < _SMALLEST:
                return [_Span(distinct[0], span.before)]
            # It may be the beginning, the end, or the middle of what there is.
            self.whole = len(page), distinct[0]
            return [_Span(distinct[0], span.before), _Span(span.after, distinct[0])]
        in_order = all(moment <= later for moment, later in pairwise(moments))
        if not pages.is_news and in_order:
            # It may give again what is of the very moment that was named, and have no more room.
            is_behind = len(page) >= _SMALLEST and span.after < distinct[-1]
            return [_Span(distinct[-1], span.before)] if is_behind else []
        if not pages.is_news and not is_full:
            return []
        if span.before is None and (in_order or len(page) < _SMALLEST):
            # From the last but one: there may be more of the last than the page had room for.
            return [_Span(distinct[-2])]
        if len(page) < _SMALLEST:
            return []
        if span.before and distinct[-1] >= span.before + _ROUNDED:
            raise _lost(span.after)  # it does not know updatedBefore
        middle = len(distinct) // 2
        if not pages.is_news and distinct[middle - 1] <= span.after:
            raise _lost(span.after)  # it would be asked the same again
        return [_Span(distinct[middle - 1], span.before), _Span(span.after, distinct[middle])]


def walk(client: FlowClient, after: datetime) -> Walk:
    """Each flow that was updated after a moment, as it was at the last update that was seen."""
    walker, spans, stop = _Walker(client), [_Span(after)], None
    safe = None
    while spans:
        span = spans.pop()
        try:
            pages = walker.pages(span)
            if not pages.is_followed:
                spans += walker.rest(span, pages)
        except Unclear as unclear:
            stop, safe = unclear, span.after
            break
    latest: dict[str, Flow] = {}
    for flow in sorted(walker.seen.values(), key=lambda flow: (flow.updated, flow.flow_id)):
        if safe is None or flow.updated <= safe:
            latest[flow.flow_id] = flow
    return Walk(sorted(latest.values(), key=lambda flow: (flow.updated, flow.flow_id)), stop)


def utc(moment: datetime) -> str:
    """2027-09-01T08:00:00.000001Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _lost(moment: datetime) -> Unclear:
    found = say(
        "gives pages that cannot be followed: after {moment} flows may be missing; ask it whether"
        " it can give a cursor (nextCursor)",
        moment=utc(moment),
    )
    return Unclear("B-PLATFORM-PAGES", "", found)
