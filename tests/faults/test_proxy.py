"""Each fault, between a plain socket and a server that says everything twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.faults.proxy import Proxy
from tests.faults.schedule import DOWN, NETWORK, UP, Fault, Schedule, drawn, drawn_power

GONE = (b"", ConnectionResetError)


class Talk:
    """A connection through the proxy, and what arrived at the server on it."""

    def __init__(self, port: int, heard: bytearray) -> None:
        self._port = port
        self.heard = heard

    async def say(self, data: bytes) -> None:
        """Connect anew and say something."""
        self.heard.clear()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.writer.write(data)

    async def hear(self) -> bytes | type:
        """All that is answered: until there is nothing more for a while, the end, or a reset."""
        answer = b""
        try:
            while more := await asyncio.wait_for(self.reader.read(100), 0.2):
                answer += more
        except asyncio.TimeoutError:
            return answer + b"..."
        except ConnectionResetError:
            return ConnectionResetError if not answer else answer + b"!"
        return answer


def play(faults: list[Fault], test: Callable[[Proxy, Talk], Awaitable[None]]) -> None:
    """Run a test with a proxy whose first connection has these faults."""

    async def run() -> None:
        heard = bytearray()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while data := await reader.read(100):
                    heard.extend(data)
                    writer.write(data + data)
            except OSError:
                pass
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
            await proxy.play(Schedule("test", (tuple(faults),)))
            await test(proxy, Talk(proxy.port, heard))
        server.close()

    asyncio.run(run())


@pytest.mark.parametrize("at", range(7))
@pytest.mark.parametrize("kind", ["cut", "reset"])
@pytest.mark.parametrize("way", [UP, DOWN])
def test_ends_after_just_so_many_bytes(kind: str, way: str, at: int) -> None:
    async def test(proxy: Proxy, talk: Talk) -> None:
        await talk.say(b"word")
        answer = await talk.hear()
        if way == DOWN or at <= 4:
            assert proxy.injected == {kind: 1}
            assert proxy.passed[0][way] == at
            assert len(talk.heard) == (at if way == UP else 4 if at else len(talk.heard))
            if way == DOWN and at:
                assert answer == b"wordword"[:at] + (b"!" if kind == "reset" else b"")
            elif way == DOWN or not at:
                assert answer in GONE
        else:
            assert answer == b"wordword..."
        await talk.say(b"next")
        assert await talk.reader.readexactly(8) == b"nextnext"

    play([Fault(kind, way, at)], test)


def test_refuses() -> None:
    async def test(proxy: Proxy, talk: Talk) -> None:
        await talk.say(b"word")
        assert await talk.hear() in GONE
        assert not talk.heard

    play([Fault("refuse")], test)


def test_does_not_listen_for_a_while() -> None:
    async def test(proxy: Proxy, talk: Talk) -> None:
        with pytest.raises(ConnectionRefusedError):
            await talk.say(b"word")
        await asyncio.sleep(0.3)
        await talk.say(b"word")
        assert await talk.reader.readexactly(8) == b"wordword"

    play([Fault("closed", ms=100)], test)


def test_swallows_from_a_byte_on_until_the_device_hangs_up() -> None:
    async def test(proxy: Proxy, talk: Talk) -> None:
        await talk.say(b"word")
        assert await talk.hear() == b"..."
        assert talk.heard == b"wo"
        talk.writer.close()
        await asyncio.sleep(0.1)
        assert len(proxy.noticed) == 1

    play([Fault("half-open", UP, 2)], test)


def test_swallows_and_resets_in_the_end() -> None:
    async def test(proxy: Proxy, talk: Talk) -> None:
        await talk.say(b"word")
        assert await talk.hear() in GONE

    play([Fault("half-open", UP, 2, ms=50)], test)


@pytest.mark.parametrize(
    "fault", [Fault("stall", UP, 2, ms=150), Fault("stall", DOWN, 3, ms=150), Fault("delay", DOWN, ms=150)]
)
def test_hands_it_on_later(fault: Fault) -> None:
    async def test(proxy: Proxy, talk: Talk) -> None:
        start = time.monotonic()
        await talk.say(b"word")
        assert sorted(await talk.reader.readexactly(8)) == sorted(b"wordword")
        assert time.monotonic() - start > 0.14  # it cannot be earlier, however busy the machine
        assert proxy.injected == {fault.kind: 1}

    play([fault], test)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_breaks_into_pieces_but_changes_nothing(size: int) -> None:
    async def test(proxy: Proxy, talk: Talk) -> None:
        await talk.say(bytes(range(90)))
        await talk.reader.readexactly(180)
        assert talk.heard == bytes(range(90))
        assert proxy.injected == {"fragment": 1}

    play([Fault("fragment", UP, size=size)], test)


def test_power_fails() -> None:
    async def test(proxy: Proxy, talk: Talk) -> None:
        failed = []
        proxy.power = lambda: failed.append(bytes(talk.heard))
        await talk.say(b"word")
        await talk.hear()
        assert len(failed) == 1

    play([Fault("power", UP, 2)], test)


def test_nothing_goes_through_while_it_is_held() -> None:
    async def test(proxy: Proxy, talk: Talk) -> None:
        proxy.flows.clear()
        await talk.say(b"word")
        assert await talk.hear() == b"..."
        assert not talk.heard
        proxy.flows.set()
        assert await talk.reader.readexactly(8) == b"wordword"

    play([], test)


def test_a_seed_always_draws_the_same() -> None:
    assert [drawn(seed) for seed in range(50)] == [drawn(seed) for seed in range(50)]
    assert drawn_power(7) == drawn_power(7) != drawn_power(8)


def test_every_kind_is_drawn() -> None:
    faults = [fault for seed in range(50) for faults in drawn(seed).connections for fault in faults]
    assert {fault.kind for fault in faults} == set(NETWORK)
    assert {fault.way for fault in faults} == {UP, DOWN}
