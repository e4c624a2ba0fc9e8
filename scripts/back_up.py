#!/usr/bin/env python3
"""Backs a root up: inputs, records, proofs, counters, heads, logs, what is pending; in one tar.

What is derived is left out, since it can be made again. The same root gives the same bytes
under the same name but for the date; a backup that exists is never written over.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--to", type=Path, required=True, help="the folder to put the backup into")
    made.add_argument("--today", type=cli.day, required=True, help="the date of today")
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import hashlib
import io
import os
import tarfile

from lib import alerts, backups, lock, settings, storage
from lib.root import Root

_MODE = 0o600  # it holds the secrets of .env


class _Hashed(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, path: Path):
        self.stream = path.open("rb")
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.sha256.update(data)
        return data

    def close(self) -> None:
        self.stream.close()
        super().close()


def main(arguments: Namespace, root: Root) -> None:
    """Writes the tar beside its place and renames it when it is whole.

    Raises:
      Refused: if the folder to write to would be part of the backup.
    """
    folder: Path = arguments.to.resolve()
    check_place(root, folder)
    storage.make_folder(folder)
    temporary = folder / f".backup-{os.getpid()}.tmp"
    try:
        with lock.shared(root, settings.load(root).lock_wait):
            digest, files = write(root, temporary)
        target = folder / f"backup-{arguments.today}-{digest[:12]}.tar"
        if target.exists():
            print(f"{target} has all of it already: {alerts.counted(files, 'file')}")
            return
        temporary.rename(target)
        storage.flush_folder(folder)
        print(f"{target}: {alerts.counted(files, 'file')}, {target.stat().st_size} bytes")
    finally:
        temporary.unlink(missing_ok=True)


def check_place(root: Root, folder: Path) -> None:
    """A backup inside what it backs up would grow with each one."""
    if folder.is_relative_to(root.path) and backups.is_part(
        folder.relative_to(root.path).as_posix()
    ):
        text = f'"{folder}" is itself backed up; choose a folder elsewhere, best on another disk'
        raise cli.refuse("B-BACKUP-PLACE", "", "TO", text)


def write(root: Root, target: Path) -> tuple[str, int]:
    """Writes the tar; returns the SHA-256 of its list of hashes, and how many files it has."""
    sums = []
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    with (
        os.fdopen(handle, "wb") as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in backups.contents(root):
            name = root.name_of(path)
            entry = member(name, path.stat().st_mode)
            if path.is_dir():
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
                continue
            # A log may grow meanwhile: as many bytes as it has now.
            entry.size = path.stat().st_size
            with _Hashed(path) as content:
                tar.addfile(entry, content)
                sums.append(f"{content.sha256.hexdigest()}  {name}\n")
        listed = "".join(sums).encode()
        entry = member(backups.SUMS, 0o444)
        entry.size = len(listed)
        tar.addfile(entry, io.BytesIO(listed))
        tar.close()
        storage.flush(stream)
    return storage.sha256(listed), len(sums)


def member(name: str, mode: int) -> tarfile.TarInfo:
    """A member without what differs from one machine to another: times and owners."""
    entry = tarfile.TarInfo(name)
    entry.mode = mode & 0o777
    return entry


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
