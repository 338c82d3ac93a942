"""What the tests with clients that nobody here wrote have in common."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.foreign.program import Program

HERE = Path(__file__).parent
PACKAGES = {
    "nc": "apt-get install netcat-openbsd",
    "socat": "apt-get install socat",
    "telnet": "apt-get install telnet",
    "curl": "apt-get install curl",
    "node": "apt-get install nodejs",
    "wscat": "make foreign",
    "socket.io-client": "make foreign",
}


def need(name: str) -> str:
    """Return where the program is; skip the test if it is nowhere, or fail it in CI."""
    modules = HERE / "node_modules"
    if name == "socket.io-client":
        need("node")
        found = str(modules / name) if (modules / name).is_dir() else None
    else:
        found = shutil.which(name) or shutil.which(name, path=str(modules / ".bin"))
    if found is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"skipped: install {name} ({PACKAGES[name]})")
    return found


Run = Callable[..., Program]


@pytest.fixture
def run() -> Iterator[Run]:
    """Start programs; all of them are ended after the test."""
    with ExitStack() as stack:

        def start(name: str, *arguments: object) -> Program:
            return stack.enter_context(Program([need(name), *map(str, arguments)]))

        yield start


@contextmanager
def serving(transport: str, *arguments: object) -> Iterator[Any]:
    """Run `netlab serve TRANSPORT`; yield host and port."""
    command = [sys.executable, "-m", "netlab", "serve", transport, *map(str, arguments)]
    with Program(command) as server:
        host, _, port = server.expect(r"listening on (\S+)\n")[1].rpartition(":")
        try:
            yield host, int(port)
        finally:
            server.process.terminate()
            assert server.process.wait(10) == 0
            assert "Traceback" not in server.rest()


def output(name: str, *arguments: object, text: str | None = None) -> str:
    """Run a program to its end; return what it printed."""
    command = [need(name), *map(str, arguments)]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=20, check=False
    )
    return done.stdout + done.stderr
