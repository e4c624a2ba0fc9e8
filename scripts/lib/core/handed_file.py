"""Files from outside the root that a person hands to a command: FILE=/home/me/bank.xml."""

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
