#!/usr/bin/env python3
"""Tells the operator what a run of `make month` came to: on stderr, in the log, by mail.

What was issued, what was refused, what needs a decision, and a witness: the heads of the
records. What was issued is told by the records themselves, compared with the heads that
they had when the run began. A run that did nothing and found nothing new says nothing.
"""

import json
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import NamedTuple

from lib import (
    alerts,
    balances,
    cli,
    heads,
    inputs,
    issuing,
    lock,
    mail,
    money,
    observations,
    outbox,
    payments,
    records,
    revenues,
    settings,
    storage,
)
from lib.alerts import Alert, Refused, Stop
from lib.heads import Head
from lib.mail import Attachment
from lib.records import Record
from lib.root import Root
from lib.settings import Settings

_SCRIPT = "send_alerts.py"
_KIND = "summary"


class House(NamedTuple):
    """What the summary knows of the root when the phases have ended."""

    heads: list[Head]
    recorded: dict[str, list[Record]]  # by family: what the run added to its files
    wrong: list[Alert]
    notices: list[Alert]


def main(arguments: Namespace, root: Root) -> None:
    """Looks at the root, and tells where there is something to tell."""
    said = alerts.noted(arguments.run / "alerts")
    house = look(root, arguments, said)
    wrong = unique(said + house.wrong, "B-")
    if arguments.failed and not wrong:
        wrong = [unexplained(arguments.failed)]
    notices = unique(said + house.notices, "I-")
    new = [notice for notice in notices if str(notice) not in told(root)]
    outcome = outcome_of(arguments, house, wrong, new)
    level = "ERROR" if arguments.failed or wrong else "INFO"
    alerts.write_log(root.logs, "", level, _SCRIPT, "I-RUN", outcome)
    if not (arguments.failed or wrong or new or any(house.recorded.values())):
        print(outcome)
        used = settings.load(root)
        if used.mail.host and waiting(root):
            deliver(root, used, arguments.today)
        # What the phases said is of no interest either where Make keeps it back (QUIET).
        (arguments.run / "said").unlink(missing_ok=True)
        return
    already_said = {str(alert) for alert in said}
    log([alert for alert in (*wrong, *new) if str(alert) not in already_said], root)
    text = summary(outcome, house, wrong, notices)
    print(text, file=sys.stderr, end="")
    storage.update_derived(told_path(root), told_bytes(notices))
    send(root, arguments, outcome, text, house.heads)


# --- looking -------------------------------------------------------------------------


def look(root: Root, arguments: Namespace, said: list[Alert]) -> House:
    """The root as it stands; whatever cannot be read is one more thing that is wrong."""
    house = House([], {}, [], [])
    wait = 0
    with gathering(house.wrong):
        waited = any(alert.code == "B-LOCK-HELD" for alert in said)
        wait = 0 if waited else settings.load(root).lock_wait
    with gathering(house.wrong), lock.shared(root, wait):
        stopped = issuing.stopped_runs(root)
        if stopped:
            text = f"a run was stopped half-way: {stopped[0]}; the next run finishes it"
            house.wrong.append(Alert("B-RUN-STOPPED", "data/pending", "", text))
        house.heads.extend(heads.read(root, heads.folder(root)))
        then = {head.file: head.seq for head in heads.read(root, arguments.run / "heads")}
        for head in house.heads:
            before = then.get(head.file, 0)
            if head.seq > before:
                path = root.path / head.file
                new = records.read(root, path).records[before:]
                house.recorded.setdefault(path.parent.name, []).extend(new)
        house.notices.extend(observe(root, arguments))
    house.notices.extend(of_machine(root))
    return house


@contextmanager
def gathering(wrong: list[Alert]) -> Iterator[None]:
    """Adds what stops a part of the summary to what it tells, and goes on."""
    try:
        yield
    except Stop as stop:
        wrong += stop.alerts
    except OSError as error:
        text = f"{error.strerror or error}; the summary could not read it"
        wrong.append(Alert("B-ENVIRONMENT", str(error.filename or ""), "", text))


