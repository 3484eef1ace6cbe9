"""A callback for each topic filter."""

from .constants import STRICT
from .packets.fields import check_callback, topic_filter
from .packets.filter import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .cpython.contracts import Text


class Router:
    """Calls a function of the program's for each message, chosen by topic filters.

        router = Router()

        @router.on("lamp/+/set")
        def on_set(topic, msg, retained, dup):
            print(topic, msg)

        client.set_callback(router)

    With `umqtt2.aio` the functions get the message, and may be coroutines, which are awaited:

        @router.on("lamp/+/set")
        async def on_set(message):
            await client.publish("lamp/state", message.payload)

        async for message in client.messages():
            await router.dispatch(message)

    The functions of all filters that match are called, in the order in which they were given; each filter for itself,
    so a function with two filters that match is called twice. What a function raises is raised at once, and those
    behind it are not called. `on` and `off` may be called at any time: in a function of the router, they count from
    the next message. The router does not subscribe; subscribe to these filters, or to others that have them in.

    default  called in the same way for a message that no filter matches, or None
    """

    def __init__(self, default: "Callable[..., Any] | None" = None) -> "None":
        """default: see above."""
        if STRICT:
            check_callback(default, "default")
        self.default = default
        self._routes: "tuple[tuple[bytes, Callable[..., Any]], ...]" = ()

    def on(self, *filters: "Text") -> "Callable[[Any], Any]":
        """Return a decorator that has a function called for messages that match one of the topic filters.

        filters  str or bytes; `+` is any level, `#` at the end all levels from there [4.7]. With MQTT 5 not what one
                 subscribes to for a shared subscription, but what follows `$share/name/`

        Raises ValueError for what is not a topic filter, TypeError for what is neither str nor bytes.
        """
        if not filters:
            raise ValueError("filters: none; use default= for all other messages")
        wanted = [topic_filter(one) for one in filters]

        def route(function: "Any") -> "Any":
            if STRICT:
                check_callback(function, "on")
            # Another tuple, so that a message that is being routed keeps its own.
            self._routes += tuple((one, function) for one in wanted)
            return function

        return route

    def off(self, function: "Callable[..., Any]") -> "None":
        """Do not call a function any more."""
        self._routes = tuple(route for route in self._routes if route[1] is not function)

    def __call__(self, topic: "bytes", msg: "bytes", retained: "bool", dup: "bool") -> "None":
        """Call what a message is for: with the arguments that the client gives to its callback for messages.

        For the callback of `umqtt2` and `umqtt2.robust`; with `umqtt2.aio` see `dispatch`. Raises what the functions
        raise.
        """
        found = False
        for wanted, function in self._routes:
            if matches(wanted, topic):
                found = True
                function(topic, msg, retained, dup)
        if not found and self.default:
            self.default(topic, msg, retained, dup)

    async def dispatch(self, message: "Any") -> "None":
        """Call what a message of `umqtt2.aio` is for, and await those that are coroutines. They run one after the
        other; when the task then asks for the next message, this one is acknowledged. Raises what they raise."""
        found = False
        for wanted, function in self._routes:
            if matches(wanted, message.topic):
                found = True
                await _finish(function(message))
        if not found and self.default:
            await _finish(self.default(message))


async def _finish(result: "Any") -> "None":
    # A coroutine is a generator on MicroPython, and has `send` there and on CPython.
    if hasattr(result, "send"):
        await result
