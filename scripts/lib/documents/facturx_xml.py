"""The Factur-X XML of a document: profile EN 16931 (Comfort), CII syntax.

factur-x writes the XML from a dictionary keyed by business terms. It drops keys that it
does not know without a word, so every term written here is read back by a test.
"""

from decimal import Decimal
from functools import cache
from typing import Any

from lib.core.lazy_imports import postponed
from lib.values import money
from lib.values.document import Address, Document, Line, Party
from lib.values.vat import NOT_SUBJECT

FILE_NAME = "factur-x.xml"  # inside the PDF
_SIREN_SCHEME = "0002"
_SIRET_SCHEME = "0009"
_SERVICE_SCHEME = "0240"
_PROCESS = {"goods": "B", "services": "S", "mixed": "M"}  # BT-23, BR-FR-08
_ORDINARY, _PAID, _AFTER_DEPOSIT = "1", "2", "4"
_CREDIT_TRANSFER = "30"  # BT-81, UNTDID 4461
_VAT_ON_INVOICE_DATE = "5"  # BT-8, UNTDID 2475


@cache
def library() -> Any:
    """factur-x, without what it reads PDFs with and asks servers."""
    with postponed("pypdf", "pypdf.generic", "requests"):
        import facturx
    return facturx


def generate(document: Document) -> bytes:
    """The XML of a document, not yet validated."""
    terms = {
        "BT-1": document.number,
        "BT-2": document.issue_date,
        "BT-3": document.type_code,
        "BT-5": document.currency,
        "BT-23": process(document),
        "BT-10": document.buyer_reference,
        "BT-13": document.purchase_order,
        "BT-72": document.delivery or document.period.end,
        "BT-73": document.period.start,
        "BT-74": document.period.end,
        "BG-1": _notes(document),
        "BG-4": _seller(document),
        "BG-7": _buyer(document),
        "BG-13": _delivery(document),
        "BG-20": [_allowance(allowance) for allowance in document.allowances],
        "BG-23": [_subtotal(subtotal) for subtotal in document.vat_breakdown],
        "BG-25": [_line(line) for line in document.lines],
        **_totals(document),
        **_payment(document),
    }
    if document.vat_on_debits:
        terms["BT-8"] = _VAT_ON_INVOICE_DATE
    terms["BG-3"] = [
        {"BT-25": preceding.number, "BT-26": preceding.issue_date}
        for preceding in document.preceding
    ]
    terms = {term: value for term, value in terms.items() if value}
    xml: bytes = library().generate_cii_xml(
        terms, level="en16931", check_xsd=False, check_schematron=None
    )
    return xml


def _notes(document: Document) -> list[dict[str, str]]:
    """BG-1: what the document is about, the notes to the customer, and the mentions."""
    own = [("", text) for text in (document.subject, document.note) if text]
    notes = [*own, *((note.code, note.text) for note in document.notes)]
    return [{"BT-21": code, "BT-22": text} for code, text in notes]


def process(document: Document) -> str:
    """BT-23: what is sold, and whether it is paid already or deposits came before."""
    framework = _AFTER_DEPOSIT if document.takes_off_deposits else _ORDINARY
    if document.paid:
        framework = _PAID
    return _PROCESS[document.operation_category] + framework


def _payment(document: Document) -> dict[str, Any]:
    """BG-16 and BG-17, where money is asked for; a credit note says what becomes of it."""
    if document.is_credit_note:
        # BR-CO-25 as some validators read it: an amount due needs a date or terms, 381 too.
        number = document.corrected.number
        return {"BT-20": document.speech.word("credit_terms", number=number)}
    if document.due_date is None:
        return {}
    terms: dict[str, Any] = {"BT-9": document.due_date}
    bank = document.seller.bank
    if bank and document.totals.due > 0:
        terms |= {
            "BT-81": _CREDIT_TRANSFER,
            "BT-83": document.payment_reference,
            "BT-84": bank.iban,
            "BT-85": bank.holder or document.seller.name,
            "BT-86": bank.bic,
        }
    return terms


def _totals(document: Document) -> dict[str, str]:
    totals = document.totals
    terms = {
        "BT-106": _money(totals.lines_net),
        "BT-109": _money(totals.net),
        "BT-110": _money(totals.vat),
        "BT-112": _money(totals.gross),
        "BT-115": _money(totals.due),
    }
    if document.allowances:
        terms["BT-107"] = _money(totals.allowances)
    if document.paid:
        terms["BT-113"] = _money(totals.gross - totals.due)
    return terms


