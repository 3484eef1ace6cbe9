"""The meter: it answers questions, also while it waits for the answer to its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.examples.board import Board, wait_for_line
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.proxy import Proxy

ASK, TARIFF, MINE = "home/meter-1/ask", "home/tariff/ask", "my/answers"
HEAP_KB = 56  # an ESP32 has more
SECONDS = 60


class Other:
    """Somebody who asks the meter, and knows the tariff: a client of MQTT 5 that is not ours."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._asked = 0

    async def next(self) -> aiomqtt.Message:
        """The next message."""
        return await asyncio.wait_for(self._client.messages.__anext__(), SECONDS)

    async def ask(self, question: str) -> str:
        """Ask the meter, and return its answer."""
        self._asked += 1
        key = b"%d" % self._asked
        found = Properties(PacketTypes.PUBLISH)
        found.ResponseTopic = MINE
        found.CorrelationData = key
        await self._client.publish(ASK, question, 1, properties=found)
        answer = await self.next()
        assert str(answer.topic) == MINE and answer.properties.CorrelationData == key
        return str(bytes(answer.payload), "utf-8")  # type: ignore[arg-type]

    async def tell_the_tariff(self) -> None:
        """Wait until the meter asks; ask it something meanwhile, and answer then."""
        question = await self.next()
        assert str(question.topic) == TARIFF
        assert await self.ask("power") == "3000 W"
        asked: Any = question.properties
        found = Properties(PacketTypes.PUBLISH)
        found.CorrelationData = asked.CorrelationData
        await self._client.publish(asked.ResponseTopic, "night", properties=found)


def test_request_response(board: Board, broker: Mosquitto, make_proxy: Callable[..., Proxy]) -> None:
    proxy = make_proxy()
    board.copy("request_response.py", BROKER="localhost", PORT=proxy.port)
    board.write("analog/34", "32768")

    async def scene() -> None:
        settings = {"port": broker.port("plain"), "protocol": aiomqtt.ProtocolVersion.V5}
        async with aiomqtt.Client("127.0.0.1", identifier="other", **settings) as client:  # type: ignore[arg-type]
            await client.subscribe(TARIFF)
            await client.subscribe(MINE)
            other = Other(client)
            with board.start("request_response.py", HEAP_KB) as run:
                await other.tell_the_tariff()
                await asyncio.to_thread(wait_for_line, run, "tariff: night")
                assert (await other.ask("energy")).endswith(" Wh, tariff night")
                assert await other.ask("?") == "power or energy?"
                await client.publish(ASK, "power", 1)  # nowhere to answer to
                await asyncio.to_thread(wait_for_line, run, "nowhere to answer to: b'power'")
                proxy.block()
                asked = asyncio.create_task(other.ask("power"))
                await asyncio.sleep(0.5)
                proxy.unblock()
                assert await asked == "3000 W"

    asyncio.run(asyncio.wait_for(scene(), 4 * SECONDS))
