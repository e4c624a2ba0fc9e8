"""Credit notes: what of an invoice is taken back, and never more than is left of it.

Pure. A credit note repeats the lines that it takes back, under their own BT-126, with
positive amounts. What each one takes is the difference between two running totals, so
that credit notes that take back everything add up to the invoice to the cent:

    3 x 0.335 were invoiced at 1.01. Taken back one by one they are 0.34, 0.33, 0.34.

An amount that is taken off a line lowers the price of what is left of it: of 10 x 100.00 less
50.00, five are 475.00 and the other five too.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from lib.billing import invoicing, pricing
from lib.core.faults import Fault, at_line
from lib.core.messages import Code, Message, say
from lib.values import mentions, money, periods, spans, vat
from lib.values.document import (
    CREDIT_NOTE,
    Allowance,
    Document,
    Line,
    Period,
    Preceding,
    VatSubtotal,
)

_SHARE = Decimal("1e-16")  # of a line that is taken back by days: its net is right to the cent
_AROUND = 3  # cents of lines on either side, among which a sum with VAT is met


class Wish(NamedTuple):
    """What is asked of a line: a quantity, an amount before VAT, or its service from a day on;
    all that is left of it where none of them is named."""

    quantity: Decimal | None = None
    amount: Decimal | None = None
    since: date | None = None


class CreditedPart(NamedTuple):
    """What is taken back of a line; an amount alone takes no quantity.

    `since` is the first day where it is taken back by days.
    """

    quantity: Decimal
    net: Decimal
    since: date | None = None


Wishes = Mapping[str, Wish]  # by BT-126 of a line of the invoice
Parts = Mapping[str, CreditedPart]
_Nets = Mapping[str, Decimal]
_NOTHING = CreditedPart(Decimal(0), money.ZERO)


class TooMuch(ValueError):
    """What cannot be taken back of an invoice; `faults` name each line."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.place}: {fault.text}" for fault in faults))
        self.faults = faults


class Credited:
    """What credit notes took of an invoice: by line, by allowance and by VAT subtotal."""

    def __init__(self, invoice: Document, notes: Iterable[Document]) -> None:
        self.parts = {line.id: _NOTHING for line in invoice.lines}
        self.allowances = [money.ZERO for _ in invoice.allowances]
        self.taxable = {
            (subtotal.category, subtotal.rate): money.ZERO for subtotal in invoice.vat_breakdown
        }
        self.vat = dict(self.taxable)
        self.is_declared = bool(vat.gross_of(invoice.lines))  # with VAT, by the seller
        # Where an amount was the last to change what a unit of a line comes to.
        self.amounts: dict[str, CreditedPart] = {}
        for note in notes:
            for line in note.lines:
                quantity, net, _ = self.parts[line.id]
                taken = line.quantity if line.credited_quantity is None else line.credited_quantity
                self.parts[line.id] = CreditedPart(quantity + taken, net + line.net)
                if line.is_amount:
                    self.amounts[line.id] = self.parts[line.id]
            for allowance in note.allowances:
                self.allowances[allowance.position] += allowance.amount
            for subtotal in note.vat_breakdown:
                self.taxable[subtotal.category, subtotal.rate] += subtotal.taxable
                self.vat[subtotal.category, subtotal.rate] += subtotal.vat

    def left(self, line: Line) -> CreditedPart:
        """What is left of a line of the invoice."""
        taken = self.parts[line.id]
        return CreditedPart(line.quantity - taken.quantity, line.net - taken.net)

    def part(self, line: Line, quantity: Decimal, since: date | None = None) -> CreditedPart:
        """A quantity of a line, at the price that earlier amounts left of it."""
        if not line.quantity:
            return CreditedPart(quantity, line.net)
        taken, start = self.parts[line.id], self.amounts.get(line.id, _NOTHING)
        by_then = taken.quantity + quantity - start.quantity
        rest = line.quantity - start.quantity
        net = start.net + money.ratio_of(line.net - start.net, by_then, rest)
        return CreditedPart(quantity, net - taken.net, since)


# --- what is taken back --------------------------------------------------------------


