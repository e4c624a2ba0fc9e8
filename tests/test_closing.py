"""Closed periods: what stands on record of them, and that nothing changes them any more."""

import csv
import io
import itertools
import json
import os
import shutil
import tempfile
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import batches
import books
import house
import past
from lib.accounting import bookkeeping
from lib.books import closed_periods, closings, histories, issuing
from lib.books.record_lines import ClosedHead, ClosedHeads, ClosingAccounts
from lib.core.faults import Refused
from lib.core.root import Root
from lib.inputs.issuer_file import Accounts
from test_alerts import summarise
from test_moving_in import HEADINGS, rebuild

FREE = {"REASON": "agreed"}
BEFORE, LATE = "2026-10-31", "2026-11-20"  # the last day that is closed, and a day after
OPENING = "sud,2026/131,{day},2026-11-30,EUR,120.00,services,S,20,100.00,20.00,,,\n"


def call(script: str, root: Root, **options: str) -> house.Ran:
    with mock.patch.dict(os.environ, FREE):
        return house.call(script, root, **{"today": LATE, **options})


def opening(root: Root, day: str, number: str = "2026/131") -> house.Ran:
    file = root.path.parent / "opening.csv"
    file.write_text(HEADINGS + OPENING.format(day=day).replace("2026/131", number), newline="")
    return call("import_openings", root, file=str(file))


