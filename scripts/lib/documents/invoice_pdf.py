"""The page of an invoice or a credit note: a Document laid out, and written as PDF/A-3.

The layout is a pure function of the document: pages of marks (text, box, picture), each at
its place, in points from the top left corner of an A4 sheet. documents/pdf_writer writes them.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import NamedTuple

from lib.documents import facturx_xml, fonts, pdf_writer, qr_code, typeset
from lib.documents.fonts import REGULAR, SEMIBOLD
from lib.documents.pdf_writer import Attachment, Box, Modules, Page, Picture, Stamp
from lib.documents.sheet import TOP, Column, Sheet, put_headings, put_row
from lib.documents.typeset import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    LEFT,
    LIGHT,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    RIGHT,
    WIDTH,
    Lines,
    Style,
)
from lib.inputs import logos
from lib.inputs.logos import MM
from lib.values import money, payment_code
from lib.values.document import CREDIT_NOTE, Address, Document, Line, Party, Seller
from lib.values.speech import DASH, NBSP, Speech, grouped, town
from lib.values.vat import NOT_SUBJECT

TOTALS_WIDTH = 202.0
QR_SIZE = 88.0
COLUMN_GAP = 13.0
UNIT_GAP = 6.5  # between a quantity and its unit
ROW_PADDING = 5.0
CARRY_HEIGHT = 21.0
# Notes that no page prints (BAR), or that stand near the heading (DCL) or in the footer (ABL).
ELSEWHERE = ("BAR", "DCL", "ABL")
LEAST_OF_A_ROW = 60.0  # of a row that no page can hold whole

WORDMARK = Style(SEMIBOLD, 17, INK, 21)
SMALL_WORDMARK = Style(SEMIBOLD, 12, INK, 15)
TITLE = Style(SEMIBOLD, 21, ACCENT, 26)
NUMBER = Style(SEMIBOLD, 10.5, INK, 14)
SMALL_NUMBER = Style(SEMIBOLD, 8.5, INK, 14)
MENTION = Style(REGULAR, 9, INK, 12.5)
LABEL = Style(REGULAR, 7.2, GREY, 10.5)
VALUE = Style(REGULAR, 9, INK, 12)
NAME = Style(SEMIBOLD, 9.5, INK, 13)
ADDRESS = Style(REGULAR, 9, INK, 12)
IDENTIFIER = Style(REGULAR, 7.8, GREY, 10.8)
HEADING = Style(SEMIBOLD, 7.4, GREY, 10.5)
CELL = Style(REGULAR, 8.8, INK, 12)
DETAIL = Style(REGULAR, 7.8, GREY, 10.4)
CARRY = Style(SEMIBOLD, 8.4, GREY, 12)
SUM = Style(REGULAR, 8.8, INK, 15)
SUM_STRONG = Style(SEMIBOLD, 8.8, INK, 15)
DUE_LABEL = Style(SEMIBOLD, 10, INK, 22)
DUE = Style(SEMIBOLD, 14, ACCENT, 22)
SECTION = Style(SEMIBOLD, 8.8, INK, 15)
PAY = Style(REGULAR, 8.6, INK, 11.2)
PAY_STRONG = Style(SEMIBOLD, 8.6, INK, 11.2)
PAID = Style(SEMIBOLD, 16, ACCENT, 24)
REASON = Style(REGULAR, 7.8, INK, 10.6)
FINE = Style(REGULAR, 7, GREY, 9.2)
RUNNING = Style(REGULAR, 7.6, GREY, 10)
FOOT = Style(REGULAR, 6.8, GREY, 8.8)


class Settled(NamedTuple):
    """How an invoice was settled: a line for each payment, and what credit notes and money took.

    Both amounts are above 0; together they are the invoice, or more where too much was paid.
    """

    lines: tuple[str, ...]
    credited: Decimal
    paid: Decimal


# --- the words of the parts ----------------------------------------------------------


def _title(document: Document) -> str:
    key = "credit_note" if document.type_code == CREDIT_NOTE else "invoice"
    return document.speech.word(key)


def _is_draft(document: Document, watermark: str) -> bool:
    return watermark == document.speech.word("draft")


def _full_name(party: Party) -> str:
    """The name, with "EI" beside it for a sole trader (art. R. 526-27 C. com.)."""
    if isinstance(party, Seller) and party.legal_form == "EI":
        return f"{party.name} EI"
    return party.name


def _address(address: Address, speech: Speech) -> Iterable[str]:
    yield from address.lines
    yield town(address.postcode, address.city, address.country)
    yield speech.country(address.country)


def _identifiers(party: Party, speech: Speech) -> Iterable[str]:
    def labelled(key: str, value: str) -> str:
        return speech.word(key, value=value)

    if party.siren:
        yield labelled("siren", grouped(party.siren, 3))
    if party.siret:
        yield labelled("siret", grouped(party.siret, 3, 3, 3, 5))
    if party.vat_number:
        yield labelled("vat_number", party.vat_number)
    yield from party.email
    if party.phone:
        yield labelled("phone", party.phone)


def _legal_line(document: Document) -> str:
    """What the law wants on each paper of a company: form, capital, registration, VAT number."""
    seller, speech = document.seller, document.speech
    form = "" if seller.legal_form == "EI" else seller.legal_form
    if seller.capital is not None:
        amount = speech.round_amount(seller.capital, document.currency)
        form = f"{form} {speech.word('capital', amount=amount)}".strip()
    registration = seller.registration
    if not registration and seller.siren:
        registration = speech.word("siren", value=grouped(seller.siren, 3))
    vat = seller.vat_number and speech.word("vat_number", value=seller.vat_number)
    return "  ·  ".join(part for part in (_full_name(seller), form, registration, vat) if part)


def _reasons(document: Document) -> dict[str, str]:
    """Why there is no VAT, by category (BT-120)."""
    return {
        vat.category: vat.exemption_reason for vat in document.vat_breakdown if vat.exemption_reason
    }


def _rate(document: Document, category: str, rate: Decimal) -> str:
    """20 %; 0 % (2) where there is no VAT for several reasons, told beneath by their numbers.

    What is outside the scope of VAT has no rate, not even 0 %.
    """
    if category == NOT_SUBJECT:
        return DASH
    percent, reasons = document.speech.percent(rate), _reasons(document)
    numbered = list(dict.fromkeys(reasons.values()))
    if category not in reasons or len(numbered) == 1:
        return percent
    return f"{percent}{NBSP}({numbered.index(reasons[category]) + 1})"


def _facts(document: Document) -> list[tuple[str, list[str]]]:
    """Labels and lines of the row beneath the title, those that there are."""
    speech = document.speech
    facts = [("issue_date", [speech.date(document.issue_date)])]
    if document.due_date and document.type_code != CREDIT_NOTE:
        facts.append(("due_date", [speech.date(document.due_date)]))
    if document.preceding:
        day = speech.date(document.preceding.issue_date)
        value = [document.preceding.number, speech.word("of_date", date=day)]
        facts.append(("preceding", value))
    facts.append(("period", [speech.period(document.period.start, document.period.end)]))
    facts.append(("purchase_order", [document.purchase_order]))
    facts.append(("buyer_reference", [document.buyer_reference]))
    facts.append(("reference", [document.reference]))
    return [(speech.word(key), lines) for key, lines in facts if any(lines)]


# --- the pages -----------------------------------------------------------------------


def _lay_out(
    document: Document, logo: bytes | None, watermark: str, settled: Settled | None = None
) -> list[Page]:
    """The pages of the document."""
    number = watermark if _is_draft(document, watermark) else document.number
    legal = typeset.wrap([(_legal_line(document), FOOT)], WIDTH - 60)
    foot_top = PAGE_HEIGHT - 12 * MM - typeset.height(legal)
    sheet = Sheet(
        speech=document.speech,
        name=_full_name(document.seller),
        title=f"{_title(document)} {number}",
        running=RUNNING,
        foot=legal,
        foot_style=FOOT,
        foot_top=foot_top,
        foot_gap=6,
        bottom=foot_top - 14,
    )
    sheet.y = _header(sheet.page, document, number, logo)
    sheet.y = _mentions_at_top(sheet.page, document, sheet.y)
    sheet.y = _fact_row(sheet.page, document, sheet.y)
    sheet.y = _parties(sheet.page, document, sheet.y)
    conclusion = _conclusion(document, watermark, settled)
    _table(sheet, document, conclusion.height + 16)
    if sheet.room < conclusion.height + 16:
        sheet.turn()
    sheet.y += 16
    conclusion.draw(sheet.page, sheet.y)
    sheet.y += conclusion.height
    _fine_print(sheet, document)
    return sheet.finish()


# --- the head of the first page ------------------------------------------------------


def _header(page: Page, document: Document, number: str, logo: bytes | None) -> float:
    left_width = WIDTH * 0.56
    if logo is not None:
        width, height = logos.size(logo)
        page.append(Picture(LEFT, TOP, width, height, logo))
        left_bottom = TOP + height
    else:
        name = _full_name(document.seller)
        lines = typeset.wrap([(name, WORDMARK)], left_width)
        if len(lines) > 2:
            lines = typeset.wrap([(name, SMALL_WORDMARK)], left_width)
        left_bottom = typeset.stack(page, LEFT, TOP, lines)
    top = TOP - 4
    typeset.put_right(page, RIGHT, top, _title(document).upper(), TITLE)
    top += TITLE.leading
    room = WIDTH - left_width - 14
    style = NUMBER if fonts.width(number, NUMBER.face, NUMBER.size) <= room else SMALL_NUMBER
    for text, _ in typeset.wrap([(number, style)], room):
        typeset.put_right(page, RIGHT, top, text, style)
        top += style.leading
    return max(left_bottom, top) + 20


def _mentions_at_top(page: Page, document: Document, top: float) -> float:
    """By whom the invoice was issued in the seller's name (note DCL): not in the fine print."""
    mentions = [(note.text, MENTION) for note in document.notes if note.code == "DCL"]
    if not mentions:
        return top
    lines = typeset.wrap(mentions, WIDTH - 24)
    height = typeset.height(lines) + 12
    page.append(Box(LEFT, top, WIDTH, height, FAINT))
    page.append(Box(LEFT, top, 2.4, height, ACCENT))
    typeset.stack(page, LEFT + 13, top + 6, lines)
    return top + height + 16


