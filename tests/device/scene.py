"""One scenario's share of the machine and the broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from tests.device import table
from tests.device.broker import Mosquitto
from tests.device.machine import Board, Run, Vm
from tests.device.observer import Observer


@dataclass
class Scene:
    """Where a scenario is played.

    prefix    of its topics; no other scenario has them
    listener  the name of the broker's listener
    client    how the device reaches it: the client's arguments
    broker    None when it is not ours
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
        """Wait for a program to end well, and note how long it took."""
        self.record(table.MS, run.done()["ms"])

    def topic(self, name: str) -> str:
        """A topic of this scenario."""
        return f"{self.prefix}/{name}"

    @property
    def client_id(self) -> str:
        """The device's client identifier."""
        return self.prefix.replace("/", "-")
