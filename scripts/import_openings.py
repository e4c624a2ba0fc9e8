#!/usr/bin/env python3
"""Records the open invoices of the tool before, from a CSV file: all of them or none.

docs/moving-in.md describes the file. What is recorded is owed from then on like an invoice of
ours, and is no revenue here. At the end stands what the accountant books as opening balance.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--file", type=Path, required=True, help="opening.csv")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

import msgspec

from lib.books import (
    allocation,
    closed_periods,
    histories,
    issuing,
    numbering,
    openings,
    payments,
    recording,
    records,
)
from lib.books import revenues as revenue_records
from lib.books.numbering import Sequence
from lib.books.record_lines import OpeningLine
from lib.core import handed_file, storage
from lib.core.faults import Fault, Refused, at_line, printable
from lib.core.messages import Message, counted, figure, say
from lib.core.root import Root
from lib.inputs import inputs, opening_files, settings
from lib.inputs.inputs import Inputs
from lib.inputs.issuer_file import Issuer
from lib.inputs.opening_files import Opening
from lib.values import money
from lib.values.money import text_of
from lib.values.numbers import Number

LARGEST = 10_000_000  # bytes of a file
_SCRIPT = "import_openings.py"
Faults = list[tuple[int, Fault]]  # with the row of the file


def main(arguments: Namespace, root: Root) -> None:
    """The story of an import."""
    data, file = handed_file.read(arguments.file, LARGEST), str(arguments.file)
    text, notes = handed_file.text(file, data)
    command = f"import_openings {storage.sha256(data)}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            finished = say("{file} was imported by finishing the run that had stopped", file=file)
            print(printable(str(finished)))
            return
        content = inputs.load(root)
        entered = opening_files.read(file, text, arguments.today)
        refuse_closed(file, entered, run.closed)
        pdfs = check(root, content, file, entered, arguments.today)
        facts = stage(run, content, data, entered, pdfs, arguments.today.isoformat())
        chains = {client: _chain(root, client) for client in facts}
        for client, new in facts.items():
            run.append(chains[client], new)
        run.commit()
    lines = [
        msgspec.convert({**fact, "seq": seq, "prev": "", "hash": ""}, OpeningLine)
        for client, new in facts.items()
        for seq, fact in enumerate(new, chains[client].seq + 1)
    ]
    for note in notes:
        print(note)
    report(root, lines, content.issuer.issuer)


def _chain(root: Root, client: str) -> records.Chain:
    return records.read(root, openings.chain_path(root, client))


# --- what the house says of them ------------------------------------------------------


def check(
    root: Root, content: Inputs, file: str, entered: list[Opening], today: date
) -> dict[int, bytes]:
    """The PDFs of the openings, by their rows, if clients/ and the records have room for all.

    Raises:
      Refused: with everything that is wrong with any of them.
    """
    numbers = {opening.number for opening in entered}
    known = {number: owner for number, owner in _numbers(root) if number in numbers}
    codes = revenue_records.codes(content)
    sequences = {
        ledger: revenue_records.sequences(root, ledger)
        for ledger in (revenue_records.DIRECT, revenue_records.BATCH)
    }
    faults: Faults = []
    pdfs: dict[int, bytes] = {}
    for opening in entered:
        faults += [(opening.row, fault) for fault in _client_faults(content, opening)]
        if other := known.get(opening.number):
            found = say('"{number}" is known already: {other}', number=opening.number, other=other)
            remedy = say("leave it out; `make opening-reverse` takes one out that was wrong")
            faults.append((opening.row, Fault("number", found, remedy=remedy)))
        for ledger, of_ledger in sequences.items():
            number = numbering.still_to_come(of_ledger, opening.number, today.year)
            if number and codes.get(number.code) == ledger:
                last = of_ledger.get((number.code, number.year))
                faults.append((opening.row, _to_come(opening.number, number, last)))
        here = say("line {line}", line=opening.row)
        known.setdefault(opening.number, here)
        if opening.pdf:
            pdf = _read_pdf(Path(file).parent / opening.pdf)
            if isinstance(pdf, Fault):
                faults.append((opening.row, pdf))
            else:
                pdfs[opening.row] = pdf
    if faults:
        opening_files.refuse(file, faults)
    return pdfs


def refuse_closed(file: str, entered: list[Opening], closed: date) -> None:
    """What was owed when a period was closed is not added to.

    Raises:
      Refused: with every opening that is dated in it.
    """
    remedy = say("open invoices of the tool before are entered before anything is closed")
    found = [
        fault
        for opening in entered
        for fault in closed_periods.faults(
            at_line(opening.row, "issue_date"), opening.issue_date, closed, remedy
        )
    ]
    if found:
        raise Refused(closed_periods.alerts(found, file))


def _numbers(root: Root) -> Iterator[tuple[str, Message | str]]:
    """Every number that is taken, and whose it is."""
    for client in histories.clients_of(root):
        for line in openings.standing(openings.read(root, client)):
            yield line.number, say("opening {name}", name=payments.name(client, line.seq))
    for ledger in (revenue_records.DIRECT, revenue_records.BATCH):
        for client, chain in revenue_records.each_chain(root, ledger):
            for record in chain.records:
                yield record["number"], say("issued here, to {client}", client=client)


def _to_come(text: str, number: Number, sequence: Sequence | None) -> Fault:
    code, year = number.code, str(number.year)
    found = say(
        "{number} would be given once more here, by the numbers of {code} in {year}",
        number=text,
        code=code,
        year=year,
    )
    if sequence and sequence.format:
        return Fault("number", found, remedy=say("correct it: they have begun here"))
    again = " AGAIN=yes" if sequence else ""
    command = f"make sequence CODE={code} YEAR={year} LAST={number.seq}{again} REASON=..."
    remedy = say(
        "say the last number of the tool before, this one or a later one: {command}",
        command=command,
    )
    return Fault("number", found, remedy=remedy)


def _client_faults(content: Inputs, opening: Opening) -> Iterator[Fault]:
    client = content.clients.get(opening.client)
    if client is None:
        found = say('"{client}" is not a client', client=opening.client)
        remedy = say("clients/ has {clients}", clients=tuple(content.clients))
        yield Fault("client", found, remedy=remedy)
    elif client.client.currency != opening.currency:
        yield Fault("currency", say("{client} is invoiced in another", client=opening.client))


def _read_pdf(path: Path) -> bytes | Fault:
    try:
        data = handed_file.read(path, LARGEST)
    except Refused as refused:
        fault: Fault = refused.alerts[0].fault
        found = say("{file} {reason}", file=str(path), reason=fault.found)
        return Fault("pdf", found, remedy=say("it is looked for beside the CSV"))
    if data.startswith(b"%PDF-"):
        return data
    return Fault("pdf", say("{file} is not a PDF", file=str(path)))


# --- recording ------------------------------------------------------------------------


def stage(
    run: issuing.Run,
    content: Inputs,
    data: bytes,
    entered: list[Opening],
    pdfs: Mapping[int, bytes],
    day: str,
) -> dict[str, list[records.Record]]:
    """Keeps the CSV and the PDFs; returns the lines for each client."""
    source = _keep(run, data)
    facts: dict[str, list[records.Record]] = {}
    for opening in sorted(
        entered, key=lambda opening: (opening.client, opening.issue_date, opening.number)
    ):
        sources = {"source_sha256": source}
        if opening.row in pdfs:
            sources["pdf_sha256"] = _keep(run, pdfs[opening.row])
        fact = openings.fact(
            opening,
            content.clients[opening.client].client.party.name,
            vat_on_debits=content.issuer.issuer.debits,
            day=day,
            sources=sources,
        )
        facts.setdefault(opening.client, []).append(fact)
    return facts


def _keep(run: issuing.Run, data: bytes) -> str:
    digest = storage.sha256(data)
    path = run.root.archive_inputs / digest
    if not path.exists():
        run.stage_proof(path, data)
    return digest


# --- reporting ------------------------------------------------------------------------


def report(root: Root, lines: list[OpeningLine], issuer: Issuer) -> None:
    """A line an invoice, a sum, and the opening balance for the accountant."""
    owed: dict[str, int] = {}
    waiting = 0
    for line in lines:
        history = histories.of_opening(line)
        rest = history.invoice.gross - sum(before.amount for before in history.earlier)
        owed[line.client] = owed.get(line.client, 0) + rest
        pending = allocation.vat_pending(history)
        waiting += 0 if line.vat_on_debits else pending.get("services", 0)
        recorded = say(
            "{name}: {number} of {day}, {gross} {currency}, open {rest}",
            name=payments.name(line.client, line.seq),
            number=line.number,
            day=line.issue_date,
            gross=money.shown(Decimal(line.gross), 2),
            currency=line.currency,
            rest=figure(text_of(rest)),
        )
        recording.report(root, line.client, _SCRIPT, recorded)
    invoices = counted(len(lines), "1 open invoice", "{number} open invoices")
    print(
        say(
            "{invoices} recorded, {rest} open",
            invoices=invoices,
            rest=figure(text_of(sum(owed.values()))),
        )
    )
    print(say("opening balance, for the accountant (docs/accounting.md):"))
    for client, rest in owed.items():
        account = issuer.accounts.customers
        print(
            say(
                "  {account} {client}  debit {amount}",
                account=account,
                client=client,
                amount=figure(text_of(rest)),
            )
        )
    if waiting:
        account = issuer.accounts.vat_pending
        print(say("  {account}  credit {amount}", account=account, amount=figure(text_of(waiting))))


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
