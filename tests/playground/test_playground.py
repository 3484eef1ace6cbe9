"""The playground, as a reader of the documentation uses it, in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.playground.conftest import LIMIT_MS
from tools.testkit.mosquitto import PlainMosquitto
from tools.testkit.ports import free_port

NARROW, WIDE = 400, 1280


class Play:
    """The playground on a page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.status = page.locator("#status")
        self.output = page.locator("#output")
        self.packets = page.locator("#packets")
        self.messages = page.locator("#messages")

    def start(self, program: str) -> None:
        """Choose one of the programs, and run it."""
        self.page.locator("#program").select_option(program)
        self.page.locator("#run").click()

    def run(self, text: str) -> None:
        """Run a program that is typed in."""
        self.page.locator(".cm-content").fill(text)
        self.page.locator("#run").click()

    def publish(self, topic: str, message: str) -> None:
        """Publish with the form."""
        self.page.locator("#topic").fill(topic)
        self.page.locator("#message").fill(message)
        self.page.locator("#send").click()

    def sees(self, place: Any, pattern: str) -> None:
        """Wait until a regular expression is found in what a place shows."""
        self.page.wait_for_function(
            "([box, pattern]) => new RegExp(pattern, 's').test(box.innerText)",
            arg=[place.element_handle(), pattern],
        )


@pytest.fixture(scope="module")
def page(browser: Any, site: str) -> Iterator[Any]:
    """The playground's page; a fault of its scripts fails the test."""
    opened = browser.new_page(viewport={"width": WIDE, "height": 1000})
    opened.set_default_timeout(LIMIT_MS)
    faults: list[str] = []
    elsewhere: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    own = (site, "data:", "blob:")
    opened.on("request", lambda request: request.url.startswith(own) or elsewhere.append(request.url))
    opened.goto(f"{site}/playground.html")
    yield opened
    opened.close()
    assert faults == []
    assert elsewhere == [], "the site asks another host for something"


@pytest.fixture
def play(page: Any) -> Iterator[Play]:
    """The playground, with no program that runs."""
    yield Play(page)
    stop = page.locator("#stop")
    if stop.is_enabled():
        stop.click()


def test_the_lamp_does_what_is_published_and_its_packets_are_shown(play: Play) -> None:
    play.start("lamp")
    play.sees(play.output, "^Connected.")
    play.publish("lamp/set", "blue")
    play.sees(play.output, "The lamp is blue")
    play.sees(play.messages, r"lamp\tblue")
    play.publish("lamp/#", "red")
    play.sees(play.status, "topic")
    play.sees(play.packets, "→.*CONNECT.*←.*CONNACK.*→.*SUBSCRIBE.*lamp/set.*←.*SUBACK")
    play.sees(play.packets, "←.*PUBLISH.*lamp/set.*→.*PUBLISH.*lamp.*→.*PUBACK")


@pytest.mark.parametrize("program", ["lamp", "asyncio"])
def test_a_hundred_messages_at_once(play: Play, program: str) -> None:
    play.start(program)
    play.sees(play.packets, "SUBACK")
    play.page.locator("#topic").fill("lamp/set")
    play.page.locator("#message").fill("next")
    play.page.locator("#send").evaluate("(button) => { for (let i = 0; i < 100; i++) button.click(); }")
    play.sees(play.output, r"((Measured \d+\n)*The lamp is next\n){100}")
    assert play.page.locator("#stop").is_enabled(), "the program has ended"


def test_tasks_measure_and_obey(play: Play) -> None:
    play.start("asyncio")
    play.sees(play.output, "Measured 20")
    play.publish("lamp/set", "on")
    play.sees(play.output, "The lamp is on")
    play.sees(play.messages, "room/temperature\t2")


