"""Leaving the block of umqtt2.aio, in each way and from every state."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.unit.aio_program import Pollable, client_of, collect, end_all, go_down, play, run, turns, until
from umqtt2 import MQTTException, aio, errno
from umqtt2.connection import CLOSED, GREETING, OPENING, UP
from umqtt2.testing import FakeBroker

CONNACK = b"\x20\x02\0\0"


def at_once(coroutine):
    """Run a coroutine to its end without letting any other task have its turn."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("it waits")


# --- A broker that is there --------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyError, asyncio.CancelledError, KeyboardInterrupt])
def test_it_leaves_whatever_ends_the_block(error):
    broker = FakeBroker()

    async def main():
        async with client_of(broker):
            raise error

    with pytest.raises(error):
        run(main(), broker.clock)
    if error is not KeyboardInterrupt:  # that one ends the loop itself
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
        await until(lambda: broker.connects)
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(outer(), broker.clock)
    assert broker.disconnected


def test_who_waits_when_the_block_ends_does_not_hang():
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            broker.silent = True
            calls = [client.publish("t", str(i), qos=1) for i in range(22)]
            calls += [client.subscribe("s"), client.unsubscribe("u"), client.next(), client.next(60)]
            tasks = [asyncio.create_task(call) for call in calls]
            listening = asyncio.create_task(collect(client))
            await asyncio.sleep(1)
        for task in tasks:
            with pytest.raises(MQTTException) as caught:
                await task
            assert caught.value.args[0] == errno.ECONNOT
        assert await listening == []

    run(main(), broker.clock)


def test_a_broker_that_does_not_close_is_waited_for_a_second():
    broker = FakeBroker()

    async def main():
        async with client_of(broker):
            broker.silent = True
            start = broker.clock.now
        assert 900 < broker.clock.now - start < 1500  # a fake clock's

    run(main(), broker.clock)
    assert bytes(broker.sent[-2:]) == b"\xe0\0"
    assert not broker.is_open


@pytest.mark.parametrize("queue", [1, 20])
def test_leaving_with_unread_messages_reads_what_the_broker_still_sends(queue):
    # What is not read would make TCP destroy what the broker has yet to read, DISCONNECT included.
    broker = FakeBroker()

    async def main():
        async with client_of(broker, queue=queue) as client:
            for i in range(50):
                broker.deliver("t", bytes(500), i % 3)
            await until(lambda: client._queue)
        assert not broker.incoming
        assert broker.disconnected

    run(main(), broker.clock)


def test_what_was_published_before_arrives():
    broker = Pollable()

    async def main():
        async with client_of(broker) as client:
            for i in range(20):
                await client.publish("t", str(i))

    run(main(), broker.clock)
    assert [message[1] for message in broker.published] == [b"%d" % i for i in range(20)]
    assert broker.disconnected


def test_leaving_is_cancelled():
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        await client.connect()
        broker.silent = True
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.__aexit__(None), 0.05)
        assert not broker.is_open
        broker.silent = False
        async with client:
            await client.publish("t", "m", qos=1)

    run(main(), broker.clock)
    assert bytes(broker.sent).count(b"\xe0\0") == 2


def test_the_program_may_leave_within_the_block():
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            await client.disconnect()
            await client.disconnect()
            assert await collect(client) == []
            assert not client.is_connected()
            with pytest.raises(MQTTException):
                await client.publish("t", "m")

    run(main(), broker.clock)
    assert broker.disconnected
    assert not broker.is_open


def test_two_tasks_leave_at_once_and_one_connects_again():
    broker = FakeBroker()

    async def again(client):
        await client.disconnect()
        await client.connect()

    async def main():
        client = client_of(broker)
        await client.connect()
        await asyncio.gather(client.disconnect(), again(client))
        await asyncio.sleep(10)
        assert client.is_connected()
        await client.publish("t", "m", qos=1)
        await client.disconnect()

    run(main(), broker.clock)
    assert len(broker.connects) == 2


