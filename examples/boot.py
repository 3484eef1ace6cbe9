"""Wi-Fi, started before main.py. It does not need umqtt2.

Write the name of your network and its password below, and copy this file to the board as boot.py. When the network is
not there in time, main.py starts without it: most boards go on trying by themselves. A program with `umqtt2.robust` or
`umqtt2.aio` can do without this file: with `network=Wifi(name, password)` of `umqtt2.wifi` it also joins again when the
network was lost.
"""

import time

import network

NAME = "name of the network"
PASSWORD = "its password"  # None for a network without one
SECONDS = 20  # to wait at the most

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
if not wlan.isconnected():
    try:
        wlan.connect(NAME, PASSWORD)
    except OSError:
        pass  # an ESP32 that is joining already, as after a soft reset
    for _ in range(SECONDS * 10):
        if wlan.isconnected():
            break
        time.sleep(0.1)
if wlan.isconnected():
    print("Wi-Fi:", wlan.ifconfig()[0])
else:
    status = wlan.status()
    for name in dir(network):
        if name.startswith("STAT_") and getattr(network, name) == status:
            status = name  # says more than its number
    print("Wi-Fi: not in", NAME, "yet:", status)
