"""umqtt2.aio on CPython's event loop, against a fake broker: the block, cancelling, reconnecting."""

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
    pause,
    play,
    run,
    take,
    turns,
    unanswered,
    until,
)
from umqtt2 import MQTTException, aio, errno
from umqtt2.session.qos2 import QoS2Session
from umqtt2.testing import FakeBroker, FakeTransport


def refuse(broker):
    broker.return_code = 5


def unreachable(broker):
    broker.fail_open = OSError(111)


def mute(broker):
    broker.silent = True


# --- The block ---------------------------------------------------------------------------------------


def test_the_example_of_the_documentation():
    async def scene(broker, client):
        assert await client.subscribe("cmd/#", qos=1) == 1
        assert broker.subscriptions == {b"cmd/#": 1}
        await client.publish("state", b"on", qos=1)
        assert broker.published == [(b"state", b"on", 1, False)]
        broker.deliver("cmd/a", "1", 1)
        broker.deliver("cmd/b", "2", 0, True)
        got = []
        async for topic, payload, retain, *_ in client.messages():
            got.append((topic, payload, retain))
            if len(got) == 2:
                break
        assert got == [(b"cmd/a", b"1", False), (b"cmd/b", b"2", True)]
        assert broker.acknowledged == [1]
        await client.unsubscribe("cmd/#")
        assert broker.subscriptions == {}
        return broker

    assert play(scene).disconnected


def test_the_same_client_can_be_used_for_another_block():
    broker = FakeBroker()
    client = client_of(broker)  # made where there is no event loop yet

    async def main():
        for i in range(3):
            async with client:
                await client.publish("t", str(i), qos=1)
            assert broker.disconnected

    run(main(), broker.clock)
    run(main(), broker.clock)
    assert [m[1] for m in broker.published] == [b"0", b"1", b"2"] * 2


def test_connect_and_disconnect_do_without_a_block():
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        assert await client.connect() is client
        await client.publish("t", "m", qos=2)
        await client.disconnect()
        assert broker.disconnected
        await client.disconnect()
        await client.connect()
        await client.publish("t", "m", qos=2)
        await client.disconnect()
        assert len(broker.connects) == 2

    run(main(), broker.clock)
    assert broker.disconnected


def test_entering_twice_is_refused_and_does_not_disturb_the_first():
    async def scene(broker, client):
        for enter in (client.connect, client.__aenter__):
            with pytest.raises(MQTTException) as caught:
                await enter()
            assert caught.value.args == (errno.EBUSY,)
        await client.publish("t", "m", qos=1)
        assert len(broker.connects) == 1

    play(scene)


def test_of_two_tasks_that_enter_at_once_one_is_refused():
    broker = FakeBroker()

    async def enter(client):
        async with client:
            await client.publish("t", "m", qos=1)

    async def main():
        client = client_of(broker)
        got = await asyncio.gather(enter(client), enter(client), return_exceptions=True)
        assert got[0] is None
        assert got[1].args == (errno.EBUSY,)
        await enter(client)
        assert len(broker.connects) == 2

    run(main(), broker.clock)


@pytest.mark.parametrize(
    "fault, number", [(refuse, errno.ECONAUTH), (unreachable, 111), (mute, errno.ECONTIMEOUT)]
)
def test_what_prevents_the_first_connection_is_raised(fault, number):
    broker = FakeBroker()
    fault(broker)

    async def main():
        client = client_of(broker)
        with pytest.raises((OSError, MQTTException)) as caught:
            async with client:
                raise AssertionError("it is not connected")
        assert caught.value.args[0] == number
        assert client.last_error is caught.value
        assert client.down.is_set() and not client.up.is_set()
        broker.return_code = 0
        broker.silent = False
        async with client:
            await client.publish("t", "m", qos=1)
            assert client.up.is_set() and not client.down.is_set()

    run(main(), broker.clock)


