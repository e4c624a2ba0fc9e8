"""The page onto PDF/A-3A and PDF/UA-1: the only module that knows fpdf2.

A page is a list of marks: text on a baseline, filled boxes, modules, pictures; tags between them
say what they are (see documents/structure). They are written as content operators directly, and
fonts as documents/font_slices cuts them: a stock fpdf2 parses, subsets and compresses its fonts
again for each document, which is nine tenths of its time. What is no stream goes into one that
holds them all, compressed: a page has a hundred elements.

What is used of fpdf2 beyond its manual: `_out`, `_resource_catalog`, its colour profile, the
attributes of its pages, and `_add_fonts`, `_add_structure_tree`, `_add_pdf_obj`, `_out` and
`PDFObject` of its OutputProducer. fpdf2 is pinned, and a test compares the pixels with stock
`text()`.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from lib.documents import fonts, structure
from lib.documents.font_slices import Slice
from lib.documents.structure import Element, Tag, Tree
from lib.inputs.colours import Colour as Colour

if TYPE_CHECKING:
    import fpdf
    from fpdf.output import OutputProducer


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
    pages: Sequence[Page],
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
    import fpdf

    pdf = fpdf.FPDF(unit="pt", format="A4", enforce_compliance="PDF/A-3B")
    pdf.viewer_preferences = fpdf.ViewerPreferences(display_doc_title=True)
    pdf.set_auto_page_break(False)
    pdf.set_creation_date(moment)
    pdf.set_lang(language)
    pdf.set_xmp_metadata(xmp)
    slices = {face: Slice(face, number) for number, face in enumerate(fonts.FACES, 1)}
    tree = Tree()
    for page in pages:
        pdf.add_page()
        tree.turn()
        _paint(pdf, page, slices, tree)
    pieces = [piece for piece in slices.values() if piece.codes]
    return bytes(_producer()(pieces, tree, attachment, pdf).bufferize())


def get_ready() -> None:
    """Imports fpdf2 and reads what every file shares, before the first one is written."""
    _srgb()
    _producer()
    for number, face in enumerate(fonts.FACES, 1):
        Slice(face, number)


@cache
def _srgb() -> bytes:
    """The colour profile that fpdf2 would read and compress again for each PDF/A file."""
    from fpdf.util import builtin_srgb2014_bytes

    return zlib.compress(builtin_srgb2014_bytes())


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


# --- the file ------------------------------------------------------------------------

_LEVEL = 4  # of compression: half the time of level 6, and 3 % more bytes


@cache
def _producer() -> Callable[
    [Iterable[Slice], Tree, EmbeddedFile | None, "fpdf.FPDF"], "OutputProducer"
]:
    """fpdf2's writer, given the fonts, the structure and the file that are a document's own."""
    from fpdf.output import OutputProducer
    from fpdf.syntax import Name, PDFArray, PDFObject, PDFString

    class Prepared(PDFObject):
        """An object whose entries are known; fpdf2 finds its own by looking at attributes."""

        dest = a = None  # where fpdf2 looks for what an annotation leads to

        def __init__(self, entries: str, stream: bytes | None = None) -> None:
            super().__init__()
            self._entries = entries
            self._stream = stream

        def serialize(self, *_: Any, **__: Any) -> str:
            stream = ""
            if self._stream is not None:
                self._entries += f" /Length {len(self._stream)}"
                stream = f"stream\n{self._stream.decode('latin-1')}\nendstream\n"
            return f"{self.id} 0 obj\n<<{self._entries}>>\n{stream}endobj"

    class Producer(OutputProducer):
        def __init__(
            self,
            pieces: Iterable[Slice],
            tree: Tree,
            attachment: EmbeddedFile | None,
            pdf: "fpdf.FPDF",
        ) -> None:
            super().__init__(pdf)
            self.attachment = attachment
            self.pieces = pieces
            self.tree = tree
            self.packed: list[tuple[int, str]] = []  # numbers and objects that are no streams

        def _add(self, entries: str, stream: bytes | None = None) -> Prepared:
            if stream is not None:
                entries = f"{entries} /Filter /FlateDecode"
                stream = zlib.compress(stream, _LEVEL)
            return self._add_as_it_is(entries, stream)

        def _add_as_it_is(self, entries: str, stream: bytes | None) -> Prepared:
            added = Prepared(entries, stream)
            self._add_pdf_obj(added)
            return added

        def _add_output_intents(self) -> Any:
            profile = self._add_as_it_is("/N 3 /Alternate /DeviceRGB /Filter /FlateDecode", _srgb())
            return (
                "[<</Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB)"
                " /OutputCondition (IEC 61966-2-1:1999) /RegistryName (http://www.color.org)"
                f" /Info (sRGB2014 v2) /DestOutputProfile {profile.ref}>>]"
            )

        def _add_xmp_metadata(self) -> Any:
            begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            xmp = f'{begin}\n{self.fpdf.xmp_metadata}\n<?xpacket end="w"?>\n'
            return self._add_as_it_is("/Type /Metadata /Subtype /XML", xmp.encode())

        def _add_pages(self, *_: Any) -> Any:
            pages: list[Any] = list(self._iter_pages_in_order())
            for page in pages:
                self._add_pdf_obj(page)
                page.group = "<</Type /Group /S /Transparency /CS /DeviceRGB>>"
                page.contents = self._add("", bytes(page.contents))
            return pages

        def _add_optional_content_groups(self, catalog: Any) -> None:
            """No layers: the embedded file, which is the next that fpdf2 writes."""
            if self.attachment is None:
                return
            name, data, mime_type, description = self.attachment
            moment = f"{self.fpdf.creation_date:%Y%m%d%H%M%S}"
            stream = self._add(
                f"/Type /EmbeddedFile /Subtype {Name(mime_type).serialize()}"
                f" /Params <</Size {len(data)} /ModDate (D:{moment}Z)>>",
                data,
            )
            name, description = (PDFString(text).serialize() for text in (name, description))
            specification = self._add(
                f"/Type /Filespec /F {name} /UF {name} /Desc {description}"
                f" /AFRelationship /Alternative /EF <</F {stream.ref} /UF {stream.ref}>>"
            )
            catalog.a_f = f"[{specification.ref}]"
            catalog.names = f"<</EmbeddedFiles <</Names [{name} {specification.ref}]>>>>"

        def _add_resources_dict(self, fonts: Any, images: Any, *_: Any) -> Any:
            entries = [
                f"/{kind} <<{' '.join(f'/{letter}{i} {its[i].ref}' for i in sorted(its))}>>"
                for kind, letter, its in (("Font", "F", fonts), ("XObject", "I", images))
                if its
            ]
            return self._add(" ".join(entries))

        def _add_fonts(self, *_: Any) -> Any:
            return {piece.number: self._add_slice(piece) for piece in self.pieces}

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

        def _add_structure_tree(self) -> Any:
            """The structure tree, by which the pages and the annotations of links are known."""
            pages: Any = [self.fpdf.pages[i] for i in range(1, self.fpdf.pages_count + 1)]
            for i, page in enumerate(pages):
                page.struct_parents, page.tabs = i, "/S"
            links = {}
            for i, link in enumerate(self.tree.links, len(pages)):
                annotation = self._add(_link(link, i, PDFString))
                page = pages[link.page]
                page.annots = PDFArray([*page.annots, annotation])
                links[link.number] = annotation.ref
            root = Prepared("")
            root.id = self.obj_id + 1
            references = [page.ref for page in pages]
            for entries in structure.objects(
                self.tree, root.id, references, links, lambda text: PDFString(text).serialize()
            ):
                self.obj_id += 1
                self.packed.append((self.obj_id, entries))
            return root

        def _finalize_catalog(self, *catalog: Any, **others: Any) -> None:
            super()._finalize_catalog(*catalog, **others)
            table: Any = self.pdf_objs[-1]
            table.count = 1  # no rows of text: `_end` writes them

        def _out(self, data: Any) -> None:
            """Streams as they come; what is none is kept for the end, where the table stands."""
            if not isinstance(data, str) or data.endswith("endstream\nendobj"):
                super()._out(data)
            elif data.endswith("\nendobj"):
                number, _, entries = data[:-7].partition(" 0 obj\n")
                self.packed.append((int(number), entries))
            elif data.startswith("xref"):
                self._end(data)
            else:
                super()._out(data)

        def _end(self, trailer: str) -> None:
            """An object stream, and the cross-reference stream (ISO 32000-1, 7.5.7 and 7.5.8)."""
            places = accumulate((len(entries) + 1 for _, entries in self.packed), initial=0)
            index = " ".join(
                f"{number} {place}" for (number, _), place in zip(self.packed, places, strict=False)
            )
            held = "\n".join([entries for _, entries in self.packed])
            first, last = self.obj_id + 1, self.obj_id + 2
            where = {number: (2, first, i) for i, (number, _) in enumerate(self.packed)}

            def add(number: int, entries: str, stream: bytes) -> None:
                added = Prepared(f"{entries} /Filter /FlateDecode", zlib.compress(stream, _LEVEL))
                added.id = number
                super(Producer, self)._out(added.serialize())

            begun = len(self.buffer)
            add(
                first,
                f"/Type /ObjStm /N {len(self.packed)} /First {len(index) + 1}",
                f"{index}\n{held}".encode("latin-1"),
            )
            table = len(self.buffer)
            self.offsets |= {first: begun, last: table}
            rows = [struct.pack(">BII", 0, 0, 65535)]
            rows += [
                struct.pack(">BII", *where.get(number) or (1, self.offsets[number], 0))
                for number in range(1, last + 1)
            ]
            (root,) = re.findall(r"/Root (\d+ 0 R)", trailer)
            (identity,) = re.findall(r"/ID \[.*\]", trailer)
            add(
                last,
                f"/Type /XRef /Size {last + 1} /W [1 4 4] /Root {root} {identity}",
                b"".join(rows),
            )
            super()._out(f"startxref\n{table}\n%%EOF")

    return Producer


def _link(link: Element, key: int, text: Callable[[str], Any]) -> str:
    """The annotation of a link, which its key finds in the parent tree."""
    assert link.bounds
    place = " ".join(f"{value:.2f}" for value in link.bounds)
    tag = link.tag
    return (
        f"/Type /Annot /Subtype /Link /Rect [{place}] /Border [0 0 0] /F 4 /StructParent {key}"
        f" /Contents {text(tag.alt or tag.uri).serialize()}"
        f" /A <</S /URI /URI {text(tag.uri).serialize()}>>"
    )
