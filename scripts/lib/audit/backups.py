"""What a backup holds, everything under a root but what is derived, and the proof that it is whole.

A backup is one tar file: folders and files in order of name, times and owners fixed, so
that the same root gives the same bytes, and SHA256SUMS as its last member. Whatever bytes a
name has, it is kept: uploaders choose names.
"""

import hashlib
import re
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from lib.audit import findings
from lib.core import alerts, storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.inputs import logos

SUMS = "SHA256SUMS"
_HIDDEN = say("cannot be read by this user")
_FOLDERS = ("clients", "batch_clients", "data")
# As sha256sum(1) writes them, so that it can check a list without this program.
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_UNESCAPED = {escape: char for char, escape in _ESCAPES.items()}


class Contents(NamedTuple):
    """What is to be kept, in order of name, and why an input is not."""

    paths: list[Path]
    left_out: list[Alert]


def is_part(name: str) -> bool:
    """Whether a file or folder, named from its root, belongs in a backup."""
    first, *rest = name.split("/")
    if any(part in ("", ".", "..") for part in (first, *rest)):
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
    walked = sorted(_walk(root, root.path), key=lambda pair: root.name_of(pair[0]))
    faults = [unfit(root, path, why) for path, why in walked if why]
    if ours := [alert for alert in faults if not root.is_input(alert.file)]:
        raise Refused(ours)
    return Contents([path for path, why in walked if not why], faults)


def unfit(root: Root, path: Path, why: Message) -> Alert:
    """Something that a backup cannot hold."""
    name = root.name_of(path)
    if why == _HIDDEN and not root.is_input(name):
        return alerts.of_machine(storage.denied(path))._replace(file=name)
    if root.is_input(name):
        text = say("{reason}; it is left out", reason=why)
    else:
        text = say("{reason}; nothing is backed up without it", reason=why)
    remedy = say("move it away, or put the file itself in its place")
    return findings.alert("B-BACKUP-FILE", name, text, remedy)


def _walk(root: Root, folder: Path) -> Iterator[tuple[Path, Message | None]]:
    """Everything below a folder that belongs in a backup, and why it cannot be kept."""
    for path in folder.iterdir():
        if not is_part(root.name_of(path)):
            continue
        try:
            why = _unfit(root, path)
            below = list(_walk(root, path)) if path.is_dir() and not path.is_symlink() else []
        except PermissionError:
            why, below = _HIDDEN, []
        except FileNotFoundError:  # its owner has just moved it away
            continue
        yield path, why
        yield from below


def _unfit(root: Root, path: Path) -> Message | None:
    if path.is_symlink() and not storage.may_stand_for_a_file(root, path):
        return say("is a link")
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return say("is neither a file nor a folder")
    return None if storage.is_readable(path) else _HIDDEN


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


def sums(data: bytes) -> dict[str, str]:
    """What a list says: the hash of each name."""
    listed = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        digest, _, name = line.partition("  ")
        if digest.startswith("\\"):
            digest = digest[1:]
            name = re.sub(r"\\[\\nr]", lambda match: _UNESCAPED[match[0]], name)
        listed[name] = digest
    return {name: digest for name, digest in listed.items() if name}


# --- reading one ---------------------------------------------------------------------


def opened(file: Path) -> tarfile.TarFile:
    """A backup, to be read.

    Raises:
      TarError: if it is not a tar file.
    """
    return tarfile.open(file, "r:", encoding="utf-8", errors="surrogateescape")


def proved(file: Path, tar: tarfile.TarFile, remedy: Message) -> list[tarfile.TarInfo]:
    """The members to lay out, in order: nothing else, and each with the hash of the list.

    Raises:
      Refused: for each that has no place in a root, or another hash than the list says.
    """
    members = tar.getmembers()
    listed: dict[str, str] = {}
    if members and members[-1].name == SUMS and members[-1].isfile():
        listed = sums(content(tar, members[-1]).read())
    faults: list[Fault] = []
    seen: set[str] = set()
    for member in members[:-1]:
        plain = member.isdir() or (member.isfile() and not member.issparse())
        if not is_part(member.name) or not plain:
            faults.append(Fault(member.name, say("has no place in a root"), remedy=remedy))
        elif member.isfile():
            digest = _sha256_of(content(tar, member))
            if member.name in seen or listed.get(member.name) != digest:
                text = say("is not what {list} lists", list=SUMS)
                faults.append(Fault(member.name, text, remedy=remedy))
            seen.add(member.name)
    missing = sorted(listed.keys() - seen)
    faults += [Fault(name, say("is missing"), remedy=remedy) for name in missing]
    if not listed:
        faults = [Fault(SUMS, say("is missing; the backup was cut short"), remedy=remedy)]
    if faults:
        raise Refused(Alert("B-BACKUP-BROKEN", str(file), fault) for fault in faults)
    return members[:-1]


def content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    """The bytes of a member that is a file."""
    stream = tar.extractfile(member)
    assert stream is not None
    return stream


def _sha256_of(stream: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    for piece in storage.pieces_of(stream):
        sha256.update(piece)
    return sha256.hexdigest()
