"""The session store in a file: whatever happens to the file, and whenever."""

from __future__ import annotations

import copy
import struct

import pytest

import umqtt2.session.file
import umqtt2.session.journal
from umqtt2 import MQTTException, robust
from umqtt2.errno import EFULL, ESTORE, SDELIVERED, SFAILED
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeBroker

ENOENT, EIO, ENOSPC, EROFS = 2, 5, 28, 30
PUBLISH_0, PUBLISH_1, PUBLISH_2, DUP = 0x30, 0x32, 0x34, 8
PUBACK, PUBREC, PUBREL, PUBCOMP = 0x40, 0x50, 0x62, 0x70
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 0x82, 0x90, 0xA2, 0xB0
MAGIC, HEAD = 4, 11
TIMEOUT = 100
DONE, RECEIVED, DELIVERED, RELEASED, FORGOTTEN, SUBSCRIPTION = range(4, 10)


class PowerLoss(BaseException):
    """Nothing in the program sees it."""


class Disk:
    """A file system in memory.

    room   bytes that can still be written; then it is full
    power  steps until the power fails: a byte that is written, a file that is made or removed
    """

    def __init__(self):
        self.files = {}
        self.room = self.power = None
        self.read_only = False
        self.bad = None  # writing to this file fails
        self.durable = {}  # the files as far as they were synced
        self.deaf = None  # so many times syncing succeeds, then it fails once, although all is written
        self.writes = self.written = self.synced = self.open_files = 0

    def open(self, name, mode, buffering):
        assert buffering == 0
        if mode != "rb" and self.read_only:
            raise OSError(EROFS, name)
        if mode == "w+b":
            self.step()
            self.files[name] = bytearray()
            self.durable[name] = b""
        elif name not in self.files:
            raise OSError(ENOENT, name)
        self.open_files += 1
        return File(self, name, mode)

    def remove(self, name):
        if self.read_only:
            raise OSError(EROFS, name)
        if name not in self.files:
            raise OSError(ENOENT, name)
        self.step()
        content = self.files.pop(name)
        if self.room is not None:
            self.room += len(content)
        self.durable.pop(name, None)

    def step(self):
        if self.power is not None:
            self.power -= 1
            if self.power < 0:
                raise PowerLoss


class File:
    """A handle that is stale after an error, as littlefs's is."""

    def __init__(self, disk, name, mode):
        self.disk = disk
        self.name = name
        self.writable = mode != "rb"
        self.at = 0
        self.broken = False

    def seek(self, offset, whence=0):
        self.at = offset + (len(self.disk.files[self.name]) if whence == 2 else 0)
        return self.at

    def read(self, n):
        data = bytes(self.disk.files[self.name][self.at : self.at + n])
        self.at += len(data)
        return data

    def write(self, data):
        disk = self.disk
        assert self.writable and not self.broken and self.name in disk.files
        disk.writes += 1
        content = disk.files[self.name]
        content.extend(bytes(max(0, self.at - len(content))))
        if disk.bad == self.name:
            raise OSError(EIO)
        for byte in data:
            if self.at == len(content) and disk.room is not None:
                if not disk.room:
                    self.broken = True
                    raise OSError(ENOSPC)
                disk.room -= 1
            disk.step()
            content[self.at : self.at + 1] = bytes((byte,))
            self.at += 1
            disk.written += 1
        return len(data)

    def flush(self):
        assert not self.broken
        self.disk.synced += 1
        self.disk.durable[self.name] = bytes(self.disk.files[self.name])
        if self.disk.deaf is not None:
            self.disk.deaf -= 1
            if self.disk.deaf < 0:
                self.disk.deaf = None
                raise OSError(EIO)

    def close(self):
        self.disk.open_files -= 1


@pytest.fixture
def disk(monkeypatch):
    """The file system that FileSession sees."""
    disk = Disk()
    monkeypatch.setattr(umqtt2.session.journal, "open", lambda *args: disk.open(*args), raising=False)
    monkeypatch.setattr(umqtt2.session.journal, "os", disk)
    return disk


@pytest.fixture
def restless(monkeypatch):
    """The file is rewritten often."""
    monkeypatch.setattr(umqtt2.session.file, "GROWTH", 0)


def sent_again(session, present=True):
    """What a session sends on a new connection, requests apart."""
    session.on_close(None)
    session.resume(present, False, 0)
    messages = []
    packet = session.unsent()
    while packet:
        pid, first, topic, msg = packet
        if first == PUBREL:
            messages.append((pid, 0))
        elif first & 0xF0 == 0x30:
            messages.append((pid, first, topic, msg))
        session.sent()
        packet = session.unsent()
    return messages


def received(session):
    """The identifiers of messages at QoS 2 that are not released."""
    return {pid for pid in session.received if session.received[pid]}