def _fact_row(page: Page, document: Document, top: float) -> float:
    facts = _facts(document)
    columns = 3 if len(facts) in (3, 5, 6) else 4
    step = WIDTH / columns
    typeset.rule(page, LEFT, top, WIDTH, LIGHT, 0.6)
    top += 9
    for start in range(0, len(facts), columns):
        bottom = top
        for i, (label, values) in enumerate(facts[start : start + columns]):
            items = [(label, LABEL), *((value, VALUE) for value in values)]
            end = typeset.stack(page, LEFT + i * step, top, typeset.wrap(items, step - 12))
            bottom = max(bottom, end)
        top = bottom + 8
    typeset.rule(page, LEFT, top, WIDTH, LIGHT, 0.6)
    return top + 16


def _parties(page: Page, document: Document, top: float) -> float:
    speech = document.speech

    blocks = [
        (key, _full_name(party), party.address, _identifiers(party, speech))
        for key, party in (("seller", document.seller), ("buyer", document.buyer))
    ]
    if delivery := document.buyer.delivery_address:
        blocks.append(("delivery", delivery.name, delivery, ()))
    step = (WIDTH + 20) / len(blocks)
    bottom = top
    for i, (key, name, address, identifiers) in enumerate(blocks):
        x = LEFT + i * step
        lines = [
            (speech.word(key), LABEL),
            (name, NAME),
            *((line, ADDRESS) for line in _address(address, speech)),
        ]
        end = typeset.stack(page, x, top, typeset.wrap(lines, step - 20)) + 3
        small = typeset.wrap([(line, IDENTIFIER) for line in identifiers], step - 20)
        bottom = max(bottom, typeset.stack(page, x, end, small))
    return bottom + 22


