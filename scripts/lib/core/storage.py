"""Reading and writing files: the one way in and the one way out.

Read: inside the root only, as bytes; core/strict_json.py makes values of them.
Write: whole or not at all, flushed to the disk with the folder that names the file.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader, BufferedWriter, FileIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import msgspec

from lib.core import alerts
from lib.core.faults import Alert, Broken, Fault, Refused
from lib.core.messages import Message, reason, say
from lib.core.root import Root

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

# Of a file: its bytes, or what gives them in pieces, again at each call, where there are many.
Content = bytes | Callable[[], Iterable[bytes]]

PROOF_MODE = 0o444
FILE_MODE = 0o640
_LARGEST = 20_000_000  # bytes of an input
_TRIALS = (".trial.tmp", ".renamed.tmp")
_MANY = 16  # files that are flushed at once, and from which on that is worth its threads
_GROUP = 128  # files that are flushed together while others are still being made
_PIECE = 1 << 16  # bytes of a file that are read at once

# Inputs come and go in these, by other hands: each of their files is looked at when it is read.
_INPUTS = (
    "clients",
    "batch_clients",
    "data/usage",
    "data/orders",
    "data/indices",
    "data/inbox_batch",
)
_OURS = ("clients", "batch_clients", "data", "exports", "downloads", "preview")
_LEVELS = 3  # data/invoices/<client>/<year>


def sha256(data: bytes) -> str:
    """The SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    with open_file(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_in_order = msgspec.json.Encoder(order="sorted").encode


def canonical_json(value: Any) -> bytes:
    """Keys sorted, no spaces, UTF-8: the form that records are hashed in."""
    return _in_order(value)


def pretty_json(value: Any) -> bytes:
    """JSON for a person to read: two spaces, keys as given, a line break at the end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


# --- reading -------------------------------------------------------------------------


def read_input(root: Root, path: Path) -> bytes:
    """The bytes of a file that a person or another program put under the root.

    Raises:
      Refused: if it is missing, is not a file, cannot be read, or is reached through a link
        that leaves the root.
    """
    name = root.name_of(path)
    try:
        if not path.resolve(strict=True).is_relative_to(root.path.resolve()):
            _refuse(name, "B-INPUT-LINK", say("leads out of the root through a symbolic link"))
        if not path.is_file():  # a pipe would never end
            _refuse(name, "B-INPUT-UNREADABLE", say("cannot be read: it is not a file"))
        with path.open("rb") as stream:
            # Python makes room for as many bytes as are asked for.
            data = stream.read(min(os.fstat(stream.fileno()).st_size, _LARGEST) + 1)
        if len(data) > _LARGEST:
            found = say("cannot be read: it has more than {bytes} bytes", bytes=_LARGEST)
            _refuse(name, "B-INPUT-UNREADABLE", found)
        return data
    except FileNotFoundError:
        _refuse(name, "B-INPUT-MISSING", say("is missing"))
    except PermissionError as error:
        raise Refused([alerts.of_machine(error)._replace(file=name)]) from None
    except (OSError, RuntimeError) as error:
        text = say("cannot be read: {reason}", reason=reason(error))
        _refuse(name, "B-INPUT-UNREADABLE", text)


def may_stand_for_a_file(root: Root, link: Path) -> bool:
    """Whether a link is an input that may be one: it leads to a file of the root.

    In the inbox none is: it would hand an uploader whatever file it names.
    """
    if not root.is_input(root.name_of(link)) or root.inbox_batch in link.parents:
        return False
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_relative_to(root.path.resolve()) and target.is_file()


def _refuse(name: str, code: str, found: Message) -> NoReturn:
    raise Refused([Alert(code, name, Fault("", found))])


def open_file(path: Path) -> BufferedReader:
    """Opens a file that is ours for reading: the file itself, and nothing that stands for it.

    Raises:
      Broken: if it is a link, a pipe, or anything else that is not a file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            _broken(path)
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        _broken(path)
    return BufferedReader(FileIO(handle), _PIECE)


def read(path: Path) -> bytes:
    """The bytes of a file that is ours.

    Raises:
      Broken: as `open_file` does.
    """
    with open_file(path) as stream:
        return stream.read()


def pieces_of(stream: IO[bytes], length: int = sys.maxsize) -> Iterator[bytes]:
    """The rest of an open file, however long it is, or so many bytes of it."""
    while piece := stream.read(min(_PIECE, length)):
        length -= len(piece)
        yield piece


def _broken(path: Path) -> NoReturn:
    remedy = say("put the file itself in its place")
    fault = Fault("", say("is a link, or not a file"), remedy=remedy)
    raise Broken([Alert("B-LINK", str(path), fault)])


def percent_used(path: Path) -> int:
    """How full the disk of a folder is; 0 where it knows no size, as some network disks do."""
    usage = shutil.disk_usage(path)
    return usage.used * 100 // (usage.used + usage.free or 1)


# --- the root's own folders ----------------------------------------------------------


def refuse_links(root: Root) -> None:
    """Where commands write there are no links: each would lead what is written elsewhere.

    The root itself may be reached through one. Files deeper than folders go are opened with
    O_NOFOLLOW; inputs are looked at where they are read, by `read_input`.

    Raises:
      Broken: for each link.
    """
    ours = [root.path / name for name in _OURS]
    links = [path for path in ours if path.is_symlink()]
    waiting = [(path, 1) for path in ours if path.is_dir() and path not in links]
    while waiting:
        folder, level = waiting.pop()
        if root.name_of(folder) in _INPUTS:
            continue
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    links.append(Path(entry.path))
                elif level < _LEVELS and entry.is_dir():
                    waiting.append((Path(entry.path), level + 1))
    if links:
        remedy = say("put the folder or file itself in its place")
        fault = Fault("", say("is a link"), remedy=remedy)
        raise Broken(Alert("B-LINK", root.name_of(path), fault) for path in sorted(links))


# --- writing -------------------------------------------------------------------------


def write_new(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Creates a file that must not exist yet and flushes its bytes (not its name)."""
    _write_closed(_open(path, os.O_EXCL, mode), (data,), is_flushed=True)


def stage_new(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Creates a file that must not exist yet, and is to be flushed later, with others."""
    _write_closed(_open(path, os.O_EXCL, mode), (data,))


def keep_copy(source: Path, target: Path) -> None:
    """Keeps the bytes of a file as a proof; a copy that is there already stays as it is."""
    if not target.exists():
        make_folder(target.parent)
        _copy_beside(source, target, PROOF_MODE).rename(target)
    # Whoever put it there may have been killed before this.
    flush_folder(target.parent)


def place(source: Path, target: Path) -> None:
    """Gives a flushed file another name, which must be new (the folder is not flushed).

    By link(2); where that is refused (exFAT, some network disks, a folder that is a mount) by a
    copy that is flushed before it gets the name. Whoever calls holds the lock.

    Raises:
      FileExistsError: if anything has that name.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        _copy_beside(source, target, stat.S_IMODE(source.stat().st_mode)).rename(target)


def _copy_beside(source: Path, target: Path, mode: int) -> Path:
    """A flushed copy of a file, under the temporary name of `target`."""
    temporary = _temporary(target)
    with open_file(source) as original, create(temporary, mode) as copy:
        shutil.copyfileobj(original, copy)
        flush(copy)
    return temporary


def _temporary(path: Path) -> Path:
    """Where a file is written before it gets its name; what is left there means nothing."""
    return path.with_name(f".{path.name}.tmp")


def replace(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all: temporary name, flush, rename, flush of the folder."""
    replace_all({path: data})


def replace_all(files: Mapping[Path, Content]) -> None:
    """Replaces several files, each whole or not at all."""
    temporary = {path: _temporary(path) for path in files}
    for path, data in files.items():
        _write_closed(_open_new(temporary[path]), pieces(data))
    flush_all(temporary.values())
    for path in files:
        temporary[path].rename(path)
    for folder in {path.parent: None for path in files}:
        flush_folder(folder)


def create(path: Path, mode: int = FILE_MODE) -> BufferedWriter:
    """Opens a file of this name that is new: what stands there is not written to, but taken away.

    A stopped run may have left one; another hand may have put a link to any file there.
    """
    return os.fdopen(_open_new(path, mode), "wb")


def _open_new(path: Path, mode: int = FILE_MODE) -> int:
    try:
        return _open(path, os.O_EXCL, mode)
    except FileExistsError:
        path.unlink()
        return _open(path, os.O_EXCL, mode)


def flush(stream: IO[bytes]) -> None:
    """Flushes what was written to an open file down to the disk."""
    stream.flush()
    os.fsync(stream.fileno())


def move(source: Path, target: Path) -> None:
    """Moves a file to another folder, so that a power cut leaves it in one of them at the least."""
    temporary = _temporary(target)
    temporary.unlink(missing_ok=True)
    # A stopped move may have put it there already; rename does nothing to two names of one file.
    if not target.exists() or not target.samefile(source):
        place(source, temporary)
        temporary.rename(target)
    flush_folder(target.parent)
    source.unlink(missing_ok=True)
    flush_folder(source.parent)


def try_folder(folder: Path) -> None:
    """Does once, with a file that means nothing, what is done to files of a folder: what the
    disk or this user's rights refuse is refused now."""
    trial, renamed = (folder / name for name in _TRIALS)
    try:
        with create(trial, PROOF_MODE) as stream:
            stream.write(b"trial")
        trial.rename(renamed)
    finally:
        clear_trial(folder)


def clear_trial(folder: Path) -> None:
    """Removes what a trial left that was stopped, or whose end a power cut undid."""
    for name in _TRIALS:
        (folder / name).unlink(missing_ok=True)


def try_to_write(path: Path) -> None:
    """Opens a file, where there is one, as `append` does, and writes nothing."""
    with suppress(FileNotFoundError):
        os.close(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK))


def is_readable(path: str | os.PathLike[str]) -> bool:
    """Whether this user may read a file; it is not opened."""
    return os.access(path, os.R_OK, effective_ids=True)


def denied(path: Path | str) -> PermissionError:
    """What would be raised where this user lacks a right to a file."""
    return PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def try_to_replace(path: Path) -> None:
    """In a folder where each may take away only files of their own (sticky), is this one ours?

    Raises:
      PermissionError: if it is not.
    """
    with suppress(FileNotFoundError):
        old, above = path.lstat(), path.parent.stat()
        ours = os.geteuid() in (0, old.st_uid, above.st_uid)
        if above.st_mode & stat.S_ISVTX and not ours:
            raise denied(path)


def append(path: Path, length: int, pieces: Iterable[bytes]) -> None:
    """Writes behind the first bytes of a file, `length` in number, which is created where missing;
    flush_all is to follow."""
    handle = _open(path, 0, FILE_MODE)
    os.lseek(handle, length, os.SEEK_SET)
    _write_closed(handle, pieces)


def _open(path: Path, flags: int, mode: int) -> int:
    flags |= os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(path, flags, 0o600)
    try:
        settle(handle, path.parent, mode)
    except BaseException:
        os.close(handle)
        raise
    return handle


def settle(handle: int, folder: Path, mode: int) -> None:
    """Gives an open file that is still empty its mode, and to the owner of its folder.

    So root may run a command in a house of somebody else. In a folder that a group shares
    (set-group-ID, and the group may write) the group may write the file too.
    """
    status, above = os.fstat(handle), folder.stat()
    if status.st_size:
        return
    if is_shared(above) and mode & stat.S_IWUSR:
        mode |= stat.S_IWGRP
    _hand_over(handle, status, above)
    if stat.S_IMODE(status.st_mode) != mode:
        os.fchmod(handle, mode)


def is_shared(folder: os.stat_result) -> bool:
    """Whether a group works in a folder together: it has set-group-ID, and the group may write."""
    return bool(folder.st_mode & stat.S_ISGID and folder.st_mode & stat.S_IWGRP)


def _hand_over(handle: int, status: os.stat_result, above: os.stat_result) -> None:
    """To the owner of the folder above, or its group at least, where this user may do that."""
    if (status.st_uid, status.st_gid) != (above.st_uid, above.st_gid):
        for owner in (above.st_uid, -1):
            with suppress(OSError):
                os.fchown(handle, owner, above.st_gid)
                return


def _write_closed(handle: int, pieces: Iterable[bytes], is_flushed: bool = False) -> None:
    try:
        _write(handle, pieces)
        if is_flushed:
            os.fsync(handle)
    finally:
        os.close(handle)


def _write(handle: int, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(handle, rest) :]


def flush_all(paths: Iterable[Path]) -> None:
    """Flushes the bytes of files that were written. Many are flushed at once: a disk does that in
    a tenth of the time, as it has one large piece of work and not many small ones."""
    paths = list(paths)
    if len(paths) < _MANY:
        for path in paths:
            _flush_file(path)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_MANY) as threads:
        list(threads.map(_flush_file, paths))


