"""Messages by their topics: with the client that waits, and with the one for asyncio."""


def run(device):
    from umqtt2.router import Router

    got = []
    router = Router(lambda topic, *rest: got.append("default"))

    @router.on(device.topic("lamp/+/set"), device.topic("other"))
    def on_set(topic, msg, retained, dup):
        got.append("set " + msg.decode())

    @router.on(device.topic("#"))
    def on_any(topic, msg, retained, dup):
        got.append("any " + msg.decode())

    if device.config["aio"]:
        run_aio(device, Router, got)
        return
    c = device.client()
    c.set_callback(router)
    c.connect()
    pid = c.subscribe(device.topic("#"), qos=1)
    device.until(c, lambda: device.statuses == [[pid, 1]])
    device.say("ready")
    device.until(c, lambda: len(got) == 3)
    device.say("got", got=got)
    c.disconnect()


def run_aio(device, Router, got):
    from aio_runner import run_client

    async def scenario(device, client):
        import asyncio

        router = Router()

        @router.on(device.topic("lamp/+/set"))
        async def on_set(message):
            await asyncio.sleep(0)
            got.append("set " + message.payload.decode())

        @router.on(device.topic("#"))
        def on_any(message):
            got.append("any " + message.payload.decode())

        await client.subscribe(device.topic("#"), qos=1)
        device.say("ready")
        while len(got) < 3:
            await router.dispatch(await client.next())
        device.say("got", got=got)

    run_client(device, scenario)
