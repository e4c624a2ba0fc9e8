#!/usr/bin/env python3
"""Lays a backup out in an empty folder: all of it, proved against its list of hashes.

Nothing is written before every file of the backup was read and its hash compared. What is
derived is not in a backup: `make restore` makes it again and ends with `make verify`.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--from", type=Path, required=True, dest="archive", help="the backup")
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import hashlib
import os
import shutil
import tarfile
from typing import IO

from lib import alerts, backups, storage
from lib.alerts import Alert, Refused
from lib.root import Root


def main(arguments: Namespace, root: Root) -> None:
    """Proves, then lays out.

    Raises:
      Refused: if the folder is not empty, or the file is no whole backup.
    """
    if any(root.path.iterdir()):
        text = "is not empty; a backup is restored into an empty folder"
        raise cli.refuse("B-RESTORE-PLACE", str(root.path), "ROOT", text)
    file: Path = arguments.archive
    if not file.is_file():
        raise cli.refuse("B-INPUT-MISSING", str(file), "FROM", "is no file; name a backup")
    try:
        with tarfile.open(file, "r:") as tar:
            members = proved(file, tar)
            lay_out(root, tar, members)
    except (tarfile.TarError, EOFError) as error:
        text = f"is no whole backup: {error}; take another one"
        raise cli.refuse("B-BACKUP-BROKEN", str(file), "", text) from None
    files = alerts.counted(sum(member.isfile() for member in members), "file")
    print(f"{root.path}: {files} restored, each with the hash that the backup lists")


def proved(file: Path, tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """The members to lay out, in order.

    Raises:
      Refused: for each that has no place in a root, or another hash than the list says.
    """
    members = tar.getmembers()
    listed: dict[str, str] = {}
    if members and members[-1].name == backups.SUMS and members[-1].isfile():
        lines = content(tar, members[-1]).read().decode("utf-8", "replace").splitlines()
        listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    faults = []
    seen: dict[str, str] = {}
    for member in members[:-1]:
        plain = member.isdir() or (member.isfile() and not member.issparse())
        if not backups.is_part(member.name) or not plain:
            faults.append(fault(file, member.name, "has no place in a root"))
        elif member.isfile():
            digest = sha256_of(content(tar, member))
            if member.name in seen or listed.get(member.name) != digest:
                faults.append(fault(file, member.name, f"is not what {backups.SUMS} lists"))
            seen[member.name] = digest
    faults += [fault(file, name, "is missing") for name in sorted(listed.keys() - seen.keys())]
    if not listed:
        faults = [fault(file, backups.SUMS, "is missing; the backup was cut short")]
    if faults:
        raise Refused(faults)
    return members[:-1]


def content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    """The bytes of a member that is a file."""
    stream = tar.extractfile(member)
    assert stream is not None
    return stream


def sha256_of(stream: IO[bytes]) -> str:
    """The SHA-256 of what is left of a stream, read in pieces."""
    sha256 = hashlib.sha256()
    while piece := stream.read(1 << 20):
        sha256.update(piece)
    return sha256.hexdigest()


def fault(file: Path, place: str, text: str) -> Alert:
    """Something wrong in a backup."""
    return Alert("B-BACKUP-BROKEN", str(file), place, f"{text}; take another backup")


def lay_out(root: Root, tar: tarfile.TarFile, members: list[tarfile.TarInfo]) -> None:
    """Writes every member; where that fails, what was written is taken away again."""
    try:
        for member in members:
            path = root.path / member.name
            if member.isdir():
                path.mkdir()
                continue
            with storage.create(path) as stream:
                shutil.copyfileobj(content(tar, member), stream)
            path.chmod(member.mode & 0o777)
        for member in reversed(members):
            if member.isdir():
                (root.path / member.name).chmod(member.mode & 0o777)
        os.sync()
        storage.flush_folder(root.path)
    except BaseException:
        for path in root.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        raise


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
