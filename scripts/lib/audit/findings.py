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

_Content = TypeVar("_Content", bytes, str)

# A folder of proofs, and of what only the program writes; group and others only read these.
PROOFS = (
    *("invoices", "invoices_batch", "quotes", "archive_batch", "archive_inputs", "batch_sent"),
    "letters_sent",
    *("platform/received", "platform/reports", "platform/sent"),
)
_RECORDS = (
    *("revenues", "revenues_batch", "payments", "openings", "closings", "quotations"),
    "platform",
)
_KEPT = (*_RECORDS, "heads", "counters", "counters_batch", "counters_quotes")
_WALKED = ("data", "exports", "downloads")


class Files(NamedTuple):
    """Every file and folder of what happened, by its name under the root, as lstat(2) sees it."""

    root: Root
    stats: dict[str, os.stat_result]
    folders: dict[str, os.stat_result]

    def under(self, folder: str) -> Iterator[str]:
        """The names of the files below a folder, in order."""
        return (name for name in sorted(self.stats) if name.startswith(f"{folder}/"))

    def regular(self, folder: str) -> Iterator[str]:
        """Those of them that are regular files: reading a pipe would never end."""
        return (name for name in self.under(folder) if stat.S_ISREG(self.stats[name].st_mode))


def walk(root: Root) -> tuple[Files, list[Alert]]:
    """Every file below data/, exports/ and downloads/; links are named and never followed.

    Raises:
      Unavailable: with every file of the program that this user may not read, and nothing else.
    """
    files = Files(root, {}, {})
    faults: list[Alert] = []
    hidden: list[Alert] = []
    waiting = [root.path / name for name in reversed(_WALKED)]
    while waiting:
        path = waiting.pop()
        name = root.name_of(path)
        try:
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                files.folders[name] = status
                waiting += reversed(storage.names_at_rest(path))
                continue
            files.stats[name] = status
            is_ours = not root.is_input(name) and stat.S_ISREG(status.st_mode)
            if is_ours and not storage.is_readable(path):
                raise storage.denied(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            if isinstance(error, PermissionError) and not root.is_input(name):
                hidden.append(alerts.of_machine(error))
                continue
            code = "B-INPUT-UNREADABLE" if root.is_input(name) else "B-UNREADABLE"
            faults.append(alert(code, name, unreadable(error)))
    if hidden:
        raise Unavailable(hidden)
    return files, faults


def read(root: Root, name: str) -> tuple[bytes, Message | None]:
    """The bytes of a file, or no bytes and why it cannot be read."""
    return _tried(storage.read, root.path / name, b"")


def sha256_of(root: Root, name: str) -> tuple[str, Message | None]:
    """The SHA-256 of a file, or an empty text and why the file cannot be read."""
    return _tried(storage.sha256_of_file, root.path / name, "")


def _tried(
    look: Callable[[Path], _Content], path: Path, nothing: _Content
) -> tuple[_Content, Message | None]:
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
    for name in files.stats:
        folder, _, file = name.rpartition("/")
        if folder == "data" and file != files.root.lock.name and not is_leftover(name):
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
    for name, status in sorted(files.stats.items()):
        if files.root.is_input(name):
            yield from _input_faults(files.root, name, status)
        else:
            yield from _one_mode(files.root, name, status, status.st_dev in modeless)
    yield from _folder_faults(files)
    yield from _owner_faults(files)
    with contextlib.suppress(OSError):
        yield from settings.mode_notices(files.root.env.stat().st_mode)


def _disks_without_modes(files: Files) -> Iterator[tuple[int, int]]:
    """Each device on which a proof has the mode of every other file, with that mode."""
    modes: dict[int, set[int]] = {}
    for status in files.stats.values():
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
    elif name.startswith(_folders(_KEPT)) and _is_open(root.path / name, mode):
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


def _folder_faults(files: Files) -> Iterator[Alert]:
    """Folders that others may write into: they could put anything in the place of what is there.

    A group that shares a folder has set-group-ID on it. People's own folders are the group's too.
    """
    folders = dict(files.folders)
    for path in (files.root.path, files.root.clients, files.root.batch_clients):
        with contextlib.suppress(OSError):
            folders[files.root.name_of(path)] = path.stat()
    for name, status in sorted(folders.items()):
        mode = stat.S_IMODE(status.st_mode)
        is_ours = name.startswith("data") and not files.root.is_input(name)
        by_group = is_ours and mode & stat.S_IWGRP and not mode & stat.S_ISGID
        if mode & stat.S_IWOTH or by_group:
            right = mode & ~(stat.S_IWOTH | (stat.S_IWGRP if by_group else 0))
            text = say("has mode {mode}: others may write into it", mode=f"{mode:04o}")
            remedy = say(
                "compare what is in it with a backup, then chmod {right}", right=f"{right:04o}"
            )
            yield alert("B-MODE", name, text, remedy)


def _owner_faults(files: Files) -> Iterator[Alert]:
    """What the program wrote and belongs to another user than the folder that it is in."""
    for name, status in sorted({**files.folders, **files.stats}.items()):
        folder = files.folders.get(name.rpartition("/")[0])
        if folder is None or files.root.is_input(name) or status.st_uid == folder.st_uid:
            continue
        right = alerts.user(folder.st_uid)
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


def _folders(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"data/{name}/" for name in names)


def is_leftover(name: str) -> bool:
    """Whether it is a file that a stopped command was still writing; it means nothing."""
    last = Path(name).name
    return last.startswith(".") and last.endswith(".tmp")


def is_proof(name: str) -> bool:
    """Whether it is a file that was issued or received, which never changes."""
    return name.startswith(_folders(PROOFS)) and not is_leftover(name)


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
    for name in sorted(files.stats):
        if is_leftover(name) or name.startswith("data/pending/"):
            text = say("was left by a command that was stopped")
            yield alert("I-LEFTOVER", name, text, say("it means nothing"))


def head_name(root: Root, name: str) -> str:
    """The name of a record file's head."""
    return root.name_of(records.head_path(root, root.path / name))
