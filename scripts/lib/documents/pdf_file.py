"""The PDF file: fpdf2's writer, given the fonts, the structure and the file of a document.

fpdf2 numbers objects and puts them into order; what they say is written here, as is how they lie
in the file: what is no stream goes into one that holds them all, compressed.

What begins with an underscore here is fpdf2's own, beyond its manual: a test compares its names
with those of the fpdf2 that is pinned.
"""

import re
import struct
import zlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from lib.core.lazy_imports import postponed
from lib.documents import structure
from lib.documents.font_slices import Slice
from lib.documents.structure import Element, Tree

if TYPE_CHECKING:
    from lib.documents.pdf_writer import EmbeddedFile

_NEVER_USED = (  # fpdf2 signs, encrypts, subsets and varies fonts, and draws pictures with these
    "cryptography.hazmat.primitives.ciphers",
    "cryptography.hazmat.primitives.ciphers.algorithms",
    "cryptography.hazmat.primitives.padding",
    "cryptography.hazmat.primitives.serialization",
    "fontTools.pens.ttGlyphPen",
    "fontTools.subset",
    "fontTools.svgLib.path",
    "fontTools.varLib",
    "fontTools.varLib.varStore",
    "numpy",
    "unittest.mock",
)
with postponed(*_NEVER_USED):
    import fpdf
    from fpdf.output import OutputProducer
    from fpdf.syntax import Name, PDFArray, PDFObject, PDFString, build_obj_dict
    from fpdf.util import builtin_srgb2014_bytes

PRODUCER = f"fpdf2 {fpdf.__version__}"
_LEVEL = 4  # of compression: half the time of level 6, and 3 % more bytes


@cache
def srgb() -> bytes:
    """The colour profile that fpdf2 would read and compress again for each PDF/A file."""
    return zlib.compress(builtin_srgb2014_bytes())


def begin(moment: datetime, language: str, xmp: str) -> fpdf.FPDF:
    """A file of A4 pages, none yet, with lengths in points."""
    pdf = fpdf.FPDF(unit="pt", format="A4", enforce_compliance="PDF/A-3B")
    pdf.viewer_preferences = _shows_title()
    pdf.set_auto_page_break(False)
    pdf.set_creation_date(moment)
    pdf.set_lang(language)
    pdf.set_xmp_metadata(xmp)
    return pdf


class _Preferences(fpdf.ViewerPreferences):
    """Preferences that are the same in each file, and are written once."""

    def __init__(self) -> None:
        super().__init__(display_doc_title=True)
        self._written = super().serialize()

    def serialize(self, *_: Any, **__: Any) -> str:
        return self._written


_shows_title = cache(_Preferences)


