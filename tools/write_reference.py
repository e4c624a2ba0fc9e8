"""Writes docs/reference.md: every key of every file that people write, from schemas/.

    .venv/bin/python tools/write_reference.py

English first, then French; what a key means is said in the schemas alone.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HOME = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOME / "scripts"), str(HOME / "tools")]

import schema_words  # noqa: E402

from lib.inputs import schemas  # noqa: E402


class Section(NamedTuple):
    """A table: what it is about, and where its object stands in a schema."""

    heading: str
    schema: str
    path: tuple[str, ...] = ()


FILES = (
    Section("`issuer.json`", "issuer"),
    Section("`bank_files` in `issuer.json`", "bank_file"),
    Section("`platform` in `issuer.json` and of a batch client", "platform"),
    Section("`.env`", "settings"),
    Section("`clients/<id>.json`", "client"),
    Section("`batch_clients/<id>.json`", "batch_client"),
    Section("`data/indices/<name>.json`", "index"),
    Section("`data/usage/<client>/<month>.<source>.json`", "usage"),
    Section("`data/orders/<client>/<order>.json`", "order"),
    Section("`make payment`, `make refund`, `make payments-import`", "payment"),
    Section("`make payment-reverse`", "payment_reversal"),
    Section("`make write-off`", "write_off"),
    Section("opening.csv, for `make opening`", "opening"),
    Section("`make opening-reverse`", "opening_reversal"),
    Section("`make credit-note LINES=file.json`", "credit_lines"),
)
# Objects that several keys have: a table each, which their rows point to.
SHARED = (
    Section("`party`", "party"),
    Section("`address`, `delivery_address`", "common", ("$defs", "address")),
)
CHARGES = {
    "flat": "flat",
    "per_unit": "per_unit",
    "graduated, volume": "tiered",
    "package": "package",
    "percentage": "percentage",
}
HEADS = {
    "en": ("key", "content and limits", "required", "example", "what it is"),
    "fr": ("clé", "contenu et limites", "obligatoire", "exemple", "ce que c'est"),
}
TITLES = {
    "en": "# Reference: the files that people write\n\nMade from `schemas/` by"
    " `tools/write_reference.py`; the French half follows. An unknown key is an error. Amounts"
    " are texts. The CSV of a batch has its own page: [format_csv.md](format_csv.md).",
    "fr": "# Référence : les fichiers que l'on écrit\n\nFait à partir de `schemas/` par"
    " `tools/write_reference.py`. Une clé inconnue est une erreur. Les montants sont des textes."
    " Le CSV d'un lot a sa propre page : [format_csv.fr.md](format_csv.fr.md).",
}


def document() -> str:
    """Both halves."""
    return "\n\n---\n\n".join(_half(language) for language in ("en", "fr")) + "\n"


def _half(language: str) -> str:
    french = language == "fr"
    parts = [TITLES[language]]
    for section in (*FILES, *SHARED):
        found = schemas.resolved(section.schema, section.path)
        parts.append(f"## {section.heading}")
        if "description" in found:
            parts.append(schema_words.meaning(found, french))
        parts.append(_table(section.schema, section.path, language))
        if section.schema == "client":
            for heading, name in CHARGES.items():
                parts.append(f"### `plans[].items[]`, charge: {heading}")
                parts.append(_table("client", ("$defs", name), language))
    return "\n\n".join(parts)


def _table(schema: str, path: tuple[str, ...], language: str) -> str:
    found = schemas.resolved(schema, path)
    return schema_words.table([HEADS[language], *_rows(found, "", language == "fr")])


def _rows(found: dict[str, Any], prefix: str, french: bool) -> Iterator[tuple[str, ...]]:
    """A row for each key of an object, and for those of the objects in it."""
    required = found.get("required", [])
    for name in found["properties"]:
        value = _value(found["properties"][name])
        # `charge` is true where another schema has chosen it; $schema is the editors'.
        if name == "$schema" or not value:
            continue
        key = f"{prefix}{name}"
        needed = ("oui" if french else "yes") if name in required else ""
        yield (
            f"`{key}`",
            schema_words.content(value, french),
            needed,
            _example(value),
            schema_words.meaning(value, french),
        )
        if not _is_shared(found["properties"][name]):
            inside, mark = value, "."
            if "items" in value:
                inside, mark = _value(value["items"]), "[]."
            if "properties" in inside:
                yield from _rows(inside, f"{key}{mark}", french)


def _value(place: Any) -> dict[str, Any]:
    """A schema with its reference followed; references in schemas/ name their file."""
    if place is True:
        return {}
    return schemas.resolved_of(place)


def _is_shared(place: dict[str, Any]) -> bool:
    reference = place.get("$ref", "")
    return reference.endswith(("party.schema.json", "/address", "/item", "/description"))


def _example(value: dict[str, Any]) -> str:
    """The first example, of a simple value; an object shows its keys in rows of their own."""
    if "properties" in value or ("items" in value and "properties" in _value(value["items"])):
        return ""
    if "x-separator" in value:  # a list in one text, as .env has it
        return schema_words.code(f"{value['x-separator']} ".join(value["examples"][0]))
    return schema_words.code(value["examples"][0]) if "examples" in value else ""


def main() -> None:
    """Writes the file."""
    (HOME / "docs" / "reference.md").write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
