"""Issuing: the one protocol for everything that appends a record.

    with issuing.begin(root, command, wait) as run:
        ...decide; check counters and heads against the records...
        run.stage_proof(path, data)          # goes to data/pending/, nothing is kept
        run.append(chain, facts)
        run.put(path, data)                  # counters, usage, flags
        run.commit()

`begin` takes the lock, finishes what a stopped run left, and gives a folder under
data/pending/. Until `commit`, nothing else changes: any error removes the folder, and
nothing happened. `commit` flushes all that is staged, then renames intent.json into its
place: from that moment on the run will be carried out, if not by this process then by the
next one. What a disk or the rights of this user may refuse is tried in each target folder
before that. Carrying out is idempotent, step by step, so a stop anywhere is repaired byte for
byte: proofs by link(2), or by a copy, neither of which replaces; records by writing their new
lines again where they belong; counters, heads, usage and flags by rename.
"""

import contextlib
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from lib.books import closed_periods, records
from lib.core import alerts, lock, storage
from lib.core.faults import Alert, Broken, Fault, Unavailable, printable
from lib.core.messages import Message, say
from lib.core.root import Root

_INTENT = "intent.json"
_DONE = "done.json"  # the intent of a run that was carried out, while its folder is removed
_PROOFS = "proofs.jsonl"
_LINES = "lines-1"

# What an intent may name: files below data/, and what is staged beside the intent itself. It
# comes from a disk, or out of a backup, and what it says is done without asking.
_TARGET = re.compile(r"data(/(?!\.\.?(/|$))[^/\0]+)+")
_STAGED = re.compile(r"(proof|lines)-[0-9]+")


class _Append(NamedTuple):
    """New lines of one record file, which had `base` bytes; they are so many bytes of `staged`.

    Intents of before 2026-11-30 have a staged file for each record file.
    """

    file: str
    base: int
    staged: str
    sha256: str
    start: int = 0
    length: int = sys.maxsize


class StagedProof(NamedTuple):
    """A file beside the intent that will be a proof: its name there, and its SHA-256."""

    name: str
    sha256: str


def write_staged(folder: Path, name: str, data: bytes) -> StagedProof:
    """Writes a proof where `Run.next_name` said, in any process; `Run.take` is to follow."""
    storage.stage_new(folder / name, data, storage.PROOF_MODE)
    return StagedProof(name, storage.sha256(data))


