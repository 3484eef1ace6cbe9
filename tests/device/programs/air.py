"""A stand-in for a board's `network`, with the Wi-Fi networks around it; for CPython and the VM.

    air = Air("esp32", clock)
    sys.modules["network"] = air
    air.networks["home"] = "password"

Each kind of board has the numbers and the ways of MicroPython's own port:

esp32    refuses `connect` while it is joining, and for a moment after `disconnect`. Tries for ever, and says why it
         fails only after `disconnect`, unless `reconnects` has a limit. Joins again by itself.
esp8266  keeps the network's name and password in its flash, and joins by itself when it is switched on. Goes on trying
         after a failure, too.
rp2      a Pico W: `connect` needs the name; has a status for a network that has yet to give an address. Neither tries
         again nor joins again by itself.
"""

JOIN_MS = 300  # until a board knows whether it is in
BUSY_MS = 50  # after `disconnect`

#             IDLE  CONNECTING  WRONG_PASSWORD  NO_AP_FOUND  GOT_IP
STATUS = {
    "esp32": (1000, 1001, 202, 201, 1010),
    "esp8266": (0, 1, 2, 3, 5),
    "rp2": (0, 1, -3, -2, 3),
}
WRONG_ON_ESP32 = 15  # what it has most of the time
NO_ADDRESS = 2


class Air:
    """The module `network`, and what a test changes and counts.

    networks      name to password, None for one without
    false_alarms  how often a right password is said to be wrong
    flash         an ESP8266's: name and password
    writes        how often that was written to
    """

    STA_IF = 0

    def __init__(self, kind, clock):
        self.kind = kind
        self.clock = clock
        self.networks = {}
        self.false_alarms = 0
        self.flash = None
        self.writes = 0
        idle, connecting, wrong, missing, up = STATUS[kind]
        self.STAT_IDLE = idle
        self.STAT_CONNECTING = connecting
        self.STAT_WRONG_PASSWORD = wrong
        self.STAT_NO_AP_FOUND = missing
        self.STAT_GOT_IP = up
        self.station = Station(self)

    def WLAN(self, interface=0):
        return self.station


class Station:
    """The board's interface. Whatever a program asks, it first lets the time pass until now."""

    def __init__(self, air):
        self._air = air
        self._is_active = False
        self._wanted = None  # name and password; None when it is to be in no network
        self._status = air.STAT_IDLE
        self._since = 0  # when the status began
        self._left = None
        self._reconnects = -1
        self._tries = 0
        self._why = None  # an ESP32 failed last
        self.calls = []
        self.settings = {}

    def active(self, on=None):
        if on is None:
            return self._is_active
        self.calls.append("on" if on else "off")
        air = self._air
        air.writes += air.kind == "esp8266"
        if on != self._is_active:
            self._is_active = on
            self._wanted = None
            self._set(air.STAT_IDLE)
            if on and air.flash:
                self._wanted = air.flash
                self._set(air.STAT_CONNECTING)
        return None

    def config(self, name=None, **settings):
        kind = self._air.kind
        if name:
            if name == "essid" and kind == "esp8266":
                return self._air.flash[0] if self._air.flash else ""
            raise ValueError("unknown config param")
        for name, value in settings.items():
            if name == "reconnects" and kind == "esp32":
                self._reconnects = value
            elif name == "pm" and kind != "esp8266":
                self.settings[name] = value
            else:
                raise ValueError("unknown config param")
        return None

    def connect(self, ssid=None, key=None):
        air = self._air
        self.calls.append("connect" if ssid else "connect()")
        if not self._is_active:
            raise OSError("Wifi Not Started")
        if air.kind == "rp2" and ssid is None:
            raise TypeError("missing 1 required positional arguments")
        if air.kind == "esp32":
            left = self._left is not None and self._passed(self._left) < BUSY_MS
            if left or (self._wanted and self.status() == air.STAT_CONNECTING):
                raise OSError("Wifi Internal Error")
        if air.kind == "esp8266":
            if ssid:
                air.flash = (ssid, key)
                air.writes += 1
            self._wanted = air.flash
        else:
            self._wanted = (ssid, key)
        self._tries = 0
        self._set(air.STAT_CONNECTING)

    def disconnect(self):
        self.calls.append("disconnect")
        if not self._is_active:
            raise OSError("Wifi Not Started")
        self._wanted = None
        self._left = self._air.clock.ticks_ms()
        self._set(self._why if self._why and self._air.kind == "esp32" else self._air.STAT_IDLE)

    def isconnected(self):
        return self.status() == self._air.STAT_GOT_IP

    def status(self):
        air = self._air
        if self._wanted:
            passed = self._passed(self._since)
            if self._status == air.STAT_GOT_IP:
                if self._why_not():
                    self._lose()
            elif self._status == air.STAT_CONNECTING:
                if passed >= JOIN_MS:
                    self._finish(self._why_not(count=True))
                elif air.kind == "rp2" and passed >= JOIN_MS >> 1 and not self._why_not():
                    return NO_ADDRESS
            elif air.kind == "esp8266" and passed >= JOIN_MS and not self._why_not():
                self._set(air.STAT_GOT_IP)
        return self._status

    def _finish(self, why):
        air = self._air
        self._why = why
        if not why:
            self._set(air.STAT_GOT_IP)
        elif air.kind == "esp32" and (self._reconnects < 0 or self._tries < self._reconnects):
            self._tries += 1
            self._set(air.STAT_CONNECTING)
        else:
            self._set(why)

    def _lose(self):
        self._tries = 0
        self._set(self._air.STAT_IDLE if self._air.kind == "rp2" else self._air.STAT_CONNECTING)

    def _why_not(self, count=False):
        air = self._air
        name, password = self._wanted or ("", None)
        if name not in air.networks:
            return air.STAT_NO_AP_FOUND
        wrong = air.networks[name] != password
        if air.false_alarms and count and not wrong:
            air.false_alarms -= 1
            wrong = True
        if wrong:
            return WRONG_ON_ESP32 if air.kind == "esp32" else air.STAT_WRONG_PASSWORD
        return None

    def _set(self, status):
        self._status = status
        self._since = self._air.clock.ticks_ms()

    def _passed(self, since):
        clock = self._air.clock
        return clock.ticks_diff(clock.ticks_ms(), since)
