"""umqtt2.robust: a network that comes and goes."""

from __future__ import annotations

import pytest
import wire
from program import App

from umqtt2 import MQTTException, errno, robust
from umqtt2.session.pids import PidSession
from umqtt2.testing import FakeBroker, FakeTransport

REFUSED = OSError(111)
HOPELESS = [errno.ECONPROTOCOL, errno.ECONREJECT, errno.ECONCREDENTIALS, errno.ECONAUTH]


@pytest.fixture
def robustly(mocker):
    """Make an App with a robust client; its random times are the longest that they can be."""
    mocker.patch.object(robust, "urandom", return_value=b"\xff\xff")

    def make(transport=None, **options):
        a = App(transport or FakeBroker(), robust.MQTTClient, **options)
        a.ups = []
        a.client.set_callback_connection(a.ups.append)
        return a

    return make


@pytest.fixture
def a(robustly):
    a = robustly()
    a.client.connect()
    a.ups.clear()
    return a


def pass_time(a, seconds, step_ms=100):
    for _ in range(int(seconds * 1000 // step_ms)):
        a.clock.advance(step_ms)
        a.client.check_msg()


def test_it_connects_again_and_says_so(a):
    a.transport.drop()
    assert a.client.check_msg() is None
    assert not a.client.is_connected()
    pass_time(a, 3)
    assert a.client.is_connected()
    assert a.ups == [False, True]
    assert a.client.last_error.args[0] == errno.ECONCLOSE
    assert [c["clean"] for c in a.transport.connects] == [False, False]


def test_connect_tells_of_the_session(robustly):
    a = robustly()
    assert a.client.connect() is False
    assert a.ups == [True]
    a.client.disconnect()
    assert a.ups == [True, False]
    assert a.client.connect() is True


def test_a_first_connection_that_fails_is_made_later(robustly):
    a = robustly()
    a.transport.fail_open = REFUSED
    assert a.client.connect() is False
    assert a.client.last_error is REFUSED
    assert a.ups == []
    pass_time(a, 3)
    assert a.client.is_connected()
    assert a.ups == [True]


@pytest.mark.parametrize("where", ["fail_read", "fail_write"])
def test_no_fault_of_the_network_is_raised(a, where):
    setattr(a.transport, where, OSError(104))
    assert a.client.publish("t", "0") is None
    pid = a.client.publish("t", "1", qos=1)
    a.client.subscribe("s")
    a.client.unsubscribe("u")
    a.client.ping()
    a.client.check_msg()
    assert a.client.last_error.args[0] == 104
    pass_time(a, 5)
    assert (pid, errno.SDELIVERED) in a.statuses
    assert b"s" in a.transport.subscriptions


@pytest.mark.parametrize("when", ["before", "after"])
def test_messages_without_a_connection_are_delivered_in_order_when_there_is_one(robustly, when):
    a = robustly()
    if when == "after":
        a.client.connect()
        a.transport.drop()
        a.client.check_msg()
    pids = [a.client.publish("t", str(i), qos=1 + i % 2) for i in range(15)]
    a.client.subscribe("s", 2)
    assert a.statuses == []
    if when == "before":
        a.client.connect()
    pass_time(a, 5)
    assert [m[1] for m in a.transport.published] == [b"%d" % i for i in range(15)]
    assert sorted(pid for pid, status in a.statuses if status == errno.SDELIVERED)[:15] == pids
    assert a.transport.subscriptions == {b"s": 2}


def test_every_message_has_one_status(a):
    pid = a.client.publish("t", "m", qos=2)
    for _ in range(3):
        a.transport.drop()
        pass_time(a, 10)
    assert a.statuses == [(pid, errno.SDELIVERED)]
    assert a.transport.published == [(b"t", b"m", 2, False)]


def test_messages_at_qos_0_are_dropped(a):
    a.transport.drop()
    a.client.check_msg()
    a.client.publish("t", "m")
    pass_time(a, 3)
    assert a.transport.published == []


def test_or_kept_in_their_order(robustly):
    a = robustly(keep_qos0=True)
    a.client.publish("t", "0", True)
    a.client.connect()
    a.client.publish("t", "1")
    a.client.check_msg()
    a.client.publish("t", "2")
    assert [(m[1], m[2], m[3]) for m in a.transport.published] == [
        (b"0", 0, True),
        (b"1", 0, False),
        (b"2", 0, False),
    ]
    assert a.statuses == []
    assert a.client.session.waiting() == 0


def test_a_full_store_says_so(robustly):
    a = robustly()
    a.client.session.limit = 1
    a.client.publish("t", "1", qos=1)
    with pytest.raises(MQTTException) as caught:
        a.client.publish("t", "2", qos=1)
    assert caught.value.args[0] == errno.EFULL


def test_what_is_not_allowed_raises_without_a_connection_too(robustly):
    a = robustly()
    for args in [("a/#", "m"), ("t", "m", False, 3), ("a/#", "m", False, 1), ("", "m")]:
        with pytest.raises(ValueError):
            a.client.publish(*args)
    with pytest.raises(ValueError):
        a.client.subscribe("a#")
    with pytest.raises(ValueError):
        robustly(session=PidSession())
    with pytest.raises(ValueError):
        robustly(keepalive=70000).client.connect()


def test_the_times_between_attempts_grow_to_the_longest(robustly):
    a = robustly(backoff=(1, 8))
    times = []
    start = a.clock.now
    a.transport.open = lambda ms: times.append(a.clock.now - start) or (_ for _ in ()).throw(REFUSED)
    a.client.connect()
    for _ in range(5000):
        a.clock.advance(10)
        a.client.check_msg()
    gaps = [round((b - a) / 1000) for a, b in zip(times, times[1:])]
    assert gaps == [1, 2, 4, 8, 8, 8, 8, 8]


def test_the_times_are_random(robustly, mocker):
    a = robustly(backoff=(8, 8))
    a.client.connect()
    for chance, seconds in [(b"\x80\0", 4), (b"\x40\0", 2), (b"\0\0", 0)]:
        mocker.patch.object(robust, "urandom", return_value=chance)
        a.transport.drop()
        a.client.check_msg()
        before = a.clock.now
        while not a.client.is_connected():
            a.clock.advance(10)
            a.client.check_msg()
        assert (a.clock.now - before) // 1000 == seconds


def test_a_broker_that_throws_its_client_out_is_not_hammered(robustly):
    a = robustly(backoff=(1, 60))
    a.client.connect()
    for _ in range(600):
        if a.client.is_connected():
            a.transport.drop()
        a.clock.advance(1000)
        a.client.check_msg()
    assert a.transport.opens < 20


def test_after_a_connection_that_lasted_the_times_are_short_again(robustly):
    a = robustly(backoff=(1, 60))
    a.client.connect()
    for _ in range(5):
        a.transport.drop()
        pass_time(a, 70)
    opens = a.transport.opens
    a.transport.drop()
    pass_time(a, 2)
    assert a.transport.opens == opens + 1


@pytest.mark.parametrize("number", HOPELESS)
def test_a_refusal_that_no_retry_cures_is_told_and_retried_slowly(robustly, number):
    a = robustly(backoff=(1, 60))
    a.transport.return_code = number - errno.ECONUNKNOWN
    assert a.client.connect() is False
    assert a.client.last_error.args[0] == number
    assert a.ups == [False]
    pass_time(a, 29)
    assert len(a.transport.connects) == 1
    pass_time(a, 32)
    assert len(a.transport.connects) == 2
    assert a.ups == [False, False]
    a.transport.return_code = 0
    pass_time(a, 61)
    assert a.ups == [False, False, True]


@pytest.mark.parametrize("error", [OSError("the certificate has expired"), OSError(-30592, "alert")])
def test_so_is_a_certificate_that_does_not_verify(robustly, error):
    a = robustly(backoff=(1, 60))
    a.transport.fail_write = error
    a.client.connect()
    assert a.ups == [False]
    pass_time(a, 29)
    assert a.transport.opens == 1


@pytest.mark.parametrize("error", [OSError(-2), OSError("[addrinfo error -2]"), OSError()])
def test_a_name_that_is_not_found_is_looked_up_again_soon(robustly, error):
    a = robustly(backoff=(1, 60))
    a.transport.fail_open = error
    a.client.connect()
    pass_time(a, 2)
    assert a.client.is_connected()


def test_a_server_that_is_unavailable_is_tried_again_soon(robustly):
    a = robustly(backoff=(1, 60))
    a.transport.return_code = 3
    a.client.connect()
    assert a.ups == []
    a.transport.return_code = 0
    pass_time(a, 2)
    assert a.client.is_connected()


def test_a_silent_peer_is_noticed_within_one_and_a_half_keepalives(robustly):
    a = robustly(keepalive=20)
    a.client.connect()
    a.ups.clear()
    a.transport.silent = True
    silent = a.clock.now
    while not a.ups:
        a.clock.advance(100)
        a.client.check_msg()
    assert a.clock.now - silent <= 30000
    assert a.client.last_error.args[0] == errno.EKEEPALIVE


def test_a_peer_that_never_says_connack_is_given_up(robustly):
    a = robustly(FakeTransport(), socket_timeout=2)
    assert a.client.connect() is False
    assert a.client.last_error.args[0] == errno.ECONTIMEOUT
    assert 2000 <= a.clock.now < 2100


def test_connecting_goes_in_steps_that_do_not_wait(robustly):
    t = FakeTransport()
    a = robustly(t)
    t.fail_open = REFUSED
    a.client.connect()
    a.clock.advance(1000)
    before = a.clock.now
    t.write_sizes = iter([5, 0, 1, 0, None])
    for _ in range(6):
        a.client.check_msg()
    for byte in wire.connack(0):
        assert not a.client.is_connected()
        t.feed(bytes([byte]))
        a.client.check_msg()
    assert a.client.is_connected()
    assert a.clock.now == before
    assert t.sent.startswith(b"\x10")


def test_a_transport_that_opens_in_steps(robustly):
    class Stepping(FakeBroker):
        steps = 0

        def opening(self, timeout_ms):
            for _ in range(3):
                self.steps += 1
                yield
            self.open(timeout_ms)

    a = robustly(Stepping())
    a.client.connect()
    assert a.transport.steps == 3
    assert a.client.is_connected()


@pytest.mark.parametrize("error", [OSError(5), MQTTException(99), KeyError("x")])
@pytest.mark.parametrize("callback", ["message", "status"])
def test_what_a_callback_raises_reaches_the_program(a, error, callback):
    def fail(*args):
        raise error

    if callback == "message":
        a.client.set_callback(fail)
        a.transport.deliver("t", "m", qos=1)
    else:
        a.client.set_callback_status(fail)
        a.client.publish("t", "m", qos=1)
    with pytest.raises(type(error)):
        a.client.check_msg()
    assert a.client.is_connected()
    a.client.set_callback(lambda *args: None)
    a.client.check_msg()


def test_so_it_does_when_the_callback_ends_the_connection(a):
    def fail(*args):
        a.client.disconnect()
        raise OSError(5)

    a.client.set_callback(fail)
    a.transport.deliver("t", "m")
    with pytest.raises(OSError):
        a.client.check_msg()


def test_a_fault_that_is_not_the_networks_is_raised_and_can_be_recovered_from(robustly):
    a = robustly()
    a.client.connect()
    a.transport.drop()
    a.client.check_msg()
    good = a.transport.open

    def short(ms):
        a.transport.open = good
        raise MemoryError

    a.transport.open = short
    with pytest.raises(MemoryError):
        pass_time(a, 3)
    assert not a.client.is_connected()
    pass_time(a, 3)
    assert a.client.is_connected()


def test_it_stays_away_after_disconnect(a):
    a.client.disconnect()
    assert a.transport.disconnected
    with pytest.raises(MQTTException) as caught:
        a.client.check_msg()
    assert caught.value.args[0] == errno.ECONNOT
    pid = a.client.publish("t", "later", qos=1)
    a.client.connect()
    pass_time(a, 1)
    assert (pid, errno.SDELIVERED) in a.statuses


def test_a_callback_may_disconnect(a):
    a.client.set_callback(lambda *args: a.client.disconnect())
    a.transport.deliver("t", "m")
    assert a.client.wait_msg() == 0x30
    assert not a.client.is_connected()


def test_wait_msg_waits_through_a_reconnect(a):
    a.transport.deliver("t", "m", qos=1)
    a.transport.incoming.clear()
    a.transport.drop()
    assert a.client.wait_msg() & 0xF0 == 0x30
    assert a.messages[0][:2] == (b"t", b"m")


def test_a_broker_that_forgot_the_session_gets_subscriptions_and_messages_anew(a):
    a.client.subscribe("s", 1)
    a.client.check_msg()
    a.client.check_msg()
    a.transport.forget()
    a.transport.drop()
    pass_time(a, 3)
    assert a.transport.subscriptions == {b"s": 1}


def test_connect_with_a_clean_session_is_clean_each_time(robustly):
    a = robustly()
    a.client.connect(clean_session=True)
    a.client.subscribe("s", 1)
    a.client.check_msg()
    a.transport.drop()
    pass_time(a, 3)
    assert [c["clean"] for c in a.transport.connects] == [True, True]
    assert a.transport.subscriptions == {b"s": 1}


def test_an_idle_client_asks_nothing_of_the_store_but_what_waits(a):
    for _ in range(5):
        assert a.client.check_msg() is None
    assert a.statuses == [] and a.ups == []


def test_a_callback_that_disconnects_ends_it(a):
    a.client.set_callback(lambda *args: a.client.disconnect())
    a.transport.deliver("t", "m", qos=1)
    a.client.check_msg()
    opens = a.transport.opens
    for _ in range(50):
        a.clock.advance(1000)
        with pytest.raises(MQTTException):
            a.client.check_msg()
    assert a.transport.opens == opens


@pytest.mark.parametrize("error", [MemoryError(), OSError(2)])
def test_what_fails_while_an_attempt_is_prepared_is_tried_again(a, monkeypatch, error):
    a.transport.drop()
    a.client.check_msg()
    good = a.client._begin

    def fail(clean):
        a.client._begin = good
        robust.ExactClient.disconnect(a.client)
        a.client._wanted = False
        raise error

    a.client._begin = fail
    for _ in range(50):
        a.clock.advance(100)
        try:
            a.client.check_msg()
        except MemoryError:
            pass
    assert a.client.is_connected()


def test_a_broker_that_breaks_mqtt_is_a_fault_of_the_network(a):
    a.transport.deliver("a/#", "x")
    a.client.check_msg()
    assert a.client.last_error.args[0] == errno.ERESPONSE
    assert a.messages == []


def test_a_command_whose_callback_meets_a_fault_is_given_once(a):
    def on_message(topic, msg, retained, dup):
        a.messages.append(msg)
        a.transport.fail_write = OSError(104)
        a.client.publish("reply", msg, qos=1)

    a.client.set_callback(on_message)
    a.transport.deliver("t", "m", qos=2)
    pass_time(a, 5)
    assert a.messages == [b"m"]
    assert a.transport.acknowledged == [1]
    assert [m[0] for m in a.transport.published] == [b"reply"]


def test_a_command_to_go_to_sleep_is_given_once(robustly):
    a = robustly()
    a.client.connect()

    def on_message(*args):
        a.messages.append(args[1])
        a.client.disconnect()

    a.client.set_callback(on_message)
    a.transport.deliver("t", "sleep", qos=2)
    for _ in range(4):
        for _ in range(3):
            if a.client.is_connected():
                a.client.check_msg()
        a.client.connect()
    a.client.check_msg()
    assert a.messages == [b"sleep"]


@pytest.mark.parametrize("backoff", [(0, 0), (0, 5), (-1, 5), (5, 1), (1, 1e6)])
def test_a_backoff_that_makes_no_sense_is_a_value_error(robustly, backoff):
    with pytest.raises(ValueError, match="backoff"):
        robustly(backoff=backoff)


def test_connecting_from_the_connection_callback_does_not_recurse(robustly):
    a = robustly(backoff=(1, 60))
    a.transport.return_code = 5
    a.client.set_callback_connection(lambda up: up or a.client.connect())
    a.client.connect()
    for _ in range(20):
        a.client.check_msg()
    assert len(a.transport.connects) < 30
    a.transport.return_code = 0
    pass_time(a, 61)
    assert a.client.is_connected()


def test_subscribing_again_and_again_without_a_connection_is_asked_for_once(a):
    a.transport.drop()
    a.client.check_msg()
    pids = {a.client.subscribe("s", i % 3) for i in range(100)}
    assert len(pids) == 1
    a.client.unsubscribe("u")
    a.client.subscribe("u", 1)
    pass_time(a, 5)
    assert a.transport.subscriptions == {b"s": 0, b"u": 1}
    assert (pids.pop(), errno.SDELIVERED) in a.statuses


def test_a_publish_that_raises_has_not_taken_the_message(a):
    a.client._drain = lambda: (_ for _ in ()).throw(MemoryError())
    with pytest.raises(MemoryError):
        a.client.publish("t", "m", qos=1)
    assert a.client.session.waiting() == 0
