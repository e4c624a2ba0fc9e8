#!/usr/bin/env python3
"""Backs a root up: inputs, records, proofs, counters, heads, logs, what is pending; in one tar.

What is derived is left out, since it can be made again. The same root gives the same bytes
under the same name but for the date; a backup that exists is never written over.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--to", type=Path, required=True, help="/mnt/backups")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import hashlib
import io
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from lib.audit import backups
from lib.core import lock, storage
from lib.core.faults import Alert, Broken, Refused, printable
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.inputs import settings

_MODE = 0o600  # it holds the secrets of .env
_IN_MEMORY = 1 << 20  # bytes of an input; what is longer is copied to the disk
_BUFFER = 1 << 20  # bytes of the tar that are written at once


class _Hashed(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, stream: IO[bytes]):
        self.stream = stream
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.sha256.update(data)
        return data


def main(arguments: Namespace, root: Root) -> None:
    """Writes the tar beside its place, reads it back as a restore would, and then names it.

    Raises:
      Refused: if the folder to write to would be part of the backup; if an input could not be
        kept: the backup is there, without it.
    """
    folder: Path = arguments.to.resolve()
    check_place(root, folder)
    storage.make_folder(folder)
    temporary = folder / f".backup-{os.getpid()}.tmp"
    try:
        with lock.shared(root, settings.load(root).lock_wait):
            digest, files, left_out = write(root, temporary)
        target = folder / f"backup-{arguments.today}-{digest[:12]}.tar"
        shown, number = printable(str(target)), counted(files, "1 file", "{number} files")
        if target.exists():
            prove(target)
            print(say("{backup} has all of it already: {files}", backup=shown, files=number))
        else:
            prove(temporary)
            temporary.rename(target)
            storage.flush_folder(folder)
            size = target.stat().st_size
            print(say("{backup}: {files}, {size} bytes", backup=shown, files=number, size=size))
        if left_out:
            raise Refused(left_out)
    finally:
        temporary.unlink(missing_ok=True)


def check_place(root: Root, folder: Path) -> None:
    """A backup inside what it backs up would grow with each one."""
    if folder.is_relative_to(root.path) and backups.is_part(
        folder.relative_to(root.path).as_posix()
    ):
        text = say('"{folder}" is itself backed up', folder=str(folder))
        remedy = say("choose a folder elsewhere, best on another disk")
        raise cli.refuse("B-BACKUP-PLACE", "", "TO", text, remedy=remedy)


def write(root: Root, target: Path) -> tuple[str, int, list[Alert]]:
    """Writes the tar.

    Returns:
      the SHA-256 of its list of hashes, how many files it has, and why inputs are not in it.
    """
    files = 0
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    with (
        os.fdopen(handle, "wb", _BUFFER) as stream,
        tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(target.parent)) as sums,
        tarfile.open(
            fileobj=stream,
            mode="w",
            format=tarfile.PAX_FORMAT,
            encoding="utf-8",
            errors="surrogateescape",
        ) as tar,
    ):
        names, left_out = backups.contents(root)
        for name in names:
            path = root.path / name
            try:
                mode = path.stat().st_mode
                if stat.S_ISDIR(mode):
                    add(tar, name, mode)
                    continue
                with opened(root, path, target.parent) as content:
                    digest = add(tar, name, mode, content)
            except (FileNotFoundError, PermissionError, Broken):
                # Other hands move inputs at any time; mails leave under a lock of their own.
                if not (root.is_input(name) or name.startswith("data/outbox/")):
                    raise
                if path.is_symlink() or path.exists():
                    left_out.append(backups.unfit(root, name, say("was changed meanwhile")))
                continue
            sums.write(backups.sum_line(digest, name))
            files += 1
        digest = add(tar, backups.SUMS, 0o444, sums)
        tar.close()
        storage.flush(stream)
    return digest, files, left_out


@contextmanager
def opened(root: Root, path: Path, folder: Path) -> Iterator[IO[bytes]]:
    """A file to keep: of an input, which other hands may change meanwhile, a copy.

    Args:
      folder: where a long copy finds room.
    """
    is_input = root.is_input(root.name_of(path))
    may_be_link = is_input and root.inbox_batch not in path.parents
    with storage.open_file(path.resolve() if may_be_link else path) as stream:
        if not is_input:
            yield stream
            return
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(folder)) as copy:
            shutil.copyfileobj(stream, copy)
            yield copy


def prove(file: Path) -> None:
    """Reads a backup as a restore would.

    Raises:
      Refused: if it could not be restored.
    """
    with backups.opened(file) as stream:
        backups.proved(file, stream, say("check the disk, then run the command again"))


def add(tar: tarfile.TarFile, name: str, mode: int, content: IO[bytes] | None = None) -> str:
    """Adds a file, or a folder, without what differs between machines: times and owners.

    Returns:
      the SHA-256 of its bytes.
    """
    entry = tarfile.TarInfo(name)
    entry.mode = mode & 0o777
    if content is None:
        entry.type = tarfile.DIRTYPE
        content = io.BytesIO()
    entry.size = content.seek(0, os.SEEK_END)
    content.seek(0)
    hashed = _Hashed(content)
    tar.addfile(entry, hashed)
    backups.forget(tar)
    return hashed.sha256.hexdigest()


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
