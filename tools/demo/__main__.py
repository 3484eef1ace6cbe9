"""Run the demo: `python -m tools.demo --help`."""

from __future__ import annotations

import os
import signal
import sys

from tools.demo import SIGNALS

INTERRUPTED = 130  # the exit status that shells know


def end_at_once(*_: object) -> None:
    """End while there is nothing to clean up: an exception during the imports could get lost."""
    os.write(2, b"demo: interrupted\n")
    os._exit(INTERRUPTED)


def main() -> int:
    """Run the demo and give the exit status; an error is one line, without a traceback."""
    for number in SIGNALS:
        signal.signal(number, end_at_once)
    from tools.demo.run import parse, show
    from tools.errors import ToolError

    try:
        for number in SIGNALS:
            signal.signal(number, signal.default_int_handler)
        return show(parse())
    except ToolError as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:  # the reader has ended, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main())
