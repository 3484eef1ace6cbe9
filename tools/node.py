"""Node.js, its npm and packages of it: those of the test environment, or else those on PATH.

`python -m tools.node PROGRAM ...` runs a program of the packages.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from tools import errors
from tools.commands import run, said
from tools.errors import ToolError
from tools.paths import BUILD, made_once

OLDEST = 18
WEBASSEMBLY = "npm:@micropython/micropython-webassembly-pyscript"
# One version of each, that was tried: all are installed together, below build/npm/packages/.
PACKAGES = {
    "jscpd": "4.3.0",  # finds copied code
    "mqtt-packet": "9.0.2",  # MQTT.js's encoder and decoder of MQTT, to check ours against
    # Draws the site's diagrams. The theme's style sheet knows this version's parts: it colours arrows by their names.
    "@mermaid-js/tiny": "11.12.0",
    # MicroPython's WebAssembly builds have no sockets, but one is older and one newer than any that Debian has. The
    # older is the later of two that call themselves 1.22, a preview of January 2024: npm has no build of the release.
    "micropython-oldest": f"{WEBASSEMBLY}@1.21.0-279",
    "micropython-newest": f"{WEBASSEMBLY}@1.29.0-6",
    # The playground's, see tools/playground.py.
    "binaryen": "132.0.0",
    "esbuild": "0.28.2",
    "@codemirror/commands": "6.11.1",
    "@codemirror/lang-python": "6.2.1",
    "@codemirror/language": "6.13.1",
    "@codemirror/state": "6.7.6",
    "@codemirror/view": "6.43.15",
}


def node() -> Path:
    """The Node.js to use."""
    for folder in [str(Path(sys.prefix) / "bin"), *os.get_exec_path()]:
        found = shutil.which("node", path=folder)
        if found and shutil.which("npm", path=folder):
            version = re.match(r"v(\d+)\.", said(found, "--version"))
            if version and int(version[1]) >= OLDEST:
                return Path(found)
    raise ToolError(
        f"node: no version {OLDEST} or later with npm is here; run `make venv`, which installs one, or install Node.js"
    )


def environment() -> dict[str, str]:
    """What Node.js's programs need in their environment."""
    # Node.js trusts a list of its own; a machine behind a proxy has more in its system's.
    store = "/etc/ssl/certs/ca-certificates.crt"
    return {
        **({"NODE_EXTRA_CA_CERTS": store} if Path(store).exists() else {}),
        **os.environ,
        "PATH": os.pathsep.join([str(node().parent), *os.get_exec_path()]),
        "npm_config_cache": str(BUILD / "npm" / "cache"),
        "npm_config_update_notifier": "false",
    }


def install(folder: Path, *packages: str) -> None:
    """Install packages of npm, each NAME@VERSION, into `folder`/node_modules."""
    (folder / "package.json").write_text('{"private": true}\n')
    npm = [str(node().with_name("npm")), "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
    run([*npm, *packages], "npm install failed", "^npm (?:ERR!|error) (?!code|errno|syscall).+$", env=environment())


def package(name: str) -> Path:
    """The folder of one of PACKAGES, which are installed when they are not there yet."""
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    folder = made_once(BUILD / "npm" / "packages", lambda folder: install(folder, *wanted), " ".join(wanted))
    return folder / "node_modules" / name


def program(name: str) -> str:
    """The path of a program of PACKAGES; it needs `environment`."""
    return str(package(".bin") / name)


def main() -> None:
    """Run the program on the command line."""
    if not sys.argv[1:]:
        raise ToolError("usage: python -m tools.node PROGRAM ...")
    os.execve(program(sys.argv[1]), sys.argv[1:], environment())


if __name__ == "__main__":
    errors.run_main(main)
