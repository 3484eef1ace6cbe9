"""The fakes themselves, used as a program's own tests would use them."""

from __future__ import annotations

import pytest

from umqtt2 import MQTTClient, MQTTException
from umqtt2.packets.v311 import V311
from umqtt2.testing import FakeBroker, FakeClock, FakeTransport
from umqtt2.v5 import V5, Topic


class Lamp:
    """A program to be tested."""

    def __init__(self, client):
        self.client = client
        self.on = False
        client.set_callback(self.command)
        client.connect()
        client.subscribe("lamp/set", 1)

    def command(self, topic, msg, retained, dup):
        self.on = msg == b"on"
        self.client.publish("lamp", "on" if self.on else "off", retain=True)


def test_a_program_in_ten_lines():
    broker = FakeBroker()
    lamp = Lamp(MQTTClient("lamp", "broker", transport=broker, clock=broker.clock))
    broker.deliver("lamp/set", "on", qos=1)
    while lamp.client.check_msg():
        pass
    assert lamp.on
    assert broker.published == [(b"lamp", b"on", 0, True)]
    assert broker.subscriptions == {b"lamp/set": 1}
    assert broker.acknowledged == [1]


def test_the_broker_can_go_away():
    broker = FakeBroker()
    lamp = Lamp(MQTTClient("lamp", "broker", transport=broker, clock=broker.clock))
    lamp.client.check_msg()
    broker.drop()
    with pytest.raises(MQTTException):
        lamp.client.check_msg()
    lamp.client.connect()
    assert lamp.client.check_msg() is None


def test_an_unacknowledged_delivery_comes_again_in_the_same_session(connected):
    broker = connected.transport
    connected.client.connect(clean_session=False)
    broker.deliver("t", "m", qos=1)
    broker.fail_write = OSError(104)  # the acknowledgement does not arrive
    with pytest.raises(OSError):
        connected.client.check_msg()
    assert connected.client.connect(clean_session=False) is True
    connected.drain()
    assert connected.messages == [(b"t", b"m", False, False), (b"t", b"m", False, True)]
    connected.client.connect(clean_session=False)
    connected.drain()
    assert len(connected.messages) == 2


def test_a_clean_session_forgets(connected):
    broker = connected.transport
    connected.client.subscribe("t")
    broker.deliver("t", "m", qos=1)
    connected.client.connect(clean_session=True)
    connected.drain()
    assert connected.messages == []
    assert broker.subscriptions == {}


def test_a_clean_session_ends_with_its_connection(connected):
    connected.client.subscribe("t")
    connected.client.disconnect()
    assert connected.client.connect(clean_session=False) is False
    assert connected.transport.subscriptions == {}
    connected.client.disconnect()
    assert connected.client.connect(clean_session=False) is True


def test_bytes_that_no_client_may_send_fail_the_test():
    broker = FakeBroker()
    broker.open(1000)
    with pytest.raises(AssertionError):
        broker.write(b"\x90\x03\0\x01\0", 0, 5)


def test_waiting_for_ever_fails_the_test():
    transport = FakeTransport()
    transport.open(1000)
    with pytest.raises(RuntimeError):
        transport.wait(1, -1)


def test_a_closed_transport_is_an_os_error():
    transport = FakeTransport(b"data")
    with pytest.raises(OSError):
        transport.readinto(bytearray(4), 4)
    transport.open(1000)
    assert transport.readinto(bytearray(4), 4) == 4
    transport.close()
    transport.close()
    with pytest.raises(OSError):
        transport.write(b"x", 0, 1)


def test_reading_in_pieces_refusing_and_ending():
    transport = FakeTransport(b"abcdef")
    transport.open(1000)
    transport.read_sizes = iter([2, 0, 3])
    buf = bytearray(10)
    assert transport.readinto(buf, 10) == 2
    assert transport.readinto(buf, 10) is None
    assert transport.readinto(buf, 10) == 3
    assert transport.readinto(buf, 10) == 1
    assert transport.readinto(buf, 10) is None
    transport.ended = True
    assert transport.readinto(buf, 10) == 0


def test_writes_are_recorded_with_their_offset():
    transport = FakeTransport()
    transport.open(1000)
    assert transport.write(b"abcdef", 2, 3) == 3
    assert transport.writes == [b"cde"]
    assert transport.sent == b"cde"


def test_the_clock_wraps_as_on_a_board():
    clock = FakeClock(2**30 - 1)
    clock.sleep_ms(2)
    assert clock.ticks_ms() == 1
    assert clock.ticks_diff(1, 2**30 - 1) == 2
    assert clock.ticks_diff(2**30 - 1, 1) == -2
    assert clock.ticks_add(2**30 - 1, 2) == 1
    assert clock.ticks_add(1, -2) == 2**30 - 1


