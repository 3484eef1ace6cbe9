"""The simulation: the package itself on CPython, all clients in one loop, and a real broker."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from tools.errors import ToolError
from tools.testkit.broker import HOST
from tools.testkit.mosquitto import PlainMosquitto
from umqtt2.robust import MQTTClient
from umqtt2.transport.tcp import TCPTransport

THREADS = 16
PAUSE = 0.002  # between two rounds of the loop
SPARE_FILES = 200


@dataclass
class Outcome:
    """What happened, in seconds since the broker was killed.

    backoff   as the clients had it
    jitter    whether the times were random; else each was the longest it could be
    returned  when the broker was started again
    attempts  when each attempt to connect began
    back      when each client was connected again
    """

    clients: int
    backoff: tuple[float, float]
    jitter: bool
    returned: float
    attempts: list[float]
    back: list[float]

    @property
    def refused(self) -> int:
        """Failed attempts."""
        return len(self.attempts) - len(self.back)

    def peak(self, since: float = 0, width: float = 0.1) -> int:
        """The most attempts within `width` seconds, counted in bins from `since` on."""
        return max(bins(self.attempts, since, width), default=0)

    def until_back(self, share: float) -> float:
        """Seconds from the broker's return until this share of the clients was back."""
        return sorted(self.back)[max(0, round(self.clients * share) - 1)] - self.returned


class _Transport(TCPTransport):
    """TCP that calls a function when it is opened."""

    def __init__(self, port: int, tell: Callable[[], None]) -> None:
        super().__init__(HOST, port)
        self._tell = tell

    def opening(self, timeout_ms: int) -> Any:
        self._tell()
        yield from super().opening(timeout_ms)


def simulate(clients: int, backoff: tuple[float, float], outage: float, jitter: bool) -> Outcome:
    """Connect the clients, kill the broker, start it again after `outage` seconds, and wait for all."""
    allow_files(clients + SPARE_FILES)
    settings = ("persistence false", "connection_messages false")
    with tempfile.TemporaryDirectory() as folder, PlainMosquitto(Path(folder), *settings) as broker:
        attempts: list[float] = []
        back: list[float] = []

        def note_attempt() -> None:
            attempts.append(time.monotonic())

        def note_change(up: bool) -> None:
            if up:
                back.append(time.monotonic())

        def all_back() -> bool:
            broker.check()
            return len(back) == clients

        fleet = []
        for i in range(clients):
            client = MQTTClient(
                f"fleet-{i}",
                HOST,
                transport=_Transport(broker.port, note_attempt),
                backoff=backoff,
                verbose=False,
            )
            fleet.append(client)
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda client: client.connect(), fleet))
        for client in fleet:
            client.set_callback_connection(note_change)
        # A shorter connection counts as a failure in the backoff.
        _rounds(fleet, backoff[0] + 0.5, lambda: False)
        attempts.clear()
        with nullcontext() if jitter else nothing_random():
            start = time.monotonic()
            broker.kill()
            _rounds(fleet, start + outage - time.monotonic(), lambda: False)
            returned = time.monotonic()
            broker.start()
            # Each client connects within the longest wait; a lost SYN takes some seconds more.
            _rounds(fleet, 2 * backoff[1] + 30, all_back)
        for client in fleet:
            client.disconnect()
    if len(back) < clients:
        raise ToolError(f"fleet: {clients - len(back)} clients have not come back")
    return Outcome(
        clients,
        backoff,
        jitter,
        returned - start,
        [when - start for when in attempts],
        [when - start for when in back],
    )


def _rounds(fleet: list[MQTTClient], seconds: float, done: Callable[[], object]) -> None:
    """Call check_msg of each client in turn, for `seconds` or until `done()`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not done():
        for client in fleet:
            client.check_msg()
        time.sleep(PAUSE)


@contextmanager
def nothing_random() -> Iterator[None]:
    """Plain exponential backoff: each random time is the longest that it can be."""
    with mock.patch("umqtt2.reconnect.urandom", lambda n: b"\xff" * n):
        yield


def allow_files(count: int) -> None:
    """Allow this process and its children to open so many files and sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise ToolError(f"fleet: {count} open files are needed, {hard} allowed (ulimit -Hn); use --clients")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def bins(times: list[float], since: float, width: float) -> list[int]:
    """How many of the times are in the first, second, ... `width` seconds after `since`."""
    counts: list[int] = []
    for when in times:
        place = int((when - since) // width)
        if place >= 0:
            counts += [0] * (place + 1 - len(counts))
            counts[place] += 1
    return counts
