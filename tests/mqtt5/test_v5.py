"""umqtt2.v5 against mqtt-packet: that decodes what V5 sends, and V5 decodes what that makes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mqtt5.other import MqttPacket, Packet, comparable
from tests.mqtt5.strategies import CLIENT, SERVER
from umqtt2 import MQTTClient, MQTTException
from umqtt2.errno import ECONCLOSE, ERESPONSE, SDELIVERED, SFAILED
from umqtt2.testing import FakeTransport
from umqtt2.v5 import V5, Options, Topic

CONNACK = b"\x20\3\0\0\0"
NAMES = {1: "text", 2: "expiry", 3: "content", 8: "response", 9: "correlation", 24: "delay", 38: "user"}
NOT_ASKED_FOR = {21, 22, 26}  # authentication, response information
HIGHEST_IDENTIFIER = 1000  # that V5 has
PROTOCOL_ERROR = 0x82

read_sizes = st.sampled_from([None, 1, 2, 3, 50])
examples = settings(max_examples=50)


class Device:
    """A client with V5, on a transport that answers nothing by itself."""

    def __init__(self, connack: bytes = CONNACK, five: V5 | None = None, **options: Any) -> None:
        self.five = five or V5(largest=0)
        self.transport = FakeTransport(connack)
        options = {"client_id": "id", "transport": self.transport, "clock": self.transport.clock, **options}
        self.client = MQTTClient(server="", packets=self.five, **options)
        self.seen: list[tuple] = []  # what each callback was given, the reason and the properties
        for set_callback in (self.client.set_callback, self.client.set_callback_status):
            set_callback(lambda *args: self.seen.append((args, self.five.reason, self.five.properties())))

    def connect(self, clean: bool = True) -> Device:
        self.client.connect(clean)
        self.transport.sent.clear()
        return self

    def take(self, data: bytes, sizes: int | None) -> None:
        """Get what a broker sends, in pieces of up to `sizes` bytes."""
        self.transport.read_sizes = sizes
        self.transport.feed(data)
        while self.client.check_msg() or self.transport.incoming:
            pass

    def sent(self) -> bytes:
        """What was sent since the last call."""
        data = bytes(self.transport.sent)
        self.transport.sent.clear()
        return data

    def fails(self, data: bytes, sizes: int | None) -> tuple:
        """Get what ends the connection, and return the exception's args."""
        with pytest.raises(MQTTException) as caught:
            self.take(data, sizes)
        assert not self.transport.is_open
        return caught.value.args


def ordered(properties: dict[int, Any]) -> dict[int, Any]:
    """Properties with the user properties in an order that mqtt-packet keeps."""
    found: dict[int, Any] = comparable({"properties": properties})["properties"]
    return found


def only(properties: dict[int, Any], *numbers: int) -> dict[int, Any]:
    return {number: value for number, value in properties.items() if number in numbers}


def topic_of(name: bytes, properties: dict[int, Any]) -> tuple[Topic, dict[int, Any]]:
    """A Topic with the properties that it can have, and these."""
    wanted = only(properties, *NAMES)
    for number in (1, 2):
        if not wanted.get(number):
            wanted.pop(number, None)  # 0 is what it is without, or not possible
    return Topic(name, **{NAMES[number]: value for number, value in wanted.items()}), wanted


# --- What V5 sends, mqtt-packet decodes ---------------------------------------------------------------


@pytest.mark.mqtt5("MQTT-3.1.2-1", "MQTT-3.1.2-9", "MQTT-3.1.2-12", "MQTT-3.1.3-1")
def test_connect(other: MqttPacket) -> None:
    @examples
    @given(CLIENT["connect"])
    def check(packet: Packet) -> None:
        wanted = only(packet["properties"], 17, 33, 38, 39)
        five = V5(wanted.get(17), wanted.get(33, 0), wanted.get(39, 0), user=wanted.get(38, ()))
        names = ("client_id", "keepalive", "user", "password")
        device = Device(five=five, **{name: packet[name] for name in names})
        will_properties = {}
        if packet["will"]:
            name, payload, qos, retain = packet["will"]
            topic, will_properties = topic_of(name, packet["will_properties"])
            device.client.set_last_will(topic, payload, retain, qos)
        device.client.connect(packet["clean"])
        if not packet["clean"]:
            wanted.setdefault(17, 0xFFFFFFFF)
        if not wanted.get(17):
            wanted.pop(17, None)  # 0 is what it is without
        packet = {**packet, "properties": wanted, "will_properties": will_properties}
        assert comparable(other.decode(device.sent())) == comparable(packet)

    check()


