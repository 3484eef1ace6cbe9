# A lamp: publish "on" or "off" to lamp/set, below.
import time

from umqtt2 import MQTTClient


def on_message(topic, msg, retained, dup):
    print("The lamp is", msg.decode())
    client.publish("lamp", msg, retain=True)


client = MQTTClient("lamp-1", "broker.local", keepalive=30)
client.set_callback(on_message)
client.connect()
client.subscribe("lamp/set", qos=1)
print("Connected.")

while True:
    while client.check_msg():
        pass
    time.sleep_ms(100)
