"""What the commands say about what goes wrong: a line on stderr that names what failed."""

import os
import sys
from errno import errorcode

from .. import errno
from ..errno import MQTTException
from ..texts import ERRORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REASONS = {
    "ENOENT": "no such file",
    "EACCES": "permission denied",
    "EISDIR": "is a directory",
    "ECONNREFUSED": "connection refused",
    "ECONNRESET": "connection reset; one side may expect TLS and the other does not",
    "EHOSTUNREACH": "host unreachable",
    "ENETUNREACH": "network unreachable",
    "ETIMEDOUT": "no answer",
    "EPIPE": "connection lost",
}
UNKNOWN_NAME = (-2, -3, -5)  # getaddrinfo: no such name, no name server, no address
NAME_NOT_FOUND = "name not found"
REFUSAL = 128  # the first reason code of MQTT 5 that refuses


class Reporter:
    """Prints lines on stderr, unless it is to be quiet.

    server  what they are about: host and port
    """

    def __init__(self, options: "dict[str, Any]") -> "None":
        """options: what `umqtt2.cli.options.parse` returns, or part of it."""
        self._quiet = "quiet" in options
        host = options.get("host", "")
        self.server = "%s:%s" % ("[%s]" % host if ":" in host else host, options.get("port"))

    def warn(self, text: "str") -> "None":
        """Print a line about something that does not end the command."""
        self._print("Warning: " + text)

    def error(self, text: "str") -> "int":
        """Print why the command ends, and return its exit code, 1."""
        self._print("Error: " + text)
        return 1

    def say(self, text: "str") -> "None":
        """Print a line as it is."""
        self._print(text)

    def failed(self, error: "OSError | MQTTException") -> "str":
        """Return what has happened to the connection."""
        if isinstance(error, OSError):
            return "%s: %s" % (self.server, reason(error))
        code = error.args[1] if len(error.args) > 1 else 0
        detail = " (reason code 0x%02x)" % code if isinstance(code, int) and code >= REFUSAL else ""
        return "%s: %s%s" % (self.server, in_words(error), detail)

    def _print(self, text: "str") -> "None":
        if not self._quiet:
            show(" ".join(text.split()), sys.stderr)


def show(text: "str", out: "Any") -> "None":
    """Print a line on stdout or stderr; nothing where nobody reads that any more, as behind `| head -1`."""
    try:
        print(text, file=out)
        if hasattr(out, "flush"):
            out.flush()
    except OSError:
        if sys.implementation.name == "cpython":
            # What is left in its buffer would be written when the program ends, and fail once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


def in_words(error: "MQTTException") -> "str":
    """Return what an exception means, without the advice for programs."""
    words = ERRORS.get(error.args[0], "").partition(": ")[2].partition(";")[0]
    return words or str(error)


def exit_code(error: "OSError | MQTTException") -> "int":
    """Return the code that a CONNACK refuses the connection with; 1 for all else."""
    if not is_refusal(error):
        return 1
    code = error.args[1] if len(error.args) > 1 else 0
    return code if isinstance(code, int) and code >= REFUSAL else error.args[0] - errno.ECONUNKNOWN or 1


def is_refusal(error: "OSError | MQTTException") -> "bool":
    """Return whether the broker has said that it does not let this client in."""
    return isinstance(error, MQTTException) and errno.ECONUNKNOWN <= error.args[0] <= errno.ECONAUTH


def reason(error: "OSError") -> "str":
    """Return the text of an OSError, or the name of its number."""
    number = error.args[0] if error.args else 0
    name = errorcode.get(number, "")
    if name and not hasattr(error, "library"):  # CPython numbers the errors of TLS otherwise
        return REASONS.get(name, name)
    text = str(error.args[1] if len(error.args) > 1 else number or "failed")
    if number in UNKNOWN_NAME or text.startswith((NAME_NOT_FOUND, "[addrinfo error")):
        return NAME_NOT_FOUND
    if text.startswith("EOF occurred"):  # CPython's name for a connection that is closed amid the handshake of TLS
        return REASONS["ECONNRESET"]
    return text.partition(" (_ssl.c")[0]
