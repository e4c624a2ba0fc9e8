"""The year report: its figures are those of the exports, its pages say them, always alike."""

import csv
import io
import shutil
import subprocess
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pypdf
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

import house
import past
from lib.accounting import report_pdf, year_report
from lib.books import revenues
from lib.books.heads import Head
from lib.books.record_lines import RecurringRevenue
from lib.documents import pdf_writer, ruled_tables
from lib.inputs.issuer_file import Issuer
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


def issuer_of(**changes) -> Issuer:
    return msgspec.convert(house.issuer(changes), Issuer)


def made_from(facts, year="2024", day=DAY, issuer=None):
    return year_report.make(year, day, issuer or issuer_of(), past.histories_of(facts))


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
    assert "NORD-2024-0001 NORD-2024-0003 29 February – 6 March 2024 2 1" in text
    assert "SUD-2024-0001 SUD-2024-0001" in text
    assert "SUD-2025-0001" not in text
    # 29 February to 4 April; due on 30 March.
    assert "Q2 2024 1 1,200.00 35.0 5.0" in text
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


@given(past.past(("nord", "sud", "est", "ouest")))
@profile(max_examples=20)
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
    largest = [(row.clients, row.net, int(10 * row.percent)) for row in report.concentration]
    assert largest == concentration_of(facts)


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


# --- each figure, computed again from the records -------------------------------------


@given(past.past())
@profile(max_examples=15)
def test_the_year_before_stands_beside_the_months_that_both_have(facts):
    facts = past.numbered(facts)
    months = {row.month: row[1:] for row in made_from(facts, "2025", date(2025, 8, 30)).compared}
    bills = [fact for fact in facts if "number" in fact]
    first = min((fact["issue_date"][:7] for fact in bills), default="9999")
    # August 2025 is not over on the 30th.
    wanted = [f"2025-{month:02d}" for month in range(1, 8) if f"2024-{month:02d}" >= first]
    assert list(months) == wanted
    moved = [move for history in past.histories_of(facts) for move in history.movements]
    for month, (net_before, net, received_before, received) in months.items():
        earlier = month.replace("2025", "2024")
        assert (net_before, net) == tuple(
            sum(signed(fact, "net") for fact in bills if fact["issue_date"][:7] == when)
            for when in (earlier, month)
        )
        assert (received_before, received) == tuple(
            sum(move.amount for move in moved if move.date[:7] == when and not move.cause)
            for when in (earlier, month)
        )


def signed(fact, key) -> int:
    return int(fact[key].replace(".", "")) * (-1 if fact["kind"] == "credit_note" else 1)


def concentration_of(facts) -> list[tuple[int, int, int]]:
    """Of the facts of 2024: how many clients, their net, and its share in thousandths."""
    nets: dict[str, int] = {}
    for fact in facts:
        if fact.get("issue_date", "")[:4] == "2024":
            nets[fact["client"]] = nets.get(fact["client"], 0) + signed(fact, "net")
    largest = sorted((net for net in nets.values() if net > 0), reverse=True)
    sums = [(count, sum(largest[:count])) for count in (1, 3, 5) if count <= len(largest)]
    return [(count, net, round_half_up(1000 * net, sum(largest))) for count, net in sums]


def round_half_up(part: int, whole: int) -> int:
    return (2 * part + whole) // (2 * whole)


