"""Memory that runs out on MicroPython, anywhere in a call: that is told, and afterwards the client works."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.device.broker import Mosquitto
from tests.device.certificates import Certificates
from tests.device.conftest import PLAIN
from tests.device.device import Device

SIZES = [*range(0, 600, 40), 800, 1200, 1800]  # bytes that are free in one piece, on 32 bits


@pytest.fixture(scope="module")
def quick_broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    """A broker that does not wait for TCP's acknowledgements before it sends more: there are many round trips."""
    lines = ["per_listener_settings true", "set_tcp_nodelay true"]
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), certificates, PLAIN, lines) as running:
        yield running


@pytest.fixture(scope="session")
def tree() -> str:
    return "full"


@pytest.mark.parametrize("kind", ["plain", "robust", "file", "aio"])
def test_memory_runs_out(device: Device, quick_broker: Mosquitto, kind: str, tmp_path: Path) -> None:
    device.client = quick_broker.settings("anonymous")
    program = "aio_out_of_memory" if kind == "aio" else "out_of_memory"
    sizes = [size * device.machine._words for size in SIZES]
    with device.run(program, kind=kind, path=str(tmp_path / "session"), sizes=sizes) as run:
        raised = run.event("raised", 60)["raised"]
        run.done()
    # It is not always as many: what is left on the stack may hold some memory.
    assert raised[0] > 0
    assert raised[-1] == 0
