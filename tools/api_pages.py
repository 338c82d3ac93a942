"""The pages of the reference: the public names of netlab, netlab.lab and netlab.core."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType


def _title(text: str) -> list[str]:
    return [text, "=" * len(text), ""]


def _directive(module: str, name: str, value: object) -> list[str]:
    if isinstance(value, ModuleType):
        return [f".. automodule:: {value.__name__}", "   :members:", ""]
    if inspect.isclass(value):
        return [f".. autoclass:: {module}.{name}", "   :members:", "   :show-inheritance:", ""]
    kind = "function" if callable(value) else "data"
    return [f".. auto{kind}:: {module}.{name}", ""]


def _package(name: str) -> str:
    """A page with every name in the package's `__all__`."""
    package = import_module(name)
    lines = [*_title(name), f".. automodule:: {name}", "   :no-members:", ""]
    lines += [f".. currentmodule:: {name}", ""]
    lines += [".. autosummary::", "", *(f"   {each}" for each in package.__all__), ""]
    for each in package.__all__:
        lines += [each, "-" * len(each), ""]
        lines += _directive(name, each, getattr(package, each))
    return "\n".join(lines)


def _modules(name: str) -> str:
    """A page with every module of a package that has no `__all__` of its own."""
    package = import_module(name)
    lines = [*_title(name), f".. automodule:: {name}", "   :no-members:", ""]
    for module in pkgutil.iter_modules(package.__path__):
        full = f"{name}.{module.name}"
        lines += [full, "-" * len(full), ""]
        lines += [f".. automodule:: {full}", "   :members:", ""]
    return "\n".join(lines)


def api_pages() -> Iterator[tuple[str, str]]:
    """Yield each page's path and its text, as reStructuredText."""
    yield "api/netlab.rst", _package("netlab")
    yield "api/netlab.lab.rst", _package("netlab.lab")
    yield "api/netlab.core.rst", _modules("netlab.core")
