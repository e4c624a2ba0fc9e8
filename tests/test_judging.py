"""Judges beside say what the rules held here say, and are not needed."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import Popen
from time import monotonic

import pytest
from msgspec.structs import replace

import house
from lib.core import workers
from lib.core.root import Root
from lib.documents import judging, production
from lib.inputs import settings
from lib.values.document import Document


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Document:
    return house.draft(house.build(tmp_path_factory.mktemp("root")))


@pytest.fixture
def alone(monkeypatch) -> None:
    """No judge was asked in this process, and no rules compiled."""
    monkeypatch.delitem(judging.sys.modules, "saxonche", raising=False)
    monkeypatch.setattr(judging, "_doors", [])
    monkeypatch.setattr(judging, "_lines", [])


class Beside:
    """The process that compiles, the judges that are copies of it, their copies, and what ends
    them."""

    def __init__(self, end: Callable[..., None], process: "Popen[bytes]", *door: object):
        self.process = process
        self.end = partial(end, process, *door)

    def judges(self) -> list[int]:
        return _children(self.process.pid)

    def copies(self) -> list[int]:
        return [copy for judge in self.judges() for copy in _children(judge)]


def _children(process: int) -> list[int]:
    task = Path(f"/proc/{process}/task/{process}")
    return list(map(int, (task / "children").read_text().split()))


@pytest.fixture
def beside(alone, tmp_path, monkeypatch) -> Iterator[Beside]:
    """Judges that answer for three documents, and each of their copies for two."""
    started: list[Beside] = []
    with monkeypatch.context() as patched:
        patched.setattr(judging, "_FIRST", 3)
        patched.setattr(judging, "_MOST", 2)
        patched.setattr(judging.atexit, "register", lambda *end: started.append(Beside(*end)))
        production.expect(settings.load(Root(tmp_path))._replace(workers=2), 1)
    (beside,) = started
    yield beside
    if beside.process.returncode is None:
        beside.end()
    wait_until(lambda: not is_there(beside.process.pid))


def is_there(session: int) -> bool:
    """Whether a process of a session is left."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            state, _, _, own, *_ = path.read_text().rpartition(")")[2].split()
            if int(own) == session and state != "Z":
                return True
    return False


def wait_until(is_so: Callable[[], object]) -> None:
    end = monotonic() + 30
    while not is_so():
        assert monotonic() < end


def broken(document: Document) -> Document:
    """One whose seller has a VAT number of no country, and whose total is not its lines'."""
    seller = replace(document.seller, vat_number="ZZ1")
    totals = replace(document.totals, due=document.totals.due + 1)
    return replace(document, seller=seller, totals=totals)


def are_refused(*documents: Document) -> list[bool]:
    return [bool(production.produce(None, document).verdicts) for document in documents]


def test_a_judge_beside_says_what_is_said_here(sound, beside, monkeypatch):
    documents = [sound, broken(sound), sound]
    made = [production.produce(None, document) for document in documents]
    assert len(beside.judges()) == 1
    monkeypatch.setattr(judging, "_doors", [])
    assert made == [production.produce(None, document) for document in documents]
    assert [bool(product.verdicts) for product in made] == [False, True, False]
    assert made[0].pdf.startswith(b"%PDF") and not made[1].pdf


def test_of_an_invoice_that_breaks_rules_no_page_has_to_be_made(sound, beside):
    no_glyph = replace(broken(sound), subject="\u2603")
    assert production.produce(None, no_glyph).verdicts
    with pytest.raises(ValueError, match="no glyph"):
        production.produce(None, replace(sound, subject="\u2603"))
    assert not production.produce(None, sound).verdicts


def test_after_so_many_documents_copies_of_the_judge_answer(sound, beside):
    copies: list[list[int]] = [[]]
    for sound_ones in (2, 1, 1):
        assert not any(are_refused(*[sound] * sound_ones))
        assert (len(beside.judges()), beside.copies()) == (1, copies[-1])
        assert are_refused(broken(sound)) == [True]
        wait_until(lambda: beside.copies() not in ([], copies[-1]))
        copies.append(beside.copies())
    assert [len(alive) for alive in copies] == [0, 1, 1, 1]


