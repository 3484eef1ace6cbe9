"""umqtt2.aio and the event loop: what it waits for, real sockets, names that take long to look up."""

from __future__ import annotations

import asyncio
import errno as system
import socket
import ssl
import threading
import time

import pytest
import trustme

from tests.unit.aio_program import client_of, go_down, nothing_more, play, run, take, turns, until
from tests.unit.aio_server import Served, loops, run_on
from umqtt2 import MQTTException, aio, errno
from umqtt2.cpython import aio as waiting
from umqtt2.testing import FakeBroker
from umqtt2.transport.websocket import WebSocketTransport


@pytest.fixture
def naps(mocker):
    """Have the naps counted, in Nap.count."""
    mocker.patch.object(waiting, "NAP_MS", Nap())


class Nap(int):
    """A number of milliseconds that counts how often it was looked at."""

    count = 0

    def __new__(cls):
        return super().__new__(cls, 20)

    def __lt__(self, other):
        Nap.count += 1
        return int(self) < other

    def __gt__(self, other):
        Nap.count += 1
        return int(self) > other


def unconnected_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(scope="module")
def contexts():
    """SSLContexts of a server and of a client that knows it."""
    ca = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(server)
    client = ssl.create_default_context()
    ca.configure_trust(client)
    return server, client


# --- A real socket -----------------------------------------------------------------------------------


async def converse(client, broker):
    async with client:
        await client.subscribe("in/#", qos=2)
        for qos in (0, 1, 2):
            await client.publish("t", bytes(3000), qos=qos)
            broker.deliver("in/x", bytes(3000), qos)
        assert await take(client, 3) == [bytes(3000)] * 3
        await nothing_more(client, 0.05)
    assert broker.disconnected
    assert len(broker.published) == 3


@loops
def test_converses_without_naps(loop, naps):
    async def main():
        async with Served() as broker:
            Nap.count = 0
            await converse(broker.client(), broker)
            assert Nap.count == 0

    run_on(loop, main())


def test_where_the_loop_cannot_watch_it_naps(naps, mocker):
    async def main():
        async with Served() as broker:
            loop = asyncio.get_running_loop()
            client = broker.client()
            await client.connect()
            for name in ("add_reader", "add_writer"):  # one of those of Windows
                mocker.patch.object(loop, name, side_effect=NotImplementedError)
            client._unwatch()
            client._wake()
            Nap.count = 0
            await client.publish("t", "m", qos=1)
            broker.deliver("t", "m", 1)
            assert await take(client, 1) == [b"m"]
            assert Nap.count > 0
            mocker.stopall()
            await client.disconnect()

    run_on("asyncio", main())


@loops
def test_reconnects_over_a_real_socket(loop):
    async def main():
        async with Served() as broker, broker.client() as client:
            for i in range(20):
                broker.drop()
                await client.publish("t", str(i), qos=2)
            assert [message[1] for message in broker.published] == [b"%d" % i for i in range(20)]

    run_on(loop, main())


@loops
def test_what_cannot_be_connected_is_raised(loop):
    async def main():
        client = aio.MQTTClient("id", "127.0.0.1", unconnected_port(), verbose=False)
        with pytest.raises(OSError) as caught:
            await client.connect()
        assert caught.value.errno == system.ECONNREFUSED

    run_on(loop, main())


@loops
def test_tls(loop, contexts):
    async def main():
        async with Served(contexts[0]) as broker:
            await converse(broker.client(ssl=contexts[1]), broker)

    run_on(loop, main())


@loops
def test_a_broker_that_is_not_trusted(loop, contexts):
    async def main():
        async with Served(contexts[0]) as broker:
            with pytest.raises(OSError, match="verify failed"):
                await broker.client(ssl=ssl.create_default_context()).connect()

    run_on(loop, main())


