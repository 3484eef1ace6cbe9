"""The MQTT client: the API of umqtt.simple2 over packets, a session and a transport."""

import gc

try:
    from .hosted import clock as time
except ImportError:
    import time  # type: ignore[no-redef]

from .errno import (
    ECONCLOSE,
    ECONLENGTH,
    ECONNOT,
    ECONTIMEOUT,
    ECONUNKNOWN,
    EKEEPALIVE,
    SDELIVERED,
    SFAILED,
    SOVERSIZE,
    STIMEOUT,
    SUNKNOWNPID,
    MQTTException,
    malformed,
)
from .packets.ack import ack
from .packets.connect import connect
from .packets.decoder import SMALL, decode
from .packets.empty import DISCONNECT, PINGREQ
from .packets.fields import fixed_header, utf8
from .packets.publish import HEAD, LONGEST, publish
from .packets.subscribe import subscribe
from .packets.topic import topic_filter, topic_name
from .packets.types import (
    CONNACK,
    CONNECT,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    UNSUBSCRIBE,
)
from .session.pids import PidSession

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .hosted.contracts import Clock, MessageCallback, Payload, Session, StatusCallback, Text, Transport

ONE_WRITE = 128  # a packet of up to this many bytes leaves in one write
STEPS = 64  # reads that one check_msg() makes at the most
READABLE = 1
WRITABLE = 4
NAP = 500  # milliseconds after which wait_msg() looks at the clock: half of the shortest keepalive


