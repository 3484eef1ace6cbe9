"""What the demo can be told on its command line."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError

PLAIN_PORT, TLS_PORT = 1883, 8883


@dataclass(frozen=True)
class Options:
    """The command line, checked."""

    broker: tuple[str, int] | None  # None: the demo starts its own
    ca_file: Path | None
    seconds: float


def parse(arguments: list[str]) -> Options:
    """Check the command line; ToolError says what is wrong with it."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo",
        description="A MicroPython VM talks to a broker; both sides are shown live for about ten seconds.",
        epilog="`make demo BROKER=... CAFILE=...` sets the first two options.",
    )
    parser.add_argument(
        "--broker",
        metavar="HOST:PORT",
        default=os.environ.get("BROKER"),
        help="your own broker, which lets anyone in, instead of a throw-away one with TLS on 127.0.0.1;"
        f" by plain TCP (port {PLAIN_PORT} if you give none) unless there is a --cafile",
    )
    parser.add_argument(
        "--cafile",
        metavar="FILE",
        default=os.environ.get("CAFILE"),
        help="connect to your own broker with TLS, and verify it with this authority's certificate"
        f" (PEM or DER; port {TLS_PORT} if you give none)",
    )
    parser.add_argument("--seconds", type=_seconds, default=10, help="how long the device runs (default 10)")
    given = parser.parse_args(arguments)
    if given.cafile and not given.broker:
        raise ToolError("demo: CAFILE is for a broker of your own; give its address too, BROKER=host:port")
    return Options(
        broker=address(given.broker, TLS_PORT if given.cafile else PLAIN_PORT) if given.broker else None,
        ca_file=Path(given.cafile) if given.cafile else None,
        seconds=given.seconds,
    )


def address(text: str, default_port: int) -> tuple[str, int]:
    """Split host:port, host, [IPv6 address]:port or [IPv6 address]."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(default_port)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    is_host = bare and not set(bare) & set("[]/@ ") and (":" not in bare or bare != host)
    if not is_host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ToolError(f"demo: BROKER={text} is no address; write host:port, like BROKER=localhost:1883")
    return bare, int(port)


def _seconds(text: str) -> float:
    """The run time; with less than three seconds there is nothing to see."""
    value = float(text)
    if not 3 <= value <= 3600:
        raise argparse.ArgumentTypeError("must be between 3 and 3600")
    return value
