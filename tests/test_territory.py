"""Territory: each case is right, or refused with what is right, in direct invoices and batches."""

from typing import Any, NamedTuple

import pytest

import batches
import house
from lib.billing import batch_files, batch_invoicing, batch_rows
from lib.core.faults import Refused
from lib.documents import facturx_xml, validators
from lib.inputs import inputs
from lib.inputs.batch_csv import Row
from lib.values import territories
from lib.values.document import Document

DE, IT, XI, MC, CH = (
    "DE136695976",
    "IT00743110157",
    "XI110305878",
    "FR53000004605",
    "CHE318462755TVA",
)
OWN = house.vat_number(house.siren(0))
EXEMPT = {
    "treatment": "exempt",
    "exemption_code": "VATEX-FR-CGI261-4",
    "exemption_reason": "Formation exonérée de TVA, art. 261-4-4° du CGI",
}
ZERO = ("franchise", "reverse_charge", "intra_eu", "export", "outside_eu", "exempt")


class Case(NamedTuple):
    """Who sells what to whom, where it goes, under which treatment, and what is right.

    `right` is empty where the treatment may stand, else what the refusal says to write.
    `number` is "own" for a SIREN, "body" and "person" for buyers who are no taxable persons.
    """

    treatment: str
    sold: str
    country: str
    number: str = ""
    right: str = ""
    postcode: str = "1000"
    delivery: str = ""  # country and postcode, where it differs
    seller: str = "FR"
    regime: str = "standard"
    rate: str = "20"


