"""The error that tools report to the user in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable


class ToolError(RuntimeError):
    """The text is one line: what failed or is missing, and how to correct it."""


class Unsupported(ToolError):
    """This machine cannot have or run the program: to fetch it again is of no use."""


def run_main(main: Callable[[], None]) -> None:
    """Run the main function of a command line; a ToolError is printed as one line, without a traceback."""
    try:
        main()
    except ToolError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted")
