"""What is measured, and for which clients."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tools.measure import loops
from tools.measure.broker import HOST, Broker
from tools.measure.instructions.callgrind import count
from tools.measure.programs.feeder import TOPIC, Feeder

PROFILE = "simple"  # that the budget is of


class Measure(NamedTuple):
    """
    title  what each call does
    calls  of the short run; the long one has three times as many
    """

    title: str
    calls: int


# What MicroPython needs to find free memory grows with what is allocated since garbage was collected last.
# So figures can be compared only when they are of the same number of calls. Of those at QoS 1 there are
# fewer, because umqtt.simple and umqtt.simple2 take 40 ms for each.
MEASURES = {
    "qos0": Measure("publish at QoS 0", 300),
    "qos1": Measure("publish at QoS 1 and its acknowledgement", 100),
    "receive": Measure("received message at QoS 0", 300),
    "idle": Measure("check_msg when nothing is there", 300),
}
# umqtt.simple's check_msg leaves the socket so that the next call does not wait: it is not for a loop.
CLIENTS = {
    "simple": ["qos0", "qos1", "receive"],
    "simple2": list(MEASURES),
    "umqtt2": list(MEASURES),
}


def thousands(folder: Path, broker: Broker, client: str, measure: str, shorter: int = 1) -> float:
    """Thousand instructions of one call: what 3 N calls take more than N, by 2 N.

    folder   what `tools.measure.loops.prepare` has made for the client
    shorter  that many times fewer calls; then the figure cannot be compared with others
    """
    calls = MEASURES[measure].calls // shorter
    found = _difference(folder, broker, client, measure, calls)
    if measure == "qos1":
        found -= _difference(folder, broker, client, "pause", calls)
    return round(found / 1000, 2)


def all_of(home: Path, broker: Broker, client: str, profile: str, shorter: int = 1) -> dict[str, float]:
    """All measures of a client. home: where to make its folder; profile: which build of umqtt2."""
    folder = loops.prepare(client, profile, home)
    return {measure: thousands(folder, broker, client, measure, shorter) for measure in CLIENTS[client]}


def _difference(folder: Path, broker: Broker, client: str, program: str, calls: int) -> float:
    few, many = (_count(folder, broker, client, program, n) for n in (calls, 3 * calls))
    return (many - few) / (2 * calls)


def _count(folder: Path, broker: Broker, client: str, program: str, n: int) -> int:
    def feed() -> None:
        # Everything is queued before, so that looking when nothing is there does not count.
        if program == "receive":
            Feeder(HOST, broker.port, TOPIC).feed(n)

    arguments = (client, program, HOST, broker.port, n)
    return count(folder, f"import instructions; instructions.main{arguments!r}", feed)
