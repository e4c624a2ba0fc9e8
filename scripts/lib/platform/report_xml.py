"""The XML of a report (flux 10), by the XSD of the tax office; no rule is decided here.

An `Id` names the kind and the period of a report and whether it is the first (IN) or one that
takes its place (RE): 732829320-transactions-20270901-20270910-IN.
"""

from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lib.documents import facturx_xml, validators
from lib.documents.validators import Verdict
from lib.platform import ereporting
from lib.platform.ereporting import DailySales, PeriodReport, Received
from lib.values import money
from lib.values.document import Document, Line, Party
from lib.values.money import text_of
from lib.values.vat_periods import TRANSACTIONS

if TYPE_CHECKING:
    from lxml import etree

FIRST, AGAIN = "IN", "RE"
_TYPE = "urn.cpro.gouv.fr:1p0:ereporting"
_ON_INVOICE = "5"  # BT-8, UNTDID 2475
_SIREN, _PLATFORM = "0002", "0238"
_BODIES = ("TransactionsReport", "PaymentsReport")


class ReportHead(NamedTuple):
    """Who reports what: TT-1 to TT-15. `day` is that on which it is made."""

    id: str
    type_code: str
    day: date
    sender: str
    sender_name: str
    siren: str
    name: str


def write(head: ReportHead, report: PeriodReport) -> bytes:
    """The file of a report."""
    from lxml import etree

    root = _node("Report", _head(head), body(report))
    xml: bytes = etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8")
    return xml


def says(xml: bytes) -> bytes:
    """What a file reports, whenever and as which it was sent: two that say the same are equal."""
    from lxml import etree

    (whole,) = (part for part in etree.fromstring(xml) if part.tag in _BODIES)
    canonical: bytes = etree.tostring(whole, method="c14n")
    return canonical


@cache
def _rules() -> Path:
    """What pyfrctc ships; its code is not imported."""
    spec = find_spec("pyfrctc")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def verdicts(xml: bytes) -> list[Verdict]:
    """The rules that a file breaks: of the XSD and of the schematron."""
    rules = _rules()
    schematrons = [rules / "frr-schematron/Flux10.xslt"]
    return validators.broken_rules(xml, rules / "frr-xsd/ereporting.xsd", schematrons)


# --- elements ------------------------------------------------------------------------


def _node(
    name: str, *content: "str | etree._Element | None", **attributes: str
) -> "etree._Element":
    """An element with its text or its children; None is left out."""
    from lxml import etree

    element = etree.Element(name, attributes)
    for part in content:
        if isinstance(part, str):
            element.text = part
        elif part is not None:
            element.append(part)
    return element


def _day(day: date | str) -> str:
    return str(day).replace("-", "")


def _head(head: ReportHead) -> "etree._Element":
    moment = f"{_day(head.day)}000000"
    return _node(
        "ReportDocument",
        _node("Id", head.id),
        _node("IssueDateTime", _node("DateTimeString", moment)),
        _node("TypeCode", head.type_code),
        _node(
            "Sender",
            _node("Id", head.sender, schemeId=_PLATFORM),
            _node("Name", head.sender_name),
            _node("RoleCode", "WK"),
        ),
        _node(
            "Issuer",
            _node("Id", head.siren, schemeId=_SIREN),
            _node("Name", head.name),
            _node("RoleCode", "SE"),
        ),
    )


def body(report: PeriodReport) -> "etree._Element":
    """What is reported."""
    period = _node(
        "ReportPeriod",
        _node("StartDate", _day(report.period.start)),
        _node("EndDate", _day(report.period.end)),
    )
    if report.period.kind == TRANSACTIONS:
        invoices = map(_invoice, report.invoices)
        return _node(_BODIES[0], period, *invoices, *map(_sales, report.sales))
    return _node(
        _BODIES[1],
        period,
        *(_received(entry) for entry in report.received if entry.number),
        *(_node("Transactions", _payment(entry)) for entry in report.received if not entry.number),
    )


def _sales(sales: DailySales) -> "etree._Element":
    nets = sum(net for net, _ in sales.rates.values())
    taxes = sum(tax for _, tax in sales.rates.values())
    return _node(
        "Transactions",
        _node("Date", _day(sales.day)),
        _node("TransactionsCurrency", sales.currency),
        _node("TaxDueDateTypeCode", _ON_INVOICE) if sales.on_debits else None,
        _node("CategoryCode", sales.category),
        _node("TaxExclusiveAmount", text_of(nets)),
        _node("TaxTotal", text_of(taxes)),
        _node("TransactionsCount", str(sales.number)),
        *(
            _node(
                "TaxSubtotal",
                _node("TaxPercent", rate),
                _node("TaxableAmount", text_of(net)),
                _node("TaxTotal", text_of(tax)),
            )
            for rate, (net, tax) in sorted(sales.rates.items())
        ),
    )


