"""Each call of a client while there is little memory; after each the client must work again.

It is told `kind` (plain, robust, or file: robust with a FileSession at `path`), and `sizes`: for each of them all is
done once, with so many bytes that are free, in one piece.
"""

import gc
import time

from transports import transport_of

from umqtt2 import MQTTException

TIMEOUT_MS = 20000
LOOKS = 4  # at what has come, with little memory
LARGE = 300
MOST = 100  # messages for one size
NOT_TAKEN = -1
STIMEOUT = 0
IPPROTO_TCP = 6
TCP_NODELAY = 1


class Transport:
    """A transport whose peer can be gone."""

    def __init__(self, real):
        self.cut = False
        self.real = real
        self.open = real.open
        self.wait = real.wait

    def opening(self, timeout_ms):
        yield from self.real.opening(timeout_ms)
        # MicroPython's socket has no name for it on Unix: what is sent does not wait for TCP's acknowledgements.
        self.real.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.write = self.real.write

    def readinto(self, buf, n):
        return 0 if self.cut else self.real.readinto(buf, n)

    def close(self):
        self.cut = False
        self.real.close()


BLOCKS = [None] * 1000


def fill(free):
    """Take all memory but so many bytes, in one piece."""
    gc.collect()
    hole = bytearray(free) if free else None
    size = 4096
    i = 0
    while size:
        try:
            BLOCKS[i] = (None,) * size
            i += 1
        except MemoryError:
            size >>= 1
    del hole
    gc.collect()


def release():
    """Give back what `fill` has taken. One by one: what is left on the stack may still hold some of them."""
    for i in range(len(BLOCKS)):
        BLOCKS[i] = None
    gc.collect()


class Messages:
    """Messages, each with a number, which is the first byte of its payload. Nothing here needs memory.

    pids      packet identifiers, 0 at QoS 0, or NOT_TAKEN when `publish` has raised
    qos, arrived, statuses
              for each number: its QoS, how often it arrived, and its status plus 1, or 0
    told      how often the program was told of the last thing done that there is no memory: by a MemoryError, or by
              a status without an identifier
    raised    how many MemoryErrors there were in all
    """

    def __init__(self):
        self.pids = [NOT_TAKEN] * MOST
        self.qos = bytearray(MOST)
        self.arrived = bytearray(MOST)
        self.statuses = bytearray(MOST)
        self.clear()

    def clear(self):
        for i in range(MOST):
            self.pids[i] = NOT_TAKEN
            self.arrived[i] = self.statuses[i] = 0
        self.next = self.checked = self.told = self.raised = 0

    def new(self, qos):
        number = self.next
        self.qos[number] = qos
        self.next += 1
        return number

    def on_message(self, topic, msg, retained, dup):
        self.arrived[msg[0]] += 1

    def on_status(self, pid, status):
        if not pid:
            self.told += 1
        for i in range(self.next):
            if pid and self.pids[i] == pid:
                self.statuses[i] = status + 1

    def are_settled(self):
        """Return whether all have a status that get one."""
        for i in range(self.next):
            if self.pids[i] > 0 and not self.statuses[i]:
                return False
        return True

    def check(self):
        """Raise when messages were lost and nobody was told, or one at QoS 2 came twice."""
        lost = 0
        for i in range(self.checked, self.next):
            if self.qos[i] == 2 and self.arrived[i] > 1:
                raise RuntimeError("message %d came %d times" % (i, self.arrived[i]))
            if self.pids[i] > 0 and not self.arrived[i] and self.statuses[i] != STIMEOUT + 1:
                lost += 1
        if lost > self.told:
            raise RuntimeError("lost: %d, told: %d" % (lost, self.told))
        self.checked = self.next
        self.told = 0


