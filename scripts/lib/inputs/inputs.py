"""What people write: issuer.json, clients/, data/usage/, read and checked as a whole.

Every file is read through its schema, then checked for what a schema cannot say: check
between fields, between files, and against the law. All problems of all files are found
before anything is refused. What passes is turned into frozen Structs.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, field

from lib.core import readings, storage, strict_json
from lib.core.faults import Alert, Fault, Refused
from lib.core.root import Root
from lib.inputs import logos, plans, prices, schemas
from lib.inputs.batch_csv import Dialect
from lib.inputs.plans import PaymentTerms, Plan, Vat
from lib.values import periods, spans, territories, vat
from lib.values.document import Party, Period
from lib.values.seller_terms import SellerTerms

_T = TypeVar("_T")

REMINDER_LEVELS = ("polite", "firm", "formal")
BATCH_METRIC = "batch_invoices"
BATCH_SOURCE = "batch_"
_EXEMPTING_CODE = "write the code of the law that exempts this"
_OF_BUYERS = ("person", "taxable")  # keys of a party that no seller has


class Source(NamedTuple):
    """A file that went into an invoice: its name under the root and its bytes."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        return storage.sha256(self.data)


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


class Delivery(Struct, frozen=True, kw_only=True):
    """How invoices reach the client."""

    email: bool = True
    cc: tuple[str, ...] = ()
    reminders: bool = True


class Client(Struct, frozen=True, kw_only=True):
    """clients/<id>.json."""

    id: str
    code: str
    status: str
    party: Party
    language: str
    currency: str
    payment_terms: PaymentTerms
    vat: Vat
    purchase_order: str = ""
    buyer_reference: str = ""
    plans: tuple[Plan, ...]
    delivery: Delivery = Delivery()


class Usage(Struct, frozen=True, kw_only=True):
    """data/usage/<client>/<month>.<source>.json."""

    client: str
    month: str
    source: str
    quantities: dict[str, Decimal] = {}
    lines: tuple[plans.OneOffLine, ...] = ()


class BatchDefaults(Struct, frozen=True, kw_only=True):
    """What holds where a line of the CSV says nothing."""

    language: str
    currency: str
    payment_terms: PaymentTerms
    vat: Vat


class BatchDelivery(Struct, frozen=True, kw_only=True):
    """How batch invoices reach the seller and its customers."""

    zip: bool
    email_customers: bool


class BatchClient(Struct, frozen=True, kw_only=True):
    """batch_clients/<id>.json; `billed_as` is the direct client who pays for the service."""

    id: str
    code: str
    status: str
    seller: SellerTerms
    csv: Dialect
    defaults: BatchDefaults
    delivery: BatchDelivery
    billed_as: str


class BatchClientInput(NamedTuple):
    """A batch client with the files it came from."""

    client: BatchClient
    source: Source
    logo: Source | None


class IssuerInput(NamedTuple):
    """The issuer with the files it came from."""

    issuer: Issuer
    source: Source
    logo: Source | None


class ClientInput(NamedTuple):
    """A client with the file it came from."""

    client: Client
    source: Source


class UsageInput(NamedTuple):
    """One source of usage with the file it came from.

    `unfit` says why it cannot be billed under the client's plan of today: plans change, and
    the usage of a month that is invoiced already stays as it is.
    """

    usage: Usage
    source: Source
    unfit: tuple[Alert, ...] = ()


class IndexValue(Struct, frozen=True, kw_only=True):
    """A value as it was published: where, and the day on which it was looked up."""

    value: Decimal
    source: str
    date: str


class Index(Struct, frozen=True, kw_only=True):
    """data/indices/<name>.json: values by month."""

    index: str
    title: str
    values: dict[str, IndexValue]


class IndexInput(NamedTuple):
    """An index with the file it came from."""

    content: Index
    source: Source


