#!/usr/bin/env python3
"""Drafts of a month's invoices in ROOT/preview/: watermarked, unnumbered, without XML.

What a run would refuse is refused here too: each draft's XML is made under a stand-in
number and put before the same judges. Nothing is issued; drafts of before are removed.
With --client only this client's files are judged, and only its draft changes. With --invoice
it is the credit note that `make credit-note` would issue, and only that draft changes.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_dates(options)
    options.add_argument("--client", default="", help="the draft of this client alone")
    options.add_argument(
        "--invoice", default="", help="the credit note of this invoice (with REASON)"
    )
    options.add_argument("--lines", default="", help="as of `make credit-note`")
    options.add_argument("--amount", default="", help="as of `make credit-note`")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import os
import tempfile
from collections.abc import Mapping
from functools import partial
from typing import IO

from lib.billing import invoicing
from lib.billing.invoicing import Billable
from lib.billing.pricing import MissingUsage
from lib.books import bills, crediting, revenues
from lib.core import lock, storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.documents import facturx_xml, invoice_pdf, judging, production, validators
from lib.inputs import inputs, settings
from lib.inputs.inputs import Inputs
from lib.values.document import Document

_STAND_IN = "DRAFT-2000-0001"


def main(arguments: Namespace, root: Root) -> None:
    """Drafts of every client who has something to pay for the month, or of one credit note."""
    config = settings.load(root)
    wait = config.lock_wait
    if config.workers > 1:
        judging.start()
    if arguments.invoice:
        if place := next((name for name in ("CLIENT", "MONTH") if cli.typed(name)), ""):
            text = say("is of the invoices of a month, INVOICE asks for one credit note")
            raise cli.refuse("B-USAGE", "", place, text, remedy=say("leave one of them out"))
        preview_credit_note(arguments, root, wait)
        return
    if arguments.lines or arguments.amount:
        place = "LINES" if arguments.lines else "AMOUNT"
        raise cli.refuse("B-USAGE", "", place, say("is of a credit note: name its INVOICE too"))
    client = arguments.client
    content = inputs.load(root, client)
    if client:
        content.check_client(client)
    # They wait in a file without a name until all are made: of many, memory would hold too much.
    folder = root.preview if root.preview.is_dir() else root.path
    with tempfile.TemporaryFile(dir=folder) as stream:
        drafts = drafts_of(arguments, root, content, wait, stream)
        write(root, drafts, f"{client}[.-]*pdf" if client else "*.pdf")


def drafts_of(
    arguments: Namespace, root: Root, content: Inputs, wait: int, stream: IO[bytes]
) -> dict[str, storage.Content]:
    """The drafts by the names of their files; their bytes are put into `stream`.

    Raises:
      Refused: with all that a run would refuse.
    """
    client = arguments.client
    since = revenues.first_run(root)
    drafts: dict[str, storage.Content] = {}
    faults: list[Alert] = []
    for file in [content.clients[client]] if client else content.clients.values():
        with lock.shared(root, wait):
            lines = revenues.lines_of(root, revenues.DIRECT, file.client.id)
        billed = revenues.billed(lines)
        try:
            bill = bills.of_client(content, file.client, billed, arguments.month, since=since)
        except MissingUsage as missing:
            faults += bills.missing_faults(content, file.client.id, missing)
            continue
        if bill.nothing:
            reason = bill.nothing.reason
            print(say("{client}: no draft, {reason}", client=file.client.id, reason=reason))
        owed = bills.owed(root, file.client, billed)
        bills.write_lines(root, owed)
        for notice in (
            *bills.gap_notices(file.source.name, file.client, bill.gaps, billed),
            *bills.owed_notices(root, file.client, owed),
        ):
            print(notice)
        for i, billable in enumerate(bill.invoices, 1):
            unfit = [alert for usage in billable.usage for alert in usage.unfit]
            if unfit:
                faults += unfit
                continue
            pdf, verdicts = draft(content, billable, arguments)
            name = file.client.id if i == 1 else f"{file.client.id}-{i}"
            drafts[f"{name}.pdf"] = put_aside(stream, pdf)
            faults += [
                Alert(
                    "B-INVOICE-INVALID",
                    file.source.name,
                    Fault(verdict.rule, verdict.text),
                    file.client.id,
                )
                for verdict in verdicts
            ]
    if faults:
        raise Refused(faults)
    return drafts


def put_aside(stream: IO[bytes], data: bytes) -> storage.Content:
    """Puts bytes at the end of a file, to be read there when they are wanted."""
    begins, size = stream.tell(), len(data)
    stream.write(data)
    stream.flush()
    return lambda: (os.pread(stream.fileno(), size, begins),)


def preview_credit_note(arguments: Namespace, root: Root, wait: int) -> None:
    """The draft of the credit note that `make credit-note` would issue."""
    request = crediting.read(arguments.lines, arguments.amount)
    days = arguments.issue_date, arguments.today
    renderer = dict(production.renderer())
    with lock.shared(root, wait):
        credited = crediting.find(root, arguments.invoice)
        note = crediting.credit_note(root, credited, request, _STAND_IN, days, renderer)
    name = note.seller.logo
    pdf, verdicts = rendered(note, storage.read(root.archive_inputs / name) if name else None)
    if verdicts:
        raise Refused(
            Alert("B-INVOICE-INVALID", arguments.invoice, Fault(verdict.rule, verdict.text))
            for verdict in verdicts
        )
    revenues.show([revenues.facts(note, "", "") | {"number": say("draft")}])
    file = f"credit-{arguments.invoice}.pdf"
    write(root, {file: pdf}, file)


def draft(
    content: Inputs, billable: Billable, arguments: Namespace
) -> tuple[bytes, list[validators.Verdict]]:
    """The draft's PDF, and the rules that the invoice would break."""
    logo = content.issuer.logo
    document = invoicing.invoice(
        billable,
        _STAND_IN,
        arguments.issue_date,
        content.issuer.issuer,
        {},
        dict(production.renderer()),
        logo.sha256 if logo else "",
    )
    return rendered(document, logo.data if logo else None)


def rendered(document: Document, logo: bytes | None) -> tuple[bytes, list[validators.Verdict]]:
    """A document as a draft, and the rules that it would break."""
    draw = partial(invoice_pdf.render, document, None, logo, document.speech.word("draft"))
    (page,) = judging.meanwhile([judging.Case(document, facturx_xml.generate(document), draw)])
    return page


def write(root: Root, drafts: Mapping[str, storage.Content], names: str) -> None:
    """Leaves exactly these drafts in ROOT/preview/, among the files of these names."""
    files = {root.preview / name: pdf for name, pdf in drafts.items()}
    with storage.held(root.preview):
        for path in root.preview.glob(names):
            if path not in files:
                path.unlink()
        storage.update_all_derived(files)
    for path in files:
        print(path)
    print(counted(len(drafts), "1 draft", "{number} drafts"))


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