def view(session):
    """All that a session says."""
    return sent_again(session), received(session), session.subscriptions


def reset(memory):
    """A MemorySession as if it had survived a reset."""
    memory = copy.deepcopy(memory)
    subscriptions = memory.subscriptions
    memory.filters.clear()
    for topic in subscriptions:
        memory.set_subscription(topic, subscriptions[topic])
    for entry in memory.filters:  # it is renewed with the next connection
        entry[0] = memory.last = memory._new_pid()
    memory.on_close(None)
    for message in memory.messages:
        message[1] |= DUP if message[1] & 6 else 0
    return memory


def add(session, first, topic, msg):
    return session.add(first, topic, msg, 0, TIMEOUT)


def publish(text, first=PUBLISH_1):
    return lambda s: add(s, first, b"topic", text)


def request(first, topic, qos, code):
    """Send a request, which is answered."""

    def act(s):
        pid = add(s, first, topic, qos)
        assert s.unsent()[0] == pid
        s.sent()
        return s.on_packet(SUBACK if first == SUBSCRIBE else UNSUBACK, pid, code)

    return act


def subscribed(topic, qos):
    return request(SUBSCRIBE, topic, qos, qos)


def unsubscribed(topic):
    return request(UNSUBSCRIBE, topic, 0, 0)


def refused(topic):
    return request(SUBSCRIBE, topic, 1, 128)


def connected(s):
    s.resume(True, False, 0)
    packet = s.unsent()
    while packet and packet[1] == SUBSCRIBE:  # renewed after a reset
        pid, _, _, qos = packet
        s.sent()
        assert s.on_packet(SUBACK, pid, qos) is None
        packet = s.unsent()


def answered(first, pid):
    return lambda s: s.on_packet(first, pid, 0)


def done(session, pid):
    """The broker acknowledges a message at QoS 1."""
    assert session.on_packet(PUBACK, pid, 0) == SDELIVERED


def delivered(pid, msg=b"m"):
    """A message at QoS 2 comes and is given to the program."""

    def act(s):
        new = s.is_new(pid, b"t", msg)
        s.mark_received(pid)
        return new

    return act


def sent(s):
    while s.unsent():
        s.sent()


SCENARIO = [
    connected,
    subscribed(b"a/#", 1),
    publish(b"one"),
    publish(b"two", PUBLISH_2 | 1),
    publish(b"three" * 9, PUBLISH_1 | 1),
    answered(PUBACK, 2),
    sent,
    answered(PUBREC, 3),
    delivered(7),
    publish(b""),
    subscribed(b"b", 0),
    answered(PUBREL, 7),
    delivered(8),
    answered(PUBREL, 99),
    answered(PUBCOMP, 3),
    publish(b"four", PUBLISH_2 | 1),
    sent,
    answered(PUBREC, 7),
    unsubscribed(b"a/#"),
    refused(b"c"),
    publish(b"five", PUBLISH_2),
    lambda s: s.resume(False, False, 0),
    delivered(9),
    publish(b"six"),
    answered(PUBACK, 4),
    answered(PUBACK, 5),
    subscribed(b"b", 2),
    sent,
    answered(PUBREC, 10),
    answered(PUBREC, 7),
    answered(PUBCOMP, 7),
    publish(b"seven"),
]


RELEASES = [SCENARIO[11], SCENARIO[13]]


def played(session, scenario=SCENARIO):
    for act in scenario:
        act(session)
    return session


# --- The contract ------------------------------------------------------------------------------------


def test_without_a_reset_it_does_what_the_memory_session_does(disk):
    file, memory = FileSession("s"), MemorySession(100)
    for act in SCENARIO:
        assert act(file) == act(memory)
        assert file.waiting() == memory.waiting()
    assert view(file) == view(memory)
    assert sent_again(file, False) == sent_again(memory, False)


def test_each_step_survives_a_reset(disk, restless):
    memory = MemorySession(100)
    file = FileSession("s")
    for act in SCENARIO:
        act(memory)
        act(file)
        assert view(FileSession("s")) == view(reset(memory))


def test_everything_goes_on_after_a_reset_in_every_step(disk, restless):
    memory = MemorySession(100)
    for act in SCENARIO:
        file = FileSession("s")
        memory = reset(memory)
        file.last = memory.last  # a request's identifier is not in the file
        connected(memory)
        connected(file)
        act(memory)
        act(file)
    assert view(FileSession("s")) == view(reset(memory))


def test_what_was_sent_before_has_dup_only_where_the_broker_knows_it(disk):
    session = FileSession("s")
    add(session, PUBLISH_1, b"t", b"m")
    add(session, PUBLISH_0, b"t", b"0")
    assert [packet[1] for packet in sent_again(FileSession("s"))] == [PUBLISH_1 | DUP, PUBLISH_0]
    assert [packet[1] for packet in sent_again(FileSession("s"), False)] == [PUBLISH_1]
    # A message at QoS 0 is done when it was sent.
    assert [packet[1] for packet in sent_again(session)] == [PUBLISH_1, PUBLISH_0]
    assert [packet[1] for packet in sent_again(session)] == [PUBLISH_1 | DUP]


