"""Answer each message that comes by an acknowledged publish before the next one is asked for."""

from aio_parts import Transport
from aio_runner import run_client
from transports import transport_of


async def scenario(device, client):
    count = device.config["count"]
    await client.subscribe(device.topic("down"), qos=2)
    device.say("ready")
    up = device.topic("up")
    answered = 0
    while answered + client.dropped < count:
        message = await client.next()
        await client.publish(up, message.payload, qos=1)
        answered += 1
    device.say("answered", answered=answered, dropped=client.dropped, error=str(client.last_error))


def run(device):
    run_client(device, scenario, timeout=100, transport=Transport(transport_of(device)))