@loops
def test_a_broker_that_stops_reading_while_its_own_output_blocks_is_given_up(loop):
    async def stubborn(reader, writer):
        await reader.read(100)
        writer.write(b"\x20\x02\0\0")
        packet = b"\x30\xe8\x07\0\x01t" + bytes(997)
        try:
            while True:  # until the network takes no more
                writer.write(packet)
                await writer.drain()
        except OSError:
            pass

    async def main():
        server = await asyncio.start_server(stubborn, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = aio.MQTTClient("id", "127.0.0.1", port, verbose=False, socket_timeout=0.5, backoff=(100, 100), queue=3)
        await client.connect()
        await until(lambda: client.connection.paused)
        count = 0

        async def publish():
            while True:
                await client.publish("t", bytes(100000))

        async def watch():
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0.01)

        tasks = [asyncio.ensure_future(publish()), asyncio.ensure_future(watch())]
        await asyncio.wait_for(client.down.wait(), 30)
        assert client.last_error.args == (errno.ECONTIMEOUT,)
        assert count > 5  # others had their turns
        for task in tasks:
            task.cancel()
        await client.disconnect()
        server.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    run_on(loop, main())


def test_with_a_blocked_network_and_something_to_read_it_looks_now_and_then(mocker):
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
        loop = asyncio.get_running_loop()
        before = loop.turns
        await asyncio.sleep(2)
        assert look.call_count < 25
        assert loop.turns - before < 60
        broker.write_sizes = None
        await task

    with near, far:
        play(scene, broker)


# --- Names -------------------------------------------------------------------------------------------


class Names:
    """Answers the name look-ups of a loop, when it is told to."""

    def __init__(self, monkeypatch, port):
        self.asked = []
        self.fails = None
        self.released = asyncio.Event()
        real = socket.getaddrinfo

        async def getaddrinfo(host, port, **options):
            self.asked.append((host, port))
            await self.released.wait()
            if self.fails:
                raise self.fails
            return real("127.0.0.1", port, type=socket.SOCK_STREAM)

        def blocking(host, *args, **options):
            raise AssertionError(f"{host} is looked up by the client, which holds up all tasks")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(socket, "getaddrinfo", blocking)


def test_a_name_that_takes_long_to_look_up_holds_up_nobody(monkeypatch):
    async def main():
        async with Served() as broker:
            names = Names(monkeypatch, broker.port)
            client = broker.client()
            client.server = "broker.example"
            task = asyncio.create_task(client.connect())
            await turns(50)
            assert names.asked == [("broker.example", broker.port)] and not task.done()
            names.released.set()
            await task
            await client.publish("t", "m", qos=1)
            for n in (2, 3):  # once for each attempt
                broker.drop()
                await client.down.wait()
                await client.up.wait()
                assert len(names.asked) == n
            await client.disconnect()

    run_on("asyncio", main())


def test_ending_a_pause_waits_for_the_name_while_another_task_works_on_messages(monkeypatch):
    async def work(client):
        async for _ in client.messages():
            await asyncio.sleep(0)

    async def main():
        async with Served() as broker:
            names = Names(monkeypatch, broker.port)
            names.released.set()
            async with broker.client(backoff=(50, 60)) as client:
                for i in range(5):
                    broker.deliver("t", str(i))
                await client.publish("t", "m", qos=1)
                broker.drop()
                await client.down.wait()
                names.released.clear()
                ending = asyncio.create_task(client.connect_now())
                working = asyncio.create_task(work(client))
                await turns(50)
                assert not ending.done()
                names.released.set()
                assert await ending is True
            await working

    run_on("asyncio", main())


def test_several_clients_of_one_broker_look_its_name_up_at_once(monkeypatch):
    async def main():
        async with Served() as broker:
            names = Names(monkeypatch, broker.port)
            clients = [broker.client() for _ in range(5)]
            for client in clients:
                client.server = "broker.example"
            tasks = [asyncio.create_task(client.connect()) for client in clients]
            await turns(20)
            assert len(names.asked) == 5
            names.released.set()
            await asyncio.gather(*tasks, return_exceptions=True)  # a Served has one client
            for client in clients:
                await client.disconnect()

    run_on("asyncio", main())


