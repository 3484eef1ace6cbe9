"""Memory that runs out anywhere: afterwards everything works, and nothing is lost but what was told."""

from __future__ import annotations

import io
import itertools
import os

import pytest

from tests.long.injector import run_out_at_every_line
from umqtt2 import MQTTClient
from umqtt2.errno import MQTTException
from umqtt2.packets.fields import CONNECT
from umqtt2.robust import MQTTClient as RobustClient
from umqtt2.session import file
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeBroker

FILES = (
    "client.py",
    "connection.py",
    "robust.py",
    "reconnect.py",
    "packets/decoder.py",
    "packets/fields.py",
    "packets/v311.py",
    "session/memory.py",
    "session/received_ids.py",
)
LARGE = b"large" * 50
STREAM = bytes(i * 7 & 255 for i in range(1300))
MAX_PACKET = 100  # what is larger comes in chunks


def plain(broker, session=None, **options):
    session = session or MemorySession()
    return MQTTClient("id", "b", keepalive=60, transport=broker, clock=broker.clock, session=session, **options)


def robust(broker, **options):
    return RobustClient("id", "b", transport=broker, clock=broker.clock, verbose=False, **options)


class Broker(FakeBroker):
    """deaf  True: it answers a CONNECT, and nothing else"""

    deaf = False

    def write(self, buf, offset, n):
        self.silent = self.deaf and buf[offset] != CONNECT
        return super().write(buf, offset, n)


class Program:
    """What a careful program does: it tries again what has raised."""

    ends = ([1],)  # statuses that a message may have got

    def __init__(self, make, **options):
        self.make = make
        self.options = options
        self.broker = Broker()
        self.got = []
        self.statuses = {}
        self.pids = []  # of messages at QoS 1 and 2 that were taken
        self.told = 0  # MemoryErrors that reached the program
        self.new_client()

    def new_client(self):
        try:
            self.client = self.make(self.broker, **self.options)
        except MemoryError:
            self.client = self.make(self.broker, **self.options)
        self.client.set_callback(lambda topic, msg, retained, dup: self.got.append(msg))
        self.client.set_callback_status(self._status)

    def _status(self, pid, status):
        self.statuses.setdefault(pid, []).append(status)

    def until(self, call, *arguments):
        """Call something until it does not raise; return what it returned."""
        for _ in range(9):
            try:
                return call(*arguments)
            except MemoryError:
                self.told += 1
            except (MQTTException, OSError):
                pass
            self.reconnect()
        raise AssertionError(f"{call} raises for ever")

    def reconnect(self):
        for _ in range(9):
            try:
                if not self.client.connection.state:
                    self.client.connect(False)
                return
            except MemoryError:
                self.told += 1
            except (MQTTException, OSError):
                pass
        raise AssertionError("connect() raises for ever")

    def publish(self, msg, qos):
        pid = self.until(self.client.publish, "state", msg, False, qos)
        if qos:
            self.pids.append(pid)

    def pump(self, looks=60):
        for _ in range(looks):
            self.until(self.client.check_msg)
            self.broker.clock.advance(500)

    def leave(self):
        try:
            self.client.disconnect()
        except MemoryError:
            self.client.disconnect()

    def run(self):
        broker = self.broker
        self.until(self.client.connect, False)
        self.until(self.client.subscribe, "cmd/#", 2)
        self.pump(6)
        for qos in (0, 1, 2):
            self.publish(f"{qos}", qos)
        for qos in (0, 1, 2):
            broker.deliver("cmd/x", f"{qos}", qos=qos)
        broker.deliver("cmd/large", LARGE, qos=1)
        self.pump(6)
        broker.drop()
        broker.forget()
        self.pump()
        for qos in (1, 2):
            broker.deliver("cmd/x", f"again {qos}", qos=qos)
        self.pump()
        self.publish("last", 1)
        self.pump()
        self.leave()

    def check(self):
        self.check_delivered(b"1", b"2", b"last", once=[b"2"])
        for message in (b"2", b"again 2"):
            assert self.got.count(message) <= 1
        self.check_received(b"1", b"2", b"again 1", b"again 2", LARGE)
        self.check_works()

    def check_delivered(self, *messages, once):
        """What `publish` took was delivered; twice only where the program was told, and published it again."""
        payloads = [payload for _, payload, _, _ in self.broker.published]
        for payload in messages:
            assert payload in payloads, payload[:9]
        for payload in once:
            assert self.told or payloads.count(payload) == 1, payload[:9]

    def check_received(self, *messages):
        """Only those are missing for which there was no memory, which is told."""
        missing = [message for message in messages if message not in self.got]
        assert len(missing) <= len(self.statuses.get(0, [])), missing

    def check_works(self):
        """All that was taken got its status; the subscription is there, and all works once more."""
        broker = self.broker
        assert broker.subscriptions == self.client.session.subscriptions == {b"cmd/#": 2}
        assert self.client.session.waiting() == 0
        for pid in self.pids:
            assert self.statuses[pid] in self.ends
        assert not broker.is_open
        self.client.connect(False)
        self.client.publish("state", "afterwards", qos=2)
        broker.deliver("cmd/x", "afterwards", qos=2)
        self.pump(10)
        assert broker.published[-1][1] == b"afterwards"
        assert self.got[-1] == b"afterwards"


