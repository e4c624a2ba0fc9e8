"""The accent colour of a seller: what it has to be so that its words can be read on white paper."""

from collections.abc import Mapping
from typing import Any

from lib.core.faults import Fault
from lib.core.messages import say

Colour = tuple[int, int, int]  # red, green and blue, 0 to 255

LEAST_CONTRAST = 4.5  # of text on its ground: WCAG 2.2, 1.4.3 (https://www.w3.org/TR/WCAG22/)
WHITE: Colour = (255, 255, 255)


def parsed(text: str) -> Colour:
    """The colour that is written as #14546b."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def contrast(first: Colour, second: Colour) -> float:
    """How much two colours differ in light, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted(map(_luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def darkened(colour: Colour) -> Colour:
    """The lightest shade of the same hue that can be read on white."""
    red, green, blue = colour
    shades = ((red * i // 255, green * i // 255, blue * i // 255) for i in range(255, -1, -1))
    return next(shade for shade in shades if contrast(shade, WHITE) >= LEAST_CONTRAST)


def faults(seller: Mapping[str, Any], place: str = "") -> list[Fault]:
    """What is wrong with the colour of a seller, which stands at `place` in its file."""
    written = seller.get("colour", "")
    if not written or contrast(parsed(written), WHITE) >= LEAST_CONTRAST:
        return []
    found = say('"{colour}" is too light to be read on white paper', colour=written)
    shade = "#" + bytes(darkened(parsed(written))).hex()
    expected = say("a contrast of 4.5 to 1 at least (WCAG 2.2)")
    remedy = say('write "{shade}", the nearest shade that is dark enough', shade=shade)
    return [Fault(f"{place}colour", found, expected, remedy)]
