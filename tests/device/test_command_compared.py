"""Each option of `python -m umqtt2` beside the same line for mosquitto_pub and mosquitto_sub: what is printed, the exit
code, what the broker's log says of the client, and what the broker's other clients get."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, NamedTuple

import pytest

from tools import fetch
from tools.errors import ToolError
from tools.paths import REPO
from tools.testkit.mosquitto import PASSWORD, USER, Mosquitto
from tools.testkit.observer import Message, Observer
from tools.testkit.ports import free_port
from tools.testkit.proxy import Proxy

SECONDS = 60
OURS, THEIRS = "u", "m"  # of the same length, for formats with a width
LIVE = (b"one", b"two")
KEPT = b"kept"


class Seen(NamedTuple):
    """What came of a command."""

    code: int
    out: bytes
    complains: bool  # something is on stderr
    connected: list[str]  # what the broker's log says: version, session, keepalive, user; the will; subscriptions
    messages: list[Message]  # what others got, for `pub`


class Side:
    """One of the two programs, with topics and client identifiers of its own."""

    def __init__(self, name: str, broker: Mosquitto, observer: Observer) -> None:
        self.name = name
        self.broker = broker
        self.observer = observer
        self.count = 0
        self.running: subprocess.Popen[bytes] | None = None

    def begin(self, *line: str, port: int | None = None) -> None:
        """Start a command; TOPIC, FILE, ... in it stand for this run's own."""
        self.count += 1
        self.id = f"{self.name}-{self.count}"
        self.topic = f"compared/{self.id}"
        if self.name == OURS:
            program = [sys.executable, "-m", "umqtt2", line[0]]
        else:
            program = [str(fetch.mosquitto_pub() if line[0] == "pub" else fetch.mosquitto_sub())]
        pem = self.broker.certificates.pem
        stands_for = {
            "TOPIC": self.topic,
            "ID": self.id,
            "CA": pem("ca"),
            "OTHER-CA": pem("other-ca"),
            "CERT": pem("client"),
            "KEY": pem("client-key"),
            "ANONYMOUS": str(port or self.broker.port("anonymous")),
            "PASSWORD": str(self.broker.port("password")),
            "TLS": str(self.broker.port("tls")),
            "TLS-CERT": str(self.broker.port("tls-client-cert")),
            "NOBODY": str(free_port()),
        }
        arguments = [self._own(word, stands_for) for word in line[1:]]
        if "-p" not in line and "-L" not in line:
            arguments += ["-p", stands_for["ANONYMOUS"]]
        if "-i" not in line and line[-1] != "-c":
            arguments += ["-i", self.id]
        pipe = subprocess.PIPE
        self.running = subprocess.Popen(program + arguments, cwd=REPO, stdin=pipe, stdout=pipe, stderr=pipe)

    def _own(self, word: str, stands_for: dict[str, str]) -> str:
        return re.sub(r"\{([A-Z-]+)\}", lambda match: stands_for[match[1]], word)

    def subscribed(self, topic: str, times: int = 1) -> None:
        """Wait until the broker has a subscription of the command."""
        end = time.monotonic() + SECONDS
        while len(self.broker.times(rf": {self.id} \d {re.escape(topic)}$")) < times:
            assert time.monotonic() < end
            time.sleep(0.02)

    def end(self, stdin: bytes = b"") -> Seen:
        """Wait for the end of the command, and give what came of it, in words that are the same for both."""
        assert self.running
        out, err = self.running.communicate(stdin, timeout=120)
        messages = []
        if self.running.returncode in (0, 27):
            assert self.broker.wait_for(f" as {self.id} ")
            assert self.broker.wait_for(f"Client {self.id} (disconnected|closed)")
            self.observer.publish(self.topic, b"end", 2)
            while self.observer_sees and (message := self.observer.next(self.topic)).payload != b"end":
                messages.append(message)
        lines = [line.partition(": ")[2] for _, line in self.broker.log]
        at = next((i for i, line in enumerate(lines) if f" as {self.id} " in line), None)
        connected = []
        if at is not None:
            connected = [lines[at].partition(f" as {self.id} ")[2]]
            connected += [line for line in lines[at + 1 : at + 3] if re.match(r"(No w|W)ill |\t", line)]
            connected += sorted(line for line in lines if re.match(rf"{self.id} \d ", line))
        return Seen(
            self.running.returncode,
            out.replace(self.topic.encode(), b"TOPIC"),
            bool(err),
            [line.replace(self.topic, "TOPIC").replace(self.id, "ID") for line in connected],
            messages,
        )

    observer_sees = False

    def watch(self) -> None:
        """Have the observer get what is published by the next command."""
        self.observer.subscribe(f"compared/{self.name}-{self.count + 1}", 2)
        self.observer_sees = True

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish to the next command, or to the one that runs."""
        self.observer.publish(topic, payload, 1, retain)

    def kill(self) -> None:
        """End what still runs."""
        if self.running and self.running.poll() is None:
            self.running.kill()
            self.running.communicate()


@pytest.fixture(scope="module")
def sides(broker: Mosquitto, observer: Observer) -> Iterator[list[Side]]:
    """Both programs. Skips where mosquitto's clients cannot be had."""
    try:
        fetch.mosquitto_pub()
    except ToolError as error:
        pytest.skip(f"without mosquitto's clients: {error}")
    made = [Side(name, broker, observer) for name in (OURS, THEIRS)]
    yield made
    for side in made:
        side.kill()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to publish."""
    path = tmp_path / "file"
    path.write_bytes(b"\0\n\xff")
    return path


PUB = [
    ("-m", "hello"),
    ("-m", ""),
    ("-m", "h\u00e9llo", "-q", "1"),
    ("-m", "hello", "-q", "2"),
    ("-n",),
    ("-m", "kept", "-r"),
    ("-f", "FILE", "-q", "1"),
    ("-f", "/no/such/file"),
    ("-s", "-q", "1"),
    ("-l", "-q", "2"),
    ("-l",),
    ("-m", "x", "--repeat", "3", "-q", "1"),
    ("-m", "x", "--repeat", "2", "--repeat-delay", "0.01"),
    ("-m", "x", "--repeat", "0"),
    ("-m", "x", "--repeat-delay", "-1"),
    ("-m", "x", "-c"),
    ("-m", "x", "-k", "33"),
    ("-m", "x", "-u", "someone"),
    ("-m", "x", "-p", "{PASSWORD}", "-u", USER, "-P", PASSWORD),
    ("-m", "x", "-p", "{PASSWORD}", "-u", USER, "-P", "wrong"),
    ("-m", "x", "-p", "{PASSWORD}", "-V", "5"),
    ("-m", "x", "-P", "no user"),
    ("-m", "x", "-V", "5", "-q", "1"),
    ("-m", "x", "-V", "mqttv311"),
    ("-m", "x", "-V", "4"),
    ("-m", "x", "-V", "5", "-D", "connect", "no-such-property", "1"),
    ("-m", "x", "--will-topic", "{TOPIC}/will"),
    ("-m", "x", "--will-topic", "{TOPIC}/will", "--will-payload", "gone", "--will-qos", "1", "--will-retain"),
    ("-m", "x", "--will-topic", "#"),
    ("-m", "x", "--will-payload", "gone"),
    ("-m", "x", "-q", "3"),
    ("-m", "x", "-p", "{NOBODY}"),
    ("-m", "x", "-p", "{NOBODY}", "--quiet"),
    ("-m", "x", "-h", "no-such.invalid"),
    ("-m", "x", "-n"),
    ("-m", "x", "--no-such-option"),
    ("-m",),
    (),
    ("-m", "x", "-p", "{TLS}", "-h", "localhost", "--cafile", "{CA}"),
    ("-m", "x", "-p", "{TLS-CERT}", "-h", "localhost", "--cafile", "{CA}", "--cert", "{CERT}", "--key", "{KEY}"),
    ("-m", "x", "-p", "{TLS}", "--cafile", "/no/such/file"),
    ("-m", "x", "-p", "{TLS}", "--cafile", "{CA}", "--cert", "{CERT}"),
]
STDIN = {"-s": b"\0\n\xff", "-l": b"one\n\ntwo\r\n"}


def line_id(value: object) -> str:
    """A readable test id."""
    return " ".join(value) or "nothing" if isinstance(value, tuple) else ""


@pytest.mark.parametrize("line", PUB, ids=line_id)
def test_pub(sides: list[Side], file: Path, line: tuple[str, ...]) -> None:
    seen = []
    for side in sides:
        side.watch()
        side.begin("pub", "-t", "{TOPIC}", *[word if word != "FILE" else str(file) for word in line])
        seen.append(side.end(STDIN.get(line[0], b"") if line else b""))
    ours, theirs = seen
    if not line:
        theirs = theirs._replace(out=b"")  # its whole help
    assert ours == theirs


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://localhost:{ANONYMOUS}/{TOPIC}",
        "mqtt://someone@localhost:{ANONYMOUS}/{TOPIC}",
        f"mqtt://{USER}:{PASSWORD}@localhost:{{PASSWORD}}/{{TOPIC}}",
        "http://localhost:{ANONYMOUS}/{TOPIC}",
        "mqtt://localhost:{ANONYMOUS}",
    ],
)
def test_a_url(sides: list[Side], url: str) -> None:
    seen = []
    for side in sides:
        side.watch()
        side.begin("pub", "-L", url, "-m", "x")
        seen.append(side.end())
    assert seen[0] == seen[1]


def test_a_retained_message_is_kept_and_deleted(sides: list[Side]) -> None:
    for side in sides:
        side.begin("pub", "-t", "{TOPIC}", "-m", "kept", "-r", "-q", "1")
        topic = side.topic
        side.running and side.running.communicate(timeout=120)
        side.observer.subscribe(topic)
        assert side.observer.next(topic) == Message(b"kept", 1, True)
        side.begin("pub", "-t", topic, "-n", "-r", "-q", "1")
        side.running and side.running.communicate(timeout=120)
        assert side.observer.next(topic) == Message(b"", 1, False)


# The options; how many of the live messages it gets is up to them. One was retained before.
SUB = [
    ("-C", "1"),
    ("-C", "3"),
    ("-C", "3", "-v"),
    ("-C", "3", "-N"),
    ("-C", "3", "-v", "-N"),
    ("-C", "3", "-q", "1"),
    ("-C", "3", "-q", "2"),
    ("-C", "2", "-R"),
    ("-C", "2", "-T", "{TOPIC}/+"),
    ("-C", "3", "-t", "{TOPIC}/other"),
    ("--retained-only", "-v"),
    ("--retained-only", "-R"),
    ("-E", "-R"),
    ("-E", "-R", "-i", "{ID}", "-c"),
    ("-E", "-c"),
    ("-E", "-R", "-U", "{TOPIC}/other"),
    ("-W", "1", "-T", "#"),
    ("-C", "2", "-k", "44"),
    ("-C", "2", "-V", "5"),
    ("-C", "2", "-V", "5", "-F", "%t %p %S", "-D", "subscribe", "subscription-identifier", "7"),
    ("-C", "2", "--will-topic", "{TOPIC}/will", "--will-payload", "gone"),
    ("-C", "3", "-F", "%t %p %q %r %l %x %X %%", "-q", "1"),
    ("-C", "3", "-F", "[%40t][%-40t][%.3t][%04l][%4l]"),
    ("-C", "1", "-F", r"\\\0\a\e\n\r\t\v@@"),
    ("-C", "1", "-N", "-F", "%p"),
    ("-C", "3", "-q", "1", "-F", "%j"),
    ("-C", "1", "-F", "%"),
    ("-C", "1", "-F", "%y"),
    ("-C", "1", "-F", r"\q"),
    ("-t", "{TOPIC}#", "-C", "1"),
    ("-T", "{TOPIC}#", "-C", "1"),
    ("-U", "{TOPIC}#", "-C", "1"),
    ("-C", "0"),
    ("-W", "0"),
    ("-p", "{PASSWORD}"),
    ("-p", "{PASSWORD}", "-V", "5"),
    ("-p", "{NOBODY}"),
    ("-h", "no-such.invalid", "--quiet"),
]
# What ends without a message that is published while it runs.
ENDS = re.compile(r"^-C 1\b|-[EW] |^-[ph] |#|%$|%y|\\q|-C 0|--retained-only -R")


@pytest.mark.parametrize("line", SUB, ids=line_id)
def test_sub(sides: list[Side], line: tuple[str, ...]) -> None:
    seen = []
    for side in sides:
        side.observer_sees = False
        side.publish(f"compared/{side.name}-{side.count + 1}", KEPT, True)
        side.begin("sub", "-t", "{TOPIC}", *line)
        assert side.running
        if not ENDS.search(" ".join(line)):
            side.subscribed(side.topic)
            if "{TOPIC}/other" in line:
                side.subscribed(f"{side.topic}/other")
                side.publish(f"{side.topic}/other", b"")
            if "-T" in line:
                side.publish(f"{side.topic}/not", b"this")
            for payload in LIVE:
                side.publish(side.topic, payload)
        seen.append(side.end())
        side.publish(side.topic, b"", True)
    ours, theirs = [alike(one, "%j" in line) for one in seen]
    assert ours == theirs


def alike(seen: Seen, is_json: bool) -> Seen:
    """What was seen, without the time in JSON and the order of its names."""
    if not is_json:
        return seen
    lines = [json.loads(line) for line in seen.out.splitlines()]
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", line.pop("tst"))
    return seen._replace(out=json.dumps(lines, sort_keys=True).encode())


def test_both_come_back_when_the_connection_is_lost(sides: list[Side], broker: Mosquitto) -> None:
    for side in sides:
        with Proxy(broker.port("anonymous")) as proxy:
            side.observer_sees = False
            side.begin("sub", "-t", "{TOPIC}", "-C", "2", "-q", "1", port=proxy.port)
            side.subscribed(side.topic)
            side.publish(side.topic, b"one")
            assert side.running and side.running.stdout
            first = side.running.stdout.readline() if side.name == OURS else b""
            assert side.name == THEIRS or first == b"one\n"
            assert broker.wait_for(f"Received PUBACK from {side.id} ")
            proxy.cut()
            side.subscribed(side.topic, times=2)
            side.publish(side.topic, b"two")
            out, _ = side.running.communicate(timeout=120)
            assert (side.running.returncode, first + out) == (0, b"one\ntwo\n")
