"""The inbox of batches: which of its entries is one, and why another is not.

Whoever uploads chooses names, kinds and owners. A batch is a file that this user may read and
that is named <client>__<month>.csv. Nothing else is opened or moved: it is named, where it lies.
"""

import os
import re
import stat
from pathlib import Path

from lib.core.faults import Alert, Fault
from lib.core.root import Root

_STEM = r"([a-z][a-z0-9_]{1,39})__(20[0-9]{2}-(?:0[1-9]|1[0-2]))"
NAME = re.compile(rf"{_STEM}\.csv")
# Uploads in progress, and what desktops, editors and spreadsheets keep beside a file.
_PASSING = re.compile(r"[.~].*|.*(~|\.part|\.filepart|\.crdownload|\.tmp)", re.DOTALL)
# A batch but for its ending: "fil__2026-10.CSV", "fil__2026-10.csv.txt", "fil__2026-10.xlsx".
_MEANT = re.compile(rf"{_STEM}((?:\.[a-z0-9]+)*)", re.IGNORECASE | re.ASCII)


def entries(root: Root, client: str = "") -> list[Path]:
    """What lies in the inbox, in order of name: all, or what is named as a client's.

    The folder of rejected files is the program's own.
    """
    start = f"{client}__" if client else ""
    folder = root.inbox_batch
    found = list(folder.iterdir()) if folder.is_dir() else []
    return sorted(
        path
        for path in found
        if path.name.startswith(start) and not (path == root.rejected and is_folder(path))
    )


def stray(root: Root, path: Path) -> Alert | None:
    """Why an entry is not a batch that can be read; None where it is one, or is gone."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    name = root.name_of(path)
    if _PASSING.fullmatch(path.name) and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        text = "is not read: it is an upload in progress, or another program keeps it for itself"
        return Alert("I-INBOX", name, Fault("", text))
    if text := _wrong_kind(mode):
        return Alert("B-CSV-NAME", name, Fault("", text))
    if not NAME.fullmatch(path.name):
        return Alert("B-CSV-NAME", name, Fault("", _wrong_name(path.name)))
    if not os.access(path, os.R_OK):
        text = "cannot be read by this user; change its permissions, or put a copy in its place"
        return Alert("B-INPUT-UNREADABLE", name, Fault("", text))
    return None


def is_folder(path: Path) -> bool:
    """Whether it is a folder itself, and not a link to one."""
    return path.is_dir() and not path.is_symlink()


def _wrong_kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "is a link, not a file; put the file itself here"
    if stat.S_ISDIR(mode):
        return "is a folder, not a file; put its files here one by one"
    return "" if stat.S_ISREG(mode) else "is not a file but a pipe or a device; remove it"


def _wrong_name(name: str) -> str:
    text = "is not named <client>__<month>.csv, as atelier__2026-10.csv"
    meant = _MEANT.fullmatch(name)
    if meant is None:
        return f"{text}; rename it if it is a batch, else move it elsewhere"
    right = f"{meant[1].lower()}__{meant[2]}.csv"
    if meant[3].lower() in ("", ".csv", ".csv.csv", ".csv.txt", ".txt"):
        return f"{text}; rename it to {right}"
    return f"{text}; save it as CSV under the name {right}"
