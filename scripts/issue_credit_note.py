#!/usr/bin/env python3
"""Issues a credit note (381) for an invoice, direct or batch: all that is left, or part of it.

Part of it is named lines (--lines: quantities, amounts before VAT, or the service from a day
on), or an amount with VAT (--amount) that is shared out over all lines. It stands in the same
sequence as invoices and refers to the one that it corrects (BG-3).
The reason comes from the environment (REASON), never through the shell's parsing.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--invoice", required=True, help="NORD-2026-0001")
    options.add_argument("--lines", default="", help="a JSON file: the lines to take back")
    options.add_argument("--amount", default="", help="an amount with VAT, off the whole invoice")
    cli.add_dates(options, month_too=False)
    options.add_argument("--again", type=cli.yes, default=False, help="yes: the same once more")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from decimal import Decimal

from lib.books import closed_periods, crediting, issuing, numbering, records, revenues
from lib.books.crediting import CreditedInvoice
from lib.core import alerts, storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Message, figure, say
from lib.core.root import Root
from lib.documents import production
from lib.inputs import inputs, settings
from lib.inputs.settings import Settings
from lib.values import money, numbers
from lib.values.document import Document


def main(arguments: Namespace, root: Root) -> None:
    """The story of a credit note."""
    request = crediting.read(arguments.lines, arguments.amount)
    command = f"credit_note {arguments.invoice} {request}"
    config = settings.load(root)
    production.expect(config, 1)
    with issuing.begin(root, command, config.lock_wait) as run:
        if run.just_finished:
            return
        closed_periods.refuse(root, "ISSUE_DATE", arguments.issue_date)
        credited = crediting.find(root, arguments.invoice)
        note, sequences = decide(root, credited, request, arguments)
        fact = stage(run, credited, note, sequences, config)
        run.commit()
    revenues.show([fact])
    text = summary(credited, fact)
    print(text)
    alerts.write_log(
        root.logs, fact["client"], "INFO", "issue_credit_note.py", "I-ISSUED", str(text)
    )


def summary(credited: CreditedInvoice, fact: records.Record) -> Message:
    """What was issued, and what is left of the invoice."""
    gone = money.total(Decimal(note["gross"]) for note in (*credited.notes, fact))
    return say(
        "{number} is a credit note of {invoice}, {amount} {currency}; {left} is left of it",
        number=fact["number"],
        invoice=fact["corrects"],
        amount=figure(fact["gross"]),
        currency=fact["currency"],
        left=money.shown(Decimal(credited.record["gross"]) - gone, 2),
    )


def decide(
    root: Root, credited: CreditedInvoice, request: crediting.Request, arguments: Namespace
) -> tuple[Document, numbering.Sequences]:
    """The credit note, with its number, and the sequences with that.

    Raises:
      Refused: for more than is left, the same credit note again, or a date out of order.
    """
    number, client = credited.record["number"], credited.record["client"]
    issue_date, today = arguments.issue_date, arguments.today
    starts = revenues.starts(root, credited.ledger)
    sequences = numbering.read(root, credited.ledger.counters, credited.numbers, starts)
    code = numbers.parse(number).code
    format_ = (
        numbering.format_in(sequences, issue_date.year) or inputs.load_issuer(root).number_format
    )
    try:
        new_number = numbering.advance(sequences, code, issue_date, format_)
    except numbering.NoNumber as none:
        raise cli.refuse("B-NUMBER-DATE", "", "ISSUE_DATE", none.why, client) from None
    renderer = dict(production.renderer())
    note = crediting.credit_note(root, credited, request, new_number, (issue_date, today), renderer)
    refuse_twice(note, credited.notes, arguments.again)
    return note, sequences


def refuse_twice(note: Document, earlier: list[records.Record], again: bool) -> None:
    """The same invoice, lines and reason twice is a slip, unless AGAIN=yes says otherwise."""
    fact = revenues.facts(note, "", "")

    def is_same(other: records.Record) -> bool:
        about = [
            (record["reason"], *record["lines"], *record.get("amounts", {}))
            for record in (fact, other)
        ]
        # An amount that is shared out over lines twice may differ by a cent of VAT.
        of_all = fact["lines"] == other["lines"] and "amounts" not in fact
        return about[0] == about[1] and (of_all or fact["gross"] == other["gross"])

    for other in earlier:
        if not again and is_same(other):
            text = say(
                "{number} is the same credit note; AGAIN=yes issues it once more",
                number=other["number"],
            )
            raise cli.refuse("B-DUPLICATE", "", "INVOICE", text, note.client)


def stage(
    run: issuing.Run,
    credited: CreditedInvoice,
    note: Document,
    sequences: numbering.Sequences,
    config: Settings,
) -> records.Record:
    """Renders, validates and stages the credit note; returns what is recorded.

    Raises:
      Refused: with every rule that it breaks.
    """
    root, client = run.root, note.client
    name = note.seller.logo
    logo = storage.read(root.archive_inputs / name) if name else None
    ((_, staged),) = production.stage_all(run, [note], logo, config)
    if staged.verdicts:
        raise Refused(
            Alert("B-INVOICE-INVALID", note.number, Fault(verdict.rule, verdict.text), client)
            for verdict in staged.verdicts
        )
    fact = revenues.keep(run, credited.ledger, note, staged.proofs)
    run.append(credited.chain, [fact])
    numbering.stage(run, credited.ledger.counters, sequences)
    return fact


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
