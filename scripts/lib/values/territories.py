"""Territories: whose VAT law holds at an address, and which rates; data with sources.

A country is not a territory of VAT: Monaco is France, La Réunion has rates of its own,
the Canary Islands are outside, Northern Ireland is inside for goods alone. Those that
differ from their country stand in values/territories.json. Any other member state of the
EU is a territory, and so is any country outside it.
"""

import json
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from lib.core.messages import Country, Message, say
from lib.values import code_lists
from lib.values.document import Address

OUTSIDE = "outside"


class Territory(NamedTuple):
    """Where an address lies for VAT.

    `state` is the member state whose VAT law holds there ("outside": of none); goods that
    go from one `zone` of it to another are exported. `eu_goods` and `eu_services` say whether
    it counts as the EU for them, `french` whether French law is that of a seller there, and
    its businesses have a SIREN. `rates` are those of France; empty where there is no VAT.
    `rates_of` names a place whose rates are not those of the mainland; empty elsewhere.
    """

    name: Message
    state: str
    zone: str
    eu_goods: bool = False
    eu_services: bool = False
    french: bool = False
    rates: frozenset[Decimal] = frozenset()
    rates_of: str = ""


class _Entry(NamedTuple):
    places: dict[str, list[str]]  # country -> how its postcodes begin; none: the whole country
    territory: Territory


@cache
def _table() -> tuple[_Entry, ...]:
    return tuple(
        _Entry(
            entry["places"],
            Territory(
                Message(entry["name"]),
                entry["state"],
                entry.get("zone", entry["id"]),
                entry.get("eu_goods", False),
                entry.get("eu_services", False),
                entry.get("french", False),
                frozenset(Decimal(rate) for rate in entry.get("rates", ())),
                entry.get("rates_of", ""),
            ),
        )
        for entry in sources()
    )


def sources() -> list[dict[str, Any]]:
    """The entries of the table as they stand there: each names its source and its day."""
    entries: list[dict[str, Any]] = json.loads(
        Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    )
    return entries


@cache
def of(country: str, postcode: str = "") -> Territory:
    """The territory of a country (ISO 3166-1 alpha-2) and a postcode."""
    digits = re.sub("[^A-Z0-9]", "", postcode.upper()).removeprefix(country)
    for entry in _table():
        starts = entry.places.get(country)
        if starts is not None and (not starts or digits.startswith(tuple(starts))):
            return entry.territory
    name = say("{country}", country=Country(country))
    if country in code_lists.eu_members() and country != "XI":
        return Territory(name, country, country, eu_goods=True, eu_services=True)
    return Territory(name, OUTSIDE, country)


def of_address(address: Address) -> Territory:
    """The territory of an address."""
    return of(address.country, address.postcode)


@cache
def french_rates() -> frozenset[Decimal]:
    """Every rate in force somewhere in France."""
    return frozenset(rate for entry in _table() for rate in entry.territory.rates)