def test_what_it_was_made_with_is_not_allowed():
    broker = FakeBroker()
    for options in (
        {"backoff": (2, 1)}, {"session": QoS2Session()}, {"ssl_params": {"cert": b""}}, {"queue": 0}, {"queue": 1.5},
        {"queue": None}, {"will": ("a/#", b"", False, 0)}, {"will": ("a", b"", False, 3)},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            client_of(broker, **options)

    async def main():
        for options in ({"keepalive": 70000}, {"socket_timeout": -1}, {"message_timeout": -1}):
            client = client_of(broker, **options)
            with pytest.raises(ValueError):
                await client.connect()
            assert client.down.is_set()
        assert not broker.opens

    run(main(), broker.clock)


@pytest.mark.parametrize("name", ["will", "clean_session", "queue", "transport", "verbose"])
def test_arguments_after_keepalive_go_by_name(name):
    with pytest.raises(TypeError):
        aio.MQTTClient("id", "broker", 1883, None, None, 60, None)
    assert name in aio.MQTTClient.__init__.__kwdefaults__


def test_the_last_will_is_an_argument():
    async def scene(broker, client):
        assert broker.connects[0]["will"] == (b"lamp/state", b"gone", 1, True)

    play(scene, will=("lamp/state", "gone", True, 1))


def test_what_it_is_made_with_reaches_the_broker():
    broker = FakeBroker()

    async def main():
        client = aio.MQTTClient(
            client_id="lamp", server="broker", user="u", password="p", keepalive=30, clean_session=True,
            transport=broker, clock=broker.clock,
        )  # fmt: skip
        async with client:
            pass

    run(main(), broker.clock)
    assert broker.connects == [
        {"client_id": b"lamp", "clean": True, "keepalive": 30, "user": b"u", "password": b"p", "will": None}
    ]


def test_the_session_is_kept_unless_it_is_asked_for_a_clean_one():
    for clean in (False, True):

        async def scene(broker, client):
            broker.drop()
            await until(lambda: len(broker.connects) == 2)
            assert [seen["clean"] for seen in broker.connects] == [clean] * 2  # noqa: B023

        play(scene, clean_session=clean)


def test_there_are_no_callbacks_that_would_be_forgotten():
    client = client_of(FakeBroker())
    assert not [name for name in dir(client) if name.startswith("set_")]


def test_after_the_block_nothing_works_and_nothing_hangs():
    async def scene(broker, client):
        return client

    client = play(scene)

    async def main():
        for call in (
            client.publish("t", "m"),
            client.publish("t", "m", qos=1),
            client.subscribe("t"),
            client.unsubscribe("t"),
            client.next(),
            client.connect_now(),
        ):
            with pytest.raises(MQTTException) as caught:
                await call
            assert caught.value.args[0] == errno.ECONNOT
        await client.disconnect()
        return [message async for message in client.messages()]

    assert run(main(), client.connection._clock) == []
    assert client.session.waiting() == 0
    assert not client.is_connected()


def test_events_tell_of_the_connection():
    async def scene(broker, client):
        assert client.up.is_set() and not client.down.is_set()
        pause(client, 1)
        broker.fail_read = OSError(104)
        await client.down.wait()
        assert not client.up.is_set() and not client.is_connected()
        assert client.last_error.args == (104,)
        await client.up.wait()
        assert not client.down.is_set() and client.is_connected()
        return client

    client = play(scene)
    assert client.down.is_set() and not client.up.is_set()


# --- Cancelling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancel", "timeout"])
@pytest.mark.parametrize("what", ["publish", "subscribe", "unsubscribe", "next"])
def test_any_await_may_be_cancelled(what, how):
    def wait(client):
        return {
            "publish": lambda: client.publish("t", "m", qos=2),
            "subscribe": lambda: client.subscribe("s"),
            "unsubscribe": lambda: client.unsubscribe("u"),
            "next": lambda: client.next(),
        }[what]()

    async def scene(broker, client):
        answer = unanswered(broker)
        if how == "cancel":
            task = asyncio.create_task(wait(client))
            await asyncio.sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(wait(client), 1)
        assert not client._waiting
        answer()
        await client.publish("t2", "after", qos=1)
        await client.subscribe("after")
        broker.deliver("after", "here")
        assert await take(client, 1) == [b"here"]
        assert client.session.waiting() == 0
        published = [message[1] for message in broker.published]
        assert published == ([b"m", b"after"] if what == "publish" else [b"after"])

    play(scene)


def test_cancelled_while_the_network_takes_nothing():
    async def scene(broker, client):
        broker.write_sizes = iter([3] + [0] * 50)
        buf = bytearray(b"first" * 40)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.publish("t", buf), 0.05)
        buf[:] = bytes(200)
        broker.write_sizes = None
        await client.publish("t", "after")
        assert [message[1] for message in broker.published] == [b"first" * 40, b"after"]

    play(scene)


