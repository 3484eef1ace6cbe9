"""Programs of umqtt.simple2, and umqtt.robust2 as it is on PyPI, on the shim."""

from __future__ import annotations

import pytest

from tests.device.conftest import MAIN, NUMBERS, VMS
from tests.device.device import Device
from tests.device.machine import PROGRAMS, Vm
from tools import other_clients
from tools.paths import REPO
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Message, Observer
from tools.testkit.tree import lay_out, put


@pytest.fixture(scope="module", params=["source", "simple"])
def old_device(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Vm:
    """The 32-bit VM with the shim, and umqtt.robust2 beside it."""
    tree = request.param
    folder = tmp_path_factory.mktemp(f"compat-{tree}")
    lay_out(tree, folder, PROGRAMS)
    robust = other_clients.source_folder("umqtt.robust2") / "umqtt" / "robust2.py"
    for path in [*(REPO / "compat" / "umqtt").glob("*.py"), robust]:
        put(path, folder / "umqtt" / path.name)
    return Vm(VMS[MAIN](), folder, tree)


@pytest.fixture
def device(old_device: Vm, broker: Mosquitto, observer: Observer) -> Device:
    return Device(
        prefix=f"umqtt2/{next(NUMBERS)}",
        listener="tls",
        client=broker.settings("tls"),
        machine=old_device,
        observer=observer,
        broker=broker,
        record=lambda name, value: None,
    )


def test_a_program_of_simple2(device: Device) -> None:
    device.observer.subscribe(device.topic("#"))
    with device.run("old_simple2") as run:
        assert run.event("attributes")["right"] is True
        assert run.event("statuses")["seen"] == [[1, 1], [2, 1], [77, 0]]
        assert run.event("message")["seen"] == [device.topic("t"), "one", False, False]
        assert run.event("lost")["sock"] is None
        run.done()
    assert device.observer.next(device.topic("t")) == Message(b"one", 1)
    assert device.observer.next(device.topic("will")) == Message(b"gone", 0)


def test_robust2(device: Device) -> None:
    device.observer.subscribe(device.topic("t"))
    with device.run("old_robust2") as run:
        run.event("connected")
        assert run.event("before")["todo"] == 0
        assert run.event("offline")["todo"] == 1
        run.event("back")
        assert run.event("after") == {"todo": 0, "messages": ["before", "offline"]}
        run.done()
    assert device.observer.next(device.topic("t")) == Message(b"before", 1)
    assert device.observer.next(device.topic("t")) == Message(b"offline", 1)
