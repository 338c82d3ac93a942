from socketio import AsyncSimpleClient
from socketio.exceptions import TimeoutError as Silence


async def stranger_probe(url):
    ann, ben, mallory = AsyncSimpleClient(), AsyncSimpleClient(), AsyncSimpleClient()
    try:
        for client in (ann, ben, mallory):
            await client.connect(url)
        opened = await ann.call("open_table", {})
        table = opened["table"]
        await mallory.call("join_room", {"room": table})
        await mallory.call("sit", {"table": table, "key": "no idea"})
        guest = await ben.call("sit", {"table": table, "key": opened["key"]})
        assert guest["ok"], "who has the key is not let in"

        await ann.call("say", {"table": table, "text": "a secret"})
        assert not await hears(mallory), "a stranger hears what is said"
        await mallory.call("say", {"table": table, "text": "boo"})
        assert not await hears(ann), "the table hears a stranger"
    finally:
        for client in (ann, ben, mallory):
            await client.disconnect()


async def hears(client):
    try:
        await client.receive(timeout=0.3)
    except Silence:
        return False
    return True
