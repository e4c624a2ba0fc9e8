#!/usr/bin/env python3
"""Issues the direct invoices of a month: every client's, or one client's.

All of them or none: one that cannot be issued stops the run with every problem of every
client. What the records know already is not issued again.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_dates(options)
    options.add_argument("--client", default="", help="only this client")
    options.add_argument("--reissue", type=cli.yes, default=False, help="yes: after a credit note")
    cli.add_flag(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "direct")

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from lib.billing import invoicing
from lib.billing.invoicing import Billable, NothingToBill
from lib.billing.pricing import MissingUsage
from lib.books import bills, closed_periods, issuing, numbering, proofs, records, revenues
from lib.books.bills import Owed
from lib.books.record_lines import BillingRevenue
from lib.core import alerts, dates
from lib.core.faults import Alert, Broken, Fault, Refused, collecting
from lib.core.messages import counted, figure, say
from lib.core.root import Root
from lib.documents import direct_invoices, production
from lib.documents.direct_invoices import Past
from lib.inputs import inputs, settings
from lib.inputs.client_files import Client
from lib.inputs.inputs import Inputs
from lib.inputs.settings import Settings
from lib.inputs.usage_files import UsageInput
from lib.values import periods
from lib.values.document import Document, from_json

_LOOKED_BACK = 3  # months whose usage is looked through for what came too late


class MonthDecision(NamedTuple):
    """What a month comes to: what to issue, and a line for each client that gets nothing."""

    to_issue: list[Billable]
    passed_over: list[NothingToBill]
    notices: list[Alert]
    owed: list[Owed]


def main(arguments: Namespace, root: Root) -> None:
    """The story of a run."""
    month, issue_date = arguments.month, arguments.issue_date
    _check_dates(month, issue_date, arguments.today)
    command = f"generate_invoice {month} {arguments.client or 'all clients'}"
    config = settings.load(root)
    alerts.report(root.logs, "generate_invoice.py", settings.notices(config))
    production.expect(config, 1 if arguments.client else len(list(root.clients.glob("*.json"))))
    with issuing.begin(root, command, config.lock_wait) as run:
        closed_periods.refuse(root, "ISSUE_DATE", issue_date)
        decision, facts = issue(run, arguments, config)
    bills.write_lines(root, decision.owed)
    report(root, decision, facts)


def issue(
    run: issuing.Run, arguments: Namespace, config: Settings
) -> tuple[MonthDecision, dict[str, list[records.Record]]]:
    """Decides and commits; returns what is to be said, and what was recorded of each client."""
    root, day = run.root, arguments.issue_date
    content = inputs.load(root)
    past = Past({}, [], {}, {})
    decision = decide(root, content, past, arguments.month, arguments.client, arguments.reissue)
    starts = revenues.starts(root, revenues.DIRECT)
    sequences = numbering.read(root, revenues.DIRECT.counters, past.numbered, starts)
    past.numbered.clear()  # of years, and needed no more
    numbers = number_all(content, decision.to_issue, sequences, day)
    documents = documents_of(content, decision.to_issue, numbers, day)
    facts = direct_invoices.stage(run, content, documents, len(numbers), config)
    if facts:
        for client, new in facts.items():
            run.append(past.ends[client], new)
        numbering.stage(run, revenues.DIRECT.counters, sequences)
        run.commit()
    return decision, facts


def _check_dates(month: str, issue_date: date, today: date) -> None:
    not_post_dated = say("an invoice is not post-dated")
    dates.refuse_future("ISSUE_DATE", issue_date, today, not_post_dated)
    if periods.last_day(month) > issue_date:
        found = say("{month} is not over on {date}", month=month, date=str(issue_date))
        remedy = say("a month is invoiced when it is over")
        raise cli.refuse("B-DATE", "", "MONTH", found, remedy=remedy)


# --- deciding ------------------------------------------------------------------------


def decide(
    root: Root, content: Inputs, past: Past, month: str, client: str, reissue: bool
) -> MonthDecision:
    """Who is to be invoiced, by the inputs and the records.

    Args:
      past: takes in what the records know, which are read one client at a time.
      client: the id of the only client to invoice; empty: all of them.
      reissue: whether an invoice that was fully credited may be issued again.

    Raises:
      Broken: with every disagreement of the records.
      Refused: with every problem of every client.
    """
    if client:
        content.check_client(client)
    decision = MonthDecision([], [], [], [])
    faults: list[Alert] = []
    broken: list[Alert] = []
    since = revenues.first_run(root)
    owners = revenues.owners(root, revenues.DIRECT)
    for name in sorted({*content.clients, *owners}):
        with collecting(broken):
            lines = revenues.lines_of(root, revenues.DIRECT, name)
            past.take_in(root, name, lines, name not in content.clients)
            if client == name or (not client and name in content.clients):
                again = bool(client and reissue)
                faults += _decide(root, content, decision, name, lines, month, again, since)
    if broken:
        raise Broken(broken)
    clients = [billable.client for billable in decision.to_issue]
    faults += direct_invoices.taken_names(content, past, clients)
    if faults:
        raise Refused(faults)
    return decision


def _decide(
    root: Root,
    content: Inputs,
    decision: MonthDecision,
    client: str,
    lines: list[BillingRevenue],
    month: str,
    reissue: bool,
    since: date | None,
) -> Iterator[Alert]:
    """Takes one client into the decision; yields what is wrong with its inputs."""
    terms, file = content.clients[client].client, content.clients[client].source.name
    invoices = revenues.issued(revenues.of_months(lines))
    billed = revenues.billed(lines)
    notices = decision.notices
    notices.extend(_late_usage(root, content, terms, invoices, month))
    try:
        bill = bills.of_client(content, terms, billed, month, reissue, since)
    except MissingUsage as missing:
        yield from bills.missing_faults(content, client, missing)
        return
    decision.to_issue.extend(bill.invoices)
    if bill.nothing:
        decision.passed_over.append(bill.nothing)
    for billable in bill.invoices:
        yield from (alert for usage in billable.usage for alert in usage.unfit)
    if of_month := [invoice for invoice in _standing(invoices) if invoice.month == month]:
        notices.extend(_changes(root, content, client, of_month))
    notices.extend(bills.gap_notices(file, terms, bill.gaps, billed))
    owed = bills.owed(root, terms, billed)
    notices.extend(bills.owed_notices(root, terms, owed))
    decision.owed.extend(owed)


def _standing(invoices: Iterable[revenues.IssuedInvoice]) -> list[revenues.IssuedInvoice]:
    return [invoice for invoice in invoices if not invoice.fully_credited]


def _late_usage(
    root: Root, content: Inputs, client: Client, invoices: list[revenues.IssuedInvoice], month: str
) -> Iterator[Alert]:
    """Usage of the months before that no invoice contains: it would never be billed."""
    since = periods.add_months(month, -_LOOKED_BACK)
    runs: dict[str, list[revenues.IssuedInvoice]] = {}
    for invoice in _standing(invoices):
        if since <= invoice.month < month:
            runs.setdefault(invoice.month, []).append(invoice)
    for invoices_of_run in runs.values():
        changes = _changes(root, content, client.id, invoices_of_run)
        yield from (alert for alert in changes if alert.code == "I-USAGE-LATE")
    if client.status == "closed":
        covered = {invoice.month for invoice in _standing(invoices)}
        found = say("is not in any invoice: the client is closed")
        fault = Fault("", found, remedy=say("open it again, or remove it"))
        for uncovered in sorted({*periods.months(since, month)} - covered):
            for usage in content.usage.get((client.id, uncovered), ()):
                yield Alert("I-USAGE-LATE", usage.source.name, fault, client.id)


def _changes(
    root: Root, content: Inputs, client: str, invoices: list[revenues.IssuedInvoice]
) -> Iterator[Alert]:
    """The client's inputs that are not what they were when a run's invoices were made of them."""
    before: dict[str, str] = {}
    months: set[str] = set()
    for invoice in invoices:
        path = revenues.proof_path(root, revenues.DIRECT, client, invoice.number, "json")
        if not path.exists():  # `make verify` reports it
            return
        before |= from_json(proofs.read(root, path, invoice.document_sha256, client)).sources
        # What is billed in advance has no usage yet.
        first = periods.month_of(invoice.period.start)
        last = min(periods.month_of(invoice.period.end), invoice.month)
        months.update(periods.months(first, last))
    number = invoices[-1].number
    now = sources_of(
        content,
        client,
        (usage for month in months for usage in content.usage.get((client, month), ())),
    )
    for name in sorted(now.keys() | before.keys()):
        of_client = name.startswith(("clients/", "data/usage/"))
        if of_client and name not in before:
            found = say("is not in any invoice: {number} was issued before it", number=number)
            fault = Fault("", found, remedy=say("move it to a later month"))
            yield Alert("I-USAGE-LATE", name, fault, client)
        elif of_client and now.get(name) != before.get(name):
            found = say("was changed after {number} was issued", number=number)
            fault = Fault("", found, remedy=say("the invoice stays as it is"))
            yield Alert("I-CONFIG-CHANGED", name, fault, client)


# --- making --------------------------------------------------------------------------


def number_all(
    content: Inputs, billables: Iterable[Billable], sequences: numbering.Sequences, day: date
) -> list[str]:
    """The numbers of a run's invoices, in order of client, each the next one of `sequences`.

    Raises:
      Refused: for each sequence that has a later date already.
    """
    numbers: list[str] = []
    faults: list[Alert] = []
    numbering.refuse_other_format(sequences, day.year, content.issuer.issuer.number_format)
    for billable in billables:
        try:
            number = direct_invoices.next_number(content, billable.client, sequences, day)
        except Refused as refused:
            faults += refused.alerts
        else:
            numbers.append(number)
    if faults:
        raise Refused(faults)
    return numbers


def documents_of(
    content: Inputs, billables: Iterable[Billable], numbers: Iterable[str], day: date
) -> Iterator[Document]:
    """The documents of a run, made as they are asked for: they are never all there at once."""
    issuer, logo = content.issuer.issuer, direct_invoices.logo_of(content)
    renderer = dict(production.renderer())
    for billable, number in zip(billables, numbers, strict=True):
        sources = sources_of(content, billable.client.id, billable.usage, billable.indices)
        yield invoicing.invoice(billable, number, day, issuer, sources, renderer, logo)


def sources_of(
    content: Inputs, client: str, usage: Iterable[UsageInput], indices: Iterable[str] = ()
) -> dict[str, str]:
    """Each file that an invoice of a month is made from, and its SHA-256."""
    others = [entry.source for entry in usage] + [content.indices[name].source for name in indices]
    return direct_invoices.sources_of(content, client, others)


# --- saying --------------------------------------------------------------------------


def report(root: Root, decision: MonthDecision, facts: dict[str, list[records.Record]]) -> None:
    """One line an invoice, one a client passed over, and a summary."""
    issued = [fact for new in facts.values() for fact in new]
    for passed in decision.passed_over:
        print(say("{client}: nothing issued, {reason}", client=passed.client, reason=passed.reason))
    if issued:
        revenues.show(issued)
    for fact in issued:
        text = say(
            "{number} of {gross} {currency} for {month}",
            gross=figure(fact["gross"]),
            **{key: fact[key] for key in ("number", "currency", "month")},
        )
        alerts.write_log(root.logs, fact["client"], "INFO", "generate_invoice.py", "I-ISSUED", text)
    alerts.report(root.logs, "generate_invoice.py", decision.notices)
    print(
        counted(len(issued), "1 invoice issued", "{number} invoices issued")
        if issued
        else say("nothing left to issue")
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "direct")
