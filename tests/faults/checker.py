"""Compare the device's output with the messages that arrived at the broker.

The checker does no I/O: `check` takes a Record and returns Findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from umqtt2.testing.packets311 import read_publish
from umqtt2.testing.properties import read_varint

DELIVERED = "1"  # the status
CONNACK, PUBLISH, QOS2, PUBREL = 0x20, 0x30, 4, 0x62

# What must never happen.
LOST = "lost"  # accepted, and never arrived
DOUBLED = "doubled"  # arrived twice at QoS 2
ORDER = "out of order"  # for one topic and QoS, by first arrivals
STATUS = "wrong status"  # missing, twice, for no message, or not SDELIVERED
UNEXPECTED = "unexpected"  # arrived, but was never sent
STUCK = "stuck"  # not finished in time
CRASHED = "crashed"  # the program raised
KINDS = (LOST, DOUBLED, ORDER, STATUS, UNEXPECTED, STUCK, CRASHED)

# Deviations that the device does not cause.
REPEATED = "QoS 1: repeated"
INTERRUPTED = "commands whose callback was interrupted: repeated"
FORGOT = "the broker lost its session"
AFTER_PUBREL = "commands doubled: the broker sent PUBLISH again after its PUBREL"


@dataclass
class Task:
    """What the device publishes: messages 0 to count - 1, then the last one."""

    count: int = 8
    sizes: tuple[int, ...] = (1,)  # bytes of padding, in turn

    def qos(self, number: int) -> int:
        """The QoS of a message."""
        return 2 if number == self.count else 1 + number // 2 % 2

    def topic(self, number: int) -> str:
        """The last level of its topic: there are two for each QoS, and one for the last message."""
        return f"{self.qos(number)}{2 if number == self.count else number % 2}"

    def payload(self, number: int) -> str:
        """Its payload."""
        return f"{number}:" + "x" * self.sizes[number % len(self.sizes)]


@dataclass
class Record:
    """What happened during one schedule.

    output        the device's lines, as words, see programs/messages.py; ["killed"] where it lost power
    arrived       messages at the broker: topic below the device's prefix, payload
    commands      payloads that were published for the device, by QoS
    finished      whether the device completed its task in time
    crashed       the output of a program that ended by itself
    connack_lost  True when the broker answered a CONNECT and the answer did not reach the device
    broker_repeated
                  payloads of commands, see `repeated_after_pubrel`
    """

    task: Task
    output: list[list[str]] = field(default_factory=list)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    commands: dict[int, list[str]] = field(default_factory=dict)
    finished: bool = True
    crashed: str = ""
    connack_lost: bool = False
    broker_repeated: list[str] = field(default_factory=list)


@dataclass
class Rules:
    """What the broker's failures excuse. QoS 1 at least once, and order, are always required.

    forgets  The broker is killed and loses its sessions. A message whose PUBCOMP did not arrive is sent
             again as a new one, so QoS 2 becomes at least once; commands may be lost with the broker. If
             the CONNACK without session present is lost too, the next CONNACK has session present, and
             the device sends PUBREL for a message that the broker no longer has.
    unsaved  The broker is killed before it has saved its sessions, and restarts with an older state. A
             message that it answered with PUBREC may be lost, one that it answered with PUBCOMP may be
             doubled. A client cannot detect that.
    """

    forgets: bool = False
    unsaved: bool = False


@dataclass
class Findings:
    """Problems, each with one of KINDS, and how often each tolerated deviation happened."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    tolerated: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, text: str) -> None:
        """Add a problem."""
        self.problems.append((kind, text))


def check(record: Record, rules: Rules | None = None) -> Findings:
    """Look for everything that must never happen."""
    rules = rules or Rules()
    findings = Findings()
    if record.crashed:
        findings.add(CRASHED, record.crashed)
    elif not record.finished:
        findings.add(STUCK, f"the device's last output: {record.output[-3:]}")
    delivered = _check_statuses(record, findings)
    _check_arrivals(record, rules, delivered, findings)
    for qos, sent in record.commands.items():
        _check_commands(record, rules, qos, sent, findings)
    return findings


def _check_statuses(record: Record, findings: Findings) -> set[int]:
    # Return the numbers of the messages with the status SDELIVERED.
    delivered: set[int] = set()
    waiting: dict[str, int] = {}  # number by packet identifier; -1 is a subscription
    uncertain = 0  # publish() was interrupted by a power failure: the store may have the message or not
    missing = 0  # messages without a status; each power failure may cause one
    begun = False
    kills = 0
    for words in record.output:
        if words[0] == "begin":
            begun = True
        elif words[0] == "full":
            begun = False
        elif words[0] == "killed":
            kills += 1
            uncertain += begun
            begun = False
        elif words[0] in ("accepted", "asked"):
            pid = words[-1]
            begun = False
            again = waiting.get(pid, -1) >= 0 or (pid in waiting and not kills)
            missing += again
            if again and missing > kills:
                findings.add(STATUS, f"packet identifier {pid} was given twice")
            waiting[pid] = int(words[1]) if words[0] == "accepted" else -1
        elif words[0] == "status":
            pid, status = words[1:]
            if status != DELIVERED:
                findings.add(STATUS, f"status {status} for packet identifier {pid}")
            elif pid in waiting:
                delivered.add(waiting.pop(pid))
            elif uncertain:
                uncertain -= 1
            else:
                findings.add(STATUS, f"status for packet identifier {pid}, which is not in use")
    missing += sum(number >= 0 or not kills for number in waiting.values())
    if record.finished and missing > kills:
        findings.add(STATUS, f"no status for {missing} messages: {waiting}")
    return delivered


