#!/usr/bin/env python3
"""A copy of a paid invoice that says so, in exports/receipts/<number>-paid.pdf.

It is marked ACQUITTÉE (PAID), with the date and method of each payment in the place of how
to pay, and what was paid in the place of what is due. The invoice stays as it was issued.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--invoice", required=True, help="NORD-2024-0001")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from datetime import date

from lib.accounting import exports
from lib.books import balances, histories, openings, payments, proofs, revenues
from lib.books.histories import History, IssuedDocument, Movement
from lib.core.faults import Alert, Fault, Refused, WrongUsage
from lib.core.messages import figure, say
from lib.core.root import Root
from lib.documents import invoice_pdf
from lib.documents.invoice_pdf import Settled
from lib.values import document
from lib.values.document import Document
from lib.values.money import in_euros, text_of
from lib.values.speech import Speech

_MOST = 8  # payments that are listed one by one


def main(arguments: Namespace, root: Root) -> None:
    """One PDF."""
    number = arguments.invoice
    with exports.held(root, f"make_receipt {number}"):
        history = _of_number(root, number)
        _refuse_unpaid(history)
        document = _document(root, history.invoice)
        logo = _logo(root, document)
        watermark = document.speech.word("paid_copy")
        settled = Settled(
            tuple(paid_lines(history, document.speech)),
            in_euros(sum(note.gross for note in history.credit_notes)),
            in_euros(sum(movement.amount for movement in history.movements if not movement.cause)),
            in_euros(sum(movement.amount for movement in history.movements if movement.cause)),
        )
        pdf = invoice_pdf.render(document, None, logo, watermark, settled)
        exports.write(root, {f"receipts/{number}-paid.pdf": pdf})


def _of_number(root: Root, number: str) -> History:
    clients = histories.by_client(root, histories.clients_of(root), "")
    matching = [history for own in clients for history in own if history.invoice.number == number]
    if not matching:
        fault = Fault("INVOICE", say('"{number}" is not an invoice that was issued', number=number))
        raise WrongUsage([Alert("B-USAGE", "", fault)])
    return matching[0]


def _refuse_unpaid(history: History) -> None:
    invoice = history.invoice
    if invoice.kind == openings.OPENING:
        elsewhere = say("{number} was issued by the tool before", number=invoice.number)
        fault = Fault("INVOICE", elsewhere, remedy=say("its receipt is made there"))
        raise Refused([Alert("B-RECEIPT-UNPAID", "", fault, invoice.client)])
    credited = sum(note.gross for note in history.credit_notes)
    due = balances.outstanding_of(history)
    number, gross = invoice.number, figure(text_of(invoice.gross))
    if credited == invoice.gross:
        found = say("{number} was credited in full; there is nothing to receipt", number=number)
    elif due > 0:
        found = say(
            "{number} is not paid: {due} of {gross} is due",
            number=number,
            due=figure(text_of(due)),
            gross=gross,
        )
    elif any(movement.cause == payments.BAD_DEBT for movement in _standing(history)):
        found = say("{number} was written off as a bad debt, not paid", number=number)
    elif not _standing(history):
        found = say("{number} of {gross} has no payment", number=number, gross=gross)
    else:
        return
    raise Refused([Alert("B-RECEIPT-UNPAID", "", Fault("INVOICE", found), invoice.client)])


def _standing(history: History) -> list[Movement]:
    """Payments and refunds that nothing reverses, by date."""
    reversed_ones = {movement.reverses for movement in history.movements}
    standing = [
        movement
        for movement in history.movements
        if not movement.reverses and movement.seq not in reversed_ones
    ]
    return sorted(standing, key=lambda movement: movement.date)


def paid_lines(history: History, speech: Speech) -> list[str]:
    """A line for each payment, refund and credit note, by date, as the language writes it.

    What takes off of the invoice has no sign: payments and credit notes.
    """
    standing = _standing(history)
    dated = []
    for movement in standing[:_MOST]:
        day = speech.date(date.fromisoformat(movement.date))
        if movement.cause:
            how = speech.word(f"written_off_{movement.cause}")
        else:
            how = speech.method(movement.method)
        if movement.kind == "refund":
            how = f"{speech.word('given_back')}, {how}"
        amount = speech.amount(in_euros(movement.amount), movement.currency)
        dated.append((movement.date, f"{day}  ·  {how}  ·  {amount}"))
    for note in history.credit_notes:
        day = speech.date(date.fromisoformat(note.date))
        amount = speech.amount(in_euros(note.gross), note.currency)
        kind = speech.word("credit_note")
        dated.append((note.date, f"{day}  ·  {kind} {note.number}  ·  {amount}"))
    lines = [line for _, line in sorted(dated, key=lambda each: each[0])]
    if len(standing) > _MOST:
        lines.append(speech.word("more", count=str(len(standing) - _MOST)))
    return lines


def _document(root: Root, invoice: IssuedDocument) -> Document:
    path = revenues.proof_path(root, revenues.DIRECT, invoice.client, invoice.number, "json")
    return document.from_json(proofs.read(root, path, invoice.document_sha256, invoice.client))


def _logo(root: Root, document: Document) -> bytes | None:
    if not document.seller.logo:
        return None
    path = root.archive_inputs / document.seller.logo
    return proofs.read(root, path, document.seller.logo, document.client)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
