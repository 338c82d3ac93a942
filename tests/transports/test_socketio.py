"""Socket.IO: what the server promises on both of its transports, and what its client does.

Faults of the seed are named by their numbers. Those that cannot arise here:

- 47 (an emit from another thread goes nowhere): everything runs in one loop, nothing is emitted
  from threads, and a client's thread reaches its loop through `run_coroutine_threadsafe` alone.
- 49, 50 (seats, times and expiry of games): not the transport's; tests of the core show them, and
  the stories of games run over this transport, too.
- 53, 54, 55 (the command line clients): `netlab chat` has its own tests.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import re
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from netlab.core.chat import ChatService
from netlab.core.echo import EchoService
from netlab.core.errors import AddressInUse, ConnectionEnded, LocalProtocolError, RemoteError
from netlab.core.messages import REQUEST_FIELDS
from netlab.core.service import Limits
from netlab.lab import background
from netlab.lab.background import Background
from netlab.transports import socketio_guard, socketio_hub, socketio_session, socketio_vendor
from netlab.transports.socketio_rooms import SocketIOClient, SocketIOServer
from netlab.transports.tcp_threads import TCPServer
from tests.transports.engineio_wire import PATIENCE_S, Polling, Upgraded, Wire
from tests.transports.exhaustion import free_descriptors

Running = Background[SocketIOServer]
WIRES = {"polling": Polling, "websocket": Upgraded}
UNLIMITED = Limits(messages_per_second=0)


def serve(limits: Limits | None = None, **options: Any) -> Running:
    return background(SocketIOServer(ChatService, limits=limits, **options), name="socketio")


@pytest.fixture
def server() -> Iterator[Running]:
    with serve(UNLIMITED) as running:
        yield running


@pytest.fixture(params=WIRES)
def wire(server: Running, request: pytest.FixtureRequest) -> Iterator[Wire]:
    with WIRES[request.param](server.address) as made:
        yield made


def client(server: Running, *transports: str, **options: Any) -> SocketIOClient:
    transports = transports or ("websocket",)
    return SocketIOClient(server.address, transports=transports, **options)


def wait_until(server: Running, true: Any) -> None:
    """Wait until something is true of the server's figures; look whenever its loop has a turn."""

    async def looking() -> None:
        async with asyncio.timeout(PATIENCE_S):
            # Figures ring no bell.
            while not true(server.server.stats()):  # noqa: ASYNC110
                await asyncio.sleep(0)

    server.call(looking, timeout_s=2 * PATIENCE_S)


# ---------------------------------------------------------------- life


def test_the_text_service_is_refused_by_name() -> None:
    for service in (EchoService, EchoService()):
        with pytest.raises(LocalProtocolError, match=r"cannot carry EchoService: .* TCP, UDP"):
            SocketIOServer(service)
    with pytest.raises(LocalProtocolError, match="does not carry the service 'echo'"):
        SocketIOClient(("127.0.0.1", 1), service="echo")


def test_a_busy_port_is_told_to_the_caller(server: Running) -> None:
    """Fault 60: start() returned as if all were well."""
    with pytest.raises(AddressInUse, match=r"already in use.*port=0"):
        background(SocketIOServer(ChatService, port=server.address[1]), name="another")
    assert server.address[1] > 0


def test_ipv6() -> None:
    """Fault 60: `::1` was refused."""
    with serve(host="::1") as six, client(six) as person:
        assert six.address[0] == "::1"
        assert person.wait_for("welcome", PATIENCE_S)


def test_start_and_stop_as_a_context() -> None:
    async def conversation() -> None:
        server = SocketIOServer(ChatService)
        with pytest.raises(LocalProtocolError, match="call start"):
            _ = server.address
        async with server:
            assert server.address[1]
            with pytest.raises(LocalProtocolError, match="make a new one"):
                await server.start()
        await server.stop()  # twice is once

    asyncio.run(conversation())


def test_signals_and_logging_belong_to_the_program() -> None:
    names = ("uvicorn", "uvicorn.error", "uvicorn.access", "engineio.server", "socketio.server")

    def state() -> Any:
        logs = [logging.getLogger(name) for name in ("", *names)]
        return [(log.level, list(log.handlers), log.propagate) for log in logs], [
            signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
        ]

    async def run() -> None:  # in the main thread, where signals are
        before = state()
        async with SocketIOServer(ChatService):
            assert state() == before
        assert state() == before

    asyncio.run(run())


