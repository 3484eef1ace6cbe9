"""`pub`: publish a message, or many."""

import os
import select
import sys

from . import five
from .link import WAIT_MS, Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generator

    from .report import Reporter

AT_ONCE = 4096  # bytes to read from stdin


def run(options: "dict[str, Any]", reporter: "Reporter") -> "int":
    """Publish what the options say; return the exit code."""
    if "stdin-file" in options:
        options["message"] = sys.stdin.buffer.read()
        if not options["message"]:
            raise ValueError("-s: stdin is empty; -n publishes a message of no bytes")
    with Link(options, reporter) as link:
        link.connect()
        topic: "Any" = five.topic(options) if link.five else options["topic"][0]
        sent: "list[int]" = []  # packet identifiers that have yet to be acknowledged
        good = True

        def acknowledged(most: "int") -> "bool":
            # Wait until at most so many are left; return whether the broker has taken all the others.
            taken = True
            while len(sent) > most:
                link.until(lambda: sent[0] in link.statuses)
                taken = link.check_delivered(sent.pop(0)) and taken
            return taken

        for payload in lines(link) if "stdin-line" in options else repeated(options, link):
            # More in flight than the broker takes would be an error; with MQTT 5 it says how many.
            good = acknowledged(link.client.session.window - 1) and good
            pid = link.client.publish(topic, payload, "retain" in options, options["qos"])
            if pid:
                sent.append(pid)
        good = acknowledged(0) and good
    return 0 if good else 1


def repeated(options: "dict[str, Any]", link: "Link") -> "Generator[bytes, None, None]":
    """Give the message as often as the options say."""
    for i in range(options.get("repeat", 1)):
        if i and options.get("repeat-delay"):
            link.stay(int(options["repeat-delay"] * 1000))
        yield options.get("message", b"")


def lines(link: "Link") -> "Generator[bytes, None, None]":
    """Give each line of stdin when it has come, and keep the connection alive meanwhile."""
    if sys.implementation.name == "cpython":
        descriptor: "Any" = sys.stdin.fileno()
        size = AT_ONCE
    else:
        descriptor = sys.stdin
        size = 1  # its read() waits for as much as it is asked for
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    rest = b""
    while True:
        while not poll.poll(WAIT_MS):
            link.look()
        data = os.read(descriptor, size) if size > 1 else sys.stdin.buffer.read(size)
        if not data:
            break
        rest += data
        if b"\n" in data:
            *whole, rest = rest.split(b"\n")
            yield from whole
            link.look()
    if rest:
        yield rest
