"""The judges: what is wrong is named by its rule, what is right passes, silence is no pass."""

from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

import house
from lib.documents import facturx_xml, schematron, validators
from lib.values import territories
from lib.values.document import Document

FRANCE = {
    "lines": ["3 quai de la Fosse"], "postcode": "44100", "city": "Nantes", "country": "FR"
}  # fmt: skip
GERMANY = {"lines": ["Hafenstraße 1"], "postcode": "20457", "city": "Hamburg", "country": "DE"}
AMERICA = {"lines": ["1 Main St"], "postcode": "10001", "city": "New York", "country": "US"}
FREE = [house.item("hosting", vat_rate="0")]
BOTH = [house.item("hosting", vat_rate="0", category="services"),
        house.item("book", vat_rate="0", category="goods", unit="H87")]  # fmt: skip
GERMAN = {
    "party.address": GERMANY,
    "party.siren": None,
    "party.vat_number": "DE136695976",
    "language": "en",
}
AMERICAN = {"party.address": AMERICA, "party.siren": None, "language": "en"}
PRIVATE = {"party.person": True, "party.siren": None}

# Client, issuer, and the VAT categories that come of it.
SOUND: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "standard": ({}, {}, ["S"]),
    "standard, private": (PRIVATE, {}, ["S"]),
    "standard, private without e-mail": ({**PRIVATE, "party.email": None}, {}, ["S"]),
    "standard, debits": ({}, {"debits": True}, ["S"]),
    "standard, no bank": ({}, {"bank": None}, ["S"]),
    "franchise": (
        {"vat.treatment": "franchise", "plans.0.items": FREE},
        {"vat_regime": "franchise", "party.vat_number": None},
        ["E"],
    ),
    "franchise, sole trader with a VAT number": (
        {"vat.treatment": "franchise", "plans.0.items": FREE},
        {"vat_regime": "franchise", "legal_form": "EI", "capital": None},
        ["E"],
    ),
    "reverse charge": ({"vat.treatment": "reverse_charge", "plans.0.items": FREE}, {}, ["AE"]),
    "intra_eu, services": (
        {**GERMAN, "vat.treatment": "intra_eu", "plans.0.items": FREE},
        {},
        ["AE"],
    ),
    "intra_eu, both": (
        {**GERMAN, "vat.treatment": "intra_eu", "plans.0.items": BOTH},
        {"operation_category": "mixed"},
        ["AE", "K"],
    ),
    "export": (
        {**AMERICAN, "vat.treatment": "export", "plans.0.items": FREE},
        {"operation_category": "goods"},
        ["G"],
    ),
    "outside_eu": (
        {
            **AMERICAN,
            "vat.treatment": "outside_eu",
            "plans.0.items": FREE,
            "plans.0.discounts": [{"id": "gift", "description": {"en": "Gift"}, "percent": "10"}],
        },
        {},
        ["O"],
    ),
    "exempt": (
        {
            "vat": {
                "treatment": "exempt",
                "exemption_code": "VATEX-FR-CGI261-4",
                "exemption_reason": "Exonération de TVA, art. 261-4 du CGI",
            },
            "plans.0.items": FREE,
        },
        {},
        ["E"],
    ),
    "discount of everything": (
        {"plans.0.discounts": [{"id": "gift", "description": {"fr": "Offert"}, "percent": "100"}]},
        {},
        ["S"],
    ),
}


def drafted(tmp_path: Any, client: dict[str, Any], issuer: dict[str, Any]) -> Document:
    root = house.build(tmp_path, house.client(changes=client), seller=house.issuer(issuer))
    return house.draft(root)


@pytest.mark.parametrize("case", SOUND)
def test_every_vat_treatment_passes(tmp_path, case):
    client, issuer, categories = SOUND[case]
    document = drafted(tmp_path, client, issuer)
    assert [subtotal.category for subtotal in document.vat_breakdown] == categories
    assert validators.verdicts(document, facturx_xml.generate(document)) == []


@pytest.mark.parametrize("rate", sorted(territories.french_rates()), ids=str)
def test_every_rate_that_an_input_may_have_passes(tmp_path, rate):
    items = [house.item("hosting", vat_rate=str(rate))]
    document = drafted(tmp_path, {"plans.0.items": items}, {})
    assert validators.verdicts(document, facturx_xml.generate(document)) == []


@pytest.fixture(scope="module")
def sound(tmp_path_factory: Any) -> Document:
    return drafted(tmp_path_factory.mktemp("sound"), {}, {})