@pytest.fixture(scope="module")
def closed_house(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """Three clients, an order and a batch; October is closed with two invoices and a payment."""
    folder = tmp_path_factory.mktemp("closed")
    root = batches.build(folder / "root", batches.file_of(batches.row(1)))
    house.write(root, "issuer.json", house.issuer({"write_off_limit": "2.00"}))
    house.put_client(root, house.client("est", i=1))
    house.put_client(root, house.client("sud", i=2))
    house.put_order(
        root, house.order("site", "sud", house.step("deposit", percent="30"), house.step())
    )
    assert opening(root, "2026-10-05").code == 0
    for owner in ("est", "sud"):
        assert house.month(root, "2026-09", day="2026-10-08", client=owner).code == 0
    assert books.pay(root, "EST-2026-0001", "50.00", "2026-10-20").code == 0
    assert books.pay(root, "SUD-2026-0001", "100.00", "2026-10-20", overpayment="yes").code == 0
    assert call("close_period", root, month="2026-10", today="2026-11-02").code == 0
    return root


@pytest.fixture
def root(closed_house: Root, tmp_path: Path) -> Root:
    """A copy of it."""
    shutil.copytree(closed_house.path, tmp_path / "root")
    return Root((tmp_path / "root").resolve())


def closing(root: Root, line: int = -1) -> dict[str, Any]:
    return house.records(root, "books", "closings")[line]


# --- what stands on record ------------------------------------------------------------


def test_a_closing_says_what_the_month_had(root: Root) -> None:
    line = closing(root)
    assert (line["period"], line["date"], line["kind"]) == ("2026-10", "2026-11-02", "closing")
    codes = {entry["code"]: (entry["first"], entry["documents"]) for entry in line["numbers"]}
    assert codes["EST"] == ("EST-2026-0001", 1) and codes["SUD"] == ("SUD-2026-0001", 1)
    by_hand = {"nature": "services", "vat_category": "S", "vat_rate": "20.00"}
    invoiced = [record for owner in ("est", "sud") for record in house.records(root, owner)]
    net = sum(int(record["net"].replace(".", "")) for record in invoiced)
    assert line["invoiced"] == [by_hand | {"net": "128.00", "vat": "25.60"}] and net == 12800
    # 50.00 of 76.80 is 8.33 of VAT; 76.80 of 100.00 is all of it, and 23.20 is beyond.
    assert line["received"] == [
        {
            "nature": "overpayment",
            "vat_category": "",
            "vat_rate": "",
            "net": "23.20",
            "vat": "0.00",
        },
        by_hand | {"net": "105.67", "vat": "21.13"},
    ]
    assert line["due"] == [by_hand | {"net": "105.67", "vat": "21.13"}]
    assert line["grand_totals"] == {
        "invoiced": {"net": "128.00", "vat": "25.60"},
        "received": {"net": "128.87", "vat": "21.13"},
        "due": {"net": "105.67", "vat": "21.13"},
    }
    heads = {head["file"] for head in line["heads"]}
    assert heads >= {"data/revenues/est.jsonl", "data/payments/sud.jsonl"}
    assert house.run("verify", root).code == 0


def test_a_closing_tells_reverse_charge_at_home_and_in_the_eu_apart() -> None:
    bills = []
    for client, reason in (("nord", "VATEX-FR-AE"), ("sud", "VATEX-EU-AE")):
        share = ("services", "0.00", 100_00, 0)
        bill = past.bill(client, f"{client.upper()}-2026-0001", "2026-10-05", share)
        bill["breakdown"][0]["vat_category"] = "AE"
        bills.append(bill | {"exemptions": {"AE": reason}})
    books = closings.ClosedPast({}, {})
    for history in past.histories_of(bills):
        books.enter(history)
    accounts = ClosingAccounts({}, "12-31", Accounts())
    line = closings.facts("2026-10", date(2026, 11, 2), books, accounts, [])
    reasons = {share["exemption"]: share["net"] for share in line["invoiced"]}
    assert reasons == {"VATEX-FR-AE": "100.00", "VATEX-EU-AE": "100.00"}


@given(past.past())
@settings(max_examples=25, deadline=None)
def test_a_closing_has_the_numbers_of_its_months_and_the_status_names_the_first(
    facts: list[dict[str, Any]],
) -> None:
    facts = past.numbered(facts)
    with tempfile.TemporaryDirectory() as folder:
        root = past.root_of(Path(folder).resolve() / "root", *facts)
        clients = histories.by_client(root, histories.clients_of(root), "")
        books = closings.past(root, itertools.chain.from_iterable(clients))
        could_be = closings.open_months(root, date(2100, 1, 1))
    assert could_be[:1] == ([books.first_month] if facts else [])
    for year in ("2023", "2024", "2025", "2026"):
        line = closings.facts(year, date(2100, 1, 1), books, None, [])
        own: dict[str, list[str]] = {}
        for fact in facts:
            if fact.get("issue_date", "").startswith(year):
                own.setdefault(fact["number"][:4], []).append(fact["number"])
        assert [(each["first"], each["last"], each["documents"]) for each in line["numbers"]] == [
            (min(all_), max(all_), len(all_)) for _, all_ in sorted(own.items())
        ]


def test_a_year_closes_its_open_months_and_grand_totals_go_on(root: Root) -> None:
    for owner in ("est", "sud"):
        assert house.month(root, "2026-10", day="2026-11-08", client=owner).code == 0
    ran = call("close_period", root, year="2026", today="2027-01-03")
    assert ran.code == 0, ran
    lines = house.records(root, "books", "closings")
    assert [line["period"] for line in lines] == ["2026-10", "2026-11", "2026-12", "2026"]
    year, months = lines[-1], lines[:-1]
    for what in closings.WHAT:
        parts = [share for line in months for share in line[what] if share["nature"] == "services"]
        whole = [share for share in year[what] if share["nature"] == "services"]
        assert closings_sum(parts) == closings_sum(whole)
        assert year["grand_totals"][what] == months[-1]["grand_totals"][what]
    assert house.run("verify", root).code == 0
    assert "closed already" in call("close_period", root, year="2026", today="2027-01-03").err


def closings_sum(shares: list[dict[str, str]]) -> int:
    return sum(int(share[key].replace(".", "")) for share in shares for key in ("net", "vat"))


def test_the_status_says_up_to_where_it_is_closed(root: Root) -> None:
    shown = house.call("show_status", root, today="2027-01-02", month="2026-12").out
    line = next(line for line in shown.splitlines() if line.startswith("closed"))
    assert line == "closed          up to 2026-10-31; 2 months could be: make close MONTH=2026-11"
    shown = house.call("show_status", root, today=LATE, month="2026-10").out
    assert "closed          up to 2026-10-31\n" in shown


def test_the_month_that_the_status_names_can_be_closed(tmp_path: Path) -> None:
    """What was delivered in October and invoiced in November is VAT of October."""
    item = house.item("paper", "100.00", category="goods", unit="C62")
    root = house.build(
        tmp_path / "root",
        house.client("nord", {"plans.0.items": [item]}),
        seller=house.issuer({"operation_category": "goods"}),
    )
    assert house.month(root, "2026-10", day="2026-11-08").code == 0
    shown = house.call("show_status", root, today="2026-12-02").out
    assert "2 months could be: make close MONTH=2026-10\n" in shown
    summary = summarise(root, tmp_path / "run", "2026-12-02")
    assert "books closed: nothing; 2 months could be: make close MONTH=2026-10" in summary.err
    assert call("close_period", root, month="2026-10", today="2026-12-02").code == 0


# --- what cannot be closed ------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"month": "2026-11"}, "2026-11 is not over on 2026-11-20"),
        ({"year": "2026"}, "2026 is not over on 2026-11-20"),
        ({"month": "2026-10"}, "2026-10 is closed already"),
        ({"month": "2026-09"}, "2026-09 is closed already"),
        (
            {"month": "2026-12", "today": "2027-01-02"},
            "2026-11, before 2026-12, is open; close it first: make close MONTH=2026-11",
        ),
        ({"year": "2027", "today": "2028-01-02"}, "2026-11, before 2027, is open"),
    ],
)
def test_months_are_closed_in_order_when_they_are_over(
    root: Root, options: dict[str, str], found: str
) -> None:
    before = house.tree(root)
    ran = call("close_period", root, **options)
    assert (ran.code, found in ran.err, "[B-CLOSE]" in ran.err) == (1, True, True), ran
    assert house.tree(root) == before