# --- A network that takes its time -------------------------------------------------------------------


def test_a_network_that_takes_nothing_holds_up_nobody_else():
    async def scene(broker, client):
        broker.write_sizes = 0
        before = broker.clock.now
        big = asyncio.create_task(client.publish("t", bytes(1000), qos=1))
        small = asyncio.create_task(client.publish("t", "small"))
        await turns(20)
        assert broker.clock.now == before  # the transport was not waited for
        assert not big.done() and not small.done()
        broker.write_sizes = 7
        await asyncio.gather(big, small)
        assert [len(message[1]) for message in broker.published] == [1000, 5]

    play(scene)


@pytest.mark.parametrize("how", ["sent", "lost"])
def test_who_waits_for_the_network_is_told_when_another_task_gets_through(how):
    async def scene(broker, client):
        broker.write_sizes = iter([3, 0, 0, 0] + [None] * 20)
        first = asyncio.create_task(client.publish("t", "first"))
        await turns(2)
        assert not first.done()
        if how == "lost":
            broker.fail_write = OSError(104)
        client._acks.append(0x140)
        client._send(client._acks)
        await asyncio.wait_for(first, 1)

    play(scene)


@pytest.mark.parametrize("qos", [0, 1])
def test_a_network_that_takes_nothing_is_given_up(qos):
    async def scene(broker, client):
        broker.write_sizes = 0
        start = asyncio.get_running_loop().time()
        task = asyncio.create_task(client.publish("t", "m", qos=qos))
        waiting = asyncio.create_task(client.publish("t", "later"))
        await client.down.wait()
        assert asyncio.get_running_loop().time() - start < 4
        broker.write_sizes = None
        await asyncio.gather(task, waiting)
        assert client.last_error.args[0] == errno.ECONTIMEOUT
        await client.up.wait()
        assert [message[1] for message in broker.published] == [b"m"] * qos

    play(scene, socket_timeout=2)


def test_the_payload_is_not_copied_to_be_sent_in_pieces():
    pieces = []

    class Piecemeal(FakeBroker):
        def write(self, buf, offset, n):
            pieces.append(buf)
            return super().write(buf, offset, min(n, 10))

    payload = bytes(1000)

    async def scene(broker, client):
        await client.publish("t", payload, qos=1)
        assert broker.published[0][1] == payload
        assert sum(piece is payload for piece in pieces) == 100

    play(scene, Piecemeal())


# --- Reconnecting ------------------------------------------------------------------------------------


def test_publishing_waits_through_a_reconnect():
    async def scene(broker, client):
        await client.subscribe("s", qos=1)
        broker.silent = True
        tasks = [asyncio.create_task(client.publish("t", str(i), qos=i % 3)) for i in range(6)]
        tasks.append(asyncio.create_task(client.subscribe("s2")))
        await asyncio.sleep(1)
        broker.silent = False
        broker.drop()
        await asyncio.gather(*tasks)
        assert len(broker.connects) == 2
        assert [message[1] for message in broker.published] == [b"1", b"2", b"4", b"5"]
        assert set(broker.subscriptions) == {b"s", b"s2"}
        broker.deliver("s", "again", 1)
        assert await take(client, 1) == [b"again"]

    play(scene)


def test_subscriptions_are_renewed_where_the_broker_has_forgotten_them():
    async def scene(broker, client):
        await client.subscribe("a", ("b", 2))
        await client.unsubscribe("a")
        broker.drop()
        broker.forget()
        await client.down.wait()
        await until(lambda: broker.subscriptions)
        assert broker.subscriptions == {b"b": 2}

    play(scene)


