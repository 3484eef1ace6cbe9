"""A board without a network: MQTT over a serial line, to a computer that hands it on to the broker.

Copy this file to the board as main.py, and what `make device PROFILE=full` builds to its lib folder. On
the computer at the other end of the line, say

    while true; do socat /dev/ttyUSB0,b115200,raw,echo=0 TCP:broker.example.org:1883; sleep 1; done

The topics:

    garden/moisture     how wet the soil is, from 0 to 65535
    garden/valve/set    "open" or "closed"
"""

import time

from machine import ADC, UART, Pin

from umqtt2.robust import MQTTClient
from umqtt2.transport.stream import StreamTransport

CLIENT_ID = "garden"  # no two clients of a broker may have the same
MOISTURE = "garden/moisture"
VALVE = "garden/valve/set"

UART_ID = 1
BAUD = 115200
SENSOR = 26
PIN = 5
INTERVAL = 60000  # milliseconds from one reading to the next


class Garden:
    """A sensor and a valve."""

    def __init__(self):
        self.sensor = ADC(Pin(SENSOR))
        self.valve = Pin(PIN, Pin.OUT, value=0)
        # timeout=0: it returns at once with what is there. The buffer holds what comes between two looks.
        uart = UART(UART_ID, BAUD, timeout=0, rxbuf=1024)
        # A line does not say that the far end has gone; that a ping stays unanswered does.
        self.client = MQTTClient(CLIENT_ID, "", keepalive=20, transport=StreamTransport(uart))
        self.client.set_callback(self.on_message)

    def on_message(self, topic, msg, retained, dup):
        """Called from check_msg(): what the valve shall be."""
        if msg in (b"open", b"closed"):
            self.valve.value(msg == b"open")

    def measure(self):
        """Publish a reading; it waits for the line to work again, if need be."""
        self.client.publish(MOISTURE, str(self.sensor.read_u16()), qos=1)


def main():
    garden = Garden()
    garden.client.connect()
    garden.client.subscribe(VALVE, qos=1)
    last = time.ticks_add(time.ticks_ms(), -INTERVAL)
    while True:
        garden.client.check_msg()
        if time.ticks_diff(time.ticks_ms(), last) >= INTERVAL:
            last = time.ticks_ms()
            garden.measure()
        time.sleep_ms(10)


main()