def test_subscriptions_are_renewed_after_a_reset(disk):
    played(FileSession("s"), [connected, subscribed(b"a/#", 1)])
    session = FileSession("s")
    session.resume(False, False, 0)
    pid, first, topic, msg = session.unsent()
    assert (first, topic, msg) == (SUBSCRIBE, b"a/#", 1)
    session.sent()
    assert session.on_packet(SUBACK, pid, 128) == SFAILED
    assert FileSession("s").subscriptions == {}


def test_a_subscription_that_is_known_costs_no_write(disk):
    session = played(FileSession("s"), [connected, subscribed(b"a/#", 1)])
    before = disk.writes
    subscribed(b"a/#", 1)(session)
    sent_again(session, False)
    assert disk.writes == before


def test_identifiers_of_messages_in_the_file_are_not_given_again(disk):
    session = FileSession("s")
    first = add(session, PUBLISH_1, b"t", b"m")
    session = FileSession("s")
    session.last = 0
    assert add(session, PUBLISH_1, b"t", b"m") != first


def test_full(disk):
    session = FileSession("s", limit=2)
    publish(b"1")(session)
    publish(b"2")(session)
    with pytest.raises(MQTTException) as error:
        publish(b"3")(session)
    assert error.value.args[0] == EFULL
    assert add(session, SUBSCRIBE, b"t", 0)
    assert session.waiting() == FileSession("s", limit=1).waiting() == 2


def test_only_requests_expire(disk):
    session = FileSession("s")
    publish(b"m")(session)
    pid = session.add(SUBSCRIBE, b"t", 0, 0, 10)
    sent_again(session)
    assert [session.expired(now) for now in (1, 9, 10, 10, 1000)] == [0, 0, pid, 0, 0]
    assert FileSession("s").subscriptions == {}


def test_payloads_of_any_kind(disk):
    session = FileSession("s")
    mine = bytearray(b"mine")
    for msg in (mine, memoryview(b"view"), b"\0" * 70000):
        add(session, PUBLISH_1, b"t", msg)
    mine[:] = b"else"
    expected = [b"mine", b"view", b"\0" * 70000]
    assert [packet[3] for packet in sent_again(session)] == expected
    assert [packet[3] for packet in sent_again(FileSession("s"))] == expected


def test_real_files(tmp_path):
    path = str(tmp_path / "session")
    memory = played(MemorySession(100))
    played(FileSession(path))
    assert view(FileSession(path)) == view(reset(memory))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_closed_session_opens_its_file_again_when_it_needs_it(tmp_path):
    session = FileSession(str(tmp_path / "session"))
    publish(b"one")(session)
    session.close()
    session.close()
    publish(b"two")(session)
    session.close()
    assert [packet[3] for packet in sent_again(session)] == [b"one", b"two"]


def test_the_files_can_be_removed_when_the_session_is_closed(disk):
    session = FileSession("s")
    publish(b"one")(session)
    assert disk.open_files == 1
    session.close()
    assert disk.open_files == 0


def test_no_such_folder(tmp_path):
    session = FileSession(str(tmp_path / "none" / "session"))
    with pytest.raises(MQTTException) as error:
        publish(b"m")(session)
    assert error.value.args == (ESTORE, ENOENT)


# --- Sparing with flash ------------------------------------------------------------------------------


def cost(disk, *acts):
    before = disk.writes, disk.synced, disk.written
    for act in acts:
        act()
    return disk.writes - before[0], disk.synced - before[1], disk.written - before[2]


def test_writes_and_bytes_for_each_message(disk):
    session = FileSession("s")
    publish(b"")(session)  # makes the file
    text = len(b"topic") + 32

    def whole(first):
        pid = add(session, first, b"topic", b"0" * 32)
        if first == PUBLISH_2:
            assert session.on_packet(PUBREC, pid, 0) == PUBREL
            assert session.on_packet(PUBREC, pid, 0) == PUBREL  # a repetition costs nothing
        sent_again(session)
        assert session.on_packet(PUBCOMP if first == PUBLISH_2 else PUBACK, pid, 0) == SDELIVERED

    assert cost(disk, lambda: whole(PUBLISH_1)) == (2, 2, text + 28)
    assert cost(disk, lambda: whole(PUBLISH_2)) == (3, 3, text + 39)
    release = answered(PUBREL, 5)
    assert cost(disk, lambda: delivered(5)(session), lambda: release(session)) == (2, 2, 32)
    assert cost(disk, lambda: release(session), lambda: sent_again(session)) == (0, 0, 0)


