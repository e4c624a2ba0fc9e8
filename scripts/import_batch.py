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
    made = cli.parser(__doc__ or "")
    cli.add_dates(made, month_too=False)
    made.add_argument("--client", default="", help="only the files of this batch client")
    made.add_argument(
        "--pass-strays", type=cli.yes, default=False, help="yes: what is not a batch fails later"
    )
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from lib.billing import batch_invoicing, batch_rows
from lib.billing.batch_rows import BatchInvoice, Reader
from lib.books import issuing, numbering, records, revenues
from lib.core import alerts, lock, progress, storage
from lib.core.faults import SHOWN, Alert, Broken, Fault, Refused, printable
from lib.core.root import Root
from lib.documents import production
from lib.documents.production import Produce
from lib.inputs import batch_csv, inbox, input_files, inputs, plan_checks, plans, settings
from lib.inputs.batch_client_files import BatchClient, BatchClientInput
from lib.inputs.batch_csv import CellFault, Row
from lib.inputs.client_files import Client
from lib.inputs.inputs import Inputs
from lib.inputs.plans import Flat
from lib.inputs.settings import Settings
from lib.summary import law_notices
from lib.values import money, periods, spans
from lib.values.document import Document

_EARLIER, _LATER = 36, 24  # months before and after the file's month
_MOST = 20_000  # faults of one file; a report beyond that helps nobody
_TOLD = 20  # faults that the terminal and the log repeat; the report has all of them
# What a client reads of a matter of the house: rule and remedy.
_LATER_ON = ("it cannot be invoiced as things stand", "ask us; nothing in it has to change")


class Stray(Refused):
    """Something in the inbox that no invoice waits for: a month can be run without it."""


class Submission(NamedTuple):
    """A file of the inbox, its archived copy, whose it is, which month, the hash of its bytes."""

    path: Path
    archived: Path
    client: str
    month: str
    sha256: str


class Issued(msgspec.Struct):
    """What is told of a file's invoices; each is counted as it is made, and none is kept."""

    invoices: int = 0
    first: str = ""
    last: str = ""
    net: Decimal = money.ZERO
    gross: Decimal = money.ZERO
    currency: str = ""

    def count(self, made: Document) -> None:
        """One invoice more."""
        self.invoices += 1
        self.first = self.first or made.number
        self.last = made.number
        self.net = money.total((self.net, made.totals.net))
        self.gross = money.total((self.gross, made.totals.gross))
        self.currency = made.currency


