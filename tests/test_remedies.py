"""Every remedy followed literally: the fault is gone, or the next one is another."""

import copy
import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import batches
import house
from lib.core.faults import Fault
from lib.inputs import schemas
from test_batch_csv import faults as batch_faults

EXAMPLES = house.HOME / "examples"
KINDS = {
    "client": "clients/*.json",
    "batch_client": "batch_clients/*.json",
    "issuer": "issuer.json",
    "order": "data/orders/*/*.json",
    "usage": "data/usage/*/*.json",
    "index": "data/indices/*.json",
}
FILES = {
    kind: [json.loads(path.read_bytes()) for path in sorted(EXAMPLES.glob(pattern))]
    for kind, pattern in KINDS.items()
}
Steps = tuple[str | int, ...]


def places_in(value: Any, path: Steps = ()) -> list[Steps]:
    """Every key and entry of a file."""
    entries = value.items() if isinstance(value, dict) else []
    entries = enumerate(value) if isinstance(value, list) else entries
    return [
        found for key, part in entries for found in ((*path, key), *places_in(part, (*path, key)))
    ]


def part_of(value: Any, path: Steps) -> Any:
    for step in path:
        value = value[step]
    return value


def written(text: str) -> list[str]:
    """How people write a value: what a spreadsheet, another country or habit makes of it."""
    ways = [f" {text}", f"{text} ", text.upper(), text.lower(), text.replace(".", ","), ""]
    ways += [f"{text} %", f"{text} €", f"{text},00", f"+{text}", f"-{text}", f"{text}{text}"]
    ways += [" ".join(text), f"{text[:3]} {text[3:]}", text[:-1], f"{text[:-1]}7", f"{text}é"]
    ways += ["oui", "non", "France", "euros", "31/02/2026", "46297", "1 234,5", "?", "\u0301"]
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = date.fromisoformat(text)
        ways += [day.strftime(form) for form in ("%d/%m/%Y", "%d.%m.%y", "%Y%m%d", "%m/%d/%Y")]
    if re.fullmatch(r"\d{4}-\d{2}", text):
        ways += [f"{text[5:]}/{text[:4]}", f"{text}-31", "octobre 2026"]
    return ways


def slips(value: Any) -> list[Any]:
    """What somebody may have written in the place of a value."""
    if isinstance(value, str):
        return [
            *written(value),
            [value],
            {value: value},
            None,
            *map(int, re.findall(r"^[0-9]+$", value)),
        ]
    if isinstance(value, bool):
        return ["oui", "non", "true", "false", "True", 1, 0, "vrai", None]
    if isinstance(value, int):
        return [str(value), f"{value} jours", -value - 1, value + 1000, [value], f"{value},5"]
    return ["", "oui", [], {}, None, [value], 5]


@st.composite
def broken(draw: Any) -> tuple[str, Any]:
    """A file in which a value, a key or an entry was changed."""
    kind = draw(st.sampled_from(sorted(FILES)))
    value = copy.deepcopy(draw(st.sampled_from(FILES[kind])))
    path = draw(st.sampled_from(places_in(value)))
    around, key = part_of(value, path[:-1]), path[-1]
    match draw(st.sampled_from(["value", "value", "value", "value", "name", "gone", "more"])):
        case "name" if isinstance(key, str):
            around[draw(st.sampled_from([key[:-1], f"{key}s", key.upper(), "x"]))] = around.pop(key)
        case "gone":
            del around[key]
        case "more" if isinstance(around, list):
            around.append(copy.deepcopy(around[key]))
        case _:
            around[key] = draw(st.sampled_from(slips(around[key])))
    return kind, value


def steps_of(place: str) -> list[str | int]:
    """plans[0].items[1].price -> plans, 0, items, 1, price."""
    names = re.findall(r"\[(\d+)\]|([^.\[\]]+)", place)
    return [int(index) if index else name for index, name in names]


def values_in(text: str) -> list[Any]:
    """The JSON values that a remedy names, one after another."""
    decoder, values = json.JSONDecoder(), []
    position = 0
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
            values.append(value)
        except json.JSONDecodeError:
            position += 1
        following = re.match(r",? (or )?", text[position:])
        if values and following and not following[0]:
            break
        position += len(following[0]) if following and values else 0
    return values


