"""The MQTT client: the API of umqtt.simple2, which waits where a Connection does not."""

try:
    from .cpython import clock as time
except ImportError:
    import time  # type: ignore[no-redef]

from .connection import GREETING, UP, Connection
from .constants import EAGER, FIVE, HUGE, SHOWN, STORES, STREAMING, STRICT, WORDS
from .errno import ECONNOT, MQTTException
from .packets.fields import LONGEST, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, check_callback, payload_bytes, topic_filter
from .packets.v311 import V311
from .start import WAIT_MS, check_qos, last_will, leave, port_of, start_connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .cpython.contracts import (
        Clock,
        MessageCallback,
        Packets,
        Payload,
        Session,
        StatusCallback,
        Text,
        TopicName,
        Transport,
    )

AT_LEAST_ONCE = 1  # QoS


class MQTTClient:
    """A client of one broker [MQTT 3.1.1].

    `publish`, `subscribe` and `unsubscribe` return when the packet has been handed to the transport, or at QoS 1
    and 2 to a session store that keeps it. What becomes of it is told to the status callback from within
    `check_msg` or `wait_msg`.

    Each call takes `socket_timeout` at the most, once the connection is there; `connect` twice that.

    Every method raises MQTTException(ECONNOT) while not connected, MQTTException(ECONTIMEOUT) when the
    network takes too long, OSError when it fails, and MQTTException(EBUSY) when it was called from an interrupt or
    another thread while another method was at work. After any of these but the last, the connection is
    closed; the client can `connect` again. Callbacks may call any method.

    connection  the Connection that the client holds; in a status callback `connection.code` is what the
                broker answered: for a subscription the QoS that it granted
    session     the session store
    """

    will: "tuple[bytes, bytes, bool, int] | None" = None

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
        clock: "Clock" = time,
        packets: "Packets" = V311
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
        packets          the protocol version; see `umqtt2.packets`

        Raises ValueError for `ssl_params` without `ssl`. What else is not allowed, `connect` tells.
        """
        self.client_id = client_id
        self.server = server
        self.port = port_of(port, ssl, ssl_params)
        self.user = user
        self.password = password
        self.keepalive = keepalive
        self.ssl = ssl
        self.ssl_params = ssl_params
        self.socket_timeout = socket_timeout
        self.message_timeout = message_timeout
        self.transport = transport
        if session is None:
            session = default_session()
        self.session: "Session" = session
        self.clock = clock
        self.connection = Connection(session, packets, max_packet, clock)
        # What `publish` got last, and its name; no topic is the client. A tuple, as an interrupt may publish, too.
        self._last: "tuple[object, bytes]" = (self, b"")

    if SHOWN:

        def __repr__(self) -> "str":
            from .texts import shown

            return shown(self)

    def set_callback(self, f: "MessageCallback") -> "None":
        """Have `f(topic: bytes, msg: bytes, retained: bool, dup: bool)` called for each message.

        A message at QoS 1 or 2 is acknowledged when `f` has returned, or raised: what it raises
        reaches the caller of `check_msg` after that. A message for which there is no callback is acknowledged
        and told to the status callback as SDROPPED.
        """
        if STRICT:
            check_callback(f, "set_callback")
        self.connection.cb = f

    def set_callback_status(self, f: "StatusCallback") -> "None":
        """Have `f(pid: int, status: int)` called for what became of a packet identifier.

        The status is one of `umqtt2.errno`: STIMEOUT, SDELIVERED, SUNKNOWNPID, SFAILED, SREJECTED, or with
        pid 0 SOVERSIZE or SDROPPED.
        """
        if STRICT:
            check_callback(f, "set_callback_status")
        self.connection.cbstat = f

    def set_callback_chunks(self, f: "Callable[[bytes, Any, int, int], object]", *filters: "Text") -> "None":
        """Have messages to the topic filters given to `f(topic: bytes, chunk: memoryview, offset: int, total:
        int)`, from the next `connect` on, and not to the other callback. For payloads larger than the memory.

        A message of more than `max_packet` bytes comes in chunks of up to 128 bytes and is never whole in
        memory; a shorter one is one chunk, if there is memory for it: choose `max_packet` so that there
        is. It is complete when `offset + len(chunk) == total`. The buffer of `chunk` is used again for the next.

        It is acknowledged after that. When `f` raises, the rest is not given to it, the exception reaches the
        caller of `check_msg`, and the message is acknowledged all the same. When the connection breaks, the broker
        sends the message again, from offset 0.
        """
        from .streaming import ChunkReceiver

        if STRICT:
            check_callback(f, "set_callback_chunks")
            if not filters:
                raise ValueError("set_callback_chunks: no topic filters")
        self.connection.chunks = ChunkReceiver(f, tuple([topic_filter(one) for one in filters]))

    def set_last_will(
        self, topic: "TopicName", msg: "Payload", retain: "bool" = False, qos: "int" = 0
    ) -> "None":
        """Have the broker publish this if the connection is lost, from the next `connect` on [3.1.2.5].

        Raises ValueError for a topic or payload that MQTT forbids, or a QoS other than 0, 1 and 2.
        """
        self.will = last_will(self.connection.packets, topic, msg, retain, qos)
        if WORDS and self.connection.state:
            print("umqtt2: the last will is told with the next connect()")

    def connect(self, clean_session: "bool" = True, eager: "bool" = False) -> "bool":
        """Connect to the broker, leaving it first if need be [3.1, 3.2]; and send again what the session
        store has kept, from the next `check_msg` on [4.4].

        clean_session  False asks the broker to keep subscriptions and what is in flight for next time
        eager          True does not wait for the broker's answer: what the program sends next follows at once
                       [3.1.4]. When the broker refuses, a later call raises that, nothing was published, and
                       messages at QoS 1 and 2 get the status STIMEOUT with the next connection, or are sent
                       again by a store that keeps them

        Returns True when the broker has resumed a session, as far as is known. Raises MQTTException with one of
        the ECON numbers when the broker refuses or does not answer, OSError when it cannot be reached, and
        ValueError or TypeError, before anything is sent, when what the client was made with is not allowed.
        """
        connection = self.connection
        if EAGER:
            connection.ready = GREETING if eager else UP
        start_connection(self, clean_session)
        self._connect(connection.ready if EAGER else UP)
        return (not EAGER or connection.state == UP) and connection.code > 255

    def _connect(self, state: "int") -> "None":
        # Take steps until the connection is in the state GREETING or UP.
        connection = self.connection
        while connection.state < state:
            if connection.step() is None:
                connection.wait(WAIT_MS)

    def disconnect(self) -> "None":
        """Leave the broker, which then forgets the last will [3.14]. Waits until the broker has closed, at most
        a second. Raises nothing of the network; may be called twice."""
        leave(self.connection)

    def ping(self) -> "None":
        """Ask the broker for a sign of life [3.12]; `check_msg` does so by itself with `keepalive`."""
        self.request(0, b"", b"")

    def publish(
        self,
        topic: "TopicName",
        msg: "Any",
        retain: "bool" = False,
        qos: "int" = 0,
        dup: "bool" = False,
        length: "int | None" = None,
    ) -> "int | None":
        """Publish a message [3.3].

        topic   topic name, str or bytes, without wildcards; with MQTT 5 also a `v5.Topic`
        msg     payload, str (sent as UTF-8) or bytes; with `length` a stream
        retain  True has the broker keep it for later subscribers [3.3.1.3]
        qos     0, 1, or 2 where the session store knows it [4.3]
        dup     True marks a message that was sent before; without effect at QoS 0 [MQTT-3.3.1-2]
        length  the payload is that many bytes read from `msg`, an open file or anything else with
                `readinto`; see `umqtt2.streaming`

        Returns None at QoS 0, otherwise the packet identifier that the status callback will be given.
        Raises ValueError or TypeError for what is not allowed, and MQTTException(EFULL) or
        MQTTException(ESTORE) when the session store cannot take it. When it raises, the message was not taken.
        """
        first = PUBLISH | 1 if retain else PUBLISH
        if qos:
            if qos is not AT_LEAST_ONCE:  # the usual one; 1.0 is another object
                check_qos(qos, self.session.max_qos if STORES or FIVE else 1)
            first |= qos << 1 | (8 if dup else 0)
        # Most programs publish to the same topic again and again: it is checked and encoded once.
        last = self._last
        if topic is not last[0]:
            # What may be changed is not remembered.
            last = (topic if isinstance(topic, (str, bytes)) else self, self.connection.packets.topic_name(topic))
            self._last = last
        if STREAMING and length is not None:
            from .streaming import StreamPayload

            if qos and not self.session.streams:
                raise ValueError("length: not with this session store")
            msg = StreamPayload(msg, length)
        else:
            if not isinstance(msg, bytes) or (HUGE and len(msg) > LONGEST):
                msg = payload_bytes(msg)
        return self.request(first, last[1], msg) or None

    def subscribe(self, topic: "Text", qos: "int" = 0) -> "int":
        """Subscribe to a topic filter [3.8].

        topic  topic filter, str or bytes
        qos    the highest QoS to receive: 0, 1, or 2 where the session store knows it

        Returns the packet identifier that the status callback will be given, with SDELIVERED or
        SFAILED. Raises ValueError for a filter or qos that is not allowed, or when there is no
        callback for messages yet.
        """
        if not self.connection.cb and not (STREAMING and self.connection.chunks):
            raise ValueError("set_callback: call it with a function before subscribe()")
        packets = self.connection.packets
        highest = self.session.max_qos if STORES or FIVE else 1
        (packets.check_options if FIVE and packets.five else check_qos)(qos or 0, highest)
        return self.request(SUBSCRIBE, topic_filter(topic), qos or 0)

    def unsubscribe(self, topic: "Text") -> "int":
        """Give up a subscription [3.10].

        topic  the topic filter as it was subscribed to, str or bytes

        Returns the packet identifier that the status callback will be given. Raises ValueError for a
        filter that is not allowed.
        """
        return self.request(UNSUBSCRIBE, topic_filter(topic), 0)

    def request(self, first: "int", topic: "bytes", msg: "Any") -> "int":
        """Send a packet: what `publish`, `subscribe`, `unsubscribe` and `ping` call when their arguments are
        checked.

        first  the first byte: PUBLISH with its flags, SUBSCRIBE, UNSUBSCRIBE; 0 is a ping
        topic  topic name or filter
        msg    payload, or QoS of a subscription

        Returns the packet identifier, or 0. Raises what they do.
        """
        connection = self.connection
        pid = 0
        if STREAMING and EAGER:
            if connection.state == GREETING and hasattr(msg, "rewind"):
                self._connect(UP)  # the payload may take longer than the broker's answer may
        connection.enter()
        try:
            if connection.state < (connection.ready if EAGER else UP):
                raise MQTTException(ECONNOT)
            if FIVE and connection.packets.five:
                topic = connection.packets.check(connection, first, topic, msg)
            if first & 6:  # QoS 1 and 2; SUBSCRIBE and UNSUBSCRIBE have it, too
                now = connection.now()
                pid = self.session.add(first, topic, msg, now, connection.timeout)
            try:
                self.hand_over(first, topic, msg, pid)
            except BaseException:
                connection.close()
                # A wish stays where it is kept: an earlier one for the same filter has its identifier.
                if pid and not (STORES and self.session.keeps and first & 0xF0 != PUBLISH):
                    self.session.remove(pid)
                raise
        finally:
            connection.busy = False
        return pid

    def hand_over(self, first: "int", topic: "bytes", msg: "Any", pid: "int") -> "None":
        """Give a packet to the transport, and wait until it has taken it. The arguments are those of `request`,
        and the packet identifier of what the session store has, or 0. The caller has entered the connection."""
        connection = self.connection
        _flush(connection)
        if STORES and pid:
            connection.drain(pid)
        elif first >= SUBSCRIBE:
            connection.send_request(first, topic, msg, pid)
        elif first:
            connection.send_message(first, topic, msg, pid)
        else:
            connection.ping()
        _flush(connection)

    def check_msg(self, wait: "bool" = False) -> "int | None":
        """Process one packet from the broker, or what has come of it, and return at once.

        wait  True waits for one, as `wait_msg` does

        Returns the packet's first byte, or None when no packet is complete: `while c.check_msg():
        pass` empties the socket. With `socket_timeout=None` it is `wait_msg`. Called from within a
        callback, it does nothing and returns None.

        Raises MQTTException(ECONCLOSE) when the broker has closed, MQTTException(ERESPONSE, text) when
        it breaks MQTT, MQTTException(EKEEPALIVE) when it is silent; and what a callback raises.
        """
        if wait or self.socket_timeout is None:
            return MQTTClient.wait_msg(self)
        first = self._one_step()
        return first or None

    def wait_msg(self) -> "int | None":
        """Wait for one packet from the broker, for ever if need be, and process it; see `check_msg`."""
        connection = self.connection
        while True:
            first = self._one_step()
            if first or connection.in_callback or not connection.state:
                return first or None
            if first is None:
                connection.wait(WAIT_MS)

    def _one_step(self) -> "int | None":
        # One step, unless it is a callback that asks for one.
        connection = self.connection
        first: "int | None" = None
        if not connection.in_callback:
            try:
                first = connection.step()
            finally:
                connection.reraise()
        return first


def _flush(connection: "Connection") -> "None":
    # Wait until the transport has taken what stands in the slot.
    while connection.pending and not connection.flush():
        connection.wait(WAIT_MS)


def default_session() -> "Session":
    """Return a store that does not keep messages: with QoS 2 where the build has it."""
    try:
        from .session.qos2 import QoS2Session

        return QoS2Session()
    except ImportError:
        from .session.packet_ids import PacketIdSession

        return PacketIdSession()
