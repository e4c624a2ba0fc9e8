#!/usr/bin/env python3
"""Reverses one payment, refund or write-off: typed wrongly, sent back by the bank, paid after all.

The line stays; a line that takes it out again follows. REASON is free text and comes from
the environment.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--payment", default="", help="studio_nord/3, as its recording said")
    options.add_argument("--date", default="", help="the day of the reversal (default: today)")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib.books import closed_periods, issuing, payment_rules, payments, recording
from lib.books.payments import PaymentEntry
from lib.books.recording import refuse
from lib.core.faults import Fault
from lib.core.messages import counted, figure, say, verbatim
from lib.core.root import Root
from lib.inputs import settings


def main(arguments: Namespace, root: Root) -> None:
    """One line in data/payments/<client>.jsonl, or a refusal."""
    typed = {
        "payment": arguments.payment,
        "reason": recording.free_text("REASON"),
        "date": arguments.date or arguments.today.isoformat(),
    }
    typed = {key: value for key, value in typed.items() if value}
    refuse(payment_rules.form_faults(typed, "payment_reversal"))
    name = typed["payment"]
    client, seq = payments.parse_name(name)
    command = f"reversal {name} {recording.fingerprint(typed)}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            print(say("{name} was reversed by finishing the run that had stopped", name=name))
            return
        chain = payments.read_client(root, client)
        entries = payments.entries(chain.records)
        if seq > len(entries):
            lines = counted(len(entries), "1 line", "{number} lines")
            remedy = say("{client} has {lines}", client=client, lines=lines)
            refuse([Fault("payment", say("there is no {name}", name=name), remedy=remedy)])
        entry = entries[seq - 1]
        refuse(_faults(entry), client)
        day = cli.day(typed["date"])
        remedy = say("write {day} or a later day", day=str(entry.date))
        refuse(
            payment_rules.date_faults(day, arguments.today, entry.date, verbatim(name), remedy),
            client,
            closed_periods.faults("date", day, run.closed),
        )
        fact = payments.reversal(chain.records[seq - 1], day, typed["reason"])
        [new] = payments.record(run, chain, [fact])
        run.commit()
    values = {"name": new, "of": name, "amount": figure(fact["amount"]), "invoice": entry.invoice}
    if entry.kind == payments.REFUND:
        reversal = say("{name}: reversal of {of}, refund of {amount} for {invoice}", **values)
    elif entry.kind == payments.WRITE_OFF:
        reversal = say("{name}: reversal of {of}, write-off of {amount} of {invoice}", **values)
    else:
        reversal = say("{name}: reversal of {of}, payment of {amount} for {invoice}", **values)
    recording.report(root, client, "reverse_payment.py", reversal)


def _faults(entry: PaymentEntry) -> list[Fault]:
    if entry.kind == payments.REVERSAL:
        itself = say("{name} is a reversal itself", name=entry.name)
        return [Fault("payment", itself, remedy=say("record the payment again"))]
    if entry.reversed_by:
        by = payments.name(entry.client, entry.reversed_by)
        return [
            Fault("payment", say("{name} is reversed already, by {by}", name=entry.name, by=by))
        ]
    return []


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
