"""umqtt2.aio on CPython's event loop, against a fake broker."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest

from umqtt2 import MQTTException, aio, errno
from umqtt2.testing import FakeBroker, FakeTransport

REFUSED = OSError(111)


def client_of(transport, **options):
    options = {"backoff": (0.05, 0.05), **options}
    return aio.MQTTClient("id", "broker", transport=transport, clock=transport.clock, **options)


async def until(condition):
    """Let the loop turn until `condition()`."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it does not come true")


def pause(client, ms):
    """Have it wait so long before each attempt to connect again."""
    client._reconnector.backoff.pause_ms = lambda error: ms


async def pass_time(broker, client, seconds):
    """Let the fake clock go on until the client had its turn."""
    for _ in range(seconds * 10):
        broker.clock.advance(100)
        await asyncio.sleep(0.002)


@pytest.fixture
def play():
    """Run a coroutine function with a FakeBroker and a client that is connected to it."""

    def run(scene, transport=None, **options):
        broker = transport or FakeBroker()

        async def main():
            async with client_of(broker, **options) as client:
                got = await asyncio.wait_for(scene(broker, client), 10)
                broker.silent = False  # or it would not close; the clock stands still
                return got

        return asyncio.run(main())

    return run


# --- The block ---------------------------------------------------------------------------------------


def test_the_example_of_the_documentation(play):
    async def scene(broker, client):
        await client.subscribe("cmd/#", qos=1)
        assert broker.subscriptions == {b"cmd/#": 1}
        await client.publish("state", b"on", qos=1)
        assert broker.published == [(b"state", b"on", 1, False)]
        broker.deliver("cmd/a", "1", 1)
        broker.deliver("cmd/b", "2", 0, True)
        got = []
        async for topic, msg, retained, *_ in client.messages():
            got.append((topic, msg, retained))
            if len(got) == 2:
                break
        assert got == [(b"cmd/a", b"1", False), (b"cmd/b", b"2", True)]
        assert broker.acknowledged == [1]
        await client.unsubscribe("cmd/#")
        assert broker.subscriptions == {}
        return broker

    assert play(scene).disconnected


@pytest.mark.parametrize("error", [KeyError, asyncio.CancelledError])
def test_it_leaves_whatever_ends_the_block(error):
    broker = FakeBroker()

    async def main():
        async with client_of(broker):
            raise error

    with pytest.raises(error):
        asyncio.run(main())
    assert broker.disconnected
    assert not broker.is_open


def test_it_leaves_when_its_task_is_cancelled():
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            async for _ in client.messages():
                pass

    async def outer():
        task = asyncio.create_task(main())
        await until(lambda: broker.is_open)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(outer())
    assert broker.disconnected


def test_the_same_client_can_be_used_for_another_block():
    broker = FakeBroker()
    client = client_of(broker)  # made where there is no event loop yet

    async def main():
        for i in range(3):
            async with client:
                await client.publish("t", str(i), qos=1)
            assert broker.disconnected

    asyncio.run(main())
    asyncio.run(main())
    assert [m[1] for m in broker.published] == [b"0", b"1", b"2"] * 2


def test_connect_and_disconnect_do_without_a_block():
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        await client.connect()
        await client.disconnect()
        await client.connect()
        await client.connect()
        await client.publish("t", "m", qos=2)
        await client.disconnect()
        assert len(broker.connects) == 3

    asyncio.run(main())
    assert broker.disconnected


def refuse(broker):
    broker.return_code = 5


def unreachable(broker):
    broker.fail_open = REFUSED


def mute(broker):
    broker.silent = True


@pytest.mark.parametrize(
    "fault, number", [(refuse, errno.ECONAUTH), (unreachable, 111), (mute, errno.ECONTIMEOUT)]
)
def test_what_prevents_the_first_connection_is_raised(fault, number):
    broker = FakeBroker()
    fault(broker)

    async def main():
        client = client_of(broker, socket_timeout=0.1)
        with pytest.raises((OSError, MQTTException)) as caught:
            async with asyncio_clock(broker), client:
                raise AssertionError("it is not connected")
        assert caught.value.args[0] == number
        broker.return_code = 0
        broker.silent = False
        async with client:
            await client.publish("t", "m", qos=1)

    asyncio.run(main())


