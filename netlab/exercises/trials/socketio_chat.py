"""`socketio-chat`: the chat in events of Socket.IO, with acknowledgements, polls and upgrades."""

from __future__ import annotations

from websockets.frames import Opcode

from netlab.exercises.chat_people import Message, Stage
from netlab.exercises.chat_rules import RULES
from netlab.exercises.chat_trial import CONVERSATION, probe, probes
from netlab.exercises.grade import Exercise
from netlab.exercises.layered import Layered
from netlab.exercises.socketio_people import (
    ACK,
    PATH,
    SocketPerson,
    enter,
    polling,
    socket_link,
    upgrade,
)
from netlab.exercises.words import Broken
from netlab.exercises.ws_link import frame, request_head

POLLS, ACKS, CONNECTS, PACKETS, SIDS, ORIGIN = range(len(RULES) + 2, len(RULES) + 8)
STRANGER = "https://evil.example"


def _polling(stage: Stage) -> None:
    with polling(stage, "ann") as ann:
        bob = enter(stage, "bob")
        ann.joins("slow lane", 1)
        bob.joins("slow lane", 2, ann)
        ann.tells("slow lane", "I poll, café 🙂", bob)
        bob.tells("slow lane", "I do not", ann)
        ann.refused("room_message", room="elsewhere", content="hello")
    stage.trial.note("ann ends her session (Engine.IO's packet 1)")
    bob.hears_leaving("slow lane", ann)


def _upgrade(stage: Stage) -> None:
    with polling(stage, "ann") as ann:
        bob = enter(stage, "bob")
        ann.joins("upgrades", 1)
        bob.joins("upgrades", 2, ann)
        upgrade(ann)
        bob.tells("upgrades", "are you still there?", ann)
        ann.tells("upgrades", "and faster", bob)
    stage.trial.note("ann ends her session (Engine.IO's packet 1)")
    bob.hears_leaving("upgrades", ann)


def _acks(stage: Stage) -> None:
    ann, bob = enter(stage, "ann"), enter(stage, "bob")
    ann.joins("receipts", 1)
    bob.joins("receipts", 2, ann)
    _acknowledged(ann, "7", {"type": "ping"}, "pong")
    said = {"type": "room_message", "room": "receipts", "content": "hello"}
    _acknowledged(ann, "0", said, "room_message")
    bob.hear("room_message", room="receipts", content="hello")
    for number, request in (
        ("12", {**said, "room": "elsewhere"}),
        ("13", {"type": "join_room"}),
        ("14", {"type": "no_such_type"}),
    ):
        values = _acknowledged(ann, number, request, "error")
        error = values.get("error")
        fields = error if isinstance(error, dict) else {}
        if values.get("ok") is not False or not isinstance(fields.get("code"), str):
            wanted = 'the acknowledgement {"ok": false, "error": {"code": …, "message": …}}'
            raise ann.failed(wanted, f"{stage.shown(values)}")
    for person in (ann, bob):
        person.hears_nothing()


def _acknowledged(person: SocketPerson, number: str, request: Message, answer: str) -> Message:
    """Send a request that asks for an acknowledgement; return it, whatever else is answered.

    A refusal need not be an event as well.
    """
    person.stage.trial.note(f"{person.name}'s next event asks for acknowledgement {number}")
    person.ack = number
    person.send(request)
    person.ack = ""
    values: Message | None = None
    answered = answer == "error"
    while values is None or not answered:
        message = person.next_message(f"acknowledgement {number}" if values is None else answer)
        if message["type"] == ACK:
            if message["number"] != number or values is not None:
                raise person.failed(f"acknowledgement {number}", "another, or a second one")
            values = _only(person, message["values"])
            person.stage.trial.note(f"{person.name} receives acknowledgement {number}")
            if answer != "error" and values != {"ok": True}:
                raise person.failed('{"ok": true}', f"{person.stage.shown(values)}")
        elif message["type"] != answer:
            raise person.failed(f"acknowledgement {number}", person.stage.in_words(message))
        else:
            answered = True
    if answer == "error":  # an event as well would be the next one, or the one before
        person.say("ping")
        if person.next_message("pong")["type"] == "error":
            person.hear("pong")
    return values


