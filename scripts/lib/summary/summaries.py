"""Summaries: what is reported to the operator after a run, and how it reaches them.

What was recorded is read from the records themselves, beyond the heads that the last summary
knew: it does not matter which command recorded it, nor how that ended.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from lib.books import (
    balances,
    closed_periods,
    closings,
    exchanges,
    heads,
    histories,
    issuing,
    lifecycle,
    openings,
    payments,
    records,
    reports,
    revenues,
)
from lib.books.heads import Head
from lib.books.record_lines import BalancePayment, DatedRevenue, NoticeRevenue, SummaryLine
from lib.core import alerts, flags, lock, storage
from lib.core.faults import (
    Alert,
    Broken,
    Fault,
    Refused,
    Stop,
    Unavailable,
    at_line,
    collecting,
    printable,
)
from lib.core.messages import Message, counted, say
from lib.core.root import Root
from lib.inputs import inputs, settings
from lib.mail import mime, outbox
from lib.mail.mime import Attachment, Letter
from lib.mail.outbox import Due
from lib.summary import last_summary, notices
from lib.summary.last_summary import EndedRun, LastSummary
from lib.values import money, periods

_ISSUED = {
    revenues.DIRECT.records: say("issued:"),
    revenues.BATCH.records: say("issued in the name of batch clients:"),
}


class ClientSum(NamedTuple):
    """Records of one client in one currency: how many, their numbers, what they come to."""

    lines: int = 0
    first: str = ""
    last: str = ""
    net: Decimal = money.ZERO
    vat: Decimal = money.ZERO
    gross: Decimal = money.ZERO


Recorded = dict[tuple[str, str], ClientSum]  # by client and currency


class Summary(NamedTuple):
    """What there is to report of a run.

    `heads` are those of all record files, `reached` those that the summary covers, by file;
    `recorded` is what each family of records got since the last summary, by client and
    currency; there was none before if `is_first`; `new` are the notices not yet reported;
    `closed` says up to which day the books are closed, and which months could be.
    """

    run: EndedRun
    is_first: bool
    heads: list[Head]
    reached: dict[str, Head]
    recorded: dict[str, Recorded]
    wrong: list[Alert]
    notices: list[Alert]
    new: list[Alert]
    closed: Message | None = None

    @property
    def is_news(self) -> bool:
        return bool(self.wrong or self.new or any(self.recorded.values()))

    @property
    def level(self) -> str:
        return "ERROR" if self.wrong else "INFO"

    @property
    def outcome(self) -> Message:
        """A run in one line: "month 2026-10: 13 issued, 2 mails sent, 1 to decide"."""
        lines = {
            family: sum(part.lines for part in recorded.values())
            for family, recorded in self.recorded.items()
        }
        parts = (
            [say("failed in {phase}", phase=flags.step(self.run.failed))] if self.run.failed else []
        )
        if number := lines.get("revenues"):
            parts.append(say("{number} issued", number=number))
        if number := lines.get("revenues_batch"):
            parts.append(say("{number} issued in the name of batch clients", number=number))
        if number := lines.get("payments"):
            parts.append(counted(number, "1 payment recorded", "{number} payments recorded"))
        if number := lines.get("quotations"):
            issued = counted(
                number, "1 quote issued or answered", "{number} quotes issued or answered"
            )
            parts.append(issued)
        if number := lines.get("outbox"):
            parts.append(counted(number, "1 mail sent", "{number} mails sent"))
        if self.wrong:
            parts.append(say("{number} refused or wrong", number=len(self.wrong)))
        if self.notices:
            parts.append(say("{number} to decide", number=len(self.notices)))
        return say("{run}: {parts}", run=self.run.name, parts=tuple(parts))


# --- reading -------------------------------------------------------------------------


def read(root: Root, run: EndedRun, before: LastSummary) -> Summary:
    """The summary of a run; whatever cannot be read is one more thing that is wrong."""
    summary = Summary(run, not before.heads, [], dict(before.heads), {}, [], [], [])
    wait = 0
    closed: Message | None = None
    with _gathering(summary.wrong):
        waited = any(alert.code == "B-LOCK-HELD" for alert in run.alerts)
        wait = 0 if waited else settings.load(root).lock_wait
    with _gathering(summary.wrong), lock.shared(root, wait):
        stopped = issuing.stopped_runs(root)
        if stopped:
            text = say("a run was stopped half-way: {command}", command=stopped[0])
            fault = Fault("", text, remedy=say("the next run finishes it"))
            summary.wrong.append(Alert("B-RUN-STOPPED", "data/pending", fault))
        summary.heads.extend(heads.read(root))
        _read_on(root, summary, before)
        past = _read_past(root, run.today)
        closed = _closed(root, past, run.today)
        summary.notices.extend(_observe(root, run, past))
    summary.notices.extend(_of_machine(root))
    wrong = _unique(run.alerts + summary.wrong, "B-")
    if run.failed and not wrong:
        wrong = [_unexplained(run.failed)]
    notices = _unique(run.alerts + summary.notices, "I-")
    new = [notice for notice in notices if str(notice) not in before.notices]
    return summary._replace(wrong=wrong, notices=notices, new=new, closed=closed)


def _closed(root: Root, past: "_Past", today: date) -> Message | None:
    """What `make status` says of closing; nothing where there are no records.

    Raises:
      Broken: if the closings are not what was written.
    """
    if past.first is None:
        return None
    return closings.state(closed_periods.read(root), closings.open_months(root, today))


@contextmanager
def _gathering(wrong: list[Alert]) -> Iterator[None]:
    """Adds what stops a part of the summary to what it reports, and goes on."""
    try:
        yield
    except Stop as stop:
        wrong += stop.alerts
    except OSError as error:
        wrong.append(
            alerts.of_machine(error, say("run `make status`: the summary could not read it"))
        )


def _read_on(root: Root, summary: Summary, before: LastSummary) -> None:
    """What was recorded since; a file that cannot be read is reported when it can be again."""
    for name in sorted(before.heads.keys() - {head.file for head in summary.heads}):
        text = say("is missing, and the last summary covered it")
        fault = Fault("", text, remedy=say("restore it from a backup"))
        summary.wrong.append(Alert("B-WITNESS", name, fault))
        del summary.reached[name]
    for head in summary.heads:
        known = before.heads.get(head.file, Head(head.file, 0, records.GENESIS))
        if known == head:
            continue
        with _gathering(summary.wrong):
            path, first = root.path / head.file, known.seq
            new, is_covered = _beyond(root, path, known)
            if first and not is_covered:
                text = say("is not the line that the last summary covered: the chain was rebuilt")
                summary.wrong.append(Alert("B-WITNESS", head.file, Fault(at_line(first), text)))
                new, _ = _beyond(root, path, Head(head.file, 0, records.GENESIS))
            _add(summary.recorded.setdefault(path.parent.name, {}), new)
            summary.reached[head.file] = head


def _beyond(root: Root, path: Path, known: Head) -> tuple[list[SummaryLine], bool]:
    """The lines of a record file after the one that is known, and whether that one is there."""
    # A summary that was sent is a record too, and where a sequence begins; not news.
    silent = (outbox.SUMMARY, "sequence")
    new: list[SummaryLine] = []
    is_covered = False
    for line in records.read_typed(root, path, SummaryLine):
        if line.seq == known.seq:
            is_covered = line.hash == known.hash
        elif line.seq > known.seq and line.kind not in silent:
            new.append(line)
    return new, is_covered


def _add(recorded: Recorded, lines: Iterable[SummaryLine]) -> None:
    """Counts records of a family; credit notes count below 0."""
    for line in lines:
        key = line.client, line.currency
        part = recorded.get(key, ClientSum())
        sign = -1 if line.kind == "credit_note" else 1
        net, vat, gross = (
            money.total((sum_, sign * amount))
            for sum_, amount in (
                (part.net, line.net),
                (part.vat, line.vat),
                (part.gross, line.gross),
            )
        )
        numbers = part.first or line.number, line.number
        recorded[key] = ClientSum(part.lines + 1, *numbers, net, vat, gross)


def _observe(root: Root, run: EndedRun, past: "_Past") -> Iterator[Alert]:
    """What inputs and records say beside the run.

    Raises:
      Refused, Broken: if they cannot be read.
    """
    yield from notices.clock(past.newest, run.today)
    yield from past.overdue
    yield from past.on_platform
    loaded = inputs.load(root)
    clients = [client_file.client for client_file in loaded.clients.values()]
    yield from notices.without_email(clients)
    yield from notices.plans_ending(clients, run.today)
    yield from notices.turnover(loaded.issuer.issuer, past.sold, run.today.year)
    own = exchanges.read(root, loaded.issuer.issuer.code)
    yield from notices.reports_due(reports.due(loaded.issuer.issuer, own, run.today))
    yield from notices.batches_missing(loaded, past.batches, run.today)
    if run.month:
        # A month that is not over cannot be invoiced yet.
        until = min(run.month, periods.month_of(run.today))
        yield from notices.months_not_run(
            clients, loaded.usage, loaded.index_values, past.months, until
        )
        yield from notices.indices_needed(clients, loaded.index_values, run.month)


class _Past(NamedTuple):
    """What a summary needs of all records: the day of the first invoice, the newest date, what was
    sold this year by nature, the months that were invoiced, those of each batch client, what is
    overdue, and what became of invoices on the platform."""

    first: date | None
    newest: date | None
    sold: dict[str, Decimal]
    months: set[str]
    batches: dict[str, set[str]]
    overdue: list[Alert]
    on_platform: list[Alert]


def _read_past(root: Root, today: date) -> _Past:
    """Looks through all records, those of one client at a time.

    Raises:
      Broken: with every disagreement found.
    """
    first, newest = date.max, date.min
    sold = {"services": money.ZERO, "goods": money.ZERO}
    past = _Past(None, None, sold, set(), {}, [], [])
    faults: list[Alert] = []
    for client in histories.clients_of(root):
        with collecting(faults):
            path = revenues.chain_path(root, revenues.DIRECT, client)
            issued = list(records.read_typed(root, path, NoticeRevenue))
            paid = list(records.read_typed(root, payments.chain_path(root, client), BalancePayment))
            opened = openings.read(root, client)
            invoices = balances.of_client(balances.Lines(issued, paid, opened))
            past.overdue.extend(notices.overdue(invoices, today))
            states = lifecycle.states(exchanges.read(root, client))
            past.on_platform.extend(notices.of_platform(client, states, invoices))
            newest = max([newest, *(move.date for move in paid)])
            for line in issued:
                if not line.order:
                    past.months.add(line.month)
                first, newest = min(first, line.issue_date), max(newest, line.issue_date)
                if line.issue_date.year == today.year:
                    sign = -1 if line.corrects else 1
                    for share in line.breakdown:
                        sold[share.nature] += sign * share.net
    for client in revenues.owners(root, revenues.BATCH):
        path = revenues.chain_path(root, revenues.BATCH, client)
        with collecting(faults):
            states = lifecycle.states(exchanges.read(root, client))
            past.on_platform.extend(notices.of_platform(client, states, ()))
            for batch in records.read_typed(root, path, DatedRevenue):
                past.batches.setdefault(client, set()).add(batch.month)
                first, newest = min(first, batch.issue_date), max(newest, batch.issue_date)
    if faults:
        raise Broken(faults)
    return past._replace(
        first=None if first == date.max else first,
        newest=None if newest == date.min else newest,
    )


def _of_machine(root: Root) -> Iterator[Alert]:
    """What the machine says: its disk, and who may read .env."""
    disk = shutil.disk_usage(root.path)
    yield from notices.disk(str(root.path), disk.used, disk.used + disk.free)
    if root.env.exists():
        yield from settings.mode_notices(root.env.stat().st_mode)


def _unique(raised: Iterable[Alert], kind: str) -> list[Alert]:
    """The alerts of a kind ("B-" or "I-"), each once, also where a phase words it otherwise."""
    first: dict[tuple[str, ...], Alert] = {}
    for alert in raised:
        if alert.code.startswith(kind):
            same = (str(alert),) if kind == "B-" else (alert.code, alert.file, alert.place)
            first.setdefault(same, alert)
    return list(first.values())


def _unexplained(step: str) -> Alert:
    """A step that failed without an alert: it was killed, or never started."""
    text = say("ended with an error that it could not explain")
    remedy = say("run it again and read what it says")
    return Alert("B-PHASE", "", Fault(str(say("phase {phase}", phase=step)), text, remedy=remedy))


# --- reporting -----------------------------------------------------------------------


def report(root: Root, summary: Summary, script: str) -> None:
    """The summary on stderr and, where the run has not logged it itself, in the log."""
    last_summary.log_outcome(root, summary.level, summary.outcome)
    on_screen = {str(alert) for alert in summary.run.alerts}
    for alert in (*summary.wrong, *summary.new):
        if str(alert) not in on_screen:
            alerts.log(root.logs, script, alert)
    print(text_of(summary, on_screen), file=sys.stderr, end="", flush=True)


def text_of(summary: Summary, on_screen: Set[str] = frozenset()) -> str:
    """The summary as the mail has it; stderr does without the alerts that the run said there."""
    lines: list[Message | str] = ["", summary.outcome]
    if summary.is_first and any(summary.recorded.values()):
        lines.append(say("no earlier summary is known: everything since the beginning is reported"))
    for family, recorded in summary.recorded.items():
        if recorded and family in _ISSUED:
            lines += ["", _ISSUED[family], *_issued_lines(recorded)]
    for title, section in (
        (say("refused or wrong:"), summary.wrong),
        (say("to decide:"), summary.notices),
    ):
        unsaid = [f"  {alert} [{alert.code}]" for alert in section if str(alert) not in on_screen]
        if unsaid:
            lines += ["", title, *unsaid]
    if summary.closed:
        lines += ["", say("books closed: {closed}", closed=summary.closed)]
    if summary.heads:
        digest = storage.sha256(heads.witness(summary.heads).encode())
        files = counted(len(summary.heads), "1 record file", "{number} record files")
        lines += ["", say("heads of {files}: SHA-256 {digest}", files=files, digest=digest)]
    return "".join(f"{line}\n" for line in lines)


def _issued_lines(recorded: Recorded) -> Iterator[Message]:
    """A line for each client: its documents and what they come to; and one with the totals."""
    for (client, currency), part in recorded.items():
        numbers = say("{number}", number=part.first)
        if part.lines > 1:
            numbers = say(
                "{count} documents, {first} to {last}",
                count=part.lines,
                first=part.first,
                last=part.last,
            )
        yield say(
            "  {client}: {numbers}: {sums} {currency}",
            client=client,
            numbers=numbers,
            sums=_sums([part]),
            currency=currency,
        )
    for currency in sorted({currency for _, currency in recorded}):
        parts = [part for (_, each), part in recorded.items() if each == currency]
        total = sum(part.lines for part in parts)
        yield say(
            "  total: {documents}: {sums} {currency}",
            documents=counted(total, "1 document", "{number} documents"),
            sums=_sums(parts),
            currency=currency,
        )


def _sums(parts: list[ClientSum]) -> Message:
    """ "net 64.00, VAT 12.80, gross 76.80"."""
    return say(
        "net {net}, VAT {vat}, gross {gross}",
        net=money.shown(money.total(part.net for part in parts), 2),
        vat=money.shown(money.total(part.vat for part in parts), 2),
        gross=money.shown(money.total(part.gross for part in parts), 2),
    )


# --- sending -------------------------------------------------------------------------


def send(root: Root, summary: Summary, before: LastSummary, sight: str, script: str) -> None:
    """Mails the summary to ALERT_TO, or to the issuer's own address, and notes what it reports.

    With it go the summaries that wait from before. It counts as reported once it lies in the
    outbox, or stands on stderr where no address is known.

    Args:
      sight: what the house looks like, if there is nothing left to report afterwards.

    Raises:
      Unavailable: if the server cannot take it now; it waits in data/outbox/.
    """
    try:
        config = settings.load(root)
        to = config.mail.alert_to or tuple(inputs.load_issuer(root).party.email)
    except Refused:
        # Not noted: the next summary that can be mailed says all of it again.
        print(say("the summary is not mailed: no address can be read"), file=sys.stderr)
        return
    notices = before.notices
    if summary.is_news:
        notices = frozenset(map(str, summary.notices))
    after = LastSummary(summary.reached, notices, "" if summary.wrong else sight)
    day = summary.run.today
    if not (summary.is_news or (config.mail.host and outbox.waiting(root, outbox.SUMMARY))):
        # While another one sends, it is left to the next look.
        with suppress(Unavailable), outbox.opened(root, script, config._replace(lock_wait=0), day):
            last_summary.write(root, after)
        return
    with outbox.opened(root, script, config, day) as box:
        if summary.is_news and to:
            _write(root, summary, box, config.mail.sender or to[0], to)
        elif summary.is_news:
            text = say("the summary is not mailed: no address is known (ALERT_TO in .env)")
            print(text, file=sys.stderr)
        last_summary.write(root, after._replace(sight=""))
        box.deliver_summaries()
        box.report()
        last_summary.write(root, after)


def _write(
    root: Root, summary: Summary, box: outbox.Outbox, sender: str, to: tuple[str, ...]
) -> None:
    """Puts the summary into the outbox, unless one that says the same waits, or went today."""
    witness = heads.witness(summary.heads)
    day = summary.run.today.isoformat()
    letter = Letter(
        sender_name="",
        sender=sender,
        reply_to="",
        to=to,
        cc=(),
        subject=printable(str(summary.outcome)),
        text=f"{day}\n{text_of(summary)}",
        attachments=(Attachment("heads.txt", "text/plain", witness.encode()),),
    )
    digest = outbox.summary_digest(letter)
    name = outbox.mail_name(outbox.SUMMARY, day, digest)
    waits = any(path.stem.endswith(digest) for path in outbox.waiting(root, outbox.SUMMARY))
    if not waits and name not in outbox.read_sent(root):
        box.write(Due(name, outbox.SUMMARY, "", {}, to, lambda: mime.to_bytes(letter, name)))
