"""The state of the house on one screen."""

import re

import house
import past
from lib.core.messages import say
from lib.core.root import Root
from lib.summary import last_summary

TODAY = "2026-12-28"


def status(root: Root) -> house.Ran:
    return house.call("show_status", root, today=TODAY, month="2026-11")


def bill(number: str, due: str, net: int = 100_00) -> dict[str, object]:
    """An invoice of `net` cents and its VAT at 20 %, due on a day."""
    tax = net // 5
    return past.bill("nord", number, "2026-09-01", ("services", "20.00", net, tax), due_date=due)


def test_an_empty_house_has_a_status(tmp_path):
    ran = status(house.build(tmp_path))
    assert ran.code == 0, ran
    assert re.search(r"^last run +none yet$", ran.out, re.M)
    assert re.search(r"^mails +0 waiting$", ran.out, re.M)
    assert re.search(r"^month 2026-11 +no flag$", ran.out, re.M)


def test_the_status_says_what_is_owed_by_age_and_what_waits(tmp_path):
    root = house.build(tmp_path)
    past.lay(
        root,
        bill("A-1", "2026-12-28"),  # due today, so not late
        bill("A-2", "2026-12-27"),
        bill("A-3", "2026-11-28"),  # 30 days
        bill("A-4", "2026-11-27"),  # 31 days
        bill("A-5", "2026-09-28", 7_00),  # 91 days
        bill("A-6", "2026-09-30"),
        past.money("nord", "A-6", "2026-10-01", 120_00),
        past.money("nord", "A-5", "2026-10-01", 1_00),
    )
    for name in (
        "data/inbox_batch/fil__2026-11.csv",
        "data/inbox_batch/rejected/fil__2026-11.csv",
        "data/inbox_batch/rejected/fil__2026-11.csv.errors.csv",
        "data/outbox/invoice__a.eml",
        "data/outbox/invoice__b.eml",
        "data/flags/2026-11/direct.done",
        "data/flags/2026-10/other.done",
    ):
        house.write(root, name, b"")
    last_summary.log_outcome(root, "INFO", say("month 2026-10: 12 issued"))
    last_summary.log_outcome(root, "ERROR", say("month 2026-11: failed in direct"))
    out = status(root).out
    for line in (
        r"last run +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ month 2026-11: failed in direct",
        r"month 2026-11 +direct done",
        r"mails +2 waiting",
        r"batches +1 waiting, 1 rejected",
        r"unpaid +4 +480\.00",
        r"partially paid +1 +8\.40",
        r"paid +1 +120\.00",
        r"1-30 days +2 +240\.00",
        r"31-60 days +1 +120\.00",
        r"over 90 days +1 +7\.40",
        r"revenues +1 +6 +[0-9a-f]{12}",
        r"payments +1 +2 +[0-9a-f]{12}",
    ):
        assert re.search(rf"^{line} *$", out, re.M), (line, out)


def test_the_status_fits_a_screen_and_changes_nothing(tmp_path):
    clients = [house.client(f"client_{i}", i=i) for i in range(40)]
    root = house.build(tmp_path, *clients)
    for i in range(40):
        bills = [bill(f"C{i}-{j}", f"2026-{10 + j % 3}-0{1 + j}") for j in range(3)]
        past.lay(root, *[one | {"client": f"client_{i}"} for one in bills])
    last_summary.log_outcome(root, "INFO", say("{run}", run="x" * 500))
    before = house.tree(root, "data/.lock")
    out = house.make(root, "--no-print-directory", "status", f"TODAY={TODAY}").out
    assert house.tree(root, "data/.lock") == before
    lines = out.splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 100


def test_what_is_not_a_batch_is_named_on_the_screen(tmp_path):
    root = house.build(tmp_path)
    names = [f"fil__2026-1{i}.{end}" for i in range(3) for end in ("CSV", "xlsx", "csv.txt")]
    for name in names:
        house.write(root, f"data/inbox_batch/{name}", b"")
    house.write(root, "data/inbox_batch/fil__2026-11.csv", b"")
    out = status(root).out
    assert re.search(r"^batches +1 waiting, 0 rejected, 9 not read: fil__2026-10.CSV, ", out, re.M)
    assert not [name for name in names if name not in out]
    for i in range(99):
        house.write(root, f"data/inbox_batch/{i} {'x' * 150}", b"")
    out = status(root).out
    assert "… and more: `make batch` names them all" in out
    assert len(out.splitlines()) <= 24
    assert max(map(len, out.splitlines())) <= 100


def test_the_status_of_broken_records_shows_what_it_can(tmp_path):
    root = house.build(tmp_path)
    past.lay(root, bill("A-1", "2026-12-28"))
    path = root.data / "revenues" / "nord.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    ran = status(root)
    assert ran.code == 3
    assert "records         broken, 1 faults; run `make verify`" in ran.out
    assert "GB free" in ran.out
    assert "[B-RECORD-BROKEN]" in ran.err


def test_the_first_invoices_of_the_next_run_are_named_and_the_others_counted(tmp_path):
    root = house.build(tmp_path, *(house.client(f"client_{i}", i=i) for i in range(12)))
    house.write(root, "clients/broken.json", b"{")
    lines = status(root).out.partition("next run, 2026-11")[2].splitlines()
    assert lines[1].split() == ["broken", "cannot", "be", "read:", "`make", "check`"]
    first = ["client_0", "main", "2026-11-01", "–", "2026-11-30", "64.00"]
    assert lines[2].split() == first
    assert lines[9].split() == ["and", "5", "more"]


def test_what_became_of_invoices_on_the_platform(tmp_path):
    root = house.build(tmp_path)
    assert "platform" not in status(root).out
    for client, number in (("nord", "A-1"), ("nord", "A-2"), ("sud", "B-1")):
        past.lay(root, past.bill(client, number, "2026-09-01", ("services", "20.00", 1000, 200)))
    past.lay_in(
        root,
        "platform",
        past.platform_said("nord", "A-1", "200"),
        past.platform_said("nord", "A-2", "200"),
        past.platform_said("nord", "A-2", "207", "PU_ERR", hour=11),
        past.platform_said("sud", "B-1", "200"),
    )
    out = status(root).out
    assert re.search(r"^deposited +200 +2$", out, re.M), out
    assert re.search(r"^disputed by the customer +207 +1$", out, re.M), out
    assert re.search(r"^A-2 +nord +207 +disputed by the customer +PU_ERR Prix faux$", out, re.M)
    assert "A-1" not in out
