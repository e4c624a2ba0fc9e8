"""All that people write, read and checked as a whole: issuer.json, clients/, data/usage/ and more.

Every file is read through its schema, then checked for what a schema cannot say: between
fields, between files, and against the law. All problems of all files are found before anything
is refused. What passes is turned into frozen Structs; each kind of file has a module of its own.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lib.core import cli
from lib.core.faults import Alert, Fault, Refused, WrongUsage
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import (
    batch_client_files,
    client_files,
    index_files,
    issuer_file,
    order_files,
    usage_files,
)
from lib.inputs.batch_client_files import BatchClientInput
from lib.inputs.client_files import ClientInput
from lib.inputs.index_files import IndexInput
from lib.inputs.issuer_file import Issuer, IssuerInput
from lib.inputs.order_files import OrderInput, Orders
from lib.inputs.prices import Index
from lib.inputs.usage_files import UsageInput
from lib.values import numbers


class Inputs(NamedTuple):
    """All inputs of a root: clients by id, usage by client and month, orders by client and id,
    indices by name."""

    issuer: IssuerInput
    clients: dict[str, ClientInput]
    batch_clients: dict[str, BatchClientInput]
    usage: dict[tuple[str, str], tuple[UsageInput, ...]]
    indices: dict[str, IndexInput]
    orders: Orders

    @property
    def index_values(self) -> dict[str, Index]:
        """What prices are revised by, by name."""
        return {name: entry.content for name, entry in self.indices.items()}

    def check_client(self, client: str) -> None:
        """Refuses a CLIENT that has no file.

        Raises:
          WrongUsage: if it has none.
        """
        if client not in self.clients:
            found = say('"{client}" is not a client', client=client)
            remedy = say("write one of {clients}", clients=tuple(self.clients))
            raise WrongUsage([Alert("B-USAGE", "", Fault("CLIENT", found, remedy=remedy))])


def load(root: Root, only: str = "") -> Inputs:
    """All inputs of a root.

    Args:
      only: the client that they are read for; those of others count only as far as they are sound.

    Raises:
      Refused: with every problem of every file.
    """
    faults: list[Alert] = []
    issuer = issuer_file.load(root, faults)
    clients = client_files.load(root, issuer, faults)
    batch_clients = batch_client_files.load(root, issuer, clients, faults)
    usage = usage_files.load(root, issuer, clients, batch_clients, faults)
    indices = index_files.load(root, faults)
    orders = order_files.load(root, issuer, clients, faults)
    if issuer is not None:
        faults += _long_codes(issuer, clients, batch_clients)
    faults = [alert for alert in faults if not only or _concerns(alert, only)]
    if faults or issuer is None:
        raise Refused(faults)
    known = {key: value for key, value in clients.items() if value}
    known_batch = {key: value for key, value in batch_clients.items() if value}
    return Inputs(issuer, known, known_batch, usage, indices, orders)


def _long_codes(
    issuer: IssuerInput,
    clients: Mapping[str, ClientInput | None],
    batch_clients: Mapping[str, BatchClientInput | None],
) -> Iterator[Alert]:
    """Codes that leave a number of the format no room for its sequence."""
    format_ = issuer.issuer.number_format
    codes = {file.client.code: file.source.name for file in batch_clients.values() if file}
    if issuer.issuer.numbering == "issuer":
        codes[issuer.issuer.code] = issuer.source.name
    else:
        codes |= {file.client.code: file.source.name for file in clients.values() if file}
    for code, file in codes.items():
        if len(code) > numbers.longest_code(format_):
            found = say(
                '"{code}" has more than {number} characters, the most that {format} leaves for it',
                code=code,
                number=numbers.longest_code(format_),
                format=format_,
            )
            remedy = say("choose a shorter code, or another number_format in issuer.json")
            yield Alert("B-INPUT-VALUE", file, Fault("code", found, remedy=remedy))


def _concerns(alert: Alert, client: str) -> bool:
    """Whether what is wrong is a client's, or of all: issuer.json, a folder as a whole."""
    return alert.client == client or not alert.file.startswith(
        ("clients/", "batch_clients/", "data/usage/", "data/orders/")
    )


def order_of(content: Inputs, client: str, order: str) -> OrderInput:
    """The order that was named, to be quoted or invoiced.

    Raises:
      WrongUsage: if there is none.
      Refused: if nothing is sold to its client any more.
    """
    if client not in content.clients:
        text = say('"{client}" is not a client', client=client)
        known = say("they are {known}", known=tuple(content.clients))
        raise cli.refuse("B-USAGE", "", "CLIENT", text, remedy=known)
    names = tuple(name for owner, name in content.orders if owner == client)
    if order not in names:
        text = say('"{order}" is not an order of {client}', order=order, client=client)
        remedy = say("they are {known}", known=names)
        if not names:
            remedy = say(
                "`make order CLIENT={client} ID={order}` writes one", client=client, order=order
            )
        raise cli.refuse("B-USAGE", "", "ORDER", text, client, remedy)
    if content.clients[client].client.status == "closed":
        file = content.clients[client].source.name
        remedy = say("open it again, or name another client")
        text = say("is closed: nothing is quoted or invoiced to this client any more")
        raise cli.refuse("B-INPUT-VALUE", file, "status", text, client, remedy)
    return content.orders[client, order]


class Sellers(NamedTuple):
    """Who sells: the issuer, and batch clients by id."""

    issuer: IssuerInput
    batch_clients: dict[str, BatchClientInput]


def load_sellers(root: Root) -> Sellers:
    """The sellers alone, for what is made of records and not of clients' files.

    Raises:
      Refused: with every problem of their files.
    """
    faults: list[Alert] = []
    issuer = issuer_file.load(root, faults)
    batch_clients = batch_client_files.load(root, issuer, None, faults)
    if faults or issuer is None:
        raise Refused(faults)
    return Sellers(issuer, {key: file for key, file in batch_clients.items() if file})


def load_issuer(root: Root) -> Issuer:
    """The issuer alone, for what is made of records and not of clients' files.

    Raises:
      Refused: with every problem of issuer.json.
    """
    faults: list[Alert] = []
    issuer = issuer_file.load(root, faults)
    if faults or issuer is None:
        raise Refused(faults)
    return issuer.issuer
