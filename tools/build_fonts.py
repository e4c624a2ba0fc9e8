"""Makes the two fonts of scripts/lib/documents/fonts from IBM Plex Sans, the same bytes each time.

    npm pack @ibm/plex-sans@1.1.0 && tar xf ibm-plex-sans-1.1.0.tgz
    .venv/bin/python tools/build_fonts.py package

What is taken out: characters that no invoice needs, hinting (screens of today do without it,
and it would be embedded whole in every PDF), and layout tables (the page sets glyph by glyph).
Combining marks and the soft hyphen are left out on purpose: without layout tables they would
be drawn in the wrong place, so a text that holds them is refused like any missing glyph.

Composite glyphs are drawn out, so that the outline of every character stands alone and a
document's share of the font is a list of outlines (documents/font_slices).

The narrow no-break space, which groups thousands in French, is made wider: at an eighth of
the size "1 234" reads as "1234" in print.

The name "Plex" is reserved by the licence for unmodified fonts (OFL 1.1, condition 3), so
what is made here is called Invoice Sans.
"""

import argparse
import shutil
import unicodedata
from pathlib import Path

from fontTools import subset
from fontTools.pens.filterPen import DecomposingFilterPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

FAMILY = "Invoice Sans"
WEIGHTS = ("Regular", "SemiBold")
TARGET = Path(__file__).parents[1] / "scripts/lib/documents/fonts"
CHARACTERS = TARGET.parents[1] / "values/characters.txt"

RANGES = (
    (0x0020, 0x007E),  # Basic Latin
    (0x00A0, 0x024F),  # Latin-1, Extended-A, Extended-B
    (0x0370, 0x03FF),  # Greek
    (0x0400, 0x052F),  # Cyrillic
    (0x1E00, 0x1EFF),  # Latin Extended Additional
    (0x2000, 0x206F),  # punctuation
    (0x2070, 0x209F),  # superscripts and subscripts
    (0x20A0, 0x20CF),  # currency
    (0x2100, 0x214F),  # letterlike: numero, trade mark
    (0x2150, 0x215F),  # fractions
    (0x2200, 0x22FF),  # operators: minus, almost equal
    (0xFB00, 0xFB04),  # ligatures of pasted text
)

NARROW_SPACE = 0x202F
NARROW_SPACE_WIDTH = 180


def wanted() -> list[int]:
    """The code points to keep where the font has them: no marks, no format characters."""
    return [
        code
        for first, last in RANGES
        for code in range(first, last + 1)
        if unicodedata.category(chr(code)) not in ("Mn", "Me", "Cf", "Cc", "Cn", "Zl", "Zp")
    ]


def draw_out(font: TTFont) -> None:
    """Replaces each glyph made of others by its own outline."""
    glyphs = font.getGlyphSet()
    outlines = {}
    for name in font.getGlyphOrder():
        if font["glyf"][name].isComposite():
            pen = TTGlyphPen(None)
            glyphs[name].draw(DecomposingFilterPen(pen, glyphs))
            outlines[name] = pen.glyph()
    for name, outline in outlines.items():
        font["glyf"][name] = outline


def build(source: Path, weight: str) -> Path:
    """Writes one weight to TARGET and returns its path."""
    font = TTFont(source, recalcTimestamp=False)
    options = subset.Options(
        hinting=False,
        layout_features=[],
        name_IDs=[0, 1, 2, 4, 6, 13, 14],
        notdef_outline=True,
        glyph_names=False,
    )
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "DSIG", "gasp"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted())
    subsetter.subset(font)
    draw_out(font)
    font["hmtx"][font.getBestCmap()[NARROW_SPACE]] = (NARROW_SPACE_WIDTH, 0)
    full_name = FAMILY if weight == "Regular" else f"{FAMILY} {weight}"
    file_name = f"{FAMILY.replace(' ', '')}-{weight}"
    names = {1: full_name, 2: "Regular", 4: full_name, 6: file_name}
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    font.flavor = None
    path = TARGET / f"{file_name}.ttf"
    font.save(path)
    return path


def write_characters() -> None:
    """Writes the ranges of the characters that every weight has."""
    faces = [TTFont(path).getBestCmap().keys() for path in TARGET.glob("*.ttf")]
    ranges: list[list[int]] = []
    for code in sorted(set.intersection(*map(set, faces))):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    lines = [f"{first:04X}-{last:04X}\n" for first, last in ranges]
    CHARACTERS.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Builds every weight and copies the licence beside it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", type=Path, help="the unpacked npm package @ibm/plex-sans")
    package = parser.parse_args().package
    TARGET.mkdir(parents=True, exist_ok=True)
    for weight in WEIGHTS:
        path = build(package / "fonts/complete/woff" / f"IBMPlexSans-{weight}.woff", weight)
        print(f"{path.name}: {path.stat().st_size:,} bytes")
    write_characters()
    shutil.copyfile(package / "LICENSE.txt", TARGET / "LICENSE")


if __name__ == "__main__":
    main()
