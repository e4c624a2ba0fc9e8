"""The page onto PDF/A-3A and PDF/UA-1, by fpdf2.

A page is a list of marks: text on a baseline, filled boxes, modules, pictures; tags between them
say what they are (see documents/structure). They are written as content operators directly, and
fonts as documents/font_slices cuts them: a stock fpdf2 parses, subsets and compresses its fonts
again for each document, which is nine tenths of its time.

What is used here of fpdf2 beyond its manual: `_out` and `_resource_catalog`. It is pinned, and a
test compares the pixels with stock `text()`. Only this module and documents/pdf_file know it.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lib.documents import fonts, structure
from lib.documents.font_slices import Slice
from lib.documents.structure import Element, Tag, Tree
from lib.inputs.colours import Colour as Colour

if TYPE_CHECKING:
    import fpdf


class Text(NamedTuple):
    """A run of text: `x` is where it begins, `y` its baseline; `angle` in degrees, rising."""

    x: float
    y: float
    text: str
    face: str
    size: float
    colour: Colour


class Box(NamedTuple):
    """A filled rectangle: a rule, a ground."""

    x: float
    y: float
    width: float
    height: float
    colour: Colour


class Modules(NamedTuple):
    """A square of modules (a QR code), `size` wide and high: row by row, 1 is filled."""

    x: float
    y: float
    size: float
    rows: tuple[bytes, ...]
    colour: Colour


class Picture(NamedTuple):
    """The logo, a PNG or JPEG file as it came."""

    x: float
    y: float
    width: float
    height: float
    data: bytes


class Stamp(NamedTuple):
    """A word across the page: centred on (x, y) and turned by 50 degrees."""

    x: float
    y: float
    text: str
    face: str
    size: float
    colour: Colour


Mark = Text | Box | Modules | Picture | Stamp | Tag
Page = list[Mark]


class EmbeddedFile(NamedTuple):
    """An associated file (PDF/A-3), an alternative of what the pages say."""

    name: str
    data: bytes
    mime_type: str
    description: str


def write(
    pages: Iterable[Page],
    *,
    moment: datetime,
    language: str,
    xmp: str,
    attachment: EmbeddedFile | None = None,
) -> bytes:
    """A tagged PDF/A-3A of A4 pages, lengths in points; the same arguments give the same bytes.

    Args:
      moment: when the file says it was made.
      xmp: the metadata, an <x:xmpmeta> element.

    Raises:
      ValueError: if a character has no glyph, a picture is not an image, or text stands where
        no text may.
    """
    from lib.documents import pdf_file

    pdf = pdf_file.begin(moment, language, xmp)
    slices = {face: Slice(face, number) for number, face in enumerate(fonts.FACES, 1)}
    tree = Tree()
    for page in pages:
        pdf.add_page()
        tree.turn()
        _paint(pdf, page, slices, tree)
    pieces = [piece for piece in slices.values() if piece.codes]
    return bytes(pdf_file.Producer(pieces, tree, attachment, pdf).bufferize())


def get_ready() -> None:
    """Imports fpdf2 and reads what every file shares, before the first one is written."""
    from lib.documents import pdf_file

    pdf_file.srgb()
    for number, face in enumerate(fonts.FACES, 1):
        Slice(face, number)


# --- marks to operators --------------------------------------------------------------


def _paint(pdf: "fpdf.FPDF", page: Page, slices: dict[str, Slice], tree: Tree) -> None:
    from fpdf.enums import PDFResourceType

    height = pdf.h_pt
    operators = ["q"]
    filled: Colour | None = None
    font: tuple[str, float] | None = None
    faces: set[str] = set()
    owner: Element | None = None  # of the marked content that is open
    is_bounded = False
    line, face, above = 0, "", ""  # where the last text in it stands, in which face, and what
    for mark in page:
        if isinstance(mark, Tag):
            tree.take(mark)
            continue
        is_text = isinstance(mark, Text)
        its_owner = tree.owner_of_text() if is_text else tree.owner_of_drawing()
        if its_owner is not owner:
            if owner:
                operators.append("EMC")
            operators.append(tree.begin(its_owner))
            owner, line, is_bounded = its_owner, 0, its_owner.is_bounded
        if is_bounded:
            its_owner.include(_bounds(mark, height))
        if isinstance(mark, Picture):
            operators.append(_placed(pdf, mark, height))
            continue
        if mark.colour != filled:
            operators.append(f"{_of(mark.colour)} rg")
            filled = mark.colour
        if isinstance(mark, Box):
            bottom = height - mark.y - mark.height
            operators.append(f"{mark.x:.2f} {bottom:.2f} {mark.width:.2f} {mark.height:.2f} re f")
            continue
        if isinstance(mark, Modules):
            operators.append(_filled(mark, height))
            continue
        if is_text and line and not _PARTED.search(above):
            # The next line of a text: who reads it on needs a space between two words.
            space = slices[face].encode(" ")
            operators[line] = operators[line].replace(">", f"{space}>")
        if (mark.face, mark.size) != font:
            piece = slices[mark.face]
            if mark.face not in faces:
                pdf._resource_catalog.add(PDFResourceType.FONT, piece.number, pdf.page)
                faces.add(mark.face)
            operators.append(f"/F{piece.number} {mark.size:.2f} Tf")
            font = (mark.face, mark.size)
        codes = slices[mark.face].encode(mark.text)
        if isinstance(mark, Stamp):
            operators.append(f"BT {_turned(mark, height)} Tm <{codes}> Tj ET")
            continue
        line, face, above = len(operators), mark.face, mark.text
        operators.append(f"BT {mark.x:.2f} {height - mark.y:.2f} Td <{codes}> Tj ET")
    if owner:
        operators.append("EMC")
    pdf._out("\n".join([*operators, "Q"]))


def _placed(pdf: "fpdf.FPDF", picture: Picture, height: float) -> str:
    from fpdf.enums import PDFResourceType
    from fpdf.image_parsing import preload_image

    image: Any
    _, _, image = preload_image(pdf.image_cache, picture.data)
    pdf._resource_catalog.add(PDFResourceType.X_OBJECT, image["i"], pdf.page)
    bottom = height - picture.y - picture.height
    size = f"{picture.width:.2f} 0 0 {picture.height:.2f}"
    return f"q {size} {picture.x:.2f} {bottom:.2f} cm /I{image['i']} Do Q"


def _bounds(mark: Text | Box | Modules | Picture | Stamp, height: float) -> structure.Bounds:
    """Where a mark is on its page, from the bottom left corner."""
    if isinstance(mark, (Text, Stamp)):
        width = fonts.width(mark.text, mark.face, mark.size)
        bottom = height - mark.y
        return mark.x, bottom - mark.size * 0.3, mark.x + width, bottom + mark.size
    if isinstance(mark, Modules):
        across = down = mark.size
    else:
        across, down = mark.width, mark.height
    top = height - mark.y
    return mark.x, top - down, mark.x + across, top


_PARTED = re.compile(r"\S[-_/@]$")  # a name that goes on on the next line
_DARK = re.compile(rb"\x01+")


def _filled(modules: Modules, height: float) -> str:
    """One path, filled once: no reader shows a white line between two rows of it."""
    scale = modules.size / len(modules.rows)
    begins, ends = _runs(len(modules.rows))
    runs = map(re.Match.span, _DARK.finditer(b"\0".join(modules.rows)))
    path = [begins[start] + ends[end - start] for start, end in runs]
    place = f"{scale:.5f} 0 0 {-scale:.5f} {modules.x:.2f} {height - modules.y:.2f} cm"
    return "\n".join(["q", place, *path, "f", "Q"])


@cache
def _runs(size: int) -> tuple[list[str], list[str]]:
    """How a run is written: for each place where it may begin, for each length that it may have.

    Places count from row to row, each with one module more that keeps it apart from the next.
    """
    begins = [f"{x} {y} " for y in range(size) for x in range(size + 1)]
    return begins, [f"{length} 1 re" for length in range(size + 1)]


@cache
def _of(colour: Colour) -> str:
    return " ".join(f"{part / 255:.3f}".rstrip("0").rstrip(".") for part in colour)


def _turned(stamp: Stamp, height: float) -> str:
    """The text matrix of a stamp: cos and sin of 50 degrees, its middle on (x, y)."""
    cosine, sine = 0.642788, 0.766044
    half = fonts.width(stamp.text, stamp.face, stamp.size) / 2
    down = 0.35 * stamp.size
    x = stamp.x - half * cosine + down * sine
    y = height - stamp.y - half * sine - down * cosine
    return f"{cosine} {sine} {-sine} {cosine} {x:.2f} {y:.2f}"
