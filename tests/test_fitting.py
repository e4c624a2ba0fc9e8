"""Whether a value fits its schema: the checks that answer at once, and jsonschema."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import house
from lib.inputs import schemas
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


@pytest.mark.parametrize("kind", NAMES)
def test_the_checks_of_every_schema_can_be_put_together(kind):
    agree(kind, {})


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
