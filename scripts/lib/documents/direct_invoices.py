"""Issuing direct invoices, of months and of orders: what all records know, numbers, proofs"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from lib.books import issuing, numbering, records, revenues
from lib.books.numbering import Numbered, Sequences
from lib.books.record_lines import BillingRevenue
from lib.books.records import Chain
from lib.core import progress
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import say
from lib.core.root import Root
from lib.documents import production
from lib.inputs.client_files import Client
from lib.inputs.input_files import Source
from lib.inputs.inputs import Inputs
from lib.inputs.settings import Settings
from lib.values import numbers
from lib.values.document import Document


class Past(NamedTuple):
    """What a run needs of all records: each client's end, to be appended to, every number, whose
    numbers have a code, and under which id a buyer was known that is in clients/ no more."""

    ends: dict[str, Chain]
    numbered: list[Numbered]
    codes: dict[str, set[str]]
    gone: dict[str, str]

    def take_in(self, root: Root, client: str, lines: list[BillingRevenue], gone: bool) -> None:
        """Adds a client's records; `gone` where clients/ does not have it."""
        path = revenues.chain_path(root, revenues.DIRECT, client)
        self.ends[client] = records.end_of(path, lines)
        self.numbered.extend(revenues.numbers_of(root, revenues.DIRECT, client, lines))
        for line in lines:
            self.codes.setdefault(numbers.parse(line.number).code, set()).add(client)
            if gone:
                self.gone[line.buyer] = client


def taken_names(content: Inputs, past: Past, clients: Iterable[Client]) -> Iterator[Alert]:
    """Clients under a new id whose invoices the records have under another one.

    What they were invoiced would be issued again, since what was issued is known by id.
    """
    for client in clients:
        file = content.clients[client.id].source.name
        others = sorted(past.codes.get(client.code, set()) - {client.id})
        gone_by_code = [other for other in others if other not in content.clients]
        # A client with invoices of its own was not renamed, whoever else has its name.
        owner = past.gone.get(client.party.name, "".join(gone_by_code[:1]))
        if past.ends[client.id].seq:
            owner = ""
        if owner:
            text = say(
                '"{id}" has invoices under the id "{owner}"; name it so again (if it is another'
                " client, put clients/{owner}.json back, closed)",
                id=client.id,
                owner=owner,
            )
            yield Alert("B-CLIENT-RENAMED", file, Fault("id", text), client.id)
        elif others and content.issuer.issuer.numbering != "issuer":
            text = say(
                '"{code}" is in the numbers of {client}; choose a code never used',
                code=client.code,
                client=others[0],
            )
            yield Alert("B-CLIENT-CODE", file, Fault("code", text), client.id)


def next_number(
    content: Inputs, client: Client, sequences: Sequences, day: date, format_: str = ""
) -> str:
    """The next number of a client's invoices; from now on it is the last of `sequences`.

    Args:
      format_: how it is written, if not as issuer.json says.

    Raises:
      Refused: if the sequence has a later date already, or no number left.
    """
    issuer = content.issuer.issuer
    code = issuer.code if issuer.numbering == "issuer" else client.code
    try:
        return numbering.advance(sequences, code, day, format_ or issuer.number_format)
    except numbering.NoNumber as none:
        fault = Fault("ISSUE_DATE", none.why)
        raise Refused([Alert("B-NUMBER-DATE", "", fault, client.id)]) from None


def logo_of(content: Inputs) -> str:
    """The SHA-256 of the issuer's logo; empty without one."""
    return content.issuer.logo.sha256 if content.issuer.logo else ""


def sources_of(content: Inputs, client: str, others: Iterable[Source] = ()) -> dict[str, str]:
    """Each file that an invoice is made from, and its SHA-256.

    Args:
      others: beside the client's file and the issuer's.
    """
    sources = [content.clients[client].source, content.issuer.source, *others]
    if content.issuer.logo:
        sources.append(content.issuer.logo)
    return {source.name: source.sha256 for source in sources}


def stage(
    run: issuing.Run,
    content: Inputs,
    documents: Iterable[Document],
    count: int,
    limits: Settings,
) -> dict[str, list[records.Record]]:
    """Renders, validates and stages every document and the inputs it was made from.

    Args:
      count: how many documents there are; they may be made as they are asked for.

    Returns:
      for each client the facts to record, in order.

    Raises:
      Refused: with every rule that any document breaks.
    """
    facts: dict[str, list[records.Record]] = {}
    faults: list[Alert] = []
    sources: set[str] = set()
    logo = content.issuer.logo.data if content.issuer.logo else None
    with progress.bar("invoices", count) as shown:
        made = production.stage_all(run, documents, logo, limits)
        for done, (document, staged) in enumerate(made, 1):
            shown(done)
            sources.update(document.sources.values())
            for rule, text in staged.verdicts:
                file = content.clients[document.client].source.name
                faults.append(Alert("B-INVOICE-INVALID", file, Fault(rule, text), document.client))
            if staged.verdicts:
                continue
            fact = revenues.keep(run, revenues.DIRECT, document, staged.proofs)
            facts.setdefault(document.client, []).append(fact)
    if faults:
        raise Refused(faults)
    if facts:
        archive(run, content, sources)
    return facts


def archive(run: issuing.Run, content: Inputs, digests: Iterable[str]) -> None:
    """Keeps the bytes of the inputs that have these hashes, named by them, once each."""
    sources = [content.issuer.source, *([content.issuer.logo] if content.issuer.logo else [])]
    sources += [entry.source for entry in content.clients.values()]
    sources += [entry.source for usages in content.usage.values() for entry in usages]
    sources += [entry.source for entry in content.orders.values()]
    sources += [entry.source for entry in content.indices.values()]
    wanted = set(digests)
    for digest, data in {source.sha256: source.data for source in sources}.items():
        path = run.root.archive_inputs / digest
        if digest in wanted and not path.exists():
            run.stage_proof(path, data)
