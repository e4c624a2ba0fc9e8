"""A month of direct invoices, through the commands that people type."""

import io
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest

import house
from lib.books import issuing, revenues
from lib.core import lock, storage
from lib.core.root import Root
from lib.documents import facturx_xml

# What the phases after direct invoicing write: mails, packages, balances.
LATER = ("data/outbox/", "data/balance/", "downloads/", "exports/")
DATES = ("TODAY=2026-11-08", "MONTH=2026-10")
HOURS = {"plans.0.items": [house.item("hosting"), house.metered("support", "hours")]}


# --- make ----------------------------------------------------------------------------


@pytest.mark.long
def test_make_month_issues_once_and_one_client_more_when_one_is_added(tmp_path):
    root = house.build(tmp_path)
    first = house.make(root, "month", *DATES)
    assert first.code == 0, first
    assert "1 invoice issued" in first.out
    after = house.tree(root, *LATER)
    second = house.make(root, "month", *DATES)
    assert (second.code, second.err) == (0, "")
    assert "nothing left to do" in second.out
    assert house.tree(root, *LATER) == after
    house.put_client(root, house.client("sud", i=2))
    assert house.make(root, "month", *DATES).code == 0
    assert house.numbers(root, "nord") == ["NORD-2026-0001"]
    assert house.numbers(root, "sud") == ["SUD-2026-0001"]


def test_make_month_without_flags_issues_nothing_again(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    before = house.tree(root, *LATER)
    ran = house.make(root, "month", *DATES)
    assert ran.code == 0
    assert "already invoiced: NORD-2026-0001" in ran.out
    assert house.tree(root, *LATER) == before


def test_make_invoice_issues_for_one_client(tmp_path):
    root = house.build(tmp_path, house.client(), house.client("sud", i=2))
    ran = house.make(root, "invoice", "CLIENT=sud", *DATES)
    assert ran.code == 0, ran
    assert house.numbers(root, "sud") == ["SUD-2026-0001"]
    assert house.numbers(root, "nord") == []
    assert house.make(root, "invoice", "CLIENT=", *DATES).code == 2


def test_one_client_that_cannot_be_invoiced_stops_all_of_them(tmp_path):
    root = house.build(
        tmp_path,
        house.client(),
        house.client("sud", HOURS, i=2),
        house.client("ouest", HOURS, i=3),
    )
    before = house.tree(root, *LATER)
    ran = house.make(root, "month", *DATES)
    assert ran.code == 2
    assert "data/usage/ouest/2026-10.manual.json: quantities.hours: is missing" in ran.err
    assert "data/usage/sud/2026-10.manual.json: quantities.hours: is missing" in ran.err
    assert "Traceback" not in ran.err
    assert house.tree(root, *LATER) == before
    assert house.month(root).code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("MONTH=2026-13",),
        ("MONTH=../../x",),
        ("MONTH=2026-10", "ISSUE_DATE=20261108"),
        ("MONTH=2026-10", "ISSUE_DATE=8/11/2026"),
    ],
)
def test_a_value_that_is_not_a_date_reaches_neither_shell_nor_disk(tmp_path, words):
    root = house.build(tmp_path / "root")
    before = sorted(tmp_path.rglob("*"))
    ran = house.make(root, "month", "TODAY=2026-11-08", *words)
    assert ran.code == 2
    assert re.search("is not a (date|month); write ", ran.err)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_value_is_never_run_by_the_shell(tmp_path):
    root = house.build(tmp_path / "root")
    before = sorted(tmp_path.rglob("*"))
    for value in (
        f"2026-10;touch {tmp_path}/x #",
        f"$(touch {tmp_path}/x)",
        f"`touch {tmp_path}/x`",
    ):
        assert house.make(root, "month", "TODAY=2026-11-08", f"MONTH={value}").code == 2
    assert sorted(tmp_path.rglob("*")) == before


# --- the same bytes ------------------------------------------------------------------


def rich_house(folder: Path) -> Root:
    used = house.usage("sud", "2026-10", {"hours": "12.5"}, house.one_off())
    third = {"language": "en", "party.person": True, "party.siren": None}
    return house.build(
        folder, house.client(), house.client("sud", HOURS, i=2), house.client("est", third),
        used=(used,),
    )  # fmt: skip