def _check_arrivals(record: Record, rules: Rules, delivered: set[int], findings: Findings) -> None:
    task = record.task
    begun = {int(words[1]) for words in record.output if words[0] == "begin"}
    accepted = {int(words[1]) for words in record.output if words[0] == "accepted"}
    seen: Counter[int] = Counter()
    highest: dict[str, int] = {}
    for topic, payload in record.arrived:
        number = int(payload.partition(":")[0]) if payload[:1].isdigit() else -1
        if number not in begun or (topic, payload) != (task.topic(number), task.payload(number)):
            findings.add(UNEXPECTED, f"{payload[:20]!r} on {topic}")
            continue
        seen[number] += 1
        if seen[number] == 1:
            if number < highest.get(topic, 0):
                findings.add(ORDER, f"message {number} after {highest[topic]} on {topic}")
            highest[topic] = max(number, highest.get(topic, 0))
        elif task.qos(number) == 2:
            if rules.forgets or rules.unsaved:
                findings.tolerated[f"QoS 2 doubled: {FORGOT}"] += 1
            else:
                findings.add(DOUBLED, f"message {number}")
        else:
            findings.tolerated[REPEATED] += 1
    for number in sorted((accepted if record.finished else delivered) - set(seen) - {-1}):
        if task.qos(number) == 2 and (rules.unsaved or rules.forgets and record.connack_lost):
            findings.tolerated[f"QoS 2 lost: {FORGOT}"] += 1
        else:
            findings.add(LOST, f"message {number} at QoS {task.qos(number)}, status SDELIVERED: {number in delivered}")


def _check_commands(record: Record, rules: Rules, qos: int, sent: list[str], findings: Findings) -> None:
    seen: Counter[str] = Counter()
    last = None  # the last command; the store may not have recorded it as delivered
    uncertain: set[str] = set()
    broker_repeated = list(record.broker_repeated)
    highest = -1
    for words in record.output:
        if words[0] == "killed" and last:
            uncertain.add(last)
            last = None
        elif words[:2] == ["got", str(qos)]:
            payload = words[2]
            if payload not in sent:
                findings.add(UNEXPECTED, f"command {payload} at QoS {qos}")
                continue
            seen[payload] += 1
            last = payload
            if seen[payload] == 1:
                if sent.index(payload) < highest:
                    findings.add(ORDER, f"command {payload} at QoS {qos}")
                highest = max(highest, sent.index(payload))
            elif qos == 1:
                findings.tolerated[REPEATED] += 1
            elif payload in uncertain:
                uncertain.remove(payload)
                findings.tolerated[INTERRUPTED] += 1
            elif rules.forgets or rules.unsaved:
                findings.tolerated[f"commands doubled: {FORGOT}"] += 1
            elif payload in broker_repeated:
                broker_repeated.remove(payload)
                findings.tolerated[AFTER_PUBREL] += 1
            else:
                findings.add(DOUBLED, f"command {payload}")
    _check_missing_commands(record, rules, qos, [payload for payload in sent if payload not in seen], findings)


def _check_missing_commands(record: Record, rules: Rules, qos: int, missing: list[str], findings: Findings) -> None:
    if missing and (rules.forgets or rules.unsaved):
        findings.tolerated[f"commands lost: {FORGOT}"] += len(missing)
    elif not record.crashed:
        for payload in missing:
            findings.add(LOST, f"command {payload} at QoS {qos}")


def repeated_after_pubrel(connections: Iterable[bytes | bytearray], five: bool = False) -> list[str]:
    """The payloads of what a broker sent at QoS 2 after its PUBREL, against [MQTT-4.3.3-1]: the device has released
    the identifier, and must take it for another message. mosquitto 2.0.11 does so when a connection ends before it
    has repeated its PUBRELs. It counts its identifiers up to 65,535, so one that comes again is no other message.

    connections  the bytes that the broker sent to the device on each of them
    five         they are MQTT 5
    """
    released = set()
    repeated = []
    for data in connections:
        for first, body in packets(data):
            if first == CONNACK and not body[0] & 1:
                released.clear()
            elif first == PUBREL:
                released.add(int.from_bytes(body[:2], "big"))
            elif first & 0xF4 == PUBLISH | QOS2:
                _, pid, _, payload = read_publish(first, body)
                if five:
                    length, at = read_varint(payload, 0)
                    payload = payload[at + length :]
                if pid in released:
                    repeated.append(payload.decode())
    return repeated


def packets(data: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
    """The first byte and the rest of each complete packet, without the length."""
    data, at = bytes(data), 0
    while at < len(data):
        try:
            length, body = read_varint(data, at + 1)
        except AssertionError:  # it was cut off
            return
        if body + length > len(data):
            return
        yield data[at], data[body : body + length]
        at = body + length
