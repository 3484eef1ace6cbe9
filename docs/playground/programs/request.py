# A meter, and a display that asks it: two clients.
import asyncio

from umqtt2.aio import MQTTClient
from umqtt2.requests import Requests
from umqtt2.v5 import V5


async def meter():
    five = V5()
    async with MQTTClient("meter-1", "broker.local", packets=five) as client:
        await client.subscribe("meter/ask", qos=1)
        ready.set()
        watts = 230
        async for message in client.messages():
            print("Asked for", message.payload.decode())
            to = five.reply(message.properties)  # where the display waits for the answer
            if to:
                await client.publish(to, "%d W" % watts)
            watts += 11


async def display():
    five = V5()
    async with MQTTClient("display-1", "broker.local", packets=five) as client:
        requests = Requests(client, five, "display-1/answers")
        while True:
            try:
                answer = await requests.ask("meter/ask", "power")
                print("  answer:", answer.decode())
            except asyncio.TimeoutError:
                print("  no answer")
            await asyncio.sleep(4)


async def main():
    task = asyncio.create_task(meter())
    await ready.wait()
    await asyncio.gather(task, display())


ready = asyncio.Event()
asyncio.run(main())
