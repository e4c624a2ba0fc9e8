"""A formal reminder as a letter for the post, on pages of the seller.

The recipient stands in the window of a French envelope: 11 cm from the left edge of the sheet and
5.5 cm from its top, in a frame of 8.5 by 3.3 cm that nothing else enters (P:
edics.fr/rediger-vos-adresses-les-bonnes-pratiques, looked up on 2026-11-30).
"""

from datetime import UTC, datetime, time
from typing import NamedTuple

from lib.documents import paper, pdf_writer, typeset
from lib.documents.fonts import REGULAR, SEMIBOLD
from lib.documents.paper import ADDRESS, IDENTIFIER, NAME, SECTION, VALUE, VALUE_STRONG, Fact
from lib.documents.ruled_tables import ColumnShare, RuledRow, height_of, put_table
from lib.documents.sheet import Sheet
from lib.documents.typeset import INK, LEFT, RIGHT, WIDTH, Lines, Style
from lib.inputs.logos import MM
from lib.mail.letters import FormalNotice
from lib.mail.reminders import Claim
from lib.values.document import Document, Party, Seller
from lib.values.speech import Speech, grouped, town

WINDOW_LEFT, WINDOW_TOP = 110 * MM, 55 * MM
WINDOW_WIDTH, WINDOW_HEIGHT = 85 * MM, 33 * MM
BODY = WINDOW_TOP + WINDOW_HEIGHT + 6 * MM
WINDOW = Style(REGULAR, 10, INK, 13)
SUBJECT = Style(SEMIBOLD, 11, INK, 15)
TEXT = Style(REGULAR, 9.5, INK, 13.5)
GAP = 9.0
SIGNING = 34.0  # room for a signature by hand


class PostalLetter(NamedTuple):
    """A notice about an invoice, by who sold it, to the client as its file has it today."""

    document: Document
    buyer: Party
    claim: Claim
    notice: FormalNotice

    @property
    def seller(self) -> Seller:
        return self.document.seller

    @property
    def currency(self) -> str:
        return self.document.currency

    @property
    def speech(self) -> Speech:
        return self.document.speech


def render(letter: PostalLetter, logo: bytes | None) -> bytes:
    """The PDF of a letter: the same arguments give the same bytes.

    Returns:
      A PDF/A-3A file.

    Raises:
      ValueError: if a character has no glyph, or the logo cannot be used.
    """
    day, title = letter.claim.day, letter.notice.subject
    seller = paper.full_name(letter.seller)
    return pdf_writer.write(
        _lay_out(letter, logo),
        moment=datetime.combine(day, time(), UTC),
        language=letter.speech.language,
        xmp=typeset.xmp(title, seller, f"{title}, {seller}", day, "letter_pdf", {}),
    )


def _lay_out(letter: PostalLetter, logo: bytes | None) -> list[pdf_writer.Page]:
    sheet = paper.begin(letter, letter.notice.subject)
    _sender(sheet, letter, logo)
    _recipient(sheet, letter)
    speech, notice = letter.speech, letter.notice
    place = speech.word(
        "letter_place", city=letter.seller.address.city, date=speech.date(letter.claim.day)
    )
    lines = typeset.wrap([(place, TEXT)], RIGHT - WINDOW_LEFT)
    sheet.y = typeset.paragraph(sheet.page, WINDOW_LEFT, max(sheet.y, BODY), lines) + 2 * GAP
    _paragraph(sheet, notice.subject, SUBJECT, "H1")
    for text in notice.before:
        _paragraph(sheet, text)
    _invoice(sheet, letter)
    _owed(sheet, letter)
    for text in notice.after:
        _paragraph(sheet, text)
    _transfer(sheet, letter)
    _end(sheet, letter)
    return sheet.finish()


def _sender(sheet: Sheet, letter: PostalLetter, logo: bytes | None) -> None:
    """Who sends it, at the left, where the window shows nothing of it."""
    seller, speech = letter.seller, letter.speech
    room = WINDOW_LEFT - LEFT - GAP
    top = paper.brand(sheet.page, letter, logo, room) + 6
    lines = [(paper.full_name(seller), NAME)]
    lines += [(line, ADDRESS) for line in paper.address_lines(seller.address, speech)]
    lines += [(line, IDENTIFIER) for line in paper.identity_lines(seller, speech)]
    sheet.y = typeset.paragraph(sheet.page, LEFT, top, typeset.wrap(lines, room)) + GAP


