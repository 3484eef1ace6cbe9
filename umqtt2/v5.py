"""MQTT 5: the packets of version 5, for the clients' `packets=`.

    from umqtt2.v5 import V5, Topic, Options

    five = V5()
    client = MQTTClient("dev", "broker", packets=five)

Theory of operation. Stores, streams and clients know a topic as bytes. No topic can have U+0000, so the properties of a
message travel behind one:

    topic name  00  properties as on the wire                                  of a Topic, and of a last will
    topic name  00  when it was published (4 bytes)  properties as on the wire of a message, the message expiry first

Only this module makes such bytes and takes them apart; what a program gives as a topic may not have U+0000. The
options of a subscription are an int, in the place of its QoS.

What comes is read by the decoder of MQTT 3.1.1, `umqtt2.packets.decoder`, and taken apart here. Properties are
checked when they come, and decoded when the program asks for them. Three kinds of packets end here, and the client
sees a PINGRESP in their place: PUBACK, PUBREC and UNSUBACK that refuse. The session store is told that they
acknowledge, so that it forgets the message; the program is told SFAILED.
"""

from .connection import GREETING, UNIT_BITS, UP
from .constants import STORES, STRICT
from .errno import (
    ECONAUTH,
    ECONCLOSE,
    ECONCREDENTIALS,
    ECONPROTOCOL,
    ECONREJECT,
    ECONUNAVAIBLE,
    ECONUNKNOWN,
    ELIMIT,
    ERESPONSE,
    SDELIVERED,
    SFAILED,
    STIMEOUT,
    MQTTException,
)
from .packets.fields import (
    CONNACK,
    DISCONNECT,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    binary,
    fixed_header,
    string,
    text_bytes,
    topic_name,
    whole_packet,
)
from .packets.v311 import connect, publish
from .properties import (
    ASSIGNED_CLIENT_IDENTIFIER,
    CORRELATION_DATA,
    MAXIMUM_PACKET_SIZE,
    MAXIMUM_QOS,
    MESSAGE_EXPIRY,
    RECEIVE_MAXIMUM,
    RESPONSE_TOPIC,
    RETAIN_AVAILABLE,
    SERVER_KEEP_ALIVE,
    SESSION_EXPIRY,
    SUBSCRIPTION_IDENTIFIER,
    TOPIC_ALIAS_MAXIMUM,
    USER_PROPERTY,
    WILL_DELAY,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

    from .cpython.contracts import Payload, Text
    from .cpython.io import BytesIO

    Pairs = Iterable[tuple[Text, Text]]

DISCONNECTED = 0xE0  # the first byte of a DISCONNECT
MOST = 17  # bytes that a PUBLISH may have besides its topic, properties and payload
STAMP = 4  # bytes of the time behind a topic name
HIGHEST_IDENTIFIER = 1000  # of a subscription: it stands with its options in 16 bits of a session's file

# Reason codes.
MALFORMED = 0x81
OLD = 0x84  # does not support this version
PROTOCOL_ERROR = 0x82
TOO_LARGE = 0x95
NO_RETAIN = 0x9A
NO_QOS = 0x9B

# Each property, at the index that is its identifier: in the lower four bits the packets in which a broker may send it,
# in the others the length of its value, or one of the kinds below.
OF_CONNACK = 1
OF_PUBLISH = 2
OF_ACK = 4
OF_DISCONNECT = 8
VARINT = 3
BINARY = 5
TEXT = 6
PAIR = 7
KINDS = (
    b"\0\x12\x42\x62\0\0\0\0\x62\x52\0\x32\0\0\0\0"
    b"\0\x41\x61\x21\0\x60\x50\x10\x40\x10\x60\0\x69\0\0\x6d"
    b"\0\x21\x21\x20\x11\x11\x7f\x41\x11\x11\x11"
)
NEVER_ZERO = (SUBSCRIPTION_IDENTIFIER, RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE)
LISTS = (SUBSCRIPTION_IDENTIFIER, USER_PROPERTY)  # those that a packet may have more than once

# Reason codes of a DISCONNECT that a packet of the client is to blame for. A shutdown, an administrator, another client
# with the same identifier, or too many packets in a time are none.
BLAMED = b"\x80\x81\x82\x83\x87\x8f\x90\x94\x95\x97\x99\x9a\x9b\x9e\xa1\xa2"

FIRST_BYTES = bytes((CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP, DISCONNECTED))
# The error numbers of a CONNACK's reason codes from 0x80 on [3.2.2.2]; the last one is that of all others, too.
REFUSALS = bytes(
    (
        ECONUNKNOWN,
        ECONUNKNOWN,
        ECONUNKNOWN,
        ECONUNKNOWN,
        ECONPROTOCOL,
        ECONREJECT,
        ECONCREDENTIALS,
        ECONAUTH,
        ECONUNAVAIBLE,
        ECONUNAVAIBLE,
        ECONAUTH,
        ECONUNAVAIBLE,
        ECONAUTH,
        ECONUNKNOWN,
        ECONREJECT,
        ECONUNKNOWN,
    )
)
LAST_REFUSAL = 15  # index of the last one


def uint(value: "int", size: "int", name: "str") -> "bytes":
    """Return an int as `size` bytes. Raises TypeError or ValueError, with the argument's name."""
    if not isinstance(value, int):
        raise TypeError("%s: not an int but %s" % (name, type(value).__name__))
    if not 0 <= value < 1 << 8 * size:
        raise ValueError("%s: out of range; MQTT has %d bytes for it" % (name, size))
    return value.to_bytes(size, "big")


def varint(value: "int") -> "bytes":
    """Return a variable byte integer [1.5.5]."""
    buf = bytearray(5)
    n = fixed_header(buf, 0, value)
    return bytes(buf[1:n])


def counted(data: "bytes") -> "bytes":
    """Return properties with their length before them [2.2.2.1]."""
    return varint(len(data)) + data


def user_properties(pairs: "Pairs") -> "bytes":
    """Return user properties, each a name and a value, as on the wire [2.2.2.2]."""
    data = b""
    if STRICT:
        pairs = list(pairs)  # it may be a generator
        for pair in pairs:
            if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
                raise TypeError("user: not pairs of name and value")
    for name, value in pairs:
        data += b"\x26" + string(text_bytes(name, "user")) + string(text_bytes(value, "user"))
    return data


class Topic:
    """A topic to publish to, with properties for each message; encoded once, so keep it.

    encoded  as the client has it
    """

    def __init__(
        self,
        name: "Text",
        expiry: "int | None" = None,
        content: "Text | None" = None,
        response: "Text | None" = None,
        correlation: "Payload | None" = None,
        user: "Pairs" = (),
        text: "bool" = False,
        delay: "int | None" = None,
    ) -> "None":
        """
        name         topic name, str or bytes, without wildcards
        expiry       seconds that the message counts, 1 or more; the time that it waits in the session store, too
                     [3.3.2.3.3]
        content      content type, a text [3.3.2.3.9]
        response     topic name to answer to [3.3.2.3.5]
        correlation  bytes by which the answer is known [3.3.2.3.6]
        user         pairs of texts [3.3.2.3.7]
        text         True says that the payload is UTF-8 [3.3.2.3.2]
        delay        of a last will: seconds until it is published [3.1.3.2.2]

        Raises ValueError or TypeError, with the name of the argument, for what MQTT forbids.
        """
        data = b""
        if delay is not None:
            data = b"\x18" + uint(delay, 4, "delay")
        if expiry is not None:
            data += b"\2" + uint(expiry or -1, 4, "expiry")
        if text:
            data += b"\1\1"
        if content is not None:
            data += b"\3" + string(text_bytes(content, "content"))
        if response is not None:
            data += b"\x08" + string(topic_name(response))
        if correlation is not None:
            data += b"\x09" + string(binary(correlation, "correlation"))
        data += user_properties(user)
        self.encoded = topic_name(name)
        if data:
            self.encoded += b"\0" + data


def Options(  # noqa: N802
    qos: "int" = 0,
    no_local: "bool" = False,
    as_published: "bool" = False,
    retained: "int" = 0,
    identifier: "int" = 0,
) -> "int":
    """Return the options of a subscription, for `subscribe(topic, options)` [3.8.3.1].

    qos           the highest QoS to receive
    no_local      True: what this client publishes itself does not come
    as_published  True: messages keep the RETAIN flag with which they were published
    retained      which retained messages come: 0 all, 1 those of a new subscription, 2 none
    identifier    1 to 1,000: comes with each message of this subscription, see `V5.properties` [3.8.2.1.2]

    Raises ValueError for what is not allowed.
    """
    if STRICT and not all(isinstance(value, int) for value in (qos, retained, identifier)):
        raise ValueError("options: qos, retained or identifier is not an int")
    if not (0 <= qos <= 2 and 0 <= retained <= 2 and 0 <= identifier <= HIGHEST_IDENTIFIER):
        raise ValueError("options: not qos 0 to 2, retained 0 to 2, identifier 0 to 1,000")
    return identifier << 6 | retained << 4 | (8 if as_published else 0) | (4 if no_local else 0) | qos


class V5:
    """The packets of MQTT 5 for one client, which gets it as `packets=`: see the contract in `umqtt2.packets`.

    reason   the reason code of the last packet that had one: in a status callback that of what it tells
    aliases  how many topic aliases it uses, if the broker has as many

    What the broker does not take raises MQTTException(ELIMIT, reason code) from the methods of the client; nothing is
    sent, and the connection stays: 0x95 larger than its Maximum Packet Size, 0x9A RETAIN, 0x9B the QoS.
    """

    five = True
    reason = 0
    asking = 0  # Requests that wait for an answer: umqtt2.aio reads on meanwhile
    _connection: "Any" = None
    _client_id: "Text" = b""  # that the broker has assigned
    ended: "Text | None" = None  # identifier of the client whose session ends, or has ended, with its connection
    _session_expires: "Any" = 0
    _raw = b""  # the properties of the last packet
    _at: "int"  # where what _varint() read ends
    # What the broker of the last connection takes.
    _largest_sent = 0
    _highest_qos = 2
    _retains = 1
    _alias_limit = 0

    def __init__(
        self,
        expiry: "int | None" = None,
        window: "int" = 0,
        largest: "int | None" = None,
        aliases: "int" = 0,
        user: "Pairs" = (),
    ) -> "None":
        """
        expiry   seconds that the broker keeps the session after the connection has ended; None is 0 for a clean
                 session, and for ever for another one [3.1.2.11.2]
        window   how many messages at QoS 1 and 2 the broker may send at a time; 0 leaves it to the broker [3.1.2.11.3]
        largest  bytes: the largest packet that the broker may send; 0 for any; None is what fits into the client's
                 `max_packet`, or any where the client has a callback for chunks [3.1.2.11.4]
        aliases  how many topic aliases to use: so many topics are sent as two bytes after the first time [3.3.2.3.4]
        user     user properties of CONNECT: pairs of texts [3.1.2.11.8]

        Raises ValueError or TypeError for what is not allowed.
        """
        data = user_properties(user)
        if window:
            data += b"\x21" + uint(window, 2, "window")
        self._properties = data
        # As properties, where they are sent whatever the client is.
        self._expiry: "Any" = expiry and b"\x11" + uint(expiry, 4, "expiry")
        self._largest: "Any" = largest and b"\x27" + uint(largest, 4, "largest")
        if STRICT and (not isinstance(aliases, int) or aliases < 0):
            raise ValueError("aliases: not an int from 0")
        self.aliases = aliases
        self._aliases: "dict[bytes, int]" = {}  # of the topics that this connection has told the broker

    # --- What a program uses -------------------------------------------------------------------------

    def properties(self) -> "dict[int, Any]":
        """Return the properties of the last packet: in a callback for messages those of the message, in a status
        callback those of the acknowledgement. A dict from the numbers in `umqtt2.properties` to an int or bytes; for
        user properties a list of (name, value), for subscription identifiers a list of ints."""
        return self._decoded(15)

    def reply(self, properties: "dict[int, Any] | None" = None) -> "Topic | None":
        """Return the topic to publish the answer to a message to, with its correlation data; None when there is none.

        properties  those of the message; by default of the last one
        """
        found = self.properties() if properties is None else properties
        try:
            return Topic(found[RESPONSE_TOPIC], correlation=found.get(CORRELATION_DATA))
        except (KeyError, ValueError):
            return None

    def disconnect(self, client: "Any", reason: "int" = 0, expiry: "int | None" = None) -> "Any":
        """Have a client leave the broker [3.14], and return what its `disconnect` does (in asyncio something to await).

        reason  the reason code: 4 has the broker publish the last will
        expiry  seconds that the broker keeps the session, in the place of what `V5` was made with

        Raises ValueError for an expiry other than 0 of a session that ends with the connection [MQTT-3.1.2-23].
        """
        packet = bytes((reason,))
        if expiry is not None:
            if expiry and not self._session_expires:
                raise ValueError("expiry: this session ends with its connection")
            packet += b"\5\x11" + uint(expiry, 4, "expiry")
        client.connection.disconnect_packet = whole_packet(DISCONNECTED, packet)
        return client.disconnect()

    # --- What goes -----------------------------------------------------------------------------------

    def connect(
        self,
        client_id: "Text",
        clean: "bool",
        keepalive: "int",
        user: "Text | None",
        password: "Text | None",
        will: "tuple[bytes, bytes, bool, int] | None",
        connection: "Any",
    ) -> "bytes":
        """Return a CONNECT [3.1]; the arguments are those of `umqtt2.packets.v311`. What is known of the last broker
        does not hold from here on."""
        if STRICT and self._connection not in (None, connection) and self._connection.state:
            raise ValueError("packets: another client has this V5; make one for each")
        expiry = self._expiry
        if expiry is None:
            expiry = b"" if clean else b"\x11\xff\xff\xff\xff"
        data = self._properties + (expiry or b"")
        largest = self._largest
        if largest is None and not connection.chunks:
            n = connection.max_packet
            largest = b"\x27" + uint(n + 1 + len(varint(n)), 4, "max_packet")
        if largest:
            data += largest
        more = b""
        if will:
            topic, more = (will[0] + b"\0").split(b"\0", 1)
            will = (topic,) + will[1:]
            more = counted(more[:-1])
        client_id = client_id or self._client_id
        hello = connect(client_id, clean, keepalive, user, password, will, connection, counted(data), more)
        # A broker cannot have a session that has ended, or one of an identifier that it has yet to assign.
        self._fresh = clean or not client_id or client_id == self.ended
        self.ended = None
        self._session_expires = expiry
        self._id = client_id
        if self._connection is not connection:
            self._connection = connection
            connection.closed_error = ECONPROTOCOL  # before it has said anything
        connection.session.window = 1  # what any broker takes
        connection.disconnect_packet = DISCONNECT
        self._alias_limit = 0
        self._aliases.clear()
        return hello

    def publish(self, buf: "bytearray", topic: "bytes", size: "int", first: "int", pid: "int") -> "int":
        """Write a PUBLISH up to its payload to `buf`, which may become longer, and return its length [3.3]."""
        name = topic
        data = b""
        end = topic.find(b"\0")
        if end >= 0:
            name = topic[:end]
            data = topic[end + 1 + STAMP :]
            if data[0] == MESSAGE_EXPIRY:
                data = b"\2" + max(1, self._seconds_left(topic, end)).to_bytes(4, "big") + data[5:]
        if self._alias_limit:
            told = len(self._aliases)
            alias = self._aliases.get(name, told + 1)
            if alias <= self._alias_limit:
                data = b"\x23" + alias.to_bytes(2, "big") + data
                self._aliases[name] = alias
                if alias <= told:
                    name = b""
        if data:
            data = counted(data)
        n = publish(buf, name, size + (len(data) or 1), first, pid)
        if not data:
            buf[n] = 0
            return n + 1
        end = n + len(data)
        buf[n:end] = data
        return end

    def subscribe(self, first: "int", pid: "int", topic: "bytes", qos: "int") -> "bytes":
        """Return a SUBSCRIBE or UNSUBSCRIBE for one topic filter [3.8, 3.10]; `qos` is what Options() returns."""
        data = b""
        last = b""
        if first == SUBSCRIBE:
            last = bytes((qos & 63,))
            if qos > 63:
                data = b"\x0b" + varint(qos >> 6)
        return whole_packet(first, pid.to_bytes(2, "big") + counted(data) + string(topic) + last)

    def topic_name(self, topic: "Text | Topic") -> "bytes":
        """Return a topic to publish to, as bytes. Raises ValueError as `umqtt2.packets.fields.topic_name` does."""
        if isinstance(topic, Topic):
            return topic.encoded
        return topic_name(topic)

    def check_options(self, options: "int", highest: "int") -> "None":
        """Raise ValueError unless it is an int that Options() may return, with a QoS of up to `highest`."""
        if not isinstance(options, int) or not 0 <= options < 65536 or options & 3 > highest or options & 48 == 48:
            raise ValueError("qos: not 0 to %d, nor what Options() returns" % highest)

    # --- Limits, and the expiry of messages ----------------------------------------------------------

    def check(self, connection: "Any", first: "int", topic: "bytes", msg: "Any") -> "bytes":
        """The program publishes, subscribes or unsubscribes: return `topic`, with the time where it has properties.

        Raises MQTTException(ELIMIT, reason code) for what the broker does not take, and ValueError. Without a
        connection nothing is known of the broker: then `holds` tells what it does not take.
        """
        if first & 0xF0 == PUBLISH:
            end = topic.find(b"\0") + 1
            if end:
                if topic[end] == WILL_DELAY:
                    raise ValueError("topic: delay is for a last will")
                topic = topic[:end] + connection.now().to_bytes(STAMP, "big") + topic[end:]
        elif first:
            levels = topic.split(b"/", 2)
            if levels[0] == b"$share":
                # A name without wildcards, and a filter after it [MQTT-4.8.2-1, MQTT-4.8.2-2]; [MQTT-3.8.3-4].
                if len(levels) < 3 or not levels[2] or (first == SUBSCRIBE and msg & 4):
                    raise ValueError("topic: $share/NAME/FILTER, without no_local")
                topic_name(levels[1])
        code = self.excess(first, topic, msg)
        if code and (not STORES or connection.state == UP or not connection.session.keeps):
            raise MQTTException(ELIMIT, code)
        return topic

    def holds(self, own: "int", packet: "list[Any]") -> "bool":
        """Return whether what was kept may not be sent now. Where it may not be sent at all the session store forgets
        it, and the program is told: SFAILED for what the broker does not take, STIMEOUT for a message that has
        expired. One that was sent before does not expire [MQTT-4.3.3-7].

        own  the packet identifier of the request that is made now, or 0: nothing is told then, but by the next step
        """
        pid, first, topic, msg = packet
        if own and own != pid and first & 0xF0 == PUBLISH:
            return True
        connection = self._connection
        code = self.excess(first, topic, msg)
        if not code:
            end = topic.find(b"\0")
            if end < 0 or topic[end + 1 + STAMP] != MESSAGE_EXPIRY or first & 8 or self._seconds_left(topic, end) > 0:
                return False
        if own or (code and connection.state != UP):
            return True  # the broker of the last connection did not take it; of this one nothing is known yet
        status = STIMEOUT
        if code:
            status = SFAILED
            self.reason = connection.code = code
            self._raw = b""
        connection.session.remove(pid)
        if first & 6:
            connection.tell_status(pid, status)
        return True

    def payload_at(self, head: "bytearray", at: "int") -> "int":
        """Of a message that comes in chunks so much has come, and its properties begin at an index: return where its
        payload begins; 0 when more must come, -1 when its properties are too long to keep."""
        if len(head) < at + 4 and min(head[at:] or b"\x80") > 127:
            return 0  # the length of the properties is not complete
        count = self._varint(head, at)
        end = self._at + count
        if end > self._connection.max_packet:
            return -1
        if end > len(head):
            return 0
        self._raw = bytes(head[self._at : end])
        self._decoded(OF_PUBLISH)
        return end

    def excess(self, first: "int", topic: "bytes", msg: "Any") -> "int":
        """Return the reason code that the broker would have for a packet, 0 when it takes it. The arguments are those
        of `check`."""
        if first & 0xF0 != PUBLISH:
            # A request is rarely as long as the limit: not counted exactly.
            return TOO_LARGE if 0 < self._largest_sent < len(topic) + MOST else 0
        size = len(msg)
        if first >> 1 & 3 > self._highest_qos:
            return NO_QOS
        if first & 1 and not self._retains:
            return NO_RETAIN
        n = len(topic) + size
        if self._largest_sent and n + MOST > self._largest_sent:
            # Near the limit it is counted exactly.
            count = 0
            end = topic.find(b"\0")
            if end >= 0:
                n -= 1 + STAMP
                count = n - size - end
            if self._alias_limit:
                count += 3
                n += 3
            n += len(varint(count)) + (4 if first & 6 else 2)
            if n + 1 + len(varint(n)) > self._largest_sent:
                return TOO_LARGE
        return 0

    def _seconds_left(self, topic: "bytes", end: "int") -> "int":
        # Of a message whose topic name ends at an index, and which has an expiry.
        end += 1
        now = self._connection.now()
        passed = now - int.from_bytes(topic[end : end + STAMP], "big")
        if passed < 0:
            passed = now  # the time began anew with a reset, and nobody knows how long that took
        end += STAMP + 1
        return int.from_bytes(topic[end : end + 4], "big") - (passed << UNIT_BITS) // 1000  # type: ignore[no-any-return]

    # --- What comes ----------------------------------------------------------------------------------

    def fail(self, code: "int" = MALFORMED) -> "MQTTException":
        """Tell the broker that it breaks MQTT, and raise MQTTException(ERESPONSE, reason code)."""
        connection = self._connection
        if not connection.pending:
            try:
                connection.send(bytes((DISCONNECTED, 1, code)), 3)
            except (OSError, MQTTException):
                pass
        raise MQTTException(ERESPONSE, code)

    def check_header(self, first: "int", length: "int") -> "None":
        """For `umqtt2.packets.decoder`: fail for what no broker may send."""
        if first & 0xF0 == PUBLISH:
            if first & 6 == 6:
                self.fail()
        elif first not in FIRST_BYTES:
            # Flags that are wrong, those of PUBREL too [MQTT-3.6.1-1]; or what only clients send, or AUTH.
            self.fail(MALFORMED if first & 15 or first == 0x60 else PROTOCOL_ERROR)
        elif first == PINGRESP and length:
            self.fail()
        elif first == CONNACK and self._connection.state == UP:
            self.fail(PROTOCOL_ERROR)

    def take_packet(self, buf: "bytearray", body: "BytesIO | None", first: "int", length: "int", pid: "int") -> "int":
        """For `umqtt2.packets.decoder`: a packet is complete. Give it to the connection, and return its first byte;
        PINGRESP for one that refuses.

        buf   has its beginning
        body  all of it; None for one that was not kept, of which `pid` is the packet identifier
        """
        self._raw = b""
        if first & 0xF0 == PUBLISH:
            self._take_message(self._connection, buf, body, first & 6, length, pid)
        elif not body:
            self.fail(TOO_LARGE)
        elif first != PINGRESP:
            first = self._take_answer(self._connection, buf, body, first, length)
        return first

    def _take_message(
        self, sink: "Any", buf: "bytearray", body: "BytesIO | None", qos: "int", length: "int", pid: "int"
    ) -> "None":
        if body:
            size = buf[0] << 8 | buf[1]
            at = size + 2
            if at >= length:
                self.fail()
            body.seek(at)
            body.readinto(buf)
            n = 0
            if qos:
                pid = buf[0] << 8 | buf[1]
                n = 2
            count = self._varint(buf, n)  # what follows the packet in `buf` makes it too long
            at += self._at
            end = at + count
            if end > length:
                self.fail()
            try:
                if count:
                    body.seek(at)
                    self._raw = body.read(count)
                    self._decoded(OF_PUBLISH)
                body.seek(2)
                sink.topic = body.read(size)
                body.seek(end)
                sink.payload = body.read(length - end)
            except MemoryError:
                pass
            if not size:
                self.fail(PROTOCOL_ERROR)  # an alias, and none was offered
        if qos and not pid:
            self.fail(PROTOCOL_ERROR)
        sink.pid = qos and pid

    def _take_answer(self, sink: "Any", buf: "bytearray", body: "Any", first: "int", length: "int") -> "int":
        # What is no PUBLISH. Before its properties it has so many bytes; a reason code is the last of them, except in
        # SUBACK and UNSUBACK, where it is the last byte of the packet.
        at = 3 if CONNACK < first < SUBACK else 1 if first == DISCONNECTED else 2
        if first == CONNACK and length == 2:
            raise MQTTException(ECONPROTOCOL, OLD)  # MQTT 3.1.1's: it does not know this version
        if length < at - 1:
            self.fail()
        body.seek(0)
        data = body.read(length)
        code = (data + b"\0")[at - 1]  # a reason code that is left out is 0
        if SUBACK <= first < PINGRESP:
            code = data[-1]
            data = data[:-1]
        if len(data) > at or at == 2:
            count = self._varint(data, at)
            self._raw = data[self._at :]
            if len(self._raw) != count:
                self.fail()
            self._decoded(OF_CONNACK if first == CONNACK else OF_DISCONNECT if at == 1 else OF_ACK)
        self.reason = sink.code = code
        pid = sink.pid = buf[0] << 8 | buf[1]
        if first == CONNACK:
            self._take_connack(sink, buf[0], code)
        elif at == 1:
            sink.close(code in BLAMED or None)
            raise MQTTException(ECONCLOSE, code)
        elif code > 127 and sink.state == UP and first in (PUBACK, PUBREC, UNSUBACK):
            session = sink.session
            answer = session.on_packet(first, pid, 0)
            if answer == PUBREL:
                answer = SDELIVERED if session.remove(pid) else None
            if answer is not None:
                sink.tell_status(pid, SFAILED if answer == SDELIVERED else answer)
            first = sink.state != GREETING and PINGRESP  # the program may have left, and connected again
        return first

    def _take_connack(self, sink: "Any", flags: "int", code: "int") -> "None":
        if flags > 1:
            self.fail()
        if flags and (code or self._fresh):
            self.fail(PROTOCOL_ERROR)  # [MQTT-3.2.2-4]
        sink.pid = 0
        sink.closed_error = ECONCLOSE
        if code:
            raise MQTTException(REFUSALS[min(code & 127, LAST_REFUSAL)], code)
        sink.code = flags << 8
        found = self.properties()
        session = sink.session
        own = session.own_window
        session.window = min(own, found.get(RECEIVE_MAXIMUM, own))
        self._largest_sent = found.get(MAXIMUM_PACKET_SIZE, 0)
        self._highest_qos = found.get(MAXIMUM_QOS, 2)
        self._retains = found.get(RETAIN_AVAILABLE, 1)
        self._alias_limit = min(self.aliases, found.get(TOPIC_ALIAS_MAXIMUM, 0))
        self._client_id = found.get(ASSIGNED_CLIENT_IDENTIFIER, self._client_id)
        if not found.get(SESSION_EXPIRY, self._session_expires):
            self.ended = self._id or self._client_id
        if SERVER_KEEP_ALIVE in found:
            sink.half = found[SERVER_KEEP_ALIVE] * 500 >> UNIT_BITS

    def _varint(self, data: "bytes | bytearray", i: "int") -> "int":
        # Read a variable byte integer at an index, and leave the index after it in `_at`.
        value = shift = 0
        try:
            while shift < 28:
                digit = data[i]
                value |= (digit & 127) << shift
                shift += 7
                i += 1
                if digit < 128:
                    self._at = i
                    return value
        except IndexError:
            pass
        raise self.fail()

    def _decoded(self, mask: "int") -> "dict[int, Any]":
        # Return the properties of the last packet; fail for what is wrong with them.
        data = self._raw
        found: "dict[int, Any]" = {}
        i = 0
        try:
            while i < len(data):
                key = data[i]
                kind = KINDS[key]
                if not kind:
                    self.fail()
                if not kind & mask or (key in found and key not in LISTS):
                    self.fail(PROTOCOL_ERROR)
                i += 1
                kind >>= 4
                value: "Any"
                if kind == VARINT:
                    value = self._varint(data, i)
                    i = self._at
                elif kind < BINARY:
                    value = int.from_bytes(data[i : i + kind], "big")
                    i += kind
                else:
                    value = self._texts(data, i, kind)
                    i = self._at
                if i > len(data):
                    self.fail()
                if (not value and key in NEVER_ZERO) or (kind == 1 and value > 1):
                    self.fail(PROTOCOL_ERROR)
                if key in LISTS:
                    value = found.get(key, []) + [value]
                found[key] = value
        except (IndexError, ValueError):
            self.fail()
        return found

    def _texts(self, data: "bytes", i: "int", kind: "int") -> "Any":
        # Read a text, binary data, or a pair of texts at an index, and leave the index after it in `_at`. Raises
        # IndexError and ValueError.
        value: "Any" = None
        for _ in range(1 + kind // PAIR):  # the highest kind
            name = value
            start = i + 2
            i = start + (data[i] << 8 | data[i + 1])
            value = data[start:i]
            if kind != BINARY:
                text_bytes(value, "")
        if kind == PAIR:
            value = name, value
        self._at = i
        return value
