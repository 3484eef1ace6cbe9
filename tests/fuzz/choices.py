"""Decisions of a fuzzer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Reads a fuzzer's bytes as decisions; when there are no more, each is the first of its kind.

    The same bytes are the same decisions wherever they are read, with atheris or without.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Return whether there is anything left to decide."""
        return self._at < len(self._data)

    def number(self, below: int = 256) -> int:
        """Return a number from 0 on, from one byte or, beyond 256, from two."""
        return int.from_bytes(self.take(1 if below <= 256 else 2), "big") % below

    def flag(self) -> bool:
        return bool(self.number() & 1)

    def one(self, of: Sequence[T]) -> T:
        return of[self.number(len(of))]

    def take(self, n: int) -> bytes:
        """Return `n` bytes as they are, or as many as there are."""
        data = self._data[self._at : self._at + n]
        self._at += n
        return data

    def rest(self) -> bytes:
        return self.take(len(self._data))
