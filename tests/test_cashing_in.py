"""What was received of invoices is reported to the platform (212), once, whatever happens."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import books
import house
from cdar_messages import message, status
from lib.core.root import Root
from lib.platform import cdar
from lib.values.money import cents_of
from platform_stub import Platform, running
from test_platform import DAY, account, exchange, join

NUMBER = "NORD-2026-0001"
GROSS = "76.80"


@pytest.fixture
def platform() -> Any:
    platform = Platform()
    platform.checks_files = False
    with running(platform):
        yield platform


@pytest.fixture
def root(tmp_path: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Root:
    """An invoice of services that was deposited, as its platform says."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    root = house.build(tmp_path / "root")
    join(root, platform)
    assert house.month(root).code == 0
    assert exchange(root).code == 0
    platform.put(message(status(NUMBER, "200", "20261120090000", seller=house.siren(0))))
    return root


def pay(root: Root, amount: str, day: str = "2026-11-25") -> None:
    ran = books.pay(root, NUMBER, amount, day)
    assert ran.code == 0, ran


def reported(platform: Platform) -> list[tuple[str, dict[str, str]]]:
    """The messages that the platform took, each with what it says."""
    found = []
    for flow in platform.flows:
        if flow["flowSyntax"] == "CDAR" and flow["flowDirection"] == "Out":
            data = platform.files[flow["flowId"]]
            assert cdar.verdicts(data) == []
            [read] = cdar.read(data)
            assert (read.number, read.code) == (NUMBER, "212")
            amounts = {amount.vat_rate: str(amount.amount) for amount in read.amounts}
            found.append((flow["trackingId"], amounts))
    return found


def test_payments_are_reported_once_after_the_invoice_went_through(tmp_path, platform):
    root = house.build(tmp_path)
    join(root, platform)
    assert house.month(root).code == 0
    pay(root, "30.00")
    assert exchange(root).code == 0
    assert reported(platform) == []
    platform.put(message(status(NUMBER, "200", "20261120090000")))
    assert "NORD-2026-0001-212-1: would be reported" not in exchange(root, dry_run="1").out
    assert exchange(root).code == 0
    first = (f"{NUMBER}-212-1", {"20.00": "30.00"})
    assert reported(platform) == [first]
    assert exchange(root).code == 0
    pay(root, "46.80", "2026-11-26")
    assert f"{NUMBER}-212-2: would be reported: 46.80 (20.00 %)" in exchange(root, dry_run="1").out
    assert exchange(root).code == exchange(root).code == 0
    assert reported(platform) == [first, (f"{NUMBER}-212-2", {"20.00": "46.80"})]
    assert platform.wrong == []


def test_a_status_that_comes_late_reports_payments_in_the_same_run(tmp_path, platform):
    root = house.build(tmp_path)
    join(root, platform)
    assert house.month(root).code == 0
    pay(root, "30.00")
    for _ in range(3):
        assert exchange(root).code == 0
    platform.put(message(status(NUMBER, "200", "20261120090000")))
    assert exchange(root).code == 0
    assert reported(platform) == [(f"{NUMBER}-212-1", {"20.00": "30.00"})]


def test_a_reversal_is_reported_below_0(root, platform, monkeypatch):
    pay(root, GROSS)
    assert exchange(root).code == 0
    monkeypatch.setenv("REASON", "bounced")
    ran = house.call(
        "reverse_payment", root, payment="nord/1", date="2026-11-27", today=books.TODAY
    )
    assert ran.code == 0, ran
    assert exchange(root).code == 0
    assert reported(platform) == [
        (f"{NUMBER}-212-1", {"20.00": GROSS}),
        (f"{NUMBER}-212-2", {"20.00": f"-{GROSS}"}),
    ]


def test_nothing_is_reported_of_a_refused_invoice(root, platform):
    platform.put(message(status(NUMBER, "210", "20261121090000", reasons=(("CMD_ERR", "", ""),))))
    pay(root, GROSS)
    assert exchange(root).code == 0
    assert reported(platform) == []


def test_with_vat_on_debits_nothing_unless_all_is_reported(tmp_path, platform):
    for cash_in, expected in (("due", 0), ("all", 1)):
        root = house.build(tmp_path / cash_in)
        join(root, platform, cash_in=cash_in)
        issuer = house.issuer({"debits": True})
        house.write(root, "issuer.json", issuer | {"platform": account(platform, cash_in=cash_in)})
        platform.flows.clear()
        assert house.month(root).code == 0
        pay(root, GROSS)
        assert exchange(root).code == 0
        platform.put(message(status(NUMBER, "200", "20261120090000")))
        assert exchange(root).code == 0
        assert len(reported(platform)) == expected


