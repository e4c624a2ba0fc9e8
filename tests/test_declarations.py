"""Declarations: what of the records goes into which box of which form, and where it comes from."""

import csv
import io
from typing import Any

import pytest

import house
from lib.core.root import Root

FREE = [house.item("work", "100.00", vat_rate="0")]


def abroad(name: str, country: str, vat_number: str = "", **changes: Any) -> dict[str, Any]:
    """A business outside France."""
    party = {
        "party.siren": None,
        "party.address": {"lines": ["Main street 1"], "city": "City", "country": country},
        "plans.0.items": FREE,
    }
    if vat_number:
        party["party.vat_number"] = vat_number
    return house.client(name, {**party, **changes})


def at(name: str, postcode: str, rate: str, i: int) -> dict[str, Any]:
    """A French business in a place, that is sold services at a rate."""
    items = [house.item("work", "100.00", vat_rate=rate)]
    return house.client(name, {"party.address.postcode": postcode, "plans.0.items": items}, i)


CLIENTS = [
    house.client("nord"),
    abroad("berlin", "DE", "DE136695976", **{"vat.treatment": "intra_eu"}),
    abroad("leeds", "GB", **{"vat.treatment": "outside_eu"}),
    house.client("taker", {"vat.treatment": "reverse_charge", "plans.0.items": FREE}, 2),
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
