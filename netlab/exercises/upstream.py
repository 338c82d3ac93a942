"""A proxy between two ends of the examiner: its client, and the server upstream of the proxy.

In the child, `serve_between` gives the code the address of that server besides what `serve` does:
`function(listener, upstream_address)`, `async def function(listener, upstream_address)` or
`async def function(reader, writer, upstream_address)`. A proxy that runs already must have been
told where the examiner will listen: at `NETLAB_UPSTREAM`, by default `DEFAULT`.

    with Upstream(trial, trial.wait("listening")) as upstream:
        client = upstream.client("Ada")     # connects to the proxy
        server = upstream.accept()          # as which the proxy connects
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import socket
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

from netlab.exercises.calls import Function, Report
from netlab.exercises.peers import serve
from netlab.exercises.subjects import NotExaminable, remote
from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

VARIABLE = "NETLAB_UPSTREAM"
DEFAULT = "127.0.0.1:9001"
"""where the examiner listens for a proxy that runs already"""

SHARES_PORTS = hasattr(socket, "SO_REUSEPORT")  # Windows has none
_kept: list[socket.socket] = []


def serve_between(function: Function, report: Report) -> None:
    """Let the code serve, with the address of a server as its last argument.

    Reported, as `listening`: the code's address, and that of the server, at which the examiner
    listens.
    """
    reserved = socket.socket()
    if SHARES_PORTS:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", 0))
    upstream = reserved.getsockname()
    if SHARES_PORTS:
        # Bound, but not listening: the port is ours until the examiner binds it, too (socket(7)).
        _kept.append(reserved)
    else:
        reserved.close()  # and hope that nobody takes it first

    def report_both(event: str, value: object = None) -> None:
        report(event, (value, upstream) if event == "listening" else value)

    serve(_with_last(function, upstream), report_both)


def _with_last(function: Function, last: object) -> Any:
    """Return the function without its last parameter, for which `last` is always passed."""

    def plain(*arguments: Any) -> Any:
        return function(*arguments, last)

    async def coroutine(*arguments: Any) -> Any:
        return await function(*arguments, last)

    bound: Any = coroutine if inspect.iscoroutinefunction(function) else plain
    functools.update_wrapper(bound, function)
    signature = inspect.signature(function)
    fewer = list(signature.parameters.values())[:-1]
    bound.__signature__ = signature.replace(parameters=fewer)
    return bound


class Upstream:
    """The server to which the proxy connects; it listens for as long as the context.

    Args:
        trial: in which the proxy is examined.
        where: what `trial.wait("listening")` returned.

    Raises:
        NotExaminable: the examiner cannot listen where a running proxy is to connect.
    """

    def __init__(self, trial: Trial, where: Any) -> None:
        self._trial = trial
        self._talks: list[_Accepted] = []
        ours = isinstance(where[0], tuple)
        self.proxy: tuple[str, int] = where[0] if ours else where
        at = where[1] if ours else remote(os.environ.get(VARIABLE, DEFAULT)).address
        family = socket.AF_INET6 if ":" in at[0] else socket.AF_INET
        try:
            self._listener = socket.create_server(
                at, family=family, reuse_port=ours and SHARES_PORTS
            )
        except OSError as error:
            raise NotExaminable(
                f"the examiner is the server upstream of your proxy, and cannot listen at "
                f"{at[0]}:{at[1]} ({error.strerror}); set {VARIABLE}=HOST:PORT to have it listen "
                "elsewhere"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.refuse()
        for talk in self._talks:
            talk.close()

    def refuse(self) -> None:
        """Listen no more: whoever connects from now on is refused."""
        self._listener.close()

    def client(self, name: str) -> Talk:
        """Connect to the proxy, as one of its clients."""
        return self._trial.talk(self.proxy, name)

    def accept(self, name: str = "the server") -> Talk:
        """Return the next connection of the proxy. Raises: Broken: there is none in time."""
        watched = [self._listener, *self._trial.to_watch()]
        expected = "the proxy to connect to the server upstream"
        if self._listener not in wait(watched, self._trial.patience_s):
            silence = f"no connection for {self._trial.patience_s:g} s"
            raise Broken(expected, self._trial.how_it_ended() or silence)
        sock, _ = self._listener.accept()
        talk = _Accepted(self._trial, name, sock)
        self._talks.append(talk)
        return talk

    def pair(self, client: str = "client", server: str = "the server") -> tuple[Talk, Talk]:
        """Connect to the proxy; return that connection, and the proxy's."""
        return self.client(client), self.accept(server)


class _Accepted(Talk):
    """A connection that the proxy made."""

    def __init__(self, trial: Trial, name: str, sock: socket.socket) -> None:
        super().__init__(trial, None, name)
        self._sock = sock
        sock.settimeout(trial.patience_s)
        with contextlib.suppress(OSError):  # reset already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wire("server→client", "open", f"your code connects to {name}")
