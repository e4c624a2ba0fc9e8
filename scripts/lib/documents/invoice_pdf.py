"""The page of an invoice or a credit note: a Document laid out, and written as PDF/A-3A.

The layout is a pure function of the document: pages of marks (text, box, picture), each at
its place, in points from the top left corner of an A4 sheet. documents/pdf_writer writes them.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import NamedTuple

from lib.documents import facturx_xml, fonts, paper, pdf_writer, transfer, typeset
from lib.documents.fonts import SEMIBOLD
from lib.documents.paper import (
    LABEL,
    MENTION,
    SECTION,
    SUBJECT,
    SUM,
    SUM_STRONG,
    TOTALS_WIDTH,
    VALUE,
    VALUE_STRONG,
    Block,
    Fact,
)
from lib.documents.pdf_writer import Box, EmbeddedFile, Page, Stamp
from lib.documents.structure import Tag
from lib.documents.transfer import PAY_STRONG
from lib.documents.typeset import (
    ACCENT,
    FAINT,
    LEFT,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    RIGHT,
    Style,
)
from lib.values import mentions
from lib.values.document import Document

# Notes that no page prints (BAR), or that stand near the heading (DCL) or in the footer (ABL).
ELSEWHERE = ("BAR", "DCL", "ABL")
# Nothing is to be paid, late or early, of a credit note or of what is paid already: BR-FR-05
# wants these in their XML. Art. L441-9 C. com. has them on any invoice between businesses.
OF_PAYMENT = ("PMT", "PMD", "AAB")
PAID = Style(SEMIBOLD, 16, ACCENT, 24)


class Settled(NamedTuple):
    """How an invoice was settled: a line for each payment, and what credit notes and money took.

    Together with what was written off (below 0 where money is kept that was paid too much) they
    are the invoice, or more where too much was paid.
    """

    lines: tuple[str, ...]
    credited: Decimal
    paid: Decimal
    written_off: Decimal


# --- the words of the parts ----------------------------------------------------------


def _is_draft(document: Document, watermark: str) -> bool:
    return watermark == document.speech.word("draft")


def _facts(document: Document, settled: Settled | None) -> list[Fact]:
    """Labels and values of the row beneath the title, those that there are."""
    speech = document.speech
    facts = [("issue_date", speech.date(document.issue_date), VALUE)]
    if document.due_date and not document.is_credit_note and not document.paid:
        facts.append(("due_date", speech.date(document.due_date), VALUE))
        if document.totals.due > 0 and not settled:
            due = speech.amount(document.totals.due, document.currency)
            facts.append(("due", due, VALUE_STRONG))
    if document.is_delivered_before:
        kind = "completed" if document.operation_category == "services" else "delivered"
        facts.append((kind, speech.date(document.period.end), VALUE))
    if not document.order:
        period = speech.period(document.period.start, document.period.end)
        facts.append(("period", period, VALUE))
    facts.append(("purchase_order", document.purchase_order, VALUE))
    facts.append(("buyer_reference", document.buyer_reference, VALUE))
    facts.append(("reference", document.reference, VALUE))
    return [Fact(speech.word(key), value, style) for key, value, style in facts if value]


def _first(document: Document) -> list[tuple[str, Style]]:
    """What has to be read first: what a credit note corrects, and why; by whom an invoice was
    issued in the seller's name (note DCL)."""
    lines = [(note.text, MENTION) for note in document.notes if note.code == "DCL"]
    if not document.is_credit_note:
        return lines
    speech, corrected = document.speech, document.corrected
    values = {"number": corrected.number, "date": speech.date(corrected.issue_date)}
    return [(speech.word("corrects", **values), SUBJECT), (document.note, MENTION), *lines]


def _fine_print(document: Document, is_receipt: bool) -> list[str]:
    """The mentions of law, with those of paying where an invoice is to be paid, or has to say all
    the same how it was to be."""
    left_out: tuple[str, ...] = ELSEWHERE
    of_customer = document.paid and mentions.customer_of(document.buyer)
    if document.is_credit_note or is_receipt or of_customer in (mentions.PRIVATE, mentions.BODY):
        left_out += OF_PAYMENT
    return [note.text for note in document.notes if note.code not in left_out]


