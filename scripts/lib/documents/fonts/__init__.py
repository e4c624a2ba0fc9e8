"""The two fonts of every document, and what a page layout asks of them: how wide, which glyphs.

Invoice Sans is IBM Plex Sans, cut down to what invoices need by tools/build_fonts.py; its
licence (OFL 1.1) lies beside it. Widths are in points. Its digits are all equally wide.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

REGULAR = "InvoiceSans-Regular"
SEMIBOLD = "InvoiceSans-SemiBold"
FACES = (REGULAR, SEMIBOLD)


def path(face: str) -> Path:
    """Where the TrueType file of a face lies."""
    return Path(__file__).with_name(f"{face}.ttf")


@cache
def advances(face: str) -> dict[str, int]:
    """Each character of the face with its advance width, in thousandths of the size."""
    from fontTools.ttLib import TTFont

    with TTFont(path(face), lazy=True) as font:
        metrics = font["hmtx"].metrics
        return {chr(code): metrics[glyph][0] for code, glyph in font.getBestCmap().items()}


def width(text: str, face: str, size: float) -> float:
    """How wide the text is when set in this face and size; a missing glyph counts as nothing."""
    return _advance(text, face) * size / 1000


@lru_cache(4096)  # a text is measured when its column is laid out, and again when it is set
def _advance(text: str, face: str) -> int:
    """How wide the text is, in thousandths of the size."""
    widths = advances(face)
    try:
        return sum(map(widths.__getitem__, text))
    except KeyError:
        return sum([widths.get(character, 0) for character in text])


def wrap(text: str, face: str, size: float, limit: float) -> list[str]:
    """The text in lines no wider than `limit`, broken at spaces; [""] for an empty text.

    A word wider than a line is broken after one of @./_, else "-", else between characters: readers
    that copy a text leave out a hyphen at the end of a line. No-break
    spaces stay in their word, and so do those at signs of French, which stand apart. A last word
    that is short takes along the one before it. At least one character stands on each line.
    """
    if width(text, face, size) <= limit:
        return [text]
    lines = []
    line, used = "", 0
    space = _advance(" ", face)
    for word in _SPACES.split(text):
        advance = _advance(word, face)
        longer = used + space + advance if line else advance
        if longer * size / 1000 <= limit:
            line, used = f"{line} {word}" if line else word, longer
            continue
        if line:
            lines.append(line)
        *full, line = _split(word, face, size, limit)
        lines.extend(full)
        used = _advance(line, face)
    if lines and len(line) <= _SHORT:
        *before, last = _SPACES.split(lines[-1])
        both = f"{last} {line}"
        if len(before) > 1 and not _SPACES.search(line) and width(both, face, size) <= limit:
            return [*lines[:-1], " ".join(before), both]
    return [*lines, line]


# Where a line may end: not before a sign that stands alone, nor after a quotation mark that opens,
# nor between a day or a count and its word: 8 novembre, 30 jours.
_SPACES = re.compile(r"(?<!«) (?![:;!?»%€](?: |$))(?!(?:(?<= \d )|(?<= \d\d ))[^\W\d])")
_SHORT = 6  # characters of a word that does not stand alone on the last line
# The last place where an address may be parted.
_JOINTS = re.compile(r"[@./_](?=[^@./_]*$)"), re.compile(r"-(?=[^-]*$)")


def _split(word: str, face: str, size: float, limit: float) -> Iterator[str]:
    """A word in pieces no wider than a line, parted at a joint where it has one."""
    widths = advances(face)
    room = limit * 1000 / size
    piece = ""
    used = 0
    for character in word:
        advance = widths.get(character, 0)
        if piece and used + advance > room:
            joints = (joint.search(piece) for joint in _JOINTS)
            end = next((joint.end() for joint in joints if joint), len(piece))
            yield piece[:end]
            piece = piece[end:]
            used = _advance(piece, face)
        piece += character
        used += advance
    yield piece
