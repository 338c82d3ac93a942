"""Panels: a chat, a game, a server's figures, a dial, a question, live in a notebook.

    panels.chat({"alice": alice, "bob": bob})
    panels.chat(lambda: TCPClient(server.address), names=("alice", "bob"))   # can reconnect

Nothing else in netlab imports ipywidgets. A panel lives until `close()`, until its cell is run
again, or until `close_all()`; where no widgets can be shown, its `text()` says the same.
"""

from __future__ import annotations

from netlab.lab.panels.cells import close_all
from netlab.lab.panels.chat_panel import ChatPanel, chat
from netlab.lab.panels.game_panel import GamePanel, game

__all__ = ["ChatPanel", "GamePanel", "chat", "close_all", "game"]
