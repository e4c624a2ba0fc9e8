"""E-reporting (flux 10): what of a period the tax office is told that no electronic invoice says.

    10.1  each invoice and credit note to a taxable person abroad
    10.3  sales to buyers who are no taxable persons: by day, currency, category and rate
    10.2  what was received of the services of 10.1, by invoice, day and rate, with VAT
    10.4  what was received of the services of 10.3, by day and rate, with VAT

Whom an invoice is for stands in its note BAR, as values/vat.audience has it: B2B is deposited and
never reported, OUTOFSCOPE is neither (art. 261 to 261 E CGI). What of an invoice is exempt by
these articles is left out of 10.3 where the rest is not.

Categories are those of annexe II CGI, art. 242 nonies M (looked up 2026-11-29): goods (TLB1) and
services (TPS1), apart where an invoice has both, and what is not located in France (TNT1), which
is the VAT category O here. Which of them sales without VAT of a franchise are, is not settled:
they are TLB1 and TPS1, at a rate of 0.

Money is reported where VAT falls due as it is received (books/tax_points), so none of a franchise
and none under the option for debits. What cannot be reported as the rules stand is held, and said.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import NamedTuple

from lib.books import openings, tax_points
from lib.books.histories import History, IssuedDocument
from lib.books.tax_points import VatDue
from lib.core.faults import Alert, Fault
from lib.core.messages import Message, figure, say
from lib.values import code_lists, mentions, vat
from lib.values.document import Document, Party
from lib.values.money import text_of
from lib.values.vat_periods import TRANSACTIONS, ReportPeriod

GOODS, SERVICES, NOT_LOCATED = "TLB1", "TPS1", "TNT1"
_ABROAD = "B2BINT"
_PRIVATE = ("B2C", "B2CINT")
_TAXED = "S"
_EURO = "EUR"
_NAME_CHARACTERS = 16  # of a buyer outside the EU, after its country (G2.19)

DocumentOf = Callable[[IssuedDocument], Document]


class DailySales(NamedTuple):
    """An entry of 10.3: net and VAT by rate, in cents, of so many documents of a day."""

    day: str
    currency: str
    category: str
    on_debits: bool
    number: int
    rates: dict[str, tuple[int, int]]


class Received(NamedTuple):
    """An entry of 10.2, or of 10.4 where `number` is empty: cents with VAT by rate."""

    day: str
    number: str
    issued: str
    rates: dict[str, int]


class PeriodReport(NamedTuple):
    """What is reported of a period, and what is held, with why."""

    period: ReportPeriod
    invoices: tuple[Document, ...]
    sales: tuple[DailySales, ...]
    received: tuple[Received, ...]
    held: tuple[Alert, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.invoices or self.sales or self.received)


def report(
    period: ReportPeriod, histories: Iterable[History], document_of: DocumentOf, since: date
) -> PeriodReport:
    """The report of a period.

    Args:
      document_of: the document of a record.
      since: what was issued before this day is not reported, nor what is received of it.
    """
    if period.kind == TRANSACTIONS:
        return _transactions(period, histories, document_of, since)
    return _payments(period, histories, document_of, since)


# --- transactions --------------------------------------------------------------------

_SalesKey = tuple[str, str, str, bool]  # day, currency, category, option for debits


def _transactions(
    period: ReportPeriod, histories: Iterable[History], document_of: DocumentOf, since: date
) -> PeriodReport:
    first, last = max(period.start, since).isoformat(), period.end.isoformat()
    bills = [bill for history in histories for bill in history.issued if first <= bill.date <= last]
    invoices: list[Document] = []
    counts: dict[_SalesKey, int] = {}
    sums: dict[_SalesKey, dict[str, tuple[int, int]]] = {}
    held: list[Alert] = []
    for bill in sorted(bills, key=lambda bill: (bill.date, bill.number)):
        document = document_of(bill)
        audience = mentions.audience_of(document)
        if audience not in (_ABROAD, *_PRIVATE):
            continue
        if fault := _hold(document, audience):
            held.append(_alert(fault, bill.client))
        elif audience == _ABROAD:
            invoices.append(document)
        else:
            own = _daily(bill, document)
            for key, rates in own.items():
                counts[key] = counts.get(key, 0) + 1
                so_far = sums.setdefault(key, {})
                for rate, (net, tax) in rates.items():
                    before = so_far.get(rate, (0, 0))
                    so_far[rate] = (before[0] + net, before[1] + tax)
    sales = tuple(DailySales(*key, counts[key], sums[key]) for key in sorted(sums))
    return PeriodReport(period, tuple(invoices), sales, (), tuple(held))


def _daily(bill: IssuedDocument, document: Document) -> dict[_SalesKey, dict[str, tuple[int, int]]]:
    """What a document is in 10.3; a credit note takes it back on its own day."""
    sign = -1 if bill.kind == "credit_note" else 1
    exempt = {
        subtotal.category
        for subtotal in document.vat_breakdown
        if vat.is_out_of_scope(subtotal.exemption_code)
    }
    sums: dict[_SalesKey, dict[str, tuple[int, int]]] = {}
    for share in bill.shares:
        if share.vat_category in exempt:
            continue
        category = GOODS if share.nature == "goods" else SERVICES
        if share.vat_category == vat.NOT_SUBJECT:
            category = NOT_LOCATED
        on_debits = bill.vat_on_debits and category == SERVICES
        rates = sums.setdefault((bill.date, bill.currency, category, on_debits), {})
        net, tax = rates.get(share.vat_rate, (0, 0))
        rates[share.vat_rate] = (net + sign * share.net, tax + sign * share.vat)
    return sums


# --- payments ------------------------------------------------------------------------

_ReceivedKey = tuple[str, str, str]  # day, number and issue date of an invoice of 10.1


def _payments(
    period: ReportPeriod, histories: Iterable[History], document_of: DocumentOf, since: date
) -> PeriodReport:
    first, last = period.start.isoformat(), period.end.isoformat()
    sums: dict[_ReceivedKey, dict[str, int]] = {}
    held: list[Alert] = []
    for history in histories:
        invoice = history.invoice
        dues = [due for due in _money(history) if first <= due.date <= last]
        if not dues or invoice.date < since.isoformat():
            continue
        if invoice.kind == openings.OPENING:
            found = say("was issued by the tool before, which knows whom for")
            remedy = say("report what was received of it there, if it is no electronic invoice")
            held.append(_alert(Fault(invoice.number, found, remedy=remedy), invoice.client))
            continue
        document = document_of(invoice)
        audience = mentions.audience_of(document)
        if audience not in (_ABROAD, *_PRIVATE):
            continue
        if fault := _hold(document, audience):
            held.append(_alert(fault, invoice.client))
            continue
        about = (invoice.number, invoice.date) if audience == _ABROAD else ("", "")
        for due in dues:
            rates = sums.setdefault((due.date, *about), {})
            rates[due.share.vat_rate] = rates.get(due.share.vat_rate, 0) + due.share.gross
    received = []
    for (day, number, issued), rates in sorted(sums.items()):
        for rate, amount in rates.items():
            if amount < 0:
                held.append(_negative(day, number, rate, amount))
        if above := {rate: amount for rate, amount in sorted(rates.items()) if amount > 0}:
            received.append(Received(day, number, issued, above))
    return PeriodReport(period, (), (), tuple(received), tuple(held))


def _money(history: History) -> Iterator[VatDue]:
    """What falls due as it is received: not by a delivery, nor what bears no VAT of ours."""
    return (
        due
        for due in tax_points.dues_as_paid(history)
        if due.share.vat_category == _TAXED and due.source is not history.invoice
    )


def _negative(day: str, number: str, rate: str, amount: int) -> Alert:
    found = say(
        "{amount} at {rate} % was given back: the published rules take no amount below 0,"
        " though the norm does",
        amount=figure(text_of(amount)),
        rate=figure(rate),
    )
    remedy = say("tell the platform, or let the VAT return say it alone")
    return _alert(Fault(f"{number} {day}".strip(), found, remedy=remedy), "")


# --- what cannot be reported ---------------------------------------------------------


def _alert(fault: Fault, client: str) -> Alert:
    return Alert("I-EREPORTING-HELD", "", fault, client)


def _hold(document: Document, audience: str) -> Fault | None:
    """Why a document cannot be reported, if it cannot."""

    def fault(found: Message, remedy: Message) -> Fault:
        return Fault(document.number, found, remedy=remedy)

    if document.currency != _EURO and document.totals.vat:
        found = say("has VAT in {currency}, which is reported in euros", currency=document.currency)
        return fault(found, say("report it by hand at the platform, at the rate of its day"))
    if audience != _ABROAD:
        return None
    if not document.seller.vat_number:
        found = say("names no VAT number of the seller, which the rules ask for (G2.33)")
        return fault(found, say("have one given (art. 286 ter CGI), and report it at the platform"))
    if buyer_id(document.buyer) is None:
        found = say("names no VAT number of its buyer in the EU (G2.33)")
        return fault(found, say("ask the buyer for it, and report it by hand at the platform"))
    return None


def buyer_id(buyer: Party) -> tuple[str, str] | None:
    """Scheme and identifier of a buyer in 10.1 (G2.19); None where it lacks the one it needs."""
    members, state = code_lists.eu_members(), buyer.vat_number[:2].replace("EL", "GR")
    if state in members - {"FR"}:
        return "0223", buyer.vat_number
    if buyer.siren and state == "FR":
        return "0002", buyer.siren
    if buyer.address.country in members - {"FR"}:
        return None
    return "0227", f"{buyer.address.country}{buyer.name[:_NAME_CHARACTERS]}".strip()
