"""Fixtures: the program under test. And the marker `long`.

Tests marked `long` repeat many times what others do too. They are not measured for coverage, which would make
them four to ten times as slow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from tests.unit.program import App
from umqtt2.testing import FakeBroker, FakeTransport


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: not measured for coverage, because it would take too long")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Switch coverage off while a `long` test runs."""
    # pytest-cov's own marker, no_cover, has no effect in xdist's workers: each has a second Coverage, which goes
    # on when the first one stops. The trace function of a debugger stays.
    trace = sys.gettrace()
    off = item.get_closest_marker("long") and type(trace).__module__ == "coverage"
    if off:
        sys.settrace(None)
    yield
    if off:
        sys.settrace(trace)


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """What is written is not synced: on a busy disk, hundreds of times, that takes minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda fd: None)
        yield


@pytest.fixture
def app():
    """Make an App: on a FakeBroker, or on the transport given."""

    def make(transport=None, **options):
        return App(transport or FakeBroker(), **options)

    return make


@pytest.fixture
def connected(app):
    """An App whose client is connected to a FakeBroker."""
    a = app()
    a.connect()
    return a


@pytest.fixture
def scripted(app):
    """Make a connected App on a FakeTransport, which answers nothing by itself."""

    def make(incoming=b"", clock=None, **options):
        a = app(FakeTransport(b"\x20\x02\0\0", clock), **options)
        a.connect()
        a.transport.feed(incoming)
        return a

    return make