class Part(NamedTuple):
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
      Refused: with what is wrong with files; where strays are passed over, they are only said.
    """
    used = settings.load(root)
    strays: list[Alert] = []
    refused: list[Alert] = []
    # A run that stopped after its file had left the inbox is finished too.
    with lock.exclusive(root, "import_batch", used.lock_wait):
        issuing.finish_stopped_runs(root)
        # A killed run may have moved a file there and not flushed it.
        if inbox.is_folder(root.rejected) and os.access(root.rejected, os.R_OK):
            storage.flush_folder(root.rejected)
    alerts.report(root.logs, "import_batch.py", settings.notices(used))
    files = inbox.entries(root, arguments.client)
    # How many lines a file has is known when it is checked; how many bytes, before.
    sizes = [path.stat().st_size if path.is_file() else 0 for path in files]
    with progress.bar("batches", sum(sizes)) as shown:
        for i, path in enumerate(files):
            part = Part(shown, sum(sizes[:i]), sizes[i])
            try:
                check_name(root, path)
                handle(root, path, arguments, used, part)
            except Stray as stray:
                strays += stray.alerts
            except Refused as rejection:
                refused += rejection.alerts
            part.done(1, 1)
    if not files:
        print("the inbox has no file")
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
    if issue_date > today:
        text = f"{issue_date} is in the future (today is {today}); an invoice is not post-dated"
        raise cli.refuse("B-DATE", "", "ISSUE_DATE", text)
    if periods.first_day(month) > issue_date:
        text = f"{month} has not begun on {issue_date}; rename the file, or wait"
        raise Stray([Alert("B-DATE", f"data/inbox_batch/{path.name}", Fault("", text))])


def handle(root: Root, path: Path, arguments: Namespace, used: Settings, part: Part) -> None:
    """The story of one file."""
    command = f"import_batch {path.name}"
    with issuing.begin(root, command, used.lock_wait) as run:
        if not path.exists():
            print(f"{path.name}: another run has just dealt with it")
            return
        given = inputs.load(root)
        check_dates(path, arguments)
        submission = archive(root, path)
        client = known_client(root, given, submission)
        chains = revenues.read(root, revenues.BATCH)
        payer = given.clients[client.client.billed_as].client
        logo = client.logo.data if client.logo else None
        # Workers get ready while the lines are checked.
        with production.started(logo, used, length(submission.archived)) as produce_all:
            lines, faults = check(root, client, payer, submission, chains)
            if faults:
                raise Refused(reject(root, submission, faults, client.client.csv.delimiter))
            done = partial(part.done, of=lines)
            issued = issue(run, client, submission, given, chains, arguments, produce_all, done)
    report(root, submission, issued)


# --- receiving -----------------------------------------------------------------------


def archive(root: Root, path: Path) -> Submission:
    """Keeps the raw bytes in data/archive_batch/, whatever becomes of them.

    Raises:
      Refused: if the file changes while it is read.
      Broken: if its archived copy is not what it was.
    """
    match = inbox.NAME.fullmatch(path.name)
    assert match is not None
    digest = storage.sha256_of_file(path)
    target = root.archive_batch / f"{path.stem}.{digest[:12]}.csv"
    kept_before = target.exists()
    storage.keep_copy(path, target)
    if storage.sha256_of_file(target) != digest:
        if kept_before:
            text = "is not the file that was handed in; run `make verify`"
            raise Broken([Alert("B-PROOF-CHANGED", root.name_of(target), Fault("", text))])
        target.unlink()
        text = "changes while it is read; run the command again when it is complete"
        raise cli.refuse("B-CSV-CHANGING", root.name_of(path), "", text, match[1])
    return Submission(path, target, match[1], match[2], digest)


def known_client(root: Root, given: Inputs, submission: Submission) -> BatchClientInput:
    """The client that a file's name says.

    Raises:
      Stray: if there is none, or it is closed; the file is rejected.
    """
    client = given.batch_clients.get(submission.client)
    name = submission.path.name
    if client is None:
        rule = f'there is no batch client "{submission.client}"'
        internal = f"{rule}; rename the file, or add batch_clients/{submission.client}.json"
        fault = CellFault(0, "", name, rule, "correct the name of the file", internal)
        raise Stray(reject(root, submission, [fault]))
    if client.client.status == "closed":
        rule = f'the batch client "{submission.client}" is closed'
        internal = f'{rule}; write "active" in {client.source.name}, or rename the file'
        raise Stray(reject(root, submission, [CellFault(0, "", name, *_LATER_ON, internal)]))
    return client


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
    faults = list(month_faults(root, client, payer, submission, chain))
    seen = {
        batch_rows.reference_key(record["reference"]): record["number"]
        for record in chain.records
        if record["kind"] == "invoice"
    }
    lines = 0
    notices: dict[tuple[str, Fault], list[int]] = {}
    for found in read_lines(submission.archived, client):
        if isinstance(found, list):
            # A value may be as long as a line; a report shows its beginning.
            faults += (one._replace(value=one.value[: SHOWN + 1]) for one in found)
            if len(faults) > _MOST:
                rule = f"reading stopped after {_MOST} errors"
                return lines, [*faults[:_MOST], CellFault(0, "", "", rule, "correct these first")]
            continue
        lines += 1
        faults += period_faults(found, submission.month)
        for notice in law_notices.of_batch_row(client.client, found):
            notices.setdefault(notice, []).append(found.line)
        key = batch_rows.reference_key(found.reference)
        if key in seen:
            rule = f"a reference is used once, for ever; {seen[key]} has it already"
            remedy = "remove this line if it was invoiced before; else give it another reference"
            faults.append(CellFault(found.line, "reference", found.reference, rule, remedy))
        seen.setdefault(key, f"line {found.line}")
    if not lines and not faults:
        rule = "a file has a line for each invoice, below the header"
        faults.append(CellFault(0, "", "no lines", rule, "hand it in with its invoices"))
    if not faults:
        tell_notices(root, submission, notices)
    return lines, faults


def tell_notices(
    root: Root, submission: Submission, notices: dict[tuple[str, Fault], list[int]]
) -> None:
    """Reports what passes and is mostly not lawful, once with the first line that has it."""
    file = root.name_of(submission.path)
    told = []
    for (code, fault), found in notices.items():
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        fault = fault._replace(place=f"line {found[0]}{others}")
        told.append(Alert(code, file, fault, submission.client))
    alerts.report(root.logs, "import_batch.py", told)


def period_faults(row: BatchInvoice, month: str) -> Iterator[CellFault]:
    """A service period lies around its file's month: a year that is far off is a slip."""
    earliest, latest = periods.add_months(month, -_EARLIER), periods.add_months(month, _LATER)
    for column, day in (("period_start", row.period.start), ("period_end", row.period.end)):
        if not earliest <= periods.month_of(day) <= latest:
            rule = f"the service of a file for {month} lies between {earliest} and {latest}"
            yield CellFault(row.line, column, day.isoformat(), rule, "correct the date")


