"""Balances: statuses, random histories against another computation, what is made again, ages."""

import json
import os
import shutil
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import books
import house
import past
from lib.books import balances
from lib.books.balances import InvoiceBalance
from lib.core import storage
from lib.core.root import Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return house.build(tmp_path / "root")


def balance(root: Root, client: str = "nord") -> dict[str, Any]:
    """A client's balance, brought up to date."""
    ran = house.call("reconcile", root)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(balances.path_of(root, client).read_bytes())
    return found


# --- statuses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gross", "credited", "paid", "status"),
    [
        ("100", "0", "0", "unpaid"),
        ("100", "40", "0", "unpaid"),
        ("100", "0", "-10", "unpaid"),
        ("100", "0", "0.01", "partially_paid"),
        ("100", "40", "59.99", "partially_paid"),
        ("100", "0", "100", "paid"),
        ("100", "40", "60", "paid"),
        ("0", "0", "0", "paid"),
        ("100", "100", "0", "credited"),
        ("100", "100", "0.01", "overpaid"),
        ("100", "0", "100.01", "overpaid"),
        ("0", "0", "5", "overpaid"),
    ],
)
def test_the_status_of_an_invoice(gross: str, credited: str, paid: str, status: str) -> None:
    amounts = [Decimal(text) for text in (gross, credited, paid)]
    day = date(2026, 11, 8)
    invoice = InvoiceBalance("nord", "Nord", "NORD-2026-0001", day, day, "EUR", *amounts)
    assert invoice.status == status


# --- histories -----------------------------------------------------------------------

