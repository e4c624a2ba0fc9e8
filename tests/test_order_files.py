"""data/orders/: each mistake gets one line that says what to do; steps are exact shares."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import house
from house import order, step
from lib.core.root import Root
from lib.inputs import inputs, order_files
from lib.inputs.order_files import Order, OrderDiscount, Share, Step
from lib.inputs.plans import OneOffLine
from lib.values import money

NAME = "data/orders/nord/site.json"
FINAL = step()
DEPOSIT = step("deposit", percent="30")


def said(folder: Path, value: dict[str, Any], **options: Any) -> list[str]:
    """What `make check` says of a house with an order."""
    root = house.build(folder, **options)
    house.put_order(root, value)
    ran = house.call("check_inputs", root)
    assert "Traceback" not in ran.err
    assert ran.code == (1 if ran.err else 0)
    return ran.err.splitlines()


MISTAKES = [
    (order(lines=[]), "lines: "),
    (order(titel="x"), 'titel: is an unknown key; did you mean "title"?'),
    (order("other") | {"id": "site"}, ""),
    (order(client="sud"), 'client: "sud" is not the folder\'s; write "nord"'),
    (order(title={"en": "Website"}), "title.fr: is missing"),
    (order(note={"en": "Thanks"}), "note.fr: is missing"),
    (order(lines=[house.one_off(vat_rate="19")]), 'lines[0].vat_rate: "19" is not a rate'),
    (order(lines=[house.one_off(category="goods")]), 'lines[0].category: "goods" is not what'),
    (order("site", "nord", DEPOSIT), "steps[0].kind: is the last step, and not final"),
    (order("site", "nord", FINAL, step(step_id="end")), "steps[0].kind: is a final step before"),
    (order("site", "nord", DEPOSIT, DEPOSIT, FINAL), 'steps[1].id: "deposit" is the id of another'),
    (
        order("site", "nord", step("deposit"), FINAL),
        "steps[0]: has no share of the order; give it p",
    ),
    (
        order("site", "nord", step("deposit", percent="0"), FINAL),
        "steps[0].percent: comes to 0.00; remove",
    ),
    (order("site", "nord", step("deposit", amount="0.00"), FINAL), "steps[0].amount: "),
    (
        order("site", "nord", step("deposit", percent="30", amount="3.00"), FINAL),
        "steps[0]: has percent, amount; keep one of them",
    ),
    (
        order("site", "nord", step("deposit", lines=["1"]), FINAL),
        "steps[0].lines: are for a milestone alone; give it percent or amount",
    ),
    (
        order("site", "nord", step("milestone", lines=["3"]), FINAL),
        "steps[0].lines: 3: not a line of the order; its lines are 1 to 2",
    ),
    (
        order("site", "nord", step("deposit", amount="1000.01"), FINAL),
        "steps: come to 1000.01; the order comes to 1000.00 without VAT; correct one of them",
    ),
    (
        order("site", "nord", DEPOSIT, step(percent="69.99")),
        "steps: come to 999.90; the order comes to 1000.00 without VAT",
    ),
    (
        order("site", "nord", DEPOSIT, step("milestone", lines=["1", "2"]), FINAL),
        "steps: come to 1300.00; the order comes to 1000.00 without VAT",
    ),
    (
        order(
            "site",
            "nord",
            DEPOSIT,
            step("milestone", lines=["1"]),
            FINAL,
            lines=[house.one_off("600.00"), house.one_off("400.00", vat_rate="10")],
        ),
        "steps[1]: comes to more than earlier steps leave, as a whole or at a VAT rate",
    ),
]


@pytest.mark.parametrize(("value", "line"), MISTAKES)
def test_a_mistake_in_an_order_gets_one_line(tmp_path, value, line):
    root = house.build(tmp_path)
    house.write(root, NAME, value)
    if not line:
        value["id"], line = "other", 'id: "other" is not the name of the file; write "site"'
        house.write(root, NAME, value)
    before = house.tree(root)
    ran = house.call("check_inputs", root)
    assert (ran.code, house.tree(root)) == (1, before)
    (text,) = ran.err.splitlines()
    assert text.startswith(f"{NAME}: ") and line in text, text
    assert house.month(root).code == 1  # a run refuses what a check refuses


def test_an_order_of_nobody_is_refused(tmp_path):
    (line,) = said(tmp_path, order(client_id="sud"))
    assert line.startswith("data/orders/sud: belongs to no client: there is no clients/sud.json")


def test_an_order_of_another_client_hinders_no_preview(tmp_path):
    root = house.build(tmp_path, house.client(), house.client("sud", i=2))
    house.put_order(root, order(title={}))
    assert list(inputs.load(root, "sud").clients) == ["nord", "sud"]


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (FINAL,),
        (step("deposit", percent="30"), step("milestone", percent="40"), step(percent="30")),
        (step("deposit", percent="100"), FINAL),
        (step("deposit", amount="100.00"), step("milestone", lines=["1"]), step(amount="300.00")),
        (step("deposit", percent="33.33"), step("milestone", "second", percent="33.33"), FINAL),
    ],
)
def test_what_adds_up_is_accepted(tmp_path, steps):
    assert said(tmp_path, order("site", "nord", *steps)) == []


def test_halves_of_a_cent_add_up(tmp_path):
    steps = (step("deposit", percent="50"), step(percent="50"))
    assert said(tmp_path, order("site", "nord", *steps, lines=[house.one_off("100.01")])) == []


def test_the_orders_of_the_examples_are_read():
    content = inputs.load(Root(house.HOME / "examples"))
    assert set(content.orders) == {
        ("biscuiterie_estran", "boutique"),
        ("kuestenlicht", "brand_book"),
    }


# --- shares --------------------------------------------------------------------------

CENTS = st.integers(1, 500_000).map(lambda cents: Decimal(cents).scaleb(-2))
RATES = st.sampled_from([Decimal(20), Decimal(10), Decimal("5.5")])


@st.composite
def orders(draw: st.DrawFn) -> Order:
    lines = tuple(
        OneOffLine(
            description={"fr": "x"},
            quantity=Decimal(1),
            unit="C62",
            unit_price=price,
            vat_rate=rate,
            category=draw(st.sampled_from(["goods", "services"])),
        )
        for price, rate in draw(st.lists(st.tuples(CENTS, RATES), min_size=1, max_size=6))
    )
    discounts = tuple(
        OrderDiscount(description={"fr": "x"}, amount=amount)
        if draw(st.booleans())
        else OrderDiscount(description={"fr": "x"}, percent=draw(st.integers(1, 60).map(Decimal)))
        for amount in draw(st.lists(CENTS, max_size=2))
    )
    percents = draw(st.lists(st.integers(1, 5000).map(lambda n: Decimal(n).scaleb(-2)), max_size=4))
    steps = tuple(
        Step(id=f"s{i}", kind=draw(st.sampled_from(["deposit", "milestone"])), percent=percent)
        for i, percent in enumerate(percents)
    )
    return Order(
        id="x",
        client="x",
        title={},
        lines=lines,
        discounts=discounts,
        steps=(*steps, Step(id="final", kind="final")),
    )


@given(orders())
def test_steps_take_exactly_their_share_and_never_more_than_a_rate_has(order: Order):
    whole = left = order_files.nets(order)
    total = sum(whole.values(), money.ZERO)
    lines = sum(
        (
            line.unit_price
            for line in order.lines
            if order_files.share_of(line) == Share(line.vat_rate, line.category)
        ),
        money.ZERO,
    )
    discounts = sum((one.amount for one in order_files.allowances(order)), money.ZERO)
    assert total == lines - discounts >= 0
    for one in order.steps[:-1]:
        wanted = (total * (one.percent or 0) / 100).quantize(money.CENT, "ROUND_HALF_UP")
        if wanted > sum(left.values(), money.ZERO):
            with pytest.raises(ValueError, match=one.id):
                order_files.step_nets(order, one, left)
            continue
        part = order_files.step_nets(order, one, left)
        assert sum(part.values(), money.ZERO) == wanted
        left = order_files.less(left, part)
        assert all(0 <= net <= whole[share] for share, net in left.items())
