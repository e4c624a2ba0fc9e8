#!/usr/bin/env python3
"""Shows the state of everything on one screen. Reads only.

The last run and how it ended, the flags of the month, invoices by status, what is overdue,
quotes that wait for an answer, what became of invoices on the platform, what the next run
invoices by plan, mails and batches that wait, the heads of the records, and the disk.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_dates(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from lib.books import (
    balances,
    bills,
    closed_periods,
    closings,
    exchanges,
    heads,
    issuing,
    lifecycle,
    order_records,
    quotations,
    records,
    reports,
    revenues,
)
from lib.books.balances import InvoiceBalance
from lib.books.heads import Head
from lib.books.lifecycle import State
from lib.books.order_records import OrderProgress
from lib.core import flags as steps
from lib.core import lock, storage, tables
from lib.core.faults import Alert, Broken, collecting, printable
from lib.core.messages import Message, figure, say
from lib.core.root import Root
from lib.inputs import inbox, issuer_file, settings
from lib.mail import outbox
from lib.summary import last_summary
from lib.values import money

_STATUSES = {
    balances.UNPAID: say("unpaid"),
    balances.PARTIALLY_PAID: say("partially paid"),
    balances.PAID: say("paid"),
    balances.WRITTEN_OFF: say("written off"),
    balances.CREDITED: say("credited"),
    balances.OVERPAID: say("overpaid"),
}
_SHORT = 12  # characters of a hash, enough to compare two
_WIDEST = 100  # columns of a line
_MOST_QUOTES = 5
_MOST_ORDERS = 20
_MOST_LINES = 4  # of names of what is not a batch, below the first; of what is to be reported


class Sum(NamedTuple):
    """So many invoices, and what they come to."""

    number: int
    amount: Decimal


NONE = Sum(0, money.ZERO)


def main(arguments: Namespace, root: Root) -> None:
    """One line, or a few, about each subject.

    Raises:
      Broken: after all that can be shown, if the records cannot be.
    """
    with lock.shared(root, settings.load(root).lock_wait):
        stopped = tuple(issuing.stopped_runs(root))
        steps = tuple(flags(root, arguments.month))
        lines = [
            (say("last run"), last_run(root)),
            (say("stopped"), join(stopped) if stopped else say("no run waits to be finished")),
            (say("month {month}", month=arguments.month), join(steps) if steps else say("no flag")),
            (say("mails"), say("{number} waiting", number=len(outbox.waiting(root)))),
            *batches(root),
            *reporting(root, arguments.today),
            (say("disk"), disk(root)),
        ]
        for name, text in lines:
            print(shortened(f"{name!s:14}  {text}"))
        try:
            statuses, ages = sums_of(balances.read_all(root), arguments.today)
            quotes = open_quotes(root, arguments.today)
            orders = [order for order in order_records.progress(root) if order.is_open]
            deposited = on_platform(root)
            known = heads.read(root)
            coming = bills.next_run(root, arguments.month)
            closed = closings.state(
                closed_periods.read(root), closings.open_months(root, arguments.today)
            )
        except Broken as broken:
            faults = say("broken, {number} faults; run `make verify`", number=len(broken.alerts))
            print(f"{say('records')!s:14}  {faults}")
            raise
    print(shortened(f"{say('closed')!s:14}  {closed}"))
    print()
    show_invoices(say("invoices"), say("gross"), statuses)
    print()
    show_invoices(say("overdue"), say("outstanding"), ages)
    print()
    if quotes:
        show_quotes(quotes)
        print()
    if orders:
        show_orders(orders)
        print()
    if deposited.stages:
        show_platform(deposited)
        print()
    show_next(coming)
    print()
    show_heads(known)


def show_next(coming: bills.Coming) -> None:
    """The invoices of the next run by plan, the first of them where there are many."""
    rows: list[Sequence[Message | str]] = [*coming.invoices]
    if coming.more:
        rows.append([say("and {number} more", number=coming.more), "", "", ""])
    title = say("next run, {month}", month=coming.month)
    headings = [title, say("plans"), say("period"), say("net")]
    tables.show("", headings, rows or [[say("nothing"), "", "", ""]], right=1)


def join(texts: tuple[Message | str, ...]) -> Message:
    """Several texts with commas between."""
    return say("{texts}", texts=texts)


def last_run(root: Root) -> str:
    """When a run that ends with a summary ended last, and what that said."""
    outcome = last_summary.last_outcome(root)
    return printable(" ".join(outcome)) if outcome else str(say("none yet"))


def flags(root: Root, month: str) -> list[Message]:
    """The steps that are done: the month's own, and those that know no month."""
    paths = [*root.flags.glob(f"{month}/*.done"), *root.flags.glob("*.done")]
    return [
        say("{step} done", step=steps.step(path.stem))
        for path in sorted(paths, key=lambda path: path.stem)
    ]


