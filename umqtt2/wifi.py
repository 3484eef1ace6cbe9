"""Wi-Fi that a client brings up before it connects, and again after it was lost: for `network=` of `umqtt2.robust` and
`umqtt2.aio`.

`network` is any object with this method: an Ethernet interface or a modem of the program's own, for example.

    bring_up() -> bool
        Return True when the network is there; otherwise take one step towards it, and return False. Never waits. Raises
        OSError when the network cannot be had now: that ends the attempt, is the client's `last_error`, and the next
        attempt comes after the pause. An OSError with a text in the place of a number means that trying again soon does
        not help: then the pause is the longest.

and, optionally

    reached(yes)
        The network is there, and the transport was opened, or not: True or False. A refusal by the broker's machine
        counts as True: it was reached.

The client calls it in each step of an attempt to connect until it returns True; `socket_timeout` begins then.

Theory of operation. A board joins a network by itself once it was told to; its status says whether it is still trying.

                     told            it gives up, or did not take it
    not joining ------------> joining ------------------------------> leaving
                                 ^                                       |
                                 +----------- told again, a second later +

- After ATTEMPTS, or after `timeout`, `bring_up` raises why the last one failed, and the interface is switched off: some
  boards do not join again otherwise. A single failure says little: a Pico W may report a wrong password that is right.
- A board that is joining already is left alone for a quarter of the time. `boot.py` may have told it to, and an ESP32
  and an ESP8266 join again by themselves after they lost the network. An ESP32 does not take `connect` while it is
  joining, nor immediately after `disconnect`: this is what the second is for.
- An ESP32 tries for ever, and says why it fails only after `disconnect`, unless `reconnects` has a limit. Once it is in
  the network the limit is taken away again.
- A board may believe that it is in the network although nothing passes any more. After UNREACHED attempts in a row that
  did not reach the broker's machine the board leaves the network, and joins anew.
- An ESP8266 keeps the network's name and password in its flash. It is not told a name that it has, and not switched
  off: each would write to the flash.
- Between two steps at most an eighth of `timeout` counts, so a program that looks once in ten seconds joins, too.
"""

import errno

try:
    from .cpython import clock as time
except ImportError:
    import time  # type: ignore[no-redef]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator

    from .cpython.contracts import Network

ATTEMPTS = 3
UNREACHED = 5
RETRIES = 1  # of an ESP32 for each of them
SETTLE_MS = 1000  # until the status is about what the board was told last
NO_ADDRESS = 2  # the status of a Pico W that has joined, and waits for an address
WRONG_ON_ESP8266 = 2  # its status for a wrong password, and nobody else's
NO_HANDSHAKE = (15, 204)  # on an ESP32 most wrong passwords look like this
FAILURES = (OSError, RuntimeError)  # what `network` raises


def opener(network: "Network") -> "Callable[[Any], Callable[[int], Generator[bool, None, None]]]":
    """Return the `opener` of a Connection that brings a network up before the transport opens. Raises TypeError for
    what is no network."""
    if isinstance(network, type) or not hasattr(network, "bring_up"):
        raise TypeError("network: not an object like Wifi(name, password) but %s" % type(network).__name__)
    reached: "Any" = getattr(network, "reached", None) or (lambda yes: None)

    def wrap(opening: "Any") -> "Callable[[int], Generator[bool, None, None]]":
        def with_network(timeout_ms: "int") -> "Generator[bool, None, None]":
            while not network.bring_up():
                yield True
            try:
                yield from opening(timeout_ms) or ()
            except OSError as e:
                reached(e.args[:1] == (errno.ECONNREFUSED,))
                raise
            reached(True)

        return with_network

    return wrap


