"""What pages of invoices, credit notes and quotes share: head, parties, lines, totals, mentions.

A paper is a Document or a Quote. Its pages are a pure function of it: marks (text, box, picture),
each at its place, in points from the top left corner of an A4 sheet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple, Protocol

from lib.documents import fonts, typeset
from lib.documents.fonts import REGULAR, SEMIBOLD
from lib.documents.pdf_writer import Box, Page, Picture
from lib.documents.sheet import TOP, Sheet, TableColumn, put_headings, put_row
from lib.documents.structure import ARTIFACT, END, ROW_HEADING, TD, TR, Tag
from lib.documents.typeset import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    LEFT,
    LIGHT,
    PAGE_HEIGHT,
    RIGHT,
    WIDTH,
    Lines,
    Style,
)
from lib.inputs import logos
from lib.inputs.colours import Colour
from lib.inputs.logos import MM
from lib.values import money
from lib.values.document import Address, Document, Line, Party, Seller
from lib.values.quote import Paper
from lib.values.speech import DASH, NBSP, Speech, grouped, town
from lib.values.vat import FRANCHISE_CODE, NOT_SUBJECT

GRID = 4  # columns of the head
TOTALS_WIDTH = 202.0
COLUMN_GAP = 13.0
UNIT_GAP = 6.5  # between a quantity and its unit
ROW_PADDING = 5.0
CARRY_HEIGHT = 21.0
FINE_GAP = 14.0  # at least, above the mentions
LEAST_OF_A_ROW = 60.0  # of a row that is parted
MOST_OF_A_ROW = 150.0  # of one that is not: a page would stay empty for it

WORDMARK = Style(SEMIBOLD, 17, INK, 21)
SMALL_WORDMARK = Style(SEMIBOLD, 12, INK, 15)
TITLE = Style(SEMIBOLD, 21, ACCENT, 26)
NUMBER = Style(SEMIBOLD, 10.5, INK, 14)
SMALL_NUMBER = Style(SEMIBOLD, 8.5, INK, 14)
MENTION = Style(REGULAR, 9, INK, 12.5)
LABEL = Style(REGULAR, 7.2, GREY, 10.5)
SUBJECT = Style(SEMIBOLD, 11, INK, 15)
NOTE = Style(REGULAR, 9, INK, 12.5)
VALUE = Style(REGULAR, 9, INK, 12)
VALUE_STRONG = Style(SEMIBOLD, 9, INK, 12)
NAME = Style(SEMIBOLD, 9.5, INK, 13)
ADDRESS = Style(REGULAR, 9, INK, 12)
IDENTIFIER = Style(REGULAR, 7.8, GREY, 10.8)
HEADING = Style(SEMIBOLD, 7.4, GREY, 10.5)
CELL = Style(REGULAR, 8.8, INK, 12)
SUM_CELL = Style(SEMIBOLD, 8.8, INK, 12)
DETAIL = Style(REGULAR, 7.8, GREY, 10.4)
CARRY = Style(SEMIBOLD, 8.4, GREY, 12)
SUM = Style(REGULAR, 8.8, INK, 15)
SUM_STRONG = Style(SEMIBOLD, 8.8, INK, 15)
DUE_LABEL = Style(SEMIBOLD, 10, INK, 22)
DUE = Style(SEMIBOLD, 14, ACCENT, 22)
SECTION = Style(SEMIBOLD, 8.8, INK, 15)
REASON = Style(REGULAR, 7.8, INK, 10.6)
FINE = Style(REGULAR, 7, GREY, 9.2)
RUNNING = Style(REGULAR, 7.6, GREY, 10)
FOOT = Style(REGULAR, 6.8, GREY, 8.8)


class Letterhead(Protocol):
    """What the head and the foot of any paper say: who sends it, and to whom."""

    @property
    def seller(self) -> Seller: ...
    @property
    def buyer(self) -> Party: ...
    @property
    def currency(self) -> str: ...
    @property
    def speech(self) -> Speech: ...


def full_name(party: Party) -> str:
    """The name, with what the law wants beside that of a seller."""
    return legal_name(party.name, party.legal_form) if isinstance(party, Seller) else party.name


def legal_name(name: str, legal_form: str) -> str:
    """The name, with "EI" beside it for a sole trader (art. R. 526-27 C. com.)."""
    return f"{name} EI" if legal_form == "EI" else name


def accent(paper: Letterhead) -> Colour:
    """The seller's colour."""
    return typeset.accent(paper.seller.colour)


