"""The umqtt.simple2 shim: what programs of umqtt.simple2 do with it."""

from __future__ import annotations

import itertools

import pytest
from umqtt import errno as umqtt_errno
from umqtt import simple2
from umqtt.simple2 import MQTTClient, MQTTException, pid_gen

from tests.unit import wire
from umqtt2.errno import ECONNOT, ECONTIMEOUT, EFULL, SDROPPED
from umqtt2.testing import FakeBroker, FakeTransport


@pytest.fixture
def broker():
    return FakeBroker()


@pytest.fixture
def client(broker):
    return MQTTClient("id", "broker", transport=broker, clock=broker.clock)


def test_the_attributes_of_a_new_client():
    c = MQTTClient("id", "srv", 0, "u", "p", 30, ssl=True)
    assert (c.client_id, c.server, c.port, c.user, c.pswd) == ("id", "srv", 8883, "u", "p")
    assert (c.keepalive, c.ssl, c.ssl_params) == (30, True, {})
    assert (c.socket_timeout, c.message_timeout) == (5, 10)
    assert (c.lw_topic, c.lw_msg, c.lw_qos, c.lw_retain) == (None, None, 0, False)
    assert (c.sock, c.cb, c.rcv_pids) == (None, None, {})
    c.cbstat(1, 2)
    assert next(c.newpid) == 1
    assert isinstance(c.last_ping, int) and isinstance(c.last_cpacket, int)


def test_pid_gen():
    assert [next(g) for g in [pid_gen(65533)] * 4] == [65534, 65535, 1, 2]


def test_the_errors_have_their_names():
    assert umqtt_errno.ECONUNAVAIBLE == 23
    assert umqtt_errno.SDELIVERED == 1
    assert simple2.MQTTException is MQTTException


def test_attributes_set_before_connect_count(client, broker):
    client.user, client.pswd, client.client_id, client.keepalive = "u2", "p2", "id2", 9
    client.lw_topic, client.lw_msg, client.lw_qos, client.lw_retain = "w", "gone", 1, True
    client.connect()
    seen = broker.connects[0]
    assert (seen["user"], seen["password"], seen["client_id"], seen["keepalive"]) == (
        b"u2", b"p2", b"id2", 9,
    )
    assert seen["will"] == (b"w", b"gone", 1, True)
    client.lw_topic = None
    client.connect()
    assert broker.connects[1]["will"] is None


def test_set_last_will_fills_the_attributes(client):
    client.set_last_will("w", "m", retain=True, qos=1)
    assert (client.lw_topic, client.lw_msg, client.lw_qos, client.lw_retain) == ("w", "m", 1, True)


def test_rcv_pids_is_what_is_in_flight(client, broker):
    client.connect()
    broker.silent = True
    pid = client.publish("t", "m", qos=1)
    assert client.rcv_pids == {pid: 10_000}
    statuses = []
    client.set_callback_status(lambda *args: statuses.append(args))
    client.rcv_pids[77] = 5000  # a program waits for an answer of its own
    broker.clock.advance(5000)
    client.check_msg()
    assert statuses == [(77, 0)]
    client.rcv_pids = {}
    broker.clock.advance(60_000)
    client.check_msg()
    assert statuses == [(77, 0)]


def test_newpid_can_be_replaced_and_skips_what_is_in_flight(client, broker):
    client.connect()
    client.newpid = pid_gen(100)
    client.rcv_pids[102] = 60_000
    assert [client.publish("t", "m", qos=1) for _ in range(3)] == [101, 103, 104]


def test_what_newpid_gives_out_may_end_or_repeat(client, broker):
    client.connect()
    broker.silent = True
    client.newpid = iter([1, 1, 2])
    assert [client.publish("t", "m", qos=1) for _ in range(2)] == [1, 2]
    for pids in (iter([]), itertools.repeat(1)):
        client.newpid = pids
        with pytest.raises(MQTTException) as caught:
            client.publish("t", "m", qos=1)
        assert caught.value.args[0] == EFULL
    assert set(client.rcv_pids) == {1, 2}


