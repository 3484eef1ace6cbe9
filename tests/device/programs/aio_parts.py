"""More for some of the programs with asyncio clients; the others have the memory."""

import asyncio

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

    @property
    def pollable(self):
        return self.real.pollable

    def opening(self, timeout_ms):
        if self.away:
            raise OSError(111)
        yield from self.real.opening(timeout_ms)
        self.pollable.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.write = self.real.write

    def readinto(self, buf, n):
        return 0 if self.away else self.real.readinto(buf, n)


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