def month_faults(
    root: Root,
    client: BatchClientInput,
    payer: Client,
    submission: Submission,
    chain: records.Chain,
) -> Iterator[CellFault]:
    """A month is handed in once, while its payer has a plan and is not invoiced for it yet."""
    month = submission.month
    invoices = (record for record in chain.records if record["kind"] == "invoice")
    if any(record["month"] == month for record in invoices):
        rule = f"{month} was invoiced already; a month is handed in once"
        remedy = "put what is new into the file of the next month"
        yield CellFault(0, "", submission.path.name, rule, remedy)
    name = submission.path.name
    items = [
        (plan, item)
        for plan, item in plans.each_item(payer.plans)
        if not isinstance(item, Flat) and item.metric == plan_checks.BATCH_METRIC
    ]
    of_month = spans.of_months([month])
    serves = [dates for plan, item in items if (dates := plans.dates_of_item(plan, item))]
    if payer.status == "closed" or not any(spans.within(of_month, dates) for dates in serves):
        internal = f"its payer {payer.id} is closed or has no plan in {month}, so nobody would be"
        internal += f" billed; correct clients/{payer.id}.json, then hand the file in again"
        yield CellFault(0, "", name, *_LATER_ON, internal)
    ids = {item.id for _, item in items}
    for billed in revenues.billed(revenues.lines_of(root, revenues.DIRECT, payer.id)):
        covers = billed.item in ids and month in spans.months_of(billed.days)
        if covers and not billed.credited:
            internal = f"its payer {payer.id} was invoiced for {month} already, by {billed.number}"
            internal += f"; credit {billed.number} first, or name the file after the next month"
            yield CellFault(0, "", name, *_LATER_ON, internal)


def length(path: Path) -> int:
    """How many lines a file has, its header and empty ones too."""
    with storage.open_file(path) as stream:
        return sum(piece.count(b"\n") for piece in storage.pieces_of(stream))


def read_lines(path: Path, client: BatchClientInput) -> Iterator[BatchInvoice | list[CellFault]]:
    """Each line below the header: an invoice, or what is wrong with it."""
    with storage.open_file(path) as stream:
        yield from read_rows(batch_csv.read(stream, client.client.csv), client.client)


