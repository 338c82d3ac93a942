"""What the client learns from messages, so that commands know where it is."""

from __future__ import annotations

import pytest

from netlab.chat_state import Ambiguous, Conversation
from netlab.core.json_codec import Json

PLAYER = '{"client_id": "me", "username": "Ada"}'
OTHER = '{"client_id": "other", "username": "Bob"}'
SESSION = (
    '{"session_id": "s1", "name": "n", "game_type": "connect-four", "status": "waiting", '
    f'"host": {PLAYER}, "players": [{PLAYER}], "max_players": 2, "spectators_count": 0, '
    '"created_at": "", "state": {"board": [], "turn": null, "winner": null, "draw": false}}'
)


def after(*lines: str) -> Conversation:
    """Return what is known after a welcome and these messages."""
    conversation = Conversation()
    welcome = (
        '{"type": "welcome", "client_id": "me", "username": "Ada", "secret": "x", "message": "", '
        '"server_time": ""}'
    )
    for line in (welcome, *lines):
        conversation.note(Json().decode_reply(line.encode()))
    return conversation


def joined(room: str) -> str:
    return f'{{"type": "room_joined", "room": "{room}", "members_count": 1, "message_history": []}}'


def left(room: str) -> str:
    return f'{{"type": "room_left", "room": "{room}"}}'


def test_text_goes_to_the_room_joined_last() -> None:
    assert after().room is None
    assert after(joined("a")).room == "a"
    assert after(joined("a"), joined("b")).room == "b"
    assert after(joined("a"), joined("b"), left("B")).room == "a"
    assert after(joined("a"), joined("b"), joined("A")).joined == ["b", "A"]
    assert after(joined("a"), left("a")).room is None


def test_the_game_is_the_one_entered_last_until_it_is_left() -> None:
    created = f'{{"type": "game_session_created", "session_id": "s1", "session": {SESSION}}}'
    enter = '{"type": "player_joined_game", "session_id": "s1", "player": %s, "players": [], '
    enter += f'"session": {SESSION}}}'
    leave = '{"type": "player_left_game", "session_id": "s1", "player": %s, "players": [], '
    leave += f'"host": {OTHER}, "status": "playing"}}'
    closed = '{"type": "game_session_closed", "session_id": "s1", "reason": "old"}'
    assert after(created).session_id == "s1"
    assert after(created).games == {"s1": "connect-four"}
    assert after(enter % PLAYER).session_id == "s1"
    assert after(enter % OTHER).session_id is None
    assert after(created, leave % OTHER).session_id == "s1"
    assert after(created, leave % PLAYER).session_id is None
    assert after(created, closed).session_id is None
    assert after(created, closed).games == {}


def test_users_are_those_heard_of_but_not_oneself() -> None:
    said = '{"type": "broadcast", "content": "", "from": "Bob", "from_id": "other"}'
    own = '{"type": "broadcast", "content": "", "from": "Ada", "from_id": "me"}'
    renamed = (
        '{"type": "user_renamed", "client_id": "other", "username": "Rob", "old_username": "Bob"}'
    )
    listed = '{"type": "client_list", "clients": [], "total": 0}'
    assert after(said, own).users == {"other": "Bob"}
    assert after(said, renamed).users == {"other": "Rob"}
    assert after(said, listed).users == {}


def test_rooms_are_those_listed_and_those_joined() -> None:
    listed = (
        '{"type": "room_list", "rooms": [{"name": "x", "members_count": 1, "created_at": "", '
        '"last_activity": ""}]}'
    )
    assert list(after(joined("a"), listed).rooms) == ["x", "a"]


def test_the_beginning_of_an_id_is_completed_if_it_is_long_enough_and_the_only_one() -> None:
    conversation = Conversation()
    conversation.users = {"aaaa1": "Bob", "aaaa2": "aaaa"}
    assert conversation.find_user("aaaa1") == "aaaa1"
    assert conversation.find_user("AAAA") == "AAAA"  # somebody's name
    assert conversation.find_user("aaa") == "aaa"
    del conversation.users["aaaa2"]
    assert conversation.find_user("aaaa") == "aaaa1"
    conversation.games = {"abcde": "generic", "abcdf": "generic"}
    with pytest.raises(Ambiguous):
        conversation.find_session("abcd")
