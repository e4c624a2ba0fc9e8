"""The structure of a batch CSV: bytes to lines to cells, exactly as its client declared it.

Nothing is sniffed and nothing is repaired. Each invoice is one line: a cell has no line
break, so the number of a line is the one that a spreadsheet shows. Lines are read one at
a time, however long the file; a line longer than any valid one is refused unread.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from msgspec import Struct

from lib.core.faults import Fault
from lib.core.messages import Message, say
from lib.inputs.cell_faults import CellFault

_DELIMITERS = {
    ",": say("a comma"),
    ";": say("a semicolon"),
    "\t": say("a tab"),
    "|": say("a bar |"),
}
LONGEST_LINE = 65_536  # bytes; twenty full groups stay far below
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_BARE_CR = re.compile(rb"\r(?!\n)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAMES = {
    "\0": say("a NUL byte"),
    "\t": say("a tab"),
    "\r": say("a carriage return"),
    "\u2028": say("a line separator"),
}


class Dialect(Struct, frozen=True, kw_only=True):
    """`csv` of a batch client's file."""

    delimiter: str
    decimal: str
    encoding: str
    byte_order_mark: bool
    vat_included: bool = False


class Row(NamedTuple):
    """A line: its cells, or what is wrong with its structure."""

    line: int
    cells: tuple[str, ...]
    faults: tuple[CellFault, ...]


def read(stream: BinaryIO, dialect: Dialect) -> Iterator[Row]:
    """The lines of a file, the header first; none for an empty file.

    A line whose structure is wrong has faults and no cells, and reading goes on after it: a line
    break in a cell is one fault, and what of the cell stands below it is no line of its own.
    """
    ending, is_open = b"", False
    mark = dialect.delimiter.encode()
    for line, data in _lines(stream):
        if is_open and data and mark not in data.partition(b'"')[0]:
            is_open = data.count(b'"') % 2 == 0
            continue
        is_open = False
        if data is None:
            expected = say("a line has at most {most} bytes", most=LONGEST_LINE)
            remedy = say("check the delimiter and the line breaks of the export")
            yield _bad(line, "", expected, remedy)
            continue
        if line == 1:
            data, fault = _without_mark(data, dialect)
            if fault:
                yield Row(line, (), (fault,))
                continue
            if _BARE_CR.search(data) and not data.endswith(b"\n"):
                expected = say("a line ends with CR LF or with LF; here each ends with CR alone")
                remedy = say(
                    'save the file as "CSV UTF-8" or "CSV (Windows)", not "CSV (Macintosh)"'
                )
                yield _bad(line, "", expected, remedy)
                return
        this_ending = b"\r\n" if data.endswith(b"\r\n") else b"\n"
        if data.endswith(b"\n"):
            data = data[: -len(this_ending)]
            # Spreadsheets end a line within a cell with LF in a file of CR LF: that is
            # reported as what it is, an open quote.
            if data.count(b'"') % 2:
                row = _row(line, data, dialect)
                is_open = any(str(fault.found).startswith('"') for fault in row.faults)
                yield row
                continue
            if ending and this_ending != ending:
                expected = say("all lines end alike, with CR LF or with LF")
                yield _bad(line, "", expected, say("export the file again from one program"))
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
        # A file whose lines end with CR alone is one long line, which is reported as what it is.
        yield line, start if line == 1 and _BARE_CR.search(start) else None


def _without_mark(data: bytes, dialect: Dialect) -> tuple[bytes, CellFault | None]:
    marked = data.startswith(_BYTE_ORDER_MARK)
    encoding = dialect.encoding
    if data.startswith(_UTF_16):
        expected = say(
            "this client's files are encoded in {encoding}, this one in UTF-16", encoding=encoding
        )
        begin = data[:2].hex(" ").upper()
        return data, CellFault(1, "", begin, expected, save_as(dialect))
    if marked and not dialect.byte_order_mark:
        expected = say(
            "this client's files are {encoding} and begin without a byte-order mark (BOM)",
            encoding=encoding,
        )
        remedy = say("save the file as {encoding} without BOM", encoding=encoding)
        return data, CellFault(1, "", "EF BB BF", expected, remedy)
    if dialect.byte_order_mark and not marked:
        expected = say("this client's files begin with a byte-order mark (BOM)")
        remedy = say(
            'save the file as "CSV UTF-8" of Excel, or ask us to read your files without this mark'
        )
        declare = say(
            'have it saved as "CSV UTF-8" of Excel, or declare "byte_order_mark": false'
            " under csv of its client"
        )
        begin = data[:3].hex(" ").upper()
        return data, CellFault(1, "", begin, expected, remedy, Fault("", expected, remedy=declare))
    return data.removeprefix(_BYTE_ORDER_MARK), None


def save_as(dialect: Dialect) -> Message:
    """What to do with a file of another encoding, in words of a spreadsheet where it has some."""
    encoding = dialect.encoding
    if dialect.byte_order_mark:
        return say("save the file as CSV UTF-8")
    if encoding == "windows-1252":
        return say(
            'save the file as {encoding}: in Excel as "CSV (Comma delimited)", in LibreOffice with'
            ' the character set "Western Europe"',
            encoding=encoding,
        )
    return say("save the file as {encoding}", encoding=encoding)


