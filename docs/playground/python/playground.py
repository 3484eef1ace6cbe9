"""Runs a program in the page: what a browser does otherwise than a board is mended here, before the program begins."""

import asyncio
import io
import json
import sys
import time

import jsffi
import page

from umqtt2.packets.fields import topic_name
from umqtt2.session import journal
from umqtt2.testing import FakeBroker
from umqtt2.transport.trace import TraceTransport

REFUSED = 111  # ECONNREFUSED
RESET = 104  # ECONNRESET
UNREACHABLE = 113  # EHOSTUNREACH
NO_FILE = 44  # ENOENT of the browser's file system
TURN_MS = 20  # that a program which never sleeps may run, until the page has its turn
WINDOW = 20  # unacknowledged messages that the fake broker sends to a client at most, as mosquitto does
SLICE = 1 << 16  # bytes that wait to be sent over a WebSocket, at the most

links = []  # a FakeLink or SocketLink for each transport
reachable = True  # False: the page has cut the connection
retained = {}
start = last_turn = time.ticks_ms()


# --- Time -----------------------------------------------------------------------------------------------


def pause(ms):
    """Let the page work for `ms` milliseconds, or less when it has something to say."""
    global last_turn
    page.sleep(ms)
    last_turn = time.ticks_ms()
    text = page.take()
    while text:
        obey(**json.loads(text))
        text = page.take()


def sleep_ms(ms):
    """MicroPython's, without stopping the page."""
    end = time.ticks_add(time.ticks_ms(), max(0, ms))
    pause(max(0, ms))
    while True:
        left = time.ticks_diff(end, time.ticks_ms())
        if left <= 0:
            break
        pause(left)


def take_turn():
    """For programs that call a client again and again, and never sleep."""
    if time.ticks_diff(time.ticks_ms(), last_turn) > TURN_MS:
        pause(0)


def run_task(coro):
    """`asyncio.run`, which this MicroPython does not have."""
    outcome = []

    async def main():
        try:
            outcome.append((await coro, None))
        except BaseException as e:
            outcome.append((None, e))

    core = asyncio.core
    core.create_task(main())
    while not outcome:
        core._run_iter()
        task = core._task_queue.peek()
        if not outcome:
            pause(max(0, time.ticks_diff(task.ph_key, time.ticks_ms())) if task else 1000)
    result, error = outcome[0]
    if error:
        raise error
    return result