class asyncio_clock:
    """Let the fake clock go with the event loop's."""

    def __init__(self, broker):
        self._broker = broker

    async def __aenter__(self):
        self._task = asyncio.create_task(self._go())

    async def __aexit__(self, *exc):
        self._task.cancel()

    async def _go(self):
        while True:
            await asyncio.sleep(0.005)
            self._broker.clock.advance(5)


def test_what_it_was_made_with_is_not_allowed():
    async def main():
        with pytest.raises(ValueError):
            await client_of(FakeBroker(), keepalive=70000).connect()

    asyncio.run(main())


def test_the_first_connection_is_cancelled():
    transport = FakeTransport()  # says nothing

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client_of(transport).connect(), 0.05)

    asyncio.run(main())
    assert transport.opens == 1
    assert not transport.is_open


def test_after_the_block_nothing_works_and_nothing_hangs(play):
    async def scene(broker, client):
        return client

    client = play(scene)

    async def main():
        for call in (
            client.publish("t", "m"),
            client.publish("t", "m", qos=1),
            client.subscribe("t"),
            client.unsubscribe("t"),
        ):
            with pytest.raises(MQTTException) as caught:
                await call
            assert caught.value.args[0] == errno.ECONNOT
        return [message async for message in client.messages()]

    assert asyncio.run(main()) == []
    assert client.session.waiting() == 0


def test_who_waits_when_the_block_ends_does_not_hang():
    broker = FakeBroker()

    async def main():
        async with asyncio_clock(broker), client_of(broker) as client:
            broker.silent = True
            publishing = asyncio.create_task(client.publish("t", "m", qos=1))
            listening = asyncio.create_task(collect(client))
            await asyncio.sleep(0.05)
        with pytest.raises(MQTTException) as caught:
            await publishing
        assert caught.value.args[0] == errno.ECONNOT
        assert await listening == []

    asyncio.run(main())


def test_leaving_takes_a_second_at_most_and_holds_up_nobody():
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        async with asyncio_clock(broker):
            async with client:
                broker.silent = True
                start = broker.clock.now
            assert 900 < broker.clock.now - start < 1500

    asyncio.run(main())
    assert bytes(broker.sent[-2:]) == b"\xe0\0"
    assert not broker.is_open


def test_leaving_reads_what_the_broker_still_sends():
    # What is not read would make TCP destroy what the broker has yet to read, DISCONNECT included.
    broker = FakeBroker()

    async def main():
        async with client_of(broker, queue=1) as client:
            for _ in range(5):
                broker.deliver("t", bytes(500), 1)
            await until(lambda: client._queue)
        assert not broker.incoming
        assert broker.disconnected

    asyncio.run(main())


def test_leaving_is_cancelled():
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        await client.connect()
        broker.silent = True  # and the clock stands still: it would take for ever
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.__aexit__(None), 0.05)
        assert not broker.is_open
        broker.silent = False
        async with client:
            await client.publish("t", "m", qos=1)

    asyncio.run(main())
    assert bytes(broker.sent).count(b"\xe0\0") == 2


def test_leaving_while_there_is_no_network_is_done_at_once():
    broker = FakeBroker()

    async def main():
        async with client_of(broker, backoff=(1000, 1000)) as client:
            publishing = asyncio.create_task(client.publish("t", "m", qos=1))
            broker.drop()
            await until(lambda: not client.is_connected())
            await asyncio.sleep(0.05)
            start = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - start < 0.5
        with pytest.raises(MQTTException):
            await publishing

    asyncio.run(main())


@pytest.mark.parametrize("how", ["callback", "task"])
def test_the_program_may_leave_within_the_block(how):
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            if how == "callback":
                client.set_callback(lambda *message: await client.disconnect())
                broker.deliver("t", "m", 1)
            else:
                await client.disconnect()
                await client.disconnect()
            assert await collect(client) == []
            assert not client.is_connected()
            with pytest.raises(MQTTException):
                await client.publish("t", "m")

    asyncio.run(main())
    assert broker.disconnected
    assert not broker.is_open


async def collect(client, count=None):
    got = []
    async for _, msg, _ in client.messages():
        got.append(msg)
        if len(got) == count:
            break
    return got


# --- Publishing and subscribing ----------------------------------------------------------------------


@pytest.mark.parametrize("qos", [1, 2])
def test_several_tasks_publish_at_once(play, qos):
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


