"""umqtt2.robust: a network that comes and goes."""

from __future__ import annotations

import pytest

from tests.unit import wire
from tests.unit.program import App, Late, pass_time
from umqtt2 import MQTTException, errno, reconnect, robust
from umqtt2.connection import GREETING, UP
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.session.packet_ids import PacketIdSession
from umqtt2.testing import FakeBroker, FakeTransport

REFUSED = OSError(111)
PERMANENT = [errno.ECONPROTOCOL, errno.ECONREJECT, errno.ECONCREDENTIALS, errno.ECONAUTH]


@pytest.fixture
def robustly(mocker):
    """Make an App with a robust client; its random times are the longest that they can be."""
    mocker.patch.object(reconnect, "urandom", return_value=b"\xff\xff")

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
        robustly(session=PacketIdSession())
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
        mocker.patch.object(reconnect, "urandom", return_value=chance)
        a.transport.drop()
        a.client.check_msg()
        before = a.clock.now
        while not a.client.is_connected():
            a.clock.advance(10)
            a.client.check_msg()
        assert abs(a.clock.now - before - seconds * 1000) <= 130


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


@pytest.mark.parametrize("number", PERMANENT)
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
    assert 2000 <= a.clock.now < 2200


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
    good = a.transport.open

    def fail(timeout_ms):
        a.transport.open = good
        raise error

    a.transport.open = fail
    for _ in range(50):
        a.clock.advance(100)
        try:
            a.client.check_msg()
        except MemoryError:
            pass
    assert a.client.is_connected()


def test_a_broker_that_breaks_mqtt_is_a_fault_of_the_network(a):
    a.transport.feed(b"\xf0\0")
    a.client.check_msg()
    assert a.client.last_error.args[0] == errno.ERESPONSE
    assert not a.client.is_connected()


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


def test_a_publish_that_raises_has_not_taken_the_message(a, monkeypatch):
    monkeypatch.setattr(a.client.connection, "drain", lambda pid: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryError):
        a.client.publish("t", "m", qos=1)
    assert a.client.session.waiting() == 0
    monkeypatch.undo()
    pass_time(a, 5)
    assert a.client.is_connected()
    assert a.transport.published == []


def test_the_keepalive_is_a_minute_unless_the_program_says_otherwise(a, robustly):
    assert a.transport.connects[0]["keepalive"] == 60
    other = robustly(keepalive=0)
    other.client.connect()
    assert other.transport.connects[0]["keepalive"] == 0


def test_without_urandom_the_numbers_come_from_random():
    import os

    source = open(reconnect.__file__).read()
    system = os.urandom
    del os.urandom
    try:
        scope = {"__name__": "umqtt2.reconnect", "__package__": "umqtt2"}
        exec(compile(source, reconnect.__file__, "exec"), scope)
    finally:
        os.urandom = system
    numbers = {scope["urandom"](2) for _ in range(50)}
    assert len(numbers) > 40 and {len(n) for n in numbers} == {2}
    assert reconnect.urandom is system


# --- A program that looks rarely -----------------------------------------------------------------------


class Distant(FakeBroker):
    """It takes `steps` looks to open, and all that the broker says arrives `latency` ms later."""

    steps = 3
    latency = 20

    def opening(self, timeout_ms):
        self.due = []
        for _ in range(self.steps):
            yield
        self.open(timeout_ms)

    def feed(self, data):
        self.due.append((self.clock.ticks_add(self.clock.now, self.latency), data))

    def readinto(self, buf, n):
        while self.due and self.clock.ticks_diff(self.clock.now, self.due[0][0]) >= 0:
            super().feed(self.due.pop(0)[1])
        return super().readinto(buf, n)


