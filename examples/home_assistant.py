"""A lamp and a thermometer that Home Assistant finds by itself.

Copy this file to the board as main.py, and what `make device PROFILE=full` builds to its lib folder.
Wi-Fi is started in boot.py, as usual. The page docs/home-assistant.md tells what each message is for.

    kitchen-1/state      {"temperature": 21.5, "lamp": "OFF"}, retained
    kitchen-1/lamp/set   "ON" or "OFF": what the lamp shall be
    kitchen-1/status     "online" or "offline", retained
"""

import gc
import json
import math
import time

from machine import Pin

from umqtt2.robust import MQTTClient

BROKER = "homeassistant.local"
PORT = 1883
USER = None
PASSWORD = None
CLIENT_ID = "kitchen-1"  # no two clients of a broker may have the same
NAME = "Kitchen"
PIN = 2
INTERVAL = 30000  # milliseconds from one reading to the next

STATE = CLIENT_ID + "/state"
SET = CLIENT_ID + "/lamp/set"
STATUS = CLIENT_ID + "/status"
HOME_ASSISTANT = "homeassistant/status"  # where it says "online" when it has started

# What Home Assistant shall show: kind, name of the entity in topics, and what is special about it.
ENTITIES = (
    (
        "sensor",
        "temperature",
        {
            "name": "Temperature",
            "device_class": "temperature",
            "state_class": "measurement",
            "unit_of_measurement": "°C",
            "value_template": "{{ value_json.temperature }}",
        },
    ),
    ("switch", "lamp", {"name": "Lamp", "command_topic": SET, "value_template": "{{ value_json.lamp }}"}),
)


def read_celsius():
    """The sensor. Put your own here, for example `return esp32.mcu_temperature()`."""
    return 21 + 3 * math.sin(time.ticks_ms() / 3000)


class Kitchen:
    """The lamp and the thermometer, and what Home Assistant is told of them."""

    def __init__(self):
        self.pin = Pin(PIN, Pin.OUT, value=0)
        self.client = MQTTClient(CLIENT_ID, BROKER, PORT, USER, PASSWORD, keepalive=30)
        self.client.set_callback(self.on_message)
        self.client.set_callback_connection(self.on_connection)
        # The broker says it when the board cannot: 1.5 times `keepalive` after its last sign of life.
        self.client.set_last_will(STATUS, "offline", retain=True, qos=1)

    def on_connection(self, up):
        """Called when there is a connection, or there is none."""
        if up:
            self.announce()

    def on_message(self, topic, msg, retained, dup):
        """Called when a message has come."""
        if topic == HOME_ASSISTANT.encode():
            if msg == b"online":
                self.announce()
        elif msg in (b"ON", b"OFF"):
            self.pin.value(msg == b"ON")
            self.publish_state()
        else:
            print("neither ON nor OFF:", msg)

    def announce(self):
        """Tell Home Assistant what there is, that it is there, and its state."""
        for kind, name, entity in ENTITIES:
            entity["unique_id"] = CLIENT_ID + "-" + name
            entity["state_topic"] = STATE
            entity["availability_topic"] = STATUS
            entity["device"] = {"identifiers": [CLIENT_ID], "name": NAME}
            entity["origin"] = {"name": "umqtt2"}
            topic = "homeassistant/" + kind + "/" + CLIENT_ID + "/" + name + "/config"
            self.client.publish(topic, json.dumps(entity), retain=True)
        self.client.publish(STATUS, "online", retain=True)
        self.publish_state()

    def publish_state(self):
        """Publish the state of both, as the templates of ENTITIES take it apart."""
        state = {"temperature": round(read_celsius(), 1), "lamp": "ON" if self.pin.value() else "OFF"}
        self.client.publish(STATE, json.dumps(state), retain=True)


def main():
    # So that a small heap stays in one piece.
    gc.collect()
    gc.threshold(2048)
    kitchen = Kitchen()
    client = kitchen.client
    client.connect()
    client.subscribe(SET, qos=1)  # once: it is renewed where the broker forgets it
    client.subscribe(HOME_ASSISTANT)
    last = time.ticks_ms()
    while True:
        client.check_msg()
        if time.ticks_diff(time.ticks_ms(), last) >= INTERVAL:
            last = time.ticks_ms()
            if client.is_connected():
                kitchen.publish_state()
        time.sleep_ms(10)


main()
