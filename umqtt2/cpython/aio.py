"""Waiting in CPython's event loop, in the place of `umqtt2.aio`'s own."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Coroutine
from typing import Any

from ..connection import OPENING, UP
from ..constants import NAP_MS
from . import socket

HANDSHAKE_MS = 20  # between two looks at TLS that has yet to begin
OPENING_MS = 100  # between two looks at the time while a connection is opened


class Waiting:
    """What a client needs for it."""

    connection: Any
    _due_ms: Any
    _look: Any
    _reconnector: Any
    _pollable: Any
    _future: Any = None  # of _wait()
    _handle: Any  # of the timer
    _watched: Any = None  # the transport's `pollable`
    _fd = -1
    _writes = False  # it is watched for room to write, not for something to read

    @classmethod
    def take_over(cls, client: type) -> None:
        """Replace the methods of a class of clients."""
        for name in vars(cls):
            if name[:2] != "__" and name != "take_over":
                setattr(client, name, vars(cls)[name])
        run = client._run  # type: ignore[attr-defined]
        end = client._end  # type: ignore[attr-defined]

        async def _run(self: Any) -> None:
            try:
                await look_up(self)
            except asyncio.CancelledError:
                if self._task is asyncio.current_task():  # the loop ends
                    self._task = None
                    self._end()
                return
            await run(self)

        def _end(self: Any) -> None:
            self._unwatch()
            end(self)

        client._run = _run  # type: ignore[attr-defined]
        client._end = _end  # type: ignore[attr-defined]

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        connection = self.connection
        ms = self._due_ms()
        pollable = self._pollable()
        state = connection.state
        self._future = loop.create_future()
        if state:
            if state == OPENING and pollable:
                ms = HANDSHAKE_MS if connection.pending else OPENING_MS
            writes = connection.pending > 0 if state > OPENING else not connection.pending
            if not self._watch(loop, pollable, writes) and not connection.paused:
                ms = min(ms, NAP_MS)
        else:
            self._unwatch()
        self._handle = loop.call_later(ms / 1000, self._tick)
        try:
            await self._future
        finally:
            self._handle.cancel()
            self._future = None
        if not connection.state and self._reconnector.pause_ms() <= 0:
            await look_up(self)

    async def _wait_for(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        return await wait_for(work, seconds)

    def _has_failed(self, task: Any) -> bool:
        # Not `exception()`: asyncio then thinks that somebody has seen it.
        return task.cancelled() or task._exception is not None

    def _wake(self) -> None:
        if self._future and not self._future.done():
            self._future.set_result(None)

    def _tick(self) -> None:
        self._ready()
        if self._future and not self._future.done():
            try:
                ms = self._due_ms()
            except MemoryError:
                ms = NAP_MS  # it is asked again soon
            if not self._watched:
                ms = min(ms, NAP_MS)
            self._handle = asyncio.get_running_loop().call_later(ms / 1000, self._tick)

    def _watch(self, loop: Any, pollable: Any, writes: bool) -> bool:
        # Have `_ready` called when the network has, or takes, something.
        if pollable is not self._watched or writes is not self._writes:
            self._unwatch()
            if pollable:
                try:
                    fd = pollable.fileno()
                    (loop.add_writer if writes else loop.add_reader)(fd, self._ready)
                except (OSError, ValueError, NotImplementedError):  # one of the event loops of Windows
                    return False
                self._watched = pollable
                self._writes = writes
                self._fd = fd
        return pollable is not None

    def _unwatch(self) -> None:
        if self._watched:
            loop = asyncio.get_running_loop()
            (loop.remove_writer if self._writes else loop.remove_reader)(self._fd)
            self._watched = None

    def _ready(self) -> None:
        # What comes while nothing else is to be done is processed here, without a change of tasks; so is what is due.
        connection = self.connection
        if not self._future or self._future.done():
            self._unwatch()  # the task is at work, and will look by itself
        elif connection.state != UP or connection.pending or connection.paused:
            self._wake()
        else:
            try:
                first = self._look()
            except Exception as error:
                if not self._future.done():
                    self._future.set_exception(error)  # for the task to judge
            else:
                if first is not None or connection.state != UP or connection.pending or connection.paused:
                    self._wake()


async def wait_for(work: Coroutine[Any, Any, Any], seconds: float) -> Any:
    """Like `asyncio.wait_for`, which before Python 3.12 loses a cancellation that comes together with the result."""
    task = asyncio.ensure_future(work)
    try:
        if not (await asyncio.wait((task,), timeout=seconds))[0]:
            raise asyncio.TimeoutError
        return task.result()
    finally:
        if task.cancel():
            await asyncio.wait((task,))


async def look_up(client: Any) -> None:
    """Look the broker's name up without holding up other tasks, for the transport to find it."""
    where = client
    while getattr(where, "transport", None):  # the program's own, and that beneath a WebSocket
        where = where.transport
    try:
        host, port = where.server, where.port
    except AttributeError:
        return
    loop = asyncio.get_running_loop()
    found: Any
    try:
        found = await wait_for(
            loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), client.socket_timeout
        )
    except asyncio.TimeoutError:
        found = OSError(errno.ETIMEDOUT, "name look-up")
    except OSError as error:
        found = error
    except (TypeError, ValueError):
        return  # the transport will say so at once
    socket.looked_up.set((host, port, found))
