"""What the machine refuses or another user may not do: said as it is, and nothing is lost by it."""

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

import house
from lib.core import storage
from lib.core.root import Root

NOBODY = 65534
PAID = {"client": "nord", "invoice": "NORD-2026-0001", "amount": "5.00", "method": "transfer"}
PAYMENT = {**PAID, "date": "2026-11-09", "today": "2026-11-09"}


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house with an invoice, a payment, a balance and a log."""
    root = house.build(tmp_path_factory.mktemp("machine") / "root")
    assert house.month(root).code == 0
    assert house.call("record_payment", root, **PAYMENT).code == 0
    assert house.call("reconcile", root).code == 0
    return root.path


@pytest.fixture
def root(issued: Path) -> Iterator[Root]:
    """A copy of it in a folder that every user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copytree(issued, folder / "root")
    yield Root(folder / "root")
    shutil.rmtree(folder)


def typed(
    root: Root, script: str, shell: str, more: dict[str, str] | None = None, **options: str
) -> subprocess.CompletedProcess[str]:
    """A script run by bash, with something more behind it: a redirection."""
    named = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = [sys.executable, f"{house.SCRIPTS}/{script}.py", "--root", str(root.path), *named]
    return subprocess.run(
        ["bash", "-c", f'"$@" {shell}', "bash", *command],
        capture_output=True, text=True, check=False, env={**os.environ, **(more or {})},
    )  # fmt: skip


# --- what is said ------------------------------------------------------------------------

AGAIN = {**PAYMENT, "amount": "6.00"}


def test_where_standard_output_is_full_what_was_recorded_is_not_said_to_be_undone(root):
    done = typed(root, "record_payment", ">/dev/full", **AGAIN)
    assert (done.returncode, done.stderr) == (
        4,
        "standard output: No space left on device; all was done, and only what the command says"
        " is lost [B-ENVIRONMENT]\n",
    )
    assert len(house.records(root, "nord", "payments")) == 2


@pytest.mark.parametrize("shell", [">&-", "<&- >&- 2>&-", "| true", "2>&1 | head -c 1"])
def test_where_nobody_listens_all_is_done(root, shell):
    done = typed(root, "record_payment", f"{shell}; exit ${{PIPESTATUS[0]}}", **AGAIN)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(house.records(root, "nord", "payments")) == 2
    assert house.call("verify", root).code == 0


@pytest.mark.parametrize("shell", ["2>/dev/full", "2>&-"])
def test_where_standard_error_is_full_the_exit_code_still_says_it(root, shell):
    assert typed(root, "record_payment", shell, **PAYMENT).returncode == 1


ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "LANG": "C"}


@pytest.mark.parametrize(
    "locale", [ASCII, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}]
)
def test_a_locale_changes_nothing_that_is_issued_and_stops_nothing_that_is_said(tmp_path, locale):
    root = house.build(tmp_path / "root", house.client(changes={"party.name": "Café Zoë €"}))
    days = {"month": house.MONTH, "issue_date": house.TODAY, "today": house.TODAY}
    done = typed(root, "generate_invoice", "", locale, **days)
    assert (done.returncode, "1 invoice issued" in done.stdout) == (0, True), done
    made = house.issued(root, "nord", "NORD-2026-0001")
    assert made.buyer.name == "Café Zoë €"
    assert "pénalités exigibles" in "".join(note.text for note in made.notes)
    done = typed(root, "record_payment", "", {**locale, "NOTE": "reçu à l’œil"}, **PAYMENT)
    assert done.returncode == 0, done
    [record] = house.records(root, "nord", "payments")
    assert record["note"] == "reçu à l’œil"


# --- days and sizes ------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1999-12-31", "2100-01-01"])
def test_a_day_that_no_invoice_can_have_is_refused_in_a_line(root, day):
    for script, name in (("show_status", "today"), ("generate_invoice", "issue_date")):
        done = typed(root, script, "", **{name: day})
        said = f'{name.upper()}: "{day}" is not a date; write one of the years 2000 to 2099'
        assert (done.returncode, done.stderr) == (2, f"{said} [B-USAGE]\n"), done


def test_a_disk_without_a_size_is_looked_at_all_the_same(root, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: mock.Mock(total=0, used=0, free=0))
    run = {"run": str(root.path.parent), "command": "month", "status": "0"}
    days = {"today": "2026-11-10", "month": house.MONTH}
    for script, options in (("show_status", days), ("send_alerts", {**days, **run})):
        ran = house.call(script, root, **options)
        assert ran.code == 0, ran


