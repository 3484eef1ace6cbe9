"""Processes that never outlive the demo."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

PATIENCE = 2  # seconds from asking a process to end to ending it


@asynccontextmanager
async def running(
    command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """Run a command, all its output in `stdout`, and end it with the block.

    It gets a session of its own: Ctrl-C reaches the demo alone, which then ends it in good order. Where
    the demo is killed and cannot do so, Linux does (setpriv is a part of every Debian).
    """
    setpriv = shutil.which("setpriv")
    guard = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
    process = await asyncio.create_subprocess_exec(
        *guard,
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        cwd=folder,
        env=env,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """Terminate a process; kill it if it does not end."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except asyncio.TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