class Program:
    def __init__(self, device):
        self.is_plain = device.config["kind"] == "plain"
        self.topic = device.topic("a").encode()
        self.other = device.topic("b").encode()
        self.transport = Transport(transport_of(device))
        self.messages = Messages()
        options = {"transport": self.transport, "socket_timeout": 2}
        from umqtt2 import MQTTClient as make

        if not self.is_plain:
            from umqtt2.robust import MQTTClient as make

            options.update({"verbose": False, "backoff": (0.01, 0.02)})
        if device.config["kind"] == "file":
            from umqtt2.session.file import FileSession

            options["session"] = FileSession(device.config["path"])
        self.client = device.client(make, **options)
        self.client.set_callback(self.messages.on_message)
        self.client.set_callback_status(self.messages.on_status)
        # To look up a method takes memory.
        self.check_msg = self.client.check_msg
        self.client_publish = self.client.publish
        self.client_connect = self.client.connect

    # --- With little memory: nothing here needs any itself ---------------------------------------------

    def attempt(self, call, a=None, b=None, c=None):
        """Make a call; return what it returns, or NOT_TAKEN when it has raised what it may raise."""
        try:
            if a is None:
                return call()
            if b is None:
                return call(a)
            return call(a, b, False, c)
        except MemoryError:
            self.messages.raised += 1
            self.messages.told += 1
        except (MQTTException, OSError):
            pass
        return NOT_TAKEN

    def look(self):
        for _ in range(LOOKS):
            self.attempt(self.check_msg)
            time.sleep_ms(1)

    def publish(self, topic, number, payload):
        pid = self.attempt(self.client_publish, topic, payload, self.messages.qos[number])
        self.messages.pids[number] = pid or 0
        self.look()

    def reconnect(self):
        self.transport.cut = True
        self.look()
        if self.is_plain:
            self.attempt(self.client_connect, False)
        else:
            for _ in range(LOOKS):
                time.sleep_ms(5)
                self.look()

    # --- With enough ----------------------------------------------------------------------------------

    def prepared(self, qos, size):
        """A message to publish: its number, and its payload."""
        number = self.messages.new(qos)
        return number, bytes([number]) + b"x" * size

    def until(self, condition):
        end = time.ticks_add(time.ticks_ms(), TIMEOUT_MS)
        while not condition():
            if time.ticks_diff(end, time.ticks_ms()) < 0:
                raise RuntimeError("it does not work again")
            try:
                if not self.client.check_msg():
                    time.sleep_ms(1)
            except (MQTTException, OSError):
                self.connect()

    def connect(self):
        try:
            self.client.connect(False)
        except (MQTTException, OSError):
            pass

    def see_that_it_works(self, topic=None):
        """Connect if need be, and have a message come round."""
        messages = self.messages
        self.until(messages.are_settled)
        number, payload = self.prepared(1, 0)
        self.publish(topic or self.topic, number, payload)
        if messages.pids[number] == NOT_TAKEN:  # the connection was lost, and the client did not know
            self.connect()
            self.publish(topic or self.topic, number, payload)
        self.until(lambda: messages.arrived[number] and messages.are_settled())

    def run(self, free):
        """Do everything once, with so many bytes that are free."""
        client = self.client
        self.messages.clear()
        for qos, size in ((0, 10), (1, 10), (2, 10), (1, LARGE)):
            self.try_with(free, self.publish, self.topic, *self.prepared(qos, size))
        for qos, size in ((0, 10), (1, 10), (2, 10), (2, LARGE)):
            self.publish(self.topic, *self.prepared(qos, size))
            time.sleep_ms(2)  # it is on its way back
            self.try_with(free, self.look)
        if self.try_with(free, self.attempt, client.subscribe, self.other) == NOT_TAKEN:
            client.subscribe(self.other)
        self.see_that_it_works(self.other)
        if self.try_with(free, self.attempt, client.unsubscribe, self.other) == NOT_TAKEN:
            client.unsubscribe(self.other)
        self.try_with(free, self.reconnect)
        self.try_with(free, self.attempt, client.disconnect)

    def try_with(self, free, call, a=None, b=None, c=None):
        """Call a method of this program with so many bytes that are free, then see that all works."""
        fill(free)
        if a is None:
            result = call()
        elif c is None:
            result = call(a, b)
        else:
            result = call(a, b, c)
        release()
        self.see_that_it_works()
        self.messages.check()
        return result


def run(device):
    program = Program(device)
    program.connect()
    program.client.subscribe(program.topic, 2)
    raised = []
    for free in device.config["sizes"]:
        program.run(free)
        raised.append(program.messages.raised)
    program.client.disconnect()
    device.say("raised", raised=raised)
