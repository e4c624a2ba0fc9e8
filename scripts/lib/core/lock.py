"""The root's lock: one writer at a time, readers together (flock on data/.lock).

The kernel lets the lock go when its holder ends, however it ends: a lock left by a dead
process cannot be. The file is never removed; it names its holder while there is one.
"""

import errno
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lib.core import storage
from lib.core.faults import Alert, Fault, Unavailable, printable
from lib.core.messages import reason, say
from lib.core.root import Root

_STEP = 0.05  # seconds between two tries
_ONLY_TO_READ = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def exclusive(root: Root, holder: str, wait: int, file: Path | None = None) -> Iterator[None]:
    """Holds the lock alone, for whoever writes. `holder` is what others see.

    Args:
      wait: seconds.
      file: the file of another lock than the root's, as whoever sends mail has one.

    Raises:
      Unavailable: if it is not free within `wait` seconds, or cannot be locked at all.
    """
    file = file or root.lock
    handle = _open(file)
    try:
        _acquire(root, file, handle, fcntl.LOCK_EX, wait)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{holder} (process {os.getpid()})".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


@contextmanager
def shared(root: Root, wait: int) -> Iterator[None]:
    """Holds the lock together with other readers, whoever may only read among them.

    Raises:
      Unavailable: as `exclusive` does.
    """
    try:
        handle = _open(root.lock)
    except OSError as error:
        if error.errno not in _ONLY_TO_READ:
            raise
        try:
            handle = os.open(root.lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:  # nothing was ever written, and nothing can be by this user
            yield
            return
    try:
        _acquire(root, root.lock, handle, fcntl.LOCK_SH, wait)
        yield
    finally:
        os.close(handle)


def _open(file: Path) -> int:
    storage.make_folder(file.parent)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(file, flags, 0o600)
    with suppress(PermissionError):  # it stays empty, and another user's
        storage.settle(handle, file.parent, storage.FILE_MODE)
    return handle


def _acquire(root: Root, file: Path, handle: int, kind: int, wait: int) -> None:
    deadline = time.monotonic() + wait
    said = False
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode("utf-8", "replace") or say("a reader")
        except OSError as error:
            found = say("cannot be locked on this file system: {reason}", reason=reason(error))
            fault = Fault("", found, remedy=say("use a local disk"))
            raise Unavailable([Alert("B-LOCK-UNSUPPORTED", root.name_of(file), fault)]) from None
        if time.monotonic() >= deadline:
            found = say("still held by {holder} after {seconds} s", holder=holder, seconds=wait)
            fault = Fault("", found, remedy=say("try again when it has ended"))
            raise Unavailable([Alert("B-LOCK-HELD", root.name_of(file), fault)])
        if not said:
            waiting = say(
                "waiting for {holder} to end (at most {seconds} s)", holder=holder, seconds=wait
            )
            print(printable(str(waiting)), file=sys.stderr)
            said = True
        time.sleep(_STEP)
