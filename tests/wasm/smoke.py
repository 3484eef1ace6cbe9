"""Runs inside the WebAssembly VM: the package must import and work on the oldest and newest MicroPython."""

import sys

print(sys.version)
print("reads .mpy files of version", getattr(sys.implementation, "_mpy", 0) & 255)  # 0: the oldest reads none

from umqtt2 import MQTTClient, MQTTException  # noqa: E402
from umqtt2.errno import ECONCLOSE, EKEEPALIVE, ERESPONSE, SDELIVERED, SFAILED, SOVERSIZE  # noqa: E402
from umqtt2.testing import FakeBroker  # noqa: E402

broker = FakeBroker()
client = MQTTClient("id", "broker", 0, "user", "password", 10, transport=broker, clock=broker.clock)
messages = []
statuses = []
client.set_callback(lambda *args: messages.append(args))
client.set_callback_status(lambda *args: statuses.append(args))


def drain():
    # A call makes no more than so many reads, and may end before a large message does.
    while client.check_msg() or broker.incoming:
        pass


def fails(number, call, *args):
    try:
        call(*args)
    except MQTTException as e:
        assert e.args[0] == number, e
    else:
        raise AssertionError("no exception")


client.set_last_will("will", "gone", True, 1)
assert client.connect(clean_session=False) is False
assert broker.connects[0]["will"] == (b"will", b"gone", 1, True)

# Both directions, in pieces of every size, small and large.
broker.refused.add(b"secret")
assert client.subscribe("a/#", 1) == 1
assert client.subscribe("secret") == 2
for size in (0, 1, 31, 100, 127, 128, 3000):
    for piece in (1, 2, 7, None):
        broker.read_sizes = broker.write_sizes = piece
        client.publish("a/é", b"x" * size, qos=1)
        broker.deliver("a/b", b"y" * size, qos=1)
        drain()
        assert broker.published.pop() == ("a/é".encode(), b"x" * size, 1, False)
        assert messages.pop() == (b"a/b", b"y" * size, False, False)
assert statuses[:2] == [(1, SDELIVERED), (2, SFAILED)]
assert statuses[2:] == [(pid, SDELIVERED) for pid in range(3, 31)]
assert len(broker.acknowledged) == 28

# Too large: told, acknowledged, survived.
broker.deliver("a/b", b"z" * 9000, qos=1)
drain()
assert statuses[-1] == (0, SOVERSIZE)
assert len(broker.acknowledged) == 29
assert not messages

# What was not acknowledged is repeated in its order.
broker.fail_read = OSError(104)
for i in range(20):
    broker.deliver("a/b", str(i), qos=1)
client.connect(clean_session=False)
drain()
assert [int(message[1]) for message in messages] == list(range(20)), messages
messages.clear()
del broker.acknowledged[29:]

# Bad arguments send nothing.
sent = len(broker.sent)
for bad in (lambda: client.publish("a/#", "x"), lambda: client.publish("a", "x", qos=3)):
    try:
        bad()
        raise AssertionError("no exception")
    except ValueError:
        pass
assert len(broker.sent) == sent

# A broker that misbehaves, disconnects, or does not answer; the client can connect again each time.
broker.feed(b"\x36\x05\0\x01a\0\x01")
fails(ERESPONSE, drain)
assert client.connect(clean_session=False) is True
broker.drop()
fails(ECONCLOSE, client.check_msg)
client.connect()
broker.silent = True


def idle():
    for _ in range(15):
        broker.clock.advance(1000)
        client.check_msg()


fails(EKEEPALIVE, idle)
broker.silent = False
client.connect()
client.disconnect()
assert broker.disconnected