def wished_parts(invoice: Document, notes: Sequence[Document], wishes: Wishes | None) -> Parts:
    """What a new credit note takes back of each line.

    Args:
      notes: the credit notes that correct `invoice` already.
      wishes: None: everything that is left.

    Raises:
      TooMuch: for a line that the invoice does not have, or of which less is left.
    """
    credited = Credited(invoice, notes)
    lines = {line.id: line for line in invoice.lines}
    if wishes is None:
        wishes = {
            line.id: Wish()
            for line in invoice.lines
            if credited.left(line).quantity or not line.quantity
        }
    faults: list[Fault] = []
    parts: dict[str, CreditedPart] = {}
    for line_id, wish in wishes.items():
        if line_id in lines:
            part = _part(credited, lines[line_id], wish)
        else:
            known = ", ".join(lines)
            text = say(
                "is not a line of {invoice}; its lines are {lines}",
                invoice=invoice.number,
                lines=known,
            )
            part = Fault("", text)
        if isinstance(part, CreditedPart):
            parts[line_id] = part
        else:
            faults.append(part._replace(place=at_line(line_id)))
    if not faults and not any(part.quantity or part.net for part in parts.values()):
        faults.append(_nothing_left(invoice))
    faults += [] if faults else _beyond_rates(invoice, credited, parts)
    if faults:
        raise TooMuch(*faults)
    return parts


def _nothing_left(invoice: Document) -> Fault:
    text = say("nothing is left of {invoice}: it is credited in full", invoice=invoice.number)
    return Fault("", text)


def _part(credited: Credited, line: Line, wish: Wish) -> CreditedPart | Fault:
    """What is taken back of a line, or why not; an amount that takes all takes the quantity."""
    left, quantity = credited.left(line), wish.quantity
    if wish.amount is not None:
        if line.net <= 0:
            text = say(
                "is {net}: an amount is taken off what is above 0", net=money.shown(line.net)
            )
            return Fault("", text, remedy=say("leave the amount out to take all of it back"))
        if wish.amount > left.net:
            text = say(
                "{amount} is more than what is left of it before VAT, {net}",
                amount=money.shown(wish.amount),
                net=money.shown(left.net),
            )
            return Fault("", text)
        return left if wish.amount == left.net else CreditedPart(Decimal(0), wish.amount)
    if wish.since:
        quantity = _quantity_from(line, wish.since)
        if quantity is None:
            return Fault("", say("has no service on that day or after it"))
    elif quantity is None:
        quantity = left.quantity
        if line.quantity and not quantity:
            return Fault("", say("nothing is left of it"))
    if quantity > left.quantity:
        text = say(
            "{quantity} is more than what is left of it, {left}",
            quantity=money.shown(quantity, 0),
            left=money.shown(left.quantity, 0),
        )
        return Fault("", text)
    return credited.part(line, quantity, wish.since)


def _quantity_from(line: Line, first: date) -> Decimal | None:
    """What of a line belongs to a day and those after it, by days."""
    served = spans.minus((line.period,), line.pauses) if line.period else ()
    after = spans.within(served, Period(start=first, end=date.max))
    if not after:
        return None
    share = Decimal(spans.count(after)) / spans.count(served)
    return (line.quantity * share).quantize(_SHARE).normalize()


def _beyond_rates(invoice: Document, credited: Credited, parts: Parts) -> list[Fault]:
    """The rates at which less than nothing or more than is left is taken back: where lines below 0
    take a deposit off, a line is more than what its rate has."""
    taken = _subtotals(invoice, credited, {name: part.net for name, part in parts.items()})
    faults = []
    for one, rest in zip(taken, _left_of(invoice, credited, taken), strict=True):
        place = _of_rate(one.rate)
        if one.taxable < 0 <= rest.taxable:
            text = say(
                "{amount} before VAT would be charged, not given back",
                amount=money.shown(-one.taxable),
            )
            remedy = say("take back lines above 0 with it")
            faults.append(Fault(place, text, remedy=remedy))
        if one.taxable > rest.taxable >= 0:
            text = say(
                "{amount} is more than what is left at this rate before VAT, {left}",
                amount=money.shown(one.taxable),
                left=money.shown(rest.taxable),
            )
            remedy = say("take back the lines below 0 too, or an amount of at most that")
            faults.append(Fault(place, text, remedy=remedy))
    return faults or _beyond_natures(invoice, credited, parts)