@pytest.mark.parametrize(
    "who", ["the first", "one that compiles", "the one that is asked", "its copy"]
)
def test_judges_that_die_are_not_missed(sound, beside, monkeypatch, who):
    began = monotonic()
    if who == "the first":
        beside.process.kill()
    elif who == "one that compiles":
        wait_until(beside.judges)
        beside.process.kill()
    else:
        assert are_refused(broken(sound)) == [True]
        if who == "its copy":
            assert are_refused(broken(sound), sound) == [True, False]
            wait_until(beside.copies)
        answer = judging._answer
        monkeypatch.setattr(judging, "_answer", lambda: _kill(beside) or answer())
    assert are_refused(sound, broken(sound)) == [False, True]
    assert not judging._doors
    assert monotonic() - began < judging._SILENCE


def _kill(beside: Beside) -> None:
    for judge in beside.copies() or beside.judges():
        os.kill(judge, signal.SIGKILL)


def test_nobody_waits_for_a_judge_that_says_nothing(sound, beside, monkeypatch):
    assert not are_refused(sound)[0]
    (first,) = beside.judges()
    judging._lines.pop().close()
    monkeypatch.setattr(judging, "_SILENCE", 1)
    judging._line(*judging._doors)
    wait_until(lambda: set(beside.judges()) - {first})
    os.kill(beside.judges()[-1], signal.SIGSTOP)
    assert are_refused(sound, broken(sound)) == [False, True]
    assert not judging._doors


@pytest.mark.parametrize("is_judge_killed", [False, True])
def test_a_copy_that_says_nothing_is_ended(sound, beside, is_judge_killed):
    assert not any(are_refused(sound, sound, sound))
    wait_until(beside.copies)
    (judge,), (copy,) = beside.judges(), beside.copies()
    os.kill(copy, signal.SIGSTOP)
    if is_judge_killed:
        os.kill(judge, signal.SIGKILL)
    beside.end()
    wait_until(lambda: not is_there(beside.process.pid))


@pytest.mark.parametrize("begins", [False, True])
def test_who_is_not_asked_need_not_compile_to_the_end(beside, begins):
    if begins:
        wait_until(beside.judges)
    beside.end()
    assert beside.process.returncode == -signal.SIGTERM


def test_an_answer_that_nobody_read_is_not_for_who_asks_next(sound, beside, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(judging, "_drawn", interrupted)
        with pytest.raises(KeyboardInterrupt):
            production.produce(None, broken(sound))
    assert are_refused(sound) == [False]


def interrupted(case: judging.Case) -> bytes:
    raise KeyboardInterrupt


def test_where_no_process_can_start_the_rules_are_held_here(alone, sound, monkeypatch):
    def limited(*_: object, **__: object) -> None:
        raise BlockingIOError("ulimit -u")

    monkeypatch.setattr(judging.subprocess, "Popen", limited)
    assert not judging.start()
    assert are_refused(sound, broken(sound)) == [False, True]


def test_workers_have_judges_that_one_process_compiled(sound, beside):
    documents = [sound, broken(sound)] * 4
    ready = partial(production.get_ready, judging.start())
    with workers.started(produced, None, 2, ready) as done:
        made = [product for _, product in done(documents)]
    assert [compiled for _, compiled in made] == [False] * 8
    assert [refused for refused, _ in made] == [False, True] * 4
    assert not are_refused(sound)[0]  # this process may ask as well


def produced(shared: None, document: Document) -> tuple[bool, bool]:
    """Whether a document is refused; whether the rules were compiled here."""
    (refused,) = are_refused(document)
    return refused, "saxonche" in sys.modules


def test_one_process_alone_has_no_judge_beside(alone, tmp_path):
    config = settings.load(Root(tmp_path))
    production.expect(config._replace(workers=1), 1)
    production.expect(config._replace(workers=2), 1000)
    assert not judging._doors