@pytest.mark.parametrize("where", ["fail_read", "fail_write"])
def test_faults_of_the_network_reach_nobody(where):
    async def scene(broker, client):
        for i in range(5):
            setattr(broker, where, OSError(104))
            await client.publish("t", str(i), qos=2)
        assert len(broker.connects) > 2
        assert [message[1] for message in broker.published] == [b"%d" % i for i in range(5)]

    play(scene)


def test_at_qos_0_messages_are_kept_where_that_was_asked_for():
    for keep in (False, True):

        async def scene(broker, client):
            await go_down(broker, client, 5)
            await asyncio.gather(*[client.publish("t", str(i)) for i in range(19)])
            assert not client.is_connected()
            await client.up.wait()
            await asyncio.sleep(1)
            count = 19 if keep else 0  # noqa: B023
            assert [message[1] for message in broker.published] == [b"%d" % i for i in range(count)]

        play(scene, keep_qos0=keep)


def test_a_pause_can_be_ended():
    async def scene(broker, client):
        await go_down(broker, client)
        start = asyncio.get_running_loop().time()
        assert await client.connect_now() is True
        assert client.is_connected()
        assert await client.connect_now() is True  # it is there already
        assert len(broker.connects) == 2
        assert asyncio.get_running_loop().time() - start < 1

    play(scene)


def test_ending_a_pause_in_vain():
    async def scene(broker, client):
        await go_down(broker, client)
        for n in range(3):
            broker.fail_open = OSError(100 + n)
            assert await client.connect_now() is False
            assert client.last_error.args == (100 + n,)
        assert await client.connect_now() is True

    play(scene)


def test_ending_a_pause_waits_for_an_attempt_that_is_under_way():
    async def scene(broker, client):
        broker.silent = True
        broker.drop()
        await client.down.wait()
        await until(lambda: client.connection.state)
        tasks = [asyncio.create_task(client.connect_now()) for _ in range(3)]
        await asyncio.sleep(1)
        assert not any(task.done() for task in tasks)
        answer = bytes([0x20, 2, 1, 0])
        broker.silent = False
        broker.feed(answer)
        assert await asyncio.gather(*tasks) == [True] * 3

    play(scene)


def test_leaving_while_another_task_ends_the_pause():
    async def scene(broker, client):
        await go_down(broker, client)
        broker.silent = True
        task = asyncio.create_task(client.connect_now())
        await asyncio.sleep(1)
        await client.disconnect()
        with pytest.raises(MQTTException) as caught:
            await task
        assert caught.value.args == (errno.ECONNOT,)

    play(scene)


@pytest.mark.parametrize("qos", [0, 1])
def test_without_memory_to_publish_it_connects_again(mocker, qos):
    async def scene(broker, client):
        await asyncio.sleep(1)  # until it waits for the socket
        mocker.patch.object(client.connection, "send_message", side_effect=MemoryError)
        if qos:
            task = asyncio.create_task(client.publish("t", "m", qos=1))
            await asyncio.sleep(0)
        else:
            with pytest.raises(MemoryError):
                await client.publish("t", "m")
        mocker.stopall()
        await until(lambda: len(broker.connects) == 2)
        if qos:
            await task
        assert len(broker.published) == qos

    play(scene, Pollable())


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("where", ["open", "readinto", "write"])
def test_without_memory_it_connects_again_and_leaves_without_an_exception(where, watched):
    async def scene(broker, client):
        if where == "open":
            await go_down(broker, client, 0.1)
        await asyncio.sleep(0.05)  # until it waits
        real = getattr(broker, where)
        fails = [MemoryError(), MemoryError()]

        def no_memory(*args):
            if fails:
                raise fails.pop()
            return real(*args)

        setattr(broker, where, no_memory)
        await client.publish("t", "m", qos=2)
        await client.subscribe("s")
        assert not fails
        assert len(broker.connects) > 1
        assert [message[1] for message in broker.published] == [b"m"]

    play(scene, Pollable() if watched else FakeBroker())


