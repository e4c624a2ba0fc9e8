"""The outbox: mails are written to data/outbox/, sent, and recorded in sent.jsonl.

A mail waits as `<name>.eml`; its name says what it is about, so it is there once. Its bytes
are made of records, proofs and client files alone: waiting mails are made again at every
run, and obsolete ones are deleted. Only summaries are sent as first written. What a server
took is one more line of data/outbox/sent.jsonl, appended and the .eml removed in one run of
books/issuing. A stop between the two sends that one mail again, with the same Message-ID. A
mail that somebody sent another way is recorded alike, as `elsewhere`.

Who sends holds a lock of the outbox while the server takes its time; the root's lock is
held only to look and to record, so a slow server keeps no payment waiting.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from lib.books import issuing, records
from lib.books.record_lines import SentLine
from lib.books.records import Record
from lib.core import alerts, cli, lock, storage
from lib.core.faults import Alert, Fault, Unavailable
from lib.core.messages import Message, counted, say
from lib.core.root import Root
from lib.inputs.issuer_file import Issuer
from lib.inputs.settings import Settings
from lib.mail import mime
from lib.mail.letters import MailText
from lib.mail.mime import Attachment, Letter
from lib.values.document import Party

if TYPE_CHECKING:
    from lib.mail.mail_server import Outcome, Session

SUMMARY = "summary"  # the kind of the mails that the operator gets

_MOST_BROKEN = 5  # connections lost in a row, after which the others wait for the next run


class Due(NamedTuple):
    """A mail that is to be sent.

    `name` names its file and its records; `facts` is what the record keeps beside the rest;
    `recipients` are those who do not have it yet; `keep` stages the proof of what was sent;
    `letter` says that it carries a letter first, which is kept however it went.
    """

    name: str
    kind: str
    client: str
    facts: Record
    recipients: tuple[str, ...]
    compose: Callable[[], bytes]
    keep: Callable[[issuing.Run, bytes], None] | None = None
    letter: bool = False


# --- what was sent -------------------------------------------------------------------


def folder(root: Root) -> Path:
    """data/outbox/."""
    return root.data / "outbox"


def mail_name(kind: str, client: str, *about: str) -> str:
    """The name of a mail: invoice__nord__NORD-2026-0001.

    What cannot be in a name of a file (numbers of another tool) is replaced by _ and a hash.
    """
    return "__".join((kind, client, *map(_in_name, about)))


def _in_name(text: str) -> str:
    if re.fullmatch("[A-Za-z0-9._-]*", text):
        return text
    return f"{re.sub('[^A-Za-z0-9-]', '_', text)}-{storage.sha256(text.encode())[:8]}"


def waiting(root: Root, kind: str = "") -> list[Path]:
    """The mails that wait, those of one kind or all: each has someone who did not get it."""
    return sorted(folder(root).glob(f"{kind}__*.eml" if kind else "*.eml"))


class SentMail(Struct, frozen=True, gc=False):
    """What became of a mail: the day of its first record, who has it, and whether the server
    refused it for someone the last time."""

    date: str
    to: tuple[str, ...]
    refused: bool


def read_sent(root: Root) -> dict[str, SentMail]:
    """What became of the mails that left, by their names.

    Raises:
      Broken: if the records of them disagree with their hashes or their head.
    """
    sent: dict[str, SentMail] = {}
    known: dict[tuple[str, ...], tuple[str, ...]] = {}  # addresses, held once
    for line in records.read_typed(root, _sent_path(root), SentLine):
        before = sent.get(line.mail)
        to = (*(before.to if before else ()), *line.to)
        day = before.date if before else intern(line.date)
        sent[line.mail] = SentMail(day, known.setdefault(to, to), bool(line.refused))
    return sent


def is_open(sent: SentMail | None) -> bool:
    """Whether someone is still to get a mail: it never left, or was refused for some."""
    return sent is None or sent.refused


def is_ours(fact: Record, since: date) -> bool:
    """Whether a document is ours to mail: it was not issued before MAIL_SINCE."""
    return date.fromisoformat(fact["issue_date"]) >= since


def remaining(sent: SentMail | None, addresses: Iterable[str]) -> tuple[str, ...]:
    """Who is still to get a mail: everyone, or whoever the server refused the last time.

    An address added to a client's file later gets no mail that was sent before.
    """
    if not is_open(sent):
        return ()
    served = sent.to if sent else ()
    return tuple(address for address in dict.fromkeys(addresses) if address not in served)


def summary_digest(letter: Letter) -> str:
    """With what the name of a summary ends: the same one is not sent twice, whatever the day."""
    _, text = letter.text.split("\n", 1)
    witness = letter.attachments[0].data.decode()
    said = storage.canonical_json([letter.sender, letter.to, text, witness])
    return storage.sha256(said)[:12]


def _sent_path(root: Root) -> Path:
    return folder(root) / "sent.jsonl"


def sender_of(config: Settings, issuer: Issuer) -> str:
    """The address that mails come from; empty where neither .env nor issuer.json names one."""
    return config.mail.sender or next(iter(issuer.party.email), "")


def letter(
    sender: str,
    party: Party,
    to: tuple[str, ...],
    text: MailText,
    *attached: Attachment,
    cc: tuple[str, ...] = (),
    shown: str = "",
) -> Letter:
    """A letter from a party, who gets the answers where it is not the sender.

    Args:
      cc: those in copy; whoever is addressed already is left out.
      shown: the name before the sender's address (default: the party's).

    Raises:
      Refused: if there is no sender.
    """
    if not sender:
        remedy = say("write the address that mails come from")
        raise cli.refuse("B-SETTING", ".env", "MAIL_FROM", say("is missing"), remedy=remedy)
    answers = next(iter(party.email), "")
    return Letter(
        sender_name=shown or party.name,
        sender=sender,
        reply_to="" if answers == sender else answers,
        to=to,
        cc=tuple(address for address in cc if address not in to),
        subject=text.subject,
        text=text.body,
        attachments=attached,
    )


# --- letters for the post --------------------------------------------------------------


def letter_in(data: bytes) -> bytes:
    """The PDF of the letter that the mail of a formal reminder carries first."""
    return mime.read(data).attachments[0].data


def letter_path(root: Root, mail: str, sha256: str) -> Path:
    """data/letters_sent/<mail>__<beginning of the SHA-256>.pdf."""
    return root.data / "letters_sent" / f"{mail}__{sha256[:12]}.pdf"


# --- sending -------------------------------------------------------------------------


class Outbox:
    """One run of sending: its connection, the end of the chain, and what came of it."""

    def __init__(self, root: Root, script: str, config: Settings, day: date):
        self.root = root
        self.failures: list[Alert] = []
        self.sent = 0
        self._script = script
        self._config = config
        self._day = day
        self._session: Session | None = None
        self._chain: records.Chain | None = None
        self._broken = 0

    def write(self, due: Due) -> bytes:
        """Writes a mail to its place in the outbox; returns its bytes.

        Raises:
          Broken: if what it carries is not what was issued.
          Refused: if a name in it cannot stand in a header.
        """
        try:
            data = due.compose()
        except mime.HeaderError as error:
            name = self.root.name_of(self._path(due.name))
            raise cli.refuse("B-MAIL-HEADER", name, "", error.reason, due.client) from None
        if storage.update_derived(self._path(due.name), data) and not self._config.mail.host:
            file = self.root.name_of(self._path(due.name))
            if due.recipients:
                print(say("{file}: to {recipients}", file=file, recipients=due.recipients))
        return data

    def clear(self, kinds: Iterable[str], names: Iterable[str]) -> None:
        """Removes the waiting mails of these kinds that are not among these names."""
        wanted, beginnings = set(names), tuple(f"{kind}__" for kind in kinds)
        unwanted = [
            path
            for path in waiting(self.root)
            if path.name.startswith(beginnings) and path.stem not in wanted
        ]
        unwanted += folder(self.root).glob(".*.tmp")  # what a stopped run was writing
        for path in unwanted:
            path.unlink()
        if unwanted:
            storage.flush_folder(folder(self.root))

    def drop(self, name: str) -> None:
        """Removes one waiting mail."""
        self._path(name).unlink(missing_ok=True)

    def open(self, sender: str) -> bool:
        """Whether mails can leave now; the connection stands before anything is decided."""
        if not self._config.mail.host or self._broken >= _MOST_BROKEN:
            return False
        if self._session is None:
            from lib.mail import mail_server

            self._session = mail_server.Session(self._config.mail, sender)
        try:
            self._session.connect()
        except Unavailable as stop:
            self.failures += stop.alerts
            self._broken = _MOST_BROKEN
            return False
        return True

    def deliver(self, due: Due, data: bytes, sender: str) -> None:
        """Hands a waiting mail to the server, and records who it was taken for."""
        if not self.open(sender):
            return
        assert self._session is not None
        outcome = self._session.send(due.recipients, data)
        self._broken = self._broken + 1 if outcome.broken else 0
        server, where = self._config.mail.host, self.root.name_of(self._path(due.name))
        if outcome.failure:
            found = say("{server} {failure}", server=server, failure=outcome.failure)
            fault = Fault("", found, remedy=say("it is sent again by the next run"))
            self.failures.append(Alert("B-MAIL-FAILED", where, fault, due.client))
        for address, answer in outcome.refused.items():
            found = say(
                "{address} is refused by {server}: {answer}",
                address=address,
                server=server,
                answer=answer,
            )
            remedy = say("correct the address, or wait: the next run tries again")
            fault = Fault("", found, remedy=remedy)
            self.failures.append(Alert("B-MAIL-REFUSED", where, fault, due.client))
        if self._broken >= _MOST_BROKEN:
            found = say("ended {number} connections one after the other", number=_MOST_BROKEN)
            fault = Fault("", found, remedy=say("the other mails wait"))
            host = f"{server}:{self._config.mail.port}"
            self.failures.append(Alert("B-MAIL-SERVER", host, fault))
        if not outcome.accepted:
            return
        self._record(due, data, outcome)
        self.sent += 1
        to = outcome.accepted
        self._report(due, say("{mail} sent to {recipients}", mail=due.name, recipients=to))

    def _report(self, due: Due, message: Message) -> None:
        text = str(message)
        print(text)
        alerts.write_log(self.root.logs, due.client, "INFO", self._script, "I-MAIL-SENT", text)

    def record_elsewhere(self, due: Due) -> None:
        """Records that a waiting mail, as it stands in its file, went to everyone another way."""
        from lib.mail.mail_server import Outcome

        self._record(
            due, storage.read(self._path(due.name)), Outcome(due.recipients), elsewhere=True
        )
        text = say("{mail} recorded: it was posted", mail=due.name)
        if due.recipients:
            text = say(
                "{mail} recorded: it went another way to {recipients}",
                mail=due.name,
                recipients=due.recipients,
            )
        self._report(due, text)

    def deliver_summaries(self) -> None:
        """Hands over every summary that waits, as it was first written."""
        paths = waiting(self.root, SUMMARY)
        sent = read_sent(self.root) if paths else {}
        for path in paths:
            data = storage.read(path)
            to = remaining(sent.get(path.stem), mime.addresses(data, "To"))
            due = Due(path.stem, SUMMARY, "", {}, to, partial(bytes, data))
            for sender in mime.addresses(data, "From")[:1]:
                self.deliver(due, data, sender)

    def _record(
        self, due: Due, data: bytes, outcome: "Outcome", *, elsewhere: bool = False
    ) -> None:
        fact: Record = {
            "kind": due.kind,
            "client": due.client,
            "mail": due.name,
            **due.facts,
            "date": self._day.isoformat(),
            "to": list(outcome.accepted),
            "message_id": mime.message_id(data),
            "sha256": storage.sha256(data),
        }
        if outcome.refused:
            fact["refused"] = list(outcome.refused)
        if elsewhere:
            fact["elsewhere"] = True
        letter = letter_in(data) if due.letter else b""
        if letter:
            fact["letter_sha256"] = storage.sha256(letter)
        command = f"{self._script.removesuffix('.py')} {due.name}"
        with issuing.begin(self.root, command, self._config.lock_wait) as run:
            chain = self._current_chain()
            run.append(chain, [fact])
            if due.keep is not None:
                due.keep(run, data)
            if letter:
                kept = letter_path(self.root, due.name, fact["letter_sha256"])
                if not kept.exists():
                    run.stage_proof(kept, letter)
            if not outcome.refused:
                run.remove(self._path(due.name), storage.sha256(data))
            run.commit()
        new = records.extend(chain, [fact])
        length = chain.length + len(new.lines)
        self._chain = records.Chain(chain.path, (), length, new.seq, new.hash)

    def _current_chain(self) -> records.Chain:
        """The end of sent.jsonl. Whoever sends holds the outbox's lock, so it is read once."""
        path = _sent_path(self.root)
        return self._chain or records.end_of(
            path, deque(records.read_typed(self.root, path, records.Link), maxlen=1)
        )

    def _path(self, name: str) -> Path:
        return folder(self.root) / f"{name}.eml"

    def close(self) -> None:
        """Ends the connection."""
        if self._session is not None:
            self._session.close()

    def report(self) -> None:
        """Says what came of it.

        Raises:
          Unavailable: with every mail and address that failed.
        """
        left = len(waiting(self.root))
        rest = say("none waits")
        if left:
            rest = counted(left, "1 waits in data/outbox/", "{number} wait in data/outbox/")
        if left and not self._config.mail.host:
            rest = say(
                "{waiting}: SMTP_HOST is not set in .env; `make mail SENT=name`, or SENT=all,"
                " records that they went another way",
                waiting=rest,
            )
        sent = counted(self.sent, "1 mail sent", "{number} mails sent")
        print(say("{sent}, {rest}", sent=sent, rest=rest))
        if self.failures:
            raise Unavailable(self.failures)


@contextmanager
def opened(root: Root, script: str, config: Settings, day: date) -> Iterator[Outbox]:
    """The outbox, with its lock held: two senders at once never send a mail twice.

    Args:
      script: who sends, as the logs name it.
      day: what records of sent mails are dated.

    Raises:
      Unavailable: if another one sends and does not end within LOCK_WAIT.
    """
    lock_file = folder(root) / ".lock"
    with lock.exclusive(root, script, config.lock_wait, lock_file):
        outbox = Outbox(root, script, config, day)
        try:
            yield outbox
        finally:
            outbox.close()
