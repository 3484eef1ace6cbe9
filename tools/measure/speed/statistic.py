"""Summaries of samples: the median, the lowest and the highest."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """Median, lowest and highest of some samples."""

    median: float
    low: float
    high: float


def spread(samples: Sequence[float]) -> Spread:
    """Sum up samples."""
    return Spread(median(samples), min(samples), max(samples))


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Sum up the ratios of samples that were taken in the same round, one after the other."""
    return spread([a / b for a, b in zip(above, below)])
