#!/usr/bin/env python3
"""Issues the invoice of a step of an order: a deposit, a milestone, the final invoice.

On any day, beside the invoices of months. Without --step it is the first step that was never
invoiced, once a day. What the records know already is not issued again.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_dates(options, month_too=False)
    options.add_argument("--client", required=True, help="studio_nord")
    options.add_argument("--order", required=True, help="website")
    options.add_argument("--step", default="", help="the step; empty: the next")
    options.add_argument(
        "--delivered", type=cli.day_or_none, help="when, 2026-10-31 (default: the issue date)"
    )
    options.add_argument("--reissue", type=cli.yes, default=False, help="yes: after a credit note")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from collections.abc import Sequence
from datetime import date

from lib.billing import orders
from lib.billing.orders import Beyond, StepInvoice, StepRefused
from lib.books import (
    closed_periods,
    issuing,
    numbering,
    order_records,
    quotations,
    records,
    revenues,
)
from lib.core import alerts, dates, storage
from lib.core.faults import Alert, Broken, Refused, WrongUsage, collecting
from lib.core.messages import Message, figure, say
from lib.core.root import Root
from lib.documents import direct_invoices, production
from lib.documents.direct_invoices import Past
from lib.inputs import inputs, settings
from lib.inputs.inputs import Inputs
from lib.inputs.order_files import OrderInput, Step
from lib.values import money
from lib.values.document import Document


def main(arguments: Namespace, root: Root) -> None:
    """The story of an invoice of an order."""
    dates.refuse_future(
        "ISSUE_DATE", arguments.issue_date, arguments.today, say("an invoice is not post-dated")
    )
    if cli.typed("month"):
        text = say("an order is invoiced on a day, not for a month")
        raise cli.refuse(
            "B-USAGE", "", "MONTH", text, remedy=say("leave it out, or give ISSUE_DATE")
        )
    limits = settings.load(root)
    production.expect(limits, 1)
    name = f"{arguments.client}/{arguments.order}"
    with issuing.begin(root, f"invoice_order {name} {arguments.step}", limits.lock_wait) as run:
        if run.just_finished:
            return
        closed_periods.refuse(root, "ISSUE_DATE", arguments.issue_date, arguments.client)
        content = inputs.load(root, arguments.client)
        entry = inputs.order_of(content, arguments.client, arguments.order)
        past = read_past(root, content)
        step, delivered, charges = decide(root, content, entry, past, arguments)
        starts = revenues.starts(root, revenues.DIRECT)
        sequences = numbering.read(root, revenues.DIRECT.counters, past.numbered, starts)
        days = arguments.issue_date, delivered
        document = make(content, entry, step, charges, sequences, days)
        facts = direct_invoices.stage(run, content, [document], 1, limits)[document.client]
        run.append(past.ends[document.client], facts)
        numbering.stage(run, revenues.DIRECT.counters, sequences)
        run.commit()
    report(root, entry, step, facts[0])


def read_past(root: Root, content: Inputs) -> Past:
    """What the records know, of all clients.

    Raises:
      Broken: with every disagreement of the records.
    """
    past = Past({}, [], {}, {})
    broken: list[Alert] = []
    owners = revenues.owners(root, revenues.DIRECT)
    for name in sorted({*content.clients, *owners}):
        with collecting(broken):
            lines = revenues.lines_of(root, revenues.DIRECT, name)
            past.take_in(root, name, lines, name not in content.clients)
    if broken:
        raise Broken(broken)
    return past


def decide(
    root: Root, content: Inputs, entry: OrderInput, past: Past, arguments: Namespace
) -> tuple[Step, date, orders.StepCharges]:
    """The step to invoice, when what it invoices was delivered, and what it charges.

    Raises:
      Refused, WrongUsage: with why it is not invoiced, and what to do.
    """
    client = content.clients[entry.order.client].client
    faults = list(direct_invoices.taken_names(content, past, [client]))
    faults += refused_by_quote(root, entry, client.currency)
    if faults:
        raise Refused(faults)
    invoices: Sequence[StepInvoice] = order_records.of_client(root, client.id).get(
        entry.order.id, []
    )
    try:
        day = arguments.issue_date
        step = orders.step_of(entry.order, invoices, arguments.step, arguments.reissue, day)
        delivered = orders.delivery_day(step, invoices, day, arguments.delivered)
        return step, delivered, orders.step_charges(entry.order, step, invoices, client)
    except StepRefused as refused:
        fault = refused.fault
        if refused.beyond:
            fault = fault._replace(remedy=credit_first(root, client.id, refused.beyond))
        stop = WrongUsage if refused.code == "B-USAGE" else Refused
        file = "" if fault.place in ("STEP", "DELIVERED") else entry.source.name
        raise stop([Alert(refused.code, file, fault, client.id)]) from None


def refused_by_quote(root: Root, entry: OrderInput, currency: str) -> list[Alert]:
    """Why an order that was quoted is not invoiced: it is not what the client accepted."""
    order = entry.order
    quoted = quotations.read(root, order.client)
    return [
        Alert("B-QUOTE", entry.source.name, fault, order.client)
        for fault in quotations.faults(root, quoted, order, currency)
    ]


def credit_first(root: Root, client: str, beyond: Beyond) -> Message:
    """The command that credits what an earlier invoice has beyond the order; its LINES are laid
    out in ROOT/preview/."""
    chain = records.read(root, revenues.chain_path(root, revenues.DIRECT, client))
    record = next(line for line in chain.records if line["number"] == beyond.number)
    notes = [line for line in chain.records if line.get("corrects") == beyond.number]
    invoice, *credited = (
        revenues.proved_document(root, revenues.DIRECT, line) for line in (record, *notes)
    )
    lines = orders.lines_beyond(invoice, credited, beyond)
    path = root.preview / f"credit-{beyond.number}.json"
    storage.make_folder(root.preview)
    storage.update_derived(path, storage.pretty_json({"lines": lines}))
    return say(
        "credit it first: make credit-note INVOICE={number} LINES={lines} REASON=...",
        number=beyond.number,
        lines=str(path),
    )


# --- making and saying ---------------------------------------------------------------


def make(
    content: Inputs,
    entry: OrderInput,
    step: Step,
    charges: orders.StepCharges,
    sequences: numbering.Sequences,
    days: tuple[date, date],
) -> Document:
    """The document, with the next number of `sequences`.

    Args:
      days: of issue, and of delivery.

    Raises:
      Refused: if a later invoice has a number already.
    """
    client, (day, delivered) = content.clients[entry.order.client].client, days
    numbering.refuse_other_format(sequences, day.year, content.issuer.issuer.number_format)
    number = direct_invoices.next_number(content, client, sequences, day)
    return orders.invoice(
        client,
        entry.order,
        step,
        charges,
        number,
        day,
        delivered,
        content.issuer.issuer,
        direct_invoices.sources_of(content, client.id, [entry.source]),
        dict(production.renderer()),
        direct_invoices.logo_of(content),
    )


def report(root: Root, entry: OrderInput, step: Step, fact: records.Record) -> None:
    """What was issued, and what is left of the order."""
    revenues.show([fact])
    order = entry.order
    text = say(
        "{number} of {gross} {currency} for {order}, {step}",
        number=fact["number"],
        gross=figure(fact["gross"]),
        currency=fact["currency"],
        order=order.id,
        step=step.id,
    )
    alerts.write_log(root.logs, order.client, "INFO", "invoice_order.py", "I-ISSUED", text)
    invoices = order_records.of_client(root, order.client)[order.id]
    left = money.shown(orders.net_left(order, invoices), 2)
    print(
        say(
            "{order}: step {step} is invoiced, {left} {currency} without VAT are left to invoice",
            order=order.id,
            step=step.id,
            left=left,
            currency=fact["currency"],
        )
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
