"""umqtt2.aio on CPython's event loop, against a fake broker: publishing and subscribing."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.unit.aio_program import (
    go_down,
    play,
    turns,
    unanswered,
    until,
)
from umqtt2 import MQTTException, errno

# --- Publishing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [1, 2])
def test_several_tasks_publish_at_once(qos):
    async def scene(broker, client):
        done = []

        async def publish(i):
            await client.publish("t", str(i), qos=qos)
            assert (b"t", b"%d" % i, qos, False) in broker.published
            done.append(i)

        await asyncio.gather(*[publish(i) for i in range(20)])
        assert sorted(done) == list(range(20))
        assert client.session.waiting() == 0

    play(scene)


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("count", [21, 200])
def test_more_publishes_than_the_session_keeps_wait_for_room(count, qos):
    async def scene(broker, client):
        await asyncio.gather(*[client.publish("t", str(i), qos=qos) for i in range(count)])
        assert [message[1] for message in broker.published] == [b"%d" % i for i in range(count)]
        assert not client._line and not client._waiting

    play(scene)


def test_the_21st_publish_waits_for_room():
    async def scene(broker, client):
        answer = unanswered(broker)
        tasks = [asyncio.create_task(client.publish("t", str(i), qos=1)) for i in range(21)]
        await asyncio.sleep(60)
        assert not any(task.done() for task in tasks)
        assert client.session.waiting() == 20
        answer()
        await asyncio.gather(*tasks)
        assert broker.published[-1][1] == b"20"

    play(scene)


def test_who_is_cancelled_while_it_waits_for_room_publishes_nothing_and_holds_up_nobody():
    async def scene(broker, client):
        answer = unanswered(broker)
        tasks = [asyncio.create_task(client.publish("t", str(i), qos=1)) for i in range(30)]
        await asyncio.sleep(1)
        for i in (20, 25, 29):
            tasks[i].cancel()
        await asyncio.sleep(1)
        answer()
        got = await asyncio.gather(*tasks, return_exceptions=True)
        assert [i for i in range(30) if got[i]] == [20, 25, 29]
        left = [i for i in range(30) if i not in (20, 25, 29)]
        assert [message[1] for message in broker.published] == [b"%d" % i for i in left]

    play(scene)


def test_who_is_cancelled_just_when_there_is_room_gives_its_place_to_the_next():
    async def scene(broker, client):
        client.session.limit = 1
        unanswered(broker)
        tasks = [asyncio.create_task(client.publish("t", str(i), qos=1)) for i in range(3)]
        await asyncio.sleep(1)
        event = client._line[0]
        told = event.set
        event.set = lambda: (told(), tasks[1].cancel())
        pid = client.session.pids()[0]
        broker.feed(bytes([0x40, 2, pid >> 8, pid & 255]))
        await asyncio.sleep(1)
        assert tasks[0].done() and tasks[1].cancelled() and not tasks[2].done()
        assert client.session.messages[0][3] == b"2"

    play(scene)


@pytest.mark.parametrize("qos", [0, 1])
def test_waiting_for_room_without_a_connection(qos):
    async def scene(broker, client):
        client.session.limit = 5
        await go_down(broker, client, 30)
        await asyncio.gather(*[client.publish("t", str(i), qos=qos) for i in range(23)])
        await until(lambda: len(broker.published) == 23)
        assert [message[1] for message in broker.published] == [b"%d" % i for i in range(23)]

    play(scene, keep_qos0=True)


def test_at_qos_0_a_message_does_not_wait_for_room_that_it_does_not_need():
    async def scene(broker, client):
        await go_down(broker, client)
        tasks = [asyncio.create_task(client.publish("t", str(i), qos=1)) for i in range(25)]
        await turns(3)
        await asyncio.wait_for(client.publish("t", "lost"), 1)
        await end(tasks)

    play(scene)


async def end(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_each_waits_for_its_own_acknowledgement():
    async def scene(broker, client):
        unanswered(broker)
        tasks = [asyncio.create_task(client.publish("t", str(i), qos=1)) for i in range(3)]
        await asyncio.sleep(1)
        pids = client.session.pids()
        done = set()
        for i in (1, 0, 2):
            broker.feed(bytes([0x40, 2, pids[i] >> 8, pids[i] & 255]))
            await until(tasks[i].done)
            done.add(i)
            assert {n for n in range(3) if tasks[n].done()} == done
        await asyncio.gather(*tasks)

    play(scene)


def test_publishing_at_qos_0_lets_others_have_their_turn():
    async def scene(broker, client):
        count = 0

        async def other():
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        for _ in range(10):
            await client.publish("t", "m")
        task.cancel()
        assert count >= 9
        assert len(broker.published) == 10

    play(scene)


def test_an_acknowledgement_of_another_kind_ends_no_waiting():
    async def scene(broker, client):
        unanswered(broker)
        task = asyncio.create_task(client.publish("t", "m", qos=1))
        await asyncio.sleep(1)
        pid = client.session.pids()[0]
        broker.feed(bytes([0x70, 2, pid >> 8, pid & 255]))
        await asyncio.sleep(1)
        assert not task.done()
        broker.feed(bytes([0x40, 2, pid >> 8, pid & 255]))
        await task

    play(scene)


@pytest.mark.parametrize("payload", [1, 1.5, None, True, ["x"]])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_payload_that_is_no_text_and_no_bytes_is_refused_with_the_way_out(payload, qos):
    async def scene(broker, client):
        with pytest.raises(TypeError, match=r"str\(\)" if isinstance(payload, (int, float)) else None):
            await client.publish("t", payload, qos=qos)
        await client.publish("t", str(payload), qos=qos)
        assert len(broker.published) == 1

    play(scene)


@pytest.mark.parametrize("payload", ["grün", "grün".encode(), bytearray(b"gr\xc3\xbcn"), memoryview(b"gr\xc3\xbcn")])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_payloads(payload, qos):
    async def scene(broker, client):
        await client.publish("t", payload, True, qos)
        assert broker.published == [(b"t", "grün".encode(), qos, True)]

    play(scene)


@pytest.mark.parametrize("qos", [1, 2])
def test_the_program_may_change_its_payload_when_it_was_cancelled(qos):
    async def scene(broker, client):
        await go_down(broker, client, 5)
        payload = bytearray(b"first")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.publish("t", payload, qos=qos), 1)
        payload[:] = b"other"
        await until(lambda: broker.published)
        assert broker.published[0][1] == b"first"

    play(scene)


@pytest.mark.parametrize("call", ["publish", "subscribe", "unsubscribe"])
def test_what_is_not_allowed_is_raised_at_once(call):
    async def scene(broker, client):
        more = ("m",) if call == "publish" else ()
        with pytest.raises(ValueError):
            await getattr(client, call)("a/#/b", *more)
        with pytest.raises(TypeError):
            await getattr(client, call)(17, *more)
        if call != "unsubscribe":
            for qos in (3, -1, "1", None):
                with pytest.raises((ValueError, TypeError)):
                    await getattr(client, call)("t", *more, qos=qos)
        if call != "publish":
            with pytest.raises(TypeError):
                await getattr(client, call)()
        await client.publish("t", "m", qos=1)
        assert broker.subscriptions == {} and len(broker.published) == 1

    play(scene)


def test_a_message_that_the_broker_closes_for_is_raised():
    async def scene(broker, client):
        answer = broker._answer

        def choosy(first, body):
            if first & 0xF0 == 0x30 and b"bad" in body:
                broker.drop()
            else:
                answer(first, body)

        broker._answer = choosy
        bad = asyncio.create_task(client.publish("t", "bad", qos=1))
        await asyncio.sleep(0)
        await client.publish("t", "good", qos=1)
        with pytest.raises(MQTTException) as caught:
            await bad
        assert caught.value.args[0] == errno.ECONCLOSE
        assert [message[1] for message in broker.published] == [b"good"]

    play(scene)


# --- Subscribing -------------------------------------------------------------------------------------


def test_several_filters_at_once():
    async def scene(broker, client):
        assert await client.subscribe("a", ("b/+", 2), b"c/#", qos=1) == (1, 2, 1)
        assert broker.subscriptions == {b"a": 1, b"b/+": 2, b"c/#": 1}
        assert await client.subscribe(("d", 0), qos=2) == 0
        await client.unsubscribe("a", "c/#", "d")
        assert broker.subscriptions == {b"b/+": 2}

    play(scene)


def test_the_qos_that_the_broker_has_granted_is_returned():
    async def scene(broker, client):
        answer = broker._answer

        def less(first, body):
            if first == 0x82:
                broker.feed(b"\x90\x03" + body[:2] + b"\x01")
            else:
                answer(first, body)

        broker._answer = less
        assert await client.subscribe("a", qos=2) == 1
        assert await client.subscribe("a", "b", qos=2) == (1, 1)

    play(scene)


def test_a_refused_subscription_is_raised():
    async def scene(broker, client):
        broker.refused.add(b"secret")
        with pytest.raises(MQTTException) as caught:
            await client.subscribe("secret", qos=1)
        assert caught.value.args[0] == errno.ESUBACKFAIL
        with pytest.raises(MQTTException) as caught:
            await client.subscribe("open", "secret", "last", qos=2)
        assert caught.value.args[0] == errno.ESUBACKFAIL
        assert broker.subscriptions == {b"open": 2, b"last": 2}
        assert not client._waiting

    play(scene)


@pytest.mark.parametrize("seconds", [1, 10])
@pytest.mark.parametrize("call", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize("connected", [True, False])
def test_a_request_that_is_not_answered_is_raised_in_time(call, seconds, connected):
    async def scene(broker, client):
        if connected:
            unanswered(broker)
        else:
            await go_down(broker, client)
        start = asyncio.get_running_loop().time()
        with pytest.raises(MQTTException) as caught:
            await getattr(client, call)("t")
        assert caught.value.args[0] == errno.ECONTIMEOUT
        # A fake clock: this is no measurement.
        assert seconds - 0.1 <= asyncio.get_running_loop().time() - start <= seconds + 0.6
        assert not client._waiting
        assert not client.session.filters

    play(scene, message_timeout=seconds)


def test_an_answer_that_is_seen_when_the_time_is_just_over_counts():
    """As in a program that was busy for so long: the answer and the end of the time come in one turn of the loop."""

    async def scene(broker, client):
        answer = unanswered(broker)
        asked = asyncio.create_task(client.subscribe("t", qos=1))
        await turns(3)

        def late():
            answer()
            client._look()

        asyncio.get_running_loop().call_later(1.0005, late)  # the time of the fake clock goes on by whole milliseconds
        assert await asked == 1
        assert client.session.filters

    play(scene, message_timeout=1)


def test_one_that_gives_up_leaves_another_its_subscription():
    async def scene(broker, client):
        await go_down(broker, client, 15)
        first = asyncio.create_task(client.subscribe("t"))
        await asyncio.sleep(8)
        second = asyncio.create_task(client.subscribe("t"))
        with pytest.raises(MQTTException) as caught:
            await first
        assert caught.value.args[0] == errno.ECONTIMEOUT
        await second
        assert broker.subscriptions == {b"t": 0}

    play(scene)


@pytest.mark.parametrize("connected", [True, False])
def test_several_tasks_ask_for_the_same_subscription(connected):
    async def scene(broker, client):
        if not connected:
            await go_down(broker, client, 0.2)
        await asyncio.gather(*[client.subscribe("home/status", qos=i) for i in (0, 1, 2)])
        assert broker.subscriptions == {b"home/status": 2}
        assert not client._waiting

    play(scene)


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_one_of_two_that_ask_for_the_same_is_cancelled(connected, first):
    async def scene(broker, client):
        if not connected:
            await go_down(broker, client, 1)
        tasks = [asyncio.create_task(client.subscribe("s", qos=1)) for _ in range(2)]
        await asyncio.sleep(0)
        tasks[not first].cancel()
        got = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(one, BaseException) for one in got] == [first, not first]
        assert broker.subscriptions == {b"s": 1}
        assert not client._waiting

    play(scene)


def test_a_subscription_twice_in_one_call():
    async def scene(broker, client):
        assert await client.subscribe("a", ("a", 2)) == (2, 2)
        assert broker.subscriptions == {b"a": 2}

    play(scene)


@pytest.mark.parametrize("connected", [True, False])
def test_the_last_wish_wins_and_all_who_ask_are_answered(connected):
    async def scene(broker, client):
        broker.refused.add(b"secret")
        if not connected:
            await go_down(broker, client, 1)
        answers = await asyncio.gather(
            client.subscribe("a"),
            client.unsubscribe("a"),
            client.unsubscribe("b"),
            client.subscribe("b"),
            client.subscribe("secret"),
            client.subscribe("secret"),
            return_exceptions=True,
        )
        assert broker.subscriptions == {b"b": 0}
        assert answers[1:4] == [None, None, 0]
        assert [answer.args[0] for answer in answers[4:]] == [errno.ESUBACKFAIL] * 2
        assert not client._waiting

    play(scene)


@pytest.mark.parametrize("seed", range(20))
def test_crossing_requests_that_may_time_out_all_return(seed):
    chance = random.Random(seed)

    async def scene(broker, client):
        async def ask():
            for _ in range(10):
                call = chance.choice([client.subscribe, client.unsubscribe])("t")
                try:
                    await asyncio.wait_for(call, chance.choice([0, 0.01, 0.05, 20]))
                except asyncio.TimeoutError:
                    pass
                if not chance.randrange(5):
                    broker.drop()
                await asyncio.sleep(chance.random() / 20)

        await asyncio.gather(*[ask() for _ in range(4)])
        await client.subscribe("t", qos=1)
        assert broker.subscriptions == {b"t": 1}
        await client.unsubscribe("t")
        assert broker.subscriptions == {}
        assert not client._waiting

    play(scene)
