"""`python -m umqtt2` and `micropython -m umqtt2` against mosquitto, as used at a shell."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from typing import Iterator

import pytest

from tools import fetch
from tools.paths import REPO
from tools.testkit.mosquitto import PASSWORD, USER, Mosquitto
from tools.testkit.observer import Message, Observer
from tools.testkit.ports import free_port

NUMBERS = itertools.count(1)
LARGE = bytes(range(256)) * 400


class Shell:
    """Runs commands with one of the two interpreters."""

    def __init__(self, interpreter: str, broker: Mosquitto, observer: Observer) -> None:
        self.broker = broker
        self.observer = observer
        self.topic = f"umqtt2-command/{next(NUMBERS)}"
        self._interpreter = interpreter
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, command: str, *arguments: str, listener: str = "anonymous") -> subprocess.Popen[bytes]:
        """Start a command, with the topic and the port as arguments."""
        line = [command, "-t", self.topic, *arguments]
        if "-p" not in arguments:
            line += ["-p", str(self.broker.port(listener))]
        return self.start_line(*line)

    def start_line(
        self, *arguments: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        """Start a command with these arguments alone."""
        process = subprocess.Popen(
            [self._interpreter, "-m", "umqtt2", *arguments],
            cwd=REPO,
            env={**os.environ, "MICROPYPATH": f"{REPO}:.frozen"},
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
        )
        self._running.append(process)
        return process

    def run(
        self, command: str, *arguments: str, listener: str = "anonymous", stdin: bytes = b""
    ) -> tuple[int, bytes, str]:
        """Run a command; give its exit code and what it printed."""
        process = self.start(command, *arguments, listener=listener)
        out, err = process.communicate(stdin, timeout=120)
        return process.returncode, out, err.decode()

    def subscribed(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `sub`, and wait until the broker has its subscription."""
        name = self.topic.replace("/", "-")
        process = self.start("sub", "-i", name, *arguments)
        assert self.broker.wait_for(f"Sending SUBACK to {name}$")
        return process

    def end(self) -> None:
        """End what still runs."""
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture(params=["cpython", "vm32", "vm-newest"])
def shell(request: pytest.FixtureRequest, broker: Mosquitto, observer: Observer) -> Iterator[Shell]:
    """A shell on CPython, and on MicroPython."""
    programs = {"vm32": fetch.vm32, "vm-newest": fetch.vm_newest}
    interpreter = sys.executable if request.param == "cpython" else str(programs[request.param]())
    made = Shell(interpreter, broker, observer)
    yield made
    made.end()


OK = (0, b"", "")


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_pub(shell: Shell, qos: int) -> None:
    shell.observer.subscribe(shell.topic, 2)
    assert shell.run("pub", "-m", "h\u00e9llo", "-q", str(qos)) == OK
    assert shell.observer.next(shell.topic) == Message("h\u00e9llo".encode(), qos)


def test_pub_retained_and_then_nothing(shell: Shell) -> None:
    assert shell.run("pub", "-m", "kept", "-r") == OK
    assert shell.run("sub", "-C", "1") == (0, b"kept\n", "")
    assert shell.run("pub", "-n", "-r") == OK
    assert shell.run("sub", "-C", "1", "-W", "1")[0] == 27


@pytest.mark.parametrize("payload", [b"\0\xff\r\n", LARGE], ids=["small", "large"])
def test_bytes_from_stdin_to_stdout(shell: Shell, payload: bytes) -> None:
    sub = shell.subscribed("-C", "2", "-N", "-q", "1")
    shell.observer.subscribe(shell.topic, 1)
    assert shell.run("pub", "-s", "-q", "1", stdin=payload) == OK
    shell.observer.publish(shell.topic, payload)
    assert sub.communicate(timeout=120) == (payload * 2, b"")
    assert sub.returncode == 0
    assert shell.observer.next(shell.topic).payload == payload


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_sub(shell: Shell, qos: int) -> None:
    sub = shell.subscribed("-t", f"{shell.topic}/+", "-C", "3", "-v", "-q", str(qos))
    for name, payload in (("", b"one"), ("/a", b"\xfe"), ("/b", b"")):
        shell.observer.publish(shell.topic + name, payload, qos)
    out, err = sub.communicate(timeout=120)
    topic = shell.topic.encode()
    assert sorted(out.splitlines()) == [topic + b" one", topic + b"/a \xfe", topic + b"/b (null)"]
    assert (sub.returncode, err) == (0, b"")


def test_with_a_password(shell: Shell) -> None:
    shell.observer.subscribe(shell.topic)
    login = ("-u", USER, "-P", PASSWORD)
    assert shell.run("pub", "-m", "let in", *login, listener="password") == OK
    assert shell.observer.next(shell.topic) == Message(b"let in")
    code, out, err = shell.run("pub", "-m", "x", "-u", USER, "-P", "wrong", listener="password")
    assert (code, out) == (5, b"")
    assert err.startswith("Error: ") and err.count("\n") == 1


def test_over_tls(shell: Shell) -> None:
    pem = shell.broker.certificates.pem
    shell.observer.subscribe(shell.topic)
    authority = ("--cafile", pem("ca"))
    client = ("--cert", pem("client"), "--key", pem("client-key"))
    assert shell.run("pub", "-m", "1", *authority, listener="tls") == OK
    assert shell.run("pub", "-m", "2", "--insecure", listener="tls") == OK
    assert shell.run("pub", "-m", "3", *authority, *client, listener="tls-client-cert") == OK
    assert [shell.observer.next(shell.topic).payload for _ in range(3)] == [b"1", b"2", b"3"]


