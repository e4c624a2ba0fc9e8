"""clients/<id>.json: who is invoiced, on which terms, and for which plans"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from lib.core.faults import Alert, Fault
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.inputs import input_files, parties, plan_checks, schemas, vat_checks
from lib.inputs.input_files import Source
from lib.inputs.issuer_file import Issuer, IssuerInput
from lib.inputs.plans import PaymentTerms, Plan, Text, Vat
from lib.values.document import Party


class Delivery(Struct, frozen=True, kw_only=True):
    """How invoices reach the client."""

    email: bool = True
    cc: tuple[str, ...] = ()
    reminders: bool = True
    statement: bool = False


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
    account: str = ""  # the auxiliary account that the accountant's books have for it
    purchase_order: str = ""
    buyer_reference: str = ""
    subject: Text = {}
    note: Text = {}
    plans: tuple[Plan, ...]
    delivery: Delivery = Delivery()


class ClientInput(NamedTuple):
    """A client with the file it came from."""

    client: Client
    source: Source


def load(
    root: Root, issuer: IssuerInput | None, faults: list[Alert]
) -> dict[str, ClientInput | None]:
    """Clients by id; None for one whose file is refused."""
    clients: dict[str, ClientInput | None] = {}
    codes = {issuer.issuer.code: root.name_of(root.issuer)} if issuer else {}
    for path in input_files.json_files(root, root.clients, faults):
        clients[path.stem] = None
        read = input_files.read(root, path, "client", path.stem, faults)
        if read is None:
            continue
        value, source = read
        own_faults = _client_faults(value, path.stem, issuer.issuer if issuer else None)
        if value["code"] in codes:
            own_faults.append(input_files.code_taken(value["code"], codes[value["code"]]))
        codes.setdefault(value["code"], source.name)
        faults += input_files.alerts(own_faults, source.name, path.stem)
        if issuer is not None:
            for plan in value["plans"]:
                entries = [*plan["items"], plan.get("minimum", {})]
                vat_checks.fill_in_category(entries, issuer.issuer)
        client = input_files.convert(value, Client, source.name, path.stem, faults)
        clients[path.stem] = ClientInput(client, source) if client else None
    if not clients:
        remedy = say("`make client ID=...` writes one, examples/clients/ shows some")
        fault = Fault("", say("has no client"), remedy=remedy)
        faults.append(Alert("B-INPUT-MISSING", root.name_of(root.clients), fault))
    return clients


def glances(root: Root) -> Iterator[tuple[str, Client | None]]:
    """Each client as its file has it, one at a time and not checked: to be shown, never billed.

    None for a file that cannot be read so.
    """
    for path in sorted(root.clients.glob("*.json")):
        yield path.stem, input_files.glance(root, path, Client)


def accounts(root: Root) -> dict[str, str]:
    """The auxiliary account of each client that has one of its own, by its identifier."""
    return {key: client.account for key, client in glances(root) if client and client.account}


def new_client_faults(root: Root, value: Mapping[str, Any], issuer: Issuer) -> list[Alert]:
    """What would be refused of a client that has no file yet, beside those that have one."""
    name, stem = f"clients/{value['id']}.json", value["id"]
    faults = schemas.faults(value, "client", name, stem)
    if faults:
        return faults
    between = _client_faults(value, stem, issuer)
    codes = {issuer.code: root.name_of(root.issuer)}
    unread: list[Alert] = []  # `make check` names what is wrong with other files
    for folder, schema in ((root.clients, "client"), (root.batch_clients, "batch_client")):
        for path in input_files.json_files(root, folder, unread):
            if path.stem == stem:
                between.append(
                    _taken("id", say('"{id}" is {file} already', id=stem, file=root.name_of(path)))
                )
            if read := input_files.read(root, path, schema, path.stem, unread):
                codes.setdefault(read[0]["code"], root.name_of(path))
    if value["code"] in codes:
        code, file = value["code"], codes[value["code"]]
        between.append(
            _taken("code", say('"{code}" is the code of {file} already', code=code, file=file))
        )
    return input_files.alerts(between, name, stem)


def _taken(place: str, found: Message) -> Fault:
    return Fault(place, found, remedy=say("choose another"))


def _client_faults(value: Mapping[str, Any], stem: str, issuer: Issuer | None) -> list[Fault]:
    faults = parties.faults(value["party"])
    if value["id"] != stem:
        faults.append(input_files.not_the_name("id", value["id"], stem))
    if parties.needs_siren(value["party"]):
        rule = say(
            'a French business has one (a private customer: "person": true,'
            ' a body that is not a taxable person: "taxable": false)'
        )
        faults.append(Fault("party.siren", say("is missing"), rule))
    language = value["language"]
    for key in ("subject", "note"):
        if key in value and language not in value[key]:
            faults.append(plan_checks.missing_text(key, language))
    for i, plan in enumerate(value["plans"]):
        faults += plan_checks.plan_faults(plan, f"plans[{i}]", value["language"])
    faults += plan_checks.between_plans(value["plans"])
    if issuer is not None:
        faults += vat_checks.treatment_faults(value, issuer)
    return faults
