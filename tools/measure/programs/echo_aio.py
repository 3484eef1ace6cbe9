"""The echo program with umqtt2.aio."""

import asyncio
import sys

from umqtt2 import MQTTClient


async def main():
    params = None
    if len(sys.argv) > 3:
        with open(sys.argv[3], "rb") as file:
            # 2 is CERT_REQUIRED.
            params = {"cadata": file.read(), "cert_reqs": 2, "server_hostname": "localhost"}
    port = int(sys.argv[1])
    # Each run gets the first message once, so the session must not outlive it.
    options = {"ssl": params is not None, "ssl_params": params, "clean_session": True}
    async with MQTTClient("sizes", "localhost", port, None, None, 0, **options) as c:
        await c.subscribe("sizes/down", qos=1)
        left = int(sys.argv[2])
        async for message in c.messages():
            await c.publish("sizes/up", message.payload, False, 1)
            left -= 1
            if not left:
                break


asyncio.run(main())
