#!/usr/bin/env python3
"""Issues the direct invoices of a month: every client's, or one client's.

All of them or none: one that cannot be issued stops the run with every problem of every
client. What the records know already is not issued again.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    cli.add_dates(made)
    made.add_argument("--client", default="", help="only this client")
    made.add_argument("--reissue", type=cli.yes, default=False, help="yes: after a credit note")
    cli.add_flag(made)
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "direct")

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from lib.billing import invoicing
from lib.billing.invoicing import Billable, NothingToBill
from lib.billing.pricing import MissingUsage
from lib.books import bills, issuing, numbering, records, revenues
from lib.books.bills import Owed
from lib.books.record_lines import BillingRevenue
from lib.core import alerts, dates, storage
from lib.core.faults import Alert, Broken, Fault, Refused, collecting
from lib.core.messages import say
from lib.core.root import Root
from lib.documents import direct_invoices, production
from lib.documents.direct_invoices import Past
from lib.inputs import inputs, settings
from lib.inputs.client_files import Client
from lib.inputs.inputs import Inputs
from lib.inputs.usage_files import UsageInput
from lib.values import document, periods
from lib.values.document import Document

_LOOKED_BACK = 3  # months whose usage is looked through for what came too late


class Decision(NamedTuple):
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
    used = settings.load(root)
    alerts.report(root.logs, "generate_invoice.py", settings.notices(used))
    with issuing.begin(root, command, used.lock_wait) as run:
        given = inputs.load(root)
        past = Past({}, [], {}, {})
        decision = decide(root, given, past, month, arguments.client, arguments.reissue)
        starts = revenues.starts(root, revenues.DIRECT)
        sequences = numbering.read(root, revenues.DIRECT.counters, past.numbered, starts)
        documents = number_all(given, decision.to_issue, sequences, issue_date)
        facts = direct_invoices.stage(run, given, documents, used)
        if facts:
            for client, new in facts.items():
                run.append(past.ends[client], new)
            numbering.stage(run, revenues.DIRECT.counters, sequences)
            run.commit()
    bills.write_lines(root, decision.owed)
    report(root, decision, facts)


def _check_dates(month: str, issue_date: date, today: date) -> None:
    not_post_dated = say("an invoice is not post-dated")
    dates.refuse_future("ISSUE_DATE", issue_date, today, not_post_dated)
    if periods.last_day(month) > issue_date:
        text = f"{month} is not over on {issue_date}; a month is invoiced when it is over"
        raise cli.refuse("B-DATE", "", "MONTH", text)


# --- deciding ------------------------------------------------------------------------


def decide(
    root: Root, given: Inputs, past: Past, month: str, client: str, reissue: bool
) -> Decision:
    """Who is to be invoiced, by the inputs and the records.

    Args:
      past: takes in what the records know, which are read one client at a time.
      client: the id of the only client to invoice; empty: all of them.
      reissue: whether an invoice that was fully credited may be issued again.

    Raises:
      Broken: with every disagreement of the records.
      Refused: with every problem of every client.
    """
    if client and client not in given.clients:
        known = ", ".join(given.clients)
        raise cli.refuse("B-USAGE", "", "CLIENT", f'"{client}" is no client; they are {known}')
    decision = Decision([], [], [], [])
    faults: list[Alert] = []
    broken: list[Alert] = []
    since = revenues.first_run(root)
    owners = revenues.owners(root, revenues.DIRECT)
    for name in sorted({*given.clients, *owners}):
        with collecting(broken):
            lines = revenues.lines_of(root, revenues.DIRECT, name)
            past.take_in(root, name, lines, name not in given.clients)
            if client == name or (not client and name in given.clients):
                again = bool(client and reissue)
                faults += _decide(root, given, decision, name, lines, month, again, since)
    if broken:
        raise Broken(broken)
    clients = [billable.client for billable in decision.to_issue]
    faults += direct_invoices.taken_names(given, past, clients)
    if faults:
        raise Refused(faults)
    return decision


def _decide(
    root: Root,
    given: Inputs,
    decision: Decision,
    client: str,
    lines: list[BillingRevenue],
    month: str,
    reissue: bool,
    since: date | None,
) -> Iterator[Alert]:
    """Takes one client into the decision; yields what is wrong with its inputs."""
    one, file = given.clients[client].client, given.clients[client].source.name
    invoices = revenues.issued(lines)
    billed = revenues.billed(lines)
    notices = decision.notices
    notices.extend(_late_usage(root, given, one, invoices, month))
    try:
        bill = bills.of_client(given, one, billed, month, reissue, since)
    except MissingUsage as missing:
        yield from bills.missing_faults(given, client, missing)
        return
    decision.to_issue.extend(bill.invoices)
    if bill.nothing:
        decision.passed_over.append(bill.nothing)
    for billable in bill.invoices:
        yield from (alert for used in billable.usage for alert in used.unfit)
    if done := [issued for issued in _standing(invoices) if issued.month == month]:
        notices.extend(_changes(root, given, client, done))
    notices.extend(bills.gap_notices(file, one, bill.gaps, billed))
    owed = bills.owed(root, one, billed)
    notices.extend(bills.owed_notices(root, one, owed))
    decision.owed.extend(owed)


def _standing(invoices: Iterable[revenues.IssuedInvoice]) -> list[revenues.IssuedInvoice]:
    return [issued for issued in invoices if not issued.fully_credited]


def _late_usage(
    root: Root, given: Inputs, client: Client, invoices: list[revenues.IssuedInvoice], month: str
) -> Iterator[Alert]:
    """Usage of the months before that no invoice contains: it would never be billed."""
    since = periods.add_months(month, -_LOOKED_BACK)
    runs: dict[str, list[revenues.IssuedInvoice]] = {}
    for issued in _standing(invoices):
        if since <= issued.month < month:
            runs.setdefault(issued.month, []).append(issued)
    for done in runs.values():
        changes = _changes(root, given, client.id, done)
        yield from (alert for alert in changes if alert.code == "I-USAGE-LATE")
    if client.status == "closed":
        covered = {issued.month for issued in _standing(invoices)}
        for used_in in periods.months(since, month):
            for one in () if used_in in covered else given.usage.get((client.id, used_in), ()):
                text = "is in no invoice: the client is closed; open it again, or remove it"
                yield Alert("I-USAGE-LATE", one.source.name, Fault("", text), client.id)


def _changes(
    root: Root, given: Inputs, client: str, done: list[revenues.IssuedInvoice]
) -> Iterator[Alert]:
    """The client's inputs that are not what they were when a run's invoices were made of them."""
    before: dict[str, str] = {}
    months: set[str] = set()
    for issued in done:
        path = revenues.proof_path(root, revenues.DIRECT, client, issued.number, "json")
        if not path.exists():
            return
        try:
            before |= document.from_json(storage.read(path)).sources
        except ValueError:
            text = "is not the document that was issued; restore it from a backup"
            raise Broken(
                [Alert("B-PROOF-CHANGED", root.name_of(path), Fault("", text), client)]
            ) from None
        # What is billed in advance has no usage yet.
        first = periods.month_of(issued.period.start)
        last = min(periods.month_of(issued.period.end), issued.month)
        months.update(periods.months(first, last))
    number = done[-1].number
    used = [one for month in sorted(months) for one in given.usage.get((client, month), ())]
    now = sources_of(given, client, used)
    for name in sorted(now.keys() | before.keys()):
        of_client = name.startswith(("clients/", "data/usage/"))
        if of_client and name not in before:
            text = f"is in no invoice: {number} was issued before it; move it to a later month"
            yield Alert("I-USAGE-LATE", name, Fault("", text), client)
        elif of_client and now.get(name) != before.get(name):
            text = f"was changed after {number} was issued; the invoice stays as it is"
            yield Alert("I-CONFIG-CHANGED", name, Fault("", text), client)


# --- making --------------------------------------------------------------------------


def number_all(
    given: Inputs, billables: Iterable[Billable], sequences: numbering.Sequences, day: date
) -> list[Document]:
    """The documents of a run, in order of client, each with the next number of `sequences`.

    Raises:
      Refused: for each sequence that has a later date already.
    """
    issuer = given.issuer.issuer
    documents: list[Document] = []
    faults: list[Alert] = []
    renderer = dict(production.renderer())
    numbering.refuse_other_format(sequences, day.year, issuer.number_format)
    for billable in billables:
        try:
            number = direct_invoices.next_number(given, billable.client, sequences, day)
        except Refused as refused:
            faults += refused.alerts
            continue
        sources = sources_of(given, billable.client.id, billable.usage, billable.indices)
        logo = direct_invoices.logo_of(given)
        documents.append(invoicing.invoice(billable, number, day, issuer, sources, renderer, logo))
    if faults:
        raise Refused(faults)
    return documents


def sources_of(
    given: Inputs, client: str, usage: Iterable[UsageInput], indices: Iterable[str] = ()
) -> dict[str, str]:
    """Each file that an invoice of a month is made from, and its SHA-256."""
    others = [one.source for one in usage] + [given.indices[name].source for name in indices]
    return direct_invoices.sources_of(given, client, others)


# --- saying --------------------------------------------------------------------------


def report(root: Root, decision: Decision, facts: dict[str, list[records.Record]]) -> None:
    """One line an invoice, one a client passed over, and a summary."""
    issued = [fact for new in facts.values() for fact in new]
    for passed in decision.passed_over:
        print(f"{passed.client}: nothing issued, {passed.reason}")
    if issued:
        revenues.show(issued)
    for fact in issued:
        text = f"{fact['number']} of {fact['gross']} {fact['currency']} for {fact['month']}"
        alerts.write_log(root.logs, fact["client"], "INFO", "generate_invoice.py", "I-ISSUED", text)
    alerts.report(root.logs, "generate_invoice.py", decision.notices)
    print(f"{alerts.counted(len(issued), 'invoice')} issued" if issued else "nothing left to issue")


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "direct")
