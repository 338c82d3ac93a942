"""`chat-json`: a chat with rooms, as lines of JSON over TCP."""

from __future__ import annotations

from netlab.exercises.chat_people import Stage
from netlab.exercises.chat_rules import RULES
from netlab.exercises.chat_trial import CONVERSATION, probe, probes
from netlab.exercises.grade import Exercise
from netlab.exercises.line_link import as_line, enter

MAX_LINE_BYTES = 65_536
"""longest line that a client sends, without its newline"""
CUT, LINES, LENGTH, LAST = range(len(RULES) + 2, len(RULES) + 6)


def _cut(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.joins("pieces", 1)
    bob.joins("pieces", 2, ann)
    said = {"type": "room_message", "room": "pieces", "content": "café 🙂"}
    for number in (1, 2, 5):
        stage.trial.tally()
        line = as_line(said)
        ann.link.said(f"sends a room_message in pieces of {number} bytes", line)
        ann.link.write_apart(line, number)
        for person in (ann, bob):
            person.hear("room_message", room="pieces", content="café 🙂")


def _together(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    requests = (
        {"type": "join_room", "room": "at once"},
        {"type": "room_message", "room": "at once", "content": "one"},
        {"type": "room_message", "room": "at once", "content": "two"},
        {"type": "ping"},
        {"type": "leave_room", "room": "at once"},
    )
    ann.link.said(f"sends {len(requests)} requests in one piece", b"")
    ann.link.write(b"".join(as_line(request) for request in requests))
    ann.hear("room_joined", room="at once", members_count=1)
    ann.hear("room_message", content="one")
    ann.hear("room_message", content="two")
    ann.hear("pong")
    ann.hear("room_left", room="at once")
    bob.hears_nothing()


def _no_objects(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    for line in (
        b"{",
        b'{"type": "ping"',
        b'{"type": "ping"} {"type": "ping"}',
        b"[]",
        b'["ping"]',
        b'{"type": 5}',
        b'{"ref": "no type"}',
        b'{"type": "ping", "mood": "\xff"}',
        b"[" * 20_000,
        b'{"type": "ping", "ref": 5}',
    ):
        stage.trial.tally()
        ann.link.said(f"sends {line[:40]!r}" + (" …" if len(line) > 40 else ""), line)
        ann.link.write(line + b"\n")
        ann.hear("error")
    for person in (ann, bob):
        person.hears_nothing()


def _long(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    head = b'{"type": "ping", "mood": "'
    ann.link.said("sends a ping of the longest kind", b"")
    ann.link.write(head + b"x" * (MAX_LINE_BYTES - len(head) - 2) + b'"}\n')
    ann.hear("pong")
    ann.link.said("sends a line of one byte more", b"")
    ann.link.write(head + b"x" * (MAX_LINE_BYTES - len(head) - 1) + b'"}\n', may_fail=True)
    ann.hears_error_or_end()
    bob.link.said("sends 1 MB without a newline", b"")
    bob.link.write(b"{" * 1_000_000, may_fail=True)
    stage.person("next").hears_nothing()


def _last_words(stage: Stage) -> None:
    ann, bob, cleo = stage.people("ann", "bob", "cleo")
    for number, person in enumerate((ann, bob, cleo), 1):
        person.joins("goodbyes", number, *(ann, bob)[: number - 1])
    bob.say("room_message", room="goodbyes", content="I must go")
    bob.link.tcp.half_close()
    ann.hear("room_message", room="goodbyes", content="I must go")
    ann.hears_leaving("goodbyes", bob)
    cleo.hear("room_message", room="goodbyes", content="I must go")
    cleo.hears_leaving("goodbyes", bob)
    bob.hear("room_message", room="goodbyes", content="I must go")
    bob.hears_end()
    words = as_line({"type": "room_message", "room": "goodbyes", "content": "and I"})[:-1]
    cleo.link.said("sends a room_message without its newline", words)
    cleo.link.write(words)
    cleo.link.tcp.half_close()
    ann.hears_leaving("goodbyes", cleo)
    ann.hears_nothing()


def _stops_in_the_middle(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.joins("patience", 1)
    bob.joins("patience", 2, ann)
    bob.link.said("sends half a line", b"")
    bob.link.write(b'{"type": "room_mess')
    bob.link.tcp.wait_read()
    ann.tells("patience", "go on", bob)
    bob.link.said("sends the other half", b"")
    bob.link.write(b'age", "room": "patience", "content": "here I am"}\n')
    for person in (ann, bob):
        person.hear("room_message", room="patience", content="here I am")


TRIAL = Exercise(
    "chat-json",
    chapter="trials",
    kind="trial",
    title="On trial: a chat in lines of JSON",
    task="Write a chat server with rooms, in any language, and examine it while it runs: "
    "`netlab check chat-json 127.0.0.1:9000`. In Python a function `chat_json(listener)` will do: "
    "it serves the clients of a listening TCP socket for ever; or a coroutine function. It speaks "
    "a part of this course's vocabulary; `ws-chat` and `socketio-chat` are the same chat, over "
    "other transports.",
    rules=(
        'A message is one line: a JSON object such as `{"type": "join_room", "room": "hall"}` in '
        r"UTF-8, then `\n`. That goes for both directions. `type` says what it is; the rules name "
        "the other fields.",
        *RULES,
        "Where TCP cuts the stream means nothing: a line may come in many pieces, cut anywhere, "
        "even inside a character, and one piece may hold several lines.",
        "A line that begins with `{` or `[` and is not one JSON object in UTF-8 with a `type` and "
        "fields as they should be is answered by `error`, however deeply it is nested. (What other "
        "lines mean is up to you.)",
        f"A client's line has at most {MAX_LINE_BYTES:,} bytes, not counting its `\\n`. A longer "
        "one is answered by `error`, or by the end of the connection, as you like.",
        "When a client has finished sending (FIN), its whole lines are answered, an unfinished one "
        "is no request, and it leaves: the server closes the connection.",
    ),
    hints=(
        "Write the chat without a socket first: `receive(client, message)` changes who is where, "
        "and calls `client.send(message)` for all who must hear of it. What must never happen is "
        "that this waits for somebody.",
        "So there must be something for each client in which messages wait: asyncio's write "
        "buffer, or a queue with a thread that empties it. When is too much waiting?",
        "In Python: `asyncio.start_server`, `reader.readline()` with a `limit`, `writer.write` "
        "without `drain`; a client with more than a megabyte in "
        "`writer.transport.get_write_buffer_size()` is dropped by `writer.transport.abort()`.",
    ),
    probes=probes(
        enter,
        ("requests cut by TCP", CUT, _cut),
        ("who stops in the middle", CUT, _stops_in_the_middle),
        ("requests in one piece", CUT, _together),
        ("lines that are no objects", LINES, _no_objects),
        ("long lines", LENGTH, _long),
        ("last words", LAST, _last_words),
    ),
    converse=probe(enter, *CONVERSATION),
    preload=("netlab.transports.tcp_asyncio",),
)
