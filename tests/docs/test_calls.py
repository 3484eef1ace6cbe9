"""The cheat sheet has every call, and no call takes longer than the page about the watchdog says."""

from __future__ import annotations

import inspect

import pytest

import umqtt2
import umqtt2.aio
import umqtt2.robust
from tests.docs.pages import DOCS
from umqtt2.testing import FakeBroker

TIMEOUT = 3


@pytest.mark.parametrize("module, column", [(umqtt2, 2), (umqtt2.robust, 3), (umqtt2.aio, 4)])
def test_every_call_is_on_the_cheat_sheet(module: object, column: int) -> None:
    rows = [line.split("|") for line in (DOCS / "cheat-sheet.md").read_text().splitlines() if line.startswith("| ")]
    column_text = " ".join(
        row[2] if "the same" in row[column] else "" for row in rows
    ) + " ".join(row[column] for row in rows)
    client = module.MQTTClient  # type: ignore[attr-defined]
    for name, _ in inspect.getmembers(client, inspect.isfunction):
        if not name.startswith(("_", "cb")):
            assert f"{name}(" in column_text, name


@pytest.mark.parametrize("module", [umqtt2, umqtt2.robust])
def test_connect_takes_twice_the_timeout_at_most(module: object) -> None:
    broker = FakeBroker()
    broker.silent = True
    client = module.MQTTClient(  # type: ignore[attr-defined]
        "a", "broker", transport=broker, clock=broker.clock, socket_timeout=TIMEOUT
    )
    try:
        client.connect()
    except umqtt2.MQTTException:
        pass
    assert 0 < broker.clock.elapsed <= 2 * TIMEOUT * 1000


def test_calls_take_the_timeout_and_check_msg_does_not_wait() -> None:
    broker = FakeBroker()
    client = umqtt2.MQTTClient("a", "broker", transport=broker, clock=broker.clock, socket_timeout=TIMEOUT)
    client.set_callback(print)
    client.connect()
    before = broker.clock.elapsed
    client.check_msg()
    assert broker.clock.elapsed == before
    broker.write_sizes = 0
    with pytest.raises(umqtt2.MQTTException):
        client.publish("a", "b", qos=1)
    assert broker.clock.elapsed - before <= (TIMEOUT + 1) * 1000
