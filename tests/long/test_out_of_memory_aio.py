"""Memory that runs out anywhere in `umqtt2.aio`: afterwards everything works, and nothing is lost but what was told."""

from __future__ import annotations

import asyncio

import pytest

from tests.long.injector import run_out_at_every_line
from tests.unit.aio_program import run
from umqtt2 import aio
from umqtt2.cpython import aio as waiting
from umqtt2.errno import MQTTException
from umqtt2.testing import FakeBroker

PATIENCE = 300  # seconds of the fake clock for one run: who waits longer waits for ever
TRIES = 9


class Program:
    """What a careful program does: each of its tasks tries again what has raised, and the first one begins anew when
    the client's own task has failed."""

    def __init__(self):
        self.broker = FakeBroker()
        self.client = None
        while not self.client:
            try:
                self.client = aio.MQTTClient(
                    "id", "b", transport=self.broker, clock=self.broker.clock, verbose=False, backoff=(1, 4)
                )
            except MemoryError:
                pass
        self.got = []
        self.told = 0
        self.raises = False
        on_packet = self.client.session.on_packet

        def raise_once(*packet):
            """Raise once, which ends the client's own task while others wait."""
            if self.raises:
                self.raises = False
                raise KeyError
            return on_packet(*packet)

        self.client.session.on_packet = raise_once

    async def until(self, call, *arguments):
        """Call something until it does not raise."""
        for _ in range(TRIES):
            try:
                return await call(*arguments)
            except MemoryError:
                self.told += 1
            except (MQTTException, OSError, KeyError):
                pass
            await self.connect()
        raise AssertionError(f"{call} raises for ever")

    async def connect(self):
        client = self.client
        for _ in range(TRIES):
            try:
                if not client._reconnector.enabled:
                    await client.connect()
                return
            except MemoryError:
                self.told += 1
            except (MQTTException, OSError):
                pass
        raise AssertionError("connect() raises for ever")

    async def receive(self):
        while True:
            try:
                async for _, msg, *_ in self.client.messages():
                    self.got.append(msg)
            except MemoryError:
                self.told += 1
            except KeyError:
                pass
            await asyncio.sleep(1)

    async def main(self):
        broker = self.broker
        await self.connect()
        task = asyncio.create_task(self.receive())
        await self.until(self.client.subscribe, ("cmd/#", 2))
        for qos in (0, 1, 2):
            broker.deliver("cmd/x", f"{qos}", qos=qos)
            await self.until(self.client.publish, "state", f"{qos}", False, qos)
        await self.publish_at_once("at once")
        broker.drop()
        broker.forget()
        await self.until(self.client.publish, "state", "cut", False, 1)
        await asyncio.sleep(10)
        await self.connect()
        await asyncio.sleep(10)
        for qos in (1, 2):
            broker.deliver("cmd/x", f"again {qos}", qos=qos)
        await asyncio.sleep(10)
        await self.connect()
        await asyncio.sleep(10)
        self.raises = True
        await self.publish_at_once("raised")
        await self.until(self.client.unsubscribe, "cmd/#")
        await self.until(self.client.subscribe, ("cmd/#", 1))
        await self.leave()
        task.cancel()

    async def publish_at_once(self, msg):
        calls = [self.until(self.client.publish, "state", f"{msg} {qos}", False, qos) for qos in (1, 2)]
        await asyncio.gather(*calls)

    async def leave(self):
        try:
            await self.client.disconnect()
        except MemoryError:
            await self.client.disconnect()
        await asyncio.sleep(5)

    def run(self):
        run(self.main(), self.broker.clock, PATIENCE)

    def check(self):
        broker = self.broker
        payloads = [payload for _, payload, _, _ in broker.published]
        for payload in (b"1", b"2", b"at once 1", b"at once 2", b"cut", b"raised 1", b"raised 2"):
            assert payload in payloads, payload
        for payload in (b"2", b"at once 2"):
            assert self.told or payloads.count(payload) == 1, payload
        assert self.got.count(b"2") <= 1
        missing = [message for message in (b"1", b"2", b"again 1", b"again 2") if message not in self.got]
        assert len(missing) <= self.told, missing
        assert broker.subscriptions == {b"cmd/#": 1}
        assert self.client.session.waiting() == 0
        assert not broker.is_open
        run(self.works(), broker.clock, PATIENCE)

    async def works(self):
        """All of it once more, with memory."""
        async with self.client as client:
            await client.publish("state", "afterwards", qos=2)
            self.broker.deliver("cmd/x", "afterwards", qos=2)
            async for _, msg, *_ in client.messages():
                if msg == b"afterwards":
                    break
        assert self.broker.published[-1][1] == b"afterwards"


@pytest.mark.timeout(300)
def test_memory_may_run_out_at_any_line(monkeypatch):
    monkeypatch.setattr(waiting, "NAP_MS", 500)  # fewer turns of the loop
    names = ("aio.py", "reconnect.py", "connection.py")
    raised, failures = run_out_at_every_line(names, Program)
    assert raised > 200
    assert not failures, f"{len(failures)} of {raised}:\n" + "\n".join(failures)
