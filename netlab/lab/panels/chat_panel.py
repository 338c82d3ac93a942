"""The chat panel: several users of one chat side by side, as each of them sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from netlab.lab.panels.chat_column import Column
from netlab.lab.panels.panel import Panel
from netlab.lab.panels.parts import row
from netlab.lab.panels.peer import AnyClient, Source, peers_of

EVERY_S = 0.05
MAX_USERS = 6


def chat(
    users: Mapping[str, Source] | Callable[[], AnyClient],
    names: Sequence[str] | None = None,
    *,
    room: str | None = None,
) -> ChatPanel:
    """Show a chat with several users side by side. Each is given its name in the chat.

        panels.chat({"alice": alice, "bob": bob})
        panels.chat(lambda: TCPClient(server.address), names=("alice", "bob"), room="lobby")

    Args:
        users: name -> a blocking client, connected or not, or a function that makes one; or such a
            function for all `names`. What it makes the panel closes, and makes again to reconnect.
        names: names of the users, where `users` is a function.
        room: a room that all of them join at once.

    Raises:
        TypeError, ValueError: `users` is none of these, or there are more than six.
    """
    return ChatPanel(users, names, room=room)


class ChatPanel(Panel):
    """Made by `chat`. It sends requests of its own: names, lists, and who is typing."""

    def __init__(
        self,
        users: Mapping[str, Source] | Callable[[], AnyClient],
        names: Sequence[str] | None = None,
        *,
        room: str | None = None,
    ) -> None:
        peers = peers_of(users, names)
        if len(peers) > MAX_USERS:
            raise ValueError(f"{len(peers)} users, but there is room for {MAX_USERS} side by side")
        people = " and ".join([", ".join(peer.name for peer in peers[:-1]), peers[-1].name])
        super().__init__(f"Chat: {people.removeprefix(' and ')}", "chat", EVERY_S)
        self.columns = {peer.name: Column(peer, room, self._do, self._do_too) for peer in peers}
        for column in self.columns.values():
            self._ends.callback(column.end)
            self._do(column.connect)
        self._begin(row("np-columns", *(column.box for column in self.columns.values())))

    # ------------------------------------------------------------ what a cell can do

    def say(self, user: str, text: str, *, to: str | None = None) -> None:
        """Let a user say something: to a room or, privately, to somebody; else to its own room."""
        column = self._column(user)
        self._do(column.send, text, column.target(to))

    def join(self, user: str, room: str) -> None:
        """Let a user join a room."""
        self._do(self._column(user).join, room)

    def wait_shown(self, user: str, text: str, timeout_s: float = 2.0) -> None:
        """Return once the user's column shows `text`. Raises TimeoutError."""
        column = self._column(user)
        self.wait_until(
            lambda: text in column.text(), f"{text!r} in {user}'s column", timeout_s=timeout_s
        )

    def text(self) -> str:
        """Return what each user sees now, one after the other."""
        return "\n".join(column.text() for column in self.columns.values())

    def _column(self, user: str) -> Column:
        if user not in self.columns:
            raise ValueError(
                f"nobody here is called {user!r}; there are: {', '.join(self.columns)}"
            )
        return self.columns[user]

    # ------------------------------------------------------------ the thread

    def _look(self) -> None:
        for column in self.columns.values():
            column.look()
        self._rests = all(column.peer.ended is not None for column in self.columns.values())
