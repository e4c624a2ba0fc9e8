"""Prices: the worked examples of the rules, and random plans against a second computation.

The second computation reads the plan's plain JSON and counts in fractions and whole cents,
so that it shares no code with billing/pricing and values/money.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.billing import pricing as rules
from lib.billing.pricing import Charges, charge_plan
from lib.inputs.plans import OneOffLine
from lib.values import money
from lib.values.document import Period
from lib.values.periods import Prorata, ServicePeriod, prorata_of

Json = dict[str, Any]

APRIL = Period(start=date(2026, 4, 1), end=date(2026, 4, 30))
WHOLE = ServicePeriod(APRIL, APRIL, ("2026-04",))
DESCRIPTION = {"fr": "Prestation", "en": "Service"}


def item_of(charge: Json) -> Json:
    common = {"id": "it", "description": DESCRIPTION, "vat_rate": "20", "unit": "C62"}
    metered = {} if charge["charge"] == "flat" else {"metric": "calls"}
    return common | metered | charge


def plan_of(*items: Json, **more: Any) -> rules.Plan:
    plan: rules.Plan = msgspec.convert(
        {"id": "main", "start": "2026-01", "every_months": 1, "items": items, **more}, rules.Plan
    )
    return plan


def used(**quantities: str) -> dict[str, Decimal]:
    return {metric: Decimal(quantity) for metric, quantity in quantities.items()}


def served(first: int, last: int) -> ServicePeriod:
    """Service from one day of April 2026 to another."""
    return ServicePeriod(
        APRIL, Period(start=date(2026, 4, first), end=date(2026, 4, last)), ("2026-04",)
    )


# --- the worked examples of docstrings -----------------------------------------------

CASE = re.compile(
    r"(?:(?P<quantity>[\d.]+) (?:used|charged)(?: in )?)?"
    r"(?:(?P<days>\d+) of (?P<of_days>\d+) days)?:"
)


def cases_of(function: Callable[..., Any]) -> tuple[Json, list[tuple[re.Match[str], list[str]]]]:
    """What stands after "Example:", and its cases with the lines that each expects."""
    text = (inspect.getdoc(function) or "").partition("Example: ")[2]
    head: list[str] = []
    cases: list[tuple[re.Match[str], list[str]]] = []
    for line in text.splitlines():
        case = CASE.fullmatch(line.strip())
        if case:
            cases.append((case, []))
        elif cases:
            cases[-1][1].append(line.strip())
        else:
            head.append(line)
    return json.loads("\n".join(head)), cases


def worked_examples() -> Iterator[Any]:
    models = [f for name, f in vars(rules).items() if name.startswith("charge_")]
    for model in models:
        if model in (
            rules.charge_part,
            rules.charge_plan,
            rules.charge_item,
            rules.charge_one_offs,
        ):
            continue
        charge, cases = cases_of(model)
        for case, expected in cases:
            yield pytest.param(charge, case, expected, id=f"{model.__name__} {case[0]}")


@pytest.mark.parametrize(("charge", "case", "expected"), list(worked_examples()))
def test_worked_example(charge: Json, case: re.Match[str], expected: list[str]) -> None:
    prorata = Prorata(int(case["days"] or 30), int(case["of_days"] or 30))
    quantity = Decimal(case["quantity"] or 0)
    if "charge" in charge:
        (item,) = plan_of(item_of(charge)).items
        lines = rules.charge_item(item, quantity, prorata)
    else:
        minimum = msgspec.convert(charge | {"vat_rate": "20"}, rules.Minimum)
        lines = rules.charge_minimum(minimum, quantity, prorata)
    shown = [f"{line.quantity} x {line.unit_price} = {line.net}" for line in lines]
    assert shown == ([] if expected == ["nothing"] else expected)


def test_every_charge_model_has_worked_examples() -> None:
    tags = {f"charge_{kind.__struct_config__.tag}" for kind in rules.Item.__args__}
    assert tags | {"charge_minimum"} == {p.id.split()[0] for p in worked_examples()}


def discount_examples() -> Iterator[Any]:
    text = (inspect.getdoc(rules.allow_discounts) or "").partition("Example: lines of ")[2]
    head, *rest = text.splitlines()
    nets = re.findall(r"([\d.]+) at ([\d.]+) %", head)
    for block in re.findall(r"  (\S.*):\n((?:    .*\n?)+)", "\n".join(rest)):
        yield pytest.param(nets, block[0].split(", then "), block[1].split("\n"), id=block[0])


@pytest.mark.parametrize(("nets", "discounts", "expected"), list(discount_examples()))
def test_worked_example_of_discounts(
    nets: list[tuple[str, str]], discounts: list[str], expected: list[str]
) -> None:
    items = [
        item_of({"charge": "flat", "id": f"at{rate}", "price": net, "vat_rate": rate})
        for net, rate in nets
    ]
    written = [
        {"id": f"d{i}", "description": DESCRIPTION}
        | ({"percent": text[:-2]} if text.endswith(" %") else {"amount": text})
        for i, text in enumerate(discounts)
    ]
    charges = charge_plan(plan_of(*items, discounts=written), WHOLE, {})
    shown = [f"{a.amount} at {a.vat_rate} %" for a in charges.allowances]
    assert shown == [line.strip() for line in expected if line]


def test_both_discount_examples_are_found() -> None:
    assert len(list(discount_examples())) == 2


# --- a second computation ------------------------------------------------------------


def half_up(cents: Fraction) -> int:
    return int((cents + Fraction(1, 2)) // 1)


def in_period(price: Any, days: int, of_days: int) -> Fraction:
    """Cents: a price for a period, rounded only where it is a part of it."""
    cents = Fraction(price) * 100
    return cents if days == of_days else Fraction(half_up(cents * days / of_days))


def shared(cents: int, weights: list[int]) -> list[int]:
    """Largest remainders: whole cents first, then one each by what the division left."""
    if not cents:
        return [0] * len(weights)
    parts = [cents * weight // sum(weights) for weight in weights]
    rests = [cents * weight % sum(weights) for weight in weights]
    for i in sorted(range(len(weights)), key=lambda i: (-rests[i], i))[: cents - sum(parts)]:
        parts[i] += 1
    return parts


def second_nets(item: Json, quantity: Fraction, days: int, of_days: int) -> list[int]:
    """The nets of an item's lines, in cents."""

    def fee(price: Any) -> list[int]:
        return [half_up(in_period(price, days, of_days))] if Fraction(price) else []

    kind = item["charge"]
    if kind == "flat":
        return [half_up(in_period(item["price"], days, of_days))]
    if kind == "per_unit":
        beyond = quantity - Fraction(item.get("included", 0))
        return [half_up(max(beyond, Fraction(0)) * Fraction(item["unit_price"]) * 100)]
    if kind == "percentage":
        return [half_up(quantity * Fraction(item["rate"])), *fee(item.get("fixed", 0))]
    nets: list[int] = []
    low = Fraction(0)
    for n, tier in enumerate(item["tiers"]):
        high = Fraction(tier["up_to"]) if "up_to" in tier else max(quantity, low)
        falls_in = low < quantity <= high or (n == 0 and quantity == 0)
        reached = quantity > low or n == 0
        if kind == "graduated" and reached:
            nets.append(half_up((min(quantity, high) - low) * Fraction(tier["unit_price"]) * 100))
            nets += fee(tier.get("fixed", 0))
        if kind == "volume" and falls_in:
            nets.append(half_up(quantity * Fraction(tier["unit_price"]) * 100))
            nets += fee(tier.get("fixed", 0))
        if kind == "package" and falls_in:
            nets.append(half_up(in_period(tier["price"], days, of_days)))
        low = high
    return nets


