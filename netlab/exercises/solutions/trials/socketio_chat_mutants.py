"""Faulty variants of `socketio_chat`, each with the probe that catches it.

What may be wrong with the chat itself is tried in `chat_json_mutants`.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import socket
from typing import Any

import socketio
import uvicorn

from netlab.exercises.solutions.trials import chat_json
from netlab.exercises.solutions.trials import socketio_chat as right


async def _serve(listener: socket.socket, library: Any = None, **options: Any) -> None:
    if library is None:
        library = _library(**options)
        right.serve_chat(library)
    config = uvicorn.Config(socketio.ASGIApp(library), log_level="critical", lifespan="off")
    await uvicorn.Server(config).serve(sockets=[listener])


def _library(**options: Any) -> Any:
    return socketio.AsyncServer(
        async_mode="asgi", async_handlers=False, always_connect=True, **options
    )


async def socketio_chat_without_polling(listener: socket.socket) -> None:
    await _serve(listener, transports=["websocket"])


async def socketio_chat_without_upgrades(listener: socket.socket) -> None:
    await _serve(listener, allow_upgrades=False)


async def socketio_chat_for_any_page(listener: socket.socket) -> None:
    await _serve(listener, cors_allowed_origins="*")


async def socketio_chat_in_any_namespace(listener: socket.socket) -> None:
    await _serve(listener, namespaces="*")


async def socketio_chat_without_receipts(listener: socket.socket) -> None:
    library = _library()
    right.serve_chat(library)
    receive = library.handlers["/"]["*"]

    async def forgets(event: str, sid: str, *arguments: Any) -> None:
        await receive(event, sid, *arguments)

    library.on("*", forgets)
    await _serve(listener, library)


async def socketio_chat_always_ok(listener: socket.socket) -> None:
    library = _library()
    right.serve_chat(library)
    receive = library.handlers["/"]["*"]

    async def nods(event: str, sid: str, *arguments: Any) -> Any:
        await receive(event, sid, *arguments)
        return {"ok": True}

    library.on("*", nods)
    await _serve(listener, library)


async def socketio_chat_believes_its_name(listener: socket.socket) -> None:
    library = _library()
    right.serve_chat(library)
    disconnect, there = library.handlers["/"]["disconnect"], library.manager.is_connected

    async def leaves(sid: str, *reason: Any) -> None:
        library.manager.is_connected = lambda *_: False  # whoever asks: nobody is there any more
        await disconnect(sid)
        library.manager.is_connected = there

    library.on("disconnect", leaves)
    await _serve(listener, library)


async def socketio_chat_keeps_the_gone(listener: socket.socket) -> None:
    library = _library()
    right.serve_chat(library)

    async def shrugs(sid: str, *reason: Any) -> None:
        pass

    library.on("disconnect", shrugs)
    await _serve(listener, library)


async def socketio_chat_ids_are_sids(listener: socket.socket) -> None:
    library = _library()
    sids: list[str] = []
    person = chat_json.Person

    class Named(person):  # type: ignore[misc, valid-type]
        def __init__(self, send: Any) -> None:
            super().__init__(send)
            self.id = sids[-1]

    chat_json.Person = Named  # type: ignore[misc]
    right.serve_chat(library)
    connect = library.handlers["/"]["connect"]

    async def notes(sid: str, environ: Any) -> None:
        sids.append(sid)
        await connect(sid, environ)

    library.on("connect", notes)
    await _serve(listener, library)


MUTANTS = (
    (socketio_chat_without_polling, "a client that polls"),
    (socketio_chat_keeps_the_gone, "a client that polls"),
    (socketio_chat_without_upgrades, "an upgrade"),
    (socketio_chat_without_receipts, "acknowledgements"),
    (socketio_chat_always_ok, "acknowledgements"),
    (socketio_chat_in_any_namespace, "who has not connected"),
    (socketio_chat_believes_its_name, "packets that are no events"),
    (socketio_chat_ids_are_sids, "ids of sessions"),
    (socketio_chat_for_any_page, "pages of other servers"),
)
