"""Waiting in CPython's event loop, in the place of `umqtt2.aio`'s own."""

from __future__ import annotations

import asyncio
from typing import Any

from ..constants import NAP_MS


class Waiting:
    """What a client needs for it."""

    connection: Any
    _future: Any = None  # of _wait()
    _fd = -1  # what is watched

    @classmethod
    def take_over(cls, client: type) -> None:
        """Replace the methods of a class of clients."""
        for name in ("_future", "_fd", "_keep_time", "_wait", "_wake"):
            setattr(client, name, cls.__dict__[name])

    async def _keep_time(self) -> None:
        """The event loop has timers."""

    async def _wait(self, ms: int, pollable: Any) -> None:
        loop = asyncio.get_running_loop()
        self._future = loop.create_future()
        if pollable:
            try:
                fd = pollable.fileno()
                # What could be read is not read while something waits to be written.
                watch = loop.add_writer if self.connection.pending else loop.add_reader
                watch(fd, self._wake)
                self._fd = fd
            except NotImplementedError:  # one of the event loops of Windows
                ms = min(ms, NAP_MS)
        timer = loop.call_later(ms / 1000, self._wake)
        try:
            await self._future
        finally:
            timer.cancel()
            self._wake()

    def _wake(self) -> None:
        if self._fd >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._fd)
            loop.remove_writer(self._fd)
            self._fd = -1
        if self._future and not self._future.done():
            self._future.set_result(None)
