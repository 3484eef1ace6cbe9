"""A FakeBroker behind a real socket, in the event loop of the test; and the loops to try it with."""

from __future__ import annotations

import asyncio

import pytest

from umqtt2 import aio
from umqtt2.testing import FakeBroker

try:
    import uvloop
except ImportError:  # not on Windows
    uvloop = None  # type: ignore[assignment]

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop and uvloop.new_event_loop}
loops = pytest.mark.parametrize("loop", [name for name, make in LOOPS.items() if make])


def run_on(name, coroutine):
    """Run a coroutine on the event loop with this name."""
    loop = LOOPS[name]()
    try:
        return loop.run_until_complete(asyncio.wait_for(coroutine, 90))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


class Served(FakeBroker):
    """`async with Served() as broker`: it listens on `port`.

    away  True: who connects is closed at once
    """

    away = False
    writer = None

    def __init__(self, context=None):
        """context: an SSLContext, for TLS"""
        super().__init__()
        self._context = context

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc):
        self._server.close()
        if self.writer:
            self.writer.close()
        await asyncio.sleep(0.01)

    def client(self, **options):
        return aio.MQTTClient("id", "127.0.0.1", self.port, **{"backoff": (0.01, 0.01), "verbose": False, **options})

    def feed(self, data):
        if self.writer and self.is_open:
            self.writer.write(data)

    def drop(self):
        super().drop()
        self.writer.close()

    async def _serve(self, reader, writer):
        if self.away:
            writer.close()
            return
        self.writer = writer
        self.open(0)
        try:
            while not self.ended:
                data = await reader.read(4096)
                if not data or self.writer is not writer:
                    break
                self.write(data, 0, len(data))
        except OSError:
            pass
        writer.close()
