"""What the code cells of a notebook and their outputs must be. Each rule yields its complaints.

nbval notices neither a cell that was never run nor a `raises-exception` cell that raises no more:
an unexecuted notebook would pass it. These rules notice both.
"""

import re
from collections.abc import Iterator

from tools.notebooks import Notebook, normalised

LONG_CELL_LINES = 8
SHORT_CELLS = 0.9
IGNORED_OUTPUTS = 0.05
LAST_WORD = "nothing left behind"

SKIPPED = re.compile(r"nbval[-_]skip", re.IGNORECASE)
IGNORED = re.compile(r"(nbval|pytest_validate)[-_]ignore[-_]output", re.IGNORECASE)
ERROR_COMMENT = re.compile(r"#\s*NBVAL_RAISES_EXCEPTION")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
MACHINE_PATH = re.compile(
    r"(?<![\w.~…/-])(?:~|/(?:root|home|work|tmp|Users|private|mnt|opt|var|usr/lib))/[^\s'\"<]+"
    r"|[A-Z]:\\{1,2}Users\\[^\s'\"<]+"
)
PORT = re.compile(r"(?:127\.0\.0\.1|::1|localhost)\]?'?(?::|, )\d{4,5}\b")
SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
IMG = re.compile(r"<img\b[^>]*>")


