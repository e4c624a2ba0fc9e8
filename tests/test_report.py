"""The year report: its figures are those of the exports, its pages say them, always alike."""

import csv
import io
import shutil
import subprocess
from datetime import date
from decimal import Decimal

import pypdf
import pytest
from hypothesis import given
from hypothesis import settings as profile

import house
import past
from lib.accounting import report_pdf, year_report
from lib.books.heads import Head
from lib.documents import pdf_writer
from lib.values.speech import Speech

DAY = date(2024, 12, 31)
SERVICES = ("services", "20.00", 100_000, 20_000)
GOODS = ("goods", "5.50", 20_000, 1_100)
FACTS = (
    past.bill("nord", "NORD-2024-0001", "2024-02-29", SERVICES, due_date="2024-03-30"),
    past.bill("nord", "NORD-2024-0002", "2024-03-05", GOODS, due_date="2024-12-01"),
    past.bill("nord", "NORD-2024-0003", "2024-03-06", GOODS, corrects="NORD-2024-0002"),
    past.bill("sud", "SUD-2024-0001", "2024-11-10", GOODS, due_date="2024-12-31"),
    past.bill("sud", "SUD-2025-0001", "2025-01-10", GOODS, due_date="2025-02-10"),
    past.money("nord", "NORD-2024-0001", "2024-03-10", 60_000),
    past.money("nord", "NORD-2024-0001", "2024-04-04", 60_000),
)


@pytest.fixture
def root(tmp_path):
    return past.root_of(tmp_path / "root", *FACTS)


def text_of(root, year="2024") -> str:
    """The words of the pages, blanks of every kind as one space."""
    data = (root.path / f"exports/reports/report-{year}.pdf").read_bytes()
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def made_from(facts, year="2024", day=DAY):
    return year_report.make(year, day, past.histories_of(facts), [], [])


# --- what it says --------------------------------------------------------------------


def test_the_pages_say_what_the_year_came_to(root):
    ran = house.call("make_report", root, year="2024", today="2025-01-20", language="en")
    assert (ran.code, ran.err) == (0, "")
    # 200 + 5.5 % issued in 2024 and 2025; the latter is outstanding on the day, not invoiced.
    assert "received 1200.00, invoiced 1411.00; outstanding 422.00 on 2025-01-20" in ran.out
    text = text_of(root)
    assert "Year report 2024 Atelier du Nord As of 20 January 2025" in text
    assert "February 1,000.00 200.00 1,200.00 0.00" in text
    assert "March 0.00 0.00 0.00 600.00" in text
    assert "not yet due 1 211.00" in text
    assert "1 to 30 days 1 211.00" in text
    assert "NORD-2024-0001 NORD-2024-0003 2024-02-29 – 2024-03-06 2 1" in text
    assert "SUD-2024-0001 SUD-2024-0001" in text
    assert "SUD-2025-0001" not in text
    # 29 February to 4 April; due on 30 March.
    assert "Invoices settled in the year: 1. Average time from issue: 35.0 days." in text
    assert "On average 5.0 days after the due date." in text
    head = house.records(root, "nord")[-1]
    assert f"data/revenues/nord.jsonl {head['seq']} {head['hash']}" in text


def test_a_french_issuer_reads_french(root):
    house.call("make_report", root, year="2024", today="2025-01-20")
    text = text_of(root)
    assert "Rapport annuel 2024 Atelier du Nord Arrêté au 20 janvier 2025" in text
    assert "février 1 000,00 200,00 1 200,00 0,00" in text


def test_what_is_owed_is_as_it_stood_on_the_date(root):
    options = {"year": "2024", "today": "2025-01-20", "language": "en"}
    ran = house.call("make_report", root, date="2024-04-03", **options)
    assert "outstanding 600.00 on 2024-04-03" in ran.out
    assert "No invoice was settled in the year." in text_of(root)


def test_a_year_without_anything_says_so(root):
    assert house.call("make_report", root, year="2020", today="2025-01-20").code == 0
    assert "Rien cette année." in text_of(root, "2020")


