"""Messages as lines for people; whatever came over the wire is harmless here.

`_RENDERERS` says how a type looks; a type that is not in it shows its fields.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import msgspec

from netlab.core.messages import AnyReply
from netlab.terminal import harmless

Fragments = list[tuple[str, str]]
"""pieces of text, each with its style: prompt_toolkit's formatted text"""

_COLOURS = ("ansired", "ansigreen", "ansiyellow", "ansiblue", "ansimagenta", "ansicyan")
_NOTE = "ansibrightblack"
_ID_SHOWN = 8
"""characters shown of an id: commands accept them for the whole"""
_NOT_SHOWN = {"type", "ref", "secret"}
_FIELD_SHOWN = 400
"""characters shown of a field that nothing better is known of"""


def render(message: AnyReply) -> str:
    """Return a message as text: a line, or several where it is a list."""
    return "".join(text for _, text in fragments(message))


def fragments(message: AnyReply) -> Fragments:
    """Return a message as styled text, each name in the colour that is always its own."""
    fields: dict[str, Any] = msgspec.to_builtins(message)
    try:
        return _RENDERERS.get(message.type, _anything)(fields)
    except KeyError:  # newer than this program
        return _anything(fields)


def colour(name: str) -> str:
    """Return the colour of a name: the same on every machine and every day."""
    return _COLOURS[zlib.crc32(name.casefold().encode()) % len(_COLOURS)]


# ---------------------------------------------------------------- pieces


def _name(name: str) -> tuple[str, str]:
    return colour(name), harmless(name)


def _plain(text: str) -> tuple[str, str]:
    return "", harmless(text)


def _note(text: str) -> tuple[str, str]:
    return _NOTE, text


def _short_id(full: str) -> str:
    return harmless(full[:_ID_SHOWN])


def _players(players: list[dict[str, Any]]) -> str:
    return ", ".join(harmless(player["username"]) for player in players)


# ---------------------------------------------------------------- types

_Fields = dict[str, Any]


def _anything(f: _Fields) -> Fragments:
    shown = [f"{harmless(k)}={_value(v)}" for k, v in f.items() if k not in _NOT_SHOWN]
    return [_note(f"{f['type']}:"), ("", " " + " ".join(shown))]


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    shown = harmless(text)
    return shown if len(shown) <= _FIELD_SHOWN else f"{shown[:_FIELD_SHOWN]}…"


def _said(before: str, key: str, after: str = "") -> Callable[[_Fields], Fragments]:
    def show(f: _Fields) -> Fragments:
        return [_note(before), _name(f[key]), _note(after), _plain(f": {f['content']}")]

    return show


def _room_message(f: _Fields) -> Fragments:
    return [_note(f"[{harmless(f['room'])}] "), _name(f["from"]), _plain(f": {f['content']}")]


def _happened(before: str, key: str, after: str, where: str = "") -> Callable[[_Fields], Fragments]:
    def show(f: _Fields) -> Fragments:
        tail = f" {harmless(f[where])}" if where else ""
        return [_note(before), _name(f[key]), _note(after + tail)]

    return show


def _room_joined(f: _Fields) -> Fragments:
    members = f["members_count"]
    lines = [_note(f"you are in {harmless(f['room'])}, with {members - 1} other(s)")]
    for said in f.get("message_history", []):
        lines += [("", "\n  "), *_room_message(said)]
    return lines


def _room_list(f: _Fields) -> Fragments:
    rooms = [f"\n  {harmless(room['name'])} ({room['members_count']})" for room in f["rooms"]]
    return [_note(f"{len(rooms)} room(s){_cut(f)}"), *(("", room) for room in rooms)]


def _client_list(f: _Fields) -> Fragments:
    lines = [_note(f"{f['total']} client(s){_cut(f)}")]
    for client in f["clients"]:
        rooms = harmless(", ".join(client["rooms"]))
        about = f" ({_short_id(client['client_id'])})" + (f" in {rooms}" if rooms else "")
        lines += [("", "\n  "), _name(client["username"]), _note(about)]
    return lines


def _game_list(f: _Fields) -> Fragments:
    lines = [_note(f"{len(f['sessions'])} game session(s){_cut(f)}")]
    for session in f["sessions"]:
        about = f"{session['game_type']}, {session['status']}: {_players(session['players'])}"
        lines.append(("", f"\n  {_short_id(session['session_id'])} {harmless(about)}"))
    return lines


def _game_created(f: _Fields) -> Fragments:
    game = harmless(f["session"]["game_type"])
    # In full: those it is told to have not heard of it, so their client cannot complete it.
    return [_note(f"your session of {game} is open: others /play {harmless(f['session_id'])}")]


def _player_joined(f: _Fields) -> Fragments:
    what = "watches" if f.get("as") == "spectator" else "plays"
    about = f" {what} in {_short_id(f['session_id'])} with: {_players(f['players'])}"
    return [_name(f["player"]["username"]), _note(about)]


def _game_action(f: _Fields) -> Fragments:
    lines = [_name(f["player"]["username"]), _plain(f" moves {_value(f['action'])}")]
    return [*lines, *_state(f["state"])]


def _state(state: dict[str, Any]) -> Fragments:
    board, lines = state.get("board"), []
    rows = list(board) if isinstance(board, list | tuple) else []
    if len(rows) == 9 and all(isinstance(cell, str) for cell in rows):  # tic-tac-toe, in one list
        rows = [rows[0:3], rows[3:6], rows[6:9]]
    if rows and all(isinstance(row, list | tuple) for row in rows):
        drawn = [" ".join(harmless(str(cell)) or "." for cell in row) for row in rows]
        lines += [("", f"\n  {row}") for row in drawn]
    if winner := state.get("winner"):
        lines += [_note("\n  won by "), _name(winner["username"])]
    elif state.get("draw"):
        lines.append(_note("\n  a draw"))
    elif turn := state.get("turn"):
        lines += [_note("\n  next: "), _name(turn["username"])]
    return lines


def _cut(f: _Fields) -> str:
    return ", the list is cut" if f.get("truncated") else ""


_RENDERERS: dict[str, Callable[[_Fields], Fragments]] = {
    "welcome": lambda f: [_note("you are "), _name(f["username"]), _plain(f": {f['message']}")],
    "username_set": _happened("you are now ", "username", ""),
    "user_renamed": lambda f: [
        _name(f["old_username"]),
        _note(" is now "),
        _name(f["username"]),
    ],
    "echo": lambda f: [_note("Echo: "), _plain(f["content"])],
    "broadcast": _said("", "from"),
    "room_message": _room_message,
    "private_message": _said("", "from", " to you"),
    "private_message_sent": _said("you to ", "to"),
    "room_joined": _room_joined,
    "room_left": lambda f: [_note(f"you left {harmless(f['room'])}")],
    "user_joined": _happened("", "username", " joined", "room"),
    "user_left": _happened("", "username", " left", "room"),
    "user_typing": _happened("", "username", " is typing in", "room"),
    "user_stop_typing": _happened("", "username", " stopped typing in", "room"),
    "room_list": _room_list,
    "client_list": _client_list,
    "pong": lambda f: [_note("pong: the server is there")],
    "game_session_created": _game_created,
    "game_session_list": _game_list,
    "player_joined_game": _player_joined,
    "game_action_broadcast": _game_action,
    "error": lambda f: [("ansired", "error "), _plain(f"{f['code']}: {f['message']}")],
    "closing": lambda f: [("ansired", "closing "), _plain(f"{f['code']}: {f['reason']}")],
}
