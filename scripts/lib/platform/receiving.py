"""Receiving: the messages that a platform has for us, each once, kept as they came.

What concerns no document of ours, or cannot be read, is kept and recorded too, in the file of the
account's code: it would come again with every run, and a person may want to look at it. What could
not be read is asked for again by each run: a page of maintenance is not the status.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec

from lib.books import exchanges
from lib.books.record_lines import ExchangeLine
from lib.books.records import Record
from lib.core import alerts, storage
from lib.core.faults import Alert, Fault
from lib.core.messages import Message, say, verbatim
from lib.core.root import Root
from lib.platform import cdar
from lib.platform.exchange import SCRIPT, Exchange, ExchangeBooks
from lib.platform.flow_client import CDAR, Flow, Refusal, Unclear
from lib.platform.walking import Walk, utc, walk
from lib.values import money

_GROUP = 50  # messages that are recorded together
_MOST_ASKED_AGAIN = 100  # messages that could not be read
# A platform may show a flow later than another one that it updated after it.
_OVERLAP = timedelta(days=1)


def walked(exchange: Exchange, since: date) -> Walk:
    """What changed at the platform since the last message that is on record."""
    updates = [
        datetime.fromisoformat(line.updated)
        for lines in exchange.books.lines.values()
        for line in lines
        if line.kind == exchanges.STATUS
    ]
    first = datetime.combine(since, time(), UTC)
    found = walk(exchange.client, max([*updates, first]) - _OVERLAP)
    if found.stop:
        exchange.failed(found.stop)
    return found


def receive(
    exchange: Exchange, flows: list[Flow], clients: Mapping[str, str], code: str
) -> list[Alert]:
    """Fetches and records the messages among flows that are not on record yet.

    Args:
      flows: in order of their update.
      clients: the client of each document by number.
      code: of the account, whose file has what concerns none of them.

    Returns:
      what a person has to look at: messages that cannot be read.
    """
    said = [
        line
        for lines in exchange.books.lines.values()
        for line in lines
        if line.kind == exchanges.STATUS
    ]
    known = {line.flow_id for line in said}
    ours = {
        deposit.answers[-1].flow_id
        for deposit in exchange.books.deposits().values()
        if deposit.answers
    }
    new = [
        flow
        for flow in flows
        if flow.syntax == CDAR and not flow.is_ours and flow.flow_id not in known | ours
    ]
    notices: list[Alert] = []
    for start in range(0, len(new), _GROUP):
        if exchange.has_ended:
            break
        fetched: list[tuple[Flow, bytes]] = []
        for flow in new[start : start + _GROUP]:
            try:
                fetched.append((flow, exchange.client.original(flow.flow_id)))
            except Refusal as refusal:
                fetched.append((flow, refusal.body))
            except Unclear as stop:
                # What comes after it is not recorded: the next walk would begin behind it.
                exchange.failed(stop)
                exchange.has_ended = True
                break
        notices += _record(exchange.books, fetched, clients, code)
    if not exchange.has_ended:
        readable = list(_readable_now(exchange, said))
        _record(exchange.books, readable, clients, code)
    return notices


def _readable_now(exchange: Exchange, said: Iterable[ExchangeLine]) -> Iterator[tuple[Flow, bytes]]:
    """The messages that could not be read, and now can: a platform that is being looked after may
    have given a page of its own in the place of a status.

    Args:
      said: what it said before this run.
    """
    flows = {line.flow_id: line for line in said if not line.number}
    for line in said:
        if line.number:
            flows.pop(line.flow_id, None)
    for line in list(flows.values())[-_MOST_ASKED_AGAIN:]:
        moment = datetime.fromisoformat(line.updated)
        flow = Flow(line.flow_id, "", CDAR, False, moment, "", ())
        try:
            data = exchange.client.original(flow.flow_id)
            cdar.read(data)
        except (Refusal, ValueError):
            continue
        except Unclear as stop:
            exchange.failed(stop)
            return
        yield flow, data


def _record(
    books: ExchangeBooks, fetched: list[tuple[Flow, bytes]], clients: Mapping[str, str], code: str
) -> list[Alert]:
    facts: dict[str, list[Record]] = {}
    kept: dict[Path, bytes] = {}
    notices, said = [], list[tuple[str, Message]]()
    for flow, data in fetched:
        sha256 = storage.sha256(data)
        path = exchanges.received_path(books.root, sha256)
        kept[path] = data
        try:
            statuses = cdar.read(data)
        except ValueError as error:
            notices.append(_unreadable(books.root, path, error))
            facts.setdefault(code, []).append(_fact(code, flow, sha256))
            continue
        for status in statuses:
            owner = clients.get(status.number, code)
            facts.setdefault(owner, []).append(_fact(owner, flow, sha256, status))
            text = say("{number}: status {code}", number=status.number, code=status.code)
            said.append((owner, text))
    if facts:
        books.append(facts, kept)
    for owner, text in said:
        print(text)
        alerts.write_log(books.root.logs, owner, "INFO", SCRIPT, "I-PLATFORM-STATUS", str(text))
    return notices


def _fact(owner: str, flow: Flow, sha256: str, status: cdar.Status | None = None) -> Record:
    fact: Record = {
        "kind": exchanges.STATUS,
        "client": owner,
        "number": status.number if status else "",
        "code": status.code if status else "",
        "at": status.at if status else "",
        "updated": utc(flow.updated),
        "flow_id": flow.flow_id,
        "sha256": sha256,
    }
    if status and status.reasons:
        fact["reasons"] = [msgspec.to_builtins(reason._asdict()) for reason in status.reasons]
    if status and status.amounts:
        fact["amounts"] = [
            {**amount._asdict(), "amount": money.plain(amount.amount, 2)}
            for amount in status.amounts
        ]
    return fact


def _unreadable(root: Root, path: Path, error: ValueError) -> Alert:
    why = error.args[0] if error.args and isinstance(error.args[0], Message) else None
    found = say("is not a status that can be read: {why}", why=why or verbatim(str(error)))
    remedy = say("open it, and ask the platform what it is about")
    return Alert("I-PLATFORM-UNREADABLE", root.name_of(path), Fault("", found, remedy=remedy))
