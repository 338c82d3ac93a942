"""How code that serves TLS is called: with a listener, and a certificate made for the occasion."""

from __future__ import annotations

import atexit
import inspect
import shutil
import socket
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from netlab.exercises.calls import Function, Report, describe, result
from netlab.exercises.peers import for_ever, keep


def serve_tls(function: Function, report: Report, certificate: str) -> None:
    """Let the code serve, and report at which address. The code is one of these:

    - `function(listener, certificate)`, which serves the clients of a listening socket, for ever;
    - a coroutine function of the same (the listener does not block);
    - a class: `C(certificate)` is a context manager with an `address`.

    Args:
        function: the code.
        report: tells the examiner.
        certificate: path of a PEM file that holds a private key and its certificate.
    """
    _serve(function, report, certificate)


def serve_answers(function: Function, report: Report, certificate: str) -> None:
    """The same for `function(listener, context, answer)`.

    `context` is an `ssl.SSLContext` for a server, and `answer` an `Answer`.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # was set in Python before 3.11.4
    context.load_cert_chain(certificate)
    _serve(function, report, context, Answer())


def _serve(function: Function, report: Report, *arguments: object) -> None:
    try:
        if inspect.isclass(function):
            make: Any = function
            with make(*arguments) as server:
                report("listening", tuple(server.address[:2]))
                for_ever()
        listener = keep(socket.create_server(("127.0.0.1", 0)))
        listener.setblocking(not inspect.iscoroutinefunction(function))
        report("listening", listener.getsockname())
        result(function, listener, *arguments)
    except BaseException as error:
        report("raised", describe(function, error))
    else:
        report("ended")
    for_ever()


class Answer:
    """What `serve_answers` has the code call with each line: it echoes, and knows what it heard."""

    QUESTION = b"were you given anything that is not one line?\n"

    def __init__(self) -> None:
        self._not_one_line = b"nothing"

    def __call__(self, line: bytes) -> bytes:
        if line == self.QUESTION:
            return self._not_one_line + b"\n"
        if line.find(b"\n") != len(line) - 1:
            self._not_one_line = repr(line).encode()
        return line


class Certificate:
    """Stands for the path of a certificate for `localhost`; it is made when it is first sent.

    So nobody waits for it who examines a server that has one of its own.
    """

    def __reduce__(self) -> tuple[Callable[[str], str], tuple[str]]:
        return str, (str(_folder_with_certificate() / "localhost.pem"),)


@cache
def _folder_with_certificate() -> Path:
    import trustme  # takes a while, and comes with the extra `lab` only

    folder = Path(tempfile.mkdtemp(prefix="netlab-certificate-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    issued = trustme.CA().issue_cert("localhost", "127.0.0.1", "::1")
    path = folder / "localhost.pem"
    path.touch(0o600)  # before the key is in it
    path.write_bytes(issued.private_key_and_cert_chain_pem.bytes())
    return folder