def _only(person: SocketPerson, values: object) -> Message:
    if isinstance(values, list) and len(values) == 1 and isinstance(values[0], dict):
        return values[0]
    raise person.failed("an acknowledgement with one object", f"{values!r}"[:60])


def _before_connect(stage: Stage) -> None:
    ann = enter(stage, "ann")
    ann.joins("doors", 1)
    early = socket_link(stage, "early")
    early.said('sends the event 42["join_room", {"room": "doors"}], without CONNECT', b"")
    early.send_text('42["join_room",{"room":"doors"}]')
    ann.hears_nothing()
    admin = socket_link(stage, "admin")
    what = "an Engine.IO session"
    admin.next_text(what, admin.deadline())
    admin.said("sends CONNECT for the namespace /admin, 40/admin,", b"40/admin,")
    admin.send_text("40/admin,")
    what = "CONNECT_ERROR, 44/admin, …"
    got = admin.next_text(what, admin.deadline())
    if not got.startswith("44/admin,"):
        raise admin.failed(what, repr(got[:12]))
    ann.hears_nothing()


_BAD_PACKETS = (
    "4",
    "42",
    "42{",
    "42[",
    "42[]",
    "42{}",
    "42[5]",
    "42[null,{}]",
    '42["ping",5]',
    '42["ping",{},{}]',
    '42["connect",{}]',
    '42["disconnect",{}]',
    '42["disconnect","transport close"]',
    '42/admin,["ping",{}]',
    '451-["ping",{"_placeholder":true,"num":0}]',
    '437[{"ok":true}]',
    "48",
    "42[" + "[" * 5_000,
)


def _bad_packets(stage: Stage) -> None:
    ann = enter(stage, "ann")
    ann.joins("packets", 1)
    bob: SocketPerson | None = None
    for packet in _BAD_PACKETS:
        stage.trial.tally()
        stage.trial.forget()
        if bob is None:
            bob = enter(stage, "bob")
            bob.joins("packets", 2, ann)
        bob.link.said(f"sends {packet[:40]!r}{' …' * (len(packet) > 40)}", packet.encode())
        bob.link.send_text(packet)
        if packet.startswith("45"):
            bob.link.write(frame(Opcode.BINARY, b"its attachment"))
        if _is_served(bob):
            bob.tells("packets", "I am still here", ann)
        else:
            bob.link.tcp.close()
            stage.trial.note("bob's session has ended")
            ann.hears_leaving("packets", bob)
            bob = None
        ann.hears_nothing()


def _is_served(person: SocketPerson) -> bool:
    """Say whether a session goes on; `error` may come before the answer."""
    try:
        person.say("ping")
        while person.next_message("pong, or the end of the connection")["type"] != "pong":
            pass
    except Broken as broken:
        if not person.link.ended(broken) and "the packet '41'" not in broken.got:
            raise
        return False
    return True


def _sids(stage: Stage) -> None:
    ann, bob = enter(stage, "ann"), enter(stage, "bob")
    for person in (ann, bob):
        if person.id in person.sids:
            raise person.failed("a client_id that is no sid", "the sid of its own session")
    ann.joins("secrets", 1)
    eve = enter(stage, "eve")
    for sid in bob.sids:
        eve.say("join_room", room=sid[:32])
        eve.next_message("room_joined, or error")
    stage.trial.note("eve joins rooms that are called like bob's session, if that is allowed")
    bob.joins("secrets", 2, ann)
    ann.tells("secrets", "for us two", bob)
    eve.hears_nothing()


