"""The client for asynchronous programs, on MicroPython's asyncio and on CPython's.

Theory of operation. A client has one task of its own, from `connect` to `disconnect`. It takes the steps of the
connection, by way of a Reconnector, and waits in the event loop for the socket, or for the time of the next attempt.
What the program calls sends at once, as far as the network takes it, and wakes that task for the rest.

              connect()          nothing to do now
    no task -----------> steps ----------------------> waits in the event loop
       ^                  |  ^                                   |
       +------------------+  +-----------------------------------+
      left, the first attempt     the socket, the time, _wake()
      failed, or the session
      store raised

- After at most IN_TURN steps other tasks have their turn.
- Nobody waits without an end: `_end` sets every Event, and whoever wakes up looks at `_check_running` or its status.
- Events are kept in lists: `_waiting` for acknowledgements, `_line` for room in the session store: who waits first is
  first. `_changed` is for all that may look again: a message, room in the slot, another state.
- While the queue is full nothing is read, which makes the broker wait; unless a task waits for an acknowledgement,
  because that may be the task that takes the messages.

A message that comes waits in a queue. The task that asks for the next message has processed the one before, which
is then acknowledged, in the order in which they came:

               comes              next()             next() again, by the same task
    broker ------------> queue -----------> given -----------------------------------> acknowledged

Brokers send no more messages than they may have in flight, 20 as a rule, so a queue of 20 has room for all of them.
Where they send more, those at QoS 1 and 2 that do not fit are left where they are, at the broker. When all the
others are acknowledged, the client connects again and gets them. When the connection breaks, the broker repeats
what was not acknowledged; what is in the queue or given is known by its identifier and content, and not taken twice.
"""

import asyncio
from collections import namedtuple

try:
    from .cpython import clock as time
except ImportError:
    import time  # type: ignore[no-redef]

from .connection import GREETING, LEAVING, OPENING, UNIT_BITS, UP, Connection
from .constants import FIVE, NAP_MS, NETWORKS, PLAIN, POLL_MS, SERVERS, SHOWN, STRICT
from .errno import (
    EBUSY,
    ECONCLOSE,
    ECONNOT,
    ECONTIMEOUT,
    EFULL,
    ELIMIT,
    ESUBACKFAIL,
    SDELIVERED,
    SDROPPED,
    SFAILED,
    SOVERSIZE,
    SREJECTED,
    SUNKNOWNPID,
    MQTTException,
)
from .packets.fields import (
    LONGEST,
    PUBACK,
    PUBLISH,
    PUBREC,
    SUBSCRIBE,
    UNSUBSCRIBE,
    check_count,
    payload_bytes,
    topic_filter,
)
from .packets.v311 import V311
from .reconnect import NETWORK, Reconnector, keeping
from .start import WAIT_MS, check_qos, last_will, port_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, AsyncIterator, Generator, NamedTuple

    from .cpython.contracts import (
        Clock,
        Network,
        Packets,
        Payload,
        ServerList,
        Session,
        Text,
        TopicName,
        Transport,
        Will,
    )

    class Message(NamedTuple):
        """A message: topic and payload as bytes; dup says that it may have come before."""

        topic: bytes
        payload: bytes
        retain: bool
        qos: int
        dup: bool

    class MessageWithProperties(NamedTuple):
        """A message with MQTT 5; properties as `V5.properties()` has them."""

        topic: bytes
        payload: bytes
        retain: bool
        qos: int
        dup: bool
        properties: dict[int, Any]

else:
    # Lists, which are gone afterwards: a tuple stays in memory as a constant.
    Message = namedtuple("Message", ["topic", "payload", "retain", "qos", "dup"])
    if FIVE:
        MessageWithProperties = namedtuple("Message", ["topic", "payload", "retain", "qos", "dup", "properties"])

LOOK_MS = 100  # between two looks at the time while something has a limit
LONG_MS = 268435000  # when nothing is due: ticks cannot tell times apart that are further than twice that
IN_TURN = 16  # steps that are taken before other tasks have their turn

# A message that was not acknowledged yet is a list:
MESSAGE = 0
PID = 1  # 0 at QoS 0
EPOCH = 2  # number of the connection that it came on; FORGOTTEN when the broker does not know it any more
TASK = 3  # that has it; None when it has processed it; AGAIN when it has failed
AGAIN = 0  # it is for whoever asks next
FORGOTTEN = -1