def _of_rate(rate: Decimal) -> str:
    """The place of what is wrong at a rate."""
    return str(say("VAT {rate} %", rate=money.shown(rate, 0)))


def _beyond_natures(invoice: Document, credited: Credited, parts: Parts) -> list[Fault]:
    """Goods and services of a rate of which less than nothing, or more than is left, is taken."""
    faults = []
    shares = {(line.vat_category, line.vat_rate, line.category) for line in invoice.lines}
    taken_off = _allowances(invoice, credited, {name: part.net for name, part in parts.items()})
    for category, rate, nature in sorted(shares):
        lines = [
            line
            for line in invoice.lines
            if (line.vat_category, line.vat_rate, line.category) == (category, rate, nature)
        ]
        left = _left_of_nature(invoice, credited, lines)
        taken = money.total(parts[line.id].net for line in lines if line.id in parts)
        taken -= money.total(one.amount for one in taken_off if _shares(one, lines[0]))
        if any(line.preceding for line in lines) and not 0 <= taken <= left:
            text = say(
                "{amount} of {nature} before VAT would be taken back, and {left} are left",
                amount=money.shown(taken),
                nature=Code(nature),
                left=money.shown(left),
            )
            remedy = say("take back the lines below 0 of them together with those above 0")
            faults.append(Fault(_of_rate(rate), text, remedy=remedy))
    return faults


def _left_of_nature(invoice: Document, credited: Credited, lines: Sequence[Line]) -> Decimal:
    """What is left of goods or of services of a rate, less what is left of their discounts."""
    left = money.total(credited.left(line).net for line in lines)
    return left - money.total(
        discount.amount - credited.allowances[i]
        for i, discount in enumerate(invoice.allowances)
        if _shares(discount, lines[0])
    )


def _left_of(
    invoice: Document, credited: Credited, among: Iterable[VatSubtotal]
) -> list[VatSubtotal]:
    """What is left of some of the VAT subtotals of an invoice."""
    keys = {(subtotal.category, subtotal.rate) for subtotal in among}
    return [
        replace(
            subtotal,
            taxable=subtotal.taxable - credited.taxable[key],
            vat=subtotal.vat - credited.vat[key],
        )
        for subtotal in invoice.vat_breakdown
        if (key := (subtotal.category, subtotal.rate)) in keys
    ]


# --- an amount of a whole invoice ----------------------------------------------------


class _Sum(NamedTuple):
    """Parts of lines, what they come to with VAT, and how far that is from even (squared)."""

    gross: Decimal
    parts: Parts
    distance: Decimal = money.ZERO


def amount_parts(invoice: Document, notes: Sequence[Document], gross: Decimal) -> Parts:
    """The parts of lines that an amount with VAT takes back of a whole invoice.

    It is shared out over the VAT rates in proportion to what is left of each with VAT, and at a
    rate over the lines in proportion to what is left of each, by largest remainders. VAT is
    computed on the sum of a rate, so that not every amount has lines that come to it; where
    there are several rates, a cent more at one of them makes up for a cent less at another.

    Raises:
      TooMuch: if less is left, or no lines come to it; then the nearest amounts are named.
    """
    left = invoice.totals.gross - money.total(note.totals.gross for note in notes)
    if left <= 0:
        raise TooMuch(_nothing_left(invoice))
    if gross == left:
        return wished_parts(invoice, notes, None)
    if gross > left:
        text = say(
            "{amount} is more than what is left of it with VAT, {left}",
            amount=money.shown(gross),
            left=money.shown(left),
        )
        raise TooMuch(Fault("AMOUNT", text))
    credited = Credited(invoice, notes)
    rates = _left_of(invoice, credited, invoice.vat_breakdown)
    shares = money.share_out(gross, [max(one.taxable + one.vat, money.ZERO) for one in rates])
    sums = {money.ZERO: _Sum(money.ZERO, {})}
    for rate, share in zip(rates, shares, strict=True):
        near = _sums_near(invoice, credited, rate, share)
        joined: dict[Decimal, _Sum] = {}
        for a in sums.values():
            for b in near:
                distance = a.distance + (b.gross - share) ** 2
                one = _Sum(a.gross + b.gross, {**a.parts, **b.parts}, distance)
                known = joined.setdefault(one.gross, one)
                joined[one.gross] = min(known, one, key=lambda found: found.distance)
        sums = joined
    if gross in sums:
        return sums[gross].parts
    below = max((one for one in sums if one < gross), default=money.ZERO)
    above = min((one for one in sums if one > gross), default=left)
    remedy = say("write {below} or {above}", below=str(below), above=str(above))
    text = say("no lines come to {amount} with their VAT, to the cent", amount=money.shown(gross))
    raise TooMuch(Fault("AMOUNT", text, remedy=remedy if below else _write(above)))