def test_where_the_address_space_is_too_small_a_line_says_so(tmp_path):
    root = house.build(tmp_path / "root")
    days = {"month": house.MONTH, "issue_date": house.TODAY, "today": house.TODAY}
    named = " ".join(f"--{name.replace('_', '-')}={value}" for name, value in days.items())
    script = f"{sys.executable} {house.SCRIPTS}/generate_invoice.py --root {root.path} {named}"
    done = subprocess.run(
        ["bash", "-c", f"ulimit -v 4000000; {script}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done
    assert "in the 4000000 kB of address space that `ulimit -v` leaves it" in done.stderr
    assert not list(root.pending.iterdir())


@pytest.fixture
def read_only(root, monkeypatch):
    """A disk that lets nothing be written below the root."""
    real = os.open

    def open_(path, flags, *more, **options):
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and str(path).startswith(str(root.path)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return real(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", open_)
    return root


def test_a_root_that_cannot_be_written_is_verified_checked_and_backed_up(read_only, tmp_path):
    backup = ("back_up", {"to": str(tmp_path / "to"), "today": "2026-11-10"})
    for script, options in (*READING, backup):
        ran = house.call(script, read_only, **options)
        assert ran.code == 0, (script, ran)
    ran = house.call("record_payment", read_only, **AGAIN)
    assert (ran.code, "Read-only file system; let this disk be written to" in ran.err) == (4, True)


# --- other users ---------------------------------------------------------------------------

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


def as_nobody(work: Callable[[], house.Ran]) -> house.Ran:
    """What a command comes to where another user gives it."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setegid(NOBODY)
            os.seteuid(NOBODY)
            os.write(into, json.dumps(work()).encode()[:60_000])
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return house.Ran(*json.loads(said))


def call(script: str, root: Root, **options: str) -> house.Ran:
    return as_nobody(lambda: house.call(script, root, **options))


def give(root: Root, owner: int) -> None:
    for path in (root.path, *root.path.rglob("*")):
        os.chown(path, owner, owner)


@as_root
def test_what_root_does_in_another_users_house_stays_that_users(root):
    shutil.rmtree(root.data / "payments")
    shutil.rmtree(root.heads / "payments")
    shutil.rmtree(root.logs)
    give(root, NOBODY)
    assert house.call("record_payment", root, **PAYMENT).code == 0
    assert house.call("reconcile", root).code == 0
    assert house.call("export_revenues", root, year="2026").code == 0
    strange = [path for path in root.path.rglob("*") if path.stat().st_uid != NOBODY]
    assert not strange
    for script, options in (
        ("record_payment", AGAIN),
        ("reconcile", {}),
        ("export_revenues", {"year": "2026"}),
        ("verify", {}),
    ):
        ran = call(script, root, **options)
        assert (ran.code, "log could not" in ran.err) == (0, False), ran


@as_root
def test_a_folder_that_a_group_shares_has_files_that_it_shares(root):
    folder = root.path / "shared"
    folder.mkdir()
    for mode, expected in ((0o2770, 0o660), (0o770, 0o640), (0o2750, 0o640)):
        folder.chmod(mode)
        storage.replace(folder / "file", b"x")
        assert (folder / "file").stat().st_mode & 0o777 == expected
        storage.make_folder(folder / "inner")
        shared = 0o770 if expected == 0o660 else 0o750
        assert (folder / "inner").stat().st_mode & 0o777 == shared
        (folder / "inner").rmdir()


def open_to_read(root: Root) -> None:
    for path in (root.path, *root.path.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))


READING: list[tuple[str, dict[str, str]]] = [
    ("show_status", {"today": "2026-11-10", "month": house.MONTH}),
    ("show_overdue", {"today": "2026-12-31"}),
    ("show_logs", {"client": "nord"}),
    ("check_inputs", {}),
    ("verify", {}),
]


@as_root
def test_a_user_who_may_only_read_reads(root):
    open_to_read(root)
    before = house.tree(root)
    for script, options in READING:
        ran = call(script, root, **options)
        assert ran.code == 0, (script, ran)
    (root.path / "exports").mkdir()
    os.chown(root.path / "exports", NOBODY, NOBODY)
    ran = call("export_payments", root)
    assert ran.code == 0, ran
    assert house.tree(root, "exports/") == before


@as_root
@pytest.mark.parametrize(
    "name",
    [
        "data/payments/nord.jsonl",
        "data/heads/payments",
        "data/revenues",
        "clients",
        "clients/nord.json",
        ".env",
    ],
)
def test_what_a_user_may_not_read_is_named_with_the_user_and_breaks_nothing(root, name):
    house.write(root, ".env", b"LOCK_WAIT=1\n")
    open_to_read(root)
    (root.path / name).chmod(0o700 if (root.path / name).is_dir() else 0o600)
    reads = ("show_status", "show_overdue", "verify", "export_payments", "back_up")
    for script in ("check_inputs",) if name.startswith("clients") else reads:
        options = dict(READING).get(script, {})
        if script == "back_up":
            to = root.path.parent / "to"
            to.mkdir()
            os.chown(to, NOBODY, NOBODY)
            options = {"to": str(to), "today": "2026-11-10"}
        ran = call(script, root, **options)
        assert (ran.code, name in ran.err, "nobody" in ran.err) == (4, True, True), (script, ran)


@as_root
def test_a_file_whose_time_a_user_may_not_renew_is_named(root):
    def renew() -> house.Ran:
        try:
            storage.renew(root.issuer)
        except PermissionError as error:
            return house.Ran(4, "", str(error.filename))
        return house.Ran(0, "", "")

    assert as_nobody(renew).err == str(root.issuer)


def test_a_umask_takes_nothing_from_the_owner(root):
    before = os.umask(0o777)
    try:
        assert typed(root, "record_payment", "", **AGAIN).returncode == 0
    finally:
        os.umask(before)
    assert not [path for path in root.path.rglob("*") if not path.stat().st_mode & stat.S_IRUSR]


@as_root
def test_what_a_user_may_not_write_is_refused_before_anything_was_done(root):
    open_to_read(root)
    before = house.tree(root)
    for name in ("data", "data/pending", "data/payments", "data/heads/payments", "data/logs"):
        (root.path / name).chmod(0o777)
    (root.lock).chmod(0o666)
    ran = call("record_payment", root, **AGAIN)
    assert (ran.code, "data/payments/nord.jsonl: Permission denied" in ran.err) == (4, True), ran
    assert "the user nobody lacks the right to it (it belongs to root)" in ran.err
    root.lock.chmod(0o644)
    assert house.tree(root) == before
    assert not list(root.pending.iterdir())
