"""`pub`: publish a message."""

import sys

from ..errno import ECONTIMEOUT, SDELIVERED, MQTTException
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
        pid = link.client.publish(options["topic"][0], payload, "retain" in options, options["qos"])
        if pid:
            link.until(lambda: pid in link.statuses)
            if link.statuses[pid] != SDELIVERED:
                raise MQTTException(ECONTIMEOUT)
    return 0
