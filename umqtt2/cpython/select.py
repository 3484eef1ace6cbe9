"""`select.poll` with MicroPython's `ipoll`, on CPython; for one socket, which is all it is used for."""

from __future__ import annotations

import select as _select

from .socket import socket

POLLIN = 1
POLLOUT = 4


class poll:
    def register(self, sock: socket, flags: int = POLLIN) -> None:
        self.modify(sock, flags)

    def modify(self, sock: socket, flags: int) -> None:
        self._sock = sock
        self._flags = flags

    def poll(self, timeout_ms: int) -> bool:
        """Wait until the socket is ready or `timeout_ms` has passed (-1: for ever); return which."""
        fd = self._sock.fileno()
        if fd < 0:
            return True  # closed: the next read or write says so
        if hasattr(_select, "poll"):
            poller = _select.poll()
            poller.register(fd, self._flags)
            return bool(poller.poll(timeout_ms))
        # Windows
        readers = [fd] if self._flags & POLLIN else []
        writers = [fd] if self._flags & POLLOUT else []
        timeout = None if timeout_ms < 0 else timeout_ms / 1000
        return any(_select.select(readers, writers, writers, timeout))

    def ipoll(self, timeout_ms: int) -> tuple[socket, ...]:
        """The same as something to go through, as it is on MicroPython."""
        return (self._sock,) if self.poll(timeout_ms) else ()
