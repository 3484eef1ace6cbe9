"""Session stores by themselves: PacketIdSession, QoS2Session, MemorySession. `check_session` tries the contract."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from umqtt2 import MQTTException, errno
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.session.packet_ids import PacketIdSession
from umqtt2.session.qos2 import QoS2Session
from umqtt2.session.received_ids import LIMIT

PUBLISH_1, PUBLISH_2, SUBSCRIBE, UNSUBSCRIBE = 0x32, 0x34, 0x82, 0xA2
PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK = 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0
ACKS = [PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK]
SECOND = 16  # units of 64 ms, about


def send(session, now=0):
    """Hand over all that is unsent; return it."""
    out = []
    while True:
        packet = session.unsent()
        if not packet:
            return out
        out.append(tuple(packet))
        session.sent()


@pytest.mark.long
@given(st.sets(st.integers(1, 65535), max_size=50))
@settings(max_examples=10, deadline=None)
@pytest.mark.mqtt("MQTT-2.3.1-1", "MQTT-2.3.1-2")
def test_identifiers_over_a_whole_wrap_with_some_held_in_flight(held):
    session = PacketIdSession(window=100)
    for pid in held:
        session._in_flight[pid] = 1 << 40
    given_out = []
    for _ in range(65535 - len(held)):
        given_out.append(session.add(PUBLISH_1, b"t", b"m", 0, 1))
        assert session.remove(given_out[-1])
    assert set(given_out) == set(range(1, 65536)) - held
    assert session.add(PUBLISH_1, b"t", b"m", 0, 1) == given_out[0]


@pytest.mark.mqtt("MQTT-2.3.1-2")
def test_no_identifier_left_is_an_error_not_a_hang():
    session = PacketIdSession()
    for _ in range(65535):
        session.add(SUBSCRIBE, b"t", 0, 0, 1)
    with pytest.raises(MQTTException):
        session.add(SUBSCRIBE, b"t", 0, 0, 1)


@pytest.mark.parametrize("make", [PacketIdSession, QoS2Session])
def test_more_messages_than_the_window_are_refused_where_the_store_keeps_none(make):
    session = make()
    pids = [session.add(PUBLISH_1, b"t", b"m", 0, 1) for _ in range(20)]
    with pytest.raises(MQTTException) as caught:
        session.add(PUBLISH_1, b"t", b"m", 0, 1)
    assert caught.value.args[0] == errno.EFULL
    assert session.add(SUBSCRIBE, b"t", 0, 0, 1)
    session.on_packet(PUBACK, pids[0], 0)
    session.remove(pids[1])
    assert session.add(PUBLISH_1, b"t", b"m", 0, 1)


@pytest.mark.parametrize("make", [PacketIdSession, QoS2Session])
def test_requests_take_no_place_of_a_message_in_the_window(make):
    session = make()
    for n in range(30):
        session.add(SUBSCRIBE, b"%d" % n, 0, 0, 1)
        session.add(UNSUBSCRIBE, b"%d" % n, 0, 0, 1)
    for _ in range(20):
        session.add(PUBLISH_1, b"t", b"m", 0, 1)
    with pytest.raises(MQTTException) as caught:
        session.add(PUBLISH_1, b"t", b"m", 0, 1)
    assert caught.value.args[0] == errno.EFULL


@pytest.mark.parametrize("make", [PacketIdSession, QoS2Session, MemorySession])
def test_removed_once(make):
    session = make()
    pid = session.add(PUBLISH_1, b"t", b"m", 0, 1)
    assert session.remove(pid)
    assert not session.remove(pid)
    assert session.unsent() is None


@given(st.integers(0, 1 << 45), st.integers(1, 100_000_000))
def test_deadlines(now, wait):
    session = PacketIdSession()
    pid = session.add(PUBLISH_1, b"t", b"m", now, wait)
    assert session.expired(now + wait - 1) == 0
    assert session.expired(now + wait) == pid
    assert session.status == errno.STIMEOUT
    assert session.expired(now + wait) == 0
    assert not session.remove(pid)


def test_each_expired_identifier_is_handed_out_once():
    session = PacketIdSession()
    for timeout in (10, 10, 10, 100):
        session.add(PUBLISH_1, b"t", b"m", 0, timeout)
    assert {session.expired(10) for _ in range(4)} == {0, 1, 2, 3}


# --- The kind of an acknowledgement must fit -----------------------------------------------------------

KINDS = [
    (PUBLISH_1, [PUBACK]),
    (PUBLISH_2, [PUBREC, PUBCOMP]),
    (SUBSCRIBE, [SUBACK]),
    (UNSUBSCRIBE, [UNSUBACK]),
]


@pytest.mark.parametrize("first, right", KINDS)
@pytest.mark.parametrize("make", [PacketIdSession, QoS2Session, MemorySession])
@pytest.mark.mqtt("MQTT-4.3.2-1", "MQTT-4.3.3-1")
def test_an_acknowledgement_of_another_kind_changes_nothing(make, first, right):
    session = make()
    if first == PUBLISH_2 and session.max_qos < 2:
        return
    session.resume(False, False, 0)
    pid = session.add(first, b"t", 0 if first in (SUBSCRIBE, UNSUBSCRIBE) else b"m", 0, SECOND)
    send(session)
    for i, ack in enumerate(right):
        for wrong in ACKS:
            # PUBREC may come twice, and PUBACK is for the message, too.
            if wrong != ack and not (wrong == PUBREC and i) and not (wrong == PUBACK and ack == PUBREC):
                assert session.on_packet(wrong, pid, 0) == errno.SUNKNOWNPID, hex(wrong)
        if i:
            assert session.on_packet(PUBREC, pid, 0) == PUBREL
        answer = session.on_packet(ack, pid, 0)
        assert answer == (errno.SDELIVERED if ack == right[-1] else PUBREL)
    for ack in ACKS:
        assert session.on_packet(ack, pid, 0) in (errno.SUNKNOWNPID, PUBREL)


def test_before_it_is_sent_a_request_cannot_be_answered():
    session = MemorySession()
    session.resume(False, False, 0)
    pid = session.add(SUBSCRIBE, b"t", 1, 0, SECOND)
    assert session.on_packet(SUBACK, pid, 1) == errno.SUNKNOWNPID
    send(session)
    assert session.on_packet(SUBACK, pid, 1) == errno.SDELIVERED


# --- The window ----------------------------------------------------------------------------------------


def stores(tmp_path, **options):
    return [MemorySession(limit=50, **options), FileSession(str(tmp_path / "s"), limit=50, **options)]


@pytest.mark.parametrize("window", [1, 2, 20, 50])
def test_never_more_than_the_window_is_in_flight_and_all_of_it_is_sent(tmp_path, window):
    for session in stores(tmp_path, window=window):
        session.resume(False, False, 0)
        for i in range(50):
            session.add(PUBLISH_1 if i % 2 else PUBLISH_2, b"t", b"%d" % i, 0, SECOND)
        rng = random.Random(window)
        sent = []
        unanswered = []
        while len(sent) < 50 or unanswered:
            for packet in send(session):
                assert packet[1] != PUBREL
                sent.append(packet[3])
                unanswered.append((packet[0], PUBREC if packet[1] & 4 else PUBACK))
            assert len(unanswered) <= window
            assert len(unanswered) == min(window, session.waiting())
            pid, ack = unanswered.pop(rng.randrange(len(unanswered)))
            if session.on_packet(ack, pid, 0) == PUBREL:
                unanswered.append((pid, PUBCOMP))
        assert sent == [b"%d" % i for i in range(50)]
        assert session.waiting() == 0


# --- One wish for each filter --------------------------------------------------------------------------


class Subscriber:
    """A MemorySession and a broker that may lose what comes and what goes, and that answers requests in order or
    not, with a SUBACK and an UNSUBACK of the same identifier."""

    def __init__(self, rng):
        self.session = MemorySession()
        self.rng = rng
        self.broker: dict[bytes, int] = {}
        self.answers: list[tuple] = []
        self.statuses: list[tuple] = []
        self.asked: dict[int, int] = {}
        self.now = 0
        self.reconnect(False)

    def reconnect(self, present=True):
        self.session.on_close(False)
        self.answers.clear()
        if not present:
            self.broker.clear()
        self.session.resume(present, False, self.now)

    def ask(self, first, topic, qos):
        pid = self.session.add(first, topic, qos, self.now, 1 << 20)
        self.asked[pid] = self.asked.get(pid, 0)

    def send(self):
        packet = self.session.unsent()
        if packet:
            pid, first, topic, qos = packet
            self.session.sent()
            if first == SUBSCRIBE:
                self.broker[topic] = qos
                self.answers.append((SUBACK, pid, qos))
            else:
                self.broker.pop(topic, None)
                self.answers.append((UNSUBACK, pid, 0))
        return packet

    def answer(self):
        if self.answers:
            i = self.rng.randrange(len(self.answers))
            answer = self.session.on_packet(*self.answers.pop(i))
            if answer is not None:
                self.statuses.append(answer)


@pytest.mark.long
@given(st.integers(0, 1 << 30))
@settings(max_examples=300, deadline=None)
def test_the_last_wish_for_a_filter_wins_whatever_is_lost_or_overtakes(seed):
    rng = random.Random(seed)
    s = Subscriber(rng)
    wishes = {}
    for _ in range(rng.randrange(60)):
        what = rng.random()
        topic = rng.choice([b"a", b"b"])
        if what < 0.2:
            wishes[topic] = qos = rng.randrange(3)
            s.ask(SUBSCRIBE, topic, qos)
        elif what < 0.4:
            wishes.pop(topic, None)
            s.ask(UNSUBSCRIBE, topic, 0)
        elif what < 0.65:
            s.send()
        elif what < 0.9:
            s.answer()
        else:
            s.reconnect(rng.random() < 0.5)
    while s.send() or s.answers:
        s.answer()
    assert s.broker == wishes
    assert s.session.subscriptions == wishes
    assert errno.SUNKNOWNPID not in s.statuses
    assert s.session._new_pid() and not [e for e in s.session.filters if e[0]]


def test_requests_for_one_filter_that_overlap_have_one_identifier_and_one_status():
    s = Subscriber(random.Random(1))
    pids = {s.session.add(SUBSCRIBE, b"a", qos, 0, SECOND) for qos in (0, 1)}
    s.send()
    pids.add(s.session.add(UNSUBSCRIBE, b"a", 0, 0, SECOND))
    pids.add(s.session.add(SUBSCRIBE, b"a", 2, 0, SECOND))
    assert len(pids) == 1
    while s.send() or s.answers:
        s.answer()
    assert s.statuses == [errno.SDELIVERED]
    assert s.broker == s.session.subscriptions == {b"a": 2}


# --- What time brings ----------------------------------------------------------------------------------


def test_a_subscription_that_is_set_is_rejected_no_more():
    session = MemorySession()
    session.add(SUBSCRIBE, b"t", 1, 0, 100)
    for _ in range(7):
        session.resume(True, False, 0)
        assert session.unsent()
        session.sent()
        session.on_close(True)
    session.set_subscription(b"t", -1)
    session.resume(True, False, 0)
    assert (session.expired(0), session.unsent()) == (0, None)


def test_a_request_has_its_time_while_connected_in_all():
    session = MemorySession()
    pid = session.add(SUBSCRIBE, b"t", 1, 0, 10 * SECOND)
    now = 1000 * SECOND
    for _ in range(9):  # a second of each connection, then an hour without one
        session.resume(True, False, now)
        send(session)
        now += SECOND
        assert session.expired(now) == 0
        session.on_close(False)
        now += 3600 * SECOND
    session.resume(True, False, now)
    assert session.expired(now + SECOND) == 0  # it has yet to be sent
    send(session)
    now += SECOND + 1
    assert session.expired(now) == 0  # its time goes on from here
    assert session.expired(now + SECOND - 1) == 0
    assert session.expired(now + SECOND) == pid
    assert session.status == errno.STIMEOUT
    assert session.expired(now + SECOND) == 0


def test_what_expires_as_the_connection_ends_expires_on_the_next_one():
    session = MemorySession()
    session.resume(False, False, 0)
    pids = [session.add(SUBSCRIBE, topic, 1, 0, 10 * SECOND) for topic in (b"a", b"b")]
    send(session)
    assert session.expired(10 * SECOND) == pids[0]
    session.on_close(None)
    session.resume(True, False, 20 * SECOND)
    assert session.expired(20 * SECOND) == 0  # it is to be sent first
    send(session)
    told = [session.expired(20 * SECOND + i) for i in (1, 2, 3)]
    assert [pid for pid in told if pid] == pids[1:]


def test_the_time_of_a_request_that_had_to_wait_begins_when_it_is_sent():
    session = MemorySession()
    session.resume(False, False, 0)
    pid = session.add(SUBSCRIBE, b"t", 1, 0, 10 * SECOND)
    # 15 s without a look; the next two find something to read each, so all had come by 0.
    assert session.expired(0) == 0
    send(session)
    assert session.expired(0) == 0
    now = 15 * SECOND
    assert session.expired(now) == 0
    assert session.expired(now + 10 * SECOND - 1) == 0
    assert session.expired(now + 10 * SECOND) == pid


@pytest.mark.parametrize("make", [MemorySession, "file"])
def test_a_message_that_the_broker_has_is_given_up_when_pubrel_is_not_answered(make, tmp_path):
    session = FileSession(str(tmp_path / "s")) if make == "file" else make()
    session.resume(False, False, 0)
    pid = session.add(PUBLISH_2, b"t", b"m", 0, 10)
    send(session)
    assert session.on_packet(PUBREC, pid, 0) == PUBREL
    told = tries = 0
    now = 0
    while not told and now < 1000:
        now += 1
        told = session.expired(now)
        tries += len([packet for packet in send(session) if packet[1] == PUBREL])
    assert told == pid and session.status == errno.SDELIVERED
    assert now <= 60 and tries == 4
    assert session.waiting() == 0 and not session.remove(pid)


def test_without_messages_the_broker_may_have_it_too():
    session = QoS2Session()
    pid = session.add(PUBLISH_2, b"t", b"m", 0, 10)
    assert session.on_packet(PUBREC, pid, 0) == PUBREL
    assert session.expired(10) == pid
    assert session.status == errno.SDELIVERED
    pid = session.add(PUBLISH_2, b"t", b"m", 0, 10)
    assert session.expired(10) == pid
    assert session.status == errno.STIMEOUT


# --- What arrives at QoS 2 -----------------------------------------------------------------------------


@pytest.mark.parametrize("make", [QoS2Session, MemorySession])
@pytest.mark.mqtt("MQTT-4.3.3-2")
def test_a_repetition_is_told_from_another_message_with_its_identifier(make):
    session = make()
    seen = [(b"t", b"m"), (b"t", b"n"), (b"u", b"m"), (b"t", b"m" * 300), (b"t", b""), (None, None)]
    for topic, payload in seen:
        assert session.is_new(7, topic, payload)
        session.mark_received(7)
        assert not session.is_new(7, topic, payload)
        session.mark_received(7)
    assert session.on_packet(PUBREL, 7, 0) == PUBCOMP
    assert session.is_new(7, None, None)


def test_what_was_not_marked_as_received_is_new_again():
    session = MemorySession()
    assert session.is_new(7, b"t", b"m")
    assert session.is_new(7, b"t", b"m")


def test_what_is_remembered_has_a_bound():
    session = MemorySession()
    for pid in range(1, 1000):
        assert session.is_new(pid, b"t", b"m")
        session.mark_received(pid)
        assert not session.is_new(pid, b"t", b"m")
        assert len(session.received) <= LIMIT


def test_the_latest_are_remembered_when_the_broker_has_released_none_of_many():
    session = MemorySession()
    for pid in range(1, 1000):
        session.is_new(pid, b"t", b"m")
        session.mark_received(pid)
        assert not any(session.is_new(one, b"t", b"m") for one in range(max(1, pid - 19), pid))


def test_two_long_messages_that_begin_alike_differ_by_their_length():
    session = MemorySession()
    session.is_new(1, b"t", b"x" * 128, 1000)
    session.mark_received(1)
    assert not session.is_new(1, b"t", b"x" * 1000)
    assert session.is_new(1, b"t", b"x" * 1001)


@pytest.mark.parametrize("by_broker", [True, False])
def test_a_packet_that_could_not_be_sent_does_not_stand_in_the_way_of_those_before_it(by_broker):
    session = MemorySession(5)
    pids = [session.add(0x32, b"t", b"m", 0, 100) for _ in range(4)]
    session.resume(True, False, 0)
    for _ in range(2):
        session.unsent()
        session.sent()
    session.unsent()  # the connection breaks while it is sent,
    session.on_close(False)
    for _ in range(5):  # and others break before there is something to send
        session.resume(True, False, 0)
        session.on_close(by_broker)
    session.resume(True, False, 0)
    assert session.has_unsent
    assert session.unsent()[0] == pids[0]
