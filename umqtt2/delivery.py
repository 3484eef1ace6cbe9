"""The client with QoS 2, and with session stores that keep messages to send them again."""

from .client import MQTTClient as BaseClient
from .errno import SFAILED, malformed
from .packets.ack import ack
from .packets.fields import utf8
from .packets.publish import LONGEST
from .packets.topic import topic_filter, topic_name
from .packets.types import PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, SUBSCRIBE
from .session.exact import ExactSession

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .hosted.contracts import Payload, Text

AT_ONCE = 8  # packets that wait in the store and are sent by one call, at the most


class MQTTClient(BaseClient):
    """The client of `umqtt2.client` with QoS 2 [4.3.3], where the session store knows it; the one that it
    has by default does.

    With a store that keeps messages (`umqtt2.session.memory`, `umqtt2.session.file`) a message that
    `publish` took is sent again after each `connect` until it is acknowledged: its status is SDELIVERED
    in the end, never STIMEOUT. Do not publish it again. When `publish` raises, it was not taken.

    Attributes and methods whose names begin with _ are the client's: a subclass has names without.
    """

    _Session = ExactSession
    # Whether the broker knows our subscriptions is not known, even if it has a session: at the start of the
    # program, and when a CONNACK may have been lost that said that it had forgotten them.
    _unsure = True
    _doubt = False  # it was so when this connection began
    _checked = b""  # the topic that came last
    _large = 0  # bytes of the payload that is being published from a stream
    _pieces: "Any" = None  # a umqtt2.pieces.Receiver

    def connect(self, clean_session: "bool" = True) -> "bool":
        """Connect to the broker, leaving it first if need be [3.1, 3.2]; and send again what the session
        store has kept, from the next `check_msg` on [4.4].

        clean_session  False asks the broker to keep subscriptions and what is in flight for next time

        Returns True when the broker has resumed a session. Raises MQTTException with one of the ECON
        numbers when the broker refuses or does not answer, OSError when it cannot be reached, and
        ValueError, before anything is sent, when what the client was made with is not allowed.
        """
        try:
            present = super().connect(clean_session)
        except BaseException:
            self._unsure = True
            raise
        self._resume(present)
        return present

    def publish(
        self,
        topic: "Text",
        msg: "Any",
        retain: "bool" = False,
        qos: "int" = 0,
        dup: "bool" = False,
        length: "int | None" = None,
    ) -> "int | None":
        """Publish a message [3.3].

        topic   topic name, str or bytes, without wildcards
        msg     payload, str (sent as UTF-8) or bytes; with `length` a stream
        retain  True has the broker keep it for later subscribers [3.3.1.3]
        qos     0, 1 or 2 [4.3]
        dup     True marks a message that was sent before; without effect at QoS 0 [MQTT-3.3.1-2]
        length  the payload is that many bytes read from `msg`, an open file or anything else with
                `readinto`

        Returns None at QoS 0, otherwise the packet identifier that the status callback will be given.
        Raises ValueError for a topic or qos that is not allowed, and MQTTException(EFULL) or
        MQTTException(ESTORE) when the session store cannot take it.

        With `length` it returns when all of it was handed to the transport. A store that keeps messages
        keeps the stream, which must stay open until there is a status; after a reconnect it is sent again
        from where it stood, if it has `seek` and `tell`, or else gets the status STIMEOUT. Raises
        ValueError when the stream fails or is shorter; the connection is then closed.
        """
        if length is None and not (qos and hasattr(self.session, "unsent")):
            return super().publish(topic, msg, retain, qos, dup)
        name = topic_name(topic)
        first = PUBLISH | (1 if retain else 0)
        if qos:
            first |= qos << 1 | (8 if dup else 0)
        if length is None:
            return self._enqueue(qos, first, name, utf8(msg, "msg", LONGEST))
        from .pieces import Source

        msg = Source(msg, length)
        self._large = length
        pid = 0
        try:
            if qos and hasattr(self.session, "unsent"):
                if not getattr(self.session, "streams", False):
                    raise ValueError("length: not with this session store")
                pid = self._enqueue(qos, first, name, msg)
                msg.taken = True
                return pid
            self._connected()
            if qos:
                pid = self._new_pid(qos, first, name, msg)
            self._send_message(first, name, msg, pid, pid)
        finally:
            self._large = 0
        return pid or None

    def set_callback_pieces(self, f: "Callable[[bytes, Any, int, int], object]", *filters: "Text") -> "None":
        """Have messages to the topic filters given to `f(topic: bytes, piece: memoryview, offset: int, total:
        int)`, from the next `connect` on, and not to the other callback. For payloads larger than the memory.

        `piece` is part of a buffer that is used again: use it before calling a method of the client, and do
        not keep it. A message of more than `max_packet` bytes comes in pieces of up to 128 bytes and is never
        whole in memory; a shorter one is one piece, if there is memory for it: choose `max_packet` so that
        there is. It is complete when `offset + len(piece) == total`.

        It is acknowledged after that. If `f` raises, the rest is not given to it, the exception reaches the
        caller of `check_msg`, and the broker delivers again after a reconnect to the same session. When the
        connection breaks, too: `offset` is then 0 again. Do not end the connection in `f`; raise instead.
        """
        from .pieces import Receiver

        self._pieces = Receiver(f, tuple([topic_filter(one) for one in filters]))

    def subscribe(self, topic: "Text", qos: "int" = 0) -> "int":
        """Subscribe to a topic filter [3.8].

        topic  topic filter, str or bytes
        qos    the highest QoS to receive: 0, 1 or 2

        Returns the packet identifier that the status callback will be given, with SDELIVERED or
        SFAILED. Raises ValueError for a filter or qos that is not allowed, or when there is no
        callback for messages yet.
        """
        if self._pieces:
            return self._request(SUBSCRIBE, topic, qos or 0)
        return super().subscribe(topic, qos)

    # --- Receiving -----------------------------------------------------------------------------------

    def _begin(self, clean: "bool") -> "bytes":
        body = super()._begin(clean)
        if self._pieces:
            self._pieces.tap(self)
        return body

    def _deliver(self, first: "int") -> "None":
        if not (self._pieces and self._pieces.deliver(self)):
            super()._deliver(first)

    def _dispatch(self, first: "int") -> "None":
        pid = self._pid
        session: "Any" = self.session
        topic = self._topic
        if first & 0xF0 == PUBLISH and topic and topic != self._checked:
            try:
                self._checked = topic_name(topic)
            except ValueError:
                self._close()
                raise malformed("PUBLISH to a topic that is no name")
        if not hasattr(session, "received"):
            super()._dispatch(first)
        elif first == PUBREC:
            session.received(pid)
            self._answer(PUBREL, pid)
        elif first == PUBREL:
            session.released(pid)
            self._answer(PUBCOMP, pid)
        elif first & 0xF4 == PUBLISH | 4:
            # In doubt, what is not marked as a repetition is a message of another session.
            if session.duplicate(pid) and (first & 8 or not self._doubt):
                self._topic = self._payload = None
                self._unacked = pid
            else:
                feed = self._feed
                self._deliver(first)
                # The callback has it, also when the connection has not survived that.
                if self._unacked or (self.cb and (not self._open or self._feed is feed)):
                    session.delivered(pid)
            if self._unacked:
                self._answer(PUBREC, pid)
        else:
            if first == SUBACK and hasattr(session, "renewed"):
                refused = self._payload > 2
                renewed = session.renewed(pid)
                if refused:
                    session.refused(pid)
                if renewed:
                    # The program has not asked for it and hears only of a failure.
                    session.done(pid)
                    if refused:
                        self._status(pid, SFAILED)
                    return
            super()._dispatch(first)

    def _tend(self) -> "None":
        super()._tend()
        if self._open:
            self._drain()

    # --- Sending -------------------------------------------------------------------------------------

    def _new_pid(
        self, qos: "int", first: "int", topic: "bytes", msg: "Payload | int | None"
    ) -> "int":
        if qos == 2 and hasattr(self.session, "received"):
            qos = 1  # as far as the base is concerned
        return super()._new_pid(qos, first, topic, msg)

    def _request(self, first: "int", topic: "Text", qos: "int | None") -> "int":
        if not hasattr(self.session, "unsent"):
            return super()._request(first, topic, qos)
        return self._enqueue(qos or 0, first, topic_filter(topic), qos)

    def _enqueue(
        self, qos: "int", first: "int", topic: "bytes", msg: "Payload | int | None"
    ) -> "int":
        # Give a packet to the store, and send what waits there.
        self._connected()
        pid = self._new_pid(qos, first, topic, msg)
        try:
            self._drain()
        except BaseException:
            self._forget(pid)
            raise
        return pid

    def _forget(self, pid: "int") -> "None":
        # Take out of flight what was not sent.
        session: "Any" = self.session
        if hasattr(session, "refused"):
            session.refused(pid)
        session.done(pid)

    def _deadline(self) -> "int":
        # A large payload takes its time.
        return self._clock.ticks_add(super()._deadline(), self._large >> 3)

    def _send_message(self, first: "int", name: "bytes", msg: "Any", pid: "int", forget: "int") -> "None":
        if hasattr(msg, "send"):
            msg.send(self, first, name, pid, forget)
        else:
            super()._send_message(first, name, msg, pid, forget)

    def _drain(self) -> "None":
        # Send some of what waits in the store, in its order.
        session: "Any" = self.session
        if not hasattr(session, "unsent"):
            return
        for _ in range(AT_ONCE):
            packet = session.unsent()
            if not packet:
                return
            pid = packet[0]
            first = packet[1]
            qos = first & 6
            if not first:
                self._answer(PUBREL, pid)
            elif first & 0xF0 == PUBLISH:
                self._send_message(first, packet[2], packet[3], pid if qos else 0, 0)
            else:
                self._send_request(first, packet[2], packet[3], pid, 0)
            session.sent(pid, self._deadline())
            if first & 0xF0 == PUBLISH and not qos:
                session.done(pid)

    def _answer(self, first: "int", pid: "int") -> "None":
        self._send(self._buf, ack(self._buf, first, pid))

    def _resume(self, present: "bool") -> "None":
        session: "Any" = self.session
        if hasattr(session, "resume"):
            session.resume(present)
            if present and self._unsure and hasattr(session, "renew"):
                session.renew()
        self._doubt = present and self._unsure
        self._unsure = False
