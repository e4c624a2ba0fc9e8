"""The sheet: pages being filled from top to bottom, and the tables that are set on them.

What invoices, credit notes and reports share of their pages: a slim header on every page but
the first, a footer with the number of the page, columns with their headings, rows of cells.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
from msgspec import Struct

from lib.documents import fonts, typeset
from lib.documents.pdf_writer import Page
from lib.documents.structure import ARTIFACT, COLUMN_HEADING, END, ROW_HEADING, TD, TR, Tag
from lib.documents.typeset import LEFT, LIGHT, RIGHT, WIDTH, Lines, Style
from lib.inputs.logos import MM
from lib.values.speech import Speech

TOP = 17 * MM
TOP_OF_NEXT_PAGES = 26 * MM
_TOGETHER = 3  # lines of a row that are never parted from what follows it


class Sheet(Struct):
    """Pages being filled, and how far down the last one is.

    `name` and `title` stand in the headers, set in `running`; `foot` stands `foot_gap` beneath
    the rule at `foot_top`, beside the number of the page, which is set in `foot_style`. The body
    of a page ends at `bottom`.
    """

    speech: Speech
    name: str
    title: str
    running: Style
    foot: Lines
    foot_style: Style
    foot_top: float
    foot_gap: float
    bottom: float
    pages: list[Page] = msgspec.field(default_factory=lambda: [[]])
    y: float = TOP

    @property
    def page(self) -> Page:
        return self.pages[-1]

    @property
    def room(self) -> float:
        return self.bottom - self.y

    @property
    def room_of_a_page(self) -> float:
        return self.bottom - TOP_OF_NEXT_PAGES

    @contextmanager
    def inside(self, tag: Tag) -> Iterator[None]:
        """What is set meanwhile stands in an element, over as many pages as it needs."""
        self.page.append(tag)
        yield
        self.page.append(END)

    def turn(self) -> None:
        """Begins a next page, with its slim header."""
        page: Page = [ARTIFACT]
        self.pages.append(page)
        style, top = self.running, TOP - 5
        room = WIDTH - fonts.width(self.title, style.face, style.size) - 24
        first, *rest = fonts.wrap(self.name, style.face, style.size, room - 10)
        typeset.put(page, LEFT, top, f"{first}…" if rest else first, style)
        typeset.put_right(page, RIGHT, top, self.title, style)
        typeset.rule(page, LEFT, top + 14, WIDTH, LIGHT, 0.5)
        page.append(END)
        self.y = TOP_OF_NEXT_PAGES

    def finish(self) -> list[Page]:
        """Adds the footers, now that the number of pages is known."""
        top = self.foot_top + self.foot_gap
        for i, page in enumerate(self.pages, 1):
            page.append(ARTIFACT)
            typeset.rule(page, LEFT, self.foot_top, WIDTH, LIGHT, 0.5)
            typeset.stack(page, LEFT, top, self.foot)
            text = self.speech.word("page", page=str(i), pages=str(len(self.pages)))
            typeset.put_right(page, RIGHT, top, text, self.foot_style)
            page.append(END)
        return self.pages


class TableColumn(NamedTuple):
    """Where a column of a table stands; figures are flush right, words flush left."""

    x: float
    width: float
    heading: Lines
    right: bool


def put_cell(page: Page, column: TableColumn, top: float, lines: Lines) -> float:
    """Sets the lines of a cell, the first of them at `top`, and returns where they end."""
    if not column.right:
        return typeset.stack(page, column.x, top, lines)
    for text, style in lines:
        typeset.put_right(page, column.x + column.width, top, text, style)
        top += style.leading
    return top


def put_headings(sheet: Sheet, columns: Sequence[TableColumn], gap: float) -> None:
    """Sets the headings of a table as its first row, flush at their foot, `gap` above the next."""
    page = sheet.page
    heights = [typeset.height(column.heading) for column in columns]
    tallest = max(heights)
    page.append(TR)
    for column, height in zip(columns, heights, strict=True):
        page.append(COLUMN_HEADING)
        put_cell(page, column, sheet.y + (tallest - height), column.heading)
        page.append(END)
    page.append(END)
    sheet.y += tallest + gap


def put_row(
    sheet: Sheet,
    columns: Sequence[TableColumn],
    cells: Sequence[Lines],
    padding: float,
    turn: Callable[[], None],
    kept: float = 0,
    followed: float = 0,
    named: int = 0,
) -> None:
    """Sets the cells of a row, the others beside the first line of the first, which heads it.

    The first cell goes on on a next page, which `turn` begins, where fewer than `kept` points
    would be left beneath a line; its last lines go along with what follows the row, `followed`
    points high, where that has no room beneath them. Only the first `named` lines of the first
    cell, where that is not 0, head the row: a reader who hears with each figure what it is of does
    not hear all that is said beneath, which is read after the figures, as a row of its own.
    """
    text, *others = cells
    sheet.y += padding
    bottom = sheet.y
    beside: Page = []
    sheet.page.extend((TR, ROW_HEADING))
    for k, (line, style) in enumerate(text):
        cut = style.leading + padding + kept > sheet.room
        if k and k == len(text) - _TOGETHER:
            cut = cut or typeset.height(text[k:]) + padding + followed > sheet.room
        if k and k == named:
            sheet.page.extend((END, *beside, END, TR, TD._replace(span=len(columns))))
            beside.clear()
        elif beside and cut:
            sheet.page.extend((END, *beside, ROW_HEADING._replace(again=True)))
            beside.clear()
        if cut:
            turn()
            sheet.y += padding
            bottom = sheet.y
        typeset.put(sheet.page, columns[0].x, sheet.y, line, style)
        if k == 0:
            for column, lines in zip(columns[1:], others, strict=True):
                beside.append(TD)
                bottom = max(bottom, put_cell(beside, column, sheet.y, lines))
                beside.append(END)
        sheet.y += style.leading
    sheet.page.extend((END, *beside, END))
    sheet.y = max(sheet.y, bottom) + padding
