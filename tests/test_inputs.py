"""All input files: whatever people write is read, or refused as a whole and all at once."""

import contextlib
import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import house
from lib.billing import invoicing
from lib.billing.pricing import MissingUsage
from lib.core.faults import Refused
from lib.core.root import Root
from lib.inputs import inputs, schemas


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (
            b'{\n  "id": "nord",\n}\n',
            "line 2, column 15: a comma stands here and nothing follows it; remove ,",
        ),
        (b"", "line 1, column 1: is empty; write { } here"),
        (
            b'{"id": {"id": "id"},\n "of": ["id"],\n  "id": "sud"}',
            'line 3, column 3: the key "id" appears twice in one object; remove one',
        ),
        (b'{"\\"{": 1, "\\"{": 2}', 'line 1, column 12: the key "\\"{" appears twice'),
        (b'{"id": "n\xe9"}', "line 1, column 10: byte 0xE9 is not UTF-8; save the file as UTF-8"),
        (
            b"\xef\xbb\xbf{}",
            'begins with a byte-order mark; save it as "UTF-8", not "UTF-8 with BOM"',
        ),
        (b"[" * 60 + b"]" * 60, "line 1, column 51: is nested too deep: at most 50 levels"),
        (b"\n[" + b"[" * 900 + b"]" * 901, "line 2, column 51: is nested too deep"),
        (b"[" * 100_000, "line 1, column 51: is nested too deep"),
        (
            b'{"id": "9",\n"i": ' + b"9" * 5000 + b"}",
            "line 2, column 6: the number 999999999999999999... is too long",
        ),
        (b'{"id": 1e99999999999999999999}', "line 1, column 8: the number 1e9999999999999999"),
        (
            b'{"id": "NaN",\n "i": [0.5, NaN]}',
            "line 2, column 13: NaN is not a number that JSON has; write the number it",
        ),
        (b"[]", "[] is not "),
        (b"null", "null is not "),
    ],
)
def test_a_file_that_is_not_a_json_object_is_placed(tmp_path, data, line):
    root = house.build(tmp_path)
    house.write(root, "clients/nord.json", data)
    assert house.refusal(root).startswith(f"clients/nord.json: {line}")


def test_a_json_number_is_not_an_amount(tmp_path):
    root = house.build(tmp_path)
    text = json.dumps(house.client()).replace('"15.00"', "15.00")
    house.write(root, "clients/nord.json", text.encode())
    line = 'plans[0].items[1].price: 15.00 is not an amount; write "15.00", in quotes ['
    assert house.refusal(root).startswith(f"clients/nord.json: {line}")


def test_all_problems_of_all_files_are_reported_at_once(tmp_path):
    bad = {"plans.0.items.1.price": "12,50", "zebra": 1, "apple": 2}
    root = house.build(tmp_path, house.client(changes=bad))
    house.put_client(root, house.client("ouest", {"language": "de"}, i=3))
    house.put_client(root, house.client("sud", i=2))
    found = sorted(line.split(": ")[:2] for line in house.refusals(root))
    assert found == [
        ["clients/nord.json", "apple"],
        ["clients/nord.json", "plans[0].items[1].price"],
        ["clients/nord.json", "zebra"],
        ["clients/ouest.json", "language"],
    ]


def test_links_folders_and_pipes_are_not_read_as_files(tmp_path):
    root = house.build(tmp_path / "root")
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(house.client("out", i=2)))
    (root.clients / "out.json").symlink_to(outside)
    (root.clients / "dangling.json").symlink_to(tmp_path / "nowhere")
    (root.clients / "loop.json").symlink_to("loop.json")
    (root.clients / "folder.json").mkdir()
    os.mkfifo(root.clients / "pipe.json")
    house.write(root, "clients/sud.txt", b"")
    said = {line.split(":")[0]: line for line in house.refusals(root)}
    assert "leads out of the root through a symbolic link" in said["clients/out.json"]
    assert "is missing" in said["clients/dangling.json"]
    assert "cannot be read" in said["clients/loop.json"]
    assert "cannot be read" in said["clients/folder.json"]
    assert "cannot be read: it is not a file" in said["clients/pipe.json"]
    assert "is not a .json file" in said["clients/sud.txt"]
    assert len(said) == 6


def test_what_editors_leave_behind_is_not_read(tmp_path):
    root = house.build(tmp_path)
    for name in (".DS_Store", "nord.json~", ".nord.json.swp"):
        house.write(root, f"clients/{name}", b"\xff")
    assert list(inputs.load(root).clients) == ["nord"]


def test_every_placeholder_of_a_new_root_is_named_once(tmp_path):
    ran = house.run("init_root", Root(tmp_path))
    assert ran.code == 0, ran
    root = Root(tmp_path)
    lines = house.refusals(root)
    model = [path.read_text() for path in (root.issuer, root.clients / "first_client.json")]
    assert all("is still to be filled in: <" in line for line in lines)
    assert len(lines) == len(set(lines)) == sum(text.count('"<') for text in model)


