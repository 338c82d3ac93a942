"""Faulty variants of `MessageReader`, each with the probe that catches it."""

from __future__ import annotations

from typing import Any

_KINDS = {1: "text", 2: "binary", 9: "ping", 10: "pong"}
Event = tuple[str, Any]


class _Reader:
    """A correct reader in small steps; each faulty one does one of them wrongly."""

    def __init__(self, max_message_bytes: int) -> None:
        self.limit = max_message_bytes
        self.kept = b""
        self.opcode = 0
        self.message = b""
        self.closed = False

    def feed(self, data: bytes) -> list[Event]:
        self.kept += data
        events: list[Event] = []
        while not self.closed and len(self.kept) >= 2:
            problem = self.head_problem(*self.kept[:2]) or self.too_long()
            if problem:
                events.append(self.close(problem))
                break
            if (frame := self.take()) is None:
                break
            events += self.told(*frame)
        return events

    def close(self, code: int) -> Event:
        self.closed = True
        return "close", code

    def head(self) -> tuple[int, int] | None:
        """Where the mask begins, and the length of the payload; None: not there yet."""
        length = self.kept[1] & 0x7F
        start = {126: 4, 127: 10}.get(length, 2)
        if len(self.kept) < start:
            return None
        return start, length if start == 2 else int.from_bytes(self.kept[2:start])

    def head_problem(self, first: int, second: int) -> int:
        ill = first & 0x70 or not second & 0x80
        return 1002 if ill or self.misplaced(first, second) else 0

    def misplaced(self, first: int, second: int) -> bool:
        opcode = first & 0x0F
        if opcode >= 8:
            return opcode > 10 or not first & 0x80 or second & 0x7F > 125
        return opcode > 2 or bool(opcode) == bool(self.opcode)

    def too_long(self) -> int:
        head = self.head()
        counts = head and self.kept[0] & 0x0F < 8
        return 1009 if head and counts and len(self.message) + head[1] > self.limit else 0

    def take(self) -> tuple[int, int, bytes] | None:
        if (head := self.head()) is None:
            return None
        start, length = head
        end = start + 4 + length
        if len(self.kept) < end:
            return None
        first, mask = self.kept[0], self.kept[start : start + 4]
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.kept[start + 4 : end]))
        self.kept = self.kept[end:]
        return first & 0x80, first & 0x0F, payload

    def told(self, fin: int, opcode: int, payload: bytes) -> list[Event]:
        if opcode == 8:
            return [self.close(self.code_of(payload))]
        if opcode > 8:
            return [(_KINDS[opcode], payload)]
        self.opcode = self.opcode or opcode
        self.message += payload
        return [self.whole()] if fin else []

    def code_of(self, payload: bytes) -> int:
        if len(payload) == 1:
            return 1002
        return int.from_bytes(payload[:2]) if payload else 1005

    def whole(self) -> Event:
        opcode, message = self.opcode, self.message
        self.opcode, self.message = 0, b""
        if opcode == 2:
            return "binary", message
        try:
            return "text", message.decode()
        except UnicodeDecodeError:
            return self.close(1007)


class ForgetsWhatIsCut(_Reader):
    """A piece is a frame."""

    def feed(self, data: bytes) -> list[Event]:
        self.kept = b""
        return super().feed(data)


class OneFrameAPiece(_Reader):
    """Looks for one frame each time it is fed."""

    def feed(self, data: bytes) -> list[Event]:
        if self.kept and not self.closed:
            return super().feed(data)
        events = super().feed(data)
        return events[:1]


class ShortLengthsOnly(_Reader):
    """Takes 126 and 127 for lengths."""

    def head(self) -> tuple[int, int] | None:
        return 2, self.kept[1] & 0x7F


class AllIsText(_Reader):
    """Decodes whatever comes."""

    def whole(self) -> Event:
        self.opcode = 1
        return super().whole()


class TellsFragments(_Reader):
    """A fragment is a message."""

    def told(self, fin: int, opcode: int, payload: bytes) -> list[Event]:
        if opcode == 0:
            self.opcode = 0
            return [("text", payload.decode("utf-8", "replace"))]
        events = super().told(0x80, opcode, payload)
        self.opcode = 0 if fin or opcode >= 8 else opcode
        return events


class HoldsControlFrames(_Reader):
    """Tells pings when the message is complete."""

    held: tuple[Event, ...] = ()

    def told(self, fin: int, opcode: int, payload: bytes) -> list[Event]:
        events = super().told(fin, opcode, payload)
        if opcode > 8 and self.opcode:
            self.held += tuple(events)
            return []
        if fin and opcode < 8:
            events, self.held = [*self.held, *events], ()
        return events


