"""A learner's process ends when its examiner is killed, with and without fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest


@pytest.mark.parametrize("without_fork", ["", "1"])
def test_it_ends_with_its_examiner(without_fork: str, tmp_path: Path) -> None:
    fifo, file = tmp_path / "fifo", tmp_path / "mine.py"
    os.mkfifo(fifo)
    file.write_text(
        f"import os\nwith open({str(fifo)!r}, 'w') as pipe:\n    pipe.write(str(os.getpid()))\n"
        "while True:\n    pass\n"
    )
    examiner = subprocess.Popen(
        [sys.executable, "-m", "netlab", "check", "greet", str(file)],
        env={**os.environ, "NETLAB_NO_FORK": without_fork, "NETLAB_HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pid = int(fifo.read_text())
    examiner.kill()
    examiner.wait()
    for _ in range(1000):  # whose child it was: nobody but /proc tells when it has ended
        if not Path(f"/proc/{pid}").exists():
            return
        threading.Event().wait(0.01)
    os.kill(pid, signal.SIGKILL)
    pytest.fail(f"process {pid} still runs")
