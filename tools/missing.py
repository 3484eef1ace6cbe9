"""The one error that tools raise when something the project needs cannot be had."""

from __future__ import annotations

import sys
from collections.abc import Callable


class Missing(RuntimeError):
    """One line: what is missing, and how to get it."""


def run(main: Callable[[], None]) -> None:
    """Run a command-line entry; what is missing is told in one line, without a traceback."""
    try:
        main()
    except Missing as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted")
