"""issuer.json: who invoices, how numbers run, what the books post to; what any seller has to be."""

import itertools
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct, field

from lib.core import storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.root import Root
from lib.inputs import input_files, logos, parties
from lib.inputs.input_files import Source
from lib.values.seller_terms import SellerTerms

REMINDER_LEVELS = ("polite", "firm", "formal")
_OF_BUYERS = ("person", "taxable")  # keys of a party that no seller has


class Accounts(Struct, frozen=True, kw_only=True):
    """The accounts of the plan comptable that exports post to."""

    customers: str = "411"
    advances: str = "4191"  # what customers paid beyond their invoices
    services: str = "706"
    goods: str = "707"
    vat_collected: str = "44571"
    vat_pending: str = "44574"  # VAT on services, until they are paid
    bank: str = "512"
    cash: str = "530"


class Thresholds(Struct, frozen=True, kw_only=True):
    """A year's limits of turnover without VAT; over a raised one, VAT is due from that day.

    `services` limits services, `goods` the whole turnover where goods are sold; None: not given.
    """

    services: Decimal | None = None
    services_raised: Decimal | None = None
    goods: Decimal | None = None
    goods_raised: Decimal | None = None


class Issuer(SellerTerms, frozen=True, kw_only=True):
    """issuer.json. `numbering` is "client" (a sequence each) or "issuer" (one for all);
    an older file that says neither has a sequence for each client.

    `fiscal_year_end` is the month and day on which the books close: "12-31"; `thresholds`
    are those of the VAT exemption by year: {"2026": ...}; `reminders` the days after the due
    date by level, from polite to formal: {"polite": 7, ...}.
    """

    code: str
    timezone: str
    numbering: str = ""
    accounts: Accounts = Accounts()
    fiscal_year_end: str = "12-31"
    thresholds: dict[str, Thresholds] = field(default_factory=dict)
    reminders: dict[str, int] = field(default_factory=dict)


class IssuerInput(NamedTuple):
    """The issuer with the files it came from."""

    issuer: Issuer
    source: Source
    logo: Source | None


def load(root: Root, faults: list[Alert]) -> IssuerInput | None:
    if not root.issuer.exists() and not root.issuer.is_symlink():
        text = "is missing; `make init ROOT=...` lays out a root with an explained example"
        faults.append(Alert("B-INPUT-MISSING", root.name_of(root.issuer), Fault("", text)))
        return None
    read = input_files.read(root, root.issuer, "issuer", "", faults)
    if read is None:
        return None
    value, source = read
    found = seller_faults(value) + _reminder_faults(value.get("reminders", {}))
    logo = load_logo(root, root.issuer, value.get("logo", ""), faults)
    faults += input_files.alerts(found, source.name, "")
    issuer = input_files.convert({**value}, Issuer, source.name, "", faults)
    return IssuerInput(issuer, source, logo) if issuer else None


def _reminder_faults(days: Mapping[str, int]) -> list[tuple[str, str]]:
    """Each level comes later than the one before it."""
    given = [level for level in REMINDER_LEVELS if level in days]
    return [
        (f"reminders.{later}", f"{days[later]} is not after {earlier}, {days[earlier]} days")
        for earlier, later in itertools.pairwise(given)
        if days[later] <= days[earlier]
    ]


def load_logo(root: Root, beside: Path, name: str, faults: list[Alert]) -> Source | None:
    if not name:
        return None
    path = beside.with_name(name)
    try:
        data = storage.read_input(root, path)
    except Refused as refused:
        text = f'"{name}": {refused.alerts[0].text}; it is looked for beside this file'
        faults.append(Alert(refused.alerts[0].code, root.name_of(beside), Fault("logo", text)))
        return None
    if text := logos.fault(path.suffix, data):
        faults.append(Alert("B-INPUT-VALUE", root.name_of(path), Fault("", text)))
    return Source(root.name_of(path), data)


def seller_faults(seller: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong between the fields of a seller: (place, text) each."""
    party = seller["party"]
    french = parties.territory_of(party["address"]).french
    found = parties.faults({key: value for key, value in party.items() if key not in _OF_BUYERS})
    for key in _OF_BUYERS:
        if key in party and party[key] is (key == "person"):
            found.append((f"party.{key}", "a seller is a business, a sole trader too; remove it"))
    if french and "siren" not in party:
        found.append(("party.siren", "is missing; a French seller's invoices carry its SIREN"))
    if "vat_number" not in party and not french:
        text = "is missing; a seller outside France is known to the tax office by it"
        found.append(("party.vat_number", text))
    elif "vat_number" not in party and seller["vat_regime"] == "standard":
        found.append(("party.vat_number", "is missing; it is due under the standard VAT regime"))
    if seller["vat_regime"] == "franchise" and seller.get("debits"):
        found.append(("debits", "has no meaning without VAT (vat_regime franchise); remove it"))
    if "bank" in seller and "holder" not in seller["bank"] and len(party["name"]) > 70:
        text = "is missing; a transfer names at most 70 characters, your name is longer"
        found.append(("bank.holder", text))
    if "electronic_address" not in party and "siren" not in party and not party.get("email"):
        found.append(("party.email", "is empty; an invoice carries an address of its seller"))
    return found
