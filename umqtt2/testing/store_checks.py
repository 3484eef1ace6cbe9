"""Checks of a session store against the contract in `umqtt2.session`."""

from ..errno import SDELIVERED, SFAILED, STIMEOUT, MQTTException
from ..packets.fields import (
    DUP,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from ..cpython.contracts import Session

QOS0 = PUBLISH
QOS1 = PUBLISH | 2
QOS2 = PUBLISH | 4
ACKS = (PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK)
TIMEOUT = 100  # units of 64 ms
MANY = 300  # messages, more than a store has room for as a rule
ROUNDS = 40  # random programs


def check_session(
    make: "Callable[[], Session]", reset: "Callable[[Session], Session] | None" = None
) -> "None":
    """Try a session store of your own: all that `umqtt2.session` says, as far as the store says that it does
    it (`max_qos`, `keeps`, `streams`).

    make   returns a new store that has nothing in it, and room for eight messages; called for each check
    reset  for a store that outlives a reset: is given one, and returns it as it is after a loss of power

    Raises AssertionError with a text that says what is wrong, and whatever the store raises.
    """
    for check in CHECKS:
        check(make)
    if reset:
        check_reset(make, reset)


class Driver:
    """A store, used as the client uses it.

    session  the store
    now      the time, in units of 64 ms
    """

    def __init__(self, make: "Callable[[], Session]") -> "None":
        self.session = make()
        self.keeps = self.session.keeps
        self.now = 1000
        self.session.resume(False, False, self.now)
        expect(not self.send(), "unsent: a new store has something to send")

    def add(
        self, first: "int", topic: "bytes" = b"topic", msg: "Any" = b"msg", timeout: "int" = TIMEOUT
    ) -> "int":
        """Have something added, and look at its identifier."""
        pid = self.try_add(first, topic, msg, timeout)
        expect(pid, "add: refused, although there is room")
        return pid

    def try_add(
        self, first: "int", topic: "bytes" = b"topic", msg: "Any" = b"msg", timeout: "int" = TIMEOUT
    ) -> "int":
        """The same; 0 when it is refused."""
        session = self.session
        try:
            pid = session.add(first, topic, msg, self.now, timeout)
        except (MQTTException, OSError):
            return 0
        expect(isinstance(pid, int) and 0 < pid < 65536, "add: the identifier is not an int from 1 to 65535")
        expect(session.has_unsent, "has_unsent: False after add")
        return pid

    def send(self) -> "list[tuple[Any, ...]]":
        """Send what is to be sent now, and return it."""
        session = self.session
        sent: "list[tuple[Any, ...]]" = []
        while session.has_unsent:
            packet = session.unsent()
            if packet is None:
                break
            expect(len(packet) == 4, "unsent: not four values")
            copy = tuple(packet)
            again = session.unsent()
            expect(again is not None, "unsent: None before `sent` is called")
            expect(tuple(again or ()) == copy, "unsent: something else before `sent` is called")
            session.sent()
            sent.append(copy)
            expect(len(sent) < 2 * MANY, "unsent: the same for ever, although `sent` was called")
        expect(session.unsent() is None, "has_unsent: False, but `unsent` returns something")
        expect(not session.has_unsent, "has_unsent: True after `unsent` has returned None")
        return sent

    def send_early(self) -> "list[tuple[Any, ...]]":
        """Send what may be sent before the CONNACK, and return it."""
        sent: "list[tuple[Any, ...]]" = []
        while self.session.has_unsent and len(sent) < MANY:
            packet = self.session.unsent()
            if packet is None:
                break
            sent.append(tuple(packet))
            self.session.sent()
        return sent

    def put(
        self, first: "int", topic: "bytes" = b"topic", msg: "Any" = b"msg", timeout: "int" = TIMEOUT
    ) -> "int":
        """Have something added and sent, and look at what is sent."""
        pid = self.add(first, topic, msg, timeout)
        sent = self.send()
        expect(
            sent == [(pid, first, topic, msg)],
            "unsent: %r after add(0x%02x, %r, %r), which returned %d" % (sent, first, topic, msg, pid),
        )
        return pid

    def ack(self, first: "int", pid: "int", code: "int" = 0) -> "int | None":
        """Have an acknowledgement come; return what the store makes of it."""
        answer = self.session.on_packet(first, pid, code)
        expect(answer is None or isinstance(answer, int), "on_packet: returned neither an int nor None")
        return answer

    def pass_time(self, units: "int") -> "list[tuple[int, int]]":
        """Let time pass; return the identifiers that expired, with their status."""
        out: "list[tuple[int, int]]" = []
        for _ in range(units):
            self.now += 1
            out += self.expired()
        return out

    def expired(self) -> "list[tuple[int, int]]":
        """Return the identifiers whose time is over now, with their status."""
        out: "list[tuple[int, int]]" = []
        while True:
            pid = self.session.expired(self.now)
            if not pid:
                return out
            out.append((pid, self.session.status))
            expect(len(out) < 2 * MANY, "expired: the same identifier for ever")

    def reconnect(self, present: "bool" = True, uncertain: "bool" = False) -> "list[tuple[Any, ...]]":
        """End the connection, have another one; return what is sent on it."""
        self.session.on_close(False)
        self.now += 10
        self.session.resume(present, uncertain, self.now)
        return self.send()

    def message(self, pid: "int", topic: "bytes | None", payload: "bytes | None", size: "int" = 0) -> "bool":
        """Have a message at QoS 2 come and be given to the program; return whether it was new."""
        new = self.session.is_new(pid, topic, payload, size)
        expect(isinstance(new, bool), "is_new: not a bool")
        self.session.mark_received(pid)
        return new


def expect(condition: "object", text: "str") -> "None":
    """Raise AssertionError with this text unless the condition holds."""
    if not condition:
        raise AssertionError(text)


def kinds(session: "Session") -> "list[tuple[int, Any, Sequence[int]]]":
    """Return what can be added: first byte, payload or QoS, and the acknowledgements that complete it."""
    out: "list[tuple[int, Any, Sequence[int]]]" = [
        (QOS1, b"msg", (PUBACK,)),
        (SUBSCRIBE, 1, (SUBACK,)),
        (UNSUBSCRIBE, 0, (UNSUBACK,)),
    ]
    if session.max_qos > 1:
        out.append((QOS2, b"msg", (PUBREC, PUBCOMP)))
    return out


def acks_of(first: "int") -> "tuple[int, ...]":
    """Return the acknowledgements that complete a packet."""
    if first & 0xF0 == PUBLISH:
        return (PUBREC, PUBCOMP) if first & 4 else (PUBACK,)
    return (SUBACK,) if first == SUBSCRIBE else (UNSUBACK,)


# --- The checks ------------------------------------------------------------------------------------------


def check_declarations(make: "Callable[[], Session]") -> "None":
    """What a store says of itself."""
    session = make()
    expect(session.max_qos in (1, 2), "max_qos: neither 1 nor 2")
    for name in ("streams", "keeps", "has_unsent"):
        expect(isinstance(getattr(session, name), bool), name + ": not a bool")
    expect(isinstance(session.status, int), "status: not an int")
    for name in ("window", "own_window"):
        value = getattr(session, name, None)
        expect(isinstance(value, int) and value > 0, name + ": not an int from 1")


def check_identifiers(make: "Callable[[], Session]") -> "None":
    """No two that are in flight are the same; a full store says so, and goes on."""
    driver = Driver(make)
    pids: "list[int]" = []
    session = driver.session
    full = False
    for i in range(MANY):
        pid = driver.try_add(QOS1, b"topic", b"%d" % i)
        if not pid:
            full = True
            break
        expect(pid not in pids, "add: identifier %d is in flight already" % pid)
        pids.append(pid)
        sent = driver.send()
        expect(pid not in [packet[0] for packet in sent[:-1]], "unsent: a message twice")
    expect(len(pids) >= 8, "add: no room for eight messages")
    pid = driver.try_add(SUBSCRIBE, b"filter", 1)
    if pid:  # there may be no room for it either
        expect(pid not in pids, "add: identifier %d of a request is that of a message in flight" % pid)
        expect(
            (pid, SUBSCRIBE, b"filter", 1) in driver.send(),
            "unsent: a request is not sent while messages wait",
        )
        expect(driver.ack(SUBACK, pid, 1) == SDELIVERED, "on_packet: SUBACK did not return SDELIVERED")
    if full:
        expect(session.remove(pids[0]), "remove: False for a message in flight")
        pid = driver.add(QOS1, b"topic", b"more")
        expect(pid not in pids[1:], "add: identifier %d is in flight already" % pid)
        pids[0] = pid
        driver.send()
    left = list(pids)
    for _ in range(len(pids)):
        for pid in list(left):
            if driver.ack(PUBACK, pid) == SDELIVERED:
                left.remove(pid)
        driver.send()
    expect(not left, "on_packet: PUBACK did not return SDELIVERED for each message of a full store")
    driver.put(QOS1)


def check_leaves_no_trace(make: "Callable[[], Session]") -> "None":
    """What `add` did not take is not sent."""
    driver = Driver(make)
    pids = []
    for _ in range(MANY):
        pid = driver.try_add(QOS1, b"topic", b"taken")
        if not pid:
            break
        pids.append(pid)
        driver.send()
    else:
        return
    expect(
        not driver.try_add(QOS1, b"topic", b"refused"), "add: raised, and took the next message of that size"
    )
    sent = driver.send()
    for pid in pids:
        driver.ack(PUBACK, pid)
        sent += driver.send()
    expired = driver.pass_time(2 * TIMEOUT)
    expect(
        b"refused" not in [packet[3] for packet in sent + driver.reconnect()],
        "add: what was refused is sent",
    )
    expect(not expired, "expired: %r, of what was acknowledged or refused" % expired)


def check_sending(make: "Callable[[], Session]") -> "None":
    """What is sent is what was added, in its order."""
    driver = Driver(make)
    for first, msg, _ in kinds(driver.session):
        driver.put(first, b"topic/%d" % first, msg)
    driver.put(QOS1 | 1, b"retained", b"")
    driver.put(QOS1 | DUP, b"dup", bytes(1000))
    if driver.keeps:
        driver = Driver(make)
        added = []
        msg = bytearray(b"0")
        for i in range(5):
            msg[0] = 48 + i
            added.append((driver.add(QOS1, b"topic", msg), QOS1, b"topic", b"%d" % i))
        msg[0] = 99
        sent = driver.send()
        expect(
            [packet[0] for packet in sent] == [packet[0] for packet in added],
            "unsent: messages are not sent in the order in which they were added",
        )
        expect(sent == added, "unsent: a payload was changed after `add`, by its owner")
    if driver.session.streams:
        from ..streaming import StreamPayload

        try:
            from io import BytesIO
        except ImportError:
            return
        driver = Driver(make)
        driver.put(QOS1, b"topic", StreamPayload(BytesIO(b"stream"), 6))


def check_remove(make: "Callable[[], Session]") -> "None":
    """What is removed is forgotten."""
    driver = Driver(make)
    session = driver.session
    expect(not session.remove(1234), "remove: not False for what is not in flight")
    for first, msg, acks in kinds(session):
        for send in (True, False):
            what = "remove(0x%02x): " % first
            pid = driver.add(first, b"topic", msg)
            if send:
                driver.send()
            expect(session.remove(pid), what + "not True for what is in flight")
            expect(not session.remove(pid), what + "not False the second time")
            expect(
                pid not in [packet[0] for packet in driver.send()], what + "what was removed is sent"
            )
            expect(
                driver.ack(acks[-1], pid) != SDELIVERED, what + "what was removed is told as delivered"
            )
            expect(not driver.pass_time(2 * TIMEOUT), what + "what was removed expires")
    expect(not driver.reconnect(), "remove: what was removed is sent on the next connection")


def check_acknowledgements(make: "Callable[[], Session]") -> "None":
    """The right one gives a status, once; any other changes nothing."""
    driver = Driver(make)
    for first, msg, acks in kinds(driver.session):
        for step in range(len(acks)):
            pid = driver.put(first, b"topic/%d" % step, msg)
            for done in acks[:step]:
                driver.ack(done, pid)
            for wrong in ACKS:
                if wrong == PUBACK and acks[step] == PUBREC:
                    continue  # a broker without QoS 2 has the message: the store may take it or not
                if wrong not in acks or acks.index(wrong) > step:
                    for code in (0, 128):
                        answer = driver.ack(wrong, pid, code)
                        expect(
                            answer not in (SDELIVERED, SFAILED),
                            "on_packet: 0x%02x completes 0x%02x" % (wrong, first),
                        )
            for ack in acks[step:]:
                answer = driver.ack(ack, pid)
                expect(
                    answer == (PUBREL if ack == PUBREC else SDELIVERED),
                    "on_packet: %r for 0x%02x, after 0x%02x" % (answer, ack, first),
                )
                if ack == PUBREC:
                    expect(driver.ack(ack, pid) == PUBREL, "on_packet: a repeated PUBREC is not answered")
            driver.send()
            expect(
                driver.ack(acks[-1], pid) not in (SDELIVERED, SFAILED),
                "on_packet: 0x%02x is told twice" % acks[-1],
            )
    for ack in ACKS:
        expect(
            driver.ack(ack, 4321) not in (SDELIVERED, SFAILED),
            "on_packet: 0x%02x for an identifier that is not in flight is told as delivered" % ack,
        )
    expect(not driver.pass_time(2 * TIMEOUT), "expired: what was acknowledged")
    expect(
        PUBLISH not in [packet[1] & 0xF0 for packet in driver.reconnect()],
        "unsent: what was acknowledged is sent on the next connection",
    )


def check_refusals(make: "Callable[[], Session]") -> "None":
    """A SUBACK grants a QoS, or refuses."""
    driver = Driver(make)
    for code, status in ((0, SDELIVERED), (1, SDELIVERED), (2, SDELIVERED), (128, SFAILED), (135, SFAILED)):
        pid = driver.put(SUBSCRIBE, b"filter/%d" % code, 1)
        expect(
            driver.ack(SUBACK, pid, code) == status,
            "on_packet: SUBACK with code %d is not status %d" % (code, status),
        )
    if driver.keeps:
        sent = driver.reconnect(False)
        expect(
            sorted([packet[2] for packet in sent]) == [b"filter/0", b"filter/1", b"filter/2"],
            "resume: %r is sent when subscriptions are renewed; two were refused" % sent,
        )


def check_expiry(make: "Callable[[], Session]") -> "None":
    """What is not acknowledged in time gets one status, not too early."""
    for first, msg, acks in kinds(make()):
        if first & 0xF0 == PUBLISH and make().keeps:
            continue
        driver = Driver(make)
        pids = [driver.put(first, b"topic/%d" % i, msg) for i in range(3)]
        late = driver.put(first, b"late", msg, 2 * TIMEOUT)
        expect(not driver.pass_time(TIMEOUT - 1), "expired: 0x%02x too early" % first)
        expired = driver.pass_time(2)
        expect(
            sorted(expired) == [(pid, STIMEOUT) for pid in sorted(pids)],
            "expired: %r when the time of %r is over; 0x%02x" % (expired, pids, first),
        )
        expect(
            driver.ack(acks[-1], pids[0]) not in (SDELIVERED, SFAILED),
            "on_packet: 0x%02x, whose time is over, is told again" % first,
        )
        expect(driver.ack(acks[0], late) is not None, "on_packet: nothing for 0x%02x, in time" % first)
        driver.ack(acks[-1], late)
        expect(not driver.pass_time(3 * TIMEOUT), "expired: 0x%02x, which was acknowledged" % first)


def check_expiry_over_connections(make: "Callable[[], Session]") -> "None":
    """A status comes, too, when the connection ends in between."""
    for first, msg, _ in kinds(make()):
        if first & 0xF0 == PUBLISH and make().keeps:
            continue
        driver = Driver(make)
        pid = driver.put(first, b"topic", msg)
        expired = driver.pass_time(TIMEOUT // 2)
        for _ in range(4):
            driver.reconnect()
            expired += driver.pass_time(TIMEOUT // 2)
        expect(
            expired == [(pid, STIMEOUT)],
            "expired: %r for 0x%02x, which was not answered; its identifier is %d" % (expired, first, pid),
        )


def check_broker_has_it(make: "Callable[[], Session]") -> "None":
    """Once PUBREC has come, a message is not told as timed out."""
    if make().max_qos < 2:
        return
    driver = Driver(make)
    pid = driver.put(QOS2)
    driver.ack(PUBREC, pid)
    for expired, status in driver.pass_time(20 * TIMEOUT):
        expect(
            (expired, status) == (pid, SDELIVERED),
            "expired: a message that the broker has is told as lost",
        )
        return
    expect(driver.keeps, "expired: no status for a message whose PUBREL is not answered")


def check_received(make: "Callable[[], Session]") -> "None":
    """A message at QoS 2 is given to the program once."""
    if make().max_qos < 2:
        return
    driver = Driver(make)
    session = driver.session
    large = bytes(range(256)) * 4
    for pid, topic, payload in ((7, b"a", b"payload"), (8, b"a", large), (9, b"a", b""), (10, None, None)):
        expect(session.is_new(pid, topic, payload), "is_new: False for a new message")
        expect(session.is_new(pid, topic, payload), "is_new: False although `mark_received` was not called")
        expect(driver.message(pid, topic, payload), "is_new: False although `mark_received` was not called")
        expect(not driver.message(pid, topic, payload), "is_new: True for a repetition")
        expect(not driver.message(pid, topic, payload), "is_new: True for the second repetition")
    expect(not session.is_new(8, b"a", large[:128], len(large)), "is_new: True when it sees the head alone")
    expect(not driver.reconnect(), "unsent: something, although nothing was added")
    expect(not driver.message(7, b"a", b"payload"), "is_new: True for a repetition after a reconnect")
    expect(driver.message(7, b"a", b"another"), "is_new: False for another payload with the same identifier")
    expect(driver.message(8, b"b", large), "is_new: False for another topic with the same identifier")
    expect(driver.ack(PUBREL, 7) == PUBCOMP, "on_packet: PUBREL is not answered with PUBCOMP")
    expect(driver.ack(PUBREL, 7) == PUBCOMP, "on_packet: a repeated PUBREL is not answered with PUBCOMP")
    expect(driver.ack(PUBREL, 999) == PUBCOMP, "on_packet: PUBREL of an unknown message is not answered")
    expect(driver.message(7, b"a", b"another"), "is_new: False after PUBREL")
    driver.reconnect(False)
    expect(driver.message(7, b"a", b"another"), "is_new: False although the broker has another session")
    for pid in range(1, MANY):
        driver.message(pid, b"a", b"%d" % pid)
    pid = driver.put(QOS2)
    expect(driver.message(pid, b"a", b"mine"), "is_new: identifiers of the two directions are mixed")
    expect(driver.ack(PUBREC, pid) == PUBREL, "on_packet: identifiers of the two directions are mixed")
    expect(driver.ack(PUBREL, pid) == PUBCOMP, "on_packet: identifiers of the two directions are mixed")
    expect(driver.ack(PUBCOMP, pid) == SDELIVERED, "on_packet: identifiers of the two directions are mixed")


def check_nothing_is_kept(make: "Callable[[], Session]") -> "None":
    """A store that does not keep messages sends nothing again."""
    driver = Driver(make)
    if driver.keeps:
        return
    for first, msg, _ in kinds(driver.session):
        driver.put(first, b"sent", msg)
        expect(not driver.reconnect(), "unsent: something on a new connection, although `keeps` is False")
        driver.add(first, b"unsent", msg)
        expect(not driver.reconnect(), "unsent: something on a new connection, although `keeps` is False")


def check_sent_again(make: "Callable[[], Session]") -> "None":
    """A store that keeps messages sends them again, in their order, with DUP where it must be."""
    if not make().keeps:
        return
    first = QOS2 if make().max_qos > 1 else QOS1
    for case in ("the broker has the session", "PUBREC has come", "the broker has a new session"):
        # A store may be careful after several connections that ended early, so there is one of them.
        driver = Driver(make)
        session = driver.session
        a = driver.put(QOS1 | 1, b"a", b"1")
        b = driver.put(first, b"b", b"2")
        c = driver.put(first, b"c", b"3")
        present = case != "the broker has a new session"
        dup = DUP if present else 0
        wanted: "list[tuple[Any, ...]]" = [
            (a, QOS1 | 1 | dup, b"a", b"1"),
            (b, first | dup, b"b", b"2"),
            (c, first | dup, b"c", b"3"),
        ]
        if case == "PUBREC has come" and first == QOS2:
            driver.ack(PUBREC, b)
            wanted[1] = (b, PUBREL)
        session.on_close(False)
        d = driver.add(QOS1, b"d", b"4")
        wanted.append((d, QOS1, b"d", b"4"))
        session.resume(present, False, driver.now)
        sent = driver.send()
        expect(
            [packet[: len(one)] for packet, one in zip(sent, wanted)] == wanted,
            "resume, %s: %r is sent; wanted is all that is not acknowledged, in its order, with DUP where it"
            " was sent in this session, and PUBREL after PUBREC: %r" % (case, sent, wanted),
        )
        expect(len(sent) == len(wanted), "resume, %s: more is sent than there is" % case)
        if not present:
            expect(driver.ack(PUBCOMP, b) != SDELIVERED, "resume: what is new to the broker needs PUBREC")
        for pid, kind in ((a, QOS1), (b, first), (c, first), (d, QOS1)):
            for ack in acks_of(kind):
                answer = driver.ack(ack, pid)
            expect(answer == SDELIVERED, "on_packet: %r for a message that was sent again" % answer)
        sent = driver.reconnect()
        expect(not sent, "resume: sends %r, which was acknowledged" % sent)


def check_before_connack(make: "Callable[[], Session]") -> "None":
    """Before the CONNACK a store sends what was never sent, in its order, or nothing."""
    if not make().keeps:
        return
    driver = Driver(make)
    driver.put(QOS1, b"a", b"1")
    driver.session.on_close(None)
    driver.add(QOS1, b"b", b"2")
    packet = driver.session.unsent()
    expect(packet is None, "unsent: %r before the CONNACK; a message before it was sent already" % packet)
    driver = Driver(make)
    driver.ack(SUBACK, driver.put(SUBSCRIBE, b"a", 0))
    driver.session.on_close(None)
    driver.add(QOS1, b"b", b"2")
    packet = driver.session.unsent()
    expect(packet is None, "unsent: %r before the CONNACK; a subscription may have to be renewed first" % packet)
    for present in (True, False):
        driver = Driver(make)
        driver.session.on_close(None)
        wish = driver.add(SUBSCRIBE, b"a", 1)
        pid = driver.add(QOS1, b"c", b"3")
        sent = driver.send_early()
        driver.session.resume(present, True, driver.now)
        sent += driver.send()
        expect(
            sent == [(wish, SUBSCRIBE, b"a", 1), (pid, QOS1, b"c", b"3")],
            "resume: sent %r, before the CONNACK or after it" % sent,
        )
        for ack, one in ((SUBACK, wish), (PUBACK, pid)):
            expect(driver.ack(ack, one, 1) == SDELIVERED, "resume: forgets what was sent before the CONNACK")
        # What was sent and not answered waits for the next CONNACK.
        driver = Driver(make)
        driver.session.on_close(None)
        wish = driver.add(SUBSCRIBE, b"a", 1)
        if driver.send_early():
            driver.session.on_close(None)
            packet = driver.session.unsent()
            expect(packet is None, "unsent: %r before the CONNACK; it was sent with the last CONNECT" % packet)


def check_subscriptions(make: "Callable[[], Session]") -> "None":
    """A store that keeps subscriptions renews them."""
    driver = Driver(make)
    if not driver.keeps:
        return
    for topic, qos in ((b"a/#", 1), (b"b/+", 0), (b"c", 1)):
        driver.ack(SUBACK, driver.put(SUBSCRIBE, topic, qos), qos)
    driver.ack(UNSUBACK, driver.put(UNSUBSCRIBE, b"c", 0))
    expect(not driver.reconnect(), "resume: sends something, although the broker has all")
    for present, uncertain in ((True, True), (False, False), (False, True)):
        sent = driver.reconnect(present, uncertain)
        expect(
            sorted([packet[1:] for packet in sent]) == [(SUBSCRIBE, b"a/#", 1), (SUBSCRIBE, b"b/+", 0)],
            "resume(%r, %r): does not renew the subscriptions: %r" % (present, uncertain, sent),
        )
        pids = [packet[0] for packet in sent]
        expect(pids[0] != pids[1], "resume: two subscriptions have the same identifier")
        for packet in sent:
            driver.ack(SUBACK, packet[0], packet[3])
    expect(not driver.reconnect(), "resume: sends something, although the broker has all")
    # What was not answered is asked again.
    pid = driver.put(SUBSCRIBE, b"d", 1)
    sent = driver.reconnect()
    expect(
        sent == [(pid, SUBSCRIBE, b"d", 1)], "resume: a request that was not answered is not sent again"
    )
    expect(driver.ack(SUBACK, pid, 1) == SDELIVERED, "on_packet: no status for a request that was sent again")


def check_last_wish(make: "Callable[[], Session]") -> "None":
    """Of several requests for one topic filter the last one wins."""
    if not make().keeps:
        return
    wishes = ((SUBSCRIBE, 0), (SUBSCRIBE, 1), (UNSUBSCRIBE, 0))
    for one in wishes:
        for other in wishes:
            for lost in (False, True):
                driver = Driver(make)
                driver.add(one[0], b"filter", one[1])
                requests = driver.send()
                driver.add(other[0], b"filter", other[1])
                requests += driver.send()
                if lost:
                    requests = driver.reconnect()
                has: "int | None" = None
                for _ in range(10):
                    answers = []
                    for pid, first, _, qos in requests:
                        has = qos if first == SUBSCRIBE else None
                        answers.append((acks_of(first)[0], pid, qos))
                    for answer in answers:
                        driver.ack(*answer)
                    requests = driver.send()
                expect(not requests, "unsent: a request that was acknowledged is sent for ever")
                expect(
                    has == (other[1] if other[0] == SUBSCRIBE else None),
                    "unsent: of two requests for one filter, 0x%02x and 0x%02x, the last one does not win"
                    % (one[0], other[0]),
                )
                renewed = [packet[3] for packet in driver.reconnect(False)]
                expect(
                    renewed == ([] if has is None else [has]),
                    "resume: renews %r when the last request was 0x%02x with QoS %d" % ((renewed,) + other),
                )


def check_random(make: "Callable[[], Session]") -> "None":
    """Whatever is lost and whenever connections end: each message gets one status, and a store that keeps
    messages loses none; at QoS 2 it arrives once."""
    numbers = Numbers(1)
    for _ in range(ROUNDS):
        Round(make, numbers).play()


class Numbers:
    """Random numbers that are the same each time."""

    def __init__(self, seed: "int") -> "None":
        self.state = seed

    def below(self, n: "int") -> "int":
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 12) % n


class Round:
    """A program, a network that loses what is on its way, and a broker that keeps the session."""

    def __init__(self, make: "Callable[[], Session]", numbers: "Numbers") -> "None":
        self.driver = Driver(make)
        self.numbers = numbers
        self.in_flight: "dict[int, tuple[int, bytes]]" = {}
        self.told: "list[bytes]" = []
        self.added: "list[tuple[int, bytes]]" = []
        self.arrived: "list[bytes]" = []  # at the broker
        self.unreleased: "set[int]" = set()
        self.answers: "list[tuple[int, int]]" = []

    def play(self) -> "None":
        driver = self.driver
        for i in range(60):
            n = self.numbers.below(10)
            if n < 5:
                self.publish(b"%d" % i)
            elif n < 8:
                self.transfer(self.numbers.below(4))
            elif n == 8:
                self.tell(driver.pass_time(self.numbers.below(TIMEOUT)))
            else:
                self.answers.clear()  # what is on its way is lost
                self.take(driver.reconnect())
        for _ in range(len(self.added) + 2):
            self.transfer(len(self.answers))
        self.tell(driver.pass_time(2 * TIMEOUT))
        for _, msg in self.in_flight.values():
            expect(False, "no status for message %r" % msg)
        if driver.keeps:
            for first, msg in self.added:
                n = self.arrived.count(msg)
                expect(n, "message %r was told, and did not arrive" % msg)
                expect(n == 1 or not first & 4, "message %r at QoS 2 arrived %d times" % (msg, n))

    def publish(self, msg: "bytes") -> "None":
        driver = self.driver
        first = PUBLISH | 2 << self.numbers.below(driver.session.max_qos)
        # A store may make room for a message by dropping one whose time is over, and whose status nobody wants.
        self.tell(driver.expired())
        pid = driver.try_add(first, b"topic", msg)
        if not pid:
            return
        expect(pid not in self.in_flight, "add: identifier %d is in flight already" % pid)
        self.in_flight[pid] = (first, msg)
        self.added.append((first, msg))
        self.take(driver.send())

    def take(self, packets: "list[tuple[Any, ...]]") -> "None":
        # The broker takes what is sent.
        for pid, first, _, msg in packets:
            expect(pid in self.in_flight, "unsent: identifier %d, which is not in flight" % pid)
            if first == PUBREL:
                self.unreleased.discard(pid)
                self.answers.append((PUBCOMP, pid))
            elif first & 4:
                if pid not in self.unreleased:
                    self.unreleased.add(pid)
                    self.arrived.append(bytes(msg))
                self.answers.append((PUBREC, pid))
            else:
                self.arrived.append(bytes(msg))
                self.answers.append((PUBACK, pid))

    def transfer(self, n: "int") -> "None":
        # So many of the broker's answers reach the client.
        for _ in range(n):
            if not self.answers:
                break
            first, pid = self.answers.pop(0)
            answer = self.driver.ack(first, pid)
            if answer == PUBREL:
                self.unreleased.discard(pid)
                self.answers.append((PUBCOMP, pid))
            elif answer == SDELIVERED:
                self.tell([(pid, answer)])
        self.take(self.driver.send())

    def tell(self, statuses: "list[tuple[int, int]]") -> "None":
        for pid, status in statuses:
            expect(pid in self.in_flight, "a status for identifier %d, which is not in flight" % pid)
            msg = self.in_flight.pop(pid)[1]
            expect(
                status != SDELIVERED or msg in self.arrived,
                "message %r is told as delivered, and did not arrive" % msg,
            )


def check_reset(make: "Callable[[], Session]", reset: "Callable[[Session], Session]") -> "None":
    """What a store has taken outlives a loss of power."""
    driver = Driver(make)
    session = driver.session
    first = QOS2 if session.max_qos > 1 else QOS1
    done = driver.put(QOS1, b"a", b"done")
    kept = driver.put(first, b"a", b"kept")
    driver.ack(SUBACK, driver.put(SUBSCRIBE, b"filter", 1), 1)
    driver.ack(PUBACK, done)
    if first == QOS2:
        driver.message(7, b"a", b"payload")
        driver.message(8, b"a", b"payload")
        driver.ack(PUBREL, 8)
    last = driver.add(QOS1, b"a", b"last")
    driver.session = session = reset(session)
    driver.now = 0
    session.resume(True, False, 0)
    sent = messages_of(driver.send())
    wanted = [(kept, first | DUP, b"a", b"kept"), (last, QOS1 | DUP, b"a", b"last")]
    expect(sent == wanted, "after a reset %r is sent, not %r" % (sent, wanted))
    if first == QOS2:
        expect(not driver.message(7, b"a", b"payload"), "is_new: True for a repetition after a reset")
        expect(driver.message(8, b"a", b"payload"), "is_new: False, after PUBREL and a reset")
        driver.ack(PUBREC, kept)
        driver.session = session = reset(session)
        driver.now = 0
        session.resume(True, False, 0)
        sent = messages_of(driver.send())
        expect(
            sent and sent[0][:2] == (kept, PUBREL),
            "after PUBREC and a reset %r is sent, not PUBREL" % sent,
        )
    driver.session = session = reset(session)
    driver.now = 0
    session.resume(False, False, 0)
    sent = driver.send()
    expect(
        [packet[2:] for packet in sent if packet[1] == SUBSCRIBE] == [(b"filter", 1)],
        "after a reset the subscription is not renewed: %r" % sent,
    )


def messages_of(packets: "Sequence[tuple[Any, ...]]") -> "list[tuple[Any, ...]]":
    # Without the subscriptions, which a store may renew after a reset in any case.
    return [packet for packet in packets if packet[1] != SUBSCRIBE]


CHECKS = (
    check_declarations,
    check_identifiers,
    check_leaves_no_trace,
    check_sending,
    check_remove,
    check_acknowledgements,
    check_refusals,
    check_expiry,
    check_expiry_over_connections,
    check_broker_has_it,
    check_received,
    check_nothing_is_kept,
    check_sent_again,
    check_before_connack,
    check_subscriptions,
    check_last_wish,
    check_random,
)