def code_cells(notebook: Notebook) -> list[Notebook]:
    """Return the code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def named(cell: Notebook) -> str:
    """Return how a complaint names a cell: by its first line."""
    return f"cell {str(cell.source).partition(chr(10))[0]!r}"


def marks(cell: Notebook) -> str:
    """Return all that can tell nbval how to treat a cell: its tags and its comments."""
    comments = [line for line in cell.source.splitlines() if line.lstrip().startswith("#")]
    return "\n".join([*cell.metadata.get("tags", []), *comments])


def texts(cell: Notebook) -> Iterator[tuple[str, str]]:
    """Yield the outputs of a cell as pairs: kind (stdout, error, image/svg+xml …), text."""
    for output in cell.outputs:
        match output.output_type:
            case "stream":
                yield output.name, output.text
            case "error":
                lines = [f"{output.ename}: {output.evalue}", *output.traceback]
                yield "error", ANSI.sub("", "\n".join(lines))
            case _:
                yield from ((kind, str(data)) for kind, data in output.data.items())


def was_run(notebook: Notebook) -> Iterator[str]:
    """Every code cell was run, once, in order."""
    for number, cell in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != number:
            yield f"{named(cell)} has the count {cell.execution_count}, expected {number}"


def announced_errors(notebook: Notebook) -> Iterator[str]:
    """A cell raises exactly what `netlab.raises` in its metadata says, or nothing."""
    for cell in code_cells(notebook):
        raised = [output.ename for output in cell.outputs if output.output_type == "error"]
        announced = cell.metadata.get("netlab", {}).get("raises")
        tagged = "raises-exception" in cell.metadata.get("tags", [])
        if ERROR_COMMENT.search(cell.source):
            yield f"{named(cell)} announces its error in a comment; use the tag raises-exception"
        elif tagged != (announced is not None):
            yield f"{named(cell)} needs both the tag raises-exception and netlab.raises, or neither"
        elif raised != ([announced] if announced else []):
            yield f"{named(cell)} announces {announced} and raised {raised or 'nothing'}"


def compared_outputs(notebook: Notebook) -> Iterator[str]:
    """nbval skips no cell, and at most one in twenty has its output ignored."""
    cells = code_cells(notebook)
    for cell in cells:
        if SKIPPED.search(marks(cell)):
            yield f"{named(cell)} is skipped by nbval; no cell may be"
    ignored = [named(cell) for cell in cells if IGNORED.search(marks(cell))]
    if len(ignored) > IGNORED_OUTPUTS * len(cells):
        yield f"{len(ignored)} of {len(cells)} outputs ignored, 5 % may be: {', '.join(ignored)}"


def code_lines(cell: Notebook) -> int:
    """Return the number of lines that are not blank."""
    return sum(1 for line in cell.source.splitlines() if line.strip())


def short_cells(notebook: Notebook) -> Iterator[str]:
    """Nine in ten code cells have fewer than eight lines."""
    cells = code_cells(notebook)
    long = [named(cell) for cell in cells if code_lines(cell) >= LONG_CELL_LINES]
    if len(cells) - len(long) < SHORT_CELLS * len(cells):
        yield f"{len(long)} of {len(cells)} cells have 8 lines or more: {', '.join(long)}"


def no_sleep(notebook: Notebook) -> Iterator[str]:
    """No cell sleeps: it waits for the event."""
    for cell in code_cells(notebook):
        if re.search(r"\bsleep\s*\(", cell.source):
            yield f"{named(cell)} sleeps; wait for what it is waiting for"


def portable_outputs(notebook: Notebook) -> Iterator[str]:
    """No output names a folder of this machine, no error a port of this run."""
    for cell in code_cells(notebook):
        for kind, text in texts(cell):
            if found := MACHINE_PATH.search(text):
                yield f"{named(cell)} shows a path of this machine in its {kind}: {found[0]}"
            if kind == "error" and (found := PORT.search(text)):
                yield f"{named(cell)} shows a port of this run in its error: {found[0]}"


def alt_texts(notebook: Notebook) -> Iterator[str]:
    """Every picture says in words what it shows."""
    for cell in code_cells(notebook):
        for kind, text in texts(cell):
            # A repr (text/plain) may quote a picture; only these kinds draw one.
            if kind in ("image/svg+xml", "text/html", "text/markdown"):
                yield from (f"{named(cell)}: {fault}" for fault in unlabelled(text))
        for output in cell.outputs:
            for kind in {"image/png", "image/jpeg"} & set(output.get("data", {})):
                if not output.metadata.get(kind, {}).get("alt"):
                    yield f"{named(cell)}: {kind} without alt text; pass Image(alt=…)"


def unlabelled(markup: str) -> Iterator[str]:
    """Yield the pictures in the markup that lack a text for those who cannot see them."""
    for picture in SVG.findall(markup):
        opening = picture.partition(">")[0]
        if 'role="img"' not in opening:
            yield f'<svg> without role="img": {opening[:60]}'
        if not re.search(r'aria-label(ledby)?="[^"]', opening) and not re.search(
            r"<title[^>]*>\s*[^<\s]", picture
        ):
            yield f"<svg> without aria-label or <title>: {opening[:60]}"
    for tag in IMG.findall(markup):
        if not re.search(r'\balt="[^"]', tag):
            yield f"<img> without alt: {tag[:60]}"


def ends_clean(notebook: Notebook) -> Iterator[str]:
    """The last code cell looks for leftovers and says that there are none."""
    cells = code_cells(notebook)
    if not cells or not any(LAST_WORD in text for _, text in texts(cells[-1])):
        yield f"the last code cell does not show {LAST_WORD!r}"


def normal_form(notebook: Notebook) -> Iterator[str]:
    """Nothing is stored that changes from run to run or from machine to machine."""
    normal = normalised(notebook)
    for key in ("metadata", "nbformat", "nbformat_minor"):
        if notebook[key] != normal[key]:
            yield f"{key} is {dict(notebook[key]) if key == 'metadata' else notebook[key]}"
    for cell, wanted in zip(notebook.cells, normal.cells, strict=True):
        for key in ("metadata", "outputs"):
            if cell.get(key) != wanted.get(key):
                yield f"{named(cell)}: {key} is not as `make notebooks` stores it"


def folded_answers(notebook: Notebook) -> Iterator[str]:
    """A question that knows its answer is folded away, in JupyterLab and on the site."""
    for cell in code_cells(notebook):
        if re.search(r"\bpredict\(", cell.source) and "answer=" in cell.source:
            hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
            if not hidden or "hide-input" not in cell.metadata.get("tags", []):
                yield f"{named(cell)}: its answer is there to be read"


CELL_RULES = (
    folded_answers,
    was_run,
    announced_errors,
    compared_outputs,
    short_cells,
    no_sleep,
    portable_outputs,
    alt_texts,
    ends_clean,
    normal_form,
)
