"""A board under test: what board.ini says of its Wi-Fi and its broker, and what is copied to it.

docs/testing-on-a-board.md describes board.ini.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.errors import ToolError
from tools.testkit.tree import SOURCE, lay_out
from tools.testkit.vm import made_mpy_version, mpremote, mpy_version

BOARD_FOLDER = "/umqtt2_test"
CA_ON_BOARD = f"{BOARD_FOLDER}/ca.der"


@dataclass
class BoardSetup:
    """The parts of board.ini.

    wifi  name and password of the network, or None
    ca    DER file of the authority that signed the broker's certificate; None is plain TCP
    """

    wifi: tuple[str, str] | None
    host: str
    port: int
    user: str | None
    password: str | None
    ca: Path | None

    @classmethod
    def read(cls, path: Path) -> BoardSetup:
        """Read the file; raise ToolError when it cannot be used."""
        ini = ConfigParser(interpolation=None)
        if not ini.read(path, encoding="utf-8"):
            raise ToolError(f"{path}: not found; docs/testing-on-a-board.md shows what to write there")
        host = ini.get("broker", "host", fallback="")
        if not host:
            raise ToolError(f"{path}: [broker] has no host")
        ca = ini.get("broker", "ca", fallback="")
        if ca and not (path.parent / ca).is_file():
            raise ToolError(f"{path}: [broker] ca = {ca}: there is no such file")
        name = ini.get("wifi", "name", fallback="")
        return cls(
            wifi=(name, ini.get("wifi", "password", fallback="")) if name else None,
            host=host,
            port=ini.getint("broker", "port", fallback=8883 if ca else 1883),
            user=ini.get("broker", "user", fallback=None),
            password=ini.get("broker", "password", fallback=None),
            ca=path.parent / ca if ca else None,
        )

    def client(self) -> dict[str, Any]:
        """The arguments of the client on the board."""
        arguments: dict[str, Any] = {"server": self.host, "port": self.port}
        if self.user:
            arguments.update(user=self.user, password=self.password)
        if self.ca:
            arguments.update(ssl=True, ssl_params={"cadata": CA_ON_BOARD})
        return arguments

    def observer(self) -> dict[str, Any]:
        """The arguments of the client on this machine."""
        arguments: dict[str, Any] = {"hostname": self.host, "port": self.port}
        if self.user:
            arguments.update(username=self.user, password=self.password)
        if self.ca:
            arguments["tls_context"] = ssl.create_default_context(cadata=self.ca.read_bytes())
        return arguments


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
