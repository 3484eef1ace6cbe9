"""`sub`: print the messages of topics."""

import sys

from ..errno import SDELIVERED, SFAILED
from . import five
from .link import Link, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TIMED_OUT = 27  # mosquitto_sub's exit code


class Printer:
    """Writes messages to stdout, byte for byte.

    count  messages so far
    gone   True when stdout was closed
    """

    def __init__(self, verbose: "bool", newline: "bool") -> "None":
        self._verbose = verbose
        self._end = b"\n" if newline else b""
        # Unbuffered: CPython would report an error at exit for a buffer that nobody reads.
        out: "Any" = sys.stdout.buffer
        self._out = getattr(out, "raw", out)
        self.count = 0
        self.gone = False

    def message(self, topic: "bytes", msg: "bytes", retained: "bool", dup: "bool") -> "None":
        """Print a message."""
        data = (topic + b" " if self._verbose else b"") + msg + self._end
        try:
            while data:
                data = data[self._out.write(data) or 0 :]
        except OSError:
            self.gone = True
        self.count += 1


def run(options: "dict[str, Any]") -> "int":
    """Print what the options ask for; return the exit code."""
    printer = Printer("verbose" in options, "no-newline" not in options)

    def over() -> "bool":
        return printer.gone or printer.count == options.get("count")

    with Link(options) as link:
        client = link.client
        client.set_callback(printer.message)
        client.connect()
        wanted = five.subscription(options) if link.five else options["qos"]
        asked = {client.subscribe(topic, wanted): topic for topic in options["topic"]}
        in_time = link.until(lambda: over() or all(pid in link.statuses for pid in asked))
        refused = 0
        for pid, topic in asked.items():
            status = link.statuses.get(pid)
            if status == SDELIVERED:
                if link.codes[pid] < options["qos"]:
                    warn("%s: the broker grants QoS %d only" % (topic, link.codes[pid]))
            elif status is not None:
                why = "refuses" if status == SFAILED else "does not answer"
                detail = link.reasons.get(pid, "")
                text = "Error: %s: the broker %s the subscription %s" % (topic, why, detail)
                print(text.rstrip(), file=sys.stderr)
                refused += 1
        if refused == len(asked):
            return 1
        in_time = in_time and link.until(over)
    if in_time:
        return 0
    print("Timed out", file=sys.stderr)
    return TIMED_OUT
