"""`make chaos`: inject faults into the connection, the broker and the device, and check every message.

The exit status is 1 when a message was lost, doubled at QoS 2, or out of order; the name of each such schedule
is printed. `python -m tests.faults random --n 1 --seed SEED` repeats one.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos import Chaos
from tests.faults.device import FIVE_HEAP, HEAPS, lay_out
from tests.faults.pool import DEVICES, Totals
from tools import errors

ASYNCIO = "asyncio"  # a part of its own
ASYNCIO_TREE = "aio"
ASYNCIO_HEAP = 84  # KB, for the sources
FIVE = "version5"  # parts of their own, with the sources


def main() -> None:
    """Run all parts and print their results."""
    parser = argparse.ArgumentParser("python -m tests.faults", description="Inject faults, and check every message.")
    parser.add_argument("--n", type=int, default=1000, help="random schedules of network faults")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of the first of them")
    parser.add_argument("--devices", type=int, default=DEVICES, help="devices at a time")
    parser.add_argument("--tree", choices=HEAPS, default="full", help="build of the package")
    parser.add_argument("parts", nargs="*", help="names of the parts to run; all if none is given")
    options = parser.parse_args()
    print(f"SEED={options.seed} N={options.n}, {options.devices} devices at a time", flush=True)
    with tempfile.TemporaryDirectory(prefix="umqtt2-chaos-") as folder:
        make_device = lay_out(Path(folder) / "tree", options.tree)
        chaos = Chaos(Path(folder), make_device, options.devices)
        whole = Totals()
        for name, (title, run) in chaos.parts(options.seed, options.n).items():
            if not options.parts or name in options.parts:
                totals = asyncio.run(run())
                print("", f"{name}: {title}", *totals.lines(), sep="\n", flush=True)
                whole += totals
        if not options.parts or ASYNCIO in options.parts:
            # The build that is for it, in the place of the usual one.
            tree = ASYNCIO_TREE if options.tree == "full" else options.tree
            make_device = lay_out(Path(folder) / "larger", tree, ASYNCIO_HEAP if tree == "source" else 0)
            chaos = Chaos(Path(folder) / ASYNCIO, make_device, options.devices)
            n = max(1, options.n * 7 // 10)
            totals = asyncio.run(chaos.random(range(options.seed, options.seed + n), asyncio=True))
            print("", f"{ASYNCIO}: umqtt2.aio, network faults at random", *totals.lines(), sep="\n", flush=True)
            whole += totals
        if not options.parts or any(part.startswith(FIVE) for part in options.parts):
            tree = "cpython" if options.tree == "cpython" else "source"
            make_device = lay_out(Path(folder) / "five", tree, FIVE_HEAP)
            chaos = Chaos(Path(folder) / FIVE, make_device, options.devices)
            for name, (title, run) in chaos.parts_of_version_5(options.seed, options.n).items():
                if not options.parts or name in options.parts:
                    totals = asyncio.run(run())
                    print("", f"{name}: {title}", *totals.lines(), sep="\n", flush=True)
                    whole += totals
    print("", "total", *whole.lines(), sep="\n")
    if whole.failures:
        sys.exit(1)


if __name__ == "__main__":
    errors.run_main(main)
