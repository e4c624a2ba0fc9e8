"""Whether a value fits its schema: the checks that answer at once, and jsonschema."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import house
from lib.inputs import fitting, schemas
from test_remedies import FILES, broken

NAMES = sorted(
    path.name.removesuffix(".schema.json")
    for path in (house.HOME / "schemas").glob("*.schema.json")
)
# Values and keys that the schemas speak of, so that what is drawn is not refused at the first look.
WORDS = sorted(
    {
        word
        for path in (house.HOME / "schemas").glob("*.json")
        for word in re.findall(r'"([\w.:-]{1,24})"', path.read_text())
    }
)
LEAVES = st.one_of(
    st.sampled_from(WORDS),
    st.none(),
    st.booleans(),
    st.integers(-2, 400),
    st.decimals(0, 9, places=1),
)
VALUES: Any = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)
    ),
    max_leaves=12,
)


def agree(kind: str, value: Any) -> None:
    said = schemas._fits(kind)(value)
    assert said == schemas._validator(kind).is_valid(value), (kind, value)


# A part of a schema file is a schema where one of these keys has a value of its type.
TELLING = {
    "$ref": str,
    "type": str,
    "properties": dict,
    "required": list,
    "not": dict,
    "const": str,
}


def parts_of(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema that stands in one, and what else may be read as one."""
    if isinstance(schema, dict):
        yield schema
    if isinstance(schema, dict | list):
        for part in schema.values() if isinstance(schema, dict) else schema:
            yield from parts_of(part)


def edges(part: dict[str, Any]) -> Iterator[Any]:
    """Values at the limits of a schema, and of other kinds than its own."""
    yield from (None, True, 0, 1, -1, Decimal("1.0"), "", "a", "a\n", [], {}, ["a", "a"], {"a": 1})
    yield from part.get("examples", [])
    yield from part.get("x-rejected", [])
    for keyword in ("minimum", "maximum"):
        if keyword in part:
            yield from (part[keyword] + step for step in (-1, 0, 1))
    for keyword in ("minLength", "maxLength", "minItems", "maxItems", "maxProperties"):
        for size in range(part[keyword] - 1, part[keyword] + 2) if keyword in part else ():
            yield from ("x" * size, ["x"] * size, {f"a{i}": "x" for i in range(size)})
            yield [f"x{i}" for i in range(size)]
    required = part.get("required", [])
    for keys in (required, required[1:], [*part.get("properties", {})], ["x", *required]):
        yield dict.fromkeys(keys, "x")
        yield dict.fromkeys(keys, True)


@pytest.mark.parametrize("kind", NAMES)
def test_both_agree_at_the_edges_of_every_part_of_a_schema(kind):
    library = fitting.Library(schemas._referred, schemas._FORMATS)
    validator = schemas._validator(kind)
    agree(kind, {})
    for part in parts_of(schemas.content(kind)):
        if not any(type(part.get(key)) is kind_ for key, kind_ in TELLING.items()):
            continue  # the properties of a schema by their names
        check, whole = fitting.check_of(part, library), validator.evolve(schema=part)
        for value in edges(part):
            assert check(value) == whole.is_valid(value), (part, value)


@pytest.mark.parametrize("kind", sorted(FILES))
def test_the_examples_fit_at_once(kind):
    for value in FILES[kind]:
        assert schemas._fits(kind)(value)


@given(broken())
def test_both_accept_and_refuse_the_same_files(found):
    agree(*found)


@given(st.sampled_from(NAMES), VALUES)
def test_both_accept_and_refuse_the_same_values(kind, value):
    agree(kind, value)
