"""The page of a quote: a Quote laid out, and written as PDF/A-3A.

It is set like an invoice, whose parts it shares. In the place of how to pay stand the invoices
that are to come, and room to sign. It has no XML inside and no payment code: nothing is due.
"""

from datetime import UTC, datetime, time
from decimal import Decimal

from lib.documents import fonts, paper, pdf_writer, typeset
from lib.documents.fonts import REGULAR, SEMIBOLD
from lib.documents.paper import (
    CELL,
    DETAIL,
    HEADING,
    LABEL,
    SECTION,
    TOTALS_WIDTH,
    Block,
    Fact,
)
from lib.documents.pdf_writer import Box, Page
from lib.documents.sheet import Sheet, TableColumn, put_headings, put_row
from lib.documents.structure import ARTIFACT, END, Tag
from lib.documents.typeset import ACCENT, GREY, INK, LEFT, LIGHT, RIGHT, WIDTH, Lines, Style
from lib.inputs.colours import Colour
from lib.values import money
from lib.values.quote import Quote, QuoteStep
from lib.values.speech import Speech

AGREEMENT = Style(SEMIBOLD, 12, ACCENT, 16)
HINT_STRONG = Style(SEMIBOLD, 8.2, INK, 12.5)
HINT = Style(REGULAR, 8.2, INK, 11)
CONDITION = Style(REGULAR, 7.4, GREY, 9.6)
BETWEEN = 2.5  # conditions

GAP = 16.0  # between the parts below the table
STEP_PADDING = 3.5
FIELD = 22.0  # the height of a line to fill in


# --- the words of the parts ----------------------------------------------------------


def _facts(quote: Quote) -> list[Fact]:
    """Labels and values of the row beneath the title, those that there are."""
    speech = quote.speech
    version = str(quote.version)
    if quote.supersedes:
        day = speech.date(quote.supersedes.issue_date)
        values = {"version": str(quote.version), "number": quote.supersedes.number, "date": day}
        version = speech.word("version_after", **values)
    facts = [
        ("issue_date", speech.date(quote.issue_date)),
        ("valid_until", speech.date(quote.valid_until)),
        ("version", version),
        ("purchase_order", quote.purchase_order),
        ("buyer_reference", quote.buyer_reference),
    ]
    return [Fact(speech.word(key), value) for key, value in facts if value]


def _name(quote: Quote, step: QuoteStep) -> str:
    """Acompte, Facture intermédiaire, Solde; of an order in one piece, Facture."""
    return quote.speech.word("step_whole" if len(quote.steps) == 1 else f"step_{step.kind}")


def _terms(step: QuoteStep, speech: Speech) -> str:
    if not step.days and not step.end_of_month:
        return speech.word("due_at_once")
    key = "due_end_of_month" if step.end_of_month else "due_in_days"
    return speech.word(key, days=speech.number(Decimal(step.days)))


# --- the pages -----------------------------------------------------------------------


def lay_out(quote: Quote, logo: bytes | None) -> list[Page]:
    """The pages of the quote."""
    speech = quote.speech
    title = speech.word("quote")
    sheet = paper.begin(quote, f"{title} {quote.number}")
    sheet.y = paper.header(sheet.page, quote, title, quote.number, logo)
    sheet.y = paper.fact_row(sheet.page, _facts(quote), sheet.y)
    sheet.y = paper.parties(sheet.page, quote, "quote_buyer", sheet.y)
    paper.opening(sheet, quote.subject, quote.note)
    conclusion = _conclusion(quote)
    paper.table(sheet, quote, conclusion.height + GAP)
    _draw(sheet, conclusion)
    _steps(sheet, quote)
    _draw(sheet, _agreement(quote))
    return sheet.finish()


def _draw(sheet: Sheet, part: Block) -> None:
    """Sets a part below what is there, or on the next page if there is not enough room."""
    if sheet.room < part.height + GAP:
        sheet.turn()
    else:
        sheet.y += GAP
    part.draw(sheet.page, sheet.y)
    sheet.y += part.height


