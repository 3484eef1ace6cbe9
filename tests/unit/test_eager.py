"""Connecting without waiting for the broker's answer: the plain client, and the one for asyncio. For
`umqtt2.robust` see test_robust.py."""

from __future__ import annotations

import asyncio
import io

import pytest

from tests.unit.aio_program import client_of, run, until
from tests.unit.program import App, Late
from umqtt2 import MQTTException, errno, robust
from umqtt2.connection import GREETING, UP
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.session.packet_ids import PacketIdSession
from umqtt2.session.qos2 import QoS2Session
from umqtt2.testing import FakeBroker, FakeTransport
from umqtt2.v5 import V5

STORES = [PacketIdSession, QoS2Session, MemorySession]


class Refusing(FakeBroker):
    """Refuses the client, once the program lets it look at what has come."""

    held = True

    def __init__(self):
        super().__init__()
        self.return_code = 4

    def _take(self):
        return not self.held and super()._take()

    def let(self):
        self.held = False
        while self._take():
            pass


def look(a, ms=0):
    a.clock.advance(ms)
    while a.client.check_msg():
        pass


# --- The plain client --------------------------------------------------------------------------------


@pytest.mark.parametrize("store", STORES)
def test_what_the_program_sends_follows_the_connect(app, store):
    a = app(Late(), session=store())
    assert a.client.connect(True, eager=True) is False
    a.client.publish("0", "m")
    pids = [a.client.subscribe("s", 1), a.client.publish("1", "m", qos=1)]
    assert [message[0] for message in a.transport.published] == [b"0", b"1"]
    assert a.transport.subscriptions == {b"s": 1}
    look(a)
    assert a.statuses == []
    a.transport.let()
    look(a)
    look(a)
    assert a.statuses == [(pid, errno.SDELIVERED) for pid in pids]


def test_after_a_status_callback_that_leaves_the_next_connection_waits_with_what_was_sent(app):
    a = app(Late(), session=MemorySession(), message_timeout=2)
    a.client.connect(False, eager=True)
    a.transport.let()
    look(a)
    a.client.publish("t", "m", qos=2)
    a.transport.hold = True  # the PUBCOMP
    look(a)
    a.transport.release()
    a.client.subscribe("s")
    a.transport.incoming.clear()
    a.transport.silent = True
    a.client.set_callback_status(lambda pid, status: a.client.disconnect())
    with pytest.raises(MQTTException, match="ECONNOT"):
        look(a, 3000)
        look(a)
    a.transport.silent = a.transport.hold = False
    a.transport.forget()
    a.transport.published.clear()
    a.client.connect(False, eager=True)
    look(a)
    a.transport.let()
    look(a)
    look(a)
    assert a.transport.published == [(b"t", b"m", 2, False)]


def test_a_device_that_only_publishes_need_not_wait_at_all(app):
    a = app(Late())
    a.client.connect(eager=True)
    a.client.publish("t", "m")
    a.client.disconnect()
    assert a.transport.published and a.transport.disconnected


def test_without_it_connect_waits(app):
    a = app(Late(), socket_timeout=1)
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args[0] == errno.ECONTIMEOUT


@pytest.mark.parametrize("store", STORES)
def test_a_refusal_is_told_and_so_is_what_it_means_for_a_message(app, store):
    a = app(Refusing(), session=store())
    a.client.connect(eager=True)
    pid = a.client.publish("t", "m", qos=1)
    a.transport.let()
    with pytest.raises(MQTTException) as caught:
        look(a)
    assert caught.value.args[0] == errno.ECONCREDENTIALS
    with pytest.raises(MQTTException) as caught:
        a.client.publish("t", "m")
    assert caught.value.args[0] == errno.ECONNOT
    assert not a.transport.published
    # A store that keeps it sends it again, as what was sent before: after the CONNACK.
    a.transport.return_code = 0
    a.transport.held = True
    a.forget_sent()
    a.client.connect(False, eager=True)
    look(a)
    assert len(a.transport.writes) == 1
    a.transport.let()
    for _ in range(4):
        look(a, 100)
    kept = store is MemorySession
    assert a.statuses == [(pid, errno.SDELIVERED if kept else errno.STIMEOUT)]
    assert len(a.transport.published) == kept


def test_a_broker_that_never_answers_is_a_timeout(app):
    a = app(Late(), socket_timeout=3)
    a.client.connect(eager=True)
    a.client.publish("t", "m", qos=1)
    with pytest.raises(MQTTException) as caught:
        for _ in range(100):
            look(a, 100)
    assert caught.value.args[0] == errno.ECONTIMEOUT
    assert 3000 <= a.clock.elapsed <= 4000


def test_a_broker_that_takes_nothing_is_a_timeout(app):
    class Stuck(FakeTransport):
        def write(self, buf, offset, n):
            return super().write(buf, offset, n) if buf[0] == 0x10 else None

    a = app(Stuck(), socket_timeout=3)
    a.client.connect(eager=True)
    with pytest.raises(MQTTException) as caught:
        a.client.publish("t", "m")
    assert caught.value.args[0] == errno.ECONTIMEOUT


def test_the_answer_for_a_session_is_not_taken_from_the_last_connection(app):
    a = app(Late())
    a.client.connect(False, eager=True)
    a.transport.let()
    look(a)
    a.client.subscribe("t", 1)
    look(a)
    a.client.disconnect()
    assert a.client.connect(False, eager=True) is False
    a.transport.let()
    look(a)
    assert a.client.connection.code > 255


