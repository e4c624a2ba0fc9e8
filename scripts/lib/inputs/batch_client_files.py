"""batch_clients/<id>.json: a seller whose CSV is invoiced, and who pays for that"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from lib.core.faults import Alert, Fault
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import input_files, issuer_file, plans, vat_checks
from lib.inputs.batch_csv import Dialect
from lib.inputs.client_files import ClientInput
from lib.inputs.input_files import Source
from lib.inputs.issuer_file import IssuerInput, Platform
from lib.inputs.plan_checks import BATCH_METRIC
from lib.inputs.plans import PaymentTerms, Vat
from lib.values import vat
from lib.values.document import Party
from lib.values.seller_terms import SellerTerms


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
    """batch_clients/<id>.json; `billed_as` is the direct client who pays for the service;
    `platform` its own account at an approved platform, if it has one."""

    id: str
    code: str
    status: str
    seller: SellerTerms
    csv: Dialect
    defaults: BatchDefaults
    delivery: BatchDelivery
    billed_as: str
    platform: Platform | None = None


class BatchClientInput(NamedTuple):
    """A batch client with the files it came from."""

    client: BatchClient
    source: Source
    logo: Source | None


def load(
    root: Root,
    issuer: IssuerInput | None,
    clients: Mapping[str, ClientInput | None] | None,
    faults: list[Alert],
) -> dict[str, BatchClientInput | None]:
    """Batch clients by id; None for one whose file is refused.

    Args:
      clients: those that they are held against; None: they are not.
    """
    taken = {file.client.code: file.source.name for file in (clients or {}).values() if file}
    if issuer:
        taken[issuer.issuer.code] = issuer.source.name
    content: dict[str, BatchClientInput | None] = {}
    for path in input_files.json_files(root, root.batch_clients, faults):
        content[path.stem] = None
        read = input_files.read(root, path, "batch_client", path.stem, faults)
        if read is None:
            continue
        value, source = read
        wrong = _batch_client_faults(value, path.stem, clients)
        if value["code"] in taken:
            wrong.append(input_files.code_taken(value["code"], taken[value["code"]]))
        taken.setdefault(value["code"], source.name)
        faults += input_files.alerts(wrong, source.name, path.stem)
        logo = issuer_file.load_logo(root, path, value["seller"].get("logo", ""), faults)
        reached = issuer_file.reached_by_statuses(value, value["seller"])
        whole = {**value, "seller": reached}
        client = input_files.convert(whole, BatchClient, source.name, path.stem, faults)
        content[path.stem] = BatchClientInput(client, source, logo) if client else None
    return content


def _batch_client_faults(
    value: Mapping[str, Any], stem: str, clients: Mapping[str, ClientInput | None] | None
) -> list[Fault]:
    faults = issuer_file.seller_faults(value["seller"], "seller.")
    faults += issuer_file.platform_faults(value, value["seller"], "seller.")
    if value["id"] != stem:
        faults.append(input_files.not_the_name("id", value["id"], stem))
    if clients and stem in clients:
        text = say('"{id}" is the id of a client in clients/ too', id=stem)
        faults.append(Fault("id", text, remedy=say("rename one")))
    dialect = value["csv"]
    if dialect["delimiter"] == dialect["decimal"]:
        text = say("is the delimiter too")
        faults.append(Fault("csv.decimal", text, remedy=say("one of them has to differ")))
    if dialect["byte_order_mark"] and dialect["encoding"] != "utf-8":
        text = say("belongs to utf-8, the files are {encoding}", encoding=dialect["encoding"])
        faults.append(Fault("csv.byte_order_mark", text, remedy=say("write false")))
    payer = [] if clients is None else _payer_faults(value["billed_as"], clients)
    return faults + _vat_faults(value) + payer


def _vat_faults(value: Mapping[str, Any]) -> list[Fault]:
    """What the law has against the VAT that holds where a line says nothing."""
    terms, seller = value["defaults"]["vat"], msgspec.convert(value["seller"]["party"], Party)
    regime, treatment, faults = value["seller"]["vat_regime"], terms["treatment"], []
    if rule := vat.regime_fault(treatment, seller, regime):
        text = say('"{treatment}" is refused: {rule}', treatment=treatment, rule=rule)
        remedy = say('write "{treatment}"', treatment=vat.own_treatments(seller, regime)[0])
        faults.append(Fault("defaults.vat.treatment", text, remedy=remedy))
    if rule := vat.exemption_fault(terms.get("exemption_code", ""), seller):
        place = "defaults.vat.exemption_code"
        faults.append(Fault(place, rule, remedy=vat_checks.EXEMPTING_CODE))
    return faults


def _payer_faults(payer: str, clients: Mapping[str, ClientInput | None]) -> list[Fault]:
    """The client who pays for the service has to exist, and a plan of it to charge batches."""
    if payer not in clients:
        text = say('"{payer}" is not a client', payer=payer)
        return [Fault("billed_as", text, remedy=say("write the id of one in clients/"))]
    client = clients[payer]
    if client is None or BATCH_METRIC in plans.metrics_of(client.client.plans):
        return []
    text = say(
        '"{payer}" has no item in its plans that charges {metric}', payer=payer, metric=BATCH_METRIC
    )
    return [Fault("billed_as", text)]