class Wifi:
    """A board's Wi-Fi, for `network=`; on ESP32, ESP8266, Pico W, and others with `network.WLAN`.

        client = MQTTClient("kitchen-1", "broker.local", network=Wifi("name of the network", "its password"))

    Where the board is in a network already, it stays there. Several clients can have the same Wifi. Without a client:
    `while not wifi.bring_up(): time.sleep_ms(100)`.

    wlan  the `network.WLAN` interface
    """

    _steps: "Generator[None, None, None] | None" = None  # of joining
    _unreached = 0  # attempts in a row
    _is_stored = False  # an ESP8266 has name and password in its flash

    def __init__(
        self,
        ssid: "str",
        password: "str | None" = None,
        *,
        timeout: "float" = 20,
        wlan: "Any" = None,
        **config: "Any"
    ) -> "None":
        """
        ssid      name of the network
        password  or None where it has none
        timeout   seconds that joining may take, until the board has an address
        wlan      the interface; by default that of the board as a station
        config    settings for `wlan.config()`, made each time before the board joins. On a Pico W, `pm=0xA11140` turns
                  the saving of power off, and what is sent to it comes sooner
        """
        import network

        self.wlan = wlan or network.WLAN(network.STA_IF)
        self._ssid = ssid
        self._password = password
        self._timeout_ms = int(timeout * 1000)
        self._config = config
        # Those of a Pico W where there are none.
        self._connecting = getattr(network, "STAT_CONNECTING", 1)
        self._got_address = getattr(network, "STAT_GOT_IP", 3)
        self._not_found = getattr(network, "STAT_NO_AP_FOUND", -2)
        self._wrong_password = getattr(network, "STAT_WRONG_PASSWORD", -3)

    def bring_up(self) -> "bool":
        """Return whether the board is in the network and has an address; if not, take a step towards it.

        Raises OSError: with a text alone when the password is wrong; with EHOSTUNREACH and a text when the network is
        not found, does not answer, or refuses.
        """
        steps = self._steps
        if self.wlan.isconnected():
            if steps:
                self._steps = None
                self._limit_retries(-1)
            return True
        if not steps:
            self._steps = steps = self._join()
        try:
            next(steps)
        except BaseException as e:
            self._steps = None
            if isinstance(e, RuntimeError):
                raise OSError(errno.EIO, "wifi: %s" % e)
            raise
        return False

    def reached(self, yes: "bool") -> "None":
        """Tell whether the broker's machine was reached: see above."""
        self._unreached = 0 if yes else self._unreached + 1
        if self._unreached >= UNREACHED:
            self._unreached = 0
            self._leave_network()

    def _join(self) -> "Generator[None, None, None]":
        wlan = self.wlan
        self._left_ms = self._timeout_ms
        self._looked = time.ticks_ms()
        is_esp8266 = self._wrong_password == WRONG_ON_ESP8266
        if not (is_esp8266 and wlan.active()):
            wlan.active(True)
        if self._config:
            wlan.config(**self._config)
        is_known = is_esp8266 and wlan.config("essid") == self._ssid
        is_joining = self._is_joining()  # and was told so by `boot.py`, or by nobody
        reason: "Any" = None
        for _ in range(ATTEMPTS):
            if not is_joining:
                reason = self._tell(is_known)
                self._is_stored = is_esp8266 and (self._is_stored or not (is_known or reason))
            if is_joining or not reason:
                yield from self._wait(self._left_ms - SETTLE_MS)
                yield from self._wait(self._timeout_ms - (self._timeout_ms >> 2) if is_joining else 0, True)
                reason = wlan.status()
            is_joining = False
            if reason != self._not_found:
                is_known = self._is_stored  # the password in the flash may be another one
            self._leave_network()
            yield from self._wait(self._left_ms - SETTLE_MS)
            if reason == self._connecting:
                reason = wlan.status()  # an ESP32 says it now
            if self._left_ms <= 0:
                break
        if not is_esp8266:
            wlan.active(False)
        raise self._error(reason)

    def _tell(self, is_known: "bool") -> "BaseException | None":
        # Tell the board to join; an ESP8266 that knows the network, without its name. Returns what it raised.
        self._limit_retries(RETRIES)
        try:
            if is_known:
                self.wlan.connect()
            elif self._password is None:
                self.wlan.connect(self._ssid)
            else:
                self.wlan.connect(self._ssid, self._password)
        except FAILURES as e:
            return e
        return None

    def _error(self, reason: "Any") -> "OSError":
        # reason: the last status, or what was raised.
        if reason == self._wrong_password or reason in NO_HANDSHAKE:
            return OSError("wifi: wrong password for " + self._ssid)
        if reason == self._not_found:
            return OSError(errno.EHOSTUNREACH, "wifi: %s not found; is it 2.4 GHz?" % self._ssid)
        return OSError(errno.EHOSTUNREACH, "wifi: cannot join %s (%s)" % (self._ssid, reason))

    def _leave_network(self) -> "None":
        try:
            self.wlan.disconnect()
        except FAILURES:
            pass

    def _is_joining(self) -> "bool":
        status = self.wlan.status()
        return status in (self._connecting, self._got_address) or (
            status == NO_ADDRESS and status != self._wrong_password
        )

    def _wait(self, least_ms: "int", joining: "bool" = False) -> "Generator[None, None, None]":
        # Wait until so many milliseconds are left; with `joining` only while the board is at it.
        while self._left_ms > max(0, least_ms) and (not joining or self._is_joining()):
            yield
            now = time.ticks_ms()
            self._left_ms -= min(time.ticks_diff(now, self._looked), self._timeout_ms >> 3)
            self._looked = now

    def _limit_retries(self, times: "int") -> "None":
        try:
            self.wlan.config(reconnects=times)
        except (ValueError, OSError):
            pass  # not an ESP32
