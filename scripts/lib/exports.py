"""What all exports share: the period asked for, reading under the lock, writing whole files."""

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lib import cli, histories, issuing, settings, storage
from lib.histories import History
from lib.root import Root
from lib.settings import Settings


class Books(NamedTuple):
    """What exports are made from."""

    settings: Settings
    histories: list[History]


def folder(root: Root) -> Path:
    """ROOT/exports/."""
    return root.path / "exports"


def add_period(made: argparse.ArgumentParser) -> None:
    """--year or --month, one of them."""
    either = made.add_mutually_exclusive_group(required=True)
    either.add_argument("--year", dest="period", type=year, help="2024")
    either.add_argument("--month", dest="period", type=cli.month, help="2024-03")


def year(text: str) -> str:
    """A year given as an option."""
    if not re.fullmatch(r"20[0-9]{2}", text):
        raise argparse.ArgumentTypeError(f'"{text}" is not a year; write 2024')
    return text


@contextmanager
def reading(root: Root, command: str) -> Iterator[Books]:
    """The books, as nobody changes them before the block ends: files are written inside it,
    so that a record that comes later is newer than they are.

    Raises:
      Unavailable: the lock is held.
      Broken: the records are, or a stopped run cannot be finished.
    """
    given = settings.load(root)
    with issuing.settled(root, command, given.lock_wait):
        yield Books(given, histories.read(root))


def write(root: Root, files: dict[str, bytes]) -> None:
    """Writes files under exports/, each whole or not at all, and says so."""
    for name, data in files.items():
        path = folder(root) / name
        changed = storage.update_derived(path, data)
        print(root.name_of(path) if changed else f"{root.name_of(path)}: as it was")
