"""umqtt2.robust, with readings that wait in the RAM of a client that was never connected."""

from time import sleep_ms

from waking import COMMANDS, READING, TOPIC, WAITING, acknowledged, arguments

from umqtt2.robust import MQTTClient
from umqtt2.session.memory import MemorySession


def wake(config):
    scenario = config["scenario"]
    told = []
    c = MQTTClient(**arguments(config, session=MemorySession(limit=WAITING), keep_qos0=True))
    c.set_callback(print)
    c.set_callback_status(lambda pid, status: told.append(pid))
    if scenario == "commands":
        c.subscribe(COMMANDS, 1)
    for _ in range(WAITING if scenario == "waiting" else 1):
        c.publish(TOPIC, READING, qos=0 if scenario == "qos0" else 1)
    c.connect(eager=config["eager"])
    while c.session.waiting() or (scenario == "commands" and len(told) < 2):
        c.check_msg()
        sleep_ms(5)
    if scenario != "qos0":
        acknowledged()
    c.disconnect()
