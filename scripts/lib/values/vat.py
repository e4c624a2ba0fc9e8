"""VAT: which category, rate and reason of exemption a line has, and the breakdown (BG-23).

| treatment      | category | rate    | exemption                 | for                            |
|----------------|----------|---------|---------------------------|--------------------------------|
| standard       | S        | above 0 |                           |                                |
| franchise      | E        | 0       | VATEX-FR-FRANCHISE        | French sellers without VAT     |
| reverse_charge | AE       | 0       | VATEX-FR-AE (abroad -EU-) | both parties in one state      |
| intra_eu       | AE or K  | 0       | VATEX-EU-AE, -IC          | a business in another EU state |
| export         | G        | 0       | VATEX-EU-G                | goods that leave the EU        |
| outside_eu     | O        | none    | VATEX-EU-O                | services to a business outside |
| exempt         | E        | 0       | the client file's own     |                                |

Under intra_eu, services are AE (reverse charge by the buyer) and goods are K. Which of them
the law allows is decided by `law_of`, for direct invoices and batches alike, by where the
parties are and where goods are delivered (values/territories); an accountant may know more.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Protocol

from lib.core.faults import Fault
from lib.core.messages import Message, say
from lib.values import code_lists, money, territories
from lib.values.document import Allowance, Document, Line, Party, VatSubtotal
from lib.values.territories import OUTSIDE, Territory

NOT_SUBJECT = "O"  # the category without a rate, which stands alone on an invoice (BR-O-11)
_NORTHERN_IRELAND = "XI"
FRANCHISE_CODE = "VATEX-FR-FRANCHISE"
# VATEX codes that belong to a treatment of their own
_TREATMENT_OF_CODE = {
    "VATEX-EU-AE": "intra_eu",
    "VATEX-EU-IC": "intra_eu",
    "VATEX-EU-G": "export",
    "VATEX-EU-O": "outside_eu",
    "VATEX-FR-AE": "reverse_charge",
    FRANCHISE_CODE: "franchise",
}
# art. 261 to 261 E CGI, which transpose art. 132 to 136 of directive 2006/112/CE
_OUT_OF_SCOPE = ("VATEX-FR-CGI261", "VATEX-EU-132", "VATEX-EU-135", "VATEX-EU-136")


class Exemption(NamedTuple):
    """BT-121 and BT-120 of a category; both empty for S."""

    code: str
    reason: str


class Law(NamedTuple):
    """What the law says of goods or services between two parties.

    `treatments` has the right one first, then those that pass; `why` is where it bears VAT.
    """

    treatments: tuple[str, ...]
    why: Message
    place: Territory

    @property
    def right(self) -> str:
        return self.treatments[0]


class Unlawful(NamedTuple):
    """What is wrong with a treatment: where, the rule, and the treatment that is right.

    `right` is empty where the treatment may stay and `rule` says what has to be filled in.
    """

    place: str
    rule: Message
    right: str = ""


# --- the parties ---------------------------------------------------------------------


def is_taxable(party: Party) -> bool:
    """Whether a buyer is a taxable person: not a private person, nor a body that is not taxable."""
    return party.taxable and not party.person


def is_public(party: Party) -> bool:
    """Whether a buyer is a public body: INSEE keeps the SIRENs that begin with 1 or 2 for them."""
    return is_public_siren(party.siren)


def is_public_siren(siren: str) -> bool:
    """Whether a SIREN is that of a public body."""
    return siren.startswith(("1", "2"))


def audience(buyer: Party, subtotals: Iterable[VatSubtotal]) -> str:
    """The code of note BAR (BR-FR-20): what the reform asks of an invoice of a French seller.

    What art. 261 to 261 E CGI exempts is out of its scope (art. 289 bis and 290 CGI). French
    Guiana, Mayotte and Monaco count as abroad: their businesses are not in the directory. A public
    body gets electronic invoices whether it is taxable or not (art. L2192-1 of the code de la
    commande publique); the list has no code of its own for it.
    """
    if all(is_out_of_scope(subtotal.exemption_code) for subtotal in subtotals):
        return "OUTOFSCOPE"
    place = territories.of_address(buyer.address)
    at_home = place.state == "FR" and place.rates
    if not is_taxable(buyer) and not (is_public(buyer) and at_home):
        return "B2C" if at_home else "B2CINT"
    return "B2B" if place.french and place.rates else "B2BINT"


def is_out_of_scope(exemption_code: str) -> bool:
    """Whether art. 261 to 261 E CGI exempt it, so that the reform does not ask for it."""
    return exemption_code.startswith(_OUT_OF_SCOPE)


def _number_state(party: Party) -> str:
    """The state that a VAT number is of, as territories are named; empty without one."""
    return party.vat_number[:2].replace("EL", "GR")


def _identified_abroad(buyer: Party, home: Territory, sold: str) -> bool:
    """Whether a buyer has a VAT number of another state of the EU; XI counts for goods alone."""
    state = _number_state(buyer)
    if state == _NORTHERN_IRELAND:
        return sold == "goods"
    return state in code_lists.eu_members() and state != home.state


def _delivery(buyer: Party) -> Territory:
    address = buyer.delivery_address or buyer.address
    if address.country == "GB" and not address.postcode and buyer.vat_number[:2] == "XI":
        return territories.of("GB", "BT")
    return territories.of_address(address)


# --- what the law allows -------------------------------------------------------------


class _Supply(NamedTuple):
    """Goods or services between two parties: `what` in words, `place` where they are supplied.

    `own` are the treatments of what bears the VAT of the seller's state, `small` says that the
    seller charges none to anybody.
    """

    sold: str
    what: Message
    home: Territory
    place: Territory
    buyer: Party
    own: tuple[str, ...]
    small: bool


_ASKED = 8  # questions whose answers are kept: each line of an invoice asks about the same parties


@lru_cache(_ASKED)
def law_of(sold: str, seller: Party, vat_regime: str, buyer: Party) -> Law:
    """Where goods or services bear VAT (art. 31 to 45 of directive 2006/112/CE), and how."""
    home, place = territories.of_address(seller.address), _place(sold, seller, buyer)
    own, what = own_treatments(seller, vat_regime), _what(sold, place, buyer)
    supply = _Supply(sold, what, home, place, buyer, own, vat_regime == "franchise")
    if home.state == OUTSIDE or (home.state == _NORTHERN_IRELAND and sold == "services"):
        why = say("a seller in {place} is not bound by the VAT law of the EU", place=home.name)
        return Law(own, why, place)
    if _same(home, place):
        return _law_at_home(supply)
    return _law_of_goods(supply) if sold == "goods" else _law_of_services(supply)


def _place(sold: str, seller: Party, buyer: Party) -> Territory:
    """Goods are supplied where they are delivered, services to a business where it is."""
    if sold == "goods":
        return _delivery(buyer)
    return territories.of_address((buyer if is_taxable(buyer) else seller).address)


def places_of(document: Document) -> dict[str, str]:
    """By nature, the part of France with rates of its own in which what bears VAT is supplied."""
    sold = {line.category for line in document.lines if line.vat_category == "S"}
    places = {
        nature: _place(nature, document.seller, document.buyer).rates_of for nature in sorted(sold)
    }
    return {nature: place for nature, place in places.items() if place}


def _law_at_home(supply: _Supply) -> Law:
    """Within one state: between some of its parts goods are exported, in others there is no VAT."""
    goods, home, place, own = supply.sold == "goods", supply.home, supply.place, supply.own
    exported = goods and home.zone != place.zone
    why = say("{what} bear {vat}", what=supply.what, vat=_vat_of(home))
    if exported:
        why = say("{what} are exports from {place}", what=supply.what, place=home.name)
    if place.state == "FR" and not place.rates:
        why = say("{what} bear no VAT (art. 294 CGI)", what=supply.what)
        own = tuple(treatment for treatment in own if treatment != "standard")
        if not goods:
            return Law(("outside_eu", *own), why, place)
    if exported:
        return Law((*own, "export") if supply.small else ("export", *own), why, place)
    domestic = is_taxable(supply.buyer) and _same(
        home, territories.of_address(supply.buyer.address)
    )
    if domestic and "standard" in own:
        own = (*own, "reverse_charge")
    return Law(own, why, place)


def _law_of_goods(supply: _Supply) -> Law:
    """Goods that leave the seller's state."""
    what, home, place, own = supply.what, supply.home, supply.place, supply.own
    if not (home.eu_goods and place.eu_goods):
        treatments = (*own, "export") if supply.small else ("export", *own)
        return Law(treatments, say("{what} are exports", what=what), place)
    if not is_taxable(supply.buyer):
        return Law(own, say("{what} are distance sales", what=what), place)
    if not _identified_abroad(supply.buyer, home, "goods"):
        return Law(own if supply.small else (*own, "intra_eu"), _without_number(supply), place)
    if supply.small:
        why = say("a seller under the franchise has no exempt intra-EU supply")
        return Law(own, why, place)
    return Law(("intra_eu", *own), say("{what} are intra-EU supplies", what=what), place)


