"""A sample of what `make faults` tries in full, and the simulator itself."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import power
import pytest
import simulate

import batches
import house

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")


@pytest.mark.parametrize("options", [("--every", "241"), ("--every", "997", "--no-link")])
def test_a_sample_of_all_faults_leaves_the_root_as_it_is_without_any(options):
    command = [sys.executable, str(simulate.HERE / "simulate.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr
    tried = re.search(r"(\d+) points tried in \d+ s, 0 failed", done.stdout)
    assert tried, done.stdout
    assert int(tried[1]) > (80 if "241" in options else 30)


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("import_batch", {"issue_date": house.TODAY, "today": house.TODAY}),
        ("reconcile", {}),
        ("export_payments", {}),
        ("send_invoices", {"today": house.TODAY}),
    ],
)
def test_where_nothing_can_be_locked_the_run_is_refused(tmp_path, library, script, options):
    root = batches.build(tmp_path / "root", batches.file_of(batches.row()))
    before = house.tree(root)
    ran = house.run(script, root, simulate.preload(library, root.path, simulate.NOLOCK), **options)
    assert ran.code == 4
    assert "cannot be locked on this file system" in ran.err
    assert "[B-LOCK-UNSUPPORTED]" in ran.err
    after = house.tree(root)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) <= {"data/outbox/.lock"}


# --- the disk that the simulator believes in ------------------------------------------


def calls_of(library: Path, root: Path, code: str) -> power.Disk:
    """The disk after a few lines of Python that ran in a folder."""
    root.mkdir()
    (root / "old").write_bytes(b"old")
    disk = power.Disk(root)
    notes = root.parent / "notes"
    arm = (
        "import ctypes, os\n"
        f"notes = os.open({str(notes)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
        f"library = ctypes.CDLL({str(library)!r})\n"
        f"library.faults_arm({str(root)!r}.encode(), ctypes.c_long(0), 0, 0, notes)\n"
    )
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    command = [sys.executable, "-c", arm + code]
    subprocess.run(command, env=environment, cwd=root, check=True)
    for call in power.read_calls(notes, root):
        disk.do(call)
    found = {name: data for name, (_, data) in disk.after("none").items() if name[-1] != "/"}
    assert found == {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }
    return disk


def files(disk: power.Disk, loss: str) -> dict[str, bytes]:
    return {name: data for name, (_, data) in disk.after(loss).items() if name[-1] != "/"}


WRITTEN = "file = open('new', 'wb', 0); file.write(b'abcd')\n"
FLUSHED = WRITTEN + "os.fsync(file.fileno())\n"
NAMED = "os.fsync(os.open('.', os.O_RDONLY))\n"


@pytest.mark.parametrize(
    ("code", "loss", "kept"),
    [
        (WRITTEN, "pessimistic", {"old": b"old"}),
        (WRITTEN, "names", {"old": b"old", "new": b""}),
        (WRITTEN, "names-torn", {"old": b"old", "new": b"ab"}),
        (FLUSHED, "pessimistic", {"old": b"old"}),
        (FLUSHED, "names", {"old": b"old", "new": b"abcd"}),
        (FLUSHED + NAMED, "pessimistic", {"old": b"old", "new": b"abcd"}),
        (WRITTEN + NAMED, "pessimistic", {"old": b"old", "new": b""}),
        (WRITTEN + NAMED, "bytes", {"old": b"old", "new": b"abcd"}),
        (FLUSHED + "os.rename('new', 'old')", "pessimistic", {"old": b"old"}),
        (FLUSHED + "os.rename('new', 'old')\n" + NAMED, "pessimistic", {"old": b"abcd"}),
        ("os.unlink('old')", "pessimistic", {"old": b"old"}),
        ("os.unlink('old')\n" + NAMED, "pessimistic", {}),
        ("os.link('old', 'too')\n" + NAMED, "pessimistic", {"old": b"old", "too": b"old"}),
        ("os.mkdir('in'); os.chdir('in')\n" + FLUSHED + NAMED, "pessimistic", {"old": b"old"}),
        ("os.truncate(os.open('old', os.O_RDWR), 1)", "none", {"old": b"o"}),
        ("open('old', 'ab', 0).write(b'er')", "none", {"old": b"older"}),
    ],
)
def test_a_power_cut_keeps_what_was_flushed(tmp_path, library, code, loss, kept):
    assert files(calls_of(library, tmp_path / "root", code), loss) == kept
