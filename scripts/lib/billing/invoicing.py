"""Billing: from a client's file and its usage to the document of a month.

Pure: inputs in, a document out, or the problems that stand in its way. Prices come from
billing/pricing, VAT from values/vat, legal wording from values/mentions; this module puts
them together in the words of the client's language.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import asdict, replace

from lib.billing import plan_periods, pricing
from lib.billing.plan_periods import Billed, DuePart, Gap
from lib.billing.pricing import (
    ChargeAllowance,
    ChargeLine,
    Charges,
    MissingQuantity,
    MissingUsage,
    PlanPart,
    Served,
    charge_one_offs,
    charge_part,
)
from lib.core.messages import Message, say
from lib.inputs import plans, prices
from lib.inputs.client_files import Client
from lib.inputs.plans import Flat, Item, PaymentTerms, Plan, PriceStep
from lib.inputs.prices import Indices, MissingIndex, Revised
from lib.inputs.usage_files import UsageInput
from lib.values import mentions, money, payment_code, periods, spans, vat
from lib.values.document import (
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
from lib.values.periods import ServicePeriod
from lib.values.seller_terms import SellerTerms
from lib.values.spans import Spans
from lib.values.speech import Speech

_SIREN_ADDRESS = "0225"
_EMAIL_ADDRESS = "EM"


Usages = Mapping[tuple[str, str], tuple[UsageInput, ...]]


class Terms(NamedTuple):
    """What the plans on one invoice have in common."""

    payment_terms: PaymentTerms
    purchase_order: str
    buyer_reference: str
    subject: str


class Billable(NamedTuple):
    """An invoice of a client in the run of a month: its charges, and what they were made from.

    `period` goes from the first day of any line to the last, `delivery` (BT-72) is the last day
    of the goods, or of all where there are none; `indices` name what revised its prices.
    """

    client: Client
    month: str
    terms: Terms
    period: Period
    delivery: date
    charges: Charges
    usage: tuple[UsageInput, ...] = ()
    indices: tuple[str, ...] = ()


class NothingToBill(NamedTuple):
    """Why a client gets no invoice for a month."""

    client: str
    reason: Message


class Bill(NamedTuple):
    """What a client is to be invoiced in the run of a month; or why nothing."""

    invoices: tuple[Billable, ...]
    nothing: NothingToBill | None
    gaps: tuple[Gap, ...]


class _Piece(NamedTuple):
    """The charges of a part of a plan, or of one-off lines, before they are joined."""

    terms: Terms
    charges: Charges
    months: tuple[str, ...]  # whose usage they are made from
    indices: tuple[str, ...] = ()

    @property
    def delivery(self) -> date | None:
        ends = [line.service[-1].end for line in self.charges.lines if line.category == "goods"]
        return max(ends, default=None)


def bill(
    client: Client,
    month: str,
    usage: Usages,
    indices: Indices,
    billed: Sequence[Billed] = (),
    reissue: bool = False,
    since: date | None = None,
) -> Bill:
    """What `client` is to be invoiced in the run of `month`.

    Plans that fall due together and do not differ in terms share one invoice. An invoice has one
    day of delivery (BT-72), on which VAT on goods falls due, so that goods of two periods do not.

    Args:
      billed: what the records have.
      reissue: what an invoice of this month billed, and was credited in full, is due again.
      since: as of `plan_periods.gaps`.

    Raises:
      MissingUsage: if a metered item has no quantity for a month of its period, or a price
        needs an index value that is not there.
    """
    if client.status == "closed":
        return Bill((), NothingToBill(client.id, say("the client is closed")), ())
    parts = plan_periods.parts_due(client.plans, month, billed, reissue)
    pieces = _pieces(client, parts, usage, indices)
    one_offs, had = _one_offs(client, month, usage, billed, reissue)
    pieces += one_offs
    invoices = tuple(_joined(client, month, pieces, usage))
    nothing = None
    if not invoices:
        earlier = [entry for part in parts for entry in part.earlier] + had
        reason = _why_nothing(client, month, parts, pieces, earlier)
        nothing = NothingToBill(client.id, reason)
    return Bill(invoices, nothing, _gaps(client, month, billed, parts, usage, indices, since))


def owes(client: Client, month: str, usage: Usages, indices: Indices) -> bool:
    """Whether a run of `month` would invoice a client of whom nothing is billed yet.

    A first period that is billed in advance does not count: the run of its own month bills it.
    """
    if client.status == "closed":
        return False
    begun = [
        plan for plan in client.plans if periods.month_of(periods.start_date(plan.start)) <= month
    ]
    parts = [part for plan in begun for part in plan_periods.due_by_rule(plan, month)]
    try:
        pieces = _pieces(client, parts, usage, indices)
    except MissingUsage:
        return True
    pieces += _one_offs(client, month, usage, (), False)[0]
    return any(line.net for piece in pieces for line in piece.charges.lines)


def _pieces(
    client: Client, parts: Iterable[DuePart], usage: Usages, indices: Indices
) -> list[_Piece]:
    pieces: list[_Piece] = []
    unmeasured: list[MissingQuantity] = []
    lacking: dict[tuple[str, str], MissingIndex] = {}
    for part in parts:
        plan = part.plan
        if not part.days:
            continue
        due = [(item, part.days[item.id]) for item in plan.items if item.id in part.days]
        quantities = []
        for item, days in due:
            quantity, missing = _quantity(client, item, days, usage)
            quantities.append(quantity)
            unmeasured += missing
        # A minimum is compared with all items of its period.
        for item in plan.items if plan.minimum else [item for item, _ in due]:
            if begins := begins_of(plan, item, part.period):
                lacks = prices.lacking(item, begins, indices)
                lacking |= {(value.index, value.month): value for value in lacks}
        if unmeasured or lacking:
            continue
        served = [
            _served(part, item, days, quantity, indices)
            for (item, days), quantity in zip(due, quantities, strict=True)
        ]
        months = _months_of(part)
        charges = charge_part(_plan_part(part, tuple(served), indices))
        named = {
            step.index for item in plan.items if item.id in part.days for step in _held(part, item)
        }
        pieces.append(_Piece(terms_of(client, plan), charges, months, tuple(sorted(named))))
    if unmeasured or lacking:
        raise MissingUsage(tuple(dict.fromkeys(unmeasured)), tuple(lacking.values()))
    return pieces


def _months_of(part: DuePart) -> tuple[str, ...]:
    """The months whose usage an invoice of a part is made from."""
    return () if part.advance else spans.months_of((part.period.service,))


def begins_of(plan: Plan, item: Item, period: ServicePeriod | None) -> date | None:
    """The first day of an item's service in a period."""
    dates = plans.dates_of_item(plan, item)
    days = spans.common(dates, period.service) if dates and period else ()
    return days[0].start if days else None


