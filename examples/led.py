"""An LED that is switched by messages, and says what it is: on or off, online or offline.

Copy this file to the board as main.py, and what `make device PROFILE=full` builds to its lib folder.
Wi-Fi is started in boot.py, as usual.

    home/led-1/set       "on" or "off": what it shall be. Retained, it is also obeyed after a power cut
    home/led-1/state     "on" or "off": what it is, retained
    home/led-1/status    "online" or "offline", retained
"""

import time

from machine import Pin

from umqtt2.robust import MQTTClient

BROKER = "broker.example.org"
PORT = 1883
CLIENT_ID = "led-1"  # no two clients of a broker may have the same
SET = "home/led-1/set"
STATE = "home/led-1/state"
STATUS = "home/led-1/status"

PIN = 2


class Led:
    """The LED, and what is known of it at the broker."""

    def __init__(self):
        self.pin = Pin(PIN, Pin.OUT, value=0)
        self.client = MQTTClient(CLIENT_ID, BROKER, PORT, keepalive=15)
        self.client.set_callback(self.on_message)
        self.client.set_callback_connection(self.on_connection)
        # The broker says it when the LED cannot: 1.5 times `keepalive` after its last sign of life.
        self.client.set_last_will(STATUS, "offline", retain=True, qos=1)

    def on_connection(self, up):
        """Called from check_msg(): there is a connection, or there is none."""
        if up:
            # QoS 0 is enough: what is lost with this connection is said again on the next.
            self.client.publish(STATUS, "online", retain=True)
            self.publish_state()
        else:
            print("not connected: %r" % self.client.last_error)

    def on_message(self, topic, msg, retained, dup):
        """Called from check_msg(): what the LED shall be."""
        if msg in (b"on", b"off"):
            self.pin.value(msg == b"on")
            self.publish_state()
        else:
            print("neither on nor off:", msg)

    def publish_state(self):
        """Publish what the pin is, not what it was told to be."""
        self.client.publish(STATE, "on" if self.pin.value() else "off", retain=True)


def main():
    client = Led().client
    client.connect()
    if not client.is_connected():
        print("not connected: %r" % client.last_error)
    client.subscribe(SET, qos=1)  # once: it is renewed where the broker forgets it
    while True:
        client.check_msg()
        time.sleep_ms(10)


main()