def test_messages_wait_while_the_broker_is_away(play: Play) -> None:
    play.start("robust")
    play.sees(play.output, "delivered: message 1\n")
    play.page.locator("#cut").click()
    play.sees(play.output, "The connection is gone.")
    play.sees(play.messages, "kitchen/status\toffline")
    play.sees(play.packets, "closed")
    play.page.locator("#cut").click()
    play.sees(play.output, r"The connection is gone\..*Connected\..*delivered: message")
    play.sees(play.packets, "CONNACK accepted, session resumed")


def test_what_is_published_while_the_client_is_away_comes_later(play: Play) -> None:
    play.start("asyncio")
    play.sees(play.packets, "SUBACK")
    play.page.locator("#cut").click()
    play.sees(play.packets, "closed")
    play.publish("lamp/set", "green")
    play.page.locator("#cut").click()
    play.sees(play.output, "The lamp is green")


def test_a_session_is_kept_in_a_file(play: Play) -> None:
    play.run(
        """
from umqtt2.robust import MQTTClient
from umqtt2.session.file import FileSession
client = MQTTClient("meter-7", "broker.local", session=FileSession("/outbox"))
client.set_callback_status(print)
client.publish("meter-7/energy", "230.1", qos=1)
print(len(FileSession("/outbox").pids()), "waits")
client.connect()
while True:
    client.check_msg()
"""
    )
    play.sees(play.output, r"^1 waits\n\d+ 1\n")


def test_of_two_clients_with_one_identifier_the_older_one_is_closed(play: Play) -> None:
    play.run(
        """
from umqtt2 import MQTTClient
first, second = [MQTTClient("one", "broker.local") for _ in range(2)]
first.connect()
second.connect()
while True:
    first.check_msg()
"""
    )
    play.sees(play.output, "MQTTException: 1 ECONCLOSE.*client_id")


def test_a_display_asks_a_meter(play: Play) -> None:
    play.start("request")
    play.sees(play.output, "Asked for power.*answer: 230 W")
    play.sees(play.packets, "→.*display-1.*PUBLISH.*meter/ask.*←.*meter-1.*PUBLISH.*meter/ask")
    play.page.locator("#cut").click()
    play.sees(play.output, "no answer")
    assert play.page.locator("#stop").is_enabled(), "the program has ended"


def test_an_error_shows_its_traceback(play: Play) -> None:
    play.run("def f():\n    return 1 / 0\n\nprint('before')\nf()\n")
    play.sees(play.status, "has ended")
    assert play.output.inner_text().splitlines() == [
        "before",
        "Traceback (most recent call last):",
        '  File "main.py", line 5, in <module>',
        '  File "main.py", line 2, in f',
        "ZeroDivisionError: divide by zero",
    ]


def test_a_program_that_never_sleeps_does_not_freeze_the_page(play: Play) -> None:
    program = """
from umqtt2 import MQTTClient
from umqtt2.transport.websocket import WebSocketTransport
client = MQTTClient("busy", "", transport=WebSocketTransport("broker"))
client.set_callback(lambda topic, msg, retained, dup: print("got", msg.decode()))
client.connect()
client.subscribe("busy")
while True:
    client.check_msg()
"""
    play.run(program)
    play.sees(play.packets, "SUBACK")
    play.publish("busy", "x")
    play.sees(play.output, "got x")
    play.run("print('begun')\nwhile True:\n    pass\n")
    play.sees(play.output, "begun")
    play.page.locator("#stop").press("Enter")
    play.sees(play.status, "Stopped")
    assert play.page.evaluate("document.activeElement.shadowRoot.activeElement.id") == "run"


def test_it_talks_to_a_broker_of_ones_own(play: Play, tmp_path: Path) -> None:
    port = free_port()
    with PlainMosquitto(tmp_path, f"listener {port} 127.0.0.1", "protocol websockets") as broker:
        play.page.locator("#address").fill(f"127.0.0.1:{port}")
        try:
            play.start("robust")
            play.sees(play.output, "delivered: message 1\n")
            assert broker.logged("as kitchen-1")
            play.page.locator("#cut").click()
            play.sees(play.output, "The connection is gone.")
            play.page.locator("#cut").click()
            play.sees(play.output, r"The connection is gone\..*Connected\..*delivered: message")
            play.sees(play.packets, "→.*CONNECT.*←.*CONNACK")
        finally:
            play.page.locator("#address").fill("")


