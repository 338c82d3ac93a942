"""TLS clients for the red team of chapter 09: whom they believe, and whom they do not."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import TracebackType
from typing import Any

from netlab.exercises.calls import Function, Report, result
from netlab.exercises.judges import verdict

Address = tuple[str, int]
TIMEOUT_S = 2.0
NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME, which `ssl` has no name for"""


def careful(address: Address, hostname: str, ca_pem: str) -> ssl.SSLSocket:
    """Checks everything."""
    return _connected(_careful_context(ca_pem), address, hostname)


def eloquent(address: Address, hostname: str, ca_pem: str) -> ssl.SSLSocket:
    """Checks everything, and says in its own words what is wrong."""
    try:
        return careful(address, hostname, ca_pem)
    except ssl.SSLError:
        raise ConnectionRefusedError(f"this is not {hostname}: I do not talk to it") from None


def credulous(address: Address, hostname: str, ca_pem: str) -> ssl.SSLSocket:
    """Believes anybody: "to get rid of the error"."""
    return _connected(_credulous_context(), address, hostname)


def yielding(address: Address, hostname: str, ca_pem: str) -> ssl.SSLSocket:
    """Checks everything; if that fails, it connects again and checks nothing."""
    try:
        return careful(address, hostname, ca_pem)
    except ssl.SSLError:
        return credulous(address, hostname, ca_pem)


def nameless(address: Address, hostname: str, ca_pem: str) -> ssl.SSLSocket:
    """Does not compare the name: whoever has a certificate of that authority is believed."""
    context = _careful_context(ca_pem)
    context.check_hostname = False
    return _connected(context, address, hostname)


def timeless(address: Address, hostname: str, ca_pem: str) -> ssl.SSLSocket:
    """Does not look at the dates."""
    context = _careful_context(ca_pem)
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | NO_CHECK_TIME)
    return _connected(context, address, hostname)


def worldly(address: Address, hostname: str, ca_pem: str) -> ssl.SSLSocket:
    """Believes those whom the machine believes, and not the authority that it was given."""
    return _connected(ssl.create_default_context(), address, hostname)


def _careful_context(ca_pem: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca_pem)


def _credulous_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connected(context: ssl.SSLContext, address: Address, hostname: str) -> ssl.SSLSocket:
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.create_connection(address, TIMEOUT_S))
        secure = context.wrap_socket(sock, server_hostname=hostname)
        stack.pop_all()
    return secure


class Serve:
    """`with serve(leaf) as address:` a TLS server that shows this certificate (of `trustme`).

    It shakes hands with whoever comes, and listens until they leave.
    """

    def __init__(self, leaf: Any) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            leaf.configure_cert(self._context)
        except AttributeError:
            raise TypeError(
                f"`serve` takes a certificate of trustme, such as "
                f"trustme.CA().issue_cert('localhost'), and not a {type(leaf).__name__}"
            ) from None
        self._over = threading.Event()
        self._open: list[tuple[socket.socket, threading.Thread]] = []

    def __enter__(self) -> Address:
        self._listener = socket.create_server(("127.0.0.1", 0))
        address: Address = self._listener.getsockname()
        self._accepting = threading.Thread(target=self._accept, name="netlab-served", daemon=True)
        self._accepting.start()
        return address

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._over.set()
        with contextlib.suppress(OSError):  # wakes it up
            socket.create_connection(self._listener.getsockname(), TIMEOUT_S).close()
        self._accepting.join(TIMEOUT_S)
        self._listener.close()
        for same, thread in self._open:
            with same, contextlib.suppress(OSError):  # most have left
                same.shutdown(socket.SHUT_RDWR)
            thread.join(TIMEOUT_S)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._over.is_set():
                connection.close()
                return
            thread = threading.Thread(
                target=self._serve_one, args=[connection], name="netlab-served", daemon=True
            )
            # TLS takes the socket over; this is the same connection, to end it from outside.
            self._open.append((connection.dup(), thread))
            thread.start()

    def _serve_one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # such as: we are not believed
            secure = self._context.wrap_socket(connection, server_side=True)
            with secure:
                while secure.recv(1024):
                    pass


def judge_client(function: Function, report: Report, connect: Function) -> None:
    """Call the function with a client, and what serves it certificates; report if it asserted."""
    report("answer", verdict(lambda client: result(function, client, Serve), connect))
