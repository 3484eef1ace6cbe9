"""`make chaos`: break the connection, the broker and the device in every way, and tell what was lost.

Ends with an error when a message was lost, came twice at QoS 2, or out of order; each such schedule is
named. `python -m tests.faults random --n 1 --seed SEED` plays that one again.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos import Chaos
from tests.faults.device import HEAPS, lay_out
from tests.faults.stage import LANES, Totals
from tools import missing


def main() -> None:
    """Play all parts and print what they came to."""
    parser = argparse.ArgumentParser(prog="chaos", description="Break everything, and tell what was lost.")
    parser.add_argument("--n", type=int, default=1000, help="random schedules of network faults")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of the first of them")
    parser.add_argument("--lanes", type=int, default=LANES, help="devices at a time")
    parser.add_argument("--tree", choices=HEAPS, default="full", help="which tree of the package")
    parser.add_argument("parts", nargs="*", help="the parts to play, by name; all if none is given")
    options = parser.parse_args()
    print(f"SEED={options.seed} N={options.n}, {options.lanes} devices at a time", flush=True)
    with tempfile.TemporaryDirectory(prefix="umqtt2-chaos-") as folder:
        make_device = lay_out(Path(folder) / "tree", options.tree)
        chaos = Chaos(Path(folder), make_device, options.lanes)
        whole = Totals()
        for name, (title, play) in chaos.parts(options.seed, options.n).items():
            if not options.parts or name in options.parts:
                totals = asyncio.run(play())
                print("", f"{name}: {title}", *totals.lines(), sep="\n", flush=True)
                whole += totals
    print("", "all of it", *whole.lines(), sep="\n")
    if whole.failures:
        sys.exit(1)


if __name__ == "__main__":
    missing.run(main)
