#!/usr/bin/env python3
"""Sends by mail what has not been sent: invoices, credit notes, quotes, packages of batches.

Each document is mailed to its client once, as sent.jsonl knows; without SMTP_HOST the mails
wait in data/outbox/. Summaries that wait there for the operator leave too. A mail that the
server does not take stops no other one; it waits for the next run, and this one ends with 4.
SENT names a mail that waits, or all: it is recorded that it went another way, nothing is sent.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--sent", default="", help="a waiting mail that went another way, or all")
    cli.add_today(options)
    cli.add_flag(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "mail")

import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from email import policy
from email.parser import BytesParser
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from lib.books import issuing, quotations, records, revenues
from lib.books.record_lines import MailFacts, QuotationLine
from lib.books.records import Record
from lib.books.revenues import Ledger
from lib.core import alerts, storage
from lib.core.faults import Alert, Broken, Fault, Refused, collecting
from lib.core.messages import Message, counted, say
from lib.core.root import Root
from lib.documents import packages
from lib.inputs import inputs, issuer_file, settings
from lib.inputs.batch_client_files import BatchClientInput
from lib.inputs.inputs import Inputs
from lib.inputs.settings import Settings
from lib.mail import letters, mime, outbox
from lib.mail.letters import BatchPackage
from lib.mail.mime import Attachment
from lib.mail.outbox import Due, SentMail
from lib.values.speech import Speech

_SCRIPT = "send_invoices.py"
_KINDS = ("invoice", "credit_note", "quote", "package", "customer")


class MailDesk(NamedTuple):
    """What deciding needs: the root, its settings and inputs, what was sent, who sends."""

    root: Root
    config: Settings
    given: Inputs
    sent: dict[str, SentMail]
    sender: str


def main(arguments: Namespace, root: Root) -> None:
    """Decides and writes under the root's lock, sends without it."""
    config = settings.load(root)
    with outbox.opened(root, _SCRIPT, config, arguments.today) as box:
        with issuing.reading(root, "send_invoices", config.lock_wait):
            given = inputs.load(root)
            sender = outbox.sender_of(config, given.issuer.issuer)
            desk = MailDesk(root, config, given, outbox.read_sent(root), sender)
            notices: list[Alert] = []
            dues = [
                *direct_mails(desk, notices),
                *quote_mails(desk, arguments.today, notices),
                *batch_mails(desk, notices),
            ]
            if not arguments.sent:
                hashes = write_all(box, dues)
                box.clear(_KINDS, hashes)
        if arguments.sent:
            for due in chosen(desk, arguments.sent, dues):
                box.record_elsewhere(due)
            box.report()
            return
        alerts.report(root.logs, _SCRIPT, notices)
        for due in dues:
            box.deliver(due, written(root, due, hashes[due.name]), sender)
        box.deliver_summaries()
        box.report()


def chosen(desk: MailDesk, name: str, dues: list[Due]) -> list[Due]:
    """The waiting mail of this name (or of this file), or each that waits where it is "all".

    Raises:
      Refused: if none of this name waits.
    """
    paths = outbox.waiting(desk.root)
    due = {mail.name: mail for mail in (*dues, *written_elsewhere(desk, paths))}
    known = {path.stem: due[path.stem] for path in paths if path.stem in due}
    if name == "all":
        return list(known.values())
    stem = Path(name).name.removesuffix(".eml")
    if stem not in known:
        found = say('"{name}" does not wait in data/outbox/', name=name)
        expected = say("these do: {names}", names=tuple(known) or say("none"))
        raise Refused([Alert("B-MAIL-UNKNOWN", "", Fault("SENT", found, expected))])
    return [known[stem]]