def test_the_file_stays_small_and_rewriting_costs_little(disk):
    session = FileSession("s")
    keep = add(session, PUBLISH_1, b"topic", b"kept")
    records = 0
    for _ in range(2000):
        done(session, add(session, PUBLISH_1, b"topic", b"0" * 32))
        records += 65
        assert sum(map(len, disk.files.values())) < 4096 + 500
    assert disk.written < records * 1.05
    assert view(FileSession("s"))[0] == [(keep, PUBLISH_1 | DUP, b"topic", b"kept")]


def test_the_file_stays_small_although_the_device_sleeps_after_each_message(disk):
    publish(b"kept")(FileSession("s"))
    for _ in range(300):
        session = FileSession("s")
        done(session, publish(b"0" * 32)(session))
        assert sum(map(len, disk.files.values())) < 4096 + 500


@pytest.mark.long
def test_a_large_message_that_waits_is_seldom_copied(disk):
    session = FileSession("s")
    publish(b"0" * 100_000)(session)
    for i in range(1000):
        if not i % 100:
            session = FileSession("s")
        done(session, publish(b"0" * 32)(session))
    assert disk.written < 300_000


def test_what_waits_is_not_copied_again_and_again(disk):
    session = FileSession("s", limit=1000)
    for _ in range(1000):
        add(session, PUBLISH_1, b"topic", b"0" * 32)
    for pid in range(1, 1001):
        done(session, pid)
    assert disk.written < 1.5 * 1000 * 65


# --- Loss of power -----------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("synced", [False, True], ids=["all that was written", "only what was synced"])
def test_power_fails_at_every_byte_and_every_step(disk, restless, synced):
    memory = MemorySession(100)
    after = [view(reset(memory))]
    for act in SCENARIO:
        act(memory)
        after.append(view(reset(memory)))

    def fails(session, *acts):
        """Play until the power fails; return the number of steps that were finished."""
        done = 0
        try:
            for act in acts:
                act(session)
                done += 1
        except PowerLoss:
            if synced:
                disk.files = {name: bytearray(content) for name, content in disk.durable.items()}
        disk.power = None
        return done

    steps = rewritten = i = 0
    while i < len(SCENARIO):
        disk.__init__()
        session = FileSession("s")
        disk.power = steps
        steps += 1
        i = fails(session, *SCENARIO)
        expected = after[i : i + 2]
        rewritten += len(disk.files) > 1
        session = FileSession("s")
        assert session.lost == 0
        assert view(session) in expected
        # And once more, while the next record is written.
        session = FileSession("s")
        disk.power = steps * 7 % 400
        more = fails(session, publish(b"next"))
        session = FileSession("s")
        messages, *others = view(session)
        assert session.lost == 0
        if messages and messages[-1][3:] == (b"next",):
            messages.pop()
        else:
            assert not more
        assert (messages, *others) in expected
        # Then it is one good file.
        publish(b"last")(session)
        assert len(disk.files) == 1
        assert view(FileSession("s"))[0][-1][3] == b"last"
    assert steps > 700 and rewritten > 200


# --- Damage ------------------------------------------------------------------------------------------


def every_kind(disk):
    """A journal with a record of every kind, before END and after it; its bytes."""
    session = FileSession("s")
    connected(session)
    subscribed(b"old/#", 2)(session)
    for text in (b"early", b"exact", b"third"):
        add(session, PUBLISH_2, b"topic", text)
    answered(PUBREC, 3)(session)
    delivered(7)(session)
    session._rewrite()
    subscribed(b"a/#", 1)(session)
    for text in (b"one", b"two", b"three", b"four"):
        add(session, PUBLISH_2, b"topic", text)
    answered(PUBREC, 6)(session)
    delivered(8)(session)
    answered(PUBREL, 7)(session)
    answered(PUBREC, 8)(session)
    answered(PUBCOMP, 8)(session)
    unsubscribed(b"old/#")(session)
    session.resume(False, False, 0)
    answered(PUBREC, 7)(session)
    delivered(9)(session)
    add(session, PUBLISH_1, b"topic", b"five")
    (name,) = disk.files
    return name, bytes(disk.files[name])


def parsed(data):
    """The records of a journal: start, end, kind, identifier, body."""
    at = MAGIC
    while at < len(data):
        kind, pid, size = struct.unpack_from(">BHI", data, at)
        end = at + HEAD + (size if kind > 2 else 0)
        yield at, end, kind, pid, data[at + HEAD : end]
        at = end


