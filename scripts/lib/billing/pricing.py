"""What a plan costs for a period: the only place where a price is computed.

Pure: a plan, a period and measured quantities in, lines and allowances out. The rules:

1. Charges, one small function for each model below. A line's net is its quantity x its
   unit price, rounded half up, - its discount.
2. Pro rata: what is a price for a period is charged for the days of service out of the
   days of the whole period, rounded once. That is a flat price, the `fixed` part of a
   percentage or of a tier, the price of a package, the amount of a minimum and of a
   discount. Measured usage is not, since only days of service have any; nor are included
   units and the bounds of tiers, which are compared with that usage.
3. Discounts, in the order written, each on what the earlier ones left, never below zero.
4. The minimum: a line of its own for what is missing.

One-off lines come on top: they are neither discounted nor counted towards the minimum.

A tier holds the quantities above the `up_to` of the tier before it and up to its own,
that bound included; the first tier also holds 0, and the last has no bound. So the fee of
the first tier and the price of the first package are due without any usage, unless a tier
with `up_to` 0 comes before.

The unit of an item is the unit of its quantity, and of the 1 of a flat price or package.
Fees beside a quantity and the minimum are in ONE.

Plans and items are those of inputs/plans; which price of theirs holds was said by inputs/prices.
What of a plan falls due in a month was said by billing/plan_periods.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from lib.inputs.plans import (
    Category,
    Discount,
    Flat,
    Graduated,
    Item,
    Metered,
    Minimum,
    OneOffLine,
    Package,
    PackageTier,
    Percentage,
    PerUnit,
    Plan,
    Text,
    Tier,
    Volume,
    metrics_of,
)
from lib.inputs.prices import MissingIndex, Revised
from lib.values import money, spans
from lib.values.periods import Prorata, ServicePeriod, end_date, start_date
from lib.values.spans import Spans

ONE = "C62"  # UN/ECE Recommendation 20: one

# --- the charges ---------------------------------------------------------------------

Kind = Literal[
    "flat", "usage", "tier", "volume", "fixed", "package", "percentage", "minimum", "one_off"
]


class ChargeLine(Struct, frozen=True, kw_only=True):
    """A line to invoice, with what its wording needs.

    `kind` is "flat", "usage" (units beyond the included ones), "tier" (the units of one
    tier), "volume" (all units, at the price of one tier), "fixed" (a fee beside a quantity),
    "package", "percentage", "minimum" or "one_off".
    """

    kind: Kind
    plan: str = ""  # its id; empty for a one-off line
    item: str = ""  # id in the plan; empty for a minimum and a one-off line
    service: Spans = ()  # the days that it charges
    treatment: str = ""  # of VAT; empty: the client's
    revised: Revised | None = None  # on the first line of a price that is new
    description: Text
    details: Text = {}  # on the first line of an item
    metric: str = ""
    used: Decimal | None = None  # the whole measured quantity
    included: Decimal | None = None  # of `used`, free of charge; on "usage" where above 0
    tier_from: Decimal | None = None  # this bound excluded, unless it is 0
    tier_to: Decimal | None = None  # this bound included; None: no bound
    prorata: Prorata | None = None  # where the price is for a part of a period
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount: Decimal = money.ZERO
    discount_reason: Text = {}
    net: Decimal
    vat_rate: Decimal
    category: Category


class ChargeAllowance(Struct, frozen=True, kw_only=True):
    """A discount's part for one VAT rate and category; `amount` is above zero.

    `percent` and its `base` are None for a discount of an amount.
    """

    discount: str
    description: Text
    percent: Decimal | None = None
    base: Decimal | None = None
    amount: Decimal
    vat_rate: Decimal
    category: Category
    treatment: str = ""


class Charges(Struct, frozen=True, kw_only=True):
    """Lines in the order of the plan's items, the minimum last."""

    lines: tuple[ChargeLine, ...]
    allowances: tuple[ChargeAllowance, ...]


class MissingQuantity(NamedTuple):
    """A metric without a quantity, and the month that lacks it where the months are known."""

    metric: str
    month: str = ""

    def __str__(self) -> str:
        return f"{self.metric} ({self.month})" if self.month else self.metric


