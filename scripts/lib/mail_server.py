"""The SMTP server that takes mails: one connection, and what it answers."""

import smtplib
import ssl
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from email.utils import formatdate
from typing import Any, NamedTuple

from lib import alerts
from lib.alerts import Alert, Unavailable
from lib.mail import domain_of
from lib.settings import Mail

_PIECE = 65536  # bytes that the server has `timeout` seconds to take
_LONGEST = 200  # characters of an answer that an alert repeats


class Outcome(NamedTuple):
    """Who a server took a mail for, whom it refused and why, why it took it for nobody.

    `broken`: the connection was lost, and with it the word on whether the mail was taken.
    """

    accepted: tuple[str, ...] = ()
    refused: dict[str, str] = {}  # noqa: RUF012
    failure: str = ""
    broken: bool = False


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
