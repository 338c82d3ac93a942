"""The examiner: exercises that attack your code and explain what broke.

from netlab import exercises

exercises.find("01.echo_server")        # or "echo_server", where one alone is called so
exercises.find("line-echo").check("127.0.0.1:9000")
exercises.progress()                    # {"00": {"greet": "passed", …}, …}
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netlab.exercises.ledger import progress as progress
    from netlab.exercises.registry import all as all
    from netlab.exercises.registry import find as find

_HOME = {"all": "registry", "find": "registry", "progress": "ledger"}
__all__ = ["all", "find", "progress"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"netlab.exercises.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
