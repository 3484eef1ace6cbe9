"""A device that wakes up, sends a reading, and leaves: `main("robust", config)`.

config  host, port, tls (with `ca`, a file), scenario, eager
"""

import sys
from time import sleep_ms

TOPIC = "shed/temperature"
READING = "21.5"
COMMANDS = "shed/set"
WAITING = 100


def acknowledged(qos):
    """Say that all is acknowledged, and wait until that was noted."""
    if qos:
        print("acknowledged")
        sys.stdin.readline()


def arguments(config, **more):
    """Return the arguments of a client of umqtt2, by name."""
    made = {"client_id": "bench", "server": config["host"], "port": config["port"], "socket_timeout": 60}
    if config["tls"]:
        made.update(ssl=True, ssl_params={"cadata": config["ca"]})
    made.update(more)
    return made


def exchange(c, config, qos, **how):
    """Do what the scenario says; `how` is for the client's connect."""
    told = []
    c.set_callback(print)
    waits = not hasattr(c, "set_callback_status")  # umqtt.simple, which waits for each acknowledgement by itself
    if not waits:
        c.set_callback_status(lambda pid, status: told.append(pid))
    c.connect(**how)
    if config["scenario"] == "commands":
        c.subscribe(COMMANDS, 1)
    c.publish(TOPIC, READING, qos=qos)
    while qos and not waits and len(told) < (2 if config["scenario"] == "commands" else 1):
        c.check_msg()
        sleep_ms(5)
    acknowledged(qos)
    c.disconnect()


def plain(config, qos):
    from umqtt2 import MQTTClient

    exchange(MQTTClient(**arguments(config)), config, qos, eager=config["eager"])


def simple2(config, qos):
    from umqtt.simple2 import MQTTClient

    c = MQTTClient("bench", config["host"], config["port"], ssl=config["tls"], ssl_params={}, socket_timeout=60)
    exchange(c, config, qos)


def simple(config, qos):
    from umqtt.simple import MQTTClient

    exchange(MQTTClient("bench", config["host"], config["port"], ssl=config["tls"], ssl_params={}), config, qos)


def robust(config, qos):
    """With readings that wait in the RAM of a client that was never connected."""
    from umqtt2.robust import MQTTClient
    from umqtt2.session.memory import MemorySession

    told = []
    c = MQTTClient(**arguments(config, session=MemorySession(limit=WAITING), keep_qos0=True))
    c.set_callback(print)
    c.set_callback_status(lambda pid, status: told.append(pid))
    if config["scenario"] == "commands":
        c.subscribe(COMMANDS, 1)
    for _ in range(WAITING if config["scenario"] == "waiting" else 1):
        c.publish(TOPIC, READING, qos=qos)
    c.connect(eager=config["eager"])
    while c.session.waiting() or (config["scenario"] == "commands" and len(told) < 2):
        c.check_msg()
        sleep_ms(5)
    acknowledged(qos)
    c.disconnect()


async def exchanged(c, config, qos):
    """The same with a client for asyncio."""
    import asyncio

    work = [c.subscribe(COMMANDS, qos=1)] if config["scenario"] == "commands" else []
    await asyncio.gather(*work, c.publish(TOPIC, READING, qos=qos))
    acknowledged(qos)


async def aio(config, qos):
    from umqtt2.aio import MQTTClient

    async with MQTTClient(**arguments(config, eager=config["eager"])) as c:
        await exchanged(c, config, qos)


async def mqtt_as(config, qos):
    """As its documentation has it for devices that sleep: `connect(quick=True)`."""

    class Board:
        """The modules `machine` and `network` of a board, whose Wi-Fi is connected."""

        STA_IF = 0
        unique_id = lambda: b"board"  # noqa: E731

        class WLAN:
            __init__ = lambda *_: None  # noqa: E731
            active = isconnected = connect = disconnect = lambda *_: True

    sys.modules["machine"] = sys.modules["network"] = Board
    from mqtt_as import MQTTClient
    from mqtt_as import config as its

    its.update(server=config["host"], port=config["port"], client_id="bench", ssl=config["tls"], queue_len=1)
    c = MQTTClient(its)
    await c.connect(quick=True)
    await exchanged(c, config, qos)
    await c.disconnect()


def main(program, config):
    work = globals()[program](config, 0 if config["scenario"] == "qos0" else 1)
    if work is not None:
        import asyncio

        asyncio.run(work)
