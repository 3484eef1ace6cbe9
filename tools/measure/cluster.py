"""What is lost, and how long clients are away, when nodes of a RabbitMQ cluster restart: docs/cluster.md.

20 clients publish; three nodes are restarted one after the other, by SIGTERM, then by SIGKILL: about two minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools import fetch
from tools.errors import ToolError
from tools.measure import pictures
from tools.measure.loops import PROGRAMS
from tools.paths import REPO
from tools.tables import Table, number
from tools.testkit import vm
from tools.testkit.broker import HOST
from tools.testkit.ports import free_ports
from tools.testkit.process import Process
from tools.testkit.rabbitmq import ANYBODY, RabbitMQ

NODES = 3
KINDS = ("CPython, robust", "CPython, asyncio", "VM, robust", "VM, asyncio")
CLIENTS = 20
SETTLE = 4  # seconds between two restarts
PATIENCE = 120  # seconds
HEAP_KB = 256
QUEUE = "readings"
AWAY = "#e8590c"
PAGES = {"cluster.md": ["cluster, the run", "cluster"]}
Gaps = list[tuple[float, float]]


class Node(RabbitMQ):
    """One of the cluster; see RabbitMQ.

    amqp_port  for consumers
    """

    seconds = 180

    def __init__(self, folder: Path, before: list[Node]) -> None:
        """before: the nodes that run already, whose cluster it joins."""
        super().__init__(folder)
        self.amqp_port = 0
        self._nodes = [*before, self]

    @property
    def node(self) -> str:
        """Its name in the cluster."""
        return f"umqtt2-{self.port}@localhost"

    def start(self) -> None:
        """Start it, with the register of nodes of the first one."""
        self._epmd = self._nodes[0]._epmd
        super().start()

    def _prepare(self) -> None:
        super()._prepare()
        self._epmd_port = self._nodes[0]._epmd_port
        (self.amqp_port,) = free_ports(1)
        conf = self._folder / "rabbitmq.conf"
        lines = [f"listeners.tcp.1 = {HOST}:{self.amqp_port}"]
        lines.append("cluster_formation.peer_discovery_backend = classic_config")
        for i, node in enumerate(self._nodes, 1):
            lines.append(f"cluster_formation.classic_config.nodes.{i} = {node.node}")
        conf.write_text(conf.read_text().replace("listeners.tcp = none", "\n".join(lines)))

    def _command(self) -> tuple[list[str], dict[str, str]]:
        command, environment = super()._command()
        # The nodes' shared secret is in the first one's folder.
        return command, {**environment, "HOME": str(self._nodes[0]._folder)}


@dataclass
class Client:
    """A client of the fleet.

    events  when (in seconds), and whether it had a connection from then on
    """

    name: str
    kind: str
    events: list[tuple[float, bool]] = field(default_factory=list)
    published: int = 0

    def process(self, ports: list[int], stop: Path, folder: Path) -> Process:
        """Start it; when it says something that is noted."""
        arguments = (self.kind.split()[1], self.name, ports, str(stop))
        code = f"import fleet_client; fleet_client.main{arguments!r}"
        if self.kind.startswith("VM"):
            command, environment = vm.command(fetch.vm32(), HEAP_KB, "-c", code), vm.imports(REPO, PROGRAMS)
        else:
            command, environment = [sys.executable, "-u", "-c", code], {"PYTHONPATH": f"{REPO}:{PROGRAMS}"}
        return Process(command, folder, environment, self._note)

    def _note(self, line: str) -> None:
        word, _, number = line.partition(" ")
        if word == "published":
            self.published = int(number)
        elif word in ("up", "down"):
            self.events.append((time.monotonic(), word == "up"))

    def offline(self, began: float = 0) -> Gaps:
        """From when to when, in seconds since `began`, it had no connection, between its first one and its end."""
        gaps = []
        since: float | None = None
        for when, up in self.events:
            if up and since is not None:
                gaps.append((round(since - began, 3), round(when - began, 3)))
                since = None
            elif not up and since is None:
                since = when
        return gaps


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Start nodes, consumer and clients, and restart one node after the other."""
    clients = [Client(f"{i:02}", KINDS[i % len(KINDS)]) for i in range(CLIENTS)]
    restarts = []
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        nodes: list[Node] = []
        for i in range(NODES):
            nodes.append(stack.enter_context(Node(folder / f"node-{i + 1}", list(nodes))))
            print(f"node {i + 1} of {NODES} is up", flush=True)
        received = stack.enter_context(consumer([node.amqp_port for node in nodes]))
        stop = folder / "stop"
        processes = []
        for i, client in enumerate(clients):
            # Each begins at another node, so that they are spread.
            ports = [nodes[(i + k) % NODES].port for k in range(NODES)]
            processes.append(stack.enter_context(client.process(ports, stop, folder)))
        if not _until(lambda: all(client.events for client in clients)):
            raise ToolError("cluster: not all clients are connected")
        began = time.monotonic()
        for signal in ("SIGTERM", "SIGKILL"):
            for i, node in enumerate(nodes, 1):
                time.sleep(SETTLE)
                sent = time.monotonic() - began
                if signal == "SIGTERM":
                    node.stop()
                else:
                    node.kill()
                time.sleep(SETTLE)
                node.start()
                node.wait_until_listening()
                restarts.append((signal, i, sent, time.monotonic() - began))
                print(f"node {i}: {signal}, and back after {restarts[-1][3] - sent:.0f} s", flush=True)
        time.sleep(SETTLE)
        stop.touch()
        for client, process in zip(clients, processes):
            if process.wait(PATIENCE) or not client.published:
                raise ToolError(f"cluster: {client.name} has failed: {process.output[-5:]}")
        seconds = time.monotonic() - began
        _until(lambda: len(set(received)) >= sum(client.published for client in clients))
        lost, doubled = compare(clients, received)
    return figures(clients, seconds, began, restarts, lost, doubled)


