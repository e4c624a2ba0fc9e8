"""What a person should know though nothing is wrong with a run: informational alerts.

Each function takes what was read and returns alerts; none touches the disk or a clock.
Texts name dates, not ages, so that what was reported once is not news again the next day.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import date, timedelta
from decimal import Decimal

from lib.billing import batch_files, invoicing, plan_periods
from lib.books import lifecycle
from lib.books.balances import InvoiceBalance
from lib.books.lifecycle import State
from lib.core.faults import Alert, Fault
from lib.core.messages import Message, say
from lib.inputs import plans, prices
from lib.inputs.batch_client_files import BatchClient
from lib.inputs.client_files import Client
from lib.inputs.inputs import Inputs
from lib.inputs.issuer_file import Issuer
from lib.inputs.plan_checks import BATCH_METRIC
from lib.inputs.prices import Indices
from lib.inputs.usage_files import UsageInput
from lib.values import money, periods
from lib.values.vat_periods import ReportPeriod

HAND_IN_BY = 7  # the day of the following month on which `make batch` runs for the last time
_NEAR = Decimal("0.90")  # of a threshold
_NO_LIMIT = say("is missing: nothing warns before VAT is due")
_FULL = 90  # per cent of a disk

Usage = Mapping[tuple[str, str], tuple[UsageInput, ...]]


def without_email(clients: Iterable[Client]) -> Iterator[Alert]:
    """Active clients who are to get their invoices by mail, and have no address."""
    for client in clients:
        if client.status == "active" and client.delivery.email and not client.party.email:
            off = '{"email": false}'
            remedy = say('add it, or write "delivery": {off}', off=off)
            fault = Fault("party.email", say("is missing: no invoice is sent"), remedy=remedy)
            yield Alert("I-NO-EMAIL", f"clients/{client.id}.json", fault, client.id)


def overdue(invoices: Iterable[InvoiceBalance], today: date) -> Iterator[Alert]:
    """Invoices whose due date has passed and of which something is outstanding."""
    for invoice in invoices:
        if invoice.outstanding > 0 and invoice.due_date and invoice.due_date < today:
            text = say(
                "{amount} {currency} were due on {date}",
                amount=money.shown(invoice.outstanding, 2),
                currency=invoice.currency,
                date=str(invoice.due_date),
            )
            remedy = say(
                "record what was paid (`make payment`), or remind the client (`make reminders`)"
            )
            fault = Fault(invoice.number, text, remedy=remedy)
            yield Alert("I-OVERDUE", "", fault, invoice.client)


def of_platform(
    client: str, states: Mapping[str, State], invoices: Iterable[InvoiceBalance]
) -> Iterator[Alert]:
    """What the customer or the platform objects to, until it is settled, and what is approved.

    Args:
      invoices: those of a direct client; of a batch client there are none here, and what is
        approved is its own business.
    """
    balances = {invoice.number: invoice for invoice in invoices}
    for number, state in states.items():
        balance = balances.get(number)
        if balance and balance.gross <= balance.credited:
            continue
        if state.decision:
            yield _objection("I-PLATFORM-REFUSED", client, number, state, balance)
        elif balance and balance.outstanding <= 0:
            continue
        elif state.disputed:
            yield _objection("I-PLATFORM-DISPUTED", client, number, state, balance)
        elif balance and state.code in (lifecycle.APPROVED, lifecycle.PAYMENT_SENT):
            text = say(
                "{stage} ({code}) on {day}",
                stage=state.stage,
                code=state.code,
                day=state.since[: len("2027-09-03")],
            )
            yield Alert("I-PLATFORM-APPROVED", "", Fault(number, text), client)


def _objection(
    code: str, client: str, number: str, state: State, balance: InvoiceBalance | None
) -> Alert:
    stage = lifecycle.STAGES[state.objection]
    text = say("{stage} ({code})", stage=stage, code=state.objection)
    if state.why:
        text = say(
            "{stage} ({code}): {reasons}", stage=stage, code=state.objection, reasons=state.why
        )
    remedy = _of_invoice(state.objection, number) if balance else _of_other(state, number)
    return Alert(code, "", Fault(number, text, remedy=remedy), client)


def _of_invoice(objection: str, number: str) -> Message:
    """What a person can do about an objection to a direct invoice."""
    if objection == lifecycle.REFUSED:
        return say(
            "nobody will pay it: `make credit-note INVOICE={number} REASON=...` cancels it, then"
            " invoice what is right",
            number=number,
        )
    if objection == lifecycle.REJECTED:
        return say(
            "the customer did not get it. If the invoice is right (the directory was wrong):"
            " `make platform INVOICE={number}`. If not: `make credit-note"
            " INVOICE={number} REASON=...`, then invoice what is right",
            number=number,
        )
    if objection == lifecycle.SUSPENDED:
        return say("give the customer what it waits for; it completes the invoice then (209)")
    return say(
        "settle it with the customer; `make credit-note INVOICE={number} REASON=...` takes back"
        " what was wrong",
        number=number,
    )


def _of_other(state: State, number: str) -> Message:
    """What can be done about a credit note, or an invoice of a batch client's."""
    if state.objection == lifecycle.REJECTED:
        return say(
            "the customer did not get it; if it is right, `make platform INVOICE={number}` deposits"
            " it again",
            number=number,
        )
    return say("settle it with the customer, or let the batch client do so")


