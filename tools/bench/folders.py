"""What a VM imports: for each client a folder with the client and the measured loops, as .mpy files."""

from __future__ import annotations

from pathlib import Path

from tools import other_clients
from tools.paths import BUILD, new_folder
from tools.testkit.tree import lay_out, put

PROGRAMS = Path(__file__).parent / "programs"
HOME = BUILD / "bench"
ARCHIVES = {"simple": "umqtt.simple", "simple2": "umqtt.simple2"}
# Those of which a board gets a file, or packages.
MODULES = {"aiomqttc": ["aiomqttc"], "chumicro": ["chumicro-mqtt", "chumicro-sockets", "chumicro-timing"]}
OURS = {"aio": "aio"}  # the build of a client that is always of the same


def prepare(client: str, profile: str, home: Path) -> Path:
    """Make the folder of a client below `home`; `profile` says which build of umqtt2."""
    target = home / client
    with new_folder(target) as draft:
        for program in sorted(PROGRAMS.glob("*.py")):
            if not program.name.startswith("use_") or program.stem == f"use_{client}":
                put(program, draft / program.name)
        if client in ARCHIVES:
            sources = other_clients.source_folder(ARCHIVES[client])
            for path in sorted((sources / "umqtt").rglob("*.py")):
                put(path, draft / path.relative_to(sources))
        for name in MODULES.get(client, ()):
            module = other_clients.module_path(name)
            for path in sorted(module.rglob("*.py")) if module.is_dir() else [module]:
                put(path, draft / path.relative_to(module.parent))
        if client == "umqtt2":
            lay_out(profile, draft)
        elif client in OURS:
            lay_out(OURS[client], draft)
    return target
