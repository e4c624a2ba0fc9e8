"""Ruled tables: columns that share the width of a page, rows over as many pages as they need."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from lib.documents import fonts, typeset
from lib.documents.fonts import REGULAR, SEMIBOLD
from lib.documents.pdf_writer import Page
from lib.documents.sheet import Sheet, TableColumn, put_headings, put_row
from lib.documents.structure import ARTIFACT, END, Tag
from lib.documents.typeset import FAINT, GREY, INK, LEFT, LIGHT, RIGHT, WIDTH, Lines, Style

ROW_PADDING = 2.6
CELL_GAP = 8.0
HEADING_GAP = 5.0
HEADING = Style(SEMIBOLD, 7.2, GREY, 9.6)
CELL = Style(REGULAR, 8.2, INK, 11)
QUIET = Style(REGULAR, 7.4, GREY, 11)
SUM = Style(SEMIBOLD, 8.2, INK, 11)


class ColumnShare(NamedTuple):
    """What a column has of the width of a table, with the gap after it."""

    heading: str
    width: float
    right: bool = False
    style: Style = CELL
    is_identifier: bool = False  # broken after "_", "-", "/" and "." alone


Draw = Callable[[Page, float, float], None]  # of the row: the page, its top, its height


class RuledRow(NamedTuple):
    """The cells of a row, and what is drawn in it beside them."""

    cells: Sequence[str]
    is_sum: bool = False
    draw: Draw | None = None


def height_of(shares: Sequence[ColumnShare], rows: Iterable[RuledRow]) -> float:
    """How high a table is."""
    heading = max(typeset.height(column.heading) for column in _placed(shares))
    return heading + HEADING_GAP + sum(_row_height(_cells(shares, row)) for row in rows)


def _placed(shares: Sequence[ColumnShare]) -> list[TableColumn]:
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


def _cells(shares: Sequence[ColumnShare], row: RuledRow) -> list[Lines]:
    """The lines of each cell; a figure is never broken over two."""
    cells = []
    for share, text in zip(shares, row.cells, strict=True):
        style = SUM if row.is_sum else share.style
        room = share.width - CELL_GAP
        if share.right:
            cells.append([(text, fitting(text, style, room))])
        elif share.is_identifier:
            cells.append(identifier(text, style, room))
        else:
            cells.append(typeset.wrap([(text, style)], room))
    return cells


def identifier(text: str, style: Style, room: float) -> Lines:
    """An identifier, number or path in as many lines as it needs, each ending with one of its
    parts; a part that is wider than a line is set smaller."""
    lines: list[str] = []
    for part in re.findall(r"[^-_/.]*[-_/.]|[^-_/.]+", text):
        if lines and fonts.width(lines[-1] + part, style.face, style.size) <= room:
            lines[-1] += part
        else:
            lines.append(part)
    return [(line, fitting(line, style, room)) for line in lines]


def fitting(text: str, style: Style, room: float) -> Style:
    """The style, smaller where the text would be wider than its room."""
    width = fonts.width(text, style.face, style.size)
    return style._replace(size=style.size * min(1, room / width)) if width else style


def _row_height(cells: Iterable[Lines]) -> float:
    return max(map(typeset.height, cells)) + 2 * ROW_PADDING


def put_table(sheet: Sheet, shares: Sequence[ColumnShare], rows: Sequence[RuledRow]) -> None:
    """Rows over as many pages as they need, with their headings on each."""
    columns = _placed(shares)
    sheet.page.append(Tag("Table"))
    _headings(sheet, columns)
    for i, row in enumerate(rows):
        cells = _cells(shares, row)
        height = _row_height(cells)
        # The sum stays with the row above it.
        with_it = height if rows[i + 1 : i + 2] and rows[i + 1].is_sum else 0
        if height + with_it > sheet.room:
            with sheet.inside(ARTIFACT):
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
    sheet.page.append(END)


def _headings(sheet: Sheet, columns: Sequence[TableColumn]) -> None:
    put_headings(sheet, columns, HEADING_GAP)
    typeset.rule(sheet.page, LEFT, sheet.y - 0.6, WIDTH, LIGHT, 0.6)
