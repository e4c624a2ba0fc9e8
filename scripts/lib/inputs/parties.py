"""Parties: what a schema cannot say of one, whoever it is: seller, client or customer"""

import re
from collections.abc import Mapping
from typing import Any

from lib.core import readings
from lib.values import territories


def faults(party: Mapping[str, Any], place: str = "party.") -> list[tuple[str, str]]:
    """What is wrong between the fields of a party."""
    found = []
    siren, country = party.get("siren"), party["address"]["country"]
    if party.get("person"):
        for key in ("siren", "siret", "vat_number"):
            if key in party:
                found.append((f"{place}{key}", "a private person has none; remove it"))
        if party.get("taxable"):
            found.append((f"{place}taxable", "a private person never is; remove it"))
    elif siren is not None and not territory_of(party["address"]).french:
        found.append((f"{place}siren", f"a SIREN is French, the address is in {country}"))
    if party.get("taxable") is False and not party.get("person") and "vat_number" in party:
        text = 'is that of a taxable person; remove it, or "taxable": false'
        found.append((f"{place}vat_number", text))
    if siren and "siret" in party and not party["siret"].startswith(siren):
        text = f'"{party["siret"]}" does not begin with the SIREN, {siren}'
        found.append((f"{place}siret", text))
    vat_number = party.get("vat_number", "")
    if siren and vat_number.startswith("FR") and vat_number[4:] != siren:
        found.append((f"{place}vat_number", f'"{vat_number}" does not end with the SIREN, {siren}'))
    address = party.get("electronic_address", {})
    if siren and address.get("scheme") == "0225" and not address["id"].startswith(siren):
        text = f'"{address["id"]}" does not begin with the SIREN, {siren} (BR-FR-21)'
        found.append((f"{place}electronic_address.id", text))
    postcode = party["address"].get("postcode")
    if country == "FR" and (postcode is None or not _is_french_postcode(postcode)):
        said = "is missing" if postcode is None else f'"{postcode}" is not a French postcode'
        found.append((f"{place}address.postcode", f"{said}; {french_postcode(postcode or '')}"))
    return found


def _is_french_postcode(text: str) -> bool:
    return re.fullmatch("[0-9]{5}", text) is not None


def french_postcode(text: str) -> str:
    """What to write for a French postcode."""
    if meant := readings.readings("postcode", text, _is_french_postcode):
        return f"write {readings.quoted(meant)}"
    return "write its five digits (a spreadsheet drops a 0 at the beginning)"


def needs_siren(party: Mapping[str, Any]) -> bool:
    """Whether a party is a French business without the SIREN that it has."""
    taxable = party.get("taxable", True) and not party.get("person")
    place = territory_of(party["address"])
    return taxable and place.french and place.state == "FR" and "siren" not in party


def territory_of(address: Mapping[str, Any]) -> territories.Territory:
    return territories.of(address["country"], address.get("postcode", ""))
