"""What every panel is: widgets, one thread that keeps them up to date, and an end.

The thread does everything: it takes what the learner did out of a queue, looks at what has come,
and shows it. So a click never blocks the notebook, no lock is needed, and however much comes, the
page is changed a few times a second at most.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from html import escape
from types import TracebackType
from typing import Any, Self

import ipywidgets as widgets

from netlab.lab.panels import cells
from netlab.lab.panels.parts import descendants, html, view_of
from netlab.lab.panels.style import STYLE

log = logging.getLogger("netlab.lab.panels")

CLOSED = "This panel was closed. Run its cell again to have a new one."


class Panel(ABC):
    """Widgets that a thread keeps up to date until `close`. Also a context manager.

    Args:
        caption: what it is, in words: heading of the panel and its text where there are no widgets.
        slug: for the thread's name, `netlab-panel-SLUG`.
        every_s: seconds between two looks at what has come.
    """

    def __init__(self, caption: str, slug: str, every_s: float) -> None:
        if not 0.01 <= every_s <= 60:
            raise ValueError(f"every_s={every_s!r}: seconds between two looks, 0.01 to 60")
        self.caption = caption
        self.every_s = every_s
        self._closed = False
        self._todo: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._turned = threading.Condition()  # notified after each turn
        self._ends = contextlib.ExitStack()
        """what to close when the thread has ended"""
        self._alert = html()
        self.box = widgets.VBox()
        self.box.add_class("netlab-panel")
        self._slug = slug
        self._rests = False
        """nothing is there to be watched: the thread ends, until something is to be done"""
        self._starting = threading.Lock()  # guards _thread, and who puts something into _todo
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------ for each panel

    @abstractmethod
    def text(self) -> str:
        """Return what the panel shows now, as text."""

    @abstractmethod
    def _look(self) -> None:
        """Take in what has come and show it. Called by the panel's thread alone."""

    # ------------------------------------------------------------ life

    def _begin(self, *children: Any) -> None:
        heading = html(
            f'<style>{STYLE}</style><div class="np-title" role="heading" aria-level="4">'
            f"{escape(self.caption)}</div>"
        )
        self.box.children = (heading, *children, self._alert)
        cells.remember(self)
        with self._starting:
            self._start()

    def close(self) -> None:
        """End the panel: its thread, and what it opened. Twice is once.

        What it showed last stays in the page, and says that it was closed.
        """
        if self._closed:
            return
        self._closed = True
        with self._starting:
            self._todo.put(None)
            thread = self._thread
        if thread is not None:
            thread.join()
        self._ends.close()
        self._warn(CLOSED)
        for widget in descendants(self.box):
            if hasattr(widget, "disabled"):
                widget.disabled = True

    def vanish(self) -> None:
        """Close the panel and take it off the page."""
        self.close()
        for widget in (*descendants(self.box), self.box):
            widget.close()

    @property
    def closed(self) -> bool:
        """Was it closed?"""
        return self._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------ the thread

    def _do(self, action: Callable[..., None], *args: Any) -> None:
        """Let the panel's thread call `action(*args)`, and look, as soon as it can.

        What went wrong before is taken away: the learner has seen it, and does something new.
        """
        self._do_too(self._warn, "")
        self._do_too(action, *args)

    def _do_too(self, action: Callable[..., None], *args: Any) -> None:
        """The same for what the learner has not decided to do, such as a typing indicator."""
        with self._starting:
            self._todo.put(lambda: action(*args))
            if self.box.children:  # it has begun
                self._start()

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(
                target=self._run, name=f"netlab-panel-{self._slug}", daemon=True
            )
            self._thread.start()

    def _run(self) -> None:
        while True:
            self._guarded(self._look)
            with self._turned:
                self._turned.notify_all()
            with self._starting:
                if self._rests and self._todo.empty():
                    self._thread = None
                    return
            try:
                action = self._todo.get(timeout=self.every_s)
            except queue.Empty:
                continue
            if action is None:
                return
            self._guarded(action)

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # whatever it is, the learner must see it, and the panel live on
            log.debug("in a panel", exc_info=True)
            self._warn(f"{type(error).__name__}: {error}")

    def _warn(self, text: str) -> None:
        """Show what went wrong; an empty text takes it away."""
        self._alert.value = f'<div class="np-alert" role="alert">{escape(text)}</div>' * bool(text)

    def wait_until(self, done: Callable[[], bool], what: str, timeout_s: float = 2.0) -> None:
        """Return once `done()` is true after the panel has looked. `what` says what is awaited.

        Raises:
            TimeoutError: it was not within `timeout_s` seconds; the text has what is shown instead.
        """
        deadline = time.monotonic() + timeout_s
        with self._turned:
            while not done():
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError(
                        f"not within {timeout_s:g} s: {what}; the panel shows:\n{self.text()}"
                    )
                self._turned.wait(left_s)

    # ------------------------------------------------------------ how it is displayed

    def __repr__(self) -> str:
        # What is shown changes all the time; this must be the same in each run.
        return f"{self.caption} (live in JupyterLab: run this cell)"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**view_of(self.box), "text/plain": repr(self)}
