"""Records that were written before they had all that they have now: they are proofs, and stay."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import books
import house
from lib.books import closings, recurring, revenues
from lib.core.root import Root
from test_closing import call, change_accounts, fec_of

SERVICES, FACTS = revenues.services_of, closings.facts


def services_of(document: Any) -> list[dict[str, Any]]:
    """As they were: what each comes to is in the document alone."""
    return [
        {key: value for key, value in service.items() if key != "net"}
        for service in SERVICES(document)
    ]


def closing(*arguments: Any) -> dict[str, Any]:
    """As it was: without accounts and reasons of exemption."""
    line = FACTS(*arguments)
    shares = [share for what in closings.WHAT for share in line[what]]
    for share in shares:
        share.pop("exemption", None)
    del line["accounts"]
    return line


def build(folder: Path, then: bool) -> Root:
    """A house with an invoice that bears VAT, one that does not, its credit note, and October
    closed; its records as they were then, or as they are."""
    with ExitStack() as stack:
        if then:
            stack.enter_context(mock.patch.object(revenues, "services_of", services_of))
            stack.enter_context(mock.patch.object(closings, "facts", closing))
        untaxed = {
            "vat.treatment": "reverse_charge",
            "plans.0.items": [house.item("hosting", vat_rate="0")],
        }
        root = house.build(folder, house.client("est", untaxed), house.client("sud", i=2))
        assert house.month(root, "2026-09", day="2026-10-08").code == 0
        assert books.pay(root, "SUD-2026-0001", "50.00", "2026-10-20").code == 0
        assert call("issue_credit_note", root, invoice="EST-2026-0001").code == 0
        assert call("close_period", root, month="2026-10").code == 0
    return root


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Root, Root]:
    """A house of then, and one of now."""
    folder = tmp_path_factory.mktemp("before")
    return build(folder / "then", then=True), build(folder / "now", then=False)


def test_records_of_before_lack_what_those_of_now_have(roots: tuple[Root, Root]) -> None:
    then, now = (
        (house.records(root, "sud")[0]["services"], house.records(root, "books", "closings")[-1])
        for root in roots
    )
    assert not any("net" in service for service in then[0]) and "accounts" not in then[1]
    assert [service["net"] for service in now[0]] == ["49.00", "15.00"]
    assert "exemption" not in then[1]["invoiced"][0]
    assert now[1]["invoiced"][0]["exemption"] == "VATEX-FR-AE" and now[1]["accounts"]


def test_a_house_of_before_verifies_and_its_exports_are_those_of_now(
    roots: tuple[Root, Root],
) -> None:
    fecs, fees = [], []
    for root in roots:
        fecs.append(fec_of(root, "2026"))
        fees.append([list(recurring.shares(line)) for line in recurring.read(root)])
    assert fecs[0] == fecs[1]
    assert fees[0] == fees[1] and fees[0][-1] == [("2026-09", 49_00), ("2026-09", 15_00)]
    for script in ("make_report", "verify"):
        year = {"year": "2026"} if script == "make_report" else {}
        ran = house.call(script, roots[0], **year)
        assert ran.code == 0, ran


def test_what_is_closed_later_says_by_which_accounts_all_before_is_posted(
    roots: tuple[Root, Root], tmp_path: Path
) -> None:
    root = Root(shutil.copytree(roots[0].path, tmp_path / "root").resolve())
    before = fec_of(root, "2026")
    assert call("close_period", root, month="2026-11", today="2026-12-02").code == 0
    change_accounts(root)
    assert fec_of(root, "2026") == before
