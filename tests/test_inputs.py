"""What people write: each mistake gets one clear line, and nothing is written."""

import contextlib
import copy
import json
import os
import re
import unicodedata
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


def refused(root: Root) -> list[str]:
    """What a run says of a root: every line; nothing but the log is written."""
    before = house.tree(root)
    ran = house.month(root)
    assert house.tree(root) == before
    assert ran.code == 1, ran
    assert "Traceback" not in ran.err
    assert ran.out == ""
    return ran.err.splitlines()


def told(root: Root) -> str:
    """The only line that a run says of a root."""
    (line,) = refused(root)
    return line


# What is changed in clients/nord.json, and how the line about that place begins.
CLIENT_MISTAKES = [
    ("plans.0.items.1.price", "12,50", '"12,50" is not an amount; write "12.50"'),
    ("plans.0.items.1.price", "12.5", '"12.5" is not an amount; write'),
    ("plans.0.items.1.price", "1 200.00", '"1 200.00" is not an amount; write "1200.00"'),
    ("plans.0.items.1.price", "12.50\n", '"12.50\\n" is not an amount; write "12.50"'),
    ("party.phone", "+33240000000\n", '"+33240000000\\n" is not a telephone number; write "+332'),
    ("plans.0.items.1.price", "-5.00", '"-5.00" is not an amount; write'),
    ("plans.0.items.1.price", "1234567890.00", '"1234567890.00" is not an amount'),
    ("plans.0.items.1.price", "NaN", '"NaN" is not an amount; write'),
    ("plans.0.items.1.price", "1e3", '"1e3" is not an amount; write'),
    ("plans.0.items.1.price", "٣.٠٠", '"٣.٠٠" is not an amount; write'),
    ("plans.0.items.1.price", 12, '12 is not an amount; write "12", in quotes'),
    ("plans.0.items.1.price", "1,234.50", '"1,234.50" is not an amount; write "1234.50" ['),
    ("plans.0.items.1.price", "1.234,50", '"1.234,50" is not an amount; write "1234.50" ['),
    ("plans.0.items.1.price", "1 234,50", '"1 234,50" is not an amount; write "1234.50" ['),
    ("plans.0.items.1.price", "1'234.50", '"1\'234.50" is not an amount; write "1234.50" ['),
    ("plans.0.items.1.price", "1,234,567", '"1,234,567" is not an amount; write "1234567" ['),
    ("plans.0.items.1.price", "49,00 €", '"49,00 €" is not an amount; write "49.00" ['),
    ("plans.0.items.1.price", "49.999", '"49.999" is not an amount; write digits, and where'),
    ("plans.0.items.1.price", "1,23,4.5", '"1,23,4.5" is not an amount; write'),
    ("plans.0.items.1.price", None, "is missing; add an amount such as"),
    ("plans.0.items.1.price", {}, "{} is not an amount; write"),
    ("plans.0.items", None, "is missing; add a list of items"),
    ("plans.0.items", "x", '"x" is not a list of items'),
    ("langauge", "fr", 'is an unknown key; did you mean "language"?'),
    ("party.siren", "732829321", '"732829321" is not a SIREN (nine digits): its check digits'),
    ("party.siren", "732 829 320", '"732 829 320" is not a SIREN (nine digits); write "7328'),
    ("party.siren", None, "is missing; a French business has one"),
    ("party.siret", "73282932000075", '"73282932000075" is not a SIRET'),
    ("party.siret", "73282932000074", '"73282932000074" does not begin with the SIREN'),
    ("party.vat_number", "FR45732829320", '"FR45732829320" is not a VAT number: its check digits'),
    ("party.vat_number", "FR44732829320", '"FR44732829320" does not end with the SIREN'),
    ("party.name", "Nord 🎨", '"Nord 🎨" is not a text (1 to 200 characters, no space at either'),
    ("party.name", "Nord ", '"Nord " is not a text'),
    ("party.address.postcode", "4400", '"4400" is not a French postcode; write its five digits'),
    ("party.address.country", "FX", '"FX" is not a country'),
    ("id", "north", '"north" is not the name of the file; write "nord"'),
    ("code", "nord", '"nord" is not a code (1 to 8 of A-Z and 0-9); write'),
    ("code", "ATL", '"ATL" is the code of issuer.json too'),
    (
        "plans.0.start",
        "2026-02-30",
        '"2026-02-30" is not a month or a date: the calendar has no such',
    ),
    ("plans.0.end", "2025-12", '"2025-12" is before the start of the plan, "2026-01"'),
    ("plans.0.every_months", 0, "0 is not a number of months (1 to 36); write a whole number"),
    (
        "plans.0.every_months",
        "5.5",
        '"5.5" is not a number of months (1 to 36); write a whole number',
    ),
    ("plans.0.every_months", 37, "37 is not a number of months (1 to 36); write a whole number"),
    ("plans.0.items.0.vat_rate", "19.6", '"19.6" is not a rate in force in France'),
    ("plans.0.items.0.vat_rate", "0", '"0" is not a rate under treatment standard'),
    ("plans.0.items.0.unit", "HEURE", '"HEURE" is not a unit'),
    ("plans.0.items.0.category", "goods", '"goods" is not what the issuer sells'),
    ("currency", "USD", '"USD" is not a currency that invoices are issued in; only "EUR" is'),
    ("status", "open", '"open" is not a status; write one of "active", "closed"'),
    ("payment_terms.days", -1, "-1 is not a number of days (0 to 120); write"),
]


