"""The workbook: each cell is that of the CSV exports, each sum ours, no text a formula."""

import csv
import io
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

import house
import past
from lib.accounting import bookkeeping, csv_tables, frames, workbook
from lib.books import balances
from lib.core import messages
from lib.core.root import Root
from lib.documents.csv_files import AMOUNT, DATE, FIGURE
from lib.values import periods

SERVICES = ("services", "20.00", 100_000, 20_000)
GOODS = ("goods", "5.50", 20_010, 1_101)
FORMULA = "=HYPERLINK(A1)"
FACTS = (
    past.bill("nord", "NORD-2024-0001", "2024-02-29", SERVICES, due_date="2024-03-30"),
    past.bill("nord", "NORD-2024-0002", "2024-03-05", GOODS, SERVICES, due_date="2024-12-01"),
    past.bill("nord", "NORD-2024-0003", "2024-03-06", GOODS, corrects="NORD-2024-0002"),
    past.bill("sud", "SUD-2024-0001", "2024-11-10", GOODS, due_date="2024-11-30", buyer=FORMULA),
    past.bill("sud", "SUD-2025-0001", "2025-01-10", GOODS, due_date="2025-02-10"),
    past.money("nord", "NORD-2024-0001", "2024-03-10", 60_007, reference="+33 1", note="@sum"),
    past.money("nord", "NORD-2024-0001", "2024-04-04", 70_000, reference="https://example.org"),
    past.lost("sud", "SUD-2024-0001", "2024-12-30", 1, "difference"),
)
TABLES = ("recettes", "revenues", "vat_due", "payments")


@pytest.fixture
def root(tmp_path):
    return past.root_of(tmp_path / "root", *FACTS)


def opened(root: Root, period: str = "2024", **options: Any) -> openpyxl.Workbook:
    return openpyxl.load_workbook(path_of(root, period), **options)


def path_of(root: Root, period: str = "2024"):
    return root.path / f"exports/workbook/workbook-{period}.xlsx"


def made_from(facts, period: str = "2024", language: str = "en", **options: Any) -> Any:
    clients: dict[str, list[Any]] = {}
    for history in past.histories_of(facts):
        clients.setdefault(history.invoice.client, []).append(history)
    parts = [frames.gather([frames.tables(own, period)]) for own in clients.values()]
    data = workbook.render(parts, period, "Atelier", language)
    return openpyxl.load_workbook(io.BytesIO(data), **options)


def rows_of(book: openpyxl.Workbook, key: str, language: str = "en") -> list[tuple[Any, ...]]:
    """The rows of a sheet below its headings."""
    page = book[messages.words(language)["sheets"][key]]
    return [row for row in page.iter_rows(min_row=3, values_only=True) if any(row)]


def in_cents(value: Any) -> Decimal:
    return round(Decimal(str(value or 0)) * 100)


# --- what is in it -------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("period", ["2024", "2024-03"])
def test_each_cell_is_that_of_the_exports(root, language, period, monkeypatch):
    monkeypatch.setenv("CSV_HEADERS", language)
    house.write(root, ".env", f"CSV_HEADERS={language}\n".encode()).chmod(0o600)
    option = "month" if "-" in period else "year"
    for script in ("make_workbook", "export_revenues", "pack_accountant"):
        more = {"language": language} if script == "make_workbook" else {}
        if script != "pack_accountant":
            ran = house.call(script, root, **{option: period}, **more)
            assert (ran.code, ran.err) == (0, "")
    book = opened(root, period)
    words = messages.words(language)
    for name in TABLES[:3]:
        text = (root.path / f"exports/recettes/{name}-{period}.csv").read_text()
        headings, *lines = csv.reader(text.splitlines())
        page = book[words["sheets"][name]]
        columns = frames.COLUMNS[name]
        assert [cell.value for cell in page[2]][: len(headings)] == headings
        found = list(page.iter_rows(min_row=3, max_col=len(columns)))
        assert len(found) == max(len(lines), 1)
        for line, cells in zip(lines, found, strict=False):
            for column, text, cell in zip(columns, line, cells, strict=True):
                assert cell.data_type != "f"
                if not text:
                    assert cell.value is None
                elif column.kind in (AMOUNT, FIGURE):
                    assert Decimal(str(cell.value)) == Decimal(text)
                elif column.kind == DATE:
                    assert cell.value == datetime.fromisoformat(text)
                else:
                    assert cell.value == text.removeprefix("'")


