"""Run the notebooks and store what their cells print: `make notebooks`, `make notebooks-check`.

What is stored repeats on another machine: no times, no widget state, no path of this machine.
"""

import argparse
import asyncio
import difflib
import os
import re
import sys
import tempfile
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools import kernel_ports

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
CELL_TIMEOUT_S = 60

NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT_CELL_METADATA = ("tags", "netlab", "jupyter")
# Python's own files and installed packages, wherever they are; IPython writes ~ for the home.
LIBRARY_FOLDER = re.compile(r"[~/][^\s:\"'<>]*/(?=site-packages/|python3\.\d+/)")

Notebook = Any  # nbformat.NotebookNode: a dict whose keys are attributes, too


def read(path: Path) -> Notebook:
    """Return the notebook stored at `path`; a cell without an id of its own gets one."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def as_file(notebook: Notebook) -> str:
    """Return the text of a notebook's file: keys sorted, one space of indent, a last newline."""
    return str(nbformat.writes(notebook, version=4)) + "\n"  # type: ignore[no-untyped-call]


def execute(notebook: Notebook, folder: Path = NOTEBOOKS) -> Notebook:
    """Return a copy of the notebook as it is after running all its cells in `folder`.

    The kernel gets an empty `NETLAB_HOME`: nobody's progress shows in the outputs.

    Raises:
        CellExecutionError: a cell without the tag `raises-exception` raised.
    """
    kernel_ports.use()
    executed = deepcopy(notebook)
    client = NotebookClient(
        executed,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # no warning about unencrypted loopback
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
    )
    with tempfile.TemporaryDirectory() as home:
        # client.execute() would leave an event loop behind.
        asyncio.run(client.async_execute(env={**os.environ, "NETLAB_HOME": home}))
    return executed


def normalised(notebook: Notebook) -> Notebook:
    """Return a copy without what changes from run to run and from machine to machine."""
    result = deepcopy(notebook)
    own = result.metadata.get("netlab")
    result.metadata = nbformat.from_dict(  # type: ignore[no-untyped-call]
        NOTEBOOK_METADATA | ({"netlab": own} if own else {})
    )
    result.nbformat, result.nbformat_minor = 4, 5
    for cell in result.cells:
        for key in set(cell.metadata) - set(KEPT_CELL_METADATA):
            del cell.metadata[key]
        for output in cell.get("outputs", []):
            if "data" in output and "text/plain" in output.data:
                # Without its kernel a widget is "not found"; its text says what to do.
                output.data.pop(WIDGET, None)
            if output.output_type == "error":
                output.traceback = [without_folders(line) for line in output.traceback]
    return result


def without_folders(line: str) -> str:
    """Return a line of a traceback with `…/` for the folders of libraries and none for ours."""
    ours = re.escape(str(ROOT)), re.escape(str(ROOT).replace(str(Path.home()), "~", 1))
    return LIBRARY_FOLDER.sub("…/", re.sub(rf"(?:{'|'.join(ours)})/", "", line))


def outputs_as_text(notebook: Notebook) -> list[str]:
    """Return the lines of all that `pytest --nbval` compares, for people to read."""
    lines: list[str] = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        lines.append(f"--- cell {number}: {cell.source.partition(chr(10))[0]}")
        for output in cell.outputs:
            match output.output_type:
                case "stream":
                    shown = {output.name: output.text}
                case "error":
                    shown = {"error": f"{output.ename}: {output.evalue}"}
                case _:
                    shown = {k: v for k, v in output.data.items() if k != WIDGET}
            for kind, text in sorted(shown.items()):
                lines += [f"{kind}: {line}" for line in sanitised(str(text)).splitlines()]
    return lines


def sanitised(text: str) -> str:
    """Return the text as `pytest --nbval` compares it."""
    rules = (NOTEBOOKS / "sanitize.cfg").read_text()
    for pattern, replacement in re.findall("^regex: (.*)\nreplace: (.*)$", rules, re.MULTILINE):
        text = re.sub(pattern, replacement, text)
    return text


def changes(stored: Notebook, executed: Notebook, name: str) -> list[str]:
    """Return a unified diff of the outputs, one line an entry; empty if none changed."""
    before, after = outputs_as_text(stored), outputs_as_text(executed)
    return list(
        difflib.unified_diff(before, after, f"{name} (stored)", f"{name} (now)", lineterm="")
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks named, or all. Return 1 if a cell failed, or `--check` found a change."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="store nothing, show what changed")
    parser.add_argument("paths", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_args(arguments)
    paths = options.paths or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        print("there are no notebooks in notebooks/")
        return 1
    return max([run(path, check=options.check) for path in paths])


def run(path: Path, *, check: bool) -> int:
    """Run one notebook and store it or, to check, print what changed. Return the exit status."""
    started = time.monotonic()
    stored = read(path)
    try:
        executed = normalised(execute(stored))
    except CellExecutionError as error:
        print(f"{path.name}: a cell failed, nothing is stored\n{error}")
        return 1
    print(f"{path.name}: {time.monotonic() - started:.1f} s", flush=True)
    if not check:
        path.write_text(as_file(executed), encoding="utf-8")
        return 0
    changed = changes(stored, executed, path.name)
    print("\n".join(changed), end="\n" if changed else "")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
