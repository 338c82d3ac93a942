"""What one client may use up, and when its silence is the end."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What clients may use up. Each is an argument and a flag; 0 = unlimited."""

    max_frame_bytes: int = 65_536
    """longest frame a client may send, in bytes, without its newline or prefix"""
    max_clients: int = 1_000
    """clients at the same time"""
    max_rooms: int = 20
    """rooms that one client may be in, and as many game sessions"""
    max_games: int = 100
    """game sessions at the same time"""
    max_name_length: int = 32
    """characters of a user's, a room's or a game session's name"""
    history: int = 100
    """messages a room keeps; `room_joined` shows the last 50 of them"""
    history_bytes: int = 67_108_864
    """bytes that the messages kept in all rooms may take, overhead included (1 KiB a message, and
    4 bytes a character where one is not ASCII); then the oldest of all go first"""
    messages_per_second: int = 100
    """frames a client may send, on average; ten seconds' worth may come at once"""
    idle_seconds: int = 300
    """seconds without a frame after which a client is sent away"""
    heartbeat_seconds: int | None = None
    """seconds of silence after which a client is asked for a sign of life; 0 = it is never asked;
    None = as the transport has it"""
    outbox_bytes: int = 1_048_576
    """bytes that may wait for a client that does not read, overhead included (256 a frame, where
    frames wait as objects); one more, and it is dropped"""

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if value is None and limit.default is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(
                    f"{limit.name}={value!r}: a limit is a whole number, 1 or more, or 0 for "
                    "unlimited"
                )


@dataclass(frozen=True)
class Liveness:
    """How a transport finds out that a client is gone, though nothing says so.

    After `heartbeat_s` seconds of silence a client hears `heartbeat`, and again after as many more.
    If nothing comes from it for `heartbeats_missed` such times, it is sent away; with 0 it is not,
    because something below asks for itself (the ping of RFC 6455, 5.5.2, say).
    """

    heartbeat_s: int
    heartbeats_missed: int

    def seconds(self, wanted_s: int | None) -> tuple[int, int]:
        """Return the seconds of silence until it is asked and until it is sent away; 0 = never.

        Args:
            wanted_s: seconds until it is asked, if not the transport's own; 0 = never.
        """
        ask = self.heartbeat_s if wanted_s is None else wanted_s
        return ask, ask * self.heartbeats_missed


STREAM = Liveness(60, 2)
"""TCP: nothing is heard of a peer whose machine vanished"""
DATAGRAMS = Liveness(20, 3)
"""UDP: there is nothing but last-seen; NAT forgets a quiet flow early (RFC 4787, 4.3: 2 min)"""
LIBRARY_PINGS = Liveness(60, 0)
"""WebSocket and Socket.IO: the library pings, and closes where no answer comes"""
