"""Records: append-only files of JSON lines, each line hashed and chained to the one before.

A line is canonical JSON with `seq` (1, 2, ...), `prev` (the hash of the line before, 64
zeros for the first), `hash` (SHA-256 of the line without `hash`) and its facts. For each
file, data/heads/<folder>/<name>.json keeps the last `seq` and `hash`, so that a line cut
off the end is noticed too.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from hashlib import sha256
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import msgspec

from lib.core import storage
from lib.core.faults import Alert, Broken, Fault, at_line, collecting
from lib.core.messages import Message, counted, say
from lib.core.root import Root

Record = dict[str, Any]

GENESIS = "0" * 64
_NOT_A_RECORD = say("is not a record")
_UNDECODED = (msgspec.MsgspecError, ValueError, RecursionError)
_AFTER_HASH = len(GENESIS) + len('",')
_PIECE = 1 << 16  # bytes of lines that are read and proved at once, while a cache holds them


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
      Broken: with the first disagreement, since what follows it cannot be proved.
    """
    with _opened(path) as stream:
        lines = list(stream)
    end = last([link for links in _proved(root, path, [lines], Link) for link in links])
    records: list[Record] = []
    with suppress(*_UNDECODED):
        records.extend(map(msgspec.json.Decoder(facts).decode, lines))
    if len(records) < len(lines):
        raise _fault(root, path, len(records) + 1, _NOT_A_RECORD)
    return Chain(path, tuple(records), sum(map(len, lines)), end.seq, end.hash)


def read_typed(root: Root, path: Path, shape: type[Linked]) -> Iterator[Linked]:
    """The lines of a record file, for work on many: only the facts that `shape` names, typed,
    each line proved before it is given.

    Raises:
      Broken: as `read` does, after the last line at the latest: until then the lines may have
        been written again together.
    """
    return chain.from_iterable(_pieces(root, path, shape))


def read_whole(root: Root, path: Path, shape: type[Linked]) -> list[Linked]:
    """All that `read_typed` gives, in less time."""
    links: list[Linked] = []
    for piece in _pieces(root, path, shape):
        links += piece
    return links


def _pieces(root: Root, path: Path, shape: type[Linked]) -> Iterator[list[Linked]]:
    with _opened(path) as stream:
        yield from _proved(root, path, iter(partial(stream.readlines, _PIECE), []), shape)


def last(links: Sequence[Link]) -> Link:
    """The last of the lines that `read_typed` gave; seq 0 where there is none."""
    return links[-1] if links else _BEFORE


def end_of(path: Path, links: Sequence[Link]) -> Chain:
    """A record file without its lines, to be appended to, once `read_typed` gave all of them."""
    end = last(links)
    return Chain(path, (), path.stat().st_size if links else 0, end.seq, end.hash)


def _opened(path: Path) -> IO[bytes]:
    """A record file; one that is missing is an empty one."""
    try:
        return storage.open_file(path)
    except FileNotFoundError:
        return BytesIO()


def _proved(
    root: Root, path: Path, pieces: Iterable[Sequence[bytes]], shape: type[Linked]
) -> Iterator[list[Linked]]:
    """What the lines of a file say, those of each piece of it once they are proved to be what was
    written; raises as `read_typed` does."""
    decode, end = _decoder(shape).decode, _BEFORE
    for lines in filter(None, pieces):
        links: list[Linked] = []
        with suppress(*_UNDECODED):
            links.extend(map(decode, lines))
        if not _follow(links, end, lines):
            raise _first_fault(root, path, end, lines, decode)
        yield links
        end = links[-1]
    _check_head(root, path, end.seq, end.hash)


@cache
def _decoder(shape: type[Linked]) -> msgspec.json.Decoder[Linked]:
    return msgspec.json.Decoder(shape)


def _follow(links: Sequence[Link], end: Link, lines: Sequence[bytes]) -> bool:
    """Whether these lines, read as `links`, are what was written after the line `end`."""
    # A line is canonical, so cutting the hash out of it gives what was hashed; no earlier key is
    # named hash.
    hashes = [
        sha256(before + after[_AFTER_HASH:-1]).hexdigest()
        for before, _, after in [line.partition(b'"hash":"') for line in lines]
    ]
    return (
        [link.hash for link in links] == hashes
        and [link.prev for link in links] == [end.hash, *hashes[:-1]]
        and [link.seq for link in links] == list(range(end.seq + 1, end.seq + 1 + len(lines)))
        and lines[-1].endswith(b"\n")
    )


def _first_fault(
    root: Root, path: Path, end: Link, lines: Iterable[bytes], decode: Callable[[bytes], Link]
) -> Broken:
    """What is wrong with the first of some lines that is not what was written after `end`."""
    for line in lines:
        seq = end.seq + 1
        if not line.endswith(b"\n"):
            found = say("is cut in half: it has no line break")
            break
        try:
            link = decode(line)
        except _UNDECODED:
            found = _NOT_A_RECORD
            break
        if link.seq != seq:
            found = say("has seq {seq}, expected {expected}", seq=link.seq, expected=seq)
            break
        if link.prev != end.hash:
            found = say("does not follow the line before it: prev is not that line's hash")
            break
        found = say("was changed: its hash is not that of its content")
        if not _follow([link], end, [line]):
            break
        end = link
    return _fault(root, path, seq, found)


def owners(root: Root, folder: Path) -> list[str]:
    """Whose record files a folder has, or had, since there is a head: in order of name."""
    names = {path.stem for path in folder.glob("*.jsonl")}
    names |= {path.stem for path in (root.heads / folder.name).glob("*.json")}
    return sorted(names)


@contextmanager
def without_collector() -> Iterator[None]:
    """For work on many records: without Python's collector of cycles. Records have none, nor has
    what they are made of, and it would walk all that was read again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def each_chain(root: Root, folder: Path, facts: Any = dict) -> Iterator[tuple[str, Chain]]:
    """Each chain of a folder, as `each_of` gives it."""
    return each_of(root, folder, owners(root, folder), facts)


def each_of(
    root: Root, folder: Path, names: Iterable[str], facts: Any = dict
) -> Iterator[tuple[str, Chain]]:
    """Each chain with the name of its file (the client), so that none has to be kept.

    Args:
      names: those of the folder, as `owners` gives them.
      facts: as of `read`.

    Raises:
      Broken: after the last, with every disagreement of every file, and for heads without a
        record file.
    """
    faults: list[Alert] = []
    for name in names:
        with collecting(faults):
            yield name, read(root, folder / f"{name}.jsonl", facts)
    if faults:
        raise Broken(faults)


def read_family(root: Root, folder: Path, facts: Any = dict) -> dict[str, Chain]:
    """All that `each_chain` gives."""
    return dict(each_chain(root, folder, facts))


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


def _check_head(root: Root, path: Path, seq: int, hash_: str) -> None:
    head = head_path(root, path)
    try:
        data = storage.read(head)
    except FileNotFoundError:
        data = b""
    if data == (head_bytes(seq, hash_) if seq else b""):
        return
    wrong = say(
        "disagrees with {file}, whose last line is seq {seq}, hash {hash}",
        file=root.name_of(path),
        seq=seq,
        hash=hash_,
    )
    if not data:
        lines = counted(seq, "1 line", "{number} lines")
        wrong = say("is missing, but {file} has {lines}", file=root.name_of(path), lines=lines)
    raise Broken([Alert("B-RECORD-HEAD", root.name_of(head), Fault("", wrong))])


def _fault(root: Root, path: Path, line: int, found: Message) -> Broken:
    return Broken([Alert("B-RECORD-BROKEN", root.name_of(path), Fault(at_line(line), found))])
