"""A board's `machine`, as far as the examples need it.

A pin is a file, pins/NUMBER, with its level as a digit. More digits are levels to come: each look at the pin
takes one, and the last one stays. What a board would do to an output, and what would end the
program, is told as an event.
"""

import io
import json
import select
import sys

STREAM_POLL = 3


def say(event, **facts):
    print(json.dumps({"event": event, "facts": facts}))


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 1

    def __init__(self, id, mode=IN, pull=None, value=None):
        self.id = id
        self.path = f"pins/{id}"
        if value is not None:
            self.value(value)

    def value(self, level=None):
        if level is None:
            with open(self.path) as file:
                levels = file.read()
            if len(levels) > 1:
                with open(self.path, "w") as file:
                    file.write(levels[1:])
            return int(levels[0])
        with open(self.path, "w") as file:
            file.write("1" if level else "0")
        say("pin", id=self.id, level=int(level))

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class ADC:
    """What it measures is in the file analog/NUMBER."""

    def __init__(self, pin):
        self.path = f"analog/{pin.id}"

    def read_u16(self):
        with open(self.path) as file:
            return int(file.read())


class UART(io.IOBase):
    """A line to what the file uart/ID names."""

    def __init__(self, id, baudrate=9600, **more):
        with open(f"uart/{id}") as file:
            self._line = open(file.read(), "r+b")
        self._poll = select.poll()
        self._poll.register(self._line)

    def ioctl(self, request, flags):
        if request != STREAM_POLL:
            return 0
        self._poll.modify(self._line, flags)
        ready = self._poll.poll(0)
        return ready[0][1] if ready else 0

    def any(self):
        return 1 if self.ioctl(STREAM_POLL, select.POLLIN) else 0

    def readinto(self, buf):
        return self._line.readinto(buf) if self.any() else None

    def read(self, n=128):
        return self._line.read(n) if self.any() else None

    def write(self, buf):
        return self._line.write(buf)


def deepsleep(milliseconds):
    say("deepsleep", ms=milliseconds)
    sys.exit()


def reset():
    say("reset")
    sys.exit()
