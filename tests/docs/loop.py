"""An event loop whose time passes at once when nothing is to be done, and asyncio.run() on it."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import umqtt2.start
from umqtt2.cpython import clock
from umqtt2.testing import FakeBroker

SECONDS = 120  # after which a program is ended, of the loop's own


class _Selector(selectors.DefaultSelector):
    """Skips the time in which nothing would come."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.skipped += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    """Programs in it have no network: the names of brokers are not looked up."""

    def __init__(self) -> None:
        self._skipping = _Selector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return time.monotonic() + self._skipping.skipped

    async def getaddrinfo(self, *args: Any, **settings: Any) -> Any:
        return []


Script = Callable[[FakeBroker], Coroutine[Any, Any, None]]


class Runner:
    """Replaces asyncio.run(). A program ends by itself, when the script that goes with it has ended, or after SECONDS.

    broker   what the clients of the program connect to
    script   acts as the others at the broker, while the program runs; None for nobody
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, broker: FakeBroker) -> None:
        self.broker = broker
        self.script: Script | None = None
        self._patch = monkeypatch
        monkeypatch.setattr(umqtt2.start, "new_transport", lambda client: self.broker)
        monkeypatch.setattr(asyncio, "run", self.run)

    def run(self, main: Coroutine[Any, Any, object]) -> None:
        """Run a program."""
        loop = Loop()
        with self._patch.context() as patch:
            patch.setattr(clock, "ticks_ms", lambda: int(loop.time() * 1000) % clock.PERIOD)
            try:
                loop.run_until_complete(self._together(main))
                loop.run_until_complete(loop.shutdown_asyncgens())
            finally:
                asyncio.set_event_loop(None)
                loop.close()

    async def _together(self, main: Coroutine[Any, Any, object]) -> None:
        program = asyncio.ensure_future(main)
        others = asyncio.ensure_future(self.script(self.broker) if self.script else asyncio.sleep(SECONDS))
        await asyncio.wait((program, others), timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if program.done() and self.script:
            await asyncio.wait((others,), timeout=SECONDS)
        done = others.done()
        for task in (program, others):
            task.cancel()  # as Ctrl-C does
            await asyncio.wait((task,), timeout=SECONDS)
            assert task.done(), "it was cancelled, and goes on"
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in (program, others):
            if not task.cancelled():
                task.result()
        assert done or not self.script, "the broker's side waits for something that the program does not do"


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    while not condition():
        await asyncio.sleep(0.01)


