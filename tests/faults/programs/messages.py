"""Publish numbered messages and report received commands until told to end, despite broken connections.

Each line of its input is a task, a dict as JSON. It prints lines of words:

    begin N, accepted N PID, full N    a message: before publish(), after it, or after it has raised EFULL
    status PID STATUS                  arguments of the status callback
    got TOPIC PAYLOAD                  arguments of the message callback
    up, down ERROR                     calls of the connection callback, with client.last_error
    asked PID                          SUBSCRIBE was accepted
    ready                              both subscriptions were granted
    over WAITING ERROR                 the end; WAITING messages are still in the store
"""

import gc
import json
import select
import sys
import time

from umqtt2 import MQTTException
from umqtt2.errno import EFULL, SDELIVERED

try:
    from umqtt2.robust import MQTTClient
except ImportError:  # the build for asyncio
    pass
from umqtt2.session.memory import MemorySession


def session(task, store):
    """Return the store that the task asks for, by default an instance of `store`."""
    if task["file"]:
        from umqtt2.session.file import FileSession

        return FileSession(task["file"], task["limit"])
    if task.get("store"):
        import faulty_stores

        return getattr(faulty_stores, task["store"])(task["limit"])
    return store(task["limit"])


def version(task):
    """Return the client's `packets`, in a dict, and a function for topics with properties; MQTT 5 if the task asks
    for it."""
    if not task.get("five"):
        return {}, lambda name: name
    from umqtt2.v5 import V5, Topic

    packets = V5(window=7, aliases=3, user=[("task", task["prefix"])])
    return {"packets": packets}, lambda name: Topic(name, expiry=3600, content="text", user=[("to", name)])


def arguments(task):
    """Return the arguments of a task's client, besides its session and its version."""
    return {
        "client_id": task["client"],
        "server": "127.0.0.1",
        "port": task["port"],
        "keepalive": task["keepalive"],
        "socket_timeout": task["socket_timeout"],
        "backoff": task["backoff"],
        "verbose": False,
    }


def subscription(task, qos):
    """Return the QoS or the options to subscribe with."""
    if not task.get("five"):
        return qos
    from umqtt2.v5 import Options

    return Options(qos, identifier=300 + qos)


def check_properties(topic, properties):
    """With MQTT 5: raise unless a message has the identifier of its subscription."""
    wanted = {11: [300 + int(topic.decode().rsplit("/", 1)[1])]}
    if properties != wanted:
        raise ValueError("properties", properties, wanted)


class Program:
    """One task: a client with a session of its own."""

    def __init__(self, task):
        self.task = task
        self.number = task["first"]  # of the next message
        self.full = False
        self.ended = False
        self.subscriptions = []  # packet identifiers that wait for their status
        self.session = session(task, MemorySession)
        self.version, self.with_properties = version(task)
        self.client = client = MQTTClient(session=self.session, **arguments(task), **self.version)
        client.set_callback(self.on_message)
        client.set_callback_status(self.on_status)
        client.set_callback_connection(self.on_connection)

    def on_message(self, topic, msg, retained, dup):
        if self.version:
            check_properties(topic, self.version["packets"].properties())
        print("got", topic.decode().rsplit("/", 1)[1], msg.decode())

    def on_status(self, pid, status):
        print("status", pid, status)
        self.full = False
        if pid in self.subscriptions and status == SDELIVERED:
            self.subscriptions.remove(pid)
            if not self.subscriptions:
                print("ready")

    def on_connection(self, up):
        if up:
            print("up")
        else:
            print("down", repr(self.client.last_error))

    def publish(self, qos, which):
        """Publish the next message, unless the store is full."""
        print("begin", self.number)
        try:
            pid = self.client.publish(*self.message(qos, which, self.number))
        except MQTTException as e:
            if e.args[0] != EFULL:
                raise
            print("full", self.number)
            self.full = True
        else:
            print("accepted", self.number, pid)
            self.number += 1

    def message(self, qos, which, number):
        """Return the arguments of publish() for a message."""
        sizes = self.task["sizes"]
        payload = f"{number}:" + "x" * sizes[number % len(sizes)]
        return self.with_properties(f"{self.task['prefix']}/up/{qos}{which}"), payload, False, qos

    def begin(self):
        """Start the timeout; return a poller for the standard input."""
        gc.collect()
        self.end = time.ticks_add(time.ticks_ms(), self.task["timeout_ms"])
        poller = select.poll()
        poller.register(sys.stdin, 1)  # readable
        return poller

    def run(self):
        """Run the task."""
        task = self.task
        poller = self.begin()
        client = self.client
        client.connect(clean_session=False)
        for qos in (1, 2):
            pid = client.subscribe(f"{task['prefix']}/down/{qos}", subscription(task, qos))
            print("asked", pid)
            self.subscriptions.append(pid)
        while not self.ended or self.number < task["count"]:
            if self.number < task["count"] and not self.full:
                self.publish(1 + self.number // 2 % 2, self.number % 2)
            if not client.check_msg():
                if poller.poll(1):
                    self.ended = sys.stdin.readline() == "end\n" or self.ended
                if self.timed_out():
                    return
        self.finish()

    def finish(self):
        """Publish the last message, wait until all are delivered, and disconnect."""
        client = self.client
        while self.number == self.task["count"]:
            if not self.full:
                self.publish(2, 2)
            if not client.check_msg():
                time.sleep_ms(1)
            if self.timed_out():
                return
        while self.session.waiting() and not self.timed_out():
            if not client.check_msg():
                time.sleep_ms(1)
        client.disconnect()

    def timed_out(self):
        return time.ticks_diff(self.end, time.ticks_ms()) < 0


def main():
    """Run one task after another."""
    gc.threshold(2048)  # collect often, so that the heap is not fragmented
    while True:
        line = sys.stdin.readline()
        if not line:
            break
        if line == "end\n":
            continue  # it belongs to the previous task, which had ended
        task = json.loads(line)
        program = __import__("messages_aio").Program(task) if task.get("asyncio") else Program(task)
        program.run()
        print("over", program.session.waiting(), repr(program.client.last_error))
        program = None


main()
