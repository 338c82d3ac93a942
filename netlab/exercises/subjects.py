"""What can be examined: a function, coroutine function or class, a file, or `HOST:PORT`."""

from __future__ import annotations

import ipaddress
import linecache
import pickle
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

Code = Callable[..., Any]


class NotExaminable(ValueError):
    """This cannot be examined, and why."""


@dataclass(frozen=True)
class FromFile:
    """Something that a Python file defines. The file is run in the child process, never here."""

    path: Path
    name: str

    @property
    def __name__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return load, (str(self.path), self.name)


@dataclass(frozen=True)
class Pickled:
    """Code as cloudpickle has written it down. It is read in the child process, never here."""

    data: bytes
    name: str

    @property
    def __name__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return pickle.loads, (self.data,)


@dataclass(frozen=True)
class Remote:
    """A server that runs already, in whatever language, on this machine."""

    host: str
    port: int

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    @property
    def __name__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


Subject = Code | FromFile | Pickled | Remote


def load(path: str, name: str) -> Any:
    """Run a Python file as a module, return what it calls `name`; in the child process.

    Raises:
        AttributeError: it has no such name.
    """
    spec = spec_from_file_location("learner", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        return getattr(module, name)
    except AttributeError:
        raise AttributeError(f"{Path(path).name} defines no {name!r}") from None


def as_subject(what: object) -> Subject:
    """Return what is to be examined.

    Raises:
        TypeError: it is neither callable nor an address.
        NotExaminable: the address is none, or not one of this machine.
    """
    if isinstance(what, FromFile | Pickled | Remote):
        return what
    if isinstance(what, str):
        return remote(what)
    if isinstance(what, tuple) and len(what) in (2, 4) and isinstance(what[0], str):
        return _loopback(what[0], what[1])
    if callable(what):
        return what
    raise TypeError(
        f"{what!r} is no function: pass the function itself, without calling it "
        "(or, for a server that runs already, its 'HOST:PORT')"
    )


def remote(text: str) -> Remote:
    """Return the server at `127.0.0.1:9000`, `localhost:9000`, `[::1]:9000` or `:9000`.

    Raises:
        NotExaminable: it is no address, or not one of this machine.
    """
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.%]+)\]|([^\[\]:\s/]*)):([0-9]{1,5})", text, re.ASCII)
    if match is None:
        raise NotExaminable(f"{text!r} is no HOST:PORT; write one like 127.0.0.1:9000")
    return _loopback(match[1] or match[2] or "127.0.0.1", int(match[3]))


def _loopback(host: str, port: int) -> Remote:
    if not isinstance(port, int) or not 1 <= port <= 65_535:
        raise NotExaminable(f"{port!r} is no port that can be reached; ports are 1 to 65535")
    try:
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(host, port)}
    except (OSError, UnicodeError):
        raise NotExaminable(f"no host is called {host!r}; write one like 127.0.0.1:9000") from None
    if not all(_is_loopback(address) for address in addresses):
        raise NotExaminable(
            f"{host} is not this machine: the examiner attacks what it examines, and so talks to "
            "servers on 127.0.0.1 and ::1 only; run it on the machine where your server runs"
        )
    return Remote(host, port)


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def source_line(function: Any, file: str, line: int, number: int) -> str:
    """Return a line of the learner's code, given by file and line, and line in the function."""
    import inspect

    if isinstance(function, FromFile):
        return linecache.getline(file, line).strip()
    try:
        return inspect.getsource(inspect.unwrap(function)).splitlines()[number - 1].strip()
    except (OSError, TypeError, IndexError):
        return ""
