"""Fixtures: a broker, and a laptop that sends messages to be echoed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.sizes.broker import Endpoints, running


@pytest.fixture(scope="module")
def endpoints() -> Iterator[Endpoints]:
    """How to reach the broker."""
    with running() as found:
        yield found
