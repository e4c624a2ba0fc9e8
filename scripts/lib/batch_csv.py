"""The structure of a batch CSV: bytes to lines to cells, exactly as its client declared it.

Nothing is sniffed and nothing is repaired. Each invoice is one line: a cell has no line
break, so the number of a line is the one that a spreadsheet shows. Lines are read one at
a time, however long the file; a line longer than any valid one is refused unread.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import BinaryIO, NamedTuple

LONGEST_LINE = 65_536  # bytes; twenty full groups stay far below
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """`csv` of a batch client's file."""

    delimiter: str
    decimal: str
    encoding: str
    byte_order_mark: bool


class Fault(NamedTuple):
    """One thing wrong with a file: line as a spreadsheet numbers it (0: the whole file)."""

    line: int
    column: str
    value: str
    rule: str
    remedy: str


class Row(NamedTuple):
    """A line: its cells, or what is wrong with its structure."""

    line: int
    cells: tuple[str, ...]
    faults: tuple[Fault, ...]


def read(stream: BinaryIO, dialect: Dialect) -> Iterator[Row]:
    """The lines of a file, the header first; none for an empty file.

    A line whose structure is wrong has faults and no cells, and reading goes on after it.
    """
    ending = b""
    for line, data in _lines(stream):
        if data is None:
            rule = f"a line has at most {LONGEST_LINE} bytes"
            yield _bad(line, "", rule, "check the delimiter and the line breaks of the export")
            continue
        if line == 1:
            data, fault = _without_mark(data, dialect)
            if fault:
                yield Row(line, (), (fault,))
                continue
        this_ending = b"\r\n" if data.endswith(b"\r\n") else b"\n"
        if data.endswith(b"\n"):
            data = data[: -len(this_ending)]
            if ending and this_ending != ending:
                rule = "all lines end alike, with CR LF or with LF"
                yield _bad(line, "", rule, "export the file again from one program")
                continue
            ending = this_ending
        yield _row(line, data, dialect)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """(number, bytes with their ending); None for a line that is too long, which is skipped."""
    line = 0
    while data := stream.readline(LONGEST_LINE + 1):
        line += 1
        if len(data) <= LONGEST_LINE:
            yield line, data
            continue
        while data and not data.endswith(b"\n"):
            data = stream.readline(LONGEST_LINE)
        yield line, None


def _without_mark(data: bytes, dialect: Dialect) -> tuple[bytes, Fault | None]:
    marked = data.startswith(_BYTE_ORDER_MARK)
    if marked and not dialect.byte_order_mark:
        rule = "this client's files have no byte-order mark"
        return data, Fault(1, "", "EF BB BF", rule, "save the file as UTF-8 without BOM")
    if dialect.byte_order_mark and not marked:
        rule = "this client's files begin with a byte-order mark"
        return data, Fault(1, "", data[:3].hex(" ").upper(), rule, "save it as UTF-8 with BOM")
    return data.removeprefix(_BYTE_ORDER_MARK), None


def _row(line: int, data: bytes, dialect: Dialect) -> Row:
    try:
        text = data.decode(dialect.encoding)
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02X} at position {error.start + 1}"
        rule = f"this client's files are encoded in {dialect.encoding}"
        return _bad(line, found, rule, f"save the file as {dialect.encoding}")
    if match := _CONTROL.search(text):
        found = f"U+{ord(match[0]):04X}"
        return _bad(line, found, "a cell has no control character", "remove it from the cell")
    if not text.strip():
        return _bad(line, "", "a line holds an invoice, none is empty", "remove the line")
    return _cells(line, text, dialect.delimiter)


def _cells(line: int, text: str, delimiter: str) -> Row:
    if '"' not in text:
        return Row(line, tuple(text.split(delimiter)), ())
    cells = []
    position = 0
    pattern = _cell_pattern(delimiter)
    while True:
        match = pattern.match(text, position)
        if match is None:
            rule = 'a quote opens and closes a cell, and is written "" inside; no line breaks'
            found = text[position : position + 40]
            return _bad(line, found, rule, "check the quotes of this line")
        quoted, plain = match.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        position = match.end() + 1
        if match.end() == len(text):
            return Row(line, tuple(cells), ())


@cache
def _cell_pattern(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?:"((?:[^"]|"")*+)"|([^"{mark}]*+))(?={mark}|$)')


def _bad(line: int, value: str, rule: str, remedy: str) -> Row:
    return Row(line, (), (Fault(line, "", value, rule, remedy),))


def header_faults(
    header: Iterable[str], columns: tuple[str, ...], required: tuple[str, ...]
) -> list[Fault]:
    """What is wrong with a header: names, doubles, order; optional columns may be left out."""
    header = tuple(header)
    faults = []
    order = "the columns have the names and the order of the specification"
    for name in dict.fromkeys(header):
        if name not in columns:
            remedy = "take the names from docs/template_batch.csv, lower case, no spaces"
            faults.append(Fault(1, name, name, "the specification has no such column", remedy))
        elif header.count(name) > 1:
            faults.append(Fault(1, name, name, "each column stands once", "remove one of them"))
    faults += [
        Fault(1, name, "", "this column is required", "add it, in the order of the template")
        for name in required
        if name not in header
    ]
    if not faults and list(header) != [name for name in columns if name in header]:
        places = {name: i for i, name in enumerate(columns)}
        wrong = next(
            after
            for before, after in pairwise(header)
            if places[after] < places[before]
        )
        faults.append(Fault(1, wrong, wrong, order, "move it, as in docs/template_batch.csv"))
    return faults
