"""Messages a second, and heap, writes and instructions of a call, beside other clients: docs/performance.md."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rich.progress import track

from tools import fetch
from tools.errors import ToolError, Unsupported
from tools.measure import instructions, loops, pictures
from tools.measure.loops import CLIENTS
from tools.other_clients import OTHER_CLIENTS
from tools.paths import BUILD
from tools.tables import Table, number
from tools.testkit import vm
from tools.testkit.broker import HOST, Broker

MICROPYTHON, TASKS, CPYTHON, ASYNCIO = "micropython", "tasks on the VM", "cpython", "asyncio"
TITLES = {
    MICROPYTHON: "MicroPython",
    TASKS: "MicroPython, for programs that do several things",
    CPYTHON: "CPython",
    ASYNCIO: "asyncio on CPython",
}
# KB of a VM's heap: that of a small board; of an ESP32, for clients that take more.
HEAP_KB = {MICROPYTHON: 36, TASKS: 100}
ROOMY_KB = 512  # so that no garbage is collected for a while
MEASURES = {
    "qos0": "QoS 0 publishes/s",
    "qos1": "QoS 1 round trips/s",
    "one_core": "QoS 1 round trips/s, broker on the same core",
    "burst": "QoS 1 publishes/s, 10 in flight",
    "receive": "messages received/s",
    "receive1": "messages received at QoS 1/s",
    "echo": "messages answered at QoS 1/s",
    "tasks": "QoS 1 publishes/s, 20 tasks at once",
    "connect": "connections/s",
    "idle": "wake-ups/s while idle, keepalive 10 s",  # in the first round alone, as it takes long
}
ON_VM = ["bare", "simple", "simple2", "umqtt2"]
FOR_TASKS = ["aiomqttc", "chumicro", "aio"]
ON_CPYTHON = ["bare", "paho", "paho_thread", "umqtt2"]
# What is measured for whom; the clients take turns in this order. umqtt.simple waits for each acknowledgement, so it
# knows no burst. paho's thread would receive messages while they are still being queued up, so that their time cannot
# be told; it reads them as loop() does.
PLAN = {
    MICROPYTHON: {
        **dict.fromkeys(["qos0", "qos1", "one_core", "burst", "receive"], ON_VM),
        "burst": ["bare", "simple2", "umqtt2"],
    },
    TASKS: dict.fromkeys(["qos0", "qos1", "receive"], FOR_TASKS),
    CPYTHON: {
        **dict.fromkeys(["qos0", "qos1", "one_core", "burst"], ON_CPYTHON),
        "receive": ["bare", "paho", "umqtt2"],
    },
    ASYNCIO: dict.fromkeys(
        ["connect", "qos0", "qos1", "tasks", "receive", "receive1", "echo", "idle"], ["aiomqtt", "gmqtt", "aio"]
    ),
}
EXACT = list(instructions.MEASURED)  # clients whose heap, writes and instructions are counted
AT_LEAST, AT_MOST = "≥", "≤"
# Targets on the VM: how many times as fast as another client; what a call takes at the most.
FASTER = [
    ("QoS 0 publishes/s, share of the bare socket's", "qos0", "bare", 0.27),
    ("QoS 0 publishes/s, times umqtt.simple2's", "qos0", "simple2", 3),
    ("QoS 1 round trips/s, share of the bare socket's", "qos1", "bare", 0.6),
    ("QoS 1 round trips/s, share of it, broker on the same core", "one_core", "bare", 0.6),
    ("messages received/s, times umqtt.simple2's", "receive", "simple2", 1.5),
]
MOST = {
    "bytes of heap": {"publish at QoS 0": 32, "publish at QoS 1": 48, "idle check_msg": 0, "received message": 128},
    "thousand instructions": {"qos0": 21, "qos1": 50, "receive": 37, "idle": 10},
}

PAGES = {"performance.md": [f"bench, {name}" for name in ("conditions", "targets", *PLAN, "exact", "not reached")]}


def options(parser: argparse.ArgumentParser) -> None:
    """How long."""
    parser.add_argument("--rounds", type=int, default=9, help="turns of each client; default %(default)s")
    parser.add_argument("--seconds", type=float, default=0.25, help="length of a sample; default %(default)s")
    # Instructions of that many times fewer calls cannot be compared with others.
    parser.set_defaults(shorter=1)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure all there is."""
    if options.rounds < 1 or options.seconds <= 0:
        raise ToolError("bench: --rounds has to be 1 or more, and --seconds more than 0")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as home, loops.running() as broker:
        folders = {client: loops.prepare(client, Path(home)) for client in (*ON_VM, *FOR_TASKS)}

        def exact(function: str) -> dict[str, Any]:
            where = (HOST, broker.port)
            return {name: loops.run(folders[name], ROOMY_KB, f"exact.{function}", name, *where) for name in EXACT}

        return {
            "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
            "versions": _versions(broker),
            "machine": machine(),
            "load before": round(load, 2),
            "rounds": options.rounds,
            "seconds": options.seconds,
            "heap": exact("heap"),
            "writes": exact("writes"),
            "instructions": _instructions(folders, broker, options.shorter),
            "speed": speeds(folders, broker, options.rounds, options.seconds),
        }


