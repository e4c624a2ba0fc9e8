#!/usr/bin/env python3
"""Reminds clients of overdue invoices: polite, firm, formal, as issuer.json says after how long.

Each level goes once for each invoice, one after the other, however late the first one is.
Nobody is reminded of an invoice whose own mail has not left. What is outstanding is looked up
again when the server is ready to take the mail: a payment recorded meanwhile stops the
reminder. An invoice that was refused or rejected on the platform is not reminded of, and a
disputed one not formally. DRY_RUN=1 shows what would go, and writes and sends nothing.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--date", type=cli.day_or_none, default=None, help="(default: today)")
    options.add_argument(
        "--dry-run", type=cli.switch, default=False, help="1: only show what would go"
    )
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from lib.billing import invoicing
from lib.books import (
    balances,
    client_accounts,
    exchanges,
    histories,
    issuing,
    lifecycle,
    openings,
    proofs,
    records,
    revenues,
)
from lib.books.balances import InvoiceBalance
from lib.books.lifecycle import State
from lib.books.records import Record
from lib.core import alerts, dates, storage, strict_json, tables
from lib.core.faults import Alert, Broken, Fault, collecting
from lib.core.messages import Code, Message, counted, say
from lib.core.root import Root
from lib.documents import account_pdf
from lib.documents.account_pdf import AccountPaper
from lib.inputs import inputs, issuer_file, settings
from lib.inputs.client_files import Client
from lib.inputs.inputs import Inputs
from lib.inputs.issuer_file import Issuer, IssuerInput
from lib.inputs.settings import Settings
from lib.mail import letter_pdf, letters, mime, outbox, reminders
from lib.mail.letter_pdf import PostalLetter
from lib.mail.mime import Attachment
from lib.mail.outbox import Due, SentMail
from lib.mail.reminders import Claim
from lib.values import mentions, money, periods, territories, vat
from lib.values.document import Document, Period, Totals, VatSubtotal
from lib.values.speech import Speech

_SCRIPT = "send_reminders.py"
_KIND = "reminder"
_PDF = "application/pdf"
_OF_RECORD = ("kind", "client", "number", "document_sha256", "pdf_sha256")


class ReminderDesk(NamedTuple):
    """What deciding needs: the root, its settings and inputs, what was sent, the day."""

    root: Root
    config: Settings
    given: Inputs
    sent: dict[str, SentMail]
    day: date


class DispatchDesk(NamedTuple):
    """What writing a reminder needs: the root, the issuer, the address that mails come from."""

    root: Root
    issuer: IssuerInput
    sender: str


class LateInvoice(NamedTuple):
    """An invoice as its client knows it, and the annual rate of late penalties that it states."""

    document: Document
    rate: Decimal


class Reminder(NamedTuple):
    """One reminder: of which record, to whom, at which level, claiming what. The invoice itself
    is read again when it is written: there may be thousands."""

    fact: Record
    client: Client
    level: str
    claim: Claim
    recipients: tuple[str, ...]

    @property
    def is_formal(self) -> bool:
        return self.level == issuer_file.REMINDER_LEVELS[-1]

    @property
    def name(self) -> str:
        return outbox.mail_name(_KIND, self.client.id, self.fact["number"], self.level)


def main(arguments: Namespace, root: Root) -> None:
    """Decides and writes under the root's lock, sends without it."""
    day = arguments.date or arguments.today
    config = settings.load(root)
    if arguments.dry_run:
        with issuing.reading(root, "send_reminders", config.lock_wait):
            reminders, notices = decide(root, config, inputs.load(root), day)
        alerts.report(root.logs, _SCRIPT, notices)
        show(reminders, day)
        return
    # A reminder states what is owed on its day, which nobody knows of tomorrow.
    dates.refuse_future("DATE", day, arguments.today, say("DRY_RUN=1 shows what would go"))
    with outbox.opened(root, _SCRIPT, config, day) as box:
        with issuing.reading(root, "send_reminders", config.lock_wait):
            content = inputs.load(root)
            sender = outbox.sender_of(config, content.issuer.issuer)
            reminders, notices = decide(root, config, content, day)
            desk = DispatchDesk(root, content.issuer, sender)
            posted = {}
            for reminder in reminders:
                data = box.write(due_mail(desk, reminder))
                if not reminder.recipients:
                    path = root.exports / "letters" / f"{reminder.name}.pdf"
                    posted[path] = outbox.letter_in(data)
                    notices.append(to_be_posted(root, reminder, path))
            box.clear([_KIND], [reminder.name for reminder in reminders])
            write_letters(root, posted)
        alerts.report(root.logs, _SCRIPT, notices)
        for reminder in reminders:
            if reminder.recipients:
                send(desk, box, reminder, config.lock_wait)
        box.report()


