"""The page says what the XML says: each term that means something to people, in reading order.

The XML is walked leaf by leaf, and each leaf is either said on the page, in the words of its
language, or listed here as something for machines alone. Nothing is told here about the document.
"""

import io
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pypdf
import pytest
from lxml import etree
from msgspec.structs import replace

from lib.documents import facturx_xml, invoice_pdf, pdf_writer
from lib.inputs import colours
from lib.values import payment_code
from lib.values.document import CREDIT_NOTE, DEPOSIT, Document, Note, Preceding, VatSubtotal
from lib.values.speech import MINUS, grouped
from test_facturx_xml import RICH as BARE

RICH = replace(
    BARE,
    payment_reference=payment_code.creditor_reference(BARE.number),
    seller=replace(BARE.seller, contact="Service facturation"),
    buyer=replace(BARE.buyer, contact="Jeanne Martin"),
)


def without_vat(category: str, code: str, reason: str) -> dict[str, Any]:
    """Changes that leave the rich invoice without VAT, for one reason."""
    lines = tuple(
        replace(line, vat_category=category, vat_rate=Decimal("0.00")) for line in RICH.lines
    )
    allowance = replace(RICH.allowances[0], vat_category=category, vat_rate=Decimal("0.00"))
    net = RICH.totals.net
    part = VatSubtotal(
        category=category,
        rate=Decimal("0.00"),
        taxable=net,
        vat=Decimal("0.00"),
        exemption_code=code,
        exemption_reason=reason,
    )
    totals = replace(RICH.totals, vat=Decimal("0.00"), gross=net, due=net)
    return {
        "lines": lines,
        "allowances": (allowance,),
        "vat_breakdown": (part,),
        "totals": totals,
        "vat_on_debits": False,
    }


def taken_off() -> dict[str, Any]:
    """Changes that make the rich invoice a final one, after a deposit."""
    line = replace(
        RICH.lines[1],
        id="3",
        name="Acompte déduit : facture NORD-2026-0007 du 2 octobre 2026",
        description="TVA déduite : 0,55 € (10,55 € TTC)",
        quantity=Decimal("-1"),
        unit="C62",
        unit_price=Decimal("10.00"),
        net=Decimal("-10.00"),
        preceding="NORD-2026-0007",
        preceding_type=DEPOSIT,
        preceding_vat=Decimal("0.55"),
    )
    parts = (
        RICH.vat_breakdown[0],
        replace(RICH.vat_breakdown[1], taxable=Decimal("40.00"), vat=Decimal("2.20")),
    )
    totals = replace(
        RICH.totals,
        lines_net=Decimal("140.00"),
        net=Decimal("130.00"),
        vat=Decimal("20.20"),
        gross=Decimal("150.20"),
        due=Decimal("150.20"),
    )
    return {
        "vat_breakdown": parts,
        "totals": totals,
        "step_kind": "final",
        "order": "site",
        "lines": (*RICH.lines, line),
        "preceding": (Preceding(number="NORD-2026-0007", issue_date=date(2026, 10, 2)),),
    }


DOCUMENTS = {
    "invoice": RICH,
    "english": replace(RICH, language="en"),
    "subject and note": replace(
        RICH, subject="Refonte du site", note="Nous déménageons :\nà Lyon."
    ),
    "deposit": replace(RICH, type_code=DEPOSIT, step_kind="deposit", order="site"),
    "final": replace(RICH, **taken_off()),
    "credit note": replace(
        RICH,
        type_code=CREDIT_NOTE,
        due_date=None,
        payment_reference="",
        note="Motif de l’avoir : boîtes abîmées",
        preceding=(Preceding(number="NORD-2026-0041", issue_date=date(2026, 10, 8)),),
    ),
    "franchise": replace(RICH, **without_vat("E", "VATEX-FR-FRANCHISE", "Art. 293 B du CGI")),
    "reverse charge": replace(RICH, **without_vat("AE", "VATEX-FR-AE", "Autoliquidation")),
    "outside VAT": replace(RICH, **without_vat("O", "VATEX-EU-O", "Art. 259-1° du CGI")),
    "other money": replace(RICH, currency="CHF"),
}

