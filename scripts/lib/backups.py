"""What a backup holds: everything under a root but what is derived, and the program.

A backup is one tar file: folders and files in order of name, times and owners fixed, so
that the same root gives the same bytes, and SHA256SUMS as its last member.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from lib import logos
from lib.alerts import Alert, Refused
from lib.root import Root

SUMS = "SHA256SUMS"
_FOLDERS = ("clients", "batch_clients", "data")


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


def contents(root: Root) -> list[Path]:
    """The folders and files of a backup, in order of name.

    Raises:
      Refused: for each that is neither, or leads out of the root.
    """
    found, faults = [], []
    for path in sorted(_walk(root, root.path), key=root.name_of):
        mode = path.stat().st_mode if path.exists() else 0
        inside = path.resolve().is_relative_to(root.path.resolve())
        if inside and (stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and not path.is_symlink())):
            found.append(path)
        else:
            text = "is neither a file nor a folder of this root; move it away"
            faults.append(Alert("B-BACKUP-FILE", root.name_of(path), "", text))
    if faults:
        raise Refused(faults)
    return found


def _walk(root: Root, folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if is_part(root.name_of(path)):
                yield path
                if entry.is_dir(follow_symlinks=False):
                    yield from _walk(root, path)
