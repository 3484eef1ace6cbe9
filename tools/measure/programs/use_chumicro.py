"""chumicro-mqtt, which knows no asyncio: `handle` is called in a loop, as its documentation has it."""

from chumicro_mqtt import MQTTClient
from chumicro_mqtt.client import ProtocolState
from chumicro_sockets.sockets_factory import fixed_connector_factory
from chumicro_timing import ticks_ms

received = 0
acknowledged = 0


def on_message(topic, payload):
    global received
    received += 1


def on_acknowledged(*facts):
    global acknowledged
    acknowledged += 1


class Client(MQTTClient):
    def turn(self):
        now = ticks_ms()
        if self.check(now):
            self.handle(now)

    async def connect(self):
        self.on_message = on_message
        super().connect()
        while self.state != ProtocolState.CONNECTED:
            self.turn()

    async def subscribe(self, topic, qos):
        goal = acknowledged + 1
        super().subscribe(topic, qos, on_subscribe=on_acknowledged)
        while acknowledged < goal:
            self.turn()

    async def publish(self, topic, msg, qos):
        goal = acknowledged + 1
        super().publish(topic, msg, qos=qos, on_publish=on_acknowledged)
        while acknowledged < goal:
            self.turn()


def client(host, port, keepalive):
    where = fixed_connector_factory(host, port)
    return Client(transport_factory=where, client_id="bench", keep_alive_seconds=keepalive)


async def receive(c, n):
    global received
    while received < n:
        c.turn()
    received -= n