class MissingUsage(LookupError):
    """Metered items without a quantity, and prices without their index value; all of them."""

    def __init__(
        self, quantities: tuple[MissingQuantity, ...], indices: tuple[MissingIndex, ...] = ()
    ) -> None:
        super().__init__(f"no quantity for {', '.join(map(str, (*quantities, *indices)))}")
        self.quantities, self.indices = quantities, indices


class Served(NamedTuple):
    """An item of a part that falls due, at the price that holds, with its days and its usage."""

    item: Item
    days: Spans
    quantity: Decimal = Decimal(0)
    revised: Revised | None = None


class PlanPart(NamedTuple):
    """What of a plan's period falls due together: all of it, or what is billed in advance.

    `days` are those of the plan itself, which the minimum and discounts of an amount are for;
    `discounts` those that this part bears, `minimum` what the whole period comes to at least,
    and `elsewhere` what another part of the period is charged already.
    """

    plan: str
    period: ServicePeriod
    served: tuple[Served, ...]
    days: Spans
    discounts: tuple[Discount, ...] = ()
    minimum: Minimum | None = None
    elsewhere: Decimal = money.ZERO


def charge_part(part: PlanPart) -> Charges:
    """The charges of what falls due together.

    Raises:
      ValueError: if a quantity is negative.
    """
    lines: tuple[ChargeLine, ...] = ()
    for served in part.served:
        if served.quantity < 0:
            metric = "" if isinstance(served.item, Flat) else served.item.metric
            raise ValueError(f"the quantity of {metric} is negative: {served.quantity}")
        prorata = _prorata(served.days, part.period)
        treatment = served.item.vat.treatment if served.item.vat else ""
        for line in charge_item(served.item, served.quantity, prorata):
            own = replace(line, plan=part.plan, service=served.days, treatment=treatment)
            first = not lines or lines[-1].item != line.item
            if first:
                own = replace(own, revised=served.revised, details=served.item.details)
            lines += (own,)
    prorata = _prorata(part.days, part.period)
    discounts = [d for d in part.discounts if _applies(d, part.period.service.start)]
    allowances = allow_discounts(discounts, lines, prorata)
    if part.minimum is not None and part.days:
        charged = money.total(line.net for line in lines) + part.elsewhere
        allowed = money.total(allowance.amount for allowance in allowances)
        lines += tuple(
            replace(line, plan=part.plan, service=part.days)
            for line in charge_minimum(part.minimum, charged - allowed, prorata)
        )
    return Charges(lines=lines, allowances=allowances)


def charge_plan(
    plan: Plan, service_period: ServicePeriod, quantities: Mapping[str, Decimal]
) -> Charges:
    """The charges of a whole period of a plan whose items last as long as it does.

    Args:
      quantities: metric -> what was used in the period; metrics unknown to the plan are
        ignored.
    Raises:
      MissingUsage: if a metered item has no quantity; 0 has to be said.
      ValueError: if a quantity is negative.
    """
    missing = [metric for metric in metrics_of([plan]) if metric not in quantities]
    if missing:
        raise MissingUsage(tuple(map(MissingQuantity, missing)))
    days = (service_period.service,)
    served = tuple(
        Served(item, days, Decimal(0) if isinstance(item, Flat) else quantities[item.metric])
        for item in plan.items
    )
    return charge_part(
        PlanPart(plan.id, service_period, served, days, plan.discounts, plan.minimum)
    )


def _prorata(days: Spans, period: ServicePeriod) -> Prorata:
    return Prorata(spans.count(days), spans.count((period.whole,)))


def charge_one_offs(lines: Sequence[OneOffLine]) -> tuple[ChargeLine, ...]:
    """The one-off lines of usage files, in their order."""
    return tuple(
        ChargeLine(
            kind="one_off",
            description=line.description,
            details=line.details,
            quantity=line.quantity,
            unit=line.unit,
            unit_price=line.unit_price,
            discount=line.discount,
            discount_reason=line.discount_reason,
            net=money.line_net(line.quantity, line.unit_price, line.discount),
            vat_rate=line.vat_rate,
            category=line.category,
        )
        for line in lines
    )


