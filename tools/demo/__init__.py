"""The demo: a MicroPython VM talks TLS to a real broker, and both sides are shown live.

`python -m tools.demo` runs it, `--help` says with what options. One file a purpose: `options`,
`certificates`, `board` (the device's files), `processes`, `broker`, `device`, `laptop`, `view`,
`counts` (what happened, and whether that was right), `show` (all of it together).
"""

import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, an end asked for, a closed terminal