def test_sums_have_formulas_over_all_rows_and_our_values(root):
    house.call("make_workbook", root, year="2024", language="en")
    house.call("export_revenues", root, year="2024")
    formulas, values = opened(root), opened(root, data_only=True)
    for name in TABLES[:3]:
        file = root.path / f"exports/recettes/{name}-2024.totals.csv"
        *_, last = csv.DictReader(file.read_text().splitlines())
        page = formulas[messages.words("en")["sheets"][name]]
        end = page.max_row
        for i, column in enumerate(frames.COLUMNS[name], 1):
            if column.kind == AMOUNT:
                letter = openpyxl.utils.get_column_letter(i)
                expected = f"=ROUND(SUBTOTAL(109,{letter}3:{letter}{end}),2)"
                assert page.cell(1, i).value == expected
                found = values[page.title].cell(1, i).value
                assert Decimal(str(found)) == Decimal(last[column.name])


def test_headings_are_frozen_and_filtered(root):
    house.call("make_workbook", root, year="2024")
    for page in opened(root).worksheets[1:]:
        assert page.freeze_panes == "A3"
        assert re.fullmatch(r"A2:[A-Z]+[0-9]+", page.auto_filter.ref)


def test_each_explanation_has_the_height_that_it_takes(root):
    house.call("make_workbook", root, year="2024")
    (page, *_) = opened(root).worksheets
    texts = [(row, str(cell.value)) for row, cell in enumerate(page["B"], start=1) if cell.value]
    assert any(len(text) > 100 for _, text in texts)
    for row, text in texts:
        assert (page.row_dimensions[row].height or 15) == 15 * -(-len(text) // 100), text


def test_it_speaks_the_issuers_language_unless_another_is_typed(root):
    house.call("make_workbook", root, year="2024")
    assert opened(root).sheetnames[:3] == ["Lisez-moi", "Recettes", "Facturé"]
    ran = house.make(root, "workbook", "YEAR=2024", "LANGUAGE=en")
    assert (ran.code, opened(root).sheetnames[0]) == (0, "Read me")
    assert 'LANGUAGE: "de" is not' in house.make(root, "workbook", "YEAR=2024", "LANGUAGE=de").err


def test_what_is_open_is_as_old_as_on_the_last_day():
    (sud, nord) = sorted(rows_of(made_from(FACTS), "open_items"), reverse=True)[:2]
    assert sud[:3] == ("sud", FORMULA, "SUD-2024-0001")
    assert sud[8:14] == (31, None or 0, 0, 211.1, 0, 0)
    assert nord[2] == "NORD-2024-0002" and nord[8] == 30
    overpaid = next(row for row in rows_of(made_from(FACTS), "open_items") if row[-1])
    assert overpaid[2] == "NORD-2024-0001" and overpaid[-1] == 100.07


@given(past.past(), st.sampled_from(["2024", "2024-05", "2024-Q1", "2025"]))
@profile(max_examples=15, deadline=None)
def test_every_sheet_adds_up_to_the_books(facts, period):
    facts = past.numbered(facts)
    book = made_from(facts, period, data_only=True)
    histories = past.histories_of(facts)
    day, dates = periods.last_day_of(period).isoformat(), periods.beginnings(period)

    def sums(key: str) -> dict[str, Decimal]:
        page = book[messages.words("en")["sheets"][key]]
        return {page.cell(2, i).value: page.cell(1, i).value for i in range(1, page.max_column + 1)}

    for name, table in csv_tables.TABLES.items():
        report = table.of(histories, dates)
        assert in_cents(sums(name)["gross"]) == sum(report.table.cells["gross"])
    revenues = csv_tables.revenues(histories, dates).table.cells
    by_client = sums("clients_by_month")
    assert in_cents(by_client["total"]) == sum(revenues["net"])
    for row in rows_of(book, "clients_by_month"):
        own = [n for c, n in zip(revenues["client"], revenues["net"], strict=True) if c == row[0]]
        assert in_cents(row[-1]) == sum(own) == sum(map(in_cents, row[2:-1]))
    due = csv_tables.vat_due(histories, dates).table.cells
    expected: Counter[tuple[str, str, Decimal]] = Counter()
    for when, nature, rate, vat in zip(
        due["date"], due["nature"], due["vat_rate"], due["vat"], strict=True
    ):
        expected[when[:7], nature, Decimal(rate)] += vat
    found = {
        (row[0].strftime("%Y-%m"), row[1], Decimal(str(row[3] or 0))): in_cents(row[6])
        for row in rows_of(book, "vat_by_month")
    }
    assert found == expected
    owed = sums("open_items")
    rest = [
        balances.outstanding_of(history, day)
        for history in histories
        if history.invoice.date <= day
    ]
    assert in_cents(owed["outstanding"]) == sum(rest)
    assert sum(in_cents(owed[age]) for age in frames.AGES) == sum(r for r in rest if r > 0)
    assert in_cents(owed["overpaid"]) == -sum(r for r in rest if r < 0)
    issued = {bill.number for h in histories for bill in h.issued if bill.date.startswith(dates)}
    numbers = sums("numbers")
    assert (numbers["invoices"] or 0) + (numbers["credit_notes"] or 0) == len(issued)


@given(past.paid_order(), st.sampled_from(["2024", "2025", "2026"]))
@profile(max_examples=15, deadline=None)
def test_deposits_come_to_what_stands_on_the_advances(facts, period):
    posted = sum(
        posting.amount
        for entry in bookkeeping.journal(past.histories_of(facts))
        if entry.date <= f"{period}-12-31"
        for posting in entry.postings
        if posting.account == "deposits"
    )
    rows = rows_of(made_from(past.numbered(facts), period), "deposits")
    assert sum(in_cents(row[8]) for row in rows) == -posted


# --- the file ------------------------------------------------------------------------


def test_the_same_records_give_the_same_bytes(root):
    house.call("make_workbook", root, year="2024")
    before, inode = path_of(root).read_bytes(), path_of(root).stat().st_ino
    assert "as it was" in house.call("make_workbook", root, year="2024").out
    assert path_of(root).stat().st_ino == inode
    path_of(root).unlink()
    house.call("make_workbook", root, year="2024")
    assert path_of(root).read_bytes() == before
    assert opened(root).properties.created.date() == date(2024, 12, 31)
    with zipfile.ZipFile(path_of(root)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_no_text_becomes_a_formula_a_link_or_a_number(root):
    house.call("make_workbook", root, year="2024")
    with zipfile.ZipFile(path_of(root)) as archive:
        names = archive.namelist()
        sheets = [archive.read(name).decode() for name in names if "worksheets/sheet" in name]
    formulas = {
        re.sub("[A-Z]+[0-9]+", "", text) for text in re.findall("<f>(.*?)</f>", "".join(sheets))
    }
    assert formulas == {"ROUND(SUBTOTAL(109,:),2)", "SUBTOTAL(109,:)", "ROUND(SUM(:),2)"}
    assert not [text for text in sheets if "<hyperlink" in text]


@given(st.integers(-(10**15), 10**15))
def test_an_amount_is_written_as_its_shortest_exact_text(cents):
    text = f"{workbook.number(cents):.16G}"  # as XlsxWriter does
    assert Decimal(text) * 100 == cents
    assert re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]?[1-9])?", text)


