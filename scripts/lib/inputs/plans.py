"""Plans as data: what a client has ordered, from when to when, at which prices.

Pure: Structs that msgspec reads from a client's file, with the checks that JSON Schema
cannot express in __post_init__; msgspec.convert reports them with their place in the file.
Items are Structs too, because `charge` selects the type of an item, and msgspec reads such unions
into Structs only.

A price is a number, or a list of steps in time, each a price of its own, a percentage on the
price before it, or an index:

    "price": "49.00"
    "prices": [{"from": "2026-01", "price": "49.00"},
               {"from": "2027-01", "percent": "3.0"},
               {"from": "2028-01", "index": "syntec", "base": "2026-08", "at": "2027-08"}]

inputs/prices says which one holds.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from lib.core.messages import say
from lib.values import money
from lib.values.document import Period
from lib.values.periods import end_date, start_date

Category = Literal["goods", "services"]
Text = dict[str, str]  # language -> words


class PaymentTerms(Struct, frozen=True, kw_only=True):
    """Days from the date of issue, then to the end of the month where `end_of_month`."""

    days: int
    end_of_month: bool = False


class Vat(Struct, frozen=True, kw_only=True):
    """`treatment` is one of the table in values/vat; the rest belongs to `exempt`."""

    treatment: str
    exemption_code: str = ""
    exemption_reason: str = ""


class PriceStep(Struct, frozen=True, kw_only=True, rename={"since": "from"}):
    """What holds for the periods that begin on `since` (a month or a date) or later.

    Exactly one of `price`, `percent` (of the price before) and `index`; an index goes with the
    months of its values, `base` and `at`: the price before x value at `at` / value at `base`.
    """

    since: str
    price: Decimal | None = None
    percent: Decimal | None = None
    index: str = ""
    base: str = ""
    at: str = ""


class Tier(Struct, frozen=True, kw_only=True):
    """`fixed` is a price for a period, due once if the tier is reached."""

    up_to: Decimal | None = None
    unit_price: Decimal
    fixed: Decimal = money.ZERO


class PackageTier(Struct, frozen=True, kw_only=True):
    """`price` is the price of a period whose quantity falls in this tier."""

    up_to: Decimal | None = None
    price: Decimal


class _Item(Struct, frozen=True, kw_only=True, tag_field="charge"):
    """`start` and `end` are a month or a date; empty: those of the plan."""

    id: str
    description: Text
    details: Text = {}  # beneath it, in one line or several
    vat_rate: Decimal  # per cent
    unit: str  # UN/ECE Recommendation 20
    category: Category = "services"
    start: str = ""
    end: str = ""
    vat: Vat | None = None  # None: the client's


class Flat(_Item, frozen=True, kw_only=True, tag="flat"):
    """A price for a period."""

    price: Decimal | None = None  # None: `prices` has it
    prices: tuple[PriceStep, ...] = ()

    def __post_init__(self) -> None:
        _check_prices(self.price, self.prices, "price")


class PerUnit(_Item, frozen=True, kw_only=True, tag="per_unit"):
    """A price for each unit beyond the included ones."""

    metric: str
    unit_price: Decimal | None = None  # None: `prices` has it
    prices: tuple[PriceStep, ...] = ()
    included: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        _check_prices(self.unit_price, self.prices, "unit_price")


class Graduated(_Item, frozen=True, kw_only=True, tag="graduated"):
    """Each unit at the price of the tier that it falls in."""

    metric: str
    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        _check_tiers(self.tiers)


class Volume(_Item, frozen=True, kw_only=True, tag="volume"):
    """All units at the price of the tier that the whole quantity falls in."""

    metric: str
    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        _check_tiers(self.tiers)


class Package(_Item, frozen=True, kw_only=True, tag="package"):
    """One price for any quantity that falls in a tier."""

    metric: str
    tiers: tuple[PackageTier, ...]

    def __post_init__(self) -> None:
        _check_tiers(self.tiers)


class Percentage(_Item, frozen=True, kw_only=True, tag="percentage"):
    """A share of an amount of money, `rate` in per cent, and a fixed price for a period."""

    metric: str
    rate: Decimal
    fixed: Decimal = money.ZERO


Metered = PerUnit | Graduated | Volume | Package | Percentage
Item = Flat | Metered


class Minimum(Struct, frozen=True, kw_only=True):
    """What the charges of a whole period, net of discounts, come to at least."""

    amount: Decimal
    vat_rate: Decimal
    category: Category = "services"
    description: Text = {}


class Discount(Struct, frozen=True, kw_only=True):
    """A percentage, or an amount for a period, off the charges of `items` (empty: of all).

    It applies to the periods whose service begins within start..end; each is a month or a
    date, and may be empty.
    """

    id: str
    description: Text
    percent: Decimal | None = None
    amount: Decimal | None = None
    start: str = ""
    end: str = ""
    items: tuple[str, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """What a client has ordered; `start` and `end` are a month or a date.

    `skip` are months that are never billed; `notice_days` how long before its end, or before
    its next period begins, notice can still be given. The terms are those of its invoices where
    they differ from the client's.
    """

    id: str
    start: str
    end: str = ""
    every_months: int
    billed: Literal["arrears", "advance"] = "arrears"
    items: tuple[Item, ...]
    minimum: Minimum | None = None
    discounts: tuple[Discount, ...] = ()
    skip: tuple[str, ...] = ()
    notice_days: int | None = None
    purchase_order: str = ""
    buyer_reference: str = ""
    subject: Text = {}
    payment_terms: PaymentTerms | None = None

    def __post_init__(self) -> None:
        ids = [item.id for item in self.items]
        twice = [item_id for item_id, count in Counter(ids).items() if count > 1]
        if twice:
            raise ValueError(say("two items have the id {id}: rename one", id=twice[0]))
        for discount in self.discounts:
            unknown = [item_id for item_id in discount.items if item_id not in ids]
            if unknown:
                raise ValueError(
                    say(
                        "discount {discount}: the plan has no item {item}",
                        discount=discount.id,
                        item=unknown[0],
                    )
                )


def _check_prices(price: Decimal | None, steps: Sequence[PriceStep], name: str) -> None:
    if (price is None) == (not steps):
        raise ValueError(say('an item has either "{name}" or "prices"', name=name))


def _check_tiers(tiers: Sequence[Tier] | Sequence[PackageTier]) -> None:
    bounds = [tier.up_to for tier in tiers if tier.up_to is not None]
    if not tiers or tiers[-1].up_to is not None or len(bounds) < len(tiers) - 1:
        raise ValueError(say("tiers: the last one, and no other, goes without up_to"))
    for below, bound in pairwise(bounds):
        if bound <= below:
            raise ValueError(
                say(
                    "tiers: up_to {bound} is not above the {below} before it",
                    bound=str(bound),
                    below=str(below),
                )
            )


# --- days ----------------------------------------------------------------------------


def dates_of(plan: Plan) -> Period:
    """The first and the last day of a plan; the last one of the calendar without an end."""
    return Period(start=start_date(plan.start), end=end_date(plan.end) if plan.end else date.max)


def dates_of_item(plan: Plan, item: Item) -> Period | None:
    """The first and the last day of an item's service; None where it has none in the plan."""
    start, end = dates_of(plan).start, dates_of(plan).end
    if item.start:
        start = max(start, start_date(item.start))
    if item.end:
        end = min(end, end_date(item.end))
    return Period(start=start, end=end) if start <= end else None


def metrics_of(plans: Sequence[Plan]) -> tuple[str, ...]:
    """The metrics that the items of plans measure, each once, in their order."""
    return tuple(
        dict.fromkeys(
            item.metric for plan in plans for item in plan.items if not isinstance(item, Flat)
        )
    )


def steps_of(item: Item) -> tuple[PriceStep, ...]:
    """The price list of an item; empty where it has one price."""
    return item.prices if isinstance(item, Flat | PerUnit) else ()


def each_item(plans: Sequence[Plan]) -> Iterator[tuple[Plan, Item]]:
    """Every item with its plan."""
    for plan in plans:
        for item in plan.items:
            yield plan, item


# --- one-off lines -------------------------------------------------------------------


class OneOffLine(Struct, frozen=True, kw_only=True):
    """A line of a usage file; `discount` is an amount off this line."""

    description: Text
    details: Text = {}  # beneath it, in one line or several
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount: Decimal = money.ZERO
    discount_reason: Text = {}
    vat_rate: Decimal
    category: Category = "services"

    def __post_init__(self) -> None:
        if self.discount and money.line_net(self.quantity, self.unit_price, self.discount) < 0:
            raise ValueError(say("the discount is more than quantity x unit price, rounded"))