def _brand(party: Party) -> str:
    """The name that a party is known by."""
    return party.trade_name or full_name(party)


def address_lines(address: Address, speech: Speech) -> Iterable[str]:
    yield from address.lines
    yield town(address.postcode, address.city, address.country)
    yield speech.country(address.country)


def identity_lines(party: Party, speech: Speech) -> Iterable[str]:
    def labelled(key: str, value: str) -> str:
        return speech.word(key, value=value)

    if party.siren:
        yield labelled("siren", grouped(party.siren, 3))
    if party.siret:
        yield labelled("siret", grouped(party.siret, 3, 3, 3, 5))
    if party.service_code:
        yield labelled("service_code", party.service_code)
    if party.vat_number:
        yield labelled("vat_number", party.vat_number)
    yield from party.email
    if party.phone:
        yield labelled("phone", party.phone)
    # Where statuses and invoices go, if it is not an address that stands above.
    electronic = party.electronic_address
    shown = (party.siren, party.siret, party.vat_number, *party.email)
    if electronic and electronic.id not in shown:
        yield labelled("electronic_address", f"{electronic.scheme}:{electronic.id}")


def _legal_line(paper: Letterhead) -> str:
    """What the law wants on each paper of a company: form, capital, registration, VAT number."""
    seller, speech = paper.seller, paper.speech
    form = "" if seller.legal_form == "EI" else seller.legal_form
    if seller.capital is not None:
        amount = speech.round_amount(seller.capital, paper.currency)
        form = f"{form} {speech.word('capital', amount=amount)}".strip()
    registration = seller.registration
    if not registration and seller.siren:
        registration = speech.word("siren", value=grouped(seller.siren, 3))
    vat = seller.vat_number and speech.word("vat_number", value=seller.vat_number)
    return "  ·  ".join(part for part in (full_name(seller), form, registration, vat) if part)


def _reasons(paper: Paper) -> dict[str, str]:
    """Why there is no VAT, by category (BT-120)."""
    return {
        vat.category: vat.exemption_reason for vat in paper.vat_breakdown if vat.exemption_reason
    }


def bears_vat(paper: Paper) -> bool:
    """Whether there is VAT to show: not where one reason says of the whole why there is none."""
    reasons = {vat.exemption_reason for vat in paper.vat_breakdown}
    return len(reasons) > 1 or any(vat.rate for vat in paper.vat_breakdown)


def _is_franchise(paper: Paper) -> bool:
    """Whether the seller has nothing to do with VAT, so that no amount is one before VAT."""
    codes = {vat.exemption_code for vat in paper.vat_breakdown}
    return codes == {FRANCHISE_CODE}


def _rate(paper: Paper, category: str, rate: Decimal) -> str:
    """20 %; 0 % (2) where there is no VAT for several reasons, listed below by their numbers.

    What is outside the scope of VAT has no rate, not even 0 %.
    """
    if category == NOT_SUBJECT:
        return DASH
    percent, reasons = paper.speech.percent(rate), _reasons(paper)
    numbered = list(dict.fromkeys(reasons.values()))
    if category not in reasons or len(numbered) == 1:
        return percent
    return f"{percent}{NBSP}({numbered.index(reasons[category]) + 1})"


# --- the head of the first page ------------------------------------------------------


