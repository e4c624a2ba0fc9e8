"""The page onto PDF/A-3B: the only module that knows fpdf2.

A page is a list of marks: text on a baseline, filled boxes, modules, pictures. They are
written as content operators directly, and each document embeds just the outlines that it
draws, cut from fonts that are read once a process; a stock fpdf2 parses, subsets and
compresses its fonts anew for each document, which is nine tenths of its time.

What is used of fpdf2 beyond its manual: `_out`, `_resource_catalog`, its colour profile, and
`_add_fonts`, `_add_pdf_obj` and `PDFObject` of its OutputProducer. fpdf2 is pinned, and a test
compares the pixels with stock `text()`.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from lib import fonts

if TYPE_CHECKING:
    import fpdf
    from fpdf.output import OutputProducer, PDFICCProfile

Colour = tuple[int, int, int]


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


class Attachment(NamedTuple):
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
    attachment: Attachment | None = None,
) -> bytes:
    """A PDF/A-3B of A4 pages, lengths in points; the same arguments give the same bytes.

    Args:
      moment: when the file says it was made.
      xmp: the metadata, an <x:xmpmeta> element.

    Raises:
      ValueError: if a character has no glyph, or a picture is none.
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
    slices = {face: _Slice(face, number) for number, face in enumerate(fonts.FACES, 1)}
    for page in pages:
        pdf.add_page()
        _paint(pdf, page, slices)
    used = [one for one in slices.values() if one.codes]
    producer: Any = partial(_producer(), used)
    return bytes(pdf.output(output_producer_class=producer))


@cache
def _srgb() -> "PDFICCProfile":
    """The colour profile that fpdf2 would read and compress anew for each PDF/A file."""
    from fpdf.output import PDFICCProfile
    from fpdf.util import builtin_srgb2014_bytes

    return PDFICCProfile(builtin_srgb2014_bytes(), n=3, alternate="DeviceRGB")


# --- marks to operators --------------------------------------------------------------


def _paint(pdf: "fpdf.FPDF", page: Page, slices: dict[str, "_Slice"]) -> None:
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
    path = [
        f"{run.start()} {i} {run.end() - run.start()} 1 re"
        for i, row in enumerate(modules.rows)
        for run in _DARK.finditer(row)
    ]
    place = f"{scale:.5f} 0 0 {-scale:.5f} {modules.x:.2f} {height - modules.y:.2f} cm"
    return "\n".join(["q", place, *path, "f", "Q"])


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


# --- fonts: outlines of a face, and a document's share of them -----------------------


class _Face(NamedTuple):
    """A face as it was read once: an outline and an advance width for each character."""

    name: str
    outlines: dict[str, bytes]
    advances: dict[str, int]
    bearings: dict[str, int]
    notdef: bytes
    notdef_advance: int
    head: bytes
    hhea: bytes
    maxp: bytes
    descriptor: str  # what its descriptor says in each document


@cache
def _face(face: str) -> _Face:
    from fontTools.ttLib import TTFont

    with TTFont(fonts.path(face), lazy=True) as font:
        assert font["head"].unitsPerEm == 1000, "widths are taken as thousandths"
        data, places = font.reader["glyf"], font["loca"].locations
        order = {name: i for i, name in enumerate(font.getGlyphOrder())}
        named = font.getBestCmap()
        head, hhea, weight = font["head"], font["hhea"], font["OS/2"].usWeightClass

        def outline(name: str) -> bytes:
            return _padded(bytes(data[places[order[name]] : places[order[name] + 1]]))

        metrics = font["hmtx"].metrics
        return _Face(
            name=face,
            outlines={chr(code): outline(name) for code, name in named.items()},
            advances={chr(code): metrics[name][0] for code, name in named.items()},
            bearings={chr(code): metrics[name][1] for code, name in named.items()},
            notdef=outline(".notdef"),
            notdef_advance=metrics[".notdef"][0],
            head=bytes(font.reader["head"]),
            hhea=bytes(font.reader["hhea"]),
            maxp=bytes(font.reader["maxp"]),
            # Flags 4, symbolic: its codes are its own.
            descriptor=(
                f"/Flags 4 /FontBBox [{head.xMin} {head.yMin} {head.xMax} {head.yMax}]"
                f" /Ascent {hhea.ascent} /Descent {hhea.descent}"
                f" /CapHeight {font['OS/2'].sCapHeight} /ItalicAngle 0"
                f" /StemV {50 + (weight // 65) ** 2} /MissingWidth {metrics['.notdef'][0]}"
            ),
        )


