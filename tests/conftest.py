"""For all tests: put the checkout on sys.path, however pytest was started."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPO = str(Path(__file__).resolve().parent.parent)
if REPO not in sys.path:
    sys.path.insert(0, REPO)


def pytest_configure(config: pytest.Config) -> None:
    """Set up hypothesis and signals, and register the marker."""
    # No deadlines: a busy machine is slow.
    settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy")
    # A shell starts what runs in the background with Ctrl-C ignored, and the programs that tests start inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "mqtt(number, ...): shows these statements of MQTT 3.1.1")