def observe(root: Root, arguments: Namespace) -> Iterator[Alert]:
    """What inputs and records say beside the run.

    Raises:
      Refused, Broken: if they cannot be read.
    """
    direct, batch = revenues.read(root, revenues.DIRECT), revenues.read(root, revenues.BATCH)
    paid = payments.read(root)
    today = arguments.today
    every = [*direct.values(), *batch.values(), *paid.values()]
    yield from observations.clock(observations.newest(every), today)
    yield from observations.overdue(balances.read_all(root), today)
    given = inputs.load(root)
    clients = [one.client for one in given.clients.values()]
    facts = [fact for chain in direct.values() for fact in chain.records]
    yield from observations.without_email(clients)
    yield from observations.turnover(given.issuer.issuer, facts, today.year)
    yield from observations.batches_missing(given, batch, today)
    if arguments.month:
        until = arguments.month
        yield from observations.months_not_run(clients, given.usage, direct.values(), until)


def of_machine(root: Root) -> Iterator[Alert]:
    """What the machine says: its disk, and who may read .env."""
    used = shutil.disk_usage(root.path)
    yield from observations.disk(str(root.path), used.used, used.used + used.free)
    if root.env.exists():
        yield from observations.settings_mode(root.env.stat().st_mode)


def unique(found: Iterable[Alert], kind: str) -> list[Alert]:
    """The alerts of a kind ("B-" or "I-"), each once, also where a phase words it otherwise."""
    first: dict[tuple[str, ...], Alert] = {}
    for alert in found:
        if alert.code.startswith(kind):
            same = (str(alert),) if kind == "B-" else (alert.code, alert.file, alert.place)
            first.setdefault(same, alert)
    return list(first.values())


def unexplained(phase: str) -> Alert:
    """A phase that ended in a way of which no alert speaks: killed, or never begun."""
    text = "ended with an error that it could not explain; run it again and read what it says"
    return Alert("B-PHASE", "", f"phase {phase}", text)


# --- what was told -------------------------------------------------------------------


def told_path(root: Root) -> Path:
    """data/flags/told.json: the notices of the last summary. Deleted, they are told again."""
    return root.flags / "told.json"


def told(root: Root) -> frozenset[str]:
    """The notices that the operator has read before."""
    with suppress(OSError, ValueError):
        return frozenset(json.loads(told_path(root).read_bytes()))
    return frozenset()


def told_bytes(notices: Iterable[Alert]) -> bytes:
    """The bytes of data/flags/told.json."""
    return storage.pretty_json(sorted(map(str, notices)))


def log(new: Iterable[Alert], root: Root) -> None:
    """Logs what the phases did not log already."""
    for alert in new:
        level = "ERROR" if alert.code.startswith("B-") else "NOTICE"
        alerts.write_log(root.logs, alert.client, level, _SCRIPT, alert.code, str(alert))


# --- telling -------------------------------------------------------------------------

_TITLES = {
    "revenues": "issued",
    "revenues_batch": "issued in the name of batch clients",
    "payments": "payments recorded",
    "outbox": "mails sent",
}


def outcome_of(arguments: Namespace, house: House, wrong: list[Alert], notices: list[Alert]) -> str:
    """A run in one line: "month 2026-10: 13 issued, 2 mails sent, 1 to decide"."""
    counts = [(_TITLES[name], house.recorded.get(name, ())) for name in _TITLES]
    parts = [f"{len(some)} {title}" for title, some in counts if some]
    parts += [f"{len(wrong)} refused or wrong"] if wrong else []
    parts += [f"{len(notices)} to decide"] if notices else []
    if arguments.failed:
        parts.insert(0, f"failed in {arguments.failed}")
    name = f"month {arguments.month}" if arguments.month else "month"
    return f"{name}: {', '.join(parts) or 'nothing to do, nothing new'}"


def summary(outcome: str, house: House, wrong: list[Alert], notices: list[Alert]) -> str:
    """The summary as stderr and the mail have it."""
    lines = ["", outcome]
    for family, facts in house.recorded.items():
        if family in (revenues.DIRECT.records, revenues.BATCH.records):
            lines += ["", f"{_TITLES[family]}:", *issued_lines(facts)]
    for title, some in (("refused or wrong", wrong), ("to decide", notices)):
        if some:
            lines += ["", f"{title}:", *(f"  {alert} [{alert.code}]" for alert in some)]
    if house.heads:
        digest = storage.sha256(heads.witness(house.heads).encode())
        lines += ["", f"heads of the {len(house.heads)} record files: SHA-256 {digest}"]
    return "\n".join(lines) + "\n"


