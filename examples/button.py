"""A button that publishes each press, also those that come while the network is away.

Copy this file to the board as main.py, and what `make device PROFILE=full` builds to its lib folder.
Wi-Fi is started in boot.py, as usual. The button is between PIN and ground.

It is looked at in the main loop, which never waits for the network. Only while the broker's name is
looked up the system itself waits: where no press may be missed, give its address instead.
"""

import time

from machine import Pin

from umqtt2 import MQTTException
from umqtt2.robust import MQTTClient

BROKER = "broker.example.org"
PORT = 1883
CLIENT_ID = "button-1"  # no two clients of a broker may have the same
PRESSES = "home/button-1/presses"

PIN = 0
DEBOUNCE = 20  # milliseconds; contacts bounce for less


class Button:
    """Tells presses from the bouncing of the contacts."""

    def __init__(self, pin):
        self.pin = pin
        self.level = 1  # the level that counts; 0 is pressed
        self.seen = time.ticks_ms()  # when the pin last had it

    def pressed(self):
        """Return whether a press has begun. To be called every few milliseconds."""
        now = time.ticks_ms()
        level = self.pin.value()
        if level == self.level:
            self.seen = now
        elif time.ticks_diff(now, self.seen) >= DEBOUNCE:
            self.level = level
            self.seen = now
            return level == 0
        return False


def main():
    def say(up):
        print("connected" if up else "not connected: %r" % client.last_error)

    button = Button(Pin(PIN, Pin.IN, Pin.PULL_UP))
    client = MQTTClient(CLIENT_ID, BROKER, PORT, keepalive=30)
    client.connect()
    say(client.is_connected())
    client.set_callback_connection(say)
    presses = 0
    while True:
        client.check_msg()
        if button.pressed():
            presses += 1
            try:
                # At QoS 1 the client keeps it until the broker has it, and sends it again if need be.
                client.publish(PRESSES, str(presses), qos=1)
            except MQTTException:
                print("too many presses wait for the network: number", presses, "is lost")
        time.sleep_ms(2)


main()
