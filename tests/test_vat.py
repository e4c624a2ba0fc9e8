"""VAT: computed on sums, at rates in force, under treatments that the law allows."""

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import house
from lib.values import vat
from lib.values.document import Address, Allowance, Line, Party

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


def party(country: str, postcode: str = "", **more: Any) -> Party:
    address = Address(lines=("1 rue X",), city="X", country=country, postcode=postcode)
    return Party(name="X", address=address, **more)


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
        ("outside_eu", "20", "FR", 'is refused under treatment outside_eu; write "0"'),
        ("standard", "19", "MC", "is not a rate in force in France"),
    ],
)
def test_a_rate_goes_with_its_treatment(treatment, rate, country, said):
    fault = vat.rate_fault("vat_rate", treatment, Decimal(rate), party(country))
    assert fault is None or said in fault.text
    assert bool(said) == bool(fault)


SELLER = party("FR", "44000", siren=house.siren(0), vat_number=house.vat_number(house.siren(0)))


@pytest.mark.parametrize(
    ("sold", "buyer", "rate", "elsewhere"),
    [
        ("services", party("FR", "44000"), "20", ""),
        ("services", party("FR", "44000"), "8.5", "France"),
        ("services", party("FR", "20000"), "13", ""),
        ("services", party("FR", "44000"), "13", "France"),
        ("goods", party("FR", "20000"), "0.9", ""),
        ("services", party("RE", "97400"), "8.5", ""),
        ("services", party("RE", "97400"), "20", "La Réunion"),
        ("services", party("FR", "97100"), "20", "Guadeloupe and Martinique"),
        ("services", party("RE", "97400", person=True), "20", ""),
        ("services", party("MC", "98000"), "20", ""),
        ("services", party("US"), "20", ""),
    ],
)
def test_a_rate_of_another_place_is_reported(sold, buyer, rate, elsewhere):
    law = vat.law_of(sold, SELLER, "standard", buyer)
    fault = vat.rate_notice("vat_rate", Decimal(rate), law)
    assert fault is None or f'"{rate}" is not a rate of {elsewhere}; they are ' in fault.text
    assert bool(fault) == bool(elsewhere)


@pytest.mark.parametrize(
    ("buyer", "code", "bar"),
    [
        (party("FR", "44000", siren=house.siren(1)), "", "B2B"),
        (party("RE", "97400", siren=house.siren(1)), "", "B2B"),
        (party("GF", "97300", siren=house.siren(1)), "", "B2BINT"),
        (party("MC", "98000", vat_number="FR53000004605"), "", "B2BINT"),
        (party("DE", vat_number="DE136695976"), "", "B2BINT"),
        (party("FR", "44000", person=True), "", "B2C"),
        (party("FR", "44000", taxable=False), "", "B2C"),
        (party("FR", "44000", taxable=False, siren=house.siren(1)), "", "B2C"),
        (party("FR", "44000", taxable=False, siren="217500016"), "", "B2B"),
        (party("GF", "97300", taxable=False, siren="217500016"), "", "B2CINT"),
        (party("MC", "98000", person=True), "", "B2C"),
        (party("US", person=True), "", "B2CINT"),
        (party("DE", taxable=False), "", "B2CINT"),
        (party("FR", "44000", siren=house.siren(1)), "VATEX-FR-CGI261-4", "OUTOFSCOPE"),
        (party("FR", "44000", person=True), "VATEX-FR-CGI261D-2", "OUTOFSCOPE"),
        (party("FR", "44000", person=True), "VATEX-EU-132-1I", "OUTOFSCOPE"),
        (party("FR", "44000", siren=house.siren(1)), "VATEX-FR-FRANCHISE", "B2B"),
        (party("FR", "44000", siren=house.siren(1)), "VATEX-FR-CGI275", "B2B"),
    ],
)
def test_the_reform_asks_of_an_invoice_what_its_buyer_is(buyer, code, bar):
    exemptions = {"E": vat.Exemption(code, "x")}
    subtotals = vat.breakdown([line("1.00", "0", "E")], [], exemptions)
    assert vat.audience(buyer, subtotals) == bar


def test_a_taxed_line_beside_an_exempt_one_is_in_the_scope_of_the_reform():
    exemptions = {"E": vat.Exemption("VATEX-FR-CGI261-4", "x")}
    subtotals = vat.breakdown([line("1.00", "0", "E"), line("1.00")], [], exemptions)
    assert vat.audience(party("FR", siren=house.siren(1)), subtotals) == "B2B"


PLACES = st.tuples(
    st.sampled_from(["FR", "MC", "RE", "GF", "NC", "DE", "ES", "GB", "XI", "CH", "US", "AX"]),
    st.sampled_from(["", "44000", "20000", "97200", "97600", "35001", "BT1 5GS", "N1 9GU"]),
)
NUMBERS = st.sampled_from(
    ["", "DE136695976", "FR53000004605", "XI110305878", "CHE1", "EL094259216"]
)


@given(
    PLACES,
    PLACES,
    st.none() | PLACES,
    NUMBERS,
    NUMBERS,
    st.sampled_from(["standard", "franchise"]),
    st.sampled_from(["business", "person", "body"]),
    st.sets(st.sampled_from(["goods", "services"]), min_size=1),
)
def test_what_a_refusal_says_is_right_is_taken(
    home, at, delivered, own, number, regime, who, kinds
):
    """A remedy taken literally leads to something that is accepted, or to what is missing."""
    country, postcode = delivered or ("", "")
    place = Address(lines=("x",), city="X", country=country, postcode=postcode)
    seller = party(*home, vat_number=own)
    buyer = party(
        *at,
        vat_number=number if who == "business" else "",
        person=who == "person",
        taxable=who != "body",
        delivery_address=place if delivered else None,
    )
    for treatment in (
        "standard",
        "franchise",
        "reverse_charge",
        "intra_eu",
        "export",
        "outside_eu",
    ):
        for fault in vat.treatment_faults(treatment, frozenset(kinds), seller, regime, buyer):
            if fault.right and "invoice them apart" not in str(fault.rule):
                again = vat.treatment_faults(fault.right, frozenset(kinds), seller, regime, buyer)
                assert not any(one.right for one in again), (treatment, fault, again)
    for sold in kinds:
        law = vat.law_of(sold, seller, regime, buyer)
        right = vat.treatment_faults(law.right, frozenset({sold}), seller, regime, buyer)
        assert not any(one.right for one in right), (law, right)
        if law.right == "outside_eu":
            overseas = law.place.state == "FR" and not law.place.rates  # art. 294 CGI
            assert sold == "services" and (who == "business" or overseas)
        if law.right == "export":
            assert sold == "goods"
        if vat.category_of(law.right, sold) == "K":
            assert regime == "standard" and who == "business" and law.place.eu_goods


@pytest.mark.parametrize(
    ("code", "seller", "said"),
    [
        ("VATEX-FR-CGI261-4", SELLER, ""),
        ("VATEX-EU-132-1I", party("DE"), ""),
        ("VATEX-EU-G", SELLER, "stands with treatment export alone"),
        ("VATEX-FR-FRANCHISE", SELLER, "stands with treatment franchise alone"),
        ("VATEX-FR-CGI261-4", party("DE"), "is of French law, and the seller is in Germany"),
        ("VATEX-FR-CGI261-4", party("RE", "97400"), ""),
    ],
)
def test_an_exemption_has_a_code_of_the_seller_s_law(code, seller, said):
    fault = vat.exemption_fault(code, seller)
    assert bool(fault) == bool(said)
    assert fault is None or str(fault).endswith(said)
