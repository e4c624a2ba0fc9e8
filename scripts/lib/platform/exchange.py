"""One exchange with a platform: what waits is deposited, once; what was said of it is recorded.

Before a file is handed over its `deposit` is on record, after that its `answer`; the answers of a
group of files are recorded in one run with the deposits of the next group. Where there is a
`deposit` without an answer, the platform may have the file or not: it is asked by the tracking id
before the file is handed over again. Whoever exchanges holds a lock of its own, not the root's:
a platform that is slow keeps nobody waiting.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec

from lib.books import exchanges, issuing, lifecycle, records
from lib.books.exchanges import ACCEPTED, ACKNOWLEDGED, EXISTS, REFUSED, REJECTED, Deposit
from lib.books.record_lines import ExchangeLine
from lib.books.records import Record
from lib.core import alerts, lock
from lib.core.faults import Alert, Fault
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.platform.flow_client import CDAR, Flow, FlowClient, FlowReason, Info, Refusal, Unclear

SCRIPT = "exchange_with_platform.py"

_GROUP = 100  # deposits that are recorded together, before and after they are handed over
_MOST_FAILURES = 3  # one after the other, then the platform is left alone
_MOST_ASKED = 100  # flows that are asked for one by one
_ALREADY_THERE = "alreadyexistingflow"
_MANY = 10_000  # lines of a client
_CONFLICT = 409  # HTTP: the platform has it, or something like it
_DOWN, _SHUT = "B-PLATFORM-DOWN", "B-PLATFORM-LOGIN"


class Item(NamedTuple):
    """What is to be deposited.

    `owner` is the client, or the code of a report; `what` and `number` are those of
    exchanges.deposit; `syntax` and `rule` those of the norm (flowSyntax, processingRule); `content`
    gives the bytes, whose SHA-256 is `sha256`; `address` is that of the customer under 0225.
    """

    owner: str
    what: str
    number: str
    tracking_id: str
    name: str
    syntax: str
    rule: str
    sha256: str
    content: Callable[[], bytes]
    address: str = ""

    @property
    def info(self) -> Info:
        return Info(self.tracking_id, self.name, self.syntax, self.rule, self.sha256)


class _Answer(NamedTuple):
    """What came of handing something over."""

    outcome: str
    flow_id: str = ""
    reasons: tuple[FlowReason, ...] = ()


class ExchangeBooks:
    """The exchange records of an account, in step with what is appended to them: the lines about
    the documents that are open. Of others `recent` has the last statuses: when, by their flow."""

    def __init__(self, root: Root, wait: int):
        self.root = root
        self._wait = wait
        self.lines: dict[str, list[ExchangeLine]] = {}
        self.recent: dict[str, str] = {}
        self.reopened: dict[str, dict[str, set[str]]] = {}  # flows by owner and number
        self.appended = 0  # lines
        self._open: dict[str, set[str]] = {}
        self._ends: dict[str, records.Chain] = {}

    def read(self, owner: str) -> list[ExchangeLine]:
        """All lines of an owner, each of which is kept until `keep`.

        Raises:
          Broken: if they are not what was written.
        """
        lines = exchanges.read(self.root, owner)
        self.lines[owner] = lines
        self._ends[owner] = records.end_of(exchanges.chain_path(self.root, owner), lines)
        return lines

    def keep(self, owner: str, numbers: Set[str]) -> Iterator[ExchangeLine]:
        """Lets go of the lines about all documents but these; returns them."""
        groups = exchanges.by_number(self.lines.pop(owner))
        if numbers:
            self._open[owner] = set(numbers)
            own = (line for number in groups.keys() & numbers for line in groups[number])
            self.lines[owner] = sorted(own, key=lambda line: line.seq)
        else:
            del self._ends[owner]
        return (line for number in groups.keys() - numbers for line in groups[number])

    def has(self, owner: str, number: str, flow_id: str) -> bool:
        """Whether a status is on record, where that was not known before it was fetched: it is
        about a document that was settled, which is open from now on."""
        reopened = self.reopened.setdefault(owner, {})
        known = self._open.get(owner, set())
        if number not in known | reopened.keys():
            groups = exchanges.by_number(self.read(owner))
            is_long = len(self.lines[owner]) > _MANY  # and is not read again for the next one
            for name in groups.keys() - known if is_long else (number,):
                reopened[name] = {line.flow_id for line in groups.get(name, ())}
            self.keep(owner, known | reopened.keys())
        return flow_id in reopened.get(number, ())

    def deposits(self) -> dict[str, Deposit]:
        """The deposits by tracking id."""
        return {
            deposit.line.tracking_id: deposit
            for lines in self.lines.values()
            for deposit in exchanges.deposits(lines)
        }

    def refused(self) -> set[str]:
        """The tracking ids of what the platform refused."""
        return set().union(*map(refused, self.lines.values()))

    def append(
        self, facts: Mapping[str, list[Record]], proofs: Mapping[Path, bytes] | None = None
    ) -> dict[str, list[ExchangeLine]]:
        """Records facts by owner, with files that came, in one run; returns their lines."""
        with issuing.begin(self.root, SCRIPT.removesuffix(".py"), self._wait) as run:
            for path, data in (proofs or {}).items():
                run.stage_proof(path, data)
            for owner, some in facts.items():
                path = exchanges.chain_path(self.root, owner)
                # Reports are recorded by another command, meanwhile perhaps.
                if path.exists() and path.stat().st_size != self._ends[owner].length:
                    self.read(owner)
                run.append(self._ends[owner], some)
            run.commit()
        added = {}
        for owner, some in facts.items():
            end = self._ends[owner]
            new = records.extend(end, some)
            length = end.length + len(new.lines)
            self._ends[owner] = records.Chain(end.path, (), length, new.seq, new.hash)
            decode = msgspec.json.Decoder(ExchangeLine).decode
            added[owner] = [decode(line) for line in new.lines.splitlines()]
            self.lines[owner] += added[owner]
            self.appended += len(added[owner])
        return added


def refused(lines: Collection[ExchangeLine]) -> set[str]:
    """The tracking ids of what the platform refused, at once, later, or by a status (213), among
    the lines of one file."""
    rejected = {
        number
        for number, state in lifecycle.states(lines).items()
        if state.objection == lifecycle.REJECTED
    }
    return {
        deposit.line.tracking_id
        for deposit in exchanges.deposits(lines)
        if deposit.is_refused
        or (deposit.line.what != exchanges.CASH_IN and deposit.line.number in rejected)
    }


class Exchange:
    """A run with one platform: its client, its books, and what came of it.

    `failures` are why the platform was of no use, `refusals` what it will not have, `unreachable`
    what waits for its customer to stand in the directory.
    """

    def __init__(self, client: FlowClient, books: ExchangeBooks, day: date):
        self.client = client
        self.books = books
        self.failures: list[Alert] = []
        self.refusals: list[Alert] = []
        self.deposited = 0
        self.has_ended = False  # the platform is not to be asked anything more in this run
        self.unreachable: list[Alert] = []
        self._addresses: dict[str, bool] = {}  # whether the directory has them
        self._directory_failed = False
        self.day = day
        self._in_doubt: set[str] = set()  # what it may have or not, and could not be asked about
        self._in_a_row = 0

    def failed(self, stop: Unclear, in_a_row: int = _MOST_FAILURES) -> None:
        """Keeps why something could not be done; after so many such, the platform is left alone."""
        self.failures += (alert for alert in stop.alerts if alert not in self.failures)
        code = stop.alerts[0].code
        self.has_ended |= code == _SHUT or (code == _DOWN and in_a_row >= _MOST_FAILURES)
        self.has_ended |= in_a_row > _MOST_FAILURES

    def failed_once(self, stop: Unclear) -> None:
        """Keeps why a thing among several could not be done: the platform may do the next."""
        self._in_a_row += 1
        self.failed(stop, self._in_a_row)

    def succeeded(self) -> None:
        """The platform answers."""
        self._in_a_row = 0

    # --- depositing ----------------------------------------------------------------------

    def settle(self) -> None:
        """Asks the platform about each deposit without an answer."""
        doubtful = [deposit for deposit in self.books.deposits().values() if not deposit.answers]
        self._in_doubt = {deposit.line.tracking_id for deposit in doubtful}
        found: list[tuple[ExchangeLine, _Answer]] = []
        try:
            for deposit in doubtful:
                if flow := self._located(deposit.line.tracking_id):
                    found.append((deposit.line, _Answer(EXISTS, flow.flow_id)))
                self._in_doubt.remove(deposit.line.tracking_id)
        except Unclear as stop:
            self.failed(stop)
        self._record(found)

    def reachable(self, items: Iterable[Item]) -> list[Item]:
        """Those whose customer stands in the directory, where the account has one. What was handed
        over before is not held back, nor is anything by a directory that does not answer."""
        known = self.books.deposits()
        ready = []
        for item in items:
            if item.tracking_id in known or self._is_reachable(item.address):
                ready.append(item)
            else:
                self.unreachable.append(_unreachable(item))
        return ready

    def _is_reachable(self, address: str) -> bool:
        if not address or not self.client.has_directory or self._directory_failed:
            return True
        if address not in self._addresses:
            try:
                self._addresses[address] = self.client.is_in_directory(address)
            except Unclear as stop:
                self.failures += stop.alerts
                self._directory_failed = True
        return self._addresses.get(address, True)

    def deposit(self, items: Iterable[Item]) -> None:
        """Deposits what was not deposited yet, but nothing that is still in doubt."""
        known = self.books.deposits()
        waiting = [
            item
            for item in items
            if item.tracking_id not in known
            or not (known[item.tracking_id].answers or item.tracking_id in self._in_doubt)
        ]
        lines = {tracking_id: deposit.line for tracking_id, deposit in known.items()}
        answered: list[tuple[ExchangeLine, _Answer]] = []
        try:
            for start in range(0, len(waiting), _GROUP):
                group = waiting[start : start + _GROUP]
                new = [item for item in group if item.tracking_id not in known]
                before, answered = answered, []
                lines |= {line.tracking_id: line for line in self._record(before, new)}
                for item in group:
                    try:
                        answered.append((lines[item.tracking_id], self._attempt(item)))
                        self.succeeded()
                    except Unclear as stop:
                        self.failed_once(stop)
                        if self.has_ended:
                            return
        finally:
            self._record(answered)

    def _attempt(self, item: Item) -> _Answer:
        """Hands a file over. Where it is asked to wait, it is looked for before it goes again."""
        data = item.content()
        try:
            return self._sent(item, data)
        except Unclear as stop:
            if not self.client.waits(stop.wait):
                raise
        if flow := self._located(item.tracking_id):
            return _Answer(EXISTS, flow.flow_id)
        return self._sent(item, data)

    def _sent(self, item: Item, data: bytes) -> _Answer:
        try:
            return _Answer(ACCEPTED, self.client.send(item.info, data))
        except Refusal as refusal:
            is_duplicate = _is_duplicate(refusal.reasons)
            if not is_duplicate and refusal.status != _CONFLICT:
                return _Answer(REFUSED, "", refusal.reasons)
            reasons = refusal.reasons
        flow = self._located(item.tracking_id)
        if not flow and not is_duplicate:
            return _Answer(REFUSED, "", reasons)
        return _Answer(EXISTS, flow.flow_id if flow else "")

    def _located(self, tracking_id: str, but: str = "") -> Flow | None:
        """The flow that has a tracking id, one that is not in error where there are several.

        A status may bear the tracking id of the invoice that it is about: it is not the deposit.
        """
        cursor, found = "", list[Flow]()
        for _ in range(10):
            page = self.client.search({"trackingId": tracking_id}, cursor=cursor)
            found += (
                flow
                for flow in page.flows
                if flow.tracking_id == tracking_id
                and flow.flow_id != but
                and (flow.is_ours or flow.syntax != CDAR)
            )
            if found or not page.cursor or page.cursor == cursor:
                break
            cursor = page.cursor
        return min(found, key=lambda flow: flow.acknowledgement == "Error", default=None)

    # --- acknowledgements ----------------------------------------------------------------

    def acknowledge(self, flows: Iterable[Flow]) -> None:
        """Records what the platform says of deposits that it took, of `flows` or asked for."""
        pending = [deposit for deposit in self.books.deposits().values() if deposit.pending_flow]
        known = {flow.flow_id: flow for flow in flows}
        found: list[tuple[ExchangeLine, _Answer]] = []
        asked = 0
        for deposit in pending:
            flow = known.get(deposit.pending_flow)
            try:
                if (flow is None or flow.acknowledgement == "Pending") and asked < _MOST_ASKED:
                    asked += 1
                    flow = self._asked(deposit.pending_flow)
                if flow and (answer := self._acknowledged(deposit, flow)):
                    found.append((deposit.line, answer))
                self.succeeded()
            except Unclear as stop:
                self.failed_once(stop)
                if self.has_ended:
                    break
        self._record(found)

    def _asked(self, flow_id: str) -> Flow | None:
        try:
            return self.client.metadata(flow_id)
        except Refusal:
            return None

    def _acknowledged(self, deposit: Deposit, flow: Flow) -> _Answer | None:
        if flow.acknowledgement == "Ok":
            return _Answer(ACKNOWLEDGED, flow.flow_id)
        if flow.acknowledgement != "Error":
            return None
        if not _is_duplicate(flow.reasons):
            return _Answer(REJECTED, flow.flow_id, flow.reasons)
        other = self._located(deposit.line.tracking_id, flow.flow_id)
        return _Answer(EXISTS, other.flow_id if other else "")

    # --- records -------------------------------------------------------------------------

    def _record(
        self, answered: list[tuple[ExchangeLine, _Answer]], items: Iterable[Item] = ()
    ) -> list[ExchangeLine]:
        """Records answers, and says them, with what is about to be handed over, in one run.

        Returns:
          the lines of what is about to be handed over.
        """
        facts: dict[str, list[Record]] = {}
        owners = {line.hash: owner for owner, lines in self.books.lines.items() for line in lines}
        for line, answer in answered:
            reasons = [reason._asdict() for reason in answer.reasons]
            fact = exchanges.answer(line, answer.outcome, self.day, answer.flow_id, reasons)
            facts.setdefault(owners[line.hash], []).append(fact)
        for item in items:
            facts.setdefault(item.owner, []).append(self._deposit(item))
        added = self.books.append(facts) if facts else {}
        for line, answer in answered:
            self._say(line, answer)
        own = (line for lines in added.values() for line in lines)
        return [line for line in own if line.kind == exchanges.DEPOSIT]

    def _deposit(self, item: Item) -> Record:
        return exchanges.deposit(
            item.owner,
            item.what,
            item.number,
            item.tracking_id,
            item.name,
            item.sha256,
            self.day,
        )

    def _say(self, line: ExchangeLine, answer: _Answer) -> None:
        name = typed_name(line) or line.name
        if answer.outcome in (REFUSED, REJECTED):
            self.refusals.append(refusal(line, answer.outcome, answer.reasons))
            return
        if answer.outcome == ACKNOWLEDGED:
            text = say("{name}: the platform has checked it", name=name)
        elif answer.outcome == EXISTS:
            text = say("{name}: the platform has it already", name=name)
        else:
            text = say("{name}: deposited", name=name)
        self.deposited += answer.outcome != ACKNOWLEDGED
        print(text)
        logs = self.books.root.logs
        alerts.write_log(logs, line.client, "INFO", SCRIPT, "I-PLATFORM-DEPOSITED", str(text))


def typed_name(line: ExchangeLine) -> str:
    """What a person calls what was deposited: a document by its number, a 212 by its own name."""
    return line.name.removesuffix(".xml") if line.what == exchanges.CASH_IN else line.number


def refusal(line: ExchangeLine, outcome: str, reasons: Iterable[FlowReason]) -> Alert:
    """A deposit that the platform will not have, at once or once it had checked it."""
    whys = tuple(verbose for reason in reasons if (verbose := _reason(reason)))
    found = say("the platform refuses it: {reasons}", reasons=whys or say("it says no reason"))
    if outcome == REJECTED:
        found = say("the platform rejects it: {reasons}", reasons=whys or say("it says no reason"))
    remedy = say("what is not deposited again waits for ever")
    if line.number:
        remedy = say(
            "correct the cause, then `make platform INVOICE={number}` deposits it again; or cancel"
            " it by `make credit-note` and invoice it again",
            number=line.number,
        )
    if line.what == exchanges.CASH_IN:
        name = typed_name(line)
        remedy = say(
            "correct the cause, then `make platform INVOICE={name}` reports it again", name=name
        )
    fault = Fault(typed_name(line) or line.name, found, remedy=remedy)
    return Alert("B-PLATFORM-REFUSED", "", fault, line.client)


def _unreachable(item: Item) -> Alert:
    found = say(
        'its customer is not in the directory under "{address}": it waits', address=item.address
    )
    remedy = say(
        "it goes by itself once the customer is; if its address is another one, cancel it by"
        " `make credit-note INVOICE={number} REASON=...`, write that into electronic_address, and"
        " invoice it again",
        number=item.number,
    )
    return Alert("I-PLATFORM-DIRECTORY", "", Fault(item.number, found, remedy=remedy), item.owner)


def _reason(reason: FlowReason) -> Message | None:
    parts = [part for part in reason if part]
    return say("{text}", text=" ".join(parts)) if parts else None


def _is_duplicate(reasons: tuple[FlowReason, ...]) -> bool:
    """Whether all that a platform has against a file is that it has it already."""
    return bool(reasons) and all(reason.code.lower() == _ALREADY_THERE for reason in reasons)


@contextmanager
def locked(root: Root, wait: int) -> Iterator[None]:
    """Whoever exchanges is alone: two at once never deposit the same.

    Raises:
      Unavailable: if another one does, and does not end within `wait` seconds.
    """
    with lock.exclusive(root, SCRIPT, wait, exchanges.folder(root) / ".lock"):
        yield
