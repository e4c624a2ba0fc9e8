"""Write-offs: what is closed without money, and what that does to balances, VAT and the books."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import books
import house
import past
from lib.accounting import bookkeeping, csv_tables
from lib.books import allocation, balances, tax_points
from lib.books.records import Record
from lib.core.root import Root

SERVICES = ("services", "20.00", 10_000, 2_000)
GOODS = ("goods", "10.00", 10_000, 1_000)
DAY = "2026-12-10"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """An invoice of 120.00, of which a cent is missing."""
    root = house.build(tmp_path / "root", seller=house.issuer({"write_off_limit": "2.00"}))
    books.bill(root, "nord", 1, "120.00")
    books.pay(root, "NORD-2026-0001", "119.99")
    return root


def balance(root: Root) -> dict[str, str]:
    """The balance of the first invoice."""
    assert house.call("reconcile", root).code == 0
    found = json.loads(balances.path_of(root, "nord").read_bytes())
    first: dict[str, str] = found["invoices"][0]
    assert found["totals"] | {"status": ""} == {
        key: first[key] for key in ("gross", "credited", "paid", "written_off", "outstanding")
    } | {"overpaid": "0.00", "status": ""}
    return first


# --- what is recorded ----------------------------------------------------------------


def test_a_missing_cent_is_closed_and_is_not_paid(root: Root) -> None:
    ran = books.write_off(root, "NORD-2026-0001", "0.01", "difference")
    assert ran.out == (
        "nord/2: 0.01 of NORD-2026-0001 written off on 2026-12-10; outstanding 0.00 EUR\n"
    )
    line = house.records(root, "nord", "payments")[-1]
    facts = {key: line[key] for key in ("kind", "invoice", "amount", "date", "cause", "reason")}
    assert facts == {
        "kind": "write_off",
        "invoice": "NORD-2026-0001",
        "amount": "0.01",
        "date": DAY,
        "cause": "difference",
        "reason": "agreed",
    }
    made = balance(root)
    assert (made["paid"], made["written_off"], made["outstanding"], made["status"]) == (
        "119.99",
        "0.01",
        "0.00",
        "written_off",
    )
    assert "nothing is outstanding" in house.call("show_overdue", root, today=books.TODAY).out


def test_a_cent_too_much_is_kept(root: Root) -> None:
    books.pay(root, "NORD-2026-0001", "0.02", overpayment="yes")
    ran = books.write_off(root, "NORD-2026-0001", "0.01", "difference")
    assert "0.01 too much for NORD-2026-0001 kept on 2026-12-10; outstanding 0.00" in ran.out
    assert house.records(root, "nord", "payments")[-1]["cause"] == "surplus"
    made = balance(root)
    assert (made["written_off"], made["status"]) == ("-0.01", "paid")


def test_a_write_off_is_reversed_and_then_the_money_can_come(root: Root) -> None:
    books.write_off(root, "NORD-2026-0001", "0.01", "bad_debt")
    late = books.pay(root, "NORD-2026-0001", "0.01", overpayment="yes")
    assert (late.code, "0.01 of NORD-2026-0001 was written off in nord/2" in late.err) == (1, True)
    assert "make payment-reverse PAYMENT=nord/2" in late.err
    ran = books.reverse(root, "nord/2", date=DAY)
    assert "nord/3: reversal of nord/2, write-off of 0.01 of NORD-2026-0001" in ran.out
    assert balance(root)["outstanding"] == "0.01"
    assert books.pay(root, "NORD-2026-0001", "0.01").code == 0
    made = balance(root)
    assert (made["paid"], made["written_off"], made["status"]) == ("120.00", "0.00", "paid")


@pytest.mark.parametrize(
    ("amount", "kind", "options", "said"),
    [
        ("0.02", "difference", {}, "AMOUNT: 0.02 is more than is outstanding of NORD-2026-0001, "),
        ("0.00", "difference", {}, "AMOUNT: "),
        ("0.01", "gift", {}, 'KIND: "gift" is not a kind of write-off'),
        ("0.01", "", {}, "KIND: is missing"),
        ("0.01", "difference", {"reason": ""}, "REASON: is missing"),
        ("0.01", "difference", {"date": "2026-11-07"}, "DATE: 2026-11-07 is before"),
        ("0.01", "difference", {"date": "2026-12-21"}, "DATE: 2026-12-21"),
    ],
)
def test_what_cannot_be_written_off_is_refused(
    root: Root, amount: str, kind: str, options: dict[str, str], said: str
) -> None:
    before = house.tree(root)
    ran = books.write_off(root, "NORD-2026-0001", amount, kind, **options)
    assert (ran.code, said in ran.err, house.tree(root) == before) == (1, True, True), ran.err


def test_the_number_is_that_of_an_invoice(root: Root) -> None:
    books.credit(root, "nord", 2, "NORD-2026-0001", "0.01")
    ran = books.write_off(root, "NORD-2026-0002", "0.01", "difference")
    assert '"NORD-2026-0002" is a credit note; name the invoice that it credits' in ran.err
    ran = books.write_off(root, "NORD-2026-0003", "0.01", "difference")
    assert '"NORD-2026-0003" is not an invoice that was issued' in ran.err


def test_only_a_difference_closes_what_was_paid_too_much(root: Root) -> None:
    books.pay(root, "NORD-2026-0001", "1.00", overpayment="yes")
    ran = books.write_off(root, "NORD-2026-0001", "0.99", "bank_charge")
    assert "0.99 is more than is outstanding of NORD-2026-0001, 0.00" in ran.err
    ran = books.write_off(root, "NORD-2026-0001", "1.00", "difference")
    assert "1.00 is more than can be given back for NORD-2026-0001, 0.99" in ran.err
    ran = books.write_off(root, "NORD-2026-0001", "0.99", "difference", date="2026-12-02")
    assert "2026-12-02 is before 0.99 was to be given back" in ran.err


def test_beyond_the_limit_somebody_has_to_say_so(root: Root) -> None:
    books.bill(root, "nord", 2, "120.00")
    about = (root, "NORD-2026-0002")
    ran = books.write_off(*about, "2.01", "bad_debt")
    assert (ran.code, "more than write_off_limit in issuer.json, 2.00" in ran.err) == (1, True)
    assert books.write_off(*about, "1.50", "bad_debt").code == 0
    ran = books.write_off(*about, "0.51", "bad_debt")
    assert "2.01 of NORD-2026-0002 would be written off in all, more than" in ran.err
    assert books.write_off(*about, "0.51", "bad_debt", large="yes").code == 0
    house.write(root, "issuer.json", house.issuer({}))
    ran = books.write_off(*about, "0.01", "bad_debt")
    assert 'issuer.json sets no "write_off_limit"; LARGE=yes records it all the same' in ran.err


def test_the_same_twice_is_refused(root: Root) -> None:
    books.bill(root, "nord", 2, "120.00")
    about = (root, "NORD-2026-0002", "1.00", "difference")
    assert books.write_off(*about).code == 0
    ran = books.write_off(*about)
    assert (ran.code, "the same write-off stands in nord/2" in ran.err) == (1, True)
    assert books.write_off(*about, again="yes").code == 0


def test_nothing_that_was_written_off_is_given_back_or_credited(root: Root) -> None:
    books.write_off(root, "NORD-2026-0001", "0.01", "difference")
    books.credit(root, "nord", 2, "NORD-2026-0001", "120.00")
    ran = books.refund(root, "NORD-2026-0001", "120.00")
    assert (ran.code, "0.01 of NORD-2026-0001 was written off in nord/2" in ran.err) == (1, True)


# --- VAT and the books ---------------------------------------------------------------


def moved(day: str, amount: int, cause: str = "") -> Record:
    """A payment, or a write-off."""
    if cause:
        return past.lost("nord", "NORD-0001", day, amount, cause)
    return past.money("nord", "NORD-0001", day, amount)


def entries_of(*facts: Record) -> list[bookkeeping.JournalEntry]:
    """The entries beside the sale and the money."""
    made = bookkeeping.journal(past.histories_of(list(facts)))
    return [entry for entry in made if entry.journal == "OD"]


def postings(entry: bookkeeping.JournalEntry) -> dict[str, int]:
    return {posting.account: posting.amount for posting in entry.postings}


BILL = past.bill("nord", "NORD-0001", "2024-03-01", SERVICES)
OF_GOODS = past.bill("nord", "NORD-0001", "2024-03-01", GOODS)


def test_of_services_what_was_never_paid_has_no_vat_to_pay() -> None:
    facts = (BILL, moved("2024-04-01", 6_000), moved("2024-05-01", 6_000, "bad_debt"))
    _, lost = entries_of(*facts)
    assert postings(lost) == {"bad_debts": 5_000, "vat_pending": 1_000, "customers": -6_000}
    assert (lost.date, lost.label) == ("2024-05-01", "Créance irrécouvrable NORD-0001")
    histories = past.histories_of(list(facts))
    assert csv_tables.vat_due(histories, "2024-05").gross == "0.00"
    assert csv_tables.recettes(histories, "2024").gross == "60.00"
    assert [receipt.shares[0].vat for receipt in allocation.receipts(histories[0])] == [1_000]


def test_the_vat_of_a_bad_debt_is_not_taken_back_where_it_was_due_before() -> None:
    (lost,) = entries_of(OF_GOODS, moved("2024-05-01", 11_000, "bad_debt"))
    assert postings(lost) == {"bad_debts": 11_000, "customers": -11_000}


def test_what_a_bank_kept_was_paid_by_the_customer() -> None:
    facts = (BILL, moved("2024-04-01", 11_400), moved("2024-04-01", 600, "bank_charge"))
    _, kept, vat = entries_of(*facts)
    assert postings(kept) == {"bank_charges": 600, "customers": -600}
    assert postings(vat) == {"vat_pending": 100, "vat_collected": -100}
    histories = past.histories_of(list(facts))
    assert csv_tables.vat_due(histories, "2024-04").gross == "120.00"
    assert csv_tables.recettes(histories, "2024").gross == "114.00"


def test_a_surplus_leaves_the_advances() -> None:
    kept = entries_of(BILL, moved("2024-04-01", 12_001), moved("2024-05-01", 1, "surplus"))[-1]
    assert postings(kept) == {"advances": 1, "differences_gained": -1}
    assert kept.label == "Écart de règlement en notre faveur NORD-0001"


def test_a_reversal_gives_back_what_the_write_off_took() -> None:
    lost = moved("2024-05-01", 12_000, "difference")
    taken, back = entries_of(BILL, lost, past.reversal(lost, 1, "2024-06-01"))
    assert {key: -amount for key, amount in postings(taken).items()} == postings(back)
    assert back.label == "Contrepassation écart de règlement NORD-0001"


CAUSES = st.sampled_from(["", "difference", "bank_charge", "bad_debt"])


@given(past.shares(), st.lists(st.tuples(CAUSES, st.integers(1, 90)), max_size=5), st.booleans())
def test_money_has_its_vat_whatever_is_written_off_and_44574_is_cleared(
    shares: list[past.Given], parts: list[tuple[str, int]], on_debits: bool
) -> None:
    bill = past.bill("nord", "NORD-0001", "2024-03-01", *shares, vat_on_debits=on_debits)
    left = gross = sum(net + vat for _, _, net, vat in shares)
    moves = []
    for day, (cause, percent) in enumerate([*parts, ("bad_debt", 100)], 1):
        if amount := left * percent // 100:
            moves.append(moved(f"2024-04-{day:02d}", amount, cause))
            left -= amount
    (history,) = past.histories_of([bill, *moves])
    (money_alone,) = past.histories_of([bill, *(one for one in moves if "method" in one)])
    received = [(one.source.date, one.shares) for one in allocation.receipts(history)]
    assert received == [(one.source.date, one.shares) for one in allocation.receipts(money_alone)]
    sums: dict[str, int] = {}
    for entry in bookkeeping.entries(history):
        assert sum(posting.amount for posting in entry.postings) == 0
        for posting in entry.postings:
            sums[posting.account] = sums.get(posting.account, 0) + posting.amount
    assert sums.get("customers", 0) == sums.get("vat_pending", 0) == 0
    collected = sum(due.share.vat for due in tax_points.dues(history))
    assert -sums.get("vat_collected", 0) == collected
    paid = sum(int(Decimal(one["amount"]) * 100) for one in moves if "method" in one)
    assert sums.get("bank", 0) == paid <= gross


# --- what else knows it --------------------------------------------------------------


def test_verify_knows_a_write_off_and_finds_one_that_is_too_large(tmp_path: Path) -> None:
    root = house.build(tmp_path / "root")
    past.lay(root, BILL | {"number": "NORD-2024-0001"})
    forged = moved("2024-05-01", 12_001, "bad_debt") | {"invoice": "NORD-2024-0001"}
    past.lay(root, forged)
    ran = house.call("verify", root, today="2024-06-01")
    assert "data/payments/nord.jsonl: line 1: 120.01 is more than is outstanding" in ran.err


def test_payments_csv_names_the_cause(root: Root) -> None:
    books.write_off(root, "NORD-2026-0001", "0.01", "bank_charge")
    rows = csv_tables.payments(past.histories_of([BILL, moved("2024-05-01", 1, "difference")]))
    cells = rows.table.cells
    assert [cells[name][0] for name in ("kind", "amount", "method", "note", "cause")] == [
        "write_off",
        1,
        "",
        "agreed",
        "difference",
    ]
