"""Files grown from the schemas: hypothesis puts what a schema allows in places of a valid file.

What the schemas accept goes on to the rules behind them, which mutations of bytes seldom
reach: amounts at both ends, every unit and country, texts of every script.
"""

import copy
import json
import re
from typing import Any

from hypothesis import strategies as st

import batches
import house
from lib.billing import batch_cells
from lib.inputs import schemas
from lib.values import code_lists
from lib.values.speech import UNITS

Schema = dict[str, Any]

_SCHEMAS = {
    "client": "client",
    "issuer": "issuer",
    "batch client": "batch_client",
    "usage": "usage",
    "credit lines": "credit_lines",
}
_FORMATS = {
    "siren": [house.siren(2), house.siren(0), "356000000"],
    "siret": [house.siret(house.siren(2)), house.siret(house.siren(0))],
    "iban": ["FR7630006000011234567890189", "DE89370400440532013000", "BE68539007547034"],
    "bic": ["AGRIFRPP", "DEUTDEFF500"],
    "vat_number": [
        house.vat_number(house.siren(2)),
        "DE136695976",
        "CHE318462755TVA",
        "EL094259216",
    ],
    "timezone": ["Europe/Paris", "UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"],
    "country": sorted(code_lists.countries()),
    "vatex": sorted(code_lists.exemption_codes()),
    "electronic_address_scheme": sorted(code_lists.electronic_address_schemes()),
    "unit": sorted(UNITS),
}
_ENDS = ("0", "0.01", "0.0001", "100", "999999999", "999999999.99", "999999999.9999", "2024-02-29")
_DECIMAL = ("quantity", "unit_price", "discount", "vat_rate")
_PRINTABLE = st.characters(codec="utf-8", max_codepoint=0x17F, exclude_categories=("C", "Z"))
_LETTERS = st.one_of(_PRINTABLE, st.sampled_from("ab zéÉœŒ—“«»€½ß'&<>\"\\%{}();|"))


def known(target: str) -> bool:
    """Whether files of a target can be grown."""
    return target in (*_SCHEMAS, "batch CSV", "payments CSV")


def files(target: str, seed: bytes) -> st.SearchStrategy[bytes]:
    """Files of a target."""
    if target == "batch CSV":
        return st.lists(_rows(), min_size=1, max_size=4).map(lambda rows: batches.file_of(*rows))
    if target == "payments CSV":
        return st.lists(_payment(), min_size=1, max_size=5).map(
            lambda rows: b"\n".join([seed.split(b"\n")[0], *rows])
        )
    return _changed(json.loads(seed), schemas.content(_SCHEMAS[target])).map(
        lambda value: json.dumps(value).encode()
    )


@st.composite
def _changed(draw: st.DrawFn, seed: Any, schema: Schema) -> Any:
    """`seed` with something else that the schema allows in up to three places."""
    value = copy.deepcopy(seed)
    for _ in range(draw(st.integers(1, 3))):
        inner, key, wanted = draw(st.sampled_from(_places(value, schema)))
        inner[key] = draw(_values(wanted))
    return value


def _places(value: Any, schema: Schema) -> list[tuple[Any, Any, Schema]]:
    """(container, key, schema) of every place, of those that are empty too."""
    schema = _plain(schema, value)
    found = []
    if isinstance(value, dict):
        for key, wanted in schema.get("properties", {}).items():
            if isinstance(wanted, dict) and key not in ("$schema", "id", "charge"):
                found.append((value, key, wanted))
                found += _places(value.get(key), wanted)
        other = schema.get("additionalProperties")
        if isinstance(other, dict):
            found += [(value, key, other) for key in value]
    elif isinstance(value, list):
        for i, child in enumerate(value):
            found += [(value, i, schema["items"]), *_places(child, schema["items"])]
    return found