def second_charges(
    plan: Json, quantities: Mapping[str, Decimal], period: ServicePeriod
) -> tuple[list[int], list[tuple[str, int]], int]:
    """Nets of lines, (discount, amount) of allowances and what is missing to the minimum."""
    start, end = period.service.start, period.service.end
    days, of_days = (end - start).days + 1, 30
    nets: list[int] = []
    left: dict[str, int] = {}
    for item in plan["items"]:
        quantity = Fraction(quantities[item["metric"]]) if "metric" in item else Fraction(0)
        own = second_nets(item, quantity, days, of_days)
        nets += own
        left[item["id"]] = sum(own)

    groups: dict[tuple[Fraction, str], list[str]] = {}
    for item in plan["items"]:
        key = (Fraction(item["vat_rate"]), item.get("category", "services"))
        groups.setdefault(key, []).append(item["id"])
    allowances: list[tuple[str, int]] = []
    for discount in plan["discounts"]:
        if not discount.get("start", "0000") <= start.isoformat() <= discount.get("end", "9999"):
            continue
        ids = [[i for i in own if i in discount.get("items", left)] for own in groups.values()]
        bases = [sum(left[i] for i in own) for own in ids]
        if "percent" in discount:
            amounts = [half_up(base * Fraction(discount["percent"]) / 100) for base in bases]
        else:
            wanted = half_up(in_period(discount["amount"], days, of_days))
            amounts = shared(min(wanted, sum(bases)), bases)
        for group, amount in zip(ids, amounts, strict=True):
            for i, part in zip(group, shared(amount, [left[i] for i in group]), strict=True):
                left[i] -= part
            allowances += [(discount["id"], amount)] if amount else []

    minimum = half_up(in_period(plan["minimum"]["amount"], days, of_days))
    return nets, allowances, max(minimum - sum(left.values()), 0)


