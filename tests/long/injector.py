"""Memory that runs out: MemoryError at every line of the package that may allocate, one line in each run."""

from __future__ import annotations

import linecache
import re
import sys
from pathlib import Path

import umqtt2

PACKAGE = Path(umqtt2.__file__).parent
# Functions that need no memory: they say so.
NO_MEMORY = {
    "close",
    "on_close",
    "enter",
    "reraise",
    "mark",
    "mark_received",
    "call",
    "tell_status",
    "_pop",
    "_answered",
    "_on_connection",
    "_on_status",
    "_next_in_line",
    "_release",
    "_end",
    "_wake",
    "_tell",
    "_run",  # what it calls may; `asyncio.sleep(0)` is made not to, and neither is `for _ in range()` in `_look`
    "_look",
    "_close",
    "_give_up",
    "_stop",
    "set_callback",
    "set_callback_status",
    "check_callback",
}
# Lines that need none: a jump, a call of one of those, a small number that is compared, an attribute or a name that
# gets what is there already.
QUIET = re.compile(
    r"\s*(finally|except|try|raise|else|pass|break|continue|\"|return( \w+)?$|"
    r"[\w.]+ = (False|None|True|0)$|\w+ = self\.\w+$|if (not )?(STORES|PLAIN)|if first & 0xF0 [!=]= PUBLISH:|"
    r".*(mark_received|_pop|tell_status|self\._stop|_give_up|self\.call)\(|self\.(close|_tell)\(\)$|"
    r"f = not PLAIN or self\.cbstat$|"
    r"handled = handled or|message = self\.messages\[-1\]|"
    r"self\._file = new|self\._generation = generation|self\.base = self\.end = |"
    r"(self\.connection\.cb(stat)?|self\._status) = f)"
)
COUNTS = {}  # (file, line): whether it may allocate


class Injector:
    """Raises MemoryError once, at one line of some files of the package, when it is reached for the n-th time.

    reached  how often each line was, of those that count: (file, line) to a number
    raised   whether it has
    """

    def __init__(self, names, at=None, n=1):
        self.files = {str(PACKAGE / name) for name in names}
        self.at = at
        self.n = n
        self.reached = {}
        self.raised = False

    def __enter__(self):
        self._before = sys.gettrace()  # that of a coverage measurement
        sys.settrace(self._call)
        return self

    def __exit__(self, *exc):
        sys.settrace(self._before)

    def _call(self, frame, event, arg):
        code = frame.f_code
        if code.co_filename not in self.files or code.co_name in NO_MEMORY:
            return None
        callers = (frame.f_back, frame.f_back and frame.f_back.f_back)
        if any(caller and "testing" in caller.f_code.co_filename for caller in callers):
            return None  # the broker's memory is its own
        return self._line

    def _line(self, frame, event, arg):
        if event != "line":
            return self._line
        place = (frame.f_code.co_filename, frame.f_lineno)
        if place not in COUNTS:
            COUNTS[place] = not QUIET.match(linecache.getline(*place))
        if COUNTS[place]:
            self.reached[place] = self.reached.get(place, 0) + 1
            if place == self.at and self.reached[place] == self.n:
                self.raised = True
                raise MemoryError("injected")
        return self._line


def run_out_at_every_line(names, make, times=2):
    """Run a program, without a fault and then with one at each line that it reaches, at the first `times` times;
    and check what has become of it. Returns how often MemoryError was raised, and what was wrong.

    names  of the files of the package where it may be raised
    make   makes a program: an object with `run` and `check`, which are called one after the other
    """
    with Injector(names) as injector:
        program = make()
        program.run()
    program.check()
    failures = []
    raised = 0
    for at in sorted(injector.reached):
        for n in range(1, min(injector.reached[at], times) + 1):
            try:
                with Injector(names, at, n) as one:
                    program = make()
                    program.run()
                raised += one.raised
                program.check()
            except Exception as e:
                line = linecache.getline(*at).strip()
                failures.append(f"{Path(at[0]).name}:{at[1]} ({n}) {line}: {type(e).__name__} {str(e)[:80]!r}")
    return raised, failures