def replayed(records):
    """What the records say, when it is sent again."""
    messages, delivered, subscriptions = {}, set(), {}
    for _, _, kind, pid, body in records:
        n = 2 + int.from_bytes(body[:2], "big")
        topic, msg = body[2:n], body[n:-4]
        if kind >= 0x30:
            messages[pid] = (pid, kind | DUP, topic, msg)
        elif kind == DONE:
            messages.pop(pid, None)
        elif kind == RECEIVED and pid in messages:
            messages[pid] = messages[pid][:1] + (0,) + messages[pid][1:]
        elif kind == DELIVERED:
            delivered.add(pid)
        elif kind == RELEASED:
            delivered.discard(pid)
        elif kind == FORGOTTEN:
            delivered.clear()
            messages = {p: (m[:1] + m[2:] if m[1] == 0 else m) for p, m in messages.items()}
        elif kind == SUBSCRIPTION and pid:
            subscriptions[topic] = pid - 1
        elif kind == SUBSCRIPTION:
            subscriptions.pop(topic, None)
    return [m if m[1] else m[:2] for m in messages.values()], delivered, subscriptions


def test_the_judge_of_the_damage(disk):
    _, data = every_kind(disk)
    records = list(parsed(data))
    assert {record[2] for record in records} == {1, 2, *range(4, 10), PUBLISH_1, PUBLISH_2}
    assert records[-1][1] == len(data)
    assert replayed(records) == view(FileSession("s"))


@pytest.mark.long
@pytest.mark.parametrize("pattern", [0x01, 0x80, 0xFF, 0x10])
def test_every_byte_damaged_loses_its_record_alone(disk, pattern, capsys):
    name, data = every_kind(disk)
    records = list(parsed(data))
    for i in range(len(data)):
        damaged = bytearray(data)
        damaged[i] ^= pattern
        disk.files = {name: damaged}
        session = FileSession("s")
        lost = [record for record in records if record[0] <= i < record[1]]
        expected = replayed([record for record in records if record not in lost])
        assert view(session) == expected
        assert session.lost == len(lost)
        said = capsys.readouterr().out
        assert said == ("umqtt2: session, places lost: 1\n" if lost else "")
        # The next write makes a good file of it.
        add(session, PUBLISH_1, b"topic", b"next")
        session = FileSession("s")
        assert session.lost == 0
        messages, *others = view(session)
        assert messages.pop()[3] == b"next"
        assert (messages, *others) == expected


def test_two_damaged_places(disk):
    name, data = every_kind(disk)
    records = list(parsed(data))
    for a in range(1, len(records), 3):
        for b in range(a + 2, len(records), 2):
            damaged = bytearray(data)
            damaged[records[a][0]] ^= 0xFF
            damaged[records[b][1] - 1] ^= 0xFF
            disk.files = {name: damaged}
            session = FileSession("s")
            assert session.lost == 2
            assert view(session) == replayed([r for r in records if r not in (records[a], records[b])])


@pytest.mark.long
def test_cut_after_every_byte(disk):
    name, data = every_kind(disk)
    records = list(parsed(data))
    for n in range(len(data)):
        disk.files = {name: bytearray(data[:n])}
        session = FileSession("s")
        expected = replayed([record for record in records if record[1] <= n])
        assert view(session) == expected
        assert session.lost == 0
        add(session, PUBLISH_1, b"topic", b"next")
        messages, *others = view(FileSession("s"))
        assert messages.pop()[3] == b"next"
        assert (messages, *others) == expected


@pytest.mark.parametrize("where", [0, -1])
def test_the_identifier_of_what_is_lost_is_not_given_at_once_again(disk, where):
    session = FileSession("s")
    publish(b"one")(session)
    lost = publish(b"two", PUBLISH_2)(session)
    (content,) = disk.files.values()
    content[list(parsed(content))[-1][0] if where == 0 else -1] ^= 1
    assert publish(b"three", PUBLISH_2)(FileSession("s")) != lost


@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"MQJ1", b"\x03\0\1\0\0\0\0"])
def test_a_file_that_is_no_journal(disk, filler):
    for size in (1, 11, 15, 26, 1000):
        disk.files = {"s.0": bytearray(filler * size)}
        session = FileSession("s")
        assert view(session) == ([], set(), {})
        pid = add(session, PUBLISH_1, b"topic", b"next")
        assert view(FileSession("s"))[0] == [(pid, PUBLISH_1 | DUP, b"topic", b"next")]


def test_a_message_that_has_the_bytes_of_records_in_it(disk):
    name, data = every_kind(disk)
    disk.files = {}
    session = FileSession("s")
    for _ in range(2):
        add(session, PUBLISH_1, b"topic", data)
    (name,) = disk.files
    records = list(parsed(disk.files[name]))
    disk.files[name][records[-2][0]] ^= 1  # its head: what is within it is searched
    session = FileSession("s")
    assert session.lost == 1
    assert view(session) == ([(2, PUBLISH_1 | DUP, b"topic", data)], set(), {})