def test_cpythons_clock_agrees_with_the_fake():
    from umqtt2.cpython import clock

    fake = FakeClock(clock.ticks_ms())
    for a, b in ((0, 5), (2**30 - 1, 3), (7, 2**29), (5, 0)):
        assert clock.ticks_diff(a, b) == fake.ticks_diff(a, b)
        assert clock.ticks_add(a, b) == fake.ticks_add(a, b)
    assert 0 <= clock.ticks_diff(clock.ticks_ms(), fake.now) < 5000


def test_a_refused_connect_leaves_the_session_as_it_was():
    broker = FakeBroker()
    client = MQTTClient("id", "broker", transport=broker, clock=broker.clock)
    broker.return_code = 5
    with pytest.raises(MQTTException):
        client.connect(clean_session=False)
    broker.return_code = 0
    assert client.connect(clean_session=False) is False
    broker.subscriptions[b"t"] = 1
    broker.return_code = 5
    with pytest.raises(MQTTException):
        client.connect()
    assert broker.subscriptions == {b"t": 1}


@pytest.mark.parametrize("packets", [V311, V5()])
def test_a_window_holds_messages_back_until_others_are_acknowledged(packets):
    broker = FakeBroker()
    broker.window = 2
    got = []
    client = MQTTClient("id", "broker", transport=broker, clock=broker.clock, packets=packets)
    client.set_callback(lambda topic, msg, retained, dup: got.append((msg, dup)))
    client.connect(clean_session=False)
    broker.silent = True  # it sees no acknowledgement
    for msg in "abc":
        broker.deliver("t", msg, qos=1)
    while client.check_msg():
        pass
    assert got == [(b"a", False), (b"b", False)]
    broker.silent = False
    client.connect(clean_session=False)
    while client.check_msg():
        pass
    assert got[2:] == [(b"a", True), (b"b", True), (b"c", False)]
    assert broker.acknowledged == [1, 2, 3]


class Side(FakeBroker):
    """One of several that are one broker."""

    def __init__(self, sides):
        super().__init__(sides[0].clock if sides else None)
        self.sides = sides
        sides.append(self)

    def on_connect(self, seen):
        for other in self.sides:
            if other.connects and other.connects[-1]["client_id"] == seen["client_id"]:
                if other is not self:
                    other.drop()
                self.take_over(other)

    def on_publish(self, topic, msg, qos, retain, properties):
        for other in self.sides:
            if other is not self:
                other.publish(topic, msg, qos, retain, properties)


def connected_to(side, name, **options):
    """A client with its messages in `got`."""
    client = MQTTClient(name, "broker", transport=side, clock=side.clock, **options)
    client.got = []
    client.set_callback(lambda topic, msg, retained, dup: client.got.append(msg))
    return client


def test_several_are_one_broker():
    sides = []
    one, two = (connected_to(Side(sides), name) for name in ("one", "two"))
    one.set_last_will("t", "gone")
    for client in (one, two):
        client.connect()
        client.subscribe("t", 1)
    one.publish("t", "from one", qos=1)
    sides[0].drop()
    while two.check_msg():
        pass
    assert (one.got, two.got) == ([], [b"from one", b"gone"])


def test_a_session_goes_to_where_the_client_connects_next():
    sides = []
    first = connected_to(Side(sides), "one")
    first.connect(clean_session=False)
    first.subscribe("t", 1)
    second = connected_to(Side(sides), "one")
    sides[0].publish("t", "waits", qos=1)
    assert second.connect(clean_session=False) is True
    while second.check_msg():
        pass
    assert second.got == [b"waits"]
    with pytest.raises(MQTTException):
        while first.check_msg():
            pass


@pytest.mark.parametrize("way", ["210", "0120", "0210"])
def test_a_session_is_where_the_client_was_last(way):
    sides = []
    links = [Side(sides) for _ in range(3)]
    client = connected_to(links[int(way[0])], "one")
    client.connect(clean_session=False)
    for name in way:
        client.transport = links[int(name)]
        assert client.connect(clean_session=False) is True
        client.subscribe(name)
    client.connect(clean_session=True)
    client.subscribe("last")
    for side in links[1:]:
        side.forget()  # the client is at the first one
    assert links[0].subscriptions == {b"last": 0}


@pytest.mark.parametrize("clean, wills", [(False, []), (True, [(b"t", b"gone", 0, False)])])
def test_a_will_that_waits_goes_with_the_session(clean, wills):
    sides = []
    first, second = (connected_to(Side(sides), "one", packets=V5(expiry=100)) for _ in range(2))
    first.set_last_will(Topic("t", delay=10), "gone")
    first.connect(clean_session=False)
    sides[0].drop()
    second.connect(clean_session=clean)
    sides[0].clock.advance(20_000)
    assert (sides[0].wills, sides[1].wills) == ([], wills)