class Inputs(NamedTuple):
    """All inputs of a root: clients by id, usage by client and month, indices by name."""

    issuer: IssuerInput
    clients: dict[str, ClientInput]
    batch_clients: dict[str, BatchClientInput]
    usage: dict[tuple[str, str], tuple[UsageInput, ...]]
    indices: dict[str, IndexInput]

    @property
    def index_values(self) -> dict[str, prices.Index]:
        """What prices are revised by, by name."""
        return {name: _index_of(found.content) for name, found in self.indices.items()}


def load(root: Root, only: str = "") -> Inputs:
    """All inputs of a root.

    Args:
      only: the client that they are read for; those of others count only as far as they are sound.

    Raises:
      Refused: with every problem of every file.
    """
    faults: list[Alert] = []
    issuer = _load_issuer(root, faults)
    clients = _load_clients(root, issuer, faults)
    batch_clients = _load_batch_clients(root, issuer, clients, faults)
    usage = _load_usage(root, issuer, clients, batch_clients, faults)
    indices = _load_indices(root, faults)
    faults = [alert for alert in faults if not only or _concerns(alert, only)]
    if faults or issuer is None:
        raise Refused(faults)
    known = {key: value for key, value in clients.items() if value}
    known_batch = {key: value for key, value in batch_clients.items() if value}
    return Inputs(issuer, known, known_batch, usage, indices)


def glances(root: Root) -> Iterator[tuple[str, Client | None]]:
    """Each client as its file has it, one at a time and not checked: to be shown, never billed.

    None for a file that cannot be read so.
    """
    for path in sorted(root.clients.glob("*.json")):
        yield path.stem, _glance(root, path, Client)


def glance_at_usage(
    root: Root, client: str, months: Iterable[str]
) -> dict[tuple[str, str], tuple[UsageInput, ...]]:
    """What a client used in some months, not checked."""
    found: dict[tuple[str, str], tuple[UsageInput, ...]] = {}
    for month in months:
        read = [
            _glance(root, path, Usage)
            for path in sorted((root.usage / client).glob(f"{month}.*.json"))
        ]
        found[client, month] = tuple(UsageInput(one, Source("", b"")) for one in read if one)
    return found


def glance_at_indices(root: Root) -> dict[str, prices.Index]:
    """What prices are revised by, by name, not checked."""
    read = {path.stem: _glance(root, path, Index) for path in root.indices.glob("*.json")}
    return {name: _index_of(found) for name, found in read.items() if found}


