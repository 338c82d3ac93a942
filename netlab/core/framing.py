r"""From a stream of bytes to frames and back.

"TCP provides a reliable, in-order, byte-stream service to applications" (RFC 9293, 2.2): where one
`send` ended is not on the wire. Two ways to put the boundaries back stand here:

- **lines**: a frame ends at a newline, so it cannot contain one;
- **length-prefixed**: four bytes say how long the frame is, so it may contain anything.

A reader is fed whatever `recv` returned, in pieces of any size, and answers with the frames that
are complete. What the peer did wrong stands in the answer too, in its place among the frames, so
that the caller can reply to each in order and go on.
"""

import codecs
from typing import Protocol

from netlab.core.errors import (
    FrameTooLong,
    InvalidText,
    LocalProtocolError,
    RemoteProtocolError,
    TruncatedFrame,
)


class FrameReader(Protocol):
    """Bytes in, frames out; one for each direction of each connection."""

    def feed(self, data: bytes) -> list[bytes | RemoteProtocolError]:
        """Take what `recv` returned and return the frames it completed, in order."""

    def end(self) -> list[bytes | RemoteProtocolError]:
        """Take note that no more bytes come; a frame left half-sent is a `TruncatedFrame`."""


class LineReader:
    r"""Frames that end with `\n`; a `\r` before it belongs to the line end, as telnet sends it.

    Args:
        max_frame_bytes: longest line accepted, without its line end; 0 = unlimited. Of a longer
            one nothing is kept: it gives one `FrameTooLong`, and reading resumes after its newline.
    """

    def __init__(self, max_frame_bytes: int = 65_536) -> None:
        self._limit = max_frame_bytes
        self._partial = bytearray()
        self._skipping = False  # inside a line that is too long, until its newline

    def feed(self, data: bytes) -> list[bytes | RemoteProtocolError]:
        """Return the lines completed by `data`, without their line ends."""
        frames: list[bytes | RemoteProtocolError] = []
        *complete, rest = data.split(b"\n")
        for piece in complete:
            self._add(piece, frames)
            if not self._skipping:
                frames.append(bytes(self._partial.removesuffix(b"\r")))
            self._partial.clear()
            self._skipping = False
        self._add(rest, frames)
        return frames

    def end(self) -> list[bytes | RemoteProtocolError]:
        """Return a `TruncatedFrame` if the last line had no newline."""
        size = len(self._partial)
        self._partial.clear()
        if not size:
            return []
        return [
            TruncatedFrame(f"the last {size:,} bytes had no newline; end every line with a newline")
        ]

    def _add(self, piece: bytes, frames: list[bytes | RemoteProtocolError]) -> None:
        if self._skipping:
            return
        self._partial += piece
        # A trailing \r may be half of a line end: it does not count against the limit.
        if self._limit and len(self._partial) - self._partial.endswith(b"\r") > self._limit:
            self._partial.clear()
            self._skipping = True
            frames.append(FrameTooLong(self._limit))


def encode_line(frame: bytes) -> bytes:
    """Return `frame` with its newline.

    Raises:
        LocalProtocolError: the frame itself contains a newline, so it would arrive as two.
    """
    if b"\n" in frame:
        raise LocalProtocolError(
            f"a line frame cannot contain a newline (byte {frame.index(10)} is one); "
            "split it, or use length-prefixed frames"
        )
    return frame + b"\n"


PREFIX_BYTES = 4


class LengthPrefixedReader:
    """Frames of any bytes, each behind its length: four bytes, unsigned, big-endian.

    Args:
        max_frame_bytes: longest frame accepted; 0 = unlimited. A longer one gives one
            `FrameTooLong`, and as many bytes as it announced are skipped without being kept.
    """

    def __init__(self, max_frame_bytes: int = 65_536) -> None:
        self._limit = max_frame_bytes
        self._buffer = bytearray()
        self._to_skip = 0

    def feed(self, data: bytes) -> list[bytes | RemoteProtocolError]:
        """Return the frames completed by `data`, without their prefixes."""
        frames: list[bytes | RemoteProtocolError] = []
        self._buffer += data
        while True:
            if self._to_skip:
                skipped = min(self._to_skip, len(self._buffer))
                del self._buffer[:skipped]
                self._to_skip -= skipped
            if len(self._buffer) < PREFIX_BYTES:
                return frames
            size = int.from_bytes(self._buffer[:PREFIX_BYTES])
            if self._limit and size > self._limit:
                frames.append(FrameTooLong(self._limit))
                self._to_skip = PREFIX_BYTES + size
                continue
            end = PREFIX_BYTES + size
            if len(self._buffer) < end:
                return frames
            frames.append(bytes(self._buffer[PREFIX_BYTES:end]))
            del self._buffer[:end]

    def end(self) -> list[bytes | RemoteProtocolError]:
        """Return a `TruncatedFrame` if bytes of an unfinished frame were left."""
        size = len(self._buffer)
        self._buffer.clear()
        if self._to_skip:
            size, self._to_skip = self._to_skip, 0
            return [TruncatedFrame(f"{size:,} bytes of an oversized frame never came")]
        if not size:
            return []
        return [TruncatedFrame(f"{size:,} bytes of an unfinished frame were left over")]


def encode_length_prefixed(frame: bytes) -> bytes:
    """Return `frame` behind its length in four bytes, big-endian.

    Raises:
        LocalProtocolError: the frame has 2**32 bytes or more, which four bytes cannot say.
    """
    if len(frame) >= 2 ** (8 * PREFIX_BYTES):
        raise LocalProtocolError(
            f"frame of {len(frame):,} bytes; four bytes can say at most 4,294,967,295"
        )
    return len(frame).to_bytes(PREFIX_BYTES) + frame


class Utf8Decoder:
    """Bytes to text as they come: a character cut in half waits for its other half (RFC 3629)."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, data: bytes, *, final: bool = False) -> str:
        """Return the text that is complete so far and was not returned before.

        Args:
            data: what came.
            final: no more bytes come after these.

        Raises:
            InvalidText: bytes that no continuation could make valid, or, at the end, half a
                character; the decoder starts afresh.
        """
        try:
            return self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            self._decoder.reset()
            byte, place = error.object[error.start], error.start
            raise InvalidText(
                f"byte 0x{byte:02x} at position {place} is not valid UTF-8 ({error.reason}); "
                "encode text as UTF-8"
            ) from None

    def end(self) -> str:
        """Take note that no more bytes come. Raises InvalidText: they ended inside a character."""
        return self.feed(b"", final=True)


def decode_text(frame: bytes | str) -> str:
    """Return a whole frame as text.

    Raises:
        InvalidText: the frame is not UTF-8.
    """
    if isinstance(frame, str):
        return frame
    try:
        return frame.decode()  # three times as fast, and nearly always enough
    except UnicodeDecodeError:
        return Utf8Decoder().feed(frame, final=True)  # which says what is wrong, and where
