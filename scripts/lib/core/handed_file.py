"""Files from outside the root that a person hands to a command: FILE=/home/me/bank.xml."""

from pathlib import Path

from lib.core.faults import Alert, Fault, Refused


def read(path: Path, largest: int) -> bytes:
    """The bytes of a file, at most `largest` of them.

    Raises:
      Refused: if it is missing, is no file, cannot be read, or is too large.
    """
    code, text = "B-INPUT-UNREADABLE", ""
    try:
        if path.is_file():
            with path.open("rb") as stream:
                data = stream.read(largest + 1)
            if len(data) <= largest:
                return data
            text = f"has more than the {largest} bytes that are read; split it"
        else:
            missing = not path.exists()
            code = "B-INPUT-MISSING" if missing else code
            text = "is missing" if missing else "is no file"
    except (OSError, ValueError) as error:
        text = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise Refused([Alert(code, str(path), Fault("", text))])
