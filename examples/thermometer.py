"""A thermometer that publishes its temperature and takes commands, over TLS.

Copy this file, config.py and the certificate of your broker's authority to the board, and what
`make device PROFILE=simple` builds to the board's lib folder. Wi-Fi is started in boot.py, as usual; so
is the clock, if your board checks the dates in a certificate.

Commands, to be published to the topic config.COMMANDS:

    interval 200    a reading every 200 milliseconds
    unit F          Fahrenheit from now on; "unit C" goes back to Celsius
"""

import gc
import math
import time

import config
from umqtt2 import MQTTClient, MQTTException
from umqtt2.errno import SDELIVERED, SFAILED
from umqtt2.transport.tls import TLSTransport


def read_celsius():
    """The sensor. Put your own here, for example `return esp32.mcu_temperature()`."""
    return 21 + 3 * math.sin(time.ticks_ms() / 3000)


class Thermometer:
    """What the program knows: how to measure, how often, and what became of its readings."""

    def __init__(self):
        self.unit = "C"
        self.interval = config.INTERVAL
        self.in_flight = {}  # by packet identifier: what waits for its acknowledgement, and since when
        self.connections = 0
        self.sent = 0
        self.acknowledged = 0
        self.lost = 0  # never acknowledged: the broker may have them or not
        self.commands = 0

        transport = None  # plain TCP
        if config.CA_FILE:
            # Talks to nobody but a broker with a certificate for this name from this authority.
            transport = TLSTransport(config.BROKER, config.PORT, cadata=config.CA_FILE)
        self.client = MQTTClient(
            config.CLIENT_ID,
            config.BROKER,
            config.PORT,
            config.USER,
            config.PASSWORD,
            keepalive=30,
            transport=transport,
        )
        self.client.set_callback(self.on_message)
        self.client.set_callback_status(self.on_status)

    def connect(self):
        """Connect, and ask for commands."""
        self.client.connect()
        self.connections += 1
        print("connected to", config.BROKER)
        self.client.subscribe(config.COMMANDS, qos=1)

    def work(self, is_over):
        """Publish readings and take commands until `is_over()`, or until the connection is lost."""
        last = time.ticks_add(time.ticks_ms(), -self.interval)
        while not is_over():
            # None of this waits for the network, so there is time for other work in this loop.
            while self.client.check_msg():
                pass
            if time.ticks_diff(time.ticks_ms(), last) >= self.interval:
                last = time.ticks_ms()
                self.publish_reading()
            time.sleep_ms(2)

    def publish_reading(self):
        """Measure and publish. Whether it arrived is told to `on_status`, a little later."""
        value = read_celsius()
        if self.unit == "F":
            value = value * 9 / 5 + 32
        text = "{:.2f} {}".format(value, self.unit)
        start = time.ticks_ms()
        self.sent += 1
        self.in_flight[self.client.publish(config.READINGS, text, qos=1)] = text, start

    def on_status(self, pid, status):
        """Called from check_msg(): the broker has answered, or has not answered in time."""
        if pid in self.in_flight:
            text, start = self.in_flight.pop(pid)
            if status == SDELIVERED:
                self.acknowledged += 1
                print("{}, round trip {} ms".format(text, time.ticks_diff(time.ticks_ms(), start)))
            else:
                self.lost += 1
        elif status == SFAILED:
            print("the broker refuses the subscription to", config.COMMANDS)

    def on_message(self, topic, msg, retained, dup):
        """Called from check_msg(): a command has come."""
        self.commands += 1
        try:
            name, value = msg.decode().split()
            if name == "interval" and int(value) >= 20:
                self.interval = int(value)
            elif name == "unit" and value in ("C", "F"):
                self.unit = value
            else:
                raise ValueError
            print("command:", name, value)
        except ValueError:
            print("not a command:", msg)

    def on_lost_connection(self, error):
        """Count what was in flight as lost: sending it again is left to a program that needs it."""
        print("no connection:", repr(error))
        self.lost += len(self.in_flight)
        self.in_flight.clear()

    def finish(self):
        """Wait a moment for the last acknowledgements, then leave the broker."""
        start = time.ticks_ms()
        while self.in_flight and time.ticks_diff(time.ticks_ms(), start) < 2000:
            self.client.check_msg()
            time.sleep_ms(10)
        self.client.disconnect()

    def report(self):
        """Print the counts in one line, for a person or a program."""
        gc.collect()
        print(
            "result sent={} acknowledged={} in_flight={} lost={} commands={} connections={} free={}".format(
                self.sent,
                self.acknowledged,
                len(self.in_flight),
                self.lost,
                self.commands,
                self.connections,
                gc.mem_free(),
            )
        )


def main():
    """Run for config.SECONDS, and connect again whenever the connection is lost."""
    start = time.ticks_ms()

    def is_over():
        return config.SECONDS and time.ticks_diff(time.ticks_ms(), start) >= config.SECONDS * 1000

    thermometer = Thermometer()
    while not is_over():
        try:
            thermometer.connect()
            thermometer.work(is_over)
            thermometer.finish()
        except (OSError, MQTTException) as error:
            thermometer.on_lost_connection(error)
            time.sleep(1)
    thermometer.report()


main()
