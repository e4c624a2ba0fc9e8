#!/usr/bin/env python3
"""Issues the invoices of the CSV files in the inbox, each file whole or not at all.

For each file: its bytes are archived, every line is checked, and one bad line rejects the
file with a report of all that is wrong. A sound file is issued in the order of its lines,
in the client's name and on its behalf, together with the usage that its payer is billed by.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_dates(options, month_too=False)
    options.add_argument("--client", default="", help="only the files of this batch client")
    options.add_argument(
        "--pass-strays", type=cli.yes, default=False, help="yes: what is not a batch fails later"
    )
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from lib.billing import batch_files, batch_invoicing, batch_rows
from lib.billing.batch_files import Checked
from lib.billing.batch_rows import BatchInvoice
from lib.books import closed_periods, issuing, numbering, proofs, records, revenues
from lib.core import alerts, dates, lock, progress, storage
from lib.core.faults import SHOWN, Alert, Fault, Refused, at_line
from lib.core.messages import counted, figure, say, spoken
from lib.core.root import Root
from lib.documents import production
from lib.documents.production import Stage
from lib.inputs import cell_faults, inbox, inputs, settings
from lib.inputs.batch_client_files import BatchClientInput
from lib.inputs.cell_faults import CellFault
from lib.inputs.client_files import Client
from lib.inputs.inbox import Submission
from lib.inputs.input_files import Source
from lib.inputs.inputs import Inputs
from lib.inputs.settings import Settings
from lib.summary import law_notices
from lib.values import money, periods
from lib.values.document import Document

_MOST = 20_000  # faults of one file; a report beyond that helps nobody


class Stray(Refused):
    """Something in the inbox that no invoice waits for: a month can be run without it."""


class Issued(msgspec.Struct):
    """What is reported of a file's invoices: each is counted when it is made, and none is kept."""

    invoices: int = 0
    first: str = ""
    last: str = ""
    net: Decimal = money.ZERO
    gross: Decimal = money.ZERO
    currency: str = ""

    def count(self, invoice: Document) -> None:
        """One invoice more."""
        self.invoices += 1
        self.first = self.first or invoice.number
        self.last = invoice.number
        self.net = money.total((self.net, invoice.totals.net))
        self.gross = money.total((self.gross, invoice.totals.gross))
        self.currency = invoice.currency


