"""What tests of `umqtt2.aio` have in common: an event loop whose time is that of a fake broker's clock."""

from __future__ import annotations

import asyncio
import math
import selectors

from umqtt2 import aio
from umqtt2.testing import FakeBroker

PATIENCE = 600  # seconds of the fake clock: who waits longer waits for ever
BUSY = 50000  # turns in which no time passes


FD = 1000000  # no file has it


class Pollable(FakeBroker):
    """One that an event loop can watch; as long as it is not `blocked`, it takes what is written."""

    blocked = False

    def __init__(self):
        super().__init__()
        self.pollable = self
        self.clock.pollable = self  # for the Selector

    def fileno(self):
        return FD

    def write(self, buf, offset, n):
        return None if self.blocked and self.is_open else super().write(buf, offset, n)

    def ready(self, events):
        """Which of `events` it is ready for."""
        able = 0 if self.blocked else selectors.EVENT_WRITE
        return events & (able | (selectors.EVENT_READ if self.incoming or self.ended else 0))


class Selector(selectors.DefaultSelector):
    """Lets a fake clock go on where it would wait, and watches a Pollable. Counts the turns of the loop."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock
        self._key = None  # of the Pollable
        self.ms = 0
        self.turns = 0
        self._busy = 0  # turns since it has waited

    def register(self, file, events, data=None):
        if file != FD:
            return super().register(file, events, data)
        self._key = selectors.SelectorKey(file, FD, events, data)
        return self._key

    def unregister(self, file):
        if file != FD:
            return super().unregister(file)
        key, self._key = self._key, None
        return key

    def modify(self, file, events, data=None):
        return self.register(file, events, data) if file == FD else super().modify(file, events, data)

    def get_map(self):
        return {**super().get_map(), **({FD: self._key} if self._key else {})}

    def get_key(self, file):
        return self.get_map()[file]

    def select(self, timeout=None):
        self.turns += 1
        self._busy += 1
        if self._busy > BUSY:
            self._busy = 0
            raise AssertionError("the loop turns and turns, and never waits")
        ready = super().select(0)
        if self._key and self._clock.pollable.ready(self._key.events):
            ready.append((self._key, self._clock.pollable.ready(self._key.events)))
        if ready:
            return ready
        assert timeout is not None, "nothing will ever come: the loop would wait for ever"
        ms = math.ceil(max(0, timeout) * 1000)
        if ms:
            self._busy = 0
        self._clock.advance(ms)
        self.ms += ms
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time is a fake clock's: no test waits."""

    def __init__(self, clock):
        self.selector = Selector(clock)
        super().__init__(self.selector)

    def time(self):
        return self.selector.ms / 1000

    @property
    def turns(self):
        return self.selector.turns


def run(coroutine, clock, patience=PATIENCE):
    """Run a coroutine to its end, with a fake clock; no task may be left."""
    loop = Loop(clock)
    try:
        return loop.run_until_complete(asyncio.wait_for(coroutine, patience))
    finally:
        loop.run_until_complete(end_all())
        loop.close()


async def end_all():
    """Cancel all other tasks, and wait for their end."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def client_of(transport, **options):
    options = {"backoff": (0.05, 0.05), "verbose": False, **options}
    return aio.MQTTClient("id", "broker", transport=transport, clock=transport.clock, **options)


def play(scene, transport=None, **options):
    """Run a coroutine function with a FakeBroker and a client that is connected to it; return what it returns."""
    broker = transport or FakeBroker()

    async def main():
        async with client_of(broker, **options) as client:
            got = await scene(broker, client)
            broker.silent = False  # or it would not close for a second
            return got

    return run(main(), broker.clock)


async def until(condition):
    """Let time pass until `condition()`."""
    for _ in range(10000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it does not come true")


async def turns(n):
    """Let the loop turn so often."""
    for _ in range(n):
        await asyncio.sleep(0)


def pause(client, seconds):
    """Have it wait so long before each attempt to connect again."""
    client._reconnector.backoff.pause_ms = lambda error: int(seconds * 1000)


async def go_down(broker, client, seconds=1000):
    """The broker is away, for so long."""
    pause(client, seconds)
    broker.drop()
    await asyncio.wait_for(client.down.wait(), 10)


async def take(client, count):
    """Return the payloads of the next messages."""
    return [(await client.next()).payload for _ in range(count)]


async def nothing_more(client, seconds=5):
    """Ask for another message in vain: this task has processed what it had."""
    try:
        message = await client.next(seconds)
    except asyncio.TimeoutError:
        return
    raise AssertionError(f"{message} comes")


async def collect(client, count=None):
    """Return the payloads of so many messages, or of all until the client leaves."""
    got = []
    async for _, payload, *_ in client.messages():
        got.append(payload)
        if len(got) == count:
            break
    return got


def unanswered(broker):
    """Have the broker take everything and answer nothing but CONNECT; what would undo that."""
    answer = broker._answer
    kept = []

    def keep(first, body):
        if first == 0x10:
            answer(first, body)
        else:
            kept.append((first, body))

    def undo():
        broker._answer = answer
        for packet in kept:
            answer(*packet)

    broker._answer = keep
    return undo


def disturb(broker, chance):
    """Have the network fail in one way, by `chance`, a random.Random."""
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
