#!/usr/bin/env python3
"""Reverses one payment or refund: typed wrongly, or sent back by the bank.

The line stays; a line that takes it out again follows. REASON is free text and comes from
the environment.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--payment", default="", help="studio_nord/3, as its recording said")
    made.add_argument("--date", default="", help="the day of the reversal (default: today)")
    cli.add_today(made)
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib.books import issuing, payment_rules, payments
from lib.books.payment_rules import date_faults, refuse
from lib.books.payments import Entry
from lib.core import alerts
from lib.core.root import Root
from lib.inputs import settings


def main(arguments: Namespace, root: Root) -> None:
    """One line in data/payments/<client>.jsonl, or a refusal."""
    given = {
        "payment": arguments.payment,
        "reason": payment_rules.free_text("REASON"),
        "date": arguments.date or arguments.today.isoformat(),
    }
    given = {key: value for key, value in given.items() if value}
    refuse(payment_rules.form_faults(given, "payment_reversal"))
    name = given["payment"]
    client, seq = payments.parse_name(name)
    command = f"reversal {name} {payment_rules.fingerprint(given)}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            print(f"{name} was reversed by finishing the run that had stopped")
            return
        chain = payments.read_client(root, client)
        entries = payments.entries(chain.records)
        if seq > len(entries):
            lines = alerts.counted(len(entries), "line")
            refuse([("payment", f"there is no {name}; {client} has {lines}")])
        entry = entries[seq - 1]
        refuse(_faults(entry), client)
        day = cli.day(given["date"])
        remedy = f"write {entry.date} or a later day"
        refuse(date_faults(day, arguments.today, entry.date, name, remedy), client)
        fact = payments.reversal(chain.records[seq - 1], day, given["reason"])
        [new] = payments.record(run, chain, [fact])
        run.commit()
    text = f"{new}: reversal of {name}, {entry.kind} of {fact['amount']} for {entry.invoice}"
    alerts.write_log(root.logs, client, "INFO", "reverse_payment.py", "I-RECORDED", text)
    print(text)


def _faults(entry: Entry) -> list[tuple[str, str]]:
    if entry.kind == payments.REVERSAL:
        return [("payment", f"{entry.name} is a reversal itself; record the payment anew")]
    if entry.reversed_by:
        by = payments.name(entry.client, entry.reversed_by)
        return [("payment", f"{entry.name} is reversed already, by {by}")]
    return []


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
