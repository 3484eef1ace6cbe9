"""A broker for one client, small enough to read: it connects, acknowledges and delivers."""

from ..packets.fields import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBLISH_HEAD,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    UNSUBSCRIBE,
)
from ..packets.v311 import ack, publish
from .clock import FakeClock
from .transport import FakeTransport


class FakeBroker(FakeTransport):
    """Give it to the client as `transport=`; its `clock` as `clock=`. What a test may look at or set,
    besides what a FakeTransport has:

    published      what the client published: a list of (topic, payload, qos, retain), bytes and ints
    subscriptions  a dict from topic filter (bytes) to QoS
    acknowledged   packet identifiers of deliveries that the client acknowledged, at QoS 2 with PUBCOMP
    connects       CONNECT packets, a list of dicts: client_id, clean, keepalive, user, password, will
                   (None, or a tuple of topic, payload, qos, retain)
    disconnected   True after a DISCONNECT, after which it closes
    return_code    what CONNACK says; 0 accepts the client
    refused        topic filters (bytes) that SUBACK refuses
    silent         True: it takes everything and answers nothing
    """

    def __init__(self, clock: "FakeClock | None" = None) -> "None":
        super().__init__(clock=clock)
        self.published: "list[tuple[bytes, bytes, int, bool]]" = []
        self.subscriptions: "dict[bytes, int]" = {}
        self.acknowledged: "list[int]" = []
        self.connects: "list[dict[str, object]]" = []
        self.disconnected = False
        self.return_code = 0
        self.refused: "set[bytes]" = set()
        self.silent = False
        self._arrived = bytearray()
        self._refused = False
        self._resumable = False
        self._pid = 0
        self._in_flight: "dict[int, tuple[bytes, bytes, int, bool]]" = {}
        self._received: "set[int]" = set()  # deliveries at QoS 2 that the client has; PUBREL comes next
        self._unreleased: "set[int]" = set()  # what the client published at QoS 2, until its PUBREL

    def deliver(
        self, topic: "str | bytes", msg: "str | bytes", qos: "int" = 0, retain: "bool" = False
    ) -> "None":
        """Send the client a message; at QoS 1 and 2 again after a reconnect, until acknowledged."""
        topic = topic.encode() if isinstance(topic, str) else topic
        msg = msg.encode() if isinstance(msg, str) else msg
        pid = 0
        if qos:
            self._pid = pid = self._pid % 65535 + 1
            self._in_flight[pid] = (topic, msg, qos, retain)
        self._publish(pid, topic, msg, qos << 1 | (1 if retain else 0))

    def drop(self) -> "None":
        """Close the connection from the broker's side."""
        self.ended = True

    def forget(self) -> "None":
        """Lose the client's session, as a broker does that keeps nothing when it is restarted."""
        self._in_flight.clear()
        self._received.clear()
        self._unreleased.clear()
        self.subscriptions.clear()
        self._resumable = False

    # --- What the client sees ------------------------------------------------------------------------

    def open(self, timeout_ms: "int") -> "None":
        """A new connection: what was on its way in the last one is gone."""
        super().open(timeout_ms)
        self.ended = False
        self.disconnected = self._refused = False
        self.incoming = bytearray()
        self._arrived = bytearray()

    def write(self, buf: "bytes | bytearray | memoryview", n: "int", offset: "int") -> "int | None":
        """Take some of what the client sends, and answer the packets that are complete."""
        taken = super().write(buf, n, offset)
        if taken:
            self._arrived.extend(self.writes[-1])
            while self._take():
                pass
        return taken

    # --- What the broker does ------------------------------------------------------------------------

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
            self._answer(data[0], bytes(data[i : i + length]))
        return True

    def _answer(self, first: "int", body: "bytes") -> "None":
        if first == CONNECT:
            self._connect(body)
        elif first & 0xF0 == PUBLISH:
            self._published(first, body)
        elif first == SUBSCRIBE:
            topic, i = _string(body, 2)
            granted = 128 if topic in self.refused else body[i]
            if granted != 128:
                self.subscriptions[topic] = granted
            self.feed(b"\x90\x03" + body[:2] + bytes([granted]))
        elif first == UNSUBSCRIBE:
            self.subscriptions.pop(_string(body, 2)[0], None)
            self.feed(b"\xb0\x02" + body[:2])
        elif first == PINGREQ[0]:
            self.feed(b"\xd0\0")
        elif first in (PUBACK, PUBCOMP):
            pid = _uint16(body)
            self._in_flight.pop(pid, None)
            self._received.discard(pid)
            self.acknowledged.append(pid)
        elif first == PUBREC:
            self._received.add(_uint16(body))
            self._ack(PUBREL, body)
        elif first == PUBREL:
            self._unreleased.discard(_uint16(body))
            self._ack(PUBCOMP, body)
        elif first == DISCONNECT[0]:
            self.disconnected = True
            self.ended = True
        else:
            raise AssertionError("a client may not send 0x%02x" % first)

    def _connect(self, body: "bytes") -> "None":
        protocol, i = _string(body, 0)
        if protocol != b"MQTT" or body[i] != 4:
            raise AssertionError("not MQTT 3.1.1")
        flags = body[i + 1]
        seen: "dict[str, object]" = {
            "clean": flags & 2 != 0,
            "keepalive": body[i + 2] << 8 | body[i + 3],
            "user": None,
            "password": None,
            "will": None,
        }
        seen["client_id"], i = _string(body, i + 4)
        if flags & 4:
            topic, i = _string(body, i)
            msg, i = _string(body, i)
            seen["will"] = (topic, msg, flags >> 3 & 3, flags & 32 != 0)
        if flags & 128:
            seen["user"], i = _string(body, i)
        if flags & 64:
            seen["password"], i = _string(body, i)
        self.connects.append(seen)
        if self.return_code:
            self.feed(bytes([0x20, 2, 0, self.return_code]))
            self.ended = self._refused = True  # it takes nothing more [MQTT-3.2.2-5, MQTT-3.1.4-5]
            return
        present = 0
        if seen["clean"]:
            self.forget()
        elif self._resumable:
            present = 1
        self._resumable = not seen["clean"]
        self.feed(bytes([0x20, 2, present, 0]))
        for pid, (topic, msg, qos, retain) in self._in_flight.items():
            if pid in self._received:
                self._ack(PUBREL, pid.to_bytes(2, "big"))
            else:
                self._publish(pid, topic, msg, 8 | qos << 1 | (1 if retain else 0))

    def _published(self, first: "int", body: "bytes") -> "None":
        topic, i = _string(body, 0)
        qos = first >> 1 & 3
        again = False
        if qos:
            pid = _uint16(body[i:])
            again = pid in self._unreleased
            if qos == 2:
                self._unreleased.add(pid)
            self._ack(PUBACK if qos == 1 else PUBREC, body[i : i + 2])
            i += 2
        if not again:
            self.published.append((topic, body[i:], qos, first & 1 != 0))

    def _publish(self, pid: "int", topic: "bytes", msg: "bytes", flags: "int") -> "None":
        packet = bytearray(len(topic) + PUBLISH_HEAD)
        n = publish(packet, topic, len(msg), PUBLISH | flags, pid)
        self.feed(bytes(packet[:n]) + msg)

    def _ack(self, first: "int", pid: "bytes") -> "None":
        packet = bytearray(5)
        n = ack(packet, first, _uint16(pid))
        self.feed(bytes(packet[:n]))


def _uint16(body: "bytes") -> "int":
    return body[0] << 8 | body[1]


def _string(body: "bytes", i: "int") -> "tuple[bytes, int]":
    end = i + 2 + (body[i] << 8 | body[i + 1])
    return body[i + 2 : end], end
