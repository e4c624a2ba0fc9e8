"""Orders: the invoice of a step, and what is left of an order once others stand.

Pure. A deposit or a milestone is a share of the order by VAT rate and nature, never a divided
quantity. The final invoice has all lines of the order, and takes off what earlier steps have
invoiced, less their credit notes, by lines below 0: one an invoice, rate and nature.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from lib.billing import invoicing
from lib.billing.credit_notes import Credited
from lib.billing.invoicing import Billable, Terms
from lib.billing.pricing import ONE, ChargeAllowance, ChargeLine, Charges, charge_one_offs
from lib.core.faults import Fault
from lib.core.messages import say
from lib.inputs import order_files
from lib.inputs.client_files import Client
from lib.inputs.order_files import DEPOSIT, FINAL, Nets, Order, Share, Step
from lib.values import document, money, periods, vat
from lib.values.document import Document, Period, Preceding
from lib.values.seller_terms import SellerTerms
from lib.values.speech import Speech, within_quotes


class Taxed(NamedTuple):
    """A net amount and the VAT that was invoiced with it."""

    net: Decimal
    vat: Decimal


class StepInvoice(NamedTuple):
    """The invoice of a step by what the records know: what stands of it, less its credit notes.

    `shares` are by VAT category, rate and nature, `noted` the credit notes that took from each.
    """

    number: str
    issue_date: date
    step: str
    type_code: str
    shares: Mapping[tuple[str, Share], Taxed]
    notes: tuple[Preceding, ...]
    noted: Mapping[tuple[str, Share], tuple[str, ...]]
    is_credited: bool  # in full

    @property
    def net(self) -> Decimal:
        return money.total(taxed.net for taxed in self.shares.values())


class Beyond(NamedTuple):
    """What of a share of an invoice is beyond the order, and has to be credited first."""

    number: str
    share: Share
    net: Decimal


class StepRefused(ValueError):
    """Why a step is not invoiced: the code of the alert, the fault, what to credit first."""

    def __init__(self, code: str, fault: Fault, beyond: Beyond | None = None) -> None:
        super().__init__(fault.found)
        self.code, self.fault, self.beyond = code, fault, beyond


# --- which step ----------------------------------------------------------------------


def step_of(
    order: Order, invoices: Sequence[StepInvoice], wanted: str, reissue: bool, day: date
) -> Step:
    """The step to invoice: the one that is wanted, else the first that never was.

    A command that names no step does not invoice two of them on one day: given again, after a stop
    of which nothing is left to see, it would invoice more than was meant.

    Args:
      invoices: those of the order, in order of issue.
      reissue: a step whose invoice is credited in full is due again.
      day: the day of issue.

    Raises:
      StepRefused: if it is invoiced, or nothing is left to invoice.
    """
    steps = {step.id: step for step in order.steps}
    standing = {invoice.step: invoice for invoice in invoices if not invoice.is_credited}
    credited = {invoice.step: invoice for invoice in invoices if invoice.is_credited}
    for invoice in standing.values():
        is_deposit = invoice.type_code == document.DEPOSIT
        if invoice.step not in steps or is_deposit != (steps[invoice.step].kind == DEPOSIT):
            found = say(
                '"{step}" is invoiced by {number}, and is no longer the step that it was then',
                step=invoice.step,
                number=invoice.number,
            )
            raise StepRefused("B-INPUT-VALUE", Fault("steps", found, remedy=say("put it back")))
    if wanted and wanted not in steps:
        found = say('"{step}" is not a step of the order', step=wanted)
        raise StepRefused(
            "B-USAGE", Fault("STEP", found, say("they are {steps}", steps=tuple(steps)))
        )
    final = order.steps[-1].id
    for done in (final, wanted):
        if done in standing:
            number = standing[done].number
            found = say('"{step}" is invoiced: {number}', step=done, number=number)
            remedy = say(
                "to invoice it again, make credit-note INVOICE={number} REASON=... first",
                number=number,
            )
            raise StepRefused("B-DUPLICATE", Fault("STEP", found, remedy=remedy))
    due = [step for step in order.steps if step.id not in standing]
    if not wanted:
        never = [step for step in due if step.id not in credited]
        wanted = (due if reissue else never or due)[0].id
        last = invoices[-1] if invoices else None
        if last and last.issue_date == day and not last.is_credited:
            found = say(
                'is not named, and "{step}" was invoiced on this day: {number}',
                step=last.step,
                number=last.number,
            )
            remedy = say("to invoice the next step too, add STEP={step}", step=wanted)
            raise StepRefused("B-DUPLICATE", Fault("STEP", found, remedy=remedy))
    if wanted in credited and not reissue:
        found = say(
            '"{step}" was invoiced by {number}, which is credited',
            step=wanted,
            number=credited[wanted].number,
        )
        remedy = say("issue it again with REISSUE=yes")
        raise StepRefused("B-DUPLICATE", Fault("STEP", found, remedy=remedy))
    return steps[wanted]


def delivery_day(
    step: Step, invoices: Iterable[StepInvoice], issue_date: date, delivered: date | None
) -> date:
    """The day on which what a step invoices was delivered or done; None: the day of issue.

    The VAT of goods falls due on it, that of their deposits at the latest.

    Raises:
      StepRefused: for a deposit, or a day after the invoice or before a deposit of it.
    """
    if delivered is None:
        return issue_date
    found = remedy = None
    deposits = [
        invoice.issue_date
        for invoice in invoices
        if invoice.type_code == document.DEPOSIT and not invoice.is_credited
    ]
    if step.kind == DEPOSIT:
        found = say('"{step}" is a deposit: nothing of it is delivered', step=step.id)
        remedy = say("leave it out")
    elif delivered > issue_date:
        found = say("{date} is after the invoice", date=str(delivered))
        remedy = say("invoice it when it is delivered")
    elif step.kind == FINAL and delivered < max(deposits, default=delivered):
        found = say("{date} is before a deposit was invoiced", date=str(delivered))
        remedy = say("credit that deposit first: what is delivered is invoiced as a whole")
    if found:
        raise StepRefused("B-DATE", Fault("DELIVERED", found, remedy=remedy))
    return delivered


# --- what it charges -----------------------------------------------------------------


class StepLine(NamedTuple):
    """A line of a step's invoice; `takes_off` is an earlier one of which it takes `vat` off too."""

    charge: ChargeLine
    detail: str = ""
    takes_off: StepInvoice | None = None
    vat: Decimal = money.ZERO


