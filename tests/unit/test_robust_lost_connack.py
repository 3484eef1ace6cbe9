"""A robust client whose CONNACK is lost together with the connection."""

from __future__ import annotations

import pytest

from tests.unit.program import App, pass_time
from umqtt2 import robust
from umqtt2.testing import FakeBroker


class Unwelcoming(FakeBroker):
    """A broker whose CONNACK gets lost together with the connection while `unwelcoming` is True."""

    unwelcoming = False

    def write(self, buf, offset, n):
        before = len(self.connects)
        taken = super().write(buf, offset, n)
        if self.unwelcoming and len(self.connects) > before:
            self.incoming.clear()
            self.drop()
        return taken


@pytest.fixture
def app():
    """A program that is connected and has subscribed, and whose broker is about to lose a CONNACK."""
    a = App(Unwelcoming(), robust.MQTTClient)
    a.client.connect()
    a.client.subscribe("t", 1)
    pass_time(a, 1)
    return a


def lose_connack(a):
    a.transport.unwelcoming = True
    a.transport.drop()
    while len(a.transport.connects) < 2:
        pass_time(a, 1)
    a.transport.unwelcoming = False
    while not a.client.is_connected():
        pass_time(a, 1)
    pass_time(a, 1)


def test_subscriptions_are_renewed_when_the_connack_that_asks_for_it_was_lost(app):
    # The first CONNACK, which is lost, says that there is no session. The next one says that there is:
    # the one that the broker has begun then, without subscriptions.
    app.transport.forget()
    lose_connack(app)
    assert app.transport.subscriptions == {b"t": 1}
    app.transport.deliver("t", "heard", 1)
    pass_time(app, 1)
    assert app.transport.acknowledged


def test_messages_are_not_doubled_when_a_connack_was_lost(app):
    app.transport.silent = True
    app.client.publish("up", "once", qos=2)
    app.transport.silent = False
    lose_connack(app)
    assert [entry[:3] for entry in app.transport.published] == [(b"up", b"once", 2)]


def test_subscriptions_are_not_renewed_when_the_connack_came(app):
    app.transport.subscriptions.clear()  # so that it would be seen
    app.transport.drop()
    pass_time(app, 10)
    assert app.client.is_connected()
    assert app.transport.subscriptions == {}
