"""What every audit needs: each file as it lies there, read without trust; modes, owners, leftovers.

An audit lists what is wrong and goes on; whatever bytes a file has, it raises nothing. The
parts stand beside this module: record_audit (chains, numbers, payments), proof_audit
(documents, PDFs, archives), derived_audit (balances, packages, exports, usage).
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from lib.books import issuing, records
from lib.core import alerts, storage
from lib.core.faults import Alert, Broken, Fault, Unavailable
from lib.core.messages import Message, reason, say
from lib.core.root import Root
from lib.inputs import settings

_Content = TypeVar("_Content")

# How files begin that are proofs, and that only the program writes; group and others only read
# these.
_PROOFS = (
    *("data/invoices/", "data/invoices_batch/", "data/quotes/"),
    *("data/archive_batch/", "data/archive_inputs/", "data/batch_sent/", "data/letters_sent/"),
    *("data/platform/received/", "data/platform/reports/", "data/platform/sent/"),
)
_KEPT = (
    *("data/revenues/", "data/revenues_batch/", "data/payments/", "data/openings/"),
    *("data/closings/", "data/quotations/", "data/platform/"),
    *("data/heads/", "data/counters/", "data/counters_batch/", "data/counters_quotes/"),
)
_WALKED = ("data", "downloads", "exports")


class Files(NamedTuple):
    """Every file of what happened, listed anew each time: years of documents are hundreds of
    thousands."""

    root: Root

    def under(self, *folders: str) -> Iterator[str]:
        """The names of the files below folders, in order."""
        return (name for name, status in self.below(*folders) if not stat.S_ISDIR(status.st_mode))

    def regular(self, folder: str) -> Iterator[str]:
        """Those of them that are regular files: reading a pipe would never end."""
        return (name for name, status in self.below(folder) if stat.S_ISREG(status.st_mode))

    def below(self, *folders: str) -> Iterator[tuple[str, os.stat_result]]:
        """The files and folders below folders, as lstat(2) sees them; links are not followed."""
        entries = _entries(self.root, folders, lambda *_: None)
        return (entry for entry in entries if entry[0] not in folders)

    def has(self, name: str) -> bool:
        """Whether there is anything of this name."""
        return os.path.lexists(self.root.path / name)


def walk(root: Root, folders: tuple[str, ...] = _WALKED) -> tuple[Files, list[Alert]]:
    """Every file, and what of those below some folders cannot be read: of data/, exports/ and
    downloads/ where none are named.

    Raises:
      Unavailable: with every file of the program that this user may not read, and nothing else.
    """
    faults: list[Alert] = []
    hidden: list[Alert] = []

    def refused(name: str, error: OSError) -> None:
        if isinstance(error, PermissionError) and not root.is_input(name):
            hidden.append(alerts.of_machine(error))
            return
        code = "B-INPUT-UNREADABLE" if root.is_input(name) else "B-UNREADABLE"
        faults.append(alert(code, name, unreadable(error)))

    for name, status in _entries(root, folders, refused):
        if stat.S_ISREG(status.st_mode) and not root.is_input(name):
            path = f"{root.path}/{name}"
            if not storage.is_readable(path):
                refused(name, storage.denied(path))
    if hidden:
        raise Unavailable(hidden)
    return Files(root), faults


def _entries(
    root: Root, folders: tuple[str, ...], refused: Callable[[str, OSError], None]
) -> Iterator[tuple[str, os.stat_result]]:
    """Folders and all that is in them; files come in order of their names."""
    waiting = list(reversed(folders))
    while waiting:
        name = waiting.pop()
        path = f"{root.path}/{name}"
        try:
            status = os.lstat(path)
            yield name, status
            if stat.S_ISDIR(status.st_mode):
                entries = sorted(storage.entries_at_rest(path), key=_place, reverse=True)
                waiting += [f"{name}/{entry.name}" for entry in entries]
        except FileNotFoundError:
            continue
        except OSError as error:
            refused(name, error)


def _place(entry: os.DirEntry[str]) -> str:
    """Where what is in a folder comes among the names of its neighbours."""
    return f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name


def read(root: Root, name: str) -> tuple[bytes, Message | None]:
    """The bytes of a file, or no bytes and why it cannot be read."""
    return tried(storage.read, root.path / name, b"")


def sha256_of(root: Root, name: str) -> tuple[str, Message | None]:
    """The SHA-256 of a file, or an empty text and why the file cannot be read."""
    return tried(storage.sha256_of_file, root.path / name, "")


def tried(
    look: Callable[[Path], _Content], path: Path, nothing: _Content
) -> tuple[_Content, Message | None]:
    """What a look at a file gives, or `nothing` and why the file cannot be read."""
    try:
        return look(path), None
    except Broken:
        return nothing, say("is not a file")
    except FileNotFoundError:
        return nothing, say("is missing")
    except (OSError, ValueError) as error:
        return nothing, unreadable(error)


def unreadable(error: OSError | ValueError) -> Message:
    """Why a file cannot be read."""
    return say("cannot be read: {reason}", reason=reason(error))


def alert(
    code: str,
    name: str,
    found: Message,
    remedy: Message | None = None,
    *,
    place: str = "",
    client: str = "",
) -> Alert:
    """What an audit found in a file."""
    return Alert(code, name, Fault(place, found, remedy=remedy), client)


def shown(text: str) -> str:
    """A text of a file as a message quotes it: its first 80 characters."""
    return f'"{text}"' if len(text) <= 80 else f'"{text[:80]}..."'


def strays(files: Files) -> Iterator[Alert]:
    """Files that stand directly in data/, where the program keeps none but its lock."""
    for path in sorted(files.root.data.glob("*")):
        name = files.root.name_of(path)
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder and path != files.root.lock and not is_leftover(name):
            text = say("is a file that the program does not know")
            yield alert("I-STRAY", name, text, say("move it elsewhere"))


# --- the files themselves ------------------------------------------------------------


def mode_faults(files: Files) -> Iterator[Alert]:
    """Links, pipes, and files that more people may write or read than should."""
    modeless = dict(_disks_without_modes(files))
    for mode in modeless.values():
        text = say(
            "stands on a disk that keeps no modes: every file there has {mode}, proofs too",
            mode=f"{mode:04o}",
        )
        yield alert("I-MODE", "data", text, say("a disk that does keep them is safer"))
    faults: list[Alert] = []
    owners: list[Alert] = []
    folders: dict[str, _Folder] = {}
    for name, status in _entries(files.root, _WALKED, lambda *_: None):
        owners += _owner_faults(files.root, name, status, folders.get(name.rpartition("/")[0]))
        if stat.S_ISDIR(status.st_mode):
            folders[name] = _Folder(status.st_mode, status.st_uid)
        elif files.root.is_input(name):
            faults += _input_faults(files.root, name, status)
        else:
            faults += _one_mode(files.root, name, status, status.st_dev in modeless)
    yield from faults
    yield from _folder_faults(files.root, folders)
    yield from sorted(owners, key=lambda fault: fault.file)
    with contextlib.suppress(OSError):
        yield from settings.mode_notices(files.root.env.stat().st_mode)


class _Folder(NamedTuple):
    """What of a folder is compared: its mode and its owner."""

    mode: int
    user: int


def _disks_without_modes(files: Files) -> Iterator[tuple[int, int]]:
    """Each device on which a proof has the mode of every other file, with that mode."""
    modes: dict[int, set[int]] = {}
    for _, status in files.below(*_WALKED):
        if not stat.S_ISDIR(status.st_mode):
            modes.setdefault(status.st_dev, set()).add(stat.S_IMODE(status.st_mode))
    for device, (mode, *others) in modes.items():
        if not others and mode != storage.PROOF_MODE:
            yield device, mode


def _one_mode(root: Root, name: str, status: os.stat_result, is_modeless: bool) -> Iterator[Alert]:
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        remedy = say("put the file itself in its place")
        yield alert("B-LINK", name, say("is a symbolic link"), remedy)
    elif not stat.S_ISREG(status.st_mode):
        yield alert("B-LINK", name, say("is not a file"), say("remove it"))
    elif is_proof(name) and mode != storage.PROOF_MODE and not is_modeless:
        text = say("has mode {mode}, a proof has 0444", mode=f"{mode:04o}")
        yield alert("B-MODE", name, text, say("compare it with a backup, then chmod 444"))
    elif name.startswith(_KEPT) and _is_open(root.path / name, mode):
        text = say("has mode {mode}: others may write it", mode=f"{mode:04o}")
        yield alert("B-MODE", name, text, say("compare it with a backup, then chmod 640"))


def _input_faults(root: Root, name: str, status: os.stat_result) -> Iterator[Alert]:
    """An input that no command reads: only whoever put it there can act on it."""
    if stat.S_ISLNK(status.st_mode) and storage.may_stand_for_a_file(root, root.path / name):
        return
    if stat.S_ISLNK(status.st_mode):
        text, remedy = say("is a link, and is not read"), say("move it away")
    elif not stat.S_ISREG(status.st_mode):
        text, remedy = say("is not a file, and is not read"), say("move it away")
    elif not os.access(root.path / name, os.R_OK):
        text = say("cannot be read by this user")
        remedy = say("change its permissions, or move it away")
    else:
        return
    yield alert("B-INPUT-UNREADABLE", name, text, remedy)


def _folder_faults(root: Root, folders: dict[str, _Folder]) -> Iterator[Alert]:
    """Folders that others may write into: they could put anything in the place of what is there.

    A group that shares a folder has set-group-ID on it. People's own folders are the group's too.
    """
    of_people = {}
    for path in (root.path, root.clients, root.batch_clients):
        with contextlib.suppress(OSError):
            status = path.stat()
            of_people[root.name_of(path)] = _Folder(status.st_mode, status.st_uid)
    for name, folder in sorted({**folders, **of_people}.items()):
        mode = stat.S_IMODE(folder.mode)
        is_ours = name.startswith("data") and not root.is_input(name)
        by_group = is_ours and mode & stat.S_IWGRP and not mode & stat.S_ISGID
        if mode & stat.S_IWOTH or by_group:
            right = mode & ~(stat.S_IWOTH | (stat.S_IWGRP if by_group else 0))
            text = say("has mode {mode}: others may write into it", mode=f"{mode:04o}")
            remedy = say(
                "compare what is in it with a backup, then chmod {right}", right=f"{right:04o}"
            )
            yield alert("B-MODE", name, text, remedy)


def _owner_faults(
    root: Root, name: str, status: os.stat_result, folder: _Folder | None
) -> Iterator[Alert]:
    """What the program wrote and belongs to another user than the folder that it is in."""
    if folder is None or root.is_input(name) or status.st_uid == folder.user:
        return
    right = alerts.user(folder.user)
    text = say(
        "belongs to the user {user}, the folder that it is in to {owner}",
        user=alerts.user(status.st_uid),
        owner=right,
    )
    remedy = say("compare it with a backup, then chown {owner}", owner=right)
    yield alert("B-OWNER", name, text, remedy)


def _is_open(path: Path, mode: int) -> bool:
    """Whether more people may write it than its owner, and those whom its folder names."""
    return bool(mode & 0o002 or (mode & 0o020 and not storage.is_shared(path.parent.stat())))


def is_leftover(name: str) -> bool:
    """Whether it is a file that a stopped command was still writing; it means nothing."""
    last = name.rpartition("/")[2]
    return last.startswith(".") and last.endswith(".tmp")


def is_proof(name: str) -> bool:
    """Whether it is a file that was issued or received, which never changes."""
    return name.startswith(_PROOFS) and not is_leftover(name)


def stopped_runs(files: Files) -> Iterator[Alert]:
    """The intents that wait to be finished, and what no command could finish."""
    pending = files.root.pending
    for path in (pending, *sorted(pending.glob("*"))):
        if path.exists() and not path.is_dir():
            text = say("is not a folder, and no command can issue")
            yield alert("B-INTENT-BROKEN", files.root.name_of(path), text, say("move it away"))
    for path in sorted((*pending.glob("*/intent.json"), *pending.glob("*/done.json"))):
        try:
            intent = issuing.read_intent(files.root, path)
            if path.name == "intent.json":
                issuing.check_staged(files.root, path.parent, intent)
        except Broken as broken:
            yield from broken.alerts
            continue
        if path.name == "intent.json":
            command = shown(intent["command"])
            text = say("{command} was stopped and waits to be finished", command=command)
            remedy = say(
                "the next command that writes finishes it: run it again, or `make reconcile`,"
                " then `make verify`"
            )
            yield alert("B-INTENT", files.root.name_of(path), text, remedy)


def leftovers(files: Files) -> Iterator[Alert]:
    """What stopped commands left behind, which harms nothing."""
    for name in files.under(*_WALKED):
        if is_leftover(name) or name.startswith("data/pending/"):
            text = say("was left by a command that was stopped")
            yield alert("I-LEFTOVER", name, text, say("it means nothing"))


def head_name(root: Root, name: str) -> str:
    """The name of a record file's head."""
    return root.name_of(records.head_path(root, root.path / name))
