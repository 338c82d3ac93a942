"""Readers of WebSocket messages for the red team of chapter 10: two are correct."""

from __future__ import annotations

from netlab.exercises.websocket_drivers import Event


class ByteByByte:
    """Correct: takes text frames of up to 125 bytes, and looks at one byte after the other."""

    def __init__(self) -> None:
        self._seen = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        """Return the messages that are complete now, each as `("text", …)`."""
        events: list[Event] = []
        for byte in data:
            self._seen.append(byte)
            if len(self._seen) >= 6 and len(self._seen) == 6 + (self._seen[1] & 0x7F):
                payload = bytes(b ^ self._seen[2 + i % 4] for i, b in enumerate(self._seen[6:]))
                events.append(("text", payload.decode("utf-8", "replace")))
                self._seen.clear()
        return events


class AllAtOnce:
    """Correct: keeps what has come, and unmasks a frame when all of it is there."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[Event]:
        """As `ByteByByte`."""
        self._kept += data
        events: list[Event] = []
        while len(self._kept) >= 6 and len(self._kept) >= (end := 6 + (self._kept[1] & 0x7F)):
            mask, payload = self._kept[2:6], self._kept[6:end]
            text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            events.append(("text", text.decode("utf-8", "replace")))
            self._kept = self._kept[end:]
        return events


class RestartsTheMask:
    """Unmasks each piece as it comes, and begins with the mask's first byte each time."""

    def __init__(self) -> None:
        self._head = b""
        self._text = b""

    def feed(self, data: bytes) -> list[Event]:
        """As `ByteByByte`."""
        events: list[Event] = []
        while data:
            missing = 6 - len(self._head)
            self._head, data = self._head + data[:missing], data[missing:]
            if len(self._head) < 6:
                break
            missing = (self._head[1] & 0x7F) - len(self._text)
            piece, data = data[:missing], data[missing:]
            self._text += bytes(b ^ self._head[2 + i % 4] for i, b in enumerate(piece))
            if len(self._text) < self._head[1] & 0x7F:
                break
            events.append(("text", self._text.decode("utf-8", "replace")))
            self._head = self._text = b""
        return events


class KeepsTheFirstMask(AllAtOnce):
    """Takes the mask of the first frame for all frames of the connection."""

    _mask = b""

    def feed(self, data: bytes) -> list[Event]:
        """As `ByteByByte`."""
        self._kept += data
        events: list[Event] = []
        while len(self._kept) >= 6 and len(self._kept) >= (end := 6 + (self._kept[1] & 0x7F)):
            self._mask = self._mask or self._kept[2:6]
            payload = self._kept[6:end]
            text = bytes(byte ^ self._mask[i % 4] for i, byte in enumerate(payload))
            events.append(("text", text.decode("utf-8", "replace")))
            self._kept = self._kept[end:]
        return events
