"""What a call allocates on the heap: counts are exact, so one byte more fails."""

from __future__ import annotations

from tests.device.device import Device

LIMITS = {
    "nothing": 0,  # of the measurement itself
    "idle": 0,
    "idle_in_flight": 0,
    "publish_0": 32,
    "publish_1": 48,
    "receive": 128,
}


def test_allocations(device: Device) -> None:
    with device.run("allocations") as run:
        counted = run.event("counted")
        run.done()
    words = counted.pop("words")  # twice as long, where the machine runs no 32-bit VM
    limits = {name: limit * words for name, limit in LIMITS.items()}
    assert counted.keys() == limits.keys()
    assert {name: counted[name] for name in limits if counted[name] > limits[name]} == {}
