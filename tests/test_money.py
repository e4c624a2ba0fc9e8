"""Exact money, against integer arithmetic."""

from decimal import Decimal, Inexact
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.values import money

CENTS = st.integers(0, 10**11).map(lambda i: Decimal(i).scaleb(-2))
FINE = st.integers(-(10**13), 10**13).map(lambda i: Decimal(i).scaleb(-4))


def cents_half_up(value: Fraction) -> int:
    """Cents, halves away from zero."""
    size = floor(abs(value) * 100 + Fraction(1, 2))
    return size if value >= 0 else -size


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("29.985", "29.99"), ("0.005", "0.01"), ("-0.005", "-0.01"), ("2.675", "2.68"), ("1", "1.00")],
)
def test_halves_round_away_from_zero(value, rounded):
    assert str(money.round_half_up(Decimal(value))) == rounded


@given(FINE, FINE)
def test_a_product_is_exact_and_rounded_once(quantity, price):
    exact = Fraction(quantity) * Fraction(price)
    assert Fraction(money.product(quantity, price)) == exact
    rounded = money.round_half_up(money.product(quantity, price))
    assert Fraction(rounded) * 100 == cents_half_up(exact)


def test_a_product_that_cannot_be_held_is_loud():
    with pytest.raises(Inexact):
        money.product(*[Decimal("1.000000000000000000000000000001")] * 3)


@given(CENTS, st.integers(1, 400), st.integers(1, 400))
def test_a_part_of_an_amount_is_rounded_once(amount, part, whole):
    expected = cents_half_up(Fraction(amount) * part / whole)
    assert Fraction(money.ratio_of(amount, part, whole)) * 100 == expected


@given(CENTS, st.lists(CENTS, min_size=1, max_size=8).filter(any))
def test_shares_add_up_and_stay_within_a_cent_of_what_is_due(amount, weights):
    parts = money.share_out(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        due = Fraction(amount) * Fraction(weight) / Fraction(sum(weights))
        assert abs(Fraction(part) - due) < Fraction(1, 100)
        assert weight or not part


def test_left_over_cents_go_to_the_parts_that_lost_most_the_earlier_first():
    shares = money.share_out(Decimal("10.00"), [Decimal(1)] * 3)
    assert [str(share) for share in shares] == ["3.34", "3.33", "3.33"]
    shares = money.share_out(Decimal("0.10"), [Decimal(1), Decimal(2), Decimal(4)])
    assert [str(share) for share in shares] == ["0.01", "0.03", "0.06"]


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        ("12.5000", 2, "12.50"),
        ("137.0", 0, "137"),
        ("1E+3", 2, "1000.00"),
        ("0.0325", 2, "0.0325"),
        ("100", 0, "100"),
        ("0E-4", 2, "0.00"),
    ],
)
def test_files_carry_plain_numbers(value, decimals, text):
    assert money.plain(Decimal(value), decimals) == text
