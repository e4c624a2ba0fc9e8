"""VAT: which category, rate and reason of exemption a line has, and the breakdown (BG-23).

| treatment      | category | rate    | exemption             | the buyer                       |
|----------------|----------|---------|-----------------------|---------------------------------|
| standard       | S        | above 0 |                       |                                 |
| franchise      | E        | 0       | VATEX-FR-FRANCHISE    |                                 |
| reverse_charge | AE       | 0       | VATEX-FR-AE           | SIREN or VAT number             |
| intra_eu       | AE or K  | 0       | VATEX-EU-AE, -IC      | VAT number of another EU state  |
| export         | G        | 0       | VATEX-EU-G            | outside the EU                  |
| exempt         | E        | 0       | the client file's own |                                 |

Under intra_eu, services are AE (reverse charge by the buyer) and goods are K.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from lib import code_lists, money
from lib.document import Allowance, Line, VatSubtotal

# art. 278 to 281 nonies CGI: metropolitan France, Corsica, the overseas departments
FRENCH_RATES = frozenset(
    Decimal(rate) for rate in ("20", "10", "5.5", "2.1", "0.9", "8.5", "1.75", "1.05", "13")
)


class Exemption(NamedTuple):
    """BT-121 and BT-120 of a category; both empty for S."""

    code: str
    reason: str


def category_of(treatment: str, sold: str) -> str:
    """BT-151 of a line. `sold` is goods or services."""
    if treatment == "intra_eu":
        return "K" if sold == "goods" else "AE"
    return {"standard": "S", "reverse_charge": "AE", "export": "G"}.get(treatment, "E")


def mention_of(treatment: str, category: str) -> tuple[str, str]:
    """The VATEX code and the id of the mention that explain a category without VAT."""
    if treatment == "intra_eu":
        goods = category == "K"
        return ("VATEX-EU-IC", "intra_eu_goods") if goods else ("VATEX-EU-AE", "intra_eu_services")
    return {
        "franchise": ("VATEX-FR-FRANCHISE", "franchise"),
        "reverse_charge": ("VATEX-FR-AE", "reverse_charge"),
        "export": ("VATEX-EU-G", "export"),
    }.get(treatment, ("", ""))


def rate_fault(treatment: str, rate: Decimal, country: str) -> str:
    """What is wrong with a rate under a treatment; empty where nothing is."""
    if treatment == "standard" and rate == 0:
        return "is no rate under treatment standard; choose the treatment that exempts the client"
    if treatment != "standard" and rate != 0:
        return f'is refused under treatment {treatment}; write "0"'
    if treatment == "standard" and country == "FR" and rate not in FRENCH_RATES:
        rates = ", ".join(str(known) for known in sorted(FRENCH_RATES, reverse=True))
        return f"is not a rate in force in France; they are {rates}"
    return ""


def party_faults(
    treatment: str, vat_regime: str, seller_country: str, buyer: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """What a treatment asks of the seller's regime and of the buyer: (place, text) each."""
    country = buyer["address"]["country"]
    found = []
    if treatment == "franchise" and vat_regime != "franchise":
        text = '"franchise" is not the issuer\'s regime; issuer.json says vat_regime "standard"'
        found.append(("vat.treatment", text))
    if treatment in ("standard", "reverse_charge") and vat_regime == "franchise":
        text = (
            f'"{treatment}" is refused: issuer.json says vat_regime "franchise"; write "franchise"'
        )
        found.append(("vat.treatment", text))
    if treatment == "reverse_charge" and not (buyer.get("siren") or buyer.get("vat_number")):
        text = "is missing; reverse charge needs the buyer's VAT number or SIREN"
        found.append(("party.vat_number", text))
    if treatment == "intra_eu":
        prefix = buyer.get("vat_number", "")[:2].replace("EL", "GR")
        if prefix not in (*code_lists.eu_members(), "XI"):
            text = "is missing; intra_eu needs the buyer's VAT number in an EU state"
            found.append(("party.vat_number", text))
        elif prefix == seller_country:
            text = f"is of {seller_country}, the seller's own state; intra_eu needs another"
            found.append(("party.vat_number", text))
    if treatment == "export" and country in code_lists.eu_members():
        found.append(("party.address.country", f'"{country}" is in the EU; export leaves it'))
    return found


def breakdown(
    lines: Iterable[Line], allowances: Iterable[Allowance], exemptions: Mapping[str, Exemption]
) -> tuple[VatSubtotal, ...]:
    """The VAT breakdown, by category, the highest rate first.

    VAT is computed on the sum of a category and rate, never line by line (BR-CO-17):
    three lines of 0.33 at 20 % are 0.99, hence 0.20 and not 3 x 0.07 = 0.21.

    Args:
      exemptions: for each category other than S, its code and reason.
    """
    taxable: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        key = (line.vat_category, line.vat_rate)
        taxable[key] = taxable.get(key, money.ZERO) + line.net
    for allowance in allowances:
        taxable[allowance.vat_category, allowance.vat_rate] -= allowance.amount
    subtotals = []
    for category, rate in sorted(taxable, key=lambda key: (key[0], -key[1])):
        amount = taxable[category, rate]
        exemption = exemptions.get(category, Exemption("", ""))
        subtotals.append(
            VatSubtotal(
                category=category,
                rate=rate,
                taxable=amount,
                vat=money.percentage_of(amount, rate),
                exemption_code=exemption.code,
                exemption_reason=exemption.reason,
            )
        )
    return tuple(subtotals)
