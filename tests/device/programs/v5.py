"""MQTT 5: properties there and back, a request and its answer, aliases, reasons, and what may wait expires."""

from umqtt2.v5 import V5, Options, Topic


def run(device):
    five = V5(window=5, aliases=3, user=[("who", "device")])
    if device.config["robust"]:
        from umqtt2.robust import MQTTClient

        c = device.client(MQTTClient, packets=five)
    else:
        c = device.client(packets=five)
    seen = []

    def on_message(topic, msg, retained, dup):
        device.on_message(topic, msg, retained, dup)
        found = five.properties()
        seen.append(sorted([(key, str(found[key])) for key in found]))
        if five.reply():
            answers.append(five.reply())

    answers = []
    reasons = []
    highest = c.session.max_qos

    def on_status(pid, status):
        device.on_status(pid, status)
        reasons.append(five.reason)

    c.set_callback(on_message)
    c.set_callback_status(on_status)
    c.set_last_will(Topic(device.topic("will"), delay=0, content="text"), "gone", qos=1)
    c.connect()
    filter = device.topic("down/#")
    c.subscribe(filter, Options(highest, as_published=True, retained=2, identifier=700))
    device.until(c, lambda: reasons)
    question = Topic(
        device.topic("down/q"), expiry=60, content="json", text=True, user=[("k", "v")], correlation=b"42",
        response=device.topic("down/r"),
    )  # fmt: skip
    for qos in range(highest + 1):
        c.publish(question, "21.5", qos=qos)
    device.until(c, lambda: len(answers) == highest + 1)
    c.publish(answers[0], "answer", qos=1)
    device.until(c, lambda: len(seen) == highest + 2)
    c.publish(device.topic("nobody"), "x", qos=1)
    device.until(c, lambda: len(device.statuses) == highest + 3)
    found = {"messages": device.messages, "properties": seen, "reasons": reasons, "statuses": device.statuses}
    device.say("got", highest=highest, **found)

    # It answers its own question.
    def answer(topic, msg, retained, dup):
        c.publish(five.reply(), msg.upper(), qos=1)

    from umqtt2.requests import Requests

    c.set_callback(answer)
    requests = Requests(c, five, device.topic("reply"))
    answers = [requests.ask_and_wait(device.topic("down/svc"), word).decode() for word in ("one", "two")]
    device.say("answers", all=answers)
    five.disconnect(c, reason=4)