G, S = "goods", "services"
FRENCH = {"postcode": "44100"}
CASES = [
    # services to businesses abroad
    Case("outside_eu", S, "US"),
    Case("outside_eu", S, "CH", CH),
    Case("outside_eu", S, "GB"),
    Case("outside_eu", S, "AD"),
    Case("outside_eu", S, "NC"),
    Case("outside_eu", S, "GF", "own"),
    Case("outside_eu", S, "GB", XI, postcode="BT1 5GS"),
    Case("outside_eu", S, "ES", postcode="35001"),
    Case("export", S, "US", right="outside_eu"),
    Case("export", S, "CH", CH, right="outside_eu"),
    Case("export", S, "DE", DE, right="intra_eu"),
    Case("intra_eu", S, "DE", DE),
    Case("intra_eu", S, "DE", right="party.vat_number"),
    Case("intra_eu", S, "CH", DE, right="outside_eu"),
    Case("intra_eu", S, "GB", XI, right="outside_eu", postcode="BT1 5GS"),
    Case("intra_eu", S, "FR", DE, right="standard", **FRENCH),
    Case("outside_eu", S, "DE", DE, right="intra_eu"),
    Case("outside_eu", S, "FR", "own", right="standard", **FRENCH),
    Case("outside_eu", S, "RE", "own", right="standard", postcode="97400"),
    # private persons and bodies: the seller's VAT, wherever they are
    Case("standard", S, "US", "person"),
    Case("standard", S, "DE", "person"),
    Case("standard", S, "FR", "body", **FRENCH),
    Case("standard", G, "FR", "body", **FRENCH),
    Case("outside_eu", S, "US", "person", right="standard"),
    Case("outside_eu", S, "CH", "body", right="standard"),
    Case("intra_eu", S, "DE", "person", right="standard"),
    Case("intra_eu", G, "DE", "body", right="standard"),
    Case("reverse_charge", S, "FR", "person", right="standard", **FRENCH),
    Case("reverse_charge", S, "FR", "body", right="standard", **FRENCH),
    Case("export", G, "US", "person"),
    # Monaco is France
    Case("standard", S, "MC", MC, postcode="98000"),
    Case("standard", G, "MC", "person", postcode="98000"),
    Case("reverse_charge", S, "MC", MC, postcode="98000"),
    Case("export", G, "MC", MC, right="standard", postcode="98000"),
    Case("intra_eu", S, "MC", MC, right="standard", postcode="98000"),
    Case("intra_eu", G, "MC", MC, right="standard", postcode="98000"),
    Case("outside_eu", S, "MC", MC, right="standard", postcode="98000"),
    # goods, by the place of delivery
    Case("intra_eu", G, "DE", DE),
    Case("intra_eu", G, "DE", DE, delivery="IT 20121"),
    Case("intra_eu", G, "FR", DE, delivery="DE 20457", **FRENCH),
    Case("intra_eu", G, "DE", DE, right="standard", delivery="FR 67000"),
    Case("intra_eu", G, "DE", DE, right="standard", delivery="MC 98000"),
    Case("intra_eu", G, "DE", DE, right="export", delivery="CH 1000"),
    Case("intra_eu", G, "DE", DE, right="export", delivery="ES 38001"),
    Case("intra_eu", G, "DE", DE, right="export", delivery="FI 22100"),
    Case("intra_eu", G, "DE", right="party.vat_number"),
    Case("intra_eu", G, "CH", DE, delivery="DE 20457"),
    Case("export", G, "US"),
    Case("export", G, "CH", CH),
    Case("export", G, "DE", DE, delivery="US 10001"),
    Case("export", G, "US", right="standard", delivery="FR 67000"),
    Case("export", G, "US", right="standard", delivery="DE 20457"),
    Case("export", G, "DE", DE, right="intra_eu"),
    Case("export", G, "GG"),
    Case("export", G, "JE"),
    Case("export", G, "AX"),
    Case("export", G, "ES", postcode="35001"),
    Case("export", G, "DE", DE, postcode="27498"),
    Case("export", G, "IT", IT, postcode="23041"),
    Case("outside_eu", G, "US", right="export"),
    # Northern Ireland
    Case("intra_eu", G, "GB", XI, postcode="BT1 5GS"),
    Case("intra_eu", G, "GB", XI, postcode=""),
    Case("intra_eu", G, "XI", XI, postcode="BT1 5GS"),
    Case("intra_eu", S, "XI", XI, right="outside_eu"),
    Case("intra_eu", G, "DE", DE, delivery="GB BT1 5GS"),
    Case("intra_eu", G, "GB", XI, right="export", postcode="N1 9GU"),
    Case("export", G, "GB", XI, right="intra_eu", postcode="BT1 5GS"),
    Case("export", G, "GB", postcode="N1 9GU"),
    # reverse charge within one state
    Case("reverse_charge", S, "FR", "own", **FRENCH),
    Case("reverse_charge", S, "RE", "own", postcode="97400"),
    Case("reverse_charge", S, "DE", DE, right="intra_eu"),
    Case("reverse_charge", S, "US", right="outside_eu"),
    Case("reverse_charge", G, "DE", DE, right="standard", delivery="FR 67000"),
    # overseas departments
    Case("standard", S, "RE", "own", rate="8.5", postcode="97400"),
    Case("standard", S, "FR", "own", rate="8.5", postcode="97200"),
    Case("standard", S, "GP", "own", rate="2.1", postcode="97100"),
    Case("export", G, "RE", "own", postcode="97400"),
    Case("export", G, "MQ", "own", postcode="97200"),
    Case("export", G, "GF", "own", postcode="97300"),
    Case("export", G, "FR", "own", postcode="97600"),
    Case("standard", S, "GF", "own", right="outside_eu", postcode="97300"),
    Case("standard", S, "FR", "own", right="outside_eu", postcode="97600"),
    Case("standard", G, "YT", "own", right="export", postcode="97600"),
    Case("intra_eu", G, "RE", "own", right="export", postcode="97400"),
    Case("exempt", S, "YT", "own", postcode="97600"),
    # sellers in the franchise
    Case("franchise", S, "FR", "own", regime="franchise", **FRENCH),
    Case("franchise", G, "DE", DE, regime="franchise"),
    Case("franchise", S, "DE", "person", regime="franchise"),
    Case("franchise", G, "RE", "own", regime="franchise", postcode="97400"),
    Case("standard", G, "RE", "own", right="franchise", regime="franchise", postcode="97400"),
    Case("intra_eu", S, "DE", DE, regime="franchise"),
    Case("outside_eu", S, "US", regime="franchise"),
    Case("intra_eu", G, "DE", DE, right="franchise", regime="franchise"),
    Case("franchise", S, "DE", DE, right="intra_eu", regime="franchise"),
    Case("franchise", S, "US", right="outside_eu", regime="franchise"),
    Case("standard", S, "FR", "own", right="franchise", regime="franchise", **FRENCH),
    Case("reverse_charge", S, "FR", "own", right="franchise", regime="franchise", **FRENCH),
    Case("standard", S, "US", right="outside_eu", regime="franchise"),
    # sellers of other states
    Case("standard", S, "DE", DE, seller="IT", rate="22"),
    Case("reverse_charge", S, "IT", IT, seller="IT"),
    Case("intra_eu", S, "FR", OWN, seller="DE", **FRENCH),
    Case("intra_eu", G, "MC", MC, seller="DE", postcode="98000"),
    Case("outside_eu", S, "CH", seller="DE"),
    Case("outside_eu", S, "RE", "own", seller="DE", postcode="97400"),
    Case("export", G, "CH", seller="DE"),
    Case("export", G, "FR", OWN, seller="DE", right="intra_eu", **FRENCH),
    Case("reverse_charge", S, "FR", OWN, seller="DE", right="intra_eu", **FRENCH),
    Case("standard", S, "CH", seller="CH", rate="8.1"),
    Case("intra_eu", S, "DE", DE, seller="CH", right="standard"),
]  # fmt: skip
NUMBERS = {"FR": OWN, "DE": "DE136695976", "IT": "IT00743110157", "CH": "CHE318462755TVA"}