def _held(part: DuePart, item: Item) -> Iterator[PriceStep]:
    """The steps with an index that made the price of an item in a period."""
    begins = begins_of(part.plan, item, part.period)
    if begins is not None:
        held = plans.steps_of(item)[: prices.position(item, begins) + 1]
        yield from (step for step in held if step.index)


def _served(part: DuePart, item: Item, days: Spans, quantity: Decimal, indices: Indices) -> Served:
    """An item at the price that holds in a period, and what is new about it."""
    begins = begins_of(part.plan, item, part.period) or days[0].start
    revised = prices.revised(item, begins, _begin_before(part, item), indices)
    return Served(prices.priced(item, begins, indices), days, quantity, revised)


def _begin_before(part: DuePart, item: Item) -> date | None:
    """The first day of an item in the last period before a part that is not skipped as a whole."""
    plan, period = part.plan, part.period
    while True:
        before = periods.add_months(periods.month_of(period.whole.start), -1)
        earlier = plan_periods.period_of(plan, before)
        begins = begins_of(plan, item, earlier)
        if earlier is None or begins is None or plan_periods.days_of(plan, item, earlier):
            return begins
        period = earlier


def _plan_part(part: DuePart, served: tuple[Served, ...], indices: Indices) -> PlanPart:
    """A part with what it bears of its plan's discounts and minimum.

    A plan in advance that has metered items is charged in two parts. A percentage is taken off
    both; an amount off the one in advance, if it may be taken off a flat item; and the minimum
    is compared with both, in the later one.
    """
    plan, period = part.plan, part.period
    flat = {item.id for item in plan.items if isinstance(item, Flat)}
    two = plan.billed == "advance" and 0 < len(flat) < len(plan.items)
    discounts = tuple(
        discount
        for discount in plan.discounts
        if not two
        or discount.percent is not None
        or part.advance == bool(flat & set(discount.items or flat))
    )
    minimum = plan.minimum if not (two and part.advance) else None
    elsewhere = money.ZERO
    if minimum and two:
        opened = DuePart(plan, period, True, _all_days(plan, period), ())
        others = tuple(
            _served(opened, item, days, Decimal(0), indices)
            for item in plan.items
            if item.id in flat and (days := opened.days.get(item.id))
        )
        net = charge_part(_plan_part(opened, others, indices))
        elsewhere = money.total(line.net for line in net.lines)
        elsewhere -= money.total(allowance.amount for allowance in net.allowances)
    gone = spans.union(d for bill in part.earlier for d in bill.days)
    now = spans.union(d for days in part.days.values() for d in days)
    left = spans.minus(plan_periods.plan_days(plan, period), spans.minus(gone, now))
    return PlanPart(plan.id, period, served, left, discounts, minimum, elsewhere)


