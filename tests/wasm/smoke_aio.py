"""The same with umqtt2.aio: asyncio on WebAssembly has no sockets, nor what waits for them."""

import asyncio

from umqtt2 import MQTTException
from umqtt2.aio import MQTTClient
from umqtt2.errno import EBUSY, ECONCLOSE, ECONNOT
from umqtt2.testing import FakeBroker

assert not hasattr(asyncio.core, "_io_queue")


async def fails(number, coroutine):
    try:
        await coroutine
    except MQTTException as e:
        assert e.args[0] == number, e
    else:
        raise AssertionError("no exception")


async def main():
    broker = FakeBroker()
    will = ("will", "gone", True, 1)
    client = MQTTClient("id", "b", transport=broker, clock=broker.clock, will=will, backoff=(0.01, 0.02), verbose=False)
    async with client:
        await fails(EBUSY, client.connect())
        assert await client.subscribe("a/#", ("b", 2), qos=1) == (1, 2)
        for qos in (0, 1, 2):
            await client.publish("up", b"%d" % qos, qos=qos)
            broker.deliver("a/b", b"%d" % qos, qos=qos)
            message = await client.next(5)
            assert message == (b"a/b", b"%d" % qos, False, qos, False), message
        try:
            await client.next(0.01)
        except asyncio.TimeoutError:
            pass
        assert [m[1] for m in broker.published] == [b"0", b"1", b"2"]
        while broker.acknowledged != [1, 2]:
            await asyncio.sleep(0.01)

        # Several tasks at once, and a connection that is lost.
        tasks = [asyncio.create_task(client.publish("up", b"x%d" % i, qos=1 + i % 2)) for i in range(30)]
        broker.drop()
        for task in tasks:
            await task
        published = [message[1] for message in broker.published]
        missing = [i for i in range(30) if b"x%d" % i not in published]
        assert not missing, missing
        while not client.last_error:  # all may be acknowledged before the loss is seen
            await asyncio.sleep(0.01)
        assert client.last_error.args[0] == ECONCLOSE, client.last_error
        await client.up.wait()
    assert broker.disconnected
    await fails(ECONNOT, client.publish("up", b""))
    print("done")
