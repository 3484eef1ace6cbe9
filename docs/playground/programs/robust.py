# Cut the connection below, and bring it back:
# the messages wait, and none is lost.
import time

from umqtt2.errno import SDELIVERED
from umqtt2.robust import MQTTClient


def on_connection(up):
    print("Connected." if up else "The connection is gone.")


def on_status(pid, status):
    if status == SDELIVERED and pid in waiting:
        print("  delivered:", waiting.pop(pid))


waiting = {}
client = MQTTClient("kitchen-1", "broker.local", keepalive=10, backoff=(0.5, 2))
client.set_callback_connection(on_connection)
client.set_callback_status(on_status)
client.set_last_will("kitchen/status", "offline", retain=True)
client.connect()

number = 0
while True:
    if len(waiting) < 15:
        number += 1
        text = "message %d" % number
        waiting[client.publish("kitchen/log", text, qos=1)] = text
    for _ in range(20):
        client.check_msg()
        time.sleep_ms(100)