def _law_of_services(supply: _Supply) -> Law:
    """Services to a business in another state: no seller's regime covers them."""
    what, place = supply.what, supply.place
    abroad = tuple(treatment for treatment in supply.own if treatment != "franchise")
    if not place.eu_services:
        why = say("{what} are taxed there, not in the EU", what=what)
        return Law(("outside_eu", *abroad), why, place)
    if not _identified_abroad(supply.buyer, supply.home, "services"):
        return Law((*supply.own, "intra_eu"), _without_number(supply), place)
    why = say("{what} are taxed there, by the buyer", what=what)
    return Law(("intra_eu", *abroad), why, place)


def _without_number(supply: _Supply) -> Message:
    return say(
        "{what} without a VAT number of another state bear {vat}",
        what=supply.what,
        vat=_vat_of(supply.home),
    )


def own_treatments(seller: Party, vat_regime: str) -> tuple[str, ...]:
    """How a seller invoices what bears the VAT of its own state."""
    if vat_regime == "franchise":
        french = territories.of_address(seller.address).french
        return ("franchise", "exempt") if french else ("exempt",)
    return ("standard", "exempt")


def _same(place: Territory, other: Territory) -> bool:
    """Whether the VAT law of one state holds in both."""
    return place.state == other.state and (place.state != OUTSIDE or place.zone == other.zone)


