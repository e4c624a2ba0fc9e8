"""Many runs on one root: they wait for each other, and the dead hold nobody up.

Longer than the default suite: `make faults` names this file to pytest.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import simulate

import batches
import house
from lib.core import lock
from lib.core.root import Root

LATER = ("TODAY=2026-11-09", "ISSUE_DATE=2026-11-09", f"MONTH={house.MONTH}")
PAYMENT = ("CLIENT=sud", "INVOICE=SUD-2026-0001", "AMOUNT=76.80", "DATE=2026-11-09")
BATCH = {"issue_date": "2026-11-09", "today": "2026-11-09"}
LINES = 60


def house_with_a_past(folder: Path) -> Root:
    """September is invoiced to one client; October and a batch are still to come."""
    root = batches.build(folder, batches.file_of(*(batches.row(i + 1) for i in range(5))))
    house.put_client(root, house.client("sud", i=2))
    ran = house.month(root, "2026-09", client="sud")
    assert ran.code == 0, ran
    return root


COMMANDS = (
    ("payment", *PAYMENT, "METHOD=transfer", *LATER[:1]),
    ("batch", *LATER),
    ("export", "YEAR=2026", *LATER[:1]),
)


def test_eight_months_at_once_with_others_between_them_come_to_one(tmp_path):
    serial, crowded = (house_with_a_past(tmp_path / name) for name in ("serial", "crowded"))
    for words in (("month", *LATER), *COMMANDS, ("month", *LATER), ("export", "YEAR=2026")):
        ran = house.make(serial, *words)
        assert ran.code == 0, ran
    months = [started(crowded, "-j8", "month", *LATER) for _ in range(8)]
    time.sleep(2)
    others = [started(crowded, *words) for words in COMMANDS]
    said = []
    for process in (*months, *others):
        out, err = process.communicate(timeout=500)
        assert process.returncode == 0, out + err
        said.append(err)
    assert sum("waiting for " in err for err in said) >= 2
    for words in (("month", *LATER), ("export", "YEAR=2026", *LATER[:1])):
        assert house.make(crowded, *words).code == 0
    # Each run reports to the operator what it saw, and eight see more states than one.
    mails = "data/outbox/summary__"
    assert house.tree(crowded, mails) == house.tree(serial, mails)
    assert house.numbers(crowded, "sud") == ["SUD-2026-0001", "SUD-2026-0002"]
    assert len(house.records(crowded, "sud", "payments")) == 1
    ran = house.make(crowded, "verify")
    assert ran.code == 0, ran


def started(root: Root, *words: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if name not in house._OF_MAKE}
    command = ["make", "-C", str(house.HOME), f"ROOT={root.path}", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=clean)


# --- a large batch on two workers, stopped ---------------------------------------------


def large(folder: Path) -> Root:
    rows = (batches.row(i + 1) for i in range(LINES))
    return batches.build(folder, batches.file_of(*rows))


def run_large(root: Root, environment: dict[str, str]) -> house.Ran:
    return house.run("import_batch", root, {"WORKERS": "2", **environment}, **BATCH)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, library) -> tuple[Root, int]:
    root = large(tmp_path_factory.mktemp("large") / "root")
    counted = root.path.parent / "count"
    faults = simulate.preload(library, root.path, simulate.COUNT)
    ran = run_large(root, {**faults, "FAULTS_COUNT": str(counted)})
    assert ran.code == 0, ran
    return root, int(counted.read_text())


# From before the workers have begun to the last call.
@pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.97, 0.999])
def test_a_large_batch_stopped_ends_with_the_same_bytes(tmp_path, library, undisturbed, share):
    whole, count = undisturbed
    assert count > 10 * LINES
    root = large(tmp_path / "root")
    call = int(count * share)
    mark = {"FAULTS_MARK": str(tmp_path)}
    ran = run_large(root, mark | simulate.preload(library, root.path, simulate.KILL, call))
    assert ran.code == -9, ran
    with lock.exclusive(root, "the next", 1):
        pass
    assert ended(mark), "a worker outlived its run"
    shutil.rmtree(root.logs, ignore_errors=True)
    ran = run_large(root, {})
    assert ran.code == 0, ran
    assert house.tree(root) == house.tree(whole), call
    print(f"large batch of {count} calls, stopped at {call}")


def test_workers_of_a_killed_run_end_and_hold_no_lock(tmp_path):
    root = large(tmp_path / "root")
    mark = {"FAULTS_MARK": str(tmp_path)}
    script = str(house.SCRIPTS / "import_batch.py")
    command = [sys.executable, script, "--root", str(root.path)]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in BATCH.items()]
    environment = {**os.environ, "WORKERS": "2", **mark}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(marked(mark))) < 4 and time.monotonic() < deadline:  # with multiprocessing's own
        time.sleep(0.02)
    assert len(list(marked(mark))) >= 3
    process.kill()
    process.wait()
    with lock.exclusive(root, "the next", 1):
        pass
    assert ended(mark), "a worker outlived its run"


def ended(mark: dict[str, str]) -> bool:
    """Whether no process of a run is left, a moment after it was killed."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not list(marked(mark)):
            return True
        time.sleep(0.05)
    return False


def marked(mark: dict[str, str]) -> Iterator[int]:
    """The processes that live and have a mark in their environment."""
    [(name, value)] = mark.items()
    wanted = f"{name}={value}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            alive = b") Z " not in (folder / "stat").read_bytes()
            if alive and wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
