"""From a plan and its usage to a document, against totals computed another way."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields

import house
from lib.billing import invoicing
from lib.core.root import Root
from lib.inputs import inputs
from lib.values.document import Document, from_json, to_json

RATES = ("20", "10", "5.5")


def cents(value: Fraction) -> int:
    """Whole cents, halves up."""
    return floor(value * 100 + Fraction(1, 2))


def texts(top: int, decimals: int) -> st.SearchStrategy[str]:
    """Numbers as people write them."""
    return st.integers(0, top * 10**decimals).map(lambda i: f"{Decimal(i).scaleb(-decimals):f}")


@st.composite
def plans(draw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A client with a plan of flat, metered and percentage items, and the usage of a month."""
    items, quantities, lines = [], {}, []
    for i in range(draw(st.integers(0, 4))):
        rate = draw(st.sampled_from(RATES))
        items.append(house.item(f"flat{i}", draw(texts(5000, 2)), vat_rate=rate))
    for i in range(draw(st.integers(0, 4))):
        more = {"vat_rate": draw(st.sampled_from(RATES))}
        if draw(st.booleans()):
            more["included"] = draw(texts(50, 2))
        items.append(house.metered(f"met{i}", f"metric{i}", draw(texts(200, 4)), **more))
        quantities[f"metric{i}"] = draw(texts(300, 4))
    for _ in range(draw(st.integers(0, 2))):
        quantity, price = draw(texts(20, 2).filter(lambda q: Decimal(q) > 0)), draw(texts(900, 4))
        lines.append(house.one_off(price, quantity=quantity, vat_rate=draw(st.sampled_from(RATES))))
    changes: dict[str, Any] = {"plans.0.items": items or [house.item("base")]}
    if draw(st.booleans()):
        percent = draw(texts(99, 1))
        discount = {"id": "welcome", "description": {"fr": "Remise"}, "percent": percent}
        changes["plans.0.discounts"] = [discount]
    if draw(st.booleans()):
        amount = draw(texts(8000, 2).filter(lambda a: Decimal(a) > 0))
        changes["plans.0.minimum"] = {"amount": amount, "vat_rate": "20"}
    return house.client(changes=changes), house.usage("nord", house.MONTH, quantities, *lines)


