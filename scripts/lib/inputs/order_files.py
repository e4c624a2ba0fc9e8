"""data/orders/<client>/<order>.json: what a client orders that is not a plan, and its steps

An order is invoiced in one piece, or by steps: deposits and milestones, which are shares of it,
and the final invoice, which is the rest. What an order and each of its steps come to is computed
here, by VAT rate and nature, so that steps that do not add up are refused before any is invoiced.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from lib.core.faults import Alert, Fault
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import input_files, plan_checks, schemas, usage_files, vat_checks
from lib.inputs.client_files import Client, ClientInput
from lib.inputs.input_files import Source
from lib.inputs.issuer_file import Issuer, IssuerInput
from lib.inputs.plans import Category, OneOffLine, PaymentTerms, Text
from lib.values import money

DEPOSIT = "deposit"
MILESTONE = "milestone"
FINAL = "final"


class OrderDiscount(Struct, frozen=True, kw_only=True):
    """A percentage, or an amount, off all lines of an order."""

    description: Text
    percent: Decimal | None = None
    amount: Decimal = money.ZERO


class Step(Struct, frozen=True, kw_only=True):
    """An invoice of an order: a share of it, some of its lines, or what is left."""

    id: str
    kind: Literal["deposit", "milestone", "final"]
    description: Text = {}
    percent: Decimal | None = None
    amount: Decimal | None = None
    lines: tuple[str, ...] = ()  # positions: "1", "2", ...
    payment_terms: PaymentTerms | None = None


class Order(Struct, frozen=True, kw_only=True):
    """data/orders/<client>/<order>.json."""

    id: str
    client: str
    title: Text
    lines: tuple[OneOffLine, ...]
    discounts: tuple[OrderDiscount, ...] = ()
    valid_days: int = 30
    note: Text = {}
    purchase_order: str = ""
    steps: tuple[Step, ...] = (Step(id=FINAL, kind="final"),)


class OrderInput(NamedTuple):
    """An order with the file it came from."""

    order: Order
    source: Source


Orders = dict[tuple[str, str], OrderInput]  # by client and order


# --- what an order comes to ----------------------------------------------------------


class Share(NamedTuple):
    """What of an order falls to one VAT rate and nature; its treatment is the client's."""

    vat_rate: Decimal
    category: Category


Nets = dict[Share, Decimal]


class OrderAllowance(NamedTuple):
    """What a discount takes off a share; `base` is what earlier ones left of it."""

    discount: OrderDiscount
    share: Share
    base: Decimal
    amount: Decimal


def share_of(line: OneOffLine) -> Share:
    return Share(line.vat_rate, line.category)


def allowances(order: Order) -> list[OrderAllowance]:
    """The discounts by share, each on what the earlier ones left; an amount is capped at it."""
    left, taken = _sums(order.lines), []
    for discount in order.discounts:
        amounts = _discounted(discount, list(left.values()))
        for share, amount in zip(list(left), amounts, strict=True):
            if amount:
                taken.append(OrderAllowance(discount, share, left[share], amount))
                left[share] -= amount
    return taken


def nets(order: Order) -> Nets:
    """What an order comes to without VAT, by share, in the order of its lines."""
    result = _sums(order.lines)
    for allowance in allowances(order):
        result[allowance.share] -= allowance.amount
    return result


def step_nets(order: Order, step: Step, left: Nets) -> Nets:
    """What a deposit or a milestone comes to without VAT, by share.

    A percentage, which is one of the whole order, and an amount are spread over what is left of
    its shares, in proportion to it and to the cent: no share ever has less than nothing left.

    Args:
      left: what of each share earlier steps have not invoiced.

    Raises:
      ValueError: if less is left.
    """
    if step.lines:
        part = nets(part_of(order, step))
        if any(net > left[share] for share, net in part.items()):
            raise ValueError(step.id)
        return part
    amount = step_net(order, step)
    if amount > money.total(left.values()):
        raise ValueError(step.id)
    if not amount:
        return dict.fromkeys(left, money.ZERO)
    return dict(zip(left, money.share_out(amount, list(left.values())), strict=True))