# --- the pages -----------------------------------------------------------------------


def _lay_out(
    document: Document, logo: bytes | None, watermark: str, settled: Settled | None = None
) -> list[Page]:
    """The pages of the document."""
    number = watermark if _is_draft(document, watermark) else document.number
    title = document.title
    sheet = paper.begin(document, f"{title} {number}")
    sheet.y = paper.header(sheet.page, document, title, number, logo)
    sheet.y = paper.boxed(sheet.page, _first(document), sheet.y, paper.accent(document))
    sheet.y = paper.fact_row(sheet.page, _facts(document, settled), sheet.y)
    sheet.y = paper.parties(sheet.page, document, "buyer", sheet.y)
    paper.opening(sheet, document.subject, "" if document.is_credit_note else document.note)
    conclusion = _conclusion(document, watermark, settled)
    fine_lines = paper.fine_lines(_fine_print(document, settled is not None))
    fine = typeset.height(fine_lines) + paper.FINE_GAP
    paper.table(sheet, document, 16 + conclusion.height + fine)
    if sheet.room < conclusion.height + 16:
        sheet.turn()
    sheet.y += 16
    conclusion.draw(sheet.page, sheet.y)
    sheet.y += conclusion.height
    paper.fine_print(sheet, fine_lines)
    return sheet.finish()


# --- totals and payment --------------------------------------------------------------


def _conclusion(document: Document, watermark: str, settled: Settled | None) -> Block:
    """The payment box at the left and the totals at the right, side by side."""
    totals = _totals(document, settled)
    speech = document.speech
    if settled:
        payment = _paid(document, settled.lines, speech.word("received"))
    elif document.paid:
        payment = _paid(document, [speech.method(document.paid)], speech.word("paid_by"))
    else:
        payment = _payment(document, watermark)

    def draw(page: Page, top: float) -> None:
        totals.draw(page, top)
        payment.draw(page, top)

    return Block(max(totals.height, payment.height), draw)


def _totals(document: Document, settled: Settled | None) -> Block:
    speech, totals = document.speech, document.totals

    def amount(value: Decimal) -> str:
        return speech.amount(value, document.currency)

    is_paid = settled is not None or totals.due != totals.gross
    sums = paper.sums(document, is_paid or paper.bears_vat(document))
    if totals.due != totals.gross:
        sums.append((speech.word("paid"), amount(totals.due - totals.gross), SUM))
    key, due = "credited" if document.is_credit_note else "due", totals.due
    if settled:
        if settled.credited:
            sums.append((speech.word("credit_notes"), amount(-settled.credited), SUM))
        sums.append((speech.word("settled"), amount(-settled.paid), SUM_STRONG))
        if settled.written_off:
            sums.append((speech.word("written_off"), amount(-settled.written_off), SUM))
        rest = totals.due - settled.credited - settled.paid - settled.written_off
        key, due = "overpaid" if rest < 0 else "rest", rest.copy_abs()
    return paper.totals(document, sums, speech.word(key), amount(due))


def _payment(document: Document, watermark: str) -> Block:
    """How to pay: nothing where no money is due, no code where it could be paid by mistake.

    A credit note says what becomes of it (BT-20).
    """
    bank, due, speech = document.seller.bank, document.totals.due, document.speech
    if document.is_credit_note:
        number = document.corrected.number
        return _sentence(speech.word("credit_terms", number=number))
    if bank is None or due <= 0:
        return Block(0, lambda page, top: None)
    day = document.due_date and speech.date(document.due_date)
    return transfer.block(
        document.seller,
        speech,
        speech.word("payment_by", date=day) if day else speech.word("payment"),
        due,
        reference="" if _is_draft(document, watermark) else document.payment_reference,
        with_code=document.currency == "EUR" and not watermark,
    )


