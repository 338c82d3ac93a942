"""The official socket.io-client for JavaScript, against `netlab serve socketio`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from netlab.transports.socketio_rooms import SocketIOClient
from tests.foreign.conftest import HERE, Run, need, serving
from tests.foreign.program import PATIENCE_S

TRANSPORTS = {
    "polling": ["polling"],
    "websocket": ["websocket"],
    "upgrade": ["polling", "websocket"],
}


class Person:
    """Somebody on socket.io-client; see socketio_person.mjs."""

    def __init__(self, run: Run, address: Any, **options: Any) -> None:
        need("socket.io-client")
        url = f"http://{address[0]}:{address[1]}"
        script = HERE / "socketio_person.mjs"
        self.program = run("node", script, url, json.dumps(options))
        self._facts: list[dict[str, Any]] = []  # told, and not asked for yet

    def do(self, *what: Any) -> None:
        self.program.say(json.dumps(what))

    def fact(self, key: str, value: Any = None) -> Any:
        """Wait for a line about that; return all that it says. Others are kept."""
        number = 0
        while True:
            if number == len(self._facts):
                self._facts.append(json.loads(self.program.expect(r"^\{.*\}\n")[0]))
            fact = self._facts[number]
            if key in fact and value in (None, fact[key]):
                return self._facts.pop(number)
            number += 1

    def call(self, wire_type: str, **fields: Any) -> Any:
        self.do("call", wire_type, fields)
        return self.fact("ack")["ack"]


@pytest.fixture(params=TRANSPORTS.values(), ids=TRANSPORTS)
def transports(request: pytest.FixtureRequest) -> list[str]:
    return list(request.param)


def test_a_conversation(run: Run, transports: list[str]) -> None:
    with serving("socketio") as address:
        ann = Person(run, address, transports=transports, auth={"username": "Ann"})
        ben = Person(run, address, transports=transports, auth={"username": "Ben"})
        for name, who in (("Ann", ann), ("Ben", ben)):
            who.fact("connected")
            assert who.fact("event", "welcome")["username"] == name
            assert who.fact("transport")["transport"] == transports[0]
            if len(transports) == 2:
                assert who.fact("upgraded")["upgraded"] == "websocket"
            assert who.call("join_room", room="hall") == {"ok": True}
        assert ann.fact("event", "user_joined")["username"] == "Ben"
        ann.do("emit", "typing_start", {"room": "hall"})
        assert ben.fact("event", "user_typing")["username"] == "Ann"
        ann.do("emit", "room_message", {"room": "hall", "content": "hello ☀"})
        for who in (ann, ben):
            heard = who.fact("event", "room_message")
            assert (heard["from"], heard["content"]) == ("Ann", "hello ☀")
        ben.do("emit", "private_message", {"target": "Ann", "content": "psst"})
        assert ann.fact("event", "private_message")["from"] == "Ben"
        ben.do("emit", "list_rooms")
        assert ben.fact("event", "room_list")["rooms"][0]["members_count"] == 2
        ann.do("transport")
        assert ann.fact("transport")["transport"] == transports[-1]
        ann.do("close")
        assert ann.fact("disconnected")["disconnected"] == "io client disconnect"
        assert ben.fact("event", "user_left")["username"] == "Ann"


def test_acknowledgements(run: Run, transports: list[str]) -> None:
    with serving("socketio") as address:
        ann = Person(run, address, transports=transports)
        ann.fact("event", "welcome")
        assert ann.call("ping") == {"ok": True}
        refused = ann.call("room_message", room="nowhere", content="hi")
        assert refused["ok"] is False
        assert refused["error"]["code"] == "not_a_member"
        ann.do("emit", "room_message", {"room": "nowhere", "content": "hi", "ref": "r"})
        error = ann.fact("event", "error")
        assert (error["code"], error["in_reply_to"]) == ("not_a_member", "r")


def test_odd_packets(run: Run) -> None:
    with serving("socketio") as address:
        ann = Person(run, address, transports=["websocket"])
        ann.fact("event", "welcome")
        for odd in ('2["disconnect","x"]', "2[]", '2{"a":1}', '51-["text",{}]', "9"):
            ann.do("packet", odd)
            ann.fact("event", "error")
        assert ann.call("ping") == {"ok": True}


def test_a_page_of_others_is_refused(run: Run, transports: list[str]) -> None:
    with serving("socketio") as address:
        headers = {"Origin": "http://evil.example"}
        eve = Person(run, address, transports=transports, extraHeaders=headers)
        assert "error" in eve.fact("refused")["refused"]


def test_a_lost_connection_is_made_again(run: Run, transports: list[str]) -> None:
    with serving("socketio") as address:
        ann = Person(run, address, transports=transports, auth={"username": "Ann"})
        ben = Person(run, address, transports=["websocket"], auth={"username": "Ben"})
        for who in (ann, ben):
            who.fact("event", "welcome")
            assert who.call("join_room", room="hall") == {"ok": True}
        ann.do("cut")
        assert ben.fact("event", "user_left")["username"] == "Ann"
        back = ann.fact("event", "welcome")
        assert (back["username"], back["resumed"]) == ("Ann", True)
        assert ben.fact("event", "user_joined")["username"] == "Ann"
        assert ann.call("room_message", room="hall", content="here again") == {"ok": True}
        assert ben.fact("event", "room_message")["from"] == "Ann"


def test_a_server_that_was_restarted(run: Run, transports: list[str]) -> None:
    with serving("socketio") as address:
        ann = Person(run, address, transports=transports, auth={"username": "Ann"})
        ann.fact("event", "welcome")
    assert ann.fact("event", "closing")["code"] == "server_stopping"
    ann.fact("disconnected")
    ann.fact("refused")
    with serving("socketio", "--port", address[1]):
        ann.fact("connected")
        assert ann.fact("event", "welcome")["username"] == "Ann"
        assert ann.call("join_room", room="hall") == {"ok": True}


def test_sent_away_for_good_it_does_not_come_back(run: Run, transports: list[str]) -> None:
    with serving("socketio") as address:
        ann = Person(run, address, transports=transports)
        ann.fact("event", "welcome")
        ann.do("emit", "bye")
        assert ann.fact("event", "closing")["code"] == "bye"
        assert ann.fact("disconnected")["disconnected"] == "io server disconnect"


def test_a_game_between_javascript_and_python(run: Run, transports: list[str]) -> None:
    with serving("socketio") as address, SocketIOClient(address, username="Py") as python:
        script = Person(run, address, transports=transports, auth={"username": "Js"})
        script.fact("event", "welcome")
        assert script.call("create_game_session", game_type="tic-tac-toe") == {"ok": True}
        python.send("list_game_sessions")
        (game,) = python.wait_for("game_session_list", PATIENCE_S).sessions
        assert python.call("join_game_session", session_id=game.session_id) == {"ok": True}
        moves = [(script, 0), (python, 3), (script, 1), (python, 4), (script, 2)]
        for who, cell in moves:
            ok = who.call("game_action", session_id=game.session_id, action={"cell": cell})
            assert ok == {"ok": True}
            seen = script.fact("event", "game_action_broadcast")
            assert seen["action"] == {"cell": cell}
            assert python.wait_for("game_action_broadcast", PATIENCE_S).action == {"cell": cell}
        assert seen["status"] == "finished"
        assert seen["state"]["winner"]["username"] == "Js"
        again = python.call("game_action", session_id=game.session_id, action={"cell": 8})
        assert again["ok"] is False