def test_when_the_loop_cancels_all_tasks_no_last_will_is_published():
    """As asyncio.run() does at Ctrl-C, before Python 3.11."""

    async def block(client):
        async with client:
            await client.next()

    async def main():
        for _ in range(10):  # in which order is chance
            broker = FakeBroker()
            client = client_of(broker)
            task = asyncio.create_task(block(client))
            await until(client.is_connected)
            await asyncio.sleep(0.05)
            await end_all()
            assert task.cancelled()
            assert broker.disconnected

    asyncio.run(main())


@pytest.mark.parametrize("k", range(30))
def test_a_first_connection_that_is_cancelled_publishes_no_last_will(k):
    broker = FakeBroker()

    async def main():
        task = asyncio.create_task(client_of(broker).connect())
        await turns(k)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled():
            await task.result().disconnect()

    run(main(), broker.clock)
    assert broker.disconnected or not broker.connects


@pytest.mark.parametrize("k", range(4))
def test_of_two_tasks_that_leave_both_wait_and_no_last_will_is_published(k):
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        await client.connect()
        leaving = asyncio.create_task(client.disconnect())
        await turns(k)
        await client.disconnect()
        await leaving

    run(main(), broker.clock)
    assert broker.disconnected


def test_leaving_when_it_is_about_to_fetch_what_did_not_fit():
    async def scene(broker, client):
        for i in range(3):
            broker.deliver("t", str(i), 1)
        await client.publish("t", "m", qos=1)
        await client.next()
        await asyncio.sleep(1)
        leaving = asyncio.create_task(client.disconnect())
        with pytest.raises(MQTTException):
            await client.next()  # none is left: it would connect again, but another task leaves
        await leaving

    broker = FakeBroker()
    play(scene, broker, queue=1)
    assert broker.disconnected


def test_leaving_while_it_connects_ends_that():
    broker = FakeBroker()
    broker.silent = True

    async def main():
        client = client_of(broker)
        task = asyncio.create_task(client.connect())
        await asyncio.sleep(1)
        at_once(client.disconnect())
        with pytest.raises(MQTTException) as caught:
            await task
        assert caught.value.args == (errno.ECONNOT,)

    run(main(), broker.clock)
    assert not broker.is_open


# --- A broker that is away: from every state, at once --------------------------------------------------


def test_leaving_while_the_network_takes_nothing_corrupts_nothing():
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            broker.write_sizes = iter([8] + [0] * 3 + [None] * 9)  # all but two bytes
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.publish("t", b"12345"), 0)

    run(main(), broker.clock)
    assert broker.published == []


class Away:
    """A client whose broker was there, and is not any more, in one of the states that there are.

    Each `to_…` brings it there. `ports` are kept open until the end.
    """

    def __init__(self, monkeypatch):
        self.monkeypatch = monkeypatch
        self.sockets = []
        self.state = CLOSED

    async def serve(self, reader, writer):
        await reader.read(100)
        if self.answers:
            writer.write(CONNACK)
        self.writer = writer
        await self.ended.wait()  # nothing is read
        writer.close()

    async def begin(self, **options):
        self.answers = True
        self.ended = asyncio.Event()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.client = aio.MQTTClient("id", "127.0.0.1", port, verbose=False, backoff=(0.001, 0.001), **options)
        await self.client.connect()
        assert self.client.is_connected()

    async def lose(self, state):
        """End the connection, and wait until the next attempt is in this state."""
        self.writer.close()
        await self.client.down.wait()
        await until(lambda: self.client.connection.state == state)
        await asyncio.sleep(0.03)

    async def to_name(self):
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()

        async def getaddrinfo(*args, **options):
            asked.set()
            await asyncio.sleep(1000)

        if hasattr(loop, "_selector"):
            self.monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        await self.lose(CLOSED)
        await asyncio.wait_for(asked.wait(), 5)

    async def to_tcp(self):
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        self.sockets.append(sock)
        for _ in range(3):  # more than its queue takes
            other = socket.socket()
            other.setblocking(False)
            other.connect_ex(sock.getsockname())
            self.sockets.append(other)
        self.client.port = sock.getsockname()[1]
        await self.lose(OPENING)

    async def to_tls(self):
        self.answers = False
        self.client.ssl = True
        self.client.ssl_params = {"verify": False}
        await self.lose(OPENING)

    async def to_connack(self):
        self.answers = False
        await self.lose(GREETING)

    async def to_backoff(self):
        self.client._reconnector.backoff.pause_ms = lambda error: 1000000
        await self.lose(CLOSED)

    async def to_blocked(self):
        self.task = asyncio.create_task(self.client.publish("t", bytes(30000000)))
        await until(lambda: self.client.connection.pending)
        await asyncio.sleep(0.03)
        assert self.client.connection.state == UP

    async def end(self):
        for sock in self.sockets:
            sock.close()
        self.server.close()
        self.ended.set()
        await turns(5)


