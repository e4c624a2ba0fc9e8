"""Exact money: the only place where an amount is rounded.

Every amount is a decimal.Decimal from its first character to its last. An amount of
money has the two decimals of the euro cent; quantities and unit prices have up to four
decimals; a VAT rate has two.

Worked example, EN 16931 BT-131: 3 x 9.995 = 29.985, which rounds half up to 29.99.
"""

from collections.abc import Iterable, Sequence
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
    localcontext,
)
from functools import lru_cache

from lib.core.messages import Message, figure

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

_MANY = 100_000  # amounts kept as read and as written: most come again every month

# Wide enough for every product of two inputs (13 digits each), and loud beyond that.
_EXACT = Context(prec=60, traps=[InvalidOperation, Inexact])
_ROUND = Context(prec=60, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


def round_half_up(value: Decimal) -> Decimal:
    """The amount of money nearest to `value`, halves away from zero: 29.985 -> 29.99."""
    return value.quantize(CENT, context=_ROUND)


def product(*factors: Decimal) -> Decimal:
    """The exact product, before any rounding.

    Raises:
      decimal.Inexact: if 60 digits do not hold it, which no valid input can cause.
    """
    result = Decimal(1)
    for factor in factors:
        result = _EXACT.multiply(result, factor)
    return result


def line_net(quantity: Decimal, unit_price: Decimal, discount: Decimal = ZERO) -> Decimal:
    """BT-131: `quantity` x `unit_price`, rounded half up, - `discount`.

    A discount, which has whole cents, may reach the rounded amount: 3 x 9.995 - 29.99 is 0.00.
    """
    return round_half_up(_EXACT.multiply(quantity, unit_price)) - discount


def ratio_of(amount: Decimal, part: Decimal | int, whole: Decimal | int) -> Decimal:
    """`amount` x `part` / `whole`, rounded half up once, at the end.

    Example: 17 of the 31 days of 49.00 are 26.87 (26.870967...).
    """
    return round_half_up(_ROUND.divide(product(amount, Decimal(part)), Decimal(whole)))


def quotient(amount: Decimal, parts: Decimal, decimals: int) -> Decimal:
    """`amount` / `parts` with so many decimals, rounded half up."""
    exact = _ROUND.divide(amount, parts)
    return exact.quantize(Decimal(1).scaleb(-decimals), context=_ROUND)


def percentage_of(amount: Decimal, percent: Decimal) -> Decimal:
    """`percent` per cent of `amount`, rounded half up: 20 % of 12.34 is 2.47 (2.468)."""
    return ratio_of(amount, percent, 100)


def percentage_within(amount: Decimal, percent: Decimal) -> Decimal:
    """What was added as `percent` per cent to come to `amount`, rounded half up.

    Example: 9.99 with VAT at 20 % holds 1.67 (1.665) of it.
    """
    return ratio_of(amount, percent, 100 + percent)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum of amounts of money; 0.00 for none."""
    with localcontext(_EXACT):
        return sum(amounts, ZERO)


def share_out(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Splits `amount` in proportion to `weights` so that the parts add up to it exactly.

    Each part is first cut down to the cent; the cents left over go, one each, to the
    parts that lost most, the earlier one first where two lost the same.

    Example: 10.00 over the weights 1, 1, 1 gives 3.34, 3.33, 3.33.

    Args:
      amount: not negative, in cents.
      weights: not negative, not all zero.
    """
    if len(weights) == 1:
        return [round_half_up(amount)]
    whole = total(weights)
    exact = [_ROUND.divide(product(amount, weight), whole) for weight in weights]
    parts = [value.quantize(CENT, rounding=ROUND_DOWN, context=_ROUND) for value in exact]
    left_over = int(product(amount - total(parts), Decimal(100)))
    by_loss = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_loss[:left_over]:
        parts[i] += CENT
    return parts


def plain(value: Decimal, decimals: int = 0) -> str:
    """`value` as files carry it: no exponent, no superfluous zero, `decimals` at the least.

    Example: plain(Decimal("12.5000"), 2) is "12.50"; plain(Decimal("137.0")) is "137".
    """
    text = format(value, "f")
    whole, _, fraction = text.partition(".")
    if len(fraction) == decimals:
        return text
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{fraction}" if fraction else whole


def shown(value: Decimal, decimals: int = 2) -> Message:
    """`value` as a person reads it, by the decimal sign of the language."""
    return figure(plain(value, decimals))


# --- whole cents ---------------------------------------------------------------------


def cents(amount: Decimal) -> int:
    """12.50 is 1250.

    Raises:
      ValueError: if it has a fraction of a cent.
    """
    value = amount.scaleb(2)
    if value != int(value):
        raise ValueError(f"{amount} has a fraction of a cent")
    return int(value)


@lru_cache(_MANY)
def cents_of(text: str) -> int:
    """Whole cents of an amount as records write it: "12.50" is 1250, and so is "12.5".

    Raises:
      ValueError: if it has a fraction of a cent.
    """
    whole, _, fraction = text.partition(".")
    if len(fraction) > 2:
        raise ValueError(f"{text!r} has a fraction of a cent")
    return int(whole + fraction.ljust(2, "0"))


def in_euros(amount: int) -> Decimal:
    """1250 is 12.50."""
    return Decimal(amount).scaleb(-2)


@lru_cache(_MANY)
def text_of(amount: int) -> str:
    """1250 is "12.50", -5 is "-0.05"."""
    whole, rest = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:02d}"
