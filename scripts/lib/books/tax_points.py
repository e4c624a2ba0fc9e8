"""When VAT falls due (exigibilité): the tax point of each share of what was invoiced.

    goods                       on delivery, which is BT-72 (art. 269 1 a and a bis, 2 a CGI)
    services, option for debits when they are invoiced (art. 269 2 c CGI)
    other services              as they are paid: books/allocation
    what a bank kept            when it is written off: the customer paid it
    what else is written off    never, where it falls due as it is paid
    a deposit                   as it is paid, of goods too (tax_points.json): what of it is not
                                paid when the goods are delivered falls due with them
    services taxed in another   as they are paid, and what is not paid when they are done: then
    state of the EU             (art. 63, 65 and 66 of directive 2006/112/CE; art. 269 2 CGI)
    credit notes                when they are issued (art. 272 1 CGI), but never before what
                                they take back fell due

Worked example: goods delivered on 31 October and invoiced on 8 November are October's VAT.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lib.books import payments
from lib.books.allocation import Receipt, receipts, write_offs
from lib.books.histories import History, IssuedDocument, Movement, VatShare

EU_SERVICES = "VATEX-EU-AE"

# From which day on the VAT of deposits on goods falls due as they are paid.
GOODS_AS_PAID: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_bytes())


def sources() -> list[dict[str, Any]]:
    """The table as it stands there: it names its source and its day."""
    return [GOODS_AS_PAID]


class VatDue(NamedTuple):
    """A share whose VAT falls due on a day, or is taken back (below 0), and what makes it so."""

    date: str
    source: IssuedDocument | Movement
    share: VatShare


def is_due_as_paid(invoice: IssuedDocument, share: VatShare) -> bool:
    """Whether the VAT of a share of `invoice` falls due with the money for it."""
    if share.nature == "goods":
        return invoice.is_deposit and invoice.date >= GOODS_AS_PAID["from"]
    return not invoice.vat_on_debits or _is_taxed_abroad(invoice, share)


def _is_taxed_abroad(invoice: IssuedDocument, share: VatShare) -> bool:
    return invoice.exemptions.get(share.vat_category) == EU_SERVICES


def _delivered(invoice: IssuedDocument, share: VatShare) -> str:
    """The day from which on what is due as it is paid waits no longer; empty: it always does."""
    if share.nature == "services" and not _is_taxed_abroad(invoice, share):
        return ""
    return invoice.delivered if invoice.is_deposit else invoice.delivery


def is_pending(invoice: IssuedDocument, share: VatShare, day: str) -> bool:
    """Whether the VAT of a share waits for its money on a day: of goods until their delivery."""
    return is_due_as_paid(invoice, share) and not "" < _delivered(invoice, share) < day


def cashed(history: History) -> list[Receipt]:
    """What the customer paid: what was received, and what the seller's bank kept of it.

    The price with VAT is all that the customer gave for it (art. 266 1 a CGI): charges of the
    seller's own bank are its costs, and make it no lower.
    """
    kept = (part for part in write_offs(history) if part.cause == payments.BANK_CHARGE)
    return [*receipts(history), *kept]


def tax_point(invoice: IssuedDocument, bill: IssuedDocument, share: VatShare) -> str:
    """The day on which the VAT of a share of `bill` falls due; empty: as it is paid.

    Args:
      bill: `invoice`, or a credit note on it.
    """
    if is_due_as_paid(invoice, share):
        is_delivered = "" < _delivered(invoice, share) <= bill.date
        return bill.date if is_delivered and bill is not invoice else ""
    due = invoice.delivery if share.nature == "goods" else invoice.date
    return due if bill is invoice else max(bill.date, due)


def dues(history: History) -> list[VatDue]:
    """All VAT of an invoice that falls due, by its bills, then by its receipts."""
    invoice = history.invoice
    shares = []
    for bill in history.issued:
        for share in bill.shares:
            if day := tax_point(invoice, bill, share):
                shares.append(VatDue(day, bill, share if bill is invoice else -share))
    return shares + dues_as_paid(history)


def dues_as_paid(history: History) -> list[VatDue]:
    """The VAT that falls due by receipts, and the rest of it by the delivery of goods."""
    invoice = history.invoice
    if not any(is_due_as_paid(invoice, share) for share in invoice.shares):
        return []
    shares = [
        VatDue(receipt.source.date, receipt.source, share)
        for receipt in cashed(history)
        for share in receipt.shares
        if is_pending(invoice, share, receipt.source.date)
    ]
    lost = [
        share
        for write_off in write_offs(history)
        if write_off.cause != payments.BANK_CHARGE
        for share in write_off.shares
        if is_pending(invoice, share, write_off.source.date)
    ]
    shares += _on_delivery(history, [*lost, *(due.share for due in shares)])
    return shares


def _on_delivery(history: History, settled: Sequence[VatShare]) -> Iterator[VatDue]:
    """What is delivered before it is paid, of what falls due as it is paid."""
    invoice = history.invoice
    for share in invoice.shares:
        day = _delivered(invoice, share)
        if day and is_due_as_paid(invoice, share):
            notes = [note for note in history.credit_notes if note.date < day]
            less = [*settled, *(credited for note in notes for credited in note.shares)]
            about = (share.nature, share.vat_category, share.vat_rate)
            own = [one for one in less if (one.nature, one.vat_category, one.vat_rate) == about]
            net = share.net - sum(one.net for one in own)
            vat = share.vat - sum(one.vat for one in own)
            if net or vat:
                yield VatDue(day, invoice, VatShare(*about, net, vat))
