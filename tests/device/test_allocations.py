"""What a call allocates on the heap: counts are exact, so one byte more fails."""

from __future__ import annotations

import pytest

from tests.device.device import Device

LIMITS = {
    "nothing": 0,  # of the measurement itself
    "idle": 0,
    "idle_in_flight": 0,
    "publish_0": 16,
    "publish_1": 16,
    "receive": 96,
}


FIVE = {**LIMITS, "receive": 144}


def test_allocations(device: Device) -> None:
    check(device, LIMITS)


@pytest.mark.parametrize("tree", ["source", "full", "simple5"], indirect=True)
def test_allocations_of_version_5(device: Device) -> None:
    check(device, FIVE, five=True)


def check(device: Device, allowed: dict[str, int], **config: bool) -> None:
    with device.run("allocations", **config) as run:
        counted = run.event("counted")
        run.done()
    words = counted.pop("words")  # twice as long, where the machine runs no 32-bit VM
    limits = {name: limit * words for name, limit in allowed.items()}
    assert counted.keys() == limits.keys()
    assert {name: counted[name] for name in limits if counted[name] > limits[name]} == {}