class MixesControlIn(_Reader):
    """A ping inside a message ends up in the message."""

    def told(self, fin: int, opcode: int, payload: bytes) -> list[Event]:
        if opcode > 8 and self.opcode:
            self.message += payload
        return super().told(fin, opcode, payload)


class TakesUnmasked(_Reader):
    """Reads frames without a mask as well."""

    def head_problem(self, first: int, second: int) -> int:
        return super().head_problem(first, second | 0x80)

    def take(self) -> tuple[int, int, bytes] | None:
        if self.kept[1] & 0x80 or len(self.kept) < 2 + self.kept[1]:
            return super().take()
        first, payload = self.kept[0], self.kept[2 : 2 + self.kept[1]]
        self.kept = self.kept[2 + self.kept[1] :]
        return first & 0x80, first & 0x0F, payload


class IgnoresReservedBits(_Reader):
    """Does not look at them."""

    def head_problem(self, first: int, second: int) -> int:
        return super().head_problem(first & 0x8F, second)


class IgnoresUnknownOpcodes(_Reader):
    """Skips what it does not know."""

    def misplaced(self, first: int, second: int) -> bool:
        return first & 0x0F in (0, 1, 2, 8, 9, 10) and super().misplaced(first, second)

    def told(self, fin: int, opcode: int, payload: bytes) -> list[Event]:
        return super().told(fin, opcode, payload) if opcode in (0, 1, 2, 8, 9, 10) else []


class LongPings(_Reader):
    """A ping may be as long as it likes."""

    def misplaced(self, first: int, second: int) -> bool:
        return super().misplaced(first, second if first & 0x0F < 8 else 0x80)


class BeginsWithContinuations(_Reader):
    """Takes a continuation of nothing for a text."""

    def misplaced(self, first: int, second: int) -> bool:
        return bool(first & 0x0F or self.opcode) and super().misplaced(first, second)

    def told(self, fin: int, opcode: int, payload: bytes) -> list[Event]:
        return super().told(fin, opcode or self.opcode or 1, payload)


class StartsAnew(_Reader):
    """A new message inside an unfinished one replaces it."""

    def misplaced(self, first: int, second: int) -> bool:
        if first & 0x0F in (1, 2):
            self.opcode, self.message = 0, b""
        return super().misplaced(first, second)


class ReplacesWhatIsNoText(_Reader):
    """Puts question marks where the text is none."""

    def whole(self) -> Event:
        if self.opcode == 1:
            self.message = self.message.decode("utf-8", "replace").encode()
        return super().whole()


class DecodesEachFragment(_Reader):
    """Looks at the text fragment by fragment."""

    def told(self, fin: int, opcode: int, payload: bytes) -> list[Event]:
        if opcode < 2 and (opcode or self.opcode) == 1:
            try:
                payload.decode()
            except UnicodeDecodeError:
                return [self.close(1007)]
        return super().told(fin, opcode, payload)


class OneTooFew(_Reader):
    """The limit itself is too much."""

    def __init__(self, max_message_bytes: int) -> None:
        super().__init__(max_message_bytes - 1)


class AwaitsThePayload(_Reader):
    """Looks at the length when all has come."""

    def too_long(self) -> int:
        head = self.head()
        return super().too_long() if head and len(self.kept) >= head[0] + 4 + head[1] else 0


class LimitsEachFrame(_Reader):
    """A limit for the frame, none for the message."""

    def too_long(self) -> int:
        message, self.message = self.message, b""
        problem = super().too_long()
        self.message = message
        return problem


class AlwaysNormal(_Reader):
    """Every close is 1000."""

    def code_of(self, payload: bytes) -> int:
        return 1000


class HearsTheDead(_Reader):
    """Goes on reading after the end."""

    def close(self, code: int) -> Event:
        self.kept = self.kept[:0]
        return "close", code


MUTANTS = (
    (AllIsText, "other kinds"),
    (ShortLengthsOnly, "other kinds"),
    (OneFrameAPiece, "other kinds"),
    (ForgetsWhatIsCut, "every split"),
    (TellsFragments, "fragments"),
    (HoldsControlFrames, "a ping inside a message"),
    (MixesControlIn, "a ping inside a message"),
    (TakesUnmasked, "no mask"),
    (IgnoresReservedBits, "reserved bits"),
    (IgnoresUnknownOpcodes, "unknown opcodes"),
    (LongPings, "control frames that are none"),
    (BeginsWithContinuations, "a continuation of nothing"),
    (StartsAnew, "a message inside a message"),
    (ReplacesWhatIsNoText, "no UTF-8"),
    (DecodesEachFragment, "a character cut by fragments"),
    (OneTooFew, "as long as the limit"),
    (AwaitsThePayload, "a head that announces too much"),
    (LimitsEachFrame, "fragments that are too much together"),
    (AlwaysNormal, "a client that closes"),
    (HearsTheDead, "after the end"),
)
