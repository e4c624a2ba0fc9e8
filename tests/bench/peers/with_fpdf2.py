"""fpdf2 as its manual shows it: add_font, cell, table, embed_file, PDF/A-3B."""

from io import BytesIO
from pathlib import Path
from typing import Any

import qr
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace
from serve import serve

FONTS = Path(__file__).resolve().parents[3] / "scripts/lib/documents/fonts"
GREY, ACCENT = (91, 100, 112), (31, 95, 139)
NEXT = {"new_x": XPos.LMARGIN, "new_y": YPos.NEXT}


class Invoice(FPDF):
    """A page with a footer."""

    legal = ""

    def footer(self) -> None:
        """The legal line."""
        self.set_y(-18)
        self.set_font("Sans", "", 6.8)
        self.cell(0, 4, self.legal)


def render(content: dict[str, Any]) -> bytes:
    """PDF/A-3B with the XML embedded."""
    pdf = Invoice(enforce_compliance="PDF/A-3B")
    pdf.set_lang("fr")
    pdf.set_title(f"{content['title']} {content['number']}")
    pdf.set_author(content["name"])
    pdf.add_font("Sans", "", FONTS / "InvoiceSans-Regular.ttf")
    pdf.add_font("Sans", "B", FONTS / "InvoiceSans-SemiBold.ttf")
    pdf.legal = f"{content['legal']}  {content['page']}"
    pdf.set_margin(18)
    pdf.add_page()
    pdf.embed_file(
        bytes=content["xml"].encode(),
        basename="factur-x.xml",
        desc="Factur-X",
        mime_type="text/xml",
        associated_file_relationship="Alternative",
        compress=True,
    )

    def said(text: str, size: float = 8.8, *, strong: bool = False, right: bool = False) -> None:
        pdf.set_font("Sans", "B" if strong else "", size)
        pdf.multi_cell(0, size * 0.45, text, align="R" if right else "L", **NEXT)

    def small(text: str) -> None:
        pdf.set_text_color(*GREY)
        said(text, 7.4)
        pdf.set_text_color(0)

    said(content["name"], 17, strong=True)
    pdf.set_text_color(*ACCENT)
    said(content["title"].upper(), 21, strong=True, right=True)
    pdf.set_text_color(0)
    said(content["number"], 10.5, strong=True, right=True)
    pdf.set_font("Sans", "", 8.8)
    with pdf.table(first_row_as_headings=False, borders_layout="HORIZONTAL_LINES") as table:
        for fact in zip(*content["facts"], strict=True):
            table.row(fact)
    pdf.ln(4)
    with pdf.table(first_row_as_headings=False, borders_layout="NONE") as table:
        table.row(["\n".join(party) for party in content["parties"]])
    pdf.ln(4)
    with pdf.table(
        borders_layout="HORIZONTAL_LINES",
        col_widths=(44, 10, 10, 16, 8, 14),
        text_align=("LEFT", "RIGHT", "LEFT", "RIGHT", "RIGHT", "RIGHT"),
        headings_style=FontFace(color=GREY),
    ) as table:
        table.row(content["headings"])
        for row in content["rows"]:
            table.row(row)
    pdf.ln(4)
    pdf.image(BytesIO(qr.svg(content["epc"]).encode()), y=pdf.get_y() + 6, w=31)
    with pdf.table(
        first_row_as_headings=False, borders_layout="NONE", line_height=4, col_widths=(1, 2, 2)
    ) as table:
        ways = "\n".join(f"{label}\n{text}" for label, text in content["ways"])
        totals = "\n".join(f"{label}  {text}" for label, text in content["totals"])
        table.row([content["payment"], ways, totals])
    pdf.set_text_color(*ACCENT)
    said("  ".join(content["due"]), 14, strong=True, right=True)
    pdf.set_text_color(0)
    pdf.ln(6)
    for note in content["notes"]:
        small(note)
    return bytes(pdf.output())


if __name__ == "__main__":
    serve(render)
