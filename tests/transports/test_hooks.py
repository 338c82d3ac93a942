"""The hooks of every blocking client: told of each message, and once of the end."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.messages import Heartbeat, Pong
from netlab.transports.inbox import Inbox
from tests.transports.harness import (
    SOCKETIO,
    TCP_ASYNCIO_CLIENT,
    TRANSPORTS,
    Transport,
)

PATIENCE_S = 10.0
BLOCKING = [*(t for t in TRANSPORTS if t is not TCP_ASYNCIO_CLIENT), SOCKETIO]


class Heard:
    """What the hooks were told, and by how many threads at once."""

    def __init__(self) -> None:
        self.messages: queue.Queue[Any] = queue.Queue()
        self.ends: queue.Queue[str] = queue.Queue()
        self.threads: set[str] = set()

    def message(self, message: Any) -> None:
        self.threads.add(threading.current_thread().name)
        self.messages.put(message)

    def wait_for(self, wanted: str) -> Any:
        while (message := self.messages.get(timeout=PATIENCE_S)).type != wanted:
            pass
        return message


@pytest.mark.parametrize("transport", BLOCKING, ids=lambda t: t.name)
def test_hooks_hear_everything_in_order_and_one_end(transport: Transport) -> None:
    heard = Heard()
    with transport.serve_lesson(ChatService) as server:
        client = transport.client(server.address, on_message=heard.message, on_end=heard.ends.put)
        with client:
            for number in range(20):
                client.say(str(number))
            assert [heard.wait_for("echo").content for _ in range(20)] == [
                str(number) for number in range(20)
            ]
            client.wait_for("welcome", PATIENCE_S)  # the inbox is kept all the same
            server.stop()
            assert heard.wait_for("closing").code == "server_stopping"
            reason = heard.ends.get(timeout=PATIENCE_S)
            assert "server_stopping" in reason
            assert reason == client.wait_ended(PATIENCE_S)
    assert heard.ends.empty()
    assert all(name.startswith("netlab-") or name == "MainThread" for name in heard.threads)


def test_heartbeats_and_their_answers_are_passed_over() -> None:
    told: list[Any] = []
    answers: list[Any] = []
    ends: list[str] = []
    inbox = Inbox(answers.append, told.append, ends.append)
    inbox.put(Heartbeat("t", 1))
    inbox.put(Pong("t", ref=answers[0].ref))
    inbox.put(Pong("t", ref="mine"))
    inbox.end("first")
    inbox.end("second")
    assert [message.ref for message in told] == ["mine"]
    assert ends == ["first"]