def test_damage_while_it_runs(disk, capsys):
    session = FileSession("s")
    for text in (b"one", b"two", b"three"):
        add(session, PUBLISH_1, b"topic", text)
    (content,) = disk.files.values()
    content[content.index(b"two")] ^= 1
    assert [packet[3] for packet in sent_again(session)] == [b"one", b"three"]
    assert session.waiting() == 2
    assert session.lost == 1
    assert "lost" in capsys.readouterr().out


class Device:
    """A program on a board: a client that reconnects, and its session's file."""

    def __init__(self, broker, path="s"):
        self.broker = broker
        self.messages = []
        self.session = FileSession(path)
        options = {"transport": broker, "clock": broker.clock, "session": self.session, "verbose": False}
        self.client = robust.MQTTClient("id", "broker", **options)
        self.client.set_callback(lambda topic, msg, retained, dup: self.messages.append(msg))
        self.client.connect()

    def run(self, seconds):
        for _ in range(10 * seconds):
            self.client.check_msg()
            self.broker.clock.advance(100)


def damaged_while_running(disk, damage):
    """Let three messages wait for a broker, damage the file, and come back. Return the device."""
    disk.__init__()
    broker = FakeBroker()
    broker.fail_open = OSError(111)
    device = Device(broker)
    for i in range(3):
        device.client.publish(b"topic/%d" % i, b"payload %d" % i, qos=1 + i % 2)
    (content,) = disk.files.values()
    damage(content)
    device.run(4)
    device.client.publish(b"after", b"after", qos=1)
    device.run(1)
    return device


def check_damage(device):
    """What could not be read is lost and counted, and the rest went on."""
    arrived = [message[1] for message in device.broker.published]
    assert arrived[-1] == b"after"
    assert set(arrived) <= {b"payload 0", b"payload 1", b"payload 2", b"after"}
    assert len(arrived) == 4 - device.session.lost
    assert device.session.waiting() == 0
    assert device.client.is_connected()
    # Nothing is left that the next start would send.
    assert FileSession("s").waiting() == 0
    return device.session.lost


@pytest.mark.long
@pytest.mark.parametrize("pattern", [0x01, 0x80, 0xFF])
def test_every_byte_damaged_while_it_runs_loses_one_message(disk, pattern):
    lost = []
    for at in range(26 + 3 * 33):

        def damage(content, at=at):
            content[at] ^= pattern

        lost.append(check_damage(damaged_while_running(disk, damage)))
    # The first 26 bytes are MAGIC, START and END: nothing is read there.
    assert lost[:26] == [0] * 26
    assert set(lost[26:]) == {1}


def test_a_file_cut_while_it_runs_loses_what_was_behind(disk):
    lost = []

    def damage(content):
        size.append(len(content))
        del content[length:]

    size = [1]
    length = 0
    while length <= size[-1]:
        lost.append(check_damage(damaged_while_running(disk, damage)))
        length += 1
    assert lost[:26] == [3] * 26
    assert lost == sorted(lost, reverse=True)
    assert lost[-1] == 0


def test_a_damaged_message_does_not_keep_others_from_a_new_file(disk, restless):
    session = FileSession("s")
    for text in (b"one", b"two", b"three"):
        add(session, PUBLISH_1, b"topic", text)
    (content,) = disk.files.values()
    at = list(parsed(content))[-2][0]
    content[at] ^= 1  # its head
    session._rewrite()
    assert [packet[3] for packet in sent_again(session)] == [b"one", b"three"]
    assert session.lost == 1
    assert [packet[3] for packet in sent_again(FileSession("s"))] == [b"one", b"three"]


# --- A file system that fails ------------------------------------------------------------------------


def played_with_failures(session, memory):
    """Play the scenario; what is not accepted is not in `memory`."""
    refused = []
    for act in SCENARIO:
        try:
            result = act(session)
        except MQTTException as error:
            assert error.args[0] == ESTORE
            refused.append(error.args[1])
            memory.remove(act(memory))
        else:
            if act in RELEASES and result is None:
                refused.append(session._errno)  # the broker is not told that it is released
            else:
                assert act(memory) == result
    return refused


def judged(disk, session, memory):
    """Nothing that was accepted is lost, now, after a reset, and when there is room again."""
    kept = view(memory)
    assert view(session) == kept
    files = copy.deepcopy(disk.files)
    known = {packet[0]: packet for packet in kept[0]}
    again = FileSession("s")
    for packet in view(again)[0]:
        known.pop(packet[0], None)  # others are repeated, as is said
    assert not known
    disk.files = files
    disk.room = None
    disk.read_only = False
    before = again.lost
    pid = publish(b"next")(session)
    publish(b"next")(memory)
    again = FileSession("s")
    assert view(again) == view(reset(memory))
    assert pid == view(again)[0][-1][0]
    return before


