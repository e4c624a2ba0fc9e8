"""Times of files save work and decide nothing: lost, wrong or copied, the month stays the same.

Longer than the default suite: `make faults` names this file to pytest.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import batches
import house
from lib.core.root import Root

SUMMARY = "data/outbox/summary__"
DAY = ("TODAY=2026-11-09", "ISSUE_DATE=2026-11-09", f"MONTH={house.MONTH}")
PAYMENT = ("CLIENT=sud", "INVOICE=SUD-2026-0001", "AMOUNT=70.00", "DATE=2026-11-09")
AFTERWARDS = (("month", *DAY), ("export", "YEAR=2026"), ("payments-csv",), ("fec", "YEAR=2026"))


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Root:
    """A month with a batch, a payment and exports."""
    folder = tmp_path_factory.mktemp("original")
    root = batches.build(folder / "root", batches.file_of(batches.row(1), batches.row(2)))
    house.put_client(root, house.client("sud", i=2))
    paid = ("payment", *PAYMENT, "METHOD=transfer", "TODAY=2026-11-09")
    for words in (("month", *DAY), paid, *AFTERWARDS):
        ran = house.make(root, *words)
        assert ran.code == 0, ran
    return root


def without_derived(root: Root) -> None:
    """What can be made again, and every flag, is gone."""
    for name in ("data/flags", "data/balance", "exports", "downloads"):
        shutil.rmtree(root.path / name)
    for mail in root.data.glob("outbox/*.eml"):
        mail.unlink()


def at(seconds: int) -> Callable[[Root], None]:
    """Every file and folder has one time."""

    def touch(root: Root) -> None:
        for path in (root.path, *root.path.rglob("*")):
            os.utime(path, (seconds, seconds))

    return touch


def upside_down(root: Root) -> None:
    """What was made last looks oldest."""
    paths = sorted(root.path.rglob("*"), key=lambda path: path.stat().st_mtime_ns)
    for i, path in enumerate(paths):
        os.utime(path, (1_700_000_000 - i, 1_700_000_000 - i))


def copied(*command: str) -> Callable[[Root], None]:
    """The root is a copy, made with a shell command from $0 to $1."""

    def copy(root: Root) -> None:
        original = root.path.with_name("before")
        root.path.rename(original)
        subprocess.run(["sh", "-ec", *command, original, root.path], check=True)

    return copy


CHANGES: dict[str, tuple[Callable[[Root], None], ...]] = {
    "derived files and flags deleted": (without_derived,),
    "all times equal": (at(1_700_000_000),),
    "all times in the future": (at(4_000_000_000),),
    "times upside down": (upside_down,),
    "deleted, all times in the future": (without_derived, at(4_000_000_000)),
    "restored from tar": (copied('mkdir "$1"; tar -C "$0" -cf - . | tar -C "$1" -xf -'),),
    "restored from tar, times now": (copied('mkdir "$1"; tar -C "$0" -c . | tar -C "$1" -xmf -'),),
    "cp -r": (copied('cp -r "$0" "$1"'),),
    "cp -r, deleted": (copied('cp -r "$0" "$1"'), without_derived),
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_nothing_is_issued_again_and_all_comes_out_the_same(tmp_path, original, changes):
    path: Path = tmp_path / "root"
    subprocess.run(["cp", "-a", original.path, path], check=True)
    root = Root(path)
    for change in changes:
        change(root)
    for words in AFTERWARDS:
        ran = house.make(root, *words)
        assert ran.code == 0, ran
    # A run that had something to make again reports it to the operator.
    assert house.tree(root, SUMMARY) == house.tree(original, SUMMARY)
    ran = house.make(root, "verify")
    assert ran.code == 0, ran
