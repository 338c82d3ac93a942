"""An event loop under watch: does it wait in the kernel while nothing happens, or go round?

In the child `serve_watched` calls the learner's `function(listener, stop)`, and a thread of the
examiner looks at it when asked to. In the examiner a `WatchedLoop` asks, and says when to stop.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from netlab.exercises.calls import Function, Report, describe, tidily
from netlab.exercises.rest import wants_processor
from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial
from netlab.exercises.unread import NotAvailable, held_by_kernel
from netlab.exercises.words import Broken, error_in_words

WINDOW_S = 0.05
"""seconds of silence in which a loop is looked at"""
WINDOWS = 6
"""so often it is looked at, before it counts as restless: it may have had something to finish"""
BUSY = 0.2
"""share of a window in which a loop wants the processor, if it goes round and round"""
MAX_WAKES = 2
"""times that a loop may wake up in a window: one that looks at a clock now and then is no fault"""
BUFFER_BYTES = 65_536
"""of each end's socket (Linux doubles it): small, so that little is enough to fill them"""
BACKLOG = 512

_REPROACHES = {
    "spins": ("it goes round and round, and takes the processor though nothing happens", 3),
    "polls": ("it wakes up every few milliseconds to look whether something has happened", 3),
    "threads": ("it has started threads", 2),
}
"""what is wrong, and the number of the rule in `echo_loop` that says so"""

# ---------------------------------------------------------------- in the child


def serve_watched(function: Function, report: Report) -> None:
    """Call `function(listener, stop)`; report as `listening` where it and its watch are reached.

    When the examiner hangs up on the watch, `stop` becomes readable: its other end is closed. Then
    `answer` says whether the function has closed the listener, and left `stop` open.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    _small_buffers(listener)  # the connections that it accepts inherit them
    theirs, stop = socket.socketpair()
    over, stopping = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as door:
        report("listening", (listener.getsockname(), door.getsockname()))
        control, _ = door.accept()
    # (After a fork, `threading.current_thread().native_id` is still that of the parent's thread.)
    look = _watch(threading.get_native_id(), over)

    def attend() -> None:
        with contextlib.suppress(ConnectionError):
            while control.recv(1):
                control.sendall(f"{look()}\n".encode())
        stopping.set()
        theirs.close()

    threading.Thread(target=attend, name="examiner", daemon=True).start()
    try:
        tidily(report, function, listener, stop)
    except BaseException as error:
        report("raised", describe(function, error))
    else:
        if stopping.is_set():
            report("answer", (listener.fileno() == -1, stop.fileno() != -1))
            return
        report("ended")
    over.set()
    # Nothing is closed until the examiner ends this process: what it sees must not depend on
    # whether it connected before or after the function returned.
    while True:
        threading.Event().wait()


def _watch(native_id: int, over: threading.Event) -> Callable[[], str]:
    """Return a function that looks at a thread for a moment and says how it behaves."""
    known = set(threading.enumerate())
    task = Path(f"/proc/self/task/{native_id}")

    def look() -> str:
        wanted_s, wakes = _effort(native_id)
        over.wait(WINDOW_S)
        if over.is_set():
            return "over"
        if set(threading.enumerate()) - known - {threading.current_thread()}:
            return "threads"
        wanted_later_s, wakes_later = _effort(native_id)
        if wanted_later_s - wanted_s > BUSY * WINDOW_S or wants_processor(task):
            # (The kernel adds up how long it has waited to run only when it lets it run.)
            return "spins"
        return "polls" if wakes_later - wakes > MAX_WAKES else "waits"

    return look


def _effort(native_id: int) -> tuple[float, int]:
    """Return for how many seconds the thread has run or waited to run, and how often it woke up.

    Not only how long it ran: on a busy machine one that goes round does not get the processor.
    Elsewhere than on Linux it is the processor's time of the whole process, and no wakes.
    """
    place = Path(f"/proc/self/task/{native_id}")
    try:
        run_ns, delay_ns, _ = map(int, (place / "schedstat").read_text().split())
        status = (place / "status").read_text()
    except (OSError, ValueError):
        return time.process_time(), 0
    wakes = int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return (run_ns + delay_ns) / 1e9, wakes


def _small_buffers(sock: socket.socket) -> None:
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)


# ---------------------------------------------------------------- in the examiner


class WatchedLoop:
    """The learner's loop, at work for as long as the context."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._address, control = trial.wait("listening")
        self._control = socket.create_connection(control, trial.patience_s)
        self._answers = self._control.makefile("r")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._answers.close()
        self._control.close()

    def talk(self, name: str) -> Talk:
        """Connect a client."""
        talk = self._trial.talk(self._address, name)
        _small_buffers(talk.sock)
        return talk

    def rests(self) -> None:
        """Wait until the loop waits in the kernel.

        Raises:
            Broken: it does not, or it has ended.
        """
        found = ""
        for _ in range(WINDOWS):
            with contextlib.suppress(OSError):
                self._control.sendall(b"?")
                found = self._answers.readline().strip()
            if found in ("waits", "over", ""):
                break
        self._trial.note("nobody says anything for a moment")
        if found == "waits":
            return
        expected = "a loop that waits in the kernel until something happens"
        if found in _REPROACHES:
            raise Broken(expected, *_REPROACHES[found])
        raise Broken(expected, self._trial.how_it_ended() or "nothing: it fell silent")

    def stop(self) -> tuple[bool, bool]:
        """Make `stop` readable, and wait until the function returns.

        Returns: whether it has closed the listener, and whether it has left `stop` open.

        Raises:
            Broken: it did not return in time, or it raised.
        """
        self._trial.note("`stop` becomes readable")
        self._answers.close()
        self._control.close()
        closed, left_open = self._trial.wait("answer")
        return bool(closed), bool(left_open)

    def mute(self, most_bytes: int) -> tuple[Talk, bytes | None]:
        """Connect a client that sends without reading, until no more is taken.

        Returns: the client, and what was taken; None: all of `most_bytes`.

        Raises:
            Broken: the loop does not rest meanwhile, or the connection is broken.
        """
        talk = self.talk("mute")
        self._trial.note("mute sends as much as is taken, and reads nothing")
        data, taken, stuck = noise(most_bytes), 0, False
        talk.sock.setblocking(False)
        while taken < most_bytes:
            try:
                taken += talk.sock.send(data[taken : taken + BUFFER_BYTES])
                stuck = False
            except BlockingIOError:
                if stuck:  # though the loop has had time to read
                    break
                self.rests()
                self._trial.steps.pop()
                stuck = True
            except OSError as error:
                raise Broken("the bytes to be taken", error_in_words(error)) from None
        talk.sock.settimeout(self._trial.patience_s)
        return talk, data[:taken] if taken < most_bytes else None


def kept_bytes(talk: Talk, sent_bytes: int) -> int:
    """Return how many of the bytes that a client has sent the loop keeps in its own memory.

    They are neither on their way to it nor back to the client: the kernel holds those. (A byte that
    is read and not acknowledged yet counts as on its way.) 0 where the system does not tell.
    """
    try:
        return sent_bytes - held_by_kernel(talk.sock)
    except NotAvailable:
        return 0


def noise(n_bytes: int) -> bytes:
    """Return bytes, always the same, in which a lost piece shows."""
    return random.Random(6).randbytes(n_bytes)  # noqa: S311 - no secret, but noise
