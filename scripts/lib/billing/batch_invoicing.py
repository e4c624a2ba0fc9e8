"""Batch billing: from a checked line of a CSV to the document issued in its seller's name.

Pure, as billing/invoicing is; both share what does not depend on where the lines come from.
"""

from datetime import date
from typing import Any

from lib.billing import batch_rows, invoicing
from lib.billing.batch_rows import BatchInvoice, BatchLine
from lib.inputs.batch_client_files import BatchClient
from lib.values import mentions, periods, vat
from lib.values.document import Document, Line
from lib.values.speech import Speech


def invoice(
    client: BatchClient,
    row: BatchInvoice,
    number: str,
    month: str,
    issue_date: date,
    issued_by: str,
    sources: dict[str, str],
    renderer: dict[str, str],
    logo: str = "",
) -> Document:
    """The invoice of a line.

    Args:
      issued_by: the name of who issues in the seller's name and on its behalf.
      sources: each file that the invoice is made from -> its SHA-256.
      logo: the SHA-256 of the seller's logo, or empty.
    """
    seller = client.seller
    language = row.language or client.defaults.language
    speech, currency = Speech(language), client.defaults.currency
    lines = tuple(_line(str(i), line, speech, currency) for i, line in enumerate(row.lines, 1))
    subtotals = vat.breakdown(lines, (), _exemptions(client, row, issue_date, language))
    totals = invoicing.totals_of(lines, (), subtotals, bool(row.paid))
    sold = invoicing.operation_category(lines)
    buyer = invoicing.delivered(invoicing.addressed(row.buyer), lines)
    notes = mentions.notes_of(
        seller,
        buyer,
        issue_date,
        speech,
        vat.audience(buyer, subtotals),
        sold,
        issued_by,
    )
    return Document(
        number=number,
        client=client.id,
        month=month,
        issue_date=issue_date,
        due_date=_due_date(client, row, issue_date),
        currency=currency,
        language=language,
        operation_category=sold,
        vat_on_debits=seller.debits,
        period=row.period,
        seller=invoicing.seller_of(seller, logo),
        buyer=buyer,
        issued_by=issued_by,
        reference=row.reference,
        purchase_order=row.purchase_order,
        buyer_reference=row.buyer_reference,
        note=row.note,
        lines=lines,
        vat_breakdown=subtotals,
        totals=totals,
        notes=notes,
        paid=row.paid,
        payment_reference=invoicing.payment_reference(number, seller, totals),
        sources=sources,
        renderer=renderer,
    )


def usage(client: BatchClient, month: str, invoices: int) -> dict[str, Any]:
    """The usage that the payer is billed by: how many invoices were issued for `client`."""
    return {
        "client": client.billed_as,
        "month": month,
        "source": f"batch_{client.id}",
        "quantities": {"batch_invoices": str(invoices)},
    }


def _due_date(client: BatchClient, row: BatchInvoice, issue_date: date) -> date:
    """BT-9; of what is paid the day of issue, since BR-FR-CO-09 wants one."""
    terms = client.defaults.payment_terms
    if row.paid:
        return issue_date
    if row.payment_days is not None:
        return periods.due_date(issue_date, row.payment_days, False)
    return periods.due_date(issue_date, terms.days, terms.end_of_month)


def _line(line_id: str, line: BatchLine, speech: Speech, currency: str) -> Line:
    detail = ""
    if line.price_with_vat is not None and line.vat_rate:
        price = speech.amount(line.price_with_vat, currency)
        detail = speech.word("price_with_vat", price=price)
    return Line(
        id=line_id,
        name=line.description,
        description=detail,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        discount=line.discount,
        discount_reason=line.discount_reason,
        net=line.net,
        vat_category=line.vat_category,
        vat_rate=line.vat_rate,
        category=line.category,
        gross=line.gross,
    )


def _exemptions(
    client: BatchClient, row: BatchInvoice, day: date, language: str
) -> dict[str, vat.Exemption]:
    exemptions = {}
    for line in row.lines:
        category = line.vat_category
        if any(line.exemption):
            exemptions[category] = line.exemption
        elif category != "S":
            treatment = batch_rows.treatment_of(line, row.buyer, client.seller)
            exemptions[category] = invoicing.exemption_of(
                treatment, category, client.seller, row.buyer, day, language
            )
    return exemptions