class Run:
    """One run between its lock and its commit. It holds names and hashes, no contents."""

    def __init__(self, root: Root, command: str, folder: Path, finished: frozenset[str]):
        self.root = root
        self.command = command
        self.folder = folder
        self.just_finished = command in finished
        self._proofs = 0
        self._proof_list = storage.create(folder / _PROOFS)
        self._lines = storage.create(folder / _LINES)
        self._flushing = storage.Flushing()
        self._appends: list[_Append] = []
        self._puts: list[dict[str, str]] = []
        self._removals: list[dict[str, str]] = []

    @cached_property
    def closed(self) -> date:
        """The last day that is closed."""
        return closed_periods.last_day(self.root)

    def stage_proof(self, path: Path, data: bytes) -> str:
        """Stages a file that will never change; returns its SHA-256."""
        staged = write_staged(self.folder, self.next_name(), data)
        self.take(self.root.name_of(path), staged)
        return staged.sha256

    def next_name(self) -> str:
        """The name of one more staged proof, for whoever writes it."""
        self._proofs += 1
        return f"proof-{self._proofs:07d}"

    def take(self, file: str, staged: StagedProof) -> None:
        """A proof was written, and is to be `file`, as `Root.name_of` names it."""
        entry = {"file": file, "sha256": staged.sha256, "staged": staged.name}
        self._proof_list.write(storage.canonical_json(entry) + b"\n")
        self._flushing.add(self.folder / staged.name)

    def append(self, chain: records.Chain, facts: Iterable[records.Record]) -> None:
        """Stages new lines for a record file as they come, and its new head.

        Raises:
          Refused: for a line that is dated in a closed period.
        """
        last, digest, start = chain, hashlib.sha256(), self._lines.tell()
        dated = self.closed > date.min and chain.path.parent.name in closed_periods.FAMILIES
        for fact in facts:
            if dated:
                closed_periods.refuse_line(fact, self.closed)
            line, seq, hash_ = records.extend(last, [fact])
            last = last._replace(seq=seq, hash=hash_)
            digest.update(line)
            self._lines.write(line)
        name, length = self.root.name_of(chain.path), self._lines.tell() - start
        sha256 = digest.hexdigest()
        self._appends.append(_Append(name, chain.length, _LINES, sha256, start, length))
        head = records.head_path(self.root, chain.path)
        self.put(head, records.head_bytes(last.seq, last.hash))

    def put(self, path: Path, data: bytes) -> None:
        """Stages a small text file that replaces the one at `path`."""
        self._puts.append({"file": self.root.name_of(path), "text": data.decode()})

    def remove(self, path: Path, sha256: str) -> None:
        """Stages the removal of a file, if it still has these bytes when its turn comes."""
        self._removals.append({"file": self.root.name_of(path), "sha256": sha256})

    def commit(self) -> None:
        """Makes the run happen: the intent's rename is the moment from which it will."""
        for stream in (self._proof_list, self._lines):
            storage.flush(stream)
            stream.close()
        self._make_room()
        self._flushing.finish()
        intent = {
            "command": self.command,
            "proofs": storage.sha256_of_file(self.folder / _PROOFS),
            "appends": [entry._asdict() for entry in self._appends],
            "puts": self._puts,
            "removals": self._removals,
        }
        _flush_up(self.root, {self.folder})
        storage.replace(self.folder / _INTENT, storage.pretty_json(intent))
        _carry_out(self.root, self.folder, intent)

    def _make_room(self) -> None:
        """Creates the target folders, tries in each what will be done there, and refuses proofs
        that exist with other bytes."""
        appended = [self.root.path / entry.file for entry in self._appends]
        replaced = [self.root.path / entry["file"] for entry in (*self._puts, *self._removals)]
        folders = {path.parent for path in (*appended, *replaced)}
        names, strays = set(), []
        for proof in _proofs(self.root, self.folder):
            target = self.root.path / proof["file"]
            names.add(_folder_of(proof))
            if target.exists() and storage.sha256_of_file(target) != proof["sha256"]:
                found = say("exists already, though no record knows it")
                stray = Fault("", found, remedy=say("run `make verify`"))
                strays.append(Alert("B-PROOF-EXISTS", proof["file"], stray))
        if strays:
            raise Broken(strays)
        for folder in sorted(folders.union(map(self.root.path.joinpath, names))):
            _refuse_outside(self.root, folder)
            storage.make_folder(folder)
            storage.try_folder(folder)
        for path in appended:
            storage.try_to_write(path)
        for path in replaced:
            storage.try_to_replace(path)

    def abandon(self) -> None:
        """Removes what was staged; nothing happened."""
        self._flushing.stop()
        for stream in (self._proof_list, self._lines):
            with contextlib.suppress(OSError):  # a full disk does not take the rest of it
                stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def begin(root: Root, command: str, wait: int) -> Iterator[Run]:
    """Takes the lock, finishes stopped runs, and opens a new one.

    Args:
      command: the script and the facts that distinguish this run from any other, as text.
      wait: seconds to wait for the lock.

    Raises:
      Unavailable: the lock is held.
      Broken: a stopped run cannot be finished.
    """
    with lock.exclusive(root, command, wait):
        finished = finish_stopped_runs(root)
        folder = root.pending / "run"
        storage.make_folder(root.pending)
        storage.make_new_folder(folder)
        run = Run(root, command, folder, finished)
        try:
            with _reported_if_it_stands(folder):
                yield run
        finally:
            # Once the intent stands, the folder is the next run's to finish; never ours to drop.
            if not _is_decided(folder):
                run.abandon()


@contextmanager
def reading(root: Root, command: str, wait: int) -> Iterator[None]:
    """Holds the lock together with other readers, with no stopped run left to finish.

    Arguments and errors are those of `begin`.
    """
    while True:
        with lock.shared(root, wait):
            if not stopped_runs(root):
                yield
                return
        with lock.exclusive(root, command, wait):
            finish_stopped_runs(root)


def finish_stopped_runs(root: Root) -> frozenset[str]:
    """Carries out every intent that a stopped run left; drops folders without one.

    The caller holds the exclusive lock.

    Returns:
      the commands that were finished: by this call, or by a run that was stopped right after.
    """
    finished = set()
    for folder in sorted(path for path in root.pending.glob("*") if path.is_dir()):
        if (folder / _INTENT).exists():
            intent = read_intent(root, folder / _INTENT)
            with _reported_if_it_stands(folder):
                _carry_out(root, folder, intent)
        elif (folder / _DONE).exists():
            intent = read_intent(root, folder / _DONE)
            _remove_folder(root, folder)
        else:
            shutil.rmtree(folder)
            continue
        command = printable(intent["command"])
        print(say("finished the stopped run: {command}", command=command), file=sys.stderr)
        finished.add(intent["command"])
    return frozenset(finished)


