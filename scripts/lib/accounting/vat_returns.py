"""The boxes of VAT returns: vat_returns.json, a form an entry, each with its source and its day."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def boxes(form: str) -> dict[str, dict[str, Any]]:
    """The boxes of a form, by what they hold; those of rates by their own names."""
    (entry,) = (entry for entry in sources() if entry["id"] == form)
    return {
        box["box"] if box["holds"] in ("rate", "particular") else box["holds"]: box
        for box in entry["boxes"]
    }


def sources() -> list[dict[str, Any]]:
    """The forms as they stand in the table: each names its source and its day."""
    path = Path(__file__).with_suffix(".json")
    entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return entries