class Streaming(Program):
    """Payloads from a stream, and in chunks."""

    ends: tuple = ([1], [0])  # a stream that cannot be read again is told

    def new_client(self):
        super().new_client()
        self._chunks = b""
        try:
            self.client.set_callback_chunks(self._chunk, "cmd/#")
        except MemoryError:
            self.client.set_callback_chunks(self._chunk, "cmd/#")

    def _chunk(self, topic, chunk, offset, total):
        if not offset:
            self._chunks = b""
        assert len(self._chunks) == offset, "a piece is missing"
        self._chunks += chunk
        if len(self._chunks) == total:
            self.got.append(self._chunks)

    def publish(self, msg, qos):
        def attempt():
            return self.client.publish("state", io.BytesIO(msg), qos=qos, length=len(msg))

        pid = self.until(attempt)
        if qos:
            self.pids.append(pid)

    def run(self):
        broker = self.broker
        self.until(self.client.connect, False)
        self.until(self.client.subscribe, "cmd/#", 2)
        self.pump(2)
        for qos in (0, 1, 2):
            self.publish(STREAM + b"%d" % qos, qos)
            broker.deliver("cmd/x", LARGE + b"%d" % qos, qos=qos)
            broker.deliver("cmd/x", b"%d" % qos, qos=qos)
        self.pump(12)
        # The connection breaks amid a message of each kind.
        for qos in (1, 2):
            broker.deliver("cmd/x", LARGE + b"again %d" % qos, qos=qos)
            broker.read_sizes = iter([None] * 4 + [0])
            self.pump(1)
            broker.incoming.clear()
            broker.drop()
            self.pump(30)
        broker.write_sizes = iter([None, None, 0, 0, 0, 0])
        broker.fail_read = OSError(104)
        self.publish(STREAM + b"last", 2)
        self.pump(30)
        self.leave()

    def check(self):
        kept = [STREAM + last for last in (b"1", b"2", b"last")]
        if [0] not in self.statuses.values():
            self.check_delivered(STREAM + b"0", *kept, once=kept[1:])
        messages = [LARGE + last for last in (b"1", b"2", b"again 1", b"again 2")]
        for message in (messages[1], messages[3], b"2"):
            assert self.got.count(message) <= 1
        self.check_received(b"1", b"2", *messages)
        self.check_works()


class Filed(Program):
    """A session in a file, and resets."""

    stale = False  # at a reset the file did not have all that was in RAM, which is allowed

    def new_client(self):
        try:
            self.options["session"] = FileSession(self.path)
        except MemoryError:
            self.options["session"] = FileSession(self.path)
        super().new_client()

    def reset(self):
        session = self.client.session
        self.stale = self.stale or session._file_stale
        session.close()
        self.broker.drop()
        self.new_client()

    def __init__(self, make, path):
        self.path = path
        super().__init__(make)

    def run(self):
        broker = self.broker
        self.until(self.client.connect, False)
        self.until(self.client.subscribe, "cmd/#", 2)
        self.pump(3)
        for qos in (1, 2):
            self.publish(f"{qos}", qos)
            broker.deliver("cmd/x", f"{qos}", qos=qos)
        self.pump(3)
        # What is half done.
        self.publish("half", 2)
        broker.deliver("cmd/x", "half", qos=2)
        broker.deaf = True
        self.pump(3)
        self.publish("kept 1", 1)
        self.publish("kept 2", 2)
        self.reset()
        broker.deaf = False
        self.pump(12)
        # The broker loses the session, and the next reset comes when all is done.
        self.publish("lost", 2)
        broker.drop()
        broker.forget()
        self.pump(12)
        self.until(self.client.unsubscribe, "cmd/#")
        self.until(self.client.subscribe, "cmd/#", 2)
        self.pump(3)
        self.reset()
        broker.deliver("cmd/x", "again", qos=2)
        self.pump(12)
        self.leave()

    def check(self):
        taken = (b"1", b"2", b"half", b"kept 1", b"kept 2", b"lost")
        self.check_delivered(*taken, once=[b"2", b"half", b"kept 2"])
        for message in (b"2", b"half"):
            assert self.got.count(message) <= 1 + self.stale
        self.check_received(b"1", b"2", b"half", b"again")
        self.check_works()
        session = self.client.session
        assert session.lost == 0
        session.close()
        again = FileSession(self.path)
        assert again.pids() == session.pids()
        assert again.subscriptions == session.subscriptions
        assert again.received == session.received
        assert again.lost == 0
        again.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("make", [plain, robust])
def test_memory_may_run_out_at_any_line(make):
    raised, failures = run_out_at_every_line(FILES, lambda: Program(make))
    assert raised > 300
    assert not failures, f"{len(failures)} of {raised}:\n" + "\n".join(failures)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("make, times", [(plain, 1), (robust, 2)])
def test_while_payloads_are_streamed(make, times):
    names = ("streaming.py", "packets/filter.py", "connection.py", "packets/decoder.py", "session/received_ids.py")
    raised, failures = run_out_at_every_line(names, lambda: Streaming(make, max_packet=MAX_PACKET), times)
    assert raised > 200
    assert not failures, f"{len(failures)} of {raised}:\n" + "\n".join(failures)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("make, times", [(plain, 1), (robust, 2)])
def test_with_a_session_in_a_file(make, times, tmp_path, monkeypatch):
    monkeypatch.setattr(file, "GROWTH", 64)  # it is rewritten now and then
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    numbers = itertools.count()
    names = ("session/file.py", "session/journal.py", "session/memory.py", "session/received_ids.py")
    raised, failures = run_out_at_every_line(names, lambda: Filed(make, str(tmp_path / str(next(numbers)))), times)
    assert raised > 200
    assert not failures, f"{len(failures)} of {raised}:\n" + "\n".join(failures)
