"""A chapter in a real browser: `lab_page("notebooks/00_start_here.ipynb")`."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.notebooks import NOTEBOOKS, as_file, read

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.lab import Chapter

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def missing(what: str, remedy: str) -> None:
    """Skip the browser tests; where CI=true they fail, for there nothing may be missing."""
    message = f"{what} is missing: {remedy}"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Chromium as the system has it, with a profile of its own."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright", "run `make browser`, or: pip install -e '.[browser]'")
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if program is None:
        missing("Chromium", "install it (on Debian: apt install chromium)")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=FLAGS) as chromium,
    ):
        yield chromium


@pytest.fixture(scope="session")
def lab_address(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab whose notebooks have never been run: no stored output helps.

    In its folder stored/ they are as they come to a learner.
    """
    from tests.browser.lab import jupyterlab

    root = tmp_path_factory.mktemp("course")
    shutil.copytree(NOTEBOOKS, root / "notebooks")
    shutil.copytree(NOTEBOOKS, root / "stored")
    for path in (root / "notebooks").glob("*.ipynb"):
        notebook = read(path)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        path.write_text(as_file(notebook), encoding="utf-8")
    with jupyterlab(root, tmp_path_factory.mktemp("jupyter")) as address:
        yield address


@pytest.fixture
def lab_page(browser: "Browser", lab_address: str) -> "Iterator[Callable[[str], Chapter]]":
    """A function that opens a notebook in a page of its own; its kernel ends with the test."""
    from tests.browser.lab import SIZE, Chapter

    with ExitStack() as pages:

        def open_chapter(path: str) -> Chapter:
            context = pages.enter_context(browser.new_context(viewport=SIZE))
            chapter = Chapter(context.new_page(), lab_address, path)
            pages.callback(chapter.shut_down)
            return chapter

        yield open_chapter


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where the pictures go."""
    return NOTEBOOKS.parent / "test-artifacts"
