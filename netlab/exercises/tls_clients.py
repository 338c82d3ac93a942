"""What runs beside a learner's TLS client in the child process: servers to believe, or not."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from netlab.exercises.calls import Function, Report, result
from netlab.exercises.tls_talk import handshake_error
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

LEGS = 8
"""turns of both ends, after which a handshake is stuck"""

# ---------------------------------------------------------------- contexts, tried in memory


@dataclass(frozen=True)
class Meeting:
    """A client with the learner's context meets a server.

    Args:
        shown: the server's certificate, as `tls_certificates` calls it.
        sought: the host that the client seeks.
        version: the only version of TLS that the server speaks.
        believed: is the client to go on?
    """

    shown: str
    sought: str = "localhost"
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    believed: bool = False

    def __str__(self) -> str:
        version = self.version.name.replace("v", " ").replace("_", ".")
        return f"the client seeks {self.sought!r}; the certificate is {self.shown} ({version})"


def try_context(function: Function, report: Report, *meetings: Meeting) -> None:
    """Call the function with an authority; report what is wrong with its context, None: nothing.

    What is wrong: what was expected, and what came.
    """
    from netlab.exercises import tls_certificates

    with tls_certificates.trusting_machine():
        context = result(function, tls_certificates.ca_pem())
    if not isinstance(context, ssl.SSLContext):
        report("answer", ("an `ssl.SSLContext`", f"{context!r} was returned"))
        return
    for meeting in meetings:
        report("case", str(meeting))
        report("step", str(meeting))
        server = tls_certificates.server_context(meeting.shown)
        if problem := _judge(meeting, _shake_hands(context, server, meeting)):
            report("answer", problem)
            return
    report("answer", None)


def _judge(meeting: Meeting, refusal: str) -> tuple[str, str] | None:
    if meeting.believed and refusal:
        return "the handshake to succeed", refusal
    if not meeting.believed and not refusal:
        return "the client to refuse this server", "a handshake, as if all were well"
    return None


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, meeting: Meeting) -> str:
    """Return why the client refused, in words; empty: it did not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what TLS 1.1 is
        server.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        server.maximum_version = server.minimum_version = meeting.version
    if meeting.version < ssl.TLSVersion.TLSv1_2:
        # The level of security would refuse old versions, too. That depends on the system, and
        # on who sets it; here the context is to speak for itself.
        for context in (client, server):
            context.set_ciphers("ALL:@SECLEVEL=0")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ours = client.wrap_bio(to_client, to_server, server_hostname=meeting.sought)
    except (ssl.SSLError, ValueError) as error:
        return f"{type(error).__name__}: {error.args[-1]}"
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(LEGS):
        try:
            ours.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            return handshake_error(error)
        else:
            return ""
        with contextlib.suppress(ssl.SSLError):  # an alert tells the client
            theirs.do_handshake()
    return "a handshake without an end"


def context_holds(trial: Trial) -> None:
    """In the examiner: wait for the verdict of `try_context`.

    Raises:
        Broken: a server was believed that should not have been, or the other way round.
    """
    if problem := trial.wait("answer"):
        raise Broken(*problem)


# ---------------------------------------------------------------- clients, tried over TCP

GREETING = b"220 welcome to the chat\n"
PAGE = b"HTTP/1.1 400 Bad Request\r\n\r\n"
HALF_A_HELLO = bytes.fromhex("160303007a0200")
"""a record of 122 bytes begins, and a ServerHello (RFC 8446, 5.1 and 4)"""
MAX_BYTES = 65_536
"""more than the first message of a client"""


def _listen_to_the_end(connection: socket.socket) -> None:
    while connection.recv(MAX_BYTES):
        pass


def _greet(connection: socket.socket) -> None:
    connection.sendall(GREETING)
    _listen_to_the_end(connection)


def _answer(connection: socket.socket, answer: bytes, *, leave: bool = True) -> None:
    """Answer what comes first, and end this direction, or say no more."""
    connection.recv(MAX_BYTES)
    connection.sendall(answer)
    if leave:
        connection.shutdown(socket.SHUT_WR)
    _listen_to_the_end(connection)


def _reset(connection: socket.socket) -> None:
    connection.recv(MAX_BYTES)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _echo(connection: socket.socket) -> None:
    while data := connection.recv(MAX_BYTES):
        connection.sendall(data)


@dataclass(frozen=True)
class Scene:
    """What a server does with a connection, in words and in deeds; None: there is no server."""

    happens: str
    act: Callable[[socket.socket], None] | None


SCENES = {
    "nobody listens": Scene("nobody listens there", None),
    "a server that says nothing": Scene("the server accepts, and says nothing", _listen_to_the_end),
    "a server that stops in the middle": Scene(
        "the server begins to answer in TLS, and stops",
        partial(_answer, answer=HALF_A_HELLO, leave=False),
    ),
    "a server that hangs up": Scene(
        "the server hears the first message, and hangs up (FIN)", partial(_answer, answer=b"")
    ),
    "a server that resets": Scene(
        "the server hears the first message, and resets the connection (RST)", _reset
    ),
    "a server that hangs up in the middle": Scene(
        "the server begins to answer in TLS, and hangs up (FIN)",
        partial(_answer, answer=HALF_A_HELLO),
    ),
    "a greeting in plain text": Scene(f"the server sends {GREETING!r}", _greet),
    "an error page": Scene(
        f"the server hears the first message, and sends {PAGE!r}", partial(_answer, answer=PAGE)
    ),
    "an echo": Scene("the server sends back what it hears", _echo),
}


def shows(certificate: str) -> Scene:
    """Return the scene in which a server shakes hands and shows this certificate."""
    return Scene(
        f"the server shakes hands; its certificate is {certificate}",
        partial(_shake_hands_over_tcp, shown=certificate),
    )


def _shake_hands_over_tcp(connection: socket.socket, shown: str) -> None:
    from netlab.exercises import tls_certificates

    context = tls_certificates.server_context(shown)
    with context.wrap_socket(connection, server_side=True) as secure:
        _listen_to_the_end(secure)


def meet_server(
    function: Function, report: Report, scene: Scene, sought: str, timeout_s: float
) -> None:
    """Call `function(address, sought, ca_pem, timeout_s)`; report what it returned.

    Args:
        function: the code.
        report: tells the examiner.
        scene: what the server does.
        sought: the host.
        timeout_s: seconds.
    """
    from netlab.exercises import tls_certificates

    with socket.socket() as listener, tls_certificates.trusting_machine():
        listener.bind(("127.0.0.1", 0))  # the port is taken, but refuses until somebody listens
        if scene.act is not None:
            listener.listen()
            threading.Thread(target=_serve_one, args=[listener, scene.act], daemon=True).start()
        pem = tls_certificates.ca_pem()
        report("step", f"`hostname` is {sought!r}, `timeout_s` is {timeout_s:g}")
        report("step", scene.happens)
        report("answer", result(function, listener.getsockname(), sought, pem, timeout_s))


def _serve_one(listener: socket.socket, act: Callable[[socket.socket], None]) -> None:
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with connection:
            act(connection)


def says(expected: str) -> Callable[[Trial], None]:
    """Return what has the examiner wait for the answer of `meet_server`."""

    def examine(trial: Trial) -> None:
        try:
            answer: Any = trial.wait("answer")
        except Broken as broken:
            raise Broken(repr(expected), broken.got) from None
        if answer != expected:
            raise Broken(repr(expected), f"{answer!r} was returned")

    return examine
