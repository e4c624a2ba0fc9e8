"""The protocol of issuing, stopped at every call that changes the disk, and the lock."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import house
from lib.audit import findings
from lib.books import issuing, records
from lib.core import lock, storage
from lib.core.faults import Broken, Unavailable
from lib.core.root import Root

CLIENTS = ("nord", "sud")
INBOX = b"a line of the inbox\n"
_NAMES = "open write fsync link rename replace unlink mkdir rmdir fchmod fchown ftruncate pwrite"
CHANGING = tuple(_NAMES.split())


def issue(root: Root, seq: int) -> None:
    """A run in miniature: for each client two proofs and a record, once; a counter; the inbox."""
    with issuing.begin(root, f"run {seq}", 0) as run:
        chains = [records.read(root, root.data / "revenues" / f"{one}.jsonl") for one in CLIENTS]
        if chains[0].seq >= seq:
            return
        for chain in chains:
            proof = root.data / "invoices" / chain.path.stem / f"{seq}.pdf"
            digest = run.stage_proof(proof, f"{chain.path.stem} {seq}".encode() * 50)
            run.append(chain, [{"number": seq, "pdf_sha256": digest, "more": "é" * 30}])
        run.put(root.data / "counters" / "ATL.json", storage.canonical_json({"2026": seq}))
        run.remove(root.inbox_batch / "inbox.csv", storage.sha256(INBOX))
        run.commit()


def new_root(folder: Path) -> Root:
    """A root with a first run, and a file in the inbox for the second."""
    root = Root(folder)
    root.inbox_batch.mkdir(parents=True)
    issue(root, 1)
    house.write(root, "data/inbox_batch/inbox.csv", INBOX)
    return root


@pytest.fixture
def begun(tmp_path: Path) -> Callable[[str], Root]:
    """Copies of a new root."""
    first = new_root(tmp_path / "first")

    def copy(name: str) -> Root:
        return Root(shutil.copytree(first.path, tmp_path / name))

    return copy


def stop_at(call: int, torn: bool, names: tuple[str, ...] = CHANGING) -> ExitStack:
    """From now on, the process ends at the given call that changes the disk.

    Args:
      torn: if that call writes, half of its bytes are written first.
      names: the calls that count.
    """
    count = 0

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            reads = name == "open" and not arguments[1] & (os.O_CREAT | os.O_TRUNC)
            if not reads:
                count += 1
                if count == call:
                    if torn and name == "write":
                        real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                    os._exit(9)
            return real(*arguments, **options)

        return made

    stack = ExitStack()
    for name in names:
        stack.enter_context(mock.patch.object(os, name, counted(name, getattr(os, name))))
    return stack


def in_child(work: Callable[[], None]) -> int:
    """Does `work` in a child process; returns how it ended: 0 done, 9 stopped."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(70)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def stopped(root: Root, call: int, torn: bool = False, names: tuple[str, ...] = CHANGING) -> bool:
    """Runs the second run in a child that is stopped at `call`; False if it came to its end."""

    def work() -> None:
        with stop_at(call, torn, names):
            issue(root, 2)

    code = in_child(work)
    assert code in (0, 9)
    return code == 9


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: Any) -> dict[str, Any]:
    root = new_root(tmp_path_factory.mktemp("undisturbed") / "root")
    issue(root, 2)
    assert not (root.inbox_batch / "inbox.csv").exists()
    return house.tree(root)


def refuse_link(source: Path, target: Path, number: int = errno.EPERM) -> None:
    """A disk that has no link(2)."""
    raise OSError(number, os.strerror(number), source, None, target)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["before", "torn", "torn, without link"])
