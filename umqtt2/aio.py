"""The client for asynchronous programs, on MicroPython's asyncio and on CPython's."""

import asyncio

from .errno import ECONNOT, ECONTIMEOUT, ESUBACKFAIL, SDELIVERED, MQTTException
from .robust import MQTTClient as RobustClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Coroutine, Generator

    from .hosted.contracts import Payload, Text

NAP = 20  # milliseconds between two looks where the event loop cannot tell when there is something to do
BLOCKED = 250  # likewise, for what has come while the network takes nothing
LONG = 268435  # seconds, when nothing is due: ticks cannot tell times apart that are further than twice that


class MQTTClient(RobustClient):
    """A client for asynchronous programs; it reconnects as `umqtt2.robust` does.

        async with MQTTClient("lamp", "broker", keepalive=30) as client:
            await client.subscribe("lamp/set", qos=1)
            async for topic, msg, retained in client.messages():
                await client.publish("lamp/state", msg, qos=1)

    `async with` connects and raises what has prevented it, OSError or MQTTException; from then on a lost
    connection is made again, and what waits for an acknowledgement waits on. It leaves the broker at
    the end of the block, however that ends. The same client can be used for another `async with` then.

    Any number of tasks may use the client at once. Where one that waits is cancelled, only the waiting
    ends: a message that `publish` took is delivered. When the client's own task fails (out of memory, what a
    callback raises), the connection is closed, and all that waits here raises that exception. After the
    block, MQTTException(ECONNOT).

    What else `umqtt2.robust` has can be called as it is, apart from `check_msg` and `wait_msg`. A
    callback set with `set_callback` takes the messages from `messages`.

    dropped  how many messages did not fit into the queue
    """

    dropped = 0
    _error: "Any" = None  # what ended the client's own task
    _task: "Any" = None  # the client's own task
    _blocked = False  # the network took nothing when it was last tried
    _alarm: "Any"  # another task, which wakes it
    _changed: "Any"  # an Event: a message is there, the network takes more, or it is all over
    _dry: "bool"  # all that has come was read

    def __init__(
        self, *args: "Any", queue: "int" = 10, clean_session: "bool" = False, **more: "Any"
    ) -> "None":
        """
        The arguments of `umqtt2.robust.MQTTClient`, and

        queue          messages that wait to be taken from `messages`, at the most. While there are as many,
                       nothing more is read from the network, which makes the broker wait, and nothing is
                       lost. But while a task waits for an acknowledgement, reading goes on: then the
                       oldest message is dropped for each new one, and counted in `dropped`
        clean_session  True has the broker forget the session whenever the connection is lost
        """
        super().__init__(*args, **more)
        self._limit = queue
        self._clean = clean_session
        self._queue: "list[tuple[bytes, bytes, bool]]" = []
        self._waiting: "dict[int, Any]" = {}  # packet identifier to Event, of tasks that wait
        self._late: "list[bytes | bytearray]" = []  # what the network has not taken yet

    async def connect(self) -> "MQTTClient":  # type: ignore[override]
        """Connect to the broker, leaving it first if need be. What `async with` calls.

        Raises OSError or MQTTException when there is no connection, and ValueError when what the client
        was made with is not allowed.
        """
        await self.__aexit__(1)
        self._error = None
        self._failures = 0
        self._changed = asyncio.Event()
        try:
            self._start()
            self._step()
            while self._steps:
                await asyncio.sleep(NAP / 1000)
                self._step()
            if not self._open:
                raise self.last_error or MQTTException(ECONNOT)
        except BaseException:
            self.disconnect()
            raise
        self._alarm = asyncio.create_task(self._ring())
        self._task = asyncio.create_task(self._run())
        return self

    def __aenter__(self) -> "Coroutine[Any, Any, MQTTClient]":
        return self.connect()

    async def __aexit__(self, kind: "object", *more: "object") -> "None":
        self.disconnect()
        if self._task:
            await self._task
        if self._error and not kind:
            raise self._error

    def disconnect(self) -> "None":
        """As `umqtt2.robust` does; `connect` goes on from there. At the end of the block it is called."""
        if self._late:
            self._close()  # a DISCONNECT would come within a packet
        super().disconnect()

    async def publish(  # type: ignore[override]
        self, topic: "Text", msg: "Payload", retain: "bool" = False, qos: "int" = 0
    ) -> "None":
        """Publish a message, and return when it was acknowledged; at QoS 0 when the network has taken it.

        A message at QoS 0 is dropped while there is no connection, unless the client was made with
        `keep_qos0`. Raises MQTTException(EFULL) when the session store is full, and ValueError for a
        topic, payload or QoS that is not allowed.
        """
        self._check_running()
        pid = super().publish(topic, msg, retain, qos)
        if pid:
            await self._settle(pid, len(self._queue) < self._limit)
        else:
            await asyncio.sleep(0)  # who only publishes lets the others have their turn
            while self._late:
                await self._change()

    async def subscribe(self, topic: "Text", qos: "int" = 0) -> "None":  # type: ignore[override]
        """Subscribe to a topic filter, and return when the broker has granted it.

        Raises MQTTException(ESUBACKFAIL) when it refuses, MQTTException(ECONTIMEOUT) when it does not answer
        within `message_timeout`, and ValueError for a filter or QoS that is not allowed.
        """
        self._check_running()
        await self._settle(super().subscribe(topic, qos))

    async def unsubscribe(self, topic: "Text") -> "None":  # type: ignore[override]
        """Give up a subscription, and return when the broker has acknowledged it; see `subscribe`."""
        self._check_running()
        await self._settle(super().unsubscribe(topic))

    def messages(self) -> "MQTTClient":
        """Iterate, with `async for`, over the messages: (topic: bytes, msg: bytes, retained: bool).

        It ends when the client leaves the broker. A message was acknowledged when it came into the
        queue. Several tasks may iterate: each message goes to one of them.
        """
        return self

    __aiter__ = messages

    async def __anext__(self) -> "tuple[bytes, bytes, bool]":
        queue = self._queue
        while not queue:
            if self._error:
                raise self._error
            if not self._wanted:
                raise StopAsyncIteration
            await self._change()
        if len(queue) >= self._limit:
            self._wake()
        return queue.pop(0)

    def cb(self, topic: "bytes", msg: "bytes", retain: "bool", dup: "bool") -> "None":
        queue = self._queue
        if len(queue) >= self._limit:
            queue.pop(0)
            self.dropped += 1
        queue.append((topic, msg, retain))
        self._changed.set()

    # --- Waiting -------------------------------------------------------------------------------------

    def _check_running(self) -> "None":
        if not self._wanted:
            raise self._error or MQTTException(ECONNOT)

    async def _change(self) -> "None":
        self._changed.clear()
        await self._changed.wait()

    async def _settle(self, pid: "int", quietly: "bool" = False) -> "None":
        # Wait for what becomes of a packet identifier.
        event: "Any" = asyncio.Event()
        event.status = None
        self._waiting[pid] = event
        if not quietly:
            self._wake()
        try:
            await event.wait()
        finally:
            del self._waiting[pid]
        status = event.status
        if status != SDELIVERED:
            raise self._error or MQTTException(
                ECONNOT if status is None else ESUBACKFAIL if status else ECONTIMEOUT
            )

    def _status(self, pid: "int", status: "int") -> "None":
        event = self._waiting.get(pid)
        if event:
            event.status = status
            event.set()
        super()._status(pid, status)

    # --- The client's own task -----------------------------------------------------------------------

    async def _run(self) -> "None":
        try:
            while self._wanted:
                self._dry = True
                self._check(False)
                if self._dry:
                    ms = self._due()
                    pollable = getattr(self._open, "pollable", None)
                    if not pollable and self._open:
                        ms = min(ms, NAP)
                    if self._is_full() and not self._late:
                        pollable = None
                    await self._wait(ms, pollable)  # type: ignore[misc]
                else:
                    await asyncio.sleep(0)
        except Exception as e:
            self._error = e
        finally:
            self._task = None
            self._alarm.cancel()
            self._wanted = False
            for event in self._waiting.values():
                event.set()
            self._close()

    def _due(self) -> "int":
        # Milliseconds until something is to be done, whatever comes.
        diff = self._clock.ticks_diff
        now = self._clock.ticks_ms()
        ms = LONG * 1000
        if not self._open:
            ms = diff(self._since, now)
        elif self._late:
            ms = BLOCKED
        elif self._steps or self.session.unsent():  # type: ignore[attr-defined]
            ms = NAP
        else:
            if self.keepalive:
                quiet = max(diff(now, self._last_sent), diff(now, self.last_cpacket))
                ms = self.keepalive * 500 - min(quiet, diff(now, self.last_ping))
            if self._waiting:
                ms = min(ms, int(self.message_timeout * 1000))
        return ms

    def _is_full(self) -> "bool":
        # A task that waits for an acknowledgement must not wait for who takes the messages.
        return len(self._queue) >= self._limit and not (self._waiting or self._steps)

    def _receive(self) -> "int | None":
        self._flush()
        if self._is_full():
            self._pinged = False  # the answer to a ping cannot be seen
            return None
        first = super()._receive()
        self._dry = first is None
        return first

    def _send(
        self, buf: "bytes | bytearray", n: "int", rest: "bytes" = b"", *more: "object"
    ) -> "None":
        # What the network does not take now is sent before the next read.
        late = self._late
        length = len(rest)
        if length and n + length <= len(buf):
            buf[n : n + length] = rest  # type: ignore[index]
            n += length
            length = 0
        late.append(buf[:n])
        if length:
            late.append(rest)
        self._flush()
        if late and late[-1] is rest:
            late[-1] = bytes(rest)  # the program may change its own
        self._last_sent = self._clock.ticks_ms()

    def _flush(self) -> "None":
        late = self._late
        try:
            while late:
                packet = late[0]
                taken = self._connected().write(packet, len(packet), 0)
                if not taken:
                    self._blocked = True
                    self._wake()  # to wait for the network to take more
                    return
                if taken < len(packet):
                    late[0] = packet[taken:]
                else:
                    late.pop(0)
        except BaseException:
            self._close()
            raise
        if self._blocked:
            self._blocked = False
            self._changed.set()

    def _drain(self) -> "None":
        if not self._late:
            super()._drain()

    def _close(self) -> "None":
        self._wake()  # nobody may watch a socket that is closed
        self._late.clear()
        self._changed.set()
        super()._close()

    # --- The event loop ------------------------------------------------------------------------------

    async def _ring(self) -> "None":
        while True:
            await asyncio.sleep(LONG)
            self._wake()

    def _wait(self, ms: "int", pollable: "Any") -> "Generator[None, None, None]":
        # Wait until the network has or takes something, until _wake(), or until the time is over. A task
        # can be in one queue only: this one is in that of the sockets, and another keeps the time.
        core = asyncio.core  # type: ignore[attr-defined]
        core._task_queue.remove(self._alarm)
        core._task_queue.push(self._alarm, core.ticks_add(core.ticks(), ms))
        if not pollable:
            self._task.data = self  # not None: it waits
        elif self._late:
            core._io_queue.queue_write(pollable)
        else:
            core._io_queue.queue_read(pollable)
        yield

    def _wake(self) -> "None":
        task = self._task
        if task and task.data:
            asyncio.core._io_queue.remove(task)  # type: ignore[attr-defined]
            asyncio.core._task_queue.push(task)  # type: ignore[attr-defined]


try:
    from .hosted.aio import Waiting

    Waiting.take_over(MQTTClient)
except ImportError:
    pass
