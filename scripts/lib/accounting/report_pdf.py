"""The pages of a year report: tables and charts laid out, and written as PDF/A-3A.

Like the page of an invoice, the layout is a pure function of its figures (accounting/year_report).
Charts are filled boxes, so that they print sharp at any size.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal

from lib.accounting.year_report import Delay, Month, Range, YearReport
from lib.core.messages import render as in_words
from lib.documents import fonts, pdf_writer, typeset
from lib.documents.fonts import REGULAR, SEMIBOLD
from lib.documents.paper import legal_name
from lib.documents.pdf_writer import Box, Colour, Page
from lib.documents.ruled_tables import (
    QUIET,
    ColumnShare,
    Draw,
    RuledRow,
    fitting,
    height_of,
    put_table,
)
from lib.documents.sheet import TOP, TOP_OF_NEXT_PAGES, Sheet
from lib.documents.structure import Tag
from lib.documents.typeset import (
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
from lib.values.seller_terms import SellerTerms
from lib.values.speech import DASH, Speech

BOTTOM = PAGE_HEIGHT - 22 * MM
FOOT_TOP = PAGE_HEIGHT - 15 * MM
SECTION_GAP = 24.0
CHART_HEIGHT = 152.0
WHOLE = 260.0  # a table up to this height stands on one page
PALE = 0.38  # of white in the paler of two colours
WIDEST = 120.0  # of a column of figures
AGED = 30  # clients whose ages are shown; the others are one row
CHARTED = 3  # months; fewer are read as fast in their table

TITLE = Style(SEMIBOLD, 21, INK, 28)
SELLER = Style(SEMIBOLD, 10.5, INK, 15)
AS_OF = Style(REGULAR, 9, GREY, 13)
FIGURE_LABEL = Style(REGULAR, 7.4, GREY, 11)
FIGURE = Style(SEMIBOLD, 12.5, INK, 17)
SECTION = Style(SEMIBOLD, 11.5, INK, 20)
NOTE = Style(REGULAR, 7.6, GREY, 10.4)
PLAIN = Style(REGULAR, 8.8, INK, 13)
HASH = Style(REGULAR, 6.6, INK, 11)
AXIS = Style(REGULAR, 7, GREY, 9)
FOOT = Style(REGULAR, 7.2, GREY, 9)


class ReportSheet(Sheet, kw_only=True):
    """The pages of a report, and how they write its figures."""

    report: YearReport
    accent: Colour

    @property
    def pale(self) -> Colour:
        red, green, blue = (round(part + (255 - part) * PALE) for part in self.accent)
        return red, green, blue

    def word(self, key: str, **values: str) -> str:
        return self.speech.word(key, **values)

    def figure(self, amount: int) -> str:
        """An amount in a table: 1 234,50."""
        return self.speech.number(in_euros(amount), 2)

    def sparse(self, amount: int) -> str:
        """An amount in a table where most are 0: those are left out."""
        return self.figure(amount) if amount else ""

    def money(self, amount: int) -> str:
        """An amount that stands alone: 1 234,50 €."""
        return self.speech.amount(in_euros(amount), self.report.currency)

    def days(self, days: Decimal) -> str:
        return self.word("report_days_value", days=self.speech.number(days, 1))

    def tenth(self, value: Decimal | None) -> str:
        return DASH if value is None else self.speech.number(value, 1)

    def taxed_word(self, key: str) -> str:
        """A word or note that speaks of VAT, and its other form where nothing has any."""
        return self.word(key if self.report.with_vat else f"{key}_without_vat")


def render(report: YearReport, issuer: SellerTerms, speech: Speech) -> bytes:
    """The PDF of a report, in the issuer's colour: the same arguments give the same bytes.

    Returns:
      A PDF/A-3A file.

    Raises:
      ValueError: if a character has no glyph.
    """
    title = speech.word("report", year=report.year)
    seller = legal_name(issuer.party.name, issuer.legal_form)
    day = speech.date(report.date)
    subject = speech.word("report_subject", title=title, seller=seller, date=day)
    pages = _lay_out(report, seller, typeset.accent(issuer.colour), speech)
    return pdf_writer.write(
        _let_go(pages),
        moment=datetime.combine(report.date, time(), UTC),
        language=speech.language,
        xmp=typeset.xmp(title, seller, subject, report.date, "report_pdf", {}),
    )


def _let_go(pages: list[Page]) -> Iterator[Page]:
    """The pages, each gone once it is written: a house of many clients has hundreds."""
    while pages:
        yield pages.pop(0)


def _lay_out(report: YearReport, seller: str, accent: Colour, speech: Speech) -> list[Page]:
    sheet = ReportSheet(
        report=report,
        accent=accent,
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
    for section in (
        _turnover,
        _limits,
        _compared,
        _recurring,
        _ages,
        _ages_of_clients,
        _quarters,
        _rates,
        _concentration,
        _clients,
    ):
        section(sheet)
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
    title = [(sheet.word("report", year=report.year), TITLE._replace(colour=sheet.accent))]
    top = typeset.paragraph(page, LEFT, TOP - 4, title, "H1")
    top = typeset.paragraph(page, LEFT, top, typeset.wrap([(sheet.name, SELLER)], WIDTH))
    as_of = sheet.word("report_as_of", date=sheet.speech.date(report.date))
    top = typeset.paragraph(page, LEFT, top, [(as_of, AS_OF)]) + 12
    late = sum(age.amount for age in report.ages[1:])
    days = report.delay.from_issue
    figures = (
        (
            sheet.taxed_word("report_invoiced"),
            sheet.money(sum(month.gross for month in report.months)),
        ),
        (
            sheet.word("report_received"),
            sheet.money(sum(month.received for month in report.months)),
        ),
        (sheet.word("report_outstanding"), sheet.money(sum(age.amount for age in report.ages))),
        (sheet.word("report_late"), sheet.money(late)),
        (sheet.word("report_days"), DASH if days is None else sheet.days(days)),
    )
    page.append(Box(LEFT, top, WIDTH, 44, FAINT))
    page.append(Box(LEFT, top, 2.4, 44, sheet.accent))
    step = (WIDTH - 13) / len(figures)
    style = fitting(max((value for _, value in figures), key=len), FIGURE, step - 8)
    with typeset.inside(page, Tag("L")):
        for i, (label, value) in enumerate(figures):
            x = LEFT + 13 + i * step
            small = fitting(label, FIGURE_LABEL, step - 8)._replace(leading=12)
            typeset.labelled(page, x, top + 7.5, [(label, small)], [(value, style)])
    sheet.y = top + 44


# --- sections ------------------------------------------------------------------------


def _section(sheet: ReportSheet, key: str, height: float, note: str = "") -> None:
    """A heading that stays with the first `height` points of what follows it."""
    lines = typeset.wrap([(note, NOTE)], WIDTH)
    if SECTION_GAP + SECTION.leading + typeset.height(lines) + height > sheet.room:
        sheet.turn()
    if sheet.y > TOP_OF_NEXT_PAGES:
        sheet.y += SECTION_GAP
    heading = [(sheet.word(key), SECTION._replace(colour=sheet.accent))]
    sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, heading, "H2")
    sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, lines) + 4


def _months(sheet: ReportSheet) -> None:
    """From the first month with a figure to the last, and a chart of them where they are some."""
    report = sheet.report
    active = [i for i, month in enumerate(report.months) if any(month[1:])]
    months = report.months[active[0] : active[-1] + 1] if active else []
    columns = [ColumnShare(sheet.word("report_month"), 79)]
    figures: list[Sequence[int]] = [month[3:5] for month in months]
    words = [sheet.taxed_word("report_invoiced"), sheet.word("report_received")]
    if report.with_vat:
        figures = [month[1:] for month in months]
        words = [sheet.word("report_net"), sheet.word("report_vat"), *words]
        words.append(sheet.word("report_vat_due"))
    width = min((WIDTH - 79) / len(words), WIDEST)
    columns += [ColumnShare(word, width, right=True) for word in words]
    rows = [
        RuledRow([sheet.speech.month(_day(month.month)), *map(sheet.figure, own)])
        for month, own in zip(months, figures, strict=True)
    ]
    if len(rows) > 1:
        rows.append(_sums(sheet, figures))
    if len(active) < CHARTED:
        _tabled(sheet, "report_months", columns, rows)
        return
    _section(sheet, "report_months", CHART_HEIGHT)
    with sheet.inside(Tag("Figure", alt=sheet.word("report_chart"))):
        _chart(sheet, months)
    put_table(sheet, columns, rows)


def _day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _sums(
    sheet: ReportSheet, figures: Sequence[Sequence[int]], between: Sequence[str] = ()
) -> RuledRow:
    """The last row of a table: the sum of each column of figures."""
    sums = [sheet.figure(sum(column)) for column in zip(*figures, strict=True)]
    return RuledRow([sheet.word("report_total"), *between, *sums], is_sum=True)


def _turnover(sheet: ReportSheet) -> None:
    """What is declared as received, by category of activity."""
    received = sheet.report.turnover
    columns = [
        ColumnShare(sheet.word("report_category"), 199),
        ColumnShare(sheet.word("report_received"), WIDEST, right=True),
    ]
    rows = [
        RuledRow([str(in_words(label, sheet.speech.language)), sheet.figure(amount)])
        for label, amount in received
    ]
    if rows:
        _tabled(sheet, "report_turnover", columns, rows, sheet.word("report_turnover_note"))


def _limits(sheet: ReportSheet) -> None:
    """How near what was invoiced is to the limits of the exemption from VAT."""
    bar_left = LEFT + 362
    columns = [
        ColumnShare(sheet.word("report_nature"), 90),
        ColumnShare(sheet.word("report_since_january"), 84, right=True),
        ColumnShare(sheet.word("report_limit"), 72, right=True),
        ColumnShare(sheet.word("report_raised"), 72, right=True),
        ColumnShare(sheet.word("report_used"), 44, right=True),
    ]
    rows = []
    for limit in sheet.report.limits:
        bounds = [
            DASH if bound is None else sheet.speech.number(bound, 2)
            for bound in (limit.limit, limit.raised)
        ]
        percent = limit.percent
        used = DASH if percent is None else sheet.speech.percent(Decimal(percent))
        nature = sheet.word(f"report_turnover_{limit.nature}")
        room = RIGHT - bar_left
        bar = _bar(bar_left, min(room, room * max(percent or 0, 0) / 100), sheet.accent)
        cells = [nature, sheet.figure(limit.invoiced), *bounds, used]
        rows.append(RuledRow(cells, draw=bar if percent else None))
    if rows:
        known = any(limit.limit for limit in sheet.report.limits)
        note = sheet.word("report_limits_note" if known else "report_limits_none")
        _tabled(sheet, "report_limits", columns, rows, note)


def _compared(sheet: ReportSheet) -> None:
    """The months that the year before has too, beside those."""
    report = sheet.report
    if not any(any(month[1:]) for month in report.compared):
        return
    years = (str(int(report.year) - 1), report.year)
    width = (WIDTH - 79) / 6
    columns = [ColumnShare(sheet.word("report_month"), 79)]
    for key in (sheet.taxed_word("report_net"), sheet.word("report_received")):
        columns += [ColumnShare(f"{key} {year}", width, right=True) for year in years]
        columns.append(ColumnShare(sheet.word("report_change"), width, right=True))
    figures = [month[1:] for month in report.compared]
    labels = [sheet.speech.month(_day(month.month)) for month in report.compared]
    totals = [sum(column) for column in zip(*figures, strict=True)]
    rows = [
        RuledRow([label, *_pair(sheet, *own[:2]), *_pair(sheet, *own[2:])], is_sum=is_sum)
        for label, own, is_sum in (
            *((label, own, False) for label, own in zip(labels, figures, strict=True)),
            (sheet.word("report_total"), totals, True),
        )
    ]
    _tabled(sheet, "report_compared", columns, rows, sheet.taxed_word("report_compared_note"))


def _pair(sheet: ReportSheet, before: int, now: int) -> list[str]:
    """Two figures, and the change from one to the other in per cent."""
    change = DASH
    if before > 0:
        percent = (Decimal(100 * (now - before)) / before).quantize(Decimal(1), ROUND_HALF_UP)
        change = f"{'+' if percent > 0 else ''}{sheet.speech.percent(percent)}"
    return [sheet.figure(before), sheet.figure(now), change]


def _recurring(sheet: ReportSheet) -> None:
    """What plans were billed for each month, and what came and went."""
    months = sheet.report.recurring
    most = max((month.net for month in months), default=0)
    bar_left = LEFT + 391
    keys = ("recurring", "new", "lost", "changed")
    columns = [ColumnShare(sheet.word("report_month"), 79)]
    columns += [ColumnShare(sheet.word(f"report_{key}"), 76, right=True) for key in keys]
    rows = []
    for month in months:
        width = (RIGHT - bar_left) * max(month.net, 0) / most if most > 0 else 0
        bar = _bar(bar_left, width, sheet.pale) if width else None
        label = sheet.speech.month(_day(month.month))
        cells = [label, sheet.figure(month.net), *map(sheet.sparse, month[2:])]
        rows.append(RuledRow(cells, draw=bar))
    if rows:
        _tabled(sheet, "report_of_plans", columns, rows, sheet.taxed_word("report_of_plans_note"))


def _quarters(sheet: ReportSheet) -> None:
    """How long clients took to pay, by the quarter in which an invoice was settled."""
    report = sheet.report
    columns = [
        ColumnShare(sheet.word("report_quarter"), 79),
        ColumnShare(sheet.word("report_invoices"), 70, right=True),
        ColumnShare(sheet.word("report_paid"), 100, right=True),
        ColumnShare(sheet.word("report_from_issue"), 110, right=True),
        ColumnShare(sheet.word("report_past_due"), WIDTH - 359, right=True),
    ]

    def cells(label: str, delay: Delay) -> list[str]:
        days = map(sheet.tenth, (delay.from_issue, delay.past_due))
        return [label, str(delay.invoices), sheet.figure(delay.paid), *days]

    rows = [
        RuledRow(
            cells(sheet.word("report_quarter_value", quarter=quarter[-1], year=report.year), delay)
        )
        for quarter, delay in report.quarters.items()
    ]
    if len(rows) > 1:
        rows.append(RuledRow(cells(report.year, report.delay), is_sum=True))
    if report.clients:
        note = sheet.word("report_delay_note") if rows else ""
        _tabled(sheet, "report_delay", columns, rows, note, none="report_delay_none")


def _rates(sheet: ReportSheet) -> None:
    rates = sheet.report.rates
    if not sheet.report.with_vat:
        return
    invoiced, received = ("base", "vat_invoiced"), ("base_received", "vat_received")
    keys = [f"report_{key}" for key in (*invoiced, *received, "vat_due")]
    columns = [
        ColumnShare(sheet.word("report_nature"), 60),
        ColumnShare(sheet.word("report_rate"), 96),
    ]
    columns += [ColumnShare(sheet.word(key), (WIDTH - 156) / 5, right=True) for key in keys]
    rows = []
    for kind in rates:
        rate = ""
        if kind.category:
            category = sheet.speech.vat_category(kind.category, kind.exemption)
            rate = category or sheet.speech.percent(Decimal(kind.rate))
        figures = map(sheet.figure, kind[4:])
        rows.append(RuledRow([sheet.word(f"report_{kind.nature}"), rate, *figures]))
    if rows:
        rows.append(_sums(sheet, [kind[4:] for kind in rates], [""]))
    _tabled(sheet, "report_rates", columns, rows, sheet.word("report_rates_note"))


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
        colour = sheet.accent if i else sheet.pale
        bar = _bar(bar_left, width, colour) if age.amount else None
        cells = [sheet.word(f"report_age_{i}"), str(age.invoices), sheet.figure(age.amount)]
        rows.append(RuledRow(cells, draw=bar))
    count = str(sum(age.invoices for age in report.ages))
    rows.append(_sums(sheet, [[age.amount] for age in report.ages], [count]))
    sentences = []
    if not most:
        day = sheet.speech.date(report.date)
        sentences.append(sheet.word("report_ages_none", date=day))
    for key, amount in (("overpaid", report.overpaid), ("written_off", report.written_off)):
        if amount:
            sentences.append(sheet.word(f"report_{key}", amount=sheet.money(amount)))
    _section(sheet, "report_ages", height_of(columns, rows) + 30 if most else PLAIN.leading)
    if most:
        put_table(sheet, columns, rows)
        sheet.y += 4
    for sentence in sentences:
        lines = typeset.wrap([(sentence, PLAIN)], WIDTH)
        sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, lines)


def _ages_of_clients(sheet: ReportSheet) -> None:
    """What the clients owe by age, those that owe most one by one."""
    clients = sheet.report.ages_of_clients
    width = (WIDTH - 134) / 6
    columns = [ColumnShare(sheet.word("report_client"), 134)]
    columns += [
        ColumnShare(sheet.word(f"report_age_{i}"), width, right=True)
        for i in range(len(sheet.report.ages))
    ]
    columns.append(ColumnShare(sheet.word("report_outstanding"), width, right=True))
    figures = [(*client.ages, client.outstanding) for client in clients]
    rows = [
        RuledRow([client.name, *map(sheet.sparse, own)])
        for client, own in zip(clients[:AGED], figures, strict=False)
    ]
    if others := figures[AGED:]:
        label = sheet.word("report_others", count=sheet.speech.number(Decimal(len(others))))
        sums = [sum(column) for column in zip(*others, strict=True)]
        rows.append(RuledRow([label, *map(sheet.sparse, sums)]))
    if rows:
        rows += [_sums(sheet, figures)] if len(rows) > 1 else []
        _tabled(sheet, "report_ages_of_clients", columns, rows)


def _concentration(sheet: ReportSheet) -> None:
    """What the largest clients have of the year."""
    bar_left = LEFT + 300
    columns = [
        ColumnShare(sheet.word("report_largest"), 130),
        ColumnShare(sheet.taxed_word("report_net"), 92, right=True),
        ColumnShare(sheet.word("report_share"), 66, right=True),
    ]
    rows = []
    for largest in sheet.report.concentration:
        share = sheet.speech.percent(largest.percent, 1)
        width = (RIGHT - bar_left) * int(10 * largest.percent) / 1000
        label = sheet.speech.counted("report_largest_one", "report_largest_many", largest.clients)
        cells = [label, sheet.figure(largest.net), share]
        rows.append(RuledRow(cells, draw=_bar(bar_left, width, sheet.accent)))
    if len(sheet.report.clients) > 1:
        note = sheet.taxed_word("report_concentration_note")
        _tabled(sheet, "report_concentration", columns, rows, note)


def _bar(x: float, width: float, colour: Colour) -> Draw:
    def draw(page: Page, top: float, height: float) -> None:
        page.append(Box(x, top + 2.6, width, height - 5.2, colour))

    return draw


def _clients(sheet: ReportSheet) -> None:
    clients = sheet.report.clients
    columns = [
        ColumnShare(sheet.word("report_client"), 124),
        ColumnShare(sheet.word("report_id"), 96, style=QUIET, is_identifier=True),
        ColumnShare(sheet.word("report_documents"), 40, right=True),
        ColumnShare(sheet.taxed_word("report_invoiced"), 66, right=True),
        ColumnShare(sheet.word("report_received"), 66, right=True),
        ColumnShare(sheet.word("report_outstanding"), 66, right=True),
        ColumnShare(sheet.word("report_client_days"), WIDTH - 458, right=True),
    ]
    rows = []
    for client in clients:
        count = str(client.documents)
        figures = map(sheet.figure, client[3:6])
        days = sheet.tenth(client.days)
        rows.append(RuledRow([client.name, client.id, count, *figures, days]))
    if rows:
        count = str(sum(client.documents for client in clients))
        sums = _sums(sheet, [client[3:6] for client in clients], ["", count])
        rows.append(sums._replace(cells=[*sums.cells, ""]))
    _tabled(sheet, "report_clients", columns, rows, sheet.word("report_clients_note"))


def _ranges(sheet: ReportSheet, key: str, ranges: Iterable[Range]) -> None:
    columns = [
        ColumnShare(sheet.word("report_first"), 116, is_identifier=True),
        ColumnShare(sheet.word("report_last"), 116, is_identifier=True),
        ColumnShare(sheet.word("report_dates"), 132, style=QUIET),
        ColumnShare(sheet.word("report_invoices"), 60, right=True),
        ColumnShare(sheet.word("report_credit_notes"), WIDTH - 424, right=True),
    ]
    rows = []
    for numbers in ranges:
        dates = sheet.speech.period(
            date.fromisoformat(numbers.first_date), date.fromisoformat(numbers.last_date)
        )
        counts = map(str, (numbers.invoices, numbers.credit_notes))
        rows.append(RuledRow([numbers.first, numbers.last, dates, *counts]))
    _tabled(sheet, key, columns, rows)


def _heads(sheet: ReportSheet) -> None:
    columns = [
        ColumnShare(sheet.word("report_file"), 190, is_identifier=True),
        ColumnShare(sheet.word("report_lines"), 44, right=True),
        ColumnShare(sheet.word("report_hash"), WIDTH - 234, style=HASH),
    ]
    rows = [RuledRow([head.file, str(head.seq), head.hash]) for head in sheet.report.heads]
    _tabled(sheet, "report_heads", columns, rows, sheet.word("report_heads_note"))


# --- tables --------------------------------------------------------------------------


def _tabled(
    sheet: ReportSheet,
    key: str,
    columns: Sequence[ColumnShare],
    rows: Sequence[RuledRow],
    note: str = "",
    none: str = "report_none",
) -> None:
    """A section that is one table, or says that there is nothing in it."""
    height = height_of(columns, rows) if rows else PLAIN.leading
    if height > WHOLE:
        height = height_of(columns, rows[:3])
    _section(sheet, key, height, note)
    if rows:
        put_table(sheet, columns, rows)
    else:
        sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, [(sheet.word(none), PLAIN)])


# --- the chart -----------------------------------------------------------------------


def _chart(sheet: ReportSheet, months: Sequence[Month]) -> None:
    """Two bars a month, invoiced and received, on an axis in whole euros."""
    page = sheet.page
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
        style = fitting(label, AXIS, left - 6 - LEFT)
        typeset.put_right(page, left - 6, y - AXIS.leading / 2, label, style)
    pitch = (RIGHT - left) / len(months)
    bar = pitch * 0.34
    for i, (month, pair) in enumerate(zip(months, pairs, strict=True)):
        x = left + i * pitch + (pitch - 2 * bar) / 2
        for amount, colour in zip(pair, (sheet.accent, sheet.pale), strict=True):
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
    invoiced, received = sheet.taxed_word("report_invoiced"), sheet.word("report_received")
    for text, colour in ((invoiced, sheet.accent), (received, sheet.pale)):
        sheet.page.append(Box(x, top, 7, 7, colour))
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
