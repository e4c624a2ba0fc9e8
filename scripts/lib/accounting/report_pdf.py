"""The pages of a year report: tables and charts laid out, and written as PDF/A-3.

Like the page of an invoice, the layout is a pure function of its figures (accounting/year_report).
Charts are filled boxes, so that they print sharp at any size.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import NamedTuple

from lib.accounting.year_report import Range, YearReport
from lib.documents import fonts, pdf_writer, typeset
from lib.documents.fonts import REGULAR, SEMIBOLD
from lib.documents.pdf_writer import Box, Colour, Page
from lib.documents.sheet import TOP, TOP_OF_NEXT_PAGES, Sheet, TableColumn, put_headings, put_row
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
    Style,
)
from lib.inputs.logos import MM
from lib.values.money import in_euros
from lib.values.speech import DASH, Speech

BOTTOM = PAGE_HEIGHT - 22 * MM
FOOT_TOP = PAGE_HEIGHT - 15 * MM
SECTION_GAP = 24.0
CHART_HEIGHT = 152.0
WHOLE = 260.0  # a table up to this height stands on one page
ROW_PADDING = 2.6
CELL_GAP = 8.0
HEADING_GAP = 5.0
PALE: Colour = (148, 184, 197)

TITLE = Style(SEMIBOLD, 21, ACCENT, 28)
SELLER = Style(SEMIBOLD, 10.5, INK, 15)
AS_OF = Style(REGULAR, 9, GREY, 13)
FIGURE_LABEL = Style(REGULAR, 7.4, GREY, 11)
FIGURE = Style(SEMIBOLD, 12.5, INK, 17)
SECTION = Style(SEMIBOLD, 11.5, ACCENT, 20)
NOTE = Style(REGULAR, 7.6, GREY, 10.4)
PLAIN = Style(REGULAR, 8.8, INK, 13)
HEADING = Style(SEMIBOLD, 7.2, GREY, 9.6)
CELL = Style(REGULAR, 8.2, INK, 11)
QUIET = Style(REGULAR, 7.4, GREY, 11)
SUM = Style(SEMIBOLD, 8.2, INK, 11)
HASH = Style(REGULAR, 6.6, INK, 11)
AXIS = Style(REGULAR, 7, GREY, 9)
FOOT = Style(REGULAR, 7.2, GREY, 9)


class ColumnShare(NamedTuple):
    """What a column has of the width of a table, with the gap after it."""

    heading: str
    width: float
    right: bool = False
    style: Style = CELL


Draw = Callable[[Page, float, float], None]  # of the row: the page, its top, its height


class ReportRow(NamedTuple):
    """The cells of a row, and what is drawn in it beside them."""

    cells: Sequence[str]
    is_sum: bool = False
    draw: Draw | None = None


class ReportSheet(Sheet, kw_only=True):
    """The pages of a report, and how they write its figures."""

    report: YearReport

    def word(self, key: str, **values: str) -> str:
        return self.speech.word(key, **values)

    def figure(self, amount: int) -> str:
        """An amount in a table: 1 234,50."""
        return self.speech.number(in_euros(amount), 2)

    def money(self, amount: int) -> str:
        """An amount that stands alone: 1 234,50 €."""
        return self.speech.amount(in_euros(amount), self.report.currency)

    def days(self, days: Decimal) -> str:
        return self.word("report_days_value", days=self.speech.number(days, 1))


def render(report: YearReport, seller: str, speech: Speech) -> bytes:
    """The PDF of a report: the same arguments give the same bytes.

    Args:
      seller: the issuer's name.

    Returns:
      A PDF/A-3B file.

    Raises:
      ValueError: if a character has no glyph.
    """
    title = speech.word("report", year=report.year)
    day = speech.date(report.date)
    subject = speech.word("report_subject", title=title, seller=seller, date=day)
    return pdf_writer.write(
        _lay_out(report, seller, speech),
        moment=datetime.combine(report.date, time(), UTC),
        language=speech.language,
        xmp=typeset.xmp(title, seller, subject, report.date, "report_pdf", {}),
    )


def _lay_out(report: YearReport, seller: str, speech: Speech) -> list[Page]:
    sheet = ReportSheet(
        report=report,
        speech=speech,
        name=seller,
        title=speech.word("report", year=report.year),
        running=FOOT,
        foot=[(speech.word("report_as_of", date=speech.date(report.date)), FOOT)],
        foot_style=FOOT,
        foot_top=FOOT_TOP,
        foot_gap=5,
        bottom=BOTTOM,
    )
    _head(sheet)
    _months(sheet)
    _ages(sheet)
    _rates(sheet)
    _clients(sheet)
    _ranges(sheet, "report_ranges", report.ranges)
    if report.batch_ranges:
        _ranges(sheet, "report_batch_ranges", report.batch_ranges)
    if report.heads:
        _heads(sheet)
    return sheet.finish()


# --- the head ------------------------------------------------------------------------


def _head(sheet: ReportSheet) -> None:
    """Title, whose report it is, and the five figures that everybody asks for first."""
    report, page = sheet.report, sheet.page
    typeset.put(page, LEFT, TOP - 4, sheet.word("report", year=report.year), TITLE)
    lines = typeset.wrap([(sheet.name, SELLER)], WIDTH)
    top = typeset.stack(page, LEFT, TOP - 4 + TITLE.leading, lines)
    as_of = sheet.word("report_as_of", date=sheet.speech.date(report.date))
    typeset.put(page, LEFT, top, as_of, AS_OF)
    top += AS_OF.leading + 12
    late = sum(age.amount for age in report.ages[1:])
    days = report.delay.from_issue
    figures = (
        ("report_invoiced", sheet.money(sum(month.gross for month in report.months))),
        ("report_received", sheet.money(sum(month.received for month in report.months))),
        ("report_outstanding", sheet.money(sum(age.amount for age in report.ages))),
        ("report_late", sheet.money(late)),
        ("report_days", DASH if days is None else sheet.days(days)),
    )
    page.append(Box(LEFT, top, WIDTH, 44, FAINT))
    page.append(Box(LEFT, top, 2.4, 44, ACCENT))
    step = (WIDTH - 13) / len(figures)
    style = _fitting(max((value for _, value in figures), key=len), FIGURE, step - 8)
    for i, (key, value) in enumerate(figures):
        x = LEFT + 13 + i * step
        typeset.put(page, x, top + 8, sheet.word(key), FIGURE_LABEL)
        typeset.put(page, x, top + 20, value, style)
    sheet.y = top + 44


# --- sections ------------------------------------------------------------------------


def _section(sheet: ReportSheet, key: str, height: float, note: str = "") -> None:
    """A heading that stays with the first `height` points of what follows it."""
    lines = typeset.wrap([(note, NOTE)], WIDTH)
    if SECTION_GAP + SECTION.leading + typeset.height(lines) + height > sheet.room:
        sheet.turn()
    if sheet.y > TOP_OF_NEXT_PAGES:
        sheet.y += SECTION_GAP
    typeset.put(sheet.page, LEFT, sheet.y, sheet.word(key), SECTION)
    sheet.y = typeset.stack(sheet.page, LEFT, sheet.y + SECTION.leading, lines) + 4


def _months(sheet: ReportSheet) -> None:
    report = sheet.report
    _section(sheet, "report_months", CHART_HEIGHT)
    _chart(sheet)
    keys = ("report_net", "report_vat", "report_invoiced", "report_received", "report_vat_due")
    columns = [ColumnShare(sheet.word("report_month"), 79)]
    columns += [ColumnShare(sheet.word(key), (WIDTH - 79) / 5, right=True) for key in keys]
    rows = [
        ReportRow([sheet.speech.month(_day(month.month)), *map(sheet.figure, month[1:])])
        for month in report.months
    ]
    rows.append(_sums(sheet, [month[1:] for month in report.months]))
    _table(sheet, columns, rows)


def _day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _sums(
    sheet: ReportSheet, figures: Sequence[Sequence[int]], between: Sequence[str] = ()
) -> ReportRow:
    """The last row of a table: the sum of each column of figures."""
    sums = [sheet.figure(sum(column)) for column in zip(*figures, strict=True)]
    return ReportRow([sheet.word("report_total"), *between, *sums], is_sum=True)


def _rates(sheet: ReportSheet) -> None:
    rates = sheet.report.rates
    invoiced, received = ("base", "vat_invoiced"), ("base_received", "vat_received")
    keys = [f"report_{key}" for key in (*invoiced, *received, "vat_due")]
    columns = [
        ColumnShare(sheet.word("report_nature"), 60),
        ColumnShare(sheet.word("report_rate"), 81),
    ]
    columns += [ColumnShare(sheet.word(key), (WIDTH - 141) / 5, right=True) for key in keys]
    rows = []
    for kind in rates:
        rate = ""
        if kind.category:
            rate = sheet.speech.vat_category(kind.category) or sheet.speech.percent(
                Decimal(kind.rate)
            )
        figures = map(sheet.figure, kind[3:])
        rows.append(ReportRow([sheet.word(f"report_{kind.nature}"), rate, *figures]))
    if rows:
        rows.append(_sums(sheet, [kind[3:] for kind in rates], [""]))
    _tabled(sheet, "report_rates", columns, rows, "report_rates_note")


def _ages(sheet: ReportSheet) -> None:
    report = sheet.report
    most = max(age.amount for age in report.ages)
    bar_left = LEFT + 260
    columns = [
        ColumnShare(sheet.word("report_age"), 100),
        ColumnShare(sheet.word("report_invoices"), 60, right=True),
        ColumnShare(sheet.word("report_outstanding"), 92, right=True),
    ]
    rows = []
    for i, age in enumerate(report.ages):
        width = (RIGHT - bar_left) * age.amount / most if most else 0
        bar = _bar(bar_left, width, PALE if i == 0 else ACCENT) if age.amount else None
        cells = [sheet.word(f"report_age_{i}"), str(age.invoices), sheet.figure(age.amount)]
        rows.append(ReportRow(cells, draw=bar))
    count = str(sum(age.invoices for age in report.ages))
    rows.append(_sums(sheet, [[age.amount] for age in report.ages], [count]))
    _section(sheet, "report_ages", _table_height(columns, rows) + 30)
    _table(sheet, columns, rows)
    sentences = []
    if report.overpaid:
        sentences.append(sheet.word("report_overpaid", amount=sheet.money(report.overpaid)))
    if report.written_off:
        amount = sheet.money(report.written_off)
        sentences.append(sheet.word("report_written_off", amount=amount))
    sentences.append(_delay(sheet))
    for sentence in sentences:
        lines = typeset.wrap([(sentence, PLAIN)], WIDTH)
        sheet.y = typeset.stack(sheet.page, LEFT, sheet.y + 4, lines)


def _delay(sheet: ReportSheet) -> str:
    delay = sheet.report.delay
    if delay.from_issue is None:
        return sheet.word("report_delay_none")
    days = sheet.days(delay.from_issue)
    text = sheet.word("report_delay_text", count=str(delay.invoices), days=days)
    if delay.past_due is None:
        return text
    key = "report_before_due" if delay.past_due < 0 else "report_after_due"
    return f"{text} {sheet.word(key, days=sheet.days(abs(delay.past_due)))}"


def _bar(x: float, width: float, colour: Colour) -> Draw:
    def draw(page: Page, top: float, height: float) -> None:
        page.append(Box(x, top + 2.6, width, height - 5.2, colour))

    return draw


def _clients(sheet: ReportSheet) -> None:
    clients = sheet.report.clients
    columns = [
        ColumnShare(sheet.word("report_client"), 126),
        ColumnShare(sheet.word("report_id"), 82, style=QUIET),
        ColumnShare(sheet.word("report_documents"), 40, right=True),
        ColumnShare(sheet.word("report_invoiced"), 70, right=True),
        ColumnShare(sheet.word("report_received"), 70, right=True),
        ColumnShare(sheet.word("report_outstanding"), 70, right=True),
        ColumnShare(sheet.word("report_client_days"), WIDTH - 458, right=True),
    ]
    rows = []
    for client in clients:
        days = DASH if client.days is None else sheet.speech.number(client.days, 1)
        figures = map(sheet.figure, client[3:6])
        rows.append(ReportRow([client.name, client.id, str(client.documents), *figures, days]))
    if rows:
        count = str(sum(client.documents for client in clients))
        sums = _sums(sheet, [client[3:6] for client in clients], ["", count])
        rows.append(sums._replace(cells=[*sums.cells, ""]))
    _tabled(sheet, "report_clients", columns, rows, "report_clients_note")


def _ranges(sheet: ReportSheet, key: str, ranges: Iterable[Range]) -> None:
    columns = [
        ColumnShare(sheet.word("report_first"), 116),
        ColumnShare(sheet.word("report_last"), 116),
        ColumnShare(sheet.word("report_dates"), 132, style=QUIET),
        ColumnShare(sheet.word("report_invoices"), 60, right=True),
        ColumnShare(sheet.word("report_credit_notes"), WIDTH - 424, right=True),
    ]
    rows = []
    for numbers in ranges:
        dates = f"{numbers.first_date} {DASH} {numbers.last_date}"
        counts = map(str, (numbers.invoices, numbers.credit_notes))
        rows.append(ReportRow([numbers.first, numbers.last, dates, *counts]))
    _tabled(sheet, key, columns, rows)


def _heads(sheet: ReportSheet) -> None:
    columns = [
        ColumnShare(sheet.word("report_file"), 190),
        ColumnShare(sheet.word("report_lines"), 44, right=True),
        ColumnShare(sheet.word("report_hash"), WIDTH - 234, style=HASH),
    ]
    rows = [ReportRow([head.file, str(head.seq), head.hash]) for head in sheet.report.heads]
    _tabled(sheet, "report_heads", columns, rows, "report_heads_note")


# --- tables --------------------------------------------------------------------------


def _tabled(
    sheet: ReportSheet,
    key: str,
    columns: Sequence[ColumnShare],
    rows: Sequence[ReportRow],
    note: str = "",
) -> None:
    """A section that is one table, or says that there is nothing in it."""
    height = _table_height(columns, rows) if rows else PLAIN.leading
    if height > WHOLE:
        height = _table_height(columns, rows[:3])
    _section(sheet, key, height, sheet.word(note) if note else "")
    if rows:
        _table(sheet, columns, rows)
    else:
        typeset.put(sheet.page, LEFT, sheet.y, sheet.word("report_none"), PLAIN)
        sheet.y += PLAIN.leading


def _table_height(shares: Sequence[ColumnShare], rows: Iterable[ReportRow]) -> float:
    heading = max(typeset.height(column.heading) for column in _columns(shares))
    return heading + HEADING_GAP + sum(_row_height(_cells(shares, row)) for row in rows)


def _columns(shares: Sequence[ColumnShare]) -> list[TableColumn]:
    """Where the columns stand; the last one ends at the margin, the others leave their gap."""
    columns = []
    x = LEFT
    for share in shares:
        room = share.width - CELL_GAP
        heading = typeset.wrap([(share.heading, HEADING)], room)
        shift = CELL_GAP if share.right and x + share.width >= RIGHT - 1 else 0
        columns.append(TableColumn(x + shift, room, heading, share.right))
        x += share.width
    return columns


def _cells(shares: Sequence[ColumnShare], row: ReportRow) -> list[typeset.Lines]:
    """The lines of each cell; a figure is never broken over two."""
    cells = []
    for share, text in zip(shares, row.cells, strict=True):
        style = SUM if row.is_sum else share.style
        room = share.width - CELL_GAP
        cells.append(
            [(text, _fitting(text, style, room))]
            if share.right
            else typeset.wrap([(text, style)], room)
        )
    return cells


def _fitting(text: str, style: Style, room: float) -> Style:
    """The style, smaller where the text would be wider than its room."""
    width = fonts.width(text, style.face, style.size)
    return style._replace(size=style.size * min(1, room / width)) if width else style


def _row_height(cells: Iterable[typeset.Lines]) -> float:
    return max(map(typeset.height, cells)) + 2 * ROW_PADDING


def _table(sheet: ReportSheet, shares: Sequence[ColumnShare], rows: Sequence[ReportRow]) -> None:
    """Rows over as many pages as they need, with their headings on each."""
    columns = _columns(shares)
    _headings(sheet, columns)
    for i, row in enumerate(rows):
        cells = _cells(shares, row)
        height = _row_height(cells)
        # The sum stays with the row above it.
        with_it = height if rows[i + 1 : i + 2] and rows[i + 1].is_sum else 0
        if height + with_it > sheet.room:
            sheet.turn()
            _headings(sheet, columns)
        if row.is_sum:
            typeset.rule(sheet.page, LEFT, sheet.y - 0.4, WIDTH, INK, 0.6)
        top = sheet.y
        put_row(sheet, columns, cells, ROW_PADDING, sheet.turn)
        if row.draw:
            row.draw(sheet.page, top, height)
        if not row.is_sum:
            typeset.rule(sheet.page, LEFT, sheet.y - 0.2, WIDTH, FAINT, 0.4)


def _headings(sheet: ReportSheet, columns: Sequence[TableColumn]) -> None:
    put_headings(sheet, columns, HEADING_GAP)
    typeset.rule(sheet.page, LEFT, sheet.y - 0.6, WIDTH, LIGHT, 0.6)


# --- the chart -----------------------------------------------------------------------


def _chart(sheet: ReportSheet) -> None:
    """Two bars a month, invoiced and received, on an axis in whole euros."""
    page, months = sheet.page, sheet.report.months
    pairs = [(month.gross, month.received) for month in months]
    low, high, step = _axis(min(map(min, pairs)), max(map(max, pairs)))
    top, height = sheet.y + 14, CHART_HEIGHT - 34
    left = LEFT + 52

    def level(amount: int) -> float:
        return top + height * (high - amount) / (high - low)

    _legend(sheet, sheet.y)
    for amount in range(low, high + step, step):
        y = level(amount)
        typeset.rule(page, left, y - 0.2, RIGHT - left, LIGHT if amount else GREY, 0.4)
        label = sheet.speech.round_amount(in_euros(amount), sheet.report.currency)
        style = _fitting(label, AXIS, left - 6 - LEFT)
        typeset.put_right(page, left - 6, y - AXIS.leading / 2, label, style)
    pitch = (RIGHT - left) / len(months)
    bar = pitch * 0.34
    for i, (month, pair) in enumerate(zip(months, pairs, strict=True)):
        x = left + i * pitch + (pitch - 2 * bar) / 2
        for amount, colour in zip(pair, (ACCENT, PALE), strict=True):
            if amount:
                y = min(level(amount), level(0))
                page.append(Box(x, y, bar - 1, abs(level(amount) - level(0)), colour))
            x += bar
        name = sheet.speech.short_month(_day(month.month))
        middle = left + (i + 0.5) * pitch - fonts.width(name, AXIS.face, AXIS.size) / 2
        typeset.put(page, middle, top + height + 4, name, AXIS)
    sheet.y += CHART_HEIGHT


def _legend(sheet: ReportSheet, top: float) -> None:
    x = LEFT + 52
    for key, colour in (("report_invoiced", ACCENT), ("report_received", PALE)):
        sheet.page.append(Box(x, top, 7, 7, colour))
        text = sheet.word(key)
        typeset.put(sheet.page, x + 11, top - 1, text, AXIS)
        x += 11 + fonts.width(text, AXIS.face, AXIS.size) + 16


def _axis(least: int, most: int) -> tuple[int, int, int]:
    """Where an axis through 0 begins and ends, and its step, in cents: at most seven lines.

    Example: 0 and 123456 give 0, 150000 and 50000.
    """
    least, most = min(least, 0), max(most, 0)
    step = 100
    while -(least // step) - (-most // step) > 6:
        # 1, 2, 5, 10, 20, 50, ...
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    low, high = least // step * step, -(-most // step) * step
    return low, max(high, low + step), step
