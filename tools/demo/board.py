"""What the demo needs before it runs: the address, certificates, and a folder with the files of a board."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from tools import fetch
from tools.device import install
from tools.errors import ToolError
from tools.micropython import probe
from tools.paths import REPO

PROGRAM = REPO / "examples" / "thermometer.py"
HEAP_KB = 36  # what an ESP8266 has; a 64-bit VM needs about twice as much for the same program


def make_board(folder: Path) -> tuple[list[str], str]:
    """Put the example and umqtt2 into `folder`; give the command that runs it, and a line about it."""
    vm = fetch.vm32()
    known = probe(vm)
    if not known:
        raise ToolError(f"demo: {vm} does not run any more; run `make clean`, then `make demo`")
    shutil.copy(PROGRAM, folder)
    install("simple", folder / "lib")
    heap = HEAP_KB * (known.bits // 32)
    title = f"MicroPython {known.version[0]}.{known.version[1]}, {known.bits}-bit, {heap} KB heap"
    return [str(vm), "-X", f"heapsize={heap}k", PROGRAM.name], title


def address(text: str, default_port: int) -> tuple[str, int]:
    """Split host:port, host, [IPv6 address]:port or [IPv6 address]."""
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname and not parts.path and not set(text) & set("@ ?#"):
            return parts.hostname, parts.port or default_port
    except ValueError:
        pass
    raise ToolError(f"demo: BROKER={text} is not an address; write host:port, like BROKER=localhost:1883")


def authority(path: Path) -> bytes:
    """Read the one certificate in a file, PEM or DER, as DER: a device reads nothing else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ToolError(f"demo: CAFILE={path} cannot be read: {error.strerror}") from None
    try:
        if b"-----BEGIN" in data:
            data = ssl.PEM_cert_to_DER_cert(data[data.index(b"-----BEGIN") :].decode().strip())
        ssl.create_default_context(cadata=data or b"nothing")
    except (ValueError, ssl.SSLError):
        raise ToolError(f"demo: CAFILE={path} is not one certificate, PEM or DER") from None
    return data


def shown(host: str, port: int) -> str:
    """The address as the user writes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