# --- random plans --------------------------------------------------------------------


def numerals(places: int, most: int, least: int = 0) -> st.SearchStrategy[str]:
    """Numbers of up to `places` decimals, from `least` to `most` of the last one."""
    return st.integers(least, most).map(lambda n: str(Decimal(n).scaleb(-places)))


AMOUNTS = numerals(2, 50_000)
PRICES = numerals(4, 2_000_000)
QUANTITIES = st.one_of(
    numerals(0, 60), numerals(4, 600_000), st.sampled_from(["0", "10", "20", "20.5"])
)
BOUNDS = st.lists(
    st.sampled_from(["0", "0.5", "10", "20", "20.5", "30"]), unique=True, max_size=4
).map(lambda bounds: sorted(bounds, key=Decimal))


@st.composite
def tiers(draw: st.DrawFn, with_: Mapping[str, st.SearchStrategy[str]]) -> list[Json]:
    closed = [{"up_to": bound} for bound in draw(BOUNDS)]
    return [tier | draw(st.fixed_dictionaries({**with_})) for tier in (*closed, {})]


TIERS = tiers({"unit_price": PRICES, "fixed": st.one_of(st.just("0"), AMOUNTS)})
CHARGES = st.one_of(
    st.fixed_dictionaries({"charge": st.just("flat"), "price": PRICES}),
    st.fixed_dictionaries(
        {"charge": st.just("per_unit"), "unit_price": PRICES}, optional={"included": QUANTITIES}
    ),
    st.fixed_dictionaries({"charge": st.just("graduated"), "tiers": TIERS}),
    st.fixed_dictionaries({"charge": st.just("volume"), "tiers": TIERS}),
    st.fixed_dictionaries({"charge": st.just("package"), "tiers": tiers({"price": AMOUNTS})}),
    st.fixed_dictionaries(
        {"charge": st.just("percentage"), "rate": numerals(2, 10_000)},
        optional={"fixed": AMOUNTS},
    ),
)
METRICS = st.sampled_from(["calls", "hours", "sales"])


@st.composite
def items(draw: st.DrawFn) -> list[Json]:
    written = []
    for i, charge in enumerate(draw(st.lists(CHARGES, max_size=5))):
        item = item_of(charge) | {"id": f"it{i}"}
        item["vat_rate"] = draw(st.sampled_from(["20", "20.00", "10", "5.5"]))
        item |= draw(st.sampled_from([{}, {"category": "services"}, {"category": "goods"}]))
        written.append(item | {"metric": draw(METRICS)} if "metric" in item else item)
    return written


@st.composite
def discounts(draw: st.DrawFn, ids: list[str]) -> list[Json]:
    written = []
    for i in range(draw(st.integers(0, 4))):
        percents = numerals(2, 10_000).map(lambda percent: {"percent": percent})
        amounts = AMOUNTS.map(lambda amount: {"amount": amount})
        discount: Json = {"id": f"d{i}", "description": DESCRIPTION} | draw(percents | amounts)
        limited = draw(st.booleans())
        if ids and limited:
            discount |= {"items": draw(st.lists(st.sampled_from(ids), unique=True, min_size=1))}
        if draw(st.booleans()):
            discount |= {"start": "2026-04-08", "end": "2026-04-23"}
        written.append(discount)
    return written


@st.composite
def plans(draw: st.DrawFn) -> Json:
    own = draw(items())
    return {
        "start": "2026-01",
        "id": "main",
        "every_months": 1,
        "items": own,
        "minimum": {"amount": draw(AMOUNTS), "vat_rate": "20"},
        "discounts": draw(discounts([item["id"] for item in own])),
    }


USAGE = st.fixed_dictionaries(
    {metric: QUANTITIES.map(Decimal) for metric in ("calls", "hours", "sales")}
)
SERVICES = st.tuples(st.integers(1, 30), st.integers(1, 30)).map(lambda ends: served(*sorted(ends)))
ANY_SERVICE = st.one_of(st.just(WHOLE), SERVICES)


def cents(amount: Decimal) -> int:
    return int(amount.scaleb(2))


