"""mqtt_as, as its documentation has it for devices that sleep: `connect(quick=True)`."""

import asyncio
import sys

from waking import COMMANDS, READING, TOPIC, acknowledged


class Board:
    """The modules `machine` and `network` of a board, whose Wi-Fi is connected."""

    STA_IF = 0

    def unique_id():
        return b"board"

    class WLAN:
        def __init__(self, interface):
            pass

        def active(self, *_):
            return True

        isconnected = connect = disconnect = active


sys.modules["machine"] = sys.modules["network"] = Board

from mqtt_as import MQTTClient, config as its_config  # noqa: E402, I001


async def main(config):
    its_config.update(server=config["host"], port=config["port"], client_id="bench", ssl=config["tls"], queue_len=1)
    c = MQTTClient(its_config)
    await c.connect(quick=True)
    sent = [c.publish(TOPIC, READING, qos=0 if config["scenario"] == "qos0" else 1)]
    if config["scenario"] == "commands":
        sent.insert(0, c.subscribe(COMMANDS, 1))
    await asyncio.gather(*sent)
    if config["scenario"] != "qos0":
        acknowledged()
    await c.disconnect()


def wake(config):
    asyncio.run(main(config))
