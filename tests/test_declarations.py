"""Declarations: what of the records goes into which box of which form, and where it comes from."""

import csv
import io
import zipfile
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from lxml import etree

import house
import past
from lib.accounting import csv_tables, declarations
from lib.accounting.declarations import CA3
from lib.books import tax_points
from lib.books.records import Record
from lib.core.root import Root

ITEMS, POSTCODE = "plans.0.items", "party.address.postcode"
FREE = [house.item("work", "100.00", vat_rate="0")]


def abroad(name: str, country: str, vat_number: str = "", **changes: Any) -> dict[str, Any]:
    """A business outside France."""
    party = {
        "party.siren": None,
        "party.address": {"lines": ["Main street 1"], "city": "City", "country": country},
        ITEMS: FREE,
    }
    if vat_number:
        party["party.vat_number"] = vat_number
    return house.client(name, {**party, **changes})


def at(name: str, postcode: str, rate: str, i: int) -> dict[str, Any]:
    """A French business in a place, that is sold services at a rate."""
    items = [house.item("work", "100.00", vat_rate=rate)]
    return house.client(name, {POSTCODE: postcode, ITEMS: items}, i)


CLIENTS = [
    house.client("nord"),
    abroad("berlin", "DE", "DE136695976", **{"vat.treatment": "intra_eu"}),
    abroad("leeds", "GB", **{"vat.treatment": "outside_eu"}),
    house.client("taker", {"vat.treatment": "reverse_charge", ITEMS: FREE}, 2),
    at("bastia", "20200", "10", 3),
    at("denis", "97400", "8.5", 4),
]


@pytest.fixture(scope="module")
def studio(tmp_path_factory) -> Root:
    """Services of October to buyers of all sorts, invoiced on 8 November."""
    root = house.build(tmp_path_factory.mktemp("studio") / "root", *CLIENTS)
    ran = house.month(root)
    assert ran.code == 0, ran.err
    return root


def rows(root: Root, name: str) -> list[dict[str, str]]:
    text = (root.path / "exports" / name).read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_reverse_charge_at_home_and_in_the_eu_are_told_apart(studio):
    assert house.call("export_revenues", studio, month="2026-11").code == 0
    totals = rows(studio, "recettes/revenues-2026-11.totals.csv")
    reverse = [(row["exemption"], row["net"]) for row in totals if row["vat_category"] == "AE"]
    assert reverse == [("VATEX-EU-AE", "100.00"), ("VATEX-FR-AE", "100.00")]
    (berlin,) = [
        row for row in rows(studio, "recettes/revenues-2026-11.csv") if row["client"] == "berlin"
    ]
    assert (berlin["country"], berlin["vat_number"]) == ("DE", "DE136695976")


def test_records_know_whose_rates_vat_has(studio):
    places = {
        client: house.records(studio, client)[0].get("places") for client in ("bastia", "denis")
    }
    assert places == {"bastia": {"services": "corsica"}, "denis": {"services": "overseas"}}
    assert "places" not in house.records(studio, "nord")[0]


def declare(root: Root, **period: str) -> house.Ran:
    ran = house.call("declare", root, **period)
    assert ran.code == 0, ran.err
    return ran


def boxes(root: Root, period: str) -> dict[tuple[str, str], tuple[str, str]]:
    """By form and box, net and VAT."""
    table = rows(root, f"declarations/declaration-{period}.csv")
    return {(row["form"], row["box"]): (row["net"], row["vat"]) for row in table}


def documents_of(root: Root, period: str, box: str) -> list[tuple[str, str]]:
    """The pieces of a box, with what each has in it."""
    table = rows(root, f"declarations/declaration-{period}.documents.csv")
    return [(row["number"], row["net"]) for row in table if row["box"] == box]


