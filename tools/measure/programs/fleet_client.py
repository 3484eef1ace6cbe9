"""One client of the fleet: publishes a number every 100 ms until it gets a line. It runs on a VM and on CPython.

fleet_client.main(kind, name, ports): kind is "robust" or "asyncio"
"""

import select
import sys
import time

from umqtt2 import MQTTException

EVERY = 0.1  # seconds
LOOKS = 10  # in that time
line = select.poll()
line.register(sys.stdin, select.POLLIN)


def robust(name, servers):
    from umqtt2.robust import MQTTClient

    client = MQTTClient(name, servers, keepalive=10, verbose=False)
    client.set_callback_connection(lambda up: print("up" if up else "down", client.port))
    client.connect()
    count = 0
    while not line.poll(0):
        try:
            client.publish("readings/" + name, f"{name} {count}", qos=1)
            count += 1
        except MQTTException:
            pass  # the store is full: this number is published later
        for _ in range(LOOKS):
            client.check_msg()
            time.sleep(EVERY / LOOKS)
    while client.session.waiting():
        client.check_msg()
        time.sleep(EVERY / LOOKS)
    print("published", count)
    client.disconnect()


def asynchronous(name, servers):
    import asyncio

    from umqtt2.aio import MQTTClient

    async def watch(client):
        while True:
            await client.up.wait()
            print("up", client.port)
            await client.down.wait()
            print("down", client.port)

    async def main():
        count = 0
        async with MQTTClient(name, servers, keepalive=10, verbose=False) as client:
            watching = asyncio.create_task(watch(client))
            while not line.poll(0):
                await client.publish("readings/" + name, f"{name} {count}", qos=1)
                count += 1
                await asyncio.sleep(EVERY)
            print("published", count)
            watching.cancel()

    asyncio.run(main())


def main(kind, name, ports):
    servers = [("127.0.0.1", port) for port in ports]
    (robust if kind == "robust" else asynchronous)(name, servers)
