"""A client that only calls check_msg stays connected, because it sends PINGREQ."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

import pytest

from tests.device import table
from tests.device.device import Device
from tools.testkit.mosquitto import LISTENERS, Mosquitto
from tools.testkit.observer import Message, Observer

# mosquitto checks only about every 5 s for clients that were silent for 1.5 times their keepalive.
MS = 8000
LONGEST_GAP = 3.0  # with room for a busy machine; without pings it is all of MS
LISTENER_NAMES = [item.name for item in LISTENERS]
KINDS = ["idle", "receiving"]


@pytest.fixture(scope="module")
def finished(
    tree: str, machine: Callable[..., Any], broker: Mosquitto, observer: Observer
) -> dict[tuple[str, str], tuple[Device, dict[str, Any]]]:
    """The device and outcome of each run; they run concurrently because each takes long."""
    outcomes: dict[tuple[str, str], tuple[Device, dict[str, Any]]] = {}

    def run_scenario(kind: str, listener: str) -> None:
        outcome: dict[str, Any] = {}
        device = Device(
            prefix=f"umqtt2/keepalive/{tree}/{kind}/{listener}",
            listener=listener,
            client=broker.settings(listener),
            machine=machine("vm32", tree),
            observer=observer,
            broker=broker,
            record=outcome.__setitem__,
        )
        outcomes[kind, listener] = device, outcome
        try:
            observer.subscribe(device.topic("up"))
            with device.run("keepalive", ms=MS) as run:
                run.event("ready")
                outcome["from"] = time.monotonic()
                while kind == "receiving" and time.monotonic() < outcome["from"] + MS / 1000 - 0.5:
                    observer.publish(device.topic("down"), b"something to receive")
                    time.sleep(0.1)
                outcome.update(run.event("still here"))
                device.finish(run)
            outcome["to"] = time.monotonic()
        except Exception as error:  # raised by the test
            outcome["error"] = error

    machine("vm32", tree)
    threads = [threading.Thread(target=run_scenario, args=(kind, name)) for kind in KINDS for name in LISTENER_NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("listener", LISTENER_NAMES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.mqtt("MQTT-3.1.2-23")
def test_keepalive(
    finished: dict[tuple[str, str], tuple[Device, dict[str, Any]]],
    tree: str,
    kind: str,
    listener: str,
    record_property: Callable[[str, object], None],
) -> None:
    device, outcome = finished[kind, listener]
    record_property(table.CELL, ("vm32", tree, f"keepalive_{kind}", listener))
    record_property(table.MS, outcome.get(table.MS, 0))
    if "error" in outcome:
        raise outcome["error"]
    assert device.observer.next(device.topic("up")) == Message(b"still here")
    assert device.broker
    # The broker's log tells when it received each PINGREQ.
    times = device.broker.times(f"Received PINGREQ from {device.client_id}$")
    marks = [outcome["from"], *times, outcome["to"]]
    assert max(b - a for a, b in zip(marks, marks[1:])) < LONGEST_GAP
    if kind == "receiving":
        assert outcome["received"] > 20