# --- the table -----------------------------------------------------------------------


class Row(NamedTuple):
    """A line or an allowance: its text, its other cells from left to right, and what it adds."""

    text: list[tuple[str, Style]]
    cells: tuple[str, str, str, str, str]
    amount: Decimal


def _rows(document: Document) -> list[Row]:
    return [_line_row(document, line) for line in document.lines] + [
        _allowance_row(document, i) for i in range(len(document.allowances))
    ]


def _line_row(document: Document, line: Line) -> Row:
    speech = document.speech
    text = [(line.name, CELL), (line.description, DETAIL)]
    if line.period and line.period != document.period:
        text.append((speech.period(line.period.start, line.period.end), DETAIL))
    if line.discount:
        amount = speech.amount(-line.discount, document.currency)
        discount = speech.word("discount", amount=amount)
        if line.discount_reason:
            reason = line.discount_reason
            discount = speech.word("because", what=discount, reason=reason)
        text.append((discount, DETAIL))
    cells = (
        speech.number(line.quantity),
        speech.unit(line.unit),
        speech.number(line.unit_price, 2),
        _rate(document, line.vat_category, line.vat_rate),
        speech.number(line.net, 2),
    )
    return Row(text, cells, line.net)


def _allowance_row(document: Document, i: int) -> Row:
    speech = document.speech
    allowance = document.allowances[i]
    text = allowance.reason
    if allowance.percent is not None and allowance.base is not None:
        text = speech.word(
            "allowance_percent",
            reason=text,
            percent=speech.percent(allowance.percent),
            base=speech.amount(allowance.base, document.currency),
        )
    rate = _rate(document, allowance.vat_category, allowance.vat_rate)
    net = speech.number(-allowance.amount, 2)
    return Row([(text, CELL)], ("", "", "", rate, net), -allowance.amount)