STATES = ["name", "tcp", "tls", "connack", "backoff", "blocked"]


@pytest.mark.parametrize("how", ["disconnect", "end", "exception", "cancel"])
@pytest.mark.parametrize("state", STATES)
def test_leaving_while_the_broker_is_away_is_done_at_once(state, how, monkeypatch):
    async def block(client, entered):
        # As in `async with`, whose connection is there already.
        try:
            entered.set()
            await asyncio.sleep(1000)
        except asyncio.CancelledError as e:
            at_once(client.__aexit__(type(e), e, None))
            raise

    async def main():
        away = Away(monkeypatch)
        await away.begin()
        client = away.client
        await getattr(away, "to_" + state)()
        if how == "disconnect":
            at_once(client.disconnect())
        elif how == "end":
            at_once(client.__aexit__(None, None, None))
        elif how == "exception":
            at_once(client.__aexit__(KeyError, KeyError(), None))
        else:
            entered = asyncio.Event()
            task = asyncio.create_task(block(client, entered))
            await entered.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert client.connection.state == CLOSED and client.down.is_set()
        assert client.connection.transport is None
        monkeypatch.undo()
        # And it may be used again.
        client.port = away.server.sockets[0].getsockname()[1]
        client.ssl, client.ssl_params = False, None
        away.answers = True
        await client.connect()
        assert client.is_connected()
        away.ended.set()  # a broker that closes
        await client.disconnect()
        await away.end()
        await end_all()

    asyncio.run(main())


@pytest.mark.parametrize("state", ["name", "tcp", "tls", "connack"])
def test_the_first_connection_is_cancelled_in_every_state(state, monkeypatch):
    async def main():
        away = Away(monkeypatch)
        away.writer = None
        await away.begin()
        client = away.client
        await getattr(away, "to_" + state)()
        await client.disconnect()
        task = asyncio.create_task(client.connect())
        await asyncio.sleep(0.1)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.connection.state == CLOSED
        await away.end()
        await end_all()

    asyncio.run(main())


@pytest.mark.parametrize("unread", [0, 30])
def test_with_a_full_queue(unread):
    broker = Pollable()

    async def main():
        async with client_of(broker, queue=5, will=("w", "gone", False, 0)) as client:
            for _ in range(5 + unread):
                broker.deliver("t", "m", 1)
            await until(lambda: len(client._queue) == 5)
        assert broker.disconnected

    run(main(), broker.clock)


def test_with_a_full_queue_and_a_blocked_network_it_does_not_wait():
    async def scene(broker, client):
        for _ in range(30):
            broker.deliver("t", "m", 1)
        await asyncio.sleep(1)
        broker.blocked = True
        tasks = [asyncio.create_task(client.publish("t", "m", qos=qos)) for qos in (0, 1)]
        await asyncio.sleep(1)
        at_once(client.disconnect())
        await asyncio.gather(*tasks, return_exceptions=True)

    play(scene, Pollable(), queue=5)


def test_leaving_while_there_is_no_network_tells_who_waits():
    broker = FakeBroker()

    async def main():
        client = client_of(broker)
        await client.connect()
        publishing = asyncio.create_task(client.publish("t", "m", qos=1))
        await go_down(broker, client)
        at_once(client.disconnect())
        with pytest.raises(MQTTException):
            await publishing

    run(main(), broker.clock)
