"""The accounting of orders: deposits and the final invoices that take them off, in every export."""

import csv
import io
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile

import books
import house
import past
import test_ledger
from lib.accounting import bookkeeping, csv_tables, fec
from lib.accounting.bookkeeping import FiscalYear
from lib.books import balances, tax_points
from lib.books.records import Record
from lib.core.root import Root
from lib.inputs.issuer_file import Accounts

GOODS = ("goods", "20.00", 30_000, 6_000)
SERVICES = ("services", "20.00", 30_000, 6_000)
OF_GOODS, OF_SERVICES = ("goods", "20.00", 70_000, 14_000), ("services", "20.00", 70_000, 14_000)


def deposit(*shares: past.Given, day: str = "2024-01-10", **more: Any) -> Record:
    return past.bill("nord", "NORD-0001", day, *shares, type="386", order="site", **more)


def final(*shares: past.Given, off: tuple[past.Given, ...], day: str = "2024-03-05") -> Record:
    """The final invoice: `shares` are what is left once `off` was taken off."""
    breakdown = past.bill("nord", "", "", *off)["breakdown"]
    deposits = [{"breakdown": breakdown, "number": "NORD-0001"}]
    return past.bill("nord", "NORD-0002", day, *shares, order="site", deposits=deposits)


def credit(corrects: str, day: str, *shares: past.Given, **more: Any) -> Record:
    return past.bill("nord", "NORD-0003", day, *shares, corrects=corrects, **more)


def paid(day: str, amount: int, number: str = "NORD-0001") -> Record:
    return past.money("nord", number, day, amount)


def entries_of(*facts: Record) -> list[bookkeeping.JournalEntry]:
    return bookkeeping.journal(past.histories_of(list(facts)))


def postings(entry: bookkeeping.JournalEntry) -> dict[str, int]:
    amounts: Counter[str] = Counter()
    for posting in entry.postings:
        amounts[posting.account] += posting.amount
    return dict(amounts)


def sums(*facts: Record) -> dict[str, int]:
    """What each account comes to, without those that come to nothing."""
    amounts: Counter[str] = Counter()
    for entry in entries_of(*facts):
        assert sum(posting.amount for posting in entry.postings) == 0
        amounts.update(postings(entry))
    return {account: amount for account, amount in amounts.items() if amount}


def vat_by_month(*facts: Record) -> dict[str, int]:
    """The VAT that falls due, by month; 44571 and the table say the same."""
    histories = past.histories_of(list(facts))
    due: Counter[str] = Counter()
    for history in histories:
        for one in tax_points.dues(history):
            due[one.date[:7]] += one.share.vat
    booked: Counter[str] = Counter()
    for entry in bookkeeping.journal(histories):
        booked[entry.date[:7]] -= postings(entry).get("vat_collected", 0)
    found = {month: vat for month, vat in due.items() if vat}
    assert found == {month: vat for month, vat in booked.items() if vat}
    for month in found:
        of_month = csv_tables.vat_due(histories, month)
        assert sum(vat for _, vat in of_month.sums.values()) == found[month]
    return found


# --- entries -------------------------------------------------------------------------


def test_a_deposit_waits_on_4191_until_the_final_invoice_takes_it_off() -> None:
    facts = (deposit(SERVICES), final(OF_SERVICES, off=(SERVICES,)))
    asked, whole = entries_of(*facts)
    assert asked.label == "Facture d’acompte NORD-0001"
    assert postings(asked) == {"customers": 36_000, "deposits": -30_000, "vat_pending": -6_000}
    assert postings(whole) == {
        "customers": 84_000,
        "services": -100_000,
        "deposits": 30_000,
        "vat_pending": -14_000,
    }
    assert sums(*facts)["services"] == -100_000