def net_of(charges: Charges) -> Decimal:
    """What the plan costs: its lines, the minimum's among them, less its allowances."""
    lines = money.total(line.net for line in charges.lines)
    return lines - money.total(allowance.amount for allowance in charges.allowances)


@given(plans(), USAGE, ANY_SERVICE)
def test_a_second_computation_agrees(
    plan: Json, usage: dict[str, Decimal], period: ServicePeriod
) -> None:
    charges = charge_plan(msgspec.convert(plan, rules.Plan), period, usage)
    nets, allowances, missing = second_charges(plan, usage, period)
    # Which tiers a line of nothing is shown for is not compared: it costs nothing.
    shown = [cents(line.net) for line in charges.lines if line.net and line.kind != "minimum"]
    assert shown == [net for net in nets if net]
    assert [(a.discount, cents(a.amount)) for a in charges.allowances] == allowances
    assert [cents(ln.net) for ln in charges.lines if ln.kind == "minimum"] == (
        [missing] if missing else []
    )


@given(plans(), USAGE, ANY_SERVICE)
def test_every_line_and_allowance_can_be_checked_from_what_it_shows(
    plan: Json, usage: dict[str, Decimal], period: ServicePeriod
) -> None:
    charges = charge_plan(msgspec.convert(plan, rules.Plan), period, usage)
    for line in charges.lines:
        exact = Fraction(line.quantity) * Fraction(line.unit_price) * 100
        assert cents(line.net) == half_up(exact)
        if line.prorata:
            assert line.quantity == 1
            assert line.prorata == prorata_of(period)
            assert line.net == line.unit_price
        # BR-FR-DEC: four decimals for a quantity; the same for a price.
        for number in (line.quantity, line.unit_price):
            assert Fraction(number) * 10_000 % 1 == 0
    for allowance in charges.allowances:
        assert allowance.amount > 0
        if allowance.percent is not None:
            assert allowance.base is not None
            assert cents(allowance.amount) == half_up(
                Fraction(allowance.base) * Fraction(allowance.percent)
            )


@given(plans(), USAGE, ANY_SERVICE)
def test_discounts_never_make_a_vat_group_negative(
    plan: Json, usage: dict[str, Decimal], period: ServicePeriod
) -> None:
    charges = charge_plan(msgspec.convert(plan, rules.Plan), period, usage)
    left: dict[tuple[Decimal, str], Decimal] = {}
    for line in charges.lines:
        if line.kind != "minimum":
            group = (line.vat_rate, line.category)
            left[group] = left.get(group, money.ZERO) + line.net
    for allowance in charges.allowances:
        left[allowance.vat_rate, allowance.category] -= allowance.amount
    assert all(net >= 0 for net in left.values())


@given(plans(), USAGE, ANY_SERVICE)
def test_the_net_is_the_minimum_or_what_is_above_it(
    plan: Json, usage: dict[str, Decimal], period: ServicePeriod
) -> None:
    with_ = charge_plan(msgspec.convert(plan, rules.Plan), period, usage)
    without = charge_plan(msgspec.convert(plan | {"minimum": None}, rules.Plan), period, usage)
    minimum = in_period(plan["minimum"]["amount"], *prorata_of(period))
    assert cents(net_of(with_)) == max(cents(net_of(without)), minimum)


@given(items(), st.lists(numerals(2, 10_000), max_size=3), USAGE, ANY_SERVICE, st.randoms())
def test_the_order_of_items_and_usage_changes_no_amount(
    own: list[Json], percents: list[str], usage: dict[str, Decimal], period: ServicePeriod, rnd: Any
) -> None:
    written = [
        {"id": f"d{i}", "description": DESCRIPTION, "percent": percent}
        for i, percent in enumerate(percents)
    ]
    mixed = rnd.sample(own, len(own))
    one = charge_plan(plan_of(*own, discounts=written), period, usage)
    other = charge_plan(
        plan_of(*mixed, discounts=written), period, dict(reversed(list(usage.items())))
    )

    def amounts(charges: Charges) -> tuple[list[Any], list[Any]]:
        lines = [(line.item, line.kind, line.tier_from or 0, line.net) for line in charges.lines]
        allowances = [(a.discount, a.vat_rate, a.category, a.amount) for a in charges.allowances]
        return sorted(lines), sorted(allowances)

    assert amounts(one) == amounts(other)


# --- charge models -------------------------------------------------------------------


