"""What is fuzzed: each target takes any bytes, and fails where a promise is broken.

A fuzzer finds inputs; what is wrong with an answer it cannot know. So each target says what must
hold: which errors are allowed, that cuts between pieces change nothing, that every byte is in one
field, that nobody unproven hears more than it said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from netlab.core.chat import ChatService
from netlab.core.echo import TextLines
from netlab.core.errors import InvalidMessage, RemoteProtocolError
from netlab.core.framing import (
    PREFIX_BYTES,
    LengthPrefixedReader,
    LineReader,
    encode_length_prefixed,
    encode_line,
)
from netlab.core.json_codec import Json
from netlab.core.limits import Limits
from netlab.core.messages import Hello
from netlab.core.stream import RequestStream
from netlab.lab.dissect import Conversation, Dissector, dissect
from netlab.transports.cookies import SLOT_S, Cookies
from netlab.transports.socketio_packets import parse_event, parse_hello, parse_packet
from netlab.transports.udp import UDPServer
from tests.lab.tiling import tiles

SECRET = b"sixteen bytes or more"
MAX_INPUT_BYTES = 4_096
MAX_HTML_CHARACTERS = 400_000
LIMIT = 64
"""longest frame, in bytes: short, so that a fuzzer gets beyond it"""
NOW = 1_767_225_600.0
CLIENT, SERVER = "client→server", "server→client"
STRANGER = ("127.0.0.1", 9)
JSON = Json()

Frames = list[bytes | RemoteProtocolError]


def _pieces(data: bytes) -> Iterator[bytes]:
    """Cut: the first byte says how long the first piece is, the next byte after it the next."""
    while data:
        size = data[0] % 16 + 1
        yield data[1 : 1 + size]
        data = data[1 + size :]


# ---------------------------------------------------------------- core


def framing(data: bytes) -> None:
    """Cuts change nothing, nothing too long is kept, and what is read can be written again."""
    pieces = list(_pieces(data))
    whole = b"".join(pieces)
    for make, encode in (
        (LineReader, encode_line),
        (LengthPrefixedReader, encode_length_prefixed),
    ):
        cut, at_once = make(LIMIT), make(LIMIT)
        got: Frames = []
        for piece in pieces:
            got += cut.feed(piece)
            assert _kept(cut) <= LIMIT + PREFIX_BYTES
        wanted = at_once.feed(whole)
        assert list(map(_same, got)) == list(map(_same, wanted))
        assert list(map(_same, cut.end())) == list(map(_same, at_once.end()))
        for frame in got:
            if isinstance(frame, bytes):
                assert len(frame) <= LIMIT
                assert make(LIMIT).feed(encode(frame)) in ([frame], [frame.removesuffix(b"\r")])


def _kept(reader: LineReader | LengthPrefixedReader) -> int:
    return len(reader._partial if isinstance(reader, LineReader) else reader._buffer)


def _same(frame: bytes | RemoteProtocolError) -> object:
    return frame if isinstance(frame, bytes) else (type(frame), str(frame))


def messages(data: bytes) -> None:
    """A codec raises what the transports catch, and reads what it has written."""
    for bare_text in (True, False):
        try:
            request = JSON.decode_request(data, bare_text=bare_text)
        except RemoteProtocolError as error:
            _fit_for_the_wire(error)
        else:
            assert JSON.decode_request(JSON.encode_request(request)) == request
    try:
        reply = JSON.decode_reply(data)
    except RemoteProtocolError:
        pass
    else:
        assert JSON.decode_reply(JSON.encode_reply(reply)) == reply
    lines = TextLines()
    try:
        text, said = lines.decode_request(data), lines.decode_reply(data)
    except RemoteProtocolError as error:
        _fit_for_the_wire(error)
    else:
        assert lines.encode_request(text) == data
        assert lines.decode_reply(lines.encode_reply(said)) == said


def _fit_for_the_wire(error: RemoteProtocolError) -> None:
    text = str(error)
    assert text.isprintable(), text
    assert len(text) < 2_000
    text.encode()


def chat(data: bytes) -> None:
    """Any lines of three clients: the service answers, to somebody who is there, and once."""
    service = ChatService(limits=Limits(max_rooms=2, max_games=2, history=3), secret=SECRET)
    clients = [service.new_client() for _ in range(3)]
    streams = [RequestStream(service.codec, 2_048) for _ in clients]
    here = set()
    for client in clients:
        service.connect(client, NOW)
        here.add(client)
    for number, line in enumerate(data.split(b"\n")):
        which = line[0] % 3 if line else 0
        client = clients[which]
        if client not in here:
            continue
        for message in streams[which].feed(line[1:] + b"\n"):
            now = NOW + number
            if isinstance(message, RemoteProtocolError):
                sends = service.reject(client, message, now)
            else:
                sends = service.receive(client, message, now)
            for send in sends:
                assert send.to
                assert here.issuperset(send.to), "only who is here is told"
                assert b"\n" not in service.codec.encode_reply(send.message)
                if send.message.type == "closing":
                    here.difference_update(send.to)
    for client in clients:
        service.disconnect(client, NOW + 1e6)
    service.tick(NOW + 2e6)
    assert service.next_tick() is None
    assert not service.stats(NOW).rooms
    assert not service.stats(NOW).games


# ---------------------------------------------------------------- dissectors


def _dissector(protocol: str | None) -> Callable[[bytes], None]:
    def check(data: bytes) -> None:
        pieces = list(_pieces(data))
        whole = b"".join(pieces)
        found = dissect(whole, protocol)
        tiles(found, whole)
        in_pieces = Dissector(protocol)
        parts = [one for piece in pieces for one in in_pieces.feed(piece)]
        assert [*parts, *in_pieces.end()] == list(found)
        for direction in (CLIENT, SERVER):
            tiles(dissect(whole, protocol, direction=direction), whole)
        shown = found._repr_mimebundle_()
        assert len(shown["text/html"]) < MAX_HTML_CHARACTERS
        assert "<script" not in shown["text/html"].lower()

    check.__doc__ = f"Dissected as {protocol or 'whatever it looks like'}: every byte in one field."
    return check


def conversation(data: bytes) -> None:
    """Both directions, in turns: each knows what the other has said."""
    for protocol in (None, "http", "websocket"):
        both = Conversation(protocol)
        found: dict[str, list[Any]] = {CLIENT: [], SERVER: []}
        said = {CLIENT: b"", SERVER: b""}
        for number, turn in enumerate(data.split(b"\xff|")):
            direction = (CLIENT, SERVER)[number % 2]
            said[direction] += turn
            found[direction] += both.feed(direction, turn)
        for direction, total in said.items():
            tiles(found[direction] + both.end(direction), total)


def packets(data: bytes) -> None:
    """Socket.IO packets as the server reads them: a request, or an error fit for the client."""
    text = data.decode(errors="replace")
    try:
        packet = parse_packet(text)
    except InvalidMessage as error:
        _fit_for_the_wire(error)
        return
    try:
        request = parse_event(packet, JSON)
    except RemoteProtocolError as error:
        _fit_for_the_wire(error)
    else:
        assert json.loads(packet.payload)[0] == request.type, "the event's name is its type"
        _, _, fields = JSON.encode_request(request).partition(b",")
        again = f'2["{request.type}",{{{fields.decode() or "}"}]'
        assert parse_event(parse_packet(again), JSON) == request
    try:
        assert isinstance(parse_hello(packet.payload, JSON), Hello | None)
    except RemoteProtocolError as error:
        _fit_for_the_wire(error)


# ---------------------------------------------------------------- UDP


class _Unplugged(UDPServer):
    """A UDP server without a socket: what it would send is counted."""

    def __init__(self) -> None:
        super().__init__(ChatService, secret=SECRET, clock=_Stopped())
        self._sends_unasked = True
        self.sent: dict[Any, int] = {}
        self.take, self.bury = self._take, self._bury

    def _send(self, frame: bytes, address: Any) -> None:
        self.sent[address] = self.sent.get(address, 0) + len(frame)

    def _wake(self) -> None:
        pass


class _Stopped:
    """A clock that shows one time."""

    def __call__(self) -> float:
        return NOW

    peek = __call__


def cookie(data: bytes) -> None:
    """Datagrams from four addresses: one that showed no cookie never hears more than it said."""
    server, cookies = _Unplugged(), Cookies(SECRET)
    came: dict[Any, int] = {}
    proven = set()
    while len(data) >= 3:
        address = ("127.0.0.1", 40_000 + data[0] % 4)
        pads, shows = data[0] & 4, data[0] & 8
        size = int.from_bytes(data[1:3]) % 700
        datagram, data = data[3 : 3 + size], data[3 + size :]
        right = cookies.make(address, NOW)
        if shows:
            datagram = datagram.replace(b"COOKIE", right.encode())
            if right.encode() in datagram:
                proven.add(address)
        if pads:
            datagram = datagram.ljust(512)
        came[address] = came.get(address, 0) + len(datagram)
        server.take(datagram, address)
        server.bury()
        for receiver, sent in server.sent.items():
            assert receiver in proven or sent <= came[receiver], "more went there than came"
        assert len(server._peers) <= len(proven)
    shown = data.decode(errors="surrogateescape")
    for address in (("127.0.0.1", 1), ("::1", 1, 0, 0)):
        assert not cookies.check(shown, address, NOW), "it was made for nobody"
    for old in (cookies.make(STRANGER, NOW - 2 * SLOT_S), cookies.make(STRANGER, NOW + SLOT_S)):
        assert not cookies.check(old, STRANGER, NOW), "it was made too long ago, or not yet"


TARGETS: dict[str, Callable[[bytes], None]] = {
    "framing": framing,
    "messages": messages,
    "chat": chat,
    "packets": packets,
    "cookie": cookie,
    "websocket": _dissector("websocket"),
    "engineio": _dissector("engineio"),
    "socketio": _dissector("socketio"),
    "http": _dissector("http"),
    "tls": _dissector("tls"),
    "sniffed": _dissector(None),
    "conversation": conversation,
}
"""every target, by the name of its folder in the corpus"""