# --- deciding ------------------------------------------------------------------------


def decide(
    root: Root, config: Settings, content: Inputs, day: date
) -> tuple[list[Reminder], list[Alert]]:
    """The reminders that are due on a day, and why others are held back.

    Raises:
      Broken: if records or documents are not what was recorded.
    """
    if not content.issuer.issuer.reminders.days:
        print(say('issuer.json sets no "reminders": none is sent'))
    desk = ReminderDesk(root, config, content, outbox.read_sent(root), day)
    reminders: list[Reminder] = []
    notices: list[Alert] = []
    faults: list[Alert] = []
    for client in histories.clients_of(root):
        with collecting(faults):
            for reminder in of_client(desk, client):
                if isinstance(reminder, Reminder):
                    reminders.append(reminder)
                else:
                    notices.append(reminder)
    if faults:
        raise Broken(faults)
    return reminders, notices


def of_client(desk: ReminderDesk, client: str) -> Iterator[Reminder | Alert]:
    """The reminders that are due to a client, and why others are held back."""
    late = []
    smallest = desk.given.issuer.issuer.reminders.smallest
    known = desk.given.clients.get(client)
    by_post = known is not None and not known.client.party.email
    nowhere = 0
    for balance in balances.of_client(balances.read_lines(desk.root, client)):
        if level := level_of(desk, balance):
            if balance.outstanding >= smallest:
                late.append((balance, level))
            else:
                print(too_small(balance, smallest))
    if not late or (known is not None and not known.client.delivery.reminders):
        return
    if known is None or by_post:
        # A letter goes without an address of mail, and what comes before it does not.
        late, whole = [], late
        if known is not None:
            late = [(balance, level) for balance, _ in whole if (level := letter_of(desk, balance))]
        nowhere = len(whole) - len(late)
    if nowhere:
        found = say("has no address to send {reminders} to", reminders=counted_reminders(nowhere))
        fault = Fault("party.email", found, remedy=say("add one"))
        yield Alert("I-NO-EMAIL", f"clients/{client}.json", fault, client)
    if known is None or not late:
        return
    issued = records.read(desk.root, revenues.chain_path(desk.root, revenues.DIRECT, client))
    facts = {fact["number"]: fact for fact in issued.records}
    opened = openings.standing(openings.read(desk.root, client))
    facts |= {line.number: msgspec.to_builtins(line) for line in opened}
    states = lifecycle.states(exchanges.read(desk.root, client))
    for balance, level in late:
        fact, state = facts[balance.number], states.get(balance.number)
        formal = level == issuer_file.REMINDER_LEVELS[-1]
        if state and (state.decision or (state.disputed and formal)):
            yield objected(fact, state)
            continue
        is_ours = fact["kind"] != openings.OPENING
        if is_ours and not by_post and is_unsent(desk, fact, known.client):
            yield held_back(fact)
            continue
        invoice = late_invoice(desk.root, desk.given.issuer.issuer, fact, known.client)
        claim = claim_of(invoice, balance.outstanding, desk.day)
        if is_ours:
            fact = {key: fact[key] for key in _OF_RECORD}
        reminder = Reminder(fact, known.client, level, claim, ())
        if by_post:
            yield reminder
            continue
        addresses = (*known.client.party.email, *known.client.delivery.cc)
        recipients = outbox.remaining(desk.sent.get(reminder.name), addresses)
        if recipients:
            yield reminder._replace(recipients=recipients)