@contextmanager
def consumer(ports: Sequence[int]) -> Iterator[list[str]]:
    """Take the fleet's messages out of a quorum queue, over AMQP, from another node when one ends. Gives a list that
    grows as they come."""
    import pika

    received: list[str] = []
    ready, ends = threading.Event(), threading.Event()

    def consume(port: int) -> None:
        user: Any = pika.PlainCredentials(ANYBODY, ANYBODY)
        connection = pika.BlockingConnection(pika.ConnectionParameters(HOST, port, credentials=user, heartbeat=10))
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(QUEUE, "amq.topic", "readings.#")
        ready.set()
        for method, _, body in channel.consume(QUEUE, inactivity_timeout=1):
            if method:
                received.append(body.decode())
                channel.basic_ack(method.delivery_tag)
            if ends.is_set():
                break
        connection.close()

    def run() -> None:
        turn = 0
        while not ends.is_set():
            try:
                consume(ports[turn % len(ports)])
            except (pika.exceptions.AMQPError, OSError):
                time.sleep(0.5)
            turn += 1

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    if not ready.wait(PATIENCE):
        raise ToolError("cluster: the queue cannot be made")
    try:
        yield received
    finally:
        ends.set()
        thread.join(60)


def _until(condition: Callable[[], object]) -> bool:
    """Wait for a condition; whether it came true in time."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(condition())


def compare(clients: Iterable[Client], received: Iterable[str]) -> tuple[list[str], int]:
    """Return the messages that were lost, and how many came more than once."""
    counts = Counter(received)
    wanted = [f"{client.name} {i}" for client in clients for i in range(client.published)]
    return [text for text in wanted if not counts[text]], sum(n - 1 for n in counts.values())


def figures(
    clients: list[Client],
    seconds: float,
    began: float,
    restarts: list[tuple[str, int, float, float]],
    lost: list[str],
    doubled: int,
) -> dict[str, Any]:
    """What is kept of a run; times are in seconds since the fleet was complete, at `began`.

    restarts  signal, node, when it was sent, when the node was back
    """
    rows = {}
    offline = []
    for kind in KINDS:
        some = [client.offline(began) for client in clients if client.kind == kind]
        lengths = [end - begin for gaps in some for begin, end in gaps]
        rows[kind] = [len(some), len(lengths), max(lengths, default=0.0), sum(lengths) / max(1, len(some))]
        offline += [[kind, gaps] for gaps in some]
    today = datetime.date.today()
    return {
        "date": f"{today.day} {today:%B %Y}",
        "published": sum(client.published for client in clients),
        "seconds": seconds,
        "lost": len(lost),
        "doubled": doubled,
        "kinds": rows,
        "restarts": restarts,
        "offline": offline,
    }


def parts(figures: dict[str, Any]) -> dict[str, Any]:
    """What came of the run, and a row for each kind of client."""
    told = (
        f"Run of {figures['date']}.\n\n"
        f"{len(figures['offline'])} clients published {figures['published']:,} messages at QoS 1 in "
        f"{figures['seconds']:.0f} s; **lost {figures['lost']:,}**, {figures['doubled']:,} came twice."
    )
    rows = [
        [kind, number(clients), number(times), f"{longest:.1f} s", f"{each:.1f} s"]
        for kind, (clients, times, longest, each) in figures["kinds"].items()
    ]
    head = ["clients", "number", "times without a connection", "longest", "in all, each"]
    return {"cluster, the run": told, "cluster": Table("Times without a connection", head, rows)}


def draw(figures: dict[str, Any], folder: Path) -> None:
    """The times without a connection."""
    clients = figures["offline"]
    with pictures.drawn(folder / "cluster" / "offline.svg", figsize=(8, 5)) as (_, (axes,)):
        for signal, node, begin, end in figures["restarts"]:
            axes.axvspan(begin, end, color=pictures.THEIRS, alpha=0.25, linewidth=0)
            axes.text(begin, len(clients), f" {signal}\n node {node}", fontsize=7, va="bottom", color=pictures.ENDS)
        for row, (_, gaps) in enumerate(clients):
            axes.hlines(row, 0, figures["seconds"], color=pictures.OURS, alpha=0.35, linewidth=2)
            for begin, end in gaps:
                axes.hlines(row, begin, max(end, begin + 0.3), color=AWAY, linewidth=6)
        axes.set_yticks(range(len(clients)), [kind for kind, _ in clients], fontsize=7)
        axes.set_xlim(0, figures["seconds"])
        axes.set_xlabel("seconds; grey: a node is away; orange: the client has no connection", fontsize=9)


def problems(figures: dict[str, Any]) -> list[str]:
    """Whether messages are lost."""
    return [f"cluster: {figures['lost']} messages are lost"] if figures["lost"] else []