def test_the_accounts_of_the_issuer_are_posted_to() -> None:
    year = FiscalYear("2024-01-01", "2024-12-31")
    accounts = Accounts(deposits="419100")
    part = fec.part(fec.chart(accounts), year, year, [past.histories_of([deposit(SERVICES)])])
    text = b"".join(fec.joined([part])).decode()
    (line,) = [line.split("\t") for line in text.splitlines() if "419100" in line]
    assert line[4:8] == ["419100", "Clients - avances et acomptes reçus", "nord", "Client nord"]
    assert line[11:13] == ["0,00", "300,00"]


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_credited_of_a_deposit_before_the_final_invoice_leaves_4191(whole: bool) -> None:
    taken = SERVICES if whole else ("services", "20.00", 10_000, 2_000)
    facts = (deposit(SERVICES), credit("NORD-0001", "2024-02-01", taken))
    assert postings(entries_of(*facts)[1])["deposits"] == taken[2]
    assert sums(*facts).get("deposits", 0) == taken[2] - 30_000


def test_what_is_credited_of_a_deposit_after_the_final_invoice_is_a_sale_less() -> None:
    taken = ("services", "20.00", 10_000, 2_000)
    facts = (
        deposit(SERVICES),
        final(OF_SERVICES, off=(SERVICES,)),
        credit("NORD-0001", "2024-04-01", taken),
    )
    assert postings(entries_of(*facts)[-1]) == {
        "customers": -12_000,
        "services": 10_000,
        "vat_pending": 2_000,
    }
    assert "deposits" not in sums(*facts) and sums(*facts)["services"] == -90_000


def test_a_final_invoice_that_is_credited_gives_its_deposits_back() -> None:
    off = final(OF_SERVICES, off=(SERVICES,))["deposits"]
    facts = (
        deposit(SERVICES),
        final(OF_SERVICES, off=(SERVICES,)),
        credit("NORD-0002", "2024-04-01", OF_SERVICES, deposits=off),
    )
    assert sums(*facts) == {"customers": 36_000, "deposits": -30_000, "vat_pending": -6_000}


def test_an_order_that_is_cancelled_leaves_nothing_once_its_deposit_went_back() -> None:
    facts = (
        deposit(SERVICES),
        credit("NORD-0001", "2024-02-01", SERVICES),
        paid("2024-01-20", 36_000),
        paid("2024-02-10", -36_000),
    )
    assert sums(*facts) == {}
    assert vat_by_month(*facts) == {"2024-01": 6_000, "2024-02": -6_000}


# --- when VAT falls due --------------------------------------------------------------


def test_the_vat_of_a_deposit_falls_due_as_it_is_paid_for_goods_too() -> None:
    facts = (deposit(GOODS), final(OF_GOODS, off=(GOODS,)), paid("2024-02-02", 36_000))
    assert vat_by_month(*facts) == {"2024-02": 6_000, "2024-03": 14_000}
    assert sums(*facts).get("vat_pending", 0) == 0


def test_goods_that_are_delivered_before_their_deposit_is_paid_are_due_with_the_delivery() -> None:
    facts = (
        deposit(GOODS),
        final(OF_GOODS, off=(GOODS,)),
        paid("2024-02-02", 12_000),
        paid("2024-05-02", 24_000),
    )
    assert vat_by_month(*facts) == {"2024-02": 2_000, "2024-03": 4_000 + 14_000}
    of_delivery = [entry for entry in entries_of(*facts) if "livraison" in entry.label]
    assert [(entry.date, entry.label) for entry in of_delivery] == [
        ("2024-03-05", "TVA exigible à la livraison NORD-0001")
    ]
    assert sums(*facts).get("vat_pending", 0) == 0


def test_services_are_due_as_each_invoice_is_paid() -> None:
    facts = (
        deposit(SERVICES),
        final(OF_SERVICES, off=(SERVICES,)),
        paid("2024-04-02", 36_000),
        paid("2024-06-02", 84_000, "NORD-0002"),
    )
    assert vat_by_month(*facts) == {"2024-04": 6_000, "2024-06": 14_000}


def test_under_the_option_for_debits_services_are_due_as_invoiced_and_goods_as_paid() -> None:
    facts = (deposit(SERVICES, GOODS, vat_on_debits=True), paid("2024-02-02", 72_000))
    assert vat_by_month(*facts) == {"2024-01": 6_000, "2024-02": 6_000}


