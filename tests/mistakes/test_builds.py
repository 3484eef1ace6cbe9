"""What is said of a part that a build does not have."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import umqtt2
from tests.mistakes.conftest import run
from tools.device import PROFILES
from tools.paths import REPO
from tools.testkit.ports import free_port

TROUBLESHOOTING = REPO / "docs" / "troubleshooting.md"
TLS = 'from umqtt2 import MQTTClient\nMQTTClient("id", "localhost", ssl=True).connect()'


@pytest.mark.parametrize(
    "tree, program, words",
    [
        ("simple", "from umqtt2.robust import MQTTClient", "no module named 'umqtt2.robust'"),
        ("core", TLS, "this build of umqtt2 has no "),
    ],
)
def test_what_a_build_leaves_out_is_in_troubleshooting(
    tree: str, program: str, words: str, trees: Callable[[str], Path]
) -> None:
    assert words in run(trees(tree), program).splitlines()[-1]
    assert words in TROUBLESHOOTING.read_text(encoding="utf-8")


# What a reader of a traceback would take for Python's own.
MISLEADING = {name for kind in (builtins, str, list, dict) for name in dir(kind) if name not in dir(object)}

NAMES = """
import umqtt2, umqtt2.aio, umqtt2.robust, umqtt2.v5
from umqtt2.session.file import FileSession
from umqtt2.transport.tls import TLSTransport
for module in (umqtt2, umqtt2.aio, umqtt2.robust):
    print(module.MQTTClient.__name__)
print(umqtt2.MQTTException.__name__, umqtt2.v5.V5.__name__, FileSession.__name__, TLSTransport.__name__)
"""


def test_public_classes_keep_their_names(trees: Callable[[str], Path]) -> None:
    names = "MQTTClient\nMQTTClient\nMQTTClient\nMQTTException V5 FileSession TLSTransport\n"
    assert run(trees("full"), NAMES) == names


TRACEBACKS = """
import asyncio, sys
from umqtt2%s import MQTTClient
client = MQTTClient("id", "localhost", %d)
def run(call, *args):
    try:
        result = call(*args)
        if hasattr(result, "send"):
            asyncio.run(result)
    except Exception as e:
        sys.print_exception(e, sys.stdout)
run(client.connect)
run(client.publish, "a/#", "x")
run(client.subscribe, "a", 3)
"""
# Where each of them ends.
ENDS = {
    "simple": ("transport/tcp.py", "__init__.py", "__init__.py"),
    "full": ("transport/tcp.py", "__init__.py", "__init__.py"),
    "aio": ("open.py", "aio.py", "aio.py"),  # see `once` in docs/design.md
}
LINE = re.compile(r'  File "(.+)", line \d+, in (.+)')


@pytest.mark.parametrize("tree, module", [("simple", ""), ("full", ".aio"), ("aio", ".aio")])
def test_tracebacks_name_the_package(tree: str, module: str, trees: Callable[[str], Path]) -> None:
    output = run(trees(tree), TRACEBACKS % (module, free_port()))
    found = [LINE.findall(part) for part in output.split("Traceback")[1:]]
    assert [lines[-1][0] for lines in found] == [f"umqtt2/{file}" for file in ENDS[tree]], output
    own = {name for lines in found for file, name in lines if file.startswith("umqtt2/")}
    assert "publish" in own and not own & MISLEADING, output


@pytest.mark.parametrize("tree", PROFILES)
def test_every_build_says_its_version(tree: str, trees: Callable[[str], Path]) -> None:
    assert run(trees(tree), "import umqtt2\nprint(umqtt2.__version__)") == f"{umqtt2.__version__}\n"
