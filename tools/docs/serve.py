"""Serve the site on this machine alone, at a free port, until Ctrl-C: `python -m tools.docs.serve [FOLDER]`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tools.paths import BUILD
from tools.testkit.web import served


def main() -> None:
    """Print the address, and serve."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUILD / "site"
    try:
        with served(folder) as address:
            print(f"{address}/  (Ctrl-C ends it)", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
