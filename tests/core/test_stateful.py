"""Anything that clients can do, in any order: what must hold always, does.

The stage runs two services side by side and compares every answer, and checks every delivery:
nothing to somebody absent or told to go, nothing twice, nothing too long. What is checked here is
who may hear what, and that nothing is left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from netlab.core.chat import ChatService
from netlab.core.classroom import ClassroomService
from netlab.core.errors import InvalidText
from netlab.core.limits import DATAGRAMS, LIBRARY_PINGS, STREAM, Limits
from netlab.core.messages import (
    Error,
    GameActionBroadcast,
    Hello,
    PrivateMessage,
    PrivateMessageSent,
    RoomJoined,
    RoomLeft,
    RoomMessage,
    Welcome,
)
from netlab.core.names import name_key
from netlab.core.roster import SEATS_KEPT_S
from netlab.core.sends import Send
from netlab.core.sessions import UNTOUCHED_S
from tests.core.kept import kept
from tests.core.stage import SECRET, Actor, Stage

LIMITS = Limits(
    max_clients=6,
    max_rooms=2,
    max_games=3,
    history=4,
    messages_per_second=3,
    idle_seconds=200,
)
transports = st.sampled_from([STREAM, DATAGRAMS, LIBRARY_PINGS])
names = st.sampled_from(["Ann", "ann", "Bob", "Zoë", "Zoe\u0308", "Eve", "x" * 33, "\u202eAnn"])
rooms = st.sampled_from(["kitchen", "KITCHEN", "garden", "Straße", "STRASSE", "kitchen", "\n"])
texts = st.sampled_from(["", "hi", "\x00" * 4_096, "é" * 2_049])
games = st.sampled_from(["tic-tac-toe", "tic-tac-toe", "connect-four", "generic", "chess"])
SAYING = ("room_message", "private_message", "text", "set_username", "typing_start", "game_action")
numbers = st.integers(0, 50)
"""which one: of the clients, of the sessions, of the cells"""
odd_actions = st.sampled_from([{"cell": 9}, {"column": 7}, None, [[]], "x" * 5_000])
occupied = precondition(lambda self: self.stage.actors)


class AnythingGoes(RuleBasedStateMachine):
    """Clients come and go, talk and play, and lose their connections."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.service)
        self.secrets = ["none"]
        self.results: dict[str, Any] = {}
        """how the games that are over ended"""

    def service(self) -> ChatService:
        return ChatService(limits=LIMITS, secret=SECRET)

    # ------------------------------------------------------------ coming and going

    @initialize(liveness=transports, size=st.integers(500, 9_999), cast=st.integers(0, 4))
    def begin(self, liveness: Any, size: int, cast: int) -> None:
        """Start with some who are in the middle of it already."""
        for service in (self.stage.service, self.stage.twin):
            service.carried_by(liveness, max_reply_bytes=size)
        for who in range(cast):
            self.connect()
            self.join(who, "kitchen", None)
            self.stage.wait(1)
        for who in range(cast // 2):
            self.create(who, ("tic-tac-toe", "connect-four")[who], None)
            self.join_game(cast - 1 - who, who, "player")
            self.stage.wait(1)

    @precondition(lambda self: len(self.stage.actors) < LIMITS.max_clients + 2)
    @rule()
    def connect(self) -> None:
        self.remember(self.stage.enter())

    @precondition(lambda self: len(self.stage.actors) < LIMITS.max_clients)
    @rule(which=numbers, name=st.none() | names)
    def come_back(self, which: int, name: str | None) -> None:
        secret = self.secrets[which % len(self.secrets)]
        self.remember(self.stage.enter(Hello(resume=secret, username=name)))

    @occupied
    @rule(who=numbers, how=st.sampled_from(["vanish", "bye", "close"]))
    def leave(self, who: int, how: str) -> None:
        actor = self.actor(who)
        if how == "vanish" or actor.ended is not None:
            actor.vanishes()
        elif how == "bye":
            self.act(actor, "bye")
        else:
            self.stage.tell(lambda service, now: service.close(actor.id, "slow_reader", "…", now))

    @rule(seconds=st.sampled_from([0.001, 0.1, 0.5, 1, 2, 5, 10, 20, 60, 3_600]))
    def wait(self, seconds: float) -> None:
        self.stage.wait(seconds)

    # ------------------------------------------------------------ requests

    @occupied
    @rule(who=numbers, name=names, which=numbers)
    def say_hello(self, who: int, name: str, which: int) -> None:
        secret = self.secrets[which % len(self.secrets)] if which % 5 == 0 else None
        self.act(self.actor(who), "hello", username=name, resume=secret)

    @occupied
    @rule(who=numbers, name=names)
    def rename(self, who: int, name: str) -> None:
        self.act(self.actor(who), "set_username", username=name)

    @occupied
    @rule(who=numbers, room=rooms, name=st.none() | names)
    def join(self, who: int, room: str, name: str | None) -> None:
        self.act(self.actor(who), "join_room", room=room, username=name)

    @occupied
    @rule(who=numbers, room=rooms)
    def leave_room(self, who: int, room: str) -> None:
        self.act(self.actor(who), "leave_room", room=room)

    @occupied
    @rule(who=numbers, room=rooms, content=texts, ref=st.sampled_from([None, "r"]))
    def talk(self, who: int, room: str, content: str, ref: str | None) -> None:
        actor, members = self.actor(who), self.members()
        before = self.inboxes()
        said = self.act(actor, "room_message", room=room, content=content, ref=ref)
        heard_by = {a.id: a.inbox[count:] for a, count in before.items()}
        hearers = {a for a, heard in heard_by.items() if RoomMessage in map(type, heard)}
        if said and isinstance(said[0], RoomMessage):
            assert actor.id in hearers
            assert hearers == members[name_key(room)], "members hear it, and nobody else"
        else:
            assert hearers == set()

    @occupied
    @rule(who=numbers, room=rooms, kind=st.sampled_from(["typing_start", "typing_stop"]))
    def type(self, who: int, room: str, kind: str) -> None:
        actor, members = self.actor(who), self.members().get(name_key(room), set())
        before = self.inboxes()
        refused = self.act(actor, kind, room=room)
        hearers = {a.id for a, count in before.items() if len(a.inbox) > count}
        if refused:
            assert isinstance(refused[0], Error)
            assert hearers == {actor.id}
        else:
            assert hearers == (members - {actor.id} if actor.id in members else set())

    @occupied
    @rule(who=numbers, content=texts)
    def say(self, who: int, content: str) -> None:
        self.act(self.actor(who), "text", content=content)

    @occupied
    @rule(who=numbers, to=numbers, content=texts)
    def whisper(self, who: int, to: int, content: str) -> None:
        before = self.inboxes()
        sender, target = self.actor(who), self.actor(to)
        answer = self.act(sender, "private_message", target=target.id, content=content)
        heard = {a: a.inbox[count:] for a, count in before.items() if len(a.inbox) > count}
        if answer and isinstance(answer[0], PrivateMessageSent):
            assert set(heard) == {sender, target}, "the two of them, and nobody else"
            (got,) = [m for m in heard[target] if isinstance(m, PrivateMessage)]
            assert (got.from_id, got.content) == (sender.id, content)
            assert sender is target or len(heard[sender]) == len(heard[target]) == 1
        else:
            assert set(heard) <= {sender}, "what is refused reaches nobody"

    @occupied
    @rule(who=numbers, kind=st.sampled_from(["list_rooms", "list_clients", "ping", "garbage"]))
    def ask(self, who: int, kind: str) -> None:
        if kind == "garbage":
            self.actor(who).garbles(InvalidText("byte 0xff"))
        else:
            self.act(self.actor(who), kind)

    # ------------------------------------------------------------ games

    @occupied
    @rule(who=numbers, game=games, places=st.sampled_from([None, None, None, 0, 2, 5]))
    def create(self, who: int, game: str, places: int | None) -> None:
        self.act(self.actor(who), "create_game_session", game_type=game, max_players=places)

    @occupied
    @rule(who=numbers, which=numbers, role=st.sampled_from(["player", "player", "spectator"]))
    def join_game(self, who: int, which: int, role: str) -> None:
        session = self.session(which)
        self.act(self.actor(who), "join_game_session", session_id=session, **{"as": role})

    @occupied
    @rule(who=numbers, which=numbers)
    def leave_game(self, who: int, which: int) -> None:
        self.act(self.actor(who), "leave_game_session", session_id=self.session(which))

    @occupied
    @rule(who=numbers, which=numbers, action=odd_actions)
    def move_oddly(self, who: int, which: int, action: Any) -> None:
        self.move(self.actor(who), self.session(which), action)

    @occupied
    @rule(which=numbers, where=st.lists(numbers, min_size=1, max_size=9))
    def play_on(self, which: int, where: list[int]) -> None:
        """Let whoever's turn it is move, and somebody else try to."""
        for number in where:
            session = self.games().get(self.session(which))
            if session is None or session.state.turn is None:
                return
            cell, column = {"cell": number % 9}, {"column": number % 7}
            action = cell if session.game_type == "tic-tac-toe" else column
            self.move(self.actor(number), session.session_id, action)
            turn = self.games()[session.session_id].state.turn
            if turn is not None and turn.client_id in self.stage.actors:
                self.move(self.stage.actors[turn.client_id], session.session_id, action)
            self.stage.wait(0.7)

    def move(self, actor: Actor, session_id: str, action: Any) -> None:
        before = self.games().get(session_id)
        heard = self.act(actor, "game_action", session_id=session_id, action=action)
        if not heard or not isinstance(heard[0], GameActionBroadcast):
            assert before == self.games().get(session_id), "what is refused changes nothing"
            return
        assert before is not None
        assert before.status == "playing"
        assert actor.id in {player.client_id for player in before.players}
        if before.game_type != "generic":
            assert before.state.turn.client_id == actor.id
            turn = heard[0].state.turn
            assert turn is None or turn.client_id != actor.id, "turns alternate"

    # ------------------------------------------------------------ what must hold

    def inboxes(self) -> dict[Actor, int]:
        return {actor: len(actor.inbox) for actor in self.stage.actors.values()}

    def remember(self, actor: Actor) -> None:
        self.secrets += [m.secret for m in actor.inbox if isinstance(m, Welcome)]

    def actor(self, who: int) -> Actor:
        return list(self.stage.actors.values())[who % len(self.stage.actors)]

    def session(self, which: int) -> str:
        sessions = [*self.games(), "none"] if which % 10 == 9 else list(self.games()) or ["none"]
        return sessions[which % len(sessions)]

    def act(self, actor: Actor, wire_type: str, **fields: Any) -> list[Any]:
        """Let an actor do something; return what it heard at once."""
        here = actor.ended is None
        before = len(actor.inbox)
        actor.does(wire_type, **fields)
        heard = actor.inbox[before:]
        assert here or not heard, "who is on its way out is not answered"
        errors = [message for message in heard if isinstance(message, Error)]
        assert len(errors) <= 1
        assert not errors or len(heard) == 1, "a refusal is all the answer"
        return heard

    def members(self) -> dict[str, set[str]]:
        chat: Any = self.stage.service
        return {key: set(room.members) for key, room in chat._rooms._rooms.items()}

    def games(self) -> dict[str, Any]:
        chat: Any = self.stage.service
        return {key: s.view() for key, s in chat._games._sessions.by_id.items()}

    @invariant()
    def the_service_knows_who_is_here(self) -> None:
        chat: Any = self.stage.service
        here = {a.id for a in self.stage.actors.values() if a.ended is None}
        assert set(chat._clients) == set(chat._roster.here) == here
        assert set(chat._leaving) == set(self.stage.actors) - here
        assert len(here) <= LIMITS.max_clients
        for deadlines in chat._silence:
            assert set(deadlines._touched) == here

    @invariant()
    def names_are_unique(self) -> None:
        chat: Any = self.stage.service
        users = chat._roster.here.values()
        keys = [name_key(user.name) for user in users]
        assert len(set(keys)) == len(keys)
        assert set(keys) == set(chat._roster._by_name)
        secrets = {user.secret for user in users}
        assert secrets | set(chat._roster._away._touched) == set(chat._roster._by_secret)

    @invariant()
    def membership_is_symmetrical(self) -> None:
        chat: Any = self.stage.service
        rooms = chat._rooms._rooms
        for key, room in rooms.items():
            assert room.members, "a room exists while it has members"
            assert len(room.history) <= LIMITS.history
            assert room.everyone() == tuple(room.members)
            for client, user in room.members.items():
                assert chat._roster.here[client] is user
                assert user.rooms[key] is room
        for user in chat._roster.here.values():
            assert len(user.rooms) <= LIMITS.max_rooms
            for key, room in user.rooms.items():
                assert rooms[key] is room
                assert user.id in room.members

    @invariant()
    def everybody_knows_the_own_rooms(self) -> None:
        chat: Any = self.stage.service
        for actor in self.stage.actors.values():
            told: set[str] = set()
            for message in actor.inbox:
                if isinstance(message, RoomJoined):
                    told.add(name_key(message.room))
                elif isinstance(message, RoomLeft):
                    told.discard(name_key(message.room))
            if actor.ended is None:
                assert told == set(chat._roster.here[actor.id].rooms)

    @invariant()
    def games_are_in_order(self) -> None:
        chat: Any = self.stage.service
        sessions = chat._games._sessions
        assert len(sessions.by_id) <= LIMITS.max_games
        assert set(sessions.untouched._touched) == set(sessions.by_id)
        away = {chat._roster._by_secret[secret].id for secret in chat._roster._away._touched}
        for session in sessions.by_id.values():
            players = session.players()
            assert 1 <= len(players) <= session.max_players
            assert session.host in players
            seats = [m.seat for m in session.members.values() if m.seat is not None]
            assert len(set(seats)) == len(seats)
            for client, member in session.members.items():
                assert member.player.client_id == client
                assert member.away == (client in away) == (client not in chat._clients)
                assert session in sessions.of(client)
                if not member.away:
                    assert member.player.username == chat._roster.here[client].name
            if session.id in self.results:
                assert self.results[session.id] == self.result(session), "a result is final"
            if session.status() == "finished":
                self.results[session.id] = self.result(session)
                assert (session.winner is None) == session.game.draw
                assert session.state().turn is None
        self.results = {key: r for key, r in self.results.items() if key in sessions.by_id}
        for client in sessions._of_client:
            assert 1 <= len(sessions.of(client)) <= LIMITS.max_rooms
            for session in sessions.of(client):
                assert session is sessions.by_id[session.id]
                assert client in session.members

    def teardown(self) -> None:
        """Nothing is left when everybody has gone and the time for coming back is over."""
        for actor in list(self.stage.actors.values()):
            actor.vanishes()
        self.stage.wait(max(SEATS_KEPT_S, UNTOUCHED_S))
        assert self.stage.service.next_tick() is None
        assert kept(self.stage.service) == kept(self.service()), "as in one that is new"

    @staticmethod
    def result(session: Any) -> Any:
        # By seat: who comes back, or takes another name, is the winner under that id and name.
        return session.game.winner, session.game.draw, session.game.board


class UnderATeacher(AnythingGoes):
    """The same with somebody who silences and sends away."""

    def service(self) -> ClassroomService:
        return ClassroomService(limits=LIMITS, secret=SECRET)

    def act(self, actor: Actor, wire_type: str, **fields: Any) -> list[Any]:
        user = self.stage.service._roster.here.get(actor.id)  # type: ignore[attr-defined]
        muted, before = user is not None and user.muted, self.inboxes()
        heard = super().act(actor, wire_type, **fields)
        if muted and wire_type in SAYING:
            others = [a for a, count in before.items() if a is not actor and len(a.inbox) > count]
            assert others == [], "nobody hears who is muted"
        return heard

    @occupied
    @rule(who=numbers, muted=st.booleans())
    def mute(self, who: int, muted: bool) -> None:
        actor = self.actor(who)
        if actor.ended is None:
            self.teach(lambda service, _: service.mute(actor.id, muted=muted))

    @occupied
    @rule(who=numbers)
    def kick(self, who: int) -> None:
        actor = self.actor(who)
        if actor.ended is None:
            self.teach(lambda service, now: service.kick(actor.id, now))
            assert actor.ended is not None

    def teach(self, does: Callable[[ClassroomService, float], list[Send]]) -> None:
        self.stage.tell(lambda service, now: does(cast(ClassroomService, service), now))

    @invariant()
    def the_teacher_sees_who_is_here(self) -> None:
        service = cast(ClassroomService, self.stage.service)
        people = service.people(self.stage.now)
        assert [p.client_id for p in people] == list(service._clients)
        assert set(service._paces) == set(service._clients)


TestAnythingGoes = AnythingGoes.TestCase
TestAnythingGoes.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestUnderATeacher = UnderATeacher.TestCase
TestUnderATeacher.settings = settings(max_examples=40, stateful_step_count=60, deadline=None)
