"""Random months of a studio: what leaves for the platform is what the input alone comes to.

YEARS=4 MONTHS=18 goes through four studios; `make platform-years` does.
"""

import os
from collections import Counter

import pytest

import house
import platform_year
from lib.documents import production
from lib.platform import cdar, report_xml
from platform_stub import Platform, running

YEARS = int(os.environ.get("YEARS", "1"))
MONTHS = int(os.environ.get("MONTHS", "3"))


@pytest.mark.parametrize("seed", range(1, YEARS + 1))
def test_what_leaves_is_what_the_input_comes_to(tmp_path, seed, monkeypatch):
    from faults import scenario

    monkeypatch.setattr(production, "produce", production.produce)
    scenario.fake_production()
    monkeypatch.setattr("time.sleep", lambda _: None)
    if MONTHS < 12:  # conformance has the rules judge them
        for module in (cdar, report_xml):
            monkeypatch.setattr(module, "verdicts", lambda xml: [])
    platform = Platform()
    platform.checks_files, platform.duplicates = False, "take"
    with running(platform):
        studio = platform_year.lived(tmp_path / "root", platform, seed, MONTHS)
    assert not platform.wrong
    assert not [name for name, times in Counter(platform.deposited).items() if times > 1]
    invoices = [
        flow["trackingId"]
        for flow in platform.flows
        if flow.get("trackingId") and flow["flowSyntax"] == "Factur-X"
    ]
    assert sorted(invoices) == platform_year.expected_deposits(studio)
    assert platform_year.reported_cash_ins(studio) == platform_year.expected_cash_ins(studio)
    assert platform_year.reported_invoices(studio) == platform_year.expected_invoices(studio)
    assert platform_year.reported_sales(studio) == platform_year.expected_sales(studio)
    assert platform_year.reported_money(studio) == platform_year.expected_money(studio)
    assert "/platform/" not in house.call("verify", studio.root).err
    assert studio.money and studio.killed
