"""The structure tree of a document: what a screen reader says of its pages, and in which order.

Tags stand between the marks of a page: one opens an element, END closes what was opened last, and
what is open stays open on the next page. Kinds are those of ISO 32000-1, 14.8.4; what PDF/UA-1
(ISO 14289-1) and PDF/A-3A (ISO 19005-3) want of them is written with them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct


class Tag(NamedTuple):
    """Opens an element, which is as much as its kind says it is: H1, P, Table, TR, TD, L, LI, …

    `alt` says in words what a Figure shows, or where a Link leads; `scope` is Column or Row, of a
    TH; `uri` is where a Link leads; `again` goes on with the last element of its kind within the
    one that is open.
    """

    kind: str
    alt: str = ""
    scope: str = ""
    uri: str = ""
    again: bool = False


END = Tag("")
ARTIFACT = Tag("Artifact")  # what repeats or decorates; tags within it mean nothing
# What holds elements alone; where text stands in one of the first three, it is a paragraph.
_GROUPS = ("Document", "Sect", "Div")
_HOLDERS = (*_GROUPS, "Table", "THead", "TBody", "TR", "L", "LI")
_BOUNDED = ("Figure", "Link")

Bounds = tuple[float, float, float, float]  # left, bottom, right, top


class Element(Struct, eq=False):
    """An element of the tree; `content` has the marked contents and elements that it holds."""

    tag: Tag
    number: int
    parent: int
    content: list["Element | Content"] = msgspec.field(default_factory=list)
    bounds: Bounds | None = None

    @property
    def is_bounded(self) -> bool:
        return self.tag.kind in _BOUNDED

    def include(self, bounds: Bounds) -> None:
        """Takes up the bounds of a mark."""
        if self.bounds:
            own = self.bounds
            bounds = (*map(min, own[:2], bounds[:2]), *map(max, own[2:], bounds[2:]))  # type: ignore[assignment]
        self.bounds = bounds


class Content(NamedTuple):
    """Marked content: on which page, and under which number there (MCID)."""

    page: int
    number: int


class Tree:
    """The elements of a document, and where in them the next mark belongs."""

    def __init__(self) -> None:
        self.elements = [Element(Tag("Document"), 0, -1)]
        self.owners: list[list[Element]] = []  # of each page, the owner of each marked content
        self._open = [self.elements[0]]
        self._artifacts = 0  # tags that are open since an artifact began
        self._paragraph: Element | None = None

    def turn(self) -> None:
        """Begins the next page."""
        self.owners.append([])
        self._paragraph = None

    def take(self, tag: Tag) -> None:
        """Opens an element, or closes the last one."""
        self._paragraph = None
        if tag is END:
            if self._artifacts:
                self._artifacts -= 1
            else:
                self._open.pop()
        elif self._artifacts or tag.kind == "Artifact":
            self._artifacts += 1
        else:
            self._open.append(self._again(tag) if tag.again else self._add(tag))

    def _add(self, tag: Tag) -> Element:
        parent = self._open[-1]
        element = Element(tag, len(self.elements), parent.number)
        self.elements.append(element)
        parent.content.append(element)
        return element

    def _again(self, tag: Tag) -> Element:
        for element in reversed(self._open[-1].content):
            if isinstance(element, Element) and element.tag.kind == tag.kind:
                return element
        raise ValueError(f"no {tag.kind} to go on with")

    def owner_of_text(self) -> Element | None:
        """The element that a text belongs to here; None where it is an artifact."""
        if self._artifacts:
            return None
        owner = self._open[-1]
        if owner.tag.kind in _HOLDERS:
            if owner.tag.kind not in _GROUPS:
                raise ValueError(f"text directly in {owner.tag.kind}")
            if self._paragraph is None:
                self._paragraph = self._add(Tag("P"))
            owner = self._paragraph
        return owner

    def owner_of_drawing(self) -> Element | None:
        """The figure that a drawing belongs to here; elsewhere it is an artifact."""
        owner = self._open[-1]
        return owner if owner.tag.kind == "Figure" and not self._artifacts else None

    def begin(self, owner: Element | None) -> str:
        """The operator that begins marked content of this owner."""
        if owner is None:
            return "/Artifact BMC"
        owners = self.owners[-1]
        number = len(owners)
        owners.append(owner)
        owner.content.append(Content(len(self.owners) - 1, number))
        return f"/{owner.tag.kind} <</MCID {number}>> BDC"

    @property
    def links(self) -> list[Element]:
        return [element for element in self.elements if element.tag.kind == "Link"]


def objects(
    tree: Tree,
    first: int,
    pages: Sequence[str],
    links: dict[int, str],
    text: Callable[[str], str],
) -> list[str]:
    """The objects of a tree, to be numbered from `first` on: its root, the parent tree, elements.

    Args:
      pages: the reference of each page.
      links: the reference of the annotation of each link, by the number of its element.
      text: writes a text string.
    """
    base = first + 2

    def ref(element: Element) -> str:
        return f"{base + element.number} 0 R"

    parents = [f"{i} [{' '.join(map(ref, owners))}]" for i, owners in enumerate(tree.owners)]
    parents += [f"{i} {ref(link)}" for i, link in enumerate(tree.links, len(tree.owners))]
    written = [
        f"<</Type /StructTreeRoot /K {base} 0 R /ParentTree {first + 1} 0 R"
        f" /ParentTreeNextKey {len(parents)}>>",
        f"<</Nums [{' '.join(parents)}]>>",
    ]
    for element in tree.elements:
        tag, page = element.tag, None
        kids = []
        for kid in element.content:
            if isinstance(kid, Element):
                kids.append(ref(kid))
            elif page is None or page == kid.page:
                page = kid.page
                kids.append(str(kid.number))
            else:
                kids.append(f"<</Type /MCR /Pg {pages[kid.page]} /MCID {kid.number}>>")
        parent = first if element.parent < 0 else base + element.parent
        entries = [f"<</S /{tag.kind} /P {parent} 0 R"]
        if page is not None:
            entries.append(f"/Pg {pages[page]}")
        if tag.kind == "Link":
            kids.append(f"<</Type /OBJR /Obj {links[element.number]}>>")
        elif tag.alt:
            entries.append(f"/Alt {text(tag.alt)}")
        if tag.scope:
            entries.append(f"/A <</O /Table /Scope /{tag.scope}>>")
        if tag.kind == "Figure" and element.bounds:
            box = " ".join(f"{value:.2f}" for value in element.bounds)
            entries.append(f"/A <</O /Layout /Placement /Block /BBox [{box}]>>")
        if kids:
            entries.append(f"/K {kids[0]}" if len(kids) == 1 else f"/K [{' '.join(kids)}]")
        written.append(" ".join(entries) + ">>")
    return written
