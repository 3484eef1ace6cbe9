"""A time limit that does not swallow a cancellation, as `asyncio.wait_for` may do before Python 3.12."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def with_timeout(seconds: float, work: Coroutine[Any, Any, Any]) -> None:
    """Wait for something to be done; raise asyncio.TimeoutError when it takes longer."""
    task = asyncio.ensure_future(work)
    try:
        if not (await asyncio.wait([task], timeout=seconds))[0]:
            raise asyncio.TimeoutError
        task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