def written_elsewhere(desk: MailDesk, paths: list[Path]) -> Iterator[Due]:
    """The waiting mails that other scripts wrote: reminders and summaries."""
    for path in paths:
        kind, _, rest = path.stem.partition("__")
        client, *about = rest.rsplit("__", 2)
        facts: Record = {}
        if kind == "reminder" and len(about) == 2:
            facts = {"number": about[0], "level": about[1]}
        elif kind != outbox.SUMMARY:
            continue
        data = storage.read(path)
        addresses = (*mime.addresses(data, "To"), *mime.addresses(data, "Cc"))
        to = outbox.remaining(desk.sent.get(path.stem), addresses)
        owner = "" if kind == outbox.SUMMARY else client
        formal = facts.get("level") == issuer_file.REMINDER_LEVELS[-1]
        yield Due(path.stem, kind, owner, facts, to, partial(bytes, data), letter=formal)


def write_all(box: outbox.Outbox, dues: list[Due]) -> dict[str, str]:
    """Writes every mail to the outbox; returns the hash of each by its name.

    Raises:
      Broken: with every proof that is not what was issued; nothing is sent then.
    """
    hashes = {}
    faults: list[Alert] = []
    for due in dues:
        with collecting(faults):
            hashes[due.name] = storage.sha256(box.write(due))
    if faults:
        raise Broken(dict.fromkeys(faults))
    return hashes


def written(root: Root, due: Due, sha256: str) -> bytes:
    """The bytes of a waiting mail, which are those that were written.

    Raises:
      Broken: if another hand changed them.
    """
    path = outbox.folder(root) / f"{due.name}.eml"
    data = storage.read(path) if path.exists() else b""
    if storage.sha256(data) != sha256:
        found = say("was changed while mails were sent")
        fault = Fault("", found, remedy=say("run `make mail` again"))
        raise Broken([Alert("B-MAIL-CHANGED", root.name_of(path), fault, due.client)])
    return data


# --- direct invoices and quotes ------------------------------------------------------

# The bytes of the mail that carries a document: its record, the mail's name, to whom, in copy.
Compose = Callable[[Record, str, tuple[str, ...], tuple[str, ...]], bytes]


def direct_mails(desk: MailDesk, notices: list[Alert]) -> list[Due]:
    """A mail for each document that its client does not have yet; closed clients get theirs too."""
    compose = partial(document_mail, desk, revenues.DIRECT)
    return [
        due
        for client, chain in revenues.each_chain(desk.root, revenues.DIRECT, MailFacts)
        for due in mails_to(desk, client, chain.records, compose, notices)
    ]


def quote_mails(desk: MailDesk, today: date, notices: list[Alert]) -> Iterator[Due]:
    """A mail for each quote that waits for an answer, and that its client does not have yet."""
    for client in records.owners(desk.root, quotations.folder(desk.root)):
        known = quotations.quotations(quotations.read(desk.root, client))
        waiting = [
            quotation.fact for quotation in known if quotation.status(today) == quotations.WAITING
        ]
        facts: list[Record] = msgspec.to_builtins(waiting)
        yield from mails_to(desk, client, facts, partial(quote_mail, desk), notices)


def mails_to(
    desk: MailDesk, client: str, facts: Iterable[Record], compose: Compose, notices: list[Alert]
) -> list[Due]:
    """The mails that carry those of a client's documents that it does not have yet."""
    unsent = [fact for fact in facts if is_unsent(desk, fact, fact["kind"])]
    client_file = desk.given.clients.get(client)
    if not unsent or (client_file is not None and not client_file.client.delivery.email):
        return []
    to = client_file.client.party.email if client_file else ()
    if client_file is None or not to:
        place = f"clients/{client}.json"
        notices.append(no_email(place, "party.email", len(unsent), client))
        return []
    cc = client_file.client.delivery.cc
    dues = []
    for fact in unsent:
        name = mail_name(fact, fact["kind"])
        recipients = outbox.remaining(desk.sent.get(name), (*to, *cc))
        composed = partial(compose, fact, name, to, cc)
        dues.append(Due(name, fact["kind"], client, facts_of(fact), recipients, composed))
    return [due for due in dues if due.recipients]


def is_unsent(desk: MailDesk, fact: Record, kind: str) -> bool:
    """Whether someone may still have to get a document."""
    ours = outbox.is_ours(fact, desk.config.mail.since)
    return ours and outbox.is_open(desk.sent.get(mail_name(fact, kind)))


