"""JupyterLab as a process of its own, with all its files in a folder that is thrown away."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

START_S = 60
END_S = 20
POLL_S = 0.05
TOKEN = "netlab-test"

_PLACES = {
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "NETLAB_HOME": "progress",
}


@dataclass(frozen=True)
class Server:
    """A JupyterLab that answers."""

    address: str
    """as http://127.0.0.1:PORT/"""
    pid: int
    runtime: Path
    """where the kernels' connection files are"""


@contextmanager
def serve(
    root: Path,
    home: Path,
    *,
    python: str | Path = sys.executable,
    options: Sequence[str] = (),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Server]:
    """Serve the folder `root` with the JupyterLab of `python`, its settings and files in `home`.

    `environ` are the variables that it and its kernels have besides.

    Raises:
        RuntimeError: it ended, or did not say where it listens; the message has its log.
    """
    for name, values in (settings or {}).items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    command = [str(python), "-m", "jupyterlab", "--no-browser", f"--ServerApp.root_dir={root}"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # told port 0, an older server says that it listens on 0
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", *options]
    command += ["--ServerApp.port_retries=50", f"--IdentityProvider.token={TOKEN}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    process = subprocess.Popen(
        command,
        env={**environ, **{key: str(home / place) for key, place in _PLACES.items()}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    log: list[str] = []
    addresses: list[str] = []
    told, ended = threading.Event(), threading.Event()

    def follow() -> None:
        assert process.stderr
        for line in process.stderr:
            log.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                addresses.append(found[0])
                told.set()
        ended.set()
        told.set()

    follower = threading.Thread(target=follow, name="netlab-lab-log")
    follower.start()
    try:
        last = time.monotonic() + START_S
        told.wait(START_S)
        # It says where it will listen, and nothing when it does.
        while not addresses or not _answers(addresses[0]):
            if ended.wait(POLL_S) or time.monotonic() > last:
                raise RuntimeError(f"JupyterLab did not start within {START_S} s:\n{''.join(log)}")
        yield Server(addresses[0], process.pid, home / "runtime")
    finally:
        process.terminate()  # it ends its kernels
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        follower.join()
        if process.stderr:
            process.stderr.close()


def _answers(address: str) -> bool:
    place = urlsplit(address)
    try:
        socket.create_connection((place.hostname, place.port or 80), timeout=POLL_S).close()
    except OSError:
        return False
    return True
