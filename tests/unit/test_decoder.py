"""Decoding: any pieces, any bytes."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import wire
from umqtt2 import MQTTException
from umqtt2.errno import ERESPONSE
from umqtt2.packets.decoder import SMALL, decode

pids = st.integers(1, 65535)
characters = st.characters(blacklist_characters="+#\0", blacklist_categories=["Cs"])
names = st.text(characters, min_size=1, max_size=140).map(str.encode)

valid_packets = st.one_of(
    st.builds(
        wire.publish, names, st.binary(max_size=300), st.just(0), st.just(0), st.booleans(), st.booleans()
    ),
    st.builds(
        wire.publish, names, st.binary(max_size=300), st.integers(1, 2), pids, st.booleans(), st.booleans()
    ),
    st.builds(wire.connack, st.integers(0, 1), st.integers(0, 255)),
    st.builds(wire.ack, st.sampled_from([0x40, 0x50, 0x62, 0x70, 0xB0]), pids),
    st.builds(wire.suback, pids, st.integers(0, 255)),
    st.just(wire.PINGRESP),
)


class Decoder:
    """A sink with its decoder."""

    topic = payload = chunks = None

    def __init__(self, max_packet, pinging=True):
        self.pinging = pinging
        self.buf = bytearray(SMALL)
        packets = decode(self, self.buf, max_packet)
        next(packets)
        self.feed = packets.send

    # What the decoder looks at before each packet: whether the answer to a ping may come.
    ping_sent = property(lambda self: self.pinging, lambda self, value: None)


def feed(decoder, data, sizes):
    """Feed `data` in pieces of `sizes` (then of any size); yield what each complete packet was."""
    data = memoryview(data)
    while data:
        n = min(decoder.want, len(data), next(sizes, 1 << 20))
        decoder.buf[:n] = data[:n]
        data = data[n:]
        first = decoder.feed(n)
        if first:
            yield seen(decoder, first)


def seen(decoder, first):
    if first & 0xF0 == 0x30:
        return first, decoder.pid, decoder.topic, decoder.payload
    if first == 0x20:
        return first, decoder.code >> 8, decoder.code & 255
    if first == 0xD0:
        return (first,)
    return (first, decoder.pid) + ((decoder.code,) if first == 0x90 else ())


def expected(packet):
    first = packet[0]
    r = wire.Reader(packet[1:])
    r.remaining_length()
    if first & 0xF0 == 0x30:
        topic = r.string()
        pid = r.uint16() if first & 6 else 0
        return first, pid, topic, r.data
    if first == 0x20:
        return first, r.uint8(), r.uint8()
    if first == 0xD0:
        return (first,)
    return (first, r.uint16()) + ((r.uint8(),) if first == 0x90 else ())


@given(st.lists(valid_packets, max_size=6), st.lists(st.integers(1, 40)))
def test_every_packet_comes_out_as_it_went_in_whatever_the_pieces(packets, sizes):
    found = list(feed(Decoder(8192), b"".join(packets), iter(sizes)))
    assert found == [expected(p) for p in packets]


@given(st.lists(valid_packets, min_size=1, max_size=4), st.booleans())
def test_byte_by_byte(packets, pinging):
    data = b"".join(packets)
    found = list(feed(Decoder(8192, pinging), data, iter([1] * len(data))))
    assert found == [expected(p) for p in packets]


@given(st.lists(valid_packets, max_size=6), st.lists(st.integers(1, 40)))
def test_an_answer_to_no_ping_hides_no_packet_behind_it(packets, sizes):
    found = list(feed(Decoder(8192, pinging=False), b"".join(packets), iter(sizes)))
    assert [p for p in found if p[0] != wire.PINGRESP[0]] == [expected(p) for p in packets if p != wire.PINGRESP]
    if packets and packets[-1] == wire.PINGRESP:
        assert found[-1] == expected(wire.PINGRESP)


def test_an_acknowledgement_is_read_at_once():
    decoder = Decoder(8192, pinging=False)
    for packet in (wire.ack(0x40, 7), wire.publish(b"t", b"m"), wire.ack(0x40, 8)):
        assert decoder.want == 4
        list(feed(decoder, packet, iter([])))
    decoder.pinging = True
    list(feed(decoder, wire.ack(0x40, 9), iter([])))
    assert decoder.want == 2


@pytest.mark.parametrize(
    "data, text",
    [
        (b"\x30\xff\xff\xff\xff\x01", "remaining length"),
        (b"\x36\x05\0\x01a\0\x01", "QoS 3"),
        (b"\x00\x00", "0x00"),
        (b"\x10\x00", "0x10"),  # CONNECT
        (b"\x21\x02\0\0", "0x21"),  # CONNACK with flags
        (b"\x41\x02\0\x01", "0x41"),
        (b"\x60\x02\0\x01", "0x60"),  # PUBREL without its flag
        (b"\x82\x02\0\x01", "0x82"),  # SUBSCRIBE
        (b"\xa2\x02\0\x01", "0xa2"),
        (b"\xc0\x00", "0xc0"),  # PINGREQ
        (b"\xe0\x00", "0xe0"),
        (b"\xf0\x00", "0xf0"),
        (b"\x20\x01\0", "remaining length of 1"),
        (b"\x20\x03\0\0\0", "remaining length of 3"),
        (b"\x20\x02\x02\0", "reserved flags"),
        (b"\x40\x03\0\x01\0", "remaining length of 3"),
        (b"\x40\x00", "remaining length of 0"),
        (b"\x90\x02\0\x01", "remaining length of 2"),
        (b"\x90\x04\0\x01\0\0", "remaining length of 4"),
        (b"\xb0\x01\0", "remaining length of 1"),
        (b"\xd0\x01\0", "remaining length of 1"),
        (b"\xd0\x80\x80\x01", "remaining length of 16384"),
        (b"\x30\x00", "too short"),
        (b"\x30\x01\0", "too short"),
        (b"\x32\x04\0\x01a\0", "half a topic"),
        (b"\x30\x04\0\0ab", "no topic"),
        (b"\x30\x04\0\x03ab", "half a topic"),
        (b"\x32\x05\0\x02ab\0", "half a topic"),
        (b"\x32\x05\0\x01a\0\0", "without a packet identifier"),
        (b"\x30\xff\xff\x7f\xff\xff" + b"a" * 200, None),
        (b"\x30\xc8\x01\xff\xff" + b"a" * 198, "half a topic"),
        (b"\x32" + wire.remaining_length(9000) + b"\0\0" + b"a" * 8998, "no topic"),
        (b"\x32" + wire.remaining_length(9000) + b"\xff\xff" + b"a" * 8998, "half a topic"),
        (b"\x32" + wire.remaining_length(9000) + b"\0\1a\0\0" + b"a" * 8995, "without a packet identifier"),
    ],
)
@pytest.mark.mqtt(
    "MQTT-2.2.2-2", "MQTT-2.3.1-1", "MQTT-3.3.1-4", "MQTT-3.3.2-1", "MQTT-3.6.1-1", "MQTT-4.7.3-1",
    "MQTT-4.8.0-1",
)
def test_malformed(data, text):
    decoder = Decoder(8192)
    if text is None:
        assert list(feed(decoder, data, iter([]))) == []
        return
    with pytest.raises(MQTTException) as caught:
        list(feed(decoder, data, iter([])))
    assert caught.value.args[0] == ERESPONSE
    assert text in caught.value.args[1]


@given(st.binary(max_size=400), st.lists(st.integers(1, 20)))
def test_any_bytes_give_progress_or_an_mqtt_exception(data, sizes):
    decoder = Decoder(64)
    try:
        for _ in feed(decoder, data, iter(sizes)):
            pass
    except MQTTException as e:
        assert e.args[0] == ERESPONSE and e.args[1]
    assert decoder.want > 0


@given(
    st.integers(0, 2),
    st.integers(1, 400),
    st.integers(100, 1000),
    st.lists(st.integers(1, 200)),
)
def test_a_message_that_is_too_large_is_drained_and_its_identifier_kept(qos, topic_size, size, sizes):
    topic = b"t" * topic_size
    data = wire.publish(topic, b"x" * size, qos, 0x1234 if qos else 0)
    small = wire.publish(b"next", b"message")
    first, *rest = feed(Decoder(99), data + small, iter(sizes))
    assert first == (0x30 | qos << 1, 0x1234 if qos else 0, None, None)
    assert rest == [(0x30, 0, b"next", b"message")]


def test_a_message_of_exactly_the_limit_is_kept():
    data = wire.publish(b"abc", b"x" * 195)  # remaining length 200
    assert next(feed(Decoder(200), data, iter([])))[3] == b"x" * 195
    assert next(feed(Decoder(199), data, iter([])))[3] is None


def test_the_limit_holds_for_messages_that_would_fit_the_small_buffer():
    assert next(feed(Decoder(10), wire.publish(b"abc", b"x" * 10), iter([])))[3] is None


def test_no_memory_for_a_message_is_a_message_too_large(mocker):
    decoder = Decoder(8192)
    mocker.patch(
        "umqtt2.packets.decoder.BytesIO", side_effect=MemoryError
    )
    found = list(feed(decoder, wire.publish(b"abc", b"x" * 500, 1, 7), iter([])))
    assert found == [(0x32, 7, None, None)]


@pytest.mark.parametrize("claimed", [268435455, 2**27, 9000])
def test_memory_does_not_follow_what_a_packet_claims(claimed):
    data = b"\x32" + wire.remaining_length(claimed) + b"\0\x01a\0\x01" + b"x" * 5000
    tracemalloc.start()
    try:
        decoder = Decoder(8192)
        before = tracemalloc.get_traced_memory()[0]
        list(feed(decoder, data, iter([])))
        assert tracemalloc.get_traced_memory()[1] - before < 4096
    finally:
        tracemalloc.stop()


def test_memory_for_a_kept_message_is_its_body_and_its_payload():
    decoder = Decoder(8192)
    data = wire.publish(b"t", b"x" * 8189)
    pieces = [data[i : i + 1000] for i in range(0, len(data), 1000)]
    tracemalloc.start()
    try:
        for piece in pieces:
            while piece:
                n = min(decoder.want, len(piece))
                decoder.buf[:n] = piece[:n]
                piece = piece[n:]
                decoder.feed(n)
        assert decoder.payload == b"x" * 8189
        assert tracemalloc.get_traced_memory()[1] < 4 * 8192  # a BytesIO grows by more than it needs
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("code", [3, 127, 129, 255])
def test_a_suback_with_a_code_that_mqtt_does_not_define_is_understood(code):
    for sizes in ([], [1] * 10):
        assert list(feed(Decoder(0), wire.suback(7, code), iter(sizes))) == [(0x90, 7, code)]


def test_dup_at_qos_0_is_understood():
    found = list(feed(Decoder(8192), wire.publish(b"t", b"m", dup=True), iter([])))
    assert found == [(0x38, 0, b"t", b"m")]