def _entries(of: Any, *_: Any) -> dict[str, object]:
    """What an object of fpdf2 says, which looks for it among all that its class can do."""
    names = {*vars(of), *getattr(type(of), "__slots__", ())}
    return build_obj_dict({name: getattr(of, name) for name in sorted(names) if name[0] != "_"})


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
    """The writer of one document."""

    def __init__(
        self,
        pieces: Iterable[Slice],
        tree: Tree,
        attachment: "EmbeddedFile | None",
        pdf: fpdf.FPDF,
    ) -> None:
        super().__init__(pdf)
        self.attachment = attachment
        self.pieces = pieces
        self.tree = tree
        self.packed: list[tuple[int, str]] = []  # numbers and objects that are no streams

    def add(self, entries: str, stream: bytes | None = None) -> Prepared:
        if stream is not None:
            entries = f"{entries} /Filter /FlateDecode"
            stream = zlib.compress(stream, _LEVEL)
        return self.add_as_it_is(entries, stream)

    def add_as_it_is(self, entries: str, stream: bytes | None) -> Prepared:
        added = Prepared(entries, stream)
        self._add_pdf_obj(added)
        return added

    def _add_output_intents(self) -> Any:
        profile = self.add_as_it_is("/N 3 /Alternate /DeviceRGB /Filter /FlateDecode", srgb())
        return (
            "[<</Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB)"
            " /OutputCondition (IEC 61966-2-1:1999) /RegistryName (http://www.color.org)"
            f" /Info (sRGB2014 v2) /DestOutputProfile {profile.ref}>>]"
        )

    def _add_xmp_metadata(self) -> Any:
        begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        xmp = f'{begin}\n{self.fpdf.xmp_metadata}\n<?xpacket end="w"?>\n'
        return self.add_as_it_is("/Type /Metadata /Subtype /XML", xmp.encode())

    def _add_pages(self, *_: Any) -> Any:
        pages: list[Any] = list(self._iter_pages_in_order())
        for page in pages:
            self._add_pdf_obj(page)
            page.group = "<</Type /Group /S /Transparency /CS /DeviceRGB>>"
            page.contents = self.add("", bytes(page.contents))
        return pages

    def _add_optional_content_groups(self, catalog: Any) -> None:
        """No layers: the embedded file, which is the next that fpdf2 writes."""
        if self.attachment is None:
            return
        name, data, mime_type, description = self.attachment
        moment = f"{self.fpdf.creation_date:%Y%m%d%H%M%S}"
        stream = self.add(
            f"/Type /EmbeddedFile /Subtype {Name(mime_type).serialize()}"
            f" /Params <</Size {len(data)} /ModDate (D:{moment}Z)>>",
            data,
        )
        name, description = (PDFString(text).serialize() for text in (name, description))
        specification = self.add(
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
        return self.add(" ".join(entries))

    def _add_fonts(self, *_: Any) -> Any:
        return {piece.number: self.add_slice(piece) for piece in self.pieces}

    def add_slice(self, piece: Slice) -> Prepared:
        name = f"/AAAAA{'ABCDEFGH'[piece.number]}+{piece.face.name}"
        font_file = piece.font_file()
        outlines = self.add(f"/Length1 {len(font_file)}", font_file)
        descriptor = self.add(
            f"/Type /FontDescriptor /FontName {name} {piece.face.descriptor}"
            f" /FontFile2 {outlines.ref}"
        )
        # A glyph's index is its code.
        descendant = self.add(
            f"/Type /Font /Subtype /CIDFontType2 /BaseFont {name} /CIDToGIDMap /Identity"
            " /CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>>"
            f" /DW {piece.face.notdef_advance} /W {piece.widths()}"
            f" /FontDescriptor {descriptor.ref}"
        )
        to_unicode = self.add("", piece.to_unicode())
        return self.add(
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
            annotation = self.add(_link(link, i))
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

    def _finalize_catalog(self, *objects: Any, **others: Any) -> None:
        super()._finalize_catalog(*objects, **others)
        for its in (*objects, others["pages_root_obj"], *self._iter_pages_in_order()):
            its._build_obj_dict = partial(_entries, its)
        table: Any = self.pdf_objs[-1]
        table.count = 1  # no rows of text: `end` writes them

    def _out(self, data: Any) -> None:
        """Streams as they come; what is none is kept for the end, where the table stands."""
        if not isinstance(data, str) or data.endswith("endstream\nendobj"):
            super()._out(data)
        elif data.endswith("\nendobj"):
            number, _, entries = data[:-7].partition(" 0 obj\n")
            self.packed.append((int(number), entries))
        elif data.startswith("xref"):
            self.end(data)
        else:
            super()._out(data)

    def end(self, trailer: str) -> None:
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


def _link(link: Element, key: int) -> str:
    """The annotation of a link, which its key finds in the parent tree."""
    assert link.bounds
    place = " ".join(f"{value:.2f}" for value in link.bounds)
    tag = link.tag
    return (
        f"/Type /Annot /Subtype /Link /Rect [{place}] /Border [0 0 0] /F 4 /StructParent {key}"
        f" /Contents {PDFString(tag.alt or tag.uri).serialize()}"
        f" /A <</S /URI /URI {PDFString(tag.uri).serialize()}>>"
    )