def _sentence(text: str) -> Block:
    """What stands in the place of how to pay."""
    lines = typeset.wrap([(text, SECTION)], RIGHT - TOTALS_WIDTH - 26 - LEFT)

    def draw(page: Page, top: float) -> None:
        typeset.paragraph(page, LEFT, top, lines)

    return Block(typeset.height(lines), draw)


def _paid(document: Document, values: Iterable[str], label: str) -> Block:
    """In the place of how to pay: that it was paid, when and how."""
    speech, accent = document.speech, paper.accent(document)
    room = RIGHT - TOTALS_WIDTH - 26 - LEFT
    title = typeset.wrap([(speech.word("paid_copy"), PAID._replace(colour=accent))], room - 26)
    head = typeset.wrap([(label, LABEL)], room - 26)
    items = [typeset.wrap([(value, PAY_STRONG)], room - 26) for value in values]
    height = sum(map(typeset.height, (title, head, *items))) + 20

    def draw(page: Page, top: float) -> None:
        typeset.rule(page, LEFT, top, room, accent, 1.2)
        typeset.rule(page, LEFT, top + height - 1.2, room, accent, 1.2)
        for x in (LEFT, LEFT + room - 1.2):
            page.append(Box(x, top, 1.2, height, accent))
        x = LEFT + 13
        top = typeset.paragraph(page, x, top + 9, title, "H2")
        top = typeset.paragraph(page, x, top, head)
        with typeset.inside(page, Tag("L")):
            for lines in items:
                top = typeset.labelled(page, x, top, [], lines)

    return Block(height, draw)


# --- writing -------------------------------------------------------------------------


def render(
    document: Document,
    xml: bytes | None,
    logo: bytes | None,
    watermark: str = "",
    settled: Settled | None = None,
) -> bytes:
    """The PDF of a document: the same arguments give the same bytes.

    Args:
      xml: its Factur-X XML, embedded as factur-x.xml; None for a copy or a draft.
      logo: a PNG or JPEG file; None prints the seller's name instead.
      watermark: a word across each page. The word for a draft stands
        in the place of the number too. A page with a watermark has no payment code.
      settled: on a receipt; its lines stand where an invoice says how to pay, and its amounts
        where it says what is due.

    Returns:
      A PDF/A-3A file, without Info dictionary: its XMP says title, author and date.

    Raises:
      ValueError: if a character has no glyph, the logo cannot be used, or the payment code
        does not hold the bank account.
    """
    pages = _lay_out(document, logo, watermark, settled)
    if watermark:
        pages = [[_stamp(watermark), *page] for page in pages]
    attachment = EmbeddedFile(facturx_xml.FILE_NAME, xml, "text/xml", "Factur-X") if xml else None
    return pdf_writer.write(
        pages,
        moment=datetime.combine(document.issue_date, time(), UTC),
        language=document.language,
        xmp=_xmp(document, bool(xml), watermark),
        attachment=attachment,
    )


def _xmp(document: Document, with_xml: bool, watermark: str) -> str:
    """What the file says of itself, dated by the issue date."""
    day = document.issue_date
    number = watermark if _is_draft(document, watermark) else document.number
    title = f"{document.title} {number}"
    name = paper.full_name(document.seller)
    values = {"title": title, "date": document.speech.date(day), "seller": name}
    subject = document.speech.word("subject", **values)
    facturx = {
        "version": "1.0",
        "documenttype": "INVOICE",
        "xml_filename": facturx_xml.FILE_NAME,
        "xmp_level": "EN 16931",
        "urn": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
    }
    return typeset.xmp(title, name, subject, day, "invoice_pdf", facturx if with_xml else {})


def _stamp(text: str) -> Stamp:
    """The watermark, rising across the page, faint enough to read what stands on it."""
    size = min(120, 560 * 1000 / (fonts.width(text, SEMIBOLD, 1000)))
    return Stamp(PAGE_WIDTH / 2, PAGE_HEIGHT / 2, text, SEMIBOLD, size, FAINT)