def expected(client: dict[str, Any], used: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Rate -> net and VAT in cents, computed on fractions from the files' own texts."""
    plan, nets, extra = client["plans"][0], {}, {}
    for item in plan["items"]:
        quantity, price = Fraction(1), item.get("price")
        if price is None:
            price = item["unit_price"]
            measured = Fraction(used["quantities"][item["metric"]])
            quantity = max(measured - Fraction(item.get("included", "0")), Fraction(0))
        rate = item["vat_rate"]
        nets[rate] = nets.get(rate, 0) + cents(quantity * Fraction(price))
    for discount in plan.get("discounts", []):
        for rate, net in nets.items():
            nets[rate] = net - cents(Fraction(net) / 100 * Fraction(discount["percent"]) / 100)
    if "minimum" in plan:
        missing = cents(Fraction(plan["minimum"]["amount"])) - sum(nets.values())
        extra["20"] = max(missing, 0)
    for line in used.get("lines", []):
        net = cents(Fraction(line["quantity"]) * Fraction(line["unit_price"]))
        extra[line["vat_rate"]] = extra.get(line["vat_rate"], 0) + net
    totals = {rate: nets.get(rate, 0) + extra.get(rate, 0) for rate in {*nets, *extra}}
    return {
        rate: (net, floor(Fraction(net) * Fraction(rate) / 100 + Fraction(1, 2)))
        for rate, net in totals.items()
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: Any) -> Root:
    return house.build(tmp_path_factory.mktemp("plans"))


@settings(max_examples=120)
@given(plans())
def test_every_total_is_what_the_files_say(root, plan):
    client, used = plan
    house.put_client(root, client)
    house.put_usage(root, used)
    given_inputs = inputs.load(root)
    bill = invoicing.bill(given_inputs.clients["nord"].client, house.MONTH, given_inputs.usage, {})
    wanted = expected(client, used)
    if bill.nothing:
        assert str(bill.nothing.reason) == "every line of the period is 0.00"
        return
    made = house.draft(root)
    found = {
        str(one.rate): (Fraction(one.taxable) * 100, Fraction(one.vat) * 100)
        for one in made.vat_breakdown
    }
    assert found.items() <= wanted.items()
    assert all(wanted[rate] == (0, 0) for rate in wanted.keys() - found.keys())
    net, tax = (sum(pair[i] for pair in wanted.values()) for i in (0, 1))
    assert Fraction(made.totals.net) * 100 == net
    assert Fraction(made.totals.vat) * 100 == tax
    assert Fraction(made.totals.gross) * 100 == Fraction(made.totals.due) * 100 == net + tax
    assert made.totals.lines_net - made.totals.allowances == made.totals.net
    assert from_json(to_json(made)) == made
    assert not list(floats(made))


def floats(value: Any) -> Any:
    if isinstance(value, float):
        yield value
    elif isinstance(value, Struct):
        for field in fields(value):
            yield from floats(getattr(value, field.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from floats(one)


def reason(root: Root, month: str) -> str:
    """Why nord gets nothing for a month; empty if it gets something."""
    loaded = inputs.load(root)
    found = invoicing.bill(loaded.clients["nord"].client, month, loaded.usage, {})
    return str(found.nothing.reason) if found.nothing else ""


def period(made: Document) -> tuple[str, str]:
    return made.period.start.isoformat(), made.period.end.isoformat()


def test_a_quarter_is_billed_when_it_ends_and_when_the_plan_does(tmp_path):
    changes = {"plans.0.start": "2026-02", "plans.0.end": "2026-09-15", "plans.0.every_months": 3}
    root = house.build(tmp_path, house.client(changes=changes))
    assert reason(root, "2026-03") == "the period is billed in 2026-04"
    assert period(house.draft(root, name="2026-04")) == ("2026-02-01", "2026-04-30")
    last = house.draft(root, name="2026-09")
    assert period(last) == ("2026-08-01", "2026-09-15")
    # 46 of 92 days of 49.00 and 15.00
    assert [str(line.net) for line in last.lines] == ["24.50", "7.50"]
    assert reason(root, "2026-10") == "no plan has service in this month"
    assert reason(root, "2026-01") == "no plan has service in this month"


def test_one_off_lines_wait_for_the_end_of_their_quarter(tmp_path):
    changes = {"plans.0.start": "2026-08", "plans.0.every_months": 3}
    used = house.usage("nord", "2026-09", None, house.one_off("30.00"))
    root = house.build(tmp_path, house.client(changes=changes), used=(used,))
    assert reason(root, "2026-09") == "the period is billed in 2026-10"
    assert [str(line.net) for line in house.draft(root).lines] == ["49.00", "15.00", "30.00"]


def test_one_off_lines_are_billed_without_a_plan_in_force(tmp_path):
    used = house.usage("nord", "2026-10", None, house.one_off("30.00"))
    root = house.build(tmp_path, house.client(changes={"plans.0.end": "2026-09"}), used=(used,))
    made = house.draft(root)
    assert period(made) == ("2026-10-01", "2026-10-31")
    assert [str(line.net) for line in made.lines] == ["30.00"]


def test_sources_of_a_metric_add_up(tmp_path):
    items = {"plans.0.items": [house.metered("support", "hours", "10.00")]}
    first = house.usage("nord", "2026-10", {"hours": "1.5"})
    second = {**house.usage("nord", "2026-10", {"hours": "2"}), "source": "router"}
    root = house.build(tmp_path, house.client(changes=items), used=(first, second))
    (line,) = house.draft(root).lines
    assert (str(line.quantity), str(line.net)) == ("3.5", "35.00")


def test_a_closed_client_gets_nothing(tmp_path):
    root = house.build(tmp_path, house.client(changes={"status": "closed"}))
    assert reason(root, "2026-10") == "the client is closed"


@pytest.mark.parametrize(
    ("terms", "due"),
    [
        ({"days": 0}, date(2026, 11, 8)),
        ({"days": 30}, date(2026, 12, 8)),
        ({"days": 45, "end_of_month": True}, date(2026, 12, 31)),
    ],
)
def test_the_due_date_follows_the_terms(tmp_path, terms, due):
    root = house.build(tmp_path, house.client(changes={"payment_terms": terms}))
    assert house.draft(root).due_date == due


def test_a_line_is_worded_in_the_language_of_its_client(tmp_path):
    items = [house.metered("support", "hours", "10.00", included="2")]
    changes = {"language": "en", "plans.0.items": items,
               "plans.0.minimum": {"amount": "500.00", "vat_rate": "20"}}  # fmt: skip
    used = house.usage("nord", "2026-10", {"hours": "12.5"})
    made = house.draft(house.build(tmp_path, house.client(changes=changes), used=(used,)))
    assert made.lines[0].name == "Hosting"
    assert "12.5" in made.lines[0].description
    assert "inimum" in made.lines[1].name


def test_where_an_invoice_is_received(tmp_path):
    found = {}
    for name, changes in {
        "siren": {},
        "mail": {"party.siren": None, "party.person": True},
        "own": {"party.electronic_address": {"scheme": "0225", "id": f"{house.siren(1)}_A"}},
        "none": {"party.siren": None, "party.person": True, "party.email": None},
    }.items():
        made = house.draft(house.build(tmp_path / name, house.client(changes=changes)))
        address = made.buyer.electronic_address
        found[name] = (address.scheme, address.id) if address else None
    assert found == {
        "siren": ("0225", house.siren(1)),
        "mail": ("EM", "nord@client.example"),
        "own": ("0225", f"{house.siren(1)}_A"),
        "none": None,
    }


def test_without_a_bank_account_no_transfer_is_asked_for(tmp_path):
    root = house.build(tmp_path, seller=house.issuer({"bank": None}))
    assert house.draft(root).payment_reference == ""


def test_nothing_to_pay_is_not_an_invoice_but_a_gift_is_one(tmp_path):
    free = {"plans.0.items": [house.metered("support", "hours", "10.00")]}
    used = house.usage("nord", "2026-10", {"hours": "0"})
    root = house.build(tmp_path, house.client(changes=free), used=(used,))
    assert reason(root, "2026-10") == "every line of the period is 0.00"
    gift = [{"id": "gift", "description": {"fr": "Offert"}, "percent": "100"}]
    (root.usage / "nord" / "2026-10.manual.json").unlink()
    house.put_client(root, house.client(changes={"plans.0.discounts": gift}))
    assert str(house.draft(root).totals.due) == "0.00"
