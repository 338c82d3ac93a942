"""For all tests and all notebooks: nobody's own progress is read or written."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest

with contextlib.suppress(ImportError):  # tests of the package alone need no Jupyter
    from tools import kernel_ports

    kernel_ports.use()

_owner: Path | None = None
_home: tempfile.TemporaryDirectory[str] | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give each test file and each notebook an empty `NETLAB_HOME`, before its kernel starts."""
    global _home, _owner
    if item.path != _owner:
        pytest_unconfigure()
        _owner, _home = item.path, tempfile.TemporaryDirectory(prefix="netlab-home-")
        os.environ["NETLAB_HOME"] = _home.name


def pytest_unconfigure() -> None:
    """Remove the last of them."""
    if _home:
        _home.cleanup()