def read_rows(rows: Iterator[Row], client: BatchClient) -> Iterator[BatchInvoice | list[CellFault]]:
    """The same of lines whose structure is known already."""
    dialect = client.csv
    header = next(rows, None)
    if header is None:
        yield [CellFault(0, "", "empty file", "a file begins with its header", "export it again")]
        return
    wrong = list(header.faults) or batch_csv.header_faults(
        header.cells, batch_rows.columns(), batch_rows.required(), dialect.delimiter
    )
    if wrong:
        yield wrong
        return
    reader = Reader(dialect, client.seller, client.defaults, header.cells)
    for row in rows:
        yield batch_rows.read_row(row, reader)


def reject(
    root: Root, submission: Submission, faults: list[CellFault], delimiter: str = ";"
) -> list[Alert]:
    """Moves the file to rejected/ with its report; nothing is issued, no number used.

    Args:
      delimiter: the one that the seller's spreadsheet knows.

    Returns:
      the first faults, and where the report is.

    Raises:
      Broken: if rejected/ is none: by a link an uploader would choose where reports are written.
    """
    folder = root.rejected
    name = submission.path.name
    if os.path.lexists(folder) and not inbox.is_folder(folder):
        text = "is a link or no folder; remove it, the program makes the folder"
        raise Broken([Alert("B-LINK", root.name_of(folder), Fault("", text))])
    storage.make_folder(folder)
    storage.replace(folder / f"{name}.errors.csv", errors_csv(faults, delimiter))
    lines = [f"{name}: rejected, {counted(faults)}, nothing was issued", *map(told, faults)]
    text = "".join(f"{line}\n" for line in lines)
    storage.replace(folder / f"{name}.errors.txt", text.encode("utf-8", "replace"))
    storage.move(submission.path, folder / name)
    first = [
        Alert("B-CSV-LINE", name, Fault(place_of(fault), told_inside(fault)), submission.client)
        for fault in faults[:_TOLD]
    ]
    where = f"{root.name_of(folder)}/{name}"
    text = f"rejected with {counted(faults)}, nothing was issued; correct the file"
    text += f" (the report is {where}.errors.csv) and put it into data/inbox_batch/ again"
    return [*first, Alert("B-CSV-REJECTED", name, Fault("", text), submission.client)]


def counted(faults: list[CellFault]) -> str:
    """ "1 error", "12 errors"."""
    return f"{len(faults)} error" + ("s" if len(faults) > 1 else "")


def place_of(fault: CellFault) -> str:
    """ "line 12, customer_siren"."""
    line = f"line {fault.line}" if fault.line else ""
    return ", ".join(part for part in (line, batch_rows.shown(fault.column)) if part)


def reason_of(fault: CellFault) -> str:
    """What was found, what is expected, what to do."""
    value = f"{batch_rows.shown(fault.value)}: " if fault.value else ""
    return f"{value}{fault.rule}" + (f"; {fault.remedy}" if fault.remedy else "")


def told_inside(fault: CellFault) -> str:
    """The same for the operator, who learns of matters of the house."""
    return reason_of(fault._replace(rule=fault.internal, remedy="") if fault.internal else fault)


def told(fault: CellFault) -> str:
    """A fault as the report in plain text has it."""
    return printable(": ".join(filter(None, (place_of(fault), reason_of(fault)))))


