"""Router: which functions are called for a message."""

from __future__ import annotations

import asyncio

import pytest

from umqtt2.aio import Message
from umqtt2.router import Router


@pytest.fixture
def calls():
    return []


def note(calls, name):
    """A function that notes that it was called, with what."""
    return lambda *args: calls.append((name, *args))


def test_the_functions_of_all_filters_that_match_are_called_in_order(calls):
    router = Router()
    router.on("lamp/+/set")(note(calls, "set"))
    router.on("door")(note(calls, "door"))
    router.on(b"lamp/#")(note(calls, "lamp"))
    router(b"lamp/1/set", b"on", False, True)
    assert calls == [("set", b"lamp/1/set", b"on", False, True), ("lamp", b"lamp/1/set", b"on", False, True)]


def test_a_function_may_have_several_filters(calls):
    router = Router()

    @router.on("a", "b/+", "b/c")
    def function(topic, msg, retained, dup):
        calls.append(topic)

    assert callable(function)
    for topic in (b"a", b"b/c", b"c"):
        router(topic, b"", False, False)
    assert calls == [b"a", b"b/c", b"b/c"]


def test_what_no_filter_matches_goes_to_the_default(calls):
    router = Router()
    router.on("a")(note(calls, "a"))
    router(b"b", b"", False, False)
    router.default = note(calls, "default")
    router(b"b", b"", False, False)
    router(b"a", b"", False, False)
    assert [name for name, *_ in calls] == ["default", "a"]


def test_wildcards_do_not_match_topics_of_the_broker(calls):
    router = Router(note(calls, "default"))
    router.on("#")(note(calls, "any"))
    router(b"$SYS/uptime", b"", False, False)
    assert [name for name, *_ in calls] == ["default"]


@pytest.mark.parametrize("wrong", ["", "a#", "a/#/b", "a+"])
def test_a_wrong_filter_is_told(wrong):
    with pytest.raises(ValueError):
        Router().on(wrong)


def test_no_filter_is_told():
    with pytest.raises(ValueError):
        Router().on()
    with pytest.raises((ValueError, TypeError)):
        Router().on(print)  # the decorator without its brackets


def test_what_a_function_raises_is_raised(calls):
    router = Router()
    router.on("a")(lambda *args: 1 / 0)
    router.on("a")(note(calls, "second"))
    with pytest.raises(ZeroDivisionError):
        router(b"a", b"", False, False)
    assert calls == []


def test_changes_in_a_function_count_from_the_next_message(calls):
    router = Router()

    @router.on("a")
    def once(*args):
        calls.append("once")
        router.off(once)
        router.on("a")(lambda *args: calls.append("later"))

    router.on("a")(lambda *args: calls.append("always"))
    for _ in range(2):
        router(b"a", b"", False, False)
    assert calls == ["once", "always", "always", "later"]


def test_a_program_uses_it(connected, calls):
    router = Router()
    router.on("a/+")(note(calls, "a"))
    connected.client.set_callback(router)
    connected.client.subscribe("#")
    connected.client.check_msg()
    connected.transport.deliver("a/b", "x")
    while connected.client.check_msg():
        pass
    assert calls == [("a", b"a/b", b"x", False, False)]


def test_coroutines_are_awaited_in_turn(calls):
    router = Router()

    @router.on("a/#")
    async def first(message):
        await asyncio.sleep(0)
        calls.append(("first", message.payload))

    router.on("a/b")(lambda message: calls.append(("second", message.payload)))
    message = Message(b"a/b", b"x", False, 1, False)

    async def main():
        await router.dispatch(message)
        await router.dispatch(message._replace(topic=b"c"))
        router.default = first
        await router.dispatch(message._replace(topic=b"c", payload=b"y"))

    asyncio.run(main())
    assert calls == [("first", b"x"), ("second", b"x"), ("first", b"y")]


def test_what_a_coroutine_raises_is_raised():
    router = Router()

    @router.on("a")
    async def fails(message):
        raise KeyError(message.topic)

    with pytest.raises(KeyError):
        asyncio.run(router.dispatch(Message(b"a", b"", False, 1, False)))
