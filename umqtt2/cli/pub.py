"""`pub`: publish a message."""

import sys

from ..errno import ECONTIMEOUT, SDELIVERED, MQTTException
from . import five
from .link import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(options: "dict[str, Any]") -> "int":
    """Publish what the options say; return the exit code."""
    payload = options.get("message", b"")
    if "stdin-file" in options:
        payload = sys.stdin.buffer.read()
    with Link(options) as link:
        link.client.connect()
        topic: "Any" = five.topic(options) if link.five else options["topic"][0]
        pid = link.client.publish(topic, payload, "retain" in options, options["qos"])
        if pid:
            link.until(lambda: pid in link.statuses)
            if pid in link.reasons:
                print("Error: the broker refuses the message: " + link.reasons[pid], file=sys.stderr)
                return 1
            if link.statuses[pid] != SDELIVERED:
                raise MQTTException(ECONTIMEOUT)
    return 0
