"""A judge beside: a process that holds XMLs against the rules while this one draws their pages.

It compiles the rules while inputs are still read, which takes as long as all the rest of a first
invoice. It opens no file of a root and writes nothing; whatever goes wrong with it, the rules are
held here instead.
"""

import atexit
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from lib.documents import validators
from lib.documents.validators import Verdict
from lib.values.document import Document

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from lib.documents import judging
judging.serve()
"""


class _Judge(NamedTuple):
    process: "subprocess.Popen[bytes]"
    questions: IO[bytes]
    answers: IO[bytes]


_beside: list[_Judge] = []  # one at most


def start() -> None:
    """Starts the judge, unless there is one, or the rules are compiled here already."""
    if _beside or "saxonche" in sys.modules:
        return
    command = [sys.executable, "-E", "-s", "-c", _PROGRAM, str(Path(__file__).parents[2])]
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process, which ends the judge
    )
    assert process.stdin and process.stdout
    _beside.append(_Judge(process, process.stdin, process.stdout))
    atexit.register(process.kill)


def meanwhile(
    document: Document, xml: bytes, draw: Callable[[], bytes]
) -> tuple[bytes, list[Verdict]]:
    """The page that `draw` makes, and the rules that the XML breaks: if any, no page is needed.

    Raises:
      whatever drawing raises, of a document whose XML breaks no rule.
    """
    if not _ask(document, xml):
        verdicts = validators.verdicts(document, xml)
        return b"" if verdicts else draw(), verdicts
    try:
        page = draw()
    except Exception:
        if verdicts := _answer(document, xml):
            return b"", verdicts
        raise
    return page, _answer(document, xml)


def _ask(document: Document, xml: bytes) -> bool:
    """Hands an XML to the judge, where there is one."""
    try:
        for judge in _beside:
            _send(judge.questions, (document, xml))
    except BrokenPipeError:
        _beside.clear()
    return bool(_beside)


def _answer(document: Document, xml: bytes) -> list[Verdict]:
    (judge,) = _beside
    verdicts: list[Verdict]
    try:
        verdicts = pickle.load(judge.answers)  # noqa: S301  our own process wrote it
    except (EOFError, pickle.UnpicklingError):  # it was killed, or the rules could not be held
        _beside.clear()
        verdicts = validators.verdicts(document, xml)
    return verdicts


def _send(pipe: IO[bytes], what: object) -> None:
    pickle.dump(what, pipe)
    pipe.flush()


def serve() -> None:
    """What the judge does, as long as it is asked."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing but answers goes there
    validators.get_ready()
    while True:
        try:
            document, xml = pickle.load(sys.stdin.buffer)  # noqa: S301
        except EOFError:
            return
        _send(answers, validators.verdicts(document, xml))