@pytest.mark.parametrize("latency", [0, 20, 4000])
@pytest.mark.parametrize("steps", [0, 1, 3, 6])
@pytest.mark.parametrize("period", [1000, 4900, 5000, 10000, 60000])
def test_it_connects_whatever_the_period_in_which_the_program_looks(robustly, period, steps, latency):
    a = robustly(Distant(), keepalive=0, backoff=(1, 60))
    a.client.connect()
    assert a.client.is_connected()
    a.transport.steps = steps
    a.transport.latency = latency
    a.transport.drop()
    looks = 0
    while looks < 2 or not a.client.is_connected():
        a.clock.advance(period)
        a.client.check_msg()
        looks += 1
        assert looks < 20 + 6000 // period
    assert a.ups == [True, False, True]
    assert a.transport.opens == 2
    pid = a.client.publish("t", "m", qos=1)
    for _ in range(2 + 4000 // period):
        a.clock.advance(period)
        a.client.check_msg()
    assert a.statuses == [(pid, errno.SDELIVERED)]


@pytest.mark.parametrize("period", [100, 1000, 5000, 10000])
def test_each_phase_of_connecting_has_a_limit_of_its_own(robustly, period):
    a = robustly(Distant(), keepalive=0, socket_timeout=5)
    a.client.connect()
    a.transport.steps = 4900 // period
    a.transport.latency = 4900 if period < 5000 else 20
    a.transport.drop()
    for _ in range(20000 // period + 20):
        a.clock.advance(period)
        a.client.check_msg()
    assert a.client.is_connected()
    assert a.transport.opens == 2


@pytest.mark.parametrize("period", [100, 1000, 10000])
def test_a_broker_that_does_not_answer_is_given_up_whatever_the_period(robustly, period):
    a = robustly(backoff=(1, 1))
    a.client.connect()
    a.transport.silent = True
    a.transport.drop()
    for _ in range(10000 // period + 20):
        a.clock.advance(period)
        a.client.check_msg()
    assert a.client.last_error.args[0] == errno.ECONTIMEOUT
    a.transport.silent = False
    for _ in range(10000 // period + 10):
        a.clock.advance(period)
        a.client.check_msg()
    assert a.client.is_connected()


def test_subscriptions_that_were_granted_while_it_did_not_look_are_renewed(robustly):
    a = robustly(keepalive=0)
    a.client.connect()
    for topic in "abc":
        a.client.subscribe(topic)
    a.clock.advance(60000)
    a.drain()
    a.transport.forget()
    a.transport.drop()
    pass_time(a, 3)
    assert sorted(a.transport.subscriptions) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("eager", [True, False])
def test_what_it_subscribed_to_without_a_connection_has_its_time_once_it_is_sent(robustly, eager):
    a = robustly(Distant(), keepalive=0, message_timeout=10)
    a.client.connect(eager=eager)
    a.client.subscribe("a")
    a.clock.advance(1000)
    a.drain()
    a.transport.drop()
    a.client.check_msg()
    a.client.subscribe("b")
    for _ in range(20):
        a.clock.advance(15000)
        a.client.check_msg()
    assert [status for _, status in a.statuses] == [errno.SDELIVERED] * 2
    assert sorted(a.transport.subscriptions) == [b"a", b"b"]


class Slow(FakeBroker):
    """Takes a byte in each millisecond, and has room for some hundred."""

    room = last = 0

    def write(self, buf, offset, n):
        self.room = min(500, self.room + self.clock.now - self.last)
        self.last = self.clock.now
        n = min(n, self.room)
        self.room -= n
        return super().write(buf, offset, n) if n else None


def test_many_messages_that_waited_go_over_a_slow_link_in_one_connection(robustly):
    # Each of them takes 2 s, all of them much more than `socket_timeout`.
    a = robustly(Slow(), socket_timeout=5)
    pids = [a.client.publish("t", bytes(2000), qos=1) for _ in range(20)]
    a.clock.advance(1000)
    a.client.connect()
    pass_time(a, 60)
    assert a.statuses == [(pid, errno.SDELIVERED) for pid in pids]
    assert a.ups == [True]


# --- Threads -------------------------------------------------------------------------------------------


def test_the_connection_callback_is_called_later_when_another_thread_is_at_work(a, mocker):
    step = a.client.connection.step

    def step_and_let_another_in():
        try:
            return step()
        finally:
            a.client.connection.busy = True

    a.transport.drop()
    mocker.patch.object(a.client.connection, "step", step_and_let_another_in)
    with pytest.raises(MQTTException) as caught:
        a.client.check_msg()
    assert caught.value.args == (errno.EBUSY,)
    mocker.stopall()
    a.client.connection.busy = False
    a.client.check_msg()
    assert a.ups == [False]


def test_another_thread_at_work_is_not_taken_for_a_fault_of_the_network(a, mocker, capsys):
    mocker.patch.object(a.client.connection, "step", side_effect=MQTTException(errno.EBUSY))
    with pytest.raises(MQTTException) as caught:
        a.client.check_msg()
    assert caught.value.args == (errno.EBUSY,)
    assert a.client.last_error is None
    assert capsys.readouterr().out == ""


# --- Backoff -------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("when", ["at once", "after 2 s", "after 2 s with a word"])
@pytest.mark.parametrize("period", [100, 1500, 2000, 10000])
def test_a_broker_that_closes_soon_is_called_less_and_less_whatever_the_period(robustly, period, when):
    class Out(FakeBroker):
        def _connect(self, body):
            super()._connect(body)
            self.at = self.clock.total
            if when == "at once":
                self.drop()

    a = robustly(Out())
    a.clock.total = 0
    a.client.connect()
    for t in range(0, 3600 * 1000, period):
        a.clock.total = t
        if a.client.is_connected() and not a.transport.ended and t >= a.transport.at + 2000:
            if "word" in when:
                a.transport.feed(wire.PINGRESP)
            a.transport.drop()
        a.client.check_msg()
        a.clock.advance(period)
    assert 30 < a.transport.opens <= 75  # one each minute, and some before


@pytest.mark.long
@pytest.mark.parametrize("days", [1, 7, 30])
def test_after_days_of_connection_the_first_pause_is_short_again(robustly, days):
    a = robustly(keepalive=600, backoff=(1, 60))
    a.client.connect()
    for _ in range(300):  # the pauses grow
        a.transport.fail_open = REFUSED
        a.transport.drop()
        pass_time(a, 1)
    a.transport.fail_open = None
    pass_time(a, 130, 1000)
    assert a.client.is_connected()
    pass_time(a, days * 86400, 60000)
    opens = a.transport.opens
    a.transport.drop()
    a.client.check_msg()
    pass_time(a, 1.2)
    assert a.client.is_connected() and a.transport.opens == opens + 1


# --- What the broker closes for ------------------------------------------------------------------------


class Strict(FakeBroker):
    """Closes the connection for what has `forbidden` in it, as some do; and reads nothing more then."""

    seen = 0

    def _answer(self, first, body):
        if self.ended:
            return
        if b"forbidden" in body:
            self.seen += 1
            self.drop()
        else:
            super()._answer(first, body)


@pytest.fixture(params=["memory", "file"])
def strict(request, robustly, tmp_path):
    """An App that is connected to a Strict broker."""

    def make():
        session = MemorySession() if request.param == "memory" else FileSession(str(tmp_path / "s"))
        a = robustly(Strict(), session=session, backoff=(1, 60))
        a.client.connect()
        return a

    return make


def one_of_them(a, what):
    if what == "subscribe":
        return a.client.subscribe("forbidden", 1)
    if what == "unsubscribe":
        return a.client.unsubscribe("forbidden")
    return a.client.publish("forbidden", "m", qos=what)


WHAT = [1, 2, "subscribe", "unsubscribe"]


@pytest.mark.long
@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("before, behind", [(0, 0), (0, 5), (5, 0), (5, 10)])
@pytest.mark.parametrize("online", [True, False])
def test_what_makes_the_broker_close_is_told_and_stands_aside(strict, what, before, behind, online):
    a = strict()
    if not online:
        a.transport.drop()
        a.client.check_msg()
    else:
        a.transport.silent = True  # so that all of it is in flight at once
    good = [a.client.publish("t", b"%d" % i, qos=1 + i % 2) for i in range(before)]
    pid = one_of_them(a, what)
    good += [a.client.publish("t", b"%d" % i, qos=1 + i % 2) for i in range(before, before + behind)]
    good.append(a.client.subscribe("s", 1))
    a.transport.silent = False
    a.transport.drop()
    pass_time(a, 600, 250)
    assert a.client.is_connected()
    assert [status for p, status in a.statuses if p == pid] == [errno.SREJECTED]
    assert sorted(a.statuses) == sorted([(pid, errno.SREJECTED)] + [(p, errno.SDELIVERED) for p in good])
    assert sorted(m[1] for m in a.transport.published) == sorted(b"%d" % i for i in range(before + behind))
    assert a.transport.subscriptions == {b"s": 1}
    assert 5 <= a.transport.seen <= 8
    assert a.client.session.pids() == []
    pass_time(a, 600, 1000)
    assert a.transport.seen <= 8


@pytest.mark.parametrize("what", [1, 2])
def test_a_program_that_publishes_all_the_time_gets_through_too(strict, what):
    a = strict()
    pid = one_of_them(a, what)
    full = 0
    pids = []
    for i in range(600):
        try:
            pids.append(a.client.publish("t", b"%d" % i, qos=1))
        except MQTTException:
            full += 1
        pass_time(a, 2, 500)
    assert (pid, errno.SREJECTED) in a.statuses
    assert sorted(a.statuses) == sorted([(pid, errno.SREJECTED)] + [(p, errno.SDELIVERED) for p in pids])
    assert len(a.transport.published) + full == 600 and full < 200


@pytest.mark.long
@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("error", [OSError(104), OSError(110)])
def test_cuts_of_the_network_never_blame_anything(strict, what, error):
    a = strict()
    a.client.message_timeout = 10000
    deaf = a.transport._answer
    a.transport._answer = lambda first, body: first == 0x10 and deaf(first, body)
    what = 1 if what == "unsubscribe" else what
    pid = a.client.subscribe("s", 1) if what == "subscribe" else a.client.publish("t", "m", qos=what)
    for _ in range(50):
        while not a.client.is_connected():
            pass_time(a, 1)
        pass_time(a, 2)
        a.transport.fail_read = error
        pass_time(a, 1)
    assert a.statuses == []
    a.transport._answer = deaf
    a.transport.drop()
    pass_time(a, 70)
    assert a.statuses == [(pid, errno.SDELIVERED)]


class Resetting(FakeBroker):
    """Closes as soon as it has read that a packet is too large. TCP resets the connection then, for there is more that
    was not read; the client learns that from its next write, or its next read."""

    limit = 1000
    seen = 0
    broken = False
    late = False  # no write fails any more

    def open(self, timeout_ms):
        super().open(timeout_ms)
        self.broken = False

    def write(self, buf, offset, n):
        if self.broken and not self.late:
            raise OSError(104)
        if self.broken:
            return n
        if len(self._arrived) < 2 and buf[offset] & 0xF0 == 0x30:
            length = buf[offset + 1] & 127 | buf[offset + 2] << 7 if buf[offset + 1] > 127 else buf[offset + 1]
            if length > self.limit:
                self.seen += 1
                self.broken = True
                return n
        return super().write(buf, offset, n)

    def readinto(self, buf, n):
        if self.broken and not self.incoming:
            raise OSError(104)
        return super().readinto(buf, n)


@pytest.mark.long
@pytest.mark.parametrize("size", [1100, 20000])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("period", [0.1, 10])
@pytest.mark.parametrize("session", ["memory", "file"])
def test_a_message_that_is_too_large_is_told_where_the_broker_resets(robustly, size, late, period, session, tmp_path):
    session = MemorySession() if session == "memory" else FileSession(str(tmp_path / "s"))
    a = robustly(Resetting(), session=session, message_timeout=60)
    a.transport.late = late
    a.client.connect()
    good = [a.client.publish("t", b"%d" % i, qos=1) for i in range(3)]
    pid = a.client.publish("t", bytes(size), qos=1)
    good += [a.client.publish("t", b"%d" % i, qos=2) for i in range(3, 10)]
    good.append(a.client.subscribe("s", 1))
    for _ in range(20000):
        pass_time(a, period, int(period * 1000))
        if len(a.statuses) == len(good) + 1:
            break
    assert sorted(a.statuses) == sorted([(pid, errno.SREJECTED)] + [(p, errno.SDELIVERED) for p in good])
    assert {m[1] for m in a.transport.published} == {b"%d" % i for i in range(10)}
    assert [m[1] for m in a.transport.published if m[2] == 2] == [b"%d" % i for i in range(3, 10)]
    assert 22 <= a.transport.seen <= 32  # the three in front of it are blamed first
    seen = a.transport.seen
    pass_time(a, 600, 1000)
    assert a.transport.seen == seen and a.client.is_connected()


def test_a_subscription_goes_on_when_a_message_is_too_large(robustly):
    a = robustly(Resetting(), backoff=(1, 1))
    a.client.connect()
    pid = a.client.publish("t", bytes(5000), qos=2)
    a.client.subscribe("s")
    pass_time(a, 60)
    assert (pid, errno.SREJECTED) in a.statuses
    assert a.transport.subscriptions == {b"s": 0}


@pytest.mark.long
@pytest.mark.parametrize("what", [1, 2, "subscribe"])
@pytest.mark.parametrize("wait, cuts", [(0, 19), (1.5, 100), ("both", 100)])
def test_resets_blame_a_message_only_when_they_come_again_and_again_just_after_it(strict, what, wait, cuts):
    a = strict()
    a.client.message_timeout = 10000
    answer = a.transport._answer
    a.transport._answer = lambda first, body: first == 0x10 and answer(first, body)
    pid = one_of_them(a, 1) if what == 1 else a.client.subscribe("s", 1) if what == "subscribe" else one_of_them(a, 2)
    for i in range(cuts):
        while not a.client.is_connected():
            pass_time(a, 0.1)
        pass_time(a, 0.2 if wait == 0 or (wait == "both" and i % 19) else 1.5)
        a.transport.fail_read = OSError(104)
        a.client.check_msg()
    assert a.statuses == []
    a.transport.seen = -1000
    a.transport._answer = lambda first, body: FakeBroker._answer(a.transport, first, body)
    pass_time(a, 100)
    assert a.statuses == [(pid, errno.SDELIVERED)]


def test_nor_does_a_program_that_leaves_and_comes_back(strict):
    a = strict()
    deaf = a.transport._answer
    a.transport._answer = lambda first, body: first & 0xF6 != 0x32 and deaf(first, body)
    a.client.publish("t", "never answered", qos=1)
    for i in range(20):
        pid = a.client.publish("t", b"%d" % i, qos=2)
        pass_time(a, 2)
        assert (pid, errno.SDELIVERED) in a.statuses
        a.client.disconnect()
        a.client.connect()
    assert len(a.statuses) == 20


def test_a_message_that_is_never_answered_does_not_hold_up_the_others_after_cuts(strict):
    a = strict()
    deaf = a.transport._answer
    a.transport._answer = lambda first, body: first & 0xF6 != 0x32 and deaf(first, body)
    a.client.publish("t", "never answered", qos=1)
    for i in range(10):
        a.transport.fail_read = OSError(104)
        pass_time(a, 1)
        while not a.client.is_connected():
            pass_time(a, 1)
        pid = a.client.publish("t", b"%d" % i, qos=2)
        pass_time(a, 15)
        assert (pid, errno.SDELIVERED) in a.statuses
    assert len(a.statuses) == 10


@pytest.mark.parametrize("reset", [True, False])
def test_a_pubrel_that_is_never_answered_holds_up_nothing_after_cuts(strict, reset):
    a = strict()
    answer = a.transport._answer
    pid = a.client.publish("t", "its PUBREL is never answered", qos=2)
    a.transport._answer = lambda first, body: (first, body) != (0x62, pid.to_bytes(2, "big")) and answer(first, body)
    pass_time(a, 1)
    for i in range(6):
        if reset:
            a.transport.fail_read = OSError(104)
        else:
            a.transport.drop()
        pass_time(a, 1)
        while not a.client.is_connected():
            pass_time(a, 1)
        other = a.client.publish("t", b"%d" % i, qos=1 + i % 2)
        pass_time(a, 1)
        assert (other, errno.SDELIVERED) in a.statuses
    assert len(a.statuses) == 6
    pass_time(a, 60)
    assert a.statuses[6:] == [(pid, errno.SDELIVERED)]


def test_what_was_sent_beside_a_pubrel_is_not_blamed_on_it_by_a_broker_that_forgets(strict):
    a = strict()
    answer = a.transport._answer
    pid = a.client.publish("t", "its PUBREL is not answered", qos=2)

    restarts = []

    def answer_but_pubrel(first, body):
        if first != 0x62 or restarts:
            answer(first, body)
        if a.transport.seen == 7 and not restarts:
            restarts.append(True)
            a.transport.forget()

    a.transport._answer = answer_but_pubrel
    pass_time(a, 1)
    a.client.publish("t", "forbidden", qos=1)
    pass_time(a, 300)
    assert (pid, errno.SDELIVERED) in a.statuses
    assert [msg for _, msg, _, _ in a.transport.published] == 2 * [b"its PUBREL is not answered"]


def test_each_pubrel_that_is_not_answered_is_sent_five_times(strict):
    a = strict()
    answer = a.transport._answer
    released = []
    a.transport._answer = lambda first, body: released.append(body) if first == 0x62 else answer(first, body)
    pids = [a.client.publish("t", "m", qos=2) for _ in range(3)]
    pass_time(a, 70)
    assert sorted(a.statuses) == [(pid, errno.SDELIVERED) for pid in pids]
    assert sorted(released) == sorted(5 * [pid.to_bytes(2, "big") for pid in pids])


def test_a_message_can_be_taken_out_by_its_identifier(strict):
    a = strict()
    a.transport.silent = True
    pids = [a.client.publish(topic, "m", qos=1) for topic in ("one", "forbidden", "two")]
    session = a.client.session
    assert session.pids() == pids
    assert session.remove(pids[1])
    assert not session.remove(pids[1])
    assert session.pids() == [pids[0], pids[2]]
    a.transport.silent = False
    a.transport.drop()
    pass_time(a, 10)
    assert a.transport.seen == 0
    assert a.statuses == [(pids[0], errno.SDELIVERED), (pids[2], errno.SDELIVERED)]


def test_also_after_a_reset(robustly, tmp_path):
    path = str(tmp_path / "s")
    a = robustly(session=FileSession(path))
    pids = [a.client.publish(topic, "m", qos=1) for topic in ("one", "forbidden", "two")]
    a = robustly(Strict(), session=FileSession(path))
    assert a.client.session.pids() == pids
    assert a.client.session.remove(pids[1])
    a = robustly(Strict(), session=FileSession(path))
    assert a.client.session.pids() == [pids[0], pids[2]]
    a.client.connect()
    pass_time(a, 1)
    assert a.statuses == [(pids[0], errno.SDELIVERED), (pids[2], errno.SDELIVERED)]
    assert a.transport.seen == 0


@pytest.mark.parametrize("what", [1, 2])
def test_what_makes_the_broker_close_stands_aside_after_a_reset_too(robustly, tmp_path, what):
    path = str(tmp_path / "s")
    a = robustly(session=FileSession(path))
    pid = one_of_them(a, what)
    other = a.client.publish("t", "m", qos=1)
    a = robustly(Strict(), session=FileSession(path))
    a.client.connect()
    pass_time(a, 600, 250)
    assert a.statuses == [(pid, errno.SREJECTED), (other, errno.SDELIVERED)]
    assert FileSession(path).pids() == []


@pytest.mark.parametrize("what", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize("seconds", [1, 3, 7])
def test_a_request_gets_its_status_within_the_time_of_all_connections_together(robustly, what, seconds):
    a = robustly(message_timeout=10, backoff=(1, 1))
    a.client.connect()
    deaf = a.transport._answer
    a.transport._answer = lambda first, body: first == 0x10 and deaf(first, body)
    pid = getattr(a.client, what)("t")
    connected = connections = 0
    lived = 0
    while not a.statuses:
        if lived >= seconds * 1000:
            a.transport.fail_read = OSError(104)
            lived = 0
        if a.client.is_connected():
            connected += 20
            lived += 20
        was = a.client.is_connected()
        pass_time(a, 0.02, 20)
        connections += a.client.is_connected() and not was
        assert connected < 20000
    assert a.statuses == [(pid, errno.STIMEOUT)]
    assert 9800 <= connected <= 10000 + 150 * (connections + 1)


# --- Memory --------------------------------------------------------------------------------------------


def failing_once(session, name, error=MemoryError):
    """Have a method of the session raise when it is called next."""
    good = getattr(session, name)

    def fail(*args):
        setattr(session, name, good)
        raise error

    setattr(session, name, fail)


def look(a, seconds, step_ms=100):
    """pass_time for a program that goes on after a MemoryError; return how many there were."""
    errors = 0
    for _ in range(int(seconds * 1000 // step_ms)):
        a.clock.advance(step_ms)
        try:
            a.client.check_msg()
        except MemoryError:
            errors += 1
    return errors


@pytest.mark.parametrize("name", ["_new_pid", "resume", "unsent", "sent", "_wish_for", "expired", "on_packet", "log"])
def test_subscriptions_are_renewed_in_the_end_when_there_was_no_memory_for_it(a, name):
    a.client.subscribe("a")
    a.client.subscribe("b", 1)
    pass_time(a, 1)
    a.transport.forget()
    a.transport.drop()
    failing_once(a.client.session, name)
    look(a, 30)
    assert a.client.is_connected()
    assert a.transport.subscriptions == a.client.session.subscriptions == {b"a": 0, b"b": 1}


@pytest.mark.parametrize("name", ["on_packet", "log", "expired", "unsent", "sent", "is_new", "_pop"])
@pytest.mark.parametrize("after", range(4))
def test_nothing_is_lost_when_there_is_no_memory_while_a_packet_is_processed(a, name, after):
    pids = [a.client.publish("t", b"%d" % i, qos=1 + i % 2) for i in range(4)]
    a.transport.deliver("in", "message", qos=2)
    for _ in range(after):
        a.client.check_msg()
    failing_once(a.client.session, name)
    errors = look(a, 30)
    assert errors <= 1
    assert a.client.is_connected()
    a.client.session.__dict__.pop(name, None)
    # One that was processed as far as the status may be told of as unknown, and not twice.
    assert sorted(p for p, status in a.statuses if status == errno.SDELIVERED) == pids
    assert a.client.session.waiting() == 0
    assert sorted(m[1] for m in a.transport.published if m[2] == 2) == [b"1", b"3"]
    assert [m[1] for m in a.messages] == [b"message"]
    assert a.transport.acknowledged == [1]


def test_a_wish_that_there_was_no_memory_to_send_is_fulfilled_and_told(a):
    pid = a.client.subscribe("t", 0)
    failing_once(a.client.session, "unsent")
    with pytest.raises(MemoryError):
        a.client.subscribe("t", 1)
    look(a, 10)
    assert a.transport.subscriptions == a.client.session.subscriptions == {b"t": 1}
    assert [status for p, status in a.statuses if p == pid] == [errno.SDELIVERED]


# --- Waiting -------------------------------------------------------------------------------------------


def test_wait_msg_returns_at_once_when_the_data_is_inside_tls(robustly):
    class TLS(FakeBroker):  # all of it is inside TLS: there is nothing that a socket could show
        def wait(self, flags, timeout_ms):
            self.clock.advance(max(timeout_ms, 1))

    a = robustly(TLS(), max_packet=20000)
    a.client.connect()
    before = a.clock.now
    a.transport.deliver("t", bytes(16000))
    assert a.client.wait_msg() == 0x30
    assert len(a.messages[0][1]) == 16000
    assert a.clock.now == before


def test_without_a_connection_wait_msg_sleeps(robustly, mocker):
    a = robustly(backoff=(10, 60))
    a.transport.fail_open = REFUSED
    a.client.connect()
    sleeps = mocker.spy(a.clock, "sleep_ms")
    a.transport.deliver("t", "m")
    a.transport._connect = lambda body: (FakeBroker._connect(a.transport, body), a.transport.deliver("t", "m"))
    assert a.client.wait_msg() == 0x30
    assert 9900 <= a.clock.now <= 10200
    assert sleeps.call_count <= 30


# --- Callbacks that end the connection, and that raise -------------------------------------------------


@pytest.mark.parametrize("keep", [True, False], ids=["connected", "for good"])
@pytest.mark.parametrize("clean", [False, True])
def test_disconnect_in_the_connection_callback_of_a_connect_holds(robustly, keep, clean):
    a = robustly()
    if keep:
        a.client.connect()
    else:
        a.transport.return_code = 5
    a.client.set_callback_connection(lambda up: up or a.client.disconnect())
    assert a.client.connect(clean) is False
    assert not a.client.is_connected()
    opens = a.transport.opens
    for _ in range(5):
        a.clock.advance(100000)
        with pytest.raises(MQTTException) as caught:
            a.client.check_msg()
        assert caught.value.args[0] == errno.ECONNOT
    assert a.transport.opens == opens


def test_disconnect_when_the_connection_is_there_holds_too(robustly):
    a = robustly()
    a.client.set_callback_connection(lambda up: a.client.disconnect() if up else None)
    a.client.connect()
    assert not a.client.is_connected()
    assert a.transport.disconnected
    with pytest.raises(MQTTException):
        a.client.check_msg()


@pytest.mark.parametrize("method", ["check_msg", "wait_msg"])
@pytest.mark.parametrize("make", ["robust", "plain"])
def test_check_msg_in_a_callback_after_disconnect_does_nothing(robustly, app, make, method):
    a = robustly() if make == "robust" else app()
    results = []

    def on_message(*args):
        a.client.disconnect()
        results.append(getattr(a.client, method)())

    a.client.set_callback(on_message)
    a.client.connect()
    a.transport.deliver("t", "m", qos=1)
    assert a.client.check_msg() & 0xF0 == 0x30
    assert results == [None]


@pytest.mark.parametrize("where", ["publish", "connect", "disconnect", "in a callback"])
def test_what_a_status_callback_raises_does_not_turn_up_in_the_place_of_another_fault(robustly, where):
    a = robustly(message_timeout=1)
    error = KeyError("of the program")

    def fail(*args):
        a.statuses.append(args)
        raise error

    a.client.set_callback_connection(fail)
    raised = []

    def attempt(f):
        try:
            f()
        except KeyError as e:
            raised.append(e)

    if where == "in a callback":
        a.client.set_callback(lambda *args: attempt(a.client.disconnect))
        a.client.set_callback_connection(lambda up: up or fail())
        a.client.connect()
        a.transport.deliver("t", "m")
        attempt(a.client.check_msg)
    else:
        attempt(a.client.connect)
        if where != "connect":
            raised.clear()
            if where == "publish":
                a.transport.fail_write = OSError(104)
                attempt(lambda: a.client.publish("t", "m", qos=1))
                attempt(a.client.check_msg)
            else:
                attempt(a.client.disconnect)
    assert raised == [error]
    a.client.set_callback_connection(None)
    attempt(a.client.connect)
    a.transport.drop()
    for _ in range(50):
        a.clock.advance(100)
        attempt(a.client.check_msg)
    assert a.client.is_connected()
    assert raised == [error]
    assert a.client.last_error is not error


# What has one of the client's callbacks called, with the next check_msg().
EVENTS = {
    "message": lambda a: a.transport.deliver("t", "m", 1),
    "acknowledged": lambda a: a.client.publish("t", "m", qos=1),
    "timeout": lambda a: [setattr(a.transport, "silent", True), a.client.subscribe("t"), a.clock.advance(20000)],
    "too large": lambda a: a.transport.deliver("t", bytes(2000), 1),
    "chunks": lambda a: a.transport.deliver("large", bytes(2000), 1),
    "gone": lambda a: a.transport.drop(),
    "there": lambda a: [
        a.client.set_callback_connection(None), a.transport.drop(), a.client.check_msg(), a.clock.advance(5000),
        [a.client.check_msg() for _ in range(2)], a.client.set_callback_connection(a.callback),
    ],
}  # fmt: skip


def app_that_calls(robustly, f):
    """An App that is connected; every callback of its client calls `f`, which is given how often that was."""
    a = robustly(backoff=(1, 1), max_packet=1000)
    a.calls = []

    def callback(*args):
        a.calls.append(args)
        f(a)

    a.callback = callback
    a.client.connect()
    a.client.set_callback(callback)
    a.client.set_callback_status(callback)
    a.client.set_callback_chunks(callback, "large")
    a.client.connect()
    a.client.set_callback_connection(callback)
    return a


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("method", ["connect", "disconnect", "disconnect and look", "disconnect and connect"])
def test_every_callback_may_connect_and_disconnect(robustly, event, method):
    def callback(a):
        if a.ready and len(a.calls) == 1:
            a.transport.silent = False
            if "disconnect" in method:
                a.client.disconnect()
            if "look" in method:
                assert a.client.check_msg() is None
                assert a.client.wait_msg() is None
            if "connect" in method.split():
                assert a.client.connect() is False

    a = app_that_calls(robustly, callback)
    a.ready = True
    EVENTS[event](a)
    a.client.check_msg()
    assert a.calls
    if "connect" not in method.split():
        for _ in range(3):
            a.clock.advance(5000)
            with pytest.raises(MQTTException) as caught:
                a.client.check_msg()
            assert caught.value.args == (errno.ECONNOT,)
        a.client.connect()
    pass_time(a, 5)
    assert a.client.is_connected()
    pid = a.client.publish("works", "m", qos=1)
    pass_time(a, 1)
    assert a.calls[-1] == (pid, errno.SDELIVERED)
    assert a.transport.published[-1][0] == b"works"
    # Nobody is called in a loop.
    assert len(a.transport.connects) <= 5


@pytest.mark.parametrize("event", EVENTS)
def test_what_any_callback_raises_comes_from_check_msg_once(robustly, event):
    error = OSError(5)

    def callback(a):
        if len(a.calls) == 1:
            raise error

    a = app_that_calls(robustly, callback)
    EVENTS[event](a)
    before = a.client.last_error
    with pytest.raises(OSError) as caught:
        a.client.check_msg()
    assert caught.value is error
    assert a.client.last_error is not error
    a.transport.silent = False
    pass_time(a, 5)
    pid = a.client.publish("works", "m", qos=1)
    pass_time(a, 1)
    assert a.calls[-1] == (pid, errno.SDELIVERED)
    a.transport.fail_read = OSError(104)
    a.client.check_msg()
    assert a.client.last_error.args == (104,)
    assert before is not error


@pytest.mark.parametrize("method", ["connect", "disconnect"])
def test_what_the_connection_callback_raises_comes_from_the_method_that_called_it(robustly, method):
    error = OSError(5)
    a = app_that_calls(robustly, lambda a: None)

    def fail(up):
        raise error

    a.client.set_callback_connection(fail)
    with pytest.raises(OSError) as caught:
        getattr(a.client, method)()
    assert caught.value is error
    a.client.set_callback_connection(None)
    a.client.connect()
    a.transport.fail_read = OSError(104)
    a.client.check_msg()
    pass_time(a, 3)
    assert a.client.is_connected()


# --- What is printed -----------------------------------------------------------------------------------


def test_each_new_reason_is_printed_once(robustly, capsys):
    a = robustly()
    a.transport.return_code = 4
    a.client.connect()
    pass_time(a, 200)
    assert len(a.transport.connects) > 2
    a.transport.return_code = 0
    pass_time(a, 70)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and lines[0].startswith("umqtt2: no connection: 24 ECONCREDENTIALS: user")
    for _ in range(3):
        a.transport.fail_read = OSError(104)
        pass_time(a, 5)
    a.transport.drop()
    pass_time(a, 10)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "104" in lines[0] and "1 ECONCLOSE" in lines[1]


def test_nothing_is_printed_when_the_program_does_not_want_it(robustly, capsys):
    a = robustly(verbose=False)
    a.transport.return_code = 4
    a.client.connect()
    pass_time(a, 200)
    assert a.client.last_error.args[0] == errno.ECONCREDENTIALS
    assert capsys.readouterr().out == ""

# --- Before the CONNACK ------------------------------------------------------------------------------


@pytest.fixture
def waking(robustly):
    """Make an App whose client looks for a while, and gets no CONNACK; it is there when it calls `let`."""

    def make(*actions, eager=True, **options):
        a = robustly(Late(), **options)
        a.pids = [getattr(a.client, name)(*args) for name, *args in actions]
        a.client.connection.ready = GREETING if eager else UP
        a.client._reconnector.begin(False)
        for _ in range(10):
            a.client.check_msg()
        assert a.transport.held is not None and not a.client.is_connected()
        return a

    return make


def topics(a):
    return [message[0] for message in a.transport.published]


@pytest.mark.parametrize("qos", [1, 2])
def test_a_device_that_wakes_publishes_and_sleeps_waits_for_one_answer(waking, qos):
    a = waking(("publish", "a", "m", False, qos), ("publish", "b", "m", True, qos))
    assert a.transport.published == [(b"a", b"m", qos, False), (b"b", b"m", qos, True)]
    c = a.client.publish("c", "m", qos=qos)
    a.client.check_msg()
    assert topics(a) == [b"a", b"b", b"c"]
    assert a.statuses == []
    a.transport.let()
    pass_time(a, 1)
    assert a.client.is_connected()
    assert a.statuses == [(pid, errno.SDELIVERED) for pid in (*a.pids, c)]
    assert topics(a) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("first", [("publish", "0", "m"), ("publish", "d", "m", False, 1, True)])
def test_what_may_not_go_before_the_connack_waits_for_it_and_the_order_stays(waking, first):
    a = waking(first, ("publish", "1", "m", False, 1), keep_qos0=True)
    assert not a.transport.published and not a.transport.subscriptions
    a.transport.let()
    pass_time(a, 1)
    assert topics(a) == [topic.encode() for topic in (first[1], "1") if topic != "s"]


@pytest.mark.parametrize("resumed", [True, False])
def test_what_was_sent_before_is_not_sent_before_the_connack_again(waking, resumed):
    a = waking(("publish", "a", "m", False, 1), ("publish", "b", "m", False, 2))
    if not resumed:
        a.transport.forget()
    a.transport.drop()
    a.transport.published.clear()
    pass_time(a, 3)
    assert not a.transport.published
    a.transport.sent.clear()
    a.transport.let()
    pass_time(a, 1)
    assert a.statuses == [(pid, errno.SDELIVERED) for pid in a.pids]
    assert topics(a) == [b"a", b"b"] if not resumed else [b"a"]  # it knows the other by its identifier
    assert (a.transport.sent[0] == 0x3A) is resumed


def test_a_subscription_that_was_never_sent_goes_first(waking):
    a = waking(("publish", "a", "m", False, 1), ("subscribe", "s", 1))
    assert a.transport.subscriptions == {b"s": 1}
    assert topics(a) == [b"a"]
    a.transport.let()
    pass_time(a, 1)
    assert sorted(a.statuses) == sorted((pid, errno.SDELIVERED) for pid in a.pids)
    assert sum(write[:1] == b"\x82" for write in a.transport.writes) == 1


def test_a_window_of_messages_follows_the_connect_at_once(robustly):
    a = robustly(Late(), session=MemorySession(limit=50))
    pids = [a.client.publish("t", str(i), qos=1) for i in range(30)]
    a.client.connection.ready = GREETING
    a.client._reconnector.begin(False)
    while a.transport.held is None:
        a.client.check_msg()
    a.client.check_msg()  # after this one connect() would wait for the broker
    assert [message[1] for message in a.transport.published] == [b"%d" % i for i in range(20)]
    a.transport.let()
    pass_time(a, 5)
    assert a.statuses == [(pid, errno.SDELIVERED) for pid in pids]


def test_a_client_that_is_not_eager_waits_for_the_connack(waking):
    a = waking(("subscribe", "s", 1), ("publish", "a", "m", False, 1), eager=False)
    assert not a.transport.subscriptions and not topics(a)
    a.transport.let()
    pass_time(a, 1)
    assert a.statuses == [(pid, errno.SDELIVERED) for pid in a.pids]


@pytest.mark.parametrize("eager", [True, False])
def test_connect_says_whether_to_be_eager_with_each_connection(robustly, eager):
    a = robustly(Late())
    pid = a.client.publish("t", "m", qos=1)
    a.client.connect(True, eager=eager)  # there is no answer within `socket_timeout`
    assert len(a.transport.published) == eager
    for _ in range(40):
        pass_time(a, 1)
        if a.transport.held:
            a.transport.let()
    assert a.statuses == [(pid, errno.SDELIVERED)]


def test_a_broker_that_closes_on_what_comes_before_its_connack_gets_it_after(robustly):
    class Narrow(Late):
        def write(self, buf, offset, n):
            if self.held is not None and buf[0] & 0xF0 == 0x30:
                self.ended = True
                return n
            return super().write(buf, offset, n)

    a = robustly(Narrow())
    pids = [a.client.publish("t", b"%d" % i, qos=1) for i in range(3)]
    a.client.connect()
    assert not a.client.is_connected() and not a.transport.published
    while len(a.transport.connects) < 2:
        pass_time(a, 0.1)
    pass_time(a, 1)
    a.transport.let()
    pass_time(a, 1)
    assert a.statuses == [(pid, errno.SDELIVERED) for pid in pids]
    assert [message[1] for message in a.transport.published] == [b"0", b"1", b"2"]


def test_one_that_goes_out_in_pieces_before_the_connack_may_be_why_there_is_none(robustly):
    class Full(FakeTransport):
        def write(self, buf, offset, n):
            if buf[0] & 0xF0 == 0x30:
                raise OSError(104)
            return super().write(buf, offset, n)

    a = robustly(Full())
    pid = a.client.publish("t", b"m", qos=1)
    a.client.connect()
    for _ in range(5):
        pass_time(a, 61, 500)
    # Otherwise there would never be a connection, nor a status.
    a.transport.feed(b"\x20\x02\0\0")
    before = len(a.transport.writes)
    pass_time(a, 61, 500)
    assert a.ups[:1] == [True]
    assert a.transport.writes[before:]
    assert a.client.session.pids() == [pid]


@pytest.mark.parametrize("resets", [True, False])
def test_a_refusal_blames_no_message(robustly, resets):
    a = robustly()
    pid = a.client.publish("t", "m", qos=1)
    a.transport.return_code = 3
    a.client.connect()
    for _ in range(40):
        pass_time(a, 61, 1000)
        if resets:
            a.transport.fail_read = OSError(104)
    assert len(a.transport.connects) >= 20
    assert a.transport.published == [] and a.statuses == []
    a.transport.return_code = 0
    pass_time(a, 122, 500)
    assert a.statuses == [(pid, errno.SDELIVERED)]
    assert len(a.transport.published) == 1


def test_a_callback_of_connect_is_called_by_check_msg_alone(robustly):
    a = robustly()
    a.client.publish("t", "m", qos=1)
    a.client.connect()
    assert a.statuses == []
    pass_time(a, 1)
    assert len(a.statuses) == 1
