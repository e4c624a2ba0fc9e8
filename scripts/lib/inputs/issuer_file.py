"""issuer.json: who invoices, how numbers run, what the books post to; what any seller has to be."""

import itertools
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct, field

from lib.core import storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import bank_files, colours, input_files, logos, parties
from lib.inputs.bank_files import BankFile
from lib.inputs.input_files import Source
from lib.values import money, numbers
from lib.values.seller_terms import SellerTerms

_STATUS_SCHEME = "0225"  # the French directory's addresses: a SIREN, and what follows it
_LONGEST_ADDRESS = 125  # BR-FR-25
REMINDER_LEVELS = ("polite", "firm", "formal")
_OF_BUYERS = ("person", "taxable")  # keys of a party that no seller has


class RateAccounts(Struct, frozen=True, kw_only=True):
    """Accounts of a VAT rate of its own; empty: that of all rates."""

    services: str = ""
    goods: str = ""
    vat_collected: str = ""
    vat_pending: str = ""


class Accounts(Struct, frozen=True, kw_only=True):
    """The accounts of the plan comptable that exports post to."""

    customers: str = "411"
    advances: str = "4191"  # what customers paid beyond their invoices
    deposits: str = "4191"  # what deposits come to, until the final invoice takes them off
    services: str = "706"
    goods: str = "707"
    vat_collected: str = "44571"
    vat_pending: str = "44574"  # VAT on services, until they are paid
    bank: str = "512"
    cash: str = "530"
    differences_lost: str = "658"
    differences_gained: str = "758"
    bank_charges: str = "627"
    bad_debts: str = "654"
    by_vat_rate: Mapping[str, RateAccounts] = {}


class Turnover(Struct, frozen=True, kw_only=True):
    """Without VAT."""

    services: Decimal = money.ZERO
    goods: Decimal = money.ZERO


class Thresholds(Struct, frozen=True, kw_only=True):
    """A year's limits of turnover without VAT; over a raised one, VAT is due from that day.

    `services` limits services, `goods` the whole turnover where goods are sold; None: not given.
    `before` is what the tool before invoiced in that year, which counts too.
    """

    before: Turnover = Turnover()

    services: Decimal | None = None
    services_raised: Decimal | None = None
    goods: Decimal | None = None
    goods_raised: Decimal | None = None


class Reminders(Struct, frozen=True, kw_only=True):
    """Days after the due date of each level that is sent; below `smallest` nothing is asked for."""

    polite: int | None = None
    firm: int | None = None
    formal: int | None = None
    smallest: Decimal = Decimal("1.00")

    @property
    def days(self) -> dict[str, int]:
        """By level, those that are sent."""
        days = {level: getattr(self, level) for level in REMINDER_LEVELS}
        return {level: number for level, number in days.items() if number is not None}


class Platform(Struct, frozen=True, kw_only=True):
    """An account at an approved platform: where its services stand, and what is deposited there:
    all that is issued from `since` on.

    `address` is where statuses reach us: a suffix to the SIREN, or a whole address under 0225.
    `cash_in` is "due" (payments of VAT that is due on receipt are reported) or "all". `number` (of
    its registration) and `name` are who sends our reports.
    """

    flow_url: str
    since: date
    directory_url: str = ""
    token_url: str = ""
    organization: str = ""
    address: str = ""
    cash_in: str = "due"
    number: str = ""
    name: str = ""


class Issuer(SellerTerms, frozen=True, kw_only=True):
    """issuer.json. `language` is what the operator reads, English where it is empty.

    `numbering` is "client" (a sequence each) or "issuer" (one for all); an older file that says
    neither has a sequence for each client. `number_format` is one of values/numbers.FORMATS.

    `fiscal_year_end` is the month and day on which the books close: "12-31"; `thresholds`
    are those of the VAT exemption by year: {"2026": ...}; `reminders` the days after the due
    date by level, from polite to formal: {"polite": 7, ...}, and what is the `smallest` amount to
    ask for. `write_off_limit` is what is written off of an invoice without LARGE=yes; None:
    nothing is. `bank_files` are the forms of banks' CSV by the name that is typed. `platform` is
    the account at an approved platform, if there is one; `vat_periods` (monthly, quarterly,
    simplified, franchise) says when what no electronic invoice covers is reported: empty, never.
    `activity` (bnc, bic_services, bic_sales) says what services are for URSSAF.
    """

    code: str
    timezone: str
    language: str = ""
    numbering: str = ""
    number_format: str = numbers.DEFAULT
    accounts: Accounts = Accounts()
    fiscal_year_end: str = "12-31"
    thresholds: dict[str, Thresholds] = field(default_factory=dict)
    reminders: Reminders = Reminders()
    write_off_limit: Decimal | None = None
    bank_files: dict[str, BankFile] = field(default_factory=dict)
    platform: Platform | None = None
    vat_periods: str = ""
    activity: str = ""


class IssuerInput(NamedTuple):
    """The issuer with the files it came from."""

    issuer: Issuer
    source: Source
    logo: Source | None


def load(root: Root, faults: list[Alert]) -> IssuerInput | None:
    if not root.issuer.exists() and not root.issuer.is_symlink():
        remedy = say("`make init ROOT=...` lays out a root with an explained example")
        fault = Fault("", say("is missing"), remedy=remedy)
        faults.append(Alert("B-INPUT-MISSING", root.name_of(root.issuer), fault))
        return None
    read = input_files.read(root, root.issuer, "issuer", "", faults)
    if read is None:
        return None
    value, source = read
    own_faults = seller_faults(value) + _reminder_faults(value.get("reminders", {}))
    own_faults += platform_faults(value, value)
    own_faults += bank_files.faults(value.get("bank_files", {}))
    logo = load_logo(root, root.issuer, value.get("logo", ""), faults)
    faults += input_files.alerts(own_faults, source.name, "")
    whole = bank_files.with_presets(reached_by_statuses(value, value))
    issuer = input_files.convert(whole, Issuer, source.name, "", faults)
    return IssuerInput(issuer, source, logo) if issuer else None


