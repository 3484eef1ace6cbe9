"""The client for asynchronous programs, on MicroPython's asyncio and on CPython's."""

import asyncio

from .client import WAIT_MS
from .client import MQTTClient as BaseClient
from .connection import NETWORK, OPENING, UNIT_BITS, UP, units
from .constants import NAP_MS, POLL_MS
from .errno import (
    ECONCLOSE,
    ECONNOT,
    ECONTIMEOUT,
    ESUBACKFAIL,
    SDELIVERED,
    SREJECTED,
    SUNKNOWNPID,
    MQTTException,
)
from .reconnect import Reconnector, keeping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Coroutine, Generator

    from .cpython.contracts import Payload, StatusCallback, Text

LOOK_MS = 100  # between two looks at the time while something has a limit
LONG_MS = 268435000  # when nothing is due: ticks cannot tell times apart that are further than twice that


class MQTTClient(BaseClient):
    """A client for asynchronous programs; it reconnects as `umqtt2.robust` does.

        async with MQTTClient("lamp", "broker", keepalive=30) as client:
            await client.subscribe("lamp/set", qos=1)
            async for topic, msg, retained in client.messages():
                await client.publish("lamp/state", msg, qos=1)

    `async with` connects and raises what has prevented it, OSError or MQTTException; from then on a lost
    connection is made again, and what waits for an acknowledgement waits on. It leaves the broker at
    the end of the block, however that ends. The same client can be used for another `async with` then.

    Any number of tasks may use the client at once. Where one that waits is cancelled, only the waiting
    ends: a message that `publish` took is delivered. When the client's own task fails (what a callback or
    the session store raises), the connection is closed, and all that waits here raises that exception. After
    the block, MQTTException(ECONNOT). Without memory a connection or an attempt fails, as by the network.

    What else `umqtt2.robust` has can be called as it is, apart from `check_msg` and `wait_msg`. A
    callback set with `set_callback` takes the messages from `messages`.

    dropped  how many messages did not fit into the queue
    """

    dropped = 0
    cbconnection: "Callable[[bool], object] | None" = None
    last_error: "BaseException | None" = None
    _error: "Any" = None  # what ended the client's own task
    _task: "Any" = None  # the client's own task
    _timer: "Any" = None  # another task, which wakes it
    _changed: "Any" = None  # an Event: a message is there, the network takes more, up or down
    _status: "StatusCallback | None" = None  # the program's own callback

    def __init__(
        self,
        client_id: "Text",
        server: "str",
        port: "int" = 0,
        user: "Text | None" = None,
        password: "Text | None" = None,
        keepalive: "int" = 60,
        *args: "Any",
        queue: "int" = 10,
        clean_session: "bool" = False,
        backoff: "tuple[float, float]" = (1, 60),
        keep_qos0: "bool" = False,
        verbose: "bool" = True,
        **more: "Any"
    ) -> "None":
        """
        The arguments of `umqtt2.robust.MQTTClient`, and

        queue          messages that wait to be taken from `messages`, at the most. While there are as many,
                       nothing more is read from the network, which makes the broker wait, and nothing is
                       lost. But while a task waits for an acknowledgement, reading goes on: then the
                       oldest message is dropped for each new one, and counted in `dropped`
        clean_session  True has the broker forget the session whenever the connection is lost
        """
        self._reconnector = Reconnector(self, backoff)
        more["session"] = keeping(more.get("session"))
        super().__init__(client_id, server, port, user, password, keepalive, *args, **more)
        self.keep_qos0 = keep_qos0
        self.verbose = verbose
        self._limit = queue
        self._clean = clean_session
        self._queue: "list[tuple[bytes, bytes, bool]]" = []
        self._waiting: "list[Any]" = []  # an Event for each task that waits for an acknowledgement
        self.connection.cb = self._on_message
        self.connection.cbstat = self._on_status

    def set_callback_status(self, f: "StatusCallback") -> "None":
        """As `umqtt2.MQTTClient` does."""
        self._status = f

    def set_callback_connection(self, f: "Callable[[bool], object]") -> "None":
        """As `umqtt2.robust` does."""
        self.cbconnection = f

    def is_connected(self) -> "bool":
        """Return whether there is a connection, as far as is known."""
        return self.connection.state == UP

    async def connect(self) -> "MQTTClient":  # type: ignore[override]
        """Connect to the broker, leaving it first if need be. What `async with` calls.

        Raises OSError or MQTTException when there is no connection, and ValueError when what the client
        was made with is not allowed.
        """
        await self.__aexit__(1)
        self._error = None
        self._changed = asyncio.Event()
        reconnector = self._reconnector
        connection = self.connection
        before = self.last_error
        reconnector.begin(self._clean)
        try:
            self._task = asyncio.create_task(self._run())
            while reconnector.enabled and connection.state != UP and self.last_error is before:
                await self._wait_change()
            if connection.state != UP:
                error = self.last_error
                raise self._error or (error if error is not before else None) or MQTTException(ECONNOT)
        except BaseException:
            self.disconnect()
            raise
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
        """Leave the broker, from within the block or a callback. The client's own task goes on until the
        broker has closed, at most a second; `connect` and the end of the block wait for that."""
        if self._reconnector.enabled:
            self.connection.check_free()
            self.connection.leave()
        self._stop()

    async def publish(  # type: ignore[override]
        self, topic: "Text", msg: "Payload", retain: "bool" = False, qos: "int" = 0
    ) -> "None":
        """Publish a message, and return when it was acknowledged; at QoS 0 when the network has taken it.

        A message at QoS 0 is dropped while there is no connection, unless the client was made with
        `keep_qos0`. Raises MQTTException(EFULL) when the session store is full, MQTTException(ECONCLOSE)
        when the broker has closed one connection after another because of the message, and ValueError for
        a topic, payload or QoS that is not allowed.
        """
        if not qos:
            while self.connection.pending:
                await self._wait_change()
        self._check_running()
        pid = super().publish(topic, msg, retain, qos)
        if pid:
            await self._wait_ack(pid, len(self._queue) < self._limit)
        else:
            await asyncio.sleep(0)  # who only publishes lets the others have their turn
            while self.connection.pending:
                await self._wait_change()

    async def subscribe(self, topic: "Text", qos: "int" = 0) -> "None":  # type: ignore[override]
        """Subscribe to a topic filter, and return when the broker has granted it.

        Raises MQTTException(ESUBACKFAIL) when it refuses, MQTTException(ECONTIMEOUT) when it does not answer
        within `message_timeout`, MQTTException(ECONCLOSE) as `publish` does, and ValueError for a filter
        or QoS that is not allowed. Tasks that ask for the same filter at once get one answer.
        """
        self._check_running()
        await self._wait_ack(super().subscribe(topic, qos))

    async def unsubscribe(self, topic: "Text") -> "None":  # type: ignore[override]
        """Give up a subscription, and return when the broker has acknowledged it; see `subscribe`."""
        self._check_running()
        await self._wait_ack(super().unsubscribe(topic))

    def request(self, first: "int", topic: "bytes", msg: "Any") -> "int":
        """As `umqtt2.MQTTClient` does, without waiting."""
        connection = self.connection
        session = self.session
        pid = 0
        connection.enter()
        try:
            up = connection.state == UP
            kept = first & 6  # QoS 1 and 2; SUBSCRIBE and UNSUBSCRIBE have it, too
            if kept or (self.keep_qos0 and first and not (up and not session.has_unsent)):
                pid = session.add(first, topic, msg, connection.now(), units(self.message_timeout, "message_timeout"))
            if up:
                try:
                    self.hand_over(first, topic, msg, pid)
                except BaseException as e:
                    connection.close()
                    self._reconnector.failed(e)
                    self._changed.set()
                    self._wake()
                    # What the session store has is sent again.
                    if not isinstance(e, Exception if pid else NETWORK):
                        raise
        finally:
            connection.busy = False
        if connection.pending:
            self._wake()  # to wait for the network to take more
        return pid if kept else 0

    def hand_over(self, first: "int", topic: "bytes", msg: "Any", pid: "int") -> "None":
        """As `umqtt2.MQTTClient` does, without waiting."""
        connection = self.connection
        if pid:
            connection.drain(pid)
        elif not first:
            connection.ping()
        elif not connection.pending:
            connection.send_message(first, topic, msg, 0)
            if connection.pending and not isinstance(msg, bytes):
                connection.keep_payload()  # the program may change its own

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
            if not self._reconnector.enabled:
                raise StopAsyncIteration
            await self._wait_change()
        if len(queue) >= self._limit:
            self._wake()
        return queue.pop(0)

    def _on_message(self, topic: "bytes", msg: "bytes", retain: "bool", dup: "bool") -> "None":
        queue = self._queue
        if len(queue) >= self._limit:
            queue.pop(0)
            self.dropped += 1
        queue.append((topic, msg, retain))
        self._changed.set()

    def _on_status(self, pid: "int", status: "int") -> "None":
        if status != SUNKNOWNPID:
            for event in self._waiting:
                if event.pid == pid:
                    event.status = status
                    event.set()
        if self._status:
            self._status(pid, status)

    # --- Waiting -------------------------------------------------------------------------------------

    def _check_running(self) -> "None":
        if not self._reconnector.enabled:
            raise self._error or MQTTException(ECONNOT)

    async def _wait_change(self) -> "None":
        self._changed.clear()
        await self._changed.wait()

    async def _wait_ack(self, pid: "int", quietly: "bool" = False) -> "None":
        # Wait for what becomes of a packet identifier.
        event: "Any" = asyncio.Event()
        event.pid = pid
        event.status = None
        self._waiting.append(event)
        if not quietly:
            self._wake()
        try:
            await event.wait()
        finally:
            self._waiting.remove(event)
        status = event.status
        if status != SDELIVERED:
            if status == SREJECTED:
                number = ECONCLOSE
            elif status is None:
                number = ECONNOT
            else:
                number = ESUBACKFAIL if status else ECONTIMEOUT
            raise self._error or MQTTException(number)

    # --- The client's own task -----------------------------------------------------------------------

    async def _run(self) -> "None":
        # Until disconnect() was called and the broker has closed.
        connection = self.connection
        reconnector = self._reconnector
        try:
            self._timer = asyncio.create_task(self._keep_time())
            while reconnector.enabled or connection.state:
                was = connection.state
                blocked = connection.pending
                first: "int | None" = 0
                connection.paused = self._is_full()
                try:
                    first = reconnector.look()
                except MemoryError:
                    pass  # as if the network had failed
                connection.reraise()
                if was != connection.state or (blocked and not connection.pending):
                    self._changed.set()
                if first is None:
                    await self._wait(*self._when())  # type: ignore[misc]
                else:
                    await asyncio.sleep(0)
        except Exception as e:
            self._error = e
        finally:
            self._task = None
            self._stop()  # first, as the rest may raise; the others run when all is done
            connection.close()
            if self._timer:
                self._timer.cancel()
            reconnector.end()
            self._error = self._error or connection.raised
            connection.raised = None

    def _stop(self) -> "None":
        # Nobody may wait any more. Needs no memory.
        self._reconnector.enabled = False
        self._wake()
        for event in self._waiting:
            event.set()
        if self._changed:
            self._changed.set()

    def _when(self) -> "tuple[int, Any]":
        # What to wait for: milliseconds until something is to be done whatever comes, and what to watch.
        connection = self.connection
        state = connection.state
        if not state:
            return max(0, min(LONG_MS, self._reconnector.pause_ms())), None
        if state == OPENING:
            return POLL_MS, None
        pollable = getattr(connection.transport, "pollable", None)
        ms = LONG_MS
        if not pollable:
            ms = NAP_MS
        elif state != UP or connection.pending:
            ms = LOOK_MS
        elif self.session.has_unsent:
            ms = 0
        else:
            if self.keepalive:
                now = connection.now()
                quiet = max(now - connection.last_out, now - connection.last_in)
                ms = self.keepalive * 500 - (min(quiet, now - connection.last_ping) << UNIT_BITS)
            if self._waiting:
                ms = min(ms, WAIT_MS)
            if connection.paused:
                pollable = None
        return max(0, ms), pollable

    def _is_full(self) -> "bool":
        # A task that waits for an acknowledgement must not wait for who takes the messages.
        return len(self._queue) >= self._limit and not self._waiting

    # --- The event loop ------------------------------------------------------------------------------

    async def _keep_time(self) -> "None":
        while True:
            self._wake()  # first: its time may have been moved before it ran at all
            await asyncio.sleep(LONG_MS // 1000)

    def _wait(self, ms: "int", pollable: "Any") -> "Generator[None, None, None]":
        # Wait until the network has or takes something, until _wake(), or until the time is over. A task
        # can be in one queue only: this one is in that of the sockets, and another keeps the time.
        core = asyncio.core  # type: ignore[attr-defined]
        core._task_queue.remove(self._timer)
        core._task_queue.push(self._timer, core.ticks_add(core.ticks(), ms))
        if not pollable:
            self._task.data = core._io_queue  # marks the task as waiting, and can be cancelled
        elif self.connection.pending:
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
    from .cpython.aio import Waiting

    Waiting.take_over(MQTTClient)
except ImportError:
    pass
