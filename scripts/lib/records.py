"""Records: append-only files of JSON lines, each line hashed and chained to the one before.

A line is canonical JSON with `seq` (1, 2, ...), `prev` (the hash of the line before, 64
zeros for the first), `hash` (SHA-256 of the line without `hash`) and its facts. For each
file, data/heads/<folder>/<name>.json keeps the last `seq` and `hash`, so that a line cut
off the end is noticed too.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from lib import storage
from lib.alerts import Alert, Broken, counted
from lib.root import Root

Record = dict[str, Any]

Shape = TypeVar("Shape")

GENESIS = "0" * 64
_NONE = "is no record"


class Chain(NamedTuple):
    """A record file as it stands: its lines, its length in bytes, its last seq and hash."""

    path: Path
    records: tuple[Record, ...]
    length: int
    seq: int
    hash: str


def empty(path: Path) -> Chain:
    """A record file without lines, which need not be there."""
    return Chain(path, (), 0, 0, GENESIS)


class Extension(NamedTuple):
    """New lines for a chain: their bytes, and the head that the file has with them."""

    lines: bytes
    seq: int
    hash: str


def head_path(root: Root, path: Path) -> Path:
    """The head of a record file: data/revenues/nord.jsonl -> data/heads/revenues/nord.json."""
    return root.heads / path.parent.name / f"{path.stem}.json"


def head_bytes(seq: int, hash_: str) -> bytes:
    """The bytes of a head file."""
    return storage.canonical_json({"hash": hash_, "seq": seq}) + b"\n"


class Link(msgspec.Struct, gc=False):
    """What chains a line to the others. A Struct of more of a line's facts begins with it."""

    seq: int
    prev: str
    hash: str


_BEFORE = Link(0, "", GENESIS)  # what the first line follows

Linked = TypeVar("Linked", bound=Link)


def read(root: Root, path: Path, facts: Any = dict) -> Chain:
    """The record file at `path`, proved against its own hashes and its head.

    Args:
      facts: a TypedDict of those facts that the records shall hold, where there are many.

    Returns:
      an empty chain where neither the file nor its head exists.

    Raises:
      Broken: with every disagreement found.
    """
    *lines, rest = _pieces(path)
    end = _prove(root, path, lines, rest, _decoded(lines, Link))
    records: list[Record] = list(_decoded(lines, facts))
    if len(records) < len(lines):
        raise Broken([_fault(root.name_of(path), len(records) + 1, _NONE)])
    length = sum(map(len, lines)) + len(lines)
    return Chain(path, tuple(records), length, end.seq, end.hash)


def read_as(root: Root, path: Path, shape: type[Linked]) -> list[Linked]:
    """The same for work on many records: only the facts that `shape` names, typed."""
    *lines, rest = _pieces(path)
    links = list(_decoded(lines, shape))
    _prove(root, path, lines, rest, links)
    return links


def last(links: Sequence[Link]) -> Link:
    """The last of the lines that `read_as` gave; seq 0 where there is none."""
    return links[-1] if links else _BEFORE


def _pieces(path: Path) -> list[bytes]:
    """The lines of a file without their line breaks, and what follows the last one."""
    try:
        return storage.read(path).split(b"\n")
    except FileNotFoundError:
        return [b""]


def _prove(root: Root, path: Path, lines: list[bytes], rest: bytes, links: Iterable[Link]) -> Link:
    """The last of the lines, which are what was written, and all of it.

    Raises:
      Broken: with every disagreement found.
    """
    name = root.name_of(path)
    faults = []
    if rest:
        faults.append(_fault(name, len(lines) + 1, "is cut in half: it has no line break"))
    end, fault = _last_link(lines, links)
    if fault:
        # What follows a broken line cannot be proved; one fault names the place.
        faults = [_fault(name, end.seq + 1, fault)]
    if not faults:
        faults = _head_faults(root, path, end.seq, end.hash)
    if faults:
        raise Broken(faults)
    return end


def _decoded(lines: list[bytes], shape: type[Shape]) -> Iterator[Shape]:
    """Lines as dictionaries or Structs, up to the first that is no record."""
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        yield from map(msgspec.json.Decoder(shape).decode, lines)


def owners(root: Root, folder: Path) -> list[str]:
    """Whose record files a folder has, or had, since there is a head: in order of name."""
    names = {path.stem for path in folder.glob("*.jsonl")}
    names |= {path.stem for path in (root.heads / folder.name).glob("*.json")}
    return sorted(names)


@contextmanager
def without_collector() -> Iterator[None]:
    """For work on many records: they have no cycles, yet Python's collector of cycles would
    walk all that was read again and again, for a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def read_family(root: Root, folder: Path, facts: Any = dict) -> dict[str, Chain]:
    """Every chain of a folder, by the name of its file (the client), in order of name.

    Args:
      facts: as of `read`.

    Raises:
      Broken: with every disagreement of every file, and for heads without a record file.
    """
    chains: dict[str, Chain] = {}
    faults: list[Alert] = []
    for name in owners(root, folder):
        try:
            chains[name] = read(root, folder / f"{name}.jsonl", facts)
        except Broken as broken:
            faults += broken.alerts
    if faults:
        raise Broken(faults)
    return chains


def extend(chain: Chain, facts: list[Record]) -> Extension:
    """The lines that append `facts` (plain JSON data without seq, prev, hash) to `chain`."""
    seq, prev = chain.seq, chain.hash
    lines = []
    for fact in facts:
        seq += 1
        record = {**fact, "seq": seq, "prev": prev}
        prev = storage.sha256(storage.canonical_json(record))
        lines.append(storage.canonical_json({**record, "hash": prev}) + b"\n")
    return Extension(b"".join(lines), seq, prev)


def _last_link(lines: list[bytes], links: Iterable[Link]) -> tuple[Link, str]:
    """The last line that follows those before, and what is wrong with the next."""
    end = _BEFORE
    for line, link in zip(lines, links, strict=False):
        if link.seq != end.seq + 1:
            return end, f"has seq {link.seq}, expected {end.seq + 1}"
        if link.prev != end.hash:
            return end, "does not follow the line before it: prev is not that line's hash"
        # The line is canonical, so cutting the hash out of it gives what was hashed.
        unhashed = line.replace(b'"hash":"' + link.hash.encode() + b'",', b"", 1)
        if storage.sha256(unhashed) != link.hash:
            return end, "was changed: its hash is not that of its content"
        end = link
    return end, "" if end.seq == len(lines) else _NONE


def _head_faults(root: Root, path: Path, seq: int, hash_: str) -> list[Alert]:
    head = head_path(root, path)
    try:
        found = storage.read(head)
    except FileNotFoundError:
        found = b""
    expected = head_bytes(seq, hash_) if seq else b""
    if found == expected:
        return []
    text = f"disagrees with {root.name_of(path)}, whose last line is seq {seq}, hash {hash_}"
    if not found:
        text = f"is missing, but {root.name_of(path)} has {counted(seq, 'line')}"
    return [Alert("B-RECORD-HEAD", root.name_of(head), "", text)]


def _fault(name: str, line: int, text: str) -> Alert:
    return Alert("B-RECORD-BROKEN", name, f"line {line}", text)
