"""A RabbitMQ on 127.0.0.1, with its plugins for MQTT."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tools import erlang, fetch
from tools.testkit.broker import HOST, Broker

ANYBODY = "anybody"  # the user that a client without a name is
PLUGINS = ("rabbitmq_mqtt", "rabbitmq_web_mqtt")
MAY_ALL = {"configure": ".*", "write": ".*", "read": ".*"}


class RabbitMQ(Broker):
    """See Broker. A node of its own, with its own register of nodes (epmd): it touches no other on this machine.

    ports  of its other listeners: "ws", WebSocket, and "tls" where it has a certificate
    path   of the WebSocket's URL
    """

    name = "rabbitmq"
    path = "/ws"
    seconds = 180
    ready = "Server startup complete"  # it listens before it knows its users

    def __init__(
        self,
        folder: Path,
        *settings: str,
        users: Mapping[str, str] | None = None,
        writes: Mapping[str, str] | None = None,
        certificates: Callable[[str], str] | None = None,
    ) -> None:
        """
        folder        for its files; made if need be
        settings      lines of rabbitmq.conf, besides the listeners
        users         passwords by name
        writes        for some of them: a regular expression of the topics that they may publish to, with dots for
                      slashes
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
        self._users = {ANYBODY: "", **(users or {})}
        self._writes = writes or {}
        self._epmd: subprocess.Popen[bytes] | None = None
        self._epmd_port, self._node_port = self._reserve(), self._reserve()

    def start(self) -> None:
        """Start it, and the register of nodes that it needs."""
        if not self._epmd:
            program = erlang.program(fetch.rabbitmq().parent / "root", "epmd")
            self._epmd = subprocess.Popen(
                [str(program), "-port", str(self._epmd_port), "-address", HOST],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        super().start()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        if self._epmd:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

    def _prepare(self) -> None:
        lines = [
            "listeners.tcp = none",
            f"mqtt.listeners.tcp.1 = {HOST}:{self.port}",
            f"anonymous_login_user = {ANYBODY}",
            "anonymous_login_pass = " + self._password(ANYBODY),
            "log.console = true",
            "log.file = false",
            f"load_definitions = {self._folder / 'definitions.json'}",
            *self._settings,
        ]
        (self._folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (self._folder / "plugins").write_text(f"[{','.join(PLUGINS)}].\n")
        (self._folder / "definitions.json").write_text(json.dumps(self._definitions()))

    def _definitions(self) -> dict[str, object]:
        permission = {"vhost": "/", **MAY_ALL}
        topics = {"vhost": "/", "exchange": "amq.topic", "read": ".*"}
        return {
            "vhosts": [{"name": "/"}],
            "users": [
                {
                    "name": user,
                    "password_hash": hashed(self._password(user)),
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                    "tags": [],
                }
                for user in self._users
            ],
            "permissions": [{"user": user, **permission} for user in self._users],
            "topic_permissions": [{"user": user, "write": wanted, **topics} for user, wanted in self._writes.items()],
        }

    def _password(self, user: str) -> str:
        return self._users[user] or user

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


def hashed(password: str) -> str:
    """A password as RabbitMQ's definitions have it."""
    salt = os.urandom(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