def test_publishing_while_the_broker_is_away_looks_no_name_up(monkeypatch):
    async def main():
        async with Served() as broker:
            names = Names(monkeypatch, broker.port)
            names.released.set()
            client = broker.client()
            client.server = "broker.example"
            await client.connect()
            client._reconnector.backoff.pause_ms = lambda error: 100000
            broker.drop()
            await client.down.wait()
            tasks = [asyncio.create_task(client.publish("t", "m", qos=1)) for _ in range(10)]
            await asyncio.sleep(0.1)
            assert len(names.asked) == 1
            await client.connect_now()
            await asyncio.gather(*tasks)
            assert len(names.asked) == 2
            await client.disconnect()

    run_on("asyncio", main())


@pytest.mark.parametrize("how", ["not found", "too late"])
def test_a_name_that_is_not_found(how, monkeypatch):
    async def main():
        async with Served() as broker:
            names = Names(monkeypatch, broker.port)
            client = broker.client(socket_timeout=0.1)
            client.server = "broker.example"
            if how == "not found":
                names.fails = socket.gaierror(socket.EAI_NONAME, "not known")
                names.released.set()
            with pytest.raises(OSError) as caught:
                await client.connect()
            assert caught.value.errno == (socket.EAI_NONAME if how == "not found" else system.ETIMEDOUT)
            names.fails = None
            names.released.set()
            async with client:
                pass

    run_on("asyncio", main())


def test_the_name_of_a_transport_of_the_programs_own_is_looked_up_by_the_loop_too(monkeypatch):
    async def main():
        names = Names(monkeypatch, 1)
        transport = WebSocketTransport("broker.example", unconnected_port())
        client = aio.MQTTClient("id", "", transport=transport, verbose=False)
        names.released.set()
        with pytest.raises(OSError) as caught:
            await client.connect()
        assert caught.value.errno == system.ECONNREFUSED
        assert names.asked[0][0] == "broker.example"

    run_on("asyncio", main())


@pytest.mark.parametrize("name", ["x" * 64 + ".example", "a\0b", "a..b"])
def test_a_name_that_no_host_can_have(name):
    async def main():
        with pytest.raises(OSError):
            await aio.MQTTClient("id", name, verbose=False).connect()

    run_on("asyncio", main())


# --- Others ------------------------------------------------------------------------------------------


def test_idle_it_does_not_run():
    async def main():
        async with Served() as broker, broker.client() as client:
            await asyncio.sleep(0.1)
            loop = asyncio.get_running_loop()
            count = 0
            select = loop._selector.select

            def counted(timeout=None):
                nonlocal count
                count += 1
                return select(timeout)

            loop._selector.select = counted
            await asyncio.sleep(0.5)
            assert count <= 3
            assert client.is_connected()

    run_on("asyncio", main())


def test_a_client_in_a_loop_of_another_thread():
    got = []

    async def main():
        async with Served() as broker, broker.client() as client:
            await client.publish("t", "m", qos=1)
            got.extend(broker.published)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join(30)
    assert got == [(b"t", b"m", 1, False)]


def test_a_clock_that_stands_still_does_not_matter_to_the_loop():
    # What is real time to the loop need not be to the client: each has its own clock.
    broker = FakeBroker()

    async def main():
        async with client_of(broker) as client:
            await client.publish("t", "m", qos=1)

    start = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - start < 30
    assert broker.published


def test_the_first_attempt_is_not_made_twice():
    broker = FakeBroker()
    attempts = []

    def refuse(timeout_ms):
        attempts.append(1)
        raise OSError(system.ECONNREFUSED)

    broker.open = refuse

    async def main():
        for n in range(1, 10):
            with pytest.raises(OSError):
                await client_of(broker, backoff=(0.001, 0.001)).connect()
            assert len(attempts) == n

    run(main(), broker.clock)


def test_attempts_pause_between_each_other():
    async def scene(broker, client):
        loop = asyncio.get_running_loop()
        broker.fail_open = OSError(111)
        await go_down(broker, client, 30)
        start = loop.time()
        await client.up.wait()
        assert loop.time() - start > 29  # a fake clock's
        assert not isinstance(client.last_error, MQTTException) or client.last_error.args == (errno.ECONCLOSE,)

    play(scene)