def test_each_waits_for_its_own_acknowledgement(play):
    async def scene(broker, client):
        broker.silent = True
        tasks = [asyncio.create_task(client.publish("t", str(i), qos=1)) for i in range(3)]
        await asyncio.sleep(0.05)
        for i in (1, 0, 2):
            pid = client.session.pids()[0] if i != 1 else client.session.pids()[1]
            broker.feed(bytes([0x40, 2, pid >> 8, pid & 255]))
            await until(tasks[i].done)
            assert [task.done() for task in tasks].count(False) == (1, 0, 2).index(i) * -1 + 2
        await asyncio.gather(*tasks)

    play(scene)


def test_publishing_at_qos_0_lets_others_have_their_turn(play):
    async def scene(broker, client):
        turns = []

        async def other():
            while True:
                turns.append(1)
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        for _ in range(10):
            await client.publish("t", "m")
        task.cancel()
        assert len(turns) >= 9
        assert len(broker.published) == 10

    play(scene)


def test_a_refused_subscription_is_raised(play):
    async def scene(broker, client):
        broker.refused.add(b"secret")
        with pytest.raises(MQTTException) as caught:
            await client.subscribe("secret", 1)
        assert caught.value.args[0] == errno.ESUBACKFAIL
        await client.subscribe("open", 2)
        assert broker.subscriptions == {b"open": 2}

    play(scene)


def test_a_subscription_that_is_not_answered_is_raised(play):
    async def scene(broker, client):
        broker.silent = True
        task = asyncio.create_task(client.subscribe("t"))
        await pass_time(broker, client, 11)
        with pytest.raises(MQTTException) as caught:
            await task
        assert caught.value.args[0] == errno.ECONTIMEOUT

    play(scene)


@pytest.mark.parametrize("call", ["publish", "subscribe", "unsubscribe"])
def test_what_is_not_allowed_is_raised_at_once(play, call):
    async def scene(broker, client):
        args = ("a/#/b", "m") if call == "publish" else ("a/#/b",)
        with pytest.raises(ValueError):
            await getattr(client, call)(*args)
        await client.publish("t", "m", qos=1)

    play(scene)


def test_a_full_store_is_raised(play):
    async def scene(broker, client):
        client.session.limit = 1
        broker.silent = True
        task = asyncio.create_task(client.publish("t", "m", qos=1))
        await asyncio.sleep(0)
        with pytest.raises(MQTTException) as caught:
            await client.publish("t", "m", qos=1)
        assert caught.value.args[0] == errno.EFULL
        task.cancel()

    play(scene)


def test_the_callbacks_of_the_robust_client_still_work(play):
    statuses = []
    ups = []

    async def scene(broker, client):
        client.set_callback_status(lambda *status: statuses.append(status))
        client.set_callback_connection(ups.append)
        await client.publish("t", "m", qos=1)
        got = []
        client.set_callback(lambda *message: got.append(message))
        broker.deliver("t", "m")
        await until(lambda: got)

    play(scene)
    assert [status for _, status in statuses] == [errno.SDELIVERED]
    assert ups == [False]


@pytest.mark.parametrize("connected", [True, False])
def test_several_tasks_ask_for_the_same_subscription(play, connected):
    async def scene(broker, client):
        async with asyncio_clock(broker):
            if not connected:
                pause(client, 200)
                broker.drop()
                await until(lambda: not client.is_connected())
            await asyncio.gather(*[client.subscribe("home/status", i) for i in (0, 1, 2)])
        assert broker.subscriptions == {b"home/status": 2}
        assert not client._waiting

    play(scene)


def test_the_last_wish_wins_and_all_who_ask_are_answered(play):
    async def scene(broker, client):
        broker.refused.add(b"secret")
        answers = await asyncio.gather(
            client.subscribe("a"),
            client.unsubscribe("a"),
            client.subscribe("secret"),
            client.subscribe("secret"),
            return_exceptions=True,
        )
        assert broker.subscriptions == {}
        assert answers[:2] == [None, None]
        assert [answer.args[0] for answer in answers[2:]] == [errno.ESUBACKFAIL] * 2

    play(scene)


def test_an_answer_comes_in_time(play):
    async def scene(broker, client):
        async with asyncio_clock(broker):
            broker.silent = True
            start = broker.clock.now
            with pytest.raises(MQTTException):
                await client.subscribe("t")
            assert broker.clock.now - start < 2000

    play(scene, message_timeout=1)