def followed(value: Any, fault: Fault) -> list[Any]:
    """The file after each way of doing what a remedy says; none where it names no value."""
    remedy, steps = str(fault.remedy or ""), steps_of(fault.place)
    if not steps:
        return []

    def changed(action: Any) -> Any:
        one = copy.deepcopy(value)
        around = part_of(one, tuple(steps[:-1]))
        action(around, steps[-1])
        return one

    if close := re.fullmatch(r'did you mean "(.*)"\?', remedy):
        return [changed(lambda around, key: around.update({close[1]: around.pop(key)}))]
    if remedy == "remove it":
        return [changed(lambda around, key: around.pop(key))]
    if match := re.fullmatch(r"(?:write(?: one of| one such as)?|its form is|only) (.*)", remedy):
        numbers = (
            match[1][:1] in '"[{' or match[1][:1].isdecimal() or match[1].startswith(("t", "f"))
        )
        named = values_in(match[1]) if numbers else []
    elif match := re.fullmatch(r"add .* such as (.*)", remedy):
        named = values_in(match[1])[:1]
    else:
        return []
    return [changed(lambda around, key, v=v: around.__setitem__(key, v)) for v in named]


@given(broken())
def test_what_a_remedy_of_a_json_file_says_ends_its_fault(found):
    kind, value = found
    for alert in schemas.faults(value, kind, "file.json"):
        for after in followed(value, alert.fault):
            left = schemas.faults(after, kind, "file.json")
            same = [one for one in left if (one.place, one.text) == (alert.place, alert.text)]
            assert not same, (str(alert), after)


CELLS = sorted(schemas.content("batch_row")["properties"]) + [
    f"{name}_1" for name in schemas.content("batch_row")["$defs"]["group"]["properties"]
]
FULL = batches.row(unit_price_1="80,50")


@st.composite
def wrong_cell(draw: Any) -> tuple[str, str]:
    name = draw(st.sampled_from(CELLS))
    plain = name.removesuffix("_1") if name.endswith("_1") and name not in CELLS[:32] else name
    part = schemas.content("batch_row")
    entry = part["properties"].get(name) or part["$defs"]["group"]["properties"][plain]
    example = str(entry.get("examples", ["12.50"])[0])
    ways = [*written(example), *entry["x-rejected"], FULL.get(name, "x")]
    return name, draw(st.sampled_from([way for way in ways if way and "\n" not in way]))


@given(wrong_cell())
def test_what_a_remedy_of_a_cell_says_ends_its_fault(found):
    name, text = found
    row = FULL | {name: text}
    for fault in batch_faults(batches.file_of(row)):
        remedy = str(fault.remedy)
        named = re.match(r'write ("[^"]*"(?: or "[^"]*")*)', remedy)
        for right in re.findall('"([^"]*)"', named[1]) if named and fault.column else []:
            left = batch_faults(batches.file_of(row | {fault.column: right}))
            same = [(one.column, str(one.expected), str(one.remedy)) for one in left]
            assert (fault.column, str(fault.expected), remedy) not in same, (fault, right)


TYPED = [("common", ("$defs", name)) for name in schemas.content("common")["$defs"]]
for schema in ("settings", "payment", "opening", "write_off", "payment_reversal"):
    TYPED += [(schema, ("properties", name)) for name in schemas.content(schema)["properties"]]


@pytest.mark.parametrize(("schema", "path"), TYPED)
def test_what_a_remedy_of_a_typed_value_says_is_one(schema, path):
    """Values of commands, of .env and of the lines of a CSV."""
    entry = schemas.resolved(schema, path)
    if entry.get("type") != "string" and "enum" not in entry:
        return
    check = schemas.check(schema, path)
    for text in written(str((entry.get("examples") or entry.get("enum"))[0])):
        misfit = check(text)
        for meant in misfit.meant if misfit else ():
            assert check(str(meant)) is None, (text, meant)