def _what(sold: str, place: Territory, buyer: Party) -> Message:
    if sold == "goods":
        return say("goods delivered in {place}", place=place.name)
    if is_taxable(buyer):
        return say("services to a business in {place}", place=place.name)
    if buyer.person:
        return say("services to a private person")
    return say("services to a body that is not a taxable person")


def _vat_of(home: Territory) -> Message:
    return say("French VAT") if home.state == "FR" else say("the VAT of {place}", place=home.name)


@lru_cache(_ASKED)
def treatment_faults(
    treatment: str, kinds: frozenset[str], seller: Party, vat_regime: str, buyer: Party
) -> tuple[Unlawful, ...]:
    """What is wrong with a treatment between two parties.

    Args:
      kinds: what is sold: goods, services or both.
    """
    laws = {sold: law_of(sold, seller, vat_regime, buyer) for sold in sorted(kinds)}
    rights = {sold: law.right for sold, law in laws.items()}
    breaches = []
    regime = regime_fault(treatment, seller, vat_regime)
    for law in laws.values():
        if regime or treatment not in law.treatments:
            rule = regime or law.why
            if len(set(rights.values())) > 1:
                rule = say(
                    "{rule}; goods are {goods}, services {services}: invoice them apart",
                    rule=rule,
                    **rights,
                )
            breaches.append(Unlawful("vat.treatment", rule, law.right))
    if not breaches:
        for sold in laws:
            breaches += _number_faults(treatment, sold, seller, buyer)
    return tuple(dict.fromkeys(breaches))


