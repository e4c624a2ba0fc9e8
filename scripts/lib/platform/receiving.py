"""Receiving: the messages that a platform has for us, each once, kept as they came.

What concerns no document of ours, or cannot be read, is kept and recorded too, in the file of the
account's code: it would come again with every run, and a person may want to look at it. What could
not be read is asked for again by each run: a page of maintenance is not the status.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
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
_MOST_MISSING = 2  # of these, without an answer
# A platform may show a flow later than another one that it updated after it.
_OVERLAP = timedelta(days=1)
_AHEAD = timedelta(days=2)  # the whole day of a run, in whatever zone, and a clock that is fast


def walked(exchange: Exchange, since: date) -> Walk:
    """What changed at the platform since the last message that is on record."""
    updates = [
        datetime.fromisoformat(line.updated)
        for lines in exchange.books.lines.values()
        for line in lines
        if line.kind == exchanges.STATUS
    ]
    updates += map(datetime.fromisoformat, exchange.books.recent.values())
    first = datetime.combine(since, time(), UTC)
    last = max([first, *(update for update in updates if update < _now(exchange.day))])
    found = walk(exchange.client, last - _OVERLAP)
    if found.stop:
        exchange.failed(found.stop)
    return found


def _now(day: date) -> datetime:
    """What is later is of a wrong clock: what comes after it would be missed."""
    return datetime.combine(day, time(), UTC) + _AHEAD


def recent(moments: Mapping[str, str], day: date) -> dict[str, str]:
    """Those of the statuses of settled documents that the next walk may meet again, by flow.

    Args:
      moments: of the updates of all of them.
    """
    now, first = utc(_now(day)), utc(datetime.min.replace(tzinfo=UTC) + _OVERLAP)
    last = max([first, *(update for update in moments.values() if update < now)])
    start = utc(datetime.fromisoformat(last) - _OVERLAP)
    return {flow_id: update for flow_id, update in moments.items() if update >= start}


def receive(
    exchange: Exchange,
    flows: list[Flow],
    clients: Callable[[], Mapping[str, str]],
    code: str,
) -> list[Alert]:
    """Fetches and records the messages among flows that are not on record yet.

    Args:
      flows: in order of their update.
      clients: gives the client of each document by number, as soon as there is a message.
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
    known = {line.flow_id for line in said} | exchange.books.recent.keys()
    known |= {
        deposit.answers[-1].flow_id
        for deposit in exchange.books.deposits().values()
        if deposit.answers
    }
    new = [
        flow
        for flow in flows
        if flow.syntax == CDAR and not flow.is_ours and flow.flow_id not in known
    ]
    notices: list[Alert] = []
    fetched = _fetched(exchange, new)
    while group := list(islice(fetched, _GROUP)):
        notices += _record(exchange.books, group, clients(), code)
    if not exchange.has_ended and (group := list(_readable_now(exchange, said))):
        _record(exchange.books, group, clients(), code)
    return notices


def _fetched(exchange: Exchange, flows: Iterable[Flow]) -> Iterator[tuple[Flow, bytes]]:
    """Flows with their messages, up to the last that could be had.

    One that cannot be had although a later one can is empty, and asked for again by each run: it
    keeps neither what follows nor deposits from going on. What comes after the last that could be
    had is not recorded: the next walk begins before it.
    """
    missed: list[Flow] = []
    for flow in flows:
        try:
            data = _message(exchange, flow)
        except Unclear as stop:
            exchange.failed_once(stop)
            if exchange.has_ended:
                return
            missed.append(flow)
            continue
        exchange.succeeded()
        for before in missed:
            try:
                yield before, _message(exchange, before)
            except Unclear:
                yield before, b""
        missed = []
        yield flow, data


def _message(exchange: Exchange, flow: Flow) -> bytes:
    try:
        return exchange.client.original(flow.flow_id)
    except Refusal as refusal:
        return refusal.body


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
    missing = 0
    for line in list(flows.values())[-_MOST_ASKED_AGAIN:]:
        moment = datetime.fromisoformat(line.updated)
        flow = Flow(line.flow_id, "", CDAR, False, moment, "", ())
        try:
            data = exchange.client.original(flow.flow_id)
            cdar.read(data)
        except (Refusal, ValueError):
            continue
        except Unclear:
            missing += 1  # it was reported when it came
            if missing > _MOST_MISSING:
                return
            continue
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
        try:
            statuses = cdar.read(data)
        except ValueError as error:
            notices.append(_unreadable(books.root, path, error))
            kept[path] = data
            facts.setdefault(code, []).append(_fact(code, flow, sha256))
            continue
        for status in statuses:
            owner = clients.get(status.number, code)
            if owner != code and books.has(owner, status.number, flow.flow_id):
                continue
            kept[path] = data
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
