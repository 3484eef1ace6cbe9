"""Payloads that are larger than the heap: a megabyte each way."""

from __future__ import annotations

import hashlib
import random

import pytest

from tests.device.conftest import FULL
from tests.device.device import Device

LENGTH = 1 << 20


@pytest.fixture(scope="session", params=FULL)
def tree(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("listener", ["anonymous", "tls"])
def test_a_megabyte_each_way(device: Device, listener: str) -> None:
    assert device.broker
    device.client = device.broker.settings(listener)
    payload = random.Random(1).randbytes(LENGTH)
    device.observer.subscribe(device.topic("up"))
    with device.run("streaming", length=LENGTH, robust=False) as run:
        run.event("ready")
        device.observer.publish(device.topic("down"), payload, qos=1)
        assert run.event("got") == {"total": LENGTH, "digest": sha256(payload), "begun": 1}
        sent = run.event("sent")
        device.finish(run)
    assert sent["statuses"] == [1]
    assert sha256(device.observer.next(device.topic("up")).payload) == sent["digest"]


def test_a_cut_in_the_middle_begins_it_again(device: Device) -> None:
    assert device.broker
    payload = random.Random(2).randbytes(LENGTH)
    device.observer.subscribe(device.topic("up"))
    with device.behind_proxy() as proxy:
        with device.run("streaming", length=LENGTH, robust=True) as run:
            run.event("ready")
            proxy.cut_after(LENGTH // 2)
            device.observer.publish(device.topic("down"), payload, qos=1)
            assert run.event("got") == {"total": LENGTH, "digest": sha256(payload), "begun": 2}
            proxy.cut_after(LENGTH // 2)
            sent = run.event("sent")
            device.finish(run)
    assert sent["statuses"] == [1]
    assert sha256(device.observer.next(device.topic("up")).payload) == sent["digest"]
