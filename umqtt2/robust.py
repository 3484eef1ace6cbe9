"""The client that reconnects by itself and loses nothing on the way.

Theory of operation. When to connect, and what a failure means, is the Reconnector's business: see `umqtt2.reconnect`
for its states. The client calls it once in each `check_msg`, and keeps these rules:

- The session store has the messages at QoS 1 and 2, and the topic filters, so a lost connection takes nothing with it.
- `request` gives a packet to the store first, and sends it only if there is a connection. So `publish` at
  QoS 1 and 2 raises, and the message is not taken, or it returns, and the message is kept until it is acknowledged.
- A fault of the network is never raised. It closes the connection, becomes `last_error`, and sets the time of the
  next attempt. What is not the network's is raised: MemoryError, a session store that cannot write, what a callback
  has raised.
- What waits goes first: while the store has something unsent, a message at QoS 0 that is to be kept goes behind it.

Limits: the store's. When it is full `publish` raises EFULL, and the program decides what to drop.
"""

from .client import MQTTClient as BaseClient
from .connection import CLOSED, GREETING, UP, units
from .constants import FIVE, SERVERS, STRICT
from .errno import ECONNOT, MQTTException
from .packets.fields import PUBLISH, check_callback
from .reconnect import NETWORK, Reconnector, keeping
from .start import WAIT_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .cpython.contracts import Network, ServerList, Text


