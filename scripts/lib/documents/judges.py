"""The judges that documents/judging asks: they hold XMLs against schematrons.

One process compiles; each caller gets a copy of it, a fork, which knows nothing but Saxon: what
else a process that makes documents needs would be held once more by each of them. Saxon gives back
no memory. So a judge answers the first questions, and has copies of itself answer the others, one
after the other: each ends after some documents, and with it what it held.
"""

import os
import pickle
import signal
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedRWPair
from pathlib import Path
from typing import IO

from lib.documents import schematron

_WORN = 64  # how a copy ends that has answered enough
_LEAVING = 3  # seconds that judges whom nobody can ask have to leave


def serve() -> None:
    """Compiles schematrons, and takes calls from standard input until nobody can call.

    sys.argv has how many documents a judge answers for, how many each of its copies, and the paths
    of the schematrons.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # who waits for nobody hands that down
    door = socket.socket(fileno=0)
    _, _, first, most, *names = sys.argv
    paths = list(map(Path, names))
    texts = _texts_from_beside(paths)
    schematron.processor()
    with texts:
        for path in paths:
            schematron.compile_text(path, pickle.load(texts))  # noqa: S301  our own copy wrote it
    _wait(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        word, lines, *_ = socket.recv_fds(door, 1, 1)
        if not word:
            break
        if not os.fork():
            door.close()
            _answer_all(lines[0], int(first), int(most))
        os.close(lines[0])
        _wait(os.WNOHANG)
    signal.alarm(_LEAVING)
    _wait(0)
    os._exit(0)  # Saxon would tidy up first


def _texts_from_beside(paths: Iterable[Path]) -> IO[bytes]:
    """By a copy of this process, while Saxon starts; what lxml holds for it ends with that."""
    reads, writes = os.pipe()
    if not os.fork():
        os.close(0)  # where this process dies, callers learn it, and so does
        os.close(reads)  # who writes what nobody will read
        with _leaving(), os.fdopen(writes, "wb") as pipe:
            for path in paths:
                pickle.dump(schematron.text(path), pipe)
    os.close(writes)
    return os.fdopen(reads, "rb")


def _answer_all(descriptor: int, first: int, most: int) -> None:
    """What a judge does, until nobody is left who could ask."""
    with _leaving(), socket.socket(fileno=descriptor).makefile("rwb") as line:
        _answer(line, first)
        status = _WORN
        while status == _WORN:
            copy = os.fork()
            if not copy:
                _answer(line, most)
                os._exit(_WORN)
            status = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])


def _answer(line: BufferedRWPair, documents: int) -> None:
    """Answers for so many at the least, since a question is not cut; who asks reads an answer
    before asking on.

    Raises:
      EOFError, OSError: nobody is left who could ask.
    """
    while documents > 0:
        asked = pickle.load(line)  # noqa: S301  a process of ours wrote it
        pickle.dump([schematron.reports(xml, paths) for xml, paths in asked], line)
        line.flush()
        documents -= len(asked)


@contextmanager
def _leaving() -> Iterator[None]:
    """A copy of a process ends where its work does, whatever becomes of it."""
    try:
        yield
    finally:
        os._exit(0)


def _wait(how: int) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, how)[0]:
            pass