def count(folder: Path, pattern: str) -> int:
    """How many files of a folder have such a name."""
    return sum(1 for _ in folder.glob(pattern))


def batches(root: Root) -> Iterator[tuple[Message | str, Message | str]]:
    """The files of the inbox, those that were rejected, and the names of what is not a batch."""
    entries = inbox.entries(root)
    strays = [printable(path.name) for path in entries if inbox.stray(root, path)]
    rejected = count(root.rejected, "*__*.csv") - count(root.rejected, "*.errors.csv")
    counts = say(
        "{waiting} waiting, {rejected} rejected",
        waiting=len(entries) - len(strays),
        rejected=rejected,
    )
    if not strays:
        yield say("batches"), counts
        return
    text = say(
        "{counts}, {number} not read: {names}",
        counts=counts,
        number=len(strays),
        names=tuple(strays),
    )
    first, *more = textwrap.wrap(str(text), _WIDEST - 16, break_on_hyphens=False)
    yield say("batches"), first
    yield from (("", line) for line in more[:_MOST_LINES])
    if more[_MOST_LINES:]:
        yield "", say("… and more: `make batch` names them all, with what to do")


def reporting(root: Root, today: date) -> Iterator[tuple[Message | str, Message]]:
    """Until when what was sold abroad and to private customers is to be reported."""
    faults: list[Alert] = []
    own = issuer_file.load(root, faults)
    periods = []
    if own and own.issuer.vat_periods:
        with collecting(faults):  # what is broken is said below, of all records
            periods = reports.due(own.issuer, exchanges.read(root, own.issuer.code), today)
    for i, period in enumerate(periods[:_MOST_LINES]):
        name = "" if i else say("to be reported")
        yield name, say("{period} until {due}", period=period.name, due=period.due.isoformat())


def disk(root: Root) -> Message:
    """ "12.3 GB free, 45 % used"."""
    free = shutil.disk_usage(root.path).free // 10**8
    return say(
        "{free} GB free, {used} % used",
        free=figure(f"{free // 10}.{free % 10}"),
        used=storage.percent_used(root.path),
    )


def shortened(line: str) -> str:
    """A line that fits the screen."""
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"


# --- invoices ------------------------------------------------------------------------


def sums_of(
    invoices: Iterable[InvoiceBalance], today: date
) -> tuple[dict[Message, Sum], dict[Message, Sum]]:
    """What invoices come to: their gross by status; by days late, what is outstanding after
    its due date."""
    statuses = dict.fromkeys(_STATUSES.values(), NONE)
    late = [say("{age} days", age=age) for age in balances.AGES[1:-1]]
    names = (say("current"), *late, say("over 90 days"))
    ages = dict.fromkeys(names, NONE)
    for invoice in invoices:
        _add(statuses, _STATUSES[invoice.status], invoice.gross)
        if invoice.outstanding > 0 and balances.days_late(invoice, today) > 0:
            _add(ages, names[balances.age(invoice, today)], invoice.outstanding)
    return statuses, ages


def _add(sums: dict[Message, Sum], name: Message, amount: Decimal) -> None:
    number, so_far = sums[name]
    sums[name] = Sum(number + 1, money.total((so_far, amount)))


def show_invoices(name: Message, amounts: Message, sums: dict[Message, Sum]) -> None:
    """A table of the sums of at least one invoice."""
    rows: list[list[Message | str]] = [
        [group, str(part.number), money.shown(part.amount, 2)]
        for group, part in sums.items()
        if part.number
    ]
    headings = [name, say("count"), amounts]
    tables.show("", headings, rows or [[say("none"), "0", ""]], right=2)


# --- quotes --------------------------------------------------------------------------