def _is_decided(folder: Path) -> bool:
    """Whether the run of this folder will be, or was, carried out."""
    return (folder / _INTENT).exists() or (folder / _DONE).exists()


@contextmanager
def _reported_if_it_stands(folder: Path) -> Iterator[None]:
    """What the machine refuses once the intent stands does not undo the run, and says so.

    Raises:
      Unavailable: instead of such an OSError.
    """
    try:
        yield
    except OSError as error:
        if not _is_decided(folder):
            raise
        then = say(
            "run the command again: what was begun is decided, and the next command that writes"
            " finishes it"
        )
        alert = alerts.of_machine(error, then)
        raise Unavailable([alert._replace(code="B-RUN-STOPPED")]) from error


def stopped_runs(root: Root) -> list[str]:
    """The commands of the intents that wait to be finished."""
    intents = sorted(root.pending.glob(f"*/{_INTENT}"))
    return [printable(read_intent(root, intent)["command"]) for intent in intents]


def read_intent(root: Root, path: Path) -> dict[str, Any]:
    """An intent, whole, that names nothing but what a run of ours could have named.

    Raises:
      Broken: if it is malformed, so that nothing of it is done.
    """
    try:
        intent: dict[str, Any] = json.loads(storage.read(path))
        appends = [_Append(**entry) for entry in intent["appends"]]
        staged = [entry.staged for entry in appends]
        targets = [entry.file for entry in appends]
        targets += [entry["file"] for entry in (*intent["puts"], *intent["removals"])]
        texts = [intent["command"], intent["proofs"], *(put["text"] for put in intent["puts"])]
        texts += [entry.sha256 for entry in appends] + [
            entry["sha256"] for entry in intent["removals"]
        ]
        "".join((*texts, *targets)).encode()
        sizes = [size for entry in appends for size in (entry.base, entry.start, entry.length)]
        sound = all(type(size) is int and 0 <= size <= sys.maxsize for size in sizes)
        if sound and all(map(_TARGET.fullmatch, targets)) and all(map(_STAGED.fullmatch, staged)):
            return intent
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise Broken([_broken_intent(root.name_of(path), say("is not an intent of ours"))])


def _broken_intent(file: str, found: Message) -> Alert:
    remedy = say("restore data/pending from a backup")
    return Alert("B-INTENT-BROKEN", file, Fault("", found, remedy=remedy))


def check_staged(root: Root, folder: Path, intent: dict[str, Any]) -> None:
    """Whether all that an intent appends still lies beside it.

    Raises:
      Broken: with every file that is gone or changed, so that nothing is half carried out.
    """
    whole = _Append("", 0, _PROOFS, intent["proofs"])
    entries = [whole, *(_Append(**entry) for entry in intent["appends"])]
    found = say("is gone or was changed since its intent was written")
    faults = [
        _broken_intent(root.name_of(folder / name), found)
        for name in dict.fromkeys(entry.staged for entry in entries if not _lies(folder, entry))
    ]
    if faults:
        raise Broken(faults)


def _lies(folder: Path, entry: _Append) -> bool:
    """Whether what is staged of an entry is there, as it was written."""
    digest = hashlib.sha256()
    try:
        for piece in _staged_of(folder, entry):
            digest.update(piece)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == entry.sha256


def _staged_of(folder: Path, entry: _Append) -> Iterator[bytes]:
    """What is staged of an entry, in pieces."""
    with storage.open_file(folder / entry.staged) as stream:
        stream.seek(entry.start)
        yield from storage.pieces_of(stream, entry.length)


def _refuse_outside(root: Root, folder: Path) -> None:
    """No folder that is written to lies elsewhere, behind a link.

    Raises:
      Broken: if it does.
    """
    if folder.resolve() != folder:
        found, remedy = say("is reached through a link"), say("put the folder itself in its place")
        raise Broken([Alert("B-LINK", root.name_of(folder), Fault("", found, remedy=remedy))])


# --- carrying out an intent: every step may be repeated ------------------------------


