"""What the documents made from schemas/ share: words of a schema in English and French, tables."""

import json
from collections.abc import Iterable, Sequence
from typing import Any


def content(found: dict[str, Any], french: bool) -> str:
    """What a value is and its limits, with its choices where it has some."""
    title: str = found["x-fr-title" if french else "title"]
    if "enum" in found and found["enum"] != found["examples"]:
        title += ": " + ", ".join(code(one) for one in found["enum"])
    return title


def code(value: Any) -> str:
    """A value as a file has it; a text without its quotes."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = {"\t": "tab", "|": r"\|"}.get(text, text)
    return f"`{shown}`"


def meaning(found: dict[str, Any], french: bool) -> str:
    """What a value is for."""
    text: str = found["x-fr" if french else "description"]
    return text


def table(rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose first row is its headings."""
    heads, *rest = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *rest))
