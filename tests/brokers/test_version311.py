"""MQTT 3.1.1 with brokers of several kinds, on CPython and on the 32-bit VM: the scenarios of programs/matrix.py.

A broker that does not do what the standard says is checked with paho: what both clients see alike is the broker's
doing, and all else is a failure. `make brokers` has all brokers; without --brokers, it is those of `make test`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.brokers.brokers311 import RULES
from tests.brokers.conftest import MACHINES, TABLE
from tests.brokers.machines import Cpython
from tools.testkit.broker import HOST
from tools.testkit.certificates import Certificates
from tools.testkit.other_brokers import PASSWORD, USER

# Each scenario, with the section of MQTT 3.1.1 that says what a broker has to do; "-" for what is not in it.
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
    "shared_subscription": "-",
    "subscriptions_50": "3.8.4",
    "unread_100_qos_1": "4.3.2",
    "unread_100_qos_2": "4.3.3",
    "websocket": "6",
    "tls": "-",
    "take_over": "3.1.4",
    "eager": "3.1.4",
}
# These take some seconds without using them: not in `make test`.
SLOW = ("payload_1_mb", "idle", "falls_silent", "shared_subscription")
# What a broker makes of it is up to the broker, and may differ each time.
NOT_IN_311 = {"shared_subscription"}
# What a broker does wrong, and not always in the same way.
UNSTABLE = {"amqtt": ("falls_silent", "take_over")}
NUMBERS = itertools.count(1)


@pytest.fixture
def scenarios(broker: Any, certificates: Certificates) -> Callable[[Any, str, list[str]], dict[str, str]]:
    """Run scenarios on a machine with a client, and return what the broker does in each."""

    def run(machine: Any, library: str, names: list[str]) -> dict[str, str]:
        config = {
            "prefix": f"t/{next(NUMBERS)}",
            "client": {"server": HOST, "port": broker.port, "user": USER, "password": PASSWORD},
            "ports": broker.ports,
            "path": broker.path,
            "library": library,
            "ca": certificates.der("ca"),
            "ca_pem": certificates.pem("ca"),
            "scenarios": [name if name in names else "" for name in SCENARIOS],
        }
        with machine.start("matrix", config) as running:
            found = [running.event("scenario", 300) for _ in names]
            running.done()
        assert [one["name"] for one in found] == names
        return {one["name"]: one["said"] for one in found}

    return run


@pytest.mark.parametrize("machine_name", MACHINES)
def test_scenarios(
    broker_name: str,
    machine_name: str,
    scenarios: Callable[[Any, str, list[str]], dict[str, str]],
    machines: Callable[[str], Any],
    request: pytest.FixtureRequest,
) -> None:
    everything = request.config.getoption("--brokers", None)
    names = [name for name in SCENARIOS if everything or name not in SLOW]
    ours = scenarios(machines(machine_name), "ours", names)
    other = [name for name in names if ours[name] != "yes"]
    theirs = scenarios(Cpython(), "theirs", other) if other else {}
    for name in names:
        section = SCENARIOS[name]
        said = ours[name]
        if name == "refused_subscription" and broker_name not in RULES:
            said = "no rule set"
        elif said not in ("yes", "not offered"):
            said += f" [{section}]" if section != "-" else ""
        TABLE.setdefault(name, {}).setdefault(broker_name, []).append(said)
    theirs.update({name: ours[name] for name in NOT_IN_311 & theirs.keys()})
    # A broker that falters does so in other ways each time.
    alone = {name: ours[name] for name in other if theirs[name] == "yes" or name not in UNSTABLE.get(broker_name, ())}
    assert alone == {name: theirs[name] for name in alone}, f"umqtt2 and paho with {broker_name}"
