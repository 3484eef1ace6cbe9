"""aiomqtt, with the methods that async_speed calls."""

import aiomqtt


class Client(aiomqtt.Client):
    connect = aiomqtt.Client.__aenter__

    async def disconnect(self):
        await self.__aexit__(None, None, None)

    def __aiter__(self):
        return self.messages


def client(host, port, keepalive):
    return Client(host, port, identifier="bench", keepalive=keepalive)
