"""Run the demo; the exit status is 0 when all worked."""

import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, an end asked for, a closed terminal
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until main(): an exception during the imports could get lost
for number in SIGNALS:
    signal.signal(number, signal.default_int_handler)

from tools.demo.run import main  # noqa: E402

raise SystemExit(main())