def test_stopped_at_any_call_the_next_run_ends_with_the_same_bytes(
    begun, undisturbed, kind, monkeypatch
):
    torn = kind.startswith("torn")
    names = ("write",) if kind == "torn" else CHANGING  # each other call is stopped at "before"
    if kind.endswith("link"):
        monkeypatch.setattr(os, "link", refuse_link)
    call, carried_out = 0, 0
    while True:
        call += 1
        root = begun(str(call))
        before = house.tree(root)
        if not stopped(root, call, torn, names):
            break
        if not issuing.stopped_runs(root) and not any(root.data.glob("invoices/*/2.pdf")):
            found = house.tree(root, "data/pending/")
            left = {
                name for name in found if findings.is_leftover(name)
            }  # of a folder that was tried
            assert {name: found[name] for name in found.keys() - left} == before, call
            assert len(left) < 2, call
        else:
            carried_out += 1
        issue(root, 2)
        assert house.tree(root) == undisturbed, call
        assert not list(root.pending.iterdir())
    assert call > (8 if kind == "torn" else 60)
    assert carried_out > (3 if kind == "torn" else 20)


NO_LINK = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)


@pytest.mark.parametrize("number", NO_LINK, ids=errno.errorcode.get)
def test_where_link_is_refused_a_copy_does_its_work(tmp_path, undisturbed, number):
    with mock.patch.object(os, "link", partial(refuse_link, number=number)):
        root = new_root(tmp_path / "root")
        issue(root, 2)
        assert house.tree(root) == undisturbed
        house.write(root, "data/invoices/nord/3.pdf", b"another")
        with pytest.raises(Broken, match="no record knows it"):
            issue(root, 3)


