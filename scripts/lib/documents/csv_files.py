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
from types import SimpleNamespace
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
    below = "".join(lines(columns, cells, settings)).encode()
    return whole(columns, [below], settings)


def lines(
    columns: Sequence[Column], cells: Mapping[str, Sequence[Any]], settings: Settings
) -> list[str]:
    """The lines below the headings, each with its line end; arguments as of `to_bytes`."""
    texts = [_texts(column.kind, cells[column.name], settings) for column in columns]
    return _written(zip(*texts, strict=True), settings)


def whole(columns: Sequence[Column], below: Iterable[bytes], settings: Settings) -> bytes:
    """A whole CSV file of what stands below its headings, in UTF-8."""
    headings = messages.words(settings.csv_headers)["columns"]
    (first,) = _written([[headings[column.heading or column.name] for column in columns]], settings)
    mark = codecs.BOM_UTF8 if settings.csv_dialect == "fr" else b""
    return b"".join((mark, first.encode(), *below))


def _written(rows: Iterable[Sequence[str]], settings: Settings) -> list[str]:
    written: list[str] = []
    delimiter = ";" if settings.csv_dialect == "fr" else ","
    lines_of = SimpleNamespace(write=written.append)  # csv writes each row at once
    quoting = csv.writer(lines_of, delimiter=delimiter, lineterminator=_END)
    for row in rows:
        line = delimiter.join(row)
        # csv would write the same of a row without anything to quote, in ten times the time.
        if line.count(delimiter) != len(row) - 1 or '"' in line or "\r" in line or "\n" in line:
            quoting.writerow(row)
        else:
            written.append(line + _END)
    return written


def _texts(kind: str, cells: Sequence[Any], settings: Settings) -> Sequence[str]:
    """The cells of one column as they are written."""
    if kind == TEXT:
        return list(map(safe, cells))
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
