"""The examiner's people at a game server: they speak Socket.IO by hand, and referee what they hear.

stage = GameStage(trial)
ann, bob = stage.person("ann"), stage.person("bob")
table = ann.opens("nim", board=[3, 4, 5])
bob.joins(table, ann, board=[3, 4, 5], turn="ann")
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.frames import Opcode

from netlab.exercises.chat_people import Message, Stage
from netlab.exercises.socketio_people import SocketPerson, socket_link
from netlab.exercises.trial import Trial
from netlab.exercises.ws_link import frame

TOLD: dict[str, tuple[str, ...]] = {
    "game_session_created": ("board", "turn"),
    "player_joined_game": ("who", "as", "board", "turn"),
    "game_action": ("action",),
    "game_action_broadcast": ("who", "action", "board", "turn", "winner", "status"),
    "player_away": ("who",),
    "player_back": ("who", "board", "turn"),
    "create_game_session": ("game_type",),
    "join_game_session": ("as",),
    "closing": ("code",),
    "error": ("code",),
}
"""what a game's people say and hear, with the fields that the transcript shows"""


class GameStage(Stage):
    """A trial with people at a game server."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial, enter)
        self.names: dict[str, str] = {}
        """who has a client id"""

    def in_words(self, message: Message) -> str:
        """Return a message as the transcript shows it: no ids, and the game's state in short."""
        told = TOLD.get(str(message.get("type")), ())
        fields = {name: message[name] for name in told if name in message}
        kind = str(message.get("type"))
        return f"{kind} {_in_json(fields)}" if fields else kind


def _in_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:150]} …"


class GamePerson(SocketPerson):
    """Somebody at the server, as a player or a spectator."""

    stage: GameStage
    kinds = frozenset((*TOLD, "welcome", "pong"))
    secret = ""
    """with which it comes back"""

    def receive(self, what: str, until: float) -> Message:
        """Return the next event, with what it says of players and of the game laid open."""
        message = super().receive(what, until)
        if message["type"] == "welcome":
            self.secret = str(message.get("secret"))
            self.stage.names[str(message.get("client_id"))] = self.name
        if "player" in message:
            message["who"] = self._named(message["player"])
        state = message.get("state") or (message.get("session") or {}).get("state")
        if state:
            message["board"] = state["board"]
            message["turn"] = self._named(state["turn"])
            message["winner"] = self._named(state["winner"])
        return message

    def _named(self, player: Any) -> str | None:
        return player and self.stage.names.get(player["client_id"], "somebody else")

    def opens(self, game: str, **state: Any) -> str:
        """Open a session of a game, which stands like this; return its id."""
        self.say("create_game_session", game_type=game)
        return str(self.answered("game_session_created", **state)["session_id"])

    def joins_game(
        self, table: str, *others: GamePerson, role: str = "player", **state: Any
    ) -> None:
        """Join a session whose game stands like this; `others`, who are in it, hear it, too."""
        self.say("join_game_session", session_id=table, **{"as": role})
        self.answered("player_joined_game", session_id=table, **state)
        for other in others:
            other.hear("player_joined_game", session_id=table, who=self.name, **state)

    def moves(self, table: str, action: object, *others: GamePerson, **state: Any) -> None:
        """Make a move, after which the game stands like this; `others` hear it, too."""
        self.say("game_action", session_id=table, action=action)
        self.answered("game_action_broadcast", session_id=table, **state)
        for other in others:
            other.hear("game_action_broadcast", session_id=table, who=self.name, **state)

    @contextmanager
    def slowly(self, table: str, action: object) -> Iterator[None]:
        """Send one half of a move before the block, the other after it; nobody hears it here."""
        event = json.dumps(["game_action", {"session_id": table, "action": action}])
        data = frame(Opcode.TEXT, f"42{event}".encode())
        half = len(data) // 2
        words = f"half of game_action {_in_json({'action': action})}"
        for which, piece in (("first", data[:half]), ("second", data[half:])):
            self.link.said(f"sends the {which} {words}", words.encode())  # a mask is random
            self.link.write(piece)
            if which == "first":
                yield

    def hear_any(self, *kinds: str) -> str:
        """Hear one of these next; return which."""
        what = " or ".join(kinds)
        message = self.next_message(what)
        words = self.stage.in_words(message)
        if message["type"] not in kinds:
            raise self.failed(what, words)
        self.link.heard(f"receives {words}", words.encode())
        return str(message["type"])

    def is_refused(self, table: str, action: object, code: str) -> None:
        """Make a move that is refused."""
        self.say("game_action", session_id=table, action=action)
        self.hear("error", code=code)

    def vanishes(self, *others: GamePerson) -> None:
        """Be gone without a word; `others` hear it."""
        self.link.tcp.reset()
        for other in others:
            other.hear("player_away", who=self.name)

    def comes_back(self, gone: GamePerson, *others: GamePerson, **state: Any) -> None:
        """Take over from `gone`, whose secret it has; the game stands like this."""
        self.link.said(f"sends hello with {gone.name}'s secret", b"hello")
        self.transmit({"type": "hello", "resume": gone.secret})
        self.hear("welcome")
        for one in (self, *others):
            one.hear("player_back", who=self.name, **state)


def enter(stage: Stage, name: str) -> GamePerson:
    """Connect somebody, who hears `welcome`."""
    person = GamePerson(stage, socket_link(stage, name))
    person.open()
    return person
