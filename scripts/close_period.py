#!/usr/bin/env python3
"""Closes a month, or a year with those of its months that are open: nothing is dated in it, or
before it, from then on.

What was invoiced, received and due in it is recorded for good, with the grand totals and the heads
of all record files. Months are closed in order, when they are over. docs/integrity.md says what
that proves.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    either = options.add_mutually_exclusive_group(required=True)
    either.add_argument("--month", dest="period", type=cli.month, help="2026-10")
    either.add_argument("--year", dest="period", type=cli.year, help="2026")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from datetime import date
from decimal import Decimal

from lib.audit import book_audit, findings
from lib.books import (
    closed_periods,
    closings,
    heads,
    histories,
    issuing,
    recording,
    records,
    revenues,
)
from lib.books.closings import NotClosed
from lib.books.record_lines import ClosingAccounts
from lib.core.faults import Broken
from lib.core.messages import Message, counted, say
from lib.core.root import Root
from lib.inputs import client_files, inputs, settings
from lib.values import money, periods

_SCRIPT = "close_period.py"


def main(arguments: Namespace, root: Root) -> None:
    """A line for each period in data/closings/books.jsonl, or a refusal."""
    period, today = arguments.period, arguments.today
    command = f"close_period {period}"
    refuse_stopped(root, command)
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            print(say("{period} was closed by finishing the run that had stopped", period=period))
            return
        refuse_broken(root)
        facts = decide(root, period, today)
        run.append(records.end_of(closed_periods.path(root), closed_periods.read(root)), facts)
        run.commit()
    for fact in facts:
        report(root, fact)
    last = periods.last_day_of(period)
    print(say("nothing is dated up to {last} from now on", last=str(last)))


def refuse_stopped(root: Root, command: str) -> None:
    """What another run has begun is finished before anything is closed, and looked at.

    Raises:
      Refused: if a run waits to be finished that is not this one.
    """
    waiting = [name for name in issuing.stopped_runs(root) if name != command]
    if waiting:
        found = say("{command} was stopped and waits to be finished", command=waiting[0])
        remedy = say("run it again, or `make reconcile`; then close")
        raise cli.refuse("B-CLOSE", "", "", found, remedy=remedy)


def refuse_broken(root: Root) -> None:
    """What is wrong with records would be closed with them.

    Raises:
      Broken: with all that is.
    """
    files, _ = findings.walk(root, book_audit.FOLDERS)
    _, faults = book_audit.read(files)
    if faults:
        raise Broken(dict.fromkeys(faults))


def decide(root: Root, period: str, today: date) -> list[records.Record]:
    """The lines of the months that are closed, and of the year.

    Raises:
      Refused: if the period cannot be closed, or issuer.json is refused.
    """
    clients = histories.by_client(root, histories.clients_of(root), "")
    past = closings.past(root, (history for own in clients for history in own))
    try:
        closed = closed_periods.read(root)
        months = closings.months_to_close(period, closed, past.first_month, today)
        if not months and not any(line.period.startswith(period) for line in closed):
            first = min(line.period for line in closed)
            raise NotClosed(
                say("{period} is before {first}, where the books begin", period=period, first=first)
            )
    except NotClosed as none:
        place = "MONTH" if "-" in period else "YEAR"
        raise cli.refuse("B-CLOSE", "", place, none.why, remedy=none.remedy) from None
    known = [head._asdict() for head in heads.read(root)]
    issuer = inputs.load_issuer(root)
    accounts = ClosingAccounts(client_files.accounts(root), issuer.fiscal_year_end, issuer.accounts)
    own = dict.fromkeys((*months, period))
    return [closings.facts(each, today, past, accounts, known) for each in own]


def report(root: Root, fact: records.Record) -> None:
    """What a period had, and the grand totals at its end."""
    own = [entry for entry in fact["numbers"] if entry["ledger"] == revenues.DIRECT.records]
    documents = sum(entry["documents"] for entry in own)
    text = say(
        "{period} is closed: {documents}, invoiced {invoiced}, received {received}, VAT due {vat}",
        period=fact["period"],
        documents=counted(documents, "1 document", "{number} documents"),
        invoiced=total(fact["invoiced"], "net", "vat"),
        received=total(fact["received"], "net", "vat"),
        vat=total(fact["due"], "vat"),
    )
    recording.report(root, "", _SCRIPT, text)
    for entry in fact["numbers"]:
        ends = {"first": entry["first"], "last": entry["last"]}
        if entry in own:
            print(say("  {first} to {last}", **ends))
        else:
            print(say("  {first} to {last}, in the name of a batch client", **ends))


def total(shares: list[dict[str, str]], *keys: str) -> Message:
    """What shares come to."""
    return money.shown(money.total(Decimal(share[key]) for share in shares for key in keys), 2)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
