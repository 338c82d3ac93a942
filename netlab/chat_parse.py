"""From a typed line to what it means, and from half a line to what it could become."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from netlab.chat_commands import (
    BY_NAME,
    Arguments,
    Ask,
    Command,
    Do,
    Parsed,
    Wrong,
    available,
)
from netlab.chat_state import Ambiguous, Conversation
from netlab.core.games import GAMES
from netlab.terminal import harmless

_KNOWN: dict[str, Callable[[Conversation], list[str]]] = {
    "ROOM": lambda conversation: list(conversation.rooms),
    "WHO": lambda conversation: list(conversation.users.values()),
    "SESSION": lambda conversation: list(conversation.games),
    "GAME": lambda conversation: list(GAMES),
}
_VERBATIM = {"TEXT", "ACTION"}
"""parameters in which a quotation mark is a character like others"""


def parse_command(line: str, conversation: Conversation) -> Parsed:
    """Return what a typed line means at this point of the conversation. Never raises."""
    line = line.rstrip("\r\n")
    if not _is_text(line):
        return Wrong("that is no text that can be sent (half a character): type it again")
    if conversation.service == "echo" and "\n" in line:
        return Wrong("a line cannot contain a newline: send one line at a time")
    if not line.strip():
        return Do("nothing")
    if not line.startswith("/") or line.startswith("//"):
        return _text(line.removeprefix("/") if line.startswith("/") else line, conversation)
    name, _, rest = re.sub(r"\s", " ", line, count=1).partition(" ")
    command = BY_NAME.get(name.lower())
    if command is None:
        return _unknown(name, conversation)
    if conversation.service not in command.services:
        understood = ", ".join(c.name for c in available(conversation.service))
        return Wrong(
            f"{command.name} is for the chat service; the {conversation.service} service "
            f"understands text, {understood}"
        )
    arguments = _read_arguments(command, rest.strip())
    if isinstance(arguments, Wrong):
        return arguments
    try:
        return command.build(arguments, conversation)
    except Ambiguous as error:
        return Wrong(f"several ids begin so: {', '.join(error.args)}; type more of it")


def candidates(before_cursor: str, conversation: Conversation) -> tuple[str, list[str]]:
    """Return the word being typed, and what could stand there instead of it."""
    if not before_cursor.startswith("/"):
        return "", []
    name, space, word = before_cursor.partition(" ")
    if not space:
        options = [command.name for command in available(conversation.service)]
        return name, [option for option in options if option.startswith(name.lower())]
    command = BY_NAME.get(name.lower())
    if command is None or not command.parameters:
        return word, []
    parameters = iter(command.parameters)
    parameter = next(parameters)
    while finished := re.match(r'\s*("(?:\\.|[^"\\])*"|[^\s"]\S*)\s+', word):
        following = next(parameters, None)
        if following is None:
            break  # the last parameter takes all the rest
        parameter, word = following, word[finished.end() :]
    word = word.lstrip()
    is_last = next(parameters, None) is None
    beginning = word.strip('"').casefold()
    known = _KNOWN[parameter](conversation) if parameter in _KNOWN else []
    found = [n for n in known if n.casefold().startswith(beginning) and harmless(n) == n]
    return word, [n if is_last else _quoted(n) for n in found]


def _text(content: str, conversation: Conversation) -> Parsed:
    if conversation.room is None:
        return Ask("text", {"content": content})
    return Ask("room_message", {"room": conversation.room, "content": content})


def _read_arguments(command: Command, rest: str) -> Arguments | Wrong:
    arguments: Arguments = {}
    for number, parameter in enumerate(command.parameters, 1):
        if not rest:
            break
        is_last = number == len(command.parameters)
        if parameter not in _VERBATIM and rest.startswith('"'):
            found = re.match(r'"((?:\\.|[^"\\])*)"(?:\s+|$)', rest, re.DOTALL)
            if found is None:
                return Wrong(f'{command.usage}: a name in quotation marks ends with " and a space')
            arguments[parameter] = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
            rest = rest[found.end() :]
        elif is_last:
            arguments[parameter], rest = rest, ""
        else:
            arguments[parameter], rest = [*rest.split(None, 1), ""][:2]
    if rest:
        return Wrong(f"{command.usage}: there is more after it than it takes: {harmless(rest)}")
    if len(arguments) < command.required:
        missing = " and ".join(command.parameters[len(arguments) : command.required])
        return Wrong(f"{command.usage}: {missing} is missing")
    return arguments


def _quoted(name: str) -> str:
    if not re.search(r'[\s"]', name):
        return name
    escaped = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{escaped}"'


def _unknown(name: str, conversation: Conversation) -> Wrong:
    names = [command.name for command in available(conversation.service)]
    close = difflib.get_close_matches(name.lower()[:40], names, n=1)
    hint = f"did you mean {close[0]}?" if close else "/help lists the commands;"
    return Wrong(
        f"no command is called {harmless(name)}: {hint} "
        "text that begins with / is typed with two, as in //"
    )


def _is_text(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True
