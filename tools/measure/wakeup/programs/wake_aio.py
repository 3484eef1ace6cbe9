"""umqtt2.aio."""

import asyncio

from waking import COMMANDS, READING, TOPIC, acknowledged, arguments

from umqtt2.aio import MQTTClient


async def main(config):
    async with MQTTClient(**arguments(config, eager=config["eager"])) as c:
        if config["scenario"] == "commands":
            await asyncio.gather(c.subscribe(COMMANDS, qos=1), c.publish(TOPIC, READING, qos=1))
        else:
            await c.publish(TOPIC, READING, qos=0 if config["scenario"] == "qos0" else 1)
        if config["scenario"] != "qos0":
            acknowledged()


def wake(config):
    asyncio.run(main(config))
