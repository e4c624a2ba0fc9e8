"""Long sheets: the file is the one that XlsxWriter gives of the same cells."""

import io
from datetime import datetime

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from xlsxwriter.workbook import Workbook

from lib.accounting import long_sheets
from lib.accounting.long_sheets import LongWorkbook

HEADINGS = ("key", "text", "amount", "count")
TEXTS = st.one_of(st.just(""), st.sampled_from(["a", "=A1", " é & <b>", "https://a.example"]))
NUMBERS = st.none() | st.integers(-5, 5)
ROWS = st.lists(st.tuples(st.sampled_from(["x", "y"]), TEXTS, NUMBERS, NUMBERS), max_size=40)
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def inside(value: int | None) -> str:
    return "" if value is None else f"<v>{value:.16G}</v>"


def begun(kind: type[Workbook], stream: io.BytesIO):
    book = kind(stream, OPTIONS)
    book.set_properties({"created": datetime(2026, 1, 31)})
    return book, [book.add_format({"num_format": code}) for code in ("0.00", "0")]


def stock(sheets) -> bytes:
    book, formats = begun(Workbook, stream := io.BytesIO())
    for rows in sheets:
        page = book.add_worksheet()
        for i, heading in enumerate(HEADINGS):
            page.write_string(0, i, heading)
            for row, cells in enumerate(rows, 1):
                if i > 1 and cells[i] is not None:
                    page.write_number(row, i, cells[i], formats[i - 2])
                elif i < 2 and cells[i]:
                    page.write_string(row, i, cells[i])
    book.close()
    return stream.getvalue()


def long(sheets) -> bytes:
    book, formats = begun(LongWorkbook, stream := io.BytesIO())
    for rows in sheets:
        page = book.add_worksheet()
        columns = []
        for i, heading in enumerate(HEADINGS):
            page.write_string(0, i, heading)
            cells = [row[i] for row in rows]
            columns.append(
                long_sheets.column(cells, inside, formats[i - 2]) if i > 1 else page.texts(cells)
            )
        page.put_below(1, columns)
    book.close()
    return stream.getvalue()


@given(st.lists(ROWS, min_size=1, max_size=2))
@profile(max_examples=40, deadline=None)
def test_its_bytes_are_those_of_xlsxwriter(sheets):
    assert stock(sheets) == long(sheets)