def level_of(desk: ReminderDesk, balance: InvoiceBalance) -> str:
    """The level that is due for an invoice, empty where none is."""
    if balance.outstanding <= 0 or balance.due_date is None:
        return ""
    had: dict[str, date] = {}
    refused = ""
    for level in issuer_file.REMINDER_LEVELS:
        before = desk.sent.get(outbox.mail_name(_KIND, balance.client, balance.number, level))
        if before:
            had[level] = date.fromisoformat(before.date)
            refused = level if outbox.is_open(before) else ""
    # One that the server refused for some is still to reach them, until the next one goes.
    after = desk.given.issuer.issuer.reminders.days
    return reminders.level_due(balance.due_date, desk.day, after, had) or refused


def letter_of(desk: ReminderDesk, balance: InvoiceBalance) -> str:
    """formal, where a letter is due to a client who gets no mail; else empty."""
    formal = issuer_file.REMINDER_LEVELS[-1]
    days = desk.given.issuer.issuer.reminders.days.get(formal)
    assert balance.due_date is not None
    late = days is not None and (desk.day - balance.due_date).days >= days
    return formal if late else ""


def to_be_posted(root: Root, reminder: Reminder, path: Path) -> Alert:
    """A letter that a person has to post."""
    fault = Fault(
        "",
        say(
            "is to be posted: {client} has no address of mail, and {number} is {days} days late",
            client=reminder.client.id,
            number=reminder.fact["number"],
            days=reminder.claim.days,
        ),
        remedy=say(
            "print it and post it, then record that (`make mail SENT={name}`)", name=reminder.name
        ),
    )
    return Alert("I-LETTER-POST", root.name_of(path), fault, reminder.client.id)


def write_letters(root: Root, letters: dict[Path, bytes]) -> None:
    """Writes the letters that are to be posted, and removes those that no longer are."""
    folder = root.exports / "letters"
    for path in folder.glob("*.pdf"):
        if path not in letters:
            path.unlink()
    for path, pdf in letters.items():
        storage.update_derived(path, pdf)


def too_small(balance: InvoiceBalance, smallest: Decimal) -> Message:
    """Why nothing is asked for an invoice of which little is outstanding."""
    return say(
        "{number}: {amount} is less than reminders.smallest in issuer.json, {smallest}, so nothing"
        " is asked for; `make write-off` closes it",
        number=balance.number,
        amount=money.shown(balance.outstanding, 2),
        smallest=money.shown(smallest, 2),
    )


def is_unsent(desk: ReminderDesk, fact: Record, client: Client) -> bool:
    """Whether an invoice's own mail is to leave, and reached nobody yet."""
    ours = client.delivery.email and outbox.is_ours(fact, desk.config.mail.since)
    return ours and outbox.mail_name(fact["kind"], client.id, fact["number"]) not in desk.sent


def held_back(fact: Record) -> Alert:
    """A reminder of an invoice that its client may never have seen."""
    name = outbox.mail_name(fact["kind"], fact["client"], fact["number"])
    fault = Fault(
        fact["number"],
        say("is not reminded of: its own mail has not left"),
        remedy=say(
            "send it first (`make mail`), or record that it went another way"
            " (`make mail SENT={name}`)",
            name=name,
        ),
    )
    return Alert("I-REMINDER-HELD", "", fault, fact["client"])


def objected(fact: Record, state: State) -> Alert:
    """A reminder of an invoice that its customer or the platform objects to: none of one that
    was refused or rejected, and no formal one of a disputed one."""
    found = say(
        "is not reminded of: it is {stage} ({code})",
        stage=lifecycle.STAGES[state.objection],
        code=state.objection,
    )
    remedy = say("settle it with the customer first; `make status` shows why")
    return Alert("I-REMINDER-HELD", "", Fault(fact["number"], found, remedy=remedy), fact["client"])


def late_invoice(root: Root, issuer: Issuer, fact: Record, client: Client) -> LateInvoice:
    """The invoice of a record, ours or of the tool before.

    Raises:
      Broken: if its document, or its issuer file, is not what was issued.
    """
    if fact["kind"] == openings.OPENING:
        return opening_invoice(fact, client, issuer)
    document = revenues.proved_document(root, revenues.DIRECT, fact)
    return LateInvoice(document, stated_rate(root, document))