def test_an_open_month_with_records_is_closed_first(tmp_path: Path) -> None:
    root = house.build(tmp_path / "root")
    assert house.month(root, "2026-08", day="2026-09-08").code == 0
    ran = call("close_period", root, month="2026-10")
    assert "2026-09, before 2026-10, is open" in ran.err
    whole = call("close_period", root, year="2026", today="2027-01-02")
    assert whole.code == 0 and closing(root, 0)["period"] == "2026-09"


def test_a_year_before_the_books_began_is_not_closed(root: Root) -> None:
    ran = call("close_period", root, year="2025")
    assert ran.code == 1, ran
    assert "2025 is before 2026-10, where the books begin" in ran.err
    assert closing(root)["period"] == "2026-10"


def test_broken_records_are_not_closed(root: Root) -> None:
    line = house.records(root, "est", "payments")[-1]
    rebuild(root, "est", line | {"invoice": "EST-2026-0007"}, "payments")
    before = house.tree(root)
    ran = call("close_period", root, month="2026-11", today="2026-12-01")
    assert ran.code == 3 and "[B-PAYMENT-STRAY]" in ran.err
    assert house.tree(root) == before


def test_nothing_is_closed_while_a_run_waits_to_be_finished(root: Root) -> None:
    for step in range(20, 60):
        books.killed_at(step, lambda: books.pay(root, "EST-2026-0001", "1.00", LATE))
        if issuing.stopped_runs(root):
            break
    ran = call("close_period", root, month="2026-11", today="2026-12-01")
    assert ran.code == 1 and "waits to be finished" in ran.err


# --- what is dated in it is refused ----------------------------------------------------

