"""What passes over a transport, in words: for finding out what goes wrong.

    TraceTransport  prints a line for each packet that passes over another transport
    PacketLines     the half of it that does no input or output: bytes in, lines out

A line for each packet, when its last byte has passed:

       0.031 -> CONNECT kitchen-1, MQTT 3.1.1, clean session, keepalive 30, user, password (46 bytes)
       0.058 <- CONNACK accepted, new session (4 bytes)
       0.061 -> PUBLISH pid 1, kitchen/temperature, QoS 1, payload 4 (29 bytes)
       0.084 <- PUBACK pid 1 (4 bytes)

Neither payloads nor user names and passwords are in it, only the size of the payload, and that there are the others.
"""

try:
    from ..cpython import clock as time
except ImportError:
    import time  # type: ignore[no-redef]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator

    from ..cpython.contracts import Transport

KEPT = 128  # bytes that are kept of each packet's body, at the most
SHOWN = 100  # bytes of a topic that are shown, at the most
NAMES = (
    "CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK "
    "PINGREQ PINGRESP DISCONNECT AUTH"
)
CONNECT = 1
CONNACK = 2
PUBLISH = 3
SUBSCRIBE = 8
SUBACK = 9
UNSUBSCRIBE = 10
UNSUBACK = 11
PINGREQ = 12
DISCONNECT = 14
# Who may send which kinds: a bit for each.
FROM_CLIENT = 0x55FA
FROM_BROKER = 0x2AFC
BOTH_IN_5 = 0xC000  # DISCONNECT and AUTH
FLAGS_2 = 0x0540  # the kinds whose flags are 2
LEVEL_5 = 5
# What a line is about.
WHOLE = 0  # a packet that has passed
CUT_OFF = 1  # one that has not, to its end
NOT_MQTT = 2  # something that is no packet

# Reason codes of MQTT 5 from 0x80 on [2.4], and return codes of a CONNACK of MQTT 3.1.1 from 1 on [3.2.2.3].
REASONS = (
    "unspecified error|malformed packet|protocol error|implementation specific error|protocol version not supported|"
    "client identifier not valid|bad user name or password|not authorized|server unavailable|server busy|banned|"
    "server shutting down|bad authentication method|keep alive timeout|session taken over|topic filter not valid|"
    "topic name not valid|packet identifier in use|packet identifier not found|receive maximum exceeded|"
    "topic alias not valid|packet too large|message rate too high|quota exceeded|administrative action|"
    "payload format not valid|retain not supported|QoS not supported|use another server|server moved|"
    "shared subscriptions not supported|connection rate exceeded|maximum connect time|"
    "subscription identifiers not supported|wildcard subscriptions not supported"
)
REFUSALS = b"\x84\x85\x88\x86\x87"  # for each return code from 1 on the reason code that means the same
OTHER_REASONS = {4: "with the last will", 16: "no matching subscribers", 17: "no subscription existed"}

# How long the value of a property is: so many bytes; here are those that are neither a string nor binary data.
ONE_BYTE = (1, 23, 25, 36, 37, 40, 41, 42)
TWO_BYTES = (19, 33, 34, 35)
FOUR_BYTES = (2, 17, 24, 39)
SUBSCRIPTION_IDENTIFIER = 11  # a variable byte integer
USER_PROPERTY = 38  # two strings
REASON_STRING = 31
TOPIC_ALIAS = 35


