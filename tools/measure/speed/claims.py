"""The targets of umqtt2, and whether they are reached."""

from __future__ import annotations

from typing import NamedTuple

from tools.measure.instructions.measure import MEASURES as INSTRUCTIONS
from tools.measure.speed.plan import ASYNCIO, CPYTHON, IDLE, MEASURES, MICROPYTHON, ONE_CORE
from tools.measure.speed.results import Results
from tools.measure.speed.statistic import Spread, ratio, spread

AT_LEAST, AT_MOST = "≥", "≤"
PAHO = ["paho", "paho_thread"]


class Claim(NamedTuple):
    """A figure and its target; `bare` is the value of a bare socket, where it is comparable."""

    text: str
    found: Spread
    sense: str
    target: float
    bare: Spread | None = None

    @property
    def reached(self) -> bool:
        """Whether the median reaches the target."""
        if self.sense == AT_LEAST:
            return self.found.median >= self.target
        return self.found.median <= self.target


def claims(results: Results) -> list[Claim]:
    """All targets with the measured figures."""
    return [*_speeds(results), *_exact(results), *_against_paho(results), *_asyncio(results)]


def _speeds(results: Results) -> list[Claim]:
    at = results["speed"][MICROPYTHON]
    wanted = [
        ("QoS 0 publishes/s, share of the bare socket's", "qos0", "bare", 0.27),
        ("QoS 0 publishes/s, times umqtt.simple2's", "qos0", "simple2", 3),
        ("QoS 1 round trips/s, share of the bare socket's", "qos1", "bare", 0.6),
        ("QoS 1 round trips/s, share of it, broker on the same core", ONE_CORE, "bare", 0.6),
        ("messages received/s, times umqtt.simple2's", "receive", "simple2", 1.5),
    ]
    return [
        Claim(text, ratio(at[measure]["umqtt2"], at[measure][against]), AT_LEAST, target)
        for text, measure, against, target in wanted
        if measure in at
    ]


def _exact(results: Results) -> list[Claim]:
    heap = results["heap"]["umqtt2"]
    limits = {"publish at QoS 0": 32, "publish at QoS 1": 48, "idle check_msg": 0, "received message": 128}
    found = [
        Claim(f"bytes of heap: {name}", spread([heap[name]]), AT_MOST, limit)
        for name, limit in limits.items()
    ]
    counted = results.get("instructions", {}).get("umqtt2", {})
    most = {"qos0": 21, "qos1": 50, "receive": 37, "idle": 10}
    found += [
        Claim(f"thousand instructions: {INSTRUCTIONS[name].title}", spread([counted[name]]), AT_MOST, limit)
        for name, limit in most.items()
        if name in counted
    ]
    writes = max(results["writes"]["umqtt2"].values())
    return [*found, Claim("writes to the socket for one packet", spread([writes]), AT_MOST, 1)]


def _against_paho(results: Results) -> list[Claim]:
    found = []
    for measure, at in results["speed"][CPYTHON].items():
        fastest = max((at[way] for way in PAHO if way in at), key=lambda samples: spread(samples).median)
        text = f"CPython: {MEASURES[measure]}, times paho-mqtt's"
        bare = ratio(at["bare"], fastest)
        found.append(Claim(text, ratio(at["umqtt2"], fastest), AT_LEAST, 2, bare))
    return found


def _asyncio(results: Results) -> list[Claim]:
    found = []
    for measure, at in results["speed"][ASYNCIO].items():
        others = {name: samples for name, samples in at.items() if name != "aio"}
        least = measure == IDLE
        name = (min if least else max)(others, key=lambda client: spread(others[client]).median)
        text = f"asyncio: {MEASURES[measure]}, times {name}'s"
        found.append(Claim(text, ratio(at["aio"], others[name]), AT_MOST if least else AT_LEAST, 1))
    return found