def mail_name(fact: Record, kind: str) -> str:
    """invoice__nord__NORD-2026-0001."""
    return outbox.mail_name(kind, fact["client"], fact["number"])


def facts_of(fact: Record) -> Record:
    """What the record of a mail keeps of the document that it carries."""
    return {"number": fact["number"], "pdf_sha256": fact["pdf_sha256"]}


def no_email(file: str, place: str, count: int, client: str) -> Alert:
    """Documents that have nowhere to go."""
    found = say("has no address to mail {documents} to", documents=documents(count))
    remedy = say('add one, or set "email": false under delivery')
    return Alert("I-NO-EMAIL", file, Fault(place, found, remedy=remedy), client)


def documents(count: int) -> Message:
    """So many documents."""
    return counted(count, "1 document", "{number} documents")


def document_mail(
    desk: MailDesk,
    ledger: Ledger,
    fact: Record,
    name: str,
    to: tuple[str, ...],
    cc: tuple[str, ...],
) -> bytes:
    """The bytes of the mail that carries a document."""
    document = revenues.proved_document(desk.root, ledger, fact)
    pdf = revenues.proved(desk.root, ledger, fact, "pdf")
    text = letters.document(document)
    seller = document.seller
    shown = ""
    if document.issued_by:
        names = {"seller": seller.name, "issuer": document.issued_by}
        shown = document.speech.word("by_mandate", **names)
    attached = Attachment(f"{document.number}.pdf", "application/pdf", pdf)
    letter = outbox.letter(desk.sender, seller, to, text, attached, cc=cc, shown=shown)
    return mime.to_bytes(letter, name)


def quote_mail(
    desk: MailDesk, fact: Record, name: str, to: tuple[str, ...], cc: tuple[str, ...]
) -> bytes:
    """The bytes of the mail that carries a quote."""
    quote, pdf = quotations.proved(desk.root, msgspec.convert(fact, QuotationLine))
    attached = Attachment(f"{quote.number}.pdf", "application/pdf", pdf)
    text = letters.quote(quote)
    return mime.to_bytes(outbox.letter(desk.sender, quote.seller, to, text, attached, cc=cc), name)


# --- batches -------------------------------------------------------------------------


def batch_mails(desk: MailDesk, notices: list[Alert]) -> list[Due]:
    """Each batch client's packages, and its customers' invoices where it wants them mailed."""
    dues: list[Due] = []
    for client, chain in revenues.each_chain(desk.root, revenues.BATCH):
        client_file = desk.given.batch_clients.get(client)
        if client_file is None:
            continue
        if client_file.client.delivery.zip:
            dues += package_mails(desk, client_file, chain, notices)
        if client_file.client.delivery.email_customers:
            dues += customer_mails(desk, chain, notices)
    return [due for due in dues if due.recipients]


def customer_mails(desk: MailDesk, chain: records.Chain, notices: list[Alert]) -> Iterator[Due]:
    """Batch invoices and credit notes to the customers they are addressed to."""
    nowhere = 0
    for fact in chain.records:
        if not is_unsent(desk, fact, "customer"):
            continue
        document = revenues.proved_document(desk.root, revenues.BATCH, fact)
        to = document.buyer.email
        name = mail_name(fact, "customer")
        nowhere += not to
        yield Due(
            name,
            "customer",
            fact["client"],
            facts_of(fact),
            outbox.remaining(desk.sent.get(name), to),
            partial(document_mail, desk, revenues.BATCH, fact, name, to, ()),
        )
    if nowhere:
        client = chain.path.stem
        found = say(
            "not mailed, as the CSV has no e-mail for them: {documents}",
            documents=documents(nowhere),
        )
        file = f"batch_clients/{client}.json"
        notices.append(Alert("I-NO-EMAIL", file, Fault("", found), client))


