"""Checks of VAT in what people write: treatment, rate and category of what a client is sold"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from lib.core.faults import Fault
from lib.core.messages import say
from lib.inputs.issuer_file import Issuer
from lib.inputs.plans import Vat
from lib.values import vat
from lib.values.document import Party

EXEMPTING_CODE = say("write the code of the law that exempts this")


def treatment_faults(value: Mapping[str, Any], issuer: Issuer) -> list[Fault]:
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
    faults = []
    if common:
        faults += _vat_faults(terms, kinds(common, issuer), issuer, buyer)
    elif not rated:
        # What a client of orders alone is sold stands in their lines, and is checked there.
        sold = issuer.operation_category
        either = ("services", "goods") if sold == "mixed" else (sold,)
        of_each = [_vat_faults(terms, frozenset({kind}), issuer, buyer) for kind in either]
        faults += of_each[0] if all(of_each) else []
    reasons = {_reason_of(terms)} - {None}
    for place, entry in rated:
        own = terms
        if "vat" in entry:
            own = msgspec.convert(entry["vat"], Vat)
            for fault in _vat_faults(own, kinds([entry], issuer), issuer, buyer):
                is_own = fault.place.startswith("vat.")
                faults.append(fault._replace(place=f"{place}.{fault.place}") if is_own else fault)
            reason = _reason_of(own)
            if reason and reasons - {reason}:
                text = say("gives a second reason for no VAT")
                remedy = say("an invoice has one: make them the same")
                faults.append(Fault(f"{place}.vat", text, remedy=remedy))
            reasons |= {reason} - {None}
            outside = "outside_eu" in (own.treatment, terms.treatment)
            if outside and own.treatment != terms.treatment:
                text = say(
                    '"{own}" cannot stand beside "{common}": what is outside the scope of VAT is'
                    " invoiced alone (BR-O-11)",
                    own=own.treatment,
                    common=terms.treatment,
                )
                remedy = say("make another client of it")
                faults.append(Fault(f"{place}.vat.treatment", text, remedy=remedy))
        faults += rate_and_category_faults(place, entry, own.treatment, issuer)
    return list(dict.fromkeys(faults))


def _reason_of(terms: Vat) -> Vat | None:
    """Why there is no VAT under category E, of which an invoice has one reason."""
    return terms if terms.treatment in ("exempt", "franchise") else None


def kinds(entries: Sequence[Mapping[str, Any]], issuer: Issuer) -> frozenset[str]:
    """What entries sell, as far as they say it."""
    sold = {entry.get("category", issuer.operation_category) for entry in entries}
    return frozenset(sold - {"mixed"})


def _vat_faults(terms: Vat, kinds: frozenset[str], issuer: Issuer, buyer: Party) -> list[Fault]:
    """What the law has against a client's treatment, as a person can put it right."""
    seller = issuer.party
    unlawful = vat.treatment_faults(terms.treatment, kinds, seller, issuer.vat_regime, buyer)
    faults = [_unlawful(breach, terms.treatment, buyer) for breach in unlawful]
    if rule := vat.exemption_fault(terms.exemption_code, seller):
        faults.append(Fault("vat.exemption_code", rule, remedy=EXEMPTING_CODE))
    return faults


def _unlawful(breach: vat.Unlawful, treatment: str, buyer: Party) -> Fault:
    place, rule, number = breach.place, breach.rule, buyer.vat_number
    if breach.right:
        text = say('"{treatment}" is refused: {rule}', treatment=treatment, rule=rule)
        remedy = say('write "{right}"', right=breach.right)
        if breach.right == "exempt":
            remedy = say('write "exempt" with the code and reason of its law')
        return Fault(place, text, remedy=remedy)
    if place == "seller.vat_number":
        text = say('"{treatment}": {rule}', treatment=treatment, rule=rule)
        return Fault("vat.treatment", text, remedy=say("add party.vat_number to issuer.json"))
    if number:
        return Fault(place, say('"{number}": {rule}', number=number, rule=rule))
    return Fault(place, say("is missing"), rule)


def rate_and_category_faults(
    place: str, entry: Mapping[str, Any], treatment: str, issuer: Issuer
) -> list[Fault]:
    """What is wrong with the VAT rate and the category of something that is sold."""
    faults = []
    rate = Decimal(entry["vat_rate"])
    if fault := vat.rate_fault(f"{place}.vat_rate", treatment, rate, issuer.party):
        faults.append(fault)
    sold, category = issuer.operation_category, entry.get("category")
    if sold == "mixed" and category is None:
        remedy = say('the issuer sells both: write "goods" or "services"')
        faults.append(Fault(f"{place}.category", say("is missing"), remedy=remedy))
    if sold != "mixed" and category not in (None, sold):
        text = say(
            '"{category}" is not what the issuer sells: its operation_category is "{sold}"'
            ' ("mixed" for both)',
            category=category or "",
            sold=sold,
        )
        faults.append(Fault(f"{place}.category", text))
    return faults


def fill_in_category(entries: Iterable[dict[str, Any]], issuer: Issuer) -> None:
    """What is sold, where the issuer sells only one thing and it need not be said again."""
    for entry in entries:
        if entry and issuer.operation_category != "mixed":
            entry["category"] = issuer.operation_category