def test_an_acknowledgement_of_another_kind_ends_no_waiting(play):
    async def scene(broker, client):
        broker.silent = True
        task = asyncio.create_task(client.publish("t", "m", qos=1))
        await asyncio.sleep(0.01)
        pid = client.session.pids()[0]
        broker.feed(bytes([0x70, 2, pid >> 8, pid & 255]))
        await asyncio.sleep(0.05)
        assert not task.done()
        broker.feed(bytes([0x40, 2, pid >> 8, pid & 255]))
        await task

    play(scene)


def test_a_message_that_the_broker_closes_for_is_raised(play):
    async def scene(broker, client):
        answer = broker._answer

        def choosy(first, body):
            if first & 0xF0 == 0x30 and b"bad" in body:
                broker.drop()
            else:
                answer(first, body)

        broker._answer = choosy
        async with asyncio_clock(broker):
            bad = asyncio.create_task(client.publish("t", "bad", qos=1))
            await asyncio.sleep(0)
            await client.publish("t", "good", qos=1)
            with pytest.raises(MQTTException) as caught:
                await bad
        assert caught.value.args[0] == errno.ECONCLOSE
        assert [message[1] for message in broker.published] == [b"good"]

    play(scene)


# --- Cancelling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancel", "timeout"])
@pytest.mark.parametrize("what", ["publish", "subscribe", "unsubscribe", "messages"])
def test_any_await_may_be_cancelled(play, what, how):
    def wait(client):
        return {
            "publish": lambda: client.publish("t", "m", qos=2),
            "subscribe": lambda: client.subscribe("s"),
            "unsubscribe": lambda: client.unsubscribe("u"),
            "messages": lambda: client.__anext__(),
        }[what]()

    async def scene(broker, client):
        feed = broker.feed
        kept = []
        broker.feed = kept.append
        if how == "cancel":
            task = asyncio.create_task(wait(client))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(wait(client), 0.01)
        assert not client._waiting
        broker.feed = feed
        for data in kept:
            feed(data)
        await client.publish("t2", "after", qos=1)
        await client.subscribe("after")
        broker.deliver("after", "here")
        assert await collect(client, 1) == [b"here"]
        assert client.session.waiting() == 0
        published = [message[1] for message in broker.published]
        assert published == ([b"m", b"after"] if what == "publish" else [b"after"])

    play(scene)


def test_cancelled_while_the_network_takes_nothing(play):
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


def test_a_network_that_takes_nothing_holds_up_nobody_else(play):
    async def scene(broker, client):
        broker.write_sizes = 0
        before = broker.clock.now
        big = asyncio.create_task(client.publish("t", bytes(1000), qos=1))
        small = asyncio.create_task(client.publish("t", "small"))
        turns = 0
        for _ in range(20):
            await asyncio.sleep(0.001)
            turns += 1
        assert broker.clock.now == before  # the transport was not waited for
        assert not big.done() and not small.done()
        broker.write_sizes = 7
        await asyncio.gather(big, small)
        assert [len(message[1]) for message in broker.published] == [1000, 5]

    play(scene)


def test_leaving_while_the_network_takes_nothing_corrupts_nothing():
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            broker.write_sizes = iter([8] + [0] * 3 + [None] * 9)  # all but two bytes
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.publish("t", b"12345"), 0)

    asyncio.run(main())
    assert broker.published == []