def speeds(folders: dict[str, Path], broker: Broker, rounds: int, seconds: float) -> dict[str, Any]:
    """Messages per second: by machine, measure and client, one sample for each round. Within a measure the clients take
    turns."""
    steps = [
        (where, name, client)
        for i in range(rounds)
        for where, measures in PLAN.items()
        for name, clients in measures.items()
        if not (i and name == "idle") and (name != "one_core" or hasattr(os, "sched_setaffinity"))
        for client in clients
    ]
    found: dict[str, Any] = {}
    for where, name, client in track(steps, "measuring", transient=True):
        program = "async_speed.main" if where in (ASYNCIO, TASKS) else "speed.main"
        folder = folders[client] if where in HEAP_KB else None
        with _one_core(broker) if name == "one_core" else nullcontext():
            loop = "qos1" if name == "one_core" else name
            sample = loops.run(folder, HEAP_KB.get(where, 0), program, client, loop, HOST, broker.port, seconds)
        kept = found.setdefault(where, {}).setdefault(name, {}).setdefault(client, [])
        kept.append(round(1e6 * sample["count"] / sample["us"], 3))
    return found


@contextmanager
def _one_core(broker: Broker) -> Iterator[None]:
    """Keep the broker, and what is started in the block, on one core."""
    free = os.sched_getaffinity(broker.pid)
    try:
        for pid in (0, broker.pid):
            os.sched_setaffinity(pid, {max(free)})
        yield
    finally:
        for pid in (0, broker.pid):
            os.sched_setaffinity(pid, free)


def _instructions(folders: dict[str, Path], broker: Broker, shorter: int) -> dict[str, dict[str, float]]:
    """Thousand instructions by client and measure; nothing where valgrind cannot run."""
    try:
        fetch.valgrind()
    except Unsupported as error:
        print(f"instructions are not counted: {error}")
        return {}
    return {client: instructions.all_of(folders[client], broker, client, shorter) for client in EXACT}


