"""Ladder diagrams: the same conversation gives the same picture, whatever the cuts and ports."""

from __future__ import annotations

import random
import re
import socket
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.lab import Recording, Tap, ladder
from netlab.lab.frames import arrows, is_heartbeat, name_order
from netlab.lab.labels import Names, label, shorten, width

from .servers import ThreadedServer

UP, DOWN = "client→server", "server→client"
SVG = "{http://www.w3.org/2000/svg}"


def recorded(*events, **options):
    """Make a recording of (connection, ">" or "<" or a kind, data)."""
    recording = Recording(**options)
    for connection, what, *data in events:
        direction = DOWN if what.startswith("<") else UP
        kind = what.lstrip("<>") or "data"
        recording.append(connection, direction, kind, data[0] if data else b"")
    return recording


def lines(*events, **options):
    return str(ladder(recorded(*events), **options)).splitlines()


def svg(picture):
    return ET.fromstring(re.search(r"<svg.*</svg>", picture.html, re.DOTALL)[0])


ECHO = [
    ("alice", ">open"),
    ("bob", ">open"),
    ("alice", ">", b"hello\n"),
    ("alice", "<", b"Echo: hello\n"),
    ("bob", "<", b"Broadcast: hello\n"),
    ("alice", ">fin"),
    ("alice", "<fin"),
]


def test_the_text_twin():
    assert lines(*ECHO, title="Echo") == [
        "Echo",
        "alice → server  (connects)",
        "bob → server    (connects)",
        r"alice → server  hello\n",
        r"server → alice  Echo: hello\n",
        r"server → bob    Broadcast: hello\n",
        "alice → server  FIN",
        "server → alice  FIN",
    ]


def test_the_mime_bundle_is_html_with_a_described_picture_and_text():
    picture = ladder(recorded(*ECHO), title="Echo <to> the sender")
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == str(picture) == repr(picture)
    drawing = svg(picture)
    assert drawing.get("role") == "img"
    assert drawing.get("aria-label") == "Ladder diagram. Echo <to> the sender"
    assert "<figcaption>Echo &lt;to&gt; the sender</figcaption>" in bundle["text/html"]
    titles = [one.text for one in drawing.iter(f"{SVG}title")]
    assert titles[2] == "alice → server: 6 bytes: b'hello\\n'\n68 65 6c 6c 6f 0a"
    assert titles[-1] == "server → alice: FIN, server will send nothing more"


@given(st.data())
def test_cuts_and_interleaving_of_answers_do_not_change_the_picture(data):
    """Any cut of the bytes, and any order of what goes to different clients, is one picture."""
    chooser = random.Random(data.draw(st.integers()))
    expected = ladder(recorded(*ECHO)).html
    hello = cut(chooser, b"hello\n", ">")
    answers = merge(
        chooser,
        [("alice", "<", part) for part in cut(chooser, b"Echo: hello\n", "<")],
        [("bob", "<", part) for part in cut(chooser, b"Broadcast: hello\n", "<")],
    )
    events = [*ECHO[:2], *(("alice", ">", part) for part in hello), *answers, *ECHO[5:]]
    assert ladder(recorded(*events)).html == expected


def cut(chooser, data, _):
    places = sorted(chooser.sample(range(1, len(data)), chooser.randrange(len(data))))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def merge(chooser, *queues):
    queues = [list(queue) for queue in queues]
    while queues := [queue for queue in queues if queue]:
        yield chooser.choice(queues).pop(0)


def test_a_real_conversation_in_different_chunks_through_a_tap_is_one_picture():
    def converse(parts):
        with (
            ThreadedServer() as server,
            Tap(server.address) as tap,
            socket.create_connection(tap.address, timeout=5.0) as alice,
        ):
            tap.name("alice", alice)
            for part in parts:
                alice.sendall(part)
                tap.settled()
            with alice.makefile("rb") as answers:
                assert [answers.readline(), answers.readline()] == [b"hello\n", b"world\n"]
            alice.shutdown(socket.SHUT_WR)
            assert alice.recv(1) == b""
            tap.settled()
            return tap

    def direction_only(tap, direction):
        part = Recording()
        for chunk in tap.recording:
            if chunk.direction == direction:
                part.append(chunk.connection, chunk.direction, chunk.kind, chunk.data)
        return ladder(part).html

    one = converse([b"hello\nworld\n"])
    many = converse([b"hel", b"lo\nwor", b"ld\n"])
    for direction in (UP, DOWN):
        assert direction_only(one, direction) == direction_only(many, direction)
    assert sum(chunk.kind == "data" and chunk.direction == UP for chunk in many.recording) == 3