def name_of(case: Case) -> str:
    return "-".join(str(part) for part in case if part)


def address(country: str, postcode: str) -> dict[str, Any]:
    found = {"lines": ["1 Main St"], "city": "X", "country": country}
    return found | ({"postcode": postcode} if postcode else {})


def seller_of(case: Case) -> dict[str, Any]:
    """What changes of the house's issuer."""
    changes: dict[str, Any] = {
        "vat_regime": case.regime,
        "operation_category": case.sold,
        "party.vat_number": NUMBERS[case.seller],
    }
    if case.seller != "FR":
        foreign = {"party.siren": None, "party.siret": None, "capital": None, "registration": None}
        changes |= foreign | {"party.address": address(case.seller, "1000"), "legal_form": "GmbH"}
    return changes


def buyer_of(case: Case) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": "Client",
        "address": address(case.country, case.postcode),
        "email": ["client@client.example"],
    }
    if case.number == "own":
        found["siren"] = house.siren(1)
    elif case.number == "person":
        found["person"] = True
    elif case.number == "body":
        found["taxable"] = False
    elif case.number:
        found["vat_number"] = case.number
    # A foreign business with a French address has its French establishment's SIREN.
    if case.country == "FR" and case.number not in ("own", "person", "body"):
        found["siren"] = house.siren(0 if case.number == OWN else 1)
    if case.delivery:
        country, _, postcode = case.delivery.partition(" ")
        found["delivery_address"] = address(country, postcode) | {"name": "Dock"}
    return found


def direct(folder: Any, case: Case, language: str = "fr") -> Document | list[Any]:
    """The document of a direct invoice, or what its inputs are refused for."""
    rate = "0" if case.treatment in ZERO else case.rate
    changes = {
        "party": buyer_of(case),
        "language": language,
        "vat": EXEMPT if case.treatment == "exempt" else {"treatment": case.treatment},
        "plans.0.items": [house.item("hosting", vat_rate=rate)],
    }
    root = house.build(folder, house.client(changes=changes), seller=house.issuer(seller_of(case)))
    try:
        return house.draft(root)
    except Refused as refused:
        return list(refused.alerts)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_direct_invoice_is_right_or_refused_with_what_is_right(tmp_path, case):
    found = direct(tmp_path, case)
    if not case.right:
        assert isinstance(found, Document), found
        assert validators.verdicts(found, facturx_xml.generate(found)) == []
        return
    assert isinstance(found, list), found.vat_breakdown
    (alert,) = found
    assert alert.place == ("vat.treatment" if "." not in case.right else case.right)
    assert "." in case.right or f'write "{case.right}"' in alert.text, alert.text


CATEGORY = {
    "standard": "S",
    "franchise": "E",
    "reverse_charge": "AE",
    "export": "G",
    "outside_eu": "O",
    "exempt": "E",
}


def row_of(case: Case) -> dict[str, str | None]:
    buyer = buyer_of(case)
    cells: dict[str, str | None] = {
        "customer_country": case.country,
        "customer_postcode": case.postcode or None,
        "customer_siren": buyer.get("siren"),
        "customer_vat_number": buyer.get("vat_number"),
        "customer_person": "yes" if "person" in buyer else None,
        "customer_taxable": "no" if "taxable" in buyer else None,
        "customer_email": "client@client.example",
        "vat_rate_1": ("0" if case.treatment in ZERO else case.rate).replace(".", ","),
        "vat_category_1": CATEGORY.get(case.treatment, "K" if case.sold == G else "AE"),
    }
    if case.treatment == "exempt":
        cells["exemption_code_1"] = EXEMPT["exemption_code"]
        cells["exemption_reason_1"] = EXEMPT["exemption_reason"]
    if "delivery_address" in buyer:
        place = buyer["delivery_address"]
        cells |= {
            "delivery_address_1": "Dock",
            "delivery_city": "X",
            "delivery_country": place["country"],
            "delivery_postcode": place["postcode"],
        }
    return cells


