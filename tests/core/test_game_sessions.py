"""Stories of game sessions: creating, joining, playing, watching, leaving."""

from __future__ import annotations

from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.errors import Refused
from netlab.core.game_service import GameService
from netlab.core.games import GAMES, Game
from netlab.core.limits import LIBRARY_PINGS, Limits
from netlab.core.messages import CreateGameSession, GameAction, GameSessionClosed, Player
from netlab.core.sessions import UNTOUCHED_S
from tests.core.stage import Actor, Stage, chat

WATCH = {"as": "spectator"}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def create(host: Actor, game_type: str = "tic-tac-toe", **fields: Any) -> str:
    return str(host.does("create_game_session", game_type=game_type, **fields).session_id)


def move(actor: Actor, session_id: str, cell: int) -> Any:
    return actor.does("game_action", session_id=session_id, action={"cell": cell})


def two_players(stage: Stage, game_type: str = "tic-tac-toe") -> tuple[Actor, Actor, str]:
    ann, bob = stage.cast("Ann", "Bob")
    session_id = create(ann, game_type)
    bob.does("join_game_session", session_id=session_id)
    ann.hears()
    bob.hears()
    return ann, bob, session_id


# ---------------------------------------------------------------- creating


def test_the_creator_is_the_first_player_and_the_host(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob")
    created = ann.does("create_game_session", game_type="tic-tac-toe", ref="1")
    assert created.ref == "1"
    session = created.session
    assert session.session_id == created.session_id
    assert session.name == f"Game_{created.session_id[:8]}"
    assert (session.game_type, session.status, session.max_players) == ("tic-tac-toe", "waiting", 2)
    assert session.host == Player(ann.id, "Ann")
    assert session.players == (Player(ann.id, "Ann"),)
    assert session.created_at == "2026-01-01T00:00:00.000Z"
    assert session.state.board == ("",) * 9
    assert session.state.turn == Player(ann.id, "Ann")
    assert bob.hears() == []
    assert bob.does("list_game_sessions", ref="2").sessions == (session,)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"game_type": "chess"}, "unknown_game"),
        ({"game_type": "\x1b" * 60_000}, "unknown_game"),
        ({"game_type": "tic-tac-toe", "max_players": 3}, "invalid_max_players"),
        ({"game_type": "generic", "max_players": 0}, "invalid_max_players"),
        ({"game_type": "generic", "max_players": -1}, "invalid_max_players"),
        ({"game_type": "generic", "max_players": 10**12}, "invalid_max_players"),
        ({"game_type": "generic", "session_name": "\u202e"}, "invalid_name"),
        ({"game_type": "generic", "session_name": ""}, "invalid_name"),
    ],
)
def test_what_cannot_be_created(stage: Stage, fields: dict[str, Any], code: str) -> None:
    (ann,) = stage.cast("Ann")
    assert ann.refused("create_game_session", **fields) == code
    assert ann.does("list_game_sessions").sessions == ()


def test_there_are_not_more_sessions_than_allowed() -> None:
    stage = Stage(chat(max_games=2))
    (ann,) = stage.cast("Ann")
    first = create(ann)
    create(ann)
    assert ann.refused("create_game_session", game_type="generic") == "too_many_games"
    ann.does("leave_game_session", session_id=first)
    create(ann)


def test_one_client_is_not_in_more_sessions_than_allowed() -> None:
    stage = Stage(chat(max_rooms=1))
    ann, bob = stage.cast("Ann", "Bob")
    session_id = create(ann)
    create(bob)
    assert bob.refused("create_game_session", game_type="generic") == "too_many_games"
    assert bob.refused("join_game_session", session_id=session_id) == "too_many_games"
    assert ann.does("join_game_session", session_id=session_id).type == "player_joined_game"


def test_two_sessions_in_one_second_are_two(stage: Stage) -> None:
    (ann,) = stage.cast("Ann")
    assert create(ann, session_name="one") != create(ann, session_name="one")
    assert len(ann.does("list_game_sessions").sessions) == 2


