"""The program of `messages`, with umqtt2.aio: each message is published by a task of its own."""

import asyncio
import sys

import messages

from umqtt2 import aio
from umqtt2.errno import EFULL
from umqtt2.robust import MQTTException
from umqtt2.session.memory import MemorySession

PUBLISH = 0x30


class ReportingSession(MemorySession):
    """Prints what it accepts, because publish() of umqtt2.aio returns only after delivery."""

    program = None

    def add(self, first, topic, msg, now, timeout):
        pid = super().add(first, topic, msg, now, timeout)
        if first & 0xF0 != PUBLISH:
            print("asked", pid)
            self.program.subscriptions.append(pid)
        else:
            print("accepted", self.program.number, pid)
            self.program.number += 1
        return pid


class Program(messages.Program):
    """One task."""

    Client = aio.MQTTClient
    Session = ReportingSession
    uses_callback = False

    def __init__(self, task):
        super().__init__(task)
        self.session.program = self

    async def publish(self, qos, which):
        number = self.number
        print("begin", number)
        try:
            await self.client.publish(*self.message(qos, which))
        except MQTTException as e:
            if e.args[0] != EFULL:
                raise
            print("full", number)
            self.full = True

    async def receive(self):
        async for topic, msg, retained in self.client.messages():
            self.on_message(topic, msg, retained, False)

    def run(self):
        asyncio.run(self.main())

    async def main(self):
        task = self.task
        poller = self.begin()
        while True:
            try:
                await self.client.connect()
                break
            except (OSError, MQTTException):
                if self.timed_out():
                    return
                await asyncio.sleep(0.02)
        print("up")
        tasks = [asyncio.create_task(self.receive())]
        for qos in (1, 2):
            tasks.append(asyncio.create_task(self.client.subscribe(f"{task['prefix']}/down/{qos}", qos)))
        while not self.timed_out():
            await asyncio.sleep(0.001)
            if not self.ended and poller.poll(0):
                self.ended = sys.stdin.readline() == "end\n"
            if self.full or self.number > task["count"]:
                if self.number > task["count"] and not self.session.waiting():
                    break
            elif self.number < task["count"]:
                asyncio.create_task(self.publish(1 + self.number // 2 % 2, self.number % 2))
            elif self.ended:
                asyncio.create_task(self.publish(2, 2))
        await asyncio.sleep(0.01)
        await self.client.__aexit__(None)
        for one in tasks:
            one.cancel()
