"""Runs inside the WebAssembly VM: the fake broker speaks MQTT 5 there, too."""

from umqtt2.testing import FakeBroker, decode_properties, encode_properties

broker = FakeBroker()
broker.receive_maximum = 20
broker.topic_alias_maximum = 5


def send(data):
    broker.write(data, 0, len(data))
    answer = bytes(broker.incoming)
    broker.incoming = bytearray()
    return answer


broker.open(1000)
will = b"\x05\x18\0\0\0\x0a\0\1w\0\4gone"
answer = send(b"\x10\x23\0\4MQTT\5\4\0\x3c\x05\x11\0\0\0\x3c\0\2id" + will)
assert answer[:5] == b"\x20\x09\0\0\x06"
assert decode_properties(answer[5:], "2") == {33: 20, 34: 5}
assert decode_properties(broker.connects[0]["properties"]) == {17: 60}
assert broker.connects[0]["will"] == (b"w", b"gone", 0, False)

# Subscribe, and get what others publish.
assert send(b"\x82\x0b\0\1\x02\x0b\x07\0\3a/#\x09") == b"\x90\x04\0\1\0\1"
broker.publish("a/b", "m", 1, properties={3: "json", 38: [("k", "v")], 2: 60})
answer = bytes(broker.incoming)
assert answer[:9] == b"\x32\x1e\0\3a/b\0\1", answer
assert decode_properties(answer[10:-1], "3") == {2: 60, 3: b"json", 11: [7], 38: [(b"k", b"v")]}
broker.incoming = bytearray()
assert send(b"\x40\x03\0\1\x10") == b""
assert broker.acks == [(0x40, 1, 0x10, b"")]

# Publish with an alias, and be told reasons.
broker.reasons[0x40] = 0x10
assert send(b"\x32\x0a\0\1t\0\2\x03\x23\0\1m") == b"\x40\x03\0\2\x10"
assert send(b"\x30\x07\0\0\x03\x23\0\1n") == b""
assert broker.published == [(b"t", b"m", 1, False), (b"t", b"n", 0, False)]

# What no client may send.
for data in (b"\x30\x07\0\1t\x03\x0b\0\1", b"\x30\x05\0\1\xff\0m", b"\xf0\0", b"\x40\x02\0\0"):
    try:
        send(data)
    except AssertionError:
        pass
    else:
        raise Exception(data)

# A limit that is not kept; the will, after its delay; the session, until it expires.
assert send(b"\x30\x06\0\0\x03\x23\0\6") == b"\xe0\1\x94"
broker.clock.advance(9999)
assert broker.wills == []
broker.clock.advance(1)
assert broker.wills == [(b"w", b"gone", 0, False)]
for present in (1, 0):
    broker.open(1000)
    assert send(b"\x10\x14\0\4MQTT\5\0\0\x3c\x05\x11\0\0\0\x3c\0\2id")[2] == present
    broker.drop()
    broker.clock.advance(60000)

assert encode_properties({1: 1, 33: 20}) in (b"\1\1\x21\0\x14", b"\x21\0\x14\1\1")
print("done")
