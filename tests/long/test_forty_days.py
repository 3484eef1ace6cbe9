"""Forty days of each pattern of traffic: the clock of a board wraps every 12.4 days, and half of that is the longest
time that two of its stamps can be apart."""

from __future__ import annotations

import asyncio
import math
import random
import selectors

import pytest

from tests.unit.program import App
from umqtt2 import MQTTClient, MQTTException, aio, errno, robust
from umqtt2.testing import FakeBroker, FakeClock

DAY = 86400 * 1000
KEEPALIVE = 600 * 1000
MESSAGE_TIMEOUT = 30 * 1000
PERIODS = [10000, 60000, 180000, 180000, 180000, 180000, 180000]
UNIT = 64  # what the client counts time in
LATE = 3 * UNIT


class Clock(FakeClock):
    """Knows how much time has passed in all."""

    total = 0

    def advance(self, ms):
        self.total += ms
        super().advance(ms)


class Watched(FakeBroker):
    """Notes when packets come, and may fall silent, or deaf to what is not a ping."""

    deaf = False
    last = 0
    longest = 0  # between two packets of the client

    def _answer(self, first, body):
        now = self.clock.total
        if first != 0x10:
            self.longest = max(self.longest, now - self.last)
        self.last = now
        self.sent.clear()
        self.writes.clear()
        if not self.deaf or first in (0x10, 0xC0):
            super()._answer(first, body)
        if len(self.published) > 1000:
            del self.published[:]


class Life:
    """A program that looks every 10 s to 3 minutes, and checks what its client does."""

    def __init__(self, make, pattern, seed):
        self.rng = random.Random(seed)
        self.pattern = pattern
        options = {"verbose": False} if make is robust.MQTTClient else {}
        self.a = App(
            Watched(clock=Clock(self.rng.randrange(1 << 30))), make, keepalive=KEEPALIVE // 1000,
            message_timeout=MESSAGE_TIMEOUT // 1000, **options,
        )  # fmt: skip
        self.client = self.a.client
        self.broker = self.a.transport
        self.clock = self.a.clock
        self.delivered = self.given = 0
        self.lost_at = None
        self.client.connect(True)

    def end(self):
        self.client.disconnect()
        assert self.broker.disconnected

    def look(self):
        try:
            while self.client.check_msg():
                pass
        except MQTTException as e:
            self.error = e
        if not self.client.connection.state:
            self.lost_at = self.lost_at or self.clock.total

    def step(self, traffic=True):
        period = self.rng.choice(PERIODS)
        if traffic:
            self.traffic()
        self.look()
        self.clock.advance(period)
        return period

    def traffic(self):
        busy = self.pattern != "bursts" or self.rng.random() < 0.01
        for _ in range(10 if self.pattern == "bursts" else 1):
            if busy and self.pattern != "idle":
                if self.pattern != "in":
                    self.publish()
                if self.pattern != "out":
                    self.broker.deliver("t", "m", self.rng.randrange(2))
                    self.given += 1

    def publish(self):
        qos = self.rng.randrange(2)
        self.client.publish("t", "m", qos=qos)
        self.delivered += qos

    def live(self, ms):
        """Let time pass with everything in order."""
        end = self.clock.total + ms
        statuses = len(self.a.statuses)
        while self.clock.total < end:
            self.step()
        self.look()
        assert self.lost_at is None, self.client.connection
        assert self.broker.longest <= KEEPALIVE
        assert [s for s in self.a.statuses[statuses:] if s[1] != errno.SDELIVERED] == []
        assert len(self.a.statuses) == self.delivered
        assert len(self.a.messages) == self.given
        del self.a.messages[:]
        del self.a.statuses[:]
        self.delivered = self.given = 0

    def fall_silent(self):
        """The broker is not heard any more: noticed within a keepalive, and one look."""
        self.broker.silent = True
        begin = self.clock.total
        while self.lost_at is None:
            # Something is sent all the time, which a broker that is gone does not answer.
            if self.pattern in ("out", "both"):
                self.client.publish("t", "m")
            period = 30000
            self.look()
            self.clock.advance(period)
            assert self.clock.total - begin < 3 * KEEPALIVE
        assert KEEPALIVE // 2 - period < self.lost_at - begin <= KEEPALIVE + period + LATE
        error = getattr(self.client, "last_error", None) or self.error
        assert error.args[0] == errno.EKEEPALIVE
        self.broker.silent = False
        self.reconnect()

    def reconnect(self):
        if isinstance(self.client, robust.MQTTClient):
            # After a connection that lasted the first pauses are short.
            for _ in range(30):
                self.clock.advance(100)
                self.client.check_msg()
            assert self.client.is_connected()
        else:
            self.client.connect(True)
        self.lost_at = None
        self.broker.last = self.clock.total
        self.broker.longest = 0

    def stay_unanswered(self):
        """A request is not answered: the status comes in time, and the connection stays."""
        self.broker.deaf = True
        begin = self.clock.total
        pid = self.client.subscribe("t", 1)
        self.clock.advance(MESSAGE_TIMEOUT - 2000)
        self.look()
        assert self.a.statuses == []
        self.clock.advance(2000 + LATE)
        self.look()
        assert self.a.statuses == [(pid, errno.STIMEOUT)], self.clock.total - begin
        assert self.client.connection.state
        self.a.statuses.clear()
        self.broker.deaf = False


