"""What a document uses of a face: its characters in order of use, cut out as a font of their own.

A face is read once a process; what each document embeds of it is put together from its
outlines as they lie in the file.
"""

import struct
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from lib.documents import fonts


class _Face(NamedTuple):
    """A face as it was read once: an outline and an advance width for each character."""

    name: str
    outlines: dict[str, bytes]
    advances: dict[str, int]
    metrics: dict[str, bytes]  # advance width and left bearing, as hmtx has them
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
            metrics={chr(code): struct.pack(">Hh", *metrics[name]) for code, name in named.items()},
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


class _Codes(dict[str, str]):
    """The code of each character of a face, in hexadecimal, given when it is first asked for.

    Raises:
      KeyError: for a character that the face does not have.
    """

    def __init__(self, face: _Face) -> None:
        super().__init__()
        self._face = face

    def __missing__(self, char: str) -> str:
        if char not in self._face.outlines:
            raise KeyError(char)
        code = self[char] = f"{len(self) + 1:04x}"
        return code


class Slice:
    """What one document uses of a face: its characters in order of use, coded 1, 2, ..."""

    def __init__(self, face: str, number: int) -> None:
        self.face = _face(face)
        self.number = number
        self.codes = _Codes(self.face)

    def encode(self, text: str) -> str:
        """The codes of a text in hexadecimal, two bytes each.

        Raises:
          ValueError: if a character has no glyph.
        """
        try:
            return "".join(map(self.codes.__getitem__, text))
        except KeyError as missing:
            (char,) = missing.args
            raise ValueError(f"no glyph for U+{ord(char):04X} in {text!r}") from None

    def font_file(self) -> bytes:
        """A TrueType file with just these glyphs, each one's index its code."""
        face = self.face
        outlines = [face.notdef, *map(face.outlines.__getitem__, self.codes)]
        count = len(outlines)
        places = accumulate(map(len, outlines), initial=0)
        metrics = [struct.pack(">Hh", face.notdef_advance, 0)]
        metrics += map(face.metrics.__getitem__, self.codes)
        # head: long offsets in loca (indexToLocFormat), no checksum of the whole.
        head = face.head[:8] + bytes(4) + face.head[12:50] + struct.pack(">hh", 1, 0)
        return _sfnt(
            {
                b"glyf": b"".join(outlines),
                b"head": head,
                b"hhea": face.hhea[:34] + struct.pack(">H", count),
                b"hmtx": b"".join(metrics),
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