# What machines read: codes, schemes, and what stands on the page in a name of its own (a title
# for the type of a document, "virement" for the means of payment).
FOR_MACHINES = re.compile(
    r"ExchangedDocumentContext/|/TypeCode|SubjectCode|/CategoryCode|Indicator/|LineID"
    r"|SellerAssignedID|InvoiceCurrencyCode|ExemptionReasonCode|DueDateTypeCode|TaxCurrencyCode"
)
MONEY = re.compile(r"Amount(\[|$)|Percent$|Quantity$")
# Amounts that the page does not repeat where there is no VAT (see paper.bears_vat).
OF_VAT = re.compile(
    r"ApplicableTradeTax/|CategoryTradeTax/|TaxTotalAmount|GrandTotalAmount|TaxBasisTotalAmount"
)


def leaves(xml: bytes) -> Iterator[tuple[str, Any]]:
    """Each element that has a text, with its path in local names."""
    root = etree.fromstring(xml)
    for element in root.iter():
        if len(element) == 0 and element.text and element.text.strip():
            names = [etree.QName(each).localname for each in element.iterancestors()]
            yield "/".join([*reversed(names), etree.QName(element).localname]), element


def spellings(path: str, element: Any, document: Document) -> list[str]:
    """How a page may say the text of an element."""
    speech, text = document.speech, element.text
    if path.endswith("DateTimeString"):
        day = date.fromisoformat(text)
        if "BillingSpecifiedPeriod" in path:
            return [speech.period(document.period.start, document.period.end), speech.date(day)]
        if "ActualDelivery" in path:  # it ends the period, unless it has a day of its own
            period = speech.period(document.period.start, document.period.end)
            return [speech.date(day), period]
        return [speech.date(day)]
    if path.endswith("CountryID"):
        return [speech.country(text)]
    if path.endswith("Percent"):
        return [speech.percent(Decimal(text))]
    if path.endswith("BilledQuantity"):
        quantity = Decimal(text)
        unit = speech.unit(element.get("unitCode"), quantity)
        # What is taken off is said by its amount alone: -1 of it is for machines.
        return [f"{speech.number(quantity)} {unit}"] if quantity > 0 else [""]
    if path.endswith("ChargeAmount") or MONEY.search(path):
        number = speech.number(Decimal(text), 2)
        # A unit price stands at its line; that of what is taken off is its amount below 0.
        return [number, f"{MINUS}{number}"]
    if path.endswith(("IBANID", "PaymentReference")):
        return [grouped(text, 4)]
    if element.get("schemeID") == "0225":  # said by the SIREN, where it is no more than that
        return [grouped(text, 3), f"0225:{text}"]
    if element.get("schemeID") in ("0002", "FC"):
        return [grouped(text, 3)]
    if element.get("schemeID") == "0009":
        return [grouped(text, 3, 3, 3, 5)]
    return [text]


def said_of(document: Document) -> list[tuple[str, list[str]]]:
    """Each term of its XML that people read, and how the page may say it."""
    xml = facturx_xml.generate(document)
    is_credit = document.is_credit_note
    bears_vat = any(part.rate for part in document.vat_breakdown)
    of_machines = {"BAR", "ABL"} | ({"PMT", "PMD", "AAB"} if is_credit else set())
    terms = []
    for path, element in leaves(xml):
        code = element.getparent().findtext("{*}SubjectCode")
        if FOR_MACHINES.search(path) or code in of_machines:
            continue
        if not bears_vat and OF_VAT.search(path) and not path.endswith("ExemptionReason"):
            continue
        # An order has a day, and no period; its total stands above what is taken off.
        if document.order and "BillingSpecifiedPeriod" in path:
            continue
        if document.takes_off_deposits and path.endswith("HeaderMonetarySummation/LineTotalAmount"):
            continue
        terms.append((path, spellings(path, element, document)))
    return terms


def plain(text: str) -> str:
    """With each kind of space as a plain one, line breaks too."""
    return " ".join(text.split())