def test_sums_are_those_of_the_exports(root):
    house.call("make_report", root, year="2024", today="2025-01-20", language="en")
    house.call("export_revenues", root, year="2024")
    text = text_of(root)
    for name, keys in (("revenues", ("net", "vat", "gross")), ("recettes", ("gross",))):
        file = root.path / f"exports/recettes/{name}-2024.totals.csv"
        *_, last = csv.DictReader(file.read_text().splitlines())
        assert last["nature"] == "total"
        for key in keys:
            assert f"{Decimal(last[key]):,.2f}" in text


@given(past.past())
@profile(max_examples=25)
def test_every_table_adds_up_to_the_same(facts):
    facts = past.numbered(facts)
    report = made_from(facts)
    invoiced = sum(month.gross for month in report.months)
    received = sum(month.received for month in report.months)
    bills = [fact for fact in facts if "number" in fact and fact["issue_date"][:4] == "2024"]
    sign = {"invoice": 1, "credit_note": -1}
    assert Decimal(invoiced) / 100 == sum(
        sign[fact["kind"]] * Decimal(fact["gross"]) for fact in bills
    )
    moved = [move for history in past.histories_of(facts) for move in history.movements]
    of_year = [move for move in moved if move.date.startswith("2024") and not move.cause]
    assert received == sum(move.amount for move in of_year)
    assert sum(one.invoiced for one in report.clients) == invoiced
    assert sum(one.received for one in report.clients) == received
    assert sum(one.documents for one in report.clients) == len(bills)
    assert sum(one.net + one.vat for one in report.rates) == invoiced
    assert sum(one.received_net + one.received_vat for one in report.rates) == received


def test_what_was_written_off_in_the_year_is_said_and_not_received(root):
    past.lay(
        root,
        past.lost("sud", "SUD-2024-0001", "2024-12-30", 1_000, "bad_debt"),
        past.lost("sud", "SUD-2025-0001", "2025-01-15", 1, "difference"),
    )
    assert house.call("make_report", root, year="2024", language="en", today="2025-01-20").code == 0
    text = text_of(root)
    assert "Written off in the year, which was never received: €10.00." in text
    assert "Written off" not in text.replace("Written off in the year", "", 1)
    assert made_from([*FACTS]).written_off == 0


# --- days to payment -----------------------------------------------------------------

INVOICE = past.bill("nord", "NORD-2024-0001", "2024-02-01", SERVICES, due_date="2024-03-01")


def paid(day: str, amount: int = 120_000):
    return past.money("nord", "NORD-2024-0001", day, amount)


@pytest.mark.parametrize(
    ("facts", "days"),
    [
        ((INVOICE, paid("2024-02-11")), "10.0"),
        ((INVOICE, paid("2024-02-11", 1), paid("2024-02-12", 119_999)), "11.0"),
        ((INVOICE, paid("2024-02-11"), paid("2024-03-11")), "10.0"),  # paid twice
        ((INVOICE, paid("2024-02-11", 119_999)), None),
        ((INVOICE, paid("2025-01-11")), None),  # in another year
        (
            (
                INVOICE,
                past.bill(
                    "nord", "NORD-2024-0009", "2024-02-09", SERVICES, corrects=INVOICE["number"]
                ),
            ),
            None,
        ),
    ],
)
def test_an_invoice_is_paid_on_the_day_on_which_nothing_is_left(facts, days):
    delay = made_from(facts).delay
    assert delay.from_issue == (Decimal(days) if days else None)


def test_a_reversed_payment_settles_nothing():
    payment = paid("2024-02-11")
    assert (
        made_from((INVOICE, payment, past.reversal(payment, 1, "2024-02-20"))).delay.invoices == 0
    )


# --- the file ------------------------------------------------------------------------


