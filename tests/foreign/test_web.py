"""Servers that browsers can reach, with curl and wscat."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import pytest

from tests.foreign.conftest import Run, output, serving

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, 1.3
ACCEPT = base64.b64encode(
    hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
).decode()
SEPARATOR = "\x1e"


def curl(*arguments: object) -> str:
    return output(
        "curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", 10, *arguments
    )


class Session:
    """A session of Engine.IO, each request of it a curl."""

    def __init__(self, host: str, port: int) -> None:
        self.url = f"http://{host}:{port}/socket.io/?EIO=4&transport=polling"
        (opened,) = self.get()
        assert opened[0] == "0"
        self.opened: dict[str, Any] = json.loads(opened[1:])
        self.url += "&sid=" + self.opened["sid"]

    def get(self) -> list[str]:
        return curl(self.url).split(SEPARATOR)

    def post(self, *packets: str) -> str:
        return curl("--data-binary", SEPARATOR.join(packets), self.url)


def test_curl_polls() -> None:
    with serving("socketio") as (host, port):
        ann, ben = Session(host, port), Session(host, port)
        for name, who in (("Ann", ann), ("Ben", ben)):
            assert who.post("40" + json.dumps({"username": name})) == "OK"
            connected, welcome = who.get()
            assert connected.startswith('40{"sid":')
            assert f'"username":"{name}"' in welcome
            assert who.post('420["join_room",{"room":"hall"}]') == "OK"
            joined, ack = who.get()
            assert joined.startswith('42["room_joined",')
            assert ack == '430[{"ok":true}]'
        assert [packet[:16] for packet in ann.get()] == ['42["user_joined"']
        assert ann.post('42["room_message",{"room":"hall","content":"from curl"}]') == "OK"
        for who in (ann, ben):
            (heard,) = who.get()
            fields = json.loads(heard[2:])[1]
            assert (fields["from"], fields["content"]) == ("Ann", "from curl")
        assert ann.post('427["no_such_thing",{}]') == "OK"
        (ack,) = ann.get()
        assert json.loads(ack[3:])[0]["error"]["code"] == "unknown_type"
        assert ann.post("1") == "It is closed.\n"
        assert [packet[:14] for packet in ben.get()] == ['42["user_left"']
        assert "Invalid session" in ann.get()[0]


def test_curl_hears_why_it_is_refused() -> None:
    with serving("socketio") as (host, port):
        url = f"http://{host}:{port}/socket.io/?EIO=4&transport=polling"
        told = curl("-i", "-H", "Origin: http://evil.example", url)
        assert told.startswith("HTTP/1.1 403")
        assert "'http://evil.example' may not connect here" in told
        assert "access-control-allow-origin" not in told.lower()
        assert "403" in curl("-i", "-H", "Host: evil.example", url)
        assert "unsupported version" in curl(url.replace("EIO=4", "EIO=3"))


@pytest.mark.parametrize("transport", ["socketio", "websocket"])
def test_curl_gets_the_page(transport: str) -> None:
    with serving(transport) as (host, port):
        page = curl("-i", f"http://{host}:{port}/")
        assert "HTTP/1.1 200" in page
        assert "<title>netlab chat</title>" in page
        assert "content-security-policy" in page.lower()


WEBSOCKETS = {
    "websocket": ("/", '"type":"welcome"'),
    "socketio": ("/socket.io/?EIO=4&transport=websocket", '"pingInterval"'),
}


@pytest.mark.parametrize("transport", WEBSOCKETS)
def test_curl_opens_a_websocket(run: Run, transport: str) -> None:
    """With `ws://` where this curl has it, else with the headers by hand (RFC 6455, 1.3)."""
    path, first = WEBSOCKETS[transport]
    with serving(transport) as (host, port):
        options = ["--silent", "--no-buffer", "--noproxy", "*"]
        if " ws" in output("curl", "--version"):
            ann = run("curl", *options, f"ws://{host}:{port}{path}")
        else:
            headers = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
            for header in (*headers, f"Sec-WebSocket-Key: {KEY}"):
                options += ["--header", header]
            ann = run("curl", "--include", *options, f"http://{host}:{port}{path}")
            ann.expect("^HTTP/1.1 101")
            ann.expect(f"(?i)^sec-websocket-accept: {re.escape(ACCEPT)}$")
        ann.expect(first)


def test_wscat_chats(run: Run) -> None:
    with serving("websocket") as (host, port):
        ann = run("wscat", "--no-color", "--connect", f"ws://{host}:{port}/")
        ben = run("wscat", "--no-color", "--connect", f"ws://{host}:{port}/")
        for name, who in (("Ann", ann), ("Ben", ben)):
            who.expect('"type":"welcome"')
            who.say(json.dumps({"type": "join_room", "room": "hall", "username": name}))
            who.expect('"type":"room_joined"')
        ann.say('{"type":"room_message","room":"hall","content":"from wscat"}')
        ben.expect('"type":"room_message".*"from":"Ann".*"from wscat"')
        ann.say("no JSON")
        ann.expect('"type":"error"')
        ann.process.kill()
        ben.expect('"type":"user_left".*"Ann"')


def test_wscat_speaks_socketio_by_hand(run: Run) -> None:
    with serving("socketio") as (host, port):
        url = f"ws://{host}:{port}/socket.io/?EIO=4&transport=websocket"
        ann = run("wscat", "--no-color", "--connect", url)
        ann.expect('0{"sid":')
        ann.say("40")
        ann.expect('40{"sid":')
        ann.expect(r'42\["welcome"')
        ann.say('42["disconnect","x"]')
        ann.expect(r'42\["error",{"code":"reserved_event"')
        ann.say('421["ping"]')
        ann.expect(r'42\["pong"')
        ann.expect(r'431\[{"ok":true}\]')
        ann.say('42["bye"]')
        ann.expect(r'42\["closing",{"code":"bye"')
        ann.rest()  # it ends, because the server has closed


def test_wscat_from_a_page_of_others(run: Run) -> None:
    for transport, (path, _) in WEBSOCKETS.items():
        with serving(transport) as (host, port):
            url = f"ws://{host}:{port}{path}"
            evil = run("wscat", "--no-color", "--connect", url, "-o", "http://evil.example")
            evil.expect("403")
