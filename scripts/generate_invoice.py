#!/usr/bin/env python3
"""Issues the direct invoices of a month: every client's, or one client's.

All of them or none: one that cannot be issued stops the run with every problem of every
client. What the records know already is not issued again.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from lib import (
    alerts,
    billing,
    cli,
    document,
    inputs,
    issuing,
    numbering,
    periods,
    production,
    records,
    revenues,
    settings,
    tables,
)
from lib.alerts import Alert, Refused
from lib.billing import Billable, NothingToBill
from lib.billing_rules import MissingUsage
from lib.document import Document
from lib.inputs import Inputs
from lib.root import Root


class Decision(NamedTuple):
    """What a month comes to: what to issue, and a line for each client that gets nothing."""

    to_issue: list[Billable]
    passed_over: list[NothingToBill]
    notices: list[Alert]


def main(arguments: Namespace, root: Root) -> None:
    """The story of a run."""
    month, issue_date = arguments.month, arguments.issue_date
    _check_dates(month, issue_date, arguments.today)
    command = f"generate_invoice {month} {arguments.client or 'all clients'}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        given = inputs.load(root)
        chains = revenues.read(root, revenues.DIRECT)
        sequences = numbering.read(root, revenues.DIRECT.counters, chains.values())
        decision = decide(root, given, chains, month, arguments.client, arguments.reissue)
        documents, sequences = number_all(given, decision.to_issue, sequences, issue_date)
        facts = stage(run, given, documents)
        if facts:
            for client, new in facts.items():
                chain = revenues.chain_of(root, revenues.DIRECT, chains, client)
                run.append(chain, new)
            counters = numbering.counter_files(root, revenues.DIRECT.counters, sequences)
            for name, data in counters.items():
                run.put(root.path / name, data)
            run.commit()
    report(root, decision, facts)


def _check_dates(month: str, issue_date: date, today: date) -> None:
    if issue_date > today:
        text = f"{issue_date} is in the future (today is {today}); an invoice is not post-dated"
        raise cli.refuse("B-DATE", "", "ISSUE_DATE", text)
    if periods.last_day(month) > issue_date:
        text = f"{month} is not over on {issue_date}; a month is invoiced in arrears"
        raise cli.refuse("B-DATE", "", "MONTH", text)


# --- deciding ------------------------------------------------------------------------


def decide(
    root: Root,
    given: Inputs,
    chains: dict[str, records.Chain],
    month: str,
    client: str,
    reissue: bool,
) -> Decision:
    """Who is to be invoiced, by the inputs and the records.

    Args:
      client: the id of the only client to invoice; empty: all of them.
      reissue: whether an invoice that was fully credited may be issued anew.

    Raises:
      Refused: with every problem of every client.
    """
    if client and client not in given.clients:
        known = ", ".join(given.clients)
        raise cli.refuse("B-USAGE", "", "CLIENT", f'"{client}" is no client; they are {known}')
    decision = Decision([], [], [])
    faults: list[Alert] = []
    for one in [given.clients[client]] if client else given.clients.values():
        file = one.source.name
        try:
            billable = billing.billable(one.client, month, given.usage)
        except MissingUsage as missing:
            faults += _missing_usage(root, one.client.id, missing)
            continue
        if isinstance(billable, NothingToBill):
            decision.passed_over.append(billable)
            continue
        chain = revenues.chain_of(root, revenues.DIRECT, chains, one.client.id)
        earlier = _overlapping(chain, billable)
        done = [issued for issued in earlier if issued.month == month and not issued.fully_credited]
        standing = [issued for issued in earlier if not issued.fully_credited]
        if done:
            reason = f"already invoiced: {done[-1].number}"
            decision.passed_over.append(NothingToBill(one.client.id, reason))
            decision.notices.extend(_changes(root, given, billable, done[-1].number))
        elif standing:
            text = (
                f"the period {billable.period.start} to {billable.period.end} overlaps that of"
                f" {standing[-1].number}; credit it first, or mend the plan"
            )
            faults.append(Alert("B-INVOICE-OVERLAP", file, "plan", text, one.client.id))
        elif earlier and not (reissue and client):
            reason = f"{earlier[-1].number} is credited; issue anew with REISSUE=yes"
            decision.passed_over.append(NothingToBill(one.client.id, reason))
        else:
            decision.to_issue.append(billable)
    if faults:
        raise Refused(faults)
    return decision


def _overlapping(chain: records.Chain, billable: Billable) -> list[revenues.Issued]:
    period = billable.period
    return [
        issued
        for issued in revenues.issued(chain.records)
        if issued.period.start <= period.end and period.start <= issued.period.end
    ]


def _missing_usage(root: Root, client: str, missing: MissingUsage) -> Iterator[Alert]:
    for metric in missing.metrics:
        name, _, month = metric.partition(" ")
        file = root.name_of(root.usage / client / f"{month.strip('()')}.manual.json")
        text = 'is missing; declare it in that file, with "0" where there was none'
        yield Alert("B-USAGE-MISSING", file, f"quantities.{name}", text, client)


def _changes(root: Root, given: Inputs, billable: Billable, number: str) -> Iterator[Alert]:
    """Inputs that are not what they were when the invoice was made of them."""
    path = revenues.proof_path(root, revenues.DIRECT, billable.client.id, number, "json")
    if not path.exists():
        return
    before = document.from_json(path.read_bytes()).sources
    now = sources_of(given, billable)
    for name in sorted(now.keys() | before.keys()):
        if name != root.name_of(root.issuer) and now.get(name) != before.get(name):
            text = f"was changed after {number} was issued from it; the invoice stays as it is"
            yield Alert("I-CONFIG-CHANGED", name, "", text, billable.client.id)


# --- making --------------------------------------------------------------------------


def number_all(
    given: Inputs, billables: Iterable[Billable], sequences: numbering.Sequences, day: date
) -> tuple[list[Document], numbering.Sequences]:
    """The documents of a run, each with its number, in order of client.

    Raises:
      Refused: for each sequence that has a later date already.
    """
    issuer = given.issuer.issuer
    documents, faults = [], []
    logo = given.issuer.logo.sha256 if given.issuer.logo else ""
    for billable in billables:
        client = billable.client
        code = issuer.code if issuer.numbering == "issuer" else client.code
        try:
            number, sequences = numbering.advance(sequences, code, day)
        except ValueError as error:
            faults.append(Alert("B-NUMBER-DATE", "", "ISSUE_DATE", str(error), client.id))
            continue
        sources = sources_of(given, billable)
        renderer = dict(production.renderer())
        made = billing.invoice(billable, number, day, issuer, sources, renderer, logo)
        documents.append(made)
    if faults:
        raise Refused(faults)
    return documents, sequences


def sources_of(given: Inputs, billable: Billable) -> dict[str, str]:
    """Each file that an invoice is made from, and its SHA-256."""
    sources = [given.clients[billable.client.id].source, given.issuer.source]
    sources += [one.source for one in billable.usage]
    if given.issuer.logo:
        sources.append(given.issuer.logo)
    return {source.name: source.sha256 for source in sources}


def stage(
    run: issuing.Run, given: Inputs, documents: list[Document]
) -> dict[str, list[records.Record]]:
    """Renders, validates and stages every document and the inputs it was made from.

    Returns:
      for each client the facts to record, in order.

    Raises:
      Refused: with every rule that any document breaks.
    """
    facts: dict[str, list[records.Record]] = {}
    faults: list[Alert] = []
    logo = given.issuer.logo.data if given.issuer.logo else None
    for made in documents:
        product = production.produce(made, logo)
        for verdict in product.verdicts:
            file = given.clients[made.client].source.name
            faults.append(Alert("B-INVOICE-INVALID", file, verdict.rule, verdict.text, made.client))
        if product.verdicts:
            continue
        digests = [
            run.stage_proof(_proof(run.root, made, suffix), data)
            for suffix, data in (("json", product.json), ("pdf", product.pdf))
        ]
        facts.setdefault(made.client, []).append(revenues.facts(made, *digests))
    if faults:
        raise Refused(faults)
    if documents:
        _archive(run, given, documents)
    return facts


def _proof(root: Root, made: Document, suffix: str) -> Path:
    return revenues.proof_path(root, revenues.DIRECT, made.client, made.number, suffix)


def _archive(run: issuing.Run, given: Inputs, documents: list[Document]) -> None:
    """Keeps the bytes of the inputs, named by their hash, once each."""
    sources = [given.issuer.source, *([given.issuer.logo] if given.issuer.logo else [])]
    sources += [one.source for one in given.clients.values()]
    sources += [one.source for some in given.usage.values() for one in some]
    wanted = {digest for made in documents for digest in made.sources.values()}
    for digest, data in {source.sha256: source.data for source in sources}.items():
        path = run.root.archive_inputs / digest
        if digest in wanted and not path.exists():
            run.stage_proof(path, data)


# --- saying --------------------------------------------------------------------------


def report(root: Root, decision: Decision, facts: dict[str, list[records.Record]]) -> None:
    """One line an invoice, one a client passed over, and a summary."""
    issued = [fact for new in facts.values() for fact in new]
    for passed in decision.passed_over:
        print(f"{passed.client}: nothing issued, {passed.reason}")
    if issued:
        tables.show_revenues(issued)
    for fact in issued:
        text = f"{fact['number']} of {fact['gross']} {fact['currency']} for {fact['month']}"
        alerts.write_log(root.logs, fact["client"], "INFO", "generate_invoice.py", "I-ISSUED", text)
    alerts.report(root.logs, "generate_invoice.py", decision.notices)
    print(f"{len(issued)} invoices issued" if issued else "nothing left to issue")


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--month", type=cli.month, required=True, help="2026-10")
    made.add_argument("--issue-date", type=cli.day, required=True, help="2026-11-08")
    made.add_argument("--today", type=cli.day, required=True, help="the date of today")
    made.add_argument("--client", default="", help="only this client")
    made.add_argument("--reissue", type=cli.yes, default=False, help="yes: after a credit note")
    return made


if __name__ == "__main__":
    cli.run(parser(), main)