@pytest.mark.parametrize(
    ("cents", "text"),
    [(0, "0"), (1, "0.01"), (-10, "-0.1"), (7_999_999_999_999_99, "7999999999999.99")],
)
def test_the_file_has_that_text(cents, text):
    share = ("services", "20.00", cents, 0)
    parts = [
        frames.gather(
            [
                frames.tables(
                    past.histories_of([past.bill("nord", "N-2024-0001", "2024-02-01", share)]),
                    "2024",
                )
            ]
        )
    ]
    data = workbook.render(parts, "2024", "Atelier", "en")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet3.xml").decode()
    i = [column.name for column in frames.COLUMNS["revenues"]].index("net")
    (found,) = re.findall(f'<c r="{chr(ord("A") + i)}3" s="[0-9]+"><v>(.*?)</v>', sheet)
    assert found == text


def test_a_table_that_is_too_long_for_a_sheet_is_refused(root, monkeypatch):
    monkeypatch.setattr(workbook, "ROWS", 3)
    ran = house.call("make_workbook", root, year="2024")
    assert (ran.code, "a sheet holds 3" in ran.err, "MONTH=" in ran.err) == (1, True, True)
    assert not path_of(root).exists()


def test_make_makes_it_once(root):
    assert house.make(root, "workbook", "YEAR=2024").code == 0
    assert "nothing changed" in house.make(root, "workbook", "YEAR=2024").out
    past.lay(root, past.money("sud", "SUD-2024-0001", "2024-12-31", 100))
    assert "nothing changed" not in house.make(root, "workbook", "YEAR=2024").out


# --- a spreadsheet -------------------------------------------------------------------


@pytest.mark.conformance
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_computes_our_sums_and_reads_our_cells(root, tmp_path):
    house.call("make_workbook", root, year="2024")
    bare, out = tmp_path / "bare.xlsx", tmp_path / "out"
    with zipfile.ZipFile(path_of(root)) as archive, zipfile.ZipFile(bare, "w") as copy:
        for name in archive.namelist():
            text = archive.read(name).decode()
            # Without our values it has to compute its own.
            copy.writestr(name, re.sub("(<f>[^<]*</f>)<v>[^<]*</v>", r"\1", text))
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    command += ["--convert-to", "xlsx", "--outdir", str(out), str(bare)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    ours = opened(root, data_only=True)
    theirs = openpyxl.load_workbook(out / "bare.xlsx", data_only=True)
    assert theirs.sheetnames == ours.sheetnames
    compared = 0
    for page in ours.worksheets:
        for row in page.iter_rows():
            for cell in row:
                found = theirs[page.title][cell.coordinate].value
                assert found == cell.value, (page.title, cell.coordinate)
                compared += cell.value is not None
    assert compared > 300
