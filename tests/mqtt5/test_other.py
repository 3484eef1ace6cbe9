"""The harness itself: mqtt-packet reads what it writes, for every packet, and agrees with bytes written by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mqtt5.other import MqttPacket, comparable
from tests.mqtt5.strategies import CLIENT, SERVER, TABLE
from umqtt2.testing.properties import KINDS

# From the standard, by hand.
BY_HAND = [
    (
        "1014 0004 4d515454 05 02 003c 05 11 0000000a 0002 6964",
        {
            "kind": "connect", "client_id": b"id", "clean": True, "keepalive": 60, "user": None, "password": None,
            "will": None, "properties": {17: 10}, "will_properties": {},
        },
    ),
    ("2006 01 00 03 210014", {"kind": "connack", "present": True, "code": 0, "properties": {33: 20}}),
    (
        "320e 0001 74 0007 07 26 0001 6b 0001 76 6d",
        {
            "kind": "publish", "topic": b"t", "payload": b"m", "qos": 1, "retain": False, "dup": False, "pid": 7,
            "properties": {38: [(b"k", b"v")]},
        },
    ),
    ("4002 0007", {"kind": "puback", "pid": 7, "code": 0, "properties": {}}),
    ("5004 0007 97 00", {"kind": "pubrec", "pid": 7, "code": 0x97, "properties": {}}),
    (
        "8209 0007 02 0b05 0001 74 29",
        {"kind": "subscribe", "pid": 7, "filters": [(b"t", 0x29)], "properties": {11: [5]}},
    ),
    ("9005 0007 00 01 87", {"kind": "suback", "pid": 7, "codes": [1, 0x87], "properties": {}}),
    ("b004 0007 00 11", {"kind": "unsuback", "pid": 7, "codes": [0x11], "properties": {}}),
    ("d000", {"kind": "pingresp"}),
    ("e002 8e 00", {"kind": "disconnect", "code": 0x8E, "properties": {}}),
]  # fmt: skip


@pytest.mark.parametrize("data, packet", BY_HAND)
def test_bytes_written_by_hand(other: MqttPacket, data: str, packet: dict) -> None:
    assert other.decode(bytes.fromhex(data)) == packet
    assert other.encode(packet, short=True) == bytes.fromhex(data)


def test_both_tables_of_properties_say_the_same() -> None:
    assert {packet: set(numbers) for packet, numbers in TABLE.items()} == {
        packet: {number for number, (_, packets) in KINDS.items() if packet in packets} for packet in TABLE
    }


@pytest.mark.parametrize("name, kinds", [("client", CLIENT), ("server", SERVER)])
def test_it_reads_what_it_writes(other: MqttPacket, name: str, kinds: dict) -> None:
    @given(st.one_of(list(kinds.values())), st.booleans())
    def check(packet: dict, short: bool) -> None:
        assert comparable(other.decode(other.encode(packet, short))) == comparable(packet)

    check()


@pytest.mark.parametrize("data", ["2003000005", "f0", "40020007e00c", "310000", "8206000700000174", ""])
def test_what_is_wrong_is_a_value_error(other: MqttPacket, data: str) -> None:
    with pytest.raises(ValueError):
        other.decode(bytes.fromhex(data))
    assert other.decode(b"\xd0\0") == {"kind": "pingresp"}  # and it goes on