class StepCharges(NamedTuple):
    """The lines and discounts of a step's invoice."""

    lines: tuple[StepLine, ...]
    allowances: tuple[ChargeAllowance, ...]


def charges_of(order: Order) -> Charges:
    """The lines and discounts of a whole order."""
    allowances = tuple(
        ChargeAllowance(
            discount="",
            description=allowance.discount.description,
            percent=allowance.discount.percent,
            base=None if allowance.discount.percent is None else allowance.base,
            amount=allowance.amount,
            vat_rate=allowance.share.vat_rate,
            category=allowance.share.category,
        )
        for allowance in order_files.allowances(order)
    )
    return Charges(lines=charge_one_offs(order.lines), allowances=allowances)


def step_charges(
    order: Order, step: Step, invoices: Iterable[StepInvoice], client: Client
) -> StepCharges:
    """What the invoice of a step charges, once the invoices of other steps stand.

    Raises:
      StepRefused: if more than the order would be invoiced, as a whole or at a rate.
    """
    standing = [invoice for invoice in invoices if any(any(t) for t in invoice.shares.values())]
    left = _left(order, standing, client)
    if step.kind == FINAL:
        return _final(order, standing, client)
    try:
        nets = order_files.step_nets(order, step, left)
    except (ValueError, ArithmeticError):
        found = say(
            "{step} comes to {net}, and {left} of the order is left",
            step=step.id,
            step_kind=step.kind,
            net=money.shown(order_files.step_net(order, step), 2),
            left=money.shown(money.total(left.values()), 2),
        )
        remedy = say("make the step smaller, or credit what was invoiced before")
        raise StepRefused("B-INPUT-VALUE", Fault("steps", found, remedy=remedy)) from None
    if step.lines:
        whole = charges_of(order_files.part_of(order, step))
        return StepCharges(tuple(map(StepLine, whole.lines)), whole.allowances)
    return StepCharges(tuple(_shares(order, step, nets, Speech(client.language))), ())


def net_left(order: Order, invoices: Iterable[StepInvoice]) -> Decimal:
    """What of an order no invoice has yet, without VAT; below 0 where more was invoiced."""
    whole = money.total(order_files.nets(order).values())
    return whole - money.total(invoice.net for invoice in invoices)


def lines_beyond(
    invoice: Document, notes: Sequence[Document], beyond: Beyond
) -> list[dict[str, str]]:
    """The LINES of a credit note that takes back what of a share of an invoice is too much; all
    of its lines where they have less than that."""
    credited, rest = Credited(invoice, notes), beyond.net
    lines = []
    for line in invoice.lines:
        left = credited.left(line).net
        if (line.vat_rate, line.category) == beyond.share and left > 0 and rest > 0:
            amount = min(left, rest)
            lines.append({"line": line.id, "amount": money.plain(amount, 2)})
            rest -= amount
    return lines


def _left(order: Order, standing: Iterable[StepInvoice], client: Client) -> Nets:
    """What of each share no invoice has yet.

    Raises:
      StepRefused: if more of a share was invoiced than the order has of it: no rate of its final
        invoice falls below 0, what is beyond the order is credited first.
    """
    left = order_files.nets(order)
    for invoice in standing:
        for (category, share), taxed in invoice.shares.items():
            # Under another treatment of the client nothing of it can be taken off.
            is_same = category == vat.category_of(client.vat.treatment, share.category)
            rest = left.get(share, money.ZERO) if is_same else money.ZERO
            if taxed.net > rest:
                found = say(
                    "has {amount} without VAT at {rate} % that the order has not, or no longer",
                    amount=money.shown(taxed.net - rest, 2),
                    rate=money.shown(share.vat_rate, 0),
                )
                beyond = Beyond(invoice.number, share, taxed.net - rest)
                raise StepRefused("B-CREDIT", Fault(invoice.number, found), beyond)
            if taxed.net:
                left[share] = rest - taxed.net
    return left


