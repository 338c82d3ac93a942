"""What runs beside the code of chapter 03 that ends conversations: peers that end first, or never.

`meet_an_end` has everything happen before the code is called, so that nothing depends on who is
quicker. `take_leave` is for `goodbyes`, which plays the client.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Any

from netlab.exercises.calls import LINGER_S, Function, Report, plain, result
from netlab.exercises.words import in_short
from netlab.lab import kernel
from netlab.lab.leftovers import baseline, leftovers

ENOUGH_S = 5.0
"""the socket's timeout, where everything has come already"""
SHORT_S = 0.1
"""the same, where nothing will come"""

# ---------------------------------------------------------------- how it ended

_HAPPENS = {
    "FIN": ", then FIN (shutdown(SHUT_WR))",
    "RST": ", then RST",
    "timeout": ", and then nothing more",
    "closed": "; then your end is closed (sock.close())",
    "unconnected": "",
}


def meet_an_end(function: Function, report: Report, said: bytes, ending: str) -> None:
    """Call the function with a socket whose conversation has ended.

    Reported: `answer`: what the function returned; did it leave something unread; and what it
    changed of the socket, in words.

    Args:
        function: the code.
        report: tells the examiner.
        said: what came from the peer before.
        ending: `FIN`, `RST`, `timeout` (it has not ended, but nothing comes), `closed` (this end),
            `unconnected` (there never was a peer).
    """
    sock, peer = _unconnected() if ending == "unconnected" else _connected()
    with sock, peer:
        timeout_s = SHORT_S if ending == "timeout" else ENOUGH_S
        sock.settimeout(timeout_s)
        if ending == "unconnected":
            report("step", "sock is made, and never connected")
        else:
            says = f"sends {in_short(said)}" if said else "says nothing"
            report("step", f"the peer {says}{_HAPPENS[ending]}")
        if said:
            peer.sendall(said)
        _end(sock, peer, ending)
        report("step", f"how_it_ended(sock) is called; the timeout of sock is {timeout_s:g} s")
        answer = plain(result(function, sock))
        changed = _changed(sock, peer, ending, timeout_s)
        report("answer", (answer, _is_unread(sock), changed))


def _connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        return sock, listener.accept()[0]


def _unconnected() -> tuple[socket.socket, socket.socket]:
    return socket.socket(), socket.socket()


def _end(sock: socket.socket, peer: socket.socket, ending: str) -> None:
    if ending == "FIN":
        peer.shutdown(socket.SHUT_WR)
        _wait_state(sock, "CLOSE_WAIT")
    elif ending == "RST":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        _wait_state(sock, "CLOSE")
    elif ending == "closed":
        sock.close()


def _wait_state(sock: socket.socket, state: str) -> None:
    with contextlib.suppress(kernel.NotAvailable):  # then it is quick enough, on loopback
        kernel.wait_state(sock, state)


def _is_unread(sock: socket.socket) -> bool:
    with contextlib.suppress(OSError, kernel.NotAvailable):
        return kernel.unread_bytes(sock) > 0
    return False


def _changed(sock: socket.socket, peer: socket.socket, ending: str, timeout_s: float) -> str:
    """Say what is no longer as it was; empty: nothing."""
    if ending == "closed":
        return ""
    if sock.fileno() == -1:
        return "it is closed"
    if sock.gettimeout() != timeout_s:
        return f"its timeout is {sock.gettimeout()!r}"
    if ending in ("RST", "unconnected"):
        return ""
    peer.setblocking(False)
    try:
        came = peer.recv(1024)
    except BlockingIOError:
        return ""
    except OSError:
        return "the connection was broken off"
    return f"the peer has received {in_short(came) if came else 'FIN'}"


# ---------------------------------------------------------------- last words


def take_leave(function: Function, report: Report, last_words: bytes, timeout_s: float) -> None:
    """Call `function(sock, last_words, timeout_s)` with a client of the examiner's.

    Reported: `listening`, where the client connects, and a second address; when somebody connects
    to that, the function is called. Then `answer`: is the socket closed, and how many threads and
    other sockets are left?

    Before, somebody says to the second address how many bytes of the client's must be there,
    and in which state the connection must be: `b"12 ESTABLISHED"`.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_server(("127.0.0.1", 0)) as control,
    ):
        report("listening", (listener.getsockname(), control.getsockname()))
        sock, _ = listener.accept()
        with control.accept()[0] as bell:
            wanted = b"".join(iter(lambda: bell.recv(100), b"")).decode()
        _wait_for(sock, *wanted.split())
        before, threads = baseline(), set(threading.enumerate())
        with sock:
            result(function, sock, last_words, timeout_s)
            is_closed = sock.fileno() == -1
        left = leftovers(since=before, timeout_s=LINGER_S)
        running = sum(one.is_alive() for one in threading.enumerate() if one not in threads)
        report("answer", (is_closed, running, len(left.sockets)))


def _wait_for(sock: Any, n_bytes: str, state: str) -> None:
    _wait_state(sock, state)
    if int(n_bytes):
        with contextlib.suppress(kernel.NotAvailable):
            kernel.wait_unread(sock, int(n_bytes))