@pytest.mark.long
def test_full_file_system_after_every_byte(disk, restless):
    room = 0
    refused = [ENOSPC]
    while refused:
        disk.__init__()
        disk.room = room
        session, memory = FileSession("s"), MemorySession(100)
        refused = played_with_failures(session, memory)
        assert set(refused) <= {ENOSPC}
        judged(disk, session, memory)
        room += 1
    assert room > 200


def test_read_only_from_any_moment_on(disk, restless):
    for moment in range(len(SCENARIO)):
        disk.__init__()
        session, memory = FileSession("s"), MemorySession(100)
        for i, act in enumerate(SCENARIO):
            disk.read_only = i >= moment
            if disk.read_only:
                session._journal.close()
            try:
                result = act(session)
            except MQTTException as error:
                assert error.args == (ESTORE, EROFS)
                memory.remove(act(memory))
            else:
                if act not in RELEASES or result is not None:
                    assert act(memory) == result
        judged(disk, session, memory)


def test_a_read_only_file_system_can_be_started_from(disk):
    played(FileSession("s"))
    expected = view(FileSession("s"))
    disk.read_only = True
    session = FileSession("s")
    assert view(session) == expected
    with pytest.raises(MQTTException) as error:
        publish(b"m")(session)
    assert error.value.args == (ESTORE, EROFS)
    assert view(session) == expected


@pytest.mark.parametrize("room", range(0, 60, 3))
def test_what_was_refused_is_not_sent_after_a_loss_of_power(disk, room):
    session = FileSession("s")
    publish(b"first")(session)
    disk.room = room
    try:
        publish(b"x" * 30)(session)
    except MQTTException:
        again = FileSession("s")
        assert [packet[3] for packet in view(again)[0]] == [b"first"]
        assert again.lost == 0
    else:
        assert room > 50


def test_refused_although_it_was_written(disk, monkeypatch):
    session = FileSession("s")
    publish(b"first")(session)
    disk.deaf = 0
    monkeypatch.setattr(session._journal, "rewrite", no_room)
    with pytest.raises(MQTTException) as error:
        publish(b"x" * 30)(session)
    assert error.value.args == (ESTORE, ENOSPC)
    again = FileSession("s")
    assert [packet[3] for packet in view(again)[0]] == [b"first"]
    assert again.lost == 0


def no_room(*arguments):
    raise OSError(ENOSPC)


def test_a_new_file_that_may_be_complete_and_cannot_be_removed(disk, monkeypatch):
    session = FileSession("s")
    publish(b"kept")(session)
    session._next_check, session._records = 0, 100  # as if it were time to rewrite it
    disk.deaf = 1  # when END is written
    with monkeypatch.context() as patch:
        patch.setattr(disk, "remove", no_room)
        publish(b"second")(session)
    assert disk.deaf is None
    assert [packet[3] for packet in view(FileSession("s"))[0]] == [b"kept", b"second"]


def test_memory_that_runs_out_does_not_stop_what_need_not_be_written_now(disk, monkeypatch):
    session = FileSession("s")
    pid = publish(b"first")(session)

    def no_memory(*arguments):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(umqtt2.session.journal, "_record", no_memory)
        done(session, pid)
        with pytest.raises(MemoryError):
            publish(b"second")(session)
    publish(b"third")(session)
    assert [packet[3] for packet in view(FileSession("s"))[0]] == [b"third"]


def test_a_message_that_cannot_be_read_now_waits(disk, monkeypatch):
    session = FileSession("s")
    publish(b"first")(session)
    session._journal.close()
    with monkeypatch.context() as patch:
        patch.setattr(disk, "open", no_room)
        assert sent_again(session) == []
        assert session.waiting() == 1
    assert [packet[3] for packet in sent_again(session)] == [b"first"]


def test_a_file_that_cannot_be_written_any_more_is_replaced(disk):
    session = FileSession("s")
    publish(b"first")(session)
    (disk.bad,) = disk.files
    publish(b"second")(session)
    done(session, 1)
    assert [packet[3] for packet in view(FileSession("s"))[0]] == [b"second"]


def test_a_full_file_system_is_no_dead_end(disk):
    session = FileSession("s")
    pids = [publish(b"x" * 100)(session) for _ in range(10)]
    disk.room = 0  # this file fills it
    for pid in pids:
        done(session, pid)
    publish(b"next")(session)
    assert [packet[3] for packet in view(FileSession("s"))[0]] == [b"next"]


def test_no_room_for_two_files_is_room_for_a_message(disk, restless):
    session = FileSession("s")
    for _ in range(3):
        publish(b"x" * 100)(session)
    disk.room = 100
    done(session, publish(b"small")(session))
    done(session, 1)
    session._next_check, session._records = 0, 100  # as if it were time to rewrite it
    publish(b"small")(session)
    assert disk.room == 100 - 27 - 22 - 27
    assert [len(packet[3]) for packet in view(FileSession("s"))[0]] == [100, 100, 5]