def reports_due(periods: Iterable[ReportPeriod]) -> Iterator[Alert]:
    """Periods whose sales abroad and to private customers were not reported yet."""
    for period in periods:
        month = period.start.isoformat()[: len("2026-10")]
        text = say("is to be reported until {due}", due=period.due.isoformat())
        remedy = say("`make ereporting PERIOD={month} SEND=yes`", month=month)
        yield Alert("I-EREPORTING-DUE", "", Fault(period.name, text, remedy=remedy))


def months_not_run(
    clients: Iterable[Client], usage: Usage, indices: Indices, run: Set[str], until: str
) -> Iterator[Alert]:
    """Earlier months in which somebody was to be invoiced, and nobody was.

    Args:
      run: the months that were invoiced.
      until: the month of the run, the first that does not count as earlier.
    """
    active = [client for client in clients if client.status == "active"]
    starts = [
        periods.month_of(periods.start_date(plan.start))
        for client in active
        for plan in client.plans
    ]
    first = min(starts, default=until)
    months = (periods.add_months(first, i) for i in range(periods.months_between(first, until)))
    missing = [
        month
        for month in months
        if month not in run
        and any(invoicing.owes(client, month, usage, indices) for client in active)
    ]
    if missing:
        earliest, latest = missing[0], missing[-1]
        span = earliest
        if latest != earliest:
            between = say(
                "{earliest} to {latest} ({number} months)",
                earliest=earliest,
                latest=latest,
                number=len(missing),
            )
            span = str(between)
        remedy = say(
            "run `make month MONTH={month}` first, or let the plans in clients/ start with the"
            " first month that is invoiced here",
            month=earliest,
        )
        yield Alert("I-MONTH-SKIPPED", "", Fault(span, say("invoiced nobody"), remedy=remedy))


def plans_ending(clients: Iterable[Client], today: date) -> Iterator[Alert]:
    """Plans that end, or begin a next period of several months, within their `notice_days`."""
    for client in clients:
        for i, plan in enumerate(client.plans):
            if client.status != "active" or plan.notice_days is None:
                continue
            file, place = f"clients/{client.id}.json", f"plans[{i}]"
            if plan.end:
                ends = periods.end_date(plan.end)
                if 0 <= (ends - today).days <= plan.notice_days:
                    text = say("{plan} ends on {date}", plan=plan.id, date=str(ends))
                    remedy = say("agree on what follows, or let it end")
                    fault = Fault(f"{place}.end", text, remedy=remedy)
                    yield Alert("I-PLAN-ENDS", file, fault, client.id)
                continue
            period = plan_periods.period_of(plan, periods.month_of(today))
            if period is None or plan.every_months == 1:
                continue
            begins = period.whole.end + timedelta(days=1)
            if (begins - today).days <= plan.notice_days:
                text = say(
                    "{plan} begins its next {months} months on {date}: notice can be given until"
                    " then",
                    plan=plan.id,
                    months=plan.every_months,
                    date=str(begins),
                )
                yield Alert("I-PLAN-ENDS", file, Fault(f"{place}.notice_days", text), client.id)


def indices_needed(clients: Iterable[Client], indices: Indices, month: str) -> Iterator[Alert]:
    """Index values that the run after that of `month` needs and nobody has written down yet."""
    following = periods.add_months(month, 1)
    needed: dict[tuple[str, str], str] = {}
    for client in clients:
        revised = [
            plan
            for plan in client.plans
            if any(step.index for item in plan.items for step in plans.steps_of(item))
        ]
        for plan in revised if client.status == "active" else ():
            for part in plan_periods.due_by_rule(plan, following):
                for item in plan.items:
                    begins = invoicing.begins_of(plan, item, part.period)
                    if begins and item.id in part.days:
                        for lacks in prices.lacking(item, begins, indices):
                            needed.setdefault((lacks.index, lacks.month), client.id)
    for (name, value), client_id in sorted(needed.items()):
        text = say("is needed by the run of {month} ({client})", month=following, client=client_id)
        fault = Fault(f"values.{value}", text, remedy=say("add it with its source and date"))
        yield Alert("I-INDEX-NEEDED", f"data/indices/{name}.json", fault)


