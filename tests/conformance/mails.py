"""Judge of the mails: an SMTP server takes what `make mail` sends, and is asked what it got."""

import json
import shutil
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

import house
from conformance.corpus import CREDITED
from conformance.court import Corpus, Issued, Report
from lib.core.root import Root

Expected = tuple[str, bytes]  # an address and the PDF that it gets
_OPEN_TO_ALL = {"SMTP_HOST": "127.0.0.1", "SMTP_SECURITY": "none"}


class _Letterbox:
    """Keeps what the server took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.taken.append(envelope)
        return "250 taken"


def server(corpus: Corpus) -> Report:
    """Each client and each batch customer gets its PDF, once, as the bytes that are the proof."""
    report = Report("PDF files mailed")
    for root in corpus.roots:
        letterbox = _Letterbox()
        port = _free_port()
        controller = Controller(letterbox, hostname="127.0.0.1", port=port)
        controller.start()
        with TemporaryDirectory() as folder:
            copy = Root(Path(folder) / "root")
            shutil.copytree(root.path, copy.path)
            settings = {**_OPEN_TO_ALL, "SMTP_PORT": str(port), "MAIL_FROM": "post@studio.example"}
            ran = house.make(copy, "mail", f"TODAY={CREDITED}", environment=settings)
        controller.stop()
        if ran.code:
            report.errors.append(f"{root.path.name}: make mail: {ran.out}{ran.err}")
        got = sorted(pair for taken in letterbox.taken for pair in _got(taken, report))
        issued = [one for one in corpus.issued if one.root == root]
        wanted = sorted(pair for one in issued for pair in _wanted(one))
        report.judged += len(wanted)
        names = {one.pdf.read_bytes(): one.name for one in issued}
        for text, pairs in (("not sent", _less(wanted, got)), ("unwanted", _less(got, wanted))):
            report.errors += [f"{names.get(pdf, '?')} to {to}: {text}" for to, pdf in pairs]
    return report


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _less(many: list[Expected], fewer: list[Expected]) -> list[Expected]:
    rest = list(many)
    for pair in fewer:
        if pair in rest:
            rest.remove(pair)
    return rest


def _got(envelope: Envelope, report: Report) -> Iterator[Expected]:
    """Who was sent which PDF; headers name the same people as the envelope."""
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    named = [
        address.addr_spec
        for header in ("To", "Cc")
        if message[header]
        for address in message[header].addresses
    ]
    if sorted(named) != sorted(envelope.rcpt_tos) or not message["Date"]:
        report.errors.append(f"{message['Subject']}: to {named}, envelope {envelope.rcpt_tos}")
    for part in message.iter_attachments():
        if part.get_content_type() == "application/pdf":
            for address in envelope.rcpt_tos:
                yield address, part.get_content()


def _wanted(issued: Issued) -> Iterator[Expected]:
    """Who gets a document, by the files that people wrote."""
    made, root = issued.document, issued.root
    pdf = issued.pdf.read_bytes()
    if made.issued_by:
        seller = _input(root.batch_clients / f"{made.client}.json")
        addresses = made.buyer.email if seller["delivery"]["email_customers"] else ()
    else:
        client = _input(root.clients / f"{made.client}.json")
        delivery = client.get("delivery", {})
        wanted = delivery.get("email", True)
        addresses = [*client["party"].get("email", []), *delivery.get("cc", [])] if wanted else []
    for address in addresses:
        yield address, pdf


def _input(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
