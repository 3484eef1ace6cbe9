"""Publish and subscribe from a shell, with the options and the exit codes of mosquitto_pub and mosquitto_sub.

One file a purpose: `options` (all of them in one table), `five` (MQTT 5), `format` (`sub -F`), `link` (the client),
`pub`, `sub`, and `report` (what is said on stderr). Not for a board.

Exit codes: 0; 1 for what goes wrong, with a line on stderr; what CONNACK says (1 to 5, with MQTT 5 from 128 on)
when the broker refuses the connection; 27 when `sub -W` has waited long enough.
"""

import sys

from ..errno import MQTTException
from . import pub, sub
from .options import parse, usage
from .report import Reporter, exit_code, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMANDS = {"pub": pub.run, "sub": sub.run}
INTERRUPTED = {"pub": 130, "sub": 0}  # Ctrl-C is the normal way to stop `sub`


def main(arguments: "list[str]") -> "int":
    """Do what the arguments say, and return the exit code."""
    command = arguments[0] if arguments else ""
    if command not in COMMANDS:
        helped = command == "--help"
        show(usage(""), sys.stdout if helped else sys.stderr)
        return 0 if helped else 1
    reporter = Reporter({"quiet": True} if "--quiet" in arguments else {})
    try:
        options: "dict[str, Any]" = parse(command, arguments[1:])
        if "help" in options:
            show(usage(command), sys.stdout)
            return 0
        reporter = Reporter(options)
        return COMMANDS[command](options, reporter)
    except (ValueError, TypeError) as e:
        return reporter.error(str(e))
    except (MQTTException, OSError) as e:
        reporter.error(reporter.failed(e))
        return exit_code(e)
    except KeyboardInterrupt:
        return INTERRUPTED[command]
