"""Exercises of chapter 10: WebSocket by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netlab.exercises.accused_message_readers import (
    AllAtOnce,
    ByteByByte,
    KeepsTheFirstMask,
    RestartsTheMask,
)
from netlab.exercises.cases import agree, agree_on_calls, run_calls, run_cases
from netlab.exercises.conditions import bytewise, every_split
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.judges import judge_one
from netlab.exercises.shrink import Pieces
from netlab.exercises.verdicts import verdict
from netlab.exercises.websocket_drivers import (
    BINARY,
    CLOSE,
    LIMIT,
    MASK,
    PING,
    PONG,
    TEXT,
    client_frame,
    encode_rightly,
    read,
    read_promptly,
    read_rightly,
    read_rightly_and_promptly,
    upgrade_rightly,
)

# ---------------------------------------------------------------- warm-up: the handshake

GOOD = {
    "host": "127.0.0.1:8765",
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def _asks(name: str, rule: int, *changes: Mapping[str, str | None]) -> Probe:
    """A probe of requests that differ from a good one; None: the header is not there."""
    cases = []
    for change in changes:
        headers = {**GOOD, **change}
        cases.append(({key: value for key, value in headers.items() if value is not None},))
    return Probe(name, rule, agree_on_calls, run_calls, (upgrade_rightly, tuple(cases)))


upgrade = Exercise(
    "upgrade",
    chapter="10",
    kind="warm-up",
    title="Yes, no, or not so",
    task="Write `upgrade(headers)`, a server's decision about a WebSocket request. `headers` is a "
    "dict of the request's headers, names in lower case. It returns a pair: the status, and the "
    "value of `Sec-WebSocket-Accept` (`None`, unless the status is 101).",
    rules=(
        "A good request gets 101 and the accept key: the request's `sec-websocket-key` followed "
        "by `258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, its SHA-1, in Base64, as a `str`.",
        "400, unless `upgrade` is `websocket` and `connection` has `upgrade` among its words, "
        "which are separated by commas. Both without regard to case. A header may be missing.",
        "426, unless `sec-websocket-version` is `13`.",
        "400, unless `sec-websocket-key` is the Base64 of exactly 16 bytes, with no other "
        "characters in it.",
        "403, if there is an `origin` and it is not `http://` followed by `host`. Programs that "
        "are no browsers send none, and may come in.",
        "If several things are wrong, the first of these rules counts.",
    ),
    hints=(
        "`headers.get(name, '')` spares you a case for each header that is missing.",
        "`base64.b64decode(key, validate=True)` raises `binascii.Error` (a `ValueError`) for what "
        "is no Base64. Without `validate=True` it skips what does not belong there.",
        "`{word.strip().lower() for word in headers.get('connection', '').split(',')}` is the set "
        "of the words.",
    ),
    probes=(
        _asks("a good request", 1, {}, {"sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="}),
        _asks("capital letters", 2, {"upgrade": "WebSocket", "connection": "upgrade"}),
        _asks("several words", 2, {"connection": "keep-alive, Upgrade"}),
        _asks("no upgrade", 2, {"upgrade": None}, {"connection": "keep-alive"},
              {"connection": None}, {"upgrade": "h2c"}, {"connection": "upgraded"}),
        _asks("another version", 3, {"sec-websocket-version": "8"},
              {"sec-websocket-version": None}),
        _asks("a key that is none", 4, {"sec-websocket-key": None}, {"sec-websocket-key": ""},
              {"sec-websocket-key": "c2hvcnQ="}, {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ"},
              {"sec-websocket-key": "dGhlIHNh*bXBsZSBub25jZQ=="}),
        _asks("its own page", 5, {"origin": "http://127.0.0.1:8765"}),
        _asks("pages of others", 5, {"origin": "http://evil.example"}, {"origin": "null"},
              {"origin": "http://127.0.0.1:8765.evil.example"},
              {"origin": "http://evil.example/127.0.0.1:8765"}, {"origin": ""}),
        _asks("several things wrong", 6, {"upgrade": None, "origin": "http://evil.example"},
              {"sec-websocket-version": "8", "sec-websocket-key": ""},
              {"sec-websocket-key": "", "origin": "http://evil.example"}),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- core: a frame


def _encodes(name: str, rule: int, *cases: tuple[Any, ...]) -> Probe:
    return Probe(name, rule, agree_on_calls, run_calls, (encode_rightly, cases))


encode_frame = Exercise(
    "encode_frame",
    chapter="10",
    kind="core",
    title="A frame of any length",
    task="Write `encode_frame(opcode, payload, mask=None)`, which returns the bytes of one frame, "
    "the last of its message (FIN = 1, reserved bits 0). `payload` is `bytes`; `mask` is `None`, "
    "or four bytes.",
    rules=(
        "Up to 125 bytes of payload have their length in seven bits. From 126 on these hold 126, "
        "and two more bytes the length; from 65,536 on they hold 127, and eight more bytes. Most "
        "significant first.",
        "Without a mask the mask bit is 0, and the payload stands as it is: so sends a server.",
        "With a mask the bit is 1, the four bytes stand before the payload, and byte number *i* "
        "of the payload is combined (XOR) with byte *i* modulo 4 of the mask: so sends a client.",
        "The payload may be any bytes, and none.",
        "`ValueError` for a control frame (opcode 8 and above) with more than 125 bytes.",
    ),
    hints=(
        "`bytes([0b1000_0000 | opcode])` is the first byte. What is the second, without a mask?",
        "`len(payload).to_bytes(2)` and `.to_bytes(8)`: most significant first, since Python 3.11.",
        "`bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))` masks.",
    ),
    probes=(
        _encodes("a short text", 2, (TEXT, b"hello"), (BINARY, b"\x00\xff")),
        _encodes("nothing", 4, (TEXT, b""), (PING, b""), (TEXT, b"", MASK)),
        _encodes("where the length becomes longer", 1, (TEXT, b"x" * 125), (TEXT, b"x" * 126),
                 (BINARY, b"x" * 65_535), (BINARY, b"x" * 65_536)),
        _encodes("masked", 3, (TEXT, b"hello", MASK), (TEXT, b"x" * 300, b"\x00\x01\x02\x03")),
        _encodes("control frames", 5, (PONG, b"x" * 125), (PING, b"x" * 126),
                 (CLOSE, b"\x03\xe8" + b"x" * 124)),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- core: messages


def _reads(name: str, rule: int, *cases: Pieces) -> Probe:
    return Probe(name, rule, agree, run_cases, (read, read_rightly, cases))


def _at_once(name: str, rule: int, *cases: Pieces) -> Probe:
    run = (read_promptly, read_rightly_and_promptly, cases)
    return Probe(name, rule, agree, run_cases, run)


_HELLO = client_frame(TEXT, b"hello")
_EURO = "€".encode()  # three bytes
_LONG = client_frame(BINARY, b"x" * 130)
_MIXED = _HELLO + client_frame(PING, b"?") + client_frame(BINARY, b"\xff\x00")
_TWO_MASKS = _HELLO + client_frame(TEXT, b"world", mask=b"\x01\x02\x03\x04")
_PARTS = tuple(
    client_frame(opcode, part, fin=part == b"lo")
    for opcode, part in ((TEXT, b"he"), (0, b""), (0, b"l"), (0, b"lo"))
)
_BAD_TEXT = client_frame(TEXT, b"ab\xc3")
_EVERYTHING = client_frame(TEXT, b"h", fin=False) + client_frame(PING, b"!") + client_frame(0, b"i")

message_reader = Exercise(
    "message_reader",
    code_name="MessageReader",
    chapter="10",
    kind="core",
    title="From frames to messages",
    task="Write the class `MessageReader`, a server's ear. One is made for each connection, with "
    "`MessageReader(max_message_bytes)`. `feed(data)` gets what `recv` returned, and returns the "
    "list of what has happened: pairs such as `('text', 'hello')` and `('ping', b'?')`.",
    rules=(
        "A text message is `('text', str)`, a binary one `('binary', bytes)`, a ping "
        "`('ping', bytes)`, a pong `('pong', bytes)`; in the order in which they were complete. "
        "Clients mask: four bytes, a new mask in each frame.",
        "It is the same wherever the stream was cut.",
        "A message may come in fragments: a text or binary frame with FIN = 0, continuations "
        "(opcode 0), the last with FIN = 1. Any of them may be empty. It is told once, whole, by "
        "the `feed` that completes it.",
        "Between fragments pings, pongs and a close may come. They are told at once, not when the "
        "message is complete.",
        "Who breaks the protocol is to be closed: `('close', 1002)`, as soon as the frame's head "
        "is read. That is a frame without a mask, with a reserved bit, with an unknown opcode "
        "(3 to 7, 11 to 15), a control frame with FIN = 0 or a length above 125, a continuation "
        "of nothing, a text or binary frame inside an unfinished message.",
        "A text that is no UTF-8 is `('close', 1007)`, when its message is complete. A character "
        "may be cut in two by fragments: that is no error.",
        "A message of more than `max_message_bytes` bytes is `('close', 1009)`, as soon as the "
        "lengths in its frames' heads say so: the payload is not awaited.",
        "A client's close frame is `('close', code)`: the code is its first two bytes, or 1005 if "
        "it is empty, or 1002 if it is one byte long.",
        "After a `'close'` nothing is told any more: `feed` returns `[]`.",
    ),
    hints=(
        "Keep what has come in a buffer. In a loop: are there two bytes? Then look at the "
        "opcode, the bits and the seven bits of length. Is the whole head there, and the whole "
        "frame? If not, wait for the next `feed`.",
        "Two things outlive a frame: the opcode of the message that has begun (or none), and its "
        "payload so far. A control frame touches neither.",
        "Test what is wrong in the order in which it can be known: the first two bytes first "
        "(1002), then the length with what the message has already (1009), and the text only at "
        "its end (1007). Remember that you have closed.",
    ),
    probes=(
        _reads("a text", 1, (_HELLO,), (client_frame(TEXT, "né €".encode()),)),
        _reads("other kinds", 1, (_MIXED,), (client_frame(PONG, b""),), (_LONG,)),
        _reads("a new mask in each frame", 1, (_TWO_MASKS,)),
        _reads("every split", 2, *every_split(_MIXED), *every_split(_LONG)),
        _reads("one byte at a time", 2, bytewise(_MIXED + _LONG)),
        _at_once("fragments", 3, _PARTS, (b"".join(_PARTS),)),
        _reads("fragments, every split", 3, *every_split(b"".join(_PARTS) + _HELLO)),
        _at_once("a ping inside a message", 4, (_PARTS[0], client_frame(PING, b"?"), *_PARTS[1:])),
        _reads("a close inside a message", 4, (_PARTS[0], client_frame(CLOSE, b"\x03\xe8"))),
        _reads("no mask", 5, (client_frame(TEXT, b"hi", mask=None),)),
        _reads("reserved bits", 5, *((client_frame(TEXT, b"hi", bits=bit),) for bit in (1, 2, 4))),
        _reads("unknown opcodes", 5, *((client_frame(code, b"hi"),) for code in (3, 7, 11, 15))),
        _reads("control frames that are none", 5, (client_frame(PING, b"?", fin=False),),
               (client_frame(PING, b"x" * 126),), (client_frame(CLOSE, b"x" * 126),)),
        _reads("a continuation of nothing", 5, (client_frame(0, b"hi"),),
               (_HELLO, client_frame(0, b"hi", fin=False))),
        _reads("a message inside a message", 5, (_PARTS[0], _HELLO),
               (_PARTS[0], client_frame(BINARY, b"hi", fin=False))),
        _reads("no UTF-8", 6, (_BAD_TEXT,), (client_frame(TEXT, b"\xff"),),
               (client_frame(TEXT, b"\xed\xa0\x80"),)),
        _reads("a character cut by fragments", 6, (client_frame(TEXT, _EURO[:1], fin=False),
               client_frame(0, _EURO[1:2], fin=False), client_frame(0, _EURO[2:]))),
        _reads("binary is no text", 6, (client_frame(BINARY, b"\xff\xfe"),)),
        _reads("as long as the limit", 7, (client_frame(TEXT, b"x" * LIMIT),)),
        _reads("a head that announces too much", 7, (client_frame(TEXT, b"x" * (LIMIT + 1))[:4],),
               (client_frame(BINARY, b"x" * 70_000)[:10],)),
        _reads("fragments that are too much together", 7,
               (client_frame(TEXT, b"x" * 150, fin=False), client_frame(0, b"x" * 60)[:2])),
        _reads("a client that closes", 8, (client_frame(CLOSE, b"\x03\xe8bye"),),
               (client_frame(CLOSE),), (client_frame(CLOSE, b"\x03"),)),
        _reads("after the end", 9, (client_frame(CLOSE), _HELLO), (_BAD_TEXT + _HELLO, _HELLO)),
        _reads("all of it, one byte at a time", 2, bytewise(_EVERYTHING + client_frame(CLOSE))),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- red team


def _judged(name: str, rule: int, make: Callable[[], object], fault: str = "") -> Probe:
    return Probe(name, rule, verdict(fault, praise="this reader is correct"), judge_one, (make,))


mask_probe = Exercise(
    "mask_probe",
    chapter="10",
    kind="red-team",
    title="Red team: the mask that slips",
    task="Two readers of WebSocket frames read everything that their authors have tried. One "
    "begins with the first byte of the mask again whenever a new piece comes from `recv`. The "
    "other takes the mask of the first frame for all frames. Write `mask_probe(make_reader)`, "
    "which raises `AssertionError` for both.",
    rules=(
        "`make_reader()` returns a new reader; its `feed(data)` takes what a *client* sends, and "
        "returns the list of the messages that are complete now, each as `('text', str)`. It "
        "knows frames with FIN = 1, opcode 1 and at most 125 bytes, and nothing else.",
        "For a correct reader nothing is raised, wherever you cut.",
        "For the reader whose mask begins anew with each piece, `AssertionError` is raised.",
        "So it is for the reader that keeps the first mask.",
    ),
    hints=(
        "Make frames as in the chapter, or with your `encode_frame`. Two frames need two masks.",
        "If the payload is cut after four bytes, the mask begins anew anyway. Where must you cut?",
        "Feed two frames with different masks one byte at a time, collect what `feed` returns, "
        "and compare it with what you have sent. Do not use a mask whose bytes are all the same.",
    ),
    probes=(
        _judged("the reader whose mask begins anew", 3, RestartsTheMask,
                "a frame that is cut comes out wrong"),
        _judged("the reader that keeps the first mask", 4, KeepsTheFirstMask,
                "the second frame comes out wrong"),
        _judged("a correct reader", 2, AllAtOnce),
        _judged("a correct reader that looks at each byte", 2, ByteByByte),
    ),
)  # fmt: skip

EXERCISES = (upgrade, encode_frame, message_reader, mask_probe)
