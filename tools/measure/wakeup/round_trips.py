"""A proxy that counts round trips and bytes, whatever the speed of the machine.

It lets a connection go on in turns. What the client sends goes on to the broker; then it waits until both are
asleep and nothing more comes from either, and only then gives the client all that the broker has answered. Such a turn
is a round trip of any network, however long that takes for it: what the client sent in one turn did not wait for an
answer.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from pathlib import Path

from tools.testkit.broker import HOST
from tools.testkit.proxy import Server

LOOK = 0.01  # seconds between two looks at who is asleep
QUIET = 8  # looks in a row: longer than any client naps between two packets that need no answer
QUIET_WITHOUT_SLEEP = 50  # likewise, for a client that asks the socket again and again, so that it is never asleep
QUIET_AT_THE_END = 3  # when the broker has closed: umqtt2 waits a second for that, also on a busy machine


class RoundTrips(Server):
    """One connection of a client to a broker; use it with `with`, after the broker was started.

    port       that the client connects to
    trips      round trips so far, that of TCP's own handshake included
    up, down   bytes of TCP's payload so far, to the broker and from it
    closed     set when the client has closed the connection
    """

    def __init__(self, broker_port: int, broker_pid: int, sleeps: bool = True) -> None:
        """sleeps: whether the client is asleep while it waits."""
        super().__init__(self._run)
        self._sleeps = sleeps
        self._quiet = QUIET if sleeps else QUIET_WITHOUT_SLEEP
        self._broker_port = broker_port
        self._broker_pid = broker_pid
        self.client_pid: int | None = None
        self.trips = self.up = self.down = 0
        self.closed = threading.Event()

    def _run(self, client: socket.socket) -> None:
        self.trips = 1
        with contextlib.suppress(OSError), client, socket.create_connection((HOST, self._broker_port)) as broker:
            for sock in (client, broker):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._relay(client, broker)
        self.closed.set()

    def _relay(self, client: socket.socket, broker: socket.socket) -> None:
        answers = b""
        asked = False  # the client has sent something since it got an answer
        quiet = 0
        open_ones = [client, broker]
        ended = False  # the broker has closed, and the client does not know yet
        while client in open_ones:
            ready, _, _ = select.select(open_ones, [], [], LOOK)
            if client in ready:
                data = client.recv(65536)
                if not data:
                    return
                asked = True
                self.up += len(data)
                if broker in open_ones:
                    broker.sendall(data)
            if broker in ready:
                data = broker.recv(65536)
                answers += data
                if not data:
                    open_ones.remove(broker)
                    ended = True
            quiet = 0 if ready or not self._all_asleep(ended) else quiet + 1
            if quiet >= (QUIET_AT_THE_END if ended and self._sleeps else self._quiet) and (answers or ended):
                self.trips += asked
                asked = False
                self.down += len(answers)
                if answers:
                    client.sendall(answers)
                if ended:
                    client.shutdown(socket.SHUT_WR)
                answers, ended, quiet = b"", False, 0

    def _all_asleep(self, ended: bool) -> bool:
        pids = [self.client_pid] * self._sleeps + [self._broker_pid] * (not ended)
        return all(pid is not None and is_asleep(pid) for pid in pids)


def is_asleep(pid: int) -> bool:
    """Whether a process waits for something, and not for its turn on a processor."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True  # it has ended
    return stat.rpartition(")")[2].split()[0] not in "RD"