OPTIONS = {"month": "2026-10", "issue_date": "2026-11-08", "today": "2026-11-08"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: Any) -> Root:
    root = rich_house(tmp_path_factory.mktemp("undisturbed") / "root")
    ran = house.run("generate_invoice", root, {"PYTHONHASHSEED": "1", "TZ": "UTC"}, **OPTIONS)
    assert ran.code == 0, ran
    return root


def test_two_houses_make_the_same_bytes(undisturbed, tmp_path):
    root = rich_house(tmp_path / "another" / "place")
    environment = {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LANG": "C", "LC_ALL": "C"}
    ran = house.run("generate_invoice", root, environment, **OPTIONS)
    assert ran.code == 0, ran
    assert house.tree(root) == house.tree(undisturbed)


def test_a_month_killed_in_the_middle_ends_with_the_same_bytes(undisturbed, tmp_path):
    root = rich_house(tmp_path / "root")
    command = ["make", "-C", str(house.HOME), f"ROOT={root.path}", "month", *DATES]
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(root.pending.glob("*/proof-*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(random.random() / 5)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert house.month(root).code == 0
    assert what_was_issued(root) == what_was_issued(undisturbed)
    assert not list(root.pending.iterdir())


def what_was_issued(root: Root) -> dict[str, tuple[int, bytes]]:
    """Records, heads, counters and proofs: what a run leaves for ever."""
    kept = ("invoices/", "revenues/", "heads/", "counters/", "archive_inputs/")
    folders = tuple(f"data/{folder}" for folder in kept)
    return {name: file for name, file in house.tree(root).items() if name.startswith(folders)}


def test_the_pdf_holds_the_xml_of_its_document(undisturbed):
    for client in ("nord", "sud", "est"):
        number = f"{client.upper()}-2026-0001"
        data = house.proof(undisturbed, client, number, "pdf").read_bytes()
        reader = pypdf.PdfReader(io.BytesIO(data))
        (attached,) = reader.attachments["factur-x.xml"]
        assert attached == facturx_xml.generate(house.issued(undisturbed, client, number))
        (file,) = reader.trailer["/Root"]["/AF"]
        assert file.get_object()["/AFRelationship"] == "/Alternative"
        assert file.get_object()["/UF"] == "factur-x.xml"


def test_records_name_the_proofs_and_the_inputs_are_kept(undisturbed):
    for client in ("nord", "sud", "est"):
        (record,) = house.records(undisturbed, client)
        for suffix, key in (("json", "document_sha256"), ("pdf", "pdf_sha256")):
            path = house.proof(undisturbed, client, record["number"], suffix)
            assert storage.sha256_of_file(path) == record[key]
            assert path.stat().st_mode & 0o777 == 0o444
        made = house.issued(undisturbed, client, record["number"])
        assert record["gross"] == f"{made.totals.gross:.2f}"
        used = ["data/usage/sud/2026-10.manual.json"] if client == "sud" else []
        assert sorted(made.sources) == [f"clients/{client}.json", *used, "issuer.json"]
        for name, digest in made.sources.items():
            kept = undisturbed.archive_inputs / digest
            assert kept.read_bytes() == (undisturbed.path / name).read_bytes()


# --- over the months -----------------------------------------------------------------


def test_a_year_goes_by(tmp_path):
    root = house.build(tmp_path)
    days = {"2026-11": "2026-12-08", "2026-12": "2027-01-08", "2027-01": "2027-02-08"}
    for name, day in days.items():
        assert house.month(root, name, day).code == 0
    assert house.numbers(root, "nord") == ["NORD-2026-0001", "NORD-2027-0001", "NORD-2027-0002"]
    counter = json.loads((root.data / "counters" / "NORD.json").read_text())
    assert counter == {"2026": 1, "2027": 2}
    assert house.proof(root, "nord", "NORD-2027-0001", "pdf").exists()


def test_one_sequence_for_the_issuer_runs_over_all_clients(tmp_path):
    clients = (house.client(), house.client("sud", i=2))
    root = house.build(tmp_path, *clients, seller=house.issuer({"numbering": "issuer"}))
    assert house.month(root).code == 0
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    assert house.numbers(root, "nord") == ["ATL-2026-0001", "ATL-2026-0003"]
    assert house.numbers(root, "sud") == ["ATL-2026-0002", "ATL-2026-0004"]


def test_the_numbering_may_change_and_every_sequence_stays_whole(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    house.write(root, "issuer.json", house.issuer({"numbering": "issuer"}))
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    house.write(root, "issuer.json", house.issuer())
    assert house.month(root, "2026-12", "2027-01-08").code == 0
    assert house.numbers(root, "nord") == ["NORD-2026-0001", "ATL-2026-0001", "NORD-2027-0001"]


def test_a_date_before_the_last_of_its_sequence_is_refused(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    before = house.tree(root)
    ran = house.month(root, "2026-10", "2026-12-07", today="2026-12-08")
    assert ran.code == 1
    line = "ISSUE_DATE: 2026-12-07 is before 2026-12-08, the date of NORD-2026-0001"
    assert ran.err.startswith(line)
    assert house.tree(root) == before
    assert house.month(root, "2026-10", "2026-12-08").code == 0


@pytest.mark.parametrize(
    ("name", "day", "today", "said"),
    [
        ("2026-10", "2026-11-09", "2026-11-08", "ISSUE_DATE: 2026-11-09 is in the future"),
        ("2026-10", "2026-10-30", "2026-11-08", "MONTH: 2026-10 is not over on 2026-10-30"),
        ("2026-11", "2026-11-08", "2026-11-08", "MONTH: 2026-11 is not over"),
    ],
)
def test_dates_that_no_invoice_may_have(tmp_path, name, day, today, said):
    ran = house.month(house.build(tmp_path), name, day, today=today)
    assert ran.code == 1
    assert ran.err.startswith(said)


def credit(root: Root, number: str, gross: str) -> None:
    """Records a credit note of an invoice, as the command for it would."""
    with issuing.begin(root, "credit", 0) as run:
        chain = revenues.read(root, revenues.DIRECT)["nord"]
        last = chain.records[-1]
        seq = int(last["number"][-4:]) + 1
        fact = {key: last[key] for key in ("client", "month", "issue_date", "period", "currency")}
        fact |= {"kind": "credit_note", "number": f"NORD-2026-{seq:04d}", "corrects": number}
        fact |= {"gross": gross, "buyer": last["buyer"]}
        run.append(chain, [fact])
        counter = storage.canonical_json({"2026": seq}) + b"\n"
        run.put(root.data / "counters" / "NORD.json", counter)
        run.commit()


def test_an_invoice_is_issued_again_only_once_it_is_credited_in_full_and_only_when_asked(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    credit(root, "NORD-2026-0001", "6.80")
    ran = house.month(root, client="nord", reissue="yes")
    assert "already invoiced: NORD-2026-0001" in ran.out
    credit(root, "NORD-2026-0001", "70.00")
    assert "is credited; issue it again with REISSUE=yes" in house.month(root).out
    assert "is credited; issue it again" in house.month(root, client="nord").out
    assert "is credited; issue it again" in house.month(root, reissue="yes").out
    assert house.month(root, client="nord", reissue="yes").code == 0
    assert house.numbers(root, "nord")[-1] == "NORD-2026-0004"
    before = house.tree(root)
    ran = house.month(root, client="nord", reissue="yes")
    assert "already invoiced: NORD-2026-0004" in ran.out
    assert house.tree(root) == before


def test_no_day_is_billed_twice_when_the_rhythm_changes(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    changes = {"plans.0.every_months": 3, "plans.0.start": "2026-09"}
    house.put_client(root, house.client(changes=changes))
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    made = house.issued(root, "nord", "NORD-2026-0002")
    # September and November: 60 of the 91 days of 49.00 and 15.00
    assert [str(line.net) for line in made.lines] == ["32.31", "9.89"]
    service = house.records(root, "nord")[-1]["services"][0]
    assert (service["start"], service["end"]) == ("2026-09-01", "2026-11-30")
    assert service["pauses"] == [["2026-10-01", "2026-10-31"]]


def test_a_file_changed_after_its_invoice_is_reported_and_changes_nothing(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    house.put_client(root, house.client(changes={"plans.0.items.0.price": "59.00"}))
    late = house.put_usage(root, house.usage("nord", "2026-10", None, house.one_off()))
    before = house.tree(root)
    ran = house.month(root)
    assert ran.code == 0
    told = [line.split(": ")[0] for line in ran.err.splitlines()]
    assert told == ["clients/nord.json", root.name_of(late)]
    assert "[I-CONFIG-CHANGED]" in ran.err
    assert house.tree(root) == before


def test_another_logo_is_not_news_for_every_client(tmp_path):
    root = house.build(tmp_path, house.client(), house.client("sud", i=2))
    assert house.month(root).code == 0
    house.write(root, "logo.png", (house.HOME / "examples" / "logo.png").read_bytes())
    house.write(root, "issuer.json", house.issuer({"logo": "logo.png"}))
    assert house.month(root).err == ""


# --- plans and clients change --------------------------------------------------------


def test_a_metric_that_left_the_plan_does_not_stop_later_months(tmp_path):
    used = house.usage("nord", "2026-10", {"hours": "3"}, house.one_off())
    root = house.build(tmp_path, house.client(changes=HOURS), used=(used,))
    assert house.month(root).code == 0
    plain = {"language": "en", "plans.0.items": [house.item("hosting")]}
    house.put_client(root, house.client(changes=plain))
    ran = house.month(root, "2026-11", "2026-12-08")
    assert ran.code == 0, ran
    assert house.call("check_inputs", root).code == 0


def test_a_metric_that_came_into_the_plan_asks_nothing_of_months_invoiced_before(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    house.put_client(root, house.client(changes=HOURS))
    house.put_client(root, house.client("sud", i=2))
    ran = house.month(root)
    assert ran.code == 0, ran
    assert house.numbers(root, "sud") == ["SUD-2026-0001"]
    assert house.numbers(root, "nord") == ["NORD-2026-0001"]
    assert "clients/nord.json: was changed after NORD-2026-0001" in ran.err


@pytest.mark.parametrize("changes", [{}, {"code": "NEW"}, {"party.name": "Nouveau"}])
@pytest.mark.parametrize("numbering", ["client", "issuer"])
def test_a_client_under_another_id_is_not_invoiced_twice(tmp_path, changes, numbering):
    if numbering == "issuer" and "party.name" in changes:
        pytest.skip("nothing is left to know the client by")
    root = house.build(tmp_path, seller=house.issuer({"numbering": numbering}))
    assert house.month(root).code == 0
    name = {"code": "NORD", "party.name": "Client nord"} | changes
    house.put_client(root, house.client("north", name))
    (root.clients / "nord.json").unlink()
    before = house.tree(root)
    ran = house.month(root)
    assert ran.code == 1
    assert ran.err.startswith('clients/north.json: id: "north" has invoices under the id "nord"')
    assert house.tree(root) == before


def test_a_code_is_never_given_to_another_client(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    house.put_client(root, house.client(changes={"code": "NORD2"}))
    house.put_client(root, house.client("sud", {"code": "NORD"}, i=2))
    ran = house.month(root)
    assert ran.code == 1
    assert ran.err.startswith('clients/sud.json: code: "NORD" is in the numbers of nord')


def test_a_new_code_begins_a_sequence_and_the_old_one_stays(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    house.put_client(root, house.client(changes={"code": "NEW"}))
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    assert house.numbers(root, "nord") == ["NORD-2026-0001", "NEW-2026-0001"]


def test_a_client_whose_file_is_gone_stops_nobody_else(tmp_path):
    root = house.build(tmp_path, house.client(), house.client("sud", i=2))
    assert house.month(root).code == 0
    (root.clients / "nord.json").unlink()
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    assert len(house.numbers(root, "sud")) == 2
    assert len(house.numbers(root, "nord")) == 1


def test_an_unknown_client_is_refused_with_those_that_are_known(tmp_path):
    ran = house.month(house.build(tmp_path), client="nrod")
    assert ran.code == 2
    assert ran.err.startswith('CLIENT: "nrod" is not a client; write one of nord')


# --- integrity -----------------------------------------------------------------------


def broken(root: Root, name: str, change: Any) -> house.Ran:
    """What a run says after a file was tampered with; it writes nothing."""
    path = root.path / name
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))
    before = house.tree(root)
    ran = house.month(root, "2026-11", "2026-12-08")
    assert house.tree(root) == before
    assert "Traceback" not in ran.err
    return ran


TAMPERINGS = {
    "data/counters/NORD.json": lambda data: data.replace(b"1}", b"7}"),
    "data/heads/revenues/nord.json": lambda data: data.replace(b'"seq":1', b'"seq":2'),
    "data/revenues/nord.jsonl": lambda data: data[:-20],
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_disagrees_stops_the_run_with_its_own_exit_code(tmp_path, name):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    ran = broken(root, name, TAMPERINGS[name])
    assert ran.code == 3
    assert ran.err.startswith(f"{name}: ")


def test_a_damaged_document_is_an_integrity_fault(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    path = house.proof(root, "nord", "NORD-2026-0001", "json")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-50])
    ran = house.month(root)
    assert ran.code == 3
    assert ran.err.startswith(f"{root.name_of(path)}: was changed since it was written")


# --- the machine ---------------------------------------------------------------------


def test_a_full_disk_leaves_nothing_and_the_next_run_issues(tmp_path, monkeypatch):
    root = house.build(tmp_path)
    before = house.tree(root)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        ran = house.month(root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ran.code == 4
    assert "[B-ENVIRONMENT]" in ran.err
    assert "Traceback" not in ran.err
    assert house.tree(root) == before
    assert house.month(root).code == 0


def test_a_held_lock_is_waited_for_or_named(tmp_path, monkeypatch):
    root = house.build(tmp_path)
    monkeypatch.setenv("LOCK_WAIT", "0")
    with lock.exclusive(root, "import_batch sud", 0):
        ran = house.month(root)
        assert ran.code == 4
        assert f"still held by import_batch sud (process {os.getpid()})" in ran.err
        monkeypatch.setenv("LOCK_WAIT", "30")
    holder = threading.Thread(target=hold, args=(root,))
    holder.start()
    while not root.lock.read_text():
        time.sleep(0.01)
    ran = house.month(root)
    holder.join()
    assert ran.code == 0
    assert "waiting for the first" in ran.err


def hold(root: Root) -> None:
    with lock.exclusive(root, "the first", 0):
        time.sleep(0.4)


def test_two_months_at_once_issue_once(tmp_path):
    root = house.build(tmp_path)
    script = str(house.SCRIPTS / "generate_invoice.py")
    command = [sys.executable, script, "--root", str(root.path)]
    command += [word for name, value in OPTIONS.items()
                for word in (f"--{name.replace('_', '-')}", value)]  # fmt: skip
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert sorted("1 invoice issued" in out for out in said) == [False, True]
    assert house.numbers(root, "nord") == ["NORD-2026-0001"]


def test_the_log_says_what_happened(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    assert house.month(root, client="nrod").code == 2
    line = (root.logs / "nord.log").read_text()
    assert "INFO generate_invoice.py I-ISSUED NORD-2026-0001 of 76.80 EUR for 2026-10" in line
    assert "ERROR generate_invoice.py B-USAGE CLIENT" in (root.logs / "system.log").read_text()


def test_the_printed_totals_add_up(tmp_path):
    root = house.build(
        tmp_path, house.client(), house.client("a_client_with_a_very_long_name", i=2)
    )
    house.put_client(root, house.client("a_client_with_a_very_long_name", {"code": "LONG"}, i=2))
    ran = house.month(root)
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[1][:2] == ["a_client_with_a_very_long_name", "LONG-2026-0001"]
    (total,) = [row for row in rows if row[:1] == ["total"]]
    gross = sum(Decimal(house.records(root, one)[0]["gross"]) for one in ("nord", rows[1][0]))
    assert total[1:] == ["128.00", "25.60", f"{gross}"]


def test_usage_that_came_too_late_is_reported_by_the_next_month(tmp_path):
    root = house.build(tmp_path / "root")
    assert house.month(root).code == 0
    house.put_usage(root, house.usage("nord", house.MONTH, None, house.one_off("500.00")))
    ran = house.month(root, "2026-11", "2026-12-08")
    assert ran.code == 0
    assert "data/usage/nord/2026-10.manual.json: is not in any invoice: NORD-2026-0001" in ran.err


def test_clients_of_one_company_are_not_taken_for_a_renamed_one(tmp_path):
    same = {"party.name": "Zeta SARL"}
    clients = [house.client(name, same, i=1) for name in ("alpha", "beta", "gama")]
    root = house.build(tmp_path / "root", *clients)
    assert house.month(root).code == 0
    (root.clients / "gama.json").unlink()
    ran = house.month(root, "2026-11", "2026-12-08")
    assert ran.code == 0, ran.err
    assert house.numbers(root, "beta") == ["BETA-2026-0001", "BETA-2026-0002"]