def regime_fault(treatment: str, seller: Party, vat_regime: str) -> Message | None:
    """Why a seller of this regime never uses a treatment; None where it may."""
    home = territories.of_address(seller.address)
    if treatment == "franchise" and not home.french:
        return say("art. 293 B CGI is French law, and the seller is in {place}", place=home.name)
    if treatment == "franchise" and vat_regime != "franchise":
        return say("this seller charges VAT")
    if treatment in ("standard", "reverse_charge") and vat_regime == "franchise":
        return say("this seller charges no VAT (franchise)")
    return None


def _number_faults(treatment: str, sold: str, seller: Party, buyer: Party) -> Iterable[Unlawful]:
    """The numbers that a treatment needs of both parties."""
    home, number = territories.of_address(seller.address), buyer.vat_number
    if treatment in ("intra_eu", "export") and not seller.vat_number:
        rule = say("{treatment} needs the seller's own VAT number", treatment=treatment)
        yield Unlawful("seller.vat_number", rule)
    if treatment == "reverse_charge" and not (buyer.siren or number):
        rule = say("reverse_charge needs the buyer's VAT number or SIREN")
        yield Unlawful("party.vat_number", rule)
    if treatment == "intra_eu" and not _identified_abroad(buyer, home, sold):
        rule = say("intra_eu needs the buyer's VAT number in another state of the EU")
        if _number_state(buyer) == home.state:
            rule = say("{rule}; {number} is of the seller's own", rule=rule, number=number)
        elif _number_state(buyer) == _NORTHERN_IRELAND:
            rule = say("{rule}; {number} counts for goods alone", rule=rule, number=number)
        yield Unlawful("party.vat_number", rule)


def exemption_fault(code: str, seller: Party) -> Message | None:
    """What is wrong with the code of an exemption of the seller's own; None where nothing is."""
    home = territories.of_address(seller.address)
    if treatment := _TREATMENT_OF_CODE.get(code):
        return say("{code} stands with treatment {treatment} alone", code=code, treatment=treatment)
    if code.startswith("VATEX-FR-") and not home.french:
        return say(
            "{code} is of French law, and the seller is in {place}", code=code, place=home.name
        )
    return None


def place_notice(place: str, treatment: str, law: Law) -> Fault | None:
    """Why a treatment that passes is mostly not the right one; None where it is."""
    if treatment != "standard" or law.right == "standard":
        return None
    return Fault(
        place,
        say('"standard" passes, but {why}', why=law.why),
        remedy=say('write "{right}" unless a special rule applies', right=law.right),
    )


# --- rates ---------------------------------------------------------------------------


def rate_fault(place: str, treatment: str, rate: Decimal, seller: Party) -> Fault | None:
    """What is wrong with a rate under a treatment; None where nothing is."""
    if treatment == "standard" and rate == 0:
        return Fault(
            place,
            say('"{rate}" is not a rate under treatment standard', rate=str(rate)),
            remedy=say("choose the treatment that exempts the client"),
        )
    if treatment != "standard" and rate != 0:
        found = say(
            '"{rate}" is refused under treatment {treatment}', rate=str(rate), treatment=treatment
        )
        return Fault(place, found, remedy=say('write "0"'))
    french = territories.of_address(seller.address).state == "FR"
    if treatment == "standard" and french and rate not in territories.french_rates():
        found = say('"{rate}" is not a rate in force in France', rate=str(rate))
        return Fault(place, found, _they_are(territories.french_rates()))
    return None


def rate_notice(place: str, rate: Decimal, law: Law) -> Fault | None:
    """Says that a rate is in force elsewhere in France, not where this is sold; None if it is."""
    if not law.place.rates or rate in law.place.rates or rate == 0:
        return None
    found = say('"{rate}" is not a rate of {place}', rate=str(rate), place=law.place.name)
    return Fault(place, found, _they_are(law.place.rates))


def _they_are(rates: Iterable[Decimal]) -> Message:
    return say("they are {rates}", rates=listed(rates))


def listed(rates: Iterable[Decimal], between: str = ", ") -> str:
    """Rates for a message, the highest first."""
    return between.join(str(rate) for rate in sorted(rates, reverse=True))


# --- a line --------------------------------------------------------------------------


