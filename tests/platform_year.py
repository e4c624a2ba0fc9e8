"""A studio and its platform over many months: whatever happens, what has to leave is known.

Businesses at home, in Réunion, in Germany, the United Kingdom and Monaco, private customers at home
and abroad, goods and services of several rates, deposits; money that comes in part, too much, late,
goes back, bounces; credit notes; a platform that forgets to answer, says things twice and refuses;
runs that are killed. What is expected (`expected_deposits` and those below it) is computed from
what was put in and done alone, in cents, with nothing of the project's.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

import books
import house
from cdar_messages import message, status
from platform_stub import Platform

Cents = dict[tuple[str, ...], int]  # by what it is about, the last of which is often the rate
SELLER = house.siren(0)
SINCE = "2026-10-01"
_SLIPS = ("lost", "deaf", "500", "html", "429", "503 later", "nothing", "401")


class Sold(NamedTuple):
    """What a client buys: its audience, and items as (nature, rate)."""

    audience: str
    changes: dict[str, Any]
    items: tuple[tuple[str, str], ...]


_PRIVATE = {"party.siren": None, "party.person": True}
_MONACO = {
    "party.siren": None,
    "party.address.country": "MC",
    "party.address.postcode": "98000",
    "party.vat_number": house.vat_number("000000018"),
}
_BERLIN = {
    "party.siren": None,
    "party.address.country": "DE",
    "party.vat_number": "DE136695976",
    "vat.treatment": "intra_eu",
}
_LONDON = {
    "party.siren": None,
    "party.address.country": "GB",
    "vat.treatment": "outside_eu",
}
_REUNION = {"party.address.country": "RE", "party.address.postcode": "97400"}
CLIENTS = {
    "nord": Sold("B2B", {}, (("services", "20"), ("services", "10"))),
    "mixte": Sold("B2B", {}, (("goods", "20"), ("services", "10"), ("services", "5.5"))),
    "bourbon": Sold("B2B", _REUNION, (("services", "8.5"),)),
    "lea": Sold("B2C", _PRIVATE, (("goods", "20"), ("services", "10"), ("services", "5.5"))),
    "hans": Sold("B2C", _PRIVATE | {"party.address.country": "DE"}, (("services", "20"),)),
    "berlin": Sold("B2BINT", _BERLIN, (("goods", "0"), ("services", "0"))),
    "london": Sold("B2BINT", _LONDON, (("services", "0"),)),
    "rocher": Sold("B2BINT", _MONACO, (("goods", "20"), ("services", "10"))),
}


class Bill(NamedTuple):
    """An invoice or a credit note: net and VAT in cents by rate and nature."""

    number: str
    client: str
    day: str
    shares: dict[tuple[str, str], tuple[int, int]]
    corrects: str = ""
    is_deposit: bool = False

    @property
    def gross(self) -> int:
        return sum(net + vat for net, vat in self.shares.values())

    @property
    def audience(self) -> str:
        return CLIENTS[self.client].audience


class Studio:
    """The root, its platform, the dice, and what was done."""

    def __init__(self, folder: Path, platform: Platform, seed: int):
        self.dice, self.platform, self.seed = random.Random(seed), platform, seed
        self.items: dict[str, list[tuple[str, str, int]]] = {}
        self.bills: dict[str, Bill] = {}
        self.money: list[tuple[str, str, int]] = []  # invoice, day, cents, in the order of records
        self.payments: list[tuple[str, str, str, int]] = []  # payment line, invoice, day, cents
        self.closed: dict[str, str] = {}  # invoices that were credited, of which no money comes
        self.returned: set[str] = set()  # of which some was given back
        self.silent: list[str] = []  # of which the platform says nothing yet
        self.killed = 0
        account = {
            "flow_url": f"{platform.url}/flow-service",
            "since": SINCE,
            "number": "0042",
            "name": "Plateforme",
        }
        changes = {"operation_category": "mixed", "platform": account, "vat_periods": "monthly"}
        self.root = house.build(folder, *map(self._client, CLIENTS), seller=house.issuer(changes))
        house.write(self.root, ".env", b"PLATFORM_TOKEN=fixed-token\nPLATFORM_TIMEOUT=2\n")
        (self.root.path / ".env").chmod(0o600)
        platform.when_taken = self._answer

    def _client(self, name: str) -> dict[str, Any]:
        sold = CLIENTS[name]
        self.items[name] = [
            (nature, rate, self.dice.randint(100, 90_000)) for nature, rate in sold.items
        ]
        items = [
            house.item(f"item_{i}", _text(net), category=nature, vat_rate=rate, unit="C62")
            for i, (nature, rate, net) in enumerate(self.items[name])
        ]
        changes = {**sold.changes, "plans.0.items": items, "plans.0.start": SINCE[:7]}
        return house.client(name, changes, [*CLIENTS].index(name) + 1)

    # --- what the platform says ----------------------------------------------------------

    def refuses(self, number: str) -> bool:
        """Whether the customer refuses an invoice (210)."""
        return self.fate(number) == "refused"

    def fate(self, number: str) -> str:
        """What becomes of an invoice at the platform."""
        dice = random.Random(f"{self.seed} {number}")
        return dice.choice(("taken", "taken", "twice", "disputed", "refused", "silent"))

    def _answer(self, tracking_id: str) -> None:
        """Statuses of an invoice that the platform just took, some twice, in no order."""
        if self.platform.flows[-1]["flowSyntax"] != "Factur-X":
            return
        if self.fate(tracking_id) == "silent":
            self.silent.append(tracking_id)
        else:
            self._say(tracking_id)

    def _say(self, number: str) -> None:
        moments = {"200": "09", "202": "10"}
        moments |= {
            "refused": {"210": "12"},
            "disputed": {"207": "12", "205": "13"},
            "twice": {"213": "08"},
        }.get(self.fate(number), {})
        codes = list(moments) * (2 if self.fate(number) == "twice" else 1)
        random.Random(number).shuffle(codes)
        for code in codes:
            reasons = (("DOUBLON", "", ""),) if code == "213" else ()
            at = f"20290101{moments[code]}0000"
            said = status(number, code, at, seller=SELLER, reasons=reasons)
            self.platform.put(message(said))

    # --- a month -------------------------------------------------------------------------

    def live(self, month: date) -> None:
        """The month is invoiced after its end, exchanged, paid and corrected, and exchanged."""
        following = (month + timedelta(days=31)).replace(day=1)
        day = following.replace(day=8)
        self._issue(f"{month:%Y-%m}", day)
        self._order(day)
        self.exchange(day)
        for number in sorted(self.bills):
            if number not in self.closed and self.dice.random() < 0.5:
                self._happen(number, day)
        if self.silent and self.dice.random() < 0.5:
            self._say(self.silent.pop())
        self.report(month, following.replace(day=12))
        self.exchange(following.replace(day=27))

    def _issue(self, month: str, day: date) -> None:
        ran = house.month(self.root, month, day.isoformat())
        assert ran.code == 0, ran
        for name, items in self.items.items():
            self._note(name, day.isoformat(), {(rate, nature): net for nature, rate, net in items})

    def _note(self, client: str, day: str, nets: dict[tuple[str, str], int], **more: Any) -> None:
        shares = {
            (f"{Decimal(rate):.2f}", nature): (net, _half_up(net * int(Decimal(rate) * 10), 1000))
            for (rate, nature), net in nets.items()
        }
        self._keep(client, day, shares, **more)

    def _keep(self, client: str, day: str, shares: Any, **more: Any) -> None:
        stem = f"{client.upper()}-{day[:4]}-"
        number = f"{stem}{1 + sum(known.startswith(stem) for known in self.bills):04d}"
        self.bills[number] = Bill(number, client, day, shares, **more)

    def _order(self, day: date) -> None:
        """Now and then a website: a deposit, and the final invoice of what is left."""
        if self.dice.random() < 0.5:
            return
        net, percent = self.dice.randint(10_000, 500_000), self.dice.randint(10, 60)
        name, when = f"site_{day:%Y_%m}", day.isoformat()
        steps = (house.step("deposit", percent=str(percent)), house.step())
        line = house.one_off(_text(net), category="services")
        house.put_order(self.root, house.order(name, "nord", *steps, lines=[line]))
        deposit = _half_up(net * percent, 100)
        for step, part in (("deposit", deposit), ("final", net - deposit)):
            options = {"client": "nord", "order": name, "issue_date": when, "today": when}
            options["step"] = step
            ran = house.call("invoice_order", self.root, **options)
            assert ran.code == 0, ran
            self._note("nord", when, {("20", "services"): part}, is_deposit=step == "deposit")

    def _happen(self, number: str, day: date) -> None:
        """What may become of an invoice after a day."""
        bill, dice = self.bills[number], self.dice
        if bill.corrects or bill.gross <= 0:
            return
        so_far = sorted(when for about, when, _ in self.money if about == number)
        paid = sum(cents for about, _, cents in self.money if about == number)
        owed = bill.gross - paid
        late = (day + timedelta(days=dice.randint(1, 10))).isoformat()
        early = (date.fromisoformat(bill.day) + timedelta(days=dice.randint(0, 30))).isoformat()
        is_next = not so_far or late > so_far[-1]
        what = dice.choice(("part", "part", "all", "all", "over", "back", "bounce", "credit"))
        if what in ("part", "all", "over") and owed > 0 and number not in self.returned:
            when = early if early <= late and early not in so_far else late
            if when in so_far:
                return
            cents = {"part": dice.randint(1, owed), "all": owed, "over": owed + 500}[what]
            more = {"overpayment": "yes"} if what == "over" else {}
            ran = books.pay(self.root, number, _text(cents), when, today=late, again="yes", **more)
            self._paid(ran, number, when, cents)
        elif what == "back" and owed < 0 and is_next:
            cents = dice.randint(1, -owed)
            ran = books.refund(self.root, number, _text(cents), late, today=late, again="yes")
            self._paid(ran, number, late, -cents)
            self.returned.add(number)
        elif what == "bounce" and is_next and number not in self.returned:
            for line in [line for line in self.payments if line[1] == number][-1:]:
                ran = books.reverse(self.root, line[0], date=late, today=late)
                assert ran.code == 0, ran
                self.money.append((number, late, -line[3]))
                self.payments.remove(line)
        elif what == "credit" and not bill.is_deposit and dice.random() < 0.4 and is_next:
            self._credit(bill, late)

    def _paid(self, ran: house.Ran, number: str, day: str, cents: int) -> None:
        assert ran.code == 0, ran
        self.money.append((number, day, cents))
        if cents > 0:
            self.payments.append((ran.out.partition(":")[0], number, day, cents))

    def _credit(self, bill: Bill, day: str) -> None:
        """All of an invoice is taken back, and what was paid of it goes back, in part or whole."""
        latest = max(other.day for other in self.bills.values() if other.client == bill.client)
        day = max(day, latest)
        with books.mock.patch.dict(books.os.environ, REASON="not as ordered"):
            options = {"invoice": bill.number, "issue_date": day, "today": day}
            ran = house.call("issue_credit_note", self.root, **options)
        assert ran.code == 0, ran
        self._keep(bill.client, day, bill.shares, corrects=bill.number)
        self.closed[bill.number] = day
        paid = sum(cents for about, _, cents in self.money if about == bill.number)
        if paid > 0 and self.dice.random() < 0.7:
            cents = self.dice.choice((paid, self.dice.randint(1, paid)))
            when = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
            ran = books.refund(self.root, bill.number, _text(cents), when, today=when)
            self._paid(ran, bill.number, when, -cents)

    # --- the platform --------------------------------------------------------------------

    def exchange(self, day: date) -> None:
        """`make platform`, which something may go wrong with, or which is killed."""
        for operation in ("deposit", "search", "original", "metadata"):
            if self.dice.random() < 0.3:
                self.platform.happens(operation, self.dice.choice(_SLIPS))
        step = self.dice.choice((0, self.dice.randint(1, 400)))

        def run() -> None:
            ran = self._exchanged(day)
            assert ran.code in (0, 4), ran

        if step:
            self.killed += books.killed_at(step, run)
        run()

    def _exchanged(self, day: date) -> house.Ran:
        return house.call("exchange_with_platform", self.root, today=day.isoformat())

    def report(self, month: date, day: date) -> None:
        """What is over of a month is reported."""
        options = {"period": f"{month:%Y-%m}", "today": day.isoformat(), "send": "yes"}
        ran = house.call("make_ereporting", self.root, **options)
        assert ran.code == 0, ran

    def settle(self, months: list[date], day: date) -> None:
        """Everything is reported, said and exchanged, until nothing changes any more."""
        for number in self.silent:
            self._say(number)
        self.platform.next.clear()
        for month in months:
            self.report(month, day)
        before: object = None
        for _ in range(8):
            ran = self._exchanged(day)
            assert ran.code == 0, ran
            if before == (before := house.tree(self.root)):
                return
        raise AssertionError("the exchange comes to no end")


def lived(folder: Path, platform: Platform, seed: int, months: int) -> Studio:
    """A studio after so many months, all of it settled."""
    studio = Studio(folder, platform, seed)
    first = date.fromisoformat(SINCE)
    counted = range(first.month - 1, first.month + months + 2)
    named = [date(first.year + i // 12, i % 12 + 1, 1) for i in counted]
    for month in named[:months]:
        studio.live(month)
    studio.settle(named, named[-1].replace(day=28) + timedelta(days=20))
    return studio


# --- what is expected, of what was put in and done ---------------------------------------


def expected_deposits(studio: Studio) -> list[str]:
    """The domestic invoices and credit notes between businesses."""
    return sorted(bill.number for bill in studio.bills.values() if bill.audience == "B2B")


def expected_cash_ins(studio: Studio) -> Cents:
    """By invoice and rate, what of its services was received, with VAT."""
    found: Counter[tuple[str, ...]] = Counter()
    for bill in studio.bills.values():
        if bill.audience == "B2B" and not bill.corrects and not studio.refuses(bill.number):
            for _, rate, cents in received(studio, bill):
                found[bill.number, rate] += cents
    return _without_zeros(found)


def expected_money(studio: Studio) -> Cents:
    """10.2 and 10.4: by invoice abroad (or none), day and rate, services with VAT; days on which
    more went back than came are held."""
    found: Counter[tuple[str, ...]] = Counter()
    for bill in studio.bills.values():
        if bill.audience != "B2B" and not bill.corrects:
            about = bill.number if bill.audience == "B2BINT" else ""
            for day, rate, cents in received(studio, bill):
                if rate != "0.00":
                    found[about, day, rate] += cents
    return {key: cents for key, cents in found.items() if cents > 0}


def expected_sales(studio: Studio) -> Cents:
    """10.3: by day and rate, the net of goods and of services, and the VAT."""
    found: Counter[tuple[str, ...]] = Counter()
    for bill in studio.bills.values():
        if bill.audience == "B2C":
            sign = -1 if bill.corrects else 1
            for (rate, nature), (net, vat) in bill.shares.items():
                found[bill.day, {"goods": "TLB1", "services": "TPS1"}[nature], rate] += sign * net
                found[bill.day, "VAT", rate] += sign * vat
    return _without_zeros(found)


def expected_invoices(studio: Studio) -> Cents:
    """10.1: by number, day and type, the net and the VAT."""
    found: Cents = {}
    for bill in studio.bills.values():
        if bill.audience == "B2BINT":
            about = (bill.number, bill.day, "381" if bill.corrects else "380")
            found[*about, "net"] = sum(net for net, _ in bill.shares.values())
            found[*about, "VAT"] = sum(vat for _, vat in bill.shares.values())
    return found


def received(studio: Studio, bill: Bill) -> Iterator[tuple[str, str, int]]:
    """Day, rate and cents of services: of each cent so far, the parts of all shares in the order
    of their rates, up to each of them rounded half up; what is left after a credit note, as parts
    of what had been paid of each share."""
    gross = {key: net + vat for key, (net, vat) in sorted(bill.shares.items())}
    before: dict[tuple[str, str], int] = dict.fromkeys(gross, 0)
    paid = 0
    credited = studio.closed.get(bill.number, "9999")
    own = sorted((entry for entry in studio.money if entry[0] == bill.number), key=lambda e: e[1])
    for _, day, cents in own:
        paid += cents
        parts_of = dict(before) if day > credited else gross
        whole = sum(parts_of.values())
        upto = rounded = 0
        for key, amount in parts_of.items():
            upto += amount
            now = _half_up(upto * min(paid, whole), whole)
            part, rounded = now - rounded, now
            if key[1] == "services":
                yield day, key[0], part - before[key]
            before[key] = part


# --- what left -----------------------------------------------------------------------


def reported_cash_ins(studio: Studio) -> Cents:
    """What the 212s that the platform took come to, by invoice and rate. The refusal of an invoice
    may be read after money came: from then on only what goes back is reported of it, so that no
    more stands than was received."""
    for path in (studio.root.path / "data/platform").glob("*.jsonl"):
        refused: set[str] = set()
        for line in map(json.loads, path.read_bytes().splitlines()):
            if line["kind"] == "status" and line["code"] == "210":
                refused.add(line["number"])
            if line["kind"] == "cash_in" and line["number"] in refused:
                assert all(share["amount"].startswith("-") for share in line["shares"]), line
    found: Counter[tuple[str, ...]] = Counter()
    for xml in taken(studio.platform, "CDAR"):
        tree = etree.fromstring(xml)
        assert tree.findtext(".//{*}ProcessConditionCode") == "212"
        for part in tree.iterfind(".//{*}SpecifiedDocumentCharacteristic"):
            rate = part.findtext("{*}ValuePercent") or ""
            number = tree.findtext(".//{*}IssuerAssignedID") or ""
            found[number, rate] += _cents(part.findtext("{*}ValueAmount"))
    for (number, rate), cents in found.items():
        if studio.refuses(number):
            bill = studio.bills[number]
            came = sum(part for _, own, part in received(studio, bill) if own == rate)
            assert 0 <= cents <= came, (number, rate)
            found[number, rate] = 0
    return _without_zeros(found)


def last_reports(studio: Studio) -> list[etree._Element]:
    """Of each period the report that counts: the last one."""
    latest: dict[str, etree._Element] = {}
    for xml in taken(studio.platform, "FRR"):
        tree = etree.fromstring(xml)
        name = tree.findtext("ReportDocument/Id") or ""
        latest[name.partition("-IN")[0].partition("-RE")[0]] = tree
    return [*latest.values()]


def taken(platform: Platform, syntax: str) -> list[bytes]:
    """The files of a kind that the platform took, in order."""
    return [
        platform.files[flow["flowId"]]
        for flow in platform.flows
        if flow["flowSyntax"] == syntax and flow["flowDirection"] == "Out"
    ]


def reported_money(studio: Studio) -> Cents:
    found: Counter[tuple[str, ...]] = Counter()
    for tree in last_reports(studio):
        for about in tree.iterfind("PaymentsReport/*"):
            for paid in about.iterfind("Payment"):
                key = (about.findtext("InvoiceID") or "", _in_period(tree, paid.findtext("Date")))
                for part in paid.iterfind("SubTotals"):
                    found[*key, part.findtext("TaxPercent") or ""] += _cents(
                        part.findtext("Amount")
                    )
    return dict(found)


def reported_sales(studio: Studio) -> Cents:
    found: Counter[tuple[str, ...]] = Counter()
    for tree in last_reports(studio):
        for sales in tree.iterfind("TransactionsReport/Transactions"):
            day = _in_period(tree, sales.findtext("Date"))
            for part in sales.iterfind("TaxSubtotal"):
                rate = part.findtext("TaxPercent") or ""
                net = _cents(part.findtext("TaxableAmount"))
                found[day, sales.findtext("CategoryCode") or "", rate] += net
                found[day, "VAT", rate] += _cents(part.findtext("TaxTotal"))
    return _without_zeros(found)


def reported_invoices(studio: Studio) -> Cents:
    found: Cents = {}
    for tree in last_reports(studio):
        for invoice in tree.iterfind("TransactionsReport/Invoice"):
            day = _in_period(tree, invoice.findtext("IssueDate"))
            about = (invoice.findtext("ID") or "", day, invoice.findtext("TypeCode") or "")
            assert (*about, "net") not in found, about
            total = invoice.find("MonetaryTotal")
            assert total is not None
            found[*about, "net"] = _cents(total.findtext("TaxExclusiveAmount"))
            found[*about, "VAT"] = _cents(total.findtext("TaxAmount"))
    return found


def _in_period(tree: etree._Element, day: str | None) -> str:
    """A day as 2027-10-08; it has to lie in the report's period."""
    assert day is not None
    start, end = (tree.findtext(f"*/ReportPeriod/{name}") for name in ("StartDate", "EndDate"))
    assert start and end and start <= day <= end, (start, day, end)
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


# --- cents ---------------------------------------------------------------------------


def _half_up(number: int, by: int) -> int:
    sign = 1 if number >= 0 else -1
    return sign * ((2 * abs(number) + by) // (2 * by))


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _cents(text: str | None) -> int:
    assert text is not None
    return int((Decimal(text) * 100).to_integral_exact())


def _without_zeros(sums: Counter[tuple[str, ...]]) -> Cents:
    return {key: cents for key, cents in sums.items() if cents}