def _plain(schema: Schema, value: Any = None) -> Schema:
    """A schema without references, and with the branch that a charge model has."""
    schema = schemas.resolved_of(schema)
    charge = value.get("charge") if isinstance(value, dict) else None
    for branch in schema.get("allOf", ()):
        if "$ref" in branch:
            own = _plain(branch)
            both = {**own.get("properties", {}), **schema.get("properties", {})}
            schema = {**own, **schema, "properties": both}
        elif branch["if"]["properties"].get("charge", {}).get("const") == charge:
            schema = {**schema, **_plain(branch["then"])}
    return schema


def _values(schema: Schema) -> st.SearchStrategy[Any]:
    schema = _plain(schema)
    if "allOf" in schema and "properties" in schema and "charge" in schema["properties"]:
        charges = schema["properties"]["charge"]["enum"]
        branches = [_plain(schema, {"charge": charge}) for charge in charges]
        made = [
            _objects(one, {"charge": charge}) for one, charge in zip(branches, charges, strict=True)
        ]
        return st.one_of(made)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return _objects(schema, {})
        case "array":
            most = min(4, schema.get("maxItems", 4))
            return st.lists(
                _values(schema["items"]), min_size=schema.get("minItems", 0), max_size=most
            )
        case "integer":
            ends = schema.get("minimum", 0), schema.get("maximum", 10**6)
            return st.one_of(st.sampled_from(ends), st.integers(*ends))
        case "boolean":
            return st.booleans()
    return _texts(schema)


@st.composite
def _objects(draw: st.DrawFn, schema: Schema, fixed: dict[str, Any]) -> Any:
    value = dict(fixed)
    required = schema.get("required", ())
    for key, wanted in schema.get("properties", {}).items():
        if not isinstance(wanted, dict) or not wanted or key in value:
            continue
        if key in required or draw(st.booleans()):
            value[key] = draw(_values(wanted))
    other = schema.get("additionalProperties")
    if isinstance(other, dict):
        names = st.sampled_from(["hours", "batch_invoices", "2026", "2027"])
        value |= draw(st.dictionaries(names, _values(other), max_size=3))
    return value


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    if schema.get("format") in _FORMATS:
        return st.sampled_from(_FORMATS[schema["format"]])
    longest = schema.get("maxLength", 200)
    if schema.get("format", "").startswith("printable") or "pattern" not in schema:
        lengths = st.sampled_from([3, 12, 70, longest])
        texts = lengths.flatmap(lambda n: st.text(_LETTERS, min_size=1, max_size=min(n, longest)))
        return texts.map(lambda text: text.strip() or "x")
    examples = st.sampled_from(schema.get("examples", ["a"]))
    pattern = st.from_regex(schema["pattern"].replace("\\S", "[!-~]"), fullmatch=True)
    ends = [text for text in _ENDS if re.search(schema["pattern"], text)]
    made = [examples, pattern.filter(lambda text: len(text) <= longest)]
    return st.one_of(*made, *[st.sampled_from(ends)] * bool(ends))


# --- CSV -----------------------------------------------------------------------------

_FAR = re.compile("_([4-9]|1[0-9]|20)$")  # groups that a line seldom has


@st.composite
def _rows(draw: st.DrawFn) -> batches.Row:
    """A valid line in which a few cells are others that the schema allows."""
    schema = schemas.content("batch_row")
    row = batches.row(draw(st.integers(3, 6)))
    for i in range(2, draw(st.integers(2, 4))):
        row |= batches.group(i)
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from([one for one in batch_cells.columns() if not _FAR.search(one)]))
        plain = name if name in schema["properties"] else name.rpartition("_")[0]
        wanted = schema["properties"].get(plain) or schema["$defs"]["group"]["properties"][plain]
        value = draw(_values(wanted))
        row[name] = value.replace(".", ",") if plain in _DECIMAL else value
    return row


@st.composite
def _payment(draw: st.DrawFn) -> bytes:
    given = schemas.content("payment")["properties"]
    cells = ["sud", "SUD-2026-0001", "1.00", "2026-12-01", "card", "", ""]
    names = ["client", "invoice", "amount", "date", "method", "reference", "note"]
    for _ in range(draw(st.integers(1, 2))):
        i = draw(st.integers(2, 6))
        cells[i] = draw(_values(given[names[i]]))
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    return ",".join(quoted).encode()
