"""Fixtures: a broker, and a laptop that sends messages to be echoed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.sizes.broker import Ways, running


@pytest.fixture(scope="module")
def ways() -> Iterator[Ways]:
    """How to reach the broker."""
    with running() as found:
        yield found
