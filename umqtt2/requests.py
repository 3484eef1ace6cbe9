"""Questions and their answers, by the response topics and correlation data of MQTT 5 [4.10].

    requests = Requests(client, five, "reply/dev")
    payload = await requests.ask("svc/time", b"")        # umqtt2.aio
    payload = requests.ask_and_wait("svc/time", b"")     # umqtt2 and umqtt2.robust

Who answers publishes to `five.reply()`.
"""

try:
    from os import urandom
except ImportError:  # a port without it: the numbers begin with 1
    urandom = bytes

try:
    from .cpython.aio import wait_for as wait_for
except ImportError:
    wait_for = None  # type: ignore[assignment]

from .errno import EBUSY, ECONTIMEOUT, SDROPPED, MQTTException
from .properties import CORRELATION_DATA
from .v5 import Topic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .cpython.contracts import Payload, Text
    from .v5 import V5

UNIT_MS = 64  # of Connection.now()
WAIT_MS = 100  # between two looks at the time


class Requests:
    """Asks questions for one client. Answers come at QoS 0, and do not reach the program's own messages.

    Make it when the client has its callback for messages. Any number of tasks may ask at the same time.
    """

    def __init__(self, client: "Any", five: "V5", topic: "Text") -> "None":
        """
        client  that asks
        five    its V5
        topic   where answers go, str or bytes: for this client alone

        Raises ValueError or TypeError for a topic to which nobody can publish.
        """
        self._client = client
        self._five = five
        self._topic = Topic(topic).encoded
        # Random: a question that was kept in a file, from before a reset, may be answered now.
        self._last = int.from_bytes(urandom(4), "big")
        self._answers: "dict[bytes, Any]" = {}  # by correlation data; None until it is there
        self._events: "dict[bytes, Any]" = {}  # for the tasks that wait
        self._connection: "Any" = None  # the one on which the subscription was made
        connection = client.connection
        self._others = connection.cb
        connection.cb = self._on_message

    async def ask(self, topic: "Text", msg: "Payload", timeout: "float" = 5, qos: "int" = 0) -> "bytes":
        """Publish a question, and return the payload of the answer. For `umqtt2.aio`.

        timeout  seconds to wait for the answer, and before that for the subscription and the network. The question
                 expires after it, too, so nobody answers in vain

        Raises asyncio.TimeoutError when no answer comes, and what `publish` and `subscribe` raise.
        """
        import asyncio

        key = self._new_key()
        self._events[key] = event = asyncio.Event()
        self._five.asking += 1
        try:
            work = self._publish(topic, msg, timeout, qos, key, event)
            await (asyncio.wait_for if wait_for is None else wait_for)(work, timeout)
            return self._answers[key]  # type: ignore[no-any-return]
        finally:
            self._five.asking -= 1
            del self._events[key]
            self._end(key)

    async def _publish(
        self, topic: "Text", msg: "Payload", timeout: "float", qos: "int", key: "bytes", event: "Any"
    ) -> "None":
        # Subscribe and publish, and wait for the answer.
        client = self._client
        if self._is_new():
            await client.subscribe(self._topic)
            self._connection = client.connection.feed
        await client.publish(self._question(topic, key, timeout), msg, qos=qos)
        await event.wait()

    def ask_and_wait(self, topic: "Text", msg: "Payload", timeout: "float" = 5, qos: "int" = 0) -> "bytes":
        """The same for clients that wait: other messages are given to their callback meanwhile.

        Raises MQTTException(ECONTIMEOUT) when no answer comes (a client with socket_timeout=None waits for ever),
        MQTTException(EBUSY) when called from a callback, and what `publish`, `subscribe` and `check_msg` raise.
        """
        client = self._client
        connection = client.connection
        if connection.in_callback:
            raise MQTTException(EBUSY)
        if self._is_new():
            client.subscribe(self._topic)
            self._connection = connection.feed
        key = self._new_key()
        end = connection.now() + int(timeout * 1000) // UNIT_MS + 1
        try:
            client.publish(self._question(topic, key, timeout), msg, qos=qos)
            while self._answers[key] is None:
                if not client.check_msg():
                    if connection.now() > end:
                        raise MQTTException(ECONTIMEOUT)
                    connection.wait(WAIT_MS)
            return self._answers[key]  # type: ignore[no-any-return]
        finally:
            self._end(key)

    def _is_new(self) -> "bool":
        # Whether there is to be a subscription. A store that keeps them renews them by itself.
        if self._connection and self._client.session.keeps:
            return False
        return self._connection is None or self._connection is not self._client.connection.feed

    def _new_key(self) -> "bytes":
        self._last = self._last + 1 & 0xFFFFFFFF
        key = self._last.to_bytes(4, "big")
        self._answers[key] = None
        return key

    def _end(self, key: "bytes") -> "None":
        # A question has its answer, or gets none: then perhaps because the broker has refused the subscription, or
        # the program has given it up.
        if self._answers.pop(key) is None:
            self._connection = None

    def _question(self, topic: "Text", key: "bytes", timeout: "float") -> "Topic":
        return Topic(topic, expiry=int(timeout) + 1, response=self._topic, correlation=key)

    def _on_message(self, a: "Any", b: "Any", c: "Any", d: "Any") -> "None":
        # What a Connection calls: with topic, payload, retain and dup, or for `umqtt2.aio` with the first byte, topic,
        # payload and packet identifier.
        connection = self._client.connection
        late = connection.late
        if (b if late else a) == self._topic:
            key = self._five.properties().get(CORRELATION_DATA)
            if key in self._answers:
                self._answers[key] = c if late else b
            if key in self._events:
                self._events[key].set()
            if not (late and d):
                return
            # Another subscription is for this topic, too: it is up to the program to acknowledge it.
        if self._others:
            self._others(a, b, c, d)
        else:
            connection.tell_status(0, SDROPPED)
            connection.busy = False  # this is a callback, too: others may come in until it returns
