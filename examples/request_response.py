"""A meter that answers questions, and that asks for its tariff: requests and responses of MQTT 5.

Copy this file to the board as main.py, and what `make device PROFILE=full` builds to its lib folder.
Wi-Fi is started in boot.py, as usual.

    home/meter-1/ask        a question to this meter: "power" or "energy"
    home/tariff/ask         the question that it asks itself, every TARIFF_S seconds
    home/meter-1/answers    where its answer comes

Try it from a computer; the answer comes to the topic that the question names:

    python3 -m umqtt2 sub -V 5 -h BROKER -t my/answers -v &
    python3 -m umqtt2 pub -V 5 -h BROKER -t home/meter-1/ask -m power -D publish response-topic my/answers
"""

import time

from machine import ADC, Pin

from umqtt2 import MQTTException
from umqtt2.requests import Requests
from umqtt2.robust import MQTTClient
from umqtt2.v5 import V5

BROKER = "broker.example.org"
PORT = 1883
CLIENT_ID = "meter-1"  # no two clients of a broker may have the same
TOPIC = "home/meter-1/"
TARIFF = "home/tariff/ask"

SENSOR = 34
FULL_WATTS = 6000  # of the sensor's full range
TARIFF_S = 3600  # seconds from one question to the next
TIMEOUT_S = 5  # seconds to wait for its answer


class Meter:
    """What the program knows: power, energy, and the tariff that it was told."""

    def __init__(self):
        self.sensor = ADC(Pin(SENSOR))
        self.watts = 0
        self.joules = 0
        self.tariff = "unknown"
        self.last = time.ticks_ms()
        self.five = V5()
        self.client = MQTTClient(CLIENT_ID, BROKER, PORT, keepalive=30, packets=self.five)
        self.client.set_callback(self.on_message)
        self.requests = Requests(self.client, self.five, TOPIC + "answers")  # after set_callback()

    def measure(self):
        """Add what was used since the last time."""
        now = time.ticks_ms()
        self.watts = self.sensor.read_u16() * FULL_WATTS // 65535
        self.joules += self.watts * time.ticks_diff(now, self.last) // 1000
        self.last = now

    def on_message(self, topic, msg, retained, dup):
        """Called from check_msg(): a question has come."""
        to = self.five.reply()  # with the correlation data of the question
        if not to:
            print("nowhere to answer to:", msg)
        elif msg == b"power":
            self.client.publish(to, "%d W" % self.watts)
        elif msg == b"energy":
            self.client.publish(to, "%d Wh, tariff %s" % (self.joules // 3600, self.tariff))
        else:
            self.client.publish(to, "power or energy?")

    def ask_for_tariff(self):
        """Ask, and wait for the answer; questions of others are answered meanwhile."""
        try:
            self.tariff = self.requests.ask_and_wait(TARIFF, b"", timeout=TIMEOUT_S).decode()
            print("tariff:", self.tariff)
        except MQTTException as e:
            print("no tariff: %r" % e)

    def run(self):
        """Measure, answer and ask, for ever."""
        self.client.connect()
        self.client.subscribe(TOPIC + "ask", qos=1)
        asked = time.ticks_add(time.ticks_ms(), -1000 * TARIFF_S)
        while True:
            while self.client.check_msg():
                pass
            self.measure()
            if self.client.is_connected() and time.ticks_diff(time.ticks_ms(), asked) >= 1000 * TARIFF_S:
                asked = time.ticks_ms()
                self.ask_for_tariff()
            time.sleep_ms(100)


Meter().run()
