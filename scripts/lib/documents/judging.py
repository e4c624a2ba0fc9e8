"""Judging: XMLs are held against the rules by judges beside, while their pages are drawn here.

A process compiles the schematrons while inputs are still read, which takes as long as all the rest
of a first invoice; who asks gets a copy of it, as documents/judges tells. Judges open no file of a
root and write nothing. Whatever goes wrong with one, the process that asks holds the rules itself.
"""

import atexit
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import BufferedRWPair
from pathlib import Path
from typing import NamedTuple

from lib.documents import validators
from lib.documents.validators import Verdict
from lib.values.document import Document

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from lib.documents import judges
judges.serve()
"""
_FIRST = 300  # documents; what Saxon does once is done by then, and it holds about 40 MB more
_MOST = 1_000  # documents of a copy, which holds about 20 MB more after so many
_SILENCE = 120  # seconds; a judge that has said nothing for so long is not waited for


class Case(NamedTuple):
    """A document, its XML, and what draws its page."""

    document: Document
    xml: bytes
    draw: Callable[[], bytes]


# Through the door one calls the process that compiled, and gets a line to a judge of one's own. One
# at most of each.
_doors: list[socket.socket] = []
_lines: list[BufferedRWPair] = []


def start() -> Sequence[socket.socket]:
    """Opens a door, unless there is one, or the rules are compiled here already; gives what `enter`
    wants in a worker."""
    if not _doors and "saxonche" not in sys.modules:
        with suppress(OSError):  # a limit leaves no process or file for it
            _open()
    return _doors


def _open() -> None:
    door, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder, paths = Path(__file__).parents[2], validators.all_schematrons()
    python = [sys.executable, "-I", "-X", "utf8", "-c", _PROGRAM]
    try:
        with inside:
            process = subprocess.Popen(  # noqa: S603
                [*python, str(folder), str(_FIRST), str(_MOST), *map(str, paths)],
                stdin=inside.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for this process, which ends the judges
            )
    except OSError:
        door.close()
        raise
    _doors.append(door)
    atexit.register(_end, process, door)


def enter(doors: Sequence[socket.socket]) -> None:
    """Asks judges, from now on, that are called through a door of another process; where there is
    none, the rules are compiled here."""
    _doors[:] = doors
    if doors:
        validators.get_ready_for_judges()
    else:
        validators.get_ready()


def meanwhile(cases: Sequence[Case]) -> list[tuple[bytes, list[Verdict]]]:
    """Of each case its page, and the rules that its XML breaks: if any, no page is needed.

    Raises:
      whatever drawing raises, of a document whose XML breaks no rule.
    """
    first = [validators.first_verdicts(case.document, case.xml) for case in cases]
    sound = [case for case, verdicts in zip(cases, first, strict=True) if not verdicts]
    judged = _judged(sound)
    return [(b"", verdicts) if verdicts else next(judged) for verdicts in first]


def _judged(cases: Sequence[Case]) -> Iterator[tuple[bytes, list[Verdict]]]:
    """Those of which schematrons are asked."""
    try:
        are_asked = _ask([(case.xml, validators.schematrons(case.document)) for case in cases])
        pages = [_drawn(case) for case in cases]
        answer = _answer() if are_asked else None
    except BaseException:
        _do_without()  # an answer that was not read is not for who asks next
        raise
    for i, (case, page) in enumerate(zip(cases, pages, strict=True)):
        if answer is None:
            verdicts = validators.verdicts(case.document, case.xml)
        else:
            verdicts = validators.verdicts_of(case.document, answer[i])
        if verdicts:
            yield b"", verdicts
        elif isinstance(page, Exception):
            raise page
        else:
            yield page, []


def _drawn(case: Case) -> bytes | Exception:
    try:
        return case.draw()
    except Exception as fault:  # which counts only where the XML is sound
        return fault


# --- asking --------------------------------------------------------------------------

_Question = tuple[bytes, list[Path]]  # an XML, and the schematrons that it is held against
_Answer = list[list[str]]  # the reports of each


def _ask(questions: Sequence[_Question]) -> bool:
    """Hands XMLs to a judge, where there is a door."""
    try:
        for door in _doors:  # one at most
            line = _line(door)
            pickle.dump(questions, line)
            line.flush()
    except OSError:
        _do_without()
    return bool(_doors)


def _line(door: socket.socket) -> BufferedRWPair:
    """The line to one's own judge."""
    if not _lines:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(_SILENCE)
            socket.send_fds(door, [b"\0"], [theirs.fileno()])
            _lines.append(ours.makefile("rwb"))
    return _lines[0]


def _answer() -> _Answer | None:
    """What the judge says; None: it was killed, or could not hold the rules, or says nothing."""
    try:
        answer: _Answer = pickle.load(_lines[0])  # noqa: S301  our own process wrote it
    except (EOFError, OSError, pickle.UnpicklingError):
        _do_without()
        return None
    return answer


def _do_without() -> None:
    _doors.clear()
    while _lines:
        with suppress(OSError):  # what could not be sent
            _lines.pop().close()


def _end(process: "subprocess.Popen[bytes]", door: socket.socket) -> None:
    """Waits for the judges, so that their processor time counts as this command's; whoever still
    compiles ends at once."""
    door.close()
    _do_without()
    with suppress(ChildProcessError, ProcessLookupError):
        # Not by Popen, which might give up its number: that is also the one of all judges.
        os.kill(process.pid, signal.SIGTERM)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        os.killpg(process.pid, signal.SIGKILL)  # some may not have left
    process.wait()