def _all_days(plan: Plan, period: ServicePeriod) -> dict[str, Spans]:
    return {item.id: plan_periods.days_of(plan, item, period) for item in plan.items}


def _quantity(
    client: Client, item: Item, days: Spans, usage: Usages
) -> tuple[Decimal, list[MissingQuantity]]:
    """What was used of an item's metric: its months summed, the sources of each added up; and
    the months for which nobody says it."""
    if isinstance(item, Flat):
        return Decimal(0), []
    total = Decimal(0)
    missing: list[MissingQuantity] = []
    for month in spans.months_of(days):
        measured = [
            file.usage.quantities[item.metric]
            for file in usage.get((client.id, month), ())
            if item.metric in file.usage.quantities
        ]
        if not measured:
            missing.append(MissingQuantity(item.metric, month))
        total += sum(measured, Decimal(0))
    return total, missing


def terms_of(client: Client, plan: Plan) -> Terms:
    """The terms of a plan's invoices: its own, else the client's."""
    return Terms(
        plan.payment_terms or client.payment_terms,
        plan.purchase_order or client.purchase_order,
        plan.buyer_reference or client.buyer_reference,
        (plan.subject or client.subject).get(client.language, ""),
    )


# --- one-off lines -------------------------------------------------------------------


def _one_offs(
    client: Client, month: str, usage: Usages, billed: Sequence[Billed], reissue: bool
) -> tuple[list[_Piece], list[Billed]]:
    """The one-off lines of the months that this run closes, and what billed some before.

    Lines of a month go on the next invoice of the client: that of the month itself where a plan
    falls due in its run, else that of the first period in arrears that their month lies in.
    """
    closing = {month}
    for plan in client.plans:
        period = plan_periods.period_of(plan, month)
        if plan.billed == "arrears" and period and periods.is_billed_in(period, month):
            closing.update(period.months)
    subject = client.subject.get(client.language, "")
    own = Terms(client.payment_terms, client.purchase_order, client.buyer_reference, subject)
    pieces, had = [], []
    for name in sorted(closing):
        lines = [line for entry in usage.get((client.id, name), ()) for line in entry.usage.lines]
        if not lines or _run_of_one_offs(client, name) != month:
            continue
        of_month = Period(start=periods.first_day(name), end=periods.last_day(name))
        before = [
            entry
            for entry in billed
            if not (reissue and entry.credited and entry.month == month)
            and (entry.month == month or (not entry.plan and spans.within(entry.days, of_month)))
        ]
        had += before
        if not before:
            days = _days_of_one_offs(client, of_month)
            charged = tuple(replace(line, service=days) for line in charge_one_offs(lines))
            pieces.append(_Piece(own, Charges(lines=charged, allowances=()), (name,)))
    return pieces, had


