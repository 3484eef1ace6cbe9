"""Being connected again: when to try, and what to do about it.

Theory of operation. A Reconnector drives the Connection of a client, by one step for each `look()`:

                    connect()                CONNACK
    not enabled ---------------> attempt ---------------> up
         ^                        ^    |                   |
         |                     due|    |fails              |fails
         |                        |    v                   |
         +---------------------- pause <------------------+
           disconnect()

- Whatever the network raises ends up in `failed`: it is the client's `last_error`, and sets the time of the next
  attempt. What is not the network's (MemoryError, a fault in a session store) does so too, and is raised, for
  `umqtt2.robust` to pass on and for `umqtt2.aio` to judge.
- A connection was a success when the time from its CONNACK to the last packet that came is as long as the
  next pause may be. So a broker that accepts its clients and then closes is not called again and again.
- The program hears of a change from within `look()`, at its end, when all else is done.
"""

try:
    from os import urandom as urandom
except ImportError:  # a port without it
    from random import getrandbits

    def urandom(n: "int") -> "bytes":  # type: ignore[misc]
        """Return `n` random bytes."""
        return bytes([getrandbits(8) for _ in range(n)])


from .connection import UNIT_BITS, UP
from .constants import FIVE, PLAIN, SERVERS, STRICT
from .errno import (
    EBUSY,
    ECONAUTH,
    ECONCLOSE,
    ECONUNAVAIBLE,
    ECONUNKNOWN,
    MQTTException,
)
from .session.memory import MemorySession
from .start import start_connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .cpython.contracts import Session

# Reason codes with which a broker of MQTT 5 closes: not authorized, banned, taken over by another client.
UNWANTED = (0x87, 0x8A, 0x8E)
FATAL_ALERT = -30592  # the other side does not accept this TLS, or this certificate
DOUBLINGS = 16
SECOND = 16  # units of time
NETWORK = (OSError, MQTTException)  # what the network may raise


def keeping(session: "Session | None") -> "Session":
    """Return the session store that a client has asked for, by default a MemorySession. Raises ValueError for one
    that does not keep messages, TypeError for a file's name."""
    if STRICT and isinstance(session, (str, bytes)):
        raise TypeError("session: not an object like FileSession(path) but %s" % type(session).__name__)
    if session is None:
        # After a reset the broker may remember identifiers: the first one is random.
        session = MemorySession(last=int.from_bytes(urandom(2), "big"))
    if not session.keeps:
        raise ValueError("session: one that keeps messages is needed, as MemorySession does")
    return session


def _is_pair_of_numbers(value: "Any") -> "bool":
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return False
    return all(isinstance(number, (int, float)) for number in value)


class Backoff:
    """Counts failures, and says how long to pause after each.

    The pause after the n-th failure is a random time from 0 to min(longest, first * 2 ** n), so that many
    clients of one broker do not come back at once. After a failure that no retry cures it is the longest, or
    half of it at the least.

    failures  since a connection lasted
    """

    def __init__(self, first: "float", longest: "float") -> "None":
        """first, longest: seconds. Raises ValueError unless 0 < first <= longest < 500,000."""
        if not 0 < first <= longest < 500000:
            raise ValueError("backoff: not 0 < first <= longest < 500,000")
        self._first = first
        self._longest = longest
        self.failures = 0

    def limit_ms(self) -> "int":
        """Return the longest that the next pause may be. A connection that lasted as long was a success."""
        return int(min(self._longest, self._first * (1 << min(self.failures, DOUBLINGS))) * 1000)

    def lasted(self, ms: "int") -> "None":
        """A connection has ended: `ms` passed from its CONNACK to the last packet that came."""
        if ms >= self.limit_ms():
            self.failures = 0

    def pause_ms(self, error: "BaseException | None") -> "int":
        """Count a failure, and return how long to pause, in milliseconds."""
        chance = int.from_bytes(urandom(2), "big") / 65536
        if error and is_permanent(error):
            half = int(self._longest * 500)
            return half + int(half * chance)
        pause = int(self.limit_ms() * chance)
        self.failures += 1
        return pause


def is_permanent(error: "BaseException") -> "bool":
    """Return whether trying again cannot help: wrong credentials, a certificate that does not verify, another
    client with the same identifier."""
    # The latter is an OSError with a text in the place of a number; a certificate that the broker does not
    # accept is a number of mbedTLS. MicroPython on Unix has a text for unknown names, too: [addrinfo error -2].
    number = error.args[0] if error.args else 0
    if isinstance(error, MQTTException):
        # What a CONNACK refuses for; a server that is unavailable may come back.
        refused = ECONUNKNOWN <= number <= ECONAUTH and number != ECONUNAVAIBLE
        return refused or (FIVE and number == ECONCLOSE and error.args[-1] in UNWANTED)
    if isinstance(error, OSError):
        return number == FATAL_ALERT or (isinstance(number, str) and number[:1].isalpha())
    return False


