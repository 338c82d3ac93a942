"""Dissectors: every byte is in one field, in any cuts, and what is wrong is said, not raised."""

from __future__ import annotations

import random
import re
import ssl
import xml.etree.ElementTree as ET
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.lab import dissect
from netlab.lab.dissect import PROTOCOLS, Conversation, Dissector
from netlab.lab.dissect_stream import sniff
from tests.lab.tiling import tiles

UP, DOWN = "client→server", "server→client"
# RFC 6455, 5.7
HELLO = bytes.fromhex("810548656c6c6f")
MASKED_HELLO = bytes.fromhex("818537fa213d7f9f4d5158")
UPGRADE = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
OPEN = b'0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000}'


def client_hello(**options):
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    for name, value in options.items():
        setattr(context, name, value)
    client = context.wrap_bio(inward, outward, server_hostname="chat.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outward.read()


SAMPLES = [
    b"hello\r\nworld\nrest",
    b"\0\0\0\5hello\0\0\0\0\0\0\0\x09rest",
    UPGRADE + MASKED_HELLO + bytes.fromhex("0103") + b"one" + bytes.fromhex("8003") + b"two",
    SWITCHED + b"\x81\x02hi\x89\x04abcd\x88\x05\x03\xe8bye",
    b"POST /socket.io/?EIO=4 HTTP/1.1\r\nContent-Length: 5\r\n\r\n42[1]GET / HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nA: b\r\n\r\nHTTP",
    OPEN + b"\x1e40\x1e42[1]\x1ebAAEC",
    client_hello() + b"\x14\x03\x03\0\1\1" + b"\x17\x03\x03\0\3abc" + b"\x15\x03\x03\0\2",
    b"\x82\x7e\x01\x00" + bytes(256) + b"\x82\x7f" + (70_000).to_bytes(8) + bytes(70_000),
]


def shown_values(one):
    return {field.name: field.value for field in one.fields}


messy = st.one_of(
    st.binary(max_size=300),
    st.sampled_from(SAMPLES),
    st.tuples(st.sampled_from(SAMPLES), st.binary(max_size=40)).map(b"".join),
    st.tuples(st.sampled_from(SAMPLES), st.integers(0, 99), st.integers(0, 255)).map(
        lambda t: t[0][: t[1]] + bytes([t[2]]) + t[0][t[1] + 1 :]
    ),
)
protocols = st.sampled_from([None, *PROTOCOLS])


@given(messy, protocols)
def test_any_bytes_are_covered_and_shown_in_bounds(data, protocol):
    found = dissect(data, protocol)
    tiles(found, data)
    assert all(one.complete for one in found[:-1])
    bundle = found._repr_mimebundle_()
    assert len(bundle["text/html"]) < 400_000
    if data:
        ET.fromstring(re.sub(r"<style>.*?</style>", "", bundle["text/html"], flags=re.DOTALL))


@given(messy, protocols, st.integers(), st.integers(1, 12))
def test_the_cuts_between_pieces_do_not_matter(data, protocol, seed, pieces):
    chooser = random.Random(seed)
    cuts = sorted(chooser.randrange(len(data) + 1) for _ in range(pieces))
    dissector, found = Dissector(protocol), []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        found += dissector.feed(data[start:end])
    assert list(dissect(data, protocol)) == [*found, *dissector.end()]


@pytest.mark.parametrize("data", SAMPLES)
def test_byte_by_byte(data):
    dissector, found = Dissector(), []
    for number in range(min(len(data), 3000)):
        found += dissector.feed(data[number : number + 1])
    found += dissector.feed(data[3000:])
    assert list(dissect(data)) == [*found, *dissector.end()]


@given(messy, messy, protocols)
def test_any_conversation_is_covered(up, down, protocol):
    both = Conversation(protocol)
    found = {UP: [], DOWN: []}
    for direction, data in ((UP, up[:9]), (DOWN, down[:50]), (UP, up[9:]), (DOWN, down[50:])):
        found[direction] += both.feed(direction, data)
    for direction, data in ((UP, up), (DOWN, down)):
        tiles(found[direction] + both.end(direction), data)


@given(st.binary(min_size=1, max_size=80))
def test_what_is_sniffed_never_changes(data):
    answers = [sniff(data[:size], False) for size in range(1, len(data) + 1)]
    final = [answer for answer in answers if answer]
    assert len(set(final)) <= 1
    assert sniff(data, True) in PROTOCOLS


@pytest.mark.parametrize(
    ("data", "protocol"),
    [
        (b"hello\n", "Lines"),
        (b"GET lost!\n", "Lines"),
        (b"42 is the answer\n", "Lines"),
        ("Ünïcode".encode(), "Lines"),
        (b"\0\0\0\2hi", "Length-prefixed"),
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "HTTP"),
        (MASKED_HELLO, "WebSocket"),
        (b"\x88\x00", "WebSocket"),
        (OPEN, "Engine.IO"),
        (b"2", "Engine.IO"),
        (b"2\n", "Lines"),
        (b'42["chat","hi"]', "Socket.IO"),
        (b"\x16\x03\x01\0\5", "TLS"),
        (b"\xff\xfe\xfd", "Bytes"),
        (b"\x16\x04", "Bytes"),
    ],
)
def test_the_protocol_is_found_out(data, protocol):
    assert dissect(data)[0].protocol == protocol


