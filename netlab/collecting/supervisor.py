"""Has a notebook judged by a worker, within its time; what hangs or dies costs its own row only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import netlab
from netlab.collecting.worker import Job, Judged

EXERCISE_S = 180.0
"""seconds on the clock for one exercise: the cells that make the answer, and all probes"""
START_S = 60.0
"""seconds in which a worker starts and reads the notebook"""
END_S = 5.0
"""seconds in which a worker that is told to end cleans up before it is killed"""
LINE_BYTES = 1024**2
"""longest line of a worker"""


class Stopped(Exception):
    """Nobody waits for this result any more."""


@dataclass(frozen=True)
class Unread:
    """A notebook that could not be read, and why."""

    note: str


class Supervisor:
    """Starts workers, ends them; may be used by several threads.

    Args:
        exercise_s: seconds on the clock that one exercise may take.
    """

    def __init__(self, exercise_s: float = EXERCISE_S) -> None:
        self._exercise_s = exercise_s
        self._lock = threading.Lock()  # guards both below
        self._active: set[_Worker] = set()
        self._stopped = False

    def judge(self, job: Job) -> Iterator[Judged | Unread]:
        """Yield a result for each exercise of a notebook, as soon as it is known.

        Raises:
            Stopped: `stop` was called.
        """
        while True:
            done: list[str] = []
            with self._worker(job) as worker:
                for line in worker.lines():
                    if "row" in line:
                        judged = Judged(**line["row"])
                        done.append(judged.exercise)
                        yield judged
                    elif "error" in line:
                        yield Unread(str(line["error"]))
                        return
                    elif "done" in line:
                        return
                trouble = worker.trouble()
            if self._stopped:
                raise Stopped
            if worker.begun is not None and worker.begun not in done:
                done.append(worker.begun)
                yield Judged(worker.begun, "error", note=trouble, seconds=worker.seconds)
            elif not done:  # it has died before its first exercise, and would again
                yield Unread(trouble)
                return
            job = replace(job, skip=(*job.skip, *done))

    def stop(self) -> None:
        """End what runs now, and let nothing begin."""
        with self._lock:
            self._stopped = True
            active = list(self._active)
        for worker in active:
            worker.interrupt()

    @contextlib.contextmanager
    def _worker(self, job: Job) -> Iterator[_Worker]:
        worker = _Worker(job, self._exercise_s)
        with contextlib.ExitStack() as stack:
            with self._lock:
                if self._stopped:
                    raise Stopped
                stack.enter_context(worker)
                self._active.add(worker)
            try:
                yield worker
            finally:
                with self._lock:
                    self._active.discard(worker)


class _Worker:
    """The process, in a group of its own; leaving the context ends the group."""

    def __init__(self, job: Job, exercise_s: float) -> None:
        self.begun: str | None = None
        """the exercise that it began last"""
        self.seconds = 0.0
        self._job = job
        self._exercise_s = exercise_s
        self._late = threading.Event()

    def __enter__(self) -> _Worker:
        self._stack = contextlib.ExitStack()
        home = self._stack.enter_context(_home())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "netlab.collecting.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=home,
            env=_environment(home),
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._stack.callback(self._end)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(self._job.to_json().encode())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield what it says; end when it ends, says nonsense, or is late and therefore killed."""
        assert self._process.stdout is not None
        while line := self._line(self._process.stdout):
            try:
                found = json.loads(line)
            except ValueError:
                return
            self.begun = found.get("begin", self.begun)
            yield found

    def _line(self, stdout: IO[bytes]) -> bytes:
        # A pipe cannot be polled on every system; a timer that kills its writer ends any read.
        timer = threading.Timer(self._patience_s, self._is_late)
        timer.name = "netlab-collect-deadline"
        timer.start()
        try:
            return stdout.readline(LINE_BYTES)
        finally:
            timer.cancel()
            timer.join()

    @property
    def _patience_s(self) -> float:
        return START_S if self.begun is None else self._exercise_s

    def _is_late(self) -> None:
        self._late.set()
        self._kill()

    def trouble(self) -> str:
        """Say why it has said no more."""
        if self._late.is_set():
            self.seconds = self._patience_s
            what = "not read" if self.begun is None else "not judged"
            return f"{what} after {self._patience_s:g} s"
        try:
            status = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return "the examiner's process fell silent"
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return f"the examiner's process ended ({how}): killed, or out of memory?"

    def interrupt(self) -> None:
        """Tell it to end; its contexts end what it has started."""
        with contextlib.suppress(OSError):
            self._process.terminate()

    def _end(self) -> None:
        self.interrupt()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            pass
        self._kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _kill(self) -> None:
        """End the whole group by its id, which is nobody else's as long as we have not waited."""
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    """An empty folder for results, settings and temporary files."""
    with tempfile.TemporaryDirectory(prefix="netlab-collect-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _environment(home: Path) -> dict[str, str]:
    """The teacher's environment, but for the places where a learner's code would leave things."""
    changed = dict.fromkeys(("NETLAB_HOME", "IPYTHONDIR", "TMPDIR", "TEMP", "TMP"), str(home))
    root = Path(netlab.__file__).resolve().parents[1]
    if root.name not in ("site-packages", "dist-packages"):  # a checkout, perhaps not installed
        paths = [str(root), os.environ.get("PYTHONPATH", "")]
        changed["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    # No module is taken from the current folder, where a learner's code may write.
    return {**os.environ, **changed, "PYTHONSAFEPATH": "1"}