def _run_of_one_offs(client: Client, month: str) -> str:
    runs = []
    for plan in client.plans:
        if any(plan_periods.due_by_rule(plan, month)):
            return month
        period = plan_periods.period_of(plan, month)
        if plan.billed == "arrears" and period:
            runs.append(periods.month_of(period.service.end))
    return min(runs, default=month)


def _days_of_one_offs(client: Client, month: Period) -> Spans:
    """The days of a month in which a plan serves, all of them where none does."""
    served = spans.union(
        day for plan in client.plans for day in spans.common(plans.dates_of(plan), month)
    )
    return (spans.envelope(served),) if served else (month,)


# --- joining -------------------------------------------------------------------------


def _joined(
    client: Client, month: str, pieces: Sequence[_Piece], usage: Usages
) -> Iterator[Billable]:
    """One invoice for the terms that are the same, and for each day on which goods arrive."""
    by_terms: dict[Terms, list[_Piece]] = {}
    for piece in pieces:
        by_terms.setdefault(piece.terms, []).append(piece)
    for terms, own in by_terms.items():
        days = dict.fromkeys(piece.delivery for piece in own if piece.delivery)
        deliveries: list[date | None] = [*days] or [None]
        for delivery in deliveries:
            among = (delivery, None if delivery == deliveries[0] else delivery)
            chosen = [piece for piece in own if piece.delivery in among]
            lines = tuple(line for piece in chosen for line in piece.charges.lines)
            if not any(line.net for line in lines):
                continue
            allowances = tuple(line for piece in chosen for line in piece.charges.allowances)
            period = spans.envelope(spans.union(day for line in lines for day in line.service))
            months = sorted({name for piece in chosen for name in piece.months})
            yield Billable(
                client,
                month,
                terms,
                period,
                delivery or period.end,
                Charges(lines=lines, allowances=allowances),
                tuple(entry for name in months for entry in usage.get((client.id, name), ())),
                tuple(sorted({name for piece in chosen for name in piece.indices})),
            )


def _why_nothing(
    client: Client,
    month: str,
    parts: Sequence[DuePart],
    pieces: Sequence[_Piece],
    earlier: Sequence[Billed],
) -> Message:
    if earlier:
        last = max(earlier, key=lambda bill: (bill.month == month, not bill.credited))
        if last.credited:
            return say("{number} is credited; issue it again with REISSUE=yes", number=last.number)
        return say("already invoiced: {number}", number=last.number)
    if any(piece.charges.lines for piece in pieces):
        return say("every line of the period is 0.00")
    if any(month in part.plan.skip for part in parts):
        return say("the month is skipped")
    runs = [
        periods.month_of(period.service.end)
        for plan in client.plans
        if plan.billed == "arrears" and (period := plan_periods.period_of(plan, month))
    ]
    later = [run for run in runs if run > month]
    if later:
        return say("the period is billed in {month}", month=min(later))
    opened = [plan for plan in client.plans if plan_periods.period_of(plan, month)]
    if opened:
        return say("nothing falls due in this month")
    return say("no plan has service in this month")


# --- what nobody billed --------------------------------------------------------------


def _gaps(
    client: Client,
    month: str,
    billed: Sequence[Billed],
    parts: Sequence[DuePart],
    usage: Usages,
    indices: Indices,
    since: date | None,
) -> tuple[Gap, ...]:
    """The gaps of a client for which there is something to pay."""
    by_id = {plan.id: plan for plan in client.plans}
    return tuple(
        gap
        for gap in plan_periods.gaps(client.plans, month, billed, parts, since)
        if _has_charge(client, by_id[gap.plan], gap, usage, indices)
    )


