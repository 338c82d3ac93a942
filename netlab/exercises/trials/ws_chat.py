"""`ws-chat`: the chat over WebSocket, where frames, origins and closes have rules of their own."""

from __future__ import annotations

import json

from websockets.frames import Opcode

from netlab.exercises.chat_people import Person, Stage
from netlab.exercises.chat_rules import RULES
from netlab.exercises.chat_trial import CONVERSATION, probe, probes
from netlab.exercises.grade import Exercise
from netlab.exercises.layered import Layered
from netlab.exercises.words import Broken, in_short
from netlab.exercises.ws_link import CLOSED, WsLink, enter, frame, request_head

MAX_MESSAGE_BYTES = 65_536
"""longest message that a client sends, in however many frames"""
HANDSHAKE, ORIGIN, FRAMES, OBJECTS, CLOSE = range(len(RULES) + 2, len(RULES) + 7)
STRANGER = "https://evil.example"


def _no_handshake(stage: Stage) -> None:
    host = {"Host": "localhost"}
    version = {
        **host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "7",
    }
    for words in (
        request_head(host),
        request_head(version | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}),
        request_head(version | {"Sec-WebSocket-Version": "13"}),
        b'{"type": "ping"}\n\r\n\r\n',
    ):
        stage.trial.tally()
        plain = Layered(stage.trial, stage.address, "plain")
        plain.said(f"sends {in_short(words)}", words)
        plain.write(words)
        what = "a status that is not 101, or the end of the connection"
        start = plain.read_some(what, plain.deadline(), reset_is_end=True)
        if start.startswith(b"HTTP/1.1 101"):
            raise plain.failed(what, "101: a handshake")
    silent = Layered(stage.trial, stage.address, "silent")
    silent.write(b"GET / HT")
    stage.person("next").hears_nothing()


def _origins(stage: Stage) -> None:
    host, port = stage.address[:2]
    own = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    stage.trial.note("a page of this server connects (Origin: the server's own)")
    page = WsLink(stage.trial, stage.address, "own page", origin=own)
    Person(stage, page).greeted().hears_nothing()
    for origin in (STRANGER, "null", own + ".evil.example", own + "1"):
        stage.trial.tally()
        shown = "one that looks like the server's own" if own in origin else origin
        stage.trial.note(f"a page of another server connects (Origin: {shown})")
        try:
            WsLink(stage.trial, stage.address, "other page", origin=origin)
        except Broken as broken:
            if broken.got != "status 403":
                raise Broken("status 403", broken.got) from None
        else:
            raise Broken("status 403", "101: the page is let in")


def _fragments(stage: Stage) -> None:
    ann, bob = _two(stage, "pieces")
    said = json.dumps({"type": "room_message", "room": "pieces", "content": "café 🙂"})
    data = json.dumps(json.loads(said), ensure_ascii=False).encode()
    middle = data.index("🙂".encode()) + 2
    pieces = (
        frame(Opcode.TEXT, data[:10], fin=False),
        frame(Opcode.PING, b"are you there?"),
        frame(Opcode.CONT, data[10:middle], fin=False),
        frame(Opcode.CONT, b"", fin=False),
        frame(Opcode.CONT, data[middle:]),
    )
    for number in (0, 1, 5):
        stage.trial.tally()
        how = f"cut by TCP into pieces of {number} bytes" if number else "in one segment"
        ann.link.said(f"sends a room_message in four frames and a ping between them, {how}", data)
        ann.link.write_apart(b"".join(pieces), number or 1_000)
        for person in (ann, bob):
            person.hear("room_message", room="pieces", content="café 🙂")
        assert isinstance(ann.link, WsLink)
        if b"are you there?" not in ann.link.pongs:
            raise ann.failed("a pong before the message is whole", "no pong")
        ann.link.pongs.clear()


def _together(stage: Stage) -> None:
    ann, bob = _two(stage, "at once")
    ann.link.said("sends three pings and a WebSocket ping in one segment", b"")
    ping = frame(Opcode.TEXT, b'{"type": "ping"}')
    ann.link.write(ping + ping + frame(Opcode.PING, b"") + ping)
    for _ in range(3):
        ann.hear("pong")
    bob.link.said("sends half a frame", b"")
    bob.link.write(ping[:9])
    bob.link.tcp.wait_read()
    ann.tells("at once", "go on", bob)
    bob.link.write(ping[9:])
    bob.hear("pong")


def _no_objects(stage: Stage) -> None:
    ann, bob = _two(stage, "sense")
    for text in ("", "hello", "{", "[]", "5", '"ping"', "null", '{"type": 5}', "{}", "[" * 20_000):
        stage.trial.tally()
        ann.link.said(f"sends the text {text[:40]!r}{' …' * (len(text) > 40)}", text.encode())
        ann.link.send_text(text)
        ann.hear("error")
    for person in (ann, bob):
        person.hears_nothing()


def _goodbye(stage: Stage) -> None:
    for code in (1000, 1001, 3333):
        stage.trial.tally()
        stage.trial.forget()
        room = f"goodbyes {code}"
        ann, bob = _two(stage, room)
        bob.link.said(f"sends a close frame with code {code}", b"")
        bob.link.write(frame(Opcode.CLOSE, code.to_bytes(2, "big") + b"I must go"))
        _closes(bob, code)
        ann.hears_leaving(room, bob)
        ann.hears_nothing()


