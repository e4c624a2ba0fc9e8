"""When VAT falls due (exigibilité): the tax point of each share of what was invoiced.

    goods                       on delivery, which is BT-72 (art. 269 1 a and a bis, 2 a CGI)
    services, option for debits when they are invoiced (art. 269 2 c CGI)
    other services              as they are paid: books/allocation
    what a bank kept            when it is written off: the customer paid it
    what else is written off    never, where it falls due as it is paid
    credit notes                when they are issued (art. 272 1 CGI), but never before what
                                they take back fell due

Worked example: goods delivered on 31 October and invoiced on 8 November are October's VAT.
"""

from typing import NamedTuple

from lib.books import payments
from lib.books.allocation import receipts, write_offs
from lib.books.histories import History, IssuedDocument, Movement, VatShare


class VatDue(NamedTuple):
    """A share whose VAT falls due on a day, or is taken back (below 0), and what makes it so."""

    date: str
    source: IssuedDocument | Movement
    share: VatShare


def is_due_as_paid(invoice: IssuedDocument, share: VatShare) -> bool:
    """Whether the VAT of a share of `invoice` falls due with the money for it."""
    return share.nature == "services" and not invoice.vat_on_debits


def tax_point(invoice: IssuedDocument, bill: IssuedDocument, share: VatShare) -> str:
    """The day on which the VAT of a share of `bill` falls due; empty: as it is paid.

    Args:
      bill: `invoice`, or a credit note on it.
    """
    if is_due_as_paid(invoice, share):
        return ""
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
    if any(is_due_as_paid(invoice, share) for share in invoice.shares):
        kept = [taken for taken in write_offs(history) if taken.cause == payments.BANK_CHARGE]
        for receipt in (*receipts(history), *kept):
            for share in receipt.shares:
                if is_due_as_paid(invoice, share):
                    shares.append(VatDue(receipt.source.date, receipt.source, share))
    return shares
