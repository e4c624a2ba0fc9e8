"""The bills of a month, of inputs and records: what is due, what stands in its way, what is owed.

For every command that asks what a run would do: the run itself, a preview, a check, a status.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from lib.billing import credit_notes, invoicing, plan_periods
from lib.billing.invoicing import Bill
from lib.billing.plan_periods import Billed, Gap
from lib.billing.pricing import MissingUsage
from lib.books import records, revenues
from lib.core import storage
from lib.core.faults import Alert, Fault
from lib.core.messages import Message, figure, say
from lib.core.root import Root
from lib.inputs import client_files, index_files, plans, prices, usage_files
from lib.inputs.client_files import Client
from lib.inputs.inputs import Inputs
from lib.inputs.plans import Flat, Item, Percentage, PerUnit
from lib.inputs.prices import Indices
from lib.values import money, periods, spans

_SHOWN = 8  # invoices of the next run
_ONE_OFF = say("one-off lines")
_UNREADABLE = say("cannot be read: `make check`")


class Owed(NamedTuple):
    """What an invoice billed beyond the end of an item, to be credited: the line and first day."""

    number: str
    lines: dict[str, date]
    gross: Decimal


def of_client(
    inputs: Inputs,
    client: Client,
    billed: Sequence[Billed],
    month: str,
    reissue: bool = False,
    since: date | None = None,
) -> Bill:
    """What a client is to be invoiced in the run of a month, beyond what its records have.

    Args:
      billed: what they have, as `revenues.billed` gives it.
      since: the first day of the first month that was ever run.

    Raises:
      MissingUsage: as `billing.bill`.
    """
    return invoicing.bill(client, month, inputs.usage, inputs.index_values, billed, reissue, since)


def missing_faults(inputs: Inputs, client: str, missing: MissingUsage) -> Iterator[Alert]:
    """A fault for each quantity and each index value that a bill needs, and where it belongs."""
    for lacks in missing.quantities:
        file = f"data/usage/{client}/{lacks.month}.manual.json"
        remedy = say('declare it in that file, with "0" where there was none')
        fault = Fault(f"quantities.{lacks.metric}", say("is missing"), remedy=remedy)
        yield Alert("B-USAGE-MISSING", file, fault, client)
    for month in dict.fromkeys(lacks.month for lacks in missing.quantities):
        for source in inputs.usage.get((client, month), ()):
            yield from source.unfit
    for value in missing.indices:
        file = f"data/indices/{value.index}.json"
        remedy = say("a price of {client} needs it: add it with its source and date", client=client)
        fault = Fault(f"values.{value.month}", say("is missing"), remedy=remedy)
        yield Alert("B-INDEX-MISSING", file, fault, client)


def gap_notices(
    file: str, client: Client, gaps: Iterable[Gap], billed: Sequence[Billed]
) -> Iterator[Alert]:
    """Days that no invoice has, and what to do about them."""
    for gap in gaps:
        days = tuple(
            say("{start} to {end}", start=str(period.start), end=str(period.end))
            for period in gap.days
        )
        run = [
            days_billed
            for days_billed in billed
            if days_billed.plan == gap.plan and days_billed.month == gap.run
        ]
        if run:
            remedy = say(
                "{invoice} was issued without it: let the item start later, or bill the days by a"
                " one-off line",
                invoice=run[-1].number,
            )
        else:
            remedy = say(
                "run `make invoice CLIENT={client} MONTH={month}`, let it start later, or name the"
                " months in skip",
                client=client.id,
                month=gap.run,
            )
        found = say("{item}, {days}: no invoice has it", item=gap.item.id, days=days)
        unbilled = Fault(str(say("plan {plan}", plan=gap.plan)), found, remedy=remedy)
        yield Alert("I-SERVICE-UNBILLED", file, unbilled, client.id)


# --- prices and plans of a month -------------------------------------------------------


class Price(NamedTuple):
    """The price of an item in the period that touches a month, and what made it so."""

    client: str
    plan: str
    item: str
    price: Message | str
    since: Message | str


def prices_in(inputs: Inputs, month: str) -> Iterator[Price]:
    """The prices that hold in a month, of every item that is served in it."""
    for client_file in inputs.clients.values():
        for plan, item in plans.each_item(client_file.client.plans):
            period = plan_periods.period_of(plan, month)
            begins = invoicing.begins_of(plan, item, period)
            dates = plans.dates_of_item(plan, item)
            if client_file.client.status == "closed" or begins is None or dates is None:
                continue
            if not spans.within(spans.of_months([month]), dates):
                continue
            price, since = _price(item, begins, inputs.index_values)
            yield Price(client_file.client.id, plan.id, item.id, price, since)


def _price(item: Item, begins: date, indices: Indices) -> tuple[Message | str, Message | str]:
    if lacks := prices.missing(item, begins, indices):
        return "", say("{index} {month} is missing", index=lacks.index, month=lacks.month)
    charge = prices.priced(item, begins, indices)
    if isinstance(charge, Percentage):
        return say("{rate} %", rate=money.shown(charge.rate, 0)), ""
    price = charge.price if isinstance(charge, Flat) else None
    price = charge.unit_price if isinstance(charge, PerUnit) else price
    if price is None:
        return say("by tiers"), ""
    steps = plans.steps_of(item)
    if not steps:
        return money.shown(price), ""
    step = steps[prices.position(item, begins)]
    since: Message | str = step.since
    if step.index:
        since = f"{since} ({step.index} {step.at})"
    elif step.percent is not None:
        since = say("{since} ({change} %)", since=since, change=figure(f"{step.percent:+}"))
    return money.shown(price), since


class Next(NamedTuple):
    """An invoice of a run that was not done yet: its plans, its days, its net if that is known."""

    client: str
    plans: Message | str
    period: str
    net: Message | str


class Coming(NamedTuple):
    """The run of a month: the first of its invoices, and how many more there are."""

    month: str
    invoices: list[Next]
    more: int = 0

    def with_all(self, invoices: Sequence[Next]) -> "Coming":
        """With those of another client: beyond the first ones only their number is kept."""
        shown = invoices[: max(0, _SHOWN - len(self.invoices))]
        self.invoices.extend(shown)
        return self._replace(more=self.more + len(invoices) - len(shown))


def next_run(root: Root, month: str) -> Coming:
    """The next run that bills something, this month's or the one after, and its invoices.

    Clients are looked at one at a time, as their files stand: `make check` says what is wrong.
    """
    indices = index_files.glance(root)
    runs = [Coming(month, []), Coming(periods.add_months(month, 1), [])]
    for name, client in client_files.glances(root):
        rows_of_runs: list[list[Next]] = [[Next(name, "", "", _UNREADABLE)], []]
        if client:
            billed = revenues.billed(revenues.lines_of(root, revenues.DIRECT, name))
            with suppress(ValueError, ArithmeticError, LookupError):
                rows_of_runs = [_coming(root, client, billed, indices, run.month) for run in runs]
        for i, rows in enumerate(rows_of_runs):
            runs[i] = runs[i].with_all(rows)
    return runs[0] if runs[0].invoices else runs[1]


def _coming(
    root: Root, client: Client, billed: Sequence[Billed], indices: Indices, month: str
) -> list[Next]:
    parts = plan_periods.parts_due(client.plans, month, billed)
    months = dict.fromkeys([month, *(name for part in parts for name in part.period.months)])
    usage = usage_files.glance(root, client.id, months)
    try:
        bill = invoicing.bill(client, month, usage, indices, billed)
    except MissingUsage as missing:
        lacks = tuple(map(str, (*missing.quantities, *missing.indices)))
        return [_waiting(client, billed, month, say("waits for {values}", values=lacks))]
    return [_next(invoice) for invoice in bill.invoices]


def _waiting(client: Client, billed: Sequence[Billed], month: str, why: Message) -> Next:
    """What falls due for a client and cannot be charged yet."""
    parts = plan_periods.parts_due(client.plans, month, billed)
    due = [part for part in parts if part.days]
    days = spans.envelope(spans.union(d for part in due for own in part.days.values() for d in own))
    names = ", ".join(dict.fromkeys(part.plan.id for part in due))
    return Next(client.id, names, f"{days.start} – {days.end}", why)


def _next(invoice: invoicing.Billable) -> Next:
    charges = invoice.charges
    net = money.total(line.net for line in charges.lines)
    net -= money.total(allowance.amount for allowance in charges.allowances)
    names = dict.fromkeys(line.plan or _ONE_OFF for line in charges.lines)
    period = f"{invoice.period.start} – {invoice.period.end}"
    plan_names = say("{plans}", plans=tuple(names))
    return Next(invoice.client.id, plan_names, period, money.shown(net))


# --- what is owed back ---------------------------------------------------------------


def owed(root: Root, client: Client, billed: Sequence[Billed]) -> list[Owed]:
    """What invoices billed beyond the end of an item, and no credit note took back yet."""
    after: dict[str, dict[str, date]] = {}
    for days_billed, days in plan_periods.unserved(client.plans, billed):
        for line in days_billed.lines:
            after.setdefault(days_billed.number, {})[line] = days[0].start
    if not after:
        return []
    chain = records.read(root, revenues.chain_path(root, revenues.DIRECT, client.id))
    owed_back = []
    for number, lines in after.items():
        record = next(line for line in chain.records if line["number"] == number)
        invoice = revenues.proved_document(root, revenues.DIRECT, record)
        notes = [
            revenues.proved_document(root, revenues.DIRECT, line)
            for line in chain.records
            if line.get("corrects") == number
        ]
        wishes = {line: credit_notes.Wish(since=day) for line, day in lines.items()}
        try:
            parts = credit_notes.wished_parts(invoice, notes, wishes)
        except credit_notes.TooMuch:
            continue  # so much of it was credited that the rest is less than these days
        note = credit_notes.credit_note(invoice, notes, parts, "", invoice.issue_date, "-", {}, {})
        owed_back.append(Owed(number, lines, note.totals.gross))
    return owed_back


def owed_notices(root: Root, client: Client, claims: Iterable[Owed]) -> Iterator[Alert]:
    """What is owed back, with the command to type; it reads the file that `write_lines` wrote."""
    for claim in claims:
        day = min(claim.lines.values())
        found = say(
            "bills days from {day} on, after the end of what it charges: {amount} {currency} are"
            " owed back",
            day=str(day),
            amount=money.shown(claim.gross),
            currency=client.currency,
        )
        remedy = say(
            "type `make credit-note INVOICE={invoice} LINES={lines} REASON=...`",
            invoice=claim.number,
            lines=lines_path(root, claim),
        )
        yield Alert("I-CREDIT-OWED", "", Fault(claim.number, found, remedy=remedy), client.id)


def lines_path(root: Root, claim: Owed) -> str:
    """Where the lines of a credit note that is owed are laid out for `make credit-note`."""
    return str(root.preview / f"credit-{claim.number}.json")


def write_lines(root: Root, claims: Iterable[Owed]) -> None:
    """The LINES of credit notes that are owed, in ROOT/preview/."""
    for claim in claims:
        lines = [{"line": line, "from": day.isoformat()} for line, day in claim.lines.items()]
        storage.make_folder(root.preview)
        path = root.preview / f"credit-{claim.number}.json"
        storage.update_derived(path, storage.pretty_json({"lines": lines}))
