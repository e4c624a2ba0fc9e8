"""Times of files save work and decide nothing; a derived file has one maker at a time."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

import house
import past
from lib.core import flags, storage
from lib.core.root import Root

DATES = ("TODAY=2026-11-08", "MONTH=2026-10", "MAIL=no")
OLD, AHEAD = 1_000_000_000, 4_000_000_000
STARTED = {"plans.0.start": "2026-10"}

# --- a flag stands only over what it was made from ------------------------------------

PLACES = ("issuer.json", ".env", "clients/nord.json", "clients/sud.json", "data/usage/nord/x.json")
CHANGES = st.tuples(
    st.sampled_from(PLACES),
    st.sampled_from(["nothing", "touch", "write", "remove"]),
    st.sampled_from([b"one", b"two", b"longer"]),
    st.sampled_from([OLD, OLD + 1, AHEAD, 1_700_000_000]),
)


@given(st.lists(CHANGES, max_size=6), st.lists(CHANGES, max_size=4))
@profile(max_examples=60)
def test_whatever_was_touched_or_set_back_a_flag_hides_no_change(before, after):
    with tempfile.TemporaryDirectory() as folder:
        root = Root(Path(folder))
        for place in PLACES:
            house.write(root, place, b"one")
        for change in before:
            carry_out(root, *change)
        with flags.raising(root, "direct", "2026-10"):
            pass
        assert flags.stands(root, "direct", "2026-10")
        known = house.tree(root)
        for change in after:
            carry_out(root, *change)
        flags.drop(root, "direct", "2026-10")
        if flags.path_of(root, "direct", "2026-10").exists():
            assert house.tree(root) == known


def carry_out(root: Root, place: str, kind: str, data: bytes, moment: int) -> None:
    path = root.path / place
    if kind == "remove":
        path.unlink(missing_ok=True)
    elif kind == "write" or (kind == "touch" and path.exists()):
        if kind == "write":
            path.write_bytes(data)
        os.utime(path, (moment, moment))


def test_what_changes_while_a_work_is_done_contradicts_its_flag(tmp_path):
    root = house.build(tmp_path)
    with flags.raising(root, "direct", "2026-10"):
        house.put_client(root, house.client("sud", i=2))
    assert not flags.stands(root, "direct", "2026-10")


@pytest.mark.parametrize("data", [b"", b"[1]", b'{"inputs": 1}', b"\xff", b"[" * 99_999])
def test_a_flag_of_another_content_does_not_stand(tmp_path, data):
    root = house.build(tmp_path)
    house.write(root, "data/flags/2026-10/direct.done", data)
    assert not flags.stands(root, "direct", "2026-10")


# --- the same through the commands ----------------------------------------------------


def at(root: Root, moment: int) -> None:
    """Every file of the house has one time."""
    for path in root.path.rglob("*"):
        os.utime(path, (moment, moment))


@pytest.mark.parametrize(("of_house", "of_client"), [(None, OLD), (AHEAD, None)])
def test_a_client_who_came_with_an_old_time_or_after_a_clock_that_was_ahead(
    tmp_path, of_house, of_client
):
    root = house.build(tmp_path, house.client("nord", STARTED))
    assert house.make(root, "month", *DATES).code == 0
    if of_house:
        at(root, of_house)
    path = house.put_client(root, house.client("sud", STARTED, i=2))
    if of_client:
        os.utime(path, (of_client, of_client))
    assert house.make(root, "month", *DATES).code == 0
    assert house.numbers(root, "sud") == ["SUD-2026-0001"]
    assert (root.data / "balance/sud.json").exists()


def test_an_export_of_a_clock_that_was_ahead_is_made_again(tmp_path):
    bill = past.bill("nord", "NORD-2024-0001", "2024-02-29", ("services", "20.00", 10_000, 2_000))
    root = past.root_of(tmp_path / "root", bill)
    assert house.make(root, "export", "YEAR=2024").code == 0
    at(root, AHEAD)
    past.lay(root, past.money("nord", "NORD-2024-0001", "2024-03-01", 12_000))
    for path in root.data.rglob("*"):
        os.utime(path, (OLD, OLD))
    assert house.make(root, "export", "YEAR=2024").code == 0
    assert b"2024-03-01" in (root.exports / "recettes/recettes-2024.csv").read_bytes()


def test_a_derived_file_that_is_removed_comes_back(tmp_path):
    root = house.build(tmp_path, house.client("nord", STARTED))
    assert house.make(root, "month", *DATES).code == 0
    (root.data / "balance/nord.json").unlink()
    assert house.make(root, "month", *DATES).code == 0
    assert (root.data / "balance/nord.json").exists()


def test_whoever_reads_what_a_month_says_may_leave(tmp_path):
    root = house.build(tmp_path, house.client("nord", STARTED))
    command = ["make", "-f", str(house.HOME / "Makefile"), f"ROOT={root.path}", "month", *DATES]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as month:
        assert month.stdout and month.stderr
        month.stdout.close()
        said = month.stderr.read()
    assert (month.returncode, "Error" in said, "Broken" in said) == (0, False, False), said
    assert house.numbers(root, "nord") == ["NORD-2026-0001"]
    assert (root.data / "balance/nord.json").exists()


# --- one maker at a time ----------------------------------------------------------------

MAKERS = {
    "export_revenues": ("--year", "2026"),
    "export_payments": (),
    "export_fec": ("--year", "2026"),
    "export_ledger": ("--year", "2026"),
    "pack_accountant": ("--year", "2026"),
    "make_workbook": ("--year", "2026"),
    "make_report": ("--year", "2026", "--today", "2026-12-01"),
    "preview_invoices": ("--month", "2026-11", "--today", "2026-12-01"),
    "pack_batches": (),
}


@pytest.fixture(scope="module")
def issued(tmp_path_factory) -> Root:
    root = house.build(tmp_path_factory.mktemp("issued") / "root", house.client("nord", STARTED))
    assert house.month(root).code == 0
    return root


@pytest.mark.parametrize("script", MAKERS)
def test_two_makers_of_one_file_leave_it_whole_and_verify_sees_no_damage(issued, script):
    def started(name: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, house.SCRIPTS / f"{name}.py", "--root", issued.path, *options]
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    pair = [started(script, *MAKERS[script]) for _ in range(2)]
    said = [process.communicate()[1] for process in pair]
    assert [process.returncode for process in pair] == [0, 0], said
    ran = house.call("verify", issued)
    assert (ran.code, "tmp" in ran.err) == (0, False), ran


def test_a_maker_waits_for_another_one_of_its_folder(tmp_path):
    made = threading.Thread(target=storage.update_derived, args=(tmp_path / "x/a.csv", b"a"))
    with storage.held(tmp_path / "x"):
        made.start()
        made.join(0.2)
        assert made.is_alive()
        assert not list((tmp_path / "x").iterdir())
    made.join()
    assert (tmp_path / "x/a.csv").read_bytes() == b"a"


def test_what_python_keeps_of_the_program_is_not_the_program(tmp_path, monkeypatch):
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(house.SCRIPTS, tmp_path / "scripts", ignore=without)
    monkeypatch.setattr(flags, "_PROGRAM", tmp_path / "scripts")
    kept = tmp_path / "scripts/lib/core/__pycache__/flags.pyc"
    kept.parent.mkdir()
    before = flags.program()
    kept.write_bytes(b"")
    assert flags.program() == before
    (kept.parents[1] / "flags.py").write_bytes(b"")
    assert flags.program() != before