def _has_charge(client: Client, plan: Plan, gap: Gap, usage: Usages, indices: Indices) -> bool:
    if not isinstance(gap.item, Flat):
        return bool(_quantity(client, gap.item, gap.days, usage)[0])
    period = plan_periods.period_of(plan, periods.month_of(gap.days[0].start))
    begins = begins_of(plan, gap.item, period) or gap.days[0].start
    if prices.missing(gap.item, begins, indices):
        return True
    item = prices.priced(gap.item, begins, indices)
    return isinstance(item, Flat) and bool(item.price)


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
    speech = Speech(client.language)
    lines, allowances, subtotals, totals = priced(billed.charges, client, seller, issue_date)
    sold = operation_category(lines)
    terms = billed.terms.payment_terms
    buyer = delivered(addressed(client.party), lines)
    return Document(
        number=number,
        client=client.id,
        month=billed.month,
        issue_date=issue_date,
        due_date=periods.due_date(issue_date, terms.days, terms.end_of_month),
        currency=client.currency,
        language=client.language,
        operation_category=sold,
        vat_on_debits=seller.debits,
        period=billed.period,
        delivery=None if billed.delivery == billed.period.end else billed.delivery,
        seller=seller_of(seller, logo),
        buyer=buyer,
        purchase_order=billed.terms.purchase_order,
        buyer_reference=billed.terms.buyer_reference,
        subject=billed.terms.subject,
        note=client.note.get(client.language, ""),
        lines=lines,
        allowances=allowances,
        vat_breakdown=subtotals,
        totals=totals,
        notes=mentions.notes_of(
            seller, buyer, issue_date, speech, vat.audience(buyer, subtotals), sold
        ),
        payment_reference=payment_reference(number, seller, totals),
        sources=sources,
        renderer=renderer,
    )


class Priced(NamedTuple):
    """What charges come to on a document: BG-25, BG-20, BG-23 and BG-22."""

    lines: tuple[Line, ...]
    allowances: tuple[Allowance, ...]
    vat_breakdown: tuple[VatSubtotal, ...]
    totals: Totals


def priced(charges: Charges, client: Client, seller: SellerTerms, issue_date: date) -> Priced:
    """Charges in the words of a client, with their VAT and their totals."""
    speech, treatment = Speech(client.language), client.vat.treatment
    lines = tuple(_line(str(i), line, treatment, speech) for i, line in enumerate(charges.lines, 1))
    allowances = tuple(_allowance(allowance, treatment, speech) for allowance in charges.allowances)
    exemptions = _exemptions_of(charges.lines, client, seller, issue_date)
    subtotals = vat.breakdown(lines, allowances, exemptions)
    return Priced(lines, allowances, subtotals, totals_of(lines, allowances, subtotals))


def _exemptions_of(
    lines: Iterable[ChargeLine], client: Client, seller: SellerTerms, day: date
) -> dict[str, vat.Exemption]:
    """For each category without VAT in `lines`, its code and the mention in force."""
    own = {client.vat.treatment: client.vat}
    own |= {item.vat.treatment: item.vat for _, item in plans.each_item(client.plans) if item.vat}
    exemptions = {}
    for treatment, sold in {(line.treatment, line.category) for line in lines}:
        by = own[treatment or client.vat.treatment]
        category = vat.category_of(by.treatment, sold)
        if by.treatment == "exempt":
            exemptions[category] = vat.Exemption(by.exemption_code, by.exemption_reason)
        elif category != "S":
            exemptions[category] = exemption_of(
                by.treatment, category, seller, client.party, day, client.language
            )
    return exemptions


def exemption_of(
    treatment: str, category: str, seller: SellerTerms, buyer: Party, day: date, language: str
) -> vat.Exemption:
    """The code and the mention in force of a treatment that needs no reason of its own."""
    code, mention_id = vat.mention_of(treatment, category, seller.party, buyer)
    return vat.Exemption(code, mentions.mention(mention_id, day, language).text)


def totals_of(
    lines: Iterable[Line],
    allowances: Iterable[Allowance],
    subtotals: Iterable[VatSubtotal],
    is_paid: bool = False,
) -> Totals:
    """BG-22: BR-CO-10 to BR-CO-16."""
    lines_net = money.total(line.net for line in lines)
    allowed = money.total(allowance.amount for allowance in allowances)
    net = lines_net - allowed
    tax = money.total(subtotal.vat for subtotal in subtotals)
    gross = net + tax
    due = money.ZERO if is_paid else gross
    return Totals(lines_net=lines_net, allowances=allowed, net=net, vat=tax, gross=gross, due=due)


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
        colour=terms.colour,
    )


