"""The client that reconnects by itself and loses nothing on the way."""

from os import urandom

from .client import NAP, READABLE, WRITABLE
from .delivery import MQTTClient as ExactClient
from .errno import (
    ECONAUTH,
    ECONCREDENTIALS,
    ECONNOT,
    ECONPROTOCOL,
    ECONREJECT,
    ECONUNKNOWN,
    MQTTException,
)
from .packets.fields import fixed_header, utf8
from .packets.publish import LONGEST
from .packets.topic import topic_name
from .packets.types import CONNECT, PUBLISH
from .session.memory import MemorySession

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator

    from .hosted.contracts import Payload, Text

HOPELESS = (ECONUNKNOWN, ECONPROTOCOL, ECONREJECT, ECONCREDENTIALS, ECONAUTH)  # no retry cures these
FATAL_ALERT = -30592  # the other side does not want this TLS, or this certificate
STEP = 5  # milliseconds between two looks at a connection that is being made


class MQTTClient(ExactClient):
    """The client of `umqtt2`, which a network that comes and goes does not concern.

    `check_msg` connects again when the connection is lost, after random times that grow. It
    resumes the session, or renews the subscriptions when the broker has forgotten them, and sends
    what has waited. Neither `check_msg` nor `publish`, `subscribe`, `unsubscribe` and `connect` raise for a
    fault of the network; `last_error` has the last one.

    While there is no connection, messages at QoS 1 and 2 are kept in the session store and get their
    identifiers as always; the status comes when they are delivered. A full store raises
    MQTTException(EFULL).

    last_error  the OSError or MQTTException that ended the last connection, or the last attempt to
                make one; None before the first
    """

    cbconnection: "Callable[[bool], object] | None" = None
    last_error: "Exception | None" = None
    _wanted = False  # connect() was called, and not disconnect()
    _steps: "Generator[int, None, None] | None" = None  # a connection that is being made
    _awaits = 0  # what it waits for; READABLE once its CONNECT is out
    _up = False  # the program knows of a connection
    _theirs = False  # what is being raised comes from a callback
    _failures = 0  # attempts since there was a connection that lasted

    def __init__(
        self, *args: "Any", backoff: "tuple[float, float]" = (1, 60), keep_qos0: "bool" = False, **more: "Any"
    ) -> "None":
        """
        The arguments of `umqtt2.MQTTClient`, and

        backoff    seconds, the first and the longest: the n-th attempt to reconnect comes after a
                   random time between 0 and min(longest, first * 2 ** n), so that many clients of one
                   broker do not all come at once. After a refusal that no retry cures (credentials,
                   identifier, a certificate that does not verify) it is the longest, or half of it at
                   the least
        keep_qos0  True keeps messages at QoS 0 too while there is no connection; else they are dropped
        session    a store that keeps messages; by default a MemorySession
        """
        first, longest = backoff
        if not 0 < first <= longest < 500000:
            raise ValueError("backoff: not 0 < first <= longest < 500,000")
        if more.get("session") is None:
            # After a reset the broker may remember identifiers: the first one is random.
            more["session"] = MemorySession(last=int.from_bytes(urandom(2), "big"))
        super().__init__(*args, **more)
        if not hasattr(self.session, "unsent"):
            raise ValueError("session: does not keep messages")
        self.backoff = backoff
        self.keep_qos0 = keep_qos0
        self._since = self._clock.ticks_ms()  # when the connection came up, or the next attempt is due

    def set_callback_connection(self, f: "Callable[[bool], object]") -> "None":
        """Have `f(up: bool)` called from within `check_msg` when the connection is there and when it is
        gone, and with False also after each attempt that was refused for good; `last_error` says why."""
        self.cbconnection = f

    def is_connected(self) -> "bool":
        """Return whether there is a connection, as far as is known."""
        return self._open is not None and self._steps is None

    def connect(self, clean_session: "bool" = False) -> "bool":
        """Begin to be connected, until `disconnect`. The first attempt is made here and now; when
        called from a callback, by the next `check_msg`, unless there is a connection or another time set.

        clean_session  True has the broker forget the session whenever the connection is lost: what is
                       published for the client meanwhile is lost, and QoS 2 is then at least once. The
                       default is not MQTTClient's

        Returns True when the broker has resumed a session. Also when there is no connection yet, it
        returns, False: `check_msg` will go on. Raises ValueError as MQTTClient's does.
        """
        self._clean = clean_session
        if self._busy:
            if not self._wanted:
                self._wanted = True
                self._since = self._clock.ticks_ms()
            return False
        self._failures = 0
        self._start()
        while self._steps:
            self._step()
            if self._steps:
                self._clock.sleep_ms(STEP)
        return self.is_connected() and self._pid > 255

    def disconnect(self) -> "None":
        """Leave the broker, and do not reconnect. What waits in the session store stays there."""
        self._wanted = False
        if self._steps and self._awaits != READABLE:
            self._close()  # a DISCONNECT would come before the CONNECT, or within it
        self._steps = None
        super().disconnect()
        self._tell(False)

    def ping(self) -> "None":
        """Ask the broker for a sign of life, if there is a connection [3.12]."""
        if self.is_connected():
            self._try(super().ping)

    def publish(
        self,
        topic: "Text",
        msg: "Any",
        retain: "bool" = False,
        qos: "int" = 0,
        dup: "bool" = False,
        length: "int | None" = None,
    ) -> "int | None":
        """Publish a message, now or when there is a connection [3.3]. The arguments are those of
        `umqtt2.MQTTClient.publish`.

        Returns the packet identifier that the status callback will be given, at QoS 0 None. A message at QoS
        0 without a connection is dropped, or kept with `keep_qos0`, but for one with `length`. Raises
        ValueError for what is not allowed, MQTTException(EFULL) or MQTTException(ESTORE) when the session
        store cannot take it, and nothing for a fault of the network.
        """
        if qos:
            return super().publish(topic, msg, retain, qos, dup, length)
        session: "Any" = self.session
        # What is kept goes first, to keep the order.
        if self.is_connected() and not (self.keep_qos0 and session.unsent()):
            try:
                return super().publish(topic, msg, retain, 0, False, length)
            except (OSError, MQTTException) as e:
                self.last_error = e
        if length is not None:
            return None
        name = topic_name(topic)
        msg = utf8(msg, "msg", LONGEST)
        if self.keep_qos0:
            session.add(0, PUBLISH | (1 if retain else 0), name, msg)
        return None

    # --- Reconnecting --------------------------------------------------------------------------------

    def _check(self, wait: "bool") -> "int | None":
        if not self._wanted:
            raise MQTTException(ECONNOT)
        first = None
        while self._wanted and not (first or self._busy):
            if self.is_connected():
                try:
                    first = super()._check(False)
                except (OSError, MQTTException) as e:
                    if self._theirs:
                        raise
                    self.last_error = e
                finally:
                    self._theirs = False
            if self._wanted and not self.is_connected():
                self._step()
            if not wait:
                break
            if not first:
                self._try(self._rest)
        return first

    def _rest(self) -> "None":
        # Nothing is to be done at the moment.
        if self.is_connected():
            self._connected().wait(READABLE, NAP)
        else:
            self._clock.sleep_ms(STEP)

    def _step(self) -> "None":
        # One step towards a connection.
        clock = self._clock
        now = clock.ticks_ms()
        if self._up:
            # A connection that did not last counts as a failure, or a broker that throws its clients
            # out would be called again and again.
            if clock.ticks_diff(now, self._since) >= self._longest():
                self._failures = 0
            self._later()
            self._tell(False)
        elif self._steps or clock.ticks_diff(now, self._since) >= 0:
            try:
                if self._steps:
                    self._awaits = next(self._steps)
                else:
                    self._start()
            except StopIteration:
                self._steps = None
                self._since = now
                self._tell(True)
            except BaseException as e:
                self._wanted = True
                self._steps = None
                self._close()
                if not isinstance(e, (OSError, MQTTException)):
                    raise
                self.last_error = e
                self._later()
                if _hopeless(e):
                    self._call(False)

    def _start(self) -> "None":
        body = self._begin(self._clean)  # ends what there was
        self._wanted = True
        self._awaits = 0
        self._steps = self._connecting(body)

    def _connecting(self, body: "bytes") -> "Generator[int, None, None]":
        # What connect() of the base does, in steps that do not wait.
        transport = self._connected()
        start = self._clock.ticks_ms()
        if hasattr(transport, "opening"):
            for _ in transport.opening(self._left(start)):
                yield 0
        else:
            transport.open(self._left(start))
        n = fixed_header(self._buf, CONNECT, len(body))
        packet = bytes(self._buf[:n]) + body
        n = offset = 0
        while offset < len(packet):
            n = transport.write(packet, len(packet) - offset, offset) or 0
            offset += n
            if not n:
                self._left(start)
                yield WRITABLE
        self._last_sent = self.last_ping = self._clock.ticks_ms()
        unsure = self._unsure
        self._unsure = True  # until CONNACK comes
        first = self._receive()
        while not first:
            self._left(start)
            yield READABLE
            first = self._receive()
        self._welcomed(first)
        self._unsure = unsure
        if self._clean:
            self.session.clear()
        self._resume(self._pid > 255)

    def _later(self) -> "None":
        # Set the time of the next attempt: exponential backoff with full jitter.
        chance = int.from_bytes(urandom(2), "big") / 65536
        wait = self._longest()
        if self.last_error and _hopeless(self.last_error):
            wait = int(self.backoff[1] * 500)
            wait += int(wait * chance)
        else:
            wait = int(wait * chance)
            self._failures += 1
        self._since = self._clock.ticks_add(self._clock.ticks_ms(), wait)

    def _longest(self) -> "int":
        # The longest time before the next attempt, in milliseconds.
        first, longest = self.backoff
        return int(min(longest, first * (1 << min(self._failures, 16))) * 1000)

    def _tell(self, up: "bool") -> "None":
        if self._up != up:
            self._up = up
            self._call(up)

    def _call(self, up: "bool") -> "None":
        if self.cbconnection:
            busy = self._busy
            self._busy = True
            try:
                self.cbconnection(up)
            finally:
                self._busy = busy

    # --- What must not raise -------------------------------------------------------------------------

    def _enqueue(
        self, qos: "int", first: "int", topic: "bytes", msg: "Payload | int | None"
    ) -> "int":
        old = 0
        if first & 0xF0 != PUBLISH and qos in (0, 1, 2) and hasattr(self.session, "replace"):
            old = self.session.replace(first, topic, msg)
        pid = old or self._new_pid(qos, first, topic, msg)
        if self.is_connected():
            try:
                self._try(self._drain)
            except BaseException:
                if not old:
                    self._forget(pid)
                raise
        return pid

    def _try(self, f: "Callable[[], None]") -> "None":
        try:
            f()
        except (OSError, MQTTException) as e:
            self.last_error = e

    # What the program's callbacks raise is the program's, whatever it is.

    def _deliver(self, first: "int") -> "None":
        self._theirs = True
        super()._deliver(first)
        self._theirs = False

    def _status(self, pid: "int", status: "int") -> "None":
        self._theirs = True
        super()._status(pid, status)
        self._theirs = False


def _hopeless(error: "Exception") -> "bool":
    # A certificate that does not verify is an OSError with a text in the place of a number; one that the
    # broker does not take is a number of mbedTLS. MicroPython on Unix has a text for unknown names too.
    number = error.args[0] if error.args else 0
    if isinstance(error, MQTTException):
        return number in HOPELESS
    return number == FATAL_ALERT or (isinstance(number, str) and not number.startswith("[addrinfo"))