@given(st.lists(st.integers(1, 80), unique=True, max_size=4), st.data(), st.integers(0, 100))
def test_graduated_is_the_sum_unit_by_unit(
    bounds: list[int], data: st.DataObject, quantity: int
) -> None:
    ends = sorted(bounds)
    prices = data.draw(st.lists(PRICES, min_size=len(ends) + 1, max_size=len(ends) + 1))
    own = [{"unit_price": price} for price in prices]
    for tier, end in zip(own, ends, strict=False):
        tier["up_to"] = str(end)
    plan = plan_of(item_of({"charge": "graduated", "tiers": own}))
    lines = charge_plan(plan, WHOLE, used(calls=str(quantity))).lines

    expected = Fraction(0)
    for unit in range(1, quantity + 1):
        expected += Fraction(prices[sum(end < unit for end in ends)])
    charged = sum(Fraction(line.quantity) * Fraction(line.unit_price) for line in lines)
    assert charged == expected
    assert sum(line.quantity for line in lines) == quantity


TWO_TIERS = [{"up_to": "10", "unit_price": "2", "fixed": "1"}, {"unit_price": "1", "fixed": "7"}]


@pytest.mark.parametrize(
    ("charge", "quantity", "shown"),
    [
        ("graduated", "0", [("tier", "0", "0", "10"), ("fixed", "1", "0", "10")]),
        ("graduated", "10", [("tier", "10", "0", "10"), ("fixed", "1", "0", "10")]),
        (
            "graduated",
            "10.0001",
            [
                ("tier", "10", "0", "10"),
                ("fixed", "1", "0", "10"),
                ("tier", "0.0001", "10", "None"),
                ("fixed", "1", "10", "None"),
            ],
        ),
        ("volume", "0", [("volume", "0", "0", "10"), ("fixed", "1", "0", "10")]),
        ("volume", "10", [("volume", "10", "0", "10"), ("fixed", "1", "0", "10")]),
        ("volume", "10.0001", [("volume", "10.0001", "10", "None"), ("fixed", "1", "10", "None")]),
    ],
)
def test_the_bound_of_a_tier_is_in_it(
    charge: str, quantity: str, shown: list[tuple[str, ...]]
) -> None:
    plan = plan_of(item_of({"charge": charge, "tiers": TWO_TIERS}))
    lines = charge_plan(plan, WHOLE, used(calls=quantity)).lines
    assert [
        (line.kind, f"{line.quantity.normalize():f}", str(line.tier_from), str(line.tier_to))
        for line in lines
    ] == shown
    assert {line.used for line in lines} == {Decimal(quantity)}


@given(TIERS, st.lists(QUANTITIES.map(Decimal), min_size=2, max_size=6))
def test_volume_rises_within_a_tier(own: list[Json], quantities: list[Decimal]) -> None:
    plan = plan_of(item_of({"charge": "volume", "tiers": own}))
    for less, more in pairwise(sorted(quantities)):
        a, b = (charge_plan(plan, WHOLE, {"calls": quantity}).lines[0] for quantity in (less, more))
        if a.tier_to == b.tier_to:
            assert a.net <= b.net


def test_a_first_tier_up_to_0_makes_no_usage_free_of_fees() -> None:
    free = {"up_to": "0", "unit_price": "0"}
    plan = plan_of(item_of({"charge": "graduated", "tiers": [free, *TWO_TIERS]}))
    (nothing,) = charge_plan(plan, WHOLE, used(calls="0")).lines
    assert (str(nothing.quantity), str(nothing.net)) == ("0", "0.00")
    some = charge_plan(plan, WHOLE, used(calls="1")).lines
    assert [f"{line.kind} {line.net}" for line in some] == ["tier 2.00", "fixed 1.00"]


@pytest.mark.parametrize(
    "charge",
    [
        {"charge": "per_unit", "unit_price": "0.35"},
        {"charge": "per_unit", "unit_price": "0.35", "included": "10"},
        {"charge": "graduated", "tiers": [{"unit_price": "0.35"}]},
        {"charge": "volume", "tiers": [{"unit_price": "0.35"}]},
        {"charge": "percentage", "rate": "2.5"},
    ],
)
def test_no_usage_is_shown_as_a_line_of_0(charge: Json) -> None:
    (line,) = charge_plan(plan_of(item_of(charge)), WHOLE, used(calls="0")).lines
    assert (str(line.quantity), str(line.net)) == ("0", "0.00")
    assert line.used == 0
    assert line.metric == "calls"


