"""Fetches an answer: a learner's statements run in a process of their own, the code comes as bytes.

The bytes are a pickle that only a later process of the examiner's, with the same limits, reads.
What the learner's process says about success is not asked: it runs no probe, and where it would
call `check`, that notes the code and examines nothing.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cloudpickle

from netlab.collecting.notebook import FIND, Answer
from netlab.exercises import grade, registry
from netlab.exercises.calls import Report as Tell
from netlab.exercises.code_trial import ended_in_words
from netlab.exercises.grade import Exercise
from netlab.exercises.nursery import Nursery
from netlab.exercises.pickled import dumps
from netlab.exercises.received import Suspicious, receive
from netlab.exercises.report import Report
from netlab.exercises.subjects import Pickled

RUN_S = 30.0
"""seconds that the cells which make an answer may take, all together"""
DEATH_S = 0.5
"""seconds in which a process whose connection to us has ended tells its exit status"""
ANSWER_BYTES = 16 * 1024**2
"""longest answer, pickled"""
MODULES = ("netlab.collecting.fetching", "IPython.core.interactiveshell", "traitlets.config")
"""what the nursery loads beforehand for `run_cells`"""


class NoAnswer(Exception):
    """The cells brought no answer, and why."""


def fetch(nursery: Nursery, exercise: Exercise, answer: Answer, folder: Path) -> Pickled:
    """Return the code that the cells pass to the exercise's `check`.

    Args:
        folder: where the notebook is: modules beside it can be imported.

    Raises:
        NoAnswer: the cells raise before, hang, end their process, or what they pass is no code.
    """
    job = (run_cells, None, (exercise.id, answer.short, answer.whole, str(folder)))
    channel = nursery.start(dumps(job))
    said: dict[str, Any] = {}
    why = ""
    until = time.monotonic() + RUN_S
    try:
        while "ended" not in said and "raised" not in said:
            if not channel.poll(max(0.0, until - time.monotonic())):
                why = f"its cells still ran after {RUN_S:g} s"
                break
            event, value = receive(channel)
            said[event] = value
    except (EOFError, OSError, Suspicious) as error:
        why = str(error) if isinstance(error, Suspicious) else ""
    finally:
        ended, _ = nursery.end(DEATH_S if not why else 0.0)
        channel.close()
    match said.get("answer"):
        case (str(name), bytes(data)) if len(data) <= ANSWER_BYTES:
            return Pickled(data, name[:100])
    why = why or str(said.get("trouble") or "")
    raise NoAnswer(why or ended_in_words(ended.status or 0))


def run_cells(
    _: None, tell: Tell, wanted: str, short: Sequence[str], whole: Sequence[str], folder: str
) -> None:
    """In the child: run what the answer needs and, if that fails, everything above it.

    Told: `answer`, (name, pickled code), each time one is found; `trouble`, why there is none.
    """
    found: list[object] = []
    _check_notes_only(wanted, found)
    shell = _shell()
    shell.push({FIND: registry.find})
    sys.path.append(folder)  # at its end: a learner's socket.py does not become everybody's
    for sources in (short, whole):
        found.clear()
        trouble = _run(shell, sources)
        if found:
            trouble = _hand_over(tell, found[-1], Path(folder)) or trouble
        else:
            tell("trouble", trouble or "its cell was run and checked nothing")
        if not trouble:
            return


def _check_notes_only(wanted: str, found: list[object]) -> None:
    def check(self: Exercise, code: object, **_: object) -> Report:
        if self.id == wanted:
            found.append(code)
        return Report(self.title, [], None)

    exercise: Any = grade.Exercise
    exercise.check = check
    exercise.show = lambda *_: None


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return InteractiveShell.instance(config=config)


def _run(shell: Any, sources: Sequence[str]) -> str:
    """Run them in order, as a notebook would but for stopping; return the last error in words."""
    trouble = ""
    for source in sources:
        result = shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, SystemExit):
            trouble = f"its cells called sys.exit({error.code!r})"
        elif isinstance(error, MemoryError):
            trouble = "its cells used more memory than they may"
        elif error is not None:
            trouble = f"its cells raised {type(error).__name__}: {str(error)[:200]}"
    return trouble


def _hand_over(tell: Tell, code: object, folder: Path) -> str:
    """Tell the answer; return what hinders that."""
    trouble = ""
    if not callable(code):
        trouble = f"check was given a {type(code).__name__}; pass it the function or class"
    else:
        _take_along(folder)
        try:
            data = dumps(code)
            if len(data) > ANSWER_BYTES:
                trouble = f"the code needs {len(data)} bytes of data; {ANSWER_BYTES} are allowed"
        except Exception as error:
            trouble = f"the code cannot leave its process: {type(error).__name__}: {error}"[:300]
    if trouble:
        tell("trouble", trouble)
    else:
        tell("answer", (str(getattr(code, "__name__", type(code).__name__)), data))
    return trouble


def _take_along(folder: Path) -> None:
    """A learner's module beside the notebook goes along: the examiner's process has not got it."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        with contextlib.suppress(TypeError, ValueError, OSError):
            if file and Path(file).resolve().is_relative_to(folder):
                cloudpickle.register_pickle_by_value(module)
