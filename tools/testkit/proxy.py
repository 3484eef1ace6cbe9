"""Proxies between the device and the broker, and servers that misbehave in place of the broker."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Callable, TypeVar

CONNACK_BYTES = 4
Self = TypeVar("Self", bound="Server")


class Server:
    """Listens on a free port of 127.0.0.1 and serves each connection in a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self: Self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in [self._listener, *self._open]:
            cut(sock)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()


class Proxy(Server):
    """Forwards everything, until one of its methods says otherwise.

    drops_acknowledgements  True: new connections forward only the CONNACK of the broker, nothing after it
    """

    drops_acknowledgements = False

    def __init__(self, broker_port: int, after: bytes = b"") -> None:
        """after: bytes of the device; nothing of the broker's is forwarded before it has sent them"""
        super().__init__(self._relay)
        self._broker_port = broker_port
        self._after = after
        self._armed = False
        self._flows = threading.Event()
        if not after:
            self._flows.set()
        self._left: int | None = None
        self._blocked = False

    def hold_answers(self) -> None:
        """Hold back the broker's bytes, beginning with its answer to the next bytes of the device."""
        self._armed = True

    def release(self) -> None:
        """Forward what was held back, and everything from now on."""
        self._armed = False
        self._flows.set()

    def cut_after(self, count: int) -> None:
        """Close the connections once, after `count` more bytes."""
        self._left = count

    def cut(self) -> None:
        """Close the open connections."""
        for sock in list(self._open):
            cut(sock)

    def block(self) -> None:
        """Close the open connections, and each new one at once."""
        self._blocked = True
        self.cut()

    def unblock(self) -> None:
        """Forward new connections again."""
        self._blocked = False

    def __exit__(self, *exc: object) -> None:
        self._flows.set()
        super().__exit__()

    def _relay(self, device: socket.socket) -> None:
        if self._blocked:
            cut(device)
            return
        broker = socket.create_connection(("127.0.0.1", self._broker_port))
        self._open.append(broker)
        threading.Thread(target=self._forward, args=(broker, device, True), daemon=True).start()
        self._forward(device, broker, False)

    def _forward(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        """Forward one direction until it ends; `answers`: that from the broker to the device."""
        seen = b""
        with suppress(OSError):
            if answers and self.drops_acknowledgements:
                target.sendall(source.recv(CONNACK_BYTES))
                while source.recv(4096):
                    pass
            while data := source.recv(4096):
                if answers:
                    self._flows.wait()
                elif self._armed:
                    self._flows.clear()
                elif self._after:
                    seen += data
                    if self._after in seen:
                        self._flows.set()
                target.sendall(data)
                self._count(len(data))
        cut(target)

    def _count(self, n: int) -> None:
        if self._left is not None:
            self._left -= n
            if self._left < 0:
                self._left = None
                self.cut()


def silent(sock: socket.socket) -> None:
    """Send nothing."""


def deaf(sock: socket.socket) -> None:
    """Accept an MQTT client, and read nothing more."""
    sock.recv(100)
    sock.sendall(b"\x20\x02\0\0")


def closing(sock: socket.socket) -> None:
    """Close at once."""
    sock.recv(1)
    cut(sock)


def babbling(sock: socket.socket) -> None:
    """Send bytes that are neither MQTT nor TLS."""
    with suppress(OSError):
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def cut(sock: socket.socket) -> None:
    """Close a socket, even while another thread waits for it."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
