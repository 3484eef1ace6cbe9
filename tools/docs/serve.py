"""Serve the site on this machine alone, at a free port, until Ctrl-C: `python -m tools.docs.serve [FOLDER]`."""

from __future__ import annotations

import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tools.paths import BUILD


class Quiet(SimpleHTTPRequestHandler):
    """Does not print each request."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    """Print the address, and serve."""
    folder = sys.argv[1] if len(sys.argv) > 1 else str(BUILD / "site")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        print(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