def test_a_deposit_paid_too_much_has_no_vat_beyond_it() -> None:
    facts = (deposit(GOODS), paid("2024-02-02", 40_000), paid("2024-02-03", -4_000))
    assert vat_by_month(*facts) == {"2024-02": 6_000}
    assert sums(*facts) == {"bank": 36_000, "deposits": -30_000, "vat_collected": -6_000}


def test_of_goods_that_are_delivered_a_credit_note_on_their_deposit_takes_vat_back() -> None:
    facts = (
        deposit(GOODS),
        final(OF_GOODS, off=(GOODS,)),
        credit("NORD-0001", "2024-04-01", ("goods", "20.00", 10_000, 2_000)),
        paid("2024-05-01", 24_000),
    )
    assert vat_by_month(*facts) == {"2024-03": 20_000, "2024-04": -2_000}
    assert sums(*facts).get("vat_pending", 0) == 0


# --- random orders -------------------------------------------------------------------


@given(past.order())
def test_4191_is_nothing_when_an_order_is_finished(placed: past.Placed) -> None:
    stands = 0
    if not placed.finished:
        deposits = {fact["number"] for fact in placed.facts if "type" in fact}
        for fact in placed.facts:
            sign = 1 if fact["number"] in deposits else -(fact.get("corrects") in deposits)
            stands += sign * int(Decimal(fact["net"]) * 100)
    found = sums(*placed.facts)
    assert found.get("deposits", 0) == -stands
    # What was sold is what all invoices and credit notes come to, without what waits on 4191.
    nets = [
        int(Decimal(fact["net"]) * 100) * (1 if fact["kind"] == "invoice" else -1)
        for fact in placed.facts
    ]
    assert -found.get("goods", 0) - found.get("services", 0) == sum(nets) - stands


@given(past.paid_order(credited=False))
@profile(max_examples=60)
def test_vat_by_month_is_what_another_computation_says(facts: list[Record]) -> None:
    facts = [fact for fact in facts if "cause" not in fact]
    if any("reverses" in fact for fact in facts):
        facts = [fact for fact in facts if "number" in fact]
    expected: Counter[str] = Counter()
    bills = [fact for fact in facts if "number" in fact]
    for bill in bills:
        delivered = next(
            (
                other["issue_date"]
                for other in bills
                if any(one["number"] == bill["number"] for one in other.get("deposits", ()))
            ),
            "",
        )
        gross, is_deposit = Decimal(bill["gross"]), "type" in bill
        for share in bill["breakdown"]:
            vat, had = Decimal(share["vat"]), Decimal(0)
            if share["nature"] == "services" and bill.get("vat_on_debits"):
                expected[bill["issue_date"][:7]] += int(vat * 100)
                continue
            if share["nature"] == "goods" and not is_deposit:
                expected[bill["issue_date"][:7]] += int(vat * 100)
                continue
            # As it is paid: on each day, what was paid until then, up to the whole.
            moves = [fact for fact in facts if fact.get("invoice") == bill["number"]]
            until = delivered if share["nature"] == "goods" else ""
            for day in sorted({move["date"] for move in moves} | {until} - {""}):
                received = sum(
                    Decimal(move["amount"]) * (1 if move["kind"] == "payment" else -1)
                    for move in moves
                    if move["date"] <= day
                )
                paid_part = min(max(received, Decimal(0)), gross)
                now = (paid_part * vat / gross).quantize(Decimal("0.01"), "ROUND_HALF_UP")
                if until and day >= until:
                    now = vat
                expected[day[:7]] += int((now - had) * 100)
                had = now
    assert vat_by_month(*facts) == {month: vat for month, vat in expected.items() if vat}