def _is_outside_vat(document: Document) -> bool:
    """Whether an invoice is outside the scope of VAT: BT-31 and BT-48 may not stand (BR-O-02)."""
    return any(subtotal.category == NOT_SUBJECT for subtotal in document.vat_breakdown)


def _seller(document: Document) -> dict[str, Any]:
    seller, terms = document.seller, _party(document.seller)
    if _is_outside_vat(document):
        number = terms.pop("vat_identifier", "")
        if number and not seller.siren:
            terms["identifiers"] = {"": number}  # BR-CO-26: a seller is known by some identifier
    elif not seller.vat_number and seller.siren:
        # A seller without VAT number is known to the tax office by its SIREN (BT-32).
        terms["tax_identifier"] = seller.siren
    return terms


def _buyer(document: Document) -> dict[str, Any]:
    terms = _party(document.buyer)
    if _is_outside_vat(document):
        terms.pop("vat_identifier", None)
    return terms


def _party(party: Party) -> dict[str, Any]:
    terms: dict[str, Any] = {"name": party.name, **_address(party.address)}
    if party.trade_name:
        terms["biz_name"] = party.trade_name
    if party.siret:
        terms["identifiers"] = {_SIRET_SCHEME: party.siret}
    elif party.service_code:  # BT-46 stands once (EN 16931)
        terms["identifiers"] = {_SERVICE_SCHEME: party.service_code}
    if party.siren:
        terms["legal_identifier"] = party.siren
        terms["legal_identifier_schemeid"] = _SIREN_SCHEME
    if party.vat_number:
        terms["vat_identifier"] = party.vat_number
    if party.electronic_address:
        terms["einvoicing_addr"] = party.electronic_address.id
        terms["einvoicing_addr_schemeid"] = party.electronic_address.scheme
    contact = {
        "name": party.contact,
        "phone": party.phone,
        "email": party.email[0] if party.email else "",
    }
    if any(contact.values()):
        terms["contacts"] = [{key: value for key, value in contact.items() if value}]
    return terms


def _delivery(document: Document) -> dict[str, Any]:
    """BG-13."""
    address = document.buyer.delivery_address
    if address is None:
        return {}
    return {"name": address.name or document.buyer.name, **_address(address)}


def _address(address: Address) -> dict[str, str]:
    terms = {"city": address.city, "country_code": address.country, "postcode": address.postcode}
    for i, line in enumerate(address.lines, 1):
        terms[f"addr_l{i}"] = line
    return terms


def _line(line: Line) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "BT-126": line.id,
        "BT-129": money.plain(line.quantity),
        "BT-130": line.unit,
        "BT-131": _money(line.net),
        "BT-146": money.plain(line.unit_price, 2),
        "BT-151": line.vat_category,
        "BT-153": line.name,
    }
    if line.vat_category != NOT_SUBJECT:
        terms["BT-152"] = _rate(line.vat_rate)
    if line.item:
        terms["BT-155"] = line.item
    if line.description:
        terms["BT-154"] = line.description
    if line.period:
        terms |= {"BT-134": line.period.start, "BT-135": line.period.end}
    if line.discount:
        terms["BG-27"] = [{"amount": _money(line.discount), "reason": line.discount_reason}]
    return terms


def _allowance(allowance: Any) -> dict[str, str]:
    terms = {
        "amount": _money(allowance.amount),
        "reason": allowance.reason,
        "vat_category_code": allowance.vat_category,
    }
    if allowance.vat_category != NOT_SUBJECT:
        terms["vat_rate"] = _rate(allowance.vat_rate)
    if allowance.percent is not None:
        terms["rate"] = _rate(allowance.percent)
        terms["base_amount"] = _money(allowance.base)
    return terms


def _subtotal(subtotal: Any) -> dict[str, str]:
    terms = {
        "BT-116": _money(subtotal.taxable),
        "BT-117": _money(subtotal.vat),
        "BT-118": subtotal.category,
    }
    if subtotal.category != NOT_SUBJECT:
        terms["BT-119"] = _rate(subtotal.rate)
    if subtotal.exemption_code:
        terms["BT-121"] = subtotal.exemption_code
    if subtotal.exemption_reason:
        terms["BT-120"] = subtotal.exemption_reason
    return terms


def _money(amount: Decimal) -> str:
    return money.plain(amount, 2)


def _rate(rate: Decimal) -> str:
    """Two decimals: "20.00" (BR-DEC, BR-FR-16)."""
    return format(rate, ".2f")