def test_a_frame_down_to_the_bit():
    assert str(dissect(MASKED_HELLO)).splitlines() == [
        'WebSocket, bytes 0 to 10: TEXT, masked, 5 bytes: "Hello"',
        "  0     1... ....       FIN          1   (the last frame of its message)",
        "  0     .0.. ....       RSV1         0   (reserved)",
        "  0     ..0. ....       RSV2         0   (reserved)",
        "  0     ...0 ....       RSV3         0   (reserved)",
        "  0     .... 0001       opcode       1 TEXT",
        "  1     1... ....       MASK         1   (a masking key follows)",
        "  1     .000 0101       length       5   (bytes of payload)",
        "  2-5   37 fa 21 3d     masking key  37 fa 21 3d",
        '  6-10  7f 9f 4d 51 58  payload      "Hello"',
    ]
    (frame,) = dissect(MASKED_HELLO)
    assert frame.payload == b"Hello"
    assert frame["opcode"].bits == (4, 7)
    with pytest.raises(KeyError, match="no field 'mask' in this WebSocket TEXT; it has: FIN, RSV1"):
        frame["mask"]


def test_extended_lengths():
    for size, name in ((125, "length"), (126, "extended length"), (65_536, "extended length")):
        head = {125: b"\x82\x7d", 126: b"\x82\x7e\0\x7e", 65_536: b"\x82\x7f" + size.to_bytes(8)}
        (frame,) = dissect(head[size] + bytes(size))
        assert frame[name].value == f"{size:,}"
        assert frame.complete
        assert len(frame.payload) == size


def test_fragments_and_a_ping_between_them():
    parts = dissect(b"\x01\x03Hel\x89\x02??\x80\x02lo")
    assert [one.summary for one in parts] == [
        'TEXT (first part), 3 bytes: "Hel"',
        'PING, 2 bytes: "??"',
        'CONTINUATION (last part), 2 bytes: the message: "Hello"',
    ]


def test_a_character_torn_between_fragments_is_valid():
    whole = dissect(b"\x01\x01\xc3\x80\x01\xa9")
    assert whole[1].summary.endswith('the message: "é"')
    bad = dissect(b"\x01\x01\xc3\x80\x01\x41")
    assert bad[1].summary.endswith("not valid UTF-8, to be closed with 1007 (RFC 6455, 8.1)")


