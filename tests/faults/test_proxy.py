"""Each fault, between a plain socket and a server that sends everything twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.faults.proxy import Proxy
from tests.faults.schedule import DOWN, NETWORK, UP, Fault, Schedule, random_schedule, random_schedule_with_power

GONE = (b"", ConnectionResetError)


class Connection:
    """A connection through the proxy, and what arrived at the server on it."""

    def __init__(self, port: int, received: bytearray) -> None:
        self._port = port
        self.received = received

    async def send(self, data: bytes) -> None:
        """Connect, and send bytes."""
        self.received.clear()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.writer.write(data)

    async def receive(self) -> bytes | type:
        """The answer: all until nothing comes for a while, the end, or a reset."""
        answer = b""
        try:
            while more := await asyncio.wait_for(self.reader.read(100), 0.2):
                answer += more
        except asyncio.TimeoutError:
            return answer + b"..."
        except ConnectionResetError:
            return ConnectionResetError if not answer else answer + b"!"
        return answer


def run_test(faults: list[Fault], test: Callable[[Proxy, Connection], Awaitable[None]]) -> None:
    """Run a test with a proxy whose first connection has these faults."""

    async def run() -> None:
        received = bytearray()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while data := await reader.read(100):
                    received.extend(data)
                    writer.write(data + data)
            except OSError:
                pass
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
            await proxy.start(Schedule("test", (tuple(faults),)))
            await test(proxy, Connection(proxy.port, received))
        server.close()

    asyncio.run(run())


@pytest.mark.parametrize("at", range(7))
@pytest.mark.parametrize("kind", ["cut", "reset"])
@pytest.mark.parametrize("way", [UP, DOWN])
def test_ends_after_just_so_many_bytes(kind: str, way: str, at: int) -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        await connection.send(b"word")
        answer = await connection.receive()
        if way == DOWN or at <= 4:
            assert proxy.injected == {kind: 1}
            assert proxy.passed[0][way] == at
            assert len(proxy.to_device[0]) == proxy.passed[0][DOWN]
            assert len(connection.received) == (at if way == UP else 4 if at else len(connection.received))
            if way == DOWN and at:
                assert answer == b"wordword"[:at] + (b"!" if kind == "reset" else b"")
            elif way == DOWN or not at:
                assert answer in GONE
        else:
            assert answer == b"wordword..."
        await connection.send(b"next")
        assert await connection.reader.readexactly(8) == b"nextnext"

    run_test([Fault(kind, way, at)], test)


@pytest.mark.parametrize("way", [UP, DOWN])
def test_a_fault_that_did_not_come_is_the_next_connection_s(way: str) -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        await connection.send(b"it")
        assert await connection.reader.readexactly(4) == b"itit"
        connection.writer.close()
        await connection.send(b"a phrase")
        assert await connection.receive() in (GONE if way == UP else [b"a phras"])
        assert proxy.injected == {"cut": 1}
        assert proxy.passed[1][way] == 7
        await connection.send(b"next")
        assert await connection.reader.readexactly(8) == b"nextnext"

    run_test([Fault("cut", way, 7)], test)


def test_refuses() -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        await connection.send(b"word")
        assert await connection.receive() in GONE
        assert not connection.received

    run_test([Fault("refuse")], test)


def test_does_not_listen_for_a_while() -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        with pytest.raises(ConnectionRefusedError):
            await connection.send(b"word")
        await asyncio.sleep(0.3)
        await connection.send(b"word")
        assert await connection.reader.readexactly(8) == b"wordword"

    run_test([Fault("closed", ms=100)], test)


@pytest.mark.parametrize("turns", range(8))
def test_a_schedule_may_end_while_the_proxy_begins_to_listen_again(turns: int) -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        for _ in range(turns):  # of the event loop
            await asyncio.sleep(0)
        await proxy.start(Schedule("next"))
        await connection.send(b"word")
        assert await connection.receive() == b"wordword..."

    run_test([Fault("closed")], test)


def test_discards_from_a_byte_on_until_the_device_closes() -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        await connection.send(b"word")
        assert await connection.receive() == b"..."
        assert connection.received == b"wo"
        connection.writer.close()
        await asyncio.sleep(0.1)
        assert len(proxy.noticed) == 1

    run_test([Fault("half-open", UP, 2)], test)


def test_discards_and_then_resets() -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        await connection.send(b"word")
        assert await connection.receive() in GONE

    run_test([Fault("half-open", UP, 2, ms=50)], test)


@pytest.mark.parametrize(
    "fault", [Fault("stall", UP, 2, ms=150), Fault("stall", DOWN, 3, ms=150), Fault("delay", DOWN, ms=150)]
)
def test_forwards_later(fault: Fault) -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        start = time.monotonic()
        await connection.send(b"word")
        assert sorted(await connection.reader.readexactly(8)) == sorted(b"wordword")
        assert time.monotonic() - start > 0.14  # it cannot be earlier, however busy the machine
        assert proxy.injected == {fault.kind: 1}

    run_test([fault], test)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_fragments_but_changes_nothing(size: int) -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        await connection.send(bytes(range(90)))
        await connection.reader.readexactly(180)
        assert connection.received == bytes(range(90))
        assert sorted(proxy.to_device[0]) == sorted(2 * bytes(range(90)))
        assert proxy.injected == {"fragment": 1}

    run_test([Fault("fragment", UP, size=size)], test)


def test_power_fails() -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        failed = []
        proxy.power = lambda: failed.append(bytes(connection.received))
        await connection.send(b"word")
        await connection.receive()
        assert len(failed) == 1

    run_test([Fault("power", UP, 2)], test)


def test_nothing_goes_through_while_it_is_held() -> None:
    async def test(proxy: Proxy, connection: Connection) -> None:
        proxy.forwarding.clear()
        await connection.send(b"word")
        assert await connection.receive() == b"..."
        assert not connection.received
        proxy.forwarding.set()
        assert await connection.reader.readexactly(8) == b"wordword"

    run_test([], test)


def test_a_seed_always_gives_the_same_schedule() -> None:
    assert [random_schedule(seed) for seed in range(50)] == [random_schedule(seed) for seed in range(50)]
    assert random_schedule_with_power(7) == random_schedule_with_power(7) != random_schedule_with_power(8)


def test_every_kind_is_drawn() -> None:
    faults = [fault for seed in range(50) for faults in random_schedule(seed).connections for fault in faults]
    assert {fault.kind for fault in faults} == set(NETWORK)
    assert {fault.way for fault in faults} == {UP, DOWN}
