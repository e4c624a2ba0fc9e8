"""Deadlines: connections on which a whole call has an end, headers and body together.

httpx bounds each read and each write. Whoever sends a byte now and then keeps none of them
waiting, and the call for ever; so each may take what is left of the time of its call.
"""

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

_PIECE = 1 << 16  # bytes that are written at once


class Deadline:
    """The moment at which the call that is under way has to be over."""

    def __init__(self, seconds: int):
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Another call begins."""
        self._end = time.monotonic() + self._seconds

    def left(self, late: type[Exception]) -> float:
        """The seconds that are left.

        Raises:
          late: if there are none.
        """
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise late
        return seconds


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline):
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            left = self._deadline.left(httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + _PIECE], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline):
        self._network = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        stream = self._network.connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(stream, self._deadline)


def transport(trusted: ssl.SSLContext, deadline: Deadline) -> httpx.HTTPTransport:
    """What httpx sends its calls through, each within its deadline."""
    bounded = httpx.HTTPTransport(verify=trusted, trust_env=False)
    # httpx has no way to hand its pool a network; a test holds that this one is in use.
    bounded._pool = httpcore.ConnectionPool(
        ssl_context=trusted, keepalive_expiry=5, network_backend=_Network(deadline)
    )
    return bounded
