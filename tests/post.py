"""A mail server on loopback that keeps what it gets, and refuses, stalls and hangs up at will.

`rude` is another one, that answers as SMTP does until it comes to a word, and then without end.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Received(NamedTuple):
    """A mail as the server got it."""

    sender: str
    recipients: list[str]
    data: bytes

    @property
    def message(self) -> EmailMessage:
        return BytesParser(policy=policy.default).parsebytes(self.data)

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])


class Post:
    """What the server does, and what it got."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.refused: dict[str, str] = {}  # recipient: answer
        self.answer = "250 OK"  # to a mail that was taken
        self.stalls: set[str] = set()  # recipients whose mails get no answer
        self.hangs_up_in_data: set[str] = set()
        self.hangs_up_after_data: set[str] = set()
        self.when_taken: Callable[[], None] = lambda: None
        self.connections = 0
        self.port = 0

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, name: str, answers: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = name
        return answers

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        to = set(envelope.rcpt_tos)
        if to & self.stalls:
            await asyncio.Event().wait()
        if self.answer.startswith("250"):
            got = Received(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content)
            self.received.append(got)
            self.when_taken()
        if to & self.hangs_up_after_data:
            server.transport.abort()
        return self.answer

    def of(self, address: str) -> list[Received]:
        """The mails that an address got."""
        return [one for one in self.received if address in one.recipients]


class _Server(SMTP):
    """Hangs up between DATA and the mail, where the post says so."""

    async def smtp_DATA(self, arg: str) -> None:
        if set(self.envelope.rcpt_tos) & self.event_handler.hangs_up_in_data:
            await self.push("354 go on")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def office(
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
) -> Iterator[Post]:
    """A server that runs while the block does."""
    post = Post()
    post.port = free_port()

    def check(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        known = isinstance(given, LoginPassword) and login is not None
        right = known and (given.login.decode(), given.password.decode()) == login
        # A careless server repeats what it was sent.
        said = "" if right else f"535 5.7.8 {given.password.decode()} is wrong"
        return AuthResult(success=right, handled=bool(right), message=said or None)

    options: dict[str, Any] = {"hostname": "127.0.0.1", "server_hostname": "localhost"}
    if login:
        options |= {"authenticator": check, "auth_required": True, "auth_require_tls": False}
    if starttls:
        options |= {"tls_context": starttls, "require_starttls": True}
    controller = _Controller(post, port=post.port, ssl_context=tls, **options)
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


class Rude:
    """Says `answers` without end from a command on ("": it greets so; ".": the end of a mail)."""

    def __init__(self, word: str, answers: Iterator[bytes], most: int):
        self.said = 0
        self._word, self._answers, self._most = word, answers, most
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])

    def serve(self) -> None:
        """Takes one connection after the other, until the socket is closed."""
        with suppress(OSError):
            while True:
                connection = self._listening.accept()[0]
                with connection, suppress(OSError):
                    self._speak(connection)

    def _speak(self, connection: socket.socket) -> None:
        if not self._word:
            self._go_on(connection)
            return
        connection.sendall(b"220 here\r\n")
        in_data = False
        for line in connection.makefile("rb"):
            word = line.split()[0].decode("latin-1").upper() if line.strip() else ""
            if in_data and word != ".":
                continue
            if word == self._word:
                self._go_on(connection)
                return
            in_data = word == "DATA"
            connection.sendall(b"354 go on\r\n" if in_data else b"250 OK\r\n")

    def _go_on(self, connection: socket.socket) -> None:
        """Until nobody listens, or `most` bytes are said."""
        for piece in self._answers:
            if self.said > self._most:
                return
            connection.sendall(piece)
            self.said += len(piece)

    def close(self) -> None:
        """Lets nobody wait in accept()."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@contextmanager
def rude(word: str, answers: Iterator[bytes], most: int) -> Iterator[Rude]:
    """A rude server that runs while the block does."""
    server = Rude(word, answers, most)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
