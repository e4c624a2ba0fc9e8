"""What a backup holds, everything under a root but what is derived, and the proof that it is whole.

A backup is one tar file: folders and files in order of name, times and owners fixed, so
that the same root gives the same bytes, and SHA256SUMS as its last member. Whatever bytes a
name has, it is kept: uploaders choose names.
"""

import hashlib
import os
import re
import stat
import tarfile
from collections.abc import Iterable, Iterator
from io import BufferedReader, FileIO
from pathlib import Path
from typing import NamedTuple

from lib.audit import findings
from lib.core import alerts, storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.inputs import logos

SUMS = "SHA256SUMS"
_BUFFER = 1 << 16  # bytes of a backup that are read at once
_HIDDEN = say("cannot be read by this user")
_FOLDERS = ("clients", "batch_clients", "data")
_NO_NAMES = {"", ".", ".."}
# As sha256sum(1) writes them, so that it can check a list without this program.
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_UNESCAPED = {escape: char for char, escape in _ESCAPES.items()}


class Contents(NamedTuple):
    """The names of what is to be kept, in order, and why an input is not."""

    names: list[str]
    left_out: list[Alert]


def is_part(name: str) -> bool:
    """Whether a file or folder, named from its root, belongs in a backup."""
    first, *rest = name.split("/")
    if not _NO_NAMES.isdisjoint((first, *rest)):
        return False
    if not rest and first not in _FOLDERS:
        return first in ("issuer.json", ".env") or first.lower().endswith(logos.SUFFIXES)
    last = (first, *rest)[-1]
    if first not in _FOLDERS or last == ".lock" or (last[0] == "." and last.endswith(".tmp")):
        return False
    return first != "data" or not rest or rest[0] not in ("balance", "flags")


# --- what is kept --------------------------------------------------------------------


def contents(root: Root) -> Contents:
    """The folders and files of a backup; an input that cannot be kept is left out.

    Raises:
      Refused: for each other file that cannot be kept: a backup without it would be worthless.
    """
    names: list[str] = []
    faults: list[Alert] = []
    for name, why in _walk(root, "", list(os.scandir(root.path))):
        if why:
            faults.append(unfit(root, name, why))
        else:
            names.append(name)
    faults.sort(key=lambda alert: alert.file)
    if ours := [alert for alert in faults if not root.is_input(alert.file)]:
        raise Refused(ours)
    return Contents(sorted(names), faults)


def unfit(root: Root, name: str, why: Message) -> Alert:
    """Something that a backup cannot hold."""
    if why == _HIDDEN and not root.is_input(name):
        return alerts.of_machine(storage.denied(root.path / name))._replace(file=name)
    if root.is_input(name):
        text = say("{reason}; it is left out", reason=why)
    else:
        text = say("{reason}; nothing is backed up without it", reason=why)
    remedy = say("move it away, or put the file itself in its place")
    return findings.alert("B-BACKUP-FILE", name, text, remedy)


def _walk(
    root: Root, folder: str, entries: list[os.DirEntry[str]]
) -> Iterator[tuple[str, Message | None]]:
    """The entries of a folder, and all below, that belong in a backup; why one cannot be kept."""
    for entry in entries:
        name = f"{folder}{entry.name}"
        if not is_part(name):
            continue
        below: list[os.DirEntry[str]] = []
        try:
            why = _unfit(root, entry)
            if entry.is_dir(follow_symlinks=False):
                below = list(os.scandir(entry))
        except PermissionError:
            why = _HIDDEN
        except FileNotFoundError:  # its owner has just moved it away
            continue
        yield name, why
        yield from _walk(root, f"{name}/", below)


def _unfit(root: Root, entry: os.DirEntry[str]) -> Message | None:
    if entry.is_symlink() and not storage.may_stand_for_a_file(root, Path(entry.path)):
        return say("is a link")
    mode = entry.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return say("is neither a file nor a folder")
    return None if storage.is_readable(entry) else _HIDDEN


# --- its list of hashes --------------------------------------------------------------


