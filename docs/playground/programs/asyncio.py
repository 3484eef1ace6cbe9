# One task measures, one obeys: publish to lamp/set, below.
import asyncio

from umqtt2.aio import MQTTClient


async def measure(client):
    degrees = 20
    while True:
        await client.publish("room/temperature", str(degrees), qos=1)
        print("Measured", degrees)
        degrees = 20 + (degrees + 3) % 7
        await asyncio.sleep(5)


async def obey(client):
    await client.subscribe("lamp/set", qos=1)
    async for message in client.messages():
        print("The lamp is", message.payload.decode())
        await client.publish("lamp", message.payload, retain=True, qos=1)


async def main():
    async with MQTTClient("room-1", "broker.local", keepalive=30) as client:
        print("Connected.")
        await asyncio.gather(measure(client), obey(client))


asyncio.run(main())
