"""docs/reference.md is what the schemas say, and they say it in both languages."""

import importlib.util
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import house

SCHEMAS = sorted((house.HOME / "schemas").glob("*.json"))


def written() -> ModuleType:
    path = house.HOME / "tools" / "write_reference.py"
    spec = importlib.util.spec_from_file_location("write_reference", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def objects(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a schema, with its place."""
    if isinstance(value, dict):
        yield place, value
        for key, child in value.items():
            yield from objects(child, f"{place}/{key}")
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from objects(child, f"{place}/{i}")


def test_the_document_is_what_the_schemas_say():
    assert (house.HOME / "docs" / "reference.md").read_text() == written().document()


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_what_is_said_in_english_is_said_in_french(path):
    for place, one in objects(json.loads(path.read_text())):
        if isinstance(one.get("title"), str) and not place.endswith(
            ("/then/properties", "/properties")
        ):
            assert one.get("x-fr-title"), place
        if isinstance(one.get("description"), str) and "x-rejected" not in place and place:
            assert one.get("x-fr"), place


def test_every_key_of_a_client_has_its_row_twice():
    text = (house.HOME / "docs" / "reference.md").read_text()
    for key in ("payment_terms.days", "plans[].items[].charge", "plans[].discounts[].percent"):
        assert text.count(f"| `{key}` |") == 2, key
    for model in ("flat", "per_unit", "graduated, volume", "package", "percentage"):
        assert text.count(f"### `plans[].items[]`, charge: {model}\n") == 2


def test_the_schema_that_an_example_names_is_there():
    for path in (house.HOME / "examples").rglob("*.json"):
        value = json.loads(path.read_text())
        if "$schema" in value:
            # Written for demo/, which stands as deep as examples/.
            assert (path.parent / value["$schema"]).resolve().parent == house.HOME / "schemas", path
            assert (path.parent / value["$schema"]).exists(), path