def sum_line(digest: str, name: str) -> bytes:
    """A line of SHA256SUMS, as sha256sum(1) writes it.

    Example:
      >>> sum_line("00", "two\\nlines")
      b'\\\\00  two\\\\nlines\\n'
    """
    escaped = "".join(_ESCAPES.get(char, char) for char in name)
    mark = "\\" if escaped != name else ""
    return f"{mark}{digest}  {escaped}\n".encode("utf-8", "surrogateescape")


def sums(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """What a list says: names, each with its hash."""
    for line in lines:
        text = line.decode("utf-8", "surrogateescape").removesuffix("\n")
        digest, _, name = text.partition("  ")
        if digest.startswith("\\"):
            digest = digest[1:]
            name = re.sub(r"\\[\\nr]", lambda match: _UNESCAPED[match[0]], name)
        if name:
            yield name, digest


# --- reading one ---------------------------------------------------------------------


def opened(file: Path) -> BufferedReader:
    """A backup, to be read."""
    return BufferedReader(FileIO(file), _BUFFER)


def members(stream: BufferedReader) -> Iterator[tarfile.TarInfo]:
    """What a backup holds, in order, from its beginning.

    Raises:
      TarError: if it is not a tar file.
    """
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
        while member := tar.next():
            forget(tar)
            yield member


def forget(tar: tarfile.TarFile) -> None:
    """Lets go of the members so far: tarfile keeps them all, and each is more than a kilobyte."""
    tar.members.clear()  # type: ignore[attr-defined]


def content(stream: BufferedReader, member: tarfile.TarInfo) -> Iterator[bytes]:
    """The bytes of a member that is a file, in pieces."""
    stream.seek(member.offset_data)
    return storage.pieces_of(stream, member.size)


def proved(file: Path, stream: BufferedReader, remedy: Message) -> int:
    """How many files there are to lay out: nothing else, and each with the hash of the list.

    Raises:
      TarError: if it is not a tar file, or was cut.
      Refused: for each that has no place in a root, or another hash than the list says.
    """
    digests: dict[str, bytes] = {}
    faults: list[Fault] = []
    last = None
    for last in members(stream):
        plain = last.isdir() or (last.isfile() and not last.issparse())
        if not is_part(last.name) or not plain:
            faults.append(Fault(last.name, say("has no place in a root"), remedy=remedy))
        elif last.isfile():
            if last.name in digests:
                faults.append(_not_as_listed(last.name, remedy))
            digests[last.name] = _sha256_of(content(stream, last))
    files = len(digests)
    if last and last.name == SUMS and last.isfile() and last.size:
        faults.pop()  # the list itself
        faults += _differences(digests, sums(_lines(stream, last)), remedy)
    else:
        faults = [Fault(SUMS, say("is missing; the backup was cut short"), remedy=remedy)]
    if faults:
        raise Refused(Alert("B-BACKUP-BROKEN", str(file), fault) for fault in faults)
    return files


def _differences(
    digests: dict[str, bytes], listed: Iterable[tuple[str, str]], remedy: Message
) -> list[Fault]:
    """Between the digests of files, from which those that are listed are taken out, and a list."""
    faults, missing = [], []
    for name, digest in listed:
        found = digests.pop(name, None)
        if found is None:
            missing.append(name)
        elif found.hex() != digest:
            faults.append(_not_as_listed(name, remedy))
    faults += [_not_as_listed(name, remedy) for name in digests]
    return faults + [Fault(name, say("is missing"), remedy=remedy) for name in sorted(missing)]


def _not_as_listed(name: str, remedy: Message) -> Fault:
    return Fault(name, say("is not what {list} lists", list=SUMS), remedy=remedy)


def _lines(stream: BufferedReader, member: tarfile.TarInfo) -> Iterator[bytes]:
    stream.seek(member.offset_data)
    left = member.size
    while line := stream.readline(left):
        left -= len(line)
        yield line


def _sha256_of(pieces: Iterable[bytes]) -> bytes:
    sha256 = hashlib.sha256()
    for piece in pieces:
        sha256.update(piece)
    return sha256.digest()
