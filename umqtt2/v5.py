"""MQTT 5: the packets of version 5, for the clients' `packets=`.

    from umqtt2.v5 import V5, Topic, Options

    five = V5()
    client = MQTTClient("dev", "broker", packets=five)

Theory of operation. Stores, streams and clients know a topic as bytes. No topic can have U+0000, so the properties of a
message travel behind one:

    topic name
    topic name  00  properties as on the wire, the message expiry first
    topic name  00 00  when it was published (4 bytes)  properties

Only this module makes such bytes and takes them apart; what a program gives as a topic may not have U+0000. The
options of a subscription are an int, in the place of its QoS.

What comes is read by the decoder of MQTT 3.1.1, `umqtt2.packets.decoder`, and taken apart here. Properties are
checked when they come, and decoded when the program asks for them. Three kinds of packets end here, and the client
sees a PINGRESP in their place: PUBACK, PUBREC and UNSUBACK that refuse. The session store is told that they
acknowledge, so that it forgets the message; the program is told SFAILED.
"""

from collections import namedtuple

from .connection import NETWORK, UNIT_BITS
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
from .packets.decoder import decode
from .packets.fields import (
    CONNACK,
    CONNECT,
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
    encoded,
    fixed_header,
    string,
    text_bytes,
    topic_name,
    whole_packet,
)
from .packets.v311 import ack
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
    SUBSCRIPTION_IDENTIFIER,
    TOPIC_ALIAS,
    TOPIC_ALIAS_MAXIMUM,
    USER_PROPERTY,
    WILL_DELAY,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generator, Iterable, NamedTuple

    from .cpython.contracts import Payload, Text
    from .cpython.io import BytesIO

    Pairs = Iterable[tuple[Text, Text]]

DISCONNECTED = 0xE0  # the first byte of a DISCONNECT
KEEP = 0xFFFFFFFF  # a session expiry: never
ROOM = 7  # bytes that a PUBLISH may have before its payload, besides PUBLISH_HEAD and its topic
LONGEST_TOPIC = 0xFFFF
HIGHEST_IDENTIFIER = 1000  # of a subscription: it stands with its options in 16 bits of a session's file

# Reason codes.
MALFORMED = 0x81
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
TEXT = 5
BINARY = 6
PAIR = 7
KINDS = (
    b"\0\x12\x42\x52\0\0\0\0\x52\x62\0\x32\0\0\0\0"
    b"\0\x41\x51\x21\0\x50\x60\x10\x40\x10\x50\0\x59\0\0\x5d"
    b"\0\x21\x21\x20\x11\x11\x7f\x41\x11\x11\x11"
)
NEVER_ZERO = (SUBSCRIPTION_IDENTIFIER, RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE)

FIRST_BYTES = bytes((CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP, DISCONNECTED))
# The error numbers of a CONNACK's reason codes from 0x84 on [3.2.2.2].
REFUSALS = bytes(
    (
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
    )
)


def uint(value: "int", size: "int", name: "str") -> "bytes":
    """Return an int as `size` bytes. Raises TypeError or ValueError, with the argument's name."""
    if not isinstance(value, int):
        raise TypeError(name)
    if not 0 <= value <= KEEP >> 32 - 8 * size:
        raise ValueError(name)
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
    for name, value in pairs:
        data += b"\x26" + string(text_bytes(name, "user")) + string(text_bytes(value, "user"))
    return data


def binary(value: "Payload", name: "str") -> "bytes":
    """Return binary data with its length before it [1.5.6]."""
    value = bytes(encoded(value, name))
    if len(value) > 65535:
        raise ValueError(name)
    return string(value)


if TYPE_CHECKING:

    class Message(NamedTuple):
        """A message of `umqtt2.aio` with MQTT 5; properties as `V5.properties()` has them."""

        topic: bytes
        payload: bytes
        retain: bool
        qos: int
        dup: bool
        properties: dict[int, Any]

