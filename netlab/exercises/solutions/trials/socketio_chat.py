import asyncio

import socketio
import uvicorn

# The chat is the same, whatever carries it: see the solution of chat-json.
from netlab.exercises.solutions.trials.chat_json import Chat, Refused, error

MAX_WAITING_PACKETS = 100


async def socketio_chat(listener):
    # Handlers one after the other, or a client's requests would overtake each other.
    library = socketio.AsyncServer(async_mode="asgi", async_handlers=False, always_connect=True)
    serve_chat(library)
    config = uvicorn.Config(socketio.ASGIApp(library), log_level="critical", lifespan="off")
    await uvicorn.Server(config).serve(sockets=[listener])


def serve_chat(library):
    chat, people, outgoing = Chat(), {}, asyncio.Queue()

    # An event that somebody calls `connect` or `disconnect` comes here, too, and means nothing.

    @library.event
    async def connect(sid, *_):
        if sid not in people:
            people[sid] = chat.enter(lambda message: outgoing.put_nowait((sid, message)))

    @library.event
    async def disconnect(sid, *_):
        if not library.manager.is_connected(sid, "/"):
            chat.leave(people.pop(sid))

    @library.on("*")
    async def receive(event, sid, *arguments):
        request = {"type": event, **arguments[0]} if is_object(arguments) else None
        try:
            chat.do(people[sid], request)
        except Refused as refusal:
            problem = error(request, refusal)
            people[sid].send(problem)
            return {"ok": False, "error": {key: problem[key] for key in ("code", "message")}}
        return {"ok": True}

    async def deliver():  # all that is said, in one order for everybody
        while True:
            sid, message = await outgoing.get()
            kind = message["type"]
            fields = {name: value for name, value in message.items() if name != "type"}
            await library.emit(kind, fields, to=sid)
            await drop_if_slow(library, sid)

    library.delivery = asyncio.create_task(deliver())  # somebody must hold it


def is_object(arguments):
    return len(arguments) == 1 and isinstance(arguments[0], dict) and "type" not in arguments[0]


async def drop_if_slow(library, sid):
    session = library.manager.eio_sid_from_sid(sid, "/")
    socket = library.eio.sockets.get(session)
    if socket is not None and socket.queue.qsize() > MAX_WAITING_PACKETS:
        await socket.close(wait=False, abort=True)
