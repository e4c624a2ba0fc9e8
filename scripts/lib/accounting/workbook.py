"""The workbook of a period: an .xlsx for people who calculate, made with pandas and XlsxWriter.

Its sheets are the tables of the exports and what is added up of them, with real dates and
numbers; sums are formulas, which follow a filter, with the value that we come to ourselves. A pure
function of what is given: the same records give the same bytes. A text is never a formula.
"""

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

import pandas as pd
from xlsxwriter.utility import xl_col_to_name

from lib.accounting import frames, long_sheets, year_report
from lib.accounting.csv_tables import Table
from lib.accounting.frames import COLUMNS, Gathered
from lib.accounting.long_sheets import LongColumn, LongSheet, LongWorkbook
from lib.core import messages
from lib.documents.csv_files import AMOUNT, CODE, COUNT, DATE, FIGURE, TEXT, Column
from lib.values import periods
from lib.values.money import in_euros
from lib.values.speech import Speech

MONTH = "month"  # a day that stands for its month
ROWS = 1_000_000  # of a sheet; Excel ends at 1,048,576

_VAT_BY_MONTH = (
    Column("month", MONTH),
    Column("nature", CODE),
    Column("vat_category"),
    Column("vat_rate", FIGURE),
    Column("exemption"),
    Column("net", AMOUNT),
    Column("vat", AMOUNT),
    Column("gross", AMOUNT),
)

_NUMBERS = (
    Column("first"),
    Column("last"),
    Column("first_date", DATE),
    Column("last_date", DATE),
    Column("invoices", COUNT),
    Column("credit_notes", COUNT),
)

_TOTAL_ROW, _HEADING_ROW, _FIRST_ROW = 0, 1, 2
_EPOCH = date(1899, 12, 30)  # of the days that a spreadsheet counts
_NARROWEST, _WIDEST, _HELP_WIDTH = 10, 44, 100  # characters
_LINE_HEIGHT = 15  # points
_RIGHT = (AMOUNT, COUNT, FIGURE)


class Worksheet(NamedTuple):
    """A sheet: its key in the languages, its columns, and a row for each of the frame's.

    `across`: the last column is the sum of the other amounts of its row.
    """

    key: str
    columns: Sequence[Column]
    rows: pd.DataFrame
    across: bool = False


class _Writer(NamedTuple):
    """A workbook being written, and how."""

    book: LongWorkbook
    formats: Mapping[str, Any]
    words: Mapping[str, Any]


class TooLong(Exception):
    """A table has more rows than a sheet holds: which, and how many."""

    def __init__(self, rows: int):
        self.rows = rows
        super().__init__(rows)


def render(parts: Iterable[Gathered], period: str, seller: str, language: str) -> bytes:
    """The workbook of a period.

    Args:
      parts: in order of client, as frames.gather has them.
      period: "2024", "2024-Q1" or "2024-03".

    Raises:
      TooLong: if a sheet cannot hold all.
    """
    sheets = _sheets(frames.in_order(parts), period)
    with TemporaryFile() as stream:
        _write_all(stream, sheets, period, seller, language)
        gc.collect()  # a workbook refers to itself
        stream.seek(0)
        return stream.read()