def _conclusion(quote: Quote) -> Block:
    """The conditions of the offer at the left and the totals at the right, side by side."""
    amount = quote.speech.amount(quote.totals.gross, quote.currency)
    last = quote.speech.word("quote_total" if paper.bears_vat(quote) else "total_amount")
    totals = paper.totals(quote, paper.sums(quote, False), last, amount)
    title = [(quote.speech.word("conditions"), SECTION)]
    width = WIDTH - TOTALS_WIDTH - 30
    texts = [typeset.wrap([(note.text, CONDITION)], width) for note in quote.notes]
    height = sum(typeset.height(lines) + BETWEEN for lines in texts) + SECTION.leading

    def draw(page: Page, top: float) -> None:
        totals.draw(page, top)
        top = typeset.paragraph(page, LEFT, top, title, "H2")
        for lines in texts:
            top = typeset.paragraph(page, LEFT, top, lines) + BETWEEN

    return Block(max(totals.height, height), draw)


# --- the invoices to come ------------------------------------------------------------


def _steps(sheet: Sheet, quote: Quote) -> None:
    """The invoices that are to come: what each is for, its share, its terms and amounts.

    They stand together on one page, if they are few.
    """
    speech = quote.speech
    rows = [_row(quote, step) for step in quote.steps]
    columns = _columns(rows, speech)
    heights = [typeset.height(_wrapped(row, columns)) + 2 * STEP_PADDING for row in rows]
    head = SECTION.leading + HEADING.leading + 10

    def begin() -> None:
        put_headings(sheet, columns, 3)
        typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, INK, 0.8)

    def turn() -> None:
        with sheet.inside(ARTIFACT):
            sheet.turn()
            begin()

    gross = money.total(step.gross for step in quote.steps)
    rounded = typeset.height([("", HINT)]) + 4 if gross != quote.totals.gross else 0
    whole = head + sum(heights) + rounded
    least = whole if whole <= sheet.room_of_a_page else head + sum(heights[:2])
    if sheet.room < GAP + least:
        sheet.turn()
    else:
        sheet.y += GAP
    title = [(speech.word("steps"), SECTION)]
    sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, title, "H2") + 4
    sheet.page.append(Tag("Table"))
    begin()
    for i, (row, height) in enumerate(zip(rows, heights, strict=True)):
        if i and sheet.room < height:
            turn()
        elif i:
            typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, LIGHT, 0.4)
        cells = [_wrapped(row, columns), *[[(cell, CELL)] for cell in list(row.values())[1:]]]
        named = sum(1 for _, style in cells[0] if style is CELL)
        put_row(sheet, columns, cells, STEP_PADDING, turn, named=named)
    sheet.page.append(END)
    typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, INK, 0.8)
    if rounded:
        text = speech.word("steps_rounded", amount=speech.amount(gross, quote.currency))
        typeset.put(sheet.page, LEFT, sheet.y + 4, text, HINT)
        sheet.y += rounded


def _row(quote: Quote, step: QuoteStep) -> dict[str, str]:
    """What a step is; beneath, when it comes; then by their headings its share, if any step has
    one, its terms and its amounts, of which there is one where nothing has VAT."""
    speech = quote.speech
    cells = {"step": "\n".join(filter(None, (_name(quote, step), step.description)))}
    if any(each.percent is not None for each in quote.steps):
        cells["step_share"] = speech.percent(step.percent) if step.percent is not None else ""
    cells["step_terms"] = _terms(step, speech)
    gross = speech.number(step.gross, 2)
    if not paper.bears_vat(quote):
        return cells | {"amount": gross}
    return cells | {"step_net": speech.number(step.net, 2), "step_gross": gross}