def install():
    """Put these in the place of what would stop the page, or is not there."""
    time.sleep_ms = sleep_ms
    time.sleep = lambda seconds: sleep_ms(int(seconds * 1000))
    time.sleep_us = lambda us: sleep_ms(us // 1000)
    # A new queue of tasks, which does not ask the browser to call the event loop: run_task() does.
    asyncio.core._schedule_run_iter = lambda ms: None
    asyncio.new_event_loop()
    asyncio.run = run_task
    journal.ENOENT = NO_FILE
    loop = asyncio.get_event_loop()
    loop.run_until_complete = run_task
    loop.run_forever = lambda: run_task(asyncio.Event().wait())


# --- What the page says ---------------------------------------------------------------------------------


def obey(publish=None, cut=None):
    """Do what the page says: publish a message as another client would; cut the connection, or bring it back."""
    global reachable
    if publish:
        topic, msg, qos, retain = publish
        try:
            spread(None, topic_name(topic), msg.encode(), qos, retain, b"")
        except ValueError as e:
            page.tell(json.dumps({"refused": str(e)}))
    if cut is not None:
        reachable = not cut
        if cut:
            for link in links:
                link.drop()


def spread(sender, topic, msg, qos, retain, properties):
    """Give a message to all clients that have subscribed to it, but its sender, and show it."""
    for link in links:
        if link is not sender:
            link.publish(topic, msg, qos, retain, properties)
    page.tell(json.dumps({"published": [text(topic), text(msg), bool(sender)]}))


def text(data):
    """Bytes as text, if they are."""
    try:
        return data.decode()
    except (UnicodeError, ValueError):
        return repr(data)


# --- The fake broker ------------------------------------------------------------------------------------


class Clock:
    """The real time, for the fake broker: it has more to do than ticks can count."""

    def __init__(self):
        self._ticks = time.ticks_ms()
        self._elapsed = 0

    @property
    def elapsed(self):
        """Milliseconds since it was made."""
        now = time.ticks_ms()
        self._elapsed += time.ticks_diff(now, self._ticks)
        self._ticks = now
        return self._elapsed


clock = Clock()


class FakeLink(FakeBroker):
    """The fake broker's side of one connection: in real time, and other clients get what the client publishes."""

    def __init__(self):
        super().__init__(clock)
        self.echo = True
        self.retained = retained
        self.window = WINDOW

    def open(self, timeout_ms):
        """Connect, unless the page has cut the connection."""
        if not reachable:
            raise OSError(REFUSED)
        super().open(timeout_ms)

    def feed(self, data):
        """Send to the client, if it is there."""
        if self.is_open and not self.ended:
            super().feed(data)

    def readinto(self, buf, n):
        """What has come."""
        take_turn()
        return super().readinto(buf, n)

    def write(self, buf, offset, n):
        """Take all of it, and forget what a test would look at."""
        taken = super().write(buf, offset, n)
        for seen in (self.writes, self.published, self.published_properties, self.acknowledged, self.acks):
            seen.clear()
        del self.connects[:-1]
        self.sent = bytearray()
        return taken

    def wait(self, flags, timeout_ms):
        """Wait until something has come."""
        if not (flags & 4 or self.incoming or self.ended):
            pause(timeout_ms if timeout_ms >= 0 else 1000)

    def name(self):
        """The client identifier, when the broker knows it."""
        return text(self.connects[-1]["client_id"]) if self.connects else ""

    def on_connect(self, seen):
        """One connection for each client identifier, and one session."""
        name = text(seen["client_id"])
        for link in links:
            if name and link is not self and link.name() == name:
                link.drop()
                self.take_over(link)
                links.remove(link)
                break

    def on_publish(self, *message):
        """Other clients get it."""
        spread(self, *message)


# --- A broker of the user's own --------------------------------------------------------------------------


class SocketLink:
    """MQTT over the browser's WebSocket, in binary frames [MQTT-6.0.0-1 to 4]; see `umqtt2.transport`."""

    def __init__(self, url):
        self._url = url
        self._socket = None

    def open(self, timeout_ms):
        """Connect; raises OSError with what the browser says, which is not much."""
        for _ in self.opening(timeout_ms):
            pause(20)

    def opening(self, timeout_ms):
        """The same in steps."""
        self.close()
        if not reachable:
            raise OSError(REFUSED)
        self._socket = socket = page.connect(self._url)
        while not socket.state():
            yield
        if socket.state() != 1:
            self.close()
            raise OSError(UNREACHABLE, "the browser did not get a connection to " + self._url)

    def readinto(self, buf, n):
        """See the contract."""
        take_turn()
        socket = self._open_socket()
        if not socket.waiting():
            return None if socket.state() == 1 else 0
        data = bytes(socket.take(n))
        buf[: len(data)] = data
        return len(data)

    def write(self, buf, offset, n):
        """See the contract."""
        socket = self._open_socket()
        if socket.state() != 1:
            raise OSError(RESET)
        if socket.buffered() > SLICE:
            return None
        n = min(n, SLICE)
        socket.send(jsffi.to_js(bytes(memoryview(buf)[offset : offset + n])))
        return n

    def wait(self, flags, timeout_ms):
        """See the contract."""
        socket = self._socket
        if socket and socket.state() == 1 and not (flags & 4 or socket.waiting()):
            pause(timeout_ms if timeout_ms >= 0 else 1000)

    def close(self):
        """See the contract."""
        socket = self._socket
        self._socket = None
        if socket:
            socket.close()

    def drop(self):
        """The page has cut the connection: the client sees that it has ended."""
        if self._socket:
            self._socket.close()

    def publish(self, *message):
        """Nothing: the page knows of no other clients of that broker."""

    def name(self):
        """Nothing: the packets are seen, and not understood."""
        return ""

    def _open_socket(self):
        if not self._socket:
            raise OSError(RESET)
        return self._socket


# --- The program ----------------------------------------------------------------------------------------


def new_transport():
    """What TCPTransport and TLSTransport are in the page: a connection that shows its packets."""
    link = SocketLink(page.address) if page.address else FakeLink()
    links.append(link)
    return TraceTransport(link, lambda line: show(line, link.name()))


def show(line, client):
    """Show what has passed; a line begins with a time that begins anew for each transport."""
    seconds = time.ticks_diff(time.ticks_ms(), start) / 1000
    page.tell(json.dumps({"packet": line.strip().split(" ", 1)[1], "client": client, "time": "%.3f" % seconds}))


def run(path):
    """Run a program, until it ends; what it does not catch is printed."""
    install()
    with open(path) as file:
        code = file.read()
    try:
        exec(compile(code, "main.py", "exec"), {"__name__": "__main__"})
    except SystemExit:
        pass
    except BaseException as e:
        out = io.StringIO()
        sys.print_exception(e, out)
        for line in out.getvalue().strip().split("\n"):
            if '/playground.py", line' not in line:
                print(line)
