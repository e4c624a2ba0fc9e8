"""The inbox of batches: which of its entries is one, why another is not, and where a batch goes.

Whoever uploads chooses names, kinds and owners. A batch is a file that this user may read and
that is named <client>__<month>.csv. Nothing else is opened or moved: it is named, where it lies.
A batch is archived before it is checked, and one that is refused lies in rejected/ with a report.
"""

import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from lib.core import storage
from lib.core.faults import Alert, Broken, Fault, Refused
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.inputs import cell_faults
from lib.inputs.cell_faults import CellFault

_STEM = r"([a-z][a-z0-9_]{1,39})__(20[0-9]{2}-(?:0[1-9]|1[0-2]))"
NAME = re.compile(rf"{_STEM}\.csv")
# Uploads in progress, and what desktops, editors and spreadsheets keep beside a file.
_PASSING = re.compile(r"[.~].*|.*(~|\.part|\.filepart|\.crdownload|\.tmp)", re.DOTALL)
# A batch but for its ending: "fil__2026-10.CSV", "fil__2026-10.csv.txt", "fil__2026-10.xlsx".
_MEANT = re.compile(rf"{_STEM}((?:\.[a-z0-9]+)*)", re.IGNORECASE | re.ASCII)
_EXCEL = (
    say("is an Excel workbook, not a CSV file"),
    say('open it and save it as CSV under the name {name}: in Excel "Save as", type "CSV UTF-8"'),
)
_ARCHIVE = (
    say("is an archive, not a CSV file"),
    say("unpack it and put the CSV here under the name {name}"),
)
# What people hand in that holds a table and is not a CSV, by its ending: what it is, what to do.
_FOREIGN = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb"), _EXCEL),
    ".ods": (
        say("is a LibreOffice spreadsheet, not a CSV file"),
        say(
            "open it and save it as CSV under the name {name}:"
            ' in LibreOffice "Save as", type "Text CSV"'
        ),
    ),
    ".numbers": (
        say("is a Numbers spreadsheet, not a CSV file"),
        say('open it and save it as CSV under the name {name}: in Numbers "Export to", "CSV"'),
    ),
    ".pdf": (
        say("is a PDF, not a CSV file"),
        say("hand in the table that it shows, saved as CSV under the name {name}"),
    ),
    **dict.fromkeys((".zip", ".7z", ".rar", ".gz"), _ARCHIVE),
}
_REPEATED = 20  # faults that the terminal and the log repeat; the report has all of them


class Submission(NamedTuple):
    """A file of the inbox, its archived copy, whose it is, which month, the hash of its bytes."""

    path: Path
    archived: Path
    client: str
    month: str
    sha256: str