def _shares(order: Order, step: Step, nets: Nets, speech: Speech) -> Iterable[StepLine]:
    """A line for each share of a deposit or a milestone."""
    title = within_quotes(order.title[speech.language])
    key = "deposit_line" if step.kind == DEPOSIT else "milestone_line"
    name = speech.word(key, order=title)
    if step.percent is not None:
        name = speech.word(f"{key}_percent", percent=speech.percent(step.percent), order=title)
    is_mixed = len({share.category for share in nets}) > 1
    for share, net in nets.items():
        if net:
            detail = [step.description.get(speech.language, "")]
            detail += [speech.word(f"report_{share.category}")] if is_mixed else []
            charge = _charge(name, share, net, Decimal(1), speech)
            yield StepLine(charge, ", ".join(filter(None, detail)))


def _final(order: Order, standing: Iterable[StepInvoice], client: Client) -> StepCharges:
    speech = Speech(client.language)
    whole = charges_of(order)
    lines = list(map(StepLine, whole.lines))
    for invoice in standing:
        is_deposit = invoice.type_code == document.DEPOSIT
        values = {"number": invoice.number, "date": speech.date(invoice.issue_date)}
        name = speech.word("deposit_taken_off" if is_deposit else "milestone_taken_off", **values)
        shares = {key: taxed for key, taxed in invoice.shares.items() if any(taxed)}
        is_mixed = len({share.category for _, share in shares}) > 1
        # What took a whole share leaves no line of it, and is named on the first that is left.
        taken = {number for key in shares for number in invoice.noted.get(key, ())}
        elsewhere = [note.number for note in invoice.notes if note.number not in taken]
        for key, taxed in shares.items():
            detail = [speech.word(f"report_{key[1].category}")] if is_mixed else []
            if taxed.vat:
                tax = speech.amount(taxed.vat, client.currency)
                gross = speech.amount(taxed.net + taxed.vat, client.currency)
                detail.append(speech.word("vat_taken_off", vat=tax, gross=gross))
            noted = [*invoice.noted.get(key, ()), *elsewhere]
            elsewhere = []
            if noted:
                detail.append(speech.word("less_credit_notes", numbers=", ".join(noted)))
            charge = _charge(name, key[1], taxed.net, Decimal(-1), speech)
            lines.append(StepLine(charge, ", ".join(detail), invoice, taxed.vat))
    return StepCharges(tuple(lines), whole.allowances)


def _charge(name: str, share: Share, net: Decimal, quantity: Decimal, speech: Speech) -> ChargeLine:
    return ChargeLine(
        kind="one_off",
        description={speech.language: name},
        quantity=quantity,
        unit=ONE,
        unit_price=net,
        net=net * quantity,
        vat_rate=share.vat_rate,
        category=share.category,
    )


# --- the document --------------------------------------------------------------------


def invoice(
    client: Client,
    order: Order,
    step: Step,
    charges: StepCharges,
    number: str,
    issue_date: date,
    delivered: date,
    seller: SellerTerms,
    sources: dict[str, str],
    renderer: dict[str, str],
    logo: str = "",
) -> Document:
    """The invoice of a step, of its charges; other arguments are those of `invoicing.invoice`.

    Args:
      delivered: the day on which it was delivered or done (BT-72): the tax point of goods.
    """
    terms = Terms(
        step.payment_terms or client.payment_terms,
        order.purchase_order or client.purchase_order,
        client.buyer_reference,
        order.title[client.language],
    )
    billable = Billable(
        client,
        periods.month_of(issue_date),
        terms,
        Period(start=delivered, end=delivered),
        delivered,
        Charges(lines=tuple(line.charge for line in charges.lines), allowances=charges.allowances),
    )
    plain = invoicing.invoice(billable, number, issue_date, seller, sources, renderer, logo)
    lines = tuple(
        replace(
            line,
            description=source.detail or line.description,
            preceding=source.takes_off.number if source.takes_off else "",
            preceding_type=source.takes_off.type_code if source.takes_off else "",
            preceding_vat=source.vat,
        )
        for line, source in zip(plain.lines, charges.lines, strict=True)
    )
    before = {line.takes_off.number: line.takes_off for line in charges.lines if line.takes_off}
    return replace(
        plain,
        type_code=document.DEPOSIT if step.kind == DEPOSIT else document.INVOICE,
        order=order.id,
        step=step.id,
        step_kind=step.kind,
        note=order.note.get(client.language) or plain.note,
        preceding=tuple(
            preceding
            for bill in before.values()
            for preceding in (
                Preceding(number=bill.number, issue_date=bill.issue_date),
                *bill.notes,
            )
        ),
        lines=lines,
    )
