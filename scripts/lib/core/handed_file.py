"""Files from outside the root that a person hands to a command: FILE=/home/me/bank.xml."""

import codecs
import contextlib
from pathlib import Path

from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Message, say

_SPLIT = say("split it")


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
        reason = str(getattr(error, "strerror", None) or error)
        wrong = Fault("", say("cannot be read: {reason}", reason=reason))
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
    fault = Fault(f"line {line}", found, remedy=say("save the file as CSV UTF-8"))
    raise Refused([Alert("B-CSV-ENCODING", file, fault)])
