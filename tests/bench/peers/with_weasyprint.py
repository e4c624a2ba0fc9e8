"""WeasyPrint: HTML and CSS, PDF/A-3a with the XML attached; its fonts configured once."""

from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Any

import qr
from serve import serve
from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration

FONTS = Path(__file__).resolve().parents[3] / "scripts/lib/documents/fonts"

_fonts = FontConfiguration()
_style = CSS(
    string=f"""
@font-face {{ font-family: Invoice; src: url("{(FONTS / "InvoiceSans-Regular.ttf").as_uri()}") }}
@font-face {{ font-family: Invoice; font-weight: 600;
  src: url("{(FONTS / "InvoiceSans-SemiBold.ttf").as_uri()}") }}
@page {{ size: A4; margin: 17mm 18mm 20mm;
  @bottom-left {{ content: string(legal); font: 6.8pt Invoice; white-space: nowrap }}
  @bottom-right {{ content: string(page); font: 6.8pt Invoice }} }}
body {{ font: 8.8pt/1.35 Invoice; margin: 0 }}
b {{ font-weight: 600 }}
table {{ width: 100%; border-collapse: collapse; margin-bottom: 12pt }}
td, th {{ vertical-align: top; text-align: left; font-weight: 400; padding: 4pt 6pt 4pt 0 }}
small, th {{ font-size: 7.4pt; color: #5b6470 }}
.rows tr {{ border-bottom: .4pt solid #d5dae0 }}
.facts {{ border-top: .6pt solid #d5dae0; border-bottom: .6pt solid #d5dae0 }}
img {{ float: left; width: 88pt; margin-right: 14pt }}
.figure {{ text-align: right }}
.name {{ font-size: 17pt }}
.title {{ font-size: 21pt; color: #1f5f8b }}
.due {{ font-size: 14pt; color: #1f5f8b }}
.legal {{ string-set: legal content(); height: 0; overflow: hidden }}
.page {{ string-set: page content(); height: 0; overflow: hidden }}
p {{ margin: 0 0 3pt }}
""",
    font_config=_fonts,
)


def render(content: dict[str, Any]) -> bytes:
    """Tagged PDF/A-3A with the XML attached."""
    attached = Attachment(
        string=content["xml"],
        name="factur-x.xml",
        description="Factur-X",
        relationship="Alternative",
    )
    return HTML(string=page(content)).write_pdf(
        stylesheets=[_style],
        font_config=_fonts,
        pdf_variant="pdf/a-3a",
        attachments=[attached],
    )


def page(content: dict[str, Any]) -> str:
    """The page as HTML."""

    def cells(texts: list[str]) -> str:
        rest = "".join(f'<td class="figure">{escape(text)}</td>' for text in texts[1:])
        return f"<tr><td>{escape(texts[0])}</td>{rest}</tr>"

    def stacked(texts: list[str]) -> str:
        return f"<small>{escape(texts[0])}</small><br>" + "<br>".join(map(escape, texts[1:]))

    def table(name: str, rows: str) -> str:
        return f'<table class="{name}">{rows}</table>'

    def row(of: list[list[str]]) -> str:
        return f"<tr>{''.join(f'<td>{stacked(one)}</td>' for one in of)}</tr>"

    code = b64encode(qr.svg(content["epc"]).encode()).decode()
    name, number, due = escape(content["name"]), content["number"], content["due"]
    title = f'<b class="title">{escape(content["title"].upper())}</b><br><b>{number}</b>'
    headings = "".join(f"<th>{escape(text)}</th>" for text in content["headings"])
    ways = "<br>".join(map(stacked, content["ways"]))
    totals = "".join(map(cells, content["totals"]))
    totals += f'<tr><td><b>{due[0]}</b></td><td class="figure due"><b>{due[1]}</b></td></tr>'
    image = f'<img alt="Code QR de virement" src="data:image/svg+xml;base64,{code}">'
    payment = f"<b>{escape(content['payment'])}</b><br>{image}"
    parts = [
        f'<div class="legal">{escape(content["legal"])}</div>',
        f'<div class="page">{escape(content["page"])}</div>',
        table("", f'<tr><td class="name"><b>{name}</b></td><td class="figure">{title}</td></tr>'),
        table("facts", row(content["facts"])),
        table("", row(content["parties"])),
        table("rows", f"<tr>{headings}</tr>" + "".join(map(cells, content["rows"]))),
        table("", f"<tr><td>{payment} {ways}</td><td>{table('', totals)}</td></tr>"),
        *(f"<p><small>{escape(note)}</small></p>" for note in content["notes"]),
    ]
    head = f'<title>{number}</title><meta name="author" content="{name}">'
    return f'<html lang="fr"><head>{head}</head><body>{"".join(parts)}</body></html>'


if __name__ == "__main__":
    serve(render)
