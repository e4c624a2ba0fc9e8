"""The logs: shown, purged, and never a line lost."""

import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import house
from lib.core import alerts
from lib.core.root import Root

OLD = "2025-11-07T23:59:59Z INFO generate_invoice.py I-ISSUED NORD-2025-0001\n"
NEW = "2025-11-08T00:00:00Z INFO generate_invoice.py I-ISSUED NORD-2025-0002\n"
STRANGE = "no time at all\n2025-01-01 nor here\n"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    made = house.build(tmp_path / "root")
    house.write(made, "data/logs/nord.log", (OLD + STRANGE + OLD + NEW).encode())
    house.write(made, "data/logs/system.log", b"2025-11-08T00:00:01Z ERROR cli.py B-X \xff\n")
    house.write(made, "data/logs/notes.txt", OLD.encode())
    return made


def purge(root: Root, *words: str) -> house.Ran:
    return house.make(root, "purge-logs", "KEEP_DAYS=365", "TODAY=2026-11-08", *words)


def test_a_purge_removes_whole_old_entries_and_nothing_else(root):
    before = house.tree(root)
    ran = purge(root)
    assert ran.code == 0, ran
    assert "data/logs/nord.log: 2 entries before 2025-11-08" in ran.out
    assert (root.logs / "nord.log").read_text() == STRANGE + NEW
    assert (root.logs / "nord.log").stat().st_mode & 0o777 == 0o640
    system = (root.logs / "system.log").read_bytes()
    assert system.startswith(b"2025-11-08T00:00:01Z ERROR cli.py B-X \xff\n")
    assert b" I-LOGS-PURGED 2 entries before 2025-11-08 removed\n" in system
    assert (root.logs / "notes.txt").read_text() == OLD
    assert house.tree(root) == before


def test_a_dry_purge_changes_nothing(root):
    before = {path: path.read_bytes() for path in root.logs.iterdir()}
    ran = purge(root, "DRY_RUN=1")
    assert "2 entries before 2025-11-08 would be removed" in ran.out
    assert {path: path.read_bytes() for path in root.logs.iterdir()} == before
    ran = purge(root, "DRY_RUN=please")
    assert (ran.code, ran.err.splitlines()[0]) == (
        2,
        'DRY_RUN: "please" is neither 1 nor 0 [B-USAGE]',
    )
    assert {path: path.read_bytes() for path in root.logs.iterdir()} == before


@pytest.mark.parametrize("days", ["", "0", "-1", "1.5", "all"])
def test_a_purge_wants_a_number_of_days(root, days):
    before = {path: path.read_bytes() for path in root.logs.iterdir()}
    ran = house.make(root, "purge-logs", f"KEEP_DAYS={days}")
    assert ran.code == 2
    if days:
        said, from_make = ran.err.splitlines()
        assert said.startswith(f'KEEP_DAYS: "{days}" is not a number of days (1 to 99999); write ')
        assert from_make.startswith("make: ***")
    assert {path: path.read_bytes() for path in root.logs.iterdir()} == before


def test_no_line_is_lost_while_logs_are_purged(root):
    written = [0]
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            alerts.write_log(root.logs, "nord", "INFO", "t.py", "I-X", f"entry {written[0]}")
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            with (root.logs / "nord.log").open("a") as stream:
                stream.write(OLD)
            ran = house.call("purge_logs", root, keep_days="365", today="2026-11-08")
            assert ran.code == 0, ran
    finally:
        stop.set()
        writer.join()
    found = re.findall(r" entry (\d+)$", (root.logs / "nord.log").read_text(), re.M)
    assert [int(number) for number in found] == list(range(written[0]))


# --- showing -------------------------------------------------------------------------


def test_the_log_of_a_client_and_all_logs_in_order_of_time(root):
    shown = house.make(root, "--no-print-directory", "logs", "CLIENT=nord")
    assert shown == (0, OLD + STRANGE + OLD + NEW, "")
    house.write(root, "data/logs/sud.log", OLD.replace("11-07", "11-06").encode())
    every = house.call("show_logs", root).out.splitlines()
    assert [line.rpartition(" ")[2] for line in every] == ["(sud)", *["(nord)"] * 5, "(system)"]
    assert every[-1] == "2025-11-08T00:00:01Z ERROR cli.py B-X \ufffd (system)"


@pytest.mark.parametrize("client", ["sud", "../logs/nord", "notes"])
def test_a_client_without_a_log(root, client):
    ran = house.call("show_logs", root, client=client)
    assert ran.code == 2
    assert "has no log; those that have: nord, system" in ran.err


def test_what_stands_in_a_log_does_not_reach_the_terminal_raw(root):
    house.write(
        root, "data/logs/nord.log", b"2025-11-08T00:00:00Z INFO x I-X \x1b]0;evil\x07 [red]b\n"
    )
    said = on_terminal(root)
    assert "\x1b]0" not in said
    assert "\\x1b]0;evil\\x07 [red]b" in said


def test_levels_have_colours_on_a_terminal_only(root):
    assert "\x1b[32mINFO" in on_terminal(root)
    assert "\x1b" not in house.call("show_logs", root, client="nord").out


def on_terminal(root: Root) -> str:
    """What `show_logs` prints for nord on a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    command = [sys.executable, house.SCRIPTS / "show_logs.py", "--root", root.path, "--client=nord"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    subprocess.run(command, stdout=theirs, env=environment, check=True)
    os.close(theirs)
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return said.decode()


def test_a_client_mistyped_gets_no_log_of_its_own(root):
    options = {"invoice": "NORD-2026-0001", "amount": "1.00", "date": "2026-11-08"}
    ran = house.call(
        "record_payment", root, client="nrod", method="cash", today="2026-11-08", **options
    )
    assert ran.code == 1
    assert sorted(path.name for path in root.logs.glob("*.log")) == ["nord.log", "system.log"]
    assert "nrod has no invoice" in (root.logs / "system.log").read_text(errors="replace")


@pytest.mark.parametrize("place", ["clients/est.json", "data/revenues/est.jsonl"])
def test_a_client_that_is_or_was_one_keeps_its_log(root, place):
    house.write(root, place, b"")
    alerts.write_log(root.logs, "est", "INFO", "x.py", "I-ISSUED", "something")
    assert "something" in (root.logs / "est.log").read_text()
