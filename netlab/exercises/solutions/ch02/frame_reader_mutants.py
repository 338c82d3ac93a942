"""Faulty variants of `FrameReader`, each with the probe that catches it."""

from __future__ import annotations


class Forgetful:
    """A line for each piece: what `recv` returned is a message."""

    def __init__(self, max_frame_bytes: int) -> None:
        self.limit = max_frame_bytes

    def feed(self, data: bytes) -> list[bytes | None]:
        lines = data.removesuffix(b"\n").split(b"\n")
        return [line if len(line) <= self.limit else None for line in lines]

    def end(self) -> int:
        return 0


class Limitless:
    """Lines without a limit."""

    def __init__(self, max_frame_bytes: int) -> None:
        self.tail = b""

    def feed(self, data: bytes) -> list[bytes | None]:
        *lines, self.tail = (self.tail + data).split(b"\n")
        return list(lines)

    def end(self) -> int:
        return len(self.tail)


class Hoarder(Limitless):
    """Looks at the length only when the line is complete."""

    def __init__(self, max_frame_bytes: int) -> None:
        super().__init__(max_frame_bytes)
        self.limit = max_frame_bytes

    def feed(self, data: bytes) -> list[bytes | None]:
        return [line if line and len(line) <= self.limit else line and None
                for line in super().feed(data)]  # fmt: skip


class OffByOne(Hoarder):
    """Counts the newline."""

    def __init__(self, max_frame_bytes: int) -> None:
        super().__init__(max_frame_bytes - 1)


class NoEmptyLines(Limitless):
    """Takes an empty line for nothing."""

    def feed(self, data: bytes) -> list[bytes | None]:
        return [line for line in super().feed(data) if line]


class Decoder(Hoarder):
    """Decodes the pieces before it looks for lines."""

    def feed(self, data: bytes) -> list[bytes | None]:
        return super().feed(data.decode("utf-8", "ignore").encode())


class Stumbler(Hoarder):
    """Forgets a line that is too long, but not that it was too long: its rest becomes a line."""

    def feed(self, data: bytes) -> list[bytes | None]:
        lines = super().feed(data)
        if len(self.tail) > self.limit:
            self.tail = b""
            lines.append(None)
        return lines


class Endless(Hoarder):
    """Never tells what was left over."""

    def feed(self, data: bytes) -> list[bytes | None]:
        lines = super().feed(data)
        if len(self.tail) > 2 * self.limit:
            self.tail = self.tail[: self.limit + 1]  # too long stays too long
        return lines

    def end(self) -> int:
        return 0


MUTANTS = (
    (Forgetful, "every split"),
    (Limitless, "one byte too long"),
    (Hoarder, "a line that never ends"),
    (OffByOne, "as long as the limit"),
    (NoEmptyLines, "empty lines"),
    (Decoder, "characters cut in half"),
    (Stumbler, "one byte too long"),
    (Endless, "the end in the middle"),
)
