"""`umqtt2.aio` while there is little memory for some milliseconds; after each time the client must work again.

It is told `sizes`: for each of them all is done once, with so many bytes that are free, in one piece.
"""

import asyncio
import gc

from aio_runner import make
from out_of_memory import Transport, fill, release
from transports import transport_of

from umqtt2 import MQTTException

TIMEOUT = 20
LITTLE_MEMORY_MS = 12
PAUSE_MS = 2
PAYLOADS = [bytes([i]) for i in range(20)]


class Program:
    """A careful program: each of its tasks tries again what has raised.

    arrived  how often the message with each number did
    told     how often the program was told of the last thing done that there is no memory: by a MemoryError, or in
             `dropped`
    raised   how often in all
    """

    def __init__(self, device):
        self.topic = device.topic("a")
        self.transport = Transport(transport_of(device))
        self.client = make(
            device, transport=self.transport, socket_timeout=2, verbose=False, backoff=(0.01, 0.02)
        )
        self.arrived = bytearray(len(PAYLOADS))
        self.number = 0
        self.told = 0
        self.raised = 0

    async def receive(self):
        while True:
            try:
                async for message in self.client.messages():
                    self.arrived[message.payload[0]] += 1
            except MemoryError:
                self.told += 1
            except (MQTTException, OSError):
                pass
            await asyncio.sleep_ms(PAUSE_MS)

    async def publish(self, number, qos):
        """Publish a message, as often as that raises, and wait until it has arrived."""
        done = False
        while not done:
            try:
                await self.client.publish(self.topic, PAYLOADS[number], False, qos)
                done = True
            except MemoryError:
                self.told += 1
            except (MQTTException, OSError):
                pass
            if not done:
                await asyncio.sleep_ms(PAUSE_MS)
        while qos and not self.arrived[number] and not self.told and not self.client.dropped:
            await asyncio.sleep_ms(PAUSE_MS)

    async def with_little_memory(self, free, qos):
        """Publish, or only wait, with so many bytes that are free; then see that all works."""
        self.number += 2
        task = None if qos is None else asyncio.create_task(self.publish(self.number, qos))
        fill(free)
        await asyncio.sleep_ms(LITTLE_MEMORY_MS)
        release()
        if task:
            await task
        self.raised += self.told + self.client.dropped
        self.told = self.client.dropped = 0
        await self.publish(self.number + 1, 1)

    async def run(self, free):
        """Do everything once, with so many bytes that are free."""
        self.number = self.raised = 0
        for i in range(len(PAYLOADS)):
            self.arrived[i] = 0
        for qos in (0, 1, 2):
            await self.with_little_memory(free, qos)
        self.transport.cut = True
        await self.with_little_memory(free, None)
        await self.with_little_memory(free, None)


async def main(device):
    program = Program(device)
    await program.client.connect()
    task = asyncio.create_task(program.receive())
    await program.client.subscribe(program.topic, qos=2)
    raised = []
    for free in device.config["sizes"]:
        await asyncio.wait_for(program.run(free), TIMEOUT)
        raised.append(program.raised)
        gc.collect()
    task.cancel()
    await program.client.disconnect()
    device.say("raised", raised=raised)


def run(device):
    asyncio.run(main(device))