def place_of(dotted: str) -> str:
    """plans.0.items.1.price as messages have it: plans[0].items[1].price."""
    return re.sub(r"\.([0-9]+)", r"[\1]", dotted)


@pytest.mark.parametrize(("place", "value", "line"), CLIENT_MISTAKES)
def test_a_mistake_in_a_client_file_gets_one_line(tmp_path, place, value, line):
    root = house.build(tmp_path)
    house.write(root, "clients/nord.json", house.client(changes={place: value}))
    assert told(root).startswith(f"clients/nord.json: {place_of(place)}: {line}")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"language": "en", "plans.0.items.0.description": {"fr": "Hébergement"}},
            'plans[0].items[0].description.en: is missing; the client\'s language is "en"',
        ),
        ({"plans.0.items.1.id": "hosting"}, "plans[0]: two items have the id hosting: rename one"),
        ({"party.person": True}, "party.siren: a private person has none; remove it"),
        ({"party.email": ["a@b"]}, 'party.email[0]: "a@b" is not an e-mail address; write'),
        (
            {"plans.0.discounts": [{"id": "dd", "description": {"fr": "x"}}]},
            'plans[0].discounts[0]: expected either "percent" or "amount", and only one of them',
        ),
        (
            {"vat": {"treatment": "exempt", "exemption_reason": "art. 261 CGI"}},
            "vat.exemption_code: is missing; add a VAT exemption code",
        ),
        (
            {"vat.exemption_reason": "art. 261 CGI"},
            "vat.exemption_reason: has no place here; remove it",
        ),
    ],
)
def test_a_mistake_between_fields_gets_a_line(tmp_path, changes, line):
    lines = refused(house.build(tmp_path, house.client(changes=changes)))
    assert any(one.startswith(f"clients/nord.json: {line}") for one in lines), lines


ISSUER_MISTAKES = [
    ("bank.iban", "FR7630006000011234567890188", '"FR7630006000011234567890188" is not an IBAN'),
    ("bank.iban", "FR76 3000 6000 0112 3456 7890 189", '"FR76 3000 6000 0112 3456 7890 189" is'),
    ("bank.bic", "AGRI", '"AGRI" is not a BIC'),
    ("party.vat_number", None, "is missing; it is due under the standard VAT regime"),
    ("party.siren", None, "is missing; a French seller's invoices carry its SIREN"),
    ("timezone", "Paris", '"Paris" is not a time zone; write'),
    ("logo", "../logo.png", '"../logo.png" is not the name of a PNG or JPEG file'),
    ("numbering", "year", '"year" is not a numbering'),
    ("late_penalty_rate", None, "is missing"),
]