@pytest.mark.mqtt5("MQTT-3.3.2-1", "MQTT-3.3.4-6")
def test_publish(other: MqttPacket) -> None:
    @examples
    @given(CLIENT["publish"].filter(lambda packet: packet["topic"]), st.booleans())
    def check(packet: Packet, stream: bool) -> None:
        device = Device().connect()
        topic, properties = topic_of(packet["topic"], packet["properties"])
        payload, length = packet["payload"], None
        if stream and not packet["qos"]:
            payload, length = io.BytesIO(payload), len(packet["payload"])
        pid = device.client.publish(topic, payload, packet["retain"], packet["qos"], packet["dup"], length)
        packet = {**packet, "pid": pid or 0, "properties": properties}
        assert comparable(other.decode(device.sent())) == comparable(packet)

    check()


@pytest.mark.mqtt5("MQTT-3.2.2-17", "MQTT-3.2.2-18", "MQTT-3.3.2-8", "MQTT-3.3.2-9")
def test_aliases(other: MqttPacket) -> None:
    few = st.lists(st.tuples(st.sampled_from([b"a", b"b/c", b"d" * 200]), st.booleans()), max_size=8)

    @examples
    @given(few, st.integers(0, 3), st.integers(0, 3))
    def check(messages: list[tuple[bytes, bool]], offered: int, used: int) -> None:
        connack = {"kind": "connack", "present": False, "code": 0, "properties": {34: offered} if offered else {}}
        device = Device(other.encode(connack), V5(aliases=used)).connect()
        known: dict[int, bytes] = {}
        for topic, typed in messages:
            wanted = {3: b"json"} if typed else {}
            device.client.publish(Topic(topic, content="json") if typed else topic, "x")
            packet = other.decode(device.sent())
            alias = packet["properties"].pop(35, None)
            assert packet["properties"] == wanted
            if alias is None:
                assert packet["topic"] == topic
            else:
                assert 1 <= alias <= min(offered, used)
                assert known.setdefault(alias, packet["topic"]) == topic
                packet["topic"] = packet["topic"] or topic
        assert len(known) == min(offered, used, len({topic for topic, _ in messages}))

    check()


@pytest.mark.mqtt5("MQTT-3.8.3-2", "MQTT-3.8.3-5", "MQTT-3.10.3-2")
def test_subscribe_and_unsubscribe(other: MqttPacket) -> None:
    @examples
    @given(CLIENT["subscribe"])
    def check(packet: Packet) -> None:
        device = Device().connect()
        for topic, byte in packet["filters"]:
            (identifier,) = packet["properties"].get(11, [0])
            identifier = min(identifier, HIGHEST_IDENTIFIER)
            options = Options(byte & 3, bool(byte & 4), bool(byte & 8), byte >> 4, identifier)
            pid = device.client.subscribe(topic, options)
            properties = {11: [identifier]} if identifier else {}
            wanted = {"kind": "subscribe", "pid": pid, "filters": [(topic, byte)], "properties": properties}
            assert other.decode(device.sent()) == wanted
            pid = device.client.unsubscribe(topic)
            wanted = {"kind": "unsubscribe", "pid": pid, "filters": [topic], "properties": {}}
            assert other.decode(device.sent()) == wanted

    check()


