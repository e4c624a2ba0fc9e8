"""The logo of a seller: what a file has to be so that a page can carry it, and how large it is."""

import warnings
from functools import lru_cache
from io import BytesIO

MM = 72 / 25.4  # a millimetre in points
_WIDTH = 50 * MM
_HEIGHT = 18 * MM
_MOST_BYTES = 1_000_000
_MOST_PIXELS = 25_000_000  # a small file may unpack to all of the memory
_LONGEST = 10_000  # pixels of a side: what is kept of each line would fill it too
_SIGNATURES = {".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff"}
SUFFIXES = tuple(_SIGNATURES)


def fault(suffix: str, logo: bytes) -> str:
    """What is wrong with a file whose name ends so; empty where nothing is."""
    if not logo.startswith(_SIGNATURES[suffix]):
        return f"is not a {suffix[1:].upper()} file, as its name says; convert it"
    if len(logo) > _MOST_BYTES:
        return f"has {len(logo)} bytes, at most {_MOST_BYTES} fit an invoice; make it smaller"
    try:
        size(logo)
    except ValueError as error:
        return str(error)
    return ""


@lru_cache(maxsize=8)
def size(logo: bytes) -> tuple[float, float]:
    """The logo's width and height on the page, in its own proportions.

    Raises:
      ValueError: if it is not a PNG or JPEG file in grey or RGB.
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
        raise ValueError("the logo is no PNG or JPEG file that can be read") from error
    if not is_small:
        most = f"at most {_LONGEST} on a side and {_MOST_PIXELS} in all"
        raise ValueError(f"the logo has {width} × {height} pixels, {most}")
    if kind not in ("PNG", "JPEG"):
        raise ValueError(f"the logo is a {kind} file, not PNG or JPEG")
    if mode == "CMYK":  # ISO 19005-3, 6.2.4.3: the output intent of the page is sRGB
        raise ValueError("the logo is in CMYK: save it in RGB")
    scale = min(_WIDTH / width, _HEIGHT / height)
    return width * scale, height * scale
