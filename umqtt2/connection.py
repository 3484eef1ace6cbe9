"""The connection to a broker: the only place where one is made, read, written and ended.

Theory of operation. A Connection holds a transport, a session store and the packets of a protocol version. `step()`
does what can be done now, and never waits; whoever owns the Connection decides when to call it again.

             start()            CONNECT is sent            CONNACK accepts          leave()
    CLOSED ----------> OPENING -----------------> GREETING ----------------> UP ---------------> LEAVING
      ^                   |                          |                       |                      |
      +-------------------+--------------------------+-----------------------+----------------------+
        anything is raised, or close(); from LEAVING also when the broker has closed, or after a second
        leave() is possible from GREETING, too

- OPENING is the transport's business (name, TCP, TLS) up to the CONNECT. OPENING and GREETING may take
  `socket_timeout` each. Where the client has a network to bring up, OPENING begins with that, and its time
  afterwards. Of the time between two steps at most an eighth of `socket_timeout` counts, so a program that looks
  once in ten seconds connects, too.
- Where the client is eager, what the session store allows is sent in GREETING: what was never sent need not
  wait for the CONNACK [3.1.4]. So a device that wakes, publishes and sleeps waits for one answer, not two.
- A packet leaves through one slot: what the transport does not take at once stands there until a later step, or
  `flush()`, has sent it. While something stands in the slot nothing is read, so every packet that comes can be
  answered. What stands there for `socket_timeout` ends the connection.
- One packet that comes is one step: take its bytes, change the session's state, call the program, answer. What
  the program's callbacks raise is kept in `raised`, and the client raises it when the step is done. Whatever
  else is raised on the way closes the connection, so that the broker sends again what was not acknowledged.
- What comes and what goes have a buffer each, which no callback sees.
- `enter()` lets one caller at a time in; who comes in between, from an interrupt or another thread, gets EBUSY.
  While a callback runs, everybody may come in.
- Time is counted in units of 64 ms by `now()`, which does not wrap. No other place compares the clock's ticks.
"""

from .constants import (
    CHECKS,
    EAGER,
    FIVE,
    NETWORKS,
    ONE_WRITE,
    PLAIN,
    POLL_MS,
    READABLE,
    STORES,
    STREAMING,
    STRICT,
    WRITABLE,
)
from .errno import (
    EBUSY,
    ECONCLOSE,
    ECONLENGTH,
    ECONNOT,
    ECONTIMEOUT,
    EKEEPALIVE,
    SDROPPED,
    SOVERSIZE,
    STIMEOUT,
    MQTTException,
    malformed,
)
from .packets.decoder import SMALL, decode
from .packets.fields import (
    CONNACK,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBLISH,
    PUBLISH_HEAD,
    PUBREC,
    PUBREL,
    ack,
    check_count,
    topic_name,
)
from .packets.v311 import refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator

    from .cpython.contracts import Clock, MessageCallback, Packets, Session, StatusCallback, Transport
    from .streaming import ChunkReceiver

# What `state` may be.
CLOSED = 0
OPENING = 1
LEAVING = 2
GREETING = 3
UP = 4

READS = 64  # that one step makes at the most
AT_ONCE = 10  # packets of the session that one step sends at the most
BEHIND = 4688  # units of time, 300 s: so long at the most the program's reading may lag behind
UNIT_BITS = 6  # a unit of time is 64 ms
TICKS = 0xFFFFFF  # what the clock's ticks, which begin again at 2 ** 30, count of units: 12.4 days
FOREVER = 8388608  # units of time; 2 ** 23
LONGEST_S = 4000000  # seconds, 46 days
LEAVE = 16  # units of time for the broker to close after a DISCONNECT: a second


def units(seconds: "float", name: "str") -> "int":
    """Return a time in units of 64 ms, as many as surely last so long.

    seconds  0 to LONGEST_S
    name     of the argument that has it

    Raises TypeError or ValueError, with the name, for what is no number of seconds that makes sense.
    """
    if not isinstance(seconds, (int, float)):
        raise TypeError("%s: not a number but %s" % (name, type(seconds).__name__))
    if not 0 <= seconds <= LONGEST_S:
        raise ValueError(name + ": not 0 to 4,000,000 seconds")
    return (int(seconds * 1000) >> UNIT_BITS) + 2  # never early: both ends of a time are rounded down


