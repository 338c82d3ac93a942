"""`expect` prints what was raised, and fails when nothing or something else was."""

from __future__ import annotations

import errno
import os

import pytest

from netlab.lab import expect


def test_prints_type_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    with expect(ConnectionRefusedError) as caught:
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    assert capsys.readouterr().out == (
        f"ConnectionRefusedError: [Errno {errno.ECONNREFUSED}] Connection refused\n"
    )
    assert isinstance(caught.error, ConnectionRefusedError)
    assert caught.error.__traceback__ is None


def test_a_subclass_counts_and_is_printed_by_its_own_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with expect(OSError):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    assert capsys.readouterr().out.startswith("BrokenPipeError: ")


def test_a_path_is_shown_without_its_folders(capsys: pytest.CaptureFixture[str]) -> None:
    with expect(FileNotFoundError):
        open("/no/such/folder/chat.sock")  # noqa: SIM115, PTH123
    assert capsys.readouterr().out == (
        "FileNotFoundError: [Errno 2] No such file or directory: 'chat.sock'\n"
    )


def test_an_error_without_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    with expect((ValueError, TimeoutError)):
        raise TimeoutError
    assert capsys.readouterr().out == "TimeoutError\n"


def test_fails_when_nothing_is_raised() -> None:
    message = "nothing was raised; ValueError or OSError was expected"
    with pytest.raises(AssertionError, match=message), expect((ValueError, OSError)):
        pass


def test_lets_another_type_through(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), expect(ValueError):
        raise KeyError("other")
    assert capsys.readouterr().out == ""


def test_match_is_searched_in_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    with expect(ValueError, match=r"limit is \d+"):
        raise ValueError("frame of 9 bytes, limit is 8")
    message = "does not match 'limit'"
    with pytest.raises(AssertionError, match=message), expect(ValueError, match="limit"):
        raise ValueError("something else")