def _write_all(
    stream: IO[bytes], sheets: list[Worksheet], period: str, seller: str, language: str
) -> None:
    """All sheets, each of which is let go once it is among those of the book."""
    book = LongWorkbook(
        stream,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    words = messages.words(language)
    title = f"{seller} {period}"
    created = datetime.combine(periods.last_day_of(period), time(), UTC).replace(tzinfo=None)
    book.set_properties({"title": title, "author": seller, "created": created})
    writer = _Writer(book, _formats(book), words)
    about = book.add_worksheet(words["sheets"]["about"])
    explained = [(sheet.key, sheet.columns) for sheet in sheets]
    while sheets:
        _write(writer, sheets.pop(0))
    _write_about(writer, about, explained, seller, period, Speech(language))
    book.close()


# --- the sheets ----------------------------------------------------------------------


def _sheets(tables: Mapping[str, pd.DataFrame], period: str) -> list[Worksheet]:
    """The sheets; raises TooLong."""
    if (most := max(map(len, tables.values()))) > ROWS:
        raise TooLong(most)
    bills = tables["revenues"]
    return [
        Worksheet("recettes", COLUMNS["recettes"], tables["recettes"]),
        Worksheet("revenues", COLUMNS["revenues"], bills),
        Worksheet("vat_by_month", _VAT_BY_MONTH, _vat_by_month(tables["vat_due"])),
        Worksheet("vat_due", COLUMNS["vat_due"], tables["vat_due"]),
        _clients_by_month(bills, period),
        Worksheet("open_items", COLUMNS["open_items"], tables["open_items"]),
        Worksheet("payments", COLUMNS["payments"], tables["payments"]),
        Worksheet("deposits", COLUMNS["deposits"], tables["deposits"]),
        Worksheet("numbers", _NUMBERS, _numbers(bills, period)),
    ]


def _vat_by_month(due: pd.DataFrame) -> pd.DataFrame:
    """VAT that falls due by month, nature, category, rate and reason of exemption."""
    kinds = ["month", "nature", "vat_category", "vat_rate", "exemption"]
    by_month = due.assign(month=due["date"].dt.to_period("M").dt.to_timestamp())
    return by_month.groupby(kinds, as_index=False)[["net", "vat", "gross"]].sum()


def _clients_by_month(bills: pd.DataFrame, period: str) -> Worksheet:
    """What each client was invoiced without VAT, less credit notes, month by month."""
    months = list(periods.months_of(period))
    by_month = (
        bills.assign(month=bills["date"].dt.strftime("%Y-%m"))
        .groupby(["client", "month"])["net"]
        .sum()
        .unstack(fill_value=0)
        .reindex(columns=months, fill_value=0)
        .astype("int64")
    )
    names = bills.groupby("client")["name"].last()
    rows = by_month.assign(total=by_month.sum(axis=1))
    rows.insert(0, "name", names)
    columns = [
        Column("client"),
        Column("name", TEXT),
        *(Column(month, AMOUNT) for month in months),
        Column("total", AMOUNT),
    ]
    return Worksheet("clients_by_month", columns, rows.reset_index(), across=True)


def _numbers(bills: pd.DataFrame, period: str) -> pd.DataFrame:
    """The numbers that each sequence used."""
    issued = bills.drop_duplicates("number")
    days = issued["date"].dt.strftime("%Y-%m-%d")
    of_bills = zip(issued["number"], days, issued["kind"], strict=True)
    ranges = year_report.ranges(of_bills, period[:4])
    cells = {name: [getattr(each, name) for each in ranges] for name in year_report.Range._fields}
    return frames.frame(Table(_NUMBERS, cells))


# --- cells ---------------------------------------------------------------------------


def number(amount: int) -> int | Decimal:
    """An amount of cents as the number whose text is exact and shortest: 1250 is 12.5."""
    value = in_euros(amount)
    return value.normalize() if amount % 100 else int(value)


def _formats(book: LongWorkbook) -> dict[str, Any]:
    figures = {AMOUNT: "#,##0.00", COUNT: "0", FIGURE: "0.0#", DATE: "yyyy-mm-dd", MONTH: "yyyy-mm"}
    bold = {"bold": True, "bg_color": "#E8F0F2", "valign": "top"}
    return {
        **{
            kind: book.add_format(
                {"num_format": code, "align": "right" if kind in _RIGHT else "left"}
            )
            for kind, code in figures.items()
        },
        **{
            f"total_{kind}": book.add_format({"num_format": figures[kind], "bold": True})
            for kind in (AMOUNT, COUNT)
        },
        "heading": book.add_format({**bold, "bottom": 1}),
        "heading_right": book.add_format({**bold, "bottom": 1, "align": "right"}),
        "bold": book.add_format({"bold": True}),
        "title": book.add_format({"bold": True, "font_size": 14}),
        "wrapped": book.add_format({"text_wrap": True, "valign": "top"}),
        "top": book.add_format({"valign": "top"}),
    }


def _write(writer: _Writer, sheet: Worksheet) -> None:
    """A sheet: sums, headings, and a row for each of the table's."""
    page = writer.book.add_worksheet(writer.words["sheets"][sheet.key])
    last_row = _FIRST_ROW + max(len(sheet.rows), 1) - 1
    last_column = len(sheet.columns) - 1
    page.write_string(
        _TOTAL_ROW, 0, writer.words["words"]["workbook_total"], writer.formats["bold"]
    )
    below = []
    for i, column in enumerate(sheet.columns):
        cells = sheet.rows[column.name].tolist()
        if column.kind == CODE:
            cells = [writer.words["codes"].get(cell, cell) for cell in cells]
        heading = _heading(writer.words, column)
        style = "heading_right" if column.kind in _RIGHT else "heading"
        page.write_string(_HEADING_ROW, i, heading, writer.formats[style])
        if sheet.across and i == last_column:
            below.append(_sums_across(writer, i, cells))
        else:
            below.append(_below(writer, page, column.kind, cells))
        if column.kind in (AMOUNT, COUNT) and column.name != "days_late":
            name = xl_col_to_name(i)
            formula = f"=SUBTOTAL(109,{name}{_FIRST_ROW + 1}:{name}{last_row + 1})"
            value: int | Decimal = sum(cells)
            if column.kind == AMOUNT:
                formula, value = f"=ROUND({formula[1:]},2)", number(sum(cells))
            style = writer.formats[f"total_{column.kind}"]
            page.write_formula(_TOTAL_ROW, i, formula, style, value)
        page.set_column(i, i, _width(column.kind, heading, cells))
    page.put_below(_FIRST_ROW, below)
    page.freeze_panes(_FIRST_ROW, 0)
    page.autofilter(_HEADING_ROW, 0, last_row, last_column)
    page.set_landscape()
    page.repeat_rows(_HEADING_ROW)
    page.fit_to_pages(1, 0)


def _heading(words: Mapping[str, Any], column: Column) -> str:
    """A column's heading; a month is its own."""
    heading: str = words["columns"].get(column.heading or column.name, column.name)
    return heading


def _below(writer: _Writer, page: LongSheet, kind: str, cells: Sequence[Any]) -> LongColumn:
    """The cells of a column below its heading; what is empty is left out."""
    if kind not in _NUMBERS_OF:
        return page.texts(cells)

    def inside(cell: Any) -> str:
        value = _NUMBERS_OF[kind](cell)
        return "" if value is None else f"<v>{value:.16G}</v>"

    return long_sheets.column(cells, inside, writer.formats[kind])


def _serial(day: pd.Timestamp) -> int | None:
    """The day as a spreadsheet counts it."""
    return None if pd.isna(day) else (day.date() - _EPOCH).days


_NUMBERS_OF: dict[str, Callable[[Any], int | Decimal | None]] = {
    AMOUNT: number,
    COUNT: int,
    FIGURE: lambda text: number(int(Decimal(text).scaleb(2))) if text else None,
    DATE: _serial,
    MONTH: _serial,
}


def _sums_across(writer: _Writer, i: int, cells: Sequence[int]) -> LongColumn:
    first, last = xl_col_to_name(2), xl_col_to_name(i - 1)
    elements = [
        f"<f>ROUND(SUM({first}{row}:{last}{row}),2)</f><v>{number(total)}</v>"
        for row, total in enumerate(cells, _FIRST_ROW + 1)
    ]
    return LongColumn(elements, range(len(cells)), writer.formats[AMOUNT])


def _width(kind: str, heading: str, cells: Sequence[Any]) -> int:
    """So that a column shows what stands in it."""
    widest = len(heading) + 3  # the button of the filter
    if kind == AMOUNT:
        widest = max(widest, len(f"{sum(map(abs, cells)):,}") + 3)
    elif kind not in (COUNT, FIGURE, DATE, MONTH):
        widest = max([widest, *map(len, cells)]) + 1
    return min(max(widest, _NARROWEST), _WIDEST)


# --- what it all is ------------------------------------------------------------------


def _write_about(
    writer: _Writer,
    page: Any,
    sheets: Iterable[tuple[str, Sequence[Column]]],
    seller: str,
    period: str,
    speech: Speech,
) -> None:
    """Whose books, of when; what each sheet, column and code means."""
    words, formats = writer.words, writer.formats
    day = periods.last_day_of(period)
    page.write_string(0, 0, f"{seller}, {period}", formats["title"])
    page.write_string(1, 0, speech.word("workbook_as_of", date=speech.date(day)))
    page.write_string(2, 0, speech.word("workbook_totals"))
    row = 4
    for key, columns in sheets:
        page.write_string(row, 0, words["sheets"][key], formats["bold"])
        _explain(page, row, words["sheet_help"][key], formats["wrapped"])
        row += 1
        for column in columns:
            if text := words["column_help"].get(column.heading or column.name):
                page.write_string(row, 0, f"    {_heading(words, column)}", formats["top"])
                _explain(page, row, text, formats["wrapped"])
                row += 1
    row += 1
    page.write_string(row, 0, speech.word("workbook_codes"), formats["bold"])
    for code, text in words["code_help"].items():
        row += 1
        page.write_string(row, 0, f"    {words['codes'].get(code, code)}", formats["top"])
        _explain(page, row, text, formats["wrapped"])
    page.set_column(0, 0, 30)
    page.set_column(1, 1, _HELP_WIDTH)
    page.set_landscape()
    page.fit_to_pages(1, 0)


def _explain(page: Any, row: int, text: str, wrapped: Any) -> None:
    """A text of the second column: LibreOffice gives a row one line unless its height is set."""
    page.set_row(row, _LINE_HEIGHT * -(-len(text) // _HELP_WIDTH))
    page.write_string(row, 1, text, wrapped)
