"""Compare what the device said with what arrived at the other side.

The judge knows nothing of sockets: `judge` takes an Account and returns a Verdict.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

DELIVERED = "1"  # the status

# What must never happen.
LOST = "lost"  # accepted, and never arrived
DOUBLED = "doubled"  # arrived twice at QoS 2
ORDER = "out of order"  # for one topic and QoS, by first arrivals
STATUS = "wrong status"  # not told, told twice, told of nothing, or not SDELIVERED
STRANGE = "strange"  # arrived, but was never sent
STUCK = "stuck"  # not finished in time
CRASHED = "crashed"  # the program raised
KINDS = (LOST, DOUBLED, ORDER, STATUS, STRANGE, STUCK, CRASHED)

# What is not as one would wish, but not the device's doing.
REPEATED = "QoS 1: repeated"
INTERRUPTED = "commands whose callback was interrupted: repeated"
FORGOT = "that the broker forgot"


@dataclass
class Task:
    """What the device publishes: messages 0 to count - 1, then the last one."""

    count: int = 8
    sizes: tuple[int, ...] = (1,)  # bytes of filling, in turn

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
class Account:
    """All that is known of one schedule.

    said      what the device printed, as words, see programs/messages.py; ["killed"] where it lost power
    arrived   what the observer noted: topic below the device's own, payload
    commands  payloads that the broker was given for the device, by QoS
    finished  whether the device came to its end
    crashed   what the program printed when it ended by itself
    unwelcome True when the broker answered a CONNECT and the device never heard of it
    """

    task: Task
    said: list[list[str]] = field(default_factory=list)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    commands: dict[int, list[str]] = field(default_factory=dict)
    finished: bool = True
    crashed: str = ""
    unwelcome: bool = False


@dataclass
class Rules:
    """What can be asked for. QoS 1 at least once and order always can.

    forgets  The broker is killed and forgets its sessions. A message whose PUBCOMP did not arrive is sent
             again as a new one, so QoS 2 is at least once; commands may be lost with the broker. If besides
             the CONNACK is lost that says so, the next one says that there is a session, and the device
             goes on with PUBREL for a message that the broker does not know any more.
    unsaved  The broker is killed before it has written down what it has answered, and finds an older
             state of its sessions. What it had answered with PUBREC is lost, what with PUBCOMP may be
             doubled: nothing that a client could see.
    """

    forgets: bool = False
    unsaved: bool = False


@dataclass
class Verdict:
    """What is wrong, each with one of KINDS, and what is not the device's doing, in words."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    tolerated: Counter[str] = field(default_factory=Counter)

    def wrong(self, kind: str, text: str) -> None:
        """Note a problem."""
        self.problems.append((kind, text))


def judge(account: Account, rules: Rules | None = None) -> Verdict:
    """Look for everything that must never happen."""
    rules = rules or Rules()
    verdict = Verdict()
    if account.crashed:
        verdict.wrong(CRASHED, account.crashed)
    elif not account.finished:
        verdict.wrong(STUCK, f"the device's last words: {account.said[-3:]}")
    told = _statuses(account, verdict)
    _arrivals(account, rules, told, verdict)
    for qos, sent in account.commands.items():
        _commands(account, rules, qos, sent, verdict)
    return verdict


