"""MQTT 5 with asyncio: a request and its answer."""

import asyncio

from umqtt2 import aio
from umqtt2.requests import Requests
from umqtt2.v5 import V5, Options, Topic


async def serve(client, five):
    async for message in client.messages():
        await client.publish(five.reply(message.properties), message.payload.upper())


async def scenario(device):
    five = V5()
    async with aio.MQTTClient(**device.arguments(packets=five, keepalive=30)) as client:
        granted = await client.subscribe((device.topic("down/#"), Options(1, retained=2)))
        question = Topic(device.topic("down/q"), expiry=60, response=device.topic("down/r"), correlation=b"42")
        await client.publish(question, "21.5", qos=1)
        message = await client.next(5)
        await client.publish(five.reply(message.properties), "answer", qos=1)
        answer = await client.next(5)
        service = asyncio.create_task(serve(client, five))
        asked = await Requests(client, five, device.topic("reply")).ask(device.topic("down/svc"), "one")
        service.cancel()
        correlation = answer.properties[9].decode()
        payload = answer.payload.decode()
        device.say("got", asked=asked.decode(), granted=granted, answer=payload, correlation=correlation)


def run(device):
    asyncio.run(scenario(device))
