"""The figures into docs/performance.md, between its marks, and the graph beside it."""

from collections.abc import Sequence
from typing import Any

import house
from bench import table
from bench.measure import SECOND, Line

DOC = house.HOME / "docs/performance.md"
GRAPH = house.HOME / "docs/performance.svg"
BEGIN, END = "<!-- figures: written by make bench PUBLISH=yes -->", "<!-- end of figures -->"


def write(results: dict[str, Any], lines: Sequence[Line], graph: str) -> None:
    """Rewrites the marked section, and the graph."""
    DOC.write_text(replaced(DOC.read_text(), section(results, lines)))
    GRAPH.write_text(graph)
    print(f"written: {DOC.relative_to(house.HOME)}, {GRAPH.relative_to(house.HOME)}")


def replaced(page: str, made: str) -> str:
    """A page with its marked section made again.

    Raises:
      ValueError: if it has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOC.name} has lost the marks of its figures")
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def section(results: dict[str, Any], lines: Sequence[Line]) -> str:
    """The machine, the versions and the table."""
    machine = results["machine"]
    peers = ", ".join(f"{name} {version}" for name, version in results["peers"].items())
    fixed = results["fixed"]
    return (
        f"Two cores of {machine['processor']}, Linux {machine['kernel']}, Python"
        f" {machine['python']}, fpdf2 {machine['fpdf2']}, saxonche {machine['saxonche']}."
        f" Of the fixed works (tests/bench/fixed.py), computing takes"
        f" {fixed.compute / SECOND:.2f} s of processor, handling {fixed.handle / SECOND:.2f} s."
        f" Beside them: {peers}.\n\n"
        f"{table.markdown(lines, judged=True)}\n\n"
        f"![Time against size, both scales logarithmic]({GRAPH.name})"
    )
