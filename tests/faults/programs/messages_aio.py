"""The program of `messages`, with umqtt2.aio: each message is published by a task of its own.

A publish() that returns was accepted and delivered. What stands for a packet identifier is the message's number plus 1.
"""

import asyncio
import sys

import messages

from umqtt2 import MQTTException, aio
from umqtt2.errno import SDELIVERED
from umqtt2.session.memory import MemorySession

LONGEST_LINE = 8  # tasks that publish at a time
FIRST_REQUEST = 60000


class Program(messages.Program):
    """One task."""

    def __init__(self, task):
        self.task = task
        self.number = task["first"]  # of the next message
        self.publishing = 0
        self.ended = False
        self.session = messages.session(task, MemorySession)
        self.version, self.with_properties = messages.version(task)
        self.client = aio.MQTTClient(session=self.session, **messages.arguments(task), **self.version)

    async def publish(self, qos, which):
        number = self.number
        self.number += 1
        self.publishing += 1
        print("begin", number)
        topic, payload, retain, qos = self.message(qos, which, number)
        await self.client.publish(topic, payload, retain, qos)
        self.publishing -= 1
        print("accepted", number, number + 1)
        print("status", number + 1, SDELIVERED)

    async def subscribe(self):
        for qos in (1, 2):
            print("asked", FIRST_REQUEST + qos)
            options = messages.subscription(self.task, qos)
            await self.client.subscribe((f"{self.task['prefix']}/down/{qos}", options))
            print("status", FIRST_REQUEST + qos, SDELIVERED)
        print("ready")

    async def receive(self):
        async for message in self.client.messages():
            if self.version:
                messages.check_properties(message.topic, message.properties)
            print("got", message.topic.decode().rsplit("/", 1)[1], message.payload.decode())

    async def watch(self):
        while True:
            await self.client.up.wait()
            print("up")
            await self.client.down.wait()
            print("down", repr(self.client.last_error))

    def run(self):
        asyncio.run(self.main())

    async def main(self):
        poller = self.begin()
        while True:
            try:
                await self.client.connect()
                break
            except (OSError, MQTTException):
                if self.timed_out():
                    return
                await asyncio.sleep(0.02)
        tasks = [asyncio.create_task(one()) for one in (self.watch, self.receive, self.subscribe)]
        try:
            await self.work(poller, tasks)
        finally:
            await self.client.disconnect()
            for one in tasks:
                one.cancel()

    async def work(self, poller, tasks):
        count = self.task["count"]
        while not self.timed_out():
            await asyncio.sleep(0.001)
            for one in tasks:
                if one.done():
                    await one  # raises what ended it
                    tasks.remove(one)
                    break
            if not self.ended and poller.poll(0):
                self.ended = sys.stdin.readline() == "end\n"
            if self.publishing == LONGEST_LINE:
                pass
            elif self.number < count:
                tasks.append(asyncio.create_task(self.publish(1 + self.number // 2 % 2, self.number % 2)))
            elif self.number == count and self.ended:
                tasks.append(asyncio.create_task(self.publish(2, 2)))
            elif self.number > count and not self.publishing:
                break