def test_the_same_records_give_the_same_bytes(root):
    options = {"year": "2024", "today": "2025-01-20"}
    house.call("make_report", root, **options)
    file = root.path / "exports/reports/report-2024.pdf"
    before, inode = file.read_bytes(), file.stat().st_ino
    assert "as it was" in house.call("make_report", root, **options).out
    assert file.stat().st_ino == inode
    file.unlink()
    house.call("make_report", root, **options)
    assert file.read_bytes() == before


def test_it_says_that_it_is_pdf_a_and_embeds_its_fonts(root):
    house.call("make_report", root, year="2024", today="2025-01-20")
    reader = pypdf.PdfReader(root.path / "exports/reports/report-2024.pdf")
    assert b"<pdfaid:part>3</pdfaid:part>" in reader.root_object["/Metadata"].get_data()
    assert "rapport annuel 2024" in reader.xmp_metadata.dc_title["x-default"].lower()
    fonts = reader.pages[0]["/Resources"]["/Font"].values()
    assert all("/FontFile2" in one["/DescendantFonts"][0]["/FontDescriptor"] for one in fonts)


def test_a_long_year_stays_within_its_margins():
    facts = []
    for i in range(90):
        client, number = f"client_{i:02d}_{'x' * 20}", f"C{i:02d}-2024-0001"
        share = ("services", "20.00", 99_999_999_99, 20_000_000_00)
        facts.append(past.bill(client, number, "2024-05-01", share, buyer="Société " * 12))
    report = made_from(facts)._replace(
        heads=[Head(f"data/revenues/{'x' * 40}{i}.jsonl", i, "f" * 64) for i in range(90)],
        ranges=year_report.ranges(
            [(fact["number"], fact["issue_date"], fact["kind"]) for fact in facts], "2024"
        ),
    )
    pages = report_pdf._lay_out(report, "Studio " * 20, Speech("fr"))
    assert len(pages) > 6
    for page in pages:
        texts = [mark for mark in page if isinstance(mark, pdf_writer.Text)]
        for mark in texts:
            right = mark.x + report_pdf.fonts.width(mark.text, mark.face, mark.size)
            assert mark.x >= report_pdf.LEFT - 0.01, mark.text
            assert right <= report_pdf.RIGHT + 0.01, mark.text
            assert mark.y < report_pdf.PAGE_HEIGHT - 30, mark.text
    words = [[mark.text for mark in page if isinstance(mark, pdf_writer.Text)] for page in pages]
    # The headings of a table stand on each page that it runs over, its sum beside a row.
    tops = [texts for texts in words if any(text.startswith("client_") for text in texts)]
    assert len(tops) > 1
    assert all("Identifiant" in texts for texts in tops)


@pytest.mark.parametrize(
    ("least", "most", "axis"),
    [
        (0, 123_456, (0, 150_000, 50_000)),
        (0, 0, (0, 100, 100)),
        (-5_000, 20_000, (-5_000, 20_000, 5_000)),
    ],
)
def test_an_axis_holds_the_figures_in_round_steps(least, most, axis):
    assert report_pdf._axis(least, most) == axis


def test_make_refuses_what_it_does_not_know(root):
    assert "YEAR: is missing" in house.make(root, "report").err
    ran = house.make(root, "report", "YEAR=2024", "LANGUAGE=de", "TODAY=2025-01-20")
    assert 'LANGUAGE: "de" is not a language' in ran.err


def test_the_language_of_the_machine_is_not_that_of_the_report(root):
    options = ("YEAR=2024", "TODAY=2025-01-20")
    ran = house.make(root, "report", *options, environment={"LANGUAGE": "en_US:en"})
    assert ran.code == 0, ran.err
    assert "Rapport annuel" in text_of(root)


@pytest.mark.skipif(not shutil.which("qpdf"), reason="qpdf is not installed")
def test_a_validator_of_pdf_reads_it(root):
    house.call("make_report", root, year="2024", today="2025-01-20")
    file = root.path / "exports/reports/report-2024.pdf"
    assert (
        subprocess.run(["qpdf", "--check", file], capture_output=True, check=False).returncode == 0
    )
