"""A socket with MicroPython's stream methods, on CPython."""

from __future__ import annotations

import socket as _socket
import ssl
from contextvars import ContextVar
from typing import Any

SOCK_STREAM = _socket.SOCK_STREAM
TCP_NODELAY = _socket.TCP_NODELAY

_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


# What an event loop has looked up for the next call in the same task: host, port, and the result or what to raise.
looked_up: ContextVar[tuple[str, int, Any] | None] = ContextVar("looked_up", default=None)


def getaddrinfo(host: str, port: int, family: int, kind: int) -> list[Any]:
    """Look a name up. Raises OSError also for one that no host can have, as MicroPython does."""
    known = looked_up.get()
    looked_up.set(None)
    if known and known[:2] == (host, port):
        if isinstance(known[2], OSError):
            raise known[2]
        return known[2]  # type: ignore[no-any-return]
    try:
        return _socket.getaddrinfo(host, port, family, kind)
    except ValueError as e:  # UnicodeError is one
        raise OSError(_socket.EAI_NONAME, str(e)) from e


def named(error: OSError, what: str) -> OSError:
    """Return an OSError of the same kind, with the same number, whose text also says `what` it is about."""
    return type(error)(error.args[0] if error.args else 0, ": ".join((what, *error.args[1:])))


class socket:
    """A non-blocking socket, plain or with TLS on it.

    real  CPython's own socket
    """

    def __init__(self, family: int, kind: int, proto: int) -> None:
        self.real = _socket.socket(family, kind, proto)

    def readinto(self, buf: bytearray | memoryview, n: int) -> int | None:
        """Read up to `n` bytes into `buf`: their number, None for nothing now, 0 for the end."""
        try:
            return self.real.recv_into(buf, n)
        except _LATER:
            return None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return 0

    def write(self, buf: bytes | bytearray | memoryview, offset: int, n: int) -> int | None:
        """Send up to `n` bytes of `buf` from `offset`: the number taken, or None for none now."""
        try:
            if not offset and n == len(buf):
                return self.real.send(buf)
            return self.real.send(memoryview(buf)[offset : offset + n])
        except _LATER:
            return None

    def setblocking(self, flag: bool) -> None:
        self.real.setblocking(flag)

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.real.setsockopt(level, option, value)

    def connect(self, address: Any) -> None:
        self.real.connect(address)

    def fileno(self) -> int:
        return self.real.fileno()

    def close(self) -> None:
        self.real.close()