class Pollable(Watched):
    """An event loop can watch it."""

    @property
    def pollable(self):
        return self

    def fileno(self):
        return FD


FD = 1000000  # no file has it


class FakeSelector(selectors.BaseSelector):
    """Lets the fake clock go on where another one waits. Whatever is registered but the broker is never ready."""

    def __init__(self, broker):
        self._broker = broker
        self._keys = {}

    def register(self, file, events, data=None):
        fd = file if isinstance(file, int) else file.fileno()
        self._keys[fd] = key = selectors.SelectorKey(file, fd, events, data)
        return key

    def unregister(self, file):
        return self._keys.pop(file if isinstance(file, int) else file.fileno())

    def get_map(self):
        return self._keys

    def select(self, timeout=None):
        key = self._keys.get(FD)
        ready = 0
        if key:
            ready = key.events & selectors.EVENT_WRITE
            if self._broker.incoming or self._broker.ended:
                ready |= key.events & selectors.EVENT_READ
        if ready:
            return [(key, ready)]
        assert timeout is not None, "nothing will ever happen"
        self._broker.clock.advance(math.ceil(max(0, timeout) * 1000))
        return []


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of a broker's clock."""

    def __init__(self, broker):
        super().__init__(FakeSelector(broker))
        self._clock = broker.clock

    def time(self):
        return self._clock.total / 1000


