"""What is sent again after a reconnect to the same session, for any course of events [4.4, 4.6]."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import wire, wire5
from tests.unit.program import App
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeTransport
from umqtt2.v5 import V5

CONNACK = b"\x20\x02\x00\x00"
RESUMED = b"\x20\x02\x01\x00"
PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 3, 4, 5, 6, 7

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 2)),
        st.tuples(st.just("acknowledge"), st.integers(0, 20)),
        st.tuples(st.just("reconnect"), st.booleans()),
    ),
    max_size=40,
)


class Broker:
    """Keeps the session, and checks each packet of the client."""

    connack = CONNACK
    resumed = RESUMED

    def __init__(self, **options: object) -> None:
        self.app = App(FakeTransport(self.connack), session=MemorySession(limit=1000), **options)
        self.app.connect(clean_session=False)
        self.messages: dict[int, dict] = {}  # by identifier, in the order of their first sending
        self.released: list[int] = []  # identifiers for which PUBREL has come
        self.pubrecs: list[int] = []  # that were sent on this connection, and have no PUBREL yet
        self.on_connection: set[int] = set()  # identifiers received on this connection
        self.last = 0  # the identifier of the PUBLISH that came last on this connection
        self.failed = 0  # connections that broke at once

    def check(self) -> None:
        """Let the client send what it has to send, and check it."""
        for _ in range(3 + len(self.messages) // 4):
            self.app.drain()
        for packet in self.parse_all(bytes(self.app.transport.sent)):
            if packet["type"] == PUBLISH:
                self.check_publish(packet)
            elif packet["type"] == PUBREL:
                self.check_pubrel(packet["pid"])
        self.app.forget_sent()

    def parse_all(self, data: bytes) -> list[dict]:
        return wire.parse_all(data)

    def check_publish(self, packet: dict) -> None:
        pid = packet["pid"]
        again = pid in self.messages
        assert packet.pop("dup") is again  # 3.3.1-1, 4.3.2-1, 4.3.3-1
        assert packet == self.messages.setdefault(pid, packet)  # 2.3.1-3
        assert pid not in self.on_connection
        assert pid not in self.released  # 4.3.3-1
        assert pid > self.last  # 4.6.0-1; identifiers are given one after the other
        self.on_connection.add(pid)
        self.last = pid

    def check_pubrel(self, pid: int) -> None:
        if pid in self.pubrecs:
            assert self.pubrecs.pop(0) == pid  # 4.6.0-4
        else:
            assert pid in self.released  # redelivered
        if pid not in self.released:
            self.released.append(pid)
        self.on_connection.add(pid)

    def publish(self, qos: int) -> None:
        self.app.client.publish(f"t{qos}", f"{len(self.messages)}", qos == 2, qos)
        self.check()

    def acknowledge(self, choice: int) -> None:
        waiting = list(self.messages)
        if not waiting:
            return
        pid = waiting[choice % len(waiting)]
        if self.messages[pid]["qos"] == 2 and pid not in self.released:
            self.pubrecs.append(pid)
            self.app.transport.feed(wire.ack(PUBREC << 4, pid))
        else:
            first = PUBACK if self.messages[pid]["qos"] == 1 else PUBCOMP
            self.app.transport.feed(wire.ack(first << 4, pid))
            del self.messages[pid]
            if pid in self.released:
                self.released.remove(pid)
        self.check()

    def reconnect(self, failing: bool) -> None:
        self.pubrecs.clear()
        self.on_connection.clear()
        self.last = 0
        self.app.client.disconnect()
        self.app.transport.incoming.clear()
        self.app.transport.feed(self.resumed)
        self.app.connect(clean_session=False)
        if failing:  # the connection breaks at once
            self.app.transport.fail_write = OSError(104)
            try:
                self.app.client.check_msg()
            except OSError:
                pass
            self.app.transport.fail_write = None
            self.failed += 1
            self.reconnect(False)
            return
        self.check()
        # After two connections that broke with the same message as the oldest, that one goes first, and alone, unless
        # the broker has it.
        while self.missing() and self.failed >= 2:
            assert self.on_connection == {next(iter(self.messages))}
            self.acknowledge(0)
        assert not self.missing()  # 4.4.0-1

    def missing(self) -> list[int]:
        """What was not sent on this connection."""
        return [pid for pid in self.messages if pid not in self.on_connection]


class Broker5(Broker):
    """The same, of MQTT 5."""

    connack = wire5.connack()
    resumed = wire5.connack(present=1)

    def __init__(self) -> None:
        super().__init__(packets=V5(largest=0))

    def parse_all(self, data: bytes) -> list[dict]:
        found = wire5.parse_all(data)
        for packet in found:
            first = packet.pop("first")
            packet["type"] = first >> 4
            if packet["type"] == PUBLISH:
                packet.update(dup=bool(first & 8), qos=first >> 1 & 3, retain=bool(first & 1))
        return found


@pytest.mark.mqtt(
    "MQTT-2.3.1-3", "MQTT-3.1.2-4", "MQTT-3.3.1-1", "MQTT-4.1.0-1", "MQTT-4.3.2-1", "MQTT-4.3.3-1",
    "MQTT-4.4.0-1", "MQTT-4.6.0-1", "MQTT-4.6.0-4",
)  # fmt: skip
@given(EVENTS)
def test_what_is_not_acknowledged_is_sent_again_as_mqtt_asks(events):
    play(Broker(), events)


@pytest.mark.mqtt5(
    "MQTT-3.1.2-23", "MQTT-3.3.1-1", "MQTT-4.3.3-4", "MQTT-4.3.3-6", "MQTT-4.4.0-1", "MQTT-4.6.0-1", "MQTT-4.6.0-4"
)
@given(EVENTS)
def test_what_is_not_acknowledged_is_sent_again_as_mqtt_5_asks(events):
    play(Broker5(), events)


def play(broker, events):
    for name, value in events:
        getattr(broker, name)(value)
    broker.reconnect(False)


@pytest.mark.mqtt("MQTT-2.3.1-3", "MQTT-3.3.1-1", "MQTT-4.4.0-1", "MQTT-4.6.0-1")
def test_the_bytes_that_are_sent_again(scripted):
    app = scripted(clean_session=False, session=MemorySession())
    for i, qos in enumerate((1, 2, 2, 1)):
        app.client.publish("t", b"%d" % i, qos=qos)
    app.transport.feed(b"\x50\x02\x00\x02")
    app.drain()
    app.client.disconnect()
    app.transport.feed(RESUMED)
    app.connect(clean_session=False)
    app.client.check_msg()
    assert app.transport.sent == (
        b"\x3a\x06\x00\x01t\x00\x010"
        b"\x62\x02\x00\x02"
        b"\x3c\x06\x00\x01t\x00\x032"
        b"\x3a\x06\x00\x01t\x00\x043"
    )


@pytest.mark.mqtt("MQTT-3.1.2-6")
def test_a_clean_session_gets_what_is_kept_as_new_messages(scripted):
    app = scripted(clean_session=False, session=MemorySession())
    app.client.publish("t", "1", qos=1)
    app.client.publish("t", "2", qos=2)
    app.transport.feed(b"\x50\x02\x00\x02" + b"\x34\x06\x00\x01t\x00\x07m")
    app.drain()
    app.client.disconnect()
    app.transport.feed(CONNACK)
    app.connect(clean_session=True)
    app.client.check_msg()
    assert app.transport.sent == b"\x32\x06\x00\x01t\x00\x011" b"\x34\x06\x00\x01t\x00\x022"
    app.forget_sent()
    app.transport.feed(b"\x34\x06\x00\x01t\x00\x07n")
    app.drain()
    assert [msg for _, msg, *_ in app.messages] == [b"m", b"n"]