def begin(paper: Letterhead, title: str) -> Sheet:
    """The first sheet of a paper, whose next pages are headed by its seller and `title`."""
    legal = typeset.wrap([(_legal_line(paper), FOOT)], WIDTH - 60)
    foot_top = PAGE_HEIGHT - 12 * MM - typeset.height(legal)
    return Sheet(
        speech=paper.speech,
        name=_brand(paper.seller),
        title=title,
        running=RUNNING,
        foot=legal,
        foot_style=FOOT,
        foot_top=foot_top,
        foot_gap=6,
        bottom=foot_top - 14,
    )


def boxed(page: Page, texts: Iterable[tuple[str, Style]], top: float, accent: Colour) -> float:
    """What has to be read first, set off in a box."""
    lines = typeset.wrap(texts, WIDTH - 24)
    if not lines:
        return top
    height = typeset.height(lines) + 12
    page.append(Box(LEFT, top, WIDTH, height, FAINT))
    page.append(Box(LEFT, top, 2.4, height, accent))
    bottom = top + height + 16
    top += 6
    for _, paragraph in groupby(lines, lambda line: line[1]):
        top = typeset.paragraph(page, LEFT + 13, top, list(paragraph))
    return bottom


def brand(page: Page, paper: Letterhead, logo: bytes | None, room: float) -> float:
    """The logo of who sends it, or else the name; returns where it ends."""
    if logo is not None:
        width, height = logos.size(logo)
        name = paper.speech.word("logo", name=full_name(paper.seller))
        with typeset.inside(page, Tag("Figure", alt=name)):
            page.append(Picture(LEFT, TOP, width, height, logo))
        return TOP + height
    name = _brand(paper.seller)
    lines = typeset.wrap([(name, WORDMARK)], room)
    if len(lines) > 2:
        lines = typeset.wrap([(name, SMALL_WORDMARK)], room)
    return typeset.paragraph(page, LEFT, TOP, lines)


def header(page: Page, paper: Letterhead, title: str, number: str, logo: bytes | None) -> float:
    """Who sells, and what paper it is; returns where it ends."""
    left_width = WIDTH * 0.56
    left_bottom = brand(page, paper, logo, left_width)
    top = TOP - 4
    page.append(Tag("H1"))
    typeset.put_right(page, RIGHT, top, title.upper(), TITLE._replace(colour=accent(paper)))
    top += TITLE.leading
    room = WIDTH - left_width - 14
    style = NUMBER if fonts.width(number, NUMBER.face, NUMBER.size) <= room else SMALL_NUMBER
    for text, _ in typeset.wrap([(number, style)], room):
        typeset.put_right(page, RIGHT, top, text, style)
        top += style.leading
    page.append(END)
    return max(left_bottom, top) + 20


class Fact(NamedTuple):
    """A fact at the head of a paper, under its label."""

    label: str
    value: str
    style: Style = VALUE


def fact_row(page: Page, facts: Sequence[Fact], top: float) -> float:
    """Labels, each with its value below, in a grid: what is wide spans several columns of it."""
    step, gap = WIDTH / GRID, 10.0
    typeset.rule(page, LEFT, top, WIDTH, LIGHT, 0.6)
    top += 9
    bottom = top
    page.append(Tag("L"))
    for row in _packed(facts, step - gap, step):
        top, column = bottom, 0
        for (label, value, style), span in row:
            head, lines = (
                typeset.wrap([item], span * step - gap) for item in ((label, LABEL), (value, style))
            )
            end = typeset.labelled(page, LEFT + column * step, top, head, lines)
            bottom, column = max(bottom, end + 8), column + span
    page.append(END)
    typeset.rule(page, LEFT, bottom, WIDTH, LIGHT, 0.6)
    return bottom + 16


