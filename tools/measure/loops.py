"""The clients that are measured, with loops that are the same for all: a folder for each, that a VM imports from."""

from __future__ import annotations

from pathlib import Path

from tools.paths import new_folder
from tools.testkit.tree import lay_out, lay_out_other, put

PROGRAMS = Path(__file__).parent / "programs"
# Names in the results, and names for readers.
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
ARCHIVES = {
    "simple": ["umqtt.simple"],
    "simple2": ["umqtt.simple2"],
    "aiomqttc": ["aiomqttc"],
    "chumicro": ["chumicro-mqtt", "chumicro-sockets", "chumicro-timing"],
}
OURS = {"aio": "aio"}  # the build of a client that is always of the same


def prepare(client: str, profile: str, home: Path) -> Path:
    """Make the folder of a client below `home`; `profile` says which build of umqtt2."""
    target = home / client
    with new_folder(target) as draft:
        for program in sorted(PROGRAMS.glob("*.py")):
            if not program.name.startswith("use_") or program.stem == f"use_{client}":
                put(program, draft / program.name)
        for name in ARCHIVES.get(client, ()):
            lay_out_other(name, draft)
        if client == "umqtt2":
            lay_out(profile, draft)
        elif client in OURS:
            lay_out(OURS[client], draft)
    return target