def test_a_usage_line_says_what_was_used_and_included() -> None:
    item = item_of({"charge": "per_unit", "unit_price": "0.35", "included": "100", "unit": "HUR"})
    (line,) = charge_plan(plan_of(item), WHOLE, used(calls="137.5")).lines
    assert (
        f"{line.used} used, {line.included} free: {line.quantity}" == "137.5 used, 100 free: 37.5"
    )
    assert (line.item, line.unit, line.description) == ("it", "HUR", DESCRIPTION)
    (plain,) = charge_plan(
        plan_of(item_of({"charge": "per_unit", "unit_price": "0.35"})), WHOLE, used(calls="1")
    ).lines
    assert plain.included is None


def test_fees_and_the_minimum_are_counted_in_ones() -> None:
    hours = {"charge": "volume", "unit": "HUR", "tiers": [{"unit_price": "1", "fixed": "5"}]}
    share = {"charge": "percentage", "id": "pc", "unit": "HUR", "rate": "1", "fixed": "5"}
    plan = plan_of(
        item_of(hours),
        item_of(share),
        minimum={"amount": "100.00", "vat_rate": "10", "category": "goods"},
    )
    lines = charge_plan(plan, WHOLE, used(calls="2")).lines
    assert [(line.kind, line.unit) for line in lines] == [
        ("volume", "HUR"),
        ("fixed", "C62"),
        ("percentage", "HUR"),
        ("fixed", "C62"),
        ("minimum", "C62"),
    ]
    assert (str(lines[-1].vat_rate), lines[-1].category, lines[-1].item) == ("10", "goods", "")


# --- pro rata ------------------------------------------------------------------------


@given(items(), USAGE)
def test_a_whole_period_keeps_prices_as_written(own: list[Json], usage: dict[str, Decimal]) -> None:
    lines = charge_plan(plan_of(*own), WHOLE, usage).lines
    written = {
        str(Decimal(price))
        for item in own
        for part in [item, *item.get("tiers", [])]
        for key, price in part.items()
        if key in ("price", "fixed", "unit_price")
    } | {str(Decimal(item["rate"]).scaleb(-2)) for item in own if "rate" in item}
    assert {str(line.unit_price) for line in lines} <= written
    assert all(line.prorata is None for line in lines)


@given(AMOUNTS, st.sets(st.integers(2, 30), max_size=6))
def test_the_parts_of_a_period_come_to_its_price_within_half_a_cent_each(
    price: str, cuts: set[int]
) -> None:
    plan = plan_of(item_of({"charge": "flat", "price": price}))
    edges = [1, *sorted(cuts), 31]
    parts = [
        net_of(charge_plan(plan, served(first, after - 1), {})) for first, after in pairwise(edges)
    ]
    assert abs(money.total(parts) - Decimal(price)) <= Decimal("0.005") * len(parts)


def test_what_is_a_price_for_a_period_is_prorated_and_usage_is_not() -> None:
    tiers = [{"up_to": "40", "price": "60.00"}, {"price": "90.00"}]
    plan = plan_of(
        item_of({"charge": "flat", "price": "30.00", "id": "flat"}),
        item_of({"charge": "per_unit", "unit_price": "1", "included": "30", "id": "units"}),
        item_of({"charge": "package", "id": "pack", "tiers": tiers}),
        discounts=[{"id": "off", "description": DESCRIPTION, "amount": "15.00"}],
        minimum={"amount": "150.00", "vat_rate": "20"},
    )
    charges = charge_plan(plan, served(11, 30), used(calls="40"))
    assert [(line.item, str(line.net), line.prorata) for line in charges.lines] == [
        ("flat", "20.00", Prorata(20, 30)),
        ("units", "10.00", None),
        ("pack", "40.00", Prorata(20, 30)),
        ("", "40.00", Prorata(20, 30)),
    ]
    assert [str(allowance.amount) for allowance in charges.allowances] == ["10.00"]


# --- discounts and the minimum -------------------------------------------------------


def two_rates(**more: Any) -> rules.Plan:
    books = {"charge": "flat", "price": "30.00", "vat_rate": "5.5", "category": "goods"}
    return plan_of(
        item_of({"charge": "flat", "price": "60.00", "id": "hosting"}),
        item_of(books | {"id": "books"}),
        item_of({"charge": "flat", "price": "10.00", "id": "support"}),
        **more,
    )


def allowed(*written: Json, period: ServicePeriod = WHOLE) -> list[tuple[str, ...]]:
    plan = two_rates(discounts=[{"description": DESCRIPTION} | d for d in written])
    return [
        (a.discount, str(a.vat_rate), str(a.amount))
        for a in charge_plan(plan, period, {}).allowances
    ]


