"""`io.BytesIO` as MicroPython has it, on CPython."""

from __future__ import annotations

import io


class BytesIO(io.BytesIO):
    def __init__(self, alloc_size: int) -> None:
        """alloc_size: bytes that it will hold."""
        super().__init__()

    def write(self, buf: bytearray, n: int) -> int:  # type: ignore[override]
        """Write the first `n` bytes of `buf`."""
        return super().write(memoryview(buf)[:n])
