"""A callback for each topic filter, on the VM."""

from __future__ import annotations

import pytest

from tests.device.conftest import FULL
from tests.device.device import Device


@pytest.fixture(scope="session", params=FULL)
def tree(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("aio", [False, True])
def test_messages_by_their_topics(device: Device, aio: bool) -> None:
    with device.run("router", aio=aio) as run:
        run.event("ready")
        device.observer.publish(device.topic("lamp/1/set"), b"on", qos=1)
        device.observer.publish(device.topic("door"), b"open", qos=1)
        assert run.event("got")["got"] == ["set on", "any on", "any open"]
        device.finish(run)