def test_services_to_buyers_of_all_sorts(tmp_path):
    root = house.build(tmp_path / "root", *CLIENTS, seller=house.issuer({"debits": True}))
    assert house.month(root).code == 0
    ran = declare(root, month="2026-11")
    assert boxes(root, "2026-11") == {
        (CA3, "A1"): ("264.00", ""),
        (CA3, "08"): ("64.00", "12.80"),
        (CA3, "T3"): ("100.00", "10.00"),
        (CA3, "10"): ("100.00", "8.50"),
        (CA3, "E2"): ("200.00", ""),
    }
    assert "100.00" in ran.out and "E2" in ran.out
    # Services to a business in the EU fall due when they are done, those to others as paid.
    declare(root, month="2026-10")
    assert boxes(root, "2026-10") == {
        (CA3, "E2"): ("100.00", ""),
        ("DES 2026-10", "DE136695976"): ("100.00", ""),
    }
    assert documents_of(root, "2026-10", "E2") == [("BERLIN-2026-0001", "100.00")]
    xml = etree.parse(root.path / "exports/declarations/des-2026-10.xml")
    assert [node.text for node in xml.iter() if node.tag in ("valeur", "partner_des")] == [
        "100",
        "DE136695976",
    ]
    declare(root, quarter="2026-Q4")
    assert boxes(root, "2026-Q4")[CA3, "E2"] == ("300.00", "")
    assert house.call("pack_accountant", root, quarter="2026-Q4").code == 0
    with zipfile.ZipFile(root.path / "exports/accountant/accountant-2026-Q4.zip") as package:
        for name in ("declaration-2026-Q4.csv", "des-2026-10.xml"):
            data = (root.path / "exports/declarations" / name).read_bytes()
            assert package.read(f"accountant-2026-Q4/{name}") == data
    assert house.call("verify", root).code == 0
    for name in ("declaration-2026-Q4.documents.csv", "des-2026-10.xml"):
        path = root.path / "exports/declarations" / name
        data = path.read_bytes()
        path.write_bytes(data.replace(b"100", b"101"))
        ran = house.call("verify", root)
        assert ran.code == 3 and name in ran.err
        path.write_bytes(data)


def test_goods_abroad_have_boxes_of_their_own(tmp_path):
    goods = [house.item("paper", "50.00", vat_rate="0", category="goods", unit="C62")]
    root = house.build(
        tmp_path / "root",
        abroad("roma", "IT", "IT00743110157", **{"vat.treatment": "intra_eu", ITEMS: goods}),
        abroad("boston", "US", **{"vat.treatment": "export", ITEMS: goods}),
        abroad(
            "antrim",
            "GB",
            "XI110305878",
            **{"vat.treatment": "intra_eu", ITEMS: goods, POSTCODE: "BT1 5GS"},
        ),
        seller=house.issuer({"operation_category": "goods"}),
    )
    assert house.month(root).code == 0
    declare(root, month="2026-10")
    assert boxes(root, "2026-10") == {(CA3, "F2"): ("100.00", ""), (CA3, "E1"): ("50.00", "")}


SERVICES = ("services", "20.00", 1_000, 200)
EXEMPT = ("services", "0.00", 3_000, 0)


def past_of(tmp_path, *facts: Record, **seller: Any) -> Root:
    return past.root_of(tmp_path / "root", *facts, issuer=house.issuer(seller))


def credit(corrects: str, day: str, *shares: past.Given, **more: Any) -> Record:
    return past.bill("nord", "NORD-2024-0009", day, *shares, corrects=corrects, **more)


def test_what_is_below_0_is_taken_back_where_the_form_wants_it(tmp_path):
    more = {"vat_on_debits": True}
    root = past_of(
        tmp_path,
        past.bill(
            "nord", "NORD-2024-0001", "2024-01-10", ("services", "20.00", 3_000, 600), **more
        ),
        past.bill("nord", "NORD-2024-0002", "2024-02-10", SERVICES, **more),
        credit("NORD-2024-0001", "2024-02-20", ("services", "20.00", 3_000, 600), **more),
    )
    declare(root, month="2024-02")
    assert boxes(root, "2024-02") == {(CA3, "B5"): ("20.00", ""), (CA3, "21"): ("", "4.00")}
    assert documents_of(root, "2024-02", "B5") == [
        ("NORD-2024-0002", "-10.00"),
        ("NORD-2024-0009", "30.00"),
    ]
    declare(root, quarter="2024-Q1")
    assert boxes(root, "2024-Q1") == {(CA3, "A1"): ("10.00", ""), (CA3, "08"): ("10.00", "2.00")}