def platform_faults(
    file: Mapping[str, Any], seller: Mapping[str, Any], place: str = ""
) -> list[Fault]:
    """What is wrong between a platform and the address (BT-34) that its statuses reach.

    Args:
      file: which may have a platform; its `seller` stands at `place` in it.
    """
    if "platform" not in file:
        return []
    party, address = seller["party"], file["platform"].get("address", "")
    siren, own = party.get("siren", ""), party.get("electronic_address")
    at, whole = "platform.address", _status_address(siren, address)
    if not siren:
        rule = say("an approved platform knows a seller by its SIREN")
        return [Fault(f"{place}party.siren", say("is missing"), rule)]
    if address and own and (own["scheme"], own["id"]) != (_STATUS_SCHEME, whole):
        found = say("is another address than electronic_address, and an invoice has one (BT-34)")
        return [Fault(at, found, remedy=say("keep one of them"))]
    if own and own["scheme"] != _STATUS_SCHEME:
        rule = say('statuses reach addresses of scheme "0225" alone')
        found = say('"{scheme}" is not one of them', scheme=own["scheme"])
        return [Fault(f"{place}party.electronic_address.scheme", found, rule)]
    if re.match("[0-9]{9}(_|$)", address) and whole != address:
        found = say(
            '"{address}" does not begin with the SIREN, {siren}', address=address, siren=siren
        )
        return [Fault(at, found)]
    if len(whole) > _LONGEST_ADDRESS:
        found = say("is longer than {number} characters with the SIREN", number=_LONGEST_ADDRESS)
        return [Fault(at, found)]
    return []


def _status_address(siren: str, address: str) -> str:
    """A whole address under 0225, or what follows the SIREN in it, as a whole address."""
    return address if address.split("_")[0] == siren else f"{siren}_{address}"


def reached_by_statuses(file: Mapping[str, Any], seller: Mapping[str, Any]) -> dict[str, Any]:
    """A seller whose electronic address (BT-34) is the one that its platform's statuses reach.

    Args:
      file: which may have a platform.
    """
    address, party = file.get("platform", {}).get("address", ""), seller["party"]
    if not address or "siren" not in party:
        return dict(seller)
    reached = {"scheme": _STATUS_SCHEME, "id": _status_address(party["siren"], address)}
    return {**seller, "party": {**party, "electronic_address": reached}}


def _reminder_faults(days: Mapping[str, int]) -> list[Fault]:
    """Each level comes later than the one before it."""
    levels = [level for level in REMINDER_LEVELS if level in days]
    return [
        Fault(
            f"reminders.{later}",
            say(
                "{days} is not after {level}, {before} days",
                days=days[later],
                level=earlier,
                before=days[earlier],
            ),
        )
        for earlier, later in itertools.pairwise(levels)
        if days[later] <= days[earlier]
    ]


def load_logo(root: Root, beside: Path, name: str, faults: list[Alert]) -> Source | None:
    """The logo that a seller's file names, beside that file; None where it names none."""
    if not name:
        return None
    path = beside.with_name(name)
    try:
        data = storage.read_input(root, path)
    except Refused as refused:
        [alert, *_] = refused.alerts
        text = say('"{name}": {fault}', name=name, fault=alert.text)
        fault = Fault("logo", text, remedy=say("it is looked for beside this file"))
        faults.append(Alert(alert.code, root.name_of(beside), fault))
        return None
    if wrong := logos.fault(path.suffix, data):
        faults.append(Alert("B-INPUT-VALUE", root.name_of(path), wrong))
    return Source(root.name_of(path), data)


def seller_faults(seller: Mapping[str, Any], place: str = "") -> list[Fault]:
    """What is wrong between the fields of a seller, which stands at `place` in its file."""
    party, at = seller["party"], f"{place}party."
    french = parties.territory_of(party["address"]).french
    known = {key: value for key, value in party.items() if key not in _OF_BUYERS}
    faults = parties.faults(known, at) + colours.faults(seller, place)
    for key in _OF_BUYERS:
        if key in party and party[key] is (key == "person"):
            text = say("a seller is a business, a sole trader too")
            faults.append(Fault(f"{at}{key}", text, remedy=say("remove it")))
    missing = say("is missing")
    if french and "siren" not in party:
        rule = say("a French seller's invoices carry its SIREN")
        faults.append(Fault(f"{at}siren", missing, rule))
    if "vat_number" not in party and not french:
        rule = say("a seller outside France is known to the tax office by it")
        faults.append(Fault(f"{at}vat_number", missing, rule))
    elif "vat_number" not in party and seller["vat_regime"] == "standard":
        rule = say("it is due under the standard VAT regime")
        faults.append(Fault(f"{at}vat_number", missing, rule))
    if seller["vat_regime"] == "franchise" and seller.get("debits"):
        text = say("has no meaning without VAT (vat_regime franchise)")
        faults.append(Fault(f"{place}debits", text, remedy=say("remove it")))
    if "bank" in seller and "holder" not in seller["bank"] and len(party["name"]) > 70:
        rule = say("a transfer names at most 70 characters, your name is longer")
        faults.append(Fault(f"{place}bank.holder", missing, rule))
    if "electronic_address" not in party and "siren" not in party and not party.get("email"):
        rule = say("an invoice carries an address of its seller")
        faults.append(Fault(f"{at}email", say("is empty"), rule))
    return faults
