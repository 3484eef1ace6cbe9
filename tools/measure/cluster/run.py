"""Starts nodes, consumer and clients, and restarts one node after the other."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools import fetch
from tools.errors import ToolError
from tools.measure.cluster.consumer import Consumer
from tools.measure.cluster.nodes import Node
from tools.measure.cluster.results import Client, compare
from tools.paths import REPO
from tools.testkit import vm

NODES = 3
KINDS = ("CPython, robust", "CPython, asyncio", "VM, robust", "VM, asyncio")
CLIENTS = 20
SETTLE = 4  # seconds between two restarts
PATIENCE = 120  # seconds
HEAP_KB = 256
PROGRAMS = Path(__file__).parent / "programs"


@dataclass
class Outcome:
    """What came of it; times are in seconds since the fleet was complete."""

    clients: list[Client]
    restarts: list[tuple[str, int, float, float]]  # signal, node, when it was sent, when the node was back
    lost: list[str]
    received: int
    doubled: int
    seconds: float


class Process:
    """A client's process; when it says something is noted."""

    def __init__(self, client: Client, ports: list[int], stop: Path, folder: Path) -> None:
        self.client = client
        arguments = (client.kind.split()[1], client.name, ports, str(stop))
        code = f"import fleet_client; fleet_client.main{arguments!r}"
        if client.kind.startswith("VM"):
            command, environment = vm.command(fetch.vm32(), HEAP_KB, "-c", code), vm.imports(REPO, PROGRAMS)
        else:
            command, environment = [sys.executable, "-u", "-c", code], {"PYTHONPATH": f"{REPO}:{PROGRAMS}"}
        self.run = vm.Run(command, folder, environment, self._note)

    def _note(self, line: str) -> None:
        word, _, number = line.partition(" ")
        if word == "published":
            self.client.published = int(number)
        elif word in ("up", "down"):
            self.client.events.append((time.monotonic(), word == "up"))

    def wait(self) -> None:
        """Wait until it has ended; raise ToolError when it has failed."""
        if self.run.wait(PATIENCE) or not self.client.published:
            raise ToolError(f"cluster: {self.client.name} has failed: {self.run.output[-5:]}")


def run() -> Outcome:
    """Run all of it."""
    clients = [Client(f"{i:02}", KINDS[i % len(KINDS)]) for i in range(CLIENTS)]
    restarts = []
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        nodes: list[Node] = []
        for i in range(NODES):
            nodes.append(stack.enter_context(Node(folder / f"node-{i + 1}", list(nodes))))
            print(f"node {i + 1} of {NODES} is up", flush=True)
        consumer = stack.enter_context(Consumer(nodes))
        stop = folder / "stop"
        processes = []
        for i, client in enumerate(clients):
            # Each begins at another node, so that they are spread.
            ports = [nodes[(i + k) % NODES].port for k in range(NODES)]
            processes.append(Process(client, ports, stop, folder))
            stack.enter_context(processes[-1].run)
        _until(lambda: all(client.events for client in clients), "not all clients are connected")
        began = time.monotonic()
        for signal in ("SIGTERM", "SIGKILL"):
            for i, node in enumerate(nodes):
                time.sleep(SETTLE)
                sent = time.monotonic()
                node.stop() if signal == "SIGTERM" else node.kill()
                time.sleep(SETTLE)
                node.start()
                node.wait_until_listening()
                restarts.append((signal, i + 1, sent - began, time.monotonic() - began))
                print(f"node {i + 1}: {signal}, and back after {restarts[-1][3] - restarts[-1][2]:.0f} s", flush=True)
        time.sleep(SETTLE)
        stop.touch()
        for process in processes:
            process.wait()
        seconds = time.monotonic() - began
        published = sum(client.published for client in clients)
        with contextlib.suppress(ToolError):  # what is missing is told below
            _until(lambda: len(set(consumer.received)) >= published, "")
        lost, doubled = compare(clients, consumer.received)
        received = len(consumer.received)
    for client in clients:
        client.events = [(when - began, up) for when, up in client.events]
    return Outcome(clients, restarts, lost, received, doubled, seconds)


def _until(condition: object, text: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            raise ToolError(f"cluster: {text}")
        time.sleep(0.1)
