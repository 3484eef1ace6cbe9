"""Publish with the client for asyncio that was installed, at QoS 1: port, topic and, for TLS, the CA's file."""

import asyncio
import sys

from umqtt2 import aio

port, topic = sys.argv[1:3]
params = {"cadata": sys.argv[3]} if len(sys.argv) > 3 else None


async def main():
    async with aio.MQTTClient("installed", "localhost", int(port), ssl=params is not None, ssl_params=params) as client:
        await client.publish(topic, aio.__file__, qos=1)


asyncio.run(main())