def test_a_copy_replaces_nothing_either(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", refuse_link)
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("nowhere")
    for taken in ("file", "link"):
        with pytest.raises(FileExistsError):
            storage.place(tmp_path / "new", tmp_path / taken)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link", "new"]
    assert (tmp_path / "file").read_bytes() == b"old"


def refused_in(folder: Path, name: str, file: str = "") -> Any:
    """A machine that refuses a call in a folder (to one file), whatever else it lets be done."""
    real = getattr(os, name)

    def call(first: Any, *arguments: Any, **options: Any) -> Any:
        path = Path(f"/proc/self/fd/{first}").readlink() if isinstance(first, int) else Path(first)
        reads = name == "open" and not arguments[0] & (os.O_WRONLY | os.O_RDWR)
        if path.parent == folder and path.name.startswith(file) and not reads:
            raise PermissionError(errno.EPERM, "Operation not permitted", str(path))
        return real(first, *arguments, **options)

    return mock.patch.object(os, name, call)


@pytest.mark.parametrize("name", ["open", "rename", "fchmod", "unlink"])
@pytest.mark.parametrize(
    "folder", ["invoices/sud", "revenues", "heads/revenues", "counters", "inbox_batch"]
)
def test_what_a_folder_refuses_is_refused_before_the_intent(tmp_path, undisturbed, folder, name):
    root = new_root(tmp_path / "root")
    before = house.tree(root)
    with refused_in(root.data / folder, name), pytest.raises(PermissionError):
        issue(root, 2)
    found = house.tree(root)
    assert {one: found[one] for one in found if not findings.is_leftover(one)} == before
    assert not issuing.stopped_runs(root)
    issue(root, 2)
    assert house.tree(root) == undisturbed


def test_a_record_file_that_may_not_be_written_is_refused_before_the_intent(tmp_path):
    root = new_root(tmp_path / "root")
    before = house.tree(root)
    with refused_in(root.data / "revenues", "open", "sud.jsonl"), pytest.raises(PermissionError):
        issue(root, 2)
    assert house.tree(root) == before


def test_what_the_machine_refuses_after_the_intent_is_not_said_to_be_undone(tmp_path, undisturbed):
    root = new_root(tmp_path / "root")
    with (
        refused_in(root.data / "counters", "rename", ".ATL"),
        pytest.raises(
            Unavailable, match="run the command again: what was begun is decided"
        ) as stop,
    ):
        issue(root, 2)
    assert [alert.code for alert in stop.value.alerts] == ["B-RUN-STOPPED"]
    assert "nothing" not in str(stop.value)
    issue(root, 2)
    assert house.tree(root) == undisturbed


@pytest.mark.long
def test_stopped_while_finishing_a_stopped_run_the_next_one_still_ends_well(begun, undisturbed):
    probe = begun("probe")
    committed = next(
        call for call in range(1, 500) if stopped(probe, call) and issuing.stopped_runs(probe)
    )
    call = 0
    while True:
        call += 1
        root = begun(str(call))
        assert stopped(root, committed)
        if not stopped(root, call):
            break
        issue(root, 2)
        assert house.tree(root) == undisturbed, call
    assert call > 30


def test_a_finished_run_is_said_and_named(begun, capsys):
    root = begun("root")
    call = next(
        call for call in range(1, 500) if stopped(root, call) and issuing.stopped_runs(root)
    )
    assert call
    with issuing.begin(root, "run 2", 0) as run:
        assert run.just_finished
    assert "finished the stopped run: run 2" in capsys.readouterr().err


def test_an_error_before_the_commit_leaves_nothing(tmp_path):
    root = new_root(tmp_path / "root")
    before = house.tree(root)
    with pytest.raises(ZeroDivisionError), issuing.begin(root, "run", 0) as run:
        run.stage_proof(root.data / "invoices" / "nord" / "2.pdf", b"x")
        run.put(root.data / "counters" / "ATL.json", b"{}")
        raise ZeroDivisionError
    assert house.tree(root) == before
    assert not list(root.pending.iterdir())


def test_a_proof_is_never_replaced(tmp_path):
    root = new_root(tmp_path / "root")
    house.write(root, "data/invoices/nord/2.pdf", b"another")
    before = house.tree(root)
    with pytest.raises(Broken, match="no record knows it"):
        issue(root, 2)
    assert house.tree(root) == before


def test_few_new_lines_are_held_before_they_are_staged_however_many_there_are(tmp_path):
    root = new_root(tmp_path / "root")
    chain = records.read(root, root.data / "revenues" / "nord.jsonl")
    staged = root.pending / "run" / "lines-1"

    def facts():
        for i in range(600):
            assert (i - staged.read_bytes().count(b"\n")) * 1_000 < 70_000
            yield {"number": i, "text": "x" * 800}

    with issuing.begin(root, "run", 0) as run:
        run.append(chain, facts())
        run.commit()
    assert [one["number"] for one in house.records(root, "nord")] == [1, *range(600)]
    assert records.read(root, chain.path).seq == 601


def test_proofs_cannot_be_written_to_and_records_can(tmp_path):
    modes = {name: mode for name, (mode, _) in house.tree(new_root(tmp_path / "root")).items()}
    assert modes["data/invoices/nord/1.pdf"] == 0o444
    assert modes["data/revenues/nord.jsonl"] == 0o640


def test_a_tail_that_is_not_ours_stops_the_repair(begun):
    root = begun("root")
    assert any(stopped(root, call) and issuing.stopped_runs(root) for call in range(1, 900))
    path = root.data / "revenues" / "nord.jsonl"
    path.write_bytes(path.read_bytes() + b"someone else\n")
    with pytest.raises(Broken, match="where the stopped run left it"):
        issue(root, 2)
    assert path.read_bytes().endswith(b"someone else\n")


def test_lines_that_could_not_be_flushed_are_written_again(tmp_path):
    """The system drops what it could not write: memory has it, and another flush is silent."""
    root = new_root(tmp_path / "root")
    path = root.data / "revenues" / "nord.jsonl"
    real = storage.flush_all

    def refused(paths):
        paths = list(paths)
        if path in paths:
            raise OSError(errno.EIO, "lost")
        real(paths)

    with mock.patch.object(storage, "flush_all", refused), pytest.raises(Unavailable):
        issue(root, 2)
    lost = path.read_bytes()
    with path.open("r+b") as stream:  # as the disk has it, were it not for what memory shows
        stream.seek(-20, os.SEEK_END)
        stream.write(bytes(20))
    with mock.patch.object(issuing, "_stands", lambda *_: True):
        issue(root, 2)
    assert path.read_bytes() == lost


def test_an_inbox_file_that_changed_meanwhile_is_not_removed(tmp_path):
    root = new_root(tmp_path / "root")
    house.write(root, "data/inbox_batch/inbox.csv", b"newer")
    issue(root, 2)
    assert (root.inbox_batch / "inbox.csv").read_bytes() == b"newer"


def test_a_full_disk_before_the_commit_leaves_nothing(tmp_path):
    root = new_root(tmp_path / "root")
    before = house.tree(root)
    for written in range(2):
        with full_after(written), pytest.raises(OSError, match="No space"):
            issue(root, 2)
        assert house.tree(root) == before, written
    issue(root, 2)


def full_after(writes: int) -> Any:
    """A disk that takes so many writes more."""
    real = os.write
    left = writes

    def write(handle: int, data: bytes) -> int:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data)

    return mock.patch.object(os, "write", write)