def test_a_message_from_a_stream_waits_for_the_answer(app):
    class File(io.BytesIO):
        def readinto(self, buf):
            assert a.client.connection.state == UP
            return super().readinto(buf)

    class Slow(Late):
        looks = 0

        def readinto(self, buf, n):
            self.looks += 1
            if self.looks == 5:
                self.let()
            return super().readinto(buf, n)

    a = app(Slow())
    a.client.connect(eager=True)
    pid = a.client.publish("t", File(bytes(700)), qos=1, length=700)
    look(a)
    assert a.transport.published == [(b"t", bytes(700), 1, False)]
    assert a.statuses == [(pid, errno.SDELIVERED)]


def test_mqtt_5_one_message_goes_before_the_answer(app):
    a = app(Late(), packets=V5())
    a.client.connect(eager=True)
    a.client.publish("a", "m", qos=1)
    with pytest.raises(MQTTException) as caught:
        a.client.publish("b", "m", qos=1)
    assert caught.value.args[0] == errno.EFULL
    a.client.publish("0", "m")
    a.transport.let()
    look(a)
    a.client.publish("b", "m", qos=1)
    look(a)
    assert [status for _, status in a.statuses] == [errno.SDELIVERED] * 2


def test_mqtt_5_what_the_last_broker_did_not_take_is_not_taken(app):
    a = app(packets=V5())
    a.transport.maximum_qos = 0
    a.client.connect()
    a.client.disconnect()
    a.client.connect(eager=True)
    with pytest.raises(MQTTException) as caught:
        a.client.publish("t", "m", qos=1)
    assert caught.value.args[0] == errno.ELIMIT


# --- A device that wakes up --------------------------------------------------------------------------


def test_subscriptions_of_a_file_are_renewed_with_the_connect(tmp_path):
    path = str(tmp_path / "s")
    a = App(FakeBroker(), robust.MQTTClient, session=FileSession(path))
    a.client.subscribe("commands", 1)
    a.client.connect()
    for _ in range(3):
        look(a)
    assert a.client.session.subscriptions == {b"commands": 1}
    a.client.disconnect()
    for reading in range(2):
        a = App(Late(), robust.MQTTClient, session=FileSession(path))
        pid = a.client.publish("t", str(reading), qos=1)
        a.client.connection.ready = GREETING
        a.client._reconnector.begin(False)
        for _ in range(10):
            look(a)
        assert a.transport.held is not None
        assert a.transport.subscriptions == {b"commands": 1}
        assert [message[1] for message in a.transport.published] == [b"%d" % reading]
        a.transport.let()
        look(a)
        look(a)
        assert a.statuses == [(pid, errno.SDELIVERED)]
        assert a.client.session.subscriptions == {b"commands": 1}
        a.client.disconnect()


# --- asyncio -----------------------------------------------------------------------------------------


def test_the_block_begins_before_the_answer():
    broker = Late()

    async def main():
        async with client_of(broker, eager=True) as client:
            assert not client.is_connected()
            tasks = [asyncio.create_task(client.publish("t", str(i), qos=i % 3)) for i in range(6)]
            tasks.append(asyncio.create_task(client.subscribe("s", qos=1)))
            await until(lambda: len(broker.published) == 6 and broker.subscriptions)
            assert broker.held is not None
            broker.let()
            await asyncio.gather(*tasks)
            assert client.is_connected()

    run(main(), broker.clock)
    assert sorted(message[1] for message in broker.published) == [b"%d" % i for i in range(6)]
    assert broker.disconnected


def test_a_refusal_is_raised_by_what_waits_and_by_the_end_of_the_block():
    broker = Refusing()

    async def main():
        client = client_of(broker, eager=True)
        with pytest.raises(MQTTException) as caught:
            async with client:
                task = asyncio.create_task(client.publish("t", "m", qos=1))
                await until(lambda: b"\x00\x01t" in broker.sent)
                broker.let()
                with pytest.raises(MQTTException) as waiting:
                    await task
                assert waiting.value.args[0] == errno.ECONCREDENTIALS
        assert caught.value.args[0] == errno.ECONCREDENTIALS
        assert client.session.waiting() == 1
        # It is sent with the next connection.
        assert not broker.published
        broker.return_code = 0
        async with client:
            await until(lambda: not client.session.waiting())
        assert len(broker.published) == 1

    run(main(), broker.clock)


def test_a_broker_that_is_not_there_is_raised_at_once():
    broker = FakeBroker()
    broker.fail_open = OSError(111)

    async def main():
        with pytest.raises(OSError, match="111"):
            async with client_of(broker, eager=True):
                raise AssertionError("it was entered")

    run(main(), broker.clock)


def test_who_leaves_before_the_answer_says_so():
    broker = Late()

    async def main():
        async with client_of(broker, eager=True) as client:
            await client.publish("t", "m")

    run(main(), broker.clock)
    assert broker.published and broker.disconnected


def test_without_it_what_is_kept_waits_for_the_answer():
    broker = Late()

    async def main():
        client = client_of(broker)
        entered = asyncio.create_task(client.connect())
        await asyncio.sleep(0.01)
        task = asyncio.create_task(client.publish("t", "m", qos=1))
        await asyncio.sleep(1)
        assert not broker.published
        broker.let()
        await asyncio.gather(entered, task)
        await client.disconnect()

    run(main(), broker.clock)
    assert len(broker.published) == 1


