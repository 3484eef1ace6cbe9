"""The demo's own broker: mosquitto with TLS on 127.0.0.1."""

from __future__ import annotations

import os
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from pathlib import Path

from tools.demo.certificates import Certificates
from tools.demo.processes import running
from tools.errors import ToolError
from tools.ports import free_port

ATTEMPTS = 5  # another program may take the free port first

CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
certfile {server}
keyfile {key}
persistence false
log_dest stderr
"""


async def start_broker(stack: AsyncExitStack, program: Path, folder: Path, certificates: Certificates) -> int:
    """Start mosquitto, to be ended with `stack`; give the port that it listens on."""
    log: list[str] = []
    for _ in range(ATTEMPTS):
        port = free_port()
        text = CONFIG.format(port=port, server=certificates.server, key=certificates.key)
        if os.geteuid() == 0:
            text += "user root\n"  # it would become another user, who may not read the demo's files
        config = folder / "mosquitto.conf"
        config.write_text(text)
        process = await stack.enter_async_context(running([str(program), "-c", str(config)], folder))
        log = []
        if await _is_up(process, log):
            return port
    raise ToolError("demo: mosquitto does not start: " + (log[-1] if log else "it says nothing"))


async def _is_up(process: Process, log: list[str]) -> bool:
    """Wait until mosquitto listens (True) or has ended (False)."""
    assert process.stdout
    async for line in process.stdout:
        text = line.decode(errors="replace").strip()
        if text.endswith(" running"):
            return True
        log.append(text)
    await process.wait()
    return False