@pytest.mark.parametrize("how", ["sent", "lost"])
def test_who_waits_for_the_network_is_told_when_another_task_gets_through(play, how):
    async def scene(broker, client):
        broker.write_sizes = iter([3, 0, 0, 0] + [None] * 20)
        first = asyncio.create_task(client.publish("t", "first"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not first.done()
        if how == "lost":
            broker.fail_write = OSError(104)
        client.ping()
        await asyncio.wait_for(first, 1)

    play(scene)


@pytest.mark.parametrize("loop_can", [True, False])
def test_it_waits_for_what_can_be_watched(play, mocker, loop_can):
    near, far = socket.socketpair()
    broker = FakeBroker()
    broker.pollable = near

    async def scene(broker, client):
        loop = asyncio.get_running_loop()
        if not loop_can:  # one of those of Windows
            mocker.patch.object(loop, "add_reader", side_effect=NotImplementedError)
            client._wake()
        await asyncio.sleep(0.05)  # until it waits
        look = mocker.spy(client._reconnector, "look")
        await asyncio.sleep(0.1)
        broker.deliver("t", "m")
        if loop_can:
            assert look.call_count == 0
            far.send(b"!")
        assert await asyncio.wait_for(collect(client, 1), 1) == [b"m"]

    with near, far:
        play(scene, broker)


def test_what_can_be_read_does_not_keep_it_busy_while_the_network_takes_nothing(play, mocker):
    near, far = socket.socketpair()
    near.setblocking(False)
    with pytest.raises(BlockingIOError):  # it is not writable
        while True:
            near.send(bytes(100000))
    broker = FakeBroker()
    broker.pollable = near

    async def scene(broker, client):
        broker.write_sizes = 0
        task = asyncio.create_task(client.publish("t", "m", qos=1))
        far.send(b"!")
        look = mocker.spy(client._reconnector, "look")
        await asyncio.sleep(0.25)
        assert look.call_count < 6
        broker.write_sizes = None
        await task

    with near, far:
        play(scene, broker)


def test_a_network_that_takes_nothing_is_given_up(play):
    async def scene(broker, client):
        async with asyncio_clock(broker):
            broker.write_sizes = 0
            task = asyncio.create_task(client.publish("t", "m", qos=1))
            waiting = asyncio.create_task(client.publish("t", "later"))
            await until(lambda: not client.is_connected())
            broker.write_sizes = None
            await asyncio.gather(task, waiting)
        assert client.last_error.args[0] == errno.ECONTIMEOUT
        assert len(broker.connects) == 2
        assert [message[1] for message in broker.published] == [b"m"]

    play(scene, socket_timeout=0.2)


# --- Taking messages ---------------------------------------------------------------------------------


def test_a_full_queue_makes_the_broker_wait_and_loses_nothing(play):
    async def scene(broker, client):
        for i in range(30):
            broker.deliver("t", str(i), i % 3)
        await asyncio.sleep(0.1)
        assert broker.incoming
        assert await collect(client, 30) == [b"%d" % i for i in range(30)]
        assert client.dropped == 0

    play(scene, queue=4)


def test_who_waits_for_an_acknowledgement_does_not_wait_for_a_slow_consumer(play):
    async def scene(broker, client):
        for i in range(30):
            broker.deliver("t", str(i))
        await client.publish("t", "m", qos=1)
        assert client.dropped == 26
        assert await collect(client, 4) == [b"26", b"27", b"28", b"29"]

    play(scene, queue=4)


def test_a_client_with_a_full_queue_pings_and_is_not_thrown_out(play):
    async def scene(broker, client):
        for i in range(10):
            broker.deliver("t", str(i))
        await pass_time(broker, client, 60)
        assert broker.sent.count(b"\xc0\0") >= 10
        assert len(broker.connects) == 1
        assert await collect(client, 10) == [b"%d" % i for i in range(10)]

    play(scene, queue=2, keepalive=10)


def test_several_tasks_take_messages(play):
    async def scene(broker, client):
        tasks = [asyncio.create_task(collect(client, 5)) for _ in range(3)]
        await asyncio.sleep(0)
        for i in range(15):
            broker.deliver("t", f"{i:02}")
        got = await asyncio.gather(*tasks)
        assert sorted(sum(got, [])) == [b"%02d" % i for i in range(15)]

    play(scene)


def test_one_who_answers_what_it_takes(play):
    async def scene(broker, client):
        for i in range(8):
            broker.deliver("t", str(i), 1)
        n = 0
        async for _, msg, _ in client.messages():
            await client.publish("back", msg, qos=1)
            n += 1
            if n == 8:
                break
        assert [message[1] for message in broker.published] == [b"%d" % i for i in range(8)]

    play(scene)


# --- Reconnecting ------------------------------------------------------------------------------------


def test_publishing_waits_through_a_reconnect(play):
    async def scene(broker, client):
        async with asyncio_clock(broker):
            await client.subscribe("s", 1)
            broker.silent = True
            tasks = [asyncio.create_task(client.publish("t", str(i), qos=i % 3)) for i in range(6)]
            tasks.append(asyncio.create_task(client.subscribe("s2")))
            await asyncio.sleep(0.02)
            broker.silent = False
            broker.drop()
            await asyncio.gather(*tasks)
            assert len(broker.connects) == 2
            assert [message[1] for message in broker.published] == [b"1", b"2", b"4", b"5"]
            assert set(broker.subscriptions) == {b"s", b"s2"}
            broker.deliver("s", "again", 1)
            assert await collect(client, 1) == [b"again"]

    play(scene)


@pytest.mark.parametrize("where", ["fail_read", "fail_write"])
def test_faults_of_the_network_reach_nobody(play, where):
    async def scene(broker, client):
        async with asyncio_clock(broker):
            for i in range(5):
                setattr(broker, where, OSError(104))
                await client.publish("t", str(i), qos=2)
        assert len(broker.connects) > 2
        assert [message[1] for message in broker.published] == [b"%d" % i for i in range(5)]

    play(scene)


def test_more_messages_than_go_at_once_are_sent_after_a_reconnect(play):
    async def scene(broker, client):
        pause(client, 200)
        broker.drop()
        await until(lambda: not client.is_connected())
        tasks = [asyncio.create_task(client.publish("t", f"{i:02}")) for i in range(19)]
        await asyncio.gather(*tasks)
        async with asyncio_clock(broker):
            await until(lambda: len(broker.published) == 19)
        assert [message[1] for message in broker.published] == [b"%02d" % i for i in range(19)]

    play(scene, keep_qos0=True)


@pytest.mark.parametrize("qos", [0, 1])
def test_without_memory_to_publish_it_connects_again(play, mocker, qos):
    near, far = socket.socketpair()
    broker = FakeBroker()
    broker.pollable = near

    async def scene(broker, client):
        async with asyncio_clock(broker):
            await asyncio.sleep(0.05)  # until it waits for the socket
            mocker.patch.object(client.connection, "send_message", side_effect=MemoryError)
            if qos:
                task = asyncio.create_task(client.publish("t", "m", qos=1))
                await asyncio.sleep(0)
            else:
                with pytest.raises(MemoryError):
                    await client.publish("t", "m")
            mocker.stopall()
            await until(lambda: len(broker.connects) == 2)
            far.send(b"!")
            if qos:
                await task
        assert len(broker.published) == qos

    with near, far:
        play(scene, broker)


@pytest.mark.parametrize("where", ["open", "readinto", "write"])
def test_without_memory_it_connects_again(play, mocker, where):
    async def scene(broker, client):
        async with asyncio_clock(broker):
            if where == "open":
                broker.drop()
                pause(client, 100)
                await until(lambda: not client.is_connected())
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

    play(scene)


# --- What goes wrong inside --------------------------------------------------------------------------


def broken(*args):
    raise KeyError("broken")


# What has one of the client's callbacks called.
EVENTS = {
    "message": lambda broker, client: broker.deliver("t", "m", 1),
    "chunks": lambda broker, client: broker.deliver("large", bytes(2000), 1),
    "acknowledged": lambda broker, client: asyncio.create_task(client.publish("t", "m", qos=1)),
    "timeout": lambda broker, client: [
        setattr(broker, "silent", True), asyncio.create_task(client.subscribe("t")), broker.clock.advance(20000),
    ],
    "too large": lambda broker, client: broker.deliver("t", bytes(2000), 1),
    "gone": lambda broker, client: broker.drop(),
}  # fmt: skip


def call_back(client, f):
    client.set_callback(f)
    client.set_callback_status(f)
    client.set_callback_connection(lambda up: up or f(up))
    client.set_callback_chunks(f, "large")


@pytest.mark.parametrize("event", EVENTS)
def test_every_callback_may_leave(event):
    broker = FakeBroker()
    calls = []

    async def main():
        def callback(*args):
            calls.append(args)
            if len(calls) == 1:
                await client.disconnect()

        client = client_of(broker, max_packet=1000)
        call_back(client, callback)
        async with client:
            task = EVENTS[event](broker, client)
            await asyncio.sleep(0)
            if event == "timeout":
                task = task[1]
                broker.clock.advance(20000)
            assert await collect(client) == []
            with pytest.raises(MQTTException) as caught:
                await client.publish("t", "m")
            assert caught.value.args == (errno.ECONNOT,)
            broker.silent = False
        if isinstance(task, asyncio.Task):
            await asyncio.wait([task])
            task.exception()
        assert calls
        opens = broker.opens
        await asyncio.sleep(0.2)
        assert broker.opens == opens
        assert not broker.is_open
        async with client:
            await client.publish("works", "m", qos=1)
        assert broker.published[-1][0] == b"works"

    asyncio.run(asyncio.wait_for(main(), 10))


@pytest.mark.parametrize("event", EVENTS)
def test_what_any_callback_raises_ends_the_block_and_does_not_turn_up_in_the_next_one(event):
    broker = FakeBroker()
    error = OSError(5)

    async def main():
        def callback(*args):
            raise error

        client = client_of(broker, max_packet=1000)
        call_back(client, callback)
        with pytest.raises(OSError) as caught:
            async with client:
                task = EVENTS[event](broker, client)
                await asyncio.sleep(0)
                if event == "timeout":
                    task = task[1]
                    broker.clock.advance(20000)
                await collect(client)
        assert caught.value is error
        assert not broker.is_open
        if isinstance(task, asyncio.Task):
            await asyncio.wait([task])
            task.exception()
        broker.silent = False
        call_back(client, lambda *args: None)
        async with client:
            await client.publish("works", "m", qos=1)
            broker.fail_read = OSError(104)
            await until(lambda: broker.opens > 2)
            await client.publish("works", "m", qos=1)
        assert client.last_error.args == (104,)

    asyncio.run(asyncio.wait_for(main(), 10))


@pytest.mark.parametrize("up", [True, False])
def test_leaving_in_the_connection_callback_of_connect_holds(up):
    broker = FakeBroker()
    broker.return_code = 0 if up else 5

    async def main():
        client = client_of(broker)
        client.set_callback_connection(lambda is_up: await client.disconnect() if is_up == up else None)
        with pytest.raises(MQTTException):
            await client.connect()
            await client.publish("t", "m")
        await asyncio.sleep(0.2)
        assert len(broker.connects) == 1
        assert not broker.is_open
        assert broker.disconnected is up

    asyncio.run(asyncio.wait_for(main(), 10))


@pytest.mark.parametrize("what", ["messages", "publish", "later", "nothing"])
def test_a_failure_of_the_clients_own_task_is_raised_everywhere(what):
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            if what == "publish":
                broker.silent = True
                task = asyncio.create_task(client.publish("t", "m", qos=1))
                await asyncio.sleep(0.01)
            elif what == "messages":
                task = asyncio.create_task(collect(client))
                await asyncio.sleep(0.01)
            client.set_callback(broken)
            broker.deliver("t", "m")
            await until(lambda: not broker.is_open)
            assert not broker.disconnected  # so the last will is published
            if what == "later":
                await client.publish("t", "m")
            elif what != "nothing":
                await task

    with pytest.raises(KeyError, match="broken"):
        asyncio.run(main())


def test_what_the_block_raises_is_not_hidden_by_that():
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            client.set_callback(broken)
            broker.deliver("t", "m")
            await until(lambda: not broker.is_open)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())


def test_and_it_can_be_used_again():
    broker = FakeBroker()
    client = client_of(broker)

    async def main():
        with pytest.raises(KeyError):
            async with client:
                client.set_callback(broken)
                broker.deliver("t", "m")
                await until(lambda: not broker.is_open)
        got = []
        async with client:
            client.set_callback(lambda *message: got.append(message[1]))
            broker.deliver("t", "fine")
            await client.publish("t", "m", qos=1)
            await until(lambda: got == [b"fine"])

    asyncio.run(main())


def test_a_program_that_ends_without_leaving_does_not_hang():
    async def main():
        await client_of(FakeBroker()).connect()

    asyncio.run(main())


# --- All of it at once -------------------------------------------------------------------------------


async def annoy(broker, client, chance):
    """Have the network fail in all ways, and deliver messages."""
    while True:
        await asyncio.sleep(chance.random() / 5)
        fault = chance.randrange(5)
        if fault == 0:
            broker.drop()
        elif fault == 1:
            broker.fail_read = OSError(104)
        elif fault == 2:
            broker.fail_write = OSError(32)
        elif fault == 3:
            broker.write_sizes = iter([chance.randrange(4) for _ in range(8)])
        else:
            broker.read_sizes = iter([chance.randrange(3) for _ in range(8)])
        for i in range(chance.randrange(4)):
            if client.is_connected():
                broker.deliver("s", str(i), 1)


@pytest.mark.parametrize("seed", range(12))
def test_tasks_that_publish_and_give_up_while_the_network_fails(play, seed):
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
        await client.subscribe("s", 1)
        async with asyncio_clock(broker):
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
