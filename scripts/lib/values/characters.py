"""The characters that a document can print: those that both faces of its fonts have.

values/characters.txt lists them as ranges of code points; tools/build_fonts.py writes it from the
fonts, so that whoever checks a text need not open them.
"""

from functools import cache
from pathlib import Path


@cache
def printable() -> frozenset[str]:
    """Every character that can be printed."""
    ranges = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").split()
    bounds = [[int(code, 16) for code in each.split("-")] for each in ranges]
    return frozenset(chr(code) for first, last in bounds for code in range(first, last + 1))


def missing(text: str) -> list[str]:
    """The characters that cannot be printed, each once, in the order of the text.

    Line breaks, tabs and other control characters are among them, and so are combining
    marks: an accented letter must be one character (Unicode normal form C).
    """
    known = printable()
    if known.issuperset(text):
        return []
    return list(dict.fromkeys(character for character in text if character not in known))
