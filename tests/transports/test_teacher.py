"""The teacher's page: a token of its own, who is here, mute and send away."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.classroom import ClassroomService
from netlab.core.errors import ConnectionEnded, LocalProtocolError
from netlab.lab import background
from netlab.transports.socketio_rooms import SocketIOClient, SocketIOServer
from netlab.transports.teacher import MAX_BODY_BYTES
from tests.transports.engineio_wire import PATIENCE_S
from tests.transports.test_access import Answer, ask

TOKEN, TEACHER = "tea-and-cake_7", "cake-and-tea_9"
HOSTILE = '<img src=x onerror="alert(1)">'
BELOW = ["", "/people", "/act", "/teacher.js", "/teacher.css", "/join.svg", "/nothing-there"]


@pytest.fixture
def server() -> Iterator[Any]:
    made = SocketIOServer(ClassroomService, token=TOKEN, teacher_token=TEACHER)
    with background(made) as running:
        yield running


def teacher(server: Any, path: str, method: str = "GET", body: str = "", **extra: str) -> Answer:
    headers = {"Authorization": f"Bearer {TEACHER}", "Content-Type": "application/json", **extra}
    return ask(server, f"/teacher{path}", method, body, **headers)


def act(server: Any, action: str, client_id: str) -> Answer:
    body = json.dumps({"action": action, "client_id": client_id})
    return teacher(server, "/act", "POST", body)


def people(server: Any) -> list[dict[str, Any]]:
    answer = teacher(server, "/people")
    assert answer.status == 200
    return list(json.loads(answer.body)["people"])


def pupil(server: Any, name: str) -> SocketIOClient:
    client = SocketIOClient(server.address, username=name, token=TOKEN)
    client.connect()
    client.send("join_room", room="tea")
    client.wait_for("room_joined", PATIENCE_S)
    return client


# ---------------------------------------------------------------- the token


@pytest.mark.parametrize("path", BELOW)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_nothing_is_shown_or_done_without_the_teachers_token(
    server: Any, path: str, method: str
) -> None:
    class_cookie = ask(server, f"/?token={TOKEN}").headers["Set-Cookie"].partition(";")[0]
    for query, headers in (
        ("", {}),
        (f"?token={TOKEN}", {}),
        (f"?token={TEACHER}x", {}),
        ("", {"Authorization": f"Bearer {TOKEN}"}),
        ("", {"Cookie": class_cookie}),
    ):
        answer = ask(server, f"/teacher{path}{query}", method, **headers)
        assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
        assert method == "HEAD" or "the teacher's page" in unescape(answer.body)


def test_the_link_leads_to_the_page_and_its_cookie_opens_nothing_else(server: Any) -> None:
    link = ask(server, f"/teacher?token={TEACHER}")
    assert (link.status, link.headers["Location"]) == (303, "./teacher")
    assert TEACHER not in f"{link.headers}{link.body}"
    cookie = link.headers["Set-Cookie"].partition(";")[0]
    statuses = {path: ask(server, f"/teacher{path}", Cookie=cookie).status for path in BELOW}
    assert statuses == {
        "": 200,
        "/people": 200,
        "/act": 405,
        "/teacher.js": 200,
        "/teacher.css": 200,
        "/join.svg": 404,  # nobody has told the page how to join
        "/nothing-there": 404,
    }
    assert ask(server, "/", Cookie=cookie).status == 403


def test_its_pages_are_not_among_those_of_the_class(server: Any) -> None:
    for name in ("/teacher.html", "/class_pages/teacher.html", "/../class_pages/token.html"):
        assert ask(server, f"{name}?token={TOKEN}").status == 404


def test_a_server_without_a_teacher_has_no_such_page() -> None:
    with background(SocketIOServer(ChatService)) as server:
        assert ask(server, "/teacher").status == 404
    with pytest.raises(LocalProtocolError, match="ChatService knows no teacher"):
        SocketIOServer(ChatService, teacher_token=TEACHER)


def test_one_token_is_not_for_both() -> None:
    with pytest.raises(ValueError, match="a secret among those who have token"):
        SocketIOServer(ClassroomService, token=TOKEN, teacher_token=TOKEN)


# ---------------------------------------------------------------- who is here


def test_it_shows_who_is_here_as_data(server: Any) -> None:
    with pupil(server, HOSTILE[:32]) as ann:
        ann.send("room_message", room="tea", content="hello")
        ann.wait_for("room_message", PATIENCE_S)
        (person,) = people(server)
        answer = teacher(server, "/people")
    assert (person["username"], person["rooms"]) == (HOSTILE[:32], ["tea"])
    assert (person["messages"], person["messages_per_minute"], person["muted"]) == (1, 1, False)
    assert 0 <= person["silent_s"] < PATIENCE_S
    assert person["peer"] == "127.0.0.1"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_it_says_how_to_join_once_it_is_told(server: Any) -> None:
    server.server.teacher.invite("http://10.0.0.7:8000/?token=x", "<svg/>")
    shown = json.loads(teacher(server, "/people").body)
    assert (shown["join_link"], shown["has_qr_code"]) == ("http://10.0.0.7:8000/?token=x", True)
    picture = teacher(server, "/join.svg")
    assert (picture.body, picture.headers["Content-Type"]) == ("<svg/>", "image/svg+xml")


# ---------------------------------------------------------------- mute, kick


@pytest.mark.parametrize("transports", [("polling",), ("websocket",)])
def test_who_is_muted_is_told_so_with_each_message(
    server: Any, transports: tuple[str, ...]
) -> None:
    with (
        pupil(server, "Bob") as bob,
        SocketIOClient(server.address, username="Ann", token=TOKEN, transports=transports) as ann,
    ):
        ann.send("join_room", room="tea")
        ann.wait_for("room_joined", PATIENCE_S)
        ann_id = next(one["client_id"] for one in people(server) if one["username"] == "Ann")
        answer = act(server, "mute", ann_id)
        assert [one["muted"] for one in json.loads(answer.body)["people"]] == [False, True]
        told = ann.call("room_message", PATIENCE_S, room="tea", content="psst")
        assert told["error"]["code"] == "muted"
        ann.send("text", content="psst")
        assert ann.wait_for("error", PATIENCE_S).code == "muted"
        act(server, "unmute", ann_id)
        assert ann.call("room_message", PATIENCE_S, room="tea", content="thanks") == {"ok": True}
        assert bob.wait_for("room_message", PATIENCE_S).content == "thanks"


def test_who_is_sent_away_hears_why_and_does_not_come_back_by_itself(server: Any) -> None:
    with pupil(server, "Bob") as bob, pupil(server, "Ann") as ann:
        ann_id = next(one["client_id"] for one in people(server) if one["username"] == "Ann")
        answer = act(server, "kick", ann_id)
        assert [one["username"] for one in json.loads(answer.body)["people"]] == ["Bob"]
        assert ann.wait_for("closing", PATIENCE_S).code == "kicked"
        assert "the teacher has sent you away" in str(ann.wait_ended(PATIENCE_S))
        with pytest.raises(ConnectionEnded):
            ann.send("ping")
        assert bob.wait_for("user_left", PATIENCE_S).username == "Ann"
        again = act(server, "kick", ann_id)
        assert (again.status, "who had it is gone" in again.body) == (404, True)
        bob.send("ping")
        bob.wait_for("pong", PATIENCE_S)


# ---------------------------------------------------------------- what else may come


@pytest.mark.parametrize(
    ("body", "extra", "status"),
    [
        ("", {}, 400),
        ("{", {}, 400),
        ("[]", {}, 400),
        ("\xff", {}, 400),
        ('{"action": "kick"}', {}, 400),
        ('{"action": "shout", "client_id": "x"}', {}, 400),
        ('{"action": "kick", "client_id": 7}', {}, 400),
        ('{"action": "kick", "client_id": "nobody"}', {}, 404),
        ('{"action": "mute", "client_id": "nobody"}', {}, 404),
        (" " * (MAX_BODY_BYTES + 1), {}, 413),
        ("action=kick", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ('{"action": "kick", "client_id": "x"}', {"Content-Type": "text/plain"}, 415),
        ('{"action": "kick", "client_id": "x"}', {"Origin": "http://evil.example"}, 403),
        ('{"action": "kick", "client_id": "x"}', {"Sec-Fetch-Site": "same-site"}, 403),
        ('{"action": "kick", "client_id": "x"}', {"Host": "evil.example"}, 403),
    ],
)
def test_what_is_no_request_of_the_page_does_nothing(
    server: Any, body: str, extra: dict[str, str], status: int
) -> None:
    with pupil(server, "Ann"):
        assert teacher(server, "/act", "POST", body, **extra).status == status
        assert [one["username"] for one in people(server)] == ["Ann"]


def test_other_pages_read_nothing(server: Any) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert teacher(server, "/people", **headers).status == 403
    assert teacher(server, "/people").headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_neither_token_nor_cookie_is_logged(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        cookie = ask(server, f"/teacher?token={TEACHER}").headers["Set-Cookie"].partition(";")[0]
        ask(server, "/teacher/people", Cookie=cookie)
        ask(server, f"/teacher?token={TEACHER}x")
        act(server, "kick", "nobody")
    for secret in (TEACHER, cookie.partition("=")[2]):
        assert secret not in caplog.text
