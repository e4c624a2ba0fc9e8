"""Mail: a letter as bytes, and the SMTP server that takes it.

The bytes of a letter are a function of what it says and carries: its Message-ID and MIME
boundary are made of hashes, and it has no date until it is sent. All of it is ASCII, so
every server can take it.
"""

import re
import smtplib
import ssl
import unicodedata
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser, HeaderParser
from email.utils import formatdate, getaddresses
from typing import Any, NamedTuple

from lib import alerts, storage
from lib.alerts import Alert, Unavailable
from lib.settings import Mail

_ADDRESS = re.compile(r"[!-~]+@[A-Za-z0-9.-]+")
_SHORT = 60  # characters that stand in a header as they are
_WORD = 39  # bytes of an encoded word, which has 64 characters then

_PIECE = 65536  # bytes that the server has `timeout` seconds to take
_LONGEST = 200  # characters of an answer that an alert repeats


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


class Outcome(NamedTuple):
    """Who a server took a mail for, whom it refused and why, why it took it for nobody.

    `broken`: the connection was lost, and with it the word on whether the mail was taken.
    """

    accepted: tuple[str, ...] = ()
    refused: dict[str, str] = {}  # noqa: RUF012
    failure: str = ""
    broken: bool = False


# --- letters -------------------------------------------------------------------------


def to_bytes(letter: Letter, identity: str) -> bytes:
    """The letter as a file (RFC 5322), without a date.

    Args:
      identity: what tells this mail from any other; with the attachments it makes the
        Message-ID, so that a mail sent again is known to be the same.

    Raises:
      ValueError: if a name or the subject cannot stand in a header: a line break in one
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
        f"{name}: " + ",\r\n ".join(_address(*one) for one in ends)
        for name, ends in headers.items()
        if ends
    ]
    lines.append(f"Subject: {_encoded(letter.subject)}")
    lines.append(f"Message-ID: <{digest}@{domain_of(letter.sender)}>")
    data = "\r\n".join(lines).encode("ascii") + b"\r\n" + _body(letter, digest)
    _check_headers(data, headers, letter.subject)
    return data


def _body(letter: Letter, digest: str) -> bytes:
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
        raise ValueError(f"{address!r} is no address that a header can carry")
    return f"{_encoded(name, quoted=True)}\r\n <{address}>" if name else address


def _encoded(text: str, quoted: bool = False) -> str:
    """A text in a header: as it is where it is short ASCII, else as encoded words (RFC 2047).

    EmailMessage folds long headers itself, and loses spaces and quotation marks on the way.

    Raises:
      ValueError: for a line break or another character that cannot be printed.
    """
    hidden = [char for char in text if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    if hidden:
        raise ValueError(f"{text!r} holds a character that cannot stand in a header")
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
    return "\r\n ".join(f"=?utf-8?b?{b64encode(one).decode()}?=" for one in (*words, word))


def _check_headers(data: bytes, headers: dict[str, list[tuple[str, str]]], subject: str) -> None:
    """Reads the headers back as a mail program does: what was written, and nothing else."""
    found = HeaderParser().parsestr(data.partition(b"\r\n\r\n")[0].decode() + "\r\n\r\n")
    body = {"Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
    written = {name for name, ends in headers.items() if ends} | {"Subject", "Message-ID"}
    if sorted(name for name in found if name not in body) != sorted(written):
        raise ValueError("its headers are not those that were written")
    for name, ends in headers.items():
        read = getaddresses([found[name]]) if ends else []
        if [(_decoded(shown), address) for shown, address in read] != ends:
            raise ValueError(f"its header {name} does not read as it was written")
    if _decoded(found["Subject"]) != subject:
        raise ValueError("its subject does not read as it was written")


def _decoded(text: str) -> str:
    return str(make_header(decode_header(text)))


def message_id(data: bytes) -> str:
    """The Message-ID of a letter's bytes."""
    match = re.search(rb"^Message-ID: (\S+)\r\n", data, re.MULTILINE)
    assert match is not None
    return match[1].decode()


def addresses(data: bytes, header: str) -> tuple[str, ...]:
    """The addresses in a header of a letter's bytes; none where it has no such header."""
    found = BytesParser(policy=policy.default).parsebytes(data, headersonly=True)[header]
    return tuple(address.addr_spec for address in found.addresses) if found else ()


def domain_of(address: str) -> str:
    """What stands behind the @."""
    return address.rpartition("@")[2]


# --- the server ----------------------------------------------------------------------


