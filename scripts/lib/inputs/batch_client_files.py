"""batch_clients/<id>.json: a seller whose CSV is invoiced, and who pays for that"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from lib.core.faults import Alert
from lib.core.root import Root
from lib.inputs import input_files, issuer_file, plans, vat_checks
from lib.inputs.batch_csv import Dialect
from lib.inputs.client_files import ClientInput
from lib.inputs.input_files import Source
from lib.inputs.issuer_file import IssuerInput
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


def load(
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
    for path in input_files.json_files(root, root.batch_clients, faults):
        found[path.stem] = None
        read = input_files.read(root, path, "batch_client", path.stem, faults)
        if read is None:
            continue
        value, source = read
        wrong = _batch_client_faults(value, path.stem, clients)
        if value["code"] in taken:
            wrong.append(("code", f'"{value["code"]}" is the code of {taken[value["code"]]} too'))
        taken.setdefault(value["code"], source.name)
        faults += input_files.alerts(wrong, source.name, path.stem)
        logo = issuer_file.load_logo(root, path, value["seller"].get("logo", ""), faults)
        client = input_files.convert(value, BatchClient, source.name, path.stem, faults)
        found[path.stem] = BatchClientInput(client, source, logo) if client else None
    return found


def _batch_client_faults(
    value: Mapping[str, Any], stem: str, clients: Mapping[str, ClientInput | None]
) -> list[tuple[str, str]]:
    found = [
        (f"seller.{place}", text) for place, text in issuer_file.seller_faults(value["seller"])
    ]
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
    if rule := vat.regime_fault(terms["treatment"], seller, value["seller"]["vat_regime"]):
        right = vat.own_treatments(seller, value["seller"]["vat_regime"])[0]
        text = f'"{terms["treatment"]}" is refused: {rule}; write "{right}"'
        found.append(("defaults.vat.treatment", text))
    if wrong := vat.exemption_fault(terms.get("exemption_code", ""), seller):
        found.append(("defaults.vat.exemption_code", f"{wrong}; {vat_checks.EXEMPTING_CODE}"))
    payer = clients.get(value["billed_as"])
    if value["billed_as"] not in clients:
        text = f'"{value["billed_as"]}" is no client; write the id of one in clients/'
        found.append(("billed_as", text))
    elif payer and BATCH_METRIC not in plans.metrics_of(payer.client.plans):
        text = f'"{value["billed_as"]}" has no item in its plans that charges {BATCH_METRIC}'
        found.append(("billed_as", text))
    return found
