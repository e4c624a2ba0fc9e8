"""Credit notes: what of an invoice is taken back, and never more than is left of it.

Pure. A credit note repeats the lines that it takes back, under their own BT-126, with
positive amounts. What each one takes is the difference between two running totals, so
that credit notes that take back everything add up to the invoice to the cent:

    3 x 0.335 were invoiced at 1.01. Taken back one by one they are 0.34, 0.33, 0.34.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from lib.billing import invoicing
from lib.values import mentions, money, periods, spans
from lib.values.document import (
    CREDIT_NOTE,
    Allowance,
    Document,
    Line,
    Period,
    Preceding,
    VatSubtotal,
)

Quantities = dict[str, Decimal]  # BT-126 of a line of the invoice -> quantity

_SHARE = Decimal("1e-16")  # of a line that is taken back by days: its net is right to the cent


class TooMuch(ValueError):
    """More than is left; `faults` names each line: (place, text)."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{place}: {text}" for place, text in faults))
        self.faults = tuple(faults)


def quantities_left(invoice: Document, earlier: Iterable[Document]) -> Quantities:
    """What of each line no credit note has taken back yet.

    Args:
      earlier: the credit notes that correct `invoice`.
    """
    left = {line.id: line.quantity for line in invoice.lines}
    for note in earlier:
        for line_id, quantity in quantities_of(note).items():
            left[line_id] -= quantity
    return left


def quantities_of(note: Document) -> Quantities:
    """What a credit note takes back of each line."""
    return {line.id: line.credited_quantity or line.quantity for line in note.lines}


def wanted_quantities(
    invoice: Document, left: Quantities, asked: Mapping[str, Decimal | date | None] | None
) -> Quantities:
    """What a new credit note takes back.

    Args:
      asked: line -> quantity, the first day of its service that is taken back, or None for all
        that is left of it; None: everything left.

    Raises:
      TooMuch: for a line that the invoice does not have, or of which less is left.
    """
    if asked is None:
        asked = {line.id: None for line in invoice.lines if left[line.id] or not line.quantity}
    faults = []
    wanted: Quantities = {}
    for line_id, quantity in asked.items():
        if line_id not in left:
            known = ", ".join(left)
            text = f"is no line of {invoice.number}; its lines are {known}"
            faults.append((f"line {line_id}", text))
            continue
        if isinstance(quantity, date):
            quantity = _quantity_from(invoice, line_id, quantity)
            if quantity is None:
                faults.append((f"line {line_id}", "has no service on that day or after it"))
                continue
        if quantity is None and not left[line_id] and _quantity_of(invoice, line_id):
            faults.append((f"line {line_id}", "nothing is left of it"))
        wanted[line_id] = left[line_id] if quantity is None else quantity
        if wanted[line_id] > left[line_id]:
            text = f"{wanted[line_id]} is more than what is left of it, {left[line_id]}"
            faults.append((f"line {line_id}", text))
    if not faults and not any(wanted.values()):
        faults.append(("", f"nothing is left of {invoice.number}: it is credited in full"))
    if faults:
        raise TooMuch(faults)
    return wanted


def _quantity_of(invoice: Document, line_id: str) -> Decimal:
    return next(line.quantity for line in invoice.lines if line.id == line_id)


def _quantity_from(invoice: Document, line_id: str, first: date) -> Decimal | None:
    """What of a line belongs to a day and those after it, by days."""
    line = next(line for line in invoice.lines if line.id == line_id)
    served = spans.minus((line.period,), line.pauses) if line.period else ()
    after = spans.within(served, Period(start=first, end=date.max))
    if not after:
        return None
    share = Decimal(spans.count(after)) / spans.count(served)
    return (line.quantity * share).quantize(_SHARE).normalize()


def credit_note(
    invoice: Document,
    earlier: Sequence[Document],
    wanted: Quantities,
    number: str,
    issue_date: date,
    reason: str,
    sources: dict[str, str],
    renderer: dict[str, str],
    since: Mapping[str, date] | None = None,
) -> Document:
    """The credit note that takes `wanted` back, in the words and to the parties of `invoice`.

    It asks for no payment: no due date, no reference, no account (BT-9, BT-81, BT-83).

    Args:
      since: for lines that are taken back by days the first of them.
    """
    before = _Taken(invoice, earlier)
    lines = tuple(
        _line(
            _from_day(line, (since or {}).get(line.id)),
            before.nets[line.id],
            before.quantities[line.id],
            wanted[line.id],
            invoice,
        )
        for line in invoice.lines
        if line.id in wanted
    )
    allowances = _allowances(invoice, before, lines)
    subtotals = _subtotals(invoice, before, lines, allowances)
    language = invoice.language
    why = mentions.mention("credit_reason", issue_date, language, reason=reason)
    sold = invoicing.operation_category(lines)
    notes = mentions.of_credited(invoice.notes, sold, issue_date, language)
    return replace(
        invoice,
        number=number,
        type_code=CREDIT_NOTE,
        month=periods.month_of(issue_date),
        issue_date=issue_date,
        due_date=None,
        preceding=(Preceding(number=invoice.number, issue_date=invoice.issue_date),),
        reason=reason,
        operation_category=sold,
        lines=lines,
        allowances=allowances,
        vat_breakdown=subtotals,
        totals=invoicing.totals_of(lines, allowances, subtotals),
        notes=(*notes, why),
        payment_reference="",
        sources=sources,
        renderer=renderer,
    )