def entries(root: Root, client: str = "") -> list[Path]:
    """What lies in the inbox, in order of name: all, or what is named as a client's.

    The folder of rejected files is the program's own.
    """
    start = f"{client}__" if client else ""
    folder = root.inbox_batch
    paths = list(folder.iterdir()) if folder.is_dir() else []
    return sorted(
        path
        for path in paths
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
        found = say(
            "is not read: it is an upload in progress, or another program keeps it for itself"
        )
        return Alert("I-INBOX", name, Fault("", found))
    if fault := _foreign(path) or _wrong_kind(mode) or _wrong_name(path):
        return Alert("B-CSV-NAME", name, fault)
    if not os.access(path, os.R_OK):
        remedy = say("change its permissions, or put a copy in its place")
        fault = Fault("", say("cannot be read by this user"), remedy=remedy)
        return Alert("B-INPUT-UNREADABLE", name, fault)
    return None


def is_folder(path: Path) -> bool:
    """Whether it is a folder itself, and not a link to one."""
    return path.is_dir() and not path.is_symlink()


def _wrong_kind(mode: int) -> Fault | None:
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISLNK(mode):
        return Fault("", say("is a link, not a file"), remedy=say("put the file itself here"))
    if stat.S_ISDIR(mode):
        remedy = say("put its files here one by one")
        return Fault("", say("is a folder, not a file"), remedy=remedy)
    return Fault("", say("is not a file but a pipe or a device"), remedy=say("remove it"))


def _foreign(path: Path) -> Fault | None:
    """What another program keeps a table in; Numbers keeps it in a folder."""
    if path.suffix.lower() not in _FOREIGN or path.is_symlink():
        return None
    found, remedy = _FOREIGN[path.suffix.lower()]
    right = _meant_name(path)
    if right and os.path.lexists(path.with_name(right)):
        return Fault("", found, remedy=_not_both(right))
    name = (("name", right or "<client>__<month>.csv"),)
    return Fault("", found, remedy=Message(remedy.text, name))


def _wrong_name(path: Path) -> Fault | None:
    if NAME.fullmatch(path.name):
        return None
    found = say("is not named <client>__<month>.csv, as atelier__2026-10.csv")
    return Fault("", found, remedy=_right_name(path))


def _right_name(path: Path) -> Message:
    meant, right = _MEANT.fullmatch(path.name), _meant_name(path)
    if meant is None:
        return say("rename it if it is a batch, else move it elsewhere")
    if os.path.lexists(path.with_name(right)):  # the one renamed would take the other's place
        return _not_both(right)
    if meant[3].lower() in ("", ".csv", ".csv.csv", ".csv.txt", ".txt"):
        return say("rename it to {name}", name=right)
    return say("save it as CSV under the name {name}", name=right)


def _meant_name(path: Path) -> str:
    """The name of the batch that an entry most likely is; empty for none."""
    meant = _MEANT.fullmatch(path.name)
    return f"{meant[1].lower()}__{meant[2]}.csv" if meant else ""


def _not_both(name: str) -> Message:
    return say("{name} is here too: move the one that is not right elsewhere", name=name)


# --- what becomes of a batch ---------------------------------------------------------


def receive(root: Root, path: Path) -> Submission:
    """Keeps the bytes of a batch in data/archive_batch/, whatever becomes of them.

    Raises:
      Refused: if the file changes while it is read.
      Broken: if its archived copy is not what it was.
    """
    match = NAME.fullmatch(path.name)
    assert match is not None
    digest = storage.sha256_of_file(path)
    target = root.archive_batch / f"{path.stem}.{digest[:12]}.csv"
    kept_before = target.exists()
    storage.keep_copy(path, target)
    if storage.sha256_of_file(target) != digest:
        if kept_before:
            found = say("is not the file that was handed in")
            fault = Fault("", found, remedy=say("run `make verify`"))
            raise Broken([Alert("B-PROOF-CHANGED", root.name_of(target), fault)])
        target.unlink()
        remedy = say("run the command again when it is complete")
        fault = Fault("", say("changes while it is read"), remedy=remedy)
        raise Refused([Alert("B-CSV-CHANGING", root.name_of(path), fault, match[1])])
    return Submission(path, target, match[1], match[2], digest)


def reject(
    root: Root,
    submission: Submission,
    faults: list[CellFault],
    language: str,
    delimiter: str = ";",
) -> list[Alert]:
    """Moves the file to rejected/ with its report; nothing is issued, no number used.

    Args:
      language: that of the seller, who reads the report.
      delimiter: the one that the seller's spreadsheet knows.

    Returns:
      the first faults, and where the report is.

    Raises:
      Broken: if rejected/ is a link: an uploader would choose where reports are written.
    """
    folder, name, client = root.rejected, submission.path.name, submission.client
    if os.path.lexists(folder) and not is_folder(folder):
        remedy = say("remove it, the program makes the folder")
        fault = Fault("", say("is a link or not a folder"), remedy=remedy)
        raise Broken([Alert("B-LINK", root.name_of(folder), fault)])
    storage.make_folder(folder)
    storage.replace(
        folder / f"{name}.errors.csv", cell_faults.report_csv(faults, delimiter, language)
    )
    storage.replace(folder / f"{name}.errors.txt", cell_faults.report_text(name, faults, language))
    storage.move(submission.path, folder / name)
    found = say(
        "rejected with {errors}, nothing was issued", errors=cell_faults.errors(len(faults))
    )
    remedy = say(
        "correct the file (the report is {report}) and put it into data/inbox_batch/ again",
        report=f"{root.name_of(folder)}/{name}.errors.csv",
    )
    first = [Alert("B-CSV-LINE", name, fault.fault(), client) for fault in faults[:_REPEATED]]
    return [*first, Alert("B-CSV-REJECTED", name, Fault("", found, remedy=remedy), client)]
