"""cProfile for all of a server's threads."""

from __future__ import annotations

import cProfile
import io
import pstats
import threading
from typing import Any

LINES = 12


class Profiler:
    """Profiles every thread that begins while it is there."""

    def __init__(self) -> None:
        self._profiles: list[cProfile.Profile] = []
        threading.setprofile(self._watch)

    def _watch(self, *event: Any) -> None:
        one = cProfile.Profile()
        self._profiles.append(one)
        one.enable()

    def table(self) -> str:
        """Return the functions with most time of their own; call it when the threads are over."""
        threading.setprofile(None)  # type: ignore[arg-type]
        out = io.StringIO()
        stats = pstats.Stats(*self._profiles, stream=out)
        stats.strip_dirs().sort_stats("tottime").print_stats(LINES)
        return out.getvalue()
