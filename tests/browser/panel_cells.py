"""A notebook with a cell for each panel: tried in a browser, and run twice to be compared."""

from __future__ import annotations

from pathlib import Path

import nbformat

SETUP = """\
from netlab import TCPClient, TCPServer
from netlab.lab import background, leftovers, panels, predict
from netlab.lab.chaos import Chaos

server = background(TCPServer())


def connect():
    return TCPClient(server.address)"""
CHAT = """\
chat = panels.chat(connect, names=("alice", "bob"), room="lobby")
chat"""
GAME = """\
game = panels.game(connect, names=("carol", "dave"))
game"""
BOT = """\
four = panels.game({"erin": connect}, bot=connect, seed=7, game="connect-four")
four"""
DASHBOARD = "panels.dashboard(lambda: server)"
SOCKETS = """\
import socket

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
view = panels.kernel_view({"listener": listener, "client": client}, every_s=0.2)
view"""
DIAL = """\
chaos = Chaos(server.address, seed=1)
background(chaos)  # run again, it stops the one before
dial = chaos.dial()
dial"""
PREDICT = """\
p = predict(
    "What does recv return when the other side has closed?",
    ["b''", "None", "It raises <b>ConnectionResetError</b>"],
    answer="b''",
    why="FIN is the end of the bytes, and the end of the bytes is an empty recv (RFC 9293, 3.6).",
)
p"""
REVEAL = "p.reveal()"
PROGRESS = """\
panels.progress(
    {
        "00 Start here": {},
        "01 TCP basics": {"echo": "passed", "line framing": "passed", "find the fault": "passed"},
        "02 Many clients": {"broadcast": "passed", "slow reader": "tried", "red team": "open"},
        "03 UDP": {"stop and wait": "open", "reordering": "open"},
    }
)"""
STOP = "server.stop()"
START = "server = background(TCPServer())"
END = """\
panels.close_all()
server.stop()
chaos.stop()
client.close()
listener.close()
leftovers()"""

NAMES = (
    "SETUP CHAT GAME BOT DASHBOARD SOCKETS DIAL PREDICT REVEAL PROGRESS STOP START END"
).split()
SOURCES = {name: globals()[name] for name in NAMES}


def write_notebook(path: Path, names: list[str] = NAMES) -> None:
    """Write the cells with these names as a notebook."""
    notebook = nbformat.v4.new_notebook()
    for name in names:
        cell = nbformat.v4.new_code_cell(SOURCES[name], id=name.lower())
        notebook.cells.append(cell)
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(notebook, path)