FAULTS = [
    ("<ram:TaxBasisTotalAmount>64.00<", "<ram:TaxBasisTotalAmount>64.01<", "BR-CO-13"),
    (">12.80</ram:CalculatedAmount>", ">14.80</ram:CalculatedAmount>", "BR-CO-1"),
    ("<ram:GrandTotalAmount>76.80<", "<ram:GrandTotalAmount>76.90<", "BR-CO-15"),
    ("<ram:SubjectCode>PMT<", "<ram:SubjectCode>AAI<", "BR-FR-05"),
    ("<ram:SubjectCode>PMD<", "<ram:SubjectCode>AAB<", "BR-FR-0"),
    ("20.00</ram:RateApplicablePercent>", "19.00</ram:RateApplicablePercent>", "BR-FR-16"),
    ("<ram:ID>NORD-2026-0001<", "<ram:ID>NORD 2026 0001<", "BR-FR-02"),
    ("<ram:CityName>Nantes</ram:CityName>", "<ram:Town>Nantes</ram:Town>", "XSD"),
    ('schemeID="0002">730000007<', 'schemeID="0002">73000000<', "BR-FR-"),
]


@pytest.mark.parametrize(("right", "wrong", "rule"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_a_fault_is_named_by_its_rule(sound, right, wrong, rule):
    xml = facturx_xml.generate(sound).decode()
    right = right.replace("730000007", sound.seller.siren)
    assert right in xml
    found = validators.verdicts(sound, xml.replace(right, wrong).encode())
    assert any(verdict.rule.startswith(rule) for verdict in found), found
    assert all(verdict.text for verdict in found)


def test_french_rules_bind_french_sellers_only(sound):
    xml = facturx_xml.generate(sound).replace(b"<ram:SubjectCode>PMT<", b"<ram:SubjectCode>AAI<")
    assert validators.verdicts(sound, xml)
    address = replace(sound.seller.address, country="DE")
    abroad = replace(sound, seller=replace(sound.seller, address=address))
    assert validators.verdicts(abroad, xml) == []


def test_an_unknown_address_is_a_private_customer_s_right_and_no_seller_s(tmp_path):
    document = drafted(tmp_path, {**PRIVATE, "party.email": None}, {})
    assert document.buyer.electronic_address is None
    xml = facturx_xml.generate(document)
    assert validators.verdicts(document, xml) == []
    address = document.seller.electronic_address
    known = replace(document, buyer=replace(document.buyer, electronic_address=address))
    assert [verdict.rule[:8] for verdict in validators.verdicts(known, xml)] == ["BR-FR-12"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plans.0.items": [house.item("hosting", "833333333.32")]}, ""),
        (
            {"plans.0.items": [house.item("hosting", "833333333.34")]},
            "1000000000.01 is more than an",
        ),
        # A discount takes all of it back, but its line alone is too large for the standard.
        (
            {
                "plans.0.items": [house.metered("hours", "hours", "999999999.9999")],
                "plans.0.discounts": [
                    {"id": "all", "description": {"fr": "Tout"}, "percent": "100"}
                ],
            },
            "999999999999800000.00 is more than an invoice may come to, 999999999.99: fix",
        ),
    ],
)
def test_an_invoice_too_large_is_refused_in_one_line(tmp_path, changes, said):
    used = house.usage("nord", house.MONTH, {"hours": "999999999.9999"})
    root = house.build(
        tmp_path, house.client(changes=changes), used=(used,) if len(changes) > 1 else ()
    )
    ran = house.month(root)
    assert ran.code == bool(said), ran
    assert ran.err.startswith(f"clients/nord.json: total: {said}" if said else "")
    assert ran.err.count("\n") == bool(said)


class Silent:
    """A schematron that says nothing."""

    def transform_to_string(self, xdm_node: Any) -> str:
        return '<o:schematron-output xmlns:o="http://purl.oclc.org/dsdl/svrl"/>'


def test_a_judge_that_says_nothing_did_not_run(sound, monkeypatch):
    monkeypatch.setattr(schematron, "compiled", lambda path: Silent())
    with pytest.raises(RuntimeError, match="it did not run"):
        validators.verdicts(sound, facturx_xml.generate(sound))


def test_a_judge_that_is_not_there_raises(sound, monkeypatch):
    monkeypatch.setattr(validators, "_BR_FR", "nowhere.xslt")
    with pytest.raises(Exception, match="nowhere"):
        validators.verdicts(sound, facturx_xml.generate(sound))


def test_what_is_not_xml_raises(sound):
    with pytest.raises(etree.XMLSyntaxError):
        validators.verdicts(sound, b"<Invoice")