class Reconnector:
    """Keeps the Connection of a client up. The client has the attributes last_error, cbconnection and verbose,
    and those that `start_connection` needs.

    enabled  there is to be a connection
    clean    each begins a clean session
    was_up   the program knows of a connection
    due      when the next attempt is; negative for at once
    """

    enabled = False
    clean = False
    was_up = False
    due = 0
    _refused = False  # the last attempt, and no retry cures that
    _servers: "Any" = None  # a Servers, where the client has several

    def __init__(self, client: "Any", backoff: "tuple[float, float]") -> "None":
        """backoff: seconds, the first and the longest; see Backoff."""
        self._client = client
        if STRICT and not _is_pair_of_numbers(backoff):
            raise TypeError("backoff: not (first, longest) in seconds")
        first, longest = backoff
        self.backoff = Backoff(first, longest)
        if SERVERS:
            if isinstance(client.server, (list, tuple)):
                from .servers import Servers

                self._servers = Servers(client)

    def begin(self, clean: "bool") -> "None":
        """Make the first attempt. Raises ValueError and TypeError for what the client was made with, and
        MQTTException(EBUSY)."""
        self._client.connection.check_free()
        self.clean = clean
        self.backoff.failures = 0
        was = self.enabled
        self.enabled = True
        try:
            if SERVERS:
                self.due = 0
            start_connection(self._client, clean)
        except BaseException as e:
            if not isinstance(e, NETWORK):
                self.enabled = was
                raise
            self.failed(e)
            self._tell()

    def begin_later(self, clean: "bool") -> "None":
        """As `begin`, but by the next `look`, when nothing else is under way."""
        self.clean = clean
        if not self.enabled:
            self.enabled = True
            self.due = 0

    def hurry(self) -> "None":
        """Make the next attempt at the next `look`."""
        self.due = -1  # which it is not after a failure

    def end(self) -> "None":
        """The connection was ended by the program: tell it."""
        self.enabled = False
        self._tell()

    def look(self) -> "int | None":
        """Take one step of the connection, or towards one. Returns what `Connection.step` does, and raises what is
        not the network's, MQTTException(EBUSY) too."""
        connection = self._client.connection
        connection.check_free()
        first: "int | None" = None
        try:
            if connection.state:
                first = connection.step()
            elif self.pause_ms() <= 0:
                first = 0
                start_connection(self._client, self.clean)
        except BaseException as e:
            if PLAIN and e.args == (EBUSY,):
                raise  # another thread came in after all
            self.failed(e)
            if not isinstance(e, NETWORK):
                raise
        self._tell()
        return first

    def failed(self, error: "BaseException") -> "None":
        """There is no connection any more: remember why, and set the time of the next attempt. Raises nothing: where
        that fails (no memory, or a build cannot load its file) it is in a second."""
        self.due = self._client.connection.now() + SECOND
        try:
            self._remember(error)
        except Exception:
            self._client.last_error = error

    def _remember(self, error: "BaseException") -> "None":
        client = self._client
        connection = client.connection
        if self.was_up:
            self.backoff.lasted(connection.last_in - connection.since << UNIT_BITS)
        self.due = connection.now() + (self.backoff.pause_ms(error) >> UNIT_BITS)
        if isinstance(error, Exception):
            self._refused = not self.was_up and is_permanent(error)
            if SERVERS:
                if self._servers:
                    error = self._servers.choose_next(self, error)
            last = client.last_error
            client.last_error = error
            if client.verbose and (last is None or last.args != error.args):
                print("umqtt2: no connection:", error)

    def pause_ms(self) -> "int":
        """Return how long it is until the next attempt, in milliseconds."""
        return self.due - self._client.connection.now() << UNIT_BITS  # type: ignore[no-any-return]

    def _tell(self) -> "None":
        # Tell the program what has changed.
        client = self._client
        connection = client.connection
        up = connection.state == UP
        if up != self.was_up or self._refused:
            connection.enter()  # another thread may be in: the next look tells then
            self.was_up = up
            self._refused = False
            if not PLAIN:
                client.cbconnection(up)
            elif client.cbconnection:
                connection.call(client.cbconnection, up)
            connection.busy = False
