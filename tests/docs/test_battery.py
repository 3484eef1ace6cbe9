"""What docs/battery.md and docs/tls.md say of TLS in MicroPython."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import fetch
from tools.testkit import vm

PROGRAM = """
import tls
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
print([name for name in dir(tls) + dir(context) if "session" in name.lower() or "ticket" in name.lower()])
try:
    context.wrap_socket(None, session=None)
except TypeError as e:
    print(e)
"""


@pytest.mark.parametrize("program", [fetch.vm32, fetch.vm_newest])
def test_a_session_cannot_be_resumed(program: Callable[[], Path], tmp_path: Path) -> None:
    # When this fails the pages are out of date, and TLSTransport can save a part of each handshake.
    done = vm.run(program(), tmp_path, 100, "-c", PROGRAM)
    assert done.stdout == "[]\nextra keyword arguments given\n"