@pytest.mark.parametrize(("place", "value", "line"), ISSUER_MISTAKES)
def test_a_mistake_in_the_issuer_gets_one_line(tmp_path, place, value, line):
    root = house.build(tmp_path, seller=house.issuer({place: value}))
    assert told(root).startswith(f"issuer.json: {place_of(place)}: {line}")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'{\n  "id": "nord",\n}\n', "line 3, column 1: is not JSON: "),
        (b"", "line 1, column 1: is not JSON: "),
        (
            b'{"id": {"id": "id"},\n "of": ["id"],\n  "id": "sud"}',
            'line 3, column 3: the key "id" appears twice in one object; remove one',
        ),
        (b'{"\\"{": 1, "\\"{": 2}', 'line 1, column 12: the key "\\"{" appears twice'),
        (b'{"id": "n\xe9"}', "line 1, column 10: byte 0xE9 is not UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbf{}", "begins with a byte-order mark; save it without"),
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
    assert told(root).startswith(f"clients/nord.json: {line}")


def test_a_comma_that_may_be_both_gets_both_readings(tmp_path):
    item = house.metered("hours", "hours", "1,234")
    root = house.build(tmp_path, house.client(changes={"plans.0.items": [item]}))
    assert told(root).startswith(
        'clients/nord.json: plans[0].items[0].unit_price: "1,234" is not a price'
        ' (up to 4 decimals); write "1.234" or "1234" ['
    )


def test_decomposed_accents_are_reported_as_what_they_are(tmp_path):
    root = house.build(tmp_path)
    name = "Hébergement"
    decomposed = unicodedata.normalize("NFD", name)
    house.write(root, "clients/nord.json", house.client(changes={"party.name": decomposed}))
    assert told(root).startswith(
        f'clients/nord.json: party.name: "{decomposed}" is not a text (1 to 200 characters, no'
        " space at either end): its accents are characters of their own (decomposed, NFD); write"
        f' "{name}" composed (NFC): type it again, or convert the file with "uconv -x any-nfc" ['
    )


def test_a_json_number_is_not_an_amount(tmp_path):
    root = house.build(tmp_path)
    text = json.dumps(house.client()).replace('"15.00"', "15.00")
    house.write(root, "clients/nord.json", text.encode())
    line = 'plans[0].items[1].price: 15.00 is not an amount; write "15.00", in quotes ['
    assert told(root).startswith(f"clients/nord.json: {line}")


def test_all_problems_of_all_files_are_said_at_once(tmp_path):
    bad = {"plans.0.items.1.price": "12,50", "zebra": 1, "apple": 2}
    root = house.build(tmp_path, house.client(changes=bad))
    house.put_client(root, house.client("ouest", {"language": "de"}, i=3))
    house.put_client(root, house.client("sud", i=2))
    found = sorted(line.split(": ")[:2] for line in refused(root))
    assert found == [
        ["clients/nord.json", "apple"],
        ["clients/nord.json", "plans[0].items[1].price"],
        ["clients/nord.json", "zebra"],
        ["clients/ouest.json", "language"],
    ]


def test_two_clients_with_one_code_are_both_named(tmp_path):
    root = house.build(tmp_path, house.client(), house.client("sud", {"code": "NORD"}, i=2))
    assert told(root).startswith(
        'clients/sud.json: code: "NORD" is the code of clients/nord.json too'
    )


def test_no_client_at_all(tmp_path):
    root = house.build(tmp_path)
    (root.clients / "nord.json").unlink()
    assert told(root).startswith("clients: has no client; `make client ID=...` writes one")


