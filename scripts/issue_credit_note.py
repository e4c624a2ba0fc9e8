#!/usr/bin/env python3
"""Issues a credit note (381) for an invoice, direct or batch: all that is left, or named lines.

It stands in the same sequence as invoices and refers to the one that it corrects (BG-3).
The reason comes from the environment (REASON), never through the shell's parsing.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--invoice", required=True, help="NORD-2026-0001")
    made.add_argument("--lines", default="", help="a JSON file: the lines to take back")
    cli.add_dates(made, month_too=False)
    made.add_argument("--again", type=cli.yes, default=False, help="yes: the same once more")
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from lib.billing import credit_notes
from lib.books import issuing, numbering, records, revenues
from lib.books.numbering import Numbered
from lib.books.revenues import Ledger
from lib.core import alerts, dates, handed_file, readings, storage, strict_json
from lib.core.faults import Alert, Broken, Fault, Refused, collecting
from lib.core.messages import say
from lib.core.root import Root
from lib.documents import production
from lib.inputs import inputs, schemas, settings
from lib.values import numbers
from lib.values.document import Document

_LARGEST = 1_000_000  # bytes of a LINES file
Asked = dict[str, Decimal | date | None] | None


class Found(NamedTuple):
    """An invoice in the records, with every number of its world."""

    ledger: Ledger
    numbers: list[Numbered]
    chain: records.Chain
    record: records.Record


def main(arguments: Namespace, root: Root) -> None:
    """The story of a credit note."""
    reason = read_reason(os.environ.get("REASON", ""))
    asked = read_lines(arguments.lines)
    command = f"credit_note {arguments.invoice} {reason} {asked}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            return
        found = find(root, arguments.invoice)
        made, sequences = decide(root, found, asked, reason, arguments)
        fact = stage(run, found, made, sequences)
        run.commit()
    revenues.show([fact])
    amount = f"{fact['gross']} {fact['currency']}"
    text = f"{fact['number']} is a credit note of {fact['corrects']}, {amount}"
    alerts.write_log(root.logs, fact["client"], "INFO", "issue_credit_note.py", "I-ISSUED", text)


def read_reason(reason: str) -> str:
    """The reason, which the credit note prints.

    Raises:
      Refused: if it is missing or cannot be printed.
    """
    if not reason:
        remedy = say("add why it is taken back, as in {example}", example='REASON="wrong month"')
        raise cli.refuse("B-USAGE", "", "REASON", say("is missing"), remedy=remedy)
    if wrong := schemas.text_check("common", ("$defs", "text"))(reason):
        raise cli.refuse("B-INPUT-VALUE", "", "REASON", wrong)
    return reason


def read_lines(file: str) -> Asked:
    """LINES=file.json: line -> quantity, the first day taken back, or None for all of it; None
    without a file."""
    if not file:
        return None
    name = file
    value = strict_json.parse(name, handed_file.read(Path(file), _LARGEST))
    faults = schemas.faults(value, "credit_lines", name)
    if faults:
        raise Refused(faults)
    asked: dict[str, Decimal | date | None] = {}
    for i, entry in enumerate(value["lines"]):
        if entry["line"] in asked:
            text = f'"{entry["line"]}" is named twice; add the quantities up'
            raise cli.refuse("B-INPUT-VALUE", name, f"lines[{i}].line", text)
        asked[entry["line"]] = Decimal(entry["quantity"]) if "quantity" in entry else None
        if "from" in entry:
            asked[entry["line"]] = date.fromisoformat(entry["from"])
    return asked


def find(root: Root, number: str) -> Found:
    """The invoice with this number.

    Raises:
      Refused: if there is none, or it is a credit note itself.
    """
    known: set[str] = set()
    for ledger in (revenues.DIRECT, revenues.BATCH):
        owner, numbers = _owner(root, ledger, number)
        if owner:
            chain = records.read(root, revenues.chain_path(root, ledger, owner))
            record = next(record for record in chain.records if record["number"] == number)
            if record["kind"] != "invoice":
                text = f"{number} is a credit note; only an invoice is credited"
                raise cli.refuse("B-CREDIT", "", "INVOICE", text)
            return Found(ledger, numbers, chain, record)
        known |= {one.number for one in numbers}
    meant = readings.quoted(readings.readings("invoice_number", number, known.__contains__))
    remedy = f"write {meant}" if meant else readings.form("invoice_number")
    text = f'"{number}" is not an invoice of ours; {remedy}'
    raise cli.refuse("B-CREDIT", "", "INVOICE", text)


def _owner(root: Root, ledger: Ledger, number: str) -> tuple[str, list[Numbered]]:
    """Whose number it is, empty where it is nobody's; and all numbers that were given.

    Raises:
      Broken: with every disagreement of the records, which are read one client at a time.
    """
    owner = ""
    numbers: list[Numbered] = []
    faults: list[Alert] = []
    for client in revenues.owners(root, ledger):
        with collecting(faults):
            lines = revenues.lines_of(root, ledger, client)
            numbers += revenues.numbers_of(root, ledger, client, lines)
            if any(line.number == number for line in lines):
                owner = client
    if faults:
        raise Broken(faults)
    return owner, numbers


def decide(
    root: Root, found: Found, asked: Asked, reason: str, arguments: Namespace
) -> tuple[Document, numbering.Sequences]:
    """The credit note, with its number, and the sequences with that.

    Raises:
      Refused: for more than is left, the same credit note again, or a date out of order.
    """
    number, client = found.record["number"], found.record["client"]
    issue_date, today = arguments.issue_date, arguments.today
    dates.refuse_future("ISSUE_DATE", issue_date, today, say("it is not post-dated"), client)
    notes = [record for record in found.chain.records if record.get("corrects") == number]
    invoice = revenues.proved_document(root, found.ledger, found.record)
    earlier = [revenues.proved_document(root, found.ledger, note) for note in notes]
    left = credit_notes.quantities_left(invoice, earlier)
    try:
        wanted = credit_notes.wanted_quantities(invoice, left, asked)
    except credit_notes.TooMuch as too_much:
        raise Refused(
            Alert("B-CREDIT", number, Fault(place, text), client) for place, text in too_much.faults
        ) from None
    starts = revenues.starts(root, found.ledger)
    sequences = numbering.read(root, found.ledger.counters, found.numbers, starts)
    code = numbers.parse(number).code
    format_ = (
        numbering.format_in(sequences, issue_date.year) or inputs.load_issuer(root).number_format
    )
    try:
        new_number = numbering.advance(sequences, code, issue_date, format_)
    except numbering.NoNumber as none:
        raise cli.refuse("B-NUMBER-DATE", "", "ISSUE_DATE", none.why, client) from None
    path = revenues.proof_path(root, found.ledger, client, number, "json")
    sources = {root.name_of(path): found.record["document_sha256"]}
    renderer = dict(production.renderer())
    made = credit_notes.credit_note(
        invoice,
        earlier,
        wanted,
        new_number,
        issue_date,
        reason,
        sources,
        renderer,
        {line: day for line, day in (asked or {}).items() if isinstance(day, date)},
    )
    refuse_twice(made, notes, arguments.again)
    return made, sequences


def refuse_twice(made: Document, notes: list[records.Record], again: bool) -> None:
    """The same invoice, lines and reason twice is a slip, unless AGAIN=yes says otherwise."""
    lines = {key: str(value) for key, value in credit_notes.quantities_of(made).items()}
    for note in notes:
        if not again and note["reason"] == made.reason and note["lines"] == lines:
            text = f"{note['number']} is the same credit note; AGAIN=yes issues it once more"
            raise cli.refuse("B-DUPLICATE", "", "INVOICE", text, made.client)


def stage(
    run: issuing.Run, found: Found, made: Document, sequences: numbering.Sequences
) -> records.Record:
    """Renders, validates and stages the credit note; returns what is recorded.

    Raises:
      Refused: with every rule that it breaks.
    """
    root, client = run.root, made.client
    name = made.seller.logo
    logo = storage.read(root.archive_inputs / name) if name else None
    product = production.produce(logo, made)
    if product.verdicts:
        raise Refused(
            Alert("B-INVOICE-INVALID", made.number, Fault(verdict.rule, verdict.text), client)
            for verdict in product.verdicts
        )
    fact = revenues.stage(run, found.ledger, made, product.json, product.pdf)
    run.append(found.chain, [fact])
    numbering.stage(run, found.ledger.counters, sequences)
    return fact


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