def _origins(stage: Stage) -> None:
    host = f"{stage.address[0]}:{stage.address[1]}"
    stage.trial.note("a page of this server connects (Origin: the server's own)")
    SocketPerson(stage, socket_link(stage, "own page", origin=f"http://{host}")).open()
    for origin in (STRANGER, "null"):
        stage.trial.tally()
        stage.trial.note(f"a page of another server connects by WebSocket (Origin: {origin})")
        try:
            socket_link(stage, "other page", origin=origin)
        except Broken as broken:
            if not broken.got.startswith("status 4"):
                raise Broken("status 400 or 403", broken.got) from None
        else:
            raise Broken("status 400 or 403", "101: the page is let in")
        page = Layered(stage.trial, stage.address, "other page")
        page.said(f"polls (Origin: {origin})", b"")
        page.write(request_head({"Host": host, "Origin": origin}, PATH + "polling"))
        what = "status 400 or 403"
        head = page.read_some(what, page.deadline()).partition(b"\r\n")[0]
        if not head.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403")):
            raise page.failed(what, repr(head[:40]))


TRIAL = Exercise(
    "socketio-chat",
    chapter="trials",
    kind="trial",
    title="On trial: a chat over Socket.IO",
    task="Write a chat server with rooms that speaks Socket.IO, in any language and with any "
    "library, and examine it while it runs: `netlab check socketio-chat 127.0.0.1:9000`. In Python "
    "a coroutine function `socketio_chat(listener)` will do: it serves the clients of a listening "
    "TCP socket for ever. It is the chat of `chat-json`, over another transport.",
    rules=(
        "A message is an event of Socket.IO (protocol 5, Engine.IO 4, at `/socket.io/`): what the "
        "rules call its type is the event's name, the other fields are its one argument, an "
        'object: `42["join_room",{"room":"hall"}]`. That goes for both directions.',
        *RULES,
        "A client may use a WebSocket from the start, or poll by HTTP, or upgrade from one to the "
        "other while it talks; it is the same client, and nothing is lost.",
        'A request that asks for an acknowledgement gets one: `{"ok": true}`, or, if it cannot be '
        'done, `{"ok": false, "error": {"code": …, "message": …}}`. Then the event `error` may be '
        "left out; other answers come as ever.",
        "Only who has sent CONNECT to the namespace `/` is served. There is no other: whoever "
        "wants to connect to one gets CONNECT_ERROR.",
        "A packet that is no such event (no JSON, no name, no object, or more of them, binary, "
        "another namespace, or named as the library's own `connect` and `disconnect`) "
        "is answered by `error`, or ignored, or ends the session, as you like. Whatever you do, it "
        "changes nothing else, and disturbs nobody.",
        "A `client_id` is no `sid`, neither of the session nor of the connection: who knows that "
        "can speak for it. A room that is called like one is a room like others.",
        "A page of another server, as `Origin` tells, is refused with 400 or 403, be it by "
        "WebSocket or by polling.",
    ),
    hints=(
        "A library does the packets, polls and upgrades. Its rooms and ids are names, too: what "
        "happens when somebody joins one that is called like a client?",
        "Keep your own ids and rooms, and have the library send to one client at a time. Are its "
        "handlers called in the order in which events came, or all at once?",
        "In Python: `socketio.AsyncServer(async_mode='asgi', async_handlers=False)`, one handler "
        "for `'*'`, whose return value is the acknowledgement, and one queue of what is to be "
        "emitted. An event named `disconnect` calls your handler, too, though nobody is gone: "
        "ask `manager.is_connected(sid, '/')`.",
    ),
    probes=probes(
        enter,
        ("a client that polls", POLLS, _polling),
        ("an upgrade", POLLS, _upgrade),
        ("acknowledgements", ACKS, _acks),
        ("who has not connected", CONNECTS, _before_connect),
        ("packets that are no events", PACKETS, _bad_packets),
        ("ids of sessions", SIDS, _sids),
        ("pages of other servers", ORIGIN, _origins),
    ),
    converse=probe(enter, *CONVERSATION),
    preload=(
        "netlab.transports.asgi_server",
        "netlab.transports.socketio_hub",
        "uvicorn.lifespan.off",
        "uvicorn.protocols.http.auto",
        "uvicorn.protocols.websockets.auto",
    ),
)
