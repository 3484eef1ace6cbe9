"""The demo, `python -m tools.demo`: a MicroPython VM (`board`) talks TLS to a real broker; `screen` shows it."""

import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, an end asked for, a closed terminal