def test_without_memory_the_first_connection_fails_and_the_next_one_does_not():
    broker = FakeBroker()
    real = broker.open
    broker.open = lambda timeout_ms: (_ for _ in ()).throw(MemoryError("injected"))

    async def main():
        client = client_of(broker)
        with pytest.raises(MemoryError):
            await client.connect()
        broker.open = real
        async with client:
            await client.publish("t", "m", qos=1)

    run(main(), broker.clock)


# --- What goes wrong inside --------------------------------------------------------------------------


def break_store(client):
    """Its store raises what is not the network's."""

    def on_packet(*args):
        raise KeyError("broken")

    client.session.on_packet = on_packet
    client.connection.transport.feed(bytes([0x40, 2, 0, 1]))


@pytest.mark.parametrize(
    "what", ["messages", "next", "publish", "line", "subscribe", "connect_now", "later", "nothing"]
)
def test_a_failure_of_the_clients_own_task_is_raised_everywhere(what):
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            if what in ("publish", "subscribe", "line"):
                unanswered(broker)
            wait = {
                "messages": lambda: collect(client),
                "next": lambda: client.next(),
                "publish": lambda: client.publish("t", "m", qos=1),
                "line": lambda: asyncio.gather(*[client.publish("t", "m", qos=1) for _ in range(21)]),
                "subscribe": lambda: client.subscribe("t"),
            }.get(what)
            task = asyncio.ensure_future(wait()) if wait else None
            await asyncio.sleep(1)
            break_store(client)
            await client.down.wait()
            assert not broker.disconnected  # so the last will is published
            if what == "later":
                await client.publish("t", "m")
            elif what == "connect_now":
                await client.connect_now()
            elif task:
                await task

    with pytest.raises(KeyError, match="broken"):
        run(main(), broker.clock)


def test_what_the_block_raises_is_not_hidden_by_that():
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            break_store(client)
            await client.down.wait()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main(), broker.clock)


def test_and_it_can_be_used_again():
    broker = FakeBroker()
    client = client_of(broker)

    async def main():
        with pytest.raises(KeyError):
            async with client:
                break_store(client)
                await client.down.wait()
        del client.session.on_packet
        async with client:
            await client.publish("t", "m", qos=1)

    run(main(), broker.clock)


def test_a_program_that_ends_without_leaving_does_not_hang():
    broker = FakeBroker()
    client = client_of(broker)

    async def main():
        await client.connect()

    asyncio.run(main())
    assert not broker.is_open
    asyncio.run(main())  # and may connect again
    assert broker.opens == 2


def test_the_first_connection_is_cancelled():
    transport = FakeTransport()  # says nothing

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client_of(transport).connect(), 1)

    run(main(), transport.clock)
    assert transport.opens == 1
    assert not transport.is_open


# --- All of it at once -------------------------------------------------------------------------------


async def annoy(broker, client, chance):
    """Have the network fail in all ways, and deliver messages."""
    while True:
        await asyncio.sleep(chance.random() / 5)
        disturb(broker, chance)
        for i in range(chance.randrange(4)):
            if client.is_connected():
                broker.deliver("s", str(i), 1)


@pytest.mark.parametrize("seed", range(12))
def test_tasks_that_publish_and_give_up_while_the_network_fails(seed):
    chance = random.Random(seed)

    async def scene(broker, client):
        finished = []

        async def publish(first):
            for i in range(first, 40, 4):
                call = client.publish("t", str(i), qos=2)
                try:
                    await asyncio.wait_for(call, chance.choice([0.002, 0.02, 5]))
                except asyncio.TimeoutError:
                    pass
                finished.append(i)
                await asyncio.sleep(chance.random() / 20)

        client.session.limit = 40
        await client.subscribe("s", qos=1)
        annoying = asyncio.create_task(annoy(broker, client, chance))
        taking = asyncio.create_task(collect(client))
        await asyncio.gather(*[publish(i) for i in range(4)])
        annoying.cancel()
        broker.write_sizes = broker.read_sizes = None
        await until(lambda: not client.session.waiting() and not client.connection.pending)
        taking.cancel()
        assert sorted(finished) == list(range(40))
        assert sorted(int(message[1]) for message in broker.published) == list(range(40))
        assert not client._waiting

    play(scene, backoff=(0.01, 0.01), queue=3)