def test_a_broker_that_is_not_there_is_an_oserror_that_names_it(play: Play) -> None:
    address = play.page.locator("#address")
    address.fill("tcp://127.0.0.1")
    try:
        play.page.locator("#run").click()
        play.sees(play.status, "no address of a broker")
        port = free_port()
        address.fill(f"127.0.0.1:{port}")
        play.start("lamp")
        play.sees(play.output, f"OSError: .*ws://127.0.0.1:{port}/mqtt")
    finally:
        address.fill("")


def test_a_program_that_takes_all_memory_is_ended(play: Play) -> None:
    play.run("import time\nkept = []\nwhile True:\n    kept.append(bytes(1 << 18))\n    time.sleep_ms(0)\n")
    play.sees(play.output, "used all the memory")
    play.sees(play.status, "has ended")


def test_the_keyboard_is_enough(play: Play) -> None:
    def focused() -> str:
        at = "document.activeElement.shadowRoot?.activeElement"
        return str(play.page.evaluate(f"() => {at}?.id || {at}?.className || ''"))

    keyboard = play.page.keyboard
    play.page.locator("#program").focus()
    seen = []
    for _ in range(20):
        seen.append(focused())
        if not seen[-1]:
            break
        keyboard.press("Tab")
    names = [name.split()[0] for name in seen if name]
    form = ["address", "topic", "message", "qos", "retain"]
    assert names == ["program", "run", "cm-content", "output", "packets", *form]
    play.page.locator(".cm-content").focus()
    keyboard.press("Control+a")
    keyboard.type("print('typed', 6 * 7)")
    keyboard.press("Control+Enter")
    play.sees(play.output, "typed 42")
    play.sees(play.status, "has ended")
    keyboard.press("Shift+Tab")
    assert focused() == "run"
    client = "import umqtt2\nclient = umqtt2.MQTTClient('one', 'broker.local')\nclient.connect()\nprint('up')\n"
    play.run(client + "while True:\n    client.check_msg()\n")
    play.sees(play.output, "^up")
    play.page.locator("#cut").focus()
    keyboard.press("Enter")
    play.sees(play.status, "has ended")
    assert focused() == "run"


def test_on_a_narrow_page_the_keyboard_opens_the_navigation_or_passes_it_by(browser: Any, site: str) -> None:
    page = browser.new_page(viewport={"width": NARROW, "height": 800})
    page.set_default_timeout(LIMIT_MS)
    page.goto(site + "/")
    page.locator(".cm-line").first.wait_for()

    def goes_to(selector: str, most: int) -> bool:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("(it) => document.activeElement.matches(it)", selector):
                return True
        return False

    assert goes_to(".md-header__button[for=__drawer]", 5)
    assert goes_to("umqtt2-playground", 15)
    page.keyboard.press("Home")
    page.locator(".md-header__button[for=__drawer]").focus()
    page.keyboard.press("Enter")
    assert goes_to(".md-nav__link[href='playground.html']", 15)
    page.keyboard.press("Enter")
    page.wait_for_url("**/playground.html")
    page.close()


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_fits_the_screen_in_both_colours(browser: Any, site: str, width: int, colours: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=colours)
    page.set_default_timeout(LIMIT_MS)
    page.goto(site + "/")
    page.locator(".cm-line").first.wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    text, back = page.locator(".cm-content").evaluate(
        "(it) => [getComputedStyle(it).color, getComputedStyle(it.closest('#editor')).backgroundColor]"
    )
    assert (brightness(text) > brightness(back)) == (colours == "dark")
    page.close()


def brightness(colour: str) -> float:
    """Of a colour as the browser computes it: 0 to 255."""
    numbers = [float(part) for part in re.findall(r"[\d.]+", colour)][:3]
    return sum(numbers) / 3