def test_answers_are_sorted_between_events_of_clients_only():
    assert lines(
        ("c10", "<", b"1\n"),
        ("c2", "<", b"2\n"),
        ("c2", "<", b"3\n"),
        ("c2", ">", b"-\n"),
        ("c2", "<", b"4\n"),
        ("c10", "<fin"),
        ("c1", "<", b"5\n"),
    ) == [
        r"server → c2   2\n",
        r"server → c2   3\n",
        r"server → c10  1\n",
        r"c2 → server   -\n",
        r"server → c1   5\n",
        r"server → c2   4\n",
        r"server → c10  FIN",
    ]


def test_the_fin_that_answers_a_fin_is_drawn_after_it():
    """Two clients close one after the other: the server's FIN for the first may come any time."""
    early = [("bob", ">fin"), ("bob", "<fin"), ("alice", ">fin"), ("alice", "<fin")]
    late = [("bob", ">fin"), ("alice", ">fin"), ("alice", "<fin"), ("bob", "<fin")]
    assert lines(*early) == lines(*late)


def test_a_fin_that_answers_nothing_stays_where_it_was():
    events = [("bob", ">", b"x\n"), ("alice", ">", b"kick bob\n"), ("bob", "<fin")]
    assert lines(*events)[-1] == "server → bob    FIN"


def test_the_unterminated_rest_is_drawn_when_the_direction_changes_and_at_the_end():
    assert lines(
        ("c1", ">", b"one\ntw"), ("c1", "<", b"?"), ("c1", ">", b"o\n"), ("c1", "<", b"!")
    ) == [
        r"c1 → server  one\n",
        "c1 → server  tw",
        "server → c1  ?",
        r"c1 → server  o\n",
        "server → c1  !",
    ]


def test_whole_framing_joins_all_that_goes_one_way():
    events = [("c1", ">", b"a\nb\n"), ("c1", ">", b"c"), ("c1", "<", b"d")]
    assert lines(*events, framing="whole") == [r"c1 → server  a\nb\nc", "server → c1  d"]


def length_prefixed(data):
    frames = []
    while data and len(data) > data[0]:
        frames.append(data[: 1 + data[0]])
        data = data[1 + data[0] :]
    return frames


def test_framing_may_be_a_function():
    events = [("c1", ">", b"\x03one\x05th"), ("c1", ">", b"ree\x04fou")]
    drawn = arrows(recorded(*events), length_prefixed, chunks=False, heartbeats=False)
    assert [arrow.data for arrow in drawn] == [b"\x03one", b"\x05three", b"\x04fou"]
    with pytest.raises(ValueError, match="framing gave b'one', which is not what comes at byte 0"):
        ladder(recorded(*events), framing=lambda data: [b"one"])


def test_chunks_show_where_a_chunk_is_not_a_message():
    assert lines(
        ("c1", ">", b"one\ntwo\n"),
        ("c1", ">", b"th"),
        ("c1", ">", b"r"),
        ("c1", ">", b"ee\nfour\n"),
        ("c1", "<", b"ok\n"),
        chunks=True,
    ) == [
        r"c1 → server  [one\n] [two\n]   (1 chunk, 2 messages)",
        r"c1 → server  [th…   (1 chunk: the first 2 bytes of a message)",
        r"c1 → server  …r…   (1 chunk: the next 1 byte of a message)",
        r"c1 → server  …ee\n] [four\n]   (1 chunk: the last 3 bytes of a message, 1 whole)",
        r"server → c1  [ok\n]",
    ]


def test_ports_are_drawn_as_names():
    recording = recorded(("c1", ">", b"x\n"), ("c1", "<", b"from ('127.0.0.1', 50123): 50123\n"))
    recording.note_port(50123, "c1")
    recording.rename("c1", "alice")
    picture = ladder(recording)
    assert r"server → alice  from ('127.0.0.1', <alice>): 50123\n" in str(picture)
    assert "('127.0.0.1', 50123)" not in picture.html


def test_names_and_server_can_be_chosen():
    assert lines(("c1", ">", b"x"), names={"c1": "you"}, server="your code") == [
        "you → your code  x"
    ]
    with pytest.raises(ValueError, match="there is no connection 'c2'; recorded are: c1"):
        ladder(recorded(("c1", ">", b"x")), names={"c2": "bob"})


