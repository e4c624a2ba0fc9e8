"""Plain-text accounting: its balances by client, judged by beancount, hledger and ledger."""

import re
import subprocess
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import inventory, realization
from hypothesis import given
from hypothesis import settings as profile

import house
import past
from lib.books import balances
from lib.core.root import Root

SERVICES = ("services", "20.00", 10_000, 2_000)
FACTS = (
    past.bill("studio_nord", "STUDIO-2024-0001", "2024-03-31", SERVICES),
    past.bill("studio_nord", "STUDIO-2025-0001", "2025-03-31", SERVICES),
    past.money("studio_nord", "STUDIO-2024-0001", "2024-05-01", 7_000),
    past.money("studio_nord", "STUDIO-2024-0001", "2025-05-01", 8_000, method="cash"),
)


def made(root: Root, year: str, suffix: str) -> str:
    assert house.call("export_ledger", root, year=year).code == 0
    return (root.path / f"exports/ledger/{year}.{suffix}").read_text()


def by_beancount(text: str) -> dict[str, Decimal]:
    """The balance of each account; beancount finds nothing wrong with the file."""
    entries, errors, _ = loader.load_string(text)
    assert not errors, errors
    found = {}
    for account in realization.iter_children(realization.realize(entries)):
        amount = account.balance.get_currency_units("EUR").number
        assert account.balance == inventory.from_string(f"{amount} EUR" if amount else "")
        if amount:
            found[account.account] = amount
    return found


def by_hand(text: str) -> dict[str, Decimal]:
    """The balance of each account of a .journal, its lines added up."""
    sums: Counter[str] = Counter()
    for account, amount in re.findall(r"^    (\S+)  (-?[0-9.]+) EUR$", text, re.MULTILINE):
        sums[account] += Decimal(amount)
    return {account: amount for account, amount in sums.items() if amount}


def by_tool(tool: str, path: Path) -> dict[str, Decimal]:
    """What `hledger bal` or `ledger bal` prints."""
    commands = {
        "hledger": ["hledger", "-f", str(path), "bal", "--flat", "-N", "--strict"],
        "ledger": ["ledger", "-f", str(path), "bal", "--flat", "--no-total", "--pedantic"],
    }
    ran = subprocess.run(commands[tool], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    rows = [line.split() for line in ran.stdout.splitlines()]
    return {account: Decimal(amount) for amount, _, account in rows}


def in_beancount(found: dict[str, Decimal]) -> dict[str, Decimal]:
    """The accounts of a .journal under the names that beancount allows."""
    names = {}
    for account, amount in found.items():
        head, _, client = account.rpartition(":")
        if head == "Assets:Receivable":
            account = f"{head}:{client[0].upper()}{client[1:].replace('_', '-')}"
        names[account] = amount
    return names


def test_each_year_stands_alone_with_what_came_before_it(tmp_path):
    root = past.root_of(tmp_path / "root", *FACTS)
    assert by_hand(made(root, "2024", "journal")) == {
        "Assets:Receivable:studio_nord": Decimal("50.00"),
        "Assets:Bank": Decimal("70.00"),
        "Income:Services": Decimal("-100.00"),
        "Liabilities:VAT:Pending": Decimal("-8.33"),
        "Liabilities:VAT:Collected": Decimal("-11.67"),
    }
    assert by_hand(made(root, "2025", "journal")) == {
        "Assets:Receivable:studio_nord": Decimal("90.00"),
        "Assets:Bank": Decimal("70.00"),
        "Assets:Cash": Decimal("80.00"),
        "Income:Services": Decimal("-100.00"),
        "Liabilities:VAT:Pending": Decimal("-20.00"),
        "Liabilities:VAT:Collected": Decimal("-20.00"),
        "Equity:Opening-Balances": Decimal("-100.00"),
    }


def test_a_client_named_with_an_underscore_and_odd_names_are_read(tmp_path):
    odd = {**FACTS[0], "buyer": 'Nord "&" Cie; | \\ (x)  ; y'}
    root = past.root_of(tmp_path / "root", odd, *FACTS[1:])
    balance = by_beancount(made(root, "2024", "beancount"))
    assert balance["Assets:Receivable:Studio-nord"] == Decimal("50.00")


@given(past.past())
@profile(max_examples=15)
def test_both_files_come_to_the_balances_of_the_clients(facts):
    with tempfile.TemporaryDirectory() as folder:
        root = past.root_of(Path(folder) / "root", *facts)
        # Every movement is before 2030, and nothing but the opening stands in that year.
        found = by_hand(made(root, "2030", "journal"))
        assert by_beancount(made(root, "2030", "beancount")) == in_beancount(found)
        owed: Counter[str] = Counter()
        for invoice in balances.read_all(root):
            owed[f"Assets:Receivable:{invoice.client}"] += invoice.outstanding
        clients = {name: value for name, value in found.items() if "Receivable" in name}
        assert clients == {name: value for name, value in owed.items() if value}


@given(past.past())
@profile(max_examples=15)
def test_a_year_opens_as_the_year_before_closed(facts):
    with tempfile.TemporaryDirectory() as folder:
        root = past.root_of(Path(folder) / "root", *facts)
        before: dict[str, Any] = {}
        for year in ("2023", "2024", "2025", "2026"):
            text = made(root, year, "journal")
            _, _, after = text.partition(f"{year}-01-01 * Opening balances\n")
            opening = by_hand(after.split("\n\n")[0])
            opening.pop("Equity:Opening-Balances", None)
            assert opening == before
            closed = by_hand(text)
            assert by_beancount(made(root, year, "beancount")) == in_beancount(closed)
            assert sum(closed.values()) == 0
            carried = ("Assets:", "Liabilities:")
            before = {name: value for name, value in closed.items() if name.startswith(carried)}


@pytest.mark.conformance
@pytest.mark.parametrize("tool", ["hledger", "ledger"])
@given(past.past())
@profile(max_examples=15)
def test_hledger_and_ledger_read_the_same_balances(tool, facts):
    with tempfile.TemporaryDirectory() as folder:
        root = past.root_of(Path(folder) / "root", *facts)
        for year in ("2024", "2025"):
            found = by_hand(made(root, year, "journal"))
            assert by_tool(tool, root.path / f"exports/ledger/{year}.journal") == found


@pytest.mark.conformance
@pytest.mark.parametrize("tool", ["hledger", "ledger"])
def test_hledger_and_ledger_read_odd_names(tool, tmp_path):
    odd = {**FACTS[0], "buyer": 'Nord "&" Cie; | \\ (x)  ; y =1 @ {2}'}
    root = past.root_of(tmp_path / "root", odd, *FACTS[1:])
    found = by_hand(made(root, "2025", "journal"))
    assert by_tool(tool, root.path / "exports/ledger/2025.journal") == found