class AsyncLife(Life):
    """The same with `umqtt2.aio`: the client looks by itself, and the program lets time pass."""

    def __init__(self, make, pattern, seed):
        self.rng = random.Random(seed)
        self.pattern = pattern
        self.broker = Pollable(clock=Clock(self.rng.randrange(1 << 30)))
        self.clock = self.broker.clock
        self.loop = FakeTimeLoop(self.broker)
        self.a = self  # has what App has
        self.messages = []
        self.statuses = []
        self.client = make(
            "id", "broker", transport=self.broker, clock=self.clock, keepalive=KEEPALIVE // 1000,
            message_timeout=MESSAGE_TIMEOUT // 1000, verbose=False,
        )  # fmt: skip
        self.delivered = self.given = 0
        self.lost_at = None
        self.tasks = set()
        self.run(self.client.connect())
        self.begin(self.read())
        self.watching = self.loop.create_task(self.watch())

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def begin(self, coroutine):
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task):
        self.tasks.remove(task)
        task.result()

    async def read(self):
        async for message in self.client.messages():
            self.messages.append(message)

    async def watch(self):
        while True:
            await self.client.down.wait()
            self.lost_at = self.clock.total
            self.error = self.client.last_error
            await self.client.up.wait()

    def look(self):
        self.run(asyncio.sleep(0.001))

    def step(self, traffic=True):
        if traffic:
            self.traffic()
        self.run(asyncio.sleep(self.rng.choice(PERIODS) / 1000))

    def publish(self):
        qos = self.rng.randrange(2)
        self.begin(self.send(qos))
        self.delivered += qos

    async def send(self, qos):
        await self.client.publish("t", "m", qos=qos)
        if qos:
            self.statuses.append((0, errno.SDELIVERED))

    def fall_silent(self):
        """It is noticed within a keepalive."""
        self.broker.silent = True
        begin = self.clock.total
        while self.lost_at is None:
            if self.pattern in ("out", "both"):
                self.begin(self.client.publish("t", "m"))
            self.run(asyncio.sleep(1))
            assert self.clock.total - begin < 3 * KEEPALIVE
        assert KEEPALIVE // 2 - LATE < self.lost_at - begin <= KEEPALIVE + LATE
        assert self.error.args == (errno.EKEEPALIVE,)
        self.broker.silent = False
        for _ in range(30):
            self.run(asyncio.sleep(0.5))
        assert self.client.is_connected()
        self.lost_at = None
        self.broker.longest = 0
        self.broker.last = self.clock.total

    def stay_unanswered(self):
        self.broker.deaf = True
        begin = self.clock.total
        with pytest.raises(MQTTException) as caught:
            self.run(self.client.subscribe("t", qos=1))
        assert caught.value.args == (errno.ECONTIMEOUT,)
        # Who waits for an acknowledgement looks twice a second.
        assert MESSAGE_TIMEOUT <= self.clock.total - begin <= MESSAGE_TIMEOUT + 500 + LATE
        assert self.client.is_connected()
        self.broker.deaf = False

    def end(self):
        self.watching.cancel()
        self.run(self.client.__aexit__(None))
        self.look()
        assert not self.tasks
        assert self.broker.disconnected
        self.loop.close()


def lives(make, pattern):
    return (AsyncLife if make is aio.MQTTClient else Life)(make, pattern, 1)


@pytest.mark.parametrize("pattern", ["out", "in", "both", "idle", "bursts"])
@pytest.mark.parametrize(
    "make", [MQTTClient, robust.MQTTClient, aio.MQTTClient], ids=["plain", "robust", "aio"]
)
def test_forty_days(make, pattern):
    life = lives(make, pattern)
    total = 0
    # Silence after times of every length, around a half and a whole period of the clock, too.
    for days in (0.1, 0.9, 6.1, 6.3, 12.5, 1, 7, 6.5):
        life.live(int(days * DAY))
        life.stay_unanswered()
        life.fall_silent()
        total += days
    assert total >= 40
    life.end()


@pytest.mark.parametrize("make", [MQTTClient, robust.MQTTClient], ids=["plain", "robust"])
@pytest.mark.parametrize("seconds", [(1 << 29) / 1000, 3600 * 24 * 20, 4000000])
def test_a_message_timeout_may_be_as_long_as_weeks(make, seconds):
    broker = FakeBroker(clock=Clock(1 << 29))
    a = App(broker, make, keepalive=0, message_timeout=seconds)
    a.client.connect()
    answer = broker._answer
    broker._answer = lambda first, body: None
    pid = a.client.subscribe("t")
    while not a.statuses:
        a.clock.advance(1000 * 1000)
        a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]
    assert seconds * 1000 <= a.clock.total <= (seconds + 1000) * 1000 + LATE
    broker._answer = answer
    pid = a.client.subscribe("t")
    a.client.check_msg()
    assert a.statuses[1:] == [(pid, errno.SDELIVERED)]


@pytest.mark.parametrize("make", [MQTTClient, robust.MQTTClient], ids=["plain", "robust"])
def test_a_program_that_does_not_look_for_weeks_goes_on(make):
    a = App(FakeBroker(clock=Clock()), make, keepalive=60)
    a.client.connect()
    for _ in range(3):
        for days in (5, 6.3, 9, 12.5, 13, 40):
            a.clock.advance(int(days * DAY))
            a.client.check_msg()
            pid = a.client.publish("t", "m", qos=1)
            a.client.check_msg()
            a.client.check_msg()
            assert a.statuses[-1] == (pid, errno.SDELIVERED)
