"""Cancel whatever waits, after each number of turns of the event loop; afterwards the client works as ever."""

import asyncio

from aio_runner import TIMEOUT, make

from umqtt2 import MQTTException


class Sweep:
    def __init__(self, device):
        self.device = device
        self.up = device.topic("up")
        self.echo = device.topic("echo")
        self.number = 0
        self.cancelled = 0
        self.client = make(device, backoff=(0.01, 0.05))

    async def works(self):
        """See that a message comes round, in its order."""
        client = self.client
        self.number += 1
        text = b"%d" % self.number
        await client.subscribe(self.echo, qos=1)
        await client.publish(self.echo, text, qos=1)
        message = await client.next()
        while message.payload != text:
            if message.payload.isdigit() and int(message.payload) > self.number:
                raise RuntimeError("got %s instead of %s" % (message.payload, text))
            message = await client.next()

    async def cancel(self, coroutine, turns):
        """Cancel a coroutine after so many turns; return whether it had ended before."""
        task = asyncio.create_task(coroutine)
        for _ in range(turns):
            await asyncio.sleep(0)
        ended = task.done()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            self.cancelled += not ended
        except asyncio.TimeoutError:
            pass  # MicroPython's wait_for loses a cancellation that comes just when the time is over
        else:
            if not ended:
                raise RuntimeError("it went on")
        return ended

    def state(self):
        """Return what the client waits for, for who looks for the fault."""
        client = self.client
        if not hasattr(client, "connection"):
            return "this build has other names for what it waits for"
        connection = client.connection
        return "state %d, %d bytes to send, %d kept, waiting for %s, %d in the queue, %d given, heard of %d ms ago" % (
            connection.state,
            connection.pending,
            client.session.waiting(),
            [event.pid for event in client._waiting],
            len(client._queue),
            len(client._given),
            connection.now() - connection.last_in << 6,
        )

    async def within(self, make_one, turns):
        async with self.client:
            connection = getattr(self.client, "connection", None)  # the build `aio` has another name for it
            if connection:
                # TCP_NODELAY, which has no name on each port: nothing waits for TCP's acknowledgements.
                connection.transport.pollable.setsockopt(6, 1, 1)
            # In a task of its own: one that keeps a message holds up the acknowledgements of all that come after it,
            # and the broker sends no more than 20 without.
            await asyncio.wait_for(self.works(), TIMEOUT)
            for number in turns:
                ended = await self.cancel(make_one(), number)
                try:
                    await asyncio.wait_for(self.works(), TIMEOUT)
                except asyncio.TimeoutError:
                    raise RuntimeError("after %d turns: %s" % (number, self.state()))
                if ended:
                    break

    async def block(self):
        async with self.client:
            await self.works()

    async def around(self, turns):
        for number in turns:
            ended = await self.cancel(self.block(), number)
            try:
                await self.client.publish(self.up, b"x")
                raise RuntimeError("it was not left")
            except MQTTException:
                pass
            await asyncio.wait_for(self.block(), TIMEOUT)
            if ended:
                break

    async def run(self, turns):
        client = self.client
        large = bytes(1500)
        for make_one in (
            lambda: client.publish(self.up, b"0"),
            lambda: client.publish(self.up, b"1", qos=1),
            lambda: client.publish(self.up, b"2", qos=2),
            lambda: client.publish(self.up, large),
            lambda: client.publish(self.up, large, qos=1),
            lambda: client.subscribe(self.up + "x", (self.up + "y", 1)),
            lambda: client.unsubscribe(self.up + "x"),
            lambda: client.next(0.02),
            lambda: asyncio.wait_for(client.next(), 0.02),
            self.works,
            client.connect_now,
        ):
            await self.within(make_one, turns)
        await self.around(turns)
        self.device.say("swept", cancelled=self.cancelled)


def run(device):
    asyncio.run(Sweep(device).run(device.config["turns"]))
