"""A question asked with UDP, in a crowd: the server answers, and strangers talk, too."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from netlab.exercises.calls import Function, Report, result
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, in_short
from netlab.lab.recording import Direction

QUESTION = b"what time is it?"
TIMEOUT_S = 0.2
"""seconds that the code gets where nobody answers"""
PATIENT_S = 5.0
"""seconds that it gets where an answer comes"""
NOTICE_S = 0.5
"""seconds after which a question that has not come was not sent"""
ELSEWHERE = "127.0.0.2"
"""another host, on the same machine"""

Said = tuple[str, bytes]
"""who sends what: "server", "stranger" (at another port) or "namesake" (at the server's port of
another host)"""


class CrowdedSocket(socket.socket):
    """A UDP socket to which a stranger sends something before each `recv`: one always waits."""

    chat: Callable[[], object] = staticmethod(lambda: None)

    def recvfrom(self, *arguments: Any) -> Any:
        """As in `socket.socket`, and so the next ones."""
        self.chat()
        return super().recvfrom(*arguments)

    def recv(self, *arguments: Any) -> Any:
        self.chat()
        return super().recv(*arguments)

    def recvmsg(self, *arguments: Any) -> Any:
        self.chat()
        return super().recvmsg(*arguments)

    def recv_into(self, *arguments: Any) -> Any:
        self.chat()
        return super().recv_into(*arguments)

    def recvfrom_into(self, *arguments: Any) -> Any:
        self.chat()
        return super().recvfrom_into(*arguments)


def ask_in_company(
    function: Function, report: Report, early: bytes | None, says: Sequence[Said]
) -> None:
    """Call `function(sock, server, question, timeout_s)`; the others talk when the question comes.

    `early`: what a stranger has sent before; None: nothing.

    Reported as `answer`: what the server got; what the function returned; what became of its
    socket ("": nothing).
    """
    with _sockets() as (sock, server, stranger, namesake):
        voices = {"server": server, "stranger": stranger, "namesake": namesake}
        got: list[bytes] = []
        report("datagrams")
        if early is not None:
            report("wire", (*_WIRE[Direction.TO_CLIENT], early, "from a stranger"))
            report("step", f"a stranger has sent {in_short(early)} already")
            stranger.sendto(early, sock.getsockname())

        def talk() -> None:
            data, client = server.recvfrom(65_536)
            got.append(data)
            report("wire", (*_WIRE[Direction.TO_SERVER], data))
            report("step", f"the server receives {in_short(data)}")
            for who, what in says:
                note = "" if who == "server" else "from a stranger"
                report("wire", (*_WIRE[Direction.TO_CLIENT], what, note))
                report("step", f"{_WHO[who]} sends {in_short(what)}")
                voices[who].sendto(what, client)

        thread = threading.Thread(target=talk, name="netlab-company", daemon=True)
        thread.start()
        value = result(function, sock, server.getsockname(), QUESTION, PATIENT_S)
        thread.join(NOTICE_S)  # a datagram may have been sent and no answer awaited
        report("answer", ([*got, *_drain(server)], value, _state(sock)))


def ask_in_vain(function: Function, report: Report, crowded: bool) -> None:
    """Call it where the server never answers; `crowded`: a stranger never stops talking.

    Reported as `answer`: None if it raised TimeoutError, else what it returned; and whether that
    was before the time was over.
    """
    with _sockets() as (sock, server, stranger, _):
        address = sock.getsockname()
        if crowded:
            stranger.sendto(b"hello?", address)
            sock.chat = lambda: stranger.sendto(b"hello?", address)
        started_s = time.monotonic()
        try:
            value = result(function, sock, server.getsockname(), QUESTION, TIMEOUT_S)
        except TimeoutError:
            value = None
            early = time.monotonic() - started_s < TIMEOUT_S * 0.9
            report("answer", ("TimeoutError", early))
        else:
            report("answer", (repr(value)[:200], False))


_WHO = {
    "server": "the server",
    "stranger": "a stranger, at another port of the same host,",
    "namesake": "a stranger, at the same port of another host,",
}
_WIRE = {way: ("your code", str(way), "data") for way in Direction}


@contextlib.contextmanager
def _sockets() -> Iterator[tuple[CrowdedSocket, socket.socket, socket.socket, socket.socket]]:
    """Yield the code's socket, the server's, and those of two strangers."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(CrowdedSocket(socket.AF_INET, socket.SOCK_DGRAM))
        others = [
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(3)
        ]
        for sock in (ours, *others[:2]):
            sock.bind(("127.0.0.1", 0))
        others[2].bind((ELSEWHERE, others[0].getsockname()[1]))
        yield ours, others[0], others[1], others[2]


def _drain(sock: socket.socket) -> list[bytes]:
    """Return what waits in the socket."""
    found = []
    patience_s = sock.gettimeout()
    sock.setblocking(False)  # Windows has no MSG_DONTWAIT
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(sock.recv(65_536))
    sock.settimeout(patience_s)
    return found


def _state(sock: socket.socket) -> str:
    if sock.fileno() < 0:
        return "it is closed"
    with contextlib.suppress(OSError):
        sock.getpeername()
        return "it is connected"
    return ""


def hears(answer: bytes) -> Callable[[Trial], None]:
    """Return what examines `ask_in_company`."""

    def examine(trial: Trial) -> None:
        try:
            got, value, state = trial.wait("answer")
        except Broken as broken:
            raise Broken(f"{in_short(answer)} to be returned", broken.got) from None
        if got != [QUESTION]:
            raise Broken(f"{QUESTION!r} to be sent to the server, once", _in_words(got), rule=1)
        if not isinstance(value, bytes) or value != answer:
            shown = in_short(value) if isinstance(value, bytes) else repr(value)[:100]
            raise Broken(f"{in_short(answer)} to be returned", shown)
        if state:
            raise Broken("`sock` to be open, and not connected", state, rule=5)

    return examine


def _in_words(got: Sequence[bytes]) -> str:
    if not got:
        return "nothing was sent"
    return in_short(got[0]) if len(got) == 1 else f"{len(got)} datagrams were sent"


def gives_up(crowd: str) -> Callable[[Trial], None]:
    """Return what examines `ask_in_vain`; `crowd` says who else talks."""

    def examine(trial: Trial) -> None:
        trial.note(f"the server never answers{crowd}; timeout_s is {TIMEOUT_S}")
        try:
            value, early = trial.wait("answer")
        except Broken as broken:
            raise Broken(f"TimeoutError after {TIMEOUT_S} seconds", broken.got) from None
        if value != "TimeoutError":
            raise Broken("TimeoutError: the server has sent nothing", f"{value} was returned")
        if early:
            raise Broken(f"TimeoutError after {TIMEOUT_S} seconds", "it was raised before")

    return examine