@pytest.mark.parametrize(
    ("data", "missing"),
    [
        (MASKED_HELLO[:1], "MASK and the length"),
        (MASKED_HELLO[:4], "2 bytes of masking key"),
        (MASKED_HELLO[:8], "3 bytes of payload"),
        (b"\x82\x7e\x01", "1 byte of extended length"),
        (b"\x88\x04\x03\xe8b", "1 byte of reason"),
        (b"\0\0\0\5hel", "2 bytes of frame"),
        (b"\0\0", "2 bytes of length"),
        (b"hello", "the newline"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", "the empty line at the end of the head"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "4 bytes of the body"),
        (b"\x16\x03\x01\0\x05\x01", "4 bytes of the record"),
        (b"\x17\x03\x03\0\x05\x01", "4 bytes of encrypted data"),
    ],
)
def test_what_is_missing_is_said(data, missing):
    last = dissect(data)[-1]
    assert last.missing == missing
    assert last.summary.endswith(f"incomplete, missing: {missing}")
    tiles(dissect(data), data)


@pytest.mark.parametrize(
    ("data", "direction", "fault"),
    [
        (HELLO, UP, "a client must mask"),
        (MASKED_HELLO, DOWN, "a server must not mask"),
        (b"\xb1\x00", None, "a reserved bit"),
        (b"\x83\x00", None, "a reserved opcode"),
        (b"\x09\x00", None, "must not be fragmented"),
        (b"\x80\x00", None, "no message has begun"),
        (b"\x89\x7e\0\x7e" + bytes(126), None, "125 bytes at most"),
        (b"\x82\x7e\0\x7d" + bytes(125), None, "fewest bytes"),
    ],
)
def test_who_breaks_the_rules_is_told_which(data, direction, fault):
    assert fault in dissect(data, "websocket", direction=direction)[0].summary
    fine = dissect(MASKED_HELLO, "websocket", direction=UP)[0].summary
    assert fine == 'TEXT, masked, 5 bytes: "Hello"'


def test_close_codes():
    (frame,) = dissect(b"\x88\x05\x03\xf1bye")
    assert frame["close code"].value == "1009"
    assert frame["close code"].note == "message too big"
    assert frame["reason"].value == '"bye"'
    assert dissect(b"\x88\x02\x0f\xa1")[0].summary == "CLOSE, 2 bytes: 4001 private use"
    assert "2 bytes" in dissect(b"\x88\x01\x03")[0]["payload"].note


def test_compressed_messages_are_inflated_and_share_their_context():
    packer = zlib.compressobj(wbits=-15)
    frames = b""
    for text in (b"hello, hello", b"hello, hello"):
        body = (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
        frames += bytes([0xC1, len(body)]) + body
    found = dissect(frames, "websocket")
    assert [one.payload for one in found] == [b"hello, hello"] * 2
    assert found[1].summary.endswith('inflated: "hello, hello"')
    assert dissect(b"\xc1\x02\xff\xff", "websocket")[0].summary.endswith("is not here")


def test_a_conversation_from_upgrade_to_socketio():
    both = Conversation()
    asked = both.feed(UP, UPGRADE + b"\x81\x02")
    assert [one.name for one in asked] == ["upgrade request"]
    answered = both.feed(DOWN, SWITCHED + b"\x81" + bytes([len(OPEN)]) + OPEN)
    assert [one.protocol for one in answered] == ["HTTP", "WebSocket"]
    (packet,) = answered[1].inner
    assert packet.ids == ("lv_VI97HAXpY6yYWAAAC",)
    assert packet.start == answered[1].start + 2
    said = both.feed(UP, b"40") + both.feed(UP, b'\x81\x0d451-["f",{}]' + b"x\x82\x03abc")
    assert [one.inner[0].name for one in said] == ["CONNECT", "BINARY_EVENT", "attachment"]
    assert said[2].inner[0]["data"].note == "attachment 1 of 1"


def test_polling_is_engineio_in_http():
    both = Conversation()
    both.feed(UP, b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n\r\n")
    body = OPEN + b"\x1e40"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    _, answer = both.feed(DOWN, head + body)
    assert [one.name for one in answer.inner] == ["OPEN", "CONNECT"]
    assert answer.inner[0].start == len(head)
    post = b"POST /socket.io/?EIO=4&sid=x HTTP/1.1\r\nContent-Length: 3\r\n\r\n41x"
    assert both.feed(UP, post)[1].inner[0].protocol == "Engine.IO"


def test_answers_without_a_body():
    both = Conversation()
    both.feed(UP, b"HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    found = both.feed(DOWN, b"HTTP/1.1 100 Continue\r\n\r\n" + head + head + b"hello")
    assert [one.name for one in found] == ["response", "response", "response", "body"]
    assert dissect(b"HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 204 \r\n\r\n")[1].name == "response"


def test_http_that_is_none_any_more():
    found = dissect(b"GET / HTTP/1.1\r\n\r\n\x00\x01\r\n\r\n")
    assert [one.protocol for one in found] == ["HTTP", "Bytes"]
    endless = dissect(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000)
    assert endless[0].protocol == "Bytes"
    assert "an HTTP head of more than 65,536 bytes" in endless[0].summary
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello"
    assert "the size of a chunk was expected here" in dissect(chunks)[1].summary


def test_socketio_packets_field_by_field():
    (packet,) = dissect(b'452-/room,17["move",{"_placeholder":true,"num":0}]')
    assert packet.name == "BINARY_EVENT"
    assert shown_values(packet) == {
        "Engine.IO type": "4 MESSAGE",
        "Socket.IO type": "5 BINARY_EVENT",
        "attachments": "2",
        "namespace": '"/room"',
        "ack id": "17",
        "data": '["move",{"_placeholder":true,"num":0}]',
    }
    assert dissect(b'2["x"]', "socketio")[0].name == "EVENT"
    assert dissect(b"4hello", "engineio")[0].protocol == "Engine.IO"
    assert dissect(b"9", "engineio")[0].name == "unknown"
    assert dissect(b"42[oops", "engineio")[0]["data"].note == "not valid JSON"
    assert dissect(b"b!!", "engineio")[0]["data"].value == "not valid base64"


def test_a_client_hello():
    (record,) = dissect(client_hello(minimum_version=ssl.TLSVersion.TLSv1_2))
    assert record.name == "ClientHello"
    words = "ClientHello, chat.example, ALPN h2, http/1.1, TLS 1.3, TLS 1.2"
    assert record.summary == words
    assert "TLS_AES_256_GCM_SHA384" in record["cipher suites"].value
    assert "x25519" in record["key_share"].value
    assert record["random"].varies == "<random>"


def test_alerts_and_handshakes_over_two_records():
    (alert,) = dissect(b"\x15\x03\x03\0\2\2\x28")
    assert alert.summary == "Alert, fatal: handshake_failure"
    hello = client_hello()[5:]
    records = b"".join(
        b"\x16\x03\x01" + len(part).to_bytes(2) + part for part in (hello[:99], hello[99:])
    )
    first, second = dissect(records)
    assert f"the first 95 bytes of {len(hello) - 4}" in first.summary
    assert second.summary == f"more of ClientHello, {len(hello) - 99} bytes"
    two = dissect(b"\x16\x03\x03\0\x08\x0e\0\0\0\x0e\0\0\0")[0]
    assert two.summary == "ServerHelloDone + ServerHelloDone"
    finished = dissect(b"\x14\x03\x03\0\1\1\x16\x03\x03\0\3abc")[1]
    assert finished.summary == "Handshake, encrypted, 3 bytes"


def test_what_is_shown_is_escaped_and_bounded():
    html = dissect(b"<script>alert(1)</script>\n")._repr_mimebundle_()["text/html"]
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    large = dissect(b"\x82\x7f" + (10**6).to_bytes(8) + bytes(10**6))
    assert len(str(large)) < 2000
    many = dissect(b"\x81\x01x" * 100)
    assert len(many) == 100
    assert str(many).endswith("… 76 more, 228 bytes; show a part of them: [24:]")
    assert len(many[98:]) == 2
    assert str(dissect(b"")) == "no bytes"
    assert "\u202e" not in str(dissect("\u202eevil\n".encode()))


def test_wrong_calls():
    with pytest.raises(TypeError, match=r"takes bytes, and this is str; encode text first"):
        dissect("hello")
    with pytest.raises(ValueError, match="protocol 'quic' is not known here; it is one of lines"):
        dissect(b"", "quic")
    with pytest.raises(ValueError, match="is not a valid Direction"):
        dissect(b"", direction="up")
