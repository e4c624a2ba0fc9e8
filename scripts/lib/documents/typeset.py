"""Setting text on a page: what every page that is laid out here is made with.

The geometry of an A4 sheet, its colours, styles of text, and the marks that lines and rules
come to (see documents/pdf_writer). Lengths are in points from the top left corner.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import NamedTuple

from lib.documents import fonts
from lib.documents.pdf_writer import Box, Page, Text
from lib.documents.structure import END, LI, Tag
from lib.inputs import colours
from lib.inputs.colours import Colour
from lib.inputs.logos import MM

PAGE_WIDTH = 210 * MM
PAGE_HEIGHT = 297 * MM
LEFT = 18 * MM
RIGHT = PAGE_WIDTH - LEFT
WIDTH = RIGHT - LEFT
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

INK: Colour = (26, 32, 38)
GREY: Colour = (97, 106, 115)
LIGHT: Colour = (217, 221, 225)
ACCENT: Colour = (20, 84, 107)
FAINT: Colour = (236, 239, 241)


@cache
def accent(written: str) -> Colour:
    """The colour of the accents on a seller's pages: its own, as its file has it, or ours."""
    return colours.parsed(written) if written else ACCENT


class Style(NamedTuple):
    """How text is set; `leading` is the height of its line."""

    face: str
    size: float
    colour: Colour
    leading: float


Lines = list[tuple[str, Style]]


def put(page: Page, x: float, top: float, text: str, style: Style) -> None:
    """Sets one line of text whose line box begins at `top`."""
    if text:
        baseline = top + style.leading / 2 + 0.35 * style.size
        page.append(Text(x, baseline, text, style.face, style.size, style.colour))


def put_right(page: Page, right: float, top: float, text: str, style: Style) -> None:
    """Sets one line of text that ends at `right`."""
    put(page, right - fonts.width(text, style.face, style.size), top, text, style)


def rule(page: Page, x: float, y: float, width: float, colour: Colour, weight: float) -> None:
    """A horizontal rule, `weight` high."""
    page.append(Box(x, y, width, weight, colour))


def wrap(items: Iterable[tuple[str, Style]], width: float) -> Lines:
    """Each text in as many lines as it needs; empty texts are left out."""
    return [
        (line, style)
        for text, style in items
        if text
        for line in fonts.wrap(text, style.face, style.size, width)
    ]


def wrap_lines(text: str, style: Style, width: float) -> Lines:
    """A text that has lines of its own, each in as many as it needs; nothing of an empty text."""
    own = text.split("\n") if text else []
    return [
        (line, style) for each in own for line in fonts.wrap(each, style.face, style.size, width)
    ]


def height(lines: Lines) -> float:
    """How high lines are, one below the other."""
    return sum(style.leading for _, style in lines)


def stack(page: Page, x: float, top: float, lines: Lines) -> float:
    """Sets lines one below the other and returns where they end."""
    for text, style in lines:
        put(page, x, top, text, style)
        top += style.leading
    return top


_tag = cache(Tag)


@contextmanager
def inside(page: Page, tag: Tag) -> Iterator[None]:
    """What is set on the page meanwhile stands in an element (see documents/structure)."""
    page.append(tag)
    yield
    page.append(END)


def paragraph(page: Page, x: float, top: float, lines: Lines, kind: str = "P") -> float:
    """Sets lines as one paragraph, or as the kind of element that they are: H1, H2, Lbl, TD, …"""
    if not lines:
        return top
    page.append(_tag(kind))
    top = stack(page, x, top, lines)
    page.append(END)
    return top


def labelled(page: Page, x: float, top: float, label: Lines, value: Lines) -> float:
    """Sets an item of a list (L): its label, and its value beneath."""
    page.append(LI)
    top = paragraph(page, x, top, label, "Lbl")
    top = paragraph(page, x, top, value, "LBody")
    page.append(END)
    return top


def xmp(
    title: str, author: str, subject: str, day: date, tool: str, more: Mapping[str, str]
) -> str:
    """What a PDF/A-3A and PDF/UA-1 file says of itself, dated by `day`; `more` is added as it is.

    Title, author and subject are texts that a page can print (see values/characters).
    """
    from xml.sax.saxutils import escape

    return _xmp_template(tool, tuple(more.items())).format(
        title=escape(title), author=escape(author), subject=escape(subject), day=day.isoformat()
    )


@cache
def _xmp_template(tool: str, more: tuple[tuple[str, str], ...]) -> str:
    """The XMP of factur-x with a place for each text: building its tree each time takes a while."""
    from lxml import etree

    from lib.documents import facturx_xml, pdf_file

    metadata = {
        "pdfa3_flavor": "A",
        "title": "{title}",
        "author": "{author}",
        "subject": "{subject}",
        "producer": pdf_file.PRODUCER,
        "creator_tool": tool,
        "timestamp": "{day}T00:00:00+00:00",
        **dict(more),
    }
    text = str(
        etree.tostring(facturx_xml.library().generate_xmp_object(metadata), encoding="unicode")
    )
    # That it is PDF/UA stands in a schema that PDF/A does not know, and wants described.
    if "</rdf:Bag>" in text:
        text = text.replace("</rdf:Bag>", f"{_PDF_UA_SCHEMA}</rdf:Bag>")
    else:
        bag = f"<rdf:Bag>{_PDF_UA_SCHEMA}</rdf:Bag>"
        schemas = f"<pdfaExtension:schemas>{bag}</pdfaExtension:schemas>"
        text = text.replace("</rdf:RDF>", _described(schemas) + "</rdf:RDF>")
    text = text.replace("</rdf:RDF>", _described("<pdfuaid:part>1</pdfuaid:part>") + "</rdf:RDF>")
    # lxml declares every prefix on the root; veraPDF before 1.28 wants this one here too.
    return text.replace("<rdf:RDF>", f'<rdf:RDF xmlns:rdf="{RDF}" xmlns:pdfuaid="{_PDF_UA}">')


def _described(properties: str) -> str:
    return f'<rdf:Description rdf:about="">{properties}</rdf:Description>'


_PDF_UA = "http://www.aiim.org/pdfua/ns/id/"
_PDF_UA_SCHEMA = (
    '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>'
    f"<pdfaSchema:namespaceURI>{_PDF_UA}</pdfaSchema:namespaceURI>"
    "<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>"
    '<rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name>'
    "<pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    "<pdfaProperty:category>internal</pdfaProperty:category>"
    "<pdfaProperty:description>Part of ISO 14289 that the file conforms to"
    "</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property></rdf:li>"
)
