"""MQTT 3.1.1 with brokers of several kinds, on CPython and on the 32-bit VM: the scenarios of scenarios.py.

A broker that does not do what the standard says is checked with paho: what both clients see alike is the broker's
doing, and all else is a failure. `make brokers` has all brokers; without --brokers, it is those of `make test`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.brokers.conftest import Tell
from tests.brokers.kinds import KINDS_311
from tests.brokers.machines import Machine
from tests.brokers.other_client import Paho311
from tests.brokers.remote import Remote
from tests.brokers.scenarios import SCENARIOS, SECTIONS, SLOW, World
from tools.testkit.broker import HOST
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import PASSWORD, USER

NOT_IN_311 = "shared_subscription"  # what a broker makes of it is up to the broker, and may differ each time
TIMES = 3  # that paho is tried
SECONDS = 20
NUMBERS = itertools.count(1)


def play(names: Iterable[str], make: Callable[..., Any]) -> dict[str, str]:
    """What the broker does in each of the scenarios. make: see World."""
    return {name: World(f"t/{next(NUMBERS)}", make).play(SCENARIOS[name]) for name in names}


def test_scenarios(
    broker_name: str,
    broker: Any,
    machine: Machine,
    certificates: Certificates,
    tell: Tell,
    request: pytest.FixtureRequest,
) -> None:
    def ours(number: int, prefix: str, client_id: str, over: str = "", **options: Any) -> Remote:
        options = {"keepalive": SECONDS, "message_timeout": SECONDS, **options}
        if over == "ws":
            options["websocket"] = (HOST, broker.ports["ws"], broker.path)
        if over == "tls":
            params = {"cadata": certificates.der("ca")}
            options.update(server="localhost", port=broker.ports["tls"], ssl=True, ssl_params=params)
        client = Remote(program.run, number)
        client.make(prefix=prefix, client_id=client_id, v5=False, **options)
        return client

    def theirs(number: int, *arguments: Any, **options: Any) -> Paho311:
        return Paho311(broker, certificates, *arguments, **options)

    config = {"prefix": "t", "client": {"server": HOST, "port": broker.port, "user": USER, "password": PASSWORD}}
    kind = KINDS_311[broker_name]
    everything = request.config.getoption("--brokers", None)
    with Remote(machine("remote", config)) as program:
        seen = play([name for name in SCENARIOS if everything or name not in SLOW], ours)
    # What is not as the standard says, and paho has not seen yet.
    left = [name for name in seen if seen[name] != "yes" and name != NOT_IN_311]
    with_paho: dict[str, str] = {}
    for _ in range(TIMES):
        with_paho.update(play(left, theirs))
        left = [name for name in left if with_paho[name] != seen[name]]
    for name, said in seen.items():
        section = SECTIONS[name]
        if name == "refused_subscription" and not kind.rules:
            said = "no rule set"
        elif said not in ("yes", "not offered") and section:
            said += f" [{section}]" + (f"; paho: {with_paho[name]}" if name in left else "")
        tell("MQTT 3.1.1", name, said)
    # A broker that falters does so in other ways each time.
    alone = {name: (seen[name], with_paho[name]) for name in left if name not in kind.unstable}
    assert not alone, f"umqtt2 and paho with {broker_name}"
