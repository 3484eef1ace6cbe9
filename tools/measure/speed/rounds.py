"""Measure everything: the clients take turns within each figure, and all figures are taken several times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import track

from tools.measure.broker import HOST, Broker
from tools.measure.speed.machines import ROOMY_KB, TASKS_KB, CPython, MicroPython
from tools.measure.speed.plan import ASYNCIO, FIGURES, MICROPYTHON, ONE_CORE, TASKS_ON_VM, WITH_HEAP

Speeds = dict[str, dict[str, dict[str, list[float]]]]


def speeds(vm: MicroPython, broker: Broker, rounds: int, seconds: float) -> Speeds:
    """Messages per second: by machine, measure and client, one sample for each round."""
    figures = [item for item in FIGURES if item.measure != ONE_CORE or hasattr(os, "sched_setaffinity")]
    steps = [
        (figure, client)
        for i in range(rounds)
        for figure in figures
        if not (i and figure.once)
        for client in figure.clients
    ]
    found: Speeds = {}
    for figure, client in track(steps, "measuring", transient=True):
        with _core(broker, figure.measure == ONE_CORE) as core:
            loop = figure.loop or figure.measure
            program = "async_speed" if figure.machine in (ASYNCIO, TASKS_ON_VM) else "speed"
            work = (program, client, loop, HOST, broker.port, seconds)
            if figure.machine in (MICROPYTHON, TASKS_ON_VM):
                sample = vm.run(*work, core=core, heap_kb=TASKS_KB if figure.machine == TASKS_ON_VM else 0)
            else:
                sample = CPython().run(*work, core=core)
        kept = found.setdefault(figure.machine, {}).setdefault(figure.measure, {}).setdefault(client, [])
        kept.append(round(1e6 * sample["count"] / sample["us"], 3))
    return found


def exact(vm: MicroPython, broker: Broker, program: str) -> dict[str, dict[str, float]]:
    """Exact figures by client: `heap` or `writes`."""
    return {client: vm.run(program, client, HOST, broker.port, heap_kb=ROOMY_KB) for client in WITH_HEAP}


@contextmanager
def _core(broker: Broker, wanted: bool) -> Iterator[int | None]:
    """Keep the broker on one core for the time of the block, and give which one; None leaves it free."""
    if not wanted:
        yield None
        return
    free = os.sched_getaffinity(broker.pid)
    core = max(free)
    os.sched_setaffinity(broker.pid, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(broker.pid, free)
