"""`check_session` accepts the stores that there are, and finds what is wrong with others."""

from __future__ import annotations

import pytest

from umqtt2.errno import EFULL, SDELIVERED, SFAILED, STIMEOUT, SUNKNOWNPID, MQTTException
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.session.packet_ids import PacketIdSession
from umqtt2.session.qos2 import QoS2Session
from umqtt2.testing import check_session
from umqtt2.testing.store_checks import CHECKS, check_reset

PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK = 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0
PUBLISH, SUBSCRIBE, UNSUBSCRIBE, DUP = 0x30, 0x82, 0xA2, 8


@pytest.fixture
def files(tmp_path):
    """Make FileSessions, each with a file of its own; and start them again."""

    class Files:
        number = 0

        def make(self, **options):
            self.number += 1
            return FileSession(str(tmp_path / str(self.number)), **options)

        def reset(self, session):
            session.close()
            return type(session)(session._journal._path)

    return Files()


@pytest.mark.parametrize(
    "make",
    [
        PacketIdSession,
        lambda: PacketIdSession(window=8),
        QoS2Session,
        lambda: QoS2Session(window=8, last=65533),
        MemorySession,
        lambda: MemorySession(limit=50, last=65530),
        lambda: MemorySession(limit=400, window=5),
    ],
)
def test_stores_in_memory_pass(make):
    check_session(make)


def test_the_store_in_a_file_passes(files):
    check_session(files.make, files.reset)


def test_a_store_that_forgets_all_at_a_reset_is_found():
    with pytest.raises(AssertionError, match="after a reset"):
        check_session(MemorySession, lambda session: MemorySession())


# --- Broken stores -------------------------------------------------------------------------------------


class PidOutOfRange(PacketIdSession):
    def add(self, *args):
        return super().add(*args) + 65535


class SamePid(MemorySession):
    def _new_pid(self):
        return 5


class NotMarkedUnsent(QoS2Session):
    def add(self, *args):
        pid = super().add(*args)
        self.has_unsent = False
        return pid


class AlwaysUnsent(QoS2Session):
    def sent(self):
        super().sent()
        self.has_unsent = True

    def unsent(self):
        return self._packet if self._packet[2] is not None else None


class SentForEver(QoS2Session):
    def sent(self):
        pass


class RefusedIsSent(MemorySession):
    def add(self, first, topic, msg, now, timeout):
        if first & 0xF0 == PUBLISH and len(self.messages) == self.limit:
            self.messages.append([self._new_pid(), first, topic, msg, PUBACK, 0, 0])
            raise MQTTException(EFULL)
        return super().add(first, topic, msg, now, timeout)


class FullForEver(QoS2Session):
    full = False

    def add(self, first, *args):
        if self.full and first & 0xF0 == PUBLISH:
            raise MQTTException(EFULL)
        try:
            return super().add(first, *args)
        except MQTTException:
            self.full = True
            raise


class LastFirst(MemorySession):
    def add(self, first, *args):
        pid = super().add(first, *args)
        if first & 0xF0 == PUBLISH:
            self.messages.insert(self.sent_messages, self.messages.pop())
        return pid


class KeepsNoCopy(MemorySession):
    def add(self, first, topic, msg, *args):
        pid = super().add(first, topic, msg, *args)
        if isinstance(msg, bytearray):
            self.messages[-1][3] = msg
        return pid


class LosesTheRetainFlag(MemorySession):
    def add(self, first, *args):
        return super().add(first & ~1 if first & 0xF0 == PUBLISH else first, *args)


class CopiesStreams(MemorySession):
    def add(self, first, topic, msg, *args):
        return super().add(first, topic, bytes(6) if hasattr(msg, "rewind") else msg, *args)


class RemoveSaysNothing(QoS2Session):
    def remove(self, pid):
        super().remove(pid)


class RemovesAnything(MemorySession):
    def remove(self, pid):
        super().remove(pid)
        return True


class RemovedIsSent(QoS2Session):
    def remove(self, pid):
        return self._in_flight.pop(pid, None) is not None


