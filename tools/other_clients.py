"""The clients that umqtt2 is compared with: source archives from PyPI, unpacked below build/other-clients/.

pip fetches them, see tools/pip_fetch.py, so its own settings count: index, proxy, certificates, a folder of
archives. They are never committed.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tools.commands import run
from tools.errors import ToolError
from tools.paths import BUILD, made_once

PIP_FETCH = Path(__file__).with_name("pip_fetch.py")


class OtherClient(NamedTuple):
    """
    name     its name; on PyPI, those of `umqtt` have "micropython-" before it
    version  the one that is measured
    sha256   of its archive
    """

    name: str
    version: str
    sha256: str


OTHER_CLIENTS = {
    client.name: client
    for client in (
        OtherClient("umqtt.simple", "1.3.4", "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f"),
        OtherClient("umqtt.robust", "1.0", "22a1b8c8e1128281efb13b3020927d07e33c5b747869da2cd77d37983a9ea002"),
        OtherClient("umqtt.simple2", "2.2.0", "48fd4da7701b95986293b06d343fbc564ebe7dfa82f5c8c09364c20df755f0e4"),
        OtherClient("umqtt.robust2", "2.2.0", "da3a09a570868d8e4ae6d2fad475230f6f2b130b45711be6873f83b10ebd4a6c"),
        OtherClient("aiomqttc", "1.0.7", "cd41bd0ef0f36e3c73213f38b2eb6bb2b4f27637f77831240a9e4c8ce5ca51a2"),
        OtherClient("chumicro-mqtt", "0.30.3", "39bcfe15e5b2ec745864872a53e214cb105e299eeee59adc6185cae59615b9cf"),
        OtherClient("chumicro-sockets", "0.21.3", "fe29c9ad2e9fabd5a7929264c5cb3d5536ad784b2c24d735627e4e1bff09619a"),
        OtherClient("chumicro-timing", "0.8.4", "5428d60ca79a99efe1e7453ef3cc7fba810a7f623becd5779d59cfa2c7a0fc9d"),
        # For CPython. What pip would install of it has a package `tests` in the place of everybody's own.
        OtherClient("gmqtt", "0.8.0", "61fb7641109f57ca29f73d2d8f2cb487de49d76338ef8c68228db961b6e9696a"),
    )
}
# What a board needs beside some of them. chumicro-mqtt depends on chumicro-config, too, but only in from_config().
NEEDS = {
    "umqtt.robust": ["umqtt.simple"],
    "umqtt.robust2": ["umqtt.simple2"],
    "chumicro-mqtt": ["chumicro-sockets", "chumicro-timing"],
}


def source_folder(name: str) -> Path:
    """The sources of a client, as its archive has them; `name` is a key of OTHER_CLIENTS."""
    client = OTHER_CLIENTS[name]
    return made_once(BUILD / "other-clients" / f"{name}-{client.version}", lambda folder: fetch(client, folder))


def module_paths(name: str) -> list[Path]:
    """What goes into a board's /lib for a client: folders and files."""
    own = name.replace("-", "_")
    places = [source_folder(name) / place for place in ("umqtt", f"src/{own}", f"{own}.py", own)]
    needed = [path for other in NEEDS.get(name, ()) for path in module_paths(other)]
    return [*needed, next(path for path in places if path.exists())]


def fetch(client: OtherClient, target: Path) -> None:
    """Have pip fetch a source archive, check its SHA-256, and unpack what its one top folder has into `target`."""
    what = f"{client.name} {client.version}"
    project = f"micropython-{client.name}" if client.name.startswith("umqtt.") else client.name
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(PIP_FETCH), project, client.version, folder]
        # pip's last line only says that it found no such version; the reason is in an earlier line.
        why = "^ *Could not fetch URL.*"
        said = run(command, f"{what}: pip could not fetch it", why, env={**os.environ, "LC_ALL": "C.UTF-8"})
        archive = Path(said.splitlines()[-1])
        if hashlib.sha256(archive.read_bytes()).hexdigest() != client.sha256:
            raise ToolError(f"{what}: {archive.name} has a SHA-256 different from the recorded one")
        unpack = ["tar", "-xzf", str(archive), "-C", str(target), "--strip-components=1", "--no-same-owner"]
        run(unpack, f"{archive.name}: it does not unpack")
