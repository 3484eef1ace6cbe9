"""A client that has done a lot takes no more memory than one that has done a little."""

from __future__ import annotations

import gc
import random
import tracemalloc

import pytest

from tests.unit.program import App
from umqtt2 import MQTTClient, MQTTException, reconnect, robust
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeBroker

ROUNDS = 60
GARBAGE = [b"\x30\xff\xff\xff\x7f", b"\x36\x03abc", b"\xd0", b"\x40\x02\0", b"\x62\x02\0\x07\x90\x03\0\1\x80"]
OURS = [tracemalloc.Filter(True, "*/umqtt2/*"), tracemalloc.Filter(False, "*/umqtt2/testing/*")]


@pytest.fixture(params=["default", "memory", "robust", "file"])
def a(request, tmp_path):
    """An App with one of the clients."""
    make = robust.MQTTClient if request.param in ("robust", "file") else MQTTClient
    session = None
    if request.param == "file":
        session = FileSession(str(tmp_path / "session"))
    elif request.param != "default":
        session = MemorySession()
    return App(FakeBroker(), make, session=session, max_packet=500, message_timeout=1)


def live(a, rng, rounds):
    """Do a bit of everything, many times, and with faults."""
    for n in range(rounds):
        steps = [
            lambda: a.client.connect(False),
            lambda: a.client.subscribe(rng.choice(["a", "b", "c"]), 1),
            lambda: a.client.unsubscribe(rng.choice(["a", "b", "c"])),
            lambda: [a.client.publish("topic", b"x" * rng.randrange(300), qos=qos) for qos in range(3)],
            lambda: [a.transport.deliver("in", b"x" * rng.choice([3, 200, 2000]), qos) for qos in range(3)],
            lambda: [a.client.check_msg() for _ in range(20)],
            a.transport.drop,
            lambda: a.transport.feed(rng.choice(GARBAGE)),
            lambda: a.clock.advance(1500),
            lambda: [a.client.check_msg() for _ in range(5)],
        ]
        for step in steps[:1] + rng.sample(steps[1:], len(steps) - 1):
            try:
                step()
            except (MQTTException, OSError):
                pass
        if n % 10 == 9:  # all that is in flight arrives
            a.transport.ended = True
            a.client.connect(False)
            for _ in range(60):
                a.clock.advance(100)
                a.client.check_msg()
        for seen in (a.messages, a.statuses, a.transport.published, a.transport.acknowledged):
            seen.clear()
        a.transport.connects.clear()
        a.forget_sent()


@pytest.mark.long
def test_a_long_life_takes_no_more_memory_than_a_short_one(a, mocker):
    rng = random.Random(1)
    mocker.patch.object(reconnect, "urandom", rng.randbytes)
    live(a, rng, ROUNDS)
    tracemalloc.start()
    try:
        live(a, rng, 10)
        before = memory()
        live(a, rng, ROUNDS)
        assert memory() - before < 2048
    finally:
        tracemalloc.stop()


def memory():
    """Return how many bytes the package has, but for its fakes."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces(OURS[:1]).filter_traces(OURS[1:])
    return sum(trace.size for trace in snapshot.traces)
