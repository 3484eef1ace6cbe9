"""MQTT 5: messages that the broker refuses, of which the status callback ends the connection, or makes another."""

from umqtt2.v5 import V5


def run(device):
    c = device.client(packets=V5())
    seen = []
    for end in (c.disconnect, c.connect, lambda: c.connect(eager=True)):

        def on_status(pid, status, end=end):
            seen.append(status)
            end()

        c.connect()
        c.set_callback_status(on_status)
        c.publish(device.topic("denied"), "x", qos=1)
        count = len(seen)
        while len(seen) == count:
            c.check_msg()
        c.set_callback_status(device.on_status)
        c.connect()
        device.wait_status(c, c.publish(device.topic("up"), "x", qos=1))
    device.say("seen", statuses=seen)
    c.disconnect()
