"""The client without a terminal: lines come from stdin, messages go to stdout, one a line.

When the input has ended, it waits until what was sent is answered, or the server closes, or
nothing has come for two seconds; then it quits.
"""

from __future__ import annotations

import os
import sys
import threading

from netlab.chat_mailbox import EndOfInput, Mailbox, Typed
from netlab.chat_render import Fragments
from netlab.chat_state import Conversation
from netlab.chat_talk import Ending, Talk, say_bye
from netlab.core.errors import RemoteProtocolError
from netlab.core.framing import LineReader, decode_text
from netlab.terminal import complain, say
from netlab.transports.client import Client

READ_BYTES = 65_536
MAX_LINE_BYTES = 1_048_576


async def talk_through_pipes(
    client: Client, conversation: Conversation, mailbox: Mailbox
) -> Ending:
    """Send what comes on stdin until one side ends it."""

    async def show(lines: list[Fragments]) -> None:
        for line in lines:
            say("".join(text for _, text in line))

    async def complain_of_input(sentence: str) -> None:
        complain(f"netlab chat: {sentence}")

    # A daemon: nothing can wake a thread that waits for a pipe, and the end must not wait for it.
    threading.Thread(
        target=_read_stdin, args=[mailbox], name="netlab-chat-stdin", daemon=True
    ).start()
    try:
        ending = await Talk(client, conversation, mailbox, show, complain_of_input).run()
        if ending.exit_code == 0:
            await say_bye(client, conversation)
        return ending
    finally:
        mailbox.close()
        client.close()


def _read_stdin(mailbox: Mailbox) -> None:
    """Put lines into the mailbox; a last one without its newline is one, too."""
    fd = sys.stdin.fileno()
    lines = LineReader(MAX_LINE_BYTES)
    last = b"\n"
    try:
        # Not sys.stdin.read: its lock, held while it waits, would trouble Python's end.
        while data := os.read(fd, READ_BYTES):
            last = data
            _put(lines.feed(data), mailbox)
    except OSError as error:
        complain(f"netlab chat: cannot read stdin: {error.strerror}")
    if not last.endswith(b"\n"):
        _put(lines.feed(b"\n"), mailbox)
    mailbox.put(EndOfInput())


def _put(frames: list[bytes | RemoteProtocolError], mailbox: Mailbox) -> None:
    for frame in frames:
        if isinstance(frame, RemoteProtocolError):
            complain(f"netlab chat: a line was not sent: {frame}")
            continue
        try:
            mailbox.put(Typed(decode_text(frame)))
        except RemoteProtocolError as error:
            complain(f"netlab chat: a line was not sent: {error}")
