"""The client that a command uses, and a loop around it with a limit of time."""

try:
    from ..cpython import clock as time
except ImportError:
    import time  # type: ignore[no-redef]
import sys
from binascii import hexlify
from os import urandom

from .. import MQTTClient
from ..errno import SDROPPED, SFAILED, SOVERSIZE
from .five import describe, packets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ..transport.tcp import TCPTransport
    from ..v5 import V5

TLS_PORT = 8883
LARGEST = 1 << 28  # bytes: more than any packet has
WAIT_MS = 50  # between two looks at the limit of time


class Link:
    """A client that disconnects at the end of a `with`.

    statuses  by packet identifier
    five      the V5 with MQTT 5, otherwise None
    codes     likewise what the broker answered: of a subscription the QoS that it granted
    reasons   likewise why it refused something, with MQTT 5
    """

    def __init__(self, options: "dict[str, Any]") -> "None":
        """options: what `umqtt2.cli.options.parse` returns."""
        self.statuses: "dict[int, int]" = {}
        self.codes: "dict[int, int]" = {}
        self.reasons: "dict[int, str]" = {}
        self._timeout: "int | None" = options.get("timeout")
        self._start = time.ticks_ms()
        name = options.get("id") or "umqtt2-" + hexlify(urandom(6)).decode()
        more: "dict[str, Any]" = {}
        self.five: "V5 | None" = None
        if "five" in options:
            self.five = more["packets"] = packets(options)
        self.client = MQTTClient(
            name,
            options["host"],
            user=options.get("username"),
            password=options.get("pw"),
            keepalive=options["keepalive"],
            transport=transport(options),
            max_packet=LARGEST,
            clock=time,
            **more
        )
        self.client.set_callback_status(self._status)

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *exc: "object") -> "None":
        self.client.disconnect()

    def until(self, condition: "Callable[[], object]") -> "bool":
        """Process messages until `condition()`; return False when the time limit of the options is over first."""
        while not condition():
            if not self.client.check_msg():
                wait = WAIT_MS
                if self._timeout is not None:
                    passed = time.ticks_diff(time.ticks_ms(), self._start)
                    wait = min(wait, self._timeout * 1000 - passed)
                    if wait <= 0:
                        return False
                self.client.connection.wait(wait)
        return True

    def _status(self, pid: "int", status: "int") -> "None":
        self.statuses[pid] = status
        self.codes[pid] = self.client.connection.code
        if self.five and status == SFAILED:
            self.reasons[pid] = describe(self.five)
        if status == SOVERSIZE:
            warn("no memory for a message")
        elif status == SDROPPED:
            warn("a message whose topic is not valid")


def warn(text: "str") -> "None":
    """Print a line on stderr."""
    print("Warning: " + text, file=sys.stderr)


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
