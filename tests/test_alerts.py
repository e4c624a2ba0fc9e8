"""What the operator hears: codes, the summary of a month, and what is worth telling."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import batches
import books
import house
import past
import post
from lib.books.balances import InvoiceBalance
from lib.core import alerts, lock, storage
from lib.core.faults import Alert, Fault
from lib.core.root import Root
from lib.summary import notices, summaries

DATES = ("TODAY=2026-11-08", "MONTH=2026-10")
HOURS = {"plans.0.start": "2026-10", "plans.0.items": [house.metered("support", "hours")]}
STARTED = {"plans.0.start": "2026-10"}  # no earlier month to be reported


def mails(root: Root) -> list[EmailMessage]:
    """The summaries that wait, in order of name."""
    parser = BytesParser(policy=policy.default)
    files = sorted((root.data / "outbox").glob("summary__*.eml"))
    return [parser.parsebytes(path.read_bytes()) for path in files]  # type: ignore[misc]


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def witness(mail: EmailMessage) -> str:
    (part,) = mail.iter_attachments()
    assert part.get_filename() == "heads.txt"
    content = part.get_content()
    return content if isinstance(content, str) else content.decode()


# --- the summary of a month ----------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory: Any) -> tuple[Root, house.Ran]:
    root = house.build(
        tmp_path_factory.mktemp("told"),
        house.client("nord", STARTED),
        house.client("sud", STARTED, i=2),
    )
    (root.path / ".env").write_text("ALERT_TO=boss@example.org\nMAIL_FROM=house@example.org\n")
    (root.path / ".env").chmod(0o600)
    return root, house.make(root, "-j8", "month", "MAIL=no", *DATES)


def test_the_summary_says_what_was_issued_with_its_totals(told):
    root, ran = told
    assert ran.code == 0, ran
    for said in (ran.err, body(mails(root)[0])):
        assert "month 2026-10: 2 issued" in said
        assert "  nord: NORD-2026-0001: net 64.00, VAT 12.80, gross 76.80 EUR" in said
        assert "  total: 2 documents: net 128.00, VAT 25.60, gross 153.60 EUR" in said
    assert mails(root)[0]["To"] == "boss@example.org"
    assert mails(root)[0]["From"] == "house@example.org"
    assert "month 2026-10: 2 issued" in mails(root)[0]["Subject"]


def test_a_run_in_parallel_keeps_its_jobs(told):
    assert "jobserver" not in told[1].err


def test_the_summary_carries_the_heads_as_a_witness(told, tmp_path):
    root, _ = told
    heads = witness(mails(root)[0])
    expected = [
        f"data/revenues/{client}.jsonl 1 {house.records(root, client)[-1]['hash']}"
        for client in ("nord", "sud")
    ]
    assert heads.splitlines() == expected
    (tmp_path / "heads.txt").write_text(heads)
    assert house.call("verify", root, witness=f"{tmp_path}/heads.txt").code == 0
    (tmp_path / "heads.txt").write_text(heads.replace(expected[0][-8:], "0" * 8))
    assert "B-WITNESS" in house.call("verify", root, witness=f"{tmp_path}/heads.txt").err


def test_a_run_that_does_nothing_is_silent_under_cron(told):
    root, _ = told
    before = house.tree(root)
    words = ("--no-print-directory", "MAIL=no", "QUIET=1", *DATES)
    assert house.make(root, "month", *words) == (0, "", "")
    assert house.tree(root) == before
    loud = house.make(root, "month", "MAIL=no", *DATES)
    assert (loud.code, loud.err) == (0, "")
    assert "nothing to do, nothing new" in loud.out


def test_the_log_knows_how_each_run_ended(told):
    root, _ = told
    log = (root.logs / "system.log").read_text()
    assert re.search(r"^\S+Z INFO send_alerts.py I-RUN month 2026-10: 2 issued$", log, re.M)


@pytest.mark.parametrize("quiet", ["", "1"])
def test_a_refused_month_is_reported_and_keeps_its_status(tmp_path, quiet):
    root = house.build(tmp_path, house.client("nord", HOURS))
    ran = house.make(root, "month", f"QUIET={quiet}", *DATES)
    assert ran.code == 2
    missing = "data/usage/nord/2026-10.manual.json: quantities.hours: is missing"
    assert "failed in direct, 1 refused or wrong" in ran.err
    assert ran.err.count(missing) == 1  # by the phase: the summary only counts it
    (mail,) = mails(root)
    assert missing in body(mail)
    assert "[B-USAGE-MISSING]" in body(mail)
    assert mail["To"] == "compta@atelier.example"  # the issuer, where nobody else is named
    log = (root.logs / "system.log").read_text()
    assert "ERROR send_alerts.py I-RUN month 2026-10: failed in direct" in log


def test_an_issuer_file_that_names_no_time_zone_is_reported_too(tmp_path):
    root = house.build(tmp_path, seller=house.issuer({"timezone": "Europe/Nantes"}))
    ran = house.make(root, "month", "QUIET=1", environment={"ALERT_TO": "boss@example.org"})
    assert ran.code == 2
    (mail,) = mails(root)
    assert 'issuer.json: timezone: "Europe/Nantes" is not a time zone' in body(mail)
    assert "failed in dates" in mail["Subject"]


def test_make_n_shows_the_month_and_does_nothing(tmp_path):
    root = house.build(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    ran = house.make(root, "-n", "month", *DATES)
    assert ran.code == 0, ran
    assert ran.out.index("generate_invoice.py") < ran.out.index("send_alerts.py")
    assert sorted(tmp_path.rglob("*")) == before


# --- the script alone ----------------------------------------------------------------


def summarise(root: Root, run: Path, today: str = "2026-11-08", **options: str) -> house.Ran:
    """`send_alerts` in this process, for `make month`; `run` is Make's folder of notes."""
    run.mkdir(exist_ok=True)
    if failed := options.pop("failed", ""):
        (run / "step").write_text(f"{failed}\n")
        options["status"] = "2"
    given = {"command": "month", "run": str(run), "today": today}
    return house.call("send_alerts", root, **given, **options)