def _write(amount: Decimal) -> Message:
    return say("write {amount}", amount=str(amount))


def _sums_near(
    invoice: Document, credited: Credited, rate: VatSubtotal, share: Decimal
) -> list[_Sum]:
    """What lines of a rate come to near its share of an amount."""
    weights = _weights(invoice, credited, rate)
    if not weights:
        return [_Sum(money.ZERO, {})]

    lefts = {line.id: credited.left(line) for line in invoice.lines}

    def at(cents: int) -> tuple[Decimal, _Sum]:
        nets = money.share_out(money.in_euros(cents), list(weights.values()))
        parts = {
            name: lefts[name] if net == lefts[name].net else CreditedPart(Decimal(0), net)
            for name, net in zip(weights, nets, strict=True)
            if net
        }
        of_lines = {name: part.net for name, part in parts.items()}
        subtotals = _subtotals(invoice, credited, of_lines)
        taxable = money.total(one.taxable for one in subtotals)
        return taxable, _Sum(taxable + money.total(one.vat for one in subtotals), parts)

    every = range(money.cents(money.total(weights.values())) + 1)
    start = bisect_left(every, share, key=lambda cents: at(cents)[1].gross)
    around = every[max(start - _AROUND, 0) : start + _AROUND + 1]
    # Discounts are rounded each by itself: near the ends they can come to more than their lines.
    return [
        one
        for taxable, one in map(at, around)
        if 0 <= taxable <= rate.taxable and not _beyond_natures(invoice, credited, one.parts)
    ]


def _weights(invoice: Document, credited: Credited, rate: VatSubtotal) -> dict[str, Decimal]:
    """What can be taken of each line above 0 of a rate: what is left of it, and of the lines of a
    nature together what lines below 0 have left of that."""
    weights = {line.id: money.ZERO for line in invoice.lines}
    key = rate.category, rate.rate
    of_rate = [line for line in invoice.lines if (line.vat_category, line.vat_rate) == key]
    for nature in dict.fromkeys(line.category for line in of_rate):
        lines = [line for line in of_rate if line.category == nature]
        lefts = {line.id: credited.left(line).net for line in lines}
        rest = money.total(lefts.values())
        above = {name: left for name, left in lefts.items() if left > 0}
        if rest > 0 and _left_of_nature(invoice, credited, lines) > 0:
            parts = money.share_out(rest, list(above.values()))
            weights |= zip(above, parts, strict=True)
    return {name: weight for name, weight in weights.items() if weight}


# --- the credit note -----------------------------------------------------------------


def credit_note(
    invoice: Document,
    notes: Sequence[Document],
    parts: Parts,
    number: str,
    issue_date: date,
    reason: str,
    sources: dict[str, str],
    renderer: dict[str, str],
) -> Document:
    """The credit note that takes `parts` back, in the words and to the parties of `invoice`.

    It asks for no payment: no due date, no reference, no account (BT-9, BT-81, BT-83).
    """
    credited = Credited(invoice, notes)
    lines = tuple(
        _line(line, credited, parts[line.id], invoice) for line in invoice.lines if line.id in parts
    )
    nets = {line.id: line.net for line in lines}
    allowances = _allowances(invoice, credited, nets)
    subtotals = _subtotals(invoice, credited, nets)
    language = invoice.language
    why = mentions.mention("credit_reason", issue_date, language, reason=reason)
    sold = invoicing.operation_category(lines)
    mentioned = mentions.of_credited(invoice.notes, sold, issue_date, language)
    return replace(
        invoice,
        number=number,
        type_code=CREDIT_NOTE,
        month=periods.month_of(issue_date),
        issue_date=issue_date,
        due_date=None,
        preceding=(Preceding(number=invoice.number, issue_date=invoice.issue_date),),
        note=why.text,
        reason=reason,
        operation_category=sold,
        lines=lines,
        allowances=allowances,
        vat_breakdown=subtotals,
        totals=invoicing.totals_of(lines, allowances, subtotals),
        notes=mentioned,
        paid="",
        payment_reference="",
        sources=sources,
        renderer=renderer,
    )


