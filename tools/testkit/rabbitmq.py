"""A RabbitMQ on 127.0.0.1, with its plugins for MQTT."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tools import erlang, fetch
from tools.testkit.broker import HOST, Broker
from tools.testkit.mosquitto import PASSWORD, USER
from tools.testkit.process import Process

ANYBODY = "anybody"  # the user that a client without a name is
READER = "reader"  # with its own name as its password; it may not publish
USERS = {ANYBODY: ANYBODY, USER: PASSWORD, READER: READER}
DEFINITIONS = {
    "vhosts": [{"name": "/"}],
    "users": [{"name": user, "password": password, "tags": []} for user, password in USERS.items()],
    "permissions": [{"user": user, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"} for user in USERS],
    "topic_permissions": [{"user": READER, "vhost": "/", "exchange": "amq.topic", "write": "^nothing$", "read": ".*"}],
}


class RabbitMQ(Broker):
    """See Broker. A node of its own, with its own register of nodes (epmd): it touches no other on this machine.

    ports  of its other listeners: "ws", WebSocket, and "tls" where it has a certificate
    path   of the WebSocket's URL
    """

    name = "rabbitmq"
    path = "/ws"
    seconds = 180
    ready = "Server startup complete"  # it listens before it knows its users

    def __init__(self, folder: Path, *settings: str, certificates: Callable[[str], str] | None = None) -> None:
        """
        folder        for its files; made if need be
        settings      lines of rabbitmq.conf, besides the listeners
        certificates  gives the file of a certificate in PEM, for a listener with TLS: "server", "server-key"
        """
        super().__init__(folder)
        self.ports = {"ws": self._reserve()}
        self._settings = [f"web_mqtt.tcp.ip = {HOST}", f"web_mqtt.tcp.port = {self.ports['ws']}", *settings]
        if certificates:
            self.ports["tls"] = self._reserve()
            self._settings += [
                f"mqtt.listeners.ssl.1 = {HOST}:{self.ports['tls']}",
                f"ssl_options.certfile = {certificates('server')}",
                f"ssl_options.keyfile = {certificates('server-key')}",
            ]
        self._epmd: Process | None = None
        self._epmd_port, self._node_port = self._reserve(), self._reserve()

    def start(self) -> None:
        """Start it, and the register of nodes that it needs."""
        if not self._epmd:
            program = erlang.program(fetch.rabbitmq().parent / "root", "epmd")
            self._epmd = Process([str(program), "-port", str(self._epmd_port), "-address", HOST])
        super().start()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        if self._epmd:
            self._epmd.kill()
            self._epmd = None

    def _prepare(self) -> None:
        lines = [
            "listeners.tcp = none",
            f"mqtt.listeners.tcp.1 = {HOST}:{self.port}",
            f"anonymous_login_user = {ANYBODY}",
            f"anonymous_login_pass = {ANYBODY}",
            f"load_definitions = {self._folder / 'definitions.json'}",
            *self._settings,
        ]
        (self._folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (self._folder / "plugins").write_text("[rabbitmq_mqtt,rabbitmq_web_mqtt].\n")
        (self._folder / "definitions.json").write_text(json.dumps(DEFINITIONS))

    def _command(self) -> tuple[list[str], dict[str, str]]:
        folder = str(self._folder)
        environment = {
            "HOME": folder,  # for the nodes' shared secret
            "ERL_CRASH_DUMP": f"{folder}/crash.dump",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_ALLOW_INPUT": "1",  # so that the script becomes the broker
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_NODENAME": f"umqtt2-{self.port}@localhost",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        return [str(fetch.rabbitmq()), "-noinput"], environment
