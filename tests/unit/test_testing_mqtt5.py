"""The fake broker speaks MQTT 5: packets written by hand from the standard, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit import wire
from tests.unit.wire import packet, string
from umqtt2.testing import FakeBroker, decode_properties, encode_properties

CONNACK = b"\x20\x03\x00\x00\x00"
PINGREQ = b"\xc0\x00"


def props(data: bytes = b"") -> bytes:
    return wire.remaining_length(len(data)) + data


def connect(
    properties: bytes = b"", clean: bool = True, client_id: bytes = b"id", will: bytes = b"", flags: int = 0
) -> bytes:
    """A CONNECT; will: its properties, topic and message, and in `flags` what stands for it."""
    head = string(b"MQTT") + b"\5" + bytes([flags | (2 if clean else 0)]) + b"\0\x3c"
    return packet(0x10, head + props(properties) + string(client_id) + will)


def publish(topic: bytes, payload: bytes = b"m", qos: int = 0, pid: int = 0, flags: int = 0, properties=b"") -> bytes:
    body = string(topic) + (pid.to_bytes(2, "big") if qos else b"") + props(properties) + payload
    return packet(0x30 | flags | qos << 1, body)


def subscribe(pid: int, *filters: tuple[bytes, int], properties: bytes = b"") -> bytes:
    body = b"".join(string(topic) + bytes([options]) for topic, options in filters)
    return packet(0x82, pid.to_bytes(2, "big") + props(properties) + body)


def unsubscribe(pid: int, *filters: bytes) -> bytes:
    return packet(0xA2, pid.to_bytes(2, "big") + props() + b"".join(string(topic) for topic in filters))


def ack(first: int, pid: int, code: int | None = None, properties: bytes | None = None) -> bytes:
    body = pid.to_bytes(2, "big") + (b"" if code is None else bytes([code]))
    return packet(first, body + (b"" if properties is None else props(properties)))


class Peer:
    """A client that sends what it is told to, and shows what comes."""

    def __init__(self, **settings: object) -> None:
        self.broker = FakeBroker()
        for name, value in settings.items():
            assert hasattr(self.broker, name)
            setattr(self.broker, name, value)

    def send(self, *packets: bytes) -> bytes:
        """Send, and return all that has come since the last time."""
        for data in packets:
            self.broker.write(data, 0, len(data))
        return self.come()

    def come(self) -> bytes:
        data = bytes(self.broker.incoming)
        self.broker.incoming = bytearray()
        return data

    def connect(self, *arguments: Any, **options: Any) -> bytes:
        self.broker.close()
        self.broker.open(1000)
        return self.send(connect(*arguments, **options))


def connected(properties: bytes = b"", **settings: object) -> Peer:
    peer = Peer(**settings)
    peer.connect(properties, False)
    return peer


NEVER = b"\x11\xff\xff\xff\xff"  # session expiry interval


# --- Properties --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data, expected",
    [
        (b"", {}),
        (b"\x01\x01", {1: 1}),
        (b"\x02\x00\x00\x00\x3c", {2: 60}),
        (b"\x0b\x80\x01\x0b\x05", {11: [128, 5]}),
        (b"\x21\x00\x14", {33: 20}),
        (b"\x08\x00\x03r/1\x09\x00\x02\x00\xff", {8: b"r/1", 9: b"\0\xff"}),
        (b"\x26\x00\x01k\x00\x01v\x26\x00\x01k\x00\x00", {38: [(b"k", b"v"), (b"k", b"")]}),
    ],
)
def test_properties_are_a_dict(data, expected):
    assert decode_properties(data) == expected
    assert encode_properties(expected) == data


def test_properties_may_be_given_as_text_or_bytes():
    text = encode_properties({3: "jsön", 38: [("k", "v")]})
    assert text == encode_properties({3: "jsön".encode(), 38: [(b"k", b"v")]})
    assert encode_properties(b"\x01\x01") == b"\x01\x01"


@pytest.mark.parametrize(
    "data, packet",
    [
        (b"\x04\x00", ""),  # there is no such property
        (b"\x01\x01\x01\x01", ""),  # twice
        (b"\x01\x02", ""),  # neither 0 nor 1
        (b"\x02\x00\x00\x00", ""),  # cut short
        (b"\x03\x00\x02a", ""),
        (b"\x03\x00\x01\xff", ""),  # not UTF-8
        (b"\x03\x00\x01\x00", ""),  # U+0000
        (b"\x0b\x00", ""),  # a subscription identifier that is 0
        (b"\x0b\x80\x00", ""),  # longer than it needs to be
        (b"\x0b\xff\xff\xff\xff\x01", ""),  # five bytes
        (b"\x0b\x01\x0b\x02", "8"),  # twice in a SUBSCRIBE
        (b"\x21\x00\x00", ""),  # a Receive Maximum that is 0
        (b"\x23\x00\x00", ""),  # a Topic Alias that is 0
        (b"\x16\x00\x01a", ""),  # data of no method
        (b"\x12\x00\x01a", "1"),  # not in CONNECT
        (b"\x26\x00\x01k", ""),
    ],
)
def test_properties_that_are_wrong_fail_the_test(data, packet):
    with pytest.raises(AssertionError):
        decode_properties(data, packet)


# --- Connecting --------------------------------------------------------------------------------------


def test_connect_and_its_properties():
    peer = Peer()
    will = props(b"\x18\x00\x00\x00\x05\x03\x00\x01j") + string(b"w") + string(b"gone")
    user = string(b"user") + string(b"\xff")
    data = b"\x11\x00\x00\x00\x0a\x21\x00\x14"
    assert peer.connect(data, False, b"id", will + user, 0x80 | 0x40 | 0x20 | 0x08 | 0x04) == CONNACK
    assert peer.broker.connects == [
        {
            "version": 5, "client_id": b"id", "clean": False, "keepalive": 60, "user": b"user", "password": b"\xff",
            "will": (b"w", b"gone", 1, True), "properties": data, "will_properties": b"\x18\0\0\0\5\3\0\1j",
        }
    ]  # fmt: skip


def test_a_password_needs_no_user():
    peer = Peer()
    assert peer.connect(will=string(b"secret"), flags=0x40) == CONNACK
    assert peer.broker.connects[0]["password"] == b"secret"


def test_limits_are_announced_when_they_are_not_the_default():
    peer = Peer(
        receive_maximum=3, maximum_qos=1, retain_available=False, maximum_packet_size=100, topic_alias_maximum=2,
        server_keep_alive=10, session_expiry=60, assigned_client_identifier=b"mine",
    )  # fmt: skip
    peer.broker.properties[0x20] = {31: "hello"}
    answer = peer.connect(client_id=b"")
    assert answer[:2] + answer[2:4] == bytes([0x20, len(answer) - 2, 0, 0])
    assert answer[4] == len(answer) - 5
    assert decode_properties(answer[5:], "2") == {
        17: 60, 18: b"mine", 19: 10, 31: b"hello", 33: 3, 34: 2, 36: 1, 37: 0, 39: 100,
    }  # fmt: skip


@pytest.mark.parametrize(
    "options, code",
    [
        ({"return_code": 0x86}, 0x86),
        ({"maximum_qos": 0}, 0x9B),
        ({"retain_available": False}, 0x9A),
    ],
)
def test_a_connect_is_refused_with_a_reason(options, code):
    peer = Peer(**options)
    will = props() + string(b"w") + string(b"")
    assert peer.connect(will=will, flags=0x20 | 0x08 | 0x04) == bytes([0x20, 3, 0, code, 0])
    assert peer.broker.ended
    assert peer.send(PINGREQ) == b""


def test_an_authentication_method_is_refused():
    assert Peer().connect(b"\x15\x00\x01m") == b"\x20\x03\x00\x8c\x00"


def test_a_broker_that_knows_one_version():
    peer = Peer(versions=(4,))
    assert peer.connect() == b"\x20\x02\x00\x01"
    assert peer.broker.ended
    peer.broker.open(1000)
    assert peer.send(b"\x10\x0e\0\4MQTT\4\2\0\x3c\0\2id") == b"\x20\x02\x00\x00"
    assert "version" not in peer.broker.connects[-1]


@pytest.mark.parametrize(
    "data",
    [
        packet(0x10, string(b"MQTT") + b"\6\2\0\x3c\0" + string(b"id")),  # version 6
        packet(0x10, string(b"MQTT") + b"\5\3\0\x3c\0" + string(b"id")),  # a reserved flag
        packet(0x10, string(b"MQTT") + b"\5\x22\0\x3c\0" + string(b"id")),  # retain, and no will
        packet(0x10, string(b"MQTT") + b"\5\2\0\x3c\0" + string(b"id") + b"x"),  # more than there should be
        connect(b"\x21\0\0"),
        connect(b"\x02\0\0\0\1"),
        connect(will=props() + string(b"a/#") + string(b""), flags=4),
    ],
)
def test_a_connect_that_no_client_may_send_fails_the_test(data):
    peer = Peer()
    peer.broker.open(1000)
    with pytest.raises(AssertionError):
        peer.send(data)


def test_a_second_connect_and_packets_before_the_first_fail_the_test():
    peer = connected()
    with pytest.raises(AssertionError):
        peer.send(connect())
    peer.broker.close()
    peer.broker.open(1000)
    with pytest.raises(AssertionError):
        peer.send(PINGREQ)


# --- Publishing --------------------------------------------------------------------------------------


def test_messages_and_their_properties():
    peer = connected()
    assert peer.send(publish(b"t", properties=b"\x03\0\4json")) == b""
    assert peer.send(publish(b"t", b"1", 1, 7)) == b"\x40\x02\x00\x07"
    assert peer.send(publish(b"t", b"2", 2, 8, 1)) == b"\x50\x02\x00\x08"
    assert peer.send(publish(b"t", b"2", 2, 8, 9)) == b"\x50\x02\x00\x08"  # again
    assert peer.send(ack(0x62, 8)) == b"\x70\x02\x00\x08"
    assert peer.send(ack(0x62, 8, 0, b"\x1f\0\2no")) == b"\x70\x03\x00\x08\x92"
    assert peer.broker.published == [(b"t", b"m", 0, False), (b"t", b"1", 1, False), (b"t", b"2", 2, True)]
    assert peer.broker.published_properties == [b"\x03\0\4json", b"", b""]
    assert peer.broker.acks == [(0x62, 8, 0, b""), (0x62, 8, 0, b"\x1f\0\2no")]


def test_acknowledgements_with_reasons_and_properties():
    peer = connected()
    peer.broker.reasons.update({0x40: 0x10, 0x50: 0x97})
    peer.broker.properties[0x50] = b"\x1f\0\2no"
    assert peer.send(publish(b"t", qos=1, pid=1)) == b"\x40\x03\x00\x01\x10"
    assert peer.send(publish(b"t", qos=2, pid=2)) == b"\x50\x09\x00\x02\x97\x05\x1f\0\2no"
    assert peer.broker.published == [(b"t", b"m", 1, False)]
    assert peer.send(ack(0x62, 2)) == b"\x70\x03\x00\x02\x92"  # that message was not taken
    peer.broker.reasons.clear()
    peer.broker.properties.clear()
    assert peer.send(publish(b"t", b"new", qos=2, pid=2)) == b"\x50\x02\x00\x02"
    assert peer.broker.published[-1] == (b"t", b"new", 2, False)


def test_problem_information_is_for_clients_that_ask_for_it():
    peer = connected(b"\x17\x00")
    peer.broker.properties[0x40] = b"\x1f\0\2no"
    assert peer.send(publish(b"t", qos=1, pid=1)) == b"\x40\x02\x00\x01"


def test_properties_that_make_an_answer_too_large_for_the_client_are_left_out():
    peer = connected(b"\x27\0\0\0\x08")
    peer.broker.properties[0x40] = b"\x1f\0\2no"
    assert peer.send(publish(b"t", qos=1, pid=1)) == b"\x40\x02\x00\x01"


def test_limits_are_announced_however_small_the_clients_packets_are():
    peer = Peer(receive_maximum=3)
    peer.broker.properties[0x20] = {31: "x" * 20}
    assert peer.connect(b"\x27\0\0\0\x0a") == b"\x20\x06\0\0\x03\x21\0\3"


def test_topic_aliases_are_resolved_on_their_own_connection():
    peer = connected(NEVER, topic_alias_maximum=2)
    peer.send(publish(b"a", properties=b"\x23\0\1"), publish(b"b", properties=b"\x23\0\2\x01\x01"))
    peer.send(publish(b"", b"1", properties=b"\x23\0\1"), publish(b"", b"2", properties=b"\x01\x01\x23\0\2"))
    peer.send(publish(b"c", b"3", properties=b"\x23\0\1"), publish(b"", b"4", properties=b"\x23\0\1"))
    assert [message[:2] for message in peer.broker.published[2:]] == [
        (b"a", b"1"), (b"b", b"2"), (b"c", b"3"), (b"c", b"4"),
    ]  # fmt: skip
    assert peer.broker.published_properties == [b"", b"\x01\x01", b"", b"\x01\x01", b"", b""]
    peer.connect(NEVER, False)
    assert peer.send(publish(b"", properties=b"\x23\0\1")) == b"\xe0\x01\x82"
    assert peer.broker.ended


@pytest.mark.parametrize(
    "settings, packets, reason",
    [
        ({"maximum_qos": 1}, [publish(b"t", qos=2, pid=1)], 0x9B),
        ({"retain_available": False}, [publish(b"t", flags=1)], 0x9A),
        ({"topic_alias_maximum": 1}, [publish(b"t", properties=b"\x23\0\2")], 0x94),
        ({}, [publish(b"t", properties=b"\x23\0\1")], 0x94),
        ({"maximum_packet_size": 20}, [publish(b"t", b"x" * 20)], 0x95),
        ({"receive_maximum": 2}, [publish(b"t", qos=2, pid=pid) for pid in (1, 2, 3)], 0x93),
        ({"receive_maximum": 2, "hold": True}, [publish(b"t", qos=1, pid=pid) for pid in (1, 2, 3)], 0x93),
    ],
)
def test_limits_that_are_not_kept_end_the_connection(settings, packets, reason):
    peer = connected(**settings)
    assert peer.send(*packets).endswith(bytes([0xE0, 1, reason]))
    assert peer.broker.disconnects == [reason]
    assert peer.broker.ended
    assert peer.send(PINGREQ) == b""
    assert len(peer.broker.published) == len(packets) - 1


def test_acknowledgements_that_are_held_back_keep_the_window_full():
    peer = connected(receive_maximum=2, hold=True)
    assert peer.send(publish(b"t", qos=1, pid=1), publish(b"t", qos=2, pid=2), PINGREQ) == b"\xd0\x00"
    peer.broker.release(1)
    assert peer.come() == b"\x40\x02\x00\x01"
    assert peer.send(publish(b"t", qos=1, pid=3)) == b""
    peer.broker.release()
    assert peer.come() == b"\x50\x02\x00\x02\x40\x02\x00\x03"


def test_what_was_not_released_on_the_last_connection_takes_no_place_in_the_window():
    """The send quota is no part of the session [4.9]."""
    peer = connected(NEVER, receive_maximum=1)
    assert peer.send(publish(b"t", b"1", qos=2, pid=1)) == b"\x50\x02\x00\x01"
    peer.connect(NEVER, False)
    assert peer.send(publish(b"t", b"2", qos=2, pid=2)) == b"\x50\x02\x00\x02"
    assert peer.send(ack(0x62, 1)) == b"\x70\x02\x00\x01"
    assert peer.send(publish(b"t", b"3", qos=1, pid=3)) == b"\xe0\x01\x93"


@pytest.mark.parametrize(
    "data",
    [
        publish(b"a/#"),
        publish(b""),
        publish(b"t", qos=3, pid=1),
        publish(b"t", flags=8),
        publish(b"t", qos=1, pid=0),
        publish(b"t", properties=b"\x0b\x01"),  # a subscription identifier
        publish(b"t", properties=b"\x23\0\0"),
        publish(b"t", properties=b"\x08\0\1#"),
        packet(0x30, string(b"t")),  # no property length
        packet(0x30, string(b"t") + b"\x05\x01\x01"),
        ack(0x40, 0),
        ack(0x40, 1, 0x92),
        ack(0x62, 1, 0x10),
        ack(0x40, 1, 0, b"\x01\x01"),
        packet(0x40, b"\0\1\0\0x"),
        subscribe(1),
        subscribe(1, (b"a/#/b", 0)),
        subscribe(1, (b"a+", 0)),
        subscribe(1, (b"t", 3)),
        subscribe(1, (b"t", 0x30)),
        subscribe(1, (b"t", 0x40)),
        subscribe(1, (b"$share/g/t", 4)),
        subscribe(1, (b"$share//t", 0)),
        subscribe(1, (b"$share/g", 0)),
        subscribe(0, (b"t", 0)),
        unsubscribe(1),
        packet(0xE0, b"\x8e"),  # taken over: not for a client to say
        packet(0xE0, b"\x00\x05\x11\0\0\0\x09"),  # the session was to end now
        packet(0xF0, b"\x18\x00"),  # AUTH
        packet(0x90, b"\0\1\0\0"),  # SUBACK
    ],
)
def test_packets_that_no_client_may_send_fail_the_test(data):
    peer = connected(topic_alias_maximum=5)
    with pytest.raises(AssertionError):
        peer.send(data)


# --- Subscribing -------------------------------------------------------------------------------------


def test_subscribe_and_unsubscribe_with_reasons():
    peer = connected(maximum_qos=1, refused={b"c"})
    peer.broker.reasons[0x90] = 0x87
    answer = peer.send(subscribe(1, (b"a", 0), (b"b", 0x2E), (b"c", 1), properties=b"\x0b\x07"))
    assert answer == b"\x90\x06\x00\x01\x00\x00\x01\x87"
    assert peer.broker.subscriptions == {b"a": 0, b"b": 1}
    assert peer.broker.subscription_options == {b"a": 0, b"b": 0x2E}
    assert peer.broker.subscription_ids == {b"a": 7, b"b": 7}
    peer.send(subscribe(2, (b"a", 0)))
    assert peer.broker.subscription_ids == {b"b": 7}
    assert peer.send(unsubscribe(3, b"b", b"x")) == b"\xb0\x05\x00\x03\x00\x00\x11"
    peer.broker.reasons[0xB0] = 0x87
    peer.broker.properties[0xB0] = b"\x1f\0\2no"
    assert peer.send(unsubscribe(4, b"a")) == b"\xb0\x09\x00\x04\x05\x1f\0\2no\x87"
    assert peer.broker.subscriptions == {b"a": 0}


def test_deliveries_have_properties_and_subscription_identifiers():
    peer = connected()
    peer.send(subscribe(1, (b"a/+", 0), properties=b"\x0b\x07"), subscribe(2, (b"a/#", 0), properties=b"\x0b\x80\x01"))
    peer.broker.deliver("a/b", "m", properties={3: "json"})
    assert peer.come() == publish(b"a/b", properties=b"\x03\0\4json\x0b\x07\x0b\x80\x01")
    peer.broker.deliver("x", "m", 1)
    assert peer.come() == publish(b"x", qos=1, pid=1)


def test_what_others_publish_comes_as_the_subscriptions_want_it():
    peer = connected()
    peer.send(subscribe(1, (b"plain/#", 1), (b"$share/g/shared", 2)), subscribe(2, (b"kept/#", 0x08)))
    peer.broker.publish("plain/1", "m", 2, True)
    assert peer.come() == publish(b"plain/1", qos=1, pid=1)
    peer.broker.publish("kept/1", "m", 2, True, {1: 1})
    assert peer.come() == publish(b"kept/1", flags=1, properties=b"\1\1")
    peer.broker.publish("kept/1", "m")
    assert peer.come() == publish(b"kept/1")
    peer.broker.publish("shared", "m", 2)
    assert peer.come() == publish(b"shared", qos=2, pid=2)
    peer.broker.publish("other", "m")
    assert peer.come() == b""


def test_its_own_messages_come_back_if_the_test_says_so():
    peer = connected(echo=True)
    peer.send(subscribe(1, (b"a", 0), properties=b"\x0b\x05"), subscribe(2, (b"b", 0x04)))
    assert peer.send(publish(b"a"), publish(b"b")) == publish(b"a", properties=b"\x0b\x05")
    peer.broker.publish("b", "of another")
    assert peer.come() == publish(b"b", b"of another")
    peer.send(subscribe(1, (b"a", 0x08)))
    assert peer.send(publish(b"a", flags=1), publish(b"a")) == publish(b"a", flags=1) + publish(b"a")
    peer.broker.echo = False
    assert peer.send(publish(b"a")) == b""


def test_retain_handling():
    peer = connected()
    suback = b"\x90\x04\0\1\0\0"
    peer.broker.publish("t", "old", retain=True)
    peer.broker.publish("t", "m", retain=True, properties={2: 60})
    peer.broker.publish("gone", "m", retain=True)
    peer.broker.publish("gone", "", retain=True)
    peer.broker.clock.advance(10_500)
    message = publish(b"t", flags=1, properties=b"\2\0\0\0\x32")
    assert peer.send(subscribe(1, (b"#", 0x10))) == suback + message  # it is new
    assert peer.send(subscribe(1, (b"#", 0x10))) == suback
    assert peer.send(subscribe(1, (b"#", 0x00))) == suback + message
    assert peer.send(subscribe(1, (b"t", 0x20))) == suback
    assert peer.send(subscribe(1, (b"$share/g/t", 0x00))) == suback
    peer.broker.clock.advance(50_000)
    assert peer.send(subscribe(1, (b"#", 0x00))) == suback  # it has expired


# --- Deliveries --------------------------------------------------------------------------------------


def test_deliveries_are_acknowledged_with_reasons():
    peer = connected()
    peer.broker.deliver("t", "1", 1)
    peer.broker.deliver("t", "2", 2)
    peer.broker.deliver("t", "3", 2)
    peer.come()
    assert peer.send(ack(0x40, 1, 0x10, b"\x1f\0\2no")) == b""
    assert peer.send(ack(0x50, 2)) == b"\x62\x02\x00\x02"
    assert peer.send(ack(0x50, 3, 0x83)) == b""  # ends it
    assert peer.send(ack(0x70, 2)) == b""
    assert peer.send(ack(0x50, 9)) == b"\x62\x03\x00\x09\x92"
    assert peer.broker.acknowledged == [1, 3, 2]
    assert peer.broker.acks == [
        (0x40, 1, 0x10, b"\x1f\0\2no"), (0x50, 2, 0, b""), (0x50, 3, 0x83, b""), (0x70, 2, 0, b""), (0x50, 9, 0, b""),
    ]  # fmt: skip


def test_no_more_than_the_clients_receive_maximum_is_sent():
    peer = connected(b"\x21\x00\x02")
    for number in "1234":
        peer.broker.deliver("t", number, 1)
    peer.broker.deliver("t", "0")
    assert peer.come() == publish(b"t", b"1", 1, 1) + publish(b"t", b"2", 1, 2) + publish(b"t", b"0")
    assert peer.send(ack(0x40, 1)) == publish(b"t", b"3", 1, 3)
    assert peer.send(ack(0x40, 2), ack(0x40, 3)) == publish(b"t", b"4", 1, 4)


def test_a_message_that_is_too_large_for_the_client_is_not_sent():
    peer = connected(b"\x27\0\0\0\x10" + NEVER)
    peer.broker.deliver("t", "x" * 20, 1)
    peer.broker.deliver("t", "x", 1)
    assert peer.come() == publish(b"t", b"x", 1, 2)
    peer.connect(NEVER, False)
    assert peer.come() == b""


def test_what_waits_while_the_client_is_away_expires():
    peer = connected(NEVER)
    peer.broker.deliver("t", "sent", 1, properties={2: 5})
    peer.broker.drop()
    peer.broker.deliver("t", "short", 1, properties={2: 5})
    peer.broker.deliver("t", "long", 1, properties={2: 60})
    peer.broker.deliver("t", "lost")
    peer.broker.clock.advance(10_000)
    sent = publish(b"t", b"sent", 1, 1, 8, b"\2\0\0\0\0")
    kept = publish(b"t", b"long", 1, 3, 0, b"\2\0\0\0\x32")
    assert peer.connect(NEVER, False) == b"\x20\x03\x01\x00\x00" + sent + kept


# --- Sessions, wills, leaving ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "properties, away, present",
    [
        (b"", 0, 0),
        (b"\x11\0\0\0\x0a", 9_900, 1),
        (b"\x11\0\0\0\x0a", 10_000, 0),
        (NEVER, 10**12, 1),
    ],
)
def test_a_session_lasts_as_long_as_the_client_asked_for(properties, away, present):
    peer = connected(properties)
    peer.send(subscribe(1, (b"t", 0)))
    peer.broker.clock.advance(10**7)
    peer.broker.drop()
    peer.broker.clock.advance(away)
    assert peer.connect(properties, False) == bytes([0x20, 3, present, 0, 0])
    assert peer.broker.subscriptions == ({b"t": 0} if present else {})


def test_the_broker_decides_how_long_a_session_lasts():
    peer = connected(NEVER, session_expiry=10)
    peer.broker.drop()
    peer.broker.clock.advance(10_000)
    assert peer.connect(NEVER, False)[2] == 0


def test_a_disconnect_changes_how_long_the_session_lasts():
    peer = connected(NEVER)
    peer.send(packet(0xE0, b"\x04" + props(b"\x11\0\0\0\x05")))
    assert peer.broker.disconnected and peer.broker.ended
    assert (peer.broker.disconnect_reason, peer.broker.disconnect_properties) == (4, b"\x11\0\0\0\x05")
    peer.broker.clock.advance(5000)
    assert peer.connect(NEVER, False)[2] == 0
    assert peer.broker.disconnect_reason is None


def test_a_clean_start_ends_the_session():
    peer = connected(NEVER)
    peer.send(subscribe(1, (b"t", 0)))
    assert peer.connect(NEVER, True)[2] == 0
    assert peer.broker.subscriptions == {}


def leave_with_will(delay: int, expiry: int, how: str) -> Peer:
    peer = Peer()
    will = props(b"\x18" + delay.to_bytes(4, "big")) + string(b"w") + string(b"gone")
    peer.connect(b"\x11" + expiry.to_bytes(4, "big"), False, b"id", will, 0x04)
    if how == "drop":
        peer.broker.drop()
    elif how == "close":
        peer.broker.close()
    else:
        peer.send(packet(0xE0, bytes.fromhex(how)))
    return peer


WILL = [(b"w", b"gone", 0, False)]


@pytest.mark.parametrize("how, wills", [("drop", WILL), ("close", WILL), ("04", WILL), ("00", []), ("", [])])
def test_a_will_is_published_unless_the_client_takes_it_back(how, wills):
    peer = leave_with_will(0, 100, how)
    assert peer.broker.wills == wills
    peer.connect()
    assert peer.broker.wills == wills


def test_a_will_without_properties_does_not_wait():
    peer = Peer()
    peer.connect(NEVER, False, b"id", props() + string(b"w") + string(b"gone"), 0x04)
    peer.broker.drop()
    assert peer.broker.wills == WILL


@pytest.mark.parametrize("delay, expiry, due", [(10, 100, 10), (100, 10, 10), (10, 0xFFFFFFFF, 10), (10, 0, 0)])
def test_a_will_waits_for_its_delay_or_the_end_of_the_session(delay, expiry, due):
    peer = leave_with_will(delay, expiry, "drop")
    if due:
        peer.broker.clock.advance(due * 1000 - 1)
        assert peer.broker.wills == []
        peer.broker.clock.advance(1)
    assert peer.broker.wills == WILL


@pytest.mark.parametrize("clean, wills", [(False, []), (True, WILL)])
def test_a_will_that_waits_is_dropped_when_the_session_goes_on(clean, wills):
    peer = leave_with_will(10, 100, "drop")
    peer.connect(NEVER, clean)
    peer.broker.clock.advance(20_000)
    assert peer.broker.wills == wills


def test_the_broker_disconnects_with_a_reason():
    peer = connected()
    peer.broker.disconnect(0x8E)
    assert peer.come() == b"\xe0\x01\x8e"
    assert peer.broker.ended and not peer.broker.disconnected
    peer.connect()
    peer.broker.disconnect(0x9D, {28: "other:1883"})
    assert peer.come() == b"\xe0\x0f\x9d\x0d\x1c\x00\x0aother:1883"
    assert peer.broker.disconnects == [0x8E, 0x9D]


def test_a_client_of_the_older_version_is_disconnected_without_a_packet():
    peer = Peer()
    peer.broker.open(1000)
    peer.send(b"\x10\x0e\0\4MQTT\4\2\0\x3c\0\2id")
    peer.broker.disconnect(0x8E)
    assert peer.come() == b""
    assert peer.broker.ended
