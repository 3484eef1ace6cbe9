"""The client that a command uses, and a loop around it with a limit of time."""

try:
    from ..cpython import clock as time
except ImportError:
    import time  # type: ignore[no-redef]
import sys
from binascii import hexlify
from os import urandom

from .. import MQTTClient
from ..connection import UP
from ..errno import ECONTIMEOUT, SDELIVERED, SDROPPED, SFAILED, SOVERSIZE, STIMEOUT, MQTTException
from ..packets.fields import PUBACK, PUBREC
from .five import describe, packets, will
from .format import Message
from .report import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ..cpython.contracts import Transport
    from ..transport.tcp import TCPTransport
    from ..v5 import V5
    from .report import Reporter

LARGEST = 1 << 28  # bytes: more than any packet has
WAIT_MS = 50  # between two looks at the limit of time
# The arguments of TLSTransport, and the options that they are.
NAMES = {"cadata": "--cafile", "cert": "--cert", "key": "--key"}


class Link:
    """A client that disconnects at the end of a `with`.

    client    the MQTTClient
    five      the V5 with MQTT 5, otherwise None
    statuses  what became of the packet identifiers of this connection
    codes     likewise what the broker answered: of a subscription the QoS that it granted
    reasons   likewise why it refused something, with MQTT 5
    """

    def __init__(
        self,
        options: "dict[str, Any]",
        reporter: "Reporter",
        on_message: "Callable[[Message], object] | None" = None,
    ) -> "None":
        """
        options     what `umqtt2.cli.options.parse` returns
        on_message  called with each message, before it is acknowledged
        """
        self.statuses: "dict[int, int]" = {}
        self.codes: "dict[int, int]" = {}
        self.reasons: "dict[int, str]" = {}
        self._reporter = reporter
        self._on_message = on_message
        self._clean = "disable-clean-session" not in options
        self._timeout: "int | None" = options.get("timeout")
        self._start = time.ticks_ms()
        more: "dict[str, Any]" = {}
        self.five: "V5 | None" = None
        if options["five"]:
            self.five = more["packets"] = packets(options)
        self.client = MQTTClient(
            options.get("id") or "umqtt2-" + hexlify(urandom(6)).decode(),
            options["host"],
            user=options.get("username"),
            password=options.get("pw"),
            keepalive=options["keepalive"],
            transport=traced(transport(options)) if "debug" in options else transport(options),
            max_packet=LARGEST,
            clock=time,
            **more
        )
        self.client.set_callback_status(self._status)
        if on_message:
            # With the first byte and the packet identifier, which an ordinary callback does not get.
            self.client.connection.late = True
            self.client.connection.cb = self._message  # type: ignore[assignment]
        if "will-topic" in options:
            topic: "Any" = will(options) if self.five else options["will-topic"]
            self.client.set_last_will(
                topic,
                options.get("will-payload", b""),
                "will-retain" in options,
                options.get("will-qos", 0),
            )

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *exc: "object") -> "None":
        self.client.disconnect()

    def connect(self) -> "None":
        """Connect, or connect again."""
        self.statuses.clear()
        self.client.connect(self._clean)

    def until(self, condition: "Callable[[], object]") -> "bool":
        """Process messages until `condition()`; return False when the time limit of the options is over first."""
        while not condition():
            if not self.client.check_msg():
                wait = min(WAIT_MS, self._left_ms())
                if wait <= 0:
                    return False
                self.client.connection.wait(wait)
        return True

    def look(self) -> "None":
        """Process what has come, and ping if it is time to."""
        while self.client.check_msg():
            pass

    def stay(self, ms: "int") -> "None":
        """Process messages for some time."""
        start = time.ticks_ms()
        self.until(lambda: time.ticks_diff(time.ticks_ms(), start) >= ms)

    def pause(self, ms: "int") -> "bool":
        """Wait without a connection; return False when the time limit of the options is over first."""
        left = self._left_ms()
        time.sleep_ms(max(0, min(ms, left)))
        return ms < left

    def check_delivered(self, pid: "int") -> "bool":
        """Return whether a message has arrived, and forget what is known of it. Reports it when the broker refused it.
        Raises MQTTException(ECONTIMEOUT) when there was no answer."""
        status = self.statuses.pop(pid)
        if status == STIMEOUT:
            raise MQTTException(ECONTIMEOUT)
        if status != SDELIVERED:
            self._reporter.error("the broker refuses the message: " + self.reasons.pop(pid, ""))
        return status == SDELIVERED

    def _left_ms(self) -> "int":
        if self._timeout is None:
            return 1 << 29
        return self._timeout * 1000 - time.ticks_diff(time.ticks_ms(), self._start)

    def _message(self, first: "int", topic: "bytes", payload: "bytes", pid: "int") -> "None":
        connection = self.client.connection
        properties = self.five.properties() if self.five else {}
        message = Message(topic, payload, first >> 1 & 3, bool(first & 1), pid, properties)
        connection.call(self._on_message, message)  # type: ignore[arg-type]
        if first & 4:
            self.client.session.mark_received(pid)
        if pid and connection.state == UP:
            connection.send_ack(PUBREC if first & 4 else PUBACK, pid)

    def _status(self, pid: "int", status: "int") -> "None":
        if status == SOVERSIZE:
            self._reporter.warn("no memory for a message")
        elif status == SDROPPED:
            self._reporter.warn("a message whose topic is not valid")
        else:
            self.statuses[pid] = status
            self.codes[pid] = self.client.connection.code
            if self.five and status == SFAILED:
                self.reasons[pid] = describe(self.five)


def traced(below: "Transport") -> "Transport":
    """Return a transport that prints on stderr what passes over another one."""
    from ..transport.trace import TraceTransport

    return TraceTransport(below, lambda line: show(line, sys.stderr))


def transport(options: "dict[str, Any]") -> "TCPTransport":
    """Return the transport that the options ask for. Raises ValueError, which names the option, for what is no
    certificate or key."""
    host = options["host"]
    if not options["tls"]:
        from ..transport.tcp import TCPTransport

        return TCPTransport(host, options["port"])
    from ..transport.tls import TLSTransport

    try:
        return TLSTransport(
            host,
            options["port"],
            cadata=options.get("cafile"),
            cert=options.get("cert"),
            key=options.get("key"),
            verify="insecure" not in options,
        )
    except ValueError as e:
        name, colon, text = str(e).partition(":")
        if name == "server_hostname":
            raise ValueError("-h %s: to verify a broker takes its name; MicroPython does not verify addresses" % host)
        if name in NAMES:
            raise ValueError(NAMES[name] + colon + text.replace("verify=False", "--insecure"))
        raise ValueError("%s (--cafile, --cert, --key and --insecure are about this)" % e)