@pytest.mark.parametrize(
    "listener, authority", [("tls", "other-ca"), ("expired", "ca"), ("wrong-name", "ca")]
)
def test_a_certificate_that_does_not_verify(shell: Shell, listener: str, authority: str) -> None:
    file = shell.broker.certificates.pem(authority)
    code, out, err = shell.run("pub", "-n", "--cafile", file, listener=listener)
    assert (code, out) == (1, b"")
    assert err.startswith(f"Error: localhost:{shell.broker.port(listener)}: ") and err.count("\n") == 1


def test_nothing_to_verify_with(shell: Shell) -> None:
    # CPython uses the system's certificate authorities, which do not include this one.
    pem = shell.broker.certificates.pem
    code, out, err = shell.run("pub", "-n", "--cert", pem("client"), "--key", pem("client-key"), listener="tls")
    assert (code, out) == (1, b"")
    assert err.startswith("Error: ") and err.count("\n") == 1


def test_nobody_there(shell: Shell) -> None:
    for command in ("pub", "sub"):
        more = ["-n"] if command == "pub" else []
        port = free_port()
        error = f"Error: 127.0.0.1:{port}: connection refused\n"
        assert shell.run(command, *more, "-h", "127.0.0.1", "-p", str(port)) == (1, b"", error)


def test_what_fails_is_named(shell: Shell) -> None:
    tls, plain = shell.broker.port("tls"), shell.broker.port("anonymous")
    for line, error in (
        (["-h", "no-such.invalid"], f"no-such.invalid:{plain}: name not found"),
        (["--cafile", "/no/such"], "--cafile /no/such: no such file"),
        (["-f", "/no/such"], "-f /no/such: no such file"),
        (["-p", str(tls)], f"localhost:{tls}: "),  # whether it is reset or closed is the system's affair
        (["--insecure"], f"localhost:{plain}: "),
    ):
        message = [] if "-f" in line else ["-n"]
        code, out, err = shell.run("pub", *message, *line)
        assert (code, out) == (1, b"") and err.count("\n") == 1
        assert err.startswith(f"Error: {error}") and (error.endswith(": ") or err == f"Error: {error}\n")


def test_a_message_for_each_line_as_it_comes(shell: Shell) -> None:
    shell.observer.subscribe(shell.topic, 1)
    pub = shell.start("pub", "-l", "-q", "1")
    assert pub.stdin
    for payload in (b"one", b"\xff", b""):
        pub.stdin.write(payload + b"\n")
        pub.stdin.flush()
        assert shell.observer.next(shell.topic) == Message(payload, 1)
    pub.stdin.write(b"two\nno newline")
    assert pub.communicate(timeout=120) == (b"", b"")
    assert pub.returncode == 0
    assert [shell.observer.next(shell.topic).payload for _ in range(2)] == [b"two", b"no newline"]


def test_it_pings_while_no_line_comes(shell: Shell) -> None:
    name = shell.topic.replace("/", "-")
    shell.observer.subscribe(shell.topic, 1)
    pub = shell.start("pub", "-l", "-i", name, "-k", "1")
    assert shell.broker.wait_for(f"Received PINGREQ from {name}$")
    assert pub.communicate(b"still there\n", timeout=120) == (b"", b"")
    assert shell.observer.next(shell.topic).payload == b"still there"


def test_a_format(shell: Shell) -> None:
    sub = shell.subscribed("-C", "2", "-q", "1", "-F", r"%t\t%l %q%r %04m %x %j", "-T", f"{shell.topic}/+")
    shell.observer.publish(shell.topic + "/not", b"this", 1)
    for payload in (b"one", b"\xfe"):
        shell.observer.publish(shell.topic, payload, 1)
    out, err = sub.communicate(timeout=120)
    assert (sub.returncode, err) == (0, b"")
    one, two = [line.split(" ", 4) for line in out.decode().splitlines()]
    assert one[0] == f"{shell.topic}\t3" and one[1:4] == ["10", "0001", "6f6e65"] and two[2:4] == ["0002", "fe"]
    made = json.loads(two[4])
    assert made.pop("tst")
    assert made == {"topic": shell.topic, "qos": 1, "retain": 0, "payloadlen": 1, "mid": 2, "payload": "\xfe"}


def test_ctrl_c(shell: Shell) -> None:
    sub = shell.subscribed()
    sub.send_signal(signal.SIGINT)
    assert sub.communicate(timeout=120) == (b"", b"")
    assert sub.returncode == 0
    assert shell.broker.wait_for(f"Received DISCONNECT from {shell.topic.replace('/', '-')}$")


def test_nobody_reads_any_more(shell: Shell) -> None:
    sub = shell.subscribed()
    assert sub.stdout and sub.stderr
    shell.observer.publish(shell.topic, b"one")
    assert sub.stdout.readline() == b"one\n"
    sub.stdout.close()  # it ends at once, and not only when there is something to print
    assert sub.wait(60) == 0
    assert sub.stderr.read() == b""
    sub.stdout = None


@pytest.mark.parametrize("arguments", [["--help"], ["sub", "--help"], ["sub", "-d", "-t", "a", "-p", "PORT"]])
def test_nobody_reads_what_is_printed(shell: Shell, arguments: list[str]) -> None:
    # As behind `2>&1 | head -1`, once that has its line.
    port = str(shell.broker.port("anonymous"))
    ours, theirs = os.pipe()
    os.close(ours)
    done = shell.start_line(*(port if word == "PORT" else word for word in arguments), stdout=theirs, stderr=theirs)
    os.close(theirs)
    assert done.wait(120) == 0