def _columns(rows: Sequence[Row], speech: Speech) -> list[Column]:
    """As wide as their widest figure; the description has what is left."""
    keys = ("quantity", "unit", "unit_price", "vat_rate", "line_net")
    headings = [speech.word(key) for key in keys]
    widths = [
        max(
            fonts.width(heading, HEADING.face, HEADING.size),
            max(fonts.width(row.cells[i], CELL.face, CELL.size) for row in rows),
        )
        for i, heading in enumerate(headings)
    ]
    columns = []
    right = RIGHT
    for key, width, heading in reversed(list(zip(keys, widths, headings, strict=True))):
        columns.append(Column(right - width, width, [(heading, HEADING)], key != "unit"))
        right -= width + (UNIT_GAP if key == "unit" else COLUMN_GAP)
    description = [(speech.word("description"), HEADING)]
    columns.append(Column(LEFT, right - LEFT - 6, description, False))
    return columns[::-1]


def _table_head(sheet: Sheet, columns: Sequence[Column]) -> None:
    put_headings(sheet, columns, 4)
    typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, INK, 0.8)


def _carry(sheet: Sheet, columns: Sequence[Column], key: str, amount: Decimal) -> None:
    """À reporter, Report: the sum of the amounts set so far."""
    top = sheet.y + (CARRY_HEIGHT - CARRY.leading) / 2
    figure = sheet.speech.number(amount, 2)
    left = min(columns[-1].x, RIGHT - fonts.width(figure, CARRY.face, CARRY.size))
    typeset.put_right(sheet.page, left - COLUMN_GAP, top, sheet.speech.word(key), CARRY)
    typeset.put_right(sheet.page, RIGHT, top, figure, CARRY)
    sheet.y += CARRY_HEIGHT


def _table(sheet: Sheet, document: Document, conclusion: float) -> None:
    """Sets all rows, over as many pages as they need.

    The last row stands on one page with the conclusion (`conclusion` points high), so that
    the totals never stand alone; every page but the last keeps room for the carried total.
    """
    rows = _rows(document)
    columns = _columns(rows, document.speech)
    carried = money.ZERO

    def turn() -> None:
        _carry(sheet, columns, "carried_forward", carried)
        sheet.turn()
        _table_head(sheet, columns)
        _carry(sheet, columns, "brought_forward", carried)
        typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, LIGHT, 0.4)

    heading = HEADING.leading + 5
    fresh = sheet.room_of_a_page - heading - CARRY_HEIGHT
    wrapped = [typeset.wrap(row.text, columns[0].width) for row in rows]
    heights = [typeset.height(lines) + 2 * ROW_PADDING for lines in wrapped]
    if sheet.room < heading + min(heights[0], LEAST_OF_A_ROW) + CARRY_HEIGHT:
        sheet.turn()
    _table_head(sheet, columns)
    for i, (row, lines, height) in enumerate(zip(rows, wrapped, heights, strict=True)):
        wishes = [height + CARRY_HEIGHT, LEAST_OF_A_ROW + CARRY_HEIGHT]
        if i == len(rows) - 1:
            wishes.insert(0, height + conclusion)
        if i and sheet.room < next(wish for wish in wishes if wish <= fresh):
            turn()
        elif i:
            typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, LIGHT, 0.4)
        carried = money.total((carried, row.amount))
        cells = [lines, *[[(cell, CELL)] for cell in row.cells]]
        put_row(sheet, columns, cells, ROW_PADDING, turn, CARRY_HEIGHT)
    typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, INK, 0.8)


