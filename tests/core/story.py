"""A long story told to a chat, and the fingerprint of every byte that it answered.

`python -m tests.core.story SEED` prints it, so that processes can be compared.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from hashlib import blake2b
from typing import Any

from netlab.core.chat import ChatService
from netlab.core.errors import InvalidText
from netlab.core.limits import Limits
from netlab.core.messages import Hello, Welcome, make_request
from netlab.core.sends import ClientId, Send
from tests.core.stage import SECRET, START

STEPS = 5_000
ROOMS, NAMES = ("hall", "tea", "Straße"), ("Ann", "Bob", "Zoë", "ann")


def tell(seed: int) -> tuple[str, Counter[str]]:
    """Tell a story drawn with `seed`.

    Returns the digest of all answers, in order, and how often several heard each type at once.
    """
    dice, now = random.Random(seed), START
    limits = Limits(max_clients=12, max_rooms=3, max_games=3, history=5, messages_per_second=0)
    service = ChatService(limits=limits, secret=SECRET)
    here: list[ClientId] = []
    ids, secrets, games = ["nobody"], ["none"], ["none"]
    digest, to_several = blake2b(), Counter[str]()

    def heard(sends: list[Send]) -> None:
        for send in sends:
            frame = service.codec.encode_reply(send.message)
            digest.update(f"{send.to}".encode() + frame + b"\n")
            to_several[send.message.type] += len(send.to) > 1
            if isinstance(send.message, Welcome):
                secrets.append(send.message.secret)
            session = getattr(send.message, "session_id", None)
            if session and session not in games:
                games[:] = [*games[-2:], session]

    def request() -> Any:
        room, name, session = dice.choice(ROOMS), dice.choice(NAMES), dice.choice(games)
        kind, fields = dice.choice(
            [
                ("join_room", {"room": room}),
                ("join_room", {"room": room, "username": name}),
                ("leave_room", {"room": room}),
                ("room_message", {"room": room, "content": f"{now}"}),
                ("private_message", {"target": dice.choice(ids), "content": "hi"}),
                ("typing_start", {"room": room}),
                ("set_username", {"username": name}),
                ("list_rooms", {}),
                ("list_clients", {}),
                ("create_game_session", {"game_type": "tic-tac-toe"}),
                ("join_game_session", {"session_id": session}),
                ("game_action", {"session_id": session, "action": {"cell": dice.randrange(9)}}),
                ("leave_game_session", {"session_id": session}),
            ]
            if dice.random() < 0.99
            else [("bye", {})]
        )
        return make_request(kind, **fields)

    for _ in range(STEPS):
        now += 70 if dice.random() < 0.002 else dice.choice((0, 0.01, 0.2))
        while (due := service.next_tick()) is not None and due <= now:
            heard(service.tick(due))
        chance = dice.random()
        if not here or chance < 0.04:
            client = service.new_client()
            here.append(client)
            ids.append(client)
            hello = dice.choice([None, Hello(resume=dice.choice(secrets)), Hello(username="Eve")])
            heard(service.connect(client, now, "peer", hello))
        elif chance < 0.06:
            client = here.pop(dice.randrange(len(here)))
            heard(service.disconnect(client, now))
        elif chance < 0.08:
            heard(service.reject(dice.choice(here), InvalidText("byte 0xff"), now))
        else:
            heard(service.receive(dice.choice(here), request(), now))
    heard(service.close_all("server_stopping", "it is late", now))
    return digest.hexdigest(), to_several


if __name__ == "__main__":
    sys.stdout.write(f"{tell(int(sys.argv[1]))[0]}\n")
