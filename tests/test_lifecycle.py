"""The state of an invoice at the platform, out of all statuses, whatever their order."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.books import lifecycle
from lib.books.lifecycle import State
from lib.books.record_lines import ExchangeLine

NUMBER = "NORD-2027-0001"
Fact = dict[str, Any]


def said(code: str, at: int, *reasons: str, number: str = NUMBER) -> Fact:
    """A status of the `at`-th hour."""
    return {
        "kind": "status",
        "number": number,
        "code": code,
        "at": f"2027-09-03T{at:02}:00:00",
        "reasons": [{"code": reason, "text": "", "action": ""} for reason in reasons],
    }


def deposit(what: str = "invoice", number: str = NUMBER) -> Fact:
    return {"kind": "deposit", "what": what, "number": number, "date": "2027-09-03"}


def answer(of: int, outcome: str) -> Fact:
    return {"kind": "answer", "deposit": of, "outcome": outcome, "date": "2027-09-04"}


def lines_of(*facts: Fact) -> list[ExchangeLine]:
    rest = {"client": "nord", "prev": "", "hash": ""}
    return [
        msgspec.convert({**rest, "seq": i, **fact}, ExchangeLine) for i, fact in enumerate(facts, 1)
    ]


def state(*facts: Fact) -> State:
    lines = lines_of(*facts)
    found = lifecycle.state(lines, NUMBER)
    assert lifecycle.states(lines).get(NUMBER, lifecycle.state([], NUMBER)) == found
    return found


def test_before_there_is_a_status() -> None:
    assert state() == State(lifecycle.WAITING)
    assert state(deposit()) == State(lifecycle.HANDED_OVER, since="2027-09-03")
    for outcome in ("accepted", "exists", "acknowledged"):
        assert state(deposit(), answer(1, outcome)).stage == lifecycle.HANDED_OVER
    for outcome in ("refused", "rejected"):
        assert state(deposit(), answer(1, outcome)).stage == lifecycle.NOT_TAKEN
    assert state(deposit("cash_in"), answer(1, "rejected")).stage == lifecycle.WAITING
    assert state(deposit(number="OTHER")).stage == lifecycle.WAITING
    again = state(deposit("credit_note"), answer(1, "refused"), deposit())
    assert again.stage == lifecycle.HANDED_OVER


@pytest.mark.parametrize(
    ("facts", "code", "objection"),
    [
        ([said("200", 1), said("202", 2), said("203", 3)], "203", ""),
        ([said("200", 1), said("204", 2), said("203", 9)], "204", ""),
        ([said("200", 1), said("207", 2, "PU_ERR"), said("203", 9)], "207", "207"),
        ([said("200", 1), said("207", 2, "PU_ERR"), said("205", 3)], "205", ""),
        ([said("200", 1), said("207", 2, "PU_ERR"), said("212", 3)], "212", "207"),
        ([said("200", 1), said("208", 2, "JUSTIF_ABS"), said("209", 3)], "209", ""),
        ([said("200", 1), said("206", 2, "QTE_ERR")], "206", "206"),
        ([said("200", 1), said("205", 2), said("211", 3), said("212", 4)], "212", ""),
        ([said("200", 1), said("210", 2, "CMD_ERR")], "210", "210"),
        ([said("200", 1), said("210", 2, "CMD_ERR"), said("205", 3)], "210", "210"),
        ([said("200", 1), said("210", 2, "DOUBLON")], "210", "210"),
        ([said("213", 1, "REJ_SEMAN")], "213", "213"),
        ([said("200", 1), said("213", 2, "DEST_INC")], "213", "213"),
        ([said("213", 1, "DEST_INC"), said("200", 2)], "200", ""),
        ([said("200", 1), said("213", 2, "DOUBLON")], "200", ""),
        ([said("200", 1), said("213", 2, "DOUBLON", "REJ_SEMAN")], "213", "213"),
        ([said("200", 1), said("213", 2)], "213", "213"),
        ([said("200", 2), said("202", 2)], "202", ""),
    ],
)
def test_whatever_the_order(facts: list[Fact], code: str, objection: str) -> None:
    for order in permutations(facts):
        found = state(*order)
        assert (found.code, found.objection) == (code, objection)
        assert found.decision == (objection in ("210", "213"))
        assert found.disputed == (objection in ("206", "207", "208"))
        assert found.stage == lifecycle.STAGES[code]


def test_a_rejection_of_a_duplicate_alone_says_nothing_of_the_invoice() -> None:
    found = state(deposit(), answer(1, "accepted"), said("213", 1, "DOUBLON"))
    assert found.stage == lifecycle.HANDED_OVER


def test_what_was_rejected_is_deposited_again() -> None:
    rejected = [deposit(), answer(1, "accepted"), said("213", 1, "DEST_INC")]
    assert state(*rejected).decision
    again = [*rejected, deposit(), said("213", 1, "DEST_INC")]
    assert state(*again).stage == lifecycle.HANDED_OVER  # what comes twice is about the first
    assert state(*again, said("213", 2, "DEST_INC")).decision
    assert state(deposit(), said("200", 0), *again[2:]).deposited == ""
    assert not state(*again, said("200", 2)).decision


def test_a_212_of_ours_is_no_deposit_of_the_invoice() -> None:
    facts = [deposit(), said("200", 1), said("213", 2, "DEST_INC"), deposit("cash_in")]
    assert state(*facts).decision


def test_reasons_and_the_moment_of_the_deposit_are_kept() -> None:
    found = state(said("200", 5), said("200", 3), said("210", 7, "CMD_ERR"))
    assert found.deposited == "2027-09-03T03:00:00"
    assert found.since == "2027-09-03T07:00:00"
    assert [reason["code"] for reason in found.reasons] == ["CMD_ERR"]


_STATUSES = st.builds(
    said,
    st.sampled_from([*lifecycle.STAGES, "220", ""]),
    st.integers(0, 5),
    st.sampled_from(["DOUBLON", "AUTRE"]),
    number=st.sampled_from([NUMBER, "OTHER"]),
)


@given(st.lists(_STATUSES, max_size=8), st.randoms(use_true_random=False))
def test_it_is_a_function_of_the_set_of_statuses(facts: list[Fact], random: Any) -> None:
    """Neither order nor repeats change anything, and unknown codes are no state."""
    shuffled = [*facts, *random.choices(facts, k=3)] if facts else []
    random.shuffle(shuffled)
    assert state(*shuffled) == state(*facts)
