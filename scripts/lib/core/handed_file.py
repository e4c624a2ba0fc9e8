"""Files from outside the root that a person hands to a command: FILE=/home/me/bank.xml.

A spreadsheet set to French saves a CSV in its own way: semicolons, Windows-1252, amounts and days
as it shows them.
"""

import codecs
import contextlib
import re
from pathlib import Path

from lib.core.faults import Alert, Fault, Refused, at_line
from lib.core.messages import Message, reason, say

_SPLIT = say("split it")

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


def iso_days(text: str) -> str:
    """A text whose days, 03/12/2026 or 03/12/26 (day first), are written 2026-12-03."""
    return _SHOWN_DAY.sub(lambda day: f"20{day[3]}-{day[2]:0>2}-{day[1]:0>2}", text)


def plain_amount(text: str) -> str:
    """An amount such as 76,8 or 1 200,50 € as 76.80 or 1200.50; any other text as it is."""
    amount = _SHOWN_AMOUNT.fullmatch(text)
    return f"{re.sub(_SPACE, '', amount[1])}.{amount[2] or '':0<2}" if amount else text