def _from_day(line: Line, first: date | None) -> Line:
    """A line whose period begins on a day, where it is taken back from then on."""
    if first is None or line.period is None:
        return line
    after = Period(start=max(first, line.period.start), end=line.period.end)
    return replace(line, period=after, pauses=spans.within(line.pauses, after))


def _line(line: Line, credited: Credited, part: CreditedPart, invoice: Document) -> Line:
    """The part of a line that is taken back."""
    if not line.quantity:
        return line
    line = replace(_from_day(line, part.since), net=part.net, gross=None)
    speech = invoice.speech
    # Rounding left a cent more than quantity x price, or a quantity (BT-129) has not so many
    # decimals: the part is charged as one.
    as_one = replace(
        line,
        quantity=Decimal(1),
        credited_quantity=part.quantity,
        unit_price=part.net,
        discount=money.ZERO,
        discount_reason="",
    )
    if as_one.is_amount:
        invoiced = next(billed.net for billed in invoice.lines if billed.id == line.id)
        amount = speech.amount(invoiced, invoice.currency)
        return replace(
            as_one, unit=pricing.ONE, description=speech.word("amount_of_line", amount=amount)
        )
    discount = money.line_net(part.quantity, line.unit_price) - part.net
    if discount < 0 or part.quantity != part.quantity.quantize(Decimal("0.0001")):
        return as_one
    reasons = [line.discount_reason] if discount else []
    if discount and line.id in credited.amounts:
        reasons.append(speech.word("already_credited"))
    reason = ", ".join(filter(None, reasons)) or (speech.word("rounding") if discount else "")
    return replace(
        line, quantity=part.quantity, discount=discount or money.ZERO, discount_reason=reason
    )


def _allowances(invoice: Document, credited: Credited, nets: _Nets) -> tuple[Allowance, ...]:
    """Each discount of the invoice, in proportion to what its lines have lost by now."""
    taken = []
    for i, allowance in enumerate(invoice.allowances):
        # Lines below 0 take a deposit off: no discount was on them.
        lines = [line for line in invoice.lines if _shares(allowance, line) and line.net > 0]
        invoiced = money.total(line.net for line in lines)
        lost = money.total(
            nets.get(line.id, money.ZERO) + credited.parts[line.id].net for line in lines
        )
        amount = money.ratio_of(allowance.amount, lost, invoiced) - credited.allowances[i]
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


def _subtotals(invoice: Document, credited: Credited, nets: _Nets) -> tuple[VatSubtotal, ...]:
    """BG-23, the VAT as the difference of two running totals: never more than was invoiced.

    Args:
      nets: what is taken back of each line.
    """
    allowances = _allowances(invoice, credited, nets)
    subtotals = []
    for subtotal in invoice.vat_breakdown:
        key = (subtotal.category, subtotal.rate)
        of_rate = [
            nets[line.id]
            for line in invoice.lines
            if line.id in nets and (line.vat_category, line.vat_rate) == key
        ]
        if not of_rate:
            continue
        allowed = [part.amount for part in allowances if (part.vat_category, part.vat_rate) == key]
        taxable = money.total(of_rate) - money.total(allowed)
        so_far = vat.tax_of_part(subtotal, credited.taxable[key] + taxable, credited.is_declared)
        subtotals.append(replace(subtotal, taxable=taxable, vat=so_far - credited.vat[key]))
    return tuple(subtotals)
