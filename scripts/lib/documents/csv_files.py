"""CSV for people: the one way to write it, in the dialect that .env names.

rfc4180: comma, decimal point. fr: semicolon, decimal comma, byte-order mark, which a
spreadsheet set to French opens as columns and figures. Both end lines with CRLF, are UTF-8
and write dates as 2024-03-31, the one form that a spreadsheet of any language reads as the
same date. Headings and codes are data, lib/core/languages/<language>.json; those of English are
the stable names that programs read.

A text that a spreadsheet would run as a formula gets an apostrophe before it (CWE-1236);
amounts stay numbers, negative ones too.
"""

import codecs
import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from itertools import repeat
from typing import Any, NamedTuple

from lib.core import messages
from lib.inputs.settings import Settings
from lib.values.money import text_of

TEXT = "text"  # what people wrote
AMOUNT = "amount"  # whole cents
COUNT = "count"  # how many, or how many days; of workbooks alone
FIGURE = "figure"  # a number as its text, with a decimal point: a VAT rate
CODE = "code"  # a word of "codes" of the languages
DATE = "date"  # 2024-03-31, or empty
PLAIN = "plain"  # what the program made: a number of an invoice
WRITTEN = "written"  # several columns, as `lines` would write them

_END = "\r\n"
_RUN_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Column(NamedTuple):
    """A column: its stable name, what its cells are, and its heading in "columns" of the
    languages, where columns of that name have several."""

    name: str
    kind: str = PLAIN
    heading: str = ""


def to_bytes(
    columns: Sequence[Column], cells: Mapping[str, Sequence[Any]], settings: Settings
) -> bytes:
    """A whole CSV file.

    Args:
      cells: for each column, by its name, its cells from top to bottom: int (cents) for
        AMOUNT, str for any other.
    """
    return headings(columns, settings) + encoded(lines(columns, cells, settings))


def encoded(lines_: Iterable[str]) -> bytes:
    """What `lines` gave, in UTF-8."""
    return "".join(lines_).encode("latin-1")


def lines(
    columns: Sequence[Column], cells: Mapping[str, Sequence[Any] | str], settings: Settings
) -> list[str]:
    """The lines below the headings, each with its line end. Each of their characters stands for a
    byte of UTF-8, since many lines are `encoded` in a tenth of the time then.

    Args:
      cells: as of `to_bytes`; or, of all but one of the columns, the text that each cell is.
    """
    return runs(columns, cells, settings, _END)


def runs(
    columns: Sequence[Column],
    cells: Mapping[str, Sequence[Any] | str],
    settings: Settings,
    end: str = "",
) -> list[str]:
    """What some columns that stand side by side have in each line; arguments as of `lines`."""
    delimiter = _delimiter(settings)
    parts: list[Sequence[str]] = []  # of each line, from left to right
    for column in columns:
        content = cells[column.name]
        if not isinstance(content, str):
            parts.append(_texts(column.kind, content, settings))
            continue
        (text,) = _texts(column.kind, [content], settings)
        if parts and isinstance(parts[-1], str):
            text = f"{parts.pop()}{delimiter}{text}"
        parts.append(text)
    last = parts.pop()
    parts.append(f"{last}{end}" if isinstance(last, str) else [text + end for text in last])
    texts = (repeat(part) if isinstance(part, str) else part for part in parts)
    return list(map(delimiter.join, zip(*texts, strict=False)))


def headings(columns: Sequence[Column], settings: Settings) -> bytes:
    """How a CSV file begins: its first line, in UTF-8."""
    words = messages.words(settings.csv_headers)["columns"]
    texts = [words[column.heading or column.name] for column in columns]
    first = _delimiter(settings).join(_texts(PLAIN, texts, settings)) + _END
    mark = codecs.BOM_UTF8 if settings.csv_dialect == "fr" else b""
    return mark + encoded([first])


def _delimiter(settings: Settings) -> str:
    return ";" if settings.csv_dialect == "fr" else ","


def _texts(kind: str, cells: Sequence[Any], settings: Settings) -> Sequence[str]:
    """The cells of one column as they are written."""
    if kind == WRITTEN:
        return cells
    texts = _unquoted(kind, cells, settings)
    whole = "".join(texts)
    # csv would write the same of a cell without anything to quote, in ten times the time.
    if any(mark in whole for mark in (_delimiter(settings), '"', "\r", "\n")):
        texts = [_quoted(text, settings) for text in texts]
    return texts if whole.isascii() else [text.encode().decode("latin-1") for text in texts]


def _quoted(text: str, settings: Settings) -> str:
    """A cell with quotation marks around it where it needs them."""
    line = StringIO(newline="")
    csv.writer(line, delimiter=_delimiter(settings), lineterminator=_END).writerow((text, ""))
    return line.getvalue().removesuffix(_delimiter(settings) + _END)


def _unquoted(kind: str, cells: Sequence[Any], settings: Settings) -> Sequence[str]:
    if kind == TEXT:
        first = {cell[:1] for cell in cells}
        return cells if first.isdisjoint(_RUN_AS_FORMULA) else list(map(safe, cells))
    if kind == CODE:
        codes = messages.words(settings.csv_headers)["codes"]
        return [codes.get(cell, cell) for cell in cells]
    if kind == AMOUNT:
        cells = list(map(text_of, cells))
    if kind in (AMOUNT, FIGURE) and settings.csv_dialect == "fr":
        return [cell.replace(".", ",") for cell in cells]
    return cells


def safe(text: str) -> str:
    """`text` so that no spreadsheet runs it."""
    return f"'{text}" if text.startswith(_RUN_AS_FORMULA) else text