# --- wording -------------------------------------------------------------------------


def _line(line_id: str, charge: ChargeLine, treatment: str, speech: Speech) -> Line:
    line = _plain_line(line_id, charge, treatment, speech)
    if charge.kind != "percentage":
        return line
    # A sum of money has no unit: the share is the price of one, its base stands beneath.
    return replace(line, quantity=Decimal(1), unit=pricing.ONE, unit_price=charge.net)


def _plain_line(line_id: str, charge: ChargeLine, treatment: str, speech: Speech) -> Line:
    name = charge.description.get(speech.language) or speech.word("minimum")
    details = charge.details.get(speech.language, "")
    return Line(
        id=line_id,
        item=charge.item,
        name=name,
        description="\n".join(filter(None, (details, charge_detail(charge, speech)))),
        quantity=charge.quantity,
        unit=charge.unit,
        unit_price=charge.unit_price,
        discount=charge.discount,
        discount_reason=charge.discount_reason.get(speech.language, ""),
        net=charge.net,
        vat_category=vat.category_of(charge.treatment or treatment, charge.category),
        vat_rate=charge.vat_rate,
        category=charge.category,
        plan=charge.plan,
        period=spans.envelope(charge.service) if charge.service else None,
        pauses=_pauses(charge.service),
    )


def _pauses(service: Spans) -> Spans:
    """The days between the first and the last of a service that are not in it."""
    return spans.minus((spans.envelope(service),), service) if len(service) > 1 else ()


def charge_detail(charge: ChargeLine, speech: Speech) -> str:
    """What the price of a line comes from, for its reader: tier, included units, pro rata."""

    def said(key: str, **values: Decimal | int) -> str:
        shown = {name: speech.number(Decimal(value)) for name, value in values.items()}
        return speech.word(key, **shown)

    details = []
    if charge.kind == "percentage" and charge.used is not None:
        rate = speech.percent(charge.unit_price.scaleb(2))
        base = speech.amount(charge.used, "EUR")
        details.append(speech.word("share", rate=rate, base=base))
    if charge.kind == "tier" and charge.tier_to is None and charge.tier_from:
        details.append(said("tier_beyond", bound=charge.tier_from))
    elif charge.kind == "tier" and charge.tier_to is not None:
        details.append(said("tier", low=charge.tier_from or 0, high=charge.tier_to))
    if charge.kind == "fixed":
        details.append(speech.word("fixed_fee"))
    if charge.used is not None and charge.kind in ("volume", "package"):
        details.append(said("used", used=charge.used))
    if charge.included and charge.used is not None:
        details.append(said("included", used=charge.used, included=charge.included))
    if charge.prorata is not None:
        details.append(said("prorata", days=charge.prorata.days, whole=charge.prorata.of_days))
    if charge.revised:
        details.append(_revision(charge.revised, speech))
    return ", ".join(details)


def _revision(revised: Revised, speech: Speech) -> str:
    """Why a price is another one than in the period before, and what it was."""
    step, before = revised.step, speech.number(revised.before, 2)
    if step.percent is not None:
        percent = speech.percent(step.percent)
        return speech.word("revised_percent", percent=percent, before=before)
    if revised.base is None or revised.at is None:
        return speech.word("revised", before=before)
    values = {
        "base": speech.number(revised.base),
        "at": speech.number(revised.at),
    }
    months = {"base_month": step.base, "at_month": step.at}
    return speech.word("revised_index", index=revised.title, before=before, **values, **months)


def _allowance(charge: ChargeAllowance, treatment: str, speech: Speech) -> Allowance:
    return Allowance(
        reason=charge.description[speech.language],
        percent=charge.percent,
        base=charge.base,
        amount=charge.amount,
        vat_category=vat.category_of(charge.treatment or treatment, charge.category),
        vat_rate=charge.vat_rate,
        category=charge.category,
    )
