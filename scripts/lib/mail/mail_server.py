"""The SMTP server that takes mails: one connection, and what it answers.

A dialogue is the opening of a connection, or the handing over of one mail. Each has one
deadline for all of it, whatever the server says and however slowly, and the server says at
most so much: until its certificate is checked it may be anyone.
"""

import io
import smtplib
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from email.utils import formatdate
from typing import Any, NamedTuple

from lib.core.faults import Alert, Fault, Unavailable, printable
from lib.core.messages import Message, reason, say, verbatim
from lib.inputs.settings import Mail
from lib.mail.mime import domain_of

_PIECE = 65536  # bytes of a mail that add `timeout` seconds to the time of its dialogue
_RECORD = 16384  # bytes that are sent at once: what one record of TLS holds (RFC 8446, 5.1)
_MOST_SAID = 65536  # bytes that a server says in a dialogue
_LONGEST = 200  # characters of an answer that an alert repeats


class Outcome(NamedTuple):
    """Who a server took a mail for, whom it refused and why, why it took it for nobody.

    `broken`: the connection was lost, and with it the word on whether the mail was taken.
    """

    accepted: tuple[str, ...] = ()
    refused: dict[str, str] = {}  # noqa: RUF012
    failure: Message | None = None
    broken: bool = False


class _Endless(OSError):
    """A server that says more than any answer has."""


class _Bounded:
    """An SMTP connection whose dialogues end: by a deadline, and by how much is said."""

    sock: Any
    file: Any

    def __init__(self, seconds: int, *arguments: Any, **options: Any):
        self.begin(seconds)
        super().__init__(*arguments, timeout=seconds, **options)  # type: ignore[call-arg]

    def begin(self, seconds: int) -> None:
        """A dialogue begins, that has `seconds` in all."""
        self._deadline = time.monotonic() + seconds
        self._said = 0

    def wait_for(self, connection: socket.socket) -> None:
        """Gives the connection what is left of the dialogue's time.

        Raises:
          TimeoutError: if that is nothing.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left)

    def hear(self, size: int) -> None:
        """Counts what the server says.

        Raises:
          _Endless: if it is too much.
        """
        self._said += size
        if self._said > _MOST_SAID:
            raise _Endless

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = io.BufferedReader(_Answers(self, self.sock))
        return super().getreply()  # type: ignore[misc, no-any-return]

    def send(self, s: Any) -> None:
        data = s.encode("ascii") if isinstance(s, str) else s
        for start in range(0, len(data), _RECORD):
            if self.sock is not None:
                self.wait_for(self.sock)
            super().send(data[start : start + _RECORD])  # type: ignore[misc]


class _Answers(io.RawIOBase):
    """What a server says: smtplib reads it line by line, and a line may come byte by byte."""

    def __init__(self, bounded: _Bounded, connection: socket.socket):
        self._bounded = bounded
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._bounded.wait_for(self._connection)
        size = self._connection.recv_into(buffer)
        self._bounded.hear(size)
        return size


class _Plain(_Bounded, smtplib.SMTP):
    pass


class _Tls(_Bounded, smtplib.SMTP_SSL):
    pass


class Session:
    """A connection to the server: made when first needed, made again after it was lost."""

    def __init__(self, config: Mail, sender: str):
        self._config = config
        self._sender = sender
        self._smtp: _Plain | _Tls | None = None

    def connect(self) -> None:
        """Makes sure that there is a connection.

        Raises:
          Unavailable: if there can be none: no answer, no trusted certificate, no login.
        """
        if self._smtp is not None and self._smtp.sock is not None:
            return
        config = self._config
        try:
            self._smtp = _open(config, domain_of(self._sender))
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            self._smtp = None
            remedy = say("the mails wait in data/outbox/ for the next run")
            fault = Fault("", self._why(error), remedy=remedy)
            server = f"{config.host}:{config.port}"
            raise Unavailable([Alert("B-MAIL-SERVER", server, fault)]) from None

    def send(self, recipients: Sequence[str], data: bytes) -> Outcome:
        """Hands a mail over, dated now.

        Raises:
          Unavailable: as `connect` does.
        """
        self.connect()
        assert self._smtp is not None
        dated = f"Date: {formatdate()}\r\n".encode() + data
        self._smtp.begin(self._config.timeout * (1 + -(-len(dated) // _PIECE)))
        try:
            refused = self._smtp.sendmail(self._sender, list(recipients), dated)
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
            if any(code == 421 for code, _ in refused.values()):
                self.close()
                return Outcome(failure=say("ended the connection (421)"), broken=True)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            return Outcome(failure=self._why(error))
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Outcome(failure=self._why(error), broken=True)
        return Outcome(
            tuple(address for address in recipients if address not in refused),
            {address: self._answer(*answer) for address, answer in refused.items()},
        )

    def close(self) -> None:
        """Ends the connection, if there is one."""
        if self._smtp is not None:
            smtp, self._smtp = self._smtp, None
            with suppress(OSError, smtplib.SMTPException):
                smtp.close()

    def _why(self, error: Exception) -> Message:
        if isinstance(error, smtplib.SMTPAuthenticationError):
            # What the server says here may repeat what it was given.
            return say(
                "refuses the login ({code}); check SMTP_USER and SMTP_PASSWORD",
                code=error.smtp_code,
            )
        if isinstance(error, smtplib.SMTPResponseException):
            return say("answers {answer}", answer=self._answer(error.smtp_code, error.smtp_error))
        # smtplib reports what went wrong while it read or sent as a connection that ended.
        cause = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else error
        if isinstance(cause, TimeoutError):
            seconds = self._config.timeout
            return say("does not answer in time (SMTP_TIMEOUT is {seconds} s)", seconds=seconds)
        if isinstance(cause, _Endless):
            return say("says more than {bytes} bytes and does not end", bytes=_MOST_SAID)
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return say("ended the connection")
        if isinstance(error, smtplib.SMTPException):
            return verbatim(self._hidden(str(error)))
        if isinstance(error, ssl.SSLCertVerificationError):
            return say(
                "has a certificate that cannot be trusted: {reason}", reason=error.verify_message
            )
        return say("cannot be reached: {reason}", reason=reason(error))

    def _answer(self, code: int, reply: bytes | str) -> str:
        text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
        return f"{code} {self._hidden(text)}"

    def _hidden(self, text: str) -> str:
        """What a server says, on one line, without the password that it was sent."""
        for secret in _as_sent(self._config.user, self._config.password):
            text = text.replace(secret, "***")
        return printable(" ".join(text.split()))[:_LONGEST]


def _as_sent(user: str, password: str) -> tuple[str, ...]:
    """The password as AUTH LOGIN and AUTH PLAIN send it, and as it is (RFC 4616, 4954)."""
    if not password:
        return ()
    plain = b64encode(f"\0{user}\0{password}".encode()).decode()
    return plain, b64encode(password.encode()).decode(), password


def _open(config: Mail, domain: str) -> _Plain | _Tls:
    """A connection, encrypted and logged in as the settings say."""
    context = ssl.create_default_context(cafile=config.ca_file)
    smtp: _Plain | _Tls
    if config.security == "tls":
        smtp = _Tls(config.timeout, config.host, config.port, domain, context=context)
    else:
        smtp = _Plain(config.timeout, config.host, config.port, domain)
    try:
        if config.security == "starttls":
            smtp.starttls(context=context)
        if config.user:
            smtp.login(config.user, config.password)
    except BaseException:
        smtp.close()
        raise
    return smtp
