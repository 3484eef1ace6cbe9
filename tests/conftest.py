"""For all tests: the checkout is on the path, however pytest was started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPO = str(Path(__file__).resolve().parent.parent)
if REPO not in sys.path:
    sys.path.insert(0, REPO)


def pytest_configure(config: pytest.Config) -> None:
    """Make known what a test says of itself."""
    config.addinivalue_line("markers", "mqtt(number, ...): shows these statements of MQTT 3.1.1")
