"""The floors of the house: an import never points up.

notebooks  ->  cli, exercises  ->  transports  ->  core
                     └------>  lab  (imports neither core nor transports)
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = {
    "core": {"core"},
    "lab": {"lab"},
    "transports": {"transports", "core"},
    "exercises": {"exercises", "transports", "lab", "core"},
    # The package's front door, the command line: modules that lie directly in netlab/.
    "front": {"front", "exercises", "transports", "lab", "core"},
}
IMPURE = set(
    "asyncio concurrent io logging multiprocessing os pathlib queue random secrets select "
    "selectors signal socket socketserver ssl subprocess tempfile threading time uuid".split()
)
HEAVY = set(
    "asyncio engineio hypothesis ipykernel IPython ipywidgets msgspec prompt_toolkit rich socketio "
    "ssl uvicorn websockets".split()
)


def modules() -> dict[str, str]:
    """Return the source of each module of the package, by its dotted name."""
    found = {}
    for path in sorted(ROOT.glob("netlab/**/*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name] = path.read_text(encoding="utf-8")
    return found


def imports(module: str, source: str) -> Iterator[str]:
    """Yield the dotted name of everything that the source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def floor(name: str) -> str:
    """Return the floor of a module of netlab, given its dotted name."""
    second = name.split(".")[1] if "." in name else ""
    return second if second in FLOORS else "front"


def faults(module: str, source: str) -> list[str]:
    """Return what is wrong with the imports of a module."""
    home, found = floor(module), []
    for name in imports(module, source):
        top = name.partition(".")[0]
        if top == "netlab" and floor(name) not in FLOORS[home]:
            found.append(f"{module}: the floor {home} must not import {name}")
        if top in ("notebooks", "tests", "tools"):
            found.append(f"{module}: the package must not import {name}")
        if top == "ipywidgets" and not f"{module}.".startswith("netlab.lab.panels."):
            found.append(f"{module}: only netlab.lab.panels imports ipywidgets")
        third_party = top not in sys.stdlib_module_names and top not in ("netlab", "msgspec")
        if home == "core" and (top in IMPURE or third_party):
            found.append(f"{module}: core is pure, and {top} is not")
    return found


def test_imports_point_down() -> None:
    found = modules()
    assert {floor(name) for name in found} >= {"core", "lab", "transports", "front"}
    assert [fault for name, source in found.items() for fault in faults(name, source)] == []


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("netlab.core.chat", "from netlab.transports import tcp", "core must not import"),
        ("netlab.core.chat", "import netlab.lab.tap", "core must not import"),
        ("netlab.core.chat", "from ..lab import tap", "core must not import netlab.lab.tap"),
        ("netlab.core.chat", "from netlab import show_source", "core must not import"),
        ("netlab.core.chat", "import socket", "core is pure, and socket is not"),
        ("netlab.core.chat", "def f():\n    from time import time", "and time is not"),
        ("netlab.core.chat", "import os.path", "and os is not"),
        ("netlab.core.chat", "import websockets", "and websockets is not"),
        ("netlab.lab.tap", "from netlab.core.framing import LineReader", "lab must not import"),
        ("netlab.lab.tap", "import netlab.transports.udp", "lab must not import"),
        ("netlab.lab.tap", "from netlab.exercises import grade", "lab must not import"),
        ("netlab.lab.tap", "from netlab import cli", "lab must not import netlab.cli"),
        ("netlab.lab.tap", "import ipywidgets", "only netlab.lab.panels"),
        ("netlab.lab.panels_too", "import ipywidgets", "only netlab.lab.panels"),
        ("netlab.transports.udp", "from netlab.lab.tap import Tap", "transports must not import"),
        ("netlab.transports.udp", "import netlab.cli", "transports must not import"),
        ("netlab.exercises.grade", "from netlab.cli import main", "exercises must not import"),
        ("netlab.cli", "import notebooks", "the package must not import notebooks"),
        ("netlab.cli", "from tests.conftest import leftovers", "the package must not import"),
    ],
)
def test_an_import_that_points_up_is_found(module: str, source: str, fault: str) -> None:
    assert fault in "\n".join(faults(module, source))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("netlab.core.chat", "import re\nimport msgspec\nfrom netlab.core.errors import Refused"),
        ("netlab.core.chat", "from .errors import Refused"),
        ("netlab.lab.panels.panel", "import ipywidgets\nfrom netlab.lab import tap"),
        ("netlab.transports.udp", "import socket\nfrom netlab.core import framing"),
        ("netlab.transports.udp", "from netlab.transports import addresses"),
        ("netlab.exercises.grade", "from netlab.lab import tap\nfrom netlab.core import echo"),
        ("netlab.cli", "from netlab.exercises import grade\nimport netlab"),
    ],
)
def test_an_import_that_points_down_passes(module: str, source: str) -> None:
    assert faults(module, source) == []


def loaded(statement: str) -> set[str]:
    """Return the top-level names of the modules loaded in a new Python after the statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_import_netlab_loads_nothing_heavy() -> None:
    assert loaded("import netlab") & HEAVY == set()


def test_a_heavy_import_would_be_seen() -> None:
    assert {"asyncio", "websockets"} <= loaded("import netlab, websockets.asyncio.client")