def _packed(facts: Iterable[Fact], width: float, step: float) -> Iterable[list[tuple[Fact, int]]]:
    """The facts in rows, each with the columns that it spans; one too wide for what is left of
    its row makes room for later ones."""
    left = []
    for fact in facts:
        widths = [
            fonts.width(text, style.face, style.size)
            for text, style in ((fact.label, LABEL), (fact.value, fact.style))
        ]
        left.append((fact, min(GRID, 1 + max(0, -int((width - max(widths)) // step)))))
    while left:
        row, later, room = [], [], GRID
        for fact, span in left:
            if span <= room:
                row.append((fact, span))
                room -= span
            else:
                later.append((fact, span))
        yield row
        left = later


def parties(page: Page, paper: Letterhead, buyer: str, top: float) -> float:
    """Seller, buyer and where it is delivered; `buyer` is the word for what the buyer is."""
    speech = paper.speech
    blocks = []
    for key, party, role in (
        ("seller", paper.seller, "contact"),
        (buyer, paper.buyer, "attention"),
    ):
        contact = speech.word(role, name=party.contact) if party.contact else ""
        beneath = (party.trade_name, contact)
        identifiers = tuple(identity_lines(party, speech))
        blocks.append((key, full_name(party), beneath, party.address, identifiers))
    if delivery := paper.buyer.delivery_address:
        blocks.append(("delivery", delivery.name, ("", ""), delivery, ()))
    step = WIDTH / len(blocks)
    bottom = top
    for i, (key, name, beneath, address, identifiers) in enumerate(blocks):
        x = LEFT + i * step
        lines = [
            (name, NAME),
            *((line, ADDRESS) for line in (*beneath, *address_lines(address, speech))),
        ]
        head = typeset.wrap([(speech.word(key), LABEL)], step - 14)
        end = typeset.paragraph(page, x, top, head, "H2")
        end = typeset.paragraph(page, x, end, typeset.wrap(lines, step - 14)) + 3
        small = typeset.wrap([(line, IDENTIFIER) for line in identifiers], step - 14)
        for is_address, group in groupby(small, lambda line: line[0] in paper.seller.email):
            if is_address:
                end = _addresses(page, x, end, list(group))
            else:
                end = typeset.paragraph(page, x, end, list(group))
        bottom = max(bottom, end)
    return bottom + 22


def _addresses(page: Page, x: float, top: float, lines: Lines) -> float:
    """The addresses to which the customer writes, each a link."""
    for line in lines:
        page.extend((Tag("P"), Tag("Link", uri=f"mailto:{line[0]}", alt=line[0])))
        top = typeset.stack(page, x, top, [line])
        page.extend((END, END))
    return top


def opening(sheet: Sheet, subject: str, note: str) -> None:
    """What a paper is about and its notes to the customer, over pages where that is long."""
    parts = [typeset.wrap([(subject, SUBJECT)], WIDTH), typeset.wrap_lines(note, NOTE, WIDTH)]
    if subject:
        if LABEL.leading + SUBJECT.leading > sheet.room:
            sheet.turn()
        label = [(sheet.speech.word("about"), LABEL)]
        sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, label, "H2")
    for part in filter(None, parts):
        _running(sheet, part)
        sheet.y += 3
    sheet.y += 13 if any(parts) else 0


def _running(sheet: Sheet, lines: Lines) -> None:
    """A paragraph that goes on on a next page where there is no more room."""
    with sheet.inside(Tag("P")):
        for line in lines:
            if line[1].leading > sheet.room:
                sheet.turn()
            sheet.y = typeset.stack(sheet.page, LEFT, sheet.y, [line])


# --- the table -----------------------------------------------------------------------


class PaperRow(NamedTuple):
    """A line or an allowance: its name, what is said of it beneath, its figures by the headings
    that they stand under, and what it adds; the description may have lines of its own."""

    name: str
    figures: Mapping[str, str]
    amount: Decimal
    description: str = ""
    remarks: tuple[str, ...] = ()
    style: Style = CELL  # stronger for a sum of the rows above it

    def wrapped(self, width: float) -> Lines:
        """Its first cell, in lines no wider than `width`."""
        return [
            *typeset.wrap([(self.name, self.style)], width),
            *typeset.wrap_lines(self.description, DETAIL, width),
            *typeset.wrap([(remark, DETAIL) for remark in self.remarks], width),
        ]


def _rows(paper: Paper) -> list[PaperRow]:
    """Lines and allowances; what earlier invoices have is taken off beneath what they come to."""
    rows = [_line_row(paper, line) for line in paper.lines if not line.preceding]
    rows += [_allowance_row(paper, i) for i in range(len(paper.allowances))]
    taken_off = [_taken_off_row(paper, line) for line in paper.lines if line.preceding]
    if taken_off and rows:
        net = paper.speech.number(money.total(row.amount for row in rows), 2)
        name = paper.speech.word("order_total" if _is_franchise(paper) else "order_net")
        rows.append(PaperRow(name, {"line_net": net}, money.ZERO, style=SUM_CELL))
    return rows + taken_off


def _taken_off_row(paper: Paper, line: Line) -> PaperRow:
    rate = _rate(paper, line.vat_category, line.vat_rate)
    figures = {"vat_rate": rate, "line_net": paper.speech.number(line.net, 2)}
    return PaperRow(line.name, figures, line.net, line.description)


def _line_row(paper: Paper, line: Line) -> PaperRow:
    speech = paper.speech
    remarks = []
    if line.period and isinstance(paper, Document) and line.period != paper.period:
        remarks.append(speech.period(line.period.start, line.period.end))
    if line.discount:
        amount = speech.amount(-line.discount, paper.currency)
        discount = speech.word("discount", amount=amount)
        if line.discount_reason:
            reason = line.discount_reason
            discount = speech.word("because", what=discount, reason=reason)
        remarks.append(discount)
    figures = {
        "quantity": speech.number(line.quantity),
        "unit": speech.unit(line.unit, line.quantity),
        "unit_price": speech.number(line.unit_price, 2),
        "vat_rate": _rate(paper, line.vat_category, line.vat_rate),
        "line_net": speech.number(line.net, 2),
    }
    return PaperRow(line.name, figures, line.net, line.description, tuple(remarks))


def _allowance_row(paper: Paper, i: int) -> PaperRow:
    speech = paper.speech
    allowance = paper.allowances[i]
    text = allowance.reason
    if allowance.percent is not None and allowance.base is not None:
        text = speech.word(
            "allowance_percent",
            reason=text,
            percent=speech.percent(allowance.percent),
            base=speech.amount(allowance.base, paper.currency),
        )
    rate = _rate(paper, allowance.vat_category, allowance.vat_rate)
    figures = {"vat_rate": rate, "line_net": speech.number(-allowance.amount, 2)}
    return PaperRow(text, figures, -allowance.amount)


def _headings(paper: Paper) -> dict[str, str]:
    """Those of the figures, left to right; without VAT none says so, and none is of its rate."""
    keys = ("quantity", "unit", "unit_price", "vat_rate", "line_net")
    headings = {key: paper.speech.word(key) for key in keys}
    if _is_franchise(paper):
        headings |= {
            "unit_price": paper.speech.word("price"),
            "line_net": paper.speech.word("amount"),
        }
    if not bears_vat(paper):
        del headings["vat_rate"]
    return headings


def _columns(rows: Sequence[PaperRow], paper: Paper) -> dict[str, TableColumn]:
    """By their keys, as wide as their widest figure; the description has what is left."""
    columns: dict[str, TableColumn] = {}
    right = RIGHT
    for key, heading in reversed(_headings(paper).items()):
        width = max(
            fonts.width(heading, HEADING.face, HEADING.size),
            *(
                fonts.width(row.figures.get(key, ""), row.style.face, row.style.size)
                for row in rows
            ),
        )
        columns[key] = TableColumn(right - width, width, [(heading, HEADING)], key != "unit")
        right -= width + (UNIT_GAP if key == "unit" else COLUMN_GAP)
    description = [(paper.speech.word("description"), HEADING)]
    columns["description"] = TableColumn(LEFT, right - LEFT - 6, description, False)
    return dict(reversed(columns.items()))


def _table_head(sheet: Sheet, columns: Sequence[TableColumn]) -> None:
    put_headings(sheet, columns, 4)
    typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, INK, 0.8)


def _carry(sheet: Sheet, columns: Sequence[TableColumn], key: str, amount: Decimal) -> None:
    """À reporter, Report: the sum of the amounts set so far."""
    top = sheet.y + (CARRY_HEIGHT - CARRY.leading) / 2
    figure = sheet.speech.number(amount, 2)
    left = min(columns[-1].x, RIGHT - fonts.width(figure, CARRY.face, CARRY.size))
    typeset.put_right(sheet.page, left - COLUMN_GAP, top, sheet.speech.word(key), CARRY)
    typeset.put_right(sheet.page, RIGHT, top, figure, CARRY)
    sheet.y += CARRY_HEIGHT


def table(sheet: Sheet, paper: Paper, conclusion: float) -> None:
    """Sets all rows, over as many pages as they need.

    The last row stands on one page with the conclusion (`conclusion` points high), so that
    the totals never stand alone; every page but the last keeps room for the carried total.
    """
    rows = _rows(paper)
    by_key = _columns(rows, paper)
    keys, columns = list(by_key)[1:], list(by_key.values())
    carried = money.ZERO

    def turn() -> None:
        with sheet.inside(ARTIFACT):
            _carry(sheet, columns, "carried_forward", carried)
            sheet.turn()
            _table_head(sheet, columns)
            _carry(sheet, columns, "brought_forward", carried)
        typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, LIGHT, 0.4)

    heading = HEADING.leading + 5
    fresh = sheet.room_of_a_page - heading - CARRY_HEIGHT
    wrapped = [row.wrapped(columns[0].width) for row in rows]
    heights = [typeset.height(lines) + 2 * ROW_PADDING for lines in wrapped]
    least = LEAST_OF_A_ROW + CARRY_HEIGHT
    if sheet.room < heading + min(heights[0] + CARRY_HEIGHT, least):
        sheet.turn()
    sheet.page.append(Tag("Table"))
    _table_head(sheet, columns)
    for i, (row, lines, height) in enumerate(zip(rows, wrapped, heights, strict=True)):
        followed = conclusion if i == len(rows) - 1 else 0
        whole = height + (followed or CARRY_HEIGHT)
        is_parted = height > MOST_OF_A_ROW or whole > fresh
        if i and sheet.room < (least if is_parted else whole):
            turn()
        elif i:
            typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, LIGHT, 0.4)
        carried = money.total((carried, row.amount))
        cells = [lines, *[[(row.figures.get(key, ""), row.style)] for key in keys]]
        named = sum(1 for _, style in lines if style is row.style)
        put_row(sheet, columns, cells, ROW_PADDING, turn, CARRY_HEIGHT, followed, named)
    sheet.page.append(END)
    typeset.rule(sheet.page, LEFT, sheet.y, WIDTH, INK, 0.8)


# --- totals and mentions --------------------------------------------------------------


class Block(NamedTuple):
    """Something that is never cut in two: its height, and how to draw it at a given top."""

    height: float
    draw: Callable[[Page, float], None]


Sums = list[tuple[str, str, Style]]


def sums(paper: Paper, with_total: bool) -> Sums:
    """The totals, from the lines to what they come to: a label and an amount each.

    Where nothing has VAT the reason stands in its place, and one total is enough.

    Args:
      with_total: whether what comes last is another amount than the whole.
    """
    speech, totals = paper.speech, paper.totals

    def amount(value: Decimal) -> str:
        return speech.amount(value, paper.currency)

    takes_off = any(line.preceding for line in paper.lines)
    is_balance = takes_off and isinstance(paper, Document) and not paper.is_credit_note
    rows: Sums = []
    if paper.allowances and not takes_off:
        key = "lines_total" if _is_franchise(paper) else "lines_net"
        rows.append((speech.word(key), amount(totals.lines_net), SUM))
        rows.append((speech.word("allowances"), amount(-totals.allowances), SUM))
    if not _is_franchise(paper):
        key = "balance_net" if is_balance else "net"
        rows.append((speech.word(key), amount(totals.net), SUM_STRONG))
    elif with_total:
        rows.append((speech.word("total_amount"), amount(totals.gross), SUM_STRONG))
    if not bears_vat(paper):
        return [*rows, *((reason, "", SUM) for reason in _reasons(paper).values())]
    for vat in paper.vat_breakdown:
        rate = _rate(paper, vat.category, vat.rate)
        label = speech.word("vat", rate=rate, base=amount(vat.taxable))
        rows.append((label, amount(vat.vat), SUM))
    if sum(1 for vat in paper.vat_breakdown if vat.rate) > 1:
        rows.append((speech.word("vat_total"), amount(totals.vat), SUM))
    if with_total:
        key = "balance_gross" if is_balance else "gross"
        rows.append((speech.word(key), amount(totals.gross), SUM_STRONG))
    return rows


def totals(paper: Paper, rows: Sums, last: str, amount: str) -> Block:
    """The totals at the right, the last of them large; below why some of it has no VAT."""
    x = RIGHT - TOTALS_WIDTH
    wrapped = []
    for label, value, style in rows:
        room = TOTALS_WIDTH - fonts.width(value, style.face, style.size) - 10
        wrapped.append((typeset.wrap([(label, style)], room), value, style))
    reasons = list(dict.fromkeys(_reasons(paper).values())) if bears_vat(paper) else []
    if len(reasons) > 1:
        reasons = [f"({i}) {reason}" for i, reason in enumerate(reasons, 1)]
    notes = typeset.wrap([(reason, REASON) for reason in reasons], TOTALS_WIDTH)
    height = sum(typeset.height(lines) for lines, _, _ in wrapped) + 10 + DUE.leading
    height += typeset.height(notes) + (8 if notes else 0)

    def draw(page: Page, top: float) -> None:
        page.append(Tag("Table"))
        for lines, value, style in wrapped:
            _sum(page, x, top, lines, value, style)
            top += typeset.height(lines)
        typeset.rule(page, x, top + 4, TOTALS_WIDTH, accent(paper), 1.2)
        top += 10
        _sum(page, x, top, [(last, DUE_LABEL)], amount, DUE._replace(colour=accent(paper)))
        page.append(END)
        typeset.paragraph(page, x, top + DUE.leading + 8, notes)

    return Block(height, draw)


def _sum(page: Page, x: float, top: float, label: Lines, value: str, style: Style) -> None:
    """A row of the totals: what it is, and what it comes to."""
    page += (TR, ROW_HEADING)
    typeset.stack(page, x, top, label)
    page += (END, TD)
    typeset.put_right(page, RIGHT, top, value, style)
    page += (END, END)


def fine_lines(notes: Iterable[str]) -> Lines:
    """The mentions, in one paragraph."""
    return typeset.wrap([(" ".join(notes), FINE)], WIDTH)


def fine_print(sheet: Sheet, lines: Lines) -> None:
    """The mentions, at the foot of the page where they fit; else together on the next one."""
    height = typeset.height(lines)
    if height + FINE_GAP <= sheet.room:
        sheet.y = sheet.bottom - height
    elif height <= sheet.room_of_a_page:
        sheet.turn()
    else:
        _running(sheet, lines)
        return
    typeset.paragraph(sheet.page, LEFT, sheet.y, lines)
