"""When VAT falls due: goods on delivery, in every export alike, whenever they are invoiced."""

import csv
import io
from collections import Counter
from decimal import Decimal

import msgspec
import pypdf
import pytest
from hypothesis import given
from hypothesis import settings as profile
from msgspec.structs import replace

import house
import past
from lib.accounting import bookkeeping, csv_tables, ledgers, year_report
from lib.accounting.bookkeeping import FiscalYear
from lib.books import payments, tax_points
from lib.books.histories import History
from lib.inputs.issuer_file import Issuer
from lib.values import periods

GOODS = ("goods", "20.00", 10_000, 2_000)
SERVICES = ("services", "10.00", 10_000, 1_000)
OCTOBER = {"period": {"start": "2026-10-01", "end": "2026-10-31"}}


def read(root, name: str) -> list[dict[str, str]]:
    text = (root.path / "exports/recettes" / name).read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """Goods and services of October, invoiced on 8 November, unpaid."""
    items = [
        house.item("paper", "100.00", category="goods", unit="C62"),
        house.item("hosting", "50.00", category="services"),
    ]
    seller = house.issuer({"operation_category": "mixed"})
    client = house.client("nord", {"plans.0.items": items})
    root = house.build(tmp_path_factory.mktemp("delivered") / "root", client, seller=seller)
    assert house.month(root).code == 0
    for month in ("2026-10", "2026-11"):
        assert house.call("export_revenues", root, month=month).code == 0
    return root


def test_a_delivery_of_october_invoiced_in_november_is_vat_of_october(delivered):
    (row,) = read(delivered, "vat_due-2026-10.csv")
    assert (row["date"], row["number"], row["nature"]) == ("2026-10-31", "NORD-2026-0001", "goods")
    assert (row["net"], row["vat"], row["gross"]) == ("100.00", "20.00", "120.00")
    total = read(delivered, "vat_due-2026-10.totals.csv")[-1]
    assert (total["net"], total["vat"]) == ("100.00", "20.00")
    assert read(delivered, "vat_due-2026-11.csv") == []


def test_revenues_have_the_tax_point_of_each_row_and_totals_by_its_month(delivered):
    assert read(delivered, "revenues-2026-10.csv") == []
    rows = read(delivered, "revenues-2026-11.csv")
    assert [(row["date"], row["nature"], row["tax_point"]) for row in rows] == [
        ("2026-11-08", "goods", "2026-10-31"),
        ("2026-11-08", "services", ""),
    ]
    totals = read(delivered, "revenues-2026-11.totals.csv")
    assert [(row["nature"], row["tax_point"], row["vat"]) for row in totals] == [
        ("goods", "2026-10", "20.00"),
        ("services", "", "10.00"),
        ("total", "", "30.00"),
    ]


def test_the_fec_and_the_ledger_have_it_in_october_too(delivered):
    for script in ("export_fec", "export_ledger"):
        assert house.call(script, delivered, year="2026").code == 0
    (fec,) = (delivered.path / "exports/fec").iterdir()
    lines = list(csv.DictReader(fec.read_text().splitlines(), delimiter="\t"))
    collected = [line for line in lines if line["CompteNum"] == "44571"]
    assert [(line["EcritureDate"], line["Credit"]) for line in collected] == [("20261031", "20,00")]
    assert [line["EcritureNum"] for line in lines] == sorted(line["EcritureNum"] for line in lines)
    journal = (delivered.path / "exports/ledger/2026.journal").read_text()
    assert "2026-10-31 * (NORD-2026-0001) Client nord | TVA exigible à la livraison" in journal


def test_the_year_report_says_it_of_october(delivered):
    ran = house.call("make_report", delivered, year="2026", today="2026-12-31", language="en")
    assert ran.code == 0, ran.err
    page = pypdf.PdfReader(delivered.path / "exports/reports/report-2026.pdf").pages[0]
    text = " ".join(page.extract_text().split())
    assert "October 0.00 0.00 0.00 0.00 20.00" in text
    assert "November 150.00 30.00 180.00 0.00 0.00" in text


