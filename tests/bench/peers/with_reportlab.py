"""ReportLab: its platypus, as its user guide shows it. No PDF/A, no attachment."""

from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import qr
from reportlab.graphics.shapes import Drawing, Rect
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import HRFlowable, Paragraph, SimpleDocTemplate, Spacer, Table
from serve import serve

FONTS = Path(__file__).resolve().parents[3] / "scripts/lib/documents/fonts"
GREY, ACCENT, LIGHT = HexColor("#5b6470"), HexColor("#1f5f8b"), HexColor("#d5dae0")
WIDTH = A4[0] - 36 * mm

for name in ("InvoiceSans-Regular", "InvoiceSans-SemiBold"):
    pdfmetrics.registerFont(TTFont(name, str(FONTS / f"{name}.ttf")))


def style(size: float, *, strong: bool = False, colour: Any = None, right: bool = False) -> Any:
    """A style of text."""
    return ParagraphStyle(
        "",
        fontName="InvoiceSans-SemiBold" if strong else "InvoiceSans-Regular",
        fontSize=size,
        leading=size * 1.35,
        alignment=2 if right else 0,
        **({"textColor": colour} if colour else {}),
    )


TEXT, SMALL, STRONG = style(8.8), style(7.4, colour=GREY), style(8.8, strong=True)
NAME, BUYER = style(17, strong=True), style(9.5, strong=True)
TITLE = style(21, strong=True, colour=ACCENT, right=True)
NUMBER = style(10.5, strong=True, right=True)
FIGURE, HEADING = style(8.8, right=True), style(7.4, colour=GREY, right=True)
DUE = style(14, strong=True, colour=ACCENT, right=True)


def said(text: str, how: Any) -> Paragraph:
    """A paragraph."""
    return Paragraph(escape(text), how)


def stacked(first: str, *rest: str) -> list[Paragraph]:
    """A label and what stands beneath it."""
    return [said(first, SMALL), *(said(text, TEXT) for text in rest)]


def party(label: str, name: str, *rest: str) -> list[Paragraph]:
    """The seller or the buyer."""
    return [said(label, SMALL), said(name, BUYER), *(said(text, TEXT) for text in rest)]


def code(content: dict[str, Any]) -> Drawing:
    """The payment code; ReportLab's own widget takes seven times as long as all the rest."""
    rows = qr.modules(content["epc"])
    size = 88 / len(rows)
    drawing = Drawing(88, 88)
    for i, row in enumerate(rows, 1):
        for j, dark in enumerate(row):
            if dark:
                drawing.add(Rect(j * size, 88 - i * size, size, size, strokeColor=None))
    return drawing


def render(content: dict[str, Any]) -> bytes:
    """A PDF."""
    rule = HRFlowable(width="100%", thickness=0.6, color=LIGHT)
    title = [said(content["title"].upper(), TITLE), said(content["number"], NUMBER)]
    headings = content["headings"]
    rows = [[said(headings[0], SMALL), *(said(text, HEADING) for text in headings[1:])]]
    rows += [
        [said(row[0], TEXT), *(said(text, FIGURE) for text in row[1:])] for row in content["rows"]
    ]
    table = Table(rows, colWidths=[WIDTH - 5 * 58, *[58] * 5])
    table.setStyle(
        [("LINEBELOW", (0, 0), (-1, -1), 0.4, LIGHT), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    )
    ways = [said(content["payment"], STRONG)]
    for label, text in content["ways"]:
        ways += stacked(label, text)
    totals = [[said(label, TEXT), said(text, FIGURE)] for label, text in content["totals"]]
    totals.append([said(content["due"][0], STRONG), said(content["due"][1], DUE)])
    facts = [[stacked(*fact) for fact in content["facts"]]]
    story = [
        Table([[said(content["name"], NAME), title]], colWidths=[WIDTH * 0.6, WIDTH * 0.4]),
        rule,
        Table(facts, colWidths=[WIDTH / 3] * 3),
        rule,
        Table([[party(*one) for one in content["parties"]]], colWidths=[WIDTH / 2] * 2),
        Spacer(1, 16),
        table,
        Spacer(1, 12),
        Table(
            [[code(content), ways, Table(totals, colWidths=[110, 90])]],
            colWidths=[98, WIDTH - 304, 206],
        ),
        Spacer(1, 20),
        *(said(note, SMALL) for note in content["notes"]),
    ]

    def footer(canvas: Any, _: Any) -> None:
        canvas.setFont("InvoiceSans-Regular", 6.8)
        canvas.drawString(18 * mm, 12 * mm, content["legal"])
        canvas.drawRightString(A4[0] - 18 * mm, 12 * mm, content["page"])

    stream = BytesIO()
    made = SimpleDocTemplate(
        stream,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=17 * mm,
        bottomMargin=20 * mm,
        title=f"{content['title']} {content['number']}",
        author=content["name"],
    )
    made.build(story, onFirstPage=footer)
    return stream.getvalue()


if __name__ == "__main__":
    serve(render)