def test_ping_and_disconnect(other: MqttPacket) -> None:
    @examples
    @given(CLIENT["disconnect"])
    def check(packet: Packet) -> None:
        device = Device(five=V5(expiry=60)).connect()
        device.client.ping()
        assert other.decode(device.sent()) == {"kind": "pingreq"}
        packet["properties"] = only(packet["properties"], 17)
        device.five.disconnect(device.client, packet["code"], packet["properties"].get(17))
        assert other.decode(device.sent()) == packet
        device.transport.feed(CONNACK)
        device.connect().client.disconnect()
        assert other.decode(device.sent()) == {"kind": "disconnect", "properties": {}, "code": 0}

    check()


# --- What mqtt-packet makes, V5 decodes ---------------------------------------------------------------


@pytest.mark.parametrize("accepted", [True, False])
def test_connack(other: MqttPacket, accepted: bool) -> None:
    @examples
    @given(SERVER["connack"].filter(lambda packet: accepted is not bool(packet["code"])), read_sizes)
    def check(packet: Packet, sizes: int | None) -> None:
        device = Device(other.encode(packet))
        device.transport.read_sizes = sizes
        error = None
        try:
            assert device.client.connect(False) is packet["present"]
        except MQTTException as e:
            error = e.args
        if NOT_ASKED_FOR & packet["properties"].keys():
            assert error == (ERESPONSE, PROTOCOL_ERROR)
            return
        assert (error is None) is accepted
        assert device.five.reason == packet["code"] and (accepted or error[1] == packet["code"])  # type: ignore[index]
        assert ordered(device.five.properties()) == ordered(packet["properties"])

    check()


def test_messages(other: MqttPacket) -> None:
    @examples
    @given(SERVER["publish"], read_sizes)
    def check(packet: Packet, sizes: int | None) -> None:
        device = Device(max_packet=65536).connect()
        data = other.encode(packet)
        if 35 in packet["properties"]:
            assert device.fails(data, sizes) == (ERESPONSE, PROTOCOL_ERROR)  # no alias was offered
            return
        device.take(data, sizes)
        ((args, _, properties),) = device.seen
        assert args == (packet["topic"], packet["payload"], packet["retain"], packet["dup"])
        assert ordered(properties) == ordered(packet["properties"])
        answer = device.sent()
        if packet["qos"]:
            kind = "puback" if packet["qos"] == 1 else "pubrec"
            assert other.decode(answer) == {"kind": kind, "pid": packet["pid"], "code": 0, "properties": {}}
        else:
            assert answer == b""

    check()


