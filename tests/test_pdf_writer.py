"""The writer of pages against stock fpdf2: the same pixels, the same text, a sound font."""

import io
from datetime import UTC, datetime

import fpdf
import pypdf
import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from fpdf.output import OutputProducer
from PIL import Image, ImageChops

from lib.documents import fonts, pdf_file, pdf_writer
from lib.documents.fonts import REGULAR, SEMIBOLD
from lib.documents.pdf_writer import Box, Modules, Page, Stamp, Text
from lib.documents.structure import END, Tag

MOMENT = datetime(2026, 11, 8, tzinfo=UTC)
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
INK = (26, 32, 38)
LINES = [
    "Facture n° 12 – « été » 1\u202f234,50\u00a0€ (à régler) \\ [ok] %PDF {nb}",
    "Αιγαίο Εκδόσεις, Мария Сергеевна, Łódź, Ǖ, ﬁn, №",
    "".join(chr(code) for code in range(0x21, 0x7F)),
]


def page() -> Page:
    marks: Page = [Box(40, 60, 200, 30.5, (20, 84, 107)), Box(40, 100, 300, 0.4, (217, 221, 225))]
    for i, line in enumerate(LINES):
        marks.append(Text(40, 150 + 30 * i, line, REGULAR, 11, INK))
        marks.append(Text(40, 300 + 30 * i, line, SEMIBOLD, 9.25, (20, 84, 107)))
    return marks


def written(marks: Page) -> bytes:
    return pdf_writer.write([marks], moment=MOMENT, language="fr", xmp=XMP)


def stock(marks: Page) -> bytes:
    """The same marks through fpdf2 as its manual shows."""
    pdf = fpdf.FPDF(unit="pt", format="A4")
    pdf.alias_nb_pages("")
    for face in fonts.FACES:
        pdf.add_font(face, fname=fonts.path(face))
    pdf.add_page()
    for mark in marks:
        if isinstance(mark, Box):
            pdf.set_fill_color(*mark.colour)
            pdf.rect(mark.x, mark.y, mark.width, mark.height, style="F")
        else:
            pdf.set_font(mark.face, size=mark.size)
            pdf.set_text_color(*mark.colour)
            pdf.text(mark.x, mark.y, mark.text)
    return bytes(pdf.output())


def picture(data: bytes) -> Image.Image:
    return pypdfium2.PdfDocument(data)[0].render(scale=2).to_pil().convert("L")


def test_the_pixels_are_those_of_stock_fpdf2():
    ours, theirs = picture(written(page())), picture(stock(page()))
    difference = ImageChops.difference(ours, theirs)
    assert difference.getextrema()[1] <= 8
    assert ours.getextrema()[0] < 60, "the page is not empty"


def test_what_is_written_in_place_of_fpdf2_is_what_it_calls():
    """A method that fpdf2 renames would be called no more; one of ours that it gets would be."""
    ours = {name for name in vars(pdf_file.Producer) if not name.startswith("__")}
    theirs = {name for name in dir(OutputProducer) if name in ours}
    assert theirs == {name for name in ours if name.startswith("_")}
    calls = {name for method in vars(OutputProducer).values() for name in names_in(method)}
    assert theirs <= calls


def names_in(method: object) -> tuple[str, ...]:
    code = getattr(method, "__code__", None)
    return code.co_names if code else ()


def test_another_reader_gets_the_text_back():
    found = pypdf.PdfReader(io.BytesIO(written(page()))).pages[0].extract_text()
    for line in LINES:
        assert "".join(line.split()) in "".join(found.split())


def test_a_document_embeds_just_the_characters_that_it_draws():
    reader = pypdf.PdfReader(io.BytesIO(written([Text(40, 60, "Été ABBA", REGULAR, 9, INK)])))
    fonts_found = reader.pages[0]["/Resources"]["/Font"]
    assert list(fonts_found) == ["/F1"]
    inner = fonts_found["/F1"]["/DescendantFonts"][0].get_object()
    with TTFont(io.BytesIO(inner["/FontDescriptor"]["/FontFile2"].get_data())) as font:
        assert font["maxp"].numGlyphs == 1 + len(set("Été ABBA"))
        advances = [font["hmtx"].metrics[name][0] for name in font.getGlyphOrder()[1:]]
        assert inner["/W"][1] == advances
        assert all(font["glyf"][name] is not None for name in font.getGlyphOrder())


def test_a_stamp_is_centred_and_turned():
    stamp = Stamp(297.6, 420.9, "BROUILLON", SEMIBOLD, 90, (200, 200, 200))
    box = ImageChops.invert(picture(written([stamp]))).getbbox()
    assert box is not None
    centre = ((box[0] + box[2]) / 4, (box[1] + box[3]) / 4)
    assert abs(centre[0] - 297.6) < 12 and abs(centre[1] - 420.9) < 12
    assert box[3] - box[1] > 500, "it rises"


def test_no_line_shows_between_rows_of_modules():
    modules = Modules(40, 60, 88, (bytes([1] * 41),) * 41, INK)
    ours = picture(written([modules]))
    darkest, lightest = ours.crop((82, 122, 254, 294)).getextrema()
    assert darkest == lightest < 60
    box = ImageChops.invert(ours).getbbox()
    assert box is not None
    assert all(abs(a - b) <= 1 for a, b in zip(box, (80, 120, 256, 296), strict=True))


@pytest.mark.parametrize("text", ["☃", "\U0001f600", "a\x00b", "e\u0301"])
def test_a_character_without_a_glyph_is_refused(text: str):
    with pytest.raises(ValueError, match="no glyph"):
        written([Text(40, 60, text, REGULAR, 9, INK)])


def test_a_page_of_more_paragraphs_than_two_bytes_count_is_read():
    """A year report of thousands of clients has hundreds of thousands of cells."""
    marks: Page = []
    for i in range(66_000):
        marks += [Tag("P"), Text(20 + i % 500, 20 + i // 500, "a", REGULAR, 1, INK), END]
    (only,) = pypdfium2.PdfDocument(written(marks))
    assert only.get_textpage().count_chars() >= 66_000
