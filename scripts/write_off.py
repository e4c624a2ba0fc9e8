#!/usr/bin/env python3
"""Closes what will not be paid of an invoice, or keeps what was paid too much: no money moves.

difference: a few cents too little or too much; bank_charge: a bank kept a part of the payment;
bad_debt: nobody will pay. REASON is free text and comes from the environment. LARGE=yes goes
beyond write_off_limit in issuer.json, AGAIN=yes records the same facts once more.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--invoice", default="", help="NORD-2026-0001")
    options.add_argument("--amount", default="", help="0.01")
    options.add_argument("--kind", default="", help="difference, bank_charge, bad_debt")
    options.add_argument("--date", default="", help="the day of the decision (default: today)")
    options.add_argument("--large", type=cli.yes, default=False, help="yes: beyond the limit")
    options.add_argument("--again", type=cli.yes, default=False, help="yes: the same once more")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib.books import closed_periods, issuing, payment_rules, payments, recording
from lib.books.payment_rules import Limit
from lib.books.recording import refuse
from lib.core.messages import figure, say
from lib.core.root import Root
from lib.inputs import inputs, settings
from lib.values import money


def main(arguments: Namespace, root: Root) -> None:
    """One line in data/payments/<client>.jsonl, or a refusal."""
    typed = {
        "invoice": arguments.invoice,
        "amount": arguments.amount,
        "kind": arguments.kind,
        "reason": recording.free_text("REASON"),
        "date": arguments.date or arguments.today.isoformat(),
    }
    typed = {key: value for key, value in typed.items() if value}
    refuse(payment_rules.form_faults(typed, "write_off"))
    number = typed["invoice"]
    about = {"amount": figure(typed["amount"]), "invoice": number, "date": typed["date"]}
    command = f"write_off {number} {recording.fingerprint(typed)}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            print(say("{invoice}: written off by finishing the run that had stopped", **about))
            return
        limit = inputs.load_issuer(root).write_off_limit
        client = recording.owner_of(root, number)
        books = recording.open_books(root, [client])
        invoice = books.invoices[number]
        cause = payment_rules.cause_of(invoice, typed["kind"])
        fact = payments.write_off(client, typed, cause, invoice.currency)
        allowed = Limit(limit, arguments.large, arguments.again)
        refuse(
            payment_rules.write_off_faults(invoice, books, fact, arguments.today, allowed),
            client,
            closed_periods.faults("date", cli.day(typed["date"]), books.closed),
        )
        [name] = payments.record(run, books.chains[client], [fact])
        run.commit()
    payment_rules.take_in(books, payments.WRITE_OFF, fact, name)
    about |= {"name": name, "rest": money.shown(books.invoices[number].outstanding, 2)}
    about |= {"currency": invoice.currency}
    rest = say("outstanding {rest} {currency}", **about)
    recorded = (
        say("{name}: {amount} too much for {invoice} kept on {date}; {left}", left=rest, **about)
        if cause == payments.SURPLUS
        else say("{name}: {amount} of {invoice} written off on {date}; {left}", left=rest, **about)
    )
    recording.report(root, client, "write_off.py", recorded)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