class AnyKind(QoS2Session):
    def on_packet(self, first, pid, code):
        if first in (PUBACK, PUBCOMP):
            return SDELIVERED if self._in_flight.pop(pid, None) else SUNKNOWNPID
        return super().on_packet(first, pid, code)


class WrongKindForgets(MemorySession):
    def on_packet(self, first, pid, code):
        answer = super().on_packet(first, pid, code)
        if answer == SUNKNOWNPID and first == UNSUBACK:
            self.remove(pid)
        return answer


class ToldTwice(QoS2Session):
    def on_packet(self, first, pid, code):
        return SDELIVERED if first == PUBACK else super().on_packet(first, pid, code)


class NoSecondPubrel(MemorySession):
    def on_packet(self, first, pid, code):
        i = self.find(pid)
        if first == PUBREC and i >= 0 and self.messages[i][4] == PUBCOMP:
            return None
        return super().on_packet(first, pid, code)


class NoPubcompForUnknown(QoS2Session):
    def on_packet(self, first, pid, code):
        if first == PUBREL and pid not in self.received:
            return None
        return super().on_packet(first, pid, code)


class RefusalIsSuccess(MemorySession):
    def on_packet(self, first, pid, code):
        return super().on_packet(first, pid, code & 1)


class GrantIsRefusal(PacketIdSession):
    def on_packet(self, first, pid, code):
        answer = super().on_packet(first, pid, code)
        return SFAILED if answer == SDELIVERED and code == 2 else answer


class NeverExpires(QoS2Session):
    def expired(self, now):
        return 0


class ExpiresEarly(PacketIdSession):
    def expired(self, now):
        return super().expired(now + 2)


class ExpiresForEver(PacketIdSession):
    def expired(self, now):
        for pid in self._in_flight:
            if self._in_flight[pid] >> 3 <= now:
                return pid
        return 0


class WrongStatus(MemorySession):
    def expired(self, now):
        pid = super().expired(now)
        self.status = SDELIVERED
        return pid


class LostAlthoughTheBrokerHasIt(QoS2Session):
    def expired(self, now):
        pid = super().expired(now)
        self.status = STIMEOUT
        return pid


class ConnectionsRestartTheTime(MemorySession):
    def resume(self, present, uncertain, now):
        super().resume(present, uncertain, now)
        for entry in self.filters:
            entry[5] = 100


class ForgetsOnReconnect(QoS2Session):
    def resume(self, present, uncertain, now):
        self._in_flight.clear()


class DeliversTwice(MemorySession):
    def mark_received(self, pid):
        pass


class MarksTooEarly(QoS2Session):
    def is_new(self, pid, topic, payload, size=0):
        new = super().is_new(pid, topic, payload, size)
        self.mark_received(pid)
        return new


class TellsByIdentifierAlone(QoS2Session):
    def is_new(self, pid, topic, payload, size=0):
        return super().is_new(pid, b"", b"")


class NeverReleases(MemorySession):
    def on_packet(self, first, pid, code):
        return PUBCOMP if first == PUBREL else super().on_packet(first, pid, code)


class KeepsReceivedOfALostSession(QoS2Session):
    def resume(self, present, uncertain, now):
        pass


class OneTableForBothDirections(QoS2Session):
    def on_packet(self, first, pid, code):
        if first == PUBREL:
            self._in_flight.pop(pid, None)
        return super().on_packet(first, pid, code)


class SaysItKeeps(QoS2Session):
    keeps = True


class SaysItDoesNotKeep(MemorySession):
    keeps = False


class NoDup(MemorySession):
    def resume(self, *args):
        super().resume(*args)
        for message in self.messages:
            message[1] &= ~DUP


class AlwaysDup(MemorySession):
    def resume(self, *args):
        super().resume(*args)
        for message in self.messages:
            message[1] |= DUP


class PublishAfterPubrec(MemorySession):
    def resume(self, *args):
        super().resume(*args)
        for message in self.messages:
            message[4] = PUBREC if message[1] & 4 else PUBACK


class PubrelToANewSession(MemorySession):
    def resume(self, present, uncertain, now):
        super().resume(True, uncertain or not present, now)