def _statuses(account: Account, verdict: Verdict) -> set[int]:
    # The numbers of those messages that the program was told are delivered.
    told: set[int] = set()
    waiting: dict[str, int] = {}  # number by packet identifier; -1 is a subscription
    unsure = 0  # begun when the power was lost: the store may have the message or not
    missing = 0  # messages without a status; each loss of power may have swallowed one
    begun = False
    kills = 0
    for words in account.said:
        if words[0] == "begin":
            begun = True
        elif words[0] == "full":
            begun = False
        elif words[0] == "killed":
            kills += 1
            unsure += begun
            begun = False
        elif words[0] in ("accepted", "asked"):
            pid = words[-1]
            begun = False
            again = waiting.get(pid, -1) >= 0 or (pid in waiting and not kills)
            missing += again
            if again and missing > kills:
                verdict.wrong(STATUS, f"packet identifier {pid} was given twice")
            waiting[pid] = int(words[1]) if words[0] == "accepted" else -1
        elif words[0] == "status":
            pid, status = words[1:]
            if status != DELIVERED:
                verdict.wrong(STATUS, f"status {status} for packet identifier {pid}")
            elif pid in waiting:
                told.add(waiting.pop(pid))
            elif unsure:
                unsure -= 1
            else:
                verdict.wrong(STATUS, f"status for packet identifier {pid}, which waits for none")
    missing += sum(number >= 0 or not kills for number in waiting.values())
    if account.finished and missing > kills:
        verdict.wrong(STATUS, f"no status for {missing} messages: {waiting}")
    return told


def _arrivals(account: Account, rules: Rules, told: set[int], verdict: Verdict) -> None:
    task = account.task
    begun = {int(words[1]) for words in account.said if words[0] == "begin"}
    accepted = {int(words[1]) for words in account.said if words[0] == "accepted"}
    seen: Counter[int] = Counter()
    highest: dict[str, int] = {}
    for topic, payload in account.arrived:
        number = int(payload.partition(":")[0]) if payload[:1].isdigit() else -1
        if number not in begun or (topic, payload) != (task.topic(number), task.payload(number)):
            verdict.wrong(STRANGE, f"{payload[:20]!r} on {topic}")
            continue
        seen[number] += 1
        if seen[number] == 1:
            if number < highest.get(topic, 0):
                verdict.wrong(ORDER, f"message {number} after {highest[topic]} on {topic}")
            highest[topic] = max(number, highest.get(topic, 0))
        elif task.qos(number) == 2:
            if rules.forgets or rules.unsaved:
                verdict.tolerated[f"QoS 2 {FORGOT}: doubled"] += 1
            else:
                verdict.wrong(DOUBLED, f"message {number}")
        else:
            verdict.tolerated[REPEATED] += 1
    for number in sorted((accepted if account.finished else told) - set(seen) - {-1}):
        if task.qos(number) == 2 and (rules.unsaved or rules.forgets and account.unwelcome):
            verdict.tolerated[f"QoS 2 {FORGOT}: lost"] += 1
        else:
            verdict.wrong(LOST, f"message {number} at QoS {task.qos(number)}, told {number in told}")


def _commands(account: Account, rules: Rules, qos: int, sent: list[str], verdict: Verdict) -> None:
    seen: Counter[str] = Counter()
    last = None  # what came last, and perhaps was not yet written down as delivered
    unsure: set[str] = set()
    highest = -1
    for words in account.said:
        if words[0] == "killed" and last:
            unsure.add(last)
            last = None
        elif words[:2] == ["got", str(qos)]:
            payload = words[2]
            if payload not in sent:
                verdict.wrong(STRANGE, f"command {payload} at QoS {qos}")
                continue
            seen[payload] += 1
            last = payload
            if seen[payload] == 1:
                if sent.index(payload) < highest:
                    verdict.wrong(ORDER, f"command {payload} at QoS {qos}")
                highest = max(highest, sent.index(payload))
            elif qos == 1:
                verdict.tolerated[REPEATED] += 1
            elif payload in unsure:
                unsure.remove(payload)
                verdict.tolerated[INTERRUPTED] += 1
            elif rules.forgets or rules.unsaved:
                verdict.tolerated[f"commands {FORGOT}: doubled"] += 1
            else:
                verdict.wrong(DOUBLED, f"command {payload}")
    _missing_commands(account, rules, qos, [payload for payload in sent if payload not in seen], verdict)


def _missing_commands(account: Account, rules: Rules, qos: int, missing: list[str], verdict: Verdict) -> None:
    if missing and (rules.forgets or rules.unsaved):
        verdict.tolerated[f"commands {FORGOT}: lost"] += len(missing)
    elif not account.crashed:
        for payload in missing:
            verdict.wrong(LOST, f"command {payload} at QoS {qos}")
