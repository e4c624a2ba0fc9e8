"""How a batch file is written, where that is not how its client's files are.

A spreadsheet with the settings of another country rewrites every cell: semicolons, decimal
commas, its own dates, another encoding. That is one thing to say of the file, and not one of each
cell. It is recognised by the header and by what all cells of a kind have in common, and only to
be said: such a file is refused, and read on to report what else is wrong with it.
"""

import codecs
import csv
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from lib.billing import batch_cells
from lib.core import foreign_files, readings
from lib.core.faults import Fault
from lib.core.messages import Message, either, say
from lib.inputs import batch_csv
from lib.inputs.batch_client_files import BatchClient
from lib.inputs.batch_csv import Dialect
from lib.inputs.cell_faults import CellFault

HEAD = 65_536  # bytes by which a file is recognised
_LINES, _LINES_ABOVE = 500, 20
_FEW = 3  # cells of a kind; of fewer each is a fault of its own
_DATES = ("period_start", "period_end")
_DELIMITERS = {
    ",": say("commas between the cells"),
    ";": say("semicolons between the cells"),
    "\t": say("tabs between the cells"),
    "|": say("bars between the cells"),
}
_DECIMALS = {",": say("decimal commas"), ".": say("decimal points")}
_MARKS = {True: say("a byte-order mark (BOM)"), False: say("no byte-order mark (BOM)")}
# Days as spreadsheets write them: 31/10/2026, 10/31/26, and 46326 where the cell is a number.
OTHER_DATE = re.compile(r"[0-9]{1,2}([/.-])[0-9]{1,2}\1([0-9]{2}|[0-9]{4})|[0-9]{5}")


class Written(NamedTuple):
    """How a file is written; `dates` are some that are not written year, month, day."""

    dialect: Dialect
    dates: tuple[str, ...]


def foreign(head: bytes) -> CellFault | None:
    """What a file is that is no CSV at all, whatever its name."""
    kind = foreign_files.kind(head)
    if kind and kind != foreign_files.UTF_16:  # which is told by the encoding that is agreed
        expected = say("this is {kind}, not a CSV", kind=kind)
        return CellFault(1, "", "", expected, foreign_files.as_csv(kind))
    if head.lower().startswith(b"sep="):
        found = head.split(b"\n")[0].decode("ascii", "replace").strip()
        expected = say("a file begins with its header")
        return CellFault(1, "", found, expected, say("remove the first line"))
    return None


def header_below(head: bytes) -> CellFault | None:
    """A title, or empty lines, above the header."""
    lines = head.decode("utf-8", "replace").splitlines()[:_LINES_ABOVE]
    for i, line in enumerate(lines):
        if any(_names(line, delimiter) >= _enough() for delimiter in _DELIMITERS):
            if not i:
                return None
            expected = say("a file begins with its header, which is on line {line}", line=i + 1)
            return CellFault(1, "", lines[0], expected, say("remove what is above it"))
    return None


def _names(header: str, delimiter: str) -> int:
    """How many of the parts of a header are names of columns."""
    known = frozenset(batch_cells.columns())
    return sum(name.strip('"') in known for name in header.split(delimiter))


def _enough() -> int:
    return len(batch_cells.required()) // 2


