"""MQTT 3.1.1 with brokers of several kinds, on CPython and on the 32-bit VM: the scenarios of programs/matrix.py.

A broker that does not do what the standard says is checked with paho: what both clients see alike is the broker's
doing, and all else is a failure. `make brokers` has all brokers; without --brokers, it is those of `make test`.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.brokers.conftest import Tell
from tests.brokers.kinds import KINDS_311
from tests.brokers.machines import Cpython
from tools.testkit.broker import HOST
from tools.testkit.certificates import Certificates
from tools.testkit.other_brokers import PASSWORD, USER

# Each scenario, with the section of MQTT 3.1.1 that says what a broker has to do, if any.
SCENARIOS = {
    "session_present": "3.2.2.2",
    "absence_qos_1": "3.1.2.4",
    "absence_qos_2": "3.1.2.4",
    "wrong_password": "3.2.2.3",
    "last_will": "3.1.2.5",
    "no_will_after_disconnect": "3.14.4",
    "retained": "3.3.1.3",
    "qos_pairs": "4.3",
    "unsubscribe": "3.10.4",
    "refused_subscription": "3.9.3",
    "payload_7_kb": "3.3.3",
    "payload_1_mb": "3.3.3",
    "idle": "3.1.2.10",
    "keepalive_0": "3.1.2.10",
    "falls_silent": "3.1.2.10",
    "empty_identifier": "3.1.3.1",
    "utf8_topics": "4.7.3",
    "hash_and_dollar": "4.7.2",
    "shared_subscription": "",
    "subscriptions_50": "3.8.4",
    "unread_100_qos_1": "4.3.2",
    "unread_100_qos_2": "4.3.3",
    "websocket": "6",
    "tls": "",
    "take_over": "3.1.4",
    "eager": "3.1.4",
}
# These take some seconds without using them: not in `make test`.
SLOW = ("payload_1_mb", "idle", "falls_silent", "shared_subscription")
NOT_IN_311 = "shared_subscription"  # what a broker makes of it is up to the broker, and may differ each time
TIMES = 3  # that paho is tried
NUMBERS = itertools.count(1)


def test_scenarios(
    broker_name: str,
    broker: Any,
    machine: Any,
    certificates: Certificates,
    tell: Tell,
    request: pytest.FixtureRequest,
) -> None:
    def run(machine: Any, library: str, names: list[str]) -> dict[str, str]:
        """What the broker does in each of the scenarios with a client on a machine."""
        config = {
            "prefix": f"t/{next(NUMBERS)}",
            "client": {"server": HOST, "port": broker.port, "user": USER, "password": PASSWORD},
            "ports": broker.ports,
            "path": broker.path,
            "library": library,
            "ca": certificates.der("ca"),
            "ca_pem": certificates.pem("ca"),
            "scenarios": names,
        }
        with machine.start("matrix", config) as running:
            found = [running.event("scenario", 300) for _ in names]
            running.done()
        return {one["name"]: one["said"] for one in found}

    kind = KINDS_311[broker_name]
    everything = request.config.getoption("--brokers", None)
    ours = run(machine, "ours", [name for name in SCENARIOS if everything or name not in SLOW])
    # What is not as the standard says, and paho has not seen yet.
    left = [name for name in ours if ours[name] != "yes" and name != NOT_IN_311]
    theirs: dict[str, str] = {}
    for _ in range(TIMES):
        theirs.update(run(Cpython(), "theirs", left) if left else {})
        left = [name for name in left if theirs[name] != ours[name]]
    for name, said in ours.items():
        section = SCENARIOS[name]
        if name == "refused_subscription" and not kind.rules:
            said = "no rule set"
        elif said not in ("yes", "not offered") and section:
            said += f" [{section}]" + (f"; paho: {theirs[name]}" if name in left else "")
        tell("MQTT 3.1.1", name, said)
    # A broker that falters does so in other ways each time.
    alone = {name: (ours[name], theirs[name]) for name in left if name not in kind.unstable}
    assert not alone, f"umqtt2 and paho with {broker_name}"
