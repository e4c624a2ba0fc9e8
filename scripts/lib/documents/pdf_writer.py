"""The page onto PDF/A-3B: the only module that knows fpdf2.

A page is a list of marks: text on a baseline, filled boxes, modules, pictures. They are
written as content operators directly, and fonts as documents/font_slices cuts them: a stock fpdf2
parses, subsets and compresses its fonts again for each document, which is nine tenths of its time.

What is used of fpdf2 beyond its manual: `_out`, `_resource_catalog`, its colour profile, and
`_add_fonts`, `_add_pdf_obj` and `PDFObject` of its OutputProducer. fpdf2 is pinned, and a test
compares the pixels with stock `text()`.
"""

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from lib.documents import fonts
from lib.documents.font_slices import Slice
from lib.inputs.colours import Colour as Colour

if TYPE_CHECKING:
    import fpdf
    from fpdf.output import OutputProducer, PDFICCProfile


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


Mark = Text | Box | Modules | Picture | Stamp
Page = list[Mark]


class EmbeddedFile(NamedTuple):
    """An associated file (PDF/A-3), an alternative of what the pages say."""

    name: str
    data: bytes
    mime_type: str
    description: str


def write(
    pages: Sequence[Page],
    *,
    moment: datetime,
    language: str,
    xmp: str,
    attachment: EmbeddedFile | None = None,
) -> bytes:
    """A PDF/A-3B of A4 pages, lengths in points; the same arguments give the same bytes.

    Args:
      moment: when the file says it was made.
      xmp: the metadata, an <x:xmpmeta> element.

    Raises:
      ValueError: if a character has no glyph, or a picture is not an image.
    """
    import fpdf
    from fpdf.enums import AssociatedFileRelationship, OutputIntentSubType

    pdf = fpdf.FPDF(unit="pt", format="A4", enforce_compliance="PDF/A-3B")
    pdf.set_auto_page_break(False)
    pdf.alias_nb_pages(None)  # type: ignore[arg-type]  # a client may be named {nb}
    pdf.set_creation_date(moment)
    pdf.set_lang(language)
    pdf.set_xmp_metadata(xmp)
    pdf.add_output_intent(
        OutputIntentSubType.PDFA,
        output_condition_identifier="sRGB",
        output_condition="IEC 61966-2-1:1999",
        registry_name="http://www.color.org",
        dest_output_profile=copy(_srgb()),
        info="sRGB2014 (v2)",
    )
    if attachment:
        pdf.embed_file(
            bytes=attachment.data,
            basename=attachment.name,
            desc=attachment.description,
            mime_type=attachment.mime_type,
            modification_date=moment,
            associated_file_relationship=AssociatedFileRelationship.ALTERNATIVE.value,
            compress=True,
        )
    slices = {face: Slice(face, number) for number, face in enumerate(fonts.FACES, 1)}
    for page in pages:
        pdf.add_page()
        _paint(pdf, page, slices)
    pieces = [piece for piece in slices.values() if piece.codes]
    producer: Any = partial(_producer(), pieces)
    return bytes(pdf.output(output_producer_class=producer))


def get_ready() -> None:
    """Imports fpdf2 and reads what every file shares, before the first one is written."""
    _srgb()
    _producer()
    for number, face in enumerate(fonts.FACES, 1):
        Slice(face, number)


@cache
def _srgb() -> "PDFICCProfile":
    """The colour profile that fpdf2 would read and compress again for each PDF/A file."""
    from fpdf.output import PDFICCProfile
    from fpdf.util import builtin_srgb2014_bytes

    return PDFICCProfile(builtin_srgb2014_bytes(), n=3, alternate="DeviceRGB")


# --- marks to operators --------------------------------------------------------------


def _paint(pdf: "fpdf.FPDF", page: Page, slices: dict[str, Slice]) -> None:
    from fpdf.enums import PDFResourceType

    height = pdf.h_pt
    operators: list[str] = []
    filled: Colour | None = None
    font: tuple[str, float] | None = None
    faces: set[str] = set()
    for mark in page:
        if isinstance(mark, Picture):
            operators = _flushed(pdf, operators)
            pdf.image(mark.data, mark.x, mark.y, mark.width, mark.height)
            filled, font = None, None
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
        else:
            operators.append(f"BT {mark.x:.2f} {height - mark.y:.2f} Td <{codes}> Tj ET")
    _flushed(pdf, operators)


def _flushed(pdf: "fpdf.FPDF", operators: list[str]) -> list[str]:
    if operators:
        # What fpdf2 writes after a picture must not find our font or colour set.
        pdf._out("q\n" + "\n".join(operators) + "\nQ")
    return []


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


# --- the file ------------------------------------------------------------------------


@cache
def _producer() -> Callable[[Iterable[Slice], "fpdf.FPDF"], "OutputProducer"]:
    """fpdf2's writer, given the fonts of one document."""
    from fpdf.output import OutputProducer
    from fpdf.syntax import PDFObject

    class Prepared(PDFObject):
        """An object whose entries are known; fpdf2 finds its own by looking at attributes."""

        def __init__(self, entries: str, stream: bytes | None = None) -> None:
            super().__init__()
            self._entries = entries
            self._stream = stream

        def serialize(self, *_: Any, **__: Any) -> str:
            stream = ""
            if self._stream is not None:
                stream = f"stream\n{self._stream.decode('latin-1')}\nendstream\n"
            return f"{self.id} 0 obj\n<<{self._entries}>>\n{stream}endobj"

    class Producer(OutputProducer):
        def __init__(self, pieces: Iterable[Slice], pdf: "fpdf.FPDF") -> None:
            super().__init__(pdf)
            self.pieces = pieces

        def _add_fonts(self, *_: Any) -> Any:
            return {piece.number: self._add_slice(piece) for piece in self.pieces}

        def _add(self, entries: str, stream: bytes | None = None) -> Prepared:
            if stream is not None:
                stream = zlib.compress(stream)
                entries = f"{entries} /Filter /FlateDecode /Length {len(stream)}"
            added = Prepared(entries, stream)
            self._add_pdf_obj(added)
            return added

        def _add_slice(self, piece: Slice) -> Prepared:
            name = f"/AAAAA{'ABCDEFGH'[piece.number]}+{piece.face.name}"
            font_file = piece.font_file()
            outlines = self._add(f"/Length1 {len(font_file)}", font_file)
            descriptor = self._add(
                f"/Type /FontDescriptor /FontName {name} {piece.face.descriptor}"
                f" /FontFile2 {outlines.ref}"
            )
            # A glyph's index is its code.
            descendant = self._add(
                f"/Type /Font /Subtype /CIDFontType2 /BaseFont {name} /CIDToGIDMap /Identity"
                " /CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>>"
                f" /DW {piece.face.notdef_advance} /W {piece.widths()}"
                f" /FontDescriptor {descriptor.ref}"
            )
            to_unicode = self._add("", piece.to_unicode())
            return self._add(
                f"/Type /Font /Subtype /Type0 /BaseFont {name} /Encoding /Identity-H"
                f" /DescendantFonts [{descendant.ref}] /ToUnicode {to_unicode.ref}"
            )

    return Producer