def test_messages_in_chunks(other: MqttPacket) -> None:
    # A topic that begins with $ is not for "#" [4.7.2].
    small = SERVER["publish"].filter(lambda packet: 35 not in packet["properties"] and packet["topic"][:1] != b"$")

    @examples
    @given(small, st.integers(300, 3000), read_sizes)
    def check(packet: Packet, size: int, sizes: int | None) -> None:
        packet["payload"] = bytes(range(250)) * (size // 250 + 1)
        device = Device(max_packet=250)
        payload = bytearray()
        properties = []

        def on_chunk(topic: bytes, chunk: memoryview, offset: int, total: int) -> None:
            assert (topic, offset, total) == (packet["topic"], len(payload), len(packet["payload"]))
            payload.extend(chunk)
            properties.append(ordered(device.five.properties()))

        device.client.set_callback_chunks(on_chunk, "#")
        device.connect().take(other.encode(packet), sizes)
        if payload:
            assert payload == packet["payload"]
            assert all(found == ordered(packet["properties"]) for found in properties)
        else:
            # Its topic or its properties are too long to keep.
            assert not properties and len(other.encode({**packet, "payload": b""})) > 150

    check()


@pytest.mark.parametrize("qos, kind", [(1, "puback"), (2, "pubrec")])
def test_what_acknowledges_a_message(other: MqttPacket, qos: int, kind: str) -> None:
    @examples
    @given(SERVER[kind], SERVER["pubcomp"], st.booleans(), read_sizes)
    def check(packet: Packet, last: Packet, short: bool, sizes: int | None) -> None:
        device = Device().connect()
        pid = device.client.publish("t", "m", qos=qos)
        device.sent()
        device.take(other.encode({**packet, "pid": pid}, short), sizes)
        refused = packet["code"] > 127
        if qos == 2 and not refused:
            assert other.decode(device.sent()) == {"kind": "pubrel", "pid": pid, "code": 0, "properties": {}}
            packet = last
            device.take(other.encode({**packet, "pid": pid}, short), sizes)
        ((args, reason, properties),) = device.seen
        assert args == (pid, SFAILED if refused else SDELIVERED)
        assert reason == packet["code"] and ordered(properties) == ordered(packet["properties"])
        assert device.sent() == b""

    check()


def test_pubrel(other: MqttPacket) -> None:
    @examples
    @given(SERVER["pubrel"], st.booleans(), read_sizes)
    def check(packet: Packet, short: bool, sizes: int | None) -> None:
        device = Device().connect()
        device.take(other.encode(packet, short), sizes)
        assert other.decode(device.sent()) == {"kind": "pubcomp", "pid": packet["pid"], "code": 0, "properties": {}}
        assert device.five.reason == packet["code"]
        assert ordered(device.five.properties()) == ordered(packet["properties"])

    check()


@pytest.mark.parametrize("kind", ["suback", "unsuback"])
def test_what_acknowledges_a_subscription(other: MqttPacket, kind: str) -> None:
    @examples
    @given(SERVER[kind], read_sizes)
    def check(packet: Packet, sizes: int | None) -> None:
        device = Device().connect()
        device.client.subscribe("t", 2)
        if kind == "unsuback":
            device.take(other.encode({"kind": "suback", "pid": 1, "codes": [2], "properties": {}}), None)
            device.client.unsubscribe("t")
            device.seen.clear()
        packet["pid"] = 2 if kind == "unsuback" else 1
        if len(packet["codes"]) > 1:
            assert device.fails(other.encode(packet), sizes)[0] == ERESPONSE  # one was asked for
            return
        device.take(other.encode(packet), sizes)
        (code,) = packet["codes"]
        ((args, reason, properties),) = device.seen
        assert args == (packet["pid"], SFAILED if code > 127 else SDELIVERED)
        assert reason == code and ordered(properties) == ordered(packet["properties"])

    check()


def test_disconnect_of_the_broker(other: MqttPacket) -> None:
    @examples
    @given(SERVER["disconnect"], read_sizes)
    def check(packet: Packet, sizes: int | None) -> None:
        device = Device().connect()
        assert device.fails(other.encode(packet), sizes) == (ECONCLOSE, packet["code"])
        assert device.five.reason == packet["code"]
        assert ordered(device.five.properties()) == ordered(packet["properties"])
        assert device.sent() == b""

    check()


def test_auth_breaks_mqtt(other: MqttPacket) -> None:
    @examples
    @given(SERVER["auth"], read_sizes)
    def check(packet: Packet, sizes: int | None) -> None:
        device = Device().connect()
        assert device.fails(other.encode(packet), sizes) == (ERESPONSE, PROTOCOL_ERROR)
        wanted = {"kind": "disconnect", "properties": {}, "code": PROTOCOL_ERROR}
        assert other.decode(device.sent()) == wanted

    check()


def test_packets_one_after_the_other(other: MqttPacket) -> None:
    kinds = ("publish", "puback", "pubrec", "pubrel", "pubcomp", "unsuback", "pingresp")

    @examples
    @given(st.lists(st.one_of([SERVER[kind] for kind in kinds]), max_size=8), read_sizes)
    def check(packets: list[Packet], sizes: int | None) -> None:
        device = Device(max_packet=65536).connect()
        sent = []
        for packet in packets:
            if packet["kind"] == "publish":
                packet["properties"].pop(35, None)
                packet["topic"] = packet["topic"] or b"t"
                packet["qos"] = min(packet["qos"], 1)
            packet["codes"] = packet.get("codes", [0])[:1]
            sent.append(other.encode(packet))
        device.take(b"".join(sent), sizes)
        seen = [(args[:2], ordered(found)) for args, _, found in device.seen if isinstance(args[0], bytes)]
        assert seen == [
            ((p["topic"], p["payload"]), ordered(p["properties"])) for p in packets if p["kind"] == "publish"
        ]

    check()
