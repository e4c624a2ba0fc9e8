#!/usr/bin/env python3
"""Removes the entries of data/logs/ that are older than a number of days, and nothing else.

An entry is a line that begins with its UTC time; a line that does not is kept. Each log is
written again beside itself and renamed into its place, while whoever would append waits.
"""

import re
from argparse import ArgumentParser, Namespace

from lib.core import cli
from lib.core.messages import Message, counted, say


def days(text: str) -> int:
    """A number of days, 1 or more."""
    if not _is_number_of_days(text):
        raise cli.unfit("count", text, _is_number_of_days, say("a number of days (1 to 99999)"))
    return int(text)


def _is_number_of_days(text: str) -> bool:
    return re.fullmatch("[1-9][0-9]{0,4}", text) is not None


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--keep-days", type=days, required=True, help="365")
    cli.add_today(options)
    options.add_argument("--dry-run", type=cli.switch, default=False, help="1: say what would go")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import io
import os
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from lib.core import alerts, lock, storage
from lib.core.root import Root
from lib.inputs import settings

_TIME = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2})T[0-9]{2}:[0-9]{2}:[0-9]{2}Z ")


class Sorted(NamedTuple):
    """A log as bytes: what stays, and how many entries are old."""

    kept: bytes
    old: int


def main(arguments: Namespace, root: Root) -> None:
    """One log after the other; with `dry_run`, what would be removed."""
    before = arguments.today - timedelta(days=arguments.keep_days)
    gone = 0
    with lock.exclusive(root, "purge_logs", settings.load(root).lock_wait):
        for path in sorted(root.logs.glob("*.log")):
            old = purge(path, before, arguments.dry_run)
            gone += old
            if old:
                print(
                    say("{file}: {entries}", file=root.name_of(path), entries=entries(old, before))
                )
    if arguments.dry_run:
        print(say("{entries} would be removed (DRY_RUN)", entries=entries(gone, before)))
        return
    text = say("{entries} removed", entries=entries(gone, before))
    alerts.write_log(root.logs, "", "INFO", "purge_logs.py", "I-LOGS-PURGED", str(text))
    print(text)


def entries(count: int, before: date) -> Message:
    """ "1 entry before 2026-10-01"."""
    number = counted(count, "1 entry", "{number} entries")
    return say("{entries} before {date}", entries=number, date=str(before))


def purge(path: Path, before: date, dry_run: bool) -> int:
    """Removes the old entries of one log; returns how many they are."""
    handle = alerts.open_log(path)
    try:
        with os.fdopen(os.dup(handle), "rb") as stream:
            lines = sort(stream.read(), before)
        if lines.old and not dry_run:
            storage.replace(path, lines.kept)
        return lines.old
    finally:
        os.close(handle)


def sort(data: bytes, before: date) -> Sorted:
    """Separates the entries of days earlier than `before` from all other lines."""
    lines = io.BytesIO(data).readlines()
    kept = [line for line in lines if not is_old(line, before)]
    return Sorted(b"".join(kept), len(lines) - len(kept))


def is_old(line: bytes, before: date) -> bool:
    """Whether a line is an entry of a day earlier than `before`."""
    match = _TIME.match(line)
    return match is not None and match[1].decode() < before.isoformat()


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