def _glance(root: Root, path: Path, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(storage.read_input(root, path), type=kind)
    except (Refused, msgspec.MsgspecError, ValueError):
        return None


def _index_of(found: Index) -> prices.Index:
    return prices.Index(found.title, {month: one.value for month, one in found.values.items()})


def _concerns(alert: Alert, client: str) -> bool:
    """Whether what is wrong is a client's, or of all: issuer.json, a folder as a whole."""
    return alert.client == client or not alert.file.startswith(
        ("clients/", "batch_clients/", "data/usage/")
    )


def load_issuer(root: Root) -> Issuer:
    """The issuer alone, for what is made of records and not of clients' files.

    Raises:
      Refused: with every problem of issuer.json.
    """
    faults: list[Alert] = []
    issuer = _load_issuer(root, faults)
    if faults or issuer is None:
        raise Refused(faults)
    return issuer.issuer


# --- issuer --------------------------------------------------------------------------


def _load_issuer(root: Root, faults: list[Alert]) -> IssuerInput | None:
    if not root.issuer.exists() and not root.issuer.is_symlink():
        text = "is missing; `make init ROOT=...` lays out a root with an explained example"
        faults.append(Alert("B-INPUT-MISSING", root.name_of(root.issuer), Fault("", text)))
        return None
    read = _read(root, root.issuer, "issuer", "", faults)
    if read is None:
        return None
    value, source = read
    found = seller_faults(value) + _reminder_faults(value.get("reminders", {}))
    logo = _load_logo(root, root.issuer, value.get("logo", ""), faults)
    faults += _alerts(found, source.name, "")
    issuer = _convert({**value}, Issuer, source.name, "", faults)
    return IssuerInput(issuer, source, logo) if issuer else None


def _reminder_faults(days: Mapping[str, int]) -> list[tuple[str, str]]:
    """Each level comes later than the one before it."""
    given = [level for level in REMINDER_LEVELS if level in days]
    return [
        (f"reminders.{later}", f"{days[later]} is not after {earlier}, {days[earlier]} days")
        for earlier, later in itertools.pairwise(given)
        if days[later] <= days[earlier]
    ]


def _load_logo(root: Root, beside: Path, name: str, faults: list[Alert]) -> Source | None:
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
    french = _territory_of(party["address"]).french
    found = party_faults({key: value for key, value in party.items() if key not in _OF_BUYERS})
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


# --- clients -------------------------------------------------------------------------


def _load_clients(
    root: Root, issuer: IssuerInput | None, faults: list[Alert]
) -> dict[str, ClientInput | None]:
    """Clients by id; None for one whose file is refused."""
    clients: dict[str, ClientInput | None] = {}
    codes = {issuer.issuer.code: root.name_of(root.issuer)} if issuer else {}
    for path in _json_files(root, root.clients, faults):
        clients[path.stem] = None
        read = _read(root, path, "client", path.stem, faults)
        if read is None:
            continue
        value, source = read
        found = _client_faults(value, path.stem, issuer.issuer if issuer else None)
        if value["code"] in codes:
            found.append(("code", f'"{value["code"]}" is the code of {codes[value["code"]]} too'))
        codes.setdefault(value["code"], source.name)
        faults += _alerts(found, source.name, path.stem)
        if issuer is not None:
            for plan in value["plans"]:
                _fill_in_category([*plan["items"], plan.get("minimum", {})], issuer.issuer)
        client = _convert(value, Client, source.name, path.stem, faults)
        clients[path.stem] = ClientInput(client, source) if client else None
    if not clients:
        text = "has no client; `make client ID=...` writes one, examples/clients/ shows some"
        faults.append(Alert("B-INPUT-MISSING", root.name_of(root.clients), Fault("", text)))
    return clients


def new_client_faults(root: Root, value: Mapping[str, Any], issuer: Issuer) -> list[Alert]:
    """What would be refused of a client that has no file yet, beside those that have one."""
    name, stem = f"clients/{value['id']}.json", value["id"]
    found = schemas.faults(value, "client", name, stem)
    if found:
        return found
    between = _client_faults(value, stem, issuer)
    codes = {issuer.code: root.name_of(root.issuer)}
    unread: list[Alert] = []  # `make check` names what is wrong with other files
    for folder, schema in ((root.clients, "client"), (root.batch_clients, "batch_client")):
        for path in _json_files(root, folder, unread):
            if path.stem == stem:
                between.append(("id", f'"{stem}" is {root.name_of(path)} already; choose another'))
            if read := _read(root, path, schema, path.stem, unread):
                codes.setdefault(read[0]["code"], root.name_of(path))
    if value["code"] in codes:
        text = f'"{value["code"]}" is the code of {codes[value["code"]]} already; choose another'
        between.append(("code", text))
    return _alerts(between, name, stem)


def _client_faults(value: Mapping[str, Any], stem: str, issuer: Issuer | None) -> list[Any]:
    found = party_faults(value["party"], "party.")
    if value["id"] != stem:
        found.append(("id", f'"{value["id"]}" is not the name of the file; write "{stem}"'))
    if needs_siren(value["party"]):
        text = (
            'is missing; a French business has one (a private customer: "person": true,'
            ' a body that is not a taxable person: "taxable": false)'
        )
        found.append(("party.siren", text))
    for i, plan in enumerate(value["plans"]):
        found += _plan_faults(plan, f"plans[{i}]", value["language"])
    found += _between_plans(value["plans"])
    if issuer is not None:
        found += _treatment_faults(value, issuer)
    return found


def _plan_faults(plan: Mapping[str, Any], at: str, language: str) -> list[tuple[str, str]]:
    found = _order_faults(plan, f"{at}.", "the plan")
    ids = [discount["id"] for discount in plan.get("discounts", [])]
    for i, discount in enumerate(plan.get("discounts", [])):
        if discount["id"] in ids[:i]:
            text = f'"{discount["id"]}" is the id of another discount; rename one'
            found.append((f"{at}.discounts[{i}].id", text))
        found += _order_faults(discount, f"{at}.discounts[{i}].", "the discount")
    for place, described in _described(plan, at):
        if language not in described:
            text = f'is missing; the client\'s language is "{language}"'
            found.append((f"{place}.{language}", text))
    for i, item in enumerate(plan["items"]):
        place = f"{at}.items[{i}]"
        if item.get("metric", "").startswith("batch_") and item["metric"] != BATCH_METRIC:
            text = f'"{item["metric"]}" is not measured; batches count "{BATCH_METRIC}"'
            found.append((f"{place}.metric", text))
        found += _order_faults(item, f"{place}.", "the item")
        found += _dates_faults(plan, item, place)
        found += _price_faults(plan, item, place)
    for i, month in enumerate(plan.get("skip", [])):
        if not _lies_in(plan, month):
            text = f'"{month}" is outside the plan, {_dates_of(plan)}; remove it'
            found.append((f"{at}.skip[{i}]", text))
    return found


def _dates_of(plan: Mapping[str, Any]) -> str:
    """The dates of a plan as its file has them: "2026-01 to 2026-06", "from 2026-01"."""
    return f"{plan['start']} to {plan['end']}" if plan.get("end") else f"from {plan['start']}"


def _lies_in(plan: Mapping[str, Any], text: str) -> bool:
    """Whether a day of a month or date lies within the dates of a plan."""
    ends = not plan.get("end") or periods.start_date(text) <= periods.end_date(plan["end"])
    return ends and periods.start_date(plan["start"]) <= periods.end_date(text)


def _dates_faults(
    plan: Mapping[str, Any], item: Mapping[str, Any], place: str
) -> list[tuple[str, str]]:
    """An item that begins before its plan, or ends after it."""
    if _order_faults(plan, "", ""):
        return []
    found = []
    starts = item.get("start", "")
    early = starts and periods.start_date(starts) < periods.start_date(plan["start"])
    ends, last = item.get("end", ""), plan.get("end", "")
    late = ends and last and periods.end_date(ends) > periods.end_date(last)
    for key, day, outside in (("start", starts, early), ("end", ends, late)):
        if day and (outside or not _lies_in(plan, day)):
            text = f'"{day}" is outside its plan, {_dates_of(plan)}; correct one of them'
            found.append((f"{place}.{key}", text))
    return found


def _price_faults(
    plan: Mapping[str, Any], item: Mapping[str, Any], place: str
) -> list[tuple[str, str]]:
    """A price list begins with a price, no later than its item, and its dates rise."""
    steps = item.get("prices", [])
    if not steps:
        return []
    found = []
    first, begins = steps[0], item.get("start") or plan["start"]
    if "price" not in first:
        key = "percent" if "percent" in first else "index"
        text = 'has no price before it; begin the list with {"from": ..., "price": ...}'
        found.append((f"{place}.prices[0].{key}", text))
    if periods.start_date(first["from"]) > periods.start_date(begins):
        text = f'"{first["from"]}" is after {begins}, when the item begins; write "{begins}"'
        found.append((f"{place}.prices[0].from", text))
    for i, step in enumerate(steps):
        if item["charge"] == "flat" and Decimal(step.get("price", "0")).as_tuple().exponent < -2:  # type: ignore[operator]
            text = (
                f'"{step["price"]}" has fractions of a cent; the price of a period has 2 decimals'
            )
            found.append((f"{place}.prices[{i}].price", text))
    for i, (before, step) in enumerate(itertools.pairwise(steps), 1):
        earlier, later = (periods.start_date(one["from"]) for one in (before, step))
        if earlier == later:
            text = f'"{step["from"]}" is the date of the price before too; remove one of them'
            found.append((f"{place}.prices[{i}].from", text))
        elif later < earlier:
            text = f'"{step["from"]}" is before "{before["from"]}"; put the list in order of date'
            found.append((f"{place}.prices[{i}].from", text))
    return found


def _between_plans(found_plans: list[Any]) -> list[tuple[str, str]]:
    """No two plans of one id; no item in two plans at once, and a metered one in whole months."""
    found = []
    ids = [plan["id"] for plan in found_plans]
    seen: dict[str, list[tuple[str, Period]]] = {}
    for i, plan in enumerate(found_plans):
        if plan["id"] in ids[:i]:
            found.append(
                (f"plans[{i}].id", f'"{plan["id"]}" is the id of another plan; rename one')
            )
        for k, item in enumerate(plan["items"]):
            start, end = item.get("start") or plan["start"], item.get("end") or plan.get("end")
            dates = Period(
                start=periods.start_date(start), end=periods.end_date(end) if end else date.max
            )
            if "metric" in item:  # usage is known by months
                last = periods.last_day(periods.month_of(dates.end)) if end else date.max
                dates = Period(start=dates.start.replace(day=1), end=last)
            for other, theirs in seen.get(item["id"], []):
                if other != plan["id"] and spans.common(theirs, dates):
                    text = (
                        f'"{item["id"]}" is an item of the plan "{other}" at the same time; end it'
                        f" there {'a month' if 'metric' in item else 'a day'} earlier, or rename it"
                    )
                    found.append((f"plans[{i}].items[{k}].id", text))
            seen.setdefault(item["id"], []).append((plan["id"], dates))
    return found


def _order_faults(value: Mapping[str, Any], place: str, what: str) -> list[tuple[str, str]]:
    start, end = value.get("start", ""), value.get("end", "")
    if start and end and periods.end_date(end) < periods.start_date(start):
        return [(f"{place}end", f'"{end}" is before the start of {what}, "{start}"')]
    return []


def _described(plan: Mapping[str, Any], at: str) -> Iterable[tuple[str, Mapping[str, str]]]:
    for key in ("items", "discounts"):
        for i, entry in enumerate(plan.get(key, [])):
            yield f"{at}.{key}[{i}].description", entry["description"]
    if "description" in plan.get("minimum", {}):
        yield f"{at}.minimum.description", plan["minimum"]["description"]


def _treatment_faults(value: Mapping[str, Any], issuer: Issuer) -> list[tuple[str, str]]:
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
        found += _vat_faults(terms, _kinds(common, issuer), issuer, buyer)
    reasons = {_reason_of(terms)} - {None}
    for place, entry in rated:
        own = terms
        if "vat" in entry:
            own = msgspec.convert(entry["vat"], Vat)
            for at, text in _vat_faults(own, _kinds([entry], issuer), issuer, buyer):
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
        found += _rate_and_category_faults(place, entry, own.treatment, issuer)
    return list(dict.fromkeys(found))


def _reason_of(terms: Vat) -> Vat | None:
    """Why there is no VAT under category E, of which an invoice has one reason."""
    return terms if terms.treatment in ("exempt", "franchise") else None


def _kinds(entries: Sequence[Mapping[str, Any]], issuer: Issuer) -> set[str]:
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
    if text := vat.exemption_fault(terms.exemption_code, issuer.party):
        found.append(("vat.exemption_code", f"{text}; {_EXEMPTING_CODE}"))
    return found


def _rate_and_category_faults(
    place: str, entry: Mapping[str, Any], treatment: str, issuer: Issuer
) -> list[tuple[str, str]]:
    found = []
    text = vat.rate_fault(treatment, Decimal(entry["vat_rate"]), issuer.party)
    if text:
        found.append((f"{place}.vat_rate", f'"{entry["vat_rate"]}" {text}'))
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


def _fill_in_category(entries: Iterable[dict[str, Any]], issuer: Issuer) -> None:
    """What is sold, where the issuer sells only one thing and it need not be said again."""
    for entry in entries:
        if entry and issuer.operation_category != "mixed":
            entry["category"] = issuer.operation_category


# --- batch clients -------------------------------------------------------------------


def _load_batch_clients(
    root: Root,
    issuer: IssuerInput | None,
    clients: Mapping[str, ClientInput | None],
    faults: list[Alert],
) -> dict[str, BatchClientInput | None]:
    """Batch clients by id; None for one whose file is refused."""
    taken = {one.client.code: one.source.name for one in clients.values() if one}
    if issuer:
        taken[issuer.issuer.code] = issuer.source.name
    found: dict[str, BatchClientInput | None] = {}
    for path in _json_files(root, root.batch_clients, faults):
        found[path.stem] = None
        read = _read(root, path, "batch_client", path.stem, faults)
        if read is None:
            continue
        value, source = read
        wrong = _batch_client_faults(value, path.stem, clients)
        if value["code"] in taken:
            wrong.append(("code", f'"{value["code"]}" is the code of {taken[value["code"]]} too'))
        taken.setdefault(value["code"], source.name)
        faults += _alerts(wrong, source.name, path.stem)
        logo = _load_logo(root, path, value["seller"].get("logo", ""), faults)
        client = _convert(value, BatchClient, source.name, path.stem, faults)
        found[path.stem] = BatchClientInput(client, source, logo) if client else None
    return found


def _batch_client_faults(
    value: Mapping[str, Any], stem: str, clients: Mapping[str, ClientInput | None]
) -> list[tuple[str, str]]:
    found = [(f"seller.{place}", text) for place, text in seller_faults(value["seller"])]
    if value["id"] != stem:
        found.append(("id", f'"{value["id"]}" is not the name of the file; write "{stem}"'))
    if stem in clients:
        found.append(("id", f'"{stem}" is the id of a client in clients/ too; rename one'))
    dialect = value["csv"]
    if dialect["delimiter"] == dialect["decimal"]:
        found.append(("csv.decimal", "is the delimiter too; one of them has to differ"))
    if dialect["byte_order_mark"] and dialect["encoding"] != "utf-8":
        text = f"belongs to utf-8, the files are {dialect['encoding']}; write false"
        found.append(("csv.byte_order_mark", text))
    terms, seller = value["defaults"]["vat"], msgspec.convert(value["seller"]["party"], Party)
    if text := vat.regime_fault(terms["treatment"], seller, value["seller"]["vat_regime"]):
        right = vat.own_treatments(seller, value["seller"]["vat_regime"])[0]
        text = f'"{terms["treatment"]}" is refused: {text}; write "{right}"'
        found.append(("defaults.vat.treatment", text))
    if text := vat.exemption_fault(terms.get("exemption_code", ""), seller):
        found.append(("defaults.vat.exemption_code", f"{text}; {_EXEMPTING_CODE}"))
    payer = clients.get(value["billed_as"])
    if value["billed_as"] not in clients:
        text = f'"{value["billed_as"]}" is no client; write the id of one in clients/'
        found.append(("billed_as", text))
    elif payer and BATCH_METRIC not in plans.metrics_of(payer.client.plans):
        text = f'"{value["billed_as"]}" has no item in its plans that charges {BATCH_METRIC}'
        found.append(("billed_as", text))
    return found


# --- usage ---------------------------------------------------------------------------


def _load_usage(
    root: Root,
    issuer: IssuerInput | None,
    clients: Mapping[str, ClientInput | None],
    batch_clients: Mapping[str, BatchClientInput | None],
    faults: list[Alert],
) -> dict[tuple[str, str], tuple[UsageInput, ...]]:
    usage: dict[tuple[str, str], tuple[UsageInput, ...]] = {}
    folders = sorted(root.usage.iterdir()) if root.usage.is_dir() else []
    for folder in folders:
        if _is_hidden(folder):
            continue
        if folder.name not in clients:
            text = f"belongs to no client: there is no clients/{folder.name}.json"
            faults.append(Alert("B-INPUT-VALUE", root.name_of(folder), Fault("", text)))
            continue
        for path in _json_files(root, folder, faults):
            found = _load_usage_file(root, path, issuer, clients[folder.name], faults)
            if found is not None:
                faults += _reserved_faults(found, batch_clients)
                key = (found.usage.client, found.usage.month)
                usage[key] = (*usage.get(key, ()), found)
    return usage


def _load_usage_file(
    root: Root,
    path: Path,
    issuer: IssuerInput | None,
    client: ClientInput | None,
    faults: list[Alert],
) -> UsageInput | None:
    owner = path.parent.name
    read = _read(root, path, "usage", owner, faults)
    if read is None or client is None or issuer is None:
        return None
    value, source = read
    found = []
    if value["client"] != owner:
        found.append(("client", f'"{value["client"]}" is not the folder\'s; write "{owner}"'))
    if f"{value['month']}.{value['source']}" != path.stem:
        wanted = f"{value['month']}.{value['source']}.json"
        found.append(("", f"is not named after its month and source; rename it {wanted}"))
    faults += _alerts(found, source.name, owner)
    unfit = _unfit(value, client.client, issuer.issuer)
    _fill_in_category(value.get("lines", []), issuer.issuer)
    usage = _convert(value, Usage, source.name, owner, faults)
    return UsageInput(usage, source, tuple(_alerts(unfit, source.name, owner))) if usage else None


def _unfit(value: Mapping[str, Any], client: Client, issuer: Issuer) -> list[tuple[str, str]]:
    known = plans.metrics_of(client.plans)
    text = "is not a metric of the client's plans; they have " + (", ".join(known) or "none")
    unknown = [metric for metric in value.get("quantities", {}) if metric not in known]
    found = [(f"quantities.{metric}", text) for metric in unknown]
    return found + _one_off_faults(value.get("lines", []), client, issuer)


def _reserved_faults(
    one: UsageInput, batch_clients: Mapping[str, BatchClientInput | None]
) -> list[Alert]:
    """Sources named batch_... are written by the batch engine, for its clients only."""
    source, owner = one.usage.source, one.usage.client
    if not source.startswith(BATCH_SOURCE):
        return []
    client = batch_clients.get(source.removeprefix(BATCH_SOURCE))
    if client is not None and client.client.billed_as == owner:
        return []
    text = "names that begin with batch_ are kept for the batch engine; rename the source"
    return [Alert("B-INPUT-VALUE", one.source.name, Fault("source", text), owner)]


def _one_off_faults(lines: list[Any], client: Client, issuer: Issuer) -> list[tuple[str, str]]:
    found = []
    for i, line in enumerate(lines):
        place = f"lines[{i}]"
        for key in ("description", "discount_reason"):
            if key in line and client.language not in line[key]:
                text = f'is missing; the client\'s language is "{client.language}"'
                found.append((f"{place}.{key}.{client.language}", text))
        found += _rate_and_category_faults(place, line, client.vat.treatment, issuer)
        kinds = _kinds([line], issuer)
        faults = vat.treatment_faults(
            client.vat.treatment, kinds, issuer.party, issuer.vat_regime, client.party
        )
        for fault in faults:
            text = f'{fault.rule}: the client\'s treatment "{client.vat.treatment}" is not for it'
            found.append((f"{place}.category", text))
    return found


# --- indices -------------------------------------------------------------------------


def _load_indices(root: Root, faults: list[Alert]) -> dict[str, IndexInput]:
    """Indices by name; whether a value is there is asked when a price needs it."""
    found = {}
    for path in _json_files(root, root.indices, faults):
        read = _read(root, path, "index", "", faults)
        if read is None:
            continue
        value, source = read
        if value["index"] != path.stem:
            text = f'"{value["index"]}" is not the name of the file; write "{path.stem}"'
            faults += _alerts([("index", text)], source.name, "")
        if index := _convert(value, Index, source.name, "", faults):
            found[path.stem] = IndexInput(index, source)
    return found


# --- what all files share ------------------------------------------------------------


def party_faults(party: Mapping[str, Any], place: str = "party.") -> list[tuple[str, str]]:
    """What is wrong between the fields of a party."""
    found = []
    siren, country = party.get("siren"), party["address"]["country"]
    if party.get("person"):
        for key in ("siren", "siret", "vat_number"):
            if key in party:
                found.append((f"{place}{key}", "a private person has none; remove it"))
        if party.get("taxable"):
            found.append((f"{place}taxable", "a private person never is; remove it"))
    elif siren is not None and not _territory_of(party["address"]).french:
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
    place = _territory_of(party["address"])
    return taxable and place.french and place.state == "FR" and "siren" not in party


def _territory_of(address: Mapping[str, Any]) -> territories.Territory:
    return territories.of(address["country"], address.get("postcode", ""))


def _json_files(root: Root, folder: Path, faults: list[Alert]) -> list[Path]:
    """The .json files of a folder, in order of name; any other file is a problem."""
    if not folder.is_dir():
        return []
    files = []
    for path in sorted(folder.iterdir()):
        if _is_hidden(path) or path.suffix in logos.SUFFIXES:
            continue
        if path.suffix == ".json":
            files.append(path)
        else:
            text = "is no .json file; rename it, or move it elsewhere"
            faults.append(Alert("B-INPUT-VALUE", root.name_of(path), Fault("", text)))
    return files


def _is_hidden(path: Path) -> bool:
    """Files that editors and desktops leave: .DS_Store, nord.json~."""
    return path.name.startswith(".") or path.name.endswith("~")


def _read(
    root: Root, path: Path, schema: str, client: str, faults: list[Alert]
) -> tuple[dict[str, Any], Source] | None:
    """A file that its schema accepts, or None with the reasons added to `faults`."""
    name = root.name_of(path)
    try:
        data = storage.read_input(root, path)
        value = strict_json.parse(name, data)
    except Refused as refused:
        faults += (alert._replace(client=client) for alert in refused.alerts)
        return None
    found = _placeholders(value, name, client)
    unfilled = {alert.place for alert in found}
    wrong = schemas.faults(value, schema, name, client)
    found += [alert for alert in wrong if alert.place not in unfilled]
    faults += found
    if found:
        return None
    value.pop("$schema", None)
    return value, Source(name, data)


def _placeholders(value: Any, name: str, client: str, place: str = "") -> list[Alert]:
    """The values that `make init` left in <...> for a person to fill in."""
    if isinstance(value, str) and value.startswith("<") and value.endswith(">"):
        text = f"is still to be filled in: {value}"
        return [Alert("B-INPUT-PLACEHOLDER", name, Fault(place, text), client)]
    children: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        children = ((f"{place}.{key}" if place else key, child) for key, child in value.items())
    elif isinstance(value, list):
        children = ((f"{place}[{i}]", child) for i, child in enumerate(value))
    found = [_placeholders(child, name, client, where) for where, child in children]
    return [alert for some in found for alert in some]


def _convert(value: Any, kind: type[_T], name: str, client: str, faults: list[Alert]) -> _T | None:
    """A frozen Struct; what its own checks refuse is one more problem of the file."""
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$.")
        faults.append(Alert("B-INPUT-VALUE", name, Fault(place.rstrip("`"), text), client))
        return None


def _alerts(found: list[tuple[str, str]], name: str, client: str) -> list[Alert]:
    return [Alert("B-INPUT-VALUE", name, Fault(place, text), client) for place, text in found]