def batch(folder: Any, case: Case) -> Document | list[Any]:
    """The document of a line of a batch, or its faults."""
    own = "franchise" if case.regime == "franchise" else "standard"
    changes = {f"seller.{place}": value for place, value in seller_of(case).items()}
    if case.seller == "FR":
        changes["seller.party.vat_number"] = house.vat_number(house.siren(500))
    root = batches.build(folder, changes=changes | {"defaults.vat": {"treatment": own}})
    client = inputs.load(root).batch_clients["fil"].client
    cells = batches.row(**row_of(case))
    reader = batch_rows.Reader(client.csv, client.seller, client.defaults, tuple(cells))
    read = batch_files.read_row(Row(2, tuple(cells.values()), ()), reader)
    if isinstance(read, list):
        return read
    day = house.date.fromisoformat(house.TODAY)
    return batch_invoicing.invoice(client, read, "FIL-2026-0001", house.MONTH, day, "A", {}, {})


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_batch_says_what_a_direct_invoice_says(tmp_path, case):
    found = batch(tmp_path, case)
    # A category says less than a treatment: AE is a reverse charge at home, intra_eu abroad.
    if case.treatment in ("reverse_charge", "intra_eu") and case.sold == S:
        at_home = territories.of(case.seller).state == territories.of(case.country).state
        if at_home == (case.treatment == "intra_eu"):
            return
    if not case.right:
        assert isinstance(found, Document), found
        assert validators.verdicts(found, facturx_xml.generate(found)) == []
        return
    assert isinstance(found, list), found.vat_breakdown
    (fault,) = found
    if "." in case.right:
        assert fault.column == "customer_vat_number"
        return
    assert fault.column == "vat_category_1"
    category = CATEGORY.get(case.right, "K" if case.sold == G else "AE")
    assert f'write "{category}"' in str(fault.remedy), fault


AMERICAN = {"party.siren": None, "party.address.country": "US", "language": "en"}


@pytest.mark.parametrize("treatment", ["export", "outside_eu", "reverse_charge"])
def test_goods_and_services_outside_the_eu_are_invoiced_apart(tmp_path, treatment):
    items = [house.item(sold, vat_rate="0", category=sold) for sold in (G, S)]
    client = {**AMERICAN, "vat.treatment": treatment, "plans.0.items": items}
    root = house.build(
        tmp_path,
        house.client(changes=client),
        seller=house.issuer({"operation_category": "mixed"}),
    )
    ran = house.call("check_inputs", root)
    assert ran.code == 1
    assert "goods are export, services outside_eu: invoice them apart" in ran.err


def test_nothing_is_said_of_a_treatment_before_it_is_known_what_is_sold(tmp_path):
    client = {
        **AMERICAN,
        "vat.treatment": "export",
        "plans.0.items": [house.item("x1", vat_rate="0")],
    }
    root = house.build(
        tmp_path,
        house.client(changes=client),
        seller=house.issuer({"operation_category": "mixed"}),
    )
    (line,) = house.call("check_inputs", root).err.splitlines()
    assert "plans[0].items[0].category: is missing" in line


def test_a_one_off_line_is_lawful_under_the_client_s_treatment(tmp_path):
    client = {
        **AMERICAN,
        "vat.treatment": "outside_eu",
        "plans.0.items": [house.item("hosting", vat_rate="0", category=S)],
    }
    used = house.usage("nord", house.MONTH, None, house.one_off(vat_rate="0", category=G))
    root = house.build(
        tmp_path,
        house.client(changes=client),
        seller=house.issuer({"operation_category": "mixed"}),
        used=(used,),
    )
    (line,) = house.call("check_inputs", root).err.splitlines()
    assert "lines[0].category: goods delivered in the United States are exports" in line


def test_what_is_outside_the_scope_of_vat_stands_alone_in_a_batch(tmp_path):
    abroad = {"customer_country": "US", "customer_siren": None, "vat_rate_1": "0"}
    row = batches.row(**abroad, vat_category_1="O") | batches.group(2)
    root = batches.build(tmp_path, batches.file_of(row))
    (line,) = batches.rejected(root)
    assert line["column"] == "vat_category_2"
    assert "stands alone on an invoice (BR-O-11)" in line["rule"]