def test_a_disk_full_after_the_commit_is_finished_by_the_next_run(tmp_path, undisturbed):
    root = new_root(tmp_path / "root")
    for writes in range(100):
        with full_after(writes):
            try:
                issue(root, 2)
            except (OSError, Unavailable):
                continue
            break
    assert house.tree(root) == undisturbed


# --- the lock ------------------------------------------------------------------------


def test_a_second_run_says_who_holds_the_lock(tmp_path):
    root = Root(tmp_path)
    with (
        lock.exclusive(root, "generate_invoice 2026-10", 0),
        pytest.raises(Unavailable, match=f"generate_invoice 2026-10 .process {os.getpid()}."),
        lock.exclusive(root, "other", 0),
    ):
        pass


def test_readers_share_the_lock_and_keep_writers_out(tmp_path):
    root = Root(tmp_path)
    with lock.shared(root, 0), lock.shared(root, 0):
        assert "a reader" in refusal(lock.exclusive(root, "writer", 0))
    with lock.exclusive(root, "a writer", 0):
        assert "a writer" in refusal(lock.shared(root, 0))


def refusal(wanted: Any) -> str:
    with pytest.raises(Unavailable) as stop, wanted:
        pass
    return str(stop.value)


def test_a_waiting_run_says_for_whom_and_goes_on(tmp_path, capsys):
    root = Root(tmp_path)
    with ExitStack() as held:
        held.enter_context(lock.exclusive(root, "the first", 0))
        timer = threading.Timer(0.3, held.close)
        timer.start()
        with lock.exclusive(root, "the second", 20):
            pass
        timer.join()
    said = capsys.readouterr().err
    assert said.count("waiting for the first") == 1


def test_a_lock_of_a_killed_process_holds_nobody_up(tmp_path):
    root = Root(tmp_path)

    def die_holding() -> None:
        with lock.exclusive(root, "the dead", 0):
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(die_holding) == -signal.SIGKILL
    assert "the dead" in root.lock.read_text()
    with lock.exclusive(root, "the living", 0):
        assert "the dead" not in root.lock.read_text()
    assert root.lock.exists()


def test_a_child_does_not_inherit_the_lock(tmp_path):
    root = Root(tmp_path)
    with lock.exclusive(root, "parent", 0):
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
        )
    try:
        # Linux lets go of inherited handles a moment after exec has begun: so a second, not 0.
        with lock.exclusive(root, "next", 1):
            assert child.poll() is None
    finally:
        child.communicate(b"\n")


def test_one_of_many_runs_at_once_issues(tmp_path):
    root = new_root(tmp_path / "root")
    children = []
    for _ in range(6):
        child = os.fork()
        if not child:
            try:
                with mock.patch.object(issuing.lock, "_STEP", 0.01):
                    issue_waiting(root)
                os._exit(0)
            finally:
                os._exit(70)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    for one in CLIENTS:
        assert [record["seq"] for record in house.records(root, one)] == [1, 2]


def issue_waiting(root: Root) -> None:
    real = issuing.begin
    with mock.patch.object(issuing, "begin", lambda root, command, _: real(root, command, 30)):
        issue(root, 2)


def test_of_many_files_each_is_flushed_and_each_failure_is_one(tmp_path, monkeypatch):
    paths = [tmp_path / str(i) for i in range(40)]
    for path in paths:
        path.write_bytes(b"line")
    flushed = set()

    def fsync(handle):
        flushed.add(os.fstat(handle).st_ino)
        if os.fstat(handle).st_ino == paths[33].stat().st_ino:
            raise OSError(errno.EIO, "lost")

    monkeypatch.setattr(os, "fsync", fsync)
    for others in (paths[:33], paths[:3]):
        flushed.clear()
        storage.flush_all(others)
        assert flushed == {path.stat().st_ino for path in others}
    with pytest.raises(OSError, match="lost"):
        storage.flush_all(paths)
