"""The file of `netlab tap --pcapng`, written while others pass."""

from __future__ import annotations

import contextlib
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from netlab.lab.recording import Chunk, Ends
from netlab.terminal import CommandFailed, harmless

if TYPE_CHECKING:
    from netlab.lab.pcapng import PcapngFile

LAST_PACKETS_S = 1.0
"""seconds that the last packets may take on their way to the file"""


def open_file(path: Path) -> BinaryIO:
    """Open the file before anything passes; what is in it stays until `start`.

    Raises: CommandFailed: it cannot be written.
    """
    try:
        return path.open("ab")
    except OSError as error:
        reason = harmless(error.strerror or str(error))
        raise CommandFailed(f"cannot write {harmless(str(path))}: {reason}") from None


class PacketThread:
    """Writes packets while others pass: at the end there is little left to do."""

    def __init__(self, file: BinaryIO, started_at_s: float) -> None:
        self._kind = _pcapng_file()
        self._pcapng: PcapngFile
        self._file = file
        self._started_at_s = started_at_s
        self._waiting: queue.SimpleQueue[tuple[Chunk, Ends] | None] = queue.SimpleQueue()
        self._comment = ""
        self._stop_now = self._cut = False
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="netlab-tap-file", daemon=True)

    def start(self) -> None:
        """Begin to write; what was in the file is gone."""
        with contextlib.suppress(OSError):  # a pipe, a device
            self._file.truncate(0)
        self._pcapng = self._kind(self._file, self._started_at_s)
        self._thread.start()

    def put(self, chunk: Chunk, ends: Ends) -> None:
        """Write this soon."""
        self._waiting.put((chunk, ends))

    def end(self, comment: str) -> None:
        """Write what waits; what takes longer than `LAST_PACKETS_S` is left out."""
        self._comment = comment
        self._waiting.put(None)
        if self._thread.ident is not None:
            self._thread.join(LAST_PACKETS_S)
            self._stop_now = True
            self._thread.join(LAST_PACKETS_S / 2)
        if not self._thread.is_alive():
            with contextlib.suppress(OSError):  # what could not be written is known already
                self._file.close()

    @property
    def cut(self) -> bool:
        """Whether there was no time, or no room, for all that passed."""
        return self._cut or self._error is not None or self._thread.is_alive()

    def result(self) -> str:
        """Say in a few words what became of the file."""
        if self._error is not None:
            return f"not written to its end: {harmless(self._error.strerror or str(self._error))}"
        packets = f"{self._pcapng.packets:,} packet{'' if self._pcapng.packets == 1 else 's'}"
        return f"{packets}, and what came last is missing" if self.cut else packets

    def _run(self) -> None:
        try:
            while (one := self._waiting.get()) is not None:
                if self._stop_now:
                    self._cut = True
                    self._comment = "the recording was ended here; what came last is missing"
                    break
                self._pcapng.add(*one)
                if self._waiting.empty():
                    self._file.flush()  # so that the file can be looked at meanwhile
            self._pcapng.finish(self._comment)
            self._file.flush()
        except OSError as error:  # for instance: no space left
            self._error = error


def _pcapng_file() -> type[PcapngFile]:
    """Raises: CommandFailed: the library that it needs is missing."""
    try:
        from netlab.lab.pcapng import PcapngFile
    except ModuleNotFoundError as error:
        raise CommandFailed(f"--pcapng: {error}") from None
    return PcapngFile