def recognised(head: bytes, declared: Dialect) -> Written | None:
    """How a file is written if a spreadsheet rewrote it; None if it did not, or nobody can tell.

    Args:
      head: its beginning.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    marked = head.startswith(codecs.BOM_UTF8)
    lines = head.removeprefix(codecs.BOM_UTF8).splitlines()
    lines = lines[:-1] if len(head) >= HEAD else lines
    encoding = "utf-8" if marked else _encoding(lines, declared.encoding)
    texts = [line.decode(encoding, "replace") for line in lines]
    delimiter = _delimiter(texts[0] if texts else "", declared.delimiter)
    if not delimiter:
        return None
    try:
        rows = list(islice(csv.DictReader(texts, delimiter=delimiter, restkey=""), _LINES))
    except csv.Error:
        return None
    cells = [(name, value) for row in rows for name, value in row.items() if name and value]
    dates = tuple(value for name, value in cells if name in _DATES)
    others = all(map(OTHER_DATE.fullmatch, dates)) and len(dates) >= _FEW
    dialect = replace(
        declared,
        delimiter=delimiter,
        encoding=encoding,
        byte_order_mark=marked,
        # Where the delimiter is another one too, a single price is enough to know the sign by.
        decimal=_decimal(cells, declared.decimal, _FEW if delimiter == declared.delimiter else 1),
    )
    if not others and dialect in (declared, replace(declared, byte_order_mark=marked)):
        return None  # a mark alone is told where it stands
    return Written(dialect, dates if others else ())


def _encoding(lines: list[bytes], declared: str) -> str:
    """That which all lines with accents have; the declared one where they do not agree."""
    accented = [line for line in lines if not line.isascii()]
    as_utf_8 = [_is_utf_8(line) for line in accented]
    if accented and all(as_utf_8):
        return "utf-8"
    if declared == "utf-8" and accented and not any(as_utf_8):
        return "windows-1252"
    return declared


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(header: str, declared: str) -> str:
    """That which parts the header into the most known names; empty where it has hardly any."""
    best = max((declared, *_DELIMITERS), key=lambda delimiter: _names(header, delimiter))
    return best if _names(header, best) >= _enough() else ""


def _decimal(cells: list[tuple[str, str]], declared: str, enough: int) -> str:
    numbers = [value for name, value in cells if name.rpartition("_")[0] in batch_cells.DECIMALS]
    signs = [value.strip("0123456789 ") for value in numbers]
    other = "," if declared == "." else "."
    form = re.compile(rf"[0-9]+[{other}][0-9]+")
    with_other = sum(form.fullmatch(value) is not None for value in numbers)
    return other if with_other >= enough and declared not in signs else declared


def fault(written: Written, client: BatchClient) -> CellFault:
    """The one thing to say of such a file."""
    declared = client.csv
    of_file, of_client = [], []
    for now, agreed in _traits(written.dialect, declared):
        of_file.append(now)
        of_client.append(agreed)
    dated: Message | None = None
    if written.dates:
        date = written.dates[0]
        of_file.append(say("dates such as {date}", date=date))
        of_client.append(say("dates such as {date}", date="2026-10-31"))
        dated = _dated(written.dates)
    expected = say(
        "a spreadsheet with other settings wrote this file: it has {found};"
        " this client's files have {expected}",
        found=tuple(of_file),
        expected=tuple(of_client),
    )
    if written.dialect == declared and dated:
        return CellFault(1, "", "", expected, dated)
    agreed = say("export it as agreed, or ask us to read your files as this one is written")
    if (written.dialect.delimiter, written.dialect.decimal) == (
        declared.delimiter,
        declared.decimal,
    ):
        agreed = batch_csv.save_as(declared)
    values = msgspec.to_builtins(written.dialect)
    keys = ("delimiter", "decimal", "encoding", "byte_order_mark")
    declare = say(
        'declare "csv": {csv} in batch_clients/{client}.json, or ask for the agreed form',
        csv=json.dumps({key: values[key] for key in keys}),
        client=client.id,
    )
    if dated:
        both = (agreed, declare)
        agreed, declare = (say("{first}; {then}", first=first, then=dated) for first in both)
    return CellFault(1, "", "", expected, agreed, Fault("", expected, remedy=declare))


def _traits(written: Dialect, declared: Dialect) -> Iterator[tuple[Message, Message]]:
    """In what two dialects differ, and how each has it."""
    if written.delimiter != declared.delimiter:
        yield _DELIMITERS[written.delimiter], _DELIMITERS[declared.delimiter]
    if written.decimal != declared.decimal:
        yield _DECIMALS[written.decimal], _DECIMALS[declared.decimal]
    if written.encoding != declared.encoding:
        yield _encoded(written.encoding), _encoded(declared.encoding)
    if written.byte_order_mark != declared.byte_order_mark:
        yield _MARKS[written.byte_order_mark], _MARKS[declared.byte_order_mark]


def _encoded(encoding: str) -> Message:
    return say("the encoding {encoding}", encoding=encoding)


def _dated(dates: tuple[str, ...]) -> Message:
    """What to write for dates of one form: a day above 12 says for all which number is the day."""
    date = dates[0]
    orders = [order for order in (_day_first, _month_first) if all(map(order, dates))]
    right = [day for order in orders for day in order(date)] or readings.days(date)
    return say(
        "set the columns of dates to the format Text and write year-month-day: {right} for {date}",
        right=either(dict.fromkeys(right)) if right else "2026-10-31",
        date=date,
    )


def _day_first(date: str) -> list[str]:
    day, month, year = _parts(date)
    return readings.days(f"{year}-{month}-{day}")


def _month_first(date: str) -> list[str]:
    month, day, year = _parts(date)
    return readings.days(f"{year}-{month}-{day}")


def _parts(date: str) -> tuple[str, str, str]:
    first, second, year = (*re.split("[/.-]", date), "", "")[:3]
    return first, second, year if len(year) == 4 else f"20{year}"
