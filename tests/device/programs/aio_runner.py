"""Common code of the programs with asyncio clients."""

import asyncio

from umqtt2.aio import MQTTClient

TIMEOUT = 15
IPPROTO_TCP = 6
TCP_NODELAY = 1


class Transport:
    """A transport whose broker can be away. What is sent does not wait for TCP's acknowledgements: there are many
    round trips, and MicroPython's socket on Unix has no name for that."""

    def __init__(self, real):
        self.away = False
        self.real = real
        self.open = real.open
        self.wait = real.wait
        self.close = real.close
        self.write = real.write

    @property
    def pollable(self):
        return self.real.pollable

    def opening(self, timeout_ms):
        if self.away:
            raise OSError(111)
        yield from self.real.opening(timeout_ms)
        self.pollable.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)

    def readinto(self, buf, n):
        return 0 if self.away else self.real.readinto(buf, n)


def make(device, **options):
    """Return a client, not yet connected; `options` go before the configured ones."""
    return MQTTClient(**device.arguments(**options))


def run_client(device, scenario, timeout=TIMEOUT, **options):
    """Run the coroutine function `scenario(device, client)` with a connected client."""

    async def main():
        async with make(device, **options) as client:
            await asyncio.wait_for(scenario(device, client), timeout)

    asyncio.run(main())


async def receive(device, client, count):
    """Return the next messages: a list of [topic without prefix, payload, retained]."""
    device.messages = []
    while len(device.messages) < count:
        topic, payload, retain, *_ = await client.next()
        device.on_message(topic, payload, retain, False)
    return device.messages


class Turns:
    """Counts the turns of the event loop."""

    def __init__(self):
        self._count = 0
        self._task = asyncio.create_task(self._run())

    async def _run(self):
        while True:
            self._count += 1
            await asyncio.sleep(0)

    def end(self):
        """Return how many there were."""
        self._task.cancel()
        return self._count
