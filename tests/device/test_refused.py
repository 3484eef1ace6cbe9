"""A subscription that the broker refuses is a status, and the connection stays open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator

import pytest

from tests.device.device import Device
from tools import fetch
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.observer import Observer

DELIVERED, SFAILED = 1, 3
PLUGIN = "mosquitto_dynamic_security.so"
LISTENERS = [Listener("anonymous"), Listener("tls", "server")]


def find_plugin() -> Path | None:
    """The plugin that comes with mosquitto; its plain access list cannot refuse a subscription."""
    program = fetch.mosquitto()
    roots = [program.parent / "root"] if (program.parent / "root").is_dir() else []
    for root in [*roots, Path("/usr/lib"), Path("/usr/local/lib")]:
        found = next(root.rglob(PLUGIN), None)
        if found:
            return found
    return None


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    """A broker that refuses subscriptions to topics that end in `forbidden`."""
    plugin = find_plugin()
    if not plugin:
        pytest.skip(f"this mosquitto comes without {PLUGIN}")
    folder = tmp_path_factory.mktemp("guarded")
    rights = ("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe")
    forbidden = {"acltype": "subscribePattern", "topic": "umqtt2/+/forbidden", "allow": False}
    denied = {"acltype": "publishClientSend", "topic": "umqtt2/+/denied", "allow": False}
    rules = {
        "defaultACLAccess": dict.fromkeys(rights, True),
        "anonymousGroup": "all",
        "groups": [{"groupname": "all", "roles": [{"rolename": "all"}]}],
        "roles": [{"rolename": "all", "acls": [forbidden, denied]}],
    }
    (folder / "rules.json").write_text(json.dumps(rules))
    lines = [f"plugin {plugin}", f"plugin_opt_config_file {folder / 'rules.json'}"]
    with Mosquitto(folder, certificates, LISTENERS, lines) as mosquitto:
        yield mosquitto


@pytest.mark.parametrize("listener", [item.name for item in LISTENERS])
def test_refused_subscription(device: Device, guarded: Mosquitto, listener: str) -> None:
    with Observer(hostname="127.0.0.1", port=guarded.port("anonymous")) as observer:
        with device.run("refused", client=guarded.settings(listener)) as run:
            assert run.event("subscribed") == {"refused": SFAILED, "granted": DELIVERED}
            observer.publish(device.topic("down"), b"still there", qos=1)
            assert run.event("got")["messages"] == [["down", "still there", False]]
            run.done()


@pytest.mark.parametrize("tree", ["source", "simple5"], indirect=True)
def test_who_is_told_of_a_refused_message_may_leave_and_connect_again(device: Device, guarded: Mosquitto) -> None:
    with device.run("refused_v5", client=guarded.settings("anonymous")) as run:
        assert run.event("seen") == {"statuses": [SFAILED] * 3}
        device.finish(run)
