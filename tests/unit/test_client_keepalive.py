"""Keep alive: pings by itself, and notices a broker that is gone."""

from __future__ import annotations

import pytest
import wire

from umqtt2 import MQTTException, errno


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