# --- charge models -------------------------------------------------------------------


def charge_item(item: Item, quantity: Decimal, prorata: Prorata) -> tuple[ChargeLine, ...]:
    """The lines of one item; `quantity` means nothing to a flat price."""
    match item:
        case Flat():
            return charge_flat(item, prorata)
        case PerUnit():
            return charge_per_unit(item, quantity)
        case Graduated():
            return charge_graduated(item, quantity, prorata)
        case Volume():
            return charge_volume(item, quantity, prorata)
        case Package():
            return charge_package(item, quantity, prorata)
        case Percentage():
            return charge_percentage(item, quantity, prorata)


def charge_flat(item: Flat, prorata: Prorata) -> tuple[ChargeLine, ...]:
    """A price for a period, whatever is used.

    Example: {"charge": "flat", "price": "49.00"}
      30 of 30 days:
        1 x 49.00 = 49.00
      17 of 31 days:
        1 x 26.87 = 26.87
    """
    return (_period_line("flat", item, item.unit, _known(item.price), prorata),)


def charge_per_unit(item: PerUnit, quantity: Decimal) -> tuple[ChargeLine, ...]:
    """Each unit beyond the included ones; included units are not prorated.

    Example: {"charge": "per_unit", "unit_price": "0.1250", "included": "100"}
      137 used:
        37 x 0.1250 = 4.63
      100 used:
        0 x 0.1250 = 0.00
      137 used in 17 of 31 days:
        37 x 0.1250 = 4.63
    """
    beyond = max(quantity - item.included, Decimal(0))
    line = _usage_line("usage", item, quantity, beyond, _known(item.unit_price))
    return (replace(line, included=item.included or None),)


def charge_graduated(
    item: Graduated, quantity: Decimal, prorata: Prorata
) -> tuple[ChargeLine, ...]:
    """Each unit at the price of its tier; the fee of every tier that is reached.

    Example: {"charge": "graduated", "tiers": [{"up_to": "100", "unit_price": "0.50"},
                                               {"unit_price": "0.30", "fixed": "10.00"}]}
      0 used:
        0 x 0.50 = 0.00
      100 used:
        100 x 0.50 = 50.00
      150 used:
        100 x 0.50 = 50.00
        50 x 0.30 = 15.00
        1 x 10.00 = 10.00
      150 used in 15 of 30 days:
        100 x 0.50 = 50.00
        50 x 0.30 = 15.00
        1 x 5.00 = 5.00
    """
    reached = _tier_of(item.tiers, quantity)
    lines: list[ChargeLine] = []
    for i, tier in enumerate(item.tiers[: reached + 1]):
        above = _lower_bound(item.tiers, i)
        inside = (quantity if i == reached else tier.up_to or Decimal(0)) - above
        # A first tier up to 0 holds no unit once something was used.
        if inside or not quantity:
            line = _usage_line("tier", item, quantity, inside, tier.unit_price)
            lines.append(replace(line, tier_from=above, tier_to=tier.up_to))
        lines.extend(_tier_fee(item, i, quantity, prorata))
    return tuple(lines)


def charge_volume(item: Volume, quantity: Decimal, prorata: Prorata) -> tuple[ChargeLine, ...]:
    """All units at the price of the tier that the quantity falls in, and its fee alone.

    Example: {"charge": "volume", "tiers": [{"up_to": "100", "unit_price": "0.50"},
                                            {"unit_price": "0.30", "fixed": "10.00"}]}
      100 used:
        100 x 0.50 = 50.00
      101 used:
        101 x 0.30 = 30.30
        1 x 10.00 = 10.00
      101 used in 15 of 30 days:
        101 x 0.30 = 30.30
        1 x 5.00 = 5.00
    """
    i = _tier_of(item.tiers, quantity)
    tier = item.tiers[i]
    line = _usage_line("volume", item, quantity, quantity, tier.unit_price)
    line = replace(line, tier_from=_lower_bound(item.tiers, i), tier_to=tier.up_to)
    return (line, *_tier_fee(item, i, quantity, prorata))


