"""A serial line: a pty, with the broker at the far end of it."""

from __future__ import annotations

import os
import pty
import re
import select
import socket
import threading
import tty

DISCONNECT = b"\xe0\0"
BETWEEN = re.compile(rb"(?<=\xe0\0)(?=\x10)")  # a DISCONNECT and a CONNECT


class SerialLine:
    """A bridge between a UART and a network.

    A serial line cannot signal the end of a connection: the bridge detects it by the DISCONNECT. The bytes
    after it begin a new connection.

    path  of the device's end, to be opened like a file
    """

    def __init__(self, port: int) -> None:
        """port: the broker's, of 127.0.0.1."""
        self._port = port
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.path = os.ttyname(self._near)
        self._sock: socket.socket | None = None
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._wake, self._stop = os.pipe()

    def __enter__(self) -> SerialLine:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._stop)
        self._thread.join(5)
        for fd in (self._far, self._near, self._wake):
            os.close(fd)

    def _carry(self) -> None:
        while True:
            ready = select.select([self._wake, self._far, *filter(None, [self._sock])], [], [])[0]
            if self._wake in ready:
                break
            if self._far in ready:
                for data in BETWEEN.split(os.read(self._far, 4096)):
                    self._send(data)
            if self._sock in ready:
                self._receive()
        if self._sock:
            self._sock.close()

    def _send(self, data: bytes) -> None:
        self._sock = self._sock or socket.create_connection(("127.0.0.1", self._port))
        self._sock.sendall(data)
        while self._sock and data.endswith(DISCONNECT):
            self._receive()

    def _receive(self) -> None:
        assert self._sock
        try:
            data = self._sock.recv(4096)
        except ConnectionResetError:
            data = b""
        if not data:
            self._sock.close()
            self._sock = None
        while data:
            data = data[os.write(self._far, data) :]
