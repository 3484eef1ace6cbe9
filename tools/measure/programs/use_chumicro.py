"""chumicro-mqtt, which knows no asyncio: `handle` is called in a loop, as its documentation has it."""

from chumicro_mqtt import MQTTClient
from chumicro_mqtt.client import ProtocolState
from chumicro_sockets.sockets_factory import fixed_connector_factory
from chumicro_timing import ticks_ms

received = 0
acknowledged = 0
granted = 0


def on_message(topic, payload):
    global received
    received += 1


def on_publish(*facts):
    global acknowledged
    acknowledged += 1


def on_subscribe(*facts):
    global granted
    granted += 1


def turn(c):
    now = ticks_ms()
    if c.check(now):
        c.handle(now)


async def connect(host, port, keepalive=60):
    c = MQTTClient(
        transport_factory=fixed_connector_factory(host, port), client_id="bench", keep_alive_seconds=keepalive
    )
    c.on_message = on_message
    c.connect()
    while c.state != ProtocolState.CONNECTED:
        turn(c)
    return c


async def subscribe(c, topic, qos):
    c.subscribe(topic.decode(), qos, on_subscribe=on_subscribe)
    while not granted:
        turn(c)


async def publish(c, topic, msg, qos):
    goal = acknowledged + 1
    c.publish(topic.decode(), msg, qos=qos, on_publish=on_publish)
    while acknowledged < goal:
        turn(c)


async def receive(c, n):
    global received
    while received < n:
        turn(c)
    received -= n
