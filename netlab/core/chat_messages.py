"""The vocabulary of the chat: what clients ask and what the server answers, a class a message.

`sender` is `from` on the wire, which in Python is a keyword.
"""

from __future__ import annotations

import msgspec
from msgspec import field

from netlab.core.wire import Reply, Request

# ---------------------------------------------------------------- rooms


class InRoom(Request, frozen=True):
    """What is asked of one room."""

    room: str


class JoinRoom(InRoom, frozen=True):
    """Enter a room, under another name if `username` says one; it need not exist before."""

    username: str | None = None


class LeaveRoom(InRoom, frozen=True):
    """Leave a room; without members it is no more."""


class SendRoomMessage(InRoom, frozen=True, tag="room_message"):
    """Say something to a room's members, you among them."""

    content: str


class TypingStart(InRoom, frozen=True):
    """Show a room's other members that you are typing."""


class TypingStop(InRoom, frozen=True):
    """Show them that you no longer do."""


class ListRooms(Request, frozen=True):
    """Ask which rooms there are."""


RoomRequest = SendRoomMessage | TypingStart | TypingStop | JoinRoom | LeaveRoom | ListRooms


class RoomMessage(Reply, frozen=True):
    """Somebody said something to a room; it may have been you."""

    id: str
    room: str
    sender: str = field(name="from")
    from_id: str
    content: str
    timestamp: str


class RoomJoined(Reply, frozen=True):
    """You are a member. The history is the newest of what was said, oldest first."""

    room: str
    members_count: int
    message_history: tuple[RoomMessage, ...]


class RoomLeft(Reply, frozen=True):
    """You are no longer a member."""

    room: str


class OfMember(Reply, frozen=True):
    """Something about a member of one of your rooms."""

    room: str
    client_id: str
    username: str


class UserJoined(OfMember, frozen=True):
    """Somebody entered one of your rooms."""

    timestamp: str


class UserLeft(OfMember, frozen=True):
    """Somebody left one of your rooms, or vanished."""

    timestamp: str


class UserTyping(OfMember, frozen=True):
    """Another member of a room is typing."""


class UserStopTyping(OfMember, frozen=True):
    """Another member of a room no longer is."""


class RoomInfo(msgspec.Struct, frozen=True):
    """A room in a list."""

    name: str
    members_count: int
    created_at: str
    last_activity: str


class RoomList(Reply, frozen=True):
    """The rooms, oldest first; `truncated` where more exist than fit into a frame."""

    rooms: tuple[RoomInfo, ...]
    truncated: bool = False


RoomReply = RoomMessage | RoomJoined | RoomLeft | RoomList
MemberReply = UserJoined | UserLeft | UserTyping | UserStopTyping

# ---------------------------------------------------------------- texts


class Text(Request, frozen=True):
    """Say something to everybody; the sender hears `echo`, the others `broadcast`."""

    content: str


class SendPrivateMessage(Request, frozen=True, tag="private_message"):
    """Say something to one: whoever has the id `target`, else the name."""

    target: str
    content: str


TextRequest = SendPrivateMessage | Text


class Echo(Reply, frozen=True):
    """Your own text, back."""

    content: str
    timestamp: str = ""


class Broadcast(Reply, frozen=True):
    """Somebody else's text."""

    content: str
    sender: str = field(name="from")
    from_id: str = ""
    timestamp: str = ""


class PrivateMessage(Reply, frozen=True):
    """Somebody said something to you alone."""

    id: str
    sender: str = field(name="from")
    from_id: str
    content: str
    timestamp: str


class PrivateMessageSent(Reply, frozen=True):
    """What you said to one was passed on."""

    id: str
    to: str
    to_id: str
    content: str
    timestamp: str


TextReply = Echo | Broadcast | PrivateMessage | PrivateMessageSent

# ---------------------------------------------------------------- names


class SetUsername(Request, frozen=True):
    """Take another name."""

    username: str


class ListClients(Request, frozen=True):
    """Ask who is here."""


NameRequest = SetUsername | ListClients


class UsernameSet(Reply, frozen=True):
    """Your name."""

    username: str


class UserRenamed(Reply, frozen=True):
    """A member of one of your rooms took another name."""

    client_id: str
    username: str
    old_username: str


class ClientInfo(msgspec.Struct, frozen=True):
    """A client in a list."""

    client_id: str
    username: str
    connected_at: str
    last_activity: str
    rooms: tuple[str, ...]


class ClientList(Reply, frozen=True):
    """Who is here, `total` in all; `truncated` where they do not fit into a frame."""

    clients: tuple[ClientInfo, ...]
    total: int
    truncated: bool = False


NameReply = UsernameSet | UserRenamed | ClientList

ChatRequest = RoomRequest | TextRequest | NameRequest
ChatReply = RoomReply | MemberReply | TextReply | NameReply