def test_the_list_of_sessions_is_cut_to_a_frame() -> None:
    stage = Stage(chat(max_rooms=0), max_reply_bytes=3_000)
    (ann,) = stage.cast("Ann")
    for _ in range(20):
        create(ann, "connect-four")
    listed = ann.does("list_game_sessions")
    assert listed.truncated
    assert 0 < len(listed.sessions) < 20


# ---------------------------------------------------------------- joining


def test_joining_is_told_to_everybody_in_the_session(stage: Stage) -> None:
    ann, bob, eve = stage.cast("Ann", "Bob", "Eve")
    session_id = create(ann)
    ann.hears()
    own = bob.does("join_game_session", session_id=session_id, ref="1")
    (heard,) = ann.hears()
    assert (own.ref, heard.ref) == ("1", None)
    assert (heard.player, heard.role) == (Player(bob.id, "Bob"), "player")
    assert heard.players == (Player(ann.id, "Ann"), Player(bob.id, "Bob"))
    assert heard.session.status == "playing"
    assert eve.hears() == []


def test_a_full_session_takes_spectators_only(stage: Stage) -> None:
    ann, bob, session_id = two_players(stage)
    (eve,) = stage.cast("Eve")
    assert eve.refused("join_game_session", session_id=session_id) == "game_full"
    joined = eve.does("join_game_session", session_id=session_id, **WATCH)
    assert joined.role == "spectator"
    assert (len(joined.players), joined.session.spectators_count) == (2, 1)
    assert ann.types() == bob.types() == ["player_joined_game"]
    move(ann, session_id, 4)
    assert eve.types()[-1] == "game_action_broadcast"


def test_joining_again_is_no_news(stage: Stage) -> None:
    ann, bob, session_id = two_players(stage)
    again = bob.does("join_game_session", session_id=session_id, ref="1")
    assert (again.type, again.ref, len(again.players)) == ("player_joined_game", "1", 2)
    assert ann.hears() == []