def opening_invoice(fact: Record, client: Client, issuer: Issuer) -> LateInvoice:
    """An open invoice of the tool before: what our own say of the parties and the law, with its
    number, dates and amounts."""
    issue_date, buyer = date.fromisoformat(fact["issue_date"]), client.party
    shares = tuple(
        VatSubtotal(
            category=share["vat_category"],
            rate=Decimal(share["vat_rate"]),
            taxable=Decimal(share["net"]),
            vat=Decimal(share["vat"]),
        )
        for share in fact["breakdown"]
    )
    net, vat_ = (money.total(getattr(each, key) for each in shares) for key in ("taxable", "vat"))
    gross = money.total((net, vat_))
    natures = {share["nature"] for share in fact["breakdown"]}
    sold = natures.pop() if len(natures) == 1 else "mixed"
    speech = Speech(client.language)
    document = Document(
        number=fact["number"],
        client=client.id,
        month=periods.month_of(issue_date),
        issue_date=issue_date,
        due_date=date.fromisoformat(fact["due_date"]),
        currency=fact["currency"],
        language=client.language,
        operation_category=sold,
        period=Period(start=issue_date, end=issue_date),
        seller=invoicing.seller_of(issuer, ""),
        buyer=buyer,
        lines=(),
        vat_breakdown=shares,
        totals=Totals(
            lines_net=net, allowances=money.ZERO, net=net, vat=vat_, gross=gross, due=gross
        ),
        notes=mentions.notes_of(
            issuer, buyer, issue_date, speech, vat.audience(buyer, shares), sold
        ),
        payment_reference=fact["reference"],
    )
    return LateInvoice(document, issuer.late_penalty_rate)


def claim_of(invoice: LateInvoice, outstanding: Decimal, day: date) -> Claim:
    """What an invoice of which so much is outstanding comes to on a day."""
    document = invoice.document
    assert document.due_date is not None
    rate, indemnity = invoice.rate, money.ZERO
    customer = mentions.customer_of(document.buyer)
    french = territories.of_address(document.seller.address).french
    if not french or customer != mentions.BUSINESS:
        rate = money.ZERO
    if french:
        indemnity = mentions.recovery_indemnity(document.issue_date, customer)
    return reminders.claim(outstanding, document.due_date, day, rate, indemnity)


def stated_rate(root: Root, document: Document) -> Decimal:
    """The annual rate of late penalties that an invoice states: that of its issuer file.

    Raises:
      Broken: if that file is not in data/archive_inputs/ as it was.
    """
    sha256 = document.sources.get(root.name_of(root.issuer), "")
    path = root.archive_inputs / (sha256 or "issuer.json")
    data = proofs.read(root, path, sha256, document.client)
    return Decimal(strict_json.parse(root.name_of(path), data)["late_penalty_rate"])


def show(reminders: list[Reminder], day: date) -> None:
    """A line for each reminder that would go."""
    rows = [
        [
            reminder.client.id,
            reminder.fact["number"],
            say("{level}", level=Code(reminder.level)),
            ", ".join(reminder.recipients) or say("by post"),
            str(reminder.claim.days),
            *[
                money.shown(amount, 2)
                for amount in (
                    reminder.claim.outstanding,
                    reminder.claim.penalty,
                    reminder.claim.indemnity,
                )
            ],
        ]
        for reminder in reminders
    ]
    headings = [
        say("client"),
        say("invoice"),
        say("level"),
        say("to"),
        say("days late"),
        say("outstanding"),
        say("penalty"),
        say("indemnity"),
    ]
    if rows:
        tables.show(say("reminders of {day}", day=str(day)), headings, rows, right=4)
    print(say("{reminders} would go; nothing was sent", reminders=counted_reminders(len(rows))))


def counted_reminders(number: int) -> Message:
    """So many reminders."""
    return counted(number, "1 reminder", "{number} reminders")


# --- sending -------------------------------------------------------------------------


def send(desk: DispatchDesk, box: outbox.Outbox, reminder: Reminder, wait: int) -> None:
    """Sends one reminder, of what is outstanding when the server is ready to take it."""
    if not box.open(desk.sender):
        return
    with issuing.reading(desk.root, "send_reminders", wait):
        outstanding = outstanding_now(desk.root, reminder)
        if outstanding < desk.issuer.issuer.reminders.smallest:
            number = reminder.fact["number"]
            print(say("{number}: settled meanwhile, no reminder", number=number))
            box.drop(reminder.name)
            return
        issuer = desk.issuer.issuer
        invoice = late_invoice(desk.root, issuer, reminder.fact, reminder.client)
        claim = claim_of(invoice, outstanding, reminder.claim.day)
        due = due_mail(desk, reminder._replace(claim=claim))
        data = box.write(due)
    box.deliver(due, data, desk.sender)


