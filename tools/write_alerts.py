"""Writes docs/alerts.md and docs/alerts.fr.md: every code that the program reports, from
scripts/lib/core/codes.json.

    .venv/bin/python tools/write_alerts.py

The prose around the tables stands in tools/alerts.en.md and tools/alerts.fr.md.
"""

import json
import sys
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOME / "tools"), str(HOME / "scripts")]

import schema_words  # noqa: E402

REGISTRY = HOME / "scripts" / "lib" / "core" / "codes.json"
PAGES = {"en": HOME / "docs" / "alerts.md", "fr": HOME / "docs" / "alerts.fr.md"}
HEADINGS = {
    "en": ("code", "what it means", "what to do"),
    "fr": ("code", "ce qu'il veut dire", "que faire"),
}


def registry() -> dict[str, dict[str, Any]]:
    """Code -> its exit status (B-) or kind (I-), and what it means and asks in each language."""
    codes: dict[str, dict[str, Any]] = json.loads(REGISTRY.read_text(encoding="utf-8"))
    return codes


def page(language: str) -> str:
    """The page in a language."""
    template = Path(__file__).with_name(f"alerts.{language}.md").read_text(encoding="utf-8")
    exits = {f"exit_{status}": _table(language, "exit", status) for status in range(1, 5)}
    notices = _table(language, "kind", "notice")
    events = _table(language, "kind", "event")
    return template.format(**exits, notices=notices, events=events)


def _table(language: str, key: str, value: int | str) -> str:
    """The codes of one exit status or kind; events ask nothing, so they have no remedy."""
    rows = [
        (f"`{code}`", *entry[language].values())
        for code, entry in registry().items()
        if entry.get(key) == value
    ]
    return schema_words.table([HEADINGS[language][: len(rows[0])], *rows])


if __name__ == "__main__":
    for spoken, path in PAGES.items():
        path.write_text(page(spoken), newline="", encoding="utf-8")
