"""The logo of a seller: what a file has to be so that a page can carry it, and how large it is."""

import warnings
from functools import lru_cache
from io import BytesIO

from lib.core.faults import Fault
from lib.core.messages import Message, say

MM = 72 / 25.4  # a millimetre in points
_WIDTH = 50 * MM
_HEIGHT = 18 * MM
_MOST_BYTES = 1_000_000
_MOST_PIXELS = 25_000_000  # a small file may unpack to all of the memory
_LONGEST = 10_000  # pixels of a side: what is kept of each line would fill it too
_ORIENTATION = 0x0112  # EXIF: 1 is upright
_SIGNATURES = {".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff"}
SUFFIXES = tuple(_SIGNATURES)


class UnfitLogo(ValueError):
    """A logo that no page can carry; `fault` says why."""

    def __init__(self, found: Message, remedy: Message | None = None) -> None:
        self.fault = Fault("", found, remedy=remedy)
        super().__init__(self.fault.text)


def fault(suffix: str, logo: bytes) -> Fault | None:
    """What is wrong with a file whose name ends so; None where nothing is."""
    if not logo.startswith(_SIGNATURES[suffix]):
        kind = suffix[1:].upper()
        text = say("is not a {kind} file, as its name says", kind=kind)
        return Fault("", text, remedy=say("convert it"))
    if len(logo) > _MOST_BYTES:
        text = say(
            "has {size} bytes, at most {most} fit an invoice", size=len(logo), most=_MOST_BYTES
        )
        return Fault("", text, remedy=say("make it smaller"))
    try:
        size(logo)
    except UnfitLogo as unfit:
        return unfit.fault
    return _altered(logo)


def _altered(logo: bytes) -> Fault | None:
    """What a page would show otherwise than those who made the logo see it."""
    from PIL import Image

    with Image.open(BytesIO(logo)) as image:
        if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
            text = say("the logo has more than 8 bits for a colour")
            return Fault("", text, remedy=say("save it with 8"))
        if image.mode != "P" and "transparency" in image.info:
            text = say("the logo has a transparent colour instead of an alpha channel")
            return Fault("", text, remedy=say("save it with an alpha channel"))
        if image.format == "JPEG" and image.getexif().get(_ORIENTATION, 1) != 1:
            text = say("the logo lies on its side, or upside down, and asks to be turned (EXIF)")
            return Fault("", text, remedy=say("save it upright"))
    return None


@lru_cache(maxsize=8)
def size(logo: bytes) -> tuple[float, float]:
    """The logo's width and height on the page, in its own proportions.

    Raises:
      Unfit: if it is not a PNG or JPEG file in grey or RGB.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(logo)) as image:
            kind, mode, (width, height) = image.format, image.mode, image.size
            is_small = max(width, height) <= _LONGEST and width * height <= _MOST_PIXELS
            if is_small:
                image.load()
    # What Pillow raises for damaged files, and for those that would not fit the memory.
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnfitLogo(say("the logo is not a PNG or JPEG file that can be read")) from error
    if not is_small:
        raise UnfitLogo(
            say(
                "the logo has {width} × {height} pixels, at most {longest} on a side and"
                " {most} in all",
                width=width,
                height=height,
                longest=_LONGEST,
                most=_MOST_PIXELS,
            )
        )
    if kind not in ("PNG", "JPEG"):
        raise UnfitLogo(say("the logo is a {kind} file, not PNG or JPEG", kind=kind or ""))
    if mode == "CMYK":  # ISO 19005-3, 6.2.4.3: the output intent of the page is sRGB
        raise UnfitLogo(say("the logo is in CMYK"), say("save it in RGB"))
    scale = min(_WIDTH / width, _HEIGHT / height)
    return width * scale, height * scale