PAID = {"client": "est", "invoice": "EST-2026-0001", "method": "transfer", "date": BEFORE}
SUD = {"client": "sud", "invoice": "SUD-2026-0001", "method": "transfer", "date": BEFORE}
MANY = "client,invoice,amount,date,method,reference,note\nest,EST-2026-0001,1.00,{day},cash,,\n"
ATTEMPTS: dict[str, tuple[str, dict[str, str]]] = {
    "payment": ("record_payment", {**PAID, "amount": "1.00"}),
    "refund": ("record_refund", {**SUD, "amount": "1.00"}),
    "reversal": ("reverse_payment", {"payment": "est/1", "date": BEFORE}),
    "write-off": (
        "write_off",
        {"invoice": "EST-2026-0001", "amount": "1.00", "kind": "difference", "date": BEFORE},
    ),
    "month": ("generate_invoice", {"month": "2026-09", "issue_date": BEFORE}),
    "step": ("invoice_order", {"client": "sud", "order": "site", "issue_date": BEFORE}),
    "credit note": ("issue_credit_note", {"invoice": "EST-2026-0001", "issue_date": BEFORE}),
    "batch": ("import_batch", {"issue_date": BEFORE}),
    "opening out": ("reverse_opening", {"opening": "sud/1"}),
    "old payment": ("record_payment", {**PAID, "amount": "1.00", "date": "2026-10-09"}),
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_every_command_refuses_what_is_closed(root: Root, name: str) -> None:
    script, options = ATTEMPTS[name]
    before = house.tree(root)
    ran = call(script, root, **options)
    assert (ran.code, "[B-PERIOD-CLOSED]" in ran.err) == (1, True), ran
    assert "closed up to 2026-10-31" in ran.err
    assert house.tree(root) == before


def test_files_of_payments_and_openings_are_held_to_it_line_by_line(root: Root) -> None:
    before = house.tree(root)
    file = root.path.parent / "payments.csv"
    file.write_text(MANY.format(day=BEFORE) + "est,EST-2026-0001,2.00,2026-11-02,cash,,\n")
    ran = books.import_file(root, file, today=LATE)
    assert ran.code == 1 and ran.err.count("[B-PERIOD-CLOSED]") == 1 and "line 2" in ran.err
    ran = opening(root, BEFORE, "2026/150")
    assert ran.code == 1 and "line 2, issue_date" in ran.err and "[B-PERIOD-CLOSED]" in ran.err
    assert house.tree(root) == before


def test_no_line_gets_past_the_protocol_whoever_appends_it(root: Root) -> None:
    with pytest.raises(Refused, match="closed up to 2026-10-31"):
        books.bill(root, "est", 2, "10.00", day=BEFORE)


def test_the_day_after_is_open(root: Root) -> None:
    assert books.pay(root, "EST-2026-0001", "1.00", "2026-11-01", today=LATE).code == 0


# --- money that is found later ---------------------------------------------------------


def rows(root: Root, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((root.exports / name).read_text("utf-8-sig"))))


def test_money_found_later_counts_on_an_open_day_and_says_when_it_came(root: Root) -> None:
    ran = books.pay(root, "EST-2026-0001", "6.00", LATE, today=LATE, value_date="2026-10-30")
    assert ran.code == 0, ran
    assert house.records(root, "est", "payments")[-1]["value_date"] == "2026-10-30"
    for period in ("2026-10", "2026-11"):
        assert house.call("export_revenues", root, month=period).code == 0
    (row,) = rows(root, "recettes/recettes-2026-11.csv")
    assert (row["date"], row["value_date"], row["gross"]) == (LATE, "2026-10-30", "6.00")
    assert house.call("export_payments", root).code == 0
    assert rows(root, "payments/payments.csv")[-1]["value_date"] == "2026-10-30"
    again = books.pay(root, "EST-2026-0001", "6.00", "2026-11-18", today=LATE,
                      value_date="2026-10-30")  # fmt: skip
    assert "the same payment stands in est/2" in again.err
    assert house.run("verify", root).code == 0


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2026-11-03", "VALUE_DATE: 2026-11-03 is not closed; write it as DATE"),
        ("2026-10-01", "VALUE_DATE: 2026-10-01 is before the date of the invoice, 2026-10-08"),
        ("2026-13-01", "VALUE_DATE: "),
    ],
)
def test_a_value_date_is_of_a_closed_day_on_which_the_invoice_was_there(
    root: Root, day: str, found: str
) -> None:
    ran = books.pay(root, "EST-2026-0001", "6.00", LATE, today=LATE, value_date=day)
    assert (ran.code, found in ran.err) == (1, True), ran


def test_files_have_value_dates_too(root: Root) -> None:
    head, line = MANY.format(day=LATE).splitlines()
    file = root.path.parent / "payments.csv"
    file.write_text(f"{head},value_date\n{line},2026-10-15\n")
    assert books.import_file(root, file, today=LATE).code == 0
    assert house.records(root, "est", "payments")[-1]["value_date"] == "2026-10-15"


