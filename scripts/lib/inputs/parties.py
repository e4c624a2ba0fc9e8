"""Parties: what a schema cannot say of one, whoever it is: seller, client or customer"""

import re
from collections.abc import Mapping
from typing import Any

from lib.core import readings
from lib.core.faults import Fault
from lib.core.messages import Message, say
from lib.values import territories, vat


def faults(party: Mapping[str, Any], place: str = "party.") -> list[Fault]:
    """What is wrong between the fields of a party."""
    misfits = []
    siren, country = party.get("siren"), party["address"]["country"]
    remove = say("remove it")
    if party.get("person"):
        for key in ("siren", "siret", "vat_number"):
            if key in party:
                misfits.append(
                    Fault(f"{place}{key}", say("a private person has none"), remedy=remove)
                )
        if party.get("taxable"):
            text = say("a private person never is")
            misfits.append(Fault(f"{place}taxable", text, remedy=remove))
    elif siren is not None and not territory_of(party["address"]).french:
        text = say("a SIREN is French, the address is in {country}", country=country)
        misfits.append(Fault(f"{place}siren", text))
    if party.get("taxable") is False and not party.get("person") and "vat_number" in party:
        remedy = say('remove it, or "taxable": false')
        text = say("is that of a taxable person")
        misfits.append(Fault(f"{place}vat_number", text, remedy=remedy))
    if siren and "siret" in party and not party["siret"].startswith(siren):
        text = say(
            '"{siret}" does not begin with the SIREN, {siren}', siret=party["siret"], siren=siren
        )
        misfits.append(Fault(f"{place}siret", text))
    misfits += _service_faults(party, place)
    vat_number = party.get("vat_number", "")
    if siren and vat_number.startswith("FR") and vat_number[4:] != siren:
        text = say(
            '"{number}" does not end with the SIREN, {siren}', number=vat_number, siren=siren
        )
        misfits.append(Fault(f"{place}vat_number", text))
    address = party.get("electronic_address", {})
    if siren and address.get("scheme") == "0225" and not address["id"].startswith(siren):
        text = say(
            '"{id}" does not begin with the SIREN, {siren} (BR-FR-21)',
            id=address["id"],
            siren=siren,
        )
        misfits.append(Fault(f"{place}electronic_address.id", text))
    postcode = party["address"].get("postcode")
    if country == "FR" and (postcode is None or not _is_french_postcode(postcode)):
        text = say('"{postcode}" is not a French postcode', postcode=postcode or "")
        text = say("is missing") if postcode is None else text
        remedy = french_postcode(postcode or "")
        misfits.append(Fault(f"{place}address.postcode", text, remedy=remedy))
    return misfits


def _service_faults(party: Mapping[str, Any], place: str) -> list[Fault]:
    """What is wrong with the service code of a public body: EN 16931 has BT-46 once."""
    code, siren, siret = party.get("service_code"), party.get("siren", ""), party.get("siret", "")
    if code is None:
        return []
    if not vat.is_public_siren(siren):
        found = say("is of public bodies alone, whose SIREN begins with 1 or 2")
        remedy = say("remove it; what the customer wants to find again stands in buyer_reference")
        return [Fault(f"{place}service_code", found, remedy=remedy)]
    if not siret:
        return []
    found = say("stands beside siret, and an invoice carries one of them (BT-46, EN 16931)")
    remedy = say(
        'remove siret and name both in electronic_address: {{"scheme": "0225", "id":'
        ' "{address}"}}; or keep siret and write the code as buyer_reference (BT-10), where the'
        " platform takes it from there",
        address=f"{siren}_{siret}_{code}",
    )
    return [Fault(f"{place}service_code", found, remedy=remedy)]


def _is_french_postcode(text: str) -> bool:
    return re.fullmatch("[0-9]{5}", text) is not None


def french_postcode(text: str) -> Message:
    """What to write for a French postcode."""
    if meant := readings.readings("postcode", text, _is_french_postcode):
        return readings.to_write(meant)
    return say("write its five digits (a spreadsheet drops a 0 at the beginning)")


def needs_siren(party: Mapping[str, Any]) -> bool:
    """Whether a party is a French business without the SIREN that it has."""
    taxable = party.get("taxable", True) and not party.get("person")
    place = territory_of(party["address"])
    return taxable and place.french and place.state == "FR" and "siren" not in party


def territory_of(address: Mapping[str, Any]) -> territories.Territory:
    return territories.of(address["country"], address.get("postcode", ""))
