"""umqtt2.aio on CPython's event loop, against a fake broker: what comes, and how it is acknowledged."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.unit.aio_program import (
    Pollable,
    client_of,
    collect,
    disturb,
    go_down,
    nothing_more,
    pause,
    play,
    run,
    take,
    turns,
    until,
)
from umqtt2 import MQTTException, aio, errno
from umqtt2.packets.filter import matches
from umqtt2.session.file import FileSession
from umqtt2.testing import FakeBroker


class Windowed(FakeBroker):
    """One with a limit of messages in flight, as mosquitto has: the others wait their turn."""

    window = 20


def numbers(count):
    return [b"%d" % i for i in range(count)]


# --- Taking them -------------------------------------------------------------------------------------


def test_a_message_is_a_tuple_with_names():
    async def scene(broker, client):
        broker.deliver("t", "m", 2, True)
        message = await client.next()
        assert isinstance(message, tuple)
        assert message == aio.Message(b"t", b"m", True, 2, False)
        assert (message.topic, message.payload, message.retain, message.qos, message.dup) == message
        topic, payload, retain, *rest = message
        assert (topic, payload, retain, rest) == (b"t", b"m", True, [2, False])

    play(scene)


def test_tasks_that_wait_for_one_message_with_a_limit_get_it_or_time_out():
    async def scene(broker, client):
        tasks = [asyncio.create_task(client.next(timeout=0.2)) for _ in range(3)]
        await asyncio.sleep(0.05)
        broker.deliver("t", "m", 1)
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in done].count(asyncio.TimeoutError) == 2
        assert [one.payload for one in done if isinstance(one, tuple)] == [b"m"]

    play(scene)


def test_one_that_may_have_come_before_says_so():
    async def scene(broker, client):
        broker.silent = True
        broker.deliver("t", "m", 1)
        broker.incoming.clear()  # lost
        broker.silent = False
        broker.drop()
        assert (await client.next()).dup is True

    play(scene)


def test_next_with_a_time_limit():
    async def scene(broker, client):
        loop = asyncio.get_running_loop()
        start = loop.time()
        with pytest.raises(asyncio.TimeoutError):
            await client.next(2)
        assert 2 <= loop.time() - start < 2.1  # a fake clock's
        with pytest.raises(asyncio.TimeoutError):
            await client.next(timeout=0)
        broker.deliver("t", "m", 1)
        assert (await client.next(2)).payload == b"m"

    play(scene)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_time_limit_loses_no_message_whenever_it_is_over(qos):
    async def scene(broker, client):
        got = []
        for i in range(60):
            broker.deliver("t", str(i), qos)
            while len(got) == i:
                try:
                    got.append((await client.next(i / 1000)).payload)
                except asyncio.TimeoutError:
                    pass
        assert got == numbers(60)

    play(scene)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_cancelled_next_loses_no_message(qos):
    async def scene(broker, client):
        got = []
        for i in range(60):
            task = asyncio.create_task(client.next())
            await asyncio.sleep(i % 7 / 1000)
            broker.deliver("t", str(i), qos)
            await asyncio.sleep(i / 2000)
            task.cancel()
            try:
                got.append((await task).payload)
            except asyncio.CancelledError:
                pass
        while len(got) < 60:
            got.append((await client.next(1)).payload)
        assert got == numbers(60)

    play(scene)


def test_iterating_ends_when_the_client_leaves_and_next_raises():
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            tasks = [asyncio.create_task(collect(client)) for _ in range(2)]
            waiting = asyncio.create_task(client.next())
            await asyncio.sleep(1)
            broker.deliver("t", "m")
            await asyncio.sleep(1)
        got = await asyncio.gather(*tasks, waiting, return_exceptions=True)
        assert sum(len(one) for one in got if isinstance(one, list)) <= 1
        error = [one for one in got if isinstance(one, MQTTException)]
        assert not error or error[0].args == (errno.ECONNOT,)

    run(main(), broker.clock)


def test_several_tasks_take_messages_each_goes_to_one():
    async def scene(broker, client):
        tasks = [asyncio.create_task(collect(client, 5)) for _ in range(3)]
        await asyncio.sleep(0)
        for i in range(15):
            broker.deliver("t", f"{i:02}")
        got = await asyncio.gather(*tasks)
        assert sorted(sum(got, [])) == [b"%02d" % i for i in range(15)]

    play(scene)


def test_a_handler_for_each_filter_is_three_lines():
    async def scene(broker, client):
        got = []
        handlers = {b"cmd/#": lambda message: got.append(("cmd", message.payload)), b"alarm/+": got.append}
        for topic in ("cmd/a/b", "alarm/x", "alarm/x/y"):
            broker.deliver(topic, "m")
        for _ in range(3):
            message = await client.next()
            for wanted, handler in handlers.items():
                if matches(wanted, message.topic):
                    handler(message)
        assert got == [("cmd", b"m"), (b"alarm/x", b"m", False, 0, False)]

    play(scene)


# --- Acknowledging -----------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("how", ["next", "iterate"])
def test_a_message_is_acknowledged_when_the_next_one_is_asked_for(qos, how):
    async def scene(broker, client):
        for i in range(3):
            broker.deliver("t", str(i), qos)
        iterator = client.messages().__aiter__()
        ask = client.next if how == "next" else iterator.__anext__
        for i in range(3):
            assert (await ask()).payload == b"%d" % i
            await asyncio.sleep(60)
            assert broker.acknowledged == list(range(1, i + 1))
        await nothing_more(client)
        assert broker.acknowledged == [1, 2, 3]

    play(scene)


@pytest.mark.parametrize("qos", [1, 2])
def test_a_message_is_acknowledged_when_the_task_that_has_it_has_ended(qos):
    async def scene(broker, client):
        for i in range(3):
            broker.deliver("t", str(i), qos)
        for i in range(3):
            message = await asyncio.ensure_future(client.next())
            assert message.payload == b"%d" % i
        task = asyncio.create_task(client.next())
        await until(lambda: broker.acknowledged == [1, 2, 3])
        task.cancel()

    play(scene)


def test_a_task_that_ends_does_not_hold_up_one_that_waits():
    async def worker(client):
        message = await client.next()
        await asyncio.sleep(1)
        return message.payload

    async def scene(broker, client):
        for i in range(3):
            broker.deliver("t", str(i), 1)
        tasks = [asyncio.create_task(worker(client)) for _ in range(3)]
        assert await asyncio.wait_for(asyncio.gather(*tasks), 20) == numbers(3)

    broker = Windowed()
    broker.window = 1
    play(scene, broker)


@pytest.mark.parametrize("qos", [1, 2])
def test_workers_acknowledge_in_the_order_in_which_messages_came(qos):
    async def worker(client, chance, got):
        async for message in client.messages():
            await asyncio.sleep(chance.random())
            got.append(message.payload)

    async def scene(broker, client):
        first_acks = []
        answer = broker._answer

        def note(first, body):
            if first in (0x40, 0x50):
                first_acks.append(body[0] << 8 | body[1])
            answer(first, body)

        broker._answer = note
        got = []
        for i in range(100):
            broker.deliver("t", str(i), qos)
        workers = [asyncio.create_task(worker(client, random.Random(i), got)) for i in range(4)]
        await until(lambda: len(broker.acknowledged) == 100)
        assert first_acks == list(range(1, 101))  # [MQTT-4.6.0-2]
        assert sorted(got, key=int) == numbers(100)
        assert got != numbers(100)
        for task in workers:
            task.cancel()

    play(scene, Windowed())


def test_at_the_end_of_the_block_what_was_taken_is_acknowledged_and_what_was_not_is_not():
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            for i in range(4):
                broker.deliver("t", str(i), 1)
            assert await take(client, 2) == numbers(2)
        assert broker.acknowledged == [1, 2]
        async with client:
            await asyncio.sleep(1)  # until they have come again
            assert await take(client, 2) == [b"2", b"3"]
        assert broker.acknowledged == [1, 2, 3, 4]
        assert broker.disconnected

    run(main(), broker.clock)


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("how", ["raises", "is cancelled"])
def test_the_message_of_a_worker_that_fails_goes_to_another(qos, how):
    async def fails(client):
        message = await client.next()
        if how == "raises":
            raise KeyError(message.payload)
        await asyncio.sleep(1000)

    async def scene(broker, client):
        for i in range(3):
            broker.deliver("t", str(i), qos)
        broken = asyncio.create_task(fails(client))
        await turns(20)
        broken.cancel()
        got = asyncio.create_task(collect(client, 3))
        assert sorted(await asyncio.wait_for(got, 20)) == numbers(3)
        with pytest.raises((KeyError, asyncio.CancelledError)):
            await broken
        await nothing_more(client)
        assert broker.acknowledged == [1, 2, 3]

    play(scene)


def test_a_worker_that_waits_takes_the_message_of_one_that_fails():
    async def fails(client):
        await client.next()
        await asyncio.sleep(1)
        raise KeyError

    async def scene(broker, client):
        broken = asyncio.create_task(fails(client))
        await turns(5)
        broker.deliver("t", "m", 1)
        await turns(20)
        assert (await client.next(20)).payload == b"m"
        with pytest.raises(KeyError):
            await broken

    play(scene)


@pytest.mark.parametrize("qos", [1, 2])
def test_what_is_processed_before_the_broker_repeats_it_comes_once(qos):
    async def scene(broker, client):
        for i in range(4):
            broker.deliver("t", str(i), qos)
        assert await take(client, 2) == numbers(2)
        await go_down(broker, client, 1)
        assert await take(client, 2) == [b"2", b"3"]
        await nothing_more(client, 100)
        assert broker.acknowledged == [1, 2, 3, 4]

    play(scene)


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("count, taken", [(1, 1), (4, 2)])
def test_where_an_exception_ends_the_block_the_message_comes_again_in_its_order(count, taken, qos):
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        with pytest.raises(ZeroDivisionError):
            async with client:
                for i in range(count):
                    broker.deliver("t", str(i), qos)
                await take(client, taken)
                raise ZeroDivisionError
        assert broker.acknowledged in ([], list(range(1, taken)))  # at QoS 2 the last step comes later
        async with client:
            assert await take(client, count - taken + 1) == numbers(count)[taken - 1 :]
            await nothing_more(client)
        assert broker.acknowledged == list(range(1, count + 1))

    run(main(), broker.clock)


def test_acknowledgements_wait_for_a_network_that_takes_nothing():
    async def scene(broker, client):
        for i in range(5):
            broker.deliver("t", str(i), 1)
        await asyncio.sleep(1)
        broker.blocked = True
        assert await take(client, 5) == numbers(5)
        await asyncio.sleep(1)
        assert broker.acknowledged == []
        broker.blocked = False
        await until(lambda: broker.acknowledged == [1, 2, 3, 4])

    play(scene, Pollable(), keepalive=0)  # no answer to a ping reminds the client of them


def test_who_publishes_hears_that_an_acknowledgement_of_another_task_has_found_the_network_free():
    async def scene(broker, client):
        for i in range(2):
            broker.deliver("t", str(i), 1)
        assert await take(client, 1) == [b"0"]
        broker.blocked = True
        task = asyncio.create_task(client.publish("t", bytes(200)))
        await turns(5)
        assert not task.done()
        broker.blocked = False
        assert await take(client, 1) == [b"1"]
        await asyncio.wait_for(task, 5)
        assert broker.published == [(b"t", bytes(200), 0, False)]
        before = asyncio.get_running_loop().turns
        await asyncio.sleep(60)
        assert asyncio.get_running_loop().turns - before < 10  # nobody is kept busy

    play(scene, Pollable(), keepalive=0)


# --- The queue ---------------------------------------------------------------------------------------


def test_the_loop_of_the_documentation_answers_all_at_qos_1():
    # The program that lost 44 of 50 that it had acknowledged.
    async def scene(broker, client):
        async def obey():
            async for message in client.messages():
                await client.publish("lamp/state", message.payload, qos=1)

        task = asyncio.create_task(obey())
        await asyncio.sleep(0.1)
        for i in range(50):
            broker.deliver("lamp/set", str(i), qos=1)
        await until(lambda: len(broker.acknowledged) >= 50)
        assert [message[1] for message in broker.published] == numbers(50)
        assert client.dropped == 0
        task.cancel()

    play(scene)


@pytest.mark.parametrize("window", [20, 100000])
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("queue", [1, 3, 20])
def test_answering_many_messages_with_an_acknowledged_publish_for_each(queue, qos, window):
    count = 200
    answered = []

    async def scene(broker, client):
        async def answer():
            async for message in client.messages():
                await client.publish("answer", message.payload, qos=1)
                answered.append(message.payload)

        task = asyncio.create_task(answer())
        for i in range(count):
            broker.deliver("t", str(i), qos)
        if qos:
            await until(lambda: len(answered) >= count)
        else:
            await until(lambda: len(answered) + client.dropped == count)
        await asyncio.sleep(10)
        task.cancel()
        if qos == 0:
            assert len(answered) + client.dropped == count
            assert answered == sorted(answered, key=int)
            return
        assert client.dropped == 0
        if qos == 2:
            assert answered == numbers(count)
        else:
            assert list(dict.fromkeys(answered)) == numbers(count)
        assert not broker._in_flight

    broker = Windowed()
    broker.window = window
    play(scene, broker, queue=queue, backoff=(0.01, 0.01))


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_full_queue_makes_the_broker_wait_and_loses_nothing(qos):
    async def scene(broker, client):
        for i in range(100):
            broker.deliver("t", str(i), qos)
        await asyncio.sleep(10)
        assert broker.incoming
        assert await take(client, 100) == numbers(100)
        assert client.dropped == 0
        assert len(broker.connects) == 1

    play(scene, queue=4)


def test_who_waits_for_an_acknowledgement_does_not_wait_for_a_slow_consumer():
    async def scene(broker, client):
        for i in range(30):
            broker.deliver("t", str(i))
        await client.publish("t", "m", qos=1)
        assert client.dropped == 26
        assert await take(client, 4) == [b"26", b"27", b"28", b"29"]

    play(scene, queue=4)


def test_those_at_qos_0_make_room_for_those_that_may_not_be_dropped():
    async def scene(broker, client):
        for i in range(4):
            broker.deliver("t", f"zero {i}")
        for i in range(3):
            broker.deliver("t", f"one {i}", 1)
        broker.deliver("t", "too late")
        await client.publish("t", "m", qos=1)
        assert client.dropped == 4
        assert await take(client, 4) == [b"one 0", b"one 1", b"one 2", b"too late"]

    play(scene, queue=4)


@pytest.mark.parametrize("qos", [1, 2])
def test_what_does_not_fit_is_left_at_the_broker_and_comes_again(qos):
    async def scene(broker, client):
        for i in range(10):
            broker.deliver("t", str(i), qos)
        await client.publish("t", "m", qos=1)
        assert len(client._queue) == 4
        assert await take(client, 10) == numbers(10)
        await nothing_more(client)
        assert client.dropped == 0
        assert not broker._in_flight
        assert len(broker.connects) > 1
        assert client.last_error is None  # it is no failure

    play(scene, queue=4)


def test_what_does_not_fit_comes_again_when_a_blocked_network_has_taken_the_acknowledgements():
    async def scene(broker, client):
        for i in range(10):
            broker.deliver("t", str(i), 1)
        await client.publish("t", "m", qos=1)
        broker.blocked = True
        assert await take(client, 4) == numbers(4)
        asyncio.get_running_loop().call_later(1, setattr, broker, "blocked", False)
        assert await take(client, 6) == numbers(10)[4:]

    play(scene, Pollable(), queue=4, keepalive=0)


def test_with_a_clean_session_the_queue_grows_for_the_broker_would_not_send_them_again():
    async def scene(broker, client):
        for i in range(10):
            broker.deliver("t", str(i), 1)
        await client.publish("t", "m", qos=1)
        assert await take(client, 10) == numbers(10)
        assert len(broker.connects) == 1

    play(scene, queue=4, clean_session=True)


def test_the_queue_can_be_set_with_the_loop():
    async def scene(broker, client):
        for i in range(100):
            broker.deliver("t", str(i))
        iterator = client.messages(queue=7).__aiter__()
        await asyncio.sleep(10)
        assert len(client._queue) == 7
        assert (await iterator.__anext__()).payload == b"0"
        for queue in (0, -1, 1.5, "7"):
            with pytest.raises(ValueError):
                client.messages(queue=queue)
        client.messages()
        assert await take(client, 99) == numbers(100)[1:]

    play(scene)


def test_a_client_with_a_full_queue_pings_and_is_not_thrown_out():
    async def scene(broker, client):
        for i in range(10):
            broker.deliver("t", str(i))
        await asyncio.sleep(60)
        assert broker.sent.count(b"\xc0\0") >= 10
        assert len(broker.connects) == 1
        assert await take(client, 10) == numbers(10)

    play(scene, queue=2, keepalive=10)


@pytest.mark.parametrize("qos", [0, 1])
def test_a_full_queue_and_a_blocked_network_end_in_time_and_keep_nobody_busy(qos):
    async def scene(broker, client):
        loop = asyncio.get_running_loop()
        for i in range(30):
            broker.deliver("t", str(i), 2)
        await asyncio.sleep(1)
        broker.blocked = True
        task = asyncio.create_task(client.publish("t", "m", qos=qos))
        before = loop.turns
        start = loop.time()
        await client.down.wait()
        assert client.last_error.args == (errno.ECONTIMEOUT,)
        assert loop.time() - start < 6  # socket_timeout is 5
        assert loop.turns - before < 200
        broker.blocked = False
        await task
        assert await take(client, 30) == numbers(30)

    play(scene, Pollable(), queue=5)


def test_a_full_queue_and_an_idle_client_take_no_turns():
    async def scene(broker, client):
        loop = asyncio.get_running_loop()
        for i in range(30):
            broker.deliver("t", str(i), 1)
        await asyncio.sleep(1)
        before = loop.turns
        await asyncio.sleep(300)
        assert loop.turns - before < 80  # a ping, each half a minute

    play(scene, Pollable(), queue=5)


def test_an_idle_client_takes_no_turns():
    async def scene(broker, client):
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(collect(client))
        await asyncio.sleep(1)
        before = loop.turns
        await asyncio.sleep(300)
        assert loop.turns - before < 80
        task.cancel()

    play(scene, Pollable())


# --- What cannot be taken ----------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_larger_than_the_memory_for_it_is_counted_and_told(qos):
    async def scene(broker, client):
        broker.deliver("t", bytes(3000), qos)
        broker.deliver("t", "small", qos)
        assert await take(client, 1) == [b"small"]
        assert client.dropped == 1
        assert client.last_error.args == (errno.SOVERSIZE,)
        assert "max_packet" in repr(client)
        assert client.is_connected()
        await asyncio.sleep(1)
        assert broker.acknowledged == ([1] if qos else [])

    play(scene, max_packet=2000)


@pytest.mark.parametrize("qos", [1, 2])
def test_a_message_that_there_is_no_memory_to_give_is_given_when_there_is(qos):
    class Full(list):
        def append(self, one):
            self.append = super().append
            raise MemoryError

    async def scene(broker, client):
        client._given = Full()
        broker.deliver("t", "0", qos)
        broker.deliver("t", "1", qos)
        with pytest.raises(MemoryError):
            await client.next()
        assert await take(client, 2) == numbers(2)
        await nothing_more(client)
        assert sorted(broker.acknowledged) == [1, 2]

    play(scene)


@pytest.mark.parametrize("topic", ["a/#", "a\0b"])
def test_a_topic_that_is_forbidden_is_counted(topic):
    async def scene(broker, client):
        broker.deliver(topic, "m", 1)
        broker.deliver("t", "fine", 1)
        assert await take(client, 1) == [b"fine"]
        assert client.dropped == 1

    play(scene)


# --- Reconnects --------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "file"])
def session(request, tmp_path):
    return None if request.param == "memory" else FileSession(str(tmp_path / "session"))


@pytest.mark.parametrize("where", ["queue", "given", "processed", "released"])
def test_at_qos_2_a_message_comes_once_through_a_reconnect(where, session):
    async def scene(broker, client):
        got = []
        pause(client, 0.3)
        broker.deliver("t", "m", 2)
        if where == "queue":
            await until(lambda: client._queue)
        else:
            got += await take(client, 1)
        if where == "processed":
            await go_down(broker, client, 2)
        if where == "released":
            answer = broker._answer
            broker._answer = lambda first, body: answer(first, body) if first != 0x50 else broker.drop()
        if where in ("processed", "released"):
            await nothing_more(client, 1)
        if where == "released":
            broker._answer = answer
        if where in ("queue", "given"):
            broker.drop()
            await client.down.wait()
        await client.up.wait()
        await asyncio.sleep(1)
        broker.deliver("t", "end", 2)
        while b"end" not in got:
            got += await take(client, 1)
        assert got == [b"m", b"end"]
        await nothing_more(client)
        assert broker.acknowledged == [1, 2]

    play(scene, session=session)


def test_at_qos_2_a_message_that_was_processed_is_known_in_another_block():
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        async with client:
            broker.deliver("t", "m", 2)
            assert await take(client, 1) == [b"m"]
            await go_down(broker, client)
        async with client:
            await nothing_more(client)
            assert broker.acknowledged == [1]

    run(main(), broker.clock)


@pytest.mark.parametrize("qos", [1, 2])
def test_a_message_in_the_queue_of_one_block_is_there_in_the_next(qos):
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        async with client:
            broker.deliver("t", "m", qos)
            await until(lambda: client._queue)
        async with client:
            await asyncio.sleep(1)
            assert await take(client, 1) == [b"m"]
            await nothing_more(client)
            assert broker.acknowledged == [1]

    run(main(), broker.clock)


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("where", ["queue", "given"])
def test_a_broker_that_forgets_the_session_gets_no_acknowledgement_for_what_it_does_not_know(where, qos):
    async def scene(broker, client):
        broker.deliver("t", "m", qos)
        got = await take(client, 1) if where == "given" else []
        await until(lambda: got or client._queue)
        broker.drop()
        broker.forget()
        await client.down.wait()
        await client.up.wait()
        got += await take(client, 1 - len(got))
        broker._pid = 0  # the same identifier, for another message
        broker.deliver("t", "other", qos)
        got += await take(client, 1)
        assert broker.acknowledged == []
        broker.deliver("t", "end", qos)
        got += await take(client, 1)
        assert got == [b"m", b"other", b"end"]
        await nothing_more(client)
        assert broker.acknowledged == [1, 2]

    play(scene)


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("where", ["queue", "given"])
def test_the_same_identifier_for_another_message(where, qos):
    # A broker that has resumed the session, and yet uses the identifier of a message that it has given up.
    async def scene(broker, client):
        broker.deliver("t", "m", qos)
        got = await take(client, 1) if where == "given" else []
        await until(lambda: got or client._queue)
        broker.drop()
        broker._in_flight.clear()
        broker._pid = 0
        await client.down.wait()
        await client.up.wait()
        broker.deliver("t", "other", qos)
        await asyncio.sleep(1)
        got += await take(client, 2 - len(got))
        assert got == [b"m", b"other"]
        assert broker.acknowledged == []
        await nothing_more(client)
        assert broker.acknowledged == [1]

    play(scene)


@pytest.mark.parametrize("qos", [1, 2])
def test_what_is_in_the_queue_is_not_taken_twice_through_many_reconnects(qos):
    async def scene(broker, client):
        for i in range(20):
            broker.deliver("t", str(i), qos)
        await until(lambda: len(client._queue) == 20)
        for _ in range(5):
            broker.drop()
            await client.down.wait()
            await client.up.wait()
        await asyncio.sleep(1)
        assert await take(client, 20) == numbers(20)
        await nothing_more(client)
        assert broker.acknowledged == list(range(1, 21))

    play(scene, queue=21)


@pytest.mark.parametrize("seed", range(15))
def test_messages_through_faults_at_any_time(seed, session):
    chance = random.Random(seed)
    count = 150

    async def worker(client, got):
        async for message in client.messages():
            await asyncio.sleep(chance.choice([0, 0, 0.02, 0.3]))
            got.append((message.qos, message.payload))

    async def annoy(broker):
        while True:
            await asyncio.sleep(chance.random())
            disturb(broker, chance)

    async def scene(broker, client):
        got = []
        pause(client, 0.1)
        workers = [asyncio.create_task(worker(client, got)) for _ in range(2)]
        annoying = asyncio.create_task(annoy(broker))
        for i in range(count):
            await client.up.wait()
            broker.deliver("t", str(i), 1 + i % 2)
            await asyncio.sleep(chance.random() / 10)
            if not chance.randrange(10):
                await client.publish("t", "m", qos=1)
        annoying.cancel()
        await until(lambda: not broker._in_flight)
        for task in workers:
            task.cancel()
        exactly = [int(payload) for qos, payload in got if qos == 2]
        assert sorted(exactly) == list(range(1, count, 2))
        assert {int(payload) for qos, payload in got if qos == 1} == set(range(0, count, 2))

    play(scene, Windowed(), queue=6, session=session)
