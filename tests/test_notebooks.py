"""What every chapter promises, beyond the comparison of its outputs by `pytest --nbval`."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.cell_rules import CELL_RULES
from tools.notebooks import NOTEBOOKS, Notebook, as_file, execute, normalised, read
from tools.prose_rules import PROSE_RULES, links_resolve

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
MOST_SECONDS = 20

# Runs in the kernel, before the first cell and behind the last. What nobody names gets a name
# like "Thread-3 (serve)"; the kernel's own threads have others.
PROBE = """
def _probe():
    import json, pathlib, threading, psutil
    kernel = psutil.Process()
    threads = [each.name for each in threading.enumerate()]
    listening = [each for each in kernel.net_connections() if each.status == "LISTEN"]
    print(json.dumps({
        "threads": [each for each in threads if each.startswith(("netlab-", "Thread-"))],
        "children": [" ".join(each.cmdline()) for each in kernel.children(recursive=True)],
        "listeners": [f"{each.laddr.ip}:{each.laddr.port}" for each in listening],
        "files": [each.name for each in pathlib.Path.cwd().iterdir()],
    }))
_probe()
"""

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)


def test_there_are_notebooks() -> None:
    assert PATHS, "notebooks/ has no *.ipynb: every test of a notebook would pass by not running"


@every_notebook
@pytest.mark.parametrize("rule", CELL_RULES + PROSE_RULES, ids=lambda rule: rule.__name__)
def test_a_notebook_keeps_the_rule(path: Path, rule: Callable[[Notebook], Iterator[str]]) -> None:
    complaints = "\n".join(rule(read(path)))
    assert not complaints


@every_notebook
def test_links_resolve(path: Path) -> None:
    complaints = "\n".join(links_resolve(read(path), path))
    assert not complaints


@every_notebook
def test_the_file_is_as_make_notebooks_writes_it(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == as_file(normalised(read(path)))


def left_behind(notebook: Notebook, folder: Path = NOTEBOOKS) -> dict[str, list[str]]:
    """Run the notebook in `folder` and return what is there only afterwards, by kind."""
    cells = [new_code_cell(PROBE), *notebook.cells, new_code_cell(PROBE)]
    done = execute(new_notebook(cells=cells), folder)
    before, after = (json.loads(done.cells[at].outputs[0].text) for at in (0, -1))
    return {kind: left for kind in after if (left := sorted(set(after[kind]) - set(before[kind])))}


@every_notebook
def test_a_notebook_is_quick_and_leaves_nothing_behind(path: Path) -> None:
    started = time.monotonic()
    assert left_behind(read(path)) == {}
    seconds = time.monotonic() - started
    assert seconds < MOST_SECONDS, f"took {seconds:.1f} s, a chapter may take {MOST_SECONDS} s"


THREAD = "import threading as t\nt.Thread(target=t.Event().wait, daemon=True, {}).start()"


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("threads", THREAD.format("name='netlab-accept'")),
        ("threads", THREAD.format("args=[None]")),
        ("children", "import subprocess as s\nchild = s.Popen('cat', stdin=s.PIPE)"),
        ("listeners", "import socket\nserver = socket.create_server(('127.0.0.1', 0))"),
        ("files", "open('notes.txt', 'x').close()"),
    ],
    ids=["thread", "unnamed thread", "child", "listener", "file"],
)
def test_what_a_notebook_leaves_behind_is_found(kind: str, source: str, tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell(source)])
    assert list(left_behind(notebook, tmp_path)) == [kind]
