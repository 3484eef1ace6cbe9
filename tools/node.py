"""Node.js and its npm: those of the test environment, or else those on PATH."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.commands import run
from tools.errors import ToolError
from tools.paths import BUILD, REPO, made_once

OLDEST = 18
# npm packages of one version each, by their names; `package` installs one.
VERSIONS = {
    "jscpd": "4.3.0",  # finds copied code
    "mqtt-packet": "9.0.2",  # MQTT.js's encoder and decoder of MQTT, to check ours against
}


def node() -> Path:
    """The Node.js to use."""
    for folder in _folders():
        path = shutil.which("node", path=folder)
        if path and shutil.which("npm", path=folder) and _major(path) >= OLDEST:
            return Path(path)
    raise ToolError(
        f"node: no version {OLDEST} or later with npm is here;"
        " run `make venv`, which installs one, or install Node.js"
    )


def _system_certificates() -> dict[str, str]:
    # Node.js trusts a list of its own; a machine behind a proxy has more in its system's.
    store = Path("/etc/ssl/certs/ca-certificates.crt")
    return {"NODE_EXTRA_CA_CERTS": str(store)} if store.exists() else {}


def npm(*arguments: str) -> str:
    """Run npm, and give what it prints; its cache is below build/."""
    home = node().parent
    environment = {
        **_system_certificates(),
        **os.environ,
        "PATH": f"{home}{os.pathsep}{os.environ.get('PATH', '')}",
        "npm_config_cache": str(BUILD / "npm" / "cache"),
        "npm_config_update_notifier": "false",
    }
    what = f"npm {' '.join(arguments[:2])} failed"
    return run([str(home / "npm"), *arguments], what, r"^npm (?:ERR!|error) (?!code)(.+)$", env=environment)


def install(folder: Path, *packages: str) -> None:
    """Install packages of npm, each NAME@VERSION, into `folder`/node_modules."""
    (folder / "package.json").write_text('{"private": true}\n')
    npm("install", *packages, "--prefix", str(folder), "--no-audit", "--no-fund")


def package(name: str) -> Path:
    """The folder of one of VERSIONS, installed below build/npm/ when it is not there yet."""
    wanted = f"{name}@{VERSIONS[name]}"
    folder = made_once(BUILD / "npm" / wanted.replace("@", "-"), lambda folder: install(folder, wanted))
    return folder / "node_modules" / name


def _folders() -> list[str]:
    """Where to look, best first."""
    on_path = os.environ.get("PATH", "").split(os.pathsep)
    return [str(Path(sys.prefix) / "bin"), str(REPO / ".venv" / "bin"), *on_path]


def _major(path: str) -> int:
    """The major version of a Node.js, or 0 when it does not run."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"v(\d+)\.", done.stdout)
    return int(match[1]) if match else 0
