"""The laptop's side: what the broker sees of the device, and the commands for it."""

from __future__ import annotations

import asyncio

import aiomqtt

from tools.demo.counts import COMMANDS, Counts
from tools.demo.view import LAPTOP, View


class Laptop:
    """Shows the readings that the broker delivers and sends the commands."""

    def __init__(self, client: aiomqtt.Client, commands: str, view: View, counts: Counts) -> None:
        self.client = client
        self.commands = commands  # the topic
        self.view = view
        self.counts = counts
        self.news = asyncio.Event()

    async def listen(self) -> None:
        """Show the readings, for ever."""
        before: float | None = None
        async for message in self.client.messages:
            now = self.view.elapsed
            text = bytes(message.payload).decode(errors="replace")  # type: ignore[arg-type]
            if self.counts.take_reading(now, text):
                gap = "" if before is None else f"   {now - before:.2f} s later"
                self.view.say(LAPTOP, f"{text}   QoS {message.qos}{gap}")
                before = now
                self.news.set()
            else:
                self.view.say(LAPTOP, f"not a reading: {text!r}")

    async def command(self, seconds: float) -> None:
        """Send each command when its time has come, but none before the first message of the device."""
        await self.news.wait()
        for share, text in COMMANDS:
            await asyncio.sleep(share * seconds - self.view.elapsed)
            self.view.say(LAPTOP, f"sends: {text}", strong=True)
            await self.client.publish(self.commands, text, qos=1)
            self.counts.commands.append(self.view.elapsed)

    async def received(self, number: int, patience: float = 2) -> None:
        """Wait until that many readings have come, but not for long."""

        async def enough() -> None:
            while len(self.counts.arrivals) < number:
                self.news.clear()
                await self.news.wait()

        waiting = asyncio.create_task(enough())
        try:
            await asyncio.wait({waiting}, timeout=patience)
        finally:
            waiting.cancel()