def outstanding_now(root: Root, reminder: Reminder) -> Decimal:
    """What is outstanding by the records as they are."""
    client, number = reminder.client.id, reminder.fact["number"]
    return next(
        balance.outstanding
        for balance in balances.of_client(balances.read_lines(root, client))
        if balance.number == number
    )


def due_mail(desk: DispatchDesk, reminder: Reminder) -> Due:
    """The mail of a reminder."""
    fact, claim = reminder.fact, reminder.claim
    amounts = {
        name: money.plain(getattr(claim, name), 2)
        for name in ("outstanding", "penalty", "indemnity")
    }
    facts = {"number": fact["number"], "level": reminder.level, **amounts}
    facts["pdf_sha256"] = fact["pdf_sha256"]
    return Due(
        reminder.name,
        _KIND,
        reminder.client.id,
        facts,
        reminder.recipients,
        partial(reminder_bytes, desk, reminder),
        letter=reminder.is_formal,
    )


def reminder_bytes(desk: DispatchDesk, reminder: Reminder) -> bytes:
    """The bytes of a reminder's mail: a formal one carries its letter first, then the invoice."""
    client, issuer = reminder.client, desk.issuer.issuer
    document = late_invoice(desk.root, issuer, reminder.fact, client).document
    attached: list[Attachment] = []
    pdf = pdf_of(desk.root, reminder.fact)
    if reminder.is_formal:
        attached.append(letter_to(desk, reminder, document, enclosed=bool(pdf)))
    if pdf:
        attached.append(Attachment(f"{_in_file_name(document.number)}.pdf", _PDF, pdf))
    account = client.delivery.statement
    if account:
        attached.append(account_of(desk, reminder))
    text = letters.reminder(
        document, reminder.level, reminder.claim, attached=bool(pdf), account=account
    )
    to, cc = client.party.email, client.delivery.cc if reminder.recipients else ()
    letter = outbox.letter(desk.sender, document.seller, to, text, *attached, cc=cc)
    return mime.to_bytes(letter, reminder.name)


def letter_to(
    desk: DispatchDesk, reminder: Reminder, document: Document, *, enclosed: bool
) -> Attachment:
    """The letter of a formal reminder, to the client as its file has it today."""
    claim = reminder.claim
    notice = letters.formal_notice(document, claim, enclosed=enclosed)
    logo = desk.issuer.logo.data if desk.issuer.logo else None
    pdf = letter_pdf.render(PostalLetter(document, reminder.client.party, claim, notice), logo)
    name = document.speech.word("formal_file", number=_in_file_name(document.number))
    return Attachment(name, _PDF, pdf)


def account_of(desk: DispatchDesk, reminder: Reminder) -> Attachment:
    """The client's statement of account on the day of a reminder."""
    client, day = reminder.client, reminder.claim.day
    (own,) = histories.by_client(desk.root, [client.id], "")
    account = client_accounts.of_client(own, day.replace(month=1, day=1), day)
    seller, logo = invoicing.seller_of(desk.issuer.issuer, ""), desk.issuer.logo
    paper = AccountPaper(account, seller, client.party, client.language, client.currency)
    name = paper.speech.word("account_file", date=str(day))
    return Attachment(name, _PDF, account_pdf.render(paper, logo.data if logo else None))


def _in_file_name(number: str) -> str:
    return re.sub("[^A-Za-z0-9._-]", "_", number)


def pdf_of(root: Root, fact: Record) -> bytes:
    """The PDF of an invoice; empty for one of the tool before that came without."""
    if fact["kind"] != openings.OPENING:
        return revenues.proved(root, revenues.DIRECT, fact, "pdf")
    sha256 = fact["pdf_sha256"]
    return (
        proofs.read(root, root.archive_inputs / sha256, sha256, fact["client"]) if sha256 else b""
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
