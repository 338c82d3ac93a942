"""`TlsTalk`: the examiner's end of a TLS connection, whose records it can cut, hold back, or lose.

TLS runs in memory (`ssl.MemoryBIO`), and this module carries its bytes: so it decides where a
record is cut, and whether the connection ends as it should.
"""

from __future__ import annotations

import contextlib
import ssl
import struct
from functools import cache
from typing import TYPE_CHECKING, Any

from netlab.exercises.layered import END, Layered
from netlab.exercises.shrink import Pieces
from netlab.exercises.words import Broken, difference, in_pieces, in_short

if TYPE_CHECKING:
    from netlab.exercises.trial import Trial

NAME = "localhost"
CLOSE_NOTIFY = "close_notify"
# Python before 3.11.4 has this set: a FIN without close_notify looked like one with it.
IGNORE_TRUNCATION = ssl.OP_IGNORE_UNEXPECTED_EOF
ALERT, HANDSHAKE = 21, 22
"""types of records (RFC 8446, 5.1)"""


@cache
def client_context(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """Return what a client needs that speaks this version alone, and believes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.options &= ~IGNORE_TRUNCATION
    return context


def pinning_context(certificate: bytes) -> ssl.SSLContext:
    """Return what a client needs that believes this certificate (DER) for its names and dates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it need not be an authority's
    context.options &= ~IGNORE_TRUNCATION
    return context


class TlsTalk(Layered):
    """Connects, and shakes hands.

    Args:
        trial, address, name: as `Layered`.
        context: whom it believes, and which versions it speaks.
        server_name: whom it seeks (SNI); None: it does not say.
        most_bytes: of a segment of the handshake; 0: as they come.

    Raises:
        Broken: the handshake failed.
    """

    def __init__(
        self,
        trial: Trial,
        address: Any,
        name: str = "examiner",
        *,
        context: ssl.SSLContext | None = None,
        server_name: str | None = NAME,
        most_bytes: int = 0,
    ) -> None:
        super().__init__(trial, address, name)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = context or client_context()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._most_bytes = most_bytes
        self._kept = b""
        self._shake_hands()

    def _shake_hands(self) -> None:
        what, until = "the TLS handshake to succeed", self.deadline()
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._more(what, until)
            except ssl.SSLError as error:
                self._flush()  # the alert that tells why
                raise self.failed(what, handshake_error(error)) from None
        self._flush()
        self.trial.note(f"{self.name} and the server shake hands ({self.tls.version()})")

    def send(self, *texts: bytes) -> None:
        """Send each text in a record of its own, all in one segment."""
        self.said(f"sends {in_pieces(texts)}", b"".join(texts))
        self.write(self.sealed(*texts))

    def send_cut(self, pieces: Pieces, most_bytes: int) -> None:
        """Send each piece in a record of its own, and the records in segments of so many bytes."""
        cut = f"in segments of {most_bytes} bytes" if most_bytes > 1 else "one byte at a time"
        self.said(f"sends {in_pieces(pieces)}, a record each, {cut}", b"".join(pieces))
        self.write_apart(self.sealed(*pieces), most_bytes)

    def sealed(self, *texts: bytes) -> bytes:
        """Return the texts as records, to be sent."""
        for text in texts:
            while text:
                text = text[self.tls.write(text) :]
        return self._outgoing.read()

    def expect(self, data: bytes) -> None:
        """Read exactly these bytes."""
        what, until = in_short(data), self.deadline()
        while len(self._kept) < len(data):
            try:
                if not (piece := self.tls.read(65_536)):
                    raise self.failed(what, difference(data, self._kept, CLOSE_NOTIFY))
                self._kept += piece
            except ssl.SSLWantReadError:
                self._more_for(what, data, until)
            except ssl.SSLError as error:
                raise self.failed(what, difference(data, self._kept, end_in_words(error))) from None
        got, self._kept = self._kept[: len(data)], self._kept[len(data) :]
        if got != data:
            raise self.failed(what, difference(data, got, ""))
        self.heard(f"receives {what}", got)

    def expect_close_notify(self) -> None:
        """Read close_notify, then the end of the connection."""
        self._expect_end(f"{CLOSE_NOTIFY}, then {END}", truncation_allowed=False)
        self.trial.note(f"{self.name} receives {CLOSE_NOTIFY} and FIN")

    def expect_end(self) -> None:
        """Read the end of the connection, with close_notify or without, and nothing before it."""
        self._expect_end(END, truncation_allowed=True)
        self.trial.note(f"{self.name} receives the end")

    def _expect_end(self, what: str, *, truncation_allowed: bool) -> None:
        until, notified = self.deadline(), False
        while not notified:
            try:
                # b"": theirs has come, and ours is not out; else it is an SSLZeroReturnError.
                notified = not (piece := self.tls.read(65_536))
                self._kept += piece
            except ssl.SSLWantReadError:
                self._more(what, until, reset_is_end=truncation_allowed)
            except ssl.SSLZeroReturnError:
                notified = True
            except ssl.SSLError as error:
                if not truncation_allowed:
                    raise self.failed(what, end_in_words(error)) from None
                return
            if self._kept:
                raise self.failed(what, in_short(self._kept))
        while self.read_some(what, until, reset_is_end=True):
            pass

    def close_notify(self) -> None:
        """Say that nothing more will come from here, and go on reading."""
        self.trial.note(f"{self.name} sends {CLOSE_NOTIFY} and goes on reading")
        with contextlib.suppress(ssl.SSLError):  # it wants to read theirs, which takes its time
            self.tls.unwrap()
        self._flush()

    def truncate(self) -> None:
        """End the connection below TLS, as anybody on the way can: FIN without close_notify."""
        self.trial.note(f"{self.name}'s connection is cut: FIN without {CLOSE_NOTIFY}")
        with contextlib.suppress(OSError):
            self.tcp.sock.shutdown(1)

    def _more_for(self, what: str, data: bytes, until: float) -> None:
        try:
            self._more(what, until)
        except Broken as broken:
            if not self._kept:
                raise
            raise Broken(what, difference(data, self._kept, broken.got)) from None

    def _more(self, what: str, until: float, *, reset_is_end: bool = False) -> None:
        """Take in what the server has sent."""
        if data := self.read_some(what, until, reset_is_end=reset_is_end):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if self._most_bytes:
            self.write_apart(data, self._most_bytes)
        else:
            self.write(data, may_fail=True)


def handshake_error(error: ssl.SSLError) -> str:
    """Return in words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError):
        return END
    if error.reason == "WRONG_VERSION_NUMBER":
        return "bytes that are not TLS"
    return f"{(error.reason or 'an error').lower().replace('_', ' ')}"


def end_in_words(error: ssl.SSLError) -> str:
    """Return in words how a conversation ended."""
    if isinstance(error, ssl.SSLZeroReturnError):
        return f"{CLOSE_NOTIFY}, the end"
    if isinstance(error, ssl.SSLEOFError):
        return f"FIN without {CLOSE_NOTIFY}"
    return handshake_error(error)


def old_hello() -> bytes:
    """Return the first record of a client that knows nothing later than TLS 1.1 (RFC 4346)."""
    suites = (0xC009, 0xC00A, 0xC013, 0xC014, 0x002F, 0x0035)  # with SHA-1, as all were then
    groups, formats, name = (23, 24), b"\x01\x00", NAME.encode()
    extensions = b"".join(
        struct.pack("!HH", kind, len(body)) + body
        for kind, body in (
            (0, struct.pack("!HBH", len(name) + 3, 0, len(name)) + name),
            (10, struct.pack("!H2H", 4, *groups)),
            (11, formats),
        )
    )
    body = (
        struct.pack("!H32sB", 0x0302, bytes(range(32)), 0)
        + struct.pack(f"!H{len(suites)}H", 2 * len(suites), *suites)
        + b"\x01\x00"  # no compression
        + struct.pack("!H", len(extensions))
        + extensions
    )
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return struct.pack("!BHH", HANDSHAKE, 0x0301, len(message)) + message


def first_hello(server_name: str = NAME) -> bytes:
    """Return a client's first flight, for attacks that go no further."""
    outgoing = ssl.MemoryBIO()
    tls = client_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_name)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()
