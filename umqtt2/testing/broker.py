"""A broker for one client, small enough to read: it connects, acknowledges and delivers."""

from collections import OrderedDict

from ..packets.fields import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
    encoded,
)
from ..packets.filter import matches
from . import packets5, packets311
from .clock import FakeClock
from .properties import decode_properties, encode_properties
from .transport import FakeTransport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEVER = 0xFFFFFFFF  # a session expiry interval
NO_LOCAL = 4  # subscription options [3.8.3.1]
AS_PUBLISHED = 8
# What a broker keeps of a client from one connection to the next.
SESSION = ["subscriptions", "subscription_options", "subscription_ids", "_in_flight", "_waiting", "_received"]
SESSION += ["_unreleased", "_pid", "_session_ends", "_expiry", "_will", "_will_due"]


class FakeBroker(FakeTransport):
    """Give it to the client as `transport=`; its `clock` as `clock=`. It speaks the version of MQTT that the client's
    CONNECT asks for. What a test may look at or set, besides what a FakeTransport has:

    published      what the client published: a list of (topic, payload, qos, retain), bytes and ints
    subscriptions  a dict from topic filter (bytes) to QoS
    acknowledged   packet identifiers of deliveries that the client acknowledged, at QoS 2 with PUBCOMP
    connects       CONNECT packets, a list of dicts: client_id, clean, keepalive, user, password, will (None, or a tuple
                   of topic, payload, qos, retain); of MQTT 5 also version, and bytes: properties, will_properties
    disconnected   True after a DISCONNECT, after which it closes
    wills          last wills that were published, a list like `published`
    retained       retained messages, which a subscription gets; `publish` keeps them here
    return_code    what CONNACK says; 0 accepts the client
    refused        topic filters (bytes) that SUBACK refuses
    silent         True: it takes everything and answers nothing
    echo           True: what the client publishes comes back to it, where it has subscribed to that
    versions       which versions it knows: (4, 5)
    window         how many messages at QoS 1 and 2 it sends before they are acknowledged, at the most; 0 is no limit

    A subclass may replace `on_connect` and `on_publish`, and so be one of several that are one broker, each for its own
    client.

    For MQTT 5. Properties are given as bytes, or as a dict from their numbers to their values, see
    `encode_properties`; what the client sent is kept as bytes.

    published_properties     of what is in `published`, in the same order
    subscription_options     a dict from topic filter to the byte of its options
    subscription_ids         a dict from topic filter to its subscription identifier, where it has one
    acks                     all acknowledgements of the client: a list of (first byte, pid, reason code, properties)
    disconnect_reason        reason code of the client's DISCONNECT, or None
    disconnect_properties    its properties
    disconnects              reason codes of the DISCONNECTs that the broker sent: its limits were not kept
    reasons                  a dict from the first byte of an acknowledgement to the reason code that it has:
                             PUBACK 0x40, PUBREC 0x50, PUBREL 0x62, PUBCOMP 0x70, UNSUBACK 0xB0; SUBACK 0x90, for
                             topic filters in `refused`
    properties               a dict from the first byte of an answer to its properties; also of CONNACK, 0x20
    hold                     True: what acknowledges the client's messages waits until `release()`

    What CONNACK announces, if it is not the default; the broker ends the connection when it is not kept:
    receive_maximum 65535, maximum_qos 2, retain_available True, maximum_packet_size 0 (no limit),
    topic_alias_maximum 0, server_keep_alive None, session_expiry None (as the client asked for),
    assigned_client_identifier b"assigned" (for a client without one).
    """

    window = 0

    def __init__(self, clock: "FakeClock | None" = None) -> "None":
        super().__init__(clock=clock)
        self.published: "list[tuple[bytes, bytes, int, bool]]" = []
        self.subscriptions: "dict[bytes, int]" = {}
        self.acknowledged: "list[int]" = []
        self.connects: "list[dict[str, Any]]" = []
        self.disconnected = False
        self.retained: "dict[bytes, tuple[bytes, int, bytes, int]]" = {}
        self.return_code = 0
        self.refused: "set[bytes]" = set()
        self.silent = False
        self.echo = False
        self.versions: "tuple[int, ...]" = (4, 5)
        self.published_properties: "list[bytes]" = []
        self.subscription_options: "dict[bytes, int]" = {}
        self.subscription_ids: "dict[bytes, int]" = {}
        self.acks: "list[tuple[int, int, int, bytes]]" = []
        self.disconnect_reason: "int | None" = None
        self.disconnect_properties = b""
        self.disconnects: "list[int]" = []
        self.reasons: "dict[int, int]" = {}
        self.properties: "dict[int, bytes | dict[int, Any]]" = {}
        self.hold = False
        self.receive_maximum = 65535
        self.maximum_qos = 2
        self.retain_available = True
        self.maximum_packet_size = 0
        self.topic_alias_maximum = 0
        self.server_keep_alive: "int | None" = None
        self.session_expiry: "int | None" = None
        self.assigned_client_identifier = b"assigned"
        self._arrived = bytearray()
        self._packets: "Any" = packets311
        self._five = False
        self._up = False
        self._refused = False
        self._session_ends: "int | None" = -1  # on the clock's `elapsed`; None never, -1 there is none
        self._expiry = 0
        self._pid = 0
        # In the order of delivery, which a dict of MicroPython does not keep.
        self._in_flight: "dict[int, tuple[bytes, bytes, int, bool, bytes, int]]" = OrderedDict()
        self._waiting: "list[int]" = []  # those of _in_flight that were never sent
        self._received: "set[int]" = set()  # deliveries at QoS 2 that the client has; PUBREL comes next
        self._unreleased: "set[int]" = set()  # what the client published at QoS 2, until its PUBREL
        self._unacknowledged: "set[int]" = set()  # what counts for our Receive Maximum
        self._held: "list[tuple[int, int, int]]" = []
        self._aliases: "dict[int, bytes]" = {}
        self._wills: "list[tuple[bytes, bytes, int, bool]]" = []
        self._will: "tuple[bytes, bytes, int, bool] | None" = None
        self._will_delay = 0
        self._will_due: "int | None" = None
        self._limits: "dict[int, Any]" = {}  # the properties of the client's CONNECT

    @property
    def wills(self) -> "list[tuple[bytes, bytes, int, bool]]":
        """Last wills that were published."""
        self._settle_will()
        return self._wills

    def deliver(
        self,
        topic: "str | bytes",
        msg: "str | bytes",
        qos: "int" = 0,
        retain: "bool" = False,
        properties: "bytes | dict[int, Any]" = b"",
    ) -> "None":
        """Send the client a message; at QoS 1 and 2 again after a reconnect, until acknowledged."""
        topic = encoded(topic, "topic")
        msg = encoded(msg, "msg")
        ids = [self.subscription_ids[t] for t in self._subscribed(topic) if t in self.subscription_ids]
        self._deliver(topic, msg, qos, retain, encode_properties(properties), ids)

    def publish(
        self,
        topic: "str | bytes",
        msg: "str | bytes",
        qos: "int" = 0,
        retain: "bool" = False,
        properties: "bytes | dict[int, Any]" = b"",
    ) -> "None":
        """Publish a message as another client would: this client gets it if it has subscribed to it."""
        topic = encoded(topic, "topic")
        msg = encoded(msg, "msg")
        self._publish(topic, msg, qos, retain, encode_properties(properties), False)

    def drop(self) -> "None":
        """Close the connection from the broker's side."""
        self.ended = True
        self._gone()

    def disconnect(self, reason: "int" = 0x8B, properties: "bytes | dict[int, Any]" = b"") -> "None":
        """Close the connection from the broker's side, to a client of MQTT 5 with a DISCONNECT before."""
        if self._five and self._up:
            self.disconnects.append(reason)
            self._send(packets5.write_disconnect, (reason,), encode_properties(properties))
            self._refused = True
        self.drop()

    def release(self, count: "int" = 65535) -> "None":
        """Send the first `count` acknowledgements that were held back, see `hold`."""
        while self._held and count:
            self._ack(*self._held.pop(0))
            count -= 1

    def forget(self) -> "None":
        """Lose the client's session, as a broker does that keeps nothing when it is restarted."""
        self._in_flight.clear()
        self._waiting.clear()
        self._received.clear()
        self._unreleased.clear()
        self.subscriptions.clear()
        self.subscription_options.clear()
        self.subscription_ids.clear()
        self._session_ends = -1
        self._expiry = 0

    def take_over(self, other: "FakeBroker") -> "None":
        """Take the client's session from another FakeBroker, whose connection has ended; in `on_connect`. A last will
        that waits goes with it: it is published when the session ends, and not when it goes on [MQTT-3.1.3-9]."""
        if other is self or other._session_ends == -1:
            return  # it is here, or another one has it
        for name in SESSION:
            mine = getattr(self, name)
            setattr(self, name, getattr(other, name))
            setattr(other, name, mine)
        other._will = None
        other.forget()

    def on_connect(self, seen: "dict[str, Any]") -> "None":
        """Called when the client sends CONNECT, before it is answered; seen: as in `connects`."""

    def on_publish(self, topic: "bytes", msg: "bytes", qos: "int", retain: "bool", properties: "bytes") -> "None":
        """Called with what the client publishes, and with a last will when that is published."""

    # --- What the client sees ------------------------------------------------------------------------

    def open(self, timeout_ms: "int") -> "None":
        """A new connection: what was on its way in the last one is gone."""
        super().open(timeout_ms)
        self._gone()
        self.ended = False
        self.disconnected = self._refused = False
        self.disconnect_reason = None
        self.disconnect_properties = b""
        self.incoming = bytearray()
        self._arrived = bytearray()
        self._held.clear()
        self._aliases.clear()

    def close(self) -> "None":
        """The client closes."""
        super().close()
        self._gone()

    def write(self, buf: "bytes | bytearray | memoryview", offset: "int", n: "int") -> "int | None":
        """Take some of what the client sends, and answer the packets that are complete."""
        taken = super().write(buf, offset, n)
        if taken:
            self._arrived.extend(self.writes[-1])
            while self._take():
                pass
        return taken

    # --- Packets that come ---------------------------------------------------------------------------

    def _take(self) -> "bool":
        # Answer one packet, if all of it has arrived.
        data = self._arrived
        length = shift = 0
        i = 1
        while True:
            if i >= len(data):
                return False
            length |= (data[i] & 127) << shift
            shift += 7
            i += 1
            if data[i - 1] < 128:
                break
        if len(data) < i + length:
            return False
        self._arrived = data[i + length :]
        if not (self.silent or self._refused):
            if self._five and self._up and 0 < self.maximum_packet_size < i + length:
                self.disconnect(0x95)  # packet too large
            else:
                self._answer(data[0], bytes(data[i : i + length]))
        return True

    def _answer(self, first: "int", body: "bytes") -> "None":
        if first == CONNECT:
            self._connect(body)
        elif self._five and not self._up:
            if not self.ended:
                raise AssertionError("a client sends a CONNECT first")
        elif first & 0xF0 == PUBLISH:
            self._published(first, body)
        elif first == SUBSCRIBE:
            self._subscribe(body)
        elif first == UNSUBSCRIBE:
            self._unsubscribe(body)
        elif first == PINGREQ[0]:
            self.feed(b"\xd0\0")
        elif first in (PUBACK, PUBREC, PUBREL, PUBCOMP):
            self._acknowledged(first, body)
        elif first == DISCONNECT[0]:
            self._leave(body)
        else:
            raise AssertionError("a client may not send 0x%02x" % first)

    def _connect(self, body: "bytes") -> "None":
        if self._five and self._up:
            raise AssertionError("a client sends one CONNECT")
        self._gone()
        level = body[6] if len(body) > 6 else 0
        if level not in self.versions:
            if level not in (4, 5):
                raise AssertionError("neither MQTT 3.1.1 nor MQTT 5")
            self.feed(b"\x20\2\0\1")  # as a broker that does not know later versions
            self.ended = self._refused = True
            return
        self._five = level == 5
        self._packets = packets5 if self._five else packets311
        seen = self._packets.read_connect(body)
        self.connects.append(seen)
        self._limits = decode_properties(seen.get("properties", b""))
        self.on_connect(seen)
        code = self.return_code or self._unsupported(seen)
        if code:
            self._send(self._packets.write_connack, (0, code), self._extra(CONNACK))
            self.ended = self._refused = True  # it takes nothing more [MQTT-3.2.2-5, MQTT-3.1.4-5]
            return
        present = 0
        if seen["clean"]:
            self.forget()
        elif self._session_ends is None or self.clock.elapsed < self._session_ends:
            present = 1
        elif self._five or self._session_ends >= 0:  # else there was none yet, and what was delivered waits
            self.forget()
        self._begin(seen)
        self._send(self._packets.write_connack, (present, 0), self._extra(CONNACK), self._announced(seen))
        for pid in list(self._in_flight):
            if pid in self._received:
                self._ack(PUBREL, pid)
            elif pid not in self._waiting:
                self._transmit(pid, 8)
        self._send_waiting()

    def _begin(self, seen: "dict[str, Any]") -> "None":
        # The session and the last will of this connection. If the session goes on, a will that still waits is not
        # published.
        if self._will_due is not None and seen["clean"]:
            self._will_due = self.clock.elapsed
        self._settle_will()
        self._up = True
        self._will = seen["will"]
        self._will_due = None
        delay = decode_properties(seen.get("will_properties", b"")).get(24, 0)
        self._will_delay = delay
        if self._five:
            asked = self._limits.get(17, 0)
            self._expiry = asked if self.session_expiry is None else self.session_expiry
        else:
            self._expiry = 0 if seen["clean"] else NEVER
        self._unacknowledged.clear()  # it counts anew on each connection [4.9]

    def _unsupported(self, seen: "dict[str, Any]") -> "int":
        if self._five and 21 in self._limits:
            return 0x8C  # bad authentication method
        if self._five and seen["will"]:
            _, _, qos, retain = seen["will"]
            if qos > self.maximum_qos:
                return 0x9B
            if retain and not self.retain_available:
                return 0x9A
        return 0

    def _announced(self, seen: "dict[str, Any]") -> "bytes":
        # The limits, as properties of CONNACK.
        found: "dict[int, Any]" = {}
        if self.session_expiry is not None:
            found[17] = self.session_expiry
        if not seen["client_id"]:
            found[18] = self.assigned_client_identifier
        if self.server_keep_alive is not None:
            found[19] = self.server_keep_alive
        if self.receive_maximum != 65535:
            found[33] = self.receive_maximum
        if self.topic_alias_maximum:
            found[34] = self.topic_alias_maximum
        if self.maximum_qos < 2:
            found[36] = self.maximum_qos
        if not self.retain_available:
            found[37] = 0
        if self.maximum_packet_size:
            found[39] = self.maximum_packet_size
        return encode_properties(found)

    def _published(self, first: "int", body: "bytes") -> "None":
        topic, pid, properties, msg = self._packets.read_publish(first, body)
        qos = first >> 1 & 3
        if self._five:
            if not self._is_allowed(first, pid):
                return
            topic, properties = self._resolved(topic, properties)
            if not topic:
                return
        again = pid in self._unreleased
        code = 0
        if qos:
            kind = PUBACK if qos == 1 else PUBREC
            code = self.reasons.get(kind, 0) if self._five else 0
            if qos == 2 and code < 128:
                self._unreleased.add(pid)
            self._unacknowledged.add(pid)
            self._acknowledge(kind, pid, code)
        if not again and code < 128:
            self.published.append((topic, msg, qos, first & 1 != 0))
            if self._five:
                self.published_properties.append(properties)
            if self.echo:
                self._publish(topic, msg, qos, first & 1 != 0, properties, True)
            self.on_publish(topic, msg, qos, first & 1 != 0, properties)

    def _is_allowed(self, first: "int", pid: "int") -> "bool":
        # Whether a PUBLISH keeps the limits; if not, it ends the connection.
        reason = 0
        if first >> 1 & 3 > self.maximum_qos:
            reason = 0x9B
        elif first & 1 and not self.retain_available:
            reason = 0x9A
        elif pid and pid not in self._unacknowledged and len(self._unacknowledged) >= self.receive_maximum:
            reason = 0x93
        if reason:
            self.disconnect(reason)
        return not reason

    def _resolved(self, topic: "bytes", properties: "bytes") -> "tuple[bytes, bytes]":
        # The topic, and the properties without its alias. An alias that is wrong ends the connection, and is b"".
        found = decode_properties(properties)
        alias = found.pop(35, 0)
        if not alias:
            return topic, properties
        if alias > self.topic_alias_maximum or not (topic or alias in self._aliases):
            self.disconnect(0x94 if alias > self.topic_alias_maximum else 0x82)
            return b"", b""
        if topic:
            self._aliases[alias] = topic
        return self._aliases[alias], encode_properties(found)

    def _subscribe(self, body: "bytes") -> "None":
        pid, properties, filters = self._packets.read_subscribe(body)
        codes = []
        new = []
        number = decode_properties(properties).get(11, [0])[0]
        for topic, options in filters:
            if topic in self.refused:
                codes.append(self.reasons.get(SUBACK, 128) if self._five else 128)
                continue
            granted = min(options & 3, self.maximum_qos) if self._five else options
            codes.append(granted)
            # Retain handling: at each subscription, at new ones, never.
            if options >> 4 == 0 or (options >> 4 == 1 and topic not in self.subscriptions):
                new.append(topic)
            self.subscriptions[topic] = granted
            self.subscription_ids.pop(topic, None)
            if self._five:
                self.subscription_options[topic] = options
            if number:
                self.subscription_ids[topic] = number
        self._send(self._packets.write_suback, (SUBACK, pid, bytes(codes)), self._extra(SUBACK))
        for topic in new:
            self._deliver_retained(topic)

    def _unsubscribe(self, body: "bytes") -> "None":
        pid, _, filters = self._packets.read_unsubscribe(body)
        codes = []
        for topic in filters:
            code = self.reasons.get(UNSUBACK, 0 if topic in self.subscriptions else 0x11)
            codes.append(code)
            if code < 128:
                self.subscriptions.pop(topic, None)
                self.subscription_options.pop(topic, None)
                self.subscription_ids.pop(topic, None)
        self._send(self._packets.write_suback, (UNSUBACK, pid, bytes(codes)), self._extra(UNSUBACK))

    def _acknowledged(self, first: "int", body: "bytes") -> "None":
        pid, code, properties = self._packets.read_ack(first, body)
        if self._five:
            self.acks.append((first, pid, code, properties))
        if first == PUBREL:
            code = 0x92 if pid not in self._unreleased else 0
            self._unreleased.discard(pid)
            self._acknowledge(PUBCOMP, pid, self.reasons.get(PUBCOMP, code))
        elif first == PUBREC and code < 128:
            known = pid in self._in_flight
            if known or not self._five:
                self._received.add(pid)
            self._ack(PUBREL, pid, self.reasons.get(PUBREL, 0 if known else 0x92))
        else:
            self._in_flight.pop(pid, None)
            self._received.discard(pid)
            self.acknowledged.append(pid)
            self._send_waiting()

    def _leave(self, body: "bytes") -> "None":
        self.disconnect_reason, self.disconnect_properties = self._packets.read_disconnect(body)
        found = decode_properties(self.disconnect_properties)
        if 17 in found:
            if not self._limits.get(17) and found[17]:
                raise AssertionError("a session that was to end with the connection is not to end then")
            self._expiry = found[17]
        if not self.disconnect_reason:
            self._will = None
        self.disconnected = self.ended = True
        self._gone()

    # --- Packets that go -----------------------------------------------------------------------------

    def _gone(self) -> "None":
        # The connection has ended: from now on count the time of the session and of the last will.
        if not self._up:
            return
        self._up = False
        now = self.clock.elapsed
        self._session_ends = None if self._expiry == NEVER else now + self._expiry * 1000
        self._will_due = now + 1000 * min(self._will_delay, self._expiry)
        self._settle_will()

    def _settle_will(self) -> "None":
        # Publish the last will if its time has come.
        if self._will and self._will_due is not None and self.clock.elapsed >= self._will_due:
            will = self._will
            self._will = self._will_due = None
            self._wills.append(will)
            self.on_publish(*will, b"")

    def _send(self, write: "Any", values: "tuple[Any, ...]", extra: "bytes", properties: "bytes" = b"") -> "None":
        # Send an answer, without the extra properties if it would be too large for the client with them.
        packet = write(*values, properties + extra)
        if len(packet) > self._limits.get(39, len(packet)):
            packet = write(*values, properties)
        self.feed(packet)

    def _extra(self, first: "int") -> "bytes":
        # What the test wants as properties of an answer, if the client bears problem information.
        if first != CONNACK and not self._limits.get(23, 1):
            return b""
        return encode_properties(self.properties.get(first, b""))

    def _acknowledge(self, first: "int", pid: "int", code: "int") -> "None":
        # Acknowledge a message of the client, or hold that back.
        if self.hold:
            self._held.append((first, pid, code))
        else:
            self._ack(first, pid, code)

    def _ack(self, first: "int", pid: "int", code: "int" = 0) -> "None":
        if first in (PUBACK, PUBCOMP) or (first == PUBREC and code > 127):
            self._unacknowledged.discard(pid)
        self._send(self._packets.write_ack, (first, pid, code), self._extra(first))

    def _subscribed(self, topic: "bytes") -> "list[bytes]":
        # The topic filters that are for a topic.
        return [name for name in self.subscriptions if matches(_filter(name), topic)]

    def _publish(
        self, topic: "bytes", msg: "bytes", qos: "int", retain: "bool", properties: "bytes", own: "bool"
    ) -> "None":
        # Give a message to the client, once, as its subscriptions want it. own: it is the client's.
        if retain:
            self.retained[topic] = (msg, qos, properties, self.clock.elapsed)
            if not msg:
                del self.retained[topic]
        names = [
            name
            for name in self._subscribed(topic)
            if not (own and self.subscription_options.get(name, 0) & NO_LOCAL)
        ]
        if names:
            kept = any([self.subscription_options.get(name, 0) & AS_PUBLISHED for name in names])
            qos = min(qos, max([self.subscriptions[name] for name in names]))
            ids = [self.subscription_ids[name] for name in names if name in self.subscription_ids]
            self._deliver(topic, msg, qos, retain and kept, properties, ids)

    def _deliver_retained(self, name: "bytes") -> "None":
        # Give the client what is retained for a new subscription, unless it is a shared one.
        ids = [self.subscription_ids[name]] if name in self.subscription_ids else []
        for topic, (msg, qos, properties, since) in list(self.retained.items()):
            left = self._left(properties, since)
            if left is None:
                del self.retained[topic]
            elif matches(name, topic):
                self._deliver(topic, msg, min(qos, self.subscriptions[name]), True, left, ids)

    def _deliver(
        self, topic: "bytes", msg: "bytes", qos: "int", retain: "bool", properties: "bytes", ids: "list[int]"
    ) -> "None":
        if ids and self._five:
            properties += encode_properties({11: ids})
        pid = 0
        if qos:
            self._pid = pid = self._pid % 65535 + 1
        message = (topic, msg, qos, retain, properties, self.clock.elapsed)
        if not pid:
            self._write(0, message, 0)
            return
        self._in_flight[pid] = message
        if self._five or self.window:
            self._waiting.append(pid)
            self._send_waiting()
        else:
            self._transmit(pid, 0)  # to a client that is away, too: it counts as sent

    def _send_waiting(self) -> "None":
        # Send messages that were never sent, as many as the client's Receive Maximum and the window allow.
        limit = min(self._limits.get(33, 65535), self.window or 65535)
        while self._up and self._waiting:
            pid = self._waiting[0]
            if len(self._in_flight) - len(self._waiting) >= limit:
                return
            del self._waiting[0]
            if pid in self._in_flight:
                if self._left(self._in_flight[pid][4], self._in_flight[pid][5]) is None:
                    del self._in_flight[pid]  # it has expired
                else:
                    self._transmit(pid, 0)

    def _transmit(self, pid: "int", dup: "int") -> "None":
        self._write(pid, self._in_flight[pid], dup)

    def _write(self, pid: "int", message: "tuple[bytes, bytes, int, bool, bytes, int]", dup: "int") -> "None":
        # Send a PUBLISH. One that is too large for the client counts as sent and acknowledged.
        if self._five and not self._up:
            return
        topic, msg, qos, retain, properties, since = message
        first = PUBLISH | dup | qos << 1 | (1 if retain else 0)
        properties = self._left(properties, since, dup != 0) or b""
        packet = self._packets.write_publish(first, topic, pid, properties, msg)
        if len(packet) > self._limits.get(39, len(packet)):
            self._in_flight.pop(pid, None)
        else:
            self.feed(packet)

    def _left(self, properties: "bytes", since: "int", sent: "bool" = False) -> "bytes | None":
        # Properties with what is left of the message expiry interval; None when nothing is. What was sent once does not
        # expire any more.
        if not self._five or not properties:
            return properties
        found = decode_properties(properties)
        if 2 not in found:
            return properties
        found[2] = max(found[2] - (self.clock.elapsed - since) // 1000, 0)
        return encode_properties(found) if found[2] or sent else None


def _filter(name: "bytes") -> "bytes":
    # A topic filter without `$share/name/`.
    return name.split(b"/", 2)[2] if name.startswith(b"$share/") else name
