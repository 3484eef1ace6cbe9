"""Keep alive: pings by itself, and notices a broker that is gone."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit import wire
from tests.unit.program import App
from umqtt2 import MQTTException, errno
from umqtt2.testing import FakeBroker


def pings(a):
    return bytes(a.transport.sent).count(b"\xc0\0")


@pytest.mark.mqtt("MQTT-3.1.2-23")
def test_an_idle_client_pings_within_the_keepalive(app):
    a = app(keepalive=10)
    a.connect()
    longest = quiet = 0
    for _ in range(100_000 // 100):
        a.clock.advance(100)
        quiet += 100
        before = pings(a)
        a.client.check_msg()
        if pings(a) > before:
            longest = max(longest, quiet)
            quiet = 0
    assert 0 < longest < 10_000
    assert pings(a) <= 21


def test_no_keepalive_no_pings(connected):
    for _ in range(100):
        connected.clock.advance(100_000)
        connected.client.check_msg()
    assert connected.transport.sent == b""


@pytest.mark.mqtt("MQTT-3.1.2-23")
def test_incoming_traffic_alone_does_not_replace_a_ping(app):
    a = app(keepalive=10)
    a.connect()
    for _ in range(30):
        a.clock.advance(1000)
        a.transport.deliver("t", "m")
        while a.client.check_msg():
            pass
    assert pings(a) >= 3


@pytest.mark.mqtt("MQTT-3.1.2-23")
def test_a_flood_does_not_starve_the_ping(app):
    a = app(keepalive=10)
    a.connect()
    for _ in range(30):
        a.clock.advance(1000)
        a.transport.deliver("t", "m")
        a.transport.deliver("t", "m")
        a.client.check_msg()  # never finds the socket empty
    assert pings(a) >= 3


def test_sending_alone_does_not_hide_a_broker_that_is_gone(app):
    a = app(keepalive=10)
    a.connect()
    a.transport.silent = True
    with pytest.raises(MQTTException) as caught:
        for _ in range(30):
            a.clock.advance(1000)
            a.client.publish("t", "m")
            a.client.check_msg()
    assert caught.value.args == (errno.EKEEPALIVE,)
    assert a.clock.now <= 15_000
    assert not a.transport.is_open


def test_publishing_at_qos_0_to_a_living_broker_goes_on(app):
    a = app(keepalive=10)
    a.connect()
    for _ in range(100):
        a.clock.advance(1000)
        a.client.publish("t", "m")
        a.client.check_msg()


@pytest.mark.parametrize("start", [0, 2**30 - 12_000])
def test_a_broker_that_is_gone_is_noticed(app, start):
    a = app(keepalive=10)
    a.clock.now = start
    a.connect()
    a.transport.silent = True
    with pytest.raises(MQTTException) as caught:
        for _ in range(30):
            a.clock.advance(1000)
            a.client.check_msg()
    assert caught.value.args == (errno.EKEEPALIVE,)
    assert a.clock.ticks_diff(a.clock.now, start) <= 15_000
    a.transport.silent = False
    a.client.connect()
    a.client.check_msg()


def test_wait_msg_notices_too(app):
    a = app(keepalive=10)
    a.connect()
    a.transport.silent = True
    with pytest.raises(MQTTException) as caught:
        a.client.wait_msg()
    assert caught.value.args == (errno.EKEEPALIVE,)
    assert a.clock.now <= 15_000


def test_a_program_that_did_not_look_for_long_is_not_the_brokers_fault(app):
    a = app(keepalive=10)
    a.connect()
    a.clock.advance(100_000)
    a.client.check_msg()  # pings
    a.clock.advance(100_000)
    a.client.check_msg()  # the answer has been waiting
    a.clock.advance(1)
    a.client.check_msg()


def test_bytes_of_a_long_message_are_a_sign_of_life(app):
    a = app(keepalive=10)
    a.connect()
    a.transport.silent = True
    data = wire.publish(b"t", b"x" * 100)
    for i in range(len(data)):
        a.transport.feed(data[i : i + 1])
        a.clock.advance(2000)
        a.client.check_msg()
    assert a.messages[0][1] == b"x" * 100


def test_ping_by_hand(connected):
    connected.client.ping()
    assert connected.transport.sent == b"\xc0\0"
    assert connected.client.check_msg() == 0xD0


def test_pinging_by_hand_does_not_hide_a_broker_that_is_gone(app):
    a = app(keepalive=10)
    a.connect()
    a.transport.silent = True
    with pytest.raises(MQTTException) as caught:
        for _ in range(30):
            a.clock.advance(4000)
            a.client.ping()
            a.client.check_msg()
    assert caught.value.args == (errno.EKEEPALIVE,)
    assert a.clock.now <= 20_000


def test_a_message_that_trickles_in_does_not_bring_a_ping_at_every_look(app):
    a = app(keepalive=10)
    a.connect()
    a.transport.silent = True  # what it answered would come after the message
    data = wire.publish(b"t", b"x" * 5000)
    for i in range(0, len(data), 100):
        a.transport.feed(data[i : i + 100])
        a.clock.advance(200)
        a.client.check_msg()
    assert a.messages[0][1] == b"x" * 5000
    assert pings(a) <= 3


# --- Programs that look seldom -------------------------------------------------------------------------------


class Watched(FakeBroker):
    """Knows the longest time between two packets of its client."""

    time = last = longest = 0

    def _answer(self, first, body):
        if first == 0x10:
            self.last = self.time
        self.longest = max(self.longest, self.time - self.last)
        self.last = self.time
        super()._answer(first, body)


def looks(a, ms):
    a.clock.advance(ms)
    a.transport.time += ms
    while a.client.check_msg():
        pass


TRAFFIC = {
    "nothing": lambda a: None,
    "in": lambda a: a.transport.deliver("t", "m"),
    "out": lambda a: a.client.publish("t", "m"),
    "ping by hand": lambda a: a.client.ping(),
}


@pytest.mark.mqtt("MQTT-3.1.2-23")
@pytest.mark.parametrize("what", TRAFFIC)
@settings(max_examples=100, deadline=None)
@given(
    keepalive=st.sampled_from([5, 10, 60, 601]),
    share=st.floats(0.003, 2),
    before=st.integers(1, 12),
    seldom=st.integers(1, 12),
)
@example(keepalive=5, share=2, before=3, seldom=1)  # a look in ten seconds
@example(keepalive=10, share=1, before=3, seldom=1)
@example(keepalive=60, share=1 / 6, before=3, seldom=1)
@example(keepalive=10, share=0.49, before=3, seldom=12)
@example(keepalive=60, share=0.26, before=3, seldom=12)
def test_a_broker_that_is_gone_is_noticed_within_a_keepalive_and_one_look(what, keepalive, share, before, seldom):
    period = int(keepalive * 1000 * share)
    a = App(Watched(), keepalive=keepalive)
    a.client.connect()
    for n in range(before):
        looks(a, period)
        if n % seldom == 0:
            TRAFFIC[what](a)
    while a.client.check_msg():
        pass
    # Nothing is on its way any more, and all that the client heard it has heard by now.
    assert a.transport.longest <= max(keepalive * 1000, period)
    a.transport.silent = True
    quiet = n = 0
    with pytest.raises(MQTTException) as caught:
        while True:
            if what in ("out", "ping by hand") and n % seldom == 0:
                TRAFFIC[what](a)
            n += 1
            quiet += period
            looks(a, period)
            assert quiet < 4 * max(keepalive * 1000, period)
    assert caught.value.args == (errno.EKEEPALIVE,)
    # A program that looks less than once in a keepalive asks with one look and hears no answer with the next.
    assert quiet <= max(keepalive * 1000, period) + period


@settings(max_examples=100, deadline=None)
@given(
    keepalive=st.sampled_from([5, 10, 60]),
    gaps=st.lists(st.floats(0.002, 1.5), min_size=5, max_size=60),
    late=st.floats(0, 0.24),
    by_hand=st.sets(st.integers(0, 59), max_size=5),
)
def test_a_broker_that_answers_within_a_quarter_of_the_keepalive_is_not_given_up(keepalive, gaps, late, by_hand):
    a = App(FakeBroker(), keepalive=keepalive)
    a.client.connect()
    a.transport.silent = True
    now = 0
    answers = []
    for n, gap in enumerate(gaps):
        ms = int(keepalive * 1000 * gap)
        now += ms
        a.clock.advance(ms)
        while answers and answers[0] <= now:
            a.transport.feed(b"\xd0\0")
            del answers[0]
        for call in [a.client.check_msg] * 2 + [a.client.ping] * (n in by_hand) + [a.client.check_msg]:
            before = pings(a)
            call()
            if pings(a) > before:
                answers.append(now + int(keepalive * 1000 * late))


@settings(max_examples=100, deadline=None)
@given(
    keepalive=st.sampled_from([5, 10, 60]),
    gaps=st.lists(st.floats(0.01, 0.5), min_size=3, max_size=80),
    what=st.sampled_from(["nothing", "in", "out"]),
)
@pytest.mark.mqtt("MQTT-3.1.2-23")
def test_pings_go_out_in_time_however_odd_the_looks_are(keepalive, gaps, what):
    a = App(Watched(), keepalive=keepalive)
    a.client.connect()
    for n, gap in enumerate(gaps):
        if n % 5 == 0:
            TRAFFIC[what](a)
        looks(a, int(keepalive * 1000 * gap))
        assert a.transport.time - a.transport.last <= keepalive * 1000
    assert a.transport.longest <= keepalive * 1000


def test_a_ping_by_hand_after_a_long_time_is_given_time_to_be_answered(app):
    a = app(keepalive=10)
    a.connect()
    a.transport.silent = True
    a.clock.advance(9000)
    a.client.ping()
    a.client.check_msg()
    a.clock.advance(2000)
    a.client.check_msg()
    a.transport.feed(b"\xd0\0")
    assert a.client.check_msg() == 0xD0
