import json

from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

# The chat is the same, whatever carries it: see the solution of chat-json.
from netlab.exercises.solutions.trials.chat_json import MAX_WAITING_BYTES, Chat, parsed

MAX_MESSAGE_BYTES = 65_536


async def ws_chat(listener):
    chat = Chat()

    async def serve_one(connection):
        person = chat.enter(lambda message: post(connection, message))
        try:
            async for text in connection:
                chat.take(person, parsed(text))
        except ConnectionClosed:
            pass  # without a closing handshake
        finally:
            chat.leave(person)

    async with serve(
        serve_one,
        sock=listener,
        process_request=check_origin,
        max_size=MAX_MESSAGE_BYTES,
        compression=None,
    ) as server:
        await server.serve_forever()


def check_origin(connection, request):
    own = "http://" + request.headers.get("Host", "")
    if request.headers.get("Origin", own) != own:
        return connection.respond(403, "Pages of other servers may not connect here.\n")
    return None


def post(connection, message):
    broadcast([connection], json.dumps(message))  # never waits, as `await connection.send` would
    if connection.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
        connection.transport.abort()  # it does not read