# --- totals and payment --------------------------------------------------------------


class Part(NamedTuple):
    """Something that is never cut in two: its height, and how to draw it at a given top."""

    height: float
    draw: Callable[[Page, float], None]


def _conclusion(document: Document, watermark: str, settled: Settled | None) -> Part:
    """The payment box at the left and the totals at the right, side by side."""
    totals = _totals(document, settled)
    payment = _paid(document, settled) if settled else _payment(document, watermark)

    def draw(page: Page, top: float) -> None:
        totals.draw(page, top)
        payment.draw(page, top)

    return Part(max(totals.height, payment.height), draw)


def _totals(document: Document, settled: Settled | None) -> Part:
    speech, totals = document.speech, document.totals

    def amount(value: Decimal) -> str:
        return speech.amount(value, document.currency)

    sums: list[tuple[str, str, Style]] = []
    if document.allowances:
        sums.append((speech.word("lines_net"), amount(totals.lines_net), SUM))
        sums.append((speech.word("allowances"), amount(-totals.allowances), SUM))
    sums.append((speech.word("net"), amount(totals.net), SUM_STRONG))
    for vat in document.vat_breakdown:
        rate = _rate(document, vat.category, vat.rate)
        key = "no_vat" if vat.category == NOT_SUBJECT else "vat"
        label = speech.word(key, rate=rate, base=amount(vat.taxable))
        sums.append((label, amount(vat.vat), SUM))
    sums.append((speech.word("gross"), amount(totals.gross), SUM_STRONG))
    if totals.due != totals.gross:
        sums.append((speech.word("paid"), amount(totals.due - totals.gross), SUM))
    key, due = "credited" if document.type_code == CREDIT_NOTE else "due", totals.due
    if settled:
        if settled.credited:
            sums.append((speech.word("credit_notes"), amount(-settled.credited), SUM))
        sums.append((speech.word("settled"), amount(-settled.paid), SUM_STRONG))
        rest = totals.due - settled.credited - settled.paid
        key, due = "overpaid" if rest < 0 else "rest", rest.copy_abs()

    x = RIGHT - TOTALS_WIDTH
    rows = []
    for label, value, style in sums:
        room = TOTALS_WIDTH - fonts.width(value, style.face, style.size) - 10
        rows.append((typeset.wrap([(label, style)], room), value, style))
    due_label, due_amount = speech.word(key), amount(due)
    reasons = list(dict.fromkeys(_reasons(document).values()))
    if len(reasons) > 1:
        reasons = [f"({i}) {reason}" for i, reason in enumerate(reasons, 1)]
    notes = typeset.wrap([(reason, REASON) for reason in reasons], TOTALS_WIDTH)
    height = sum(typeset.height(lines) for lines, _, _ in rows) + 10 + DUE.leading
    height += typeset.height(notes) + (8 if notes else 0)

    def draw(page: Page, top: float) -> None:
        for lines, value, style in rows:
            bottom = typeset.stack(page, x, top, lines)
            typeset.put_right(page, RIGHT, top, value, style)
            top = bottom
        typeset.rule(page, x, top + 4, TOTALS_WIDTH, ACCENT, 1.2)
        top += 10
        typeset.put(page, x, top, due_label, DUE_LABEL)
        typeset.put_right(page, RIGHT, top, due_amount, DUE)
        typeset.stack(page, x, top + DUE.leading + 8, notes)

    return Part(height, draw)