def part_of(order: Order, step: Step) -> Order:
    """The lines of a milestone. They bear the discounts in per cent; those of an amount come off
    the final invoice."""
    lines = tuple(order.lines[int(line) - 1] for line in step.lines)
    in_percent = tuple(discount for discount in order.discounts if discount.percent is not None)
    return replace(order, lines=lines, discounts=in_percent)


def step_net(order: Order, step: Step) -> Decimal:
    """What a step with a share of the order comes to without VAT."""
    if step.amount is not None:
        return step.amount
    if step.lines:
        return money.total(nets(part_of(order, step)).values())
    return money.percentage_of(money.total(nets(order).values()), step.percent or Decimal(0))


def _sums(lines: Iterable[OneOffLine]) -> Nets:
    sums: Nets = {}
    for line in lines:
        net = money.line_net(line.quantity, line.unit_price, line.discount)
        sums[share_of(line)] = sums.get(share_of(line), money.ZERO) + net
    return sums


def _discounted(discount: OrderDiscount, bases: list[Decimal]) -> list[Decimal]:
    if discount.percent is not None:
        return [money.percentage_of(base, discount.percent) for base in bases]
    amount = min(discount.amount, money.total(bases))
    return money.share_out(amount, bases) if amount else [money.ZERO for _ in bases]


# --- reading -------------------------------------------------------------------------


def load(
    root: Root,
    issuer: IssuerInput | None,
    clients: Mapping[str, ClientInput | None],
    faults: list[Alert],
) -> Orders:
    """Orders by client and id."""
    orders: Orders = {}
    for folder in sorted(root.orders.iterdir()) if root.orders.is_dir() else []:
        if input_files.is_hidden(folder):
            continue
        if folder.name not in clients:
            faults.append(input_files.ownerless(root, folder))
            continue
        for path in input_files.json_files(root, folder, faults):
            client = clients[folder.name]
            read = input_files.read(root, path, "order", folder.name, faults)
            if read is None or client is None or issuer is None:
                continue
            order = _order(path, *read, client.client, issuer.issuer, faults)
            if order is not None:
                orders[folder.name, path.stem] = OrderInput(order, read[1])
    return orders


def glances(root: Root) -> Iterator[tuple[str, str, Order | None]]:
    """Each order as its file has it, by client and id, not checked: to be shown, never invoiced.

    None for a file that cannot be read so.
    """
    for path in sorted(root.orders.glob("*/*.json")):
        yield path.parent.name, path.stem, input_files.glance(root, path, Order)


def new_order_faults(
    value: Mapping[str, Any], name: str, client: Client, issuer: Issuer
) -> list[Alert]:
    """What would be refused of an order that has no file yet."""
    faults = schemas.faults(value, "order", name, client.id)
    if not faults:
        copied, source = copy.deepcopy(dict(value)), Source(name, b"")
        _order(Path(name), copied, source, client, issuer, faults)
    return faults


def _order(
    path: Path,
    value: dict[str, Any],
    source: Source,
    client: Client,
    issuer: Issuer,
    faults: list[Alert],
) -> Order | None:
    """The order of a file that its schema accepts, or None with the reasons added to `faults`."""
    misfits = []
    if value["id"] != path.stem:
        misfits.append(input_files.not_the_name("id", value["id"], path.stem))
    if value["client"] != client.id:
        text = say('"{client}" is not the folder\'s', client=value["client"])
        remedy = say('write "{client}"', client=client.id)
        misfits.append(Fault("client", text, remedy=remedy))
    misfits += _text_faults(value, client.language)
    misfits += usage_files.one_off_faults(value["lines"], client, issuer)
    vat_checks.fill_in_category(value["lines"], issuer)
    faults += input_files.alerts(misfits, source.name, client.id)
    order = input_files.convert(value, Order, source.name, client.id, faults)
    if order is None:
        return None
    wrong = step_faults(order)
    faults += input_files.alerts(wrong, source.name, client.id)
    return None if misfits or wrong else order