def test_a_statement_of_a_closed_month_says_what_to_write(root: Root) -> None:
    statement = root.path.parent / "statement.ofx"
    statement.write_text(OFX)
    ran = house.call("read_statement", root, file=str(statement))
    assert ran.code == 0, ran
    (review,) = (root.exports / "payments").glob("*.review.csv")
    (row,) = rows(root, f"payments/{review.name}")
    assert (row["date"], row["value_date"]) == ("", "2026-10-30")
    assert row["reason"].startswith("2026-10-30 is in a closed period: write 2026-11-01 or a later")
    text = review.read_text("utf-8-sig").splitlines()
    filled = text[1].replace(",,26.80,,", f"est,EST-2026-0001,26.80,{LATE},", 1)
    assert filled != text[1]
    review.write_text(f"{text[0]}\n{filled}\n")
    assert books.import_file(root, review, today=LATE).code == 0
    assert house.records(root, "est", "payments")[-1]["value_date"] == "2026-10-30"
    again = house.call("read_statement", root, file=str(statement))
    assert "1 recorded already" in again.out


OFX = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20261120<LANGUAGE>FRA
</SONRS></SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><TRNUID>0<STATUS><CODE>0<SEVERITY>INFO</STATUS>
<STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>30006<BRANCHID>00001<ACCTID>12345678901<ACCTTYPE>CHECKING
</BANKACCTFROM><BANKTRANLIST><DTSTART>20261001<DTEND>20261031
<STMTTRN><TRNTYPE>XFER<DTPOSTED>20261030<TRNAMT>26.80<FITID>X1<NAME>CLIENT EST
<MEMO>EST-2026-0001</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>26.80<DTASOF>20261031</LEDGERBAL></STMTRS></STMTTRNRS>
</BANKMSGSRSV1></OFX>
"""


# --- what was exported stays -----------------------------------------------------------


def exports(root: Root) -> dict[str, bytes]:
    """The exports of October and of all its days, as they are made now."""
    shutil.rmtree(root.exports, ignore_errors=True)
    for script in ("export_revenues", "pack_accountant"):
        assert call_export(script, root, "2026-10").code == 0
    return {
        root.name_of(path): path.read_bytes()
        for path in sorted(root.exports.rglob("*2026-10*"))
        if path.is_file()
    }


def call_export(script: str, root: Root, month: str) -> house.Ran:
    return house.call(script, root, month=month)


def test_whatever_comes_later_exports_of_a_closed_month_stay(root: Root) -> None:
    before = exports(root)
    day = {"issue_date": LATE}
    assert books.pay(root, "EST-2026-0001", "26.80", LATE, today=LATE).code == 0
    assert call("reverse_payment", root, payment="est/1", date=LATE).code == 0
    assert call("issue_credit_note", root, invoice="SUD-2026-0001", **day).code == 0
    assert call("record_refund", root, **{**SUD, "date": LATE}, amount="100.00").code == 0
    for step in ("deposit", "final"):
        assert call("invoice_order", root, client="sud", order="site", step=step, **day).code == 0
    assert batches.run(root, LATE).code == 0
    assert house.month(root, "2026-10", day=LATE).code == 0
    said = call("close_period", root, month="2026-11", today="2026-12-02").out
    assert "2026-11 is closed: 6 documents" in said and said.count("batch client") == 1
    assert exports(root) == before and len(before) == 7
    assert house.run("verify", root).code == 0


ACCOUNTS = {"accounts": {"bank": "5121", "by_vat_rate": {"20": {"services": "706200"}}}}


def fec_of(root: Root, year: str) -> bytes:
    """The one file of a fiscal year."""
    assert house.call("export_fec", root, year=year).code == 0
    (path,) = (root.exports / "fec").glob(f"*FEC{year}*.txt")
    return path.read_bytes()


def accounts_of(fec: bytes, month: str) -> set[str]:
    """The accounts, and auxiliary accounts, of the entries of a month."""
    lines = [line.split("\t") for line in fec.decode().splitlines()[1:]]
    return {f"{cells[4]}/{cells[6]}" for cells in lines if cells[3].startswith(month)}


def change_accounts(root: Root, **changes: Any) -> None:
    seller = house.issuer({"write_off_limit": "2.00", **ACCOUNTS, **changes})
    house.write(root, "issuer.json", seller)
    house.put_client(root, house.client("est", {"account": "C0042"}, i=1))


def test_the_fec_of_a_closed_period_keeps_the_accounts_that_it_was_closed_with(root: Root) -> None:
    before = exports(root)
    change_accounts(root, fiscal_year_end="09-30")
    assert exports(root) == before
    change_accounts(root)
    assert books.pay(root, "EST-2026-0001", "6.00", LATE, today=LATE).code == 0
    whole = fec_of(root, "2026")
    october, november = accounts_of(whole, "202610"), accounts_of(whole, "202611")
    assert october >= {"411/est", "512/", "706/"}
    assert not {"411/C0042", "5121/", "706200/"} & october
    assert {"5121/", "411/C0042"} <= november
    assert house.run("verify", root).code == 0


def test_a_closed_year_has_one_fec_whatever_is_written_later(root: Root) -> None:
    assert call("close_period", root, year="2026", today="2027-01-03").code == 0
    before = fec_of(root, "2026")
    change_accounts(root, fiscal_year_end="06-30")
    assert fec_of(root, "2026") == before
    assert house.run("verify", root).code == 0
    assert house.call("export_ledger", root, year="2026").code == 0
    text = (root.exports / "ledger/2026.journal").read_text()
    assert "2026-01-01 to 2026-12-31" in text


def test_a_closed_year_keeps_its_days_and_the_next_begins_where_it_ended(root: Root) -> None:
    assert call("close_period", root, year="2026", today="2027-01-03").code == 0
    change_accounts(root, fiscal_year_end="06-30")
    ran = house.call("export_fec", root, year="2027")
    assert ran.code == 0 and "2027-01-01 to 2027-06-30: " in ran.out, ran
    assert house.run("verify", root).code == 0


def test_goods_delivered_in_a_closed_month_fall_due_on_the_first_open_day(tmp_path: Path) -> None:
    seller = house.issuer({"operation_category": "mixed"})
    items = [house.item("hosting", category="services")]
    root = house.build(
        tmp_path / "root", house.client(changes={"plans.0.items": items}), seller=seller
    )
    lines = [house.one_off("100.00", category="goods")]
    steps = (house.step("deposit", percent="30"), house.step())
    house.put_order(root, house.order("box", "nord", *steps, lines=lines))
    house.put_usage(root, house.usage("nord", "2026-10", None, house.one_off(category="goods")))
    on = {"client": "nord", "order": "box", "issue_date": "2026-10-05", "today": LATE}
    assert house.call("invoice_order", root, **on).code == 0
    assert call("close_period", root, month="2026-10", today="2026-11-02").code == 0
    before = exports(root)
    assert house.month(root, "2026-10", day="2026-12-08", today="2026-12-08").code == 0
    ran = house.call(
        "invoice_order", root, **on | {"issue_date": "2026-12-08", "today": "2026-12-08"}
    )
    assert ran.code == 0, ran
    assert exports(root) == before
    assert call_export("export_revenues", root, "2026-11").code == 0
    due = [row for row in rows(root, "recettes/vat_due-2026-11.csv") if row["nature"] == "goods"]
    assert [(row["date"], row["net"]) for row in due] == [("2026-11-01", "100.00")]
    assert house.run("verify", root).code == 0


def test_a_quarter_has_what_its_months_have(root: Root) -> None:
    assert books.pay(root, "EST-2026-0001", "6.00", LATE, today=LATE).code == 0
    for script in ("export_revenues", "pack_accountant"):
        for option in ({"quarter": "2026-Q4"}, {"year": "2026"}, {"quarter": "2026-Q3"}):
            assert house.call(script, root, **option).code == 0
    for name in ("recettes", "revenues", "vat_due"):
        quarter = rows(root, f"recettes/{name}-2026-Q4.csv")
        assert quarter == rows(root, f"recettes/{name}-2026.csv") != []
        assert rows(root, f"recettes/{name}-2026-Q3.csv") == []
    inside = zipfile.ZipFile(root.exports / "accountant/accountant-2026-Q4.zip").namelist()
    assert any(name.endswith("/recettes-2026-Q4.csv") for name in inside)
    assert sum(name.endswith(".pdf") for name in inside) == 2
    assert house.run("verify", root).code == 0
    table = root.exports / "recettes/recettes-2026-Q4.csv"
    table.write_bytes(table.read_bytes().replace(b"6.00", b"7.00"))
    assert "[B-DERIVED-CHANGED]" in house.run("verify", root).err
    assert "is not a quarter" in house.run("export_revenues", root, quarter="2026-Q5").err


# --- what was changed afterwards is found ----------------------------------------------


def findings(root: Root) -> str:
    ran = house.run("verify", root)
    assert (ran.code, "[B-CLOSING]" in ran.err) == (3, True), ran
    return ran.err


def test_a_line_that_was_slipped_in_is_found(root: Root) -> None:
    assert books.pay(root, "EST-2026-0001", "1.00", LATE, today=LATE).code == 0
    line = house.records(root, "est", "payments")[-1]
    rebuild(root, "est", line | {"date": BEFORE}, "payments")
    found = findings(root)
    assert "is of 2026-10-31, and came when the first open day was 2026-11-01" in found
    assert "has other received of 2026-10 than the records give" in found


def test_a_chain_that_was_rebuilt_is_found(root: Root) -> None:
    line = house.records(root, "est", "payments")[-1]
    rebuild(root, "est", line | {"amount": "49.00"}, "payments")
    found = findings(root)
    assert "is not what it was when 2026-10 was closed" in found
    assert "has other due of 2026-10 than the records give" in found


@pytest.mark.parametrize("what", ["numbers", "invoiced", "received", "due", "grand_totals"])
def test_a_closing_that_was_changed_is_found(root: Root, what: str) -> None:
    line = json.loads(json.dumps(closing(root)))
    first = line[what]["due"] if what == "grand_totals" else line[what][0]
    first |= {"documents": 9} if what == "numbers" else {"net": "1.00"}
    rebuild(root, "books", line, "closings")
    assert f"has other {what} of 2026-10 than the records give" in findings(root)


def test_months_that_were_left_out_are_found(root: Root) -> None:
    assert call("close_period", root, month="2026-11", today="2026-12-02").code == 0
    rebuild(root, "books", closing(root) | {"period": "2026-12", "date": "2027-01-04"}, "closings")
    assert "2026-11, before 2026-12, is open" in findings(root)


# --- rules ------------------------------------------------------------------------------


def closed(*periods: str, fiscal_year_end: str = "12-31") -> list[Any]:
    """Lines of periods that were closed."""
    accounts = ClosingAccounts({}, fiscal_year_end, Accounts())
    return [
        closed_periods.ClosedPeriod(1, "", "", accounts=accounts, period=each) for each in periods
    ]


@pytest.mark.parametrize(
    ("closed_with", "later", "days"),
    [
        ("12-31", "06-30", ["2025-01-01", "2025-12-31", "2026-06-30", "2027-06-30"]),
        ("06-30", "12-31", ["2024-07-01", "2025-06-30", "2026-12-31", "2027-12-31"]),
    ],
)
def test_no_day_is_in_two_fiscal_years(closed_with: str, later: str, days: list[str]) -> None:
    lines = closed("2025-12", fiscal_year_end=closed_with)
    years = [bookkeeping.fiscal_year(year, later, lines) for year in ("2025", "2026", "2027")]
    assert [years[0].start, *(year.end for year in years)] == days
    for year, following in itertools.pairwise(years):
        assert date.fromisoformat(year.end) + timedelta(1) == date.fromisoformat(following.start)
    for month in ("2026-01", "2026-06", "2026-07", "2026-12"):
        (own,) = [year for year in years if year.start <= f"{month}-02" <= year.end]
        assert bookkeeping.fiscal_year(month, later, lines) == own


def test_the_months_that_could_be_closed() -> None:
    today = date(2027, 1, 2)
    assert closings.could_be_closed(closed("2026-10"), "2026-01", today) == ["2026-11", "2026-12"]
    assert closings.could_be_closed([], "2026-11", today) == ["2026-11", "2026-12"]
    assert closings.could_be_closed([], "", today) == []
    assert closings.could_be_closed(closed("2026-12", "2026"), "2026-01", today) == []


HEADS = st.dictionaries(st.sampled_from("abc"), st.integers(1, 9))


@given(st.lists(HEADS, max_size=5), st.sampled_from("abcd"))
def test_closings_say_where_each_file_ended(closings: list[dict[str, int]], file: str) -> None:
    lines = [
        ClosedHeads(
            seq=1,
            prev="",
            hash="",
            heads=[ClosedHead(*head) for head in heads.items()],
            period=f"2026-{month:02d}",
        )
        for month, heads in enumerate(closings, 1)
    ]
    assert closed_periods.files_of(lines).since(file) == [
        (heads.get(file, 0), f"2026-{month:02d}-01") for month, heads in enumerate(closings, 2)
    ]
