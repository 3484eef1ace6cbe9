"""Publish and subscribe from a shell, with the options and the exit codes of mosquitto_pub and mosquitto_sub.

Exit codes: 0; 1 for what goes wrong, with a line on stderr; what CONNACK says (1 to 5) when the broker
refuses the connection; 27 when `sub -W` has waited long enough. Not for a board.
"""

import sys
from errno import errorcode

from .. import errno
from ..errno import MQTTException
from . import pub, sub
from .options import parse, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMANDS = {"pub": pub.run, "sub": sub.run}
INTERRUPTED = {"pub": 130, "sub": 0}  # Ctrl-C is the normal way to stop `sub`

TEXTS = {
    errno.ECONCLOSE: "the broker has closed the connection",
    errno.ERESPONSE: "the broker breaks MQTT",
    errno.EKEEPALIVE: "the broker is silent",
    errno.ECONUNKNOWN: "connection refused",
    errno.ECONPROTOCOL: "connection refused: unacceptable protocol version",
    errno.ECONREJECT: "connection refused: client identifier rejected",
    errno.ECONUNAVAIBLE: "connection refused: server unavailable",
    errno.ECONCREDENTIALS: "connection refused: bad user name or password",
    errno.ECONAUTH: "connection refused: not authorised",
    errno.ECONLENGTH: "this is no MQTT broker",
    errno.ELIMIT: "the broker does not take it",
    errno.ECONTIMEOUT: "the broker does not answer",
}


def main(arguments: "list[str]") -> "int":
    """Do what the arguments say, and return the exit code."""
    command = arguments[0] if arguments else ""
    if command not in COMMANDS:
        helped = command == "--help"
        print(usage(""), file=sys.stdout if helped else sys.stderr)
        return 0 if helped else 1
    options: "dict[str, Any]" = {}
    try:
        options = parse(command, arguments[1:])
        if "help" in options:
            print(usage(command))
            return 0
        return COMMANDS[command](options)
    except ValueError as e:
        return fail(str(e))
    except MQTTException as e:
        code = e.args[1] if len(e.args) > 1 else 0
        detail = " (reason code 0x%02x)" % code if isinstance(code, int) and code > 127 else ""
        fail(TEXTS.get(e.args[0], str(e)) + detail)
        refusal = e.args[0] - errno.ECONUNKNOWN
        return refusal if 0 < refusal <= errno.ECONAUTH - errno.ECONUNKNOWN else 1
    except OSError as e:
        return fail("%s: %s" % (options.get("host"), reason(e)))
    except KeyboardInterrupt:
        return INTERRUPTED[command]


def fail(text: "str") -> "int":
    """Print what went wrong, in one line, and return the exit code."""
    print("Error: " + " ".join(text.split()), file=sys.stderr)
    return 1


def reason(error: "OSError") -> "str":
    """Return the text of an OSError, or the name of its number."""
    if len(error.args) > 1:
        return str(error.args[1])
    return errorcode.get(error.args[0], str(error)) if error.args else "failed"
