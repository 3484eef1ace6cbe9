from __future__ import annotations

import pytest
from program import App

from umqtt2.testing import FakeBroker, FakeTransport


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