# --- whatever people write -----------------------------------------------------------

RICH = house.client(
    changes={
        "plans.0.items": [
            house.item("hosting"),
            house.metered("support", "hours", included="2"),
            house.metered("calls", "hours", charge="graduated") | {"tiers": [
                {"up_to": "10", "unit_price": "0.50"}, {"unit_price": "0.40", "fixed": "5.00"}]},
            house.item("box", charge="package") | {"metric": "hours", "tiers": [{"price": "9.00"}]},
            house.item("fee", charge="percentage") | {"metric": "hours", "rate": "2.5"},
        ],
        "plans.0.discounts": [{"id": "welcome", "description": {"fr": "Remise"}, "percent": "10"}],
        "plans.0.minimum": {"amount": "20.00", "vat_rate": "20"},
        "plans.0.end": "2027-12-31",
        "delivery": {"email": True, "cc": ["a@client.example"]},
    }
)  # fmt: skip
for _entry, _key in ((2, "unit_price"), (3, "price"), (4, "price")):
    RICH["plans"][0]["items"][_entry].pop(_key, None)

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False).map(str),
    st.text(max_size=12),
    st.sampled_from(["2026-13", "2026-10-32", "0", "1e9", "FR", "<x>", "10\n", "9" * 30]),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just({"fr": 1}),
    st.just(1.5),
).map(copy.deepcopy)  # what is written into a list of one example is not in that of the next


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside plain JSON data."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    found = [one for key, child in inner for one in places(child, (*place, key))]
    return [place, *found] if place else found


@st.composite
def mutated(draw: Any, original: Any) -> Any:
    """`original` with one to three things changed, added or taken away."""
    value = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 3))):
        *folders, key = draw(st.sampled_from(places(value)))
        inner = value
        for folder in folders:
            inner = inner[folder]
        action = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if action == "replace":
            inner[key] = draw(ANYTHING)
        elif action == "remove" and len(value) > 1:
            del inner[key]
        elif isinstance(inner, dict):
            inner[draw(st.text(max_size=6))] = draw(ANYTHING)
    return value


def survives(root: Root) -> None:
    """Loading ends with inputs that can be invoiced, or with lines that a person can read."""
    try:
        given_inputs = inputs.load(root)
    except Refused as stop:
        assert stop.alerts
        for alert in stop.alerts:
            assert alert.file
            assert alert.text
            assert str(alert).isprintable()
        return
    client = given_inputs.clients["nord"].client
    with contextlib.suppress(MissingUsage):
        if invoicing.bill(client, house.MONTH, given_inputs.usage, {}).invoices:
            house.draft(root)


@pytest.fixture(scope="module")
def rich_root(tmp_path_factory: Any) -> Root:
    used = house.usage("nord", "2026-10", {"hours": "12"}, house.one_off())
    root = house.build(tmp_path_factory.mktemp("rich"), RICH, used=(used,))
    survives(root)
    house.draft(root)
    return root


@settings(max_examples=120)
@given(st.data())
def test_any_client_file_is_read_or_refused(rich_root, data):
    house.write(rich_root, "clients/nord.json", data.draw(mutated(RICH)))
    survives(rich_root)
    house.write(rich_root, "clients/nord.json", RICH)


@settings(max_examples=60)
@given(st.data())
def test_any_issuer_file_is_read_or_refused(rich_root, data):
    house.write(rich_root, "issuer.json", data.draw(mutated(house.issuer())))
    survives(rich_root)
    house.write(rich_root, "issuer.json", house.issuer())


@settings(max_examples=60)
@given(st.data())
def test_any_usage_file_is_read_or_refused(rich_root, data):
    used = house.usage("nord", "2026-10", {"hours": "12"}, house.one_off())
    house.write(rich_root, "data/usage/nord/2026-10.manual.json", data.draw(mutated(used)))
    survives(rich_root)
    house.put_usage(rich_root, used)


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(rich_root, data):
    house.write(rich_root, "clients/nord.json", data)
    survives(rich_root)
    house.write(rich_root, "clients/nord.json", RICH)


def test_of_a_hundred_faults_and_more_a_hundred_are_reported(tmp_path):
    given = house.client(changes={f"key_{i}": "1" for i in range(300)})
    lines = house.refusals(house.build(tmp_path, given))
    assert len(lines) == 101
    assert "has more than 100 faults; correct these first" in lines[-1]


def test_every_schema_refuses_what_it_does_not_know():
    for path in sorted(Path(schemas.__file__).parents[3].joinpath("schemas").glob("*.json")):
        for schema in objects(json.loads(path.read_text())):
            if schema.get("type") == "object" and "properties" in schema:
                closed = "additionalProperties" in schema or "unevaluatedProperties" in schema
                assert closed or "allOf" in schema, (path.name, schema.get("title"))


def objects(value: Any) -> list[dict[str, Any]]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [one for child in inner for one in objects(child)]
    return [value, *found] if isinstance(value, dict) else found
