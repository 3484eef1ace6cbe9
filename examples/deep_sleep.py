"""A sensor on a battery: it wakes, measures, sends, and sleeps. No reading is lost while the network is away.

Copy this file to the board as main.py, and what `make device PROFILE=full` builds to its lib folder.
Leave Wi-Fi out of boot.py: it is started here, after the reading is safe in the flash.

A reading is published as "time value": the seconds of the board's clock, which runs on while it sleeps, and
what the converter measured. On an ESP8266 connect GPIO16 and RST, or it does not wake.
"""

import gc
import sys
import time

import machine
import network

from umqtt2 import MQTTException
from umqtt2.robust import MQTTClient
from umqtt2.session.file import FileSession

WIFI_NAME = "name"
WIFI_PASSWORD = "password"
BROKER = "broker.example.org"
PORT = 1883
CLIENT_ID = "moisture-1"  # no two clients of a broker may have the same
READINGS = "garden/moisture-1"

PIN = 34  # of the analog-to-digital converter
INTERVAL = 600  # seconds from one reading to the next
AWAKE = 10  # seconds for Wi-Fi, and as many to send; what is not sent by then waits for next time
WAITING = 50  # readings that may wait in the flash; each takes 52 bytes of memory too: more on a larger board


def measure():
    """The sensor. Put your own here."""
    return machine.ADC(machine.Pin(PIN)).read_u16()


def wait_for(condition):
    """Wait until `condition()`, for AWAKE seconds at the most, and return whether it came true."""
    start = time.ticks_ms()
    while not condition() and time.ticks_diff(time.ticks_ms(), start) < AWAKE * 1000:
        time.sleep_ms(20)
    return condition()


def has_wifi():
    """Connect to Wi-Fi, and return whether that was possible."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect(WIFI_NAME, WIFI_PASSWORD)
    return wait_for(wlan.isconnected)


def send(client):
    """Send what waits, this reading and those before it, until the broker has acknowledged them all."""

    def done():
        while client.check_msg():
            pass
        return not (client.is_connected() and client.session.waiting())

    client.connect()  # one attempt: without a broker it sleeps, and tries again when it wakes
    wait_for(done)
    if client.session.waiting():
        print("readings that wait:", client.session.waiting(), repr(client.last_error))
    client.disconnect()


def main():
    gc.threshold(1000)  # bytes: collected often, what stays lies together and leaves room for large pieces
    client = MQTTClient(CLIENT_ID, BROKER, PORT, session=FileSession("readings", WAITING), socket_timeout=AWAKE / 2)
    try:
        # There is no connection yet: the client writes it to the session's file.
        client.publish(READINGS, "%d %d" % (time.time(), measure()), qos=1)
    except MQTTException:
        print("no room for the reading")
    if has_wifi():
        send(client)


try:
    main()
except Exception as error:
    sys.print_exception(error)  # and sleep all the same: awake, it would empty the battery
machine.deepsleep(INTERVAL * 1000)
