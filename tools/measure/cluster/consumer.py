"""Takes the fleet's messages out of a quorum queue, over AMQP."""

from __future__ import annotations

import threading
import time
from typing import Any

from tools.errors import ToolError
from tools.measure.cluster.nodes import Node
from tools.testkit.broker import HOST
from tools.testkit.rabbitmq import ANYBODY

QUEUE = "readings"


class Consumer:
    """A thread that goes on to another node when one ends.

    received  the payloads, in the order in which they came
    """

    def __init__(self, nodes: list[Node]) -> None:
        self.received: list[str] = []
        self._ports = [node.amqp_port for node in nodes]
        self._ends = False
        self.ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Consumer:
        self._thread.start()
        if not self.ready.wait(120):
            raise ToolError("cluster: the queue cannot be made")
        return self

    def __exit__(self, *exc: object) -> None:
        self._ends = True
        self._thread.join(60)

    def _run(self) -> None:
        import pika

        turn = 0
        while not self._ends:
            credentials = pika.PlainCredentials(ANYBODY, ANYBODY)
            where: Any = pika.ConnectionParameters(HOST, self._ports[turn % 3], credentials=credentials, heartbeat=10)
            turn += 1
            try:
                connection = pika.BlockingConnection(where)
                channel = connection.channel()
                channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
                channel.queue_bind(QUEUE, "amq.topic", "readings.#")
                self.ready.set()
                for method, _, body in channel.consume(QUEUE, inactivity_timeout=1):
                    if method:
                        self.received.append(body.decode())
                        channel.basic_ack(method.delivery_tag)
                    if self._ends:
                        break
                connection.close()
            except (pika.exceptions.AMQPError, OSError):
                time.sleep(0.5)
