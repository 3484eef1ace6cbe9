"""`python -m umqtt2 pub|sub`, `micropython -m umqtt2 pub|sub`: see `umqtt2.cli`. Not for a board."""

import sys

from umqtt2.cli import main

if __name__ == "__main__":
    try:
        from micropython import kbd_intr

        kbd_intr(3)  # MicroPython started with -m would end at Ctrl-C without a DISCONNECT
    except ImportError:
        pass
    sys.exit(main(sys.argv[1:]))
