"""A subscription that the broker refuses is raised where it is awaited, and the client lives on."""

from aio_runner import receive, run_client

from umqtt2 import MQTTException
from umqtt2.errno import ESUBACKFAIL


async def scenario(device, client):
    number = 0
    try:
        await client.subscribe(device.topic("forbidden"))
    except MQTTException as e:
        number = e.args[0]
    await client.subscribe(device.topic("down"), qos=1)
    device.say("subscribed", refused=number == ESUBACKFAIL)
    device.say("got", messages=await receive(device, client, 1))


def run(device):
    run_client(device, scenario)
