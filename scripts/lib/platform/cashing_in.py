"""Cashing in: what was received of invoices, as messages (212) that are ready to be deposited.

That something is reported is on record, and its message kept as a proof, before the message is
deposited: whatever is stopped in between goes with the next run, and no money is reported twice.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

from lib.books import cash_ins, exchanges, histories, lifecycle, proofs, revenues
from lib.books.cash_ins import CashIn
from lib.books.exchanges import CASH_IN
from lib.books.record_lines import DepositRevenue, ExchangeLine
from lib.books.records import Record
from lib.core import storage
from lib.core.faults import Alert, Broken, Fault, collecting
from lib.core.messages import say
from lib.core.root import Root
from lib.platform import cdar, invoices
from lib.platform.exchange import ExchangeBooks, Item
from lib.platform.flow_client import CDAR
from lib.values.document import Document, from_json


def due(
    books: ExchangeBooks, lines: Iterable[DepositRevenue], rule: str, day: date
) -> Iterator[tuple[CashIn, bytes]]:
    """All money of direct clients that is to be reported and was not, with the message of each.

    The caller holds the root's lock.

    Args:
      lines: the records of their invoices.
      rule: `platform.cash_in`.

    Raises:
      Broken: if records or documents are not what was written.
    """
    by_number = {line.number: line for line in lines}
    faults: list[Alert] = []
    for client in sorted({line.client for line in by_number.values()}):
        with collecting(faults):
            for cash_in in of_client(books.root, client, books.lines[client], rule, day):
                document = _document(books.root, by_number[cash_in.number])
                yield cash_in, cdar.encashed(cash_in, document)
    if faults:
        raise Broken(faults)


def of_client(
    root: Root, client: str, lines: Iterable[ExchangeLine], rule: str, day: date
) -> Iterator[CashIn]:
    """What is to be reported of a client's invoices and was not; arguments are those of `due`.

    Raises:
      Broken: if records are not what was written.
    """
    known = {
        number: own
        for number, own in exchanges.by_number(lines).items()
        if any(line.code == lifecycle.DEPOSITED for line in own)
    }
    if not known:
        return
    for own in histories.by_client(root, [client], ""):
        for history in own:
            if about := known.get(history.invoice.number):
                yield from cash_ins.due(history, about, rule, day)


def record(books: ExchangeBooks, reports: Iterable[tuple[CashIn, bytes]]) -> list[Alert]:
    """Records what is to be reported, and keeps its messages.

    Returns:
      those that break a rule: they are not recorded, and do not leave.
    """
    facts: dict[str, list[Record]] = {}
    kept: dict[Path, bytes] = {}
    alerts = []
    held: set[str] = set()  # what follows one that is held would take its name
    for cash_in, xml in reports:
        if cash_in.number in held:
            continue
        if broken := cdar.verdicts(xml):
            held.add(cash_in.number)
            found = say(
                "would break {rules}",
                rules=tuple(say("{rule}: {text}", **rule._asdict()) for rule in broken),
            )
            remedy = say("nothing was sent; report it with this line")
            fault = Fault(cash_in.tracking_id, found, remedy=remedy)
            alerts.append(Alert("B-PLATFORM-MESSAGE", "", fault, cash_in.client))
            continue
        kept[exchanges.sent_path(books.root, cash_in.tracking_id)] = xml
        fact = cash_ins.record(cash_in, storage.sha256(xml))
        facts.setdefault(cash_in.client, []).append(fact)
    if facts:
        books.append(facts, kept)
    return alerts


def ready(books: ExchangeBooks, lines: Iterable[DepositRevenue], again: str = "") -> Iterator[Item]:
    """The messages that were recorded and that the platform has not answered.

    Args:
      lines: the records of the invoices that they are about.
      again: the tracking id of a refused one that is to be deposited once more.

    Raises:
      Broken: if a document is not what was issued.
    """
    by_number, known = {line.number: line for line in lines}, books.deposits()
    refused = books.refused()
    for client, own in books.lines.items():
        for line in own:
            if line.kind != CASH_IN:
                continue
            tracking_id = invoices.next_tracking_id(line.tracking_id, refused)
            before = known.get(tracking_id)
            is_new = before is None and line.tracking_id in known
            if (before and before.answers) or (is_new and line.tracking_id != again):
                continue
            document = _document(books.root, by_number[line.number])
            path = exchanges.sent_path(books.root, line.tracking_id)
            yield Item(
                owner=client,
                what=CASH_IN,
                number=line.number,
                tracking_id=tracking_id,
                name=path.name,
                syntax=CDAR,
                rule=invoices.processing_rule(document),
                sha256=line.sha256,
                content=partial(proofs.read, books.root, path, line.sha256, client),
            )


def _document(root: Root, line: DepositRevenue) -> Document:
    path = revenues.proof_path(root, revenues.DIRECT, line.client, line.number, "json")
    return from_json(proofs.read(root, path, line.document_sha256, line.client))
