"""A random house over its months: whatever happens in it, every file says the same sums.

Clients of several countries and charge models, batches, orders with deposits, milestones and
final invoices, payments in part, in full and beyond, refunds, reversals, credit notes whole and by
line, invoices issued anew, and a platform that takes them and hears of the money, between runs that
are killed. What is added up here is added up from the documents and from what was
done, never by the functions under test.

YEARS=6 MONTHS=12 goes through six houses and whole years; `make fuzz` does.
"""

import csv
import io
import json
import os
import random
import re
import shutil
import subprocess
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
from lxml import etree

import batches
import books
import house
from cdar_messages import message, status
from lib.core.root import Root
from lib.documents import validators
from lib.values import document
from platform_stub import Platform, running

YEARS = int(os.environ.get("YEARS", "1"))
MONTHS = int(os.environ.get("MONTHS", "3"))
# How numbers are read here: the sequence of code and year, the month, the place in the sequence.
_FORMATS = {
    "{code}-{year}-{seq:04d}": r"(\w+-2\d{3})()-(\d{4,})",
    "{code}{year}-{seq:04d}": r"(\w+2\d{3})()-(\d{4,})",
    "{code}-{year}{seq:04d}": r"(\w+-2\d{3})()(\d{4,})",
    "{code}-{year}-{month}-{seq:03d}": r"(\w+-2\d{3})-(\d\d)-(\d{3,})",
    "{code}-{year}{month}-{seq:03d}": r"(\w+-2\d{3})(\d\d)-(\d{3,})",
    "{code}{year}-{month}-{seq:03d}": r"(\w+2\d{3})-(\d\d)-(\d{3,})",
}
_CHARGES = ("flat", "per_unit", "graduated", "volume", "package", "percentage")


