"""What the system tells people: alerts, the ways a run stops, and the logs.

An alert has a stable code (B- stops the run, I- informs), the file, the place in it, and
what to do. One line each, on stderr and in data/logs/; codes.json lists the codes.
Scripts end with: 0 done, 1 input refused, 2 wrong usage, 3 integrity broken,
4 environment (lock held, disk full, mail server down).

Where the environment's RUN_LOG names a file, every alert is noted there too: `make month`
gives one to its phases, so that its summary knows what they said.
"""

import contextlib
import errno
import fcntl
import json
import os
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from lib.core.faults import Alert, Fault, printable
from lib.core.messages import Message, reason, say, verbatim

_ID = re.compile(r"[a-z][a-z0-9_]{1,39}")  # of a client, and so of its log


_AGAIN = say("run the command again")


def of_machine(error: OSError, then: Message = _AGAIN) -> Alert:
    """What the machine refused, to whom, and what to do about it."""
    file = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    found = reason(error)
    if isinstance(error, PermissionError):
        found = _lacking_right(found, file)
        then = say("give it, or become a user who has it, then {then}", then=then)
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        then = say("make room, then {then}", then=then)
    elif error.errno == errno.EROFS:
        then = say("let this disk be written to, then {then}", then=then)
    return Alert("B-ENVIRONMENT", file, Fault("", found, remedy=then))


def _lacking_right(reason: Message, file: str) -> Message:
    """Who lacks the right to a file, and whose it is, or the folder that it is to stand in."""
    lacking = say(
        "{reason}: the user {user} lacks the right to it",
        reason=reason,
        user=user(os.geteuid()),
    )
    with contextlib.suppress(OSError):
        owner = user(os.lstat(file).st_uid)
        return say("{lacking} (it belongs to {owner})", lacking=lacking, owner=owner)
    with contextlib.suppress(OSError):
        owner = user(os.lstat(Path(file).parent).st_uid)
        return say("{lacking} (its folder belongs to {owner})", lacking=lacking, owner=owner)
    return lacking


def user(number: int) -> str:
    """The name of a user, or the number where it has none."""
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def write_log(
    logs: Path, client: str, level: str, script: str, code: str, text: Message | str
) -> str:
    """Appends one line, whole, to `<client>.log`, or to system.log where there is no such client.

    A log that cannot be written stops nothing: the same text stands on stderr.

    Returns:
      the UTC time that the line stands at.
    """
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = f"{moment} {level} {script} {code} {printable(str(text))}\n"
    from lib.core import storage  # which has alerts to raise

    try:
        storage.make_folder(logs)
        _append_whole(
            logs / (f"{client}.log" if _is_client(logs, client) else "system.log"),
            line.encode("utf-8", "backslashreplace"),
        )
    except OSError as error:
        text = say("the log could not be written: {reason}", reason=reason(error))
        print(text, file=sys.stderr)
    return moment


# Where a client has a file, under the root.
_CLIENTS = (
    "clients/{}.json",
    "batch_clients/{}.json",
    "data/revenues/{}.jsonl",
    "data/revenues_batch/{}.jsonl",
    "data/payments/{}.jsonl",
    "data/quotations/{}.jsonl",
)


def _is_client(logs: Path, client: str) -> bool:
    """Whether there is or was such a client: a name that was mistyped gets no log."""
    root = logs.parents[1]
    if not _ID.fullmatch(client):
        return False
    return any((root / place.format(client)).exists() for place in _CLIENTS)


def open_log(path: Path) -> int:
    """Opens a log and locks it, so that no line is lost between an append and a purge.

    Returns:
      a handle at the file that has the name now; closing it lets the lock go.
    """
    from lib.core import storage

    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    while True:
        handle = os.open(path, flags, 0o600)
        try:
            storage.settle(handle, path.parent, storage.FILE_MODE)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # a purge has put another file in its place meanwhile


def _append_whole(path: Path, line: bytes) -> None:
    """Appends a line, or none of it where the disk is full."""
    handle = open_log(path)
    try:
        length = os.fstat(handle).st_size
        if os.write(handle, line) < len(line):
            os.ftruncate(handle, length)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(handle)


def report(logs: Path | None, script: str, alerts: Iterable[Alert]) -> None:
    """Says each alert on stderr and in the log (`logs` is None where there is no root)."""
    for alert in alerts:
        print(f"{alert} [{alert.code}]", file=sys.stderr)
        if logs is not None:
            log(logs, script, alert)
        note([alert])


def log(logs: Path, script: str, alert: Alert) -> None:
    """Appends an alert to the log that it goes to."""
    level = "ERROR" if alert.code.startswith("B-") else "NOTICE"
    write_log(logs, alert.client, level, script, alert.code, str(alert))


def note(alerts: Iterable[Alert]) -> None:
    """Notes alerts for the summary of the run that this is a phase of, which has each once."""
    run_log = os.environ.get("RUN_LOG")
    if run_log:
        # Where it cannot be written, the alerts stand on stderr and in the log all the same.
        with contextlib.suppress(OSError), Path(run_log).open("a", encoding="utf-8") as stream:
            for alert in alerts:
                noted = [alert.code, alert.file, alert.place, alert.text, alert.client]
                stream.write(json.dumps(noted) + "\n")


def noted(run_log: Path) -> list[Alert]:
    """The alerts of a run that had this file as its RUN_LOG, in order, each once."""
    if not run_log.exists():
        return []
    lines = run_log.read_text(encoding="utf-8").splitlines()
    alerts = []
    for line in lines:
        code, file, place, text, client = json.loads(line)
        alerts.append(Alert(code, file, Fault(place, verbatim(text)), client))
    return list(dict.fromkeys(alerts))