class BarPart(NamedTuple):
    """A file's part of the progress bar, in bytes."""

    shown: Callable[[int], None]
    begin: int
    size: int

    def done(self, lines: int, of: int) -> None:
        """So many of its lines are done."""
        self.shown(self.begin + self.size * lines // of)


def main(arguments: Namespace, root: Root) -> None:
    """One run of the protocol for each file; a rejected file does not stop the others.

    Raises:
      Refused: with what is wrong with files; strays that are passed over are only reported.
    """
    config = settings.load(root)
    strays: list[Alert] = []
    refused: list[Alert] = []
    # A run that stopped after its file had left the inbox is finished too.
    with lock.exclusive(root, "import_batch", config.lock_wait):
        issuing.finish_stopped_runs(root)
        # A killed run may have moved a file there and not flushed it.
        if inbox.is_folder(root.rejected) and os.access(root.rejected, os.R_OK):
            storage.flush_folder(root.rejected)
    alerts.report(root.logs, "import_batch.py", settings.notices(config))
    files = inbox.entries(root, arguments.client)
    # How many lines a file has is known when it is checked; how many bytes, before.
    sizes = [path.stat().st_size if path.is_file() else 0 for path in files]
    with progress.bar("batches", sum(sizes)) as shown:
        for i, path in enumerate(files):
            part = BarPart(shown, sum(sizes[:i]), sizes[i])
            try:
                check_name(root, path)
                handle(root, path, arguments, config, part)
            except Stray as stray:
                strays += stray.alerts
            except Refused as rejection:
                refused += rejection.alerts
            part.done(1, 1)
    if not files:
        print(say("the inbox has no file"))
    notices = [alert for alert in strays if alert.code == "I-INBOX"]
    strays = [alert for alert in strays if alert.code != "I-INBOX"]
    if arguments.pass_strays:
        notices, strays = strays + notices, []
    alerts.report(root.logs, "import_batch.py", notices)
    if strays or refused:
        raise Refused(dict.fromkeys(strays + refused))


def check_name(root: Root, path: Path) -> None:
    """A file of the inbox says in its name whose it is and which month, and can be read.

    Raises:
      Stray: otherwise.
    """
    if why := inbox.stray(root, path):
        raise Stray([why])


def check_dates(path: Path, arguments: Namespace) -> None:
    """An invoice is not post-dated, nor is a month invoiced before it begins.

    Raises:
      Refused: if it is post-dated.
      Stray: if the month has not begun.
    """
    month, issue_date, today = path.stem[-7:], arguments.issue_date, arguments.today
    not_post_dated = say("an invoice is not post-dated")
    dates.refuse_future("ISSUE_DATE", issue_date, today, not_post_dated)
    if periods.first_day(month) > issue_date:
        found = say("{month} has not begun on {day}", month=month, day=str(issue_date))
        fault = Fault("", found, remedy=say("rename the file, or wait"))
        raise Stray([Alert("B-DATE", f"data/inbox_batch/{path.name}", fault)])


def handle(root: Root, path: Path, arguments: Namespace, config: Settings, part: BarPart) -> None:
    """The story of one file."""
    command = f"import_batch {path.name}"
    with issuing.begin(root, command, config.lock_wait) as run:
        if not path.exists():
            print(say("{file}: another run has just dealt with it", file=path.name))
            return
        closed_periods.refuse(root, "ISSUE_DATE", arguments.issue_date)
        house = inputs.load(root)
        check_dates(path, arguments)
        submission = inbox.receive(root, path)
        client = known_client(root, house, submission)
        chains = revenues.read(root, revenues.BATCH)
        payer = house.clients[client.client.billed_as].client
        logo = client.logo.data if client.logo else None
        # Workers get ready while the lines are checked.
        expected = length(submission.archived)
        with (
            production.started(run, logo, config, expected) as stage_all,
            records.without_collector(),
        ):
            lines, faults = check(root, client, payer, submission, chains)
            if faults:
                raise Refused(_rejected(root, submission, faults, client))
            done = partial(part.done, of=lines)
            issued = issue(run, client, submission, house, chains, arguments, stage_all, done)
    report(root, submission, issued)


# --- receiving -----------------------------------------------------------------------


def known_client(root: Root, house: Inputs, submission: Submission) -> BatchClientInput:
    """The client that a file's name says.

    Raises:
      Stray: if there is none, or it is closed; the file is rejected.
    """
    client = house.batch_clients.get(submission.client)
    name = submission.path.name
    if client is None:
        expected = say('"{client}" is not a batch client', client=submission.client)
        internal = Fault(
            "",
            expected,
            remedy=say(
                "rename the file, or add batch_clients/{client}.json", client=submission.client
            ),
        )
        remedy = say("correct the name of the file")
        fault = CellFault(0, "", name, expected, remedy, internal)
        raise Stray(inbox.reject(root, submission, [fault], spoken()))
    if client.client.status == "closed":
        found = say('the batch client "{client}" is closed', client=submission.client)
        remedy = say('write "active" in {file}, or rename the file', file=client.source.name)
        fault = cell_faults.of_house(name, found, remedy)
        raise Stray(inbox.reject(root, submission, [fault], client.client.defaults.language))
    return client


def _rejected(
    root: Root, submission: Submission, faults: list[CellFault], client: BatchClientInput
) -> list[Alert]:
    language, delimiter = client.client.defaults.language, client.client.csv.delimiter
    return inbox.reject(root, submission, faults, language, delimiter)


# --- checking ------------------------------------------------------------------------


def check(
    root: Root,
    client: BatchClientInput,
    payer: Client,
    submission: Submission,
    chains: dict[str, records.Chain],
) -> tuple[int, list[CellFault]]:
    """How many lines a file has, and all that is wrong: its month, its structure, its lines."""
    chain = revenues.chain_of(root, revenues.BATCH, chains, submission.client)
    invoices = [record for record in chain.records if record["kind"] == "invoice"]
    name, month = submission.path.name, submission.month
    invoiced = {record["month"] for record in invoices}
    billed = revenues.billed(revenues.lines_of(root, revenues.DIRECT, payer.id))
    faults = list(batch_files.month_faults(name, month, payer, invoiced, billed))
    numbers = {
        batch_rows.reference_key(record["reference"]): record["number"] for record in invoices
    }
    lines = 0
    notices: dict[tuple[str, Fault], list[int]] = {}
    for checked in batch_files.check(read_lines(submission.archived, client), month, numbers):
        if isinstance(checked, BatchInvoice):
            lines += 1
            for notice in law_notices.of_batch_row(client.client, checked):
                notices.setdefault(notice, []).append(checked.line)
            continue
        # A value may be as long as a line; a report shows its beginning.
        faults += map(_shortened, checked)
        if len(faults) > _MOST:
            expected = say("reading stopped after {most} errors", most=_MOST)
            stopped = CellFault(0, "", "", expected, say("correct these first"))
            return lines, [*faults[:_MOST], stopped]
    if not lines and not faults:
        expected = say("a file has a line for each invoice, below the header")
        remedy = say("hand it in with its invoices")
        faults.append(CellFault(0, "", say("no lines"), expected, remedy))
    if not faults:
        report_notices(root, submission, notices)
    return lines, faults


def _shortened(fault: CellFault) -> CellFault:
    found = fault.found[: SHOWN + 1] if isinstance(fault.found, str) else fault.found
    return fault._replace(found=found)


def report_notices(
    root: Root, submission: Submission, notices: dict[tuple[str, Fault], list[int]]
) -> None:
    """Reports what passes and is mostly not lawful, once with the first line that has it."""
    file = root.name_of(submission.path)
    passing = []
    for (code, fault), lines in notices.items():
        line = str(lines[0])
        if len(lines) > 1:
            line = str(say("{line} and {more} more", line=line, more=len(lines) - 1))
        fault = fault._replace(place=at_line(line))
        passing.append(Alert(code, file, fault, submission.client))
    alerts.report(root.logs, "import_batch.py", passing)


def length(path: Path) -> int:
    """How many lines a file has, its header and empty ones too."""
    with storage.open_file(path) as stream:
        return sum(piece.count(b"\n") for piece in storage.pieces_of(stream))


def read_lines(path: Path, client: BatchClientInput) -> Iterator[Checked]:
    """Each line below the header: an invoice, or what is wrong with it."""
    with storage.open_file(path) as stream:
        yield from batch_files.read(stream, client.client)


def read_invoices(
    root: Root, submission: Submission, client: BatchClientInput
) -> Iterator[BatchInvoice]:
    """The invoices of a file that was checked.

    Raises:
      Broken: after the last, if the file is not what was checked.
    """
    with storage.open_file(submission.archived) as stream:
        yield from batch_files.invoices(stream, client.client)
    proofs.check(root, submission.archived, submission.sha256, submission.client)


# --- issuing -------------------------------------------------------------------------


def issue(
    run: issuing.Run,
    client: BatchClientInput,
    submission: Submission,
    house: Inputs,
    chains: dict[str, records.Chain],
    arguments: Namespace,
    stage_all: Stage,
    done: Callable[[int], None],
) -> Issued:
    """Renders, validates and commits every line, in order, with the payer's usage.

    Args:
      done: called with the number of lines that are done.

    Raises:
      Refused: with every rule of the standard that any document breaks; the file is rejected.
    """
    root = run.root
    numbered = numbering.numbered(root, chains.values())
    starts = revenues.starts(root, revenues.BATCH)
    sequences = numbering.read(root, revenues.BATCH.counters, numbered, starts)
    number_format = house.issuer.issuer.number_format
    numbering.refuse_other_format(sequences, arguments.issue_date.year, number_format)
    documents = _numbered(root, client, submission, house, sequences, arguments)
    issued = Issued()
    faults: list[CellFault] = []

    def facts() -> Iterator[records.Record]:
        # Each line is an invoice and none is empty, so the first one stands on line 2.
        for line, (invoice, staged) in enumerate(stage_all(documents), 2):
            done(line - 1)
            for verdict in staged.verdicts:
                expected = say(
                    "the invoice standard EN 16931 refuses it: {rule} {text}",
                    rule=verdict.rule,
                    text=verdict.text,
                )
                remedy = say("correct the line")
                faults.append(CellFault(line, "reference", invoice.reference, expected, remedy))
            if not staged.verdicts:
                issued.count(invoice)
                yield revenues.keep(run, revenues.BATCH, invoice, staged.proofs)

    run.append(revenues.chain_of(root, revenues.BATCH, chains, submission.client), facts())
    if faults:
        raise Refused(_rejected(root, submission, faults, client))
    _finish(run, client, submission, house, issued, sequences)
    return issued


def _numbered(
    root: Root,
    client: BatchClientInput,
    submission: Submission,
    house: Inputs,
    sequences: numbering.Sequences,
    arguments: Namespace,
) -> Iterator[Document]:
    """The documents of a file, made one at a time as they are taken."""
    sources = {source.name: source.sha256 for source in _sources(client, house)}
    sources[f"data/archive_batch/{submission.archived.name}"] = submission.sha256
    renderer = dict(production.renderer())
    logo = client.logo.sha256 if client.logo else ""
    issuer = house.issuer.issuer.party.name
    for row in read_invoices(root, submission, client):
        try:
            code, format_ = client.client.code, house.issuer.issuer.number_format
            number = numbering.advance(sequences, code, arguments.issue_date, format_)
        except numbering.NoNumber as none:
            raise cli.refuse("B-NUMBER-DATE", "", "ISSUE_DATE", none.why) from None
        yield batch_invoicing.invoice(
            client.client,
            row,
            number,
            submission.month,
            arguments.issue_date,
            issuer,
            sources,
            renderer,
            logo,
        )


def _finish(
    run: issuing.Run,
    client: BatchClientInput,
    submission: Submission,
    house: Inputs,
    issued: Issued,
    sequences: numbering.Sequences,
) -> None:
    """The rest of the transaction: inputs kept, counters, usage, the inbox."""
    root = run.root
    for source in _sources(client, house):
        path = root.archive_inputs / source.sha256
        if not path.exists():
            run.stage_proof(path, source.data)
    numbering.stage(run, revenues.BATCH.counters, sequences)
    usage = batch_invoicing.usage(client.client, submission.month, issued.invoices)
    name = f"{submission.month}.{usage['source']}.json"
    run.put(root.usage / client.client.billed_as / name, storage.pretty_json(usage))
    run.remove(submission.path, submission.sha256)
    run.commit()


def _sources(client: BatchClientInput, house: Inputs) -> list[Source]:
    logo = [client.logo] if client.logo else []
    return [client.source, house.issuer.source, *logo]


# --- reporting --------------------------------------------------------------------------


def report(root: Root, submission: Submission, issued: Issued) -> None:
    """One line a file: how many, from which number to which, and the totals."""
    text = say(
        "{invoices} issued, {first} to {last}, net {net}, gross {gross} {currency}",
        invoices=counted(issued.invoices, "1 invoice", "{number} invoices"),
        first=issued.first,
        last=issued.last,
        net=figure(str(issued.net)),
        gross=figure(str(issued.gross)),
        currency=issued.currency,
    )
    alerts.write_log(root.logs, submission.client, "INFO", "import_batch.py", "I-ISSUED", text)
    print(say("{file}: {text}", file=submission.path.name, text=text))


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
