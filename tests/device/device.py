"""A device under test, with its topics and the broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable

import pytest

from tests.device import table
from tests.device.machine import Board, Vm
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.proxy import Proxy
from tools.testkit.vm import Run


@dataclass
class Device:
    """A machine that runs one test's programs.

    prefix    of its topics; each test has its own
    listener  name of the broker's listener
    client    arguments of the client that connects to it
    observer  a client of the broker on this computer
    broker    None when the tests did not start it
    record    notes a property of the test's report
    extra     more settings of each program
    """

    prefix: str
    listener: str
    client: dict[str, Any]
    machine: Vm | Board
    observer: Observer
    broker: Mosquitto | None
    record: Callable[[str, object], None]
    extra: dict[str, Any] = field(default_factory=dict)

    def run(self, program: str, **config: object) -> Run:
        """Start a program on the device."""
        known = {"prefix": self.prefix, "client": self.client}
        return self.machine.start(program, {**known, **self.extra, **config})

    def finish(self, run: Run) -> None:
        """Wait until a program ends without an error, and record how long it took."""
        self.record(table.MS, run.done()["ms"])

    @contextmanager
    def behind_proxy(self) -> Iterator[Proxy]:
        """Put a proxy between the device and the broker; the test is skipped where the broker is not ours."""
        if not self.broker:
            pytest.skip("needs a proxy between the device and the broker")
        with Proxy(self.broker.port(self.listener)) as proxy:
            self.client["port"] = proxy.port
            yield proxy

    def topic(self, name: str) -> str:
        """A topic below the prefix."""
        return f"{self.prefix}/{name}"

    @property
    def client_id(self) -> str:
        """The device's client identifier."""
        return self.prefix.replace("/", "-")
