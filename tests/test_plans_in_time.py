"""Plans over years, run month by month, against a computation that goes day by day.

The house here is plain data: a client's plans, what its runs billed, and the dice. Plans are
edited between runs; runs are late, missed or done twice. What each day of each item should cost
is computed from the plans' own texts, without periods of the program.
"""

import copy
import doctest
import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import house
from lib.billing import invoicing
from lib.billing.plan_periods import Billed
from lib.core.root import Root
from lib.documents import facturx_xml, validators
from lib.inputs import client_files, input_files, plan_checks, prices, usage_files
from lib.inputs.plans import Plan
from lib.summary import notices
from lib.values import spans
from lib.values.document import Document

DAY = timedelta(days=1)
FIRST = 2026 * 12  # January 2026, as a number of months


def month_name(number: int) -> str:
    return f"{number // 12}-{number % 12 + 1:02d}"


def first_of(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def days_between(first: date, last: date) -> list[date]:
    return [first + i * DAY for i in range((last - first).days + 1)]


def client_of(plans: list[dict[str, Any]]) -> client_files.Client:
    value = house.client(changes={"plans": plans})
    return msgspec.convert(value, client_files.Client)


class House:
    """A client, what was billed of it, and what a run said that nobody bills."""

    def __init__(self) -> None:
        self.billed: list[Billed] = []
        self.days: Counter[tuple[str, date]] = Counter()
        self.lines: list[tuple[str, spans.Spans, Fraction, Plan]] = []
        self.gaps: set[tuple[str, date]] = set()
        self.runs = 0
        self.since: date | None = None

    def run(self, plans: list[dict[str, Any]], month: str) -> None:
        client = client_of(plans)
        bill = invoicing.bill(client, month, {}, {}, self.billed, since=self.since)
        self.gaps = {
            (gap.item.id, day)
            for gap in bill.gaps
            for one in gap.days
            for day in days_between(one.start, one.end)
        }
        by_id = {plan.id: plan for plan in client.plans}
        for invoice in bill.invoices:
            self.runs += 1
            begins = start_of(month)
            self.since = min(self.since or begins, begins)
            for line in invoice.charges.lines:
                for one in line.service:
                    self.days.update((line.item, day) for day in days_between(one.start, one.end))
                plan = by_id[line.plan]
                self.lines.append((line.item, line.service, Fraction(line.net), plan))
                self.billed.append(
                    Billed(plan.id, line.item, line.service, (), str(self.runs), month, False)
                )


@pytest.mark.parametrize("module", [spans], ids=["spans"])
def test_worked_examples_of_docstrings(module):
    assert doctest.testmod(module).failed == 0


def start_of(text: str) -> date:
    return date.fromisoformat(text if len(text) > 7 else f"{text}-01")


def end_of(text: str) -> date:
    if len(text) > 7:
        return date.fromisoformat(text)
    year, month = map(int, text.split("-"))
    return date(year + month // 12, month % 12 + 1, 1) - DAY


def cost_of(plan: dict[str, Any], item: dict[str, Any], day: date) -> Fraction:
    """What a day of an item costs: its price over the days of the period that the day lies in."""
    start = start_of(plan["start"])
    anchor = start.year * 12 + start.month - 1
    at = (
        anchor
        + (day.year * 12 + day.month - 1 - anchor) // plan["every_months"] * plan["every_months"]
    )
    begins, ends = first_of(at), first_of(at + plan["every_months"]) - DAY
    price = Fraction(item["price"]) if "price" in item else Fraction(0)
    served_from = max(begins, start, start_of(item.get("start", plan["start"])))
    for step in item.get("prices", []):
        if start_of(step["from"]) <= served_from:
            if "price" in step:
                price = Fraction(step["price"])
            else:
                raised = price * (1 + Fraction(step["percent"]) / 100)
                price = Fraction(floor(raised * 100 + Fraction(1, 2)), 100)
    return price / ((ends - begins).days + 1)


def serves(plan: dict[str, Any], item: dict[str, Any], day: date) -> bool:
    if f"{day:%Y-%m}" in plan.get("skip", []):
        return False
    for value in (plan, item):
        if "start" in value and day < start_of(value["start"]):
            return False
        if "end" in value and day > end_of(value["end"]):
            return False
    return True


# --- random houses -------------------------------------------------------------------


def a_plan(dice: random.Random, name: str, now: int) -> dict[str, Any]:
    """A plan that begins about now, with a few flat items."""
    begins = now + dice.randint(-1, 2)
    start = month_name(begins)
    if dice.random() < 0.4:
        start += f"-{dice.randint(1, 28):02d}"
    plan: dict[str, Any] = {
        "id": name,
        "start": start,
        "every_months": dice.choice([1, 1, 2, 3, 5, 12, 36]),
        "billed": dice.choice(["arrears", "advance"]),
        "items": [an_item(dice, f"{name}_{k}", start) for k in range(dice.randint(1, 2))],
    }
    if dice.random() < 0.3:
        plan["skip"] = sorted({month_name(begins + dice.randint(0, 14)) for _ in range(3)})
    return plan


def an_item(dice: random.Random, name: str, start: str) -> dict[str, Any]:
    item = house.item(name, f"{dice.randint(1, 4000)}.{dice.randint(0, 99):02d}")
    if dice.random() < 0.5:
        year = int(start[:4])
        item["prices"] = [
            {"from": start, "price": item.pop("price")},
            {"from": f"{year + 1}-{dice.randint(1, 12):02d}", "percent": "3.25"},
            {"from": f"{year + 2}-01", "price": "77.10"},
        ]
    return item


def edit(dice: random.Random, plans: list[dict[str, Any]], now: int) -> None:
    """What people do to a client's file between two months."""
    plan = dice.choice(plans)
    match dice.randint(0, 7):
        case 0:
            plan["billed"] = dice.choice(["arrears", "advance"])
        case 1:
            plan["every_months"] = dice.choice([1, 2, 3, 6, 12])
        case 2 if len(plan["items"]) > 1 and len(plans) < 5:
            moved = plan["items"].pop()
            begins = max(month_name(now - 1), moved.get("start", ""), plan["start"])[:7]
            split = {**plan, "id": f"{plan['id']}s", "start": begins, "items": [moved]}
            split["skip"] = [m for m in plan.get("skip", []) if m >= begins]
            if split["id"] not in {one["id"] for one in plans}:
                moved.pop("start", None)
                if "prices" in moved:
                    moved["prices"] = [{"from": begins, "price": "31.20"}]
                plans.append(split)
            else:
                plan["items"].append(moved)
        case 3:
            plan["items"].append(an_item(dice, f"added_{now}", plan["start"]))
        case 4 if "end" not in plan:
            plan["end"] = f"{month_name(now + dice.randint(0, 5))}-{dice.randint(1, 28):02d}"
            if end_of(plan["end"]) < start_of(plan["start"]):
                del plan["end"]
        case 5:
            plans.append(a_plan(dice, f"new_{now}", now))
        case 6:
            plan["skip"] = [*plan.get("skip", []), month_name(now + dice.randint(0, 3))]


def is_sound(plans: list[dict[str, Any]]) -> bool:
    """Whether a client's file with these plans would be read."""
    faults = [fault for plan in plans for fault in plan_checks.plan_faults(plan, "", "fr")]
    return not faults and not plan_checks.between_plans(plans)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_each_day_is_billed_once_or_said_to_be_nobodys(seed):
    dice = random.Random(seed)
    plans, lived = [a_plan(dice, "main", FIRST)], House()
    late: list[int] = []
    for now in range(FIRST, FIRST + 30):
        if dice.random() < 0.25:
            edited = copy.deepcopy(plans)
            edit(dice, edited, now)
            plans = edited if is_sound(edited) else plans
        if dice.random() < 0.15:
            late.append(now)
        else:
            lived.run(plans, month_name(now))
            if dice.random() < 0.3:
                before = len(lived.lines)
                lived.run(plans, month_name(now))  # twice
                assert len(lived.lines) == before
        if late and dice.random() < 0.5:
            lived.run(plans, month_name(late.pop(0)))
        _costs(lived, plans)
    for number in [*late, FIRST + 30]:
        lived.run(plans, month_name(number))
        _costs(lived, plans)
    assert all(count == 1 for count in lived.days.values()), "no day of an item twice"
    nobodys = [
        (item["id"], day)
        for plan in plans
        for item in plan["items"]
        for day in days_between(lived.since or date.max, first_of(FIRST + 31) - DAY)
        if _is_due(plan, day) and serves(plan, item, day) and (item["id"], day) not in lived.days
    ]
    assert set(nobodys) <= lived.gaps, "what nobody bills is said"


def _is_due(plan: dict[str, Any], day: date, until: int = FIRST + 31) -> bool:
    """Whether the period of a day has ended by the last run, or is billed in advance."""
    if plan["billed"] == "advance":
        return True
    start, every = start_of(plan["start"]), plan["every_months"]
    anchor = start.year * 12 + start.month - 1
    at = anchor + (day.year * 12 + day.month - 1 - anchor) // every * every
    ends = first_of(at + every) - DAY
    if "end" in plan:
        ends = min(ends, end_of(plan["end"]))
    return ends < first_of(until)


def _costs(lived: House, plans: list[dict[str, Any]]) -> None:
    """Each line that was billed since the last look is the sum of its days, to half a cent."""
    known = {(plan["id"], item["id"]): (plan, item) for plan in plans for item in plan["items"]}
    for item_id, service, net, plan in lived.lines:
        written, item = known[plan.id, item_id]
        days = [day for one in service for day in days_between(one.start, one.end)]
        assert all(serves(written, item, day) for day in days), "none that is skipped or over"
        exact = sum((cost_of(written, item, day) for day in days), Fraction(0))
        assert abs(exact - net) <= Fraction(1, 200), (written, item, service, net)
    lived.lines.clear()


# --- through the command -------------------------------------------------------------


def plan(plan_id: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": plan_id, "start": "2026-10", "every_months": 1, "items": list(items), **more}


def built(folder: Path, *plans: dict[str, Any], used: Any = (), **changes: Any) -> Root:
    return house.build(folder, house.client(changes={"plans": list(plans), **changes}), used=used)


def issued(root: Root) -> list[Document]:
    """Every invoice of nord, in order."""
    return [house.issued(root, "nord", number) for number in house.numbers(root, "nord")]


def lines_of(made: Document) -> list[tuple[str, str, str, str]]:
    return [
        (line.item, f"{line.period.start}", f"{line.period.end}", f"{line.net}")
        for line in made.lines
        if line.period
    ]


def test_last_months_usage_and_next_months_fee_are_on_one_invoice(tmp_path):
    items = (house.item("hosting", "49.00"), house.metered("support", "hours", "60.00"))
    used = (house.usage("nord", "2026-10", {"hours": "2"}),)
    root = built(tmp_path, plan("web", *items, billed="advance", start="2026-09"), used=used)
    house.put_usage(root, house.usage("nord", "2026-09", {"hours": "1"}))
    assert house.month(root, "2026-09", "2026-10-08").code == 0
    assert house.month(root).code == 0
    first, second = issued(root)
    assert lines_of(first) == [
        ("support", "2026-09-01", "2026-09-30", "60.00"),
        ("hosting", "2026-09-01", "2026-09-30", "49.00"),
        ("hosting", "2026-10-01", "2026-10-31", "49.00"),
    ]
    assert lines_of(second) == [
        ("support", "2026-10-01", "2026-10-31", "120.00"),
        ("hosting", "2026-11-01", "2026-11-30", "49.00"),
    ]
    assert (f"{second.period.start}", f"{second.period.end}") == ("2026-10-01", "2026-11-30")
    xml = facturx_xml.generate(second).decode()
    assert xml.count("<ram:BillingSpecifiedPeriod>") == 3  # the header and both lines
    assert validators.verdicts(second, xml.encode()) == []
    before = house.tree(root)
    assert "already invoiced: NORD-2026-0002" in house.month(root).out
    assert house.tree(root) == before
    assert house.call("verify", root).code == 0


def test_plans_that_fall_due_together_share_an_invoice_unless_their_terms_differ(tmp_path):
    plans = [
        plan("web", house.item("hosting", "10.00")),
        plan("mail", house.item("letters", "20.00"), start="2026-08", every_months=3),
        plan("shop", house.item("shop", "30.00"), purchase_order="PO-7"),
        plan("app", house.item("app", "40.00"), payment_terms={"days": 15}),
    ]
    root = built(tmp_path, *plans, purchase_order="PO-1")
    assert house.month(root).code == 0
    found = [([line.item for line in one.lines], one.purchase_order) for one in issued(root)]
    assert found == [(["hosting", "letters"], "PO-1"), (["shop"], "PO-7"), (["app"], "PO-1")]
    assert [one.due_date.isoformat() for one in issued(root) if one.due_date] == [
        "2026-12-08", "2026-12-08", "2026-11-23",
    ]  # fmt: skip


def test_goods_of_two_periods_are_on_two_invoices_each_with_its_delivery(tmp_path):
    items = (
        house.item("box", "15.00", category="goods"),
        house.metered("bags", "bags", "0.50", category="goods"),
        house.item("care", "5.00", category="services"),
    )
    seller = house.issuer({"operation_category": "mixed"})
    client = house.client(changes={"plans": [plan("goods", *items, billed="advance")]})
    used = (house.usage("nord", "2026-10", {"bags": "40"}),)
    root = house.build(tmp_path, client, seller=seller, used=used)
    assert house.month(root).code == 0
    found = [[(line.item, f"{line.period.end}") for line in one.lines] for one in issued(root)]
    assert found == [
        [("bags", "2026-10-31"), ("box", "2026-10-31"), ("care", "2026-10-31")],
        [("box", "2026-11-30"), ("care", "2026-11-30")],
    ]


def test_an_item_that_ends_within_what_was_billed_is_owed_back_by_the_day(tmp_path, monkeypatch):
    year = plan("web", house.item("domain", "1200.00"), house.item("tls", "365.00"),
                start="2026-11", every_months=12, billed="advance")  # fmt: skip
    root = built(tmp_path, year)
    assert house.month(root).code == 0
    year["items"][0]["end"] = "2027-02-10"
    house.put_client(root, house.client(changes={"plans": [year]}))
    ran = house.month(root, "2026-11", "2026-12-08")
    # 263 of 365 days of 1200.00: 864.66, with VAT 1037.59
    assert "1037.59 EUR are owed back" in ran.err and "I-CREDIT-OWED" in ran.err
    command = ran.err.partition("`make credit-note ")[2].partition(" REASON")[0]
    options = dict(word.split("=", 1) for word in command.split())
    monkeypatch.setenv("REASON", "fin du domaine")
    credited = house.call(
        "issue_credit_note", root, invoice=options["INVOICE"], lines=options["LINES"],
        issue_date="2026-12-09", today="2026-12-09",
    )  # fmt: skip
    assert credited.code == 0, credited
    note = issued(root)[-1]
    assert lines_of(note) == [("domain", "2027-02-11", "2027-10-31", "864.66")]
    assert "I-CREDIT-OWED" not in house.month(root, "2026-11", "2026-12-09").err
    assert house.call("verify", root).code == 0


def test_days_between_the_end_of_an_item_and_its_start_in_another_plan_are_owed_back(tmp_path):
    year = plan("web", house.item("domain", "1200.00"), house.item("tls", "365.00"),
                start="2026-11", every_months=12, billed="advance")  # fmt: skip
    root = built(tmp_path, year)
    assert house.month(root).code == 0
    year["items"][0]["end"] = "2027-02-10"
    later = plan("other", house.item("domain", "90.00"), start="2027-02-11")
    house.put_client(root, house.client(changes={"plans": [year, later]}))
    assert "I-CREDIT-OWED" not in house.month(root, "2026-11", "2026-12-08").err
    later["start"] = "2027-06"
    house.put_client(root, house.client(changes={"plans": [year, later]}))
    ran = house.month(root, "2026-11", "2026-12-08")
    assert "NORD-2026-0001: bills days from 2027-02-11 on" in ran.err, ran


@pytest.mark.parametrize("billed", ["arrears", "advance"])
def test_a_plan_that_is_a_minimum_alone_is_billed_once(tmp_path, monkeypatch, billed):
    least = {"amount": "50.00", "vat_rate": "20"}
    root = built(tmp_path, plan("web", minimum=least, billed=billed))
    assert house.month(root).code == 0
    assert "already invoiced: NORD-2026-0001" in house.month(root).out
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    days = [(f"{line.period.start}", f"{line.net}") for one in issued(root) for line in one.lines
            if line.period]  # fmt: skip
    months = ["2026-10-01", "2026-11-01", "2026-12-01"]
    assert days == [(first, "50.00") for first in months[: 2 if billed == "arrears" else 3]]
    monkeypatch.setenv("REASON", "erreur")
    day = {"issue_date": "2026-12-09", "today": "2026-12-09"}
    assert house.call("issue_credit_note", root, invoice="NORD-2026-0002", **day).code == 0
    again = {"client": "nord", "reissue": "yes"}
    assert house.month(root, "2026-11", "2026-12-09", **again).code == 0
    assert lines_of(issued(root)[-1]) == lines_of(issued(root)[1])


def test_a_price_list_that_was_new_in_a_skipped_month_is_reported_in_the_next(tmp_path):
    steps = [{"from": "2026-10", "price": "10.00"}, {"from": "2026-11", "percent": "3"}]
    item = {key: value for key, value in house.item("hosting").items() if key != "price"}
    root = built(tmp_path, plan("web", {**item, "prices": steps}, skip=["2026-11"]))
    for month, day in (("2026-10", "2026-11-08"), ("2026-11", "2026-12-08"),
                       ("2026-12", "2027-01-08"), ("2027-01", "2027-02-08")):  # fmt: skip
        assert house.month(root, month, day).code == 0
    told = [line.description for one in issued(root) for line in one.lines]
    assert [bool(text) for text in told] == [False, True, False]


def test_what_comes_into_a_plan_after_its_month_is_reported_and_not_billed(tmp_path):
    root = built(tmp_path, plan("web", house.item("hosting")))
    assert house.month(root).code == 0
    more = plan("web", house.item("hosting"), house.item("backup"))
    house.put_client(root, house.client(changes={"plans": [more]}))
    ran = house.month(root)
    assert "backup, 2026-10-01 to 2026-10-31: no invoice has it" in ran.err
    assert "[I-SERVICE-UNBILLED]" in ran.err and len(issued(root)) == 1
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    assert [line.item for line in issued(root)[1].lines] == ["hosting", "backup"]


def test_a_missed_month_is_named_with_the_command_that_bills_it(tmp_path):
    root = built(tmp_path, plan("web", house.item("hosting"), start="2026-08"))
    assert house.month(root, "2026-08", "2026-09-08").code == 0
    ran = house.month(root)
    assert "2026-09-01 to 2026-09-30: no invoice has it; run `make invoice CLIENT=nord" in ran.err
    assert house.month(root, "2026-09", client="nord").code == 0
    assert "I-SERVICE-UNBILLED" not in house.month(root).err


def index(**values: str) -> dict[str, Any]:
    found = {
        month.replace("_", "-")[1:]: {"value": value, "source": "syntec.fr", "date": "2026-10-02"}
        for month, value in values.items()
    }
    return {"index": "syntec", "title": "Syntec", "values": found}


def test_a_price_follows_percentages_and_indices_and_says_so_once(tmp_path):
    steps = [
        {"from": "2026-08", "price": "49.00"},
        {"from": "2026-09", "percent": "3.0"},
        {"from": "2026-10", "index": "syntec", "base": "2025-08", "at": "2026-08"},
    ]
    item = house.item("hosting", prices=steps)
    del item["price"]
    root = built(tmp_path, plan("web", item, start="2026-08"))
    for month, day in (("2026-08", "2026-09-08"), ("2026-09", "2026-10-08")):
        assert house.month(root, month, day).code == 0
    before = house.tree(root)
    ran = house.month(root)
    assert ran.code == 1 and house.tree(root) == before
    assert ran.err.startswith("data/indices/syntec.json: values.2025-08: is missing; a price of")
    house.write(root, "data/indices/syntec.json", index(_2025_08="310.2", _2026_08="318.9"))
    assert house.month(root).code == 0
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    found = [(f"{one.lines[0].net}", one.lines[0].description) for one in issued(root)]
    assert [net for net, _ in found] == ["49.00", "50.47", "51.89", "51.89"]
    assert found[0][1] == found[3][1] == ""
    assert "révisé de 3" in found[1][1] and "49,00" in found[1][1]
    assert "318,9 (2026-08)" in found[2][1] and "50,47" in found[2][1]
    assert "data/indices/syntec.json" in issued(root)[2].sources
    assert house.call("verify", root).code == 0


def test_every_index_value_that_lacks_is_named_at_once(tmp_path):
    step = {"from": "2026-10", "index": "syntec", "base": "2025-08", "at": "2026-08"}
    items = [
        {**_LIST, "id": name, "prices": [{"from": "2026-01", "price": "1.00"}, step]}
        for name in ("one", "two")
    ]
    root = built(tmp_path, plan("web", *items))
    ran = house.month(root)
    places = [line.split(": ")[:2] for line in ran.err.splitlines()]
    file = "data/indices/syntec.json"
    assert places == [[file, "values.2025-08"], [file, "values.2026-08"]]


def test_a_minimum_that_a_price_without_its_index_counts_towards_waits_for_it(tmp_path):
    step = {"from": "2026-10", "index": "syntec", "base": "2025-08", "at": "2026-08"}
    hosting = {
        **_LIST,
        "prices": [{"from": "2026-10", "price": "1.00"}, {**step, "from": "2026-10-02"}],
    }
    least = {"amount": "50.00", "vat_rate": "20"}
    items = ({**hosting, "start": "2026-10-02"}, house.metered("support", "hours"))
    used = (house.usage("nord", "2026-10", {"hours": "0"}),)
    root = built(tmp_path, plan("web", *items, minimum=least, billed="advance"), used=used)
    ran = house.month(root)
    assert ran.code == 1 and ran.err.count("[B-INDEX-MISSING]") == 2, ran


def test_an_exempt_line_stands_beside_one_at_20_per_cent(tmp_path):
    exempt = {
        "treatment": "exempt",
        "exemption_code": "VATEX-FR-CGI261-4",
        "exemption_reason": "Formation, art. 261-4 du CGI",
    }
    items = (house.item("hosting"), house.item("course", "90.00", vat_rate="0", vat=exempt))
    root = built(tmp_path, plan("web", *items))
    assert house.month(root).code == 0
    (made,) = issued(root)
    assert [(one.category, f"{one.vat}") for one in made.vat_breakdown] == [
        ("E", "0.00"), ("S", "9.80"),
    ]  # fmt: skip
    assert validators.verdicts(made, facturx_xml.generate(made)) == []


def test_a_skipped_month_is_never_billed_and_a_longer_period_is_pro_rata(tmp_path):
    plans = [
        plan("web", house.item("hosting"), skip=["2026-10"]),
        plan("mail", house.item("mail", "92.00"), start="2026-08", every_months=3,
             skip=["2026-09"]),
    ]  # fmt: skip
    root = built(tmp_path, *plans)
    assert house.month(root).code == 0
    (made,) = issued(root)
    assert lines_of(made) == [("mail", "2026-08-01", "2026-10-31", "62.00")]
    assert "I-SERVICE-UNBILLED" not in house.month(root).err


_FLAT = house.item("hosting")
_LIST = {key: value for key, value in _FLAT.items() if key != "price"}


@pytest.mark.parametrize(
    ("plans", "line"),
    [
        (
            [plan("web", {**_LIST, "prices": [{"from": "2026-10", "percent": "3"}]})],
            "plans[0].items[0].prices[0].percent: has no price before it",
        ),
        (
            [plan("web", {**_LIST, "prices": [{"from": "2026-10", "price": "1.00"},
                                              {"from": "2026-10-01", "price": "2.00"}]})],
            'plans[0].items[0].prices[1].from: "2026-10-01" is the date of the price before',
        ),
        (
            [plan("web", {**_LIST, "prices": [{"from": "2026-01", "price": "1.00"},
                                              {"from": "2025-12", "price": "2.00"}]})],
            'plans[0].items[0].prices[1].from: "2025-12" is before "2026-01"; put the list in',
        ),
        (
            [plan("web", {**_LIST, "prices": [{"from": "2027-01", "percent": "3"},
                                              {"from": "2026-10", "price": "2.00"}]})],
            'plans[0].items[0].prices[1].from: "2026-10" is before "2027-01"; put the list in',
        ),
        (
            [plan("web", {**_LIST, "prices": [{"from": "2026-11", "price": "1.00"}]})],
            'plans[0].items[0].prices[0].from: "2026-11" is after 2026-10, when the item begins',
        ),
        (
            [plan("web", {**_LIST, "prices": [{"from": "2026-10", "price": "1.00"},
                                              {"from": "2027-01", "index": "syntec",
                                               "at": "2026-08"}]})],
            "plans[0].items[0].prices[1].base: is missing",
        ),
        (
            [plan("web", {**_FLAT, "prices": [{"from": "2026-10", "price": "1.00"}]})],
            "plans[0].items[0].price: has no place here; remove it",
        ),
        ([plan("web", _LIST)], "plans[0].items[0].price: is missing; add an amount"),
        (
            [plan("web", _FLAT, skip=["2026-09"])],
            'plans[0].skip[0]: "2026-09" is outside the plan, from 2026-10; remove it',
        ),
        (
            [plan("web", {**_FLAT, "start": "2026-09"})],
            'plans[0].items[0].start: "2026-09" is outside its plan, from 2026-10',
        ),
        (
            [plan("web", {**_FLAT, "end": "2027-02"}, end="2027-01")],
            'plans[0].items[0].end: "2027-02" is outside its plan, 2026-10 to 2027-01',
        ),
        (
            [plan("web", _FLAT), plan("mail", _FLAT)],
            'plans[1].items[0].id: "hosting" is an item of the plan "web" at the same time; rename',
        ),
        (
            [plan("web", _FLAT), plan("mail", _FLAT, start="2027-01-15")],
            'plans[1].items[0].id: "hosting" is an item of the plan "web" at the same time; give it'
            ' the end "2027-01-14" there, or rename it',
        ),
        (
            [plan("web", house.metered("support", "hours"), start="2027-01-15"),
             plan("mail", house.metered("support", "hours"), end="2027-01-14")],
            'plans[1].items[0].id: "support" is an item of the plan "web" at the same time; give it'
            ' the end "2026-12" here, or rename it',
        ),
        ([plan("web", _FLAT), plan("web")], 'plans[1].id: "web" is the id of another plan'),
    ],
)  # fmt: skip
def test_a_mistake_in_a_plan_gets_a_line_and_nothing_is_written(tmp_path, plans, line):
    root = built(tmp_path, *plans)
    before = house.tree(root)
    ran = house.month(root)
    assert ran.code == 1
    assert ran.err.startswith(f"clients/nord.json: {line}") and ran.err.count("\n") == 1, ran
    assert house.tree(root) == before


def test_a_credited_month_is_billed_again_only_when_asked_with_all_that_it_had(
    tmp_path, monkeypatch
):
    items = (house.item("hosting", "49.00"), house.metered("support", "hours", "60.00"))
    used = tuple(house.usage("nord", month, {"hours": "1"}) for month in ("2026-10", "2026-11"))
    root = built(tmp_path, plan("web", *items, billed="advance"), used=used)
    assert house.month(root).code == 0
    monkeypatch.setenv("REASON", "erreur")
    options = {"issue_date": "2026-11-09", "today": "2026-11-09"}
    assert house.call("issue_credit_note", root, invoice="NORD-2026-0001", **options).code == 0
    assert "is credited; issue it again with REISSUE=yes" in house.month(root).out
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    assert lines_of(issued(root)[-1]) == [
        ("support", "2026-11-01", "2026-11-30", "60.00"),
        ("hosting", "2026-12-01", "2026-12-31", "49.00"),
    ]
    assert house.month(root, day="2026-12-09", client="nord", reissue="yes").code == 0
    first, *_, again = issued(root)
    assert lines_of(again) == lines_of(first)
    assert [line[0] for line in lines_of(again)] == ["support", "hosting", "hosting"]
    before = house.tree(root)
    assert house.month(root, day="2026-12-09", client="nord", reissue="yes").code == 0
    assert house.tree(root) == before
    assert house.call("verify", root).code == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_the_usage_of_each_month_is_billed_once(seed):
    """Rhythms, plans that split, arrears and advance, months that are missed and run later."""
    dice = random.Random(seed)
    plans = [plan("web", house.metered("calls", "calls", "1.00"), start=month_name(FIRST))]
    usage: dict[Any, Any] = {}
    billed: list[Billed] = []
    months: Counter[str] = Counter()
    late: list[int] = []
    for now in range(FIRST, FIRST + 24):
        name = month_name(now)
        value = msgspec.convert(house.usage("nord", name, {"calls": f"{now - FIRST + 1}"}),
                                usage_files.Usage)  # fmt: skip
        usage["nord", name] = (usage_files.UsageInput(value, input_files.Source("", b"")),)
        match dice.randint(0, 9):
            case 0:
                plans[-1]["every_months"] = dice.choice([1, 2, 3, 12])
            case 1:
                plans[-1]["billed"] = dice.choice(["arrears", "advance"])
            case 2 if now > FIRST and plans[-1]["start"] < month_name(now - 1):
                plans[-1]["end"] = month_name(now - 1)
                plans.append(plan(f"web_{now}", *plans[-1]["items"], start=name))
        if now > FIRST and dice.random() < 0.2:
            late.append(now)
            continue
        runs = [now, *(late.pop() for _ in range(len(late)) if dice.random() < 0.5)]
        for run in runs:
            bill = billing_of(plans, month_name(run), usage, billed)
            for line in (line for one in bill.invoices for line in one.charges.lines):
                touched = spans.months_of(line.service)
                months.update(touched)
                wanted = sum(int(month[:4]) * 12 + int(month[5:]) - FIRST for month in touched)
                assert line.quantity == wanted
                billed.append(Billed(line.plan, line.item, line.service, (), "1",
                                     month_name(run), False))  # fmt: skip
    last = billing_of(plans, month_name(FIRST + 23), usage, billed)
    for line in (line for one in last.invoices for line in one.charges.lines):
        months.update(spans.months_of(line.service))
    assert set(months.values()) <= {1}
    told = {month for gap in last.gaps for month in spans.months_of(gap.days)}
    due = {month for month in map(month_name, range(FIRST, FIRST + 24)) if _closed(plans, month)}
    assert due - set(months) <= told


def billing_of(
    plans: list[dict[str, Any]], month: str, usage: Any, billed: list[Billed]
) -> invoicing.Bill:
    return invoicing.bill(client_of(plans), month, usage, {}, billed, since=first_of(FIRST))


def _closed(plans: list[dict[str, Any]], month: str) -> bool:
    """Whether the period that a month lies in has ended by the last run."""
    value = next(one for one in reversed(plans) if one["start"] <= month)
    return _is_due({**value, "billed": "arrears"}, end_of(month), FIRST + 24)


# --- what is reported --------------------------------------------------------------------


def test_check_shows_the_prices_that_hold_in_a_month(tmp_path):
    steps = [{"from": "2026-10", "price": "49.00"}, {"from": "2027-01", "percent": "3.0"}]
    item = {**_LIST, "prices": steps}
    items = (item, house.metered("support", "hours", "0.125"))
    root = built(tmp_path, plan("web", *items, every_months=3, start="2026-10"))
    shown = house.call("check_inputs", root, month="2027-02")
    assert shown.code == 0, shown
    rows = [line.split() for line in shown.out.splitlines()]
    assert ["nord", "web", "hosting", "2027-01", "(+3.0", "%)", "50.47"] in rows
    assert ["nord", "web", "support", "0.125"] in rows


def test_the_status_names_the_invoices_of_the_next_run_by_plan(tmp_path):
    mail = plan("mail", house.item("mail", "7.00"), every_months=2)
    plans = [plan("web", house.item("hosting")), mail]
    root = built(tmp_path, *plans)
    options = {"month": "2026-10", "today": house.TODAY, "issue_date": house.TODAY}
    assert "nord" in house.call("show_status", root, **options).out
    assert house.month(root).code == 0
    shown = house.call("show_status", root, **options)
    assert shown.code == 0
    lines = shown.out.partition("next run, 2026-11")[2].splitlines()
    assert lines[1].split() == ["nord", "web,", "mail", "2026-10-01", "–", "2026-11-30", "56.00"]
    plans.append(plan("help", house.metered("help", "hours"), start="2026-11"))
    house.put_client(root, house.client(changes={"plans": plans}))
    shown = house.call("show_status", root, **options)
    assert "web, mail, help" in shown.out and "waits for hours (2026-11)" in shown.out


def test_a_plan_that_ends_or_renews_within_its_days_of_notice_is_reported():
    ending = plan("web", house.item("a"), end="2026-12", notice_days=60)
    yearly = plan("host", house.item("b"), start="2026-02", every_months=12, notice_days=90)
    monthly = plan("mail", house.item("c"), notice_days=90)
    client = client_of([ending, yearly, monthly])
    told = {
        day: [str(one) for one in notices.plans_ending([client], date.fromisoformat(day))]
        for day in ("2026-10-31", "2026-11-01", "2026-11-03", "2027-01-10", "2027-02-01")
    }
    assert told["2026-10-31"] == []
    assert [one.split(": ")[1] for one in told["2026-11-01"]] == ["plans[0].end"]
    assert [one.split(": ")[1] for one in told["2026-11-03"]] == [
        "plans[0].end", "plans[1].notice_days",
    ]  # fmt: skip
    assert "begins its next 12 months on 2027-02-01" in told["2027-01-10"][0]
    assert told["2027-02-01"] == []


def test_an_index_value_that_the_next_run_needs_is_reported_before():
    steps = [
        {"from": "2026-10", "price": "49.00"},
        {"from": "2027-01", "index": "syntec", "base": "2025-08", "at": "2026-08"},
    ]
    client = client_of([plan("web", {**_LIST, "prices": steps}, billed="advance")])
    known = {"syntec": prices.Index("Syntec", {"2025-08": Decimal("310.2")})}
    (told,) = notices.indices_needed([client], known, "2026-11")
    assert str(told).startswith("data/indices/syntec.json: values.2026-08: is needed by the run of")
    assert not list(notices.indices_needed([client], known, "2026-10"))
    complete = {"syntec": prices.Index("S", {**known["syntec"].values, "2026-08": Decimal(300)})}
    assert not list(notices.indices_needed([client], complete, "2026-11"))