def _payment(document: Document, watermark: str) -> Part:
    """How to pay: nothing where no money is due, no code where it could be paid by mistake."""
    bank, due = document.seller.bank, document.totals.due
    if bank is None or due <= 0 or document.type_code == CREDIT_NOTE:
        return Part(0, lambda page, top: None)
    speech = document.speech
    holder = bank.holder or document.seller.name
    reference = "" if _is_draft(document, watermark) else document.payment_reference
    matrix: tuple[bytes, ...] = ()
    if document.currency == "EUR" and not watermark:
        matrix = qr_code.of_payment(
            payment_code.epc_payload(
                name=holder, iban=bank.iban, bic=bank.bic, amount=due, reference=reference
            )
        )
    x = LEFT + (QR_SIZE + 14 if matrix else 0)
    room = RIGHT - TOTALS_WIDTH - 26 - x

    def pair(key: str, value: str, style: Style, width: float) -> Lines:
        if not value:
            return []
        return typeset.wrap([(speech.word(key), LABEL), (value, style)], width)

    pairs = [
        pair("holder", holder, PAY, room),
        pair("iban", grouped(bank.iban, 4), PAY_STRONG, room),
        pair("bic", bank.bic, PAY, room),
        pair("payment_reference", grouped(reference, 4), PAY_STRONG, room),
    ]
    half = room / 2
    amount = pair("amount", speech.amount(due, document.currency), PAY, half)
    day = document.due_date and speech.date(document.due_date)
    until = pair("due_date", day or "", PAY, half)
    text_height = sum(typeset.height(lines) + 3 for lines in pairs if lines)
    text_height += max(typeset.height(amount), typeset.height(until))
    code_height = QR_SIZE + 6 + LABEL.leading if matrix else 0

    def draw(page: Page, top: float) -> None:
        typeset.put(page, LEFT, top, speech.word("payment"), SECTION)
        top += SECTION.leading + 5
        if matrix:
            page.append(Modules(LEFT, top + 2, QR_SIZE, matrix, INK))
            typeset.put(page, LEFT, top + QR_SIZE + 5, speech.word("qr"), LABEL)
        for lines in pairs:
            if lines:
                top = typeset.stack(page, x, top, lines) + 3
        typeset.stack(page, x, top, amount)
        typeset.stack(page, x + half, top, until)

    return Part(SECTION.leading + 5 + max(text_height, code_height), draw)


def _paid(document: Document, settled: Settled) -> Part:
    """In the place of how to pay: that it was paid, when and how."""
    speech = document.speech
    room = RIGHT - TOTALS_WIDTH - 26 - LEFT
    lines = typeset.wrap(
        [
            (speech.word("paid_copy"), PAID),
            (speech.word("received"), LABEL),
            *((line, PAY_STRONG) for line in settled.lines),
        ],
        room - 26,
    )
    height = typeset.height(lines) + 20

    def draw(page: Page, top: float) -> None:
        typeset.rule(page, LEFT, top, room, ACCENT, 1.2)
        typeset.rule(page, LEFT, top + height - 1.2, room, ACCENT, 1.2)
        for x in (LEFT, LEFT + room - 1.2):
            page.append(Box(x, top, 1.2, height, ACCENT))
        typeset.stack(page, LEFT + 13, top + 9, lines)

    return Part(height, draw)


def _fine_print(sheet: Sheet, document: Document) -> None:
    """The mentions, at the foot of the page where they fit; else together on the next one."""
    notes = [note.text for note in document.notes if note.code not in ELSEWHERE]
    paragraphs = [typeset.wrap([(text, FINE)], WIDTH) for text in notes]
    height = sum(typeset.height(lines) + 3 for lines in paragraphs)
    if height + 22 <= sheet.room:
        sheet.y = sheet.bottom - height
    elif height <= sheet.room_of_a_page:
        sheet.turn()
    else:
        sheet.y += 22
    for lines in paragraphs:
        if typeset.height(lines) > sheet.room and typeset.height(lines) <= sheet.room_of_a_page:
            sheet.turn()
        for line in lines:
            if FINE.leading > sheet.room:
                sheet.turn()
            sheet.y = typeset.stack(sheet.page, LEFT, sheet.y, [line])
        sheet.y += 3


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
      A PDF/A-3B file, without Info dictionary: its XMP says title, author and date.

    Raises:
      ValueError: if a character has no glyph, the logo cannot be used, or the payment code
        does not hold the bank account.
    """
    pages = _lay_out(document, logo, watermark, settled)
    if watermark:
        pages = [[_stamp(watermark), *page] for page in pages]
    attachment = Attachment(facturx_xml.FILE_NAME, xml, "text/xml", "Factur-X") if xml else None
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
    title = f"{_title(document)} {number}"
    name = _full_name(document.seller)
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