else:
    Message = namedtuple("Message", ("topic", "payload", "retain", "qos", "dup", "properties"))


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
        expiry       seconds that the message counts; the time that it waits in the session store, too [3.3.2.3.3]
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
            data += b"\2" + uint(expiry, 4, "expiry")
        if text:
            data += b"\1\1"
        if content is not None:
            data += b"\3" + string(text_bytes(content, "content"))
        if response is not None:
            data += b"\x08" + string(topic_name(response))
        if correlation is not None:
            data += b"\x09" + binary(correlation, "correlation")
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
    if not 0 <= qos <= 2:
        raise ValueError("qos")
    if not 0 <= retained <= 2:
        raise ValueError("retained")
    if not 0 <= identifier <= HIGHEST_IDENTIFIER:
        raise ValueError("identifier")
    return identifier << 6 | retained << 4 | (8 if as_published else 0) | (4 if no_local else 0) | qos


class V5:
    """The packets of MQTT 5 for one client, which gets it as `packets=`: see the contract in `umqtt2.packets`.

    reason   the reason code of the last packet that had one: in a status callback that of what it tells
    aliases  how many topic aliases it uses, if the broker has as many

    What the broker does not take raises MQTTException(ELIMIT, reason code) from the methods of the client; nothing is
    sent, and the connection stays: 0x95 larger than its Maximum Packet Size, 0x9A RETAIN, 0x9B the QoS.
    """

    ack = staticmethod(ack)

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
        self._properties = user_properties(user)
        if window:
            self._properties += b"\x21" + uint(window, 2, "window")
        if expiry is not None:
            uint(expiry, 4, "expiry")
        self._expiry = expiry
        if largest:
            uint(largest, 4, "largest")
        self._largest = largest
        self.aliases = aliases
        self.limits = self
        self.reason = 0
        self.disconnect_packet = DISCONNECT
        self.closed = ECONPROTOCOL  # what it means when the broker closes before it has said anything
        self._connection: "Any" = None
        self._hello = bytearray()  # the CONNECT, which decode() completes
        self._fields: "tuple[bytes, bytes, bytes]" = (b"", b"", b"")
        self._client_id = b""  # that the broker has assigned
        self._clean = False
        self._session_expires = 0
        self._greeted = False  # a packet has come on this connection
        self._raw = b""  # the properties of the last packet
        self._at = 0  # where what _varint() read ends
        self._window = 0  # of the session store, without the broker's limit
        # What the broker takes.
        self._largest_sent = 0
        self._highest_qos = 2
        self._retains = 1
        self._alias_limit = 0
        self._aliases: "dict[bytes, int]" = {}

    # --- What a program uses -------------------------------------------------------------------------

    def properties(self) -> "dict[int, Any]":
        """Return the properties of the last packet: in a callback for messages those of the message, in a status
        callback those of the acknowledgement. A dict from the numbers in `umqtt2.properties` to an int or bytes; for
        user properties a list of (name, value), for subscription identifiers a list of ints."""
        found: "dict[int, Any]" = {}
        self._check_properties(self._raw, 15, found)
        return found

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
                raise ValueError("expiry")
            packet += b"\5\x11" + uint(expiry, 4, "expiry")
        self.disconnect_packet = whole_packet(DISCONNECTED, packet)
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
    ) -> "bytearray":
        """Return a CONNECT [3.1], which `decode` completes; the arguments are those of `umqtt2.packets.v311`."""
        flags = 2 if clean else 0
        fields = string(text_bytes(client_id, "client_id") or self._client_id)
        if will:
            topic, msg, retain, qos = will
            flags |= 4 | qos << 3 | (32 if retain else 0)
            end = topic.find(b"\0")
            if end < 0:
                end = len(topic)
            fields += counted(topic[end + 1 :]) + string(topic[:end]) + string(msg)
        if user is not None:
            flags |= 128
            fields += string(text_bytes(user, "user"))
        if password is not None:
            flags |= 64
            fields += binary(password, "password")
        self._clean = clean
        expiry = self._expiry
        if expiry is None:
            expiry = 0 if clean else KEEP
        self._session_expires = expiry
        data = self._properties
        if expiry:
            data += b"\x11" + expiry.to_bytes(4, "big")
        self._fields = (b"\0\4MQTT\5" + bytes((flags,)) + uint(keepalive, 2, "keepalive"), data, fields)
        self._hello = bytearray()
        return self._hello

    def publish(self, buf: "bytearray", topic: "bytes", size: "int", first: "int", pid: "int") -> "int":
        """Write a PUBLISH up to its payload to `buf`, which may become longer, and return its length [3.3]."""
        end = at = topic.find(b"\0")
        if end < 0:
            end = at = len(topic)
        else:
            at += 1
        left = 0
        if at < len(topic) and not topic[at]:
            left = max(1, self._seconds_left(topic, at + 1))
            at += 5
        count = len(topic) - at
        alias = self._alias(topic, end) if self._alias_limit else 0
        n = 0 if alias > 0 else end
        if alias:
            count += 3
        if len(buf) < len(topic) + 9 + ROOM:
            buf.extend(bytes(len(topic) + 9 + ROOM - len(buf)))
        i = fixed_header(buf, first, n + count + size + (5 if pid else 3) + (count > 127) + (count > 16383))
        buf[i] = n >> 8
        buf[i + 1] = n & 255
        i += 2
        if n:
            buf[i : i + n] = topic if n == len(topic) else topic[:n]
            i += n
        if pid:
            buf[i] = pid >> 8
            buf[i + 1] = pid & 255
            i += 2
        n = count
        while n > 127:
            buf[i] = n & 127 | 128
            n >>= 7
            i += 1
        buf[i] = n
        i += 1
        if alias:
            buf[i] = TOPIC_ALIAS
            buf[i + 1] = abs(alias) >> 8
            buf[i + 2] = abs(alias) & 255
            i += 3
            count -= 3
        if count:
            buf[i : i + count] = topic[at:]
            if left:
                buf[i + 1 : i + 5] = left.to_bytes(4, "big")
        return i + count

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
            raise ValueError("qos")

    def refusal(self, code: "int") -> "MQTTException":
        """Return the exception for a CONNACK with this reason code [3.2.2.2]."""
        names = REFUSALS
        if code == 1:
            return MQTTException(ECONPROTOCOL, code)
        return MQTTException(names[code - 0x84] if 0 <= code - 0x84 < len(names) else ECONUNKNOWN, code)

    # --- Limits, and the expiry of messages ----------------------------------------------------------

    def check(self, first: "int", topic: "bytes", msg: "Any", now: "int") -> "bytes":
        """The program publishes, subscribes or unsubscribes: return `topic`, with the time where the message expires.

        Raises MQTTException(ELIMIT, reason code) for what the broker does not take, and ValueError.
        """
        message = first & 0xF0 == PUBLISH
        code = 0
        if message:
            code = self._excess(first, topic, len(msg))
        elif self._largest_sent and len(topic) + 9 + ROOM > self._largest_sent:
            code = TOO_LARGE  # nearly; a request is rarely as long
        if code:
            raise MQTTException(ELIMIT, code)
        if message:
            at = topic.find(b"\0") + 1
            if at:
                if topic[at] == WILL_DELAY:
                    raise ValueError("topic: delay is for a last will")
                if topic[at] == MESSAGE_EXPIRY:
                    topic = topic[:at] + b"\0" + now.to_bytes(4, "big") + topic[at:]
        elif topic[:7] == b"$share/":
            # A name without wildcards, and a filter after it [MQTT-4.8.2-1, MQTT-4.8.2-2].
            name = topic[7:].split(b"/", 1)
            if len(name) < 2 or not name[0] or b"+" in name[0] or b"#" in name[0] or not name[1]:
                raise ValueError("topic: $share/NAME/FILTER")
            if first == SUBSCRIBE and msg & 4:
                raise ValueError("no_local: not with a shared subscription")  # [MQTT-3.8.3-4]
        return topic

    def refused(self, first: "int", topic: "bytes", msg: "Any") -> "int | None":
        """A message that was kept is about to be sent: return the status that the program gets in its place, None to
        send it. One that was sent before does not expire [MQTT-4.3.3-7]."""
        code = self._excess(first, topic, len(msg))
        if code:
            self.reason = self._connection.code = code
            self._raw = b""
            return SFAILED
        at = topic.find(b"\0") + 1
        if at and not topic[at] and not first & 8 and self._seconds_left(topic, at + 1) <= 0:
            return STIMEOUT
        return None

    def message(self, topic: "bytes", payload: "bytes", retain: "bool", qos: "int", dup: "bool") -> "Message":
        """Return a message of `umqtt2.aio`, with its properties."""
        return Message(topic, payload, retain, qos, dup, self.properties())

    def payload_at(self, head: "bytearray", at: "int") -> "int":
        """Of a message that comes in chunks so much has come, and its properties begin at an index: return where its
        payload begins; 0 when more must come, -1 when its properties are too long to keep."""
        count = self._varint(head, at, len(head))
        if count is None:
            return 0 if len(head) < at + 4 else -1
        end = self._at + count
        if end > self._connection.max_packet:
            return -1
        if end > len(head):
            return 0
        self._raw = bytes(head[self._at : end])
        self._must(self._check_properties(self._raw, OF_PUBLISH, None))
        return end

    def _excess(self, first: "int", topic: "bytes", size: "int") -> "int":
        # The reason code that the broker would have for a message.
        if first >> 1 & 3 > self._highest_qos:
            return NO_QOS
        if first & 1 and not self._retains:
            return NO_RETAIN
        if self._largest_sent and len(topic) + size + 9 + ROOM > self._largest_sent:
            # Near the limit it is counted exactly.
            alias = 3 if self._alias_limit else 0
            end = topic.find(b"\0")
            count = 0 if end < 0 else len(topic) - end - (1 if topic[end + 1] else 6)
            n = end if end >= 0 else len(topic)
            n += 2 + count + len(varint(count + alias)) + alias + size + (2 if first & 6 else 0)
            if n + 1 + len(varint(n)) > self._largest_sent:
                return TOO_LARGE
        return 0

    def _seconds_left(self, topic: "bytes", at: "int") -> "int":
        # Of a message whose time of publication stands at an index, and its expiry behind it.
        passed = self._connection.now() - int.from_bytes(topic[at : at + 4], "big")
        # Less than 0 after a reset: nobody knows how long that took.
        left: "int" = int.from_bytes(topic[at + 5 : at + 9], "big") - (max(0, passed) << UNIT_BITS) // 1000
        return left

    def _alias(self, topic: "bytes", end: "int") -> "int":
        # The alias of a topic; less than 0 when the broker has yet to be told, 0 when there is none left.
        if end < len(topic):
            topic = topic[:end]
        alias: "int" = self._aliases.get(topic, 0)
        if not alias and len(self._aliases) < self._alias_limit:
            self._aliases[topic] = alias = len(self._aliases) + 1
            alias = -alias
        return alias

    # --- What comes ----------------------------------------------------------------------------------

    def decode(self, sink: "Any", buf: "bytearray", max_packet: "int") -> "Generator[int, int, None]":
        """Decode what a broker sends: see `umqtt2.packets.decoder`; `sink` is a Connection.

        Raises MQTTException(ERESPONSE, reason code) when the bytes break MQTT 5, after a DISCONNECT with that code;
        MQTTException(ECONCLOSE, reason code) when DISCONNECT has come.
        """
        self._begin(sink, max_packet)
        return decode(sink, buf, max_packet, self)

    def _begin(self, sink: "Any", max_packet: "int") -> "None":
        # A connection begins: complete its CONNECT.
        session = sink.session
        if self._connection is not sink:
            self._connection = sink
            self._window = session.window
            # Nothing is known of this broker: one message is what it takes before its CONNACK.
            session.window = 1
        self.disconnect_packet = DISCONNECT
        self._greeted = False
        self._alias_limit = 0
        self._aliases.clear()
        head, data, fields = self._fields
        largest = self._largest
        if largest is None and not sink.chunks:
            largest = max_packet + 1 + len(varint(max_packet))
        if largest:
            data += b"\x27" + largest.to_bytes(4, "big")
        self._hello.extend(whole_packet(CONNECT, head + counted(data) + fields))
        self._fields = (b"", b"", b"")

    def fail(self, code: "int" = MALFORMED) -> "MQTTException":
        """Tell the broker that it breaks MQTT, and raise MQTTException(ERESPONSE, reason code)."""
        connection = self._connection
        if not connection.pending:
            try:
                connection.transport.write(bytes((DISCONNECTED, 1, code)), 3, 0)
            except NETWORK:
                pass
        raise MQTTException(ERESPONSE, code)

    def check_header(self, first: "int", length: "int") -> "None":
        """For `umqtt2.packets.decoder`: fail for what no broker may send."""
        if first & 0xF0 == PUBLISH:
            if first & 6 == 6 or length < 4:
                self.fail(MALFORMED)
        elif first not in FIRST_BYTES:
            self.fail(MALFORMED if first & 15 else PROTOCOL_ERROR)
        elif first == PINGRESP and length:
            self.fail(MALFORMED)
        elif first == CONNACK and self._greeted:
            self.fail(PROTOCOL_ERROR)
        self._greeted = True

    def take(self, buf: "bytearray", body: "BytesIO | None", first: "int", length: "int", pid: "int") -> "int":
        """For `umqtt2.packets.decoder`: a packet is complete. Give it to the connection, and return its first byte;
        PINGRESP for one that refuses.

        buf   has its beginning
        body  all of it; None for one that was not kept, of which `pid` is the packet identifier
        """
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
        self._raw = b""
        if body:
            size = buf[0] << 8 | buf[1]
            at = size + 2
            if not size:
                self.fail(PROTOCOL_ERROR)  # an alias, and none was offered
            if at >= length:
                self.fail(MALFORMED)
            body.seek(at)
            body.readinto(buf)
            n = 0
            if qos:
                pid = buf[0] << 8 | buf[1]
                n = 2
            count = self._varint(buf, n, length - at)
            if count is None:
                count = length  # too much
            end = at + self._at + count
            if end > length:
                self.fail(MALFORMED)
            try:
                if count:
                    body.seek(end - count)
                    self._raw = body.read(count)
                body.seek(2)
                sink.topic = body.read(size)
                body.seek(end)
                sink.payload = body.read(length - end)
            except MemoryError:
                pass
            if count:
                self._must(self._check_properties(self._raw, OF_PUBLISH, None))
        if not qos:
            pid = 0
        elif not pid:
            self.fail(PROTOCOL_ERROR)
        sink.pid = pid

    def _take_answer(self, sink: "Any", buf: "bytearray", body: "Any", first: "int", length: "int") -> "int":
        # What is no PUBLISH.
        connack = first == CONNACK
        if connack and length == 2:
            # MQTT 3.1.1's: it does not know this version.
            sink.code = 1
            return first
        acks = first < SUBACK and not connack
        at = 1 if first == DISCONNECTED else 3 if acks else 2
        code = buf[at - 1] if length >= at else 0
        rest = b""
        self._raw = b""
        if length > at or not (acks or at == 1):
            body.seek(0)
            data = body.read(length)
            count = self._varint(data, at, length)
            end = self._at + count if count is not None else length + 1
            if end > length:
                self.fail(MALFORMED)
            rest = data[end:]
            mask = OF_CONNACK if connack else OF_DISCONNECT if at == 1 else OF_ACK
            self._raw = data[self._at : end]
            self._must(self._check_properties(self._raw, mask, None))
        if at == 2 and not connack:
            code = rest[0] if rest else 0
            rest = rest[1:] if rest else b"\0"
        if rest or (acks and length < 2):
            self.fail(MALFORMED)
        self.reason = sink.code = code
        pid = sink.pid = buf[0] << 8 | buf[1]
        if connack:
            self._take_connack(sink, buf[0], code)
        elif at == 1:
            # A shutdown, an administrator or another client is not the fault of what was sent.
            sink.close(code < 0x8B or 0x8E < code < 0x9C)
            raise MQTTException(ECONCLOSE, code)
        elif code > 127 and first in (PUBACK, PUBREC, UNSUBACK):
            session = sink.session
            answer = session.on_packet(first, pid, 0)
            if answer == PUBREL:
                answer = SDELIVERED if session.remove(pid) else None
            if answer is not None:
                sink.tell_status(pid, SFAILED if answer == SDELIVERED else answer)
            first = PINGRESP
        return first

    def _take_connack(self, sink: "Any", flags: "int", code: "int") -> "None":
        if flags > 1:
            self.fail(MALFORMED)
        if flags and (code or self._clean):
            self.fail(PROTOCOL_ERROR)
        sink.pid = 0
        self.closed = ECONCLOSE
        if code:
            return
        sink.code = flags << 8
        found = self.properties()
        sink.session.window = min(self._window, found.get(RECEIVE_MAXIMUM, self._window))
        self._largest_sent = found.get(MAXIMUM_PACKET_SIZE, 0)
        self._highest_qos = found.get(MAXIMUM_QOS, 2)
        self._retains = found.get(RETAIN_AVAILABLE, 1)
        self._alias_limit = min(self.aliases, found.get(TOPIC_ALIAS_MAXIMUM, 0))
        self._client_id = found.get(ASSIGNED_CLIENT_IDENTIFIER, self._client_id)
        if SERVER_KEEP_ALIVE in found:
            sink.half = found[SERVER_KEEP_ALIVE] * 500 >> UNIT_BITS

    def _must(self, code: "int") -> "None":
        if code:
            self.fail(code)

    def _varint(self, data: "bytes | bytearray", i: "int", end: "int") -> "int | None":
        # Read a variable byte integer at an index, and leave the index after it in `_at`. None when it is not one.
        value = shift = 0
        while i < end and shift < 28:
            value |= (data[i] & 127) << shift
            shift += 7
            i += 1
            if data[i - 1] < 128:
                self._at = i
                return value
        return None

    def _check_properties(self, data: "bytes", mask: "int", found: "dict[int, Any] | None") -> "int":
        # Return 0, or the reason code for what is wrong with them; put them into `found`.
        kinds = KINDS
        i = seen = 0
        end = len(data)
        while i < end:
            key = data[i]
            kind = kinds[key] if key < len(kinds) else 0
            if not kind:
                return MALFORMED
            if not kind & mask or seen >> key & 1:
                return PROTOCOL_ERROR
            i += 1
            kind >>= 4
            value = self._value(data, i, kind, end)
            i = self._at
            if value is None or i > end:
                return MALFORMED
            if (not value and key in NEVER_ZERO) or (kind == 1 and value > 1):
                return PROTOCOL_ERROR
            if key not in (SUBSCRIPTION_IDENTIFIER, USER_PROPERTY):
                seen |= 1 << key
                if found is not None:
                    found[key] = value
            elif found is not None:
                found.setdefault(key, []).append(value)
        return 0

    def _value(self, data: "bytes", i: "int", kind: "int", end: "int") -> "Any":
        # Return the value of a property at an index, and leave the index after it in `_at`. None when it is not one.
        if kind == VARINT:
            return self._varint(data, i, end)
        if kind < TEXT:
            self._at = i + kind
            return int.from_bytes(data[i : i + kind], "big")
        self._at = at = i + 2 + int.from_bytes(data[i : i + 2], "big")
        value: "Any" = data[i + 2 : at]
        if kind != BINARY:
            try:
                text_bytes(value, "")
            except ValueError:
                return None
        if kind == PAIR:
            second = self._value(data, at, TEXT, end)
            value = None if second is None else (value, second)
        return value