@given(past.paid_order())
@profile(max_examples=60)
def test_every_export_says_the_same_of_an_order(facts: list[Record]) -> None:
    vat_by_month(*facts)
    histories = past.histories_of(facts)
    found = sums(*facts)
    owed = sum(balances.outstanding_of(history) for history in histories)
    assert found.get("customers", 0) + found.get("advances", 0) == owed
    revenues = csv_tables.revenues(histories, "20")
    net = sum(net for net, _ in revenues.sums.values())
    assert -sum(found.get(name, 0) for name in ("goods", "services", "deposits")) == net
    by_stage = dict(zip(revenues.table.cells["number"], revenues.table.cells["stage"], strict=True))
    for fact in facts:
        if "number" in fact and "corrects" not in fact and fact["breakdown"]:
            stage = "deposit" if "type" in fact else "final" if "deposits" in fact else ""
            assert by_stage[fact["number"]] == stage


@given(past.paid_order())
@profile(max_examples=10)
def test_beancount_reads_what_the_journal_says_of_an_order(facts: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = past.root_of(Path(folder) / "root", *facts)
        found = test_ledger.by_hand(test_ledger.made(root, "2030", "journal"))
        beancount = test_ledger.by_beancount(test_ledger.made(root, "2030", "beancount"))
        assert beancount == test_ledger.in_beancount(found)
        by_hand = Counter(found)
        expected = -Decimal(sums(*facts).get("deposits", 0)) / 100
        assert by_hand["Liabilities:Deposits"] == -expected


@pytest.mark.conformance
@pytest.mark.parametrize("tool", ["hledger", "ledger"])
@given(past.paid_order())
@profile(max_examples=15)
def test_hledger_and_ledger_agree_on_orders(tool: str, facts: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = past.root_of(Path(folder) / "root", *facts)
        text = test_ledger.made(root, "2030", "journal")
        path = root.path / "exports/ledger/2030.journal"
        assert test_ledger.by_tool(tool, path) == test_ledger.by_hand(text)


# --- the files -----------------------------------------------------------------------


def test_tables_say_which_invoices_are_deposits(tmp_path: Path) -> None:
    root: Root = house.build(tmp_path / "root")
    past.lay(root, deposit(SERVICES), final(OF_SERVICES, off=(SERVICES,)))
    past.lay(root, paid("2024-02-02", 36_000))
    assert house.call("export_revenues", root, year="2024").code == 0
    rows = {}
    for name in ("revenues", "recettes", "vat_due"):
        data = (root.path / f"exports/recettes/{name}-2024.csv").read_bytes().decode()
        rows[name] = list(csv.DictReader(io.StringIO(data, newline="")))
    assert [(row["number"], row["stage"], row["order"]) for row in rows["revenues"]] == [
        ("NORD-0001", "deposit", "site"),
        ("NORD-0002", "final", "site"),
    ]
    assert [row["stage"] for row in rows["recettes"]] == ["deposit"]
    assert [row["stage"] for row in rows["vat_due"]] == ["deposit"]


def test_the_month_of_a_delivery_has_the_vat_of_a_deposit_that_is_not_paid(tmp_path: Path) -> None:
    root: Root = house.build(tmp_path / "root")
    past.lay(root, deposit(GOODS), final(OF_GOODS, off=(GOODS,)))
    assert house.call("export_revenues", root, month="2024-03").code == 0
    data = (root.path / "exports/recettes/vat_due-2024-03.csv").read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(data, newline="")))
    assert [(row["number"], row["vat"], row["stage"]) for row in rows] == [
        ("NORD-0001", "60.00", "deposit"),
        ("NORD-0002", "140.00", "final"),
    ]


# --- by the commands -----------------------------------------------------------------


def fec_rows(root: Root) -> list[dict[str, str]]:
    assert house.call("export_fec", root, year="2026").code == 0
    (path,) = (root.path / "exports/fec").iterdir()
    head, *lines = path.read_bytes().decode().split("\r\n")
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines if line]


def on_account(root: Root, account: str) -> Decimal:
    """What an account comes to in the FEC of 2026."""
    amounts = [
        Decimal(row["Debit"].replace(",", ".")) - Decimal(row["Credit"].replace(",", "."))
        for row in fec_rows(root)
        if row["CompteNum"] == account
    ]
    return sum(amounts, Decimal(0))


