"""Panels: a chat, a game, a server's figures, a dial, a question, live in a notebook.

    panels.chat({"alice": alice, "bob": bob})
    panels.chat(lambda: TCPClient(server.address), names=("alice", "bob"))   # can reconnect

Nothing else in netlab imports ipywidgets. A panel lives until `close()`, until its cell is run
again, or until `close_all()`; where no widgets can be shown, its `text()` says the same.
"""

from __future__ import annotations

try:
    import ipywidgets as _ipywidgets  # noqa: F401  (to say in our own words that it is missing)
except ImportError as error:
    raise ImportError(
        "panels need ipywidgets, which is not installed: pip install 'netlab[lab]'"
    ) from error

from netlab.lab.panels.cells import close_all
from netlab.lab.panels.chat_panel import ChatPanel, chat
from netlab.lab.panels.course_map import CourseMap, progress
from netlab.lab.panels.dial_panel import DialPanel, dial
from netlab.lab.panels.game_panel import GamePanel, game
from netlab.lab.panels.kernel_panel import KernelView, kernel_view
from netlab.lab.panels.page_link import PageLink, page
from netlab.lab.panels.question import Question, predict
from netlab.lab.panels.server_panel import Dashboard, dashboard

__all__ = [
    "ChatPanel",
    "CourseMap",
    "Dashboard",
    "DialPanel",
    "GamePanel",
    "KernelView",
    "PageLink",
    "Question",
    "chat",
    "close_all",
    "dashboard",
    "dial",
    "game",
    "kernel_view",
    "page",
    "predict",
    "progress",
]
