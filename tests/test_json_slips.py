"""A slip in JSON is named where it stands, and its remedy, taken literally, puts it right."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import house
from lib.core import json_slips, messages, strict_json
from lib.core.faults import Refused
from lib.core.json_slips import Slip

GOOD = """{
  "id": "nord",
  "list": [1, 2],
  "named": {"a": true}
}
"""


def slip_of(text: str) -> Slip | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return json_slips.find(text, error)
    return None


def edited(text: str, slip: Slip) -> str:
    """The text once the remedy of a slip is followed."""
    return text[: slip.at] + slip.written + text[slip.at + len(slip.removed) :]


def fixed(text: str, most: int) -> Any:
    """What the text says once each remedy is followed."""
    for _ in range(most):
        slip = slip_of(text)
        assert slip is not None
        text = edited(text, slip)
        if slip_of(text) is None:
            return json.loads(text)
    raise AssertionError(text)


SLIPS = {
    "a comma is missing": ('"nord",', '"nord"', "line 2, column 15", "write , here"),
    "a comma too many": ("2]", "2,]", "line 3, column 16", "remove ,"),
    "a comma before the end": ("true}\n}", "true},\n}", "line 4, column 23", "remove ,"),
    "a colon is missing": ('"id":', '"id"', "line 2, column 7", "write : here"),
    "another sign": ('"nord",', '"nord";', "line 2, column 15", "write , in place of ;"),
    "quotes of a word processor": (
        '"nord"',
        "«\u00a0nord\u00a0»",
        "line 2, column 9",
        'write "nord" in place of «',
    ),
    "no quotes": ('"nord"', "nord", "line 2, column 9", 'write "nord" in place of nord'),
    "a name without quotes": ('"id"', "id", "line 2, column 3", 'write "id" in place of id'),
    "no quote at the beginning": ('"id"', 'id"', "line 2, column 3", 'write " here'),
    "a French truth": ("true", "oui", "line 4, column 18", "write true in place of oui"),
    "no quote at the end": ('"nord",', '"nord,', "line 2, column 14", 'write " here'),
    "quotes within a text": ('"nord"', '"le "nord""', "line 2, column 10", '\\"nord\\"'),
    "a line break": ('"nord"', '"no\n  rd"', "line 2, column 12", "in place of the line break"),
    "a tab": ('"nord"', '"no\trd"', "line 2, column 12", "in place of the tab"),
    "a capital": ("true", "True", "line 4, column 18", "write true in place of True"),
    "a percentage": ("true", "20 %", "line 4, column 18", 'write "20 %" in place of 20 %'),
    "a decimal comma": ("[1, 2]", "1,5", "line 3, column 11", 'write "1.5" in place of 1,5'),
    "a zero first": ("[1, 2]", "044", "line 3, column 11", 'write "044" in place of 044'),
    "a comment": ("{\n  ", "{\n  // moi\n  ", "line 2, column 3", "remove // moi"),
    "no bracket": ("2],", "2,", "line 3, column 16", "write ] here"),
    "a bracket too many": ("2]", "2]]", "line 3, column 17", "remove ]"),
    "no brace at the end": ("true}\n}\n", "true}\n", "line 4, column 23", "write } here"),
    "a brace too many": ("true}\n}", "true}\n}\n}", "line 6, column 1", "remove }"),
    "a path": ('"nord"', '"C:\\x"', "line 2, column 12", "write \\\\ in place of \\"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_named_where_it_stands_and_its_remedy_puts_it_right(name):
    old, new, place, remedy = SLIPS[name]
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    with pytest.raises(Refused) as refused:
        strict_json.parse("file.json", text.encode())
    (alert,) = refused.value.alerts
    assert alert.place == place
    assert remedy in str(alert.fault.remedy)
    for word in ("Expecting", "delimiter", "property", "Unterminated", "Invalid"):
        assert word not in alert.text
    value = fixed(text, 1)
    assert set(value) == {"id", "list", "named"}


@pytest.mark.parametrize("text", ["", " \n", "bonjour", '"id": "nord"', "{", '{"a', '{"a":', "["])
def test_what_is_hardly_json_has_a_remedy_at_each_step(text):
    fixed(text, 6)


VALUES = [
    json.dumps(value, indent=indent, ensure_ascii=False)
    for value in (house.client(), house.issuer(), house.order("nord", "site"))
    for indent in (None, 2)
]


@st.composite
def broken(draw: Any) -> str:
    """A file of the house in which some characters were left out, doubled or mistyped."""
    text = draw(st.sampled_from(VALUES))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text) - 1))
        length = draw(st.integers(0, 2))
        typed = draw(
            st.sampled_from(["", *"{}[]\",:;='«»“\\/#%5é\n\t\u00a0", "true", "oui", "5,5"])
        )
        text = text[:at] + typed + text[at + length :]
    return text


@given(broken())
def test_a_remedy_taken_literally_ends_the_fault_or_uncovers_another(text):
    slip = slip_of(text)
    steps = 0
    while slip:
        assert 0 <= slip.at <= len(text)
        assert text[slip.at :].startswith(slip.removed)
        assert str(slip.remedy) and str(slip.found)
        text = edited(text, slip)
        following = slip_of(text)
        assert following != slip
        slip, steps = following, steps + 1
        assert steps < 300, text


def test_the_place_of_a_slip_is_in_the_operators_language():
    messages.speak("fr")
    with pytest.raises(Refused) as refused:
        strict_json.parse("issuer.json", b'{\n  "name": }')
    [alert] = refused.value.alerts
    assert alert.place == "ligne 2, colonne 10"
    assert 'écrivez "" à cet endroit' in str(alert.fault.remedy)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("{}".encode("utf-16"), "text in UTF-16"),
        (b"{\\rtf1\\ansi {}}", "a document of a word processor (RTF)"),
        (b"PK\x03\x04\x14\0", "a workbook, a document of Word or an archive"),
        (b"<!DOCTYPE html><html>", "a web page"),
    ],
)
def test_a_file_of_another_kind_is_named_as_what_it_is(data, kind):
    with pytest.raises(Refused) as refused:
        strict_json.parse("issuer.json", data)
    (alert,) = refused.value.alerts
    assert (
        alert.text
        == f"is {kind}, not JSON; save it as plain text in UTF-8, under the name that it has"
    )