def test_heartbeats_are_passed_over_unless_wanted():
    events = [
        ("c1", ">", b"x\n"),
        ("c1", "<", b'{"type":"heartbeat","clients_count":1}\n'),
        ("c1", ">", b'{"type":"ping","ref":"heartbeat"}\n'),
        ("c1", "<", b'{"type":"pong","ref":"heartbeat"}\n{"type":"pong"}\n'),
    ]
    assert lines(*events) == [r"c1 → server  x\n", r'server → c1  {"type":"pong"}\n']
    assert len(lines(*events, heartbeats=True)) == 5
    assert lines(*events, chunks=True)[-1] == r'server → c1  [{"type":"pong"}\n]'
    assert not is_heartbeat(b'"heartbeat"')
    assert not is_heartbeat(b"heartbeat")


def test_highlight_marks_by_text_bytes_or_function():
    events = [("c1", ">", b"one\n"), ("c1", ">", b"two\n")]
    for highlight in ("tw", b"tw", lambda data: data == b"two\n"):
        picture = ladder(recorded(*events), highlight=highlight)
        assert str(picture).splitlines() == [r"c1 → server  one\n", r"c1 → server  ▸ two\n"]
        assert picture.html.count('<rect class="mark" x="8"') == 1


def test_long_recordings_are_folded_with_a_count():
    events = [("c1", ">", b"%d\n" % number) for number in range(100)]
    found = lines(*events, max_rows=9)
    assert len(found) == 10
    assert found[6] == "… 91 more …"
    assert found[-1] == r"c1 → server  99\n"


def test_a_full_recording_says_so_in_its_diagram():
    recording = recorded(("c1", ">", b"x" * 900), ("c1", ">", b"y" * 900), max_bytes=1200)
    picture = ladder(recording)
    note = "full at 1,200 bytes: 900 later bytes are not recorded"
    assert note in str(picture)
    assert note in svg(picture).get("aria-label")


def test_nothing_recorded():
    assert str(ladder(Recording())) == "nothing recorded"
    assert svg(ladder(Recording())).get("role") == "img"


def test_what_comes_from_the_wire_is_escaped():
    picture = ladder(recorded(("<c1>", ">", b"</text></svg><script>alert(1)</script>&\n")))
    assert "<script>" not in picture.html
    assert next(svg(picture).iter(f"{SVG}text")).text == "<c1>"


@given(
    st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("><"), st.binary(min_size=1)))
)
def test_any_bytes_give_a_well_formed_picture_without_overflow(events):
    for chunks in (False, True):
        drawing = svg(ladder(recorded(*events), chunks=chunks))
        wide = float(drawing.get("width"))
        for text in drawing.iter(f"{SVG}text"):
            column = {"code": 8.0, "note": 6.5}.get(text.get("class"), 8.8)
            half = width("".join(text.itertext())) * column / 2
            assert half - 1 <= float(text.get("x")) <= wide - half + 1


def test_many_lanes_and_long_names_stay_within_the_picture():
    names = [f"somebody with a long name {number}" for number in range(9)]
    picture = ladder(recorded(*[(name, ">", b"x" * 500) for name in names]))
    drawing = svg(picture)
    assert len([one for one in drawing.iter(f"{SVG}text") if one.get("class") == "name"]) == 10
    assert all(
        float(one.get("x")) < float(drawing.get("width")) for one in drawing.iter(f"{SVG}text")
    )


def test_labels():
    def shown(data, columns=60):
        return label(data, Names(), columns)

    assert shown(b"a\tb\r\n") == r"a\tb\r\n"
    assert shown(b'{"content": "\xc3\xa9", "type":"text"}\n') == '{"type":"text","content":"é"}\\n'
    assert shown(b"caf\xc3") == r"caf\xc3"
    assert shown("\u202eevil".encode()) == r"\u202eevil"
    assert shown(bytes(range(5))) == "00 01 02 03 04 (5 bytes)"
    assert width(shown(bytes(100), 30)) <= 30
    assert shown(b"x" * 5000, 30) == "x" * 15 + "… (5,000 bytes)"
    assert shown(b"{not json}\n") == r"{not json}\n"


def test_shorten_keeps_both_ends():
    assert shorten("0123456789", 10) == "0123456789"
    assert shorten("0123456789", 9) == "012345…89"
    assert width(shorten("日本語テキスト", 9)) <= 9


def test_names_sort_as_people_count():
    assert sorted(["c10", "bob", "c2", "alice"], key=name_order) == ["alice", "bob", "c2", "c10"]


def test_a_connection_that_could_not_be_made():
    found = lines(("c1", ">open"), ("c1", "<error", b"ConnectionRefusedError: [Errno 111] refused"))
    assert found[1] == "server → c1  RST (ConnectionRefusedError: [Errno 111] refused)"
