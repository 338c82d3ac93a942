"""The chat, told over every transport: the same stories, the same endings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.errors import ConnectionEnded, RemoteError
from netlab.core.service import Limits
from tests.transports.harness import CHATS, SECURED, Transport

pytestmark = pytest.mark.parametrize("transport", [*CHATS, *SECURED], ids=lambda t: t.name)

PATIENCE_S = 10.0


@dataclass
class Stage:
    """A server, and people who come and go."""

    transport: Transport
    server: Any
    stack: ExitStack = field(default_factory=ExitStack)

    def enter(self, name: str, *rooms: str) -> Any:
        """Let somebody connect, take a name and join rooms."""
        person = self.stack.enter_context(self.transport.connect(self.server, "chat"))
        person.welcome = person.wait_for("welcome", PATIENCE_S)
        person.id = person.welcome.client_id
        person.send("set_username", username=name)
        person.wait_for("username_set", PATIENCE_S)
        for room in rooms:
            person.send("join_room", room=room)
            person.wait_for("room_joined", PATIENCE_S)
        return person


@pytest.fixture
def stage(transport: Transport) -> Iterator[Stage]:
    with transport.serve_lesson(ChatService) as server:
        stage = Stage(transport, server)
        with stage.stack:
            yield stage


def heard(person: Any, kind: str) -> Any:
    return person.wait_for(kind, PATIENCE_S)


def refused(person: Any, kind: str, **fields: Any) -> RemoteError:
    """Send what must be refused; return how it was."""
    person.send(kind, **fields)
    with pytest.raises(RemoteError) as caught:
        person.wait_for("pong", PATIENCE_S)
    return caught.value


def types_of(person: Any) -> list[str]:
    """Everything a person heard up to now: an answer to `ping` comes after all that was sent."""
    person.send("ping")
    heard(person, "pong")
    return [message.type for message in person.messages]


# ---------------------------------------------------------------- arriving


def test_everybody_is_welcomed(stage: Stage) -> None:
    person = stage.stack.enter_context(stage.transport.connect(stage.server, "chat"))
    welcome = heard(person, "welcome")
    assert welcome.username == f"User_{welcome.client_id[:8]}"
    assert welcome.server_time.endswith("Z")
    assert welcome.secret != welcome.client_id


def test_names_are_unique_and_compared_casefolded(stage: Stage) -> None:
    stage.enter("Straße")
    ben = stage.enter("Ben")
    error = refused(ben, "set_username", username="  STRASSE ")
    assert error.code == "name_taken"
    assert refused(ben, "set_username", username="x" * 33).in_reply_to == "set_username"
    ben.send("set_username", username="Benjamin")
    assert heard(ben, "username_set").username == "Benjamin"


def test_a_new_name_is_told_where_one_is_known(stage: Stage) -> None:
    ann, ben = stage.enter("Ann", "lobby"), stage.enter("Ben", "lobby")
    eve = stage.enter("Eve", "elsewhere")
    ann.send("set_username", username="Anna")
    renamed = heard(ben, "user_renamed")
    assert (renamed.old_username, renamed.username) == ("Ann", "Anna")
    assert renamed.client_id == ann.id
    assert "user_renamed" not in types_of(eve)


# ---------------------------------------------------------------- rooms


def test_join_talk_leave(stage: Stage) -> None:
    ann = stage.enter("Ann", "lobby")
    ben = stage.enter("Ben", "lobby")
    assert heard(ann, "user_joined").username == "Ben"
    for speaker, listener, content in ((ann, ben, "hello"), (ben, ann, "hello yourself ☕")):
        speaker.send("room_message", room="lobby", content=content)
        own, others = heard(speaker, "room_message"), heard(listener, "room_message")
        assert own.content == others.content == content
        assert own.id == others.id
        assert others.from_id == speaker.id
    ben.send("leave_room", room="lobby")
    assert heard(ben, "room_left").room == "lobby"
    assert heard(ann, "user_left").client_id == ben.id
    assert refused(ben, "room_message", room="lobby", content="me again").code == "not_a_member"


def test_outsiders_hear_nothing_and_can_do_nothing(stage: Stage) -> None:
    ann, eve = stage.enter("Ann", "lobby"), stage.enter("Eve")
    ann.send("room_message", room="lobby", content="between us")
    heard(ann, "room_message")
    for kind, fields in (
        ("room_message", {"content": "let me in"}),
        ("typing_start", {}),
        ("leave_room", {}),
    ):
        assert refused(eve, kind, room="lobby", **fields).code in ("not_a_member", "unknown_room")
    assert "room_message" not in types_of(eve)
    assert types_of(ann).count("room_message") == 1


def test_joining_twice_is_one_membership(stage: Stage) -> None:
    ann, ben = stage.enter("Ann", "lobby"), stage.enter("Ben", "lobby")
    ben.send("join_room", room="lobby")
    assert heard(ben, "room_joined").members_count == 2
    ann.send("room_message", room="lobby", content="once")
    heard(ann, "room_message")
    assert types_of(ben).count("room_message") == 1
    assert types_of(ann).count("user_joined") == 1


def test_who_comes_late_gets_the_last_fifty(stage: Stage) -> None:
    ann = stage.enter("Ann", "lobby")
    for number in range(60):
        ann.send("room_message", room="lobby", content=f"{number}")
        heard(ann, "room_message")
    ben = stage.enter("Ben")
    ben.send("join_room", room="lobby")
    history = heard(ben, "room_joined").message_history
    assert [message.content for message in history] == [str(n) for n in range(10, 60)]


def test_typing_is_told_to_the_others(stage: Stage) -> None:
    ann, ben = stage.enter("Ann", "lobby"), stage.enter("Ben", "lobby")
    ann.send("typing_start", room="lobby")
    assert heard(ben, "user_typing").client_id == ann.id
    ann.send("typing_stop", room="lobby")
    assert heard(ben, "user_stop_typing").username == "Ann"
    assert "user_typing" not in types_of(ann)


def test_lists(stage: Stage) -> None:
    ann, ben = stage.enter("Ann", "lobby", "attic"), stage.enter("Ben", "lobby")
    ben.send("list_rooms")
    rooms = {room.name: room.members_count for room in heard(ben, "room_list").rooms}
    assert rooms == {"lobby": 2, "attic": 1}
    ann.send("list_clients")
    listed = heard(ann, "client_list")
    assert listed.total == 2
    assert {(c.client_id, c.username, c.rooms) for c in listed.clients} == {
        (ann.id, "Ann", ("lobby", "attic")),
        (ben.id, "Ben", ("lobby",)),
    }


def test_a_vanished_member_is_missed_everywhere(stage: Stage) -> None:
    ann = stage.enter("Ann", "lobby", "attic")
    ben = stage.enter("Ben", "lobby", "attic")
    ben.close()
    assert {heard(ann, "user_left").room, heard(ann, "user_left").room} == {"lobby", "attic"}
    ann.send("list_clients")
    assert heard(ann, "client_list").total == 1


# ---------------------------------------------------------------- private words


def test_private_messages_reach_one_person(stage: Stage) -> None:
    ann, ben, eve = (stage.enter(name, "lobby") for name in ("Ann", "Ben", "Eve"))
    for target in (ben.id, "ben"):
        ann.send("private_message", target=target, content="psst")
        sent, came = heard(ann, "private_message_sent"), heard(ben, "private_message")
        assert sent.id == came.id
        assert (sent.to, sent.to_id) == ("Ben", ben.id)
        assert (came.sender, came.from_id, came.content) == ("Ann", ann.id, "psst")
    assert "private_message" not in types_of(eve)


def test_a_private_message_to_nobody_is_an_error(stage: Stage) -> None:
    ann = stage.enter("Ann")
    error = refused(ann, "private_message", target="ghost", content="are you there?")
    assert "ghost" in str(error)
    assert "private_message_sent" not in types_of(ann)


# ---------------------------------------------------------------- manners


def test_text_goes_to_everybody(stage: Stage) -> None:
    ann, ben = stage.enter("Ann"), stage.enter("Ben")
    ann.say("to whom it may concern")
    assert heard(ann, "echo").content == "to whom it may concern"
    came = heard(ben, "broadcast")
    assert (came.sender, came.from_id) == ("Ann", ann.id)


def test_ref_comes_back(stage: Stage) -> None:
    ann = stage.enter("Ann", "lobby")
    ben = stage.enter("Ben", "lobby")
    ann.send("room_message", room="lobby", content="x", ref="my mark")
    assert heard(ann, "room_message").ref == "my mark"
    assert heard(ben, "room_message").ref is None
    error = refused(ann, "leave_room", room="nowhere", ref="another")
    assert error.in_reply_to == "another"


def test_too_much_content_is_refused_and_the_rest_goes_on(stage: Stage) -> None:
    ann, ben = stage.enter("Ann", "lobby"), stage.enter("Ben", "lobby")
    assert refused(ann, "room_message", room="lobby", content="é" * 2049).in_reply_to
    ann.send("room_message", room="lobby", content="é" * 2048)
    assert heard(ben, "room_message").content == "é" * 2048


def test_bye(stage: Stage) -> None:
    ann, ben = stage.enter("Ann", "lobby"), stage.enter("Ben", "lobby")
    ben.send("bye")
    assert heard(ben, "closing").code == "bye"
    assert "bye" in ben.wait_ended(PATIENCE_S)
    assert heard(ann, "user_left").client_id == ben.id
    with pytest.raises(ConnectionEnded):
        ben.say("one more thing")


def test_a_full_server_says_so(transport: Transport) -> None:
    server = transport.serve_lesson(ChatService, limits=Limits(max_clients=1))
    with server, transport.connect(server, "chat") as ann:
        heard(ann, "welcome")
        with pytest.raises(ConnectionEnded, match="places are taken"):  # noqa: SIM117
            with transport.connect(server, "chat") as ben:
                heard(ben, "welcome")
        ann.say("still here")
        heard(ann, "echo")


def test_a_stopping_server_says_goodbye(stage: Stage) -> None:
    ann = stage.enter("Ann", "lobby")
    stage.server.stop()
    assert "server_stopping" in ann.wait_ended(PATIENCE_S)


# ---------------------------------------------------------------- games


def play(person: Any, session: str, action: Any) -> None:
    person.send("game_action", session_id=session, action=action)


def start_game(stage: Stage, game_type: str, *people: Any) -> str:
    host, *others = people
    host.send("create_game_session", game_type=game_type)
    session: str = heard(host, "game_session_created").session_id
    for other in others:
        other.send("join_game_session", session_id=session)
        for person in people[: people.index(other) + 1]:
            heard(person, "player_joined_game")
    return session


def test_a_game_with_illegal_moves_and_a_spectator(stage: Stage) -> None:
    ann, ben, eve = (stage.enter(name) for name in ("Ann", "Ben", "Eve"))
    session = start_game(stage, "tic-tac-toe", ann, ben)
    eve.send("join_game_session", session_id=session, **{"as": "spectator"})
    heard(eve, "player_joined_game")

    def move(person: Any, cell: int) -> Any:
        play(person, session, {"cell": cell})
        states = [heard(one, "game_action_broadcast").state for one in (ann, ben, eve)]
        assert states[0] == states[1] == states[2]
        return states[0]

    play(ben, session, {"cell": 0})  # it is Ann's turn
    with pytest.raises(RemoteError, match="turn"):
        heard(ben, "game_action_broadcast")
    move(ann, 0)
    for wrong in ({"cell": 0}, {"cell": 9}, {"cell": "x"}, {}, 5, None):
        play(ben, session, wrong)
        with pytest.raises(RemoteError):
            heard(ben, "game_action_broadcast")
    play(eve, session, {"cell": 1})  # spectators watch
    with pytest.raises(RemoteError):
        heard(eve, "game_action_broadcast")
    for person, cell in ((ben, 3), (ann, 1), (ben, 4)):
        move(person, cell)
    final = move(ann, 2)
    assert final.winner.username == "Ann"
    assert not final.draw
    play(ben, session, {"cell": 8})
    with pytest.raises(RemoteError):
        heard(ben, "game_action_broadcast")


def test_four_in_a_column(stage: Stage) -> None:
    ann, ben = stage.enter("Ann"), stage.enter("Ben")
    session = start_game(stage, "connect-four", ann, ben)
    for person, column in ((ann, 3), (ben, 4)) * 3 + ((ann, 3),):
        play(person, session, {"column": column})
        _, last = heard(ann, "game_action_broadcast"), heard(ben, "game_action_broadcast")
    assert last.state.winner.client_id == ann.id
    assert last.status == "finished"


def test_any_action_is_relayed_in_a_generic_game(stage: Stage) -> None:
    ann, ben = stage.enter("Ann"), stage.enter("Ben")
    session = start_game(stage, "generic", ann, ben)
    for action in ({"roll": [1, 6]}, "pass", 5, None, ["a"]):
        play(ben, session, action)
        assert heard(ann, "game_action_broadcast").action == action


def test_a_host_who_leaves_hands_over(stage: Stage) -> None:
    ann, ben = stage.enter("Ann"), stage.enter("Ben")
    session = start_game(stage, "generic", ann, ben)
    ann.send("leave_game_session", session_id=session)
    left = heard(ben, "player_left_game")
    assert left.player.username == "Ann"
    assert left.host.username == "Ben"


def test_games_are_listed_and_full_is_full(stage: Stage) -> None:
    ann, ben, eve = (stage.enter(name) for name in ("Ann", "Ben", "Eve"))
    session = start_game(stage, "tic-tac-toe", ann, ben)
    eve.send("list_game_sessions")
    (listed,) = heard(eve, "game_session_list").sessions
    assert (listed.session_id, listed.status) == (session, "playing")
    assert refused(eve, "join_game_session", session_id=session).in_reply_to
    assert refused(eve, "join_game_session", session_id="guess").in_reply_to


def test_who_vanishes_keeps_the_seat_and_comes_back(stage: Stage) -> None:
    ann, ben = stage.enter("Ann", "lobby"), stage.enter("Ben", "lobby")
    session = start_game(stage, "tic-tac-toe", ann, ben)
    play(ann, session, {"cell": 4})
    for person in (ann, ben):
        heard(person, "game_action_broadcast")
    secret = ben.welcome.secret
    if stage.transport.has_connections:
        ben.close()
        assert heard(ann, "player_away").player.username == "Ben"
    # Nothing tells a UDP server that somebody is gone: there the newcomer is the first to do so.
    again = stage.stack.enter_context(stage.transport.connect(stage.server, "chat"))
    heard(again, "welcome")
    again.send("hello", resume=secret)
    welcome = heard(again, "welcome")
    assert (welcome.username, welcome.resumed) == ("Ben", True)
    assert heard(ann, "player_back").player.username == "Ben"
    play(again, session, {"cell": 0})
    assert heard(ann, "game_action_broadcast").player.username == "Ben"


def test_coming_back_while_still_there_replaces(stage: Stage) -> None:
    ann = stage.enter("Ann", "lobby")
    again = stage.stack.enter_context(stage.transport.connect(stage.server, "chat"))
    heard(again, "welcome")
    again.send("hello", resume=ann.welcome.secret)
    assert heard(again, "welcome").username == "Ann"
    assert heard(ann, "closing").code == "replaced"
    again.send("room_message", room="lobby", content="it is me")
    assert heard(again, "room_message").sender == "Ann"
