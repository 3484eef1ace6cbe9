"""One client of the fleet: publishes a number every 100 ms until a file is there. It runs on a VM and on CPython.

fleet_client.main(kind, name, ports, stop): kind is "robust" or "asyncio"
"""

import os

try:
    from umqtt2.cpython import clock as time  # on CPython
except ImportError:
    import time

from umqtt2 import MQTTException

EVERY_MS = 100


def stopped(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def robust(name, servers, stop):
    from umqtt2.robust import MQTTClient

    client = MQTTClient(name, servers, keepalive=10, verbose=False)
    client.set_callback_connection(lambda up: print("up" if up else "down", client.port))
    client.connect()
    count = 0
    due = time.ticks_ms()
    while not stopped(stop) or client.session.waiting():
        if time.ticks_diff(due, time.ticks_ms()) <= 0 and not stopped(stop):
            try:
                client.publish("readings/" + name, f"{name} {count}", qos=1)
                count += 1
            except MQTTException:
                pass  # the store is full: this number is published later
            due = time.ticks_add(time.ticks_ms(), EVERY_MS)
        client.check_msg()
        time.sleep_ms(10)
    print("published", count)
    client.disconnect()


def asynchronous(name, servers, stop):
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
            while not stopped(stop):
                await client.publish("readings/" + name, f"{name} {count}", qos=1)
                count += 1
                await asyncio.sleep(EVERY_MS / 1000)
            print("published", count)
            watching.cancel()

    asyncio.run(main())


def main(kind, name, ports, stop):
    servers = [("127.0.0.1", port) for port in ports]
    (robust if kind == "robust" else asynchronous)(name, servers, stop)