class MQTTClient:
    """A client for asynchronous programs, which reconnects by itself.

        async with MQTTClient("lamp", "broker", keepalive=30) as client:
            await client.subscribe("lamp/set", qos=1)
            async for message in client.messages():
                await client.publish("lamp/state", message.payload, qos=1)

    `async with` connects and raises what has prevented it, OSError or MQTTException; from then on a lost
    connection is made again, and what waits for an acknowledgement waits on. It leaves the broker at
    the end of the block, however that ends. The same client can be used for another `async with` then.

    Any number of tasks may use the client at once. Where one that waits is cancelled, only the waiting
    ends: a message that `publish` took is delivered. When the client's own task fails (the session
    store raises), the connection is closed, and all that waits here raises that exception. Outside of
    the block everything raises MQTTException(ECONNOT). With `eager` the block begins before the broker has
    answered: when it refuses, all that waits raises that, and so does the end of the block. Without memory, or
    with a module that cannot be loaded any more, a connection or an attempt fails, as by the network.

    up, down    Events: there is a connection, there is none; None before the first `connect`
    last_error  the OSError or MQTTException that ended the last connection, or the last attempt to
                make one; or MQTTException(SOVERSIZE) for a message larger than `max_packet`; None before the first
    dropped     how many messages were thrown away: at QoS 0 when the queue was full, and those
                larger than `max_packet`, or with a topic that MQTT forbids
    """

    up: "asyncio.Event" = None  # type: ignore[assignment]
    down: "asyncio.Event" = None  # type: ignore[assignment]
    dropped = 0
    last_error: "BaseException | None" = None
    _error: "BaseException | None" = None  # what ended the client's own task
    _task: "Any" = None  # the client's own task
    _timer: "Any" = None  # another task, which wakes it
    _changed: "Any" = None  # an Event: a message is there, the network takes more, up or down
    _parked = False  # the client's own task waits in the event loop
    _epoch = 0  # number of the connection
    _asking = 0  # tasks that wait for a message
    _skipped = False  # there is a message at QoS 1 or 2 that did not fit into the queue
    _again = 0  # messages whose task has failed

    def __init__(
        self,
        client_id: "Text",
        server: "str | ServerList",
        port: "int" = 0,
        user: "Text | None" = None,
        password: "Text | None" = None,
        keepalive: "int" = 60,
        *,
        ssl: "object" = False,
        ssl_params: "dict[str, Any] | None" = None,
        will: "Will | None" = None,
        clean_session: "bool" = False,
        eager: "bool" = False,
        queue: "int" = 20,
        keep_qos0: "bool" = False,
        socket_timeout: "float" = 5,
        message_timeout: "float" = 10,
        backoff: "tuple[float, float]" = (1, 60),
        verbose: "bool" = True,
        max_packet: "int" = 8192,
        transport: "Transport | None" = None,
        session: "Session | None" = None,
        clock: "Clock" = time,
        packets: "Packets" = V311,
        network: "Network | None" = None
    ) -> "None":
        """
        client_id        client identifier; may be empty with a clean session [3.1.3.1]
        server, port     the broker's host name or address and TCP port; 0 is 1883, or 8883 with TLS. Or a list of
                         servers, each a name or (name, port), which are tried in turn: see `umqtt2.servers`. Then
                         these attributes are those of the connection, or of the next attempt
        user, password   or None [3.1.3.4, 3.1.3.5]
        keepalive        seconds, 0 to 65535: the client pings by itself when nothing was sent or
                         received for half of it; 0 turns it off [3.1.2.10]
        ssl, ssl_params  True or an SSLContext for TLS; see `transport.tls.TLSTransport`
        will             topic, payload, and perhaps retain and QoS of the last will, or None [3.1.2.5]
        clean_session    True has the broker forget the session whenever the connection is lost
        eager            True does not wait for the broker's answer: `connect` returns when the broker was reached,
                         and what was never sent before follows at once, then and with each later connection [3.1.4].
                         At QoS 0 nobody can tell whether a broker that refuses has thrown it away
        queue            messages that wait to be taken, at the most; see `messages`
        keep_qos0        True keeps messages at QoS 0 too while there is no connection; else they are dropped
        socket_timeout   seconds to wait for the network, for each part of connecting, and for what is sent
        message_timeout  seconds that `subscribe` and `unsubscribe` wait for an answer; up to 500,000
        backoff          seconds, the first and the longest pause before an attempt to connect again
        verbose          False prints nothing when the connection fails
        max_packet       bytes; a message that is larger is thrown away
        transport        replaces server, port and ssl; the contract is in `umqtt2.transport`
        session          a store that keeps messages, by default a MemorySession; the contract is in `umqtt2.session`
        clock            replaces `time`
        packets          the protocol version; see `umqtt2.packets`
        network          is brought up before each attempt, such as a `umqtt2.wifi.Wifi`; None where that is done
                         elsewhere

        Raises ValueError for what is not allowed; some of it is told by `connect`.
        """
        self.client_id = client_id
        self.server = server
        self.port = port_of(port, ssl, ssl_params)
        self.user = user
        self.password = password
        self.keepalive = keepalive
        self.ssl = ssl
        self.ssl_params = ssl_params
        if STRICT and will and not (isinstance(will, (tuple, list)) and 2 <= len(will) <= 4):
            raise TypeError("will: not (topic, payload), perhaps with retain and QoS")
        self.will = last_will(packets, *will) if will else None
        self.keep_qos0 = keep_qos0
        self.socket_timeout = socket_timeout
        self.message_timeout = message_timeout
        self.verbose = verbose
        self.transport = transport
        self.session = session = keeping(session)
        self._clean = clean_session
        self._set_limit(queue)
        self._reconnector = Reconnector(self, backoff)
        self.cbconnection = self._on_connection
        self._queue: "list[list[Any]]" = []
        self._given: "list[list[Any]]" = []  # taken by the program, and not acknowledged
        self._acks: "list[int]" = []  # to send: packet identifier << 8 | first byte
        self._waiting: "list[Any]" = []  # an Event for each task that waits for an acknowledgement
        self._line: "list[Any]" = []  # one for each that waits for room in the session store
        self.connection = Connection(session, packets, max_packet, clock)
        connection = self.connection
        connection.ready = GREETING if eager else UP
        if NETWORKS and network:
            from .wifi import opener

            connection.opener = opener(network)
        connection.cb = self._on_message  # type: ignore[assignment]
        connection.late = True
        connection.cbstat = self._on_status

    if SHOWN:

        def __repr__(self) -> "str":
            from .texts import shown

            return shown(self)

    def is_connected(self) -> "bool":
        """Return whether there is a connection, as far as is known."""
        return self.connection.state == UP

    # --- The block -----------------------------------------------------------------------------------

    async def connect(self) -> "MQTTClient":
        """Connect to the broker. What `async with` calls.

        Raises OSError or MQTTException when there is no connection, MQTTException(EBUSY) when the client was
        entered already, and ValueError or TypeError when what it was made with is not allowed.
        """
        await asyncio.sleep(0)  # tasks of the last connection end: MicroPython's queue would let this one's keep them
        self._prepare()
        connection = self.connection
        epoch = self._epoch
        try:
            self._task = asyncio.create_task(self._run())
            while self._task and self._epoch == epoch and connection.state < connection.ready:
                await self._wait_change()
        except BaseException:
            self._end()
            raise
        if not self._task:
            raise self._error or MQTTException(ECONNOT)
        return self

    def _prepare(self) -> "None":
        # Begin the first attempt to connect.
        if self._task:
            raise MQTTException(EBUSY)
        self._changed = asyncio.Event()
        self.up = asyncio.Event()
        self.down = asyncio.Event()
        self.down.set()
        self._error = self._timer = None
        self._parked = False
        self._epoch += 1
        self._reconnector.begin(self._clean)

    async def disconnect(self) -> "None":
        """Leave the broker. The messages that the program has taken are acknowledged. Returns when the broker
        has closed, after a second at the most; at once where nothing can be sent."""
        self._take_back()
        for one in self._given:
            if one[TASK]:
                one[TASK] = None
        self._acknowledge()
        await self._leave()

    async def __aenter__(self) -> "MQTTClient":
        return await self.connect()

    async def __aexit__(self, kind: "object", *more: "object") -> "None":
        if kind:
            await self._leave()  # what made the program fail comes again
        else:
            await self.disconnect()
            if self._error:
                raise self._error

    async def connect_now(self) -> "bool":
        """End the pause before the next attempt to connect: the network is there again. Returns whether the
        attempt, or one that was under way, has made a connection."""
        self._check_running()
        connection = self.connection
        reconnector = self._reconnector
        if not connection.state:
            reconnector.hurry()
            self._wake()
        # The attempt begins when the name was looked up.
        while connection.state != UP and (connection.state or (reconnector.due < 0 and reconnector.enabled)):
            await self._wait_change()
        self._check_running()
        return connection.state == UP

    async def _leave(self) -> "None":
        connection = self.connection
        task = self._task
        if task:
            self._reconnector.enabled = False
            self._release()
            try:
                # Before the CONNACK there is nothing to acknowledge.
                if connection.state >= connection.ready and (connection.state != UP or self._send(None)):
                    connection.leave()
                    self._wake()
                # Another task may have begun it, and the DISCONNECT may have yet to go.
                while connection.state == LEAVING and self._task is task:
                    await self._wait_change()
            finally:
                if self._task is task:  # another one may have left, and connected again
                    self._end()

    # --- Publish and subscribe -----------------------------------------------------------------------

    async def publish(
        self, topic: "TopicName", msg: "Payload", retain: "bool" = False, qos: "int" = 0
    ) -> "None":
        """Publish a message, and return when it was acknowledged; at QoS 0 when the network has taken it [3.3].

        topic   topic name, str or bytes, without wildcards; with MQTT 5 also a `v5.Topic`
        msg     payload, str (sent as UTF-8) or bytes
        retain  True has the broker keep it for later subscribers [3.3.1.3]
        qos     0, 1, or 2 [4.3]

        Where the session store is full it waits for room. A message at QoS 0 is dropped while there is
        no connection, unless the client was made with `keep_qos0`. Raises MQTTException(ECONCLOSE) when the
        broker has closed one connection after another because of the message, and ValueError or TypeError
        for a topic, payload or QoS that is not allowed. With MQTT 5 also MQTTException(ESUBACKFAIL, reason code) when
        the broker refuses the message, and MQTTException(ELIMIT, reason code) for one that it does not take.
        """
        name = self.connection.packets.topic_name(topic)
        check_qos(qos, self.session.max_qos)
        if not isinstance(msg, bytes) or len(msg) > LONGEST:
            msg = payload_bytes(msg)
        connection = self.connection
        while not qos and connection.pending:
            self._check_running()
            await self._wait_change()
        pid = await self._add(PUBLISH | qos << 1 | (1 if retain else 0), name, msg)
        if pid:
            event = self._expect(pid)
            try:
                await event.wait()
                self._check_answer(event)
            finally:
                self._waiting.remove(event)
        elif connection.pending:
            try:
                while connection.pending:
                    await self._wait_change()
            except BaseException:
                try:
                    connection.keep_payload()  # the program may change its own now
                except MemoryError as e:
                    self._fail(e)
                raise
        else:
            await asyncio.sleep(0)  # who only publishes lets the others have their turn

    async def subscribe(self, *filters: "Text | tuple[Text, int]", qos: "int" = 0) -> "Any":
        """Subscribe to topic filters, and return when the broker has granted them [3.8].

        filters  one or more: str or bytes, or a tuple of that and its QoS
        qos      the highest QoS to receive, of those without one: 0, 1 or 2

        Returns the QoS that was granted; of several filters a tuple. Raises MQTTException(ESUBACKFAIL) when the
        broker refuses one of them (the others hold), MQTTException(ECONTIMEOUT) when it does not answer within
        `message_timeout`, MQTTException(ECONCLOSE) as `publish` does, and ValueError for a filter or QoS that is not
        allowed.
        """
        return await self._request(SUBSCRIBE, filters, qos)

    async def unsubscribe(self, *filters: "Text") -> "None":
        """Give up subscriptions, and return when the broker has acknowledged it; see `subscribe` [3.10]."""
        await self._request(UNSUBSCRIBE, filters, 0)

    async def _request(self, first: "int", filters: "tuple[Any, ...]", qos: "int") -> "Any":
        wishes = self._wishes(first, filters, qos)
        events: "list[Any]" = []
        granted: "list[int]" = []
        try:
            for topic, qos in wishes:
                events.append(self._expect(await self._add(first, topic, qos)))
            for event in events:
                try:
                    await self._wait_for(event.wait(), self.message_timeout)
                except asyncio.TimeoutError:
                    if not event.is_set():  # a program that looks seldom sees the answer and the time's end at once
                        for one in self._waiting:
                            if one is not event and one.pid == event.pid:
                                break  # another one wants it
                        else:
                            self.session.remove(event.pid)
                        raise MQTTException(ECONTIMEOUT)
                self._check_answer(event)
                granted.append(event.code)
        finally:
            for event in events:
                self._waiting.remove(event)
        return tuple(granted) if len(granted) > 1 else granted[0]

    def _wishes(self, first: "int", filters: "tuple[Any, ...]", qos: "int") -> "list[tuple[bytes, int]]":
        # What is asked of the broker: topic filters, each with its QoS.
        if not filters:
            raise TypeError("topic: none is given")
        packets = self.connection.packets
        wishes: "list[tuple[bytes, int]]" = []
        for one in filters:
            topic, highest = one if isinstance(one, tuple) and first == SUBSCRIBE else (one, qos)
            (packets.check_options if FIVE and packets.five else check_qos)(highest, self.session.max_qos)
            wishes.append((topic_filter(topic), highest))
        return wishes

    async def _add(self, first: "int", topic: "bytes", msg: "Any") -> "int":
        # Send a packet, or give it to the session store; wait for room. Who waits first is first.
        connection = self.connection
        if FIVE and connection.packets.five:
            topic = connection.packets.check(connection, first, topic, msg)  # from now on its time counts
        place = len(self._line)
        wait = place and first & 0xF0 == PUBLISH and first & 6
        while True:
            self._check_running()
            if not wait:
                try:
                    pid = self._send_request(first, topic, msg)
                    if not pid:
                        self._next_in_line()  # it has taken no room, or not for long
                    return pid
                except MQTTException as e:
                    if e.args[0] != EFULL:
                        if FIVE:
                            self._next_in_line()  # it takes no room
                        raise
            event = asyncio.Event()
            self._line.insert(place, event)
            wait = False
            place = 0  # if there is no room yet
            self._wake()
            try:
                await event.wait()
            except BaseException:
                if event.is_set():
                    self._next_in_line()
                raise
            finally:
                self._line.remove(event)

    def _send_request(self, first: "int", topic: "bytes", msg: "Any") -> "int":
        connection = self.connection
        session = self.session
        pid = 0
        connection.enter()
        try:
            up = connection.state >= connection.ready
            kept = first & 6  # QoS 1 and 2; SUBSCRIBE and UNSUBSCRIBE have it, too
            # What is kept waits for the CONNACK: only the limits of the last one are known before.
            if FIVE and connection.packets.five and (connection.state == UP if kept else up):
                code = connection.packets.excess(first, topic, msg)  # it may have waited since `check`
                if code:
                    raise MQTTException(ELIMIT, code)
            if kept or (self.keep_qos0 and (not up or session.has_unsent or connection.pending)):
                pid = session.add(first, topic, msg, connection.now(), connection.timeout)
            if up:
                try:
                    if pid:
                        connection.drain(pid)
                    elif not connection.pending:
                        connection.send_message(first, topic, msg, 0)
                except BaseException as e:
                    self._fail(e)
                    # What the session store has is sent again.
                    if not isinstance(e, Exception if pid else NETWORK):
                        raise
        finally:
            connection.busy = False
        if connection.pending or not up:
            self._wake()  # to wait for the network to take more
        if FIVE and (connection.paused or session.has_unsent):
            self._wake()  # the message may be a question, or it may not be sent: the next step tells
        return pid if kept else 0

    def _expect(self, pid: "int") -> "Any":
        # An event for what becomes of a packet identifier.
        event: "Any" = asyncio.Event()
        event.pid = pid
        event.status = event.code = None
        self._waiting.append(event)
        if len(self._queue) >= self._limit:
            self._wake()  # to read on
        return event

    def _check_answer(self, event: "Any") -> "None":
        # Raise unless the packet that the event is for was acknowledged.
        status = event.status
        if status != SDELIVERED:
            if status is None:
                raise self._error or MQTTException(ECONNOT)
            if FIVE and status == SFAILED and self.connection.packets.five:
                raise MQTTException(ESUBACKFAIL, event.code)
            raise MQTTException(
                ECONCLOSE if status == SREJECTED else ESUBACKFAIL if status else ECONTIMEOUT
            )

    # --- Messages ------------------------------------------------------------------------------------

    def messages(self, queue: "int | None" = None) -> "AsyncIterator[Message]":
        """Iterate, with `async for`, over the messages; each is a tuple with names: topic, payload (bytes), retain
        (bool), qos (int), dup (bool: it may have come before). It ends when the client leaves the broker.

        queue  messages that wait to be taken, at the most, from now on. While there are as many, nothing
               more is read from the network, which makes the broker wait. But while a task waits for an
               acknowledgement, reading goes on: then messages at QoS 0 that do not fit are dropped, the oldest
               first, and counted in `dropped`. Those at QoS 1 and 2 are never dropped

        A message at QoS 1 or 2 is acknowledged when the task that has it asks for the next one, or returns; at the end
        of the block only if no exception ends it. When the task fails, who asks next gets the message. Several tasks
        may iterate: each message goes to one of them. They are acknowledged in the order in which they came: one that
        takes long holds up the acknowledgement of the others.
        """
        if queue is not None:
            self._set_limit(queue)
        return self

    def __aiter__(self) -> "MQTTClient":
        return self

    async def __anext__(self) -> "Message":
        self._take_back()
        if not (self._queue or self._again):
            await self._wait_message()
            if not (self._queue or self._again):
                if self._error:
                    raise self._error
                raise StopAsyncIteration
        return self._give()

    async def next(self, timeout: "float | None" = None) -> "Message":
        """Return the next message; see `messages`. No message is lost when this is cancelled.

        timeout  seconds, up to 500,000, or None to wait for ever; with 32 bits MicroPython's asyncio raises
                 OverflowError for more than 6.2 days

        Raises asyncio.TimeoutError, and MQTTException(ECONNOT) when the client leaves the broker.
        """
        if STRICT and not isinstance(timeout, (int, float, type(None))):
            raise TypeError("timeout: not a number but %s" % type(timeout).__name__)
        self._take_back()
        now = self.connection.now
        start = now()
        while not (self._queue or self._again):  # another task may have taken what came
            self._check_running()
            if timeout is None:
                await self._wait_message()
            else:
                passed = (now() - start << UNIT_BITS) / 1000
                await self._wait_for(self._wait_message(), max(0, timeout - passed))
        return self._give()

    def _set_limit(self, queue: "int") -> "None":
        check_count(queue, "queue")
        self._limit = queue

    async def _wait_message(self) -> "None":
        self._asking += 1
        if self._is_working():
            self._wake()  # to see when another task ends
        try:
            while not (self._queue or self._again) and self._reconnector.enabled:
                await self._wait_change()
        finally:
            self._asking -= 1

    def _give(self) -> "Message":
        if self._again:
            for one in self._given:
                if one[TASK] == AGAIN:
                    break
            self._again -= 1
        else:
            one = self._queue[0]
            if one[PID]:
                self._given.append(one)  # first, because it needs memory
            self._queue.pop(0)
        one[TASK] = asyncio.current_task()
        if self.connection.paused:
            self._wake()
        if self._queue or self._again:
            self._changed.set()  # for other tasks
        return one[MESSAGE]  # type: ignore[no-any-return]

    def _take_back(self) -> "None":
        # What this task has got was processed; that of one that has ended, too, unless it failed.
        given = self._given
        if given:
            me = asyncio.current_task()
            for one in given:
                task = one[TASK]
                if task and (task is me or task.done()):
                    if task is not me and self._has_failed(task):
                        self._put_back(one)
                    else:
                        one[TASK] = None
            self._acknowledge()
        if self._skipped and not (self._queue or self._again or self._is_working()) and self._send(self._acks):
            self._skipped = False
            self.connection.leave()  # and connect again: the broker repeats what did not fit
            self._wake()

    def _is_working(self) -> "bool":
        # Whether a task has a message.
        for one in self._given:
            if one[TASK]:
                return True
        return False

    def _put_back(self, one: "list[Any]") -> "None":
        # For another task, at its place: acknowledgements keep their order.
        one[TASK] = AGAIN
        self._again += 1
        self._changed.set()

    def _has_failed(self, task: "Any") -> "bool":
        return not isinstance(task.data, StopIteration)

    def _acknowledge(self) -> "None":
        given = self._given
        session = self.session
        i = 0
        while i < len(given) and given[i][TASK] is None:
            message, pid, epoch, _ = given[i]
            if epoch != FORGOTTEN:
                if message.qos == 1 and (epoch != self._epoch or self.connection.state != UP):
                    i += 1  # the broker repeats it, and then it is acknowledged
                    continue
                try:
                    if message.qos > 1:
                        session.is_new(pid, message.topic, message.payload)
                        session.mark_received(pid)
                    if epoch == self._epoch:
                        self._acks.append(pid << 8 | (PUBREC if message.qos > 1 else PUBACK))
                except Exception as e:
                    self._fail(e)  # it is known when the broker repeats it
                    break
            given.pop(i)
        if self._acks:
            self._send(self._acks)

    def _send(self, acks: "list[int] | None") -> "bool":
        # Send what stands in the slot, then acknowledgements; return whether all of it was sent.
        connection = self.connection
        if connection.state != UP:
            return False
        blocked = connection.pending
        connection.enter()
        try:
            while connection.flush() and acks:
                connection.send_ack(acks[0] & 255, acks[0] >> 8)
                acks.pop(0)
        except BaseException as e:
            self._fail(e)
            if not isinstance(e, Exception):
                raise
        finally:
            connection.busy = False
        if blocked or connection.pending:
            self._changed.set()  # for who waits for the slot
            self._wake()
        return connection.state == UP and not connection.pending

    def _on_message(self, first: "int", topic: "bytes", payload: "bytes", pid: "int") -> "None":
        queue = self._queue
        epoch = self._epoch
        if pid:
            for known in (self._given, queue):
                for one in known:
                    if one[PID] == pid and one[EPOCH] not in (epoch, FORGOTTEN):
                        message = one[MESSAGE]
                        if message.topic == topic and message.payload == payload:
                            one[EPOCH] = epoch
                            return
            if self._skipped:
                return
        if len(queue) >= self._limit:
            for i in range(len(queue)):
                if not queue[i][PID]:
                    queue.pop(i)
                    self.dropped += 1
                    break
            else:
                if not pid:
                    self.dropped += 1
                    return
                packets = self.connection.packets
                if not (self._clean or (FIVE and packets.five and packets.ended)):
                    self._skipped = True
                    return
        message = self._new_message(first, topic, payload)
        queue.append([message, pid, epoch, None])
        self._changed.set()

    def _new_message(self, first: "int", topic: "bytes", payload: "bytes") -> "Any":
        message: "Any" = Message(topic, payload, first & 1 != 0, first >> 1 & 3, first & 8 != 0)
        packets = self.connection.packets
        if FIVE and packets.five:
            message = MessageWithProperties(*message, packets.properties())  # type: ignore
        return message

    # --- What becomes of it --------------------------------------------------------------------------

    def _on_status(self, pid: "int", status: "int") -> "None":
        if status in (SOVERSIZE, SDROPPED):
            self.dropped += 1
            if status == SOVERSIZE:
                self.last_error = MQTTException(status)
        elif status != SUNKNOWNPID:
            for event in self._waiting:
                if event.pid == pid:
                    event.status = status
                    event.code = self.connection.code
                    event.set()
            self._next_in_line()

    def _on_connection(self, up: "bool") -> "None":
        # Needs no memory.
        if up:
            for one in self._given:
                if one[TASK] is None and one[EPOCH] < self._epoch - 1:
                    one[EPOCH] = FORGOTTEN  # the broker has not repeated it
            self._epoch += 1
            self._skipped = False
            self._acks.clear()
            if self.connection.code < 256:  # a new session: what came in the last one cannot be acknowledged
                for known in (self._given, self._queue):
                    for one in known:
                        one[EPOCH] = FORGOTTEN
            self.down.clear()
            self.up.set()
        else:
            self.up.clear()
            self.down.set()

    def _next_in_line(self) -> "None":
        for event in self._line:
            if not event.is_set():
                event.set()
                break

    def _check_running(self) -> "None":
        if not self._reconnector.enabled:
            raise self._error or MQTTException(ECONNOT)

    def _wait_for(self, work: "Any", seconds: "float") -> "Any":
        return asyncio.wait_for(work, seconds)

    async def _wait_change(self) -> "None":
        self._changed.clear()
        await self._changed.wait()

    def _fail(self, error: "BaseException") -> "None":
        # The connection cannot go on.
        self._changed.set()
        self._wake()
        self.connection.close()
        self._reconnector.failed(error)

    # --- The client's own task -----------------------------------------------------------------------

    async def _run(self) -> "None":
        # Until `disconnect` was called and the broker has closed.
        me = asyncio.current_task()
        connection = self.connection
        reconnector = self._reconnector
        epoch = self._epoch
        try:
            while self._task is me and (reconnector.enabled or connection.state):
                first: "int | None" = None
                try:
                    if connection.state or self._epoch != epoch or (SERVERS and reconnector.due < 0):
                        first = self._look()
                    if not connection.state and self._epoch == epoch and not (SERVERS and reconnector.due < 0):
                        self._error = self.last_error
                        break  # the first attempt, with each of the servers
                    if first is None:
                        await self._wait()  # type: ignore[misc]
                except MemoryError:
                    first = 0  # an attempt that has failed
                except ImportError:  # a tuple of both would need memory
                    first = 0
                if first is not None:
                    await asyncio.sleep(0)
        except Exception as e:
            self._error = e
        finally:
            if self._task is me:
                self._task = None  # it cannot cancel itself
                self._end()

    def _look(self) -> "int | None":
        # Take steps until the queue is full. Returns None when there is nothing more to do now.
        connection = self.connection
        first: "int | None" = 0
        if self._asking:
            self._take_back()
        for _ in range(IN_TURN):
            state = connection.state
            full = len(self._queue) >= self._limit
            # A task that waits for an acknowledgement must not wait for who takes the messages.
            connection.paused = full and not (self._waiting or self._line)
            if FIVE and connection.paused and connection.packets.five:
                connection.paused = not connection.packets.asking
            if self._given and self._given[0][TASK] is None:
                self._acknowledge()  # the broker may have repeated it
            elif self._acks:
                self._send(self._acks)
            blocked = connection.pending
            unsent = self.session.has_unsent
            first = self._reconnector.look()
            if PLAIN:
                connection.reraise()
            if unsent and self.keep_qos0 and not self.session.has_unsent:
                self._next_in_line()  # messages at QoS 0 that were kept have no status
            if blocked and not connection.pending:
                state = first = 0  # look again: acknowledgements may have waited for that
            if connection.state != UP or state != UP:
                self._changed.set()
            if not first or len(self._queue) >= self._limit:
                break
        return first

    def _release(self) -> "None":
        # Nobody may wait any more. Needs no memory.
        for waiting in (self._waiting, self._line):
            for event in waiting:
                event.set()
        if self._changed:
            self._changed.set()

    def _end(self) -> "None":
        # There is no connection any more, nor a task of the client's. Needs no memory.
        connection = self.connection
        task = self._task
        timer = self._timer
        self._task = self._timer = None
        self._parked = False
        self._reconnector.enabled = False
        try:
            if connection.state > OPENING:
                if connection.state != LEAVING:
                    connection.leave()
                connection.step()  # sends the DISCONNECT, if the network takes it at once
        except Exception:
            pass
        connection.close()
        if task:
            task.cancel()
        if timer:
            timer.cancel()
        for one in self._given:
            if one[TASK]:
                self._put_back(one)
        self._acks.clear()
        self._release()
        self._reconnector.end()

    def _due_ms(self) -> "int":
        # Milliseconds until something is to be done whatever comes.
        connection = self.connection
        state = connection.state
        ms = LONG_MS
        if not state:
            ms = min(ms, self._reconnector.pause_ms())
        elif state == OPENING:
            ms = POLL_MS
        elif state != UP or connection.pending:
            ms = LOOK_MS
        elif self.session.has_unsent:
            ms = 0
        else:
            if connection.half:
                now = connection.now()
                quiet = min(max(now - connection.last_out, now - connection.last_in), now - connection.last_ping)
                ms = connection.half - quiet << UNIT_BITS
            if self._waiting or (self._asking and self._is_working()):
                ms = min(ms, WAIT_MS)
        return max(0, ms)

    def _pollable(self) -> "Any":
        # What shows that there is something to do, or None.
        connection = self.connection
        deaf = connection.paused and not connection.pending
        return None if deaf else getattr(connection.transport, "pollable", None)

    # --- The event loop ------------------------------------------------------------------------------

    def _wait(self) -> "Generator[None, None, None]":
        # Wait until the network has or takes something, until _wake(), or until the time is over. A task
        # can wait for one thing only: another task keeps the time.
        connection = self.connection
        ms = self._due_ms()
        pollable = self._pollable()
        self._parked = True
        try:
            if connection.state > OPENING and pollable:
                self._keep_time(ms)
                queue = asyncio.core._io_queue  # type: ignore[attr-defined]
                if connection.pending:
                    queue.queue_write(pollable)
                else:
                    queue.queue_read(pollable)
                yield
            else:
                if connection.state > OPENING and not connection.paused:
                    ms = min(ms, NAP_MS)
                yield from asyncio.sleep_ms(ms)  # type: ignore[attr-defined]
        except asyncio.CancelledError:
            if self._parked:
                raise  # it was not _wake()
        finally:
            self._parked = False

    def _wake(self) -> "None":
        if self._parked:
            self._parked = False
            self._task.cancel()

    def _keep_time(self, ms: "int") -> "None":
        # Have the timer wake the task in `ms` at the latest.
        timer = self._timer
        self._ms = ms
        if not timer:
            self._sleeps = False
            self._timer = asyncio.create_task(self._keep_waking())
        elif self._sleeps and time.ticks_diff(self._until, time.ticks_ms()) > ms:
            self._sleeps = False
            timer.cancel()

    async def _keep_waking(self) -> "None":
        me = asyncio.current_task()
        while self._timer is me:
            self._until = time.ticks_add(time.ticks_ms(), self._ms)
            self._sleeps = True
            try:
                await asyncio.sleep_ms(self._ms)  # type: ignore[attr-defined]
                self._wake()
                await asyncio.sleep(0)  # which may set another time
            except asyncio.CancelledError:
                pass  # it was _keep_time(), or _end()


try:
    from .cpython.aio import Waiting

    Waiting.take_over(MQTTClient)
except ImportError:
    pass
