"""As much of a terminal as is needed to say what a user would see (ECMA-48)."""

from __future__ import annotations

import codecs
import re

_SEQUENCE = re.compile(r"\x1b\[([?>=0-9;]*)[ -/]*([@-~])|\x1b[()][0-9A-Za-z]|\x1b[=>78]")


class Screen:
    """A grid of characters and a cursor; colours and modes are read and forgotten."""

    def __init__(self, rows: int, columns: int) -> None:
        self._rows, self._columns = rows, columns
        self._grid = [[" "] * columns for _ in range(rows)]
        self._x = self._y = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._pending = ""
        self.unknown: list[str] = []
        """sequences that were not understood"""

    def lines(self) -> list[str]:
        """Return what stands there, without the blanks at the right and below."""
        text = "\n".join("".join(row).rstrip() for row in self._grid).rstrip("\n")
        return text.split("\n")

    def feed(self, data: bytes) -> None:
        """Take what a program wrote."""
        text = self._pending + self._decoder.decode(data)
        position = 0
        while position < len(text):
            char = text[position]
            if char == "\x1b":
                found = _SEQUENCE.match(text, position)
                if found is None:
                    if len(text) - position < 16:
                        break  # the rest of it has not come yet
                    self.unknown.append(text[position : position + 16])
                    position += 1
                    continue
                if found[2]:
                    self._control(found[1], found[2])
                position = found.end()
                continue
            self._put(char)
            position += 1
        self._pending = text[position:]

    def _put(self, char: str) -> None:
        if char == "\r":
            self._x = 0
        elif char == "\n":
            self._down()
        elif char == "\b":
            self._x = max(0, self._x - 1)
        elif char >= " ":
            if self._x == self._columns:
                self._x = 0
                self._down()
            self._grid[self._y][self._x] = char
            self._x += 1
        elif char != "\x07":
            self.unknown.append(char)

    def _down(self) -> None:
        if self._y == self._rows - 1:
            del self._grid[0]
            self._grid.append([" "] * self._columns)
        else:
            self._y += 1

    def _control(self, parameters: str, final: str) -> None:
        if parameters.startswith(("?", ">", "=")) or final in "mhlqtn":
            return
        numbers = [int(part or 0) for part in parameters.split(";")]
        count = max(1, numbers[0])
        match final:
            case "A":
                self._y = max(0, self._y - count)
            case "B":
                self._y = min(self._rows - 1, self._y + count)
            case "C":
                self._x = min(self._columns - 1, self._x + count)
            case "D":
                self._x = max(0, self._x - count)
            case "G":
                self._x = count - 1
            case "H":
                row, column = [*numbers, 0, 0][:2] if len(numbers) > 1 else (numbers[0], 0)
                self._y, self._x = max(1, row) - 1, max(1, column) - 1
            case "J":
                self._erase_line(self._x if numbers[0] == 0 else 0)
                for y in range(self._y + 1 if numbers[0] == 0 else 0, self._rows):
                    self._grid[y] = [" "] * self._columns
            case "K":
                self._erase_line(self._x if numbers[0] == 0 else 0)
            case _:
                self.unknown.append(f"{parameters}{final}")

    def _erase_line(self, start: int) -> None:
        self._grid[self._y][start:] = [" "] * (self._columns - start)