def test_what_is_released_is_confirmed_only_after_it_is_written(disk):
    broker = FakeBroker()
    device = Device(broker)
    device.client.subscribe("cmd", 2)
    device.run(1)
    broker.silent = True
    device.client.publish("out", "x", qos=1)
    broker.silent = False
    broker.deliver("cmd", "one", qos=2)
    device.client.check_msg()  # PUBREC is sent
    disk.room = 0
    device.run(1)
    assert device.messages == [b"one"]
    assert broker.acknowledged == []
    # The power fails, and comes again with room on the disk.
    disk.room = None
    device = Device(broker)
    device.run(1)
    assert device.messages == []
    assert broker.acknowledged == [1]
    broker._pid = 0  # the identifier is free, so the broker uses it again
    broker.deliver("cmd", "one", qos=2)
    device.run(1)
    assert device.messages == [b"one"]
    assert broker.acknowledged == [1, 1]


def test_a_full_disk_at_a_release_does_not_stop_what_waits(disk):
    broker = FakeBroker()
    device = Device(broker)
    broker.silent = True
    for i in range(30):
        device.client.publish("out", b"%d" % i, qos=1)
    broker.silent = False
    broker.deliver("cmd", "one", qos=2)
    device.client.check_msg()
    disk.room = 0
    broker.drop()  # PUBREL comes first on the next connection
    device.run(15)
    assert [message[1] for message in broker.published] == [b"%d" % i for i in range(30)]
    # When all is done, the old file makes room for a new one, and the broker hears of it.
    device.run(60)
    assert broker.acknowledged == [1]
    assert device.client.last_error.args == (ESTORE, ENOSPC)


def test_a_release_that_cannot_be_written_ends_the_connection_in_time(disk):
    session = FileSession("s")
    publish(b"waits")(session)
    delivered(7)(session)
    session.resume(True, False, 0)
    disk.room = 0
    assert session.on_packet(PUBREL, 7, 0) is None
    for now in range(TIMEOUT):
        assert session.expired(now) == 0
    with pytest.raises(MQTTException) as error:
        session.expired(TIMEOUT)
    assert error.value.args == (ESTORE, ENOSPC)
    session.on_close(False)
    session.resume(True, False, 1000)
    assert session.expired(1001) == 0
    disk.room = None
    assert session.on_packet(PUBREL, 7, 0) == PUBCOMP
    assert received(FileSession("s")) == set()


def test_a_message_that_can_never_be_read_is_lost_after_a_minute_and_the_rest_goes_on(disk, monkeypatch):
    session = FileSession("s")
    publish(b"first")(session)
    publish(b"second")(session)
    session.resume(True, False, 0)
    read = session._journal.read
    first = session.messages[0][2]
    monkeypatch.setattr(session._journal, "read", lambda at: no_room() if at == first else read(at))
    for now in range(900):
        assert session.expired(now) == 0
        assert session.unsent() is None
        assert session.unsent() is None
    for now in range(900, 1100):
        session.expired(now)
        if session.unsent():
            break
    assert session.unsent()[3] == b"second"
    assert session.lost == 1


@pytest.mark.parametrize("error", [OSError(EIO), OSError(), MemoryError()])
def test_any_failure_of_the_file_is_told_or_put_off(disk, monkeypatch, error):
    session = FileSession("s")
    pid = publish(b"first")(session)
    delivered(7)(session)

    def fails(*arguments):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(session._journal, "append", fails)
        patch.setattr(session._journal, "rewrite", fails)
        patch.setattr(session._journal, "read", fails)
        session.resume(False, False, 0)
        assert session.unsent() is None
        subscribed(b"a", 1)(session)
        assert delivered(8)(session)
        assert session.on_packet(PUBREL, 8, 0) is None
        with pytest.raises(MemoryError if isinstance(error, MemoryError) else MQTTException):
            publish(b"second")(session)
        done(session, pid)
    publish(b"third")(session)
    messages, ids, subscriptions = view(FileSession("s"))
    assert [message[3] for message in messages] == [b"third"]
    assert (ids, subscriptions) == ({8}, {b"a": 1})


def test_the_only_good_file_stays_until_there_is_a_new_one(disk):
    session = FileSession("s")
    publish(b"kept")(session)
    delivered(7)(session)
    (disk.bad,) = disk.files
    disk.room = 0
    for first in (PUBLISH_1, PUBLISH_2):
        with pytest.raises(MQTTException):
            publish(b"more", first)(session)
        done_before = view(FileSession("s"))
        assert [packet[3] for packet in done_before[0]] == [b"kept"]
        assert done_before[1] == {7}