class MQTTClient(BaseClient):
    """The client of `umqtt2` that reconnects automatically.

    `check_msg` connects again when the connection is lost, after random times that grow. It
    resumes the session, or renews the subscriptions when the broker has forgotten them, and sends
    what has waited. Neither `check_msg` nor `publish`, `subscribe`, `unsubscribe` and `connect` raise for a
    fault of the network; `last_error` has the last one, and a line is printed for each new reason.

    While there is no connection, messages at QoS 1 and 2 are kept in the session store and get their
    identifiers at once; the status comes when they are delivered. A full store raises
    MQTTException(EFULL). Once a subscription is sent it has `message_timeout` seconds of connected time to be answered.

    last_error  the OSError or MQTTException that ended the last connection, or the last attempt to
                make one; None before the first. Where there are several servers, its last argument says which
    """

    cbconnection: "Callable[[bool], object] | None" = None
    last_error: "BaseException | None" = None

    def __init__(
        self,
        client_id: "Text",
        server: "str | ServerList",
        port: "int" = 0,
        user: "Text | None" = None,
        password: "Text | None" = None,
        keepalive: "int" = 60,
        *args: "Any",
        backoff: "tuple[float, float]" = (1, 60),
        keep_qos0: "bool" = False,
        verbose: "bool" = True,
        network: "Network | None" = None,
        **more: "Any"
    ) -> "None":
        """
        The arguments of `umqtt2.MQTTClient`, but `keepalive` is 60 by default, and

        server     also a list of servers, each a name or (name, port), which are tried in turn; `server` and `port`
                   of the client are those of the connection, or of the next attempt; see `umqtt2.servers`
        backoff    seconds, the first and the longest: the n-th attempt to reconnect comes after a
                   random time between 0 and min(longest, first * 2 ** n), so that many clients of one
                   broker do not all come at once. After a refusal that no retry cures (credentials,
                   identifier, a certificate that does not verify) it is the longest, or half of it at
                   the least
        keep_qos0  True keeps messages at QoS 0 too while there is no connection; else they are dropped
        verbose    False prints nothing when the connection fails
        network    is brought up before each attempt, such as a `umqtt2.wifi.Wifi`; None where that is done elsewhere
        session    a store that keeps messages; by default a MemorySession
        """
        more["session"] = keeping(more.get("session"))
        super().__init__(client_id, server, port, user, password, keepalive, *args, **more)  # type: ignore[arg-type]
        if network:
            from .wifi import opener

            self.connection.opener = opener(network)
        self._reconnector = Reconnector(self, backoff)
        self.keep_qos0 = keep_qos0
        self.verbose = verbose

    def set_callback_connection(self, f: "Callable[[bool], object]") -> "None":
        """Have `f(up: bool)` called from within `check_msg` when the connection is there and when it is
        gone, and with False also after each attempt that was refused for good; `last_error` says why."""
        if STRICT:
            check_callback(f, "set_callback_connection")
        self.cbconnection = f

    def is_connected(self) -> "bool":
        """Return whether there is a connection, as far as is known."""
        return self.connection.state == UP

    def connect(self, clean_session: "bool" = False, eager: "bool" = True) -> "bool":
        """Begin to be connected, until `disconnect`. The first attempt is made here and now; when
        called from a callback, by the next `check_msg`, unless there is a connection or another time set.

        clean_session  True has the broker forget the session whenever the connection is lost: what is
                       published for the client meanwhile is lost, and QoS 2 is then at least once. The
                       default is not MQTTClient's
        eager          False has all that waits in the session store wait for the broker's answer, for a broker
                       that does not bear otherwise. With True what was never sent follows the CONNECT at
                       once [3.1.4]. It stays in the store until it is acknowledged, so a refusal loses nothing

        Returns True when the broker has resumed a session. Also when there is no connection yet, it
        returns, False: `check_msg` will go on. Raises ValueError as MQTTClient's does.
        """
        connection = self.connection
        connection.ready = GREETING if eager else UP
        if connection.in_callback:
            self._reconnector.begin_later(clean_session)
            return False
        reconnector = self._reconnector
        try:
            while True:
                reconnector.begin(clean_session)
                while connection.state not in (CLOSED, UP):
                    if reconnector.look() is None and connection.state:
                        connection.wait(WAIT_MS)
                if not (SERVERS and reconnector.enabled and reconnector.due < 0):
                    break  # else there is another server
        finally:
            connection.reraise()
        return connection.state == UP and connection.code > 255

    def disconnect(self) -> "None":
        """Leave the broker, and do not reconnect. What waits in the session store stays there."""
        super().disconnect()
        self._reconnector.end()
        if not self.connection.in_callback:
            self.connection.reraise()

    def request(self, first: "int", topic: "bytes", msg: "Any") -> "int":
        """As MQTTClient's, now or when there is a connection. Raises MQTTException(EFULL) or
        MQTTException(ESTORE) when the session store cannot take it, and nothing for a fault of the network. What
        waits goes first, to keep the order. Without a connection a ping is dropped, and so is a message at QoS
        0, unless `keep_qos0` keeps it; a stream at QoS 0 is not kept."""
        connection = self.connection
        session = self.session
        pid = 0
        connection.enter()
        try:
            if FIVE and connection.packets.five:
                topic = connection.packets.check(connection, first, topic, msg)
            up = connection.state == UP
            kept = first & 6  # QoS 1 and 2; SUBSCRIBE and UNSUBSCRIBE have it, too
            wanted = self.keep_qos0 and first and not hasattr(msg, "rewind") and not (up and not session.has_unsent)
            if kept or wanted:
                pid = session.add(first, topic, msg, connection.now(), units(self.message_timeout, "message_timeout"))
            if up:
                try:
                    self.hand_over(first, topic, msg, pid)
                except BaseException as e:
                    connection.close()
                    self._reconnector.failed(e)
                    if not isinstance(e, NETWORK):
                        # A wish stays: an earlier one for the same filter has its identifier.
                        if pid and first & 0xF0 == PUBLISH:
                            session.remove(pid)
                        raise
        finally:
            connection.busy = False
        return pid if kept else 0

    def check_msg(self, wait: "bool" = False) -> "int | None":
        """Process one packet from the broker, or what has come of it, or take one step towards a connection, and
        return at once. See MQTTClient's. Raises MQTTException(ECONNOT) before `connect` and after `disconnect`,
        and what a callback raises, but nothing for a fault of the network."""
        if wait or self.socket_timeout is None:
            return self.wait_msg()
        return self._take_step() or None

    def wait_msg(self) -> "int | None":
        """Wait for one packet from the broker, for ever if need be, and process it; see `check_msg`."""
        connection = self.connection
        first = None
        while not first:
            first = self._take_step()
            if connection.in_callback or not self._reconnector.enabled:
                break
            if first is None:
                if connection.state:
                    connection.wait(WAIT_MS)
                else:
                    self.clock.sleep_ms(max(1, min(WAIT_MS, self._reconnector.pause_ms())))
        return first

    def _take_step(self) -> "int | None":
        connection = self.connection
        if connection.in_callback:
            return None
        if not self._reconnector.enabled:
            raise MQTTException(ECONNOT)
        try:
            return self._reconnector.look()
        finally:
            connection.reraise()
