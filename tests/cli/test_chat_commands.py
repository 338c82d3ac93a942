"""What typed lines mean; nothing here needs a server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.chat_commands import COMMANDS, Ask, Do, Wrong, available, help_text
from netlab.chat_parse import candidates, parse_command
from netlab.chat_state import Conversation
from netlab.core.messages import make_request


def somewhere() -> Conversation:
    """Return a conversation in a room and in a game, with others in it."""
    conversation = Conversation()
    conversation.client_id = "me"
    conversation.joined = ["lobby", "tea"]
    conversation.rooms = dict.fromkeys(["lobby", "tea", "tea house"])
    conversation.users = {"abcd1234": "Ada", "abcd9876": "Bob", "ffff0000": "Charlie Brown"}
    conversation.games = {"99998888": "tic-tac-toe", "77776666": "connect-four", "5555": "generic"}
    conversation.session_id = "99998888"
    return conversation


@pytest.mark.parametrize(
    ("line", "wire_type", "fields"),
    [
        ("/username Ada", "set_username", {"username": "Ada"}),
        ("/username Ada Lovelace ", "set_username", {"username": "Ada Lovelace"}),
        ('/username "Ada"', "set_username", {"username": "Ada"}),
        ("/join r", "join_room", {"room": "r"}),
        ("/join r Ada Lovelace", "join_room", {"room": "r", "username": "Ada Lovelace"}),
        ('/join "my room" Ada', "join_room", {"room": "my room", "username": "Ada"}),
        (r'/join "a \"b\" \\"', "join_room", {"room": r'a "b" \\'[:-1]}),
        ("/JOIN Room", "join_room", {"room": "Room"}),
        ("/leave", "leave_room", {"room": "tea"}),
        ("/leave lobby", "leave_room", {"room": "lobby"}),
        ("/msg lobby  two words ", "room_message", {"room": "lobby", "content": "two words"}),
        ('/msg r "quoted"', "room_message", {"room": "r", "content": '"quoted"'}),
        ("/pm ada hi", "private_message", {"target": "ada", "content": "hi"}),
        ("/pm ffff hi", "private_message", {"target": "ffff0000", "content": "hi"}),
        ("/pm fff hi", "private_message", {"target": "fff", "content": "hi"}),
        ("/pm nobody hi", "private_message", {"target": "nobody", "content": "hi"}),
        ('/pm "Charlie Brown" hi', "private_message", {"target": "Charlie Brown", "content": "hi"}),
        ("/rooms", "list_rooms", {}),
        ("/users", "list_clients", {}),
        ("/clients", "list_clients", {}),
        ("/ping", "ping", {}),
        ("/typing", "typing_start", {"room": "tea"}),
        ("/games", "list_game_sessions", {}),
        ("/create generic", "create_game_session", {"game_type": "generic"}),
        ("/play 7777", "join_game_session", {"session_id": "77776666", "as": "player"}),
        ("/watch 7777", "join_game_session", {"session_id": "77776666", "as": "spectator"}),
        ("/move 4", "game_action", {"session_id": "99998888", "action": {"cell": 4}}),
        ('/move {"a": [1]}', "game_action", {"session_id": "99998888", "action": {"a": [1]}}),
        ("/move true", "game_action", {"session_id": "99998888", "action": True}),
        ("hello", "room_message", {"room": "tea", "content": "hello"}),
        ("  hello ", "room_message", {"room": "tea", "content": "  hello "}),
        ("//etc/passwd", "room_message", {"room": "tea", "content": "/etc/passwd"}),
        ("//", "room_message", {"room": "tea", "content": "/"}),
    ],
)
def test_what_is_sent(line: str, wire_type: str, fields: dict[str, Any]) -> None:
    assert parse_command(line, somewhere()) == Ask(wire_type, fields)
    make_request(wire_type, **fields)  # it is a request of the vocabulary


@pytest.mark.parametrize(
    ("game", "action"),
    [("99998888", {"cell": 3}), ("77776666", {"column": 3}), ("5555", 3), ("unheard of", 3)],
)
def test_a_number_is_the_move_that_the_game_understands(game: str, action: object) -> None:
    conversation = somewhere()
    conversation.session_id = game
    assert parse_command("/move 3", conversation) == Ask(
        "game_action", {"session_id": game, "action": action}
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("/", "no command is called /"),
        ("/ join", "no command is called /"),
        ("/joni r", "did you mean /join?"),
        ("/\x1b[2J", r"no command is called /\x1b[2J"),
        ("/join", "/join ROOM [USERNAME]: ROOM is missing"),
        ("/msg lobby", "/msg ROOM TEXT: TEXT is missing"),
        ("/pm", "/pm WHO TEXT: WHO and TEXT is missing"),
        ("/rooms now", "there is more after it than it takes: now"),
        ('/join "r', "ends with"),
        ('/username "Ada" Lovelace', "more after it than it takes"),
        ("/pm abcd hi", "several ids begin so: abcd1234, abcd9876"),
        ("/move", "ACTION is missing"),
        ("/move left", "left is no move: type a number"),
        ("/move NaN", "NaN is no move"),
        ("/move " + "[" * 100_000, "is no move"),
        ("\ud800", "no text"),
        ("/join \udcff", "no text"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(line: str, sentence: str) -> None:
    parsed = parse_command(line, somewhere())
    assert isinstance(parsed, Wrong)
    assert sentence in parsed.sentence


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("/leave", "you are in no room: /join ROOM enters one"),
        ("/typing", "you are in no room"),
        ("/move 1", "you are in no game: /create GAME opens one"),
    ],
)
def test_nowhere(line: str, sentence: str) -> None:
    parsed = parse_command(line, Conversation())
    assert isinstance(parsed, Wrong)
    assert sentence in parsed.sentence


def test_text_in_no_room_goes_to_everybody() -> None:
    assert parse_command("hi", Conversation()) == Ask("text", {"content": "hi"})


def test_what_is_done_here() -> None:
    for service in ("chat", "echo"):
        assert parse_command("/help", Conversation(service)) == Do("help")
        assert parse_command("/Quit", Conversation(service)) == Do("quit")
        assert parse_command(" ", Conversation(service)) == Do("nothing")


def test_the_echo_service_understands_text_help_and_quit() -> None:
    conversation = Conversation("echo")
    assert [command.name for command in available("echo")] == ["/help", "/quit"]
    assert parse_command("hi", conversation) == Ask("text", {"content": "hi"})
    assert isinstance(parse_command("two\nlines", conversation), Wrong)
    for command in COMMANDS:
        if "echo" not in command.services:
            parsed = parse_command(command.name, conversation)
            assert isinstance(parsed, Wrong)
            assert parsed.sentence.startswith(f"{command.name} is for the chat service")


def test_help_names_every_command() -> None:
    text = help_text("chat")
    assert all(command.usage in text for command in available("chat"))


# ---------------------------------------------------------------- completion


@pytest.mark.parametrize(
    ("before", "word", "found"),
    [
        ("", "", []),
        ("hello", "", []),
        ("/jo", "/jo", ["/join"]),
        ("/JO", "/JO", ["/join"]),
        ("/pm ", "", ["Ada", "Bob", '"Charlie Brown"']),
        ("/pm a", "a", ["Ada"]),
        ("/pm Ada ", "", []),
        ("/pm Ada b", "b", []),
        ("/join ", "", ["lobby", "tea", '"tea house"']),
        ('/join "tea h', '"tea h', ['"tea house"']),
        ("/join tea x", "x", []),
        ("/leave tea h", "tea h", ["tea house"]),
        ("/create ", "", ["tic-tac-toe", "connect-four", "generic"]),
        ("/play 7", "7", ["77776666"]),
        ("/rooms ", "", []),
        ("/nothing ", "", []),
    ],
)
def test_completion(before: str, word: str, found: list[str]) -> None:
    assert candidates(before, somewhere()) == (word, found)


def test_a_name_that_would_harm_is_not_offered() -> None:
    conversation = somewhere()
    conversation.users = {"x": "Ada\u202e", "y": "Bob"}
    assert candidates("/pm ", conversation) == ("", ["Bob"])


# ---------------------------------------------------------------- whatever is typed

SURROGATES_TOO = st.text(st.characters(exclude_categories=()))
LINES = st.one_of(
    SURROGATES_TOO,
    st.builds(lambda text: "/" + text, SURROGATES_TOO),
    st.builds(
        lambda command, text: f"{command.name}{text}",
        st.sampled_from(COMMANDS),
        st.one_of(SURROGATES_TOO, st.text(' "\\ab0{}[]:,')),
    ),
)


@settings(deadline=None)
@given(LINES, st.sampled_from([Conversation("chat"), Conversation("echo"), somewhere()]))
def test_every_line_means_something(line: str, conversation: Conversation) -> None:
    parsed = parse_command(line, conversation)
    if isinstance(parsed, Ask):
        make_request(parsed.type, **parsed.fields)
    if isinstance(parsed, Wrong):
        assert "\x1b" not in parsed.sentence
        assert "\n" not in parsed.sentence


@settings(deadline=None)
@given(LINES, st.sampled_from([Conversation("chat"), somewhere()]))
def test_completion_never_fails(line: str, conversation: Conversation) -> None:
    word, _ = candidates(line, conversation)
    assert line.endswith(word)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_two_slashes_send_one(text: str) -> None:
    parsed = parse_command("//" + text, Conversation())
    assert parsed == Ask("text", {"content": "/" + text.rstrip("\r\n")})
