"""Every flow is seen, whatever pages a platform gives, or the walk stops and says where."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.platform.flow_client import Flow, Page
from lib.platform.walking import walk

START = datetime(2027, 9, 1, tzinfo=UTC)


class Pages:
    """A client whose platform has flows at these moments (seconds), and gives pages in its way."""

    def __init__(
        self,
        moments: list[int],
        cap: int,
        order: str,
        cursors: str,
        bounded: bool = True,
        inclusive: bool = False,
    ):
        self.flows = [
            Flow(f"f{i}", "", "CDAR", False, START + timedelta(seconds=moment), "Ok", ())
            for i, moment in enumerate(moments)
        ]
        self.cap, self.order, self.cursors, self.bounded = cap, order, cursors, bounded
        self.inclusive = inclusive
        self.asked = 0

    def search(self, where: dict[str, str], limit: int, cursor: str) -> Page:
        self.asked += 1
        assert self.asked < 5000
        after = datetime.fromisoformat(where["updatedAfter"])
        before = datetime.fromisoformat(where.get("updatedBefore", "2099-01-01T00:00:00Z"))
        found = [
            flow
            for flow in self.flows
            if (flow.updated > after or (self.inclusive and flow.updated == after))
            and (flow.updated < before or not self.bounded)
        ]
        found.sort(key=lambda flow: flow.updated, reverse=self.order == "down")
        if self.order == "none":
            found.sort(key=lambda flow: hash((flow.flow_id, "x")))
        if self.cursors == "stuck":
            return Page(tuple(found[: self.cap]), "again")
        start = int(cursor or 0)
        following = start + self.cap < len(found) and self.cursors == "good"
        return Page(
            tuple(found[start : start + self.cap]), str(start + self.cap) if following else ""
        )


SPREAD = st.lists(st.integers(0, 10**6), max_size=300, unique=True)


@pytest.mark.parametrize("cursors", ["none", "good", "stuck"])
@pytest.mark.parametrize("order", ["up", "down", "none"])
@given(moments=SPREAD, cap=st.sampled_from((10, 25, 100)))
def test_each_flow_is_seen(order, cursors, moments, cap):
    pages = Pages(moments, cap, order, cursors)
    found = walk(pages, START - timedelta(days=1))  # type: ignore[arg-type]
    assert found.stop is None
    assert sorted(flow.flow_id for flow in found.flows) == sorted(
        flow.flow_id for flow in pages.flows
    )
    assert found.flows == sorted(found.flows, key=lambda flow: (flow.updated, flow.flow_id))


@given(
    moments=st.lists(st.integers(0, 30), max_size=200),
    cap=st.sampled_from((10, 25, 100)),
    order=st.sampled_from(("up", "down", "none")),
)
def test_nothing_is_lost_without_a_word(moments, cap, order):
    pages = Pages(moments, cap, order, "none")
    found = walk(pages, START - timedelta(days=1))  # type: ignore[arg-type]
    if found.stop is None and max(map(moments.count, moments), default=0) < cap:
        assert len(found.flows) == len(moments)
    elif found.stop is None:  # a cap of 10 that the first page of one moment hides
        assert cap == 10 or len(found.flows) == len(moments)
    else:
        assert found.stop.alerts[0].code == "B-PLATFORM-PAGES"
        last = max((flow.updated for flow in found.flows), default=START)
        earlier = [flow for flow in pages.flows if flow.updated < last]
        assert {flow.flow_id for flow in earlier} <= {flow.flow_id for flow in found.flows}


@pytest.mark.parametrize("cap", [25, 100])
def test_a_page_full_of_one_moment_stops_the_walk(cap):
    pages = Pages([5, *[10] * (cap + 5), 20], cap, "up", "none")
    found = walk(pages, START)  # type: ignore[arg-type]
    assert found.stop is not None
    assert [flow.flow_id for flow in found.flows] == ["f0"]
    assert "2027-09-01T00:00:10" in found.stop.alerts[0].text


def test_no_order_and_no_updated_before_stops_the_walk():
    pages = Pages(list(range(80)), 25, "down", "none", bounded=False)
    assert walk(pages, START - timedelta(days=1)).stop  # type: ignore[arg-type]


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("order", ["up", "down", "none"])
@given(
    moments=st.lists(st.integers(0, 15), max_size=80).map(sorted),
    cap=st.sampled_from((25, 50)),
)
def test_none_is_missed_in_silence_though_many_have_one_moment(order, inclusive, moments, cap):
    pages = Pages(moments, cap, order, "none", inclusive=inclusive)
    found = walk(pages, START - timedelta(days=1))  # type: ignore[arg-type]
    assert found.stop or len(found.flows) == len(moments)
    assert found.stop is None or len(moments) > 4
