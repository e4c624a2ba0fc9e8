"""The structure tree of a document: what a screen reader says of its pages, and in which order.

Tags stand between the marks of a page: one opens an element, END closes what was opened last, and
what is open stays open on the next page. Kinds are those of ISO 32000-1, 14.8.4; what PDF/UA-1
(ISO 14289-1) and PDF/A-3A (ISO 19005-3) want of them is written with them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct


class Tag(NamedTuple):
    """Opens an element, which is as much as its kind says it is: H1, P, Table, TR, TD, L, LI, …

    `alt` says in words what a Figure shows, or where a Link leads; `scope` is Column or Row, of a
    TH; `uri` is where a Link leads; `span` is the number of columns that a TD stands in, where
    they are several; `again` goes on with the last element of its kind within the one that is open.
    """

    kind: str
    alt: str = ""
    scope: str = ""
    uri: str = ""
    span: int = 0
    again: bool = False


END = Tag("")
TR, TD, LI = Tag("TR"), Tag("TD"), Tag("LI")
COLUMN_HEADING, ROW_HEADING = Tag("TH", scope="Column"), Tag("TH", scope="Row")
ARTIFACT = Tag("Artifact")  # what repeats or decorates; tags within it mean nothing
# What holds elements alone; where text stands in one of the first three, it is a paragraph.
_GROUPS = ("Document", "Sect", "Div")
_HOLDERS = (*_GROUPS, "Table", "THead", "TBody", "TR", "L", "LI")
_BOUNDED = ("Figure", "Link")  # where they stand is written with them

Bounds = tuple[float, float, float, float]  # left, bottom, right, top


class Element(Struct, eq=False, gc=False):
    """An element of the tree; `content` has what it holds: elements and marked contents.

    A marked content is known by its page and its number there (MCID).
    """

    tag: Tag
    number: int
    parent: int
    content: list["Element | tuple[int, int]"] = []
    bounds: Bounds | None = None

    @property
    def page(self) -> int:
        """The one on which its first marked content is."""
        return next(kid[0] for kid in self.content if not isinstance(kid, Element))

    @property
    def is_bounded(self) -> bool:
        return self.tag.kind in _BOUNDED

    def include(self, bounds: Bounds) -> None:
        """Takes up the bounds of a mark."""
        left, bottom, right, top = self.bounds or bounds
        self.bounds = (
            min(left, bounds[0]),
            min(bottom, bounds[1]),
            max(right, bounds[2]),
            max(top, bounds[3]),
        )


# The owner of what repeats or decorates, and the one that is not known before a text comes.
_NOBODY = Element(ARTIFACT, -1, -1)
_UNKNOWN = Element(END, -1, -1)


class Tree:
    """The elements of a document, and where in them the next mark belongs."""

    def __init__(self) -> None:
        document = Element(Tag("Document"), 0, -1)
        self.elements = [document]
        self.owners: list[list[Element]] = []  # of each page, the owner of each marked content
        self._open = [document]
        self._artifacts = 0  # tags that are open since an artifact began
        self._owner = _UNKNOWN  # of text

    def turn(self) -> None:
        """Begins the next page."""
        self.owners.append([])
        self._owner = _UNKNOWN

    def take(self, tag: Tag) -> None:
        """Opens an element, or closes the last one."""
        self._owner = _UNKNOWN
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

    def owner_of_text(self) -> Element:
        """The element that a text belongs to here."""
        if self._owner is _UNKNOWN:
            owner = self._open[-1]
            if self._artifacts:
                owner = _NOBODY
            elif owner.tag.kind in _HOLDERS:
                if owner.tag.kind not in _GROUPS:
                    raise ValueError(f"text directly in {owner.tag.kind}")
                owner = self._add(Tag("P"))
            self._owner = owner
        return self._owner

    def owner_of_drawing(self) -> Element:
        """The figure that a drawing belongs to here; elsewhere it is an artifact."""
        owner = self._open[-1]
        return owner if owner.tag.kind == "Figure" and not self._artifacts else _NOBODY

    def begin(self, owner: Element) -> str:
        """The operator that begins marked content of this owner."""
        if owner is _NOBODY:
            return "/Artifact BMC"
        owners = self.owners[-1]
        number = len(owners)
        owners.append(owner)
        owner.content.append((len(self.owners) - 1, number))
        return f"/{owner.tag.kind} <</MCID {number}>> BDC"

    @property
    def links(self) -> list[Element]:
        return [element for element in self.elements if element.tag.uri]


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
    numbers = range(first, first + 2 + len(tree.elements))
    root, parent_tree, *refs = [f"{number} 0 R" for number in numbers]
    parents = [
        f"{i} [{' '.join([refs[owner.number] for owner in owners])}]"
        for i, owners in enumerate(tree.owners)
    ]
    parents += [f"{i} {refs[link.number]}" for i, link in enumerate(tree.links, len(tree.owners))]
    written = [
        f"<</Type /StructTreeRoot /K {refs[0]} /ParentTree {parent_tree}"
        f" /ParentTreeNextKey {len(parents)}>>",
        f"<</Nums [{' '.join(parents)}]>>",
    ]
    for element in tree.elements:
        tag, page, kids, more = element.tag, -1, [], ""
        for kid in element.content:
            if isinstance(kid, Element):
                kids.append(refs[kid.number])
                continue
            its_page, number = kid
            if page in (-1, its_page):
                page = its_page
                kids.append(f"{number}")
            else:
                kids.append(f"<</Type /MCR /Pg {pages[its_page]} /MCID {number}>>")
        if page >= 0:
            more = f" /Pg {pages[page]}"
        if tag.scope:
            more += f" /A <</O /Table /Scope /{tag.scope}>>"
        elif tag.span:
            more += f" /A <</O /Table /ColSpan {tag.span}>>"
        elif tag.uri:
            kids.append(f"<</Type /OBJR /Obj {links[element.number]}>>")
        elif tag.alt:
            more += f" /Alt {text(tag.alt)}"
        if element.bounds and not tag.uri:
            box = " ".join([f"{value:.2f}" for value in element.bounds])
            more += f" /A <</O /Layout /Placement /Block /BBox [{box}]>>"
        if kids:
            more += f" /K {kids[0]}" if len(kids) == 1 else f" /K [{' '.join(kids)}]"
        parent = root if element.parent < 0 else refs[element.parent]
        written.append(f"<</S /{tag.kind} /P {parent}{more}>>")
    return written