class SentAgainBeforeTheConnack(MemorySession):
    def on_close(self, by_broker):
        super().on_close(by_broker)
        self.resume(True, False, 0)


class RequestsAfterMessages(MemorySession):
    def unsent(self):
        filters = self.filters
        if self._since is None:
            self.filters = []
        packet = super().unsent()
        self.filters = filters
        return packet


class SentTwiceInOneConnection(MemorySession):
    def resume(self, present, uncertain, now):
        self.sent_messages = 0
        super().resume(present, uncertain, now)


class SubscriptionsAreNotRenewed(MemorySession):
    def resume(self, present, uncertain, now):
        super().resume(present, False, now)


class RenewsAlways(MemorySession):
    def resume(self, present, uncertain, now):
        super().resume(present, True, now)


class RenewsWithQoS0(MemorySession):
    def resume(self, present, uncertain, now):
        for entry in self.filters:
            if not entry[0]:
                entry[3] = 0
        super().resume(present, uncertain, now)


class UnsubscribedIsRenewed(MemorySession):
    def on_packet(self, first, pid, code):
        entry = self._find_filter(pid)
        answer = super().on_packet(first, pid, code)
        if first == UNSUBACK and answer == SDELIVERED:
            self.set_subscription(entry[2], 1)
        return answer


class FirstWishWins(MemorySession):
    def _wish_for(self, first, topic, qos, left):
        entry = next((entry for entry in self.filters if entry[2] == topic and entry[0]), None)
        return entry[0] if entry else super()._wish_for(first, topic, qos, left)


class LosesWhatIsUnsent(MemorySession):
    def on_close(self, by_broker):
        del self.messages[self.sent_messages :]
        super().on_close(by_broker)


class WindowNeverMoves(MemorySession):
    def __init__(self):
        super().__init__(limit=100)

    def on_packet(self, first, pid, code):
        before = self.sent_messages
        answer = super().on_packet(first, pid, code)
        self.sent_messages = before
        return answer


class NoFlags(MemorySession):
    max_qos = None  # type: ignore[assignment]


BROKEN = [
    value
    for value in list(globals().values())
    if isinstance(value, type) and value.__module__ == __name__ and value.__name__[0] != "_"
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_what_is_wrong_is_found(broken):
    with pytest.raises(AssertionError) as error:
        check_session(broken)
    assert len(str(error.value)) > 20, "says what is wrong"


def found_by(check, broken):
    try:
        check(broken)
    except Exception:
        return True
    return False


@pytest.mark.long
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_finds_something(check):
    assert any(found_by(check, broken) for broken in BROKEN)


# --- A store in a file -----------------------------------------------------------------------------------


class ForgetsMessages(FileSession):
    def add(self, *args):
        return MemorySession.add(self, *args)

    def unsent(self):
        return MemorySession.unsent(self)


class ForgetsWhatIsDone(FileSession):
    def log(self, kind, pid, topic=b""):
        if kind != 4:
            super().log(kind, pid, topic)


class ForgetsPubrec(FileSession):
    def log(self, kind, pid, topic=b""):
        if kind != 5:
            super().log(kind, pid, topic)


class ForgetsWhatHasCome(FileSession):
    def log(self, kind, pid, topic=b""):
        if kind != 6:
            super().log(kind, pid, topic)


class ForgetsSubscriptions(FileSession):
    def log(self, kind, pid, topic=b""):
        if kind != 9:
            super().log(kind, pid, topic)


@pytest.mark.long
@pytest.mark.parametrize(
    "broken",
    [ForgetsMessages, ForgetsWhatIsDone, ForgetsPubrec, ForgetsWhatHasCome, ForgetsSubscriptions],
)
def test_what_a_reset_destroys_is_found(broken, files, tmp_path):
    for check in CHECKS:
        check(lambda: broken(str(tmp_path / f"broken{len(list(tmp_path.iterdir()))}")))
    with pytest.raises(AssertionError, match="reset"):
        check_reset(lambda: broken(str(tmp_path / "broken")), files.reset)
