"""issuer.json and the logo: each mistake gets one line, with its place and its remedy."""

import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import batches
import house
from lib.inputs import colours

ISSUER_MISTAKES = [
    ("bank.iban", "FR7630006000011234567890188", '"FR7630006000011234567890188" is not an IBAN'),
    ("bank.iban", "FR76 3000 6000 0112 3456 7890 189", '"FR76 3000 6000 0112 3456 7890 189" is'),
    ("bank.bic", "AGRI", '"AGRI" is not a BIC'),
    ("party.vat_number", None, "is missing; it is due under the standard VAT regime"),
    ("party.siren", None, "is missing; a French seller's invoices carry its SIREN"),
    ("timezone", "Paris", '"Paris" is not a time zone; write'),
    ("logo", "../logo.png", '"../logo.png" is not the name of a PNG or JPEG file'),
    ("colour", "pink", '"pink" is not a colour (# and six digits from 0 to f)'),
    ("colour", "#f0c", '"#f0c" is not a colour (# and six digits from 0 to f); write "#ff00cc"'),
    (
        "colour",
        "rgb(20, 84, 107)",
        '"rgb(20, 84, 107)" is not a colour (# and six digits from 0 to f); write "#14546b"',
    ),
    (
        "colour",
        "#e83e8c",
        '"#e83e8c" is too light to be read on white paper; a contrast of 4.5 to'
        ' 1 at least (WCAG 2.2); write "#',
    ),
    ("numbering", "year", '"year" is not a numbering'),
    ("late_penalty_rate", None, "is missing"),
]


@pytest.mark.parametrize(("place", "value", "line"), ISSUER_MISTAKES)
def test_a_mistake_gets_one_line(tmp_path, place, value, line):
    root = house.build(tmp_path, seller=house.issuer({place: value}))
    assert house.refusal(root).startswith(f"issuer.json: {house.place_of(place)}: {line}")


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_the_shade_that_a_remedy_names_is_the_lightest_that_can_be_read(colour):
    shade = colours.darkened(colour)
    assert contrast(shade) >= 4.5
    assert shade == colour or all(a <= b for a, b in zip(shade, colour, strict=True))
    if shade != colour:
        assert contrast(colour) < 4.5
        # A little lighter, in the same proportions, is too light.
        lighter = [min(255, part * (max(shade) + 2) // max(shade)) for part in shade]
        assert contrast(lighter) < 4.65
    written = "#" + bytes(shade).hex()
    assert colours.faults({"colour": written}) == []


def test_a_batch_seller_has_a_colour_of_its_own(tmp_path):
    root = batches.build(tmp_path, batches.file_of(batches.row()), {"seller.colour": "#ffcc00"})
    line = house.refusal(root)
    assert line.startswith(f"batch_clients/{batches.CLIENT}.json: seller.colour: "), line
    shade = re.search(r'write "(#[0-9a-f]{6})"', line)[1]
    own = {"seller.colour": shade, "seller.party.trade_name": "L’Aile"}
    house.write(root, f"batch_clients/{batches.CLIENT}.json", batches.client(own))
    assert batches.run(root).code == 0
    [invoice] = batches.issued(root)
    path = next((root.data / "invoices_batch").rglob(f"{invoice['number']}.json"))
    seller = json.loads(path.read_bytes())["seller"]
    assert (seller["colour"], seller["trade_name"]) == (shade, "L’Aile")


def contrast(colour):
    """With white, by the definition of WCAG 2.2, in steps of its own."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (part / 255 for part in colour)
    ]
    light = sum(
        weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )
    return 1.05 / (light + 0.05)


def test_a_missing_issuer_is_refused_with_the_command_that_lays_one_out(tmp_path):
    root = house.build(tmp_path)
    root.issuer.unlink()
    root.heads.mkdir(parents=True)  # what has neither is taken for a mistyped ROOT
    assert house.refusal(root).startswith("issuer.json: is missing; `make init ROOT=...`")


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
    line = house.refusal(root)
    assert "logo.png" in line
    assert text in line


def _png16() -> bytes:
    """A grey PNG of 16 bits, which fpdf2 would show nearly white."""
    return _saved(Image.new("I;16", (40, 20), 20_000))


def _saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _saved(Image.new("RGB", (40, 20)), "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("logo.png", _png16(), "more than 8 bits for a colour; save it with 8"),
        ("logo.png", _saved(Image.new("RGB", (40, 20)), transparency=(0, 0, 0)),
         "a transparent colour instead of an alpha channel; save it with an alpha channel"),
        ("logo.jpg", _turned(), "asks to be turned (EXIF); save it upright"),
    ],
)  # fmt: skip
def test_a_logo_that_a_page_would_show_otherwise_is_refused(tmp_path, name, data, text):
    root = house.build(tmp_path, seller=house.issuer({"logo": name}))
    house.write(root, name, data)
    line = house.refusal(root)
    assert line.startswith(f"{name}: ") and text in line, line


PLATFORM = {"flow_url": "https://api.platform.example/flow", "since": "2027-09-01"}
SIREN = house.issuer()["party"]["siren"]


@pytest.mark.parametrize(
    ("address", "party", "reached"),
    [
        (None, {}, SIREN),
        ("STATUTS", {}, f"{SIREN}_STATUTS"),
        (f"{SIREN}_STATUTS", {}, f"{SIREN}_STATUTS"),
        (SIREN, {}, SIREN),
        (None, {"electronic_address": {"scheme": "0225", "id": f"{SIREN}_A"}}, f"{SIREN}_A"),
        ("A", {"electronic_address": {"scheme": "0225", "id": f"{SIREN}_A"}}, f"{SIREN}_A"),
    ],
)
def test_statuses_reach_the_address_of_the_seller(tmp_path, address, party, reached):
    """BT-34 of an invoice, and of one that is made for a batch client."""
    platform = PLATFORM | ({"address": address} if address else {})
    seller = house.issuer({"platform": platform, **{f"party.{k}": v for k, v in party.items()}})
    sent = house.draft(house.build(tmp_path, seller=seller)).seller.electronic_address
    assert (sent.scheme, sent.id) == ("0225", reached)


@pytest.mark.parametrize(
    ("address", "party", "line"),
    [
        ("552100554_A", {}, 'platform.address: "552100554_A" does not begin with the SIREN'),
        ("A" * 120, {}, "platform.address: is longer than 125 characters with the SIREN"),
        ("A B", {}, 'platform.address: "A B" is not an address under 0225'),
        (
            "A",
            {"scheme": "0225", "id": f"{SIREN}_B"},
            "platform.address: is another address than electronic_address",
        ),
        (
            None,
            {"scheme": "EM", "id": "a@b.example"},
            'party.electronic_address.scheme: "EM" is not one of them; statuses reach addresses',
        ),
    ],
)
def test_an_address_that_no_status_reaches_is_refused(tmp_path, address, party, line):
    platform = PLATFORM | ({"address": address} if address else {})
    changes = {"platform": platform} | ({"party.electronic_address": party} if party else {})
    root = house.build(tmp_path, seller=house.issuer(changes))
    assert house.refusal(root).startswith(f"issuer.json: {line}")