def turnover(issuer: Issuer, sums: Mapping[str, Decimal], year: int) -> Iterator[Alert]:
    """Where the year's turnover stands against the limits of the VAT exemption.

    What was invoiced less what was credited, by date of issue, without VAT (art. 293 B and
    293 D CGI): services against their limit, and, where goods are sold too, all of it against
    the limit of goods. Only for an issuer under that exemption.

    Args:
      sums: the year's turnover here in services and in goods.
    """
    if issuer.vat_regime != "franchise":
        return
    limits = issuer.thresholds.get(str(year))
    if limits is None:
        remedy = say("add the year's limits, as examples/franchise/issuer.json shows")
        fault = Fault(f"thresholds.{year}", _NO_LIMIT, remedy=remedy)
        yield Alert("I-THRESHOLD-UNKNOWN", "issuer.json", fault)
        return
    sums = {
        nature: money.total((sum_, getattr(limits.before, nature))) for nature, sum_ in sums.items()
    }
    compared = [("services", sums["services"], limits.services, limits.services_raised)]
    if sums["goods"]:
        compared.append(("goods", money.total(sums.values()), limits.goods, limits.goods_raised))
    for name, amount, limit, raised in compared:
        yield from _against(name, amount, limit, raised, year)


def _against(
    name: str, amount: Decimal, limit: Decimal | None, raised: Decimal | None, year: int
) -> Iterator[Alert]:
    place = f"thresholds.{year}.{name}"
    if limit is None or raised is None:
        if amount:
            fault = Fault(place, _NO_LIMIT, remedy=say("add the year's limit"))
            yield Alert("I-THRESHOLD-UNKNOWN", "issuer.json", fault)
        return
    if amount > raised:
        text = say(
            "turnover of {year} is over {limit}: VAT is due from the day it was passed",
            year=year,
            limit=str(raised),
        )
        fault = Fault(f"{place}_raised", text, remedy=say("ask your accountant now"))
        yield Alert("I-THRESHOLD-OVER", "issuer.json", fault)
    elif amount > limit:
        text = say(
            "turnover of {year} is over {limit}: VAT is due from {day}, earlier if it passes"
            " {raised}",
            year=year,
            limit=str(limit),
            day=f"{year + 1}-01-01",
            raised=str(raised),
        )
        yield Alert("I-THRESHOLD-OVER", "issuer.json", Fault(place, text))
    elif amount >= limit * _NEAR:
        text = say(
            "turnover of {year} has reached {amount}, nine tenths of {limit}",
            year=year,
            amount=money.shown(limit * _NEAR, 2),
            limit=str(limit),
        )
        fault = Fault(place, text, remedy=say("plan for VAT"))
        yield Alert("I-THRESHOLD-NEAR", "issuer.json", fault)


def batches_missing(inputs: Inputs, done: Mapping[str, Set[str]], today: date) -> Iterator[Alert]:
    """Batch clients whose file of last month was not issued by the 7th, nor declared absent.

    Args:
      done: for each of them the months that were issued.
    """
    if today.day <= HAND_IN_BY:
        return
    month = periods.add_months(periods.month_of(today), -1)
    for name, client_file in inputs.batch_clients.items():
        client = client_file.client
        payer = inputs.clients[client.billed_as].client
        due = client.status == "active" and batch_files.pays(payer, month)
        if not due or month in done.get(name, ()):
            continue
        if not _declared_empty(client, month, inputs.usage):
            file = f"data/inbox_batch/{name}__{month}.csv"
            remedy = say(
                "ask for it (a rejected one lies in data/inbox_batch/rejected/), or declare"
                " {metric} 0 for {client}",
                metric=BATCH_METRIC,
                client=client.billed_as,
            )
            text = say("was not issued by day {day}", day=HAND_IN_BY)
            yield Alert("I-BATCH-MISSING", file, Fault("", text, remedy=remedy), name)


def _declared_empty(client: BatchClient, month: str, usage: Usage) -> bool:
    sources = usage.get((client.billed_as, month), ())
    return any(source.usage.quantities.get(BATCH_METRIC) == 0 for source in sources)


def clock(newest: date | None, today: date) -> Iterator[Alert]:
    """A date of today that lies before the newest record: the clock is wrong, or that was."""
    if newest and newest > today:
        text = say(
            "{today} is before {newest}, the date of the newest record",
            today=str(today),
            newest=str(newest),
        )
        yield Alert("I-CLOCK", "", Fault("today", text, remedy=say("set the clock")))


def disk(path: str, used: int, total: int) -> Iterator[Alert]:
    """A disk that is nearly full; bytes."""
    if used * 100 > total * _FULL:
        text = say("its disk is over {percent} % full", percent=_FULL)
        fault = Fault("", text, remedy=say("make room before a run has to stop"))
        yield Alert("I-DISK", path, fault)
