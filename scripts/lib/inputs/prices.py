"""Prices in time: which price of an item holds in a period, and what it was before.

Pure. One rule: a price holds for the periods that begin on or after its date, until the next
one does. A percentage and an index apply to the price before them, rounded half up: a price
for a period to the cent, a unit price to four decimals.

    49.00 from 2026-01, 3.0 % from 2027-01: 50.47 for the periods that begin in 2027
    an index of 310.2 in 2026-08 and of 318.9 in 2027-08: 50.47 x 318.9 / 310.2 = 51.89
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from msgspec.structs import replace

from lib.inputs.plans import Flat, Item, PerUnit, PriceStep, steps_of
from lib.values.money import product
from lib.values.periods import start_date

_ROUND = Context(prec=60, rounding=ROUND_HALF_UP)
_PERIOD_PRICE, _UNIT_PRICE = Decimal("0.01"), Decimal("0.0001")


class Index(NamedTuple):
    """What an index is called, and its values by month."""

    title: str
    values: Mapping[str, Decimal]


Indices = Mapping[str, Index]  # by the names of their files


class MissingIndex(LookupError):
    """A value that a price needs: `index` names its file, `month` the value."""

    def __init__(self, index: str, month: str) -> None:
        super().__init__(f"the index {index} has no value for {month}")
        self.index, self.month = index, month


class Revised(NamedTuple):
    """A price that holds for the first time: the one before, the step, the index and its values."""

    before: Decimal
    step: PriceStep
    title: str = ""
    base: Decimal | None = None
    at: Decimal | None = None


def position(item: Item, begins: date) -> int:
    """Which step of the price list holds for a period that begins on a day; -1: none."""
    steps = steps_of(item)
    return sum(start_date(step.since) <= begins for step in steps) - 1


def price_at(item: Flat | PerUnit, at: int, indices: Indices) -> Decimal:
    """The price of a step of the list.

    Raises:
      MissingIndex: if a value that it needs is not there.
    """
    decimals = _PERIOD_PRICE if isinstance(item, Flat) else _UNIT_PRICE
    price = Decimal(0)
    for step in item.prices[: at + 1]:
        if step.price is not None:
            price = step.price
        elif step.percent is not None:
            raised = product(price, 100 + step.percent).scaleb(-2)
            price = raised.quantize(decimals, context=_ROUND)
        else:
            _, of, to = values_of(step, indices)
            price = _ROUND.divide(product(price, to), of).quantize(decimals, context=_ROUND)
    return price


def values_of(step: PriceStep, indices: Indices) -> tuple[str, Decimal, Decimal]:
    """What an index is called, and its values at its base and now.

    Raises:
      MissingIndex: for the first one that is not there.
    """
    known = indices.get(step.index, Index("", {}))
    for month in (step.base, step.at):
        if month not in known.values:
            raise MissingIndex(step.index, month)
    return known.title, known.values[step.base], known.values[step.at]


def priced(item: Item, begins: date, indices: Indices) -> Item:
    """The item with the one price that holds for a period that begins on a day.

    Raises:
      MissingIndex: as `price_at`.
      ValueError: if no price holds yet.
    """
    if not isinstance(item, Flat | PerUnit) or not item.prices:
        return item
    at = position(item, begins)
    if at < 0:
        raise ValueError(f"{item.id} has no price on {begins}")
    price = price_at(item, at, indices)
    if isinstance(item, Flat):
        return replace(item, price=price, prices=())
    return replace(item, unit_price=price, prices=())


def revised(item: Item, begins: date, before: date | None, indices: Indices) -> Revised | None:
    """What is new about the price of a period, if the one before had another.

    Args:
      before: the day on which the item's period before begins; None: this is the first.
    """
    if before is None or not isinstance(item, Flat | PerUnit) or not item.prices:
        return None
    now, then = position(item, begins), position(item, before)
    if now == then or then < 0:
        return None
    old, step = price_at(item, then, indices), item.prices[now]
    if old == price_at(item, now, indices):
        return None
    return Revised(old, step, *(values_of(step, indices) if step.index else ()))


def lacking(item: Item, begins: date, indices: Indices) -> Iterator[MissingIndex]:
    """Every index value that the price of a period needs and nobody wrote down."""
    for step in steps_of(item)[: position(item, begins) + 1]:
        if step.index:
            known = indices[step.index].values if step.index in indices else {}
            yield from (
                MissingIndex(step.index, month)
                for month in (step.base, step.at)
                if month not in known
            )


def missing(item: Item, begins: date, indices: Indices) -> MissingIndex | None:
    """The first index value that the price of a period lacks."""
    return next(lacking(item, begins, indices), None)