CENTS = st.integers(min_value=1, max_value=30_000)
STEPS = st.one_of(
    st.tuples(st.just("bill"), CENTS | st.just(0), st.just(0)),
    st.tuples(st.just("credit"), st.integers(0, 3), CENTS),
    st.tuples(st.just("pay"), st.integers(0, 3), CENTS),
    st.tuples(st.just("pay_rest"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("overpay"), st.integers(0, 3), CENTS),
    st.tuples(st.just("refund"), st.integers(0, 3), CENTS),
    st.tuples(st.just("refund_rest"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("write_off"), st.integers(0, 3), CENTS),
    st.tuples(st.just("write_off_rest"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("reverse"), st.integers(1, 6), st.just(0)),
)


def text_of(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


class Model:
    """The same history in integer cents, kept the simple way: a running sum for each invoice."""

    def __init__(self) -> None:
        self.owed: list[int] = []
        self.credited: list[int] = []
        self.paid: list[int] = []
        self.gross: list[int] = []
        self.written_off: list[int] = []
        # invoice, effect, whether it is a write-off; effect 0: cannot be reversed
        self.lines: list[tuple[int, int, bool]] = []
        self.seen: set[tuple[str, int, int]] = set()

    def move(self, kind: str, i: int, cents: int, allowed: int | None) -> bool:
        """Whether `cents` may move; `allowed` None: any amount may."""
        if (kind, i, cents) in self.seen or (allowed is not None and cents > allowed):
            return False
        lost = any(off and j == i and effect > 0 for j, effect, off in self.lines)
        if lost and (kind == "refund" or (kind == "payment" and cents > self.owed[i])):
            return False
        self.seen.add((kind, i, cents))
        effect = -cents if kind in ("refund", "surplus") else cents
        off = kind in ("surplus", "difference")
        self.lines.append((i, effect, off))
        (self.written_off if off else self.paid)[i] += effect
        self.owed[i] -= effect
        return True

    def reverse(self, seq: int) -> bool:
        if seq > len(self.lines) or not self.lines[seq - 1][1]:
            return False
        i, effect, off = self.lines[seq - 1]
        self.lines[seq - 1] = (i, 0, off)
        self.lines.append((i, 0, off))
        (self.written_off if off else self.paid)[i] -= effect
        self.owed[i] += effect
        return True


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=9))
def test_random_histories_come_to_what_another_computation_says(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = house.build(Path(folder) / "root")
        model = Model()
        documents = 0
        for kind, which, cents in [("bill", 17580, 0), *steps]:
            if kind == "bill":
                documents += 1
                books.bill(root, "nord", documents, text_of(which))
                for sums, value in (
                    (model.gross, which),
                    (model.owed, which),
                    (model.credited, 0),
                    (model.paid, 0),
                    (model.written_off, 0),
                ):
                    sums.append(value)
                continue
            if kind == "reverse":
                ran = books.reverse(root, f"nord/{which}")
                assert ran.code == (0 if model.reverse(which) else 1), ran
                continue
            i = which % len(model.gross)
            number = house_number(root, i)
            if kind == "credit":
                documents += 1
                cents = min(cents, model.gross[i] - model.credited[i])
                if cents:
                    books.credit(root, "nord", documents, number, text_of(cents))
                    model.credited[i] += cents
                    model.owed[i] -= cents
                else:
                    documents -= 1
                continue
            owed = model.owed[i]
            if kind.endswith("_rest"):
                cents = {"pay_rest": owed, "refund_rest": -owed}.get(kind, abs(owed))
            if cents <= 0:
                continue
            if kind.startswith("write_off"):
                ran = books.write_off(root, number, text_of(cents), "difference", large="yes")
                kept = "surplus" if owed < 0 else "difference"
                lost = any(off and j == i and effect > 0 for j, effect, off in model.lines)
                allowed = 0 if lost and owed < 0 else abs(owed)
                expected = model.move(kept, i, cents, allowed)
            elif kind.startswith("refund"):
                ran = books.refund(root, number, text_of(cents))
                expected = model.move("refund", i, cents, -owed)
            else:
                over = "yes" if kind == "overpay" else ""
                ran = books.pay(root, number, text_of(cents), overpayment=over)
                expected = model.move("payment", i, cents, None if over else owed)
            assert ran.code == (0 if expected else 1), ran
        made = balance(root)
        shown = [
            tuple(one[key] for key in ("gross", "credited", "paid", "written_off", "outstanding"))
            for one in made["invoices"]
        ]
        cents_of = [tuple(int(text.replace(".", "")) for text in row) for row in shown]
        assert cents_of == list(
            zip(
                model.gross,
                model.credited,
                model.paid,
                model.written_off,
                model.owed,
                strict=True,
            )
        )
        totals = {name: int(text.replace(".", "")) for name, text in made["totals"].items()}
        assert totals == {
            "gross": sum(model.gross),
            "credited": sum(model.credited),
            "paid": sum(model.paid),
            "written_off": sum(model.written_off),
            "outstanding": sum(owed for owed in model.owed if owed > 0),
            "overpaid": -sum(owed for owed in model.owed if owed < 0),
        }


def house_number(root: Root, i: int) -> str:
    invoices = [line for line in house.records(root, "nord") if line["kind"] == "invoice"]
    number: str = invoices[i]["number"]
    return number


# --- what is made again ---------------------------------------------------------------


def test_a_balance_says_what_it_was_made_from(root: Root) -> None:
    books.bill(root, "nord", 1, "175.80")
    books.pay(root, "NORD-2026-0001", "100.00")
    made = balance(root)
    last = {folder: house.records(root, "nord", folder)[-1] for folder in ("revenues", "payments")}
    none = {"openings": {"seq": 0, "hash": "0" * 64}}
    assert made["made_from"] == none | {
        folder: {"seq": line["seq"], "hash": line["hash"]} for folder, line in last.items()
    }
    assert made["invoices"] == [
        {
            "number": "NORD-2026-0001",
            "issue_date": "2026-11-08",
            "due_date": "2026-12-08",
            "gross": "175.80",
            "credited": "0.00",
            "paid": "100.00",
            "written_off": "0.00",
            "outstanding": "75.80",
            "status": "partially_paid",
        }
    ]


def test_only_clients_whose_records_changed_are_read(root: Root) -> None:
    for client in ("nord", "sud", "est"):
        books.bill(root, client, 1, "100.00")
    assert "3 balances made, 0 unchanged" in house.call("reconcile", root).out
    before = {path.name: path.stat().st_mtime_ns for path in balances.folder(root).iterdir()}
    # A broken record is not even noticed where the head says that nothing changed.
    broken = root.data / "revenues/est.jsonl"
    whole = broken.read_bytes()
    broken.write_bytes(b"broken\n")
    books.pay(root, "SUD-2026-0001", "1.00")
    assert "1 balance made, 2 unchanged" in house.call("reconcile", root).out
    after = {path.name: path.stat().st_mtime_ns for path in balances.folder(root).iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"sud.json"}
    balances.path_of(root, "est").unlink()
    ran = house.call("reconcile", root)
    assert (ran.code, "data/revenues/est.jsonl: line 1: is not a record" in ran.err) == (3, True)
    assert not balances.path_of(root, "est").exists()
    broken.write_bytes(whole)
    assert "1 balance made, 2 unchanged" in house.call("reconcile", root).out


def test_times_decide_nothing(root: Root) -> None:
    books.bill(root, "nord", 1, "100.00")
    house.call("reconcile", root)
    old = house.tree(root)
    books.pay(root, "NORD-2026-0001", "1.00")
    for path in root.data.rglob("*.json*"):
        os.utime(path, (1, 1))
    assert "1 balance made" in house.call("reconcile", root).out
    assert "0 balances made" in house.call("reconcile", root).out
    new = house.tree(root)
    shutil.rmtree(balances.folder(root))
    house.call("reconcile", root)
    assert house.tree(root) == new != old


def test_the_balance_of_vanished_records_is_removed(root: Root) -> None:
    books.bill(root, "nord", 1, "100.00")
    house.call("reconcile", root)
    shutil.copy(balances.path_of(root, "nord"), balances.path_of(root, "gone"))
    ran = house.call("reconcile", root)
    assert "0 balances made, 1 unchanged, 1 removed" in ran.out
    assert [path.name for path in balances.folder(root).iterdir()] == ["nord.json"]


def test_a_payment_of_an_unknown_invoice_is_a_broken_house(root: Root) -> None:
    books.bill(root, "nord", 1, "100.00")
    books.pay(root, "NORD-2026-0001", "1.00")
    for name in ("revenues/nord.jsonl", "heads/revenues/nord.json"):
        (root.data / name).unlink()
    ran = house.call("reconcile", root)
    assert ran.code == 3
    assert "data/payments/nord.jsonl: line 1: names NORD-2026-0001" in ran.err


def test_what_is_broken_keeps_no_other_balance_from_being_made(tmp_path: Path) -> None:
    services = ("services", "20.00", 10_000, 2_000)
    clients = [f"client_{i:03d}" for i in range(105)]
    bills = [past.bill(one, f"{one.upper()}-1", "2024-02-29", services) for one in clients]
    root = past.root_of(tmp_path / "root", *bills)
    broken = [clients[1], clients[101]]
    for client in broken:
        path = root.data / "revenues" / f"{client}.jsonl"
        path.write_bytes(path.read_bytes().replace(b"120.00", b"120.01"))
    ran = house.call("reconcile", root)
    assert ran.code == 3
    assert ran.err.count(": line 1: was changed: ") == 2 == ran.err.count("data/revenues/client_")
    assert all(f"data/revenues/{client}.jsonl: line 1" in ran.err for client in broken)
    made = [line.partition(":")[0] for line in ran.out.splitlines()]
    assert made == [client for client in clients if client not in broken]
    assert sorted(path.stem for path in balances.folder(root).iterdir()) == made


def test_what_is_not_a_file_is_reported_with_the_other_faults(root: Root) -> None:
    books.bill(root, "est", 1, "100.00")
    books.bill(root, "nord", 1, "100.00")
    books.bill(root, "sud", 1, "100.00")
    (root.data / "revenues/est.jsonl").write_bytes(b"[]\n")
    (root.data / "heads/payments/nord.json").mkdir(parents=True)
    balances.path_of(root, "sud").mkdir(parents=True)
    ran = house.call("reconcile", root)
    assert (ran.code, ran.out) == (3, "")
    assert "data/revenues/est.jsonl: line 1: is not a record" in ran.err
    assert "heads/payments/nord.json: is a link, or not a file" in ran.err
    assert "balance/sud.json: is a link, or not a file" in ran.err


def test_empty_records_have_no_balance(root: Root) -> None:
    (root.data / "revenues").mkdir(parents=True)
    (root.data / "revenues/nord.jsonl").write_bytes(b"")
    ran = house.call("reconcile", root)
    assert (ran.code, ran.err) == (0, "")
    assert not balances.path_of(root, "nord").exists()


@pytest.mark.parametrize("folder", ["revenues", "payments"])
def test_a_missing_head_is_noticed(root: Root, folder: str) -> None:
    books.bill(root, "nord", 1, "100.00")
    house.call("reconcile", root)
    books.pay(root, "NORD-2026-0001", "1.00")
    (root.data / f"heads/{folder}/nord.json").unlink()
    ran = house.call("reconcile", root)
    assert (ran.code, f"data/heads/{folder}/nord.json: is missing" in ran.err) == (3, True)


def test_reconcile_finishes_what_a_stopped_payment_left(root: Root) -> None:
    books.bill(root, "nord", 1, "100.00")
    step = 0
    while not list(root.pending.glob("*/intent.json")):
        step += 1
        assert books.killed_at(step, lambda: books.pay(root, "NORD-2026-0001", "100.00"))
    waiting = house.call("show_overdue", root, today=books.TODAY)
    assert (waiting.code, "a run was stopped half-way: payment nord" in waiting.err) == (4, True)
    assert balance(root)["invoices"][0]["status"] == "paid"


def test_the_flag_of_a_month_follows_the_heads(root: Root) -> None:
    books.bill(root, "nord", 1, "100.00")
    assert "1 balance made" in house.make(root, "phase-balances").out
    assert "balances made" not in house.make(root, "phase-balances").out
    books.pay(root, "NORD-2026-0001", "1.00")
    assert "1 balance made" in house.make(root, "phase-balances").out


def test_an_unchanged_file_is_not_written_again(root: Root) -> None:
    books.bill(root, "nord", 1, "100.00")
    house.call("reconcile", root)
    path = balances.path_of(root, "nord")
    inode = path.stat().st_ino
    assert not storage.update_derived(path, path.read_bytes())
    assert path.stat().st_ino == inode


# --- overdue -------------------------------------------------------------------------


def overdue(root: Root, day: str) -> house.Ran:
    return house.call("show_overdue", root, date=day, today=books.TODAY)


@pytest.mark.parametrize(
    ("day", "column"),
    [
        ("2026-12-08", "current"),
        ("2026-12-09", "1-30"),
        ("2027-01-07", "1-30"),
        ("2027-01-08", "31-60"),
        ("2027-02-06", "31-60"),
        ("2027-02-07", "61-90"),
        ("2027-03-08", "61-90"),
        ("2027-03-09", "over 90"),
    ],
)
def test_each_age_begins_and_ends_on_its_day(root: Root, day: str, column: str) -> None:
    books.bill(root, "nord", 1, "123.45", due="2026-12-08")
    lines = overdue(root, day).out.splitlines()
    # "over 90" is a heading of two words.
    headings = lines[1].replace("over 90", "over_90").split()
    cells = dict(zip(headings, lines[2].split(), strict=True))
    assert cells[column.replace(" ", "_")] == cells["total"] == "123.45"
    assert [name for name in cells if cells[name] == "0.00"] == [
        name
        for name in ("current", "1-30", "31-60", "61-90", "over_90")
        if name != column.replace(" ", "_")
    ]


def test_overdue_adds_up_and_names_the_late_and_what_is_to_be_given_back(root: Root) -> None:
    books.bill(root, "nord", 1, "100.00", due="2026-12-01")
    books.bill(root, "nord", 2, "50.00", due="2026-12-31")
    books.bill(root, "sud", 1, "10.00", due="2026-09-01")
    books.bill(root, "est", 1, "30.00")
    books.pay(root, "NORD-2026-0001", "25.50")
    books.pay(root, "EST-2026-0001", "31.00", overpayment="yes")
    before = house.tree(root)
    ran = house.call("show_overdue", root, today=books.TODAY)
    assert house.tree(root) == before
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["nord", "50.00", "74.50", "0.00", "0.00", "0.00", "124.50"] in lines
    assert ["sud", "0.00", "0.00", "0.00", "0.00", "10.00", "10.00"] in lines
    assert ["total", "50.00", "74.50", "0.00", "0.00", "10.00", "134.50"] in lines
    late = [line for line in lines if "2026-12-01" in line or "2026-09-01" in line]
    assert [line[-3:] for line in late] == [
        ["2026-09-01", "110", "10.00"],
        ["2026-12-01", "19", "74.50"],
    ]
    assert "est: 1.00 EUR to give back for EST-2026-0001" in ran.out
    assert "134.50 outstanding on 2026-12-20, of which 84.50 late (2 invoices)" in ran.out


def test_overdue_on_an_earlier_day_knows_nothing_of_later_ones(root: Root) -> None:
    books.bill(root, "nord", 1, "100.00", day="2026-11-08", due="2026-11-20")
    books.bill(root, "nord", 2, "50.00", day="2026-12-08", due="2027-01-07")
    books.pay(root, "NORD-2026-0001", "60.00", "2026-12-03")
    books.credit(root, "nord", 3, "NORD-2026-0001", "40.00", "2026-12-10")
    assert "100.00 outstanding on 2026-12-02, of which 100.00 late" in (
        overdue(root, "2026-12-02").out
    )
    assert "90.00 outstanding on 2026-12-09, of which 40.00 late" in overdue(root, "2026-12-09").out
    assert "50.00 outstanding on 2026-12-10, of which 0.00 late" in overdue(root, "2026-12-10").out
    assert "nothing is outstanding on 2026-11-07" in overdue(root, "2026-11-07").out
