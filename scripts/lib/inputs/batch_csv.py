"""The structure of a batch CSV: bytes to lines to cells, exactly as its client declared it.

Nothing is sniffed and nothing is repaired. Each invoice is one line: a cell has no line
break, so the number of a line is the one that a spreadsheet shows. Lines are read one at
a time, however long the file; a line longer than any valid one is refused unread.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from msgspec import Struct

_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar |"}
LONGEST_LINE = 65_536  # bytes; twenty full groups stay far below
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_BARE_CR = re.compile(rb"\r(?!\n)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAMES = {
    "\0": "a NUL byte",
    "\t": "a tab",
    "\r": "a carriage return",
    "\u2028": "a line separator",
}


class Dialect(Struct, frozen=True, kw_only=True):
    """`csv` of a batch client's file."""

    delimiter: str
    decimal: str
    encoding: str
    byte_order_mark: bool


class CellFault(NamedTuple):
    """One thing wrong with a file: line as a spreadsheet numbers it (0: the whole file).

    `internal` is said to the operator in place of rule and remedy: what is a matter of the house
    does not stand in its client's report.
    """

    line: int
    column: str
    value: str
    rule: str
    remedy: str
    internal: str = ""


class Row(NamedTuple):
    """A line: its cells, or what is wrong with its structure."""

    line: int
    cells: tuple[str, ...]
    faults: tuple[CellFault, ...]


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
            if _BARE_CR.search(data) and not data.endswith(b"\n"):
                rule = "a line ends with CR LF or with LF; here each ends with CR alone"
                remedy = 'save the file as "CSV UTF-8" or "CSV (Windows)", not "CSV (Macintosh)"'
                yield _bad(line, "", rule, remedy)
                return
        this_ending = b"\r\n" if data.endswith(b"\r\n") else b"\n"
        if data.endswith(b"\n"):
            data = data[: -len(this_ending)]
            # Spreadsheets end a line within a cell with LF in a file of CR LF: that is
            # told as what it is, an open quote.
            if data.count(b'"') % 2:
                yield _row(line, data, dialect)
                continue
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
        start = data
        while data and not data.endswith(b"\n"):
            data = stream.readline(LONGEST_LINE)
        # A file whose lines end with CR alone is one long line, which is told as what it is.
        yield line, start if line == 1 and _BARE_CR.search(start) else None


def _without_mark(data: bytes, dialect: Dialect) -> tuple[bytes, CellFault | None]:
    marked = data.startswith(_BYTE_ORDER_MARK)
    encoding = dialect.encoding
    if data.startswith(_UTF_16):
        rule = f"this client's files are encoded in {encoding}, this one in UTF-16"
        return data, CellFault(
            1, "", data[:2].hex(" ").upper(), rule, f"save the file as {encoding}"
        )
    if marked and not dialect.byte_order_mark:
        rule = f"this client's files are {encoding} and begin without a byte-order mark (BOM)"
        remedy = f"save the file as {encoding} without BOM"
        return data, CellFault(1, "", "EF BB BF", rule, remedy)
    if dialect.byte_order_mark and not marked:
        rule = "this client's files begin with a byte-order mark (BOM)"
        remedy = 'save the file as "CSV UTF-8", with BOM'
        return data, CellFault(1, "", data[:3].hex(" ").upper(), rule, remedy)
    return data.removeprefix(_BYTE_ORDER_MARK), None


def _row(line: int, data: bytes, dialect: Dialect) -> Row:
    try:
        text = data.decode(dialect.encoding)
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02X} at position {error.start + 1}"
        rule = f"this client's files are encoded in {dialect.encoding}"
        return _bad(line, found, rule, f"save the file as {dialect.encoding}")
    if dialect.encoding != "utf-8" and _is_utf_8(data):
        rule = f"this client's files are encoded in {dialect.encoding}, this line in UTF-8"
        return _bad(line, text, rule, f"save the file as {dialect.encoding}")
    if match := _CONTROL.search(text.replace(dialect.delimiter, ",")):
        found = _NAMES.get(match[0], f"U+{ord(match[0]):04X}")
        where = f"character {match.start() + 1} of the line"
        rule = f"a cell is plain text on one line; {where} is {found}"
        no_text = match[0] == "\0"
        remedy = "export it again as CSV" if no_text else "remove that character from the cell"
        return _bad(line, text[max(0, match.start() - 20) :], rule, remedy)
    if not text.strip(f' "{dialect.delimiter}'):
        return _bad(line, "", "a line holds an invoice, this one is empty", "remove the line")
    return _cells(line, text, dialect.delimiter)


def _is_utf_8(data: bytes) -> bool:
    """Whether accents would come out as two odd signs each: nobody writes "Ã©" on purpose."""
    if data.isascii():
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _cells(line: int, text: str, delimiter: str) -> Row:
    if '"' not in text:
        return Row(line, tuple(text.split(delimiter)), ())
    cells = []
    position = 0
    pattern = _cell_pattern(delimiter)
    while True:
        match = pattern.match(text, position)
        if match is None:
            rule = 'quotes stand around a whole cell, are "" inside it, and hold no line break'
            remedy = "mend the quotes, or remove the line break from the cell"
            return _bad(line, text[position:], rule, remedy)
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
    return Row(line, (), (CellFault(line, "", value, rule, remedy),))


def header_faults(
    header: Sequence[str], columns: Sequence[str], required: Sequence[str], delimiter: str
) -> list[CellFault]:
    """What is wrong with a header: names, doubles, order; optional columns may be left out."""
    if len(header) > len(columns):
        rule = f"a file has at most {len(columns)} columns"
        remedy = "remove the columns that the specification does not have"
        return [CellFault(1, "", f"{len(header)} columns", rule, remedy)]
    if len(header) == 1:
        rule = f"this client's files have {_DELIMITERS[delimiter]} between the cells"
        remedy = "choose it when exporting"
        internal = f"{rule}; {remedy}, or declare the file's own in csv.delimiter of its client"
        return [CellFault(1, "", header[0], rule, remedy, internal)]
    from difflib import get_close_matches

    faults = []
    order = "the columns have the names and the order of the specification"
    for name in dict.fromkeys(header):
        if not name.strip():
            places = ", ".join(str(i) for i, one in enumerate(header, 1) if one == name)
            rule = f"each column has a name; column {places} has none"
            faults.append(CellFault(1, "", name, rule, "remove the column from the file"))
        elif name not in columns:
            near = get_close_matches(name.strip().lower(), columns, n=1)
            hint = f'perhaps "{near[0]}"' if near else "remove it"
            remedy = f"{hint}; template_batch.csv has the names"
            faults.append(CellFault(1, name, name, "the specification has no such column", remedy))
        elif header.count(name) > 1:
            faults.append(CellFault(1, name, name, "each column stands once", "remove one of them"))
    faults += [
        CellFault(1, name, "", "this column is required", "add it, as in template_batch.csv")
        for name in required
        if name not in header
    ]
    order_of = {name: i for i, name in enumerate(columns)}
    if not faults:
        faults += [
            CellFault(
                1, after, after, order, f'move it before "{before}", as in template_batch.csv'
            )
            for before, after in pairwise(header)
            if order_of[after] < order_of[before]
        ]
    return faults
