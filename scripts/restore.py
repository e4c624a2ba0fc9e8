#!/usr/bin/env python3
"""Restores a backup into an empty folder: all of it, proved against its list of hashes.

Nothing is written before every file of the backup was read and its hash compared. What is
derived is not in a backup: `make restore` makes it again and ends with `make verify`.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "", lays_out=True)
    options.add_argument("--from", type=Path, required=True, dest="archive", help="backup.tar")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import os
import shutil
import tarfile
from io import BufferedReader

from lib.audit import backups
from lib.core import storage
from lib.core.messages import counted, say
from lib.core.root import Root


def main(arguments: Namespace, root: Root) -> None:
    """Proves, then writes.

    Raises:
      Refused: if the folder is not empty, or the file is not a whole backup.
    """
    if any(root.path.iterdir()):
        remedy = say("a backup is restored into an empty folder")
        text = say("is not empty")
        raise cli.refuse("B-RESTORE-PLACE", str(root.path), "ROOT", text, remedy=remedy)
    file: Path = arguments.archive
    if not file.is_file():
        text, remedy = say("is not a file"), say("name a backup")
        raise cli.refuse("B-INPUT-MISSING", str(file), "FROM", text, remedy=remedy)
    try:
        with backups.opened(file) as stream:
            files = backups.proved(file, stream, say("take another backup"))
            lay_out(root, stream)
    except (tarfile.TarError, EOFError):
        text, remedy = say("is not a whole backup"), say("take another")
        raise cli.refuse("B-BACKUP-BROKEN", str(file), "", text, remedy=remedy) from None
    cli.speak(root.path)  # the language of the issuer.json that is there now
    restored = counted(
        files,
        "1 file restored, with the hash that the backup lists",
        "{number} files restored, each with the hash that the backup lists",
    )
    print(say("{root}: {restored}", root=str(root.path), restored=restored))


def lay_out(root: Root, backup: BufferedReader) -> None:
    """Writes every member; where that fails, what was written is taken away again."""
    folders: list[tuple[Path, int]] = []
    try:
        for member in backups.members(backup):
            if not backups.is_part(member.name):  # the list
                continue
            path, mode = root.path / member.name, member.mode & 0o777
            if member.isdir():
                path.mkdir(0o700)
                folders.append((path, mode))
            else:
                with storage.create(path) as stream:
                    stream.writelines(backups.content(backup, member))
                path.chmod(mode)
        for path, mode in reversed(folders):
            path.chmod(mode)
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
