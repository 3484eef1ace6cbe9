"""Plain TCP."""

import errno

try:
    from ..cpython import clock as time
    from ..cpython import select, socket
except ImportError:
    import select  # type: ignore[no-redef]
    import socket  # type: ignore[no-redef]
    import time  # type: ignore[no-redef]

from ..constants import POLL_MS, WORDS
from ..errno import MQTTException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generator

EISCONN = (106, 127, 56)  # Linux, lwIP, BSD; MicroPython's errno does not have it
IPPROTO_TCP = 6


try:
    from ..cpython.socket import named as named
except ImportError:

    def named(error: "OSError", what: "str") -> "OSError":
        """Return an OSError with the same number that also says `what` it is about."""
        return OSError(error.args[0], what)


class TCPTransport:
    """A TCP connection to the broker, over IPv4 or IPv6.

    sock      what is read and written: the socket, or TLS on it; None before the first open
    pollable  the socket itself, for TLS cannot be polled everywhere; likewise
    readinto, write
              its methods of these names, from `open` on; see the contract in `umqtt2.transport`
    """

    sock: "Any"
    pollable: "Any"
    write: "Any"

    def __init__(self, server: "str", port: "int" = 1883) -> "None":
        """server: a host name or address; port: the TCP port."""
        self.server = server
        self.port = port
        self.sock = self.pollable = None  # they have their places now: `close` must need no memory

    def open(self, timeout_ms: "int") -> "None":
        """Connect to the first address of `server` that answers.

        timeout_ms  for all addresses together, in milliseconds, -1 for no limit; each address may use
                    an equal share. Looking the name up is not included.

        Raises OSError: of the last address tried, with ETIMEDOUT when that did not answer; or of the
        name's look-up. Its second argument says which server and port.
        """
        for _ in self.opening(timeout_ms):
            time.sleep_ms(POLL_MS)

    def opening(self, timeout_ms: "int") -> "Generator[None, None, None]":
        """`open` in steps, none of which waits: a generator that ends when the connection is made."""
        if WORDS:
            try:
                addresses = socket.getaddrinfo(self.server, self.port, 0, socket.SOCK_STREAM)
            except (OSError, TypeError) as e:  # the latter for what is no text
                raise named(e, "name not found: %s" % (self.server,))  # type: ignore[arg-type]
        else:
            addresses = socket.getaddrinfo(self.server, self.port, 0, socket.SOCK_STREAM)
        error = OSError()
        for family, kind, proto, _, address in addresses:
            self.close()
            try:
                self.sock = self.pollable = sock = socket.socket(family, kind, proto)
                # Later itself, and no method around it: these are called most.
                self.readinto = self._read_first if WORDS else sock.readinto
                self.write = sock.write
                self._poll = select.poll()
                self._poll.register(sock)
                sock.setblocking(False)
                # One write is one packet: there is nothing for the stack to wait for.
                no_delay = getattr(socket, "TCP_NODELAY", None)
                if no_delay:
                    sock.setsockopt(IPPROTO_TCP, no_delay, 1)
                start = time.ticks_ms()
                while True:
                    # There is no getsockopt to ask how it went, and lwIP's sockets are writable before
                    # they are connected; but connecting again tells.
                    try:
                        sock.connect(address)
                        break
                    except OSError as e:
                        if e.errno in EISCONN:
                            break
                        if e.errno not in (errno.EINPROGRESS, errno.EALREADY):
                            raise
                    if 0 <= timeout_ms // len(addresses) <= time.ticks_diff(time.ticks_ms(), start):
                        raise OSError(errno.ETIMEDOUT)
                    yield
                return
            except OSError as e:
                error = e
        self.close()
        raise named(error, "%s:%s" % (self.server, self.port)) if WORDS else error

    if WORDS:

        def _read_first(self, buf: "bytearray | memoryview", n: "int") -> "int | None":
            # `readinto` until something has come. A broker that expects TLS resets a connection that begins without.
            try:
                got: "int | None" = self.sock.readinto(buf, n)
            except OSError as e:
                if e.errno != errno.ECONNRESET:
                    raise
                raise OSError(e.errno, MQTTException(e.errno))  # in words when it is printed
            if got:
                self.readinto = self.sock.readinto
            return got

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """See the contract in `umqtt2.transport`."""
        if self.pollable:
            self._poll.modify(self.pollable, flags)
            self._poll.ipoll(timeout_ms)

    def close(self) -> "None":
        """See the contract in `umqtt2.transport`."""
        sock = self.sock
        pollable = self.pollable
        # Forgotten before it is closed: the next socket of any client may get the same descriptor. TLS closes
        # the socket beneath it, too, but not when the handshake has failed.
        self.sock = self.pollable = None
        for _ in range(2):
            if sock:
                try:
                    sock.close()
                except OSError:
                    pass
            sock = None if sock is pollable else pollable
