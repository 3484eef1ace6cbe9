"""Schedules: which faults are injected between the device and the broker, and when."""

from __future__ import annotations

import random
from typing import NamedTuple

# What a fault does to its connection. It begins after `at` bytes in the direction `way`.
KINDS = {
    "cut": "closes it in both directions, with FIN",
    "reset": "closes it with RST",
    "stall": "holds back the bytes in direction `way` for `ms`",
    "half-open": "discards the bytes of both sides, without FIN; resets the device after `ms`, 0: never",
    "fragment": "forwards in parts of `size` bytes, 0: of random size",
    "delay": "forwards after `ms`",
    "refuse": "resets it as soon as it is accepted",
    "closed": "nothing listens for `ms`",
    "power": "the device loses its power",
}
NETWORK = {  # weight of each
    "cut": 8,
    "reset": 8,
    "stall": 4,
    "half-open": 3,
    "fragment": 3,
    "delay": 2,
    "refuse": 1,
    "closed": 1,
}
WITH_POWER = {**NETWORK, "power": 20}
UP, DOWN = "up", "down"  # from the device to the broker, and back


class Fault(NamedTuple):
    """A fault of one connection of the device."""

    kind: str
    way: str = UP
    at: int = 0
    ms: int = 0
    size: int = 0


class Schedule(NamedTuple):
    """The faults of the device's first, second, ... connection; those that follow have none.

    name   tells how to reproduce it
    power  milliseconds after which the device loses its power, since its first, second, ... start
    """

    name: str
    connections: tuple[tuple[Fault, ...], ...] = ()
    power: tuple[int, ...] = ()


def random_schedule(seed: object, weights: dict[str, int] = NETWORK) -> Schedule:
    """A random schedule: up to five connections that fail, some in more than one way."""
    rng = random.Random(f"{seed}")
    connections = [_connection(rng, weights) for _ in range(rng.randint(1, 5))]
    return Schedule(f"SEED={seed}", tuple(connections))


def random_schedule_with_power(seed: object) -> Schedule:
    """A random schedule with power failures, too: at byte positions and at any instant."""
    rng = random.Random(f"power {seed}")
    schedule = random_schedule(seed, WITH_POWER)
    return schedule._replace(power=tuple(rng.randrange(1, 200) for _ in range(rng.randint(0, 3))))


def at_byte(kind: str, way: str, at: int) -> Schedule:
    """A fault of the first connection at one byte position; the others have none."""
    return Schedule(f"{kind} {way} after {at} bytes", ((Fault(kind, way, at),),))


def half_open(at: int) -> Schedule:
    """The first connection stays half-open from a byte position on."""
    return Schedule(f"half-open after {at} bytes", ((Fault("half-open", UP, at),),))


def connack_lost(seed: str) -> Schedule:
    """The second connection ends within the CONNACK."""
    at = random.Random(seed).randint(1, 3)
    return Schedule(f"CONNACK lost, SEED={seed}", ((), (Fault("cut", DOWN, at),)))


def _connection(rng: random.Random, weights: dict[str, int]) -> tuple[Fault, ...]:
    count = rng.choice([1, 1, 1, 2])
    kinds = rng.choices(list(weights), list(weights.values()), k=count)
    return tuple(_fault(rng, kind) for kind in kinds)


def _fault(rng: random.Random, kind: str) -> Fault:
    way = rng.choice([UP, DOWN])
    # Most faults hit the first bytes of a connection: CONNECT and redelivered packets.
    at = rng.randrange(rng.choice([8, 60, 200, 600]))
    if kind == "stall":
        return Fault(kind, way, at, ms=rng.randrange(1, 150))
    if kind == "half-open":
        return Fault(kind, way, at, ms=rng.choice([0, rng.randrange(10, 300)]))
    if kind == "delay":
        return Fault(kind, way, ms=rng.randrange(1, 10))
    if kind == "closed":
        return Fault(kind, ms=rng.randrange(1, 100))
    if kind == "refuse":
        return Fault(kind)
    if kind == "fragment":
        return Fault(kind, way, size=rng.choice([0, 1, 2, 7]))
    return Fault(kind, way, at)
