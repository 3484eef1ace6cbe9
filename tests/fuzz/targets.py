"""The fuzz targets: functions that take any bytes, and raise when an invariant is broken."""

from __future__ import annotations

from typing import Callable, NamedTuple

from tests.fuzz import client, decoder, decoder5, journal


class Target(NamedTuple):
    """run: takes a fuzzer's bytes; longest: how many of them at the most; share: of the time."""

    run: Callable[[bytes], None]
    longest: int
    share: float


TARGETS = {
    "decoder": Target(decoder.run, 1024, 0.1),
    "decoder5": Target(decoder5.run, 1024, 0.1),
    "client": Target(client.default, 512, 0.2),
    "memory": Target(client.memory, 512, 0.2),
    "robust": Target(client.resilient, 512, 0.2),
    "file": Target(client.file, 512, 0.1),
    "client5": Target(client.version5, 512, 0.2),
    "journal": Target(journal.run, 512, 0.2),
}