def test_a_spectator_may_take_a_free_seat_but_a_player_has_to_leave_to_watch(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob")
    session_id = create(ann)
    bob.does("join_game_session", session_id=session_id, **WATCH)
    joined = bob.does("join_game_session", session_id=session_id)
    assert (joined.session.status, joined.session.spectators_count) == ("playing", 0)
    assert bob.refused("join_game_session", session_id=session_id, **WATCH) == "already_playing"


def test_sessions_and_rooms_are_separate(stage: Stage) -> None:
    ann, bob, session_id = two_players(stage)
    (eve,) = stage.cast("Eve")
    assert eve.refused("join_room", room=session_id) == "invalid_name", "it looks like an id"
    eve.does("join_room", room=session_id[:20])
    eve.hears()
    move(ann, session_id, 4)
    assert eve.hears() == []
    assert bob.refused("room_message", room=session_id, content="hi") == "not_a_member"


@pytest.mark.parametrize("wire_type", ["join_game_session", "leave_game_session", "game_action"])
def test_a_session_that_is_not_there(stage: Stage, wire_type: str) -> None:
    (ann,) = stage.cast("Ann")
    fields = {"action": 1} if wire_type == "game_action" else {}
    assert ann.refused(wire_type, session_id="x" * 60_000, **fields) == "no_such_game"


# ---------------------------------------------------------------- playing


def test_a_game_from_the_first_move_to_the_last(stage: Stage) -> None:
    ann, bob, session_id = two_players(stage)
    first = move(ann, session_id, 0)
    assert (first.player, first.action) == (Player(ann.id, "Ann"), {"cell": 0})
    assert first.state.board[0] == "X"
    assert (first.state.turn, first.status) == (Player(bob.id, "Bob"), "playing")
    assert bob.hears() == [first]
    for actor, cell in ((bob, 3), (ann, 1), (bob, 4)):
        move(actor, session_id, cell)
    last = move(ann, session_id, 2)
    assert (last.status, last.state.turn) == ("finished", None)
    assert (last.state.winner, last.state.draw) == (Player(ann.id, "Ann"), False)
    action = {"session_id": session_id, "action": {"cell": 8}}
    assert bob.refused("game_action", **action) == "game_finished"
    (eve,) = stage.cast("Eve")
    assert eve.refused("join_game_session", session_id=session_id) == "game_finished"
    watching = eve.does("join_game_session", session_id=session_id, **WATCH)
    assert watching.session.state.winner == Player(ann.id, "Ann")


def test_a_winner_keeps_the_victory_after_renaming_or_leaving(stage: Stage) -> None:
    ann, bob, session_id = two_players(stage)
    for actor, cell in ((ann, 0), (bob, 3), (ann, 1), (bob, 4), (ann, 2)):
        move(actor, session_id, cell)
    ann.does("set_username", username="Anna")
    (session,) = bob.does("list_game_sessions").sessions
    assert session.state.winner == session.host == Player(ann.id, "Anna")
    ann.does("leave_game_session", session_id=session_id)
    (session,) = bob.does("list_game_sessions").sessions[-1:]
    assert (session.state.winner, session.status) == (Player(ann.id, "Anna"), "finished")


def test_what_is_not_allowed_changes_nothing(stage: Stage) -> None:
    ann, bob, session_id = two_players(stage)
    eve, zoe = stage.cast("Eve", "Zoe")
    eve.does("join_game_session", session_id=session_id, **WATCH)
    move(ann, session_id, 4)
    before = ann.does("list_game_sessions").sessions

    def refused(actor: Actor, action: Any) -> str:
        return actor.refused("game_action", session_id=session_id, action=action)

    assert refused(ann, {"cell": 0}) == "not_your_turn"
    assert refused(bob, {"cell": 4}) == "illegal_action"
    assert refused(bob, {"cell": 9}) == "illegal_action"
    assert refused(bob, "cell 3") == "illegal_action"
    assert refused(bob, [[[]]] * 3_000) == "illegal_action"
    assert refused(eve, {"cell": 0}) == "not_a_player"
    assert refused(zoe, {"cell": 0}) == "not_in_game"
    assert ann.does("list_game_sessions").sessions == before
    assert move(bob, session_id, 0).state.board[0] == "O"


def test_nobody_plays_alone(stage: Stage) -> None:
    (ann,) = stage.cast("Ann")
    session_id = create(ann)
    action = {"session_id": session_id, "action": {"cell": 0}}
    assert ann.refused("game_action", **action) == "game_not_started"


def test_a_generic_game_relays_anything_from_one_player_on(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob")
    session_id = create(ann, "generic")
    ann.does("game_action", session_id=session_id, action={"roll": [1, 6]}, ref="1")
    bob.does("join_game_session", session_id=session_id)
    bob.hears()
    for action in ("text", 5, [None], {"a": {"b": 1.5}}):
        ann.does("game_action", session_id=session_id, action=action)
        (told,) = bob.hears()
        assert (told.action, told.status) == (action, "playing")
        assert (told.state.board, told.state.turn, told.state.winner) == (None, None, None)


def test_a_generic_game_has_as_many_places_as_it_was_given(stage: Stage) -> None:
    ann, bob, eve = stage.cast("Ann", "Bob", "Eve")
    session_id = create(ann, "generic", max_players=2, session_name="dice")
    bob.does("join_game_session", session_id=session_id)
    assert eve.refused("join_game_session", session_id=session_id) == "game_full"


# ---------------------------------------------------------------- leaving


def test_a_host_that_leaves_hands_over(stage: Stage) -> None:
    ann, bob, eve = stage.cast("Ann", "Bob", "Eve")
    session_id = create(ann, "generic")
    eve.does("join_game_session", session_id=session_id, **WATCH)
    bob.does("join_game_session", session_id=session_id)
    bob.hears()
    assert ann.does("leave_game_session", session_id=session_id, ref="1").ref == "1"
    (heard,) = bob.hears()
    assert (heard.player, heard.host) == (Player(ann.id, "Ann"), Player(bob.id, "Bob"))
    assert heard.players == (Player(bob.id, "Bob"),)
    assert ann.refused("leave_game_session", session_id=session_id) == "not_in_game"


def test_a_seat_left_in_the_middle_of_a_game_can_be_taken(stage: Stage) -> None:
    ann, bob, session_id = two_players(stage)
    move(ann, session_id, 4)
    bob.hears()
    ann.does("leave_game_session", session_id=session_id)
    (left,) = bob.hears()
    assert left.status == "waiting"
    action = {"session_id": session_id, "action": {"cell": 0}}
    assert bob.refused("game_action", **action) == "game_not_started"
    (eve,) = stage.cast("Eve")
    joined = eve.does("join_game_session", session_id=session_id)
    assert joined.session.status == "playing"
    assert joined.players == (Player(eve.id, "Eve"), Player(bob.id, "Bob")), "in order of seats"
    move(bob, session_id, 0)
    assert move(eve, session_id, 8).state.board == ("O", "", "", "", "X", "", "", "", "X")


def test_the_last_player_closes_the_session(stage: Stage) -> None:
    ann, eve = stage.cast("Ann", "Eve")
    session_id = create(ann)
    eve.does("join_game_session", session_id=session_id, **WATCH)
    eve.hears()
    left = ann.does("leave_game_session", session_id=session_id)
    assert (left.players, left.host) == ((), None)
    assert eve.types() == ["player_left_game", "game_session_closed"]
    assert eve.refused("leave_game_session", session_id=session_id) == "no_such_game"


def test_a_session_that_nobody_touches_is_closed_after_an_hour() -> None:
    stage = Stage(chat(idle_seconds=0), liveness=LIBRARY_PINGS)
    ann, bob, session_id = two_players(stage)
    stage.wait(UNTOUCHED_S - 1)
    move(ann, session_id, 4)
    stage.wait(UNTOUCHED_S - 1)
    for actor in (ann, bob):
        assert "game_session_closed" not in actor.types()
    stage.wait(1)
    closed = GameSessionClosed(session_id, "nobody did anything for 3,600 s")
    assert closed in ann.hears()
    assert closed in bob.hears()
    assert ann.does("list_game_sessions").sessions == ()


# ---------------------------------------------------------------- a game of one's own


class Nim(Game):
    """Take one to three of ten matches; who takes the last one wins."""

    name = "nim"

    def __init__(self) -> None:
        super().__init__()
        self.matches = 10

    @property
    def board(self) -> int:
        return self.matches

    def play(self, seat: int, action: object) -> None:
        if action not in (1, 2, 3):
            raise Refused("illegal_action", "take 1, 2 or 3")
        self.matches = max(0, self.matches - int(action))  # type: ignore[call-overload]
        self.winner = None if self.matches else seat
        self.turn = None if self.over else 1 - seat


def test_adding_a_game_is_one_class() -> None:
    numbers = iter(range(10))
    games = GameService(Limits(), lambda purpose: f"{next(numbers)}", {**GAMES, "nim": Nim})
    ann = Player("1", "Ann")
    games.receive(ann, CreateGameSession("nim"), 0, 0)
    with pytest.raises(Refused, match="needs 2 players"):
        games.receive(ann, GameAction("0", 3), 0, 0)


def test_the_service_of_the_chat_knows_the_games_of_the_table(monkeypatch: Any) -> None:
    monkeypatch.setitem(GAMES, "nim", Nim)
    stage = Stage(lambda: ChatService(secret=b"x" * 16))
    ann, bob, session_id = two_players(stage, "nim")
    assert ann.does("game_action", session_id=session_id, action=3).state.board == 7
    assert bob.refused("game_action", session_id=session_id, action=4) == "illegal_action"


class Misere(Nim):
    """Who takes the last one loses."""

    def play(self, seat: int, action: object) -> None:
        super().play(seat, action)
        self.winner = None if self.winner is None else 1 - seat


def test_the_game_says_who_has_won(monkeypatch: Any) -> None:
    monkeypatch.setitem(GAMES, "nim", Misere)
    stage = Stage(lambda: ChatService(secret=b"x" * 16))
    ann, bob, session_id = two_players(stage, "nim")
    for player, matches in ((ann, 3), (bob, 3), (ann, 3), (bob, 1)):
        told = player.does("game_action", session_id=session_id, action=matches)
    assert (told.status, told.state.turn) == ("finished", None)
    assert told.state.winner == Player(ann.id, "Ann")