def _violations(stage: Stage) -> None:
    ping = b'{"type": "ping"}'
    for number, (what, data, code) in enumerate(
        (
            ("a frame that is not masked", frame(Opcode.TEXT, ping, masked=False), 1002),
            ("a frame with the reserved opcode 3", b"\x83" + frame(Opcode.TEXT, ping)[1:], 1002),
            ("a frame with a reserved bit", b"\xc1" + frame(Opcode.TEXT, ping)[1:], 1002),
            ("a continuation of nothing", frame(Opcode.CONT, ping), 1002),
            ("a ping in two frames", b"\x09" + frame(Opcode.PING, b"hi")[1:], 1002),
            ("a text that is no UTF-8", frame(Opcode.TEXT, b'{"type": "ping\xff"}'), 1007),
        )
    ):
        stage.trial.tally()
        stage.trial.forget()
        ann, bob = _two(stage, f"rules {number}")
        bob.link.said(f"sends {what}", data)
        bob.link.write(data)
        _closes(bob, code)
        ann.hears_leaving(f"rules {number}", bob)
        ann.hears_nothing()


def _long(stage: Stage) -> None:
    ann, bob = _two(stage, "long")
    for more, data in (
        (False, _ping_of(MAX_MESSAGE_BYTES)),
        (True, _ping_of(MAX_MESSAGE_BYTES + 1)),
    ):
        half = len(data) // 2
        ann.link.said(f"sends a ping of {len(data):,} bytes in two frames", b"")
        first, second = data[:half], data[half:]
        ann.link.write(frame(Opcode.TEXT, first, fin=False) + frame(Opcode.CONT, second))
        if more:
            _closes(ann, 1009)
        else:
            ann.hear("pong")
    bob.hears_leaving("long", ann)
    bob.hears_nothing()


def _ping_of(size: int) -> bytes:
    head = b'{"type": "ping", "mood": "'
    return head + b"x" * (size - len(head) - 2) + b'"}'


def _closes(person: Person, code: int) -> None:
    assert isinstance(person.link, WsLink)
    person.link.next_close(f"{CLOSED} {code}")


def _two(stage: Stage, room: str) -> list[Person]:
    ann, bob = stage.people("ann", "bob")
    ann.joins(room, 1)
    bob.joins(room, 2, ann)
    return [ann, bob]


TRIAL = Exercise(
    "ws-chat",
    chapter="trials",
    kind="trial",
    title="On trial: a chat over WebSocket",
    task="Write a chat server with rooms that speaks WebSocket, in any language and with any "
    "library, and examine it while it runs: `netlab check ws-chat 127.0.0.1:9000`. In Python a "
    "coroutine function `ws_chat(listener)` will do: it serves the clients of a listening TCP "
    "socket for ever. It is the chat of `chat-json`, over another transport.",
    rules=(
        'A message is one WebSocket text message: a JSON object such as `{"type": "join_room", '
        '"room": "hall"}`. That goes for both directions. `type` says what it is; the rules name '
        "the other fields.",
        *RULES,
        "The handshake is that of RFC 6455, version 13, at the path `/`. What is no such handshake "
        "gets another status than 101, or the end of the connection, and disturbs nobody; nor does "
        "who stalls.",
        "Any web page can make a browser connect here, and only `Origin` tells which one it was. "
        "Where a request has that header, and it is not `http://` and then what `Host` says, the "
        "answer is 403. (Other programs send none.)",
        "TCP may cut frames anywhere, and one piece may hold several. A message may come in "
        "several frames, and pings in between; a ping is answered by a pong with its payload.",
        "A text message that is not a JSON object with a `type` and fields as they should be is "
        "answered by `error`, however deeply it is nested.",
        "A close frame is answered by one with the same code; then the server ends the connection. "
        "It closes by itself with 1002 when a frame breaks the protocol (not masked, reserved bits "
        "or opcodes, fragments of a control frame or of nothing), with 1007 when a text is not "
        f"UTF-8, and with 1009 when a message has more than {MAX_MESSAGE_BYTES:,} bytes. Who is "
        "gone so has left all rooms.",
    ),
    hints=(
        "A library does the handshake, frames, pings and closes. What is left: the chat itself, "
        "limits, the origin, and to send in a way that waits for nobody.",
        "If sending to a member waits until there is room, one who does not read stops the others. "
        "Which way does your library have to send without waiting? When is too much waiting?",
        "In Python: `websockets.asyncio.server.serve` with `sock`, `max_size`, `process_request` "
        "(for the origin); `broadcast([connection], text)` never waits, and "
        "`connection.transport` knows `get_write_buffer_size()` and `abort()`.",
    ),
    probes=probes(
        enter,
        ("what is no handshake", HANDSHAKE, _no_handshake),
        ("pages of other servers", ORIGIN, _origins),
        ("messages in several frames", FRAMES, _fragments),
        ("several frames in one piece", FRAMES, _together),
        ("messages that are no objects", OBJECTS, _no_objects),
        ("goodbye", CLOSE, _goodbye),
        ("frames that break the protocol", CLOSE, _violations),
        ("long messages", CLOSE, _long),
    ),
    converse=probe(enter, *CONVERSATION),
    preload=("netlab.transports.websocket",),
)
