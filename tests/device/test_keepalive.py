"""A client that only calls check_msg stays connected, because it pings."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

import pytest

from tests.device import table
from tests.device.broker import LISTENERS, Mosquitto
from tests.device.observer import Message, Observer
from tests.device.scene import Scene

# mosquitto looks for clients that were silent for 1.5 times their keepalive of 1 s only every 5 s or so.
MS = 8000
LONGEST_GAP = 3.0  # with room for a busy machine; without pings it is all of MS
LISTENER_NAMES = [item.name for item in LISTENERS]
KINDS = ["idle", "receiving"]


@pytest.fixture(scope="module")
def played(
    tree: str, machine: Callable[..., Any], broker: Mosquitto, observer: Observer
) -> dict[tuple[str, str], tuple[Scene, dict[str, Any]]]:
    """All of them at the same time, since each takes long: the scene, and what became of it."""
    results: dict[tuple[str, str], tuple[Scene, dict[str, Any]]] = {}

    def play(kind: str, listener: str) -> None:
        outcome: dict[str, Any] = {}
        scene = Scene(
            prefix=f"umqtt2/keepalive/{tree}/{kind}/{listener}",
            listener=listener,
            client=broker.settings(listener),
            machine=machine("vm32", tree),
            observer=observer,
            broker=broker,
            record=outcome.__setitem__,
        )
        results[kind, listener] = scene, outcome
        try:
            observer.subscribe(scene.topic("up"))
            with scene.run("keepalive", ms=MS) as run:
                run.event("ready")
                outcome["from"] = time.monotonic()
                while kind == "receiving" and time.monotonic() < outcome["from"] + MS / 1000 - 0.5:
                    observer.publish(scene.topic("down"), b"something to receive")
                    time.sleep(0.1)
                outcome.update(run.event("still here"))
                scene.finish(run)
            outcome["to"] = time.monotonic()
        except Exception as error:  # raised by the test
            outcome["error"] = error

    machine("vm32", tree)
    threads = [threading.Thread(target=play, args=(kind, name)) for kind in KINDS for name in LISTENER_NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("listener", LISTENER_NAMES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.mqtt("MQTT-3.1.2-23")
def test_keepalive(
    played: dict[tuple[str, str], tuple[Scene, dict[str, Any]]],
    tree: str,
    kind: str,
    listener: str,
    record_property: Callable[[str, object], None],
) -> None:
    scene, outcome = played[kind, listener]
    record_property(table.CELL, ("vm32", tree, f"keepalive_{kind}", listener))
    record_property(table.MS, outcome.get(table.MS, 0))
    if "error" in outcome:
        raise outcome["error"]
    assert scene.observer.next(scene.topic("up")) == Message(b"still here")
    assert scene.broker
    # What counts for the broker is what it receives: the log says when it did.
    times = scene.broker.times(f"Received PINGREQ from {scene.client_id}$")
    marks = [outcome["from"], *times, outcome["to"]]
    assert max(b - a for a, b in zip(marks, marks[1:])) < LONGEST_GAP
    if kind == "receiving":
        assert outcome["received"] > 20
