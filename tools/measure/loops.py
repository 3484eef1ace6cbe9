"""The clients that are measured, by programs that are the same for all, on the VM and on CPython, and their broker."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools import fetch, other_clients
from tools.errors import ToolError
from tools.paths import REPO
from tools.testkit import vm
from tools.testkit.mosquitto import PlainMosquitto
from tools.testkit.process import finish
from tools.testkit.tree import lay_out, lay_out_other, put

PROGRAMS = Path(__file__).parent / "programs"
SHARED = ("feeder", "speed", "async_speed", "exact", "use_umqtt2")
SECONDS = 120
# Names in programs, and names for readers.
CLIENTS = {
    "bare": "bare socket",
    "simple": "umqtt.simple",
    "simple2": "umqtt.simple2",
    "paho": "paho-mqtt, loop()",
    "paho_thread": "paho-mqtt, loop_start()",
    "umqtt2": "umqtt2",
    "aiomqtt": "aiomqtt",
    "gmqtt": "gmqtt",
    "aiomqttc": "aiomqttc",
    "chumicro": "chumicro-mqtt",
    "aio": "umqtt2.aio",
}
BUILDS = {"umqtt2": "simple", "aio": "aio"}
# TCP_NODELAY: otherwise the broker's acknowledgement can wait for the client's TCP acknowledgement, and the
# figures would include that delay. No limit for queues: otherwise messages for a slow receiver are dropped.
SETTINGS = (
    "set_tcp_nodelay true",
    "max_queued_messages 0",
    "max_inflight_messages 0",
    "persistence false",
    "connection_messages false",
)


def clients_option(parser: argparse.ArgumentParser, names: Collection[str]) -> None:
    """Add the argument CLIENT to a command line: some of the names; none stands for all."""
    known = ", ".join(map(repr, names))  # in quotes, as some have a comma in them

    def client(name: str) -> str:
        if name not in names:
            raise argparse.ArgumentTypeError(f"no {name!r}; there are {known}")
        return name

    parser.add_argument("client", nargs="*", type=client, metavar="CLIENT", help=f"of {known}; default: all")


@contextmanager
def running() -> Iterator[PlainMosquitto]:
    """Run a mosquitto that is configured not to be the bottleneck."""
    with tempfile.TemporaryDirectory() as folder, PlainMosquitto(Path(folder), *SETTINGS) as broker:
        yield broker


def prepare(client: str, home: Path) -> Path:
    """Make a folder for a client below `home`, which has all that a VM imports to measure it."""
    folder = home / client
    if client in BUILDS:
        lay_out(BUILDS[client], folder)
    elif CLIENTS[client] in other_clients.OTHER_CLIENTS:
        lay_out_other(CLIENTS[client], folder)
    for program in {*SHARED, f"use_{client}"}:
        put(PROGRAMS / f"{program}.py", folder / f"{program}.py")
    return folder


def run(folder: Path | None, heap_kb: int, call: str, client: str, *arguments: object) -> dict[str, Any]:
    """Let a program measure a client, and give what it found: a line of JSON that it prints.

    folder  that the VM imports from; None: it is this CPython that runs the program
    call    the program's module and function
    """
    line = f"import {call.partition('.')[0]}; {call}{(client, *arguments)!r}"
    if folder:
        command, environment = vm.command(fetch.vm32(), heap_kb, "-c", line), vm.imports(folder)
    else:
        paths = os.pathsep.join(map(str, [PROGRAMS, REPO, other_clients.source_folder("gmqtt")]))
        command, environment = [sys.executable, "-c", line], {"PYTHONPATH": paths}
    try:
        done = finish(command, folder or REPO, environment, SECONDS)
    except subprocess.TimeoutExpired:
        raise ToolError(f"bench: {call} of {client} has not ended after {SECONDS} s") from None
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise ToolError(f"bench: {call} of {client} failed; it says why above")
    found: dict[str, Any] = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return found
