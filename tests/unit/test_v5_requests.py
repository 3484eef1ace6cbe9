"""Questions and their answers."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit import wire5
from tests.unit.aio_program import go_down, play, turns, until
from tests.unit.program import App
from tests.unit.test_v5_aio import Broker5
from umqtt2 import MQTTException, robust
from umqtt2.errno import EBUSY, ECONTIMEOUT, SDROPPED
from umqtt2.requests import Requests
from umqtt2.v5 import V5


class Answering(Broker5):
    """Answers each question with its payload in capitals; those with "late" not at all."""

    def _answer(self, first, body):
        super()._answer(first, body)
        p = self.packets[-1]
        found = dict(p.get("properties", ()))
        if first & 0xF0 == 0x30 and p["payload"] != b"late":
            self.feed(wire5.publish(found[8], p["payload"].upper(), pairs=[(9, found[9])]))


def test_ask_with_asyncio():
    five = V5(largest=0)

    async def scene(broker, client):
        requests = Requests(client, five, "reply/dev")
        answers = await asyncio.gather(*[requests.ask("svc", f"q{i}", qos=i % 2) for i in range(5)])
        assert answers == [b"Q0", b"Q1", b"Q2", b"Q3", b"Q4"]
        broker.feed(wire5.publish(b"other", b"message") + wire5.publish(b"reply/dev", b"nobody asked"))
        assert (await client.next()).payload == b"message"
        with pytest.raises(asyncio.TimeoutError):
            await requests.ask("svc", "late", timeout=1)
        assert await requests.ask("svc", "again") == b"AGAIN"
        first, *others = [p for p in broker.messages() if p["payload"] == b"late"]
        assert dict(first["properties"])[2] == 2 and dict(first["properties"])[8] == b"reply/dev"
        with pytest.raises(asyncio.TimeoutError):
            await client.next(1)
        assert [p["topic"] for p in broker.packets if p["first"] == 0x82].count(b"reply/dev") >= 1

    play(scene, Answering(), packets=five)


def test_an_answer_that_another_subscription_gets_at_qos_1_is_acknowledged():
    five = V5(largest=0)

    async def scene(broker, client):
        requests = Requests(client, five, "reply/dev")
        asked = asyncio.create_task(requests.ask("svc", "late"))
        await until(broker.messages)
        key = dict(broker.messages()[0]["properties"])[9]
        broker.feed(wire5.publish(b"reply/dev", b"x", 7, 1, [(9, key)]))
        assert await asked == b"x"
        assert (await client.next()).payload == b"x"
        with pytest.raises(asyncio.TimeoutError):
            await client.next(1)
        assert [p["pid"] for p in broker.packets if p["first"] == 0x40] == [7]

    play(scene, Answering(), packets=five)


@pytest.mark.parametrize("qos", [0, 1])
def test_who_takes_the_messages_can_ask_though_the_queue_is_full(qos):
    five = V5(largest=0)

    async def scene(broker, client):
        requests = Requests(client, five, "reply/dev")
        broker.feed(b"".join(wire5.publish(b"a", b"%d" % i, i + 1, 1) for i in range(5)))
        broker.feed(b"".join(wire5.publish(b"b", b"%d" % i) for i in range(5)))
        for i in range(5):
            message = await client.next(5)
            await asyncio.sleep(1)  # the queue is full, and nothing is read
            assert await requests.ask("svc", b"q%d" % i, qos=qos) == b"Q%d" % i
            assert message.payload == b"%d" % i
        assert broker.opens == 1

    play(scene, Answering(), packets=five, queue=5)


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("subscribed", [True, False])
def test_without_a_connection_the_time_that_a_question_takes_is_over_as_with_one(qos, subscribed):
    five = V5(largest=0)

    async def scene(broker, client):
        requests = Requests(client, five, "reply/dev")
        if subscribed:
            await requests.ask("svc", "q")
        await go_down(broker, client)
        start = broker.clock.elapsed
        with pytest.raises(asyncio.TimeoutError):
            await requests.ask("svc", "q", timeout=2, qos=qos)
        assert broker.clock.elapsed < start + 3000
        await client.connect_now()
        assert await requests.ask("svc", "again", qos=qos) == b"AGAIN"

    play(scene, Answering(), packets=five)


def test_who_asks_is_cancelled_at_any_turn():
    five = V5(largest=0)

    async def scene(broker, client):
        requests = Requests(client, five, "reply/dev")
        for count in range(50):
            task = asyncio.ensure_future(requests.ask("svc", "q", qos=count % 2))
            await turns(count)
            if not task.cancel():
                assert await task == b"Q"
                break
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await requests.ask("svc", b"q%d" % count) == b"Q%d" % count
        else:
            raise AssertionError("it never ends by itself")

    play(scene, Answering(), packets=five)


@pytest.fixture
def a():
    five = V5(largest=0)
    app = App(Answering(), packets=five)
    app.connect()
    app.requests = Requests(app.client, five, "reply/dev")
    return app


def test_ask_and_wait(a):
    assert a.requests.ask_and_wait("svc", "one") == b"ONE"
    assert a.requests.ask_and_wait("svc", "two", qos=1) == b"TWO"
    a.transport.feed(wire5.publish(b"other", b"message"))
    assert a.requests.ask_and_wait("svc", "three") == b"THREE"
    assert [m[:2] for m in a.messages] == [(b"other", b"message")]
    assert [p["topic"] for p in a.transport.packets if p["first"] == 0x82] == [b"reply/dev"]


def test_no_answer(a):
    with pytest.raises(MQTTException) as e:
        a.requests.ask_and_wait("svc", "late", timeout=2)
    assert e.value.args == (ECONTIMEOUT,)
    assert a.requests.ask_and_wait("svc", "one") == b"ONE"


def test_a_new_connection_has_a_new_subscription(a):
    a.requests.ask_and_wait("svc", "one")
    a.client.connect()
    assert a.requests.ask_and_wait("svc", "two") == b"TWO"
    assert [p["topic"] for p in a.transport.packets if p["first"] == 0x82] == [b"reply/dev"] * 2


def test_other_messages_without_a_callback_for_them_are_told(a):
    a.client.set_callback(None)
    requests = Requests(a.client, a.client.connection.packets, "reply/dev")
    a.clock.sleep_ms = None  # a client that waits for another thread raises TypeError
    a.transport.feed(wire5.publish(b"other", b"1") + wire5.publish(b"other", b"2"))
    a.drain()
    assert a.statuses == [(0, SDROPPED)] * 2
    assert requests.ask_and_wait("svc", "still at work") == b"STILL AT WORK"


def test_after_a_question_without_an_answer_the_subscription_is_made_again():
    """For the broker may have refused it."""
    five = V5(largest=0)
    broker = Answering()
    app = App(broker, robust.MQTTClient, packets=five, verbose=False)
    app.connect()
    requests = Requests(app.client, five, "reply/dev")
    broker.code = 0x87
    with pytest.raises(MQTTException):
        requests.ask_and_wait("svc", "late", timeout=2)
    broker.code = 0
    assert requests.ask_and_wait("svc", "one") == b"ONE"
    assert requests.ask_and_wait("svc", "two") == b"TWO"
    assert [p["topic"] for p in broker.packets if p["first"] == 0x82] == [b"reply/dev"] * 2


def test_an_answer_to_a_question_before_a_reset_is_for_no_question_after_it(a):
    def ask():
        with pytest.raises(MQTTException) as e:
            requests.ask_and_wait("svc", "late", timeout=2)
        assert e.value.args == (ECONTIMEOUT,)

    requests = a.requests
    ask()
    (question,) = a.transport.messages()
    requests = Requests(a.client, a.client.connection.packets, "reply/dev")
    key = dict(question["properties"])[9]
    a.transport.feed(wire5.publish(b"reply/dev", b"old", pairs=[(9, key)]))
    ask()


def test_no_question_from_a_callback(a):
    raised = []

    def ask(*args):
        try:
            a.requests.ask_and_wait("svc", "one")
        except MQTTException as e:
            raised.append(e.args)

    a.client.set_callback(ask)
    a.requests = Requests(a.client, a.client.connection.packets, "reply/dev")
    a.transport.feed(wire5.publish(b"other", b"message"))
    a.drain()
    assert raised == [(EBUSY,)]