@pytest.mark.parametrize(
    ("share", "more", "day", "expected"),
    [
        (GOODS, {}, "", "2026-10-31"),
        (GOODS, {"vat_on_debits": True}, "", "2026-10-31"),
        (SERVICES, {}, "", ""),
        (SERVICES, {"vat_on_debits": True}, "", "2026-11-08"),
        (GOODS, {}, "2026-11-20", "2026-11-20"),
        (SERVICES, {"vat_on_debits": True}, "2026-11-20", "2026-11-20"),
        (SERVICES, {}, "2026-11-20", ""),
        # Credited before it is delivered: nothing is taken back before it is due.
        (
            GOODS,
            {"period": {"start": "2026-12-05", "end": "2026-12-05"}},
            "2026-11-20",
            "2026-12-05",
        ),
    ],
)
def test_tax_points(share, more, day, expected):
    facts = [past.bill("nord", "NORD-2026-0001", "2026-11-08", share, **(OCTOBER | more))]
    if day:
        facts.append(past.bill("nord", "N-2", day, share, corrects="NORD-2026-0001"))
    (history,) = past.histories_of(facts)
    bill = (history.invoice, *history.credit_notes)[-1]
    assert tax_points.tax_point(history.invoice, bill, bill.shares[0]) == expected


@given(past.past())
@profile(max_examples=60)
def test_every_export_has_the_same_vat_in_each_month(facts):
    histories = past.histories_of(past.numbered(facts))
    journal = bookkeeping.journal(histories)
    booked: Counter[str] = Counter()
    for entry in journal:
        for posting in entry.postings:
            if posting.account == bookkeeping.VAT_COLLECTED:
                booked[entry.date[:7]] -= posting.amount
    issuer = msgspec.convert(house.issuer(), Issuer)
    year_of = {
        year: year_report.make(year, periods.last_day(f"{year}-12"), issuer, histories)
        for year in map(str, range(2023, 2029))
    }
    for year, report in year_of.items():
        for month in report.months:
            due = csv_tables.vat_due(histories, month.month)
            assert month.vat_due == booked[month.month] == sum(vat for _, vat in due.sums.values())
        assert sum(one.vat_due for one in report.rates) == sum(one.vat_due for one in report.months)
        days = FiscalYear(f"{year}-01-01", f"{year}-12-31")
        ledger = ledgers.ledger_of(days, [histories])
        collected = "Liabilities:VAT:Collected"
        moved = ledger.closing.get(collected, 0) - ledger.opening.get(collected, 0)
        assert -moved == sum(month.vat_due for month in report.months)
    assert _by_year(histories) == _expected(facts, histories)


def _by_year(histories) -> Counter[str]:
    found: Counter[str] = Counter()
    for year in map(str, range(2023, 2030)):
        found[year] += sum(vat for _, vat in csv_tables.vat_due(histories, year).sums.values())
    return Counter({year: vat for year, vat in found.items() if vat})


def _expected(facts, histories) -> Counter[str]:
    """Goods and debits from the facts alone, and the services among the money received."""
    sums: Counter[str] = Counter()
    invoices = {fact["number"]: fact for fact in facts if fact["kind"] == "invoice"}
    for fact in facts:
        if "number" not in fact:
            continue
        invoice = invoices[fact.get("corrects", fact["number"])]
        for share in fact["breakdown"]:
            vat = int(Decimal(share["vat"]) * 100)
            day = max(fact["issue_date"], invoice["period"]["end"])
            if share["nature"] == "goods" and fact is invoice:
                day = invoice["period"]["end"]
            elif share["nature"] == "services" and not invoice.get("vat_on_debits"):
                continue
            elif share["nature"] == "services":
                day = fact["issue_date"]
            sums[day[:4]] += vat if fact is invoice else -vat
    # What a bank kept falls due as money does; what else is written off never.
    as_paid = [
        History(
            one.invoice,
            one.credit_notes,
            [
                replace(move, cause="")
                for move in one.movements
                if move.cause in ("", payments.BANK_CHARGE)
            ],
        )
        for one in histories
        if not one.invoice.vat_on_debits
    ]
    for year in map(str, range(2023, 2030)):
        received = csv_tables.recettes(as_paid, year).sums
        sums[year] += sum(
            vat for (nature, *_), (_, vat) in received.items() if nature == "services"
        )
    return Counter({year: vat for year, vat in sums.items() if vat})
