"""Faulty variants of `LengthCodec`, each with the probe that catches it."""

from __future__ import annotations

import struct


class LittleEndian:
    """Least significant byte first."""

    ORDER = "<I"

    def __init__(self, max_frame_bytes: int) -> None:
        self.limit = max_frame_bytes
        self.buffer = b""

    def encode(self, frame: bytes) -> bytes:
        if len(frame) > self.limit:
            raise ValueError("too long")
        return struct.pack(self.ORDER, len(frame)) + frame

    def feed(self, data: bytes) -> list[bytes]:
        self.buffer += data
        frames = []
        while (frame := self.next()) is not None:
            frames.append(frame)
        return frames

    def next(self) -> bytes | None:
        if len(self.buffer) < 4:
            return None
        (size,) = struct.unpack(self.ORDER, self.buffer[:4])
        self.judge(size)
        if len(self.buffer) < 4 + size:
            return None
        frame, self.buffer = self.buffer[4 : 4 + size], self.buffer[4 + size :]
        return frame

    def judge(self, size: int) -> None:
        if size > self.limit:
            raise ValueError("too long")


class Believer(LittleEndian):
    """Waits for whatever is announced."""

    ORDER = "!I"

    def judge(self, size: int) -> None:
        pass


class OneAtATime(LittleEndian):
    """Returns one frame a piece."""

    ORDER = "!I"

    def feed(self, data: bytes) -> list[bytes]:
        self.buffer += data
        frame = self.next()
        return [] if frame is None else [frame]


class ImpatientHeader(LittleEndian):
    """Believes that the four bytes come together."""

    ORDER = "!I"

    def next(self) -> bytes | None:
        if not self.buffer:
            return None
        if len(self.buffer) < 4:
            self.buffer = b""
            return None
        return super().next()


class NoEmptyFrames(LittleEndian):
    """Takes an empty frame for nothing."""

    ORDER = "!I"

    def feed(self, data: bytes) -> list[bytes]:
        return [frame for frame in super().feed(data) if frame]


class LaxSender(LittleEndian):
    """Sends what no receiver will take."""

    ORDER = "!I"

    def encode(self, frame: bytes) -> bytes:
        return struct.pack(self.ORDER, len(frame)) + frame


MUTANTS = (
    (LittleEndian, "encode"),
    (Believer, "a browser calls"),
    (OneAtATime, "several frames in one piece"),
    (ImpatientHeader, "every split"),
    (NoEmptyFrames, "several frames in one piece"),
    (LaxSender, "encode as much as the limit, and one more"),
)
