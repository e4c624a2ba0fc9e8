"""Checks of VAT in what people write: treatment, rate and category of what a client is sold"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from lib.inputs.issuer_file import Issuer
from lib.inputs.plans import Vat
from lib.values import vat
from lib.values.document import Party

EXEMPTING_CODE = "write the code of the law that exempts this"


def treatment_faults(value: Mapping[str, Any], issuer: Issuer) -> list[tuple[str, str]]:
    """VAT: the treatment against the issuer's regime, both parties, what is sold, each rate."""
    terms, buyer = msgspec.convert(value["vat"], Vat), msgspec.convert(value["party"], Party)
    rated = [
        (f"plans[{i}].items[{k}]", item)
        for i, plan in enumerate(value["plans"])
        for k, item in enumerate(plan["items"])
    ]
    rated += [
        (f"plans[{i}].minimum", plan["minimum"])
        for i, plan in enumerate(value["plans"])
        if "minimum" in plan
    ]
    common = [entry for _, entry in rated if "vat" not in entry]
    found = []
    if common or not rated:
        found += _vat_faults(terms, kinds(common, issuer), issuer, buyer)
    reasons = {_reason_of(terms)} - {None}
    for place, entry in rated:
        own = terms
        if "vat" in entry:
            own = msgspec.convert(entry["vat"], Vat)
            for at, text in _vat_faults(own, kinds([entry], issuer), issuer, buyer):
                found.append((f"{place}.{at}" if at.startswith("vat.") else at, text))
            reason = _reason_of(own)
            if reason and reasons - {reason}:
                text = "gives a second reason for no VAT; an invoice has one: make them the same"
                found.append((f"{place}.vat", text))
            reasons |= {reason} - {None}
            outside = "outside_eu" in (own.treatment, terms.treatment)
            if outside and own.treatment != terms.treatment:
                text = (
                    f'"{own.treatment}" cannot stand beside "{terms.treatment}": what is outside'
                    " the scope of VAT is invoiced alone (BR-O-11); make another client of it"
                )
                found.append((f"{place}.vat.treatment", text))
        found += rate_and_category_faults(place, entry, own.treatment, issuer)
    return list(dict.fromkeys(found))


def _reason_of(terms: Vat) -> Vat | None:
    """Why there is no VAT under category E, of which an invoice has one reason."""
    return terms if terms.treatment in ("exempt", "franchise") else None


def kinds(entries: Sequence[Mapping[str, Any]], issuer: Issuer) -> set[str]:
    """What entries sell, as far as they say it; of a plan without any, what the issuer does."""
    sold = issuer.operation_category
    kinds = {entry.get("category", sold) for entry in entries} - {"mixed"}
    return {"services" if sold == "mixed" else sold} if not entries else kinds


def _vat_faults(
    terms: Vat, kinds: Iterable[str], issuer: Issuer, buyer: Party
) -> list[tuple[str, str]]:
    """What the law has against a client's treatment, as a person can put it right."""
    treatment = terms.treatment
    found = []
    for fault in vat.treatment_faults(
        treatment, set(kinds), issuer.party, issuer.vat_regime, buyer
    ):
        if fault.right:
            own = " with the code and reason of its law" if fault.right == "exempt" else ""
            text = f'"{treatment}" is refused: {fault.rule}; write "{fault.right}"{own}'
        elif fault.place == "seller.vat_number":
            fault = fault._replace(place="vat.treatment")
            text = f'"{treatment}": {fault.rule}; add party.vat_number to issuer.json'
        elif buyer.vat_number:
            text = f'"{buyer.vat_number}": {fault.rule}'
        else:
            text = f"is missing; {fault.rule}"
        found.append((fault.place, text))
    if wrong := vat.exemption_fault(terms.exemption_code, issuer.party):
        found.append(("vat.exemption_code", f"{wrong}; {EXEMPTING_CODE}"))
    return found


def rate_and_category_faults(
    place: str, entry: Mapping[str, Any], treatment: str, issuer: Issuer
) -> list[tuple[str, str]]:
    found = []
    rate = Decimal(entry["vat_rate"])
    if fault := vat.rate_fault(f"{place}.vat_rate", treatment, rate, issuer.party):
        found.append((fault.place, fault.text))
    sold, category = issuer.operation_category, entry.get("category")
    if sold == "mixed" and category is None:
        text = 'is missing; the issuer sells both: write "goods" or "services"'
        found.append((f"{place}.category", text))
    if sold != "mixed" and category not in (None, sold):
        text = (
            f'"{category}" is not what the issuer sells: its operation_category is "{sold}"'
            ' ("mixed" for both)'
        )
        found.append((f"{place}.category", text))
    return found


def fill_in_category(entries: Iterable[dict[str, Any]], issuer: Issuer) -> None:
    """What is sold, where the issuer sells only one thing and it need not be said again."""
    for entry in entries:
        if entry and issuer.operation_category != "mixed":
            entry["category"] = issuer.operation_category