class Connection:
    """A connection of one client at a time; `start` begins another one.

    state       CLOSED, OPENING, LEAVING, GREETING or UP
    ready       the state in which packets may be sent: UP, or GREETING for those that do not wait for the
                CONNACK; the client sets it
    session     the session store; see `umqtt2.session`
    packets     the protocol version; see `umqtt2.packets`
    transport   of the current connection, None when closed
    opener      called with the transport's `opening`; returns what is called in its place. While its steps yield True,
                `socket_timeout` has yet to begin. None for none; the owner sets it
    code        what the broker answered last: of a SUBACK the QoS granted, or more than 2 when refused; of a
                CONNACK its return code, plus 256 when it has resumed a session
    pending     bytes of a packet that the transport has yet to take
    half        units of time, half of the keepalive; 0 for none
    since, last_in
                when the connection came up, and when its last packet came, as `now()` tells
    timeout     units of time that a packet identifier may wait for its acknowledgement; the owner's
    cb          called with topic, payload, retain, dup for each message, or None
    late        True: cb is called with first byte, topic, payload and packet identifier in their place, and who
                set it calls `mark_received` and `send_ack` later; it may not raise for what the program does
    cbstat      called with packet identifier and status, or None
    in_callback  one of them runs
    raised      what a callback has raised, for the client to raise; None for nothing
    chunks      a ChunkReceiver, or None
    paused      nothing is read while connected; the owner sets it
    disconnect_packet
                the DISCONNECT that is sent next
    closed_error  the error number for a broker that closes
    unanswered  CONNECTs without a CONNACK. More than the last one, and the broker may have a new session without
                our knowledge. At the start nothing is known, either
    """

    state = CLOSED
    if EAGER:
        ready = UP
    code = 0
    pending = 0
    half: "int"
    timeout: "int"
    transport: "Any" = None
    opener: "Callable[[Any], Callable[[int], Generator[object, None, None]]] | None" = None
    cb: "MessageCallback | None" = None
    late = False
    cbstat: "StatusCallback | None" = None
    chunks: "ChunkReceiver | None" = None
    in_callback: "bool"
    raised: "BaseException | None"
    busy = False  # a method is at work
    ping_sent = 0  # 2 when nothing has come since, 1 until PINGRESP comes
    unanswered = 1
    paused = False
    disconnect_packet = DISCONNECT
    closed_error = ECONCLOSE
    _steps: "Generator[object, None, None] | None" = None  # of the transport, while it opens
    _next = b""  # the CONNECT or DISCONNECT, until it is sent
    _payload: "Any" = None  # what follows the buffer in the slot
    _last_topic = b""  # of the last message whose topic was checked
    _stalled = False  # the transport took nothing, the last time
    _session_lost = False  # the broker has a new session, and the store does not know yet
    _checked = 0  # when the timers were looked at
    _all_read: "int"  # when there was nothing left to read: what came before that was processed

    # What the decoder leaves here.
    want: "int"
    pid: "int"
    topic: "bytes | None"
    payload: "Any"
    feed: "Any" = None  # gives bytes to the decoder; another one for each connection, None when closed

    def __init__(
        self, session: "Session", packets: "Packets", max_packet: "int", clock: "Clock"
    ) -> "None":
        """session, packets: see above; max_packet: bytes; clock: MicroPython's `time`, or a stand-in.
        Raises ValueError for a `max_packet` that is not an int from 1."""
        if STRICT:
            check_count(max_packet, "max_packet")
        self.session = session
        self.packets: "Any" = packets
        self.max_packet = max_packet
        self._clock = clock
        self._now = clock.ticks_ms() >> UNIT_BITS
        self._in = bytearray(SMALL)
        self._out = bytearray(ONE_WRITE)
        # The more attributes there are, the larger the piece of memory for them, and the fewer such
        # pieces are left later: those that the decoder sets have their place from now on. What is looked at
        # often is found sooner here than in the class.
        self.topic = self.payload = self.raised = None
        self.in_callback = False

    # --- Making and ending ---------------------------------------------------------------------------

    def start(self, transport: "Transport", hello: "bytes", keepalive: "int", limit: "int") -> "None":
        """Begin to connect; `step` does the rest. Nobody else may be in, and the state is CLOSED.

        hello      the CONNECT
        keepalive  seconds, as in the CONNECT
        limit      units of time for opening, and as many for the CONNACK

        Raises OSError when the transport opens at once, and fails.
        """
        self._limit = limit
        self.half = keepalive * 500 >> UNIT_BITS
        self._next = hello
        self.feed = self._start_decoder()
        if STREAMING:
            if self.chunks:
                self.feed = self.chunks.tap(self, self._in, self.feed)
        # A transport that fails to open here leaves nothing open, and the state is CLOSED.
        opening = getattr(transport, "opening", transport.open)
        if NETWORKS and self.opener:
            opening = self.opener(opening)
        # A little less: what the transport raises says more. None from open().
        self._steps = opening(-1 if limit == FOREVER else limit - 2 << UNIT_BITS)
        self._start_timer()
        if EAGER and not STORES:
            self.session.resume(False, False, 0)  # it needs to know nothing of the CONNACK
        self.transport = transport
        self.state = OPENING

    def _start_decoder(self) -> "Callable[[int], int]":
        decoder = decode(self, self._in, self.max_packet, self.packets)
        next(decoder)
        return decoder.send

    def close(self, by_broker: "bool | None" = False) -> "None":
        """End the connection, whatever its state. Raises nothing, and needs no memory.

        by_broker  the broker has ended it; None: and said that no packet is the reason
        """
        if STORES:
            was = self.state
        transport = self.transport
        self.state = CLOSED
        self.pending = 0
        self.transport = self.feed = self._steps = self._payload = None
        if transport:
            transport.close()
        if STORES and was >= GREETING:
            # What was sent before the CONNACK is not why the broker refuses a client.
            self.session.on_close(by_broker if was == UP else None)

    def leave(self) -> "None":
        """Begin to leave, if there is a connection [3.14]: `step` sends DISCONNECT, then reads and discards until
        the broker closes. Data that is not read would make TCP destroy what the broker has yet to read,
        DISCONNECT included."""
        if self.state < GREETING:
            self.close()
        else:
            if STORES:
                self.session.on_close(None)
            self._next = self.disconnect_packet if FIVE else DISCONNECT
            self._deadline = self.now() + min(LEAVE, self._limit)
            self.state = LEAVING

    # --- Steps ---------------------------------------------------------------------------------------

    def step(self) -> "int | None":
        """Do what can be done now: connect, read and process one packet, answer, send what waits, ping.

        Returns the first byte of the packet that was processed, 0 when there may be more to do at once, None
        when there is not.

        Raises MQTTException and OSError; the connection is closed then. What a callback raises is left
        in `raised`.
        """
        self.enter()
        try:
            first = self._work()
        except BaseException:
            self._give_up()
            raise
        self.busy = False
        return first

    def _give_up(self) -> "None":
        # Close and let others in. Needs no memory.
        try:
            self.close()
        finally:
            self.busy = False  # whatever comes amid that: Ctrl-C, what a transport of the program raises

    def _read(self) -> "int | None":
        # Take what has come. Return the first byte of a complete packet, None when nothing more is
        # there now, or 0 when something may be: it can be inside TLS, where no wait would see it.
        first: "int | None" = -READS  # below 0: how often to read yet
        if STORES and self.paused and self.state == UP:
            self.ping_sent = 0  # its answer cannot be seen
            first = None
        if STREAMING:
            feed = self.feed
        while (not STORES or first is not None) and first < 0:  # type: ignore[operator]
            n = self.transport.readinto(self._in, self.want)
            if not n:
                if n is None:
                    first = None
                    self._all_read = self._now
                    break
                self.close(True)
                raise MQTTException(self.closed_error if FIVE else ECONCLOSE)
            if self.ping_sent:
                self.ping_sent = 1
            first = self.feed(n) or first + 1  # type: ignore[operator]
            if STREAMING:
                if self.raised or self.feed is not feed:  # a callback for chunks raised, or left
                    first = max(first, 0)
        return first

    def _work(self) -> "int | None":
        first: "int | None"
        if self.state >= GREETING:
            if STORES:
                state = self.state
            # When the step began counts below, too: `_now` goes on while callbacks run. Where none is called before
            # `_dispatch` keeps it, there is a variable less: see LEAN in tools/device/inline.py, and so the order here.
            if STREAMING:
                now = self.now()
            else:
                self.now()
            if not self.pending or self.flush():
                first = self._read()
                if first:
                    first = self._dispatch(first, now if STREAMING else self._now)
            else:
                first = None
            if not STREAMING:
                now = self.last_in if first else self._now
            if self.state == UP:
                if now != self._checked:
                    self._check_timers(now)
            elif self.state == GREETING:
                self._check_limit()
            if STORES and self.state == state and self.session.has_unsent and not (PLAIN and self.raised):
                self.drain()
        else:
            first = self._open_or_leave()
        return first

    def _open_or_leave(self) -> "int | None":
        if not self.state:
            raise MQTTException(ECONNOT)
        if self.state == OPENING:
            first = self._keep_opening()
        else:
            first = self._discard()
        return first

    def _keep_opening(self) -> "int | None":
        first: "int | None" = None
        for waiting in self._steps or ():
            if NETWORKS and waiting:
                self._start_timer()
            break  # one step of the transport
        else:
            self._steps = None
            if STORES and self._next:
                self.unanswered += 1
            self._send_next()
            if not self.pending:
                self.state = GREETING
                self._start_timer()
                first = 0
        if first is None:
            self._check_limit()
        return first

    def _discard(self) -> "int | None":
        # Read what comes until the broker closes, or takes too long.
        n: "int | None" = 0
        try:
            self._send_next()
            n = self.transport.readinto(self._in, SMALL)
        except (OSError, MQTTException):
            pass
        if n == 0 or self.now() >= self._deadline:
            self.close()
        return 0 if n else None

    def _send_next(self) -> "None":
        # Send what stands in the slot, then CONNECT or DISCONNECT.
        packet = self._next
        if (not self.pending or self.flush()) and packet:
            self._next = b""
            self.send(packet, len(packet))

    def _check_connack(self, first: "int", now: "int") -> "None":
        # Raise unless the packet is a CONNACK that accepts.
        if first != CONNACK:
            raise MQTTException(ECONLENGTH)
        code = self.code & 255
        if code:
            raise refusal(code)
        self.since = self.last_out = self.last_ping = self._all_read = now
        if not STORES:
            if not EAGER:
                self.session.resume(False, False, now)
        else:
            # A session whose loss could not be processed, for want of memory, stays lost.
            self._session_lost = lost = self._session_lost or self.code < 256
            self.session.resume(not lost, self.unanswered > 1, now)
            self.unanswered = 0
            self._session_lost = False
        self._checked = now
        self.ping_sent = 0
        self.state = UP

    # --- Packets that come ---------------------------------------------------------------------------

    def _dispatch(self, first: "int", now: "int") -> "int":
        # What the program is told, if anything: a callback and its arguments, which stand here for messages and
        # statuses alike because a call of a method takes long.
        f: "Any"
        a: "Any"
        b: "Any"
        c: "Any"
        d: "Any"
        f = c = d = None
        answer = 0  # the acknowledgement to send after that
        a = pid = self.pid
        feed = self.feed
        self.last_in = now
        if self.state == GREETING:
            self._check_connack(first, now)
            first = 0  # the program asks for what comes after it
        elif first & 0xF0 == PUBLISH:
            # The program has had a message when its callback has returned or raised. It is then acknowledged, on
            # the connection that it came on.
            a = self.topic
            b = self.payload
            self.topic = self.payload = None
            answer = pid and (PUBREC if STORES and first & 4 else PUBACK)
            self._check_message(first)
            # Is it for the callback for chunks, or a repetition?
            if not (
                (STREAMING and self.chunks is not None and self.chunks.finish(self, first, a, b))
                or (STORES and first & 4 and not self.session.is_new(pid, a, b))
            ):
                if a is None or b is None:
                    f = not PLAIN or self.cbstat
                    a = 0
                    b = SOVERSIZE
                    self._say_too_large(f)
                elif (PLAIN and not self.cb) or (STORES and not self.is_name(a)):
                    f = not PLAIN or self.cbstat
                    a = 0
                    b = SDROPPED
                elif STORES and (not PLAIN or self.late):
                    self.cb(first, a, b, pid)  # type: ignore[misc, arg-type]
                    return first
                else:
                    f = self.cb
                    c = first & 1 != 0
                    d = first & 8 != 0
        elif first == CONNACK:
            raise malformed("a second CONNACK")
        elif first != PINGRESP:
            b = self.session.on_packet(first, pid, self.code)
            if STORES and (b is None or b > 15):  # a packet; no status is as large
                answer = b or 0
            else:
                f = not PLAIN or self.cbstat
        if f:
            if PLAIN:
                self.call(f, a, b, c, d)
            else:
                self.cbstat(a, b)  # type: ignore[misc]
        self._send_answer(answer, pid, feed)
        return first

    def _check_message(self, first: "int") -> "None":
        if not STORES:
            if first & 4:
                raise malformed("PUBLISH with a QoS that was not asked for")

    def _say_too_large(self, told: "object") -> "None":
        if CHECKS and not told:
            print("umqtt2: message lost: too large, see max_packet")

    def _send_answer(self, answer: "int", pid: "int", feed: "Any") -> "None":
        # Send an acknowledgement, if there is one to send, on the connection that it is for.
        if STORES and answer == PUBREC:
            self.session.mark_received(pid)
        if answer and self.state == UP and self.feed is feed:
            self.send_ack(answer, pid)

    def is_name(self, topic: "bytes") -> "bool":
        """Return whether a message may have this topic: there are brokers that send others."""
        if topic != self._last_topic:
            try:
                self._last_topic = topic_name(topic)
            except ValueError:
                return False
        return True

    # --- What the program is told --------------------------------------------------------------------

    def tell_status(self, pid: "int", status: "int") -> "None":
        """Give a packet identifier and its status to the status callback."""
        if not PLAIN:
            self.cbstat(pid, status)  # type: ignore
        elif self.cbstat:
            self.call(self.cbstat, pid, status)

    def call(
        self, f: "Callable[..., object]", a: "Any", b: "Any" = None, c: "Any" = None, d: "Any" = None
    ) -> "None":
        """Call a callback with one, two or four arguments; what it raises is left in `raised`. Nothing else
        calls callbacks."""
        was = self.in_callback
        self.in_callback = True
        self.busy = False
        try:
            # Written out: *args would take memory for each message.
            if c is not None:
                f(a, b, c, d)
            elif b is not None:
                f(a, b)
            else:
                f(a)
        except BaseException as e:
            self.raised = e
        self.in_callback = was
        while self.busy:  # another thread came in meanwhile, and is sending
            self._clock.sleep_ms(1)
        self.busy = True

    def reraise(self) -> "None":
        """Raise what a callback has raised, if there is anything."""
        error = self.raised
        if error:
            self.raised = None
            raise error

    # --- Time ----------------------------------------------------------------------------------------

    def now(self) -> "int":
        """Return the time in units of 64 ms. It does not wrap: its lower bits are those of the clock."""
        was = self._now
        self._now = now = was + ((self._clock.ticks_ms() >> UNIT_BITS) - was & TICKS)
        return now

    def _start_timer(self) -> "None":
        self._looked = self.now()
        self._time_left = self._limit

    def _check_limit(self) -> "None":
        # Raise when `socket_timeout` is over, counting only time in which the program looked.
        now = self.now()
        self._time_left -= min(now - self._looked, (self._limit >> 3) + 1)
        self._looked = now
        if self._time_left <= 0:
            raise MQTTException(ECONTIMEOUT)

    def _check_timers(self, now: "int") -> "None":
        session = self.session
        self._all_read = max(self._all_read, now - BEHIND)
        while not (PLAIN and (self.raised or (STORES and self.state != UP))):
            pid = session.expired(self._all_read)
            if not pid:
                break
            self.tell_status(pid, session.status if STORES else STIMEOUT)
        quiet = now - max(self.last_ping, min(self.last_out, self.last_in))
        if self.ping_sent > 1:
            # The next look will come when as much time has passed as since the last one: that may be too late.
            quiet += now - self._checked
        self._checked = now
        if self.half and self.state == UP and quiet >= self.half:
            if self.ping_sent > 1:
                raise MQTTException(EKEEPALIVE)
            self.ping()

    def wait(self, ms: "int") -> "None":
        """Wait until the next step may find something to do, at most `ms` milliseconds, nor longer than
        `_check_limit` counts."""
        ms = min(ms, self._limit << UNIT_BITS - 3)
        transport = self.transport
        opening = self._steps
        if opening or not transport:
            # Not everywhere, and not for all that a transport does then, can it be waited for.
            self._clock.sleep_ms(min(ms, POLL_MS))
        if transport:
            transport.wait(WRITABLE if self.pending or opening else READABLE, ms)

    # --- Packets that go -----------------------------------------------------------------------------

    def enter(self) -> "None":
        """Let the caller in, who sets `busy` to False at the end; raises MQTTException(EBUSY) when somebody else
        is in: an interrupt or another thread came amid a call."""
        if PLAIN:
            busy = self.busy
            self.busy = True
            if busy:
                raise MQTTException(EBUSY)

    def check_free(self) -> "None":
        """Raise what `enter` would raise."""
        if PLAIN:
            if self.busy:
                raise MQTTException(EBUSY)

    def drain(self, own: "int" = 0) -> "None":
        """Send some of what waits in the session, in its order, as far as the transport takes it.

        own  the packet identifier of the request that is made now, or 0. What the stream of another message
             raises, and that it cannot be sent again, is not for the caller of that: it waits for the next `step`
        """
        session = self.session
        # Before the CONNACK twice as many: nobody looks again until the broker answers.
        for _ in range(AT_ONCE << UP - self.state):
            if self.pending or self.state < self.ready:
                break
            packet = session.unsent()
            if not packet:
                break
            pid = packet[0]
            first = packet[1]
            if FIVE and self.packets.five and first != PUBREL and self.packets.holds(own, packet):
                break
            if first & 0xF0 == PUBLISH:
                if STREAMING:
                    if hasattr(packet[3], "rewind"):
                        if (own and own != pid) or self.state != UP:
                            break
                        if not packet[3].rewind(own):
                            session.remove(pid)
                            self.tell_status(pid, STIMEOUT)
                            break
                self.send_message(first, packet[2], packet[3], pid if first & 6 else 0)
            elif first == PUBREL:
                self.send_ack(first, pid)
            else:
                self.send_request(first, packet[2], packet[3], pid)
            session.sent()

    def send(self, buf: "bytes | bytearray", n: "int") -> "None":
        """Give a packet to the transport: `n` bytes of `buf`, and `_payload` behind it. What is not taken at once
        stands in the slot."""
        self.last_out = self._now
        taken = self.transport.write(buf, 0, n) or 0
        if taken < n or self._payload is not None:
            self._buffer = buf
            self._offset = taken
            self.pending = n - taken
            self._stalled = False
            self.flush()

    def send_message(self, first: "int", topic: "bytes", msg: "Any", pid: "int") -> "None":
        """Send a PUBLISH; its payload may be a StreamPayload. Nothing may be `pending`."""
        n = len(topic) + PUBLISH_HEAD
        buf = self._out if n < ONE_WRITE else bytearray(n)
        size = len(msg)
        n = self.packets.publish(buf, topic, size, first, pid)
        end = n + size
        if end <= ONE_WRITE and not (STREAMING and hasattr(msg, "rewind")):
            buf[n:end] = msg
            n = end
        else:
            self._payload = msg
        self.send(buf, n)

    def send_request(self, first: "int", topic: "bytes", qos: "int", pid: "int") -> "None":
        """Send a SUBSCRIBE or UNSUBSCRIBE. Nothing may be `pending`."""
        request = self.packets.subscribe(first, pid, topic, qos)
        self.send(request, len(request))

    def ping(self) -> "None":
        """Send PINGREQ; when something stands in the slot, count as if it had been sent."""
        if self.ping_sent < 2:  # what counts is how long the broker has not answered
            self.last_ping = self._checked = self.now()
        self.ping_sent = 2
        self.want = min(self.want, 2)
        if not self.pending:
            self.send(PINGREQ, 2)

    def send_ack(self, first: "int", pid: "int") -> "None":
        """Send PUBACK, PUBREC, PUBREL or PUBCOMP. Nothing may be `pending`."""
        n = ack(self._out, first, pid)
        self.send(self._out, n)

    def flush(self) -> "bool":
        """Send what stands in the slot; return whether it is empty.

        Raises MQTTException(ECONTIMEOUT) when that takes longer than `socket_timeout`, and what the transport
        and a payload's stream raise; half a packet cannot be taken back, so the caller must close then.
        """
        while self.pending or self._payload is not None:
            if not self.pending:
                self._next_piece()
                continue
            taken = self.transport.write(self._buffer, self._offset, self.pending)
            if not taken:
                if self.state >= (GREETING if EAGER else UP):
                    if not self._stalled:
                        self._stalled = True
                        self._start_timer()
                    self._check_limit()
                return False
            self.pending -= taken
            self._offset += taken
        return True

    def keep_payload(self) -> "None":
        """Copy what stands in the slot, where the program may change it."""
        if isinstance(self._payload, (bytearray, memoryview)):
            self._payload = bytes(self._payload)
        if self._buffer is not self._out and not isinstance(self._buffer, bytes):
            self._buffer = bytes(self._buffer)

    def _next_piece(self) -> "None":
        payload = self._payload
        if STREAMING:
            if hasattr(payload, "rewind"):
                self.pending = payload.read() if payload.left else 0
                self._buffer = payload.buffer
                self._offset = 0
                if not payload.left:
                    self._payload = None
                    payload.buffer = b""
                self._stalled = False  # each piece may take its time
                return
        self._buffer = payload
        self._offset = 0
        self.pending = len(payload)
        self._payload = None