def test_there_is_no_limit_to_the_messages_in_flight(client, broker):
    client.connect()
    broker.silent = True
    assert [client.publish("t", "m", qos=1) for _ in range(100)] == list(range(1, 101))
    client.rcv_pids.update(dict.fromkeys(range(1, 65536), 100))
    with pytest.raises(MQTTException):
        client.publish("t", "m", qos=1)


def test_only_an_acknowledgement_of_the_right_kind_counts(client, broker):
    statuses = []
    client.set_callback_status(lambda *args: statuses.append(args))
    client.connect()
    broker.silent = True
    pid = client.publish("t", "m", qos=1)
    client.rcv_pids[77] = 5000  # of a packet of the program's own
    broker.feed(wire.suback(pid) + wire.ack(0xB0, 77) + wire.ack(0x40, pid) + wire.ack(0x40, pid))
    while client.check_msg():
        pass
    assert statuses == [(pid, 2), (77, 1), (pid, 1), (pid, 2)]
    assert client.rcv_pids == {}


def test_a_message_that_could_not_be_sent_is_not_in_flight(client, broker):
    client.connect()
    broker.fail_write = OSError(104)
    with pytest.raises(OSError):
        client.publish("t", "m", qos=1)
    assert client.rcv_pids == {}
    assert client.sock is None


def test_a_timeout_of_weeks(client, broker):
    client.message_timeout = 3_000_000
    client.connect()
    broker.silent = True
    client.publish("t", "m", qos=1)
    broker.clock.advance(100_000_000)
    client.check_msg()
    assert client.rcv_pids


def test_when_a_packet_came_and_when_it_pinged(client, broker):
    ticks = broker.clock
    ticks.advance(1000)
    client.set_callback(lambda *args: None)
    client.connect()
    assert (client.last_cpacket, client.last_ping) == (1000, 0)
    ticks.advance(1000)
    client.ping()
    assert (client.last_cpacket, client.last_ping) == (1000, 2000)
    ticks.advance(1000)
    client.check_msg()
    assert client.last_cpacket == 3000
    for packet in (wire.publish(b"t", b"m"), wire.ack(0x40, 9)):
        ticks.advance(1000)
        client.check_msg()
        before = client.last_cpacket
        broker.feed(packet)
        client.check_msg()
        assert client.last_cpacket == ticks.now == before + 1000


def test_a_clean_session_clears_rcv_pids(client):
    client.rcv_pids[5] = 1
    client.connect(clean_session=False)
    assert client.rcv_pids == {5: 1}
    client.connect()
    assert client.rcv_pids == {}


def test_check_msg_returns_what_simple2_returned(broker, client):
    client.set_callback(lambda *args: None)
    client.connect()
    client.subscribe("t")
    client.publish("t", "m", qos=1)
    client.ping()
    broker.deliver("t", "m")
    assert [client.check_msg() for _ in range(4)] == [0x90, 0x40, None, None]
    client.publish("t", "m", qos=1)
    assert client.wait_msg() == 0x40


def test_a_refused_subscription_raises_and_the_connection_lives(broker, client):
    client.set_callback(lambda *args: None)
    client.connect()
    broker.refused.add(b"secret")
    client.subscribe("secret")
    with pytest.raises(MQTTException) as caught:
        client.check_msg()
    assert caught.value.args == (44,)
    client.publish("t", "m")


@pytest.mark.parametrize("qos", [2, 3, -1, None])
def test_a_qos_that_simple2_did_not_know_is_an_assertion_error(client, broker, qos):
    client.set_callback(lambda *args: None)
    client.connect()
    with pytest.raises(AssertionError):
        client.publish("t", "m", qos=qos)
    with pytest.raises(AssertionError):
        client.subscribe("t", qos)
    client.publish("t", "m")
    assert broker.published == [(b"t", b"m", 0, False)]
    assert client.rcv_pids == {}