class MQTTClient:
    """A client of one broker [MQTT 3.1.1].

    Nothing here waits behind the program's back: `publish`, `subscribe` and `unsubscribe` return
    when the packet has been handed to the transport, and what becomes of it is told to the status
    callback from within `check_msg` or `wait_msg`.

    Every method raises MQTTException(ECONNOT) while not connected, MQTTException(ECONTIMEOUT) when
    the transport takes nothing for `socket_timeout`, and OSError when the transport fails. After any
    of these, and after any MQTTException, the connection is closed; the client can `connect` again.
    """

    cb: "MessageCallback | None" = None
    cbstat: "StatusCallback | None" = None
    will: "tuple[bytes, Payload, bool, int] | None" = None
    _Session: "type[Any]" = PidSession
    _open: "Transport | None"
    _sent_to: "tuple[object, bytes]"  # the topic that publish() checked last, and its name

    # What the decoder leaves here.
    _want: "int"
    _pid: "int"
    _topic: "bytes | None"
    _payload: "Any"

    def __init__(
        self,
        client_id: "Text",
        server: "str",
        port: "int" = 0,
        user: "Text | None" = None,
        password: "Text | None" = None,
        keepalive: "int" = 0,
        ssl: "object" = False,
        ssl_params: "dict[str, Any] | None" = None,
        socket_timeout: "float | None" = 5,
        message_timeout: "float" = 10,
        *,
        transport: "Transport | None" = None,
        session: "Session | None" = None,
        max_packet: "int" = 8192,
        clock: "Clock" = time
    ) -> "None":
        """
        client_id        client identifier; may be empty with a clean session [3.1.3.1]
        server, port     the broker's host name or address and TCP port; 0 is 1883, or 8883 with TLS
        user, password   or None [3.1.3.4, 3.1.3.5]
        keepalive        seconds, 0 to 65535: the client pings by itself when nothing was sent or
                         received for half of it; 0 turns it off [3.1.2.10]
        ssl, ssl_params  True or an SSLContext for TLS; see `transport.tls.TLSTransport`
        socket_timeout   seconds to wait for the network; None waits for ever, in `check_msg` too
        message_timeout  seconds to wait for an acknowledgement before the status STIMEOUT

        transport        replaces server, port and ssl; the contract is in `umqtt2.transport`
        session          replaces the default store; the contract is in `umqtt2.session`
        max_packet       bytes; a message that is larger is thrown away with the status SOVERSIZE
        clock            replaces `time`
        """
        self.client_id = client_id
        self.server = server
        self.port = port or (8883 if ssl else 1883)
        self.user = user
        self.password = password
        self.keepalive = keepalive
        self.ssl = ssl
        self.ssl_params = ssl_params
        self.socket_timeout = socket_timeout
        self.message_timeout = message_timeout
        self.transport = transport
        self.session: "Session" = self._Session() if session is None else session
        self.last_ping = self.last_cpacket = self._last_sent = clock.ticks_ms()
        self._clock = clock
        self._max_packet = max_packet
        self._buf = bytearray(max(ONE_WRITE, SMALL))  # what is read is taken from it before it is written to
        # What the decoder leaves here has its place from now on: the more attributes there are, the larger
        # the piece of memory for them, and the fewer such pieces are left later.
        self._open = self._topic = self._payload = None
        self._busy = False  # inside check_msg(): a callback that calls it again gets None
        self._pinged = False  # a ping is out, and nothing has come since
        self._sent_to = (clock, b"")  # nobody publishes to a clock

    def set_callback(self, f: "MessageCallback") -> "None":
        """Have `f(topic: bytes, msg: bytes, retained: bool, dup: bool)` called for each message.

        A message at QoS 1 is acknowledged when `f` has returned. What `f` raises reaches the caller
        of `check_msg`; the message then stays unacknowledged, and the broker delivers it again after
        a reconnect to the same session [4.3.2].
        """
        self.cb = f

    def set_callback_status(self, f: "StatusCallback") -> "None":
        """Have `f(pid: int, status: int)` called for what became of a packet identifier.

        The status is one of `umqtt2.errno`: STIMEOUT, SDELIVERED, SUNKNOWNPID, SFAILED, or
        SOVERSIZE with pid 0.
        """
        self.cbstat = f

    def set_last_will(
        self, topic: "Text", msg: "Payload", retain: "bool" = False, qos: "int" = 0
    ) -> "None":
        """Have the broker publish this if the connection is lost, from the next `connect` on [3.1.2.5].

        Raises ValueError for a topic or payload that MQTT forbids, or a QoS other than 0, 1 and 2.
        """
        if qos not in range(3):
            raise ValueError("qos: not 0, 1 or 2")
        self.will = (topic_name(topic), utf8(msg, "msg"), retain, qos)

    def connect(self, clean_session: "bool" = True) -> "bool":
        """Connect to the broker, leaving it first if need be [3.1, 3.2].

        clean_session  False asks the broker to keep subscriptions and what is in flight for next time

        Returns True when the broker has resumed a session. Raises MQTTException with one of the ECON
        numbers when the broker refuses or does not answer, OSError when it cannot be reached, and
        ValueError, before anything is sent, when what the client was made with is not allowed.
        """
        body = self._begin(clean_session)
        transport: "Any" = self._open
        start = self._clock.ticks_ms()
        try:
            transport.open(self._left(start))
            n = fixed_header(self._buf, CONNECT, len(body))
            self._send(self._buf, n, body, 0, start)
            start = self.last_ping = self._last_sent
            first = self._receive()
            while not first:
                transport.wait(READABLE, self._left(start))
                first = self._receive()
            self._welcomed(first)
        except BaseException:
            self._close()
            raise
        if clean_session:
            self.session.clear()
        return self._pid > 255

    def disconnect(self) -> "None":
        """Leave the broker, which then forgets the last will [3.14]. Never fails; may be called twice."""
        transport = self._open
        if transport:
            try:
                transport.write(DISCONNECT, 2, 0)
            except OSError:
                pass
            self._close()

    def ping(self) -> "None":
        """Ask the broker for a sign of life [3.12]; `check_msg` does so by itself with `keepalive`."""
        self._send(PINGREQ, 2)
        if not self._pinged:  # what counts is how long the broker has not answered
            self.last_ping = self._last_sent
        self._pinged = True

    def publish(
        self, topic: "Text", msg: "Payload", retain: "bool" = False, qos: "int" = 0, dup: "bool" = False
    ) -> "int | None":
        """Publish a message [3.3].

        topic   topic name, str or bytes, without wildcards
        msg     payload, str (sent as UTF-8) or bytes
        retain  True has the broker keep it for later subscribers [3.3.1.3]
        qos     0 or 1 [4.3]
        dup     True marks a message that was sent before; without effect at QoS 0 [MQTT-3.3.1-2]

        Returns None at QoS 0, otherwise the packet identifier that the status callback will be given.
        Raises ValueError for a topic or qos that is not allowed.
        """
        # Most programs publish to the same topic again and again: it is checked and encoded once.
        sent_to = self._sent_to
        if topic is not sent_to[0]:
            self._sent_to = sent_to = (topic, topic_name(topic))
        name = sent_to[1]
        msg = utf8(msg, "msg", LONGEST)
        pid = 0
        first = PUBLISH | 1 if retain else PUBLISH
        if qos:
            first |= qos << 1 | (8 if dup else 0)
            pid = self._new_pid(qos, first, name, msg)
        self._send_message(first, name, msg, pid, pid)
        return pid or None

    def subscribe(self, topic: "Text", qos: "int" = 0) -> "int":
        """Subscribe to a topic filter [3.8].

        topic  topic filter, str or bytes
        qos    the highest QoS to receive: 0, 1, or 2 where the build and the session store know it

        Returns the packet identifier that the status callback will be given, with SDELIVERED or
        SFAILED. Raises ValueError for a filter or qos that is not allowed, or when there is no
        message callback yet.
        """
        if not self.cb:
            raise ValueError("set_callback: comes first")
        return self._request(SUBSCRIBE, topic, qos or 0)

    def unsubscribe(self, topic: "Text") -> "int":
        """Give up a subscription [3.10].

        topic  the topic filter as it was subscribed to, str or bytes

        Returns the packet identifier that the status callback will be given. Raises ValueError for a
        filter that is not allowed.
        """
        return self._request(UNSUBSCRIBE, topic, None)

    def check_msg(self) -> "int | None":
        """Process one packet from the broker, or what has come of it, and return at once.

        Returns the packet's first byte, or None when no packet is complete: `while c.check_msg():
        pass` empties the socket. With `socket_timeout=None` it is `wait_msg`. Called from within a
        callback, it does nothing and returns None.

        Raises MQTTException(ECONCLOSE) when the broker has closed, MQTTException(ERESPONSE, text) when
        it breaks MQTT, MQTTException(EKEEPALIVE) when it is silent; and what a callback raises.
        """
        return self._check(self.socket_timeout is None)

    def wait_msg(self) -> "int | None":
        """Wait for one packet from the broker, for ever if need be, and process it; see `check_msg`."""
        return self._check(True)

    # --- Receiving -----------------------------------------------------------------------------------

    def _check(self, wait: "bool") -> "int | None":
        first: "int | None" = 0
        while not (first or self._busy):
            self._busy = True
            try:
                first = self._receive()
                if first:
                    self._dispatch(first)
                self._tend()
            finally:
                self._busy = False
            if not (wait and self._open):
                break
            if first is None:
                self._open.wait(READABLE, NAP)
        return first or None

    def _receive(self) -> "int | None":
        # Take what has come. Return the first byte of a complete packet, None when nothing more is
        # there now, or 0 when something may be: it can be inside TLS, where no wait would see it.
        transport = self._connected()
        try:
            for _ in range(STEPS):
                n = transport.readinto(self._buf, self._want)
                if not n:
                    if n is None:
                        return None
                    raise MQTTException(ECONCLOSE)
                self._pinged = False
                first = self._feed(n)
                if first:
                    self.last_cpacket = self._clock.ticks_ms()
                    return first
        except BaseException:
            self._close()
            raise
        return 0

    def _dispatch(self, first: "int") -> "None":
        pid = self._pid
        if first == CONNACK or first & 0xF4 == PUBLISH | 4:
            self._close()
            raise malformed("a second CONNACK, or PUBLISH with a QoS that was not asked for")
        if first & 0xF0 == PUBLISH:
            self._deliver(first)
            if self._unacked:
                n = ack(self._buf, PUBACK, pid)
                self._send(self._buf, n)
        elif first != PINGRESP:
            status = SUNKNOWNPID
            if self.session.done(pid):
                status = SFAILED if first == SUBACK and self._payload > 2 else SDELIVERED
            self._status(pid, status)

    def _deliver(self, first: "int") -> "None":
        # Afterwards `_unacked` is the identifier to acknowledge, or 0: what the callback has now is
        # acknowledged when it returns, unless it has closed the connection that the message came on.
        topic = self._topic
        msg = self._payload
        self._topic = self._payload = None
        self._unacked = self._pid
        if topic is None or msg is None:
            self._status(0, SOVERSIZE)
        elif self.cb:
            self.cb(topic, msg, first & 1 != 0, first & 8 != 0)
        else:
            self._unacked = 0  # nobody has the message: let the broker keep it

    def _tend(self) -> "None":
        # What time brings: acknowledgements that did not come, pings.
        clock = self._clock
        pid = self.session.expired(clock)
        while pid:
            self._status(pid, STIMEOUT)
            pid = self.session.expired(clock)
        half = self.keepalive * 500
        if half and self._open:
            now = clock.ticks_ms()
            if clock.ticks_diff(now, self.last_ping) >= half and (
                clock.ticks_diff(now, self._last_sent) >= half
                or clock.ticks_diff(now, self.last_cpacket) >= half
            ):
                if self._pinged:
                    self._close()
                    raise MQTTException(EKEEPALIVE)
                self.ping()

    def _status(self, pid: "int", status: "int") -> "None":
        if self.cbstat:
            self.cbstat(pid, status)

    # --- Sending -------------------------------------------------------------------------------------

    def _new_pid(
        self, qos: "int", first: "int", topic: "bytes", msg: "Payload | int | None"
    ) -> "int":
        if qos and qos != 1:
            raise ValueError("qos: not 0 or 1, nor 2 where the build and the session store know it")
        deadline = self._deadline()
        return self.session.add(deadline, first, topic, msg)

    def _deadline(self) -> "int":
        # When an acknowledgement must have come.
        clock = self._clock
        return clock.ticks_add(clock.ticks_ms(), int(self.message_timeout * 1000))

    def _request(self, first: "int", topic: "Text", qos: "int | None") -> "int":
        topic = topic_filter(topic)
        pid = self._new_pid(qos or 0, first, topic, qos)
        self._send_request(first, topic, qos, pid, pid)
        return pid

    def _send_message(
        self, first: "int", name: "bytes", msg: "bytes", pid: "int", forget: "int"
    ) -> "None":
        # PUBLISH. `forget` is what _send() takes out of flight when it fails, here and below.
        n = len(name) + HEAD
        buf = self._buf if n < ONE_WRITE else bytearray(n)
        n = publish(buf, name, len(msg), first, pid)
        self._send(buf, n, msg, forget)

    def _send_request(
        self, first: "int", topic: "bytes", qos: "int | None", pid: "int", forget: "int"
    ) -> "None":
        # SUBSCRIBE and UNSUBSCRIBE.
        fields = subscribe(pid, topic, qos)
        n = fixed_header(self._buf, first, len(fields))
        self._send(self._buf, n, fields, forget)

    def _send(
        self,
        buf: "bytes | bytearray",
        n: "int",
        rest: "bytes" = b"",
        pid: "int" = 0,
        start: "int | None" = None,
    ) -> "None":
        # Hand all of a packet to the transport: `n` bytes of `buf`, then `rest`, together if they fit.
        # Half a packet cannot be taken back, so whatever stops it ends the connection. Each standstill
        # may last for socket_timeout; the first one counts from `start` where that is given.
        offset = 0
        try:
            transport = self._connected()
            more = len(rest)
            if more and n + more <= len(buf):
                buf[n : n + more] = rest  # type: ignore[index]
                n += more
                more = 0
            while n:
                taken = transport.write(buf, n, offset)
                if taken:
                    n -= taken
                    offset += taken
                    start = None
                    if not n:
                        buf = rest
                        n = more
                        more = offset = 0
                else:
                    if start is None:
                        start = self._clock.ticks_ms()
                    transport.wait(WRITABLE, self._left(start))
        except BaseException:
            self._close()
            if pid:
                self.session.done(pid)
            raise
        self._last_sent = self._clock.ticks_ms()

    # --- The connection ------------------------------------------------------------------------------

    def _begin(self, clean: "bool") -> "bytes":
        # Get ready for a connection: leave the last one, have a transport and a decoder. Return what
        # is in the CONNECT.
        body = connect(self.client_id, clean, self.keepalive, self.user, self.password, self.will)
        self.disconnect()
        transport = self.transport
        if not transport:
            transport = self._new_transport()
        self._open = transport
        packets = decode(self, self._buf, self._max_packet)
        next(packets)
        self._feed = packets.send
        return body

    def _welcomed(self, first: "int") -> "None":
        # Raise unless the first packet is the broker's consent.
        if first != CONNACK:
            raise MQTTException(ECONLENGTH)
        code = self._pid & 255
        if code:
            raise MQTTException(ECONUNKNOWN + code if code < 6 else ECONUNKNOWN, code)

    def _new_transport(self) -> "Transport":
        # To load a module leaves holes in the memory. What is collected at once is filled again; later
        # there would be something that stays in between, and no room for what is large.
        gc.collect()
        transport: "Transport"
        if self.ssl:
            from .transport.tls import TLSTransport

            transport = TLSTransport(self.server, self.port, self.ssl, **self.ssl_params or {})
        else:
            from .transport.tcp import TCPTransport

            transport = TCPTransport(self.server, self.port)
        gc.collect()
        return transport

    def _connected(self) -> "Transport":
        if not self._open:
            raise MQTTException(ECONNOT)
        return self._open

    def _close(self) -> "None":
        transport = self._open
        self._open = None
        self._unacked = 0
        if transport:
            transport.close()

    def _left(self, start: "int") -> "int":
        # What is left of socket_timeout since `start`, in milliseconds for a transport.
        if self.socket_timeout is None:
            return -1
        clock = self._clock
        left = int(self.socket_timeout * 1000) - clock.ticks_diff(clock.ticks_ms(), start)
        if left <= 0:
            raise MQTTException(ECONTIMEOUT)
        return left
