"""A board under test: what board.ini says of its Wi-Fi and its broker, and what is copied to it.

docs/testing-on-a-board.md describes board.ini.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from tools.errors import ToolError
from tools.testkit.tree import SOURCE, lay_out
from tools.testkit.vm import made_mpy_version, mpremote, mpy_version

BOARD_FOLDER = "/umqtt2_test"
CA_ON_BOARD = f"{BOARD_FOLDER}/ca.der"


class BoardSetup:
    """What board.ini says.

    wifi      name and password of the network, or None
    client    the arguments of the client on the board
    observer  those of the client on this machine
    ca        DER file of the authority that signed the broker's certificate; None is plain TCP
    """

    def __init__(self, path: Path) -> None:
        """Read the file; raise ToolError when it cannot be used."""
        ini = ConfigParser(interpolation=None)
        if not ini.read(path, encoding="utf-8"):
            raise ToolError(f"{path}: not found; docs/testing-on-a-board.md shows what to write there")
        host = ini.get("broker", "host", fallback="")
        if not host:
            raise ToolError(f"{path}: [broker] has no host")
        broker = ini["broker"]
        user, password, ca = broker.get("user"), broker.get("password"), broker.get("ca")
        port = broker.getint("port", 8883 if ca else 1883)
        self.client: dict[str, Any] = {"server": host, "port": port}
        self.observer: dict[str, Any] = {"hostname": host, "port": port}
        if user:
            self.client.update(user=user, password=password)
            self.observer.update(username=user, password=password)
        self.ca = path.parent / ca if ca else None
        if self.ca:
            if not self.ca.is_file():
                raise ToolError(f"{path}: [broker] ca = {ca}: there is no such file")
            self.client.update(ssl=True, ssl_params={"cadata": CA_ON_BOARD})
            self.observer["tls_context"] = ssl.create_default_context(cadata=self.ca.read_bytes())
        name = ini.get("wifi", "name", fallback="")
        self.wifi = (name, ini.get("wifi", "password", fallback="")) if name else None


def install(port: str, programs: Path, ca: Path | None) -> None:
    """Copy the package, the programs and the broker's CA to the board."""
    if port.startswith("/") and not Path(port).exists():
        raise ToolError(f"{port}: no such port; `mpremote connect list` shows those there are")
    try:
        version = mpy_version(mpremote(port, "exec"))
    except subprocess.CalledProcessError as error:
        complaint = (error.stdout + error.stderr).strip().splitlines() or [b"no answer"]
        raise ToolError(f"{port}: no MicroPython there: {complaint[-1].decode(errors='replace')}") from None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / BOARD_FOLDER.strip("/")
        lay_out(SOURCE, copy, programs, compiled=version == made_mpy_version())
        if ca:
            shutil.copy(ca, copy / Path(CA_ON_BOARD).name)
        if subprocess.run(mpremote(port, "cp", "-r", str(copy), ":/")).returncode:
            raise ToolError(f"{port}: copying to the board failed; is there room for 60 KB?")
