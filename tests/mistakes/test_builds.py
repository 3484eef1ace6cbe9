"""What is said of a part that a build does not have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mistakes.conftest import run
from tools.paths import REPO

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