@given(past.past(("nord", "sud", "est")), st.dates(date(2024, 1, 1), date(2025, 6, 30)))
@profile(max_examples=20)
def test_ages_of_clients_and_days_to_payment_are_those_of_the_invoices(facts, day):
    """Walks through each invoice day by day; days are weighted by what was paid of it."""
    facts = past.numbered(facts)
    for i, fact in enumerate(fact for fact in facts if fact.get("kind") == "invoice"):
        due = date.fromisoformat(fact["issue_date"]) + timedelta(17 * (i % 8))
        fact |= {"due_date": due.isoformat()} if i % 4 else {}
    owed: dict[str, list[int]] = {}
    settled: dict[str, list[tuple[int, int, int | None]]] = {}
    for history in past.histories_of(facts):
        invoice = history.invoice
        if invoice.date > day.isoformat():
            continue
        events = [(move.date, move.amount, not move.cause) for move in history.movements]
        events += [(note.date, note.gross, False) for note in history.credit_notes]
        rest, paid, closed = invoice.gross, 0, ""
        for when in sorted({when for when, _, _ in events if when <= day.isoformat()}):
            rest -= sum(amount for on, amount, _ in events if on == when)
            paid += sum(amount for on, amount, is_paid in events if on == when and is_paid)
            closed = "" if rest > 0 else closed or when
        late = (day - date.fromisoformat(invoice.due_date)).days if invoice.due_date else 0
        if rest > 0:
            place = 0 if late <= 0 else min(1 + (late - 1) // 30, 4)
            owed.setdefault(invoice.client, [0] * 5)[place] += rest
        if paid > 0 and closed[:4] == "2024":
            on = date.fromisoformat(closed)
            due = date.fromisoformat(invoice.due_date) if invoice.due_date else None
            entry = (
                min(paid, invoice.gross),
                (on - date.fromisoformat(invoice.date)).days,
                (on - due).days if due else None,
            )
            settled.setdefault(f"2024-Q{(on.month + 2) // 3}", []).append(entry)
    report = made_from(facts, day=day)
    assert {row.id: list(row.ages) for row in report.ages_of_clients} == owed
    assert [row.outstanding for row in report.ages_of_clients] == sorted(
        map(sum, owed.values()), reverse=True
    )
    assert sum(row.outstanding for row in report.clients) == sum(map(sum, owed.values()))
    for delay, own in (
        *((delay, settled.get(quarter)) for quarter, delay in report.quarters.items()),
        (report.delay, [entry for entries in settled.values() for entry in entries]),
    ):
        dated = [(weight, late) for weight, _, late in own if late is not None]
        assert (delay.invoices, delay.paid) == (len(own), sum(entry[0] for entry in own))
        assert delay.from_issue == mean([(weight, days) for weight, days, _ in own])
        assert delay.past_due == mean(dated)
    assert report.quarters.keys() == settled.keys()


def mean(weighted: list[tuple[int, int]]) -> Decimal | None:
    """To a tenth, half up (away from 0)."""
    whole = sum(weight for weight, _ in weighted)
    part = sum(weight * days for weight, days in weighted)
    sign = -1 if part < 0 else 1
    return Decimal(sign * round_half_up(10 * abs(part), whole)) / 10 if whole else None


# --- recurring revenue ---------------------------------------------------------------


def fee(client: str, i: int, start: str, end: str, net: int, **more) -> past.Record:
    """An invoice of a plan, or a credit note of one."""
    day = more.pop("day", "2024-01-05")
    service = {"plan": "main", "item": "x", "lines": ["1"], "net": past.text_of(net)}
    own = [{**service, "start": start, "end": end}]
    number = f"{client.upper()}-2024-{i:04d}"
    share = ("services", "20.00", net, net // 5)
    return past.bill(client, number, day, share, services=own, **more)


def recurring_of(facts, year="2024", day=DAY) -> list[tuple[str, int, int, int, int]]:
    lines = msgspec.convert(past.chained(facts), list[RecurringRevenue])
    histories = past.histories_of(facts)
    report = year_report.make(year, day, issuer_of(), histories, lines)
    return [tuple(row) for row in report.recurring]


def test_a_fee_counts_in_equal_parts_in_the_months_that_it_is_for():
    facts = [
        fee("nord", 1, "2024-03-15", "2025-03-14", 120_000),
        fee("nord", 2, "2024-04-01", "2024-04-30", 1_001, corrects="NORD-2024-0001"),
        fee("sud", 1, "2024-03-01", "2024-05-31", 100_00),
        fee("sud", 2, "2024-05-10", "2024-05-31", 5_00, month="2024-06"),
    ]
    assert recurring_of(facts) == [
        ("2024-03", 10_000 + 3_333, 13_333, 0, 0),
        ("2024-04", 8_999 + 3_333, 0, 0, -1_001),
        ("2024-05", 10_000 + 3_834, 0, 0, 1_001 + 501),
        ("2024-06", 10_000, 0, -3_834, 0),
    ]


def test_months_that_were_not_run_by_then_are_not_shown_as_lost():
    facts = [
        fee("nord", 1, "2024-01-01", "2024-12-31", 120_000, day="2024-01-05", month="2024-01"),
        fee("sud", 1, "2024-02-01", "2024-02-29", 100, day="2024-03-08", month="2024-02"),
    ]
    assert [row[0] for row in recurring_of(facts)] == ["2024-01", "2024-02"]
    assert [row[0] for row in recurring_of(facts, day=date(2024, 3, 7))] == ["2024-01"]


def test_one_off_lines_do_not_recur():
    facts = [fee("nord", 1, "2024-01-01", "2024-01-31", 100_00, month="2024-01")]
    once = {**facts[0]["services"][0], "plan": "", "item": "", "net": "250.00"}
    facts[0]["services"].append(once)
    assert recurring_of(facts) == [("2024-01", 100_00, 100_00, 0, 0)]


def test_a_service_that_pauses_has_nothing_in_its_pause():
    facts = [fee("nord", 1, "2024-01-01", "2024-03-31", 60_00, month="2024-03")]
    facts[0]["services"][0]["pauses"] = [["2024-02-01", "2024-02-29"]]
    assert [row[:2] for row in recurring_of(facts)] == [
        ("2024-01", 3000),
        ("2024-02", 0),
        ("2024-03", 3000),
    ]


FEES = st.lists(
    st.tuples(
        st.sampled_from(["nord", "sud", "est"]),
        st.integers(0, 30),  # the month that it begins in, counted from June 2023
        st.integers(1, 12),  # for how many
        st.integers(1, 500),  # cents of each
        st.booleans(),  # whether it is taken back
    ),
    max_size=8,
)


@given(FEES)
@profile(max_examples=25)
def test_what_comes_and_goes_adds_up_to_what_plans_come_to(fees):
    facts, sums = [], {}
    for i, (client, start, count, each, is_back) in enumerate(fees, 1):
        months = [divmod(2023 * 12 + 5 + start + k, 12) for k in range(count)]
        names = [f"{year}-{month + 1:02d}" for year, month in months]
        end = date(months[-1][0] + months[-1][1] // 11, (months[-1][1] + 1) % 12 + 1, 1)
        last = (end - timedelta(1)).isoformat()
        more = {"corrects": "X-2024-0001"} if is_back else {"month": "2024-12"}
        facts.append(fee(client, i, f"{names[0]}-01", last, each * count, **more))
        for name in names:
            sums[client, name] = sums.get((client, name), 0) + (-each if is_back else each)
    lines = msgspec.convert(past.chained(facts), list[RecurringRevenue])
    report = year_report.make("2024", DAY, issuer_of(), [], lines).recurring
    before = "2023-12"
    for row in report:
        wanted = {"new": 0, "lost": 0, "changed": 0}
        for client in {client for client, _ in sums}:
            had, has = (sums.get((client, name), 0) for name in (before, row.month))
            key = "changed" if (had > 0) == (has > 0) else "new" if has > 0 else "lost"
            wanted[key] += has - had
        whole = sum(net for (_, month), net in sums.items() if month == row.month)
        if row.month != report[0].month or row.month == "2024-01":
            assert row._asdict() == {"month": row.month, "net": whole, **wanted}
        before = row.month


def test_discounts_of_the_document_are_in_what_a_record_says_of_plans(tmp_path):
    discount = {"id": "friend", "description": {"fr": "Remise"}, "percent": "10"}
    client = house.client("nord", {"plans.0.discounts": [discount]}, 1)
    document = house.draft(house.build(tmp_path / "root", client))
    record = revenues.facts(document, "", "")
    assert record["net"] == "57.60"  # 64.00 less 10 %
    # 10 % of 49.00 and of 15.00
    assert [service["net"] for service in record["services"]] == ["44.10", "13.50"]


# --- who has no VAT, and who has little ------------------------------------------------


def without_vat(nature: str, net: int) -> past.Given:
    return (nature, "0.00", net, 0)


LIMITS = {
    "services": "1000.00",
    "services_raised": "1100.00",
    "goods": "5000.00",
    "goods_raised": "5500.00",
}
FRANCHISE = {"vat_regime": "franchise", "activity": "bnc", "thresholds": {"2024": LIMITS}}


def test_a_seller_without_vat_reads_what_it_declares(tmp_path):
    """Turnover and limits are those of `make declare`; no column has VAT."""
    facts = (
        past.bill("nord", "NORD-2024-0001", "2024-10-08", without_vat("services", 40_000)),
        past.bill("nord", "NORD-2024-0002", "2024-11-08", without_vat("services", 25_000)),
        past.money("nord", "NORD-2024-0001", "2024-11-20", 39_900),
        past.lost("nord", "NORD-2024-0001", "2024-11-20", 100, "bank_charge"),
    )
    root = past.root_of(tmp_path / "root", *facts, issuer=house.issuer(FRANCHISE))
    assert house.call("make_report", root, year="2024", today="2024-12-31", language="en").code == 0
    text = text_of(root)
    assert "VAT" not in text.replace("Limits of the exemption from VAT", "")
    assert "Services, BNC 400.00" in text
    assert "services 650.00 1,000.00 1,100.00 65%" in text
    assert "October 400.00 0.00 November 250.00 399.00 Total 650.00 399.00" in text
    assert "January" not in text.replace("since 1 January", "")
    ran = house.call("declare", root, year="2024")
    assert ran.code == 0, ran
    assert "Services, BNC" in ran.out and "400.00" in ran.out
    assert "limit 1000.00: 65 %" in ran.out


def test_a_first_month_is_no_page_of_zeros(tmp_path):
    facts = (past.bill("nord", "NORD-2024-0001", "2024-12-08", SERVICES),)
    root = past.root_of(tmp_path / "root", *facts)
    assert house.call("make_report", root, year="2024", today="2024-12-31", language="en").code == 0
    text = text_of(root)
    assert "December 1,000.00 200.00 1,200.00 0.00 0.00" in text
    assert "November" not in text and "Beside the year before" not in text
    assert "No invoice was settled in the year." in text


def test_reverse_charge_at_home_and_in_the_eu_are_told_apart(tmp_path):
    bills = []
    for client, reason in (("nord", "VATEX-FR-AE"), ("sud", "VATEX-EU-AE")):
        bill = past.bill(
            client, f"{client.upper()}-2024-0001", "2024-10-08", without_vat("services", 40_000)
        )
        bill["breakdown"][0]["vat_category"] = "AE"
        bills.append({**bill, "exemptions": {"AE": reason}})
    root = past.root_of(tmp_path / "root", *bills)
    assert house.call("make_report", root, year="2024", today="2024-12-31", language="en").code == 0
    text = text_of(root)
    assert "services reverse charge, EU 400.00 0.00" in text
    assert "services reverse charge, France 400.00 0.00" in text


# --- the page ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["cabinet_lefevre_et_associes_de_bretagne", "data/revenues/a_long_name.jsonl", "x" * 60],
)
def test_an_identifier_breaks_between_its_parts(text):
    lines = ruled_tables.identifier(text, ruled_tables.CELL, 80)
    assert "".join(line for line, _ in lines) == text
    for line, style in lines:
        assert ruled_tables.fonts.width(line, style.face, style.size) <= 80.01
    assert all(line[-1] in "_/.-" for line, _ in lines[:-1])


def test_those_who_owe_little_are_one_row():
    facts = [
        past.bill(
            f"c{i:02d}", f"C{i:02d}-2024-0001", "2024-05-01", without_vat("services", 100 + i)
        )
        for i in range(40)
    ]
    report = made_from(facts)
    pages = report_pdf._lay_out(report, "Studio", (20, 84, 107), Speech("en"))
    texts = [mark.text for page in pages for mark in page if isinstance(mark, pdf_writer.Text)]
    place = texts.index("10 others")
    assert texts[place : place + 3] == ["10 others", "10.45", "10.45"]


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
    pages = report_pdf._lay_out(report, "Studio " * 20, (20, 84, 107), Speech("fr"))
    assert len(pages) > 6
    for page in pages:
        texts = [mark for mark in page if isinstance(mark, pdf_writer.Text)]
        for mark in texts:
            right = mark.x + ruled_tables.fonts.width(mark.text, mark.face, mark.size)
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


def test_it_is_in_the_colours_and_under_the_legal_name_of_its_issuer():
    issuer = issuer_of(**{"legal_form": "EI", "colour": "#8a1c5c", "party.name": "Aude Le Gall"})
    report = made_from(FACTS, issuer=issuer)
    data = report_pdf.render(report, issuer, Speech("fr"))
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "Aude Le Gall EI" in text and "29 février – 6 mars 2024" in text
    assert "2024-0" not in text.replace("NORD-2024-0", "").replace("SUD-2024-0", "")
    shown = b"".join(page.get_contents().get_data() for page in pages)
    red, green, blue = 0x8A / 255, 0x1C / 255, 0x5C / 255
    assert f"{red:.3g} {green:.3g} {blue:.3g} rg".encode() in shown
    assert b"0.078 0.329 0.42 rg" not in shown
