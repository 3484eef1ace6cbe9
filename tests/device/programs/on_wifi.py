"""A client that brings Wi-Fi up: a stand-in for the board's `network`, and the broker that is really there."""

import sys

from air import Air
from harness import time

import umqtt2.wifi

NAME = "home"
PASSWORD = "its password"


class Fast:
    """A clock for the board and its Wi-Fi, not for the client: a test need not wait as long as they do."""

    def ticks_ms(self):
        return time.ticks_ms() * 8 & 0x3FFFFFFF

    def ticks_diff(self, end, start):
        return time.ticks_diff(end, start)


def run(device):
    umqtt2.wifi.time = Fast()
    air = Air(device.config["kind"], umqtt2.wifi.time)
    sys.modules["network"] = air
    options = {"network": umqtt2.wifi.Wifi(NAME, PASSWORD), "backoff": (0.05, 0.2), "verbose": False}
    (run_aio if device.config["aio"] else run_robust)(device, air, options)


def run_robust(device, air, options):
    from umqtt2.robust import MQTTClient

    c = device.client(MQTTClient, **options)

    def wait_until(up):
        while c.is_connected() is not up:
            c.check_msg()
            time.sleep_ms(5)

    c.connect()
    device.say("failed", error=c.last_error.args)
    air.networks[NAME] = PASSWORD
    wait_until(True)
    c.publish(device.topic("up"), "late", qos=1)
    device.until(c, lambda: len(device.statuses) == 1)
    device.say("up")
    wait_until(False)
    air.networks[NAME] = "another"
    before = c.last_error
    while c.last_error is before:
        c.check_msg()
        time.sleep_ms(5)
    device.say("failed", error=c.last_error.args)
    air.networks[NAME] = PASSWORD
    c.publish(device.topic("up"), "again", qos=1)
    c.disconnect()
    c.connect()  # the pause after a wrong password is long
    wait_until(True)
    device.until(c, lambda: len(device.statuses) == 2)
    c.disconnect()


def run_aio(device, air, options):
    import asyncio

    from aio_runner import make

    async def main():
        client = make(device, **options)
        try:
            await client.connect()
        except OSError as e:
            device.say("failed", error=e.args)
        air.networks[NAME] = PASSWORD
        async with client:
            await client.publish(device.topic("up"), "late", qos=1)
            device.say("up")
            await client.down.wait()
            air.networks[NAME] = "another"
            before = client.last_error
            while client.last_error is before:
                await asyncio.sleep(0.01)
            device.say("failed", error=client.last_error.args)
            air.networks[NAME] = PASSWORD
            again = asyncio.create_task(client.connect_now())
            await client.publish(device.topic("up"), "again", qos=1)
            await again

    asyncio.run(main())