def package_mails(
    desk: MailDesk, client_file: BatchClientInput, chain: records.Chain, notices: list[Alert]
) -> Iterator[Due]:
    """The package of each month, again where a credit note has changed it."""
    client = client_file.client.id
    months: dict[str, list[Record]] = {}
    for fact in chain.records:
        months.setdefault(fact["month"], []).append(fact)
    for month, facts in sorted(months.items()):
        path = packages.path_of(desk.root, client, month)
        manifest = packages.comment_of(path)
        name = outbox.mail_name("package", client, month, manifest[:12])
        ours = any(outbox.is_ours(fact, desk.config.mail.since) for fact in facts)
        if not ours or not outbox.is_open(desk.sent.get(name)):
            continue
        if not manifest:
            fault = Fault("", say("is missing"), remedy=say("`make packages` makes it"))
            notices.append(Alert("I-PACKAGE-MISSING", desk.root.name_of(path), fault, client))
            continue
        to = client_file.client.seller.party.email
        if not to:
            notices.append(
                no_email(client_file.source.name, "seller.party.email", len(facts), client)
            )
            return
        yield package_mail(desk, client_file, name, path, facts)


def package_mail(
    desk: MailDesk, client_file: BatchClientInput, name: str, path: Path, facts: list[Record]
) -> Due:
    """The mail that carries or names a package."""
    client, month = client_file.client.id, facts[0]["month"]
    size, sha256 = path.stat().st_size, storage.sha256_of_file(path)
    earlier = outbox.mail_name("package", client, month, "")
    replaces = any(other.startswith(earlier) and other != name for other in desk.sent)
    attached = size <= desk.config.mail.max_attachment
    package = BatchPackage(desk.root.name_of(path), month, facts, size, sha256, attached, replaces)
    kept = desk.root.data / "batch_sent" / f"{client}__{month}__{sha256[:12]}.zip"
    return Due(
        name,
        "package",
        client,
        {"month": month, "package_sha256": sha256, "attached": attached},
        outbox.remaining(desk.sent.get(name), client_file.client.seller.party.email),
        partial(package_bytes, desk, client_file, name, path, package),
        partial(keep_attached, kept) if attached else partial(keep_named, path, sha256, kept),
    )


def package_bytes(
    desk: MailDesk, client_file: BatchClientInput, name: str, path: Path, package: BatchPackage
) -> bytes:
    """The bytes of a package's mail.

    Raises:
      Broken: if the package is not what the records say.
    """
    client = client_file.client
    check_package(desk.root, path, client.id, package.facts)
    issuer = desk.given.issuer.issuer.party
    text = letters.package(issuer, package, Speech(client.defaults.language))
    attached = []
    if package.attached:
        attached.append(Attachment(path.name, "application/zip", storage.read(path)))
    letter = outbox.letter(desk.sender, issuer, client.seller.party.email, text, *attached)
    return mime.to_bytes(letter, name)


def check_package(root: Root, path: Path, client: str, facts: list[Record]) -> None:
    """Proves a package by the records: these documents, whole, and nothing else.

    Raises:
      Broken: if it is another one.
    """
    wanted = {f"{fact['number']}.pdf": fact["pdf_sha256"] for fact in facts}
    try:
        with zipfile.ZipFile(path) as package:
            sums = {
                name: storage.sha256(package.read(name))
                for name in package.namelist()
                if name != "manifest.csv"
            }
            manifest = storage.sha256(package.read("manifest.csv"))
            sound = sums == wanted and manifest == package.comment.decode("ascii", "replace")
    except (OSError, KeyError, zipfile.BadZipFile):
        sound = False
    if not sound:
        remedy = say("remove it, `make packages` makes it again")
        fault = Fault("", say("is not what the records say"), remedy=remedy)
        raise Broken([Alert("B-PACKAGE-CHANGED", root.name_of(path), fault, client)])


def keep_attached(kept: Path, run: issuing.Run, data: bytes) -> None:
    """Stages what was attached to a mail as a proof."""
    if kept.exists():
        return
    message = BytesParser(policy=policy.default).parsebytes(data)
    package = next(part.get_content() for part in message.iter_attachments())
    run.stage_proof(kept, package)


def keep_named(path: Path, sha256: str, kept: Path, run: issuing.Run, data: bytes) -> None:
    """Keeps a package too large to be attached, as it was when the mail named it."""
    if path.exists() and storage.sha256_of_file(path) == sha256:
        storage.keep_copy(path, kept)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "mail")
