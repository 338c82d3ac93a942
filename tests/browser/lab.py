"""JupyterLab as a process of its own, and a chapter open in it, driven as a person would."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page, ViewportSize

from tools.jupyterlab import START_S, TOKEN, serve
from tools.notebooks import Notebook

__all__ = ["TOKEN", "Chapter", "jupyterlab"]

SIZE: ViewportSize = {"width": 1280, "height": 1600}
SHOT_OVERLAP_PX = 60

SETTINGS = {
    # All cells stay in the page, not only those in view.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}
KERNEL_READY = """() => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
ALL_RUN = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const models = panel.content.widgets.map(cell => cell.model);
    const code = models.filter(model => model.type === 'code');
    return panel.sessionContext.session.kernel.status === 'idle'
        && code.every(model => model.executionCount && model.executionState === 'idle');
}"""
# Behind the last cell there is empty room to scroll into: the cells end earlier than the page.
EXTENT = """area => {
    const last = [...area.querySelectorAll('.jp-Cell')].at(-1).getBoundingClientRect();
    const top = area.getBoundingClientRect().top - area.scrollTop;
    return [area.clientHeight, Math.ceil(last.bottom - top)];
}"""
CUT_OFF = """() => [...document.querySelectorAll('.netlab-scroll:has(> svg)')]
    .filter(area => area.scrollWidth > area.clientWidth + 1)
    .map(area => area.closest('figure').querySelector('figcaption')?.textContent ?? 'untitled')"""


@contextmanager
def jupyterlab(root: Path, home: Path) -> Iterator[str]:
    """Serve `root` with JupyterLab, its settings and files below `home`. Yield its address."""
    options = ["--LabApp.expose_app_in_browser=True"]
    with serve(root, home, options=options, settings=SETTINGS) as server:
        yield server.address


class Chapter:
    """A notebook open in JupyterLab."""

    def __init__(self, page: Page, address: str, path: str) -> None:
        self.page = page
        self.name = Path(path).stem
        page.goto(f"{address}lab/tree/{path}?token={TOKEN}")
        # JupyterLab says "idle" before a kernel is there; this is the kernel itself.
        page.wait_for_function(KERNEL_READY, timeout=START_S * 1000)

    def run_all(self, timeout_s: float = 60) -> None:
        """Choose Kernel > Restart Kernel and Run All Cells, and wait until every cell has run."""
        self.page.get_by_role("menuitem", name="Kernel", exact=True).click()
        self.page.get_by_role("menuitem", name="Restart Kernel and Run All Cells…").click()
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()
        self.page.wait_for_function(ALL_RUN, timeout=timeout_s * 1000)

    def shut_down(self) -> None:
        """End the notebook's kernel."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    def notebook(self) -> Notebook:
        """Return the notebook as it is now in the page, outputs included."""
        model: dict[str, Any] = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.model.toJSON()"
        )
        return nbformat.from_dict(model)  # type: ignore[no-untyped-call]

    def diagrams(self) -> Locator:
        """Return the drawings in the outputs: SVG inside HTML, or SVG on its own."""
        return self.page.locator(".jp-OutputArea-output").locator(
            "svg[role=img]:visible, img[src^='data:image/svg+xml']:visible"
        )

    def cut_off(self) -> list[str]:
        """Return what one would have to scroll sideways to see the whole of a diagram."""
        titles: list[str] = self.page.evaluate(CUT_OFF)
        return titles

    def use_theme(self, theme: str) -> None:
        """Switch to `JupyterLab Light` or `JupyterLab Dark`."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        selector = f"body[data-jp-theme-name='{theme}']"
        self.page.wait_for_selector(selector, state="attached")

    def take_shots(self, folder: Path, label: str) -> list[Path]:
        """Store pictures of the whole notebook, from top to bottom, and return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{self.name}-{label}-*.png"):
            old.unlink()
        area = self.page.locator(".jp-NotebookPanel:visible .jp-WindowedPanel-outer")
        shown, total = area.evaluate(EXTENT)
        paths = []
        for number, top in enumerate(
            range(0, total - SHOT_OVERLAP_PX, shown - SHOT_OVERLAP_PX), start=1
        ):
            area.evaluate("(node, top) => { node.scrollTop = top; }", top)
            paths.append(folder / f"{self.name}-{label}-{number:02}.png")
            self.page.screenshot(path=paths[-1], animations="disabled")
        return paths
