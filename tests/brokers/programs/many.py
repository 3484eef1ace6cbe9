"""Many messages each way, over connections that break: at each QoS, those of each way are numbered from 0.

It prints `ready` when it has its subscriptions, `sent QOS NUMBER` for each message that was delivered, and
`got QOS NUMBER` for each that has come. It ends when all is done, or when nothing has happened for `quiet` seconds.
"""

from harness import time

LINGER_MS = 300  # for what should not come any more


class Progress:
    """What has been done; what a device's program says of it.

    left  messages that have yet to be delivered, or to come
    """

    def __init__(self, device):
        config = device.config
        self._qos = config["qos"]
        self._count = config["count"]
        self._come = {qos: bytearray(self._count) for qos in self._qos}
        self._quiet_ms = config["quiet"] * 1000
        self.total = self._count * len(self._qos)
        self.left = 2 * self.total
        self._at = time.ticks_ms()  # when something was done last

    def message(self, device, i):
        """The QoS and the number of the i-th message, and the arguments of publish()."""
        qos = self._qos[i % len(self._qos)]
        number = i // len(self._qos)
        return qos, number, (device.topic("up/%d" % qos), "%d" % number, False, qos)

    def got(self, topic, payload):
        """A message has come."""
        qos, number = int(topic[-1:]), int(payload)
        print("got", qos, number)
        come = self._come[qos]
        if not come[number]:
            come[number] = 1
            self._done()

    def sent(self, qos, number):
        """A message was delivered."""
        print("sent", qos, number)
        self._done()

    def _done(self):
        self.left -= 1
        self._at = time.ticks_ms()

    def over(self, connected):
        """Whether to end. While there is no connection, it takes twice as long: a broker may be slow to start."""
        limit = LINGER_MS if not self.left else self._quiet_ms if connected else 2 * self._quiet_ms
        return time.ticks_diff(time.ticks_ms(), self._at) > limit


def session(config):
    if config["kind"] == "file":
        from umqtt2.session.file import FileSession

        return FileSession(config["file"])
    from umqtt2.session.memory import MemorySession

    return MemorySession(50)


def robust(device, progress, store):
    from umqtt2 import MQTTException
    from umqtt2.errno import EFULL, SDELIVERED
    from umqtt2.robust import MQTTClient

    def on_status(pid, status):
        what = waiting.pop(pid, None)
        if status != SDELIVERED:
            print("status", status, "of", what)
        elif what:
            progress.sent(*what)
        elif pid in asked:
            asked.remove(pid)
            if not asked:
                print("ready")

    waiting = {}  # QoS and number by packet identifier
    client = MQTTClient(**device.arguments(**device.config["options"]), session=store)
    client.set_callback(lambda topic, msg, retained, dup: progress.got(topic, msg))
    client.set_callback_status(on_status)
    client.connect(clean_session=False)
    asked = [client.subscribe(device.topic("down/%d" % qos), qos) for qos in device.config["qos"]]
    i = 0
    while not progress.over(client.is_connected()):
        if i < progress.total:
            qos, number, arguments = progress.message(device, i)
            try:
                waiting[client.publish(*arguments)] = qos, number
                i += 1
            except MQTTException as e:
                if e.args[0] != EFULL:
                    raise
        if not client.check_msg():
            time.sleep_ms(1)
    client.disconnect()
    return client


def asynchronous(device, progress, store):
    import asyncio

    from umqtt2 import aio

    client = aio.MQTTClient(**device.arguments(**device.config["options"]), session=store)
    numbers = iter(range(progress.total))

    async def publish():
        for i in numbers:
            qos, number, arguments = progress.message(device, i)
            await client.publish(*arguments)
            progress.sent(qos, number)

    async def receive():
        async for one in client.messages():
            progress.got(one.topic, one.payload)

    async def subscribe():
        for qos in device.config["qos"]:
            await client.subscribe((device.topic("down/%d" % qos), qos))
        print("ready")

    async def main():
        async with client:
            # 30 tasks that publish, so that there is always more than may be in flight.
            tasks = [asyncio.create_task(one()) for one in [receive, subscribe] + 30 * [publish]]
            while not progress.over(client.is_connected()):
                await asyncio.sleep(0.02)
            for one in tasks:
                one.cancel()

    asyncio.run(main())
    return client


def run(device):
    """`config`: kind ("memory" and "file", both robust, or "asyncio"), qos, count, quiet, the client's options."""
    progress = Progress(device)
    store = session(device.config)
    way = asynchronous if device.config["kind"] == "asyncio" else robust
    client = way(device, progress, store)
    device.say("over", waiting=store.waiting(), error=repr(client.last_error))