def test_a_last_will_may_have_qos_2_but_not_3_and_needs_a_topic(client, broker):
    client.set_last_will("t", "m", qos=2)
    with pytest.raises(AssertionError):
        client.set_last_will("t", "m", qos=3)
    with pytest.raises(AssertionError):
        client.set_last_will("", "m")
    client.connect()
    assert broker.connects[0]["will"] == (b"t", b"m", 2, False)


def test_to_subscribe_without_a_callback_is_an_assertion_error(client):
    client.connect()
    with pytest.raises(AssertionError, match="Subscribe callback is not set"):
        client.subscribe("t")
    client.cb = lambda *args: None
    client.subscribe("t")


def test_a_message_without_a_callback_is_told(client, broker):
    client.connect()
    client.cbstat = lambda *args: statuses.append(args)
    statuses = []
    broker.deliver("t", "m", qos=1)
    client.check_msg()
    assert statuses == [(0, SDROPPED)]
    assert broker.acknowledged == [1]


def test_ssl_params_without_ssl_mean_nothing(mocker):
    """umqtt.simple2 did not look at them."""
    tcp = mocker.patch("umqtt2.transport.tcp.TCPTransport.opening", side_effect=OSError(111))
    c = MQTTClient("id", "host", ssl_params={"server_hostname": "other", "colour": 1})
    assert c.ssl_params == {"server_hostname": "other", "colour": 1} and c.port == 1883
    with pytest.raises(OSError):
        c.connect()
    tcp.assert_called_once()


def test_an_exception_of_a_callback_reaches_the_program(client, broker):
    client.set_callback(lambda *args: 1 / 0)
    client.connect()
    broker.deliver("t", "m", qos=1)
    with pytest.raises(ZeroDivisionError):
        client.check_msg()
    client.publish("t", "m")


def test_a_subclass_may_define_the_callbacks_as_methods(broker):
    class Program(MQTTClient):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.seen = []

        def cb(self, topic, msg, retained, dup):
            self.seen.append((topic, msg))

        def cbstat(self, pid, status):
            self.seen.append((pid, status))

    p = Program("id", "broker", transport=broker, clock=broker.clock)
    p.connect()
    pid = p.subscribe("t")
    broker.deliver("t", "m")
    p.check_msg()
    p.check_msg()
    assert p.seen == [(pid, 1), (b"t", b"m")]


def test_a_subclass_may_send_a_packet_of_its_own(client, broker):
    client.connect()
    broker.subscriptions[b"t"] = 0
    packet = bytearray(b"\xa2\0\0\0\0\0\0")
    pid = next(client.newpid)
    n = client._varlen_encode(2 + 2 + 1, packet, 1)
    packet[n : n + 2] = pid.to_bytes(2, "big")
    client._write(packet, n + 2)
    client._send_str("t")
    assert broker.subscriptions == {}
    assert client._write(b"\xc0\0") == 2


def test_a_packet_of_its_own_on_a_slow_connection(client, broker):
    client.connect()
    broker.write_sizes = itertools.cycle([0, 1, 0, 3])
    client._write(wire.publish(b"t", b"m" * 50))
    assert broker.published == [(b"t", b"m" * 50, 0, False)]
    broker.write_sizes = 0
    with pytest.raises(MQTTException) as caught:
        client._write(b"\xc0\0")
    assert caught.value.args[0] == ECONTIMEOUT
    with pytest.raises(MQTTException) as caught:
        client._write(b"\xc0\0")
    assert caught.value.args[0] == ECONNOT


def test_sock_is_the_transports(mocker):
    transport = FakeTransport(wire.connack())
    transport.sock = mocker.Mock()
    c = MQTTClient("id", "broker", transport=transport, clock=transport.clock)
    assert c.sock is None
    c.connect()
    assert c.sock is transport.sock
    c.disconnect()
    assert c.sock is None


def test_messages_as_large_as_the_memory_allows(client, broker):
    seen = []
    client.set_callback(lambda *args: seen.append(args))
    client.connect()
    broker.deliver("t", b"x" * 100_000)
    while not seen:
        client.check_msg()
    assert len(seen[0][1]) == 100_000