def charge_package(item: Package, quantity: Decimal, prorata: Prorata) -> tuple[ChargeLine, ...]:
    """The price of the tier that the quantity falls in.

    The price is for a period and is prorated; the quantity as it is decides on the tier.

    Example: {"charge": "package", "tiers": [{"up_to": "100", "price": "40.00"},
                                             {"up_to": "500", "price": "90.00"},
                                             {"price": "150.00"}]}
      0 used:
        1 x 40.00 = 40.00
      500 used:
        1 x 90.00 = 90.00
      500.5 used:
        1 x 150.00 = 150.00
      500 used in 10 of 30 days:
        1 x 30.00 = 30.00
    """
    i = _tier_of(item.tiers, quantity)
    tier = item.tiers[i]
    line = _period_line("package", item, item.unit, tier.price, prorata)
    above = _lower_bound(item.tiers, i)
    return (replace(line, used=quantity, tier_from=above, tier_to=tier.up_to),)


def charge_percentage(
    item: Percentage, quantity: Decimal, prorata: Prorata
) -> tuple[ChargeLine, ...]:
    """A share of an amount of money, as a quantity of that money at rate / 100 a unit.

    Example: {"charge": "percentage", "rate": "2.75", "fixed": "15.00"}
      1234.56 used:
        1234.56 x 0.0275 = 33.95
        1 x 15.00 = 15.00
      0 used in 10 of 30 days:
        0 x 0.0275 = 0.00
        1 x 5.00 = 5.00
    """
    lines = [_usage_line("percentage", item, quantity, quantity, item.rate.scaleb(-2))]
    if item.fixed:
        lines.append(_period_line("fixed", item, ONE, item.fixed, prorata))
    return tuple(lines)


def _known(price: Decimal | None) -> Decimal:
    if price is None:
        raise ValueError("which price of the list holds was not looked up")
    return price


def _usage_line(
    kind: Kind, item: Metered, used: Decimal, quantity: Decimal, unit_price: Decimal
) -> ChargeLine:
    return ChargeLine(
        kind=kind,
        item=item.id,
        description=item.description,
        metric=item.metric,
        used=used,
        quantity=quantity,
        unit=item.unit,
        unit_price=unit_price,
        net=money.line_net(quantity, unit_price),
        vat_rate=item.vat_rate,
        category=item.category,
    )


def _period_line(kind: Kind, item: Item, unit: str, price: Decimal, prorata: Prorata) -> ChargeLine:
    amount = _for_period(price, prorata)
    return ChargeLine(
        kind=kind,
        item=item.id,
        description=item.description,
        metric="" if isinstance(item, Flat) else item.metric,
        prorata=_if_partial(prorata),
        quantity=Decimal(1),
        unit=unit,
        unit_price=amount,
        net=money.line_net(Decimal(1), amount),
        vat_rate=item.vat_rate,
        category=item.category,
    )


def _tier_fee(
    item: Graduated | Volume, i: int, used: Decimal, prorata: Prorata
) -> tuple[ChargeLine, ...]:
    tier = item.tiers[i]
    if not tier.fixed:
        return ()
    line = _period_line("fixed", item, ONE, tier.fixed, prorata)
    above = _lower_bound(item.tiers, i)
    return (replace(line, used=used, tier_from=above, tier_to=tier.up_to),)


def _tier_of(tiers: Sequence[Tier] | Sequence[PackageTier], quantity: Decimal) -> int:
    """The index of the tier that `quantity` falls in: its bound is in it."""
    bounds = (tier.up_to for tier in tiers)
    return next(i for i, bound in enumerate(bounds) if bound is None or quantity <= bound)


def _lower_bound(tiers: Sequence[Tier] | Sequence[PackageTier], i: int) -> Decimal:
    return (tiers[i - 1].up_to if i else None) or Decimal(0)


