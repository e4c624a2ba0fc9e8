"""What a screen reader says of a PDF: its structure tree, walked from the file alone.

It shares nothing with what writes the file. A reader of another hand parses the objects (pypdf);
what a page shows is read off its operators, each text under the marked content that it stands in.
"""

import io
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import pypdf
from pypdf.generic import ContentStream

_IN = {
    "TR": ("Table",), "TH": ("TR",), "TD": ("TR",), "LI": ("L",), "Lbl": ("LI",), "LBody": ("LI",),
}  # fmt: skip
_HOLDS = {"Table": ("TR",), "TR": ("TH", "TD"), "L": ("LI",), "LI": ("Lbl", "LBody")}


class Node(NamedTuple):
    """An element, with what it says itself and the elements in it."""

    kind: str
    text: str
    alt: str
    scope: str
    kids: tuple["Node", ...]
    span: int = 1

    def all(self, *kinds: str) -> Iterator["Node"]:
        """The elements of these kinds beneath it, in the order of reading."""
        for kid in self.kids:
            if kid.kind in kinds:
                yield kid
            yield from kid.all(*kinds)

    def said(self) -> list[str]:
        """Its texts in the order of reading."""
        own = [self.alt] if self.alt else [self.text] if self.text else []
        return [*own, *(text for kid in self.kids for text in kid.said())]


def read(data: bytes) -> Node:
    """The document, as it is read; what does not hold together is an assertion that fails."""
    reader = pypdf.PdfReader(io.BytesIO(data))
    catalog = reader.root_object
    assert catalog["/MarkInfo"]["/Marked"] is True or catalog["/MarkInfo"]["/Marked"]
    assert catalog["/ViewerPreferences"]["/DisplayDocTitle"]
    assert catalog["/Lang"] in ("fr", "en")
    shown = [_shown(page, reader) for page in reader.pages]
    assert all(page["/Tabs"] == "/S" for page in reader.pages)
    root = catalog["/StructTreeRoot"]
    owners = _parents(root)
    places = {page.indirect_reference.idnum: i for i, page in enumerate(reader.pages)}
    left = {(i, number) for i, texts in enumerate(shown) for number in texts}

    def node(element: Any, above: Any, within: str) -> Node:
        assert element["/P"] == above, "an element knows what it is in"
        kind = str(element["/S"])[1:]
        assert within in _IN.get(kind, (within,)), f"{kind} in {within}"
        assert kind in _HOLDS.get(within, (kind,)), f"{kind} in {within}"
        own, kids = [], []
        content = element.get("/K", [])
        for kid in content if isinstance(content, list) else [content]:
            kid = kid.get_object()
            if isinstance(kid, dict) and "/S" in kid:
                kids.append(node(kid, element, kind))
            elif isinstance(kid, dict) and "/Obj" in kid:
                annotation = kid["/Obj"]
                assert owners[annotation["/StructParent"]] == element
                assert annotation["/Contents"] and annotation["/F"] == 4
            else:
                page = kid["/Pg"] if isinstance(kid, dict) else element["/Pg"]
                number = kid["/MCID"] if isinstance(kid, dict) else kid
                place = places[page.indirect_reference.idnum]
                assert owners[page["/StructParents"]][number] == element
                left.remove((place, number))
                own.append(shown[place][number])
        attributes = element.get("/A", {})
        if kind == "Figure":
            assert element["/Alt"] and len(attributes["/BBox"]) == 4
        if kind == "TH":
            assert attributes["/Scope"] in ("/Column", "/Row")
        text = " ".join(" ".join(own).replace("\N{NO-BREAK SPACE}", " ").split())
        scope = str(attributes.get("/Scope", ""))[1:]
        alt, span = str(element.get("/Alt", "")), int(attributes.get("/ColSpan", 1))
        return Node(kind, text, alt, scope, tuple(kids), span)

    found = node(root["/K"].get_object(), root, "")
    assert not left, "what is marked stands in the tree"
    _judge_headings(found)
    _judge_tables(found)
    return found


def _parents(root: Any) -> dict[int, Any]:
    """The parent tree: of a page the elements of its marked contents, of a link its element."""
    numbers = root["/ParentTree"]["/Nums"]
    values = [value.get_object() for value in numbers[1::2]]
    return {
        int(key): [each.get_object() for each in value] if isinstance(value, list) else value
        for key, value in zip(numbers[::2], values, strict=True)
    }


def _shown(page: Any, reader: Any) -> dict[int, str]:
    """The text of each marked content of a page; whatever is drawn stands in one, or decorates."""
    fonts = {
        name: _letters(font.get_object()) for name, font in page["/Resources"]["/Font"].items()
    }
    texts: dict[int, str] = {}
    open_: list[int | None] = []
    letters: dict[int, str] = {}
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        if operator == b"BDC":
            open_.append(int(operands[1]["/MCID"]))
            assert open_[-1] not in texts, "each number once"
            texts[open_[-1]] = ""
        elif operator == b"BMC":
            assert operands[0] == "/Artifact"
            open_.append(None)
        elif operator == b"EMC":
            open_.pop()
        elif operator == b"Tf":
            letters = fonts[operands[0]]
        elif operator in (b"Tj", b"f", b"Do"):
            assert len(open_) == 1, "what is drawn is content or artifact"
            if operator == b"Tj" and open_[0] is not None:
                data = operands[0].original_bytes
                codes = [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]
                texts[open_[0]] += "".join(map(letters.__getitem__, codes))
    assert not open_
    return texts


def _letters(font: Any) -> dict[int, str]:
    """The letter of each code, from the font's ToUnicode."""
    letters = {}
    for line in font["/ToUnicode"].get_data().decode().splitlines():
        if line.startswith("<") and line.count("<") == 2 and line != "<0000> <FFFF>":
            code, letter = line.strip("<>").split("> <")
            letters[int(code, 16)] = bytes.fromhex(letter).decode("utf-16-be")
    return letters


def _judge_headings(found: Node) -> None:
    levels = [int(each.kind[1]) for each in found.all("H1", "H2", "H3")]
    assert levels.count(1) == 1 and levels[0] == 1, levels
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), levels


def _judge_tables(found: Node) -> None:
    for table in found.all("Table"):
        widths = {sum(cell.span for cell in row.kids) for row in table.kids}
        assert len(widths) == 1, "each row is as wide"


def cells(table: Node) -> list[dict[str, str]]:
    """The rows of a table: each cell under the heading that is said with it.

    What is said beneath a row, as wide as the table, stands under "".
    """
    head, *rows = table.kids
    assert {kid.scope for kid in head.kids} == {"Column"}
    names = [kid.text for kid in head.kids]
    read: list[dict[str, str]] = []
    for row in rows:
        if len(row.kids) < len(names):
            (beneath,) = row.kids
            assert (beneath.kind, beneath.span) == ("TD", len(names)) and "" not in read[-1]
            read[-1][""] = beneath.text
        else:
            assert [kid.scope for kid in row.kids] == ["Row", *[""] * (len(names) - 1)]
            read.append(dict(zip(names, (kid.text for kid in row.kids), strict=True)))
    return read