class Flushing:
    """Files that are flushed in groups, beside the work on those that follow."""

    def __init__(self) -> None:
        self._paths: list[Path] = []
        self._thread: ThreadPoolExecutor | None = None
        self._groups: list[Future[None]] = []

    def add(self, path: Path) -> None:
        """One more, whose bytes are written."""
        self._paths.append(path)
        if len(self._paths) < _GROUP:
            return
        from concurrent.futures import ThreadPoolExecutor

        self._thread = self._thread or ThreadPoolExecutor(1)
        self._groups.append(self._thread.submit(flush_all, self._paths))
        self._paths = []

    def finish(self) -> None:
        """Returns once all of them are on the disk."""
        flush_all(self._paths)
        for group in self._groups:
            group.result()
        self.stop()

    def stop(self) -> None:
        """Flushes no further group."""
        if self._thread:
            self._thread.shutdown(cancel_futures=True)


def _flush_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_folder(path: Path) -> None:
    """Flushes a folder, so that the names in it survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Creates a folder and its missing parents, each flushed into the one that holds it."""
    if path.is_dir():
        return
    make_folder(path.parent)
    make_new_folder(path)
    flush_folder(path.parent)


def make_new_folder(path: Path) -> None:
    """Creates a folder with the owner and mode of the one that holds it; only a shared group may
    write there besides."""
    path.mkdir(exist_ok=True)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        status, above = os.fstat(handle), path.parent.stat()
        _hand_over(handle, status, above)
        mode = stat.S_IMODE(above.st_mode) & ~(stat.S_IWOTH | stat.S_ISVTX)
        if not is_shared(above):
            mode &= ~stat.S_IWGRP
        if stat.S_IMODE(status.st_mode) != mode:
            os.fchmod(handle, mode)
    finally:
        os.close(handle)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Creates a folder of derived files and keeps it to one maker at a time.

    Readers hold the root's lock together, so two may make the same file of the records; each
    writes under a temporary name, which is the same for both.
    """
    make_folder(folder)
    with _locked(folder, fcntl.LOCK_EX):
        yield


def entries_at_rest(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder of derived files while nobody makes one: no temporary file of theirs."""
    with _locked(Path(folder), fcntl.LOCK_SH), os.scandir(folder) as entries:
        return list(entries)


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)


