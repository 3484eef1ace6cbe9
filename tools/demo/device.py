"""The device's side: the example runs on the VM, and its lines are shown."""

from __future__ import annotations

import asyncio
import os

from tools.demo.board import Board
from tools.demo.counts import Counts
from tools.demo.processes import running
from tools.demo.view import DEVICE, View

GRACE = 10  # seconds that the program may need beyond its time


async def run_device(board: Board, seconds: float, view: View, counts: Counts) -> None:
    """Switch the board on and follow it to its end."""
    env = {**os.environ, "MICROPYPATH": "lib"}
    async with running(board.command, board.folder, env) as process:
        assert process.stdout
        watchdog = asyncio.get_running_loop().call_later(seconds + GRACE, process.kill)
        try:
            async for line in process.stdout:
                text = line.decode(errors="replace").rstrip()
                if not counts.take_device_line(text):
                    view.say(DEVICE, text, strong=text.startswith("command"))
            await process.wait()
        finally:
            watchdog.cancel()
