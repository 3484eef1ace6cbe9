"""The default session store."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from umqtt2 import MQTTException
from umqtt2.session.pids import PidSession
from umqtt2.testing import FakeClock


@given(st.sets(st.integers(1, 65535), max_size=50))
@settings(max_examples=10, deadline=None)
@pytest.mark.mqtt("MQTT-2.3.1-1", "MQTT-2.3.1-2")
def test_identifiers_over_a_whole_wrap_with_some_held_in_flight(held):
    session = PidSession()
    for pid in held:
        session[pid] = 0
    given_out = []
    for _ in range(65535 - len(held)):
        given_out.append(session.add(0, 0x32, b"t", b"m"))
        assert session.done(given_out[-1])
    assert set(given_out) == set(range(1, 65536)) - held
    assert session.add(0, 0x32, b"t", b"m") == given_out[0]


@pytest.mark.mqtt("MQTT-2.3.1-2")
def test_no_identifier_left_is_an_error_not_a_hang():
    session = PidSession()
    for _ in range(65535):
        session.add(0, 0x32, b"t", b"m")
    with pytest.raises(MQTTException):
        session.add(0, 0x32, b"t", b"m")


def test_done_once():
    session = PidSession()
    pid = session.add(0, 0x32, b"t", b"m")
    assert session.done(pid)
    assert not session.done(pid)


@given(st.integers(0, 2**30 - 1), st.integers(1, 100_000))
def test_deadlines_across_the_wrap_of_the_clock(now, wait):
    clock = FakeClock(now)
    session = PidSession()
    pid = session.add(clock.ticks_add(clock.ticks_ms(), wait), 0x32, b"t", b"m")
    clock.advance(wait - 1)
    assert session.expired(clock) == 0
    clock.advance(1)
    assert session.expired(clock) == pid
    assert session.expired(clock) == 0
    assert not session.done(pid)


def test_each_expired_identifier_is_handed_out_once():
    clock = FakeClock()
    session = PidSession()
    for deadline in (10, 10, 10, 100):
        session.add(deadline, 0x32, b"t", b"m")
    clock.advance(10)
    assert {session.expired(clock) for _ in range(4)} == {0, 1, 2, 3}


def test_clear_forgets_everything():
    session = PidSession()
    session.add(0, 0x32, b"t", b"m")
    session.clear()
    assert session.expired(FakeClock(10)) == 0
