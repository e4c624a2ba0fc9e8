"""Writes the table of rooms in docs/architecture.md, from what scripts/lib says and imports.

    .venv/bin/python tools/write_architecture.py

A room is a package of scripts/lib; what it and its modules are is the first paragraph of their
docstrings. A room imports from itself and from the floors below it, from no other.
"""

import ast
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).resolve().parents[1]
LIB = HOME / "scripts" / "lib"
PAGE = HOME / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: made by tools/write_architecture.py -->", "<!-- end of rooms -->"

FLOORS = (
    ("core",),
    ("values",),
    ("inputs",),
    ("billing",),
    ("books",),
    ("documents",),
    ("accounting", "bank", "mail", "platform"),
    ("audit", "summary"),
)


class Import(NamedTuple):
    """One import of a module of a room: where it stands, and the room that it imports from."""

    place: str
    room: str
    of: str


def floor_of(room: str) -> int:
    """The floor of a room, from 1.

    Raises:
      StopIteration: if it has none.
    """
    return next(i for i, rooms in enumerate(FLOORS, 1) if room in rooms)


def imports(room: str) -> list[Import]:
    """What the modules of a room import of scripts/lib."""
    found = []
    for path in sorted((LIB / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lib."):
                place = f"{path.relative_to(HOME).as_posix()}:{node.lineno}"
                found.append(Import(place, room, node.module.split(".")[1]))
    return found


def table() -> str:
    """The floors from the ground up, then the modules of each room."""
    lines = ["| floor | room | what it holds | imports from |", "|---|---|---|---|"]
    for floor, rooms in enumerate(FLOORS, 1):
        for room in rooms:
            below = {one.of for one in imports(room)} - {room}
            names = ", ".join(sorted(below, key=lambda name: (floor_of(name), name)))
            lines.append(f"| {floor} | `{room}` | {_says(LIB / room / '__init__.py')} | {names} |")
    for rooms in FLOORS:
        for room in rooms:
            lines += ["", f"**{room}**", "", "| module | what it is |", "|---|---|"]
            for path in sorted(LIB.joinpath(room).iterdir()):
                module = path if path.suffix == ".py" else path / "__init__.py"
                if module.exists() and path.stem != "__init__":
                    lines.append(f"| `{path.stem}` | {_says(module)} |")
    return "\n".join(lines) + "\n"


def _says(path: Path) -> str:
    """The first paragraph of a docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n")[0].replace("\n", " ").rstrip(".")


def page() -> str:
    """docs/architecture.md with its table made again."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