def read(data: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    return plain("\n".join(page.extract_text() for page in pages))


@pytest.fixture(params=DOCUMENTS)
def document(request: Any) -> Document:
    return DOCUMENTS[request.param]


@pytest.fixture
def page(document: Document) -> str:
    return read(invoice_pdf.render(document, facturx_xml.generate(document), None))


def test_each_term_of_the_xml_that_people_read_stands_on_the_page(document, page):
    terms = said_of(document)
    assert len(terms) > 60
    missing = [
        (path, ways)
        for path, ways in terms
        if not any(re.search(rf"(?<!\w){re.escape(plain(way))}(?!\w)", page) for way in ways)
    ]
    assert not missing


def test_it_is_read_in_its_order(document, page):
    """Head, parties, what it is about, each line with its figures, totals, mentions."""
    speech, currency = document.speech, document.currency
    expected = [document.title.upper(), document.number]
    if document.is_credit_note:
        expected += [document.corrected.number, document.note]
    expected += [speech.date(document.issue_date), document.purchase_order]
    for party in (document.seller, document.buyer):
        expected += [party.name, party.trade_name, party.address.city, *party.email]
    expected.append(document.subject)
    expected += [] if document.is_credit_note else [document.note]
    for line in document.lines:
        expected.append(line.name)
        if not line.preceding:
            quantity, unit = speech.number(line.quantity), speech.unit(line.unit, line.quantity)
            expected += [quantity, unit, speech.number(line.unit_price, 2)]
        expected.append(speech.number(line.net, 2))
    if any(part.rate for part in document.vat_breakdown):
        expected.append(speech.amount(document.totals.net, currency))
        expected += [speech.amount(part.vat, currency) for part in document.vat_breakdown]
        expected.append(speech.amount(document.totals.gross, currency))
    else:
        expected.append(document.vat_breakdown[0].exemption_reason)
    expected.append(speech.amount(document.totals.due, currency))
    if document.is_credit_note:
        expected.append(speech.word("credit_terms", number=document.corrected.number))
    else:
        expected += [document.notes[-1].text]
    at = 0
    for text in map(plain, filter(None, expected)):
        found = page.find(text, at)
        assert found >= 0, (text, page[at : at + 200])
        at = found + len(text)


@pytest.mark.parametrize("name", ["franchise", "reverse charge", "outside VAT"])
def test_a_page_without_vat_repeats_no_amount(name):
    document = DOCUMENTS[name]
    page = read(invoice_pdf.render(document, facturx_xml.generate(document), None))
    due = plain(document.speech.amount(document.totals.due, document.currency))
    # At its head and as Net à payer; where others owe the VAT, as Total HT too.
    assert page.count(due) == (2 if name == "franchise" else 3)
    assert "TTC" not in page and (name != "franchise" or not re.search(r"\bHT\b", page))


# --- contrast ------------------------------------------------------------------------


def luminance(colour: tuple[int, int, int]) -> Decimal:
    """WCAG 2.2, "relative luminance"."""
    parts = []
    for part in colour:
        value = Decimal(part) / 255
        linear = value / Decimal("12.92")
        if value > Decimal("0.04045"):
            linear = ((value + Decimal("0.055")) / Decimal("1.055")) ** Decimal("2.4")
        parts.append(linear)
    weights = (Decimal("0.2126"), Decimal("0.7152"), Decimal("0.0722"))
    return sum((weight * part for weight, part in zip(weights, parts, strict=True)), Decimal(0))


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> Decimal:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + Decimal("0.05")) / (darker + Decimal("0.05"))


def grounds(page: pdf_writer.Page, text: pdf_writer.Text) -> Iterator[tuple[int, int, int]]:
    """White, and each box that lies beneath a text."""
    yield colours.WHITE
    for mark in page[: page.index(text)]:
        if isinstance(mark, pdf_writer.Box):
            inside = mark.x <= text.x <= mark.x + mark.width
            if inside and mark.y <= text.y <= mark.y + mark.height:
                yield mark.colour


LIGHTEST = "#" + bytes(colours.darkened((255, 128, 192))).hex()


@pytest.mark.parametrize("colour", ["", LIGHTEST])
def test_all_text_has_contrast_enough(document, colour):
    seller = replace(document.seller, colour=colour)
    mandate = Note(code="DCL", text="Facture établie par A au nom et pour le compte de B.")
    branded = replace(document, seller=seller, notes=(*document.notes, mandate))
    settled = invoice_pdf.Settled(("le 3 décembre",), Decimal(0), Decimal("1.00"), Decimal(0))
    layouts = [
        invoice_pdf._lay_out(branded, None, ""),
        invoice_pdf._lay_out(branded, None, "", settled),
    ]
    for page in (page for pages in layouts for page in pages):
        for mark in page:
            if isinstance(mark, pdf_writer.Text):
                for ground in grounds(page, mark):
                    assert contrast(mark.colour, ground) >= Decimal("4.5"), (mark, ground)
