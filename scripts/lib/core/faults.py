"""Faults: the one way to say what is wrong, and the ways in which a run stops for it.

A fault is what was found at a place, what is expected there, and what to do. An alert is a
fault with its code, the file that it is about, and the client whose log it goes to. Whoever
receives one reads its parts and the values in them; nobody takes a sentence apart.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lib.core.messages import Message, say

SHOWN = 60  # characters of a wrong value that a message repeats


class Fault(NamedTuple):
    """What is wrong: `found` at `place` (a key, a line, an option; may be empty)."""

    place: str
    found: Message
    expected: Message | None = None
    remedy: Message | None = None

    @property
    def text(self) -> str:
        """Its parts in one sentence, in the operator's language."""
        return str(say("; ")).join(str(part) for part in self[1:] if part is not None)


class Alert(NamedTuple):
    """A fault under its stable code: B- stops the run, I- informs. `client` is whose log has it."""

    code: str
    file: str
    fault: Fault
    client: str = ""

    @property
    def place(self) -> str:
        return self.fault.place

    @property
    def text(self) -> str:
        return self.fault.text

    def __str__(self) -> str:
        where = [part for part in (self.file, self.place) if part]
        return printable(str(say(": ")).join([*where, self.text]))


def at_line(number: int | str, inside: str = "") -> str:
    """The place of a fault in a file of lines: "line 12", "line 12, customer_siren"."""
    line = say("line {number}", number=number)
    return f"{line}, {inside}" if inside else str(line)


# Where a language writes a space that does not break: before these signs, and inside « ».
_NO_BREAK = re.compile("(?<=«)\u00a0|[\u00a0\u202f](?=[:;!?%»€])")


def printable(text: str) -> str:
    """`text` on one line: control characters and line separators become escapes.

    A name with a line break in it must not forge a line of the log.
    """
    if text.isprintable():
        return text
    kept = {match.start() for match in _NO_BREAK.finditer(text)}
    return "".join(
        char
        if char.isprintable() or char == " " or i in kept
        else char.encode("unicode_escape").decode()
        for i, char in enumerate(text)
    )


class Stop(Exception):
    """A run that stops, with all its reasons at once."""

    exit_code = 1

    def __init__(self, alerts: Iterable[Alert]):
        self.alerts = tuple(alerts)
        if all(alert.code == "B-ENVIRONMENT" for alert in self.alerts):
            self.exit_code = 4  # an input that this user may not read is not a wrong one
        super().__init__("; ".join(str(alert) for alert in self.alerts))

    def __reduce__(self) -> tuple[type["Stop"], tuple[tuple[Alert, ...]]]:
        """A worker hands it back whole."""
        return type(self), (self.alerts,)


class Refused(Stop):
    """Input that cannot be accepted; nothing was written."""

    exit_code = 1


class WrongUsage(Stop):
    """A command called in a way that it does not know."""

    exit_code = 2


class Broken(Stop):
    """Records, counters, heads or proofs disagree."""

    exit_code = 3


@contextlib.contextmanager
def collecting(faults: list[Alert]) -> Iterator[None]:
    """Adds what the block finds broken to `faults`: what comes after it is looked at too."""
    try:
        yield
    except Broken as broken:
        faults.extend(broken.alerts)


class Unavailable(Stop):
    """The machine does not let the run go on: lock held, disk full, server down."""

    exit_code = 4