def _text_faults(value: Mapping[str, Any], language: str) -> list[Fault]:
    """Texts that are not there in the language in which the client is written to."""
    texts = [("title", value["title"])]
    texts += [("note", value["note"])] if "note" in value else []
    for key in ("discounts", "steps"):
        for i, entry in enumerate(value.get(key, [])):
            if "description" in entry:
                texts.append((f"{key}[{i}].description", entry["description"]))
    return [
        plan_checks.missing_text(place, language) for place, text in texts if language not in text
    ]


# --- steps ---------------------------------------------------------------------------


def step_faults(order: Order) -> list[Fault]:
    """What is wrong with the steps of an order: each by itself, and all of them together."""
    faults = []
    ids = [step.id for step in order.steps]
    for i, step in enumerate(order.steps):
        place = f"steps[{i}]"
        if step.id in ids[:i]:
            text = say('"{id}" is the id of another step', id=step.id)
            faults.append(Fault(f"{place}.id", text, remedy=say("rename one")))
        faults += _shape_faults(order, step, place)
        if (step.kind == FINAL) != (i == len(order.steps) - 1):
            text = say("is the last step, and not final")
            if step.kind == FINAL:
                text = say("is a final step before the last")
            rule = say("an order ends with one final step, which invoices what is left")
            remedy = say('write "final" for the last step alone')
            faults.append(Fault(f"{place}.kind", text, rule, remedy))
    return faults or _sum_faults(order)


def _shape_faults(order: Order, step: Step, place: str) -> list[Fault]:
    """A step with no share, or several; with lines that the order does not have; of 0."""
    shares = [
        key
        for key, value in (
            ("percent", step.percent),
            ("amount", step.amount),
            ("lines", step.lines),
        )
        if value not in (None, ())
    ]
    if len(shares) > 1:
        text = say("has {shares}", shares=tuple(shares))
        return [Fault(place, text, remedy=say("keep one of them"))]
    if not shares and step.kind != FINAL:
        remedy = say("give it percent or amount")
        if step.kind == MILESTONE:
            remedy = say("give it percent, amount or lines")
        return [Fault(place, say("has no share of the order"), remedy=remedy)]
    if step.lines and step.kind != MILESTONE:
        remedy = say("give it percent or amount, or make it a milestone")
        return [Fault(f"{place}.lines", say("are for a milestone alone"), remedy=remedy)]
    unknown = [line for line in step.lines if int(line) > len(order.lines)]
    if unknown:
        text = say("{lines}: not a line of the order", lines=tuple(unknown))
        rule = say("its lines are 1 to {last}", last=len(order.lines))
        return [Fault(f"{place}.lines", text, rule)]
    if step.kind != FINAL and not step_net(order, step):
        text = say("comes to 0.00")
        return [Fault(f"{place}.{shares[0]}", text, remedy=say("remove the step"))]
    return []


def _sum_faults(order: Order) -> list[Fault]:
    """Steps that come to more than the order, as a whole or at a rate; or do not add up to it."""
    left = nets(order)
    total, final = money.total(left.values()), order.steps[-1]
    before = [step for step in order.steps if step.kind != FINAL]
    is_whole = final.percent is not None or final.amount is not None
    shares = order.steps if is_whole else before
    # Percentages add up before they are rounded: two halves of 0.01 are 0.01.
    steps = money.round_half_up(sum((_exact(order, step) for step in shares), Decimal(0)))
    if steps > total or (is_whole and steps != total):
        text = say("come to {steps}", steps=money.shown(steps, 2))
        rule = say("the order comes to {net} without VAT", net=money.shown(total, 2))
        return [Fault("steps", text, rule, say("correct one of them"))]
    for i, step in enumerate(before):
        try:
            part = step_nets(order, step, left)
        except ValueError:
            text = say("comes to more than earlier steps leave, as a whole or at a VAT rate")
            return [Fault(f"steps[{i}]", text, remedy=say("make the steps before it smaller"))]
        left = less(left, part)
    return []


def less(left: Nets, part: Nets) -> Nets:
    """What is left of each share when a part is taken."""
    return {share: net - part.get(share, money.ZERO) for share, net in left.items()}


def _exact(order: Order, step: Step) -> Decimal:
    if step.percent is None:
        return step_net(order, step)
    return money.product(money.total(nets(order).values()), step.percent).scaleb(-2)
