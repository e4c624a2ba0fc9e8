"""VAT: computed on sums, at rates in force, under treatments that the law allows."""

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import house
from lib import vat
from lib.document import Allowance, Line

RATES = ("20", "10", "5.5", "2.1")


def line(net: str, rate: str = "20", category: str = "S") -> Line:
    amount = Decimal(net)
    return Line(
        id="1",
        name="x",
        quantity=Decimal(1),
        unit="C62",
        unit_price=amount,
        net=amount,
        vat_category=category,
        vat_rate=Decimal(rate),
    )


def allowance(amount: str, rate: str = "20") -> Allowance:
    return Allowance(reason="x", amount=Decimal(amount), vat_category="S", vat_rate=Decimal(rate))


def test_vat_is_computed_on_the_sum_and_never_line_by_line():
    (subtotal,) = vat.breakdown([line("0.33")] * 3, [], {})
    assert (str(subtotal.taxable), str(subtotal.vat)) == ("0.99", "0.20")


def test_an_allowance_lowers_the_base_of_its_own_rate():
    lines = [line("100.00"), line("50.00", "10")]
    subtotals = vat.breakdown(lines, [allowance("10.00", "10")], {})
    said = [(str(one.rate), str(one.taxable), str(one.vat)) for one in subtotals]
    assert said == [("20", "100.00", "20.00"), ("10", "40.00", "4.00")]


CENTS = st.integers(0, 10**9).map(lambda i: Decimal(i).scaleb(-2))


@given(st.lists(st.tuples(CENTS, st.sampled_from(RATES)), min_size=1, max_size=30))
def test_each_subtotal_is_the_rate_of_its_sum_rounded_once(entries):
    subtotals = vat.breakdown([line(str(net), rate) for net, rate in entries], [], {})
    assert [one.rate for one in subtotals] == sorted(
        {Decimal(rate) for _, rate in entries}, reverse=True
    )
    for one in subtotals:
        base = sum(net for net, rate in entries if Decimal(rate) == one.rate)
        assert one.taxable == base
        cents = floor(Fraction(base) * Fraction(one.rate) + Fraction(1, 2))
        assert Fraction(one.vat) * 100 == cents


def test_an_exempt_subtotal_carries_its_reason():
    exemptions = {"E": vat.Exemption("VATEX-FR-FRANCHISE", "art. 293 B")}
    (subtotal,) = vat.breakdown([line("10.00", "0", "E")], [], exemptions)
    assert (subtotal.exemption_code, subtotal.exemption_reason) == exemptions["E"]
    assert str(subtotal.vat) == "0.00"


@pytest.mark.parametrize(
    ("treatment", "rate", "country", "said"),
    [
        ("standard", "20", "FR", ""),
        ("standard", "20.00", "FR", ""),
        ("standard", "5.50", "FR", ""),
        ("standard", "19", "DE", ""),
        ("standard", "19", "FR", "is not a rate in force in France"),
        ("standard", "0", "FR", "choose the treatment that exempts"),
        ("franchise", "0.00", "FR", ""),
        ("franchise", "20", "FR", 'is refused under treatment franchise; write "0"'),
        ("export", "20", "FR", 'is refused under treatment export; write "0"'),
    ],
)
def test_a_rate_goes_with_its_treatment(treatment, rate, country, said):
    fault = vat.rate_fault(treatment, Decimal(rate), country)
    assert said in fault
    assert bool(said) == bool(fault)


def buyer(country: str = "FR", **more: Any) -> dict[str, Any]:
    return {"address": {"country": country}, **more}


@pytest.mark.parametrize(
    ("treatment", "regime", "who", "place"),
    [
        ("standard", "standard", buyer(), ""),
        ("standard", "franchise", buyer(), "vat.treatment"),
        ("franchise", "standard", buyer(), "vat.treatment"),
        ("franchise", "franchise", buyer(), ""),
        ("exempt", "franchise", buyer(), ""),
        ("reverse_charge", "standard", buyer(siren=house.siren(1)), ""),
        ("reverse_charge", "standard", buyer(), "party.vat_number"),
        ("intra_eu", "standard", buyer("DE", vat_number="DE136695976"), ""),
        ("intra_eu", "standard", buyer("GR", vat_number="EL094259216"), ""),
        ("intra_eu", "standard", buyer("DE"), "party.vat_number"),
        ("intra_eu", "standard", buyer("CH", vat_number="CHE107787577"), "party.vat_number"),
        ("intra_eu", "standard", buyer(vat_number="FR44732829320"), "party.vat_number"),
        ("export", "standard", buyer("CH"), ""),
        ("export", "standard", buyer("DE"), "party.address.country"),
        ("export", "standard", buyer("GR"), "party.address.country"),
    ],
)
def test_a_treatment_asks_what_the_law_asks_of_both_sides(treatment, regime, who, place):
    found = vat.party_faults(treatment, regime, "FR", who)
    assert [where for where, _ in found] == ([place] if place else [])
