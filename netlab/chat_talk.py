"""A conversation as it goes: lines typed go out, messages that come are shown, until it ends.

Two or three threads see what happens: the client's reader, the terminal, the pipe. All put it into
one `Mailbox`, and `Talk` takes it out, one thing after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from netlab.chat_commands import Ask, Do, Wrong, help_text
from netlab.chat_mailbox import EndOfInput, Item, Lost, Mailbox, Typed
from netlab.chat_parse import parse_command
from netlab.chat_render import Fragments, fragments
from netlab.chat_state import Conversation
from netlab.core.errors import LocalProtocolError, Refused
from netlab.core.messages import AnyReply, Closing, Pong
from netlab.core.messages import Error as ErrorMessage
from netlab.transports.client import Client

ANSWER_S = 2.0
"""seconds of silence after which an answer is no longer waited for"""
BYE_S = 0.5
"""seconds that the last word to the server may take"""
_END_REF = "end-of-input"
# What must have been answered before the next line is read: it depends on the room or the game.
_ANSWERS = {
    "join_room": "room_joined",
    "leave_room": "room_left",
    "create_game_session": "game_session_created",
    "join_game_session": "player_joined_game",
}


@dataclass(frozen=True)
class Ending:
    """How it ended: a sentence, and the exit code of the command."""

    sentence: str
    exit_code: int = 0
    unheard: bool = False
    """the server has never said anything"""


QUIT = Ending("you ended the conversation")


class Talk:
    """Sends what is typed and shows what comes.

    Args:
        client: connected, its messages going to the mailbox (`listen`).
        conversation: what is known of it.
        mailbox: where lines and messages come from.
        show: shows lines to the user.
        complain: shows sentences about what the user typed.
    """

    def __init__(
        self,
        client: Client,
        conversation: Conversation,
        mailbox: Mailbox,
        show: Callable[[list[Fragments]], Awaitable[None]],
        complain: Callable[[str], Awaitable[None]],
    ) -> None:
        self._client = client
        self._conversation = conversation
        self._mailbox = mailbox
        self._show = show
        self._complain = complain
        self._typed: deque[Typed | EndOfInput] = deque()
        self._awaited: str | None = None  # the request that the next line has to wait for
        self._unanswered = 0  # texts that the echo service owes an answer
        self._at_end = False
        self._heard = False

    async def run(self) -> Ending:
        """Go on until the user or the server ends it."""
        while True:
            waits = self._at_end or self._awaited is not None
            items = await asyncio.to_thread(self._mailbox.take, ANSWER_S if waits else None)
            if not items and waits:
                self._awaited = None
                if self._at_end:
                    return self._unanswered_ending()
            lost = await self._take(items)
            if lost is not None and not (self._at_end and self._had_all()):
                return Ending(lost.reason, 1, not self._heard)
            while self._typed and self._awaited is None and lost is None:
                if await self._do_typed(self._typed.popleft()):
                    return QUIT
            if self._at_end and (lost is not None or not self._unanswered):
                return QUIT

    async def _take(self, items: list[Item]) -> Lost | None:
        lines: list[Fragments] = []
        lost = None
        for item in items:
            match item:
                case Typed() | EndOfInput():
                    self._typed.append(item)
                case Lost():
                    lost = lost or item
                case Closing():
                    self._heard = True  # `Lost` follows, and says it
                case _:
                    self._note(item)
                    if not _is_to_the_end(item):
                        lines.append(fragments(item))
        if lines:
            await self._show(lines)
        return lost

    def _had_all(self) -> bool:
        """Whether a server that is gone at the end of the input may have answered everything."""
        return self._heard or (self._conversation.service == "echo" and not self._unanswered)

    def _note(self, message: AnyReply) -> None:
        self._heard = True
        self._conversation.note(message)
        is_refusal = isinstance(message, ErrorMessage)
        if self._awaited is not None and (
            message.type == _ANSWERS[self._awaited]
            or (isinstance(message, ErrorMessage) and message.in_reply_to == self._awaited)
        ):
            self._awaited = None
        if _is_to_the_end(message) or (
            self._conversation.service == "echo" and (message.type == "echo" or is_refusal)
        ):
            self._unanswered = max(0, self._unanswered - 1)

    async def _do_typed(self, typed: Typed | EndOfInput) -> bool:
        """Do what a line says; return whether it ends the conversation."""
        if isinstance(typed, EndOfInput):
            self._at_end = True
            if self._conversation.service == "chat":
                # Answers come in the order of the requests: after this one, all have come.
                self._unanswered += 1
                await self._send("ping", {"ref": _END_REF})
            return False
        match parse_command(typed.line, self._conversation):
            case Ask(wire_type, fields):
                await self._send(wire_type, fields)
            case Do("help"):
                text = help_text(self._conversation.service)
                await self._show([[("", line)] for line in text.split("\n")])
            case Do("quit"):
                return True
            case Wrong(sentence):
                await self._complain(sentence)
        return False

    async def _send(self, wire_type: str, fields: dict[str, object]) -> None:
        try:
            # In a thread: a server that does not read must not keep us from seeing Ctrl-C.
            await asyncio.to_thread(self._client.send, wire_type, **fields)
        except (LocalProtocolError, Refused) as error:
            await self._complain(f"not sent: {error}")
        except OSError as error:  # `Lost` follows, if it did not come before
            await self._complain(str(error))
        else:
            if wire_type in _ANSWERS:
                self._awaited = wire_type
            if self._conversation.service == "echo":
                self._unanswered += 1

    def _unanswered_ending(self) -> Ending:
        if not self._unanswered:
            return QUIT
        return Ending(f"{QUIT.sentence}; not everything was answered within {ANSWER_S:g} s")


async def say_bye(client: Client, conversation: Conversation) -> None:
    """Tell a chat that we do not come back, so that nobody's game waits for us."""
    if conversation.service == "chat":
        with contextlib.suppress(OSError):  # TimeoutError is one
            async with asyncio.timeout(BYE_S):
                await asyncio.to_thread(client.send, "bye")


def _is_to_the_end(message: AnyReply) -> bool:
    return (isinstance(message, Pong) and message.ref == _END_REF) or (
        isinstance(message, ErrorMessage) and message.in_reply_to == _END_REF
    )