def category_of(treatment: str, sold: str) -> str:
    """BT-151 of a line. `sold` is goods or services."""
    if treatment == "intra_eu":
        return "K" if sold == "goods" else "AE"
    others = {"standard": "S", "reverse_charge": "AE", "export": "G", "outside_eu": NOT_SUBJECT}
    return others.get(treatment, "E")


def treatment_of(category: str, seller: Party, buyer: Party) -> str:
    """The treatment that a category stands for between two parties; E is exempt."""
    if category == "AE":
        states = (territories.of_address(party.address) for party in (seller, buyer))
        return "reverse_charge" if _same(*states) else "intra_eu"
    others = {"S": "standard", "K": "intra_eu", "G": "export", NOT_SUBJECT: "outside_eu"}
    return others.get(category, "exempt")


def mention_of(treatment: str, category: str, seller: Party, buyer: Party) -> tuple[str, str]:
    """The VATEX code and the id of the mention that explain a category without VAT."""
    french = territories.of_address(seller.address).french
    match treatment:
        case "franchise":
            return FRANCHISE_CODE, "franchise"
        case "reverse_charge":
            return ("VATEX-FR-AE" if french else "VATEX-EU-AE"), "reverse_charge"
        case "intra_eu" if category == "K":
            return "VATEX-EU-IC", "intra_eu_goods"
        case "intra_eu":
            return "VATEX-EU-AE", "intra_eu_services"
        case "export":
            return "VATEX-EU-G", "export"
        case "outside_eu" if not french:
            return "VATEX-EU-O", "outside_eu_directive"
        case "outside_eu" if territories.of_address(buyer.address).state == "FR":
            return "VATEX-EU-O", "no_vat_overseas"
        case "outside_eu":
            return "VATEX-EU-O", "outside_eu"
    return "", ""


class _Priced(Protocol):
    """A line of which only this is asked."""

    @property
    def vat_category(self) -> str: ...
    @property
    def vat_rate(self) -> Decimal: ...
    @property
    def gross(self) -> Decimal | None: ...


def gross_of(lines: Iterable[_Priced]) -> dict[tuple[str, Decimal], Decimal]:
    """What each category and rate comes to with VAT, where that is what the seller declared."""
    sums: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        if line.gross is not None:
            key = (line.vat_category, line.vat_rate)
            sums[key] = sums.get(key, money.ZERO) + line.gross
    return sums


def tax_of(taxable: Decimal, rate: Decimal, gross: Decimal | None = None) -> Decimal:
    """BT-117 of a category and rate (BR-CO-17), or what is contained in a declared `gross`.

    Not every sum with VAT has a net amount in cents from which BR-CO-17 comes to it: at 20 %,
    8.32 comes to 9.98 and 8.33 to 10.00. What is contained is then a cent off, which the
    standard's schematron allows; where there is such a net amount, both are the same.
    """
    if gross is None:
        return money.percentage_of(taxable, rate)
    return money.percentage_within(gross, rate)


def tax_of_part(whole: VatSubtotal, taxable: Decimal, is_declared: bool) -> Decimal:
    """The VAT of a part of a subtotal; the whole has its own, whatever it was computed from.

    Args:
      is_declared: whether the whole was declared with VAT.
    """
    if not is_declared:
        return money.percentage_of(taxable, whole.rate)
    return money.ratio_of(whole.vat, taxable, whole.taxable) if whole.taxable else whole.vat


def breakdown(
    lines: Iterable[Line], allowances: Iterable[Allowance], exemptions: Mapping[str, Exemption]
) -> tuple[VatSubtotal, ...]:
    """The VAT breakdown, by category, the highest rate first.

    VAT is computed on the sum of a category and rate, never line by line (BR-CO-17):
    three lines of 0.33 at 20 % are 0.99, hence 0.20 and not 3 x 0.07 = 0.21 (`tax_of`).

    Args:
      exemptions: for each category other than S, its code and reason.
    """
    lines = tuple(lines)
    gross = gross_of(lines)
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
                vat=tax_of(amount, rate, gross.get((category, rate))),
                exemption_code=exemption.code,
                exemption_reason=exemption.reason,
            )
        )
    return tuple(subtotals)
