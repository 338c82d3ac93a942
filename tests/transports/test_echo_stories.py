"""The text service, told over every transport that can carry it."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from netlab.core.echo import EchoService
from netlab.core.errors import ConnectionEnded
from netlab.core.messages import Broadcast, Echo
from netlab.core.service import Limits
from tests.transports.harness import TRANSPORTS, Transport

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.name)


def test_what_you_say_comes_back_and_goes_to_the_others(transport: Transport) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(transport.serve_lesson(EchoService))
        alice, bob, carol = (
            stack.enter_context(transport.connect(server, "echo")) for _ in range(3)
        )
        for client in (bob, carol):  # an answer proves that the server knows them
            client.say("here")
            client.wait_for(Echo)
        alice.say("good morning ☀")
        assert alice.wait_for(Echo).content == "good morning ☀"
        for other in (bob, carol):
            heard = other.wait_for(Broadcast)
            while heard.content == "here":
                heard = other.wait_for(Broadcast)
            assert heard.content == "good morning ☀"
            assert heard.sender == str(alice.local_address)


def test_alone_there_is_only_the_echo(transport: Transport) -> None:
    with transport.serve_lesson(EchoService) as server, transport.connect(server, "echo") as alice:
        texts = ["a", "", "  spaces  ", '{"type": "ping"}', "5"]
        if transport.has_connections:
            texts.append("Echo: of an echo")
        for text in texts:
            alice.say(text)
            assert alice.wait_for(Echo).content == text
        assert [message.type for message in alice.messages] == ["echo"] * len(texts)


def test_everybody_sees_one_order(transport: Transport) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(transport.serve_lesson(EchoService))
        clients = [stack.enter_context(transport.connect(server, "echo")) for _ in range(4)]
        for client in clients:
            client.say("here")
            client.wait_for(Echo)
        for number in range(50):
            for name, client in enumerate(clients):
                client.say(f"{name}.{number}")
        for client in clients:
            for _ in range(50):
                client.wait_for(Echo)
        for client in clients:
            client.say("end")
        seen = []
        for client in clients:
            for _ in range(3):
                while client.wait_for(Broadcast).content != "end":
                    pass
            seen.append([m.content for m in client.messages if "." in getattr(m, "content", "")])
        assert len(seen[0]) == 200
        assert all(order == seen[0] for order in seen)


def test_who_leaves_is_not_missed(transport: Transport) -> None:
    with transport.serve_lesson(EchoService) as server, transport.connect(server, "echo") as alice:
        alice.say("here")
        alice.wait_for(Echo)
        with transport.connect(server, "echo") as bob:
            bob.say("hello and goodbye")
            assert alice.wait_for(Broadcast).content == "hello and goodbye"
        alice.say("anybody?")
        assert alice.wait_for(Echo).content == "anybody?"


def test_a_full_server_says_so(transport: Transport) -> None:
    limits = Limits(max_clients=1)
    with (
        transport.serve_lesson(EchoService, limits=limits) as server,
        transport.connect(server, "echo") as one,
    ):
        one.say("in")
        one.wait_for(Echo)
        with transport.connect(server, "echo") as two:
            if not transport.has_connections:
                two.say("in?")
            assert two.wait_for("closing").code == "server_full"
            assert "1 place" in two.wait_ended()
        one.say("still in")
        assert one.wait_for(Echo).content == "still in"


def test_a_stopped_server_says_goodbye(transport: Transport) -> None:
    with transport.serve_lesson(EchoService) as server, transport.connect(server, "echo") as alice:
        alice.say("hello")
        alice.wait_for(Echo)
        server.stop()
        assert "server_stopping" in alice.wait_ended()
        with pytest.raises(ConnectionEnded, match="server_stopping"):
            alice.say("anybody?")


def test_figures(transport: Transport) -> None:
    with transport.serve_lesson(EchoService) as server, transport.connect(server, "echo") as alice:
        for _ in range(3):
            alice.say("hello")
            alice.wait_for(Echo)
        stats = server.stats()
        assert stats.frames_in == 3
        assert stats.frames_out == 3
        (client,) = stats.clients
        assert client.frames_in == 3
        assert client.peer == str(alice.local_address)
        assert stats.seconds_up >= client.connected_s >= client.idle_s >= 0