class _InPieces:
    """Sends in pieces: the time for an answer is the time for a piece, not for a whole PDF."""

    def send(self, s: Any) -> None:
        data = s.encode("ascii") if isinstance(s, str) else s
        for start in range(0, len(data), _PIECE):
            super().send(data[start : start + _PIECE])  # type: ignore[misc]


class _Plain(_InPieces, smtplib.SMTP):
    pass


class _Tls(_InPieces, smtplib.SMTP_SSL):
    pass


class Session:
    """A connection to the server: made when first needed, made again after it was lost."""

    def __init__(self, used: Mail, sender: str):
        self._used = used
        self._sender = sender
        self._smtp: smtplib.SMTP | None = None

    def connect(self) -> None:
        """Makes sure that there is a connection.

        Raises:
          Unavailable: if there can be none: no answer, no trusted certificate, no login.
        """
        if self._smtp is not None and self._smtp.sock is not None:
            return
        used = self._used
        try:
            self._smtp = _open(used, domain_of(self._sender))
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            self._smtp = None
            text = f"{self._why(error)}; the mails wait in data/outbox/ for the next run"
            raise Unavailable(
                [Alert("B-MAIL-SERVER", f"{used.host}:{used.port}", "", text)]
            ) from None

    def send(self, recipients: Sequence[str], data: bytes) -> Outcome:
        """Hands a mail over, dated now.

        Raises:
          Unavailable: as `connect` does.
        """
        self.connect()
        assert self._smtp is not None
        dated = f"Date: {formatdate()}\r\n".encode() + data
        try:
            refused = self._smtp.sendmail(self._sender, list(recipients), dated)
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
            if any(code == 421 for code, _ in refused.values()):
                self.close()
                return Outcome(failure="the server ended the connection (421)", broken=True)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            return Outcome(failure=self._why(error))
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Outcome(failure=self._why(error), broken=True)
        return Outcome(
            tuple(one for one in recipients if one not in refused),
            {one: self._answer(*answer) for one, answer in refused.items()},
        )

    def close(self) -> None:
        """Ends the connection, if there is one."""
        if self._smtp is not None:
            smtp, self._smtp = self._smtp, None
            with suppress(OSError, smtplib.SMTPException):
                smtp.close()

    def _why(self, error: Exception) -> str:
        if isinstance(error, smtplib.SMTPAuthenticationError):
            # What the server says here may repeat what it was given.
            code = error.smtp_code
            return f"refuses the login ({code}); check SMTP_USER and SMTP_PASSWORD"
        if isinstance(error, smtplib.SMTPResponseException):
            return f"answers {self._answer(error.smtp_code, error.smtp_error)}"
        # smtplib tells of a time that ran out while it read as of a connection that ended.
        if isinstance(error, TimeoutError) or "timed out" in str(error):
            return f"does not answer within {self._used.timeout} s (SMTP_TIMEOUT)"
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return "ended the connection"
        if isinstance(error, smtplib.SMTPException):
            return self._hidden(str(error))
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"has a certificate that cannot be trusted: {error.verify_message}"
        return f"cannot be reached: {getattr(error, 'strerror', None) or error}"

    def _answer(self, code: int, said: bytes | str) -> str:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return f"{code} {self._hidden(text)}"

    def _hidden(self, text: str) -> str:
        """What a server says, on one line, without the password that it was told."""
        for secret in _as_sent(self._used.user, self._used.password):
            text = text.replace(secret, "***")
        return alerts.printable(" ".join(text.split()))[:_LONGEST]


def _as_sent(user: str, password: str) -> tuple[str, ...]:
    """The password as AUTH LOGIN and AUTH PLAIN send it, and as it is (RFC 4616, 4954)."""
    if not password:
        return ()
    plain = b64encode(f"\0{user}\0{password}".encode()).decode()
    return plain, b64encode(password.encode()).decode(), password


def _open(used: Mail, domain: str) -> smtplib.SMTP:
    """A connection, encrypted and logged in as the settings say."""
    context = ssl.create_default_context(cafile=used.ca_file)
    smtp: smtplib.SMTP
    if used.security == "tls":
        smtp = _Tls(used.host, used.port, domain, timeout=used.timeout, context=context)
    else:
        smtp = _Plain(used.host, used.port, domain, timeout=used.timeout)
    try:
        if used.security == "starttls":
            smtp.starttls(context=context)
        if used.user:
            smtp.login(used.user, used.password)
    except BaseException:
        smtp.close()
        raise
    return smtp
