"""Waiting in CPython's event loop, in the place of `umqtt2.aio`'s own."""

from __future__ import annotations

import asyncio
from typing import Any

NAP = 20  # milliseconds between two looks at what the event loop cannot watch


class Waiting:
    """What a client needs for it."""

    _late: list[Any]
    _future: Any = None  # of _wait()
    _fd = -1  # what is watched

    @classmethod
    def take_over(cls, client: type) -> None:
        """Replace the methods of a class of clients."""
        for name in ("_future", "_fd", "_ring", "_wait", "_wake"):
            setattr(client, name, cls.__dict__[name])

    async def _ring(self) -> None:
        """The event loop has timers."""

    async def _wait(self, ms: int, pollable: Any) -> None:
        loop = asyncio.get_running_loop()
        self._future = loop.create_future()
        if pollable:
            try:
                self._fd = pollable.fileno()
                loop.add_reader(self._fd, self._wake)
                if self._late:
                    loop.add_writer(self._fd, self._wake)
            except NotImplementedError:  # one of the event loops of Windows
                self._fd = -1
                ms = min(ms, NAP)
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
