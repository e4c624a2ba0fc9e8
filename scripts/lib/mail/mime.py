"""Mail: a letter as bytes.

The bytes of a letter are a function of what it says and carries: its Message-ID and MIME
boundary are made of hashes, and it has no date until it is sent. All of it is ASCII, so
every server can take it.
"""

import re
import unicodedata
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

from lib.core import storage
from lib.core.messages import Message, say

if TYPE_CHECKING:
    from email.message import EmailMessage
    from email.message import Message as Headers

_ADDRESS = re.compile(r"[!-~]+@[A-Za-z0-9.-]+")
_SHORT = 60  # characters that stand in a header as they are
_WORD = 39  # bytes of an encoded word, which has 64 characters then


class HeaderError(ValueError):
    """A letter that cannot be written: its header would not read as it was meant."""

    def __init__(self, reason: Message):
        self.reason = reason
        super().__init__(str(reason))


class Attachment(NamedTuple):
    """`type` is a MIME type: application/pdf."""

    name: str
    type: str
    data: bytes


class Letter(NamedTuple):
    """What a person receives. `sender_name` stands before the address that it comes from."""

    sender_name: str
    sender: str
    reply_to: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    subject: str
    text: str
    attachments: tuple[Attachment, ...]


# --- letters -------------------------------------------------------------------------


def to_bytes(letter: Letter, identity: str) -> bytes:
    """The letter as a file (RFC 5322), without a date.

    Args:
      identity: what distinguishes this mail from any other; with the attachments it makes the
        Message-ID, so that a mail sent again is known to be the same.

    Raises:
      HeaderError: if a name or the subject cannot stand in a header: a line break in one
        would begin another header.
    """
    hashes = [storage.sha256(attachment.data) for attachment in letter.attachments]
    digest = storage.sha256(storage.canonical_json([identity, *hashes]))[:32]
    headers = {
        "From": [(letter.sender_name, letter.sender)],
        "Reply-To": [("", letter.reply_to)] if letter.reply_to else [],
        "To": [("", address) for address in letter.to],
        "Cc": [("", address) for address in letter.cc],
    }
    lines = [
        f"{name}: " + ",\r\n ".join(_address(*end) for end in ends)
        for name, ends in headers.items()
        if ends
    ]
    lines.append(f"Subject: {_encoded(letter.subject)}")
    lines.append(f"Message-ID: <{digest}@{domain_of(letter.sender)}>")
    data = "\r\n".join(lines).encode("ascii") + b"\r\n" + _body(letter, digest)
    _check_headers(data, headers, letter.subject)
    return data


def read(data: bytes) -> Letter:
    """The letter that these bytes were made of: `to_bytes` gives them again."""
    from email import policy
    from email.parser import BytesParser

    headers = _headers(data)
    [(sender_name, sender)] = _addresses(headers, "From")
    message = BytesParser(policy=policy.default).parsebytes(data)
    body = message.get_body(("plain",))
    assert body is not None
    return Letter(
        sender_name,
        sender,
        reply_to="".join(address for _, address in _addresses(headers, "Reply-To")),
        to=tuple(address for _, address in _addresses(headers, "To")),
        cc=tuple(address for _, address in _addresses(headers, "Cc")),
        subject=_decoded(headers["Subject"]),
        text=body.get_content().replace("\r\n", "\n"),
        attachments=tuple(
            Attachment(part.get_filename(""), part.get_content_type(), _content(part))
            for part in message.iter_attachments()
        ),
    )


def _content(part: "EmailMessage") -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def _body(letter: Letter, digest: str) -> bytes:
    from email import policy
    from email.message import EmailMessage

    message = EmailMessage(policy=policy.SMTP)
    message.set_content(letter.text, cte="quoted-printable")
    for attachment in letter.attachments:
        main, _, sub = attachment.type.partition("/")
        message.add_attachment(
            attachment.data, maintype=main, subtype=sub, filename=attachment.name
        )
    if letter.attachments:
        # "=_" stands in no quoted-printable or base64 text, so it begins no line of one.
        message.set_boundary(f"=_{digest}")
    return message.as_bytes()


def _address(name: str, address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        text = say("{address} is not an address that a header can carry", address=repr(address))
        raise HeaderError(text)
    return f"{_encoded(name, quoted=True)}\r\n <{address}>" if name else address


def _encoded(text: str, quoted: bool = False) -> str:
    """A text in a header: as it is where it is short ASCII, else as encoded words (RFC 2047).

    EmailMessage folds long headers itself, and loses spaces and quotation marks on the way.

    Raises:
      HeaderError: for a line break or another character that cannot be printed.
    """
    hidden = [char for char in text if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    if hidden:
        raise HeaderError(
            say("{text} holds a character that cannot stand in a header", text=repr(text))
        )
    shown = text
    if quoted:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{escaped}"'
    if shown.isascii() and len(shown) <= _SHORT and "=?" not in text and text == text.strip():
        return shown
    words, word = [], b""
    for char in text:
        if len(word) + len(char.encode()) > _WORD:
            words.append(word)
            word = b""
        word += char.encode()
    return "\r\n ".join(f"=?utf-8?b?{b64encode(piece).decode()}?=" for piece in (*words, word))


def _check_headers(data: bytes, headers: dict[str, list[tuple[str, str]]], subject: str) -> None:
    """Reads the headers back as a mail program does: what was written, and nothing else."""
    headers_read = _headers(data)
    body = {"Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
    written = {name for name, ends in headers.items() if ends} | {"Subject", "Message-ID"}
    if sorted(name for name in headers_read if name not in body) != sorted(written):
        raise HeaderError(say("its headers are not those that were written"))
    for name, ends in headers.items():
        if _addresses(headers_read, name) != ends:
            raise HeaderError(say("its header {name} does not read as it was written", name=name))
    if _decoded(headers_read["Subject"]) != subject:
        raise HeaderError(say("its subject does not read as it was written"))


def _headers(data: bytes) -> "Headers":
    from email.parser import HeaderParser

    return HeaderParser().parsestr(data.partition(b"\r\n\r\n")[0].decode() + "\r\n\r\n")


def _addresses(headers: "Headers", name: str) -> list[tuple[str, str]]:
    """The addresses in a header, each with the name before it; none where it is missing."""
    from email.utils import getaddresses

    pairs = getaddresses(headers.get_all(name, []))
    return [(_decoded(shown), address) for shown, address in pairs]


def _decoded(text: str) -> str:
    from email.header import decode_header, make_header

    return str(make_header(decode_header(text)))


def message_id(data: bytes) -> str:
    """The Message-ID of a letter's bytes."""
    match = re.search(rb"^Message-ID: (\S+)\r\n", data, re.MULTILINE)
    assert match is not None
    return match[1].decode()


def addresses(data: bytes, header: str) -> tuple[str, ...]:
    """The addresses in a header of a letter's bytes; none where it has no such header."""
    from email import policy
    from email.parser import BytesParser

    value = BytesParser(policy=policy.default).parsebytes(data, headersonly=True)[header]
    return tuple(address.addr_spec for address in value.addresses) if value else ()


def domain_of(address: str) -> str:
    """What stands behind the @."""
    return address.rpartition("@")[2]