class _Slice:
    """What one document uses of a face: its characters in order of use, coded 1, 2, ..."""

    def __init__(self, face: str, number: int) -> None:
        self.face = _face(face)
        self.number = number
        self.codes: dict[str, str] = {}

    def encode(self, text: str) -> str:
        """The codes of a text in hexadecimal, two bytes each.

        Raises:
          ValueError: if a character has no glyph.
        """
        codes = self.codes
        try:
            return "".join([codes[char] for char in text])
        except KeyError:
            for char in text:
                if char not in self.face.outlines:
                    raise ValueError(f"no glyph for U+{ord(char):04X} in {text!r}") from None
                if char not in codes:
                    codes[char] = f"{len(codes) + 1:04x}"
            return "".join([codes[char] for char in text])

    def font_file(self) -> bytes:
        """A TrueType file with just these glyphs, each one's index its code."""
        face = self.face
        outlines = [face.notdef, *(face.outlines[char] for char in self.codes)]
        count = len(outlines)
        places = [0]
        for outline in outlines:
            places.append(places[-1] + len(outline))
        metrics = [(face.notdef_advance, 0)]
        metrics += [(face.advances[char], face.bearings[char]) for char in self.codes]
        flat = [number for pair in metrics for number in pair]
        # head: long offsets in loca (indexToLocFormat), no checksum of the whole.
        head = face.head[:8] + bytes(4) + face.head[12:50] + struct.pack(">hh", 1, 0)
        return _sfnt(
            {
                b"glyf": b"".join(outlines),
                b"head": head,
                b"hhea": face.hhea[:34] + struct.pack(">H", count),
                b"hmtx": struct.pack(">" + "Hh" * count, *flat),
                b"loca": struct.pack(f">{count + 1}I", *places),
                b"maxp": face.maxp[:4] + struct.pack(">H", count) + face.maxp[6:],
            }
        )

    def widths(self) -> str:
        """The /W array: from code 1 on."""
        advances = " ".join(str(self.face.advances[char]) for char in self.codes)
        return f"[1 [{advances}]]"

    def to_unicode(self) -> bytes:
        """The CMap that gives the text back to who copies or searches it."""
        pairs = [f"<{code}> <{ord(char):04X}>" for char, code in self.codes.items()]
        blocks = [pairs[i : i + 100] for i in range(0, len(pairs), 100)]
        mapped = "\n".join(
            f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks
        )
        return _CMAP.format(mapped=mapped).encode("ascii")


_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{mapped}
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _sfnt(tables: dict[bytes, bytes]) -> bytes:
    """A TrueType file of these tables, which are given in order of their tags."""
    count = len(tables)
    power = count.bit_length() - 1
    header = struct.pack(">IHHHH", 0x10000, count, 16 << power, power, 16 * count - (16 << power))
    place = len(header) + 16 * count
    entries, contents = [], []
    for tag, data in tables.items():
        padded = _padded(data)
        checksum = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        entries.append(struct.pack(">4sIII", tag, checksum, place, len(data)))
        contents.append(padded)
        place += len(padded)
    return b"".join([header, *entries, *contents])


@cache
def _producer() -> Callable[[Iterable[_Slice], "fpdf.FPDF"], "OutputProducer"]:
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
        def __init__(self, used: Iterable[_Slice], pdf: "fpdf.FPDF") -> None:
            super().__init__(pdf)
            self.used = used

        def _add_fonts(self, *_: Any) -> Any:
            return {piece.number: self._add_slice(piece) for piece in self.used}

        def _add(self, entries: str, stream: bytes | None = None) -> Prepared:
            if stream is not None:
                stream = zlib.compress(stream)
                entries = f"{entries} /Filter /FlateDecode /Length {len(stream)}"
            added = Prepared(entries, stream)
            self._add_pdf_obj(added)
            return added

        def _add_slice(self, piece: _Slice) -> Prepared:
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