def update_derived(path: Path, data: bytes) -> bool:
    """Writes a derived file; where its bytes would not change, only its time is renewed.

    Returns:
      whether the bytes changed.
    """
    with held(path.parent):
        return path in update_all_derived({path: data})


def renew(path: Path) -> None:
    """Gives a file that did not change the time of now; unlike `os.utime`, a refusal names it."""
    try:
        os.utime(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def update_all_derived(files: Mapping[Path, Content]) -> set[Path]:
    """Writes derived files as `update_derived` does; the caller keeps other makers out.

    Returns:
      those whose bytes changed.
    """
    changed = {}
    for path, data in files.items():
        try:
            if has(path, pieces(data)):
                renew(path)
                continue
        except FileNotFoundError:
            make_folder(path.parent)
        except PermissionError:  # another user's file, which this one may replace
            pass
        changed[path] = data
    replace_all(changed)
    return set(changed)


def pieces(content: Content) -> Iterable[bytes]:
    """What a content is, in pieces."""
    return (content,) if isinstance(content, bytes) else content()


def has(path: Path, pieces: Iterable[bytes]) -> bool:
    """Whether a file is these bytes; raises as `open_file` does."""
    with open_file(path) as stream:
        same = all(stream.read(len(piece)) == piece for piece in pieces)
        return same and not stream.read(1)