def test_a_missing_issuer(tmp_path):
    root = house.build(tmp_path)
    root.issuer.unlink()
    root.heads.mkdir(parents=True)  # what has neither is taken for a mistyped ROOT
    assert told(root).startswith("issuer.json: is missing; `make init ROOT=...`")


def test_files_that_are_none_are_refused(tmp_path):
    root = house.build(tmp_path / "root")
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(house.client("out", i=2)))
    (root.clients / "out.json").symlink_to(outside)
    (root.clients / "dangling.json").symlink_to(tmp_path / "nowhere")
    (root.clients / "loop.json").symlink_to("loop.json")
    (root.clients / "folder.json").mkdir()
    os.mkfifo(root.clients / "pipe.json")
    house.write(root, "clients/sud.txt", b"")
    said = {line.split(":")[0]: line for line in refused(root)}
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


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, "is missing"),
        (b"\xff\xd8\xff", "is not a PNG file, as its name says"),
        (b"\x89PNG\r\n\x1a\njunk", "the logo is not a PNG or JPEG file that can be read"),
    ],
)
def test_a_logo_that_cannot_be_printed_is_refused(tmp_path, data, text):
    root = house.build(tmp_path, seller=house.issuer({"logo": "logo.png"}))
    if data is not None:
        house.write(root, "logo.png", data)
    line = told(root)
    assert "logo.png" in line
    assert text in line


def test_every_placeholder_of_a_new_root_is_named_once(tmp_path):
    ran = house.run("init_root", Root(tmp_path))
    assert ran.code == 0, ran
    root = Root(tmp_path)
    lines = refused(root)
    model = [path.read_text() for path in (root.issuer, root.clients / "first_client.json")]
    assert all("is still to be filled in: <" in line for line in lines)
    assert len(lines) == len(set(lines)) == sum(text.count('"<') for text in model)


# --- usage ---------------------------------------------------------------------------


HOURS = {"plans.0.items": [house.item("hosting"), house.metered("support", "hours")]}


def test_a_missing_quantity_names_the_file_that_lacks_it(tmp_path):
    root = house.build(tmp_path, house.client(changes=HOURS))
    line = "data/usage/nord/2026-10.manual.json: quantities.hours: is missing; declare it in that"
    assert told(root).startswith(line)


def test_a_quarter_asks_for_each_of_its_months(tmp_path):
    changes = HOURS | {"plans.0.every_months": 3, "plans.0.start": "2026-08"}
    used = house.usage("nord", "2026-09", {"hours": "1"})
    root = house.build(tmp_path, house.client(changes=changes), used=(used,))
    assert [line.split(": ")[0] for line in refused(root)] == [
        "data/usage/nord/2026-08.manual.json",
        "data/usage/nord/2026-10.manual.json",
    ]


USAGE_MISTAKES = [
    ({"quantities.hours": "1,5"}, 'quantities.hours: "1,5" is not a quantity (up to 4 decimals);'),
    ({"quantities.hours": "-1"}, 'quantities.hours: "-1" is not a quantity'),
    (
        {"quantities.hour": "1"},
        "quantities.hour: is not a metric of the client's plans; they have hours",
    ),
    ({"client": "sud"}, 'client: "sud" is not the folder\'s; write "nord"'),
    (
        {"month": "2026-09"},
        "is not named after its month and source; rename it 2026-09",
    ),
    ({"source": "batch_x"}, "is not named after its month and source; rename it"),
    ({"lines": [house.one_off(description={"en": "Day"})]}, "lines[0].description.fr: is missing"),
    (
        {"lines": [house.one_off(vat_rate="0")]},
        'lines[0].vat_rate: "0" is not a rate under treatment',
    ),
    ({"lines": [house.one_off(quantity="0")]}, 'lines[0].quantity: "0" is not a quantity above 0'),
    (
        {"lines": [house.one_off(discount="100.01", discount_reason={"fr": "geste"})]},
        "lines[0]: the discount is more than quantity x unit price",
    ),
]


