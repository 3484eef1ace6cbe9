"""Cancel what waits in umqtt2.aio after every number of turns of the loop, then use the client normally."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.aio_program import turns
from tests.unit.aio_server import Served, loops, run_on
from umqtt2 import MQTTException

MANY = 500


async def cancelled_after(k, coroutine):
    """Run it, and cancel it after `k` turns; return whether it had ended before, and what it returned."""
    task = asyncio.ensure_future(coroutine)
    await turns(k)
    if not task.cancel():
        return True, await task
    with pytest.raises(asyncio.CancelledError):
        await task
    return False, None


async def iterate(client):
    async for message in client.messages():
        return message


async def block(client):
    async with client:
        await client.publish("block", "m", qos=1)


async def leave(client):
    async with client:
        pass


class Sweep:
    """Each method does one thing, cancels it, and looks whether the client works."""

    def __init__(self, broker):
        self.broker = broker
        self.client = broker.client()
        self.got = []

    async def connected(self):
        if not self.client._task:
            await self.client.connect()

    async def check(self, k):
        """Use it normally."""
        client = self.client
        await self.connected()
        assert await client.subscribe("in/#", qos=2) == 2
        for qos in (0, 1, 2):
            await client.publish("check", f"{k} {qos}", qos=qos)
        published = [payload for topic, payload, _, _ in self.broker.published if topic == b"check"]
        assert published[-2:] == [b"%d 1" % k, b"%d 2" % k]
        self.broker.deliver("in/x", f"check {k}", 2)
        while not self.got or self.got[-1] != b"check %d" % k:
            self.got.append((await client.next(20)).payload)
        assert not client._waiting and not client._line

    async def end(self):
        await self.client.disconnect()
        assert self.client.session.waiting() == 0
        assert len(self.got) == len(set(self.got))

    async def connect(self, k):
        await self.client.disconnect()
        return (await cancelled_after(k, self.client.connect()))[0]

    async def block(self, k):
        await self.client.disconnect()
        ended = (await cancelled_after(k, block(self.client)))[0]
        assert not self.client._task and not self.client.connection.state
        return ended

    async def leave(self, k):
        await self.client.disconnect()
        ended = (await cancelled_after(k, leave(self.client)))[0]
        assert not self.client._task and not self.client.connection.state
        return ended

    async def disconnect(self, k):
        await self.connected()
        ended = (await cancelled_after(k, self.client.disconnect()))[0]
        if k:
            assert not self.client._task and not self.client.connection.state
        return ended

    async def publish(self, k, qos):
        await self.connected()
        ended = (await cancelled_after(k, self.client.publish("swept", str(k), qos=qos)))[0]
        if qos and k:  # it was taken: delivered it is
            for _ in range(2000):
                if not self.client.session.waiting():
                    break
                await asyncio.sleep(0.005)
            swept = [payload for topic, payload, _, _ in self.broker.published if topic == b"swept"]
            assert swept.count(b"%d" % k) == 1
        return ended

    async def publish_0(self, k):
        return await self.publish(k, 0)

    async def publish_1(self, k):
        return await self.publish(k, 1)

    async def publish_2(self, k):
        return await self.publish(k, 2)

    async def publish_in_line(self, k):
        await self.connected()
        others = [asyncio.ensure_future(self.client.publish("other", f"{k} {i}", qos=1)) for i in range(25)]
        await turns(1)
        ended = (await cancelled_after(k, self.client.publish("swept", str(k), qos=2)))[0]
        await asyncio.gather(*others)
        return ended

    async def publish_large(self, k):
        await self.connected()
        return (await cancelled_after(k, self.client.publish("large", bytearray(300000), qos=0)))[0]

    async def subscribe(self, k):
        await self.connected()
        await self.client.unsubscribe("a", "b")
        ended = (await cancelled_after(k, self.client.subscribe("a", ("b", 1))))[0]
        assert await self.client.subscribe("a", ("b", 1)) == (0, 1)
        assert self.broker.subscriptions[b"b"] == 1
        return ended

    async def unsubscribe(self, k):
        await self.connected()
        await self.client.subscribe("a", "b")
        ended = (await cancelled_after(k, self.client.unsubscribe("a", "b")))[0]
        await self.client.unsubscribe("a", "b")
        assert b"a" not in self.broker.subscriptions
        return ended

    async def take(self, k, coroutine, qos):
        ended, message = await cancelled_after(k, coroutine)
        self.got += [message.payload] if message else []
        while b"take %d" % k not in self.got:
            self.got.append((await self.client.next(20)).payload)
        return ended

    async def next(self, k):
        await self.connected()
        self.broker.deliver("in/x", f"take {k}", 2)
        return await self.take(k, self.client.next(), 2)

    async def next_with_a_limit(self, k):
        await self.connected()
        self.broker.deliver("in/x", f"take {k}", 1)
        return await self.take(k, self.client.next(20), 1)

    async def iterate(self, k):
        await self.connected()
        self.broker.deliver("in/x", f"take {k}", 2)
        return await self.take(k, iterate(self.client), 2)

    async def connect_now(self, k):
        await self.connected()
        self.client._reconnector.backoff.pause_ms = lambda error: 100000
        self.broker.drop()
        await self.client.down.wait()
        ended = (await cancelled_after(k, self.client.connect_now()))[0]
        while not await self.client.connect_now():
            pass
        return ended


WHAT = [name for name in vars(Sweep) if name[0] != "_" and name not in ("connected", "check", "end", "take", "publish")]


@loops
@pytest.mark.parametrize("what", WHAT)
def test_cancelled_after_any_number_of_turns(what, loop):
    async def main():
        async with Served() as broker:
            sweep = Sweep(broker)
            for k in range(MANY):
                ended = await getattr(sweep, what)(k)
                await sweep.check(k)
                if ended:
                    break
            else:
                raise AssertionError("it never ends by itself")
            await sweep.end()

    run_on(loop, main())


@loops
@pytest.mark.parametrize("k", range(0, 40, 3))
def test_cancelled_while_the_broker_is_away(k, loop):
    async def main():
        async with Served() as broker:
            broker.away = True
            client = broker.client()
            task = asyncio.ensure_future(client.connect())
            await turns(k)
            task.cancel()
            with pytest.raises((asyncio.CancelledError, OSError, MQTTException)):
                await task
            broker.away = False
            async with client:
                await client.publish("t", "m", qos=1)

    run_on(loop, main())