def errors_csv(faults: Iterable[CellFault], delimiter: str) -> bytes:
    """The report for the seller's spreadsheet, with the delimiter that it knows."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(["line", "column", "value", "rule", "remedy"])
    for fault in faults:
        found = (batch_rows.shown(fault.column), batch_rows.shown(fault.value))
        texts = map(printable, (*found, fault.rule, fault.remedy))
        writer.writerow([fault.line or "", *texts])
    return b"\xef\xbb\xbf" + stream.getvalue().encode("utf-8", "replace")


# --- issuing -------------------------------------------------------------------------


def issue(
    run: issuing.Run,
    client: BatchClientInput,
    submission: Submission,
    given: Inputs,
    chains: dict[str, records.Chain],
    arguments: Namespace,
    produce_all: Produce,
    done: Callable[[int], None],
) -> Issued:
    """Renders, validates and commits every line, in order, with the payer's usage.

    Args:
      done: is told how many lines are done.

    Raises:
      Refused: with every rule of the standard that any document breaks; the file is rejected.
    """
    root = run.root
    given_numbers = numbering.numbered(root, chains.values())
    sequences = numbering.read(root, revenues.BATCH.counters, given_numbers)
    numbered = _numbered(client, submission, given, sequences, arguments)
    issued = Issued()
    faults: list[CellFault] = []

    def facts() -> Iterator[records.Record]:
        # Each line is an invoice and none is empty, so the first one stands on line 2.
        for line, (made, product) in enumerate(produce_all(numbered), 2):
            done(line - 1)
            for verdict in product.verdicts:
                rule = f"the invoice standard EN 16931 refuses it: {verdict.rule} {verdict.text}"
                faults.append(
                    CellFault(line, "reference", made.reference, rule, "correct the line")
                )
            if not product.verdicts:
                issued.count(made)
                yield revenues.stage(run, revenues.BATCH, made, product.json, product.pdf)

    run.append(revenues.chain_of(root, revenues.BATCH, chains, submission.client), facts())
    if faults:
        raise Refused(reject(root, submission, faults, client.client.csv.delimiter))
    _finish(run, client, submission, given, issued, sequences)
    return issued


def _numbered(
    client: BatchClientInput,
    submission: Submission,
    given: Inputs,
    sequences: numbering.Sequences,
    arguments: Namespace,
) -> Iterator[Document]:
    """The documents of a file, made one at a time as they are taken."""
    sources = {source.name: source.sha256 for source in _sources(client, given)}
    sources[f"data/archive_batch/{submission.archived.name}"] = submission.sha256
    renderer = dict(production.renderer())
    logo = client.logo.sha256 if client.logo else ""
    issuer = given.issuer.issuer.party.name
    for row in read_lines(submission.archived, client):
        assert isinstance(row, BatchInvoice), "the file was checked"
        try:
            number = numbering.advance(sequences, client.client.code, arguments.issue_date)
        except ValueError as error:
            raise cli.refuse("B-NUMBER-DATE", "", "ISSUE_DATE", str(error)) from None
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
    given: Inputs,
    issued: Issued,
    sequences: numbering.Sequences,
) -> None:
    """The rest of the transaction: inputs kept, counters, usage, the inbox."""
    root = run.root
    for source in _sources(client, given):
        path = root.archive_inputs / source.sha256
        if not path.exists():
            run.stage_proof(path, source.data)
    numbering.stage(run, revenues.BATCH.counters, sequences)
    usage = batch_invoicing.usage(client.client, submission.month, issued.invoices)
    name = f"{submission.month}.{usage['source']}.json"
    run.put(root.usage / client.client.billed_as / name, storage.pretty_json(usage))
    run.remove(submission.path, submission.sha256)
    run.commit()


def _sources(client: BatchClientInput, given: Inputs) -> list[input_files.Source]:
    logo = [client.logo] if client.logo else []
    return [client.source, given.issuer.source, *logo]


# --- saying --------------------------------------------------------------------------


def report(root: Root, submission: Submission, issued: Issued) -> None:
    """One line a file: how many, from which number to which, and the totals."""
    text = (
        f"{alerts.counted(issued.invoices, 'invoice')} issued, {issued.first} to {issued.last},"
        f" net {issued.net}, gross {issued.gross} {issued.currency}"
    )
    alerts.write_log(root.logs, submission.client, "INFO", "import_batch.py", "I-ISSUED", text)
    print(f"{submission.path.name}: {text}")


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
