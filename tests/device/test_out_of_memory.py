"""Memory that runs out on MicroPython, anywhere in a call: that is told, and afterwards the client works."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.device.device import Device
from tools.testkit.mosquitto import Mosquitto

SIZES = [*range(0, 600, 40), 800, 1200, 1800]  # bytes that are free in one piece, on 32 bits


@pytest.fixture(scope="session")
def tree(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


# In the build for asyncio much is loaded when it is needed: also where there is no memory for that.
KINDS = [("full", "plain"), ("full", "robust"), ("full", "file"), ("full", "aio"), ("aio", "aio")]


@pytest.mark.parametrize("tree, kind", KINDS, indirect=["tree"])
def test_memory_runs_out(device: Device, quick_broker: Mosquitto, kind: str, tmp_path: Path) -> None:
    device.client = quick_broker.settings("anonymous")
    program = "aio_out_of_memory" if kind == "aio" else "out_of_memory"
    sizes = [size * device.machine.words for size in SIZES]
    with device.run(program, kind=kind, path=str(tmp_path / "session"), sizes=sizes) as run:
        raised = run.event("raised")["raised"]
        run.done()
    # It is not always as many: what is left on the stack may hold some memory.
    assert raised[0] > 0
    assert raised[-1] == 0
