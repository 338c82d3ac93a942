"""What a chat on trial must do, over whatever transport: the rules that its trials share."""

from __future__ import annotations

MAX_NAME = 32
"""characters of a name"""
MAX_CONTENT_BYTES = 4_096
HISTORY = 50
"""messages that a newcomer is shown"""
RULES = (
    "Who connects hears first `welcome` with `client_id` and `username`: an id of its own, and a "
    "name of its own that the server has made up.",
    "A request may have a `ref`, a string; its direct answer has the same. What cannot be done is "
    "answered by `error` with `code` and `message` (strings of your choice) and `in_reply_to`, the "
    "request's `ref`; it changes nothing, and the connection stays open. So it is with a type that "
    "does not exist, and with fields that are missing or of the wrong type. Unknown fields "
    "are ignored. A server may have other messages and fields; they are passed over.",
    "`ping` is answered by `pong`. A client's requests are answered in their order.",
    "`set_username` (`username`) is answered by `username_set` (`username`). A name loses the "
    f"white space around it, and then has 1 to {MAX_NAME} printable characters. Nobody else may "
    "have it, in whatever case (`Zoë` is `zOË`); when its owner is gone, or has another, it is "
    "free. To others, people are called by the name that they have at the time.",
    "`join_room` (`room`) is answered by `room_joined` (`room`, `members_count`, "
    "`message_history`); the other members hear `user_joined` (`room`, `client_id`, `username`). "
    "Who is a member already gets the same answer, and nobody hears of it. A room need not exist "
    "before; its name has the form of a user's.",
    "`room_message` (`room`, `content`) goes to all members, its sender included, as "
    "`room_message` (`room`, `from`, `from_id`, `content`: the sender's name and id), to all in "
    "the same order; the sender's own is the direct answer. Only members may send one.",
    f"`message_history` has the last {HISTORY} messages of the room, oldest first, each with the "
    "fields of `room_message`. A room without members is no more, and its history neither.",
    f"`content` is any text of at most {MAX_CONTENT_BYTES:,} bytes of UTF-8, and arrives as it is.",
    "`private_message` (`target`, `content`) goes to the client whose id `target` is, else to the "
    "one with that name: it hears `private_message` (`from`, `from_id`, `content`), the sender "
    "`private_message_sent` (`to`, `to_id`, `content`), and nobody else anything, whatever rooms "
    "they are in, and whatever those are called. If nobody is there, it is an `error`.",
    "`leave_room` (`room`) is answered by `room_left` (`room`); the members who stay hear "
    "`user_left` (`room`, `client_id`, `username`). Who is not in it gets an `error`. A client "
    "whose connection ends, in order or by RST, leaves all its rooms at once.",
    "A client that never reads keeps no other waiting; when too much waits for it, the server may "
    "end its connection. Nor do many harm that come and go at once.",
)
"""rules 2 to 12"""
WELCOME, REQUESTS, PING, NAMES, JOIN, SPEAK, PAST, CONTENT, PRIVATE, LEAVE, PATIENCE = range(2, 13)