def _wrapped(row: dict[str, str], columns: list[TableColumn]) -> Lines:
    name, _, description = row["step"].partition("\n")
    return typeset.wrap([(name, CELL), (description, DETAIL)], columns[0].width)


def _columns(rows: list[dict[str, str]], speech: Speech) -> list[TableColumn]:
    """As wide as what stands in them; what a step is for has what is left."""
    columns: list[TableColumn] = []
    right = RIGHT
    for key in reversed(rows[0]):
        heading = speech.word(key)
        texts = [fonts.width(row[key], CELL.face, CELL.size) for row in rows]
        width = max(fonts.width(heading, HEADING.face, HEADING.size), *texts)
        if key == "step":
            width = right - LEFT - 6
        is_right = key not in ("step", "step_terms")
        x = LEFT if key == "step" else right - width
        columns.append(TableColumn(x, width, [(heading, HEADING)], is_right))
        right -= width + paper.COLUMN_GAP
    return columns[::-1]


# --- room to sign --------------------------------------------------------------------


def _agreement(quote: Quote) -> Block:
    """ "Bon pour accord", on what, and room for the date, a name and a signature."""
    speech, accent = quote.speech, paper.accent(quote)
    amount = speech.amount(quote.totals.gross, quote.currency)
    key = "agreement_on" if paper.bears_vat(quote) else "agreement_on_total"
    what = speech.word(key, number=quote.number, amount=amount)
    texts = [
        (what, HINT_STRONG),
        (speech.word("agreement_text"), HINT),
    ]
    title = typeset.wrap(
        [(speech.word("agreement"), AGREEMENT._replace(colour=accent))], WIDTH / 2 - 26
    )
    lines = typeset.wrap(texts, WIDTH / 2 - 26)
    height = typeset.height(title) + typeset.height(lines) + 2 * FIELD + 22
    middle = LEFT + WIDTH / 2

    def draw(page: Page, top: float) -> None:
        _frame(page, top, height, accent)
        x = LEFT + 13
        y = typeset.paragraph(page, x, top + 9, title, "H2")
        y = typeset.paragraph(page, x, y, lines) + FIELD - LABEL.leading
        for key in ("sign_date", "sign_name"):
            typeset.paragraph(page, x, y, [(speech.word(key), LABEL)])
            typeset.rule(page, x + 66, y + LABEL.leading, middle - x - 80, LIGHT, 0.8)
            y += FIELD
        page.append(Box(middle, top + 10, 0.6, height - 20, LIGHT))
        typeset.paragraph(page, middle + 13, top + 9, [(speech.word("signature"), LABEL)])

    return Block(height, draw)


def _frame(page: Page, top: float, height: float, colour: Colour) -> None:
    typeset.rule(page, LEFT, top, WIDTH, colour, 1)
    typeset.rule(page, LEFT, top + height - 1, WIDTH, colour, 1)
    for x in (LEFT, RIGHT - 1):
        page.append(Box(x, top, 1, height, colour))


# --- writing -------------------------------------------------------------------------


def render(quote: Quote, logo: bytes | None) -> bytes:
    """The PDF of a quote, a PDF/A-3A file: the same arguments give the same bytes.

    Args:
      logo: a PNG or JPEG file; None prints the seller's name instead.

    Raises:
      ValueError: if a character has no glyph, or the logo cannot be used.
    """
    return pdf_writer.write(
        lay_out(quote, logo),
        moment=datetime.combine(quote.issue_date, time(), UTC),
        language=quote.language,
        xmp=_xmp(quote),
    )


def _xmp(quote: Quote) -> str:
    """What the file says of itself, dated by the issue date."""
    speech = quote.speech
    title = f"{speech.word('quote')} {quote.number}"
    name = paper.full_name(quote.seller)
    values = {"title": title, "date": speech.date(quote.issue_date), "seller": name}
    return typeset.xmp(
        title, name, speech.word("subject", **values), quote.issue_date, "quote_pdf", {}
    )