class TraceTransport:
    """A transport that prints what passes over another one, and changes nothing of it.

        client = MQTTClient("kitchen-1", "", transport=TraceTransport(TCPTransport("broker.local")))

    Besides the packets it prints when the transport opens and closes, and the errors that it raises. Where
    there is no memory for a line, or `log` raises an Exception, that line is lost, and nothing else.

    transport  the one beneath
    pollable   what an event loop can watch: that of the transport beneath, or None
    """

    def __init__(self, below: "Transport", log: "Callable[[str], object]" = print) -> "None":
        """
        below  the transport that carries the bytes, TLS and WebSockets too: packets are seen as the client
               sends and receives them
        log    called with each line: seconds since this object was made, direction, and what it is
        """
        self.transport: "Any" = below
        self._log = log
        self._lines = PacketLines(self._print)
        self._ticks = time.ticks_ms()
        self._ms = 0
        self._is_open = False

    @property
    def pollable(self) -> "Any":
        """See the contract in `umqtt2.transport`."""
        return getattr(self.transport, "pollable", None)

    def open(self, timeout_ms: "int") -> "None":
        """Open the transport beneath. Raises what it does."""
        try:
            self._print_opening()
            self.transport.open(timeout_ms)
        except Exception as e:
            self._print_event(e)
            raise
        self._print_event("open")

    def opening(self, timeout_ms: "int") -> "Generator[None, None, None]":
        """`open` in steps, if the transport beneath can do that; else it waits."""
        try:
            self._print_opening()
            if hasattr(self.transport, "opening"):
                yield from self.transport.opening(timeout_ms)
            else:
                self.transport.open(timeout_ms)
        except Exception as e:
            self._print_event(e)
            raise
        self._print_event("open")

    def _print_opening(self) -> "None":
        self._lines.begin()
        self._is_open = True
        self._print_event("opening" + broker_of(self.transport))

    def readinto(self, buf: "bytearray | memoryview", n: "int") -> "int | None":
        """See the contract in `umqtt2.transport`."""
        try:
            got: "int | None" = self.transport.readinto(buf, n)
        except Exception as e:
            self._print_event(e)
            raise
        if got:
            self._lines.feed(False, buf, got)
        elif got == 0:
            self._print_event("closed by the broker")
        return got

    def write(self, buf: "bytes | bytearray | memoryview", offset: "int", n: "int") -> "int | None":
        """See the contract in `umqtt2.transport`."""
        try:
            taken: "int | None" = self.transport.write(buf, offset, n)
        except Exception as e:
            self._print_event(e)
            raise
        if taken:
            self._lines.feed(True, buf, taken, offset)
        return taken

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """See the contract in `umqtt2.transport`."""
        self.transport.wait(flags, timeout_ms)

    def close(self) -> "None":
        """See the contract in `umqtt2.transport`."""
        self.transport.close()
        if self._is_open:
            self._is_open = False
            self._lines.end()
            self._print_event("closed")

    def _print_event(self, what: "object") -> "None":
        try:
            self._print("-- " + (what if isinstance(what, str) else repr(what)))
        except MemoryError:
            pass

    def _print(self, line: "str") -> "None":
        try:
            now = time.ticks_ms()
            self._ms += time.ticks_diff(now, self._ticks)
            self._ticks = now
            self._log("%4d.%03d %s" % (self._ms // 1000, self._ms % 1000, line))
        except Exception:
            pass  # the connection goes on without the line


def broker_of(transport: "Any") -> "str":
    """Return where a transport, or the one at the bottom of it, connects to; or nothing where it does not say."""
    while hasattr(transport, "transport"):
        transport = transport.transport
    server = getattr(transport, "server", None)
    return " %s:%s" % (server, transport.port) if server and hasattr(transport, "port") else ""


class PacketLines:
    """Puts the bytes of a connection, in whatever pieces they come, into words: a line for each packet.

    It does no input and no output, so anything that sees the bytes can use it: a proxy, a test, a page in a browser.

        packets = PacketLines(print)
        packets.feed(True, b"\\xc0\\0")   # -> PINGREQ (2 bytes)
        packets.feed(False, b"\\xd0\\0")  # <- PINGRESP (2 bytes)

    From the CONNECT it knows the version of MQTT; before it has seen one, it is 3.1.1. Bytes that cannot begin
    a packet of that direction make one line, and what follows them is ignored until `begin`. It raises nothing for
    whatever bytes. It keeps up to 128 bytes of the packet that is passing, so a long topic is shown in part. Where
    there is no memory for a line, it says that.
    """

    def __init__(self, emit: "Callable[[str], object]") -> "None":
        """emit: called with each line, without a newline; what it raises is raised by `feed`."""
        self._emit = emit
        self._received = Way(False)
        self._sent = Way(True)
        self._five = False

    def begin(self) -> "None":
        """A new connection begins."""
        self._five = False
        self._received.begin()
        self._sent.begin()

    def end(self) -> "None":
        """The connection has ended: a packet that is not complete gets a line, which says how much of it has passed."""
        for way in (self._received, self._sent):
            if way.passed and not way.lost:
                self._say(way, CUT_OFF)
            way.lost = True

    def feed(
        self, sent: "bool", buf: "bytes | bytearray | memoryview", n: "int | None" = None, offset: "int" = 0
    ) -> "None":
        """Take bytes that have passed.

        sent       True when the client has sent them, False when it has received them
        buf        bytes, and more than these where there is an `n`
        n, offset  how many of `buf` they are, and where they begin
        """
        way = self._sent if sent else self._received
        end = len(buf) if n is None else offset + n
        while offset < end and not way.lost:
            if not way.in_body:
                way.take_header(buf[offset], self._five)
                offset += 1
                if way.lost:
                    self._say(way, NOT_MQTT)
            else:
                offset = way.take_body(buf, offset, end)
            if way.in_body and way.at == way.length:
                if way.first >> 4 == CONNECT:
                    self._five = way.level() == LEVEL_5
                self._say(way, WHOLE)
                way.next_packet()

    def _say(self, way: "Way", what: "int") -> "None":
        # Emit a line about the packet.
        try:
            text = "not MQTT: 0x%02x" % way.first
            if what == CUT_OFF:
                text = "%s, cut off after %d bytes" % (NAMES.split()[(way.first >> 4) - 1], way.passed)
            elif what == WHOLE:
                text = describe(way.first, way.head[: min(KEPT, way.length)], way.length, self._five)
                text = "%s (%d bytes)" % (text, way.passed)
            text = ("-> " if way.sent else "<- ") + text
        except MemoryError:
            text = "-- no memory for a line"
        self._emit(text)


class Way:
    """One direction of a connection, and the packet that is passing there.

    sent     the client sends
    lost     what passes is no longer known
    first    the first byte of the packet
    length   its remaining length, as far as is known
    in_body  that is known
    head     bytes of the body that are kept
    at       how many bytes of the body have passed
    passed   how many bytes of the packet have passed
    """

    def __init__(self, sent: "bool") -> "None":
        self.sent = sent
        self.head = bytearray(KEPT)
        self.begin()

    def begin(self) -> "None":
        """A new connection begins."""
        self.lost = False
        self.next_packet()

    def next_packet(self) -> "None":
        """A packet has passed."""
        self.first = self.length = self.at = self.passed = 0
        self.in_body = False

    def take_header(self, byte: "int", five: "bool") -> "None":
        """Take a byte of a fixed header [2.2]."""
        if not self.passed:
            self.first = byte
            kinds = FROM_CLIENT if self.sent else FROM_BROKER
            if five:
                kinds |= BOTH_IN_5
            kind = 1 << (byte >> 4)
            flags = byte & 15
            if kind == 1 << PUBLISH:
                self.lost = flags & 6 == 6
            else:
                self.lost = not kinds & kind or flags != (2 if FLAGS_2 & kind else 0)
        else:
            self.length |= (byte & 127) << 7 * (self.passed - 1)
            self.in_body = byte < 128
            self.lost = byte > 127 and self.passed == 4
        self.passed += 1

    def take_body(self, buf: "bytes | bytearray | memoryview", offset: "int", end: "int") -> "int":
        """Take what is in `buf` of the body, and return the index after it."""
        end = min(end, offset + self.length - self.at)
        self.passed += end - offset
        while offset < end and self.at < KEPT:
            self.head[self.at] = buf[offset]
            self.at += 1
            offset += 1
        self.at += end - offset
        return end

    def level(self) -> "int":
        """Return the protocol level of a CONNECT [3.1.2.2]."""
        at = 2 + self.head[1]
        return self.head[at] if at < min(KEPT, self.length) else 0


def describe(first: "int", head: "bytes | bytearray", length: "int", five: "bool") -> "str":
    """Return a packet in words.

    first   its first byte
    head    the beginning of what follows the fixed header, or all of it
    length  how long that is
    five    it is of MQTT 5
    """
    kind = first >> 4
    words = Words(head, length, five)
    try:
        if kind == CONNECT:
            words.connect()
        elif kind == CONNACK:
            words.connack()
        elif kind == PUBLISH:
            words.publish(first)
        elif kind >= DISCONNECT:
            words.reason()
        elif kind < PINGREQ:
            words.acknowledgement_or_request(kind)
    except IndexError:
        words.add("..." if length > len(head) else "too short")
    return NAMES.split()[kind - 1] + (" " + ", ".join(words.found) if words.found else "")


class Words:
    """Reads the body of a packet and says what is in it. Raises IndexError where it ends too early.

    found  what it has said
    """

    def __init__(self, head: "bytes | bytearray", length: "int", five: "bool") -> "None":
        """As for `describe`."""
        self.found: "list[str]" = []
        self._head = head
        self._length = length
        self._five = five
        self._at = 0

    def add(self, *words: "str") -> "None":
        """Say something."""
        self.found.extend(words)

    def _number(self, size: "int" = 2) -> "int":
        value = 0
        for _ in range(size):
            value = value << 8 | self._head[self._at]
            self._at += 1
        return value

    def _skip(self) -> "None":
        # A string or binary data.
        size = self._number()
        self._at += size

    def _string(self) -> "str":
        size = self._number()
        text = readable(self._head[self._at : self._at + min(size, SHOWN)], size)
        self._at += size
        return text

    def _varint(self) -> "int":
        value = shift = 0
        while True:
            digit = self._number(1)
            value |= (digit & 127) << shift
            shift += 7
            if digit < 128 or shift > 21:
                return value

    def _properties(self, name: "int" = 0) -> "str":
        # Skip the properties of MQTT 5 [2.2.2]; return one of them, as text, or nothing.
        found = ""
        if self._five:
            end = self._varint()
            end += self._at
            while self._at < end:
                number = self._number(1)
                if number == name:
                    found = self._string() if number == REASON_STRING else str(self._number())
                else:
                    self._skip_property(number)
            self._at = end
        return found

    def _skip_property(self, number: "int") -> "None":
        if number in ONE_BYTE:
            self._at += 1
        elif number in TWO_BYTES:
            self._at += 2
        elif number in FOUR_BYTES:
            self._at += 4
        elif number == SUBSCRIPTION_IDENTIFIER:
            self._varint()
        else:
            self._skip()
            if number == USER_PROPERTY:
                self._skip()

    def _code(self, code: "int") -> "None":
        self.add(reason_text(code))

    def connect(self) -> "None":
        """A CONNECT [3.1]."""
        self._skip()
        level = self._number(1)
        flags = self._number(1)
        keepalive = self._number()
        words = [
            "MQTT " + {3: "3.1", 4: "3.1.1"}.get(level, str(level)),
            ("clean start" if self._five else "clean session") if flags & 2 else "keeps its session",
            "keepalive %d" % keepalive,
        ]
        words += [word for bit, word in ((128, "user"), (64, "password"), (4, "will")) if flags & bit]
        try:
            self._properties()
            words.insert(0, self._string() or "no client identifier")
        finally:
            self.add(*words)

    def connack(self) -> "None":
        """A CONNACK [3.2]."""
        resumed = self._number(1) & 1
        code = self._number(1)
        if not code:
            self.add("accepted", "session resumed" if resumed else "new session")
        else:
            self.add("refused")
            if self._five or code > 5:
                self._code(code)
            else:
                self.add("%d %s" % (code, REASONS.split("|")[REFUSALS[code - 1] - 0x80]))
            self._reason_string()

    def publish(self, first: "int") -> "None":
        """A PUBLISH [3.3]."""
        qos = first >> 1 & 3
        topic = self._string()
        words = [topic] if topic else []
        words.append("QoS %d" % qos)
        words += [word for bit, word in ((1, "retain"), (8, "dup")) if first & bit]
        try:
            if qos:
                words.insert(0, "pid %d" % self._number())
            alias = self._properties(TOPIC_ALIAS)
            if alias:
                words.append("alias " + alias)
            if self._at > self._length:
                raise IndexError
            words.append("payload %d" % (self._length - self._at))
        finally:
            self.add(*words)

    def acknowledgement_or_request(self, kind: "int") -> "None":
        """A packet that begins with a packet identifier, but for a PUBLISH [3.4 to 3.11]."""
        self.add("pid %d" % self._number())
        if kind < SUBSCRIBE:
            self.reason()
            return
        if not (kind == UNSUBACK and not self._five):
            reason = self._properties(REASON_STRING)
            while self._at < self._length:
                if kind == SUBACK or kind == UNSUBACK:
                    code = self._number(1)
                    self.add("QoS %d granted" % code if kind == SUBACK and code < 3 else reason_text(code))
                else:
                    self._filter(kind == SUBSCRIBE)
            if reason:
                self.add(reason)

    def _filter(self, with_options: "bool") -> "None":
        topic = self._string()
        if with_options:
            options = self._number(1)
            topic += " QoS %d" % (options & 3)
            if options & 4:
                topic += " no local"
            if options & 8:
                topic += " retain as published"
            if options & 48:
                topic += " retain handling %d" % (options >> 4 & 3)
        self.add(topic)

    def reason(self) -> "None":
        """The reason code with which a packet of MQTT 5 may end, and its Reason String."""
        if self._five and self._at < self._length:
            self._code(self._number(1))
            self._reason_string()

    def _reason_string(self) -> "None":
        if self._five and self._at < self._length:
            text = self._properties(REASON_STRING)
            if text:
                self.add(text)


def reason_text(code: "int") -> "str":
    """Return a reason code of MQTT 5 in words; 0x80 is also that of a SUBACK of MQTT 3.1.1."""
    reasons = REASONS.split("|")
    if 0 <= code - 0x80 < len(reasons):
        return "0x%02x %s" % (code, reasons[code - 0x80])
    return "0x%02x %s" % (code, OTHER_REASONS[code]) if code in OTHER_REASONS else "0x%02x" % code


def readable(data: "bytes | bytearray", size: "int") -> "str":
    """Return a string that was sent as text that a terminal can show.

    data  the string, or its beginning
    size  how long all of it is
    """
    if not data and size:
        raise IndexError
    n = len(data)
    if n < size:  # not in the middle of a character
        while n and data[n - 1] & 0xC0 == 0x80:
            n -= 1
        if n and data[n - 1] > 127:
            n -= 1
        data = data[:n]
    try:
        text = str(data, "utf-8")
        for character in text:
            if character < " " or "\x7f" <= character < "\xa0":
                raise ValueError
    except ValueError:
        text = repr(bytes(data))
    return text + "..." if n < size else text
