"""What grows with a house: eight times the clients take eight times the time, not sixty-four."""

import gc
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from typing import Any
from unittest import mock

import pytest

import house
from bench import years
from lib.accounting import ledgers
from lib.accounting.bookkeeping import FiscalYear
from lib.books import numbering
from lib.core.root import Root
from lib.inputs import inputs

YEAR = FiscalYear("2025-01-01", "2025-12-31")
_EIGHT = 24  # times the time of an eighth, by a machine that has other work too


def times(work: Callable[[int], Any], few: int) -> float:
    """How many times the processor time of `work(few)` that of `work(8 * few)` is."""

    def took(count: int) -> int:
        began = time.process_time_ns()
        work(count)
        return time.process_time_ns() - began

    return min(took(8 * few) for _ in range(3)) / min(took(few) for _ in range(5))


def test_a_ledger_takes_as_long_as_it_has_accounts():
    def write(clients: int) -> None:
        closing = {f"{ledgers.RECEIVABLE}client_{i:05d}": i for i in range(clients)}
        list(ledgers.file("beancount", YEAR, [ledgers.YearLedger(closing, closing, set(), 0, {})]))

    assert times(write, 300) < _EIGHT


def test_numbering_a_run_takes_as_long_as_it_has_clients():
    def number(clients: int) -> None:
        sequences: numbering.Sequences = {}
        for i in range(clients):
            numbering.advance(sequences, f"K{i}", date(2026, 11, 8))

    assert times(number, 500) < _EIGHT


class Looked(dict[Any, Any]):
    """Usage that is looked up by client and month, never walked through for each client."""

    walks = 0

    def items(self) -> Any:
        self.walks += 1
        return super().items()


def test_a_clients_usage_is_looked_up(tmp_path):
    clients = [
        house.client(f"client_{i}", {"code": f"K{i}", "status": status}, i)
        for i, status in enumerate(("active", "active", "closed", "closed"))
    ]
    late = [house.usage(client["id"], "2026-09", {}, house.one_off()) for client in clients]
    root = house.build(tmp_path, *clients)
    assert house.month(root, "2026-09").code == 0
    for value in late:
        house.put_usage(root, value)
    usage = Looked(inputs.load(root).usage)

    def load(root: Root) -> inputs.Inputs:
        return given(root)._replace(usage=usage)

    given = inputs.load
    with mock.patch.object(inputs, "load", load):
        ran = house.month(root)
    assert ran.err.count("I-USAGE-LATE") == 4, ran
    assert usage.walks <= 1


# --- what is held at once ------------------------------------------------------------

FEW, MANY = 3, 43  # clients
MONTHS = 24
TODAY = {"today": "2026-11-09"}
LATER = TODAY | {"date": "2026-12-20", "dry_run": "1"}
MONTH = TODAY | {"month": "2026-10"}
ISSUED = MONTH | {"issue_date": "2026-11-09"}
TOLD = MONTH | {"command": "month", "run": "."}

# Of each record, some bytes may be kept: its number, what is late, its lines of a file that is
# written whole. A whole one takes thousands.
HELD: list[tuple[str, dict[str, str], int]] = [
    ("show_status", MONTH, 50),
    ("show_overdue", TODAY, 300),
    ("send_reminders", LATER, 400),
    ("generate_invoice", ISSUED, 500),
    ("check_inputs", {}, 300),
    ("send_invoices", TODAY, 300),
    ("export_revenues", {"year": "2025"}, 900),
    ("export_payments", {}, 600),
    ("export_fec", {"year": "2025"}, 900),
    ("export_ledger", {"year": "2025"}, 900),
    ("make_report", TODAY | {"year": "2025"}, 900),
    ("pack_accountant", {"year": "2023"}, 900),
    ("reconcile", {}, 300),
    ("send_alerts", TOLD, 300),
]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> list[Root]:
    """Two houses with two years of invoices, paid but for the last: of few clients, of many."""
    made = []
    for clients in (FEW, MANY):
        root = house.build(tmp_path_factory.mktemp(f"house{clients}"))
        years.lay_monthly(root, clients, "2026-10", MONTHS)
        house.write(root, ".env", b"MAIL_SINCE=2026-11-09\nWORKERS=1\n").chmod(0o600)
        made.append(root)
    return made


def held(script: str, root: Root, options: dict[str, str]) -> int:
    """Bytes that a command holds at once, at the most."""
    (root.flags / "told.json").unlink(missing_ok=True)  # that a summary looks at all
    # What other tests keep would make Python collect what is garbage here less often.
    gc.collect()
    gc.freeze()
    tracemalloc.start()
    try:
        ran = house.call(script, root, **options)
        assert ran.code == 0, ran
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("script", "options", "most"), HELD)
def test_the_records_of_one_client_are_held_at_a_time(houses, script, options, most):
    few, many = houses
    house.call(script, many, **options)  # imports what it needs, fills what is kept
    records = (MANY - FEW) * (2 * MONTHS - 1)

    def of_a_record() -> int:
        return (held(script, many, options) - held(script, few, options)) // records

    # Python's table of all texts grows by megabytes at once: in one of two perhaps, not in both.
    assert any(of_a_record() < most for _ in range(2))
