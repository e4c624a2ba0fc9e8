"""Plain histories: what comes of them, by columns, is what the rules for all histories give."""

import tempfile
from array import array
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

import past
from lib.accounting import csv_tables, plain_tables
from lib.accounting.csv_tables import TABLES
from lib.books import balances, histories, plain_histories
from lib.books.closed_periods import FilesWhenClosed
from lib.books.plain_histories import PlainHistories
from lib.books.records import Record
from lib.core.root import Root
from lib.inputs import settings
from lib.values import periods

NOTHING_CLOSED = FilesWhenClosed([], {})
CLOSED = FilesWhenClosed(["2024-07-01"], {"data/revenues/nord.jsonl": array("q", [2])})
SETTINGS = settings.load(Root(Path("/nowhere")))
TEXTS = st.sampled_from(["VIR 1", "=1+1", 'say "no"', "a;b", "a,b", "Nord, SARL", "\u00e9\n", ""])
PERIODS = st.sampled_from(["", "2024", "2024-06", "2025-01"]).map(
    lambda period: periods.beginnings(period) if period else ""
)


@st.composite
def plain(draw: st.DrawFn) -> list[Record]:
    """Invoices of a client, some of them paid in full, in any order."""
    bills, moves = [], []
    for i, charged in enumerate(draw(st.lists(past.shares(), min_size=1, max_size=6))):
        day = draw(st.dates(past.FIRST, past.LAST))
        more: dict[str, Any] = {"buyer": draw(TEXTS)} if draw(st.booleans()) else {}
        if draw(st.booleans()):
            more["vat_on_debits"] = True
        if draw(st.booleans()):
            more["due_date"] = (day + timedelta(30)).isoformat()
            more["order"] = "site"
        if draw(st.booleans()):
            more["delivery"] = (day + timedelta(draw(st.integers(-60, 20)))).isoformat()
            more["buyer_country"] = "BE"
        bills.append(past.bill("nord", f"NORD-{i + 1:04d}", day.isoformat(), *charged, **more))
    for bill in draw(st.lists(st.sampled_from(bills), unique_by=lambda one: one["number"])):
        day = draw(st.dates(past.FIRST, past.LAST))
        amount = int(bill["gross"].replace(".", ""))
        more = {"method": draw(st.sampled_from(["transfer", "cash"])), "reference": draw(TEXTS)}
        moves.append(past.money("nord", bill["number"], day.isoformat(), amount, **more))
    return [*bills, *moves]


@given(
    plain(),
    PERIODS,
    st.sampled_from(["fr", "rfc4180"]),
    st.sampled_from([NOTHING_CLOSED, CLOSED]),
)
@profile(max_examples=60)
def test_the_tables_of_plain_histories_are_those_of_all_histories(facts, period, dialect, closed):
    with tempfile.TemporaryDirectory() as folder:
        root = past.root_of(Path(folder) / "root", *facts)
        own = plain_histories.read(root, "nord", closed)
        whole = histories.read_client(root, "nord", period, closed)
    assert isinstance(own, PlainHistories)
    config = SETTINGS._replace(csv_dialect=dialect, csv_headers="fr" if dialect == "fr" else "en")
    rows = plain_tables.tables_of(own, period, config)
    assert rows == [
        csv_tables.written(table.of(whole, period), config) for table in TABLES.values()
    ]


@given(plain())
@profile(max_examples=30)
def test_the_balance_of_plain_histories_is_that_of_all_histories(facts):
    with tempfile.TemporaryDirectory() as folder:
        root = past.root_of(Path(folder) / "root", *facts)
        balance = balances.of_plain(root, "nord")
        lines = balances.read_lines(root, "nord")
    assert balance is not None
    assert balance.to_bytes() == balances.of_lines(lines).to_bytes()


BILL = past.bill("nord", "NORD-0001", "2024-02-29", ("services", "20.00", 10_000, 2_000))
OTHER = {**BILL, "number": "NORD-0002"}
PAID = past.money("nord", "NORD-0001", "2024-03-01", 12_000)


@pytest.mark.parametrize(
    "facts",
    [
        [],
        [{**BILL, "number": "NORD-0002", "corrects": "NORD-0001", "kind": "credit_note"}, BILL],
        [{**BILL, "type": "386"}],
        [{**BILL, "exemptions": {"S": "VATEX-EU-AE"}}],
        [BILL, OTHER, {**PAID, "amount": "60.00"}],
        [BILL, PAID, PAID],
        [BILL, PAID, {**PAID, "invoice": "NORD-0002"}],
        [BILL, {**PAID, "kind": "refund"}],
        [BILL, past.lost("nord", "NORD-0001", "2024-03-01", 12_000, "bad_debt")],
        [BILL, PAID, past.reversal(PAID, 1, "2024-03-02")],
        [{**BILL, "gross": "0.00"}, {**PAID, "amount": "0.00"}],
        [{**BILL, "gross": "120.001"}],
        [BILL, {**OTHER, "currency": "CHF"}],
    ],
)
def test_whatever_else_there_is_is_not_plain(tmp_path, facts):
    root = past.root_of(tmp_path / "root")
    for fact in facts:
        past.lay(root, {**fact, "client": "nord"})
    assert plain_histories.read(root, "nord", []) is None
