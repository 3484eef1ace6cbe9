"""A board's `network`: Wi-Fi that connects, unless there is a file no-wifi."""

import os

STA_IF = 0
STAT_CONNECTING = 1
STAT_GOT_IP = 3


class WLAN:
    def __init__(self, interface):
        self._joins = False

    def active(self, on):
        pass

    def connect(self, name, password):
        if self._joins:
            raise OSError("Wifi Internal Error")
        self._joins = True

    def isconnected(self):
        return self._joins and "no-wifi" not in os.listdir()

    def status(self):
        return STAT_GOT_IP if self.isconnected() else STAT_CONNECTING

    def ifconfig(self):
        return ("192.0.2.7", "255.255.255.0", "192.0.2.1", "192.0.2.1")