@pytest.fixture
def project(tmp_path: Path) -> Root:
    """An order of 700.00 at 20 % and 300.00 at 5.5 %, and its deposit of 30 %."""
    root = house.build(tmp_path / "root")
    lines = [house.one_off("700.00"), house.one_off("300.00", vat_rate="5.5")]
    steps = (house.step("deposit", percent="30"), house.step())
    house.put_order(root, house.order("site", "nord", *steps, lines=lines))
    assert invoice(root, "2026-11-10").code == 0
    return root


def invoice(root: Root, day: str) -> house.Ran:
    """The next step of the order."""
    return house.call("invoice_order", root, client="nord", order="site", issue_date=day, today=day)


def test_a_project_from_its_deposit_to_the_end(
    project: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, number, today = project, "NORD-2026-0001", {"today": "2026-12-20"}
    assert on_account(root, "4191") == Decimal("-300.00")
    monkeypatch.setenv("REASON", "less")
    note = {"issue_date": "2026-11-12", "today": "2026-11-12", "amount": "51.31"}
    assert house.call("issue_credit_note", root, invoice=number, **note).code == 0
    rest = "295.64"
    assert books.pay(root, number, rest, "2026-11-20").code == 0, "346.95 less 51.31"
    assert house.call("make_receipt", root, invoice=number).code == 0
    assert invoice(root, "2026-12-10").code == 0
    assert on_account(root, "4191") == 0
    assert on_account(root, "706") == Decimal("-1000.00")
    assert books.pay(root, "NORD-2026-0003", "860.86", "2026-12-15").code == 0, "1156.50 in all"
    assert on_account(root, "411") == on_account(root, "44574") == 0
    assert on_account(root, "44571") == Decimal("-156.50")
    assert house.call("reconcile", root).code == 0
    assert house.call("export_ledger", root, year="2026").code == 0
    assert house.call("export_revenues", root, year="2026").code == 0
    verified = house.call("verify", root, **today)
    assert (verified.code, verified.err) == (0, ""), verified


def test_a_project_that_is_cancelled_after_its_deposit_was_paid(
    project: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = "NORD-2026-0001"
    assert books.pay(project, number, "346.95", "2026-11-12").code == 0
    monkeypatch.setenv("REASON", "cancelled")
    note = {"issue_date": "2026-11-20", "today": "2026-11-20"}
    assert house.call("issue_credit_note", project, invoice=number, **note).code == 0
    assert on_account(project, "4191") == 0 and on_account(project, "44571") == Decimal("-46.95")
    assert books.refund(project, number, "346.95", "2026-11-25").code == 0
    for account in ("411", "4191", "44571", "44574", "512", "706"):
        assert on_account(project, account) == 0, account
    assert house.call("verify", project, today="2026-12-20").code == 0


def test_an_order_that_became_smaller_than_its_deposits(
    project: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (house.step("deposit", percent="30"), house.step())
    lines = [house.one_off("100.00"), house.one_off("300.00", vat_rate="5.5")]
    assert books.pay(project, "NORD-2026-0001", "346.95", "2026-11-12").code == 0
    house.put_order(project, house.order("site", "nord", *steps, lines=lines))
    refused = invoice(project, "2026-12-10")
    assert refused.code == 1 and "[B-CREDIT]" in refused.err
    monkeypatch.setenv("REASON", "smaller")
    taken = project.path.parent / "lines.json"
    taken.write_text('{"lines": [{"line": "1", "amount": "110.00"}]}')
    note = {"issue_date": "2026-12-10", "today": "2026-12-10", "lines": str(taken)}
    assert house.call("issue_credit_note", project, invoice="NORD-2026-0001", **note).code == 0
    assert invoice(project, "2026-12-10").code == 0
    assert on_account(project, "4191") == 0 and on_account(project, "706") == Decimal("-400.00")
    assert house.call("verify", project, today="2026-12-20").code == 0
