"""Projects as a studio has them, by the commands: every file says the same of a year of dice."""

import csv
import json
import os
import random
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import books
import house
from lib.core.root import Root
from lib.values import money

PROJECTS = int(os.environ.get("PROJECTS", "3"))
DAYS = [f"2026-{month:02d}-{day:02d}" for month in range(4, 13) for day in (5, 15, 25)]
TODAY = "2026-12-31"


class Studio:
    """A house and its dice; `days` is where its year stands."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        changes = {"accounts": {"deposits": "419500"}, "write_off_limit": "1.00"}
        seller = house.issuer(changes)
        self.root: Root = house.build(folder / "root", house.client("nord"), seller=seller)
        self.day = 0
        self.finished: set[str] = set()

    def later(self) -> str:
        self.day = min(self.day + self.dice.randint(0, 2), len(DAYS) - 1)
        return DAYS[self.day]

    def did(self, ran: house.Ran) -> house.Ran:
        assert (ran.code, ran.err) == (0, ""), ran
        return ran

    def invoice(self, order: str) -> dict[str, Any]:
        """The next step of an order."""
        day = self.later()
        options = {"client": "nord", "order": order, "issue_date": day, "today": day}
        options["step"] = house.due_step(self.root, "nord", order)
        self.did(house.call("invoice_order", self.root, **options))
        return house.records(self.root, "nord")[-1]

    def credit(self, number: str, amount: str = "") -> None:
        """Credits an invoice, whole or an amount with VAT."""
        day = self.later()
        os.environ["REASON"] = f"as agreed on {day}"
        options = {"issue_date": day, "today": day, "amount": amount, "again": "yes"}
        self.did(house.call("issue_credit_note", self.root, invoice=number, **options))

    def settle(self, record: dict[str, Any]) -> None:
        """What comes of an invoice of which something is to be paid."""
        number, gross = record["number"], Decimal(record["gross"])
        if gross <= 0:
            return
        half = money.round_half_up(gross / 2)
        again = {"again": "yes", "today": TODAY}
        match self.dice.choice(["open", "whole", "parts", "over", "short", "charge", "lost"]):
            case "whole":
                self.did(books.pay(self.root, number, str(gross), self.later(), **again))
            case "parts":
                self.did(books.pay(self.root, number, str(half), self.later(), **again))
                self.did(books.pay(self.root, number, str(gross - half), self.later(), **again))
            case "over":
                more = {"overpayment": "yes", **again}
                self.did(books.pay(self.root, number, str(gross + 1), self.later(), **more))
                self.did(books.refund(self.root, number, "1.00", self.later(), **again))
            case "short" | "charge" as what if gross > 1:
                kind = "difference" if what == "short" else "bank_charge"
                self.did(books.pay(self.root, number, str(gross - 1), self.later(), **again))
                more = {"date": self.later(), **again}
                self.did(books.write_off(self.root, number, "1.00", kind, **more))
            case "lost" if record["step"] == "final":
                more = {"date": self.later(), "large": "yes", **again}
                self.did(books.write_off(self.root, number, str(gross), "bad_debt", **more))

    def project(self, order: str) -> None:
        """A deposit or two, what was credited of them, and the end."""
        dice = self.dice
        nets = [dice.randint(10_000, 900_000) for _ in range(2)]
        lines = [
            house.one_off(money.plain(Decimal(nets[0]) / 100, 2)),
            house.one_off(money.plain(Decimal(nets[1]) / 100, 2), vat_rate="5.5"),
        ]
        names = ["deposit", *(["second"] if dice.random() < 0.5 else [])]
        steps = [
            house.step("deposit", name, percent=dice.choice(["20", "30", "33.33"]))
            for name in names
        ]
        kind = dice.choice([[], [house.step("milestone", percent="25")]])
        whole = house.order(order, "nord", *steps, *kind, house.step(), lines=lines)
        house.put_order(self.root, whole)
        deposits = [self.invoice(order) for _ in steps]
        end = dice.choice(["final", "final", "final", "less", "cancelled", "late"])
        if end == "cancelled":
            for deposit in deposits:
                self.did(books.pay(self.root, deposit["number"], deposit["gross"], self.later()))
                self.credit(deposit["number"])
                back = (deposit["number"], deposit["gross"], self.later())
                self.did(books.refund(self.root, *back, today=TODAY))
            self.finished.add(order)
            return
        if end == "less":
            self.credit(deposits[0]["number"], "12.34")
        else:
            self.settle(deposits[0])
        rest = [self.invoice(order) for _ in (*kind, "final")]
        if end == "late" and not self.is_lost(deposits[-1]["number"]):
            self.credit(deposits[-1]["number"], "10.00")
        if dice.random() < 0.8:
            self.settle(rest[-1])
        self.finished.add(order)

    def is_lost(self, number: str) -> bool:
        lines = house.records(self.root, "nord", "payments")
        return any(line["invoice"] == number and line["kind"] == "write_off" for line in lines)


def rows_of(path: Path, separator: str = ",") -> list[dict[str, str]]:
    lines = path.read_bytes().decode().splitlines()
    return list(csv.DictReader(lines, delimiter=separator, quoting=csv.QUOTE_MINIMAL))


@pytest.mark.parametrize("seed", range(1, int(os.environ.get("YEARS", "1")) + 1))
def test_every_file_says_the_same_of_the_projects_of_a_studio(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REASON", "")
    studio = Studio(tmp_path, seed)
    root = studio.root
    for i in range(PROJECTS):
        studio.project(f"project_{i}")
    issued = house.records(root, "nord")
    for script in ("export_fec", "export_ledger", "export_revenues"):
        studio.did(house.call(script, root, year="2026"))
    studio.did(house.call("reconcile", root))
    studio.did(house.call("verify", root, today=TODAY))

    # The FEC: each entry balances, no project leaves anything on the deposits' account.
    (path,) = (root.path / "exports/fec").iterdir()
    accounts: Counter[str] = Counter()
    entries: Counter[str] = Counter()
    for row in rows_of(path, "\t"):
        amount = Decimal(row["Debit"].replace(",", ".")) - Decimal(row["Credit"].replace(",", "."))
        accounts[row["CompteNum"]] += amount
        entries[row["EcritureNum"]] += amount
    assert not any(entries.values())
    assert studio.finished == {record["order"] for record in issued if record.get("order")}
    assert "419500" in accounts and accounts["419500"] == 0
    signed = {record["number"]: -1 if "corrects" in record else 1 for record in issued}
    net = sum(signed[record["number"]] * Decimal(record["net"]) for record in issued)
    assert accounts["706"] == -net
    balance = json.loads((root.data / "balance/nord.json").read_bytes())["totals"]
    owed = Decimal(balance["outstanding"]) - Decimal(balance["overpaid"])
    assert accounts["411"] + accounts["4191"] == owed
    lost = accounts["658"] + accounts["654"] + accounts["627"]
    assert 0 <= lost <= Decimal(balance["written_off"])

    # VAT by month of what was never credited: what came, by the day, times VAT by gross.
    credited = {record.get("corrects") for record in issued}
    moves = house.records(root, "nord", "payments") if accounts["512"] else []
    moves = [move for move in moves if move.get("cause") not in ("difference", "bad_debt")]
    expected: Counter[tuple[str, str]] = Counter()
    for record in issued:
        if "corrects" in record or record["number"] in credited:
            continue
        gross, paid = Decimal(record["gross"]), Decimal(0)
        had: Counter[str] = Counter()
        own = [move for move in moves if move["invoice"] == record["number"]]
        for line in sorted(own, key=lambda move: str(move["date"])):
            paid += Decimal(line["amount"]) * (-1 if line["kind"] == "refund" else 1)
            for share in record["breakdown"]:
                part = min(max(paid, Decimal(0)), gross) * Decimal(share["vat"]) / gross
                now = money.round_half_up(part)
                expected[record["number"], line["date"][:7]] += now - had[share["vat_rate"]]
                had[share["vat_rate"]] = now
    found: Counter[tuple[str, str]] = Counter()
    dues = rows_of(root.path / "exports/recettes/vat_due-2026.csv")
    for row in dues:
        if row["number"] not in credited and row["number"] in signed:
            found[row["number"], row["date"][:7]] += Decimal(row["vat"])
    numbers = {record["number"] for record in issued if "corrects" not in record} - credited
    assert {key: vat for key, vat in found.items() if vat and key[0] in numbers} == {
        key: vat for key, vat in expected.items() if vat
    }
    assert accounts["44571"] == -sum(Decimal(row["vat"]) for row in dues)
