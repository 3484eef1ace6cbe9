"""How many instructions a call takes: the 64-bit VM under valgrind's callgrind; instruction-budget.ini."""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tools import fetch
from tools.errors import ToolError
from tools.measure.budget import INSTRUCTIONS, instructions_on
from tools.measure.loops import BUILDS, CLIENTS, clients_option, prepare, running
from tools.measure.programs.feeder import TOPIC, Feeder
from tools.tables import Table, number, terminal
from tools.testkit.broker import HOST, Broker
from tools.testkit.process import Process
from tools.unpacked import command

PROFILE = BUILDS["umqtt2"]  # that the budget is of
HEAP = "4m"  # large enough that no garbage is collected; when that happens depends on the heap's size
SECONDS = 300
MEASURES = {
    "qos0": "publish at QoS 0",
    "qos1": "publish at QoS 1 and its acknowledgement",
    "receive": "received message at QoS 0",
    "idle": "check_msg when nothing is there",
}
# What MicroPython needs to find free memory grows with what is allocated since garbage was collected last.
# So figures can be compared only when they are of the same number of calls. Of those at QoS 1 there are
# fewer, because umqtt.simple and umqtt.simple2 take 40 ms for each.
CALLS = {"qos0": 300, "qos1": 100, "receive": 300, "idle": 300}  # of the short run; the long one has three times that
# umqtt.simple's check_msg leaves the socket so that the next call does not wait: it is not for a loop.
MEASURED = {"simple": ["qos0", "qos1", "receive"], "simple2": list(MEASURES), "umqtt2": list(MEASURES)}


def options(parser: argparse.ArgumentParser) -> None:
    """Which clients."""
    clients_option(parser, MEASURED)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Count for the clients that are wanted."""
    found = {}
    with running() as broker, tempfile.TemporaryDirectory() as home:
        for client in options.client or MEASURED:
            with terminal().status(f"{client}: counting"):
                found[client] = all_of(prepare(client, Path(home)), broker, client)
    version = instructions_on()
    if options.docs and "umqtt2" in found:
        INSTRUCTIONS.write(version, {PROFILE: found["umqtt2"]})
    return {"vm": version, "clients": found}


def all_of(folder: Path, broker: Broker, client: str, shorter: int = 1) -> dict[str, float]:
    """All measures of a client. folder, shorter: as those of `thousands`."""
    return {name: thousands(folder, broker, client, name, shorter) for name in MEASURED[client]}


def thousands(folder: Path, broker: Broker, client: str, name: str, shorter: int = 1) -> float:
    """Thousand instructions of one call: what 3 N calls take more than N, by 2 N.

    folder   what `tools.measure.loops.prepare` has made for the client
    shorter  that many times fewer calls; then the figure cannot be compared with others
    """
    calls = CALLS[name] // shorter
    # The client comes first: what finding a name takes depends a little on the names that were there before.

    def counted(program: str, n: int) -> int:
        def feed() -> None:
            # Everything is queued before, so that looking when nothing is there does not count.
            if program == "receive":
                Feeder(HOST, broker.port, TOPIC).feed(n)

        call = f"exact.instructions{(client, program, HOST, broker.port, n)!r}"
        return count(folder, f"import {CLIENTS[client]}, exact; {call}", feed)

    total = counted(name, 3 * calls) - counted(name, calls)
    if name == "qos1":
        total -= counted("pause", 3 * calls) - counted("pause", calls)
    return round(total / (2 * calls) / 1000, 2)


def count(folder: Path, line: str, ready: Callable[[], None]) -> int:
    """Run a line of Python, and give how many instructions the VM's process has executed, from its start to its end.

    folder  all that can be imported, besides what the VM has built in
    line    prints "ready", reads a line, and does the rest
    ready   called when it is ready, before it gets the line
    """
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "callgrind.out"
        # An empty environment, so that the VM's stack does not depend on the size of the environment.
        environment = ["env", "-i", f"PATH={os.environ.get('PATH', '')}", f"MICROPYPATH={folder}:.frozen"]
        valgrind = [str(fetch.valgrind()), "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
        program = [*command(fetch.vm64()), "-X", f"heapsize={HEAP}", "-c", line]
        with Process([*environment, *valgrind, *program], folder, typed=True) as process:
            if process.prints("ready", SECONDS):
                ready()
                process.say()
            status = process.wait(SECONDS)
        if status:
            why = process.output[-1] if process.output else f"exit code {status}"
            raise ToolError(f"instructions: `{line}` failed under valgrind: {why}")
        found = re.search(r"^summary: (\d+)", out.read_text(encoding="utf-8"), re.MULTILINE) if out.exists() else None
        if not found:
            raise ToolError("instructions: valgrind has counted nothing; is the VM a script? Set MICROPYTHON=/path")
        return int(found[1])


def parts(figures: dict[str, Any]) -> dict[str, Table]:
    """A column for each client, and one for the budget of ours."""
    clients: Mapping[str, Mapping[str, float]] = figures["clients"]
    limits = INSTRUCTIONS.read()[PROFILE] if figures["vm"] == INSTRUCTIONS.vm() else {}
    columns = {**{CLIENTS[name]: row for name, row in clients.items()}, "budget": limits}
    rows = [
        [title, *(number(row[name]) if name in row else "—" for row in columns.values())]
        for name, title in MEASURES.items()
    ]
    return {"": Table(f"Thousand instructions, {figures['vm']}", ["", *columns], rows)}


def problems(figures: dict[str, Any]) -> list[str]:
    """What is over the budget."""
    ours = figures["clients"].get("umqtt2", {}) if figures["vm"] == INSTRUCTIONS.vm() else {}
    return INSTRUCTIONS.exceeded(PROFILE, ours)
