"""Plain TCP."""

try:
    from ..hosted import clock as time
    from ..hosted import select, socket
except ImportError:
    import select  # type: ignore[no-redef]
    import socket  # type: ignore[no-redef]
    import time  # type: ignore[no-redef]
from errno import EALREADY, EINPROGRESS, ETIMEDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EISCONN = (106, 127, 56)  # Linux, lwIP, BSD; MicroPython's errno does not have it


class TCPTransport:
    """A TCP connection to the broker, over IPv4 or IPv6.

    sock  what is read and written while open: the socket, or TLS on it; otherwise None
    """

    def __init__(self, server: "str", port: "int" = 1883) -> "None":
        """server: a host name or address; port: the TCP port."""
        self.server = server
        self.port = port
        self.sock: "Any" = None
        self._raw: "Any" = None  # the socket itself: TLS cannot be polled everywhere
        self._poll: "Any" = None

    def open(self, timeout_ms: "int") -> "None":
        """Connect to the first address of `server` that answers.

        timeout_ms  for all addresses together, in milliseconds, -1 for no limit; looking the name up
                    is not included. Each address may use an equal share of what is left.

        Raises OSError: of the last address tried, with ETIMEDOUT when that did not answer, or of the
        name's look-up.
        """
        self.close()
        addresses = socket.getaddrinfo(self.server, self.port, 0, socket.SOCK_STREAM)
        untried = len(addresses)
        error = OSError("no address")
        start = time.ticks_ms()
        for family, kind, proto, _, address in addresses:
            share = -1
            if timeout_ms >= 0:
                share = max(0, timeout_ms - time.ticks_diff(time.ticks_ms(), start)) // untried
            untried -= 1
            try:
                self._connect(socket.socket(family, kind, proto), address, share)
                return
            except OSError as e:
                self.close()
                error = e
        raise error

    def _connect(self, sock: "Any", address: "Any", timeout_ms: "int") -> "None":
        self.sock = self._raw = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLOUT)
        sock.setblocking(False)
        # One write is one packet: there is nothing to wait for [Nagle].
        if hasattr(socket, "TCP_NODELAY"):
            sock.setsockopt(6, socket.TCP_NODELAY, 1)  # 6 is IPPROTO_TCP everywhere
        start = time.ticks_ms()
        while True:
            # There is no getsockopt to ask how it went, but connecting again tells.
            try:
                sock.connect(address)
                return
            except OSError as e:
                if e.args[0] in EISCONN:
                    return
                if e.args[0] not in (EINPROGRESS, EALREADY):
                    raise
            left = -1
            if timeout_ms >= 0:
                left = timeout_ms - time.ticks_diff(time.ticks_ms(), start)
                if left <= 0:
                    raise OSError(ETIMEDOUT)
            self.wait(select.POLLOUT, left)

    def readinto(self, buf: "bytearray | memoryview", n: "int") -> "int | None":
        """See the contract in `umqtt2.transport`."""
        return self.sock.readinto(buf, n)  # type: ignore[no-any-return]

    def write(self, buf: "bytes | bytearray | memoryview", n: "int", offset: "int") -> "int | None":
        """See the contract in `umqtt2.transport`."""
        return self.sock.write(buf, offset, n)  # type: ignore[no-any-return]

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """See the contract in `umqtt2.transport`."""
        self._poll.modify(self._raw, flags)
        self._poll.ipoll(timeout_ms)

    def close(self) -> "None":
        """See the contract in `umqtt2.transport`."""
        for stream in (self.sock, self._raw):
            if stream:
                try:
                    stream.close()
                except OSError:
                    pass
        self.sock = self._raw = self._poll = None