def test_a_phase_that_was_killed_is_reported(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    ran = summarise(root, tmp_path / "run", failed="direct", month="2026-10")
    assert "phase direct: ended with an error that it could not explain" in ran.err
    assert "[B-PHASE]" in body(mails(root)[0])


def test_alerts_noted_by_a_phase_are_reported_once(tmp_path, monkeypatch, capsys):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setenv("RUN_LOG", str(run / "alerts"))
    hostile = Alert("B-INPUT-VALUE", "clients/nord.json", Fault("a\nb", "x\u2028\udcff"), "nord")
    alerts.report(root.logs, "test", [hostile, hostile])
    monkeypatch.delenv("RUN_LOG")
    ran = summarise(root, run, failed="direct")
    assert "1 refused or wrong" in ran.err and "clients/nord.json" not in ran.err  # said before
    (mail,) = mails(root)
    assert body(mail).count("clients/nord.json: a\\nb: x\\u2028\\udcff [B-INPUT-VALUE]") == 1
    assert (root.logs / "nord.log").read_text().count("\n") == 2  # not logged once more


def unpaid(number: str, due: str) -> dict[str, Any]:
    """The facts of an invoice of 120.00 that was issued on 2026-11-08."""
    return past.bill(
        "nord", number, "2026-11-08", ("services", "20.00", 100_00, 20_00), due_date=due
    )


def test_a_notice_is_news_once(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    past.lay(root, unpaid("NORD-2026-0001", "2026-12-08"))
    first = summarise(root, tmp_path / "run", "2027-01-08")
    assert "NORD-2026-0001: 120.00 EUR were due on 2026-12-08" in first.err
    assert summarise(root, tmp_path / "run", "2027-01-09").err == ""
    past.lay(root, unpaid("NORD-2026-0002", "2026-12-09"))
    again = summarise(root, tmp_path / "run", "2027-01-10")
    assert again.err.count("[I-OVERDUE]") == 2  # what is old is repeated beside what is new
    assert "2 to decide" in again.err  # as many as the list has
    assert len(mails(root)) == 2


def test_a_summary_says_what_is_closed_and_what_could_be(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    assert house.month(root).code == 0
    assert "books closed" not in summarise(root, tmp_path / "run", "2026-11-30").out
    ran = summarise(root, tmp_path / "run", "2027-01-08", failed="mail")
    text = "books closed: nothing; 2 months could be: make close MONTH=2026-11"
    assert text in ran.err and text in body(mails(root)[-1])
    assert house.call("close_period", root, month="2026-11", today="2027-01-08").code == 0
    ran = summarise(root, tmp_path / "run", "2027-01-09", failed="direct")
    text = "books closed: up to 2026-11-30; 1 month could be: make close MONTH=2026-12"
    assert text in ran.err


def test_a_mail_that_waits_is_not_written_twice(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    for day in ("2026-11-08", "2026-11-08", "2026-11-09"):
        summarise(root, tmp_path / "run", day, failed="direct")
    assert len(mails(root)) == 1
    summarise(root, tmp_path / "run", failed="mail")
    assert len(mails(root)) == 2


def test_broken_records_do_not_silence_the_summary(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    assert house.month(root).code == 0
    path = root.data / "revenues" / "nord.jsonl"
    path.write_bytes(path.read_bytes().replace(b"76.80", b"77.80"))
    ran = summarise(root, tmp_path / "run", month="2026-10")
    assert "data/revenues/nord.jsonl: line 1: was changed" in ran.err
    assert "[B-RECORD-BROKEN]" in body(mails(root)[0])


def test_without_an_address_the_summary_says_so(tmp_path):
    root = house.build(tmp_path / "root", seller=house.issuer({"party.email": None}))
    ran = summarise(root, tmp_path / "run", failed="direct")
    assert "no address is known (ALERT_TO in .env)" in ran.err
    assert mails(root) == []


def test_env_that_others_can_read_is_reported(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    (root.path / ".env").write_text("LOCK_WAIT=0\n")
    (root.path / ".env").chmod(0o640)
    assert "[I-ENV-READABLE]" in summarise(root, tmp_path / "run").err
    (root.path / ".env").chmod(0o600)
    (root.path / "clients" / "nord.json").unlink()
    house.put_client(root, house.client("nord", {**STARTED, "party.email": None}))
    ran = summarise(root, tmp_path / "run")
    assert "I-ENV-READABLE" not in ran.err
    assert "clients/nord.json: party.email: is missing: no invoice is sent" in ran.err


def test_a_summary_waits_for_its_server_and_leaves_once(tmp_path, monkeypatch):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    for name, value in (
        ("ALERT_TO", "boss@example.org, two@example.org"),
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_SECURITY", "none"),
        ("SMTP_PORT", str(post.free_port())),
    ):
        monkeypatch.setenv(name, value)
    down = summarise(root, tmp_path / "run", failed="direct")
    assert down.code == 4
    assert "[B-MAIL-SERVER]" in down.err
    assert len(mails(root)) == 1
    with post.office() as server:
        monkeypatch.setenv("SMTP_PORT", str(server.port))
        server.refused["two@example.org"] = "450 later"
        assert summarise(root, tmp_path / "run").code == 4  # nothing new, but one to send
        server.refused.clear()
        for _ in range(2):
            assert summarise(root, tmp_path / "run").code == 0
    assert [mail.recipients for mail in server.received] == [
        ["boss@example.org"],
        ["two@example.org"],
    ]
    assert len({mail.id for mail in server.received}) == 1
    assert mails(root) == []


def test_what_a_quiet_month_said_is_not_lost_when_it_is_interrupted(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    with lock.shared(root, 0):
        command = ["make", "-C", str(house.HOME), f"ROOT={root.path}", "QUIET=1", "month", *DATES]
        month = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, start_new_session=True,
            # A shell that starts this in the background lets its children ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while not has_lock_waited_for(root):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            os.killpg(month.pid, signal.SIGINT)
            _, said = month.communicate(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(month.pid, signal.SIGKILL)
    assert month.returncode != 0
    assert "month 2026-10, issue date 2026-11-08" in said
    assert "[B-INTERRUPTED]" in said
    assert not list(root.flags.glob("2026-10/direct.done*"))


def has_lock_waited_for(root: Root) -> bool:
    """Whether the phase that issues has opened the lock, which the test holds."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            opened = [handle.readlink() for handle in (process / "fd").iterdir()]
            if b"generate_invoice" in command and root.lock in opened:
                return True
    return False


# --- since the last summary ----------------------------------------------------------


@pytest.fixture(scope="module")
def plain(tmp_path_factory: Any) -> Root:
    """Two invoices, issued by a run that was stopped before it reported anything."""
    root = house.build(
        tmp_path_factory.mktemp("plain") / "root",
        house.client("nord", STARTED),
        house.client("sud", STARTED, i=2),
    )
    assert house.month(root).code == 0
    return root


@pytest.fixture
def unreported(plain: Root, tmp_path: Path) -> Root:
    shutil.copytree(plain.path, tmp_path / "root")
    return Root((tmp_path / "root").resolve())


def test_what_other_commands_did_is_reported_by_the_next_summary(unreported, tmp_path):
    assert "month: 2 issued" in summarise(unreported, tmp_path / "run").err
    books.pay(unreported, "NORD-2026-0001", "70.00", day="2026-11-08")
    with mock.patch.dict(os.environ, REASON="Erreur"):
        credit = {"invoice": "SUD-2026-0001", "issue_date": "2026-11-08", "today": "2026-11-08"}
        assert house.call("issue_credit_note", unreported, **credit).code == 0
    told = summarise(unreported, tmp_path / "run")
    assert "month: 1 issued, 1 payment recorded" in told.err
    assert "sud: SUD-2026-0002: net -64.00, VAT -12.80, gross -76.80 EUR" in told.err
    assert "NORD-2026-0001" not in told.err
    assert summarise(unreported, tmp_path / "run").err == ""
    assert len(mails(unreported)) == 2


def test_a_month_that_was_killed_is_reported_by_the_next_one(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    command = ["make", "-C", str(house.HOME), f"ROOT={root.path}", "month", "MAIL=no", *DATES]
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    month = subprocess.Popen(command, start_new_session=True, **quiet)
    deadline = time.monotonic() + 60
    while not (root.flags / "2026-10" / "direct.done").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(month.pid, signal.SIGKILL)
    month.wait()
    assert mails(root) == []
    assert "1 issued" in house.make(root, "month", "MAIL=no", *DATES).err
    assert "  nord: NORD-2026-0001: net 64.00" in body(mails(root)[0])


def test_killed_at_any_write_nothing_is_unreported_and_nothing_waits_twice(unreported, tmp_path):
    step, died = 0, True
    while died:
        step += 1
        root = Root(tmp_path / f"killed-{step}")
        shutil.copytree(unreported.path, root.path)
        died = books.killed_at(step, lambda root=root: summarise(root, tmp_path / "run"))
        assert summarise(root, tmp_path / "run").code == 0
        (mail,) = mails(root)
        assert "NORD-2026-0001" in body(mail) and "SUD-2026-0001" in body(mail), step
        assert summarise(root, tmp_path / "run").err == ""
        shutil.rmtree(root.path)
    assert step > 10, step


@pytest.mark.parametrize("damage", ["lost", "cut", "another"])
def test_without_its_memory_the_summary_reports_all_since_the_beginning(
    unreported, tmp_path, damage
):
    summarise(unreported, tmp_path / "run")
    file = unreported.flags / "told.json"
    if damage == "lost":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:90] if damage == "cut" else b"[1]")
    told = summarise(unreported, tmp_path / "run").err
    assert "month: 2 issued\nno earlier summary is known: everything since the" in told
    assert summarise(unreported, tmp_path / "run").err == ""


def test_what_could_not_be_read_is_reported_when_it_can_be(unreported, tmp_path):
    path = unreported.data / "revenues" / "nord.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"76.80", b"77.80"))
    told = summarise(unreported, tmp_path / "run").err
    assert "1 issued, 1 refused or wrong" in told and "SUD-2026-0001" in told
    path.write_bytes(whole)
    told = summarise(unreported, tmp_path / "run").err
    assert "1 issued" in told and "NORD-2026-0001" in told and "SUD" not in told


def test_records_that_were_reported_and_are_others_now_are_reported(unreported, tmp_path):
    summarise(unreported, tmp_path / "run")
    for kind in ("data/revenues/nord.jsonl", "data/heads/revenues/nord.json"):
        (unreported.path / kind).unlink()
    told = summarise(unreported, tmp_path / "run").err
    assert "data/revenues/nord.jsonl: is missing, and the last summary covered it" in told
    past.lay(unreported, unpaid("NORD-2026-0001", "2026-12-08"))
    assert "NORD-2026-0001: net 100.00" in summarise(unreported, tmp_path / "run").err
    (unreported.data / "revenues" / "nord.jsonl").unlink()
    (unreported.data / "heads" / "revenues" / "nord.json").unlink()
    past.lay(unreported, unpaid("NORD-2026-0009", "2026-12-09"))
    told = summarise(unreported, tmp_path / "run").err
    assert "data/revenues/nord.jsonl: line 1: is not the line that the last summary" in told
    assert "NORD-2026-0009: net 100.00" in told and "[B-WITNESS]" in told


def test_a_summary_that_nobody_can_get_by_mail_is_reported_where_it_stands(tmp_path):
    root = house.build(tmp_path / "root", seller=house.issuer({"party.email": None}))
    assert house.month(root).code == 0
    assert "1 issued" in summarise(root, tmp_path / "run").err
    assert "1 issued" not in summarise(root, tmp_path / "run").err
    assert mails(root) == []


def test_a_summary_whose_address_cannot_be_read_is_reported_again(unreported, tmp_path):
    house.write(unreported, ".env", b"ALERT_TO=boss\n")
    assert "2 issued" in summarise(unreported, tmp_path / "run").err
    (unreported.path / ".env").unlink()
    assert "2 issued" in summarise(unreported, tmp_path / "run").err
    assert len(mails(unreported)) == 1


def test_a_month_with_nothing_to_do_starts_one_program_that_reads_little(unreported):
    assert house.make(unreported, "month", "MAIL=no", *DATES).code == 0
    project = unreported.path.parent / "project"
    python = project / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    log = unreported.path.parent / "started"
    text = f'#!/bin/sh\necho "$@" >>{log}\nexec {sys.executable} -X importtime "$@"\n'
    python.write_text(text)
    python.chmod(0o700)
    for name in ("Makefile", "requirements.txt", "scripts", "tools"):
        (project / name).symlink_to(house.HOME / name)
    (project / ".venv/.ready").touch()
    command = ["make", "-C", str(project), f"ROOT={unreported.path}", "month", "MAIL=no", *DATES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "month 2026-10: nothing to do, nothing new" in done.stdout, done
    (started,) = log.read_text().splitlines()
    assert "run_phases.py" in started
    assert "lib.summary.last_summary" in done.stderr
    for heavy in ("lib.inputs.inputs", "lib.books.records", "lib.mail.mime", "jsonschema"):
        assert heavy not in done.stderr


@pytest.mark.parametrize("change", ["a client", "usage", "records", "the day", "the server"])
def test_whatever_may_be_news_is_looked_at(unreported, tmp_path, monkeypatch, change):
    """A payment was due on 8 December, and its day comes; the other changes are no news."""
    # How full the disk is counts too, and other programs write while this one runs.
    monkeypatch.setattr(storage, "percent_used", lambda _folder: 50)
    summarise(unreported, tmp_path / "run")
    looked = []
    read = summaries.read
    monkeypatch.setattr(summaries, "read", lambda *given: looked.append(1) or read(*given))
    assert summarise(unreported, tmp_path / "run").err == "" and not looked
    today = "2026-11-08"
    if change == "a client":
        house.put_client(unreported, house.client("est", STARTED, i=3))
    elif change == "usage":
        house.put_usage(unreported, house.usage("nord", "2026-11", None, house.one_off()))
    elif change == "records":
        books.pay(unreported, "NORD-2026-0001", "76.80", day="2026-11-08")
    elif change == "the day":
        today = "2026-12-09"
    else:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(post.free_port()))
    told = summarise(unreported, tmp_path / "run", today)
    assert looked
    assert ("[I-OVERDUE]" in told.err) == (change == "the day")


@pytest.mark.parametrize("folder", ["clients", "batch_clients", "data/usage/nord"])
def test_a_name_that_is_not_text_and_a_link_to_nothing_silence_no_summary(
    unreported, tmp_path, folder
):
    (unreported.path / folder).mkdir(parents=True, exist_ok=True)
    (unreported.path / folder / os.fsdecode(b"caf\xe9.json")).write_bytes(b"")
    for name in ("a.json", "z.json"):
        (unreported.path / folder / name).symlink_to("nowhere")
    summary = summarise(unreported, tmp_path / "run")
    assert summary.code == 0
    assert "2 issued" in summary.err


# --- the other commands of cron ------------------------------------------------------


def test_a_batch_is_reported_and_an_empty_inbox_is_not(tmp_path):
    root = batches.build(tmp_path / "root", batches.file_of(batches.row(1)))
    ran = house.make(root, "batch", "QUIET=1", *DATES)
    assert ran.code == 0
    (mail,) = mails(root)
    assert mail["Subject"].startswith("batch: 1 issued in the name of batch clients")
    assert "  fil: FIL-2026-0001: net" in body(mail)
    assert house.make(root, "--no-print-directory", "batch", "QUIET=1", *DATES) == (0, "", "")
    assert len(mails(root)) == 1
    batches.hand_in(root, batches.file_of(batches.row(2, vat_rate_1="21")), "2026-09")
    ran = house.make(root, "batch", *DATES)
    assert ran.code == 2
    rejected = mails(root)[-1] if "failed" in mails(root)[-1]["Subject"] else mails(root)[0]
    assert rejected["Subject"].startswith("batch: failed in batch, 2 refused or wrong")
    assert "[B-CSV-REJECTED]" in body(rejected)


def test_reminders_are_reported_and_a_day_without_any_is_not(unreported):
    house.write(unreported, "issuer.json", house.issuer({"reminders": {"polite": 7}}))
    for client, i in (("nord", 1), ("sud", 2)):
        changes = STARTED | {"delivery": {"email": False}}
        house.put_client(unreported, house.client(client, changes, i=i))
    assert house.make(unreported, "month", "MAIL=no", *DATES).code == 0
    for mail in (unreported.data / "outbox").glob("*.eml"):
        mail.unlink()
    day = ("TODAY=2026-11-14", "QUIET=1")
    assert house.make(unreported, "--no-print-directory", "reminders", *day) == (0, "", "")
    assert mails(unreported) == []
    with post.office() as server:
        smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_SECURITY": "none"}
        day = ("TODAY=2026-12-15", "QUIET=1")
        ran = house.make(unreported, "reminders", *day, environment=smtp)
        assert ran.code == 0, ran
        told = server.of("compta@atelier.example")[-1].message
        assert told["Subject"] == "reminders: 2 mails sent, 2 to decide"
        before = len(server.received)
        quiet = ("--no-print-directory", "reminders", *day)
        assert house.make(unreported, *quiet, environment=smtp) == (0, "", "")
        assert len(server.received) == before == 3


@pytest.mark.parametrize(
    ("command", "name"), [("batch", "CLIENT"), ("reminders", "DATE"), ("reminders", "DRY_RUN")]
)
def test_a_value_is_never_run_by_make_or_the_shell(tmp_path, command, name):
    root = house.build(tmp_path / "root")
    value = (
        f"$(shell touch {tmp_path}/x)$(touch {tmp_path}/x)`touch {tmp_path}/x`;touch {tmp_path}/x"
    )
    house.make(root, command, f"{name}={value}", *DATES)
    assert not (tmp_path / "x").exists()


# --- what is worth telling -----------------------------------------------------------


def test_an_earlier_month_that_nobody_ran_is_reported(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", {"plans.0.start": "2026-08"}))
    assert house.month(root, "2026-08", "2026-09-08").code == 0
    assert house.month(root, "2026-10", "2026-11-08").code == 0
    ran = summarise(root, tmp_path / "run", month="2026-10")
    assert "2026-09: invoiced nobody; run `make month MONTH=2026-09` first" in ran.err
    assert house.month(root, "2026-09", "2026-11-08").code == 0
    assert "I-MONTH-SKIPPED" not in summarise(root, tmp_path / "run", month="2026-10").err


def test_a_month_that_is_not_over_is_not_missed(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", {"plans.0.start": "2026-11"}))
    ran = summarise(root, tmp_path / "run", month="2027-01", today="2026-11-08")
    assert "I-MONTH-SKIPPED" not in ran.err
    ran = summarise(root, tmp_path / "run", month="2027-01", today="2026-12-01")
    assert "2026-11: invoiced nobody" in ran.err


def test_a_month_in_which_nothing_was_due_is_not_missed(tmp_path):
    quarterly = {"plans.0.start": "2026-08", "plans.0.every_months": 3}
    root = house.build(tmp_path / "root", house.client("nord", quarterly))
    assert "I-MONTH-SKIPPED" not in summarise(root, tmp_path / "run", month="2026-10").err
    assert "2026-10: invoiced nobody" in summarise(root, tmp_path / "run", month="2026-11").err


def test_a_first_period_in_advance_is_not_missed_in_the_month_before(tmp_path):
    advance = house.client("sud", {"plans.0.start": "2026-10", "plans.0.billed": "advance"}, i=2)
    quarterly = {"plans.0.start": "2026-08", "plans.0.every_months": 3}
    root = house.build(tmp_path / "root", house.client("nord", quarterly), advance)
    assert "I-MONTH-SKIPPED" not in summarise(root, tmp_path / "run", month="2026-10").err
    assert house.month(root).code == 0
    ran = summarise(root, tmp_path / "run", month="2026-12", today="2026-12-01")
    assert "2026-11: invoiced nobody" in ran.err


LIMITS = {"services": "1000.00", "services_raised": "1100.00"}
MIXED = {**LIMITS, "goods": "2000.00", "goods_raised": "2200.00"}


def seller(limits: dict[str, str] | None, **changes: Any) -> dict[str, Any]:
    thresholds = {"thresholds": {"2026": limits}} if limits else {}
    changes = {"vat_regime": "franchise", "operation_category": "mixed"} | thresholds | changes
    return house.issuer({**changes, "party.vat_number": None})


@pytest.mark.parametrize(
    ("limits", "services", "goods", "expected"),
    [
        (LIMITS, 899_99, 0, []),
        (LIMITS, 900_00, 0, ["I-THRESHOLD-NEAR 2026.services"]),
        (LIMITS, 1000_00, 0, ["I-THRESHOLD-NEAR 2026.services"]),
        (LIMITS, 1000_01, 0, ["I-THRESHOLD-OVER 2026.services"]),
        (LIMITS, 1100_00, 0, ["I-THRESHOLD-OVER 2026.services"]),
        (LIMITS, 1100_01, 0, ["I-THRESHOLD-OVER 2026.services_raised"]),
        (MIXED, 500_00, 1300_00, ["I-THRESHOLD-NEAR 2026.goods"]),
        (MIXED, 500_00, 1700_01, ["I-THRESHOLD-OVER 2026.goods_raised"]),
        (LIMITS, 0, 1_00, ["I-THRESHOLD-UNKNOWN 2026.goods"]),
        (None, 0, 0, ["I-THRESHOLD-UNKNOWN 2026"]),
    ],
)
def test_turnover_near_and_over_the_limits(tmp_path, limits, services, goods, expected):
    client = house.client(
        changes={**STARTED, "vat.treatment": "franchise", "plans.0.end": "2026-10"}
    )
    for item in client["plans"][0]["items"]:
        item |= {"vat_rate": "0", "category": "services"}
    root = house.build(tmp_path / "root", client, seller=seller(limits))
    shares = [("services", "0.00", services, 0), ("goods", "0.00", goods, 0)]
    past.lay(
        root,
        past.bill("nord", "A-1", "2026-02-01", *[share for share in shares if share[2]]),
        past.bill("nord", "A-2", "2025-12-31", ("services", "0.00", 5000_00, 0)),
        past.bill("nord", "A-3", "2026-03-01", ("services", "0.00", 70_00, 0)),
        past.bill("nord", "A-4", "2026-03-02", ("services", "0.00", 70_00, 0), corrects="A-3"),
    )
    ran = summarise(root, tmp_path / "run")
    found = re.findall(r"issuer.json: thresholds.(\S+): .*\[(I-THRESHOLD-\w+)\]", ran.err)
    assert [f"{code} {place}" for place, code in found] == expected, ran.err


def test_limits_are_nobodys_business_under_the_standard_regime(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    past.lay(root, past.bill("nord", "A-1", "2026-02-01", ("services", "20.00", 90_000_00, 0)))
    assert "THRESHOLD" not in summarise(root, tmp_path / "run").err


def test_limits_that_cannot_be_are_refused(tmp_path):
    for limits, said in (
        ({"services": "37500.00"}, "services_raised: is missing"),
        ({"services": 37500, "services_raised": "1.00"}, "thresholds.2026.services: 37500 is not"),
        ({"service": "1.00"}, 'did you mean "services"'),
    ):
        root = house.build(tmp_path, seller=house.issuer({"thresholds": {"2026": limits}}))
        assert said in house.call("check_inputs", root).err
    root = house.build(tmp_path, seller=house.issuer({"thresholds": {"26": LIMITS}}))
    assert 'issuer.json: thresholds: "26"' in house.call("check_inputs", root).err


def test_a_batch_client_that_hands_nothing_in(tmp_path):
    payer = {**STARTED, "plans.0.items": [house.metered("batches", "batch_invoices", "0.50")]}
    root = house.build(tmp_path / "root", house.client("nord", payer))
    house.write(root, "batch_clients/atelier.json", batch_client())
    for day in ("2026-10-08", "2026-11-07"):  # nobody is billed for September's
        assert "I-BATCH-MISSING" not in summarise(root, tmp_path / "run", day).err
    ran = summarise(root, tmp_path / "run", "2026-11-08")
    assert "data/inbox_batch/atelier__2026-10.csv: was not issued by day 7" in ran.err
    house.put_usage(root, house.usage("nord", "2026-10", {"batch_invoices": "0"}))
    (root.data / "flags" / "told.json").unlink()
    assert "I-BATCH-MISSING" not in summarise(root, tmp_path / "run", "2026-11-08").err


def batch_client() -> dict[str, Any]:
    example = json.loads((house.HOME / "examples/batch_clients/atelier_ecluse.json").read_text())
    example["seller"].pop("logo", None)
    return example | {"id": "atelier", "billed_as": "nord"}


def test_a_clock_before_the_newest_record(tmp_path):
    root = house.build(tmp_path / "root", house.client("nord", STARTED))
    past.lay(root, unpaid("NORD-2026-0001", "2026-12-08"))
    assert "I-CLOCK" not in summarise(root, tmp_path / "run", "2026-11-08").err
    ran = summarise(root, tmp_path / "run", "2026-11-07")
    assert "today: 2026-11-07 is before 2026-11-08, the date of the newest record" in ran.err


def test_a_disk_is_nearly_full_above_nine_tenths():
    assert list(notices.disk("/srv", 900, 1000)) == []
    assert [one.code for one in notices.disk("/srv", 901, 1000)] == ["I-DISK"]


def test_texts_do_not_change_from_day_to_day():
    late = InvoiceBalance(
        "nord",
        "Nord",
        "N-1",
        date(2026, 1, 1),
        date(2026, 2, 1),
        "EUR",
        Decimal("10.00"),
        Decimal(0),
        Decimal(0),
    )
    assert list(notices.overdue([late], date(2026, 2, 1))) == []
    days = [date(2026, 2, 2), date(2026, 9, 9)]
    assert len({str(one) for day in days for one in notices.overdue([late], day)}) == 1


@pytest.mark.parametrize(
    ("codes", "code", "remedies"),
    [
        (["200"], "", []),
        (["200", "205"], "I-PLATFORM-APPROVED", []),
        (["200", "211"], "I-PLATFORM-APPROVED", []),
        (["200", "207"], "I-PLATFORM-DISPUTED", ["credit-note INVOICE=A-1"]),
        (["200", "208"], "I-PLATFORM-DISPUTED", ["209"]),
        (["200", "210"], "I-PLATFORM-REFUSED", ["credit-note INVOICE=A-1"]),
        (["213"], "I-PLATFORM-REFUSED", ["platform INVOICE=A-1", "credit-note INVOICE"]),
    ],
)
def test_what_the_platform_says_is_news_once_until_it_is_settled(tmp_path, codes, code, remedies):
    root = house.build(tmp_path / "root", house.client("nord"))
    said = [
        past.platform_said("nord", "A-1", one, *(["PU_ERR"] if one > "205" else []), hour=10 + i)
        for i, one in enumerate(codes)
    ]
    past.lay(root, past.bill("nord", "A-1", "2026-11-08", ("services", "20.00", 10_000, 2_000)))
    past.lay_in(root, "platform", *said)

    def told() -> list[str]:
        err = house.call("send_alerts", root, command="platform", today="2026-11-20").err
        return [line for line in err.splitlines() if "I-PLATFORM" in line]

    first = told()
    assert [re.search(r"\[(I-PLATFORM-\w+)\]", line)[1] for line in first] == [code] * bool(code)
    assert all(remedy in line for remedy in remedies for line in first)
    assert told() == []
    credit = ("services", "20.00", 10_000, 2_000)
    past.lay(root, past.bill("nord", "A-2", "2026-11-10", credit, corrects="A-1"))
    (root.flags / "told.json").unlink()
    assert told() == []