def open_quotes(root: Root, today: date) -> list[list[Message | str]]:
    """The quotes that wait for an answer, those first whose time is over."""
    waiting = [
        (quotation.fact.valid_until, quotation)
        for client in records.owners(root, quotations.folder(root))
        for quotation in quotations.quotations(quotations.read(root, client))
        if quotation.is_open
    ]
    return [
        [
            quotation.number,
            quotation.fact.client,
            quotation.fact.order,
            say("expired") if quotation.status(today) == quotations.EXPIRED else say("waiting"),
            str(day),
            money.shown(quotation.fact.gross, 2),
        ]
        for day, quotation in sorted(waiting, key=lambda entry: (str(entry[0]), entry[1].number))
    ]


def show_orders(orders: list[OrderProgress]) -> None:
    """What each order comes to without VAT and what of it is left to invoice; with VAT what is
    invoiced and what of that is paid. The first of them where there are many."""
    rows: list[list[Message | str]] = [
        [
            order.order,
            order.client,
            *("" if net is None else money.shown(net, 2) for net in (order.net, order.left)),
            money.shown(order.invoiced, 2),
            money.shown(order.paid, 2),
        ]
        for order in orders[:_MOST_ORDERS]
    ]
    if more := len(orders) - len(rows):
        rows.append([say("and {number} more", number=more), "", "", "", "", ""])
    headings = [
        say("orders"),
        say("client"),
        say("without VAT"),
        say("left to invoice"),
        say("invoiced with VAT"),
        say("paid so far"),
    ]
    tables.show("", headings, rows, right=4)


def show_quotes(rows: list[list[Message | str]]) -> None:
    """A line for each quote that waits for an answer, the first of them where there are many."""
    shown = rows[:_MOST_QUOTES]
    if more := len(rows) - len(shown):
        shown.append([say("and {number} more", number=more), "", "", "", "", ""])
    headings = [
        say("quotes"),
        say("client"),
        say("order"),
        say("answer"),
        say("valid until"),
        say("gross"),
    ]
    tables.show("", headings, shown, right=1)


# --- the platform --------------------------------------------------------------------


class Deposited(NamedTuple):
    """How many documents are how far, by code and stage; those that are objected to: client, number
    and state."""

    stages: dict[tuple[str, Message], int]
    objected: list[tuple[str, str, State]]


def on_platform(root: Root) -> Deposited:
    """What the platform knows or said of each document of ours; what it said of others is in the
    file of an account."""
    deposited = Deposited({}, [])
    ours = {*revenues.owners(root, revenues.DIRECT), *revenues.owners(root, revenues.BATCH)}
    for owner in sorted(ours):
        for number, state in lifecycle.states(exchanges.read(root, owner)).items():
            key = state.code, state.stage
            deposited.stages[key] = deposited.stages.get(key, 0) + 1
            if state.objection:
                deposited.objected.append((owner, number, state))
    return deposited


def show_platform(deposited: Deposited) -> None:
    """How many documents are how far, then those that are objected to, with the reasons; the
    first of these where there are many."""
    rows: list[list[Message | str]] = [
        [stage, code, str(number)] for (code, stage), number in sorted(deposited.stages.items())
    ]
    headings = [say("platform"), say("status"), say("count")]
    tables.show("", headings, rows, right=1)
    objected = deposited.objected
    rows = [
        [number, owner, state.objection, lifecycle.STAGES[state.objection], join(state.why)]
        for owner, number, state in objected[:_MOST_ORDERS]
    ]
    if more := len(objected) - len(rows):
        rows.append([say("and {number} more", number=more), "", "", "", ""])
    if rows:
        print()
        headings = [say("objections"), say("client"), say("status"), say("stage"), say("reason")]
        tables.show("", headings, rows)


# --- heads ---------------------------------------------------------------------------


def show_heads(known: list[Head]) -> None:
    """A line a family: its files, its records, and one hash over the heads of all."""
    families: dict[str, list[Head]] = {}
    for head in known:
        families.setdefault(Path(head.file).parent.name, []).append(head)
    rows = [
        [name, str(len(members)), str(sum(head.seq for head in members)), digest(members)]
        for name, members in families.items()
    ]
    headings = [say("records"), say("files"), say("lines"), say("heads")]
    tables.show("", headings, rows or [[say("none"), "0", "0", ""]], right=3)


def digest(members: Iterable[Head]) -> str:
    """The first characters of the SHA-256 of a witness."""
    return storage.sha256(heads.witness(members).encode())[:_SHORT]


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
