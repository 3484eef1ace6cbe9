"""A greenhouse with asyncio: it measures, opens and shuts its window, and blinks, all at once.

Copy this file to the board as main.py, and what `make device PROFILE=full` builds to its lib folder.
Wi-Fi is started in boot.py, as usual.

    home/greenhouse-1/moisture    a reading every INTERVAL seconds, in percent
    home/greenhouse-1/window/set  "open" or "shut"
    home/greenhouse-1/window      what it is, retained
"""

import asyncio

from machine import ADC, Pin

from umqtt2 import MQTTException
from umqtt2.aio import MQTTClient

BROKER = "broker.example.org"
PORT = 1883
CLIENT_ID = "greenhouse-1"  # no two clients of a broker may have the same
TOPIC = "home/greenhouse-1/"

INTERVAL = 60  # seconds from one reading to the next
BLINK = 0.5  # seconds

SENSOR = ADC(Pin(34))
WINDOW = Pin(4, Pin.OUT, value=0)
LED = Pin(2, Pin.OUT, value=0)


async def measure(client):
    """Publish readings. Without a network one of them waits until there is one, and then come new ones."""
    while True:
        moisture = SENSOR.read_u16() * 100 // 65535
        await client.publish(TOPIC + "moisture", str(moisture), qos=1)
        await asyncio.sleep(INTERVAL)


async def obey(client):
    """Do what the messages say."""
    await client.subscribe(TOPIC + "window/set", qos=1)  # once: it is renewed where the broker forgets it
    async for message in client.messages():  # each is acknowledged when the next one is asked for
        word = message.payload
        if word in (b"open", b"shut"):
            WINDOW.value(word == b"open")
            await client.publish(TOPIC + "window", word, retain=True, qos=1)
        else:
            print("neither open nor shut:", word)


async def blink():
    """Show that nothing here waits for anything else."""
    while True:
        LED.value(not LED.value())
        await asyncio.sleep(BLINK)


async def main():
    asyncio.create_task(blink())
    while True:
        try:
            async with MQTTClient(CLIENT_ID, BROKER, PORT, keepalive=30) as client:
                await asyncio.gather(measure(client), obey(client))
        except (OSError, MQTTException) as e:
            # There was no first connection. One that is lost later is made again by the client.
            print("not connected: %r" % e)
            await asyncio.sleep(5)


asyncio.run(main())