class _Taken:
    """What the credit notes before took, by line, by allowance and by VAT subtotal."""

    def __init__(self, invoice: Document, earlier: Sequence[Document]) -> None:
        self.quantities = {line.id: Decimal(0) for line in invoice.lines}
        self.nets = {line.id: money.ZERO for line in invoice.lines}
        self.allowances = [money.ZERO for _ in invoice.allowances]
        self.taxable = {(one.category, one.rate): money.ZERO for one in invoice.vat_breakdown}
        self.vat = dict(self.taxable)
        for note in earlier:
            for line in note.lines:
                self.quantities[line.id] += line.credited_quantity or line.quantity
                self.nets[line.id] += line.net
            for allowance in note.allowances:
                self.allowances[allowance.position] += allowance.amount
            for one in note.vat_breakdown:
                self.taxable[one.category, one.rate] += one.taxable
                self.vat[one.category, one.rate] += one.vat


def _from_day(line: Line, first: date | None) -> Line:
    """A line whose period begins on a day, where it is taken back from then on."""
    if first is None or line.period is None:
        return line
    after = Period(start=max(first, line.period.start), end=line.period.end)
    return replace(line, period=after, pauses=spans.within(line.pauses, after))


def _line(
    line: Line, net_before: Decimal, before: Decimal, wanted: Decimal, invoice: Document
) -> Line:
    """The part of a line that is taken back."""
    if not line.quantity:
        return line
    net = money.ratio_of(line.net, before + wanted, line.quantity) - net_before
    gross = money.line_net(wanted, line.unit_price)
    taken = replace(line, quantity=wanted, net=net, discount=gross - net)
    by_days = wanted != wanted.quantize(Decimal("0.0001"))
    if taken.discount > 0 and not by_days:
        reason = line.discount_reason or invoice.speech.word("rounding")
        return replace(taken, discount_reason=reason)
    if taken.discount == 0 and not by_days:
        return replace(taken, discount=money.ZERO, discount_reason="")
    # Rounding left a cent more than quantity x price, or a quantity (BT-129) has not so many
    # decimals: the part is charged as one.
    return replace(
        taken,
        quantity=Decimal(1),
        credited_quantity=wanted,
        unit_price=net,
        discount=money.ZERO,
        discount_reason="",
    )


def _allowances(invoice: Document, before: _Taken, lines: Sequence[Line]) -> tuple[Allowance, ...]:
    """Each discount of the invoice, in proportion to what its lines have lost by now."""
    taken = []
    for i, allowance in enumerate(invoice.allowances):
        invoiced = money.total(line.net for line in invoice.lines if _shares(allowance, line))
        lost = money.total(line.net for line in lines if _shares(allowance, line))
        lost += money.total(
            before.nets[line.id] for line in invoice.lines if _shares(allowance, line)
        )
        amount = money.ratio_of(allowance.amount, lost, invoiced) - before.allowances[i]
        if amount:
            part = replace(allowance, amount=amount, percent=None, base=None, position=i)
            taken.append(part)
    return tuple(taken)


def _shares(allowance: Allowance, line: Line) -> bool:
    return (line.vat_category, line.vat_rate, line.category) == (
        allowance.vat_category,
        allowance.vat_rate,
        allowance.category,
    )


def _subtotals(
    invoice: Document, before: _Taken, lines: Sequence[Line], allowances: Sequence[Allowance]
) -> tuple[VatSubtotal, ...]:
    """BG-23, the VAT as the difference of two running totals: never more than was invoiced."""
    subtotals = []
    for one in invoice.vat_breakdown:
        key = (one.category, one.rate)
        nets = [line.net for line in lines if (line.vat_category, line.vat_rate) == key]
        if not nets:
            continue
        allowed = [part.amount for part in allowances if (part.vat_category, part.vat_rate) == key]
        taxable = money.total(nets) - money.total(allowed)
        so_far = money.percentage_of(before.taxable[key] + taxable, one.rate)
        subtotals.append(replace(one, taxable=taxable, vat=so_far - before.vat[key]))
    return tuple(subtotals)
