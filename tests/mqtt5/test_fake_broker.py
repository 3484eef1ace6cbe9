"""The fake broker's half of MQTT 5 against mqtt-packet: it reads what that writes, and the other way round."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mqtt5.other import MqttPacket, Packet, comparable
from tests.mqtt5.strategies import CLIENT, SERVER
from umqtt2.testing import decode_properties, encode_properties, packets5
from umqtt2.testing.properties import read_varint

ACKS = {"puback": 0x40, "pubrec": 0x50, "pubrel": 0x62, "pubcomp": 0x70, "suback": 0x90, "unsuback": 0xB0}
KINDS = {
    1: "connect", 3: "publish", 4: "puback", 5: "pubrec", 6: "pubrel", 7: "pubcomp", 8: "subscribe", 10: "unsubscribe",
    14: "disconnect",
}  # fmt: skip


def read(data: bytes) -> Packet:
    """Decode a client's packet with the fake broker's functions."""
    first = data[0]
    size, i = read_varint(data, 1)
    body = data[i:]
    assert len(body) == size
    kind = KINDS[first >> 4]
    found: dict[str, Any] = {"kind": kind}
    if kind == "connect":
        found |= packets5.read_connect(body)
        assert found.pop("version") == 5
        found["will_properties"] = decode_properties(found["will_properties"], "w")
    elif kind == "publish":
        found |= {"qos": first >> 1 & 3, "retain": bool(first & 1), "dup": bool(first & 8)}
        found["topic"], found["pid"], found["properties"], found["payload"] = packets5.read_publish(first, body)
    elif kind == "subscribe":
        found["pid"], found["properties"], found["filters"] = packets5.read_subscribe(body)
    elif kind == "unsubscribe":
        found["pid"], found["properties"], found["filters"] = packets5.read_unsubscribe(body)
    elif kind == "disconnect":
        found["code"], found["properties"] = packets5.read_disconnect(body)
    else:
        assert first == ACKS[kind]
        found["pid"], found["code"], found["properties"] = packets5.read_ack(first, body)
    found["properties"] = decode_properties(found["properties"])
    return found


def write(packet: Packet) -> bytes:
    """Encode a server's packet with the fake broker's functions."""
    kind = packet["kind"]
    data = encode_properties(packet["properties"])
    if kind == "connack":
        return packets5.write_connack(packet["present"], packet["code"], data)
    if kind == "publish":
        first = 0x30 | packet["dup"] << 3 | packet["qos"] << 1 | packet["retain"]
        return packets5.write_publish(first, packet["topic"], packet["pid"], data, packet["payload"])
    if kind in ("suback", "unsuback"):
        return packets5.write_suback(ACKS[kind], packet["pid"], bytes(packet["codes"]), data)
    if kind == "disconnect":
        return packets5.write_disconnect(packet["code"], data)
    return packets5.write_ack(ACKS[kind], packet["pid"], packet["code"], data)


@pytest.mark.parametrize("kind", [kind for kind in CLIENT if kind not in ("pingreq", "auth")])
def test_it_reads_what_mqtt_packet_writes(other: MqttPacket, kind: str) -> None:
    @settings(max_examples=50)
    @given(CLIENT[kind], st.booleans())
    def check(packet: Packet, short: bool) -> None:
        assert comparable(read(other.encode(packet, short))) == comparable(packet)

    check()


@pytest.mark.parametrize("kind", [kind for kind in SERVER if kind not in ("pingresp", "auth")])
def test_mqtt_packet_reads_what_it_writes(other: MqttPacket, kind: str) -> None:
    @settings(max_examples=50)
    @given(SERVER[kind])
    def check(packet: Packet) -> None:
        assert comparable(other.decode(write(packet))) == comparable(packet)

    check()
