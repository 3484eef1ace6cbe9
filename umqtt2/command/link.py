"""The client that a command uses, and how it waits."""

try:
    from ..hosted import clock as time
except ImportError:
    import time  # type: ignore[no-redef]
import sys
from binascii import hexlify
from os import urandom

from .. import MQTTClient
from ..errno import SOVERSIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ..transport.tcp import TCPTransport

TLS_PORT = 8883
LARGEST = 1 << 28  # bytes: more than any packet has
NAP = 50  # milliseconds
READABLE = 1


class Link:
    """A client with its transport, which leaves the broker at the end of a `with`."""

    def __init__(self, options: "dict[str, Any]") -> "None":
        """options: what `umqtt2.command.options.parse` returns."""
        self.statuses: "dict[int, int]" = {}  # by packet identifier
        self.timeout: "int | None" = options.get("timeout")
        self._start = time.ticks_ms()
        self._transport = transport(options)
        name = options.get("id") or "umqtt2-" + hexlify(urandom(6)).decode()
        self.client = MQTTClient(
            name,
            options["host"],
            user=options.get("username"),
            password=options.get("pw"),
            keepalive=options["keepalive"],
            transport=self._transport,
            max_packet=LARGEST,
            clock=time,
        )
        self.client.set_callback_status(self._status)

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *exc: "object") -> "None":
        self.client.disconnect()

    def until(self, condition: "Callable[[], object]") -> "bool":
        """Process messages until `condition()`; return False when the time that there was is over first."""
        while not condition():
            if not self.client.check_msg():
                wait = NAP
                if self.timeout is not None:
                    passed = time.ticks_diff(time.ticks_ms(), self._start)
                    wait = min(NAP, self.timeout * 1000 - passed)
                    if wait <= 0:
                        return False
                self._transport.wait(READABLE, wait)
        return True

    def _status(self, pid: "int", status: "int") -> "None":
        self.statuses[pid] = status
        if status == SOVERSIZE:
            print("Warning: no memory for a message", file=sys.stderr)


def transport(options: "dict[str, Any]") -> "TCPTransport":
    """What the options ask for: TLS with any option that is about it, and at its port."""
    host = options["host"]
    port = options.get("port")
    if port != TLS_PORT and not any(name in options for name in ("cafile", "cert", "insecure")):
        from ..transport.tcp import TCPTransport

        return TCPTransport(host, port or 1883)
    from ..transport.tls import TLSTransport

    try:
        return TLSTransport(
            host,
            port or TLS_PORT,
            cadata=options.get("cafile"),
            cert=options.get("cert"),
            key=options.get("key"),
            verify="insecure" not in options,
        )
    except ValueError as e:
        raise ValueError("%s (--cafile, --cert, --key and --insecure are about this)" % e)
