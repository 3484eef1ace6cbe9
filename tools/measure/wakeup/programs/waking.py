"""What the programs of tools/measure/wakeup share. Each has `wake(config)`.

config  host, port, tls (with `ca`, a file), scenario, eager
"""

import sys
from time import sleep_ms

TOPIC = "shed/temperature"
READING = "21.5"
COMMANDS = "shed/set"
WAITING = 100


def acknowledged():
    """Say that all is acknowledged, and wait until that was noted."""
    print("acknowledged")
    sys.stdin.readline()


def arguments(config, **more):
    """Return the arguments of a client of umqtt2, by name."""
    made = {"client_id": "bench", "server": config["host"], "port": config["port"], "socket_timeout": 60}
    if config["tls"]:
        made.update(ssl=True, ssl_params={"cadata": config["ca"]})
    made.update(more)
    return made


def exchange(c, config, **how):
    """Do what the scenario says, with a client that tells what became of each packet; `how` is for its connect."""
    told = []
    c.set_callback(print)
    c.set_callback_status(lambda pid, status: told.append(pid))
    c.connect(**how)
    wanted = 1
    if config["scenario"] == "commands":
        c.subscribe(COMMANDS, 1)
        wanted = 2
    qos = 0 if config["scenario"] == "qos0" else 1
    c.publish(TOPIC, READING, qos=qos)
    if qos:
        while len(told) < wanted:
            c.check_msg()
            sleep_ms(5)
        acknowledged()
    c.disconnect()
