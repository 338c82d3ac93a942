"""Ladder diagrams of known protocols: one arrow a frame, unmasked, the same on every run."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab import ChatService
from netlab.lab import LESSON, Tap, background, ladder
from netlab.lab.dissect_websocket import unmask
from netlab.lab.frames import FRAMINGS
from netlab.lab.labels import width
from netlab.transports.socketio_client import SocketIOClient
from netlab.transports.socketio_rooms import SocketIOServer
from netlab.transports.websocket import WebSocketServer
from netlab.transports.websocket_client import WebSocketClient

from .test_diagram import SVG, UP, recorded, svg

UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket&t=%d HTTP/1.1\r\nHost: 127.0.0.1:50123\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: %s==\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nDate: Sun, %02d\r\n\r\n"


def frame(data, first=0x81, mask=None):
    """Return a WebSocket frame of at most 65,535 bytes."""
    bit = 0x80 if mask else 0
    size = (
        bytes([bit | len(data)]) if len(data) < 126 else bytes([bit | 126]) + len(data).to_bytes(2)
    )
    return bytes([first]) + size + (mask + unmask(data, mask) if mask else data)


def conversation(seed=1):
    """Return a conversation of which everything random depends on `seed`."""
    chance = random.Random(seed)
    sid = "".join(chance.choices("abcdefXYZ_-", k=20))
    mask = chance.randbytes

    return [
        ("ann", ">open"),
        ("ann", ">", UPGRADE % (chance.randrange(10**9, 10**10), sid.encode())),
        ("ann", "<", SWITCHED % chance.randrange(10, 30)),
        ("ann", "<", frame(b'0{"sid":"%s","upgrades":[]}' % sid.encode())),
        ("ann", ">", frame(b"40", mask=mask(4))),
        ("ann", "<", frame(b'40{"sid":"%s"}' % sid[::-1].encode())),
        ("ann", "<", frame(b"2")),
        ("ann", ">", frame(b"3", mask=mask(4))),
        ("ann", ">", frame(mask(4), 0x89, mask(4))),
        ("ann", ">", frame(b'42["say","hi from 127.0.0.1:50123"]', mask=mask(4))),
        ("ann", "<", frame(b"\x03\xe9restart", 0x88)),
        ("ann", ">", frame(b"\x03\xe9", 0x88, mask(4))),
        ("ann", "<fin"),
        ("ann", ">fin"),
    ]


def lines(events, **options):
    return str(ladder(recorded(*events), **options)).splitlines()


def drawn(events, **options):
    recording = recorded(*events)
    recording.note_port(50123, "ann")
    return ladder(recording, **options)


TWIN = [
    "ann → server  (connects)",
    "ann → server  GET /socket.io/?EIO=4&transport=websocket&t=<t> HTTP/1.1",
    "server → ann  HTTP/1.1 101 Switching Protocols",
    'server → ann  TEXT 0{"sid":"<sid 1>","upgrades":[]}   (Engine.IO OPEN)',
    "ann → server  TEXT 40   (Socket.IO CONNECT)",
    'server → ann  TEXT 40{"sid":"<sid 2>"}   (Socket.IO CONNECT)',
    'ann → server  TEXT 42["say","hi from 127.0.0.1:<ann>"]   (Socket.IO EVENT)',
    'server → ann  CLOSE 1001 "restart"',
    "ann → server  CLOSE 1001",
    "server → ann  FIN",
    "ann → server  FIN",
]


@pytest.mark.parametrize("framing", ["auto", "websocket", "http"])
def test_websocket_frames_are_drawn_unmasked(framing):
    assert str(drawn(conversation(), framing=framing)).splitlines() == TWIN


@given(st.integers())
def test_masks_nonces_ids_and_dates_do_not_change_the_picture(seed):
    one, other = drawn(conversation(), framing="auto"), drawn(conversation(seed), framing="auto")
    assert one.html == other.html


@given(st.integers(), st.integers(0, 6))
def test_cuts_do_not_change_the_picture(seed, cuts):
    chooser, events = random.Random(seed), []
    for name, what, *data in conversation():
        if not data:
            events.append((name, what))
            continue
        places = sorted(chooser.randrange(len(data[0]) + 1) for _ in range(cuts))
        ends = zip([0, *places], [*places, len(data[0])], strict=True)
        events += [(name, what, data[0][start:end]) for start, end in ends]
    whole, cut = drawn(conversation(), framing="auto"), drawn(events, framing="auto")
    assert whole.html == cut.html


def test_which_fin_follows_a_closing_handshake_first_is_chance():
    *events, server_fin, client_fin = conversation()
    for order in ([server_fin, client_fin], [client_fin, server_fin]):
        assert str(drawn([*events, *order], framing="auto")).splitlines() == TWIN


def test_heartbeats_of_libraries_are_drawn_if_wanted():
    found = str(drawn(conversation(), framing="auto", heartbeats=True)).splitlines()
    assert [line for line in found if line not in TWIN] == [
        "server → ann  TEXT 2   (Engine.IO PING)",
        "ann → server  TEXT 3   (Engine.IO PONG)",
        "ann → server  PING <nonce>",
    ]


def test_who_points_at_an_arrow_sees_its_bytes_and_fields():
    events = [("ann", ">", frame(b"Hello", mask=b"abcd")), ("ann", "<", b"\x81\x05World")]
    picture = ladder(recorded(*events), framing="websocket")
    titles = [one.text for one in svg(picture).iter(f"{SVG}title")]
    assert titles[0].splitlines() == [
        "ann → server: WebSocket TEXT, 11 bytes",
        "81 85 ·· ·· ·· ·· 48 65 6c 6c 6f (unmasked)",
        "FIN 1, RSV1 0, RSV2 0, RSV3 0, opcode 1 TEXT, MASK 1, length 5, masking key <mask>, "
        'payload "Hello"',
    ]
    table = re.search(r"<details><summary>The bytes of each arrow.*</details>", picture.html)[0]
    cells = [one.text for one in ET.fromstring(table).iter("td") if one.get("class") == "hex"]
    assert cells == ["81 85 ·· ·· ·· ·· 48 65 6c 6c 6f (unmasked)", "81 05 57 6f 72 6c 64"]


def test_highlight_finds_what_is_masked():
    events = [("ann", ">", frame(text, mask=b"abcd")) for text in (b"hello", b"help")]
    assert lines(events, framing="websocket", highlight="help") == [
        "ann → server  TEXT hello",
        "ann → server  ▸ TEXT help",
    ]


def test_notes_of_a_proxy_are_shown():
    recording = recorded(("c", ">", b"one"))
    recording.append("c", UP, "data", b"one", "once more")
    found = str(ladder(recording, framing="datagrams")).splitlines()
    assert found == ["c → server  one", "c → server  one   (once more)"]


def test_ports_are_hidden_in_the_bytes_too():
    picture = drawn([("ann", ">", b"127.0.0.1:50123\n")])
    assert "3a ·· ·· ·· ·· ·· 0a" in picture.html
    assert "35 30 31 32 33" not in picture.html


def test_chunks_show_parts_of_masked_frames_in_the_clear():
    whole = frame(b"Hello", mask=b"abcd")
    events = [("ann", ">", whole[:4]), ("ann", ">", whole[4:9]), ("ann", ">", whole[9:])]
    assert lines(events, framing="websocket", chunks=True) == [
        "ann → server  [81 85 ·· ··…   (1 chunk: the first 4 bytes of a message)",
        "ann → server  …Hel…   (1 chunk: the next 5 bytes of a message)",
        "ann → server  …lo]   (1 chunk: the last 2 bytes of a message)",
    ]
    two = frame(b"one", mask=b"abcd") + frame(b"two", mask=b"wxyz")
    assert lines([("ann", ">", two)], framing="websocket", chunks=True) == [
        "ann → server  [TEXT one] [TEXT two]   (1 chunk, 2 messages)"
    ]


def test_fragments_and_what_is_missing():
    events = [("ann", "<", b"\x01\x03Hel\x80\x02lo\x81\x09unfin")]
    assert lines(events, framing="websocket") == [
        "server → ann  TEXT, FIN=0, Hel",
        "server → ann  CONTINUATION lo",
        "server → ann  TEXT unfin   (incomplete, missing: 4 bytes of payload)",
    ]


def test_tls_records_are_summaries():
    hello = bytes.fromhex("16030100050100000100")
    events = [
        ("c", ">", hello),
        ("c", "<", b"\x15\x03\x03\0\2\2\x28"),
        ("c", ">", b"\x17\3\3\0\1a"),
    ]
    found = lines(events, framing="tls")
    assert found[0].startswith("c → server  ClientHello")
    assert found[1:] == [
        "server → c  Alert, fatal: handshake_failure",
        "c → server  ApplicationData, encrypted, 1 byte",
    ]


def test_a_second_connection_of_the_same_name_begins_anew():
    events = [
        ("c", ">open"), ("c", ">", b"\x81\x05unfi"), ("c", ">rst"),
        ("c", ">open"), ("c", ">", b"\x81\x02ok"),
    ]  # fmt: skip
    assert lines(events, framing="websocket")[-1] == "c → server  TEXT ok"


def test_length_prefixed():
    events = [("c", ">", b"\0\0\0\2hi\0\0\0\0\0\0\0\3ab")]
    assert lines(events, framing="length-prefixed") == [
        "c → server  hi",
        "c → server  (an empty frame)",
        "c → server  ab   (incomplete, missing: 1 byte of frame)",
    ]


def test_datagrams_some_lost():
    recording = recorded(
        ("c", ">", b"one"), ("c", ">", b"two"), ("c", ">lost", b"three"), ("c", "<lost", b"four")
    )
    picture = ladder(recording, framing="datagrams")
    assert str(picture).splitlines() == [
        "c → server  one",
        "c → server  two",
        "c → server  LOST: three",
        "server → c  LOST: four",
    ]
    drawing = svg(picture)
    pills = [one for one in drawing.iter(f"{SVG}text") if one.get("class") == "pill-text"]
    assert [one.text for one in pills] == ["LOST", "LOST"]
    lost = [one for one in drawing.iter(f"{SVG}g") if one.get("class") == "bad"]
    path = lost[0].find(f"{SVG}path").get("d")
    start, end = map(float, re.fullmatch(r"M([\d.]+) [\d.]+H([\d.]+)", path).groups())
    assert end - start < (float(drawing.get("width")) - 100) / 2


def test_a_half_closed_connection_is_drawn_so():
    events = [("c", ">open"), ("c", ">fin"), ("c", "<", b"bye\n"), ("c", "<fin")]
    kinds = [one.get("class") for one in svg(ladder(recorded(*events))).iter(f"{SVG}path")]
    assert kinds.count("half") == 1
    assert kinds.count("live") == 2  # the client's and the server's


def test_many_lanes_fit_the_window_and_names_do_not_overlap():
    names = [f"somebody with a long name {number}" for number in range(9)]
    for chosen in (names, [f"c{number}" for number in range(12)]):
        picture = ladder(recorded(*[(name, ">", b"x") for name in chosen]))
        drawing = svg(picture)
        style = re.search(r"<style>(.*?)</style>", picture.html, re.DOTALL)[1]
        # More precise than JupyterLab's own rule for every svg, which has no `height`.
        rule = ".netlab-figure .netlab-scroll svg.netlab-ladder{display:block;max-width:100%;"
        assert f"{rule}height:auto}}" in style
        assert float(drawing.get("width")) == float(drawing.get("viewBox").split()[2])
        assert '<div class="netlab-scroll" tabindex="0"' in picture.html
        boxes = [one for one in drawing.iter(f"{SVG}rect") if one.get("class") == "box"]
        edges = [(float(one.get("x")), float(one.get("width"))) for one in boxes]
        assert all(x + wide < following for (x, wide), (following, _) in pairwise(edges))


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from(["<", ">", ">open", ">fin", "<lost", ">rst"]),
            st.one_of(
                st.binary(min_size=1, max_size=40),
                st.sampled_from([data for _, _, *rest in conversation() for data in rest]),
            ),
        ),
        max_size=16,
    ),
    st.sampled_from(FRAMINGS),
    st.booleans(),
)
def test_any_bytes_in_any_framing_give_a_well_formed_picture(events, framing, chunks):
    events = [
        (name, what, *([data] if what[1:] in ("", "lost") else [])) for name, what, data in events
    ]
    picture = ladder(recorded(*events), framing=framing, chunks=chunks)
    wide = float(svg(picture).get("width"))
    for text in svg(picture).iter(f"{SVG}text"):
        column = {"code": 8.0, "note": 6.5}.get(text.get("class"), 8.8)
        half = width("".join(text.itertext())) * column / 2
        assert half - 1 <= float(text.get("x")) <= wide - half + 1
    details = re.search(
        r"<details><summary>The bytes of each arrow.*</details>", picture.html, re.DOTALL
    )
    if details:
        ET.fromstring(details[0])


def test_an_unknown_framing():
    with pytest.raises(ValueError, match="framing 'quic' is not known; it is one of lines, whole"):
        ladder(recorded(), framing="quic")


def websocket_chat():
    server = background(WebSocketServer(ChatService, **LESSON), name="websocket")
    with server, Tap(server.address) as tap:
        with WebSocketClient(tap.address) as ann:
            tap.name("ann", ann)
            ann.wait_for("welcome")
            ann.send("list_rooms")
            ann.wait_for("room_list")
        tap.settled()
        return tap.ladder(framing="auto")


def test_a_chat_over_websocket_is_one_picture():
    one, other = websocket_chat(), websocket_chat()
    assert "ann → server  TEXT" in str(one)
    assert one.html == other.html


@pytest.mark.parametrize("transports", [["websocket"], ["polling", "websocket"]])
def test_a_chat_over_socketio_is_one_picture(transports):
    def chat():
        server = background(SocketIOServer(ChatService, **LESSON), name="socketio")
        with server, Tap(server.address) as tap:
            with SocketIOClient(tap.address, transports=transports) as ann:
                ann.wait_for("welcome")
            tap.settled()
            return tap.ladder(framing="auto")

    one, other = chat(), chat()
    assert 'TEXT 42["welcome",' in str(one)
    assert one.html == other.html