def issued_lines(facts: list[Record]) -> list[str]:
    """A line for each client: its documents and what they come to; and one with the totals."""
    by_client: dict[tuple[str, str], list[Record]] = {}
    for fact in facts:
        by_client.setdefault((fact["client"], fact["currency"]), []).append(fact)
    lines = []
    for (client, currency), some in by_client.items():
        numbers = some[0]["number"]
        if len(some) > 1:
            numbers = f"{len(some)} documents, {numbers} to {some[-1]['number']}"
        lines.append(f"  {client}: {numbers}: {sums(some)} {currency}")
    for currency in sorted({currency for _, currency in by_client}):
        some = [fact for fact in facts if fact["currency"] == currency]
        lines.append(f"  total: {len(some)} documents: {sums(some)} {currency}")
    return lines


def sums(facts: list[Record]) -> str:
    """ "net 64.00, VAT 12.80, gross 76.80"; credit notes count below 0."""
    signs = [-1 if fact["kind"] == "credit_note" else 1 for fact in facts]
    parts = []
    for key, name in (("net", "net"), ("vat", "VAT"), ("gross", "gross")):
        amounts = (sign * Decimal(fact[key]) for sign, fact in zip(signs, facts, strict=True))
        parts.append(f"{name} {money.plain(money.total(amounts), 2)}")
    return ", ".join(parts)


def send(root: Root, arguments: Namespace, subject: str, text: str, chains: list[Head]) -> None:
    """Mails the summary to ALERT_TO, or to the issuer's own address.

    The same news on the same day is the same mail, which is sent once.

    Raises:
      Unavailable: if the server cannot take it now; it waits in data/outbox/.
    """
    try:
        used = settings.load(root)
        recipients = used.mail.alert_to or tuple(inputs.load_issuer(root).party.email)
    except Refused:
        recipients = ()
    if not recipients:
        print("the summary is not mailed: no address is known (ALERT_TO in .env)", file=sys.stderr)
        return
    witness = heads.witness(chains).encode()
    letter = mail.Letter(
        sender_name="",
        sender=used.mail.sender or recipients[0],
        reply_to="",
        to=recipients,
        cc=(),
        subject=alerts.printable(subject),
        text=f"{arguments.today}\n{text}",
        attachments=(Attachment("heads.txt", "text/plain", witness),),
    )
    identity = storage.sha256(storage.canonical_json([*letter[:-1], witness.decode()]))
    name = f"{_KIND}__{arguments.today}__{identity[:12]}"
    deliver(root, used, arguments.today, (name, mail.to_bytes(letter, identity)))


def deliver(root: Root, used: Settings, today: date, *new: tuple[str, bytes]) -> None:
    """Hands the server every summary that waits: new ones, each with its name, and earlier ones.

    Raises:
      Unavailable: if it cannot take one now.
    """
    with outbox.opened(root, _SCRIPT, used, today) as box:
        sent = outbox.read_sent(root)
        for name, data in new:
            if name not in sent:
                box.write(due(name, addresses(data, "To"), data))
        for path in waiting(root):
            data = path.read_bytes()
            to = outbox.remaining(sent.get(path.stem, []), addresses(data, "To"))
            box.deliver(due(path.stem, to, data), data, addresses(data, "From")[0])
        box.report()


def waiting(root: Root) -> list[Path]:
    """The summaries that no server has taken yet."""
    return sorted(outbox.folder(root).glob(f"{_KIND}__*.eml"))


def due(name: str, recipients: tuple[str, ...], data: bytes) -> outbox.Due:
    """A summary as the outbox takes it."""
    return outbox.Due(name, _KIND, "", {}, recipients, lambda: data)


def addresses(data: bytes, header: str) -> tuple[str, ...]:
    """The addresses in a header of a mail."""
    found = BytesParser(policy=policy.default).parsebytes(data, headersonly=True)
    return tuple(address.addr_spec for address in found[header].addresses)


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--today", type=cli.day, required=True, help="the date of today")
    made.add_argument("--month", default="", help="2026-10 (empty: it could not be told)")
    made.add_argument("--failed", default="", help="the phase that failed")
    made.add_argument("--run", type=Path, required=True, help="what Make noted of the run")
    return made


if __name__ == "__main__":
    cli.run(parser(), main)