def test_stop_is_quick_whatever_clients_do() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(serve(UNLIMITED))
        joined: list[Wire] = [
            stack.enter_context(kind(server.address)) for kind in WIRES.values() for _ in range(3)
        ]
        for one in joined:
            one.join()
        stack.enter_context(Polling(server.address))  # never sends CONNECT
        half = stack.enter_context(socket.create_connection(server.address))
        half.sendall(b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHo")  # never finishes its request
        poll = stack.enter_context(socket.create_connection(server.address))
        sid = joined[0].opened["sid"]
        request = f"GET /socket.io/?transport=polling&sid={sid} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        poll.sendall(request.encode())
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2
        assert server.server.stats().clients == ()


@pytest.mark.parametrize("transports", [("polling",), ("websocket",), ("polling", "websocket")])
def test_a_stopping_server_says_so(transports: tuple[str, ...]) -> None:
    with serve() as server, client(server, *transports, reconnect=False) as person:
        person.wait_for("welcome", PATIENCE_S)
        server.stop()
        assert person.wait_for("closing", PATIENCE_S).code == "server_stopping"
        assert "server_stopping" in person.wait_ended(PATIENCE_S)
        with pytest.raises(ConnectionEnded, match="server_stopping"):
            person.send("ping")


def test_those_who_came_after_others_had_left_hear_it_too() -> None:
    with serve() as server:
        with client(server) as first:
            first.call("ping")
        wait_until(server, lambda stats: not stats.clients)
        with client(server, "polling", reconnect=False) as person:
            person.call("ping")
            server.stop()
            assert person.wait_for("closing", PATIENCE_S).code == "server_stopping"
        assert server.server.stats().ended == {"left": 1, "server_stopping": 1}


# ---------------------------------------------------------------- the wire


def test_an_event_is_the_type_and_the_other_fields(wire: Wire) -> None:
    welcome = wire.join()
    assert set(welcome) == {"client_id", "username", "secret", "message", "server_time"}
    wire.send('42["join_room",{"room":"hall","ref":"7"}]')
    assert wire.event("room_joined") == {
        "ref": "7",
        "room": "hall",
        "members_count": 1,
        "message_history": [],
    }
    wire.send('42["list_rooms"]')  # no fields, no argument
    assert [room["name"] for room in wire.event("room_list")["rooms"]] == ["hall"]


def test_hello_comes_with_connect(wire: Wire) -> None:
    welcome = wire.join('{"username":"Ann","ref":"hello"}')
    assert (welcome["username"], welcome["ref"]) == ("Ann", "hello")


@pytest.mark.parametrize("auth", ['{"username":5}', '"x"', "[1]", '{"username"', "[" * 5_000])
def test_a_broken_hello_is_an_error_and_no_end(wire: Wire, auth: str) -> None:
    assert wire.join(auth)["username"].startswith("User_")
    assert wire.event("error")["in_reply_to"] in ("hello", None)
    wire.is_served()


@pytest.mark.parametrize("auth", ["", "null", "{}", '{"username":"Ann"}', '{"resume":"?"}', "[1]"])
def test_there_is_one_welcome_whatever_comes_with_connect(wire: Wire, auth: str) -> None:
    wire.join(auth)
    wire.send('42["ping",{}]')
    before_pong = []
    while not (packet := wire.receive()).startswith('42["pong"'):
        before_pong.append(packet[: len('42["error"')])
    assert before_pong in ([], ['42["error"'])


def test_a_name_that_is_taken_is_an_error_and_no_end(server: Running, wire: Wire) -> None:
    with client(server, username="Ann") as ann:
        ann.wait_for("welcome", PATIENCE_S)
        assert wire.join('{"username":"ANN"}')["username"].startswith("User_")
        assert wire.event("error")["code"] == "name_taken"


def test_session_ids_are_nobody_elses_business(server: Running) -> None:
    with Polling(server.address) as ann, Upgraded(server.address) as ben:
        ann.send("40")
        sids = [ann.opened["sid"], json.loads(ann.receive()[2:])["sid"]]
        ann.event("welcome")
        ben.join()
        ann.send(
            '42["join_room",{"room":"hall"}]', '42["create_game_session",{"game_type":"generic"}]'
        )
        ann.event("room_joined")
        ben.send('42["join_room",{"room":"hall"}]')
        for request in ("list_rooms", "list_clients", "list_game_sessions"):
            ben.send(f'42["{request}"]')
        heard = [ben.receive() for _ in range(4)]  # before Ann speaks: their sockets have no order
        ann.send('42["room_message",{"room":"hall","content":"hi"}]')
        heard.append(ben.receive())
        assert heard[-1].startswith('42["room_message"')
        assert not [sid for sid in sids if sid in "".join(heard)]


def test_every_request_of_the_vocabulary_arrives(server: Running) -> None:
    fields: dict[str, dict[str, Any]] = {
        "set_username": {"username": "Ann"},
        "text": {"content": "hi"},
        "join_room": {"room": "hall"},
        "room_message": {"room": "hall", "content": "hi"},
        "typing_start": {"room": "hall"},
        "typing_stop": {"room": "hall"},
        "private_message": {"target": "Ben", "content": "psst"},
        "leave_room": {"room": "hall"},
        "create_game_session": {"game_type": "generic"},
    }
    with client(server) as ann, client(server, "polling", username="Ben") as ben:
        ben.wait_for("welcome", PATIENCE_S)
        game: dict[str, Any] = {}
        for name in REQUEST_FIELDS:
            if name in ("hello", "bye"):
                continue
            fields.setdefault(name, {"session_id": game.get("id", "?")} if "game" in name else {})
        order = [*fields, "bye"]
        order.sort(key=lambda name: (name == "bye", name == "leave_game_session"))
        for name in order:
            given = fields.get(name, {})
            if "session_id" in given:
                given = {"session_id": game["id"]}
            if name == "game_action":
                given["action"] = {"any": ["thing", None]}
            if name == "list_game_sessions":
                given = {}
            if name == "join_game_session":
                continue  # the creator is in it already
            assert ann.call(name, PATIENCE_S, **given) == {"ok": True}, name
            if name == "create_game_session":
                game["id"] = ann.wait_for("game_session_created", PATIENCE_S).session_id
                assert ben.call("join_game_session", session_id=game["id"]) == {"ok": True}
        assert ben.wait_for("private_message", PATIENCE_S).content == "psst"
        assert ben.wait_for("game_action_broadcast", PATIENCE_S).action == {"any": ["thing", None]}


def test_a_game_that_is_created_is_told() -> None:
    """Fault 45: a datetime in the answer ended it; nobody heard of the session."""
    with serve() as server, client(server) as ann:
        assert ann.call("create_game_session", game_type="tic-tac-toe") == {"ok": True}
        made = ann.wait_for("game_session_created", PATIENCE_S)
        assert re.fullmatch(r"[0-9a-f]{24}", made.session_id)  # not to be guessed
        assert made.session.created_at.endswith("Z")


def test_nobody_listens_in_by_the_name_of_a_room(server: Running) -> None:
    """Fault 46: rooms named like a session, or like a game, heard what went to it."""
    with ExitStack() as stack:
        ann, ben, eve = (stack.enter_context(client(server)) for _ in range(3))
        spy = stack.enter_context(Polling(server.address))
        spy.join()
        names = {who: who.wait_for("welcome", PATIENCE_S) for who in (ann, ben, eve)}
        ann.send("create_game_session", game_type="generic")
        game = ann.wait_for("game_session_created", PATIENCE_S).session_id
        sids = [spy.opened["sid"], *server.call(lambda: list(server.server._hub.engine.sockets))]
        for room in (game, names[ann].client_id, *(sid[:32] for sid in sids)):
            if eve.call("join_room", room=room)["ok"]:  # what looks like an id of ours is refused
                eve.wait_for("room_joined", PATIENCE_S)
        ann.send("game_action", session_id=game, action="secret move")
        ben.send("private_message", target=names[ann].client_id, content="my PIN is 1234")
        assert ann.wait_for("private_message", PATIENCE_S).content == "my PIN is 1234"
        ann.wait_for("game_action_broadcast", PATIENCE_S)
        eve.send("ping")
        eve.wait_for("pong", PATIENCE_S)
        assert {m.type for m in eve.messages} == {"welcome", "room_joined", "pong"}


def test_ids_of_messages_do_not_collide(server: Running) -> None:
    """Fault 48: 300 messages at once had some 30 ids."""
    with client(server) as ann:
        ann.call("join_room", room="hall")
        for number in range(300):
            ann.send("room_message", room="hall", content=str(number))
        heard = [ann.wait_for("room_message", PATIENCE_S) for _ in range(300)]
        assert [message.content for message in heard] == [str(number) for number in range(300)]
        assert len({message.id for message in heard}) == 300


def test_who_has_the_same_name_is_not_deaf(server: Running) -> None:
    """Fault 52: clients told themselves from others by name. Here names are unique, ids count."""
    with client(server, username="Ann") as ann, client(server) as other:
        ann.call("join_room", room="hall")
        with pytest.raises(RemoteError, match="name_taken"):
            other.send("set_username", username="Ann") or other.wait_for("username_set")
        other.call("join_room", room="hall")
        other.send("room_message", room="hall", content="hi")
        assert ann.wait_for("room_message", PATIENCE_S).content == "hi"
        other.send("private_message", target="Ann", content="psst")
        assert other.wait_for("private_message_sent", PATIENCE_S).to == "Ann"


def test_joining_renames_nobody(server: Running) -> None:
    """Fault 59: join_room without a name gave the default name back."""
    with client(server, username="Ann") as ann:
        for room in ("a", "b"):
            assert ann.call("join_room", room=room) == {"ok": True}
        ann.send("list_clients")
        assert ann.wait_for("client_list", PATIENCE_S).clients[0].username == "Ann"


# ---------------------------------------------------------------- acknowledgements


def test_an_acknowledgement_comes_if_asked_for(wire: Wire) -> None:
    wire.join()
    wire.send('421["join_room",{"room":"hall"}]')
    wire.event("room_joined")
    assert wire.receive() == '431[{"ok":true}]'
    wire.send('42123456789["ping"]')
    wire.event("pong")
    assert wire.receive() == '43123456789[{"ok":true}]'


def test_a_refusal_is_in_the_acknowledgement_or_an_event_never_both(wire: Wire) -> None:
    wire.join()
    wire.send('420["room_message",{"room":"nowhere","content":"hi","ref":"r"}]')
    packet = wire.receive()
    assert packet.startswith("430[")
    (answer,) = json.loads(packet[3:])
    assert answer["ok"] is False
    assert answer["error"]["code"] == "not_a_member"
    assert answer["error"]["in_reply_to"] == "r"
    wire.send('42["room_message",{"room":"nowhere","content":"hi"}]')
    assert wire.event("error")["code"] == "not_a_member"
    wire.is_served()


def test_bye_is_acknowledged_before_the_end(wire: Wire) -> None:
    wire.join()
    wire.send('425["bye"]')
    assert wire.receive() == '435[{"ok":true}]'
    assert wire.event("closing")["code"] == "bye"
    assert wire.receive() == "41"


# ---------------------------------------------------------------- what no library would send

ODD_EVENTS = {
    "reserved connect": '["connect",{}]',
    "reserved disconnect": '["disconnect","x"]',
    "reserved disconnect, no argument": '["disconnect"]',
    "reserved connect_error": '["connect_error",{}]',
    "empty array": "[]",
    "nothing": "",
    "no array": '{"room":"hall"}',
    "a string": '"join_room"',
    "a number for a name": "[5,{}]",
    "null for a name": "[null]",
    "unknown": '["no_such_thing",{}]',
    "a reply's name": '["welcome",{"client_id":"x"}]',
    "two arguments": '["ping",{},{}]',
    "a string for fields": '["join_room","lobby"]',
    "a number for fields": '["join_room",5]',
    "null for fields": '["join_room",null]',
    "no fields where some are needed": '["join_room"]',
    "a list for a room": '["join_room",{"room":["x"]}]',
    "a number for a room": '["join_room",{"room":5}]',
    "a placeholder": '["text",{"content":{"_placeholder":true,"num":0}}]',
    "another type inside": '["ping",{"type":"bye"}]',
    "no JSON": '["ping",{}',
    "NaN": '["text",{"content":NaN}]',
    "deep": '["text",' + "[" * 20_000,
    "deep and closed": '["game_action",{"session_id":"x","action":'
    + "[" * 9_999
    + "]" * 9_999
    + "}]",
    "lone surrogate": '["text",{"content":"\\ud800"}]',
    "prototype": '["__proto__",{}]',
    "long name": '["' + "x" * 5_000 + '",{}]',
}
ODD_PACKETS = {
    "another namespace": '42/admin,["ping"]',
    "disconnect from another namespace": "41/admin",
    "an acknowledgement nobody asked for": "431[]",
    "connect error": '44{"message":"x"}',
    "an unknown kind": "49",
    "no kind": "4",
    "no digit": "4x",
    "an object": '4{"a":1}',
    "an array": '4["ping"]',
    "a deep array": "4" + "[" * 20_000,
    "a huge number of acknowledgement": "42" + "9" * 200 + '["ping"]',
    "connect again": "40",
    "server's ping": "2",
    "probe": "2probe",
    "upgrade": "5",
    "open": '0{"sid":"x"}',
    "noop": "6",
    "pong with a load": "3" + "[" * 20_000,
    "close with a load": "1x",
    "unknown kind of Engine.IO": "9",
    "a letter": "x",
    "nothing": "",
    "spaces": "   ",
    "binary event": '451-["text",{"content":{"_placeholder":true,"num":0}}]',
    "binary acknowledgement": '461-1[{"_placeholder":true,"num":0}]',
    "base64": "bAAEC",
}


def no_complaint(caplog: pytest.LogCaptureFixture) -> None:
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


@pytest.mark.parametrize("odd", ODD_EVENTS.values(), ids=ODD_EVENTS)
def test_odd_events_are_answered(wire: Wire, odd: str, caplog: pytest.LogCaptureFixture) -> None:
    """Fault 51: bad payloads vanished, with a traceback in the server's log."""
    wire.join()
    wire.send("42" + odd)
    error = wire.event("error")
    assert error["code"] in (
        "invalid_event invalid_message invalid_json unknown_type reserved_event".split()
    )
    if not odd[:1].isdigit():
        wire.send("427" + odd)
        packet = wire.receive()
        assert packet.startswith("437[")
        assert json.loads(packet[3:])[0]["error"]["code"] == error["code"]
    wire.is_served()
    no_complaint(caplog)


@pytest.mark.parametrize("odd", ODD_PACKETS.values(), ids=ODD_PACKETS)
def test_odd_packets_are_answered(wire: Wire, odd: str, caplog: pytest.LogCaptureFixture) -> None:
    wire.join()
    wire.send(odd)
    assert wire.event("error")["code"] == "invalid_packet"
    wire.is_served()
    no_complaint(caplog)


def test_a_reserved_name_reaches_no_handler(server: Running, wire: Wire) -> None:
    welcome = wire.join()
    wire.send('42["disconnect","x"]', '42["connect",{"username":"Eve"}]')
    wire.event("error")
    wire.event("error")
    assert [c.client_id for c in server.stats().clients] == [welcome["client_id"]]
    wire.is_served()


def test_binary_attachments_are_refused_once(wire: Wire) -> None:
    wire.join()
    binary = b"\0\1\2" if isinstance(wire, Upgraded) else "bAAEC"
    wire.send('452-["text",{"a":{"_placeholder":true,"num":0}}]', binary, binary)
    assert "binary" in wire.event("error")["message"]
    wire.send(binary)  # belongs to nothing
    assert "binary" in wire.event("error")["message"]
    wire.is_served()


def test_other_namespaces_do_not_exist(wire: Wire) -> None:
    wire.send("40/admin,{}")
    assert wire.receive() == '44/admin,{"message":"there is one namespace here, /"}'
    wire.join()
    wire.send("40/admin?x=1,{}")
    assert wire.receive().startswith("44/admin,")
    wire.is_served()


def test_before_connect_nothing_is_heard(server: Running, wire: Wire) -> None:
    for packet in ('42["list_clients"]', '421["ping"]', "41", "43[]", "x"):
        wire.send(packet)
        assert wire.receive().startswith('44{"message":"you are not connected')
    assert server.stats().clients == ()
    wire.join()
    wire.is_served()


def test_leaving_and_connecting_again_on_one_session(server: Running, wire: Wire) -> None:
    first = wire.join()
    wire.send("41")
    wait_until(server, lambda stats: not stats.clients)
    assert server.stats().ended == {"left": 1}
    second = wire.join(json.dumps({"resume": first["secret"]}))
    assert second["resumed"] is True
    wire.is_served()


def test_a_body_that_is_no_utf8(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    with Polling(server.address) as wire:
        wire.join()
        assert wire.post(b'42["text",{"content":"\xff"}]').status == 400
        assert wire.event("error")["code"] == "invalid_utf8"
        wire.is_served()
    with Upgraded(server.address) as wire, client(server) as other:
        wire.join()
        wire.socket.send(b'42["text",{"content":"\xff"}]', text=True)
        with pytest.raises(ConnectionClosed) as caught:
            wire.receive()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1007
        assert other.call("ping") == {"ok": True}
    no_complaint(caplog)


def test_a_post_without_length_and_one_of_jsonp(server: Running) -> None:
    with Polling(server.address) as wire:
        wire.join()
        assert wire.request(wire._posts, "POST", iter([b"3"])).status == 411
        wire.path += "&j=0"
        assert wire.request(wire._gets, "GET").status == 400


def test_many_packets_in_one_body(server: Running) -> None:
    """The library alone takes 16, and drops more with a traceback; browsers send what they have."""
    with Polling(server.address) as wire:
        wire.join()
        wire.send(*(f'42["ping",{{"ref":"{number}"}}]' for number in range(100)))
        assert [wire.event("pong")["ref"] for _ in range(100)] == [str(n) for n in range(100)]


def test_the_wrong_version_is_told(server: Running) -> None:
    """Confusion 19: a client of the years before 2020 hears why it is not served."""
    with Polling(server.address) as wire:
        wire.path = "/socket.io/?EIO=3&transport=polling"
        response = wire.request(wire._gets, "GET")
        assert response.status == 400
        assert b"unsupported version" in response.body  # type: ignore[attr-defined]


# ---------------------------------------------------------------- polls, upgrade, pings


def test_upgrade_by_hand(server: Running) -> None:
    with Polling(server.address) as polling, client(server, username="Ben") as ben:
        polling.join('{"username":"Ann"}')
        assert polling.opened["upgrades"] == ["websocket"]
        with Upgraded(server.address, polling) as upgraded:
            upgraded.upgrade()
            for number in range(20):
                ben.send("private_message", target="Ann", content=str(number))
            heard = [upgraded.event("private_message")["content"] for _ in range(20)]
            assert heard == [str(number) for number in range(20)]
            upgraded.is_served()
            assert polling.get().status == 400  # it is the WebSocket's now
            assert polling.post(b'42["ping"]').status == 400
            upgraded.is_served()


def test_nothing_is_lost_or_doubled_by_an_upgrade(server: Running) -> None:
    """Messages come all the time while clients that begin with polls take their WebSockets."""
    with client(server, username="Ann") as ann:
        ann.call("join_room", room="hall")
        stop = threading.Event()
        said = []

        def talk() -> None:
            while not stop.is_set():
                said.append(str(len(said)))
                ann.send("room_message", room="hall", content=said[-1])
                ann.wait_for("room_message", PATIENCE_S)

        talking = threading.Thread(target=talk, name="netlab-test-talk")
        talking.start()
        try:
            for _ in range(5):
                with Polling(server.address) as polling:
                    polling.join()
                    polling.send('42["join_room",{"room":"hall"}]')
                    history = json.loads(polling.skip_to('42["room_joined"')[2:])[1]
                    heard = [message["content"] for message in history["message_history"]]
                    with Upgraded(server.address, polling) as upgraded:
                        packets = list(polling._packets)
                        upgraded.upgrade()
                        while len(packets) < 100:
                            packets.append(upgraded.receive())
                    heard += [
                        json.loads(packet[2:])[1]["content"]
                        for packet in packets
                        if packet.startswith('42["room_message"')
                    ]
                    numbers = [int(content) for content in heard]
                    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        finally:
            stop.set()
            talking.join()


@pytest.mark.parametrize(
    "nonsense", ["", "x", "2", "2probe2", '42["ping"]', "4" + "[" * 9_999, "3"]
)
def test_a_failed_upgrade_leaves_the_polls_as_they_were(
    server: Running, nonsense: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Polling(server.address) as polling:
        polling.join()
        with Upgraded(server.address, polling) as upgraded:
            upgraded.send(nonsense)
            with pytest.raises(ConnectionClosed) as caught:
                upgraded.socket.recv(PATIENCE_S)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.reason == "an upgrade begins with 2probe, then 5"
        with Upgraded(server.address, polling) as upgraded:
            upgraded.send("2probe", nonsense)
            assert upgraded.socket.recv(PATIENCE_S) == "3probe"
            with pytest.raises(ConnectionClosed):
                upgraded.socket.recv(PATIENCE_S)
        polling.is_served()
        with Upgraded(server.address, polling):
            pass  # closes without a word
        polling.is_served()
    no_complaint(caplog)


def test_an_upgrade_that_never_comes(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socketio_guard, "PROBE_TIMEOUT_S", 0.05)
    with Polling(server.address) as polling:
        polling.join()
        with Upgraded(server.address, polling) as upgraded:
            with pytest.raises(InvalidStatus, match="400"):  # one at a time
                Upgraded(server.address, polling)
            with pytest.raises(ConnectionClosed, match=r"no probe came within 0\.05 s"):
                upgraded.socket.recv(PATIENCE_S)
        polling.is_served()


def begin_poll(wire: Polling, address: Any) -> socket.socket:
    """Send a GET, and do not read its answer."""
    sock = socket.create_connection(address, PATIENCE_S)
    sock.sendall(f"GET {wire.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return sock


def is_polling(server: Running) -> bool:
    return any(one.polling for one in server.server._hub.sessions.values())


def test_two_polls_at_once_end_the_session(server: Running) -> None:
    with Polling(server.address) as wire, client(server) as other:
        wire.join()
        with begin_poll(wire, server.address):
            wait_until(server, lambda stats: is_polling(server))
            response = wire.get()
            assert response.status == 400
            assert b"one at a time" in response.body  # type: ignore[attr-defined]
        wait_until(server, lambda stats: stats.ended == {"overlapping_polls": 1})
        assert other.call("ping") == {"ok": True}


def test_who_vanishes_while_polling_is_missed_at_once(server: Running) -> None:
    with Polling(server.address) as wire, client(server) as other:
        wire.join()
        wire.send('42["join_room",{"room":"hall"}]')
        wire.event("room_joined")
        other.call("join_room", room="hall")
        wire.event("user_joined")
        sock = begin_poll(wire, server.address)
        wait_until(server, lambda stats: is_polling(server))
        sock.close()
        assert other.wait_for("user_left", PATIENCE_S).room == "hall"


@pytest.mark.parametrize("kind", WIRES.values(), ids=WIRES)
def test_who_answers_no_ping_is_sent_away(kind: Any) -> None:
    with serve(ping_seconds=0.05, ping_timeout_seconds=0.2) as server:
        with kind(server.address) as wire:
            assert wire.opened["pingInterval"] == 0  # the library knows whole seconds alone
            wire.join()
            wait_until(server, lambda stats: stats.ended == {"ping_timeout": 1})
        wait_until(server, lambda stats: len(sessions(server)) == 0)


def test_who_answers_pings_stays() -> None:
    pings = {"ping_seconds": 0.02, "ping_timeout_seconds": 5}
    with serve(**pings) as server, Upgraded(server.address) as wire:
        wire.join()
        for _ in range(10):
            assert wire.socket.recv(PATIENCE_S) == "2"
            wire.send("3")
        wire.is_served()


def test_heartbeats_are_answered() -> None:
    """A listener who says nothing is not idle as long as the program answers for it."""
    with serve(Limits(heartbeat_seconds=1, idle_seconds=2)) as server, client(server) as ann:
        ann.wait_for("welcome", PATIENCE_S)
        wait_until(server, lambda stats: stats.frames_in >= 3)
        assert server.stats().ended == {}
        assert [message.type for message in ann.messages] == ["welcome"]


def test_who_is_idle_hears_so() -> None:
    limits = Limits(heartbeat_seconds=0, idle_seconds=1)
    with serve(limits) as server, Upgraded(server.address) as wire:
        wire.join()
        assert wire.event("closing")["code"] == "idle"
        assert wire.receive() == "41"
        with pytest.raises(ConnectionClosed):
            wire.receive()


# ---------------------------------------------------------------- limits


def test_long_frames(server: Running, wire: Wire) -> None:
    """Fault 58: more than 1 MB was a `transport error`."""
    wire.join()
    start, end = '2["text",{"content":"', '"}]'
    fits = start + "x" * (65_536 - len(start) - len(end)) + end
    wire.send("4" + fits)
    assert wire.event("error")["code"] == "content_too_long"
    wire.send("4" + fits + " ")
    assert wire.event("error")["code"] == "frame_too_long"
    wire.send("4" + fits[:-1000] + "é" * 900 + end)  # in bytes
    assert wire.event("error")["code"] == "frame_too_long"
    wire.is_served()


def test_very_long_frames(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    with Upgraded(server.address) as wire, client(server) as other:
        wire.join()
        wire.send('42["text",{"content":"' + "x" * 200_000)
        with pytest.raises(ConnectionClosed) as caught:
            wire.receive()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009
        wait_until(server, lambda stats: stats.ended == {"frame_too_long": 1})
        assert other.call("ping") == {"ok": True}
    with Polling(server.address) as polling:
        polling.join()
        response = polling.post(b"4" * 200_000)
        assert response.status == 413
        assert b"the limit is 66,560" in response.body  # type: ignore[attr-defined]
        assert polling.event("error")["code"] == "frame_too_long"
        polling.is_served()
    no_complaint(caplog)


def test_no_limits_at_all() -> None:
    names = (
        "max_frame_bytes max_clients max_rooms max_games history messages_per_second "
        "idle_seconds outbox_bytes"
    )
    with serve(Limits(**dict.fromkeys(names.split(), 0))) as server, client(server) as ann:
        assert ann.call("text", content="x" * 4096) == {"ok": True}


@pytest.mark.parametrize("kind", WIRES.values(), ids=WIRES)
def test_a_full_server_says_so(kind: Any) -> None:
    with serve(Limits(max_clients=1)) as server, client(server) as one:
        one.wait_for("welcome", PATIENCE_S)
        with kind(server.address) as wire:
            wire.send("40")
            wire.receive()
            assert wire.event("closing")["code"] == "server_full"
            assert wire.receive() == "41"
        assert one.call("ping") == {"ok": True}


def test_sessions_without_connect_are_few_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socketio_hub, "UNCONNECTED", 3)
    with serve(Limits(max_clients=1)) as server:
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(Polling(server.address))
            with pytest.raises(ConnectionError, match="Too many sessions"):
                Polling(server.address)
            with pytest.raises(InvalidStatus, match="503"):
                Upgraded(server.address)
        monkeypatch.setattr(socketio_session, "CONNECT_TIMEOUT_S", 0.05)
        with Upgraded(server.address) as wire, pytest.raises(ConnectionClosed):
            wire.receive()


def test_rooms_and_messages_a_second_are_limited() -> None:
    """Fault 58: one client made 1,500 rooms in 1.3 s."""
    with serve(Limits(max_rooms=2, messages_per_second=1)) as server, client(server) as ann:
        assert ann.call("join_room", room="a") == ann.call("join_room", room="b") == {"ok": True}
        assert ann.call("join_room", room="c")["error"]["code"] == "too_many_rooms"
        codes = [ann.call("ping").get("error", {}).get("code") for _ in range(20)]
        assert "rate_limited" in codes


# ---------------------------------------------------------------- readers that do not read

SLOW = Limits(messages_per_second=0, outbox_bytes=100_000)


def talk_until_dropped(server: Running, talker: Any, listener: Any) -> None:
    """Fill the outboxes of a room until somebody is dropped; the others hear all of it."""
    biggest = 0
    for number in range(5_000):
        talker.send("room_message", room="hall", content=f"{number:4000}")
        for person in (talker, listener):
            assert int(person.wait_for("room_message", PATIENCE_S).content) == number
        if number % 20 == 0:
            stats = server.stats()
            biggest = max(biggest, *stats.outbox_bytes.values())
            if stats.ended:
                break
    assert stats.ended == {"slow_reader": 1}
    assert 0 < biggest <= SLOW.outbox_bytes
    assert listener.wait_for("user_left", PATIENCE_S).room == "hall"
    wait_until(server, lambda stats: len(sessions(server)) == 2)


def crowd(stack: ExitStack, server: Running) -> tuple[SocketIOClient, SocketIOClient]:
    talker = stack.enter_context(client(server))
    listener = stack.enter_context(client(server, "polling"))
    for person in (talker, listener):
        person.wait_for("welcome", PATIENCE_S)
        assert person.call("join_room", room="hall") == {"ok": True}
    return talker, listener


def test_a_websocket_that_never_reads_is_dropped() -> None:
    """Fault 58: what waited for one who does not read was limited by nothing."""
    with ExitStack() as stack:
        server = stack.enter_context(serve(SLOW))
        deaf = stack.enter_context(upgraded_socket(server))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(frame("40") + frame('42["join_room",{"room":"hall"}]'))
        wait_until(server, lambda stats: stats.rooms == {"hall": 1})
        talk_until_dropped(server, *crowd(stack, server))


def test_one_who_never_polls_is_dropped() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(serve(SLOW))
        deaf = stack.enter_context(Polling(server.address))
        deaf.join()
        deaf.send('42["join_room",{"room":"hall"}]')
        wait_until(server, lambda stats: stats.rooms == {"hall": 1})
        talk_until_dropped(server, *crowd(stack, server))


def test_one_who_polls_and_never_reads_the_answer_is_dropped() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(serve(SLOW))
        deaf = stack.enter_context(Polling(server.address))
        deaf.join()
        deaf.send('42["join_room",{"room":"hall"}]')
        deaf.event("room_joined")
        talker, listener = crowd(stack, server)
        deaf.skip_to('42["user_joined"')
        # The kernel takes some megabytes on loopback; so do not let it.
        sock = stack.enter_context(socket.socket())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(server.address)
        for number in range(20):  # some for one big answer
            talker.send("room_message", room="hall", content=f"{number:4000}")
            for person in (talker, listener):
                person.wait_for("room_message", PATIENCE_S)
        sock.sendall(f"GET {deaf.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        talk_until_dropped(server, talker, listener)


def test_who_asks_much_and_reads_slowly_is_not_dropped() -> None:
    """Its own answers pile up: the server reads no more from it until it has read some."""
    with serve(SLOW) as server, ExitStack() as stack:
        for number in range(60):
            one = stack.enter_context(Polling(server.address))
            one.join(json.dumps({"username": f"{number:030}x"}))
        with Upgraded(server.address) as wire:
            wire.join()
            asking = threading.Thread(
                target=lambda: [wire.send('42["list_clients"]') for _ in range(500)],
                name="netlab-test-ask",
            )
            asking.start()
            for _ in range(500):
                assert wire.event("client_list")["total"] == 61
            asking.join()
            assert server.stats().ended == {}


def test_storms_of_joining_and_leaving(server: Running) -> None:
    with client(server) as ann:
        ann.call("join_room", room="hall")
        for number in range(60):
            kind = (Polling, Upgraded)[number % 2]
            with kind(server.address) as wire:
                wire.send("40", '42["join_room",{"room":"hall"}]')
        wait_until(server, lambda stats: len(stats.clients) == 1)
        assert server.call(lambda: len(server.server._hub.engine.sockets)) == 1
        assert ann.call("ping") == {"ok": True}


# ---------------------------------------------------------------- bytes in odd pieces, and resets

UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(text: str, opcode: int = 1, *, fin: bool = True) -> bytes:
    """Return a short WebSocket frame of a client (RFC 6455, 5.2), its mask all zeros."""
    data = text.encode()
    assert len(data) < 126
    return bytes([0x80 * fin | opcode, 0x80 | len(data), 0, 0, 0, 0]) + data


def read_until(sock: socket.socket, end: bytes) -> None:
    got = b""
    while end not in got:
        data = sock.recv(4096)
        assert data, f"it ended; what came: {got!r}"
        got += data


def upgraded_socket(server: Running) -> socket.socket:
    sock = socket.create_connection(server.address, PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(UPGRADE)
    read_until(sock, b'"maxPayload"')
    return sock


PING = '42["ping",{"ref":"é"}]'
IN_PIECES = {
    "at once": [frame("40") + frame(PING)],
    "byte by byte": [bytes([byte]) for byte in frame("40") + frame(PING)],
    "in fragments": [
        frame("40"),
        *(frame(letter, 0 if at else 1, fin=letter == "]") for at, letter in enumerate(PING)),
    ],
    "a ping between": [frame("40"), frame("42", fin=False), frame("x", 9), frame(PING[2:], 0)],
}


@pytest.mark.parametrize("pieces", IN_PIECES.values(), ids=IN_PIECES)
def test_however_the_bytes_arrive(server: Running, pieces: list[bytes]) -> None:
    with upgraded_socket(server) as sock:
        for piece in pieces:
            sock.sendall(piece)
        read_until(sock, '"ref":"é"'.encode())


def test_a_post_in_pieces(server: Running) -> None:
    with Polling(server.address) as wire:
        wire.join()
        body = f"{PING}{chr(30)}{PING}".encode()
        head = f"POST {wire.path} HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(server.address, PATIENCE_S) as sock:
            for byte in head.encode() + body:
                sock.sendall(bytes([byte]))
            read_until(sock, b"OK")
        for _ in range(2):
            assert wire.event("pong")["ref"] == "é"


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_resets_at_every_step(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    talk = UPGRADE + frame("40") + frame('42["join_room",{"room":"hall"}]') + frame(PING)
    with client(server) as ann:
        ann.call("join_room", room="hall")
        for length in range(0, len(talk), 7):
            sock = socket.create_connection(server.address, PATIENCE_S)
            sock.sendall(talk[: min(length, len(UPGRADE))])
            if length > len(UPGRADE):
                read_until(sock, b'"maxPayload"')
                sock.sendall(talk[len(UPGRADE) : length])
            reset(sock)
        for number in range(20):
            wire = Polling(server.address)
            wire.send("40", '42["join_room",{"room":"hall"}]')
            sock = begin_poll(wire, server.address)
            if number % 2:
                sock.recv(1)
            reset(sock)
            wire.close()
        wait_until(server, lambda stats: len(stats.clients) == 1)
        assert ann.call("room_message", room="hall", content="still here") == {"ok": True}
    # A client's `close` returns a moment before the server has taken note of it.
    wait_until(server, lambda stats: len(sessions(server)) == 0)
    no_complaint(caplog)


def test_a_half_closed_connection_is_closed(server: Running) -> None:
    with upgraded_socket(server) as sock:
        sock.sendall(frame("40"))
        read_until(sock, b'"welcome"')
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass
    wait_until(server, lambda stats: stats.ended == {"left": 1})


def test_without_descriptors_it_survives_and_accepts_again(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with client(server) as ann:
        ann.wait_for("welcome", PATIENCE_S)
        with free_descriptors(1):  # which the next client takes
            waiting = socket.create_connection(server.address, PATIENCE_S)
            assert ann.call("ping", PATIENCE_S) == {"ok": True}
        with waiting:
            waiting.sendall(UPGRADE)
            read_until(waiting, b'"maxPayload"')
    # asyncio alone would say so 2,048 times each second, and do nothing else meanwhile.
    assert 1 <= sum("out of system resource" in r.getMessage() for r in caplog.records) < 20


# ---------------------------------------------------------------- pages


def ask(server: Running, path: str = "/", method: str = "GET", **headers: str) -> Any:
    connection = HTTPConnection(*server.address, timeout=PATIENCE_S)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        response.body = response.read()  # type: ignore[attr-defined]
        return response
    finally:
        connection.close()


HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
EVIL = "http://evil.example"


def test_pages_of_others_may_not_connect(server: Running) -> None:
    """Fault 57: every page in the world could."""
    port = server.address[1]
    for origin in (EVIL, "null", f"http://127.0.0.1:{port + 1}", f"{EVIL}:{port}", "http://"):
        response = ask(server, HANDSHAKE, Origin=origin)
        assert response.status == 403
        assert response.headers["Access-Control-Allow-Origin"] is None
        assert "may not connect here" in response.body.decode()
        assert ask(server, HANDSHAKE, "OPTIONS", Origin=origin).status == 403
        with pytest.raises(InvalidStatus) as caught:
            Upgraded(server.address, headers={"Origin": origin})
        assert caught.value.response.status_code == 403
        assert b"may not connect here" in (caught.value.response.body or b"")
    assert server.call(lambda: len(server.server._hub.sessions)) == 0


def test_a_session_is_not_for_pages_of_others_either(server: Running) -> None:
    with Polling(server.address) as wire:
        wire.join()
        wire.headers = {"Origin": EVIL}
        assert wire.post(b'42["bye"]').status == 403
        assert wire.get().status == 403
        wire.headers = {}
        wire.is_served()


def test_its_own_page_may_connect(server: Running) -> None:
    host, port = server.address
    for scheme in ("http", "https"):  # behind a proxy for https that does not say so
        origin = f"{scheme}://{host}:{port}"
        with Polling(server.address, {"Origin": origin}) as wire:
            wire.join()
            response = wire.post(b"3")
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert response.headers["Access-Control-Allow-Credentials"] is None
        with Upgraded(server.address, headers={"Origin": origin}) as upgraded:
            upgraded.join()


def test_pages_that_are_named_may_connect() -> None:
    friend = "https://friend.example"
    with serve(origins=[friend], hosts=["lab.example"]) as server:
        with Polling(server.address, {"Origin": friend}) as wire:
            wire.join()
        response = ask(
            server,
            HANDSHAKE,
            "OPTIONS",
            Origin=friend,
            **{"Access-Control-Request-Headers": "content-type"},
        )
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == friend
        assert response.headers["Access-Control-Allow-Headers"] == "content-type"
        assert ask(server, HANDSHAKE, Origin=EVIL).status == 403
        assert ask(server, HANDSHAKE, Host="lab.example").status == 200
    for wrong in (["*"], "*", ["friend.example"]):
        with pytest.raises(ValueError, match=r"origin"):
            SocketIOServer(ChatService, origins=wrong)


def test_no_list_switches_the_check_off() -> None:
    for none in ((), []):
        with serve(origins=none) as server:
            assert ask(server, HANDSHAKE, Origin=EVIL).status == 403


def test_host(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that somebody else's DNS gives our address is not ours."""
    for host in ("evil.example", f"evil.example:{server.address[1]}", "x y", ""):
        assert ask(server, HANDSHAKE, Host=host).status in (400, 403)
        assert ask(server, "/", Host=host).status in (400, 403)
    for host in ("localhost", "127.0.0.1:1", "[::1]"):
        assert ask(server, HANDSHAKE, Host=host).status == 200
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ann/")
    with serve() as behind:
        hub = {"Host": "hub.example", "Origin": "https://hub.example"}
        with Polling(behind.address, hub) as wire:
            wire.join()
            wire.is_served()


def test_the_page_is_served(server: Running) -> None:
    page = ask(server)
    assert page.status == 200
    assert b"<title>netlab chat</title>" in page.body
    policy = page.headers["Content-Security-Policy"]
    assert f"script-src 'self' {socketio_vendor.CDN_URL};" in policy
    link = ask(server, "/link.js").body.decode()
    assert f'"{socketio_vendor.CDN_URL}"' in link
    assert f'"{socketio_vendor.INTEGRITY}"' in link
    assert f'"{socketio_vendor.VENDOR_PATH[1:]}"' in link
    assert ask(server, "/nothing").status == 404
    assert ask(server, "/", "POST").status == 405
    assert ask(server, "/vendor/../../../pyproject.toml").status == 404
    head = ask(server, "/", "HEAD")
    assert (head.status, head.body) == (200, b"")


def test_the_library_is_served_where_it_is_installed(
    server: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    dist = tmp_path / "node_modules" / "socket.io-client" / "dist"
    dist.mkdir(parents=True)
    monkeypatch.setattr(socketio_vendor, "_PLACES", (tmp_path,))
    socketio_vendor._installed.cache_clear()
    try:
        assert ask(server, socketio_vendor.VENDOR_PATH).status == 404
        (dist / "socket.io.min.js").write_text("alert('not what it says it is')")
        socketio_vendor._installed.cache_clear()
        assert ask(server, socketio_vendor.VENDOR_PATH).status == 404
    finally:
        socketio_vendor._installed.cache_clear()


# ---------------------------------------------------------------- logs


def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Faults 58, 62: private messages stood in the log, and a newline began a record there."""
    with caplog.at_level(logging.DEBUG), serve() as server:
        headers = {"Cookie": "_xsrf=secret-cookie", "X-Secret": "secret-header"}
        for kind in WIRES.values():
            with kind(server.address, headers=headers) as wire:
                secret = wire.join('{"token":"secret-token","username":"Ann\\nINFO forged"}')
                wire.event("error")
                wire.send('42["private_message",{"target":"nobody","content":"secret-text"}]')
                wire.event("error")
                wire.send('42["secret-event\\nINFO forged",{}]', "secret-packet")
                sid = wire.opened["sid"]
                wire.close()
                told = "\n".join(
                    record.getMessage()
                    for record in caplog.records
                    if record.name != "websockets.client"  # the test's own
                )
                for word in ("secret-", "forged", secret["secret"], sid):
                    assert word not in told


# ---------------------------------------------------------------- our client


def sessions(server: Running) -> list[Any]:
    return list(server.server._hub.sessions.values())


@pytest.mark.parametrize("transports", [("polling",), ("websocket",), ("polling", "websocket")])
def test_a_lost_connection_is_made_again(server: Running, transports: tuple[str, ...]) -> None:
    """Fault 56: after a reconnect the room was gone, and every message refused."""
    with (
        client(server, *transports, username="Ann", reconnect_delay_s=0.01) as ann,
        client(server, username="Ben") as ben,
    ):
        first = ann.wait_for("welcome", PATIENCE_S)
        assert ann.transport == transports[-1]
        ann.call("join_room", room="hall")
        ann.wait_for("room_joined", PATIENCE_S)
        ann.send("create_game_session", game_type="tic-tac-toe")
        game = ann.wait_for("game_session_created", PATIENCE_S).session_id
        ben.call("join_room", room="hall")
        ben.call("join_game_session", session_id=game)

        def cut() -> None:
            one = next(s for s in sessions(server) if s.id == first.client_id)
            one.abort("cut")

        server.call(cut)
        assert ben.wait_for("player_away", PATIENCE_S).session_id == game
        back = ann.wait_for("welcome", PATIENCE_S)
        assert (back.resumed, back.username) == (True, "Ann")
        assert ann.wait_for("room_joined", PATIENCE_S).room == "hall"
        assert ben.wait_for("player_back", PATIENCE_S).old_client_id == first.client_id
        assert ann.call("room_message", room="hall", content="here again") == {"ok": True}
        assert ben.wait_for("room_message", PATIENCE_S).sender == "Ann"
        assert ann.call("game_action", session_id=game, action={"cell": 4}) == {"ok": True}


def test_a_server_that_was_started_anew_knows_nobody() -> None:
    """Fault 56: the client takes its name and its rooms again."""
    with serve() as server, client(server, username="Ann", reconnect_delay_s=0.01) as ann:
        ann.wait_for("welcome", PATIENCE_S)
        for room in ("hall", "lab", "attic"):
            ann.call("join_room", room=room)
            ann.wait_for("room_joined", PATIENCE_S)
        ann.call("leave_room", room="lab")
        server.stop()
        assert ann.wait_for("closing", PATIENCE_S).code == "server_stopping"
        with serve(port=server.address[1]) as again:
            back = ann.wait_for("welcome", PATIENCE_S)
            assert (back.resumed, back.username) == (False, "Ann")
            rooms = [ann.wait_for("room_joined", PATIENCE_S).room for _ in range(2)]
            assert rooms == ["hall", "attic"]
            assert ann.call("room_message", room="attic", content="hi") == {"ok": True}
            assert again.stats().rooms == {"hall": 1, "attic": 1}


def test_two_with_one_secret_do_not_fight_for_ever(server: Running) -> None:
    with client(server, reconnect_delay_s=0.01) as ann:
        secret = ann.wait_for("welcome", PATIENCE_S).secret
        with Upgraded(server.address) as twin:
            assert twin.join(json.dumps({"resume": secret}))["resumed"] is True
            assert "replaced" in ann.wait_ended(PATIENCE_S)
            twin.is_served()


def test_what_is_sent_while_away_waits(server: Running) -> None:
    with client(server, reconnect_delay_s=0.2) as ann:
        ann.wait_for("welcome", PATIENCE_S)
        conversation = ann._conversation
        lost = conversation._library
        server.call(lambda: [one.abort("cut") for one in sessions(server)])
        wait_until(server, lambda stats: stats.ended == {"cut": 1})
        ann._loop.call_soon_threadsafe(conversation._disconnected, lost, "seen")  # before its time
        assert ann.call("ping", PATIENCE_S) == {"ok": True}


def test_a_lost_connection_that_reports_late_does_not_end_the_next(server: Running) -> None:
    with client(server, reconnect_delay_s=0.01) as ann:
        ann.wait_for("welcome", PATIENCE_S)
        conversation = ann._conversation
        lost = conversation._library
        server.call(lambda: [one.abort("cut") for one in sessions(server)])
        assert ann.wait_for("welcome", PATIENCE_S).resumed
        for report in (
            functools.partial(conversation._disconnected, lost, "late"),
            functools.partial(conversation._heard, lost, "closing", {"code": "bye", "reason": ""}),
        ):
            ann._loop.call_soon_threadsafe(report)
        assert ann.call("ping", PATIENCE_S) == {"ok": True}
        assert conversation._last_words == ""
        assert server.stats().ended == {"cut": 1}


@pytest.mark.parametrize("transports", [("polling",), ("websocket",), ("polling", "websocket")])
def test_what_was_sent_before_the_end_arrives(server: Running, transports: tuple[str, ...]) -> None:
    with client(server) as ben:
        ben.call("join_room", room="hall")
        with client(server, *transports) as ann:
            ann.call("join_room", room="hall")
            for number in range(50):
                ann.send("room_message", room="hall", content=str(number))
        heard = [ben.wait_for("room_message", PATIENCE_S).content for _ in range(50)]
        assert heard == [str(number) for number in range(50)]
        assert ben.wait_for("user_left", PATIENCE_S)


def test_close_does_not_wait_for_an_attempt_to_come_back(server: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ann = client(server, reconnect_delay_s=0.01)
        with ann:
            ann.wait_for("welcome", PATIENCE_S)
            ann._conversation._address = silent.getsockname()[:2]  # where nobody answers
            server.call(lambda: [one.abort("cut") for one in sessions(server)])
            silent.settimeout(PATIENCE_S)
            attempt, _ = silent.accept()
            began = time.monotonic()
        attempt.close()
        assert time.monotonic() - began < 2


def test_errors_of_connecting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[:2]
    with pytest.raises(ConnectionRefusedError):
        SocketIOClient(free).connect()
    with (
        background(TCPServer(ChatService), name="tcp") as other,
        pytest.raises(ConnectionError, match=r"does not speak Socket\.IO with us"),
    ):
        SocketIOClient(other.address).connect()
    with pytest.raises(LocalProtocolError, match="there are: polling, websocket"):
        SocketIOClient(free, transports=["pigeon"])
    with pytest.raises(LocalProtocolError, match="call connect"):
        SocketIOClient(free).send("ping")
    SocketIOClient(free).close()


def test_a_client_is_used_once(server: Running) -> None:
    with client(server) as ann:
        with pytest.raises(LocalProtocolError, match="make a new one"):
            ann.connect()
        with pytest.raises(LocalProtocolError, match="no request is called"):
            ann.call("no_such_thing")
    ann.close()  # twice is once
    with pytest.raises(ConnectionEnded, match="this client closed"):
        ann.call("ping")


def test_a_forgotten_acknowledgement_is_a_timeout(server: Running) -> None:
    with client(server) as ann:
        ann.wait_for("welcome", PATIENCE_S)
        hub = server.server._hub

        def forget() -> None:
            for one in hub.sessions.values():
                one.acknowledge = lambda: None

        server.call(forget)
        with pytest.raises(TimeoutError):
            ann.call("ping", 0.05)


# ---------------------------------------------------------------- many


def test_one_order_for_all_and_nothing_lost() -> None:
    with serve(UNLIMITED) as server, ExitStack() as stack:
        everybody = [
            stack.enter_context(client(server, transport))
            for transport in ("websocket", "polling", "websocket", "polling")
        ]
        for one in everybody:
            one.wait_for("welcome", PATIENCE_S)
            one.call("join_room", room="hall")
        for number in range(50):
            for name, one in enumerate(everybody):
                one.send("room_message", room="hall", content=f"{name}.{number}")
        heard = [
            [one.wait_for("room_message", PATIENCE_S).content for _ in range(200)]
            for one in everybody
        ]
        assert len(set(heard[0])) == 200
        assert heard.count(heard[0]) == 4
