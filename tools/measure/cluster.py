"""What is lost, and how long clients are away, when nodes of a RabbitMQ cluster restart: docs/cluster.md.

20 clients publish; three nodes are restarted one after the other, by SIGTERM, then by SIGKILL: about two minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
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
from tools.testkit.process import Process
from tools.testkit.rabbitmq import ANYBODY, RabbitMQ

NODES = 3
KINDS = ("CPython, robust", "CPython, asyncio", "VM, robust", "VM, asyncio")
CLIENTS = 20
SETTLE = 4  # seconds between two restarts
PATIENCE = 120  # seconds
SILENCE = 10  # seconds in which no message comes out of the queue: it is empty
HEAP_KB = 256
QUEUE = "readings"
AWAY = "#e8590c"
PAGES = {"cluster.md": ["cluster, the run", "cluster"]}
Gaps = list[tuple[float, float]]


class Node(RabbitMQ):
    """One of the cluster; see RabbitMQ.

    amqp_port  for consumers
    """

    def __init__(self, folder: Path, before: list[Node]) -> None:
        """before: the nodes that run already, whose cluster it joins."""
        super().__init__(folder)
        self.amqp_port = self._reserve()
        nodes = [*before, self]
        # It has the register of nodes and the secret of the first one.
        self._first = nodes[0]
        self._epmd_port = self._first._epmd_port
        self._settings.append("cluster_formation.peer_discovery_backend = classic_config")
        for i, node in enumerate(nodes, 1):
            self._settings.append(f"cluster_formation.classic_config.nodes.{i} = umqtt2-{node.port}@localhost")

    def start(self) -> None:
        """Start it; the first one starts the register."""
        self._epmd = self._first._epmd
        super().start()

    def _prepare(self) -> None:
        super()._prepare()
        conf = self._folder / "rabbitmq.conf"
        amqp = f"listeners.tcp.1 = {HOST}:{self.amqp_port}"
        conf.write_text(conf.read_text().replace("listeners.tcp = none", amqp))

    def _command(self) -> tuple[list[str], dict[str, str]]:
        command, environment = super()._command()
        return command, {**environment, "HOME": str(self._first._folder)}


class Client(Process):
    """A client of the fleet, which runs.

    events  when (in seconds), and whether it had a connection from then on
    """

    def __init__(self, i: int, ports: list[int], folder: Path) -> None:
        """ports: of the nodes, in the order in which it tries them."""
        self.name, self.kind = f"{i:02}", KINDS[i % len(KINDS)]
        self.events: list[tuple[float, bool]] = []
        self.published = 0
        code = f"import fleet_client; fleet_client.main{(self.kind.split()[1], self.name, ports)!r}"
        if self.kind.startswith("VM"):
            command, environment = vm.command(fetch.vm32(), HEAP_KB, "-c", code), vm.imports(REPO, PROGRAMS)
        else:
            command, environment = [sys.executable, "-u", "-c", code], {"PYTHONPATH": f"{REPO}:{PROGRAMS}"}
        super().__init__(command, folder, environment, self._note, typed=True)

    def _note(self, line: str) -> None:
        word, _, number = line.partition(" ")
        if word == "published":
            self.published = int(number)
        elif word in ("up", "down"):
            self.events.append((time.monotonic(), word == "up"))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Start nodes and clients, restart one node after the other, and take the messages out of the queue."""
    restarts = []
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        nodes: list[Node] = []
        for i in range(NODES):
            nodes.append(stack.enter_context(Node(folder / f"node-{i + 1}", list(nodes))))
            print(f"node {i + 1} of {NODES} is up", flush=True)
        with queue(nodes[0].amqp_port):
            pass  # it is there, and keeps what comes
        clients = []
        for i in range(CLIENTS):
            # Each begins at another node, so that they are spread.
            ports = [nodes[(i + k) % NODES].port for k in range(NODES)]
            clients.append(stack.enter_context(Client(i, ports, folder)))
        if not all(client.prints("up", PATIENCE) for client in clients):
            raise ToolError("cluster: not all clients are connected")
        began = time.monotonic()
        for signal, end in (("SIGTERM", Node.stop), ("SIGKILL", Node.kill)):
            for i, node in enumerate(nodes, 1):
                time.sleep(SETTLE)
                sent = time.monotonic() - began
                end(node)
                time.sleep(SETTLE)
                node.start()
                node.wait_until_listening()
                restarts.append((signal, i, round(sent, 3), round(time.monotonic() - began, 3)))
                print(f"node {i}: {signal}, and back after {restarts[-1][3] - sent:.0f} s", flush=True)
        time.sleep(SETTLE)
        for client in clients:
            client.say()
        for client in clients:
            if client.wait(PATIENCE) or not client.published:
                raise ToolError(f"cluster: {client.name} has failed: {client.output[-5:]}")
        seconds = time.monotonic() - began
        with queue(nodes[0].amqp_port) as messages:
            lost, doubled = compare({client.name: client.published for client in clients}, messages)
    clients.sort(key=lambda client: KINDS.index(client.kind))
    today = datetime.date.today()
    return {
        "date": f"{today.day} {today:%B %Y}",
        "published": sum(client.published for client in clients),
        "seconds": round(seconds, 3),
        "lost": len(lost),
        "doubled": doubled,
        "restarts": restarts,  # signal, node, when it was sent, when the node was back
        "offline": [[client.kind, offline(client.events, began)] for client in clients],
    }


