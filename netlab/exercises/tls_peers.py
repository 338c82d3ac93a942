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
    try:
        if inspect.isclass(function):
            make: Any = function
            with make(certificate) as server:
                report("listening", tuple(server.address[:2]))
                for_ever()
        listener = keep(socket.create_server(("127.0.0.1", 0)))
        listener.setblocking(not inspect.iscoroutinefunction(function))
        report("listening", listener.getsockname())
        result(function, listener, certificate)
    except BaseException as error:
        report("raised", describe(function, error))
    else:
        report("ended")
    for_ever()


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