def _row(line: int, data: bytes, dialect: Dialect) -> Row:
    encoding = dialect.encoding
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        byte = say(
            "byte 0x{byte} at position {position}",
            byte=f"{data[error.start]:02X}",
            position=error.start + 1,
        )
        expected = say("this client's files are encoded in {encoding}", encoding=encoding)
        return _bad(line, byte, expected, save_as(dialect))
    if encoding != "utf-8" and _is_utf_8(data):
        expected = say(
            "this client's files are encoded in {encoding}, this line in UTF-8", encoding=encoding
        )
        return _bad(line, text, expected, save_as(dialect))
    if match := _CONTROL.search(text.replace(dialect.delimiter, ",")):
        expected = say(
            "a cell is plain text on one line; character {position} of the line is {character}",
            position=match.start() + 1,
            character=_NAMES.get(match[0], f"U+{ord(match[0]):04X}"),
        )
        remedy = say("remove that character from the cell")
        if match[0] == "\0":
            remedy = say("export it again as CSV")
        return _bad(line, text[max(0, match.start() - 20) :], expected, remedy)
    if not text.strip(f' "{dialect.delimiter}'):
        expected = say("a line holds an invoice, this one is empty")
        return _bad(line, "", expected, say("remove the line"))
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
            expected = say(
                'quotes stand around a whole cell, are "" inside it, and hold no line break'
            )
            remedy = say("correct the quotes, or remove the line break from the cell")
            return _bad(line, text[position:], expected, remedy)
        quoted, plain = match.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        position = match.end() + 1
        if match.end() == len(text):
            return Row(line, tuple(cells), ())


@cache
def _cell_pattern(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?:"((?:[^"]|"")*+)"|([^"{mark}]*+))(?={mark}|$)')


def _bad(line: int, found: str | Message, expected: Message, remedy: Message) -> Row:
    return Row(line, (), (CellFault(line, "", found, expected, remedy),))


def header_faults(
    header: Sequence[str], columns: Sequence[str], required: Sequence[str], delimiter: str
) -> list[CellFault]:
    """What is wrong with a header: names, doubles, order; optional columns may be left out."""
    if len(header) > len(columns):
        expected = say("a file has at most {most} columns", most=len(columns))
        remedy = say("remove the columns that the specification does not have")
        return [CellFault(1, "", say("{number} columns", number=len(header)), expected, remedy)]
    if len(header) == 1:
        expected = say(
            "this client's files have {delimiter} between the cells",
            delimiter=_DELIMITERS[delimiter],
        )
        or_declare = say(
            "choose it when exporting, or declare the file's own in csv.delimiter of its client"
        )
        internal = Fault("", expected, remedy=or_declare)
        return [CellFault(1, "", header[0], expected, say("choose it when exporting"), internal)]
    if not any(name in columns or _near(name, columns) for name in header):
        expected = say("a file begins with its header")
        remedy = say("put the names of the columns above it, as in template_batch.csv")
        return [CellFault(1, "", delimiter.join(header), expected, remedy)]
    order_of = {name: i for i, name in enumerate(columns)}
    missing = [name for name in required if name not in header]
    faults: list[CellFault] = []
    for name in dict.fromkeys(header):
        near = _near(name, columns) if name not in columns and name.strip() else ""
        if near in missing:  # one order, and not to remove one column and to add the other
            missing.remove(near)
            expected = say("the specification has no such column")
            faults.append(CellFault(1, name, name, expected, say('write "{near}"', near=near)))
        else:
            faults += _name_faults(name, header, order_of)
    expected = say("this column is required")
    remedy = say("add it, as in template_batch.csv, or give its name to the column that holds it")
    faults += [CellFault(1, name, "", expected, remedy) for name in missing]
    if faults:
        return faults
    expected = say("the columns have the names and the order of the specification")
    for before, after in pairwise(header):
        if order_of[after] < order_of[before]:
            remedy = say('move it before "{before}", as in template_batch.csv', before=before)
            faults.append(CellFault(1, after, after, expected, remedy))
    return faults


def _near(name: str, columns: Collection[str]) -> str:
    """The column that a name is most like; empty for none."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name.strip().lower(), columns, n=1)), "")


def _name_faults(name: str, header: Sequence[str], columns: Collection[str]) -> Iterator[CellFault]:
    if not name.strip():
        places = tuple(str(i) for i, other in enumerate(header, 1) if other == name)
        expected = say("each column has a name; column {places} has none", places=places)
        yield CellFault(1, "", name, expected, say("remove the column from the file"))
    elif name not in columns:
        expected = say("the specification has no such column")
        remedy = say("remove it, or give it its name; template_batch.csv has the names")
        if near := _near(name, columns):
            remedy = say('perhaps "{near}"; template_batch.csv has the names', near=near)
        yield CellFault(1, name, name, expected, remedy)
    elif header.count(name) > 1:
        expected = say("each column stands once")
        yield CellFault(1, name, name, expected, say("remove one of them"))