def test_a_year_of_the_simplified_regime_has_the_boxes_of_its_form(tmp_path):
    root = past_of(
        tmp_path,
        past.bill("nord", "NORD-2024-0001", "2024-01-10", SERVICES, ("goods", "5.50", 2_000, 110)),
        past.money("nord", "NORD-2024-0001", "2024-03-01", 3_310),
        vat_periods="simplified",
    )
    declare(root, year="2024")
    assert boxes(root, "2024") == {
        ("3517-S-SD", "5A"): ("10.00", "2.00"),
        ("3517-S-SD", "06"): ("20.00", "1.10"),
    }


def test_rates_without_a_box_on_the_simplified_form_share_that_of_particular_rates(tmp_path):
    sold = [("", "2.10", 210), ("corsica", "10.00", 1_000), ("overseas", "2.10", 210)]
    bills = [
        past.bill(
            "nord",
            f"NORD-2024-000{i}",
            f"2024-01-{i:02d}",
            ("goods", rate, 10_000, vat),
            places={"goods": place} if place else {},
        )
        for i, (place, rate, vat) in enumerate(sold, 1)
    ]
    declare(past_of(tmp_path, *bills, vat_periods="simplified"), year="2024")
    assert boxes(Root(tmp_path / "root"), "2024") == {
        ("3517-S-SD", "08"): ("100.00", "2.10"),
        ("3517-S-SD", "09"): ("200.00", "12.10"),
    }


def test_vat_of_before_is_declared_when_the_seller_has_gone_into_the_franchise(tmp_path):
    free = past.bill("nord", "NORD-2024-0002", "2024-02-10", EXEMPT)
    free["breakdown"][0]["vat_category"] = "E"
    free["exemptions"] = {"E": "VATEX-FR-FRANCHISE"}
    root = past_of(
        tmp_path,
        past.bill("nord", "NORD-2024-0001", "2024-01-10", SERVICES),
        free,
        past.money("nord", "NORD-2024-0001", "2024-02-20", 1_200),
        past.money("nord", "NORD-2024-0002", "2024-02-21", 3_000),
        **{"vat_regime": "franchise", "party.vat_number": None, "activity": "bnc"},
    )
    declare(root, month="2024-02")
    of_vat = {place: sums for place, sums in boxes(root, "2024-02").items() if place[0] == CA3}
    assert of_vat == {(CA3, "A1"): ("10.00", ""), (CA3, "08"): ("10.00", "2.00")}


def test_a_micro_entrepreneur_declares_what_was_received(tmp_path):
    bill = past.bill("nord", "NORD-2024-0001", "2024-01-10", EXEMPT, ("goods", "0.00", 2_050, 0))
    for share in bill["breakdown"]:
        share["vat_category"] = "E"
    root = past_of(
        tmp_path,
        bill,
        past.money("nord", "NORD-2024-0001", "2024-02-01", 5_150),
        past.money("nord", "NORD-2024-0001", "2024-04-01", -1_100),
        **{
            "vat_regime": "franchise",
            "party.vat_number": None,
            "activity": "bnc",
            "thresholds": {"2024": {"services": "100", "services_raised": "120"}},
        },
    )
    declare(root, quarter="2024-Q1")
    assert boxes(root, "2024-Q1") == {
        ("URSSAF", "bic_sales"): ("20.50", ""),
        ("URSSAF", "bnc"): ("30.00", ""),
        ("URSSAF", "overpayment"): ("1.00", ""),
        ("CGI 293 B", "services"): ("30.00", ""),
        ("CGI 293 B", "goods"): ("50.50", ""),
    }
    table = rows(root, "declarations/declaration-2024-Q1.csv")
    assert [row["net_euros"] for row in table[:2]] == ["21", "30"]
    assert "limit 100: 30 %" in table[3]["label"]
    # No box takes a negative number: what is below 0 waits for the next declaration.
    declare(root, month="2024-04")
    below = {
        box: net for (form, box), (net, _) in boxes(root, "2024-04").items() if form == "URSSAF"
    }
    assert below == {"bic_sales -": "4.06", "bnc -": "5.94", "overpayment -": "1.00"}