def machine() -> str:
    """What this machine is, without its name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, {platform.system()}"


def _versions(broker: Broker) -> dict[str, str]:
    (said,) = vm.output(fetch.vm32(), BUILD, ROOMY_KB, "-c", "import sys; print(sys.version)")
    try:
        return {
            "umqtt2": f"{version('umqtt2')}, build {loops.BUILDS['umqtt2']}",
            "vm": f"{said.partition('; ')[2]}, {32 * vm.words(fetch.vm32())}-bit",
            "cpython": platform.python_version(),
            "mosquitto": broker.logged("mosquitto version")[0].partition("version ")[2].split()[0],
            **{name: version(name) for name in ("paho-mqtt", "aiomqtt")},
            **{name: client.version for name, client in OTHER_CLIENTS.items()},
        }
    except PackageNotFoundError as error:
        raise ToolError(f"bench: {error.name} is not installed; `make bench` does that") from None


class Claim(NamedTuple):
    """A figure and its target; `bare` has the samples of a bare socket, where they are comparable."""

    text: str
    found: list[float]
    sense: str
    target: float
    bare: Sequence[float] = ()

    @property
    def reached(self) -> bool:
        """Whether the median reaches the target."""
        found = median(self.found)
        return found >= self.target if self.sense == AT_LEAST else found <= self.target


def claims(results: dict[str, Any]) -> list[Claim]:
    """All targets with the measured figures."""
    speed = results["speed"]
    on_vm = speed[MICROPYTHON]
    found = [
        Claim(text, ratios(on_vm[name]["umqtt2"], on_vm[name][other]), AT_LEAST, target)
        for text, name, other, target in FASTER
        if name in on_vm
    ]
    counted = {
        "bytes of heap": results["heap"]["umqtt2"],
        "thousand instructions": results["instructions"].get("umqtt2", {}),
    }
    for what, counts in counted.items():
        for name, count in counts.items():
            title = instructions.MEASURES.get(name, name)
            found.append(Claim(f"{what}: {title}", [count], AT_MOST, MOST[what][name]))
    writes = max(results["writes"]["umqtt2"].values())
    found.append(Claim("writes to the socket for one packet", [writes], AT_MOST, 1))
    for name, at in speed[CPYTHON].items():
        fastest = max((at[way] for way in ("paho", "paho_thread") if way in at), key=median)
        text = f"CPython: {MEASURES[name]}, times paho-mqtt's"
        found.append(Claim(text, ratios(at["umqtt2"], fastest), AT_LEAST, 2, ratios(at["bare"], fastest)))
    for name, at in speed[ASYNCIO].items():
        best, sense = (min, AT_MOST) if name == "idle" else (max, AT_LEAST)
        other = best((client for client in at if client != "aio"), key=lambda client: median(at[client]))  # noqa: B023
        found.append(Claim(f"asyncio: {MEASURES[name]}, times {other}'s", ratios(at["aio"], at[other]), sense, 1))
    return found


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """The ratios of samples that were taken in the same round, one after the other."""
    return [a / b for a, b in zip(above, below)]


def ends(samples: Sequence[float]) -> str:
    """The lowest and the highest; nothing for exact figures."""
    low, high = min(samples), max(samples)
    return "" if low == high else f"{number(low)} to {number(high)}"


def parts(figures: dict[str, Any]) -> dict[str, Any]:
    """The tables, the one with the targets last, and what is text."""
    made = claims(figures)
    targets = [
        [each.text, f"{each.sense} {number(each.target)}", number(median(each.found)), ends(each.found)]
        + ["reached" if each.reached else "not reached"]
        for each in made
    ]
    found: dict[str, Any] = {name: _speed(figures["speed"][name], title) for name, title in TITLES.items()}
    found["exact"] = _exact(figures)
    found["targets"] = Table("Targets", ["what", "target", "found", "spread", ""], targets)
    found["conditions"] = _conditions(figures)
    found["not reached"] = _not_reached([each for each in made if not each.reached])
    return {f"bench, {name}": part for name, part in found.items()}


def _speed(at: dict[str, dict[str, list[float]]], title: str) -> Table:
    clients = [name for name in CLIENTS if any(name in row for row in at.values())]

    def cell(samples: Sequence[float]) -> str:
        return f"{number(median(samples))}\n{ends(samples)}".strip() if samples else "—"

    rows = [[MEASURES[name], *(cell(row.get(client, ())) for client in clients)] for name, row in at.items()]
    return Table(f"{title}: median, and lowest to highest", ["", *(CLIENTS[name] for name in clients)], rows)


def _exact(figures: dict[str, Any]) -> Table:
    """Heap, writes and instructions."""
    counts = {
        "heap for: {}, bytes": figures["heap"],
        "writes for a publish at {}": figures["writes"],
        "thousand instructions: {}": figures["instructions"],
    }
    rows = [
        [text.format(instructions.MEASURES.get(name, name))]
        + [number(found[client][name]) if name in found[client] else "—" for client in EXACT]
        for text, found in counts.items()
        for name in found.get("umqtt2", {})
    ]
    return Table("MicroPython: exact counts", ["", *(CLIENTS[name] for name in EXACT)], rows)


def _conditions(figures: dict[str, Any]) -> str:
    versions = figures["versions"]
    names = ("umqtt2", "umqtt.simple", "umqtt.simple2", "paho-mqtt", "aiomqtt", "gmqtt", "aiomqttc", "chumicro-mqtt")
    return (
        f"- {figures['date']}, {figures['rounds']} rounds, samples of {figures['seconds']:g} s\n"
        f"- {versions['vm']}; CPython {versions['cpython']}\n"
        f"- {'; '.join(f'{name} {versions[name]}' for name in names)}\n"
        f"- mosquitto {versions['mosquitto']}\n"
        f"- {figures['machine']}; load before the run: {figures['load before']}"
    )


def _not_reached(missed: list[Claim]) -> str:
    if not missed:
        return "In this run every target was reached."
    text = "Not reached in this run:\n"
    for each in missed:
        text += f"\n- {each.text}: {number(median(each.found))} ({each.sense} {number(each.target)})"
        text += f"; the bare socket: {number(median(each.bare))}" if each.bare else ""
    return text


def draw(figures: dict[str, Any], folder: Path) -> None:
    """A picture for each claim."""

    def panels(machine: str, names: Iterable[str], without: str = "") -> dict[str, dict[str, list[float]]]:
        at = figures["speed"][machine]
        return {
            MEASURES[name]: {CLIENTS[each]: at[name][each] for each in CLIENTS if each in at[name] and each != without}
            for name in names
            if name in at
        }

    heap = figures["heap"]
    heaps = {name: {CLIENTS[client]: [heap[client][name]] for client in EXACT} for name in heap["umqtt2"]}
    # The bare socket is left out where its bar would make the others too short.
    for name, title, found in (
        ("qos0", "One write a packet: QoS 0 publishes on the VM", panels(MICROPYTHON, ["qos0"])),
        ("qos1", "No waiting for TCP's timers: QoS 1 on the VM", panels(MICROPYTHON, ["qos1", "one_core", "burst"])),
        ("receive", "Two reads a packet: receiving on the VM", panels(MICROPYTHON, ["receive"], without="bare")),
        ("heap", "Next to nothing is allocated: bytes of heap for one call", heaps),
        ("cpython", "The same source on CPython, beside paho", panels(CPYTHON, MEASURES, without="bare")),
    ):
        pictures.bars(folder / "performance" / f"{name}.svg", title, found)