def test_discounts_apply_in_the_order_written() -> None:
    percent, amount = {"id": "pc", "percent": "10"}, {"id": "am", "amount": "10.00"}
    first_off = [("20", "7.00"), ("5.5", "3.00")]
    tenth_of_the_rest = [("20", "6.30"), ("5.5", "2.70")]
    assert [part for _, *part in allowed(percent, amount)] == [*map(list, first_off * 2)]
    assert [part for _, *part in allowed(amount, percent)] == [
        *map(list, first_off + tenth_of_the_rest)
    ]


def test_a_discount_is_limited_to_its_items_and_what_is_left_of_them() -> None:
    assert allowed(
        {"id": "half", "percent": "50", "items": ["hosting"]},
        {"id": "big", "amount": "35.00", "items": ["support", "hosting"]},
        {"id": "more", "amount": "50.00", "items": ["support", "hosting"]},
        {"id": "rest", "percent": "100"},
    ) == [
        ("half", "20", "30.00"),
        ("big", "20", "35.00"),
        ("more", "20", "5.00"),
        ("rest", "5.5", "30.00"),
    ]


def test_a_percentage_shows_its_base_and_an_amount_does_not() -> None:
    plan = two_rates(
        discounts=[
            {"id": "pc", "description": {"fr": "Fidélité"}, "percent": "12.5", "items": ["books"]},
            {"id": "am", "description": DESCRIPTION, "amount": "1.00", "items": ["books"]},
        ]
    )
    percent, amount = charge_plan(plan, WHOLE, {}).allowances
    assert f"{percent.percent} % of {percent.base}: {percent.amount}" == "12.5 % of 30.00: 3.75"
    assert (percent.description, percent.category) == ({"fr": "Fidélité"}, "goods")
    assert (amount.percent, amount.base, str(amount.amount)) == (None, None, "1.00")


def test_goods_and_services_of_one_rate_are_apart() -> None:
    plan = plan_of(
        item_of({"charge": "flat", "price": "60.00"}),
        item_of({"charge": "flat", "price": "30.00", "id": "goods", "category": "goods"}),
        discounts=[{"id": "pc", "description": DESCRIPTION, "percent": "10"}],
    )
    allowances = charge_plan(plan, WHOLE, {}).allowances
    assert [f"{a.category} {a.amount}" for a in allowances] == ["services 6.00", "goods 3.00"]


@pytest.mark.parametrize(
    ("between", "applies"),
    [
        ({}, True),
        ({"start": "2026-04"}, True),
        ({"start": "2026-04-10"}, True),
        ({"start": "2026-04-11"}, False),
        ({"start": "2026-05"}, False),
        ({"end": "2026-04"}, True),
        ({"end": "2026-04-10"}, True),
        ({"end": "2026-04-09"}, False),
        ({"end": "2026-03"}, False),
        ({"start": "2026-01", "end": "2026-12"}, True),
    ],
)
def test_a_discount_applies_where_the_service_begins_within_its_dates(
    between: Json, applies: bool
) -> None:
    discount = {"id": "pc", "percent": "10"} | between
    assert bool(allowed(discount, period=served(10, 30))) is applies


def test_discounts_of_nothing_leave_no_allowance() -> None:
    assert allowed({"id": "pc", "percent": "0"}) == []
    all_, none = {"id": "all", "percent": "100"}, {"id": "am", "amount": "10.00"}
    assert [id_ for id_, _, _ in allowed(all_, none)] == ["all", "all"]
    empty = plan_of(discounts=[none | {"description": DESCRIPTION}])
    assert charge_plan(empty, WHOLE, {}) == Charges(lines=(), allowances=())


@pytest.mark.parametrize(
    ("amount", "missing"),
    [("89.99", []), ("90.00", []), ("90.01", ["0.01"]), ("100.00", ["10.00"])],
)
def test_the_minimum_counts_charges_net_of_discounts(amount: str, missing: list[str]) -> None:
    plan = two_rates(
        discounts=[{"id": "pc", "description": DESCRIPTION, "percent": "10"}],
        minimum={"amount": amount, "vat_rate": "20", "description": {"fr": "Minimum"}},
    )
    lines = [line for line in charge_plan(plan, WHOLE, {}).lines if line.kind == "minimum"]
    assert [str(line.net) for line in lines] == missing
    assert all(line.description == {"fr": "Minimum"} for line in lines)


# --- one-off lines -------------------------------------------------------------------


def one_off(**more: Any) -> OneOffLine:
    plain = {
        "description": DESCRIPTION,
        "quantity": "3",
        "unit": "DAY",
        "unit_price": "9.995",
        "vat_rate": "20",
    }
    line: OneOffLine = msgspec.convert(plain | more, OneOffLine)
    return line


