"""`sub`: print the messages of topics."""

import select
import sys

from ..errno import SDELIVERED, SFAILED, MQTTException
from ..packets.filter import matches
from . import five
from .format import printed
from .link import Link
from .report import is_refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .format import Message
    from .report import Reporter

TIMED_OUT = 27  # mosquitto_sub's exit code
RECONNECT_MS = 1000  # between a lost connection and the next attempt


class Printer:
    """Writes messages to stdout, byte for byte.

    over  True when there is nothing more to print: there were enough messages, or stdout was closed
    """

    def __init__(self, options: "dict[str, Any]", reporter: "Reporter") -> "None":
        """options: what `umqtt2.cli.options.parse` returns."""
        self._options = options
        self._reporter = reporter
        self._end = b"" if "no-newline" in options else b"\n"
        # Unbuffered: CPython would report an error at exit for a buffer that nobody reads.
        out: "Any" = sys.stdout.buffer
        self._out = getattr(out, "raw", out)
        self._poll = watched(self._out)
        self._left: "int" = options.get("count", 0)
        self.over = False

    def message(self, message: "Message") -> "None":
        """Print a message, unless the options leave it out."""
        options = self._options
        if self.over or (message.retain and "no-retained" in options):
            return
        if "retained-only" in options and not message.retain:
            self.over = True
            return
        for one in options.get("filter-out", ()):
            if matches(one.encode(), message.topic):
                return
        self._write(self._text(message))
        self._left -= 1
        if not self._left:
            self.over = True

    def gone(self) -> "bool":
        """Return whether there is nothing more to print, or nobody left who reads it."""
        if self._poll and any(event[1] & (select.POLLERR | select.POLLHUP) for event in self._poll.poll(0)):
            self.over = True
        return self.over

    def _text(self, message: "Message") -> "bytes":
        options = self._options
        if "format" in options:
            try:
                return printed(options["format"], message) + self._end
            except ValueError as e:
                self._reporter.error("-F: %s" % e)
                return b""
        if "verbose" in options:
            return message.topic + b" " + (message.payload or b"(null)") + self._end
        return message.payload + self._end if message.payload else b""

    def _write(self, data: "bytes") -> "None":
        try:
            while data:
                data = data[self._out.write(data) or 0 :]
        except OSError:
            self.over = True


def watched(out: "Any") -> "Any":
    """Return a poll that tells when nobody reads what is written to a stream; None where there is none."""
    try:
        poll = select.poll()
        poll.register(out if sys.implementation.name != "cpython" else out.fileno(), 0)
        return poll
    except (OSError, ValueError, TypeError, AttributeError):  # not a stream of the system: in a test, or on Windows
        return None


def run(options: "dict[str, Any]", reporter: "Reporter") -> "int":
    """Print what the options ask for; return the exit code."""
    printer = Printer(options, reporter)
    came_up = False
    with Link(options, reporter, printer.message) as link:
        while True:
            try:
                link.connect()
                came_up = True
                return listen(link, options, printer, reporter)
            except (OSError, MQTTException) as e:
                if not came_up or is_refusal(e):
                    raise
                reporter.warn(reporter.failed(e) + "; connecting again")
            if not link.pause(RECONNECT_MS):
                return timed_out(reporter)


def listen(link: "Link", options: "dict[str, Any]", printer: "Printer", reporter: "Reporter") -> "int":
    """Subscribe, and print until it is time to end; return the exit code. Raises what a lost connection raises."""
    client = link.client
    wanted = five.subscription(options) if link.five else options["qos"]
    asked = {client.subscribe(topic, wanted): topic for topic in options["topic"]}
    others = [client.unsubscribe(topic) for topic in options.get("unsubscribe", ())]

    def answered() -> "bool":
        return all([pid in link.statuses for pid in list(asked) + others])

    in_time = link.until(lambda: printer.gone() or answered())
    refused = [pid for pid in asked if not is_granted(link, pid, asked[pid], options["qos"], reporter)]
    if len(refused) == len(asked):
        return 1
    if "exit-when-subscribed" not in options:
        in_time = in_time and link.until(printer.gone)
    return 0 if in_time else timed_out(reporter)


def is_granted(link: "Link", pid: "int", topic: "str", qos: "int", reporter: "Reporter") -> "bool":
    """Return whether a subscription was not refused, as far as is known, and say so if it was."""
    status = link.statuses.get(pid)
    if status == SDELIVERED and link.codes[pid] < qos:
        reporter.warn("%s: the broker grants QoS %d only" % (topic, link.codes[pid]))
    if status in (None, SDELIVERED):
        return True
    why = "refuses" if status == SFAILED else "does not answer"
    reporter.error("%s: the broker %s the subscription %s" % (topic, why, link.reasons.get(pid, "")))
    return False


def timed_out(reporter: "Reporter") -> "int":
    """Say that the time is over, and return the exit code for that."""
    reporter.say("Timed out")
    return TIMED_OUT