@pytest.mark.parametrize("what", ["lost", "late", "deaf", "503", "html", "nothing", "401"])
def test_an_answer_that_does_not_come_reports_nothing_twice(root, platform, what):
    platform.duplicates = "take"
    pay(root, GROSS)
    platform.happens("deposit", what)
    exchange(root)
    for _ in range(2):
        assert exchange(root).code == 0
    assert reported(platform) == [(f"{NUMBER}-212-1", {"20.00": GROSS})]


def test_a_refused_report_is_told_by_its_own_name_and_goes_again_when_it_is_typed(root, platform):
    pay(root, GROSS)
    platform.happens("deposit", "422")
    ran = exchange(root)
    assert ran.code == 1
    assert f"`make platform INVOICE={NUMBER}-212-1` reports it again" in ran.err
    assert exchange(root).code == 0
    assert reported(platform) == []
    assert exchange(root, invoice=NUMBER).code == 1
    assert exchange(root, invoice=f"{NUMBER}-212-1").code == 0
    assert reported(platform) == [(f"{NUMBER}-212-1-2", {"20.00": GROSS})]


def test_stopped_anywhere_nothing_is_reported_twice_or_missing(root, platform, tmp_path):
    """The run is killed at some of its writes; the next one ends what it began."""
    pay(root, "30.00")
    pay(root, "46.80", "2026-11-26")
    whole = tmp_path / "whole"
    shutil.copytree(root.path, whole)
    flows, files = list(platform.flows), dict(platform.files)
    step, stopped = 1, True
    while stopped:
        step += 61
        shutil.rmtree(root.path)
        shutil.copytree(whole, root.path)
        platform.flows[:], platform.files = [dict(flow) for flow in flows], dict(files)
        platform.duplicates = "take"
        stopped = books.killed_at(step, lambda: exchange(root))
        assert exchange(root).code == 0
        sums: Counter[str] = Counter()
        for _, amounts in reported(platform):
            sums.update({rate: cents_of(amount) for rate, amount in amounts.items()})
        assert sums == {"20.00": cents_of(GROSS)}, step
        assert [name for name, _ in reported(platform)] == [f"{NUMBER}-212-1", f"{NUMBER}-212-2"]
    assert step > 200


def test_what_was_reported_is_kept(root, platform):
    pay(root, GROSS)
    exchange(root)
    [line] = [one for one in house.records(root, "nord", "platform") if one["kind"] == "cash_in"]
    [path] = (root.data / "platform" / "sent").glob("*.xml")
    assert (path.name, path.stat().st_mode & 0o777) == (f"{NUMBER}-212-1.xml", 0o444)
    assert line["payments"] == ["nord/1"]
    assert line["date"] == DAY


def test_what_the_platform_rejected_is_deposited_again_when_it_is_typed(root, platform):
    """213 after the deposit was taken; of a duplicate alone it is no rejection."""
    duplicate = message(status(NUMBER, "213", "20261120100000", reasons=(("DOUBLON", "", ""),)))
    platform.put(duplicate)
    assert exchange(root).code == 0
    assert exchange(root, invoice=NUMBER).code == 1
    reasons = (("DEST_INC", "Destinataire inconnu", ""),)
    platform.put(message(status(NUMBER, "213", "20261120110000", reasons=reasons)))
    assert exchange(root).code == 0
    assert (
        "rejected by the platform"
        in house.call("show_status", root, today=DAY, month="2026-11").out
    )
    assert exchange(root, invoice=NUMBER).code == 0
    assert platform.deposited == [NUMBER, f"{NUMBER}-2"]
    pay(root, GROSS)
    assert exchange(root).code == 0
    assert reported(platform) == []
    platform.put(message(status(NUMBER, "200", "20261121090000")))
    assert exchange(root).code == 0
    assert reported(platform) == [(f"{NUMBER}-212-1", {"20.00": GROSS})]
    assert exchange(root, invoice=NUMBER).code == 1


def test_a_message_that_would_break_a_rule_does_not_leave(root, platform, monkeypatch):
    pay(root, GROSS)
    monkeypatch.setattr(cdar, "_GUIDELINE", "urn:another")
    ran = exchange(root)
    assert ran.code == 1
    assert f"{NUMBER}-212-1: would break BR-FR-CDV-02" in ran.err
    monkeypatch.undo()
    assert exchange(root).code == 0
    assert reported(platform) == [(f"{NUMBER}-212-1", {"20.00": GROSS})]


def test_verify_knows_what_was_reported(root, platform):
    pay(root, GROSS)
    assert exchange(root).code == 0
    [path] = (root.data / "platform" / "sent").glob("*.xml")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    ran = house.call("verify", root, today=DAY)
    assert "B-PROOF-CHANGED" in ran.err and path.name in ran.err
    path.unlink()
    (path.parent / "other.xml").write_bytes(b"")
    ran = house.call("verify", root, today=DAY)
    assert "B-PROOF-MISSING" in ran.err and "B-PROOF-STRAY" in ran.err