def _recipient(sheet: Sheet, letter: PostalLetter) -> None:
    """Who gets it, in the frame of the window, set smaller where it has many lines."""
    buyer, speech = letter.buyer, letter.speech
    address = buyer.address
    abroad = address.country != letter.seller.address.country
    texts = [
        paper.full_name(buyer),
        buyer.contact and speech.word("attention", name=buyer.contact),
        *address.lines,
        town(address.postcode, address.city, address.country),
        speech.country(address.country).upper() if abroad else "",
    ]
    lines = _fitting_lines(texts)
    typeset.paragraph(sheet.page, WINDOW_LEFT, WINDOW_TOP, lines)


def _fitting_lines(texts: list[str]) -> Lines:
    size = WINDOW.size
    while True:
        style = WINDOW._replace(size=size, leading=size * 1.3)
        lines = typeset.wrap([(text, style) for text in texts], WINDOW_WIDTH - 4 * MM)
        if typeset.height(lines) <= WINDOW_HEIGHT or size <= 6:
            return lines
        size -= 1


def _end(sheet: Sheet, letter: PostalLetter) -> None:
    """The last sentence, who signs, and at the left what is enclosed: together on one page."""
    notice = letter.notice
    regards = typeset.wrap([(notice.regards, TEXT)], WIDTH)
    signed = [(letter.seller.contact, TEXT), (paper.full_name(letter.seller), SUBJECT)]
    signature = typeset.wrap(signed, RIGHT - WINDOW_LEFT)
    enclosed = typeset.wrap([(notice.enclosed, IDENTIFIER)], WINDOW_LEFT - LEFT - GAP)
    _make_room(sheet, typeset.height(regards) + SIGNING + typeset.height(signature))
    top = typeset.paragraph(sheet.page, LEFT, sheet.y, regards) + SIGNING
    bottom = typeset.paragraph(sheet.page, WINDOW_LEFT, top, signature)
    typeset.paragraph(sheet.page, LEFT, bottom - typeset.height(enclosed), enclosed)
    sheet.y = bottom


def _make_room(sheet: Sheet, height: float) -> None:
    if height > sheet.room:
        sheet.turn()


def _paragraph(sheet: Sheet, text: str, style: Style = TEXT, kind: str = "P") -> None:
    lines = typeset.wrap([(text, style)], WIDTH)
    if lines:
        _make_room(sheet, typeset.height(lines))
        sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, lines, kind) + GAP


def _invoice(sheet: Sheet, letter: PostalLetter) -> None:
    """The invoice in question, as a table of one row."""
    document, speech, claim = letter.document, letter.speech, letter.claim
    assert document.due_date is not None
    cells = {
        "account_document": document.number,
        "issue_date": speech.date(document.issue_date),
        "due_date": speech.date(document.due_date),
        "report_age": speech.counted("one_day", "days", claim.days),
        "amount": speech.amount(document.totals.gross, document.currency),
        "rest": speech.amount(claim.outstanding, document.currency),
    }
    widths = (WIDTH - 2 * 88 - 58 - 2 * 78, 88.0, 88.0, 58.0, 78.0, 78.0)
    columns = [
        ColumnShare(speech.word(key), width, right=i > 3, is_identifier=i == 0)
        for i, (key, width) in enumerate(zip(cells, widths, strict=True))
    ]
    rows = [RuledRow(list(cells.values()))]
    _make_room(sheet, height_of(columns, rows))
    put_table(sheet, columns, rows)
    sheet.y += GAP


def _owed(sheet: Sheet, letter: PostalLetter) -> None:
    """What is asked for: what is outstanding, what the law adds to it, and the sum."""
    speech = letter.speech
    *parts, total = letter.notice.owed
    columns = [
        ColumnShare(speech.word("description"), WIDTH - 110),
        ColumnShare(speech.word("amount"), 110, right=True),
    ]
    rows = [*map(RuledRow, parts), RuledRow(total, is_sum=True)]
    _make_room(sheet, height_of(columns, rows))
    put_table(sheet, columns, rows)
    sheet.y += GAP + 4


def _transfer(sheet: Sheet, letter: PostalLetter) -> None:
    """Where it is to be paid. Without a code: what is asked for is more than the invoice, so that
    a person looks at what was paid."""
    bank, speech = letter.seller.bank, letter.speech
    if bank is None:
        return
    pairs = (
        ("holder", bank.holder or letter.seller.name, VALUE),
        ("iban", grouped(bank.iban, 4), VALUE_STRONG),
        ("bic", bank.bic, VALUE),
        ("payment_reference", grouped(letter.document.payment_reference, 4), VALUE_STRONG),
    )
    facts = [Fact(speech.word(key), value, style) for key, value, style in pairs if value]
    _make_room(sheet, 5 * TEXT.leading)
    heading = [(speech.word("payment"), SECTION)]
    sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, heading, "H2") + 4
    sheet.y = paper.fact_row(sheet.page, facts, sheet.y)
