"""Join a Wi-Fi network, on a board."""

import time

import network

SECONDS = 30


def connect(name, password):
    """Join the network, unless the board is in it already."""
    station = network.WLAN(network.STA_IF)
    station.active(True)
    if station.isconnected():
        return
    station.connect(name, password)
    for _ in range(SECONDS * 10):
        if station.isconnected():
            return
        time.sleep_ms(100)
    raise OSError("no connection to the Wi-Fi network " + name)
