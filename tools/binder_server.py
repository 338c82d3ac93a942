"""JupyterLab in Binder's environment: what it serves, and the memory of chapters that have run."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import nbformat
import psutil
from jupyter_client.blocking.client import BlockingKernelClient

from tools.binder_environment import Environment
from tools.jupyterlab import TOKEN, Server, serve

CHAPTER_S = 120
ANSWER_S = 20


class Unusable(Exception):
    """A learner on Binder would stumble; the message says where."""


@contextmanager
def lab(environment: Environment) -> Iterator[Server]:
    """Serve the course from the environment, as Binder's start command does."""
    with serve(
        environment.source,
        environment.home / "jupyter",
        python=environment.python,
        environ=environment.environ,
    ) as server:
        yield server


def ask(server: Server, path: str, about: Any = None) -> Any:
    """Return the server's answer to a GET or, with something to tell, a POST: JSON, or text.

    Raises:
        Unusable: the status is not of success.
    """
    data = None if about is None else json.dumps(about).encode()
    headers = {"Authorization": f"token {TOKEN}"}
    request = urllib.request.Request(f"{server.address}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise Unusable(f"{path} answers {error.code} {error.reason}") from None
    return json.loads(text) if answer.headers.get_content_type() == "application/json" else text


def first_page(server: Server, readme: str) -> str:
    """Follow the README's badge as Binder does, and return the notebook that it opens.

    Raises:
        Unusable: there is no badge, or what it names is not served.
    """
    badge = re.search(r"\]\((https://mybinder\.org/v2/[^)]+)\)", readme)
    if not badge:
        raise Unusable("README.md has no Binder badge")
    (path,) = parse_qs(urlsplit(badge[1]).query)["urlpath"]
    if "jupyter-config-data" not in ask(server, path):
        raise Unusable(f"{path} is no page of JupyterLab")
    notebook = path.removeprefix("lab/tree/")
    ask(server, f"api/contents/{notebook}?content=0")
    return notebook


def a_page_through_the_proxy(server: Server, environment: Environment) -> None:
    """Fetch the chat page of a server that only this machine can reach, by JupyterLab's address.

    Raises:
        Unusable: it does not come.
    """
    program = environment.prefix / "bin" / "netlab"
    with subprocess.Popen(
        [program, "serve", "websocket", "--port", "0"],
        env=environment.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as chat:
        try:
            assert chat.stdout
            said = chat.stdout.readline()
            port = re.search(r"127\.0\.0\.1:(\d+)", said)
            if not port:
                raise Unusable(f"netlab serve did not say where it listens: {said!r}")
            if "netlab chat" not in ask(server, f"proxy/{port[1]}/"):
                raise Unusable("JupyterLab's proxy does not show the chat page")
        finally:
            chat.terminate()


def run_chapter(server: Server, path: str, root: Path) -> None:
    """Open a notebook in a kernel of the server, and run all its cells. The kernel stays.

    Raises:
        Unusable: a cell raises unannounced.
        TimeoutError: it takes too long.
    """
    session = {"path": path, "type": "notebook", "name": path, "kernel": {"name": "python3"}}
    kernel = ask(server, "api/sessions", session)["kernel"]["id"]
    client = BlockingKernelClient(connection_file=str(server.runtime / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels()
    ends = time.monotonic() + CHAPTER_S
    try:
        client.wait_for_ready(timeout=CHAPTER_S)
        notebook = nbformat.read(root / path, as_version=4)  # type: ignore[no-untyped-call]
        for cell in notebook.cells:
            if cell.cell_type == "code":
                expected = "raises-exception" in cell.metadata.get("tags", [])
                reply = client.execute_interactive(
                    cell.source,
                    allow_stdin=False,
                    stop_on_error=False,
                    timeout=ends - time.monotonic(),
                    output_hook=lambda _message: None,
                )["content"]
                if reply["status"] == "error" and not expected:
                    raise Unusable(f"{path}: {reply['ename']}: {reply['evalue']}")
    finally:
        client.stop_channels()


def memory_mb(server: Server) -> tuple[float, list[float]]:
    """Return the memory in MB of JupyterLab with all below it, and of each kernel.

    A page that several processes share counts in parts (PSS, proc_pid_smaps(5)): the sum is what
    the container is charged.
    """
    lab = psutil.Process(server.pid)
    below = {child: _pss_mb(child) for child in lab.children(recursive=True)}
    kernels = [size for child, size in below.items() if "ipykernel_launcher" in child.cmdline()]
    return _pss_mb(lab) + sum(below.values()), kernels


def _pss_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1e6


def chapters(server: Server, paths: Sequence[str], root: Path) -> tuple[float, list[float]]:
    """Run these chapters, leave them open, and return what `memory_mb` then says."""
    for path in paths:
        run_chapter(server, path, root)
    return memory_mb(server)