def test_a_deposit_counts_when_it_is_paid_and_the_rest_with_the_services(tmp_path):
    eu = {"exemptions": {"AE": "VATEX-EU-AE"}, "buyer_vat_number": "IT00743110157"}
    facts = [
        past.bill("nord", "NORD-2024-0001", "2024-01-10", EXEMPT, type="386", order="site", **eu),
        past.bill(
            "nord",
            "NORD-2024-0002",
            "2024-03-05",
            ("services", "0.00", 7_000, 0),
            order="site",
            **eu,
        ),
        past.money("nord", "NORD-2024-0001", "2024-02-01", 1_000),
    ]
    for fact in facts[:2]:
        fact["breakdown"][0]["vat_category"] = "AE"
    facts[1]["deposits"] = [{"breakdown": facts[0]["breakdown"], "number": "NORD-2024-0001"}]
    root = past_of(tmp_path, *facts)
    declare(root, quarter="2024-Q1")
    assert boxes(root, "2024-Q1") == {
        (CA3, "E2"): ("100.00", ""),
        ("DES 2024-02", "IT00743110157"): ("10.00", ""),
        ("DES 2024-03", "IT00743110157"): ("90.00", ""),
    }


def test_a_british_number_is_refused_by_the_des(tmp_path):
    eu = {"exemptions": {"AE": "VATEX-EU-AE"}, "buyer_vat_number": "GB123456789"}
    bill = past.bill("nord", "NORD-2024-0001", "2024-01-10", EXEMPT, **eu)
    bill["breakdown"][0]["vat_category"] = "AE"
    root = past_of(tmp_path, bill)
    ran = house.call("declare", root, month="2024-01")
    assert ran.code == 1 and "B-DES-NUMBER" in ran.err and "GB123456789" in ran.err
    assert not (root.path / "exports/declarations").exists()


def test_forms_of_france_are_not_for_a_seller_elsewhere(tmp_path):
    address = {"lines": ["Hauptstr. 1"], "postcode": "10115", "city": "Berlin", "country": "DE"}
    seller = {"party.address": address, "party.siren": None, "party.siret": None}
    root = past_of(tmp_path, **seller, **{"party.vat_number": "DE136695976"})
    ran = house.call("declare", root, month="2024-01")
    assert ran.code == 1 and "B-DECLARATION-STATE" in ran.err


CATEGORIES = {"20.00": "S", "10.00": "S", "5.50": "G"}


@given(past.past(), st.booleans())
@profile(max_examples=60, deadline=None)
def test_no_box_is_below_0_and_all_add_up_to_what_falls_due(facts, is_untaxed):
    """Boxes against vat_due, month by month; of an untaxed past 5.50 stands for exports."""
    for fact in facts:
        for share in fact.get("breakdown", ()) if is_untaxed else ():
            if CATEGORIES[share["vat_rate"]] != "S":
                share |= {"vat_category": "G", "vat_rate": "0.00", "vat": "0.00"}
        if "breakdown" in fact:
            gross = sum(Decimal(s["net"]) + Decimal(s["vat"]) for s in fact["breakdown"])
            fact["gross"] = str(gross)
    histories = past.histories_of(facts)
    months = {due.date[:7] for history in histories for due in tax_points.dues(history)}
    for month in sorted(months):
        whole = declarations.joined([declarations.part(month, [histories])])
        figures = declarations.vat_return(declarations.CA3, whole.due)
        by_box = {figure.box: figure for figure in figures}
        assert len(by_box) == len(figures)
        sums: Counter[str] = Counter()
        for figure in figures:
            assert (figure.net or 0) >= 0 and (figure.vat or 0) >= 0
            for name in ("net", "vat"):
                amounts = [getattr(entry, name) or 0 for entry in figure.entries]
                assert sum(amounts) == (getattr(figure, name) or 0)
        for figure in figures:
            sign = -1 if figure.box in ("B5", "F8", "21") else 1
            if figure.box not in ("08", "09", "9B"):
                sums["net"] += sign * (figure.net or 0)
            sums["vat"] += sign * (figure.vat or 0)
        due = csv_tables.vat_due(histories, month).sums.values()
        assert sums["net"] == sum(net for net, _ in due)
        assert sums["vat"] == sum(vat for _, vat in due) == whole.booked
        taxed = sum(by_box[box].net or 0 for box in ("08", "09", "9B") if box in by_box)
        assert taxed == (by_box["A1"].net if "A1" in by_box else 0)
