"""Billing: from a client's file and its usage to the document of a month.

Pure: inputs in, a document out, or the problems that stand in its way. Prices come from
lib/billing_rules, VAT from lib/vat, legal wording from lib/mentions; this module puts
them together in the words of the client's language.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import asdict, replace

from lib import billing_rules, mentions, money, payment_code, periods, vat, words
from lib.billing_rules import ChargeAllowance, ChargeLine
from lib.document import (
    Allowance,
    Document,
    ElectronicAddress,
    Line,
    Party,
    Period,
    Seller,
    Totals,
    VatSubtotal,
)
from lib.inputs import Client, SellerTerms, UsageInput

_SIREN_ADDRESS = "0225"
_EMAIL_ADDRESS = "EM"


class Billable(NamedTuple):
    """What a client owes for the month that a period ends in."""

    client: Client
    month: str
    period: Period
    charges: billing_rules.Charges
    usage: tuple[UsageInput, ...]


class NothingToBill(NamedTuple):
    """Why a client gets no invoice for a month."""

    client: str
    reason: str


def billable(
    client: Client, month: str, usage: Mapping[tuple[str, str], tuple[UsageInput, ...]]
) -> Billable | NothingToBill:
    """What `client` is to be invoiced in `month`.

    One-off lines go on the invoice of the period that their month lies in, since no two
    invoices of a client cover the same day. A month that no period touches is one of its own.

    Raises:
      MissingUsage: if a metered item has no quantity for a month of the period; its
        `metrics` name metric and month: "support_hours (2026-09)".
    """
    if client.status == "closed":
        return NothingToBill(client.id, "closed")
    plan = client.plan
    period = periods.period_touching(plan.start, plan.end, plan.every_months, month)
    months = period.months if period else (month,)
    used = tuple(one for touched in months for one in usage.get((client.id, touched), ()))
    one_offs = billing_rules.charge_one_offs([line for one in used for line in one.usage.lines])
    if period is None:
        if not one_offs:
            return NothingToBill(client.id, "the plan has no service in this month")
        whole = Period(start=periods.first_day(month), end=periods.last_day(month))
        charges = billing_rules.Charges(lines=one_offs, allowances=())
        return Billable(client, month, whole, charges, used)
    if not periods.is_billed_in(period, month):
        end = periods.month_of(period.service.end)
        return NothingToBill(client.id, f"the period is billed in {end}")
    planned = billing_rules.charge_plan(plan, period, _quantities(client, months, usage))
    charges = billing_rules.Charges(lines=planned.lines + one_offs, allowances=planned.allowances)
    if not any(line.net for line in charges.lines):
        return NothingToBill(client.id, "every line of the period is 0.00")
    return Billable(client, month, period.service, charges, used)


def _quantities(
    client: Client,
    months: Sequence[str],
    usage: Mapping[tuple[str, str], tuple[UsageInput, ...]],
) -> dict[str, Decimal]:
    """Metric -> quantity of the period: its months summed, the sources of each added up."""
    quantities: dict[str, Decimal] = {}
    missing = []
    for metric in billing_rules.metrics_of(client.plan):
        for month in months:
            measured = [
                one.usage.quantities[metric]
                for one in usage.get((client.id, month), ())
                if metric in one.usage.quantities
            ]
            if not measured:
                missing.append(f"{metric} ({month})")
            quantities[metric] = sum(measured, quantities.get(metric, Decimal(0)))
    if missing:
        raise billing_rules.MissingUsage(tuple(missing))
    return quantities


# --- the document --------------------------------------------------------------------


def invoice(
    billed: Billable,
    number: str,
    issue_date: date,
    seller: SellerTerms,
    sources: dict[str, str],
    renderer: dict[str, str],
    logo: str = "",
) -> Document:
    """The invoice of a client's month.

    Args:
      sources: each file that the invoice is made from -> its SHA-256.
      logo: the SHA-256 of the seller's logo, or empty.
    """
    client = billed.client
    language = client.language
    treatment = client.vat.treatment
    lines = tuple(
        _line(str(i), line, treatment, language) for i, line in enumerate(billed.charges.lines, 1)
    )
    allowances = tuple(_allowance(one, treatment, language) for one in billed.charges.allowances)
    exemptions = _exemptions_of(lines, client, seller, issue_date)
    subtotals = vat.breakdown(lines, allowances, exemptions)
    totals = totals_of(lines, allowances, subtotals)
    sold = operation_category(lines)
    terms = client.payment_terms
    buyer = delivered(addressed(client.party), lines)
    return Document(
        number=number,
        client=client.id,
        month=billed.month,
        issue_date=issue_date,
        due_date=periods.due_date(issue_date, terms.days, terms.end_of_month),
        currency=client.currency,
        language=language,
        operation_category=sold,
        vat_on_debits=seller.debits,
        period=billed.period,
        seller=seller_of(seller, logo),
        buyer=buyer,
        purchase_order=client.purchase_order,
        buyer_reference=client.buyer_reference,
        lines=lines,
        allowances=allowances,
        vat_breakdown=subtotals,
        totals=totals,
        notes=mentions.notes_of(
            seller, buyer, issue_date, language, vat.audience(buyer, subtotals), sold
        ),
        payment_reference=payment_reference(number, seller, totals),
        sources=sources,
        renderer=renderer,
    )


def _exemptions_of(
    lines: Iterable[Line], client: Client, seller: SellerTerms, day: date
) -> dict[str, vat.Exemption]:
    """For each category without VAT in `lines`, its code and the mention in force."""
    if client.vat.treatment == "exempt":
        return {"E": vat.Exemption(client.vat.exemption_code, client.vat.exemption_reason)}
    exemptions = {}
    for category in {line.vat_category for line in lines} - {"S"}:
        exemptions[category] = exemption_of(
            client.vat.treatment, category, seller, client.party, day, client.language
        )
    return exemptions


def exemption_of(
    treatment: str, category: str, seller: SellerTerms, buyer: Party, day: date, language: str
) -> vat.Exemption:
    """The code and the mention in force of a treatment that needs no reason of its own."""
    code, mention_id = vat.mention_of(treatment, category, seller.party, buyer)
    return vat.Exemption(code, mentions.mention(mention_id, day, language).text)


def totals_of(
    lines: Iterable[Line], allowances: Iterable[Allowance], subtotals: Iterable[VatSubtotal]
) -> Totals:
    """BG-22: BR-CO-10 to BR-CO-16."""
    lines_net = money.total(line.net for line in lines)
    allowed = money.total(allowance.amount for allowance in allowances)
    net = lines_net - allowed
    tax = money.total(subtotal.vat for subtotal in subtotals)
    return Totals(
        lines_net=lines_net, allowances=allowed, net=net, vat=tax, gross=net + tax, due=net + tax
    )


def operation_category(lines: Iterable[Line]) -> str:
    """Goods, services, or mixed where the lines have both."""
    sold = {line.category for line in lines}
    return sold.pop() if len(sold) == 1 else "mixed"


def payment_reference(number: str, seller: SellerTerms, totals: Totals) -> str:
    """BT-83, where a transfer is asked for."""
    if seller.bank is None or totals.due <= 0:
        return ""
    return payment_code.creditor_reference(number)


def addressed(party: Party) -> Party:
    """The party with its electronic address: SIREN for the French, else the first e-mail.

    It says of itself whether it is taxable: a private person never is.
    """
    address = party.electronic_address
    if address is None and party.siren:
        address = ElectronicAddress(scheme=_SIREN_ADDRESS, id=party.siren)
    elif address is None and party.email:
        address = ElectronicAddress(scheme=_EMAIL_ADDRESS, id=party.email[0])
    return replace(party, electronic_address=address, taxable=vat.is_taxable(party))


def delivered(buyer: Party, lines: Iterable[Line]) -> Party:
    """The buyer with a delivery address, which intra-EU goods name (BR-IC-11): else its own."""
    if buyer.delivery_address or not any(line.vat_category == "K" for line in lines):
        return buyer
    return replace(buyer, delivery_address=buyer.address)


def seller_of(terms: SellerTerms, logo: str) -> Seller:
    """BG-4: the seller as a document carries it."""
    party = addressed(terms.party)
    return Seller(
        **asdict(party),
        legal_form=terms.legal_form,
        capital=terms.capital,
        registration=terms.registration,
        bank=terms.bank,
        logo=logo,
    )


# --- wording -------------------------------------------------------------------------


def _line(line_id: str, charge: ChargeLine, treatment: str, language: str) -> Line:
    line = _plain_line(line_id, charge, treatment, language)
    if charge.kind != "percentage":
        return line
    # A sum of money has no unit: the share is the price of one, its base stands beneath.
    return replace(line, quantity=Decimal(1), unit=billing_rules.ONE, unit_price=charge.net)


def _plain_line(line_id: str, charge: ChargeLine, treatment: str, language: str) -> Line:
    name = charge.description.get(language) or words.word("minimum", language)
    return Line(
        id=line_id,
        item=charge.item,
        name=name,
        description=charge_detail(charge, language),
        quantity=charge.quantity,
        unit=charge.unit,
        unit_price=charge.unit_price,
        discount=charge.discount,
        discount_reason=charge.discount_reason.get(language, ""),
        net=charge.net,
        vat_category=vat.category_of(treatment, charge.category),
        vat_rate=charge.vat_rate,
        category=charge.category,
    )


def charge_detail(charge: ChargeLine, language: str) -> str:
    """What the price of a line comes from, for its reader: tier, included units, pro rata."""

    def said(key: str, **values: Decimal | int) -> str:
        shown = {name: words.number(Decimal(value), language) for name, value in values.items()}
        return words.word(key, language, **shown)

    details = []
    if charge.kind == "percentage" and charge.used is not None:
        rate = words.percent(charge.unit_price.scaleb(2), language)
        base = words.amount(charge.used, language, "EUR")
        details.append(words.word("share", language, rate=rate, base=base))
    if charge.kind == "tier" and charge.tier_to is None and charge.tier_from:
        details.append(said("tier_beyond", bound=charge.tier_from))
    elif charge.kind == "tier" and charge.tier_to is not None:
        details.append(said("tier", low=charge.tier_from or 0, high=charge.tier_to))
    if charge.kind == "fixed":
        details.append(words.word("fixed_fee", language))
    if charge.used is not None and charge.kind in ("volume", "package"):
        details.append(said("used", used=charge.used))
    if charge.included and charge.used is not None:
        details.append(said("included", used=charge.used, included=charge.included))
    if charge.prorata is not None:
        details.append(said("prorata", days=charge.prorata.days, whole=charge.prorata.of_days))
    return ", ".join(details)


def _allowance(charge: ChargeAllowance, treatment: str, language: str) -> Allowance:
    return Allowance(
        reason=charge.description[language],
        percent=charge.percent,
        base=charge.base,
        amount=charge.amount,
        vat_category=vat.category_of(treatment, charge.category),
        vat_rate=charge.vat_rate,
        category=charge.category,
    )
