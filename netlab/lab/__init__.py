"""Instruments for a notebook: run a server, see the bytes, ask the kernel.

They know bytes and sockets, not the chat: nothing here imports `netlab.core` or
`netlab.transports`. Any object with ``start()``, ``stop()`` and ``address`` is a server.

Names are loaded when first used (PEP 562), so ``import netlab.lab`` costs a few milliseconds.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import netlab.lab.kernel as kernel
    import netlab.lab.panels as panels
    from netlab.lab.background import Background, background
    from netlab.lab.chaos import Chaos
    from netlab.lab.diagram import Ladder, ladder
    from netlab.lab.dissect import dissect
    from netlab.lab.expect import expect
    from netlab.lab.leftovers import leftovers
    from netlab.lab.lesson import LESSON, LessonClock
    from netlab.lab.panels import predict
    from netlab.lab.record import Chunk, Recording, record
    from netlab.lab.recorded_streams import record_streams
    from netlab.lab.simnet import SimulatedNetwork
    from netlab.lab.source import show_source
    from netlab.lab.tap import Tap
    from netlab.lab.tls_stream import TLSKeys

__all__ = [
    "LESSON",
    "Background",
    "Chaos",
    "Chunk",
    "Ladder",
    "LessonClock",
    "Recording",
    "SimulatedNetwork",
    "TLSKeys",
    "Tap",
    "background",
    "dissect",
    "expect",
    "kernel",
    "ladder",
    "leftovers",
    "panels",
    "predict",
    "record",
    "record_streams",
    "show_source",
]

_HOME = {
    "LESSON": "lesson",
    "Background": "background",
    "Chaos": "chaos",
    "Chunk": "record",
    "Ladder": "diagram",
    "LessonClock": "lesson",
    "Recording": "record",
    "SimulatedNetwork": "simnet",
    "TLSKeys": "tls_stream",
    "Tap": "tap",
    "background": "background",
    "dissect": "dissect",
    "expect": "expect",
    "ladder": "diagram",
    "leftovers": "leftovers",
    "predict": "panels",
    "record": "record",
    "record_streams": "recorded_streams",
    "show_source": "source",
}


def __getattr__(name: str) -> Any:
    if name in ("kernel", "panels"):
        return import_module(f"netlab.lab.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"netlab.lab.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Lab(ModuleType):
    """Lets `netlab.lab.background` be the function although a module has the same name.

    Importing a submodule sets it as an attribute of its package. For the names that we export
    the attribute stays what we export; the module is still there as
    ``from netlab.lab.background import …``.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in _HOME:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Lab

# At once, not lazily: what exists now is the baseline that `leftovers()` compares with.
import_module("netlab.lab.leftovers")
