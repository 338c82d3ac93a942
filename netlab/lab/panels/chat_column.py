"""One user's column of the chat panel."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape

import ipywidgets as widgets

from netlab.lab.panels.chat_log import Log
from netlab.lab.panels.chat_state import ChatState, Entry, members
from netlab.lab.panels.line_field import LineField
from netlab.lab.panels.parts import button, html, row, show_if
from netlab.lab.panels.peer import Peer

LISTS_EVERY_S = 0.5
LAST_KEYS_S = 0.15
STILL_TYPING_S = 4.0
"""seconds after the last key until others are told that typing has stopped"""

Target = tuple[str, str]  # what is sent, and to whom: ("room_message", "lobby")
EVERYBODY: Target = ("text", "")


class Column:
    """What one user sees and can do. All but the handlers runs in the panel's thread.

    Args:
        peer: the user's client.
        room: a room to join as soon as there is a connection.
        do: lets the panel's thread call something that the learner wants to do.
        do_too: the same for what goes on beside it.
    """

    def __init__(
        self,
        peer: Peer,
        room: str | None,
        do: Callable[..., None],
        do_too: Callable[..., None],
    ) -> None:
        self.peer = peer
        self.state = ChatState()
        self._to_join = {room: None} if room else {}
        self._do = do
        self._typing: Target | None = None  # where the others were told that this user is typing
        self._typed_at = self._listed_at = 0.0
        self._send_at: float | None = None  # when to send what is in the field
        name = peer.name
        self._head, self._lists, self._typists = html(), html(), html()
        self._again = button("Reconnect", self._click(self.connect), about=f"{name}: reconnect")
        self.room = LineField(
            f"{name}: room",
            "room",
            lambda room: do(self.join, room),
            value=room or "lobby",
            keep=True,
        )
        self.joins = button("Join", self._with_room(self.join), about=f"{name}: join the room")
        self.leaves = button("Leave", self._with_room(self.leave), about=f"{name}: leave the room")
        self.to = widgets.Dropdown(options=[("everybody", EVERYBODY)], tooltip=f"{name}: send to")
        self.to.add_class("np-grow")
        self.message = LineField(f"{name}: message", "message", self._say)
        self.message.observe(lambda _: do_too(self._keystroke, self.message.line), "value")
        self.sends = button(
            "Send", self._click(self._send_soon), about=f"{name}: send", primary=True
        )
        self.log = Log()
        self.box = widgets.VBox(
            [
                row("np-row", self._head, self._again),
                row("np-row", self.room, self.joins, self.leaves),
                self._lists,
                self.log.box,
                self._typists,
                row("np-row", self.to, self.message, self.sends),
                self.log.announced,
            ]
        )
        self.box.add_class("np-column")
        self.show_state()

    # ------------------------------------------------------------ handlers, in the kernel's thread

    def _click(self, action: Callable[[], None]) -> Callable[[], None]:
        return lambda: self._do(action)

    def _with_room(self, action: Callable[[str], None]) -> Callable[[], None]:
        return lambda: self._do(action, self.room.value)

    def _say(self, text: str) -> None:
        if text.strip():
            self._do(self.send, text, self.to.value)

    # ------------------------------------------------------------ what the user does

    def connect(self) -> None:
        """Connect if need be, take the name and join the rooms of before."""
        if self.peer.ended is not None:
            rooms = dict.fromkeys(self.state.joined)
            self.state.forget()
            self._to_join = rooms or self._to_join
            self.peer.connect()
        self.peer.send("set_username", username=self.peer.name)
        for room in self._to_join:
            self.peer.send("join_room", room=room)

    def join(self, room: str) -> None:
        """Join a room."""
        self._to_join[room] = None
        self.peer.send("join_room", room=room)

    def leave(self, room: str) -> None:
        """Leave a room."""
        self._to_join.pop(room, None)
        self.peer.send("leave_room", room=room)

    def target(self, to: str | None) -> Target:
        """Return what `to` names: a room the user is in, else a user; None: what is chosen."""
        if to is None:
            return self.to.value or EVERYBODY
        return ("room_message" if to in self.state.joined else "private_message"), to

    def send(self, text: str, target: Target) -> None:
        """Say something; if it cannot be sent, it is in the field again."""
        kind, whom = target
        self._stop_typing()
        try:
            if kind == "room_message":
                self.peer.send(kind, room=whom, content=text)
            elif kind == "private_message":
                self.peer.send(kind, target=whom, content=text)
            else:
                self.peer.send(kind, content=text)
        except Exception:
            self.message.put(self.message.line or text)
            raise

    def _send_soon(self) -> None:
        # The last keys come after the click that followed them: ipywidgets holds them back.
        self._send_at = time.monotonic() + LAST_KEYS_S

    def _send_field(self) -> None:
        text, self._send_at = self.message.line, None
        if text.strip():
            self.message.put("")
            self.send(text, self.to.value)

    def _keystroke(self, text: str) -> None:
        if self._send_at is not None:
            self._send_soon()
        target = self.to.value
        if not text:
            self._stop_typing()
        elif target and target[0] == "room_message":
            self._typed_at = time.monotonic()
            if self._typing != target:
                self._stop_typing()
                self.peer.send("typing_start", room=target[1])
                self._typing = target

    def _stop_typing(self) -> None:
        if self._typing is not None:
            room, self._typing = self._typing[1], None
            if room in self.state.joined:
                self.peer.send("typing_stop", room=room)

    def end(self) -> None:
        """Close what the panel opened."""
        self.peer.close()
        self.show_state()

    # ------------------------------------------------------------ what the user sees

    def look(self) -> None:
        """Take in what has come, and show it."""
        was = self.peer.ended
        for message in self.peer.fresh():
            self.state.take(message)
        if self.peer.ended is not None:
            if was is None:
                self.state.add(Entry("event", f"disconnected: {self.peer.ended}"))
                self._to_join = dict.fromkeys(self.state.joined) or self._to_join
                self.state.forget()
                self._typing = None
        else:
            self._keep_up()
        self.show_state()

    def _keep_up(self) -> None:
        now = time.monotonic()
        self.message.tidy()
        if self._send_at is not None and now >= self._send_at:
            self._send_field()
        if self._typing and now - self._typed_at > STILL_TYPING_S:
            self._stop_typing()
        if self.state.stale and now - self._listed_at > LISTS_EVERY_S:
            self.state.stale, self._listed_at = False, now
            self.peer.send("list_rooms")
            self.peer.send("list_clients")

    def show_state(self) -> None:
        """Show it; what is as it was is not touched."""
        ended = self.peer.ended
        sign = ("np-good", "●", "connected") if ended is None else ("np-bad", "○", "disconnected")
        hint = ""
        if ended is not None and not self.peer.can_reconnect:
            hint = " · run the cell again to connect"
        self._head.value = (
            f'<span class="np-name">{escape(self.state.name or self.peer.name)}</span> '
            f'<span class="{sign[0]}" role="status">{sign[1]} {sign[2]}</span>{hint}'
        )
        show_if(self._again, ended is not None and self.peer.can_reconnect)
        for widget in (self.joins, self.leaves, self.sends, self.message, self.room, self.to):
            widget.disabled = ended is not None
        rooms = ", ".join(f"{name} ({count})" for name, count in self.state.rooms.items())
        self._lists.value = (
            f'<div class="np-soft mathjax_ignore">Rooms: {escape(rooms) or "none yet"}<br>'
            f"Here: {escape(', '.join(self.state.users)) or 'nobody'}</div>"
        )
        self._typists.value = (
            '<div class="np-soft np-live mathjax_ignore" role="status">'
            f"{escape(self.state.typists())}</div>"
        )
        self._offer_targets()
        new, self.state.fresh = self.state.fresh, []
        self.log.append(new)

    def _offer_targets(self) -> None:
        options = [(f"room {room}", ("room_message", room)) for room in self.state.joined]
        options += [
            (f"{user}, privately", ("private_message", user))
            for user in self.state.users
            if user != self.state.name
        ]
        options.append(("everybody", EVERYBODY))
        if list(self.to.options) == options:
            return
        known = {value for _, value in self.to.options}
        chosen = self.to.value
        new_rooms = [v for _, v in options if v not in known and v[0] == "room_message"]
        self.to.options = options
        if new_rooms:
            self.to.value = new_rooms[-1]
        elif chosen in [value for _, value in options]:
            self.to.value = chosen

    def text(self) -> str:
        """Return what the user sees, as text. Any thread may ask."""
        state = self.state
        rooms = ", ".join(
            f"{name} ({members(count)})" for name, count in list(state.joined.items())
        )
        ended = self.peer.ended
        head = "connected" if ended is None else f"disconnected: {ended}"
        lines = [f"{self.peer.name}, {head}; in {rooms or 'no room'}"]
        lines += [f"  {entry}" for entry in tuple(state.entries)]
        if state.typists():
            lines.append(f"  {state.typists()}")
        return "\n".join(lines)