def _received(received: Received) -> "etree._Element":
    return _node(
        "Invoice",
        _node("InvoiceID", received.number),
        _node("IssueDate", _day(received.issued)),
        _payment(received),
    )


def _payment(received: Received) -> "etree._Element":
    return _node(
        "Payment",
        _node("Date", _day(received.day)),
        *(
            _node(
                "SubTotals",
                _node("TaxPercent", rate),
                _node("CurrencyCode", "EUR"),
                _node("Amount", text_of(amount)),
            )
            for rate, amount in sorted(received.rates.items())
        ),
    )


# --- an invoice of 10.1 --------------------------------------------------------------


def _invoice(document: Document) -> "etree._Element":
    days = {preceding.number: preceding.issue_date for preceding in document.preceding}
    return _node(
        "Invoice",
        _node("ID", document.number),
        _node("IssueDate", _day(document.issue_date)),
        _node("TypeCode", document.type_code),
        _node("CurrencyCode", document.currency),
        _node("DueDate", _day(document.due_date)) if document.due_date else None,
        _node("TaxDueDateTypeCode", _ON_INVOICE) if document.vat_on_debits else None,
        _node(
            "BusinessProcess", _node("ID", facturx_xml.process(document)), _node("TypeID", _TYPE)
        ),
        *(_referenced(number, day) for number, day in days.items()),
        _seller(document.seller),
        _buyer(document.buyer),
        _node("Delivery", _node("Date", _day(document.delivery or document.period.end))),
        _period(document.period.start, document.period.end),
        *(
            _node(
                "AllowanceCharge",
                _node("Amount", money.plain(allowance.amount, 2)),
                _node("TaxCategoryCode", allowance.vat_category),
                _node("TaxPercent", money.plain(allowance.vat_rate, 2)),
                ChargeIndicator="false",
            )
            for allowance in document.allowances
        ),
        _node(
            "MonetaryTotal",
            _node("TaxExclusiveAmount", money.plain(document.totals.net, 2)),
            _node("TaxAmount", money.plain(document.totals.vat, 2), CurrencyCode="EUR"),
        ),
        *_subtotals(document),
        *(_line(line, days.get(line.preceding)) for line in document.lines),
    )


def _referenced(number: str, day: date) -> "etree._Element":
    return _node("ReferencedDocument", _node("ID", number), _node("IssueDate", _day(day)))


def _period(start: date, end: date) -> "etree._Element | None":
    """None of one day: the rules refuse it (G6.25)."""
    if start == end:
        return None
    return _node("InvoicePeriod", _node("StartDate", _day(start)), _node("EndDate", _day(end)))


def _seller(seller: Party) -> "etree._Element":
    return _node(
        "Seller",
        _node("CompanyId", seller.siren, schemeId=_SIREN),
        _node("TaxRegistrationId", seller.vat_number, qualifyingId="VAT"),
        _node("PostalAddress", _node("CountryId", seller.address.country)),
    )


def _buyer(buyer: Party) -> "etree._Element":
    known = ereporting.buyer_id(buyer)
    assert known, "an invoice whose buyer has no identifier is held"
    scheme, identifier = known
    number = buyer.vat_number
    return _node(
        "Buyer",
        _node("CompanyId", identifier, schemeId=scheme),
        _node("TaxRegistrationId", number, qualifyingId="VAT") if number else None,
        _node("PostalAddress", _node("CountryId", buyer.address.country)),
    )


def _subtotals(document: Document) -> "Iterator[etree._Element]":
    for subtotal in document.vat_breakdown:
        reason, code = subtotal.exemption_reason, subtotal.exemption_code
        yield _node(
            "TaxSubTotal",
            _node("TaxableAmount", money.plain(subtotal.taxable, 2)),
            _node("TaxAmount", money.plain(subtotal.vat, 2)),
            _node(
                "TaxCategory",
                _node("Code", subtotal.category),
                _node("Percent", money.plain(subtotal.rate, 2)),
                _node("TaxExemptionReason", reason) if reason else None,
                _node("TaxExemptionReasonCode", code) if code else None,
            ),
        )


def _line(line: Line, preceding: date | None) -> "etree._Element":
    discount = money.plain(line.discount, 2)
    return _node(
        "Line",
        _node("BilledQuantity", money.plain(line.quantity), UnitCode=line.unit),
        _referenced(line.preceding, preceding) if preceding else None,
        _period(line.period.start, line.period.end) if line.period else None,
        _node("AllowanceCharge", _node("Amount", discount), ChargeIndicator="false")
        if line.discount
        else None,
        _node("Price", _node("PriceAmount", money.plain(line.unit_price, 2))),
        _node("Product", _node("Name", line.name)),
    )