def _for_period(price: Decimal, prorata: Prorata) -> Decimal:
    # A whole period keeps a price of up to four decimals as it is written.
    if prorata.days == prorata.of_days:
        return price
    return money.ratio_of(price, prorata.days, prorata.of_days)


def _if_partial(prorata: Prorata) -> Prorata | None:
    return None if prorata.days == prorata.of_days else prorata


# --- discounts and the minimum -------------------------------------------------------


def _applies(discount: Discount, service_start: date) -> bool:
    begins = start_date(discount.start) if discount.start else date.min
    ends = end_date(discount.end) if discount.end else date.max
    return begins <= service_start <= ends


def allow_discounts(
    discounts: Sequence[Discount], lines: Sequence[ChargeLine], prorata: Prorata
) -> tuple[ChargeAllowance, ...]:
    """The allowances of the discounts, in their order, each on what the earlier ones left.

    EN 16931 BG-20 has one VAT rate and category: a percentage becomes one allowance for each
    of them among the items that it is limited to; an amount is prorated, capped at
    what is left of those items, and shared out in proportion to it.

    What is left is kept for each item, so that a discount limited to some items finds what
    the earlier ones left of these; an allowance is shared out over the items it comes from.

    Example: lines of 60.00 at 20 % and 40.00 at 10 %
      10 %, then 9.00:
        6.00 at 20 %
        4.00 at 10 %
        5.40 at 20 %
        3.60 at 10 %
      120.00, then 10 %:
        60.00 at 20 %
        40.00 at 10 %
    """
    left: dict[str, Decimal] = {}
    groups: dict[tuple[Decimal, Category, str], list[str]] = {}
    for line in lines:
        if line.item not in left:
            left[line.item] = money.ZERO
            group = (line.vat_rate, line.category, line.treatment)
            groups.setdefault(group, []).append(line.item)
        left[line.item] += line.net

    allowances: list[ChargeAllowance] = []
    for discount in discounts:
        limited = {
            group: [item for item in items if not discount.items or item in discount.items]
            for group, items in groups.items()
        }
        bases = [money.total(left[item] for item in items) for items in limited.values()]
        amounts = _discount_amounts(discount, bases, prorata)
        for (group, items), base, amount in zip(limited.items(), bases, amounts, strict=True):
            if not amount:
                continue
            parts = money.share_out(amount, [left[item] for item in items])
            for item, part in zip(items, parts, strict=True):
                left[item] -= part
            vat_rate, category, treatment = group
            allowances.append(
                ChargeAllowance(
                    discount=discount.id,
                    description=discount.description,
                    percent=discount.percent,
                    base=None if discount.percent is None else base,
                    amount=amount,
                    vat_rate=vat_rate,
                    category=category,
                    treatment=treatment,
                )
            )
    return tuple(allowances)


def _discount_amounts(
    discount: Discount, bases: Sequence[Decimal], prorata: Prorata
) -> list[Decimal]:
    if discount.percent is not None:
        return [money.percentage_of(base, discount.percent) for base in bases]
    wanted = _for_period(discount.amount or money.ZERO, prorata)
    amount = min(wanted, money.total(bases))
    return money.share_out(amount, bases) if amount else [money.ZERO for _ in bases]


def charge_minimum(minimum: Minimum, charged: Decimal, prorata: Prorata) -> tuple[ChargeLine, ...]:
    """One line for what is missing to the minimum, none where it is reached.

    `charged` is net of discounts. The minimum is prorated first.

    Example: {"amount": "50.00"}
      42.50 charged:
        1 x 7.50 = 7.50
      50.00 charged:
        nothing
      12.00 charged in 15 of 30 days:
        1 x 13.00 = 13.00
    """
    missing = _for_period(minimum.amount, prorata) - charged
    if missing <= 0:
        return ()
    line = ChargeLine(
        kind="minimum",
        description=minimum.description,
        prorata=_if_partial(prorata),
        quantity=Decimal(1),
        unit=ONE,
        unit_price=missing,
        net=money.line_net(Decimal(1), missing),
        vat_rate=minimum.vat_rate,
        category=minimum.category,
    )
    return (line,)