class House:
    """A root, what was done in it, and the dice."""

    def __init__(self, folder: Path, seed: int, platform: Platform):
        self.dice = random.Random(seed)
        self.platform = platform
        platform.when_taken = self._answer
        self.franchise = seed % 3 == 2
        changes: dict[str, Any] = {"numbering": self.dice.choice(["client", "issuer"])}
        self.format = [*_FORMATS][seed % len(_FORMATS)]
        changes["number_format"] = self.format
        if self.franchise:
            changes |= {"vat_regime": "franchise", "party.vat_number": None}
        rate = {"vat_rate": "0"} if self.franchise else {}
        treatment = {"vat": {"treatment": "franchise"}} if self.franchise else {}
        self.root = batches.build(folder, changes=batches.FRANCHISE if self.franchise else None)
        changes["platform"] = {"flow_url": f"{platform.url}/flow-service", "since": "2025-01-01"}
        house.write(self.root, "issuer.json", house.issuer(changes))
        house.write(self.root, ".env", b"PLATFORM_TOKEN=fixed-token\n").chmod(0o600)
        payer = batches.payer({"plans.0.start": "2025-01", **treatment})
        payer["plans"][0]["items"][0] |= rate
        house.put_client(self.root, payer)
        self.clients = [self._client(i) for i in range(2, 7)]
        for value in self.clients:
            house.put_client(self.root, value)
        self.paid: Counter[str] = Counter()  # cents by invoice, as this test recorded them
        self.written_off: Counter[str] = Counter()
        # payment or write-off, invoice, cents, which of the two; what may be reversed
        self.lines: list[tuple[str, str, int, bool]] = []
        self.refused = 0
        self.orders: dict[str, str] = {}  # of each client the one that is under way

    def _client(self, i: int) -> dict[str, Any]:
        dice, name = self.dice, f"client_{i}"
        changes: dict[str, Any] = {
            "code": f"C{i}",
            "language": dice.choice(["fr", "en"]),
            "payment_terms": {
                "days": dice.choice([0, 30, 45]),
                "end_of_month": dice.random() < 0.5,
            },
            "plans.0.start": dice.choice(["2025-01", "2025-01-10"]),
            "plans.0.every_months": dice.choice([1, 1, 3]),
            "plans.0.billed": ("arrears", "arrears", "advance")[i % 3],
        }
        kind = (
            "franchise"
            if self.franchise
            else dice.choice(["standard"] * 3 + ["intra_eu", "outside_eu"])
        )
        rate = dice.choice(["20", "10", "5.5"]) if kind == "standard" else "0"
        changes["vat"] = {"treatment": kind}
        if kind in ("intra_eu", "outside_eu"):
            where = {"intra_eu": ("DE", "DE136695976"), "outside_eu": ("CH", "CHE318462755TVA")}[
                kind
            ]
            changes |= {"party.siren": None, "party.address.country": where[0]}
            changes["party.vat_number"] = where[1]
        items = [self._item(n, dice.choice(_CHARGES), rate) for n in range(dice.randint(1, 4))]
        changes["plans.0.items"] = items
        both = {"fr": "Remise", "en": "Discount"}
        if dice.random() < 0.5:
            changes["plans.0.discounts"] = [
                {"id": "welcome", "description": both, "percent": "7.5"}
            ]
        if dice.random() < 0.5:
            changes["plans.0.minimum"] = {"amount": "30.00", "vat_rate": rate}
        return house.client(name, changes, i=i)

    def _item(self, n: int, charge: str, rate: str) -> dict[str, Any]:
        dice = self.dice
        made = house.item(f"item_{n}", f"{dice.randint(1, 900)}.{dice.randint(0, 99):02d}")
        made |= {"charge": charge, "vat_rate": rate}
        if charge == "flat":
            return made
        del made["price"]
        made["metric"] = "hours"
        price = f"{dice.randint(0, 40)}.{dice.randint(1, 9999):04d}"
        match charge:
            case "per_unit":
                return made | {"unit": "HUR", "unit_price": price}
            case "package":
                return made | {"tiers": [{"up_to": "9", "price": "9.00"}, {"price": "12.35"}]}
            case "percentage":
                return made | {"rate": "2.5", "fixed": "1.00"}
        return made | {"tiers": [{"up_to": "10.5", "unit_price": price}, {"unit_price": "0.0333"}]}

    def did(self, ran: house.Ran) -> house.Ran:
        assert ran.code == 0, ran
        return ran

    # --- a month -----------------------------------------------------------------------

    def live(self, month: str, issued_on: str, later: str) -> None:
        """The month is issued on one day, and paid and corrected on a later one."""
        dice = self.dice
        for value in self.clients:
            amount = f"{dice.randint(0, 60)}.{dice.randint(0, 9999):04d}"
            if any("metric" in item for item in value["plans"][0]["items"]):
                used = house.usage(value["id"], month, {"hours": amount})
                house.put_usage(self.root, used)
        rate = {"vat_rate_1": "0"} if self.franchise else {}
        period = {"period_start": f"{month}-01", "period_end": f"{month}-28"}
        rows = [
            batches.row(
                i, reference=f"{month}-{i}", quantity_1=f"{dice.randint(1, 9)},5", **period, **rate
            )
            for i in range(1, dice.randint(2, 4))
        ]
        batches.hand_in(self.root, batches.file_of(*rows), month)
        self.did(batches.run(self.root, issued_on))
        self.did(house.month(self.root, month, issued_on))
        for value in self.clients:
            self._order(value, month, issued_on)
        for number in sorted(self.standing()):
            self._happen(number, later)
        self._correct_a_batch(later)
        self._begin_anew(month, later)
        self.exchange(later)

    def _order(self, client: dict[str, Any], month: str, day: str) -> None:
        """The next step of a client's order, or of a new one where all of it is invoiced."""
        name, dice = client["id"], self.dice
        if dice.random() < 0.3:
            return
        options = {"client": name, "issue_date": day, "today": day}
        if name in self.orders:
            ran = house.call("invoice_order", self.root, order=self.orders[name], **options)
            if ran.code == 0:
                return
            assert "B-DUPLICATE" in ran.err, ran
            self.refused += 1
        self.orders[name] = f"order_{month.replace('-', '_')}"
        rate = client["plans"][0]["items"][0]["vat_rate"]
        lines = [
            house.one_off(_text(dice.randint(1, 200_000)), quantity=str(dice.randint(1, 9)))
            | {"vat_rate": rate}
            for _ in range(dice.randint(1, 3))
        ]
        steps = [
            house.step(kind, f"{kind}_{i}", percent=str(dice.randint(1, 33)))
            for i, kind in enumerate(dice.sample(["deposit", "deposit", "milestone"], 2))
        ]
        order = house.order(self.orders[name], name, *steps, house.step(), lines=lines)
        house.put_order(self.root, order)
        self.did(house.call("invoice_order", self.root, order=self.orders[name], **options))

    def _happen(self, number: str, day: str) -> None:
        """What may become of an invoice; too much is refused."""
        dice, owed = self.dice, self.standing()[number]
        what = dice.choice(
            (
                *("nothing", "part", "all", "over", "refund", "write off", "reverse"),
                *("credit", "lines", "amount"),
            )
        )
        lost = any(off and about == number and cents > 0 for _, about, cents, off in self.lines)
        if lost and what in ("over", "refund", "credit", "lines", "amount"):
            self._take_out_losses(number, day)
            owed = self.standing()[number]
        client = self.client_of(number)
        options = {"client": client, "today": day, "reference": f"R{len(self.lines)}"}
        if what in ("part", "all", "over") and owed > 0:
            cents = {"part": dice.randint(1, owed), "all": owed, "over": owed + 500}[what]
            more = {"overpayment": "yes"} if what == "over" else {}
            ran = self.did(books.pay(self.root, number, _text(cents), day, **options, **more))
            self._note(ran, number, cents)
        elif what == "refund":
            cents = max(-owed, 0)
            too_much = books.refund(self.root, number, _text(cents + 1), day, **options)
            assert too_much.code == 1, too_much
            self.refused += 1
            if cents:
                ran = self.did(books.refund(self.root, number, _text(cents), day, **options))
                self._note(ran, number, -cents)
        elif what == "write off" and owed and not (lost and owed < 0):
            cents = dice.randint(1, abs(owed))
            kind = dice.choice(["difference", "bank_charge", "bad_debt"]) if owed > 0 else ""
            more = {"date": day, "today": day, "large": "yes", "again": "yes"}
            ran = books.write_off(self.root, number, _text(cents), kind or "difference", **more)
            self._note(self.did(ran), number, cents if owed > 0 else -cents, off=True)
        elif what == "reverse" and self.lines:
            name, about, cents, off = self.lines.pop(dice.randrange(len(self.lines)))
            self.did(books.reverse(self.root, name, today=day))
            (self.written_off if off else self.paid)[about] -= cents
        elif what in ("credit", "lines", "amount"):
            amount = _text(dice.randint(1, 9999)) if what == "amount" else ""
            self.credit(number, day, by_line=what == "lines", amount=amount)

    def _note(self, ran: house.Ran, number: str, cents: int, off: bool = False) -> None:
        self.lines.append((ran.out.partition(":")[0], number, cents, off))
        (self.written_off if off else self.paid)[number] += cents

    def _take_out_losses(self, number: str, day: str) -> None:
        """Nothing is given back or credited of what is written off as lost, until it is not."""
        options = {"client": self.client_of(number), "today": day}
        back = books.refund(self.root, number, "0.01", day, **options)
        os.environ["REASON"] = "too late"
        options = {"invoice": number, "issue_date": day, "today": day}
        credit = house.call("issue_credit_note", self.root, **options)
        for ran in (back, credit):
            assert (ran.code, "was written off in" in ran.err) == (1, True), ran
            self.refused += 1
        for line in [one for one in self.lines if one[1] == number and one[3] and one[2] > 0]:
            self.did(books.reverse(self.root, line[0], today=day))
            self.lines.remove(line)
            self.written_off[number] -= line[2]

    def credit(self, number: str, day: str, by_line: bool, amount: str = "") -> None:
        """A credit note of all that is left, of an amount, or of half of one line by its quantity
        or its net; refused where so much is not left."""
        path, chosen = self.root.path.parent / "lines.json", ""
        if by_line:
            every = self.documents() | self.documents("invoices_batch")
            # Lines below 0 take deposits off; they are taken back whole or not at all.
            lines = [line for line in every[number]["lines"] if not line["preceding"]]
            line = self.dice.choice(lines)
            half = (Decimal(line["quantity"]) / 2).quantize(Decimal("0.0001"))
            if not half:
                return
            part = {"quantity": _plain(half)}
            if self.dice.random() < 0.5 and _cents(line["net"]) > 1:
                part = {"amount": _text(_cents(line["net"]) // 2)}
            path.write_text(json.dumps({"lines": [{"line": line["id"], **part}]}))
            chosen = str(path)
        before = house.tree(self.root)
        os.environ["REASON"] = f"correction {len(before)}"
        ran = house.call("issue_credit_note", self.root, invoice=number, lines=chosen,
                         amount=amount, issue_date=day, today=day)  # fmt: skip
        if ran.code:
            assert ran.code == 1 and "[B-CREDIT]" in ran.err, ran
            assert house.tree(self.root) == before
            self.refused += 1

    def _correct_a_batch(self, day: str) -> None:
        numbers = [
            record["number"] for record in batches.issued(self.root) if record["kind"] == "invoice"
        ]
        self.credit(self.dice.choice(numbers), day, by_line=self.dice.random() < 0.5)

    def _begin_anew(self, month: str, day: str) -> None:
        """Invoices of the month that were credited in full are issued once more, or not."""
        for value in self.clients:
            if self.dice.random() < 0.5:
                self.did(house.month(self.root, month, day, client=value["id"], reissue="yes"))

    # --- the platform ------------------------------------------------------------------

    def _answer(self, tracking_id: str) -> None:
        if self.platform.flows[-1]["flowSyntax"] == "Factur-X":
            self.platform.put(message(status(tracking_id, "200", "20250101090000")))

    def exchange(self, day: str) -> None:
        """`make platform`, killed somewhere, then as often as there is something to say."""
        books.killed_at(self.dice.randint(1, 400), lambda: self._exchanged(day))
        for _ in range(4):
            self._exchanged(day)

    def _exchanged(self, day: str) -> None:
        self.did(house.call("exchange_with_platform", self.root, today=day))

    # --- what stands there -------------------------------------------------------------

    def documents(self, folder: str = "invoices") -> dict[str, dict[str, Any]]:
        """Every document by number, as plain JSON."""
        paths = sorted((self.root.data / folder).rglob("*.json"))
        return {path.stem: json.loads(path.read_bytes()) for path in paths}

    def standing(self) -> dict[str, int]:
        """What is outstanding of each direct invoice, in cents, by documents and payments."""
        owed: Counter[str] = Counter()
        for number, made in self.documents().items():
            corrected = made["preceding"][0] if made["type_code"] == "381" else {}
            owed[corrected.get("number", number)] += _signed(made)
        return {
            number: cents - self.paid[number] - self.written_off[number]
            for number, cents in owed.items()
        }

    def client_of(self, number: str) -> str:
        return str(self.documents()[number]["client"])


def _cents(text: str) -> int:
    return int((Decimal(text) * 100).to_integral_exact())


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(made: dict[str, Any], figure: str = "gross") -> int:
    cents = _cents(made["totals"][figure])
    return -cents if made["type_code"] == "381" else cents


def rows_of(root: Root, name: str) -> list[dict[str, str]]:
    data = (root.path / "exports" / name).read_bytes()
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


# --- what has to hold ----------------------------------------------------------------


def holds(lived: House) -> None:
    """Sequences, sums and balances, by the documents and by what was done."""
    in_order(lived)
    sums_agree(lived)


def in_order(lived: House) -> None:
    """No sequence has a gap, and none goes back in time."""
    for folder in ("invoices", "invoices_batch"):
        sequences: dict[str, list[tuple[int, str]]] = {}
        for number, made in lived.documents(folder).items():
            read = re.fullmatch(_FORMATS[lived.format], number)
            assert read, number
            head, month, seq = read.groups()
            assert head.endswith(made["issue_date"][:4]) and month in ("", made["issue_date"][5:7])
            sequences.setdefault(head, []).append((int(seq), made["issue_date"]))
        for head, given in sequences.items():
            given.sort()
            assert [seq for seq, _ in given] == list(range(1, len(given) + 1)), head
            days = [day for _, day in given]
            assert days == sorted(days), head


def sums_agree(lived: House) -> None:
    """Documents, records, balances and exports come to the same for every client."""
    root = lived.root
    lived.did(house.call("reconcile", root))
    made: Counter[tuple[str, str]] = Counter()
    for one in lived.documents().values():
        for figure in ("net", "vat", "gross"):
            made[one["client"], figure] += _signed(one, figure)
    recorded: Counter[tuple[str, str]] = Counter()
    for path in root.data.glob("revenues/*.jsonl"):
        for record in house.records(root, path.stem):
            sign = -1 if record["kind"] == "credit_note" else 1
            for figure in ("net", "vat", "gross"):
                recorded[path.stem, figure] += sign * _cents(record[figure])
    assert recorded == made
    owed = lived.standing()
    for path in root.data.glob("balance/*.json"):
        for invoice in json.loads(path.read_bytes())["invoices"]:
            assert _cents(invoice["outstanding"]) == owed.pop(invoice["number"])
            assert _cents(invoice["paid"]) == lived.paid[invoice["number"]]
            assert _cents(invoice["written_off"]) == lived.written_off[invoice["number"]]
    assert not owed, "every invoice has its balance"
    exported: Counter[tuple[str, str]] = Counter()
    received: Counter[str] = Counter()
    for year in ("2025", "2026"):
        lived.did(house.call("export_revenues", root, year=year))
        for row in rows_of(root, f"recettes/revenues-{year}.csv"):
            for figure in ("net", "vat", "gross"):
                exported[row["client"], figure] += _cents(row[figure])
        for row in rows_of(root, f"recettes/recettes-{year}.csv"):
            received[row["client"]] += _cents(row["gross"])
        books_balance(lived, year)
    assert exported == made
    lived.did(house.call("export_payments", root))
    moved: Counter[str] = Counter()
    for row in rows_of(root, "payments/payments.csv"):
        moved[row["invoice"]] += _cents(row["amount"])
    settled = lived.paid.copy()
    for number, cents in lived.written_off.items():
        settled[number] += cents
    assert {key: value for key, value in moved.items() if value} == {
        key: value for key, value in settled.items() if value
    }
    by_client: Counter[str] = Counter()
    for number, cents in lived.paid.items():
        by_client[lived.client_of(number)] += cents
    assert {k: v for k, v in received.items() if v} == {k: v for k, v in by_client.items() if v}


def the_platform_knows(lived: House) -> None:
    """Each domestic invoice and credit note between businesses was deposited once; what was
    received of each with VAT due on receipt is what the 212s come to."""
    documents = lived.documents()
    domestic = sorted(
        number
        for number, made in documents.items()
        if {"code": "BAR", "text": "B2B"} in [_plain_note(note) for note in made["notes"]]
    )
    sent = [flow for flow in lived.platform.flows if flow["flowDirection"] == "Out"]
    numbers = [flow["trackingId"] for flow in sent if flow["flowSyntax"] == "Factur-X"]
    assert sorted(numbers) == domestic and not lived.platform.wrong
    reported: Counter[str] = Counter()
    for flow in sent:
        if flow["flowSyntax"] == "CDAR":
            tree = etree.fromstring(lived.platform.files[flow["flowId"]])
            number = tree.findtext(".//{*}IssuerAssignedID")
            for part in tree.iterfind(".//{*}SpecifiedDocumentCharacteristic"):
                reported[number] += _cents(part.findtext("{*}ValueAmount"))
    credited: Counter[str] = Counter()
    for made in documents.values():
        if made["type_code"] == "381":
            credited[made["preceding"][0]["number"]] += _cents(made["totals"]["gross"])
    for number in domestic:
        made = documents[number]
        if made["type_code"] == "381":
            continue
        paid, gross = max(lived.paid[number], 0), _cents(made["totals"]["gross"])
        taxed = _cents(made["totals"]["vat"]) > 0
        # Of what was credited, what was paid stands until it goes back.
        least = min(paid, gross - credited[number]) if taxed else 0
        most = min(paid, gross) if taxed else 0
        assert least <= reported.pop(number, 0) <= most, number
    assert not reported


def _plain_note(note: dict[str, str]) -> dict[str, str]:
    return {key: note[key] for key in ("code", "text")}


def books_balance(lived: House, year: str) -> None:
    """The FEC's debits are its credits, entry by entry; every ledger's transactions come to 0."""
    root = lived.root
    lived.did(house.call("export_fec", root, year=year))
    (path,) = (root.path / "exports/fec").glob(f"*FEC{year}*.txt")
    head, *lines = path.read_text("utf-8").split("\r\n")
    names = head.split("\t")
    entries: Counter[str] = Counter()
    for line in filter(None, lines):
        row = dict(zip(names, line.split("\t"), strict=True))
        debit, credit = (_cents(row[name].replace(",", ".")) for name in ("Debit", "Credit"))
        entries[row["EcritureNum"]] += debit - credit
    assert not any(entries.values())
    lived.did(house.call("export_ledger", root, year=year))
    journal = root.path / f"exports/ledger/{year}.journal"
    for paragraph in journal.read_text().split("\n\n"):
        postings = [line.split() for line in paragraph.splitlines() if line.startswith("    ")]
        if paragraph[:4].isdigit():
            assert sum(_cents(posting[1]) for posting in postings) == 0, paragraph
    if YEARS > 1 and shutil.which("hledger"):
        command = ["hledger", "-f", str(journal), "check", "--strict"]
        assert subprocess.run(command, check=False).returncode == 0


def every_document_is_valid(lived: House) -> int:
    """The XML inside each PDF passes the judges; returns how many there are."""
    paths = sorted(lived.root.data.glob("invoices*/**/*.pdf"))
    for path in paths:
        (xml,) = pypdf.PdfReader(path).attachments["factur-x.xml"]
        made = document.from_json(path.with_suffix(".json").read_bytes())
        assert validators.verdicts(made, xml) == [], path
    return len(paths)


def made_again(lived: House) -> None:
    """Derived files that are deleted come again with the same bytes."""
    before = house.tree(lived.root)
    for folder in ("data/balance", "exports"):
        shutil.rmtree(lived.root.path / folder)
    sums_agree(lived)
    assert house.tree(lived.root) == before


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, YEARS + 1))
def test_whatever_happens_every_file_says_the_same(tmp_path, seed, capsys, monkeypatch):
    monkeypatch.setenv("REASON", "")
    monkeypatch.setattr("time.sleep", lambda _: None)
    platform = Platform()
    platform.checks_files, platform.duplicates = MONTHS > 3, "take"
    with running(platform):
        lived = House(tmp_path / "root", seed, platform)
        lives(lived)
    count = every_document_is_valid(lived)
    lived.did(house.call("verify", lived.root))
    made_again(lived)
    assert count > 8 * MONTHS and lived.paid and lived.refused
    with capsys.disabled():
        print(f"\nhouse {seed}: {count} documents in {MONTHS} months, {lived.refused} refusals")


def lives(lived: House) -> None:
    """Month after month, each closed as the next one begins."""
    for i in range(MONTHS):
        month, following = date(2025, i + 1, 1), date(2025 + (i + 1) // 12, (i + 1) % 12 + 1, 1)
        if i:  # what happened last time was dated in this month, which is over now
            closed = {"month": f"{month:%Y-%m}", "today": f"{following:%Y-%m}-02"}
            lived.did(house.call("close_period", lived.root, **closed))
        lived.live(f"{month:%Y-%m}", f"{following:%Y-%m}-08", f"{following:%Y-%m}-20")
        if i in (MONTHS // 2, MONTHS - 1):
            holds(lived)
            the_platform_knows(lived)
