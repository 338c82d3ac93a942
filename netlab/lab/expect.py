"""`expect`: a cell that is meant to fail says so, and fails when it does not fail."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType


class expect:  # lower case: it reads as a keyword, `with expect(ConnectionRefusedError):`
    """Run a block that must raise `error_type`; print its type and message, and go on::

        with expect(ConnectionRefusedError) as caught:
            socket.create_connection(address)
        caught.error.errno

    A subclass counts, and is printed under its own name. `match` is a regular expression that
    must be found in the message (`re.search`).

    Raises:
        AssertionError: nothing was raised, or the message does not match.
        (any other exception): it is not what was expected and passes through.
    """

    def __init__(
        self,
        error_type: type[BaseException] | tuple[type[BaseException], ...],
        *,
        match: str | None = None,
    ) -> None:
        self.error_type = error_type
        self.match = match
        self.error: BaseException | None = None

    def __enter__(self) -> expect:
        self.error = None
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        wanted = _names(self.error_type)
        if error is None:
            raise AssertionError(f"nothing was raised; {wanted} was expected")
        if not isinstance(error, self.error_type):
            return False
        message = describe(error)
        if self.match is not None and not re.search(self.match, message):
            raise AssertionError(
                f"{wanted} was raised, but its message does not match {self.match!r}: {message}"
            ) from error
        # The traceback holds every frame and with it every socket of the failed call: let go.
        self.error = error.with_traceback(None)
        print(message)  # noqa: T201  (the one thing this module is for)
        return True


def describe(error: BaseException) -> str:
    """Return ``Type: message`` in one piece; of a file's path only the last part."""
    message = str(error)
    if isinstance(error, OSError) and isinstance(error.filename, str):
        message = f"[Errno {error.errno}] {error.strerror}: {Path(error.filename).name!r}"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _names(error_type: type[BaseException] | tuple[type[BaseException], ...]) -> str:
    if isinstance(error_type, tuple):
        return " or ".join(one.__name__ for one in error_type)
    return error_type.__name__
