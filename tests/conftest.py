"""For all tests: put the checkout on sys.path, however pytest was started."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
REPO = str(TESTS.parent)
if REPO not in sys.path:
    sys.path.insert(0, REPO)


# The files that take longest, for `make test`: they begin first, so that no process runs long after the others.
LONG = (
    "device/test_scenarios.py",
    "device/test_more_transports.py",
    "measure/test_speed.py",
    "long/test_forty_days.py",
    "device/test_aio.py",
    "long/test_out_of_memory.py",
    "wheel/test_wheel.py",
    "device/test_errors.py",
    "measure/test_instructions.py",
    "measure/test_other_clients.py",
    "long/test_out_of_memory_aio.py",
    "faults/test_chaos.py",
    "device/test_out_of_memory.py",
    "demo/test_demo.py",
    "device/test_command_compared.py",
    "device/test_command.py",
    "device/test_keepalive.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Set up hypothesis and signals, and register the marker."""
    # No deadlines: a busy machine is slow.
    settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy")
    # A shell starts what runs in the background with Ctrl-C ignored, and the programs that tests start inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # SIGTERM ends brokers and programs too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line("markers", "mqtt(number, ...): shows these statements of MQTT 3.1.1")
    config.addinivalue_line("markers", "mqtt5(number, ...): shows these statements of MQTT 5")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of LONG first."""
    places = {TESTS / name: i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Throw-away certificates."""
    from tools.testkit.certificates import Certificates

    return Certificates(tmp_path_factory.mktemp("certificates"))