def _carry_out(root: Root, folder: Path, intent: dict[str, Any]) -> None:
    check_staged(root, folder, intent)
    touched = _place_proofs(root, folder)
    appends = [(root.path / entry["file"], _Append(**entry)) for entry in intent["appends"]]
    puts = {root.path / put["file"]: put["text"] for put in intent["puts"]}
    appended = [path for path, _ in appends]
    for target in {path.parent for path in (*appended, *puts)}:
        _refuse_outside(root, target)
        storage.make_folder(target)
        touched.add(target)
    for path, entry in appends:
        _append_lines(path, folder, entry)
    storage.flush_all(appended)
    for touched_folder in touched:
        storage.clear_trial(touched_folder)
    _flush_up(root, touched)
    storage.replace_all({path: text.encode() for path, text in puts.items()})
    for removal in intent["removals"]:
        _remove(root.path / removal["file"], removal["sha256"])
    (folder / _INTENT).rename(folder / _DONE)
    storage.flush_folder(folder)
    _remove_folder(root, folder)


def _remove_folder(root: Root, folder: Path) -> None:
    """Removes the folder of a run that was carried out; what says so goes last."""
    for path in folder.iterdir():
        if path.name != _DONE:
            path.unlink()
    (folder / _DONE).unlink()
    folder.rmdir()
    storage.flush_folder(root.pending)


def _proofs(root: Root, folder: Path) -> Iterator[dict[str, str]]:
    with storage.open_file(folder / _PROOFS) as stream:
        for line in stream:
            try:
                proof = json.loads(line)
                sound = _TARGET.fullmatch(proof["file"]) and _STAGED.fullmatch(proof["staged"])
            except (ValueError, KeyError, TypeError, RecursionError):
                sound = None
            if not sound:
                found = say("names what no run of ours could")
                raise Broken([_broken_intent(root.name_of(folder / _PROOFS), found)])
            yield proof


def _folder_of(proof: Mapping[str, str]) -> str:
    return proof["file"].rpartition("/")[0]


def _place_proofs(root: Root, folder: Path) -> set[Path]:
    folders: dict[str, Path] = {}
    for proof in _proofs(root, folder):
        target = root.path / proof["file"]
        if _folder_of(proof) not in folders:
            folders[_folder_of(proof)] = target.parent
            _refuse_outside(root, target.parent)
            storage.make_folder(target.parent)
        try:
            storage.place(folder / proof["staged"], target)
        except FileExistsError:
            if storage.sha256_of_file(target) != proof["sha256"]:
                found = say("exists already with other bytes")
                other = Fault("", found, say("a proof is never replaced"))
                raise Broken([Alert("B-PROOF-EXISTS", proof["file"], other)]) from None
    return {*folders.values()}


def _append_lines(path: Path, folder: Path, entry: _Append) -> None:
    if not _stands(path, entry.base, _staged_of(folder, entry)):
        found = say(
            "does not stand at {bytes} bytes, where the stopped run left it", bytes=entry.base
        )
        raise Broken([Alert("B-RECORD-BROKEN", entry.file, Fault("", found))])
    # What a stopped run wrote is written again: where it could not flush that, it may be in
    # memory alone, and another flush would do nothing.
    storage.append(path, entry.base, _staged_of(folder, entry))


def _stands(path: Path, base: int, lines: Iterable[bytes]) -> bool:
    """Whether a record file has `base` bytes, and beyond them only the first ones of `lines`."""
    length = path.stat().st_size if path.exists() else 0
    if length <= base:
        return length == base
    with storage.open_file(path) as stream:
        stream.seek(base)
        same = all(piece.startswith(stream.read(len(piece))) for piece in lines)
        return same and not stream.read(1)


def _flush_up(root: Root, folders: set[Path]) -> None:
    """Flushes folders and all above them: a killed run may have made one without flushing it."""
    every = {above for folder in folders for above in (folder, *folder.parents)}
    for folder in sorted(path for path in every if path.is_relative_to(root.path)):
        storage.flush_folder(folder)


def _remove(path: Path, sha256: str) -> None:
    # A link that was put there meanwhile is not the file that was read.
    with contextlib.suppress(FileNotFoundError, Broken):
        if storage.sha256_of_file(path) == sha256:
            path.unlink()
    storage.clear_trial(path.parent)
    # A killed run may have removed it and not flushed that: it is flushed here in either case.
    storage.flush_folder(path.parent)
