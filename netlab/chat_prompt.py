"""The client at a terminal: a prompt with completion, and above it what others say."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import default_ui_style

from netlab.chat_commands import Do
from netlab.chat_mailbox import Mailbox, Typed
from netlab.chat_parse import candidates, parse_command
from netlab.chat_render import Fragments
from netlab.chat_state import Conversation
from netlab.chat_talk import QUIT, Ending, Talk, say_bye
from netlab.terminal import harmless
from netlab.transports.client import Client


async def talk_at_a_terminal(
    client: Client, conversation: Conversation, mailbox: Mailbox
) -> Ending:
    """Let the user talk until one side ends it."""
    output = _output()
    style = default_ui_style()

    async def show(lines: list[Fragments]) -> None:
        def write() -> None:
            for line in lines:
                print_formatted_text(output, FormattedText([*line, ("", "\n")]), style)

        await run_in_terminal(write)

    async def complain(sentence: str) -> None:
        await show([[("ansired", sentence)]])

    session: PromptSession[str] = PromptSession(
        output=output,
        completer=_Completer(conversation),
        complete_while_typing=False,  # Tab asks for it
    )
    talk = Talk(client, conversation, mailbox, show, complain)
    with patch_stdout():
        listening = asyncio.create_task(talk.run())
        asking = asyncio.create_task(_ask(session, conversation, mailbox))
        try:
            await asyncio.wait({listening, asking}, return_when=asyncio.FIRST_COMPLETED)
            ending = (listening if listening.done() else asking).result()
            if ending == QUIT:
                await say_bye(client, conversation)
            return ending
        finally:
            mailbox.close()
            client.close()  # wakes a thread that is stuck in sending
            for task in (listening, asking):
                task.cancel()
            await asyncio.wait({listening, asking})


async def _ask(session: PromptSession[str], conversation: Conversation, mailbox: Mailbox) -> Ending:
    """Put what is typed into the mailbox until the user has had enough."""
    while True:
        try:
            text = await session.prompt_async(lambda: _prompt(conversation))
        except (EOFError, KeyboardInterrupt):
            return QUIT
        for line in text.split("\n"):  # a paste may bring several
            mailbox.put(Typed(line), wait=False)
            if parse_command(line, conversation) == Do("quit"):
                # Only once what was typed before is sent; and no prompt is wanted any more.
                await asyncio.Event().wait()


def _prompt(conversation: Conversation) -> str:
    return f"{harmless(conversation.room or '')}> "


def _output() -> Output:
    output = create_output(stdout=sys.stdout)
    if isinstance(output, Vt100_Output):
        # Asking the terminal where its cursor is buys little, and a terminal that does not answer
        # would hold up the end by a second.
        output.enable_cpr = False
    return output


class _Completer(Completer):
    """Completes commands, and the rooms, users and games that were heard of."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Yield what could stand at the cursor."""
        word, found = candidates(document.text_before_cursor, self._conversation)
        for text in found:
            yield Completion(text, start_position=-len(word))
