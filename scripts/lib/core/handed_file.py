"""Files from outside the root that a person hands to a command: FILE=/home/me/bank.xml.

A spreadsheet set to French saves a CSV in its own way: semicolons, Windows-1252, amounts and days
as it shows them.
"""

import codecs
import contextlib
import csv
import re
from collections.abc import Sequence
from pathlib import Path

from lib.core import foreign_files
from lib.core.faults import Alert, Fault, Refused, at_line
from lib.core.messages import Message, reason, say

_SPLIT = say("split it")
_LINES_ABOVE = 20  # among which a header is looked for

_SHOWN_DAY = re.compile(r"\b([0-9]{1,2})/([0-9]{1,2})/(?:20)?([0-9]{2})\b")
_SPACE = "[ \u00a0\u202f]"
_SHOWN_AMOUNT = re.compile(
    f"([0-9]{{1,3}}(?:{_SPACE}[0-9]{{3}})+|[0-9]+)(?:[.,]([0-9]{{1,2}}))?(?:{_SPACE}?€)?"
)


def read(path: Path, largest: int, remedy: Message = _SPLIT) -> bytes:
    """The bytes of a file, at most `largest` of them.

    Args:
      remedy: what to do about a file that has more.

    Raises:
      Refused: if it is missing, is not a file, cannot be read, or is too large.
    """
    code = "B-INPUT-UNREADABLE"
    try:
        if path.is_file():
            with path.open("rb") as stream:
                data = stream.read(largest + 1)
            if len(data) <= largest:
                return data
            found = say("has more than the {bytes} bytes that are read", bytes=largest)
            wrong = Fault("", found, remedy=remedy)
        else:
            missing = not path.exists()
            code = "B-INPUT-MISSING" if missing else code
            wrong = Fault("", say("is missing") if missing else say("is not a file"))
    except (OSError, ValueError) as error:
        wrong = Fault("", say("cannot be read: {reason}", reason=reason(error)))
    raise Refused([Alert(code, str(path), wrong)])


def text(file: str, data: bytes) -> tuple[str, list[Message]]:
    """The text of a CSV that a person wrote, and a note where it is not UTF-8.

    Raises:
      Refused: if it is neither UTF-8 nor what a spreadsheet set to French saves.
    """
    if kind := foreign_files.kind(data):
        found = say("is {kind}, not a CSV", kind=kind)
        wrong = Fault("", found, remedy=foreign_files.as_csv(kind))
        raise Refused([Alert("B-CSV-ENCODING", file, wrong)])
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode(), []
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        found = say("byte 0x{byte} is not UTF-8", byte=f"{data[error.start]:02X}")
    # A spreadsheet set to French saves semicolons and Windows-1252, unless it is asked for UTF-8.
    if b";" in data.partition(b"\n")[0]:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("cp1252"), [say("read as Windows-1252, as it is not UTF-8")]
    fault = Fault(at_line(line), found, remedy=say("save the file as CSV UTF-8"))
    raise Refused([Alert("B-CSV-ENCODING", file, fault)])


def header_fault(text: str, *headers: Sequence[str]) -> Fault:
    """What is wrong with the first line of a CSV, which is none of these headers to the letter."""
    if not text.strip():
        return Fault("", say("is empty"))
    lines = text.splitlines()
    if lines[0].lower().startswith("sep="):
        return Fault(at_line(1), say("is no header"), remedy=say("remove the first line"))
    if "\n" not in text and "\r" in text:
        remedy = say('save the file as "CSV UTF-8" or "CSV (Windows)", not "CSV (Macintosh)"')
        return Fault("", say("has lines that end with CR alone"), remedy=remedy)
    number, sign, names, header = max(
        (
            (number, sign, [name.strip(' "') for name in line.split(sign)], header)
            for number, line in enumerate(lines[:_LINES_ABOVE], 1)
            for sign in ",;\t|"
            for header in headers
        ),
        key=lambda found: len({*found[2]} & {*found[3]}),
    )
    known = {*names} & {*header}
    whole = (";" if sign == ";" else ",").join(header)
    if len(known) < len(header) / 2:
        found = say("the first line is not {line}", line=whole)
        return Fault(at_line(1), found, remedy=say("write it so; semicolons do as well"))
    if number > 1:
        found = say("the header is on line {line}", line=number)
        return Fault(at_line(1), found, remedy=say("remove what is above it"))
    if sign not in ",;":
        found = say("has neither commas nor semicolons between the cells")
        return Fault(at_line(1), found, remedy=say("choose one of them when exporting"))
    strange = tuple(name for name in names if name not in known)
    missing = tuple(name for name in header if name not in known)
    if missing and strange:
        found = say(
            "has the columns {strange}, and not {missing}", strange=strange, missing=missing
        )
        remedy = say("give the columns these names: {line}", line=whole)
    elif missing:
        found, remedy = say("has no column {missing}", missing=missing), say("add it, empty or not")
    elif strange:
        found = say("has the column {strange}, which is not known", strange=strange)
        remedy = say("remove the column from the file")
    else:
        found = say("has its columns in another order")
        remedy = say("put the columns into this order: {line}", line=whole)
    return Fault(at_line(1), found, remedy=remedy)


def not_csv(error: csv.Error) -> Message:
    """Why Python's reader of CSV gives up."""
    if "NUL" in str(error):
        return say("a NUL byte stands in it: export it again as CSV")
    return say("a quote is opened and not closed, or stands within a cell: correct the quotes")


def iso_days(text: str) -> str:
    """A text whose days, 03/12/2026 or 03/12/26 (day first), are written 2026-12-03."""
    return _SHOWN_DAY.sub(lambda day: f"20{day[3]}-{day[2]:0>2}-{day[1]:0>2}", text)


def plain_amount(text: str) -> str:
    """An amount such as 76,8 or 1 200,50 € as 76.80 or 1200.50; any other text as it is."""
    amount = _SHOWN_AMOUNT.fullmatch(text)
    return f"{re.sub(_SPACE, '', amount[1])}.{amount[2] or '':0<2}" if amount else text
