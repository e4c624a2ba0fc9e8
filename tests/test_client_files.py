"""clients/*.json: each mistake gets one line, with its place and its remedy."""

import json
import unicodedata

import pytest
import stdnum.luhn
from lxml import etree

import house
from lib.documents import facturx_xml, validators

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


@pytest.mark.parametrize(("place", "value", "line"), CLIENT_MISTAKES)
def test_a_mistake_gets_one_line(tmp_path, place, value, line):
    root = house.build(tmp_path)
    house.write(root, "clients/nord.json", house.client(changes={place: value}))
    assert house.refusal(root).startswith(f"clients/nord.json: {house.place_of(place)}: {line}")


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
    lines = house.refusals(house.build(tmp_path, house.client(changes=changes)))
    assert any(one.startswith(f"clients/nord.json: {line}") for one in lines), lines


def test_a_line_break_after_an_address_is_refused(tmp_path):
    client = house.client(changes={"party.email": ["a@client.example\n"]})
    line = house.refusal(house.build(tmp_path, client))
    assert 'party.email[0]: "a@client.example\\n" is not' in line


def test_a_comma_that_may_be_both_gets_both_readings(tmp_path):
    item = house.metered("hours", "hours", "1,234")
    root = house.build(tmp_path, house.client(changes={"plans.0.items": [item]}))
    assert house.refusal(root).startswith(
        'clients/nord.json: plans[0].items[0].unit_price: "1,234" is not a price'
        ' (up to 4 decimals); write "1.234" or "1234" ['
    )


def test_decomposed_accents_are_reported_as_what_they_are(tmp_path):
    root = house.build(tmp_path)
    name = "Hébergement"
    decomposed = unicodedata.normalize("NFD", name)
    house.write(root, "clients/nord.json", house.client(changes={"party.name": decomposed}))
    assert house.refusal(root).startswith(
        f'clients/nord.json: party.name: "{decomposed}" is not a text (1 to 200 characters, no'
        " space at either end): its accents are characters of their own (decomposed, NFD); write"
        f' "{name}" composed (NFC): type it again, or convert the file with "uconv -x any-nfc" ['
    )


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


def test_two_clients_with_one_code_are_both_named(tmp_path):
    root = house.build(tmp_path, house.client(), house.client("sud", {"code": "NORD"}, i=2))
    assert house.refusal(root).startswith(
        'clients/sud.json: code: "NORD" is the code of clients/nord.json too'
    )


def test_a_root_without_a_client_is_refused(tmp_path):
    root = house.build(tmp_path)
    (root.clients / "nord.json").unlink()
    assert house.refusal(root).startswith("clients: has no client; `make client ID=...` writes one")


PUBLIC = "11004301" + stdnum.luhn.calc_check_digit("11004301")


def test_a_public_body_is_invoiced_by_its_service_or_its_siret(tmp_path):
    """EN 16931 has BT-46 once: under 0240 the service, under 0009 the SIRET."""
    siren = PUBLIC
    public = {"party.siren": siren, "party.vat_number": None, "purchase_order": "EJ-2027-17"}
    found = {}
    for name, more in {
        "service": {"party.service_code": "SVC-7"},
        "siret": {"party.siret": house.siret(siren), "buyer_reference": "SVC-7"},
    }.items():
        root = house.build(tmp_path / name, house.client(changes=public | more))
        document = house.draft(root)
        xml = facturx_xml.generate(document)
        assert validators.verdicts(document, xml) == []
        [party] = etree.fromstring(xml).iter("{*}BuyerTradeParty")
        found[name] = [(one.get("schemeID"), one.text) for one in party.findall("{*}GlobalID")]
        assert b"<ram:IssuerAssignedID>EJ-2027-17<" in xml
        assert (b"<ram:BuyerReference>SVC-7<" in xml) == (name == "siret")
    assert found == {"service": [("0240", "SVC-7")], "siret": [("0009", house.siret(siren))]}


def test_a_service_code_that_no_invoice_can_carry_is_refused(tmp_path):
    code = {"party.service_code": "SVC-7"}
    root = house.build(tmp_path / "private", house.client(changes=code))
    assert house.refusal(root).startswith(
        "clients/nord.json: party.service_code: is of public bodies alone"
    )
    siren = PUBLIC
    both = {"party.siren": siren, "party.siret": house.siret(siren), "party.vat_number": None}
    root = house.build(tmp_path / "both", house.client(changes=code | both))
    line = house.refusal(root)
    assert line.startswith("clients/nord.json: party.service_code: stands beside siret")
    address = {"scheme": "0225", "id": f"{siren}_{house.siret(siren)}_SVC-7"}
    assert json.dumps(address) in line
    cure = code | both | {"party.siret": None, "party.electronic_address": address}
    document = house.draft(house.build(tmp_path / "cured", house.client(changes=cure)))
    assert validators.verdicts(document, facturx_xml.generate(document)) == []