def test_one_off_lines_are_rounded_once_after_their_discount() -> None:
    reason = {"fr": "Geste commercial"}
    lines = rules.charge_one_offs(
        [one_off(), one_off(discount="0.01", discount_reason=reason, category="goods")]
    )
    assert [str(line.net) for line in lines] == ["29.99", "29.98"]
    assert [line.kind for line in lines] == ["one_off", "one_off"]
    assert [line.category for line in lines] == ["services", "goods"]
    assert (lines[1].discount, lines[1].discount_reason) == (Decimal("0.01"), reason)
    assert (lines[0].unit, lines[0].unit_price) == ("DAY", Decimal("9.995"))


def test_a_one_off_discount_may_reach_the_rounded_amount_of_its_line() -> None:
    (given,) = rules.charge_one_offs([one_off(discount="29.99")])  # of 29.985
    assert str(given.net) == "0.00"
    with pytest.raises(msgspec.ValidationError, match="more than quantity x unit price, rounded"):
        one_off(discount="30.00")


def test_a_one_off_discount_above_its_line_is_refused() -> None:
    nearly, whole = one_off(quantity="1", discount="9.99"), one_off(quantity="2", discount="19.99")
    assert [str(line.net) for line in rules.charge_one_offs([nearly, whole])] == ["0.01", "0.00"]
    with pytest.raises(msgspec.ValidationError, match="more than quantity x unit price"):
        one_off(quantity="1", discount="10.01")


# --- what is refused -----------------------------------------------------------------


def test_all_missing_metrics_are_named() -> None:
    plan = plan_of(
        *(
            item_of({"charge": "per_unit", "unit_price": "1", "id": f"it{i}", "metric": metric})
            for i, metric in enumerate(["hours", "calls", "sales", "hours"])
        ),
        item_of({"charge": "flat", "price": "1.00"}),
    )
    assert rules.metrics_of([plan]) == ("hours", "calls", "sales")
    with pytest.raises(rules.MissingUsage, match="no quantity for hours, sales") as caught:
        charge_plan(plan, WHOLE, used(calls="0"))
    assert [lacks.metric for lacks in caught.value.quantities] == ["hours", "sales"]


def test_a_negative_quantity_is_refused() -> None:
    plan = plan_of(item_of({"charge": "per_unit", "unit_price": "1", "included": "5"}))
    with pytest.raises(ValueError, match="the quantity of calls is negative: -1"):
        charge_plan(plan, WHOLE, used(calls="-1"))


@pytest.mark.parametrize("charge", ["graduated", "volume", "package"])
@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ([], "the last one, and no other, goes without up_to"),
        (["10"], "the last one, and no other, goes without up_to"),
        ([None, None], "the last one, and no other, goes without up_to"),
        (["10", None, "20", None], "the last one, and no other, goes without up_to"),
        (["10", "10", None], "up_to 10 is not above the 10 before it"),
        (["0", "0", None], "up_to 0 is not above the 0 before it"),
        (["20", "10", None], "up_to 10 is not above the 20 before it"),
    ],
)
def test_tiers_that_leave_a_quantity_without_a_price_are_refused(
    charge: str, bounds: list[str | None], message: str
) -> None:
    price = "price" if charge == "package" else "unit_price"
    own = [{price: "1.00"} | ({"up_to": bound} if bound else {}) for bound in bounds]
    with pytest.raises(msgspec.ValidationError, match=message) as caught:
        plan_of(item_of({"charge": charge, "tiers": own}))
    assert "$.items[0]" in str(caught.value)


def test_a_discount_on_an_item_that_the_plan_lacks_is_refused() -> None:
    discount = {"id": "pc", "description": DESCRIPTION, "percent": "10", "items": ["it", "gone"]}
    with pytest.raises(msgspec.ValidationError, match="discount pc: the plan has no item gone"):
        plan_of(item_of({"charge": "flat", "price": "1.00"}), discounts=[discount])


def test_two_items_of_one_id_are_refused() -> None:
    item = item_of({"charge": "flat", "price": "1.00"})
    with pytest.raises(msgspec.ValidationError, match="two items have the id it"):
        plan_of(item, item)


@pytest.mark.parametrize("charge", [{"charge": "free"}, {"charge": "flat"}])
def test_an_item_without_a_price_is_refused(charge: Json) -> None:
    with pytest.raises(msgspec.ValidationError):
        plan_of(item_of(charge))