@pytest.mark.parametrize(("changes", "line"), USAGE_MISTAKES)
def test_a_mistake_in_a_usage_file_gets_a_line(tmp_path, changes, line):
    name = "data/usage/nord/2026-10.manual.json"
    root = house.build(tmp_path, house.client(changes=HOURS))
    used = house.usage("nord", "2026-10", {"hours": "1"})
    house.write(root, name, house.changed(used, changes))
    lines = refused(root)
    assert any(one.startswith(f"{name}: {line}") for one in lines), lines


def test_people_may_not_write_in_the_name_of_the_batch_engine(tmp_path):
    used = house.usage("nord", "2026-10", {"hours": "1"}) | {"source": "batch_sud"}
    root = house.build(tmp_path, house.client(changes=HOURS), used=(used,))
    line = "data/usage/nord/2026-10.batch_sud.json: source: names that begin with batch_ are kept"
    assert refused(root)[0].startswith(line)


def test_usage_of_nobody_is_refused(tmp_path):
    used = house.usage("sud", "2026-10", {"hours": "1"})
    line = "data/usage/sud: belongs to no client: there is no clients/sud.json"
    assert told(house.build(tmp_path, used=(used,))).startswith(line)


def test_check_says_what_a_run_would_say(tmp_path):
    used = house.usage("nord", "2026-10", {"hour": "1"})
    root = house.build(tmp_path, house.client(changes=HOURS), used=(used,))
    ran = house.call("check_inputs", root)
    assert ran.code == 1
    assert ran.err.startswith(
        "data/usage/nord/2026-10.manual.json: quantities.hour: is not a metric"
    )


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
)


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
def test_no_client_file_is_a_riddle_to_the_program(rich_root, data):
    house.write(rich_root, "clients/nord.json", data.draw(mutated(RICH)))
    survives(rich_root)
    house.write(rich_root, "clients/nord.json", RICH)


@settings(max_examples=60)
@given(st.data())
def test_no_issuer_file_is_a_riddle_to_the_program(rich_root, data):
    house.write(rich_root, "issuer.json", data.draw(mutated(house.issuer())))
    survives(rich_root)
    house.write(rich_root, "issuer.json", house.issuer())


@settings(max_examples=60)
@given(st.data())
def test_no_usage_file_is_a_riddle_to_the_program(rich_root, data):
    used = house.usage("nord", "2026-10", {"hours": "12"}, house.one_off())
    house.write(rich_root, "data/usage/nord/2026-10.manual.json", data.draw(mutated(used)))
    survives(rich_root)
    house.put_usage(rich_root, used)


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_no_bytes_are_a_riddle_to_the_program(rich_root, data):
    house.write(rich_root, "clients/nord.json", data)
    survives(rich_root)
    house.write(rich_root, "clients/nord.json", RICH)


def test_a_line_break_after_an_address_is_refused(tmp_path):
    given = house.client(changes={"party.email": ["a@client.example\n"]})
    assert 'party.email[0]: "a@client.example\\n" is not' in told(house.build(tmp_path, given))


def test_of_a_hundred_faults_and_more_a_hundred_are_reported(tmp_path):
    given = house.client(changes={f"key_{i}": "1" for i in range(300)})
    lines = refused(house.build(tmp_path, given))
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


@pytest.mark.parametrize(
    ("place", "found", "remedy"),
    [
        ("party.name", "Zeta et Cie SARL ", 'write "Zeta et Cie SARL"'),
        ("plans.0.items.0.description.fr", " Hébergement du site", 'write "Hébergement du site"'),
        ("plans.0.items.0.price", "49.5", 'write "49.50"'),
        ("plans.0.items.0.price", "1 234,50", 'write "1234.50"'),
    ],
)
def test_a_remedy_is_what_was_meant(tmp_path, place, found, remedy):
    root = house.build(tmp_path / "root", house.client(changes={place: found}))
    assert remedy in house.call("check_inputs", root).err