@contextmanager
def queue(port: int) -> Iterator[Iterator[str]]:
    """Make a quorum queue that gets the fleet's messages, if it is not there, over AMQP; give those that are in it."""
    import pika

    user: Any = pika.PlainCredentials(ANYBODY, ANYBODY)
    with pika.BlockingConnection(pika.ConnectionParameters(HOST, port, credentials=user)) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(QUEUE, "amq.topic", "readings.#")
        found = channel.consume(QUEUE, auto_ack=True, inactivity_timeout=SILENCE)
        yield (body.decode() for _, _, body in iter(found.__next__, (None, None, None)))


def compare(published: Mapping[str, int], received: Iterable[str]) -> tuple[list[str], int]:
    """Return the messages that were lost, and how many came more than once. published: how many, by the client."""
    counts = Counter(received)
    wanted = [f"{name} {i}" for name, count in published.items() for i in range(count)]
    return [text for text in wanted if not counts[text]], sum(n - 1 for n in counts.values())


def offline(events: Iterable[tuple[float, bool]], began: float) -> Gaps:
    """From when to when, in seconds since `began`, a client had no connection, between its first one and its end."""
    gaps = []
    since: float | None = None
    for when, up in events:
        if up and since is not None:
            gaps.append((round(since - began, 3), round(when - began, 3)))
            since = None
        elif not up and since is None:
            since = when
    return gaps


def parts(figures: dict[str, Any]) -> dict[str, Any]:
    """What came of the run, and a row for each kind of client."""
    told = (
        f"Run of {figures['date']}.\n\n"
        f"{len(figures['offline'])} clients published {figures['published']:,} messages at QoS 1 in "
        f"{figures['seconds']:.0f} s; **lost {figures['lost']:,}**, {figures['doubled']:,} came twice."
    )
    rows = []
    for kind in KINDS:
        some = [gaps for other, gaps in figures["offline"] if other == kind]
        lengths = [end - begin for gaps in some for begin, end in gaps]
        longest, each = max(lengths, default=0), sum(lengths) / len(some)
        rows.append([kind, number(len(some)), number(len(lengths)), f"{longest:.1f} s", f"{each:.1f} s"])
    head = ["clients", "number", "times without a connection", "longest", "in all, each"]
    return {"cluster, the run": told, "cluster": Table("Times without a connection", head, rows)}


def draw(figures: dict[str, Any], folder: Path) -> None:
    """The times without a connection."""
    clients = figures["offline"]
    with pictures.drawn(folder / "cluster" / "offline.svg", figsize=(8, 5)) as (axes,):
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
