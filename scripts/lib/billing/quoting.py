"""Quoting: from an order to the quote of it, and what an acceptance of it binds both sides to.

Pure: an order in, a quote out. Prices, VAT and wording are those of an invoice of the whole order.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from lib.billing import invoicing, orders
from lib.billing.invoicing import Priced
from lib.core import storage
from lib.inputs import order_files
from lib.inputs.client_files import Client
from lib.inputs.order_files import DEPOSIT, FINAL, Nets, Order, Step
from lib.values import mentions, money, vat
from lib.values.document import Line, Preceding
from lib.values.quote import Quote, QuoteStep
from lib.values.seller_terms import SellerTerms
from lib.values.speech import Speech

# What an acceptance binds both sides to, of an order.
_BINDING = ("title", "lines", "discounts", "steps")


class Version(NamedTuple):
    """Which quote of its order it is, and which one it supersedes."""

    number: str
    version: int
    supersedes: Preceding | None


def quote(
    order: Order,
    version: Version,
    client: Client,
    seller: SellerTerms,
    issue_date: date,
    sources: dict[str, str],
    renderer: dict[str, str],
    logo: str = "",
) -> Quote:
    """The quote of an order.

    Args:
      sources: each file that it is made from -> its SHA-256.
      logo: the SHA-256 of the seller's logo, or empty.
    """
    speech = Speech(client.language)
    priced = invoicing.priced(orders.charges_of(order), client, seller, issue_date)
    valid_until = issue_date + timedelta(days=order.valid_days)
    buyer = invoicing.delivered(invoicing.addressed(client.party), priced.lines)
    has_deposit = any(step.kind == DEPOSIT for step in order.steps)
    return Quote(
        **version._asdict(),
        client=client.id,
        order=order.id,
        issue_date=issue_date,
        valid_until=valid_until,
        currency=client.currency,
        language=client.language,
        subject=order.title[client.language],
        note=order.note.get(client.language, ""),
        seller=invoicing.seller_of(seller, logo),
        buyer=buyer,
        purchase_order=order.purchase_order or client.purchase_order,
        buyer_reference=client.buyer_reference,
        **priced._asdict(),
        steps=tuple(_steps(order, client, priced, speech)),
        notes=mentions.of_quote(seller, buyer, issue_date, speech, valid_until, has_deposit),
        content=content_of(order, client.currency),
        sources=sources,
        renderer=renderer,
    )


def is_unchanged(before: Quote, now: Quote) -> bool:
    """Whether a quote says what the one before it says, but for its number and its dates."""
    same = replace(
        now,
        number=before.number,
        version=before.version,
        supersedes=before.supersedes,
        issue_date=before.issue_date,
        valid_until=before.valid_until,
        notes=before.notes,
        sources=before.sources,
        renderer=before.renderer,
    )
    days = [quote.valid_until - quote.issue_date for quote in (before, now)]
    return same == before and days[0] == days[1]


# --- steps ---------------------------------------------------------------------------


def _steps(order: Order, client: Client, priced: Priced, speech: Speech) -> Iterator[QuoteStep]:
    """What each invoice of an order comes to; the final one is what the others leave.

    VAT is that of each invoice (BR-CO-17), so that all of them may come to a cent more or less
    with VAT than one invoice of the whole.
    """
    left = order_files.nets(order)
    for step in order.steps:
        nets = left if step.kind == FINAL else order_files.step_nets(order, step, left)
        left = {share: amount - nets.get(share, money.ZERO) for share, amount in left.items()}
        amounts = money.total(nets.values()), _vat_of(nets, client.vat.treatment)
        yield _step(step, client, amounts, priced.lines, speech)


def _vat_of(nets: Nets, treatment: str) -> Decimal:
    """The VAT of a step, by category and rate (BR-CO-17)."""
    taxable: dict[tuple[str, Decimal], Decimal] = {}
    for share, net in nets.items():
        key = vat.category_of(treatment, share.category), share.vat_rate
        taxable[key] = taxable.get(key, money.ZERO) + net
    return money.total(money.percentage_of(net, rate) for (_, rate), net in taxable.items())


def _step(
    step: Step,
    client: Client,
    amounts: tuple[Decimal, Decimal],
    lines: tuple[Line, ...],
    speech: Speech,
) -> QuoteStep:
    net, tax = amounts
    terms = step.payment_terms or client.payment_terms
    names = ", ".join(lines[int(line) - 1].name for line in step.lines)
    return QuoteStep(
        id=step.id,
        kind=step.kind,
        description=step.description.get(speech.language, names),
        percent=step.percent,
        net=net,
        vat=tax,
        gross=net + tax,
        days=terms.days,
        end_of_month=terms.end_of_month,
    )


# --- what an acceptance binds to -----------------------------------------------------


def content_of(order: Order, currency: str) -> dict[str, Any]:
    """The terms of an order that an acceptance binds both sides to, as plain data: the same
    amounts give the same text, however they were typed."""
    value = _plain(msgspec.to_builtins(order, builtin_types=(Decimal,)))
    return {"currency": currency, **{key: value[key] for key in _BINDING}}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return money.plain(value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(entry) for entry in value]
    return value


def fingerprint(content: dict[str, Any]) -> str:
    """The SHA-256 of the terms of an order."""
    return storage.sha256(storage.canonical_json(content))


class Difference(NamedTuple):
    """A place, what was there, and what is there now, as a message quotes it; None: nothing."""

    place: str
    before: str | None
    now: str | None


def differences(before: Any, now: Any, place: str = "") -> Iterator[Difference]:
    """Where two values of plain data differ.

    Entries of a list are compared with those that they took the place of, so that one that was
    put in between is named alone.
    """
    if before == now:
        return
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            inner = f"{place}.{key}" if place else key
            yield from differences(before.get(key), now.get(key), inner)
    elif isinstance(before, list) and isinstance(now, list):
        yield from _between_lists(before, now, place)
    else:
        yield Difference(place, _shown(before), _shown(now))


def _between_lists(before: list[Any], now: list[Any], place: str) -> Iterator[Difference]:
    texts = [[storage.canonical_json(entry) for entry in entries] for entries in (before, now)]
    matcher = SequenceMatcher(a=texts[0], b=texts[1], autojunk=False)
    for _, start, end, start_now, end_now in matcher.get_opcodes():
        pairs = min(end - start, end_now - start_now)
        for i in range(pairs):
            inner = f"{place}[{start_now + i}]"
            yield from differences(before[start + i], now[start_now + i], inner)
        for i in range(start + pairs, end):
            yield Difference(f"{place}[{i}]", _shown(before[i]), None)
        for i in range(start_now + pairs, end_now):
            yield Difference(f"{place}[{i}]", None, _shown(now[i]))


def _shown(value: Any) -> str | None:
    """A value as a message quotes it; the words or the id of an object say which one it is."""
    if value is None:
        return None
    if isinstance(value, dict):
        words = value.get("description") or value.get("id") or value
        value = next(iter(words.values()), "") if isinstance(words, dict) else words
    text = value if isinstance(value, str) else storage.canonical_json(value).decode()
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'
